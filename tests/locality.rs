//! Which way flows go, the interfaces they use and the hardware addresses of
//! neighbours, as the kernel of a laboratory has them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flowtop::enrich::Knowledge;
use flowtop::enrich::locality::{Interfaces, Locality, Mac, Paths, Settings, Watch, cidr};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{Direction, L4, Protocol, Tuple};
use flowtop::netlink::route::{Question, RouteKind, Session};
use lab::traffic::{self, UdpService};
use lab::{End, Host, Lab, Network, eventually};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);
/// A table of routes that no rule names unless a test adds one.
const TABLE: u8 = 100;
const MAIN: u8 = libc::RT_TABLE_MAIN;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A flow as it is without address translation, of no particular protocol.
fn between(src: &str, dst: &str) -> (Tuple, Tuple) {
    let orig = Tuple::new(ip(src), ip(dst), Protocol(89), L4::None).unwrap();
    (orig, orig.inverted())
}

fn read(host: &Host) -> Locality {
    host.enter(|| Locality::read(Settings::default())).unwrap()
}

/// The only UDP flow that a host has: both of its tuples.
fn udp(host: &Host) -> (Tuple, Tuple) {
    let seen = host.flow(Protocol::UDP);
    (seen.orig, seen.reply)
}

/// Direction and interfaces of a flow, as text: `forward lan wan`.
fn told(host: &Host, flow: (Tuple, Tuple)) -> String {
    told_with(host, flow, None)
}

fn told_with(host: &Host, (orig, reply): (Tuple, Tuple), mark: Option<u32>) -> String {
    host.enter(|| {
        let locality = Locality::read(Settings::default()).unwrap();
        let interfaces = Paths::default().interfaces(&locality, &orig, &reply, mark);
        let direction = locality.direction(&orig, &reply);
        say(direction, interfaces)
    })
}

fn say(direction: Option<Direction>, interfaces: Interfaces) -> String {
    let name = |name: Option<Arc<str>>| name.map_or("-".to_owned(), |n| n.to_string());
    let direction = direction.map_or("-", Direction::name);
    let Interfaces { orig, reply } = interfaces;
    format!("{direction} {} {}", name(orig), name(reply))
}

/// A network whose hosts all track, and whose router has its default route by
/// the server.
fn network(lab: &Lab) -> Network {
    let net = lab.router();
    for host in [&net.client, &net.router, &net.server] {
        host.track();
    }
    net.router.default_route("198.51.100.20");
    net.router.default_route("2001:db8:2::20");
    net
}

#[test]
fn anybody_may_read_the_configuration_of_this_machine() {
    let locality = Locality::read(Settings::default()).unwrap();
    let mut links = locality.links().iter();
    assert!(links.any(|link| link.is_loopback), "{:?}", locality.links());
}

#[test]
fn a_flow_is_out_forward_and_in_on_its_way() {
    lab::run("a_flow_is_out_forward_and_in_on_its_way", |lab| {
        let net = network(lab);
        for server in ["198.51.100.20:53", "[2001:db8:2::20]:53"] {
            let service = UdpService::bind(&net.server, server);
            service.connect(&net.client).exchange(100, 100);
            for (host, expected) in [
                (&net.client, "out - eth0"),
                (&net.router, "forward lan wan"),
                (&net.server, "in eth0 -"),
            ] {
                assert_eq!(told(host, udp(host)), expected, "{}", host.name());
                host.flush_flows();
            }
        }
    });
}

