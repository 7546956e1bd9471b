//! A flow that a filter is asked about.

use super::field::{Event, Record};
use super::filter::{Needs, Subject};
use super::group::{Grouping, Identity};
use super::{Flow, Knowledge, Moment, Row};

/// A flow of the table, of which no more is found out than a filter needs.
pub struct Candidate<'a> {
    /// What a record of it would tell.
    pub event: Event,
    /// The flow.
    pub flow: &'a Flow,
    /// The time of looking.
    pub now: Moment,
    /// Who is asked about it.
    pub knowledge: &'a mut Knowledge,
}

impl Subject for Candidate<'_> {
    fn flow(&self) -> Option<&Flow> {
        Some(self.flow)
    }

    fn now(&self) -> Moment {
        self.now
    }

    fn told(&mut self, needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool {
        ask(&Record {
            event: self.event,
            ts_ns: self.now.real_ns,
            row: Some(Row::with(self.flow, self.knowledge, self.now, needs)),
            count: None,
        })
    }

    fn grouped(&mut self, by: Grouping, ask: &mut dyn FnMut(Identity<'_>) -> bool) -> bool {
        by.identities(self.flow, self.knowledge, ask)
    }
}
