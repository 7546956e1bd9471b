//! The help: generated from the key table and the columns, so that it never
//! tells of something else than what is there.

use super::super::keys::{KEYS, Section};
use super::super::state::State;
use super::super::theme::Role;
use super::popup::{Text, heading, paragraph};
use super::status;
use crate::view::column::COLUMNS;

/// Columns that only lists of groups have.
const GROUPS: &[(&str, &str)] = &[
    ("AS", "Number of the network (autonomous system)."),
    ("FLOWS", "Flows that are there."),
    (
        "ENDED",
        "Flows that have ended since the start; their bytes still count.",
    ),
    (
        "HOSTS PEERS",
        "Distinct far ends of the flows that are there.",
    ),
    (
        "NEW/s",
        "Flows that began within the last ten seconds and are still there, per second.",
    ),
    ("UNREPL", "Flows without an answer so far."),
    (
        "USER UNIT",
        "Of a process: its user; its container or systemd unit.",
    ),
    (
        "↑ ↓",
        "Of hosts and processes: what they have sent, what they have received.",
    ),
];

/// The lines of the popup, in two columns if the screen is wide.
pub(super) fn content(state: &State, width: usize, is_wide: bool) -> Vec<Text> {
    let mut lines = Vec::new();
    for warning in state.warnings() {
        paragraph(warning, Role::ChipWarn, width, &mut lines);
        lines.push(Text::new());
    }
    if let Some(hint) = state
        .view
        .as_ref()
        .and_then(|view| status::hint(&view.status))
    {
        paragraph(&hint, Role::HelpText, width, &mut lines);
        lines.push(Text::new());
    }
    if is_wide {
        let left = [
            Section::Move,
            Section::Show,
            Section::Take,
            Section::Program,
        ];
        let half = width / 2;
        lines.extend(beside(
            keys(state, &left, half - 2),
            &keys(state, &[Section::Filter], half),
            half,
        ));
    } else {
        lines.extend(keys(state, &Section::ALL, width));
    }
    lines.push(Text::new());
    lines.extend(columns(width));
    lines
}

fn keys(state: &State, sections: &[Section], width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for section in sections {
        if !lines.is_empty() {
            lines.push(Text::new());
        }
        lines.push(heading(section.title()));
        for key in KEYS.iter().filter(|key| key.section == *section) {
            if let Some(help) = state.settings.keys.help(key) {
                entry(&state.settings.keys.label(key), help, width, &mut lines);
            }
        }
    }
    lines
}

fn columns(width: usize) -> Vec<Text> {
    let mut lines = vec![heading("Columns")];
    for column in COLUMNS.iter().filter(|column| !column.is_extra()) {
        let title = match column.title {
            "" => "→ ← ↔ ⇢",
            title => title,
        };
        entry(title, column.doc, width, &mut lines);
    }
    let letter = "on a narrow screen: the protocol, and the first letter of the state";
    entry("tcp E", letter, width, &mut lines);
    for (title, doc) in GROUPS {
        entry(title, doc, width, &mut lines);
    }
    entry(
        "more",
        "C has more columns, and says what they show",
        width,
        &mut lines,
    );
    let absent = "not known here; that is not the same as 0";
    entry("-", absent, width, &mut lines);
    lines
}

fn entry(label: &str, text: &str, width: usize, lines: &mut Vec<Text>) {
    super::popup::entry(label, text, Role::HelpText, width, lines);
}

/// Two columns, the left one `width` cells wide.
fn beside(mut left: Vec<Text>, right: &[Text], width: usize) -> Vec<Text> {
    left.resize(left.len().max(right.len()), Text::new());
    for (line, right) in left.iter_mut().zip(right) {
        let used: usize = line.iter().map(|(text, _)| text.chars().count()).sum();
        line.push((" ".repeat(width.saturating_sub(used)), Role::Text));
        line.extend_from_slice(right);
    }
    left
}
