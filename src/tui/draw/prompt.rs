//! The line where a filter is typed, and above it what is wrong with it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;

use super::super::prompt::Prompt;
use super::super::state::State;
use super::super::theme::Role;
use super::line;

/// Draws the text on the line of the keys, and an error over the last rows.
pub(super) fn draw(state: &State, prompt: &Prompt, rows: Rect, keys: Rect, buf: &mut Buffer) {
    let style = state.theme.style(Role::Text);
    let (before, after) = prompt.halves();
    let room = usize::from(keys.width).saturating_sub(2);
    // The cursor stays in sight; it and the slash take a cell each.
    let mut start = 0;
    while Line::raw(&before[start..]).width() > room {
        start += before[start..].chars().next().map_or(1, char::len_utf8);
    }
    blank(keys, buf);
    let slash = state.theme.style(Role::HelpKey);
    buf.set_stringn(keys.x, keys.y, "/", 1, slash);
    let (x, _) = buf.set_stringn(keys.x + 1, keys.y, &before[start..], room, style);
    let left = usize::from(keys.right().saturating_sub(x));
    buf.set_stringn(x, keys.y, after, left, style);
    if let Some(cell) = buf.cell_mut((x, keys.y)) {
        cell.modifier.insert(Modifier::REVERSED);
    }
    let Some(error) = prompt.error() else {
        return;
    };
    let mut lines = line::wrap(error.message(), usize::from(rows.width).saturating_sub(2));
    let place = error.span().start;
    let indent = before.get(start..place.max(start)).map_or_else(
        || Line::raw(&before[start..]).width(),
        |text| Line::raw(text).width(),
    );
    let at = if place < start { 0 } else { indent };
    lines.push(format!("{}▾", " ".repeat(at)));
    let height = (lines.len() as u16).min(rows.height);
    let mut area = Rect {
        y: rows.bottom().saturating_sub(height),
        height,
        ..rows
    };
    blank(area, buf);
    let skip = lines.len() - usize::from(height);
    let style = state.theme.style(Role::ChipWarn);
    for line in lines.iter().skip(skip) {
        buf.set_stringn(area.x + 1, area.y, line, usize::from(area.width) - 1, style);
        area.y += 1;
    }
}

fn blank(area: Rect, buf: &mut Buffer) {
    for position in area.positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.reset();
        }
    }
}
