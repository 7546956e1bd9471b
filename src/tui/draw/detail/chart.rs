//! How fast the flow was in the last 40 seconds, as a picture: answers rise
//! from the middle, what was sent hangs from it, on one scale.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::picture::Scale;
use super::super::picture::braille::{self, Cell, DOTS_HIGH, DOTS_WIDE, Grow};
use super::super::popup::Text;
use super::prose::{Sheet, joined};
use crate::view::{Detail, PAST_STEP_SECS, Past};

/// Columns of dots for one step, the widest first.
const STEP_DOTS: [usize; 5] = [6, 4, 2, 1, 0];

/// Draws it, if there is anything to see; taller where the pane is.
pub(super) fn tell(state: &State, detail: &Detail, height: usize, sheet: &mut Sheet) {
    let past = &detail.past;
    let steps = past.iter().flatten();
    let most = steps.map(|step| step.orig.max(step.reply)).max();
    let Some(most) = most.filter(|most| *most > 0) else {
        return;
    };
    let fits = |dots: &usize| past.len() * dots / DOTS_WIDE <= sheet.room();
    let dots = STEP_DOTS.into_iter().find(fits).unwrap_or_default();
    if dots == 0 {
        return;
    }
    let rows = match height {
        0..14 => 1,
        14..22 => 2,
        _ => 3,
    };
    let scale = Scale::of_rates(most, state.unit);
    let down = levels(past, dots, |_, reply| scale.level(reply, rows * DOTS_HIGH));
    for row in (0..rows).rev() {
        let label = if row == 0 { "↓" } else { "" };
        let cells = braille::row(&down, row, Grow::Up, &[]);
        let line = text(&cells, row == 0, Role::Down);
        sheet.line((format!("{label:>9}"), Role::Down), line);
    }
    let up = levels(past, dots, |orig, _| scale.level(orig, rows * DOTS_HIGH));
    for row in 0..rows {
        let label = if row == 0 { "↑" } else { "" };
        let cells = braille::row(&up, row, Grow::Down, &[]);
        let line = text(&cells, false, Role::Up);
        sheet.line((format!("{label:>9}"), Role::Up), line);
    }
    let width = past.len() * dots / DOTS_WIDE;
    let ago = format!("{}s ago", past.len() as u64 * PAST_STEP_SECS);
    let end = if detail.is_over { "end" } else { "now" };
    let blank = width.saturating_sub(ago.len() + end.len());
    let time = format!("{ago}{:blank$}{end}", "");
    let height = format!("each way up to {}", scale.rate(state.unit));
    let time = (time, Role::Dim);
    let none = || (String::new(), Role::Dim);
    if width + 3 + height.chars().count() <= sheet.room() {
        sheet.line(none(), vec![time, (format!("   {height}"), Role::Dim)]);
    } else {
        sheet.line(none(), vec![time]);
        sheet.line(none(), vec![(height, Role::Dim)]);
    }
}

/// How long the bars are; `dots` columns of dots belong to a step.
fn levels(past: &Past, dots: usize, level: impl Fn(u64, u64) -> u64) -> Vec<Option<u64>> {
    let levels = past.iter().flat_map(|step| {
        let level = step.map(|step| level(step.orig, step.reply));
        std::iter::repeat_n(level, dots)
    });
    levels.collect()
}

/// A row of cells. In the `middle`, points stand for time of which nothing is
/// known.
fn text(cells: &[Cell], middle: bool, role: Role) -> Text {
    let letter = |cell: &Cell| match *cell {
        Cell::Unknown if middle => ('·', Role::Dim),
        Cell::Unknown | Cell::Blank => (' ', role),
        Cell::Line(symbol) | Cell::Bar(symbol) => (symbol, role),
    };
    joined(&cells.iter().map(letter).collect::<Vec<_>>())
}
