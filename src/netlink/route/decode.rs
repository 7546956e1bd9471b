//! From one rtnetlink message to one notice. What is not understood is passed
//! over; nothing here panics, whatever the bytes are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Address, Hop, Item, Link, Neighbour, Notice, Route, RouteKind, Rule};
use crate::flow::Family;
use crate::netlink::wire::{Attribute, Message, attributes};

/// `struct ifinfomsg`, `ifaddrmsg`, `ndmsg`, `rtmsg`, `fib_rule_hdr`.
const LINK_LEN: usize = 16;
const ADDRESS_LEN: usize = 8;
const NEIGHBOUR_LEN: usize = 12;
const ROUTE_LEN: usize = 12;
const RULE_LEN: usize = 12;
/// `struct rtnexthop`.
const HOP_LEN: usize = 8;

/// `IFA_FLAGS`: more flags than fit into `struct ifaddrmsg`.
const IFA_FLAGS: u16 = 8;
/// `NUD_VALID` of `net/neighbour.h` without `NUD_NOARP`, whose hardware
/// address is made up from the link.
const NUD_KNOWN: u16 =
    libc::NUD_REACHABLE | libc::NUD_STALE | libc::NUD_DELAY | libc::NUD_PROBE | libc::NUD_PERMANENT;

const RTNH_F_DEAD: u8 = 1;
const RTNH_F_LINKDOWN: u8 = 16;

const FR_ACT_TO_TBL: u8 = 1;
const FIB_RULE_INVERT: u32 = 2;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_GOTO: u16 = 4;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_FLOW: u16 = 11;
const FRA_SUPPRESS_IFGROUP: u16 = 13;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_OIFNAME: u16 = 17;
const FRA_PAD: u16 = 18;
const FRA_L3MDEV: u16 = 19;
const FRA_PROTOCOL: u16 = 21;
/// What a rule says that does not suppress anything.
const NO_SUPPRESSION: u32 = u32::MAX;

/// What a message says, if it is one of those this module knows, about
/// something of IPv4 or IPv6, and complete.
pub fn decode(message: &Message<'_>) -> Option<Notice> {
    let payload = message.payload;
    let (is_gone, item) = match message.kind {
        libc::RTM_NEWLINK => (false, Item::Link(link(payload)?)),
        libc::RTM_DELLINK => (true, Item::Link(link(payload)?)),
        libc::RTM_NEWADDR => (false, Item::Address(address(payload)?)),
        libc::RTM_DELADDR => (true, Item::Address(address(payload)?)),
        libc::RTM_NEWNEIGH => (false, Item::Neighbour(neighbour(payload)?)),
        libc::RTM_DELNEIGH => (true, Item::Neighbour(neighbour(payload)?)),
        libc::RTM_NEWROUTE => (false, Item::Route(route(payload)?)),
        libc::RTM_DELROUTE => (true, Item::Route(route(payload)?)),
        libc::RTM_NEWRULE => (false, Item::Rule(rule(payload)?)),
        libc::RTM_DELRULE => (true, Item::Rule(rule(payload)?)),
        _ => return None,
    };
    Some(Notice { is_gone, item })
}

/// A fixed structure, and what follows it.
pub(super) fn split<const N: usize>(payload: &[u8]) -> Option<(&[u8; N], &[u8])> {
    payload.split_first_chunk()
}

pub(super) fn word<const N: usize>(header: &[u8; N], at: usize) -> u32 {
    let bytes = header.get(at..at + 4).and_then(|b| b.try_into().ok());
    bytes.map_or(0, u32::from_ne_bytes)
}

fn family(number: u8) -> Option<Family> {
    match i32::from(number) {
        libc::AF_INET => Some(Family::Ipv4),
        libc::AF_INET6 => Some(Family::Ipv6),
        _ => None,
    }
}

const fn bits(family: Family) -> u8 {
    match family {
        Family::Ipv4 => 32,
        Family::Ipv6 => 128,
    }
}

/// An address, if it has the length of its family.
fn ip(family: Family, attribute: Attribute<'_>) -> Option<IpAddr> {
    match family {
        Family::Ipv4 => attribute.array().map(|b: [u8; 4]| IpAddr::from(b)),
        Family::Ipv6 => attribute.array().map(|b: [u8; 16]| IpAddr::from(b)),
    }
}

