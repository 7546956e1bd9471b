//! The table `[keys]`.

use toml::de::{DeTable, DeValue};

use super::super::value;
use super::keys::text;
use super::{Reading, is_option, line, misplaced};
use crate::tui::keymap::Preset;
use crate::tui::keys::{Action, Chord};

/// In `[keys]`, what takes a key away.
const NO_ACTION: &str = "none";

/// What a line of `[keys]` gives a key to, and where it stands.
struct Binding {
    line: usize,
    chord: Chord,
    action: Option<Action>,
}

impl Reading<'_> {
    pub(super) fn keys(&mut self, keys: &DeTable<'_>) {
        let mut bindings: Vec<Binding> = Vec::new();
        let mut lines: Vec<_> = keys
            .iter()
            .map(|(key, value)| (line(self.text, key.span().start), key, value))
            .collect();
        // The parser hands out keys in their own order.
        lines.sort_unstable_by_key(|(line, ..)| *line);
        for (line, key, value) in lines {
            let read = match key.get_ref().as_ref() {
                "preset" => preset(value.get_ref()).map(|preset| {
                    self.layer.preset = Some(preset);
                }),
                key => binding(line, key, value.get_ref(), &bindings).map(|binding| {
                    bindings.push(binding);
                }),
            };
            if let Err(problem) = read {
                self.problems.push((line, problem));
            }
        }
        let changes = bindings.iter().map(|b| (b.chord, b.action));
        self.layer.keys.extend(changes);
    }
}

fn preset(value: &DeValue<'_>) -> Result<Preset, String> {
    let name = text(value)?;
    Preset::ALL
        .into_iter()
        .find(|preset| preset.name() == name)
        .ok_or_else(|| {
            let all = Preset::ALL.map(Preset::name).join(", ");
            format!("`preset`: give {all}")
        })
}

/// A line of `[keys]`, unless one of those `before` has its key.
fn binding(
    line: usize,
    key: &str,
    value: &DeValue<'_>,
    before: &[Binding],
) -> Result<Binding, String> {
    let chord: Chord = match key.parse() {
        Ok(chord) => chord,
        Err(_) if is_option(key) => return Err(misplaced(key, "keys")),
        Err(problem) => return Err(problem),
    };
    let action = match text(value)? {
        NO_ACTION => None,
        name => Some(action(name)?),
    };
    match before.iter().find(|other| other.chord == chord) {
        Some(other) => Err(format!(
            "`{key}` cannot be `{}`: on line {} it is `{}`, which counts",
            told(action),
            other.line,
            told(other.action)
        )),
        None => Ok(Binding {
            line,
            chord,
            action,
        }),
    }
}

fn action(name: &str) -> Result<Action, String> {
    let found = Action::all().find(|action| action.name() == name);
    found.ok_or_else(|| {
        format!(
            "`{name}` is no action{}; `{NO_ACTION}` takes the key away",
            value::nearest(name, Action::all().map(Action::name))
        )
    })
}

fn told(action: Option<Action>) -> &'static str {
    action.map_or(NO_ACTION, Action::name)
}
