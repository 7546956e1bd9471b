//! All rows of a query, not only those of a window: in pieces, so that nobody
//! waits for the last.

use super::departed::Flows;
use super::group::List;
use super::window::{every_group, everything};
use super::{FlowId, GroupRow, Knowledge, Ledger, Moment, Query, Table, ViewRow};

/// The rows that a query holds, and which of them were handed out.
#[derive(Debug)]
pub struct Whole {
    flows: std::vec::IntoIter<FlowId>,
    groups: Vec<GroupRow>,
    rows: usize,
}

/// Some of them.
#[derive(Debug)]
pub enum Piece {
    /// Flows, and when they were as they are told.
    Flows(Vec<ViewRow>, Moment),
    /// Groups: all of them at once, which are few.
    Groups(Vec<GroupRow>),
}

impl Whole {
    /// Selects and orders what `query` holds `now`, wherever its window is.
    pub fn of(
        query: &Query,
        table: &Table,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Self {
        let List::By(grouping) = query.list else {
            let all = Flows {
                live: table,
                ended: ledger.departed(),
            };
            let flows = everything(query, all, knowledge, now);
            return Self {
                rows: flows.len(),
                flows: flows.into_iter(),
                groups: Vec::new(),
            };
        };
        let groups = every_group(query, grouping, table, ledger, knowledge, now);
        Self {
            flows: Vec::new().into_iter(),
            rows: groups.len(),
            groups,
        }
    }

    /// How many rows there were to begin with.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The next rows, as they are `now`: at most so many flows. Those that have
    /// ended meanwhile, and are not kept, are left out. `None` after the last.
    pub fn piece(
        &mut self,
        table: &Table,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
        now: Moment,
        at_most: usize,
    ) -> Option<Piece> {
        if !self.groups.is_empty() {
            return Some(Piece::Groups(std::mem::take(&mut self.groups)));
        }
        if self.flows.as_slice().is_empty() {
            return None;
        }
        let all = Flows {
            live: table,
            ended: ledger.departed(),
        };
        let ids = self.flows.by_ref().take(at_most);
        let rows = ids.filter_map(|id| Some(ViewRow::copy(id, all.get(id)?, knowledge, now)));
        Some(Piece::Flows(rows.collect(), now))
    }
}
