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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::Timeouts;
    use crate::enrich::services::{Services, Settings};
    use crate::flow::{Key, L4, Origin, Protocol, Report, Status, Tuple, Update};
    use crate::table::Table;
    use std::net::Ipv4Addr;

    /// A flow of UDP that a dump finds with so much time left, of 30 seconds,
    /// looked at some seconds later.
    fn look<T>(left: u32, later: u64, age: Option<u64>, ask: impl Fn(&Row<'_>) -> T) -> T {
        let (services, _) = Services::load(&Settings::default());
        let mut knowledge = Knowledge::new(services);
        let only_udp = |name: &str| (name == "udp_timeout").then_some(30);
        knowledge.set_timeouts(Timeouts::read(only_udp));
        let found = Moment {
            mono_ns: 100_000_000_000,
            real_ns: 1_795_230_000_000_000_000,
        };
        let (from, to) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
        let orig = Tuple::v4(from, to, Protocol::UDP, L4::Ports { src: 1, dst: 2 });
        let report = Report {
            status: Some(Status::CONFIRMED),
            timeout_secs: Some(left),
            start_ns: age.map(|secs| found.real_ns - secs * 1_000_000_000),
            ..Report::about(Key { zone: 0, orig }, Origin::Dumped)
        };
        let mut table = Table::new();
        table.apply(&Update::Flow(report), found, &mut |_| {});
        let now = found.after(Duration::from_secs(later));
        let (_, flow) = table.flows().next().unwrap();
        ask(&Row::new(flow, &mut knowledge, now))
    }

    #[test]
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is one of a row of one lifetime"
    )]
    fn what_a_timeout_lacks_is_how_long_a_flow_has_rested() {
        let idle = |left, later, age| look(left, later, age, |row| row.idle());
        let secs = Duration::from_secs;
        assert_eq!(idle(20, 0, None), Age::Exact(secs(10)));
        assert_eq!(idle(20, 5, None), Age::Exact(secs(15)));
        assert_eq!(idle(20, 0, Some(60)), Age::Exact(secs(10)));
        // A rule gave it another timeout.
        assert_eq!(idle(20, 0, Some(4)), Age::AtLeast(secs(0)), "it is younger");
        assert_eq!(idle(600, 7, None), Age::AtLeast(secs(7)), "it has more");
    }

    #[test]
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method is one of a row of one lifetime"
    )]
    fn a_flow_is_stale_when_most_of_its_timeout_has_passed() {
        let staleness = |left, later| look(left, later, None, |row| row.staleness());
        assert_eq!(staleness(30, 0), Some(Staleness::Fresh));
        assert_eq!(staleness(30, 22), Some(Staleness::Fresh));
        assert_eq!(staleness(30, 23), Some(Staleness::Stale));
        assert_eq!(staleness(30, 26), Some(Staleness::Stale));
        assert_eq!(staleness(30, 27), Some(Staleness::Critical));
        assert_eq!(staleness(30, 99), Some(Staleness::Critical));
        assert_eq!(staleness(600, 0), None, "of another timeout");
        let text = |later| {
            look(30, later, None, |row| {
                let mut text = String::new();
                let id = crate::view::column::ColumnId::Expires;
                id.cell(row, crate::view::column::Style::default(), &mut text);
                text
            })
        };
        assert_eq!([text(0), text(24), text(28)], ["30s", "!6s", "!!2s"]);
    }
}
