//! Asking the kernel what is at ends of flows, as cheaply as it gets: one by
//! one, or all sockets at once. Where it is known what was there, it is enough
//! to have that confirmed while the kernel tells of its sockets.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};

use super::matching::{End, Ends, Found, Sockets};
use crate::flow::{Family, Protocol, TcpFigures};
use crate::netlink::sockdiag::proc_net::Table;
use crate::netlink::sockdiag::request::States;
use crate::netlink::sockdiag::{Diag, DiagError, RAW, Socket, SocketState};

/// A lookup costs the kernel as much as this many sockets of a dump.
const SOCKETS_PER_LOOKUP: usize = 3;
/// A dump costs as much as this many sockets, however few there are: it walks
/// a table of all namespaces.
const SOCKETS_PER_DUMP: usize = 250;
/// With each so many confirmations the names of congestion controls are asked
/// for as well: a process may change that of a connection, but hardly does.
const CONGESTION_EVERY: u32 = 16;

/// What a socket says beside who holds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct About {
    pub(super) state: SocketState,
    pub(super) cookie: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) cgroup_id: Option<u64>,
    pub(super) figures: Option<TcpFigures>,
    /// Of all that the socket says, its inode too, but for the name of its
    /// congestion control. Two sockets that say something else have different
    /// ones but for one time in 2^64.
    pub(super) fingerprint: u64,
}

/// What was seen at an end of a flow.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sighting {
    /// Sockets with these inodes; one of them has the flow.
    Held(Vec<u32>, About),
    /// A connection that nobody has accepted yet; whoever holds the listeners
    /// with these inodes may.
    Waiting(Vec<u32>, About),
    /// What is left of a socket.
    Left(About),
    /// The kernel, without a socket.
    Kernel,
    /// Nothing.
    Nothing,
    /// The kernel did not tell.
    Unknown,
}

impl Sighting {
    fn new(found: &Found<'_>) -> Self {
        match found {
            Found::Held(sockets) => match sockets.first() {
                Some(first) => Self::Held(inodes(sockets), about(first)),
                None => Self::Nothing,
            },
            Found::Waiting(socket, listeners) => Self::Waiting(inodes(listeners), about(socket)),
            Found::Left(socket) => Self::Left(about(socket)),
            Found::Kernel => Self::Kernel,
            Found::Nothing => Self::Nothing,
        }
    }

    /// What two namespaces with the same address say together.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Held(mut inodes, about), Self::Held(more, _)) => {
                inodes.extend(more);
                Self::Held(inodes, about)
            }
            (one, two) => {
                if two.worth() > one.worth() {
                    two
                } else {
                    one
                }
            }
        }
    }

    const fn worth(&self) -> u8 {
        match self {
            Self::Held(..) => 5,
            Self::Waiting(..) => 4,
            Self::Left(_) => 3,
            Self::Kernel => 2,
            Self::Nothing => 1,
            Self::Unknown => 0,
        }
    }
}

impl About {
    pub(super) fn of(socket: &Socket, figures: Option<TcpFigures>) -> Self {
        Self {
            state: socket.state,
            cookie: socket.cookie,
            uid: socket.uid,
            cgroup_id: socket.cgroup_id,
            figures,
            fingerprint: fingerprint(socket, figures),
        }
    }
}

fn fingerprint(socket: &Socket, figures: Option<TcpFigures>) -> u64 {
    let figures = figures.map(|figures| TcpFigures {
        congestion: None,
        ..figures
    });
    foldhash::fast::FixedState::default().hash_one((
        socket.inode,
        socket.cookie,
        socket.state,
        socket.uid,
        socket.cgroup_id,
        figures,
    ))
}

fn about(socket: &Socket) -> About {
    About::of(socket, socket.tcp.as_deref().copied())
}

fn inodes(sockets: &[&Socket]) -> Vec<u32> {
    let mut inodes: Vec<u32> = sockets.iter().filter_map(|socket| socket.inode).collect();
    inodes.sort_unstable();
    inodes.dedup();
    inodes
}

/// Whether so many lookups cost more than a dump of so many sockets.
const fn is_worth_a_dump(lookups: usize, sockets: usize) -> bool {
    lookups * SOCKETS_PER_LOOKUP > sockets + SOCKETS_PER_DUMP
}

