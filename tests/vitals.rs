//! Readings of how the kernel and the interfaces do, held against what was
//! done to them: in network namespaces of our own.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::time::Duration;

use flowtop::flow::Moment;
use flowtop::vitals::{History, LinkState, Stat, read};
use lab::entries::Entry;
use lab::traffic::UdpService;
use lab::{Host, Lab};

fn at(secs: u64) -> Moment {
    Moment::default().after(Duration::from_secs(secs))
}

#[test]
fn what_connection_tracking_counts_is_read_of_the_namespace_at_hand() {
    let body = |lab: &Lab| {
        let [busy, idle] = ["busy", "idle"].map(|name| lab.host(name));
        let inserted = |host: &Host| {
            let mut history = History::new(Duration::from_secs(1));
            host.enter(|| history.take(read(at(1))));
            if host.name() == busy.name() {
                host.create_flows((1..=7).map(Entry::numbered));
            }
            let vitals = host.enter(|| history.take(read(at(3))));
            let tracking = vitals.tracking.as_ref().expect("root may ask");
            let entries = tracking.size.expect("ctnetlink tells").entries;
            let insert = tracking.get(Stat::Insert).expect("it is counted");
            (entries, insert.added, insert.per_sec)
        };
        for host in [&busy, &idle] {
            host.track();
        }
        assert_eq!(inserted(&busy), (Some(7), 7, Some(3.5)));
        assert_eq!(inserted(&idle), (Some(0), 0, Some(0.0)));
    };
    lab::run(
        "what_connection_tracking_counts_is_read_of_the_namespace_at_hand",
        body,
    );
}

#[test]
fn interfaces_carry_what_was_sent_through_them() {
    lab::run("interfaces_carry_what_was_sent_through_them", |lab| {
        let net = lab.router();
        let mut history = History::new(Duration::from_secs(1));
        net.router.enter(|| history.take(read(at(1))));
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        let conversation = service.connect(&net.client);
        for _ in 0..20 {
            conversation.exchange(500, 1000);
        }
        let vitals = net.router.enter(|| history.take(read(at(2))));
        let links = vitals.links.as_ref().expect("anybody may ask");
        let carried: Vec<_> = links
            .iter()
            .filter(|link| !link.link.traffic.is_loopback && link.added.orig.packets >= 20)
            .collect();
        assert_eq!(carried.len(), 2, "one towards each: {links:#?}");
        for link in carried {
            assert_eq!(link.link.traffic.state, LinkState::Up);
            assert_eq!(link.link.speed_mbit_per_sec, None, "a veth has none");
            let rates = link.rates.expect("two readings");
            // One direction has the questions, the other the answers.
            let slower = rates.orig.bytes_per_sec.min(rates.reply.bytes_per_sec);
            let faster = rates.orig.bytes_per_sec.max(rates.reply.bytes_per_sec);
            assert!(slower >= 20 * 500 && faster >= 20 * 1000, "{link:?}");
        }
    });
}
