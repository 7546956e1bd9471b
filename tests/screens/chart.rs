//! Rates as pictures: the page of rates, sparklines beside the totals, trends
//! and bars beside rows.

use std::time::Duration;

use crossterm::event::KeyCode;
use flowtop::flow::{Moment, Pair};
use flowtop::view::chart::{Chart, Of};
use flowtop::view::history::{History, Moved, Reading, Sample, Series, Turnover, recent};
use flowtop::view::{Group, Page, Query};
use proptest::prelude::*;

use super::desk;
use super::scene::{Scene, evening, themes};
use super::snapshot::{check, styled, text};

const SECOND: u64 = 1_000_000_000;

/// What was known of the past.
type Known = (Vec<Option<Sample>>, Option<Box<Chart>>);

/// Answers a query about readings of so many seconds; `moved` says what was read
/// in each, by how many seconds ago it was.
fn answer(
    query: &Query,
    now: Moment,
    secs: u64,
    moved: impl Fn(u64) -> Option<(u64, u64, u32, u32)>,
) -> Known {
    let mut history = History::default();
    for ago in (0..secs).rev() {
        let Some((down, up, born, ended)) = moved(ago) else {
            continue;
        };
        let to_ns = now.mono_ns - ago * SECOND;
        history.push(Reading {
            from_ns: to_ns - SECOND,
            to_ns,
            sum: Moved {
                bytes: Pair {
                    orig: up,
                    reply: down,
                },
                turnover: Some(Turnover { born, ended }),
            },
        });
    }
    let readings = || history.readings().copied();
    let chart = query.chart.as_ref().map(|charting| {
        let series = Series::of(readings(), charting.span, charting.steps, now);
        Box::new(Chart {
            of: charting.of,
            series,
            is_over: false,
        })
    });
    (recent(readings().rev(), 40), chart)
}

/// Somebody watches a film and saves a file; nobody looked for a while.
fn busy(query: &Query, now: Moment) -> Known {
    answer(query, now, 3600, |ago| {
        let wave = |period: u64| (ago % period).abs_diff(period / 2) * 1000 / period;
        let film = if ago % 9 < 4 { 9_000_000 } else { 400_000 };
        let down = film + wave(40) * 9_000 + wave(600) * 3_000;
        let up = if (10..25).contains(&(ago % 60)) {
            2_100_000 + wave(7) * 500
        } else {
            90_000
        };
        let born = (3 + wave(23) / 50) as u32;
        ((30..38).contains(&ago) || (900..1500).contains(&ago))
            .then_some(())
            .map_or(Some((down, up, born, born / 2)), |()| None)
    })
}

/// Nothing but a keepalive now and then, since half a minute.
fn calm(query: &Query, now: Moment) -> Known {
    answer(query, now, 28, |ago| {
        Some(if ago % 10 == 0 {
            (66, 54, 0, 0)
        } else {
            (0, 0, 0, 0)
        })
    })
}

/// The first reading is still the only one.
fn young(query: &Query, now: Moment) -> Known {
    answer(query, now, 0, |_| None)
}

fn scene(width: u16, height: u16, past: fn(&Query, Moment) -> Known) -> Scene {
    let mut scene = Scene::new((width, height), |_| ());
    scene.past = Some(past);
    scene.with(&evening())
}

/// Presses keys, each answered.
fn press(scene: &mut Scene, codes: &[KeyCode]) {
    for code in codes {
        scene.press(*code);
        scene.answer();
    }
}

fn keys(scene: &mut Scene, keys: &str) {
    for key in keys.chars() {
        press(scene, &[KeyCode::Char(key)]);
    }
}

#[test]
fn the_page_of_rates_at_every_size() {
    for (width, height) in [(60, 20), (80, 24), (120, 40), (200, 50)] {
        let mut scene = scene(width, height, busy);
        keys(&mut scene, "9");
        let screen = text(&scene.buffer(width, height));
        check(&format!("chart_{width}"), &screen);
    }
}

