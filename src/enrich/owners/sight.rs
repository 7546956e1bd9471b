//! Asking the kernel what is at ends of flows, as cheaply as it gets: one by
//! one, or all sockets at once.

use std::path::{Path, PathBuf};

use super::matching::{End, Found, Sockets};
use crate::flow::{Family, Protocol, TcpFigures};
use crate::netlink::sockdiag::proc_net::Table;
use crate::netlink::sockdiag::request::States;
use crate::netlink::sockdiag::{Diag, DiagError, RAW, Socket, SocketState};

/// A lookup costs the kernel as much as this many sockets of a dump.
const SOCKETS_PER_LOOKUP: usize = 3;
/// A dump costs as much as this many sockets, however few there are: it walks
/// a table of all namespaces.
const SOCKETS_PER_DUMP: usize = 250;

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
                Some(first) => Self::Held(inodes(sockets), About::of(first)),
                None => Self::Nothing,
            },
            Found::Waiting(socket, listeners) => {
                Self::Waiting(inodes(listeners), About::of(socket))
            }
            Found::Left(socket) => Self::Left(About::of(socket)),
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
    fn of(socket: &Socket) -> Self {
        Self {
            state: socket.state,
            cookie: socket.cookie,
            uid: socket.uid,
            cgroup_id: socket.cgroup_id,
            figures: socket.tcp.as_deref().copied(),
        }
    }
}

fn inodes(sockets: &[&Socket]) -> Vec<u32> {
    let mut inodes: Vec<u32> = sockets.iter().filter_map(|socket| socket.inode).collect();
    inodes.sort_unstable();
    inodes.dedup();
    inodes
}

/// Who asks in one network namespace.
pub(super) struct Asker {
    diag: Diag,
    /// Where its text tables are.
    tables: PathBuf,
    /// How many TCP sockets there were when all were asked for.
    tcp_sockets: usize,
}

impl Asker {
    /// In the namespace of the calling thread. `tables` is its `/proc/*/net`
    /// for whoever asks later.
    pub(super) fn open(tables: PathBuf) -> Result<Self, DiagError> {
        Ok(Self {
            diag: Diag::open()?,
            tables,
            tcp_sockets: 0,
        })
    }

    pub(super) fn tables(&self) -> &Path {
        &self.tables
    }

    /// What is at each of these ends, in order.
    pub(super) fn look(&mut self, ends: &[End]) -> Vec<Sighting> {
        let room = self.tcp_sockets.max(ends.len());
        let mut sockets = Sockets::with_capacity(room + room / 8);
        let count = |proto: Protocol| ends.iter().filter(|end| end.proto == proto).count();
        let (mut missing, mut has_listeners) = (Vec::new(), false);
        let mut protos: Vec<Protocol> = ends.iter().map(|end| end.proto).collect();
        protos.sort_unstable();
        protos.dedup();
        for proto in protos {
            let told = match proto {
                Protocol::TCP => {
                    let lookups = count(proto) * SOCKETS_PER_LOOKUP;
                    has_listeners = lookups > self.tcp_sockets + SOCKETS_PER_DUMP;
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
            if proto == Protocol::TCP && has_listeners {
                self.tcp_sockets = sockets.len();
            }
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
        for family in [Family::Ipv4, Family::Ipv6] {
            let mut each = |socket| sockets.add(socket);
            match self
                .diag
                .dump_states(proto, family, true, states, &mut each)
            {
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
