//! Columns for people: fields laid out, shortened and aligned.
//!
//! The viewer and `list` in its table form show the same ones.

use std::fmt::Write;
use std::net::IpAddr;

use super::units::{self, RateUnit};
use super::{End, Row};
use crate::enrich::geoip::{CountryCode, Location};
use crate::flow::{Direction, Family, L4, Protocol, Status, Tuple};

/// Where the text of a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left: texts.
    Left,
    /// At the right: numbers.
    Right,
}

/// How hosts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// By name where one is known.
    #[default]
    Name,
    /// By address.
    Address,
    /// By name, and the address behind it.
    Both,
}

/// How ports are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// By the name of the service where one is known.
    #[default]
    Name,
    /// By number.
    Number,
}

/// Which end of a flow stands on the left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The source.
    #[default]
    SourceFirst,
    /// Of flows that come in this machine's end, so that the other one is
    /// always on the right; of all others the source.
    NearFirst,
}

/// How cells are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The unit of rates.
    pub unit: RateUnit,
    /// How hosts are written.
    pub hosts: Hosts,
    /// How ports are written.
    pub ports: Ports,
    /// Which end stands on the left.
    pub order: Order,
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Names it.
    pub id: ColumnId,
    /// Its header.
    pub title: &'static str,
    /// Where its texts stand.
    pub align: Align,
    /// The width it needs, in cells of a terminal; see [`Column::width`].
    width: u16,
    /// See [`Column::widest`].
    widest: u16,
    /// One sentence: what it shows.
    pub doc: &'static str,
}

/// Names of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "COLUMNS says what each shows")]
pub enum ColumnId {
    Proto,
    State,
    Age,
    Source,
    Arrow,
    Destination,
    Service,
    Country,
    Process,
    Interface,
    OrigBytes,
    ReplyBytes,
    OrigRate,
    ReplyRate,
    Rtt,
}

/// Every column, in the order of the screen.
pub static COLUMNS: &[Column] = &[
    column(
        ColumnId::Proto,
        "PROTO",
        Align::Left,
        7,
        7,
        "Transport protocol.",
    ),
    column(
        ColumnId::State,
        "STATE",
        Align::Left,
        11,
        11,
        "State of TCP, SCTP and DCCP; for others whether an answer came; or that the flow is \
         offloaded.",
    ),
    column(
        ColumnId::Age,
        "AGE",
        Align::Right,
        7,
        7,
        "Time since the first packet; with > since flowtop first saw the flow.",
    ),
    column(
        ColumnId::Source,
        "SOURCE",
        Align::Left,
        21,
        47,
        "Where the first packet came from. The viewer has this machine's end here of flows that \
         come in, so that DESTINATION says where they come from.",
    ),
    column(
        ColumnId::Arrow,
        "",
        Align::Left,
        1,
        1,
        "→ goes out or through, ← comes in, ↔ stays on this machine; dashed where addresses \
         are translated.",
    ),
    column(
        ColumnId::Destination,
        "DESTINATION",
        Align::Left,
        15,
        39,
        "Where the first packet went to.",
    ),
    column(
        ColumnId::Service,
        "SERVICE",
        Align::Left,
        9,
        15,
        "The destination port by the name of its usual service, else by number; ICMP type, GRE key.",
    ),
    column(
        ColumnId::Country,
        "CC",
        Align::Left,
        3,
        3,
        "Country of the far end, where its network is registered; lan for private addresses.",
    ),
    column(
        ColumnId::Process,
        "PROCESS",
        Align::Left,
        15,
        24,
        "Process on this machine whose flow it is, and its pid; or in brackets why none is known.",
    ),
    column(
        ColumnId::Interface,
        "IFACE",
        Align::Left,
        9,
        20,
        "Interfaces where the first packet comes in and goes out, inferred from routes.",
    ),
    column(
        ColumnId::ReplyBytes,
        "↓ BYTES",
        Align::Right,
        7,
        7,
        "Bytes of the answers; - for flows born before accounting was on.",
    ),
    column(
        ColumnId::OrigBytes,
        "↑ BYTES",
        Align::Right,
        7,
        7,
        "Bytes in the direction of the first packet.",
    ),
    column(
        ColumnId::ReplyRate,
        "↓ RATE",
        Align::Right,
        8,
        8,
        "Rate of the answers between the last two refreshes.",
    ),
    column(
        ColumnId::OrigRate,
        "↑ RATE",
        Align::Right,
        8,
        8,
        "Rate in the direction of the first packet.",
    ),
    column(
        ColumnId::Rtt,
        "RTT",
        Align::Right,
        6,
        6,
        "Round-trip time, smoothed, as a TCP socket of this machine measures it.",
    ),
];

