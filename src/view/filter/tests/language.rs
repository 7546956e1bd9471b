//! The language as people write it: free text, keys, comparisons, and, or, not.

use super::*;

#[test]
fn free_text_is_a_part_of_any_text() {
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
fn keys_read_what_they_say() {
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
fn comparisons_have_units() {
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
fn and_binds_tighter_than_or() {
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
fn regular_expressions() {
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
fn networks_of_both_families() {
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
