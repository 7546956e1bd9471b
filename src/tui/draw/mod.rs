//! Drawing: pure functions of the state to a buffer of cells.
//!
//! ```text
//! title     host, clock, what is shown     how the source is doing
//! totals    rates, births and deaths       how many flows
//! (warning) what went wrong without ending the program, or is not shown
//! tabs      which list is shown, and how one came to it
//! header    titles of the columns
//! rows      ...
//! (details) all about the selected flow; on a wide screen beside the rows
//! keys      what keys do                   where in the list
//! ```

mod about;
mod bars;
mod chart;
mod detail;
mod empty;
mod groups;
mod health;
mod help;
mod line;
mod list;
mod menu;
mod options;
mod picker;
mod picture;
pub(super) mod popup;
mod prompt;
mod status;
mod table;
mod tabs;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

pub(super) use bars::Measure;
pub(super) use chart::{flow_label, steps as chart_steps};
pub(super) use detail::max_scroll as max_detail_scroll;
pub(super) use groups::columns as group_columns;
pub(super) use line::cut_end;
pub(super) use table::{TREND_FROM, longest_endpoint, longest_host};

use super::mouse::Spot;
use super::state::{Popup, Size, State};
use super::theme::Role;
use crate::view::{Grouping, List, Page, View};

/// Below this nothing useful fits.
const SMALLEST: Size = Size {
    width: 40,
    height: 8,
};
/// Below this height the tabs, which have keys, leave their line to the table.
const TABS_FROM: u16 = 12;

/// Draws the screen.
pub fn draw(state: &State, buf: &mut Buffer) {
    let screen = buf.area;
    buf.set_style(screen, state.theme.base());
    if screen.width < SMALLEST.width || screen.height < SMALLEST.height {
        too_small(state, buf);
        return;
    }
    let areas = areas(state, screen);
    status::title(state, areas.title, buf);
    status::totals(state, areas.totals, buf);
    status::warning(state, areas.warning, buf);
    tabs::draw(state, areas.tabs, buf);
    match shown(state) {
        Shown::Health(view) => health::draw(state, view, page_area(&areas), buf),
        Shown::Chart(view) => chart::draw(state, view, page_area(&areas), buf),
        Shown::Groups(view, grouping) => {
            groups::header(state, view, grouping, areas.header, buf);
            groups::rows(state, view, grouping, areas.rows, buf);
        }
        Shown::Flows => {
            table::header(state, areas.header, buf);
            table::rows(state, areas.rows, buf);
        }
        Shown::Nothing => empty::draw(state, areas.rows, buf),
    }
    if let Some(pane) = areas.pane {
        detail::draw(state, pane, buf);
    }
    match &state.prompt {
        Some(prompt) => prompt::draw(state, prompt, areas.rows, areas.keys, buf),
        None => status::keys(state, areas.keys, buf),
    }
    if let Some(picker) = &state.picker {
        picker::draw(state, picker, buf);
    }
    match state.popup {
        Some(Popup::Options) => options::draw(state, buf),
        Some(popup) => popup::draw(state, popup, buf),
        None => {}
    }
    if let Some(menu) = &state.menu {
        menu::draw(state, menu, buf);
    }
}

