//! Screens.

use crossterm::event::KeyCode;
use flowtop::flow::Scope;
use flowtop::view::units::RateUnit;

use flowtop::tui::theme::{Depth, Themes};
use ratatui::style::Color;

use super::scene::{Scene, crowd, evening, themes, world};
use super::snapshot::{check, styled, text};
use super::{desk, picture};

#[test]
fn flows_at_every_width() {
    for width in [60, 80, 100, 120, 160, 200] {
        let scene = Scene::new((width, 20), |_| ()).with(&evening());
        check(&format!("flows_{width}"), &text(&scene.buffer(width, 20)));
    }
}

#[test]
fn both_ends_at_every_width() {
    for width in [60, 80, 100, 120, 160, 200] {
        let scene = Scene::new((width, 20), |s| s.show_source = true).with(&evening());
        let name = format!("both_ends_{width}");
        check(&name, &text(&scene.buffer(width, 20)));
    }
}

#[test]
fn colours_and_attributes() {
    for (name, color) in [("color", true), ("mono", false)] {
        for width in [60, 100, 160] {
            let mut scene = Scene::new((width, 20), |s| s.themes = themes(color)).with(&evening());
            scene.status.lost = 12;
            scene.status.table_used = Some(230_000);
            scene.answer();
            scene.press(KeyCode::Down);
            scene.press(KeyCode::Down);
            let screen = styled(&scene.buffer(width, 20));
            check(&format!("{name}_{width}"), &screen);
        }
    }
}

#[test]
fn without_colour_no_colour_is_used() {
    let mut scene = Scene::new((120, 20), |_| ()).with(&evening());
    for key in ["", "?"] {
        scene.keys(key);
        let buf = scene.buffer(120, 20);
        for cell in buf.content() {
            assert_eq!(cell.fg, ratatui::style::Color::Reset);
            assert_eq!(cell.bg, ratatui::style::Color::Reset);
        }
    }
}

#[test]
fn bits_and_narrow_scopes() {
    let scene = Scene::new((80, 20), |s| {
        s.unit = RateUnit::Bits;
        s.scope = Scope::default();
        s.namespace = Some("blue".to_owned());
    })
    .with(&evening());
    check("bits_80", &text(&scene.buffer(80, 20)));
}

#[test]
fn columns_without_room_are_reached_sideways() {
    let mut scene = Scene::new((80, 20), |_| ()).with(&evening());
    scene.press(KeyCode::Right);
    scene.press(KeyCode::Char('l'));
    check("scrolled_80", &text(&scene.buffer(80, 20)));
}

#[test]
fn help_at_every_width() {
    for width in [60, 80, 120] {
        let mut scene = Scene::new((width, 24), |_| ()).with(&evening());
        scene.keys("?");
        let top = text(&scene.buffer(width, 24));
        check(&format!("help_{width}"), &top);
        scene.press(KeyCode::End);
        let end = text(&scene.buffer(width, 24));
        check(&format!("help_end_{width}"), &end);
        assert!(end.contains("wheel"), "{end}");
    }
}

#[test]
fn what_is_wrong_stands_on_the_first_lines() {
    for width in [60, 80, 120] {
        let mut scene = Scene::new((width, 12), |_| ()).with(&evening());
        scene.status.lost = 1_234;
        scene.status.updates_shed = true;
        scene.status.stretched = true;
        scene.status.accounting = Some(false);
        scene.status.synced = false;
        scene.status.warnings = vec![
            "/etc/flowtop/tcp.conf:3: not a port".to_owned(),
            "cannot switch on net.netfilter.nf_conntrack_acct (read-only file system): bytes and \
             rates stay unknown"
                .to_owned(),
        ];
        scene.answer();
        let screen = text(&scene.buffer(width, 12));
        check(&format!("troubles_{width}"), &screen);
        assert!(screen.contains("lost 1,234"), "{screen}");
        scene.keys("?");
        let help = text(&scene.buffer(width, 12));
        assert!(help.contains("tcp.conf:3: not a port"), "{help}");
    }
}

