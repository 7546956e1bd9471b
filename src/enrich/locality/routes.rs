//! The routing tables, as far as they are small and simple enough to look
//! packets up in them without asking the kernel.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::ranges::{Prefix, Ranges, key};
use crate::flow::Family;
use crate::netlink::route::{Hop, Route, RouteKind, Rule, TABLE_DEFAULT, TABLE_LOCAL, TABLE_MAIN};

/// Routes of a family that are kept. Whoever has more runs a routing protocol,
/// and the kernel is asked about single hosts.
pub(super) const CAPACITY: usize = 8192;

/// Where a table sends packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Out of a link.
    Link(u32),
    /// To this machine.
    Here,
    /// Nowhere, or by more than one link.
    Unknown,
    /// To the next table.
    Pass,
    /// Only the kernel knows.
    Ask,
}

/// What a lookup by the kernel must say besides the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Selectors {
    /// Source and incoming interface.
    pub(super) source: bool,
    /// The mark.
    pub(super) mark: bool,
}

/// How the way of a packet is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fib {
    /// In these tables, one after the other. The first is that of this
    /// machine.
    Tables(Vec<Ranges<Way>>),
    /// By asking the kernel.
    Kernel(Selectors),
    /// Not from what is known of a flow.
    Unclear,
}

impl Fib {
    /// By policy rules and the routes of the three usual tables, or no routes
    /// if there are too many. `has_vrf` is whether any link is a VRF.
    pub(super) fn new(rules: &[Rule], routes: Option<&[Route]>, has_vrf: bool) -> Self {
        let mut selectors = Selectors::default();
        let mut is_usual = true;
        for rule in rules {
            if rule.by_vrf && !has_vrf {
                continue;
            }
            if rule.by_other || rule.by_vrf {
                return Self::Unclear;
            }
            is_usual &= is_default(rule);
            selectors.source |= rule.by_source || rule.by_interface;
            selectors.mark |= rule.by_mark;
        }
        match routes {
            Some(routes) if is_usual => {
                let tables = [TABLE_LOCAL, TABLE_MAIN, TABLE_DEFAULT];
                Self::Tables(tables.map(|number| table(routes, number)).into())
            }
            _ => Self::Kernel(selectors),
        }
    }

    /// The way to an address by destination alone.
    pub(super) fn way(&self, to: IpAddr) -> Way {
        let tables = match self {
            Self::Tables(tables) => tables,
            Self::Kernel(_) => return Way::Ask,
            Self::Unclear => return Way::Unknown,
        };
        let key = key(to);
        let mut hits = tables.iter().map(|table| table.get(key));
        let Some((free_bits, way)) = hits.next().flatten().filter(|(_, way)| *way != Way::Pass)
        else {
            let mut found = hits.flatten().map(|(_, way)| way);
            return found.find(|way| *way != Way::Pass).unwrap_or(Way::Unknown);
        };
        // Until a rule is added, the kernel keeps both IPv4 tables in one, and
        // the longest prefix wins whichever it is of; afterwards the first
        // table wins. It does not tell which of the two it is at.
        match hits.next().flatten() {
            Some((longer, _)) if longer < free_bits && to.is_ipv4() => Way::Ask,
            _ => way,
        }
    }
}

/// Whether this is one of the rules that every namespace begins with
/// (`fib_default_rules_init`).
fn is_default(rule: &Rule) -> bool {
    let usual = [
        (0, TABLE_LOCAL),
        (32_766, TABLE_MAIN),
        (32_767, TABLE_DEFAULT),
    ];
    let selects = rule.by_destination || rule.by_source || rule.by_interface || rule.by_mark;
    !selects
        && usual
            .iter()
            .any(|&(priority, table)| rule.priority == priority && rule.table == Some(table))
}

