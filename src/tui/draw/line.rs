//! Lines of pieces: what fits where, and what goes first where it does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::state::State;
use super::super::theme::{Role, Theme};
use crate::view::column::Align;

/// Cells between two pieces.
const GAP: usize = 2;

/// A piece of a line: words that come and go together.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    texts: Vec<(String, Role)>,
    /// What it shrinks to before it goes, and the rank it has then.
    short: Option<(u8, String, Role)>,
    /// The highest shrinks or goes first; 0 stays.
    rank: u8,
}

impl Piece {
    pub(super) fn new(rank: u8, text: impl Into<String>, role: Role) -> Self {
        Self {
            texts: vec![(text.into(), role)],
            short: None,
            rank,
        }
    }

    /// Goes on with a text of another role.
    pub(super) fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.texts.push((text.into(), role));
        self
    }

    /// Shrinks to a text that goes later.
    pub(super) fn or_short(mut self, rank: u8, text: impl Into<String>, role: Role) -> Self {
        self.short = Some((rank, text.into(), role));
        self
    }

    fn width(&self) -> usize {
        let width = |(text, _): &(String, Role)| Span::raw(text.as_str()).width();
        self.texts.iter().map(width).sum()
    }
}

/// Draws some pieces from the left and some up to the right edge. Where there
/// is no room, the piece with the highest rank of all shrinks or goes.
pub(super) fn draw(
    mut left: Vec<Piece>,
    mut right: Vec<Piece>,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    if area.is_empty() {
        return;
    }
    let room = usize::from(area.width).saturating_sub(2);
    while width(&left) + width(&right) + GAP > room && yields(&mut left, &mut right) {}
    let edge = area.right().saturating_sub(1);
    let x = put(&left, area.x + 1, area.y, edge, theme, buf);
    let start = edge.saturating_sub(width(&right) as u16).max(x);
    put(&right, start, area.y, edge, theme, buf);
}

/// Whether all of some pieces has room, but for those whose rank is above
/// `rank`: they may have shrunk or gone.
pub(super) fn fits(left: &[Piece], right: &[Piece], rank: u8, area: Rect) -> bool {
    let room = usize::from(area.width).saturating_sub(2);
    let shrunk = |pieces: &[Piece]| -> Vec<Piece> {
        let mut pieces = pieces.to_vec();
        while pieces.iter().any(|piece| piece.rank > rank) && yields(&mut pieces, &mut Vec::new()) {
        }
        pieces
    };
    width(&shrunk(left)) + width(&shrunk(right)) + GAP <= room
}

fn width(pieces: &[Piece]) -> usize {
    let texts: usize = pieces.iter().map(Piece::width).sum();
    texts + GAP * pieces.len().saturating_sub(1)
}

/// Whether a piece could yield.
fn yields(left: &mut Vec<Piece>, right: &mut Vec<Piece>) -> bool {
    let last = |pieces: &[Piece]| {
        let ranks = pieces.iter().enumerate().map(|(i, p)| (p.rank, i));
        ranks.max().filter(|(rank, _)| *rank > 0)
    };
    let (pieces, index) = match (last(left), last(right)) {
        (Some((a, index)), Some((b, _))) if a >= b => (left, index),
        (Some((_, index)), None) => (left, index),
        (_, Some((_, index))) => (right, index),
        (None, None) => return false,
    };
    match pieces[index].short.take() {
        Some((rank, text, role)) => pieces[index] = Piece::new(rank, text, role),
        None => {
            pieces.remove(index);
        }
    }
    true
}

fn put(pieces: &[Piece], mut x: u16, y: u16, edge: u16, theme: &Theme, buf: &mut Buffer) -> u16 {
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            x += GAP as u16;
        }
        for (text, role) in &piece.texts {
            let room = usize::from(edge.saturating_sub(x));
            if room == 0 {
                return x;
            }
            x = buf.set_stringn(x, y, text, room, theme.style(*role)).0;
        }
    }
    x
}

