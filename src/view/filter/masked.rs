//! A filter as it is shown where names and addresses are masked.

use super::Filter;
use super::ast::{Expr, Term, Test};
use super::item::{Item, Net};
use super::key::Sort;
use super::text::Pattern;
use crate::view::mask::Mask;

/// Keys of texts that stay readable, because what they ask for does.
const READABLE: &[&str] = &[
    "process",
    "src_process",
    "dst_process",
    "service",
    "iface",
    "interface_in",
    "interface_out",
    "helper",
    "counters",
    "congestion",
    "owner_unknown",
    "shown_state",
    "far_country",
];

impl Filter {
    /// What it says, with pseudonyms for all that [`Mask`] hides; free text
    /// might be anything. This is to be read, not to be asked: the pseudonym of
    /// a part of a name is no part of the name's.
    pub fn masked(&self, mask: &Mask) -> String {
        self.expr.masked(mask).to_string()
    }
}

impl Expr {
    fn masked(&self, mask: &Mask) -> Self {
        let each = |parts: &[Self]| parts.iter().map(|part| part.masked(mask)).collect();
        match self {
            Self::All(parts) => Self::All(each(parts)),
            Self::Any(parts) => Self::Any(each(parts)),
            Self::Not(part) => Self::Not(Box::new(part.masked(mask))),
            Self::Text(item) => Self::Text(masked(item, "text", mask)),
            Self::Like(pattern) => Self::Like(pattern.masked(mask)),
            Self::Term(term) => Self::Term(term.masked(mask)),
            // Its name might tell what the terms hide.
            Self::Saved(saved) => saved.expr.masked(mask),
        }
    }
}

impl Term {
    fn masked(&self, mask: &Mask) -> Self {
        let is_text = matches!(self.key.sort, Sort::Text | Sort::Name | Sort::Host);
        let is_secret = match self.key.sort {
            Sort::Net => true,
            _ if self.key.name == "uid" => true,
            _ => is_text && !READABLE.contains(&self.key.name),
        };
        if !is_secret {
            return self.clone();
        }
        let kind = match self.key.name {
            "host" | "src" | "dst" | "name" | "src_name" | "dst_name" => "host",
            "user" => "user",
            "workload" => "workload",
            _ => "text",
        };
        let each = |items: &[Item]| items.iter().map(|item| masked(item, kind, mask)).collect();
        let test = match &self.test {
            Test::In(items) => Test::In(each(items)),
            Test::Is(items) => Test::Is(each(items)),
            Test::Compare(order, number) => Test::Compare(*order, *number),
            Test::Like(pattern) => Test::Like(pattern.masked(mask)),
        };
        Self {
            key: self.key.clone(),
            test,
        }
    }
}

impl Pattern {
    fn masked(&self, mask: &Mask) -> Self {
        // A word of letters is a regular expression.
        Self::new(&mask.word("pattern", &self.source)).unwrap_or_else(|_| self.clone())
    }
}

fn masked(item: &Item, kind: &str, mask: &Mask) -> Item {
    match item {
        // A word that stands where nobody is known.
        Item::Literal(text) if matches!(kind, "user" | "workload") && text.starts_with('(') => {
            item.clone()
        }
        Item::Net(net) => Item::Net(net.masked(mask)),
        Item::Literal(text) | Item::Glob(text) => Item::Literal(match kind {
            "host" => mask.host(text),
            "user" => mask.user(text),
            _ => mask.word(kind, text),
        }),
        // The only numbers here are those of users.
        Item::Range(first, last) => {
            let uid = |number: u64| u64::from(mask.uid(number as u32));
            let (first, last) = (uid(*first), uid(*last));
            Item::Range(first.min(last), first.max(last))
        }
        Item::Known | Item::Protocol(_) | Item::Word(_) => item.clone(),
    }
}

impl Net {
    /// As many bits of the pseudonym count.
    fn masked(self, mask: &Mask) -> Self {
        let (address, bits) = match self {
            Self::V4(net, bits) => (std::net::Ipv4Addr::from_bits(net).into(), bits),
            Self::V6(net, bits) => (std::net::Ipv6Addr::from_bits(net).into(), bits),
        };
        Self::new(mask.address(address), bits).unwrap_or(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_filter_is_shown_by_its_terms() {
        let mask = Mask::new([3; 32], []);
        let saved = super::super::Definitions::new([("laptop", "host:laptop.lan or udp")]);
        let filter = Filter::parse_with("tcp @laptop", &saved).unwrap();
        let shown = filter.masked(&mask);
        let host = mask.host("laptop.lan");
        assert_eq!(shown, format!("proto:tcp (host:{host} or proto:udp)"));
    }

    #[test]
    fn what_a_filter_asks_for_is_masked_as_the_rows_are() {
        let mask = Mask::new([3; 32], []);
        let shown = |text: &str| Filter::parse(text).unwrap().masked(&mask);
        let address = mask.address("10.1.2.3".parse().unwrap());
        assert_eq!(
            shown("host:10.1.2.3 port:443"),
            format!("host:{address} port:443")
        );
        assert_eq!(
            shown("!dst:laptop.lan"),
            format!("!dst:{}", mask.host("laptop.lan"))
        );
        let net = shown("net:10.1.2.0/24");
        let bits = address.to_string();
        let (three, _) = bits.rsplit_once('.').unwrap();
        assert_eq!(net, format!("net:{three}.0/24"));
        let user = mask.word("user", "alice");
        assert_eq!(
            shown("user=alice or process:ssh"),
            format!("user:{user} or process:ssh")
        );
        for secret in [
            "laptop",
            "~lap.op",
            "mac:3c:22",
            "unit~lap",
            "cmdline:laptop",
        ] {
            let shown = shown(secret);
            assert!(!shown.contains("lap") && !shown.contains("3c"), "{shown}");
        }
        assert_eq!(
            shown("rate>1M country:DE as:64500"),
            "rate>1M country:DE as:64500"
        );
    }
}
