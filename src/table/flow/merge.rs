//! What reports change of a flow.

use std::cmp::Ordering;
use std::num::{NonZeroU32, NonZeroU64};

use super::super::end::EndReason;
use super::super::rate::Rate;
use super::super::store::Slot;
use super::{Flow, secs};
use crate::flow::{Class, Counters, Moment, Origin, Pair, Rare, Report};

/// How a report stands to what is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::table) struct Newer {
    /// State, status, timeout and the like replace those known; otherwise they
    /// only fill gaps.
    pub(in crate::table) state: bool,
    /// Lower counters were set back; otherwise they are an older reading.
    pub(in crate::table) counters: bool,
}

impl Newer {
    /// The report is the last word.
    pub(in crate::table) const ALL: Self = Self {
        state: true,
        counters: true,
    };
    /// The report was overtaken by what is known.
    pub(in crate::table) const NOTHING: Self = Self {
        state: false,
        counters: false,
    };
}

/// What [`Flow::merge`] learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::table) struct Learned {
    /// What the counters grew by.
    pub(in crate::table) delta: Pair<Counters>,
}

impl Flow {
    /// A row made from the first report about a flow. `born_ns` is the
    /// monotonic time before which it cannot have moved a byte, if that is
    /// known: then all it has counted was counted since.
    pub(in crate::table) fn new(
        report: &Report,
        at: Moment,
        serial: u64,
        born_ns: Option<u64>,
    ) -> (Self, Learned) {
        let mut flow = Self {
            key: report.key,
            class: Class::of(&report.key.orig),
            announced: false,
            age_exact: report.origin == Origin::New,
            counters_asked: false,
            whole: born_ns.is_some(),
            by_socket: false,
            state: None,
            status: None,
            mark: None,
            id: None,
            generation: 0,
            told_generation: None,
            serial,
            slot: Slot::MAX,
            reply: None,
            rare: None,
            // Absent until the kernel says otherwise; a flow without counters
            // keeps it absent.
            counters: None,
            watched: Pair::default(),
            rate: Rate::from(Pair::default(), born_ns.unwrap_or(at.mono_ns)),
            started_ns: at.mono_ns as i64,
            first_seen_secs: secs(at.mono_ns),
            moved_secs: None,
            expires_secs: None,
            start_real_ns: None,
            ended_ns: None,
            ended: None,
        };
        let learned = flow.merge(report, at, Newer::ALL);
        (flow, learned)
    }

    /// Takes over what a report says; what it does not say stays.
    pub(in crate::table) fn merge(&mut self, report: &Report, at: Moment, newer: Newer) -> Learned {
        if report.id.is_some() {
            self.id = report.id;
        }
        if let Some(reply) = report.reply.filter(|_| newer.state) {
            self.reply = (reply != self.key.orig.inverted()).then(|| Box::new(reply));
        }
        self.state = choose(newer.state, report.state, self.state);
        self.status = choose(newer.state, report.status, self.status);
        self.mark = choose(newer.state, report.mark, self.mark);
        let expires = report
            .timeout_secs
            .and_then(|left| NonZeroU32::new(secs(at.mono_ns).saturating_add(left)));
        // Only a packet gives a flow more time; a second is what clocks differ.
        let is_later = |(new, known): (NonZeroU32, NonZeroU32)| new.get() > known.get() + 1;
        if report.origin == Origin::New || expires.zip(self.expires_secs).is_some_and(is_later) {
            self.moved_secs = NonZeroU32::new(secs(at.mono_ns));
        }
        self.expires_secs = choose(newer.state, expires, self.expires_secs);
        if self.is_offloaded() || report.origin == Origin::Destroyed && expires.is_none() {
            // An offloaded flow has no timeout, and an ended one none left.
            self.expires_secs = None;
        }
        if let Some(rare) = &report.rare {
            self.merge_rare(rare, newer.state);
        }
        if let Some(start) = report.start_ns {
            if self.start_real_ns.is_none() {
                // Once, so that a step of the wall clock does not change ages.
                let age = at.real_ns.saturating_sub(start);
                self.started_ns = (at.mono_ns as i64).saturating_sub_unsigned(age);
                self.age_exact = true;
            }
            self.start_real_ns = NonZeroU64::new(start);
        }
        self.counters_asked |= !matches!(report.origin, Origin::New | Origin::Changed);
        let delta = report
            .counters
            .map(|counters| {
                if self.by_socket && !report.by_socket {
                    self.forget_socket();
                }
                self.by_socket = report.by_socket;
                self.count(counters, at, newer.counters)
            })
            .unwrap_or_default();
        Learned { delta }
    }

    /// A reading of the counters of a socket, for a flow that connection
    /// tracking does not count: what they grew by.
    pub(in crate::table) fn count_by_socket(
        &mut self,
        counters: Pair<Counters>,
        at: Moment,
    ) -> Learned {
        let wanted = self.by_socket || self.is_uncounted();
        if !wanted {
            return Learned::default();
        }
        self.by_socket = true;
        Learned {
            delta: self.count(counters, at, true),
        }
    }

