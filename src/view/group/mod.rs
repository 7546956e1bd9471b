//! Flows put together: by country, network, service, process and host.
//!
//! A group counts the flows that are there, and the bytes of those and of the
//! ones that have ended: [`Ledger`] keeps the latter.
//!
//! Every flow is in one group of a list, and the sums over a list are those of
//! all flows in scope. Only a flow that a process of this machine has with
//! another one here is in two groups of processes, for each of them has sent
//! what the other has received.

mod column;
mod ledger;
mod rows;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::whose::{Party, parties};
use super::window::direction;
use super::{Flow, Knowledge, Mac, Owner, Side, Who};
use crate::enrich::geoip::{CountryCode, Location, Scope as Reach};
use crate::enrich::owners::{Account, Cgroup, Container, Process};
use crate::flow::{Counters, Direction, Pair, Protocol, Tuple};

pub use column::GroupColumn;
pub use ledger::Ledger;
pub(super) use rows::groups;

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

/// What the rows of a list are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum List {
    /// Flows.
    #[default]
    Flows,
    /// Countries of the far ends.
    Countries,
    /// Networks (autonomous systems) of one country.
    Networks(Country),
    /// Services.
    Services,
    /// Processes of this machine.
    Processes,
    /// Hosts on our side.
    Hosts,
}

/// One group of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Flows to or from a country.
    Country(Country),
    /// Flows to or from a network of a country; `None` where no database
    /// knows the network.
    Network(Country, Option<NonZeroU32>),
    /// Flows of a service.
    Service(Service),
    /// Flows of a process, or of those of which none is known.
    Process(Who),
    /// Flows of a host on our side; `None` for hosts without flows that are
    /// not told apart any more.
    Host(Option<IpAddr>),
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
    /// Of a process: its user and the like.
    pub holder: Option<Holder>,
    /// Of a host: its hardware address, if it is a neighbour.
    pub mac: Option<Mac>,
    /// Flows that are there.
    pub flows: usize,
    /// Of these, those that are known to have begun within the last
    /// [`NEW_SECS`].
    pub new: usize,
    /// Of these, those without an answer so far.
    pub unreplied: usize,
    /// Flows that have ended since the start.
    pub ended: u64,
    /// Distinct far ends of the flows that are there.
    pub hosts: usize,
    /// Packets and bytes of both, as far as they were counted. Of processes and
    /// hosts `orig` is what they have sent, of others what was sent in the
    /// original direction.
    pub counters: Pair<Counters>,
    /// Bytes per second of the flows that are there.
    pub bytes_per_sec: Pair<u64>,
    /// The same over ten seconds, which orders the rows so that they do not
    /// jump.
    pub average_bytes_per_sec: Pair<u64>,
}

/// For how many seconds a flow is new.
pub const NEW_SECS: u64 = 10;

impl GroupRow {
    fn new(group: Group) -> Self {
        Self {
            group,
            name: None,
            holder: None,
            mac: None,
            flows: 0,
            new: 0,
            unreplied: 0,
            ended: 0,
            hosts: 0,
            counters: Pair::default(),
            bytes_per_sec: Pair::default(),
            average_bytes_per_sec: Pair::default(),
        }
    }

    /// Births per second, averaged over [`NEW_SECS`]. What has ended since is
    /// not counted.
    pub fn born_per_sec(&self) -> f64 {
        self.new as f64 / NEW_SECS as f64
    }
}

/// The far end of a flow: the destination, or the source if the flow comes in
/// or only that one is public.
fn far_end(flow: &Flow, knowledge: &Knowledge) -> IpAddr {
    let orig = &flow.key().orig;
    let is_public = |address| Reach::of(address) != Reach::Lan;
    let is_source = match (is_public(orig.src()), is_public(orig.dst())) {
        (true, false) => true,
        (true, true) => direction(flow, knowledge) == Some(Direction::In),
        (false, _) => false,
    };
    if is_source { orig.src() } else { orig.dst() }
}

