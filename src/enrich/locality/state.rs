//! The network configuration as it is told, item by item.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;

use super::ranges::{Prefix, Ranges};
use super::routes::{self, CAPACITY, Fib, Routes};
use super::{Attached, Link, Locality, Mac, Settings};
use crate::flow::Family;
use crate::netlink::route::{
    self, Address, Dump, Ending, Item, Neighbour, Notice, Route, Rule, Session, TABLE_DEFAULT,
    TABLE_LOCAL, TABLE_MAIN,
};

/// How long an address that was taken from this machine still counts as its
/// own: flows and their remains outlive it.
const FORMER: Duration = Duration::from_secs(300);
/// How often a dump is repeated that something changed in.
const ATTEMPTS: usize = 4;
/// The longest name of an interface is 15 bytes; its kind is as short.
const MAX_NAME_CHARS: usize = 16;

type Macs = HashMap<IpAddr, Mac, RandomState>;
type OnLink = HashMap<IpAddr, Option<u32>, RandomState>;

/// What a notice changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// What is known of links, addresses or neighbours.
    pub(super) items: bool,
    /// Routes or rules, which are then to be read again.
    pub(super) routes: bool,
}

/// Links, addresses and neighbours.
#[derive(Debug, Default)]
struct Items {
    links: BTreeMap<u32, Link>,
    addresses: BTreeMap<(u32, IpAddr), Address>,
    neighbours: HashMap<(u32, IpAddr), Mac, RandomState>,
}

impl Items {
    fn read(session: &mut Session) -> io::Result<Self> {
        let mut items = Self::default();
        for what in [Dump::Links, Dump::Addresses, Dump::Neighbours] {
            for _ in 0..ATTEMPTS {
                let ending = session.dump(what, |item| {
                    items.apply(Notice {
                        is_gone: false,
                        item,
                    });
                    ControlFlow::Continue(())
                })?;
                if ending == Ending::Whole {
                    break;
                }
            }
        }
        Ok(items)
    }

    fn apply(&mut self, notice: Notice) -> Effect {
        let gone = notice.is_gone;
        match notice.item {
            Item::Link(link) => self.apply_link(&link, gone),
            Item::Address(address) => self.apply_address(address, gone),
            Item::Neighbour(neighbour) => Effect {
                items: self.apply_neighbour(&neighbour, gone),
                routes: false,
            },
            Item::Route(_) | Item::Rule(_) => Effect {
                items: false,
                routes: true,
            },
        }
    }

    fn apply_link(&mut self, link: &route::Link, gone: bool) -> Effect {
        let index = link.index;
        let link = Link {
            index,
            name: printable(&link.name),
            kind: link.kind.as_deref().map(printable),
            is_up: link.is_up,
            is_loopback: link.is_loopback,
        };
        let changed = if gone {
            // The kernel tells of every address that goes with its link, and of
            // no neighbour.
            self.neighbours.retain(|(on, _), _| *on != index);
            self.links.remove(&index).is_some()
        } else {
            let before = self.links.insert(index, link);
            before.as_ref() != self.links.get(&index)
        };
        // Routes go silently when their link goes down.
        Effect {
            items: changed,
            routes: changed,
        }
    }

    fn apply_address(&mut self, address: Address, gone: bool) -> Effect {
        let key = (address.link, address.address);
        let changed = if gone || address.is_duplicate {
            self.addresses.remove(&key).is_some()
        } else {
            self.addresses.insert(key, address) != Some(address)
        };
        // Routes with this source go silently.
        Effect {
            items: changed,
            routes: changed,
        }
    }

    /// Most of what is told of neighbours is whether they were heard of
    /// lately, which changes nothing here. One that does not answer keeps its
    /// address until the kernel forgets it.
    fn apply_neighbour(&mut self, neighbour: &Neighbour, gone: bool) -> bool {
        let key = (neighbour.link, neighbour.address);
        match neighbour.mac.map(Mac) {
            _ if gone => self.neighbours.remove(&key).is_some(),
            Some(mac) => self.neighbours.insert(key, mac) != Some(mac),
            None => false,
        }
    }

    fn has(&self, address: IpAddr) -> bool {
        self.addresses.keys().any(|(_, ours)| *ours == address)
    }
}

/// Everything that is known, and how to put it together.
pub(super) struct State {
    settings: Settings,
    items: Items,
    routes: Arc<Routes>,
    /// Whether there are more routes than are kept.
    has_many_routes: bool,
    /// Addresses this machine had, and until when they count.
    former: HashMap<IpAddr, Instant>,
}

