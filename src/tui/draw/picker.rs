//! The list in which columns are chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Padding, Widget};

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

/// Draws it, at the right, so that the table stays in sight.
pub(super) fn draw(state: &State, picker: &Picker, buf: &mut Buffer) {
    let screen = buf.area;
    let style = |role| state.theme.style(role);
    let columns = state.columns.all();
    let width = WIDTH.min(screen.width);
    let height = (columns.len() as u16 + DOC_LINES + FRAME).min(screen.height);
    let area = Rect {
        x: screen.right() - width,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let block = Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(" Columns ", style(Role::Title)))
        .title_bottom(Line::styled(
            " Space show  J K move  Enter keep  Esc back ",
            style(Role::Dim),
        ));
    let inner = block.inner(area);
    Clear.render(area, buf);
    block.render(area, buf);

    let rows = inner.height.saturating_sub(DOC_LINES + 1);
    let visible = usize::from(rows).max(1);
    let first = (picker.at + 1).saturating_sub(visible.div_ceil(2));
    let first = first.min(columns.len().saturating_sub(visible));
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
    let below = inner.y + rows + 1;
    let lines = line::wrap(doc, inner.width.into());
    for (y, text) in (below..inner.bottom()).zip(lines) {
        buf.set_stringn(inner.x, y, text, inner.width.into(), style(Role::HelpText));
    }
}
