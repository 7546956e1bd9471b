//! What each key does.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyModifiers};
use flowtop::flow::{Family, Group, Scope};
use flowtop::tui::keymap::{Keymap, Preset};
use flowtop::tui::keys::{Action, Chord, KEYS};
use flowtop::tui::{Effects, Ending, Message, Settings};
use flowtop::view::Source;
use flowtop::view::column::Hosts;

use super::scene::{Scene, evening, world};
use super::snapshot::text;

fn scene() -> Scene {
    Scene::new((120, 24), |s| s.scope = Scope::default()).with(&evening())
}

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 24))
}

#[test]
fn every_key_is_known_and_harmless() {
    for key in KEYS {
        for chord in key.chords {
            let mut scene = scene();
            let modifiers = if chord.ctrl {
                KeyModifiers::CONTROL
            } else {
                KeyModifiers::NONE
            };
            scene.press_with(chord.code, modifiers);
            scene.answer();
            scene.press_with(chord.code, modifiers);
            screen(&scene);
        }
    }
}

#[test]
fn the_help_tells_of_every_key() {
    let mut scene = Scene::new((120, 80), |_| ()).with(&evening());
    scene.keys("?");
    let help = text(&scene.buffer(120, 80));
    for key in KEYS {
        assert!(help.contains(key.label), "{}\n{help}", key.label);
        assert!(help.contains(key.help.unwrap_or_default()), "{help}");
    }
}

#[test]
fn protocols_are_toggled_one_by_one() {
    let keys = [
        ('T', Group::Tcp),
        ('U', Group::Udp),
        ('D', Group::Dccp),
        ('I', Group::Icmp),
        ('S', Group::Sctp),
        ('O', Group::Other),
    ];
    for (key, group) in keys {
        let mut scene = scene();
        let before = scene.query.scope;
        scene.press(KeyCode::Char(key));
        let on = !before.has_group(group);
        assert_eq!(scene.query.scope, before.with_group(group, on));
        scene.press(KeyCode::Char(key));
        assert_eq!(scene.query.scope, before);
    }
}

#[test]
fn all_protocols_and_back() {
    let mut scene = scene();
    scene.keys("U");
    let before = scene.query.scope;
    scene.keys("A");
    assert_eq!(scene.query.scope, before.with_all_groups(true));
    assert!(screen(&scene).contains("all protocols"));
    scene.keys("A");
    assert_eq!(scene.query.scope, before);
}

#[test]
fn all_protocols_from_the_start_say_how_to_change_them() {
    let mut scene = Scene::new((120, 24), |s| s.scope = Scope::EVERYTHING).with(&evening());
    scene.keys("A");
    assert!(screen(&scene).contains("switch them one by one"));
    assert_eq!(scene.query.scope, Scope::EVERYTHING);
}

#[test]
fn a_family_is_always_left() {
    let mut scene = scene();
    scene.keys("4");
    assert!(!scene.query.scope.has_family(Family::Ipv4));
    scene.keys("6");
    assert!(scene.query.scope.has_family(Family::Ipv6));
    assert!(screen(&scene).contains("IPv6 stays"));
    scene.now = scene.now.after(Duration::from_secs(5));
    scene.state.tick(scene.now);
    assert!(!screen(&scene).contains("IPv6 stays"), "it fades");
    scene.keys("4");
    assert!(scene.query.scope.has_family(Family::Ipv4));
}

#[test]
fn what_is_switched_on_is_a_chip() {
    let mut scene = scene();
    for (key, chip) in [("L", "+loopback"), ("a", "active"), ("b", "bits")] {
        let title = |scene: &Scene| screen(scene).lines().next().map(str::to_owned);
        assert!(!title(&scene).is_some_and(|line| line.contains(chip)));
        scene.keys(key);
        assert!(title(&scene).is_some_and(|line| line.contains(chip)));
    }
    assert!(scene.query.scope.has_loopback());
    assert!(scene.query.active_only);
    assert!(screen(&scene).contains("Mbit/s"));
}

