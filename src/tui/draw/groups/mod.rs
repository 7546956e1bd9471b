//! The tables of groups: hosts, processes, countries, services and the others.

mod column;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::Role;
use super::bars::Bars;
use super::{line, table};
use crate::view::column::Align;
use crate::view::group::{Group, GroupColumn as Column, Grouping};
use crate::view::units::RateUnit;
use crate::view::{SortKey, View};
use column::Model;

/// Blank cells at both edges of the screen.
const MARGIN: u16 = 1;
/// Blank cells between two columns: at least, and where there is room.
const GAP: u16 = 1;
const WIDE_GAP: u16 = 3;

/// A column in its place.
#[derive(Clone, Copy, Debug)]
struct Placed {
    column: Column,
    x: u16,
    width: u16,
}

/// The columns at a screen `width`: they yield in order until the rest fits; if
/// it never does, names are cut. What is left over goes to texts, one cell at a
/// time, then to the gaps before numbers. The rest stays blank.
fn arrange(
    width: u16,
    grouping: Grouping,
    within: &[Group],
    unit: RateUnit,
    bars: bool,
) -> Vec<Placed> {
    let model = Model::of(grouping, within);
    let least = |c: &Column| c.width(grouping, unit);
    let mut columns: Vec<Column> = model.columns().collect();
    columns.retain(|column| match column {
        Column::Bars => bars,
        Column::Trend => width >= table::TREND_FROM,
        _ => true,
    });
    let needed = |columns: &[Column]| {
        let texts: u16 = columns.iter().map(least).sum();
        texts + GAP * (columns.len() as u16).saturating_sub(1) + 2 * MARGIN
    };
    for yielding in model.yielding() {
        if needed(&columns) > width {
            columns.retain(|column| !yielding.contains(column));
        }
    }
    let over = needed(&columns).saturating_sub(width);
    let mut left = width.saturating_sub(needed(&columns));
    let mut widths: Vec<u16> = columns.iter().map(least).collect();
    loop {
        let before = left;
        for (column, width) in columns.iter().zip(&mut widths) {
            if left > 0 && *width < column.widest(grouping, unit) {
                *width += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    let has_two = columns.contains(&Column::To);
    let is_number = |column: Column| column.align() == Align::Right;
    let numbers = columns.iter().filter(|c| is_number(**c)).count() as u16;
    let gap = (GAP + left / numbers.max(1)).min(WIDE_GAP);
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(columns.len());
    for (column, mut width) in columns.into_iter().zip(widths) {
        // Of two names, each is cut by half of it.
        let cut = match column {
            Column::Name if has_two => over.div_ceil(2),
            Column::Name => over,
            Column::To => over / 2,
            _ => 0,
        };
        width -= cut.min(width - 1);
        if !placed.is_empty() {
            x += if is_number(column) { gap } else { GAP };
        }
        placed.push(Placed { column, x, width });
        x += width;
    }
    placed
}

/// The columns that a screen has room for, and their titles.
pub(in super::super) fn columns(state: &State, grouping: Grouping) -> Vec<(Column, &'static str)> {
    let (width, within) = (super::table_width(state), &state.level().within);
    let placed = arrange(width, grouping, within, state.unit, state.has_bars()).into_iter();
    let titled = placed.map(|placed| (placed.column, placed.column.title(grouping)));
    titled.collect()
}

/// Every column that there can be, and its title.
pub(super) fn every_column(grouping: Grouping) -> impl Iterator<Item = (Column, &'static str)> {
    let columns = Model::whole(grouping).columns();
    columns.map(move |column| (column, column.title(grouping)))
}

/// The columns of the groups of a view, which may be another list than the one
/// that is asked for.
fn shown(state: &State, view: &View, grouping: Grouping, area: Rect) -> Vec<Placed> {
    let within = &view.query.within;
    arrange(area.width, grouping, within, state.unit, state.has_bars())
}

fn is_sorted_by(column: Column, key: SortKey) -> bool {
    match key {
        SortKey::Usual => matches!(column, Column::OrigRate | Column::ReplyRate),
        key => key == SortKey::Group(column),
    }
}

/// Titles of the columns.
pub(super) fn header(state: &State, view: &View, grouping: Grouping, area: Rect, buf: &mut Buffer) {
    let style = state.theme.style(Role::Header);
    let sort = state.sort();
    for placed in shown(state, view, grouping, area) {
        let title = placed.column.title(grouping);
        if is_sorted_by(placed.column, sort.key) {
            let area = Rect::new(placed.x, area.y, placed.width, 1);
            let align = placed.column.align();
            line::put_sorted(buf, area, align, title, sort.descending, style);
        } else {
            put(buf, area.y, placed, title, style);
        }
    }
}

/// What a click on the titles does. A gap belongs to the column after it, where
/// the sign of the order may stand.
pub(super) fn heading(
    state: &State,
    view: &View,
    grouping: Grouping,
    area: Rect,
    x: u16,
) -> Option<Spot> {
    let columns = shown(state, view, grouping, area).into_iter();
    let mut here = columns.filter(|placed| x < placed.x + placed.width);
    Some(Spot::Heading(SortKey::Group(here.next()?.column)))
}

/// The groups of the window.
pub(super) fn rows(state: &State, view: &View, grouping: Grouping, area: Rect, buf: &mut Buffer) {
    let columns = shown(state, view, grouping, area);
    let bars = Bars::of(view, state.bars);
    let mut text = String::new();
    let limits = &state.settings.health;
    for (y, row) in (area.y..area.bottom()).zip(&view.groups) {
        if state.pins.has_group(row.group) {
            line::pin(state, area, y, buf);
        }
        let is_host = matches!(row.group, Group::Host(_));
        if is_host && limits.is_suspicious(row, view.status.table_max) {
            // In the margin, so that no column moves. It is more urgent than a pin.
            buf.set_stringn(area.x, y, "!", 1, state.theme.style(Role::Alert));
        }
        for placed in &columns {
            if placed.column == Column::Bars {
                let area = Rect::new(placed.x, y, placed.width, 1);
                bars.draw(row.bytes_per_sec, area, &state.theme, buf);
                continue;
            }
            text.clear();
            let role = column::role(placed.column, row, state.settings.tiers);
            if placed.column == Column::Trend {
                text = table::trend(&row.past, placed.width.into());
            } else {
                let at = state.shown_at();
                placed.column.cell(row, state.unit, at, &mut text);
            }
            line::cut_end(&mut text, placed.width.into());
            put(buf, y, *placed, &text, state.theme.style(role));
        }
    }
    table::select_line(state, area, buf);
}

fn put(buf: &mut Buffer, y: u16, placed: Placed, text: &str, style: Style) {
    let area = Rect::new(placed.x, y, placed.width, 1);
    let align = match placed.column {
        // A number, but drawn from the left.
        Column::Bars => Align::Left,
        column => column.align(),
    };
    line::put_aligned(buf, area, align, text, style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Protocol;
    use crate::view::group::{Service, Widths};

    /// Every list, and that of the clients of NFS.
    fn lists() -> impl Iterator<Item = (Grouping, Vec<Group>)> {
        let nfs = Service {
            proto: Protocol::TCP,
            port: Some(2049),
        };
        let clients = (Grouping::Peer, vec![Group::Served(Some(nfs))]);
        let all = Grouping::ALL.into_iter().map(|by| (by, Vec::new()));
        all.chain([clients])
    }

    #[test]
    fn columns_yield_in_order() {
        let titles = |grouping, width| {
            let placed = arrange(width, grouping, &[], RateUnit::Bytes, false);
            let titles: Vec<_> = placed.iter().map(|p| p.column.title(grouping)).collect();
            titles.join(" ")
        };
        let at = |width| titles(Grouping::Country, width);
        let all =
            "CC COUNTRY FLOWS ENDED HOSTS NEW/s UNREPL AGE SEEN ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(120), all);
        assert_eq!(
            at(80),
            "CC COUNTRY FLOWS HOSTS SEEN ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE"
        );
        assert_eq!(at(60), "CC COUNTRY FLOWS ↓ RATE ↑ RATE");
        assert_eq!(at(44), "COUNTRY FLOWS ↓ RATE ↑ RATE");

        let processes = |width| titles(Grouping::Process, width);
        let all = "PROCESS PID USER UNIT FLOWS ENDED PEERS AGE SEEN ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(processes(160), all);
        assert_eq!(processes(120), all.replace(" AGE", ""));
        assert_eq!(
            processes(80),
            "PROCESS PID USER FLOWS ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE"
        );
        assert_eq!(processes(60), "PROCESS PID FLOWS ↓ RATE ↑ RATE");
        assert_eq!(processes(44), "PROCESS FLOWS ↓ RATE ↑ RATE");

        let hosts = |width| titles(Grouping::Host, width);
        let all = "HOST MAC FLOWS PEERS NEW/s UNREPL AGE SEEN ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(hosts(120), all);
        assert_eq!(
            hosts(80),
            "HOST FLOWS PEERS UNREPL ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE"
        );
        assert_eq!(hosts(60), "HOST FLOWS PEERS UNREPL ↓ RATE ↑ RATE");
        assert_eq!(hosts(44), "HOST FLOWS ↓ RATE ↑ RATE");

        let peers = |width| titles(Grouping::Peer, width);
        let all = "HOST CONNS RTT CONNECTED SEEN ENDED ↓ RECV ↑ SENT ↓ RATE ↑ RATE";
        assert_eq!(peers(120), all);
        assert_eq!(peers(80), all.replace(" CONNECTED SEEN ENDED", " SEEN"));
        assert_eq!(peers(60), "HOST CONNS RTT ↓ RATE ↑ RATE");

        let pairs = |width| titles(Grouping::Pair, width);
        assert_eq!(pairs(60), "SOURCE DESTINATION FLOWS ↓ RATE ↑ RATE");
        assert_eq!(
            titles(Grouping::Subnet(Widths::default()), 60),
            "SUBNET FLOWS HOSTS UNREPL ↓ RATE ↑ RATE"
        );
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_screen() {
        for (grouping, within) in lists() {
            for unit in [RateUnit::Bytes, RateUnit::Bits] {
                for width in 40..=250 {
                    let placed = arrange(width, grouping, &within, unit, true);
                    for pair in placed.windows(2) {
                        assert!(pair[0].x + pair[0].width < pair[1].x, "{width}");
                    }
                    let end = placed.last().map_or(0, |p| p.x + p.width);
                    assert!(end + MARGIN <= width, "{grouping:?} {width} {end}");
                    for stays in [
                        Column::Name,
                        Column::Flows,
                        Column::ReplyRate,
                        Column::OrigRate,
                    ] {
                        assert!(placed.iter().any(|p| p.column == stays), "{width}");
                    }
                }
            }
        }
    }

    #[test]
    fn titles_fit() {
        for (grouping, within) in lists() {
            for column in Model::of(grouping, &within).columns() {
                let width = column.width(grouping, RateUnit::Bytes);
                assert!(column.title(grouping).chars().count() <= usize::from(width));
            }
        }
    }
}
