//! The table `[filters]`: filters under a name.

use toml::de::DeTable;

use super::keys::text;
use super::{Reading, is_option, line, misplaced};
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
                _ if is_option(name) => Err(misplaced(name, "filters")),
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
        // What stands below may be a part of what stands here.
        let below = self.below.filters.iter().chain(&self.layer.filters);
        let known = Definitions::new(below.map(|(name, text)| (&**name, &**text)));
        for (name, at, text) in lines {
            let wrong = known.wrong().find(|(wrong, _)| *wrong == name);
            let problem = wrong.map(|(_, error)| (at, told(name, text, error)));
            self.problems.extend(problem);
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
