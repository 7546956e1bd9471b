//! The words of tcpdump(1), which mean what they mean in pcap-filter(7).
//!
//! `[PROTOCOL] [src | dst | src or dst | src and dst] [host | net | port |
//! portrange] VALUE`, where a protocol alone is a term, `host` may be left out
//! after `src` and `dst`, and a bare value after such a term has the same words
//! before it: `port 80 or 443`.

use std::ops::Range;

use super::ast::{Expr, Term, Test};
use super::error::{Fault, quoted};
use super::item::{Item, Net};
use super::key::{self, Sort, protocols};
use super::parser::{Parsed, Parser};
use crate::flow::Family;

/// The words before a value.
#[derive(Clone, Debug)]
pub(super) struct Qualifier {
    /// `tcp`, as a term.
    protocol: Option<Expr>,
    side: Side,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Either,
    Both,
    Src,
    Dst,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Net,
    Port,
    Proto,
}

impl Kind {
    const fn sort(self) -> Sort {
        match self {
            Self::Host => Sort::Host,
            Self::Net => Sort::Net,
            Self::Port => Sort::Port,
            Self::Proto => Sort::Protocol,
        }
    }
}

fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "host" => Kind::Host,
        "net" => Kind::Net,
        "port" | "portrange" => Kind::Port,
        "proto" => Kind::Proto,
        _ => return None,
    })
}

fn term(name: &str, items: Vec<Item>) -> Option<Expr> {
    let key = key::find(name)?;
    let test = Test::In(items);
    Some(Expr::Term(Term { key, test }))
}

/// The protocol or the family that a word names.
fn protocol(word: &str) -> Option<Expr> {
    let family = match word {
        "ip" | "ipv4" => Some(Family::Ipv4),
        "ip6" | "ipv6" => Some(Family::Ipv6),
        _ => None,
    };
    if let Some(family) = family {
        return term("family", vec![Item::Word(family.name())]);
    }
    let name = if word == "icmp6" { "icmpv6" } else { word };
    let (proto, _) = protocols().find(|(_, known)| *known == name)?;
    term("proto", vec![Item::Protocol(proto)])
}

/// Words that stand for themselves, for completion.
pub(super) fn bare_words() -> impl Iterator<Item = &'static str> {
    ["ip", "ip6", "icmp6"]
        .into_iter()
        .chain(protocols().map(|(_, name)| name))
}

impl Qualifier {
    fn term(&self, items: &[Item]) -> Option<Expr> {
        let names: &[&str] = match (self.kind, self.side) {
            (Kind::Host, Side::Either) => &["host"],
            (Kind::Net, Side::Either) => &["net"],
            (Kind::Host | Kind::Net, Side::Src) => &["src"],
            (Kind::Host | Kind::Net, Side::Dst) => &["dst"],
            (Kind::Host | Kind::Net, Side::Both) => &["src", "dst"],
            (Kind::Port, Side::Either) => &["port"],
            (Kind::Port, Side::Src) => &["sport"],
            (Kind::Port, Side::Dst) => &["dport"],
            (Kind::Port, Side::Both) => &["sport", "dport"],
            (Kind::Proto, _) => &["proto"],
        };
        let terms: Option<Vec<Expr>> = names.iter().map(|n| term(n, items.to_vec())).collect();
        Some(Expr::all(self.protocol.clone().into_iter().chain(terms?)))
    }
}

