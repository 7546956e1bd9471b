//! The flow table.

use std::net::IpAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style as Look;

use super::super::keys::Action;
use super::super::layout::{self, Cell, Placed};
use super::super::mouse::Spot;
use super::super::state::State;
use super::super::theme::Role;
use super::bars::Bars;
use super::line;
use super::picture::{Scale, spark};
use crate::flow::{Family, L4, Moment, Pair, Status};
use crate::view::column::{ColumnId, Endpoint, Hosts, Order, Style};
use crate::view::units::Tiers;
use crate::view::{End, Past, Row, SortKey, Staleness, ViewRow};

/// Screens this wide have room for how rates went.
pub(in super::super) const TREND_FROM: u16 = 200;
/// The least that a full height of that stands for, in bytes per second.
const TREND_LEAST: u64 = 1_000;
/// Longer names than this are cut; the same with an address behind them.
const NAME_LONGEST: usize = 39;
const BOTH_LONGEST: usize = 60;
/// An address behind a name is left out where it would be cut to less.
const BEHIND_SHORTEST: usize = 11;

/// Titles of the columns; marks at the edges say that there are more.
pub(super) fn header(state: &State, area: Rect, buf: &mut Buffer) {
    let style = state.theme.style(Role::Header);
    let columns = layout::arrange(area.width, &state.wish(), state.scroll);
    let sort = state.sort();
    for column in columns {
        let title = column.cell.title();
        if column.cell.is_sorted_by(sort.key) {
            let area = Rect::new(column.x, area.y, column.width, 1);
            let align = column.cell.align();
            line::put_sorted(buf, area, align, title, sort.descending, style);
        } else {
            put(buf, area.y, column, title, style);
        }
    }
    let dim = state.theme.style(Role::Dim);
    if state.scroll > 0 {
        buf.set_stringn(area.x, area.y, "‹", 1, dim);
    }
    if state.scroll < layout::max_scroll(area.width, &state.wish()) {
        buf.set_stringn(area.right() - 1, area.y, "›", 1, dim);
    }
}

/// What a click on the titles does. A gap belongs to the column after it, where
/// the sign of the order may stand.
pub(super) fn heading(state: &State, area: Rect, x: u16) -> Option<Spot> {
    if x == area.x && state.scroll > 0 {
        return Some(Spot::Act(Action::ScrollLeft));
    }
    let wish = state.wish();
    if x + 1 == area.right() && state.scroll < layout::max_scroll(area.width, &wish) {
        return Some(Spot::Act(Action::ScrollRight));
    }
    let columns = layout::arrange(area.width, &wish, state.scroll).into_iter();
    let mut here = columns.filter(|column| x < column.x + column.width);
    let first = here.next()?.cell.columns().first()?;
    Some(Spot::Heading(SortKey::Column(*first)))
}

/// The rows of the window.
pub(super) fn rows(state: &State, area: Rect, buf: &mut Buffer) {
    let Some(view) = &state.view else {
        return;
    };
    let columns = layout::arrange(area.width, &state.wish(), state.scroll);
    let style = Style {
        order: order(&columns),
        ..state.cell_style()
    };
    let mut text = String::new();
    let bars = Bars::of(view, state.bars);
    for (y, row) in (area.y..area.bottom()).zip(&view.rows) {
        if state.pins.has_flow(row.id) {
            line::pin(state, area, y, buf);
        }
        let row = row.row(state.shown_at());
        for column in &columns {
            if column.cell == Cell::Plain(ColumnId::Bars) {
                let rate = row.flow.bytes_per_sec().unwrap_or_default();
                let area = Rect::new(column.x, y, column.width, 1);
                bars.draw(rate, area, &state.theme, buf);
                continue;
            }
            cell(state, &row, *column, style, y, &mut text, buf);
        }
        if row.flow.end_reason().is_some() {
            line::fade(
                state,
                Rect {
                    y,
                    height: 1,
                    ..area
                },
                buf,
            );
        }
    }
    select_line(state, area, buf);
}

/// Shows which row is selected.
pub(super) fn select_line(state: &State, area: Rect, buf: &mut Buffer) {
    if let Some(line) = state.selected_line()
        && line < usize::from(area.height)
    {
        let area = Rect {
            y: area.y + line as u16,
            height: 1,
            ..area
        };
        line::select(state, area, buf);
    }
}

