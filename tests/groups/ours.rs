//! Processes, containers and hosts of our side.

use std::time::Duration;

use flowtop::enrich::locality::Mac;
use flowtop::enrich::owners::Unknown;
use flowtop::flow::{Key, Origin, Report, Scope, Status, Update};
use flowtop::view::{Group, Grouping, List, Who};

use crate::scene::{Scene, country, process, tcp, unknown};

#[test]
fn processes_are_told_apart_and_every_flow_is_somewhere() {
    let mut scene = Scene::without_places();
    scene.settle();
    let out = |port| tcp("192.168.0.2", "81.0.0.1", port);
    for (port, owner) in [
        (1, process(7, 100, "curl")),
        (2, process(7, 100, "curl")),
        // The same name; the same pid, later.
        (3, process(8, 100, "curl")),
        (4, process(7, 200, "wget")),
        (5, unknown(Unknown::Gone)),
        (6, unknown(Unknown::NotPermitted)),
        (7, unknown(Unknown::Kernel)),
    ] {
        scene.live(out(port), (1, 1000 - 10 * u64::from(port)));
        scene.own(out(port), owner, None);
    }
    // Nobody has looked for this one, and for the next nobody will.
    scene.live(out(8), (1, 100));
    scene.live(tcp("192.168.0.3", "81.0.0.1", 443), (1, 50));
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "curl: 2 + 0, 1 hosts, 2 there, 1970 back",
            "curl: 1 + 0, 1 hosts, 1 there, 970 back",
            "wget: 1 + 0, 1 hosts, 1 there, 960 back",
            "(gone): 1 + 0, 1 hosts, 1 there, 950 back",
            "(no permission): 1 + 0, 1 hosts, 1 there, 940 back",
            "(kernel): 1 + 0, 1 hosts, 1 there, 930 back",
            "(not looked up): 1 + 0, 1 hosts, 1 there, 100 back",
            "(forwarded): 1 + 0, 1 hosts, 1 there, 50 back",
        ]
    );
    // When they end, their processes are still known.
    for port in 1..=8 {
        scene.ended(out(port), (2, 2000));
        scene.knowledge.forget(&Key {
            zone: 0,
            orig: out(port),
        });
    }
    let told = scene.told(List::By(Grouping::Process));
    // Of which nothing is left stands below.
    assert_eq!(told[0], "(forwarded): 1 + 0, 1 hosts, 1 there, 50 back");
    assert_eq!(told[1], "curl: 0 + 2, 0 hosts, 4 there, 4000 back");
    assert!(told.contains(&"wget: 0 + 1, 0 hosts, 2 there, 2000 back".to_owned()));
    assert_eq!(told.len(), 8, "{told:?}");
}

#[test]
fn a_flow_of_this_machine_with_itself_has_a_client_and_a_server() {
    let mut scene = Scene::without_places();
    scene.settle();
    let local = tcp("192.168.0.2", "192.168.0.2", 5432);
    scene.live(local, (10, 1000));
    scene.own(local, process(1, 1, "client"), process(2, 2, "server"));
    // What one sends, the other receives.
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "client: 1 + 0, 1 hosts, 10 there, 1000 back",
            "server: 1 + 0, 1 hosts, 1000 there, 10 back",
        ]
    );
    for pid in [1, 2] {
        let who = Who::Process {
            pid,
            start_ticks: pid.into(),
        };
        let view = scene.view(List::Flows, Scope::EVERYTHING, Some(Group::Process(who)));
        assert_eq!(view.matching, 1, "{who:?}");
    }
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        ["192.168.0.2: 1 + 0, 1 hosts, 10 there, 1000 back"]
    );
    scene.ended(local, (20, 2000));
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "client: 0 + 1, 0 hosts, 20 there, 2000 back",
            "server: 0 + 1, 0 hosts, 2000 there, 20 back",
        ]
    );
    // One that talks to itself is one.
    let own = tcp("192.168.0.2", "192.168.0.2", 9);
    scene.live(own, (3, 30));
    scene.own(own, process(5, 5, "self"), process(5, 5, "self"));
    let told = scene.told(List::By(Grouping::Process));
    assert_eq!(told[0], "self: 1 + 0, 1 hosts, 3 there, 30 back");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_server_sends_the_answers_and_a_container_is_found_behind_its_bridge() {
    let mut scene = Scene::without_places();
    scene.settle();
    let comes_in = tcp("82.0.0.1", "192.168.0.2", 22);
    scene.live(comes_in, (10, 1000));
    scene.own(comes_in, None, process(1, 1, "sshd"));
    let contained = tcp("172.17.0.2", "81.0.0.1", 443);
    scene.live(contained, (5, 50));
    scene.own(contained, process(2, 2, "python3"), None);
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "sshd: 1 + 0, 1 hosts, 1000 there, 10 back",
            "python3: 1 + 0, 1 hosts, 5 there, 50 back",
        ]
    );
}

#[test]
fn hosts_are_those_of_our_side_and_see_what_they_send() {
    let mut scene = Scene::new("hosts");
    scene.settle();
    for n in 1..=3 {
        scene.live(tcp("192.168.0.3", &format!("81.0.0.{n}"), 443), (10, 1000));
    }
    // Twice to the same host; and from outside to it, and to this machine.
    scene.live(tcp("192.168.0.3", "81.0.0.1", 80), (1, 100));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (7, 70));
    scene.live(tcp("82.0.0.1", "81.0.0.9", 22), (3, 33));
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        [
            "192.168.0.3: 5 + 0, 4 hosts, 101 there, 3107 back",
            "81.0.0.9: 1 + 0, 1 hosts, 33 there, 3 back",
        ]
    );
    let rows = scene.groups(List::By(Grouping::Host));
    assert_eq!(rows[0].mac, Some(Mac([0, 1, 2, 3, 4, 5])));
    assert_eq!(rows[1].mac, None);
    // What comes in is of the country it comes from, although both ends are
    // public.
    let france = Some(Group::Country(country("FR")));
    let view = scene.view(List::Flows, Scope::EVERYTHING, france);
    assert_eq!(view.matching, 2);
}

#[test]
fn new_flows_and_those_without_an_answer_are_counted() {
    let mut scene = Scene::without_places();
    scene.settle();
    let tell = |scene: &mut Scene, port, status| {
        let orig = tcp("192.168.0.3", "81.0.0.1", port);
        let mut report = Report::about(Key { zone: 0, orig }, Origin::New);
        report.status = Some(status);
        let update = Update::Flow(report);
        scene.table.apply(&update, scene.now, &mut |_| {});
    };
    for port in 0..30 {
        tell(&mut scene, port, Status::CONFIRMED);
    }
    scene.now = scene.now.after(Duration::from_secs(11));
    for port in 30..35 {
        tell(&mut scene, port, Status::CONFIRMED | Status::SEEN_REPLY);
    }
    let [row] = &scene.groups(List::By(Grouping::Host))[..] else {
        panic!("one host");
    };
    assert_eq!((row.flows, row.new, row.unreplied), (35, 5, 30));
    assert!((row.born_per_sec() - 0.5).abs() < 1e-9);
}
