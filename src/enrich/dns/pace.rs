//! How fast to ask, and when to leave a nameserver alone. Pure: time is a
//! parameter.

use std::time::{Duration, Instant};

/// A token bucket: `burst` queries at once, then `per_sec` a second. What it
/// holds is the time that has not been spent yet.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// What one query costs.
    cost: Duration,
    full: Duration,
    credit: Duration,
    filled: Instant,
}

impl Bucket {
    /// A full bucket. A rate or burst of 0 counts as 1.
    pub(super) fn new(per_sec: u32, burst: u32, now: Instant) -> Self {
        let cost = Duration::from_nanos(1_000_000_000u64.div_ceil(per_sec.max(1).into()));
        let full = cost.saturating_mul(burst.max(1));
        Self {
            cost,
            full,
            credit: full,
            filled: now,
        }
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.credit = (self.credit + now.saturating_duration_since(self.filled)).min(self.full);
        self.filled = self.filled.max(now);
        let rest = self.credit.checked_sub(self.cost);
        self.credit = rest.unwrap_or(self.credit);
        rest.is_some()
    }

    /// When the next token will be there, if nobody takes it before.
    pub(super) fn ready_at(&self) -> Instant {
        self.filled + self.cost.saturating_sub(self.credit)
    }
}

/// Queries in a row that a nameserver may leave unanswered.
pub(super) const MAX_SILENCE: u32 = 10;

/// How long a silent nameserver is left alone.
pub(super) const PAUSE: Duration = Duration::from_secs(30);

/// The circuit breaker of one nameserver.
///
/// Closed until [`MAX_SILENCE`] queries in a row went unanswered; then open for
/// [`PAUSE`]; then half open: one query at a time, whose answer closes it and
/// whose silence opens it again.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaker {
    silent: u32,
    paused_until: Option<Instant>,
}

impl Breaker {
    /// The nameserver said something, be it an error.
    pub(super) fn heard(&mut self) {
        *self = Self::default();
    }

    /// A query went unanswered, or could not even be sent.
    /// True if this opens the breaker.
    pub(super) fn silence(&mut self, now: Instant) -> bool {
        self.silent = self.silent.saturating_add(1);
        // Those that were on their way when it opened do not prolong the pause.
        let opens = !self.is_paused(now) && self.silent >= MAX_SILENCE;
        if opens {
            self.paused_until = Some(now + PAUSE);
        }
        opens
    }

    /// Whether a query may go now, with `in_flight` others on their way.
    pub(super) fn allows(&self, in_flight: usize, now: Instant) -> bool {
        match self.paused_until {
            None => true,
            Some(until) => now >= until && in_flight == 0,
        }
    }

    /// Whether the nameserver counts as not answering: it opened the breaker
    /// and has not been heard since.
    pub(super) fn is_open(&self) -> bool {
        self.paused_until.is_some()
    }

    /// The end of the pause.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(10, 20, start);
        assert_eq!((0..100).filter(|_| bucket.take(start)).count(), 20);
        assert_eq!(bucket.ready_at(), start + SECOND / 10);
        assert!(!bucket.take(start + SECOND / 20));
        assert!(bucket.take(start + SECOND / 10));
        assert_eq!(
            (0..100)
                .filter(|_| bucket.take(start + 3600 * SECOND))
                .count(),
            20
        );
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing() {
        let start = Instant::now() + SECOND;
        let mut bucket = Bucket::new(1, 1, start);
        assert!(bucket.take(start));
        assert!(!bucket.take(start.checked_sub(SECOND).unwrap()));
        assert!(!bucket.take(start + SECOND / 2));
        assert!(bucket.take(start + SECOND));
    }

    #[test]
    fn ten_silences_in_a_row_pause_then_one_may_try() {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        for _ in 1..MAX_SILENCE {
            assert!(!breaker.silence(start));
        }
        breaker.heard();
        for _ in 1..MAX_SILENCE {
            assert!(!breaker.silence(start));
            assert!(breaker.allows(15, start));
        }
        assert!(breaker.silence(start));
        assert!(breaker.is_open());
        assert!(
            !breaker.silence(start + SECOND),
            "a straggler opens nothing"
        );
        assert!(!breaker.allows(0, start + Duration::from_secs(29)));
        assert!(breaker.allows(0, start + PAUSE));
        assert!(
            !breaker.allows(1, start + PAUSE),
            "half open: one at a time"
        );
        assert!(breaker.silence(start + PAUSE + SECOND));
        assert!(!breaker.allows(0, start + 2 * PAUSE));
        breaker.heard();
        assert!(!breaker.is_open());
        assert!(breaker.allows(15, start + 2 * PAUSE));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(
            per_sec in 1u32..50, burst in 1u32..50,
            steps in proptest::collection::vec(0u64..400, 1..400),
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(per_sec, burst, start);
            let (mut now, mut taken) = (start, 0u32);
            for step in steps {
                now += Duration::from_millis(step);
                taken += u32::from(bucket.take(now));
                let most = f64::from(burst) + f64::from(per_sec) * (now - start).as_secs_f64();
                prop_assert!(f64::from(taken) <= most + 1e-6);
            }
        }
    }
}
