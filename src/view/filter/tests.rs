//! The language as people write it, and properties of all it can say.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::ast::{Expr, Order, Term, Test};
use super::eval::Told;
use super::item::{Item, Net};
use super::key::{self, Key, Sort, protocols};
use super::text::Pattern;
use super::*;
use crate::enrich::End;
use crate::enrich::geoip::{CountryCode, Location, Place};
use crate::enrich::owners::{Account, Process};
use crate::flow::{
    Counters, Direction, Key as FlowKey, L4, Moment, Origin, Pair, Protocol, Report, State, Status,
    TcpFigures, Tuple, Update,
};
use crate::table::{Flow, Table};
use crate::view::field::{Event, FIELDS, Record};
use crate::view::{Bearings, Mac, Owner, Row};

const START: Moment = Moment {
    mono_ns: 1_000_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};
/// A minute after the flows began.
const NOW: Moment = Moment {
    mono_ns: START.mono_ns + 60_000_000_000,
    real_ns: START.real_ns + 60_000_000_000,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tuple(proto: Protocol, src: &str, sport: u16, dst: &str, dport: u16) -> Tuple {
    let l4 = match proto {
        Protocol::ICMP | Protocol::ICMPV6 => L4::Icmp {
            kind: 8,
            code: 0,
            id: 7,
        },
        Protocol::GRE => L4::None,
        _ => L4::Ports {
            src: sport,
            dst: dport,
        },
    };
    Tuple::new(ip(src), ip(dst), proto, l4).unwrap()
}

/// A flow as a table has it a second before [`NOW`], with 3 MB up and 30 MB
/// down, of which 100 kB and 1 MB came in the last second.
fn flow(change: impl FnOnce(&mut Report)) -> Flow {
    let orig = tuple(Protocol::TCP, "10.0.0.2", 40_000, "203.0.113.7", 443);
    let mut report = Report::about(FlowKey { zone: 0, orig }, Origin::Dumped);
    report.start_ns = Some(START.real_ns);
    report.state = Some(State::TCP_ESTABLISHED);
    report.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::CONFIRMED);
    report.mark = Some(0x10);
    let counters = |up, down| {
        Some(Pair {
            orig: Counters {
                packets: up / 1000,
                bytes: up,
            },
            reply: Counters {
                packets: down / 1000,
                bytes: down,
            },
        })
    };
    report.counters = counters(2_900_000, 29_000_000);
    change(&mut report);
    let mut table = Table::new();
    let before = START.after(Duration::from_secs(58));
    let is_counted = report.counters.is_some();
    table.apply(&Update::Flow(report.clone()), before, &mut |_| {});
    if is_counted {
        report.counters = counters(3_000_000, 30_000_000);
    }
    let last = START.after(Duration::from_secs(59));
    table.apply(&Update::Flow(report), last, &mut |_| {});
    table.flows().next().unwrap().1.clone()
}

fn plain() -> Flow {
    flow(|_| {})
}

fn at(proto: Protocol, src: &str, sport: u16, dst: &str, dport: u16) -> Flow {
    flow(|report| {
        report.key.orig = tuple(proto, src, sport, dst, dport);
        if proto != Protocol::TCP {
            report.state = None;
        }
    })
}

fn end(name: Option<&str>, country: &str, asn: u32, org: &str) -> End {
    End {
        location: Location::Place(Place {
            country_code: CountryCode::parse(country),
            asn: std::num::NonZeroU32::new(asn),
            as_org: Some(org.into()),
            city: Some("Île-de-Ville".into()),
        }),
        name: name.map(Into::into),
    }
}

/// A browser of a user, as a socket knows it.
static OWNERS: std::sync::LazyLock<Pair<Option<Owner>>> = std::sync::LazyLock::new(|| Pair {
    orig: Some(Owner {
        process: Ok(Arc::new(Process {
            pid: 4242,
            start_ticks: 7,
            name: "firefox".into(),
            exe: Some("/usr/bin/firefox".into()),
            cmdline: Some("firefox --private".into()),
            account: Some(Arc::new(Account {
                uid: 1000,
                name: Some("ada".into()),
            })),
            parents: Vec::new(),
            cgroup: None,
        })),
        account: None,
        cgroup: None,
        figures: Some(TcpFigures {
            rtt_us: Some(52_000),
            ..TcpFigures::default()
        }),
        namespace: None,
    }),
    reply: None,
});

/// A record of a flow from a browser here to a named host in Germany.
fn record(flow: &Flow) -> Record<'_> {
    Record {
        event: Event::Sample,
        ts_ns: NOW.real_ns,
        row: Some(Row {
            since_baseline: None,
            whole_timeout: None,
            flow,
            now: NOW,
            service: Some("https"),
            ends: Pair {
                orig: End {
                    location: Location::Lan,
                    name: None,
                },
                reply: end(Some("www.example.com"), "DE", 15_169, "Example Networks"),
            },
            bearings: Bearings {
                direction: Some(Direction::Out),
                interfaces: Pair {
                    orig: None,
                    reply: Some("eth1".into()),
                },
                src_mac: Some(Mac([2, 0, 0, 0, 0, 0xab])),
            },
            owners: Some(&OWNERS),
        }),
        count: None,
    }
}

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn holds(text: &str, flow: &Flow) -> bool {
    parse(text).matches(&record(flow))
}

#[track_caller]
fn all_hold(texts: &[&str], flow: &Flow) {
    for text in texts {
        assert!(holds(text, flow), "{text}");
    }
}

