//! Values of options: read, checked, and explained if they are wrong.

use std::num::NonZeroU32;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::invocation::ServiceName;
use crate::enrich::dns::Lookup;
use crate::flow::{Family, Group, Protocol};
use crate::output::Format;
use crate::view::column::Choice;
use crate::view::field::{self, FIELDS, Field};
use crate::view::group::{GroupColumn, Grouping, Widths};
use crate::view::sort::{Sort, SortKey};
use crate::view::units::Tiers;

/// Fields by name, none of them twice.
#[derive(Clone, Debug)]
pub(super) struct FieldList(pub(super) Vec<&'static Field>);

/// Seconds from 0.1 to 3600, fractions allowed.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        // The range leaves out what is no number, too.
        .filter(|secs| (0.1..=3600.0).contains(secs))
        .and_then(|secs| Duration::try_from_secs_f64(secs).ok())
        .ok_or_else(|| "give seconds from 0.1 to 3600, such as 0.5".into())
}

/// A service: its port or name, and its protocol if that is not TCP.
pub(super) fn service(text: &str) -> Result<ServiceName, String> {
    let (port, proto) = text.split_once('/').unwrap_or((text, "tcp"));
    let known = [
        Protocol::TCP,
        Protocol::UDP,
        Protocol::UDPLITE,
        Protocol::SCTP,
        Protocol::DCCP,
    ];
    let proto = known.into_iter().find(|known| known.name() == Some(proto));
    let is_number = port.bytes().all(|b| b.is_ascii_digit());
    let is_port = !is_number || port.parse::<u16>().is_ok_and(|port| port > 0);
    proto
        .filter(|_| !port.is_empty() && is_port)
        .map(|proto| ServiceName {
            port: port.to_owned(),
            proto,
        })
        .ok_or_else(|| {
            "give a port from 1 to 65535 or its name, such as 2049, nfs or 53/udp".into()
        })
}

/// Widths of the subnets of IPv4 and IPv6: `24,64`, or of IPv4 alone.
pub(super) fn subnet(text: &str) -> Result<Widths, String> {
    let usual = Widths::default();
    let (v4, v6) = text.split_once(',').unwrap_or((text, ""));
    let number = |text: &str, usual: u8| match text.trim().trim_start_matches('/') {
        "" => Some(usual),
        digits => digits.parse().ok(),
    };
    number(v4, usual.bits(Family::Ipv4))
        .zip(number(v6, usual.bits(Family::Ipv6)))
        .and_then(|(v4, v6)| Widths::new(v4, v6))
        .ok_or_else(|| "give bits of IPv4 and IPv6, such as 24,64".into())
}

/// A number of samples.
pub(super) fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse()
        .map_err(|_| format!("give a whole number from 1 to {}", u32::MAX))
}

/// A number of flows to keep.
pub(super) fn flows(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|flows| *flows <= 1_000_000);
    number.ok_or_else(|| "give a whole number from 0 to 1000000".into())
}

/// Bytes, with `k` for KiB and `M` for MiB; 4 KiB to 1 GiB, which is what
/// `SO_RCVBUFFORCE` can double in an `int`.
pub(super) fn size(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 10),
        Some(b'm' | b'M') => (&text[..text.len() - 1], 20),
        _ => (text, 0),
    };
    digits
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|bytes| (4 << 10..=1 << 30).contains(bytes))
        .ok_or_else(|| "give bytes from 4k to 1024M, such as 32M".into())
}

/// Two rates in bytes per second, the lower one first: `10k,1M`.
pub(super) fn tiers(text: &str) -> Result<Tiers, String> {
    let rate = |text: &str| {
        let text = text.trim();
        let (digits, factor) = match text.as_bytes().last()? {
            b'k' | b'K' => (&text[..text.len() - 1], 1_000),
            b'M' => (&text[..text.len() - 1], 1_000_000),
            b'G' => (&text[..text.len() - 1], 1_000_000_000),
            _ => (text, 1),
        };
        digits.parse::<u64>().ok()?.checked_mul(factor)
    };
    let rates = text.split_once(',');
    rates
        .and_then(|(mid, high)| rate(mid).zip(rate(high)))
        .filter(|(mid, high)| (1..*high).contains(mid))
        .map(|(mid_bytes_per_sec, high_bytes_per_sec)| Tiers {
            mid_bytes_per_sec,
            high_bytes_per_sec,
        })
        .ok_or_else(|| {
            "give two rates in bytes per second, the lower one first, such as 10k,1M".into()
        })
}

/// Reads one of some names, which the completions of shells know then.
pub(super) fn named<T: Clone + Send + Sync + 'static>(
    names: impl Into<PossibleValuesParser>,
    read: fn(&str) -> Result<T, String>,
) -> impl TypedValueParser<Value = T> {
    names.into().try_map(move |name| read(&name))
}

