//! The event socket, drained without pause.
//!
//! Loss is counted exactly (`SO_MEMINFO`) and handed on as data. Under load
//! `UPDATE` events are given up first: they are three quarters of the volume,
//! and the next dump tells what they would have told.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::fence::Pass;
use super::outlet::Outlet;
use super::{Clock, Delivery};
use crate::flow::{Moment, Update};
use crate::netlink::conntrack::decode::Source;
use crate::netlink::conntrack::{
    NFNLGRP_CONNTRACK_DESTROY, NFNLGRP_CONNTRACK_NEW, NFNLGRP_CONNTRACK_UPDATE, Problems, decode,
};
use crate::netlink::socket::{ReceiveBuffer, Socket};
use crate::netlink::wire::messages;
use crate::netlink::{NetlinkError, is_overrun};

/// Messages to take before handing a batch on.
const BATCH_LIMIT: usize = 512;
/// How often to look for loss and load while nothing arrives.
const REST: Duration = Duration::from_secs(1);
/// How long `UPDATE` events stay away after a loss.
const SHED: Duration = Duration::from_secs(10);
/// Events per second above which `UPDATE` events do not come back.
const BUSY_EVENTS_PER_SEC: u64 = 20_000;

/// What was in the socket.
struct Drained {
    updates: Vec<Update>,
    problems: Problems,
    /// Whether nothing is left there.
    empty: bool,
}

pub(super) struct Events {
    socket: Socket,
    buffer: ReceiveBuffer,
    clock: Clock,
    load: Load,
}

impl Events {
    pub(super) fn subscribe(buffer_bytes: usize, clock: Clock) -> Result<Self, NetlinkError> {
        let socket = Socket::open()?;
        let setup = |e| NetlinkError::new("preparing the event socket", e);
        let buffer = socket.grow_receive_buffer(buffer_bytes).map_err(setup)?;
        socket.ignore_overrun().map_err(setup)?;
        socket.join(NFNLGRP_CONNTRACK_DESTROY)?;
        socket.join(NFNLGRP_CONNTRACK_NEW)?;
        socket.join(NFNLGRP_CONNTRACK_UPDATE)?;
        let drops = socket.drops().map_err(setup)?;
        Ok(Self {
            socket,
            buffer,
            clock,
            load: Load::new(drops, clock.now()),
        })
    }

    pub(super) const fn buffer(&self) -> ReceiveBuffer {
        self.buffer
    }

    /// Runs until `outlet` is closed. Who is `waiting` waits until nothing is
    /// left in the socket.
    pub(super) fn run<T: From<Delivery>>(mut self, outlet: &Outlet<T>, waiting: &Receiver<Pass>) {
        let mut datagram = vec![0; 32 << 10];
        let mut passes = Vec::new();
        loop {
            // First those who wait, then the events before them.
            passes.extend(waiting.try_iter());
            let rest = if passes.is_empty() {
                REST
            } else {
                Duration::ZERO
            };
            match self.socket.wait(outlet.alive(), rest) {
                Ok(ready) if ready.other && outlet.is_closed() => return,
                Ok(_) => {}
                Err(e) => return outlet.fail(NetlinkError::new("waiting for events", e)),
            }
            let Drained {
                updates,
                mut problems,
                empty,
            } = match self.drain(&mut datagram) {
                Ok(drained) => drained,
                Err(e) => return outlet.fail(NetlinkError::new("reading events", e)),
            };
            let told = outlet.batch(updates, self.clock.now());
            if told.and_then(|()| outlet.odd(&mut problems)).is_err() {
                return;
            }
            if empty {
                passes.clear();
            }
        }
    }

