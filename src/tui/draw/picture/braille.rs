//! Bars of braille dots: two columns and four rows of dots in a cell.
//!
//! Bars rise from a baseline or hang from it; a chart of two directions has
//! some of either, on one scale.

/// First of the braille patterns (Unicode block 2800).
const BLANK: u32 = 0x2800;
/// Rows of dots of a cell.
pub(in super::super::super) const DOTS_HIGH: u64 = 4;
/// Columns of dots of a cell.
pub(in super::super::super) const DOTS_WIDE: usize = 2;
/// Dots of the left and the right half of a cell, from the top.
const HALVES: [[u32; 4]; DOTS_WIDE] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Which way bars grow from the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super::super) enum Grow {
    /// They stand on it.
    Up,
    /// They hang from it.
    Down,
}

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super::super) enum Cell {
    /// Nothing, of time of which nothing is known.
    Unknown,
    /// Nothing, because bars do not come so far.
    Blank,
    /// No bar, but a dotted line.
    Line(char),
    /// A bar.
    Bar(char),
}

/// A dotted line across bars, so many dots from the baseline. It is cut out of
/// bars that are longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super::super) struct Mark(pub(in super::super::super) u64);

/// One row of cells; row 0 is the one at the baseline. A level is the length of
/// a bar in dots: of one column of dots, or unknown.
pub(in super::super::super) fn row(
    levels: &[Option<u64>],
    row: u64,
    grow: Grow,
    marks: &[Mark],
) -> Vec<Cell> {
    // The rows of dots from the top, counted from the baseline.
    let dots: [u64; 4] = std::array::from_fn(|from_top| {
        let from_top = from_top as u64;
        let within = match grow {
            Grow::Up => DOTS_HIGH - 1 - from_top,
            Grow::Down => from_top,
        };
        row.saturating_mul(DOTS_HIGH).saturating_add(within)
    });
    let is_marked = |dot: u64| marks.iter().any(|mark| mark.0.checked_sub(1) == Some(dot));
    let some = |half: [u32; 4], is_set: &dyn Fn(u64) -> bool| -> u32 {
        let set = half.into_iter().zip(dots).filter(|(_, dot)| is_set(*dot));
        set.map(|(bit, _)| bit).sum()
    };
    // The end of a bar stays, or the longest would lose it to its own mark.
    let bar = |half, level: u64| {
        some(half, &|dot| {
            dot < level && !(is_marked(dot) && dot + 1 < level)
        })
    };
    // Every other dot of it: the left one of each cell.
    let line = some(HALVES[0], &is_marked);
    let symbol = |dots| char::from_u32(BLANK + dots).unwrap_or(' ');
    let cell = |columns: &[Option<u64>]| {
        let halves = HALVES.into_iter().zip(columns);
        let bars: u32 = halves
            .map(|(half, level)| bar(half, level.unwrap_or_default()))
            .sum();
        match bars {
            0 if columns.iter().all(Option::is_none) => Cell::Unknown,
            0 if line == 0 => Cell::Blank,
            0 => Cell::Line(symbol(line)),
            bars => Cell::Bar(symbol(bars)),
        }
    };
    levels.chunks(DOTS_WIDE).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(cells: Vec<Cell>) -> String {
        let symbol = |cell| match cell {
            Cell::Unknown => '·',
            Cell::Blank => ' ',
            Cell::Line(symbol) | Cell::Bar(symbol) => symbol,
        };
        cells.into_iter().map(symbol).collect()
    }

    #[test]
    fn bars_rise_and_hang() {
        let levels = [Some(1), Some(3), Some(4), Some(6), None, None, Some(0)];
        let shown = |at, grow| text(row(&levels, at, grow, &[]));
        assert_eq!(shown(0, Grow::Up), "⣰⣿· ");
        assert_eq!(shown(1, Grow::Up), " ⢠· ");
        assert_eq!(shown(0, Grow::Down), "⠹⣿· ");
        assert_eq!(shown(1, Grow::Down), " ⠘· ");
    }

    #[test]
    fn marks_are_cut_out_of_bars_and_dotted_beside_them() {
        let levels = [Some(8), Some(8), Some(0), Some(0), Some(2), Some(2)];
        let shown = |at| text(row(&levels, at, Grow::Up, &[Mark(2)]));
        assert_eq!(shown(0), "⣛⠄⣤");
        assert_eq!(shown(1), "⣿  ");
        assert_eq!(text(row(&levels, 1, Grow::Up, &[Mark(8)])), "⣿⠁⠁");
    }

    proptest! {
        #[test]
        fn any_levels_have_as_many_cells_as_they_need(
            levels in proptest::collection::vec(any::<Option<u64>>(), 0..300),
            at: u64,
            marks in proptest::collection::vec(any::<u64>(), 0..3),
        ) {
            let marks: Vec<Mark> = marks.into_iter().map(Mark).collect();
            for grow in [Grow::Up, Grow::Down] {
                let cells = row(&levels, at, grow, &marks);
                prop_assert_eq!(cells.len(), levels.len().div_ceil(DOTS_WIDE));
            }
        }
    }
}
