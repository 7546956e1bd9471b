//! Rows of every protocol, family, zone and translation.

use flowtop::collect::Settings;
use flowtop::flow::{Class, Family, Group, L4, Protocol, Scope, State, Status};
use flowtop::table::Nat;

use crate::lab::entries::Entry;
use crate::lab::traffic::{self, TcpService, UdpService};
use crate::lab::{self, FLOWS_PER_SERVER, SERVERS};
use crate::notation::{between, ip, ports};
use crate::observed::{ESP, accept_udplite, at, observe, observed};
use crate::watch::{DUMPS, LISTEN, Watch};

#[test]
fn flows_of_every_protocol_are_rows_as_the_kernel_has_them() {
    lab::run(
        "rows::flows_of_every_protocol_are_rows_as_the_kernel_has_them",
        |lab| {
            for settings in [DUMPS, LISTEN] {
                let net = observed(lab);
                accept_udplite(&net.router);
                let mut watch = Watch::start(&net.router, settings);
                for server in SERVERS {
                    net.speak_everything(server);
                }
                watch.refresh();
                watch.assert_is(&net.router);
                assert_eq!(watch.table.len(), 2 * FLOWS_PER_SERVER);
                let flow_of = |protocol, family| {
                    let mut flows = watch.flows(protocol);
                    flows.retain(|flow| flow.key().orig.family() == family);
                    assert_eq!(flows.len(), 1, "{protocol} {family:?}");
                    flows[0]
                };
                for (family, icmp, kind) in [
                    (Family::Ipv4, Protocol::ICMP, 8),
                    (Family::Ipv6, Protocol::ICMPV6, 128),
                ] {
                    let state = |protocol| flow_of(protocol, family).state();
                    let l4 = |protocol| flow_of(protocol, family).key().orig.l4();
                    assert!(matches!(state(Protocol::TCP), Some(State::Tcp(1..=9))));
                    assert_eq!(state(Protocol::SCTP), Some(State::Sctp(4)));
                    assert_eq!(state(Protocol::UDP), None);
                    assert_eq!(l4(Protocol::UDPLITE), ports(4000, 5002));
                    assert_eq!(l4(Protocol::GRE), ports(0, 0));
                    assert_eq!(l4(ESP), L4::None);
                    let (code, id) = (0, 77);
                    assert_eq!(l4(icmp), L4::Icmp { kind, code, id });
                    for protocol in [Protocol::UDP, icmp, Protocol::GRE] {
                        let flow = flow_of(protocol, family);
                        assert_eq!(flow.reply(), flow.key().orig.inverted());
                        assert_eq!(flow.nat(), None);
                    }
                }
            }
        },
    );
}

#[test]
fn fault_10_dns_flows_are_rows() {
    lab::run("rows::fault_10_dns_flows_are_rows", |lab| {
        let net = observed(lab);
        let mut watch = Watch::start(&net.router, LISTEN);
        for server in SERVERS {
            let service = UdpService::bind(&net.server, &at(server, 53));
            service.connect(&net.client).exchange(30, 120);
            let service = TcpService::listen(&net.server, &at(server, 53));
            service.connect(&net.client).echo(100);
        }
        watch.refresh();
        let everyday = Scope::default().with_group(Group::Udp, true);
        assert_eq!(watch.table.len(), 4);
        for (_, flow) in watch.table.flows() {
            assert_eq!(flow.key().orig.dport(), Some(53));
            assert!(everyday.holds(flow.class()), "{flow:?}");
        }
    });
}

#[test]
fn fault_11_and_12_loopback_is_told_by_all_its_addresses() {
    lab::run(
        "rows::fault_11_and_12_loopback_is_told_by_all_its_addresses",
        |lab| {
            let here = lab.here();
            observe(here);
            for settings in [DUMPS, LISTEN] {
                let mut watch = Watch::start(here, settings);
                for address in ["127.0.0.1", "127.0.0.53", "::1"] {
                    let service = TcpService::listen(here, &at(address, 0));
                    service.connect(here).close();
                }
                watch.refresh();
                assert_eq!(watch.table.len(), 3);
                for (_, flow) in watch.table.flows() {
                    assert!(!Scope::default().holds(flow.class()), "{flow:?}");
                    let shown = Scope::default().with_loopback(true);
                    assert!(shown.holds(flow.class()), "{flow:?}");
                }
                here.flush_flows();
            }
        },
    );
}

#[test]
fn fault_13_a_dump_of_one_family_has_no_other() {
    lab::run("rows::fault_13_a_dump_of_one_family_has_no_other", |lab| {
        let net = observed(lab);
        for server in SERVERS {
            traffic::ping(&net.client, server, 5);
        }
        for (family, protocol) in [
            (Family::Ipv4, Protocol::ICMP),
            (Family::Ipv6, Protocol::ICMPV6),
        ] {
            let settings = Settings {
                family: Some(family),
                ..DUMPS
            };
            let mut watch = Watch::start(&net.router, settings);
            watch.refresh();
            assert_eq!(watch.table.len(), 1);
            let class = watch.flow(protocol).class();
            assert_eq!(class, Class::new(family, Group::Icmp, false));
        }
    });
}