#[test]
fn address_translation_does_not_hide_where_a_flow_goes() {
    lab::run(
        "address_translation_does_not_hide_where_a_flow_goes",
        |lab| {
            let net = network(lab);
            let router = &net.router;
            router.masquerade("wan");
            let client = ip("192.0.2.10");

            // A client behind the router.
            let service = UdpService::bind(&net.server, "198.51.100.20:53");
            service.connect(&net.client).exchange(10, 10);
            let (orig, reply) = udp(router);
            assert_eq!(reply.dst(), ip("198.51.100.1"), "masqueraded");
            assert_eq!(told(router, (orig, reply)), "forward lan wan");
            assert_eq!(read(router).near_end(&orig, &reply), client);
            assert_eq!(told(&net.server, udp(&net.server)), "in eth0 -");
            router.flush_flows();

            // The router itself, by an address that is then translated.
            let flow = router.enter(|| {
                let socket = std::net::UdpSocket::bind("192.0.2.1:0").unwrap();
                socket.send_to(b"x", service.address()).unwrap();
                socket
            });
            let (orig, reply) = udp(router);
            assert_ne!(orig.src(), reply.dst(), "translated");
            assert_eq!(told(router, (orig, reply)), "out - wan");
            assert_eq!(read(router).near_end(&orig, &reply), ip("192.0.2.1"));
            drop(flow);
            router.flush_flows();

            // From outside to a host behind the router.
            router.dnat(Protocol::UDP, 8080, "192.0.2.10:80".parse().unwrap());
            let behind = UdpService::bind(&net.client, "192.0.2.10:80");
            let by = "198.51.100.1:8080".parse().unwrap();
            behind.connect_by(&net.server, by).exchange(10, 10);
            let (orig, reply) = udp(router);
            assert_eq!(told(router, (orig, reply)), "forward wan lan");
            assert_eq!(read(router).near_end(&orig, &reply), client);
            router.flush_flows();

            // The same from inside, and back.
            router.masquerade("lan");
            behind.connect_by(&net.client, by).exchange(10, 10);
            assert_eq!(told(router, udp(router)), "forward lan lan");
            router.flush_flows();
            router.clear_rules();

            // From outside to another address of the router.
            router.dnat(Protocol::UDP, 8080, "192.0.2.1:80".parse().unwrap());
            let own = UdpService::bind(router, "192.0.2.1:80");
            own.connect_by(&net.server, by).exchange(10, 10);
            let (orig, reply) = udp(router);
            assert_eq!(told(router, (orig, reply)), "in wan -");
            assert_eq!(read(router).near_end(&orig, &reply), ip("192.0.2.1"));
        },
    );
}

#[test]
fn a_host_talks_to_itself_and_to_many() {
    lab::run("a_host_talks_to_itself_and_to_many", |lab| {
        let net = network(lab);
        for (src, dst, expected) in [
            ("127.0.0.1", "127.0.0.53", "local lo lo"),
            ("::1", "::1", "local lo lo"),
            ("192.0.2.1", "198.51.100.1", "local lo lo"),
            ("192.0.2.10", "192.0.2.255", "in lan -"),
            ("192.0.2.10", "255.255.255.255", "in lan -"),
            ("192.0.2.10", "224.0.0.251", "in lan -"),
            ("192.0.2.1", "192.0.2.255", "out - lan"),
            ("192.0.2.1", "255.255.255.255", "out - lan"),
            ("198.51.100.1", "239.255.255.250", "out - wan"),
            ("2001:db8:1::10", "ff02::fb", "in lan -"),
            ("2001:db8:2::1", "ff02::fb", "out - wan"),
            // The anycast address of all routers of a network.
            ("2001:db8:1::10", "2001:db8:1::", "in lan -"),
            ("192.0.2.10", "203.0.113.5", "forward lan wan"),
        ] {
            let said = told(&net.router, between(src, dst));
            assert_eq!(said, expected, "{src} > {dst}");
        }
        net.router.take_in("10.9.0.0/16");
        for (src, dst, expected) in [
            ("192.0.2.10", "10.9.1.2", "in lan -"),
            ("10.9.1.2", "192.0.2.10", "out - lan"),
            ("10.9.1.2", "192.0.2.1", "local lo lo"),
            ("192.0.2.10", "10.10.1.2", "forward lan wan"),
        ] {
            let said = told(&net.router, between(src, dst));
            assert_eq!(said, expected, "{src} > {dst}");
        }
    });
}

