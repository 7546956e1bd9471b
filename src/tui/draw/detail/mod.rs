//! The pane of details: everything known about one flow, and how it is known.
//!
//! It takes the lower part of the table, or its right half where the screen is
//! wide. Its size goes by the screen alone, so that the table stays where it is
//! while one goes from flow to flow.

mod chart;
mod ends;
mod group;
mod kernel;
mod owner;
mod prose;
mod rates;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::state::State;
use super::super::theme::Role;
use super::pane_area;
use super::popup::Text;
use crate::view::column::ColumnId;
use crate::view::portrait::Portrait;
use crate::view::units;
use crate::view::{Detail, Subject};
use prose::{Prose, Sheet};

/// Screens this wide have the details beside the table.
const BESIDE_FROM: u16 = 160;
/// The pane makes no use of more lines than this.
const TALLEST: u16 = 30;
/// Lines from which on some are left blank.
const AIRY_FROM: u16 = 14;
/// Blank cells at both edges.
const MARGIN: u16 = 1;

/// Takes the place of the pane from the table; `None` if there is none.
pub(super) fn split(header: &mut Rect, rows: &mut Rect) -> Option<Rect> {
    if rows.width >= BESIDE_FROM {
        let width = rows.width / 2;
        let pane = Rect {
            x: rows.x + rows.width - width,
            y: header.y,
            width,
            height: header.height + rows.height,
        };
        header.width -= width;
        rows.width -= width;
        return Some(pane);
    }
    let height = (rows.height * 3 / 5).min(TALLEST);
    if height < 2 {
        return None;
    }
    rows.height -= height;
    Some(Rect {
        y: rows.bottom(),
        height,
        ..*rows
    })
}

/// Draws the pane.
pub(super) fn draw(state: &State, area: Rect, buf: &mut Buffer) {
    let lines = content(state, area);
    let inner = inside(area);
    let visible = usize::from(inner.height);
    let last = lines.len().saturating_sub(visible);
    let scroll = state.pane().map_or(0, |pane| pane.scroll).min(last);
    let place = (last > 0).then(|| {
        let end = scroll + visible;
        let keys = state.keys("K J");
        format!("{keys}  {}-{end} of {}", scroll + 1, lines.len())
    });
    frame(state, area, place, buf);
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        put(state, line, Rect { y, ..inner }, buf);
    }
}

/// How far the text can be scrolled: until its last line is visible. `None` if
/// there is no text.
pub(in super::super) fn max_scroll(state: &State) -> Option<usize> {
    let area = pane_area(state)?;
    let view = state.view.as_ref()?;
    if view.detail.is_none() && view.portrait.is_none() {
        return None;
    }
    let lines = content(state, area).len();
    Some(lines.saturating_sub(inside(area).height.into()))
}

/// The place of the text: below the title, and beside the border if the pane
/// stands beside the table.
fn inside(area: Rect) -> Rect {
    let border = u16::from(area.x > 0);
    Rect {
        x: area.x + border + MARGIN,
        y: area.y + 1,
        width: area.width.saturating_sub(border + 2 * MARGIN),
        height: area.height.saturating_sub(1),
    }
}

/// The border towards the table, with a title.
fn frame(state: &State, area: Rect, place: Option<String>, buf: &mut Buffer) {
    let dim = state.theme.style(Role::Dim);
    let is_beside = area.x > 0;
    if is_beside {
        for y in area.top()..area.bottom() {
            buf.set_stringn(area.x, y, "│", 1, dim);
        }
    }
    let inner = inside(area);
    let place = place.map_or_else(String::new, |place| place + "  ");
    let right = format!(" {place}{} closes ", state.keys("Esc"));
    let end = inner.right().saturating_sub(right.chars().count() as u16);
    let start = inner.x.max(area.x + 2);
    let room = end.saturating_sub(start + 1);
    let after = put(state, &title(state), Rect::new(start, area.y, room, 1), buf);
    if !is_beside {
        let rule = |from: u16, to: u16, buf: &mut Buffer| {
            let rule = "─".repeat(to.saturating_sub(from).into());
            buf.set_string(from, area.y, rule, dim);
        };
        rule(area.x, start - 1, buf);
        rule(after + 1, end, buf);
        rule(inner.right(), area.right(), buf);
    }
    if end > start {
        buf.set_string(end, area.y, right, dim);
    }
}

/// Draws a line; returns where it ends.
fn put(state: &State, line: &Text, area: Rect, buf: &mut Buffer) -> u16 {
    let spans = line
        .iter()
        .map(|(text, role)| Span::styled(text.as_str(), state.theme.style(*role)));
    let line: Line<'_> = spans.collect();
    buf.set_line(area.x, area.y, &line, area.width).0
}

fn detail(state: &State) -> Option<&Detail> {
    state.view.as_ref()?.detail.as_deref()
}

/// Of a group, in a list of groups.
fn portrait(state: &State) -> Option<&Portrait> {
    state.view.as_ref()?.portrait.as_deref()
}

/// What it is, and for how long.
fn title(state: &State) -> Text {
    if let Some(portrait) = portrait(state) {
        return group::title(portrait);
    }
    let Some(detail) = detail(state) else {
        return vec![("Details".to_owned(), Role::Header)];
    };
    let row = detail.row.row(moment(state, detail));
    let mut proto = String::new();
    ColumnId::Proto.cell(&row, state.cell_style(), &mut proto);
    let mut title = vec![(format!("{proto} "), Role::Header)];
    if detail.is_over {
        let ago = state.shown_at().since(detail.at);
        let mut text = "ENDED ".to_owned();
        units::duration(&mut text, ago);
        text.push_str(" ago");
        title.push((text, Role::Alert));
    } else {
        let mut text = String::new();
        ColumnId::State.cell(&row, state.cell_style(), &mut text);
        title.push((text, super::table::state_role(&row)));
    }
    let mut age = "  ".to_owned();
    units::age(&mut age, row.flow.age(row.now));
    title.push((age, Role::Text));
    title
}

/// Ages go on between views, but not beyond the end.
fn moment(state: &State, detail: &Detail) -> crate::flow::Moment {
    if detail.is_over {
        detail.at
    } else {
        state.shown_at()
    }
}

/// The lines of the text.
fn content(state: &State, area: Rect) -> Vec<Text> {
    let inner = inside(area);
    let is_airy = inner.height >= AIRY_FROM;
    let mut sheet = Sheet::new(inner.width.into(), is_airy);
    if let Some(portrait) = portrait(state) {
        group::tell(state, portrait, &mut sheet);
        return sheet.lines();
    }
    match detail(state) {
        Some(detail) => {
            let row = detail.row.row(moment(state, detail));
            ends::tell(state, detail, &mut sheet);
            sheet.gap();
            rates::tell(state, detail, &row, &mut sheet);
            chart::tell(state, detail, inner.height.into(), &mut sheet);
            sheet.gap();
            owner::tell(state, &row, &mut sheet);
            sheet.gap();
            kernel::tell(state, detail, &row, &mut sheet);
        }
        None if !state.level().is_anything_selected() => {
            let keys = state.keys("↑ ↓");
            sheet.say("", Prose::of(format!("Select a row: {keys}."), Role::Dim));
        }
        None if matches!(state.pane(), Some(pane) if pane.subject == Subject::Cursor) => {
            // The answer is on its way.
        }
        None => {
            let gone = "The flow is not there any more.";
            sheet.say("", Prose::of(gone, Role::Dim));
        }
    }
    sheet.lines()
}
