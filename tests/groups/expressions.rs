//! The filter that a group is asked for by holds its flows and no others.

use std::collections::HashSet;

use flowtop::enrich::owners::{Owner, Unknown};
use flowtop::flow::{Key, L4, Origin, Protocol, Report, Scope, State, Status, Tuple, Update};
use flowtop::view::filter::Filter;
use flowtop::view::group::Widths;
use flowtop::view::{Group, GroupRow, Grouping, List, View};

use crate::scene::{Scene, process, tcp, tuple, unknown};
use crate::within::{contained, many_sided};

impl Scene {
    /// Says more of a flow than bytes.
    fn report(&mut self, zone: u16, orig: Tuple, fill: impl FnOnce(&mut Report)) {
        let mut report = Report::about(Key { zone, orig }, Origin::Dumped);
        fill(&mut report);
        let update = Update::Flow(report);
        self.table.apply(&update, self.now, &mut |_| {});
    }
}

/// Flows of which anything is told that a list puts them together by.
fn everything() -> Scene {
    let mut scene = many_sided();
    let marked = tcp("192.168.0.3", "82.0.0.1", 8443);
    scene.report(7, marked, |report| {
        report.mark = Some(0x10);
        report.state = Some(State::Tcp(3));
        report.status = Some(Status::SEEN_REPLY | Status::ASSURED);
    });
    // In that state, and shown as another.
    let offloaded = tcp("192.168.0.3", "82.0.0.2", 443);
    scene.report(0, offloaded, |report| {
        report.mark = Some(0);
        report.state = Some(State::Tcp(3));
        report.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::OFFLOAD);
    });
    let dns = tuple("192.168.0.2", "82.0.0.53", Protocol::UDP, 53);
    scene.report(0, dns, |report| report.status = Some(Status::default()));
    let lan = tcp("192.168.0.2", "10.0.0.9", 31_337);
    scene.report(0, lan, |_| {});
    let tunnel = tuple("192.168.0.3", "203.0.113.7", Protocol(47), 0);
    scene.report(0, tunnel, |_| {});
    let six = tcp("2001:db8::2", "2a02:db80::1", 443);
    scene.report(0, six, |_| {});
    scene.report(0, tcp("81.0.0.5", "81.0.0.9", 2049), |_| {});
    translated(&mut scene);
    owned(&mut scene);
    scene
}

/// To one address, which is another behind it.
fn translated(scene: &mut Scene) {
    let ports = |src, dst| L4::Ports { src, dst };
    let v4 = |from: &str, to: &str, l4| {
        let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
        Tuple::v4(from, to, Protocol::TCP, l4)
    };
    let orig = v4("81.0.0.5", "81.0.0.9", ports(5_000, 80));
    let reply = v4("192.168.0.3", "81.0.0.5", ports(8_080, 5_000));
    scene.report(0, orig, |report| report.reply = Some(reply));
}

/// What owners there can be, and both ends of a flow with different ones.
fn owned(scene: &mut Scene) {
    let quoted = || contained(12, "it's \"web\\1\"", "o'brien \"x\"");
    let plain_unit = || -> Option<Owner> {
        let mut owner = contained(13, "none", "root")?;
        let mut cgroup = owner.cgroup.as_deref()?.clone();
        cgroup.container = None;
        owner.cgroup = Some(cgroup.into());
        Some(owner)
    };
    let ends = [
        (quoted(), plain_unit()),
        (plain_unit(), unknown(Unknown::Gone)),
        (unknown(Unknown::NotPermitted), process(14, 1, "bare")),
        (unknown(Unknown::Gone), quoted()),
        (None, contained(7, "web", "www-data")),
    ];
    for (port, (client, server)) in (6_000..).zip(ends) {
        let local = tcp("192.168.0.2", "192.168.0.2", port);
        scene.report(0, local, |_| {});
        scene.own(local, client, server);
    }
}

/// What tells flows apart.
fn keys(view: &View) -> HashSet<Key> {
    view.rows.iter().map(|row| *row.flow.key()).collect()
}

#[test]
fn the_expression_of_a_group_holds_its_flows_and_no_others() {
    let mut scene = everything();
    let mut seen = 0;
    let widths = Grouping::Subnet(Widths::new(8, 32).unwrap());
    for grouping in Grouping::ALL.into_iter().chain([widths]) {
        let rows = scene.groups(List::By(grouping));
        assert!(!rows.is_empty(), "{grouping:?}");
        for row in rows {
            let text = row.expression().unwrap();
            let filter: Filter = text.parse().unwrap();
            // What is written is read as the same.
            assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter);
            let inside = scene.view(List::Flows, Scope::EVERYTHING, Some(row.group));
            let held = scene.filtered(List::Flows, &text);
            assert!(!inside.rows.is_empty(), "{row:?}");
            assert_eq!(keys(&held), keys(&inside), "{grouping:?} {text}");
            let others = scene.filtered(List::Flows, &filter.negated().to_string());
            assert_eq!(
                others.rows.len() + held.rows.len(),
                scene.table.flows().count()
            );
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen}");
}

#[test]
fn expressions_read_as_people_would_write_them() {
    let mut scene = everything();
    let mut of = |grouping| -> Vec<String> {
        let rows = scene.groups(List::By(grouping));
        let mut texts: Vec<_> = rows
            .iter()
            .filter_map(|row| row.expression().ok())
            .collect();
        texts.sort();
        texts
    };
    let users = of(Grouping::User);
    assert!(
        users.contains(&r#"user="www-data""#.to_owned()),
        "{users:?}"
    );
    assert!(users.contains(&r#"user="o'brien \"x\"""#.to_owned()));
    assert!(users.contains(&r#"user="(no user)""#.to_owned()));
    assert_eq!(of(Grouping::Zone), ["zone:0", "zone:7"]);
    assert_eq!(of(Grouping::Mark), ["!mark:*", "mark:0", "mark:16"]);
    assert_eq!(
        of(Grouping::State),
        [
            "!shown_state:*",
            "shown_state:established",
            "shown_state:offload",
            "shown_state:unreplied"
        ]
    );
}

#[test]
fn what_has_ended_untold_has_no_expression() {
    let others = GroupRow {
        group: Group::Others,
        ..everything().groups(List::By(Grouping::Zone)).remove(0)
    };
    assert!(others.expression().unwrap_err().contains("have ended"));
}
