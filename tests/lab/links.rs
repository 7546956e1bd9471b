//! Cables, addresses and routes, through rtnetlink (rtnetlink(7)).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process;

use neli::consts::socket::NlFamily;

use super::namespace::Host;
use super::wire::{Message, Netlink};
use super::{Lab, eventually, skip};

/// `VETH_INFO_PEER`, linux/veth.h.
const VETH_INFO_PEER: u16 = 1;

/// `IFA_FLAGS` (`linux/if_addr.h`): more flags than fit into `struct ifaddrmsg`.
const IFA_FLAGS: u16 = 8;

/// One end of a cable.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// Where the end is plugged in.
    pub host: &'a Host,
    /// The interface it becomes, at most 15 bytes.
    pub interface: &'a str,
    /// Addresses with prefix lengths: `192.0.2.1/24`.
    pub addresses: &'a [&'a str],
}

/// A network with a router in the middle:
///
/// ```text
/// client eth0 ------ lan router wan ------ eth0 server
///   192.0.2.10   192.0.2.1   198.51.100.1   198.51.100.20
///   2001:db8:1::10   ::1   2001:db8:2::1   2001:db8:2::20
/// ```
///
/// IPv4 and IPv6 are forwarded; no host has any rules.
pub struct Network {
    /// Interface `eth0`.
    pub client: Host,
    /// Interfaces `lan` and `wan`.
    pub router: Host,
    /// Interface `eth0`.
    pub server: Host,
    /// The addresses of the hosts.
    pub at: Addresses,
}

/// Addresses of a [`Network`], IPv4 and IPv6, of networks /24 and /64.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The client's.
    pub client: [IpAddr; 2],
    /// The router's at the client's side.
    pub lan: [IpAddr; 2],
    /// The router's at the server's side.
    pub wan: [IpAddr; 2],
    /// The server's.
    pub server: [IpAddr; 2],
}

impl Addresses {
    /// Those in the picture.
    const PICTURE: Self = Self {
        client: [v4([192, 0, 2, 10]), v6([1, 0, 0x10])],
        lan: [v4([192, 0, 2, 1]), v6([1, 0, 1])],
        wan: [v4([198, 51, 100, 1]), v6([2, 0, 1])],
        server: [v4([198, 51, 100, 20]), v6([2, 0, 0x20])],
    };

    /// Those of no other laboratory that is there at the same time.
    fn of_this_process() -> Self {
        let id = process::id() as u16;
        let [high, low] = id.to_be_bytes();
        let lan = |host: u8| [v4([10, high, low, host]), v6([id, 1, host.into()])];
        let wan = |host: u8| [v4([11, high, low, host]), v6([id, 2, host.into()])];
        Self {
            client: lan(10),
            lan: lan(1),
            wan: wan(1),
            server: wan(20),
        }
    }
}

const fn v4([a, b, c, d]: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// `2001:db8:a:b::host`.
const fn v6([a, b, host]: [u16; 3]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, a, b, 0, 0, 0, host))
}

impl Lab {
    /// Connects two hosts with a veth pair. Both interfaces are up and carry
    /// traffic when this returns.
    pub fn cable(&self, a: End, b: End) {
        let message = Message::new(libc::RTM_NEWLINK, libc::NLM_F_CREATE | libc::NLM_F_EXCL)
            .body(&link_header(0, 0))
            .text(libc::IFLA_IFNAME, a.interface)
            .attr(libc::IFLA_NET_NS_FD, &a.host.namespace_fd().to_ne_bytes())
            .nest(libc::IFLA_LINKINFO, |info| {
                info.text(libc::IFLA_INFO_KIND, "veth")
                    .nest(libc::IFLA_INFO_DATA, |data| {
                        data.nest(VETH_INFO_PEER, |peer| {
                            peer.body(&link_header(0, 0))
                                .text(libc::IFLA_IFNAME, b.interface)
                                .attr(libc::IFLA_NET_NS_FD, &b.host.namespace_fd().to_ne_bytes())
                        })
                    })
            });
        match self.here().rtnetlink(message) {
            Err(e) if e.raw_os_error() == Some(libc::EOPNOTSUPP) => {
                skip("this kernel has no veth devices");
            }
            result => result.unwrap_or_else(|e| {
                panic!(
                    "cannot connect {} and {}: {e}",
                    a.host.name(),
                    b.host.name()
                )
            }),
        };
        for end in [a, b] {
            end.host.raise(end.interface);
        }
        for end in [a, b] {
            eventually("both ends of the cable see each other", || {
                end.host.link_flags(end.interface) & libc::IFF_RUNNING as u32 != 0
            });
            for address in end.addresses {
                end.host.add_address(end.interface, address);
            }
        }
    }

    /// Makes a client, a router and a server. See [`Network`].
    pub fn router(&self) -> Network {
        self.router_at(Addresses::PICTURE)
    }

    /// As [`Lab::router`], with addresses that no other laboratory has: to
    /// root, the namespaces of all of them are on one machine.
    pub fn router_apart(&self) -> Network {
        self.router_at(Addresses::of_this_process())
    }