/// A format by name.
pub(super) fn format(text: &str) -> Result<Format, String> {
    Format::ALL
        .into_iter()
        .find(|format| format.name() == text)
        .ok_or_else(|| format!("give {}", Format::ALL.map(Format::name).join(", ")))
}

/// Who looks names up.
pub(super) fn lookup(text: &str) -> Result<Lookup, String> {
    match text {
        "dns" => Ok(Lookup::Dns),
        "system" => Ok(Lookup::System),
        _ => Err("give dns or system".into()),
    }
}

/// Fields by name, separated by commas.
pub(super) fn fields(text: &str) -> Result<FieldList, String> {
    let mut list: Vec<&'static Field> = Vec::new();
    for key in text.split(',').map(str::trim) {
        let field = field::find(key).ok_or_else(|| {
            format!(
                "`{}` is no field{}; `flowtop fields` lists all",
                key.escape_debug(),
                nearest(key, FIELDS.iter().map(|field| field.key)),
            )
        })?;
        if list.contains(&field) {
            return Err(format!("`{key}` is named twice"));
        }
        list.push(field);
    }
    Ok(FieldList(list))
}

/// Columns by name; none are the usual ones.
pub(super) fn columns(text: &str) -> Result<Choice, String> {
    match text {
        "" => Ok(Choice::default()),
        text => Choice::parse(text),
    }
}

/// By what flows are put together.
pub(super) fn grouping(text: &str) -> Result<Grouping, String> {
    Grouping::named(text).ok_or_else(|| {
        format!(
            "flows are not put together by `{}`{}",
            text.escape_debug(),
            nearest(text, Grouping::names())
        )
    })
}

/// What a text means where flows are sorted, and where groups are.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    flows: Result<Sort, String>,
    groups: Result<Sort, String>,
}

impl Sorting {
    /// The order of groups, or else of flows.
    pub(super) fn of(self, groups: bool) -> Result<Sort, String> {
        if groups { self.groups } else { self.flows }
    }
}

/// A field or a column by name, of flows or of groups, and which way: `:asc` or
/// `:desc`.
pub(super) fn sorting(text: &str) -> Result<Sorting, String> {
    let (flows, groups) = (sort(text), group_sort(text));
    match (flows, groups) {
        (Err(problem), Err(_)) => Err(problem),
        (flows, groups) => Ok(Sorting { flows, groups }),
    }
}

fn sort(text: &str) -> Result<Sort, String> {
    directed(text, |name| {
        SortKey::named(name).ok_or_else(|| {
            format!(
                "`{}` is no field and no column{}; `flowtop fields` lists fields",
                name.escape_debug(),
                nearest(name, SortKey::names())
            )
        })
    })
}

/// The order of groups that is usual, by its name.
const RATE: &str = "rate";

fn group_sort(text: &str) -> Result<Sort, String> {
    directed(text, |name| {
        if name == RATE {
            return Ok(SortKey::Usual);
        }
        let column = GroupColumn::named(name).map(SortKey::Group);
        column.ok_or_else(|| {
            format!(
                "groups are not sorted by `{}`{}",
                name.escape_debug(),
                nearest(name, GroupColumn::names().chain([RATE]))
            )
        })
    })
}

/// An order by a key with a name, and maybe a way.
fn directed(text: &str, key: impl Fn(&str) -> Result<SortKey, String>) -> Result<Sort, String> {
    let (name, descending) = match text.rsplit_once(':') {
        Some((name, "asc")) => (name, Some(false)),
        Some((name, "desc")) => (name, Some(true)),
        Some((_, way)) => {
            let way = way.escape_debug();
            return Err(format!("`{way}` is no way to sort, give asc or desc"));
        }
        None => (text, None),
    };
    let usual = key(name)?.sort();
    Ok(Sort {
        descending: descending.unwrap_or(usual.descending),
        ..usual
    })
}

/// One of the values of an option by name.
pub(super) fn choice<T: ValueEnum>(text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let all = T::value_variants().iter().filter_map(T::to_possible_value);
        let all: Vec<_> = all.map(|value| value.get_name().to_owned()).collect();
        format!("give {}", all.join(", "))
    })
}

/// A family by the name of its flag.
pub(super) fn family(text: &str) -> Result<Family, String> {
    match text {
        "ipv4" => Ok(Family::Ipv4),
        "ipv6" => Ok(Family::Ipv6),
        _ => Err("give ipv4, ipv6".into()),
    }
}

/// Protocols by the name of their flag.
pub(super) fn groups(text: &str) -> Result<&'static [Group], String> {
    const NAMES: [(&str, &[Group]); 7] = [
        ("tcp", &[Group::Tcp]),
        ("udp", &[Group::Udp]),
        ("dccp", &[Group::Dccp]),
        ("icmp", &[Group::Icmp]),
        ("sctp", &[Group::Sctp]),
        ("other", &[Group::Other]),
        ("all", &Group::ALL),
    ];
    NAMES
        .iter()
        .find(|(name, _)| *name == text)
        .map(|(_, groups)| *groups)
        .ok_or_else(|| format!("give {}", NAMES.map(|(name, _)| name).join(", ")))
}