#[track_caller]
fn none_hold(texts: &[&str], flow: &Flow) {
    for text in texts {
        assert!(!holds(text, flow), "{text}");
    }
}

#[test]
fn e1_e2_free_text_is_a_part_of_any_text() {
    let flow = plain();
    let texts = [
        "203.0.113",
        "10.0.0.2",
        "443",
        "40000",
        "www.EXAMPLE",
        "https",
        "tcp",
        "estab",
        "DE",
        "germany",
        "example networks",
        "\"le Net\"",
        "île-de",
        "*example.com",
        "~^www",
        "~/e.t/",
        "*",
    ];
    all_hold(&texts, &flow);
    none_hold(&["444", "10.0.0.25", "foo", "\"https www\""], &flow);
    // Bits that every flow has would make a search useless.
    none_hold(
        &[
            "seen_reply",
            "confirmed",
            "~^confirmed$",
            "xample*",
            "sample",
        ],
        &flow,
    );
}

#[test]
fn e3_keys_read_what_they_say() {
    let flow = plain();
    let texts = [
        "port:443",
        "port:40000",
        "sport:40000",
        "dport:443",
        "port=443",
        "src:10.0.0.2",
        "src:10.0",
        "dst:203.0.113.7",
        "dst:example",
        "host:www.example.com",
        "host:10.0.0.2",
        "net:10.0.0.0/8",
        "net:10",
        "net:203.0",
        "proto:tcp",
        "proto:6",
        "PROTO:TCP",
        "state:established",
        "state:est*",
        "status:assured",
        "status:seen-reply",
        "country:de",
        "country:germ",
        "cc:DE",
        "asn:15169",
        "asn:AS15169",
        "as:15169",
        "as:example",
        "service:https",
        "service:http",
        "mark:16",
        "mark:0x10",
        "zone:0",
        "name:example",
        "name=www.example.com",
        "city:ville",
        "orig_dst:203.0.113.0/24",
        "dst_country:DE",
        "family:ipv4",
        "event:sample",
        "reply_bytes:30M",
        "start:2026-11-21",
        "mark:*",
        "name:*",
        "dst_asn:15169",
        "orig_bytes>2M",
        "duration_secs>59",
        "name:\"www.example\"",
    ];
    all_hold(&texts, &flow);
    let texts = [
        "port:80",
        "sport:443",
        "dport:40000",
        "src:203.0.113.7",
        "dst:10.0.0.2",
        "proto:udp",
        "state:time_wait",
        "state:syn*",
        "status:dying",
        "country:us",
        "country:er",
        "asn:1",
        "service=http",
        "mark:0",
        "zone:1",
        "name=www",
        "nat:*",
        "net:172.16.0.0/12",
        "nat:snat",
        "helper:*",
        "family:ipv6",
        "event:new",
        "start:2026-11-20",
        "src:10.0.0.25",
        "src:*.25",
    ];
    none_hold(&texts, &flow);
}

#[test]
fn e4_comparisons_have_units() {
    let flow = plain();
    let texts = [
        "rate>1M",
        "rate=1.1M",
        "rate>=1100k",
        "rate<=8.8Mbit",
        "rate>8Mbit/s",
        "rate > 1MB/s",
        "up=100k",
        "down=1M",
        "bytes>=33M",
        "bytes<1G",
        "bytes=33MB",
        "bytes>31Mi",
        "bytes_up=3M",
        "bytes_down:30M",
        "packets=33k",
        "pkts<34k",
        "age>59s",
        "age=60",
        "age<2m",
        "age=1m",
        "age:30s-2m",
        "rate:1M-2M",
        "age<1h30m",
        "port>=443",
        "dport<1024",
        "start>2026-11-20",
        "start<=2026-11-21",
        "start<2026-11-22T00:00:00Z",
        "rate!=5",
    ];
    all_hold(&texts, &flow);
    let texts = [
        "rate>1.1M",
        "bytes>33M",
        "age>1h",
        "pkts<3",
        "age<60",
        "port<443",
        "up>100k",
        "rate:2M-3M",
        "start>2026-11-21",
        "start<2026-11-21",
        "bytes!=33M",
    ];
    none_hold(&texts, &flow);
}

#[test]
fn what_is_not_known_is_like_nothing() {
    let uncounted = flow(|report| {
        report.counters = None;
        report.mark = None;
        report.state = None;
        report.start_ns = None;
    });
    none_hold(
        &[
            "rate<1k", "rate>=0", "bytes=0", "mark:0", "state:*", "mark:*", "rate~.",
        ],
        &uncounted,
    );
    all_hold(&["!rate>=0", "bytes!=0", "!state:*", "mark!=5"], &uncounted);
    // It was first seen two seconds ago, and may be older.
    all_hold(&["age>1s", "age>=2s"], &uncounted);
    none_hold(&["age<1h", "age=2s", "age>1h", "age:1s-1h"], &uncounted);
}

#[test]
fn e5_and_binds_tighter_than_or() {
    let flow = plain();
    all_hold(
        &[
            "tcp port:443",
            "tcp and port:443",
            "tcp && port:443",
            "udp or tcp",
            "udp || tcp",
            "udp port:53 or tcp",
            "tcp or udp port:53",
            "!udp",
            "not udp",
            "-port:22",
            "!!tcp",
            "(udp or tcp) port:443",
            "!(udp or port:22)",
            "not (tcp and udp)",
            "tcp AND NOT udp",
            "",
            "  ",
            "tcp&&port:443",
            "udp||tcp",
        ],
        &flow,
    );
    none_hold(
        &[
            "tcp udp",
            "!tcp",
            "!port:443",
            "(tcp or udp) port:53",
            "not not udp",
            "!(tcp)",
        ],
        &flow,
    );
}