impl State {
    /// Reads everything.
    pub(super) fn read(settings: Settings, session: &mut Session) -> io::Result<Self> {
        let mut state = Self {
            settings,
            items: Items::read(session)?,
            routes: Arc::default(),
            has_many_routes: false,
            former: HashMap::new(),
        };
        state.read_routes(session)?;
        Ok(state)
    }

    /// Reads everything again, because something was missed.
    pub(super) fn read_again(&mut self, session: &mut Session, now: Instant) -> io::Result<()> {
        let before = std::mem::replace(&mut self.items, Items::read(session)?);
        for (_, address) in before.addresses.keys() {
            if !self.items.has(*address) {
                self.former.insert(*address, now + FORMER);
            }
        }
        self.read_routes(session)
    }

    /// Reads routes and rules again.
    pub(super) fn read_routes(&mut self, session: &mut Session) -> io::Result<()> {
        let mut all = Vec::new();
        let mut has_many = false;
        let has_vrf = self.items.links.values();
        let has_vrf = has_vrf
            .filter_map(|link| link.kind.as_deref())
            .any(|kind| kind == "vrf");
        let mut fib = |family| -> io::Result<Fib> {
            let rules = rules(session, family)?;
            let (routes, is_whole) = usual_routes(session, family)?;
            let fib = Fib::new(&rules, is_whole.then_some(&routes), has_vrf);
            all.extend(routes);
            has_many |= !is_whole;
            Ok(fib)
        };
        let (ipv4, ipv6) = (fib(Family::Ipv4)?, fib(Family::Ipv6)?);
        // Always a new one, even if nothing we see is other than before: what
        // the kernel answered may be.
        self.routes = Arc::new(Routes::new(ipv4, ipv6, &all));
        self.has_many_routes = has_many;
        Ok(())
    }

    /// Whether there are more routes than are kept.
    pub(super) const fn has_many_routes(&self) -> bool {
        self.has_many_routes
    }

    /// Whether the kernel is asked about single hosts, and its answers are to
    /// be forgotten when routes change.
    pub(super) fn asks_kernel(&self) -> bool {
        [&self.routes.ipv4, &self.routes.ipv6]
            .iter()
            .any(|fib| matches!(fib, Fib::Kernel(_)))
    }

    /// Takes a notice in.
    pub(super) fn apply(&mut self, notice: Notice, now: Instant) -> Effect {
        let address = match &notice.item {
            Item::Address(address) => Some(address.address),
            _ => None,
        };
        let effect = self.items.apply(notice);
        if let Some(address) = address.filter(|_| effect.items) {
            if self.items.has(address) {
                self.former.remove(&address);
            } else {
                self.former.insert(address, now + FORMER);
            }
        }
        effect
    }

    /// Forgets what counts no longer; whether there was anything.
    pub(super) fn expire(&mut self, now: Instant) -> bool {
        let before = self.former.len();
        self.former.retain(|_, until| *until > now);
        self.former.len() != before
    }

    /// When [`State::expire`] will find something.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.former.values().min().copied()
    }

    /// What is known now.
    pub(super) fn locality(&self) -> Locality {
        let items = &self.items;
        let (neighbours, mut on_link) = neighbours(items);
        let mut addresses: HashSet<IpAddr, RandomState> =
            items.addresses.keys().map(|(_, ip)| *ip).collect();
        // An address that moved to another machine is not ours any more.
        let former = self.former.keys().filter(|ip| !neighbours.contains_key(ip));
        addresses.extend(former);
        addresses.extend(&self.routes.here);
        for address in items.addresses.values() {
            merge(&mut on_link, address.address, address.link);
        }
        Locality {
            addresses,
            neighbours,
            links: items.links.values().cloned().collect(),
            attached: Attached {
                ipv4: self.attached(Family::Ipv4),
                ipv6: self.attached(Family::Ipv6),
            },
            local: self.settings.local.clone(),
            on_link,
            routes: Arc::clone(&self.routes),
        }
    }

    /// The networks that addresses say their links lead to. A prefix of full
    /// length says nothing of others: the far end of a tunnel need not be ours.
    fn attached(&self, family: Family) -> Ranges<bool> {
        let mut networks: BTreeMap<Prefix, bool> = BTreeMap::new();
        for address in self.items.addresses.values() {
            let network = address.network;
            let is_host = address.prefix_len == if network.is_ipv4() { 32 } else { 128 };
            if is_host || routes::family(network) != family {
                continue;
            }
            let is_uplink = self.routes.uplinks.binary_search(&address.link).is_ok();
            let known = networks.entry(Prefix::new(network, address.prefix_len));
            *known.or_insert(true) &= is_uplink;
        }
        Ranges::new(networks.into_iter().collect())
    }
}