    fn router_at(&self, at: Addresses) -> Network {
        let net = Network {
            client: self.host("client"),
            router: self.host("router"),
            server: self.host("server"),
            at,
        };
        let with_prefix = |[v4, v6]: [IpAddr; 2]| [format!("{v4}/24"), format!("{v6}/64")];
        for [(host, interface, addresses), (beyond, port, theirs)] in [
            [
                (&net.client, "eth0", at.client),
                (&net.router, "lan", at.lan),
            ],
            [
                (&net.router, "wan", at.wan),
                (&net.server, "eth0", at.server),
            ],
        ] {
            let (addresses, theirs) = (with_prefix(addresses), with_prefix(theirs));
            self.cable(
                End {
                    host,
                    interface,
                    addresses: &addresses.each_ref().map(String::as_str),
                },
                End {
                    host: beyond,
                    interface: port,
                    addresses: &theirs.each_ref().map(String::as_str),
                },
            );
        }
        net.router.set_sysctl("net/ipv4/ip_forward", "1");
        net.router.set_sysctl("net/ipv6/conf/all/forwarding", "1");
        for (host, gateways) in [(&net.client, at.lan), (&net.server, at.wan)] {
            for gateway in gateways {
                host.default_route(&gateway.to_string());
            }
        }
        net
    }
}

impl Host {
    /// Brings an interface up.
    pub fn raise(&self, interface: &str) {
        let up = libc::IFF_UP as u32;
        let message = Message::new(libc::RTM_NEWLINK, 0)
            .body(&link_header(up, up))
            .text(libc::IFLA_IFNAME, interface);
        self.rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot bring {interface} of {} up: {e}", self.name()));
    }

    /// Gives an interface an address with a prefix length. IPv6 addresses are
    /// usable at once: nobody looks for duplicates.
    pub fn add_address(&self, interface: &str, address: &str) {
        let (ip, prefix) = parse_prefix(address);
        let (family, bytes) = octets(ip);
        // struct ifaddrmsg, linux/if_addr.h
        let mut header = vec![family, prefix, 0, 0];
        header.extend(self.interface_index(interface).to_ne_bytes());
        let message = Message::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL)
            .body(&header)
            .attr(libc::IFA_LOCAL, &bytes)
            .attr(libc::IFA_ADDRESS, &bytes)
            .attr(IFA_FLAGS, &libc::IFA_F_NODAD.to_ne_bytes());
        self.rtnetlink(message).unwrap_or_else(|e| {
            panic!(
                "cannot give {address} to {interface} of {}: {e}",
                self.name()
            )
        });
    }

    /// Routes what has no better route to a gateway, IPv4 or IPv6.
    pub fn default_route(&self, gateway: &str) {
        match parse(gateway) {
            IpAddr::V4(_) => self.add_route("0.0.0.0/0", gateway),
            IpAddr::V6(_) => self.add_route("::/0", gateway),
        }
    }

    /// Routes a prefix to a gateway.
    pub fn add_route(&self, prefix: &str, gateway: &str) {
        let (ip, length) = parse_prefix(prefix);
        let (family, destination) = octets(ip);
        // struct rtmsg, linux/rtnetlink.h
        let mut header = vec![
            family,
            length,
            0,
            0,
            libc::RT_TABLE_MAIN,
            libc::RTPROT_STATIC,
            libc::RT_SCOPE_UNIVERSE,
            libc::RTN_UNICAST,
        ];
        header.extend(0u32.to_ne_bytes());
        let mut message =
            Message::new(libc::RTM_NEWROUTE, libc::NLM_F_CREATE | libc::NLM_F_EXCL).body(&header);
        if length > 0 {
            message = message.attr(libc::RTA_DST, &destination);
        }
        let message = message.attr(libc::RTA_GATEWAY, &octets(parse(gateway)).1);
        self.rtnetlink(message).unwrap_or_else(|e| {
            panic!("cannot route {prefix} of {} to {gateway}: {e}", self.name())
        });
    }

    pub(super) fn interface_index(&self, interface: &str) -> u32 {
        self.link_field(interface, 4)
    }

    fn link_flags(&self, interface: &str) -> u32 {
        self.link_field(interface, 8)
    }

    /// A number of an interface's `struct ifinfomsg`.
    fn link_field(&self, interface: &str, at: usize) -> u32 {
        let message = Message::new(libc::RTM_GETLINK, 0)
            .body(&link_header(0, 0))
            .text(libc::IFLA_IFNAME, interface);
        let answer = self
            .rtnetlink(message)
            .unwrap_or_else(|e| panic!("cannot find {interface} of {}: {e}", self.name()))
            .expect("the kernel answers RTM_GETLINK with a link");
        u32::from_ne_bytes(answer[at..at + 4].try_into().expect("four bytes"))
    }

    pub(super) fn rtnetlink(&self, message: Message) -> io::Result<Option<Vec<u8>>> {
        Netlink::open(self, NlFamily::Route).request(message)
    }
}

/// `struct ifinfomsg`, linux/rtnetlink.h: no family, no type, any index.
pub(super) fn link_header(flags: u32, change: u32) -> [u8; 16] {
    let mut header = [0; 16];
    header[8..12].copy_from_slice(&flags.to_ne_bytes());
    header[12..16].copy_from_slice(&change.to_ne_bytes());
    header
}

/// The address family and the bytes of an address.
pub(super) fn octets(ip: IpAddr) -> (u8, Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => (libc::AF_INET as u8, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6 as u8, ip.octets().to_vec()),
    }
}

pub(super) fn parse(ip: &str) -> IpAddr {
    ip.parse().unwrap_or_else(|e| panic!("{ip}: {e}"))
}

pub(super) fn parse_prefix(prefix: &str) -> (IpAddr, u8) {
    let (ip, length) = prefix
        .split_once('/')
        .unwrap_or_else(|| panic!("{prefix} has no prefix length"));
    let length = length.parse().unwrap_or_else(|e| panic!("{prefix}: {e}"));
    (parse(ip), length)
}
