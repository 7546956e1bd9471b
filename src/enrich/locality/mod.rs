//! What is here: our addresses, interfaces and neighbours, and which way flows
//! go.
//!
//! A [`Locality`] is what the kernel's network configuration says at one
//! moment. [`Locality::read`] makes one; [`Watch`] follows the configuration
//! and makes a new one when something has changed. [`Paths`] finds the
//! interfaces that flows use.
//!
//! A flow's direction goes by where its first packet came from and where it
//! went after address translation (the source of the reply tuple):
//!
//! 1. Here are the addresses of this machine, those that it had until a few
//!    minutes ago and that nobody else has taken (flows outlive them), networks
//!    that the table `local` takes in whole, and loopback addresses.
//! 2. A broadcast or multicast that comes from elsewhere comes in.
//! 3. Everything else from elsewhere to elsewhere is forwarded.

pub mod cidr;
mod paths;
mod ranges;
mod routes;
mod state;
mod watch;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use foldhash::fast::RandomState;
use ipnet::IpNet;

use crate::flow::{Direction, Pair, Tuple};
use ranges::{Ranges, key};
use routes::Routes;

pub use paths::Paths;
pub use watch::Watch;

/// A hardware address of six bytes (IEEE EUI-48).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|octet| write!(f, ":{octet:02x}"))
    }
}

/// What counts as ours beyond what the kernel says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Networks behind this machine that are on none of its links.
    pub local: Vec<IpNet>,
}

/// An interface of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number that the kernel knows it by.
    pub index: u32,
    /// Its name, made fit for a terminal.
    pub name: Arc<str>,
    /// What makes it: `bridge`, `wireguard`, `tun` and so on; absent for
    /// hardware.
    pub kind: Option<Arc<str>>,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it only leads back here.
    pub is_loopback: bool,
}

/// What the kernel's network configuration says, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locality {
    /// Addresses of this machine, those it had until a few minutes ago, and
    /// those that its routes take in one by one.
    pub(crate) addresses: HashSet<IpAddr, RandomState>,
    /// Hardware addresses of neighbours on the links of this machine.
    pub(crate) neighbours: HashMap<IpAddr, Mac, RandomState>,
    /// By index.
    links: Vec<Link>,
    /// Networks that the links lead to.
    attached: Attached,
    /// What the user calls ours.
    local: Vec<IpNet>,
    /// The link of an address that is ours, or, if it is of this link only
    /// (`fe80::/10`), of a neighbour; `None` if it is on several.
    on_link: HashMap<IpAddr, Option<u32>, RandomState>,
    routes: Arc<Routes>,
}

/// Networks that the links lead to, by family, and whether it is only links
/// that a default route leads out of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Attached {
    ipv4: Ranges<bool>,
    ipv6: Ranges<bool>,
}

impl Attached {
    /// Whether the network around an address is only beside the way to
    /// everywhere; `None` if no link leads to it.
    fn is_upstream(&self, address: IpAddr) -> Option<bool> {
        let ranges = match address {
            IpAddr::V4(_) => &self.ipv4,
            IpAddr::V6(_) => &self.ipv6,
        };
        ranges.get(key(address)).map(|(_, is_upstream)| is_upstream)
    }
}

/// How near an address is, the nearest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// Anywhere.
    Far,
    /// On the same network as this machine, beside the way to everywhere.
    Upstream,
    /// A private address.
    Private,
    /// On a network that only this machine connects to others.
    Attached,
    /// Ours by the user's word.
    Local,
}

