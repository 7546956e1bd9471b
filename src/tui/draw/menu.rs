//! Menus.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::menu::Menu;
use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use super::list::{FRAME, Placed, Shape, Stand};

/// Cells before the text of a line, for its letter.
const LETTER: usize = 3;
/// Blank cells between a text and its note.
const GAP: usize = 2;

/// What stands below every menu.
const KEYS: &str = " Enter chooses  Esc goes back ";

fn wide(text: &str) -> usize {
    text.chars().count()
}

/// Cells of the texts.
fn texts(menu: &Menu) -> usize {
    let texts = menu.items.iter().map(|item| wide(&item.text)).max();
    texts.unwrap_or(0)
}

fn place(menu: &Menu, screen: Rect) -> Placed {
    let notes = menu.items.iter().map(|item| wide(&item.note)).max();
    let notes = notes
        .filter(|notes| *notes > 0)
        .map_or(0, |notes| notes + GAP);
    let width = (LETTER + texts(menu) + notes)
        .max(wide(KEYS))
        .max(wide(&menu.title) + 2);
    let width = u16::try_from(width).unwrap_or(u16::MAX);
    let shape = Shape {
        width: width.saturating_add(FRAME),
        lines: menu.items.len(),
        at: menu.at,
        below: 0,
        stand: Stand::Middle,
    };
    shape.place(screen)
}

/// What a click does.
pub(super) fn spot(menu: &Menu, screen: Rect, at: Position) -> Spot {
    place(menu, screen).spot(at)
}

/// Draws a menu.
pub(super) fn draw(state: &State, menu: &Menu, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let placed = place(menu, buf.area);
    placed.frame(state, &menu.title, KEYS, buf);
    let width = texts(menu) + GAP;
    for (index, row) in placed.rows() {
        let Some(item) = menu.items.get(index) else {
            continue;
        };
        let letter = item.letter.map_or_else(String::new, String::from);
        let mut note = item.note.clone();
        line::cut_end(
            &mut note,
            usize::from(row.width).saturating_sub(LETTER + width),
        );
        let spans = vec![
            Span::styled(format!("{letter:<LETTER$}"), style(Role::HelpKey)),
            Span::styled(format!("{:<width$}", item.text), style(Role::Text)),
            Span::styled(note, style(Role::Dim)),
        ];
        buf.set_line(row.x, row.y, &Line::from(spans), row.width);
        if index == menu.at {
            line::select(state, row, buf);
        }
    }
}
