//! What could be written next, while a filter is typed.

use crate::view::filter::{Definitions, Suggestion, suggest};

/// Candidates for the word before the cursor, and the one under the mark.
#[derive(Clone, Debug, Default)]
pub(super) struct Completion {
    candidates: Vec<Suggestion>,
    at: usize,
    /// Whether the one under the mark stands in the text, so that the next key
    /// goes on to another.
    is_taken: bool,
}

impl Completion {
    /// What fits the word before `cursor`. A word that is not begun, and one
    /// that is whole, have none.
    pub(super) fn of(text: &str, cursor: usize, saved: &Definitions) -> Self {
        let mut candidates = suggest(text, cursor, saved);
        candidates.retain(|one| {
            // Values and names are few; keys are not.
            !one.replaces.is_empty() || text[..cursor].ends_with([':', '=', ','])
        });
        let is_whole = |one: &Suggestion| text.get(one.replaces.clone()) == Some(&*one.text);
        if matches!(&candidates[..], [one] if is_whole(one)) {
            candidates.clear();
        }
        Self {
            candidates,
            at: 0,
            is_taken: false,
        }
    }

    /// The candidates, and which is under the mark; `None` if there are none.
    pub(super) fn shown(&self) -> Option<(&[Suggestion], usize)> {
        (!self.candidates.is_empty()).then_some((&*self.candidates, self.at))
    }

    /// Puts the candidate under the mark into the text, or the one after it or
    /// `before` it if that was done already. Returns the cursor after it.
    pub(super) fn take(&mut self, text: &mut String, cursor: usize, before: bool) -> Option<usize> {
        let count = self.candidates.len();
        let step = match (before, self.is_taken) {
            (true, _) => count.checked_sub(1)?,
            (false, taken) => usize::from(taken),
        };
        self.at = (self.at + step).checked_rem(count)?;
        let one = self.candidates.get(self.at)?;
        let start = one.replaces.start;
        text.get(start..cursor)?;
        text.replace_range(start..cursor, &one.text);
        self.is_taken = true;
        Some(start + one.text.len())
    }

    /// Whether there is no other candidate to go on to.
    pub(super) fn is_only_one(&self) -> bool {
        self.candidates.len() == 1
    }
}
