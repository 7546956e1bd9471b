//! What is taken out of the viewer: copied, written, exported; and that nothing
//! true is, where that is masked.

use std::sync::Arc;

use crossterm::event::{Event as Input, KeyCode};
use flowtop::enrich::names::{Answer, Source as NameSource};
use flowtop::output::{self, Course, Format, Writer};
use flowtop::tui::{Form, Message, Multiplexer, Saved, Saving};
use flowtop::view::Source;
use flowtop::view::column::{COLUMNS, Choice};
use flowtop::view::field::{Event, FIELDS, Record};
use flowtop::view::filter::Filter;
use flowtop::view::units::RateUnit;

use super::desk;
use super::scene::Scene;
use super::snapshot::{check, text};

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 30))
}

/// A machine at work, with its first row selected: a flow to 216.160.83.56.
fn scene() -> Scene {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.press(KeyCode::Down);
    scene.answer();
    scene
}

/// What a line of the menu of `y` copies.
fn copied(scene: &mut Scene, letter: char) -> Option<String> {
    scene.press(KeyCode::Char('y'));
    scene.press(KeyCode::Char(letter));
    scene.last.copy.clone()
}

#[test]
fn the_menu_of_copies_at_every_width() {
    for width in [60, 80, 120, 200] {
        let mut scene = desk::scene(width, 24, |_| ());
        scene.press(KeyCode::Down);
        scene.answer();
        scene.keys("y");
        check(&format!("copy_{width}"), &text(&scene.buffer(width, 24)));
        scene.press(KeyCode::Esc);
        scene.keys("2");
        scene.press(KeyCode::Down);
        scene.answer();
        scene.keys("y");
        check(
            &format!("copy_group_{width}"),
            &text(&scene.buffer(width, 24)),
        );
    }
}

#[test]
fn everything_about_a_flow_can_be_copied() {
    let mut scene = scene();
    let mut is = |letter, expected: &str| {
        assert_eq!(copied(&mut scene, letter).as_deref(), Some(expected));
    };
    is('f', "216.160.83.56");
    is('n', "192.168.1.23");
    is('t', "tcp 192.168.1.23:54321 216.160.83.56:443");
    is(
        'd',
        "conntrack -D -f ipv4 -s 192.168.1.23 -d 216.160.83.56 -p tcp --sport 54321 \
         --dport 443 -w 0",
    );
    is(
        'p',
        "tcpdump -ni any 'tcp and host 192.168.1.23 and host 216.160.83.56 and port 54321 \
         and port 443'",
    );
    let drops = copied(&mut scene, 'x').unwrap();
    assert!(drops.ends_with("ip daddr 216.160.83.56 drop'"), "{drops}");
    let row = copied(&mut scene, 'r').unwrap();
    assert!(row.starts_with("tcp  ESTABLISHED  2h04m"), "{row}");
    let json = copied(&mut scene, 'j').unwrap();
    assert!(json.starts_with("{\"v\":1,\"event\":\"sample\""), "{json}");
    assert!(json.contains("\"orig_dst\":\"216.160.83.56\"") && json.ends_with('}'));
    let shown = screen(&scene);
    assert!(
        shown.contains("Copied the JSON record, if the terminal permits it (OSC 52)."),
        "{shown}"
    );
}

#[test]
fn what_cannot_be_copied_says_why() {
    let mut scene = scene();
    // Nobody has looked for the name of the far end.
    assert_eq!(copied(&mut scene, 'h'), None);
    assert!(screen(&scene).contains("There is no far name"));
    scene.status.source = Source::Sockets;
    scene.answer();
    assert_eq!(copied(&mut scene, 'd'), None);
    assert!(screen(&scene).contains("There is no entry to delete"));
    let mut scene = desk::scene(120, 30, |settings| {
        settings.multiplexer = Multiplexer::Tmux;
    });
    scene.keys("y");
    assert!(screen(&scene).contains("Select a row first"));
    scene.press(KeyCode::Down);
    scene.answer();
    assert!(copied(&mut scene, 'f').is_some());
    assert!(screen(&scene).contains("set-clipboard on"));
}