    /// What is there now, at most [`BATCH_LIMIT`] messages of it, and what was
    /// lost.
    fn drain(&mut self, datagram: &mut [u8]) -> io::Result<Drained> {
        let mut empty = false;
        let mut updates = Vec::new();
        let mut problems = Problems::default();
        while updates.len() < BATCH_LIMIT {
            let len = match self.socket.recv_now(datagram) {
                Ok(Some(len)) => len,
                Ok(None) => {
                    empty = true;
                    break;
                }
                // Not expected with NETLINK_NO_ENOBUFS; the count says the rest.
                Err(e) if is_overrun(&e) => continue,
                Err(e) => return Err(e),
            };
            for message in messages(&datagram[..len]) {
                updates.extend(decode(&message, Source::Event, &mut problems).map(Update::Flow));
            }
        }
        let verdict = self
            .load
            .judge(self.socket.drops()?, updates.len() as u64, self.clock.now());
        if verdict.lost > 0 {
            updates.push(Update::Overrun { lost: verdict.lost });
        }
        match verdict.change {
            Some(Change::Shed) => {
                self.socket.leave(NFNLGRP_CONNTRACK_UPDATE)?;
                updates.push(Update::Shed { updates: true });
            }
            // Refused only if the capability went away; then they stay shed.
            Some(Change::Restore) if self.socket.join(NFNLGRP_CONNTRACK_UPDATE).is_ok() => {
                updates.push(Update::Shed { updates: false });
            }
            Some(Change::Restore) | None => {}
        }
        Ok(Drained {
            updates,
            problems,
            empty,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Shed,
    Restore,
}

#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    lost: u64,
    change: Option<Change>,
}

/// Decides which events to do without.
///
/// 1. A loss sheds `UPDATE` events at once.
/// 2. They stay away for [`SHED`] after the last loss,
/// 3. and as long as the remaining events alone exceed
///    [`BUSY_EVENTS_PER_SEC`], measured over at least a second.
#[derive(Debug)]
struct Load {
    drops: u32,
    shed_until: Option<Moment>,
    window_from: Moment,
    window_events: u64,
    events_per_sec: u64,
}

impl Load {
    const fn new(drops: u32, now: Moment) -> Self {
        Self {
            drops,
            shed_until: None,
            window_from: now,
            window_events: 0,
            events_per_sec: 0,
        }
    }

    fn judge(&mut self, drops: u32, events: u64, now: Moment) -> Verdict {
        let lost = drops.wrapping_sub(self.drops);
        self.drops = drops;
        self.window_events += events;
        let window = now.since(self.window_from);
        if window >= Duration::from_secs(1) {
            self.events_per_sec = self.window_events * 1000 / (window.as_millis() as u64).max(1);
            self.window_events = 0;
            self.window_from = now;
        }
        let change = match self.shed_until {
            _ if lost > 0 => {
                let first = self.shed_until.is_none();
                self.shed_until = Some(now.after(SHED));
                first.then_some(Change::Shed)
            }
            Some(until) if now >= until && self.events_per_sec < BUSY_EVENTS_PER_SEC => {
                self.shed_until = None;
                Some(Change::Restore)
            }
            _ => None,
        };
        Verdict {
            lost: u64::from(lost),
            change,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::default().after(Duration::from_secs(secs))
    }

    #[test]
    fn a_loss_sheds_updates_and_calm_brings_them_back() {
        let mut load = Load::new(7, at(0));
        assert_eq!(
            load.judge(7, 10, at(1)),
            Verdict {
                lost: 0,
                change: None
            }
        );
        assert_eq!(
            load.judge(12, 10, at(2)),
            Verdict {
                lost: 5,
                change: Some(Change::Shed)
            }
        );
        // A second loss is counted and puts the return off.
        assert_eq!(
            load.judge(13, 10, at(5)),
            Verdict {
                lost: 1,
                change: None
            }
        );
        assert_eq!(load.judge(13, 10, at(13)).change, None);
        assert_eq!(load.judge(13, 10, at(15)).change, Some(Change::Restore));
        assert_eq!(load.judge(13, 10, at(16)).change, None);
    }

    #[test]
    fn updates_stay_away_while_births_and_deaths_alone_are_a_storm() {
        let mut load = Load::new(0, at(0));
        assert_eq!(load.judge(1, 0, at(1)).change, Some(Change::Shed));
        assert_eq!(load.judge(1, 500_000, at(12)).change, None);
        assert_eq!(load.judge(1, 1_000, at(13)).change, Some(Change::Restore));
    }

    #[test]
    fn the_kernel_s_count_may_wrap() {
        let mut load = Load::new(u32::MAX, at(0));
        assert_eq!(load.judge(2, 0, at(1)).lost, 3);
    }
}
