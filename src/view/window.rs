//! Selecting and ordering: which rows are in the window.

use std::sync::Arc;

use super::departed::Flows;
use super::field::Event;
use super::filter::Filter;
use super::first::Reach;
use super::freeze::{Freeze, Kept};
use super::group::{Group, GroupRow, Grouping, Groups, List, remember};
use super::portrait::Portrait;
use super::sort::{Rows, in_order};
use super::{
    Candidate, Cursor, Detail, Direction, Flow, FlowId, Knowledge, Ledger, Moment, Query, Status,
    Table, View, ViewRow,
};
use crate::flow::{Counters, Pair};

fn is_active(flow: &Flow) -> bool {
    flow.bytes_per_sec()
        .is_some_and(|rate| rate.orig > 0 || rate.reply > 0)
}

/// Which way a flow goes.
pub(super) fn direction(flow: &Flow, knowledge: &Knowledge) -> Option<Direction> {
    knowledge.direction(&flow.key().orig, &flow.reply())
}

/// Whether `filter`, if there is one, holds a flow.
pub(super) fn holds(
    filter: Option<&Filter>,
    flow: &Flow,
    knowledge: &mut Knowledge,
    now: Moment,
) -> bool {
    filter.is_none_or(|filter| {
        filter.holds(&mut Candidate {
            event: match flow.end_reason() {
                None => Event::Sample,
                Some(_) => Event::End,
            },
            flow,
            now,
            knowledge,
        })
    })
}

/// Why a query leaves a flow out.
enum Why {
    /// Its scope does not hold it.
    Scope,
    /// It is a name lookup of this program.
    Own,
    /// It is in other groups: elsewhere, not hidden.
    Elsewhere,
    /// It goes the other way.
    Direction,
    /// The filter does not hold it.
    Filter,
    /// It rests.
    Inactive,
}

/// Why a query leaves this flow out; `None` if it matches. What is cheap to
/// ask is asked first.
fn left_out(query: &Query, flow: &Flow, knowledge: &mut Knowledge, now: Moment) -> Option<Why> {
    if !query.scope.holds(flow.class()) {
        return Some(Why::Scope);
    }
    if knowledge.is_own(&flow.key().orig) {
        return Some(Why::Own);
    }
    let mut within = query.within.iter();
    if !within.all(|group| group.holds(flow, knowledge)) {
        return Some(Why::Elsewhere);
    }
    let goes = |wanted| direction(flow, knowledge) == Some(wanted);
    if !query.direction.is_none_or(goes) {
        return Some(Why::Direction);
    }
    if !holds(query.filter.as_deref(), flow, knowledge, now) {
        return Some(Why::Filter);
    }
    (query.active_only && !is_active(flow)).then_some(Why::Inactive)
}

/// Whether a query shows a flow.
pub(super) fn is_shown(query: &Query, flow: &Flow, knowledge: &mut Knowledge, now: Moment) -> bool {
    left_out(query, flow, knowledge, now).is_none()
}

/// How many flows a query leaves out, and why; and what the others move.
#[derive(Default)]
struct Sums {
    out_of_scope: usize,
    out_of_direction: usize,
    filtered_out: usize,
    inactive: usize,
    own: usize,
    matching: usize,
    /// Rows that have ended. They match, and enter no sum.
    ended: usize,
    uncounted: usize,
    counters: Pair<Counters>,
    bytes_per_sec: Pair<u64>,
}

impl Sums {
    fn leave_out(&mut self, why: &Why) {
        match why {
            Why::Scope => self.out_of_scope += 1,
            Why::Own => self.own += 1,
            Why::Elsewhere => {}
            Why::Direction => self.out_of_direction += 1,
            Why::Filter => self.filtered_out += 1,
            Why::Inactive => self.inactive += 1,
        }
    }

    fn add(&mut self, flow: &Flow) {
        self.matching += 1;
        self.uncounted += usize::from(flow.is_uncounted());
        self.counters += flow.counters().unwrap_or_default();
        self.bytes_per_sec += flow.bytes_per_sec().unwrap_or_default();
    }
}

/// The flows that match a query; what they sum up to is known after the walk.
struct Matching<'q, 'a> {
    query: &'q Query,
    all: Flows<'a>,
    now: Moment,
    sums: &'q mut Sums,
}

