//! The order of the rows of a list of groups.
//!
//! As of flows, only as much of it is worked out as is asked for.

use std::cmp::{Ordering, Reverse};

use super::super::freeze::{Freeze, Kept};
use super::super::sort::{Key, SortKey, compare};
use super::super::{Knowledge, Query, Table};
use super::rows::Tally;
use super::{Group, GroupRow, Ledger};
use crate::flow::Pair;

/// What a group is ordered by.
struct Rank {
    is_pinned: bool,
    key: Option<Key<Box<str>>>,
    /// Where it stands in the usual order: those of which flows are there
    /// before the others, the fastest first, then the one that moved most.
    usual: (bool, Reverse<u64>, Reverse<u64>, Reverse<u32>),
    /// Its place among the tallies.
    tally: u32,
}

/// All groups of a list, and their order.
pub(in super::super) struct Groups {
    tallies: Vec<Tally>,
    ranks: Vec<Rank>,
    descending: bool,
}

fn both(pair: Pair<u64>) -> u64 {
    pair.orig.saturating_add(pair.reply)
}

/// The groups in the order that a query asks for.
pub(super) fn in_order(
    query: &Query,
    tallies: Vec<Tally>,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
) -> Groups {
    let mut key = |tally: &Tally| match (&query.freeze, query.sort.key) {
        (Freeze::Kept(kept), _) => {
            let place = kept.place_of(tally.group);
            place.map(|place| Key::Number(place.into()))
        }
        (_, SortKey::Group(column)) => {
            let row = if column.is_described() {
                tally.described(table, ledger, knowledge)
            } else {
                tally.row()
            };
            Key::owned(column.value(&row))
        }
        (_, SortKey::Usual) if !query.sort.descending => {
            Some(Key::Number(both(tally.average_bytes_per_sec)))
        }
        // The usual order alone; of flows, groups have nothing.
        _ => None,
    };
    let ranks = tallies.iter().zip(0..).map(|(tally, index)| Rank {
        is_pinned: query.pins.has_group(tally.group),
        key: key(tally),
        usual: (
            tally.flows == 0,
            Reverse(both(tally.average_bytes_per_sec)),
            Reverse(both(tally.counters.bytes())),
            Reverse(tally.flows),
        ),
        tally: index,
    });
    let ranks = ranks.collect();
    let is_kept = matches!(query.freeze, Freeze::Kept(_));
    Groups {
        tallies,
        ranks,
        descending: query.sort.descending && !is_kept,
    }
}

/// Which of two groups comes first.
fn order(tallies: &[Tally], descending: bool) -> impl Fn(&Rank, &Rank) -> Ordering + use<'_> {
    let group = |rank: &Rank| tallies.get(rank.tally as usize).map(|tally| tally.group);
    move |a, b| {
        let by_pin = b.is_pinned.cmp(&a.is_pinned);
        by_pin
            .then_with(|| compare(a.key.as_ref(), b.key.as_ref(), descending))
            .then_with(|| a.usual.cmp(&b.usual))
            .then_with(|| group(a).cmp(&group(b)))
    }
}

impl Groups {
    pub(in super::super) fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Where a group stands.
    pub(in super::super) fn position(&self, group: Group) -> Option<usize> {
        let order = order(&self.tallies, self.descending);
        let tally = self.tallies.iter().position(|tally| tally.group == group)?;
        let rank = self
            .ranks
            .iter()
            .find(|rank| rank.tally as usize == tally)?;
        let is_before = |other: &&Rank| order(other, rank).is_lt();
        Some(self.ranks.iter().filter(is_before).count())
    }

    /// The group at a place.
    pub(in super::super) fn at(&mut self, index: usize) -> Option<Group> {
        let order = order(&self.tallies, self.descending);
        if index >= self.ranks.len() {
            return None;
        }
        let (_, rank, _) = self.ranks.select_nth_unstable_by(index, order);
        self.tallies
            .get(rank.tally as usize)
            .map(|tally| tally.group)
    }

    /// The order that they have.
    pub(in super::super) fn kept(&mut self) -> Kept {
        let all = self.sorted(0, usize::MAX);
        Kept::groups(all.into_iter().map(|tally| tally.group))
    }

    /// Those from `first` on in order, at most `height`.
    fn sorted(&mut self, first: usize, height: usize) -> Vec<&Tally> {
        let order = order(&self.tallies, self.descending);
        if first >= self.ranks.len() || height == 0 {
            return Vec::new();
        }
        let rest = if first > 0 {
            self.ranks.select_nth_unstable_by(first, &order);
            &mut self.ranks[first..]
        } else {
            &mut self.ranks[..]
        };
        let height = height.min(rest.len());
        if height < rest.len() {
            rest.select_nth_unstable_by(height - 1, &order);
        }
        let window = &mut rest[..height];
        window.sort_unstable_by(order);
        let tallies = &self.tallies;
        let found = window
            .iter()
            .filter_map(|rank| tallies.get(rank.tally as usize));
        found.collect()
    }

    /// The rows from `first` on, at most `height`.
    pub(in super::super) fn window(
        mut self,
        first: usize,
        height: usize,
        table: &Table,
        ledger: &Ledger,
        knowledge: &mut Knowledge,
    ) -> Vec<GroupRow> {
        let tallies = self.sorted(first, height).into_iter();
        let described = tallies.map(|tally| tally.described(table, ledger, knowledge));
        described.collect()
    }
}
