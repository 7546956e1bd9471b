//! The page of rates.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::State;
use super::super::theme::Role;
use super::line::{self, Piece};
use crate::view::View;
use crate::view::units::RateUnit;

/// Draws it.
pub(super) fn draw(state: &State, view: &View, area: Rect, buf: &mut Buffer) {
    let line = Rect {
        height: area.height.min(1),
        ..area
    };
    let text = match view.bytes_per_sec {
        None => "Two readings make a rate; the second is on its way.".to_owned(),
        Some(rate) => {
            let (per_byte, unit) = match state.unit {
                RateUnit::Bytes => (1, "B/s"),
                RateUnit::Bits => (8, "bit/s"),
            };
            let [reply, orig] = [rate.reply, rate.orig].map(|rate| rate.saturating_mul(per_byte));
            format!("down {reply} {unit}, up {orig} {unit}")
        }
    };
    let pieces = vec![Piece::new(0, text, Role::Text)];
    line::draw(pieces, Vec::new(), &state.theme, line, buf);
}
