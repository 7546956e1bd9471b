//! What is known about each address, and who waits to be asked. Pure: no I/O,
//! no clock, no threads.
//!
//! ```text
//!            ask               leave              answered
//! (unasked) -----> Queued(n) --------> InFlight(n) -------> Settled(until)
//!     ^  ^           |  ^                 |                    |
//!     |  `-----------'  `-----------------'                    |
//!     |   queue full      silence, attempts left               |
//!     `--------------------------------------------------------'
//!                       asked again after `until`
//! ```
//!
//! The last known name survives until another answer: a name that is being
//! refreshed, or whose server fails, stays on the screen.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Outcome;

/// How long names count, whatever their TTL says: not so short that a screen
/// of names is a stream of queries, not so long that a moved one stays.
const NAME_TTL: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));
/// How long it counts that there is no name.
const NAMELESS_TTL: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(3600));
/// How long to wait after the first failure; doubles with each further one.
const FAILED_TTL: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(900));

/// The server, an index that is never used twice.
pub(super) type ServerId = u64;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Addresses remembered.
    pub(super) entries: usize,
    /// Addresses waiting.
    pub(super) queued: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 16_384,
            queued: 256,
        }
    }
}

/// What an asker is told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It will be looked up; nothing to say yet.
    Pending,
    /// The queue is full of what was asked later; ask again.
    NoRoom,
    /// The last word for now: a name, or none.
    Settled(Option<Arc<str>>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Waits, after `tries` queries without an answer, the last to `last`.
    Queued {
        tries: u8,
        last: Option<ServerId>,
    },
    InFlight {
        tries: u8,
    },
    Settled {
        until: Instant,
    },
    /// Fell out of the queue; only here for its name or its failures.
    Unasked,
}

#[derive(Clone, Debug)]
struct Entry {
    state: State,
    name: Option<Arc<str>>,
    /// Lookups in a row that failed.
    failures: u8,
    /// The number of the last call of [`Cache::ask`] that held this address.
    shown: u64,
}

impl Entry {
    /// Whether there is something to remember while nobody asks.
    fn is_worth_keeping(&self) -> bool {
        self.name.is_some() || self.failures > 0
    }
}

/// The states of all addresses and the queue of those that wait.
#[derive(Debug)]
pub(super) struct Cache {
    limits: Limits,
    entries: HashMap<IpAddr, Entry>,
    /// Exactly the entries in `State::Queued`; the next one in front. Those that
    /// wait for another attempt come on top of the limit.
    queue: VecDeque<IpAddr>,
    /// The number of the current call of [`Cache::ask`].
    batch: u64,
}

