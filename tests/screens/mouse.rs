//! Clicks and the wheel do what the thing under them is for.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use flowtop::tui::Message;
use flowtop::view::column::ColumnId;
use flowtop::view::{Cursor, Freeze, Grouping, List, SortKey};

use super::desk;
use super::scene::{Scene, crowd, evening, world};
use super::snapshot::text;

const LEFT: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const RIGHT: MouseEventKind = MouseEventKind::Down(MouseButton::Right);

struct Mouse {
    scene: Scene,
    size: (u16, u16),
}

impl Mouse {
    fn at(scene: Scene, size: (u16, u16)) -> Self {
        Self { scene, size }
    }

    fn screen(&self) -> String {
        text(&self.scene.buffer(self.size.0, self.size.1))
    }

    fn does(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        self.scene.send(Message::Input(Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        })));
        self.scene.answer();
    }

    /// The cell where the nth of these texts begins.
    fn find(&self, wanted: &str, nth: usize) -> (u16, u16) {
        let screen = self.screen();
        let places = screen.lines().enumerate().flat_map(|(y, line)| {
            let found = line.match_indices(wanted);
            found.map(move |(at, _)| (line[..at].chars().count() as u16, y as u16))
        });
        let place = places.into_iter().nth(nth);
        place.unwrap_or_else(|| panic!("no {wanted:?}\n{screen}"))
    }

    fn click(&mut self, wanted: &str) {
        let place = self.find(wanted, 0);
        self.does(LEFT, place);
    }

    fn wheel(&mut self, steps: i32, place: (u16, u16)) {
        let kind = if steps < 0 {
            MouseEventKind::ScrollUp
        } else {
            MouseEventKind::ScrollDown
        };
        for _ in 0..steps.abs() {
            self.does(kind, place);
        }
    }

    /// What stands on the line under the cursor.
    fn selected(&self) -> String {
        let buf = self.scene.buffer(self.size.0, self.size.1);
        let reversed = |y: u16| {
            let cell = &buf[(1, y)];
            cell.modifier.contains(ratatui::style::Modifier::REVERSED)
        };
        let line = (0..self.size.1).find(|y| reversed(*y));
        let screen = text(&buf);
        line.and_then(|y| screen.lines().nth(y.into()))
            .unwrap_or_default()
            .to_owned()
    }
}

fn flows() -> Mouse {
    Mouse::at(Scene::new((240, 40), |_| ()).with(&evening()), (240, 40))
}

#[test]
fn a_click_selects_a_row_and_two_open_it() {
    let mut mouse = flows();
    mouse.click("198.51.100.7 ");
    assert!(
        mouse.selected().contains("198.51.100.7 "),
        "{}",
        mouse.screen()
    );
    assert_eq!(mouse.scene.query.detail, None);
    mouse.click("198.51.100.7 ");
    assert!(mouse.scene.query.detail.is_some(), "{}", mouse.screen());
    // A third one, and another row: the details follow, and stay.
    mouse.click("203.0.113.7 ");
    mouse.click("203.0.113.7 ");
    assert!(mouse.scene.query.detail.is_some());
    assert!(mouse.selected().contains("203.0.113.7 "));
}

#[test]
fn two_slow_clicks_and_clicks_on_two_rows_are_not_double_ones() {
    let mut mouse = flows();
    mouse.click("198.51.100.7 ");
    mouse.click("198.51.100.80 ");
    assert!(mouse.selected().contains("198.51.100.80 "));
    mouse.scene.now = mouse.scene.now.after(Duration::from_millis(900));
    mouse.click("198.51.100.80 ");
    assert_eq!(mouse.scene.query.detail, None);
}

#[test]
fn titles_sort_and_turn() {
    let mut mouse = flows();
    let key = |mouse: &Mouse| {
        (
            mouse.scene.query.sort.key,
            mouse.scene.query.sort.descending,
        )
    };
    mouse.click("AGE");
    assert_eq!(key(&mouse), (SortKey::Column(ColumnId::Age), true));
    mouse.click("AGE");
    assert_eq!(key(&mouse), (SortKey::Column(ColumnId::Age), false));
    // Also beside the title, above its numbers.
    let (x, y) = mouse.find("↓ RATE", 0);
    mouse.does(LEFT, (x - 2, y));
    assert_eq!(key(&mouse), (SortKey::Column(ColumnId::ReplyRate), true));
    mouse.scene.now = mouse.scene.now.after(Duration::from_secs(10));
    mouse.scene.answer();
    mouse.click("by ↓ RATE");
    assert_eq!(key(&mouse).0, SortKey::Usual);
    mouse.click("DESTINATION");
    assert_eq!(key(&mouse), (SortKey::Column(ColumnId::Destination), false));

    mouse.click("5 Places");
    mouse.click("HOSTS");
    assert!(matches!(key(&mouse), (SortKey::Group(_), true)));
    mouse.click("HOSTS");
    assert!(matches!(key(&mouse), (SortKey::Group(_), false)));
}

