//! The page of the columns: what each shows, and why there may be nothing.

use super::super::super::state::State;
use super::super::groups;
use super::{Entry, Part};
use crate::view::column::{COLUMNS, Column, ColumnId};
use crate::view::{Grouping, List, SortKey};

/// What does not belong to one column alone.
const SIGNS: &[(&str, &str)] = &[
    ("-", "Not known here; that is not the same as 0."),
    (
        "…",
        "Text that is cut; a wider screen or Enter shows all of it.",
    ),
    (
        "▲ ▼",
        "Rows are ordered by this column, from the smallest or from the largest.",
    ),
    (
        "‹ ›",
        "There are more columns to the left or to the right: arrow keys.",
    ),
    (
        "tcp E",
        "On a narrow screen: the protocol, and the first letter of the state.",
    ),
];

/// Those of the list that is shown come first, and before them the one that is
/// asked about, or sorted by.
pub(super) fn parts(state: &State) -> Vec<Part> {
    let asked = state.help.about.unwrap_or_else(|| state.sort().key);
    let mut parts = Vec::new();
    let here = Part {
        title: "This list",
        entries: match state.level().list {
            List::By(grouping) => of_groups([grouping], asked),
            List::Flows => Vec::new(),
        },
    };
    let usual = Part {
        title: "Flows",
        entries: of_flows(asked, |column| !column.is_extra()),
    };
    let more = Part {
        title: "More columns, to be chosen",
        entries: of_flows(asked, Column::is_extra),
    };
    let groups = Part {
        title: "Lists of groups",
        entries: of_groups(Grouping::ALL, asked),
    };
    if state.level().has_groups() {
        parts.extend([here, usual, more]);
    } else {
        parts.extend([usual, more, groups]);
    }
    let signs = SIGNS.iter().map(|(label, text)| Entry::new(*label, *text));
    parts.push(Part {
        title: "Signs",
        entries: signs.collect(),
    });
    lead(&mut parts, state.help.about.is_some());
    parts
}

/// Puts what is asked about first.
fn lead(parts: &mut Vec<Part>, is_asked: bool) {
    for index in 0..parts.len() {
        let entries = &mut parts[index].entries;
        if let Some(at) = entries.iter().position(|entry| entry.is_wanted) {
            let entry = entries.remove(at);
            let title = if is_asked {
                "What you asked about"
            } else {
                "What rows are ordered by"
            };
            let entries = vec![entry];
            return parts.insert(0, Part { title, entries });
        }
    }
}

fn of_flows(asked: SortKey, which: impl Fn(&Column) -> bool) -> Vec<Entry> {
    let columns = COLUMNS.iter().filter(|column| which(column));
    let entries = columns.map(|column| {
        let title = match column.title {
            "" => "→ ← ↔ ⇢",
            title => title,
        };
        let mut text = column.doc.to_owned();
        if let Some(absence) = column.id.absence() {
            text = format!("{text} {absence}");
        }
        Entry {
            is_wanted: is_about(asked, column.id),
            ..Entry::new(title, text)
        }
    });
    entries.collect()
}

fn is_about(asked: SortKey, id: ColumnId) -> bool {
    matches!(asked, SortKey::Column(asked) | SortKey::Address(asked) if asked == id)
}

/// Each title once.
fn of_groups(groupings: impl IntoIterator<Item = Grouping>, asked: SortKey) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for grouping in groupings {
        for (column, title) in groups::every_column(grouping) {
            if !entries.iter().any(|entry| entry.label == title) {
                entries.push(Entry {
                    is_wanted: asked == SortKey::Group(column),
                    ..Entry::new(title, column.doc())
                });
            }
        }
    }
    entries
}
