//! The line where a filter is typed.
//!
//! [`Prompt::key`] is pure: what a key does to the text, and which filter is
//! in force after it.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::view::filter::{Filter, FilterError};

/// Filters that are remembered.
const REMEMBERED: usize = 100;

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// The filter in force stays.
    Nothing,
    /// This one is in force; `None`: every flow.
    Filter(Option<Arc<Filter>>),
    /// The line is closed, and this one is in force.
    Closed(Option<Arc<Filter>>),
    /// The viewer is to end.
    Quit,
}

/// A line with a cursor.
#[derive(Clone, Debug)]
pub(super) struct Prompt {
    text: String,
    /// In bytes, between two characters.
    cursor: usize,
    /// The filter in force when the line was opened.
    before: Option<Arc<Filter>>,
    /// Why the text is no filter.
    error: Option<FilterError>,
    /// Filters typed before, the latest last.
    typed: Vec<String>,
    /// Which of these is shown; past the end, what is being typed.
    recalled: usize,
    /// What was being typed when one of them was recalled.
    draft: String,
    /// Whether the line stands for a filter that it does not show.
    is_untouched: bool,
}

impl Prompt {
    /// A line that begins with the filter in force.
    pub(super) fn new(filter: Option<Arc<Filter>>, typed: Vec<String>) -> Self {
        let text = filter.as_ref().map(ToString::to_string);
        let text = text.unwrap_or_default();
        Self {
            cursor: text.len(),
            text,
            before: filter,
            error: None,
            recalled: typed.len(),
            typed,
            draft: String::new(),
            is_untouched: false,
        }
    }

    /// An empty line, because the filter in force and those before it are not to
    /// be seen. Enter keeps it until something is typed.
    pub(super) fn unseen(filter: Option<Arc<Filter>>) -> Self {
        let mut prompt = Self::new(None, Vec::new());
        prompt.is_untouched = filter.is_some();
        prompt.before = filter;
        prompt
    }

    /// The text before the cursor and after it.
    pub(super) fn halves(&self) -> (&str, &str) {
        self.text.split_at(self.cursor)
    }

    /// Why the text is no filter.
    pub(super) const fn error(&self) -> Option<&FilterError> {
        self.error.as_ref()
    }

    /// The filters that were typed.
    pub(super) fn typed(&self) -> &[String] {
        &self.typed
    }

