//! The rows of a list of groups.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Age, Flow, Knowledge, Query, Table, Who};
use super::{Country, Group, GroupRow, Holder, Ledger, List, Member, NEW_SECS, organisation};
use crate::flow::{Moment, Pair, Status};
use crate::view::sort::{Freeze, Kept, Key, SortKey, compare};
use crate::view::window::{direction, holds};

/// Rows, and one of their far ends.
type Rows = HashMap<Group, (GroupRow, Option<IpAddr>), foldhash::fast::RandomState>;

/// What counts one flow in the rows.
struct Count<'a> {
    rows: &'a mut Rows,
    /// Far ends that were counted.
    seen: &'a mut HashSet<(Group, IpAddr), foldhash::fast::RandomState>,
    now: Moment,
}

impl Count<'_> {
    fn flow(&mut self, flow: &Flow, member: &Member<'_>) {
        let Member {
            group, side, far, ..
        } = *member;
        let new = || (GroupRow::new(group), Some(far));
        let (row, _) = self.rows.entry(group).or_insert_with(new);
        row.flows += 1;
        row.hosts += usize::from(self.seen.insert((group, far)));
        row.counters += side.sent_and_received(flow.counters().unwrap_or_default());
        let rate = flow.bytes_per_sec().unwrap_or_default();
        add(&mut row.bytes_per_sec, side.sent_and_received(rate));
        let average = flow.average_bytes_per_sec(10, self.now).unwrap_or_default();
        add(
            &mut row.average_bytes_per_sec,
            side.sent_and_received(average),
        );
        let is_new = |age| matches!(age, Age::Exact(age) if age <= Duration::from_secs(NEW_SECS));
        row.new += usize::from(is_new(flow.age(self.now)));
        let is_unreplied = |status: Status| !status.has(Status::SEEN_REPLY);
        row.unreplied += usize::from(flow.status().is_some_and(is_unreplied));
        if let (None, Some(owner)) = (&row.holder, member.owner)
            && let Group::Process(Who::Process { .. }) = group
        {
            row.holder = Some(Holder::of(owner));
        }
    }
}

/// All groups of a list, in order; what is only needed to show them is found
/// out about those that are shown.
pub(in super::super) struct Groups(Vec<(GroupRow, Option<IpAddr>)>);

