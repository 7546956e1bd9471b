//! Columns for people: fields laid out, shortened and aligned.
//!
//! The viewer and `list` in its table form show the same ones.

mod absence;
mod choice;
mod registry;

use std::fmt::{Display, Write};
use std::net::IpAddr;
use std::time::Duration;

use super::units::{self, RateUnit};
use super::{End, Flow, Owner, Row, Staleness};
use crate::enrich::geoip::{CountryCode, Location, Place};
use crate::enrich::owners::Container;
use crate::flow::{Direction, Family, L4, Pair, Protocol, Status, Tuple};

pub use choice::{Choice, Mark};
pub use registry::{COLUMNS, ColumnId};

/// What stands above bars: which half of them is what.
pub const BARS_TITLE: &str = "▀↓ ▄↑";

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
    /// Its name on the command line.
    pub key: &'static str,
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

impl Column {
    /// The width it needs, in cells of a terminal: bits per second have a
    /// longer unit than bytes per second.
    pub const fn width(&self, unit: RateUnit) -> u16 {
        match (self.id, unit) {
            (
                ColumnId::OrigRate
                | ColumnId::ReplyRate
                | ColumnId::Rate
                | ColumnId::Rate2
                | ColumnId::Rate10
                | ColumnId::Rate40
                | ColumnId::ReplyPeak
                | ColumnId::OrigPeak,
                RateUnit::Bits,
            ) => self.width + 2,
            _ => self.width,
        }
    }

    /// Whether it is only there for who asks for it.
    pub const fn is_extra(&self) -> bool {
        matches!(
            self.id,
            ColumnId::Idle
                | ColumnId::Expires
                | ColumnId::Sport
                | ColumnId::Dport
                | ColumnId::Asn
                | ColumnId::Organisation
                | ColumnId::City
                | ColumnId::User
                | ColumnId::Unit
                | ColumnId::Mac
                | ColumnId::Zone
                | ColumnId::Mark
                | ColumnId::ReplyPackets
                | ColumnId::OrigPackets
                | ColumnId::ReplyPacketRate
                | ColumnId::OrigPacketRate
                | ColumnId::PacketSize
                | ColumnId::ReplyPeak
                | ColumnId::OrigPeak
                | ColumnId::Bytes
                | ColumnId::Bars
                | ColumnId::Rate
                | ColumnId::Rate2
                | ColumnId::Rate10
                | ColumnId::Rate40
        )
    }

    /// Whether tables of `list` and `events` have it: for the others there are
    /// fields.
    pub const fn is_listed(&self) -> bool {
        let is_of_viewer = matches!(
            self.id,
            ColumnId::Interface
                | ColumnId::Trend
                | ColumnId::Rtt
                | ColumnId::Ended
                | ColumnId::ReplyDelta
                | ColumnId::OrigDelta
        );
        !self.is_extra() && !is_of_viewer
    }

    /// The width it can make use of: where addresses stand, that of the
    /// longest.
    pub fn widest(&self, unit: RateUnit) -> u16 {
        self.widest.max(self.width(unit))
    }
}

/// The column of this key. `country`, `src`, `dst`, `interface` and `last_seen`
/// are known as well.
pub fn named(key: &str) -> Option<&'static Column> {
    let key = match key {
        "country" => "cc",
        "src" => "source",
        "dst" => "destination",
        "interface" => "iface",
        "last_seen" | "seen" => "idle",
        key => key,
    };
    COLUMNS.iter().find(|column| column.key == key)
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
        let rate = |out: &mut String, rate| units::rate(out, rate, style.unit);
        let average = |secs| flow.average_bytes_per_sec(secs, row.now).map(Pair::sum);
        match self {
            Self::Proto => text(Some(orig.proto()), out),
            Self::State => state(row, out),
            Self::Age => units::age(out, flow.age(row.now)),
            Self::Ended => match flow.ended_ago(row.now) {
                Some(ago) => units::duration(out, ago),
                None => out.push('-'),
            },
            Self::Idle => units::age(out, row.idle()),
            Self::Expires => expires(row, out),
            Self::Source => endpoint(out, row.in_order(style.order)[0], true, style.hosts),
            Self::Sport => text(orig.sport(), out),
            Self::Arrow => out.push(arrow(row, style.order)),
            Self::Destination => endpoint(out, row.in_order(style.order)[1], false, style.hosts),
            Self::Dport => text(orig.dport(), out),
            Self::Service => service(row, style.ports, out),
            Self::Country => country(row, out),
            Self::Asn => text(row.far_place().and_then(|place| place.asn), out),
            Self::Organisation => text(row.far_place().and_then(|p| p.as_org.as_ref()), out),
            Self::City => text(row.far_place().and_then(|p| p.city.as_ref()), out),
            Self::Process => process(row, out),
            Self::User => user(row, out),
            Self::Unit => unit(row, out),
            Self::Interface => interfaces(row, out),
            Self::Mac => text(row.bearings.src_mac, out),
            Self::Zone => text(Some(flow.key().zone), out),
            Self::Mark => text(flow.mark(), out),
            Self::ReplyPackets => packets(flow.counters().map(|c| c.reply.packets), out),
            Self::OrigPackets => packets(flow.counters().map(|c| c.orig.packets), out),
            Self::ReplyPacketRate => packets(flow.packets_per_sec().map(|r| r.reply), out),
            Self::OrigPacketRate => packets(flow.packets_per_sec().map(|r| r.orig), out),
            Self::PacketSize => {
                units::bytes(out, flow.counters().and_then(super::bytes_per_packet));
            }
            Self::ReplyDelta => units::bytes(out, row.since_baseline.map(|d| d.reply)),
            Self::OrigDelta => units::bytes(out, row.since_baseline.map(|d| d.orig)),
            Self::ReplyPeak => rate(out, flow.peak_bytes_per_sec().map(|r| r.reply)),
            Self::OrigPeak => rate(out, flow.peak_bytes_per_sec().map(|r| r.orig)),
            Self::ReplyBytes => units::bytes(out, flow.counters().map(|c| c.reply.bytes)),
            Self::OrigBytes => units::bytes(out, flow.counters().map(|c| c.orig.bytes)),
            Self::Bytes => units::bytes(out, flow.counters().map(|c| c.bytes().sum())),
            Self::ReplyRate => rate(out, flow.bytes_per_sec().map(|r| r.reply)),
            Self::OrigRate => rate(out, flow.bytes_per_sec().map(|r| r.orig)),
            Self::Rate => rate(out, flow.bytes_per_sec().map(Pair::sum)),
            Self::Rate2 => rate(out, average(2)),
            Self::Rate10 => rate(out, average(10)),
            Self::Rate40 => rate(out, average(40)),
            // Pictures, drawn where one knows how wide they are.
            Self::Bars | Self::Trend => {}
            Self::Rtt => units::latency(out, row.rtt_us()),
        }
    }
}