#[test]
fn the_source_comes_and_goes() {
    let mut scene = scene();
    assert!(!screen(&scene).contains("SOURCE"));
    scene.keys("s");
    assert!(screen(&scene).contains("SOURCE"));
    assert!(screen(&scene).contains("192.168.1.23:54321"));
}

/// The original scrolls past the end of its row buffer.
#[test]
fn scrolling_sideways_is_bounded() {
    let mut scene = Scene::new((60, 24), |_| ()).with(&evening());
    let start = text(&scene.buffer(60, 24));
    for _ in 0..1000 {
        scene.press(KeyCode::Right);
    }
    let end = text(&scene.buffer(60, 24));
    assert!(end.contains("↑ RATE"), "{end}");
    assert!(end.contains("DESTINATION"), "{end}");
    let mut steps = 0;
    while text(&scene.buffer(60, 24)) != start {
        scene.press(KeyCode::Char('h'));
        steps += 1;
        assert!(steps < 12);
    }
}

/// The original's help is taller than 24 lines, and cannot be scrolled.
#[test]
fn the_help_scrolls_and_closes() {
    let mut scene = Scene::new((80, 24), |_| ()).with(&evening());
    let table = text(&scene.buffer(80, 24));
    for close in [
        KeyCode::Esc,
        KeyCode::Char('q'),
        KeyCode::Char('?'),
        KeyCode::F(1),
    ] {
        scene.press(KeyCode::F(1));
        let top = text(&scene.buffer(80, 24));
        assert!(top.contains("Help"), "{top}");
        for _ in 0..1000 {
            scene.press(KeyCode::Down);
        }
        let end = text(&scene.buffer(80, 24));
        assert_ne!(top, end);
        scene.press(KeyCode::Up);
        assert_ne!(text(&scene.buffer(80, 24)), end, "no way back to make up");
        scene.keys("T");
        assert_eq!(scene.last.ask, None, "what is hidden is not changed");
        scene.press(close);
        assert_eq!(scene.last.ending, None);
        assert_eq!(text(&scene.buffer(80, 24)), table);
    }
}

