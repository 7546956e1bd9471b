//! From an end of a flow to the socket that is there.
//!
//! 1. Who sent the first packet has a socket between the ends of the original
//!    tuple: the kernel translates addresses after that. Who it went to has
//!    one between the ends of the reply tuple.
//! 2. A connection (TCP, SCTP, DCCP) belongs to the socket with exactly both
//!    ends. A listener is no connection, and is never taken for one.
//! 3. A connection that no process has yet waits for whoever accepts it: it is
//!    the listeners' that are bound closest.
//! 4. A datagram (UDP, UDP-Lite) belongs to the socket that is connected with
//!    both ends, else to the one that is bound closest: to the address, to any
//!    of IPv4, to any of both families. Sockets that are bound to an interface
//!    may have it or not; they stand beside those bound as closely.
//! 5. An echo request belongs to the ping socket with its id, else to the raw
//!    sockets of its protocol. The kernel itself answers.
//! 6. What else there is belongs to raw sockets of its protocol, or to the
//!    kernel if it speaks that protocol by itself.
//!
//! Several sockets can be found. Whose they are decides: one process is the
//! owner, several make it ambiguous.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::flow::{Counters, Family, L4, Pair, Protocol, TcpFigures, Tuple};
use crate::netlink::sockdiag::{Endpoint, RAW, Socket, SocketState};

/// Protocols that the kernel speaks without a socket: IGMP, IP in IP, IPv6 in
/// IP, GRE, ESP, AH, IP compression, L2TP.
const OF_THE_KERNEL: [u8; 8] = [2, 4, 41, 47, 50, 51, 108, 115];

/// How a socket at an end of a flow can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// By both its ends.
    Connection,
    /// By both ends, or its own.
    Datagrams,
    /// By the id of its echo requests.
    Ping,
    /// By its protocol.
    Raw,
    /// There is none: the kernel answers a ping.
    Echo,
}

/// An end of a flow, as the socket there has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct End {
    pub(super) kind: Kind,
    pub(super) proto: Protocol,
    /// Port 0 where the protocol has none, the id of a ping.
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
}

impl End {
    /// The end of whoever sent the first packet.
    pub(super) fn of_originator(orig: &Tuple) -> Self {
        Self::at_source(orig, true)
    }

    /// The end of whoever it went to.
    pub(super) fn of_responder(reply: &Tuple) -> Self {
        Self::at_source(reply, false)
    }

    /// As an end that only a socket with both ends has; `None` if it cannot have
    /// such a socket.
    pub(super) fn if_connected(self) -> Option<Self> {
        let kind = match self.kind {
            Kind::Connection | Kind::Datagrams => Kind::Connection,
            Kind::Ping | Kind::Raw | Kind::Echo => return None,
        };
        Some(Self { kind, ..self })
    }

    fn at_source(tuple: &Tuple, is_originator: bool) -> Self {
        let proto = tuple.proto();
        let (kind, src, dst) = match (proto, tuple.l4()) {
            (Protocol::TCP | Protocol::SCTP | Protocol::DCCP, L4::Ports { src, dst }) => {
                (Kind::Connection, src, dst)
            }
            (Protocol::UDP | Protocol::UDPLITE, L4::Ports { src, dst }) => {
                (Kind::Datagrams, src, dst)
            }
            (_, L4::Icmp { kind, id, .. }) => match (tuple.family(), kind) {
                (Family::Ipv4, 8) | (Family::Ipv6, 128) if is_originator => (Kind::Ping, id, 0),
                (Family::Ipv4, 0) | (Family::Ipv6, 129) if !is_originator => (Kind::Echo, 0, 0),
                _ => (Kind::Raw, 0, 0),
            },
            _ => (Kind::Raw, 0, 0),
        };
        Self {
            kind,
            proto,
            local: Endpoint::new(tuple.src(), src),
            remote: Endpoint::new(tuple.dst(), dst),
        }
    }
}

