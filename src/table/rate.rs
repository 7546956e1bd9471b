//! Bytes per second: now, and over the last 2, 10 and 40 seconds.

use crate::flow::{Moment, Pair};

/// Nanoseconds of one slot of a [`History`].
const SLOT_NS: u64 = 2_000_000_000;
/// Slots: 40 seconds, and one more because the newest is never whole.
const SLOTS: usize = 21;

/// Seconds that one value of [`Past`] stands for.
pub const PAST_STEP_SECS: u64 = SLOT_NS / 1_000_000_000;

/// Bytes per second over the last 40 seconds, in steps of
/// [`PAST_STEP_SECS`], the oldest first. Absent are steps in which nobody
/// read the counters: before the flow was seen, and since they were last read.
pub type Past = [Option<Pair<u64>>; SLOTS - 1];

/// The beginning and the end of each step of a [`Past`], as monotonic time.
pub fn past_steps(at: Moment) -> [(u64, u64); SLOTS - 1] {
    std::array::from_fn(|index| {
        let number = past_step(at.mono_ns, index).unwrap_or_default();
        (number * SLOT_NS, number.saturating_add(1) * SLOT_NS)
    })
}

/// The slot of a step, if the clock has been there.
fn past_step(at_ns: u64, index: usize) -> Option<u64> {
    // A step that has hardly begun has nothing to say.
    let now = at_ns.saturating_sub(MIN_ELAPSED_NS) / SLOT_NS;
    (now + 1 + index as u64).checked_sub(SLOTS as u64 - 1)
}

/// Two counter readings closer together than this give no rate; the bytes
/// between them enter the next one.
const MIN_ELAPSED_NS: u64 = 50_000_000;

/// The rate of one flow, and what it is computed from.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    /// Bytes at the last reading that became a rate.
    base: Pair<u64>,
    base_at_ns: u64,
    now: Pair<u64>,
    /// The highest `now` of each direction.
    peak: Pair<u64>,
    known: bool,
    /// Since when bytes were observed, in seconds, for averages of young flows.
    since_secs: u32,
    /// Only flows that moved bytes within the last 40 seconds have one.
    history: Option<Box<History>>,
}

impl Rate {
    /// Observed from `at_ns` on, with `bytes` counted before.
    pub(super) const fn from(bytes: Pair<u64>, at_ns: u64) -> Self {
        Self {
            base: bytes,
            base_at_ns: at_ns,
            now: Pair { orig: 0, reply: 0 },
            peak: Pair { orig: 0, reply: 0 },
            known: false,
            since_secs: (at_ns / 1_000_000_000) as u32,
            history: None,
        }
    }

    /// Forgets the base: the counters were set back by somebody.
    pub(super) fn rebase(&mut self, bytes: Pair<u64>, at_ns: u64) {
        self.base = bytes;
        self.base_at_ns = at_ns;
    }

    /// Whether there has been no reading since the base, and `bytes` is it.
    pub(super) fn is_unread(&self, bytes: Pair<u64>) -> bool {
        !self.known && self.base == bytes
    }

    /// What is left of it when nothing moves any more: the peak.
    pub(super) fn at_rest(&self) -> Self {
        Self {
            peak: self.peak,
            ..Self::from(self.base, self.base_at_ns)
        }
    }