impl Groups {
    pub(in super::super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where a group stands.
    pub(in super::super) fn position(&self, group: Group) -> Option<usize> {
        self.0.iter().position(|(row, _)| row.group == group)
    }

    /// The group at a place.
    pub(in super::super) fn at(&self, index: usize) -> Option<Group> {
        self.0.get(index).map(|(row, _)| row.group)
    }

    /// The order that they have.
    pub(in super::super) fn kept(&self) -> Kept {
        Kept::groups(self.0.iter().map(|(row, _)| row.group))
    }

    /// The rows from `first` on, at most `height`.
    pub(in super::super) fn window(
        self,
        first: usize,
        height: usize,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
    ) -> Vec<GroupRow> {
        let window = self.0.into_iter().skip(first).take(height);
        let described = window.map(|(mut row, far)| {
            describe(&mut row, far, ledger, knowledge);
            row
        });
        described.collect()
    }
}

/// Whether the filters of a query let a flow through.
fn is_wanted(query: &Query, flow: &Flow, knowledge: &mut Knowledge, now: Moment) -> bool {
    query.scope.holds(flow.class())
        && !knowledge.is_own(&flow.key().orig)
        && query
            .direction
            .is_none_or(|wanted| direction(flow, knowledge) == Some(wanted))
        && holds(query.filter.as_deref(), flow, knowledge, now)
}

/// Finds out how fast the groups of a window were. Flows that rest have nothing
/// to add, and are not asked for their groups.
pub(in super::super) fn remember(
    rows: &mut [GroupRow],
    query: &Query,
    table: &Table,
    knowledge: &mut Knowledge,
    now: Moment,
) {
    let places: HashMap<Group, usize, foldhash::fast::RandomState> =
        rows.iter().map(|row| row.group).zip(0..).collect();
    if places.is_empty() {
        return;
    }
    for (_, flow) in table.flows().filter(|(_, flow)| flow.has_moved_lately()) {
        if !is_wanted(query, flow, knowledge, now) {
            continue;
        }
        let past = flow.past(now);
        query.list.members(flow, knowledge, |member| {
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
    }
}

/// Every group of a query's list that its filters let through, in its order;
/// none of a list of flows.
pub(in super::super) fn groups(
    query: &Query,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
    now: Moment,
) -> Groups {
    if query.list == List::Flows {
        return Groups(Vec::new());
    }
    let mut rows = Rows::default();
    let mut seen = HashSet::default();
    let mut count = Count {
        rows: &mut rows,
        seen: &mut seen,
        now,
    };
    for (_, flow) in table.flows() {
        if is_wanted(query, flow, knowledge, now) {
            query
                .list
                .members(flow, knowledge, |member| count.flow(flow, &member));
        }
    }
    // Of flows that have ended only sums are left, of which no filter can be
    // asked.
    if query.filter.is_none() {
        ledger.each(query, |group, ended| {
            let new = || (GroupRow::new(group), None);
            let (row, _) = rows.entry(group).or_insert_with(new);
            row.ended += ended.flows;
            row.counters += ended.counters;
        });
    }
    let mut rows: Vec<_> = rows.into_values().collect();
    match (&query.freeze, query.sort.key) {
        (Freeze::Kept(kept), _) => {
            let place = |row: &GroupRow| kept.place_of(row.group);
            sort(&mut rows, false, place);
        }
        (_, SortKey::Group(column)) => {
            if column.is_described() {
                for (row, far) in &mut rows {
                    describe(row, *far, ledger, knowledge);
                }
            }
            rows.sort_unstable_by(|(a, _), (b, _)| {
                let (x, y) = (Key::of(column.value(a)), Key::of(column.value(b)));
                compare(x.as_ref(), y.as_ref(), query.sort.descending)
                    .then_with(|| usual(a).cmp(&usual(b)))
            });
        }
        (_, SortKey::Usual) if !query.sort.descending => {
            let rate = |row: &GroupRow| Some(both(row.average_bytes_per_sec));
            sort(&mut rows, false, rate);
        }
        // Of flows, groups have nothing.
        _ => sort(&mut rows, false, |_| Some(())),
    }
    Groups(rows)
}

/// The usual order: the fastest first, then the one that moved most.
fn usual(row: &GroupRow) -> impl Ord + use<> {
    let rate = both(row.average_bytes_per_sec);
    let bytes = both(row.counters.bytes());
    (Reverse(rate), Reverse(bytes), Reverse(row.flows), row.group)
}

fn both(pair: Pair<u64>) -> u64 {
    pair.orig.saturating_add(pair.reply)
}

/// Sorts by a key, and else in the usual order.
fn sort<K: Ord>(
    rows: &mut [(GroupRow, Option<IpAddr>)],
    descending: bool,
    key: impl Fn(&GroupRow) -> Option<K>,
) {
    rows.sort_unstable_by(|(a, _), (b, _)| {
        compare(key(a).as_ref(), key(b).as_ref(), descending).then_with(|| usual(a).cmp(&usual(b)))
    });
}

/// What a row is called, and what else is known of it.
fn describe(row: &mut GroupRow, far: Option<IpAddr>, ledger: &Ledger, knowledge: &mut Knowledge) {
    row.name = match row.group {
        Group::Country(Country::Code(code)) => code.name().map(Arc::from),
        Group::Country(_) => None,
        Group::Network(_, asn) => {
            let now = far.and_then(|far| organisation(knowledge.located(far)).cloned());
            now.or_else(|| ledger.organisation(asn?).cloned())
        }
        Group::Service(service) => service
            .port
            .and_then(|port| knowledge.services().name(service.proto, port))
            .map(Arc::from),
        Group::Process(who) => {
            if row.holder.is_none() {
                row.holder = ledger.holder(who).cloned();
            }
            let process = row.holder.as_ref().and_then(|h| h.process.as_ref());
            process.map(|process| Arc::clone(&process.name))
        }
        Group::Host(host) => {
            row.mac = host.and_then(|host| knowledge.locality().mac(host));
            host.and_then(|host| knowledge.name(host))
        }
    };
}

fn add(sum: &mut Pair<u64>, rate: Pair<u64>) {
    sum.orig = sum.orig.saturating_add(rate.orig);
    sum.reply = sum.reply.saturating_add(rate.reply);
}