#[test]
fn the_page_of_rates_in_colour_and_without() {
    for (name, color) in [("color", true), ("mono", false)] {
        let mut scene = Scene::new((80, 30), |settings| settings.themes = themes(color));
        scene.past = Some(busy);
        let mut scene = scene.with(&evening());
        keys(&mut scene, "9");
        check(&format!("chart_{name}_80"), &styled(&scene.buffer(80, 30)));
    }
}

#[test]
fn spans_are_a_key_away_and_gaps_stay_gaps() {
    let mut scene = scene(100, 26, busy);
    keys(&mut scene, "9");
    let span = |scene: &Scene| scene.query.chart.as_ref().map(|chart| chart.span.as_secs());
    assert_eq!(span(&scene), Some(60));
    press(&mut scene, &[KeyCode::Left]);
    assert_eq!(span(&scene), Some(60));
    press(&mut scene, &[KeyCode::Right, KeyCode::Right]);
    assert_eq!(span(&scene), Some(900));
    press(&mut scene, &[KeyCode::Right, KeyCode::Right]);
    assert_eq!(span(&scene), Some(3600));
    check("chart_hour_100", &text(&scene.buffer(100, 26)));
    keys(&mut scene, "b");
    let bits = text(&scene.buffer(100, 26));
    assert!(bits.contains("bit/s"), "{bits}");
}

#[test]
fn rest_looks_like_rest() {
    let mut scene = scene(100, 20, calm);
    let line = |scene: &Scene| {
        text(&scene.buffer(100, 20))
            .lines()
            .nth(1)
            .map(str::to_owned)
    };
    let totals = line(&scene).unwrap();
    assert!(!totals.contains(['▁', '▂', '█']), "{totals}");
    keys(&mut scene, "9");
    check("chart_calm_100", &text(&scene.buffer(100, 20)));
    scene.past = Some(young);
    scene.answer();
    let first = text(&scene.buffer(100, 20));
    assert!(first.contains("the second is on its way"), "{first}");
}

#[test]
fn a_group_within_another_is_charted_within_it() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.past = Some(busy);
    keys(&mut scene, "2");
    press(&mut scene, &[KeyCode::Down, KeyCode::Enter]);
    keys(&mut scene, "gv");
    press(&mut scene, &[KeyCode::Down]);
    keys(&mut scene, "9");
    let chart = scene.query.chart.clone().unwrap();
    let host = "192.168.1.23".parse().unwrap();
    assert_eq!(chart.within, [Group::Host(host)]);
    assert!(matches!(chart.of, Of::Group(Group::Service(_))));
    let screen = text(&scene.buffer(120, 30));
    let name = "hosts › 192.168.1.23 › by service › ";
    assert!(screen.contains(name), "{screen}");
    // What is asked for of everything is within nothing.
    press(&mut scene, &[KeyCode::Up]);
    assert_eq!(scene.query.chart.clone().unwrap().within, []);
}

#[test]
fn a_chart_is_of_what_was_selected() {
    let mut scene = desk::scene(120, 30, |_| ());
    scene.past = Some(busy);
    let of = |scene: &Scene| scene.query.chart.as_ref().map(|chart| chart.of);
    keys(&mut scene, "9");
    assert_eq!(of(&scene), Some(Of::Scope));
    assert_eq!(scene.query.page, Page::Chart);
    // A process.
    keys(&mut scene, "3");
    press(&mut scene, &[KeyCode::Down]);
    keys(&mut scene, "9");
    assert!(matches!(of(&scene), Some(Of::Group(_))));
    let screen = text(&scene.buffer(120, 30));
    assert!(screen.contains("processes › firefox"), "{screen}");
    // Back to where one came from, and to a flow.
    press(&mut scene, &[KeyCode::Esc]);
    assert_eq!(scene.query.page, Page::List);
    keys(&mut scene, "1");
    press(&mut scene, &[KeyCode::Down]);
    keys(&mut scene, "9");
    assert!(matches!(of(&scene), Some(Of::Flow(_))));
    check("chart_flow_120", &text(&scene.buffer(120, 30)));
    // Everything is still there to see.
    press(&mut scene, &[KeyCode::Up]);
    assert_eq!(of(&scene), Some(Of::Scope));
    press(&mut scene, &[KeyCode::Down]);
    assert!(matches!(of(&scene), Some(Of::Flow(_))));
    // What the filters hold.
    keys(&mut scene, "o");
    press(&mut scene, &[KeyCode::Home, KeyCode::Down]);
    assert_eq!(of(&scene), Some(Of::Matching));
}

