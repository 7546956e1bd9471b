//! Countries, networks and services.

use flowtop::flow::Protocol;
use flowtop::view::group::Country;
use flowtop::view::{Group, Grouping, List};

use crate::scene::{Scene, tcp, tuple};

#[test]
fn the_far_end_is_the_destination_or_the_only_public_end() {
    let mut scene = Scene::new("far-end");
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (10, 1000));
    // Somebody out there came in.
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (20, 200));
    // Through us, or of a machine with a public address.
    scene.live(tcp("82.0.0.2", "81.0.0.1", 443), (1, 100));
    scene.live(tcp("10.0.0.1", "192.168.0.2", 22), (3, 3));
    scene.live(tcp("192.168.0.2", "83.0.0.1", 443), (2, 2));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        [
            "Germany: 2 + 0, 1 hosts, 11 there, 1100 back",
            "France: 1 + 0, 1 hosts, 20 there, 200 back",
            "Lan: 1 + 0, 1 hosts, 3 there, 3 back",
            "Unknown: 1 + 0, 1 hosts, 2 there, 2 back",
        ]
    );
}

#[test]
fn networks_are_those_of_one_country() {
    let mut scene = Scene::new("networks");
    for (dst, bytes) in [
        ("81.0.0.1", 50),
        ("81.0.0.2", 50),
        ("81.1.0.1", 70),
        ("82.0.0.1", 900),
    ] {
        scene.live(tcp("192.168.0.2", dst, 443), (0, bytes));
    }
    scene.live(tcp("fd00::1", "2a02:db80::1", 443), (0, 1));
    scene.ended(tcp("192.168.0.2", "81.1.0.9", 443), (0, 5));
    assert_eq!(
        scene.networks("DE"),
        [
            "First: 3 + 0, 3 hosts, 0 there, 101 back",
            "Second: 1 + 1, 1 hosts, 0 there, 75 back",
        ]
    );
    assert_eq!(
        scene.networks("FR"),
        ["None: 1 + 0, 1 hosts, 0 there, 900 back"]
    );
    let lan = [Group::Country(Country::Lan)];
    assert!(scene.inside(&lan, Grouping::Asn).is_empty());
}

#[test]
fn services_are_the_ports_that_name_a_flow() {
    let mut scene = Scene::without_places();
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (0, 90));
    scene.live(tcp("192.168.0.3", "81.0.0.2", 443), (0, 9));
    scene.live(tuple("192.168.0.3", "81.0.0.2", Protocol::UDP, 53), (0, 50));
    scene.live(tcp("192.168.0.2", "81.0.0.1", 47_103), (0, 40));
    scene.live(tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 7), (0, 30));
    scene.live(tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 8), (0, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Service)),
        [
            "https: 2 + 0, 2 hosts, 0 there, 99 back",
            "domain: 1 + 0, 1 hosts, 0 there, 50 back",
            "Some(47103): 1 + 0, 1 hosts, 0 there, 40 back",
            "None: 2 + 0, 1 hosts, 0 there, 31 back",
        ]
    );
}

#[test]
fn without_places_there_is_one_unknown_country() {
    let mut scene = Scene::without_places();
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (1, 1));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 443), (1, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Unknown: 2 + 0, 2 hosts, 2 there, 2 back"]
    );
}
