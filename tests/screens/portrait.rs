//! All about a row of groups.

use crossterm::event::KeyCode;
use flowtop::view::Subject;

use super::desk;
use super::scene::{Scene, world};
use super::snapshot::{check, text};

const WIDTHS: [(u16, u16); 4] = [(60, 40), (80, 40), (120, 40), (200, 30)];

/// A router, with names.
fn router(width: u16, height: u16) -> Scene {
    let mut scene = Scene::new((width, height), |_| ()).with(&world());
    scene.name_hosts();
    scene
}

/// Goes to a tab, selects a row of it, counted from 1, and opens the pane.
fn open(scene: &mut Scene, tab: &str, row: usize) {
    scene.keys(tab);
    for _ in 0..row {
        scene.press(KeyCode::Down);
        scene.answer();
    }
    scene.keys("i");
}

fn screen(scene: &Scene, width: u16, height: u16) -> String {
    text(&scene.buffer(width, height))
}

#[test]
fn all_about_hosts_processes_services_and_places() {
    for (width, height) in WIDTHS {
        let mut scene = router(width, height);
        open(&mut scene, "2", 1);
        check(
            &format!("portrait_host_{width}"),
            &screen(&scene, width, height),
        );
        let mut scene = desk::scene(width, height, |_| ());
        open(&mut scene, "3", 1);
        check(
            &format!("portrait_process_{width}"),
            &screen(&scene, width, height),
        );
    }
    let mut scene = router(120, 40);
    open(&mut scene, "7", 1);
    check("portrait_service_120", &screen(&scene, 120, 40));
    let mut scene = router(120, 40);
    open(&mut scene, "5", 1);
    check("portrait_country_120", &screen(&scene, 120, 40));
}

#[test]
fn the_pane_follows_the_cursor_and_enter_still_goes_into_the_row() {
    let mut scene = router(120, 40);
    open(&mut scene, "2", 1);
    assert_eq!(scene.query.detail, Some(Subject::Cursor));
    let first = scene.view().portrait.expect("the first host").row.group;
    scene.press(KeyCode::Down);
    scene.answer();
    let second = scene.view().portrait.expect("the second host");
    assert_ne!(second.row.group, first);
    let flows = second.row.flows;
    scene.press(KeyCode::Enter);
    scene.answer();
    let inside = scene.view();
    assert!(inside.portrait.is_none() && inside.detail.is_none());
    assert_eq!(inside.matching, flows);
    scene.press(KeyCode::Esc);
    scene.answer();
    assert!(scene.view().portrait.is_some(), "as it was left");
    scene.press(KeyCode::Esc);
    scene.answer();
    assert!(scene.query.detail.is_none(), "closed");
    scene.keys("ii");
    assert!(scene.query.detail.is_none(), "opened and closed");
}

#[test]
fn a_portrait_adds_up_to_its_row() {
    let mut scene = router(120, 40);
    open(&mut scene, "2", 1);
    let portrait = scene.view().portrait.expect("a host");
    let flows = |parts: Vec<usize>| parts.into_iter().sum::<usize>();
    let peers = &portrait.peers;
    assert_eq!(peers.count, portrait.row.hosts);
    assert!(peers.top.len() == peers.count, "all of them are told here");
    assert_eq!(
        flows(peers.top.iter().map(|part| part.flows).collect()),
        portrait.row.flows
    );
    let services = portrait.asks.top.iter().chain(&portrait.serves.top);
    assert_eq!(
        flows(services.map(|part| part.flows).collect()),
        portrait.row.flows
    );
    let sent: u64 = peers.top.iter().map(|part| part.bytes.orig).sum();
    assert_eq!(sent, portrait.row.bytes().unwrap().orig);
}

#[test]
fn on_flows_the_key_does_what_enter_does_and_a_filter_is_respected() {
    let mut scene = router(120, 40);
    scene.keys("i");
    assert!(scene.view().detail.is_some());
    scene.keys("i");
    assert!(scene.view().detail.is_none());
    open(&mut scene, "2", 1);
    let before = scene.view().portrait.expect("a host").peers.count;
    scene.keys("/");
    for key in "port 443".chars() {
        scene.press(KeyCode::Char(key));
    }
    scene.press(KeyCode::Enter);
    scene.answer();
    let after = scene.view().portrait.expect("a host").peers.count;
    assert!(after < before, "{after} of {before}");
}