#[test]
fn a_link_local_address_is_on_the_link_of_its_neighbour() {
    lab::run(
        "a_link_local_address_is_on_the_link_of_its_neighbour",
        |lab| {
            let net = network(lab);
            let (lan, wan) = (ip("fe80::aa"), ip("fe80::bb"));
            let (both, mac) = (ip("fe80::cc"), [2, 0, 0, 0, 0, 1]);
            net.router.add_neighbours("lan", [(lan, mac), (both, mac)]);
            net.router.add_neighbours("wan", [(wan, mac), (both, mac)]);
            for (src, expected) in [(lan, "in lan -"), (wan, "in wan -"), (both, "in - -")] {
                let said = told(&net.router, between(&src.to_string(), "2001:db8:1::1"));
                assert_eq!(said, expected, "{src}");
            }
        },
    );
}

#[test]
fn hosts_on_our_links_and_in_named_networks_are_ours() {
    lab::run("hosts_on_our_links_and_in_named_networks_are_ours", |lab| {
        let net = network(lab);
        net.router.add_address("wan", "203.0.113.9/32");
        let settings = Settings {
            local: vec![cidr::parse("100.127.0.0/16").unwrap()],
        };
        let named = net.router.enter(|| Locality::read(settings)).unwrap();
        let plain = read(&net.router);
        for (address, is_ours) in [
            ("192.0.2.1", true),
            ("192.0.2.77", true),
            ("198.51.100.77", true),
            ("2001:db8:1::77", true),
            ("fe80::1", true),
            ("127.0.0.9", true),
            ("203.0.113.9", true),
            ("203.0.113.10", false),
            ("10.0.0.1", false),
            ("8.8.4.4", false),
        ] {
            assert_eq!(plain.is_ours(ip(address)), is_ours, "{address}");
        }
        assert!(named.is_ours(ip("100.127.3.4")) && !plain.is_ours(ip("100.127.3.4")));
        for (src, dst, near) in [
            // The source, if both are as near or as far.
            ("8.8.4.4", "1.1.1.1", "8.8.4.4"),
            // A network of ours rather than the one of the way out.
            ("198.51.100.20", "192.0.2.10", "192.0.2.10"),
            ("192.0.2.10", "198.51.100.20", "192.0.2.10"),
            // A private address behind another router.
            ("198.51.100.20", "10.3.4.5", "10.3.4.5"),
            ("8.8.4.4", "198.51.100.20", "198.51.100.20"),
            // The user's word.
            ("192.0.2.10", "100.127.3.4", "100.127.3.4"),
            // To this machine, and to nobody in particular.
            ("192.0.2.10", "198.51.100.1", "198.51.100.1"),
            ("192.0.2.10", "224.0.0.251", "192.0.2.10"),
        ] {
            let (orig, reply) = between(src, dst);
            let said = named.near_end(&orig, &reply);
            assert_eq!(said, ip(near), "{src} > {dst}");
        }
        let error = plain.link_named("eth7").unwrap_err();
        assert_eq!(error, "`eth7` is no interface here; there are lo, lan, wan");
        assert_eq!(
            plain.link_named("lan").unwrap().kind.as_deref(),
            Some("veth")
        );
    });
}

/// Waits for a snapshot in which something holds.
fn wait(
    changes: &Receiver<Arc<Locality>>,
    what: &str,
    holds: impl Fn(&Locality) -> bool,
) -> Arc<Locality> {
    loop {
        let locality = changes
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|e| panic!("{what}: {e}"));
        if holds(&locality) {
            return locality;
        }
    }
}

fn watch(host: &Host) -> (Watch, Arc<Locality>, Receiver<Arc<Locality>>) {
    let (tell, changes) = channel();
    let (watch, first) = host
        .enter(|| {
            Watch::start(Settings::default(), move |locality| {
                // The test may be over.
                let _ = tell.send(locality);
            })
        })
        .unwrap();
    (watch, first, changes)
}

