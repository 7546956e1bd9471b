//! Text of several roles, wrapped beside labels.

use super::super::super::theme::Role;
use super::super::popup::Text;

/// Width of the labels, with the blank cells behind them.
pub(super) const LABEL: usize = 11;

/// With less room than this beside the labels, how things are known is told at
/// the end.
const ROOM_FOR_NOTES: usize = 80;

/// A sentence whose parts have roles of their own. It is broken at blanks.
#[derive(Clone, Debug, Default)]
pub(super) struct Prose {
    parts: Vec<(String, Role)>,
    /// How that is known.
    notes: Vec<String>,
}

impl Prose {
    pub(super) fn of(text: impl Into<String>, role: Role) -> Self {
        Self::default().and(text, role)
    }

    /// Goes on without a blank.
    pub(super) fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.parts.push((text.into(), role));
        self
    }

    /// Goes on after a gap, unless this is the beginning.
    pub(super) fn then(mut self, text: impl Into<String>, role: Role) -> Self {
        if !self.is_empty() {
            self.parts.push(("  ".to_owned(), Role::Text));
        }
        self.and(text, role)
    }

    /// Says how it is known.
    pub(super) fn known(mut self, how: impl Into<String>) -> Self {
        self.notes.push(how.into());
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.iter().all(|(text, _)| text.is_empty())
    }

    /// With the notes behind the parts.
    fn annotated(mut self) -> Self {
        for note in std::mem::take(&mut self.notes) {
            self = self.then(format!("· {note}"), Role::Dim);
        }
        self
    }

    /// Lines of at most `width` cells. A word longer than that is cut.
    fn wrap(&self, width: usize) -> Vec<Text> {
        let width = width.max(1);
        let mut lines: Vec<Vec<(char, Role)>> = vec![Vec::new()];
        let mut word = Vec::new();
        let mut blanks = 0;
        let letters = self
            .parts
            .iter()
            .flat_map(|(text, role)| text.chars().map(|c| (c, *role)));
        for (letter, role) in letters.chain([(' ', Role::Text)]) {
            if letter != ' ' {
                word.push((letter, role));
                continue;
            }
            if !word.is_empty() {
                place(&mut lines, std::mem::take(&mut word), blanks, width);
                blanks = 0;
            }
            blanks += 1;
        }
        lines.into_iter().map(|line| joined(&line)).collect()
    }
}

/// Puts a word behind what is there, or on the next line.
fn place(
    lines: &mut Vec<Vec<(char, Role)>>,
    mut word: Vec<(char, Role)>,
    blanks: usize,
    width: usize,
) {
    let used = lines.last().map_or(0, Vec::len);
    if used > 0 && used + blanks + word.len() <= width {
        if let Some(line) = lines.last_mut() {
            line.extend(std::iter::repeat_n((' ', Role::Text), blanks));
            line.append(&mut word);
        }
        return;
    }
    if used == 0 {
        lines.pop();
    }
    while word.len() > width {
        let rest = word.split_off(width);
        lines.push(std::mem::replace(&mut word, rest));
    }
    lines.push(word);
}

/// Letters of one role side by side become one text.
pub(super) fn joined(letters: &[(char, Role)]) -> Text {
    letters
        .chunk_by(|a, b| a.1 == b.1)
        .filter_map(|run| {
            let role = run.first()?.1;
            Some((run.iter().map(|(letter, _)| letter).collect(), role))
        })
        .collect()
}

/// What is written so far.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Cells of a line.
    width: usize,
    /// Whether there is room for blank lines.
    is_airy: bool,
    lines: Vec<Text>,
    /// How things are known, by label; for the end.
    notes: Vec<(String, String)>,
}

impl Sheet {
    pub(super) const fn new(width: usize, is_airy: bool) -> Self {
        Self {
            width,
            is_airy,
            lines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// All that is written.
    pub(super) fn lines(mut self) -> Vec<Text> {
        if !self.notes.is_empty() {
            self.gap();
        }
        for (label, note) in std::mem::take(&mut self.notes) {
            self.write(&label, &Prose::of(format!("· {note}"), Role::Dim));
        }
        while self.lines.last().is_some_and(Vec::is_empty) {
            self.lines.pop();
        }
        self.lines
    }

    /// Cells beside a label.
    pub(super) const fn room(&self) -> usize {
        self.width.saturating_sub(LABEL)
    }

    /// Writes a label, and beside it what it is about; nothing if that is
    /// empty.
    pub(super) fn say(&mut self, label: &str, mut prose: Prose) {
        if prose.is_empty() {
            return;
        }
        if self.room() < ROOM_FOR_NOTES {
            let notes = std::mem::take(&mut prose.notes);
            let said = notes.join(", ");
            if !said.is_empty() {
                self.notes.push((label.to_owned(), said));
            }
        }
        self.write(label, &prose.annotated());
    }

    fn write(&mut self, label: &str, prose: &Prose) {
        for (index, mut text) in prose.wrap(self.room()).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            text.insert(0, (format!("{label:<LABEL$}"), Role::Dim));
            self.lines.push(text);
        }
    }

    /// Writes a line as it is beside a label.
    pub(super) fn line(&mut self, label: (String, Role), mut text: Text) {
        let (label, role) = label;
        text.insert(0, (format!("{label:<LABEL$}"), role));
        self.lines.push(text);
    }

    /// Sets apart what follows from what was before, where there is room.
    pub(super) fn gap(&mut self) {
        if self.is_airy && self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Text::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(prose: &Prose, width: usize) -> Vec<String> {
        let texts = prose.wrap(width).into_iter();
        texts
            .map(|line| line.into_iter().map(|(text, _)| text).collect())
            .collect()
    }

    #[test]
    fn parts_without_a_blank_stay_together() {
        let prose = Prose::of("a host", Role::Text)
            .then("192.0.2.1", Role::AddressPublic)
            .and(":443", Role::Dim)
            .known("so they say")
            .annotated();
        assert_eq!(lines(&prose, 80), ["a host  192.0.2.1:443  · so they say"]);
        assert_eq!(
            lines(&prose, 14),
            ["a host", "192.0.2.1:443", "· so they say"]
        );
        let line = &prose.wrap(14)[1];
        assert_eq!(line.len(), 2);
        assert_eq!(line[1], (":443".to_owned(), Role::Dim));
    }

    #[test]
    fn no_line_is_too_long_and_no_letter_is_lost() {
        let text = "one twenty-two three four  fivefivefive six";
        let prose = Prose::of(text, Role::Text);
        let letters = |text: &str| text.replace(' ', "");
        for width in 1..60 {
            let lines = lines(&prose, width);
            assert!(lines.iter().all(|line| line.chars().count() <= width));
            assert_eq!(letters(&lines.concat()), letters(text), "{width}");
        }
        assert_eq!(lines(&Prose::default(), 5), [""]);
    }

    #[test]
    fn notes_stand_behind_or_at_the_end() {
        let sheet = |width| {
            let mut sheet = Sheet::new(width, true);
            sheet.say(
                "from",
                Prose::of("here", Role::Text)
                    .known("a map")
                    .known("a guess"),
            );
            sheet.say("to", Prose::of("there", Role::Text));
            sheet.gap();
            let lines = sheet.lines().into_iter();
            let texts = lines.map(|line| line.into_iter().map(|(text, _)| text).collect());
            texts.collect::<Vec<String>>()
        };
        assert_eq!(
            sheet(100),
            ["from       here  · a map  · a guess", "to         there"]
        );
        assert_eq!(
            sheet(60),
            [
                "from       here",
                "to         there",
                "",
                "from       · a map, a guess"
            ]
        );
    }
}
