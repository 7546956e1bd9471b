//! What the full height of a picture stands for.

use crate::view::units::{self, RateUnit};

/// Tenths of round numbers. Each is at most half as much again as the one before,
/// or a picture would be half empty.
const ROUND: [u128; 7] = [10, 15, 20, 30, 40, 60, 80];

/// What the full height stands for: a round number of something, so that it does
/// not change with every reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super::super) struct Scale {
    full: u64,
}

impl Scale {
    /// Of rates: at least `most` bytes per second; round in `unit`.
    pub(in super::super::super) fn of_rates(most: u64, unit: RateUnit) -> Self {
        match unit {
            RateUnit::Bytes => Self::over(most, 1),
            RateUnit::Bits => Self::over(most, 8),
        }
    }

    /// Of counts: at least `most`.
    pub(in super::super::super) fn of_counts(most: u64) -> Self {
        Self::over(most, 1)
    }

    /// At least 10, and round after it was taken `factor` times.
    fn over(most: u64, factor: u128) -> Self {
        let most = u128::from(most) * factor;
        let mut power: u128 = 1;
        while power * 80 < most {
            power *= 10;
        }
        let round = ROUND.into_iter().map(|round| round * power);
        let full = round.chain([power * 100]).find(|full| *full >= most);
        let full = full.unwrap_or(most).div_ceil(factor);
        Self {
            full: u64::try_from(full).unwrap_or(u64::MAX),
        }
    }

    /// The full height.
    pub(in super::super::super) const fn full(self) -> u64 {
        self.full
    }

    /// The full height as a rate.
    pub(in super::super::super) fn rate(self, unit: RateUnit) -> String {
        let mut text = String::new();
        units::rate(&mut text, Some(self.full), unit);
        text
    }

    /// How high a value stands, of so many levels; what is more than nothing
    /// has one.
    pub(in super::super::super) fn level(self, value: u64, levels: u64) -> u64 {
        let dots = u128::from(value) * u128::from(levels);
        let level = dots.div_ceil(u128::from(self.full.max(1)));
        u64::try_from(level).map_or(levels, |level| level.min(levels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_in_their_unit() {
        let full = |most, unit| Scale::of_rates(most, unit).rate(unit);
        assert_eq!(full(1, RateUnit::Bytes), "10B/s");
        assert_eq!(full(10, RateUnit::Bytes), "10B/s");
        assert_eq!(full(11, RateUnit::Bytes), "15B/s");
        assert_eq!(full(81, RateUnit::Bytes), "100B/s");
        assert_eq!(full(12_400_000, RateUnit::Bytes), "15.0MB/s");
        assert_eq!(full(12_400_000, RateUnit::Bits), "100Mbit/s");
        let most = Scale::of_rates(u64::MAX, RateUnit::Bits);
        assert_eq!(most.level(u64::MAX, 12), 12);
    }

    #[test]
    fn whatever_moved_has_a_level_and_nothing_exceeds_the_height() {
        let scale = Scale::of_rates(800, RateUnit::Bytes);
        assert_eq!(scale.level(0, 8), 0);
        assert_eq!(scale.level(1, 8), 1);
        assert_eq!(scale.level(1000, 8), 8);
        assert_eq!(scale.level(400, 8), 4);
        assert_eq!(scale.level(u64::MAX, 8), 8);
    }
}
