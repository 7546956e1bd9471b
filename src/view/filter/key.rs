//! The keys of `key:value`: every field of the registry by its own name, and
//! familiar short names for one field or several.
//!
//! Fields are looked up when a filter is read. A short name whose fields are
//! not in the registry is no key.

use std::fmt;

use crate::flow::{Direction, Family, Moment, Pair, Protocol, State, Status};
use crate::table::{EndReason, Flow, Nat};
use crate::view::Grouping;
use crate::view::field::{self, Event, FIELDS, Field, Kind, Value};
use crate::view::group::Widths;

/// What values a key takes, and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// A port number.
    Port,
    /// A protocol by name or number.
    Protocol,
    /// One of a few words.
    Words(Words),
    /// An address, a network, or a part of an address or name.
    Host,
    /// An address or a network.
    Net,
    /// Any text: a part of it is enough for `:`.
    Text,
    /// A short name: `:` wants all of it.
    Name,
    /// A country: its code, or a part of its name.
    Country,
    /// A country's code.
    CountryCode,
    /// The number of an autonomous system, or a part of its organisation's
    /// name.
    System,
    /// The number of an autonomous system.
    SystemNumber,
    /// A number that says which, not how many; decimal, or hexadecimal after
    /// `0x`.
    Integer,
    /// A count, with decimal prefixes.
    Count,
    /// An amount of data in bytes.
    Bytes,
    /// A rate; kept in bits per second.
    Rate,
    /// A time span, kept in nanoseconds. A number without a unit is this many
    /// of them; without one, the unit must be written.
    Span(Option<u64>),
    /// A point in time.
    Time,
}

/// Lists of words of which a value is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Words {
    Family,
    State,
    Status,
    Nat,
    Direction,
    Event,
    EndReason,
}

impl Words {
    /// All of them, none twice.
    pub(super) fn list(self) -> Vec<&'static str> {
        match self {
            Self::Family => [Family::Ipv4, Family::Ipv6].map(Family::name).into(),
            Self::State => {
                let mut names: Vec<&str> = states().filter_map(State::name).collect();
                names.sort_unstable();
                names.dedup();
                names
            }
            Self::Status => Status(u32::MAX).names().collect(),
            Self::Nat => [Nat::Source, Nat::Destination, Nat::Both]
                .map(Nat::name)
                .into(),
            Self::Direction => Direction::ALL.map(Direction::name).into(),
            Self::Event => [
                Event::Sample,
                Event::New,
                Event::Update,
                Event::End,
                Event::Lost,
            ]
            .map(Event::name)
            .into(),
            Self::EndReason => EndReason::ALL.map(EndReason::name).into(),
        }
    }
}

/// Every state that has a name.
pub(super) fn states() -> impl Iterator<Item = State> {
    (0..u8::MAX)
        .flat_map(|number| [State::Tcp(number), State::Dccp(number), State::Sctp(number)])
        .filter(|state| state.name().is_some())
}

/// Where a key reads.
#[derive(Clone, Copy)]
pub(super) enum Read {
    /// From the flow alone.
    Flow(for<'a> fn(&'a Flow, Moment) -> Value<'a>),
    /// The age, which may be only a lower bound.
    Age,
    /// From a record.
    Field(&'static Field),
    /// What tells the groups that a flow is in from others.
    Group(Grouping),
}

/// Where a key reads, and how many of the sort's units one of its values is.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub(super) read: Read,
    pub(super) factor: u64,
}

/// A key as it was looked up.
#[derive(Clone)]
pub(super) struct Key {
    /// The canonical one of its names.
    pub(super) name: &'static str,
    pub(super) sort: Sort,
    /// A value from any of them is a value of the key.
    pub(super) sources: Vec<Source>,
}

impl PartialEq for Key {
    /// Names are unique.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a short name reads.
enum Of {
    Flow(for<'a> fn(&'a Flow, Moment) -> Value<'a>),
    Age,
    Field(&'static str),
    Group(Grouping),
}

/// A short name.
struct Short {
    /// The canonical name first.
    names: &'static [&'static str],
    sort: Sort,
    of: &'static [Of],
    doc: &'static str,
}

fn address<'a>(ip: std::net::IpAddr) -> Value<'a> {
    Value::Address(ip)
}

fn port<'a>(port: Option<u16>) -> Value<'a> {
    port.map(u64::from).into()
}

/// The answers' tuple, if it says more than the first packet's.
fn translated<'a>(flow: &Flow, get: fn(&crate::flow::Tuple) -> Value<'a>) -> Value<'a> {
    if flow.nat().is_some() {
        get(&flow.reply())
    } else {
        Value::Absent
    }
}

