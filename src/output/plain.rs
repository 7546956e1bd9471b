//! Values as plain text, without the formatting machinery where it would cost
//! more than the kernel takes to hand out a flow.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Date, date};

use crate::view::field::Value;

const EPOCH: Date = date(1970, 1, 1);
const SECS_PER_DAY: u64 = 86_400;

/// Writes values as text. It remembers the last date, because stamps of one
/// day differ only in the time.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// Days since 1970, and `YYYY-MM-DD` of that day.
    date: Option<(u64, [u8; 10])>,
}

impl Plain {
    /// Appends a value; nothing if it is absent. Texts are not escaped.
    pub(super) fn value(&mut self, value: Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Absent => {}
            Value::Uint(number) => uint(number, out),
            Value::Seconds(span) => seconds(span, out),
            Value::Time(ns) => self.time(ns, out),
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Address(ip) => address(ip, out),
            Value::Protocol(proto) => match proto.name() {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => uint(proto.0.into(), out),
            },
            Value::State(state) => match state.name() {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => uint(state.number().into(), out),
            },
            Value::Status(status) => {
                for (index, name) in status.names().enumerate() {
                    if index > 0 {
                        out.push(b'|');
                    }
                    out.extend_from_slice(name.as_bytes());
                }
            }
            // Writing to a Vec cannot fail.
            Value::Mac(mac) => drop(write!(out, "{mac}")),
        }
    }

    /// Appends nanoseconds since 1970 as RFC 3339 in UTC with microseconds.
    pub(super) fn time(&mut self, ns: u64, out: &mut Vec<u8>) {
        let secs = ns / 1_000_000_000;
        let day = secs / SECS_PER_DAY;
        let date = match self.date {
            Some((known, date)) if known == day => date,
            _ => {
                let date = date_of(day);
                self.date = Some((day, date));
                date
            }
        };
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        text[..10].copy_from_slice(&date);
        let in_day = secs % SECS_PER_DAY;
        digits(&mut text[11..13], in_day / 3600);
        digits(&mut text[14..16], in_day / 60 % 60);
        digits(&mut text[17..19], in_day % 60);
        digits(&mut text[20..26], ns / 1000 % 1_000_000);
        out.extend_from_slice(&text);
    }
}

/// `YYYY-MM-DD` of a day counted from 1970. 64 bits of nanoseconds end in
/// 2554, so the year has four digits.
fn date_of(day: u64) -> [u8; 10] {
    let hours = i64::try_from(day).unwrap_or(i64::MAX).saturating_mul(24);
    let date = EPOCH.saturating_add(SignedDuration::from_hours(hours));
    let mut text = *b"0000-00-00";
    digits(&mut text[..4], u64::from(date.year().unsigned_abs()));
    digits(&mut text[5..7], u64::from(date.month().unsigned_abs()));
    digits(&mut text[8..], u64::from(date.day().unsigned_abs()));
    text
}

/// Fills `text` with the last digits of `number`.
fn digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Appends a number.
pub(super) fn uint(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends seconds with three decimals, cut off.
pub(super) fn seconds(span: Duration, out: &mut Vec<u8>) {
    uint(span.as_secs(), out);
    let mut fraction = *b".000";
    digits(&mut fraction[1..], span.subsec_millis().into());
    out.extend_from_slice(&fraction);
}

/// Appends an address, IPv6 as RFC 5952 wants it.
pub(super) fn address(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => ipv4(ip, out),
        // Writing to a Vec cannot fail.
        IpAddr::V6(ip) => {
            let _ = write!(out, "{ip}");
        }
    }
}

fn ipv4(ip: Ipv4Addr, out: &mut Vec<u8>) {
    let mut text = [b'.'; 16];
    let mut len = 0;
    for octet in ip.octets() {
        if octet >= 100 {
            text[len] = b'0' + octet / 100;
            len += 1;
        }
        if octet >= 10 {
            text[len] = b'0' + octet / 10 % 10;
            len += 1;
        }
        text[len] = b'0' + octet % 10;
        // The dot is there already.
        text[len + 1] = b'.';
        len += 2;
    }
    out.extend_from_slice(&text[..len - 1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn stamps_agree_with_jiff_across_days_and_centuries() {
        let mut plain = Plain::default();
        let second = 1_000_000_000;
        let cases = [
            0,
            1,
            999,
            1_000,
            86_399 * second + 999_999_999,
            86_400 * second,
            951_782_400 * second, // 29 February 2000
            1_795_230_001_123_456_789,
            4_107_542_400 * second, // 1 March 2100, no leap year
            u64::MAX,
            1_795_230_001_123_456_789,
        ];
        for ns in cases {
            let stamp = jiff::Timestamp::from_nanosecond((ns / 1000 * 1000).into()).unwrap();
            assert_eq!(text(|out| plain.time(ns, out)), format!("{stamp:.6}"));
        }
    }

    #[test]
    fn every_octet_reads_as_the_standard_library_writes_it() {
        for octet in 0..=255 {
            let ip = Ipv4Addr::new(octet, 255 - octet, octet / 2, octet.wrapping_mul(7));
            assert_eq!(text(|out| ipv4(ip, out)), ip.to_string());
        }
    }

    #[test]
    fn spans_have_three_decimals_and_are_cut_off() {
        let span = |span| text(|out| seconds(span, out));
        assert_eq!(span(Duration::ZERO), "0.000");
        assert_eq!(span(Duration::from_micros(1_999_999)), "1.999");
        assert_eq!(span(Duration::from_millis(7_440_050)), "7440.050");
    }
}