/// How like a text a name is that could be meant, by Jaro and Winkler. Below,
/// a letter or two in common are enough.
const ALIKE: f64 = 0.75;

/// The name most like a text, as the end of a message: one that holds it as a
/// word, else by spelling. Nothing if none is like it: a hint that is far
/// off sends people the wrong way.
pub(super) fn nearest<'a>(text: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let text = text.to_ascii_lowercase();
    let holds = |name: &&str| name.split(['_', '-']).any(|word| word == text);
    let by_word = names.clone().find(holds);
    let likeness = |name: &'a str| (strsim::jaro_winkler(name, &text), name);
    // A single letter is like whatever begins with it.
    let alike = names.map(likeness).filter(|_| text.chars().count() > 1);
    let by_spelling = alike
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let near = by_word.or_else(|| Some(by_spelling?.1));
    near.map_or_else(String::new, |name| format!(", the nearest is `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_nothing_gets_no_hint() {
        let keys = ["color", "zone", "forwarded", "bits"];
        assert_eq!(nearest("foo", keys.into_iter()), "");
        assert_eq!(nearest("x", ["max-closed"].into_iter()), "");
        assert!(
            grouping("hosst")
                .unwrap_err()
                .ends_with(", the nearest is `hosts`")
        );
        for told in [
            grouping("foo").unwrap_err(),
            sorting("foo").unwrap_err(),
            fields("foo").unwrap_err(),
            columns("foo").unwrap_err(),
        ] {
            assert!(!told.contains("nearest"), "{told}");
            assert!(told.contains("`foo`"), "{told}");
        }
    }

    #[test]
    fn intervals_are_numbers_in_range() {
        for (text, millis) in [
            ("0.1", 100),
            ("1", 1000),
            ("2.5", 2500),
            ("3600", 3_600_000),
        ] {
            assert_eq!(interval(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "", "0", "0.09", "3600.1", "-1", "abc", "inf", "nan", "1s", "1,5",
        ] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn services_are_ports_or_names_of_a_protocol() {
        for (text, port, proto) in [
            ("2049", "2049", Protocol::TCP),
            ("nfs", "nfs", Protocol::TCP),
            ("53/udp", "53", Protocol::UDP),
            ("http-alt/tcp", "http-alt", Protocol::TCP),
        ] {
            let port = port.to_owned();
            assert_eq!(service(text), Ok(ServiceName { port, proto }), "{text}");
        }
        for text in ["", "0", "65536", "/udp", "53/icmp", "53/", "53/UDP"] {
            assert!(service(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_have_suffixes_and_limits() {
        for (text, bytes) in [
            ("4096", 4096),
            ("4k", 4096),
            ("4K", 4096),
            ("2m", 2 << 20),
            ("1024M", 1 << 30),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "k",
            "4095",
            "1025M",
            "-1",
            "16G",
            "é",
            "99999999999999999999M",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_order_is_a_key_and_a_way() {
        let told = |text| sort(text).map(|sort| (sort.key, sort.descending));
        let field = |key| field::find(key).map(SortKey::Field).unwrap();
        assert_eq!(told("orig_bytes"), Ok((field("orig_bytes"), true)));
        assert_eq!(told("orig_bytes:asc"), Ok((field("orig_bytes"), false)));
        assert_eq!(told("process"), Ok((field("process"), false)));
        assert_eq!(told("start"), Ok((field("start"), true)));
        let rate = SortKey::named("down_rate").unwrap();
        assert!(matches!(rate, SortKey::Column(_)));
        assert_eq!(told("down_rate"), Ok((rate, true)));
        let wrong = |text| sort(text).unwrap_err();
        assert!(wrong("rtt_use").contains("the nearest is `rtt_us`"));
        assert!(wrong("down_rat").contains("the nearest is `down_rate`"));
        assert!(wrong("age:up").contains("`up` is no way to sort"));
        assert!(wrong("").contains("is no field"));
    }

    #[test]
    fn the_nearest_field_is_one_that_could_be_meant() {
        for (text, key) in [
            ("src", "orig_src"),
            ("DPORT", "orig_dport"),
            ("protocol", "proto"),
            ("orig_sorc", "orig_src"),
            ("duration", "duration_secs"),
            ("reply_byte", "reply_bytes"),
        ] {
            let keys = FIELDS.iter().map(|field| field.key);
            let told = format!(", the nearest is `{key}`");
            assert_eq!(nearest(text, keys), told, "{text}");
        }
    }
}
