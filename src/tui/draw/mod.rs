//! Drawing: pure functions of the state to a buffer of cells.
//!
//! ```text
//! title     host, clock, what is shown     how the source is doing
//! totals    rates, births and deaths       how many flows
//! (warning) what went wrong without ending the program
//! header    titles of the columns
//! rows      ...
//! keys      what keys do                   where in the list
//! ```

mod empty;
pub(super) mod help;
mod line;
mod status;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::state::{Popup, Size, State, Tab};
use super::theme::Role;

/// Below this nothing useful fits.
const SMALLEST: Size = Size {
    width: 40,
    height: 8,
};

/// Draws the screen.
pub fn draw(state: &State, buf: &mut Buffer) {
    let screen = buf.area;
    if screen.width < SMALLEST.width || screen.height < SMALLEST.height {
        too_small(state, buf);
        return;
    }
    let areas = areas(state, screen);
    status::title(state, areas.title, buf);
    status::totals(state, areas.totals, buf);
    status::warning(state, areas.warning, buf);
    match state.tab {
        Tab::Flows => {
            let shown = state.view.as_ref().is_some_and(|view| view.matching > 0);
            if shown {
                table::header(state, areas.header, buf);
                table::rows(state, areas.rows, buf);
            } else {
                empty::draw(state, areas.rows, buf);
            }
        }
    }
    status::keys(state, areas.keys, buf);
    match state.popup {
        Some(Popup::Help { scroll }) => help::draw(state, scroll, buf),
        None => {}
    }
}

/// Height of the window onto the table, in rows.
pub(super) fn table_height(state: &State) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    areas(state, screen).rows.height.into()
}

struct Areas {
    title: Rect,
    totals: Rect,
    warning: Rect,
    header: Rect,
    rows: Rect,
    keys: Rect,
}

fn areas(state: &State, screen: Rect) -> Areas {
    let warned = state
        .view
        .as_ref()
        .is_some_and(|view| !view.status.warnings.is_empty());
    let around = 4 + u16::from(warned);
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
    let header = top(1);
    let rows = top(screen.height.saturating_sub(around));
    let keys = left;
    Areas {
        title,
        totals,
        warning,
        header,
        rows,
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