#[test]
fn addresses_are_followed_and_old_flows_stay_ours() {
    lab::run("addresses_are_followed_and_old_flows_stay_ours", |lab| {
        let net = network(lab);
        let (watch, first, changes) = watch(&net.router);
        for (address, from) in [
            ("192.0.2.99", "192.0.2.10"),
            ("2001:db8:1::99", "2001:db8:1::10"),
        ] {
            let (orig, reply) = between(from, address);
            let prefix = if ip(address).is_ipv4() { 24 } else { 64 };
            let plain = format!("{address}/{prefix}");
            assert_eq!(first.direction(&orig, &reply), Some(Direction::Forward));
            net.router.add_address("lan", &plain);
            let here =
                |locality: &Locality| locality.direction(&orig, &reply) == Some(Direction::In);
            wait(&changes, "an address that was added", here);
            // A flow to it lives on when it goes, and so does its direction.
            net.router.remove_address("lan", &plain);
            net.router.add_address("wan", "203.0.113.9/32");
            let marker = ip("203.0.113.9");
            let later = wait(&changes, "the next change", |l| l.is_here(marker));
            assert!(here(&later), "{address} counts for some minutes");
            // Unless it is somebody else's now.
            net.router
                .add_neighbours("lan", [(ip(address), [2, 0, 0, 0, 0, 9])]);
            wait(&changes, "an address that moved", |l| !here(l));
            net.router.remove_address("wan", "203.0.113.9/32");
        }
        drop(watch);
        eventually("the watch hands nothing on when it is dropped", || {
            matches!(
                changes.try_recv(),
                Err(std::sync::mpsc::TryRecvError::Disconnected)
            )
        });
    });
}

#[test]
fn routes_are_followed() {
    lab::run("routes_are_followed", |lab| {
        let net = network(lab);
        let (_watch, first, changes) = watch(&net.router);
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        let (orig, reply) = between("192.0.2.10", "203.0.113.5");
        let mut says = |locality: &Arc<Locality>, expected: &str| {
            knowledge.set_locality(Arc::clone(locality));
            let interfaces = knowledge.interfaces(&orig, &reply, None);
            say(knowledge.direction(&orig, &reply), interfaces) == expected
        };
        assert!(says(&first, "forward lan wan"));
        net.router.add_route("203.0.113.0/24", "192.0.2.10");
        let mut wait = |what: &str, expected: &str| {
            while !says(&changes.recv_timeout(PATIENCE).expect(what), expected) {}
        };
        wait("a route that was added", "forward lan lan");
        net.router.remove_route("203.0.113.0/24");
        wait("a route that was removed", "forward lan wan");
        net.router.take_in("203.0.113.0/24");
        wait("a network that is taken in", "in lan -");
    });
}

#[test]
fn neighbours_are_known_when_they_have_spoken() {
    lab::run("neighbours_are_known_when_they_have_spoken", |lab| {
        let net = network(lab);
        let (_watch, first, changes) = watch(&net.router);
        let mac = Mac(net.client.hardware_address("eth0"));
        for client in ["192.0.2.10", "2001:db8:1::10"] {
            assert_eq!(first.mac(ip(client)), None);
        }
        traffic::ping(&net.router, "192.0.2.10", 1);
        wait(&changes, "the neighbour of IPv4", |l| {
            l.mac(ip("192.0.2.10")) == Some(mac)
        });
        traffic::ping(&net.router, "2001:db8:1::10", 2);
        wait(&changes, "the neighbour of IPv6", |l| {
            l.mac(ip("2001:db8:1::10")) == Some(mac)
        });
        assert_eq!(read(&net.router).mac(ip("192.0.2.10")), Some(mac));
        // Its own addresses are nobody's neighbour.
        assert_eq!(read(&net.router).mac(ip("192.0.2.1")), None);
    });
}

