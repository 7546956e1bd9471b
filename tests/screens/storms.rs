//! Random keys, sizes and answers: nothing panics, and questions stay sane.

use crossterm::event::{KeyCode, KeyModifiers};
use flowtop::tui::keys::KEYS;
use flowtop::view::{Cursor, List, Subject};
use proptest::prelude::*;

use super::desk;
use super::scene::{Scene, crowd, evening, world};

#[derive(Clone, Debug)]
enum Step {
    Key(usize, usize),
    Other(char),
    /// A key of the choice of columns.
    Pick(char),
    Resize(u16, u16),
    Answer,
    Late,
    End(u16),
    Warn,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..KEYS.len(), 0..4_usize).prop_map(|(key, chord)| Step::Key(key, chord)),
        1 => any::<char>().prop_map(Step::Other),
        2 => prop::sample::select(vec!['C', ' ', 'J', 'K', 'j', 'k']).prop_map(Step::Pick),
        2 => (0..250_u16, 0..60_u16).prop_map(|(w, h)| Step::Resize(w, h)),
        4 => Just(Step::Answer),
        1 => Just(Step::Late),
        1 => (0..40_u16).prop_map(Step::End),
        1 => Just(Step::Warn),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_session_goes_well(steps in prop::collection::vec(step(), 1..120)) {
        let mut scene = Scene::new((80, 24), |_| ()).with(&crowd(40));
        let mut size = (80, 24);
        let mut late = scene.view();
        for step in steps {
            match step {
                Step::Key(key, chord) => {
                    let chords = KEYS[key].chords;
                    let chord = chords[chord % chords.len()];
                    let modifiers = if chord.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
                    scene.press_with(chord.code, modifiers);
                }
                Step::Other(c) | Step::Pick(c) => scene.press(KeyCode::Char(c)),
                Step::Resize(width, height) => {
                    size = (width, height);
                    scene.resize(width, height);
                }
                Step::Answer => {
                    late = scene.view();
                    scene.answer();
                }
                Step::Late => scene.show(late.clone()),
                Step::End(n) => scene.end(n),
                Step::Warn => scene.status.warnings.push("a warning".to_owned()),
            }
            if let Some(query) = &scene.last.ask {
                prop_assert_eq!(query, scene.state.query());
            }
            let query = scene.state.query();
            prop_assert!(query.height <= usize::from(size.1));
            prop_assert!(query.first < 40);
            match query.cursor {
                Cursor::None => {}
                Cursor::Index(index) => prop_assert!(index < 40),
                Cursor::Flow { index, line, .. } | Cursor::Group { index, line, .. } => {
                    prop_assert!(index < 40);
                    prop_assert!(line <= 60);
                }
            }
            prop_assert!(scene.query.scope.has_family(flowtop::flow::Family::Ipv4)
                || scene.query.scope.has_family(flowtop::flow::Family::Ipv6));
            // A terminal changes its size before it says so.
            scene.buffer(size.0, size.1);
            scene.buffer(40, 8);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Through all lists, with answers that come late or not at all.
    #[test]
    fn any_way_through_the_lists_goes_well(
        at_desk in any::<bool>(),
        steps in prop::collection::vec((0..14_usize, any::<bool>()), 1..80),
    ) {
        let mut lines = world();
        let mut scene = Scene::new((80, 13), |_| ()).with(&lines);
        if at_desk {
            lines = desk::lines();
            scene = desk::scene(80, 13, |_| ());
        }
        let mut late = scene.view();
        for (number, (step, answered)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => scene.press(KeyCode::Enter),
                2 => scene.press(KeyCode::Esc),
                3 | 4 => scene.press(KeyCode::Down),
                5 => scene.press(KeyCode::Up),
                6 => scene.press(KeyCode::PageDown),
                7 => scene.press(KeyCode::Tab),
                8 => scene.press(KeyCode::Char(['2', '3', '5', '7', 'o'][number % 5])),
                12 => scene.press(KeyCode::Char(['<', '>', 'r'][number % 3])),
                13 => scene.press_with(KeyCode::Char('o'), KeyModifiers::CONTROL),
                9 => scene.end_of(&lines[number % lines.len()]),
                10 => scene.show(late.clone()),
                _ => scene.resize(60 + number as u16, 8 + number as u16 % 9),
            }
            if answered {
                late = scene.view();
                scene.answer();
            }
            prop_assert_eq!(&scene.query, scene.state.query());
            let view = scene.view();
            prop_assert!(view.window_rows() <= scene.query.height.min(view.row_count()));
            prop_assert!(scene.query.detail.is_none() || scene.query.list == List::Flows);
            // What is looked closer at is there, or has its last word.
            if answered && view.matching > 0 && let Some(Subject::Flow(id)) = scene.query.detail {
                let shown = view.detail.as_ref().map(|detail| detail.row.id);
                prop_assert_eq!(shown, Some(id));
            }
            scene.buffer(80, 13);
        }
        // From wherever this is, it is not far back to the top.
        for _ in 0..6 {
            scene.press(KeyCode::Esc);
        }
        scene.keys("1");
        prop_assert_eq!(scene.query.list, List::Flows);
        prop_assert!(scene.query.within.is_empty());
    }
}

#[test]
fn every_size_can_be_drawn() {
    let mut scenes = Vec::new();
    for keys in [
        "", "s", "b", "sb", "?", "V", "2", "3", "5", "7", "o", "TUDISO", "C", "<r",
    ] {
        let mut scene = Scene::new((80, 24), |_| ()).with(&evening());
        scene.status.warnings = vec!["one warning".to_owned(); 2];
        scene.answer();
        scene.keys(keys);
        scene.press(KeyCode::Down);
        scenes.push(scene);
    }
    for keys in ["", "s", "sb", "2", "3", "3o", "C", "3<"] {
        let mut scene = desk::scene(80, 24, |_| ());
        scene.keys(keys);
        scene.press(KeyCode::Down);
        scenes.push(scene);
    }
    for scene in &mut scenes {
        for width in 1..=250 {
            for height in [1, 7, 8, 9, 20] {
                scene.buffer(width, height);
            }
        }
        for height in 1..=60 {
            scene.resize(90, height);
            scene.answer();
            scene.buffer(90, height);
        }
    }
}

#[test]
fn details_can_be_drawn_at_every_size() {
    for keys in ["", "bJJJJ"] {
        let mut scene = desk::scene(80, 24, |_| ());
        for _ in 0..4 {
            scene.press(KeyCode::Down);
        }
        scene.press(KeyCode::Enter);
        scene.answer();
        scene.keys(keys);
        for width in (1..=250).step_by(3) {
            for height in [8, 9, 11, 20] {
                scene.buffer(width, height);
            }
        }
        for height in (1..=60).step_by(2) {
            for width in [90, 170] {
                scene.resize(width, height);
                scene.answer();
                scene.buffer(width, height);
            }
        }
    }
}

#[test]
fn a_window_without_a_line_stays_in_the_list() {
    let mut scene = Scene::new((80, 24), |_| ()).with(&crowd(40));
    scene.resize(0, 0);
    scene.press(KeyCode::End);
    scene.answer();
    scene.press(KeyCode::PageDown);
    assert!(scene.state.query().first < 40);
    scene.answer();
    assert!(scene.state.query().first < 40);
}