#[test]
fn a_right_click_on_a_title_says_what_the_column_shows() {
    let mut mouse = flows();
    let place = mouse.find("STATE", 0);
    mouse.does(RIGHT, place);
    let screen = mouse.screen();
    assert!(screen.contains("What you asked about"), "{screen}");
    assert!(screen.contains("State of TCP, SCTP and DCCP"), "{screen}");
    // Beside it, a click closes it.
    mouse.does(LEFT, (0, 12));
    assert!(
        !mouse.screen().contains("State of TCP"),
        "{}",
        mouse.screen()
    );
}

#[test]
fn tabs_and_the_way_back_can_be_clicked() {
    let mut mouse = Mouse::at(Scene::new((120, 24), |_| ()).with(&world()), (120, 24));
    mouse.click("Places");
    assert_eq!(mouse.scene.query.list, List::By(Grouping::Country));
    mouse.click("United States");
    mouse.click("United States");
    assert!(matches!(mouse.scene.query.list, List::By(Grouping::Asn)));
    mouse.click("AS64500");
    mouse.click("AS64500");
    assert_eq!(mouse.scene.query.list, List::Flows);
    assert!(
        mouse
            .screen()
            .contains("5 Places › United States › AS64500")
    );
    let (x, y) = mouse.find("› United States", 0);
    mouse.does(LEFT, (x + 2, y));
    assert!(
        matches!(mouse.scene.query.list, List::By(Grouping::Asn)),
        "{}",
        mouse.screen()
    );
    mouse.click("5 Places");
    assert_eq!(mouse.scene.query.list, List::By(Grouping::Country));
    mouse.click("1 Flows");
    assert_eq!(
        (mouse.scene.query.list, mouse.scene.query.within.clone()),
        (List::Flows, Vec::new())
    );
}

#[test]
fn an_order_that_is_kept_ends_with_its_list() {
    let mut mouse = Mouse::at(Scene::new((120, 24), |_| ()).with(&world()), (120, 24));
    mouse.click("Services");
    mouse.click("https");
    mouse.click("https");
    let keep = KeyCode::Char('o');
    mouse.scene.press_with(keep, KeyModifiers::CONTROL);
    mouse.scene.answer();
    assert_ne!(mouse.scene.query.freeze, Freeze::No);
    mouse.scene.keys("g");
    mouse.scene.keys("s");
    assert_eq!(mouse.scene.query.freeze, Freeze::No);
    mouse.scene.press_with(keep, KeyModifiers::CONTROL);
    mouse.scene.answer();
    mouse.scene.now = mouse.scene.now.after(Duration::from_secs(10));
    mouse.scene.answer();
    mouse.click("› https");
    assert_eq!(mouse.scene.query.list, List::Flows);
    assert_eq!(mouse.scene.query.freeze, Freeze::No);
}

#[test]
fn words_of_the_key_line_are_buttons() {
    let mut mouse = flows();
    mouse.click("bits");
    assert!(mouse.screen().contains("Mbit/s"));
    mouse.click("s source");
    assert!(mouse.screen().contains("SOURCE"));
    let before = mouse.scene.query.scope;
    // One of several keys before a word.
    let (x, y) = mouse.find("T U D I S O", 0);
    mouse.does(LEFT, (x + 2, y));
    let udp = flowtop::flow::Group::Udp;
    assert_eq!(
        mouse.scene.query.scope,
        before.with_group(udp, !before.has_group(udp))
    );
    mouse.click("? help");
    assert!(mouse.screen().contains("Help"));
}

