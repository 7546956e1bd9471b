//! The rows of a list of groups.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::super::{Age, Flow, FlowId, Knowledge, Owner, Query, Side, Table};
use super::members::{Member, organisation};
use super::order::{Groups, in_order};
use super::peers::Peers;
use super::{Belonging, Country, Ended, Group, GroupRow, Grouping, Holder, Ledger, NEW_SECS};
use crate::flow::{Counters, Moment, Pair, Status};
use crate::view::sort::Rows;

/// What is summed up of a group. What is only needed to show it is found out
/// about those that are shown.
///
/// There can be as many as there are flows, so it is kept small.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) group: Group,
    /// One of its flows that are there.
    example: Option<FlowId>,
    pub(super) flows: u32,
    new: u32,
    unreplied: u32,
    /// As far as somebody has asked: [`Peers`].
    pub(super) hosts: u32,
    oldest: Option<Age>,
    counters: Pair<Counters>,
    is_counted: bool,
    is_rated: bool,
    bytes_per_sec: Pair<u64>,
    pub(super) average_bytes_per_sec: Pair<u64>,
    rare: Option<Box<Rare>>,
}

/// What few groups have.
#[derive(Clone, Debug, Default)]
struct Rare {
    /// Round-trip times that sockets have measured, in microseconds, and how
    /// many.
    rtt_us: (u64, u32),
    ended: Option<Ended>,
}

impl Tally {
    fn new(group: Group) -> Self {
        Self {
            group,
            example: None,
            flows: 0,
            new: 0,
            unreplied: 0,
            hosts: 0,
            oldest: None,
            counters: Pair::default(),
            is_counted: false,
            is_rated: false,
            bytes_per_sec: Pair::default(),
            average_bytes_per_sec: Pair::default(),
            rare: None,
        }
    }

    /// Takes a flow in that is there.
    fn count(&mut self, found: &Found<'_>, now: Moment) {
        let (flow, side) = (found.flow, found.side);
        self.example.get_or_insert(found.id);
        self.flows += 1;
        if let Some(counters) = flow.counters() {
            self.is_counted = true;
            self.counters += side.sent_and_received(counters);
        }
        if let Some(rate) = flow.bytes_per_sec() {
            self.is_rated = true;
            self.bytes_per_sec += side.sent_and_received(rate);
        }
        let average = flow.average_bytes_per_sec(10, now).unwrap_or_default();
        self.average_bytes_per_sec += side.sent_and_received(average);
        let age = flow.age(now);
        let is_new = |age| matches!(age, Age::Exact(age) if age <= Duration::from_secs(NEW_SECS));
        self.new += u32::from(is_new(age));
        let is_older = |than: Age| age.duration() > than.duration();
        if self.oldest.is_none_or(is_older) {
            self.oldest = Some(age);
        }
        let is_unreplied = |status: Status| !status.has(Status::SEEN_REPLY);
        self.unreplied += u32::from(flow.status().is_some_and(is_unreplied));
        if let Some(rtt_us) = found.rtt_us {
            let (sum, count) = &mut self.rare.get_or_insert_default().rtt_us;
            *sum += u64::from(rtt_us);
            *count += 1;
        }
    }

    /// Takes in what has ended.
    fn end(&mut self, ended: &Ended) {
        let sum = &mut self.rare.get_or_insert_default().ended;
        let sum = sum.get_or_insert(Ended {
            last: ended.last,
            ..Ended::default()
        });
        sum.flows += ended.flows;
        sum.counters += ended.counters;
        if ended.last.mono_ns > sum.last.mono_ns {
            sum.last = ended.last;
        }
    }

    fn ended(&self) -> Option<&Ended> {
        self.rare.as_ref()?.ended.as_ref()
    }

    /// Packets and bytes of all its flows, those that have ended included;
    /// `None` where nobody has counted any.
    pub(super) fn counters(&self) -> Option<Pair<Counters>> {
        // What was counted had a packet.
        let ended = self.ended().map(|ended| ended.counters);
        let ended = ended.filter(|counters| *counters != Pair::default());
        let here = self.is_counted.then_some(self.counters);
        here.into_iter().chain(ended).reduce(|mut sum, more| {
            sum += more;
            sum
        })
    }

    fn mean_rtt_us(&self) -> Option<u32> {
        let (sum, count) = self.rare.as_ref()?.rtt_us;
        u32::try_from(sum.checked_div(count.into())?).ok()
    }

