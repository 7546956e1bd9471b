//! Values of keys: read by the sort of the key, and written so that they are
//! read as the same again.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::{nearest, quoted};
use super::key::{Sort, Words, protocols};
use crate::enrich::geoip::CountryCode;
use crate::flow::Protocol;

/// A network; one address is a network of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Net {
    /// The bits of the network, and how many of them count.
    V4(u32, u8),
    /// The same for IPv6.
    V6(u128, u8),
}

impl Net {
    /// The network of `address` of which `bits` count; `None` if it has not so
    /// many.
    pub(super) fn new(address: IpAddr, bits: u8) -> Option<Self> {
        match address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits.into())?);
                Some(Self::V4(ip.to_bits() & mask.unwrap_or(0), bits))
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits.into())?);
                Some(Self::V6(ip.to_bits() & mask.unwrap_or(0), bits))
            }
        }
    }

    /// One address. An IPv4 address within IPv6 is an IPv4 address.
    pub(super) fn one(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.to_bits(), 32),
            IpAddr::V6(ip) => Self::V6(ip.to_bits(), 128),
        }
    }

    /// Whether an address belongs to it.
    pub(super) const fn holds(self, address: IpAddr) -> bool {
        match (self, address) {
            (Self::V4(net, bits), IpAddr::V4(ip)) => {
                bits == 0 || (ip.to_bits() ^ net) >> (32 - bits) == 0
            }
            (Self::V6(net, bits), IpAddr::V6(ip)) => {
                bits == 0 || (ip.to_bits() ^ net) >> (128 - bits) == 0
            }
            _ => false,
        }
    }

    /// An address, or a network in CIDR notation. `None` if it looks like
    /// neither.
    pub(super) fn parse(text: &str) -> Option<Result<Self, String>> {
        if let Some((address, bits)) = text.split_once('/') {
            let net = || {
                let address: IpAddr = address.parse().ok()?;
                let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
                Self::new(address, bits.parse().ok().filter(|_| digits)?)
            };
            return Some(net().ok_or_else(|| {
                format!(
                    "{} is no network, write 10.0.0.0/8 or fd00::/8",
                    quoted(text)
                )
            }));
        }
        if let Ok(address) = text.parse() {
            return Some(Ok(Self::one(address)));
        }
        let is_dotted = text.split('.').count() == 4
            && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && !text.ends_with('.');
        let is_colons =
            text.contains(':') && !text.bytes().all(|b| b == b':' || b.is_ascii_hexdigit());
        (is_dotted || is_colons).then(|| Err(format!("{} is no IP address", quoted(text))))
    }

    /// The first one, two or three bytes of IPv4 addresses, as tcpdump takes
    /// them: `10.1` is `10.1.0.0/16`.
    fn parse_bytes(text: &str) -> Option<Self> {
        let mut bytes = [0; 4];
        let mut count: u8 = 0;
        for part in text.split('.') {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            *bytes.get_mut(usize::from(count)).filter(|_| plain)? = part.parse().ok()?;
            count += 1;
        }
        Self::new(Ipv4Addr::from(bytes).into(), count * 8)
    }
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::V4(net, 32) => write!(f, "{}", Ipv4Addr::from_bits(net)),
            Self::V4(net, bits) => write!(f, "{}/{bits}", Ipv4Addr::from_bits(net)),
            Self::V6(net, 128) => write!(f, "{}", Ipv6Addr::from_bits(net)),
            Self::V6(net, bits) => write!(f, "{}/{bits}", Ipv6Addr::from_bits(net)),
        }
    }
}

/// One value of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Any value, as long as it is known.
    Known,
    /// From the first to the second, both included, in units of the sort.
    Range(u64, u64),
    /// An address within.
    Net(Net),
    Protocol(Protocol),
    /// A word of a list.
    Word(&'static str),
    /// A text.
    Literal(String),
    /// A text with `*` for anything.
    Glob(String),
}