#[test]
fn fault_17_address_translation_is_known() {
    lab::run("rows::fault_17_address_translation_is_known", |lab| {
        for (source, destination, expected) in [
            (true, false, Nat::Source),
            (false, true, Nat::Destination),
            (true, true, Nat::Both),
        ] {
            let net = observed(lab);
            if source {
                net.router.masquerade("wan");
            }
            let mut watch = Watch::start(&net.router, LISTEN);
            for (server, public, outside) in [
                ("198.51.100.20", "192.0.2.1", "198.51.100.1"),
                ("2001:db8:2::20", "2001:db8:1::1", "2001:db8:2::1"),
            ] {
                let tcp = TcpService::listen(&net.server, &at(server, 80));
                let udp = UdpService::bind(&net.server, &at(server, 53));
                let (mut web, mut dns) = (tcp.address(), udp.address());
                if destination {
                    net.router.dnat(Protocol::TCP, 8080, web);
                    net.router.dnat(Protocol::UDP, 5353, dns);
                    web = at(public, 8080).parse().expect("an address");
                    dns = at(public, 5353).parse().expect("an address");
                }
                tcp.connect_by(&net.client, web).echo(10);
                udp.connect_by(&net.client, dns).exchange(10, 10);
                watch.refresh();
                watch.assert_is(&net.router);
                assert_eq!(watch.table.len(), 2);
                for (flow, asked, port) in [
                    (watch.flow(Protocol::TCP), web, 80),
                    (watch.flow(Protocol::UDP), dns, 53),
                ] {
                    assert_eq!(flow.nat(), Some(expected), "{flow:?}");
                    let (orig, reply) = (flow.key().orig, flow.reply());
                    assert_eq!((orig.dst(), orig.dport()), (asked.ip(), Some(asked.port())));
                    assert_eq!((reply.src(), reply.sport()), (ip(server), Some(port)));
                    let seen_as = if source { ip(outside) } else { orig.src() };
                    assert_eq!(reply.dst(), seen_as);
                    let status = flow.status().expect("always said");
                    assert_eq!(status.has(Status::SRC_NAT), source);
                    assert_eq!(status.has(Status::DST_NAT), destination);
                }
                net.router.flush_flows();
                watch.until("both have ended", |w| w.table.is_empty());
            }
        }
    });
}

#[test]
fn fault_17_masqueraded_pings_are_known() {
    lab::run("rows::fault_17_masqueraded_pings_are_known", |lab| {
        let net = lab.router();
        net.router.masquerade("wan");
        let mut watch = Watch::start(&net.router, LISTEN);
        for server in SERVERS {
            traffic::ping(&net.client, server, 3);
        }
        watch.refresh();
        watch.assert_is(&net.router);
        for protocol in [Protocol::ICMP, Protocol::ICMPV6] {
            assert_eq!(watch.flow(protocol).nat(), Some(Nat::Source));
        }
    });
}

#[test]
fn fault_17_zone_mark_and_helper_are_known() {
    lab::run("rows::fault_17_zone_mark_and_helper_are_known", |lab| {
        let net = lab.router();
        net.router.set_mark(0xbeef);
        net.router.track();
        for (interface, zone) in [("lan", 1), ("wan", 65_535)] {
            net.router.set_interface_zone(interface, zone);
        }
        let mut watch = Watch::start(&net.router, LISTEN);
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        // The answer does not find the flow of the other zone: two flows.
        service.connect(&net.client).exchange(1, 1);
        watch.refresh();
        watch.assert_is(&net.router);
        let mut zones: Vec<_> = watch.flows(Protocol::UDP);
        zones.sort_by_key(|flow| flow.key().zone);
        let zones: Vec<_> = zones.iter().map(|f| (f.key().zone, f.mark())).collect();
        assert_eq!(zones, [(1, Some(0xbeef)), (65_535, Some(0xbeef))]);

        let here = lab.here();
        let mut watch = Watch::start(here, LISTEN);
        let orig = between("10.0.0.1", "10.0.0.2", Protocol::TCP, ports(1, 21));
        here.create_flows([Entry::new(orig).helper("ftp")]);
        watch.refresh();
        assert_eq!(watch.flow(Protocol::TCP).helper(), Some("ftp"));
        for mark in [77, 0] {
            here.mark_flow(&orig, mark);
            watch.until("the mark changes", |watch| {
                watch.flow(Protocol::TCP).mark() == Some(mark)
            });
        }
        let flow = watch.flow(Protocol::TCP);
        assert_eq!(flow.helper(), Some("ftp"), "an event without it");
        watch.assert_is(here);
    });
}

#[test]
fn one_tuple_in_many_zones_is_many_flows() {
    lab::run("rows::one_tuple_in_many_zones_is_many_flows", |lab| {
        let here = lab.here();
        let mut watch = Watch::start(here, LISTEN);
        here.create_flows((0..50).map(|zone| Entry::numbered(1).zone(zone)));
        watch.refresh();
        watch.assert_is(here);
        assert_eq!(watch.born().count(), 50);
    });
}
