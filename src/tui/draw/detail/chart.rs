//! How fast the flow was in the last 40 seconds, as a picture: answers rise
//! from the middle, what was sent hangs from it, on one scale.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::popup::Text;
use super::prose::{Sheet, joined};
use crate::view::units::{self, RateUnit};
use crate::view::{Detail, PAST_STEP_SECS, Past};

/// Dots of a braille cell.
const DOTS_HIGH: u64 = 4;
const DOTS_WIDE: usize = 2;
/// First of the braille patterns (Unicode block 2800).
const BLANK: u32 = 0x2800;
/// Dots of the left and the right half of a cell, from the top.
const LEFT: [u32; 4] = [0x01, 0x02, 0x04, 0x40];
const RIGHT: [u32; 4] = [0x08, 0x10, 0x20, 0x80];
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
    let scale = Scale::over(most, state.unit);
    for row in (0..rows).rev() {
        let label = if row == 0 { "↓" } else { "" };
        let line = bars(past, dots, row == 0, Role::Down, |(_, reply)| {
            lit(scale.level(reply, rows), row * DOTS_HIGH, true)
        });
        sheet.line((format!("{label:>9}"), Role::Down), line);
    }
    for row in 0..rows {
        let label = if row == 0 { "↑" } else { "" };
        let line = bars(past, dots, false, Role::Up, |(orig, _)| {
            lit(scale.level(orig, rows), row * DOTS_HIGH, false)
        });
        sheet.line((format!("{label:>9}"), Role::Up), line);
    }
    let width = past.len() * dots / DOTS_WIDE;
    let ago = format!("{}s ago", past.len() as u64 * PAST_STEP_SECS);
    let end = if detail.is_over { "end" } else { "now" };
    let blank = width.saturating_sub(ago.len() + end.len());
    let time = format!("{ago}{:blank$}{end}", "");
    let height = format!("each way up to {}", scale.text(state.unit));
    let time = (time, Role::Dim);
    let none = || (String::new(), Role::Dim);
    if width + 3 + height.chars().count() <= sheet.room() {
        sheet.line(none(), vec![time, (format!("   {height}"), Role::Dim)]);
    } else {
        sheet.line(none(), vec![time]);
        sheet.line(none(), vec![(height, Role::Dim)]);
    }
}

/// Cells of one row. `dots` columns of them belong to a step; `lit` says which
/// dots of a column are set, the lowest bit for the topmost. In the row of the
/// `middle`, points stand for time of which nothing is known.
fn bars(
    past: &Past,
    dots: usize,
    middle: bool,
    role: Role,
    lit: impl Fn((u64, u64)) -> u8,
) -> Text {
    let columns: Vec<Option<u8>> = past
        .iter()
        .flat_map(|step| {
            let set = step.map(|step| lit((step.orig, step.reply)));
            std::iter::repeat_n(set, dots)
        })
        .collect();
    let half = |set: Option<u8>, dots: [u32; 4]| -> u32 {
        let set = set.unwrap_or_default();
        let of = |(row, bit): (usize, u32)| if set & (1 << row) == 0 { 0 } else { bit };
        dots.into_iter().enumerate().map(of).sum()
    };
    let cell = |pair: &[Option<u8>]| {
        let [left, right] = [0, 1].map(|index| pair.get(index).copied().flatten());
        match half(left, LEFT) + half(right, RIGHT) {
            0 if middle && left.is_none() && right.is_none() => ('·', Role::Dim),
            0 => (' ', role),
            dots => (char::from_u32(BLANK + dots).unwrap_or(' '), role),
        }
    };
    let cells: Vec<(char, Role)> = columns.chunks(DOTS_WIDE).map(cell).collect();
    joined(&cells)
}

/// The dots of a cell whose near edge is `below` dots from the middle, for a
/// bar of `level` dots. The lowest bit is the topmost dot.
fn lit(level: u64, below: u64, rises: bool) -> u8 {
    let count = level.saturating_sub(below).min(DOTS_HIGH);
    let from_top = (1_u8 << count) - 1;
    if rises {
        from_top << (DOTS_HIGH - count)
    } else {
        from_top
    }
}

/// What the full height stands for: 1, 2 or 5 of something, so that it does not
/// change with every reading.
struct Scale {
    /// Bytes per second.
    full: u64,
}

impl Scale {
    /// At least `most` bytes per second; round in `unit`.
    fn over(most: u64, unit: RateUnit) -> Self {
        let factor = match unit {
            RateUnit::Bytes => 1,
            RateUnit::Bits => 8,
        };
        let most = u128::from(most) * factor;
        let mut power: u128 = 10;
        while power * 5 < most {
            power *= 10;
        }
        let round = [power, power * 2, power * 5];
        let full = round.into_iter().find(|full| *full >= most);
        let full = full.unwrap_or(most).div_ceil(factor);
        Self {
            full: u64::try_from(full).unwrap_or(u64::MAX),
        }
    }

    fn text(&self, unit: RateUnit) -> String {
        let mut text = String::new();
        units::rate(&mut text, Some(self.full), unit);
        text
    }

    /// How many dots high a bar is; what moved at all has one.
    fn level(&self, bytes_per_sec: u64, rows: u64) -> u64 {
        let dots = u128::from(bytes_per_sec) * u128::from(rows * DOTS_HIGH);
        u64::try_from(dots.div_ceil(u128::from(self.full.max(1)))).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Pair;

    #[test]
    fn scales_are_round_in_their_unit() {
        let full = |most, unit| Scale::over(most, unit).text(unit);
        assert_eq!(full(1, RateUnit::Bytes), "10B/s");
        assert_eq!(full(10, RateUnit::Bytes), "10B/s");
        assert_eq!(full(11, RateUnit::Bytes), "20B/s");
        assert_eq!(full(12_400_000, RateUnit::Bytes), "20.0MB/s");
        assert_eq!(full(12_400_000, RateUnit::Bits), "100Mbit/s");
        let most = Scale::over(u64::MAX, RateUnit::Bits);
        assert_eq!(most.level(u64::MAX, 3), 12);
    }

    #[test]
    fn whatever_moved_has_a_dot_and_nothing_exceeds_the_height() {
        let scale = Scale::over(800, RateUnit::Bytes);
        assert_eq!(scale.level(0, 2), 0);
        assert_eq!(scale.level(1, 2), 1);
        assert_eq!(scale.level(1000, 2), 8);
        assert_eq!(scale.level(500, 2), 4);
    }

    #[test]
    fn bars_rise_and_hang() {
        assert_eq!(lit(3, 0, true), 0b1110);
        assert_eq!(lit(3, 0, false), 0b0111);
        assert_eq!(lit(3, 4, true), 0);
        assert_eq!(lit(6, 4, true), 0b1100);
        let mut past = Past::default();
        past[0] = Some(Pair { orig: 1, reply: 0 });
        past[19] = Some(Pair { orig: 4, reply: 0 });
        let line = |middle| -> String {
            let line = bars(&past, 1, middle, Role::Up, |(orig, _)| lit(orig, 0, false));
            line.into_iter().map(|(text, _)| text).collect()
        };
        assert_eq!(line(false), "⠁        ⢸");
        assert_eq!(line(true), "⠁········⢸");
    }
}