    /// A reading of the counters: bytes, which must not be below the base, and
    /// the packets since the reading before.
    pub(super) fn read(&mut self, bytes: Pair<u64>, packets: Pair<u64>, at_ns: u64) {
        let elapsed = at_ns.saturating_sub(self.base_at_ns);
        if packets != Pair::default() {
            let history = self.history.get_or_insert_default();
            history.unread_packets.orig += packets.orig as f32;
            history.unread_packets.reply += packets.reply as f32;
        }
        if elapsed < MIN_ELAPSED_NS {
            return;
        }
        let delta = Pair {
            orig: bytes.orig.saturating_sub(self.base.orig),
            reply: bytes.reply.saturating_sub(self.base.reply),
        };
        self.now = delta.map(|bytes| per_second(bytes, elapsed));
        self.peak = Pair {
            orig: self.peak.orig.max(self.now.orig),
            reply: self.peak.reply.max(self.now.reply),
        };
        self.known = true;
        if let Some(history) = &mut self.history {
            history.read_packets(elapsed);
        }
        if delta.orig > 0 || delta.reply > 0 {
            self.history
                .get_or_insert_default()
                .add(delta, self.base_at_ns, at_ns);
        } else if self.history.as_ref().is_some_and(|h| h.is_over(at_ns)) {
            self.history = None;
        }
        self.rebase(bytes, at_ns);
    }

    /// Bytes per second between the last two readings; `None` before there
    /// were two.
    pub(super) fn now(&self) -> Option<Pair<u64>> {
        self.known.then_some(self.now)
    }

    /// The highest of each direction so far; `None` before there were two
    /// readings.
    pub(super) fn peak(&self) -> Option<Pair<u64>> {
        (self.known || self.peak != Pair::default()).then_some(self.peak)
    }

    /// Packets per second between the last two readings; `None` before there
    /// were two.
    pub(super) fn packets(&self) -> Option<Pair<u64>> {
        let packets = |history: &History| history.packets_per_sec.map(|rate| rate as u64);
        let packets = self.history.as_deref().map(packets);
        self.known.then_some(packets.unwrap_or_default())
    }

    /// Bytes per second over the last `secs` seconds, or over the time observed
    /// if that is shorter (but no shorter than one slot).
    pub(super) fn average(&self, secs: u64, at_ns: u64) -> Option<Pair<u64>> {
        self.known.then(|| {
            let observed = at_ns.saturating_sub(u64::from(self.since_secs) * 1_000_000_000);
            let window = (secs * 1_000_000_000).min(observed.max(SLOT_NS));
            let all = observed <= window;
            match &self.history {
                Some(history) => history
                    .sum(window, at_ns, all)
                    .map(|bytes| per_second(bytes, window)),
                None => Pair::default(),
            }
        })
    }

    /// Whether bytes moved in the last 40 seconds; it may be some more.
    pub(super) const fn has_moved_lately(&self) -> bool {
        self.history.is_some()
    }

    /// How fast it was; see [`Past`]. The step of now counts as far as it was
    /// read.
    pub(super) fn past(&self, at_ns: u64) -> Past {
        let since = u64::from(self.since_secs) * 1_000_000_000;
        std::array::from_fn(|index| {
            let number = past_step(at_ns, index)?;
            let begin = since.max(number * SLOT_NS);
            let end = self.base_at_ns.min((number + 1) * SLOT_NS);
            let read_ns = end.checked_sub(begin)?;
            if !self.known || read_ns < MIN_ELAPSED_NS {
                return None;
            }
            let history = self.history.as_ref();
            let bytes = history.map_or(Pair::default(), |history| history.slot(number));
            Some(bytes.map(|bytes| per_second(bytes, read_ns)))
        })
    }
}

