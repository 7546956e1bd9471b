//! Flows put together: by host, network, service, process, country and more.
//!
//! A group counts the flows that are there, and the bytes of those and of the
//! ones that have ended: [`Ledger`] keeps the latter.
//!
//! Every flow is in one group of a list, and the sums over a list are those of
//! all flows in scope. There are two exceptions, so that each side is told what
//! it has sent: a flow that a process of this machine has with another one here
//! is in the groups of both, and so with their users and units; and a flow that
//! passes through is in the groups of both interfaces.

mod column;
mod expression;
mod field;
mod grouping;
mod ledger;
mod members;
mod order;
mod peers;
mod rows;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Age, Mac, Owner, Unknown, Who};
use crate::enrich::Label;
use crate::enrich::geoip::CountryCode;
use crate::enrich::nfsd;
use crate::enrich::owners::{Account, Cgroup, Container, Process};
use crate::flow::{Counters, Moment, Pair, Protocol};
use crate::table::Past;

pub use column::GroupColumn;
pub use expression::{Identity, is};
pub use field::{GROUP_FIELDS, GroupField};
pub use grouping::{Grouping, Widths};
use ledger::Ended;
pub use ledger::Ledger;
pub(super) use order::Groups;
pub(super) use rows::remember;

/// Where the far end of a flow is. The far end is the destination, or the
/// source if the flow comes in or only that one is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Country {
    /// By its code.
    Code(CountryCode),
    /// Both ends have private or reserved addresses.
    Lan,
    /// No database knows it.
    Unknown,
}

/// A service: the port that names a flow, and its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// Transport protocol.
    pub proto: Protocol,
    /// The port; `None` for protocols without ports.
    pub port: Option<u16>,
}

impl Service {
    /// Whether it is NFS, of whose clients the kernel tells more.
    pub fn is_nfs(self) -> bool {
        self.port == Some(nfsd::PORT)
    }
}

impl std::fmt::Display for Service {
    /// `443/tcp`; the protocol alone if it has no ports.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(port) = self.port {
            write!(f, "{port}/")?;
        }
        write!(f, "{}", self.proto)
    }
}

/// What the rows of a list are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum List {
    /// Flows.
    #[default]
    Flows,
    /// Groups of them.
    By(Grouping),
}

/// A user, a unit or a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Belonging {
    /// This one.
    To(Label),
    /// The process belongs to none.
    None,
    /// No process is known, and why.
    Unknown(Unknown),
    /// Nobody has looked, or not yet.
    Unseen,
}

/// One group of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Flows of a host on our side.
    Host(IpAddr),
    /// Flows that an address began.
    Source(IpAddr),
    /// Flows to an address.
    Destination(IpAddr),
    /// Flows from one address to another.
    Pair(IpAddr, IpAddr),
    /// Flows between our side and a host.
    Peer(IpAddr),
    /// Flows to a port on our side; `None` for all flows that ask none.
    Served(Option<Service>),
    /// Flows to or from a network: its first address, and how many of its bits
    /// count.
    Subnet(IpAddr, u8),
    /// Flows of a service.
    Service(Service),
    /// Flows of a process, or of those of which none is known.
    Process(Who),
    /// Flows of the processes of a user.
    User(Belonging),
    /// Flows of the processes in a container or a unit.
    Unit(Belonging),
    /// Flows to or from a country.
    Country(Country),
    /// Flows to or from an autonomous system; `None` where no database knows
    /// it.
    Asn(Option<NonZeroU32>),
    /// Flows that use an interface; `None` where none is known.
    Interface(Option<Label>),
    /// Flows with a connection mark; `None` where the kernel told of none.
    Mark(Option<u32>),
    /// Flows of a conntrack zone.
    Zone(u16),
    /// Flows of a protocol.
    Protocol(Protocol),
    /// Flows in a state, as it is shown; `None` where it has no name.
    State(Option<&'static str>),
    /// Flows that have ended and are not told apart any more.
    Others,
}

impl Group {
    /// By what it is one; `None` of [`Group::Others`].
    pub const fn grouping(self) -> Option<Grouping> {
        Some(match self {
            Self::Host(_) => Grouping::Host,
            Self::Source(_) => Grouping::Source,
            Self::Destination(_) => Grouping::Destination,
            Self::Pair(..) => Grouping::Pair,
            Self::Peer(_) => Grouping::Peer,
            Self::Served(_) => Grouping::Served,
            Self::Subnet(_, width) => Grouping::Subnet(Widths::both(width)),
            Self::Service(_) => Grouping::Service,
            Self::Process(_) => Grouping::Process,
            Self::User(_) => Grouping::User,
            Self::Unit(_) => Grouping::Unit,
            Self::Country(_) => Grouping::Country,
            Self::Asn(_) => Grouping::Asn,
            Self::Interface(_) => Grouping::Interface,
            Self::Mark(_) => Grouping::Mark,
            Self::Zone(_) => Grouping::Zone,
            Self::Protocol(_) => Grouping::Protocol,
            Self::State(_) => Grouping::State,
            Self::Others => return None,
        })
    }

    /// Flows to or from the network of an address.
    pub(super) fn subnet(address: IpAddr, width: u8) -> Self {
        Self::Subnet(Widths::both(width).cut(address), width)
    }

