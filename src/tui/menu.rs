//! A menu: a few things to do, one of which is chosen by its letter or with the
//! arrows.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::Form;
use crate::view::List;
use crate::view::filter::Filter;
use crate::view::group::Widths;

/// What a line of a menu does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Copies a text: what it is, and the text.
    Copy(String, String),
    /// Says why not.
    Say(String),
    /// Exports the rows of the list.
    Export(Form),
    /// Adds this to the filter.
    Narrow(Filter),
    /// Shows the same flows as this list.
    ShowAs(List),
    /// Opens the menu of how wide subnets are.
    ChooseWidths,
    /// Shows the same flows as subnets of these widths.
    Subnets(Widths),
}

/// A line of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Chooses it at once; `None` if only the arrows do.
    pub(super) letter: Option<char>,
    /// What it is.
    pub(super) text: String,
    /// What more there is to know, dim beside it; may be empty.
    pub(super) note: String,
    /// What is to be done.
    pub(super) does: Deed,
}

/// A menu over the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Menu {
    /// What is chosen.
    pub(super) title: String,
    /// The lines; at least one.
    pub(super) items: Vec<Item>,
    /// The line under the cursor, counted from 0.
    pub(super) at: usize,
}

/// What a key has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Picked {
    /// The menu stays.
    More,
    /// This is chosen, and the menu closed.
    Chosen(Deed),
    /// It is closed, and nothing chosen.
    Closed,
    /// The program is to end.
    Quit,
}

impl Menu {
    /// A menu with the cursor on its first line.
    pub(super) fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        Self {
            title: title.into(),
            items,
            at: 0,
        }
    }

    /// The same with the cursor on the line that does this, if one does.
    pub(super) fn on(mut self, does: &Deed) -> Self {
        let is_it = |item: &Item| item.does == *does;
        self.at = self.items.iter().position(is_it).unwrap_or(0);
        self
    }

    /// Puts the cursor on a line.
    pub(super) fn point_at(&mut self, line: usize) {
        self.at = line.min(self.items.len().saturating_sub(1));
    }

    /// Takes a key. Letters of lines go before keys that move.
    pub(super) fn key(&mut self, key: KeyEvent) -> Picked {
        if key.is_release() {
            return Picked::More;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if let KeyCode::Char(c) = key.code
            && !ctrl
            && let Some(item) = self.items.iter().find(|item| item.letter == Some(c))
        {
            return Picked::Chosen(item.does.clone());
        }
        let last = self.items.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('c') if ctrl => return Picked::Quit,
            KeyCode::Up | KeyCode::Char('k') => self.at = self.at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.at = (self.at + 1).min(last),
            KeyCode::Home | KeyCode::PageUp => self.at = 0,
            KeyCode::End | KeyCode::PageDown => self.at = last,
            KeyCode::Enter => {
                let item = self.items.get(self.at);
                return item.map_or(Picked::Closed, |item| Picked::Chosen(item.does.clone()));
            }
            KeyCode::Esc | KeyCode::Char('q') => return Picked::Closed,
            _ => {}
        }
        Picked::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn does(what: &str) -> Deed {
        Deed::Say(what.to_owned())
    }

    fn chosen(what: &str) -> Picked {
        Picked::Chosen(does(what))
    }

    fn menu() -> Menu {
        let item = |letter, text: &str| Item {
            letter,
            text: text.to_owned(),
            note: String::new(),
            does: does(text),
        };
        let items = vec![
            item(Some('a'), "one"),
            item(None, "two"),
            item(Some('j'), "three"),
        ];
        Menu::new("Menu", items)
    }

    fn press(menu: &mut Menu, code: KeyCode) -> Picked {
        menu.key(KeyEvent::from(code))
    }

    #[test]
    fn letters_choose_at_once_even_those_that_would_move() {
        let mut menu = menu();
        assert_eq!(press(&mut menu, KeyCode::Char('a')), chosen("one"));
        assert_eq!(press(&mut menu, KeyCode::Char('j')), chosen("three"));
        assert_eq!(press(&mut menu, KeyCode::Char('x')), Picked::More);
    }

    #[test]
    fn arrows_move_within_bounds_and_enter_chooses() {
        let mut menu = menu();
        assert_eq!(press(&mut menu, KeyCode::Up), Picked::More);
        assert_eq!(press(&mut menu, KeyCode::Down), Picked::More);
        assert_eq!(press(&mut menu, KeyCode::Enter), chosen("two"));
        for _ in 0..9 {
            press(&mut menu, KeyCode::Down);
        }
        assert_eq!(press(&mut menu, KeyCode::Enter), chosen("three"));
        assert_eq!(press(&mut menu, KeyCode::Esc), Picked::Closed);
        let stop = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(menu.key(stop), Picked::Quit);
    }

    #[test]
    fn the_cursor_begins_where_one_is() {
        assert_eq!(menu().on(&does("three")).at, 2);
        assert_eq!(menu().on(&does("four")).at, 0);
        let mut menu = menu();
        menu.point_at(9);
        assert_eq!(menu.at, 2);
    }
}