#[test]
fn a_flow_of_which_nothing_was_kept_says_so() {
    let mut scene = scene(100, 20, busy);
    press(&mut scene, &[KeyCode::Down]);
    scene.past = None;
    keys(&mut scene, "9");
    let screen = text(&scene.buffer(100, 20));
    assert!(screen.contains("nothing was kept of it"), "{screen}");
}

#[test]
fn the_totals_say_how_they_went_where_there_is_room() {
    for width in [80, 100, 120, 160, 200] {
        let scene = scene(width, 14, busy);
        let screen = text(&scene.buffer(width, 14));
        check(&format!("sparks_{width}"), &screen);
    }
    let filtered = Scene::new((160, 14), |settings| {
        settings.filter = Some(std::sync::Arc::new("port 443".parse().unwrap()));
    });
    let mut filtered = filtered;
    filtered.past = Some(busy);
    let filtered = filtered.with(&evening());
    check("sparks_filtered_160", &text(&filtered.buffer(160, 14)));
}

#[test]
fn rates_have_bars_on_two_scales() {
    for width in [60, 80, 120] {
        let mut scene = scene(width, 20, busy);
        keys(&mut scene, "B");
        check(
            &format!("bars_log_{width}"),
            &text(&scene.buffer(width, 20)),
        );
        keys(&mut scene, "B");
        let screen = text(&scene.buffer(width, 20));
        check(&format!("bars_linear_{width}"), &screen);
        keys(&mut scene, "2");
        let screen = text(&scene.buffer(width, 20));
        check(&format!("bars_hosts_{width}"), &screen);
        keys(&mut scene, "1B");
        assert!(!text(&scene.buffer(width, 20)).contains('▀'));
    }
    for (name, color) in [("color", true), ("mono", false)] {
        let scene = Scene::new((80, 20), |settings| settings.themes = themes(color));
        let mut scene = scene.with(&evening());
        keys(&mut scene, "B");
        check(&format!("bars_{name}_80"), &styled(&scene.buffer(80, 20)));
    }
}

#[test]
fn wide_screens_show_trends() {
    let mut scene = scene(200, 20, busy);
    let line = &evening()[0];
    scene.pass_time(line, |second| {
        let down = if second % 12 < 8 { 2_000_000 } else { 150_000 };
        [second * 9_000, down]
    });
    check("trends_200", &text(&scene.buffer(200, 20)));
    keys(&mut scene, "2");
    check("trends_hosts_200", &text(&scene.buffer(200, 20)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is known, and however large the screen is.
    #[test]
    fn any_series_on_any_screen_goes_well(
        width in 1_u16..250,
        height in 1_u16..70,
        steps in proptest::collection::vec(
            proptest::option::of((any::<u64>(), any::<u64>(), any::<f64>())), 0..300),
        step in 1_u64..100_000_000_000,
        span in 0_usize..4,
        end in any::<u64>(),
    ) {
        let mut scene = scene(width, height, young);
        keys(&mut scene, "9");
        for _ in 0..span {
            press(&mut scene, &[KeyCode::Right]);
        }
        let sample = |(orig, reply, flows)| Sample {
            bytes_per_sec: Pair { orig, reply },
            born_per_sec: Some(flows),
            ended_per_sec: Some(flows / 3.0),
        };
        let steps: Vec<_> = steps.into_iter().map(|step| step.map(sample)).collect();
        let mut view = scene.view();
        view.recent = steps.iter().take(40).copied().collect();
        view.chart = Some(Box::new(Chart {
            of: Of::Scope,
            series: Series {
                end_ns: end,
                step: Duration::from_nanos(step),
                since_ns: Some(end / 2),
                steps,
            },
            is_over: true,
        }));
        scene.show(view);
        scene.buffer(width, height);
    }
}
