//! How things went: readings of sums, one after the other, and what a picture
//! shows of them.
//!
//! A [`History`] keeps what was read for an hour, each reading with the time
//! that it is about, however long that was. Time between two of them is a gap:
//! nothing is known of it, which is something else than nothing. [`Series::of`]
//! cuts them into the steps of a picture.

use std::collections::VecDeque;
use std::time::Duration;

use crate::flow::{Class, Moment, Pair, Scope};
use crate::table::{ClassTotals, Totals};

/// Readings are kept for this long, in nanoseconds.
const KEPT_NS: u64 = 3600 * SECOND_NS;
/// Readings of less time than this are joined by the next, so that an hour is
/// never more than [`READINGS`] of them.
const SHORTEST_NS: u64 = SECOND_NS * 9 / 10;
/// Readings that are kept, at most.
const READINGS: usize = 4000;
/// A reading of more time than this says too little about any part of it: it
/// is a gap.
const LONGEST_NS: u64 = 60 * SECOND_NS;
/// A picture waits at least this long for the next reading before it shows that
/// there is none.
const PATIENCE_NS: u64 = 3 * SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;

/// What is read: sums that can be added up over time.
pub trait Sum {
    /// Adds what was read next.
    fn join(&mut self, later: Self);
}

/// What moved, and how many flows came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes.
    pub bytes: Pair<u64>,
    /// Flows that came and went; `None` where nobody counted them.
    pub turnover: Option<Turnover>,
}

/// How many flows came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turnover {
    /// Births.
    pub born: u32,
    /// Ends.
    pub ended: u32,
}

impl Turnover {
    fn add(&mut self, other: Self) {
        self.born = self.born.saturating_add(other.born);
        self.ended = self.ended.saturating_add(other.ended);
    }
}

impl Sum for Moved {
    fn join(&mut self, later: Self) {
        self.bytes += later.bytes;
        self.turnover = match (self.turnover, later.turnover) {
            (Some(mut sum), Some(later)) => {
                sum.add(later);
                Some(sum)
            }
            _ => None,
        };
    }
}

/// [`Moved`] of every class in which anything happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassMoved(Box<[(Class, Moved)]>);

impl ClassMoved {
    /// What has happened from one reading of the totals to the next.
    pub fn between(before: &ClassTotals, after: &ClassTotals) -> Self {
        let of = |class| {
            let [before, after] = [before, after].map(|totals| totals.get(class));
            let moved = difference(before, after);
            (moved != Moved::rest()).then_some((class, moved))
        };
        Self(Class::all().filter_map(of).collect())
    }

    /// Of the classes that `scope` holds.
    pub fn within(&self, scope: Scope) -> Moved {
        let mut sum = Moved::rest();
        for (_, moved) in self.0.iter().filter(|(class, _)| scope.holds(*class)) {
            sum.join(*moved);
        }
        sum
    }
}

impl Moved {
    /// Nothing, which is known.
    pub const fn rest() -> Self {
        Self {
            bytes: Pair { orig: 0, reply: 0 },
            turnover: Some(Turnover { born: 0, ended: 0 }),
        }
    }
}

fn difference(before: &Totals, after: &Totals) -> Moved {
    let counters = after.counters.since(before.counters).unwrap_or_default();
    let count = |before: u64, after: u64| {
        let count = after.saturating_sub(before);
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    Moved {
        bytes: counters.bytes(),
        turnover: Some(Turnover {
            born: count(before.born, after.born),
            ended: count(before.ended, after.ended),
        }),
    }
}

impl Sum for ClassMoved {
    fn join(&mut self, later: Self) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        for (class, moved) in later.0 {
            match all.iter_mut().find(|(known, _)| *known == class) {
                Some((_, sum)) => sum.join(moved),
                None => all.push((class, moved)),
            }
        }
        self.0 = all.into();
    }
}

/// What was read of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading<T> {
    /// When it began; monotonic.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: u64,
    /// What happened in it.
    pub sum: T,
}

/// What was read in the last hour, in at most 4000 readings: of [`Moved`] that
/// is 200 kB, of [`ClassMoved`] 3.3 MB if all 24 classes move all the time, and
/// some 600 kB if four do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History<T> {
    /// The oldest first; none overlap.
    readings: VecDeque<Reading<T>>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self {
            readings: VecDeque::new(),
        }
    }
}

