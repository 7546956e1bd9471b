//! The help: its pages, and the words that are looked for in it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::keys::Action;
use super::state::{Effects, Popup, State};
use super::{Ending, keys::Motion};
use crate::view::SortKey;

/// Its pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Page {
    /// What keys and the mouse do.
    #[default]
    Keys,
    /// What columns show, and why nothing stands in one.
    Columns,
    /// What a filter can ask for.
    Filter,
}

impl Page {
    /// In the order of the screen.
    pub(super) const ALL: [Self; 3] = [Self::Keys, Self::Columns, Self::Filter];

    /// Its name.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Keys => "Keys",
            Self::Columns => "Columns",
            Self::Filter => "Filter",
        }
    }

    const fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// What the help shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Help {
    pub(super) page: Page,
    /// Only what holds this is shown, of all pages; empty for everything.
    pub(super) wanted: String,
    /// Whether that is being typed.
    pub(super) is_typing: bool,
    /// The column that is asked about, by what it sorts by.
    pub(super) about: Option<SortKey>,
}

impl State {
    /// Opens the help at its first page.
    pub(super) fn open_help(&mut self) {
        self.help = Help::default();
        self.open(Popup::Help);
    }

    /// Opens the help with a column.
    pub(super) fn explain(&mut self, column: SortKey) {
        self.help = Help {
            page: Page::Columns,
            about: Some(column),
            ..Help::default()
        };
        self.open(Popup::Help);
    }

    /// Shows a page of the help.
    pub(super) fn turn_to(&mut self, page: Page) {
        self.help.page = page;
        self.help.wanted.clear();
        self.help.is_typing = false;
        self.popup_scroll = 0;
    }

    /// What keys do in the help, besides those of every popup: whether this was
    /// one of them.
    pub(super) fn act_on_help(&mut self, action: Action) -> bool {
        match action {
            Action::NextTab | Action::ScrollRight => self.turn_to(self.help.page.step(1)),
            Action::PreviousTab | Action::ScrollLeft => {
                self.turn_to(self.help.page.step(Page::ALL.len() - 1));
            }
            Action::EditFilter => self.help.is_typing = true,
            Action::ClearFilter => self.turn_to(self.help.page),
            Action::Back if !self.help.wanted.is_empty() => self.turn_to(self.help.page),
            _ => return false,
        }
        true
    }

    /// A key while words are typed that are looked for in the help.
    pub(super) fn type_in_help(&mut self, key: KeyEvent, effects: &mut Effects) {
        if key.is_release() {
            return;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('c') if ctrl => effects.ending = Some(Ending::Quit),
            KeyCode::Char('u') if ctrl => self.help.wanted.clear(),
            KeyCode::Char(c) if !ctrl && !alt && !c.is_control() => self.help.wanted.push(c),
            KeyCode::Backspace if self.help.wanted.is_empty() => self.help.is_typing = false,
            KeyCode::Backspace => drop(self.help.wanted.pop()),
            KeyCode::Enter => self.help.is_typing = false,
            KeyCode::Esc => self.turn_to(self.help.page),
            KeyCode::Up => {
                return self.act_on_popup(Popup::Help, Action::Move(Motion::Up), effects);
            }
            KeyCode::Down => {
                return self.act_on_popup(Popup::Help, Action::Move(Motion::Down), effects);
            }
            _ => return,
        }
        self.popup_scroll = 0;
    }

    /// Words that were pasted while some are typed.
    pub(super) fn paste_in_help(&mut self, text: &str) {
        let text = text.chars().filter(|c| !c.is_control());
        self.help.wanted.extend(text);
        self.popup_scroll = 0;
    }
}
