//! The library below the binary against the running kernel: what real traffic
//! becomes in the table.
//!
//! Tests named `fault_NN_...` each hold one fault of the original, netsniff-ng's
//! flowtop, shut.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod notation;
mod watch;

use std::env;
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, SystemTime};

use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Settings, Source as _};
use flowtop::flow::{
    Class, Counters, Family, Group, Key, L4, Pair, Protocol, Scope, State, Status, Tuple,
};
use flowtop::netlink::NetlinkError;
use flowtop::netlink::tracking::{Tracking, tracking};
use flowtop::table::{Age, EndReason, Nat};
use lab::entries::Entry;
use lab::traffic::{self, TcpService, UdpService};
use lab::{FLOWS_PER_SERVER, Host, Lab, Network, SERVERS, eventually};
use notation::{between, ip, ports};
use watch::{DUMPS, LISTEN, Told, Watch};

const ESP: Protocol = Protocol(50);

fn at(address: &str, port: u16) -> String {
    match ip(address) {
        IpAddr::V4(_) => format!("{address}:{port}"),
        IpAddr::V6(_) => format!("[{address}]:{port}"),
    }
}

/// Which flows tell of themselves: 0 none, 1 all, 2 those born while somebody
/// on this machine, in whatever namespace, listens.
const EVENTS: &str = "net/netfilter/nf_conntrack_events";

/// Switches counters, time stamps and tracking on.
fn observe(host: &Host) {
    // Not 2, the default: what other tests do must not matter here.
    host.set_sysctl(EVENTS, "1");
    host.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
    host.set_sysctl("net/netfilter/nf_conntrack_timestamp", "1");
    host.track();
}

/// A network whose router does all that.
fn observed(lab: &Lab) -> Network {
    let net = lab.router();
    observe(&net.router);
    net
}

/// Lets the router take UDP-Lite for valid; see
/// [`lab::packets::Packet::udplite`].
fn accept_udplite(host: &Host) {
    host.set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
}

fn count(packets: u64, bytes: u64) -> Counters {
    Counters { packets, bytes }
}