const fn column(
    id: ColumnId,
    title: &'static str,
    align: Align,
    width: u16,
    widest: u16,
    doc: &'static str,
) -> Column {
    Column {
        id,
        title,
        align,
        width,
        widest,
        doc,
    }
}

impl Column {
    /// The width it needs, in cells of a terminal: bits per second have a
    /// longer unit than bytes per second.
    pub const fn width(&self, unit: RateUnit) -> u16 {
        match (self.id, unit) {
            (ColumnId::OrigRate | ColumnId::ReplyRate, RateUnit::Bits) => self.width + 2,
            _ => self.width,
        }
    }

    /// Whether tables of `list` and `events` have it: for the others there are
    /// fields.
    pub const fn is_listed(&self) -> bool {
        !matches!(self.id, ColumnId::Interface | ColumnId::Rtt)
    }

    /// The width it can make use of: where addresses stand, that of the
    /// longest.
    pub fn widest(&self, unit: RateUnit) -> u16 {
        self.widest.max(self.width(unit))
    }
}

impl ColumnId {
    /// The column of this name.
    pub fn column(self) -> &'static Column {
        // The enum and the table have the same order; a test holds them together.
        let index = COLUMNS.iter().position(|c| c.id == self).unwrap_or(0);
        &COLUMNS[index]
    }

    /// Appends the text of a cell.
    pub fn cell(self, row: &Row<'_>, style: Style, out: &mut String) {
        let flow = row.flow;
        let orig = &flow.key().orig;
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Proto => write!(out, "{}", orig.proto()),
            Self::State => {
                state(row, out);
                Ok(())
            }
            Self::Age => {
                units::age(out, flow.age(row.now));
                Ok(())
            }
            Self::Source => {
                let [left, _] = row.in_order(style.order);
                endpoint(out, left, true, style.hosts);
                Ok(())
            }
            Self::Arrow => {
                out.push(arrow(row, style.order));
                Ok(())
            }
            Self::Destination => {
                let [_, right] = row.in_order(style.order);
                endpoint(out, right, false, style.hosts);
                Ok(())
            }
            Self::Service => {
                service(row, style.ports, out);
                Ok(())
            }
            Self::Country => {
                country(row, out);
                Ok(())
            }
            Self::Process => {
                process(row, out);
                Ok(())
            }
            Self::Interface => {
                interfaces(row, out);
                Ok(())
            }
            Self::Rtt => {
                units::latency(out, row.rtt_us());
                Ok(())
            }
            Self::OrigBytes => {
                units::bytes(out, flow.counters().map(|c| c.orig.bytes));
                Ok(())
            }
            Self::ReplyBytes => {
                units::bytes(out, flow.counters().map(|c| c.reply.bytes));
                Ok(())
            }
            Self::OrigRate => {
                units::rate(out, flow.bytes_per_sec().map(|r| r.orig), style.unit);
                Ok(())
            }
            Self::ReplyRate => {
                units::rate(out, flow.bytes_per_sec().map(|r| r.reply), style.unit);
                Ok(())
            }
        };
    }
}

/// The protocol's state; where there is none, what the status bits tell.
fn state(row: &Row<'_>, out: &mut String) {
    let flow = row.flow;
    let has = |bits| flow.status().is_some_and(|s: Status| s.has(bits));
    let start = out.len();
    if has(Status::HW_OFFLOAD) {
        out.push_str("hw_offload");
    } else if has(Status::OFFLOAD) {
        out.push_str("offload");
    } else if let Some(state) = flow.state() {
        let _ = write!(out, "{state}");
    } else if flow.status().is_none() {
        out.push('-');
    } else if !has(Status::SEEN_REPLY) {
        out.push_str("unreplied");
    } else if has(Status::ASSURED) {
        out.push_str("assured");
    } else {
        out.push_str("replied");
    }
    out[start..].make_ascii_uppercase();
}

/// One end of a flow, to be written.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// Its address in the original tuple.
    pub address: IpAddr,
    /// Its port.
    pub port: Option<u16>,
    /// What is known of it.
    pub end: &'a End,
}

