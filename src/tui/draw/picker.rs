//! The list in which columns are chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::mouse::Spot;
use super::super::picker::Picker;
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use crate::view::column::Mark;

/// Cells of the whole, where there are as many.
const WIDTH: u16 = 48;
/// Lines below the list, for what a column shows.
const DOC_LINES: u16 = 4;
/// Lines above and below, and the line between list and text.
const FRAME: u16 = 3;

/// Where the list stands, and its first line that is shown.
struct Placed {
    area: Rect,
    list: Rect,
    doc: Rect,
    first: usize,
}

fn block(state: &State) -> Block<'static> {
    let style = |role| state.theme.style(role);
    Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(" Columns ", style(Role::Title)))
        .title_bottom(Line::styled(
            " Space show  J K move  ? more  Enter keep  Esc ",
            style(Role::Dim),
        ))
}

/// At the right, so that the table stays in sight.
fn place(state: &State, picker: &Picker, screen: Rect) -> Placed {
    let count = state.columns.all().len();
    let width = WIDTH.min(screen.width);
    let height = (count as u16 + DOC_LINES + FRAME).min(screen.height);
    let area = Rect {
        x: screen.right() - width,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inner = block(state).inner(area);
    let list = Rect {
        height: inner.height.saturating_sub(DOC_LINES + 1),
        ..inner
    };
    let below = list.bottom() + 1;
    let doc = Rect {
        y: below,
        height: inner.bottom().saturating_sub(below),
        ..inner
    };
    let visible = usize::from(list.height).max(1);
    let first = (picker.at + 1).saturating_sub(visible.div_ceil(2));
    Placed {
        area,
        list,
        doc,
        first: first.min(count.saturating_sub(visible)),
    }
}

/// What a click does.
pub(super) fn spot(state: &State, picker: &Picker, screen: Rect, at: Position) -> Spot {
    let placed = place(state, picker, screen);
    let line = placed.first + usize::from(at.y.saturating_sub(placed.list.y));
    if !placed.area.contains(at) {
        Spot::Beside
    } else if placed.list.contains(at) && line < state.columns.all().len() {
        Spot::Line(line)
    } else {
        Spot::Frame
    }
}

/// Draws it.
pub(super) fn draw(state: &State, picker: &Picker, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let columns = state.columns.all();
    let Placed {
        area,
        list: inner,
        doc: below,
        first,
    } = place(state, picker, buf.area);
    Clear.render(area, buf);
    block(state).render(area, buf);
    let visible = usize::from(inner.height).max(1);
    let places = columns.iter().enumerate().skip(first).take(visible);
    for (y, (place, (id, mark))) in (inner.y..inner.bottom()).zip(places) {
        let column = id.column();
        let box_of = match mark {
            Mark::Off => "[ ]",
            Mark::On => "[x]",
            Mark::Known => "[~]",
        };
        let title = if column.title.is_empty() {
            "→ ←"
        } else {
            column.title
        };
        let remark = match mark {
            Mark::Known => "where known",
            _ => "",
        };
        let text = format!("{box_of} {title:<12} {:<13} {remark}", column.key);
        let role = match mark {
            Mark::Off => Role::Dim,
            _ => Role::Text,
        };
        let line = Rect {
            y,
            height: 1,
            ..inner
        };
        buf.set_stringn(line.x, y, text, inner.width.into(), style(role));
        if place == picker.at {
            line::select(state, line, buf);
        }
    }
    let doc = columns.get(picker.at).map_or("", |(id, _)| id.column().doc);
    let lines = line::wrap(doc, below.width.into());
    for (y, text) in (below.y..below.bottom()).zip(lines) {
        buf.set_stringn(below.x, y, text, below.width.into(), style(Role::HelpText));
    }
}
