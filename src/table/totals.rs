//! Running totals per class of flows.
//!
//! Every byte that is learned of enters here once, whether its flow is still
//! there or not; so a total rate is the difference of two totals, and a flow
//! that lived shorter than a refresh counts.

use crate::flow::{Class, Counters, Pair, Scope};

/// What has been seen since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets and bytes that were counted while this program watched.
    pub counters: Pair<Counters>,
    /// Flows born.
    pub born: u64,
    /// Flows ended.
    pub ended: u64,
}

/// [`Totals`] of every class.
#[derive(Clone, Debug)]
pub struct ClassTotals([Totals; Class::COUNT]);

impl Default for ClassTotals {
    fn default() -> Self {
        Self([Totals::default(); Class::COUNT])
    }
}

impl ClassTotals {
    pub(super) fn of(&mut self, class: Class) -> &mut Totals {
        &mut self.0[class.index()]
    }

    /// The totals of one class.
    pub const fn get(&self, class: Class) -> &Totals {
        &self.0[class.index()]
    }

    /// The totals of the flows that `scope` holds.
    pub fn within(&self, scope: Scope) -> Totals {
        let mut sum = Totals::default();
        for class in Class::all().filter(|class| scope.holds(*class)) {
            let totals = &self.0[class.index()];
            sum.counters += totals.counters;
            sum.born += totals.born;
            sum.ended += totals.ended;
        }
        sum
    }
}
