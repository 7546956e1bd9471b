//! The library below the binary, on one host of the laboratory: its source,
//! and the table that the source fills.
#![allow(
    dead_code,
    reason = "each test crate includes this and uses a part of it"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]
#![allow(unreachable_pub, reason = "a test crate has no outside")]

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Settings, Sockets, Source};
use flowtop::flow::{Family, Key, Moment, Origin, Protocol, Update};
use flowtop::table::{Change, Flow, Table};

use super::lab::entries::Seen;
use super::lab::{Host, eventually};

/// Listen, with as large a buffer as root would get.
pub const LISTEN: Settings = Settings {
    events: true,
    receive_buffer_bytes: 16 << 20,
    family: None,
};

/// Do not listen; dumps alone.
pub const DUMPS: Settings = Settings {
    events: false,
    receive_buffer_bytes: 0,
    family: None,
};

/// The smallest buffer the kernel grants holds a few events.
pub const TINY: Settings = Settings {
    events: true,
    receive_buffer_bytes: 4096,
    family: None,
};

/// A [`Change`] that outlives its update.
#[derive(Clone, Debug)]
pub enum Told {
    Born(Flow),
    Changed(Flow),
    Ended(Flow),
    Lost(u64),
}

impl From<&Change<'_>> for Told {
    fn from(change: &Change<'_>) -> Self {
        match change {
            Change::Born(flow) => Self::Born((*flow).clone()),
            Change::Changed(flow) => Self::Changed((*flow).clone()),
            Change::Ended(flow) => Self::Ended((*flow).clone()),
            Change::Lost(count) => Self::Lost(*count),
        }
    }
}

/// A source that is watched, and what it said.
pub struct Watch<S = Kernel> {
    pub table: Table,
    /// Every change, in order.
    pub told: Vec<Told>,
    /// Each shedding and each return of `UPDATE` events.
    pub shed: Vec<bool>,
    source: S,
    clock: Clock,
    /// How far the table's clock is ahead.
    ahead: Duration,
    deliveries: Receiver<Delivery>,
    dumps: usize,
    answers: usize,
}

impl Watch<Kernel> {
    /// Begins to watch a host. Nothing is dumped yet.
    pub fn start(host: &Host, settings: Settings) -> Self {
        Self::with_channel(host, settings, 64)
    }

    /// As [`Watch::start`], with a channel for so many batches.
    pub fn with_channel(host: &Host, settings: Settings, batches: usize) -> Self {
        Self::over(batches, |clock, out| {
            host.enter(|| Kernel::start(settings, clock, out))
                .unwrap_or_else(|e| panic!("cannot watch {}: {e}", host.name()))
        })
    }

    /// The source itself.
    pub fn kernel(&self) -> &Kernel {
        &self.source
    }
}

impl Watch<Sockets> {
    /// Begins to watch the sockets of a host. Nothing is dumped yet.
    pub fn sockets(host: &Host, settings: Settings) -> Self {
        host.enter(|| Self::sockets_here(settings))
    }

    /// As [`Watch::sockets`], where the calling thread is.
    pub fn sockets_here(settings: Settings) -> Self {
        Self::over(64, |clock, out| {
            Sockets::start(settings, clock, out).expect("sockets need no privilege")
        })
    }
}

impl<S: Source> Watch<S> {
    fn over(batches: usize, start: impl FnOnce(Clock, &SyncSender<Delivery>) -> S) -> Self {
        let clock = Clock::start();
        let (out, deliveries) = sync_channel(batches);
        Self {
            table: Table::new(),
            told: Vec::new(),
            shed: Vec::new(),
            source: start(clock, &out),
            clock,
            ahead: Duration::ZERO,
            deliveries,
            dumps: 0,
            answers: 0,
        }
    }

    /// The table's time.
    pub fn now(&self) -> Moment {
        self.clock.now().after(self.ahead)
    }

    /// Lets the table believe that so much time has passed.
    pub fn sleep(&mut self, time: Duration) {
        self.ahead += time;
    }

