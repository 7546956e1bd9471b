//! What the kernel knows of the network around it: links, addresses,
//! neighbours, routes and policy rules, over `NETLINK_ROUTE` (rtnetlink(7)).
//! Needs no privilege.

mod decode;
mod session;
mod traffic;

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use crate::flow::Family;

pub use decode::decode;
pub use session::{Dump, Ending, Question, Session, subscribe};
pub use traffic::{Carried, LinkState, Traffic};

/// Why the network configuration cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "{action} over rtnetlink: {source}; \
     a sandbox around flowtop must allow sockets of the family AF_NETLINK"
)]
pub struct RouteError {
    /// What was tried.
    pub action: &'static str,
    /// The kernel's answer.
    pub source: io::Error,
}

/// An interface (`struct ifinfomsg`, `linux/if_link.h`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// `ifi_index`.
    pub index: u32,
    /// `IFLA_IFNAME`.
    pub name: String,
    /// `IFLA_INFO_KIND`: `bridge`, `wireguard`, `vrf` and so on; absent for
    /// hardware.
    pub kind: Option<String>,
    /// `IFF_UP`: switched on, with or without a cable.
    pub is_up: bool,
    /// `IFF_LOOPBACK`.
    pub is_loopback: bool,
}

/// An address of this machine (`struct ifaddrmsg`, `linux/if_addr.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Index of its link.
    pub link: u32,
    /// `IFA_LOCAL`, where there is none `IFA_ADDRESS`.
    pub address: IpAddr,
    /// What the prefix is a prefix of (`IFA_ADDRESS`): the far end of a
    /// point-to-point link, else the address itself.
    pub network: IpAddr,
    /// Length of the prefix in bits, at most that of the address.
    pub prefix_len: u8,
    /// `IFA_BROADCAST`.
    pub broadcast: Option<Ipv4Addr>,
    /// `IFA_F_DADFAILED`: somebody else has this address, and it is not in
    /// use.
    pub is_duplicate: bool,
}

/// A neighbour on a link (`struct ndmsg`, `linux/neighbour.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the link.
    pub link: u32,
    /// `NDA_DST`.
    pub address: IpAddr,
    /// `NDA_LLADDR` of an entry whose state says that it is valid
    /// (`NUD_VALID` without `NUD_NOARP`), if it has six bytes.
    pub mac: Option<[u8; 6]>,
}

/// What a route does with a packet (`rtm_type`, `RTN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// `RTN_UNICAST`: passes it on.
    Unicast,
    /// `RTN_LOCAL`: takes it in.
    Local,
    /// `RTN_BROADCAST`: takes it in as a broadcast, sends it as one.
    Broadcast,
    /// `RTN_ANYCAST`: takes it in at an anycast address.
    Anycast,
    /// `RTN_MULTICAST`.
    Multicast,
    /// `RTN_BLACKHOLE`, `RTN_UNREACHABLE`, `RTN_PROHIBIT`.
    Refuse,
    /// `RTN_THROW`: looks in the next table.
    Throw,
    /// Anything else.
    Other,
}

/// Where a route leads (`struct rtnexthop`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// Index of the link.
    pub link: u32,
    /// `RTNH_F_DEAD`: not in use.
    pub is_dead: bool,
    /// `RTNH_F_LINKDOWN`: in use or not, as a sysctl says.
    pub is_down: bool,
}

/// A route (`struct rtmsg`, `linux/rtnetlink.h`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `RTA_TABLE`.
    pub table: u32,
    /// `RTA_DST`; of all zeroes for a default route.
    pub destination: IpAddr,
    /// Length of the destination's prefix in bits, at most that of the
    /// address.
    pub prefix_len: u8,
    /// Whether it holds for some sources only (`rtm_src_len`) or for a type of
    /// service (`rtm_tos`).
    pub is_selective: bool,
    /// What it does.
    pub kind: RouteKind,
    /// `RTA_PRIORITY`; the lowest wins.
    pub metric: u32,
    /// The links it may use; more than one for multipath routes, none where
    /// the kernel does not say.
    pub hops: Vec<Hop>,
}

/// The table of what is addressed to this machine (`RT_TABLE_LOCAL`).
pub const TABLE_LOCAL: u32 = libc::RT_TABLE_LOCAL as u32;
/// The table of everything else (`RT_TABLE_MAIN`).
pub const TABLE_MAIN: u32 = libc::RT_TABLE_MAIN as u32;
/// The table that is asked last, and is mostly empty (`RT_TABLE_DEFAULT`).
pub const TABLE_DEFAULT: u32 = libc::RT_TABLE_DEFAULT as u32;

/// A policy rule (`struct fib_rule_hdr`, `linux/fib_rules.h`): which table is
/// asked, and for which packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a selector that the kernel has"
)]
pub struct Rule {
    /// Of which packets.
    pub family: Family,
    /// `FRA_PRIORITY`; the lowest is asked first.
    pub priority: u32,
    /// The table that `FR_ACT_TO_TBL` asks; `None` for other actions, and
    /// where the table's answer is restricted.
    pub table: Option<u32>,
    /// `FRA_DST` or `FIB_RULE_INVERT`, which one lookup by destination
    /// respects.
    pub by_destination: bool,
    /// `FRA_SRC`.
    pub by_source: bool,
    /// `FRA_IIFNAME`.
    pub by_interface: bool,
    /// `FRA_FWMARK`.
    pub by_mark: bool,
    /// `FRA_L3MDEV`: the table of the packet's VRF.
    pub by_vrf: bool,
    /// By what a lookup by addresses, interface and mark does not say: users,
    /// ports, protocols, type of service, tunnels.
    pub by_other: bool,
}

/// Something that the kernel tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `RTM_NEWLINK`.
    Link(Link),
    /// `RTM_NEWADDR`.
    Address(Address),
    /// `RTM_NEWNEIGH`.
    Neighbour(Neighbour),
    /// `RTM_NEWROUTE`.
    Route(Route),
    /// `RTM_NEWRULE`.
    Rule(Rule),
}

/// An item, and whether it is there or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `RTM_DEL*`.
    pub is_gone: bool,
    /// What it is about.
    pub item: Item,
}

/// The `AF_*` of a family.
const fn address_family(family: Family) -> u8 {
    match family {
        Family::Ipv4 => libc::AF_INET as u8,
        Family::Ipv6 => libc::AF_INET6 as u8,
    }
}
