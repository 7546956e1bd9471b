//! The page of health: what is wrong, and how everything does.

use std::time::Duration;

use crossterm::event::KeyCode;
use flowtop::flow::{Moment, Pair};
use flowtop::view::health::{LinkState, ReceiveBuffer, SourceHealth};
use flowtop::vitals::{
    Carried, CpuStats, Fill, History, Link, Own, Problems, Reading, Stack, Stat, TableSize,
    Tracking, Traffic,
};

use super::scene::{Line, Pulse, Scene, evening, themes};
use super::snapshot::{check, styled, text};

const WIDTHS: [(u16, u16); 4] = [(60, 40), (80, 40), (120, 50), (200, 50)];

/// Counters of two CPUs.
fn tracking(counts: &[(Stat, u32)]) -> Tracking {
    let mut first = Stat::ALL
        .iter()
        .fold(CpuStats::default(), |stats, stat| stats.with(*stat, 0));
    let second = first;
    for (stat, count) in counts {
        first = first.with(*stat, *count);
    }
    Tracking {
        cpus: vec![first, second],
        size: Some(TableSize::default()),
    }
}

/// An interface: bytes sent and received, drops at receiving, its speed.
fn link(name: &str, bytes: [u64; 2], dropped: u64, speed: Option<u32>) -> Link {
    let carried = |bytes: u64, dropped| Carried {
        bytes,
        packets: bytes / 900,
        errors: 0,
        dropped,
    };
    Link {
        traffic: Traffic {
            index: name.len() as u32,
            name: name.to_owned(),
            kind: None,
            mac: None,
            is_loopback: false,
            state: match name {
                "wlan0" => LinkState::NoCarrier,
                _ => LinkState::Up,
            },
            carried: Pair {
                orig: carried(bytes[0], 0),
                reply: carried(bytes[1], dropped),
            },
            collisions: 0,
        },
        speed_mbit_per_sec: speed,
    }
}

/// Two readings, a second apart; `more` of what should not be counted comes
/// between them.
fn readings(now: Moment, more: u32) -> [Reading; 2] {
    let before = Moment {
        mono_ns: now.mono_ns - 1_000_000_000,
        real_ns: now.real_ns - 1_000_000_000,
    };
    [(before, 0, 0), (now, more, 1)].map(|(at, more, second)| Reading {
        at,
        tracking: Ok(tracking(&[
            (Stat::Found, 3),
            (Stat::Invalid, 1204 + more / 4),
            (Stat::Drop, more),
            (Stat::InsertFailed, 12 + more / 8),
            (Stat::ClashResolve, 77),
        ])),
        links: Ok(vec![
            link(
                "wan0",
                [
                    90_000_000_000 + second * 6_100_000,
                    1_400_000_000_000 + second * 118_000_000,
                ],
                5 + u64::from(more),
                Some(if more > 0 { 1_000 } else { 10_000 }),
            ),
            link(
                "br-lan",
                [
                    1_300_000_000_000 + second * 117_000_000,
                    91_000_000_000 + second * 6_000_000,
                ],
                0,
                None,
            ),
            link("wg0", [48_000, 51_000], 0, None),
            link("wlan0", [0, 0], 0, None),
            link("dummy", [0, 0], 0, None),
        ]),
        stack: Stack {
            established: Some(17),
            segments_sent: Some(899_342 + second * 1_500),
            retransmits: Some(104 + u64::from(more) / 2),
            tcp_in_errors: Some(2),
            listen_overflows: Some(0),
            listen_drops: Some(u64::from(more) / 10),
            udp_receive_errors: Some(0),
        },
        own: Own {
            cpu: Some(Duration::from_millis(12_000 + second * 30)),
            memory_bytes: Some(21 << 20),
        },
    })
}

/// The kernel, the interfaces and this machine after a minute.
fn pulse(now: Moment, used: impl Fn(u64) -> u64, more: u32) -> Pulse {
    let mut fill = Fill::default();
    for sec in 0..=60 {
        let ago = (60 - sec) * 1_000_000_000;
        let at = Moment {
            mono_ns: now.mono_ns - ago,
            real_ns: now.real_ns - ago,
        };
        fill.note(at, Some(used(sec)), Some(262_144));
    }
    let mut history = History::new(Duration::from_secs(1));
    let vitals = readings(now, more).map(|reading| history.take(reading));
    Pulse {
        fill,
        source: SourceHealth {
            lost_at: None,
            dumps: 61,
            resyncs: 0,
            dump_took: Some(Duration::from_micros(43_210)),
            dump_every: Some(Duration::from_secs(1)),
            buffer: Some(ReceiveBuffer {
                bytes: 32 << 20,
                capped: false,
            }),
            problems: Problems::default(),
        },
        vitals: vitals.into_iter().last(),
    }
}

/// An ordinary evening.
fn calm(width: u16, height: u16) -> Scene {
    let mut scene = Scene::new((width, height), |_| ()).with(&evening());
    scene.pulse = Some(pulse(scene.now, |sec| 18_200 + sec % 7, 0));
    scene.keys("8");
    scene
}