/// Who asks in one network namespace.
pub(super) struct Asker {
    diag: Diag,
    /// Where its text tables are.
    tables: PathBuf,
    /// How many TCP sockets of each of [`FAMILIES`] there were when all were
    /// asked for.
    tcp_sockets: [usize; 2],
    /// Confirmations so far.
    confirmations: u32,
    /// What is to be confirmed. Kept for its memory.
    unconfirmed: Unconfirmed,
}

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

/// An end at which it is known what was there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Its position among all that are asked about.
    pub(super) at: usize,
    pub(super) end: End,
    /// Of what was there.
    pub(super) fingerprint: u64,
}

/// Ends that are known, and what a dump has told of them so far. Small, so that
/// it stays in the cache of the processor while the kernel fills that.
#[derive(Debug, Default)]
struct Unconfirmed {
    hasher: foldhash::fast::RandomState,
    /// By the hash of both ends.
    of: HashMap<u64, Expected, foldhash::fast::RandomState>,
    /// How many are left.
    left: usize,
}

#[derive(Debug)]
struct Expected {
    fingerprint: u64,
    at: u32,
    finding: Finding,
}

/// What a dump has told of an end so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// Nothing.
    None,
    /// The socket that is known, which has this inode, and only that.
    Same(u32),
    /// Something else, perhaps beside it.
    Other,
}

impl Unconfirmed {
    fn expect(&mut self, known: impl Iterator<Item = Known>) {
        self.of.clear();
        for known in known {
            let Known { end, .. } = known;
            let ends = Ends::new(end.proto, end.local, end.remote);
            // A flow of another zone between the same ends stays unconfirmed.
            self.of
                .entry(self.hasher.hash_one(ends))
                .or_insert(Expected {
                    fingerprint: known.fingerprint,
                    at: known.at as u32,
                    finding: Finding::None,
                });
        }
        self.left = self.of.len();
    }

    /// Takes in a socket and its fingerprint, if that tells all. If it is not
    /// the known one, `is_same` tells whether the socket is.
    fn see(
        &mut self,
        socket: &Socket,
        fingerprint: Option<u64>,
        is_same: impl FnOnce(usize) -> bool,
    ) {
        let ends = Ends::new(socket.proto, socket.local, socket.remote);
        let Some(expected) = self.of.get_mut(&self.hasher.hash_one(ends)) else {
            return;
        };
        let is_same = |expected: &Expected| {
            fingerprint == Some(expected.fingerprint) || is_same(expected.at as usize)
        };
        expected.finding = match (expected.finding, socket.inode) {
            (Finding::None, Some(inode)) if is_same(expected) => {
                self.left -= 1;
                Finding::Same(inode)
            }
            // A dump may tell of a socket twice.
            (Finding::Same(known), Some(inode)) if known == inode => return,
            (Finding::Same(_), _) => {
                self.left += 1;
                Finding::Other
            }
            (Finding::None | Finding::Other, _) => Finding::Other,
        };
    }

    /// The positions of those that are confirmed.
    fn confirmed(&self) -> impl Iterator<Item = usize> {
        let all = self.of.values();
        let same = all.filter(|expected| matches!(expected.finding, Finding::Same(_)));
        same.map(|expected| expected.at as usize)
    }
}

impl Asker {
    /// In the namespace of the calling thread. `tables` is its `/proc/*/net`
    /// for whoever asks later.
    pub(super) fn open(tables: PathBuf) -> Result<Self, DiagError> {
        Ok(Self {
            diag: Diag::open()?,
            tables,
            tcp_sockets: [0; 2],
            confirmations: 0,
            unconfirmed: Unconfirmed::default(),
        })
    }

    pub(super) fn tables(&self) -> &Path {
        &self.tables
    }

