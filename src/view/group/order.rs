//! The order of the rows of a list of groups.
//!
//! As of flows, only as much of it is worked out as is asked for.

use std::cmp::{Ordering, Reverse};

use super::super::freeze::{Freeze, Kept};
use super::super::sort::{Key, SortKey, compare};
use super::super::{Knowledge, Query, Table};
use super::peers::Peers;
use super::rows::Tally;
use super::{Group, GroupColumn, GroupRow, Ledger};

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
    peers: Peers,
    ranks: Vec<Rank>,
    descending: bool,
}

/// The groups in the order that a query asks for.
pub(super) fn in_order(
    query: &Query,
    mut tallies: Vec<Tally>,
    peers: Peers,
    table: &Table,
    ledger: &Ledger,
    knowledge: &mut Knowledge,
) -> Groups {
    if query.sort.key == SortKey::Group(GroupColumn::Hosts) {
        let all: Vec<u32> = (0..).take(tallies.len()).collect();
        count_peers(&mut tallies, &peers, &all);
    }
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
            Some(Key::Number(tally.average_bytes_per_sec.sum()))
        }
        // The usual order alone; of flows, groups have nothing.
        _ => None,
    };
    let ranks = tallies.iter().zip(0..).map(|(tally, index)| Rank {
        is_pinned: query.pins.has_group(tally.group),
        key: key(tally),
        usual: (
            tally.flows == 0,
            Reverse(tally.average_bytes_per_sec.sum()),
            Reverse(tally.counters().unwrap_or_default().bytes().sum()),
            Reverse(tally.flows),
        ),
        tally: index,
    });
    let ranks = ranks.collect();
    let is_kept = matches!(query.freeze, Freeze::Kept(_));
    Groups {
        tallies,
        peers,
        ranks,
        descending: query.sort.descending && !is_kept,
    }
}

/// Has these tallies know how many hosts are at the far ends of their flows.
fn count_peers(tallies: &mut [Tally], peers: &Peers, wanted: &[u32]) {
    let hosts = peers.count(wanted, tallies.len());
    for (tally, hosts) in wanted.iter().zip(hosts) {
        if let Some(tally) = tallies.get_mut(*tally as usize) {
            tally.hosts = hosts;
        }
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
        let all = self.sorted(0, usize::MAX).into_iter();
        let tally = |place: u32| self.tallies.get(place as usize);
        Kept::groups(all.filter_map(tally).map(|tally| tally.group))
    }

    /// Those from `first` on in order, at most `height`: their places among the
    /// tallies.
    fn sorted(&mut self, first: usize, height: usize) -> Vec<u32> {
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
        window.iter().map(|rank| rank.tally).collect()
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
        let window = self.sorted(first, height);
        count_peers(&mut self.tallies, &self.peers, &window);
        let tallies = window
            .into_iter()
            .filter_map(|place| self.tallies.get(place as usize));
        let described = tallies.map(|tally| tally.described(table, ledger, knowledge));
        described.collect()
    }
}
