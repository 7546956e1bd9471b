//! Selecting and ordering: which rows are in the window.

use std::cmp::Reverse;

use super::field::Event;
use super::filter::Filter;
use super::group::{List, groups};
use super::{
    Candidate, Cursor, Detail, Direction, Flow, FlowId, Knowledge, Ledger, Moment, Query, Scope,
    Status, Table, View, ViewRow,
};
use crate::flow::{Counters, Pair};

/// The order of the list: the fastest first, averaged over ten seconds so that
/// rows do not jump; then what moved most; then the oldest.
type SortKey = (Reverse<u64>, Reverse<u64>, FlowId);

fn sort_key(id: FlowId, flow: &Flow, now: Moment) -> SortKey {
    let rate = flow.average_bytes_per_sec(10, now).unwrap_or_default();
    let bytes = flow.counters().unwrap_or_default().bytes();
    (
        Reverse(rate.orig.saturating_add(rate.reply)),
        Reverse(bytes.orig.saturating_add(bytes.reply)),
        id,
    )
}

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
            event: Event::Sample,
            flow,
            now,
            knowledge,
        })
    })
}

/// Every flow that `scope` holds, in the order of a [`View`].
pub fn ordered(table: &Table, scope: Scope, now: Moment) -> impl Iterator<Item = &Flow> {
    let mut keys: Vec<SortKey> = table
        .flows()
        .filter(|(_, flow)| scope.holds(flow.class()))
        .map(|(id, flow)| sort_key(id, flow, now))
        .collect();
    keys.sort_unstable();
    keys.into_iter().filter_map(|(_, _, id)| table.get(id))
}

/// How many flows a query leaves out, and why; and what the others move.
#[derive(Default)]
struct Left {
    out_of_scope: usize,
    out_of_direction: usize,
    filtered_out: usize,
    inactive: usize,
    own: usize,
    uncounted: usize,
    counters: Pair<Counters>,
    bytes_per_sec: Pair<u64>,
}

/// The flows that match a query. What is cheap to ask is asked first.
fn select(
    query: &Query,
    table: &Table,
    knowledge: &mut Knowledge,
    now: Moment,
) -> (Vec<SortKey>, Left) {
    let mut left = Left::default();
    let mut keys = Vec::new();
    for (id, flow) in table.flows() {
        if !query.scope.holds(flow.class()) {
            left.out_of_scope += 1;
        } else if knowledge.is_own(&flow.key().orig) {
            left.own += 1;
        } else if query
            .within
            .is_some_and(|group| !group.holds(flow, knowledge))
        {
            // Not of this group: elsewhere, not hidden.
        } else if query
            .direction
            .is_some_and(|wanted| direction(flow, knowledge) != Some(wanted))
        {
            left.out_of_direction += 1;
        } else if !holds(query.filter.as_deref(), flow, knowledge, now) {
            left.filtered_out += 1;
        } else if query.active_only && !is_active(flow) {
            left.inactive += 1;
        } else {
            left.uncounted += usize::from(flow.is_uncounted());
            left.counters += flow.counters().unwrap_or_default();
            let rate = flow.bytes_per_sec().unwrap_or_default();
            left.bytes_per_sec = Pair {
                orig: left.bytes_per_sec.orig.saturating_add(rate.orig),
                reply: left.bytes_per_sec.reply.saturating_add(rate.reply),
            };
            keys.push(sort_key(id, flow, now));
        }
    }
    (keys, left)
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
        let (mut keys, left) = select(query, table, knowledge, now);
        let matching = keys.len();
        let groups = groups(query, table, ledger, knowledge, now);
        let group_count = groups.len();
        let is_of_flows = query.list == List::Flows;
        let (rows, now_at) = match query.cursor {
            Cursor::Flow { id, .. } if is_of_flows => (matching, rank(id, table, &keys, now)),
            Cursor::Group { group, .. } if !is_of_flows => (group_count, groups.position(group)),
            _ if is_of_flows => (matching, None),
            _ => (group_count, None),
        };
        let (first, index) = place(query, rows, now_at);
        let of_flow = index.filter(|_| is_of_flows);
        let cursor = of_flow.map(|index| (index, keys.select_nth_unstable(index).1.2));
        let group_cursor = index.and_then(|index| Some((index, groups.at(index)?)));
        let window: &[SortKey] = if is_of_flows {
            window(&mut keys, first, query.height)
        } else {
            &[]
        };
        let rows = window
            .iter()
            .filter_map(|(_, _, id)| Some(ViewRow::copy(*id, table.get(*id)?, knowledge, now)))
            .collect();
        let subject = cursor.map(|(_, id)| id);
        Self {
            detail: Detail::answer(query, subject, table, knowledge, now),
            at: now,
            query: query.clone(),
            rows,
            groups: groups.window(first, query.height, ledger, knowledge),
            group_count,
            first,
            cursor,
            group_cursor,
            matching,
            uncounted: left.uncounted,
            counters: left.counters,
            matching_bytes_per_sec: left.bytes_per_sec,
            out_of_scope: left.out_of_scope,
            out_of_direction: left.out_of_direction,
            filtered_out: left.filtered_out,
            inactive: left.inactive,
            own: left.own,
            totals: table.totals().within(query.scope),
            bytes_per_sec: None,
            born_per_sec: None,
            ended_per_sec: None,
            status: Status::default(),
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

/// How many rows come before this flow.
fn rank(id: FlowId, table: &Table, keys: &[SortKey], now: Moment) -> Option<usize> {
    let key = sort_key(id, table.get(id)?, now);
    let mut found = false;
    let mut before = 0;
    for other in keys {
        found |= other.2 == id;
        before += usize::from(*other < key);
    }
    found.then_some(before)
}

/// The keys from `first` on, at most `height`, in order. Sorting all of a
/// million would take longer than everything else.
fn window(keys: &mut [SortKey], first: usize, height: usize) -> &[SortKey] {
    if first >= keys.len() {
        return &[];
    }
    let rest = if first > 0 {
        keys.select_nth_unstable(first);
        &mut keys[first..]
    } else {
        keys
    };
    let height = height.min(rest.len());
    if height < rest.len() && height > 0 {
        rest.select_nth_unstable(height - 1);
    }
    let window = &mut rest[..height];
    window.sort_unstable();
    window
}