/// The country and the network of a location.
fn country_and_network(location: &Location) -> (Country, Option<NonZeroU32>) {
    match location {
        Location::Lan => (Country::Lan, None),
        Location::Unknown => (Country::Unknown, None),
        Location::Place(place) => {
            let country = place.country_code.map_or(Country::Unknown, Country::Code);
            (country, place.asn)
        }
    }
}

fn organisation(location: &Location) -> Option<&Arc<str>> {
    location.place().and_then(|place| place.as_org.as_ref())
}

fn service(orig: &Tuple, knowledge: &Knowledge) -> Service {
    let named = knowledge.services().of(orig).map(|(port, _)| port);
    Service {
        proto: orig.proto(),
        port: named.or_else(|| orig.dport()),
    }
}

/// The end of a flow that is on our side, and its address as the host there
/// knows it.
fn near_end(orig: &Tuple, reply: &Tuple, knowledge: &Knowledge) -> (Side, IpAddr) {
    let near = knowledge.near_end(orig, reply);
    let side = if near == orig.src() {
        Side::Orig
    } else {
        Side::Reply
    };
    (side, near)
}

/// A group that a flow belongs to.
#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    group: Group,
    /// From whose point of view bytes are sent and received.
    side: Side,
    /// Who is at the other end.
    far: IpAddr,
    /// Of a process.
    owner: Option<&'a Owner>,
}

impl List {
    /// Hands over the groups a flow falls into; none if the list does not show
    /// the flow.
    fn members<'a>(
        self,
        flow: &Flow,
        knowledge: &'a mut Knowledge,
        mut take: impl FnMut(Member<'a>),
    ) {
        let orig = &flow.key().orig;
        let one = |group, side, far| Member {
            group,
            side,
            far,
            owner: None,
        };
        let far = match self {
            Self::Countries | Self::Networks(_) | Self::Services => far_end(flow, knowledge),
            Self::Flows | Self::Hosts | Self::Processes => orig.dst(),
        };
        match self {
            Self::Flows => {}
            Self::Countries => {
                let (country, _) = country_and_network(knowledge.located(far));
                take(one(Group::Country(country), Side::Orig, far));
            }
            Self::Networks(wanted) => {
                let (country, asn) = country_and_network(knowledge.located(far));
                if country == wanted {
                    take(one(Group::Network(country, asn), Side::Orig, far));
                }
            }
            Self::Services => {
                let service = service(orig, knowledge);
                take(one(Group::Service(service), Side::Orig, far));
            }
            Self::Hosts => {
                let (side, near) = near_end(orig, &flow.reply(), knowledge);
                take(one(Group::Host(Some(near)), side, side.other_end(orig)));
            }
            Self::Processes => {
                let direction = direction(flow, knowledge);
                let found = parties(direction, knowledge.owners(flow.key()));
                for Party { side, who, owner } in found {
                    take(Member {
                        group: Group::Process(who),
                        side,
                        far: side.other_end(orig),
                        owner,
                    });
                }
            }
        }
    }
}

impl Group {
    /// Whether a flow belongs to it.
    pub fn holds(self, flow: &Flow, knowledge: &mut Knowledge) -> bool {
        self.side(flow, knowledge).is_some()
    }

    /// From whose point of view a flow that belongs to it sends and receives.
    pub fn side(self, flow: &Flow, knowledge: &mut Knowledge) -> Option<Side> {
        let list = match self {
            Self::Country(_) => List::Countries,
            Self::Network(country, _) => List::Networks(country),
            Self::Service(_) => List::Services,
            Self::Process(_) => List::Processes,
            Self::Host(_) => List::Hosts,
        };
        let mut side = None;
        list.members(flow, knowledge, |member| {
            if member.group == self {
                side = Some(member.side);
            }
        });
        side
    }
}
