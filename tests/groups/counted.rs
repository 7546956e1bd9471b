//! Which flows count: scope, filter, direction, our own lookups.

use std::net::IpAddr;
use std::time::Duration;

use flowtop::enrich::dns::OwnSocket;
use flowtop::flow::{
    Direction, Family, Group as Protocols, L4, Origin, Pair, Protocol, Scope, Tuple,
};
use flowtop::view::field::Value;
use flowtop::view::group::{GROUP_FIELDS, GroupColumn, GroupField, GroupRow};
use flowtop::view::units::RateUnit;
use flowtop::view::{Grouping, List, Query};

use crate::scene::{START, Scene, line, process, tcp, tuple};

#[test]
fn scope_is_exact_for_what_lives_and_what_has_ended() {
    let mut scene = Scene::new("scope");
    let here = "192.168.0.2";
    for proto in [Protocol::TCP, Protocol::UDP, Protocol::ICMP] {
        scene.live(tuple(here, "81.0.0.1", proto, 53), (0, 1));
        scene.ended(tuple(here, "81.0.0.2", proto, 53), (0, 10));
    }
    scene.live(tcp("fd00::1", "2a02:db80::1", 53), (0, 100));
    scene.ended(tcp("fd00::1", "2a02:db80::2", 53), (0, 1000));
    scene.live(tcp("127.0.0.1", "127.0.0.1", 53), (0, 5));
    let nothing = Scope::NOTHING;
    let v4 = nothing.with_family(Family::Ipv4, true);
    let v6 = nothing.with_family(Family::Ipv6, true);
    let cases = [
        (v4.with_group(Protocols::Tcp, true), (1, 1, 11)),
        (v4.with_group(Protocols::Udp, true), (1, 1, 11)),
        (v4.with_all_groups(true), (3, 3, 33)),
        (v6.with_all_groups(true), (1, 1, 1100)),
        (
            v6.with_family(Family::Ipv4, true).with_all_groups(true),
            (4, 4, 1133),
        ),
        (v6.with_group(Protocols::Udp, true), (0, 0, 0)),
        (nothing, (0, 0, 0)),
        (Scope::EVERYTHING, (5, 4, 1138)),
    ];
    for (scope, expected) in cases {
        for list in [List::By(Grouping::Country), List::By(Grouping::Service)] {
            let groups = scene.view(list, scope, None).groups;
            let sum = groups.iter().fold((0, 0, 0), |sum, row| {
                let bytes = row.bytes().unwrap_or_default().reply;
                (sum.0 + row.flows, sum.1 + row.ended, sum.2 + bytes)
            });
            assert_eq!(sum, expected, "{list:?} in {scope:?}");
        }
    }
}

#[test]
fn flows_of_our_own_lookups_are_in_no_list() {
    let mut scene = Scene::new("own");
    let own = tuple("192.168.0.2", "81.0.0.53", Protocol::UDP, 53);
    scene.live(own, (9, 9));
    // Same server, same kind, somebody else's port.
    let mut other = tuple("192.168.0.2", "81.0.0.53", Protocol::UDP, 53);
    if let (IpAddr::V4(src), IpAddr::V4(dst)) = (own.src(), own.dst()) {
        let l4 = L4::Ports {
            src: 40_001,
            dst: 53,
        };
        other = Tuple::v4(src, dst, Protocol::UDP, l4);
    }
    scene.live(other, (1, 1));
    scene.live(tcp("192.168.0.2", "81.0.0.53", 53), (1, 1));
    scene.knowledge.set_own_sockets(&[OwnSocket {
        local: "192.168.0.2:40000".parse().unwrap(),
        server: "81.0.0.53:53".parse().unwrap(),
    }]);
    for list in [
        List::Flows,
        List::By(Grouping::Country),
        List::By(Grouping::Service),
    ] {
        let view = scene.view(list, Scope::EVERYTHING, None);
        assert_eq!((view.matching, view.own), (2, 1), "{list:?}");
        let flows: usize = view.groups.iter().map(|row| row.flows).sum();
        assert_eq!(flows, if list == List::Flows { 0 } else { 2 });
        let mut rows = view.rows.iter();
        assert!(rows.all(|row| row.flow.key().orig != own));
    }
}

