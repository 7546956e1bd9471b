//! Places and services: their lists, and the ways through them.

use crossterm::event::KeyCode;
use flowtop::view::{Cursor, Group, Grouping, List, Page};
use ratatui::style::Modifier;

use super::scene::{Scene, themes, world};
use super::snapshot::{check, styled, text};

const WIDTHS: [u16; 4] = [60, 80, 120, 160];

fn scene() -> Scene {
    scene_of(120, 20)
}

fn scene_of(width: u16, height: u16) -> Scene {
    Scene::new((width, height), |_| ()).with(&world())
}

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 20))
}

fn line(scene: &Scene, number: usize) -> String {
    screen(scene).lines().nth(number).unwrap_or("").to_owned()
}

/// Presses keys, each answered.
fn press(scene: &mut Scene, codes: &[KeyCode]) {
    for code in codes {
        scene.press(*code);
        scene.answer();
    }
}

/// The selected line of the screen.
fn selected(scene: &Scene) -> Option<String> {
    let buf = scene.buffer(120, 20);
    let is_selected = |y: &u16| buf[(0, *y)].modifier.contains(Modifier::REVERSED);
    (4..19)
        .find(is_selected)
        .map(|y| line(scene, y.into()).trim().to_owned())
}

fn is_on(scene: &Scene, name: &str) -> bool {
    selected(scene).is_some_and(|line| line.contains(name))
}

/// Selects the row of this name in a list of groups.
fn go_to(scene: &mut Scene, name: &str) {
    press(scene, &[KeyCode::Home]);
    for _ in 0..20 {
        if is_on(scene, name) {
            return;
        }
        press(scene, &[KeyCode::Down]);
    }
    panic!("{name} is not in\n{}", screen(scene));
}

#[test]
fn lists_at_every_width() {
    for width in WIDTHS {
        let mut scene = scene_of(width, 16);
        scene.end_of(&world()[1]);
        for (key, name) in [("5", "places"), ("7", "services")] {
            scene.keys(key);
            scene.press(KeyCode::Down);
            let screen = text(&scene.buffer(width, 16));
            check(&format!("{name}_{width}"), &screen);
        }
        scene.keys("5");
        press(&mut scene, &[KeyCode::Home, KeyCode::Enter]);
        check(
            &format!("networks_{width}"),
            &text(&scene.buffer(width, 16)),
        );
        press(&mut scene, &[KeyCode::End, KeyCode::Enter]);
        check(
            &format!("flows_of_network_{width}"),
            &text(&scene.buffer(width, 16)),
        );
    }
}

#[test]
fn colours_and_attributes() {
    for (name, color) in [("color", true), ("mono", false)] {
        let mut scene = Scene::new((100, 16), |s| s.themes = themes(color)).with(&world());
        scene.keys("5");
        scene.press(KeyCode::Down);
        let places = styled(&scene.buffer(100, 16));
        check(&format!("places_{name}_100"), &places);
        scene.keys("7");
        let services = styled(&scene.buffer(100, 16));
        check(&format!("services_{name}_100"), &services);
    }
}

#[test]
fn tabs_are_switched_in_both_directions_and_by_digit() {
    let mut scene = scene();
    let start = screen(&scene);
    let shown = |scene: &Scene| (scene.query.page, scene.query.list);
    let mut tabs = Vec::new();
    for _ in 0..7 {
        press(&mut scene, &[KeyCode::Tab]);
        tabs.push(shown(&scene));
    }
    let all = [
        (Page::List, List::By(Grouping::Host)),
        (Page::List, List::By(Grouping::Process)),
        (Page::List, List::By(Grouping::Country)),
        (Page::List, List::By(Grouping::Service)),
        (Page::Health, List::Flows),
        (Page::Chart, List::Flows),
        (Page::List, List::Flows),
    ];
    assert_eq!(tabs, all);
    assert_eq!(screen(&scene), start);
    press(&mut scene, &[KeyCode::BackTab]);
    assert_eq!(shown(&scene), (Page::Chart, List::Flows));
    for (key, tab) in ["2", "3", "5", "7", "8", "9", "1"].into_iter().zip(all) {
        scene.keys(key);
        assert_eq!(shown(&scene), tab);
    }
}

