//! By what flows can be put together, and how that is called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::flow::Family;

/// By what flows are put together.
///
/// The far end is the destination, or the source if the flow comes in or only
/// that one is public; the near end is the host on our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grouping {
    /// The host on our side.
    Host,
    /// Where the first packet came from.
    Source,
    /// Where the first packet went to, before translation.
    Destination,
    /// Source and destination.
    Pair,
    /// The host at the other end, seen from the one on our side; of a flow
    /// within this machine, who began it.
    Peer,
    /// The port on our side that it asks, if it does.
    Served,
    /// The network of the far end, cut to so many bits.
    Subnet(Widths),
    /// The port that names it, and its protocol.
    Service,
    /// The process of this machine.
    Process,
    /// The user that the process runs as.
    User,
    /// The container that the process is in, or else its systemd unit.
    Unit,
    /// The country of the far end.
    Country,
    /// The autonomous system of the far end.
    Asn,
    /// The interfaces of this machine that it uses.
    Interface,
    /// The connection mark.
    Mark,
    /// The conntrack zone.
    Zone,
    /// The transport protocol.
    Protocol,
    /// The state, as it is shown.
    State,
}

/// How many bits of an address name its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Widths {
    v4: u8,
    v6: u8,
}

impl Default for Widths {
    /// /24 and /64: what a site has, as a rule.
    fn default() -> Self {
        Self { v4: 24, v6: 64 }
    }
}

impl Widths {
    /// Every address a subnet of its own.
    pub const WHOLE: Self = Self { v4: 32, v6: 128 };

    /// Of IPv4, at most 32, and of IPv6, at most 128; `None` beyond.
    pub const fn new(v4: u8, v6: u8) -> Option<Self> {
        if v4 <= 32 && v6 <= 128 {
            Some(Self { v4, v6 })
        } else {
            None
        }
    }

    /// As an option says it: `24,64`.
    pub fn as_option(self) -> String {
        format!("{},{}", self.v4, self.v6)
    }

    /// The bits that count of addresses of a family.
    pub const fn bits(self, family: Family) -> u8 {
        match family {
            Family::Ipv4 => self.v4,
            Family::Ipv6 => self.v6,
        }
    }

    /// The bits that count of an address.
    pub(super) const fn of(self, address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
        }
    }

    /// The same of both families: the other one's do not matter.
    pub(super) const fn both(width: u8) -> Self {
        Self {
            v4: width,
            v6: width,
        }
    }

    /// The first address of the subnet that an address is in.
    pub(super) fn cut(self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(ip) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.v4.min(32)));
                Ipv4Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
            IpAddr::V6(ip) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.v6.min(128)));
                Ipv6Addr::from_bits(ip.to_bits() & mask.unwrap_or(0)).into()
            }
        }
    }
}

impl std::fmt::Display for Widths {
    /// `/24 and /64`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{} and /{}", self.v4, self.v6)
    }
}

/// What is said of a grouping.
struct Entry {
    grouping: Grouping,
    /// Its key in the menu.
    letter: char,
    /// As `--group` and help call it.
    name: &'static str,
    /// Other names that are understood.
    aliases: &'static [&'static str],
    /// What it is, for menus.
    what: &'static str,
}

const fn entry(
    grouping: Grouping,
    letter: char,
    name: &'static str,
    aliases: &'static [&'static str],
    what: &'static str,
) -> Entry {
    Entry {
        grouping,
        letter,
        name,
        aliases,
        what,
    }
}

/// In the order of the menu.
const ENTRIES: [Entry; Grouping::COUNT] = [
    entry(Grouping::Host, 'h', "host", &["near"], "host on our side"),
    entry(
        Grouping::Source,
        's',
        "source",
        &["src", "client", "orig_src", "src_name"],
        "source: who began",
    ),
    entry(
        Grouping::Destination,
        'd',
        "destination",
        &["dst", "server", "orig_dst", "dst_name"],
        "destination",
    ),
    entry(
        Grouping::Pair,
        'b',
        "pair",
        &["both", "hosts"],
        "both ends: source and destination",
    ),
    entry(
        Grouping::Peer,
        'r',
        "peer",
        &["remote", "far"],
        "peer: host at the far end",
    ),
    entry(
        Grouping::Served,
        'l',
        "served",
        &["local_service"],
        "service on our side, and its clients",
    ),
    entry(
        Grouping::Subnet(Widths { v4: 24, v6: 64 }),
        'n',
        "subnet",
        &["net", "network", "prefix"],
        "network of the far end",
    ),
    entry(
        Grouping::Service,
        'v',
        "service",
        &["port", "dport", "orig_dport"],
        "service",
    ),
    entry(
        Grouping::Process,
        'p',
        "process",
        &["proc", "pid"],
        "process",
    ),
    entry(Grouping::User, 'u', "user", &["uid"], "user"),
    entry(
        Grouping::Unit,
        't',
        "unit",
        &["container", "cgroup"],
        "container or systemd unit",
    ),
    entry(
        Grouping::Country,
        'c',
        "country",
        &["cc", "dst_country", "dst_country_name"],
        "country of the far end",
    ),
    entry(
        Grouping::Asn,
        'a',
        "asn",
        &["as", "org", "dst_asn", "dst_as_org"],
        "autonomous system of the far end",
    ),
    entry(
        Grouping::Interface,
        'i',
        "interface",
        &["iface", "interface_in", "interface_out"],
        "interface",
    ),
    entry(
        Grouping::Mark,
        'm',
        "mark",
        &["connmark"],
        "connection mark",
    ),
    entry(Grouping::Zone, 'z', "zone", &[], "conntrack zone"),
    entry(Grouping::Protocol, 'o', "protocol", &["proto"], "protocol"),
    entry(Grouping::State, 'e', "state", &["status"], "state"),
];