#[test]
fn groups_are_copied_by_name_filter_and_record() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.keys("2");
    scene.press(KeyCode::Down);
    scene.answer();
    assert_eq!(copied(&mut scene, 'a').as_deref(), Some("192.168.1.23"));
    let filter = copied(&mut scene, 'f').unwrap();
    assert_eq!(filter, "near:192.168.1.23");
    Filter::parse(&filter).unwrap();
    let json = copied(&mut scene, 'j').unwrap();
    assert!(json.starts_with("{\"group\":\"host\""), "{json}");
    assert!(json.contains("\"flows\":"), "{json}");
}

#[test]
fn the_screen_is_written_as_it_is() {
    let mut scene = scene();
    let before = screen(&scene);
    scene.press(KeyCode::Char('w'));
    let save = scene.last.save.pop().unwrap();
    assert!(save.stem.starts_with("flowtop-2023"), "{}", save.stem);
    assert_eq!(save.stem.len(), "flowtop-20261121-143207".len());
    let Saving::Screen(written) = save.what else {
        panic!("{save:?}");
    };
    let trimmed = |text: &str| {
        let lines = text.lines().map(str::trim_end);
        lines.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(trimmed(&written), trimmed(&before));
    scene.send(Message::Saved(Ok(Saved {
        path: "/state/flowtop-1.txt".into(),
        rows: None,
        ended: 0,
    })));
    assert!(screen(&scene).contains("The screen in /state/flowtop-1.txt"));
}

#[test]
fn rows_are_exported_one_list_at_a_time() {
    let mut scene = scene();
    scene.keys("e");
    assert!(screen(&scene).contains("Export 12 rows"));
    scene.press(KeyCode::Char('c'));
    let Some(Saving::Rows(rows)) = scene.last.save.pop().map(|save| save.what) else {
        panic!("no rows are written");
    };
    assert_eq!(rows.form, Form::Csv);
    assert_eq!(rows.query.sort, scene.query.sort);
    scene.send(Message::Saving(4_096, 1_000_000));
    assert!(screen(&scene).contains("Exporting: 4,096 of 1,000,000 rows."));
    scene.press(KeyCode::Char('e'));
    assert!(screen(&scene).contains("being written already"));
    scene.send(Message::Saved(Ok(Saved {
        path: "/state/flowtop-1.csv".into(),
        rows: Some(12),
        ended: 2,
    })));
    let done = screen(&scene);
    let said = "12 rows in /state/flowtop-1.csv; 2 ended meanwhile";
    assert!(done.contains(said), "{done}");
    scene.keys("e");
    assert!(screen(&scene).contains("Export 12 rows"));
    scene.press(KeyCode::Char('t'));
    scene.send(Message::Saved(Err("cannot write /state: no room".into())));
    assert!(screen(&scene).contains("cannot write /state: no room"));
}

#[test]
fn an_answer_that_is_too_long_for_its_line_is_read_to_its_end() {
    let mut scene = desk::scene(60, 24, |_| ());
    let why = "no file is written: there is no home directory; \
               name a directory with --export-dir";
    scene.send(Message::Saved(Err(why.into())));
    let screen = text(&scene.buffer(60, 24));
    let last: Vec<_> = screen.lines().rev().take(2).map(str::trim).collect();
    assert_eq!(format!("{} {}", last[1], last[0]), why);
}

/// What nobody is to see: all that the desk knows of hosts and people.
const SECRETS: &[&str] = &[
    "216.160.83.",
    "192.168.1.23",
    "192.168.1.2 ",
    "192.168.1.1 ",
    "172.17.0.2",
    "81.2.69.142",
    "10.0.3.7",
    "5.63.151.1",
    "175.16.199.9",
    "nas.home.example",
    "video.example",
    "workdesk7",
    "alice",
    "shop",
    "0123456789ab",
    "--serve",
    "2210.scope",
    "15-main",
    "3c:22:fb",
    "00:1a:2b",
];

fn no_secret(screen: &str) {
    for secret in SECRETS {
        let shown = screen.contains(secret);
        assert!(!shown, "{secret} is shown:\n{screen}");
    }
}

/// The desk, where everything has a name, under the mask.
fn masked(width: u16, height: u16) -> Scene {
    let all: Vec<_> = COLUMNS.iter().map(|column| column.key).collect();
    let filter = "host:216.160.83.56 or net:0.0.0.0/0 or user:alice or ~alice or name:video";
    let filter = Filter::parse(filter).unwrap();
    let mut scene = desk::scene(width, height, |settings| {
        "workdesk7".clone_into(&mut settings.host);
        settings.namespace = Some("alice".to_owned());
        settings.columns = Choice::parse(&all.join(",")).unwrap();
        settings.filter = Some(Arc::new(filter));
        settings.is_masked = true;
    });
    scene.status.warnings = vec![
        "10.0.3.7 does not answer, nor does 3c:22:fb:12:34:9a".to_owned(),
        "/home/alice/.config/flowtop/flowtop.toml: line 3".to_owned(),
    ];
    scene.status.resolver = Some("192.168.1.1 : no answer".to_owned());
    scene.status.hint = Some("run it as root on 192.168.1.23".to_owned());
    let now = scene.now;
    let knowledge = scene.knowledge.get_mut();
    let names = [
        ("192.168.1.23", "workdesk7.home.example"),
        ("192.168.1.2", "nas.home.example"),
        ("216.160.83.56", "edge-7.video.example"),
        ("172.17.0.2", "shop.container"),
    ];
    let answers = names.map(|(addr, name)| Answer {
        addr: addr.parse().unwrap(),
        name: Some(Arc::from(name)),
        source: NameSource::Dns,
    });
    knowledge.merge_names(answers.to_vec(), now);
    scene.answer();
    scene
}

#[test]
fn no_screen_tells_anything_true_under_the_mask() {
    for (width, height) in [(60, 30), (300, 60)] {
        let mut scene = masked(width, height);
        let look = |scene: &Scene| no_secret(&text(&scene.buffer(width, height)));
        look(&scene);
        for key in "?V".chars() {
            scene.press(KeyCode::Char(key));
            look(&scene);
            scene.press(KeyCode::Esc);
        }
        // Every flow, close up, and all that could be copied of it.
        for _ in 0..scene.view().matching {
            scene.press(KeyCode::Down);
            scene.answer();
            scene.keys("n");
            look(&scene);
            scene.press(KeyCode::Enter);
            scene.answer();
            look(&scene);
            for letter in "fnhtrjdpx".chars() {
                scene.press(KeyCode::Char('y'));
                look(&scene);
                scene.press(KeyCode::Char(letter));
                no_secret(scene.last.copy.as_deref().unwrap_or_default());
                look(&scene);
            }
            scene.press(KeyCode::Enter);
            scene.answer();
        }
        // Every list of groups, the flows of its first row, and what a screen
        // that is written has.
        for tab in "23456789".chars() {
            scene.keys(&tab.to_string());
            look(&scene);
            scene.press(KeyCode::Down);
            scene.answer();
            for letter in "nafj".chars() {
                scene.press(KeyCode::Char('y'));
                look(&scene);
                scene.press(KeyCode::Char(letter));
                no_secret(scene.last.copy.as_deref().unwrap_or_default());
            }
            scene.press(KeyCode::Esc);
            scene.keys("i");
            look(&scene);
            scene.keys("i");
            scene.press(KeyCode::Enter);
            scene.answer();
            look(&scene);
            scene.press(KeyCode::Char('w'));
            let Some(Saving::Screen(written)) = scene.last.save.pop().map(|save| save.what) else {
                panic!("no screen is written");
            };
            no_secret(&written);
        }
        // A filter that is in force is not there to be edited.
        scene.keys("1P");
        look(&scene);
        scene.press(KeyCode::Enter);
        assert!(scene.query.filter.is_some(), "it stays in force");
        scene.keys("/");
        look(&scene);
        scene.press(KeyCode::Up);
        look(&scene);
        scene.press(KeyCode::Enter);
        assert!(scene.query.filter.is_some(), "it stays in force");
    }
}

#[test]
fn no_record_tells_anything_true_under_the_mask() {
    let scene = masked(200, 60);
    let view = scene.view();
    let mask = flowtop::view::mask::Mask::new([7; 32], []);
    let all: Vec<_> = FIELDS.iter().collect();
    for format in Format::ALL {
        for fields in [None, Some(all.clone())] {
            let settings = output::Settings {
                format,
                fields,
                unit: RateUnit::Bytes,
                course: Course::Samples,
                columns: None,
                mask: Some(mask.clone()),
            };
            let mut out = Vec::new();
            let mut writer = Writer::new(&settings, &mut out);
            for row in &view.rows {
                let record = Record {
                    event: Event::Sample,
                    ts_ns: view.at.real_ns,
                    row: Some(row.row(view.at)),
                    count: None,
                };
                writer.record(&record).unwrap();
            }
            writer.flush().unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.contains("firefox"), "{text}");
            no_secret(&text);
        }
    }
    for tab in "23".chars() {
        let mut scene = masked(200, 60);
        scene.keys(&tab.to_string());
        for format in Format::ALL {
            let mut out = Vec::new();
            let groups = scene.view().groups;
            output::groups(&groups, format, Some(&mask), &mut out).unwrap();
            no_secret(&String::from_utf8(out).unwrap());
        }
    }
}

