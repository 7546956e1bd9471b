//! The details of a flow.

use std::net::IpAddr;
use std::sync::Arc;

use crossterm::event::KeyCode;
use flowtop::enrich::locality::{Locality, Mac};
use flowtop::enrich::owners::{Cgroup, Container, Owner, Parent, Process};
use flowtop::flow::{Congestion, Key, Origin, Pair, Rare, Status, TcpFigures, Tuple};
use flowtop::view::{Interfaces, Row, Subject};

use super::desk;
use super::scene::{Line, Scene, crowd, evening, themes, world};
use super::snapshot::{check, styled, text};

/// The screens to look at it on.
const SIZES: [(u16, u16); 4] = [(60, 20), (80, 24), (120, 40), (200, 40)];

/// Selects a flow and opens its details.
fn open(scene: &mut Scene, orig: Tuple) {
    scene.press(KeyCode::Home);
    for _ in 0..50 {
        scene.answer();
        let (_, id) = scene.view().cursor.expect("a selection");
        if scene.table.get(id).map(|flow| flow.key().orig) == Some(orig) {
            scene.press(KeyCode::Enter);
            scene.answer();
            return;
        }
        scene.press(KeyCode::Down);
    }
    panic!("{orig:?} is not in the list");
}

fn screen(scene: &Scene) -> String {
    let size = (120, 40);
    text(&scene.buffer(size.0, size.1))
}

/// All of the text, whatever of it is visible.
fn whole(scene: &mut Scene, width: u16) -> String {
    scene.resize(width, 120);
    scene.answer();
    text(&scene.buffer(width, 120))
}

/// A router between `lan0` and `wan0`.
fn router(size: (u16, u16)) -> Scene {
    let mut scene = Scene::new(size, |_| ());
    let knowledge = scene.knowledge.get_mut();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    knowledge.set_locality(Arc::new(Locality::of(
        ["192.168.1.1", "203.0.113.1"].map(address),
        [(
            address("192.168.1.23"),
            Mac([0x3c, 0x22, 0xfb, 0x12, 0x34, 0x9a]),
        )],
    )));
    scene.interfaces = Some(|row: &Row<'_>| -> Interfaces {
        let of = |address: IpAddr| match address.to_string().as_str() {
            "192.168.1.1" | "203.0.113.1" => None,
            text if text.starts_with("192.168.") || text.starts_with("2001:db8:") => {
                Some(Arc::from("lan0"))
            }
            _ => Some(Arc::from("wan0")),
        };
        let orig = &row.flow.key().orig;
        Pair {
            orig: of(orig.src()),
            reply: of(orig.dst()),
        }
    });
    let mut scene = scene.with(&world());
    scene.name_hosts();
    scene
}

/// A download in waves, and the acknowledgements of it.
fn waves(second: u64) -> [u64; 2] {
    let height = [3, 5, 8, 11, 13, 14, 13, 11, 8, 5, 3, 2, 1, 1, 2];
    let rate = height[second as usize % height.len()] * 1_000_000;
    [rate / 55, rate]
}

/// A flow of the router, behind a masquerade.
fn forwarded(size: (u16, u16)) -> Scene {
    let mut scene = router(size);
    let line = world()[0];
    scene.tell(&line, |report| {
        report.id = Some(2_817_749_152);
        report.mark = Some(1);
        report.timeout_secs = Some(431_990);
        let status = report.status.unwrap_or_default();
        report.status = Some(status | Status::SRC_NAT | Status::SRC_NAT_DONE);
    });
    scene.pass_time(&line, waves);
    open(&mut scene, line.orig);
    scene
}

fn figures() -> TcpFigures {
    TcpFigures {
        rtt_us: Some(12_345),
        min_rtt_us: Some(860),
        retransmits: Some(3),
        bytes_retransmitted: Some(4_344),
        cwnd: Some(42),
        delivery_rate_bytes_per_sec: Some(1_250_000),
        send_queue_bytes: Some(0),
        receive_queue_bytes: Some(8_688),
        congestion: Congestion::new("cubic"),
        ..TcpFigures::default()
    }
}

