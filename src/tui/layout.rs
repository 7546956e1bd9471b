//! Where the columns of a table stand at a given width.
//!
//! Columns are never squeezed one by one. As the screen narrows, whole columns
//! yield in a fixed order, so that the eye finds the others where they were;
//! only when none is left to yield is text cut. What has yielded is reached by
//! scrolling sideways.

use crate::view::SortKey;
use crate::view::column::{Align, BARS_TITLE, ColumnId};
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
pub(super) enum Cell {
    /// One column.
    Plain(ColumnId),
    /// The protocol, and the first letter of the state.
    ProtoState,
    /// The destination with its service.
    Endpoint,
}

impl Cell {
    /// Its header.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Plain(ColumnId::Bars) => BARS_TITLE,
            Self::Plain(id) => id.column().title,
            Self::ProtoState => "PROTO",
            Self::Endpoint => "DESTINATION",
        }
    }

    /// Where its texts stand.
    pub(super) fn align(self) -> Align {
        match self {
            // Bars are numbers, but drawn from the left.
            Self::Plain(ColumnId::Bars) | Self::ProtoState | Self::Endpoint => Align::Left,
            Self::Plain(id) => id.column().align,
        }
    }

    /// The columns that it shows, the foremost first.
    pub(super) fn columns(self) -> &'static [ColumnId] {
        match self {
            Self::Plain(id) => std::slice::from_ref(&id.column().id),
            Self::ProtoState => &[ColumnId::Proto, ColumnId::State],
            Self::Endpoint => &[ColumnId::Destination, ColumnId::Service],
        }
    }

    /// Whether it shows what rows are ordered by.
    pub(super) fn is_sorted_by(self, key: SortKey) -> bool {
        match key {
            SortKey::Usual => {
                self == Self::Plain(ColumnId::OrigRate) || self == Self::Plain(ColumnId::ReplyRate)
            }
            SortKey::Column(id) | SortKey::Address(id) => self.columns().contains(&id),
            SortKey::Field(_) | SortKey::Group(_) => false,
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
    fn widest(self, wish: &Wish) -> u16 {
        let port = if wish.host > IPV4 { PORT_IPV6 } else { PORT };
        let most = match self {
            Self::Plain(ColumnId::Destination) => wish.host,
            Self::Plain(ColumnId::Source) => wish.host + port,
            Self::Endpoint => wish.endpoint,
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
pub(super) struct Placed {
    /// What it shows.
    pub(super) cell: Cell,
    /// Its first cell, counted from the left edge of the screen.
    pub(super) x: u16,
    /// Its width in cells.
    pub(super) width: u16,
}

/// What decides, besides the width of the screen, where columns stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Which columns to show, in this order; the one that names the row is
    /// among them.
    pub(super) columns: Vec<ColumnId>,
    /// The unit of rates, which has its width.
    pub(super) unit: RateUnit,
    /// The longest host to show, by address or name. Columns grow for it where
    /// there is room; none yields.
    pub(super) host: u16,
    /// The longest destination with its service behind it.
    pub(super) endpoint: u16,
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
const BARS: Yielding = Yielding::Hide(&[ColumnId::Bars]);
/// How long ago matters more of a flow that has ended than how long it lived.
const ENDED: Yielding = Yielding::Hide(&[ColumnId::Ended]);
/// Who sets a baseline looks for what moved since.
const DELTA: Yielding = Yielding::Hide(&[ColumnId::ReplyDelta, ColumnId::OrigDelta]);
const ARROW: Yielding = Yielding::Hide(&[ColumnId::Arrow]);
const PROTO: Yielding = Yielding::Hide(&[ColumnId::Proto]);
const RATES: Yielding = Yielding::Hide(&[ColumnId::ReplyRate, ColumnId::OrigRate]);

/// Columns that were asked for besides the usual ones yield first.
const EXTRAS: &[Yielding] = &[
    Yielding::Hide(&[ColumnId::Zone]),
    Yielding::Hide(&[ColumnId::Mark]),
    Yielding::Hide(&[ColumnId::Mac]),
    Yielding::Hide(&[ColumnId::City]),
    Yielding::Hide(&[ColumnId::Asn]),
    Yielding::Hide(&[ColumnId::Organisation]),
    Yielding::Hide(&[ColumnId::PacketSize]),
    Yielding::Hide(&[ColumnId::ReplyPacketRate, ColumnId::OrigPacketRate]),
    Yielding::Hide(&[ColumnId::ReplyPackets, ColumnId::OrigPackets]),
    Yielding::Hide(&[ColumnId::ReplyPeak, ColumnId::OrigPeak]),
    Yielding::Hide(&[ColumnId::Trend]),
    Yielding::Hide(&[ColumnId::Rate40]),
    Yielding::Hide(&[ColumnId::Rate2]),
    Yielding::Hide(&[ColumnId::Rate10]),
    Yielding::Hide(&[ColumnId::Bytes]),
    Yielding::Hide(&[ColumnId::Expires]),
    Yielding::Hide(&[ColumnId::Idle]),
    Yielding::Hide(&[ColumnId::Unit]),
    Yielding::Hide(&[ColumnId::User]),
    Yielding::Hide(&[ColumnId::Sport]),
    Yielding::Hide(&[ColumnId::Dport]),
    Yielding::Hide(&[ColumnId::Rate]),
];
/// The order in which the usual columns yield. Rates stay: they are what one
/// looks for.
const ORDER: &[Yielding] = &[
    INTERFACE,
    RTT,
    COUNTRY,
    BYTES,
    AGE,
    ENDED,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    PROCESS,
    BARS,
    DELTA,
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
    ENDED,
    Yielding::AbbreviateState,
    Yielding::JoinService,
    PROCESS,
    BARS,
    DELTA,
    ARROW,
    PROTO,
    Yielding::CutAddresses,
    RATES,
];

impl Yielding {
    fn apply(self, cells: &mut Vec<Cell>) {
        let mut replace = |gone, from, to| {
            if !cells.contains(&Cell::Plain(gone)) {
                return;
            }
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
pub(super) fn arrange(width: u16, wish: &Wish, scroll: usize) -> Vec<Placed> {
    let mut cells = all(wish);
    let mut cut = false;
    if scroll == 0 {
        let order = if wish.columns.contains(&ColumnId::Source) {
            ORDER_WITH_SOURCE
        } else {
            ORDER
        };
        for yielding in EXTRAS.iter().chain(order) {
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
pub(super) fn max_scroll(width: u16, wish: &Wish) -> usize {
    let most = all(wish).len().saturating_sub(1);
    (0..most)
        .find(|scroll| {
            let mut cells = all(wish);
            scroll_by(*scroll, &mut cells);
            needed(&cells, wish.unit, false) <= width
        })
        .unwrap_or(most)
}

fn all(wish: &Wish) -> Vec<Cell> {
    wish.columns.iter().map(|id| Cell::Plain(*id)).collect()
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

fn place(cells: &[Cell], width: u16, wish: &Wish, cut: bool) -> Vec<Placed> {
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
    wish: &Wish,
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
    use crate::view::column::{COLUMNS, Choice};

    fn wish(known: &[ColumnId], unit: RateUnit) -> Wish {
        Wish {
            columns: Choice::default().shown(|id| known.contains(&id)),
            unit,
            host: 39,
            endpoint: 51,
        }
    }

    fn plain() -> Wish {
        wish(&[ColumnId::Country], RateUnit::Bytes)
    }

    fn owned_in(unit: RateUnit) -> Wish {
        let known = [
            ColumnId::Country,
            ColumnId::Process,
            ColumnId::Interface,
            ColumnId::Rtt,
        ];
        wish(&known, unit)
    }

    fn owned() -> Wish {
        owned_in(RateUnit::Bytes)
    }

    fn both_ends() -> Wish {
        let mut wish = owned_in(RateUnit::Bits);
        wish.columns.insert(3, ColumnId::Source);
        wish
    }

    fn everything() -> Wish {
        Wish {
            columns: COLUMNS.iter().map(|column| column.id).collect(),
            ..owned()
        }
    }

    fn titles(placed: &[Placed]) -> String {
        let titles: Vec<_> = placed.iter().map(|p| p.cell.title()).collect();
        titles.join(" ")
    }

    #[test]
    fn columns_yield_in_order() {
        let at = |width| titles(&arrange(width, &plain(), 0));
        let all = "PROTO STATE AGE  DESTINATION SERVICE CC ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(120), all);
        assert_eq!(at(100), all);
        let no_country = "PROTO STATE AGE  DESTINATION SERVICE ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(98), no_country);
        assert_eq!(at(80), "PROTO STATE AGE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(75), "PROTO STATE  DESTINATION SERVICE ↓ RATE ↑ RATE");
        assert_eq!(at(60), "PROTO  DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(at(40), "DESTINATION ↓ RATE ↑ RATE");
        let both = |width| titles(&arrange(width, &both_ends(), 0));
        assert_eq!(both(60), "SOURCE DESTINATION ↓ RATE ↑ RATE");
        assert_eq!(both(40), "SOURCE DESTINATION");
        let with_owner = |width| titles(&arrange(width, &owned(), 0));
        let all = "PROTO STATE AGE  DESTINATION SERVICE CC PROCESS IFACE ↓ BYTES ↑ BYTES ↓ RATE \
                   ↑ RATE RTT";
        assert_eq!(with_owner(160), all);
        assert_eq!(with_owner(125), all.replace(" IFACE", ""));
        assert_eq!(
            with_owner(120),
            all.replace(" IFACE", "").replace(" RTT", "")
        );
        assert_eq!(
            with_owner(100),
            "PROTO STATE AGE  DESTINATION SERVICE PROCESS ↓ RATE ↑ RATE"
        );
        assert_eq!(
            with_owner(80),
            "PROTO  DESTINATION SERVICE PROCESS ↓ RATE ↑ RATE"
        );
        assert_eq!(with_owner(69), "PROTO  DESTINATION PROCESS ↓ RATE ↑ RATE");
        assert_eq!(with_owner(60), "PROTO  DESTINATION ↓ RATE ↑ RATE");
    }

    #[test]
    fn columns_stand_as_they_were_chosen_and_yield_one_by_one() {
        let chosen = |width| {
            let choice = Choice::parse("up_rate,mark,destination,asn,rtt,proto").unwrap();
            let wish = Wish {
                columns: choice.shown(|_| false),
                ..plain()
            };
            titles(&arrange(width, &wish, 0))
        };
        assert_eq!(chosen(80), "↑ RATE MARK DESTINATION ASN RTT PROTO");
        assert_eq!(chosen(62), "↑ RATE DESTINATION ASN RTT PROTO");
        assert_eq!(chosen(50), "↑ RATE DESTINATION RTT PROTO");
        // Without a state and a service nothing is joined.
        assert_eq!(chosen(42), "↑ RATE DESTINATION PROTO");
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_screen() {
        for wish in [plain(), owned(), both_ends(), everything()] {
            let wish = &wish;
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

    #[test]
    fn every_column_can_be_reached_from_60_on() {
        for wish in [plain(), owned(), both_ends(), everything()] {
            let wish = &wish;
            for width in 60..=250 {
                for id in &wish.columns {
                    // Between two ends and two rates is no room for it.
                    let is_proto = matches!(id, ColumnId::Proto | ColumnId::State);
                    if wish.columns.contains(&ColumnId::Source) && is_proto && width < 80 {
                        continue;
                    }
                    let seen = (0..=max_scroll(width, wish))
                        .flat_map(|scroll| arrange(width, wish, scroll))
                        .any(|placed| placed.cell.columns().contains(id));
                    assert!(seen, "{id:?} at {width}");
                }
            }
        }
    }

    #[test]
    fn an_address_is_cut_only_where_there_is_no_room_for_it() {
        // A short address with the long name of a service.
        let wish = Wish {
            host: 14,
            endpoint: 28,
            ..plain()
        };
        let placed = arrange(60, &wish, 0);
        let destination = placed.iter().find(|p| p.cell == Cell::Endpoint);
        assert_eq!(destination.map(|p| p.width), Some(28), "{placed:?}");
    }

    #[test]
    fn a_full_ipv6_address_is_readable_at_120() {
        let bits = wish(&[], RateUnit::Bits);
        for wish in [plain(), bits] {
            let placed = arrange(120, &wish, 0);
            let destination = placed.iter().find(|p| p.cell.names_the_row());
            assert!(destination.is_some_and(|p| p.width >= 39));
        }
    }
}