fn table(routes: &[Route], number: u32) -> Ranges<Way> {
    // By prefix: the lowest metric, and where it leads.
    let mut best: BTreeMap<Prefix, (u32, Way)> = BTreeMap::new();
    for route in routes.iter().filter(|route| route.table == number) {
        let Some(way) = way(route) else { continue };
        let prefix = Prefix::new(route.destination, route.prefix_len);
        let entry = best.entry(prefix).or_insert((route.metric, way));
        let is_ipv6 = route.destination.is_ipv6();
        if entry.1 == way {
            entry.0 = entry.0.min(route.metric);
        } else if entry.0 == route.metric || is_ipv6 {
            // IPv6 goes by what is known of the gateways, too.
            entry.1 = Way::Ask;
        } else if route.metric < entry.0 {
            *entry = (route.metric, way);
        }
    }
    let ways = best.into_iter().map(|(prefix, (_, way))| (prefix, way));
    Ranges::new(ways.collect())
}

/// Where a route leads; `None` if it is out of use.
fn way(route: &Route) -> Option<Way> {
    if route.is_selective {
        return Some(Way::Ask);
    }
    Some(match route.kind {
        RouteKind::Local | RouteKind::Anycast => Way::Here,
        RouteKind::Refuse => Way::Unknown,
        RouteKind::Throw => Way::Pass,
        RouteKind::Other => Way::Ask,
        RouteKind::Unicast | RouteKind::Broadcast | RouteKind::Multicast => {
            if !route.hops.is_empty() && route.hops.iter().all(|hop| hop.is_dead) {
                return None;
            }
            if route.hops.is_empty() || route.hops.iter().any(|hop| hop.is_down) {
                return Some(Way::Ask);
            }
            only_link(&route.hops).map_or(Way::Unknown, Way::Link)
        }
    })
}

/// The link that a route uses, if there is no choice.
pub(super) fn only_link(hops: &[Hop]) -> Option<u32> {
    let mut links = hops.iter().filter(|hop| !hop.is_dead).map(|hop| hop.link);
    let first = links.next()?;
    links.all(|link| link == first).then_some(first)
}

/// All that routes and rules say, of both families.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Routes {
    pub(super) ipv4: Fib,
    pub(super) ipv6: Fib,
    /// Addresses that are taken in without being given to a link: anycast, and
    /// `ip route add local`.
    pub(super) here: HashSet<IpAddr>,
    /// Whole networks that are taken in.
    pub(super) networks_here: Vec<IpNet>,
    /// Broadcast addresses of the networks on the links.
    pub(super) broadcasts: HashSet<IpAddr>,
    /// Links that default routes lead out of.
    pub(super) uplinks: Vec<u32>,
}

impl Default for Routes {
    /// Before anything is known.
    fn default() -> Self {
        Self::new(Fib::Unclear, Fib::Unclear, &[])
    }
}

impl Routes {
    /// From what routes there are, of both families.
    pub(super) fn new(ipv4: Fib, ipv6: Fib, routes: &[Route]) -> Self {
        let mut all = Self {
            ipv4,
            ipv6,
            here: HashSet::new(),
            networks_here: Vec::new(),
            broadcasts: HashSet::new(),
            uplinks: Vec::new(),
        };
        for route in routes {
            let Ok(network) = IpNet::new(route.destination, route.prefix_len) else {
                continue;
            };
            let is_host = network.prefix_len() == network.max_prefix_len();
            match (route.table, route.kind) {
                (TABLE_LOCAL, RouteKind::Local | RouteKind::Anycast) if is_host => {
                    all.here.insert(route.destination);
                }
                (TABLE_LOCAL, RouteKind::Local) => all.networks_here.push(network),
                (TABLE_LOCAL, RouteKind::Broadcast) if is_host => {
                    all.broadcasts.insert(route.destination);
                }
                (TABLE_MAIN | TABLE_DEFAULT, RouteKind::Unicast) if network.prefix_len() == 0 => {
                    all.uplinks.extend(route.hops.iter().map(|hop| hop.link));
                }
                _ => {}
            }
        }
        all.uplinks.sort_unstable();
        all.uplinks.dedup();
        all.networks_here.sort_unstable();
        all
    }

    pub(super) const fn fib(&self, family: Family) -> &Fib {
        match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        }
    }
}
