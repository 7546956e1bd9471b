//! Flows put together: by country, by network, by service.
//!
//! A group counts the flows that are there, and the bytes of those and of the
//! ones that have ended: [`Ledger`] keeps the latter.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::{Flow, Knowledge, Table};
use crate::enrich::geoip::{CountryCode, Location, Scope as Reach};
use crate::flow::{Class, Counters, Moment, Pair, Protocol, Scope, Tuple};

/// Groups that a [`Ledger`] keeps of each kind. A port scan makes a service of
/// every port; past this, what falls into a new group is booked without port or
/// network.
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
    /// The same over ten seconds, which orders the rows so that they do not
    /// jump.
    pub average_bytes_per_sec: Pair<u64>,
}

/// The far end of a flow: the destination, or the source if only that one is
/// public.
fn far_end(orig: &Tuple) -> IpAddr {
    let is_public = |address| Reach::of(address) != Reach::Lan;
    if !is_public(orig.dst()) && is_public(orig.src()) {
        orig.src()
    } else {
        orig.dst()
    }
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

impl Group {
    /// Whether a flow belongs to it.
    pub fn holds(self, flow: &Flow, knowledge: &mut Knowledge) -> bool {
        let orig = &flow.key().orig;
        let mut place = || country_and_network(knowledge.located(far_end(orig)));
        match self {
            Self::Country(country) => place().0 == country,
            Self::Network(country, asn) => place() == (country, asn),
            Self::Service(wanted) => service(orig, knowledge) == wanted,
        }
    }
}

impl List {
    /// The group a flow falls into; `None` if the list does not show the flow.
    fn group(self, orig: &Tuple, knowledge: &mut Knowledge) -> Option<Group> {
        let mut place = || country_and_network(knowledge.located(far_end(orig)));
        match self {
            Self::Flows => None,
            Self::Countries => Some(Group::Country(place().0)),
            Self::Networks(wanted) => {
                let (country, asn) = place();
                (country == wanted).then_some(Group::Network(country, asn))
            }
            Self::Services => Some(Group::Service(service(orig, knowledge))),
        }
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

/// The page of a book for `key`; if the book is full and does not have it, that
/// of what is `coarser`.
fn page<K: Eq + Hash>(
    book: &mut Book<K>,
    key: (K, Class),
    coarser: impl FnOnce() -> (K, Class),
) -> &mut Ended {
    let key = if book.len() < CAPACITY || book.contains_key(&key) {
        key
    } else {
        coarser()
    };
    book.entry(key).or_default()
}

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
        let location = knowledge.located(far_end(orig));
        let (country, asn) = country_and_network(location);
        if let Some((asn, name)) = asn.zip(organisation(location))
            && self.organisations.len() < CAPACITY
            && !self.organisations.contains_key(&asn)
        {
            self.organisations.insert(asn, Arc::clone(name));
        }
        page(&mut self.places, ((country, asn), class), || {
            ((country, None), class)
        })
        .add(flow);
        let service = service(orig, knowledge);
        page(&mut self.services, (service, class), || {
            (
                Service {
                    port: None,
                    ..service
                },
                class,
            )
        })
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

/// Every group of `list` within `scope`, none of a list of flows: the fastest
/// first, then the one that moved most.
pub(super) fn groups(
    list: List,
    scope: Scope,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
    now: Moment,
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
        average_bytes_per_sec: Pair::default(),
    };
    for (_, flow) in table.flows().filter(|(_, f)| scope.holds(f.class())) {
        let orig = &flow.key().orig;
        if knowledge.is_own(orig) {
            continue;
        }
        let Some(group) = list.group(orig, knowledge) else {
            continue;
        };
        let far = far_end(orig);
        let row = rows.entry(group).or_insert_with(|| empty(group));
        row.flows += 1;
        row.hosts += usize::from(hosts.insert((group, far)));
        row.counters += flow.counters().unwrap_or_default();
        add(&mut row.bytes_per_sec, flow.bytes_per_sec());
        let average = flow.average_bytes_per_sec(10, now);
        add(&mut row.average_bytes_per_sec, average);
        if let (Group::Network(..), None) = (group, &row.name) {
            row.name = organisation(knowledge.located(far)).cloned();
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
        let both = |pair: Pair<u64>| Reverse(pair.orig.saturating_add(pair.reply));
        (
            both(row.average_bytes_per_sec),
            both(row.counters.bytes()),
            Reverse(row.flows),
            row.group,
        )
    });
    rows
}

fn add(sum: &mut Pair<u64>, rate: Option<Pair<u64>>) {
    let rate = rate.unwrap_or_default();
    sum.orig = sum.orig.saturating_add(rate.orig);
    sum.reply = sum.reply.saturating_add(rate.reply);
}
