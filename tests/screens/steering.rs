//! What holds the picture, and what is left to the next run.

use std::time::Duration;

use crossterm::event::KeyCode;
use flowtop::tui::memory::Memory;
use flowtop::view::column::{Choice, Hosts, Ports};
use flowtop::view::units::RateUnit;

use super::scene::{Scene, themes, world};
use super::snapshot::{check, text};

fn scene(width: u16) -> Scene {
    Scene::new((width, 20), |_| ()).with(&world())
}

/// The lines of the table: without what tells of the present.
fn rows(screen: &str) -> Vec<&str> {
    screen.lines().skip(3).take(16).collect()
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