fn link(payload: &[u8]) -> Option<Link> {
    let (header, rest) = split::<LINK_LEN>(payload)?;
    // Bridges tell of their ports in messages of their own family.
    if i32::from(header[0]) != libc::AF_UNSPEC {
        return None;
    }
    let flags = word(header, 8);
    let mut name = None;
    let mut kind = None;
    for attribute in attributes(rest) {
        match attribute.kind {
            libc::IFLA_IFNAME => name = attribute.text(),
            libc::IFLA_LINKINFO => kind = info_kind(attribute),
            _ => {}
        }
    }
    Some(Link {
        index: word(header, 4),
        name: name?.to_owned(),
        kind: kind.map(str::to_owned),
        is_up: flags & libc::IFF_UP as u32 != 0,
        is_loopback: flags & libc::IFF_LOOPBACK as u32 != 0,
    })
}

/// `IFLA_INFO_KIND` within `IFLA_LINKINFO`.
pub(super) fn info_kind(attribute: Attribute<'_>) -> Option<&str> {
    let mut inner = attribute.nested();
    let info = inner.find(|a| a.kind == libc::IFLA_INFO_KIND);
    info.and_then(Attribute::text)
}

fn address(payload: &[u8]) -> Option<Address> {
    let (header, rest) = split::<ADDRESS_LEN>(payload)?;
    let family = family(header[0])?;
    let mut flags = u32::from(header[2]);
    let mut local = None;
    let mut network = None;
    let mut broadcast = None;
    for attribute in attributes(rest) {
        match attribute.kind {
            libc::IFA_LOCAL => local = ip(family, attribute),
            libc::IFA_ADDRESS => network = ip(family, attribute),
            libc::IFA_BROADCAST => broadcast = attribute.array().map(|b: [u8; 4]| b.into()),
            IFA_FLAGS => flags = attribute.ne32().unwrap_or(flags),
            _ => {}
        }
    }
    let address = local.or(network)?;
    Some(Address {
        link: word(header, 4),
        address,
        network: network.unwrap_or(address),
        prefix_len: header[1].min(bits(family)),
        broadcast,
        is_duplicate: flags & libc::IFA_F_DADFAILED != 0,
    })
}

fn neighbour(payload: &[u8]) -> Option<Neighbour> {
    let (header, rest) = split::<NEIGHBOUR_LEN>(payload)?;
    let family = family(header[0])?;
    let state = u16::from_ne_bytes([header[8], header[9]]);
    let mut address = None;
    let mut mac = None;
    for attribute in attributes(rest) {
        match attribute.kind {
            libc::NDA_DST => address = ip(family, attribute),
            libc::NDA_LLADDR => mac = attribute.array(),
            _ => {}
        }
    }
    Some(Neighbour {
        link: word(header, 4),
        address: address?,
        mac: mac.filter(|_| state & NUD_KNOWN != 0 && state & libc::NUD_NOARP == 0),
    })
}

const fn route_kind(kind: u8) -> RouteKind {
    match kind {
        libc::RTN_UNICAST => RouteKind::Unicast,
        libc::RTN_LOCAL => RouteKind::Local,
        libc::RTN_BROADCAST => RouteKind::Broadcast,
        libc::RTN_ANYCAST => RouteKind::Anycast,
        libc::RTN_MULTICAST => RouteKind::Multicast,
        libc::RTN_BLACKHOLE | libc::RTN_UNREACHABLE | libc::RTN_PROHIBIT => RouteKind::Refuse,
        libc::RTN_THROW => RouteKind::Throw,
        _ => RouteKind::Other,
    }
}

fn route(payload: &[u8]) -> Option<Route> {
    let (header, rest) = split::<ROUTE_LEN>(payload)?;
    let family = family(header[0])?;
    let flags = word(header, 8);
    let mut table = u32::from(header[4]);
    let mut destination = match family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let mut metric = 0;
    let mut hops = Vec::new();
    for attribute in attributes(rest) {
        match attribute.kind {
            libc::RTA_DST => destination = ip(family, attribute)?,
            libc::RTA_TABLE => table = attribute.ne32().unwrap_or(table),
            libc::RTA_PRIORITY => metric = attribute.ne32().unwrap_or(0),
            libc::RTA_OIF => {
                // The low byte of the flags is that of the only next hop.
                hops.extend(attribute.ne32().map(|link| hop(link, flags as u8)));
            }
            libc::RTA_MULTIPATH => multipath(attribute.payload, &mut hops),
            _ => {}
        }
    }
    Some(Route {
        table,
        destination,
        prefix_len: header[1].min(bits(family)),
        is_selective: header[2] != 0 || header[3] != 0,
        kind: route_kind(header[7]),
        metric,
        hops,
    })
}

