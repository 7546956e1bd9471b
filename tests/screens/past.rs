//! Flows that have ended, and what moved since a moment.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use flowtop::flow::State;
use flowtop::table::EndReason;
use flowtop::tui::Message;
use flowtop::view::column::Choice;

use super::scene::{Scene, evening};
use super::snapshot::{check, styled, text};

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 24))
}

fn lines(scene: &Scene) -> Vec<String> {
    screen(scene).lines().map(str::to_owned).collect()
}

fn pass(scene: &mut Scene, secs: u64) {
    scene.now = scene.now.after(Duration::from_secs(secs));
}

/// An evening of which some flows have ended, each its own way, twenty seconds
/// apart.
fn scene(size: (u16, u16)) -> Scene {
    let evening = evening();
    let mut scene = Scene::new(size, |_| ()).with(&evening);
    let ends = [
        (Some(State::TCP_TIME_WAIT), None),
        (None, None),
        (Some(State::TCP_CLOSE), None),
        (Some(State::TCP_ESTABLISHED), Some(431_000)),
    ];
    for (line, (state, left)) in evening.iter().zip(ends) {
        scene.destroy(line, |report| {
            report.state = state;
            report.timeout_secs = left;
        });
        pass(&mut scene, 20);
    }
    scene.answer();
    scene
}

#[test]
fn ended_flows_stand_below_the_others_with_their_reasons() {
    for width in [60, 80, 120, 200] {
        let mut scene = scene((width, 24));
        scene.keys("c");
        // What the key said is read by now.
        pass(&mut scene, 10);
        scene.answer();
        let shown = text(&scene.buffer(width, 24));
        check(&format!("ended_{width}"), &shown);
        if width >= 80 {
            for reason in ["closed", "timed out", "reset", "deleted"] {
                assert!(shown.contains(reason), "{reason}\n{shown}");
            }
        }
    }
    let mut scene = scene((120, 24));
    scene.keys("c");
    check("ended_mono_120", &styled(&scene.buffer(120, 24)));
    let places = |scene: &Scene| {
        let view = scene.view();
        let reasons = view.rows.iter().map(|row| row.flow.end_reason());
        reasons.collect::<Vec<_>>()
    };
    let ended = [
        Some(EndReason::Deleted),
        Some(EndReason::Reset),
        Some(EndReason::TimedOut),
        Some(EndReason::Closed),
    ];
    assert_eq!(places(&scene)[11..], ended, "the last to end first");
    assert!(places(&scene)[..11].iter().all(Option::is_none));
    let view = scene.view();
    assert_eq!((view.matching, view.ended, view.row_count()), (11, 4, 15));
    let all = view.counters;
    scene.keys("c");
    assert!(places(&scene).iter().all(Option::is_none));
    assert_eq!(scene.view().counters, all, "they enter no sum");
    assert!(!screen(&scene).contains("ENDED"), "nor have a column then");
}

#[test]
fn filters_and_orders_are_of_ended_flows_as_well() {
    let mut scene = scene((120, 24));
    scene.keys("c/");
    for c in "reason:timed_out,reset".chars() {
        scene.press(KeyCode::Char(c));
    }
    scene.press(KeyCode::Enter);
    scene.answer();
    let view = scene.view();
    assert_eq!((view.matching, view.ended), (0, 2));
    assert!(screen(&scene).contains("timed out"), "{}", screen(&scene));
    scene.keys("0/");
    for c in "ended<1m".chars() {
        scene.press(KeyCode::Char(c));
    }
    scene.press(KeyCode::Enter);
    scene.answer();
    // 20, 40, 60 and 80 seconds ago.
    assert_eq!(scene.view().ended, 2);
    scene.keys("0");
    // By state: closed, deleted, then those that live between them.
    scene.keys(">>");
    let states: Vec<_> = lines(&scene)[4..19]
        .iter()
        .map(|line| line.chars().skip(8).take(10).collect::<String>())
        .map(|state| state.trim().to_lowercase())
        .collect();
    assert!(states.is_sorted(), "{states:?}");
    assert!(states.contains(&"timed out".to_owned()), "{states:?}");
}

#[test]
fn the_selection_stays_with_a_flow_that_ends() {
    let evening = evening();
    let mut scene = Scene::new((120, 24), |_| ()).with(&evening);
    scene.keys("c");
    scene.press(KeyCode::Down);
    scene.answer();
    let (first, id) = scene.view().cursor.expect("selected");
    assert_eq!(first, 0);
    scene.destroy(&evening[0], |_| ());
    pass(&mut scene, 1);
    scene.answer();
    let (now, same) = scene.view().cursor.expect("selected");
    assert_eq!((now, same), (14, id), "below those that live");
    scene.press(KeyCode::Enter);
    scene.answer();
    let shown = screen(&scene);
    assert!(shown.contains("both ends closed it") || shown.contains("no packet came"));
    // Without ended flows it is gone from the list, but not from sight.
    scene.keys("c");
    assert_ne!(scene.view().cursor.map(|(_, id)| id), Some(id));
    assert!(screen(&scene).contains("ENDED"), "{}", screen(&scene));
}