impl<T: Sum> History<T> {
    /// Adds the next reading. One that is about no time, or about time of which
    /// there is one already, is left out.
    pub fn push(&mut self, reading: Reading<T>) {
        let last_ns = self.readings.back().map_or(0, |last| last.to_ns);
        let length_ns = reading.to_ns.saturating_sub(reading.from_ns);
        if length_ns == 0 || length_ns > LONGEST_NS || reading.from_ns < last_ns {
            return;
        }
        let forgotten_ns = reading.to_ns.saturating_sub(KEPT_NS);
        match self.readings.back_mut() {
            Some(last) if last.to_ns == reading.from_ns && last.is_short() => {
                last.to_ns = reading.to_ns;
                last.sum.join(reading.sum);
            }
            _ => self.readings.push_back(reading),
        }
        while self.readings.len() > READINGS
            || (self.readings.front()).is_some_and(|first| first.to_ns <= forgotten_ns)
        {
            self.readings.pop_front();
        }
    }
}

impl<T> History<T> {
    /// Every reading, the oldest first.
    pub fn readings(&self) -> impl DoubleEndedIterator<Item = &Reading<T>> {
        self.readings.iter()
    }
}

impl<T> Reading<T> {
    const fn is_short(&self) -> bool {
        self.to_ns - self.from_ns < SHORTEST_NS
    }

    /// The same about something else.
    pub fn map<U>(&self, get: impl FnOnce(&T) -> U) -> Reading<U> {
        Reading {
            from_ns: self.from_ns,
            to_ns: self.to_ns,
            sum: get(&self.sum),
        }
    }
}

/// How fast it was for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Bytes per second.
    pub bytes_per_sec: Pair<u64>,
    /// Births per second; `None` where nobody counted them.
    pub born_per_sec: Option<f64>,
    /// Ends per second.
    pub ended_per_sec: Option<f64>,
}

/// The newest readings, at most `count`, the oldest first; `None` for a gap.
pub fn recent<'a>(
    newest_first: impl Iterator<Item = Reading<Moved>> + 'a,
    count: usize,
) -> Vec<Option<Sample>> {
    let mut samples = Vec::new();
    let mut began_ns = None;
    for reading in newest_first {
        if began_ns.is_some_and(|began_ns| began_ns != reading.to_ns) {
            samples.push(None);
        }
        began_ns = Some(reading.from_ns);
        let mut step = Step::default();
        step.add(&reading, reading.from_ns, reading.to_ns);
        samples.push(step.sample());
        if samples.len() >= count {
            break;
        }
    }
    samples.truncate(count);
    samples.reverse();
    samples
}

/// A stretch of time in steps of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Where the newest step ends; monotonic. Steps begin and end at multiples
    /// of their length, so that what is over stays as it was.
    pub end_ns: u64,
    /// Length of a step.
    pub step: Duration,
    /// The oldest first; `None` where nothing is known.
    pub steps: Vec<Option<Sample>>,
    /// Since when anything is known; monotonic.
    pub since_ns: Option<u64>,
}

impl Series {
    /// The last `span` of some readings, which come the oldest first, in so
    /// many steps. Readings that lie in several steps were as fast in all of
    /// them.
    pub fn of(
        readings: impl Iterator<Item = Reading<Moved>>,
        span: Duration,
        count: usize,
        now: Moment,
    ) -> Self {
        let span_ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let step_ns = (span_ns / count.max(1) as u64).max(1);
        let readings: Vec<_> = readings.collect();
        // The next reading is on its way, and nothing else.
        let is_due = |last: &&Reading<Moved>| {
            let length_ns = last.to_ns - last.from_ns;
            now.mono_ns.saturating_sub(last.to_ns) <= PATIENCE_NS.max(length_ns * 2)
        };
        let last = readings.last().filter(is_due);
        let end_ns = last.map_or(now.mono_ns, |last| last.to_ns);
        let last = end_ns.saturating_sub(1) / step_ns;
        // Before the clock began is nothing either.
        let blank = count.saturating_sub(usize::try_from(last + 1).unwrap_or(usize::MAX));
        let first = (last + 1).saturating_sub(count as u64);
        let mut steps = vec![Step::default(); count];
        for (step, number) in steps.iter_mut().skip(blank).zip(first..) {
            let (begin_ns, end_ns) = (number * step_ns, (number + 1).saturating_mul(step_ns));
            let begins = readings.partition_point(|reading| reading.to_ns <= begin_ns);
            let within = readings.iter().skip(begins);
            for reading in within.take_while(|reading| reading.from_ns < end_ns) {
                step.add(reading, begin_ns, end_ns);
            }
        }
        Self {
            end_ns: (last + 1).saturating_mul(step_ns),
            step: Duration::from_nanos(step_ns),
            steps: steps.iter().map(Step::sample).collect(),
            since_ns: readings.first().map(|first| first.from_ns),
        }
    }
}

