//! The rows of a list of groups.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Age, Flow, FlowId, Knowledge, Owner, Query, Side, Table};
use super::members::{Member, organisation};
use super::order::{Groups, in_order};
use super::{Belonging, Country, Ended, Group, GroupRow, Grouping, Holder, Ledger, NEW_SECS};
use crate::flow::{Counters, Moment, Pair, Status};
use crate::view::sort::Rows;

/// What is summed up of a group. What is only needed to show it is found out
/// about those that are shown.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) group: Group,
    /// One of its flows that are there.
    example: Option<FlowId>,
    pub(super) flows: u32,
    new: u32,
    unreplied: u32,
    hosts: u32,
    oldest: Option<Age>,
    /// Round-trip times that sockets have measured, in microseconds, and how
    /// many.
    rtt_us: (u64, u32),
    ended: u64,
    last_ended: Option<Moment>,
    pub(super) counters: Pair<Counters>,
    is_rated: bool,
    bytes_per_sec: Pair<u64>,
    pub(super) average_bytes_per_sec: Pair<u64>,
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
            rtt_us: (0, 0),
            ended: 0,
            last_ended: None,
            counters: Pair::default(),
            is_rated: false,
            bytes_per_sec: Pair::default(),
            average_bytes_per_sec: Pair::default(),
        }
    }

    /// Takes a flow in that is there.
    fn count(&mut self, id: FlowId, flow: &Flow, side: Side, now: Moment) {
        self.example.get_or_insert(id);
        self.flows += 1;
        self.counters += side.sent_and_received(flow.counters().unwrap_or_default());
        if let Some(rate) = flow.bytes_per_sec() {
            self.is_rated = true;
            add(&mut self.bytes_per_sec, side.sent_and_received(rate));
        }
        let average = flow.average_bytes_per_sec(10, now).unwrap_or_default();
        let average = side.sent_and_received(average);
        add(&mut self.average_bytes_per_sec, average);
        let age = flow.age(now);
        let is_new = |age| matches!(age, Age::Exact(age) if age <= Duration::from_secs(NEW_SECS));
        self.new += u32::from(is_new(age));
        let is_older = |than: Age| age.duration() > than.duration();
        if self.oldest.is_none_or(is_older) {
            self.oldest = Some(age);
        }
        let is_unreplied = |status: Status| !status.has(Status::SEEN_REPLY);
        self.unreplied += u32::from(flow.status().is_some_and(is_unreplied));
    }

    /// Takes in what a socket has measured.
    fn measure(&mut self, owner: &Owner) {
        if let Some(rtt_us) = owner.figures.as_ref().and_then(|tcp| tcp.rtt_us) {
            self.rtt_us.0 += u64::from(rtt_us);
            self.rtt_us.1 += 1;
        }
    }

    /// Takes in what has ended.
    fn end(&mut self, ended: &Ended) {
        self.ended += ended.flows;
        self.counters += ended.counters;
        let last = self.last_ended.get_or_insert(ended.last);
        if ended.last.mono_ns > last.mono_ns {
            *last = ended.last;
        }
    }

    fn mean_rtt_us(&self) -> Option<u32> {
        let (sum, count) = self.rtt_us;
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
            ended: self.ended,
            last_ended: self.last_ended,
            hosts: self.hosts as usize,
            counters: self.counters,
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

fn add(sum: &mut Pair<u64>, rate: Pair<u64>) {
    sum.orig = sum.orig.saturating_add(rate.orig);
    sum.reply = sum.reply.saturating_add(rate.reply);
}

/// The tallies of a list, found by their groups.
#[derive(Default)]
struct Tallies {
    places: HashMap<Group, u32, foldhash::fast::RandomState>,
    each: Vec<Tally>,
    /// Far ends that were counted.
    seen: HashSet<(u32, IpAddr), foldhash::fast::RandomState>,
}

impl Tallies {
    fn of(&mut self, group: Group) -> (u32, &mut Tally) {
        let next = self.each.len() as u32;
        let place = *self.places.entry(group).or_insert(next);
        if place == next {
            self.each.push(Tally::new(group));
        }
        (place, &mut self.each[place as usize])
    }

    fn count(&mut self, id: FlowId, flow: &Flow, member: &Member<'_>, now: Moment) {
        let (place, tally) = self.of(member.group);
        tally.count(id, flow, member.side, now);
        if let (Group::Peer(_), Some(owner)) = (member.group, member.owner) {
            tally.measure(owner);
        }
        if self.seen.insert((place, member.far)) {
            self.each[place as usize].hosts += 1;
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
            grouping.members(flow, knowledge, |member| {
                tallies.count(id, flow, &member, now);
            });
        });
        // Of flows that have ended only sums are left, of which no filter can
        // be asked.
        if query.filter.is_none() {
            ledger.each(query, |group, ended| tallies.of(group).1.end(ended));
        }
        in_order(query, tallies.each, table, ledger, knowledge)
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
                    add(sum.get_or_insert_default(), step);
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