/// The screen as text, one line each, without blanks at their ends.
pub(super) fn text(state: &State) -> String {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    let mut buffer = Buffer::empty(screen);
    draw(state, &mut buffer);
    let mut text = String::new();
    for line in buffer.content.chunks(usize::from(screen.width).max(1)) {
        let mut cells = line.iter();
        while let Some(cell) = cells.next() {
            text.push_str(cell.symbol());
            // A wide character stands in the cells after it as well.
            let wide = Span::raw(cell.symbol()).width();
            cells.by_ref().take(wide.saturating_sub(1)).for_each(drop);
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// What the table's place is filled with: what the view shows, which may be the
/// list before the one asked for.
enum Shown<'a> {
    Health(&'a View),
    Chart(&'a View),
    Groups(&'a View, Grouping),
    Flows,
    Nothing,
}

fn shown(state: &State) -> Shown<'_> {
    let Some(view) = &state.view else {
        return Shown::Nothing;
    };
    match (view.query.page, view.query.list) {
        (Page::Health, _) => Shown::Health(view),
        (Page::Chart, _) => Shown::Chart(view),
        (Page::List, List::By(grouping)) if has_groups(view) => Shown::Groups(view, grouping),
        (Page::List, List::Flows) if view.row_count() > 0 => Shown::Flows,
        _ => Shown::Nothing,
    }
}

/// What is at a cell of the screen, for the mouse. Everything is asked where it
/// is drawn.
pub(super) fn spot(state: &State, x: u16, y: u16) -> Option<Spot> {
    let Size { width, height } = state.size;
    let screen = Rect::new(0, 0, width, height);
    let at = Position { x, y };
    if width < SMALLEST.width || height < SMALLEST.height || !screen.contains(at) {
        return None;
    }
    if let Some(menu) = &state.menu {
        return Some(menu::spot(menu, screen, at));
    }
    match (state.popup, &state.picker) {
        (Some(Popup::Options), _) => return Some(options::spot(state, screen, at)),
        (Some(popup), _) => return Some(popup::spot(state, popup, screen, at)),
        (None, Some(picker)) => return Some(picker::spot(state, picker, screen, at)),
        (None, None) => {}
    }
    let areas = areas(state, screen);
    if areas.tabs.contains(at) {
        return tabs::spot(state, areas.tabs, x);
    }
    if areas.keys.contains(at) && state.prompt.is_none() {
        return status::spot_on_keys(state, areas.keys, x);
    }
    if areas.pane.is_some_and(|pane| pane.contains(at)) {
        return Some(Spot::Pane);
    }
    let shown = shown(state);
    if areas.header.contains(at) {
        return match shown {
            Shown::Groups(view, by) => groups::heading(state, view, by, areas.header, x),
            Shown::Flows => table::heading(state, areas.header, x),
            _ => None,
        };
    }
    if !areas.rows.contains(at) {
        return None;
    }
    let line = usize::from(y - areas.rows.y);
    let is_row = matches!(shown, Shown::Groups(..) | Shown::Flows)
        && state
            .current_view()
            .is_some_and(|view| line < view.window_rows());
    Some(if is_row { Spot::Row(line) } else { Spot::Table })
}

/// A page has no header.
fn page_area(areas: &Areas) -> Rect {
    areas.header.union(areas.rows)
}

/// How far the page of health can be scrolled; `None` if it is not shown.
pub(super) fn max_page_scroll(state: &State) -> Option<usize> {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    match shown(state) {
        Shown::Health(view) => {
            let area = page_area(&areas(state, screen));
            Some(health::max_scroll(state, view, area))
        }
        _ => None,
    }
}

/// Lines of the page that fit on the screen.
pub(super) fn page_height(state: &State) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    page_area(&areas(state, screen)).height.into()
}

/// Which lines of the page are visible, where that is not all of them.
fn page_place(state: &State) -> Option<String> {
    let below = max_page_scroll(state).filter(|below| *below > 0)?;
    let (first, height) = (state.page_scroll.min(below), page_height(state));
    let all = below + height;
    Some(format!(
        "↑↓ lines {}-{} of {all}",
        first + 1,
        first + height
    ))
}

/// Whether there are groups worth a look: without a database every place would
/// be an unknown one.
fn has_groups(view: &View) -> bool {
    let is_of_places = matches!(view.query.list, List::By(by) if by.is_of_places());
    let is_known = !is_of_places || !view.status.places.is_empty();
    is_known && !view.groups.is_empty()
}

/// Height of the window onto the table, in rows.
pub(super) fn table_height(state: &State) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    areas(state, screen).rows.height.into()
}

/// Width of the table: all of the screen, or what details beside it leave.
pub(super) fn table_width(state: &State) -> u16 {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    areas(state, screen).rows.width
}

/// Where the details are, if they are open.
fn pane_area(state: &State) -> Option<Rect> {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    areas(state, screen).pane
}

struct Areas {
    title: Rect,
    totals: Rect,
    warning: Rect,
    tabs: Rect,
    header: Rect,
    rows: Rect,
    pane: Option<Rect>,
    keys: Rect,
}

fn areas(state: &State, screen: Rect) -> Areas {
    let warned = status::has_notice(state);
    let tabbed = screen.height >= TABS_FROM;
    let around = 4 + u16::from(warned) + u16::from(tabbed);
    let mut left = screen;
    let mut top = |height: u16| {
        let height = height.min(left.height);
        let area = Rect { height, ..left };
        left.y += height;
        left.height -= height;
        area
    };
    let title = top(1);
    let totals = top(1);
    let warning = top(warned.into());
    let tabs = top(tabbed.into());
    let mut header = top(1);
    let mut rows = top(screen.height.saturating_sub(around));
    let keys = left;
    let pane = state
        .pane()
        .and_then(|_| detail::split(&mut header, &mut rows));
    Areas {
        title,
        totals,
        warning,
        tabs,
        header,
        rows,
        pane,
        keys,
    }
}

fn too_small(state: &State, buf: &mut Buffer) {
    let Rect { width, height, .. } = buf.area;
    let text = format!(
        "flowtop needs at least {}x{}; this terminal is {width}x{height}.",
        SMALLEST.width, SMALLEST.height
    );
    let style = state.theme.style(Role::ChipWarn);
    let lines = line::wrap(&text, width.into());
    let top = height.saturating_sub(lines.len() as u16) / 2;
    for (y, text) in (top..height).zip(lines) {
        buf.set_stringn(0, y, text, width.into(), style);
    }
}