impl Parser<'_> {
    /// The word that comes next, in lower case.
    fn next_word(&mut self) -> String {
        self.scan.skip_space();
        self.scan.clone().run().to_ascii_lowercase()
    }

    /// A bare value that has the words of the term before it.
    pub(super) fn inherited(&self, run: &str) -> Option<Expr> {
        let qualifier = self.qualifier.as_ref()?;
        let is_value = match qualifier.kind {
            Kind::Port => run.bytes().all(|b| b.is_ascii_digit() || b == b'-'),
            Kind::Host => matches!(Net::parse(run), Some(Ok(_))),
            Kind::Net => true,
            Kind::Proto => run.bytes().all(|b| b.is_ascii_digit()),
        };
        let item = Item::parse(qualifier.kind.sort(), run, false);
        qualifier.term(&[item.ok().filter(|_| is_value)?])
    }

    /// A term of tcpdump that begins with `word`, which has been read. `None`
    /// if the word is not one of its words.
    pub(super) fn primitive(&mut self, word: &str, span: &Range<usize>) -> Option<Parsed> {
        let word = word.to_ascii_lowercase();
        if let Some(protocol) = protocol(&word) {
            let next = self.next_word();
            if matches!(next.as_str(), "src" | "dst") || kind(&next).is_some() {
                self.scan.run();
                return Some(self.qualified(Some(protocol), &next, span.start));
            }
            self.qualifier = None;
            return Some(Ok(protocol));
        }
        let begins = matches!(word.as_str(), "src" | "dst") || kind(&word).is_some();
        begins.then(|| self.qualified(None, &word, span.start))
    }

    /// A term from the first word after the protocol on; that word has been
    /// read.
    fn qualified(&mut self, protocol: Option<Expr>, first: &str, start: usize) -> Parsed {
        let (side, kind) = if let Some(kind) = kind(first) {
            (Side::Either, kind)
        } else {
            let side = self.side(first);
            let next = self.next_word();
            let kind = kind(&next).filter(|kind| *kind != Kind::Proto);
            if kind.is_some() {
                self.scan.run();
            }
            (side, kind.unwrap_or(Kind::Host))
        };
        let qualifier = Qualifier {
            protocol,
            side,
            kind,
        };
        self.qualifier = Some(qualifier.clone());
        let words = self.scan.since(start).trim_end().to_owned();
        let said = start + words.len();
        self.scan.skip_space();
        if self.scan.peek() == Some('(') {
            return self.primary();
        }
        let lacking = |span| {
            let example = match kind {
                Kind::Host => "host 10.0.0.1",
                Kind::Net => "net 10.0.0.0/8",
                Kind::Port => "port 443",
                Kind::Proto => "proto gre",
            };
            let message = format!(
                "{} needs a value after it, as in {example}; in quotes it is a text to search for",
                quoted(&words)
            );
            Fault::new(span, message)
        };
        let next = self.next_word();
        if next.is_empty() && !matches!(self.scan.peek(), Some('"'))
            || ["and", "or", "not", "!"].contains(&next.as_str())
        {
            return Err(lacking(start..said));
        }
        let items = self.values(&qualifier)?;
        let expr = match items {
            Values::Items(items) => qualifier.term(&items),
            Values::Service(name) => {
                let service = key::find("service").map(|key| {
                    let test = Test::Is(vec![Item::Literal(name)]);
                    Expr::Term(Term { key, test })
                });
                service.map(|term| Expr::all(qualifier.protocol.into_iter().chain([term])))
            }
        };
        expr.ok_or_else(|| lacking(start..said))
    }

    /// `src` and `dst`, and the other one after `or` or `and`.
    fn side(&mut self, first: &str) -> Side {
        let other = if first == "src" { "dst" } else { "src" };
        for (word, side) in [("or", Side::Either), ("and", Side::Both)] {
            let before = self.scan.clone();
            if self.connector(&[word]) && self.connector(&[other]) {
                return side;
            }
            self.scan = before;
        }
        if first == "src" { Side::Src } else { Side::Dst }
    }

    /// The values after the words.
    fn values(&mut self, qualifier: &Qualifier) -> Result<Values, Fault> {
        let sort = qualifier.kind.sort();
        let mut items = Vec::new();
        loop {
            let piece = self.scan.value()?;
            let begins_with_letter = piece.text.starts_with(|c: char| c.is_alphabetic());
            if qualifier.kind == Kind::Port && begins_with_letter && items.is_empty() {
                if qualifier.side != Side::Either {
                    let message = format!(
                        "write the number of the port, or service={} for a service by name",
                        piece.text.escape_debug()
                    );
                    return Err(Fault::new(piece.span, message));
                }
                return Ok(Values::Service(piece.text.into_owned()));
            }
            let item = Item::parse(sort, &piece.text, piece.in_quotes);
            items.push(item.map_err(|message| Fault::new(piece.span, message))?);
            if !self.scan.take(",") {
                break;
            }
        }
        if qualifier.kind == Kind::Net && self.connector(&["mask"]) {
            self.scan.skip_space();
            let piece = self.scan.value()?;
            let masked = mask(&items, &piece.text);
            items = masked.map_err(|message| Fault::new(piece.span, message))?;
        }
        Ok(Values::Items(items))
    }
}

enum Values {
    Items(Vec<Item>),
    /// The name of a service where a port was due.
    Service(String),
}

/// `net 10.0.0.0 mask 255.0.0.0`.
fn mask(items: &[Item], mask: &str) -> Result<Vec<Item>, String> {
    let wrong = || {
        let shown = quoted(mask);
        format!("{shown} is no mask of one IPv4 network, write 10.0.0.0/8 instead")
    };
    let [Item::Net(Net::V4(address, _))] = items else {
        return Err(wrong());
    };
    let bits = mask
        .parse()
        .map_err(|_| wrong())
        .map(std::net::Ipv4Addr::to_bits)?;
    let ones = bits.leading_ones();
    if bits.count_ones() != ones {
        return Err(wrong());
    }
    let address = std::net::Ipv4Addr::from_bits(*address).into();
    let net = Net::new(address, ones as u8).ok_or_else(wrong)?;
    Ok(vec![Item::Net(net)])
}