#[test]
fn e6_regular_expressions() {
    let flow = plain();
    all_hold(
        &[
            "name~^www",
            "name~\"^www\"",
            "name~/^WWW/",
            "dst~^203\\.",
            "(name~^(www|ftp)\\.)",
            "port~^44",
            "state~^est",
            "~/example networks/",
            "status~assured",
            "!name~^ftp",
            "name~[(]|www",
            "reply_bytes~^3",
        ],
        &flow,
    );
    none_hold(&["name~^example", "port~^43$", "~^xyzzy"], &flow);
}

#[test]
fn e7_networks_of_both_families() {
    let v6 = at(Protocol::UDP, "fd00::1", 5000, "2001:db8::53", 53);
    all_hold(
        &[
            "net:fd00::/8",
            "src:fd00::/8",
            "dst:2001:db8::/32",
            "host:2001:db8::53",
            "2001:db8::53",
            "2001:db8::/32",
            "[2001:db8::53]:53",
            "src net fd00::/8",
            "ip6",
            "net:10.0.0.0/8,fd00::/8",
            "net:::/0",
            "host:2001:db8",
        ],
        &v6,
    );
    none_hold(
        &[
            "net:10.0.0.0/8",
            "net:0.0.0.0/0",
            "dst:fd00::/8",
            "ip",
            "2001:db8::5",
        ],
        &v6,
    );
    let v4 = plain();
    all_hold(
        &[
            "10.0.0.0/8",
            "10.0.0.2",
            "203.0.113.7:443",
            "::ffff:10.0.0.2",
            "net:0.0.0.0/0",
        ],
        &v4,
    );
    none_hold(&["10.0.0.0/31", "203.0.113.7:40000", "10.0.0.3"], &v4);
    // A sign is one, unless it stands in quotes.
    assert!(Filter::parse("process:\"!ssh\"").is_ok());
    // A complete address is one, not a part of another; in quotes it is text.
    let near = at(Protocol::TCP, "10.0.0.21", 1, "192.0.2.1", 2);
    none_hold(&["10.0.0.2", "src:10.0.0.2"], &near);
    all_hold(&["\"10.0.0.2\"", "10.0.0.", "src:\"10.0.0.2\""], &near);
}

#[test]
fn translated_addresses_count_for_their_side() {
    let dnat = flow(|report| {
        report.reply = Some(tuple(
            Protocol::TCP,
            "192.168.1.10",
            8443,
            "198.51.100.1",
            61_000,
        ));
    });
    all_hold(
        &[
            "dst:192.168.1.10",
            "dst:203.0.113.7",
            "src:198.51.100.1",
            "src:10.0.0.2",
            "dport:8443",
            "sport:61000",
            "port:8443",
            "host:198.51.100.1",
            "nat:both",
            "nat:*",
            "192.168.1.10",
            "8443",
            "reply_src:192.168.1.10",
        ],
        &dnat,
    );
    none_hold(
        &["src:192.168.1.10", "sport:8443", "orig_dst:192.168.1.10"],
        &dnat,
    );
}

/// Expressions of pcap-filter(7), and their canonical form.
const TCPDUMP: &[(&str, &str)] = &[
    ("tcp", "proto:tcp"),
    ("icmp6", "proto:icmpv6"),
    ("sctp", "proto:sctp"),
    ("ip", "family:ipv4"),
    ("ip6", "family:ipv6"),
    ("host 10.0.0.1", "host:10.0.0.1"),
    ("src 10.0.0.1", "src:10.0.0.1"),
    ("src host 10.0.0.1", "src:10.0.0.1"),
    ("dst host example.com", "dst:example.com"),
    ("src or dst host 10.0.0.1", "host:10.0.0.1"),
    ("src and dst net 10", "src:10.0.0.0/8 dst:10.0.0.0/8"),
    ("net 10.0.0.0/8", "net:10.0.0.0/8"),
    ("net 192.168", "net:192.168.0.0/16"),
    ("net 10.0.0.0 mask 255.255.0.0", "net:10.0.0.0/16"),
    ("src net 10.0.0.0/8", "src:10.0.0.0/8"),
    ("port 443", "port:443"),
    ("dst port 443", "dport:443"),
    ("src or dst port 443", "port:443"),
    ("src and dst port 123", "sport:123 dport:123"),
    ("portrange 1000-2000", "port:1000-2000"),
    ("tcp port 80", "proto:tcp port:80"),
    ("not tcp port 80", "!(proto:tcp port:80)"),
    ("tcp src port 80", "proto:tcp sport:80"),
    ("udp dst portrange 1-1023", "proto:udp dport:1-1023"),
    ("ip host 10.0.0.1", "family:ipv4 host:10.0.0.1"),
    ("ip proto 47", "family:ipv4 proto:gre"),
    ("ip6 proto \\tcp", "family:ipv6 proto:tcp"),
    ("proto 47", "proto:gre"),
    ("port 80 or 443", "port:80 or port:443"),
    (
        "tcp port 80 or 443",
        "(proto:tcp port:80) or (proto:tcp port:443)",
    ),
    ("port (80 or 443)", "port:80 or port:443"),
    (
        "src host 10.0.0.1 or 10.0.0.2",
        "src:10.0.0.1 or src:10.0.0.2",
    ),
    (
        "not host 10.0.0.1 and 10.0.0.2",
        "!host:10.0.0.1 host:10.0.0.2",
    ),
    (
        "dst net (10 or 192.168)",
        "dst:10.0.0.0/8 or dst:192.168.0.0/16",
    ),
    (
        "tcp and port 443 and not host 10.0.0.1",
        "proto:tcp port:443 !host:10.0.0.1",
    ),
    (
        "tcp port 22 and (src 10.0.0.1 or src 10.0.0.2)",
        "proto:tcp port:22 (src:10.0.0.1 or src:10.0.0.2)",
    ),
    ("port http", "service=http"),
    ("udp or icmp", "proto:udp or proto:icmp"),
    ("host a and text", "host:a text"),
    ("port 80 443x", "port:80 443x"),
    ("TCP AND DST PORT 443", "proto:tcp dport:443"),
];

