//! Points in time, as parameters.

use std::time::Duration;

/// One instant on the two clocks that matter.
///
/// Rates and ages are differences of `mono_ns`, so that a step of the wall
/// clock changes neither; `real_ns` is for stamps that people and other
/// programs read, and for the kernel's own time stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// Nanoseconds of `CLOCK_MONOTONIC`, or since any fixed start.
    pub mono_ns: u64,
    /// Nanoseconds since 1970 of `CLOCK_REALTIME`.
    pub real_ns: u64,
}

impl Moment {
    /// The time from `earlier` to `self` on the monotonic clock; zero if
    /// `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.mono_ns.saturating_sub(earlier.mono_ns))
    }

    /// This moment, `by` later on both clocks.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        let ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        Self {
            mono_ns: self.mono_ns.saturating_add(ns),
            real_ns: self.real_ns.saturating_add(ns),
        }
    }
}
