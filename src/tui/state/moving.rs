//! How the cursor moves through a list, and the window with it.

use super::State;
use crate::tui::draw;
use crate::tui::keys::Motion;
use crate::tui::tabs::Window;
use crate::view::{Cursor, View};

impl State {
    /// Moves the cursor. Until the list is there, nothing can be selected.
    pub(super) fn move_cursor(&mut self, motion: Motion) {
        let Some(view) = self.current_view().cloned() else {
            return;
        };
        if self.level().has_groups() {
            self.move_among_groups(motion, &view);
        } else {
            self.move_among_flows(motion, &view);
        }
    }

    fn move_among_groups(&mut self, motion: Motion, view: &View) {
        let height = draw::table_height(self);
        let rows = &view.groups;
        let level = self.trail_mut().here_mut();
        let window = Window {
            here: level.picked(rows),
            first: level.first,
            bottom: (level.first + height).min(rows.len()).saturating_sub(1),
            page: height,
            rows: rows.len(),
        };
        let to = window.moved(motion);
        level.pick(to.index, to.first, rows, height);
    }

    fn move_among_flows(&mut self, motion: Motion, view: &View) {
        if view.matching == 0 {
            return;
        }
        let level = self.level();
        let here = match level.cursor {
            Cursor::None => None,
            Cursor::Index(index) => Some(index),
            Cursor::Flow { index, .. } => {
                Some(self.selected_line().map_or(index, |line| view.first + line))
            }
        };
        let window = Window {
            here,
            first: level.first,
            bottom: level.first + view.rows.len().saturating_sub(1),
            page: self.asked.height,
            rows: view.matching,
        };
        let to = window.moved(motion);
        self.select(to.index, to.first, view);
    }

    /// Selects a flow: at once if the window has it and stays, else by place.
    fn select(&mut self, index: usize, first: usize, view: &View) {
        // The window ends with the last row, even one without a line.
        let height = self.asked.height.max(1);
        let first = first.min(view.matching.saturating_sub(height));
        let line = index.checked_sub(view.first);
        let cursor = match line.and_then(|line| view.rows.get(line).zip(Some(line))) {
            Some((row, line)) if first == view.first => Cursor::Flow {
                id: row.id,
                index,
                line,
            },
            _ => Cursor::Index(index),
        };
        let level = self.trail_mut().here_mut();
        (level.cursor, level.first) = (cursor, first);
    }
}
