//! Which flows one wants to see, in the coarse terms of the command line:
//! families, protocols, loopback.

use super::{Family, Protocol, Tuple};

/// Protocols as the options name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// `-T`.
    Tcp,
    /// `-U`: UDP and UDP-Lite.
    Udp,
    /// `-D`.
    Dccp,
    /// `-I`: ICMP and `ICMPv6`.
    Icmp,
    /// `-S`.
    Sctp,
    /// `-O`: everything else (GRE, ESP, IGMP, ...).
    Other,
}

impl Group {
    /// All of them, in the order of the man page.
    pub const ALL: [Self; 6] = [
        Self::Tcp,
        Self::Udp,
        Self::Dccp,
        Self::Icmp,
        Self::Sctp,
        Self::Other,
    ];

    /// As it stands on a chip of the title line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Dccp => "DCCP",
            Self::Icmp => "ICMP",
            Self::Sctp => "SCTP",
            Self::Other => "other",
        }
    }
}

impl Protocol {
    /// The group this protocol belongs to.
    pub const fn group(self) -> Group {
        match self {
            Self::TCP => Group::Tcp,
            Self::UDP | Self::UDPLITE => Group::Udp,
            Self::DCCP => Group::Dccp,
            Self::ICMP | Self::ICMPV6 => Group::Icmp,
            Self::SCTP => Group::Sctp,
            _ => Group::Other,
        }
    }
}

/// What decides whether a [`Scope`] holds a flow: family, protocol group and
/// whether it is loopback. A number below [`Class::COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Class(u8);

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = 24;

    /// The class of flows of this family and group, on loopback or not.
    pub const fn new(family: Family, group: Group, loopback: bool) -> Self {
        Self(group as u8 * 4 + family as u8 * 2 + loopback as u8)
    }

    /// The class of a flow with this original tuple.
    pub const fn of(orig: &Tuple) -> Self {
        Self::new(orig.family(), orig.proto().group(), orig.is_loopback())
    }

    /// 0 to [`Class::COUNT`] - 1.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every class.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT as u8).map(Self)
    }
}

/// A selection of flows: exact, so `-4` never lets an IPv6 flow through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    families: [bool; 2],
    groups: [bool; 6],
    loopback: bool,
}

impl Default for Scope {
    /// The man page's: TCP over IPv4 and IPv6, without loopback.
    fn default() -> Self {
        Self::NOTHING
            .with_family(Family::Ipv4, true)
            .with_family(Family::Ipv6, true)
            .with_group(Group::Tcp, true)
    }
}

impl Scope {
    /// Holds no flow.
    pub const NOTHING: Self = Self {
        families: [false; 2],
        groups: [false; 6],
        loopback: false,
    };

    /// Holds every flow.
    pub const EVERYTHING: Self = Self {
        families: [true; 2],
        groups: [true; 6],
        loopback: true,
    };

    /// With or without a family.
    #[must_use]
    pub const fn with_family(mut self, family: Family, on: bool) -> Self {
        self.families[family as usize] = on;
        self
    }

    /// With or without a protocol group.
    #[must_use]
    pub const fn with_group(mut self, group: Group, on: bool) -> Self {
        self.groups[group as usize] = on;
        self
    }

    /// With every protocol group, or none.
    #[must_use]
    pub const fn with_all_groups(mut self, on: bool) -> Self {
        self.groups = [on; 6];
        self
    }

    /// With or without flows that have a loopback address.
    #[must_use]
    pub const fn with_loopback(mut self, on: bool) -> Self {
        self.loopback = on;
        self
    }

    /// Whether flows of this family can be in it.
    pub const fn has_family(self, family: Family) -> bool {
        self.families[family as usize]
    }

    /// Whether flows of this group can be in it.
    pub const fn has_group(self, group: Group) -> bool {
        self.groups[group as usize]
    }

    /// Whether loopback flows can be in it.
    pub const fn has_loopback(self) -> bool {
        self.loopback
    }

    /// Whether flows of this class are in it.
    pub const fn holds(self, class: Class) -> bool {
        (self.loopback || class.0 & 1 == 0)
            && self.families[(class.0 >> 1 & 1) as usize]
            && self.groups[(class.0 >> 2) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_a_numbering_without_holes() {
        let mut seen: Vec<usize> = Vec::new();
        for group in Group::ALL {
            for family in [Family::Ipv4, Family::Ipv6] {
                for loopback in [false, true] {
                    seen.push(Class::new(family, group, loopback).index());
                }
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..Class::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn families_groups_and_loopback_are_exact() {
        let scope = Scope::default().with_family(Family::Ipv6, false);
        assert!(scope.holds(Class::new(Family::Ipv4, Group::Tcp, false)));
        assert!(!scope.holds(Class::new(Family::Ipv6, Group::Tcp, false)));
        assert!(!scope.holds(Class::new(Family::Ipv4, Group::Udp, false)));
        assert!(!scope.holds(Class::new(Family::Ipv4, Group::Tcp, true)));
        assert!(
            scope
                .with_loopback(true)
                .holds(Class::new(Family::Ipv4, Group::Tcp, true))
        );
        assert!(Class::all().all(|class| Scope::EVERYTHING.holds(class)));
        assert!(!Class::all().any(|class| Scope::NOTHING.holds(class)));
    }
}
