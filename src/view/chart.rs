//! What a chart is of, and how much of that moved.

use std::sync::Arc;
use std::time::Duration;

use super::filter::Filter;
use super::history::{Moved, Reading, Series};
use super::window::{direction, holds};
use super::{Flow, FlowId, Group, Knowledge, Query, Side, Table};
use crate::flow::{Direction, Moment, Pair, Scope};
use crate::table::{Age, Past, past_steps};

/// What a chart is to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charting {
    /// Of what.
    pub of: Of,
    /// Of a group: the groups above it, in which its flows are as well.
    pub within: Vec<Group>,
    /// Of how much time.
    pub span: Duration,
    /// In how many steps.
    pub steps: usize,
}

/// What a chart is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Everything in scope, whatever the filter holds.
    Scope,
    /// What the filters of the query hold.
    Matching,
    /// The flows of a group that they hold; what is sent goes up.
    Group(Group),
    /// A flow.
    Flow(FlowId),
}

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What was asked for.
    pub of: Of,
    /// How fast it went.
    pub series: Series,
    /// Whether it was of a flow that has ended.
    pub is_over: bool,
}

/// Which flows count, and from whose point of view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    scope: Scope,
    filter: Option<Arc<Filter>>,
    direction: Option<Direction>,
    /// In which groups they are, each flow as in a list of flows.
    within: Vec<Group>,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    Group(Group),
    Flow(FlowId),
}

impl Selection {
    /// What a query shows the sums of, if they are not those of the scope.
    pub fn shown(query: &Query) -> Option<Self> {
        query.filter.as_ref()?;
        Some(Self {
            within: query.within.clone(),
            ..Self::matching(query, Part::All)
        })
    }

    /// What the chart of a query is of; `None` for the whole scope.
    pub fn charted(query: &Query) -> Option<Self> {
        let charting = query.chart.as_ref()?;
        match charting.of {
            Of::Scope => None,
            Of::Matching => Some(Self::matching(query, Part::All)),
            Of::Group(group) => Some(Self {
                within: charting.within.clone(),
                ..Self::matching(query, Part::Group(group))
            }),
            // It stays what it is, whatever else is shown.
            Of::Flow(id) => Some(Self {
                scope: Scope::default(),
                filter: None,
                direction: None,
                within: Vec::new(),
                part: Part::Flow(id),
            }),
        }
    }

    fn matching(query: &Query, part: Part) -> Self {
        Self {
            scope: query.scope,
            filter: query.filter.clone(),
            direction: query.direction,
            within: Vec::new(),
            part,
        }
    }

    /// The flow, if it is one.
    pub const fn flow(&self) -> Option<FlowId> {
        match self.part {
            Part::Flow(id) => Some(id),
            Part::All | Part::Group(_) => None,
        }
    }

    /// From whose point of view a flow counts, if it does; of a single flow
    /// nothing is asked here. What is cheap to ask is asked first.
    pub fn side(&self, flow: &Flow, knowledge: &mut Knowledge, now: Moment) -> Option<Side> {
        let is_wanted = self.scope.holds(flow.class())
            && !knowledge.is_own(&flow.key().orig)
            && (self.direction).is_none_or(|wanted| direction(flow, knowledge) == Some(wanted))
            && self.within.iter().all(|group| group.holds(flow, knowledge));
        if !is_wanted {
            return None;
        }
        let side = match self.part {
            Part::All => Some(Side::Orig),
            Part::Group(group) => group.side(flow, knowledge),
            Part::Flow(_) => None,
        };
        side.filter(|_| holds(self.filter.as_deref(), flow, knowledge, now))
    }

    /// Hands over the flows that count, and from whose point of view; only of
    /// those that `may_count`, which is asked first.
    fn each(
        &self,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
        may_count: impl Fn(&Flow) -> bool,
        mut take: impl FnMut(&Flow, Side),
    ) {
        if let Some(id) = self.flow() {
            if let Some(flow) = table.get(id) {
                take(flow, Side::Orig);
            }
            return;
        }
        for (_, flow) in table.flows().filter(|(_, flow)| may_count(flow)) {
            if let Some(side) = self.side(flow, knowledge, now) {
                take(flow, side);
            }
        }
    }

    /// Bytes that the flows that are there have moved in the last `elapsed`, by
    /// how fast each was between its last two readings.
    pub fn bytes(
        &self,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
        elapsed: Duration,
    ) -> Pair<u64> {
        let mut sum = Pair::default();
        let moves = Flow::has_moved_lately;
        self.each(table, knowledge, now, moves, |flow, side| {
            sum += side.sent_and_received(moved(flow, now, elapsed));
        });
        sum
    }

    /// What the flows that are there remember of the last forty seconds.
    pub fn past(
        &self,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Vec<Reading<Moved>> {
        let mut sums = Past::default();
        // Of those that rest it is known that they did.
        let any = |_: &Flow| true;
        self.each(table, knowledge, now, any, |flow, side| {
            let past = flow.past(now);
            for (sum, step) in sums.iter_mut().zip(past) {
                if let Some(step) = step {
                    *sum.get_or_insert_default() += side.sent_and_received(step);
                }
            }
        });
        let reading = |(times, step): ((u64, u64), Option<Pair<u64>>)| {
            let (from_ns, to_ns) = (times.0, times.1.min(now.mono_ns));
            let elapsed = Duration::from_nanos(to_ns.checked_sub(from_ns)?);
            let bytes = step?.map(|rate| bytes_in(rate, elapsed));
            let sum = Moved {
                bytes,
                turnover: None,
            };
            Some(Reading {
                from_ns,
                to_ns,
                sum,
            })
        };
        let steps = past_steps(now).into_iter().zip(sums);
        steps.filter_map(reading).collect()
    }
}

/// Bytes that a flow has moved in the last `elapsed`: all it counted if it began
/// within that time, else by its rate.
pub fn moved(flow: &Flow, now: Moment, elapsed: Duration) -> Pair<u64> {
    let counted = flow.counters().unwrap_or_default().bytes();
    match (flow.age(now), flow.bytes_per_sec()) {
        (Age::Exact(age), _) if age <= elapsed => counted,
        (age, Some(rate)) => rate.map(|rate| bytes_in(rate, elapsed.min(age.duration()))),
        (_, None) => Pair::default(),
    }
}

fn bytes_in(bytes_per_sec: u64, elapsed: Duration) -> u64 {
    let bytes = u128::from(bytes_per_sec) * elapsed.as_nanos() / 1_000_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