#[test]
fn an_empty_table_explains_itself() {
    let mut scene = Scene::new((80, 20), |_| ());
    check("empty_reading", &text(&scene.buffer(80, 20)));
    scene.status.synced = false;
    scene.answer();
    assert!(text(&scene.buffer(80, 20)).contains("Reading the table"));
    scene.status.synced = true;
    scene.answer();
    check("empty_nothing_yet", &text(&scene.buffer(80, 20)));
    scene.status.tracking_wanted = Some(false);
    scene.answer();
    check("empty_untracked", &text(&scene.buffer(80, 20)));
    let narrow = text(&scene.buffer(60, 24));
    for command in [
        "nft add table inet ct_on\n",
        "nft 'add rule inet ct_on in ct state new,established'\n",
    ] {
        assert!(narrow.contains(command), "{narrow}");
    }
}

#[test]
fn filters_that_hide_everything_say_so() {
    let mut scene = Scene::new((80, 20), |s| s.scope = Scope::default()).with(&evening());
    scene.keys("T6");
    check("empty_filtered", &text(&scene.buffer(80, 20)));
    let mut idle = crowd(3);
    idle.iter_mut().for_each(super::scene::Line::rest);
    let mut scene = Scene::new((80, 20), |_| ()).with(&idle);
    scene.keys("a");
    let screen = text(&scene.buffer(80, 20));
    assert!(screen.contains("hide all 3 flows: 3 idle."), "{screen}");
    assert!(screen.contains("a  idle flows"), "{screen}");
}

#[test]
fn a_small_terminal_says_what_it_lacks() {
    let scene = Scene::new((30, 5), |_| ()).with(&evening());
    let screen = text(&scene.buffer(30, 5));
    assert!(screen.contains("at least 40x8"), "{screen}");
    assert!(screen.contains("30x5"), "{screen}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let mut scene = Scene::new((120, 20), |s| {
        s.host = "gw\x1b[31m1".to_owned();
        s.namespace = Some("a\rb".to_owned());
    })
    .with(&evening());
    scene.status.warnings = vec!["bad \x1b]52;c;x\x07 line".to_owned()];
    scene.answer();
    for key in ["", "?"] {
        scene.keys(key);
        let buf = scene.buffer(120, 20);
        let symbols = buf.content().iter().flat_map(|cell| cell.symbol().chars());
        assert_eq!(symbols.filter(|c| c.is_control()).count(), 0);
    }
}

/// The screen of the README.
#[test]
fn readme() {
    let mut scene = Scene::new((120, 19), |s| s.show_source = true).with(&evening_of_ipv4());
    scene.press(KeyCode::Down);
    check("readme_120", &text(&scene.buffer(120, 19)));
}

fn evening_of_ipv4() -> Vec<super::scene::Line> {
    let mut lines = evening();
    lines.retain(|line| !line.is_long());
    lines
}

#[test]
fn the_world_by_country_and_name() {
    for width in [60, 80, 100, 120, 160] {
        let mut scene = Scene::new((width, 16), |_| ()).with(&world());
        scene.name_hosts();
        check(&format!("world_{width}"), &text(&scene.buffer(width, 16)));
        scene.keys("nnsp");
        let both = text(&scene.buffer(width, 16));
        check(&format!("world_both_{width}"), &both);
    }
}

#[test]
fn without_databases_there_are_no_countries() {
    let mut scene = Scene::new((120, 20), |_| ()).with(&world());
    let screen = |scene: &Scene| text(&scene.buffer(120, 20));
    assert!(screen(&scene).contains(" CC ") && screen(&scene).contains("GeoIP 3d"));
    scene.status.places.clear();
    scene.answer();
    assert!(!screen(&scene).contains(" CC ") && !screen(&scene).contains("GeoIP"));
    scene.keys("5");
    assert!(screen(&scene).contains("no database of places is in use"));
}

