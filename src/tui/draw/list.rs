//! Popups with a list that scrolls under a cursor: menus, options, columns.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::Role;
use super::line;

/// Cells that borders and the blanks inside them take of a width.
pub(super) const FRAME: u16 = 4;
/// Lines that borders take of a height.
const BORDERS: u16 = 2;

/// Where a list stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// In the middle of the screen.
    Middle,
    /// At the right, so that the table stays in sight.
    Right,
}

/// What a list needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Cells of the whole, where there are as many.
    pub(super) width: u16,
    /// Its lines.
    pub(super) lines: usize,
    /// The line under the cursor, counted from 0.
    pub(super) at: usize,
    /// Lines below the list that say more; 0 for none, and no line between.
    pub(super) below: u16,
    pub(super) stand: Stand,
}

/// Where a list stands, and what of it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    area: Rect,
    list: Rect,
    below: Rect,
    first: usize,
    lines: usize,
}

fn block() -> Block<'static> {
    Block::bordered().padding(Padding::horizontal(1))
}

impl Shape {
    /// Finds its place. The cursor stays in the middle while the list scrolls.
    pub(super) fn place(self, screen: Rect) -> Placed {
        let width = self.width.min(screen.width);
        let below = if self.below > 0 { self.below + 1 } else { 0 };
        let lines = u16::try_from(self.lines).unwrap_or(u16::MAX);
        let height = lines.saturating_add(below + BORDERS).min(screen.height);
        let area = Rect {
            x: match self.stand {
                Stand::Middle => screen.x + (screen.width - width) / 2,
                Stand::Right => screen.right() - width,
            },
            y: screen.y + (screen.height - height) / 2,
            width,
            height,
        };
        let inner = block().inner(area);
        let list = Rect {
            height: inner.height.saturating_sub(below),
            ..inner
        };
        let text = (list.bottom() + 1).min(inner.bottom());
        let visible = usize::from(list.height).max(1);
        let first = (self.at + 1).saturating_sub(visible.div_ceil(2));
        Placed {
            area,
            list,
            below: Rect {
                y: text,
                height: inner.bottom() - text,
                ..inner
            },
            first: first.min(self.lines.saturating_sub(visible)),
            lines: self.lines,
        }
    }
}

impl Placed {
    /// Draws the frame: a title, and the keys that work here.
    pub(super) fn frame(&self, state: &State, title: &str, keys: &str, buf: &mut Buffer) {
        let style = |role| state.theme.style(role);
        let block = block()
            .border_style(style(Role::Dim))
            .title(Line::styled(format!(" {title} "), style(Role::Title)))
            .title_bottom(Line::styled(keys, style(Role::Dim)));
        Clear.render(self.area, buf);
        buf.set_style(self.area, state.theme.base());
        block.render(self.area, buf);
    }

    /// The lines that are shown, by their place in the list, and where.
    pub(super) fn rows(&self) -> impl Iterator<Item = (usize, Rect)> + use<> {
        let list = self.list;
        let line = move |y| Rect {
            y,
            height: 1,
            ..list
        };
        (self.first..self.lines).zip((list.y..list.bottom()).map(line))
    }

    /// Says below the list what there is to say.
    pub(super) fn say(&self, state: &State, text: &str, role: Role, buf: &mut Buffer) {
        let Rect { x, width, .. } = self.below;
        let lines = line::wrap(text, width.into());
        for (y, text) in (self.below.y..self.below.bottom()).zip(lines) {
            buf.set_stringn(x, y, text, width.into(), state.theme.style(role));
        }
    }

    /// What a click does.
    pub(super) fn spot(&self, at: Position) -> Spot {
        let here = self.rows().find(|(_, row)| row.contains(at));
        match here {
            Some((line, _)) => Spot::Line(line),
            None if self.area.contains(at) => Spot::Frame,
            None => Spot::Beside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(lines: usize, at: usize, below: u16) -> Shape {
        Shape {
            width: 20,
            lines,
            at,
            below,
            stand: Stand::Middle,
        }
    }

    #[test]
    fn the_cursor_is_always_in_sight() {
        for (height, below) in [(5, 0), (8, 4), (24, 4), (3, 0)] {
            let screen = Rect::new(0, 0, 40, height);
            for at in 0..30 {
                let placed = shape(30, at, below).place(screen);
                let mut rows = placed.rows();
                assert!(
                    placed.list.is_empty() || rows.any(|(line, _)| line == at),
                    "{at} of {placed:?}"
                );
            }
        }
    }

    #[test]
    fn clicks_find_the_line_that_is_shown_there() {
        let placed = shape(30, 29, 2).place(Rect::new(0, 0, 40, 10));
        let (last, row) = placed.rows().last().unwrap();
        assert_eq!(last, 29);
        let at = |x, y| placed.spot(Position { x, y });
        assert_eq!(at(row.x, row.y), Spot::Line(29));
        assert_eq!(at(row.x, row.y + 1), Spot::Frame);
        assert_eq!(at(0, 0), Spot::Beside);
    }
}