#[test]
fn a_followed_flow_stays_when_it_has_ended() {
    let evening = evening();
    let mut scene = Scene::new((120, 24), |_| ()).with(&evening);
    scene.keys("jF");
    let (_, id) = scene.view().cursor.expect("selected");
    scene.destroy(&evening[0], |_| ());
    pass(&mut scene, 1);
    scene.answer();
    assert_eq!(scene.view().cursor, Some((14, id)), "below those that live");
    assert_eq!((scene.view().matching, scene.view().ended), (14, 1));
    check("following_ended_120", &styled(&scene.buffer(120, 24)));
    // Let go, it is gone like the others.
    scene.keys("F");
    scene.answer();
    assert_ne!(scene.view().cursor.map(|(_, id)| id), Some(id));
    assert_eq!(scene.view().ended, 0);
}

#[test]
fn forgetting_takes_two_presses() {
    let mut scene = scene((120, 24));
    scene.keys("cX");
    assert!(screen(&scene).contains("X again forgets 4 ended flows. Sums stay."));
    assert_eq!(scene.view().ended, 4);
    // Another key in between, or time.
    scene.keys("aaX");
    assert_eq!(scene.view().ended, 4);
    pass(&mut scene, 5);
    scene.state.tick(scene.now);
    scene.keys("X");
    assert_eq!(scene.view().ended, 4);
    // Time also where a click took away what the key had said.
    let click = MouseEventKind::Down(MouseButton::Left);
    scene.send(Message::Input(Event::Mouse(MouseEvent {
        kind: click,
        column: 5,
        row: 5,
        modifiers: KeyModifiers::NONE,
    })));
    pass(&mut scene, 60);
    scene.keys("X");
    assert_eq!(scene.view().ended, 4);
    let totals = scene.view().totals;
    scene.keys("X");
    assert_eq!(scene.view().ended, 0);
    assert_eq!(scene.view().totals, totals);
    assert!(screen(&scene).contains("Forgot 4 ended flows."));
    scene.keys("X");
    assert!(screen(&scene).contains("There is no ended flow to forget."));
}

#[test]
fn groups_say_that_they_count_ended_flows() {
    let mut scene = scene((120, 24));
    scene.keys("2c");
    assert!(screen(&scene).contains("Ended flows are in these sums already"));
    scene.keys("1");
    assert_eq!(scene.view().ended, 0);
}

#[test]
fn a_baseline_counts_from_its_moment() {
    let evening = evening();
    let mut scene = Scene::new((120, 24), |_| ()).with(&evening);
    assert!(!screen(&scene).contains('Δ'));
    scene.keys("z");
    assert!(screen(&scene).contains("↓ Δ and ↑ Δ count from now on"));
    pass(&mut scene, 10);
    scene.tell(&evening[0], |report| {
        if let Some(counters) = &mut report.counters {
            counters.orig.bytes += 5_000;
            counters.reply.bytes += 70_000;
        }
    });
    scene.answer();
    let shown = screen(&scene);
    check("baseline_120", &shown);
    let first = shown.lines().nth(4).unwrap_or_default();
    assert!(
        first.contains("70.0kB") && first.contains("5.00kB"),
        "{first}"
    );
    assert!(shown.contains("Δ since 14:32:07"));
    // Anew, and at once again: dropped.
    scene.keys("z");
    let first = lines(&scene)[4].clone();
    assert!(!first.contains("70.0kB"), "{first}");
    scene.keys("z");
    assert!(screen(&scene).contains("from the start of flowtop again"));
    assert!(!lines(&scene)[3].contains('Δ'));
    check("baseline_80", &{
        let mut scene = Scene::new((80, 24), |_| ()).with(&evening);
        scene.keys("z");
        text(&scene.buffer(80, 24))
    });
}

#[test]
fn peaks_packets_and_rest_have_columns() {
    let evening = evening();
    let columns = "dst,idle,expires,down_pps,up_pps,size,down_peak,up_peak,up_delta";
    let choice = Choice::parse(columns).expect("columns");
    let mut scene = Scene::new((120, 24), |s| s.columns = choice).with(&evening);
    scene.pass_time(&evening[0], |second| match second {
        3 => [50_000, 9_000_000],
        0..20 => [7_000, 14_000],
        _ => [0, 0],
    });
    let shown = screen(&scene);
    check("peaks_120", &shown);
    let row = shown.lines().find(|line| line.contains("198.51.100.80"));
    let row = row.expect("it is there");
    // Nothing for twenty seconds; the second before `pass_time` was its fastest.
    assert!(row.contains("20s") && row.contains("12.4MB/s"), "{row}");
}
