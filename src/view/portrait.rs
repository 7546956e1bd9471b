//! Everything there is to know about one group, for who looks closer.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use super::group::Service;
use super::window::is_shown;
use super::{Age, Group, GroupRow, Host, Knowledge, List, Query, Side, Table, Who};
use crate::enrich::End;
use crate::flow::{Moment, Pair};

/// Peers, services and processes that are told, each at most.
const PARTS: usize = 5;

/// A group, and all that is known about it.
#[derive(Clone, Debug)]
pub struct Portrait {
    /// What the list says of it.
    pub row: GroupRow,
    /// Of a host: its name, its place, and how these are known.
    pub host: Option<(IpAddr, End, Host)>,
    /// Age of its oldest flow that is there.
    pub oldest: Option<Age>,
    /// Its flows that nobody counts.
    pub uncounted: usize,
    /// Who is at the other end of its flows.
    pub peers: Parts<IpAddr>,
    /// Who is at this end: of a service those who use it.
    pub hosts: Parts<IpAddr>,
    /// Services that it asks.
    pub asks: Parts<Service>,
    /// Services that others ask it for.
    pub serves: Parts<Service>,
    /// Processes of this machine that have part in its flows.
    pub processes: Parts<Who>,
}

/// What the flows of a group have to do with, the most bytes first.
#[derive(Clone, Debug)]
pub struct Parts<T> {
    /// The first of them.
    pub top: Vec<Part<T>>,
    /// How many there are.
    pub count: usize,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// What it is.
    pub what: T,
    /// Its name, if it is known.
    pub name: Option<Arc<str>>,
    /// Flows.
    pub flows: usize,
    /// Bytes that the group sent (`orig`) and received.
    pub bytes: Pair<u64>,
    /// The same per second.
    pub bytes_per_sec: Pair<u64>,
}

/// What is counted of them.
struct Tally<T>(HashMap<T, Part<T>, foldhash::fast::RandomState>);

impl<T: Copy + Eq + Hash + Ord> Tally<T> {
    fn new() -> Self {
        Self(HashMap::default())
    }

    fn count(&mut self, what: T, bytes: Pair<u64>, bytes_per_sec: Pair<u64>) {
        let part = self.0.entry(what).or_insert_with(|| Part {
            what,
            name: None,
            flows: 0,
            bytes: Pair::default(),
            bytes_per_sec: Pair::default(),
        });
        part.flows += 1;
        part.bytes += bytes;
        part.bytes_per_sec += bytes_per_sec;
    }

    fn most(self, name: impl Fn(T) -> Option<Arc<str>>) -> Parts<T> {
        let count = self.0.len();
        let mut top: Vec<Part<T>> = self.0.into_values().collect();
        top.sort_unstable_by_key(|part| {
            (std::cmp::Reverse((part.bytes.sum(), part.flows)), part.what)
        });
        top.truncate(PARTS);
        for part in &mut top {
            part.name = name(part.what);
        }
        Parts { top, count }
    }
}

impl Portrait {
    /// What `query` wants to look closer at: the group under the cursor, whose
    /// row is in the window.
    pub(super) fn answer(
        query: &Query,
        cursor: Option<Group>,
        rows: &[GroupRow],
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Option<Box<Self>> {
        query.detail?;
        let group = cursor.filter(|_| query.list != List::Flows)?;
        let row = rows.iter().find(|row| row.group == group)?;
        Some(Box::new(Self::of(row, query, table, knowledge, now)))
    }

    /// Looks at every flow of the group that the question is about.
    fn of(
        row: &GroupRow,
        query: &Query,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Self {
        let (mut peers, mut hosts, mut processes) = (Tally::new(), Tally::new(), Tally::new());
        let (mut asks, mut serves) = (Tally::new(), Tally::new());
        let mut oldest: Option<Age> = None;
        let mut uncounted = 0;
        let mut names: HashMap<Who, Arc<str>> = HashMap::new();
        for (_, flow) in table.flows() {
            let orig = &flow.key().orig;
            let Some(side) = row.group.side(flow, knowledge) else {
                continue;
            };
            if !is_shown(query, flow, knowledge, now) {
                continue;
            }
            let counters = flow.counters().unwrap_or_default();
            let bytes = side.sent_and_received(counters.bytes());
            let rate = side.sent_and_received(flow.bytes_per_sec().unwrap_or_default());
            uncounted += usize::from(flow.is_uncounted());
            let age = flow.age(now);
            if oldest.is_none_or(|than| age.duration() > than.duration()) {
                oldest = Some(age);
            }
            let far = side.other_end(orig);
            let near = if far == orig.dst() {
                orig.src()
            } else {
                orig.dst()
            };
            peers.count(far, bytes, rate);
            hosts.count(near, bytes, rate);
            let port = knowledge.services().of(orig).map(|(port, _)| port);
            let service = Service {
                proto: orig.proto(),
                port: port.or_else(|| orig.dport()),
            };
            match side {
                Side::Orig => asks.count(service, bytes, rate),
                Side::Reply => serves.count(service, bytes, rate),
            }
            let owners = knowledge.owners(flow.key());
            let both = owners.map(|owners| [&owners.orig, &owners.reply]);
            for owner in both.into_iter().flatten().flatten() {
                if let Ok(process) = &owner.process {
                    let who = Who::Process {
                        pid: process.pid,
                        start_ticks: process.start_ticks,
                    };
                    names
                        .entry(who)
                        .or_insert_with(|| Arc::clone(&process.name));
                    processes.count(who, bytes, rate);
                }
            }
        }
        let service = |service: Service| {
            let port = service.port?;
            let name = knowledge.services().name(service.proto, port);
            name.map(Arc::from)
        };
        let (asks, serves) = (asks.most(service), serves.most(service));
        Self {
            row: row.clone(),
            oldest,
            uncounted,
            asks,
            serves,
            peers: peers.most(|peer| knowledge.name(peer)),
            hosts: hosts.most(|host| knowledge.name(host)),
            processes: processes.most(|who| names.get(&who).cloned()),
            host: host_of(row.group).map(|host| {
                let known = Host::of(host, knowledge, now);
                (host, knowledge.end(host), known)
            }),
        }
    }
}

/// The host that a group is.
const fn host_of(group: Group) -> Option<IpAddr> {
    match group {
        Group::Host(host) | Group::Source(host) | Group::Destination(host) => Some(host),
        _ => None,
    }
}