impl Item {
    /// Reads a value of a key. In quotes everything is a text and no sign has a
    /// meaning.
    ///
    /// # Errors
    /// What is wrong and what would be right, without the place.
    pub(super) fn parse(sort: Sort, text: &str, in_quotes: bool) -> Result<Self, String> {
        if text == "*" && !in_quotes {
            return Ok(Self::Known);
        }
        if text.is_empty() {
            return Err("an empty text is in every other, write what to look for".into());
        }
        if text.starts_with('!') && !in_quotes {
            return Err(format!(
                "{} begins with !, which goes before the key, as in !country:US; in quotes it is \
                 a text",
                quoted(text)
            ));
        }
        match sort {
            Sort::Text | Sort::Name => Ok(Self::text(text, in_quotes)),
            Sort::Host => match Net::parse(text).filter(|_| !in_quotes) {
                Some(net) => Ok(Self::Net(net?)),
                None => Ok(Self::text(text, in_quotes)),
            },
            Sort::Country if text.chars().count() > 2 => Ok(Self::text(text, in_quotes)),
            Sort::System if Self::system(text).is_none() || in_quotes => {
                Ok(Self::text(text, in_quotes))
            }
            _ if in_quotes => Err(format!("{} needs no quotes here", quoted(text))),
            Sort::Net => Net::parse(text)
                .or_else(|| Net::parse_bytes(text).map(Ok))
                .unwrap_or_else(|| {
                    let shown = quoted(text);
                    Err(format!(
                        "{shown} is no network, write 10.0.0.0/8, 10 or fd00::/8"
                    ))
                })
                .map(Self::Net),
            Sort::Country | Sort::CountryCode => country(text),
            Sort::Protocol => protocol(text),
            Sort::Words(words) => word(words, text),
            Sort::System | Sort::SystemNumber => Self::system(text).ok_or_else(|| {
                let shown = quoted(text);
                format!("{shown} is no autonomous system, write its number: 15169 or AS15169")
            }),
            Sort::Time => time(text),
            Sort::Port | Sort::Integer | Sort::Count | Sort::Bytes | Sort::Rate | Sort::Span(_) => {
                range(sort, text)
            }
        }
    }

    fn text(text: &str, in_quotes: bool) -> Self {
        if text.contains('*') && !in_quotes {
            Self::Glob(text.into())
        } else {
            Self::Literal(text.into())
        }
    }

    /// Whether it is the code of a country, if it is a country at all.
    pub(super) fn is_code(&self) -> bool {
        matches!(self, Self::Literal(text) if text.len() == 2)
    }

    fn system(text: &str) -> Option<Self> {
        let prefix = text.get(..2).filter(|p| p.eq_ignore_ascii_case("as"));
        let digits = prefix.map_or(text, |prefix| &text[prefix.len()..]);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|_| plain)?;
        Some(Self::Range(number.into(), number.into()))
    }

    /// Writes it so that [`parse`](Self::parse) reads the same.
    pub(super) fn print(&self, sort: Sort) -> String {
        match self {
            Self::Known => "*".into(),
            Self::Net(net) => net.to_string(),
            Self::Protocol(proto) => proto.to_string(),
            Self::Word(word) => (*word).into(),
            Self::Glob(text) | Self::Literal(text) => text.clone(),
            Self::Range(from, to) if sort == Sort::Time => print_time(*from, *to),
            Self::Range(from, to) if from == to => print_number(sort, *from),
            Self::Range(from, to) => {
                format!("{}-{}", print_number(sort, *from), print_number(sort, *to))
            }
        }
    }
}

fn country(text: &str) -> Result<Item, String> {
    let code = CountryCode::parse(text).filter(|code| code.name().is_some());
    code.map(|code| Item::Literal(code.as_str().into()))
        .ok_or_else(|| {
            let shown = quoted(text);
            format!("{shown} is no country, write a code of ISO 3166-1 such as DE or US")
        })
}

fn protocol(text: &str) -> Result<Item, String> {
    // tcpdump wants a backslash before names that are its own words.
    let name = text.strip_prefix('\\').unwrap_or(text).to_ascii_lowercase();
    let name = match name.as_str() {
        "icmp6" | "ipv6-icmp" => "icmpv6",
        other => other,
    };
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return name
            .parse()
            .map(|number| Item::Protocol(Protocol(number)))
            .map_err(|_| format!("{} is no protocol, their numbers end at 255", quoted(text)));
    }
    let known = protocols().find(|(_, known)| *known == name);
    known
        .map(|(proto, _)| Item::Protocol(proto))
        .ok_or_else(|| {
            let hint = match nearest(name, protocols().map(|(_, name)| name)) {
                Some(near) => format!("did you mean {near}?"),
                None => "write a name such as tcp, or a number".into(),
            };
            format!("{} is no protocol; {hint}", quoted(text))
        })
}