/// Length of the longer host of a row, as it is written.
pub(in super::super) fn longest_host(row: &ViewRow, hosts: Hosts) -> u16 {
    let orig = &row.flow.key().orig;
    let ends = [(orig.src(), &row.ends.orig), (orig.dst(), &row.ends.reply)];
    let length = |(address, end): (IpAddr, &End)| {
        let address = address.to_string().len();
        let name = end.name.as_ref().map_or(0, |name| name.chars().count());
        match hosts {
            _ if name == 0 => address,
            Hosts::Address => address,
            Hosts::Name => name.min(NAME_LONGEST),
            Hosts::Both => (name + " ()".len() + address).min(BOTH_LONGEST),
        }
    };
    ends.map(length).into_iter().max().unwrap_or(0) as u16
}

/// Length of the longer host of a row with the service behind it, as both are
/// written where they share a column.
pub(in super::super) fn longest_endpoint(row: &ViewRow, style: Style, now: Moment) -> u16 {
    let host = longest_host(row, style.hosts);
    let mut service = String::new();
    ColumnId::Service.cell(&row.row(now), style, &mut service);
    let orig = &row.flow.key().orig;
    let between = match (orig.l4(), orig.family()) {
        (L4::None, _) => return host,
        (L4::Ports { .. }, Family::Ipv6) => "[]:",
        (L4::Ports { .. } | L4::Icmp { .. }, _) => ":",
    };
    host + (between.len() + service.chars().count()) as u16
}

/// Which end stands on the left. Between two ends an arrow has to say which one
/// began.
fn order(columns: &[Placed]) -> Order {
    let has = |id| columns.iter().any(|column| column.cell == Cell::Plain(id));
    if has(ColumnId::Source) && !has(ColumnId::Arrow) {
        Order::SourceFirst
    } else {
        Order::NearFirst
    }
}

/// Draws one cell; `text` is room to write in.
fn cell(
    state: &State,
    row: &Row<'_>,
    column: Placed,
    cells: Style,
    y: u16,
    text: &mut String,
    buf: &mut Buffer,
) {
    text.clear();
    let width = usize::from(column.width);
    let style = |role| state.theme.style(role);
    match column.cell {
        Cell::Plain(id @ (ColumnId::Source | ColumnId::Destination)) => {
            id.cell(row, cells, text);
            let [left, right] = row.in_order(cells.order);
            let place = if id == ColumnId::Source { left } else { right };
            let mut host = Host::split(text, place, state.hosts);
            if let Some(port) = place.port.filter(|_| id == ColumnId::Source) {
                host.tail = format!(":{port}");
                text.truncate(text.len().saturating_sub(host.tail.len()));
                if text.ends_with(']') {
                    text.pop();
                    host.tail.insert(0, ']');
                }
            }
            endpoint(state, text, &host, column, y, buf);
        }
        Cell::Endpoint => {
            let [_, right] = row.in_order(cells.order);
            ColumnId::Destination.cell(row, cells, text);
            let mut host = Host::split(text, right, state.hosts);
            let tail = &mut host.tail;
            ColumnId::Service.cell(row, cells, tail);
            match (row.flow.key().orig.l4(), right.address) {
                // The service is this machine's, not of the end that is named.
                (L4::Ports { .. }, _) if row.is_turned(cells.order) => tail.insert(0, ' '),
                (L4::Ports { .. }, IpAddr::V6(_)) if !host.is_name => {
                    text.insert(0, '[');
                    tail.insert_str(0, "]:");
                }
                (L4::Ports { .. }, _) => tail.insert(0, ':'),
                (L4::Icmp { .. }, _) => tail.insert(0, ' '),
                (L4::None, _) => tail.clear(),
            }
            endpoint(state, text, &host, column, y, buf);
        }
        Cell::Plain(ColumnId::Process) => {
            ColumnId::Process.cell(row, cells, text);
            let Some(Ok(process)) = row.process() else {
                line::cut_end(text, width);
                return put(buf, y, column, text, style(Role::Dim));
            };
            // The pid goes before the name is cut.
            let pid = text.split_off(process.name.len());
            line::cut_end(text, width);
            let x = buf
                .set_stringn(column.x, y, &*text, width, style(Role::Text))
                .0;
            if usize::from(x - column.x) + pid.len() <= width {
                buf.set_stringn(x, y, pid, width, style(Role::Dim));
            }
        }
        Cell::Plain(ColumnId::Trend) => {
            // What was read, not what the clock of the screen says.
            let at = state.view.as_ref().map_or(row.now, |view| view.at);
            *text = trend(&row.flow.past(at), width);
            put(buf, y, column, text, style(Role::Trend));
        }
        Cell::ProtoState => {
            ColumnId::Proto.cell(row, cells, text);
            let x = buf
                .set_stringn(column.x, y, &*text, width, style(Role::Proto))
                .0;
            text.clear();
            ColumnId::State.cell(row, cells, text);
            let room = usize::from((column.x + column.width).saturating_sub(x + 1)).min(1);
            buf.set_stringn(x + 1, y, &*text, room, style(state_role(row)));
        }
        Cell::Plain(id) => {
            id.cell(row, cells, text);
            line::cut_end(text, width);
            let role = match (id, text.as_str()) {
                (ColumnId::Country, "lan" | "-") => Role::Dim,
                _ => role(id, row, state.settings.tiers),
            };
            put(buf, y, column, text, style(role));
        }
    }
}

