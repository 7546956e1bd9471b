//! Counters and rates each way, side by side.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::popup::Text;
use super::super::table::rate_role;
use super::prose::{Prose, Sheet};
use crate::flow::{Counters, Pair};
use crate::view::units::{self, RateUnit};
use crate::view::{Counting, Detail, Row};

/// Cells before each column.
const GAP: usize = 2;

/// A column of the table: its title, its width, a cell for each direction.
struct Column {
    title: &'static str,
    width: usize,
    cells: Pair<(String, Role)>,
    /// Goes where there is no room; the highest first.
    rank: u8,
}

pub(super) fn tell(state: &State, detail: &Detail, row: &Row<'_>, sheet: &mut Sheet) {
    let Some(counters) = row.flow.counters() else {
        let why = match row.counting() {
            Some(Counting::Nothing) => {
                "by nobody: the flow began before accounting was on, and no socket here has it"
            }
            _ => "not read yet",
        };
        sheet.say("counted", Prose::of(why, Role::Dim));
        return;
    };
    let mut columns = rates(state, detail);
    let amounts = amounts(counters);
    let width =
        |columns: &[Column]| -> usize { columns.iter().map(|column| column.width + GAP).sum() };
    let is_wide = width(&columns) + width(&amounts) <= sheet.room();
    if is_wide {
        columns.extend(amounts);
    }
    while width(&columns) > sheet.room() {
        let last = columns.iter().map(|column| column.rank).max();
        columns.retain(|column| Some(column.rank) != last || column.rank == 0);
        if last == Some(0) {
            break;
        }
    }
    table(&columns, sheet);
    if !is_wide {
        sheet.say("moved", moved("↓ ", Role::Down, counters.reply));
        sheet.say("", moved("↑ ", Role::Up, counters.orig));
    }
    sheet.say("counted", counted(row));
}

fn rates(state: &State, detail: &Detail) -> Vec<Column> {
    let unit = state.unit;
    let width = match unit {
        RateUnit::Bytes => 8,
        RateUnit::Bits => 10,
    };
    let flow = &detail.row.flow;
    let average = |secs| flow.average_bytes_per_sec(secs, detail.at);
    let now = if detail.is_over { "LAST" } else { "NOW" };
    let fastest = |of: fn(Pair<u64>) -> u64| detail.past.iter().flatten().map(|p| of(*p)).max();
    let peak = fastest(|past| past.orig)
        .zip(fastest(|past| past.reply))
        .map(|(orig, reply)| Pair { orig, reply });
    let cell = |rate: Option<u64>| {
        let mut text = String::new();
        units::rate(&mut text, rate, unit);
        (text, rate_role(state.settings.tiers, rate))
    };
    [
        (now, flow.bytes_per_sec(), 0),
        ("2s", average(2), 3),
        ("10s", average(10), 1),
        ("40s", average(40), 2),
        ("PEAK", peak, 1),
    ]
    .map(|(title, rate, rank)| Column {
        title,
        width,
        cells: Pair {
            orig: cell(rate.map(|rate| rate.orig)),
            reply: cell(rate.map(|rate| rate.reply)),
        },
        rank,
    })
    .into()
}

fn amounts(counters: Pair<Counters>) -> Vec<Column> {
    let column = |title, width, text: fn(Counters) -> String| Column {
        title,
        width,
        cells: counters.map(|counters| {
            let role = match counters.packets {
                0 => Role::Dim,
                _ => Role::Text,
            };
            (text(counters), role)
        }),
        rank: 0,
    };
    vec![
        column("BYTES", 7, |counters| bytes(counters.bytes)),
        column("PACKETS", 13, |counters| grouped(counters.packets)),
        column("EACH", 6, |counters| {
            each(counters).unwrap_or_else(|| "-".to_owned())
        }),
    ]
}

fn table(columns: &[Column], sheet: &mut Sheet) {
    let line = |cells: Vec<(&str, Role)>| -> Text {
        let cells = cells.into_iter().zip(columns).enumerate();
        cells
            .map(|(index, ((text, role), column))| {
                // The first column stands at the left edge of the texts.
                let gap = if index == 0 { 0 } else { GAP };
                let width = column.width + gap;
                (format!("{text:>width$}"), role)
            })
            .collect()
    };
    let titles = columns.iter().map(|c| (c.title, Role::Header)).collect();
    sheet.line((String::new(), Role::Dim), line(titles));
    let down = columns.iter().map(|c| &c.cells.reply);
    let down = down.map(|(text, role)| (text.as_str(), *role)).collect();
    sheet.line(("↓ answers".to_owned(), Role::Down), line(down));
    let up = columns.iter().map(|c| &c.cells.orig);
    let up = up.map(|(text, role)| (text.as_str(), *role)).collect();
    sheet.line(("↑ sent".to_owned(), Role::Up), line(up));
}

/// `↓ 4.21GB in 3,012,882 packets of 1.40kB`.
fn moved(arrow: &str, role: Role, counters: Counters) -> Prose {
    let prose = Prose::of(arrow, role).and(bytes(counters.bytes), Role::Text);
    let packets = match counters.packets {
        1 => "1 packet".to_owned(),
        packets => format!("{} packets", grouped(packets)),
    };
    let prose = prose.and(format!(" in {packets}"), Role::Text);
    match each(counters).filter(|_| counters.packets > 1) {
        Some(each) => prose.and(format!(" of {each}"), Role::Text),
        None => prose,
    }
}

/// Bytes of a packet on average.
fn each(counters: Counters) -> Option<String> {
    counters.bytes.checked_div(counters.packets).map(bytes)
}

/// What the figures are worth.
fn counted(row: &Row<'_>) -> Prose {
    let (by, what) = match row.counting() {
        Some(Counting::Exact) => ("exactly, by the kernel", "every packet, with its IP header"),
        Some(Counting::SinceAccounting) => (
            "by the kernel, but only from within the connection",
            "the socket has seen more",
        ),
        Some(Counting::Sockets) => (
            "by the socket: TCP segments, and bytes without headers",
            "connection tracking counts nothing here",
        ),
        Some(Counting::Offloaded) => (
            "by the kernel, past which a flowtable forwards it",
            "figures may lag, or stand still",
        ),
        Some(Counting::Nothing) | None => return Prose::default(),
    };
    Prose::of(by, Role::Text)
        .known(what)
        .known("peak: the fastest 2 s of the last 40")
}

fn bytes(count: u64) -> String {
    let mut text = String::new();
    units::bytes(&mut text, Some(count));
    text
}

fn grouped(count: u64) -> String {
    let mut text = String::new();
    units::grouped(&mut text, count);
    text
}
