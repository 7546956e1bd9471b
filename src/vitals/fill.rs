//! How full the table is, and when it would be full.

use std::collections::VecDeque;
use std::time::Duration;

use crate::flow::Moment;

/// How far back the slope looks.
const WINDOW: Duration = Duration::from_secs(60);
/// A slope needs so much time.
const LEAST: Duration = Duration::from_secs(10);
/// Growth below this share of the maximum, within the window, is noise.
const GROWTH: f64 = 0.002;
/// Further ahead nobody should be told of.
const HORIZON: Duration = Duration::from_secs(24 * 3600);
/// Readings closer together than this are not kept.
const STEP: Duration = Duration::from_millis(900);

/// Readings of `nf_conntrack_count` over time.
#[derive(Clone, Debug, Default)]
pub struct Fill {
    readings: VecDeque<(Moment, u64)>,
    max: Option<u64>,
    peak: Option<(u64, Moment)>,
}

impl Fill {
    /// Takes a reading in: flows in the table, and how many it can hold.
    pub fn note(&mut self, at: Moment, used: Option<u64>, max: Option<u64>) {
        self.max = max;
        let Some(used) = used else {
            self.readings.clear();
            return;
        };
        if self.peak.is_none_or(|(peak, _)| used >= peak) {
            self.peak = Some((used, at));
        }
        if let Some((last, _)) = self.readings.back()
            && at.since(*last) < STEP
        {
            return;
        }
        self.readings.push_back((at, used));
        while let Some((first, _)) = self.readings.front()
            && at.since(*first) > WINDOW
        {
            self.readings.pop_front();
        }
    }

    /// The most flows there were since the first reading, and when.
    pub const fn peak(&self) -> Option<(u64, Moment)> {
        self.peak
    }

    /// In how long the table is full if it goes on growing as in the last
    /// minute.
    ///
    /// 1. Nothing is told before [`LEAST`] of readings,
    /// 2. nor of growth that is noise: less than [`GROWTH`] of the maximum,
    ///    or not in both halves of the time,
    /// 3. nor of what is more than a day ahead.
    pub fn time_to_full(&self) -> Option<Duration> {
        let max = self.max? as f64;
        let (began, first) = *self.readings.front()?;
        let (ended, last) = *self.readings.back()?;
        let span = ended.since(began);
        if span < LEAST {
            return None;
        }
        let (_, middle) = *self.readings.get(self.readings.len() / 2)?;
        let growth = last as f64 - first as f64;
        if growth < max * GROWTH || middle <= first || last <= middle {
            return None;
        }
        let left = (max - last as f64).max(0.0);
        let secs = left / growth * span.as_secs_f64();
        Duration::try_from_secs_f64(secs)
            .ok()
            .filter(|time| *time <= HORIZON)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(secs: u64, used: impl Fn(u64) -> u64) -> Fill {
        let mut fill = Fill::default();
        for sec in 0..=secs {
            let at = Moment::default().after(Duration::from_secs(sec));
            fill.note(at, Some(used(sec)), Some(100_000));
        }
        fill
    }

    #[test]
    fn steady_growth_says_when_the_table_is_full() {
        let growing = fill(200, |sec| 10_000 + sec * 100);
        // 70,000 are left, at 100 a second.
        assert_eq!(growing.time_to_full(), Some(Duration::from_secs(700)));
        assert_eq!(fill(9, |sec| sec * 100).time_to_full(), None, "too soon");
    }

    #[test]
    fn rest_noise_and_jumps_say_nothing() {
        assert_eq!(fill(60, |_| 90_000).time_to_full(), None);
        assert_eq!(fill(60, |sec| 90_000 + sec).time_to_full(), None, "slow");
        assert_eq!(fill(60, |sec| 90_000 - sec * 100).time_to_full(), None);
        let jump = fill(60, |sec| if sec < 50 { 10_000 } else { 20_000 });
        assert_eq!(jump.time_to_full(), None, "not in the first half");
    }

    #[test]
    fn a_full_table_is_full_now_and_the_peak_stays() {
        let mut full = fill(60, |sec| (70_000 + sec * 1000).min(100_000 + sec));
        assert_eq!(full.time_to_full(), Some(Duration::ZERO));
        let later = Moment::default().after(Duration::from_secs(61));
        full.note(later, Some(5), Some(100_000));
        assert_eq!(full.peak().map(|(used, _)| used), Some(100_060));
        assert_eq!(full.time_to_full(), None);
        full.note(later, None, None);
        assert_eq!(full.peak().map(|(used, _)| used), Some(100_060));
    }

    #[test]
    fn without_a_maximum_nothing_fills() {
        let mut fill = Fill::default();
        for sec in 0..60 {
            let at = Moment::default().after(Duration::from_secs(sec));
            fill.note(at, Some(sec * 1000), None);
        }
        assert_eq!(fill.time_to_full(), None);
    }
}
