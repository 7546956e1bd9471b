//! The routing tables, as far as they are small and simple enough to look
//! packets up in them without asking the kernel.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;
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
    pub(super) here: Vec<IpAddr>,
    /// Whole networks that are taken in.
    pub(super) networks_here: Vec<IpNet>,
    /// Broadcast addresses of the networks on the links.
    pub(super) broadcasts: HashSet<IpAddr, RandomState>,
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
            here: Vec::new(),
            networks_here: Vec::new(),
            broadcasts: HashSet::default(),
            uplinks: Vec::new(),
        };
        for route in routes {
            let Ok(network) = IpNet::new(route.destination, route.prefix_len) else {
                continue;
            };
            let is_host = network.prefix_len() == network.max_prefix_len();
            match (route.table, route.kind) {
                (TABLE_LOCAL, RouteKind::Local | RouteKind::Anycast) if is_host => {
                    all.here.push(route.destination);
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
        all.here.sort_unstable();
        all.networks_here.sort_unstable();
        all
    }

    /// Whether an address is in a network that is taken in whole, and no route
    /// of the main table to a part of it comes first. That is not certain, as
    /// [`Fib::way`] explains, but the usual way of a kernel with usual rules.
    pub(super) fn takes_in(&self, address: IpAddr) -> bool {
        self.networks_here.iter().any(|net| net.contains(&address))
            && match self.fib(family(address)) {
                fib @ Fib::Tables(_) => fib.way(address) == Way::Here,
                Fib::Kernel(_) | Fib::Unclear => true,
            }
    }

    pub(super) const fn fib(&self, family: Family) -> &Fib {
        match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        }
    }
}

