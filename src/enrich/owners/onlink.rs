//! Which addresses this network namespace reaches without a router: those that
//! a route without a gateway leads to, by `/proc/net/route` and
//! `/proc/net/ipv6_route`.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// `RTF_UP`, `RTF_GATEWAY` and `RTF_REJECT` of `linux/route.h`.
const UP: u32 = 0x1;
const GATEWAY: u32 = 0x2;
const REJECT: u32 = 0x200;

/// A route, widened to IPv6 bits for both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Route {
    is_v4: bool,
    network: u128,
    mask: u128,
    has_gateway: bool,
}

/// The routes of a namespace.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<Route>);

impl Routes {
    /// Reads those in `net`, a `/proc/*/net`. Without the files there are none.
    pub(super) fn read(net: &Path) -> Self {
        let text = |file| fs::read_to_string(net.join(file)).unwrap_or_default();
        let v4 = text("route");
        let v6 = text("ipv6_route");
        let v4 = v4.lines().filter_map(v4_route);
        Self(v4.chain(v6.lines().filter_map(v6_route)).collect())
    }

    /// Whether the closest route to an address has no gateway. One that leads
    /// everywhere does not count.
    pub(super) fn is_on_link(&self, address: IpAddr) -> bool {
        let (is_v4, bits) = match address {
            IpAddr::V4(ip) => (true, ip.to_bits().into()),
            IpAddr::V6(ip) => (false, ip.to_bits()),
        };
        let leads = |route: &&Route| route.is_v4 == is_v4 && bits & route.mask == route.network;
        let closest = self.0.iter().filter(leads).max_by_key(|route| route.mask);
        closest.is_some_and(|route| !route.has_gateway && route.mask != 0)
    }
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask ...`: addresses are
/// their bytes read as a number of this machine.
fn v4_route(line: &str) -> Option<Route> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    let network = hex(fields.next()?)?;
    let flags = hex(fields.nth(1)?)?;
    let mask = hex(fields.nth(3)?)?;
    let bits = |number: u32| Ipv4Addr::from(number.to_ne_bytes()).to_bits().into();
    is_usable(flags).then(|| Route {
        is_v4: true,
        network: bits(network),
        mask: bits(mask),
        has_gateway: flags & GATEWAY != 0,
    })
}

/// `destination length source length gateway metric refs use flags device`.
fn v6_route(line: &str) -> Option<Route> {
    let mut fields = line.split_ascii_whitespace();
    let network = u128::from_str_radix(fields.next()?, 16).ok()?;
    let length = hex(fields.next()?)?;
    let gateway = u128::from_str_radix(fields.nth(2)?, 16).ok()?;
    let flags = hex(fields.nth(3)?)?;
    // Multicast, and what every link has, lead to nobody in particular.
    let first = Ipv6Addr::from_bits(network);
    let is_special = first.is_multicast() || first.is_unicast_link_local();
    let mask = u128::MAX.checked_shl(128_u32.checked_sub(length)?);
    (is_usable(flags) && !is_special).then(|| Route {
        is_v4: false,
        network,
        mask: mask.unwrap_or(0),
        has_gateway: flags & GATEWAY != 0 || gateway != 0,
    })
}

const fn is_usable(flags: u32) -> bool {
    flags & UP != 0 && flags & REJECT == 0
}

fn hex(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::owners::tree::Tree;

    /// As the kernel writes an address.
    fn v4(ip: [u8; 4]) -> String {
        format!("{:08X}", u32::from_ne_bytes(ip))
    }

    #[test]
    fn only_what_no_router_stands_before_is_on_link() {
        let tree = Tree::new();
        let line = |network, gateway, flags: &str, mask| {
            let (network, gateway, mask) = (v4(network), v4(gateway), v4(mask));
            format!("eth0\t{network}\t{gateway}\t{flags}\t0\t0\t0\t{mask}\t0\t0\t0\n")
        };
        let none = [0; 4];
        let head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n";
        let route = [
            head.to_owned(),
            line(none, [192, 168, 1, 1], "0003", none),
            line([172, 17, 0, 0], none, "0001", [255, 255, 0, 0]),
            line([172, 17, 9, 0], [172, 17, 0, 9], "0003", [255, 255, 255, 0]),
            line([10, 1, 2, 3], none, "0001", [255; 4]),
            line([10, 9, 0, 0], none, "0200", [255, 255, 0, 0]),
        ];
        tree.file("route", route.concat());
        let zero = "0".repeat(32);
        let far = "20010db8000100000000000000000001";
        let ipv6_route = format!(
            "20010db8000000000000000000000000 40 {zero} 00 {zero} 00000100 1 0 00000001 eth0\n\
             20010db8000900000000000000000000 40 {zero} 00 {far} 00000400 1 0 00000003 eth0\n\
             {zero} 00 {zero} 00 {zero} ffffffff 1 0 00200200 lo\n"
        );
        tree.file("ipv6_route", ipv6_route);
        let routes = Routes::read(tree.path());
        for (address, expected) in [
            ("172.17.0.2", true),
            ("172.17.9.2", false),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("10.9.0.1", false),
            ("198.51.100.1", false),
            ("2001:db8::2", true),
            ("2001:db8:9::2", false),
            ("2001:db8:ffff::2", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(routes.is_on_link(address), expected, "{address}");
        }
    }

    #[test]
    fn a_route_to_everywhere_or_none_is_no_link() {
        let tree = Tree::new();
        let (none, tun) = (v4([0; 4]), "tun0");
        let line = format!("{tun}\t{none}\t{none}\t0001\t0\t0\t0\t{none}\t0\t0\t0\n");
        tree.file("route", line);
        let address = [203, 0, 113, 1].into();
        assert!(!Routes::read(tree.path()).is_on_link(address));
        assert!(!Routes::default().is_on_link(address));
    }
}
