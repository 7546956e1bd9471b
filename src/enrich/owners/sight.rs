//! Asking the kernel what is at ends of flows, as cheaply as it gets: one by
//! one, or all sockets at once. Where it is known what was there, it is enough
//! to have that confirmed while the kernel tells of its sockets.

use std::collections::HashMap;
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
        }
    }
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

/// Ends at which it is known what was there.
#[derive(Debug, Default)]
struct Unconfirmed {
    /// By both ends: which of those asked about it is, and what was found.
    at: HashMap<Ends, (u32, Finding), foldhash::fast::RandomState>,
    /// How many are left.
    left: usize,
}

/// What a dump has told of an end so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// Nothing.
    None,
    /// The socket that is known, and only that.
    Same(Option<u32>),
    /// Something else, perhaps beside it.
    Other,
}

impl Unconfirmed {
    fn expect(&mut self, ends: impl Iterator<Item = (usize, End)>) {
        self.at.clear();
        for (at, end) in ends {
            let ends = Ends::new(end.proto, end.local, end.remote);
            // A flow of another zone between the same ends stays unconfirmed.
            self.at.entry(ends).or_insert((at as u32, Finding::None));
        }
        self.left = self.at.len();
    }

    /// Takes in a socket; `is_same` tells whether it is the known one.
    fn see(&mut self, socket: &Socket, is_same: impl FnOnce(usize) -> bool) {
        let ends = Ends::new(socket.proto, socket.local, socket.remote);
        let Some((at, finding)) = self.at.get_mut(&ends) else {
            return;
        };
        *finding = match *finding {
            Finding::None if is_same(*at as usize) => {
                self.left -= 1;
                Finding::Same(socket.inode)
            }
            // A dump may tell of a socket twice.
            Finding::Same(inode) if inode == socket.inode => return,
            Finding::Same(_) => {
                self.left += 1;
                Finding::Other
            }
            Finding::None | Finding::Other => Finding::Other,
        };
    }

    fn confirmed(&self) -> impl Iterator<Item = usize> {
        let all = self.at.values();
        let same = all.filter(|(_, finding)| matches!(finding, Finding::Same(_)));
        same.map(|(at, _)| *at as usize)
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

    /// Has the kernel tell of all TCP sockets, to confirm what is `known`: the
    /// positions and ends of connections. `is_same` gets each socket that is
    /// at one of them, with the position and its figures, and tells whether it
    /// is the known one. Returns the positions of those that it is.
    ///
    /// Does nothing if it is as well to look at all ends: if few are known, or
    /// many `others` are to be looked at anyway. So it is with what is left
    /// unconfirmed.
    pub(super) fn confirm(
        &mut self,
        known: impl Iterator<Item = (usize, End)>,
        others: usize,
        is_same: &mut impl FnMut(usize, &Socket, Option<TcpFigures>) -> bool,
    ) -> impl Iterator<Item = usize> {
        let unconfirmed = &mut self.unconfirmed;
        unconfirmed.expect(known);
        let mut untold: usize = self.tcp_sockets.iter().sum();
        if !is_worth_a_dump(others, untold) && is_worth_a_dump(unconfirmed.left, untold) {
            let has_congestion = self.confirmations.is_multiple_of(CONGESTION_EVERY);
            self.confirmations = self.confirmations.wrapping_add(1);
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
                    unconfirmed.see(&socket, |at| is_same(at, &socket, figures));
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
    fn confirmed(inodes: &[Option<u32>]) -> Vec<usize> {
        let end = End {
            kind: Kind::Connection,
            proto: Protocol::TCP,
            local: FROM,
            remote: TO,
        };
        let mut unconfirmed = Unconfirmed::default();
        unconfirmed.expect([(7, end), (8, end)].into_iter());
        assert_eq!(unconfirmed.left, 1);
        for inode in inodes {
            unconfirmed.see(&socket(*inode), |at| {
                assert_eq!(at, 7);
                *inode == Some(1)
            });
        }
        let reversed = Socket {
            local: TO,
            remote: FROM,
            ..socket(Some(3))
        };
        unconfirmed.see(&reversed, |_| true);
        let confirmed: Vec<usize> = unconfirmed.confirmed().collect();
        assert_eq!(unconfirmed.left, 1 - confirmed.len());
        confirmed
    }

    #[test]
    fn only_the_known_socket_alone_is_a_confirmation() {
        assert_eq!(confirmed(&[Some(1)]), [7]);
        assert_eq!(confirmed(&[Some(1), Some(1)]), [7], "told of twice");
        for others in [
            vec![],
            vec![Some(2)],
            vec![None],
            vec![Some(1), Some(2)],
            vec![Some(2), Some(1)],
            vec![Some(1), None, Some(1)],
        ] {
            assert_eq!(confirmed(&others), [0; 0], "{others:?}");
        }
    }
}