#[test]
fn a_filter_chooses_what_is_counted_and_says_what_it_left_out() {
    let mut scene = Scene::new("filtered");
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (10, 1000));
    scene.live(tcp("192.168.0.2", "81.0.0.1", 22), (5, 50));
    scene.live(tcp("192.168.0.3", "82.0.0.1", 443), (20, 200));
    scene.ended(tcp("192.168.0.2", "81.0.0.9", 443), (7, 7));
    let view = scene.filtered(List::Flows, "port:443 country:DE");
    assert_eq!((view.matching, view.filtered_out), (1, 2));
    let bytes = view.counters.bytes();
    assert_eq!((bytes.orig, bytes.reply), (10, 1000));
    // All is still told.
    assert_eq!(
        view.totals.counters.bytes(),
        scene
            .view(List::Flows, Scope::EVERYTHING, None)
            .totals
            .counters
            .bytes()
    );
    let rows = scene
        .filtered(List::By(Grouping::Country), "port:443")
        .groups;
    // Of flows that have ended no filter can be asked.
    assert_eq!(
        rows.iter().map(line).collect::<Vec<_>>(),
        [
            "Germany: 1 + 0, 1 hosts, 10 there, 1000 back",
            "France: 1 + 0, 1 hosts, 20 there, 200 back",
        ]
    );
    let view = scene.filtered(List::Flows, "udp");
    assert_eq!((view.matching, view.filtered_out), (0, 3));
    assert_eq!(view.cursor, None);
}

#[test]
fn directions_filter_what_lives_and_what_has_ended() {
    let mut scene = Scene::new("directions");
    scene.settle();
    let flows = [
        (Direction::Out, tcp("192.168.0.2", "81.0.0.1", 443)),
        (Direction::In, tcp("82.0.0.1", "192.168.0.2", 443)),
        (Direction::Forward, tcp("192.168.0.3", "81.0.0.1", 443)),
        (Direction::Local, tcp("192.168.0.2", "192.168.0.2", 443)),
    ];
    for (_, orig) in &flows {
        scene.ended(*orig, (0, 10));
    }
    scene.now = scene.now.after(Duration::from_secs(60));
    for (_, orig) in &flows {
        scene.live(*orig, (0, 1));
        // The client and the server of a flow within this machine.
        scene.own(*orig, process(5, 5, "self"), process(5, 5, "self"));
    }
    for (direction, orig) in flows {
        let query = |list| Query {
            direction: Some(direction),
            list,
            height: 100,
            ..Query::of(Scope::EVERYTHING)
        };
        for list in [
            List::By(Grouping::Country),
            List::By(Grouping::Service),
            List::By(Grouping::Host),
        ] {
            let view = scene.answer(&query(list));
            let sum = view.groups.iter().fold((0, 0, 0), |sum, row| {
                let bytes = row.bytes().unwrap_or_default().sum();
                (sum.0 + row.flows, sum.1 + row.ended, sum.2 + bytes)
            });
            assert_eq!(sum, (1, 1, 11), "{list:?} {direction:?}");
        }
        let view = scene.answer(&query(List::By(Grouping::Process)));
        let flows: usize = view.groups.iter().map(|row| row.flows).sum();
        assert_eq!(flows, 1, "{direction:?}");
        let view = scene.answer(&query(List::Flows));
        assert_eq!((view.matching, view.out_of_direction), (1, 3));
        assert_eq!(view.rows[0].flow.key().orig, orig);
    }
}

#[test]
fn what_nobody_has_counted_is_absent_and_not_nothing() {
    let mut scene = Scene::without_places();
    let uncounted = |scene: &mut Scene| scene.groups(List::By(Grouping::Service));
    scene.tell(tcp("192.168.0.2", "81.0.0.1", 443), Origin::Dumped, None);
    let [row] = &uncounted(&mut scene)[..] else {
        panic!("one service");
    };
    assert_eq!(row.counters, None);
    assert_eq!(cell(row, GroupColumn::ReplyBytes), "-");
    let of_bytes = |field: &&GroupField| field.key.ends_with("_bytes");
    for field in GROUP_FIELDS.iter().filter(of_bytes) {
        assert_eq!((field.get)(row), Value::Absent, "{}", field.key);
    }
    // One that is counted is enough, or one that was; though it has moved
    // nothing one way.
    scene.live(tcp("192.168.0.2", "81.0.0.2", 443), (7, 0));
    let rows = uncounted(&mut scene);
    assert_eq!(rows[0].bytes(), Some(Pair { orig: 7, reply: 0 }));
    assert_eq!(cell(&rows[0], GroupColumn::ReplyBytes), "0B");
    scene.ended(tcp("192.168.0.2", "81.0.0.2", 443), (8, 0));
    let rows = uncounted(&mut scene);
    assert_eq!((rows[0].flows, rows[0].ended), (1, 1));
    assert_eq!(rows[0].bytes(), Some(Pair { orig: 8, reply: 0 }));
}

fn cell(row: &GroupRow, column: GroupColumn) -> String {
    let mut text = String::new();
    column.cell(row, RateUnit::Bytes, START, &mut text);
    text
}