/// What stands around the text of a host.
struct Host {
    address: IpAddr,
    /// Whether the text is a name, not the address.
    is_name: bool,
    /// What follows the text: port or service.
    tail: String,
    /// The address in parentheses, behind that.
    behind: String,
}

impl Host {
    /// Takes from `text` the address behind a name.
    fn split(text: &mut String, place: Endpoint<'_>, hosts: Hosts) -> Self {
        let is_name = hosts != Hosts::Address && place.end.name.is_some();
        let behind = match text.rfind(" (") {
            Some(at) if is_name && hosts == Hosts::Both => text.split_off(at),
            _ => String::new(),
        };
        Self {
            address: place.address,
            is_name,
            tail: String::new(),
            behind,
        }
    }
}

/// A host, and dim what follows it. Where there is no room, the address behind
/// a name goes first; then the host is cut: a name at its end, for the host is
/// at its beginning.
fn endpoint(
    state: &State,
    text: &mut String,
    host: &Host,
    column: Placed,
    y: u16,
    buf: &mut Buffer,
) {
    let room = |x: u16| usize::from((column.x + column.width).saturating_sub(x));
    let width = room(column.x);
    let most = width.saturating_sub(host.tail.chars().count()).max(1);
    if host.is_name {
        line::cut_end(text, most);
    } else {
        line::cut_middle(text, most);
    }
    let style = state.theme.style(host_role(host.address));
    let dim = state.theme.style(Role::Dim);
    let x = buf.set_stringn(column.x, y, &*text, width, style).0;
    let x = buf.set_stringn(x, y, &host.tail, room(x), dim).0;
    if room(x) >= host.behind.len().min(BEHIND_SHORTEST) {
        let mut behind = host.behind.clone();
        line::cut_middle(&mut behind, room(x));
        buf.set_stringn(x, y, behind, room(x), dim);
    }
}

fn put(buf: &mut Buffer, y: u16, column: Placed, text: &str, style: Look) {
    let area = Rect::new(column.x, y, column.width, 1);
    line::put_aligned(buf, area, column.cell.align(), text, style);
}

