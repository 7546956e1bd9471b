//! Numbers as people read them: three significant digits, the unit stuck to
//! the number, `-` for what is not known.

use std::fmt::Write;
use std::time::Duration;

use crate::table::Age;

/// Decimal prefixes; every step is a factor of 1000.
const PREFIXES: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// Whether rates are told in bits or bytes per second. Amounts of data are
/// always bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateUnit {
    /// Bytes per second, `B/s`.
    #[default]
    Bytes,
    /// Bits per second, `bit/s`.
    Bits,
}

/// From which rates on a row matters how much, in bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    /// From here on it is worth a look.
    pub mid_bytes_per_sec: u64,
    /// From here on it fills lines.
    pub high_bytes_per_sec: u64,
}

impl Default for Tiers {
    fn default() -> Self {
        Self {
            mid_bytes_per_sec: 10_000,
            high_bytes_per_sec: 1_000_000,
        }
    }
}

/// Appends `value` with three significant digits and a decimal prefix.
fn scaled(out: &mut String, value: u128, unit: &str) {
    let mut step = 0;
    let mut divisor: u128 = 1;
    // 999.5 would round to 1000, which takes the next prefix.
    while step + 1 < PREFIXES.len() && value * 2 >= divisor * 1999 && value >= 1000 {
        divisor *= 1000;
        step += 1;
    }
    let decimals = match value / divisor {
        _ if divisor == 1 => 0,
        0..=9 => 2,
        10..=99 => 1,
        _ => 0,
    };
    let number = value as f64 / divisor as f64;
    // Writing to a String cannot fail.
    let _ = match decimals {
        2 if number >= 9.995 => write!(out, "{number:.1}"),
        1 if number >= 99.95 => write!(out, "{number:.0}"),
        _ => write!(out, "{number:.decimals$}"),
    };
    out.push_str(PREFIXES[step]);
    out.push_str(unit);
}

/// Appends an amount of data: `860B`, `210kB`, `4.21GB`; `-` if not known.
pub fn bytes(out: &mut String, bytes: Option<u64>) {
    match bytes {
        Some(bytes) => scaled(out, bytes.into(), "B"),
        None => out.push('-'),
    }
}

/// Appends a rate given in bytes per second: `210kB/s`, `1.68Mbit/s`; `-` if
/// not known.
pub fn rate(out: &mut String, bytes_per_sec: Option<u64>, unit: RateUnit) {
    match (bytes_per_sec, unit) {
        (Some(rate), RateUnit::Bytes) => scaled(out, rate.into(), "B/s"),
        (Some(rate), RateUnit::Bits) => scaled(out, u128::from(rate) * 8, "bit/s"),
        (None, _) => out.push('-'),
    }
}

/// Appends a plain count: `847`, `12.3k`.
pub fn count(out: &mut String, count: u64) {
    scaled(out, count.into(), "");
}

/// Appends a count in full, its thousands set apart: `18,204`.
pub fn grouped(out: &mut String, count: u64) {
    let digits = count.to_string();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
}

/// Appends a time span in its two largest units: `48s`, `2h04m`, `3d05h`.
pub fn duration(out: &mut String, duration: Duration) {
    let secs = duration.as_secs();
    let (minutes, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
    let _ = match secs {
        0..60 => write!(out, "{secs}s"),
        60..3600 => write!(out, "{minutes}m{:02}s", secs % 60),
        3600..86_400 => write!(out, "{hours}h{:02}m", minutes % 60),
        _ => write!(out, "{days}d{:02}h", hours % 24),
    };
}

/// Appends a round-trip time given in microseconds: `860µs`, `12.3ms`,
/// `1.24s`; `-` if not known.
pub fn latency(out: &mut String, micros: Option<u32>) {
    const UNITS: [&str; 3] = ["µs", "ms", "s"];
    let Some(micros) = micros else {
        out.push('-');
        return;
    };
    let (mut number, mut unit) = (f64::from(micros), 0);
    // 999.5 would round to 1000, which takes the next unit.
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1000.0;
        unit += 1;
    }
    let decimals = match number {
        _ if unit == 0 => 0,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "{number:.decimals$}{}", UNITS[unit]);
}

/// Appends a time span that may be short: `12.3ms`, `1.24s`, `2m04s`.
pub fn span(out: &mut String, span: Duration) {
    match u32::try_from(span.as_micros()) {
        Ok(micros) if span.as_secs() < 60 => latency(out, Some(micros)),
        _ => duration(out, span),
    }
}

/// Appends an age; one that is only a lower bound begins with `>`.
pub fn age(out: &mut String, age: Age) {
    if let Age::AtLeast(_) = age {
        out.push('>');
    }
    duration(out, age.duration());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    #[test]
    fn three_digits_and_the_right_prefix() {
        let cases = [
            (0, "0B"),
            (7, "7B"),
            (999, "999B"),
            (1000, "1.00kB"),
            (1234, "1.23kB"),
            (9994, "9.99kB"),
            (9996, "10.0kB"),
            (99_960, "100kB"),
            (999_499, "999kB"),
            (999_600, "1.00MB"),
            (12_400_000, "12.4MB"),
            (4_210_000_000, "4.21GB"),
            (u64::MAX, "18.4EB"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(|out| bytes(out, Some(value))), expected, "{value}");
        }
        assert_eq!(text(|out| bytes(out, None)), "-");
    }

    #[test]
    fn rates_have_a_unit_in_bits_and_bytes() {
        let per_sec = |value, unit| text(|out| rate(out, value, unit));
        assert_eq!(per_sec(Some(0), RateUnit::Bytes), "0B/s");
        assert_eq!(per_sec(Some(210_000), RateUnit::Bytes), "210kB/s");
        assert_eq!(per_sec(Some(210_000), RateUnit::Bits), "1.68Mbit/s");
        assert_eq!(per_sec(Some(u64::MAX), RateUnit::Bits), "148Ebit/s");
        assert_eq!(per_sec(None, RateUnit::Bits), "-");
    }

    #[test]
    fn round_trips_have_three_digits() {
        let micros = |value| text(|out| latency(out, value));
        for (value, expected) in [
            (0, "0µs"),
            (860, "860µs"),
            (999, "999µs"),
            (1_000, "1.00ms"),
            (9_996, "10.0ms"),
            (12_345, "12.3ms"),
            (999_499, "999ms"),
            (999_500, "1.00s"),
            (1_240_000, "1.24s"),
            (u32::MAX, "4295s"),
        ] {
            assert_eq!(micros(Some(value)), expected);
        }
        assert_eq!(micros(None), "-");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (count, expected) in [(0, "0"), (999, "999"), (1000, "1,000")] {
            assert_eq!(text(|out| grouped(out, count)), expected);
        }
        assert_eq!(text(|out| grouped(out, 12_345_678)), "12,345,678");
    }

    #[test]
    fn two_units_of_time() {
        let span = |secs| text(|out| duration(out, Duration::from_secs(secs)));
        assert_eq!(span(59), "59s");
        assert_eq!(span(60), "1m00s");
        assert_eq!(span(7_440), "2h04m");
        assert_eq!(span(47 * 3600), "1d23h");
        assert_eq!(span(400 * 86_400), "400d00h");
        let short = |micros| text(|out| super::span(out, Duration::from_micros(micros)));
        assert_eq!(short(12_345), "12.3ms");
        assert_eq!(short(59_000_000), "59.0s");
        assert_eq!(short(124_000_000), "2m04s");
        let age = text(|out| age(out, Age::AtLeast(Duration::from_secs(9))));
        assert_eq!(age, ">9s");
    }
}