/// A shop in a container of a machine that people work at.
fn contained(size: (u16, u16)) -> Scene {
    let mut scene = desk::scene(size.0, size.1, |_| ());
    let line = desk::lines()[3];
    let parent = |pid, name: &str| Parent {
        pid,
        name: name.into(),
    };
    let shop = Owner {
        process: Ok(Arc::new(Process {
            pid: 4_194_303,
            start_ticks: 5,
            name: "python3".into(),
            exe: Some("/usr/local/bin/python3.12".into()),
            cmdline: Some(
                "python3 -m gunicorn --workers 4 --bind 0.0.0.0:8000 --access-logfile - \
                 --max-requests 1000 shop.wsgi:application"
                    .into(),
            ),
            account: None,
            parents: vec![
                parent(4_190_001, "gunicorn"),
                parent(4_189_977, "containerd-shim"),
                parent(1, "systemd"),
            ],
            cgroup: None,
        })),
        account: Some(Arc::new(flowtop::enrich::owners::Account {
            uid: 100_033,
            name: None,
        })),
        cgroup: Some(Arc::new(Cgroup {
            path: "/system.slice/docker-0123456789ab.scope".into(),
            unit: Some("docker-0123456789ab.scope".into()),
            container: Some(Container {
                runtime: "docker",
                id: "0123456789abcdef".repeat(4).into(),
                name: Some("shop-web-1".into()),
                pod: Some("shop/web".into()),
            }),
        })),
        figures: Some(figures()),
        namespace: Some("172.17.0.2".parse().unwrap()),
    };
    let key = Key {
        zone: 0,
        orig: line.orig,
    };
    let owners = Pair {
        orig: Some(shop),
        reply: None,
    };
    scene.knowledge.get_mut().merge_owners(key, owners);
    scene.pass_time(&line, |second| match second {
        20..30 => [900_000, 12_000],
        _ => [2_000, 90_000],
    });
    open(&mut scene, line.orig);
    scene
}

#[test]
fn a_forwarded_flow_at_every_width() {
    for size in SIZES {
        let scene = forwarded(size);
        let name = format!("detail_forwarded_{}", size.0);
        check(&name, &text(&scene.buffer(size.0, size.1)));
    }
}

#[test]
fn a_flow_of_a_container_at_every_width() {
    for size in SIZES {
        let scene = contained(size);
        let name = format!("detail_container_{}", size.0);
        check(&name, &text(&scene.buffer(size.0, size.1)));
    }
}

#[test]
fn all_of_the_text_on_narrow_screens() {
    for width in [60, 80] {
        let mut scene = contained((width, 24));
        let name = format!("detail_whole_{width}");
        check(&name, &whole(&mut scene, width));
    }
}

#[test]
fn colours_and_attributes() {
    for (name, color) in [("color", true), ("mono", false)] {
        let mut scene = Scene::new((80, 40), |s| s.themes = themes(color)).with(&world());
        scene.name_hosts();
        scene.pass_time(&world()[0], waves);
        open(&mut scene, world()[0].orig);
        let screen = styled(&scene.buffer(80, 40));
        check(&format!("detail_{name}_80"), &screen);
    }
}

/// Without an answer, offloaded, counted by nobody, without ports.
#[test]
fn flows_of_other_kinds() {
    let lines = evening();
    for (name, line) in [
        ("unreplied", lines[14]),
        ("offloaded", lines[11]),
        ("uncounted", lines[10]),
        ("icmp", lines[9]),
        ("gre", lines[12]),
        ("ipv6", lines[2]),
    ] {
        let mut scene = Scene::new((100, 40), |_| ()).with(&lines);
        open(&mut scene, line.orig);
        check(&format!("detail_{name}_100"), &text(&scene.buffer(100, 40)));
    }
}

#[test]
fn both_owners_of_a_flow_of_this_machine() {
    let mut scene = desk::scene(100, 50, |_| ());
    open(&mut scene, desk::lines()[5].orig);
    let screen = text(&scene.buffer(100, 50));
    check("detail_local_100", &screen);
    assert!(screen.contains("client     psql[3001]"), "{screen}");
    assert!(screen.contains("server     postgres[812]"), "{screen}");
}

#[test]
fn why_no_process_is_known_is_a_sentence() {
    for (line, sentence) in [
        (2, "the kernel itself speaks here"),
        (6, "root sees them"),
        (7, "only passes through this machine"),
        (9, "the socket was closed before"),
        (10, "not looked up"),
    ] {
        let mut scene = desk::scene(160, 50, |_| ());
        open(&mut scene, desk::lines()[line].orig);
        let screen = whole(&mut scene, 240);
        assert!(screen.contains(sentence), "{sentence}\n{screen}");
    }
}

