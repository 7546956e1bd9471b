//! The help: generated from the key table, the columns and the keys of filters,
//! so that it never tells of something else than what is there.

mod columns;
mod filter;
mod keys;

use super::super::help::Page;
use super::super::state::State;
use super::super::theme::Role;
use super::popup::{Text, heading, paragraph};
use super::status;

/// Something that the help says.
struct Entry {
    /// What it is about; empty for a text alone.
    label: String,
    /// What is said.
    text: String,
    /// Whether it is what was asked about.
    is_wanted: bool,
}

impl Entry {
    fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            text: text.into(),
            is_wanted: false,
        }
    }

    /// Whether it holds what is looked for, which is in lower case.
    fn holds(&self, wanted: &str) -> bool {
        [&self.label, &self.text]
            .iter()
            .any(|text| text.to_lowercase().contains(wanted))
    }

    fn tell(&self, width: usize, lines: &mut Vec<Text>) {
        let role = if self.is_wanted {
            Role::Title
        } else {
            Role::HelpText
        };
        if self.label.is_empty() {
            paragraph(&self.text, role, width, lines);
        } else {
            super::popup::entry(&self.label, &self.text, role, width, lines);
        }
    }
}

/// What belongs together.
struct Part {
    title: &'static str,
    entries: Vec<Entry>,
}

impl Part {
    fn tell(&self, width: usize) -> Vec<Text> {
        let mut lines = vec![heading(self.title)];
        for entry in &self.entries {
            entry.tell(width, &mut lines);
        }
        lines
    }
}

/// The lines of the popup, in two columns if the screen is wide.
pub(super) fn content(state: &State, width: usize, is_wide: bool) -> Vec<Text> {
    let wanted = state.help.wanted.trim().to_lowercase();
    if !wanted.is_empty() {
        return found(state, &wanted, width);
    }
    let parts = parts(state, state.help.page);
    match state.help.page {
        Page::Keys if is_wide => {
            let mut lines = remarks(state, width);
            lines.extend(keys::beside(&parts, width));
            lines
        }
        Page::Keys => {
            let mut lines = remarks(state, width);
            lines.extend(told(&parts, width));
            lines
        }
        Page::Columns | Page::Filter => told(&parts, width),
    }
}

fn parts(state: &State, page: Page) -> Vec<Part> {
    match page {
        Page::Keys => keys::parts(state),
        Page::Columns => columns::parts(state),
        Page::Filter => filter::parts(),
    }
}

/// One below the other.
fn told(parts: &[Part], width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for part in parts {
        if !lines.is_empty() {
            lines.push(Text::new());
        }
        lines.extend(part.tell(width));
    }
    lines
}

/// What is looked for, wherever it stands.
fn found(state: &State, wanted: &str, width: usize) -> Vec<Text> {
    let parts = Page::ALL.into_iter().flat_map(|page| parts(state, page));
    let parts: Vec<_> = parts
        .map(|mut part| {
            // All that a heading says belongs to it.
            if !part.title.to_lowercase().contains(wanted) {
                part.entries.retain(|entry| entry.holds(wanted));
            }
            part
        })
        .filter(|part| !part.entries.is_empty())
        .collect();
    if parts.is_empty() {
        let mut lines = Vec::new();
        let nothing = "Nothing in the help says that. The manual, flowtop(8), has more.";
        paragraph(nothing, Role::Dim, width, &mut lines);
        return lines;
    }
    told(&parts, width)
}

/// What went wrong, and what the source does not show: there may be no room for
/// it elsewhere.
fn remarks(state: &State, width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for warning in state.warnings() {
        paragraph(warning, Role::ChipWarn, width, &mut lines);
        lines.push(Text::new());
    }
    if let Some(hint) = status::hint(state) {
        paragraph(&hint, Role::HelpText, width, &mut lines);
        lines.push(Text::new());
    }
    lines
}