/// What is known of a step.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    ns: u64,
    bytes: Pair<f64>,
    /// How much of it births were counted in, and how many there were.
    counted_ns: u64,
    born: f64,
    ended: f64,
}

impl Step {
    /// Adds the part of a reading that lies in it.
    fn add(&mut self, reading: &Reading<Moved>, begin_ns: u64, end_ns: u64) {
        let from_ns = begin_ns.max(reading.from_ns);
        let ns = end_ns.min(reading.to_ns).saturating_sub(from_ns);
        let share = ns as f64 / (reading.to_ns - reading.from_ns).max(1) as f64;
        self.ns += ns;
        self.bytes.orig += reading.sum.bytes.orig as f64 * share;
        self.bytes.reply += reading.sum.bytes.reply as f64 * share;
        if let Some(turnover) = reading.sum.turnover {
            self.counted_ns += ns;
            self.born += f64::from(turnover.born) * share;
            self.ended += f64::from(turnover.ended) * share;
        }
    }

    fn sample(&self) -> Option<Sample> {
        let per_sec = |sum: f64, ns: u64| sum * SECOND_NS as f64 / ns as f64;
        let turnover = |sum| (self.counted_ns > 0).then(|| per_sec(sum, self.counted_ns));
        (self.ns > 0).then(|| Sample {
            bytes_per_sec: self
                .bytes
                .map(|bytes| per_sec(bytes, self.ns).round() as u64),
            born_per_sec: turnover(self.born),
            ended_per_sec: turnover(self.ended),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(orig: u64, reply: u64) -> Pair<u64> {
        Pair { orig, reply }
    }

    /// Of whole seconds, and bytes of the answers.
    fn reading(from: u64, to: u64, bytes: u64) -> Reading<Moved> {
        Reading {
            from_ns: from * SECOND_NS,
            to_ns: to * SECOND_NS,
            sum: Moved {
                bytes: pair(0, bytes),
                turnover: Some(Turnover { born: 2, ended: 1 }),
            },
        }
    }

    fn at(secs: u64) -> Moment {
        Moment::default().after(Duration::from_secs(secs))
    }

    fn history(readings: impl IntoIterator<Item = Reading<Moved>>) -> History<Moved> {
        let mut history = History::default();
        for reading in readings {
            history.push(reading);
        }
        history
    }

    fn series(history: &History<Moved>, secs: u64, count: usize, now: u64) -> Vec<Option<u64>> {
        let readings = history.readings().map(|r| r.map(|sum| *sum));
        let series = Series::of(readings, Duration::from_secs(secs), count, at(now));
        let down = |sample: &Option<Sample>| sample.map(|sample| sample.bytes_per_sec.reply);
        series.steps.iter().map(down).collect()
    }

    #[test]
    fn an_hour_is_kept_and_no_more() {
        let history = history((0..10_000).map(|n| reading(n, n + 1, n)));
        assert_eq!(history.readings.len(), 3600);
        assert_eq!(history.readings[0].to_ns, 6401 * SECOND_NS);
    }

    #[test]
    fn hasty_readings_are_joined_so_that_memory_is_bounded() {
        let tenth = SECOND_NS / 10;
        let hasty = (0..100_000).map(|n| Reading {
            from_ns: n * tenth,
            to_ns: (n + 1) * tenth,
            sum: Moved {
                bytes: pair(7, 1),
                turnover: None,
            },
        });
        let history = history(hasty);
        assert!(history.readings.len() <= READINGS);
        let length = |r: &Reading<Moved>| r.to_ns - r.from_ns;
        assert!(
            history
                .readings()
                .rev()
                .skip(1)
                .all(|r| length(r) == 9 * tenth)
        );
        assert_eq!(history.readings[5].sum.bytes, pair(63, 9));
    }

    #[test]
    fn gaps_are_gaps_and_rest_is_rest() {
        let history = history([
            reading(0, 10, 100),
            reading(10, 20, 0),
            // Nobody has read for ten seconds.
            reading(30, 40, 400),
        ]);
        let (ten, zero, forty) = (Some(10), Some(0), Some(40));
        let steps = series(&history, 60, 6, 40);
        assert_eq!(steps, [None, None, ten, zero, None, forty]);
        // The next reading is late.
        let steps = series(&history, 60, 6, 70);
        assert_eq!(steps, [zero, None, forty, None, None, None]);
        let readings = history.readings().rev().map(|r| r.map(|sum| *sum));
        let recent = recent(readings, 3);
        let down = |sample: &Option<Sample>| sample.map(|s| s.bytes_per_sec.reply);
        assert_eq!(
            recent.iter().map(down).collect::<Vec<_>>(),
            [zero, None, forty]
        );
        assert_eq!(recent[0].unwrap().born_per_sec, Some(0.2));
    }

    #[test]
    fn readings_of_any_length_are_spread_over_the_steps() {
        let history = history([reading(0, 3, 300), reading(3, 7, 0), reading(7, 12, 1000)]);
        let steps = series(&history, 12, 6, 12);
        let expected = [100, 50, 0, 100, 200, 200].map(Some);
        assert_eq!(steps, expected);
        // What is over stays as it was when time goes on.
        assert_eq!(series(&history, 12, 6, 14)[..6], expected);
    }

    #[test]
    fn a_reading_of_minutes_says_nothing_about_any_of_them() {
        assert_eq!(history([reading(0, 61, 1)]).readings.len(), 0);
        let twice = history([reading(5, 6, 1), reading(4, 7, 1), reading(6, 6, 1)]);
        assert_eq!(twice.readings.len(), 1);
    }

    #[test]
    fn a_scope_sees_its_classes() {
        let ipv4 = Scope::default().with_family(crate::flow::Family::Ipv6, false);
        let class = |scope: Scope| Class::all().find(|class| scope.holds(*class)).unwrap();
        let moved = |bytes| Moved {
            bytes: pair(bytes, 0),
            turnover: Some(Turnover { born: 1, ended: 0 }),
        };
        let ipv6 = Scope::default().with_family(crate::flow::Family::Ipv4, false);
        let mut sum = ClassMoved([(class(ipv4), moved(1))].into());
        sum.join(ClassMoved(
            [(class(ipv4), moved(2)), (class(ipv6), moved(4))].into(),
        ));
        assert_eq!(sum.within(ipv4).bytes, pair(3, 0));
        assert_eq!(sum.within(ipv6).bytes, pair(4, 0));
        let all = sum.within(Scope::default());
        assert_eq!(all.bytes, pair(7, 0));
        assert_eq!(all.turnover.unwrap().born, 3);
    }

    proptest! {
        #[test]
        fn no_step_is_faster_than_the_readings_in_it(
            lengths in proptest::collection::vec((1_u64..30, 0_u64..5, 0_u64..1_000_000), 1..60),
            count in 1_usize..200,
        ) {
            let mut now = 0;
            let readings: Vec<_> = lengths.into_iter().map(|(length, gap, bytes)| {
                let from = now + gap;
                now = from + length;
                reading(from, now, bytes)
            }).collect();
            let history = history(readings.iter().copied());
            // A span that holds all, and steps that end where it ends.
            let span = now + now % 2;
            let readings = history.readings().map(|r| r.map(|sum| *sum));
            let series = Series::of(readings, Duration::from_secs(span), count, at(now));
            prop_assert_eq!(series.steps.len(), count);
            let most = history.readings().map(|r| r.sum.bytes.reply * SECOND_NS / (r.to_ns - r.from_ns)).max();
            for step in series.steps.iter().flatten() {
                prop_assert!(step.bytes_per_sec.reply <= most.unwrap_or_default() + 1);
            }
        }

        #[test]
        fn any_readings_have_a_picture(
            times in proptest::collection::vec((any::<u64>(), any::<u64>(), any::<u64>()), 0..50),
            span: u64,
            count in 0_usize..300,
            now: u64,
        ) {
            let mut history = History::default();
            for (from_ns, to_ns, bytes) in times {
                let bytes = pair(bytes, bytes / 2);
                let sum = Moved { bytes, turnover: None };
                history.push(Reading { from_ns, to_ns, sum });
            }
            let readings = history.readings().map(|r| r.map(|sum| *sum));
            let now = Moment { mono_ns: now, real_ns: now };
            let series = Series::of(readings, Duration::from_nanos(span), count, now);
            prop_assert_eq!(series.steps.len(), count);
        }
    }
}
