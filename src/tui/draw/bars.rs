//! Rates as bars, both directions in one line of text: the upper half of a cell
//! is what came, the lower half what was sent, and a whole cell is both.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::theme::{Role, Theme};
use crate::flow::Pair;
use crate::view::View;

/// Where bars begin on a scale of powers, as a power of ten: 10 bit/s.
const LOG_FROM: f64 = 1.0;
/// Where they end at least: 1 Gbit/s.
const LOG_TO: f64 = 9.0;

/// What the length of a bar stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) enum Measure {
    /// Powers of ten, so that what is slow is seen as well.
    #[default]
    Log,
    /// A part of the fastest row of the window.
    Linear,
}

/// Bars of one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bars {
    measure: Measure,
    /// Bytes per second of the fastest row, one way.
    most: u64,
}

impl Bars {
    /// Of the rows of a view.
    pub(super) fn of(view: &View, measure: Measure) -> Self {
        let flows = view.rows.iter().filter_map(|row| row.flow.bytes_per_sec());
        let groups = view.groups.iter().map(|row| row.bytes_per_sec);
        let most = flows.chain(groups).map(|rate| rate.orig.max(rate.reply));
        Self {
            measure,
            most: most.max().unwrap_or_default(),
        }
    }

    /// Cells of a bar, of `width`; what moved at all has one.
    fn cells(self, bytes_per_sec: u64, width: u16) -> u16 {
        if bytes_per_sec == 0 {
            return 0;
        }
        let bits = |bytes: u64| (bytes as f64 * 8.0).log10();
        let part = match self.measure {
            Measure::Linear => bytes_per_sec as f64 / self.most.max(1) as f64,
            Measure::Log => {
                let to = bits(self.most).ceil().max(LOG_TO);
                (bits(bytes_per_sec) - LOG_FROM) / (to - LOG_FROM)
            }
        };
        let cells = (part * f64::from(width)).ceil();
        (cells as u16).clamp(width.min(1), width)
    }

    /// Draws the bars of both directions over the first line of an area.
    pub(super) fn draw(self, rate: Pair<u64>, area: Rect, theme: &Theme, buf: &mut Buffer) {
        let [down, up] = [rate.reply, rate.orig].map(|rate| self.cells(rate, area.width));
        for cell in 0..down.max(up) {
            let (symbol, role) = match (cell < down, cell < up) {
                (true, true) => ('█', Role::Bar),
                (true, false) => ('▀', Role::Down),
                (false, _) => ('▄', Role::Up),
            };
            let x = area.x + cell;
            buf[(x, area.y)]
                .set_char(symbol)
                .set_style(theme.style(role));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bars(measure: Measure, most: u64) -> Bars {
        Bars { measure, most }
    }

    #[test]
    fn powers_of_ten_are_equal_steps() {
        let log = bars(Measure::Log, 0);
        // 10 bit/s, 100 bit/s, 1 Gbit/s, more.
        assert_eq!(log.cells(1, 8), 1);
        assert_eq!(log.cells(12, 8), 1);
        assert_eq!(log.cells(125, 8), 2);
        assert_eq!(log.cells(125_000_000, 8), 8);
        assert_eq!(log.cells(u64::MAX, 8), 8);
        let fast = bars(Measure::Log, 12_500_000_000);
        assert_eq!(fast.cells(125_000_000, 10), 8);
        assert_eq!(fast.cells(12_500_000_000, 10), 10);
    }

    #[test]
    fn the_fastest_row_fills_a_linear_bar() {
        let linear = bars(Measure::Linear, 1000);
        assert_eq!(linear.cells(1000, 10), 10);
        assert_eq!(linear.cells(500, 10), 5);
        assert_eq!(linear.cells(1, 10), 1);
        assert_eq!(linear.cells(0, 10), 0);
    }

    #[test]
    fn directions_are_told_by_shape() {
        let area = Rect::new(0, 0, 10, 1);
        let mut buf = Buffer::empty(area);
        let rate = Pair {
            orig: 300,
            reply: 800,
        };
        let theme = Theme::new(false);
        bars(Measure::Linear, 1000).draw(rate, area, &theme, &mut buf);
        let text: String = buf.content().iter().map(|cell| cell.symbol()).collect();
        assert_eq!(text, "███▀▀▀▀▀  ");
    }

    proptest! {
        #[test]
        fn no_bar_leaves_its_area(rate: u64, most: u64, width in 0_u16..300) {
            for measure in [Measure::Log, Measure::Linear] {
                prop_assert!(bars(measure, most).cells(rate, width) <= width);
            }
        }
    }
}