impl Cache {
    /// An empty cache.
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            entries: HashMap::new(),
            queue: VecDeque::new(),
            batch: 0,
        }
    }

    /// What is known about each of `addrs`; what is not, or no longer, is queued.
    ///
    /// 1. An address that is settled and not expired is answered.
    /// 2. One that is in flight stays so.
    /// 3. The others form the new head of the queue, in the order given, as far
    ///    as the queue is long.
    /// 4. What waited before and was not asked again follows.
    /// 5. Whoever no longer fits is forgotten, without a word: it is asked
    ///    again if it is still visible.
    pub(super) fn ask<'a>(
        &mut self,
        addrs: impl IntoIterator<Item = &'a IpAddr>,
        now: Instant,
    ) -> Vec<(IpAddr, Known)> {
        self.batch += 1;
        let mut head = VecDeque::new();
        let known = addrs
            .into_iter()
            .map(|&addr| (addr, self.ask_one(addr, &mut head, now)))
            .collect();
        let before = std::mem::replace(&mut self.queue, head);
        for addr in before {
            let Some(entry) = self.entries.get_mut(&addr) else {
                continue;
            };
            if entry.shown == self.batch {
                continue;
            }
            if self.queue.len() < self.limits.queued {
                self.queue.push_back(addr);
            } else {
                entry.state = State::Unasked;
                if !entry.is_worth_keeping() {
                    self.entries.remove(&addr);
                }
            }
        }
        known
    }

    fn ask_one(&mut self, addr: IpAddr, head: &mut VecDeque<IpAddr>, now: Instant) -> Known {
        let room = head.len() < self.limits.queued;
        let batch = self.batch;
        if let Some(entry) = self.entries.get_mut(&addr) {
            let seen_in_this_batch = std::mem::replace(&mut entry.shown, batch) == batch;
            match entry.state {
                State::Settled { until } if now < until => {
                    return Known::Settled(entry.name.clone());
                }
                State::InFlight { .. } => return Known::Pending,
                State::Queued { .. } if seen_in_this_batch => return Known::Pending,
                // Counts as of this batch only if it has a place in it.
                _ if !room => {
                    entry.shown = batch - 1;
                    return Known::NoRoom;
                }
                State::Queued { .. } => {}
                State::Settled { .. } | State::Unasked => {
                    entry.state = State::Queued {
                        tries: 0,
                        last: None,
                    };
                }
            }
        } else if room {
            self.make_room(now);
            let state = State::Queued {
                tries: 0,
                last: None,
            };
            self.entries.insert(
                addr,
                Entry {
                    state,
                    name: None,
                    failures: 0,
                    shown: batch,
                },
            );
        } else {
            return Known::NoRoom;
        }
        head.push_back(addr);
        Known::Pending
    }

    /// The addresses that wait, the next one first, with the server that last
    /// left each unanswered.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (IpAddr, Option<ServerId>)> {
        self.queue.iter().map(
            |&addr| match self.entries.get(&addr).map(|entry| entry.state) {
                Some(State::Queued { last, .. }) => (addr, last),
                _ => (addr, None),
            },
        )
    }

    /// `addr`, which waits, is asked about now.
    pub(super) fn leave(&mut self, addr: IpAddr) {
        self.queue.retain(|&queued| queued != addr);
        if let Some(entry) = self.entries.get_mut(&addr)
            && let State::Queued { tries, .. } = entry.state
        {
            entry.state = State::InFlight { tries: tries + 1 };
        }
    }

    /// `server` did not answer, or failed, about `addr`, which was in flight:
    /// it waits again, as the next one, unless `attempts` are used up. Then it
    /// has failed and the name, if there was one, stays.
    pub(super) fn retry(
        &mut self,
        addr: IpAddr,
        server: ServerId,
        attempts: u8,
        now: Instant,
    ) -> Known {
        if let Some(entry) = self.entries.get_mut(&addr)
            && let State::InFlight { tries } = entry.state
            && tries < attempts
        {
            entry.state = State::Queued {
                tries,
                last: Some(server),
            };
            self.queue.push_front(addr);
            return Known::Pending;
        }
        Known::Settled(self.settle(addr, Outcome::Failed, now))
    }

    /// Nobody waits or is in flight any more: the nameservers have changed.
    /// Who is still visible is asked again.
    pub(super) fn forget_pending(&mut self) {
        self.queue.clear();
        self.entries.retain(|_, entry| {
            if !matches!(entry.state, State::Settled { .. }) {
                entry.state = State::Unasked;
            }
            entry.state != State::Unasked || entry.is_worth_keeping()
        });
    }

    /// The last word about `addr`, which was in flight. Returns the name to show.
    pub(super) fn settle(
        &mut self,
        addr: IpAddr,
        outcome: Outcome,
        now: Instant,
    ) -> Option<Arc<str>> {
        let entry = self.entries.get_mut(&addr)?;
        let ttl = match outcome {
            Outcome::Named { name, ttl } => {
                entry.failures = 0;
                entry.name = Some(name);
                ttl.clamp(NAME_TTL.0, NAME_TTL.1)
            }
            Outcome::Nameless { ttl } => {
                entry.failures = 0;
                entry.name = None;
                ttl.unwrap_or_default()
                    .clamp(NAMELESS_TTL.0, NAMELESS_TTL.1)
            }
            Outcome::Failed => {
                let doubled = FAILED_TTL.0 * (1 << entry.failures.min(8));
                entry.failures = entry.failures.saturating_add(1);
                doubled.min(FAILED_TTL.1)
            }
        };
        entry.state = State::Settled { until: now + ttl };
        entry.name.clone()
    }

    /// How many addresses wait.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Makes a place for one more.
    ///
    /// 1. Nothing happens below the limit.
    /// 2. What has expired goes.
    /// 3. If less than an eighth of the places is free then, what was shown
    ///    longest ago goes, until an eighth is free.
    ///
    /// Who waits or is in flight never goes.
    fn make_room(&mut self, now: Instant) {
        if self.entries.len() < self.limits.entries {
            return;
        }
        let settled = |entry: &Entry| matches!(entry.state, State::Settled { .. } | State::Unasked);
        let expired = |entry: &Entry| match entry.state {
            State::Settled { until } => until <= now,
            State::Unasked => true,
            State::Queued { .. } | State::InFlight { .. } => false,
        };
        self.entries.retain(|_, entry| !expired(entry));
        let keep = self.limits.entries - (self.limits.entries / 8).max(1);
        let Some(mut excess) = self.entries.len().checked_sub(keep).filter(|&n| n > 0) else {
            return;
        };
        let entries = self.entries.values().filter(|entry| settled(entry));
        let mut shown: Vec<u64> = entries.map(|entry| entry.shown).collect();
        shown.sort_unstable();
        let Some(&limit) = shown.get(excess - 1).or(shown.last()) else {
            return;
        };
        self.entries.retain(|_, entry| {
            let goes = excess > 0 && entry.shown <= limit && settled(entry);
            excess -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
