//! The field registry: everything that can be said about a flow, once.
//!
//! The keys of a JSON record, the header of a CSV file, what `--fields` takes,
//! `flowtop fields` and the manual all come from [`FIELDS`].

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{Age, Row};
use crate::enrich::geoip::{CountryCode, Place};
use crate::flow::{Counters, L4, Pair, Protocol, State, Status, Tuple};

/// The version of the record that [`FIELDS`] describes. Additions keep it; a
/// changed meaning raises it.
pub const RECORD_VERSION: u64 = 1;

/// What a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A flow as it is, at a sample of all flows.
    Sample,
    /// A flow began.
    New,
    /// A flow changed.
    Update,
    /// A flow ended; its counters are final.
    End,
    /// The kernel dropped events.
    Lost,
}

impl Event {
    /// As it stands in a record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::New => "new",
            Self::Update => "update",
            Self::End => "end",
            Self::Lost => "lost",
        }
    }
}

/// One line of machine-readable output.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// What it tells of.
    pub event: Event,
    /// Nanoseconds since 1970; the same in all records of one sample.
    pub ts_ns: u64,
    /// The flow; `None` in [`Event::Lost`].
    pub row: Option<Row<'a>>,
    /// Number of dropped events; only in [`Event::Lost`].
    pub count: Option<u64>,
}

/// The value of a field, typed, so that each writer can write it its own way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Not known, or without meaning for this flow. Never written as zero.
    Absent,
    /// A number.
    Uint(u64),
    /// A time span; a number of seconds.
    Seconds(Duration),
    /// A point in time, nanoseconds since 1970; RFC 3339 in UTC.
    Time(u64),
    /// A text.
    Text(&'a str),
    /// An address.
    Address(IpAddr),
    /// A protocol by name, or by number as text.
    Protocol(Protocol),
    /// A state by name, or by number as text.
    State(State),
    /// Names of status bits; a list.
    Status(Status),
}

impl From<Option<u64>> for Value<'_> {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::Absent, Self::Uint)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::Absent, Self::Text)
    }
}

/// What kind of value a field has, for the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number without fraction.
    Integer,
    /// A number of seconds with fraction.
    Seconds,
    /// A text.
    Text,
    /// A list of texts; in CSV and tables joined by `|`.
    List,
    /// An address as text.
    Address,
    /// RFC 3339 in UTC.
    Time,
}

impl Kind {
    /// As the manual calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Seconds => "seconds",
            Self::Text => "text",
            Self::List => "list",
            Self::Address => "address",
            Self::Time => "time",
        }
    }
}

/// One thing that can be said about a flow.
pub struct Field {
    /// Its name in records, CSV and `--fields`.
    pub key: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// One sentence for the manual.
    pub doc: &'static str,
    /// Reads it.
    pub get: for<'a> fn(&'a Record<'_>) -> Value<'a>,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

impl PartialEq for Field {
    /// Keys are unique.
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Field {}

/// A field by its key.
pub fn find(key: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.key == key)
}

fn of_row<'a>(record: &'a Record<'_>, get: impl FnOnce(&'a Row<'_>) -> Value<'a>) -> Value<'a> {
    record.row.as_ref().map_or(Value::Absent, get)
}

fn of_orig<'a>(record: &'a Record<'_>, get: impl FnOnce(&Tuple) -> Value<'a>) -> Value<'a> {
    of_row(record, |row| get(&row.flow.key().orig))
}

fn of_reply<'a>(record: &'a Record<'_>, get: impl FnOnce(&Tuple) -> Value<'a>) -> Value<'a> {
    of_row(record, |row| get(&row.flow.reply()))
}

fn of_icmp<'a>(record: &'a Record<'_>, get: impl FnOnce(u8, u8, u16) -> u64) -> Value<'a> {
    of_orig(record, |orig| match orig.l4() {
        L4::Icmp { kind, code, id } => Value::Uint(get(kind, code, id)),
        _ => Value::Absent,
    })
}

fn of_counters<'a>(record: &'a Record<'_>, get: fn(Pair<Counters>) -> u64) -> Value<'a> {
    of_row(record, |row| row.flow.counters().map(get).into())
}

