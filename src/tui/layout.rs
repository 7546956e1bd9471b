//! Where the columns of a table stand at a given width.
//!
//! Columns are never squeezed one by one. As the screen narrows, whole columns
//! yield in a fixed order, so that the eye finds the others where they were;
//! only when none is left to yield is text cut. What has yielded is reached by
//! scrolling sideways.

use crate::view::column::{Align, COLUMNS, ColumnId};
use crate::view::units::RateUnit;

/// Blank cells at both edges of the screen.
const MARGIN: u16 = 1;
/// Blank cells between two columns, at least and at most.
const GAP: (u16, u16) = (1, 3);

/// What a column of the screen shows: a column of the registry, or two in one
/// where there is no room for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// One column.
    Plain(ColumnId),
    /// The protocol, and the first letter of the state.
    ProtoState,
    /// The destination with its service.
    Endpoint,
}

impl Cell {
    /// Its header.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain(id) => id.column().title,
            Self::ProtoState => "PROTO",
            Self::Endpoint => "DESTINATION",
        }
    }

    /// Where its texts stand.
    pub fn align(self) -> Align {
        match self {
            Self::Plain(id) => id.column().align,
            Self::ProtoState | Self::Endpoint => Align::Left,
        }
    }

    fn width(self, unit: RateUnit) -> u16 {
        let of = |id: ColumnId| id.column().width(unit);
        match self {
            Self::Plain(id) => of(id),
            Self::ProtoState => of(ColumnId::Proto) + 2,
            // A port of five digits and its colon.
            Self::Endpoint => of(ColumnId::Destination) + 6,
        }
    }

    fn widest(self, unit: RateUnit) -> u16 {
        match self {
            Self::Plain(id) => id.column().widest(unit),
            Self::ProtoState => self.width(unit),
            Self::Endpoint => ColumnId::Source.column().widest(unit),
        }
    }

    /// Without this one a row says nothing: it stays whatever yields.
    fn names_the_row(self) -> bool {
        matches!(self, Self::Plain(ColumnId::Destination) | Self::Endpoint)
    }
}

/// A column in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// What it shows.
    pub cell: Cell,
    /// Its first cell, counted from the left edge of the screen.
    pub x: u16,
    /// Its width in cells.
    pub width: u16,
}

/// What decides, besides the width of the screen, where columns stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Whether to show where flows come from.
    pub source: bool,
    /// The unit of rates, which has its width.
    pub unit: RateUnit,
}