    /// Has the kernel tell of all TCP sockets, to confirm what is `known` of
    /// connections. `is_same` gets each inode that is at one of them and what
    /// its socket says, unless that is what is known already, and tells whether
    /// it is the known one. Returns the positions of those that it is.
    ///
    /// Does nothing if it is as well to look at all ends: if few are known, or
    /// many `others` are to be looked at anyway. So it is with what is left
    /// unconfirmed.
    pub(super) fn confirm(
        &mut self,
        known: impl Iterator<Item = Known>,
        others: usize,
        is_same: &mut impl FnMut(usize, Option<u32>, About) -> bool,
    ) -> impl Iterator<Item = usize> {
        let unconfirmed = &mut self.unconfirmed;
        unconfirmed.expect(known);
        let mut untold: usize = self.tcp_sockets.iter().sum();
        if !is_worth_a_dump(others, untold) && is_worth_a_dump(unconfirmed.left, untold) {
            self.confirmations = self.confirmations.wrapping_add(1);
            let has_congestion = self.confirmations.is_multiple_of(CONGESTION_EVERY);
            // What is known has neither state.
            let states = States::ALL
                .without(SocketState::LISTEN)
                .without(SocketState::TIME_WAIT);
            for (family, tcp_sockets) in FAMILIES.into_iter().zip(&mut self.tcp_sockets) {
                if !is_worth_a_dump(unconfirmed.left, untold) {
                    break;
                }
                untold -= *tcp_sockets;
                let mut count = 0;
                let mut each = |socket: Socket, figures| {
                    count += 1;
                    let about = About::of(&socket, figures);
                    let fingerprint = (!has_congestion).then_some(about.fingerprint);
                    unconfirmed.see(&socket, fingerprint, |at| is_same(at, socket.inode, about));
                };
                let told = self
                    .diag
                    .dump_figures(family, has_congestion, states, &mut each);
                // What it did not tell stays unconfirmed.
                if told.is_ok() {
                    *tcp_sockets = count;
                }
            }
        }
        unconfirmed.confirmed()
    }

    /// What is at each of these ends, in order.
    pub(super) fn look(&mut self, ends: &[End]) -> Vec<Sighting> {
        let tcp_sockets = self.tcp_sockets.iter().sum();
        let room = ends.len().max(tcp_sockets);
        let mut sockets = Sockets::with_capacity(room + room / 8);
        let count = |proto: Protocol| ends.iter().filter(|end| end.proto == proto).count();
        let (mut missing, mut has_listeners) = (Vec::new(), false);
        let mut protos: Vec<Protocol> = ends.iter().map(|end| end.proto).collect();
        protos.sort_unstable();
        protos.dedup();
        for proto in protos {
            let told = match proto {
                Protocol::TCP => {
                    has_listeners = is_worth_a_dump(count(proto), tcp_sockets);
                    if has_listeners {
                        self.dump(proto, States::ALL, &mut sockets)
                    } else {
                        self.look_up(ends, &mut sockets)
                    }
                }
                Protocol::ICMP | Protocol::ICMPV6 => {
                    self.read(proto, &mut sockets) && self.read(RAW, &mut sockets)
                }
                Protocol::UDPLITE => {
                    self.dump(proto, States::ALL, &mut sockets) || self.read(proto, &mut sockets)
                }
                Protocol::UDP | Protocol::SCTP | Protocol::DCCP => {
                    self.dump(proto, States::ALL, &mut sockets)
                }
                _ => self.read(RAW, &mut sockets),
            };
            if !told {
                missing.push(proto);
            }
        }
        let see = |sockets: &Sockets, end: &End| match Sighting::new(&sockets.at(end)) {
            Sighting::Nothing if missing.contains(&end.proto) => Sighting::Unknown,
            sighting => sighting,
        };
        let mut seen: Vec<_> = ends.iter().map(|end| see(&sockets, end)).collect();
        let waits = |sighting: &Sighting| matches!(sighting, Sighting::Waiting(..));
        if !has_listeners && seen.iter().any(waits) {
            let listening = States::only(SocketState::LISTEN);
            self.dump(Protocol::TCP, listening, &mut sockets);
            for (sighting, end) in seen.iter_mut().zip(ends) {
                if waits(sighting) {
                    *sighting = see(&sockets, end);
                }
            }
        }
        seen
    }

    /// Whether the kernel told of all sockets of a protocol.
    fn dump(&mut self, proto: Protocol, states: States, sockets: &mut Sockets) -> bool {
        let mut told = false;
        for (family, tcp_sockets) in FAMILIES.into_iter().zip(&mut self.tcp_sockets) {
            let mut count = 0;
            let mut each = |socket| {
                count += 1;
                sockets.add(socket);
            };
            let dumped = self
                .diag
                .dump_states(proto, family, true, states, &mut each);
            if proto == Protocol::TCP && states == States::ALL {
                *tcp_sockets = count;
            }
            match dumped {
                Ok(()) => told = true,
                // A kernel without IPv6, or without the protocol.
                Err(DiagError::NoHandler { .. }) => {}
                Err(DiagError::Io { .. } | DiagError::Interrupted) => return false,
            }
        }
        told
    }