/// Neighbours by address, without those that are not the same on all links,
/// and the links of those whose address does not say it.
fn neighbours(items: &Items) -> (Macs, OnLink) {
    let mut macs = Macs::with_capacity_and_hasher(items.neighbours.len(), RandomState::default());
    let mut on_link = OnLink::default();
    let mut ambiguous = Vec::new();
    for ((link, address), mac) in &items.neighbours {
        if macs
            .insert(*address, *mac)
            .is_some_and(|known| known != *mac)
        {
            ambiguous.push(*address);
        }
        if matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local()) {
            merge(&mut on_link, *address, *link);
        }
    }
    for address in ambiguous {
        macs.remove(&address);
    }
    (macs, on_link)
}

/// An address on several links is on none in particular.
fn merge(on_link: &mut OnLink, address: IpAddr, link: u32) {
    let known = on_link.entry(address).or_insert(Some(link));
    if *known != Some(link) {
        *known = None;
    }
}

/// Text of the kernel's, which root of some namespace chose.
fn printable(text: &str) -> Arc<str> {
    let mut shown = String::new();
    for letter in text.chars().take(MAX_NAME_CHARS) {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown.into()
}

fn rules(session: &mut Session, family: Family) -> io::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for _ in 0..ATTEMPTS {
        rules.clear();
        let ending = session.dump(Dump::Rules(family), |item| {
            if let Item::Rule(rule) = item
                && rule.family == family
            {
                rules.push(rule);
            }
            ControlFlow::Continue(())
        })?;
        if ending == Ending::Whole {
            break;
        }
    }
    Ok(rules)
}

