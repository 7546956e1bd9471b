//! What changes on a host that runs: addresses that go, routes of every kind,
//! policy rules and neighbours, through rtnetlink (rtnetlink(7)).

use std::net::IpAddr;

use neli::consts::socket::NlFamily;

use super::links::{link_header, octets, parse, parse_prefix};
use super::namespace::Host;
use super::wire::{Message, Netlink, attribute};

/// `FRA_PRIORITY`, `FRA_FWMARK` and `FRA_TABLE`, `linux/fib_rules.h`.
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_TABLE: u16 = 15;
/// Messages to send at once: their answers fit into a receive buffer.
const BATCH: usize = 200;

impl Host {
    /// Takes an address from an interface.
    pub fn remove_address(&self, interface: &str, address: &str) {
        let (ip, prefix) = parse_prefix(address);
        let (family, bytes) = octets(ip);
        let mut header = vec![family, prefix, 0, 0];
        header.extend(self.interface_index(interface).to_ne_bytes());
        let message = Message::new(libc::RTM_DELADDR, 0)
            .body(&header)
            .attr(libc::IFA_LOCAL, &bytes);
        self.rtnetlink(message).unwrap_or_else(|e| {
            panic!(
                "cannot take {address} from {interface} of {}: {e}",
                self.name()
            )
        });
    }

    /// Removes a route that [`Host::add_route`] has added.
    pub fn remove_route(&self, prefix: &str) {
        let (ip, length) = parse_prefix(prefix);
        let message = Message::new(libc::RTM_DELROUTE, 0)
            .body(&route_header(ip, length, libc::RT_TABLE_MAIN, 0))
            .attr(libc::RTA_DST, &octets(ip).1);
        self.rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot remove route {prefix} of {}: {e}", self.name()));
    }