#[test]
fn words_of_tcpdump_mean_what_they_mean_there() {
    for (text, canonical) in TCPDUMP {
        assert_eq!(parse(text).to_string(), *canonical, "{text}");
        assert_eq!(parse(text), parse(canonical), "{text}");
    }
}

#[test]
fn a_flow_of_tcpdump_is_found_by_it() {
    let flow = plain();
    all_hold(
        &[
            "tcp and port 443 and not host 10.0.0.1",
            "src host 10.0.0.2",
            "dst net 203.0.113.0/24",
        ],
        &flow,
    );
    none_hold(
        &["src port 443", "udp port 443", "ip6", "not tcp port 443"],
        &flow,
    );
    let ping = at(Protocol::ICMP, "10.0.0.2", 0, "192.0.2.1", 0);
    all_hold(&["icmp", "ip", "proto 1", "icmp_type:8", "!port:*"], &ping);
    none_hold(&["icmp6", "port:0"], &ping);
}

#[test]
fn the_canonical_form_is_short_and_stays() {
    for (text, canonical) in [
        ("port:80,443", "port:80,443"),
        ("  tcp   and ( port:80 )", "proto:tcp port:80"),
        ("a && b || c", "(a b) or c"),
        ("a (b c) d", "a b c d"),
        ("not not a", "a"),
        ("!(a or b)", "!(a or b)"),
        ("port!=80", "!port:80"),
        ("process_x=1 or a", ""),
        ("bytes>=1000000000", "bytes>=1G"),
        ("rate>8000bit", "rate>1k"),
        ("rate>12bit", "rate>12bit"),
        ("age>90m", "age>90m"),
        ("age>60m", "age>1h"),
        ("bytes>1.5k", "bytes>1500"),
        ("pkts>1", "packets>1"),
        ("src:192.168.1.5/24", "src:192.168.1.0/24"),
        ("\"tcp\"", "\"tcp\""),
        ("\"plain\"", "plain"),
        ("'two words'", "\"two words\""),
        ("service:\"a,b\"", "service:\"a,b\""),
        ("name:'x'", "name:x"),
        ("name:\"a*\"", "name:\"a*\""),
        ("name~/a b/", "name~\"a b\""),
        ("name~/a\\/b/", "name~a/b"),
        ("country:germany,us", "country:germany,US"),
        ("start>2026-11-20", "start>=2026-11-21T00:00:00Z"),
        ("start:2026-11-20", "start:2026-11-20"),
        (
            "10.0.0.1:443",
            "(src:10.0.0.1 sport:443) or (dst:10.0.0.1 dport:443)",
        ),
        ("src:\"10.0.0.1\"", "src:\"10.0.0.1\""),
        ("zone:0x2a", "zone:42"),
    ] {
        if canonical.is_empty() {
            assert!(Filter::parse(text).is_err(), "{text}");
            continue;
        }
        assert_eq!(parse(text).to_string(), canonical, "{text}");
        assert_eq!(parse(canonical), parse(text), "{text}");
    }
}

/// Wrong filters, the place as it is underlined, and a part of the message.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "port:99999",
        "99999",
        "no port, they are numbers from 0 to 65535",
    ),
    ("tcp prot:udp", "prot", "did you mean `proto`?"),
    ("http://example.com", "http", "in quotes"),
    (
        "country:!US",
        "!US",
        "goes before the key, as in !country:US",
    ),
    ("process:ssh,!curl", "!curl", "goes before the key"),
    ("src:!10.0.0.1", "!10.0.0.1", "goes before the key"),
    ("port:", "port:", "needs a value after it, as in port:443"),
    ("port:80,", "port:80,", "needs a value"),
    ("port: and tcp", "port:", "needs a value"),
    ("port", "port", "needs a value after it, as in port 443"),
    ("src and tcp", "src", "needs a value"),
    ("tcp or", "", "a term is missing here"),
    ("tcp and )", ")", "a term is missing before"),
    ("or tcp", "or", "needs a term before it"),
    ("tcp or or udp", "or", "needs a term before it"),
    ("(tcp", "(", "not closed, add )"),
    ("tcp)", ")", "closes nothing"),
    ("()", ")", "a term is missing"),
    ("name:\"a", "\"", "not closed, add \""),
    ("name:\"a\"b", "", "a space is missing"),
    ("name~/a", "/", "not closed, add /"),
    ("name~a(b", "a(b", "unclosed group"),
    ("name~", "", "missing after `~`"),
    ("rate>fast", "fast", "no rate, write bytes per second"),
    ("rate>1.0001", "1.0001", "no rate"),
    ("age>1y", "1y", "no time span, write 90s"),
    ("age>1m1h", "1m1h", "no time span"),
    (
        "bytes>",
        "bytes>",
        "needs a value after it, as in bytes>=1G",
    ),
    ("bytes>5x", "5x", "no amount of data"),
    ("name>5", ">", "has no order"),
    ("src:10.0.0.0/33", "10.0.0.0/33", "no network"),
    ("src:10.0.0.256", "10.0.0.256", "no IP address"),
    ("10.0.0.256", "10.0.0.256", "no IP address"),
    ("10.0.0.1/99", "10.0.0.1/99", "no network"),
    ("net:foo", "foo", "no network"),
    (
        "state:establihsed",
        "establihsed",
        "did you mean established?",
    ),
    ("nat:foo", "foo", "none of snat, dnat, both"),
    ("proto:tpc", "tpc", "did you mean"),
    ("proto:300", "300", "end at 255"),
    ("country:XX", "XX", "no country"),
    ("asn:foo", "foo", "no autonomous system"),
    ("port:2000-1000", "2000-1000", "write 1000-2000"),
    ("port:1000-", "1000-", "two ends"),
    ("mark:0xfg", "0xfg", "no whole number"),
    ("start>yesterday", "yesterday", "no time, write 2026-11-21"),
    (":443", ":", "a key is missing before this sign"),
    ("dst port http", "http", "service=http"),
    ("net 10.0.0.0 mask 255.0.255.0", "255.0.255.0", "no mask"),
    ("a\u{1b}b", "\u{1b}", "control characters"),
    ("\"\"", "\"\"", "empty text"),
    ("port:\"80\"", "\"80\"", "no quotes"),
    ("!", "", "a term is missing"),
];

