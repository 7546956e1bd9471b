//! Tuples: what identifies a flow.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network layer of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `NFPROTO_IPV4`.
    Ipv4,
    /// `NFPROTO_IPV6`.
    Ipv6,
}

impl Family {
    /// `ipv4` or `ipv6`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }
}

/// A transport protocol by its IP protocol number
/// (IANA, "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// Internet Control Message Protocol, RFC 792.
    pub const ICMP: Self = Self(1);
    /// Transmission Control Protocol, RFC 9293.
    pub const TCP: Self = Self(6);
    /// User Datagram Protocol, RFC 768.
    pub const UDP: Self = Self(17);
    /// Datagram Congestion Control Protocol, RFC 4340.
    pub const DCCP: Self = Self(33);
    /// Generic Routing Encapsulation, RFC 2784.
    pub const GRE: Self = Self(47);
    /// ICMP for IPv6, RFC 4443.
    pub const ICMPV6: Self = Self(58);
    /// Stream Control Transmission Protocol, RFC 9260.
    pub const SCTP: Self = Self(132);
    /// Lightweight UDP, RFC 3828.
    pub const UDPLITE: Self = Self(136);

    /// The usual short name in lower case, for the protocols one meets on a
    /// router.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "icmp",
            2 => "igmp",
            4 => "ipip",
            6 => "tcp",
            17 => "udp",
            33 => "dccp",
            41 => "ipv6",
            47 => "gre",
            50 => "esp",
            51 => "ah",
            58 => "icmpv6",
            89 => "ospf",
            103 => "pim",
            108 => "ipcomp",
            112 => "vrrp",
            115 => "l2tp",
            132 => "sctp",
            136 => "udplite",
            _ => return None,
        })
    }
}

impl fmt::Display for Protocol {
    /// The name, or the number as text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

/// What identifies a flow above the network layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L4 {
    /// Nothing: protocols that conntrack follows by address only (ESP, OSPF),
    /// and DCCP since its tracker left the kernel in 6.17.
    None,
    /// Ports of TCP, UDP, UDP-Lite, SCTP and DCCP; keys of GRE.
    Ports {
        /// Source port (`CTA_PROTO_SRC_PORT`).
        src: u16,
        /// Destination port (`CTA_PROTO_DST_PORT`).
        dst: u16,
    },
    /// ICMP and `ICMPv6` queries. Errors belong to the flow they complain
    /// about and make none of their own.
    Icmp {
        /// `CTA_PROTO_ICMP_TYPE`, `CTA_PROTO_ICMPV6_TYPE`.
        kind: u8,
        /// `CTA_PROTO_ICMP_CODE`, `CTA_PROTO_ICMPV6_CODE`.
        code: u8,
        /// `CTA_PROTO_ICMP_ID`, `CTA_PROTO_ICMPV6_ID`.
        id: u16,
    },
}

impl L4 {
    /// As five bytes: a discriminant and the fields. Equal values have equal
    /// bytes and the reverse, which is all that hashing and ordering need.
    const fn pack(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Ports { src, dst } => 1 << 32 | (src as u64) << 16 | dst as u64,
            Self::Icmp { kind, code, id } => {
                2 << 32 | (kind as u64) << 24 | (code as u64) << 16 | id as u64
            }
        }
    }
}

/// One direction of a flow: addresses, protocol and what identifies the flow
/// above it (`struct nf_conntrack_tuple`). 40 bytes, no heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tuple {
    /// Network byte order; an IPv4 address fills the first four bytes.
    src: [u8; 16],
    dst: [u8; 16],
    family: Family,
    proto: Protocol,
    l4: L4,
}

impl Tuple {
    /// A tuple of IPv4 addresses.
    pub const fn v4(src: Ipv4Addr, dst: Ipv4Addr, proto: Protocol, l4: L4) -> Self {
        const fn widen(ip: Ipv4Addr) -> [u8; 16] {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        Self {
            src: widen(src),
            dst: widen(dst),
            family: Family::Ipv4,
            proto,
            l4,
        }
    }

    /// A tuple of IPv6 addresses.
    pub const fn v6(src: Ipv6Addr, dst: Ipv6Addr, proto: Protocol, l4: L4) -> Self {
        Self {
            src: src.octets(),
            dst: dst.octets(),
            family: Family::Ipv6,
            proto,
            l4,
        }
    }

    /// A tuple of any two addresses of one family; `None` if the families
    /// differ.
    pub const fn new(src: IpAddr, dst: IpAddr, proto: Protocol, l4: L4) -> Option<Self> {
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => Some(Self::v4(src, dst, proto, l4)),
            (IpAddr::V6(src), IpAddr::V6(dst)) => Some(Self::v6(src, dst, proto, l4)),
            _ => None,
        }
    }

    const fn address(&self, bytes: &[u8; 16]) -> IpAddr {
        match self.family {
            Family::Ipv4 => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
            Family::Ipv6 => IpAddr::V6(Ipv6Addr::from_bits(u128::from_be_bytes(*bytes))),
        }
    }

    /// Source address.
    pub const fn src(&self) -> IpAddr {
        self.address(&self.src)
    }

    /// Destination address.
    pub const fn dst(&self) -> IpAddr {
        self.address(&self.dst)
    }

    /// The network layer of both addresses.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The transport protocol.
    pub const fn proto(&self) -> Protocol {
        self.proto
    }

    /// Ports, ICMP identity, or nothing.
    pub const fn l4(&self) -> L4 {
        self.l4
    }

    /// Source port, where the protocol has ports. GRE keys are not ports.
    pub const fn sport(&self) -> Option<u16> {
        match self.l4 {
            L4::Ports { src, .. } if self.proto.0 != Protocol::GRE.0 => Some(src),
            _ => None,
        }
    }