#[test]
fn the_mask_comes_off_and_on_at_once_and_filters_stay_true() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.keys("/");
    for c in "host:216.160.83.56".chars() {
        scene.press(KeyCode::Char(c));
    }
    scene.press(KeyCode::Enter);
    scene.answer();
    assert_eq!(scene.view().matching, 1);
    assert!(screen(&scene).contains("216.160.83.56"));
    // Not answered: it needs nobody.
    scene.press(KeyCode::Char('m'));
    let hidden = screen(&scene);
    assert!(!hidden.contains("216.160.83.56"), "{hidden}");
    assert!(
        hidden.contains("masked") && hidden.contains("/host:"),
        "{hidden}"
    );
    scene.answer();
    assert_eq!(scene.view().matching, 1);
    scene.press(KeyCode::Char('m'));
    assert!(screen(&scene).contains("216.160.83.56"));
}

#[test]
fn a_line_that_hides_filters_forgets_none() {
    let mut scene = desk::scene(120, 30, |settings| {
        settings.filter = Filter::parse("tcp").ok().map(Arc::new);
        settings.memory.filters = vec!["udp".to_owned()];
        settings.is_masked = true;
    });
    scene.keys("/");
    assert_eq!(scene.state.memory().filters, ["udp"]);
    // What is pasted is typed as well: Enter does not keep the one before.
    scene.send(Message::Input(Input::Paste("icmp".to_owned())));
    scene.press(KeyCode::Enter);
    scene.answer();
    let filter = scene.query.filter.as_ref().map(ToString::to_string);
    assert_eq!(filter.as_deref(), Some("proto:icmp"));
    assert_eq!(scene.state.memory().filters, ["udp", "icmp"]);
    scene.keys("/udp");
    scene.press(KeyCode::Enter);
    assert_eq!(scene.state.memory().filters, ["icmp", "udp"]);
}

#[test]
fn breadcrumbs_follow_the_mask() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.keys("2");
    scene.press(KeyCode::Down);
    scene.press(KeyCode::Enter);
    scene.answer();
    assert!(screen(&scene).contains("Hosts › 192.168.1.23"));
    scene.keys("m");
    let hidden = screen(&scene);
    assert!(!hidden.contains("192.168.1.23"), "{hidden}");
    assert!(hidden.contains("Hosts › 192.168."), "{hidden}");
    assert!(scene.view().matching > 0, "the group is the true one");
    scene.keys("m");
    assert!(screen(&scene).contains("Hosts › 192.168.1.23"));
}
