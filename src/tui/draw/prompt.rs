//! The line where a filter is typed, and above it what is wrong with it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

use super::super::prompt::Prompt;
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use crate::view::filter::Suggestion;

/// Lines of candidates, at most.
const CANDIDATES: usize = 6;
/// Blank cells between a candidate and what it means.
const GAP: usize = 2;

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
    blank(state, keys, buf);
    let slash = state.theme.style(Role::HelpKey);
    buf.set_stringn(keys.x, keys.y, "/", 1, slash);
    let (x, _) = buf.set_stringn(keys.x + 1, keys.y, &before[start..], room, style);
    let left = usize::from(keys.right().saturating_sub(x));
    buf.set_stringn(x, keys.y, after, left, style);
    if let Some(cell) = buf.cell_mut((x, keys.y)) {
        cell.modifier.insert(Modifier::REVERSED);
    }
    let free = draw_error(state, prompt, start, rows, buf);
    if let Some((candidates, at)) = prompt.completion() {
        draw_candidates(state, candidates, at, free, buf);
    }
}

/// Draws what is wrong with the text that is shown from `start` on, and returns
/// the rows above it.
fn draw_error(state: &State, prompt: &Prompt, start: usize, rows: Rect, buf: &mut Buffer) -> Rect {
    let Some(error) = prompt.error() else {
        return rows;
    };
    let (before, _) = prompt.halves();
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
    blank(state, area, buf);
    let skip = lines.len() - usize::from(height);
    let style = state.theme.style(Role::ChipWarn);
    for line in lines.iter().skip(skip) {
        buf.set_stringn(area.x + 1, area.y, line, usize::from(area.width) - 1, style);
        area.y += 1;
    }
    Rect {
        height: rows.height - height,
        ..rows
    }
}

/// Draws what could be written next at the bottom of `rows`, the candidate
/// under the mark among it.
fn draw_candidates(
    state: &State,
    candidates: &[Suggestion],
    at: usize,
    rows: Rect,
    buf: &mut Buffer,
) {
    let shown = candidates.len().min(CANDIDATES).min(rows.height.into());
    let first = (at + 1).saturating_sub(shown);
    let wide = |one: &Suggestion| Line::raw(&*one.text).width();
    let texts = candidates.iter().map(wide).max().unwrap_or(0);
    let area = Rect {
        y: rows.bottom().saturating_sub(shown as u16),
        height: shown as u16,
        ..rows
    };
    blank(state, area, buf);
    let lines = candidates.iter().enumerate().skip(first).take(shown);
    for (line, (index, one)) in area.rows().zip(lines) {
        let key = state.theme.style(Role::HelpKey);
        let mark = if index == at { "▸" } else { " " };
        buf.set_stringn(line.x, line.y, mark, 1, key);
        let room = usize::from(line.width).saturating_sub(1);
        buf.set_stringn(line.x + 1, line.y, &one.text, room, key);
        let indent = texts + 1 + GAP;
        let mut doc = one.doc.clone();
        let is_last = usize::from(line.y - area.y) + 1 == shown;
        let more = candidates.len() - shown;
        let more = Some(format!(" {more} more")).filter(|_| is_last && more > 0);
        let taken = more.as_ref().map_or(0, String::len);
        line::cut_end(
            &mut doc,
            usize::from(line.width).saturating_sub(indent + taken),
        );
        let x = line.x.saturating_add(indent as u16);
        if x < line.right() {
            let style = state.theme.style(Role::HelpText);
            buf.set_string(x, line.y, doc, style);
        }
        if let Some(more) = more.filter(|more| more.len() + indent < line.width.into()) {
            let style = state.theme.style(Role::Dim);
            buf.set_string(line.right() - more.len() as u16, line.y, more, style);
        }
        if index == at {
            line::select(state, line, buf);
        }
    }
}

fn blank(state: &State, area: Rect, buf: &mut Buffer) {
    Clear.render(area, buf);
    buf.set_style(area, state.theme.base());
}