    /// The row, as far as it is counted.
    pub(super) fn row(&self) -> GroupRow {
        GroupRow {
            flows: self.flows as usize,
            new: self.new as usize,
            unreplied: self.unreplied as usize,
            oldest: self.oldest,
            rtt_us: self.mean_rtt_us(),
            ended: self.ended().map_or(0, |ended| ended.flows),
            last_ended: self.ended().map(|ended| ended.last),
            hosts: self.hosts as usize,
            counters: self.counters(),
            is_rated: self.is_rated,
            bytes_per_sec: self.bytes_per_sec,
            average_bytes_per_sec: self.average_bytes_per_sec,
            ..GroupRow::new(self.group)
        }
    }

    /// The row, with what it is called and what else is known of it.
    pub(super) fn described(
        &self,
        table: &Table,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
    ) -> GroupRow {
        let mut row = self.row();
        let example = self.example.and_then(|id| table.get(id));
        describe(&mut row, example, ledger, knowledge);
        row
    }
}

/// A flow, and a group that it is in.
struct Found<'a> {
    id: FlowId,
    flow: &'a Flow,
    group: Group,
    /// The place of its tally, once that is known.
    tally: u32,
    side: Side,
    far: IpAddr,
    rtt_us: Option<u32>,
}

impl<'a> Found<'a> {
    fn new(id: FlowId, flow: &'a Flow, member: &Member<'_>) -> Self {
        let figures = |owner: &Owner| owner.figures.as_ref()?.rtt_us;
        let has_figures = matches!(member.group, Group::Peer(_));
        Self {
            id,
            flow,
            group: member.group,
            tally: 0,
            side: member.side,
            far: member.far,
            rtt_us: member.owner.filter(|_| has_figures).and_then(figures),
        }
    }
}

/// Flows that are counted together. One by one, each would wait for the memory
/// where its group is; so the processor fetches what several need at once.
const TOGETHER: usize = 128;

/// The tallies of a list, found by their groups.
#[derive(Default)]
struct Tallies<'a> {
    hasher: foldhash::fast::RandomState,
    /// Places of tallies, and half of the hashes of their groups.
    places: HashTable<(u32, u32)>,
    each: Vec<Tally>,
    peers: Peers,
    /// Those that are to be counted next.
    waiting: Vec<(FlowId, &'a Flow)>,
    found: Vec<Found<'a>>,
}

/// What a table can find half of a hash by: it looks at both ends.
fn spread(half: u32) -> u64 {
    u64::from(half) << 32 | u64::from(half)
}

impl<'a> Tallies<'a> {
    /// Where the tally of a group is. It is made if there is none.
    fn place(&mut self, group: Group) -> u32 {
        let half = self.hasher.hash_one(group) as u32;
        let is_it = |(place, its): &(u32, u32)| {
            *its == half
                && self
                    .each
                    .get(*place as usize)
                    .is_some_and(|t| t.group == group)
        };
        let entry = self
            .places
            .entry(spread(half), is_it, |(_, half)| spread(*half));
        match entry {
            Entry::Occupied(known) => known.get().0,
            Entry::Vacant(free) => {
                let next = self.each.len() as u32;
                free.insert((next, half));
                self.each.push(Tally::new(group));
                next
            }
        }
    }

