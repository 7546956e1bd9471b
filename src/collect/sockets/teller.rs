//! The thread of [`Sockets`](super::Sockets): asks, listens, and tells.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use super::farewell::Farewells;
use super::known::{Flow, Known};
use super::listeners::Listeners;
use super::seen::{Seen, Side};
use crate::collect::outlet::{Closed, Outlet};
use crate::collect::{Clock, Delivery, Inquiry};
use crate::flow::{Family, Key, L4, Origin, Protocol, Report, Tuple, Update};
use crate::netlink::NetlinkError;
use crate::netlink::sockdiag::request::States;
use crate::netlink::sockdiag::{Destroyed, Diag, DiagError, Endpoint, Socket, SocketState};

/// Reports that are handed on together.
const BATCH: usize = 400;
/// Last words to take before others have a turn.
const WORDS: usize = 512;
/// How many such turns to take until nothing is left, before the end of a dump.
const TURNS: usize = 64;
/// How often to look for loss while nothing happens.
const REST: Duration = Duration::from_secs(1);
/// How long the last word of a socket that is not there any more may take. The
/// kernel sends it from a queue of its own, within a few milliseconds.
const LINGER: Duration = Duration::from_millis(20);

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

/// Why the thread ends.
pub(super) enum Stop {
    /// The receiver of the answers is gone, or nobody asks any more.
    Closed,
    /// The kernel refused.
    Failed(NetlinkError),
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<DiagError> for Stop {
    fn from(error: DiagError) -> Self {
        Self::Failed(error.into())
    }
}

pub(super) struct Teller {
    diag: Diag,
    destroyed: Option<Destroyed>,
    clock: Clock,
    family: Option<Family>,
    known: Known,
    listeners: Listeners,
    farewells: Farewells,
    rows: Vec<Seen>,
}

impl Teller {
    pub(super) fn new(
        diag: Diag,
        destroyed: Option<Destroyed>,
        clock: Clock,
        family: Option<Family>,
    ) -> Self {
        Self {
            diag,
            destroyed,
            clock,
            family,
            known: Known::default(),
            listeners: Listeners::default(),
            farewells: Farewells::default(),
            rows: Vec::new(),
        }
    }

    /// Answers questions and hears of sockets that go, until nobody asks any
    /// more or nobody listens.
    pub(super) fn run<T: From<Delivery>>(mut self, inquiries: &Receiver<Inquiry>, out: &Outlet<T>) {
        let done = if self.destroyed.is_some() {
            self.answer_and_hear(inquiries, out)
        } else {
            inquiries
                .iter()
                .try_for_each(|inquiry| self.answer(inquiry, out))
        };
        match done {
            Ok(()) | Err(Stop::Closed) => {}
            Err(Stop::Failed(error)) => out.fail(error),
        }
    }