impl Locality {
    /// A machine with these addresses and neighbours, and without links.
    pub fn of(
        addresses: impl IntoIterator<Item = IpAddr>,
        neighbours: impl IntoIterator<Item = (IpAddr, Mac)>,
    ) -> Self {
        Self {
            addresses: addresses.into_iter().collect(),
            neighbours: neighbours.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether a packet to this address would be for this machine.
    pub fn is_here(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.addresses.contains(&address) || self.routes.takes_in(address)
    }

    /// Whether packets to this address are for everybody on a network who
    /// wants them: broadcast or multicast.
    pub fn is_for_many(&self, address: IpAddr) -> bool {
        address.is_multicast()
            || address == IpAddr::V4(Ipv4Addr::BROADCAST)
            || self.routes.broadcasts.contains(&address)
    }

    /// Whether the host with this address is one of ours: this machine, on a
    /// network that one of its links is on, or in one of the networks that the
    /// user named.
    pub fn is_ours(&self, address: IpAddr) -> bool {
        contains(&self.local, address)
            || self.attached.is_upstream(address).is_some()
            || self.is_here(address)
    }

    /// Whether both call the same addresses [here](Locality::is_here), so that
    /// flows go the same way by either.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.addresses == other.addresses && self.shares_routes(other)
    }

    /// Which way a flow goes: `None` before addresses are known. `reply` says
    /// where it really went to, after address translation.
    pub fn direction(&self, orig: &Tuple, reply: &Tuple) -> Option<Direction> {
        if self.addresses.is_empty() {
            return None;
        }
        let (from, to) = (orig.src(), reply.src());
        Some(match (self.is_here(from), self.is_here(to)) {
            (true, true) => Direction::Local,
            (true, false) => Direction::Out,
            (false, true) => Direction::In,
            (false, false) if self.is_for_many(to) => Direction::In,
            (false, false) => Direction::Forward,
        })
    }

    /// The end of a flow that is on our side.
    ///
    /// 1. Of a flow from this machine, its source.
    /// 2. Of a flow to this machine, the address it went to; of a broadcast or
    ///    multicast that comes in, its source, since it went to no host.
    /// 3. Of a forwarded flow, the nearer end: in a network that the user
    ///    named, on a link that no default route leads out of, private
    ///    (RFC 1918, 4193, 6598, link-local), beside the default route, any;
    ///    the source if both are as near.
    pub fn near_end(&self, orig: &Tuple, reply: &Tuple) -> IpAddr {
        let (from, to) = (orig.src(), reply.src());
        match self.direction(orig, reply) {
            Some(Direction::In) if !self.is_for_many(to) => to,
            Some(Direction::Forward) if self.nearness(to) > self.nearness(from) => to,
            _ => from,
        }
    }

    /// Of an address that is not here.
    fn nearness(&self, address: IpAddr) -> Nearness {
        if contains(&self.local, address) {
            return Nearness::Local;
        }
        match self.attached.is_upstream(address) {
            Some(false) => Nearness::Attached,
            _ if is_private(address) => Nearness::Private,
            Some(true) => Nearness::Upstream,
            None => Nearness::Far,
        }
    }

    /// Hardware address of a neighbour; `None` if it is not known, or not the
    /// same on all links.
    pub fn mac(&self, address: IpAddr) -> Option<Mac> {
        self.neighbours.get(&address).copied()
    }

    /// The interfaces of this machine, by index.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The interface with a name.
    ///
    /// # Errors
    /// If there is none: a text that names those there are.
    pub fn link_named(&self, name: &str) -> Result<&Link, String> {
        self.links
            .iter()
            .find(|link| &*link.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.links.iter().map(|link| &*link.name).collect();
                format!(
                    "`{}` is no interface here; there are {}",
                    name.escape_debug(),
                    names.join(", ")
                )
            })
    }

