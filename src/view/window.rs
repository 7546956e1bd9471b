//! Selecting and ordering: which rows are in the window.

use std::sync::Arc;

use super::field::Event;
use super::filter::Filter;
use super::group::{List, groups};
use super::sort::{Freeze, Kept, Usual, in_order, usual};
use super::{
    Candidate, Cursor, Detail, Direction, Flow, Knowledge, Ledger, Moment, Query, Status, Table,
    View, ViewRow,
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
            event: Event::Sample,
            flow,
            now,
            knowledge,
        })
    })
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
) -> (Vec<Usual>, Left) {
    let mut left = Left::default();
    // Grown step by step, a million would be copied again and again.
    let of_flows = query.list == List::Flows && query.within.is_empty();
    let mut keys = Vec::with_capacity(if of_flows { table.len() } else { 0 });
    for (id, flow) in table.flows() {
        if !query.scope.holds(flow.class()) {
            left.out_of_scope += 1;
        } else if knowledge.is_own(&flow.key().orig) {
            left.own += 1;
        } else if query
            .within
            .iter()
            .any(|group| !group.holds(flow, knowledge))
        {
            // Not of these groups: elsewhere, not hidden.
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
            keys.push(usual(id, flow, now));
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
        let (keys, left) = select(query, table, knowledge, now);
        let matching = keys.len();
        let mut query = query.clone();
        let mut groups = groups(&query, table, ledger, knowledge, now);
        let (group_count, height) = (groups.len(), query.height);
        let (first, cursor, group_cursor, window) = if query.list == List::Flows {
            let mut flows = in_order(&query, keys, table, knowledge, now);
            let now_at = match query.cursor {
                Cursor::Flow { id, .. } => flows.rank(id),
                _ => None,
            };
            let (first, index) = place(&query, matching, now_at);
            if query.freeze == Freeze::Now {
                let kept = Kept::flows(flows.window(0, matching).into_iter());
                query.freeze = Freeze::Kept(Arc::new(kept));
            }
            let cursor = index.map(|index| (index, flows.at(index)));
            (first, cursor, None, flows.window(first, height))
        } else {
            let now_at = match query.cursor {
                Cursor::Group { group, .. } => groups.position(group),
                _ => None,
            };
            let (first, index) = place(&query, group_count, now_at);
            if query.freeze == Freeze::Now {
                query.freeze = Freeze::Kept(Arc::new(groups.kept()));
            }
            let cursor = index.and_then(|index| Some((index, groups.at(index)?)));
            (first, None, cursor, Vec::new())
        };
        let rows = window
            .iter()
            .filter_map(|id| Some(ViewRow::copy(*id, table.get(*id)?, knowledge, now)))
            .collect();
        let subject = cursor.map(|(_, id)| id);
        Self {
            detail: Detail::answer(&query, subject, table, knowledge, now),
            at: now,
            rows,
            groups: groups.window(first, height, table, ledger, knowledge),
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
            query,
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
