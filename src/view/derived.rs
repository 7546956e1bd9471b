//! What is worked out from several things known of a flow.

use std::time::Duration;

use super::{Age, Flow, Knowledge, Moment, Row};
use crate::flow::{Counters, Pair};

/// How near a flow is to being forgotten by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Staleness {
    /// Packets came lately.
    Fresh,
    /// Three quarters of its timeout have passed.
    Stale,
    /// Nine tenths have.
    Critical,
}

impl Row<'_> {
    /// How long it has moved nothing; see [`idle`].
    pub fn idle(&self) -> Age {
        idle(self.flow, self.whole_timeout, self.now)
    }

    /// How much of its timeout has passed without a packet; `None` if it has
    /// none, or if that is not known.
    pub fn staleness(&self) -> Option<Staleness> {
        let whole = self.whole_timeout?.as_secs();
        let left = self.flow.timeout_secs(self.now)?;
        let passed = whole.checked_sub(left)?;
        Some(match passed.saturating_mul(100).checked_div(whole)? {
            90.. => Staleness::Critical,
            75.. => Staleness::Stale,
            _ => Staleness::Fresh,
        })
    }
}

/// How long a flow has moved nothing.
///
/// 1. Of one that was found to move, since then.
/// 2. Of one that has rested since it was first seen, what its timeout lacks,
///    if that can be: a rule may have given it another timeout.
/// 3. Else at least since it was first seen.
pub(super) fn idle(flow: &Flow, whole_timeout: Option<Duration>, now: Moment) -> Age {
    let read = flow.idle(now);
    let Age::AtLeast(watched) = read else {
        return read;
    };
    let left = flow.timeout_secs(now).map(Duration::from_secs);
    let lacks = whole_timeout
        .zip(left)
        .and_then(|(whole, left)| whole.checked_sub(left));
    let can_be = |idle: &Duration| {
        let is_young = match flow.age(now) {
            // Both are in whole seconds.
            Age::Exact(age) => *idle <= age + Duration::from_secs(1),
            Age::AtLeast(_) => true,
        };
        is_young && *idle >= watched
    };
    lacks.filter(can_be).map_or(read, Age::Exact)
}

/// The whole timeout of a flow.
pub(super) fn whole_timeout(flow: &Flow, knowledge: &Knowledge) -> Option<Duration> {
    let proto = flow.key().orig.proto();
    knowledge.timeouts().of(proto, flow.state(), flow.status())
}

/// What a flow has moved since the baseline.
pub(super) fn since_baseline(flow: &Flow, knowledge: &Knowledge) -> Option<Pair<u64>> {
    let row = flow.row().number();
    Some(knowledge.baseline().of(row, flow.watched_bytes()?))
}

/// Bytes of an average packet of both directions, headers included as far as
/// bytes count them.
pub(super) fn bytes_per_packet(counters: Pair<Counters>) -> Option<u64> {
    let sum = |get: fn(&Counters) -> u64| get(&counters.orig).saturating_add(get(&counters.reply));
    sum(|c| c.bytes).checked_div(sum(|c| c.packets))
}
