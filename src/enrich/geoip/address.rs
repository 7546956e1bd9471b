//! Which addresses a place can be asked for.
//!
//! Databases of places know public IPv4 and global-unicast IPv6 addresses.
//! Before a look-up an address that merely carries an IPv4 address is reduced
//! to it (databases return nothing for the carriers), and an address of the
//! IANA special-purpose registries (RFC 6890 and its updates) is told apart, so
//! that `10.0.0.1` never becomes a country because some database says so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address it is, for the purpose of placing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Private, local, multicast, documentation or otherwise reserved: nothing
    /// that a database of places can know.
    Lan,
    /// Globally reachable. Holds the address to look up, with NAT64, 6to4,
    /// Teredo and IPv4-mapped addresses reduced to the IPv4 address inside.
    Global(IpAddr),
}

impl Scope {
    /// Sorts `address`.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => match carried_v4(v6) {
                Some(v4) => Self::of_v4(v4),
                None if is_special_v6(v6) => Self::Lan,
                None => Self::Global(address),
            },
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        if is_special_v4(address) {
            Self::Lan
        } else {
            Self::Global(IpAddr::V4(address))
        }
    }
}

/// The IPv4 address that an IPv6 address stands for: IPv4-mapped
/// (`::ffff:0:0/96`), NAT64 with the well-known prefix (`64:ff9b::/96`, RFC
/// 6052), 6to4 (`2002::/16`, RFC 3056) and the client's side of Teredo
/// (`2001::/32`, RFC 4380, whose bits are inverted).
fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let pair = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(pair(high, low))
        }
        [0x2002, high, low, ..] => Some(pair(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(pair(!high, !low)),
        _ => None,
    }
}

/// IANA IPv4 Special-Purpose Address Registry, where it says "not globally
/// reachable", and multicast.
#[expect(clippy::match_same_arms, reason = "one line per entry of the registry")]
fn is_special_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        // This network (RFC 791), private (RFC 1918), loopback (RFC 1122).
        [0 | 10 | 127, ..] => true,
        // Shared address space of carriers (RFC 6598).
        [100, second, ..] => second & 0xc0 == 64,
        // Link-local (RFC 3927).
        [169, 254, ..] => true,
        [172, second, ..] => second & 0xf0 == 16,
        // Protocol assignments (RFC 6890) save the two anycast addresses of PCP
        // and TURN; TEST-NET-1 (RFC 5737).
        [192, 0, 0, last] => !matches!(last, 9 | 10),
        [192, 0, 2, _] | [192, 168, ..] => true,
        // Benchmarking (RFC 2544).
        [198, 18 | 19, ..] => true,
        // TEST-NET-2 and TEST-NET-3 (RFC 5737).
        [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast (RFC 5771), reserved (RFC 1112), limited broadcast.
        [first, ..] => first >= 224,
    }
}

/// Everything outside global unicast (`2000::/3`, RFC 4291), and inside it the
/// documentation prefixes (RFC 3849, RFC 9637) and the protocol assignments
/// (`2001::/23`, RFC 2928).
fn is_special_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0x0db8, ..] => true,
        [0x2001, second, ..] if second < 0x0200 => true,
        [0x3fff, second, ..] if second < 0x1000 => true,
        [first, ..] => first & 0xe000 != 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::of(text.parse().unwrap())
    }

    #[test]
    fn reserved_ranges_end_where_their_rfc_says() {
        for lan in [
            "0.1.2.3",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.9.9",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.251",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "ff02::fb",
            "2001:db8::1",
            "3fff::1",
            "2001:20::1",
            "100::1",
            "64:ff9b:1::a00:1",
            "5f00::1",
            "::ffff:192.168.0.1",
            "64:ff9b::10.0.0.1",
            "2002:a00:1::1",
        ] {
            assert_eq!(scope(lan), Scope::Lan, "{lan}");
        }
        for global in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.0.9",
            "192.0.1.1",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00::1",
            "3fff:1000::1",
        ] {
            let address = global.parse().unwrap();
            assert_eq!(scope(global), Scope::Global(address), "{global}");
        }
    }

    #[test]
    fn carriers_are_reduced_to_the_address_inside() {
        let inside = Scope::Global("8.8.8.8".parse().unwrap());
        for carrier in [
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:0:4136:e378:8000:63bf:f7f7:f7f7",
        ] {
            assert_eq!(scope(carrier), inside, "{carrier}");
        }
    }
}