impl Row<'_> {
    /// Whether the destination stands on the left.
    pub fn is_turned(&self, order: Order) -> bool {
        order == Order::NearFirst && self.bearings.direction == Some(Direction::In)
    }

    /// The end on the left and the end on the right.
    pub fn in_order(&self, order: Order) -> [Endpoint<'_>; 2] {
        let orig = &self.flow.key().orig;
        let source = Endpoint {
            address: orig.src(),
            port: orig.sport(),
            end: &self.ends.orig,
        };
        let destination = Endpoint {
            address: orig.dst(),
            port: orig.dport(),
            end: &self.ends.reply,
        };
        if self.is_turned(order) {
            [destination, source]
        } else {
            [source, destination]
        }
    }

    /// Round-trip time of the owner's socket, in microseconds.
    pub fn rtt_us(&self) -> Option<u32> {
        self.owner()?.figures.as_ref()?.rtt_us
    }
}

/// A host with a port, by name, address or both. A bare IPv6 address stands in
/// brackets before a port, so that the two are told apart.
fn endpoint(out: &mut String, place: Endpoint<'_>, with_port: bool, hosts: Hosts) {
    let Endpoint { address, port, end } = place;
    let port = port.filter(|_| with_port);
    let name = end.name.as_deref().filter(|_| hosts != Hosts::Address);
    let _ = match (name, address, port) {
        (Some(name), _, _) => write!(out, "{name}"),
        (None, IpAddr::V6(ip), Some(_)) => write!(out, "[{ip}]"),
        (None, address, _) => write!(out, "{address}"),
    };
    if let Some(port) = port {
        let _ = write!(out, ":{port}");
    }
    if name.is_some() && hosts == Hosts::Both {
        let _ = write!(out, " ({address})");
    }
}

/// The country of the far end; `lan` if both ends are private.
fn country(row: &Row<'_>, out: &mut String) {
    let comes_in = row.bearings.direction == Some(Direction::In);
    let far = match (&row.ends.reply.location, &row.ends.orig.location) {
        (_, src) if comes_in => src,
        (Location::Lan, src) => src,
        (dst, _) => dst,
    };
    match far {
        Location::Lan => out.push_str("lan"),
        Location::Unknown => out.push('-'),
        Location::Place(place) => {
            out.push_str(place.country_code.as_ref().map_or("-", CountryCode::as_str));
        }
    }
}

fn arrow(row: &Row<'_>, order: Order) -> char {
    let is_local = row.bearings.direction == Some(Direction::Local);
    match (row.flow.nat().is_some(), row.is_turned(order)) {
        (false, _) if is_local => '↔',
        (false, false) => '→',
        (true, false) => '⇢',
        (false, true) => '←',
        (true, true) => '⇠',
    }
}

/// `name[pid]`, or why no process is known.
fn process(row: &Row<'_>, out: &mut String) {
    let _ = match row.process() {
        Some(Ok(process)) => write!(out, "{}[{}]", process.name, process.pid),
        Some(Err(why)) => write!(out, "{}", why.label()),
        None => write!(out, "-"),
    };
}

/// `in→out`, or the only one there is.
fn interfaces(row: &Row<'_>, out: &mut String) {
    let interfaces = &row.bearings.interfaces;
    let _ = match (&interfaces.orig, &interfaces.reply) {
        (Some(comes), Some(goes)) => write!(out, "{comes}→{goes}"),
        (Some(only), None) | (None, Some(only)) => write!(out, "{only}"),
        (None, None) => write!(out, "-"),
    };
}

fn service(row: &Row<'_>, ports: Ports, out: &mut String) {
    let orig: &Tuple = &row.flow.key().orig;
    let named = row.service.filter(|_| ports == Ports::Name);
    let _ = match (orig.l4(), named) {
        (_, Some(name)) => write!(out, "{name}"),
        (L4::Ports { dst, .. }, None) if orig.proto() == Protocol::GRE => {
            write!(out, "key {dst:#x}")
        }
        (L4::Ports { dst, .. }, None) => write!(out, "{dst}"),
        (L4::Icmp { kind, .. }, None) => match (orig.family(), kind) {
            (Family::Ipv4, 8) | (Family::Ipv6, 128) => write!(out, "echo"),
            (Family::Ipv4, 13) => write!(out, "timestamp"),
            _ => write!(out, "type {kind}"),
        },
        (L4::None, None) => write!(out, "-"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_listed_once() {
        for (index, column) in COLUMNS.iter().enumerate() {
            let same = COLUMNS.iter().position(|c| c.id == column.id);
            assert_eq!(same, Some(index), "{:?}", column.id);
            assert!(column.title.chars().count() <= usize::from(column.width));
        }
        assert_eq!(COLUMNS.len(), ColumnId::Rtt as usize + 1);
    }
}