fn word(words: Words, text: &str) -> Result<Item, String> {
    let list = words.list();
    let wanted = text.to_ascii_lowercase().replace('-', "_");
    if let Some(word) = list.iter().find(|word| **word == wanted) {
        return Ok(Item::Word(word));
    }
    if wanted.contains('*') {
        let glob = super::text::Test::glob(&wanted);
        if list.iter().any(|word| glob.holds(word)) {
            return Ok(Item::Glob(wanted));
        }
    }
    Err(match nearest(&wanted, list.iter().copied()) {
        Some(near) if list.len() > 6 => {
            format!(
                "{} is not among its values; did you mean {near}?",
                quoted(text)
            )
        }
        _ if list.len() > 6 => format!(
            "{} is not among its values: {}",
            quoted(text),
            list.join(", ")
        ),
        _ => format!("{} is none of {}", quoted(text), list.join(", ")),
    })
}

/// A number, or two with `-` between them.
fn range(sort: Sort, text: &str) -> Result<Item, String> {
    match text.split_once('-') {
        None => {
            let number = number(sort, text)?;
            Ok(Item::Range(number, number))
        }
        Some((from, to)) => {
            if from.is_empty() || to.is_empty() {
                return Err(
                    "a range has two ends, as in 1000-2000; else compare with >= or <=".into(),
                );
            }
            let (from_number, to_number) = (number(sort, from)?, number(sort, to)?);
            if from_number > to_number {
                return Err(format!(
                    "this range ends before it begins, write {to}-{from}"
                ));
            }
            Ok(Item::Range(from_number, to_number))
        }
    }
}

/// A number of a sort, in its unit.
pub(super) fn number(sort: Sort, text: &str) -> Result<u64, String> {
    let shown = quoted(text);
    match sort {
        Sort::Port => {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            let port: Option<u16> = text.parse().ok().filter(|_| digits);
            port.map(u64::from)
                .ok_or_else(|| format!("{shown} is no port, they are numbers from 0 to 65535"))
        }
        Sort::Integer => {
            let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u64::from_str_radix(hex, 16).ok()
                }
                _ if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
                _ => None,
            };
            number.ok_or_else(|| format!("{shown} is no whole number, write 42 or 0x2a"))
        }
        Sort::Count => measure(text, &[("", 1)])
            .ok_or_else(|| format!("{shown} is no count, write 500, 20k or 1M")),
        Sort::Bytes => measure(text, &[("B", 1), ("", 1)])
            .ok_or_else(|| format!("{shown} is no amount of data, write 500, 20k, 1.5M or 2GiB")),
        Sort::Rate => {
            let units = [
                ("bit/s", 1),
                ("bits", 1),
                ("bit", 1),
                ("bps", 1),
                ("B/s", 8),
                ("B", 8),
                ("/s", 8),
                ("", 8),
            ];
            measure(text, &units).ok_or_else(|| {
                format!("{shown} is no rate, write bytes per second (20k, 1.5M) or 10Mbit")
            })
        }
        Sort::Span(bare) => span(text, bare),
        Sort::SystemNumber | Sort::System => match Item::system(text) {
            Some(Item::Range(number, _)) => Ok(number),
            _ => Err(format!("{shown} is no autonomous system, write its number")),
        },
        _ => Err(format!("{shown} is no number")),
    }
}

/// Decimal and binary prefixes.
const PREFIXES: [(&str, u64); 10] = [
    ("ki", 1 << 10),
    ("mi", 1 << 20),
    ("gi", 1 << 30),
    ("ti", 1 << 40),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("t", 1_000_000_000_000),
    ("p", 1_000_000_000_000_000),
    ("", 1),
];

/// A number with a prefix and one of these units. `None` if it is none, or is
/// no whole number of the smallest unit.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (digits, suffix) = text.split_at(end.unwrap_or(text.len()));
    let (prefix, unit) = units
        .iter()
        .find_map(|(unit, size)| Some((suffix.strip_suffix(unit)?, *size)))?;
    let prefix = prefix.to_ascii_lowercase();
    let (_, scale) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    scaled(digits, scale.checked_mul(unit)?)
}