#[test]
fn what_there_is_to_know_about_the_program() {
    for width in [60, 80, 120, 160] {
        let mut scene = Scene::new((width, 24), |_| ()).with(&world());
        scene.status.resolver = Some("resolver 192.0.2.53 not answering".to_owned());
        let mut old = scene.status.places[0].clone();
        old.name = "built in".to_owned();
        old.gives = "country".to_owned();
        old.age_days = 60;
        old.is_stale = true;
        scene.status.places.insert(0, old);
        scene.status.warnings = vec!["/etc/flowtop/tcp.conf:3: not a port".to_owned()];
        let mut view = scene.view();
        view.own = 1;
        scene.show(view);
        let title = text(&scene.buffer(width, 24));
        check(&format!("resolver_{width}"), &title);
        scene.press(KeyCode::Char('V'));
        check(&format!("about_{width}"), &text(&scene.buffer(width, 24)));
        scene.keys("?V");
        scene.press(KeyCode::Esc);
        let view = scene.view();
        scene.show(view);
        scene.keys("V");
        let about = text(&scene.buffer(width, 24));
        assert!(!about.contains("own name lookups"), "{about}");
    }
}

#[test]
fn a_theme_is_worn_as_soon_as_it_is_selected() {
    let mut scene = Scene::new((80, 20), |s| s.themes = Themes::new(Depth::True)).with(&evening());
    let terminal = scene.buffer(80, 20);
    scene.keys("t");
    let list = text(&scene.buffer(80, 20));
    check("themes_80", &list);
    assert!(list.contains(" Themes "), "{list}");
    for _ in 0..4 {
        scene.press(KeyCode::Down);
    }
    let nord = scene.buffer(80, 20);
    assert_eq!(nord[(0, 0)].bg, Color::Rgb(0x2e, 0x34, 0x40));
    // Behind the list as well, and everywhere.
    assert!(nord.content().iter().all(|cell| cell.bg != Color::Reset));
    scene.press(KeyCode::Esc);
    assert_eq!(scene.buffer(80, 20), terminal);
    scene.keys("t");
    scene.press(KeyCode::End);
    scene.press(KeyCode::Enter);
    let light = scene.buffer(80, 20);
    assert_eq!(light[(0, 0)].bg, Color::Rgb(0xfd, 0xf6, 0xe3));
    assert!(!text(&light).contains(" Themes "));
}

#[test]
fn without_colours_there_are_no_themes_to_choose() {
    let mut scene = Scene::new((80, 20), |_| ()).with(&evening());
    scene.keys("t");
    let shown = text(&scene.buffer(80, 20));
    assert!(shown.contains("Themes need colours"), "{shown}");
}

#[test]
fn the_line_where_a_filter_is_typed_has_the_background_of_the_theme() {
    let mut scene = Scene::new((80, 20), |s| s.themes = wearing("nord")).with(&evening());
    scene.keys("/state:");
    let screen = scene.buffer(80, 20);
    let background = screen[(0, 0)].bg;
    assert_ne!(background, Color::Reset);
    for y in 13..20 {
        assert_ne!(screen[(79, y)].bg, Color::Reset, "line {y}");
    }
    assert_eq!(screen[(79, 19)].bg, background);
}

/// A look in true colours.
fn wearing(name: &str) -> Themes {
    let mut themes = Themes::new(Depth::True);
    themes.choose_named(name).expect("a theme that is built in");
    themes
}

#[test]
fn pictures_of_the_readme() {
    let (width, height) = (120, 34);
    let mut scene = desk::scene(width, height, |s| s.themes = wearing("tokyo-night"));
    scene.press(KeyCode::Down);
    scene.answer();
    scene.press(KeyCode::Enter);
    scene.answer();
    let title = "flowtop on a workstation: flows, and all about one of them";
    picture::check("readme_dark", title, &scene.buffer(width, height));

    let mut scene = Scene::new((width, 16), |s| s.themes = wearing("light")).with(&world());
    scene.name_hosts();
    scene.keys("2");
    let title = "flowtop on a router: the hosts behind it";
    picture::check("readme_light", title, &scene.buffer(width, 16));
}
