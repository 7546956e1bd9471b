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
/// Blank cells between two columns, at least.
const GAP: u16 = 1;
/// What a port of five digits adds to an address; with the brackets of IPv6.
const PORT: u16 = 6;
const PORT_IPV6: u16 = 8;
/// The longest IPv4 address.
const IPV4: u16 = 15;
/// Room for IPv6 addresses that are written short, or cut.
const IPV6_SHORT: u16 = 19;
/// Room for an address and a port that are cut.
const CUT: u16 = 17;

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
            Self::Plain(ColumnId::Destination) => IPV6_SHORT,
            Self::Plain(id) => of(id),
            Self::ProtoState => of(ColumnId::Proto) + 2,
            Self::Endpoint => IPV4 + PORT,
        }
    }

    /// The width it is given at least; less if addresses are `cut`.
    fn least(self, unit: RateUnit, cut: bool) -> u16 {
        match self.width(unit) {
            width if cut && self.holds_address() => width.min(CUT),
            width => width,
        }
    }

    /// The width it can make use of.
    fn widest(self, wish: Wish) -> u16 {
        let port = if wish.host > IPV4 { PORT_IPV6 } else { PORT };
        let most = match self {
            Self::Plain(ColumnId::Destination) => wish.host,
            Self::Plain(ColumnId::Source) => wish.host + port,
            Self::Endpoint => wish.host + port + 4,
            Self::Plain(id) => id.column().widest(wish.unit),
            Self::ProtoState => 0,
        };
        most.max(self.width(wish.unit))
    }

    fn holds_address(self) -> bool {
        self.names_the_row() || self == Self::Plain(ColumnId::Source)
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column, there or not"
)]
pub struct Wish {
    /// Whether to show where flows come from.
    pub source: bool,
    /// The unit of rates, which has its width.
    pub unit: RateUnit,
    /// Whether to show countries.
    pub country: bool,
    /// Whether to show processes.
    pub process: bool,
    /// Whether to show interfaces.
    pub interface: bool,
    /// Whether to show round-trip times.
    pub rtt: bool,
    /// The longest host to show, by address or name. Columns grow for it where
    /// there is room; none yields.
    pub host: u16,
}

