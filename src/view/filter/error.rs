//! What is wrong with a filter, and where.

use std::fmt;
use std::ops::Range;

/// Columns of the text that are shown on either side of the place.
const CONTEXT: usize = 40;

/// What is wrong, and where, before the text is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    /// The name that stands for no saved filter.
    pub(super) missing: Option<String>,
}

impl Fault {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            missing: None,
        }
    }
}

/// A text that is no filter. It is displayed as a sentence, the text, and a
/// caret under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    text: String,
    span: Range<usize>,
    message: String,
}

impl std::error::Error for FilterError {}

impl FilterError {
    pub(super) fn new(text: &str, fault: Fault) -> Self {
        Self {
            text: text.into(),
            span: fault.span,
            message: fault.message,
        }
    }

    /// What is wrong and what would be right: one sentence, no control
    /// characters.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place, in bytes of the text. It may be empty, at the end.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The text around the place, and a line of the same width with `^` under
    /// it. A character that would move the cursor is shown as `?`.
    pub fn pointed(&self) -> (String, String) {
        let shown = |c: char| if c.is_control() { '?' } else { c };
        let before = self.text.get(..self.span.start).unwrap_or_default();
        let inside = self.text.get(self.span.clone()).unwrap_or_default();
        let after = self.text.get(self.span.end..).unwrap_or_default();
        let mut line = String::new();
        let cut = before.chars().count().saturating_sub(CONTEXT);
        if cut > 0 {
            line.push('…');
        }
        line.extend(before.chars().skip(cut).map(shown));
        let indent = line.chars().count();
        let width = inside.chars().count();
        let mut rest = inside.chars().chain(after.chars()).map(shown);
        line.extend(rest.by_ref().take(width.min(CONTEXT) + CONTEXT));
        if rest.next().is_some() {
            line.push('…');
        }
        let carets = "^".repeat(width.clamp(1, CONTEXT * 2));
        (line, format!("{}{carets}", " ".repeat(indent)))
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, carets) = self.pointed();
        write!(f, "{}\n  {line}\n  {carets}", self.message)
    }
}

/// A piece of a filter as it is repeated in a message: short, and fit for a
/// terminal.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.escape_debug().take(CONTEXT).collect();
    if text.escape_debug().count() > CONTEXT {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The word of a list that is most like `text`, if any is like it.
pub fn nearest<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_ascii_lowercase();
    words
        .into_iter()
        .map(|word| {
            // The one knows beginnings, the other letters that changed places.
            let spelt = strsim::normalized_damerau_levenshtein(word, &text);
            (strsim::jaro_winkler(word, &text).max(spelt), word)
        })
        .filter(|(likeness, _)| *likeness > 0.65)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}
