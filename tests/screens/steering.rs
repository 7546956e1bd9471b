//! What holds the picture, and what is left to the next run.

use std::time::Duration;

use crossterm::event::KeyCode;
use flowtop::tui::memory::Memory;
use flowtop::view::column::{Choice, Hosts, Ports};
use flowtop::view::units::RateUnit;

use super::scene::{Scene, themes, world};
use super::snapshot::{check, styled, text};

fn scene(width: u16) -> Scene {
    Scene::new((width, 20), |_| ()).with(&world())
}

/// The lines of the table: without what tells of the present, and the answer
/// to a key.
fn rows(screen: &str) -> Vec<&str> {
    screen.lines().skip(3).take(15).collect()
}

fn title(scene: &Scene, width: u16) -> String {
    let screen = text(&scene.buffer(width, 20));
    screen.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_paused_view_stands_still_and_says_since_when() {
    for width in [60, 80, 120] {
        let mut scene = scene(width);
        scene.keys(" ");
        assert!(scene.query.paused);
        let before = text(&scene.buffer(width, 20));
        scene.now = scene.now.after(Duration::from_secs(72));
        scene.state.tick(scene.now);
        let after = text(&scene.buffer(width, 20));
        // Ages and averages are those of the picture.
        assert_eq!(rows(&before), rows(&after));
        check(&format!("paused_{width}"), &after);
        scene.keys(" ");
        assert!(!scene.query.paused);
        assert!(!title(&scene, width).contains("PAUSED"));
        assert_ne!(rows(&before), rows(&text(&scene.buffer(width, 20))));
    }
}

#[test]
fn a_view_from_before_the_pause_is_still_live() {
    let mut scene = scene(120);
    let late = scene.view();
    scene.press(KeyCode::Char(' '));
    assert!(title(&scene, 120).contains("PAUSED 0s"));
    scene.show(late);
    let before = text(&scene.buffer(120, 20));
    scene.now = scene.now.after(Duration::from_secs(3));
    scene.state.tick(scene.now);
    let after = text(&scene.buffer(120, 20));
    // Until the picture is there, time goes on in it.
    assert_ne!(rows(&before), rows(&after));
}

fn remembering(memory: Memory) -> Scene {
    let colors = themes(true);
    Scene::new((120, 20), move |settings| {
        settings.themes = colors;
        settings.memory = memory;
    })
    .with(&world())
}

#[test]
fn what_is_chosen_is_remembered_and_nothing_else() {
    let mut scene = remembering(Memory::default());
    assert_eq!(scene.state.memory(), Memory::default());
    // What hides flows is not.
    scene.keys("Lao");
    scene.keys("aoooo");
    assert_eq!(scene.state.memory(), Memory::default());
    scene.keys("bsnp>>r5");
    scene.keys("tj");
    // A theme that is only looked at is none that was chosen.
    assert_eq!(scene.state.memory().theme, None);
    scene.press(KeyCode::Enter);
    scene.keys("/tcp");
    scene.press(KeyCode::Enter);
    let memory = scene.state.memory();
    assert_eq!(memory.theme.as_deref(), Some("mono"));
    assert_eq!(memory.unit, Some(RateUnit::Bits));
    assert_eq!(memory.hosts, Some(Hosts::Address));
    assert_eq!(memory.ports, Some(Ports::Number));
    assert_eq!(memory.filters, ["tcp"]);
    let columns = memory.columns.as_ref().map(ToString::to_string);
    assert!(columns.is_some_and(|columns| columns.contains(",source,")));
    let sorts: Vec<_> = memory.sorts.iter().collect();
    assert_eq!(sorts, [(&"flows".to_owned(), &"state:desc".to_owned())]);

    // Another run begins with it, and leaves it as it is.
    let again = remembering(memory.clone());
    assert_eq!(again.state.query().sort, {
        let mut scene = remembering(Memory::default());
        scene.keys(">>r");
        scene.query.sort
    });
    let screen = text(&again.buffer(120, 20));
    assert!(screen.contains("STATE▼"), "{screen}");
    assert_eq!(again.state.memory(), memory);
}

#[test]
fn flags_hold_for_their_own_run() {
    let memory = Memory {
        theme: Some("nord".to_owned()),
        columns: Choice::parse("proto").ok(),
        unit: Some(RateUnit::Bits),
        hosts: Some(Hosts::Both),
        ..Memory::default()
    };
    // As --theme, --columns, --no-bits and -n would have it.
    let kept = memory.clone();
    let mut scene = Scene::new((120, 20), move |settings| {
        settings.memory = kept;
        settings.hosts = Hosts::Address;
    })
    .with(&world());
    assert_eq!(scene.state.memory(), memory);
    scene.keys("b");
    assert_eq!(scene.state.memory().unit, Some(RateUnit::Bits));
    scene.keys("bs");
    let changed = scene.state.memory();
    assert_ne!(changed.columns, memory.columns);
    assert_eq!(
        Memory {
            columns: memory.columns.clone(),
            ..changed
        },
        memory
    );
}

#[test]
fn an_order_that_nobody_knows_says_nothing() {
    let sorts = [
        ("flows", "wings:asc"),
        ("hosts", "name"),
        ("x", "state:asc"),
    ];
    let sorts = sorts.map(|(list, sort)| (list.to_owned(), sort.to_owned()));
    let scene = remembering(Memory {
        sorts: sorts.into(),
        ..Memory::default()
    });
    assert!(text(&scene.buffer(120, 20)).contains("↓ RATE▼"));
}

fn first_row(scene: &Scene, width: u16) -> String {
    let screen = text(&scene.buffer(width, 20));
    screen.lines().nth(4).unwrap_or_default().to_owned()
}

#[test]
fn pinned_rows_stand_above_all_others() {
    for width in [80, 120] {
        let mut scene = scene(width);
        scene.keys("*");
        let screen = text(&scene.buffer(width, 20));
        assert!(screen.contains("Select a row first"), "{screen}");
        scene.keys("jjjjjj*");
        check(&format!("pinned_{width}"), &text(&scene.buffer(width, 20)));
        // The cursor went with it, and it stays in every order.
        assert!(first_row(&scene, width).starts_with("★udp"));
        assert_eq!(scene.view().cursor.map(|(index, _)| index), Some(0));
        let pinned = scene.view().cursor;
        for _ in 0..8 {
            scene.keys(">");
            assert!(first_row(&scene, width).starts_with("★udp"));
            scene.keys("r");
            assert!(first_row(&scene, width).starts_with("★udp"));
            assert_eq!(scene.view().cursor, pinned);
        }
        scene.keys("<<<<<<<<");
        // A pin is no filter.
        scene.keys("U");
        assert!(!text(&scene.buffer(width, 20)).contains('★'));
        scene.keys("U");
        scene.press(KeyCode::Home);
        scene.keys("*");
        assert!(!text(&scene.buffer(width, 20)).contains("★udp"));
    }
}

#[test]
fn a_pin_is_seen_without_colours() {
    let mut scene = scene(80);
    scene.keys("jjj*k");
    scene.press(KeyCode::Esc);
    check("pinned_mono_80", &styled(&scene.buffer(80, 20)));
}

#[test]
fn pinned_hosts_are_remembered_and_flows_are_not() {
    let mut scene = remembering(Memory::default());
    scene.keys("jjj*7jj*");
    assert_eq!(scene.state.memory().pins, Vec::<String>::new());
    scene.keys("2jj*");
    check("pinned_hosts_120", &text(&scene.buffer(120, 20)));
    let first = first_row(&scene, 120);
    let memory = scene.state.memory();
    let host = first.trim_start_matches(['★', ' ']).split(' ').next();
    assert_eq!(memory.pins, [format!("host {}", host.unwrap_or_default())]);

    let mut again = remembering(memory.clone());
    again.keys("2");
    assert_eq!(first_row(&again, 120), first);
    assert_eq!(again.state.memory().pins, memory.pins);
    again.press(KeyCode::Home);
    again.keys("*");
    assert_eq!(again.state.memory().pins, Vec::<String>::new());

    // Of another version, or a list that has no hosts.
    let pins = ["wing 192.0.2.1", "host x", "host", "service 192.0.2.1"];
    let wrong = remembering(Memory {
        pins: pins.map(str::to_owned).into(),
        ..Memory::default()
    });
    assert_eq!(wrong.state.memory().pins, Vec::<String>::new());
}

#[test]
fn a_row_is_followed_until_the_selection_moves() {
    for width in [80, 120] {
        let mut scene = scene(width);
        scene.keys("F");
        assert!(scene.query.followed.is_none());
        scene.keys("jjF");
        let followed = scene.query.followed;
        assert!(followed.is_some());
        check(
            &format!("following_{width}"),
            &text(&scene.buffer(width, 20)),
        );
        // Wherever it goes.
        for _ in 0..5 {
            scene.keys(">");
            assert_eq!(scene.view().cursor.map(|(_, id)| id), followed);
            assert!(title(&scene, width).contains("following"));
        }
        // Esc ends it, and no more than that.
        scene.press(KeyCode::Esc);
        assert!(!title(&scene, width).contains("following"));
        assert_eq!(scene.view().cursor.map(|(_, id)| id), followed);
        for keys in ["F", "j", "2"] {
            scene.keys("1F");
            assert!(scene.query.followed.is_some(), "{keys}");
            scene.keys(keys);
            assert!(scene.query.followed.is_none(), "{keys}");
            assert!(!title(&scene, width).contains("following"), "{keys}");
        }
        // A group as well.
        scene.keys("2jF");
        assert!(title(&scene, width).contains("following"));
        scene.keys("j");
        let screen = text(&scene.buffer(width, 20));
        assert!(screen.contains("Not following any more"), "{screen}");
    }
}

fn filter(scene: &Scene) -> String {
    let filter = scene.query.filter.as_ref();
    filter.map(ToString::to_string).unwrap_or_default()
}

#[test]
fn one_value_of_a_row_is_kept_or_left_out() {
    let mut scene = scene(120);
    scene.keys("f");
    let screen = text(&scene.buffer(120, 20));
    assert!(screen.contains("Select a row first"), "{screen}");
    scene.keys("jf");
    check("only_120", &text(&scene.buffer(120, 20)));
    scene.keys("p");
    assert_eq!(filter(&scene), "port:443");
    // More of it, in the language that / edits.
    scene.keys("!d");
    assert_eq!(filter(&scene), "port:443 !dst:216.160.83.56");
    scene.keys("jf");
    scene.press(KeyCode::Esc);
    assert_eq!(filter(&scene), "port:443 !dst:216.160.83.56");
    scene.keys("0");
    // The column that is sorted by stands first, and Enter takes it.
    scene.keys(">>f");
    scene.press(KeyCode::Enter);
    assert!(filter(&scene).starts_with("state:"), "{}", filter(&scene));
    let before = filter(&scene);
    scene.keys("f");
    scene.press(KeyCode::Enter);
    assert_eq!(filter(&scene), before, "it is asked for once");
}

#[test]
fn a_group_is_kept_or_left_out() {
    let mut scene = scene(120);
    scene.keys("7jf");
    scene.press(KeyCode::Enter);
    assert_eq!(filter(&scene), "proto:tcp service_port:443");
    scene.keys("0!");
    scene.press(KeyCode::Enter);
    assert_eq!(filter(&scene), "!(proto:tcp service_port:443)");
}

#[test]
fn a_port_is_typed_at_once() {
    let mut scene = scene(120);
    scene.keys("P443");
    assert_eq!(filter(&scene), "port:443");
    scene.press(KeyCode::Enter);
    // What is in force stays until there is more of it.
    scene.keys("P");
    assert_eq!(filter(&scene), "port:443");
    scene.keys("22");
    assert_eq!(filter(&scene), "port:443 port:22");
}

#[test]
fn what_could_be_written_next_stands_above_the_line() {
    for width in [60, 100] {
        let mut scene = scene(width);
        let mut look = |typed: &str| {
            scene.keys("/");
            scene.keys(typed);
            scene.press(KeyCode::Tab);
            let screen = text(&scene.buffer(width, 20));
            scene.press(KeyCode::Esc);
            screen
        };
        check(&format!("completing_keys_{width}"), &look("tcp (s"));
        check(&format!("completing_values_{width}"), &look("state:"));
        check(&format!("completing_saved_{width}"), &look("!@w"));
        // Nothing to suggest, nothing in the way.
        assert!(!look("port:44").contains('▸'));
    }
}