fn sum<'a>(pair: Option<Pair<u64>>) -> Value<'a> {
    pair.map(Pair::<u64>::sum).into()
}

const ORIG_SRC: Of = Of::Flow(|f, _| address(f.key().orig.src()));
const ORIG_DST: Of = Of::Flow(|f, _| address(f.key().orig.dst()));
const REPLY_SRC: Of = Of::Flow(|f, _| translated(f, |t| address(t.src())));
const REPLY_DST: Of = Of::Flow(|f, _| translated(f, |t| address(t.dst())));
const ORIG_SPORT: Of = Of::Flow(|f, _| port(f.key().orig.sport()));
const ORIG_DPORT: Of = Of::Flow(|f, _| port(f.key().orig.dport()));
const REPLY_SPORT: Of = Of::Flow(|f, _| translated(f, |t| port(t.sport())));
const REPLY_DPORT: Of = Of::Flow(|f, _| translated(f, |t| port(t.dport())));

macro_rules! short {
    ($names:expr, $sort:expr, $of:expr, $doc:expr) => {
        Short {
            names: &$names,
            sort: $sort,
            of: &$of,
            doc: $doc,
        }
    };
}

/// The short names, in the order of the manual.
#[rustfmt::skip]
static SHORT: &[Short] = &[
    short!(["port"], Sort::Port, [ORIG_DPORT, ORIG_SPORT, REPLY_SPORT, REPLY_DPORT],
        "Either port, before or after translation."),
    short!(["sport"], Sort::Port, [ORIG_SPORT, REPLY_DPORT],
        "Port of the source, before or after translation."),
    short!(["dport"], Sort::Port, [ORIG_DPORT, REPLY_SPORT],
        "Port of the destination, before or after translation."),
    short!(["host"], Sort::Host,
        [ORIG_SRC, ORIG_DST, REPLY_SRC, REPLY_DST, Of::Field("src_name"), Of::Field("dst_name")],
        "Either address, before or after translation, or a part of it or of its name."),
    short!(["src"], Sort::Host, [ORIG_SRC, REPLY_DST, Of::Field("src_name")],
        "Address or name of the source: who sent the first packet."),
    short!(["dst"], Sort::Host, [ORIG_DST, REPLY_SRC, Of::Field("dst_name")],
        "Address or name of the destination."),
    short!(["net"], Sort::Net, [ORIG_SRC, ORIG_DST, REPLY_SRC, REPLY_DST],
        "A network that holds either address: 10.0.0.0/8, or 10."),
    short!(["name"], Sort::Text, [Of::Field("src_name"), Of::Field("dst_name")],
        "Name of either end."),
    short!(["proto"], Sort::Protocol,
        [Of::Flow(|f, _| Value::Protocol(f.key().orig.proto()))],
        "Transport protocol by name or number."),
    short!(["state"], Sort::Words(Words::State),
        [Of::Flow(|f, _| f.state().map_or(Value::Absent, Value::State))],
        "State of TCP, SCTP and DCCP."),
    short!(["status"], Sort::Words(Words::Status),
        [Of::Flow(|f, _| f.status().map_or(Value::Absent, Value::Status))],
        "A status bit that is set."),
    short!(["nat"], Sort::Words(Words::Nat),
        [Of::Flow(|f, _| f.nat().map(Nat::name).into())],
        "Address translation; nat:* is any."),
    short!(["rate"], Sort::Rate, [Of::Flow(|f, _| sum(f.bytes_per_sec()))],
        "Bytes per second, both directions together."),
    short!(["up"], Sort::Rate, [Of::Flow(|f, _| f.bytes_per_sec().map(|r| r.orig).into())],
        "Bytes per second from the source."),
    short!(["down"], Sort::Rate, [Of::Flow(|f, _| f.bytes_per_sec().map(|r| r.reply).into())],
        "Bytes per second to the source."),
    short!(["bytes"], Sort::Bytes,
        [Of::Flow(|f, _| sum(f.counters().map(Pair::bytes)))],
        "Bytes moved, both directions together."),
    short!(["bytes_up"], Sort::Bytes,
        [Of::Flow(|f, _| f.counters().map(|c| c.orig.bytes).into())],
        "Bytes from the source."),
    short!(["bytes_down"], Sort::Bytes,
        [Of::Flow(|f, _| f.counters().map(|c| c.reply.bytes).into())],
        "Bytes to the source."),
    short!(["packets", "pkts"], Sort::Count,
        [Of::Flow(|f, _| sum(f.counters().map(|c| c.map(|c| c.packets))))],
        "Packets, both directions together."),
    short!(["age"], Sort::Span(Some(SECOND)), [Of::Age],
        "How long the flow has lived."),
    short!(["idle"], Sort::Span(Some(SECOND)), [Of::Field("idle_secs")],
        "How long the flow has moved nothing."),
    short!(["ended"], Sort::Span(Some(SECOND)),
        [Of::Flow(|f, now| f.ended_ago(now).map_or(Value::Absent, Value::Seconds))],
        "How long ago the flow ended; ended:* is any that has."),
    short!(["reason"], Sort::Words(Words::EndReason),
        [Of::Flow(|f, _| f.end_reason().map(EndReason::name).into())],
        "Why the flow ended."),
    short!(["peak"], Sort::Rate,
        [Of::Flow(|f, _| f.peak_bytes_per_sec().map(|r| r.orig).into()),
         Of::Flow(|f, _| f.peak_bytes_per_sec().map(|r| r.reply).into())],
        "Highest bytes per second so far, of either direction."),
    short!(["pps"], Sort::Count, [Of::Flow(|f, _| sum(f.packets_per_sec()))],
        "Packets per second, both directions together."),
    short!(["rtt"], Sort::Span(None), [Of::Field("rtt_us")],
        "Smoothed round-trip time of its socket."),
    short!(["service", "svc"], Sort::Text, [Of::Field("service")],
        "Service, by its port."),
    short!(["process", "proc"], Sort::Text,
        [Of::Field("process"), Of::Field("src_process"), Of::Field("dst_process")],
        "Name of a process at either end."),
    short!(["pid"], Sort::Integer, [Of::Field("pid"), Of::Field("src_pid"), Of::Field("dst_pid")],
        "Number of a process at either end."),
    short!(["owner_unknown"], Sort::Text, [Of::Group(Grouping::Process)],
        "Why no process is known at an end: forwarded, gone, ambiguous, no_permission, kernel, \
         not_looked_up."),
    short!(["user"], Sort::Name, [Of::Field("user"), Of::Group(Grouping::User)],
        "Whose process it is at either end; or as it is shown where nobody is known: \"(gone)\"."),
    short!(["unit"], Sort::Text, [Of::Field("unit")], "The systemd unit of the process."),
    short!(["container"], Sort::Text, [Of::Field("container")],
        "The container of the process."),
    short!(["country", "cc"], Sort::Country,
        [Of::Field("src_country"), Of::Field("dst_country"),
         Of::Field("src_country_name"), Of::Field("dst_country_name")],
        "Country of either end: its code, or a part of its name."),
    short!(["city"], Sort::Text, [Of::Field("src_city"), Of::Field("dst_city")],
        "City of either end."),
    short!(["as"], Sort::System,
        [Of::Field("src_asn"), Of::Field("dst_asn"), Of::Field("src_as_org"), Of::Field("dst_as_org")],
        "Autonomous system of either end: its number, or a part of its organisation's name."),
    short!(["asn"], Sort::SystemNumber, [Of::Field("src_asn"), Of::Field("dst_asn")],
        "Number of the autonomous system of either end."),
    short!(["dir"], Sort::Words(Words::Direction), [Of::Field("direction")],
        "Which way the flow goes."),
    short!(["iface", "interface"], Sort::Name,
        [Of::Field("interface_in"), Of::Field("interface_out")],
        "An interface that the flow uses."),
    short!(["mac"], Sort::Text, [Of::Field("src_mac")],
        "Hardware address of the source."),
    short!(["mark"], Sort::Integer, [Of::Flow(|f, _| f.mark().map(u64::from).into())],
        "Connection mark."),
    short!(["zone"], Sort::Integer, [Of::Flow(|f, _| Value::Uint(f.key().zone.into()))],
        "Conntrack zone."),
    // What lists put flows together by.
    short!(["near"], Sort::Net, [Of::Group(Grouping::Host)],
        "Address or network of the host on our side."),
    short!(["far"], Sort::Net, [Of::Group(Grouping::Subnet(Widths::WHOLE))],
        "Address or network of the far end: the destination, or the source of what comes in."),
    short!(["peer"], Sort::Net, [Of::Group(Grouping::Peer)],
        "Address or network of the host that ours talks to."),
    short!(["served"], Sort::Port, [Of::Group(Grouping::Served)],
        "The port on our side that is asked; served:* is any."),
    short!(["service_port"], Sort::Port, [Of::Group(Grouping::Service)],
        "The port that names the service, and no other of the flow."),
    short!(["shown_state"], Sort::Name, [Of::Group(Grouping::State)],
        "State as it is shown: established, unreplied, offload, closed."),
    short!(["workload"], Sort::Name, [Of::Group(Grouping::Unit)],
        "The container of a process at either end, or else its systemd unit."),
    short!(["far_country"], Sort::Name, [Of::Group(Grouping::Country)],
        "Country of the far end by its code; lan where both ends are private."),
    short!(["far_asn"], Sort::SystemNumber, [Of::Group(Grouping::Asn)],
        "Number of the autonomous system of the far end."),
];

