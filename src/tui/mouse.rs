//! What the mouse does. Where things are, the code that draws them says
//! ([`draw::spot`]).

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};

use super::draw;
use super::help;
use super::keys::Action;
use super::state::{Effects, Popup, State};
use crate::flow::Moment;
use crate::view::{Page, SortKey};

/// Rows that one step of the wheel moves.
const STEP: isize = 3;
/// Two clicks within this time are one double click.
const DOUBLE: Duration = Duration::from_millis(400);

/// What is at a place of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// What a key does as well.
    Act(Action),
    /// A list of the trail; how many of those behind the first stay.
    Crumb(usize),
    /// The word that says how rows are ordered.
    Order,
    /// The title of a column, and what it sorts by.
    Heading(SortKey),
    /// A line of the window that has a row.
    Row(usize),
    /// The table, where no row is.
    Table,
    /// The details.
    Pane,
    /// A page of the help.
    Page(help::Page),
    /// A line of what floats, counted from its first.
    Line(usize),
    /// What floats, where no line is.
    Frame,
    /// Beside what floats.
    Beside,
}

/// The last click on a row: the line of the screen, and when.
pub(super) type Click = (u16, Moment);

impl State {
    /// Does what the mouse asks for.
    pub(super) fn point(&mut self, mouse: MouseEvent, effects: &mut Effects) {
        let spot = draw::spot(self, mouse.column, mouse.row);
        match (mouse.kind, spot) {
            (MouseEventKind::ScrollUp, spot) => self.roll(-STEP, spot, effects),
            (MouseEventKind::ScrollDown, spot) => self.roll(STEP, spot, effects),
            (MouseEventKind::ScrollLeft, Some(Spot::Row(_) | Spot::Table | Spot::Heading(_))) => {
                self.act(Action::ScrollLeft, effects);
            }
            (MouseEventKind::ScrollRight, Some(Spot::Row(_) | Spot::Table | Spot::Heading(_))) => {
                self.act(Action::ScrollRight, effects);
            }
            // Where a filter is typed, only the wheel is of use.
            _ if self.prompt.is_some() => {}
            (MouseEventKind::Down(MouseButton::Left), Some(spot)) => {
                self.click(spot, mouse.row, effects);
            }
            (MouseEventKind::Down(MouseButton::Right), Some(Spot::Heading(key))) => {
                self.notice = None;
                self.explain(key);
            }
            (MouseEventKind::Down(MouseButton::Right), Some(Spot::Line(line))) => {
                self.click_line(line, false, effects);
            }
            _ => {}
        }
    }

    fn click(&mut self, spot: Spot, row: u16, effects: &mut Effects) {
        let before = self.clicked.take();
        self.notice = None;
        match spot {
            Spot::Act(action) => self.act(action, effects),
            Spot::Crumb(deeper) => {
                while self.trail().depth() > deeper {
                    self.trail_mut().back();
                }
            }
            Spot::Order => self.set_sort(SortKey::Usual.sort()),
            Spot::Heading(key) => self.sort_by(key),
            Spot::Row(line) => {
                let is_double =
                    before.is_some_and(|(y, at)| y == row && self.now.since(at) <= DOUBLE);
                if !is_double {
                    self.select_line(line);
                    self.clicked = Some((row, self.now));
                } else if self.level().has_groups() || self.pane().is_none() {
                    // The row that was clicked first, wherever it is by now.
                    self.act(Action::Enter, effects);
                }
            }
            Spot::Page(page) => self.turn_to(page),
            Spot::Line(line) => self.click_line(line, true, effects),
            Spot::Beside => self.leave_what_floats(effects),
            Spot::Table | Spot::Pane | Spot::Frame => {}
        }
        self.clamp();
    }

    /// A click on a line of what floats, by the left button or the right one.
    fn click_line(&mut self, line: usize, left: bool, effects: &mut Effects) {
        if let Some(menu) = &mut self.menu {
            menu.point_at(line);
            return self.key_in_menu(KeyEvent::from(KeyCode::Enter), effects);
        }
        match self.popup {
            Some(Popup::Themes) if left => self.wear(line),
            Some(Popup::Options) => self.click_option(line, left, effects),
            Some(_) => {}
            None => {
                if let Some(picker) = self.picker.as_mut().filter(|_| left) {
                    picker.click(line, &mut self.columns);
                }
            }
        }
        self.clamp();
    }

    /// A click beside what floats closes it, as Esc does.
    fn leave_what_floats(&mut self, effects: &mut Effects) {
        if self.menu.is_some() {
            self.key_in_menu(KeyEvent::from(KeyCode::Esc), effects);
        } else if self.popup.is_some() {
            self.act(Action::Back, effects);
        } else {
            self.picker = None;
        }
    }

    /// A step of the wheel: moves what is under it; where something floats,
    /// that.
    fn roll(&mut self, by: isize, spot: Option<Spot>, effects: &mut Effects) {
        if self.menu.is_some() {
            let way = if by < 0 { KeyCode::Up } else { KeyCode::Down };
            return self.key_in_menu(KeyEvent::from(way), effects);
        }
        match self.popup {
            Some(Popup::Themes) => {
                let step = self.themes.chosen().saturating_add_signed(by.signum());
                self.wear(step);
            }
            Some(Popup::Options) => self.move_option(by.signum()),
            Some(_) => self.popup_scroll = self.popup_scroll.saturating_add_signed(by),
            None if self.picker.is_some() => {
                let last = self.columns.all().len().saturating_sub(1);
                if let Some(picker) = &mut self.picker {
                    picker.at = picker.at.saturating_add_signed(by.signum()).min(last);
                }
            }
            None if spot == Some(Spot::Pane) => self.scroll_pane(by),
            None if matches!(spot, Some(Spot::Heading(_))) => {
                let way = if by < 0 {
                    Action::ScrollLeft
                } else {
                    Action::ScrollRight
                };
                self.act(way, effects);
            }
            None if self.tab.page() == Page::Health => {
                self.page_scroll = self.page_scroll.saturating_add_signed(by);
            }
            None => self.scroll_window(by),
        }
        self.clamp();
    }
}
