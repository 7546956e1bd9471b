//! The page of health: how the kernel's table and its events are doing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::State;
use super::super::theme::Role;
use super::line::{self, Piece};
use crate::view::View;
use crate::view::units;

/// Draws it.
pub(super) fn draw(state: &State, view: &View, area: Rect, buf: &mut Buffer) {
    let count = |count: Option<u64>| {
        let mut text = String::new();
        match count {
            Some(count) => units::grouped(&mut text, count),
            None => text.push('-'),
        }
        text
    };
    let status = &view.status;
    let lines = [
        ("flows in the table", count(status.table_used)),
        ("room for", count(status.table_max)),
        ("events lost", count(Some(status.lost))),
    ];
    for (y, (what, figure)) in (area.y..area.bottom()).zip(lines) {
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        let pieces = vec![
            Piece::new(0, format!("{what:<20}"), Role::Dim),
            Piece::new(0, figure, Role::Text),
        ];
        line::draw(pieces, Vec::new(), &state.theme, line, buf);
    }
}
