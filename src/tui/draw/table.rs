//! The flow table.

use std::net::IpAddr;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::layout::{self, Cell, Placed};
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use crate::flow::{L4, Status};
use crate::view::column::{Align, ColumnId};
use crate::view::{Row, ViewRow};

/// Rates from here on are worth a look, bytes per second.
const RATE_MID: u64 = 10_000;
/// Rates from here on fill lines, bytes per second.
const RATE_HIGH: u64 = 1_000_000;

/// Titles of the columns; marks at the edges say that there are more.
pub(super) fn header(state: &State, area: Rect, buf: &mut Buffer) {
    let style = state.theme.style(Role::Header);
    let columns = layout::arrange(area.width, state.wish(), state.scroll);
    for column in columns {
        put(buf, area.y, column, column.cell.title(), style);
    }
    let dim = state.theme.style(Role::Dim);
    if state.scroll > 0 {
        buf.set_stringn(area.x, area.y, "‹", 1, dim);
    }
    if state.scroll < layout::max_scroll(area.width, state.wish()) {
        buf.set_stringn(area.right() - 1, area.y, "›", 1, dim);
    }
}

/// The rows of the window.
pub(super) fn rows(state: &State, area: Rect, buf: &mut Buffer) {
    let Some(view) = &state.view else {
        return;
    };
    let columns = layout::arrange(area.width, state.wish(), state.scroll);
    let mut text = String::new();
    for (y, row) in (area.y..area.bottom()).zip(&view.rows) {
        for column in &columns {
            cell(state, row, *column, y, &mut text, buf);
        }
    }
    if let Some(line) = state.selected_line()
        && line < usize::from(area.height)
    {
        let line = Rect {
            y: area.y + line as u16,
            height: 1,
            ..area
        };
        // Colours would be unreadable when reversed.
        for x in line.left()..line.right() {
            buf[(x, line.y)].set_style(Style::reset());
        }
        buf.set_style(line, state.theme.style(Role::Selected));
    }
}

/// Draws one cell; `text` is room to write in.
fn cell(state: &State, row: &ViewRow, column: Placed, y: u16, text: &mut String, buf: &mut Buffer) {
    let row = Row {
        flow: &row.flow,
        now: state.now,
        service: row.service.as_deref(),
        ends: row.ends.clone(),
    };
    text.clear();
    let width = usize::from(column.width);
    let style = |role| state.theme.style(role);
    match column.cell {
        Cell::Plain(id @ (ColumnId::Source | ColumnId::Destination)) => {
            id.cell(&row, state.cell_style(), text);
            let orig = &row.flow.key().orig;
            let (address, port) = if id == ColumnId::Source {
                (orig.src(), orig.sport())
            } else {
                (orig.dst(), None)
            };
            let tail = port.and_then(|_| text.rfind(':')).map(|at| {
                let bracket = text[..at].ends_with(']');
                text.split_off(at - usize::from(bracket))
            });
            endpoint(
                state,
                text,
                &tail.unwrap_or_default(),
                address,
                column,
                y,
                buf,
            );
        }
        Cell::Endpoint => {
            let orig = &row.flow.key().orig;
            let mut tail = String::new();
            ColumnId::Service.cell(&row, state.cell_style(), &mut tail);
            ColumnId::Destination.cell(&row, state.cell_style(), text);
            match (orig.l4(), orig.dst()) {
                (L4::Ports { .. }, IpAddr::V6(_)) => {
                    text.insert(0, '[');
                    tail.insert_str(0, "]:");
                }
                (L4::Ports { .. }, IpAddr::V4(_)) => tail.insert(0, ':'),
                (L4::Icmp { .. }, _) => tail.insert(0, ' '),
                (L4::None, _) => tail.clear(),
            }
            endpoint(state, text, &tail, orig.dst(), column, y, buf);
        }
        Cell::ProtoState => {
            ColumnId::Proto.cell(&row, state.cell_style(), text);
            let x = buf
                .set_stringn(column.x, y, &*text, width, style(Role::Proto))
                .0;
            text.clear();
            ColumnId::State.cell(&row, state.cell_style(), text);
            let room = usize::from((column.x + column.width).saturating_sub(x + 1)).min(1);
            buf.set_stringn(x + 1, y, &*text, room, style(state_role(&row)));
        }
        Cell::Plain(id) => {
            id.cell(&row, state.cell_style(), text);
            line::cut_end(text, width);
            put(buf, y, column, text, style(role(id, &row)));
        }
    }
}

/// An address, and dim what follows it. The address is cut first.
fn endpoint(
    state: &State,
    text: &mut String,
    tail: &str,
    address: IpAddr,
    column: Placed,
    y: u16,
    buf: &mut Buffer,
) {
    let width = usize::from(column.width);
    line::cut_middle(text, width.saturating_sub(tail.chars().count()).max(1));
    let role = if is_public(address) {
        Role::AddressPublic
    } else {
        Role::AddressPrivate
    };
    let x = buf
        .set_stringn(column.x, y, &*text, width, state.theme.style(role))
        .0;
    let room = usize::from((column.x + column.width).saturating_sub(x));
    buf.set_stringn(x, y, tail, room, state.theme.style(Role::Dim));
}

fn put(buf: &mut Buffer, y: u16, column: Placed, text: &str, style: Style) {
    let width = usize::from(column.width);
    let blank = match column.cell.align() {
        Align::Left => 0,
        Align::Right => width.saturating_sub(text.chars().count()),
    };
    buf.set_stringn(column.x + blank as u16, y, text, width - blank, style);
}

/// What a cell is, by what it says.
fn role(id: ColumnId, row: &Row<'_>) -> Role {
    let flow = row.flow;
    let amount = |bytes: Option<u64>| match bytes {
        None | Some(0) => Role::Dim,
        Some(_) => Role::Text,
    };
    let rate = |bytes_per_sec: Option<u64>| match bytes_per_sec {
        None | Some(0) => Role::Dim,
        Some(RATE_HIGH..) => Role::RateHigh,
        Some(RATE_MID..) => Role::RateMid,
        Some(_) => Role::RateLow,
    };
    match id {
        ColumnId::Proto => Role::Proto,
        ColumnId::State => state_role(row),
        ColumnId::Source | ColumnId::Destination => Role::Text,
        ColumnId::Country => Role::Dim,
        ColumnId::Service if row.service.is_some() => Role::Service,
        ColumnId::Age | ColumnId::Arrow | ColumnId::Service => Role::Dim,
        ColumnId::OrigBytes => amount(flow.counters().map(|c| c.orig.bytes)),
        ColumnId::ReplyBytes => amount(flow.counters().map(|c| c.reply.bytes)),
        ColumnId::OrigRate => rate(flow.bytes_per_sec().map(|r| r.orig)),
        ColumnId::ReplyRate => rate(flow.bytes_per_sec().map(|r| r.reply)),
    }
}

fn state_role(row: &Row<'_>) -> Role {
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
