//! How the cursor moves through a list, and the window with it.

use super::super::draw;
use super::State;
use crate::tui::keys::Motion;
use crate::tui::tabs::Window;
use crate::view::{Cursor, Subject, View};

/// The first visible line of a text after a motion; not yet kept within bounds.
pub(super) fn scrolled(motion: Motion, first: usize, page: usize) -> usize {
    match motion {
        Motion::Up => first.saturating_sub(1),
        Motion::Down => first + 1,
        Motion::PageUp => first.saturating_sub(page),
        Motion::PageDown => first + page,
        Motion::HalfPageUp => first.saturating_sub(page.div_ceil(2)),
        Motion::HalfPageDown => first + page.div_ceil(2),
        Motion::First => 0,
        Motion::Last => usize::MAX,
    }
}

impl State {
    /// Moves the text of a page.
    pub(super) fn scroll_page(&mut self, motion: Motion) {
        let page = draw::page_height(self).max(1);
        self.page_scroll = scrolled(motion, self.page_scroll, page);
    }

    /// Moves the cursor. Until the list is there, nothing can be selected.
    pub(in crate::tui) fn move_cursor(&mut self, motion: Motion) {
        let Some(view) = self.current_view().cloned() else {
            return;
        };
        let rows = view.row_count();
        if rows == 0 {
            return;
        }
        let level = self.level();
        let here = match level.cursor {
            Cursor::None => None,
            Cursor::Index(index) => Some(index),
            Cursor::Flow { index, .. } | Cursor::Group { index, .. } => {
                Some(self.selected_line().map_or(index, |line| view.first + line))
            }
        };
        let window = Window {
            here,
            first: level.first,
            bottom: (level.first + view.window_rows()).saturating_sub(1),
            page: self.asked.height,
            rows,
        };
        let to = window.moved(motion);
        self.select(to.index, to.first, &view);
    }

    /// Selects a row: at once if the window has it and stays, else by place.
    fn select(&mut self, index: usize, first: usize, view: &View) {
        // The window ends with the last row, even one without a line.
        let height = self.asked.height.max(1);
        let first = first.min(view.row_count().saturating_sub(height));
        let line = index.checked_sub(view.first);
        let on_screen = line.and_then(|line| view.cursor_on(line));
        let cursor = on_screen.filter(|_| first == view.first);
        let level = self.trail_mut().here_mut();
        level.cursor = cursor.unwrap_or(Cursor::Index(index));
        level.first = first;
        if let Some(pane) = &mut level.pane {
            pane.subject = Subject::Cursor;
        }
    }
}