pub(super) const fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// A route of the main table by some links.
    fn route(prefix: &str, links: &[u32]) -> Route {
        let net: IpNet = prefix.parse().unwrap();
        let hop = |link: &u32| Hop {
            link: *link,
            is_dead: false,
            is_down: false,
        };
        Route {
            table: TABLE_MAIN,
            destination: net.addr(),
            prefix_len: net.prefix_len(),
            is_selective: false,
            kind: RouteKind::Unicast,
            metric: 0,
            hops: links.iter().map(hop).collect(),
        }
    }

    fn local(prefix: &str) -> Route {
        Route {
            table: TABLE_LOCAL,
            kind: RouteKind::Local,
            ..route(prefix, &[1])
        }
    }

    fn rule(priority: u32, table: u32) -> Rule {
        Rule {
            family: Family::Ipv4,
            priority,
            table: Some(table),
            by_destination: false,
            by_source: false,
            by_interface: false,
            by_mark: false,
            by_vrf: false,
            by_other: false,
        }
    }

    fn usual() -> Vec<Rule> {
        vec![
            rule(0, TABLE_LOCAL),
            rule(32_766, TABLE_MAIN),
            rule(32_767, TABLE_DEFAULT),
        ]
    }

    fn way(routes: &[Route], to: &str) -> Way {
        let fib = Fib::new(&usual(), Some(routes), false);
        assert!(matches!(fib, Fib::Tables(_)));
        fib.way(ip(to))
    }

    #[test]
    fn tables_are_asked_one_after_the_other() {
        let routes = [
            local("192.0.2.1/32"),
            Route {
                kind: RouteKind::Throw,
                ..route("10.9.0.0/16", &[])
            },
            Route {
                kind: RouteKind::Refuse,
                ..route("10.8.0.0/16", &[])
            },
            route("0.0.0.0/0", &[2]),
            route("192.0.2.0/24", &[3]),
            Route {
                table: TABLE_DEFAULT,
                ..route("10.9.0.0/16", &[4])
            },
            // No rule asks it.
            Route {
                table: 100,
                ..route("10.7.0.0/16", &[5])
            },
        ];
        for (to, expected) in [
            ("192.0.2.1", Way::Here),
            ("192.0.2.2", Way::Link(3)),
            ("8.8.4.4", Way::Link(2)),
            ("10.9.1.1", Way::Link(4)),
            ("10.8.1.1", Way::Unknown),
            ("10.7.1.1", Way::Link(2)),
        ] {
            assert_eq!(way(&routes, to), expected, "{to}");
        }
        assert_eq!(way(&routes[..1], "8.8.4.4"), Way::Unknown);
    }

    #[test]
    fn several_routes_to_a_prefix_are_told_apart_by_metric() {
        let with = |metric, link| Route {
            metric,
            ..route("10.0.0.0/8", &[link])
        };
        assert_eq!(way(&[with(20, 2), with(10, 3)], "10.0.0.1"), Way::Link(3));
        assert_eq!(way(&[with(10, 3), with(20, 2)], "10.0.0.1"), Way::Link(3));
        assert_eq!(way(&[with(10, 3), with(10, 3)], "10.0.0.1"), Way::Link(3));
        assert_eq!(way(&[with(10, 3), with(10, 2)], "10.0.0.1"), Way::Ask);
        // IPv6 leaves a gateway that does not answer.
        let with = |metric, link| Route {
            metric,
            ..route("fd00::/8", &[link])
        };
        assert_eq!(way(&[with(10, 3), with(20, 2)], "fd00::1"), Way::Ask);
    }

    #[test]
    fn a_choice_of_links_is_no_way() {
        assert_eq!(
            way(&[route("10.0.0.0/8", &[2, 3])], "10.0.0.1"),
            Way::Unknown
        );
        assert_eq!(
            way(&[route("10.0.0.0/8", &[2, 2])], "10.0.0.1"),
            Way::Link(2)
        );
        let mut dead = route("10.0.0.0/8", &[2, 3]);
        dead.hops[1].is_dead = true;
        assert_eq!(way(&[dead.clone()], "10.0.0.1"), Way::Link(2));
        dead.hops[0].is_dead = true;
        let routes = [dead, route("0.0.0.0/0", &[4])];
        assert_eq!(way(&routes, "10.0.0.1"), Way::Link(4));
        let mut down = route("10.0.0.0/8", &[2]);
        down.hops[0].is_down = true;
        assert_eq!(way(&[down], "10.0.0.1"), Way::Ask);
        let service = Route {
            is_selective: true,
            ..route("10.0.0.0/8", &[2])
        };
        assert_eq!(way(&[service], "10.0.0.1"), Way::Ask);
    }

    #[test]
    fn a_longer_prefix_of_the_main_table_puts_that_of_local_in_doubt() {
        let routes = [local("10.9.0.0/16"), route("10.9.1.0/24", &[2])];
        assert_eq!(way(&routes, "10.9.2.1"), Way::Here);
        assert_eq!(way(&routes, "10.9.1.1"), Way::Ask);
        let six = [local("fd09::/16"), route("fd09:1::/32", &[2])];
        assert_eq!(way(&six, "fd09:1::1"), Way::Here);
        let fib = || Fib::new(&usual(), Some(&routes), false);
        let all = Routes::new(fib(), fib(), &routes);
        assert!(all.takes_in(ip("10.9.2.1")) && !all.takes_in(ip("10.9.1.1")));
    }

    #[test]
    fn rules_decide_whether_the_kernel_is_asked_and_what_it_is_told() {
        let fib = |extra: Rule, has_vrf| {
            let mut rules = usual();
            rules.push(extra);
            Fib::new(&rules, Some(&[]), has_vrf)
        };
        let asks = |source, mark| Fib::Kernel(Selectors { source, mark });
        let plain = rule(100, 7);
        assert_eq!(fib(plain, false), asks(false, false));
        let marked = Rule {
            by_mark: true,
            ..plain
        };
        assert_eq!(fib(marked, false), asks(false, true));
        let incoming = Rule {
            by_interface: true,
            ..plain
        };
        assert_eq!(fib(incoming, false), asks(true, false));
        let users = Rule {
            by_other: true,
            ..plain
        };
        assert_eq!(fib(users, false), Fib::Unclear);
        // The kernel keeps this rule when the last VRF is gone.
        let vrf = Rule {
            by_vrf: true,
            table: None,
            ..plain
        };
        assert_eq!(fib(vrf, true), Fib::Unclear);
        assert!(matches!(fib(vrf, false), Fib::Tables(_)));
        // Too many routes.
        assert_eq!(Fib::new(&usual(), None, false), asks(false, false));
        // A kernel without policy routing has no rules.
        assert!(matches!(Fib::new(&[], Some(&[]), false), Fib::Tables(_)));
    }
}