#[test]
fn quitting() {
    let ends = |press: &dyn Fn(&mut Scene)| {
        let mut scene = scene();
        press(&mut scene);
        scene.last.ending
    };
    assert_eq!(ends(&|s| s.press(KeyCode::Char('q'))), Some(Ending::Quit));
    let ctrl_c = |s: &mut Scene| s.press_with(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(ends(&ctrl_c), Some(Ending::Quit));
    let from_help = |s: &mut Scene| {
        s.keys("?");
        s.press_with(KeyCode::Char('c'), KeyModifiers::CONTROL);
    };
    assert_eq!(ends(&from_help), Some(Ending::Quit));
    assert_eq!(ends(&|s| s.send(Message::Stop)), Some(Ending::Quit));
    let why = || "the module is gone".to_owned();
    let failed = ends(&|s| s.send(Message::Failed(why())));
    assert_eq!(failed, Some(Ending::Failed(why())));
}

#[test]
fn redrawing_clears() {
    let mut scene = scene();
    scene.press_with(KeyCode::Char('l'), KeyModifiers::CONTROL);
    assert!(scene.last.clear);
    assert_eq!(scene.last.ask, None);
}

#[test]
fn the_clock_and_ages_go_on_between_views() {
    let mut scene = scene();
    assert!(screen(&scene).contains("14:32:07"));
    scene.now = scene.now.after(Duration::from_secs(58));
    scene.state.tick(scene.now);
    let later = screen(&scene);
    assert!(later.contains("14:33:05"), "{later}");
    assert!(
        later.contains("6m00s") && later.contains("1m00s"),
        "{later}"
    );
}

#[test]
fn hosts_and_ports_by_name_and_number() {
    let mut scene = Scene::new((160, 24), |s| s.show_source = true).with(&world());
    scene.name_hosts();
    let has = |scene: &Scene, expected: &str| text(&scene.buffer(160, 24)).contains(expected);
    assert!(has(&scene, "laptop.lan:54321") && has(&scene, "edge-7.video.example"));
    assert!(!has(&scene, "216.160.83.56") && has(&scene, "216.160.83.57"));
    scene.keys("n");
    assert!(has(&scene, "Hosts by address."));
    assert!(has(&scene, "192.168.1.23:54321") && has(&scene, "216.160.83.56"));
    assert!(!has(&scene, "laptop"));
    scene.keys("n");
    assert!(has(&scene, "Hosts by name, and their address."));
    assert!(has(&scene, "laptop.lan:54321 (192.168.1.23)"));
    scene.keys("n");
    assert!(has(&scene, "laptop.lan:54321") && !has(&scene, "(192.168.1.23)"));

    assert!(has(&scene, "https"));
    scene.keys("p");
    assert!(has(&scene, "Ports by number."));
    assert!(!has(&scene, "https") && has(&scene, "443"));
    scene.keys("p");
    assert!(has(&scene, "https"));
}

#[test]
fn without_lookups_names_say_why_there_are_none() {
    let mut scene = Scene::new((120, 24), |s| s.hosts = Hosts::Address).with(&world());
    scene.keys("n");
    assert!(screen(&scene).contains("with -n no names are looked up"));
    scene.keys("V");
    assert!(screen(&scene).contains("Names are not looked up: -n."));
}

#[test]
fn tracking_is_asked_for_where_the_list_says_that_it_is_off() {
    let mut scene = Scene::new((120, 24), |_| ());
    for (wanted, notice) in [
        (None, "Whether tracking is on is not known"),
        (Some(true), "Tracking is on already."),
    ] {
        scene.status.tracking_wanted = wanted;
        scene.answer();
        scene.press(KeyCode::Char('E'));
        assert!(!scene.last.track, "{wanted:?}");
        assert!(screen(&scene).contains(notice), "{wanted:?}");
    }
    scene.status.tracking_wanted = Some(false);
    scene.answer();
    assert!(screen(&scene).contains("E  track connections"));
    // Under a popup nothing is changed.
    scene.press(KeyCode::Char('?'));
    scene.press(KeyCode::Char('E'));
    assert!(!scene.last.track);
    scene.press(KeyCode::Esc);
    scene.press(KeyCode::Char('E'));
    assert!(scene.last.track);

    let why = "adding a table: the kernel wants the capability CAP_NET_ADMIN".to_owned();
    scene.send(Message::Tracked(Err(why.clone())));
    assert!(!scene.last.track);
    let failed = screen(&scene);
    assert!(failed.contains(&why), "{failed}");
    assert!(failed.contains("Tracking stays off"), "{failed}");
    scene.send(Message::Tracked(Ok("Tracking is on.".to_owned())));
    let on = screen(&scene);
    assert!(!on.contains(&why), "{on}");
    assert!(on.contains("Tracking is on."), "{on}");

    // Who may not ask whether it is on is told why it stays off.
    scene.status.source = Source::Sockets;
    scene.status.tracking_wanted = None;
    scene.answer();
    assert!(screen(&scene).contains("as soon as a program of this machine"));
    scene.press(KeyCode::Char('E'));
    assert!(scene.last.track);

    // With flows the kernel was not asked, and need not be.
    let mut scene = self::scene();
    scene.press(KeyCode::Char('E'));
    assert!(!scene.last.track);
    assert!(screen(&scene).contains("Tracking is on already."));
}

#[test]
fn effects_add_up() {
    let mut effects = Effects::default();
    let track = Effects {
        track: true,
        ..Effects::default()
    };
    effects.add(track);
    effects.add(Effects::default());
    assert!(effects.track);
}

#[test]
fn a_filter_is_in_force_while_it_is_typed() {
    let mut scene = Scene::new((120, 24), |_| ()).with(&evening());
    let all = scene.view().matching;
    scene.keys("/udp");
    scene.answer();
    let udp = scene.view().matching;
    assert!(0 < udp && udp < all, "{udp} of {all}");
    assert!(screen(&scene).contains("/udp"), "{}", screen(&scene));
    // What is no filter yet leaves the last one that was.
    scene.keys(" port:");
    scene.answer();
    let shown = screen(&scene);
    let filter = scene.query.filter.as_ref().map(ToString::to_string);
    assert_eq!(filter.as_deref(), Some("proto:udp por"));
    assert!(
        shown.contains("needs a value after it, as in port:443"),
        "{shown}"
    );
    let lines: Vec<&str> = shown.lines().collect();
    let place = lines[lines.len() - 2].chars().position(|c| c == '▾');
    let typed = lines[lines.len() - 1];
    assert_eq!(place, typed.find("port:"), "{shown}");
    // Keys that mean something elsewhere are text here, and Esc goes back.
    scene.press(KeyCode::Esc);
    scene.answer();
    assert_eq!(scene.query.filter, None);
    assert_eq!(scene.view().matching, all);
}

#[test]
fn a_filter_that_is_kept_stands_in_the_totals_until_it_is_cleared() {
    let mut scene = Scene::new((160, 24), |_| ()).with(&evening());
    let all = scene.view().matching;
    scene.keys("/udp");
    scene.press(KeyCode::Enter);
    scene.answer();
    let shown = text(&scene.buffer(160, 24));
    let totals = shown.lines().nth(1).unwrap();
    let matching = scene.view().matching;
    assert!(totals.contains("/proto:udp"), "{totals}");
    assert!(
        totals.contains(&format!("{matching} of {all} flows")),
        "{totals}"
    );
    assert!(totals.contains("of ↓ "), "{totals}");
    scene.keys("/");
    scene.press_with(KeyCode::Char('u'), KeyModifiers::CONTROL);
    scene.keys("port:1");
    scene.press(KeyCode::Enter);
    scene.answer();
    let shown = text(&scene.buffer(160, 24));
    assert!(shown.contains("not what the filter asks for"), "{shown}");
    scene.keys("0");
    scene.answer();
    assert_eq!(scene.view().matching, all);
}

#[test]
fn keys_that_users_change_are_those_that_the_screen_names() {
    let chord = |text: &str| text.parse::<Chord>().unwrap();
    let tcp = Action::ToggleGroup(Group::Tcp);
    let changes = [
        (chord("T"), None),
        (chord("t"), Some(tcp)),
        (chord("ctrl+t"), Some(tcp)),
        (chord("q"), Some(Action::AllGroups)),
        (chord("esc"), None),
    ];
    let change = |s: &mut Settings| {
        s.keys = Keymap::new(Preset::Default, &changes);
        s.scope = Scope::default();
    };
    let mut scene = Scene::new((160, 60), change).with(&evening());
    let line = text(&scene.buffer(160, 60));
    let line = line.lines().last().unwrap();
    assert!(line.contains("t U D I S O protocols"), "{line}");
    assert!(!line.contains("quit"), "{line}");
    let before = scene.query.scope;
    scene.keys("T");
    assert_eq!(scene.query.scope, before);
    scene.keys("t");
    assert_ne!(scene.query.scope, before);
    scene.keys("q");
    assert_eq!(scene.last.ending, None);
    assert!(screen(&scene).contains("all protocols"));
    scene.keys("?");
    let help = text(&scene.buffer(160, 60));
    for expected in [
        "t Ctrl+T     TCP on or off",
        "Ctrl+C       quit ",
        "A q          all protocols",
        "no key       close what is open",
        " no key closes ",
    ] {
        assert!(help.contains(expected), "{expected}\n{help}");
    }
    assert!(!help.contains("Ctrl+C as well"), "{help}");
}

#[test]
fn empty_screens_name_the_keys_of_users() {
    let changes = [
        ("x".parse().unwrap(), Some(Action::AllGroups)),
        ("A".parse().unwrap(), None),
    ];
    let change = |s: &mut Settings| {
        s.keys = Keymap::new(Preset::Default, &changes);
        s.scope = Scope::default().with_group(Group::Tcp, false);
    };
    let scene = Scene::new((120, 24), change).with(&evening());
    let empty = screen(&scene);
    assert!(empty.contains("x  all protocols"), "{empty}");
}
