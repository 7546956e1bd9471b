//! The page of the keys, and of the mouse.

use super::super::super::keys::{KEYS, Section};
use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::popup::Text;
use super::{Entry, Part};

const MOUSE: &[(&str, &str)] = &[
    (
        "click",
        "a row selects it; a tab, a list of the trail or a key line's word does it",
    ),
    ("header", "sorts by the column; again: the other way round"),
    ("twice", "into the row, as Enter"),
    ("right", "on a header: what the column shows"),
    ("wheel", "moves what is under it; on the header, columns"),
    (
        "Shift",
        "held down, most terminals select text instead; --no-mouse leaves them the mouse",
    ),
];

/// Parts on the left of a wide screen.
const LEFT: [Section; 4] = [
    Section::Move,
    Section::Show,
    Section::Take,
    Section::Program,
];

/// A part for each section of the key table, and the mouse.
pub(super) fn parts(state: &State) -> Vec<Part> {
    let mut parts: Vec<_> = Section::ALL
        .into_iter()
        .map(|s| section(state, s))
        .collect();
    let entries = MOUSE.iter().map(|(label, text)| Entry::new(*label, *text));
    parts.push(Part {
        title: if state.has_mouse() {
            "Mouse"
        } else {
            "Mouse, when it is on"
        },
        entries: entries.collect(),
    });
    parts
}

fn section(state: &State, section: Section) -> Part {
    let keys = &state.settings.keys;
    let of = KEYS.iter().filter(|key| key.section == section);
    Part {
        title: section.title(),
        entries: of
            .filter_map(|key| Some(Entry::new(keys.label(key), keys.help(key)?)))
            .collect(),
    }
}

/// Two columns.
pub(super) fn beside(parts: &[Part], width: usize) -> Vec<Text> {
    let half = width / 2;
    let is_left = |part: &&Part| LEFT.iter().any(|section| section.title() == part.title);
    let side = |left: bool, width| {
        let of = parts.iter().filter(|part| is_left(part) == left);
        let mut lines = Vec::new();
        for part in of {
            if !lines.is_empty() {
                lines.push(Text::new());
            }
            lines.extend(part.tell(width));
        }
        lines
    };
    let (mut left, right) = (side(true, half - 2), side(false, half));
    left.resize(left.len().max(right.len()), Text::new());
    for (line, right) in left.iter_mut().zip(right) {
        let used: usize = line.iter().map(|(text, _)| text.chars().count()).sum();
        line.push((" ".repeat(half.saturating_sub(used)), Role::Text));
        line.extend(right);
    }
    left
}