/// How columns yield.
#[derive(Clone, Copy)]
enum Yielding {
    Hide(&'static [ColumnId]),
    /// The state becomes a letter behind the protocol.
    AbbreviateState,
    /// The service becomes the port of the destination.
    JoinService,
    /// Addresses are given less room than the longest of IPv4 takes.
    CutAddresses,
}

const INTERFACE: Yielding = Yielding::Hide(&[ColumnId::Interface]);
const RTT: Yielding = Yielding::Hide(&[ColumnId::Rtt]);
const PROCESS: Yielding = Yielding::Hide(&[ColumnId::Process]);
const COUNTRY: Yielding = Yielding::Hide(&[ColumnId::Country]);
const BYTES: Yielding = Yielding::Hide(&[ColumnId::ReplyBytes, ColumnId::OrigBytes]);
const AGE: Yielding = Yielding::Hide(&[ColumnId::Age]);
const ARROW: Yielding = Yielding::Hide(&[ColumnId::Arrow]);
const PROTO: Yielding = Yielding::Hide(&[ColumnId::Proto]);
const RATES: Yielding = Yielding::Hide(&[ColumnId::ReplyRate, ColumnId::OrigRate]);

/// The order in which columns yield. Rates stay: they are what one looks for.
const ORDER: &[Yielding] = &[
    INTERFACE,
    RTT,
    COUNTRY,
    BYTES,
    AGE,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    PROCESS,
    ARROW,
    PROTO,
];
/// Who asks for sources gives up more for them. Rates go last, and both
/// directions together, or an upload would look idle.
const ORDER_WITH_SOURCE: &[Yielding] = &[
    INTERFACE,
    RTT,
    COUNTRY,
    BYTES,
    AGE,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    PROCESS,
    ARROW,
    PROTO,
    Yielding::CutAddresses,
    RATES,
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
            // Done where widths are known.
            Self::CutAddresses => {}
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
/// 1. Unscrolled, columns yield in order until the rest fits. If it never
///    does, the one that names the row is cut.
/// 2. Scrolled, the first `scroll` columns make room for those that have
///    yielded, except the one that names the row.
/// 3. What is left over goes to addresses up to the longest, to the gaps
///    before numbers, to services, then to all gaps. The rest stays blank:
///    a row too wide is hard to follow.
pub fn arrange(width: u16, wish: Wish, scroll: usize) -> Vec<Placed> {
    let mut cells = all(wish);
    let mut cut = false;
    if scroll == 0 {
        let order = if wish.source {
            ORDER_WITH_SOURCE
        } else {
            ORDER
        };
        for yielding in order {
            if needed(&cells, wish.unit, cut) <= width {
                break;
            }
            cut |= matches!(yielding, Yielding::CutAddresses);
            yielding.apply(&mut cells);
        }
    } else {
        scroll_by(scroll, &mut cells);
        while cells.len() > 1 && needed(&cells, wish.unit, cut) > width {
            let last = cells.iter().rposition(|cell| !cell.names_the_row());
            cells.remove(last.unwrap_or(0));
        }
    }
    place(&cells, width, wish, cut)
}

/// How far one can scroll: until the last column is on the screen.
pub fn max_scroll(width: u16, wish: Wish) -> usize {
    let most = all(wish).len() - 1;
    (0..most)
        .find(|scroll| {
            let mut cells = all(wish);
            scroll_by(*scroll, &mut cells);
            needed(&cells, wish.unit, false) <= width
        })
        .unwrap_or(most)
}

fn all(wish: Wish) -> Vec<Cell> {
    COLUMNS
        .iter()
        .filter(|column| match column.id {
            ColumnId::Source => wish.source,
            ColumnId::Country => wish.country,
            ColumnId::Process => wish.process,
            ColumnId::Interface => wish.interface,
            ColumnId::Rtt => wish.rtt,
            _ => true,
        })
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

fn needed(cells: &[Cell], unit: RateUnit, cut: bool) -> u16 {
    let texts: u16 = cells.iter().map(|cell| cell.least(unit, cut)).sum();
    texts + GAP * (cells.len() as u16).saturating_sub(1) + 2 * MARGIN
}

fn place(cells: &[Cell], width: u16, wish: Wish, cut: bool) -> Vec<Placed> {
    let needed = needed(cells, wish.unit, cut);
    let mut left = width.saturating_sub(needed);
    let least = |cell: &Cell| cell.least(wish.unit, cut);
    let mut widths: Vec<u16> = cells.iter().map(least).collect();
    grow(cells, &mut widths, &mut left, wish, Cell::holds_address);
    let mut gaps = vec![GAP; cells.len()];
    let is_number = |_: usize, cell: Cell| cell.align() == Align::Right;
    // An arrow points at what follows it; before the first column is no gap.
    let is_wide =
        |index: usize, _: Cell| index > 0 && cells[index - 1] != Cell::Plain(ColumnId::Arrow);
    widen(cells, &mut gaps, &mut left, is_number);
    grow(cells, &mut widths, &mut left, wish, |_| true);
    widen(cells, &mut gaps, &mut left, |i, cell| {
        is_wide(i, cell) && !is_number(i, cell)
    });
    widen(cells, &mut gaps, &mut left, is_wide);

    let mut over = needed.saturating_sub(width);
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(cells.len());
    for (index, &cell) in cells.iter().enumerate() {
        let mut width = widths[index];
        if index > 0 {
            x += gaps[index];
        }
        if cell.names_the_row() {
            let cut = over.min(width.saturating_sub(1));
            width -= cut;
            over -= cut;
        }
        placed.push(Placed { cell, x, width });
        x += width;
    }
    placed
}

/// Gives columns what they can make use of; one cell at a time, so that both
/// ends of a flow get the same.
fn grow(
    cells: &[Cell],
    widths: &mut [u16],
    left: &mut u16,
    wish: Wish,
    which: impl Fn(Cell) -> bool,
) {
    loop {
        let before = *left;
        for (cell, width) in cells.iter().zip(widths.iter_mut()) {
            if *left > 0 && *width < cell.widest(wish) && which(*cell) {
                *width += 1;
                *left -= 1;
            }
        }
        if *left == before {
            return;
        }
    }
}

/// Widens gaps before columns by one cell, all or none of them.
fn widen(cells: &[Cell], gaps: &mut [u16], left: &mut u16, which: impl Fn(usize, Cell) -> bool) {
    let wide: Vec<usize> = (0..cells.len())
        .filter(|index| which(*index, cells[*index]))
        .collect();
    if wide.len() <= usize::from(*left) {
        *left -= wide.len() as u16;
        for index in wide {
            gaps[index] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wish = Wish {
        source: false,
        country: true,
        process: false,
        interface: false,
        rtt: false,
        unit: RateUnit::Bytes,
        host: 39,
    };
    const OWNED: Wish = Wish {
        process: true,
        interface: true,
        rtt: true,
        ..PLAIN
    };
    const BOTH_ENDS: Wish = Wish {
        source: true,
        unit: RateUnit::Bits,
        ..OWNED
    };

    fn titles(placed: &[Placed]) -> String {
        let titles: Vec<_> = placed.iter().map(|p| p.cell.title()).collect();
        titles.join(" ")
    }

    #[test]
    fn columns_yield_in_order() {
        let at = |width| titles(&arrange(width, PLAIN, 0));
        let all = "PROTO STATE AGE  DESTINATION SERVICE CC ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(120), all);
        assert_eq!(at(100), all);
        let no_country = "PROTO STATE AGE  DESTINATION SERVICE ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(98), no_country);
        assert_eq!(at(80), "PROTO STATE AGE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(75), "PROTO STATE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(60), "PROTO  DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(at(40), "DESTINATION ↓ RATE ↑ RATE");
        let both = |width| titles(&arrange(width, BOTH_ENDS, 0));
        assert_eq!(both(60), "SOURCE DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(both(40), "SOURCE DESTINATION");
        let owned = |width| titles(&arrange(width, OWNED, 0));
        let all = "PROTO STATE AGE  DESTINATION SERVICE CC PROCESS IFACE ↓ BYTES ↑ BYTES ↓ RATE \
                   ↑ RATE RTT";
        assert_eq!(owned(160), all);
        assert_eq!(owned(125), all.replace(" IFACE", ""));
        assert_eq!(owned(120), all.replace(" IFACE", "").replace(" RTT", ""));
        assert_eq!(
            owned(100),
            "PROTO STATE AGE  DESTINATION SERVICE PROCESS ↓ RATE ↑ RATE"
        );
        assert_eq!(
            owned(80),
            "PROTO  DESTINATION SERVICE PROCESS ↓ RATE ↑ RATE"
        );
        assert_eq!(owned(69), "PROTO  DESTINATION PROCESS ↓ RATE ↑ RATE");
        assert_eq!(owned(60), "PROTO  DESTINATION ↓ RATE ↑ RATE");
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_screen() {
        for wish in [PLAIN, OWNED, BOTH_ENDS] {
            for width in 40..=250 {
                for scroll in 0..=max_scroll(width, wish) {
                    let placed = arrange(width, wish, scroll);
                    assert!(placed.iter().any(|p| p.cell.names_the_row()));
                    for pair in placed.windows(2) {
                        assert!(pair[0].x + pair[0].width < pair[1].x, "{width} {scroll}");
                    }
                    let end = placed.last().map_or(0, |p| p.x + p.width);
                    assert!(end + MARGIN <= width, "{width} {scroll} {end}");
                }
            }
        }
    }

    /// Two in one show both.
    fn shows(placed: Cell, cell: Cell) -> bool {
        let of: &[ColumnId] = match placed {
            Cell::ProtoState => &[ColumnId::Proto, ColumnId::State],
            Cell::Endpoint => &[ColumnId::Destination, ColumnId::Service],
            Cell::Plain(_) => &[],
        };
        placed == cell || of.iter().any(|id| cell == Cell::Plain(*id))
    }

    #[test]
    fn every_column_can_be_reached_from_60_on() {
        for wish in [PLAIN, OWNED, BOTH_ENDS] {
            for width in 60..=250 {
                for cell in all(wish) {
                    // Between two ends and two rates is no room for it.
                    let is_proto = matches!(cell, Cell::Plain(ColumnId::Proto | ColumnId::State));
                    if wish.source && is_proto && width < 80 {
                        continue;
                    }
                    let seen = (0..=max_scroll(width, wish))
                        .flat_map(|scroll| arrange(width, wish, scroll))
                        .any(|placed| shows(placed.cell, cell));
                    assert!(seen, "{cell:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn a_full_ipv6_address_is_readable_at_120() {
        for (unit, country) in [(RateUnit::Bytes, true), (RateUnit::Bits, false)] {
            let wish = Wish {
                unit,
                country,
                ..PLAIN
            };
            let placed = arrange(120, wish, 0);
            let destination = placed.iter().find(|p| p.cell.names_the_row());
            assert!(destination.is_some_and(|p| p.width >= 39));
        }
    }
}