#[test]
fn the_wheel_moves_the_window_and_keeps_the_selection_while_it_can() {
    let mut mouse = Mouse::at(Scene::new((80, 24), |_| ()).with(&crowd(100)), (80, 24));
    mouse.wheel(2, (10, 10));
    assert_eq!(mouse.scene.query.first, 6);
    assert_eq!(mouse.scene.query.cursor, Cursor::None);
    mouse.does(LEFT, (10, 12));
    let chosen = mouse.selected();
    mouse.wheel(2, (10, 10));
    assert_eq!(mouse.selected(), chosen, "the same flow, higher up");
    assert_eq!(mouse.scene.query.first, 12);
    // When it leaves the window, the one at the edge is selected.
    mouse.wheel(3, (10, 10));
    assert_eq!(mouse.scene.query.first, 21);
    let at_edge = match mouse.scene.query.cursor {
        Cursor::Flow { index, .. } => index,
        other => panic!("{other:?}"),
    };
    assert_eq!(at_edge, 21);
    mouse.wheel(-100, (10, 10));
    assert_eq!(mouse.scene.query.first, 0);
    mouse.wheel(100, (10, 10));
    assert_eq!(mouse.scene.query.first + mouse.scene.query.height, 100);
}

#[test]
fn the_wheel_moves_what_is_under_it() {
    let mut mouse = Mouse::at(desk::scene(80, 24, |_| ()), (80, 24));
    mouse.does(LEFT, (10, 6));
    mouse.does(LEFT, (10, 6));
    let before = mouse.screen();
    let border = mouse.find("Esc closes", 0).1;
    mouse.wheel(1, (10, border + 3));
    assert_ne!(mouse.screen(), before, "the details");
    assert_eq!(mouse.scene.query.first, 0);
    mouse.scene.keys("?");
    let top = mouse.screen();
    mouse.wheel(2, (0, 0));
    assert_ne!(mouse.screen(), top, "the popup, wherever the mouse is");
    mouse.wheel(-2, (0, 0));
    assert_eq!(mouse.screen(), top);
}

#[test]
fn lists_that_float_are_clicked() {
    let mut mouse = flows();
    mouse.scene.keys("C");
    mouse.click("[x] AGE");
    assert!(mouse.screen().contains("[x] AGE"), "selected first");
    mouse.click("[x] AGE");
    assert!(mouse.screen().contains("[ ] AGE"), "{}", mouse.screen());
    mouse.does(LEFT, (1, 12));
    assert!(!mouse.screen().contains("[ ] AGE"));

    mouse.scene.keys(",");
    mouse.click("rates");
    assert!(mouse.screen().contains("Mbit/s"), "{}", mouse.screen());
    let place = mouse.find("refreshed every", 0);
    mouse.does(LEFT, place);
    assert!(mouse.screen().contains("‹ 2s ›"), "{}", mouse.screen());
    let place = mouse.find("refreshed every", 0);
    mouse.does(RIGHT, place);
    assert!(mouse.screen().contains("‹ 1s ›"), "{}", mouse.screen());

    mouse.scene.press(KeyCode::Esc);
    mouse.scene.keys("?");
    mouse.click(" Filter ");
    assert!(mouse.screen().contains("How a filter is written"));
}

#[test]
fn the_mouse_is_no_use_while_a_filter_is_typed_except_the_wheel() {
    let mut mouse = Mouse::at(Scene::new((80, 24), |_| ()).with(&crowd(100)), (80, 24));
    mouse.scene.keys("/");
    mouse.does(LEFT, (10, 10));
    assert_eq!(mouse.scene.query.cursor, Cursor::None);
    mouse.wheel(1, (10, 10));
    assert_eq!(mouse.scene.query.first, 3);
}

#[test]
fn every_cell_can_be_clicked() {
    for keys in ["", "?", "V", ",", "C", "2", "7", "8", "9", "/", "s"] {
        for size in [(60, 16), (30, 5)] {
            let mut mouse = Mouse::at(desk::scene(size.0, size.1, |_| ()), size);
            for y in 0..size.1 {
                for x in (0..size.0).step_by(7) {
                    mouse.scene.keys(keys);
                    for kind in [LEFT, RIGHT, MouseEventKind::ScrollDown] {
                        mouse.does(kind, (x, y));
                    }
                    for _ in 0..3 {
                        mouse.scene.press(KeyCode::Esc);
                    }
                    if mouse.scene.last.ending.is_some() {
                        mouse.scene.last.ending = None;
                    }
                }
            }
            mouse.screen();
        }
    }
}
