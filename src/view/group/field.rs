//! What can be said about a group in a record: the keys of its JSON, and the
//! header of its CSV.

use super::super::field::{Kind, Value};
use super::{Country, Group, GroupRow, Grouping, Holder};
use crate::enrich::nfsd;
use crate::view::Who;

/// One thing that can be said about a group.
pub struct GroupField {
    /// Its name in records.
    pub key: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// Reads it.
    pub get: for<'a> fn(&'a GroupRow) -> Value<'a>,
}

const fn text(key: &'static str, get: for<'a> fn(&'a GroupRow) -> Value<'a>) -> GroupField {
    GroupField {
        key,
        kind: Kind::Text,
        get,
    }
}

const fn number(key: &'static str, get: for<'a> fn(&'a GroupRow) -> Value<'a>) -> GroupField {
    GroupField {
        key,
        kind: Kind::Integer,
        get,
    }
}

/// Every field, in the order of a record. Absent is what a kind of group has
/// not.
pub static GROUP_FIELDS: &[GroupField] = &[
    text("group", |row| {
        let kind = row.group.grouping().map(Grouping::name);
        Value::Text(kind.unwrap_or("others"))
    }),
    text("name", |row| row.name.as_deref().into()),
    text("address", |row| {
        row.group.address().map_or(Value::Absent, Value::Address)
    }),
    text("mac", |row| row.mac.map_or(Value::Absent, Value::Mac)),
    text("src", |row| match row.group {
        Group::Pair(from, _) => Value::Address(from),
        _ => Value::Absent,
    }),
    text("dst", |row| match row.group {
        Group::Pair(_, to) => Value::Address(to),
        _ => Value::Absent,
    }),
    text("dst_name", |row| row.second_name.as_deref().into()),
    text("network", |row| match row.group {
        Group::Subnet(first, _) => Value::Address(first),
        _ => Value::Absent,
    }),
    number("bits", |row| match row.group {
        Group::Subnet(_, width) => Value::Uint(width.into()),
        _ => Value::Absent,
    }),
    text("country", |row| match &row.group {
        Group::Country(Country::Code(code)) => Value::Text(code.as_str()),
        Group::Country(Country::Lan) => Value::Text("lan"),
        _ => Value::Absent,
    }),
    number("asn", |row| match row.group {
        Group::Asn(asn) => asn.map(|asn| u64::from(asn.get())).into(),
        _ => Value::Absent,
    }),
    number("mark", |row| match row.group {
        Group::Mark(mark) => mark.map(u64::from).into(),
        _ => Value::Absent,
    }),
    number("zone", |row| match row.group {
        Group::Zone(zone) => Value::Uint(zone.into()),
        _ => Value::Absent,
    }),
    text("proto", |row| match row.group {
        Group::Service(service) | Group::Served(Some(service)) => Value::Protocol(service.proto),
        Group::Protocol(proto) => Value::Protocol(proto),
        _ => Value::Absent,
    }),
    number("port", |row| match row.group {
        Group::Service(service) | Group::Served(Some(service)) => {
            service.port.map(u64::from).into()
        }
        _ => Value::Absent,
    }),
    number("pid", |row| match row.group {
        Group::Process(Who::Process { pid, .. }) => Value::Uint(pid.into()),
        _ => Value::Absent,
    }),
    text("user", |row| {
        let account = row.holder.as_ref().and_then(|h| h.account.as_deref());
        account.and_then(|account| account.name.as_deref()).into()
    }),
    number("uid", |row| {
        let account = row.holder.as_ref().and_then(|h| h.account.as_deref());
        account.map(|account| u64::from(account.uid)).into()
    }),
    text("unit", |row| {
        row.holder.as_ref().and_then(Holder::unit).into()
    }),
    text("nfs_version", |row| {
        row.nfs.as_ref().and_then(nfsd::Client::version).into()
    }),
    text("mount", |row| {
        row.nfs.as_ref().and_then(|nfs| nfs.mount.as_deref()).into()
    }),
    number("rtt_us", |row| row.rtt_us.map(u64::from).into()),
    number("flows", |row| Value::Uint(row.flows as u64)),
    number("ended", |row| Value::Uint(row.ended)),
    number("peers", |row| Value::Uint(row.hosts as u64)),
    number("unreplied", |row| Value::Uint(row.unreplied as u64)),
    number("new", |row| Value::Uint(row.new as u64)),
    GroupField {
        key: "oldest_secs",
        kind: Kind::Seconds,
        get: |row| {
            row.oldest
                .map_or(Value::Absent, |age| Value::Seconds(age.duration()))
        },
    },
    GroupField {
        key: "last_seen",
        kind: Kind::Time,
        get: |row| {
            row.seen()
                .map_or(Value::Absent, |seen| Value::Time(seen.real_ns))
        },
    },
    number("orig_packets", |row| {
        row.counters.map(|both| both.orig.packets).into()
    }),
    number("orig_bytes", |row| row.bytes().map(|both| both.orig).into()),
    number("reply_packets", |row| {
        row.counters.map(|both| both.reply.packets).into()
    }),
    number("reply_bytes", |row| {
        row.bytes().map(|both| both.reply).into()
    }),
    number("orig_bytes_per_sec", |row| {
        row.rate().map(|rate| rate.orig).into()
    }),
    number("reply_bytes_per_sec", |row| {
        row.rate().map(|rate| rate.reply).into()
    }),
];