    /// Connection tracking counts it after all. It counts other things, so that
    /// its first reading is a base.
    fn forget_socket(&mut self) {
        self.counters = None;
        self.whole = false;
    }

    fn merge_rare(&mut self, said: &Rare, newer: bool) {
        let rare = self.rare.get_or_insert_default();
        if said.helper.is_some() && (newer || rare.helper.is_none()) {
            rare.helper.clone_from(&said.helper);
        }
        if said.secctx.is_some() && (newer || rare.secctx.is_none()) {
            rare.secctx.clone_from(&said.secctx);
        }
        rare.master = choose(newer, said.master, rare.master);
        rare.labels = choose(newer, said.labels, rare.labels);
    }

    /// A reading of the kernel's counters: what they grew by. `newer`: whether
    /// it is newer than the last.
    fn count(&mut self, counters: Pair<Counters>, at: Moment, newer: bool) -> Pair<Counters> {
        let known = self.counters.or(self.whole.then(Pair::default));
        let delta = known.map(|known| counters.since(known));
        match delta {
            Some(Some(delta)) => {
                self.rate
                    .read(counters.bytes(), delta.map(|d| d.packets), at.mono_ns);
                self.counters = Some(counters);
                if delta != Pair::default() {
                    self.watched += delta.bytes();
                    self.moved_secs = NonZeroU32::new(secs(at.mono_ns));
                }
                delta
            }
            // Overtaken by a later reading.
            Some(None) if !newer => Pair::default(),
            // Somebody zeroed the kernel's counters: a new base, not a spike.
            Some(None) => {
                self.rate.rebase(counters.bytes(), at.mono_ns);
                self.counters = Some(counters);
                Pair::default()
            }
            // What an old flow counted before it was found is not news.
            None => {
                self.rate = Rate::from(counters.bytes(), at.mono_ns);
                self.counters = Some(counters);
                Pair::default()
            }
        }
    }

    /// Ends it at `at`. Seen from there, its age is how long it lived.
    pub(in crate::table) fn end(
        &mut self,
        reason: EndReason,
        stop_real_ns: Option<u64>,
        at: Moment,
    ) {
        if let Some((start, stop)) = self.start_ns().zip(stop_real_ns) {
            let age = stop.saturating_sub(start);
            self.started_ns = (at.mono_ns as i64).saturating_sub_unsigned(age);
        }
        self.ended = Some(reason);
        self.ended_ns = NonZeroU64::new(at.mono_ns);
    }

    /// Whether `report` speaks of another flow with the same tuple, an earlier
    /// or a later one: another id, or another birth. Ids repeat, so the birth
    /// is asked as well.
    pub(in crate::table) fn is_another(&self, report: &Report) -> bool {
        let other_id = self.id.zip(report.id).is_some_and(|(a, b)| a != b);
        other_id || self.order(report).is_some_and(Ordering::is_ne)
    }

    /// Whether this flow was born before or after the one that `report` speaks
    /// of, if the kernel stamped both.
    pub(in crate::table) fn order(&self, report: &Report) -> Option<Ordering> {
        let (ours, theirs) = self.start_ns().zip(report.start_ns)?;
        Some(ours.cmp(&theirs))
    }

    /// An event or an answer speaks of it.
    pub(in crate::table) fn hear(&mut self, origin: Origin, generation: u32) {
        self.announced |= matches!(origin, Origin::New | Origin::Changed);
        if origin != Origin::Dumped {
            self.told_generation = NonZeroU32::new(generation);
        }
        self.generation = generation;
    }

    /// The birth of a flow that a dump found first is told now. `None` if it
    /// was known; otherwise what it had counted before it was found, as long
    /// as that can be told.
    pub(in crate::table) fn claim_birth(&mut self) -> Option<Pair<Counters>> {
        if self.whole {
            return None;
        }
        self.whole = true;
        let before = self
            .counters
            .filter(|counters| self.rate.is_unread(counters.bytes()))
            .unwrap_or_default();
        self.watched += before.bytes();
        Some(before)
    }
}

/// What a report says wins if it is newer; otherwise what is known does.
fn choose<T>(newer: bool, said: Option<T>, known: Option<T>) -> Option<T> {
    if newer {
        said.or(known)
    } else {
        known.or(said)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::flow::{Key, L4, Protocol, Tuple};

    #[test]
    fn stamps_without_sense_do_no_harm() {
        let here = Ipv4Addr::LOCALHOST;
        let orig = Tuple::v4(here, here, Protocol::UDP, L4::Ports { src: 1, dst: 2 });
        let at = Moment {
            mono_ns: 1_000_000_000,
            real_ns: u64::MAX,
        };
        let report = Report {
            start_ns: Some(1),
            ..Report::about(Key { zone: 0, orig }, Origin::Dumped)
        };
        let (mut flow, _) = Flow::new(&report, at, 1, None);
        assert!(flow.age(at).duration().as_nanos() > 0);
        // Later by as much as makes the smallest number of 64 bits.
        flow.end(EndReason::TimedOut, Some((1 << 63) + 1), at);
        assert!(flow.age(at).duration().as_nanos() > 0);
    }
}
