//! Whole sessions of keys: `tests/sessions/*.toml`.
//!
//! A session is a question that somebody has, a place to ask it, and steps. A
//! step presses keys, types text or gives the terminal another size; each key
//! is answered before the next. Then it says what stands on the screen, what
//! does not, and what is selected.

use std::fs;
use std::path::Path;

use crossterm::event::KeyModifiers;
use flowtop::tui::keys::Chord;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use serde::Deserialize;

use super::desk;
use super::scene::{Scene, evening, world};
use super::snapshot::text;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Session {
    /// What somebody wants to know, or to do.
    about: String,
    /// Where.
    at: Place,
    /// Columns and lines of the terminal.
    size: (u16, u16),
    /// How many keys it may take in all.
    keys_at_most: Option<usize>,
    #[serde(rename = "step")]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    /// A machine that people work at.
    Desk,
    /// A router whose flows go all over the world.
    World,
    /// A router at home.
    Evening,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// Keys, as the configuration writes them, with blanks between.
    #[serde(default)]
    press: String,
    /// Text, after the keys.
    #[serde(default)]
    r#type: String,
    /// A new size of the terminal.
    size: Option<(u16, u16)>,
    /// Texts that the screen holds then.
    #[serde(default)]
    sees: Vec<String>,
    /// Texts that it does not hold.
    #[serde(default)]
    misses: Vec<String>,
    /// A text in the selected row.
    selected: Option<String>,
}

impl Session {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the session can be read");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn scene(&self) -> Scene {
        let (width, height) = self.size;
        match self.at {
            Place::Desk => desk::scene(width, height, |_| ()),
            Place::World => {
                let mut scene = Scene::new(self.size, |_| ()).with(&world());
                scene.name_hosts();
                scene
            }
            Place::Evening => Scene::new(self.size, |_| ()).with(&evening()),
        }
    }

    fn run(&self) {
        let mut scene = self.scene();
        scene.answer();
        let (mut size, mut keys) = (self.size, 0);
        for (number, step) in self.steps.iter().enumerate() {
            if let Some((width, height)) = step.size {
                size = (width, height);
                scene.resize(width, height);
                scene.answer();
            }
            for key in step.press.split_whitespace() {
                let chord: Chord = key.parse().expect("a key");
                let modifiers = if chord.ctrl {
                    KeyModifiers::CONTROL
                } else {
                    KeyModifiers::NONE
                };
                scene.press_with(chord.code, modifiers);
                scene.answer();
                keys += 1;
            }
            scene.keys(&step.r#type);
            let screen = scene.buffer(size.0, size.1);
            step.check(&screen, &format!("{}, step {}", self.about, number + 1));
        }
        if let Some(most) = self.keys_at_most {
            assert!(keys <= most, "{}: {keys} keys, not {most}", self.about);
        }
    }
}

impl Step {
    fn check(&self, screen: &Buffer, about: &str) {
        let shown = text(screen);
        for wanted in &self.sees {
            assert!(shown.contains(wanted), "{about}: no `{wanted}`\n{shown}");
        }
        for unwanted in &self.misses {
            let is_there = shown.contains(unwanted);
            assert!(!is_there, "{about}: `{unwanted}` is there\n{shown}");
        }
        if let Some(wanted) = &self.selected {
            let row = selected(screen);
            let is_there = row.as_ref().is_some_and(|row| row.contains(wanted));
            assert!(is_there, "{about}: `{wanted}` is not in {row:?}\n{shown}");
        }
    }
}

/// The text of the selected row.
fn selected(screen: &Buffer) -> Option<String> {
    let mut rows = screen.content().chunks(usize::from(screen.area.width));
    let row = rows.find(|row| {
        let marked = row
            .iter()
            .filter(|c| c.modifier.contains(Modifier::REVERSED));
        marked.count() > row.len() / 3
    })?;
    Some(row.iter().map(Cell::symbol).collect())
}

#[test]
fn sessions_go_as_they_are_told() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut paths: Vec<_> = fs::read_dir(&dir)
        .expect("the directory of sessions")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        Session::read(&path).run();
    }
}
