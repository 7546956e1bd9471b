//! The pane of details: which row it shows, and how far it is scrolled.

use super::draw;
use super::keys::Motion;
use super::state::State;
use crate::view::Subject;

/// An open pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pane {
    /// What it shows. It follows the cursor when a key moves that; when a flow
    /// ends under the cursor, its last word stays.
    pub(super) subject: Subject,
    /// First visible line of its text.
    pub(super) scroll: usize,
}

impl State {
    /// The pane that is open.
    pub(super) fn pane(&self) -> Option<&Pane> {
        self.level().pane.as_ref()
    }

    /// Opens or closes the pane. Without a selection the first row of the
    /// window is selected.
    pub(super) fn toggle_pane(&mut self) {
        if self.pane().is_some() {
            self.trail_mut().here_mut().pane = None;
            return;
        }
        if !self.level().is_anything_selected() {
            self.move_cursor(Motion::Down);
        }
        if self.level().is_anything_selected() {
            self.trail_mut().here_mut().pane = Some(Pane {
                subject: Subject::Cursor,
                scroll: 0,
            });
        } else if self.level().has_groups() {
            self.say("There is no row to look at.");
        } else {
            self.say("There is no flow to look at.");
        }
    }

    /// Moves the text of the pane by lines.
    pub(super) fn scroll_pane(&mut self, by: isize) {
        if let Some(pane) = &mut self.trail_mut().here_mut().pane {
            pane.scroll = pane.scroll.saturating_add_signed(by);
        } else {
            let (any, flow) = (self.keys("i"), self.keys("Enter"));
            self.say(&format!(
                "No details are open: {any} opens them, and {flow} those of a flow."
            ));
        }
    }

    /// Keeps the text of the pane within bounds.
    pub(super) fn clamp_pane(&mut self) {
        if let Some(most) = draw::max_detail_scroll(self)
            && let Some(pane) = &mut self.trail_mut().here_mut().pane
        {
            pane.scroll = pane.scroll.min(most);
        }
    }
}
