//! Pictures of one line, made of block elements (Unicode block 2580).

use super::Scale;

/// Heights of one cell, in eighths.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Fills of one cell from the left, in eighths.
const FILLS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// Less than this part of the full height is left blank, so that a trickle
/// does not look like traffic.
const QUIET: u64 = 100;

/// A sparkline: one cell for each value, the oldest first. Nothing, and what
/// is not known, is blank.
pub(in super::super::super) fn line(
    values: impl IntoIterator<Item = Option<u64>>,
    scale: Scale,
) -> String {
    let cell = |value: Option<u64>| {
        let value = value.filter(|value| *value >= scale.full().div_ceil(QUIET));
        let level = value.map_or(0, |value| scale.level(value, HEIGHTS.len() as u64));
        let below = usize::try_from(level).unwrap_or_default().checked_sub(1);
        below
            .and_then(|index| HEIGHTS.get(index))
            .copied()
            .unwrap_or(' ')
    };
    values.into_iter().map(cell).collect()
}

/// A gauge: `part` of `whole` as a bar of `width` cells, which it is always
/// wide. What is more than nothing can be seen.
pub(in super::super::super) fn gauge(part: u64, whole: u64, width: usize) -> String {
    let eighths = u128::from(part.min(whole)) * (width as u128) * 8;
    let eighths = eighths.div_ceil(u128::from(whole.max(1)));
    let eighths = usize::try_from(eighths).unwrap_or_default().min(width * 8);
    let mut bar = String::new();
    for cell in 0..width {
        let filled = eighths.saturating_sub(cell * 8).min(8);
        bar.push(filled.checked_sub(1).map_or(' ', |index| FILLS[index]));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_a_cell_for_each_value() {
        let scale = Scale::of_counts(800);
        let values = [Some(0), Some(1), Some(10), Some(100), Some(101), Some(1000)];
        assert_eq!(line(values, scale), "  ▁▁▂█");
        assert_eq!(line([None, Some(2000)], scale), " █");
        assert_eq!(line([], scale), "");
    }

    #[test]
    fn gauges_are_as_wide_as_they_are() {
        assert_eq!(gauge(0, 100, 4), "    ");
        assert_eq!(gauge(1, 100, 4), "▏   ");
        assert_eq!(gauge(50, 100, 4), "██  ");
        assert_eq!(gauge(60, 100, 4), "██▌ ");
        assert_eq!(gauge(200, 100, 4), "████");
        assert_eq!(gauge(0, 0, 2), "  ");
    }

    proptest! {
        #[test]
        fn no_values_exceed_their_room(
            values in proptest::collection::vec(any::<Option<u64>>(), 0..50),
            most: u64,
            part: u64,
            width in 0_usize..50,
        ) {
            let count = values.len();
            prop_assert_eq!(line(values, Scale::of_counts(most)).chars().count(), count);
            prop_assert_eq!(gauge(part, most, width).chars().count(), width);
        }
    }
}
