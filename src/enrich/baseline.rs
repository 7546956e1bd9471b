//! What flows had moved at a moment that somebody chose.

use std::collections::HashMap;

use crate::flow::{Moment, Pair};

/// From when on somebody counts: from a moment of their choice, or from when
/// this program began to watch.
///
/// Only flows that had moved anything until then are in it, each with about 40
/// bytes.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    since: Option<Moment>,
    moved: HashMap<u64, Pair<u64>, foldhash::fast::RandomState>,
}

impl Baseline {
    /// From `since` on. `moved` are the bytes that each flow had moved while
    /// this program watched, by the number of its row.
    pub fn new(since: Moment, moved: impl IntoIterator<Item = (u64, Pair<u64>)>) -> Self {
        let has_moved = |(_, bytes): &(u64, Pair<u64>)| *bytes != Pair::default();
        Self {
            since: Some(since),
            moved: moved.into_iter().filter(has_moved).collect(),
        }
    }

    /// Since when; `None`: since this program watches.
    pub const fn since(&self) -> Option<Moment> {
        self.since
    }

    /// What a flow has moved since, of what it has moved while this program
    /// watched.
    pub fn of(&self, row: u64, watched: Pair<u64>) -> Pair<u64> {
        let Some(before) = self.moved.get(&row) else {
            return watched;
        };
        Pair {
            orig: watched.orig.saturating_sub(before.orig),
            reply: watched.reply.saturating_sub(before.reply),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(orig: u64, reply: u64) -> Pair<u64> {
        Pair { orig, reply }
    }

    #[test]
    fn what_moved_before_does_not_count() {
        let none = Baseline::default();
        assert_eq!(none.of(1, pair(10, 20)), pair(10, 20));
        assert_eq!(none.since(), None);
        let base = Baseline::new(Moment::default(), [(1, pair(10, 20)), (2, pair(0, 0))]);
        assert_eq!(base.of(1, pair(15, 20)), pair(5, 0));
        assert_eq!(base.of(2, pair(7, 0)), pair(7, 0));
        assert_eq!(base.of(3, pair(9, 9)), pair(9, 9), "it came later");
        assert_eq!(base.moved.len(), 1, "what rests costs nothing");
        // A view of an earlier moment.
        assert_eq!(base.of(1, pair(8, 19)), pair(0, 0));
    }
}