    /// Takes in what has arrived.
    pub fn drain(&mut self) {
        while let Ok(delivery) = self.deliveries.try_recv() {
            let Delivery::Batch(batch) = delivery else {
                panic!("the source has ended: {delivery:?}");
            };
            let at = batch.at.after(self.ahead);
            for update in &batch.updates {
                match update {
                    Update::DumpEnd { complete } => {
                        assert!(complete, "an incomplete dump");
                        self.dumps += 1;
                    }
                    Update::Absent(_) => self.answers += 1,
                    Update::Flow(report) if report.origin == Origin::Fetched => self.answers += 1,
                    Update::Shed { updates } => self.shed.push(*updates),
                    _ => {}
                }
                let told = &mut self.told;
                self.table
                    .apply(update, at, &mut |change| told.push((&change).into()));
            }
        }
    }

    /// Takes in what arrives until a condition holds.
    pub fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        eventually(what, || {
            self.drain();
            condition(self)
        });
    }

    /// Dumps the kernel's table once, to the end.
    pub fn dump(&mut self) {
        let before = self.dumps;
        self.source.inquire(Inquiry::Dump);
        self.until("a dump ends", |watch| watch.dumps > before);
    }

    /// Asks for flows and waits until all answers are in.
    pub fn get(&mut self, keys: &[Key]) {
        let enough = self.answers + keys.len();
        self.source.inquire(Inquiry::Get(keys.to_vec()));
        self.until("each question has its answer", |w| w.answers >= enough);
    }

    /// Dumps, and asks about each flow that the dump did not show.
    pub fn refresh(&mut self) {
        self.dump();
        let suspects = self.table.suspects();
        self.get(&suspects);
    }

    /// The one flow of a protocol.
    pub fn flow(&self, protocol: Protocol) -> &Flow {
        let mut flows = self.flows(protocol);
        assert!(flows.len() == 1, "one {protocol} flow expected: {flows:#?}");
        flows.remove(0)
    }

    /// All flows of a protocol.
    pub fn flows(&self, protocol: Protocol) -> Vec<&Flow> {
        let flows = self.table.flows().map(|(_, flow)| flow);
        flows
            .filter(|flow| flow.key().orig.proto() == protocol)
            .collect()
    }

    /// Flows that began, in order.
    pub fn born(&self) -> impl Iterator<Item = &Flow> {
        self.told.iter().filter_map(|told| match told {
            Told::Born(flow) => Some(flow),
            _ => None,
        })
    }

    /// Flows that changed, in order.
    pub fn changed(&self) -> impl Iterator<Item = &Flow> {
        self.told.iter().filter_map(|told| match told {
            Told::Changed(flow) => Some(flow),
            _ => None,
        })
    }

    /// Flows that ended, in order.
    pub fn ended(&self) -> impl Iterator<Item = &Flow> {
        self.told.iter().filter_map(|told| match told {
            Told::Ended(flow) => Some(flow),
            _ => None,
        })
    }

    /// The table has exactly the kernel's flows, and says of each what the
    /// laboratory's own reading of a dump says. No packet may be on its way.
    pub fn assert_is(&self, host: &Host) {
        let seen = host.flows();
        let mut rows: HashMap<Key, &Flow> = HashMap::new();
        for (_, flow) in self.table.flows() {
            let twin = rows.insert(*flow.key(), flow);
            assert!(twin.is_none(), "two rows for {:?}", flow.key());
        }
        for seen in &seen {
            let (zone, orig) = (seen.zone, seen.orig);
            let Some(flow) = rows.remove(&Key { zone, orig }) else {
                panic!("no row for {seen:?}");
            };
            assert_same(flow, seen);
        }
        assert!(rows.is_empty(), "the kernel has no {rows:?}");
    }
}

fn assert_same(flow: &Flow, seen: &Seen) {
    let counters = flow
        .counters()
        .map(|counters| [counters.orig, counters.reply].map(|c| (c.packets, c.bytes)));
    assert_eq!(flow.reply(), seen.reply, "{seen:?}");
    assert_eq!(flow.id(), Some(seen.id), "{seen:?}");
    assert_eq!(flow.status(), Some(seen.status), "{seen:?}");
    assert_eq!(flow.state(), seen.state, "{seen:?}");
    assert_eq!(flow.mark(), seen.mark, "{seen:?}");
    assert_eq!(flow.helper(), seen.helper.as_deref(), "{seen:?}");
    assert_eq!(counters, seen.counters, "{seen:?}");
    assert_eq!(
        flow.key().orig.family() == Family::Ipv4,
        seen.orig.src().is_ipv4()
    );
}