    fn answer_and_hear<T: From<Delivery>>(
        &mut self,
        inquiries: &Receiver<Inquiry>,
        out: &Outlet<T>,
    ) -> Result<(), Stop> {
        loop {
            match inquiries.try_recv() {
                Ok(inquiry) => self.answer(inquiry, out)?,
                Err(TryRecvError::Empty) => self.wait(REST, out)?,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
            self.hear(out)?;
        }
    }

    fn answer<T: From<Delivery>>(&mut self, inquiry: Inquiry, out: &Outlet<T>) -> Result<(), Stop> {
        match inquiry {
            Inquiry::Dump => self.dump(out),
            Inquiry::Get(keys) => self.get(&keys, out),
        }
    }

    /// Waits for a last word, a question, or the end of `time`.
    fn wait<T: From<Delivery>>(&self, time: Duration, out: &Outlet<T>) -> Result<(), Stop> {
        let Some(destroyed) = &self.destroyed else {
            return Ok(());
        };
        let action = "waiting for sockets that go";
        match destroyed.wait(out.alive(), time) {
            Ok(ready) if ready.other && out.is_closed() => Err(Stop::Closed),
            Ok(_) => Ok(()),
            Err(source) => Err(Stop::Failed(NetlinkError::Io { action, source })),
        }
    }

    /// Every socket there is. Rows are handed on before any last word that
    /// comes meanwhile is read, so that none overtakes the row it is about.
    fn dump<T: From<Delivery>>(&mut self, out: &Outlet<T>) -> Result<(), Stop> {
        self.known.begin();
        self.send(vec![Update::DumpBegin], out)?;
        let complete = self.collect()?;
        let mut updates = Vec::with_capacity(self.rows.len());
        self.known
            .dumped(&self.rows, &self.listeners, &mut |report| {
                updates.push(Update::Flow(report));
            });
        self.rows.clear();
        let mut rest = updates.into_iter();
        loop {
            let batch: Vec<_> = rest.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            self.send(batch, out)?;
        }
        for _ in 0..TURNS {
            if self.hear(out)? {
                break;
            }
        }
        let mut updates = Vec::new();
        if complete {
            for key in self.known.end() {
                let report = match self.ask(&key)? {
                    Some(report) => Some(report),
                    None => self.known.expired(&key),
                };
                updates.extend(report.map(Update::Flow));
            }
        }
        updates.push(Update::DumpEnd { complete });
        self.send(updates, out)
    }

    /// Reads what there is into rows and listeners. Those who wait first: they
    /// tell which end began a connection. Whether it is complete.
    fn collect(&mut self) -> Result<bool, Stop> {
        let Self {
            diag,
            listeners,
            rows,
            family,
            ..
        } = self;
        listeners.clear();
        rows.clear();
        let wanted = |seen: &Seen| family.is_none_or(|family| family == seen.outward.family());
        let mut sort = |socket: Socket| {
            if let Some(seen) = Seen::new(&socket) {
                rows.extend(wanted(&seen).then_some(seen));
            } else if matches!(socket.state, SocketState::LISTEN | SocketState::CLOSE) {
                listeners.add(&socket);
            }
        };
        let listen = States::only(SocketState::LISTEN);
        let others = States::ALL.without(SocketState::LISTEN);
        let mut complete = true;
        for (proto, figures, states) in [
            (Protocol::TCP, false, listen),
            (Protocol::UDP, false, States::ALL),
            (Protocol::UDPLITE, false, States::ALL),
            (Protocol::TCP, true, others),
        ] {
            // Sockets of IPv6 can carry IPv4.
            for family in FAMILIES {
                match diag.dump_states(proto, family, figures, states, &mut sort) {
                    Ok(()) | Err(DiagError::NoHandler { .. }) => {}
                    Err(DiagError::Interrupted) => complete = false,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(complete)
    }

    /// Asks for single flows. One whose sockets are not there is absent, but
    /// their last word is better: it gets a moment to arrive.
    fn get<T: From<Delivery>>(&mut self, keys: &[Key], out: &Outlet<T>) -> Result<(), Stop> {
        let mut updates = Vec::new();
        let mut absent = Vec::new();
        for key in keys {
            if let Some(report) = self.ask(key)? {
                updates.push(Update::Flow(report));
                continue;
            }
            absent.push(*key);
            // Of what was left the last word has been heard.
            if self.known.get(key).is_some_and(Flow::is_left_over) {
                updates.extend(self.known.expired(key).map(Update::Flow));
            }
        }
        self.send(updates, out)?;
        let until = self.clock.now().after(LINGER);
        while self.destroyed.is_some() && absent.iter().any(|key| self.known.get(key).is_some()) {
            let left = until.since(self.clock.now());
            if left.is_zero() {
                break;
            }
            self.wait(left, out)?;
            self.hear(out)?;
        }
        for key in &absent {
            self.known.forget(key);
        }
        self.send(absent.into_iter().map(Update::Absent).collect(), out)
    }

    /// Asks for the sockets of one flow.
    fn ask(&mut self, key: &Key) -> Result<Option<Report>, Stop> {
        let interface = self.known.get(key).and_then(|flow| flow.interface);
        for (side, outward) in [
            (Side::Client, key.orig),
            (Side::Server, key.orig.inverted()),
        ] {
            let found = self.find(&outward, interface)?;
            let seen = found.as_ref().and_then(Seen::new);
            if let Some(seen) = seen.filter(|seen| seen.outward == outward) {
                return Ok(Some(self.known.meet(&seen, side, Origin::Fetched)));
            }
        }
        Ok(None)
    }

    /// What the kernel has for a packet to the source of this tuple.
    fn find(&mut self, outward: &Tuple, interface: Option<u32>) -> Result<Option<Socket>, Stop> {
        let proto = outward.proto();
        let L4::Ports { src, dst } = outward.l4() else {
            return Ok(None);
        };
        if !matches!(proto, Protocol::TCP | Protocol::UDP | Protocol::UDPLITE) {
            return Ok(None);
        }
        let local = Endpoint::new(outward.src(), src);
        let remote = Endpoint::new(outward.dst(), dst);
        Ok(self.diag.find(proto, local, remote, interface)?)
    }

    /// Takes in the last words that are there. Whether nothing is left.
    fn hear<T: From<Delivery>>(&mut self, out: &Outlet<T>) -> Result<bool, Stop> {
        let Some(destroyed) = &mut self.destroyed else {
            return Ok(true);
        };
        let mut gone = Vec::new();
        let drained = destroyed.drain(WORDS, &mut |socket| gone.extend(Seen::new(&socket)))?;
        let mut updates = Vec::new();
        for seen in gone {
            updates.extend(self.gone(&seen)?.map(Update::Flow));
        }
        if drained.lost > 0 {
            let lost = drained.lost.into();
            updates.push(Update::Overrun { lost });
        }
        self.send(updates, out)?;
        Ok(drained.empty)
    }

    /// What the end of a socket says about its flow.
    ///
    /// 1. What is left of its connection (`TIME_WAIT`) stays for a while, and
    ///    the flow with it; its counters are final.
    /// 2. A flow within this machine ends with the client's socket, or with the
    ///    server's if that stays longer; what comes after says nothing new.
    /// 3. Any other flow ends.
    fn gone(&mut self, seen: &Seen) -> Result<Option<Report>, Stop> {
        let family = seen.outward.family();
        if self.family.is_some_and(|wanted| wanted != family) {
            return Ok(None);
        }
        let found = self.find(&seen.outward, seen.interface)?;
        let left = found.as_ref().and_then(Seen::new);
        let left = left.filter(|left| left.is_remains_of(seen));
        let somebody_waits = found.is_some_and(|socket| !socket.is_connected());
        let side = self.known.side(seen).unwrap_or_else(|| {
            let proto = seen.outward.proto();
            if somebody_waits || self.listeners.wait_at(proto, seen.local) {
                Side::Server
            } else {
                Side::Client
            }
        });
        let key = seen.key(side);
        let flow = self.known.get(&key);
        let other_side_known = match side {
            Side::Client => flow.is_some_and(Flow::has_server),
            Side::Server if flow.is_some_and(Flow::has_client) => {
                self.known.server_gone(&key);
                return Ok(None);
            }
            Side::Server => flow.is_none(),
        };
        if self.farewells.was_said_by_other(&key, side) {
            return Ok(None);
        }
        if let Some(left) = left {
            return Ok(Some(self.known.left_over(seen, &left, side)));
        }
        if other_side_known || is_within_one_host(&key.orig) {
            let inward = seen.outward.inverted();
            let found = self.find(&inward, seen.interface)?;
            let other = found.as_ref().and_then(Seen::new);
            if let Some(other) = other.filter(|other| other.outward == inward) {
                return Ok((side == Side::Client).then(|| self.known.client_gone(seen, &other)));
            }
        }
        self.farewells.say(key, side, self.clock.now());
        Ok(Some(self.known.destroyed(seen, side)))
    }

    fn send<T: From<Delivery>>(&self, updates: Vec<Update>, out: &Outlet<T>) -> Result<(), Stop> {
        Ok(out.batch(updates, self.clock.now())?)
    }
}

/// Whether both ends are surely on this machine.
fn is_within_one_host(tuple: &Tuple) -> bool {
    tuple.is_loopback() || tuple.src() == tuple.dst()
}
