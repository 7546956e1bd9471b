//! What is known of flows by their sockets. Asks nobody and has no clock.
//!
//! A flow has one key, however its ends are told: original is the direction
//! from the end that began it. It keeps that key while one of its sockets is
//! there, even if who waited for it is gone meanwhile.

use std::collections::{HashMap, HashSet};

use super::listeners::Listeners;
use super::seen::{Seen, Side};
use crate::flow::{Counters, Key, Origin, Pair, Protocol, Report, Tuple};
use crate::netlink::sockdiag::Endpoint;

/// A flow that so many dumps have not shown is forgotten; by then somebody has
/// asked about it, or nobody will.
const FORGET_AFTER: u32 = 3;

/// A flow that is known by its sockets.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Low half of the cookie of the socket that it was first known by.
    id: u32,
    /// Cookies of its sockets on this machine, or of what is left of them.
    client: Option<u64>,
    server: Option<u64>,
    pub(super) interface: Option<u32>,
    counters: Option<Pair<Counters>>,
    /// The other end of the socket that counts has closed: what the kernel
    /// counts as received has one more.
    closed_by_other: bool,
    /// Its socket has gone and told its final counters. What is left of it goes
    /// without a word.
    is_left_over: bool,
    generation: u32,
}

impl Flow {
    /// A flow that is first known by this socket.
    const fn of(seen: &Seen) -> Self {
        Self {
            id: seen.cookie as u32,
            client: None,
            server: None,
            interface: seen.interface,
            counters: None,
            closed_by_other: false,
            is_left_over: false,
            generation: 0,
        }
    }

    fn cookie(&mut self, side: Side) -> &mut Option<u64> {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    pub(super) const fn has_client(&self) -> bool {
        self.client.is_some()
    }

    pub(super) const fn has_server(&self) -> bool {
        self.server.is_some()
    }

    pub(super) const fn is_left_over(&self) -> bool {
        self.is_left_over
    }
}

/// Every flow that is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    flows: HashMap<Key, Flow>,
    /// Number of dumps begun.
    generation: u32,
}