/// What a cell is, by what it says.
fn role(id: ColumnId, row: &Row<'_>, tiers: Tiers) -> Role {
    let flow = row.flow;
    let amount = |bytes: Option<u64>| match bytes {
        None | Some(0) => Role::Dim,
        Some(_) => Role::Text,
    };
    let both = Pair::<u64>::sum;
    let average = |secs| flow.average_bytes_per_sec(secs, row.now).map(both);
    match id {
        ColumnId::Proto => Role::Proto,
        ColumnId::Trend => Role::Trend,
        ColumnId::Bars => Role::Bar,
        ColumnId::State => state_role(row),
        ColumnId::Source | ColumnId::Destination | ColumnId::Process => Role::Text,
        ColumnId::Country => Role::Country,
        ColumnId::Service if row.service.is_some() => Role::Service,
        ColumnId::ReplyPackets => amount(flow.counters().map(|c| c.reply.packets)),
        ColumnId::OrigPackets => amount(flow.counters().map(|c| c.orig.packets)),
        ColumnId::Bytes => amount(flow.counters().map(|c| c.orig.bytes | c.reply.bytes)),
        ColumnId::Rate => rate_role(tiers, flow.bytes_per_sec().map(both)),
        ColumnId::Rate2 => rate_role(tiers, average(2)),
        ColumnId::Rate10 => rate_role(tiers, average(10)),
        ColumnId::Rate40 => rate_role(tiers, average(40)),
        ColumnId::Expires => match row.staleness() {
            Some(Staleness::Critical) => Role::Critical,
            Some(Staleness::Stale) => Role::Stale,
            Some(Staleness::Fresh) | None => Role::Dim,
        },
        ColumnId::OrigPacketRate => amount(flow.packets_per_sec().map(|r| r.orig)),
        ColumnId::ReplyPacketRate => amount(flow.packets_per_sec().map(|r| r.reply)),
        ColumnId::PacketSize => amount(flow.counters().map(|c| c.orig.packets | c.reply.packets)),
        ColumnId::OrigDelta => amount(row.since_baseline.map(|d| d.orig)),
        ColumnId::ReplyDelta => amount(row.since_baseline.map(|d| d.reply)),
        ColumnId::OrigPeak => rate_role(tiers, flow.peak_bytes_per_sec().map(|r| r.orig)),
        ColumnId::ReplyPeak => rate_role(tiers, flow.peak_bytes_per_sec().map(|r| r.reply)),
        ColumnId::Age
        | ColumnId::Ended
        | ColumnId::Idle
        | ColumnId::Sport
        | ColumnId::Arrow
        | ColumnId::Dport
        | ColumnId::Service
        | ColumnId::Asn
        | ColumnId::Organisation
        | ColumnId::City
        | ColumnId::User
        | ColumnId::Unit
        | ColumnId::Interface
        | ColumnId::Mac
        | ColumnId::Zone
        | ColumnId::Mark => Role::Dim,
        ColumnId::Rtt => row.rtt_us().map_or(Role::Dim, |_| Role::Text),
        ColumnId::OrigBytes => amount(flow.counters().map(|c| c.orig.bytes)),
        ColumnId::ReplyBytes => amount(flow.counters().map(|c| c.reply.bytes)),
        ColumnId::OrigRate => rate_role(tiers, flow.bytes_per_sec().map(|r| r.orig)),
        ColumnId::ReplyRate => rate_role(tiers, flow.bytes_per_sec().map(|r| r.reply)),
    }
}

/// How fast something was, both directions together, in at most `width` cells.
pub(super) fn trend(past: &Past, width: usize) -> String {
    let both = |step: &Option<Pair<u64>>| step.map(Pair::<u64>::sum);
    let steps: Vec<Option<u64>> = past.iter().map(both).collect();
    // Several cells for a step, or several steps for a cell.
    let cells = (width / steps.len()).max(1);
    let joined = steps.len().div_ceil(width.max(1));
    let average = |steps: &[Option<u64>]| {
        let known = steps.iter().flatten();
        let sum = known
            .clone()
            .fold(0_u64, |sum, rate| sum.saturating_add(*rate));
        sum.checked_div(known.count() as u64)
    };
    let values: Vec<Option<u64>> = steps
        .chunks(joined)
        .flat_map(|steps| std::iter::repeat_n(average(steps), cells))
        .collect();
    let most = values.iter().flatten().max().copied().unwrap_or_default();
    spark::line(values, Scale::of_counts(most.max(TREND_LEAST)))
}

/// How much a rate matters.
pub(super) fn rate_role(tiers: Tiers, bytes_per_sec: Option<u64>) -> Role {
    match bytes_per_sec {
        None | Some(0) => Role::Dim,
        Some(rate) if rate >= tiers.high_bytes_per_sec => Role::RateHigh,
        Some(rate) if rate >= tiers.mid_bytes_per_sec => Role::RateMid,
        Some(_) => Role::RateLow,
    }
}

pub(super) fn state_role(row: &Row<'_>) -> Role {
    let answered = row
        .flow
        .status()
        .is_some_and(|status| status.has(Status::SEEN_REPLY));
    match row.flow.state() {
        Some(state) if state.is_open() => Role::StateOpen,
        Some(state) if state.is_opening() => Role::StateNew,
        Some(_) => Role::StateClosing,
        None if answered => Role::StateOpen,
        None => Role::StateNew,
    }
}

/// What a host is.
pub(super) fn host_role(address: IpAddr) -> Role {
    if is_public(address) {
        Role::AddressPublic
    } else {
        Role::AddressPrivate
    }
}

/// Whether an address can be one of the internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_unspecified()
                || shared)
        }
        // RFC 4291: global unicast addresses come from 2000::/3.
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}
