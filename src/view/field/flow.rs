//! What the kernel says of a flow: its tuples, its state, what it counted.

use super::super::{Age, Counting, Nat};
use super::{Field, Kind, Record, Value, of_row};
use crate::flow::{Counters, L4, Pair, Tuple};

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

fn port<'a>(port: Option<u16>) -> Value<'a> {
    port.map(u64::from).into()
}

/// In the order of a record.
pub(super) const FIELDS: &[Field] = &[
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
        get: |r| of_row(r, |row| row.flow.nat().map(Nat::name).into()),
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
        key: "orig_packets_per_sec",
        kind: Kind::Integer,
        doc: "Packets per second in the direction of the first one between the last two samples.",
        get: |r| of_row(r, |row| row.flow.packets_per_sec().map(|p| p.orig).into()),
    },
    Field {
        key: "reply_packets_per_sec",
        kind: Kind::Integer,
        doc: "Packets per second in the direction of the answers.",
        get: |r| of_row(r, |row| row.flow.packets_per_sec().map(|p| p.reply).into()),
    },
    Field {
        key: "orig_peak_bytes_per_sec",
        kind: Kind::Integer,
        doc: "The highest orig_bytes_per_sec since flowtop first saw the flow.",
        get: |r| {
            of_row(r, |row| {
                row.flow.peak_bytes_per_sec().map(|p| p.orig).into()
            })
        },
    },
    Field {
        key: "reply_peak_bytes_per_sec",
        kind: Kind::Integer,
        doc: "The highest reply_bytes_per_sec since flowtop first saw the flow.",
        get: |r| {
            of_row(r, |row| {
                row.flow.peak_bytes_per_sec().map(|p| p.reply).into()
            })
        },
    },
    Field {
        key: "orig_delta_bytes",
        kind: Kind::Integer,
        doc: "Bytes in the direction of the first packet since flowtop began to watch; in the \
              viewer since its baseline.",
        get: |r| of_row(r, |row| row.since_baseline.map(|d| d.orig).into()),
    },
    Field {
        key: "reply_delta_bytes",
        kind: Kind::Integer,
        doc: "Bytes in the direction of the answers since then.",
        get: |r| of_row(r, |row| row.since_baseline.map(|d| d.reply).into()),
    },
    Field {
        key: "counters",
        kind: Kind::Text,
        doc: "How counters came about: exact (the kernel counted, since it began to track the \
              flow), since_accounting (a socket has seen more: tracking began within the \
              connection), sockets (the socket counted its payload), offloaded (a flowtable \
              forwards the flow: they may lag or stand still) or none.",
        get: |r| of_row(r, |row| row.counting().map(Counting::name).into()),
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
        key: "idle_secs",
        kind: Kind::Seconds,
        doc: "How long the flow has moved nothing, by what its timeout lacks or by its counters; \
              absent if only a lower bound is known.",
        get: |r| {
            of_row(r, |row| match row.idle() {
                Age::Exact(idle) => Value::Seconds(idle),
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
];
