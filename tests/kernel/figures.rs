//! Counters, rates and times of birth.

use std::time::{Duration, SystemTime};

use flowtop::flow::{Pair, Protocol, Scope, State};
use flowtop::table::{Age, EndReason};

use crate::lab::traffic::{self, TcpService, UdpService};
use crate::lab::{self, SERVERS};
use crate::observed::{at, count, observe, observed};
use crate::watch::{DUMPS, LISTEN, Watch};

#[test]
fn counters_are_exact() {
    lab::run("figures::counters_are_exact", |lab| {
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
    lab::run("figures::rates_come_with_the_second_reading", |lab| {
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
    lab::run(
        "figures::flows_from_before_accounting_have_no_counters",
        |lab| {
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
        },
    );
}

#[test]
fn births_are_stamped_by_the_kernel() {
    lab::run("figures::births_are_stamped_by_the_kernel", |lab| {
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
    lab::run("figures::fault_01_an_update_event_erases_nothing", |lab| {
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
    lab::run(
        "figures::fault_02_a_state_change_makes_no_false_rate",
        |lab| {
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
        },
    );
}

#[test]
fn fault_03_bytes_between_hasty_readings_are_not_lost() {
    lab::run(
        "figures::fault_03_bytes_between_hasty_readings_are_not_lost",
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
        "figures::fault_05_final_counters_count_and_so_does_a_flow_shorter_than_an_interval",
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
