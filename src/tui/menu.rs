//! A menu: a few things to do, one of which is chosen by its letter or with the
//! arrows.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A line of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item<T> {
    /// Chooses it at once; `None` if only the arrows do.
    pub(super) letter: Option<char>,
    /// What it is.
    pub(super) text: String,
    /// What more there is to know, dim beside it; may be empty.
    pub(super) note: String,
    /// What is to be done.
    pub(super) does: T,
}

/// A menu over the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Menu<T> {
    /// What is chosen.
    pub(super) title: String,
    /// The lines; at least one.
    pub(super) items: Vec<Item<T>>,
    /// The line under the cursor, counted from 0.
    pub(super) at: usize,
}

/// What a key has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Picked<T> {
    /// The menu stays.
    More,
    /// This is chosen, and the menu closed.
    Chosen(T),
    /// It is closed, and nothing chosen.
    Closed,
    /// The program is to end.
    Quit,
}

impl<T: Clone> Menu<T> {
    /// A menu with the cursor on its first line.
    pub(super) fn new(title: impl Into<String>, items: Vec<Item<T>>) -> Self {
        Self {
            title: title.into(),
            items,
            at: 0,
        }
    }

    /// Takes a key. Letters of lines go before keys that move.
    pub(super) fn key(&mut self, key: KeyEvent) -> Picked<T> {
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

    fn menu() -> Menu<u8> {
        let item = |letter, does| Item {
            letter,
            text: format!("line {does}"),
            note: String::new(),
            does,
        };
        Menu::new(
            "Menu",
            vec![item(Some('a'), 1), item(None, 2), item(Some('j'), 3)],
        )
    }

    fn press(menu: &mut Menu<u8>, code: KeyCode) -> Picked<u8> {
        menu.key(KeyEvent::from(code))
    }

    #[test]
    fn letters_choose_at_once_even_those_that_would_move() {
        let mut menu = menu();
        assert_eq!(press(&mut menu, KeyCode::Char('a')), Picked::Chosen(1));
        assert_eq!(press(&mut menu, KeyCode::Char('j')), Picked::Chosen(3));
        assert_eq!(press(&mut menu, KeyCode::Char('x')), Picked::More);
    }

    #[test]
    fn arrows_move_within_bounds_and_enter_chooses() {
        let mut menu = menu();
        assert_eq!(press(&mut menu, KeyCode::Up), Picked::More);
        assert_eq!(press(&mut menu, KeyCode::Down), Picked::More);
        assert_eq!(press(&mut menu, KeyCode::Enter), Picked::Chosen(2));
        for _ in 0..9 {
            press(&mut menu, KeyCode::Down);
        }
        assert_eq!(press(&mut menu, KeyCode::Enter), Picked::Chosen(3));
        assert_eq!(press(&mut menu, KeyCode::Esc), Picked::Closed);
        let stop = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(menu.key(stop), Picked::Quit);
    }
}