    /// Hands back the filters that were typed.
    pub(super) fn take_typed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.typed)
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> Typed {
        if key.is_release() {
            return Typed::Nothing;
        }
        let before = self.text.clone();
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match key.code {
            KeyCode::Char('c') if ctrl => return Typed::Quit,
            KeyCode::Esc => return Typed::Closed(self.before.clone()),
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('a') if ctrl => self.cursor = 0,
            KeyCode::Char('e') if ctrl => self.cursor = self.text.len(),
            KeyCode::Char('u') if ctrl => self.erase_from(0),
            KeyCode::Char('w') if ctrl => self.erase_from(self.word_start()),
            KeyCode::Char('h') if ctrl => self.erase_from(self.previous()),
            KeyCode::Char(c) if !ctrl && !alt && !c.is_control() => {
                self.text.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
            KeyCode::Backspace => self.erase_from(self.previous()),
            KeyCode::Delete => {
                let next = self.next();
                self.text.replace_range(self.cursor..next, "");
            }
            KeyCode::Left => self.cursor = self.previous(),
            KeyCode::Right => self.cursor = self.next(),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Up => self.recall(self.recalled.checked_sub(1)),
            KeyCode::Down => self.recall(Some(self.recalled + 1)),
            _ => {}
        }
        if self.text == before {
            return Typed::Nothing;
        }
        self.is_untouched = false;
        self.read().map_or(Typed::Nothing, Typed::Filter)
    }

    /// Reads the text, and remembers what is wrong with it.
    fn read(&mut self) -> Result<Option<Arc<Filter>>, FilterError> {
        let filter = Filter::parse(&self.text);
        self.error = filter.as_ref().err().cloned();
        Ok(Some(filter?).filter(|f| !f.is_empty()).map(Arc::new))
    }

    /// Keeps the filter, if it is one.
    fn enter(&mut self) -> Typed {
        if self.is_untouched {
            return Typed::Closed(self.before.clone());
        }
        let Ok(filter) = self.read() else {
            return Typed::Nothing;
        };
        if filter.is_some() {
            self.typed.retain(|typed| *typed != self.text);
            self.typed.push(self.text.clone());
            let spare = self.typed.len().saturating_sub(REMEMBERED);
            self.typed.drain(..spare);
        }
        Typed::Closed(filter)
    }

    fn erase_from(&mut self, start: usize) {
        self.text.replace_range(start..self.cursor, "");
        self.cursor = start;
    }

    fn previous(&self) -> usize {
        let last = self.text[..self.cursor].chars().next_back();
        self.cursor - last.map_or(0, char::len_utf8)
    }

    fn next(&self) -> usize {
        let next = self.text[self.cursor..].chars().next();
        self.cursor + next.map_or(0, char::len_utf8)
    }

    /// Where the word before the cursor begins.
    fn word_start(&self) -> usize {
        let before = self.text[..self.cursor].trim_end();
        let space = before.rfind(char::is_whitespace);
        space.map_or(0, |at| {
            at + before[at..].chars().next().map_or(0, char::len_utf8)
        })
    }

    /// Shows one of the filters typed before, or what was being typed.
    fn recall(&mut self, wanted: Option<usize>) {
        let Some(wanted) = wanted.filter(|index| *index <= self.typed.len()) else {
            return;
        };
        if self.recalled == self.typed.len() {
            self.draft.clone_from(&self.text);
        }
        let text = self.typed.get(wanted).unwrap_or(&self.draft);
        self.text.clone_from(text);
        self.recalled = wanted;
        self.cursor = self.text.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(prompt: &mut Prompt, code: KeyCode) -> Typed {
        prompt.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn ctrl(prompt: &mut Prompt, c: char) -> Typed {
        prompt.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
    }

    fn write(prompt: &mut Prompt, text: &str) -> Typed {
        let mut last = Typed::Nothing;
        for c in text.chars() {
            last = press(prompt, KeyCode::Char(c));
        }
        last
    }

    fn filter(text: &str) -> Option<Arc<Filter>> {
        Filter::parse(text).ok().map(Arc::new)
    }

    #[test]
    fn what_is_understood_is_in_force_and_what_is_not_says_why() {
        let mut prompt = Prompt::new(None, Vec::new());
        assert_eq!(write(&mut prompt, "udp"), Typed::Filter(filter("udp")));
        assert_eq!(write(&mut prompt, " port:"), Typed::Nothing);
        assert!(prompt.error().unwrap().message().contains("needs a value"));
        assert_eq!(press(&mut prompt, KeyCode::Enter), Typed::Nothing);
        assert_eq!(
            write(&mut prompt, "53"),
            Typed::Filter(filter("udp port:53"))
        );
        assert_eq!(prompt.error(), None);
        let kept = press(&mut prompt, KeyCode::Enter);
        assert_eq!(kept, Typed::Closed(filter("udp port:53")));
        assert_eq!(prompt.take_typed(), ["udp port:53"]);
    }

    #[test]
    fn esc_goes_back_to_the_filter_before() {
        let mut prompt = Prompt::new(filter("tcp"), Vec::new());
        assert_eq!(prompt.halves(), ("proto:tcp", ""));
        write(&mut prompt, " x");
        let closed = press(&mut prompt, KeyCode::Esc);
        assert_eq!(closed, Typed::Closed(filter("tcp")));
    }

    #[test]
    fn the_line_is_edited_as_in_a_shell() {
        let mut prompt = Prompt::new(None, Vec::new());
        write(&mut prompt, "one twö");
        press(&mut prompt, KeyCode::Left);
        assert_eq!(prompt.halves(), ("one tw", "ö"));
        press(&mut prompt, KeyCode::Delete);
        press(&mut prompt, KeyCode::Backspace);
        assert_eq!(prompt.halves(), ("one t", ""));
        ctrl(&mut prompt, 'w');
        assert_eq!(prompt.halves(), ("one ", ""));
        press(&mut prompt, KeyCode::Home);
        press(&mut prompt, KeyCode::Right);
        assert_eq!(prompt.halves(), ("o", "ne "));
        assert_eq!(ctrl(&mut prompt, 'u'), Typed::Filter(filter("ne")));
        assert_eq!(prompt.halves(), ("", "ne "));
        press(&mut prompt, KeyCode::End);
        ctrl(&mut prompt, 'w');
        // Nothing is left, which holds every flow.
        write(&mut prompt, "a");
        assert_eq!(press(&mut prompt, KeyCode::Backspace), Typed::Filter(None));
        for code in [
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Left,
            KeyCode::Right,
        ] {
            assert_eq!(press(&mut prompt, code), Typed::Nothing);
        }
        assert_eq!(ctrl(&mut prompt, 'c'), Typed::Quit);
    }

    #[test]
    fn filters_typed_before_are_recalled() {
        let typed = vec!["tcp".to_owned(), "udp".to_owned()];
        let mut prompt = Prompt::new(None, typed);
        write(&mut prompt, "x");
        assert_eq!(
            press(&mut prompt, KeyCode::Up),
            Typed::Filter(filter("udp"))
        );
        assert_eq!(
            press(&mut prompt, KeyCode::Up),
            Typed::Filter(filter("tcp"))
        );
        assert_eq!(press(&mut prompt, KeyCode::Up), Typed::Nothing);
        press(&mut prompt, KeyCode::Down);
        assert_eq!(
            press(&mut prompt, KeyCode::Down),
            Typed::Filter(filter("x"))
        );
        assert_eq!(press(&mut prompt, KeyCode::Down), Typed::Nothing);
        press(&mut prompt, KeyCode::Up);
        press(&mut prompt, KeyCode::Enter);
        assert_eq!(prompt.take_typed(), ["tcp", "udp"]);
    }
}
