//! Sorting, keeping an order, and choosing columns.

use crossterm::event::{KeyCode, KeyModifiers};
use flowtop::view::column::Choice;
use flowtop::view::{Freeze, SortKey};

use super::desk;
use super::scene::{Scene, crowd, evening, world};
use super::snapshot::{check, styled, text};

fn scene() -> Scene {
    Scene::new((120, 20), |_| ()).with(&world())
}

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 20))
}

fn header(scene: &Scene) -> String {
    screen(scene).lines().nth(3).unwrap_or("").to_owned()
}

/// The words of a column of the screen, by where its header begins and ends.
fn cells(scene: &Scene, title: &str) -> Vec<String> {
    let screen = screen(scene);
    let header: Vec<char> = header(scene).chars().collect();
    let title: Vec<char> = title.chars().collect();
    let at = header.windows(title.len()).position(|part| part == title);
    let at = at.expect("the column is there");
    let rows = screen.lines().skip(4).take(10);
    rows.map(|line| {
        let cell: String = line.chars().skip(at).take(12).collect();
        cell.split(' ').next().unwrap_or("").to_owned()
    })
    .collect()
}

fn is_ascending(cells: &[String]) -> bool {
    cells.windows(2).all(|pair| pair[0] <= pair[1])
}

#[test]
fn the_header_says_what_rows_are_sorted_by() {
    let mut scene = scene();
    check("sorted_usual_120", &screen(&scene));
    assert_eq!(header(&scene).matches('▼').count(), 2);
    scene.keys(">");
    assert!(header(&scene).contains("PROTO▲"), "{}", header(&scene));
    assert!(is_ascending(&cells(&scene, "PROTO")));
    scene.keys("r");
    assert!(header(&scene).contains("PROTO▼"));
    scene.keys(">");
    assert!(header(&scene).contains("STATE▲"));
    assert!(is_ascending(&cells(&scene, "STATE")));
    check("sorted_state_120", &screen(&scene));
    scene.keys(">");
    assert!(header(&scene).contains("AGE▼"));
    scene.keys("<<<");
    assert_eq!(scene.query.sort.key, SortKey::Usual);
    assert_eq!(header(&scene).matches('▼').count(), 2);
    scene.keys("<");
    check("sorted_up_rate_120", &styled(&scene.buffer(120, 20)));
}

#[test]
fn every_list_has_an_order_of_its_own() {
    let mut scene = scene();
    scene.keys("5");
    scene.keys(">>");
    assert!(header(&scene).contains("COUNTRY▲"), "{}", header(&scene));
    check("sorted_places_120", &screen(&scene));
    scene.keys("1");
    assert_eq!(scene.query.sort.key, SortKey::Usual);
    scene.keys("5");
    assert!(header(&scene).contains("COUNTRY▲"));
    scene.keys("r");
    assert!(header(&scene).contains("COUNTRY▼"));
    let mut desk = desk::scene(120, 20, |_| ());
    desk.keys("3>>>");
    assert!(header(&desk).contains("USER▲"), "{}", header(&desk));
}

#[test]
fn the_usual_order_can_be_turned() {
    let mut scene = Scene::new((120, 20), |_| ()).with(&crowd(30));
    let fastest = screen(&scene).lines().nth(4).unwrap_or("").to_owned();
    scene.keys("r");
    assert_eq!(header(&scene).matches('▲').count(), 2);
    scene.press(KeyCode::End);
    scene.answer();
    let last = screen(&scene).lines().nth(18).unwrap_or("").to_owned();
    assert_eq!(last, fastest);
}

#[test]
fn rows_keep_their_order_as_long_as_they_are_to() {
    let mut scene = Scene::new((120, 20), |_| ()).with(&crowd(100));
    let ids = |scene: &Scene| -> Vec<_> { scene.view().rows.iter().map(|row| row.id).collect() };
    let before = ids(&scene);
    scene.press_with(KeyCode::Char('o'), KeyModifiers::CONTROL);
    scene.answer();
    assert!(matches!(scene.query.freeze, Freeze::Kept(_)));
    scene.speed_up(&[70, 80, 90]);
    scene.answer();
    assert_eq!(ids(&scene), before);
    check("order_kept_120", &screen(&scene));
    scene.end(3);
    scene.answer();
    assert!(!ids(&scene).contains(&before[3]));
    assert_eq!(ids(&scene)[..3], before[..3]);
    scene.press_with(KeyCode::Char('o'), KeyModifiers::CONTROL);
    scene.answer();
    assert_ne!(ids(&scene)[0], before[0]);
    // Sorting anew lets go as well, and so does another list.
    for key in ["<", "2"] {
        scene.press_with(KeyCode::Char('o'), KeyModifiers::CONTROL);
        scene.answer();
        scene.keys(key);
        assert_eq!(scene.query.freeze, Freeze::No, "{key}");
    }
}

#[test]
fn columns_are_chosen_at_once_and_given_back() {
    let mut scene = scene();
    let before = screen(&scene);
    scene.keys("C");
    check("columns_120", &screen(&scene));
    check("columns_mono_120", &styled(&scene.buffer(120, 20)));
    check("columns_60", &text(&scene.buffer(60, 14)));
    // PROTO goes behind STATE, AGE goes away, EXPIRES comes.
    scene.keys("Jjj");
    scene.keys(" j ");
    assert!(header(&scene).starts_with(" STATE"), "{}", header(&scene));
    check("columns_changed_120", &screen(&scene));
    scene.press(KeyCode::Esc);
    assert_eq!(screen(&scene), before);
    scene.keys("C");
    scene.press(KeyCode::Down);
    scene.press_with(KeyCode::Up, KeyModifiers::SHIFT);
    scene.press(KeyCode::Enter);
    assert!(header(&scene).starts_with(" STATE"), "{}", header(&scene));
    // The one that names the flow stays.
    scene.keys("C");
    for _ in 0..40 {
        scene.keys(" j");
    }
    scene.press(KeyCode::Enter);
    assert!(header(&scene).contains("DESTINATION"));
}

#[test]
fn other_columns_can_be_asked_for() {
    for (name, keys) in [
        (
            "chosen",
            "destination,asn,org,sport,dport,mark,zone,rate,rate10",
        ),
        ("added", "+expires,+bytes,+down_packets,-service,-proto"),
    ] {
        let choice = Choice::parse(keys).expect("columns");
        let scene = Scene::new((160, 20), |s| s.columns = choice).with(&world());
        check(
            &format!("columns_{name}_160"),
            &text(&scene.buffer(160, 20)),
        );
    }
    let choice = Choice::parse("destination,process,user,unit,rtt,iface,mac").expect("columns");
    let scene = desk::scene(120, 20, |s| s.columns = choice);
    check("columns_owner_120", &screen(&scene));
}

#[test]
fn a_new_order_begins_at_the_top_unless_a_row_is_selected() {
    let mut scene = Scene::new((120, 10), |_| ()).with(&evening());
    scene.press(KeyCode::End);
    scene.answer();
    scene.press(KeyCode::Esc);
    scene.answer();
    scene.keys(">");
    assert_eq!(scene.query.first, 0);
}
