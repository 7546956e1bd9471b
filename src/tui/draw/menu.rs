//! Menus.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::menu::Menu;
use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::Role;
use super::line;

/// Borders and the blank cells inside them.
const FRAME: u16 = 4;
/// Cells before the text of a line, for its letter.
const LETTER: usize = 3;
/// Blank cells between a text and its note.
const GAP: usize = 2;

/// What stands below every menu.
const KEYS: &str = " Enter chooses  Esc goes back ";

/// Where a menu stands, and its first line that is shown.
struct Placed {
    area: Rect,
    inner: Rect,
    first: usize,
    /// Cells of the texts.
    texts: usize,
}

/// In the middle of the screen.
fn place(menu: &Menu, screen: Rect) -> Placed {
    let wide = |text: &str| text.chars().count();
    let texts = menu.items.iter().map(|item| wide(&item.text)).max();
    let texts = texts.unwrap_or(0);
    let notes = menu.items.iter().map(|item| wide(&item.note)).max();
    let notes = notes
        .filter(|notes| *notes > 0)
        .map_or(0, |notes| notes + GAP);
    let width = (LETTER + texts + notes)
        .max(wide(KEYS))
        .max(wide(&menu.title) + 2);
    let width = u16::try_from(width)
        .unwrap_or(u16::MAX)
        .saturating_add(FRAME)
        .min(screen.width);
    let lines = u16::try_from(menu.items.len()).unwrap_or(u16::MAX);
    let height = lines.saturating_add(2).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inner = block().inner(area);
    let visible = usize::from(inner.height).max(1);
    Placed {
        area,
        inner,
        first: (menu.at + 1).saturating_sub(visible),
        texts,
    }
}

fn block() -> Block<'static> {
    Block::bordered().padding(Padding::horizontal(1))
}

/// What a click does.
pub(super) fn spot(menu: &Menu, screen: Rect, at: Position) -> Spot {
    let placed = place(menu, screen);
    let line = placed.first + usize::from(at.y.saturating_sub(placed.inner.y));
    if !placed.area.contains(at) {
        Spot::Beside
    } else if placed.inner.contains(at) && line < menu.items.len() {
        Spot::Line(line)
    } else {
        Spot::Frame
    }
}

/// Draws a menu.
pub(super) fn draw(state: &State, menu: &Menu, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let Placed {
        area,
        inner,
        first,
        texts,
    } = place(menu, buf.area);
    let block = block()
        .border_style(style(Role::Dim))
        .title(Line::styled(
            format!(" {} ", menu.title),
            style(Role::Title),
        ))
        .title_bottom(Line::styled(KEYS, style(Role::Dim)));
    Clear.render(area, buf);
    buf.set_style(area, state.theme.base());
    block.render(area, buf);
    let shown = menu.items.iter().enumerate().skip(first);
    for (y, (index, item)) in (inner.y..inner.bottom()).zip(shown) {
        let letter = item.letter.map_or_else(String::new, String::from);
        let spans = vec![
            Span::styled(format!("{letter:<LETTER$}"), style(Role::HelpKey)),
            Span::styled(
                format!("{:<width$}", item.text, width = texts + GAP),
                style(Role::Text),
            ),
            Span::styled(item.note.as_str(), style(Role::Dim)),
        ];
        buf.set_line(inner.x, y, &Line::from(spans), inner.width);
        if index == menu.at {
            let line = Rect {
                y,
                height: 1,
                ..inner
            };
            line::select(state, line, buf);
        }
    }
}
