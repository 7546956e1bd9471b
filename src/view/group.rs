//! Flows put together: by country, by network, by service.
//!
//! A group counts the flows that are there, and the bytes of those and of the
//! ones that have ended: [`Ledger`] keeps the latter.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Flow, Knowledge, Table};
use crate::enrich::geoip::{CountryCode, Location};
use crate::flow::{Class, Counters, Pair, Protocol, Scope, Tuple};

/// Groups that a [`Ledger`] keeps of each kind. A port scan makes a service of
/// every port; past this, what has ended is booked without port or network.
const CAPACITY: usize = 1 << 16;

/// Where the far end of a flow is. The far end is the destination, or the
/// source if only that one is public.
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
}

/// A row of a list of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Which group.
    pub group: Group,
    /// Its name for people: a country's, an organisation's, a service's.
    pub name: Option<Arc<str>>,
    /// Flows that are there.
    pub flows: usize,
    /// Flows that have ended since the start.
    pub ended: u64,
    /// Distinct far ends of the flows that are there.
    pub hosts: usize,
    /// Packets and bytes of both, as far as they were counted.
    pub counters: Pair<Counters>,
    /// Bytes per second of the flows that are there.
    pub bytes_per_sec: Pair<u64>,
}

/// The far end of a flow.
struct Far {
    address: std::net::IpAddr,
    country: Country,
    asn: Option<NonZeroU32>,
    as_org: Option<Arc<str>>,
}

fn far(orig: &Tuple, knowledge: &mut Knowledge) -> Far {
    let dst = knowledge.located(orig.dst());
    let address = if matches!(dst, Location::Lan)
        && !matches!(knowledge.located(orig.src()), Location::Lan)
    {
        orig.src()
    } else {
        orig.dst()
    };
    match knowledge.located(address) {
        Location::Lan => Far {
            address,
            country: Country::Lan,
            asn: None,
            as_org: None,
        },
        Location::Unknown => Far {
            address,
            country: Country::Unknown,
            asn: None,
            as_org: None,
        },
        Location::Place(place) => Far {
            address,
            country: place.country_code.map_or(Country::Unknown, Country::Code),
            asn: place.asn,
            as_org: place.as_org.clone(),
        },
    }
}

fn service(orig: &Tuple, knowledge: &Knowledge) -> Service {
    let named = knowledge.services().of(orig).map(|(port, _)| port);
    Service {
        proto: orig.proto(),
        port: named.or_else(|| orig.dport()),
    }
}

impl Group {
    /// Whether a flow belongs to it.
    pub fn holds(self, flow: &Flow, knowledge: &mut Knowledge) -> bool {
        let orig = &flow.key().orig;
        match self {
            Self::Country(country) => far(orig, knowledge).country == country,
            Self::Network(country, asn) => {
                let far = far(orig, knowledge);
                far.country == country && far.asn == asn
            }
            Self::Service(wanted) => service(orig, knowledge) == wanted,
        }
    }
}

impl List {
    /// The group a flow falls into, its far end, and the group's name if the
    /// flow tells it; `None` if the list does not show the flow.
    fn place(self, orig: &Tuple, knowledge: &mut Knowledge) -> Option<(Group, Far)> {
        let far = far(orig, knowledge);
        let group = match self {
            Self::Flows => return None,
            Self::Countries => Group::Country(far.country),
            Self::Networks(country) if country == far.country => Group::Network(country, far.asn),
            Self::Networks(_) => return None,
            Self::Services => Group::Service(service(orig, knowledge)),
        };
        Some((group, far))
    }
}

/// What ended flows have moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ended {
    flows: u64,
    counters: Pair<Counters>,
}

impl Ended {
    fn add(&mut self, flow: &Flow) {
        self.flows += 1;
        self.counters += flow.counters().unwrap_or_default();
    }
}

type Book<K> = HashMap<(K, Class), Ended, foldhash::fast::RandomState>;

/// Remembers, for each group, what flows moved that have ended.
#[derive(Debug, Default)]
pub struct Ledger {
    places: Book<(Country, Option<NonZeroU32>)>,
    services: Book<Service>,
    organisations: HashMap<NonZeroU32, Arc<str>>,
}

