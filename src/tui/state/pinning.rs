//! Rows that are kept above all others.

use super::State;
use crate::view::{Cursor, Group, Grouping, Page, Pins};

/// The pins of an earlier run, without those that nobody understands.
pub(super) fn recalled(texts: &[String]) -> Pins {
    Pins::of(texts.iter().filter_map(|text| {
        let (name, address) = text.split_once(' ')?;
        let address = address.parse().ok()?;
        Some(match Grouping::named(name)? {
            Grouping::Host => Group::Host(address),
            Grouping::Source => Group::Source(address),
            Grouping::Destination => Group::Destination(address),
            Grouping::Peer => Group::Peer(address),
            _ => return None,
        })
    }))
}

/// The pins that the next run understands: those of hosts. Flows and processes
/// are others by then.
pub(super) fn told(pins: &Pins) -> Vec<String> {
    let told = pins.groups().filter_map(|group| match group {
        Group::Host(host) | Group::Source(host) | Group::Destination(host) | Group::Peer(host) => {
            Some(format!("{} {host}", group.grouping()?.name()))
        }
        _ => None,
    });
    told.collect()
}

impl State {
    /// The selected row: the flow or the group, not one next to it.
    pub(super) fn selected_row(&self) -> Option<Cursor> {
        if self.tab.page() != Page::List {
            return None;
        }
        let cursor = self.level().cursor;
        let view = self.current_view()?;
        match cursor {
            Cursor::None => None,
            Cursor::Index(_) => view.cursor_on(view.line_of(cursor)?),
            Cursor::Flow { .. } | Cursor::Group { .. } => Some(cursor),
        }
    }

    /// Keeps the selected row above all others, or lets it go.
    pub(super) fn toggle_pin(&mut self) {
        let is_pinned = match self.selected_row() {
            Some(Cursor::Flow { id, .. }) => self.pins.toggle_flow(id),
            Some(Cursor::Group { group, .. }) => self.pins.toggle_group(group),
            _ => return self.say(&format!("Select a row first: {}.", self.keys("↑ ↓"))),
        };
        if is_pinned {
            let key = self.keys("*");
            self.say(&format!(
                "★ Stays above all others, in every order; {key} lets it go."
            ));
        } else {
            self.say("The row finds its place among the others again.");
        }
    }
}