/// Nanoseconds.
const SECOND: u64 = 1_000_000_000;

impl Short {
    /// As a key, if any of its fields is in the registry.
    fn key(&self) -> Option<Key> {
        let sources: Vec<Source> = self
            .of
            .iter()
            .filter_map(|of| {
                Some(match of {
                    Of::Flow(read) => Source {
                        read: Read::Flow(*read),
                        factor: if self.sort == Sort::Rate { 8 } else { 1 },
                    },
                    Of::Age => Source {
                        read: Read::Age,
                        factor: 1,
                    },
                    Of::Field(key) => source(field::find(key)?),
                    Of::Group(grouping) => Source {
                        read: Read::Group(*grouping),
                        factor: 1,
                    },
                })
            })
            .collect();
        (!sources.is_empty()).then(|| Key {
            name: self.names[0],
            sort: self.sort,
            sources,
        })
    }
}

fn source(field: &'static Field) -> Source {
    let factor = match (sort(field), field.kind) {
        (Sort::Rate, _) => 8,
        (Sort::Span(Some(unit)), Kind::Integer) => unit,
        _ => 1,
    };
    Source {
        read: Read::Field(field),
        factor,
    }
}

/// What values a field takes, by its kind and its name.
fn sort(field: &Field) -> Sort {
    let ends = |end: &str| field.key.ends_with(end);
    match field.kind {
        Kind::Address => Sort::Net,
        Kind::Time => Sort::Time,
        Kind::Seconds => Sort::Span(Some(SECOND)),
        Kind::List => Sort::Words(Words::Status),
        Kind::Integer if ends("_bytes_per_sec") || ends("_rate") => Sort::Rate,
        Kind::Integer if ends("_bytes") || ends("_queue") => Sort::Bytes,
        Kind::Integer
            if ends("_packets") || ends("_packets_per_sec") || field.key == "retransmits" =>
        {
            Sort::Count
        }
        Kind::Integer if ends("_us") => Sort::Span(Some(1_000)),
        Kind::Integer if ends("_secs") => Sort::Span(Some(SECOND)),
        Kind::Integer if ends("port") => Sort::Port,
        Kind::Integer if ends("asn") => Sort::SystemNumber,
        Kind::Integer => Sort::Integer,
        Kind::Text => match field.key {
            "proto" => Sort::Protocol,
            "state" => Sort::Words(Words::State),
            "family" => Sort::Words(Words::Family),
            "nat" => Sort::Words(Words::Nat),
            "direction" => Sort::Words(Words::Direction),
            "event" => Sort::Words(Words::Event),
            "end_reason" => Sort::Words(Words::EndReason),
            "user" | "interface_in" | "interface_out" => Sort::Name,
            _ if ends("_country") => Sort::CountryCode,
            _ => Sort::Text,
        },
    }
}

/// A key by one of its names, in any case.
pub(super) fn find(name: &str) -> Option<Key> {
    let name = name.to_ascii_lowercase();
    let short = SHORT
        .iter()
        .find(|short| short.names.contains(&name.as_str()));
    if let Some(key) = short.and_then(Short::key) {
        return Some(key);
    }
    let field = field::find(&name)?;
    Some(Key {
        name: field.key,
        sort: sort(field),
        sources: vec![source(field)],
    })
}

/// Every name of every key that there is, and what it means: short names
/// first.
pub(super) fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let short = SHORT.iter().filter(|short| short.key().is_some());
    let short = short.flat_map(|short| short.names.iter().map(|name| (*name, short.doc)));
    let is_short = |name: &str| SHORT.iter().any(|short| short.names.contains(&name));
    let fields = FIELDS.iter().filter(move |field| !is_short(field.key));
    short.chain(fields.map(|field| (field.key, field.doc)))
}

/// The protocols that have a name.
pub(super) fn protocols() -> impl Iterator<Item = (Protocol, &'static str)> {
    (0..=u8::MAX)
        .map(Protocol)
        .filter_map(|proto| Some((proto, proto.name()?)))
}
