//! The words of tcpdump.

use super::*;

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