const fn hop(link: u32, flags: u8) -> Hop {
    Hop {
        link,
        is_dead: flags & RTNH_F_DEAD != 0,
        is_down: flags & RTNH_F_LINKDOWN != 0,
    }
}

/// `struct rtnexthop`: length, flags, weight, link, and attributes.
fn multipath(mut bytes: &[u8], hops: &mut Vec<Hop>) {
    while let Some((header, _)) = split::<HOP_LEN>(bytes) {
        let len = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        if len < HOP_LEN || len > bytes.len() {
            return;
        }
        hops.push(hop(word(header, 4), header[2]));
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
}

fn rule(payload: &[u8]) -> Option<Rule> {
    let (header, rest) = split::<RULE_LEN>(payload)?;
    let family = family(header[0])?;
    let mut table = u32::from(header[4]);
    let mut is_restricted = false;
    let mut rule = Rule {
        family,
        priority: 0,
        table: None,
        by_destination: header[1] != 0 || word(header, 8) & FIB_RULE_INVERT != 0,
        by_source: header[2] != 0,
        by_interface: false,
        by_mark: false,
        by_vrf: false,
        by_other: header[3] != 0,
    };
    for attribute in attributes(rest) {
        match attribute.kind {
            FRA_PRIORITY => rule.priority = attribute.ne32().unwrap_or(0),
            FRA_TABLE => table = attribute.ne32().unwrap_or(table),
            FRA_IIFNAME => rule.by_interface = true,
            FRA_FWMARK | FRA_FWMASK => rule.by_mark |= attribute.ne32() != Some(0),
            FRA_SUPPRESS_IFGROUP | FRA_SUPPRESS_PREFIXLEN => {
                is_restricted |= attribute.ne32() != Some(NO_SUPPRESSION);
            }
            FRA_L3MDEV => rule.by_vrf |= attribute.payload != [0],
            // The header says the lengths of the first two. No packet is bound
            // to an outgoing interface before it is routed, unless its socket
            // is. The others choose no packets.
            FRA_DST | FRA_SRC | FRA_OIFNAME | FRA_GOTO | FRA_PROTOCOL | FRA_FLOW | FRA_PAD => {}
            _ => rule.by_other = true,
        }
    }
    if header[7] == FR_ACT_TO_TBL && !is_restricted {
        rule.table = Some(table);
    }
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::wire::{Requests, messages};
    use proptest::prelude::*;

    const V4: u8 = libc::AF_INET as u8;
    const V6: u8 = libc::AF_INET6 as u8;

    /// A message with the fixed part and attributes.
    fn message(kind: u16, header: &[u8], attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut requests = Requests::new();
        requests.message_with(kind, 0, 0, header);
        for (kind, payload) in attributes {
            requests.attribute(*kind, payload);
        }
        requests.bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Notice> {
        decode(&messages(bytes).next()?)
    }

    fn said(kind: u16, header: &[u8], attributes: &[(u16, &[u8])]) -> Option<Item> {
        read(&message(kind, header, attributes)).map(|notice| notice.item)
    }

    /// A fixed part with a link's index in its second word.
    fn header(first: [u8; 4], index: u32, rest: &[u8]) -> Vec<u8> {
        [&first[..], &index.to_ne_bytes(), rest].concat()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_link_has_a_name_and_perhaps_a_kind() {
        let flags = (libc::IFF_UP as u32).to_ne_bytes();
        let fixed = header([0, 0, 0, 0], 7, &[flags, [0; 4]].concat());
        let mut requests = Requests::new();
        requests
            .message_with(libc::RTM_NEWLINK, 0, 0, &fixed)
            .attribute(libc::IFLA_IFNAME, b"wg0\0")
            .nest(libc::IFLA_LINKINFO, |info| {
                info.attribute(libc::IFLA_INFO_KIND, b"wireguard\0");
            });
        let link = Link {
            index: 7,
            name: "wg0".into(),
            kind: Some("wireguard".into()),
            is_up: true,
            is_loopback: false,
        };
        let told = Notice {
            is_gone: false,
            item: Item::Link(link),
        };
        assert_eq!(read(requests.bytes()), Some(told));
        let gone = message(libc::RTM_DELLINK, &fixed, &[(libc::IFLA_IFNAME, b"wg0\0")]);
        assert!(read(&gone).unwrap().is_gone);
        // A port, as its bridge tells of it, and one without a name.
        let mut port = fixed.clone();
        port[0] = libc::AF_BRIDGE as u8;
        let name: (u16, &[u8]) = (libc::IFLA_IFNAME, b"eth0\0");
        assert_eq!(said(libc::RTM_NEWLINK, &port, &[name]), None);
        assert_eq!(said(libc::RTM_NEWLINK, &fixed, &[]), None);
    }

    #[test]
    fn an_address_may_have_a_far_end_or_be_a_duplicate() {
        let address = |fixed, attributes: &[(u16, &[u8])]| match said(
            libc::RTM_NEWADDR,
            &header(fixed, 3, &[]),
            attributes,
        ) {
            Some(Item::Address(address)) => Some(address),
            None => None,
            other => panic!("{other:?}"),
        };
        let local: (u16, &[u8]) = (libc::IFA_LOCAL, &[10, 0, 0, 1]);
        let far: (u16, &[u8]) = (libc::IFA_ADDRESS, &[10, 0, 0, 2]);
        let told = address([V4, 32, 0, 0], &[far, local]).unwrap();
        assert_eq!(
            (told.address, told.network),
            (ip("10.0.0.1"), ip("10.0.0.2"))
        );
        assert_eq!((told.link, told.prefix_len), (3, 32));
        let six = "2001:db8::1".parse::<Ipv6Addr>().unwrap().octets();
        let failed = libc::IFA_F_DADFAILED.to_ne_bytes();
        let six: (u16, &[u8]) = (libc::IFA_ADDRESS, &six);
        let told = address([V6, 64, 0, 0], &[six, (IFA_FLAGS, &failed)]).unwrap();
        assert!(told.is_duplicate);
        assert_eq!(told.address, ip("2001:db8::1"));
        // Nonsense of the other end is not passed on.
        assert_eq!(address([V4, 200, 0, 0], &[local]).unwrap().prefix_len, 32);
        assert_eq!(address([V6, 64, 0, 0], &[local]), None);
        assert_eq!(address([99, 64, 0, 0], &[local]), None);
    }

    #[test]
    fn a_neighbour_has_a_hardware_address_while_its_state_says_so() {
        let told = |state: u16, mac: &[u8]| {
            let fixed = header(
                [V4, 0, 0, 0],
                2,
                &[&state.to_ne_bytes()[..], &[0, 0]].concat(),
            );
            let attributes: [(u16, &[u8]); 2] =
                [(libc::NDA_DST, &[10, 0, 0, 9]), (libc::NDA_LLADDR, mac)];
            match said(libc::RTM_NEWNEIGH, &fixed, &attributes) {
                Some(Item::Neighbour(neighbour)) => neighbour.mac,
                other => panic!("{other:?}"),
            }
        };
        let mac = [2, 0, 0, 0, 0, 9];
        for state in [libc::NUD_REACHABLE, libc::NUD_STALE, libc::NUD_PERMANENT] {
            assert_eq!(told(state, &mac), Some(mac), "{state}");
        }
        for state in [libc::NUD_INCOMPLETE, libc::NUD_FAILED, libc::NUD_NOARP, 0] {
            assert_eq!(told(state, &mac), None, "{state}");
        }
        // InfiniBand has twenty bytes, a tunnel four.
        assert_eq!(told(libc::NUD_REACHABLE, &[1; 20]), None);
        assert_eq!(told(libc::NUD_REACHABLE, &[1; 4]), None);
    }

    fn route_of(fixed: [u8; 12], attributes: &[(u16, &[u8])]) -> Option<Route> {
        match said(libc::RTM_NEWROUTE, &fixed, attributes) {
            Some(Item::Route(route)) => Some(route),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_route_leads_by_one_link_or_by_several() {
        let fixed = [
            V4,
            8,
            0,
            0,
            libc::RT_TABLE_MAIN,
            0,
            0,
            libc::RTN_UNICAST,
            0,
            0,
            0,
            0,
        ];
        let link = 5u32.to_ne_bytes();
        let metric = 100u32.to_ne_bytes();
        let table = 1000u32.to_ne_bytes();
        let one = route_of(
            fixed,
            &[
                (libc::RTA_DST, &[10, 0, 0, 0]),
                (libc::RTA_OIF, &link),
                (libc::RTA_PRIORITY, &metric),
                (libc::RTA_TABLE, &table),
            ],
        )
        .unwrap();
        assert_eq!((one.destination, one.prefix_len), (ip("10.0.0.0"), 8));
        assert_eq!((one.table, one.metric), (1000, 100));
        assert_eq!(one.hops, [hop(5, 0)]);
        let mut hops = Vec::new();
        for (link, flags) in [(5u32, 0), (6, RTNH_F_DEAD), (7, RTNH_F_LINKDOWN)] {
            // Each with a gateway behind it.
            hops.extend(16u16.to_ne_bytes());
            hops.extend([flags, 0]);
            hops.extend(link.to_ne_bytes());
            hops.extend([8, 0, 5, 0, 10, 0, 0, 1]);
        }
        let many = |hops: &[u8]| route_of(fixed, &[(libc::RTA_MULTIPATH, hops)]).unwrap();
        let [five, six, seven] = many(&hops)
            .hops
            .try_into()
            .unwrap_or_else(|hops| panic!("{hops:?}"));
        assert_eq!(five, hop(5, 0));
        assert!(six.is_dead && !six.is_down && seven.is_down && !seven.is_dead);
        assert_eq!(many(&hops[..20]).hops.len(), 1, "cut in the second");
        assert_eq!(many(&[0; 8]).hops, [], "a hop without length");
        assert!(
            route_of([V4, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[])
                .unwrap()
                .is_selective
        );
    }

    #[test]
    fn a_rule_says_what_it_looks_at() {
        let told = |fixed: [u8; 12], attributes: &[(u16, &[u8])]| match said(
            libc::RTM_NEWRULE,
            &fixed,
            attributes,
        ) {
            Some(Item::Rule(rule)) => rule,
            other => panic!("{other:?}"),
        };
        let to_table = [V4, 0, 0, 0, 254, 0, 0, FR_ACT_TO_TBL, 0, 0, 0, 0];
        let priority = 32_766u32.to_ne_bytes();
        let none = NO_SUPPRESSION.to_ne_bytes();
        let table = 254u32.to_ne_bytes();
        let usual: [(u16, &[u8]); 4] = [
            (FRA_PRIORITY, &priority),
            (FRA_TABLE, &table),
            (FRA_SUPPRESS_PREFIXLEN, &none),
            (FRA_PROTOCOL, &[2]),
        ];
        let main = Rule {
            family: Family::Ipv4,
            priority: 32_766,
            table: Some(254),
            by_destination: false,
            by_source: false,
            by_interface: false,
            by_mark: false,
            by_vrf: false,
            by_other: false,
        };
        assert_eq!(told(to_table, &usual), main);
        let one = 1u32.to_ne_bytes();
        let with = |kind, payload| told(to_table, &[(kind, payload)]);
        assert!(with(FRA_FWMARK, &one).by_mark);
        assert!(with(FRA_IIFNAME, b"lan\0").by_interface);
        assert!(with(FRA_L3MDEV, &[1]).by_vrf);
        assert!(with(20, &[0; 8]).by_other, "a range of users");
        assert!(with(99, &[]).by_other, "what is not known yet");
        assert_eq!(with(FRA_SUPPRESS_PREFIXLEN, &[0; 4]).table, None);
        assert!(told([V4, 0, 32, 0, 254, 0, 0, 1, 0, 0, 0, 0], &[]).by_source);
        let [a, b, c, d] = FIB_RULE_INVERT.to_ne_bytes();
        assert!(told([V4, 0, 0, 0, 254, 0, 0, 1, a, b, c, d], &[]).by_destination);
        assert_eq!(
            told([V4, 0, 0, 0, 254, 0, 0, 6, 0, 0, 0, 0], &[]).table,
            None
        );
    }

    proptest! {
        /// Whatever comes is read without a panic, and no prefix is longer
        /// than its address.
        #[test]
        fn noise_is_passed_over(
            kind in 16u16..36,
            family in prop_oneof![Just(V4), Just(V6), Just(0), any::<u8>()],
            noise in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut payload = noise;
            if let Some(first) = payload.first_mut() {
                *first = family;
            }
            let bytes = message(kind, &payload, &[]);
            let (ip, len) = match read(&bytes).map(|notice| notice.item) {
                Some(Item::Address(a)) => (a.address, a.prefix_len),
                Some(Item::Route(r)) => (r.destination, r.prefix_len),
                _ => return Ok(()),
            };
            let family = if ip.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
            prop_assert!(len <= bits(family));
        }
    }
}