    /// Routes many prefixes at once, each to its gateway, in a table.
    pub fn add_routes(&self, table: u8, routes: impl IntoIterator<Item = (IpAddr, u8, IpAddr)>) {
        let messages = routes.into_iter().map(|(ip, length, gateway)| {
            Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE | libc::NLM_F_REPLACE)
                .body(&route_header(ip, length, table, libc::RTN_UNICAST))
                .attr(libc::RTA_DST, &octets(ip).1)
                .attr(libc::RTA_GATEWAY, &octets(gateway).1)
        });
        self.all(messages, "add routes");
    }

    /// Routes a prefix to several gateways at once.
    pub fn add_multipath(&self, prefix: &str, gateways: &[&str]) {
        let (ip, length) = parse_prefix(prefix);
        let hops: Vec<u8> = gateways
            .iter()
            .flat_map(|gateway| {
                let gateway =
                    Message::fragment().attr(libc::RTA_GATEWAY, &octets(parse(gateway)).1);
                // struct rtnexthop: length, flags, hops, interface.
                let gateway = gateway.into_bytes();
                let mut hop = (gateway.len() as u16 + 8).to_ne_bytes().to_vec();
                hop.extend([0; 6]);
                hop.extend(gateway);
                hop
            })
            .collect();
        let message = Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE)
            .body(&route_header(
                ip,
                length,
                libc::RT_TABLE_MAIN,
                libc::RTN_UNICAST,
            ))
            .attr(libc::RTA_DST, &octets(ip).1)
            .attr(libc::RTA_MULTIPATH, &hops);
        self.rtnetlink(message).unwrap_or_else(|e| {
            panic!(
                "cannot route {prefix} of {} to {gateways:?}: {e}",
                self.name()
            )
        });
    }

    /// Lets a host take in all that is addressed to a prefix, none of whose
    /// addresses it has.
    pub fn take_in(&self, prefix: &str) {
        let (ip, length) = parse_prefix(prefix);
        let message = Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE)
            .body(&route_header(
                ip,
                length,
                libc::RT_TABLE_LOCAL,
                libc::RTN_LOCAL,
            ))
            .attr(libc::RTA_DST, &octets(ip).1)
            .attr(libc::RTA_OIF, &self.interface_index("lo").to_ne_bytes());
        self.rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot let {} take {prefix} in: {e}", self.name()));
    }

    /// Routes packets of IPv4 by a table of their own: those with a mark, or
    /// those from a host.
    pub fn add_policy(&self, table: u8, mark: Option<u32>, from: Option<&str>) {
        let from = from.map(|ip| octets(parse(ip)).1);
        let mut header = vec![0; 12];
        header[0] = libc::AF_INET as u8;
        header[2] = from.as_ref().map_or(0, |ip| ip.len() as u8 * 8);
        header[4] = table;
        header[7] = 1; // FR_ACT_TO_TBL
        let mut message = Message::new(libc::RTM_NEWRULE, libc::NLM_F_CREATE)
            .body(&header)
            .attr(FRA_PRIORITY, &1000u32.to_ne_bytes())
            .attr(FRA_TABLE, &u32::from(table).to_ne_bytes());
        if let Some(from) = from {
            message = message.attr(2, &from); // FRA_SRC
        }
        if let Some(mark) = mark {
            message = message.attr(FRA_FWMARK, &mark.to_ne_bytes());
        }
        self.rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot add a rule to {}: {e}", self.name()));
    }

    /// Tells a host the hardware addresses of neighbours, for good.
    pub fn add_neighbours(
        &self,
        interface: &str,
        neighbours: impl IntoIterator<Item = (IpAddr, [u8; 6])>,
    ) {
        self.set_neighbours(interface, libc::NUD_PERMANENT, neighbours);
    }

    /// As [`Host::add_neighbours`], in a state (`NUD_*`) that may pass.
    pub fn set_neighbours(
        &self,
        interface: &str,
        state: u16,
        neighbours: impl IntoIterator<Item = (IpAddr, [u8; 6])>,
    ) {
        let index = self.interface_index(interface).to_ne_bytes();
        let messages = neighbours.into_iter().map(|(ip, mac)| {
            let (family, bytes) = octets(ip);
            // struct ndmsg, linux/neighbour.h
            let mut header = vec![family, 0, 0, 0];
            header.extend(index);
            header.extend(state.to_ne_bytes());
            header.extend([0, 0]);
            Message::new(libc::RTM_NEWNEIGH, libc::NLM_F_CREATE | libc::NLM_F_REPLACE)
                .body(&header)
                .attr(libc::NDA_DST, &bytes)
                .attr(libc::NDA_LLADDR, &mac)
        });
        self.all(messages, "add neighbours");
    }

    /// The hardware address of an interface.
    pub fn hardware_address(&self, interface: &str) -> [u8; 6] {
        let message = Message::new(libc::RTM_GETLINK, 0)
            .body(&link_header(0, 0))
            .text(libc::IFLA_IFNAME, interface);
        let answer = self
            .rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot find {interface} of {}: {e}", self.name()))
            .expect("the kernel answers RTM_GETLINK with a link");
        let address = attribute(&answer[16..], &[libc::IFLA_ADDRESS]);
        address
            .and_then(|bytes| bytes.try_into().ok())
            .expect("an Ethernet address")
    }

    fn all(&self, messages: impl IntoIterator<Item = Message>, what: &str) {
        let mut messages = messages.into_iter().map(Message::acknowledged).peekable();
        let mut netlink = Netlink::open(self, NlFamily::Route);
        while messages.peek().is_some() {
            let batch = messages.by_ref().take(BATCH).collect();
            netlink
                .converse(batch, |_| {})
                .unwrap_or_else(|e| panic!("cannot {what} of {}: {e}", self.name()));
        }
    }
}

/// `struct rtmsg`, linux/rtnetlink.h.
fn route_header(ip: IpAddr, length: u8, table: u8, kind: u8) -> Vec<u8> {
    let scope = if kind == libc::RTN_LOCAL {
        libc::RT_SCOPE_HOST
    } else {
        libc::RT_SCOPE_UNIVERSE
    };
    let (family, _) = octets(ip);
    let mut header = vec![
        family,
        length,
        0,
        0,
        table,
        libc::RTPROT_STATIC,
        scope,
        kind,
    ];
    if kind == 0 {
        // Whatever made the route to be removed.
        header[5] = 0;
        header[6] = libc::RT_SCOPE_NOWHERE;
    }
    header.extend([0; 4]);
    header
}
