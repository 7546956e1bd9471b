//! The service whose clients are looked at; and if it is NFS, what the server on
//! this machine says of them: read once, or again and again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use super::Failure;
use crate::config::{ServiceName, SourceOptions};
use crate::engine::Input;
use crate::enrich::{Knowledge, nfsd};
use crate::view::group::Service;

/// How often to read it anew: clients mount and leave within minutes.
const EVERY: Duration = Duration::from_secs(5);

/// The service that the options name, by what is known of services.
///
/// # Errors
/// If nothing is called so.
pub(super) fn service(
    options: &SourceOptions,
    knowledge: &Knowledge,
) -> Result<Option<Service>, Failure> {
    let Some(ServiceName { port, proto }) = &options.service else {
        return Ok(None);
    };
    match knowledge.services().port(*proto, port) {
        Some(port) => Ok(Some(Service {
            proto: *proto,
            port: Some(port),
        })),
        None => Err(Failure::NoService {
            name: port.clone(),
            proto: *proto,
        }),
    }
}

/// Reads it once. Whether there is an NFS server that can be asked again.
pub(super) fn read(
    directory: &Path,
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

/// The service whose clients the viewer begins with, if any; where it is NFS,
/// what the server says of them is [watched](watch).
///
/// # Errors
/// Those of [`service`].
pub(super) fn begin(
    options: &SourceOptions,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
    engine: &SyncSender<Input>,
) -> Result<Option<Service>, Failure> {
    let service = service(options, knowledge)?;
    if service.is_some_and(Service::is_nfs) {
        watch(options.nfsd_dir.clone(), knowledge, warnings, engine);
    }
    Ok(service)
}

/// Reads it now and, in a thread of its own, again and again until the engine
/// has ended: a file for each client, which is too much for the engine.
fn watch(
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
