//! The choice of columns: a list over the table, which shows at once what
//! becomes of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::view::column::{Choice, ColumnId};

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// Where columns are chosen.
#[derive(Clone, Debug)]
pub(super) struct Picker {
    /// The choice to go back to.
    before: Choice,
    /// The column that keys are about, by its place.
    pub(super) at: usize,
}

/// What a key has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picked {
    /// It goes on.
    More,
    /// The column cannot be hidden.
    Refused,
    /// More is to be said about the column.
    Explain(ColumnId),
    /// The choice is made, or given up.
    Done,
    /// The program is to end.
    Quit,
}

impl Picker {
    /// Begins with what is shown.
    pub(super) fn new(choice: &Choice) -> Self {
        Self {
            before: choice.clone(),
            at: 0,
        }
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent, choice: &mut Choice) -> Picked {
        if key.is_release() {
            return Picked::More;
        }
        let last = choice.all().len().saturating_sub(1);
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Picked::Quit;
            }
            KeyCode::Char('K') => self.carry(self.at.saturating_sub(1), choice),
            KeyCode::Char('J') => self.carry((self.at + 1).min(last), choice),
            KeyCode::Up if shift => self.carry(self.at.saturating_sub(1), choice),
            KeyCode::Down if shift => self.carry((self.at + 1).min(last), choice),
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::PageUp => self.at = self.at.saturating_sub(PAGE),
            KeyCode::PageDown => self.at = (self.at + PAGE).min(last),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = last,
            KeyCode::Char(' ') => {
                let id = choice.all().get(self.at).map(|(id, _)| *id);
                if id.is_some_and(|id| !choice.toggle(id)) {
                    return Picked::Refused;
                }
            }
            KeyCode::Char('?') | KeyCode::F(1) => {
                let id = choice.all().get(self.at).map(|(id, _)| *id);
                return id.map_or(Picked::More, Picked::Explain);
            }
            KeyCode::Enter | KeyCode::Char('C') => return Picked::Done,
            KeyCode::Esc | KeyCode::Char('q') => {
                *choice = self.before.clone();
                return Picked::Done;
            }
            _ => {}
        }
        Picked::More
    }

    /// A click on a column selects it, and another shows or hides it.
    pub(super) fn click(&mut self, at: usize, choice: &mut Choice) {
        if self.at == at {
            let id = choice.all().get(at).map(|(id, _)| *id);
            id.map(|id| choice.toggle(id));
        }
        self.at = at.min(choice.all().len().saturating_sub(1));
    }

    /// Takes the column along to another place.
    fn carry(&mut self, to: usize, choice: &mut Choice) {
        choice.swap(self.at, to);
        self.at = to;
    }
}
