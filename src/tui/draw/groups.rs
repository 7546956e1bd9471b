//! The tables of groups: countries, networks, services.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::state::State;
use super::super::theme::Role;
use super::{line, table};
use crate::view::column::Align;
use crate::view::group::{Country, Group, Service};
use crate::view::units::{self, RateUnit};
use crate::view::{GroupRow, List, View};

/// Blank cells at both edges of the screen.
const MARGIN: u16 = 1;
/// Blank cells between two columns: at least, and where there is room.
const GAP: u16 = 1;
const WIDE_GAP: u16 = 3;
/// Width of names, and the width they can make use of.
const NAME: u16 = 16;
const NAME_WIDEST: u16 = 40;

/// A column of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// Code of a country, number of a network, port of a service.
    Code,
    Name,
    Flows,
    Ended,
    Hosts,
    ReplyBytes,
    OrigBytes,
    ReplyRate,
    OrigRate,
}

impl Column {
    const ALL: [Self; 9] = [
        Self::Code,
        Self::Name,
        Self::Flows,
        Self::Ended,
        Self::Hosts,
        Self::ReplyBytes,
        Self::OrigBytes,
        Self::ReplyRate,
        Self::OrigRate,
    ];

    /// The order in which they yield. Names, flows and both rates stay.
    const YIELDING: [&[Self]; 4] = [
        &[Self::Ended],
        &[Self::Hosts],
        &[Self::ReplyBytes, Self::OrigBytes],
        &[Self::Code],
    ];

    const fn title(self, list: List) -> &'static str {
        match (self, list) {
            (Self::Code, List::Networks(_)) => "AS",
            (Self::Code, List::Services) => "PORT",
            (Self::Code, _) => "CC",
            (Self::Name, List::Networks(_)) => "ORGANISATION",
            (Self::Name, List::Services) => "SERVICE",
            (Self::Name, _) => "COUNTRY",
            (Self::Flows, _) => "FLOWS",
            (Self::Ended, _) => "ENDED",
            (Self::Hosts, _) => "HOSTS",
            (Self::ReplyBytes, _) => "↓ BYTES",
            (Self::OrigBytes, _) => "↑ BYTES",
            (Self::ReplyRate, _) => "↓ RATE",
            (Self::OrigRate, _) => "↑ RATE",
        }
    }

    const fn align(self) -> Align {
        match self {
            Self::Code | Self::Name => Align::Left,
            _ => Align::Right,
        }
    }

    const fn width(self, list: List, unit: RateUnit) -> u16 {
        match (self, list) {
            // AS4294967295
            (Self::Code, List::Networks(_)) => 12,
            // 65535/sctp
            (Self::Code, List::Services) => 10,
            (Self::Code, _) => 3,
            (Self::Name, _) => NAME,
            (Self::ReplyRate | Self::OrigRate, _) => match unit {
                RateUnit::Bytes => 8,
                RateUnit::Bits => 10,
            },
            _ => 7,
        }
    }

    fn cell(self, row: &GroupRow, unit: RateUnit, out: &mut String) -> Role {
        match self {
            Self::Code => code(row.group, out),
            Self::Name => name(row, out),
            Self::Flows => count(row.flows as u64, out),
            Self::Ended => count(row.ended, out),
            Self::Hosts => count(row.hosts as u64, out),
            Self::ReplyBytes => bytes(row.counters.reply.bytes, out),
            Self::OrigBytes => bytes(row.counters.orig.bytes, out),
            Self::ReplyRate => rate(row.bytes_per_sec.reply, unit, out),
            Self::OrigRate => rate(row.bytes_per_sec.orig, unit, out),
        }
    }
}

fn code(group: Group, out: &mut String) -> Role {
    // Writing to a String cannot fail.
    let _ = match group {
        Group::Country(Country::Code(code)) => {
            out.push_str(code.as_str());
            return Role::Country;
        }
        Group::Country(Country::Lan) => write!(out, "lan"),
        Group::Country(Country::Unknown) | Group::Network(_, None) => write!(out, "-"),
        Group::Network(_, Some(asn)) => write!(out, "AS{asn}"),
        Group::Service(service) => {
            port(service, out);
            Ok(())
        }
    };
    Role::Dim
}

/// `443/tcp`; the protocol alone if it has no ports.
fn port(service: Service, out: &mut String) {
    let _ = match service.port {
        Some(port) => write!(out, "{port}/{}", service.proto),
        None => write!(out, "{}", service.proto),
    };
}

fn name(row: &GroupRow, out: &mut String) -> Role {
    if let Some(name) = &row.name {
        out.push_str(name);
        return match row.group {
            Group::Country(_) | Group::Network(..) => Role::Country,
            Group::Service(_) => Role::Service,
        };
    }
    match row.group {
        Group::Country(Country::Lan) => out.push_str("private addresses"),
        Group::Country(Country::Code(code)) => out.push_str(code.as_str()),
        Group::Country(Country::Unknown) => out.push_str("unknown country"),
        Group::Network(_, None) => out.push_str("unknown network"),
        Group::Network(_, Some(_)) => out.push('-'),
        Group::Service(service) => port(service, out),
    }
    Role::Dim
}

