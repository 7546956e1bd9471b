//! Which addresses may be asked about, and whom.
//!
//! A reverse query for a private address tells the Internet's servers about
//! somebody's network and cannot be answered there: RFC 6303 and RFC 7793 want
//! it kept local. Addresses that no zone names are not worth a packet at all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who may be asked about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Any nameserver.
    Public,
    /// Only a nameserver that is itself private or loopback: RFC 1918,
    /// 100.64/10 (RFC 6598, RFC 7793), unique local (RFC 4193) and the old
    /// site-local addresses.
    Private,
    /// Nobody: unspecified, loopback, link-local, multicast, broadcast,
    /// documentation, benchmark and reserved addresses (RFC 6890).
    Nowhere,
}

/// The scope of a canonical address.
pub(super) fn of(addr: IpAddr) -> Scope {
    match addr {
        IpAddr::V4(addr) => of_v4(addr),
        IpAddr::V6(addr) => of_v6(addr),
    }
}

fn of_v4(addr: Ipv4Addr) -> Scope {
    match addr.octets() {
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Scope::Private,
        [0 | 127 | 224..=255, ..]
        | [169, 254, ..]
        | [198, 18 | 19, ..]
        | [192, 0, 0 | 2, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Scope::Nowhere,
        _ => Scope::Public,
    }
}

fn of_v6(addr: Ipv6Addr) -> Scope {
    match addr.segments() {
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Scope::Private,
        // NAT64 (RFC 6052): as private as the IPv4 address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
        }
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Scope::Nowhere,
        [0x2000..=0x3fff, ..] => Scope::Public,
        _ => Scope::Nowhere,
    }
}

/// Whether a nameserver at `addr` keeps private names on this network.
pub(super) fn is_local_server(addr: IpAddr) -> bool {
    let addr = addr.to_canonical();
    let link_local = match addr {
        IpAddr::V4(addr) => addr.is_link_local(),
        IpAddr::V6(addr) => addr.is_unicast_link_local(),
    };
    addr.is_loopback() || link_local || of(addr) == Scope::Private
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        of(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_may_be_asked_about_anywhere() {
        for addr in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.0.0.1",
            "128.0.0.1",
            "169.253.0.1",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.0.1",
            "192.169.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2a00::1",
            "3ffe::1",
            "64:ff9b::8.8.8.8",
            "2001:db7::1",
        ] {
            assert_eq!(scope(addr), Scope::Public, "{addr}");
        }
    }

    #[test]
    fn private_addresses_stay_on_the_network() {
        for addr in [
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "fc00::1",
            "fdff::1",
            "fec0::1",
            "64:ff9b::10.0.0.1",
        ] {
            assert_eq!(scope(addr), Scope::Private, "{addr}");
        }
    }

    #[test]
    fn some_addresses_nobody_is_asked_about() {
        for addr in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "169.254.1.1",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.251",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "3fff:fff::1",
            "100::1",
            "4000::1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
        ] {
            assert_eq!(scope(addr), Scope::Nowhere, "{addr}");
        }
    }

    #[test]
    fn local_servers_are_loopback_private_or_on_the_link() {
        for addr in [
            "127.0.0.53",
            "192.168.1.1",
            "100.100.100.100",
            "fe80::1",
            "::1",
            "fd00::1",
        ] {
            assert!(is_local_server(addr.parse().unwrap()), "{addr}");
        }
        for addr in ["9.9.9.9", "192.0.2.53", "2620:fe::fe"] {
            assert!(!is_local_server(addr.parse().unwrap()), "{addr}");
        }
    }
}
