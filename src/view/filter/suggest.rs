//! What could be written next.

use std::ops::Range;

use super::error::quoted;
use super::key::{self, Sort, protocols};
use super::saved::Definitions;
use super::words::bare_words;

/// Something that could stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The text, such as `port:` or `established`.
    pub text: String,
    /// The bytes of the filter that it would replace.
    pub replaces: Range<usize>,
    /// What it means.
    pub doc: String,
}

/// What could be written at `cursor`, a place in bytes: keys that begin with
/// the word before it, values of the key before it that are known, or names of
/// saved filters.
pub fn suggest(text: &str, cursor: usize, saved: &Definitions) -> Vec<Suggestion> {
    let Some(before) = text.get(..cursor) else {
        return Vec::new();
    };
    let starts = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"');
    let word = before.rfind(starts).map_or(0, |at| {
        at + before[at..].chars().next().map_or(1, char::len_utf8)
    });
    let word = word + before[word..].len() - before[word..].trim_start_matches(['!', '-']).len();
    let typed = &before[word..];
    if let Some(name) = typed.strip_prefix('@') {
        return names(name, &(word..cursor), saved);
    }
    match typed.find([':', '=']) {
        Some(sign) => {
            let comma = typed.rfind(',').unwrap_or(sign);
            let start = word + comma.max(sign) + 1;
            values(&typed[..sign], &before[start..], start..cursor)
        }
        None => keys(typed, &(word..cursor)),
    }
}

fn names(typed: &str, place: &Range<usize>, saved: &Definitions) -> Vec<Suggestion> {
    let all = saved.iter().filter(|(name, _)| name.starts_with(typed));
    all.map(|(name, says)| Suggestion {
        text: format!("@{name}"),
        replaces: place.clone(),
        doc: says,
    })
    .collect()
}

fn keys(typed: &str, place: &Range<usize>) -> Vec<Suggestion> {
    let typed = typed.to_ascii_lowercase();
    let keys = key::names().map(|(name, doc)| (format!("{name}:"), doc.to_owned()));
    let words = bare_words().map(|word| (word.to_owned(), format!("Flows of {word}.")));
    keys.chain(words)
        .filter(|(text, _)| text.starts_with(&typed))
        .map(|(text, doc)| Suggestion {
            text,
            replaces: place.clone(),
            doc,
        })
        .collect()
}

fn values(name: &str, typed: &str, place: Range<usize>) -> Vec<Suggestion> {
    let Some(key) = key::find(name.trim_end_matches('!')) else {
        return Vec::new();
    };
    let list: Vec<&str> = match key.sort {
        Sort::Protocol => protocols().map(|(_, name)| name).collect(),
        Sort::Words(words) => words.list(),
        _ => return Vec::new(),
    };
    let typed = typed.to_ascii_lowercase();
    list.into_iter()
        .filter(|word| word.starts_with(&typed))
        .map(|word| Suggestion {
            text: word.into(),
            replaces: place.clone(),
            doc: format!("{} is {}.", key.name, quoted(word)),
        })
        .collect()
}