/// Shows that a line is selected.
pub(super) fn select(state: &State, line: Rect, buf: &mut Buffer) {
    // Colours would be unreadable when reversed.
    for x in line.left()..line.right() {
        buf[(x, line.y)].set_style(Style::reset());
    }
    buf.set_style(line, state.theme.style(Role::Selected));
}

/// Draws the title of a column by which rows are sorted, and behind it which
/// way. A title as wide as its column begins in the gap before it.
pub(super) fn put_sorted(
    buf: &mut Buffer,
    area: Rect,
    align: Align,
    title: &str,
    descending: bool,
    style: Style,
) {
    let text = format!("{title}{}", sign(descending));
    let x = match align {
        Align::Left => area.x,
        Align::Right => area.right().saturating_sub(text.chars().count() as u16),
    };
    let room = buf.area.right().saturating_sub(x);
    buf.set_stringn(x, area.y, text, room.into(), style);
}

/// Which way something is sorted.
pub(super) const fn sign(descending: bool) -> &'static str {
    if descending { "▼" } else { "▲" }
}

/// Draws a text within `area`, where it is aligned.
pub(super) fn put_aligned(buf: &mut Buffer, area: Rect, align: Align, text: &str, style: Style) {
    let width = usize::from(area.width);
    let blank = match align {
        Align::Left => 0,
        Align::Right => width.saturating_sub(text.chars().count()),
    };
    buf.set_stringn(area.x + blank as u16, area.y, text, width - blank, style);
}

/// Breaks a text into lines at blanks; words longer than a line are cut into
/// several.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        used += word.len();
        line.extend(word);
    }
    lines.push(line);
    lines
}

/// Cuts a text at its end to `width` cells, with `…` in place of the rest.
pub(in crate::tui) fn cut_end(text: &mut String, width: usize) {
    if text.chars().count() > width {
        truncate(text, width.saturating_sub(1));
        text.push('…');
    }
}

/// Cuts an address in its middle: its network and its host tell it from
/// others.
pub(super) fn cut_middle(text: &mut String, width: usize) {
    let count = text.chars().count();
    if count > width {
        let kept = width.saturating_sub(1);
        let tail: String = text.chars().skip(count - kept / 2).collect();
        truncate(text, kept - kept / 2);
        text.push('…');
        text.push_str(&tail);
    }
}

fn truncate(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_wrapped_at_blanks() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn cutting_keeps_the_width() {
        let cut = |how: fn(&mut String, usize), text: &str, width| {
            let mut text = text.to_owned();
            how(&mut text, width);
            text
        };
        assert_eq!(cut(cut_end, "established", 6), "estab…");
        assert_eq!(cut(cut_end, "short", 6), "short");
        assert_eq!(cut(cut_middle, "2001:db8::1:2:3:4", 9), "2001…:3:4");
        for width in 1..20 {
            let cut = cut(cut_middle, "2001:db8:1:2:3:4:5:6", width);
            assert_eq!(cut.chars().count(), width);
        }
    }

    #[test]
    fn the_least_important_piece_goes_first() {
        let theme = Theme::new(false);
        let line = |width| {
            let area = Rect::new(0, 0, width, 1);
            let mut buf = Buffer::empty(area);
            let left = vec![
                Piece::new(0, "host", Role::Title),
                Piece::new(9, "hint", Role::Dim),
            ];
            let right =
                vec![Piece::new(5, "table 10/20", Role::Text).or_short(4, "50%", Role::Text)];
            draw(left, right, &theme, area, &mut buf);
            let cells = buf.content().iter().map(ratatui::buffer::Cell::symbol);
            cells.collect::<String>().trim_end().to_owned()
        };
        assert_eq!(line(30), " host  hint       table 10/20");
        assert_eq!(line(20), " host   table 10/20");
        assert_eq!(line(12), " host   50%");
        assert_eq!(line(9), " host");
    }
}
