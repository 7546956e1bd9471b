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
use crate::enrich::Knowledge;
use crate::flow::Moment;
use crate::output;
use crate::table::Flow;
use crate::view::Candidate;
use crate::view::field::{Event, FIELDS};
use crate::view::filter::{Filter, Needs};
use crate::view::mask::Mask;

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

/// How records are written under a mask, if there is one.
fn masked(settings: &output::Settings, mask: Option<&Mask>) -> output::Settings {
    output::Settings {
        mask: mask.cloned(),
        ..settings.clone()
    }
}

/// Says what went wrong before the first record.
fn tell<'a>(warnings: impl Iterator<Item = &'a String>, mask: Option<&Mask>) {
    for warning in warnings {
        match mask {
            Some(mask) => super::say(mask.text(warning)),
            None => super::say(warning),
        }
    }
}

/// Whether a filter, if there is one, holds a flow.
fn holds(
    filter: Option<&Filter>,
    event: Event,
    flow: &Flow,
    knowledge: &mut Knowledge,
    now: Moment,
) -> bool {
    filter.is_none_or(|filter| {
        filter.holds(&mut Candidate {
            event,
            flow,
            now,
            knowledge,
        })
    })
}

/// Whether a filter may hold a flow of which names and owners are still to be
/// found out.
fn may_hold(
    filter: Option<&Filter>,
    event: Event,
    flow: &Flow,
    knowledge: &mut Knowledge,
    now: Moment,
) -> bool {
    filter.is_some_and(|filter| {
        let needs = filter.needs();
        needs.has(Needs::NAMES) || needs.has(Needs::OWNERS)
    }) || holds(filter, event, flow, knowledge, now)
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