impl<'a> Rows<'a> for Matching<'_, 'a> {
    fn each(
        self,
        knowledge: &mut Knowledge,
        mut take: impl FnMut(FlowId, &'a Flow, &mut Knowledge),
    ) {
        for (id, flow) in self.all.live.flows() {
            if let Some(why) = left_out(self.query, flow, knowledge, self.now) {
                self.sums.leave_out(&why);
            } else {
                self.sums.add(flow);
                take(id, flow, knowledge);
            }
        }
        if self.query.list != List::Flows {
            return;
        }
        let mut take_ended = |flow: &'a Flow| {
            if left_out(self.query, flow, knowledge, self.now).is_none() {
                self.sums.ended += 1;
                take(flow.row(), flow, knowledge);
            }
        };
        if self.query.with_ended {
            self.all.ended.flows().for_each(take_ended);
        } else if let Some(flow) = self.query.followed.and_then(|id| self.all.ended.get(id)) {
            take_ended(flow);
        }
    }
}

/// Those of them that have moved lately.
struct Moving<'q, 'a> {
    query: &'q Query,
    table: &'a Table,
    now: Moment,
}

impl<'a> Rows<'a> for Moving<'_, 'a> {
    fn each(
        self,
        knowledge: &mut Knowledge,
        mut take: impl FnMut(FlowId, &'a Flow, &mut Knowledge),
    ) {
        let flows = self.table.flows();
        for (id, flow) in flows.filter(|(_, flow)| flow.has_moved_lately()) {
            if left_out(self.query, flow, knowledge, self.now).is_none() {
                take(id, flow, knowledge);
            }
        }
    }
}

/// Every flow that matches a query, in its order.
pub(super) fn everything(
    query: &Query,
    all: Flows<'_>,
    knowledge: &mut Knowledge,
    now: Moment,
) -> Vec<FlowId> {
    let mut sums = Sums::default();
    let rows = Matching {
        query,
        all,
        now,
        sums: &mut sums,
    };
    let mut flows = in_order(query, rows, Reach::ALL, all, knowledge, now);
    let count = flows.count();
    flows.window(0, count)
}

/// The flow under the cursor, if it is among those that match.
fn center(query: &Query, all: Flows<'_>, knowledge: &mut Knowledge, now: Moment) -> Option<FlowId> {
    let Cursor::Flow { id, .. } = query.cursor else {
        return None;
    };
    let shows_ended = query.with_ended || query.followed == Some(id);
    let ended = || all.ended.get(id).filter(|_| shows_ended);
    let flow = all.live.get(id).or_else(ended)?;
    left_out(query, flow, knowledge, now)
        .is_none()
        .then_some(id)
}

/// How far from the row under the cursor, or from the first one, the window
/// can reach; see [`place`]. The row under the cursor is read even where the
/// window has no height.
fn reach(query: &Query, center: Option<FlowId>) -> Reach {
    if query.freeze == Freeze::Now {
        return Reach::ALL;
    }
    let height = query.height.max(1);
    let first = match query.cursor {
        _ if center.is_some() => 0,
        Cursor::None => query.first,
        Cursor::Index(index) | Cursor::Flow { index, .. } | Cursor::Group { index, .. } => index,
    };
    Reach {
        center,
        rows: first.saturating_add(height),
    }
}

/// The window of a list of flows or of groups.
#[derive(Default)]
struct Window {
    first: usize,
    cursor: Option<(usize, FlowId)>,
    rows: Vec<FlowId>,
    group_cursor: Option<(usize, Group)>,
    groups: Vec<GroupRow>,
    group_count: usize,
}

/// Puts the flows that match in order, and finds the window. An order that is
/// to be kept from now on is put into the query.
fn flows(
    query: &mut Query,
    all: Flows<'_>,
    knowledge: &mut Knowledge,
    now: Moment,
) -> (Window, Sums) {
    let mut sums = Sums::default();
    let reach = reach(query, center(query, all, knowledge, now));
    let matching = Matching {
        query,
        all,
        now,
        sums: &mut sums,
    };
    let mut flows = in_order(query, matching, reach, all, knowledge, now);
    let count = flows.count();
    let (first, index) = place(query, count, flows.rank());
    let mut rows = flows.window(first, query.height.max(1));
    let cursor = index.and_then(|index| Some((index, *rows.get(index - first)?)));
    rows.truncate(query.height);
    if query.freeze == Freeze::Now {
        let kept = Kept::flows(flows.window(0, count).into_iter());
        drop(flows);
        query.freeze = Freeze::Kept(Arc::new(kept));
    }
    let window = Window {
        first,
        cursor,
        rows,
        ..Window::default()
    };
    (window, sums)
}

/// The same of a list of groups.
fn in_groups(
    query: &mut Query,
    grouping: Grouping,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
    now: Moment,
) -> (Window, Sums) {
    let mut sums = Sums::default();
    let mut groups = grouped(query, grouping, table, ledger, knowledge, now, &mut sums);
    let now_at = match query.cursor {
        Cursor::Group { group, .. } => groups.position(group),
        _ => None,
    };
    let (first, index) = place(query, groups.len(), now_at);
    if query.freeze == Freeze::Now {
        query.freeze = Freeze::Kept(Arc::new(groups.kept()));
    }
    let group_cursor = index.and_then(|index| Some((index, groups.at(index)?)));
    let group_count = groups.len();
    let mut rows = groups.window(first, query.height, table, ledger, knowledge);
    if query.with_past {
        let moving = Moving { query, table, now };
        remember(&mut rows, grouping, moving, knowledge, now);
    }
    let window = Window {
        first,
        group_cursor,
        group_count,
        groups: rows,
        ..Window::default()
    };
    (window, sums)
}

/// All groups of the flows that match, and what these sum up to.
fn grouped(
    query: &Query,
    grouping: Grouping,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
    now: Moment,
    sums: &mut Sums,
) -> Groups {
    let matching = Matching {
        query,
        all: Flows {
            live: table,
            ended: ledger.departed(),
        },
        now,
        sums,
    };
    Groups::of(query, grouping, matching, (table, ledger), knowledge, now)
}

/// Every group of a list, in its order.
pub(super) fn every_group(
    query: &Query,
    grouping: Grouping,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
    now: Moment,
) -> Vec<GroupRow> {
    let mut sums = Sums::default();
    let groups = grouped(query, grouping, table, ledger, knowledge, now, &mut sums);
    groups.window(0, usize::MAX, table, ledger, knowledge)
}

impl View {
    /// Answers `query`. Rates of the whole and `status` are the engine's to
    /// fill in.
    pub fn compute(
        query: &Query,
        table: &Table,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Self {
        let mut query = query.clone();
        let all = Flows {
            live: table,
            ended: ledger.departed(),
        };
        let (window, sums) = match query.list {
            List::Flows => flows(&mut query, all, knowledge, now),
            List::By(grouping) => in_groups(&mut query, grouping, table, ledger, knowledge, now),
        };
        let rows = window
            .rows
            .iter()
            .filter_map(|id| Some(ViewRow::copy(*id, all.get(*id)?, knowledge, now)))
            .collect();
        let subject = window.cursor.map(|(_, id)| id);
        let group = window.group_cursor.map(|(_, group)| group);
        Self {
            detail: Detail::answer(&query, subject, all, knowledge, now),
            portrait: Portrait::answer(&query, group, &window.groups, table, knowledge, now),
            at: now,
            answered_at: now,
            rows,
            groups: window.groups,
            group_count: window.group_count,
            first: window.first,
            cursor: window.cursor,
            group_cursor: window.group_cursor,
            matching: sums.matching,
            ended: sums.ended,
            departed: all.ended.remembered(),
            uncounted: sums.uncounted,
            counters: sums.counters,
            matching_bytes_per_sec: sums.bytes_per_sec,
            out_of_scope: sums.out_of_scope,
            out_of_direction: sums.out_of_direction,
            filtered_out: sums.filtered_out,
            inactive: sums.inactive,
            own: sums.own,
            totals: table.totals().within(query.scope),
            query,
            bytes_per_sec: None,
            born_per_sec: None,
            ended_per_sec: None,
            recent: Vec::new(),
            chart: None,
            status: Status::default(),
            health: None,
        }
    }
}

/// Where the window begins, and which of `rows` is selected. `now_at` is where
/// the row under the cursor is now, if it is still there.
///
/// 1. A row under the cursor keeps its line of the window.
/// 2. If it is gone, the row in its place is selected.
/// 3. A place beyond the end means the last row.
/// 4. The window moves no further than it must to hold the cursor, and ends
///    with the last row if there are enough.
fn place(query: &Query, rows: usize, now_at: Option<usize>) -> (usize, Option<usize>) {
    let last = rows.saturating_sub(1);
    let lowest_first = rows.saturating_sub(query.height);
    let (index, first) = match query.cursor {
        Cursor::None => return (query.first.min(lowest_first), None),
        Cursor::Index(index) => (index.min(last), query.first),
        Cursor::Flow { index, line, .. } | Cursor::Group { index, line, .. } => match now_at {
            Some(at) => (at, at.saturating_sub(line)),
            None => (index.min(last), query.first),
        },
    };
    let first = first
        .min(index)
        .max((index + 1).saturating_sub(query.height.max(1)))
        .min(lowest_first);
    (first, (rows > 0).then_some(index))
}