#[test]
fn what_is_missed_is_read_again() {
    lab::run("what_is_missed_is_read_again", |lab| {
        const NEIGHBOURS: u32 = 30_000;
        let net = network(lab);
        let (tell, changes) = channel();
        let (go, gate) = channel::<()>();
        let (_watch, _) = net
            .router
            .enter(|| {
                Watch::start(Settings::default(), move |locality| {
                    // As slow as can be: until the test lets it go on.
                    let _ = gate.recv_timeout(PATIENCE);
                    let _ = tell.send(locality);
                })
            })
            .unwrap();
        let neighbour = |number: u32| {
            let [_, b, c, d] = number.to_be_bytes();
            let address = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 1 + u16::from(b), number as u16);
            (IpAddr::V6(address), [2, 0, 0, b, c, d])
        };
        net.router
            .add_neighbours("lan", (0..NEIGHBOURS).map(neighbour));
        drop(go);
        let last = neighbour(NEIGHBOURS - 1);
        let all = wait(&changes, "the last neighbour", |l| {
            l.mac(last.0) == Some(Mac(last.1))
        });
        for number in 0..NEIGHBOURS {
            let (address, mac) = neighbour(number);
            assert_eq!(all.mac(address), Some(Mac(mac)), "{address}");
        }
    });
}

/// Numbers that look random and are the same every time (Vigna's
/// `SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An address near those of [`Numbers::route`].
    fn address(&mut self, is_ipv4: bool) -> IpAddr {
        let number = self.next();
        if is_ipv4 {
            IpAddr::V4(Ipv4Addr::from_bits(10 << 24 | number as u32 & 0x000f_0f0f))
        } else {
            let low = u128::from(number & 0x0f0f_0f0f) << 64 | u128::from(number >> 60);
            IpAddr::V6(Ipv6Addr::from_bits(0xfd << 120 | low))
        }
    }

    /// A prefix that contains some of them, and where it leads.
    fn route(&mut self, is_ipv4: bool) -> (IpAddr, u8, IpAddr) {
        let address = self.address(is_ipv4);
        let wan = self.next() & 1 == 0;
        let (least, most, gateways) = if is_ipv4 {
            (24u8, 32u8, ["192.0.2.10", "198.51.100.20"])
        } else {
            (48, 128, ["2001:db8:1::10", "2001:db8:2::20"])
        };
        let len = least + (self.next() % u64::from(most - least + 1)) as u8;
        let network = ipnet::IpNet::new(address, len).unwrap().network();
        (network, len, ip(gateways[usize::from(wan)]))
    }
}

/// Holds what is inferred against what the kernel answers, for many
/// destinations; the number of those with a route.
fn agrees(router: &Host, seed: u64) -> usize {
    let mut numbers = Numbers(seed);
    let mut found = 0;
    router.enter(|| {
        let locality = Locality::read(Settings::default()).unwrap();
        let mut paths = Paths::default();
        let mut kernel = Session::open().unwrap();
        for round in 0..4000 {
            let to = numbers.address(round % 2 == 0);
            let route = kernel
                .route(&Question {
                    to,
                    from: None,
                    link: None,
                    mark: 0,
                })
                .unwrap();
            let expected = route.and_then(|route| {
                let index = route.hops.first().map(|hop| hop.link);
                let mut links = locality.links().iter();
                let link = links.find(|link| match route.kind {
                    RouteKind::Local => link.is_loopback,
                    _ => Some(link.index) == index,
                });
                link.map(|link| Arc::clone(&link.name))
            });
            let from = if to.is_ipv4() {
                "192.0.2.1"
            } else {
                "2001:db8:1::1"
            };
            let (orig, reply) = between(from, &to.to_string());
            let inferred = paths.interfaces(&locality, &orig, &reply, None);
            assert_eq!(inferred.reply, expected, "{to}");
            found += usize::from(expected.is_some());
        }
    });
    found
}