#[test]
fn flows_of_every_protocol_are_rows_as_the_kernel_has_them() {
    lab::run(
        "flows_of_every_protocol_are_rows_as_the_kernel_has_them",
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
fn counters_are_exact() {
    lab::run("counters_are_exact", |lab| {
        let net = observed(lab);
        let mut watch = Watch::start(&net.router, LISTEN);
        for (server, headers) in SERVERS.iter().zip([28, 48]) {
            let service = UdpService::bind(&net.server, &at(server, 9));
            let conversation = service.connect(&net.client);
            conversation.exchange(100, 1000);
            conversation.exchange(100, 1000);
            conversation.request(1);
            watch.refresh();
            let flow = watch.flow(Protocol::UDP);
            let expected = Pair {
                orig: count(3, 201 + 3 * headers),
                reply: count(2, 2000 + 2 * headers),
            };
            assert_eq!(flow.counters(), Some(expected));
            net.router.flush_flows();
            watch.until("the flow ends", |w| w.table.is_empty());
        }
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        connection.upload(123_456);
        connection.download(654_321);
        connection.close();
        watch.until("the last ACK arrives", |watch| {
            let flows = watch.flows(Protocol::TCP);
            flows.first().and_then(|flow| flow.state()) == Some(State::TCP_TIME_WAIT)
        });
        watch.refresh();
        watch.assert_is(&net.router);
        let bytes = watch
            .flow(Protocol::TCP)
            .counters()
            .expect("counted")
            .bytes();
        assert!(bytes.orig > 123_456 && bytes.reply > 654_321, "{bytes:?}");
    });
}

#[test]
fn rates_come_with_the_second_reading() {
    lab::run("rates_come_with_the_second_reading", |lab| {
        let net = observed(lab);
        let service = UdpService::bind(&net.server, "198.51.100.20:9");
        let conversation = service.connect(&net.client);
        conversation.exchange(972, 472);
        // From before the start, so that the first reading is but a base.
        let mut watch = Watch::start(&net.router, LISTEN);
        watch.refresh();
        assert_eq!(watch.flow(Protocol::UDP).bytes_per_sec(), None);
        conversation.exchange(972, 472);
        watch.sleep(Duration::from_secs(10));
        watch.refresh();
        let rate = watch
            .flow(Protocol::UDP)
            .bytes_per_sec()
            .expect("two readings");
        // A little more than ten seconds have passed.
        assert!((1..=100).contains(&rate.orig), "{rate:?}");
        assert!((1..=50).contains(&rate.reply), "{rate:?}");
        watch.sleep(Duration::from_secs(10));
        watch.refresh();
        let rate = watch.flow(Protocol::UDP).bytes_per_sec();
        assert_eq!(rate, Some(Pair { orig: 0, reply: 0 }));
    });
}

#[test]
fn flows_from_before_accounting_have_no_counters() {
    lab::run("flows_from_before_accounting_have_no_counters", |lab| {
        let net = lab.router();
        net.router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:9");
        let old = service.connect(&net.client);
        old.exchange(10, 10);
        observe(&net.router);
        let mut watch = Watch::start(&net.router, LISTEN);
        old.exchange(10, 10);
        let young = service.connect(&net.client);
        young.exchange(10, 10);
        watch.refresh();
        watch.assert_is(&net.router);
        let old = old.client.local_addr().expect("bound").port();
        for flow in watch.flows(Protocol::UDP) {
            let is_old = flow.key().orig.sport() == Some(old);
            assert_eq!(flow.counters().is_none(), is_old, "{flow:?}");
            assert_eq!(flow.start_ns().is_none(), is_old, "{flow:?}");
            assert!(!is_old || flow.bytes_per_sec().is_none(), "{flow:?}");
        }
        // Their end brings no counters either.
        net.router.flush_flows();
        watch.until("the end of the young one is told", |w| {
            w.ended().any(|flow| flow.key().orig.sport() != Some(old))
        });
        watch.refresh();
        let mut counted: Vec<_> = watch.ended().map(|f| f.counters().is_some()).collect();
        counted.sort_unstable();
        assert_eq!(counted, [false, true]);
    });
}

#[test]
fn births_are_stamped_by_the_kernel() {
    lab::run("births_are_stamped_by_the_kernel", |lab| {
        let net = observed(lab);
        let now = || {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            u64::try_from(since.expect("after 1970").as_nanos()).expect("before 2554")
        };
        let before = now();
        traffic::ping(&net.client, "198.51.100.20", 1);
        let after = now();
        let mut watch = Watch::start(&net.router, DUMPS);
        watch.refresh();
        let flow = watch.flow(Protocol::ICMP);
        let start = flow.start_ns().expect("stamped");
        assert!(
            (before..=after).contains(&start),
            "{before} {start} {after}"
        );
        assert!(matches!(flow.age(watch.now()), Age::Exact(_)));
    });
}

#[test]
fn fault_01_an_update_event_erases_nothing() {
    lab::run("fault_01_an_update_event_erases_nothing", |lab| {
        let net = observed(lab);
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        connection.echo(100_000);
        let mut watch = Watch::start(&net.router, LISTEN);
        watch.refresh();
        let before = watch.flow(Protocol::TCP).clone();
        assert!(before.counters().is_some() && before.start_ns().is_some());
        assert_eq!(before.state(), Some(State::TCP_ESTABLISHED));
        connection.close();
        watch.until("the farewell is seen", |watch| {
            watch.flow(Protocol::TCP).state() == Some(State::TCP_TIME_WAIT)
        });
        let flow = watch.flow(Protocol::TCP);
        assert_eq!(flow.counters(), before.counters());
        assert_eq!(flow.start_ns(), before.start_ns());
        assert_eq!(flow.status(), before.status());
        for flow in watch.changed() {
            assert!(flow.state().is_some() && flow.counters().is_some());
        }
    });
}

#[test]
fn fault_02_a_state_change_makes_no_false_rate() {
    lab::run("fault_02_a_state_change_makes_no_false_rate", |lab| {
        let net = observed(lab);
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        connection.echo(1_000_000);
        let mut watch = Watch::start(&net.router, LISTEN);
        watch.refresh();
        connection.close();
        watch.until("the farewell is seen", |watch| {
            watch.flow(Protocol::TCP).state() == Some(State::TCP_TIME_WAIT)
        });
        watch.sleep(Duration::from_secs(1));
        watch.refresh();
        let rate = watch
            .flow(Protocol::TCP)
            .bytes_per_sec()
            .expect("two readings");
        // Nothing but a few packets of a farewell.
        assert!(rate.orig < 1000 && rate.reply < 1000, "{rate:?}");
        let totals = watch.table.totals().within(Scope::EVERYTHING).counters;
        assert!(totals.bytes().sum() < 1000, "{totals:?}");
    });
}

#[test]
fn fault_03_bytes_between_hasty_readings_are_not_lost() {
    lab::run(
        "fault_03_bytes_between_hasty_readings_are_not_lost",
        |lab| {
            let net = observed(lab);
            let service = UdpService::bind(&net.server, "198.51.100.20:9");
            let conversation = service.connect(&net.client);
            conversation.exchange(100, 100);
            let mut watch = Watch::start(&net.router, LISTEN);
            watch.refresh();
            for _ in 0..10 {
                conversation.exchange(972, 972);
                watch.refresh();
            }
            watch.sleep(Duration::from_secs(1));
            conversation.exchange(972, 972);
            watch.refresh();
            let totals = watch.table.totals().within(Scope::EVERYTHING).counters;
            assert_eq!(
                (totals.orig, totals.reply),
                (count(11, 11_000), count(11, 11_000))
            );
            let flow = watch.flow(Protocol::UDP);
            let average = flow
                .average_bytes_per_sec(10, watch.now())
                .expect("read twice");
            // All of them within the last seconds, of which two at least count.
            assert!(average.orig > 0 && average.orig <= 5500, "{average:?}");
        },
    );
}

#[test]
fn fault_05_final_counters_count_and_so_does_a_flow_shorter_than_an_interval() {
    lab::run(
        "fault_05_final_counters_count_and_so_does_a_flow_shorter_than_an_interval",
        |lab| {
            let net = observed(lab);
            let mut watch = Watch::start(&net.router, LISTEN);
            watch.refresh();
            for server in SERVERS {
                let service = UdpService::bind(&net.server, &at(server, 9));
                service.connect(&net.client).exchange(1000, 2000);
            }
            let seen = net.router.flows();
            net.router.flush_flows();
            watch.until("both have ended", |w| w.ended().count() == 2);
            let totals = watch.table.totals().within(Scope::EVERYTHING);
            assert_eq!((totals.born, totals.ended), (2, 2));
            assert_eq!(totals.counters.orig, count(2, 2 * 1000 + 28 + 48));
            assert_eq!(totals.counters.reply.bytes, 2 * 2000 + 28 + 48);
            for flow in watch.ended() {
                assert_eq!(flow.end_reason(), Some(EndReason::Deleted));
                let seen = seen.iter().find(|seen| seen.orig == flow.key().orig);
                let [orig, reply] = seen.and_then(|seen| seen.counters).expect("counted");
                let counters = flow.counters().expect("final counters");
                assert_eq!((counters.orig.packets, counters.orig.bytes), orig);
                assert_eq!((counters.reply.packets, counters.reply.bytes), reply);
                assert!(matches!(flow.age(watch.now()), Age::Exact(_)));
            }
        },
    );
}

#[test]
fn ends_have_their_reasons() {
    lab::run("ends_have_their_reasons", |lab| {
        let net = observed(lab);
        // What has ended by itself is removed when somebody looks.
        for name in ["udp_timeout", "tcp_timeout_time_wait", "tcp_timeout_close"] {
            let key = format!("net/netfilter/nf_conntrack_{name}");
            net.router.set_sysctl(&key, "1");
        }
        let mut watch = Watch::start(&net.router, LISTEN);
        watch.refresh();
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let farewell = service.connect(&net.client);
        farewell.echo(100);
        farewell.close();
        let udp = UdpService::bind(&net.server, "198.51.100.20:9");
        udp.connect(&net.client).exchange(100, 100);
        let refused = net.client.enter(|| TcpStream::connect("198.51.100.20:81"));
        assert!(refused.is_err(), "nobody listens there");
        traffic::ping(&net.client, "198.51.100.20", 1);
        watch.until("the ping is seen", |watch| {
            !watch.flows(Protocol::ICMP).is_empty()
        });
        let ping = *watch.flow(Protocol::ICMP).key();
        net.router.delete_flow(&ping.orig);
        eventually("all have ended", || {
            watch.refresh();
            watch.ended().count() == 4
        });
        let mut ends: Vec<_> = watch
            .ended()
            .map(|flow| {
                (
                    flow.key().orig.dport(),
                    flow.end_reason().map(EndReason::name),
                )
            })
            .collect();
        ends.sort_unstable();
        let expected = [
            (None, Some("deleted")),
            (Some(9), Some("timed_out")),
            (Some(80), Some("closed")),
            (Some(81), Some("reset")),
        ];
        assert_eq!(ends, expected);
    });
}

#[test]
fn fault_06_what_the_kernel_forgot_in_silence_ends() {
    lab::run("fault_06_what_the_kernel_forgot_in_silence_ends", |lab| {
        let here = lab.here();
        here.create_flows((0..300).map(Entry::numbered));
        let mut watch = Watch::start(here, DUMPS);
        watch.refresh();
        let gone: Vec<Tuple> = here.flows().iter().take(200).map(|f| f.orig).collect();
        for orig in &gone {
            here.delete_flow(orig);
        }
        watch.refresh();
        watch.assert_is(here);
        assert_eq!(watch.table.len(), 100);
        let ended: Vec<_> = watch.ended().collect();
        assert_eq!(ended.len(), 200);
        for flow in ended {
            assert_eq!(flow.end_reason(), Some(EndReason::Vanished));
            assert!(gone.contains(&flow.key().orig));
        }
    });
}

#[test]
fn fault_07_a_flow_born_while_nobody_listened_vanishes() {
    lab::run(
        "fault_07_a_flow_born_while_nobody_listened_vanishes",
        |lab| {
            let net = observed(lab);
            // As with 2, the default, when nobody on the machine listens.
            net.router.set_sysctl(EVENTS, "0");
            traffic::ping(&net.client, "198.51.100.20", 1);
            net.router.set_sysctl(EVENTS, "2");
            let mut watch = Watch::start(&net.router, LISTEN);
            watch.refresh();
            traffic::ping(&net.client, "198.51.100.20", 2);
            watch.until("both are here", |watch| watch.table.len() == 2);
            net.router.flush_flows();
            watch.until("one end is told", |w| w.ended().count() == 1);
            let told = watch.ended().next().expect("just counted");
            assert_eq!(told.end_reason(), Some(EndReason::Deleted));
            assert!(matches!(told.key().orig.l4(), L4::Icmp { id: 2, .. }));
            // The other is a ghost until a dump does not show it.
            assert_eq!(watch.table.len(), 1);
            watch.refresh();
            assert!(watch.table.is_empty());
            let swept = watch.ended().last().expect("swept");
            assert_eq!(swept.end_reason(), Some(EndReason::Vanished));
            assert!(matches!(swept.key().orig.l4(), L4::Icmp { id: 1, .. }));
            assert_eq!(watch.ended().count(), 2);
        },
    );
}

#[test]
fn a_tuple_used_again_is_another_flow() {
    lab::run("a_tuple_used_again_is_another_flow", |lab| {
        let here = lab.here();
        observe(here);
        let entry = || Entry::numbered(1);
        // Unseen by events, so that only its id or its birth tells.
        here.set_sysctl(EVENTS, "0");
        let mut watch = Watch::start(here, DUMPS);
        for round in 1..=10 {
            here.create_flows([entry()]);
            watch.refresh();
            watch.assert_is(here);
            assert_eq!(watch.ended().count(), round - 1);
            here.flush_flows();
        }
        here.set_sysctl(EVENTS, "2");
        let mut watch = Watch::start(here, LISTEN);
        for _ in 0..10 {
            here.create_flows([entry()]);
            here.flush_flows();
        }
        watch.until("all have ended", |w| w.ended().count() == 10);
        assert_eq!(watch.born().count(), 10);
        assert!(watch.table.is_empty());
    });
}

#[test]
fn fault_08_a_flow_seen_by_dump_and_event_is_one_row() {
    lab::run("fault_08_a_flow_seen_by_dump_and_event_is_one_row", |lab| {
        let here = lab.here();
        // Before the subscription, between it and the dump, and afterwards.
        here.create_flows((0..500).map(Entry::numbered));
        let mut watch = Watch::start(here, LISTEN);
        here.create_flows((500..550).map(Entry::numbered));
        watch.refresh();
        here.create_flows((550..600).map(Entry::numbered));
        watch.until("all are here", |watch| watch.table.len() >= 600);
        watch.refresh();
        watch.assert_is(here);
        assert_eq!(watch.born().count(), 100, "500 are older than the table");
        here.flush_flows();
        watch.until("the ends that are told are here", |w| {
            w.ended().count() >= 100
        });
        watch.refresh();
        assert!(watch.table.is_empty());
        assert_eq!(watch.ended().count(), 600, "each ends once");
    });
}

#[test]
fn fault_10_dns_flows_are_rows() {
    lab::run("fault_10_dns_flows_are_rows", |lab| {
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
        "fault_11_and_12_loopback_is_told_by_all_its_addresses",
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
    lab::run("fault_13_a_dump_of_one_family_has_no_other", |lab| {
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
    lab::run("fault_17_address_translation_is_known", |lab| {
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
    lab::run("fault_17_masqueraded_pings_are_known", |lab| {
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
    lab::run("fault_17_zone_mark_and_helper_are_known", |lab| {
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
    lab::run("one_tuple_in_many_zones_is_many_flows", |lab| {
        let here = lab.here();
        let mut watch = Watch::start(here, LISTEN);
        here.create_flows((0..50).map(|zone| Entry::numbered(1).zone(zone)));
        watch.refresh();
        watch.assert_is(here);
        assert_eq!(watch.born().count(), 50);
    });
}

/// Entries of every protocol, family and zone.
fn entries_of_every_kind() -> Vec<Entry> {
    let mut entries = Vec::new();
    for zone in [0, 1, 65_535] {
        for (src, dst) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")] {
            let v4 = ip(src).is_ipv4();
            let icmp = if v4 { Protocol::ICMP } else { Protocol::ICMPV6 };
            let kinds: &[u8] = if v4 { &[8, 13, 15, 17] } else { &[128] };
            for &kind in kinds {
                let (code, id) = (0, 4711);
                entries.push((src, dst, icmp, L4::Icmp { kind, code, id }, zone));
            }
            for proto in [Protocol::TCP, Protocol::UDP, Protocol::UDPLITE] {
                entries.push((src, dst, proto, ports(1234, 80), zone));
            }
            entries.push((src, dst, Protocol::SCTP, ports(1234, 80), zone));
            entries.push((src, dst, Protocol::GRE, ports(0, 0x4d), zone));
            for number in [0, 2, 41, 50, 51, 89, 253, 255] {
                entries.push((src, dst, Protocol(number), L4::None, zone));
            }
        }
    }
    entries
        .into_iter()
        .map(|(src, dst, proto, l4, zone)| Entry::new(between(src, dst, proto, l4)).zone(zone))
        .collect()
}

/// Another key that nobody has.
fn neighbour(key: &Key) -> Key {
    let orig = key.orig;
    let l4 = match orig.l4() {
        L4::None => return Key { zone: 9, ..*key },
        L4::Ports { src, dst } => ports(src, dst + 1),
        L4::Icmp { kind, code, id } => L4::Icmp {
            kind,
            code,
            id: id + 1,
        },
    };
    Key {
        orig: Tuple::new(orig.src(), orig.dst(), orig.proto(), l4).expect("one family"),
        ..*key
    }
}

#[test]
fn every_kind_of_flow_can_be_asked_for() {
    lab::run("every_kind_of_flow_can_be_asked_for", |lab| {
        let here = lab.here();
        here.create_flows(entries_of_every_kind());
        let mut watch = Watch::start(here, DUMPS);
        watch.dump();
        watch.assert_is(here);
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), entries_of_every_kind().len());
        ask(here, &keys, true);
        ask(here, &keys.iter().map(neighbour).collect::<Vec<_>>(), false);
        let nowhere: Vec<_> = keys.iter().map(|key| Key { zone: 77, ..*key }).collect();
        ask(here, &nowhere, false);
        here.flush_flows();
        ask(here, &keys, false);
        watch.refresh();
        assert!(watch.table.is_empty());
    });
}

/// Flows whose zone counts in one direction only are found by their key too.
#[test]
fn flows_with_a_zone_in_one_direction_can_be_asked_for() {
    lab::run(
        "flows_with_a_zone_in_one_direction_can_be_asked_for",
        |lab| {
            let net = observed(lab);
            net.router.set_original_zone(12);
            let mut watch = Watch::start(&net.router, LISTEN);
            for server in SERVERS {
                let service = UdpService::bind(&net.server, &at(server, 53));
                service.connect(&net.client).exchange(1, 1);
            }
            watch.refresh();
            let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
            assert_eq!(keys.len(), 2, "{keys:?}");
            assert!(keys.iter().all(|key| key.zone == 12), "{keys:?}");
            ask(&net.router, &keys, true);
            let elsewhere: Vec<_> = keys.iter().map(|key| Key { zone: 0, ..*key }).collect();
            ask(&net.router, &elsewhere, false);
        },
    );
}

#[test]
fn every_flow_of_real_traffic_can_be_asked_for() {
    lab::run("every_flow_of_real_traffic_can_be_asked_for", |lab| {
        let net = observed(lab);
        accept_udplite(&net.router);
        net.router.masquerade("wan");
        for server in SERVERS {
            net.speak_everything(server);
        }
        let mut watch = Watch::start(&net.router, DUMPS);
        watch.dump();
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), 2 * FLOWS_PER_SERVER);
        ask(&net.router, &keys, true);
    });
}

/// The kernel finds flows by the tuple of their answers as well. One that it
/// forgot, and took up again the other way round, would live for ever.
#[test]
fn flows_are_not_found_by_the_tuple_of_their_answers() {
    lab::run("flows_are_not_found_by_the_tuple_of_their_answers", |lab| {
        let here = lab.here();
        here.create_flows((0..3).map(Entry::numbered));
        let mut watch = Watch::start(here, DUMPS);
        watch.dump();
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), 3);
        let turned = keys.iter().map(|key| Key {
            orig: key.orig.inverted(),
            ..*key
        });
        ask(here, &turned.collect::<Vec<_>>(), false);
    });
}

/// Asks for each key and compares whether it is there, and which.
fn ask(host: &Host, keys: &[Key], exist: bool) {
    use flowtop::flow::{Origin, Update};
    let (out, deliveries) = std::sync::mpsc::sync_channel::<Delivery>(64);
    let kernel = host
        .enter(|| Kernel::start(DUMPS, Clock::start(), &out))
        .expect("permitted");
    kernel.inquire(Inquiry::Get(keys.to_vec()));
    // The end of a dump is the end of the answers before it.
    kernel.inquire(Inquiry::Dump);
    let mut answers = Vec::new();
    'answers: loop {
        let Ok(Delivery::Batch(batch)) = deliveries.recv() else {
            panic!("the source has ended");
        };
        for update in batch.updates {
            match update {
                Update::Absent(key) => answers.push((key, false)),
                Update::Flow(report) if report.origin == Origin::Fetched => {
                    answers.push((report.key, true));
                }
                Update::DumpBegin => break 'answers,
                other => panic!("unexpected {other:?}"),
            }
        }
    }
    let expected: Vec<_> = keys.iter().map(|key| (*key, exist)).collect();
    assert_eq!(answers, expected);
}

#[test]
fn gets_are_pipelined_by_the_thousand() {
    lab::run("gets_are_pipelined_by_the_thousand", |lab| {
        let here = lab.here();
        here.create_flows((0..3000).map(Entry::numbered));
        let mut watch = Watch::start(here, DUMPS);
        watch.dump();
        let keys: Vec<Key> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
        assert_eq!(keys.len(), 3000);
        ask(here, &keys, true);
    });
}

#[test]
fn tracking_is_told_by_the_rules_that_want_it() {
    lab::run("tracking_is_told_by_the_rules_that_want_it", |lab| {
        type Rule = fn(&Host);
        let net = lab.router();
        let rules: [(&str, Rule); 4] = [
            ("ct state", Host::track),
            ("masquerade", |host| host.masquerade("wan")),
            ("dnat", |host| {
                let to = "198.51.100.20:80".parse().expect("an address");
                host.dnat(Protocol::TCP, 80, to);
            }),
            ("dnat over IPv6", |host| {
                let to = "[2001:db8:2::20]:80".parse().expect("an address");
                host.dnat(Protocol::TCP, 80, to);
            }),
        ];
        for (name, rule) in rules {
            assert_eq!(net.router.enter(tracking), Tracking::Unwanted, "{name}");
            rule(&net.router);
            assert_eq!(net.router.enter(tracking), Tracking::Wanted, "{name}");
            // Another namespace's rules are none of ours.
            assert_eq!(net.client.enter(tracking), Tracking::Unwanted, "{name}");
            net.router.clear_rules();
        }
        assert_eq!(net.router.enter(tracking), Tracking::Unwanted);
    });
}

/// Set in a copy of this process that has no rights.
const POWERLESS: &str = "KERNEL_TEST_POWERLESS";

#[test]
fn without_the_capability_the_error_names_it() {
    let name = "without_the_capability_the_error_names_it";
    if env::var_os(POWERLESS).is_some() {
        return expect_refusal();
    }
    lab::run(name, |lab| {
        let output = lab
            .here()
            .unprivileged(env::current_exe().expect("a path"))
            .args([name, "--exact", "--nocapture"])
            .env(POWERLESS, "1")
            .output()
            .expect("this binary runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}"
        );
    });
}

fn expect_refusal() {
    let (out, deliveries) = std::sync::mpsc::sync_channel::<Delivery>(64);
    let Err(error) = Kernel::start(LISTEN, Clock::start(), &out) else {
        panic!("an ordinary user may listen");
    };
    assert!(
        matches!(error, NetlinkError::NotPermitted { .. }),
        "{error}"
    );
    assert!(error.to_string().contains("CAP_NET_ADMIN"), "{error}");
    let kernel = Kernel::start(DUMPS, Clock::start(), &out).expect("sockets may be opened");
    kernel.inquire(Inquiry::Dump);
    let error = loop {
        match deliveries.recv().expect("an answer") {
            Delivery::Failed(error) => break error,
            Delivery::Batch(_) | Delivery::Odd(_) => {}
        }
    };
    assert!(
        matches!(error, NetlinkError::NotPermitted { .. }),
        "{error}"
    );
    assert_eq!(tracking(), Tracking::Unknown);
}

#[test]
fn told_changes_follow_the_protocol() {
    lab::run("told_changes_follow_the_protocol", |lab| {
        let net = observed(lab);
        let mut watch = Watch::start(&net.router, LISTEN);
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        service.connect(&net.client).close();
        watch.until("the last ACK arrives", |watch| {
            watch
                .changed()
                .any(|flow| flow.state() == Some(State::TCP_TIME_WAIT))
        });
        net.router.flush_flows();
        watch.until("the end is told", |w| w.ended().count() == 1);
        let mut said: Vec<_> = watch
            .told
            .iter()
            .map(|told| match told {
                Told::Born(flow) => ("new", flow.state().and_then(State::name)),
                Told::Changed(flow) => ("update", flow.state().and_then(State::name)),
                Told::Ended(flow) => ("end", flow.state().and_then(State::name)),
                Told::Lost(_) => ("lost", None),
            })
            .collect();
        // Whether the server acknowledges the client's FIN before it sends its
        // own is up to the scheduler.
        said.retain(|said| *said != ("update", Some("close_wait")));
        assert_eq!(
            said,
            [
                ("new", Some("syn_sent")),
                ("update", Some("syn_recv")),
                ("update", Some("established")),
                ("update", Some("fin_wait")),
                ("update", Some("last_ack")),
                ("update", Some("time_wait")),
                ("end", Some("time_wait")),
            ]
        );
    });
}