/// The routes of the usual tables, and whether these are all.
fn usual_routes(session: &mut Session, family: Family) -> io::Result<(Vec<Route>, bool)> {
    let mut all = Vec::new();
    let mut is_whole = true;
    // That of this machine first: the others may be too large.
    for table in [TABLE_LOCAL, TABLE_MAIN, TABLE_DEFAULT] {
        let start = all.len();
        for _ in 0..ATTEMPTS {
            all.truncate(start);
            let mut seen = 0;
            let ending = session.dump(Dump::Routes(family, table), |item| {
                seen += 1;
                if let Item::Route(route) = item
                    && route.table == table
                    && route.destination.is_ipv4() == (family == Family::Ipv4)
                {
                    all.push(route);
                }
                if seen > CAPACITY {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            is_whole &= ending != Ending::Stopped;
            if ending != Ending::Torn {
                break;
            }
        }
    }
    Ok((all, is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn state() -> State {
        State {
            settings: Settings::default(),
            items: Items::default(),
            routes: Arc::default(),
            has_many_routes: false,
            former: HashMap::new(),
        }
    }

    fn there(item: Item) -> Notice {
        Notice {
            is_gone: false,
            item,
        }
    }

    fn gone(item: Item) -> Notice {
        Notice {
            is_gone: true,
            item,
        }
    }

    fn address(text: &str, link: u32) -> Item {
        let net: IpNet = text.parse().unwrap();
        Item::Address(Address {
            link,
            address: net.addr(),
            network: net.addr(),
            prefix_len: net.prefix_len(),
            broadcast: None,
            is_duplicate: false,
        })
    }

    fn neighbour(text: &str, link: u32, mac: Option<u8>) -> Item {
        Item::Neighbour(Neighbour {
            link,
            address: ip(text),
            mac: mac.map(|last| [2, 0, 0, 0, 0, last]),
        })
    }

    fn link(name: &str) -> Item {
        Item::Link(route::Link {
            index: 2,
            name: name.into(),
            kind: None,
            is_up: true,
            is_loopback: false,
        })
    }

    const NOTHING: Effect = Effect {
        items: false,
        routes: false,
    };

    #[test]
    fn only_what_is_shown_makes_a_change() {
        let now = Instant::now();
        let mut state = state();
        let mut apply = |notice| state.apply(notice, now);
        assert!(apply(there(neighbour("10.0.0.9", 2, Some(9)))).items);
        // It is heard of again; it does not answer; it answers.
        for mac in [Some(9), None, Some(9)] {
            assert_eq!(apply(there(neighbour("10.0.0.9", 2, mac))), NOTHING);
        }
        assert!(apply(there(neighbour("10.0.0.9", 2, Some(8)))).items);
        assert!(apply(gone(neighbour("10.0.0.9", 2, None))).items);
        assert_eq!(apply(gone(neighbour("10.0.0.9", 2, None))), NOTHING);
        let both = Effect {
            items: true,
            routes: true,
        };
        assert_eq!(apply(there(link("lan"))), both);
        assert_eq!(apply(there(link("lan"))), NOTHING, "statistics of it");
        assert_eq!(apply(there(link("wan"))), both, "renamed");
        assert_eq!(apply(there(address("10.0.0.1/8", 2))), both);
        assert_eq!(
            apply(there(address("10.0.0.1/8", 2))),
            NOTHING,
            "a lifetime"
        );
    }

    #[test]
    fn an_address_counts_for_some_minutes_after_it_is_gone() {
        let start = Instant::now();
        let mut state = state();
        for text in ["10.0.0.1/24", "10.0.0.2/24"] {
            state.apply(there(address(text, 2)), start);
        }
        state.apply(gone(address("10.0.0.1/24", 2)), start);
        assert!(state.locality().is_here(ip("10.0.0.1")));
        assert_eq!(state.next_expiry(), Some(start + FORMER));
        assert!(!state.expire(start + FORMER / 2));
        // Back in time.
        state.apply(there(address("10.0.0.1/24", 2)), start);
        assert_eq!(state.next_expiry(), None);
        state.apply(gone(address("10.0.0.1/24", 2)), start);
        assert!(state.expire(start + FORMER));
        let later = state.locality();
        assert!(!later.is_here(ip("10.0.0.1")) && later.is_here(ip("10.0.0.2")));
        // On two links, it is ours until the second loses it.
        state.apply(there(address("10.0.0.2/24", 3)), start);
        state.apply(gone(address("10.0.0.2/24", 2)), start);
        assert_eq!(state.next_expiry(), None);
    }

    #[test]
    fn an_address_that_somebody_else_has_is_not_ours() {
        let now = Instant::now();
        let mut state = state();
        state.apply(there(address("10.0.0.1/24", 2)), now);
        let mut twice = address("10.0.0.7/24", 2);
        if let Item::Address(address) = &mut twice {
            address.is_duplicate = true;
        }
        assert_eq!(state.apply(there(twice), now), NOTHING);
        assert!(!state.locality().is_here(ip("10.0.0.7")));
        // It has moved to another machine.
        state.apply(gone(address("10.0.0.1/24", 2)), now);
        state.apply(there(neighbour("10.0.0.1", 2, Some(1))), now);
        assert!(!state.locality().is_here(ip("10.0.0.1")));
    }

    #[test]
    fn a_neighbour_on_two_links_has_one_hardware_address_or_none() {
        let now = Instant::now();
        let mut state = state();
        for (address, link, mac) in [
            ("fe80::1", 2, 1),
            ("fe80::1", 3, 2),
            ("fe80::2", 2, 3),
            ("fe80::2", 3, 3),
            ("fe80::3", 3, 4),
        ] {
            state.apply(there(neighbour(address, link, Some(mac))), now);
        }
        let locality = state.locality();
        let mac = |text| locality.mac(ip(text)).map(|mac| mac.to_string());
        assert_eq!(mac("fe80::1"), None);
        assert_eq!(mac("fe80::2").as_deref(), Some("02:00:00:00:00:03"));
        assert_eq!(locality.on_link.get(&ip("fe80::2")), Some(&None));
        assert_eq!(locality.on_link.get(&ip("fe80::3")), Some(&Some(3)));
        // Neighbours go with their link without a word.
        state.apply(gone(link("lan")), now);
        assert_eq!(
            state.locality().mac(ip("fe80::1")),
            Some(Mac([2, 0, 0, 0, 0, 2]))
        );
    }

    #[test]
    fn names_are_fit_for_a_terminal() {
        assert_eq!(&*printable("wg0"), "wg0");
        assert_eq!(&*printable("a\u{1b}[2J"), "a\\u{1b}[2J");
    }
}
