//! How often to dump the table: what the kernel charges decides.
//!
//! A dump costs about 2.4 µs of CPU per flow, whatever anybody does with the
//! rows. A small table is dumped at every refresh; a large one at most so often
//! that dumps take [`Settings::share`] of one CPU, and in between single flows
//! are asked for by tuple.

use std::time::Duration;

use crate::flow::Moment;

/// What dumps may cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The shortest time from one dump to the next.
    pub interval: Duration,
    /// Largest share of one CPU to spend on dumps, 0 to 1.
    pub share: f64,
}

/// Decides when a dump is due. Told when dumps begin and end.
///
/// 1. The first dump is due at once.
/// 2. While one runs, none is due.
/// 3. Afterwards the next is due after the interval, or after the cost of the
///    last one divided by the share, whichever is longer; so that a storm of
///    losses cannot turn into a storm of dumps, a resync does not come sooner
///    either than half of that.
/// 4. What a person asks for is due at once.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    settings: Settings,
    began: Option<Moment>,
    running: bool,
    cost: Duration,
    resync: bool,
    /// When the last dump that ended had begun.
    before: Option<Moment>,
    /// From the beginning of the one before it to that.
    gap: Option<Duration>,
    dumps: u64,
    resyncs: u64,
    now: bool,
}

impl Pace {
    /// Nothing dumped yet.
    pub const fn new(settings: Settings) -> Self {
        Self {
            settings,
            began: None,
            running: false,
            cost: Duration::ZERO,
            resync: false,
            before: None,
            gap: None,
            dumps: 0,
            resyncs: 0,
            now: false,
        }
    }

    /// Nothing dumped yet, once more: the source is another one.
    pub const fn restart(&mut self) {
        *self = Self::new(self.settings);
    }

    /// Whether a dump should begin.
    pub fn due(&self, now: Moment) -> bool {
        if self.running {
            return false;
        }
        let Some(began) = self.began.filter(|_| !self.now) else {
            return true;
        };
        let affordable = self.cost.div_f64(self.settings.share.max(0.001));
        let gap = affordable.max(self.settings.interval);
        // A little early is on time: ticks and intervals are the same length,
        // and a tick that comes a millisecond soon must not skip its dump.
        let gap = if self.resync {
            gap / 2
        } else {
            gap.mul_f64(0.95)
        };
        now.since(began) >= gap
    }

    /// Whether the table is too large to be dumped at every interval.
    pub fn is_stretched(&self) -> bool {
        self.cost.div_f64(self.settings.share.max(0.001)) > self.settings.interval.mul_f64(1.05)
    }

    /// Events were lost: dump as soon as can be afforded.
    pub const fn want_resync(&mut self) {
        self.resync = true;
    }

    /// Somebody asks for a dump now, whatever it costs. One that runs serves as
    /// well.
    pub const fn want_now(&mut self) {
        self.now = !self.running;
    }

    /// Dumps so often at most from now on.
    pub const fn set_interval(&mut self, interval: Duration) {
        self.settings.interval = interval;
    }

    /// A dump begins.
    pub const fn begin(&mut self, now: Moment) {
        self.began = Some(now);
        self.running = true;
        if self.resync {
            self.resyncs += 1;
        }
        self.resync = false;
        self.now = false;
    }

    /// The dump ended.
    pub fn end(&mut self, now: Moment) {
        if let Some(began) = self.began {
            self.cost = now.since(began);
            self.gap = self.before.map(|before| began.since(before));
            self.before = Some(began);
            self.dumps += 1;
        }
        self.running = false;
    }

    /// How long the last dump took.
    pub const fn cost(&self) -> Duration {
        self.cost
    }

    /// From the beginning of one dump to that of the next, the last time;
    /// `None` before there were two.
    pub const fn gap(&self) -> Option<Duration> {
        self.gap
    }

    /// How many dumps ended.
    pub const fn dumps(&self) -> u64 {
        self.dumps
    }

    /// How many began because events had been lost.
    pub const fn resyncs(&self) -> u64 {
        self.resyncs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Settings = Settings {
        interval: Duration::from_secs(1),
        share: 0.1,
    };

    fn at(millis: u64) -> Moment {
        Moment::default().after(Duration::from_millis(millis))
    }

    fn dumped(took_ms: u64) -> Pace {
        let mut pace = Pace::new(SETTINGS);
        assert!(pace.due(at(0)));
        pace.begin(at(0));
        assert!(!pace.due(at(100_000)), "one runs");
        pace.end(at(took_ms));
        pace
    }

    #[test]
    fn a_small_table_is_dumped_every_interval() {
        let pace = dumped(20);
        assert!(!pace.due(at(900)));
        assert!(pace.due(at(1000)));
        assert!(!pace.is_stretched());
    }

    #[test]
    fn a_large_table_waits_until_the_last_dump_is_paid_for() {
        let pace = dumped(2_400);
        assert!(!pace.due(at(20_000)));
        assert!(pace.due(at(24_000)));
        assert!(pace.is_stretched());
    }

    #[test]
    fn what_a_person_asks_for_is_due_at_once_and_once() {
        let mut pace = dumped(2_400);
        pace.want_now();
        assert!(pace.due(at(2_500)));
        pace.begin(at(2_500));
        pace.want_now();
        pace.end(at(4_900));
        assert!(!pace.due(at(5_000)), "the one that ran has served");
    }

    #[test]
    fn another_interval_counts_from_the_last_dump() {
        let mut pace = dumped(20);
        pace.set_interval(Duration::from_secs(10));
        assert!(!pace.due(at(9_000)));
        assert!(pace.due(at(10_000)));
        pace.set_interval(Duration::from_millis(200));
        assert!(pace.due(at(200)));
    }

    #[test]
    fn another_source_is_dumped_at_once() {
        let mut pace = dumped(2_400);
        pace.begin(at(24_000));
        pace.restart();
        assert!(pace.due(at(24_001)));
        assert!(!pace.is_stretched());
    }

    #[test]
    fn a_loss_shortens_the_wait_but_never_to_nothing() {
        let mut pace = dumped(2_400);
        pace.want_resync();
        assert!(!pace.due(at(11_000)));
        assert!(pace.due(at(12_000)));
        pace.begin(at(12_000));
        pace.end(at(14_400));
        assert!(!pace.due(at(24_000)), "the resync is done");
        assert_eq!((pace.dumps(), pace.resyncs()), (2, 1));
        assert_eq!(pace.gap(), Some(Duration::from_secs(12)));
        // It is asked for, and begins when the source says so.
        pace.begin(at(36_000));
        pace.begin(at(36_001));
        pace.end(at(38_000));
        assert_eq!((pace.dumps(), pace.resyncs()), (3, 1));
    }
}