/// How columns yield.
#[derive(Clone, Copy)]
enum Yielding {
    Hide(&'static [ColumnId]),
    /// The state becomes a letter behind the protocol.
    AbbreviateState,
    /// The service becomes the port of the destination.
    JoinService,
}

const BYTES: Yielding = Yielding::Hide(&[ColumnId::ReplyBytes, ColumnId::OrigBytes]);
const AGE: Yielding = Yielding::Hide(&[ColumnId::Age]);
const ARROW: Yielding = Yielding::Hide(&[ColumnId::Arrow]);
const PROTO: Yielding = Yielding::Hide(&[ColumnId::Proto]);
const RATES: Yielding = Yielding::Hide(&[ColumnId::ReplyRate, ColumnId::OrigRate]);

/// The order in which columns yield. Who asks for sources gives up rates for
/// them; both directions go together, or an upload would look idle.
const ORDER: [Yielding; 7] = [
    BYTES,
    AGE,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    ARROW,
    PROTO,
    RATES,
];
const ORDER_WITH_SOURCE: [Yielding; 7] = [
    BYTES,
    AGE,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    ARROW,
    RATES,
    PROTO,
];

impl Yielding {
    fn apply(self, cells: &mut Vec<Cell>) {
        let mut replace = |gone, from, to| {
            cells.retain(|cell| *cell != Cell::Plain(gone));
            for cell in cells.iter_mut().filter(|cell| **cell == Cell::Plain(from)) {
                *cell = to;
            }
        };
        match self {
            Self::AbbreviateState => replace(ColumnId::State, ColumnId::Proto, Cell::ProtoState),
            Self::JoinService => replace(ColumnId::Service, ColumnId::Destination, Cell::Endpoint),
            Self::Hide(ids) => cells.retain(|cell| match cell {
                Cell::Plain(id) => !ids.contains(id),
                Cell::ProtoState => !ids.contains(&ColumnId::Proto),
                Cell::Endpoint => true,
            }),
        }
    }
}

/// The columns at a screen `width`, after scrolling `scroll` columns to the
/// right.
///
/// 1. Unscrolled, columns yield in order until the rest fits.
/// 2. Scrolled, the first `scroll` columns make room for those that have
///    yielded, except the one that names the row.
/// 3. What is left over goes to addresses and services up to the longest,
///    then to the gaps.
pub fn arrange(width: u16, wish: Wish, scroll: usize) -> Vec<Placed> {
    let mut cells = all(wish);
    if scroll == 0 {
        let order = if wish.source {
            ORDER_WITH_SOURCE
        } else {
            ORDER
        };
        for yielding in order {
            if needed(&cells, wish.unit) <= width {
                break;
            }
            yielding.apply(&mut cells);
        }
    } else {
        scroll_by(scroll, &mut cells);
        while cells.len() > 1 && needed(&cells, wish.unit) > width {
            let last = cells.iter().rposition(|cell| !cell.names_the_row());
            cells.remove(last.unwrap_or(0));
        }
    }
    place(&cells, width, wish.unit)
}

/// How far one can scroll: until the last column is on the screen.
pub fn max_scroll(width: u16, wish: Wish) -> usize {
    let most = all(wish).len() - 1;
    (0..most)
        .find(|scroll| {
            let mut cells = all(wish);
            scroll_by(*scroll, &mut cells);
            needed(&cells, wish.unit) <= width
        })
        .unwrap_or(most)
}

fn all(wish: Wish) -> Vec<Cell> {
    COLUMNS
        .iter()
        .filter(|column| wish.source || column.id != ColumnId::Source)
        .map(|column| Cell::Plain(column.id))
        .collect()
}

fn scroll_by(scroll: usize, cells: &mut Vec<Cell>) {
    let mut gone = 0;
    cells.retain(|cell| {
        let stays = cell.names_the_row() || gone >= scroll;
        gone += usize::from(!stays);
        stays
    });
}

fn needed(cells: &[Cell], unit: RateUnit) -> u16 {
    let texts: u16 = cells.iter().map(|cell| cell.width(unit)).sum();
    texts + GAP.0 * (cells.len() as u16).saturating_sub(1) + 2 * MARGIN
}

fn place(cells: &[Cell], width: u16, unit: RateUnit) -> Vec<Placed> {
    let mut widths: Vec<u16> = cells.iter().map(|cell| cell.width(unit)).collect();
    let needed = needed(cells, unit);
    let mut left = width.saturating_sub(needed);
    let grow = |of: &[fn(Cell) -> bool], left: &mut u16, widths: &mut Vec<u16>| {
        // One by one, so that both ends of a flow get the same.
        loop {
            let before = *left;
            for (cell, width) in cells.iter().zip(widths.iter_mut()) {
                if *left > 0 && *width < cell.widest(unit) && of.iter().any(|is| is(*cell)) {
                    *width += 1;
                    *left -= 1;
                }
            }
            if *left == before {
                break;
            }
        }
    };
    let is_source = |cell| cell == Cell::Plain(ColumnId::Source);
    grow(&[Cell::names_the_row, is_source], &mut left, &mut widths);
    grow(&[|_| true], &mut left, &mut widths);
    let gaps = (cells.len() as u16).saturating_sub(1);
    let gap = left
        .checked_div(gaps)
        .map_or(GAP.0, |more| (GAP.0 + more).min(GAP.1));

    let mut over = needed.saturating_sub(width);
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(cells.len());
    for (&cell, mut width) in cells.iter().zip(widths) {
        if cell.names_the_row() {
            let cut = over.min(width.saturating_sub(1));
            width -= cut;
            over -= cut;
        }
        placed.push(Placed { cell, x, width });
        x += width + gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wish = Wish {
        source: false,
        unit: RateUnit::Bytes,
    };
    const BOTH_ENDS: Wish = Wish {
        source: true,
        unit: RateUnit::Bits,
    };

    fn titles(placed: &[Placed]) -> String {
        let titles: Vec<_> = placed.iter().map(|p| p.cell.title()).collect();
        titles.join(" ")
    }

    #[test]
    fn columns_yield_in_order() {
        let at = |width| titles(&arrange(width, PLAIN, 0));
        let all = "PROTO STATE AGE  DESTINATION SERVICE ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(120), all);
        assert_eq!(at(80), "PROTO STATE AGE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(70), "PROTO STATE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(60), "PROTO  DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(at(40), "DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(at(10), "DESTINATION");
        let both = |width| titles(&arrange(width, BOTH_ENDS, 0));
        assert_eq!(both(60), "PROTO SOURCE DESTINATION");
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_screen() {
        for wish in [PLAIN, BOTH_ENDS] {
            for width in 1..=250 {
                for scroll in 0..=max_scroll(width, wish) {
                    let placed = arrange(width, wish, scroll);
                    assert!(placed.iter().any(|p| p.cell.names_the_row()));
                    for pair in placed.windows(2) {
                        assert!(pair[0].x + pair[0].width < pair[1].x, "{width} {scroll}");
                    }
                    let end = placed.last().map_or(0, |p| p.x + p.width);
                    assert!(
                        width < 24 || end + MARGIN <= width,
                        "{width} {scroll} {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_column_can_be_reached() {
        for wish in [PLAIN, BOTH_ENDS] {
            for width in 60..=250 {
                for cell in all(wish) {
                    let seen = (0..=max_scroll(width, wish))
                        .any(|scroll| arrange(width, wish, scroll).iter().any(|p| p.cell == cell));
                    assert!(seen, "{cell:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn a_full_ipv6_address_is_readable_at_120() {
        for unit in [RateUnit::Bytes, RateUnit::Bits] {
            let wish = Wish {
                source: false,
                unit,
            };
            let placed = arrange(120, wish, 0);
            let destination = placed.iter().find(|p| p.cell.names_the_row());
            assert!(destination.is_some_and(|p| p.width >= 39));
        }
    }
}
