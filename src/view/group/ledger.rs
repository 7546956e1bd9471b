//! What flows moved that have ended.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::super::{Departed, Flow, Knowledge, Query, Who};
use super::{Country, Group, Holder, List, Member, Service};
use super::{country_and_network, far_end, organisation};
use crate::flow::{Class, Counters, Direction, Pair};
use crate::view::window::direction;

/// Groups that a [`Ledger`] keeps of each kind. A port scan makes a service of
/// every port; past this, what falls into a new group is booked without port,
/// network or host.
const CAPACITY: usize = 1 << 16;
/// The same for processes, of which more has to be remembered.
const PROCESSES: usize = 1 << 13;

/// What ended flows have moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) flows: u64,
    /// As in [`GroupRow`](super::GroupRow).
    pub(super) counters: Pair<Counters>,
}

impl Ended {
    fn add(&mut self, counters: Pair<Counters>) {
        self.flows += 1;
        self.counters += counters;
    }
}

/// What filters ask of a flow.
type Kind = (Class, Option<Direction>);

type Book<K> = HashMap<(K, Kind), Ended, foldhash::fast::RandomState>;

/// The page of a book for `key`; if the book has `capacity` pages and not that
/// one, the page of what is `coarser`.
fn page<K: Eq + Hash>(
    book: &mut Book<K>,
    capacity: usize,
    key: (K, Kind),
    coarser: K,
) -> &mut Ended {
    let key = if book.len() < capacity || book.contains_key(&key) {
        key
    } else {
        (coarser, key.1)
    };
    book.entry(key).or_default()
}

/// Remembers, for each group, what flows moved that have ended; and the last of
/// these flows.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    places: Book<(Country, Option<NonZeroU32>)>,
    services: Book<Service>,
    hosts: Book<Option<IpAddr>>,
    processes: Book<Who>,
    organisations: HashMap<NonZeroU32, Arc<str>>,
    holders: HashMap<Who, Holder>,
    departed: Departed,
}

impl Ledger {
    /// A ledger that keeps this many flows themselves.
    pub fn keeping(flows: usize) -> Self {
        Self {
            departed: Departed::with_capacity(flows),
            ..Self::default()
        }
    }

    /// The last flows that have ended.
    pub const fn departed(&self) -> &Departed {
        &self.departed
    }

    /// Forgets these flows, but not what they moved.
    pub fn forget_departed(&mut self, knowledge: &mut Knowledge) {
        self.departed.clear(knowledge);
    }

    /// Books a flow that has ended.
    pub fn book(&mut self, flow: &Flow, knowledge: &mut Knowledge) {
        let kind = (flow.class(), direction(flow, knowledge));
        let counters = flow.counters().unwrap_or_default();
        let far = far_end(flow, knowledge);
        let location = knowledge.located(far);
        let (country, asn) = country_and_network(location);
        if let Some((asn, name)) = asn.zip(organisation(location))
            && self.organisations.len() < CAPACITY
            && !self.organisations.contains_key(&asn)
        {
            self.organisations.insert(asn, Arc::clone(name));
        }
        let place = ((country, asn), kind);
        page(&mut self.places, CAPACITY, place, (country, None)).add(counters);
        for list in [List::Services, List::Hosts, List::Processes] {
            list.members(flow, knowledge, |member| {
                self.enter(&member, kind, counters);
            });
        }
        self.departed.keep(flow, knowledge);
    }

    fn enter(&mut self, member: &Member<'_>, kind: Kind, counters: Pair<Counters>) {
        let counters = member.side.sent_and_received(counters);
        match member.group {
            Group::Service(service) => {
                let coarser = Service {
                    port: None,
                    ..service
                };
                page(&mut self.services, CAPACITY, (service, kind), coarser).add(counters);
            }
            Group::Host(host) => {
                page(&mut self.hosts, CAPACITY, (host, kind), None).add(counters);
            }
            Group::Process(who) => {
                page(&mut self.processes, PROCESSES, (who, kind), Who::Others).add(counters);
                if let (Who::Process { .. }, Some(owner)) = (who, member.owner)
                    && self.processes.contains_key(&(who, kind))
                {
                    self.holders.entry(who).or_insert_with(|| Holder::of(owner));
                }
            }
            // Booked together, by place.
            Group::Country(_) | Group::Network(..) => {}
        }
    }

    /// Hands over what has ended of the groups of a list.
    pub(super) fn each(&self, query: &Query, mut take: impl FnMut(Group, &Ended)) {
        let holds = |(class, direction): &Kind| {
            query.scope.holds(*class) && query.direction.is_none_or(|d| *direction == Some(d))
        };
        let places = self.places.iter().filter(|((_, kind), _)| holds(kind));
        match query.list {
            List::Flows => {}
            List::Countries => places.for_each(|(((country, _), _), ended)| {
                take(Group::Country(*country), ended);
            }),
            List::Networks(wanted) => places
                .filter(|(((country, _), _), _)| *country == wanted)
                .for_each(|(((country, asn), _), ended)| {
                    take(Group::Network(*country, *asn), ended);
                }),
            List::Services => each(&self.services, holds, |key, ended| {
                take(Group::Service(key), ended);
            }),
            List::Hosts => each(&self.hosts, holds, |key, ended| {
                take(Group::Host(key), ended);
            }),
            List::Processes => each(&self.processes, holds, |key, ended| {
                take(Group::Process(key), ended);
            }),
        }
    }

    /// The organisation that a network belonged to when a flow ended there.
    pub(super) fn organisation(&self, asn: NonZeroU32) -> Option<&Arc<str>> {
        self.organisations.get(&asn)
    }

    /// The process of a flow that ended.
    pub(super) fn holder(&self, who: Who) -> Option<&Holder> {
        self.holders.get(&who)
    }
}

fn each<K: Copy>(book: &Book<K>, holds: impl Fn(&Kind) -> bool, mut take: impl FnMut(K, &Ended)) {
    for ((key, kind), ended) in book {
        if holds(kind) {
            take(*key, ended);
        }
    }
}