#[test]
fn from_a_country_to_the_flows_of_a_network_and_back() {
    let mut scene = scene();
    scene.keys("5");
    go_to(&mut scene, "United States");
    press(&mut scene, &[KeyCode::Enter]);
    let us = scene.query.within.clone();
    let [Group::Country(_)] = us[..] else {
        panic!("{us:?}");
    };
    assert!(line(&scene, 2).contains("5 Places › United States"));
    go_to(&mut scene, "Example Delivery");
    press(&mut scene, &[KeyCode::Enter]);
    assert!(line(&scene, 2).contains("› United States › AS64500 Example Delivery"));
    assert_eq!(scene.query.list, List::Flows);
    let asn = std::num::NonZeroU32::new(64_500);
    assert_eq!(scene.query.within, [us[0], Group::Asn(asn)]);
    assert_eq!(scene.view().matching, 2);
    assert!(screen(&scene).contains("216.160.83.57"));
    assert!(!screen(&scene).contains("216.160.83.60"));

    // First the selection, then one list after the other; each is as it was.
    press(&mut scene, &[KeyCode::Down]);
    scene.keys("?");
    press(&mut scene, &[KeyCode::Esc]);
    assert!(selected(&scene).is_some(), "only the help closes");
    press(&mut scene, &[KeyCode::Esc]);
    assert_eq!(scene.query.cursor, Cursor::None);
    assert_eq!(scene.query.within.len(), 2);
    press(&mut scene, &[KeyCode::Esc]);
    assert_eq!(scene.query.list, List::By(Grouping::Asn));
    assert_eq!(scene.query.within, us);
    assert!(is_on(&scene, "Example Delivery"));
    press(&mut scene, &[KeyCode::Esc, KeyCode::Esc]);
    assert_eq!(scene.query.list, List::By(Grouping::Country));
    assert!(is_on(&scene, "United States"));
    press(&mut scene, &[KeyCode::Esc, KeyCode::Esc, KeyCode::Esc]);
    assert_eq!(selected(&scene), None);
    assert_eq!(scene.query.list, List::By(Grouping::Country));
}

#[test]
fn a_country_without_known_networks_leads_to_its_flows() {
    let mut scene = scene();
    scene.keys("5");
    for (name, address) in [
        ("Sweden", "89.160.20.112"),
        ("private addresses", "192.168.1.1"),
        ("unknown country", "5.63.151.1"),
    ] {
        go_to(&mut scene, name);
        let countries = screen(&scene);
        press(&mut scene, &[KeyCode::Enter]);
        // The answer leads on; until the next one comes, nothing changes.
        assert_eq!(scene.query.list, List::Flows);
        assert!(matches!(scene.query.within[..], [Group::Country(_)]));
        assert!(countries.contains("COUNTRY") && screen(&scene).contains("COUNTRY"));
        scene.answer();
        assert_eq!(scene.view().matching, 1);
        assert!(screen(&scene).contains(address), "{}", screen(&scene));
        press(&mut scene, &[KeyCode::Esc]);
        assert!(is_on(&scene, name));
    }
}

#[test]
fn services_lead_to_their_flows() {
    let mut scene = scene();
    scene.keys("7");
    go_to(&mut scene, "domain");
    press(&mut scene, &[KeyCode::Enter]);
    assert!(line(&scene, 2).contains("7 Services › domain"));
    assert_eq!(scene.view().matching, 1);
    // Each tab keeps its place; its own key leads to its beginning.
    scene.keys("17");
    assert!(line(&scene, 2).contains("7 Services › domain"));
    scene.keys("7");
    assert_eq!(scene.query.list, List::By(Grouping::Service));
    assert!(is_on(&scene, "domain"));
}

#[test]
fn totals_are_of_the_flows_that_are_counted_beside_them() {
    let mut scene = scene();
    let all = line(&scene, 1);
    assert!(!all.contains("of ↓ "), "{all}");
    let everything = scene.view().bytes_per_sec.unwrap();
    scene.keys("7");
    go_to(&mut scene, "domain");
    press(&mut scene, &[KeyCode::Enter]);
    let part = scene.view().matching_bytes_per_sec;
    assert!(part.reply < everything.reply);
    let of_group = line(&scene, 1);
    let begin = format!(" ↓ {}B/s ", part.reply);
    assert!(of_group.starts_with(&begin), "{of_group}");
    assert!(of_group.contains("of ↓ "), "{of_group}");
    assert!(of_group.trim_end().ends_with(" 1 flow"), "{of_group}");
    // So they are of those that go one way.
    scene.keys("1o");
    assert!(line(&scene, 1).contains("of ↓ "), "{}", line(&scene, 1));
}