    /// Whether it is of the same reading of the routes as another.
    pub(super) fn shares_routes(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.routes, &other.routes)
    }

    fn link(&self, index: u32) -> Option<&Link> {
        let at = self.links.binary_search_by_key(&index, |link| link.index);
        at.ok().and_then(|at| self.links.get(at))
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// An address that is used behind routers only.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_shared = a == 100 && b & 0xc0 == 64;
            ip.is_private() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The interfaces a flow uses: where its first packet comes in, and where it
/// goes out. Inferred from routes, not observed.
pub type Interfaces = Pair<Option<Arc<str>>>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{L4, Protocol};

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn tuple(src: &str, dst: &str) -> Tuple {
        Tuple::new(ip(src), ip(dst), Protocol::TCP, L4::None).unwrap()
    }

    fn here(addresses: &[&str]) -> Locality {
        Locality {
            addresses: addresses.iter().map(|text| ip(text)).collect(),
            ..Locality::default()
        }
    }

    #[test]
    fn a_direction_is_told_once_addresses_are_known() {
        let orig = tuple("127.0.0.1", "127.0.0.1");
        assert_eq!(here(&[]).direction(&orig, &orig.inverted()), None);
        let known = here(&["192.0.2.1", "2001:db8::1"]);
        for (src, dst, direction) in [
            ("192.0.2.1", "8.8.4.4", Direction::Out),
            ("8.8.4.4", "192.0.2.1", Direction::In),
            ("8.8.4.4", "1.1.1.1", Direction::Forward),
            ("192.0.2.1", "192.0.2.1", Direction::Local),
            ("127.0.0.1", "127.9.9.9", Direction::Local),
            ("2001:db8::1", "2001:db8::2", Direction::Out),
            ("2001:db8::2", "2001:db8::1", Direction::In),
            ("8.8.4.4", "255.255.255.255", Direction::In),
            ("192.0.2.1", "255.255.255.255", Direction::Out),
            ("8.8.4.4", "239.1.2.3", Direction::In),
            ("0.0.0.0", "255.255.255.255", Direction::In),
            ("2001:db8::2", "ff02::fb", Direction::In),
            ("2001:db8::1", "ff02::fb", Direction::Out),
        ] {
            let orig = tuple(src, dst);
            let told = known.direction(&orig, &orig.inverted());
            assert_eq!(told, Some(direction), "{src} > {dst}");
        }
    }

    #[test]
    fn the_reply_says_where_a_flow_really_went() {
        let known = here(&["192.0.2.1", "198.51.100.1"]);
        let told = |orig: (&str, &str), reply: (&str, &str)| {
            let (orig, reply) = (tuple(orig.0, orig.1), tuple(reply.0, reply.1));
            let direction = known.direction(&orig, &reply).unwrap();
            (direction, known.near_end(&orig, &reply).to_string())
        };
        // A client behind a masquerade, a server behind a port forward, one on
        // the router itself, and a transparent proxy.
        for (orig, reply, direction, near) in [
            (
                ("10.0.0.5", "8.8.4.4"),
                ("8.8.4.4", "198.51.100.1"),
                Direction::Forward,
                "10.0.0.5",
            ),
            (
                ("8.8.4.4", "198.51.100.1"),
                ("10.0.0.5", "8.8.4.4"),
                Direction::Forward,
                "10.0.0.5",
            ),
            (
                ("8.8.4.4", "198.51.100.1"),
                ("192.0.2.1", "8.8.4.4"),
                Direction::In,
                "192.0.2.1",
            ),
            (
                ("10.0.0.5", "8.8.4.4"),
                ("127.0.0.1", "10.0.0.5"),
                Direction::In,
                "127.0.0.1",
            ),
        ] {
            assert_eq!(told(orig, reply), (direction, near.into()), "{orig:?}");
        }
    }

    #[test]
    fn private_addresses_are_those_of_the_rfcs() {
        for (address, expected) in [
            ("10.0.0.1", true),
            ("172.31.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("100.63.255.255", false),
            ("100.64.0.1", true),
            ("100.127.255.255", true),
            ("100.128.0.0", false),
            ("169.254.1.1", true),
            ("8.8.4.4", false),
            ("fd00::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_private(ip(address)), expected, "{address}");
        }
    }

    #[test]
    fn a_hardware_address_is_written_as_everywhere() {
        let mac = Mac([2, 0, 0xab, 0xcd, 0xef, 9]);
        assert_eq!(mac.to_string(), "02:00:ab:cd:ef:09");
    }
}