/// What is at an end of a flow.
#[derive(Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// Sockets that processes hold (or the kernel does, as those of NFS).
    /// One of them has the flow.
    Held(Vec<&'a Socket>),
    /// A connection that no process has accepted yet, and the listeners that
    /// may.
    Waiting(&'a Socket, Vec<&'a Socket>),
    /// What is left of a socket that was closed.
    Left(&'a Socket),
    /// No socket: the kernel speaks by itself.
    Kernel,
    /// No socket.
    Nothing,
}

/// Both ends of a socket and its protocol, in a form that is quick to hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    local: u128,
    remote: u128,
    ports: u64,
}

impl Ends {
    pub(super) fn new(proto: Protocol, local: Endpoint, remote: Endpoint) -> Self {
        let bits = |address| match address {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        };
        let port = |end: Endpoint| u64::from(end.port);
        Self {
            local: bits(local.address),
            remote: bits(remote.address),
            ports: u64::from(proto.0) << 32 | port(local) << 16 | port(remote),
        }
    }
}

/// Sockets of one network namespace, to be found by the ends of flows.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    all: Vec<Socket>,
    /// Those with two ends.
    connected: HashMap<Ends, u32, foldhash::fast::RandomState>,
    /// Further ones with the same two ends.
    doubles: HashMap<Ends, Vec<u32>, foldhash::fast::RandomState>,
    /// The others, by protocol and port.
    bound: HashMap<(Protocol, u16), Vec<u32>, foldhash::fast::RandomState>,
}

impl Sockets {
    /// With room for so many.
    pub(super) fn with_capacity(sockets: usize) -> Self {
        let mut all = Self::default();
        all.all.reserve(sockets);
        all.connected.reserve(sockets);
        all
    }

    /// Takes in a socket. One that is told of twice counts once.
    pub(super) fn add(&mut self, socket: Socket) {
        let at = self.all.len() as u32;
        if !socket.is_connected() {
            let port = (socket.proto, socket.local.port);
            self.bound.entry(port).or_default().push(at);
            self.all.push(socket);
            return;
        }
        let ends = Ends::new(socket.proto, socket.local, socket.remote);
        if let Some(first) = self.connected.get_mut(&ends) {
            let known = self.all.get(*first as usize);
            if known.is_none_or(|known| known.inode.is_none()) {
                // A connection that follows one in TIME_WAIT.
                *first = at;
            } else if socket.inode.is_none() || known.is_some_and(|k| k.inode == socket.inode) {
                return;
            } else {
                self.doubles.entry(ends).or_default().push(at);
            }
        } else {
            self.connected.insert(ends, at);
        }
        self.all.push(socket);
    }