impl Known {
    /// A dump begins.
    pub(super) const fn begin(&mut self) {
        self.generation = self.generation.wrapping_add(1);
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Flow> {
        self.flows.get(key)
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.flows.remove(key);
    }

    /// Flows that the dump did not show although something was left of them.
    /// Forgets those that have not been shown for long.
    pub(super) fn end(&mut self) -> Vec<Key> {
        let now = self.generation;
        self.flows
            .retain(|_, flow| now.wrapping_sub(flow.generation) < FORGET_AFTER);
        self.flows
            .iter()
            .filter(|(_, flow)| flow.is_left_over && flow.generation != now)
            .map(|(key, _)| *key)
            .collect()
    }

    /// Which end of its flow a socket is, if its flow is known.
    pub(super) fn side(&self, seen: &Seen) -> Option<Side> {
        let cookie = Some(seen.cookie);
        let is = |side, of: fn(&Flow) -> Option<u64>| {
            let flow = self.flows.get(&seen.key(side));
            flow.is_some_and(|flow| of(flow) == cookie)
        };
        if is(Side::Client, |flow| flow.client) {
            Some(Side::Client)
        } else {
            is(Side::Server, |flow| flow.server).then_some(Side::Server)
        }
    }

    /// Takes in what a dump saw and hands on one report per flow.
    ///
    /// 1. A socket whose flow is known stays the end that it was.
    /// 2. Where somebody waits at one end, the other began the flow.
    /// 3. If both ends are here and that does not tell, the higher port began
    ///    it: those who call have ports from above.
    /// 4. Any other was begun here.
    /// 5. If both ends are here, the client's socket speaks for the flow.
    pub(super) fn dumped(
        &mut self,
        rows: &[Seen],
        listeners: &Listeners,
        each: &mut impl FnMut(Report),
    ) {
        let ends: HashSet<Tuple> = rows.iter().map(|row| row.outward).collect();
        let mut servers = Vec::new();
        for row in rows {
            let both_here = ends.contains(&row.outward.inverted());
            match self
                .side(row)
                .unwrap_or_else(|| guess(row, listeners, both_here))
            {
                Side::Client => each(self.meet(row, Side::Client, Origin::Dumped)),
                Side::Server => servers.push(row),
            }
        }
        for row in servers {
            let key = row.key(Side::Server);
            let generation = self.generation;
            match self.flows.get_mut(&key) {
                Some(flow) if flow.has_client() && flow.generation == generation => {
                    flow.server = Some(row.cookie);
                }
                _ => each(self.meet(row, Side::Server, Origin::Dumped)),
            }
        }
    }

    /// Takes in what is told of one socket.
    pub(super) fn meet(&mut self, seen: &Seen, side: Side, origin: Origin) -> Report {
        let key = seen.key(side);
        let generation = self.generation;
        let flow = self.flows.entry(key).or_insert_with(|| Flow::of(seen));
        if flow.cookie(side).is_some_and(|known| known != seen.cookie) {
            // The tuple is used again.
            *flow = Flow::of(seen);
        }
        *flow.cookie(side) = Some(seen.cookie);
        flow.generation = generation;
        flow.interface = seen.interface;
        flow.closed_by_other |= seen.state.is_closed_by_other();
        flow.count(seen, side);
        report(key, flow, seen, origin)
    }

    /// A socket has gone, and its flow with it.
    pub(super) fn destroyed(&mut self, seen: &Seen, side: Side) -> Report {
        // Another flow may have the tuple by now.
        if self.side(seen) == Some(side) {
            let report = self.meet(seen, side, Origin::Destroyed);
            self.forget(&report.key);
            return report;
        }
        let key = seen.key(side);
        let mut flow = Flow::of(seen);
        flow.count(seen, side);
        report(key, &flow, seen, Origin::Destroyed)
    }

    /// A socket has gone, but what is left of its connection stays: in
    /// `TIME_WAIT`, or in `FIN_WAIT2`.
    pub(super) fn left_over(&mut self, gone: &Seen, left: &Seen, side: Side) -> Report {
        let last = Seen {
            state: left.state,
            ..*gone
        };
        let report = self.meet(&last, side, Origin::Changed);
        if let Some(flow) = self.flows.get_mut(&report.key) {
            *flow.cookie(side) = Some(left.cookie);
            flow.is_left_over = true;
        }
        report
    }

    /// The client has gone, and the server's socket, or what is left of it,
    /// speaks for the flow from now on.
    pub(super) fn client_gone(&mut self, gone: &Seen, server: &Seen) -> Report {
        let last = Seen {
            state: server.state,
            ..*gone
        };
        let report = self.meet(&last, Side::Client, Origin::Changed);
        if let Some(flow) = self.flows.get_mut(&report.key) {
            flow.client = None;
            flow.server = Some(server.cookie);
            flow.is_left_over = server.is_remains();
        }
        report
    }

    /// The server's socket has gone; the client speaks for the flow.
    pub(super) fn server_gone(&mut self, key: &Key) {
        if let Some(flow) = self.flows.get_mut(key) {
            flow.server = None;
        }
    }

    /// What was left of a flow has gone.
    pub(super) fn expired(&mut self, key: &Key) -> Option<Report> {
        let flow = self.flows.remove(key)?;
        let mut report = Report::about(*key, Origin::Destroyed);
        report.by_socket = true;
        report.id = Some(flow.id);
        report.counters = flow.counters;
        Some(report)
    }
}

impl Flow {
    /// A reading of a socket's counters. They never go back: the two ends count
    /// a little differently, and segments are counted in 32 bits.
    fn count(&mut self, seen: &Seen, side: Side) {
        let Some((sent, mut received)) = seen.sent.zip(seen.received) else {
            return;
        };
        if self.closed_by_other {
            received.bytes = received.bytes.saturating_sub(1);
        }
        let (orig, reply) = match side {
            Side::Client => (sent, received),
            Side::Server => (received, sent),
        };
        let known = self.counters.unwrap_or_default();
        self.counters = Some(Pair {
            orig: forward(known.orig, orig),
            reply: forward(known.reply, reply),
        });
    }
}

/// The next reading after `known`.
fn forward(known: Counters, now: Counters) -> Counters {
    let grown = (now.packets as u32).wrapping_sub(known.packets as u32);
    // More than half of the range is a step back, not a wrap.
    let grown = if grown > u32::MAX / 2 { 0 } else { grown };
    Counters {
        packets: known.packets + u64::from(grown),
        bytes: known.bytes.max(now.bytes),
    }
}

fn guess(row: &Seen, listeners: &Listeners, both_here: bool) -> Side {
    let proto = row.outward.proto();
    let here = listeners.wait_at(proto, row.local);
    let there = both_here && listeners.wait_at(proto, row.remote);
    let end = |end: Endpoint| (end.port, end.address);
    let is_server = match (here, there) {
        (true, false) => true,
        (false, true) => false,
        _ if both_here => end(row.local) < end(row.remote),
        (here, _) => here,
    };
    if is_server {
        Side::Server
    } else {
        Side::Client
    }
}

fn report(key: Key, flow: &Flow, seen: &Seen, origin: Origin) -> Report {
    let is_tcp = key.orig.proto() == Protocol::TCP;
    let mut report = Report::about(key, origin);
    report.by_socket = true;
    report.id = Some(flow.id);
    report.state = seen.flow_state().filter(|_| is_tcp);
    report.status = seen.flow_status().filter(|_| is_tcp);
    // What is left of a socket counts no more.
    report.counters = flow.counters.filter(|_| seen.sent.is_some());
    report
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::flow::{Family, State, TcpFigures};
    use crate::netlink::sockdiag::{Socket, SocketState};

    fn end(text: &str) -> Endpoint {
        let at: SocketAddr = text.parse().unwrap();
        Endpoint::new(at.ip(), at.port())
    }

    fn socket(proto: Protocol, local: &str, remote: &str, cookie: u64) -> Socket {
        let (local, remote) = (end(local), end(remote));
        Socket {
            proto,
            family: Family::Ipv4,
            v6_only: false,
            state: SocketState::ESTABLISHED,
            local,
            remote,
            interface: None,
            inode: Some(1),
            cookie: Some(cookie),
            uid: Some(0),
            cgroup_id: None,
            tcp: None,
        }
    }

    fn tcp(local: &str, remote: &str, cookie: u64, counted: (u64, u64, u32)) -> Seen {
        let (sent, received, segments) = counted;
        let figures = TcpFigures {
            bytes_sent: Some(sent),
            bytes_retransmitted: Some(0),
            bytes_received: Some(received),
            segments_out: Some(segments),
            segments_in: Some(segments),
            ..TcpFigures::default()
        };
        let tcp = Some(Box::new(figures));
        let socket = socket(Protocol::TCP, local, remote, cookie);
        Seen::new(&Socket { tcp, ..socket }).unwrap()
    }

    fn waiting(proto: Protocol, at: &str) -> Listeners {
        let mut listeners = Listeners::default();
        listeners.add(&socket(proto, at, "0.0.0.0:0", 1));
        listeners
    }

    fn dumped(known: &mut Known, rows: &[Seen], listeners: &Listeners) -> Vec<Report> {
        let mut reports = Vec::new();
        known.begin();
        known.dumped(rows, listeners, &mut |report| reports.push(report));
        reports
    }

    fn bytes(report: &Report) -> Option<(u64, u64)> {
        let bytes = report.counters?.bytes();
        Some((bytes.orig, bytes.reply))
    }

    const US: &str = "192.0.2.1:80";
    const THEM: &str = "198.51.100.2:4000";

    #[test]
    fn who_waits_did_not_begin() {
        let row = tcp(US, THEM, 7, (10, 20, 1));
        let inward = Some((20, 10));
        for at in [US, "0.0.0.0:80", "[::]:80"] {
            let listeners = waiting(Protocol::TCP, at);
            let reports = dumped(&mut Known::default(), &[row], &listeners);
            assert_eq!(reports[0].key.orig, row.outward.inverted(), "{at}");
            assert_eq!(bytes(&reports[0]), inward);
            assert_eq!(reports[0].id, Some(7));
        }
        for at in ["192.0.2.9:80", "0.0.0.0:81"] {
            let listeners = waiting(Protocol::TCP, at);
            let reports = dumped(&mut Known::default(), &[row], &listeners);
            assert_eq!(reports[0].key.orig, row.outward, "{at}");
        }
        let mut only_v6 = socket(Protocol::TCP, "[::]:80", "[::]:0", 1);
        only_v6.v6_only = true;
        let mut listeners = Listeners::default();
        listeners.add(&only_v6);
        assert!(!listeners.wait_at(Protocol::TCP, end(US)));
        assert!(listeners.wait_at(Protocol::TCP, end("[2001:db8::1]:80")));
        // A UDP socket that is not connected waits as well.
        let udp = Seen::new(&socket(Protocol::UDP, US, THEM, 8)).unwrap();
        let listeners = waiting(Protocol::UDP, "0.0.0.0:80");
        let reports = dumped(&mut Known::default(), &[udp], &listeners);
        assert_eq!(reports[0].key.orig, udp.outward.inverted());
        assert_eq!((reports[0].state, reports[0].counters), (None, None));
    }

    #[test]
    fn a_flow_keeps_its_direction_and_its_id() {
        let mut known = Known::default();
        let row = tcp(US, THEM, 7, (10, 20, 1));
        let listeners = waiting(Protocol::TCP, US);
        let before = dumped(&mut known, &[row], &listeners);
        let after = dumped(&mut known, &[row], &Listeners::default());
        assert_eq!(before, after);
        // Equal ends, another socket: another flow, and nobody waits.
        let again = tcp(US, THEM, 8, (1, 2, 1));
        let other = dumped(&mut known, &[again], &Listeners::default());
        assert_eq!(other[0].key.orig, row.outward);
        assert_eq!(other[0].id, Some(8));
    }

    #[test]
    fn two_sockets_of_one_flow_are_one_report() {
        let (server, client) = ("127.0.0.1:80", "127.0.0.1:4000");
        let at_client = tcp(client, server, 7, (10, 21, 1));
        let at_server = tcp(server, client, 8, (20, 10, 1));
        for listeners in [waiting(Protocol::TCP, server), Listeners::default()] {
            for rows in [[at_client, at_server], [at_server, at_client]] {
                let mut known = Known::default();
                let reports = dumped(&mut known, &rows, &listeners);
                assert_eq!(reports.len(), 1);
                assert_eq!(reports[0].key.orig, at_client.outward);
                assert_eq!(bytes(&reports[0]), Some((10, 21)), "as the client has it");
                // The client is gone, the server's end still counts, and less.
                let alone = dumped(&mut known, &[at_server], &Listeners::default());
                assert_eq!(alone[0].key, reports[0].key);
                assert_eq!(alone[0].id, reports[0].id);
                assert_eq!(bytes(&alone[0]), Some((10, 21)), "never back");
            }
        }
    }

    #[test]
    fn segments_are_counted_past_32_bits_and_a_fin_is_no_byte() {
        let mut known = Known::default();
        let nobody = Listeners::default();
        dumped(
            &mut known,
            &[tcp(US, THEM, 7, (0, 0, 0x7fff_ffff))],
            &nobody,
        );
        dumped(
            &mut known,
            &[tcp(US, THEM, 7, (0, 0, 0xffff_fff0))],
            &nobody,
        );
        let mut last = tcp(US, THEM, 7, (5, 101, 0x10));
        last.state = SocketState::CLOSE_WAIT;
        let reports = dumped(&mut known, &[last], &nobody);
        let counters = reports[0].counters.unwrap();
        assert_eq!(counters.orig.packets, 0x1_0000_0010);
        assert_eq!(bytes(&reports[0]), Some((5, 100)));
        last.state = SocketState::CLOSE;
        let end = known.destroyed(&last, Side::Client);
        assert_eq!(bytes(&end), Some((5, 100)));
        assert_eq!(end.origin, Origin::Destroyed);
        assert!(known.get(&end.key).is_none());
    }

    #[test]
    fn what_is_left_is_asked_about_and_others_are_forgotten() {
        let mut known = Known::default();
        let nobody = Listeners::default();
        let gone = tcp(US, THEM, 7, (5, 101, 3));
        let other = tcp("192.0.2.1:81", THEM, 9, (0, 0, 0));
        let before = tcp(US, THEM, 7, (4, 90, 2));
        dumped(&mut known, &[before, other], &nobody);
        let left = Seen {
            state: SocketState::TIME_WAIT,
            cookie: 8,
            sent: None,
            received: None,
            ..gone
        };
        assert!(left.is_remains_of(&gone) && !gone.is_remains_of(&gone));
        let report = known.left_over(&gone, &left, Side::Client);
        assert_eq!(
            (report.origin, report.state),
            (Origin::Changed, Some(State::Tcp(7)))
        );
        assert_eq!(bytes(&report), Some((5, 100)));
        let rows = dumped(&mut known, &[left], &nobody);
        assert_eq!((rows[0].id, rows[0].counters), (Some(7), None));
        assert_eq!(known.end(), []);
        dumped(&mut known, &[], &nobody);
        assert_eq!(known.end(), [report.key]);
        let end = known.expired(&report.key).unwrap();
        assert_eq!((end.id, bytes(&end)), (Some(7), Some((5, 100))));
        assert!(known.get(&other.key(Side::Client)).is_some());
        dumped(&mut known, &[], &nobody);
        known.end();
        assert!(known.get(&other.key(Side::Client)).is_none());
    }
}
