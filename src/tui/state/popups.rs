//! What keys do while a popup is open.

use super::super::draw::popup;
use super::super::keys::{Action, Motion};
use super::moving::scrolled;
use super::{Effects, Popup, State};

impl State {
    pub(super) fn open(&mut self, popup: Popup) {
        self.popup = Some(popup);
        self.popup_scroll = 0;
    }

    pub(super) fn open_themes(&mut self) {
        if !self.themes.is_colored() {
            return self.say("Themes need colours, and there are none here: --color always.");
        }
        self.worn = self.themes.chosen();
        self.open(Popup::Themes);
        self.wear(self.worn);
    }

    /// Shows a theme, and its line in the list of them.
    fn wear(&mut self, index: usize) {
        self.themes.choose(index);
        self.theme = self.themes.theme();
        let (index, visible) = (
            self.themes.chosen(),
            popup::visible_lines(self, Popup::Themes).max(1),
        );
        let lowest = (index + 1).saturating_sub(visible);
        self.popup_scroll = self.popup_scroll.clamp(lowest, index);
    }

    fn act_on_themes(&mut self, action: Action, effects: &mut Effects) {
        let here = self.themes.chosen();
        let page = popup::visible_lines(self, Popup::Themes).max(1);
        match action {
            Action::Move(motion) => self.wear(match motion {
                Motion::Up => here.saturating_sub(1),
                Motion::Down => here + 1,
                Motion::PageUp | Motion::HalfPageUp => here.saturating_sub(page),
                Motion::PageDown | Motion::HalfPageDown => here + page,
                Motion::First => 0,
                Motion::Last => usize::MAX,
            }),
            Action::Enter | Action::Themes => self.popup = None,
            Action::Redraw | Action::Suspend | Action::QuitShowing | Action::Quit => {
                self.act_on_program(action, effects);
            }
            Action::Back | Action::Leave => {
                self.wear(self.worn);
                self.popup = None;
            }
            // What cannot be seen is not changed.
            _ => {}
        }
    }

    pub(super) fn act_on_popup(&mut self, popup: Popup, action: Action, effects: &mut Effects) {
        if popup == Popup::Themes {
            return self.act_on_themes(action, effects);
        }
        let scroll = self.popup_scroll;
        let page = popup::visible_lines(self, popup).max(1);
        match action {
            Action::Move(motion) => {
                self.popup_scroll = scrolled(motion, scroll, page);
            }
            Action::Help if popup != Popup::Help => self.open(Popup::Help),
            Action::About if popup != Popup::About => self.open(Popup::About),
            Action::Help | Action::About | Action::Back | Action::Leave => self.popup = None,
            Action::Redraw | Action::Suspend | Action::QuitShowing | Action::Quit => {
                self.act_on_program(action, effects);
            }
            // What cannot be seen is not changed.
            _ => {}
        }
        self.clamp();
    }
}