impl Grouping {
    /// How many there are, subnets of all widths counted once.
    pub const COUNT: usize = 18;

    /// All of them in the order of the menu, subnets of the usual widths.
    pub const ALL: [Self; Self::COUNT] = {
        let mut all = [Self::Host; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            all[index] = ENTRIES[index].grouping;
            index += 1;
        }
        all
    };

    /// Its place in [`Grouping::ALL`].
    pub const fn index(self) -> usize {
        match self {
            Self::Host => 0,
            Self::Source => 1,
            Self::Destination => 2,
            Self::Pair => 3,
            Self::Peer => 4,
            Self::Served => 5,
            Self::Subnet(_) => 6,
            Self::Service => 7,
            Self::Process => 8,
            Self::User => 9,
            Self::Unit => 10,
            Self::Country => 11,
            Self::Asn => 12,
            Self::Interface => 13,
            Self::Mark => 14,
            Self::Zone => 15,
            Self::Protocol => 16,
            Self::State => 17,
        }
    }

    /// The same; subnets with these widths.
    #[must_use]
    pub const fn with(self, widths: Widths) -> Self {
        match self {
            Self::Subnet(_) => Self::Subnet(widths),
            other => other,
        }
    }

    /// As `--group` and help call it.
    pub const fn name(self) -> &'static str {
        ENTRIES[self.index()].name
    }

    /// Its key in the menu.
    pub const fn letter(self) -> char {
        ENTRIES[self.index()].letter
    }

    /// What it is, for menus.
    pub const fn what(self) -> &'static str {
        ENTRIES[self.index()].what
    }

    /// One by its name, or by that of a field that says the same.
    pub fn named(name: &str) -> Option<Self> {
        let is_called = |entry: &&Entry| entry.name == name || entry.aliases.contains(&name);
        let found = ENTRIES.iter().find(is_called);
        found.map(|entry| entry.grouping)
    }

    /// Every name that [`Grouping::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        let each = |entry: &'static Entry| {
            std::iter::once(entry.name).chain(entry.aliases.iter().copied())
        };
        ENTRIES.iter().flat_map(each)
    }

    /// Whether a flow can be in two groups: of its client and its server, or
    /// of the interfaces where it comes in and goes out.
    pub(super) const fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Process | Self::User | Self::Unit | Self::Interface
        )
    }

    /// Whether places decide it, of which nothing is known without databases.
    pub const fn is_of_places(self) -> bool {
        matches!(self, Self::Country | Self::Asn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grouping_has_a_name_and_a_letter_of_its_own() {
        for (index, grouping) in Grouping::ALL.into_iter().enumerate() {
            assert_eq!(grouping.index(), index, "{grouping:?}");
            assert_eq!(Grouping::named(grouping.name()), Some(grouping));
            let same = |other: &Grouping| other.letter() == grouping.letter();
            assert_eq!(
                Grouping::ALL.iter().filter(|g| same(g)).count(),
                1,
                "{grouping:?}"
            );
        }
        let names: Vec<_> = Grouping::names().collect();
        for name in &names {
            assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{name}");
            assert!(Grouping::named(name).is_some(), "{name}");
        }
        assert_eq!(Grouping::named("dst_country"), Some(Grouping::Country));
        assert_eq!(Grouping::named("flavour"), None);
    }

    #[test]
    fn subnets_are_cut_at_any_bit() {
        let cut = |v4, v6, text: &str| {
            let widths = Widths::new(v4, v6).unwrap();
            widths.cut(text.parse().unwrap()).to_string()
        };
        assert_eq!(cut(24, 64, "192.0.2.77"), "192.0.2.0");
        assert_eq!(cut(25, 64, "192.0.2.200"), "192.0.2.128");
        assert_eq!(cut(0, 0, "192.0.2.77"), "0.0.0.0");
        assert_eq!(cut(32, 64, "192.0.2.77"), "192.0.2.77");
        assert_eq!(cut(24, 64, "2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(cut(24, 47, "2001:db8:1:2::1"), "2001:db8::");
        assert_eq!(cut(24, 0, "2001:db8::1"), "::");
        assert_eq!(cut(24, 128, "2001:db8::1"), "2001:db8::1");
        assert_eq!(Widths::new(33, 64), None);
        assert_eq!(Widths::new(24, 129), None);
        assert_eq!(Widths::default().to_string(), "/24 and /64");
    }
}
