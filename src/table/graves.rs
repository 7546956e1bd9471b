//! Flows that ended a moment ago, kept so that late news does not bring them
//! back.
//!
//! Readings and events come on different ways, and either can overtake the
//! other: the kernel prepares the rows of a dump ahead, an answer waits in a
//! queue. A row about a dead flow would begin it anew, or count its bytes to
//! the flow that has its tuple now.

use std::mem;
use std::num::NonZeroU64;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::EVENT_LAG_SECS;
use super::end::EndReason;
use super::flow::Flow;
use crate::flow::{Counters, Key, Moment, Pair, Report};

/// Most flows to remember the counters of, when thousands vanish together.
const GHOSTS: usize = 100_000;

/// Tuple and id: what a message and a dead flow can be compared by when there
/// are no time stamps.
type Name = (Key, Option<u32>);

/// A flow that ended without its `DESTROY`, which may yet come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ghost {
    start_ns: Option<u64>,
    /// As last known.
    pub(super) counters: Option<Pair<Counters>>,
}

#[derive(Default)]
struct Yard {
    /// The birth of the last flow of this name that ended.
    dead: HashMap<Name, Option<NonZeroU64>, RandomState>,
    ghosts: HashMap<Name, Ghost, RandomState>,
}

/// Forgets after one to two times [`EVENT_LAG_SECS`].
#[derive(Default)]
pub(super) struct Graves {
    new: Yard,
    old: Yard,
    opened_ns: u64,
}

impl Graves {
    /// Forgets whom nothing can speak of any more. Not to be called while a
    /// dump runs: its rows can be as old as its beginning.
    pub(super) fn pass_time(&mut self, now: Moment) {
        const LAG_NS: u64 = EVENT_LAG_SECS * 1_000_000_000;
        let open = now.mono_ns.saturating_sub(self.opened_ns);
        if open >= LAG_NS {
            self.old = mem::take(&mut self.new);
            if open >= 2 * LAG_NS {
                self.old = Yard::default();
            }
            self.opened_ns = now.mono_ns;
        }
    }

    /// Remembers a flow that has ended.
    pub(super) fn bury(&mut self, flow: &Flow) {
        let name = (*flow.key(), flow.id());
        let start = flow.start_ns().and_then(NonZeroU64::new);
        self.new.dead.insert(name, start);
        if flow.end_reason().is_some_and(EndReason::is_told) {
            // Its namesake before it can have been a ghost; no longer.
            self.take_ghost(name);
        } else if self.new.ghosts.len() < GHOSTS {
            let ghost = Ghost {
                start_ns: flow.start_ns(),
                counters: flow.counters(),
            };
            self.new.ghosts.insert(name, ghost);
        }
    }

    /// Whether a reading speaks of a dead flow. In doubt it does: the next
    /// reading will tell.
    pub(super) fn hold(&self, reading: &Report) -> bool {
        let name = (reading.key, reading.id);
        [&self.new, &self.old]
            .into_iter()
            .filter(|yard| !yard.dead.is_empty())
            .filter_map(|yard| yard.dead.get(&name))
            .any(|dead| match (dead, reading.start_ns) {
                (Some(dead), Some(start)) => start <= dead.get(),
                _ => true,
            })
    }

    /// The ghost whose end this `DESTROY` tells, if it does.
    pub(super) fn lay(&mut self, destroyed: &Report) -> Option<Ghost> {
        let ghost = self.take_ghost((destroyed.key, destroyed.id))?;
        let other = ghost.start_ns.zip(destroyed.start_ns);
        other.is_none_or(|(a, b)| a == b).then_some(ghost)
    }

    fn take_ghost(&mut self, name: Name) -> Option<Ghost> {
        let new = self.new.ghosts.remove(&name);
        new.or_else(|| self.old.ghosts.remove(&name))
    }
}