    /// Destination port, where the protocol has ports. GRE keys are not ports.
    pub const fn dport(&self) -> Option<u16> {
        match self.l4 {
            L4::Ports { dst, .. } if self.proto.0 != Protocol::GRE.0 => Some(dst),
            _ => None,
        }
    }

    /// The tuple of an answer to this one, if no address translation is at
    /// work (`nf_ct_invert_tuple`). ICMP queries turn into their replies.
    #[must_use]
    pub const fn inverted(&self) -> Self {
        let l4 = match self.l4 {
            L4::None => L4::None,
            L4::Ports { src, dst } => L4::Ports { src: dst, dst: src },
            L4::Icmp { kind, code, id } => L4::Icmp {
                kind: match (self.family, kind) {
                    (Family::Ipv4, 0) => 8,
                    (Family::Ipv4, 8) => 0,
                    (Family::Ipv4, 13) => 14,
                    (Family::Ipv4, 14) => 13,
                    (Family::Ipv4, 15) => 16,
                    (Family::Ipv4, 16) => 15,
                    (Family::Ipv4, 17) => 18,
                    (Family::Ipv4, 18) => 17,
                    (Family::Ipv6, 128) => 129,
                    (Family::Ipv6, 129) => 128,
                    (Family::Ipv6, 139) => 140,
                    (Family::Ipv6, 140) => 139,
                    (_, other) => other,
                },
                code,
                id,
            },
        };
        Self {
            src: self.dst,
            dst: self.src,
            family: self.family,
            proto: self.proto,
            l4,
        }
    }

    /// The same with other addresses; itself if one of these is of another
    /// family.
    #[must_use]
    pub fn readdressed(&self, change: impl Fn(IpAddr) -> IpAddr) -> Self {
        let (src, dst) = (change(self.src()), change(self.dst()));
        Self::new(src, dst, self.proto, self.l4)
            .filter(|tuple| tuple.family == self.family)
            .unwrap_or(*self)
    }

    /// Whether either end is a loopback address (127/8 or `::1`).
    pub const fn is_loopback(&self) -> bool {
        self.src().is_loopback() || self.dst().is_loopback()
    }
}

impl Hash for Tuple {
    /// Six words rather than forty bytes: this runs for every message.
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let words = |bytes: &[u8; 16]| {
            let value = u128::from_ne_bytes(*bytes);
            ((value >> 64) as u64, value as u64)
        };
        let (a, b) = words(&self.src);
        let (c, d) = words(&self.dst);
        if matches!(self.family, Family::Ipv4) {
            // The upper halves are zero, and the two addresses fill one word.
            hasher.write_u64((a | b) << 32 | (c | d));
        } else {
            hasher.write_u64(a);
            hasher.write_u64(b);
            hasher.write_u64(c);
            hasher.write_u64(d);
        }
        hasher.write_u64(self.l4.pack() | u64::from(self.proto.0) << 40);
    }
}

impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.proto, self.src())?;
        match self.l4 {
            L4::None => write!(f, " > {}", self.dst()),
            L4::Ports { src, dst } => write!(f, ":{src} > {}:{dst}", self.dst()),
            L4::Icmp { kind, code, id } => {
                write!(f, " > {} type {kind} code {code} id {id}", self.dst())
            }
        }
    }
}

/// What tells flows apart: the conntrack zone and the original tuple.
///
/// Not `CTA_ID`, which is a 32-bit hash and collides at a million flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Conntrack zone (`CTA_ZONE`); 0 is the default zone.
    pub zone: u16,
    /// `CTA_TUPLE_ORIG`.
    pub orig: Tuple,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(src: u16, dst: u16) -> L4 {
        L4::Ports { src, dst }
    }

    #[test]
    fn inverting_twice_is_identity_and_pings_become_answers() {
        let ping = Tuple::v4(
            Ipv4Addr::new(192, 0, 2, 1),
            Ipv4Addr::new(192, 0, 2, 2),
            Protocol::ICMP,
            L4::Icmp {
                kind: 8,
                code: 0,
                id: 7,
            },
        );
        let answer = ping.inverted();
        assert_eq!(
            answer.l4(),
            L4::Icmp {
                kind: 0,
                code: 0,
                id: 7
            }
        );
        assert_eq!(answer.src(), ping.dst());
        assert_eq!(answer.inverted(), ping);
    }

    #[test]
    fn a_tuple_stays_small() {
        assert!(size_of::<Tuple>() <= 40, "{}", size_of::<Tuple>());
        assert!(size_of::<Key>() <= 42, "{}", size_of::<Key>());
    }

    #[test]
    fn gre_keys_are_not_ports() {
        let a = Ipv4Addr::new(192, 0, 2, 1);
        let gre = Tuple::v4(a, a, Protocol::GRE, ports(0, 0x4d));
        assert_eq!((gre.sport(), gre.dport()), (None, None));
        assert_ne!(gre, Tuple::v4(a, a, Protocol::GRE, ports(0, 0)));
    }

    #[test]
    fn loopback_is_the_whole_block_and_either_end() {
        let far = Ipv4Addr::new(192, 0, 2, 1);
        let stub = Ipv4Addr::new(127, 0, 0, 53);
        assert!(Tuple::v4(far, stub, Protocol::UDP, L4::None).is_loopback());
        assert!(Tuple::v4(stub, far, Protocol::UDP, L4::None).is_loopback());
        let v6 = Tuple::v6(
            Ipv6Addr::LOCALHOST,
            Ipv6Addr::LOCALHOST,
            Protocol::TCP,
            L4::None,
        );
        assert!(v6.is_loopback());
        assert!(!Tuple::v4(far, far, Protocol::UDP, L4::None).is_loopback());
    }
}
