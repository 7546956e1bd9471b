//! Groups hold the flows they count, of every kind and within each other.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use flowtop::enrich::owners::{Account, Cgroup, Container, Owner};
use flowtop::flow::{Protocol, Scope};
use flowtop::view::group::{Service, Widths};
use flowtop::view::{Group, GroupRow, Grouping, List};

use crate::scene::{Scene, country, process, question, tcp, tuple};

#[test]
fn a_group_holds_the_flows_it_counts_and_no_others() {
    let mut scene = Scene::new("within");
    for n in 1..=5 {
        scene.live(tcp("192.168.0.2", &format!("81.0.0.{n}"), 443), (1, 1));
        scene.live(tcp("192.168.0.2", &format!("81.1.0.{n}"), 80), (1, 1));
        scene.live(tcp(&format!("82.0.0.{n}"), "192.168.0.3", 80), (1, 1));
        scene.live(tcp("192.168.0.2", &format!("10.0.0.{n}"), 9), (1, 1));
    }
    for list in [
        List::By(Grouping::Country),
        List::By(Grouping::Asn),
        List::By(Grouping::Service),
    ] {
        let groups = scene.groups(list);
        assert!(groups.len() > 1, "{list:?}");
        for row in groups {
            let view = scene.view(List::Flows, Scope::EVERYTHING, Some(row.group));
            assert_eq!(view.matching, row.flows, "{row:?}");
            assert_eq!(view.rows.len(), row.flows);
        }
    }
    let network = Group::Asn(NonZeroU32::new(64_501));
    let view = scene.view(List::Flows, Scope::EVERYTHING, Some(network));
    for row in &view.rows {
        assert_eq!(row.flow.key().orig.dport(), Some(80));
        let place = row.ends.reply.location.place().unwrap();
        assert_eq!(place.as_org.as_deref(), Some("Second"));
    }
}

/// A router with two clients, of which one has a user and a container.
pub(crate) fn many_sided() -> Scene {
    let mut scene = Scene::new("many-sided");
    scene.settle();
    let out = tcp("192.168.0.2", "81.0.0.1", 443);
    scene.live(out, (10, 1000));
    scene.own(out, contained(7, "web", "www-data"), None);
    let inside = tcp("192.168.0.2", "192.168.0.2", 5432);
    scene.live(inside, (1, 100));
    let client = contained(7, "web", "www-data");
    scene.own(inside, client, contained(8, "db", "postgres"));
    scene.live(tcp("192.168.0.3", "81.0.0.77", 443), (5, 50));
    scene.live(tcp("192.168.0.3", "81.0.1.1", 22), (2, 20));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (3, 30));
    let ping = tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 7);
    scene.live(ping, (4, 4));
    scene
}

/// A process in a container, which some user runs.
pub(crate) fn contained(pid: u32, container: &str, user: &str) -> Option<Owner> {
    let mut owner = process(pid, 1, container)?;
    let account = Account {
        uid: pid,
        name: Some(user.into()),
    };
    owner.account = Some(Arc::new(account));
    let container = Container {
        runtime: "docker",
        id: "0123456789abcdef".into(),
        name: Some(container.into()),
        pod: None,
    };
    owner.cgroup = Some(Arc::new(Cgroup {
        path: "/docker".into(),
        unit: Some("docker.service".into()),
        container: Some(container),
    }));
    Some(owner)
}

#[test]
fn every_grouping_puts_each_flow_where_it_belongs() {
    let mut scene = many_sided();
    let mut told = |grouping| {
        let rows = scene.inside(&[], grouping);
        let brief = |row: &GroupRow| {
            let bytes = row.bytes().unwrap_or_default();
            let (up, down) = (bytes.orig, bytes.reply);
            format!(
                "{}: {} of {}, {up} {down}",
                row.label(),
                row.flows,
                row.hosts
            )
        };
        rows.iter().map(brief).collect::<Vec<_>>()
    };
    assert_eq!(
        told(Grouping::Source),
        [
            "192.168.0.2: 3 of 2, 15 1104",
            "192.168.0.3: 2 of 2, 7 70",
            "82.0.0.1: 1 of 1, 3 30",
        ]
    );
    assert_eq!(
        told(Grouping::Destination),
        [
            "81.0.0.1: 2 of 1, 14 1004",
            "192.168.0.2: 1 of 1, 1 100",
            "81.0.0.77: 1 of 1, 5 50",
            "192.168.0.3: 1 of 1, 3 30",
            "81.0.1.1: 1 of 1, 2 20",
        ]
    );
    assert_eq!(
        told(Grouping::Pair)[0],
        "192.168.0.2 → 81.0.0.1: 2 of 1, 14 1004"
    );
    assert_eq!(
        told(Grouping::Subnet(Widths::default())),
        [
            "81.0.0.0/24: 3 of 2, 19 1054",
            "192.168.0.0/24: 1 of 1, 1 100",
            "82.0.0.0/24: 1 of 1, 3 30",
            "81.0.1.0/24: 1 of 1, 2 20",
        ]
    );
    let wide = Widths::new(8, 32).unwrap();
    assert_eq!(
        told(Grouping::Subnet(wide))[0],
        "81.0.0.0/8: 4 of 3, 21 1074"
    );
    assert_eq!(
        told(Grouping::User),
        [
            "www-data: 2 of 2, 11 1100",
            "(forwarded): 3 of 3, 10 100",
            // The server of a flow within this machine has sent the answers.
            "postgres: 1 of 1, 100 1",
            "(not looked up): 1 of 1, 4 4",
        ]
    );
    assert_eq!(told(Grouping::Unit)[0], "web: 2 of 2, 11 1100");
    assert_eq!(told(Grouping::Protocol)[1], "icmp: 1 of 1, 4 4");
    assert_eq!(told(Grouping::Zone), ["zone 0: 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Mark), ["(no mark): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::State), ["(no state): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Interface), ["(not known): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Asn)[0], "AS64500 First: 4 of 3, 21 1074");
}

#[test]
fn groups_of_any_kind_hold_the_flows_they_count() {
    let mut scene = many_sided();
    for grouping in Grouping::ALL {
        for row in scene.inside(&[], grouping) {
            assert_eq!(
                row.group.grouping().map(Grouping::index),
                Some(grouping.index())
            );
            let view = scene.view(List::Flows, Scope::EVERYTHING, Some(row.group));
            assert_eq!(view.matching, row.flows, "{row:?}");
        }
    }
}

#[test]
fn groups_within_groups_hold_what_all_of_them_hold() {
    let mut scene = many_sided();
    let host = Group::Host("192.168.0.3".parse().unwrap());
    let brief = |rows: Vec<GroupRow>| {
        let brief = |row: &GroupRow| format!("{}: {}", row.label(), row.flows);
        rows.iter().map(brief).collect::<Vec<_>>()
    };
    assert_eq!(
        brief(scene.inside(&[host], Grouping::Service)),
        ["ssh: 2", "https: 1"]
    );
    let ssh = Group::Service(Service {
        proto: Protocol::TCP,
        port: Some(22),
    });
    assert_eq!(
        brief(scene.inside(&[host, ssh], Grouping::Country)),
        ["France: 1", "Germany: 1"]
    );
    let within = [host, ssh, Group::Country(country("FR"))];
    let view = scene.answer(&question(List::Flows, Scope::EVERYTHING, &within));
    assert_eq!(view.matching, 1);
    assert_eq!(
        view.rows[0].flow.key().orig.src(),
        "82.0.0.1".parse::<IpAddr>().unwrap()
    );
}
