//! Without a screen: `list`, `events`, `fields`.

mod events;
mod list;

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::Failure;
use crate::collect::pace;
use crate::engine::Input;
use crate::table::Flow;
use crate::view::field::FIELDS;

pub(super) use events::events;
pub(super) use list::list;

/// How often `events` dumps the table: only to find flows that ended without
/// a word, and those whose birth was lost.
const EVENTS_PACE: pace::Settings = pace::Settings {
    interval: Duration::from_secs(10),
    share: 0.05,
};

/// Prints the field registry.
pub(super) fn fields() -> Result<(), Failure> {
    let width = FIELDS.iter().map(|f| f.key.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for field in FIELDS {
        let (key, kind) = (field.key, field.kind.name());
        writeln!(out, "{key:width$}  {kind:8} {}", field.doc).map_err(Failure::Output)?;
    }
    Ok(())
}

/// Tells an engine to stop, if there is room in its queue or it has gone.
fn stop(engine: SyncSender<Input>) -> impl FnMut() -> bool {
    move || !matches!(engine.try_send(Input::Stop), Err(TrySendError::Full(_)))
}

/// Both addresses of a flow, the destination first.
fn addresses(flow: &Flow) -> [IpAddr; 2] {
    let orig = &flow.key().orig;
    [orig.dst(), orig.src()]
}
