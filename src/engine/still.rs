//! What views are computed from: the live state, or a picture of it that stays
//! while the view is paused.

use super::chronicle::Chronicle;
use crate::enrich::names::Answer;
use crate::enrich::{Baseline, Knowledge};
use crate::flow::{Moment, Pair, Scope};
use crate::table::{ClassTotals, Table, Totals};
use crate::view::{Ledger, Query, View, Vigil};

/// Totals at two moments, for rates of the whole.
#[derive(Clone, Default)]
pub(super) struct Readings {
    before: Option<(Moment, ClassTotals)>,
    last: Option<(Moment, ClassTotals)>,
}

impl Readings {
    pub(super) fn take(&mut self, table: &Table, at: Moment) {
        self.before = self.last.take();
        self.last = Some((at, table.totals().clone()));
    }

    /// `get` of the difference within `scope`, per second.
    fn per_sec<T>(&self, scope: Scope, get: impl Fn(Delta) -> T) -> Option<T> {
        let (began, before) = self.before.as_ref()?;
        let (ended, last) = self.last.as_ref()?;
        let secs = ended.since(*began).as_secs_f64();
        (secs > 0.0).then(|| {
            get(Delta {
                before: before.within(scope),
                last: last.within(scope),
                secs,
            })
        })
    }
}

struct Delta {
    before: Totals,
    last: Totals,
    secs: f64,
}

/// The readings that rates of the whole are computed from.
#[derive(Clone, Default)]
pub(super) struct Pulse {
    /// Taken at the end of each complete dump, when every counter is fresh.
    pub(super) bytes: Readings,
    /// Taken at each refresh.
    pub(super) flows: Readings,
}

impl Pulse {
    fn bytes_per_sec(&self, scope: Scope) -> Option<Pair<u64>> {
        self.bytes.per_sec(scope, |d| {
            let delta = d.last.counters.since(d.before.counters).unwrap_or_default();
            delta.bytes().map(|bytes| (bytes as f64 / d.secs) as u64)
        })
    }

    fn born_per_sec(&self, scope: Scope) -> Option<f64> {
        let flows = &self.flows;
        flows.per_sec(scope, |d| (d.last.born - d.before.born) as f64 / d.secs)
    }

    fn ended_per_sec(&self, scope: Scope) -> Option<f64> {
        let flows = &self.flows;
        flows.per_sec(scope, |d| (d.last.ended - d.before.ended) as f64 / d.secs)
    }
}

/// All that a view is computed from.
pub(super) struct Sight<'a> {
    pub(super) table: &'a Table,
    pub(super) ledger: &'a Ledger,
    pub(super) knowledge: &'a mut Knowledge,
    pub(super) vigil: &'a mut Vigil,
    pub(super) chronicle: &'a mut Chronicle,
    pub(super) pulse: &'a Pulse,
    pub(super) at: Moment,
}

impl Sight<'_> {
    /// Answers `query`; its status is left to be filled in.
    pub(super) fn view(self, query: &Query) -> View {
        let mut view = View::compute(query, self.table, self.ledger, self.knowledge, self.at);
        self.vigil.keep(&mut view);
        let (chronicle, at) = (self.chronicle, self.at);
        chronicle.answer(&mut view, self.table, self.knowledge, at);
        let scope = query.scope;
        view.bytes_per_sec = self.pulse.bytes_per_sec(scope);
        view.born_per_sec = self.pulse.born_per_sec(scope);
        view.ended_per_sec = self.pulse.ended_per_sec(scope);
        view
    }

    /// Keeps what is seen now.
    pub(super) fn keep(self) -> Still {
        Still {
            table: self.table.picture(),
            ledger: self.ledger.clone(),
            knowledge: self.knowledge.copy(),
            vigil: self.vigil.clone(),
            chronicle: self.chronicle.clone(),
            pulse: self.pulse.clone(),
            at: self.at,
        }
    }
}

/// A picture of the live state. It takes the room of a second table and of what
/// is known about its flows.
pub(super) struct Still {
    table: Table,
    ledger: Ledger,
    knowledge: Knowledge,
    vigil: Vigil,
    chronicle: Chronicle,
    pulse: Pulse,
    at: Moment,
}

impl Still {
    /// The flows of the picture.
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn sight(&mut self) -> Sight<'_> {
        Sight {
            table: &self.table,
            ledger: &self.ledger,
            knowledge: &mut self.knowledge,
            vigil: &mut self.vigil,
            chronicle: &mut self.chronicle,
            pulse: &self.pulse,
            at: self.at,
        }
    }

    /// Counts from another moment. What is seen here is not newer than that.
    pub(super) fn count_since(&mut self, baseline: Baseline) {
        self.knowledge.set_baseline(baseline);
    }

    /// Forgets flows that have ended.
    pub(super) fn forget_departed(&mut self) {
        self.ledger.forget_departed(&mut self.knowledge);
    }

    /// Takes in what hosts are called: that was so then as well, and only the
    /// answer is late.
    pub(super) fn merge_names(&mut self, answers: Vec<Answer>, now: Moment) {
        self.knowledge.merge_names(answers, now);
    }
}
