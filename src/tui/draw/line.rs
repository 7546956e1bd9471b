//! Lines of pieces: what fits where, and what goes first where it does not.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::{Role, Theme};
use crate::view::column::Align;

/// Cells between two pieces.
const GAP: usize = 2;

/// Words of one look, and what a click on them does.
#[derive(Clone, Debug)]
struct Words {
    text: String,
    role: Role,
    spot: Option<Spot>,
}

impl Words {
    fn width(&self) -> usize {
        Span::raw(self.text.as_str()).width()
    }
}

/// A piece of a line: words that come and go together.
#[derive(Clone, Debug, Default)]
pub(super) struct Piece {
    words: Vec<Words>,
    /// What it shrinks to before it goes, and the rank it has then.
    short: Option<(u8, String, Role)>,
    /// The highest shrinks or goes first; 0 stays.
    rank: u8,
}

impl Piece {
    pub(super) fn new(rank: u8, text: impl Into<String>, role: Role) -> Self {
        Self {
            words: Vec::new(),
            short: None,
            rank,
        }
        .and(text, role)
    }

    /// Goes on with a text of another role.
    pub(super) fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.words.push(Words {
            text: text.into(),
            role,
            spot: None,
        });
        self
    }

    /// What a click on the last text does.
    pub(super) fn on(mut self, spot: impl Into<Option<Spot>>) -> Self {
        if let Some(last) = self.words.last_mut() {
            last.spot = spot.into();
        }
        self
    }

    /// Shrinks to a text that goes later.
    pub(super) fn or_short(mut self, rank: u8, text: impl Into<String>, role: Role) -> Self {
        self.short = Some((rank, text.into(), role));
        self
    }

    /// Whether it could shrink.
    fn shrinks(&mut self) -> bool {
        let Some((rank, text, role)) = self.short.take() else {
            return false;
        };
        let spot = self.words.first().and_then(|words| words.spot);
        *self = Self::new(rank, text, role).on(spot);
        true
    }

    fn width(&self) -> usize {
        self.words.iter().map(Words::width).sum()
    }
}

/// Draws some pieces from the left and some up to the right edge. Where there
/// is no room, the piece with the highest rank of all shrinks or goes.
pub(super) fn draw(
    left: Vec<Piece>,
    right: Vec<Piece>,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let edge = area.right().saturating_sub(1);
    for (x, words) in place(left, right, area) {
        let room = usize::from(edge.saturating_sub(x));
        buf.set_stringn(x, area.y, words.text, room, theme.style(words.role));
    }
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

/// What a click does at `x` of a line that is drawn so.
pub(super) fn spot(left: Vec<Piece>, right: Vec<Piece>, area: Rect, x: u16) -> Option<Spot> {
    let placed = place(left, right, area).into_iter();
    let mut here =
        placed.filter(|(start, words)| (*start..*start + words.width() as u16).contains(&x));
    here.next()?.1.spot
}

/// Where the words of each piece begin. Those beyond the right edge are left
/// out.
fn place(mut left: Vec<Piece>, mut right: Vec<Piece>, area: Rect) -> Vec<(u16, Words)> {
    let mut placed = Vec::new();
    if area.is_empty() {
        return placed;
    }
    let room = usize::from(area.width).saturating_sub(2);
    while width(&left) + width(&right) + GAP > room && yields(&mut left, &mut right) {}
    let edge = area.right().saturating_sub(1);
    let start = edge.saturating_sub(width(&right) as u16);
    let x = place_from(left, area.x + 1, edge, &mut placed);
    place_from(right, start.max(x), edge, &mut placed);
    placed
}

fn place_from(pieces: Vec<Piece>, start: u16, edge: u16, placed: &mut Vec<(u16, Words)>) -> u16 {
    let mut x = start;
    for (index, piece) in pieces.into_iter().enumerate() {
        if index > 0 {
            x += GAP as u16;
        }
        for words in piece.words {
            if x >= edge {
                return x;
            }
            let width = words.width() as u16;
            placed.push((x, words));
            x = x.saturating_add(width).min(edge);
        }
    }
    x
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
    if !pieces[index].shrinks() {
        pieces.remove(index);
    }
    true
}

/// Shows that a line is selected.
pub(super) fn select(state: &State, line: Rect, buf: &mut Buffer) {
    // Colours would be unreadable when reversed.
    for x in line.left()..line.right() {
        buf[(x, line.y)].set_style(Style::reset());
    }
    buf.set_style(line, state.theme.style(Role::Selected));
}

/// Marks a row that is kept above all others: in the margin, so that no column
/// moves.
pub(super) fn pin(state: &State, area: Rect, y: u16, buf: &mut Buffer) {
    buf.set_stringn(area.x, y, "★", 1, state.theme.style(Role::Pinned));
}

/// Shows that what a line tells of is over.
pub(super) fn fade(state: &State, line: Rect, buf: &mut Buffer) {
    let style = state.theme.base().patch(state.theme.style(Role::Dim));
    for x in line.left()..line.right() {
        buf[(x, line.y)].set_style(Style::reset().patch(style));
    }
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