    fn count(
        &mut self,
        grouping: Grouping,
        (id, flow): (FlowId, &'a Flow),
        knowledge: &mut Knowledge,
        now: Moment,
    ) {
        self.waiting.push((id, flow));
        if self.waiting.len() >= TOGETHER {
            self.count_waiting(grouping, knowledge, now);
        }
    }

    fn count_waiting(&mut self, grouping: Grouping, knowledge: &mut Knowledge, now: Moment) {
        for (id, flow) in self.waiting.drain(..) {
            grouping.members(flow, knowledge, |member| {
                self.found.push(Found::new(id, flow, &member));
            });
        }
        let mut found = std::mem::take(&mut self.found);
        for found in &mut found {
            found.tally = self.place(found.group);
        }
        for found in found.drain(..) {
            self.peers.add(found.tally, found.far);
            if let Some(tally) = self.each.get_mut(found.tally as usize) {
                tally.count(&found, now);
            }
        }
        self.found = found;
    }

    fn end(&mut self, group: Group, ended: &Ended) {
        let place = self.place(group);
        if let Some(tally) = self.each.get_mut(place as usize) {
            tally.end(ended);
        }
    }
}

impl Groups {
    /// Every group of the flows that a query's filters let through, in its
    /// order, and of those that have ended.
    pub(in super::super) fn of<'a>(
        query: &Query,
        grouping: Grouping,
        flows: impl Rows<'a>,
        (table, ledger): (&Table, &Ledger),
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Self {
        let mut tallies = Tallies::default();
        flows.each(knowledge, |id, flow, knowledge| {
            tallies.count(grouping, (id, flow), knowledge, now);
        });
        tallies.count_waiting(grouping, knowledge, now);
        // Of flows that have ended only sums are left, of which no filter can
        // be asked.
        if query.filter.is_none() {
            ledger.each(query, |group, ended| tallies.end(group, ended));
        }
        in_order(query, tallies.each, tallies.peers, table, ledger, knowledge)
    }
}

/// Finds out how fast the groups of a window were, from their flows that have
/// moved lately: those that rest have nothing to add.
pub(in super::super) fn remember<'a>(
    rows: &mut [GroupRow],
    grouping: Grouping,
    moving: impl Rows<'a>,
    knowledge: &mut Knowledge,
    now: Moment,
) {
    let places: HashMap<Group, usize, foldhash::fast::RandomState> =
        rows.iter().map(|row| row.group).zip(0..).collect();
    if places.is_empty() {
        return;
    }
    moving.each(knowledge, |_, flow, knowledge| {
        let past = flow.past(now);
        grouping.members(flow, knowledge, |member| {
            let place = places.get(&member.group);
            let Some(row) = place.and_then(|place| rows.get_mut(*place)) else {
                return;
            };
            for (sum, step) in row.past.iter_mut().zip(past) {
                if let Some(step) = step {
                    let step = member.side.sent_and_received(step);
                    *sum.get_or_insert_default() += step;
                }
            }
        });
    });
}

/// What a row is called, and what else is known of it; `example` is one of its
/// flows, if any is there.
fn describe(
    row: &mut GroupRow,
    example: Option<&Flow>,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
) {
    let group = row.group;
    row.name = match group {
        Group::Country(Country::Code(code)) => code.name().map(Arc::from),
        Group::Asn(asn) => {
            let far = example.and_then(|flow| far_end_of(group, flow, knowledge));
            let now = far.and_then(|far| organisation(knowledge.located(far)).cloned());
            now.or_else(|| ledger.organisation(asn?).cloned())
        }
        Group::Service(service) | Group::Served(Some(service)) => service
            .port
            .and_then(|port| knowledge.services().name(service.proto, port))
            .map(Arc::from),
        Group::Process(who) => {
            let now = example.and_then(|flow| holder(group, flow, knowledge));
            row.holder = now.or_else(|| ledger.holder(who).cloned());
            let process = row.holder.as_ref().and_then(|h| h.process.as_ref());
            process.map(|process| Arc::clone(&process.name))
        }
        Group::Host(host) | Group::Source(host) | Group::Destination(host) => {
            row.mac = knowledge.locality().mac(host);
            knowledge.name(host)
        }
        Group::Peer(host) => {
            row.mac = knowledge.locality().mac(host);
            row.nfs = knowledge.nfs_client(host);
            knowledge.name(host)
        }
        Group::Pair(from, to) => {
            row.second_name = knowledge.name(to);
            knowledge.name(from)
        }
        Group::User(Belonging::To(label))
        | Group::Unit(Belonging::To(label))
        | Group::Interface(Some(label)) => knowledge.text(label).cloned(),
        Group::Protocol(proto) => proto.name().map(Arc::from),
        Group::State(state) => state.map(Arc::from),
        Group::Country(_)
        | Group::Served(None)
        | Group::User(_)
        | Group::Unit(_)
        | Group::Interface(None)
        | Group::Subnet(..)
        | Group::Mark(_)
        | Group::Zone(_)
        | Group::Others => None,
    };
}

/// The far end of a flow, seen from a group that it is in.
fn far_end_of(group: Group, flow: &Flow, knowledge: &mut Knowledge) -> Option<IpAddr> {
    let mut far = None;
    group.grouping()?.members(flow, knowledge, |member| {
        if member.group == group {
            far = Some(member.far);
        }
    });
    far
}

/// Who is meant by a group of a flow.
fn holder(group: Group, flow: &Flow, knowledge: &mut Knowledge) -> Option<Holder> {
    let mut found = None;
    group.grouping()?.members(flow, knowledge, |member| {
        if member.group == group && matches!(member.owner, Some(owner) if owner.process.is_ok()) {
            found = member.owner.map(Holder::of);
        }
    });
    found
}