#[test]
fn what_a_helper_announced_names_its_parent() {
    let lines = world();
    let mut scene = Scene::new((120, 40), |_| ()).with(&lines);
    scene.tell(&lines[1], |report| {
        let mut labels = [0; 16];
        labels[0] = 6;
        report.rare = Some(Box::new(Rare {
            helper: Some("ftp".into()),
            master: Some(lines[0].orig),
            labels: Some(labels),
            secctx: Some("system_u:object_r:unlabeled_t:s0".into()),
        }));
        report.status = report.status.map(|status| status | Status::EXPECTED);
    });
    open(&mut scene, lines[1].orig);
    let shown = screen(&scene);
    check("detail_announced_120", &shown);
    assert!(
        shown.contains("tcp 192.168.1.23:54321 → 216.160.83.56:443, still there"),
        "{shown}"
    );
    assert!(shown.contains("labels 1,2  helper ftp"), "{shown}");
    assert!(shown.contains("announced by a helper"), "{shown}");
    scene.end_of(&lines[0]);
    scene.answer();
    let shown = screen(&scene);
    assert!(shown.contains("216.160.83.56:443, gone"), "{shown}");
}

#[test]
fn a_port_forward_names_who_really_answers() {
    let mut scene = router((120, 40));
    let line = Line::parse(
        "tcp established assured 60 81.2.69.142 40000 203.0.113.1 8443 5000 9000 100 200 -",
    );
    scene.tell(&line, |report| {
        report.origin = Origin::Dumped;
        report.reply = Tuple::new(
            "192.168.1.23".parse().unwrap(),
            "81.2.69.142".parse().unwrap(),
            line.orig.proto(),
            flowtop::flow::L4::Ports {
                src: 443,
                dst: 40000,
            },
        );
    });
    scene.answer();
    open(&mut scene, line.orig);
    let shown = screen(&scene);
    for part in [
        "really goes to: laptop.lan  192.168.1.23:443 (destination NAT: a port forward)",
        "neighbour 3c:22:fb:12:34:9a",
        "this machine",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("as seen outside"), "{shown}");
}

#[test]
fn figures_of_a_socket_say_so() {
    let line = world()[0];
    let mut socket = Scene::new((100, 40), |_| ());
    for second in 1..=3_u64 {
        socket.now = socket.now.after(std::time::Duration::from_secs(1));
        socket.tell(&line, |report| {
            report.origin = Origin::Dumped;
            report.by_socket = true;
            (report.reply, report.status) = (None, None);
            if let Some(counters) = &mut report.counters {
                counters.reply.bytes += second * 10_000;
            }
        });
    }
    socket.answer();
    open(&mut socket, line.orig);
    let shown = text(&socket.buffer(100, 40));
    check("detail_socket_100", &shown);
    assert!(shown.contains("by the socket: TCP segments"), "{shown}");
}

/// Its last word stays until the selection moves.
#[test]
fn a_flow_that_ends_under_the_cursor_stays_with_its_last_word() {
    let mut scene = forwarded((120, 40));
    let line = world()[0];
    let open_bytes = screen(&scene);
    scene.now = scene.now.after(std::time::Duration::from_secs(1));
    scene.tell(&line, |report| {
        report.origin = Origin::Destroyed;
        report.stop_ns = None;
        if let Some(counters) = &mut report.counters {
            counters.orig.bytes += 6_000_000;
            counters.orig.packets += 10_000;
            counters.reply.bytes += 299_000_000;
            counters.reply.packets += 300_000;
        }
    });
    scene.now = scene.now.after(std::time::Duration::from_secs(3));
    scene.answer();
    let over = screen(&scene);
    check("detail_ended_120", &over);
    assert!(over.contains("tcp ENDED 3s ago"), "{over}");
    assert!(over.contains("4.51GB"), "its last counters:\n{over}");
    assert!(!open_bytes.contains("4.51GB"), "{open_bytes}");
    assert!(over.contains("edge-7.video.example"), "{over}");
    // It stays, and grows no older.
    scene.now = scene.now.after(std::time::Duration::from_secs(60));
    scene.answer();
    let later = screen(&scene);
    assert!(later.contains("tcp ENDED 1m03s ago  2h"), "{later}");
    // The pane goes on with the selection.
    scene.press(KeyCode::Down);
    scene.answer();
    let other = screen(&scene);
    assert!(!other.contains("ENDED"), "{other}");
    scene.press(KeyCode::Up);
    scene.answer();
    assert!(!screen(&scene).contains("ENDED"), "it is not listed");
}

