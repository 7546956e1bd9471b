//! Connection tracking, kept on by a rule of our own where nothing else asks
//! for it. Only if the user did: with `--track`, or the viewer's key `E`.

use super::say;
use crate::netlink::nftables::{self, TableError, Tracked};
use crate::netlink::tracking::{Tracking, tracking};

/// Adds our rule, unless others have one that needs tracking; then there is
/// nothing to keep. Another flowtop's does not count: it goes with that one.
/// Where the kernel does not say, the rule is added, for it does no harm.
pub(super) fn keep_on() -> Result<Option<Tracked>, TableError> {
    if tracking() == Tracking::Wanted && !nftables::is_any_there().unwrap_or(false) {
        return Ok(None);
    }
    nftables::add().map(Some)
}

/// What to say of `--track` with a single list.
pub(super) fn too_late() -> Option<String> {
    (tracking() == Tracking::Unwanted).then(|| {
        "no rule here asks the kernel to track connections, and a single list is over before \
         --track could show one; take several: --count 2"
            .to_owned()
    })
}

/// Does what the viewer's key asks for, and says how that went.
pub(super) fn on_request(kept: &mut Option<Tracked>) -> Result<String, String> {
    let how = if kept.is_some() {
        "Tracking is on already, by a rule of this flowtop."
    } else {
        *kept = keep_on().map_err(|error| error.to_string())?;
        match kept {
            Some(_) => "Tracking is on until flowtop exits. Only new connections are seen whole.",
            None => "Tracking is on already, by a rule of somebody else.",
        }
    };
    Ok(how.to_owned())
}

/// Removes our rule, if there is one, and says if that failed.
pub(super) fn remove(kept: Option<Tracked>) {
    if let Some(Err(error)) = kept.map(Tracked::remove) {
        say(error);
    }
}

/// The same from another thread, of an exit that drops nothing. What has an
/// owner goes by itself.
pub(super) fn abandon() {
    // A process that may not ask has added nothing.
    if let Err(error @ TableError::Io { .. }) = nftables::remove_unowned() {
        say(error);
    }
}
