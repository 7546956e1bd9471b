//! What the NFS server of this machine says of its clients: read once, or
//! again and again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use crate::engine::Input;
use crate::enrich::{Knowledge, nfsd};

/// How often to read it anew: clients mount and leave within minutes.
const EVERY: Duration = Duration::from_secs(5);

/// Reads it once. Whether there is an NFS server that can be asked again.
pub(super) fn read(
    directory: &std::path::Path,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
) -> bool {
    match nfsd::Clients::read(directory) {
        Ok(Some(clients)) => {
            knowledge.set_nfs(Arc::new(clients));
            true
        }
        Ok(None) => false,
        Err(problem) => {
            warnings.push(problem.to_string());
            false
        }
    }
}

/// Reads it now and, in a thread of its own, again and again until the engine
/// has ended: a file for each client, which is too much for the engine.
pub(super) fn watch(
    directory: PathBuf,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
    engine: &SyncSender<Input>,
) {
    if !read(&directory, knowledge, warnings) {
        return;
    }
    let engine = engine.clone();
    let body = move || {
        loop {
            thread::sleep(EVERY);
            // A server that has just stopped has no clients; one that cannot be
            // read now can perhaps the next time.
            let Ok(clients) = nfsd::Clients::read(&directory) else {
                continue;
            };
            let clients = Arc::new(clients.unwrap_or_default());
            if engine.send(Input::Nfs(clients)).is_err() {
                return;
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("nfsd".into()).spawn(body) {
        warnings.push(format!(
            "NFS versions and mounts stay as they are now: starting a thread: {error}"
        ));
    }
}