    fn look_up(&mut self, ends: &[End], sockets: &mut Sockets) -> bool {
        let mut told = true;
        for end in ends.iter().filter(|end| end.proto == Protocol::TCP) {
            match self.diag.lookup(end.proto, end.local, end.remote) {
                Ok(Some(socket)) => sockets.add(socket),
                Ok(None) => {}
                Err(_) => told = false,
            }
        }
        told
    }

    fn read(&self, proto: Protocol, sockets: &mut Sockets) -> bool {
        let tables = Table::ALL.iter().filter(|table| table.proto == proto);
        tables.fold(true, |told, table| {
            let read = table.read(&self.tables, &mut |socket| sockets.add(socket));
            told && read.is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::super::matching::Kind;
    use super::*;
    use crate::netlink::sockdiag::Endpoint;

    const FROM: Endpoint = Endpoint::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 40_000);
    const TO: Endpoint = Endpoint::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), 80);

    fn socket(inode: Option<u32>) -> Socket {
        Socket {
            proto: Protocol::TCP,
            family: Family::Ipv4,
            v6_only: false,
            state: SocketState::ESTABLISHED,
            local: FROM,
            remote: TO,
            interface: None,
            inode,
            cookie: None,
            uid: None,
            cgroup_id: None,
            tcp: None,
        }
    }

    /// What is confirmed of two equal ends, of which the first is asked about,
    /// when the sockets with these inodes are told of and the first is known.
    /// By its fingerprint or not.
    fn confirmed(inodes: &[Option<u32>], is_printed: bool) -> Vec<usize> {
        let end = End {
            kind: Kind::Connection,
            proto: Protocol::TCP,
            local: FROM,
            remote: TO,
        };
        let mut unconfirmed = Unconfirmed::default();
        let known = |at| Known {
            at,
            end,
            fingerprint: 1,
        };
        unconfirmed.expect([7, 8].map(known).into_iter());
        assert_eq!(unconfirmed.left, 1);
        for inode in inodes {
            let is_same = |at| {
                assert_eq!(at, 7);
                *inode == Some(1)
            };
            // By itself, or because nothing is new.
            let fingerprint = inode.map(u64::from).filter(|_| is_printed);
            unconfirmed.see(&socket(*inode), fingerprint, |at| {
                !is_printed && is_same(at)
            });
        }
        let reversed = Socket {
            local: TO,
            remote: FROM,
            ..socket(Some(3))
        };
        unconfirmed.see(&reversed, None, |_| true);
        let confirmed: Vec<usize> = unconfirmed.confirmed().collect();
        assert_eq!(unconfirmed.left, 1 - confirmed.len());
        confirmed
    }

    #[test]
    fn only_the_known_socket_alone_is_a_confirmation() {
        for is_printed in [false, true] {
            assert_eq!(confirmed(&[Some(1)], is_printed), [7]);
            let twice = [Some(1), Some(1)];
            assert_eq!(confirmed(&twice, is_printed), [7], "told of twice");
            for others in [
                vec![],
                vec![Some(2)],
                vec![None],
                vec![Some(1), Some(2)],
                vec![Some(2), Some(1)],
                vec![Some(1), None, Some(1)],
            ] {
                assert_eq!(confirmed(&others, is_printed), [0; 0], "{others:?}");
            }
        }
    }

    #[test]
    fn whatever_a_socket_says_is_in_its_fingerprint_but_its_congestion_control() {
        let figures = TcpFigures {
            cwnd: Some(10),
            ..TcpFigures::default()
        };
        let of = |socket: &Socket, figures| About::of(socket, Some(figures)).fingerprint;
        let one = socket(Some(1));
        let same = of(&one, figures);
        let renamed = TcpFigures {
            congestion: crate::flow::Congestion::new("bbr"),
            ..figures
        };
        assert_eq!(of(&one, renamed), same);
        let grown = TcpFigures {
            cwnd: Some(11),
            ..figures
        };
        let absent = TcpFigures {
            cwnd: None,
            ..figures
        };
        let mut closing = one.clone();
        closing.state = SocketState::CLOSE_WAIT;
        let mut named = one.clone();
        named.cookie = Some(1);
        let others = [
            of(&one, grown),
            of(&one, absent),
            of(&socket(Some(2)), figures),
            of(&closing, figures),
            of(&named, figures),
        ];
        assert!(!others.contains(&same), "{others:?}");
    }
}