#[test]
fn entering_nothing_says_how_to_select() {
    let mut scene = scene();
    scene.keys("5");
    press(&mut scene, &[KeyCode::Enter]);
    assert_eq!(scene.query.list, List::By(Grouping::Country));
    assert!(screen(&scene).contains("Select a row first"));
}

#[test]
fn the_selection_sticks_to_the_group() {
    let mut scene = scene();
    scene.keys("5");
    go_to(&mut scene, "Japan");
    let before = selected(&scene);
    // What was above it goes to the end of the list: nothing moves there any
    // more.
    for line in world().iter().take(2) {
        scene.end_of(line);
    }
    scene.answer();
    assert!(is_on(&scene, "Japan"));
    assert_eq!(selected(&scene), before);
    // Of a country whose last flow ends, what it moved is still told.
    scene.end_of(&world()[2]);
    scene.answer();
    assert!(is_on(&scene, "Japan"));
    let japan = selected(&scene).unwrap_or_default();
    assert!(japan.contains("61.0MB"), "{japan}");
    press(&mut scene, &[KeyCode::Enter, KeyCode::Down, KeyCode::Enter]);
    assert!(!scene.query.within.is_empty(), "{}", screen(&scene));
    assert!(screen(&scene).contains("None of its flows are there any more."));
    press(&mut scene, &[KeyCode::Esc, KeyCode::Esc, KeyCode::Esc]);
    assert!(is_on(&scene, "Japan"));
}

#[test]
fn long_lists_scroll() {
    let mut scene = scene_of(120, 12);
    scene.keys("7");
    let count = scene.view().group_count;
    let height = scene.query.height;
    assert!(count > height, "{count} {height}");
    let shown = |scene: &Scene| text(&scene.buffer(120, 12));
    let at = |from: usize| format!("{from}-{} of {count}", from + height - 1);
    assert!(shown(&scene).contains(&at(1)), "{}", shown(&scene));
    press(&mut scene, &[KeyCode::End]);
    assert!(shown(&scene).contains(&at(count - height + 1)));
    press(&mut scene, &[KeyCode::Up; 2]);
    assert!(
        shown(&scene).contains(&at(count - height + 1)),
        "it holds it"
    );
    press(&mut scene, &[KeyCode::Home]);
    assert!(shown(&scene).contains(&at(1)));
    press(&mut scene, &[KeyCode::PageDown, KeyCode::PageUp]);
    assert!(shown(&scene).contains(&at(1)));
}

#[test]
fn idle_flows_of_a_group_can_be_shown() {
    let mut scene = scene();
    scene.keys("a7");
    // Groups count idle flows as well.
    let title = line(&scene, 0);
    assert!(!scene.query.active_only && !title.contains("active"));
    scene.keys("a");
    assert!(screen(&scene).contains("Only lists of flows"));
    go_to(&mut scene, "http ");
    press(&mut scene, &[KeyCode::Enter]);
    assert!(scene.query.active_only && line(&scene, 1).contains("0 of 1 flow"));
    assert!(screen(&scene).contains("Its only flow is idle."));
    scene.keys("a");
    assert_eq!(scene.view().matching, 1);
}

#[test]
fn the_menu_of_groupings_at_two_widths() {
    for width in [60, 80] {
        let mut scene = super::desk::scene(width, 24, |_| ());
        press(&mut scene, &[KeyCode::Char('2'), KeyCode::Char('g')]);
        check(
            &format!("group_menu_{width}"),
            &text(&scene.buffer(width, 24)),
        );
    }
    // On a low screen it scrolls under the cursor.
    let mut scene = super::desk::scene(80, 14, |_| ());
    press(&mut scene, &[KeyCode::Char('g'), KeyCode::End]);
    let screen = text(&scene.buffer(80, 14));
    assert!(screen.contains("other widths of networks"), "{screen}");
}