#[test]
fn enter_and_escape_open_and_close() {
    let mut scene = Scene::new((100, 30), |_| ()).with(&crowd(40));
    let table = text(&scene.buffer(100, 30));
    let height = scene.query.height;
    assert_eq!(scene.query.detail, None);
    // Without a selection the first row is meant.
    scene.press(KeyCode::Enter);
    assert_eq!(scene.query.detail, Some(Subject::Cursor));
    assert!(scene.query.height < height);
    scene.answer();
    assert!(matches!(scene.query.detail, Some(Subject::Flow(_))));
    assert_eq!(scene.last.ask, None, "an answer is no question");
    let pane = text(&scene.buffer(100, 30));
    assert!(pane.contains("192.168.1.9:10000"), "{pane}");
    scene.press(KeyCode::Esc);
    scene.answer();
    assert_eq!((scene.query.detail, scene.query.height), (None, height));
    // Again closes it, too; the selection stays until the next Esc.
    scene.press(KeyCode::Enter);
    scene.answer();
    scene.press(KeyCode::Enter);
    scene.answer();
    assert_eq!(scene.query.detail, None);
    scene.press(KeyCode::Esc);
    scene.answer();
    assert_eq!(text(&scene.buffer(100, 30)), table);
}

#[test]
fn the_pane_follows_the_selection_and_scrolls() {
    let mut scene = Scene::new((80, 24), |_| ()).with(&crowd(40));
    scene.press(KeyCode::Enter);
    scene.answer();
    for _ in 0..3 {
        scene.press(KeyCode::Down);
        scene.answer();
    }
    let top = text(&scene.buffer(80, 24));
    assert!(top.contains("192.168.1.9:10003"), "{top}");
    for _ in 0..100 {
        scene.press(KeyCode::Char('J'));
    }
    let end = text(&scene.buffer(80, 24));
    assert!(end.contains("zone 0"), "{end}");
    scene.press(KeyCode::Char('K'));
    assert_ne!(text(&scene.buffer(80, 24)), end, "no way back to make up");
    scene.press(KeyCode::Esc);
    scene.press(KeyCode::Char('J'));
    let closed = text(&scene.buffer(80, 24));
    assert!(closed.contains("No details are open"), "{closed}");
}

#[test]
fn a_pane_belongs_to_its_list() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.press(KeyCode::Enter);
    scene.answer();
    scene.keys("3");
    assert_eq!(scene.query.detail, None);
    scene.press(KeyCode::Home);
    scene.answer();
    scene.press(KeyCode::Enter);
    scene.answer();
    assert_eq!(scene.query.detail, None, "into the flows of the process");
    scene.press(KeyCode::Enter);
    scene.answer();
    assert!(scene.query.detail.is_some());
    scene.press(KeyCode::Esc);
    scene.press(KeyCode::Esc);
    scene.press(KeyCode::Esc);
    scene.answer();
    assert!(!scene.view().groups.is_empty(), "back at the processes");
    scene.keys("1");
    assert!(scene.query.detail.is_some(), "as it was left");
}

/// Nobody kept watch while another list was looked at, but its last word is
/// kept.
#[test]
fn a_flow_that_ended_elsewhere_is_told_of_nonetheless() {
    let lines = world();
    let mut scene = Scene::new((120, 40), |_| ()).with(&lines);
    open(&mut scene, lines[0].orig);
    scene.keys("3");
    scene.end_of(&lines[0]);
    scene.keys("1");
    let (_, id) = scene.view().cursor.expect("the row in its place");
    assert_ne!(scene.query.detail, Some(Subject::Flow(id)));
    assert!(screen(&scene).contains("ENDED"));
}

#[test]
fn nothing_to_look_at_is_said() {
    let mut scene = Scene::new((80, 24), |_| ());
    scene.answer();
    scene.press(KeyCode::Enter);
    let shown = text(&scene.buffer(80, 24));
    assert!(shown.contains("There is no flow to look at."), "{shown}");
    assert_eq!(scene.query.detail, None);
}
