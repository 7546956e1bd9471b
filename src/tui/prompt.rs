//! The line where a filter is typed.
//!
//! [`Prompt::key`] is pure: what a key does to the text, and which filter is
//! in force after it.

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::completion::Completion;
use crate::view::filter::{Definitions, Filter, FilterError, Suggestion};

/// Bytes of a text that is pasted into, at most.
const LONGEST: usize = 4096;
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
    /// Filters that have a name.
    saved: Definitions,
    /// Whether their names are not to be seen.
    hides_saved: bool,
    completion: Completion,
}

impl Prompt {
    /// A line that begins with the filter in force.
    pub(super) fn new(filter: Option<Arc<Filter>>, typed: Vec<String>, saved: Definitions) -> Self {
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
            saved,
            hides_saved: false,
            completion: Completion::default(),
        }
    }

    /// An empty line, because the filter in force and those before it are not to
    /// be seen. Enter keeps it until something is typed.
    pub(super) fn unseen(filter: Option<Arc<Filter>>, saved: Definitions) -> Self {
        let mut prompt = Self::new(None, Vec::new(), saved);
        prompt.hides_saved = true;
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

    /// What could be written next, and which of it is under the mark.
    pub(super) fn completion(&self) -> Option<(&[Suggestion], usize)> {
        self.completion.shown()
    }

    /// Goes on with the beginning of another term. Until that is one, the filter
    /// in force stays.
    pub(super) fn append(&mut self, beginning: &str) {
        self.text.truncate(self.text.trim_end().len());
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(beginning);
        self.cursor = self.text.len();
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
            KeyCode::Tab => return self.complete(false),
            KeyCode::BackTab => return self.complete(true),
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
        let recalls = matches!(key.code, KeyCode::Up | KeyCode::Down);
        if recalls {
            self.completion = Completion::default();
        } else {
            self.look_ahead();
        }
        if self.text == before {
            return Typed::Nothing;
        }
        self.is_untouched = false;
        if !recalls && let Some(filter) = self.before_connector() {
            self.error = None;
            return Typed::Filter(Some(Arc::new(filter)));
        }
        self.read().map_or(Typed::Nothing, Typed::Filter)
    }

    /// Takes a candidate for the word before the cursor.
    fn complete(&mut self, backwards: bool) -> Typed {
        let taken = self.completion.take(&mut self.text, self.cursor, backwards);
        let Some(cursor) = taken else {
            return Typed::Nothing;
        };
        self.cursor = cursor;
        self.is_untouched = false;
        if self.completion.is_only_one() {
            self.look_ahead();
        }
        self.read().map_or(Typed::Nothing, Typed::Filter)
    }

    /// Looks for what could be written at the cursor.
    fn look_ahead(&mut self) {
        let none = Definitions::default();
        let saved = if self.hides_saved { &none } else { &self.saved };
        self.completion = Completion::of(&self.text, self.cursor, saved);
    }

    /// The filter before a last word that may become `and`, `or` or `not`: as a
    /// text to search for it would hide nearly everything in between.
    fn before_connector(&self) -> Option<Filter> {
        let (before, word) = self.text.rsplit_once(char::is_whitespace)?;
        let word = word.to_ascii_lowercase();
        let begins = |connector: &str| connector != word && connector.starts_with(&word);
        let may_connect = !word.is_empty() && ["and", "or", "not"].into_iter().any(begins);
        if !may_connect || self.cursor < self.text.len() {
            return None;
        }
        let filter = Filter::parse_with(before, &self.saved).ok();
        filter.filter(|filter| !filter.is_empty())
    }

    /// Takes a text that was pasted: ends of lines in it are blanks.
    pub(super) fn paste(&mut self, text: &str) -> Typed {
        let room = LONGEST.saturating_sub(self.text.len());
        let text: String = text
            .chars()
            .map(|c| if c.is_whitespace() { ' ' } else { c })
            .filter(|c| !c.is_control())
            .take(room)
            .collect();
        if text.is_empty() {
            return Typed::Nothing;
        }
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.is_untouched = false;
        self.look_ahead();
        self.read().map_or(Typed::Nothing, Typed::Filter)
    }

    /// Reads the text, and remembers what is wrong with it.
    fn read(&mut self) -> Result<Option<Arc<Filter>>, FilterError> {
        let filter = Filter::parse_with(&self.text, &self.saved);
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

    fn saved() -> Definitions {
        Definitions::new([("uploads", "bytes_up>1M"), ("unanswered", "udp")])
    }

    fn filter(text: &str) -> Option<Arc<Filter>> {
        Filter::parse_with(text, &saved()).ok().map(Arc::new)
    }

    #[test]
    fn what_is_understood_is_in_force_and_what_is_not_says_why() {
        let mut prompt = Prompt::new(None, Vec::new(), saved());
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
        let mut prompt = Prompt::new(filter("tcp"), Vec::new(), saved());
        assert_eq!(prompt.halves(), ("proto:tcp", ""));
        write(&mut prompt, " x");
        let closed = press(&mut prompt, KeyCode::Esc);
        assert_eq!(closed, Typed::Closed(filter("tcp")));
    }

    #[test]
    fn the_line_is_edited_as_in_a_shell() {
        let mut prompt = Prompt::new(None, Vec::new(), saved());
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
        let mut prompt = Prompt::new(None, typed, saved());
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

    #[test]
    fn tab_takes_a_candidate_and_goes_on_to_the_next() {
        let mut prompt = Prompt::new(None, Vec::new(), saved());
        assert_eq!(prompt.completion(), None);
        write(&mut prompt, "!@u");
        let (candidates, at) = prompt.completion().unwrap();
        assert_eq!((candidates.len(), at), (2, 0));
        assert_eq!(
            press(&mut prompt, KeyCode::Tab),
            Typed::Filter(filter("!@unanswered"))
        );
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.halves(), ("!@uploads", ""));
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.halves(), ("!@unanswered", ""));
        press(&mut prompt, KeyCode::BackTab);
        assert_eq!(prompt.halves(), ("!@uploads", ""));
        // What is whole has no more candidates once something else is typed.
        write(&mut prompt, " ");
        assert_eq!(prompt.completion(), None);
        assert_eq!(press(&mut prompt, KeyCode::Tab), Typed::Nothing);
        // Of a key that is the only one its values come next.
        write(&mut prompt, "proto:dc");
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.halves(), ("!@uploads proto:dccp", ""));
        assert_eq!(prompt.completion(), None);
        ctrl(&mut prompt, 'u');
        write(&mut prompt, "state:est) x");
        for _ in 0..3 {
            press(&mut prompt, KeyCode::Left);
        }
        press(&mut prompt, KeyCode::BackTab);
        assert_eq!(prompt.halves(), ("state:established", ") x"));
    }

    #[test]
    fn names_are_not_suggested_where_they_are_not_to_be_seen() {
        let mut prompt = Prompt::unseen(None, saved());
        write(&mut prompt, "@u");
        assert_eq!(prompt.completion(), None);
        let typed = write(&mut prompt, "ploads");
        assert_eq!(typed, Typed::Filter(filter("@uploads")));
    }

    #[test]
    fn the_beginning_of_a_connector_hides_nothing() {
        let mut prompt = Prompt::new(None, Vec::new(), saved());
        let web = filter("port:443");
        write(&mut prompt, "port:443");
        for word in [" a", "n"] {
            assert_eq!(write(&mut prompt, word), Typed::Filter(web.clone()));
        }
        assert_eq!(write(&mut prompt, "d"), Typed::Nothing);
        assert_eq!(
            write(&mut prompt, " n"),
            Typed::Filter(filter("port:443 n"))
        );
        ctrl(&mut prompt, 'u');
        // By itself it is a text, and so it is at Enter.
        assert_eq!(write(&mut prompt, "o"), Typed::Filter(filter("o")));
        ctrl(&mut prompt, 'u');
        assert_eq!(write(&mut prompt, "port:443 o"), Typed::Filter(web));
        let kept = press(&mut prompt, KeyCode::Enter);
        assert_eq!(kept, Typed::Closed(filter("port:443 o")));
    }
}