/// What a trail calls a group.
pub(in super::super) fn label(row: &GroupRow) -> String {
    let mut text = String::new();
    match row.group {
        Group::Network(_, Some(_)) => {
            code(row.group, &mut text);
            if row.name.is_some() {
                text.push(' ');
                name(row, &mut text);
            }
        }
        _ => {
            name(row, &mut text);
        }
    }
    text
}

const fn zero_is_dim(value: u64) -> Role {
    match value {
        0 => Role::Dim,
        _ => Role::Text,
    }
}

fn count(count: u64, out: &mut String) -> Role {
    match count {
        0..1_000_000 => units::grouped(out, count),
        _ => units::count(out, count),
    }
    zero_is_dim(count)
}

fn bytes(bytes: u64, out: &mut String) -> Role {
    units::bytes(out, Some(bytes));
    zero_is_dim(bytes)
}

fn rate(bytes_per_sec: u64, unit: RateUnit, out: &mut String) -> Role {
    units::rate(out, Some(bytes_per_sec), unit);
    table::rate_role(Some(bytes_per_sec))
}

/// A column in its place.
#[derive(Clone, Copy, Debug)]
struct Placed {
    column: Column,
    x: u16,
    width: u16,
}

/// The columns at a screen `width`: they yield in order until the rest fits; if
/// it never does, names are cut. What is left over goes to names, then to the
/// gaps before numbers. The rest stays blank.
fn arrange(width: u16, list: List, unit: RateUnit) -> Vec<Placed> {
    let mut columns = Column::ALL.to_vec();
    let needed = |columns: &[Column]| {
        let texts: u16 = columns.iter().map(|c| c.width(list, unit)).sum();
        texts + GAP * (columns.len() as u16).saturating_sub(1) + 2 * MARGIN
    };
    for yielding in Column::YIELDING {
        if needed(&columns) > width {
            columns.retain(|column| !yielding.contains(column));
        }
    }
    let over = needed(&columns).saturating_sub(width);
    let left = width.saturating_sub(needed(&columns));
    let more = left.min(NAME_WIDEST - NAME);
    let name = NAME + more - over.min(NAME - 1);
    let is_number = |column: Column| column.align() == Align::Right;
    let numbers = columns.iter().filter(|c| is_number(**c)).count() as u16;
    let gap = (GAP + (left - more) / numbers.max(1)).min(WIDE_GAP);
    let mut x = MARGIN;
    let mut placed = Vec::with_capacity(columns.len());
    for column in columns {
        let width = match column {
            Column::Name => name,
            _ => column.width(list, unit),
        };
        if !placed.is_empty() {
            x += if is_number(column) { gap } else { GAP };
        }
        placed.push(Placed { column, x, width });
        x += width;
    }
    placed
}

/// Titles of the columns.
pub(super) fn header(state: &State, list: List, area: Rect, buf: &mut Buffer) {
    let style = state.theme.style(Role::Header);
    for placed in arrange(area.width, list, state.unit) {
        put(buf, area.y, placed, placed.column.title(list), style);
    }
}

/// The groups of the window.
pub(super) fn rows(state: &State, view: &View, area: Rect, buf: &mut Buffer) {
    let columns = arrange(area.width, view.query.list, state.unit);
    let mut text = String::new();
    let window = view.groups.iter().skip(state.first_group(view));
    for (y, row) in (area.y..area.bottom()).zip(window) {
        for placed in &columns {
            text.clear();
            let role = placed.column.cell(row, state.unit, &mut text);
            line::cut_end(&mut text, placed.width.into());
            put(buf, y, *placed, &text, state.theme.style(role));
        }
    }
    table::select_line(state, area, buf);
}

fn put(buf: &mut Buffer, y: u16, placed: Placed, text: &str, style: Style) {
    let area = Rect::new(placed.x, y, placed.width, 1);
    line::put_aligned(buf, area, placed.column.align(), text, style);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: [List; 3] = [
        List::Countries,
        List::Networks(Country::Lan),
        List::Services,
    ];

    #[test]
    fn columns_yield_in_order() {
        let at = |width| {
            let placed = arrange(width, List::Countries, RateUnit::Bytes);
            let titles: Vec<_> = placed
                .iter()
                .map(|p| p.column.title(List::Countries))
                .collect();
            titles.join(" ")
        };
        let all = "CC COUNTRY FLOWS ENDED HOSTS ↓ BYTES ↑ BYTES ↓ RATE ↑ RATE";
        assert_eq!(at(80), all);
        assert_eq!(at(79), all.replace(" ENDED", ""));
        assert_eq!(at(60), "CC COUNTRY FLOWS ↓ RATE ↑ RATE");
        assert_eq!(at(44), "COUNTRY FLOWS ↓ RATE ↑ RATE");
    }

    #[test]
    fn nothing_overlaps_and_nothing_leaves_the_screen() {
        for list in LISTS {
            for unit in [RateUnit::Bytes, RateUnit::Bits] {
                for width in 40..=250 {
                    let placed = arrange(width, list, unit);
                    for pair in placed.windows(2) {
                        assert!(pair[0].x + pair[0].width < pair[1].x, "{width}");
                    }
                    let end = placed.last().map_or(0, |p| p.x + p.width);
                    assert!(end + MARGIN <= width, "{list:?} {width} {end}");
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
        for list in LISTS {
            for column in Column::ALL {
                let width = column.width(list, RateUnit::Bytes);
                assert!(column.title(list).chars().count() <= usize::from(width));
            }
        }
    }
}
