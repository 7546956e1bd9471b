//! A row that the cursor is held on, wherever it goes and beyond its end.

use super::State;
use crate::view::column::ColumnId;
use crate::view::{Cursor, FlowId, Group, Page};

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Followed {
    Flow(FlowId),
    Group(Group),
}

impl Followed {
    const fn of(cursor: Cursor) -> Option<Self> {
        match cursor {
            Cursor::Flow { id, .. } => Some(Self::Flow(id)),
            Cursor::Group { group, .. } => Some(Self::Group(group)),
            Cursor::None | Cursor::Index(_) => None,
        }
    }
}

impl State {
    /// The flow that is followed, if it is a flow.
    pub(super) fn followed_flow(&self) -> Option<FlowId> {
        match self.followed? {
            Followed::Flow(id) => Some(id),
            Followed::Group(_) => None,
        }
    }

    /// What is followed, by its name on the screen; empty while the row is not
    /// there yet.
    pub(in crate::tui) fn followed_name(&self) -> Option<String> {
        let followed = self.followed?;
        let mut name = String::new();
        let view = self.view.as_ref()?;
        match followed {
            Followed::Flow(id) => {
                if let Some(row) = view.rows.iter().find(|row| row.id == id) {
                    let row = row.row(self.shown_at());
                    ColumnId::Destination.cell(&row, self.cell_style(), &mut name);
                }
            }
            Followed::Group(group) => {
                if let Some(row) = view.groups.iter().find(|row| row.group == group) {
                    name = row.label();
                }
            }
        }
        Some(name)
    }

    /// Holds the cursor on the selected row, or lets it go.
    pub(super) fn toggle_follow(&mut self) {
        if self.followed.take().is_some() {
            return self.say("Not following any more.");
        }
        let row = self.selected_row();
        self.followed = row.and_then(Followed::of);
        if let Some(row) = row {
            // Known by now, if it was selected by its place.
            self.trail_mut().here_mut().cursor = row;
            let key = self.keys("F");
            self.say(&format!(
                "Following it, also beyond its end; {key} or a move lets it go."
            ));
        } else {
            self.say(&format!("Select a row first: {}.", self.keys("↑ ↓")));
        }
    }

    /// Ends following where the cursor has gone elsewhere: moved, to another
    /// list, or because the row is gone.
    pub(super) fn keep_following(&mut self) {
        let is_list = self.tab.page() == Page::List;
        let here = Followed::of(self.level().cursor).filter(|_| is_list);
        if self.followed.is_some() && self.followed != here {
            self.followed = None;
            if self.notice.is_none() {
                self.say("Not following any more: the selection is elsewhere.");
            }
        }
    }
}
