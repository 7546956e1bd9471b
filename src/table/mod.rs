//! The flow table: every live flow, kept by one owner.
//!
//! [`Table::apply`] is the only way in. It is deterministic and does no I/O,
//! so that a bug report becomes a list of updates with times.

mod end;
mod flow;
mod graves;
mod rate;
mod store;
mod totals;

use std::cmp::Ordering;

pub use end::EndReason;
pub use flow::{Age, CountedBy, Flow, Nat};
pub use rate::{PAST_STEP_SECS, Past, past_steps};
pub use totals::{ClassTotals, Totals};

use crate::flow::{Class, Counters, Key, Moment, Origin, Pair, Report, Status, Update};
use flow::Newer;
use graves::Graves;
use store::{Slot, Store};

/// How late an event or an answer can be, compared with a dump that saw the
/// same thing.
const EVENT_LAG_SECS: u64 = 5;

/// Names a row, never another one, also after its flow has ended. Ordered by
/// when the rows were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    serial: u64,
    slot: Slot,
}

impl FlowId {
    /// Counts rows in the order in which they were made.
    pub const fn number(self) -> u64 {
        self.serial
    }
}

/// What an update changed, for whoever writes events.
#[derive(Debug)]
pub enum Change<'a> {
    /// A flow began, or was found after its birth had been missed.
    Born(&'a Flow),
    /// An event told of a change.
    Changed(&'a Flow),
    /// A flow ended; [`Flow::end_reason`] says why.
    Ended(&'a Flow),
    /// The kernel dropped this many events.
    Lost(u64),
}

/// A dump that runs.
struct Dump {
    began_ns: u64,
    /// Where the next row probably lies: the kernel dumps in the same order
    /// each time, and rows lie in the order of the first dump.
    guess: Slot,
}

/// Every live flow.
#[derive(Default)]
pub struct Table {
    store: Store,
    totals: ClassTotals,
    next_serial: u64,
    /// Number of dumps begun.
    generation: u32,
    dump: Option<Dump>,
    /// The last generation whose dump was complete; 0 before the first was.
    complete: u32,
    /// When the last complete dump began; `None` before the first was complete.
    synced_ns: Option<u64>,
    graves: Graves,
    lost: u64,
    /// The generation in which events were last lost.
    lost_generation: Option<u32>,
    updates_shed: bool,
    /// Whether this kernel tells state and time left with an end.
    ends_say_why: bool,
}

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty table with room for this many flows in its index.
    pub fn with_capacity(flows: usize) -> Self {
        Self {
            store: Store::with_capacity(flows),
            ..Self::default()
        }
    }

    /// The flows as they are now, to look at while the table goes on: rows keep
    /// their names. Costs as much memory as the table, for as long as it is
    /// kept.
    #[must_use]
    pub fn picture(&self) -> Self {
        Self {
            store: self.store.clone(),
            totals: self.totals.clone(),
            synced_ns: self.synced_ns,
            lost: self.lost,
            updates_shed: self.updates_shed,
            // The rest is for what it is told, and nobody tells it anything.
            ..Self::default()
        }
    }

    /// An empty table that takes the place of this one. It names none of its
    /// rows as this one has.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            next_serial: self.next_serial,
            ..Self::default()
        }
    }

    /// Number of live flows.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether there is no live flow.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every live flow, in a stable order without meaning.
    pub fn flows(&self) -> impl Iterator<Item = (FlowId, &Flow)> {
        self.store.iter().map(|(_, flow)| (flow.row(), flow))
    }

    /// A flow by the name of its row; `None` when it has ended.
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        self.store.get(id.slot).filter(|flow| flow.row() == id)
    }

    /// The row of a flow; `None` if it is not there.
    pub fn find(&self, key: &Key) -> Option<FlowId> {
        let slot = self.store.find(key)?;
        self.store.get(slot).map(Flow::row)
    }

    /// What has been seen since the start, per class.
    pub const fn totals(&self) -> &ClassTotals {
        &self.totals
    }

    /// Events the kernel dropped since the start.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether `UPDATE` events have been given up for now.
    pub const fn updates_shed(&self) -> bool {
        self.updates_shed
    }

    /// Whether a complete dump has been taken in.
    pub const fn is_synced(&self) -> bool {
        self.synced_ns.is_some()
    }

    /// Flows that the last complete dump did not show and no event has spoken
    /// of since it began. One absence proves nothing (a resize of the kernel's
    /// hash can skip rows): ask about each.
    pub fn suspects(&self) -> Vec<Key> {
        if self.dump.is_some() {
            return Vec::new();
        }
        self.store
            .iter()
            .filter(|(_, flow)| flow.generation < self.complete)
            .map(|(_, flow)| *flow.key())
            .collect()
    }

    /// Takes one update in and tells `sink` what changed.
    ///
    /// Events arrive in the order in which things happened, and so do readings
    /// (rows of dumps, answers); but either can be late compared with the
    /// other. So what an event told is only corrected by a reading that cannot
    /// be older, and what a reading found waits for its events.
    pub fn apply(&mut self, update: &Update, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if self.dump.is_none() {
            self.graves.pass_time(at);
        }
        match update {
            Update::Flow(report) => match report.origin {
                Origin::New => self.born(report, at, sink),
                Origin::Changed => self.changed(report, at, sink),
                Origin::Destroyed => self.destroyed(report, at, sink),
                Origin::Dumped => self.dumped(report, at, sink),
                Origin::Fetched => self.fetched(report, at, sink),
            },
            Update::Counted { key, counters } => self.counted(key, *counters, at),
            Update::Absent(key) => self.absent(key, at, sink),
            Update::DumpBegin => {
                self.generation = self.generation.wrapping_add(1);
                self.dump = Some(Dump {
                    began_ns: at.mono_ns,
                    guess: 0,
                });
            }
            Update::DumpEnd { complete } => {
                // An incomplete one proves no absence: it is as if it had only
                // asked for the flows that it showed.
                if let Some(dump) = self.dump.take().filter(|_| *complete) {
                    self.complete = self.generation;
                    self.synced_ns = Some(dump.began_ns);
                }
            }
            Update::Overrun { lost } => {
                self.lost += lost;
                self.lost_generation = Some(self.generation);
                sink(Change::Lost(*lost));
            }
            Update::Shed { updates } => self.updates_shed = *updates,
        }
    }

    /// A `NEW` event.
    ///
    /// 1. An unknown key is a new flow, and what it counts, it counts since now.
    /// 2. A key that a dump found, that no event has spoken of yet and that is
    ///    younger than an event can be late, is the same flow: the dump was
    ///    faster than the event, and has the newer state.
    /// 3. Any other known key belongs to a flow whose end was missed.
    fn born(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(slot) = self.store.find(&report.key) {
            if let Some(flow) = self.store.get_mut(slot)
                && !flow.is_announced()
                && !flow.is_another(report)
                && flow.age(at).duration().as_secs() < EVENT_LAG_SECS
            {
                flow.hear(report.origin, self.generation);
                flow.merge(report, at, Newer::NOTHING);
                if let Some(before) = flow.claim_birth() {
                    let totals = self.totals.of(flow.class());
                    totals.born += 1;
                    totals.counters += before;
                    sink(Change::Born(flow));
                }
                return;
            }
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
        let slot = self.insert(report, at, Some(at.mono_ns));
        self.tell_birth(slot, sink);
    }

    /// An `UPDATE` event.
    ///
    /// 1. A known flow changed.
    /// 2. Another id means that the known flow's end was missed, and this one's
    ///    birth.
    /// 3. An unknown key is a flow whose birth was missed, or, before the first
    ///    dump is complete, one that was there before.
    fn changed(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(slot) = self.store.find(&report.key) {
            if let Some(flow) = self.store.get_mut(slot)
                && !flow.is_another(report)
            {
                let learned = flow.merge(report, at, Newer::ALL);
                flow.hear(report.origin, self.generation);
                self.totals.of(flow.class()).counters += learned.delta;
                sink(Change::Changed(flow));
                return;
            }
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
        let slot = self.insert(report, at, self.synced_ns);
        if self.synced_ns.is_some() {
            self.tell_birth(slot, sink);
        } else if let Some(flow) = self.store.get(slot) {
            sink(Change::Changed(flow));
        }
    }

    /// A `DESTROY` event.
    ///
    /// 1. A known flow ends, with the counters of the event.
    /// 2. Another flow than the known one: if events have spoken of the known
    ///    one, it was before this, and has ended too; unless its birth says
    ///    that it came later. If only readings know it, they will tell.
    /// 3. A flow that has been missed and called ended is not told twice, but
    ///    what it counted to its end counts.
    /// 4. Any other was born and ended while events were lost, or before the
    ///    first dump came to it. It counts, and is told.
    fn destroyed(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        self.ends_say_why |=
            !report.by_socket && (report.state.is_some() || report.timeout_secs.is_some());
        if let Some(slot) = self.store.find(&report.key)
            && let Some(flow) = self.store.get(slot)
        {
            if !flow.is_another(report) {
                let why = EndReason::told(report, Some(flow), self.ends_say_why, at);
                self.merge(slot, report, at, Newer::ALL);
                return self.end(slot, why, report.stop_ns, at, sink);
            }
            if flow.is_announced() && flow.order(report) != Some(Ordering::Greater) {
                self.end(slot, EndReason::Vanished, None, at, sink);
            }
        }
        if let Some(ghost) = self.graves.lay(report) {
            let last = report.counters.zip(ghost.counters);
            if let Some(delta) = last.and_then(|(last, known)| last.since(known)) {
                self.totals.of(Class::of(&report.key.orig)).counters += delta;
            }
            return;
        }
        let why = EndReason::told(report, None, self.ends_say_why, at);
        let flow = self.make(report, at, self.synced_ns);
        self.finish(flow, why, report.stop_ns, at, sink);
    }

    /// A row of a dump.
    ///
    /// 1. A flow that ended a moment ago stays ended, and one that is about to
    ///    end does not begin.
    /// 2. What an event or an answer has told since the dump began is newer
    ///    than the row; but for its state if `UPDATE` events are shed.
    /// 3. A row about another flow than the known one is passed over. Events
    ///    will tell of both; if they do not, the known flow is a suspect, and
    ///    the answer about it decides.
    /// 4. An unknown flow in the first dump is an old one. In later ones its
    ///    birth was missed, and all it has counted, it counted since the last
    ///    complete dump.
    fn dumped(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let guess = self.dump.as_ref().map_or(0, |dump| dump.guess);
        let Some(slot) = self.store.find_near(guess, &report.key) else {
            let dying = report.status.is_some_and(|s| s.has(Status::DYING));
            if !dying && !self.graves.hold(report) {
                let slot = self.insert(report, at, self.synced_ns);
                if self.synced_ns.is_some() {
                    self.tell_birth(slot, sink);
                }
            }
            return;
        };
        if let Some(dump) = &mut self.dump {
            dump.guess = slot + 1;
        }
        let Some(flow) = self.store.get(slot) else {
            return;
        };
        let told = self.dump.is_some() && flow.is_told_since(self.generation);
        if flow.is_another(report) || told && self.graves.hold(report) {
            return;
        }
        let newer = Newer {
            state: self.updates_shed || !told,
            counters: !told,
        };
        self.merge(slot, report, at, newer);
    }

    /// The answer to a get.
    ///
    /// 1. It can be older than an event that overtook it, so it begins no flow,
    ///    and says nothing about one that ended a moment ago.
    /// 2. If it is about another flow than the known one, the one born later
    ///    is alive. Where births are not known, that is the one of the answer,
    ///    unless events have begun the known one just now.
    fn fetched(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let Some(slot) = self.store.find(&report.key) else {
            return;
        };
        let Some(flow) = self.store.get_mut(slot) else {
            return;
        };
        if self.graves.hold(report) {
            return;
        }
        if flow.is_another(report) {
            let just_begun = flow.is_announced() && flow.watched_secs(at) < EVENT_LAG_SECS;
            let known_is_later = match flow.order(report) {
                Some(order) => order.is_gt(),
                None => just_begun,
            };
            if !known_is_later {
                self.end(slot, EndReason::Vanished, None, at, sink);
                let slot = self.insert(report, at, self.synced_ns);
                self.tell_birth(slot, sink);
            }
        } else {
            self.merge(slot, report, at, Newer::ALL);
        }
    }

    /// What a socket counted.
    ///
    /// 1. It counts for a flow that connection tracking was asked about and
    ///    does not count, and for no other.
    /// 2. Of an old flow the first reading is a base; one that was born while
    ///    this program watched has moved all of it since.
    /// 3. It says nothing about whether the flow is there.
    fn counted(&mut self, key: &Key, counters: Pair<Counters>, at: Moment) {
        let slot = self.store.find(key);
        if let Some(flow) = slot.and_then(|slot| self.store.get_mut(slot)) {
            let learned = flow.count_by_socket(counters, at);
            self.totals.of(flow.class()).counters += learned.delta;
        }
    }

    /// The kernel does not know this flow.
    ///
    /// 1. A flow that no event has spoken of has ended: readings come in order.
    /// 2. The end of any other is an event that is on its way, or the question
    ///    was about the flow before it. It has ended without that event if the
    ///    last complete dump did not show it either, and events were lost
    ///    since the kernel last spoke of it;
    /// 3. or if the dump before did not show it either. (Rules can keep
    ///    `DESTROY` events of a flow from being sent.)
    fn absent(&mut self, key: &Key, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let Some(slot) = self.store.find(key) else {
            return;
        };
        let Some(flow) = self.store.get(slot) else {
            return;
        };
        let missed = self.complete.saturating_sub(flow.generation);
        let lost = self.lost_generation.is_some_and(|at| at >= flow.generation);
        if !flow.is_announced() || missed >= 1 && lost || missed >= 2 {
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
    }

    /// A row, not yet in its place.
    fn make(&mut self, report: &Report, at: Moment, born_ns: Option<u64>) -> Flow {
        self.next_serial += 1;
        let (mut flow, learned) = Flow::new(report, at, self.next_serial, born_ns);
        flow.hear(report.origin, self.generation);
        let totals = self.totals.of(flow.class());
        totals.counters += learned.delta;
        totals.born += u64::from(born_ns.is_some());
        flow
    }

    fn insert(&mut self, report: &Report, at: Moment, born_ns: Option<u64>) -> Slot {
        let flow = self.make(report, at, born_ns);
        self.store.insert(flow)
    }

    fn merge(&mut self, slot: Slot, report: &Report, at: Moment, newer: Newer) {
        if let Some(flow) = self.store.get_mut(slot) {
            let learned = flow.merge(report, at, newer);
            flow.hear(report.origin, self.generation);
            if learned.delta != Pair::<Counters>::default() {
                self.totals.of(flow.class()).counters += learned.delta;
            }
        }
    }

    fn tell_birth(&self, slot: Slot, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(flow) = self.store.get(slot) {
            sink(Change::Born(flow));
        }
    }

    fn end(
        &mut self,
        slot: Slot,
        reason: EndReason,
        stop_real_ns: Option<u64>,
        at: Moment,
        sink: &mut impl FnMut(Change<'_>),
    ) {
        if let Some(flow) = self.store.remove(slot) {
            self.finish(flow, reason, stop_real_ns, at, sink);
        }
    }

    fn finish(
        &mut self,
        mut flow: Flow,
        reason: EndReason,
        stop_real_ns: Option<u64>,
        at: Moment,
        sink: &mut impl FnMut(Change<'_>),
    ) {
        flow.end(reason, stop_real_ns, at);
        self.graves.bury(&flow);
        self.totals.of(flow.class()).ended += 1;
        sink(Change::Ended(&flow));
    }
}
