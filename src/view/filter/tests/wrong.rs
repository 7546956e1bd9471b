//! Wrong filters: the place, the message, and the bounds.

use super::*;

/// Wrong filters, the place as it is underlined, and a part of the message.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "port:99999",
        "99999",
        "no port, they are numbers from 0 to 65535",
    ),
    ("tcp prot:udp", "prot", "did you mean `proto`?"),
    ("http://example.com", "http", "in quotes"),
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