#[test]
fn errors_point_at_the_place_and_say_what_would_be_right() {
    for (text, place, message) in WRONG {
        let error = match Filter::parse(text) {
            Err(error) => error,
            Ok(filter) => panic!("{text} is {filter}"),
        };
        assert_eq!(&text[error.span()], *place, "{text}: {error}");
        assert!(error.message().contains(message), "{text}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a_caret_stands_under_the_place() {
    let error = Filter::parse("tcp port:99999 or x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`99999` is no port, they are numbers from 0 to 65535\n  \
         tcp port:99999 or x\n           ^^^^^"
    );
    let error = Filter::parse("tcp or").unwrap_err();
    assert!(
        error.to_string().ends_with("\n  tcp or\n        ^"),
        "{error}"
    );
    // Of a long filter only the place is shown.
    let long = format!("{} port:x {}", "a ".repeat(200), "b ".repeat(200));
    let (line, carets) = Filter::parse(&long).unwrap_err().pointed();
    assert!(line.chars().count() < 100, "{line}");
    let at = carets.chars().count() - 1;
    assert_eq!(line.chars().nth(at), Some('x'));
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&deep(50)).is_ok());
    assert!(Filter::parse(&deep(51)).is_err());
    assert!(Filter::parse(&format!("port {}", deep(51))).is_err());
    assert!(Filter::parse(&"!".repeat(4000)).is_err());
    assert_eq!(parse(&format!("{}a", "!".repeat(4000))).to_string(), "a");
    assert!(Filter::parse(&"é".repeat(2049)).is_err());
}

#[test]
fn owners_and_directions_have_short_names() {
    let flow = plain();
    all_hold(
        &[
            "process:fire",
            "process=firefox",
            "process~^fire",
            "proc:FIREFOX",
            "pid:4242",
            "user:ada",
            "rtt>50ms",
            "rtt<1s",
            "rtt_us>=52000",
            "dir:out",
            "direction:out",
            "iface:eth1",
            "iface:eth*",
            "interface_out:eth1",
            "mac:02:00:00:00:00:ab",
            "mac:*:AB",
            "src_process:firefox",
            "exe:/usr/bin/*",
            "uid:1000",
            "firefox",
            "\"--private\"",
            "\"02:00:00\"",
        ],
        &flow,
    );
    none_hold(
        &[
            "process=fire",
            "pid:42",
            "user:ad",
            "rtt>60ms",
            "dir:in",
            "iface:eth",
            "container:*",
        ],
        &flow,
    );
    let error = Filter::parse("rtt>50").unwrap_err();
    assert!(error.message().contains("with its unit"), "{error}");
}