/// `digits`, which may have a fraction, times `scale`, if that is whole.
fn scaled(digits: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let numeric = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(fraction) || digits.ends_with('.') {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let power = 10_u128.checked_pow(fraction.len().try_into().ok()?)?;
    let all: u128 = format!("{whole}{fraction}").parse().ok()?;
    let product = all.checked_mul(scale.into())?;
    (product.is_multiple_of(power)).then_some(())?;
    u64::try_from(product / power).ok()
}

/// Units of time in nanoseconds, the largest first.
const SPANS: [(&str, u64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A time span: `90s`, `1.5h`, `1h30m`.
fn span(text: &str, bare: Option<u64>) -> Result<u64, String> {
    let wrong = || {
        let shown = quoted(text);
        match bare {
            Some(_) => format!("{shown} is no time span, write 90s, 5m, 1h30m, 2d or 50ms"),
            None => format!("{shown} is no time span with its unit, write 50ms, 200us or 1.5s"),
        }
    };
    let mut total: u64 = 0;
    let mut rest = text;
    let mut largest = u64::MAX;
    while !rest.is_empty() {
        let digits_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (digits, tail) = rest.split_at(digits_end.unwrap_or(rest.len()));
        let unit_end = tail.find(|c: char| !c.is_alphabetic());
        let (unit, tail) = tail.split_at(unit_end.unwrap_or(tail.len()));
        let unit = match unit.to_lowercase().as_str() {
            "" if rest == text => bare,
            "min" => Some(60_000_000_000),
            "µs" | "μs" => Some(1_000),
            unit => SPANS.iter().find(|(name, _)| *name == unit).map(|s| s.1),
        };
        // Every unit once, from the largest down.
        let unit = unit.filter(|unit| *unit < largest).ok_or_else(wrong)?;
        largest = unit;
        let part = scaled(digits, unit).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = tail;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// Writes a number of a sort with the largest unit that leaves it whole.
pub(super) fn print_number(sort: Sort, number: u64) -> String {
    let prefixed = |number: u64, unit: &str| {
        let decimal = ["P", "T", "G", "M", "k"];
        let scales = (1..=5).rev().map(|power| 1000_u64.pow(power));
        let found = decimal
            .iter()
            .zip(scales)
            .find(|(_, scale)| number > 0 && number.is_multiple_of(*scale));
        match found {
            Some((prefix, scale)) => format!("{}{prefix}{unit}", number / scale),
            None => format!("{number}{unit}"),
        }
    };
    match sort {
        Sort::Count | Sort::Bytes => prefixed(number, ""),
        Sort::Rate if number.is_multiple_of(8) => prefixed(number / 8, ""),
        Sort::Rate => prefixed(number, "bit"),
        Sort::Span(_) => {
            let fits = |(_, size): &&(&str, u64)| number > 0 && number.is_multiple_of(*size);
            match SPANS.iter().find(fits) {
                Some((unit, size)) => format!("{}{unit}", number / size),
                None => "0s".into(),
            }
        }
        _ => number.to_string(),
    }
}

const DAY_NS: u64 = 86_400_000_000_000;

/// A date, which is a day in UTC, or an instant.
fn time(text: &str) -> Result<Item, String> {
    let ns = |at: Timestamp| u64::try_from(at.as_nanosecond()).ok();
    let day = || {
        let date: Date = text.parse().ok().filter(|_| text.len() == 10)?;
        let from = ns(date.to_zoned(TimeZone::UTC).ok()?.timestamp())?;
        Some(Item::Range(from, from.checked_add(DAY_NS - 1)?))
    };
    let instant = || {
        let at = ns(text.parse().ok()?)?;
        Some(Item::Range(at, at))
    };
    day().or_else(instant).ok_or_else(|| {
        let shown = quoted(text);
        format!("{shown} is no time, write 2026-11-21 (UTC) or 2026-11-21T08:00:00Z")
    })
}

fn print_time(from: u64, to: u64) -> String {
    let mut text = String::new();
    if let Ok(at) = Timestamp::from_nanosecond(from.into()) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{at}");
    }
    if from != to {
        text.truncate(10);
    }
    text
}