fn of_rate<'a>(record: &'a Record<'_>, get: fn(Pair<u64>) -> u64) -> Value<'a> {
    of_row(record, |row| row.flow.bytes_per_sec().map(get).into())
}

/// The source or the destination of the first packet.
#[derive(Clone, Copy)]
enum Side {
    Src,
    Dst,
}

fn of_place<'a>(
    record: &'a Record<'_>,
    side: Side,
    get: impl FnOnce(&'a Place) -> Value<'a>,
) -> Value<'a> {
    of_row(record, |row| {
        let end = match side {
            Side::Src => &row.ends.orig,
            Side::Dst => &row.ends.reply,
        };
        end.location.place().map_or(Value::Absent, get)
    })
}

fn country<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| {
        place.country_code.as_ref().map(CountryCode::as_str).into()
    })
}

fn country_name<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| place.country_name().into())
}

fn city<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| place.city.as_deref().into())
}

fn asn<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| {
        place.asn.map(|asn| u64::from(asn.get())).into()
    })
}

fn as_org<'a>(record: &'a Record<'_>, side: Side) -> Value<'a> {
    of_place(record, side, |place| place.as_org.as_deref().into())
}

fn port<'a>(port: Option<u16>) -> Value<'a> {
    port.map(u64::from).into()
}