#[test]
fn every_field_is_a_key_and_no_short_name_is_idle() {
    for field in FIELDS {
        assert!(key::find(field.key).is_some(), "{}", field.key);
    }
    for name in [
        "port",
        "sport",
        "dport",
        "src",
        "dst",
        "host",
        "net",
        "proto",
        "state",
        "status",
        "process",
        "pid",
        "user",
        "unit",
        "container",
        "country",
        "asn",
        "as",
        "service",
        "dir",
        "iface",
        "mark",
        "zone",
        "nat",
        "mac",
        "name",
        "rate",
        "bytes",
        "up",
        "down",
        "age",
        "rtt",
    ] {
        assert!(key::names().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn suggestions_are_keys_and_words_of_keys() {
    let texts = |text: &str, cursor| -> Vec<String> {
        let found = suggest(text, cursor, &saved());
        found.into_iter().map(|found| found.text).collect()
    };
    let found = texts("tcp !sp", 7);
    assert_eq!(found, ["sport:"]);
    assert_eq!(suggest("tcp !sp", 7, &saved())[0].replaces, 5..7);
    assert_eq!(texts("state:esta", 10), ["established"]);
    assert_eq!(texts("proto:tcp,ud", 12), ["udp", "udplite"]);
    assert_eq!(suggest("proto:tcp,ud", 12, &saved())[0].replaces, 10..12);
    assert_eq!(texts("nat:", 4), ["snat", "dnat", "both"]);
    assert!(texts("", 0).contains(&"port:".to_owned()));
    assert!(texts("ic", 2).contains(&"icmp".to_owned()));
    assert!(texts("port:4", 6).is_empty());
    assert!(texts("é", 1).is_empty());
    for found in suggest("", 0, &saved()) {
        assert!(found.doc.ends_with('.'), "{found:?}");
    }
}

/// A subject that counts what it is asked for.
struct Counting<'a> {
    record: Record<'a>,
    asked: &'a Cell<usize>,
}

impl Subject for Counting<'_> {
    fn flow(&self) -> Option<&Flow> {
        self.record.row.as_ref().map(|row| row.flow)
    }

    fn now(&self) -> Moment {
        NOW
    }

    fn told(&mut self, needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool {
        if needs != Needs::FLOW {
            self.asked.set(self.asked.get() + 1);
        }
        ask(&self.record)
    }
}

#[test]
fn nobody_looks_a_place_up_in_vain() {
    let flow = plain();
    for (text, expected) in [
        ("tcp port:443 src:10.0.0.0/8 state:est* rate>1k age>1s", 0),
        ("country:DE tcp port:22", 0),
        ("country:DE or tcp", 0),
        ("host:10.0.0.2", 0),
        ("orig_dst:203.0.113.7 timeout_secs>5", 0),
        ("443", 0),
        ("country:DE", 1),
        ("country:DE service:https", 2),
        ("src:10.0", 0),
        ("xyzzy", 1),
    ] {
        let asked = Cell::new(0);
        let mut subject = Counting {
            record: record(&flow),
            asked: &asked,
        };
        parse(text).holds(&mut subject);
        assert_eq!(asked.get(), expected, "{text}");
    }
    assert_eq!(parse("tcp port:443 age>1s").needs(), Needs::FLOW);
    assert_eq!(parse("country:DE").needs(), Needs::PLACES);
    assert_eq!(parse("name:lan").needs(), Needs::NAMES);
    assert_eq!(parse("text").needs(), Needs::ALL);
}

/// The value of a field, as text, whatever else it borrows.
fn said(field: &crate::view::field::Field, record: &Record<'_>) -> String {
    format!("{:?}", (field.get)(record))
}

#[test]
fn a_field_reads_no_more_than_it_needs() {
    let flow = plain();
    let full = record(&flow);
    for field in FIELDS {
        let key = key::find(field.key).unwrap();
        let filter = Filter::from(Expr::Term(Term {
            key,
            test: Test::In(vec![Item::Known]),
        }));
        let needs = filter.needs();
        let mut bare = full.clone();
        if let Some(row) = &mut bare.row {
            if !needs.has(Needs::SERVICE) {
                row.service = None;
            }
            for end in [&mut row.ends.orig, &mut row.ends.reply] {
                if !needs.has(Needs::NAMES) {
                    end.name = None;
                }
                if !needs.has(Needs::PLACES) {
                    end.location = Location::Unknown;
                }
            }
            if !needs.has(Needs::BEARINGS) {
                row.bearings = Bearings::default();
            }
            if !needs.has(Needs::OWNERS) {
                row.owners = None;
            }
        }
        assert_eq!(said(field, &full), said(field, &bare), "{}", field.key);
    }
}

#[test]
fn a_record_without_a_flow_is_told_by_its_event() {
    let lost = Record {
        event: Event::Lost,
        ts_ns: 5,
        row: None,
        count: Some(7),
    };
    assert!(parse("event:lost").matches(&lost));
    assert!(parse("count:7").matches(&lost));
    assert!(!parse("tcp").matches(&lost));
    assert!(!parse("text").matches(&lost));
    assert!(parse("event:lost").holds(&mut Told(&lost)));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9._-]{1,8}",
        "[ -~]{1,12}",
        "\\PC{1,6}".prop_filter("no control characters", |t| !t
            .chars()
            .any(char::is_control)),
        proptest::sample::select(vec![
            "tcp",
            "and",
            "port",
            "not",
            "10.0.0.1",
            "::1",
            "10.0.0.0/8",
            "-",
            "!",
            "~",
            "de",
            "AS15169",
            "15169",
            "1.2.3",
            "a:b",
            "'",
            "\"",
            "\\",
            "or",
            "src",
            "1-2",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_glob() -> impl Strategy<Value = String> {
    "[a-z0-9.]{1,4}\\*[a-z0-9.]{0,4}"
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    "[a-z ()\\[\\]|.*\\\\/\"~^$-]{1,8}".prop_filter_map("an expression", |t| Pattern::new(&t).ok())
}

fn any_net() -> impl Strategy<Value = Net> {
    let v4 = (any::<u32>(), 0..=32_u8).prop_map(|(bits, len)| (IpAddr::V4(bits.into()), len));
    let v6 = (any::<u128>(), 0..=128_u8).prop_map(|(bits, len)| (IpAddr::V6(bits.into()), len));
    prop_oneof![v4, v6].prop_map(|(ip, len)| Net::new(ip, len).unwrap())
}

/// A number that values of this sort can be.
fn any_number(sort: Sort) -> BoxedStrategy<u64> {
    match sort {
        Sort::Port => (0..=65_535_u64).boxed(),
        Sort::SystemNumber | Sort::System => (0..=u64::from(u32::MAX)).boxed(),
        // What a time stamp of jiff can hold.
        Sort::Time => (0..=i64::MAX as u64).boxed(),
        _ => prop_oneof![
            any::<u64>(),
            0..2000_u64,
            (0..2000_u64).prop_map(|n| n * 1_000_000)
        ]
        .boxed(),
    }
}

fn any_item(sort: Sort) -> BoxedStrategy<Item> {
    let range = move || {
        (any_number(sort), any_number(sort)).prop_map(move |(a, b)| {
            let (from, to) = (a.min(b), a.max(b));
            let single = matches!(sort, Sort::Time | Sort::System | Sort::SystemNumber);
            Item::Range(from, if single { from } else { to })
        })
    };
    let literal = || any_text().prop_map(Item::Literal);
    let glob = || any_glob().prop_map(Item::Glob);
    let net = || any_net().prop_map(Item::Net);
    let code = || Just(Item::Literal("DE".into()));
    let other = match sort {
        Sort::Protocol => any::<u8>()
            .prop_map(|n| Item::Protocol(Protocol(n)))
            .boxed(),
        Sort::Words(words) => proptest::sample::select(words.list())
            .prop_map(Item::Word)
            .boxed(),
        Sort::Host => prop_oneof![net(), literal(), glob()].boxed(),
        Sort::Net => net().boxed(),
        Sort::Text | Sort::Name => prop_oneof![literal(), glob()].boxed(),
        Sort::Country => prop_oneof![
            code(),
            literal().prop_filter("no code", |item| {
                matches!(item, Item::Literal(text) if text.chars().count() > 2)
            })
        ]
        .boxed(),
        Sort::CountryCode => code().boxed(),
        Sort::System => prop_oneof![range(), literal(), glob()].boxed(),
        _ => range().boxed(),
    };
    prop_oneof![1 => Just(Item::Known), 8 => other].boxed()
}

fn any_term() -> impl Strategy<Value = Expr> {
    let keys: Vec<Key> = key::names()
        .filter_map(|(name, _)| key::find(name))
        .collect();
    let orders = [Order::Less, Order::AtMost, Order::More, Order::AtLeast];
    proptest::sample::select(keys).prop_flat_map(move |key| {
        let sort = key.sort;
        let items = || proptest::collection::vec(any_item(sort), 1..4);
        let is_ordered = matches!(
            sort,
            Sort::Port
                | Sort::Integer
                | Sort::Count
                | Sort::Bytes
                | Sort::Rate
                | Sort::Span(_)
                | Sort::Time
                | Sort::SystemNumber
        );
        let mut tests = vec![
            items().prop_map(Test::In).boxed(),
            any_pattern().prop_map(Test::Like).boxed(),
        ];
        if sort.has_parts() {
            tests.push(items().prop_map(Test::Is).boxed());
        }
        if is_ordered {
            let order = proptest::sample::select(orders.to_vec());
            let compare = (order, any_number(sort));
            tests.push(compare.prop_map(|(o, n)| Test::Compare(o, n)).boxed());
        }
        proptest::strategy::Union::new(tests).prop_map(move |test| {
            Expr::Term(Term {
                key: key.clone(),
                test,
            })
        })
    })
}

/// Some saved filters, one of which holds others.
fn saved() -> Definitions {
    Definitions::new([
        ("web", "port:80,443"),
        ("half-open", "state:syn_recv or state:syn_sent"),
        ("both", "@web !@half-open"),
    ])
}

fn any_saved() -> impl Strategy<Value = Expr> {
    let names = proptest::sample::select(vec!["web", "half-open", "both"]);
    names.prop_map(|name| Expr::Saved(saved().find(name).unwrap().clone()))
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        4 => any_term(),
        2 => any_text().prop_map(|text| Expr::Text(Item::Literal(text))),
        1 => "[a-z.]{1,3}\\*[a-z.]{0,3}".prop_map(|text| Expr::Text(Item::Glob(text))),
        1 => any_pattern().prop_map(Expr::Like),
        1 => any_saved(),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let parts = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts().prop_map(Expr::all),
            parts().prop_map(Expr::any),
            inner.clone().prop_map(Expr::not),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(expr in any_expr()) {
        let text = expr.to_string();
        if text.len() <= 4096 {
            let again = parser::parse(&text, &saved());
            prop_assert_eq!(again.as_ref().map_err(|f| (&text, f)), Ok(&expr), "{}", text);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}", cursor in 0..50_usize) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(text.get(error.span()).is_some());
            prop_assert!(!error.to_string().is_empty());
        }
        suggest(&text, cursor, &saved());
    }

    #[test]
    fn no_mixture_of_words_and_signs_is_too_strange(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "tcp", "port", "port:", "80", ",", "-", "(", ")", "!", "and", "or", "not", " ", " ",
            "src", "dst", "net", "10", "/8", "\"", "~", "/", ":", "=", ">", "rate", "1M", "age",
            "host", "10.0.0.1", "*", "é", "proto", "mask", "255.0.0.0", "&&", "||", "\\", "'",
            "state:", "est", "start:", "2026-11-21", "::", "[", "]", "@", "@web",
        ]), 0..14),
    ) {
        let text = parts.concat();
        let parse = |text: &str| Filter::parse_with(text, &saved());
        match parse(&text) {
            Ok(filter) => {
                let canonical = filter.to_string();
                prop_assert_eq!(parse(&canonical), Ok(filter.clone()), "{}", canonical);
                let flow = plain();
                filter.matches(&record(&flow));
            }
            Err(error) => {
                prop_assert!(text.get(error.span()).is_some());
                let _ = error.to_string();
            }
        }
    }

    #[test]
    fn order_of_evaluation_changes_nothing(
        parts in proptest::collection::vec(any_term(), 2..4),
    ) {
        let flow = plain();
        let holds = |expr: Expr| Filter::from(expr).matches(&record(&flow));
        let each: Vec<bool> = parts.iter().map(|part| holds(part.clone())).collect();
        prop_assert_eq!(holds(Expr::all(parts.clone())), each.iter().all(|h| *h));
        prop_assert_eq!(holds(Expr::any(parts.clone())), each.iter().any(|h| *h));
        prop_assert_eq!(holds(Expr::not(parts[0].clone())), !each[0]);
    }
}

