//! The list in which columns are chosen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::mouse::Spot;
use super::super::picker::Picker;
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use super::list::{Placed, Shape, Stand};
use crate::view::column::Mark;

/// Cells of the whole, where there are as many.
const WIDTH: u16 = 48;
/// Lines below the list, for what a column shows.
const DOC_LINES: u16 = 4;

/// What stands below the list.
const KEYS: &str = " Space show  J K move  ? more  Enter keep  Esc ";

fn place(state: &State, picker: &Picker, screen: Rect) -> Placed {
    let shape = Shape {
        width: WIDTH,
        lines: state.columns.all().len(),
        at: picker.at,
        below: DOC_LINES,
        stand: Stand::Right,
    };
    shape.place(screen)
}

/// What a click does.
pub(super) fn spot(state: &State, picker: &Picker, screen: Rect, at: Position) -> Spot {
    place(state, picker, screen).spot(at)
}

/// Draws it.
pub(super) fn draw(state: &State, picker: &Picker, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let columns = state.columns.all();
    let placed = place(state, picker, buf.area);
    placed.frame(state, "Columns", KEYS, buf);
    for (index, row) in placed.rows() {
        let Some((id, mark)) = columns.get(index) else {
            continue;
        };
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
        buf.set_stringn(row.x, row.y, text, row.width.into(), style(role));
        if index == picker.at {
            line::select(state, row, buf);
        }
    }
    let doc = columns.get(picker.at).map_or("", |(id, _)| id.column().doc);
    placed.say(state, doc, Role::HelpText, buf);
}