    /// The hosts that it is named after.
    pub fn hosts(self) -> impl Iterator<Item = IpAddr> {
        let hosts = match self {
            Self::Host(host) | Self::Source(host) | Self::Destination(host) | Self::Peer(host) => {
                [Some(host), None]
            }
            Self::Pair(from, to) => [Some(from), Some(to)],
            _ => [None, None],
        };
        hosts.into_iter().flatten()
    }
}

/// A process, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process; `None` if only the user is known.
    pub process: Option<Arc<Process>>,
    /// Its user.
    pub account: Option<Arc<Account>>,
    /// Its cgroup.
    pub cgroup: Option<Arc<Cgroup>>,
}

impl Holder {
    fn of(owner: &Owner) -> Self {
        Self {
            process: owner.process.as_ref().ok().cloned(),
            account: owner.account().cloned(),
            cgroup: owner.cgroup().cloned(),
        }
    }

    /// The user by name, or else by number.
    pub fn user(&self) -> Option<String> {
        let account = self.account.as_deref()?;
        let name = account.name.as_deref().map(str::to_owned);
        Some(name.unwrap_or_else(|| account.uid.to_string()))
    }

    /// The container it is in, or else the systemd unit.
    pub fn unit(&self) -> Option<&str> {
        let cgroup = self.cgroup.as_deref()?;
        let container = cgroup.container.as_ref().map(Container::label);
        container.or(cgroup.unit.as_deref())
    }
}

/// A row of a list of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Which group.
    pub group: Group,
    /// Its name for people: a country's, an organisation's, a service's, a
    /// process's, a host's.
    pub name: Option<Arc<str>>,
    /// Of a pair: the name of its destination.
    pub second_name: Option<Arc<str>>,
    /// Of a process: its user and the like.
    pub holder: Option<Holder>,
    /// Of a host: its hardware address, if it is a neighbour.
    pub mac: Option<Mac>,
    /// Of a client of this machine's NFS server: what that says of it.
    pub nfs: Option<nfsd::Client>,
    /// Of a peer: round-trip time in microseconds, the mean of the TCP sockets
    /// on this machine that its flows end at; `None` if there are none.
    pub rtt_us: Option<u32>,
    /// Flows that are there.
    pub flows: usize,
    /// Of these, those that are known to have begun within the last
    /// [`NEW_SECS`].
    pub new: usize,
    /// Of these, those without an answer so far.
    pub unreplied: usize,
    /// Age of the oldest flow that is there.
    pub oldest: Option<Age>,
    /// Flows that have ended since the ledger keeps account of this list.
    pub ended: u64,
    /// When the last of these ended.
    pub last_ended: Option<Moment>,
    /// Distinct far ends of the flows that are there.
    pub hosts: usize,
    /// Packets and bytes of both, as far as they were counted. Of hosts,
    /// processes and what these belong to, and of interfaces, `orig` is what
    /// they have sent; of peers and of services on our side, what our side has;
    /// of others what was sent in the original direction. `None` where nobody has
    /// counted any.
    pub counters: Option<Pair<Counters>>,
    /// Whether the rate of any flow that is there is known.
    pub is_rated: bool,
    /// Bytes per second of the flows that are there.
    pub bytes_per_sec: Pair<u64>,
    /// The same over ten seconds, which orders the rows so that they do not
    /// jump.
    pub average_bytes_per_sec: Pair<u64>,
    /// How fast the flows that are there were, one by one and in sum: only of
    /// rows of a window, and if [`Query::with_past`](super::Query::with_past)
    /// asks for it. Where none is known to have rested, none did.
    pub past: Past,
}

/// For how many seconds a flow is new.
pub const NEW_SECS: u64 = 10;

impl GroupRow {
    fn new(group: Group) -> Self {
        Self {
            group,
            name: None,
            second_name: None,
            holder: None,
            mac: None,
            nfs: None,
            rtt_us: None,
            flows: 0,
            new: 0,
            unreplied: 0,
            oldest: None,
            ended: 0,
            last_ended: None,
            hosts: 0,
            counters: None,
            is_rated: false,
            bytes_per_sec: Pair::default(),
            average_bytes_per_sec: Pair::default(),
            past: Past::default(),
        }
    }

    /// Whether all its flows have ended.
    pub const fn is_over(&self) -> bool {
        self.flows == 0
    }

    /// When the last of its flows ended, if none is left.
    pub const fn seen(&self) -> Option<Moment> {
        if self.is_over() {
            self.last_ended
        } else {
            None
        }
    }

    /// Bytes of the flows that are there and of those that have ended; `None`
    /// where nobody has counted any.
    pub fn bytes(&self) -> Option<Pair<u64>> {
        self.counters.map(Pair::bytes)
    }

    /// Bytes per second of the flows that are there; `None` where no rate is
    /// known. One whose flows have all ended is at rest.
    pub fn rate(&self) -> Option<Pair<u64>> {
        (self.is_rated || self.is_over()).then_some(self.bytes_per_sec)
    }

    /// Births per second, averaged over [`NEW_SECS`]. What has ended since is
    /// not counted.
    pub fn born_per_sec(&self) -> f64 {
        self.new as f64 / NEW_SECS as f64
    }
}
