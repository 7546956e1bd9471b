//! The selection, and the questions it leads to.

use crossterm::event::KeyCode;
use flowtop::view::Cursor;

use super::scene::{Scene, crowd};

/// A window of ten rows onto a hundred.
fn scene() -> Scene {
    let scene = Scene::new((100, 15), |_| ()).with(&crowd(100));
    assert_eq!(scene.query.height, 10);
    scene
}

/// The line of the screen that is selected, counted in rows of the table.
fn selected(scene: &Scene) -> Option<u16> {
    let buf = scene.buffer(100, 15);
    let reversed = |y: &u16| {
        let look = buf[(0, *y)].modifier;
        look.contains(ratatui::style::Modifier::REVERSED)
    };
    (4..14).find(reversed).map(|y| y - 4)
}

/// Source port of the selected flow: they count from the fastest.
fn port(scene: &Scene) -> Option<u16> {
    let (_, id) = scene.view().cursor?;
    let port = scene.table.get(id)?.key().orig.sport()?;
    Some(port - 10_000)
}

#[test]
fn nothing_is_selected_until_a_key_does() {
    let mut scene = scene();
    assert_eq!(selected(&scene), None);
    scene.press(KeyCode::Down);
    assert_eq!(selected(&scene), Some(0));
    scene.press(KeyCode::Esc);
    assert_eq!(selected(&scene), None);
    scene.press(KeyCode::Up);
    assert_eq!(selected(&scene), Some(9));
}

#[test]
fn moving_within_the_window_needs_no_answer() {
    let mut scene = scene();
    for line in 0..10 {
        scene.press(KeyCode::Down);
        assert_eq!(selected(&scene), Some(line));
        assert!(scene.last.ask.is_some());
    }
    scene.press(KeyCode::Up);
    assert_eq!(selected(&scene), Some(8));
    assert_eq!(port(&scene), Some(8));
}

#[test]
fn leaving_the_window_scrolls_by_one() {
    let mut scene = scene();
    for _ in 0..10 {
        scene.press(KeyCode::Down);
    }
    scene.press(KeyCode::Down);
    assert_eq!(selected(&scene), Some(9), "until the answer comes");
    scene.answer();
    assert_eq!(selected(&scene), Some(9));
    assert_eq!((port(&scene), scene.query.first), (Some(10), 1));
    scene.press(KeyCode::Up);
    assert_eq!(selected(&scene), Some(8));
}

#[test]
fn keys_faster_than_answers_all_count() {
    let mut scene = scene();
    for _ in 0..25 {
        scene.press(KeyCode::Char('j'));
    }
    scene.answer();
    assert_eq!(port(&scene), Some(24));
    for _ in 0..3 {
        scene.press(KeyCode::PageDown);
    }
    scene.answer();
    assert_eq!((port(&scene), scene.query.first), (Some(54), 45));
}

#[test]
fn a_row_is_followed_before_the_answer_to_the_move_comes() {
    let mut scene = scene();
    for _ in 0..10 {
        scene.press(KeyCode::Down);
    }
    // The window is to scroll, and shows the row already.
    scene.press(KeyCode::Char('d'));
    for _ in 0..6 {
        scene.press(KeyCode::Up);
    }
    assert_eq!(scene.query.cursor, Cursor::Index(8));
    scene.press(KeyCode::Char('F'));
    let followed = scene.query.followed;
    assert!(followed.is_some());
    scene.answer();
    assert_eq!(scene.query.followed, followed);
    assert_eq!(scene.view().cursor.map(|(_, id)| id), followed);
}

#[test]
fn pages_halves_and_ends() {
    let mut scene = scene();
    let mut press = |code: KeyCode| {
        scene.press(code);
        scene.answer();
        (port(&scene), scene.query.first)
    };
    assert_eq!(press(KeyCode::PageDown), (Some(10), 10));
    assert_eq!(press(KeyCode::Char('d')), (Some(15), 15));
    assert_eq!(press(KeyCode::Char('u')), (Some(10), 10));
    assert_eq!(press(KeyCode::PageUp), (Some(0), 0));
    assert_eq!(press(KeyCode::PageUp), (Some(0), 0));
    assert_eq!(press(KeyCode::End), (Some(99), 90));
    assert_eq!(press(KeyCode::Down), (Some(99), 90));
    assert_eq!(press(KeyCode::PageDown), (Some(99), 90));
    assert_eq!(press(KeyCode::Home), (Some(0), 0));
    assert_eq!(press(KeyCode::Char('G')), (Some(99), 90));
}

#[test]
fn the_selection_sticks_to_the_flow() {
    let mut scene = scene();
    for _ in 0..5 {
        scene.press(KeyCode::Down);
    }
    assert_eq!((port(&scene), selected(&scene)), (Some(4), Some(4)));
    // The other flows get faster and overtake it.
    scene.speed_up(&[20, 21, 22]);
    scene.answer();
    assert_eq!((port(&scene), selected(&scene)), (Some(4), Some(4)));
    assert_eq!(scene.view().cursor.map(|(index, _)| index), Some(7));
    assert_eq!(scene.query.first, 3);
    // When it ends, the flow in its place is selected.
    scene.end(4);
    scene.answer();
    assert_eq!((port(&scene), selected(&scene)), (Some(5), Some(4)));
}

#[test]
fn a_late_answer_undoes_nothing() {
    let mut scene = scene();
    scene.press(KeyCode::Down);
    let late = scene.view();
    scene.press(KeyCode::PageDown);
    let asked = scene.query.clone();
    scene.show(late);
    assert_eq!(scene.last.ask, None);
    assert_eq!(*scene.state.query(), asked);
    scene.answer();
    assert_eq!(port(&scene), Some(10));
}

#[test]
fn an_answer_is_not_a_new_question() {
    let mut scene = scene();
    scene.press(KeyCode::End);
    scene.answer();
    assert_eq!(scene.last.ask, None);
    assert!(matches!(scene.state.query().cursor, Cursor::Flow { .. }));
    scene.speed_up(&[50]);
    scene.answer();
    assert_eq!(scene.last.ask, None);
}

#[test]
fn an_empty_list_keeps_what_was_selected() {
    let mut scene = scene();
    for _ in 0..3 {
        scene.press(KeyCode::Down);
    }
    scene.keys("A");
    for key in "TUDISO".chars() {
        scene.press(KeyCode::Char(key));
    }
    scene.answer();
    assert_eq!(scene.view().matching, 0);
    scene.press(KeyCode::Down);
    scene.keys("A");
    assert_eq!((port(&scene), selected(&scene)), (Some(2), Some(2)));
}

#[test]
fn a_new_height_is_asked_for() {
    let mut scene = scene();
    scene.resize(100, 30);
    assert_eq!(scene.last.ask.as_ref().map(|q| q.height), Some(25));
    scene.status.warnings = vec!["a warning takes a line".to_owned()];
    scene.answer();
    assert_eq!(scene.query.height, 24);
    scene.resize(100, 0);
    assert_eq!(scene.query.height, 0);
    scene.answer();
    scene.press(KeyCode::PageDown);
    scene.answer();
}
