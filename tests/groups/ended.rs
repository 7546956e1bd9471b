//! What flows that ended leave in their groups.

use std::time::Duration;

use flowtop::flow::{Key, Origin, Pair, Protocol, Scope};
use flowtop::view::group::{Service, Widths};
use flowtop::view::{Group, Grouping, List};

use crate::scene::{Scene, country, line, process, question, tcp, tuple};

#[test]
fn a_network_keeps_its_name_when_its_last_flow_has_ended() {
    let mut scene = Scene::new("network-name");
    scene.ended(tcp("192.168.0.2", "81.1.0.9", 443), (0, 5));
    assert_eq!(
        scene.networks("DE"),
        ["Second: 0 + 1, 0 hosts, 0 there, 5 back"]
    );
}

#[test]
fn bytes_of_ended_flows_stay() {
    let mut scene = Scene::new("ended");
    let orig = tcp("192.168.0.2", "81.0.0.1", 443);
    scene.live(orig, (10, 1000));
    scene.tell(orig, Origin::Destroyed, Some((30, 3000)));
    let germany = [Group::Country(country("DE"))];
    for (within, list) in [
        (&[][..], Grouping::Country),
        (&germany, Grouping::Asn),
        (&[], Grouping::Service),
    ] {
        let [row] = &scene.inside(within, list)[..] else {
            panic!("one group of {list:?}");
        };
        assert_eq!((row.flows, row.ended, row.hosts), (0, 1, 0), "{list:?}");
        assert_eq!(row.seen(), Some(scene.now), "{list:?}");
        let bytes = row.bytes().unwrap_or_default();
        assert_eq!((bytes.orig, bytes.reply), (30, 3000), "{list:?}");
        assert_eq!(row.bytes_per_sec, Pair::default(), "{list:?}");
    }
    // The same tuple once more is another flow.
    scene.now = scene.now.after(Duration::from_secs(60));
    scene.tell(orig, Origin::New, None);
    scene.live(orig, (1, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Germany: 1 + 1, 1 hosts, 31 there, 3001 back"]
    );
    // One that was never counted ends without bytes.
    let uncounted = tcp("192.168.0.9", "81.0.0.1", 443);
    scene.tell(uncounted, Origin::Dumped, None);
    scene.tell(uncounted, Origin::Destroyed, None);
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Germany: 1 + 2, 1 hosts, 31 there, 3001 back"]
    );
}

#[test]
fn a_port_scan_fills_no_memory_and_takes_no_account_away() {
    let mut scene = Scene::without_places();
    scene.ended(tcp("192.168.0.2", "81.0.0.1", 443), (0, 7));
    for port in 0..=u16::MAX {
        scene.ended(tcp("192.168.0.2", "81.0.0.1", port), (0, 1));
        let udp = tuple("192.168.0.2", "81.0.0.1", Protocol::UDP, port);
        scene.ended(udp, (0, 1));
    }
    scene.ended(tcp("192.168.0.2", "81.0.0.1", 443), (0, 7));
    let groups = scene.groups(List::By(Grouping::Service));
    // As many as the book has pages, and one of the rest.
    assert!(groups.len() <= (1 << 16) + 1, "{}", groups.len());
    let of = |proto, port| {
        let group = Group::Service(Service { proto, port });
        groups.iter().find(|row| row.group == group)
    };
    let https = of(Protocol::TCP, Some(443)).unwrap();
    assert_eq!((https.ended, https.bytes().unwrap().reply), (3, 15));
    assert!(groups.iter().any(|row| row.group == Group::Others));
    let ended: u64 = groups.iter().map(|row| row.ended).sum();
    assert_eq!(ended, 2 * (1 << 16) + 2);
}

/// More processes and hosts than are remembered are booked together, and
/// nothing is lost.
#[test]
fn what_ends_after_the_ledger_is_full_is_booked_together() {
    let mut scene = Scene::without_places();
    scene.settle();
    let count = 70_000_u32;
    for n in 0..count {
        let [_, a, b, c] = n.to_be_bytes();
        let orig = tcp(&format!("10.{a}.{b}.{c}"), "81.0.0.1", 443);
        scene.own(orig, process(n, 1, "one of many"), None);
        scene.ended(orig, (1, 2));
        scene.knowledge.forget(&Key { zone: 0, orig });
    }
    for (list, most) in [
        (List::By(Grouping::Host), 1 << 16),
        (List::By(Grouping::Process), 1 << 13),
    ] {
        let rows = scene.groups(list);
        assert!(rows.len() <= most + 1, "{list:?} {}", rows.len());
        let bytes: u64 = rows
            .iter()
            .map(|row| row.bytes().unwrap_or_default().sum())
            .sum();
        assert_eq!(bytes, u64::from(count) * 3, "{list:?}");
        assert!(
            rows.iter().any(|row| row.group == Group::Others),
            "{list:?}"
        );
    }
}

#[test]
fn sums_of_ended_flows_begin_when_a_list_is_asked_for() {
    let mut scene = Scene::without_places();
    scene.settle();
    let flow = |n: u8, port| tcp("192.168.0.3", &format!("81.0.0.{n}"), port);
    let host = Group::Host("192.168.0.3".parse().unwrap());
    let destinations = question(List::By(Grouping::Destination), Scope::EVERYTHING, &[host]);
    // Nobody has asked.
    scene.ended(flow(1, 443), (1, 10));
    assert!(scene.answer(&destinations).groups.is_empty());
    scene.ledger.open(&destinations);
    scene.ended(flow(2, 443), (1, 10));
    scene.now = scene.now.after(Duration::from_secs(90));
    scene.ended(flow(2, 80), (1, 10));
    scene.live(flow(3, 80), (1, 1));
    // Of another host, which is told on its own.
    scene.ended(tcp("192.168.0.2", "81.0.0.2", 80), (7, 70));
    let rows = scene.answer(&destinations).groups;
    assert_eq!(
        rows.iter().map(line).collect::<Vec<_>>(),
        [
            "81.0.0.3: 1 + 0, 1 hosts, 1 there, 1 back",
            "81.0.0.2: 0 + 2, 0 hosts, 2 there, 20 back",
        ]
    );
    assert_eq!((rows[0].seen(), rows[1].seen()), (None, Some(scene.now)));
    assert!(!rows[0].is_over() && rows[1].is_over());
    // Other lists are looked at, more than are kept; the tabs always are.
    for width in 1..=20 {
        let widths = Widths::new(width, 64).unwrap();
        let list = List::By(Grouping::Subnet(widths));
        scene.ledger.open(&question(list, Scope::EVERYTHING, &[]));
    }
    assert_eq!(scene.answer(&destinations).groups.len(), 1);
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        [
            "192.168.0.3: 1 + 3, 1 hosts, 4 there, 31 back",
            "192.168.0.2: 0 + 1, 0 hosts, 7 there, 70 back",
        ]
    );
}
