//! The first rows of an order, and those around the cursor.
//!
//! A table has many more rows than anybody sees. To keep of each what it is
//! sorted by would take longer than to walk through them, so only rows that may
//! yet be in reach are kept, and of the others only how many there are.

use std::cell::LazyCell;
use std::cmp::Ordering;

use super::FlowId;
use super::sort::{Entry, Rank, Usual};

/// What of an order somebody wants to see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The row that must be in it. It is among those that are put in order.
    pub(super) center: Option<FlowId>,
    /// How many rows: to both sides of that row, or from the first one on.
    pub(super) rows: usize,
}

impl Reach {
    /// All of it.
    pub(super) const ALL: Self = Self {
        center: None,
        rows: usize::MAX,
    };
}

/// Rows that have an order, as far as it was asked for.
pub(super) trait Ordered {
    /// How many there are, in reach and beyond.
    fn count(&self) -> usize;
    /// How many come before the row that must be in reach, if there is one.
    fn rank(&self) -> Option<usize>;
    /// Those from a place on, at most `height`, as far as they are in reach.
    fn window(&mut self, first: usize, height: usize) -> Vec<FlowId>;
}

/// Which row comes first.
fn compare<K: Rank>(a: &Entry<K>, b: &Entry<K>, descending: bool) -> Ordering {
    a.0.compare(&b.0, descending).then_with(|| a.1.cmp(&b.1))
}

/// The first rows of an order, or the last ones.
struct End<K> {
    /// At least those in reach. If `is_full`, the one at `reach - 1` is behind
    /// all before it, and nothing behind it is in reach.
    kept: Vec<Entry<K>>,
    reach: usize,
    is_full: bool,
    count: usize,
    descending: bool,
    /// Whether it is the last ones, from the very last backwards.
    backwards: bool,
}

impl<K: Rank> End<K> {
    fn new(rows: usize, descending: bool, backwards: bool) -> Self {
        Self {
            kept: Vec::new(),
            reach: rows.max(1),
            is_full: false,
            count: 0,
            descending,
            backwards,
        }
    }

    fn add(&mut self, key: K, usual: &LazyCell<Usual, impl FnOnce() -> Usual>) {
        self.count += 1;
        if self.is_full {
            let (limit, tie) = &self.kept[self.reach - 1];
            let by_key = key.compare(limit, self.descending);
            let order = by_key.then_with(|| LazyCell::force(usual).cmp(tie));
            if order.is_gt() != self.backwards {
                return;
            }
        }
        self.kept.push((key, **usual));
        if self.kept.len() >= self.reach.saturating_mul(2) {
            self.select(self.reach - 1);
            self.kept.truncate(self.reach);
            self.is_full = true;
        }
    }

    fn order(descending: bool, backwards: bool) -> impl Fn(&Entry<K>, &Entry<K>) -> Ordering {
        move |a, b| {
            let order = compare(a, b, descending);
            if backwards { order.reverse() } else { order }
        }
    }

    /// Puts the row of this place there, and those before it before it.
    fn select(&mut self, index: usize) {
        let order = Self::order(self.descending, self.backwards);
        self.kept.select_nth_unstable_by(index, order);
    }

    /// Those from a place on up to another one, in order.
    fn between(&mut self, from: usize, to: usize) -> &[Entry<K>] {
        let to = to.min(self.kept.len());
        if from >= to {
            return &[];
        }
        if to < self.kept.len() {
            self.select(to);
        }
        let order = Self::order(self.descending, self.backwards);
        let before = &mut self.kept[..to];
        if from > 0 {
            before.select_nth_unstable_by(from, &order);
        }
        let between = &mut before[from..];
        between.sort_unstable_by(order);
        between
    }
}

/// What stands before a row, and what from there on; or just the first rows.
pub(super) struct Around<K> {
    center: Option<Entry<K>>,
    before: End<K>,
    after: End<K>,
    descending: bool,
}

impl<K: Rank> Around<K> {
    /// As far as `rows` to both sides of the center, or from the first one on.
    pub(super) fn new(center: Option<Entry<K>>, rows: usize, descending: bool) -> Self {
        Self {
            center,
            before: End::new(rows, descending, true),
            after: End::new(rows, descending, false),
            descending,
        }
    }

    /// A row; `usual` is where it usually stands, which is only asked for if
    /// something depends on it.
    pub(super) fn add(&mut self, key: K, usual: impl FnOnce() -> Usual) {
        let usual = LazyCell::new(usual);
        let is_before = |(center, tie): &Entry<K>| {
            let by_key = key.compare(center, self.descending);
            by_key
                .then_with(|| LazyCell::force(&usual).cmp(tie))
                .is_lt()
        };
        if self.center.as_ref().is_some_and(is_before) {
            self.before.add(key, &usual);
        } else {
            self.after.add(key, &usual);
        }
    }
}

impl<K: Rank> Ordered for Around<K> {
    fn count(&self) -> usize {
        self.before.count + self.after.count
    }

    fn rank(&self) -> Option<usize> {
        self.center.as_ref().map(|_| self.before.count)
    }

    fn window(&mut self, first: usize, height: usize) -> Vec<FlowId> {
        let end = first.saturating_add(height);
        let center = self.before.count;
        let from_center = |place: usize| center.saturating_sub(place);
        let before = self.before.between(from_center(end), from_center(first));
        let beyond = |place: usize| place.saturating_sub(center);
        let after = self.after.between(beyond(first), beyond(end));
        let window = before.iter().rev().chain(after);
        window.map(|(_, usual)| usual.2).collect()
    }
}
