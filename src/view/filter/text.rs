//! Texts as filters compare them: without regard to case, whole or in part,
//! with wildcards, or by a regular expression.

use regex::{Regex, RegexBuilder};

use super::error::quoted;

/// Bytes that the program of a regular expression, and its cache, may take.
const REGEX_BYTES: usize = 1 << 20;
/// How deep the groups of a regular expression may be.
const REGEX_DEPTH: u32 = 50;

/// A regular expression and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) source: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Compiles it, without regard to case.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        if source.is_empty() {
            return Err("a regular expression is missing after `~`, as in process~^fire".into());
        }
        let regex = RegexBuilder::new(source)
            .case_insensitive(true)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .nest_limit(REGEX_DEPTH)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    "this regular expression is too large, write fewer repetitions".into()
                }
                // The last line says what is wrong; those before show where.
                other => {
                    let text = other.to_string();
                    let said = text.lines().last().unwrap_or_default();
                    let said = said.strip_prefix("error: ").unwrap_or(said);
                    format!("{} is no regular expression: {said}", quoted(source))
                }
            })?;
        Ok(Self {
            source: source.into(),
            regex,
        })
    }
}

/// What a text has to be like.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// It holds this one, which is in lower case.
    Contains(Box<str>),
    /// It is this one, which is in lower case.
    Whole(Box<str>),
    /// It is made of these parts, in lower case, with anything between them.
    Glob(Box<[Box<str>]>),
    /// The expression finds something in it.
    Matches(Regex),
}

impl Test {
    pub(super) fn contains(text: &str) -> Self {
        Self::Contains(text.to_lowercase().into())
    }

    pub(super) fn whole(text: &str) -> Self {
        Self::Whole(text.to_lowercase().into())
    }

    pub(super) fn glob(text: &str) -> Self {
        Self::Glob(text.to_lowercase().split('*').map(Box::from).collect())
    }

    pub(super) fn matches(pattern: &Pattern) -> Self {
        Self::Matches(pattern.regex.clone())
    }

    /// Whether a text is like it.
    pub(super) fn holds(&self, text: &str) -> bool {
        if let Self::Matches(regex) = self {
            return regex.is_match(text);
        }
        // What is not ASCII changes its length with its case.
        if text.is_ascii() {
            self.holds_folded(text.as_bytes())
        } else {
            self.holds_folded(text.to_lowercase().as_bytes())
        }
    }

    fn holds_folded(&self, text: &[u8]) -> bool {
        match self {
            Self::Contains(part) => find(text, part.as_bytes()).is_some(),
            Self::Whole(whole) => text.eq_ignore_ascii_case(whole.as_bytes()),
            Self::Glob(parts) => is_made_of(text, parts),
            Self::Matches(_) => false,
        }
    }

    /// Whether a text of these characters alone can be like it. Only to spare
    /// the writing of one.
    pub(super) fn admits_only(&self, is_one: impl Fn(u8) -> bool) -> bool {
        match self {
            Self::Contains(text) | Self::Whole(text) => text.bytes().all(is_one),
            Self::Glob(parts) => parts.iter().all(|part| part.bytes().all(&is_one)),
            Self::Matches(_) => true,
        }
    }
}

/// Where `part`, which is in lower case, begins in `text`.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let Some(first) = part.first() else {
        return Some(0);
    };
    let last = text.len().checked_sub(part.len())?;
    (0..=last).find(|at| {
        text[*at].eq_ignore_ascii_case(first)
            && text[*at..*at + part.len()].eq_ignore_ascii_case(part)
    })
}

/// Whether `text` begins with the first part, ends with the last, and has the
/// others between them in order.
fn is_made_of(text: &[u8], parts: &[Box<str>]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts
            .iter()
            .all(|only| text.eq_ignore_ascii_case(only.as_bytes()));
    };
    let (first, last) = (first.as_bytes(), last.as_bytes());
    if text.len() < first.len() + last.len()
        || !text[..first.len()].eq_ignore_ascii_case(first)
        || !text[text.len() - last.len()..].eq_ignore_ascii_case(last)
    {
        return false;
    }
    let mut rest = &text[first.len()..text.len() - last.len()];
    for part in middle {
        match find(rest, part.as_bytes()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        assert!(Test::contains("FIRE").holds("a firefox"));
        assert!(Test::contains("é").holds("CAFÉ"));
        assert!(Test::whole("Root").holds("rOOT"));
        assert!(!Test::whole("root").holds("rooty"));
        assert!(Test::matches(&Pattern::new("^FIRE").unwrap()).holds("firefox"));
        assert!(!Test::contains("firefox").holds("fire"));
    }

    #[test]
    fn wildcards_stand_for_anything() {
        let holds = |glob: &str, text: &str| Test::glob(glob).holds(text);
        for text in [
            "fire*",
            "*fox",
            "*ref*",
            "f*e*x",
            "*",
            "firefox*",
            "FIRE**fox",
        ] {
            assert!(holds(text, "firefox"), "{text}");
        }
        for text in ["ire*", "*fo", "*xx*", "firefox*x", "f*x*x"] {
            assert!(!holds(text, "firefox"), "{text}");
        }
        // The ends do not share a byte.
        assert!(!holds("aba*aba", "ababa"));
    }

    #[test]
    fn expressions_are_bounded() {
        assert!(Pattern::new("").is_err());
        let error = Pattern::new("a(b").unwrap_err();
        assert!(error.contains("unclosed group"), "{error}");
        assert!(!error.contains('\n'));
        let error = Pattern::new(r"\w{1000}{1000}").unwrap_err();
        assert!(error.contains("too large"), "{error}");
        assert!(Pattern::new(&"(".repeat(500)).is_err());
    }
}