#[test]
fn protocols_are_words_by_their_names() {
    for (proto, name) in protocols().filter(|(_, name)| *name != "ipv6") {
        assert_eq!(parse(name), parse(&format!("proto:{}", proto.0)), "{name}");
    }
}

#[test]
fn filters_are_joined_and_turned_round() {
    let filter = |text: &str| Filter::parse(text).unwrap();
    let joined = |a: &str, b: &str| filter(a).and(&filter(b));
    for (a, b, both) in [
        ("", "tcp", "tcp"),
        ("tcp", "", "tcp"),
        ("tcp", "port:443", "tcp port:443"),
        ("tcp port:443", "port:443", "tcp port:443"),
        (
            "tcp or udp",
            "!state:established",
            "(tcp or udp) !state:established",
        ),
        ("tcp", "a or b", "tcp (a or b)"),
    ] {
        assert_eq!(joined(a, b), filter(both), "{a} and {b}");
    }
    for (text, turned) in [
        ("tcp", "!tcp"),
        ("!tcp", "tcp"),
        ("tcp port:443", "!(tcp port:443)"),
    ] {
        assert_eq!(filter(text).negated(), filter(turned));
    }
}

#[test]
fn a_saved_filter_stands_where_a_term_may() {
    let parse = |text: &str| Filter::parse_with(text, &saved()).map_err(|e| e.to_string());
    for (text, printed) in [
        ("@web", "@web"),
        ("  tcp and @web", "proto:tcp @web"),
        ("!@web or (@both udp)", "!@web or (@both proto:udp)"),
        ("-@half-open", "!@half-open"),
        ("not(@half-open)", "!@half-open"),
        ("port 80 or @web or 443", "port:80 or @web or 443"),
        ("\"@web\" user@1000", "\"@web\" user@1000"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
    }
    let flow = plain();
    for (text, same) in [
        ("@web", "port:80,443"),
        ("!@web", "!port:80,443"),
        ("@both", "port:80,443 !(state:syn_recv or state:syn_sent)"),
        ("@half-open tcp", "(state:syn_recv or state:syn_sent) tcp"),
    ] {
        let holds = |text: &str| parse(text).unwrap().matches(&record(&flow));
        assert_eq!(holds(text), holds(same), "{text}");
        assert_eq!(parse(text).unwrap().needs(), parse(same).unwrap().needs());
    }
    for (text, message, carets) in [
        ("tcp @wbe", "did you mean `@web`?", "      ^^^^"),
        ("@xyz", "there are @both, @half-open, @web.", "  ^^^^"),
        ("@", "the name of a saved filter is missing", "  ^"),
        ("@@web", "is no saved filter", "  ^^^^^"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert_eq!(error.lines().last(), Some(carets), "{error}");
    }
    let none = Filter::parse("@web").unwrap_err().to_string();
    assert!(
        none.contains("[filters] of flowtop.toml has none"),
        "{none}"
    );
}

#[test]
fn saved_filters_that_hold_each_other_end_somewhere() {
    let wrong = |texts: &[(String, String)]| -> Vec<(String, String)> {
        let known = Definitions::new(texts.iter().map(|(name, text)| (&**name, &**text)));
        let wrong = known.wrong();
        wrong
            .map(|(name, error)| (name.to_owned(), error.message().to_owned()))
            .collect()
    };
    let chain = |length: usize, text: &dyn Fn(usize) -> String| -> Vec<(String, String)> {
        let first = ("f00".to_owned(), "tcp".to_owned());
        let rest = (1..length).map(|i| (format!("f{i:02}"), text(i - 1)));
        std::iter::once(first).chain(rest).collect()
    };
    assert_eq!(wrong(&chain(20, &|i| format!("@f{i:02}"))), []);
    let deep = wrong(&chain(21, &|i| format!("@f{i:02}")));
    assert_eq!(deep.len(), 1);
    assert!(deep[0].1.contains("at most 20"), "{deep:?}");
    // Each twice the one before it: of 13 the last has 4096 terms.
    assert_eq!(wrong(&chain(13, &|i| format!("@f{i:02} @f{i:02}"))), []);
    let long = wrong(&chain(14, &|i| format!("@f{i:02} @f{i:02}")));
    assert!(
        long[0].1.contains("8192 terms, 4096 are the most"),
        "{long:?}"
    );
    let itself = [("a".to_owned(), "tcp @a".to_owned())];
    assert_eq!(wrong(&itself)[0].1, "it would be a part of itself: @a → @a");
}

#[test]
fn suggestions_tell_saved_filters_by_what_they_say() {
    let found = suggest("tcp !@b", 7, &saved());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "@both");
    assert_eq!(found[0].replaces, 5..7);
    assert_eq!(found[0].doc, "@web !@half-open");
    assert_eq!(suggest("@", 1, &saved()).len(), 3);
    assert_eq!(suggest("@", 1, &Definitions::default()), []);
}