fn per_second(bytes: u64, elapsed_ns: u64) -> u64 {
    let rate = u128::from(bytes) * 1_000_000_000 / u128::from(elapsed_ns.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// Bytes of the last 40 seconds in slots of two.
#[derive(Clone, Debug, Default)]
struct History {
    /// Indexed by slot number modulo [`SLOTS`].
    slots: [Pair<f32>; SLOTS],
    /// Number of the newest slot: time divided by [`SLOT_NS`].
    newest: u64,
    /// Packets since the reading that became the last rate.
    unread_packets: Pair<f32>,
    /// Packets per second between the last two readings that became rates.
    packets_per_sec: Pair<f32>,
}

impl History {
    fn read_packets(&mut self, elapsed_ns: u64) {
        let secs = elapsed_ns as f32 / 1e9;
        self.packets_per_sec = self.unread_packets.map(|packets| packets / secs);
        self.unread_packets = Pair::default();
    }

    /// Spreads `delta` evenly over the time in which it was counted.
    fn add(&mut self, delta: Pair<u64>, from_ns: u64, to_ns: u64) {
        let span = (to_ns - from_ns) as f32;
        self.advance(to_ns / SLOT_NS);
        let oldest = (self.newest + 1).saturating_sub(SLOTS as u64);
        for number in (from_ns / SLOT_NS).max(oldest)..=self.newest {
            let begin = from_ns.max(number * SLOT_NS);
            let end = to_ns.min((number + 1) * SLOT_NS);
            let share = end.saturating_sub(begin) as f32 / span;
            let slot = &mut self.slots[number as usize % SLOTS];
            slot.orig += delta.orig as f32 * share;
            slot.reply += delta.reply as f32 * share;
        }
    }

    fn advance(&mut self, to: u64) {
        let skipped = to.saturating_sub(self.newest).min(SLOTS as u64);
        for number in (to + 1 - skipped)..=to {
            self.slots[number as usize % SLOTS] = Pair::default();
        }
        self.newest = self.newest.max(to);
    }

    /// Bytes of the slot of this number.
    fn slot(&self, number: u64) -> Pair<u64> {
        let age = self.newest.checked_sub(number);
        if age.is_some_and(|age| age < SLOTS as u64) {
            self.slots[number as usize % SLOTS].map(|bytes| bytes as u64)
        } else {
            Pair::default()
        }
    }

    fn is_over(&self, at_ns: u64) -> bool {
        self.newest + (SLOTS as u64) < at_ns / SLOT_NS
    }

    /// Bytes of the last `window_ns`; the slot in which the window begins
    /// counts with its share. `all`: the window goes back to the first byte, so
    /// that all of that slot lies in it.
    fn sum(&self, window_ns: u64, at_ns: u64, all: bool) -> Pair<u64> {
        let begin = at_ns.saturating_sub(window_ns);
        let oldest = (self.newest + 1).saturating_sub(SLOTS as u64);
        let first = begin / SLOT_NS;
        let mut sum = Pair::<f32>::default();
        for number in first.max(oldest)..=self.newest {
            let share = if number == first && !all {
                1.0 - (begin % SLOT_NS) as f32 / SLOT_NS as f32
            } else {
                1.0
            };
            let slot = self.slots[number as usize % SLOTS];
            sum.orig += slot.orig * share;
            sum.reply += slot.reply * share;
        }
        sum.map(|bytes| bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEC: u64 = 1_000_000_000;

    /// Packets that do not matter.
    const NONE: Pair<u64> = Pair { orig: 0, reply: 0 };

    fn pair(orig: u64, reply: u64) -> Pair<u64> {
        Pair { orig, reply }
    }

    #[test]
    fn a_rate_is_bytes_over_the_flow_s_own_time() {
        let mut rate = Rate::from(pair(1000, 0), 10 * SEC);
        assert_eq!(rate.now(), None);
        rate.read(pair(1500, 3000), NONE, 12 * SEC);
        assert_eq!(rate.now(), Some(pair(250, 1500)));
        rate.read(pair(1500, 3000), NONE, 13 * SEC);
        assert_eq!(rate.now(), Some(pair(0, 0)));
    }

    #[test]
    fn bytes_of_hasty_readings_enter_the_next_rate() {
        let mut rate = Rate::from(pair(0, 0), 10 * SEC);
        rate.read(pair(700, 0), NONE, 10 * SEC + SEC / 100);
        assert_eq!(rate.now(), None);
        rate.read(pair(1000, 0), NONE, 11 * SEC);
        assert_eq!(rate.now(), Some(pair(1000, 0)));
    }

    #[test]
    fn a_young_flow_has_the_average_of_its_life() {
        let mut rate = Rate::from(pair(0, 0), 11 * SEC);
        for second in 1..=4 {
            rate.read(pair(1000 * second, 0), NONE, (11 + second) * SEC);
        }
        for secs in [10, 40] {
            assert_eq!(rate.average(secs, 15 * SEC), Some(pair(1000, 0)), "{secs}");
        }
    }

    #[test]
    fn a_steady_flow_has_equal_averages() {
        let mut rate = Rate::from(pair(0, 0), 10 * SEC);
        for second in 1..=60 {
            rate.read(pair(1000 * second, 10 * second), NONE, (10 + second) * SEC);
        }
        let at = 70 * SEC;
        for secs in [2, 10, 40] {
            let average = rate.average(secs, at).unwrap();
            assert!((950..=1050).contains(&average.orig), "{secs}: {average:?}");
            assert!((9..=11).contains(&average.reply), "{secs}: {average:?}");
        }
    }

    #[test]
    fn averages_remember_a_burst_as_long_as_they_say() {
        let mut rate = Rate::from(pair(0, 0), 10 * SEC);
        rate.read(pair(40_000, 0), NONE, 12 * SEC);
        for second in 13..=30 {
            rate.read(pair(40_000, 0), NONE, second * SEC);
        }
        let at = 30 * SEC;
        assert_eq!(rate.average(2, at).unwrap().orig, 0);
        assert_eq!(rate.average(10, at).unwrap().orig, 0);
        assert_eq!(rate.average(40, at).unwrap().orig, 2000, "40 kB in 20 s");
        rate.read(pair(40_000, 0), NONE, 60 * SEC);
        assert_eq!(rate.average(40, 60 * SEC).unwrap().orig, 0);
        assert!(rate.history.is_none(), "an idle flow costs nothing");
    }

    #[test]
    fn the_past_is_absent_where_nobody_looked() {
        let mut rate = Rate::from(pair(0, 0), 101 * SEC);
        assert_eq!(rate.past(101 * SEC), [None; 20]);
        for second in 102..=107 {
            rate.read(pair((second - 101) * 500, 0), NONE, second * SEC);
        }
        let steady = Some(pair(500, 0));
        let past = rate.past(107 * SEC);
        // Steps of 100, 102, 104, 106: the first and the last are half seen.
        assert_eq!(past[..16], [None; 16]);
        assert_eq!(past[16..], [steady; 4]);
        // Nobody has read for five seconds.
        let past = rate.past(112 * SEC);
        assert_eq!(past[14..18], [steady; 4]);
        assert_eq!(past[18..], [None; 2]);
        // It rests: that is known, and the steady time passes out of sight.
        for second in 108..=160 {
            rate.read(pair(3000, 0), NONE, second * SEC);
        }
        assert_eq!(rate.past(160 * SEC), [Some(pair(0, 0)); 20]);
        assert_eq!(rate.past(0), [None; 20], "a clock that begins");
    }

    #[test]
    fn a_rare_reading_is_spread_over_its_time() {
        let mut rate = Rate::from(pair(0, 0), 100 * SEC);
        rate.read(pair(120_000, 0), NONE, 160 * SEC);
        let ten = rate.average(10, 160 * SEC).unwrap().orig;
        assert!((1950..=2050).contains(&ten), "{ten}");
        let forty = rate.average(40, 160 * SEC).unwrap().orig;
        assert!((1900..=2050).contains(&forty), "{forty}");
    }

    #[test]
    fn time_that_stands_still_or_counters_at_their_end_do_no_harm() {
        let mut rate = Rate::from(pair(u64::MAX, 0), 5);
        rate.read(pair(u64::MAX, 0), NONE, 5);
        rate.read(pair(0, 0), NONE, 5 + SEC);
        assert_eq!(rate.now(), Some(pair(0, 0)));
        let mut fast = Rate::from(pair(0, 0), 0);
        fast.read(pair(u64::MAX, u64::MAX), NONE, SEC / 10);
        assert_eq!(fast.now(), Some(pair(u64::MAX, u64::MAX)));
    }
}