impl Ledger {
    /// Books a flow that has ended.
    pub fn book(&mut self, flow: &Flow, knowledge: &mut Knowledge) {
        let orig = &flow.key().orig;
        let class = flow.class();
        let far = far(orig, knowledge);
        let service = service(orig, knowledge);
        let asn = far.asn.filter(|_| self.places.len() < CAPACITY);
        self.places
            .entry(((far.country, asn), class))
            .or_default()
            .add(flow);
        if let Some((asn, org)) = asn.zip(far.as_org) {
            self.organisations.entry(asn).or_insert(org);
        }
        let port = service.port.filter(|_| self.services.len() < CAPACITY);
        self.services
            .entry((Service { port, ..service }, class))
            .or_default()
            .add(flow);
    }

    fn each(
        &self,
        list: List,
        scope: Scope,
        mut take: impl FnMut(Group, Option<&Arc<str>>, Ended),
    ) {
        let places = self
            .places
            .iter()
            .filter(|((_, class), _)| scope.holds(*class));
        match list {
            List::Flows => {}
            List::Countries => {
                places.for_each(|(((country, _), _), ended)| {
                    take(Group::Country(*country), None, *ended);
                });
            }
            List::Networks(wanted) => {
                let of_country = places.filter(|(((country, _), _), _)| *country == wanted);
                of_country.for_each(|(((country, asn), _), ended)| {
                    let org = asn.and_then(|asn| self.organisations.get(&asn));
                    take(Group::Network(*country, *asn), org, *ended);
                });
            }
            List::Services => {
                let services = self.services.iter();
                services
                    .filter(|((_, class), _)| scope.holds(*class))
                    .for_each(|((service, _), ended)| take(Group::Service(*service), None, *ended));
            }
        }
    }
}

/// Every group of `list` within `scope`, none of a list of flows: the fastest first, then the one that
/// moved most.
pub(super) fn groups(
    list: List,
    scope: Scope,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
) -> Vec<GroupRow> {
    if list == List::Flows {
        return Vec::new();
    }
    let mut rows: HashMap<Group, GroupRow, foldhash::fast::RandomState> = HashMap::default();
    let mut hosts: HashSet<_, foldhash::fast::RandomState> = HashSet::default();
    let empty = |group| GroupRow {
        group,
        name: None,
        flows: 0,
        ended: 0,
        hosts: 0,
        counters: Pair::default(),
        bytes_per_sec: Pair::default(),
    };
    for (_, flow) in table.flows().filter(|(_, f)| scope.holds(f.class())) {
        let orig = &flow.key().orig;
        if knowledge.is_own(orig) {
            continue;
        }
        let Some((group, far)) = list.place(orig, knowledge) else {
            continue;
        };
        let row = rows.entry(group).or_insert_with(|| empty(group));
        row.flows += 1;
        row.hosts += usize::from(hosts.insert((group, far.address)));
        row.counters += flow.counters().unwrap_or_default();
        let rate = flow.bytes_per_sec().unwrap_or_default();
        row.bytes_per_sec.orig = row.bytes_per_sec.orig.saturating_add(rate.orig);
        row.bytes_per_sec.reply = row.bytes_per_sec.reply.saturating_add(rate.reply);
        if let (Group::Network(..), None) = (group, &row.name) {
            row.name = far.as_org;
        }
    }
    ledger.each(list, scope, |group, org, ended| {
        let row = rows.entry(group).or_insert_with(|| empty(group));
        row.ended += ended.flows;
        row.counters += ended.counters;
        if row.name.is_none() {
            row.name = org.cloned();
        }
    });
    let mut rows: Vec<GroupRow> = rows.into_values().collect();
    for row in &mut rows {
        match row.group {
            Group::Country(Country::Code(code)) => row.name = code.name().map(Arc::from),
            Group::Service(service) => {
                let name = service
                    .port
                    .and_then(|port| knowledge.services().name(service.proto, port));
                row.name = name.map(Arc::from);
            }
            Group::Country(_) | Group::Network(..) => {}
        }
    }
    rows.sort_unstable_by_key(|row| {
        let bytes = row.counters.bytes();
        (
            Reverse(row.bytes_per_sec.sum()),
            Reverse(bytes.orig.saturating_add(bytes.reply)),
            Reverse(row.flows),
            row.group,
        )
    });
    rows
}
