//! Keys, their short names, and what is suggested of them.

use super::*;
use crate::view::field::FIELDS;
use crate::view::filter::key::{self, protocols};

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

#[test]
fn protocols_are_words_by_their_names() {
    for (proto, name) in protocols().filter(|(_, name)| *name != "ipv6") {
        assert_eq!(parse(name), parse(&format!("proto:{}", proto.0)), "{name}");
    }
}
