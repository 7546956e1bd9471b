//! The flow table: every live flow, kept by one owner.
//!
//! [`Table::apply`] is the only way in. It is deterministic and does no I/O,
//! so that a bug report becomes a list of updates with times.

mod flow;
mod rate;
mod store;
mod totals;

use std::num::NonZeroU32;

use hashbrown::HashMap;

pub use flow::{Age, EndReason, Flow, Nat};
pub use totals::{ClassTotals, Totals};

use crate::flow::{Counters, Key, Moment, Origin, Pair, Report, Update};
use store::{Slot, Store};

/// How late an event can be compared with a dump that saw the same thing.
/// A `NEW` event for a flow that a dump found longer ago is another flow.
const EVENT_LAG_SECS: u64 = 5;

/// Names a row while it is in the table; never another one. Ordered by when
/// the rows were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    serial: u64,
    slot: Slot,
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
    /// Flows that ended since it began. The kernel prepares a chunk ahead, so
    /// that a dead flow can still appear in it.
    tombstones: HashMap<Key, Option<u32>, foldhash::fast::RandomState>,
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
    /// When the last complete dump began; `None` before the first was complete.
    synced_ns: Option<u64>,
    /// Serial of the last row made before that; such a row has been told to
    /// nobody, unless an event made it.
    last_untold: Option<u64>,
    lost: u64,
    updates_shed: bool,
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
        self.store.iter().map(|(slot, flow)| {
            let serial = flow.serial;
            (FlowId { serial, slot }, flow)
        })
    }

    /// A flow by the name of its row; `None` when it has ended.
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        self.store.get(id.slot).filter(|f| f.serial == id.serial)
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
        if self.dump.is_some() || self.synced_ns.is_none() {
            return Vec::new();
        }
        self.store
            .iter()
            .filter(|(_, flow)| flow.generation < self.generation)
            .map(|(_, flow)| *flow.key())
            .collect()
    }

    /// Takes one update in and tells `sink` what changed.
    pub fn apply(&mut self, update: &Update, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        match update {
            Update::Flow(report) => match report.origin {
                Origin::New => self.born(report, at, sink),
                Origin::Changed => self.changed(report, at, sink),
                Origin::Destroyed => self.destroyed(report, at, sink),
                Origin::Dumped => self.dumped(report, at, sink),
                Origin::Fetched => self.fetched(report, at, sink),
            },
            Update::Absent(key) => self.absent(key, at, sink),
            Update::DumpBegin => {
                self.generation = self.generation.wrapping_add(1);
                self.dump = Some(Dump {
                    began_ns: at.mono_ns,
                    tombstones: HashMap::default(),
                    guess: 0,
                });
            }
            Update::DumpEnd { complete } => {
                let dump = self.dump.take();
                if *complete {
                    self.last_untold.get_or_insert(self.next_serial);
                    self.synced_ns = dump.map(|d| d.began_ns).or(self.synced_ns);
                } else {
                    // It proves no absence: as if it had not been.
                    self.generation = self.generation.wrapping_sub(1);
                }
            }
            Update::Overrun { lost } => {
                self.lost += lost;
                sink(Change::Lost(*lost));
            }
            Update::Shed { updates } => self.updates_shed = *updates,
        }
    }

    /// A `NEW` event.
    ///
    /// 1. An unknown key is a new flow, and what it counts, it counts since now.
    /// 2. A key that a dump found just now is the same flow: the dump was
    ///    faster than the event. The first dump tells no births; then the
    ///    event does.
    /// 3. Any other known key belongs to a flow whose end was missed.
    fn born(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(dump) = &mut self.dump {
            dump.tombstones.remove(&report.key);
        }
        let generation = self.generation;
        if let Some(slot) = self.store.find(&report.key) {
            if let Some(flow) = self.store.get_mut(slot) {
                let recent = flow.watched_secs(at) < EVENT_LAG_SECS;
                if recent && !flow.seen_born() && !flow.is_succeeded_by(report) {
                    flow.mark_born();
                    flow.generation = generation;
                    flow.event_generation = NonZeroU32::new(generation);
                    // The dump came later than the birth, whatever came first
                    // here: it has the newer state.
                    flow.merge(report, at, false);
                    if self.last_untold.is_none_or(|last| flow.serial <= last) {
                        self.totals.of(flow.class()).born += 1;
                        sink(Change::Born(flow));
                    }
                    return;
                }
            }
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
        let slot = self.insert(report, at, Some(at.mono_ns));
        self.tell_birth(slot, sink);
    }

    /// An `UPDATE` event. An unknown key is a flow whose birth was missed.
    fn changed(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let generation = self.generation;
        if let Some(slot) = self.store.find(&report.key) {
            if let Some(flow) = self.store.get_mut(slot)
                && !flow.is_succeeded_by(report)
            {
                flow.merge(report, at, true);
                flow.generation = generation;
                flow.event_generation = NonZeroU32::new(generation);
                sink(Change::Changed(flow));
                return;
            }
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
        let slot = self.insert(report, at, self.synced_ns);
        if let Some(flow) = self.store.get(slot) {
            sink(Change::Changed(flow));
        }
    }

    /// A `DESTROY` event.
    ///
    /// 1. A known flow ends, with the counters of the event.
    /// 2. If the row is about a later flow with the same tuple, it stays.
    /// 3. An unknown flow was born and ended while events were lost, or before
    ///    the first dump came to it. It counts, and is told.
    fn destroyed(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(dump) = &mut self.dump {
            dump.tombstones.insert(report.key, report.id);
        }
        let slot = match self.store.find(&report.key) {
            Some(slot) => {
                if self
                    .store
                    .get(slot)
                    .is_some_and(|flow| flow.is_succeeded_by(report))
                {
                    return;
                }
                self.merge(slot, report, at, true);
                slot
            }
            None => self.insert(report, at, self.synced_ns),
        };
        self.end(slot, EndReason::Destroyed, report.stop_ns, at, sink);
    }

    /// A row of a dump.
    ///
    /// 1. A flow that ended while the dump ran stays ended.
    /// 2. State, status and timeout give way to those of an event that came
    ///    since the dump began, unless `UPDATE` events are shed.
    /// 3. Another id or birth is another flow: the known one has ended.
    /// 4. An unknown flow in the first dump is an old one. In later ones its
    ///    birth was missed, and all it has counted, it counted since the last
    ///    complete dump.
    fn dumped(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let mut guess = 0;
        if let Some(dump) = &self.dump {
            guess = dump.guess;
            if !dump.tombstones.is_empty()
                && let Some(id) = dump.tombstones.get(&report.key)
                && (*id == report.id || id.is_none() || report.id.is_none())
            {
                return;
            }
        }
        if let Some(slot) = self.store.find_near(guess, &report.key) {
            if let Some(dump) = &mut self.dump {
                dump.guess = slot + 1;
            }
            if let Some(flow) = self.store.get(slot)
                && !flow.is_succeeded_by(report)
            {
                let told_since = self.dump.is_some()
                    && flow.event_generation == NonZeroU32::new(self.generation);
                let fresh = self.updates_shed || !told_since;
                self.merge(slot, report, at, fresh);
                return;
            }
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
        let slot = self.insert(report, at, self.synced_ns);
        if self.synced_ns.is_some() {
            self.tell_birth(slot, sink);
        }
    }

    /// The answer to a get. It can be older than an event that overtook it, so
    /// it brings no flow back.
    fn fetched(&mut self, report: &Report, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        let Some(slot) = self.store.find(&report.key) else {
            return;
        };
        if self
            .store
            .get(slot)
            .is_some_and(|flow| flow.is_succeeded_by(report))
        {
            self.end(slot, EndReason::Vanished, None, at, sink);
            let slot = self.insert(report, at, self.synced_ns);
            self.tell_birth(slot, sink);
        } else {
            self.merge(slot, report, at, true);
        }
    }

    /// The kernel does not know this flow.
    ///
    /// 1. A row that nothing has vouched for since the latest dump began has
    ///    ended: whatever was born after the kernel answered would have been
    ///    told after that beginning.
    /// 2. Of another row the question can be older than its birth, if that was
    ///    just now; then it stays.
    fn absent(&mut self, key: &Key, at: Moment, sink: &mut impl FnMut(Change<'_>)) {
        if let Some(slot) = self.store.find(key)
            && let Some(flow) = self.store.get(slot)
            && (flow.generation < self.generation || flow.watched_secs(at) >= EVENT_LAG_SECS)
        {
            self.end(slot, EndReason::Vanished, None, at, sink);
        }
    }

    fn insert(&mut self, report: &Report, at: Moment, born_ns: Option<u64>) -> Slot {
        self.next_serial += 1;
        let (mut flow, learned) = Flow::new(report, at, self.next_serial, born_ns);
        flow.generation = self.generation;
        if report.origin != Origin::Dumped {
            flow.event_generation = NonZeroU32::new(self.generation);
        }
        let totals = self.totals.of(flow.class());
        totals.counters += learned.delta;
        totals.born += u64::from(born_ns.is_some());
        self.store.insert(flow)
    }

    fn merge(&mut self, slot: Slot, report: &Report, at: Moment, fresh: bool) {
        if let Some(flow) = self.store.get_mut(slot) {
            let learned = flow.merge(report, at, fresh);
            flow.generation = self.generation;
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
        if let Some(mut flow) = self.store.remove(slot) {
            flow.end(reason, stop_real_ns, at);
            self.totals.of(flow.class()).ended += 1;
            sink(Change::Ended(&flow));
        }
    }
}
