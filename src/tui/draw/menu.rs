//! Menus.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::menu::Menu;
use super::super::state::State;
use super::super::theme::Role;
use super::line;

/// Borders and the blank cells inside them.
const FRAME: u16 = 4;
/// Cells before the text of a line, for its letter.
const LETTER: usize = 3;
/// Blank cells between a text and its note.
const GAP: usize = 2;

/// Draws a menu in the middle of the screen.
pub(super) fn draw<T>(state: &State, menu: &Menu<T>, buf: &mut Buffer) {
    let screen = buf.area;
    let style = |role| state.theme.style(role);
    let wide = |text: &str| text.chars().count();
    let texts = menu.items.iter().map(|item| wide(&item.text)).max();
    let texts = texts.unwrap_or(0);
    let notes = menu.items.iter().map(|item| wide(&item.note)).max();
    let notes = notes
        .filter(|notes| *notes > 0)
        .map_or(0, |notes| notes + GAP);
    let keys = " Enter chooses  Esc goes back ";
    let width = (LETTER + texts + notes)
        .max(wide(keys))
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
    let block = Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(
            format!(" {} ", menu.title),
            style(Role::Title),
        ))
        .title_bottom(Line::styled(keys, style(Role::Dim)));
    let inner = block.inner(area);
    Clear.render(area, buf);
    buf.set_style(area, state.theme.base());
    block.render(area, buf);
    let visible = usize::from(inner.height).max(1);
    let first = (menu.at + 1).saturating_sub(visible);
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
