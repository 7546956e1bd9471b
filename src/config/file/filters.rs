//! The table `[filters]`: filters under a name.

use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Value, text};
use super::{Layer, Reading, line, misplaced};
use crate::view::filter::{Definitions, FilterError};

/// Filters that the sample has, behind a `#`: name, expression, and what it is
/// about.
#[cfg(test)]
pub(in crate::config) const EXAMPLES: [(&str, &str, &str); 5] = [
    (
        "half-open",
        "state:syn_recv or state:syn_sent",
        "TCP handshakes that are not complete",
    ),
    (
        "uploads",
        "dir:out bytes_up>=100M",
        "Much that was sent from here",
    ),
    (
        "old-idle",
        "age>=1d idle_secs>=3600",
        "Open for a day, and nothing moved for an hour",
    ),
    (
        "unanswered",
        "udp !status:seen_reply",
        "UDP that nobody has answered",
    ),
    (
        "abroad",
        "dir:out country:* !country:DE",
        "Out of the country, if that is DE",
    ),
];

impl Reading<'_> {
    pub(super) fn filters(&mut self, filters: &DeTable<'_>) {
        let mut lines = Vec::new();
        for (name, value) in filters {
            let at = line(self.text, name.span().start);
            let name = name.get_ref().as_ref();
            let read = match text(value.get_ref()) {
                _ if self.is_misplaced(name, value.get_ref()) => Err(misplaced(name, "filters")),
                Err(problem) => Err(format!("`{}`: {problem}", name.escape_debug())),
                Ok(text) => Ok(text),
            };
            match read {
                Ok(text) => {
                    self.layer.filters.insert(name.to_owned(), text.to_owned());
                    lines.push((name, at, text));
                }
                Err(problem) => self.problems.push((at, problem)),
            }
        }
        self.fall_back(&lines);
        let known = self.known();
        for (name, at, text) in lines {
            // What fell back is told already.
            let is_used = self.layer.filters.contains_key(name);
            let wrong = known.wrong().find(|(wrong, _)| is_used && *wrong == name);
            let problem = wrong.map(|(_, error)| (at, told(name, text, error)));
            self.problems.extend(problem);
        }
    }

    /// Whether a line is an option that belongs above the table, and not a
    /// filter with the name of one.
    fn is_misplaced(&self, name: &str, value: &DeValue<'_>) -> bool {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return false;
        };
        let base = self.base;
        let is_filter = matches!(value, DeValue::String(_));
        !is_filter || (key.read)(&Value { value, base }, &mut Layer::default()).is_ok()
    }

    /// The filters of this file and of those before. What they say may be a
    /// part of what stands here.
    fn known(&self) -> Definitions {
        let all = self.below.filters.iter().chain(&self.layer.filters);
        Definitions::new(all.map(|(name, text)| (&**name, &**text)))
    }

    /// Drops what is wrong here and right in a file before, and tells of it.
    fn fall_back(&mut self, lines: &[(&str, usize, &str)]) {
        let below = self.below.filters.iter();
        let below = Definitions::new(below.map(|(name, text)| (&**name, &**text)));
        for (wrong, error) in self.known().wrong() {
            let line = lines.iter().find(|(name, ..)| *name == wrong);
            let is_right_below = below.iter().any(|(name, _)| name == wrong);
            if let Some((name, at, text)) = line.filter(|_| is_right_below) {
                self.layer.filters.remove(*name);
                let problem = told(name, text, error);
                let problem = format!("{problem}; it stays what the file before says");
                self.problems.push((*at, problem));
            }
        }
    }
}

/// What is wrong with a filter, and where.
fn told(name: &str, text: &str, error: &FilterError) -> String {
    let before = text.get(..error.span().start).unwrap_or_default();
    let (name, message) = (name.escape_debug(), error.message());
    let place = before.chars().count() + 1;
    match text.get(error.span()) {
        Some(piece) if !piece.is_empty() && piece != text => {
            format!("`{name}`: {message} (character {place}: `{piece}`)")
        }
        _ => format!("`{name}`: {message} (character {place})"),
    }
}