#[test]
fn routes_are_looked_up_as_the_kernel_does() {
    lab::run("routes_are_looked_up_as_the_kernel_does", |lab| {
        let net = lab.router();
        let mut numbers = Numbers(1);
        let mut routes: Vec<_> = (0..2000).map(|n| numbers.route(n % 2 == 0)).collect();
        routes.sort_unstable();
        routes.dedup_by_key(|(network, len, _)| (*network, *len));
        net.router.add_routes(MAIN, routes.clone());
        let found = agrees(&net.router, 2);
        assert!((500..3500).contains(&found), "{found} of 4000 have a route");
        // The tables of two kinds get mixed up in one of the two ways a kernel
        // may look at them, and a longer prefix is only in one of them.
        net.router.take_in("10.1.0.0/16");
        agrees(&net.router, 3);
        net.router.add_policy(TABLE, Some(7), None);
        agrees(&net.router, 4);
    });
}

#[test]
fn more_routes_than_are_kept_are_asked_for() {
    lab::run("more_routes_than_are_kept_are_asked_for", |lab| {
        let net = lab.router();
        let (lan, wan) = (ip("192.0.2.10"), ip("198.51.100.20"));
        let routes = (0..10_000u32).map(|number| {
            let network = Ipv4Addr::from_bits(11 << 24 | number << 8);
            let gateway = if number % 3 == 0 { lan } else { wan };
            (IpAddr::V4(network), 24, gateway)
        });
        net.router.add_routes(MAIN, routes);
        for (dst, expected) in [
            ("11.0.0.1", "out - lan"),
            ("11.0.1.1", "out - wan"),
            ("11.39.15.200", "out - lan"),
            ("12.0.0.1", "out - -"),
            ("192.0.2.10", "out - lan"),
        ] {
            let said = told(&net.router, between("192.0.2.1", dst));
            assert_eq!(said, expected, "{dst}");
        }
        // Addresses come from another table, which is never too large.
        net.router.take_in("10.9.0.0/16");
        assert!(read(&net.router).is_here(ip("10.9.8.7")));
    });
}

#[test]
fn policies_are_respected_and_a_choice_is_no_answer() {
    lab::run("policies_are_respected_and_a_choice_is_no_answer", |lab| {
        let net = network(lab);
        let third = lab.host("third");
        lab.cable(
            End {
                host: &third,
                interface: "eth0",
                addresses: &["203.0.113.20/24"],
            },
            End {
                host: &net.router,
                interface: "dsl",
                addresses: &["203.0.113.1/24"],
            },
        );
        let router = &net.router;
        router.add_multipath("8.8.0.0/16", &["198.51.100.20", "203.0.113.20"]);
        router.add_multipath("9.9.0.0/16", &["198.51.100.20", "198.51.100.21"]);
        for (dst, expected) in [
            ("8.8.4.4", "forward lan -"),
            ("9.9.9.9", "forward lan wan"),
            ("1.1.1.1", "forward lan wan"),
        ] {
            let said = told(router, between("192.0.2.10", dst));
            assert_eq!(said, expected, "{dst}");
        }
        router.add_routes(TABLE, [(ip("1.1.0.0"), 16, ip("203.0.113.20"))]);
        router.add_policy(TABLE, Some(7), None);
        let flow = between("192.0.2.10", "1.1.1.1");
        assert_eq!(told_with(router, flow, Some(7)), "forward lan dsl");
        assert_eq!(told_with(router, flow, Some(8)), "forward lan wan");
        assert_eq!(told_with(router, flow, None), "forward lan wan");
        // Still no answer where there are several.
        let split = between("192.0.2.10", "8.8.4.4");
        assert_eq!(told(router, split), "forward lan -");
        router.add_policy(TABLE, None, Some("192.0.2.77"));
        let other = between("192.0.2.77", "1.1.1.1");
        assert_eq!(told(router, other), "forward lan dsl");
        assert_eq!(told(router, flow), "forward lan wan");
        let back = between("1.1.1.1", "192.0.2.77");
        assert_eq!(told(router, back).split(' ').nth(2), Some("lan"));
    });
}