    /// What is at this end of a flow.
    pub(super) fn at(&self, end: &End) -> Found<'_> {
        match end.kind {
            Kind::Connection => self.connection(end),
            Kind::Datagrams => {
                let connected = self.between(end);
                if connected.is_empty() {
                    held(self.bound_closest(end, |socket| socket.state != SocketState::LISTEN))
                } else {
                    held(connected)
                }
            }
            Kind::Ping => {
                let pings = self.bound_closest(end, |socket| hears(socket, end.remote.address));
                if pings.is_empty() {
                    self.raw(end)
                } else {
                    held(pings)
                }
            }
            Kind::Raw => self.raw(end),
            Kind::Echo => Found::Kernel,
        }
    }

    fn connection(&self, end: &End) -> Found<'_> {
        let sockets = self.between(end);
        let Some(&first) = sockets.first() else {
            return Found::Nothing;
        };
        if first.inode.is_some() {
            return Found::Held(sockets);
        }
        let waits = [
            SocketState::ESTABLISHED,
            SocketState::SYN_RECV,
            SocketState::CLOSE_WAIT,
        ];
        if waits.contains(&first.state) {
            let listens = |socket: &Socket| socket.state == SocketState::LISTEN;
            Found::Waiting(first, self.bound_closest(end, listens))
        } else {
            Found::Left(first)
        }
    }

    fn between(&self, end: &End) -> Vec<&Socket> {
        let ends = Ends::new(end.proto, end.local, end.remote);
        let first = self.connected.get(&ends);
        let more = self.doubles.get(&ends).into_iter().flatten();
        first
            .into_iter()
            .chain(more)
            .filter_map(|at| self.get(*at))
            .collect()
    }

    fn raw(&self, end: &End) -> Found<'_> {
        let protocol = Endpoint {
            port: end.proto.0.into(),
            ..end.local
        };
        let of_protocol = End {
            proto: RAW,
            local: protocol,
            ..*end
        };
        // Each raw socket gets a copy of what comes in, however it is bound.
        let sockets: Vec<_> = self
            .candidates(&of_protocol)
            .filter(|socket| nearness(socket, end.local.address).is_some())
            .filter(|socket| hears(socket, end.remote.address))
            .collect();
        if sockets.is_empty() && OF_THE_KERNEL.contains(&end.proto.0) {
            return Found::Kernel;
        }
        held(sockets)
    }

    /// Rule 4, among those that `may`.
    fn bound_closest(&self, end: &End, may: impl Fn(&Socket) -> bool) -> Vec<&Socket> {
        let mut by_nearness: [Vec<&Socket>; NEAREST + 1] = Default::default();
        for socket in self.candidates(end).filter(|socket| may(socket)) {
            if let Some(near) = nearness(socket, end.local.address) {
                by_nearness[near].push(socket);
            }
        }
        let mut closest = Vec::new();
        for sockets in by_nearness.into_iter().rev() {
            let is_sure = sockets.iter().any(|socket| socket.interface.is_none());
            closest.extend(sockets);
            if is_sure {
                break;
            }
        }
        closest
    }

    fn candidates(&self, end: &End) -> impl Iterator<Item = &Socket> {
        let port = (end.proto, end.local.port);
        self.bound
            .get(&port)
            .into_iter()
            .flatten()
            .filter_map(|at| self.get(*at))
    }

    fn get(&self, at: u32) -> Option<&Socket> {
        self.all.get(at as usize)
    }
}

fn held(sockets: Vec<&Socket>) -> Found<'_> {
    if sockets.iter().any(|socket| socket.inode.is_some()) {
        return Found::Held(sockets.into_iter().filter(|s| s.inode.is_some()).collect());
    }
    match sockets.first() {
        Some(socket) => Found::Left(socket),
        None => Found::Nothing,
    }
}

/// Bound to the address itself.
const NEAREST: usize = 2;

/// How closely a socket is bound to an address of ours; `None` if to another.
fn nearness(socket: &Socket, address: IpAddr) -> Option<usize> {
    let bound = socket.local.address;
    if bound == address {
        return Some(NEAREST);
    }
    match (bound, address) {
        _ if !bound.is_unspecified() => None,
        (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => Some(1),
        (IpAddr::V6(_), IpAddr::V4(_)) => (!socket.v6_only).then_some(0),
        (IpAddr::V4(_), IpAddr::V6(_)) => None,
    }
}

/// Whether a socket that need not be connected hears what this address says.
fn hears(socket: &Socket, remote: IpAddr) -> bool {
    socket.remote.is_any() || socket.remote.address == remote
}

/// What a TCP socket sent (`orig`) and received (`reply`): payload, without
/// what was sent again; `None` if the kernel is too old to count it (4.2).
pub(super) fn counted(
    figures: &TcpFigures,
    state: SocketState,
    has_connected: bool,
) -> Option<Pair<Counters>> {
    let mut received = figures.received()?;
    if state.is_closed_by_other() {
        received.bytes = received.bytes.saturating_sub(1);
    }
    Some(Pair {
        orig: figures.sent(has_connected)?,
        reply: received,
    })
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