/// Everything is wrong at once.
fn storm(width: u16, height: u16, color: bool) -> Scene {
    let mut lines: Vec<Line> = evening();
    let mut unanswered = |from: &str, to: &str, port: u16, sport: u16| {
        lines.push(Line::parse(&format!(
            "tcp syn_sent - 2 {from} {sport} {to} {port} 60 0 60 0 -"
        )));
    };
    for n in 1..=400 {
        unanswered("192.168.1.77", "192.0.2.99", n, 40_000);
        unanswered(
            "192.168.1.66",
            &format!("198.18.{}.{}", n / 200, n % 200),
            445,
            40_000 + n,
        );
        unanswered(
            &format!("203.0.{}.{}", n / 200, n % 200),
            "192.168.1.9",
            443,
            1024 + n,
        );
        unanswered("192.168.1.55", "192.0.2.98", 8883, 20_000 + n);
    }
    let mut scene = Scene::new((width, height), |settings| {
        settings.themes = themes(color);
    })
    .with(&lines);
    scene.status.table_used = Some(239_104);
    scene.status.lost = 4_834;
    scene.status.updates_shed = true;
    let mut pulse = pulse(scene.now, |sec| 200_000 + sec * 651, 80);
    pulse.source.lost_at = Some(Moment {
        mono_ns: scene.now.mono_ns - 12_000_000_000,
        ..scene.now
    });
    pulse.source.resyncs = 2;
    pulse.source.problems.unknown = 31;
    pulse.source.buffer = Some(ReceiveBuffer {
        bytes: 425_984,
        capped: true,
    });
    scene.pulse = Some(pulse);
    scene.keys("8");
    scene
}

#[test]
fn the_page_of_health_at_every_width() {
    for (width, height) in WIDTHS {
        let scene = calm(width, height);
        check(
            &format!("health_{width}"),
            &text(&scene.buffer(width, height)),
        );
        let scene = storm(width, height, false);
        check(
            &format!("health_storm_{width}"),
            &text(&scene.buffer(width, height)),
        );
    }
    check(
        "health_storm_color_120",
        &styled(&storm(120, 50, true).buffer(120, 50)),
    );
    check(
        "health_storm_mono_80",
        &styled(&storm(80, 30, false).buffer(80, 30)),
    );
}

#[test]
fn hosts_that_stand_out_are_marked_in_their_list() {
    let mut scene = storm(100, 30, false);
    scene.keys("2");
    let screen = text(&scene.buffer(100, 30));
    let marked: Vec<&str> = screen
        .lines()
        .filter(|line| line.starts_with('!'))
        .collect();
    assert_eq!(marked.len(), 3, "{screen}");
    for host in ["192.168.1.55", "192.168.1.66", "192.168.1.77"] {
        assert!(marked.iter().any(|line| line.contains(host)), "{screen}");
    }
}

#[test]
fn what_is_below_the_page_is_scrolled_to_and_not_further() {
    let mut scene = calm(80, 24);
    let screen = |scene: &Scene| text(&scene.buffer(80, 24));
    let top = screen(&scene);
    assert!(top.contains("ok") && top.contains("lines 1-"), "{top}");
    scene.press(KeyCode::End);
    let end = screen(&scene);
    assert!(
        end.contains("flowtop itself") && !end.contains("TABLE OF"),
        "{end}"
    );
    scene.press(KeyCode::Down);
    assert_eq!(screen(&scene), end);
    scene.press(KeyCode::Up);
    assert_ne!(screen(&scene), end);
    scene.press(KeyCode::Home);
    assert_eq!(screen(&scene), top);
    // On a tall screen there is nothing to scroll, nor to tell of it.
    scene.resize(80, 120);
    scene.answer();
    scene.press(KeyCode::End);
    let tall = text(&scene.buffer(80, 120));
    assert!(
        tall.contains("TABLE OF") && !tall.contains("lines 1-"),
        "{tall}"
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    let mut scene = calm(120, 50);
    let pulse = scene.pulse.as_mut().unwrap();
    let [mut reading, _] = readings(scene.now, 0);
    reading.tracking = Err("reading the statistics: not permitted".to_owned());
    reading.links = Err("reading what interfaces have carried: no".to_owned());
    pulse.vitals = Some(History::new(Duration::from_secs(1)).take(reading));
    scene.answer();
    let screen = text(&scene.buffer(120, 50));
    for said in ["not permitted", "have carried: no", "low sample"] {
        assert!(screen.contains(said), "{said} in\n{screen}");
    }
    // Before anything was read.
    scene.pulse = None;
    scene.answer();
    let screen = text(&scene.buffer(120, 50));
    assert!(screen.contains("are being read"), "{screen}");
    assert!(screen.contains("262,144"), "{screen}");
}

#[test]
fn keys_of_lists_change_nothing_that_cannot_be_seen() {
    for tab in "89".chars() {
        let mut scene = calm(120, 30);
        scene.press(KeyCode::Char(tab));
        scene.answer();
        let before = scene.query.clone();
        for key in ">rCfcgiKyF*".chars() {
            scene.press(KeyCode::Char(key));
            let shown = text(&scene.buffer(120, 30));
            assert!(shown.contains("There are no rows here"), "{key}\n{shown}");
        }
        assert_eq!(scene.query, before);
        // The list of options says what it changes.
        scene.keys(",c");
        assert!(scene.query.with_ended);
    }
}

#[test]
fn thresholds_are_those_of_the_configuration() {
    let mut scene = Scene::new((120, 50), |settings| {
        settings.health.table_warn_percent = 5;
        settings.themes = themes(true);
    })
    .with(&evening());
    scene.keys("8");
    let screen = text(&scene.buffer(120, 50));
    assert!(screen.contains("warning  warns at 5%, 85%"), "{screen}");
    // The title line as well.
    let title = styled(&scene.buffer(120, 50));
    let plain = styled(&calm(120, 50).buffer(120, 50));
    assert_ne!(title.lines().nth(1), plain.lines().nth(1));
}
