//! Births, changes and ends, told or not.

use std::net::TcpStream;

use flowtop::flow::{L4, Protocol, State, Tuple};
use flowtop::table::EndReason;

use crate::lab::entries::Entry;
use crate::lab::traffic::{self, TcpService, UdpService};
use crate::lab::{self, eventually};
use crate::observed::{EVENTS, observe, observed};
use crate::watch::{DUMPS, LISTEN, Told, Watch};

#[test]
fn ends_have_their_reasons() {
    lab::run("lives::ends_have_their_reasons", |lab| {
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
    lab::run(
        "lives::fault_06_what_the_kernel_forgot_in_silence_ends",
        |lab| {
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
        },
    );
}

#[test]
fn fault_07_a_flow_born_while_nobody_listened_vanishes() {
    lab::run(
        "lives::fault_07_a_flow_born_while_nobody_listened_vanishes",
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
    lab::run("lives::a_tuple_used_again_is_another_flow", |lab| {
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
    lab::run(
        "lives::fault_08_a_flow_seen_by_dump_and_event_is_one_row",
        |lab| {
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
        },
    );
}

#[test]
fn told_changes_follow_the_protocol() {
    lab::run("lives::told_changes_follow_the_protocol", |lab| {
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