/// Every field, in the order of a record.
pub static FIELDS: &[Field] = &[
    Field {
        key: "v",
        kind: Kind::Integer,
        doc: "Version of the record, 1. New keys do not raise it.",
        get: |_| Value::Uint(RECORD_VERSION),
    },
    Field {
        key: "event",
        kind: Kind::Text,
        doc: "What the record tells of: sample, new, update, end or lost.",
        get: |r| Value::Text(r.event.name()),
    },
    Field {
        key: "ts",
        kind: Kind::Time,
        doc: "When it was learned. All records of one sample bear the same.",
        get: |r| Value::Time(r.ts_ns),
    },
    Field {
        key: "id",
        kind: Kind::Integer,
        doc: "The kernel's id (CTA_ID): constant while the flow lives, but not unique.",
        get: |r| of_row(r, |row| row.flow.id().map(u64::from).into()),
    },
    Field {
        key: "zone",
        kind: Kind::Integer,
        doc: "Conntrack zone; 0 is the default one.",
        get: |r| of_row(r, |row| Value::Uint(row.flow.key().zone.into())),
    },
    Field {
        key: "family",
        kind: Kind::Text,
        doc: "ipv4 or ipv6.",
        get: |r| of_orig(r, |orig| Value::Text(orig.family().name())),
    },
    Field {
        key: "proto",
        kind: Kind::Text,
        doc: "tcp, udp, udplite, sctp, dccp, icmp, icmpv6, gre, esp and the like; \
              another protocol by its number, as text.",
        get: |r| of_orig(r, |orig| Value::Protocol(orig.proto())),
    },
    Field {
        key: "state",
        kind: Kind::Text,
        doc: "State of TCP, SCTP and DCCP by the kernel's name in lower case. \
              Absent for other protocols and for offloaded flows.",
        get: |r| {
            of_row(r, |row| {
                row.flow.state().map_or(Value::Absent, Value::State)
            })
        },
    },
    Field {
        key: "status",
        kind: Kind::List,
        doc: "Status bits by the kernel's names without IPS_: seen_reply, assured, confirmed, \
              src_nat, dst_nat, offload, hw_offload, dying and the like.",
        get: |r| {
            of_row(r, |row| {
                row.flow.status().map_or(Value::Absent, Value::Status)
            })
        },
    },
    Field {
        key: "timeout_secs",
        kind: Kind::Integer,
        doc: "Seconds until the kernel forgets the flow if no packet comes.",
        get: |r| of_row(r, |row| row.flow.timeout_secs(row.now).into()),
    },
    Field {
        key: "mark",
        kind: Kind::Integer,
        doc: "Connection mark.",
        get: |r| of_row(r, |row| row.flow.mark().map(u64::from).into()),
    },
    Field {
        key: "helper",
        kind: Kind::Text,
        doc: "The kernel helper that reads the flow, such as ftp.",
        get: |r| of_row(r, |row| row.flow.helper().into()),
    },
    Field {
        key: "orig_src",
        kind: Kind::Address,
        doc: "Source of the first packet.",
        get: |r| of_orig(r, |orig| Value::Address(orig.src())),
    },
    Field {
        key: "orig_dst",
        kind: Kind::Address,
        doc: "Destination of the first packet, before translation.",
        get: |r| of_orig(r, |orig| Value::Address(orig.dst())),
    },
    Field {
        key: "orig_sport",
        kind: Kind::Integer,
        doc: "Source port of the first packet.",
        get: |r| of_orig(r, |orig| port(orig.sport())),
    },
    Field {
        key: "orig_dport",
        kind: Kind::Integer,
        doc: "Destination port of the first packet, before translation.",
        get: |r| of_orig(r, |orig| port(orig.dport())),
    },
    Field {
        key: "reply_src",
        kind: Kind::Address,
        doc: "Where answers come from: the real destination behind DNAT.",
        get: |r| of_reply(r, |reply| Value::Address(reply.src())),
    },
    Field {
        key: "reply_dst",
        kind: Kind::Address,
        doc: "Where answers go to: the outside address of SNAT.",
        get: |r| of_reply(r, |reply| Value::Address(reply.dst())),
    },
    Field {
        key: "reply_sport",
        kind: Kind::Integer,
        doc: "Source port of answers.",
        get: |r| of_reply(r, |reply| port(reply.sport())),
    },
    Field {
        key: "reply_dport",
        kind: Kind::Integer,
        doc: "Destination port of answers.",
        get: |r| of_reply(r, |reply| port(reply.dport())),
    },
    Field {
        key: "icmp_type",
        kind: Kind::Integer,
        doc: "ICMP type of the first packet; 8 (IPv6: 128) is a ping.",
        get: |r| of_icmp(r, |kind, _, _| kind.into()),
    },
    Field {
        key: "icmp_code",
        kind: Kind::Integer,
        doc: "ICMP code of the first packet.",
        get: |r| of_icmp(r, |_, code, _| code.into()),
    },
    Field {
        key: "icmp_id",
        kind: Kind::Integer,
        doc: "ICMP identifier.",
        get: |r| of_icmp(r, |_, _, id| id.into()),
    },
    Field {
        key: "nat",
        kind: Kind::Text,
        doc: "snat, dnat or both, told by how the two tuples differ; absent without translation.",
        get: |r| of_row(r, |row| row.flow.nat().map(super::Nat::name).into()),
    },
    Field {
        key: "orig_packets",
        kind: Kind::Integer,
        doc: "Packets in the direction of the first one. Counters are absent for flows born \
              before accounting was on.",
        get: |r| of_counters(r, |c| c.orig.packets),
    },
    Field {
        key: "orig_bytes",
        kind: Kind::Integer,
        doc: "Bytes in the direction of the first packet, IP headers included.",
        get: |r| of_counters(r, |c| c.orig.bytes),
    },
    Field {
        key: "reply_packets",
        kind: Kind::Integer,
        doc: "Packets in the direction of the answers.",
        get: |r| of_counters(r, |c| c.reply.packets),
    },
    Field {
        key: "reply_bytes",
        kind: Kind::Integer,
        doc: "Bytes in the direction of the answers, IP headers included.",
        get: |r| of_counters(r, |c| c.reply.bytes),
    },
    Field {
        key: "orig_bytes_per_sec",
        kind: Kind::Integer,
        doc: "Rate in the direction of the first packet between the last two samples.",
        get: |r| of_rate(r, |rate| rate.orig),
    },
    Field {
        key: "reply_bytes_per_sec",
        kind: Kind::Integer,
        doc: "Rate in the direction of the answers between the last two samples.",
        get: |r| of_rate(r, |rate| rate.reply),
    },
    Field {
        key: "start",
        kind: Kind::Time,
        doc: "When the kernel saw the first packet; absent for flows born before time stamping \
              was on.",
        get: |r| {
            of_row(r, |row| {
                row.flow.start_ns().map_or(Value::Absent, Value::Time)
            })
        },
    },
    Field {
        key: "duration_secs",
        kind: Kind::Seconds,
        doc: "How long the flow has lived; absent if its birth is not known.",
        get: |r| {
            of_row(r, |row| match row.flow.age(row.now) {
                Age::Exact(age) => Value::Seconds(age),
                Age::AtLeast(_) => Value::Absent,
            })
        },
    },
    Field {
        key: "service",
        kind: Kind::Text,
        doc: "What the port is usually used for, by the service lists.",
        get: |r| of_row(r, |row| row.service.into()),
    },
    Field {
        key: "src_country",
        kind: Kind::Text,
        doc: "ISO 3166-1 code of the country where the source's network is registered; absent for private addresses and where no database knows it.",
        get: |r| country(r, Side::Src),
    },
    Field {
        key: "src_country_name",
        kind: Kind::Text,
        doc: "Name of the source's country in English.",
        get: |r| country_name(r, Side::Src),
    },
    Field {
        key: "src_city",
        kind: Kind::Text,
        doc: "City of the source, if a database knows cities.",
        get: |r| city(r, Side::Src),
    },
    Field {
        key: "src_asn",
        kind: Kind::Integer,
        doc: "Number of the autonomous system of the source, if a database knows them.",
        get: |r| asn(r, Side::Src),
    },
    Field {
        key: "src_as_org",
        kind: Kind::Text,
        doc: "Organisation of the source's autonomous system.",
        get: |r| as_org(r, Side::Src),
    },
    Field {
        key: "src_name",
        kind: Kind::Text,
        doc: "Name of the source: from the [names] table, a DHCP lease, the hosts file or reverse DNS; not printable characters are escaped.",
        get: |r| of_row(r, |row| row.ends.orig.name.as_deref().into()),
    },
    Field {
        key: "dst_country",
        kind: Kind::Text,
        doc: "Country code of the destination.",
        get: |r| country(r, Side::Dst),
    },
    Field {
        key: "dst_country_name",
        kind: Kind::Text,
        doc: "Name of the destination's country in English.",
        get: |r| country_name(r, Side::Dst),
    },
    Field {
        key: "dst_city",
        kind: Kind::Text,
        doc: "City of the destination, if a database knows cities.",
        get: |r| city(r, Side::Dst),
    },
    Field {
        key: "dst_asn",
        kind: Kind::Integer,
        doc: "Number of the autonomous system of the destination, if a database knows them.",
        get: |r| asn(r, Side::Dst),
    },
    Field {
        key: "dst_as_org",
        kind: Kind::Text,
        doc: "Organisation of the destination's autonomous system.",
        get: |r| as_org(r, Side::Dst),
    },
    Field {
        key: "dst_name",
        kind: Kind::Text,
        doc: "Name of the destination.",
        get: |r| of_row(r, |row| row.ends.reply.name.as_deref().into()),
    },
    Field {
        key: "end_reason",
        kind: Kind::Text,
        doc: "Of an end: destroyed if the kernel said so, vanished if the flow was found gone.",
        get: |r| {
            of_row(r, |row| {
                row.flow.end_reason().map(super::EndReason::name).into()
            })
        },
    },
    Field {
        key: "count",
        kind: Kind::Integer,
        doc: "Of a lost record: how many events the kernel dropped.",
        get: |r| r.count.into(),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_snake_case_and_documented() {
        for (index, field) in FIELDS.iter().enumerate() {
            let key = field.key;
            assert!(
                key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{key}"
            );
            assert_eq!(
                FIELDS.iter().position(|f| f.key == key),
                Some(index),
                "{key}"
            );
            assert!(field.doc.ends_with('.'), "{key}");
        }
    }

    #[test]
    fn a_lost_record_says_only_what_it_knows() {
        let record = Record {
            event: Event::Lost,
            ts_ns: 5,
            row: None,
            count: Some(7),
        };
        let said: Vec<_> = FIELDS
            .iter()
            .filter(|field| (field.get)(&record) != Value::Absent)
            .map(|field| field.key)
            .collect();
        assert_eq!(said, ["v", "event", "ts", "count"]);
    }
}
