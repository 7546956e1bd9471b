//! Whose flows they are: columns, lists and filters of a machine that people
//! work at.

use crossterm::event::KeyCode;
use flowtop::flow::Direction;
use flowtop::view::Source;

use super::desk;
use super::scene::{Scene, themes};
use super::snapshot::{check, styled, text};

const WIDTHS: [u16; 4] = [60, 80, 120, 200];

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 20))
}

#[test]
fn flows_with_their_processes_at_every_width() {
    for width in WIDTHS {
        let mut scene = desk::scene(width, 17, |_| ());
        scene.press(KeyCode::Down);
        check(&format!("desk_{width}"), &text(&scene.buffer(width, 17)));
        scene.keys("s");
        check(
            &format!("desk_both_ends_{width}"),
            &text(&scene.buffer(width, 17)),
        );
    }
}

#[test]
fn lists_of_processes_and_hosts_at_every_width() {
    for width in WIDTHS {
        let mut scene = desk::scene(width, 17, |_| ());
        scene.end_of(&desk::lines()[1]);
        for (key, name) in [("2", "hosts"), ("3", "processes")] {
            scene.keys(key);
            scene.press(KeyCode::Down);
            check(&format!("{name}_{width}"), &text(&scene.buffer(width, 17)));
        }
    }
}

#[test]
fn colours_and_attributes() {
    for (name, color) in [("color", true), ("mono", false)] {
        for width in [80, 120] {
            let mut scene = desk::scene(width, 17, |s| s.themes = themes(color));
            let desk = styled(&scene.buffer(width, 17));
            check(&format!("desk_{name}_{width}"), &desk);
            for (key, list) in [("2", "hosts"), ("3", "processes")] {
                scene.keys(key);
                let screen = styled(&scene.buffer(width, 17));
                check(&format!("{list}_{name}_{width}"), &screen);
            }
        }
    }
}

#[test]
fn directions_are_cycled_and_say_what_they_hide() {
    let mut scene = desk::scene(120, 20, |_| ());
    for (direction, chip, count) in [
        (Direction::Out, "only out", 6),
        (Direction::In, "only in", 2),
        (Direction::Forward, "only forwarded", 3),
        (Direction::Local, "only local", 1),
    ] {
        scene.keys("o");
        assert_eq!(scene.query.direction, Some(direction));
        let screen = screen(&scene);
        assert!(screen.contains(chip), "{screen}");
        let counted = format!("{count} of 12 flows");
        assert!(screen.contains(&counted), "{counted}\n{screen}");
        assert_eq!(scene.view().rows.len(), count);
        // Lists of groups count the same flows.
        scene.keys("2");
        let flows: usize = scene.view().groups.iter().map(|row| row.flows).sum();
        assert_eq!(flows, count, "{direction:?}");
        scene.keys("1");
    }
    scene.keys("o");
    assert_eq!(scene.query.direction, None);
    assert!(screen(&scene).contains("Flows in every direction."));
    assert_eq!(scene.view().matching, 12);
}

#[test]
fn a_direction_that_hides_everything_offers_the_others() {
    let mut scene = desk::scene(80, 20, |_| ());
    for line in desk::lines().iter().skip(3) {
        scene.end_of(line);
    }
    scene.keys("oo");
    let empty = text(&scene.buffer(80, 20));
    assert!(
        empty.contains("Filters hide all 3 flows: 3 in other directions."),
        "{empty}"
    );
    assert!(empty.contains("o  other directions"), "{empty}");
    // What would not help is not offered.
    assert!(!empty.contains("loopback flows"), "{empty}");
    // Within a row as well.
    scene.keys("ooo3");
    assert_eq!(scene.view().groups[0].name.as_deref(), Some("firefox"));
    scene.press(KeyCode::Home);
    scene.answer();
    scene.press(KeyCode::Enter);
    scene.answer();
    assert_eq!(scene.view().matching, 2);
    scene.keys("oo");
    let empty = text(&scene.buffer(80, 20));
    assert!(empty.contains("All its 2 flows go another way."), "{empty}");
}

#[test]
fn a_process_and_a_host_lead_to_their_flows_and_back() {
    let mut scene = desk::scene(120, 20, |_| ());
    let enter = |scene: &mut Scene, name: &str| {
        let groups = scene.view().groups;
        let named = |row: &flowtop::view::GroupRow| match &row.name {
            Some(known) => **known == *name,
            None => format!("{:?}", row.group).contains(name),
        };
        let index = groups.iter().position(named).expect(name);
        scene.press(KeyCode::Home);
        for _ in 0..index {
            scene.press(KeyCode::Down);
        }
        scene.press(KeyCode::Enter);
        scene.answer();
        scene.answer();
    };
    scene.keys("3");
    enter(&mut scene, "firefox");
    assert_eq!(scene.view().matching, 2);
    let flows = screen(&scene);
    assert!(flows.contains("3 Processes › firefox[2210]"), "{flows}");
    scene.press(KeyCode::Esc);
    scene.answer();
    // The server's side of a flow of this machine with itself.
    enter(&mut scene, "postgres");
    assert_eq!(scene.view().matching, 1);
    assert!(screen(&scene).contains("↔ 192.168.1.23"));
    scene.press(KeyCode::Esc);
    scene.answer();
    enter(&mut scene, "Forwarded");
    let flows = screen(&scene);
    assert!(flows.contains("3 Processes › (forwarded)"), "{flows}");
    assert_eq!(scene.view().matching, 2);
    scene.keys("2");
    enter(&mut scene, "10.0.3.7");
    assert_eq!(scene.view().matching, 2);
    assert!(screen(&scene).contains("2 Hosts › 10.0.3.7"));
}

#[test]
fn the_source_is_named_and_says_what_it_lacks() {
    let mut scene = desk::scene(120, 20, |_| ());
    for (source, label) in [
        (Source::Conntrack, "  ct  "),
        (Source::Sockets, "  sock  "),
        (Source::Both, "  ct+sock  "),
    ] {
        scene.status.source = source;
        scene.answer();
        let screen = screen(&scene);
        let title = screen.lines().next().unwrap();
        assert!(title.contains(label), "{title}");
    }
    scene.status.source = Source::Sockets;
    scene.status.hint = Some("Sockets of this machine only: root sees forwarded flows.".to_owned());
    scene.answer();
    let line = |scene: &Scene| screen(scene).lines().nth(2).unwrap().to_owned();
    assert!(line(&scene).contains("root sees forwarded flows"));
    scene.keys("?");
    assert!(screen(&scene).contains("root sees forwarded flows"));
    scene.keys("?");
    scene.status.tracking_wanted = Some(false);
    scene.answer();
    assert!(line(&scene).contains("no rule here asks the kernel to track"));
    assert!(line(&scene).contains("E makes it"));
    // What went wrong matters more.
    scene.status.warnings = vec!["the disk is on fire".to_owned()];
    scene.answer();
    assert!(line(&scene).contains("the disk is on fire"));
    // But who looks for the rest is told that there is some.
    assert!(line(&scene).contains("and 1 more: ?"));
}