/// The time to live, and how near the end is.
fn expires(row: &Row<'_>, out: &mut String) {
    let Some(secs) = row.flow.timeout_secs(row.now) else {
        out.push('-');
        return;
    };
    out.push_str(match row.staleness() {
        Some(Staleness::Critical) => "!!",
        Some(Staleness::Stale) => "!",
        Some(Staleness::Fresh) | None => "",
    });
    units::duration(out, Duration::from_secs(secs));
}

/// A text of its own, or `-` for what is not known.
fn text(value: Option<impl Display>, out: &mut String) {
    match value {
        // Writing to a String cannot fail.
        Some(value) => drop(write!(out, "{value}")),
        None => out.push('-'),
    }
}

fn packets(packets: Option<u64>, out: &mut String) {
    match packets {
        Some(packets) => units::count(out, packets),
        None => out.push('-'),
    }
}

/// The protocol's state; where there is none, what the status bits tell. Of a
/// flow that has ended, in small letters, why.
fn state(row: &Row<'_>, out: &mut String) {
    if let Some(reason) = row.flow.end_reason() {
        out.push_str(reason.label());
        return;
    }
    let start = out.len();
    match (state_name(row.flow), row.flow.state()) {
        (Some(name), _) => out.push_str(name),
        (None, unnamed) => text(unnamed, out),
    }
    out[start..].make_ascii_uppercase();
}

/// The state in lower case, or why the flow ended; `None` where it has no name, and where nothing is
/// known.
pub(super) fn state_name(flow: &Flow) -> Option<&'static str> {
    if let Some(reason) = flow.end_reason() {
        return Some(reason.label());
    }
    let has = |bits| flow.status().is_some_and(|s: Status| s.has(bits));
    Some(if has(Status::HW_OFFLOAD) {
        "hw_offload"
    } else if has(Status::OFFLOAD) {
        "offload"
    } else if let Some(state) = flow.state() {
        return state.name();
    } else if flow.status().is_none() {
        return None;
    } else if !has(Status::SEEN_REPLY) {
        "unreplied"
    } else if has(Status::ASSURED) {
        "assured"
    } else {
        "replied"
    })
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

    /// Where the far end is: the destination; or the source, if the flow comes
    /// in or only that one is public.
    fn far(&self) -> &Location {
        let comes_in = self.bearings.direction == Some(Direction::In);
        match (&self.ends.reply.location, &self.ends.orig.location) {
            (_, src) if comes_in => src,
            (Location::Lan, src) => src,
            (dst, _) => dst,
        }
    }

    fn far_place(&self) -> Option<&Place> {
        self.far().place()
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
    match row.far() {
        Location::Lan => out.push_str("lan"),
        Location::Unknown => out.push('-'),
        Location::Place(place) => {
            out.push_str(place.country_code.as_ref().map_or("-", CountryCode::as_str));
        }
    }
}

/// The user by name, or else by number.
fn user(row: &Row<'_>, out: &mut String) {
    match row.owner().and_then(Owner::account) {
        Some(account) => match account.name.as_deref() {
            Some(name) => out.push_str(name),
            None => text(Some(account.uid), out),
        },
        None => out.push('-'),
    }
}

/// The container, or else the systemd unit.
fn unit(row: &Row<'_>, out: &mut String) {
    let cgroup = row.owner().and_then(Owner::cgroup);
    let container = cgroup.and_then(|c| c.container.as_ref().map(Container::label));
    text(container.or(cgroup.and_then(|c| c.unit.as_deref())), out);
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
            let keyed = COLUMNS.iter().position(|c| c.key == column.key);
            assert_eq!(keyed, Some(index), "{}", column.key);
        }
        assert_eq!(COLUMNS.len(), ColumnId::Rtt as usize + 1);
    }
}
