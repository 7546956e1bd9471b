//! The help and the options, and what is pasted.

use crossterm::event::{Event, KeyCode, KeyModifiers};
use flowtop::tui::keys::KEYS;
use flowtop::tui::{Ending, Message};
use flowtop::view::column::COLUMNS;

use super::desk;
use super::scene::{Scene, evening};
use super::snapshot::{check, text};

fn screen(scene: &Scene, size: (u16, u16)) -> String {
    text(&scene.buffer(size.0, size.1))
}

fn scene(size: (u16, u16)) -> Scene {
    Scene::new(size, |_| ()).with(&evening())
}

/// A popup as a whole, its lines one after the other.
fn all_of(scene: &mut Scene, size: (u16, u16)) -> String {
    let mut whole = String::new();
    for _ in 0..40 {
        whole.push_str(&screen(scene, size));
        scene.press(KeyCode::PageDown);
    }
    whole
}

#[test]
fn pages_at_every_width() {
    for width in [60, 80, 120] {
        let mut scene = scene((width, 24));
        scene.keys("?");
        for page in ["columns", "filter"] {
            scene.press(KeyCode::Tab);
            check(
                &format!("help_{page}_{width}"),
                &screen(&scene, (width, 24)),
            );
        }
    }
}

#[test]
fn the_pages_tell_of_every_column_and_every_key_of_filters() {
    let mut scene = scene((120, 50));
    scene.keys("?");
    scene.press(KeyCode::Tab);
    let columns = all_of(&mut scene, (120, 50));
    for column in COLUMNS {
        assert!(columns.contains(column.title), "{}", column.title);
    }
    for group in ["UNREPL", "PEERS", "NEW/s", "MAC", "NFS", "MOUNT"] {
        assert!(columns.contains(group), "{group}");
    }
    scene.press(KeyCode::Tab);
    let filter = all_of(&mut scene, (120, 50));
    for (key, _) in flowtop::view::filter::keys() {
        assert!(filter.contains(key), "{key}");
    }
    scene.press(KeyCode::Tab);
    assert!(screen(&scene, (120, 50)).contains("select the row above"));
}

#[test]
fn the_column_that_is_sorted_by_comes_first() {
    let mut scene = scene((80, 24));
    scene.keys("<<");
    scene.answer();
    scene.keys("?");
    assert!(screen(&scene, (80, 24)).contains("Move"), "keys come first");
    scene.press(KeyCode::Tab);
    let shown = screen(&scene, (80, 24));
    let second = shown.lines().nth(2).unwrap_or_default();
    assert!(shown.contains("What rows are ordered by"), "{shown}");
    assert!(second.contains("↓ RATE"), "{shown}");
}

#[test]
fn the_help_is_searched() {
    let size = (80, 24);
    let mut scene = scene(size);
    scene.keys("?/round-trip");
    let found = screen(&scene, size);
    assert!(found.contains("/round-trip▏"), "{found}");
    assert!(found.contains("RTT"), "a column: {found}");
    assert!(found.contains("rtt_us"), "a key of filters: {found}");
    assert!(!found.contains("select the row"), "{found}");
    // Letters are no keys while they are typed.
    scene.keys("q");
    assert!(screen(&scene, size).contains("Nothing in the help says that"));
    scene.press(KeyCode::Backspace);
    scene.press(KeyCode::Enter);
    assert!(screen(&scene, size).contains("rtt_us"));
    scene.press(KeyCode::Esc);
    assert!(
        screen(&scene, size).contains("select the row above"),
        "all again"
    );
    scene.press(KeyCode::Esc);
    assert!(!screen(&scene, size).contains("Help"));
    assert_eq!(scene.last.ending, None);
}

#[test]
fn the_choice_of_columns_explains_them() {
    let size = (100, 30);
    let mut scene = scene(size);
    scene.keys("Cj?");
    let shown = screen(&scene, size);
    assert!(shown.contains("What you asked about"), "{shown}");
    assert!(shown.contains("State of TCP, SCTP and DCCP"), "{shown}");
    scene.press(KeyCode::Esc);
    assert!(
        screen(&scene, size).contains("[x] STATE"),
        "the choice is still open"
    );
}

#[test]
fn options_at_every_width() {
    for (width, height) in [(60, 24), (80, 40), (120, 40)] {
        let mut scene = scene((width, height));
        scene.keys(",");
        check(
            &format!("options_{width}"),
            &screen(&scene, (width, height)),
        );
    }
}

