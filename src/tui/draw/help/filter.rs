//! The page of the filters: the language in a few lines, and what can be asked.

use super::{Entry, Part};
use crate::view::filter;

/// How a filter is written, by examples.
const WRITTEN: &[(&str, &str)] = &[
    (
        "web mail",
        "flows that have both words somewhere: in a name, a process, a place",
    ),
    (
        "port 443",
        "as tcpdump has it: host, net, port, src, dst, tcp, udp and so on",
    ),
    (
        "port:80,443",
        "a key, and one of these values; of texts a part is enough",
    ),
    ("user=root", "the whole of it; != is anything else"),
    (
        "rate>1M",
        "numbers with units: bytes>=1G, age>1h, rtt>50ms, rate>8Mbit",
    ),
    ("src:10/8", "an address or a network"),
    ("proc~^ssh", "a regular expression; ~word looks everywhere"),
    ("country:*", "anything, as long as it is known"),
    (
        "a or b",
        "and, or, not, ( ); ! and - before a term as well; two terms side by side must both hold",
    ),
    (
        "@name",
        "a filter that [filters] of flowtop.toml keeps under this name",
    ),
    ("\"and so\"", "in quotes everything is text"),
];

/// How to write it, then every key of the language.
pub(super) fn parts() -> Vec<Part> {
    let written = WRITTEN
        .iter()
        .map(|(label, text)| Entry::new(*label, *text));
    let keys = filter::keys().map(|(name, doc)| Entry::new(name, doc));
    vec![
        Part {
            title: "How a filter is written",
            entries: written.collect(),
        },
        Part {
            title: "What it can ask for",
            entries: keys.collect(),
        },
    ]
}