#[test]
fn options_change_at_once_and_both_ways() {
    let size = (100, 40);
    let mut scene = scene(size);
    scene.keys(",");
    scene.press(KeyCode::Right);
    assert!(!scene.query.scope.has_family(flowtop::flow::Family::Ipv4));
    scene.press(KeyCode::Left);
    assert!(scene.query.scope.has_family(flowtop::flow::Family::Ipv4));
    // Keys of options go to them.
    scene.keys("b");
    assert!(screen(&scene, size).contains("‹ bits ›"));
    scene.keys("n");
    assert!(screen(&scene, size).contains("‹ by address ›"));
    scene.press(KeyCode::Left);
    assert!(screen(&scene, size).contains("‹ by name ›"));
    scene.keys("o");
    assert!(screen(&scene, size).contains("‹ in ›") || screen(&scene, size).contains("‹ out ›"));
    scene.press(KeyCode::Left);
    assert!(screen(&scene, size).contains("‹ every ›"));
    scene.press(KeyCode::End);
    scene.press(KeyCode::Up);
    assert!(scene.state.has_mouse());
    scene.press(KeyCode::Enter);
    assert!(!scene.state.has_mouse());
    // Other keys are not those of what cannot be seen.
    scene.keys("G/");
    assert!(screen(&scene, size).contains("Options"));
    scene.keys("q");
    assert!(!screen(&scene, size).contains("Options"));
    assert_eq!(scene.last.ending, None);
}

#[test]
fn the_interval_goes_in_steps_or_is_typed() {
    let size = (100, 40);
    let mut scene = scene(size);
    let every = |scene: &mut Scene, keys: &str| {
        for key in keys.chars() {
            scene.press(KeyCode::Char(key));
        }
        scene.last.interval.map(|interval| interval.as_millis())
    };
    assert_eq!(every(&mut scene, "+"), Some(2_000));
    assert!(
        screen(&scene, size)
            .lines()
            .next()
            .is_some_and(|line| line.contains(" 2s "))
    );
    assert_eq!(every(&mut scene, "-"), Some(1_000));
    assert_eq!(every(&mut scene, "----"), None, "there is an end");
    assert!(screen(&scene, size).contains("0.1s"));
    for _ in 0..20 {
        scene.keys("+");
    }
    assert!(screen(&scene, size).contains("An hour is the longest"));
    scene.keys(",+");
    scene.press(KeyCode::Esc);
    scene.keys(",0.75");
    assert!(
        screen(&scene, size).contains("0.75▏"),
        "{}",
        screen(&scene, size)
    );
    scene.press(KeyCode::Enter);
    assert_eq!(scene.last.interval.map(|i| i.as_millis()), Some(750));
    assert!(screen(&scene, size).contains("‹ 0.75s ›"));
    scene.keys("9999");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.last.interval, None);
    assert!(screen(&scene, size).contains("0.1 to 3600"));
    scene.keys("5");
    scene.press(KeyCode::Esc);
    assert!(
        screen(&scene, size).contains("‹ 0.75s ›"),
        "taken back, and still open"
    );
}

#[test]
fn options_are_saved_on_demand() {
    let size = (100, 40);
    let mut scene = scene(size);
    scene.keys("b,");
    scene.press_with(KeyCode::Char('s'), KeyModifiers::CONTROL);
    let saved = scene.last.keep.clone().expect("it is asked for");
    assert!(saved.contains(&("bits", "true".to_owned())), "{saved:?}");
    assert!(
        saved.contains(&("protocols", "[\"all\"]".to_owned())),
        "{saved:?}"
    );
    assert!(saved.contains(&("interval", "1".to_owned())), "{saved:?}");
    scene.send(Message::Kept(Ok(
        "Saved in /home/a/flowtop.toml.".to_owned()
    )));
    assert!(screen(&scene, size).contains("Saved in /home/a"));
    scene.press(KeyCode::End);
    scene.press(KeyCode::Enter);
    assert!(scene.last.keep.is_some());
}

#[test]
fn what_is_pasted_is_text_or_nothing() {
    let size = (100, 24);
    let mut scene = scene(size);
    let paste = |scene: &mut Scene, text: &str| {
        scene.send(Message::Input(Event::Paste(text.to_owned())));
    };
    paste(&mut scene, "q\u{3}?Tb");
    assert_eq!(scene.last.ending, None);
    assert!(!screen(&scene, size).contains("Help"));
    assert_eq!(scene.last.ask, None);
    scene.keys("/");
    paste(&mut scene, "port:\u{1b}443\nand tcp\u{7}");
    assert!(
        screen(&scene, size).contains("/port:443 and tcp"),
        "{}",
        screen(&scene, size)
    );
    let filter = scene.query.filter.as_ref().expect("it is one");
    assert_eq!(filter.to_string(), "port:443 proto:tcp");
    scene.press(KeyCode::Esc);
    scene.keys("?/");
    paste(&mut scene, "source\n");
    assert!(screen(&scene, size).contains("/source▏"));
}

#[test]
fn the_program_stands_still_refreshes_and_shows_its_last_screen() {
    let mut scene = desk::scene(100, 24, |_| ());
    scene.press_with(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert!(scene.last.suspend);
    scene.press_with(KeyCode::Char('r'), KeyModifiers::CONTROL);
    assert!(scene.last.refresh && !scene.last.suspend);
    scene.keys("?");
    scene.press(KeyCode::Char('Q'));
    assert_eq!(scene.last.ending, Some(Ending::QuitShowing));
    let help = KEYS.iter().filter_map(|key| key.help);
    assert!(
        help.into_iter()
            .any(|text| text.contains("leave this screen behind"))
    );
}
