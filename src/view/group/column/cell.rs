//! What the cells of groups say, and what rows are ordered by.

use std::fmt::Write;

use super::super::super::field::Value;
use super::super::super::units::{self, RateUnit};
use super::super::super::{Moment, Who};
use super::super::expression::{NO_UNIT, NO_USER};
use super::super::{Belonging, Country, Group, GroupRow, Holder};
use super::GroupColumn;
use crate::enrich::nfsd;
use crate::flow::Pair;

impl GroupColumn {
    /// What rows are ordered by. Rates are averages over ten seconds, so that
    /// rows do not jump.
    pub(in super::super) fn value(self, row: &GroupRow) -> Value<'_> {
        let holder = row.holder.as_ref();
        match self {
            Self::Code => code(&row.group),
            Self::Name => name(row),
            Self::To => match (&row.second_name, row.group) {
                (Some(name), _) => Value::Text(name),
                (None, Group::Pair(_, to)) => Value::Address(to),
                _ => Value::Absent,
            },
            Self::Pid => match row.group {
                Group::Process(Who::Process { pid, .. }) => Value::Uint(pid.into()),
                _ => Value::Absent,
            },
            Self::User => match holder.and_then(|holder| holder.account.as_deref()) {
                Some(account) => match account.name.as_deref() {
                    Some(name) => Value::Text(name),
                    None => Value::Uint(account.uid.into()),
                },
                None => Value::Absent,
            },
            Self::Unit => holder.and_then(Holder::unit).into(),
            Self::Mac => row.mac.map_or(Value::Absent, Value::Mac),
            Self::Rtt => row.rtt_us.map(u64::from).into(),
            Self::Nfs => row
                .nfs
                .as_ref()
                .and_then(|nfs| nfs.minor_version)
                .map_or(Value::Absent, |minor| Value::Uint(minor.into())),
            Self::Mount => row.nfs.as_ref().and_then(|nfs| nfs.mount.as_deref()).into(),
            Self::Flows => Value::Uint(row.flows as u64),
            Self::Ended => Value::Uint(row.ended),
            Self::Hosts => Value::Uint(row.hosts as u64),
            Self::New => Value::Uint(row.new as u64),
            Self::Unreplied => Value::Uint(row.unreplied as u64),
            Self::Age => row
                .oldest
                .map_or(Value::Absent, |age| Value::Seconds(age.duration())),
            Self::Seen => row
                .seen()
                .map_or(Value::Absent, |seen| Value::Uint(seen.mono_ns)),
            Self::ReplyBytes => row.bytes().map(|bytes| bytes.reply).into(),
            Self::OrigBytes => row.bytes().map(|bytes| bytes.orig).into(),
            Self::Bytes => row.bytes().map(Pair::<u64>::sum).into(),
            Self::ReplyRate => Value::Uint(row.average_bytes_per_sec.reply),
            Self::OrigRate => Value::Uint(row.average_bytes_per_sec.orig),
            Self::Bars | Self::Trend => {
                let rate = row.average_bytes_per_sec;
                Value::Uint(rate.sum())
            }
        }
    }

    /// Appends the text of a cell as it is `now`.
    pub fn cell(self, row: &GroupRow, unit: RateUnit, now: Moment, out: &mut String) {
        let value = self.value(row);
        let number = match value {
            Value::Uint(number) => Some(number),
            _ => None,
        };
        match self {
            Self::Code => write_code(row.group, out),
            Self::Name => write_name(row, out),
            Self::To | Self::Pid | Self::User | Self::Unit | Self::Mac | Self::Mount => {
                plain(&value, out);
            }
            Self::Rtt => units::latency(out, row.rtt_us),
            Self::Nfs => match row.nfs.as_ref().and_then(nfsd::Client::version) {
                Some(version) => out.push_str(version),
                None => out.push('-'),
            },
            Self::Flows | Self::Ended | Self::Hosts | Self::Unreplied => count(number, out),
            Self::New => per_sec(row.born_per_sec(), out),
            Self::Age => match row.oldest {
                Some(age) => units::age(out, age),
                None => out.push('-'),
            },
            Self::Seen => {
                if let Some(seen) = row.seen() {
                    units::duration(out, now.since(seen));
                }
            }
            Self::ReplyBytes | Self::OrigBytes | Self::Bytes => units::bytes(out, number),
            Self::ReplyRate => units::rate(out, row.rate().map(|rate| rate.reply), unit),
            Self::OrigRate => units::rate(out, row.rate().map(|rate| rate.orig), unit),
            Self::Bars | Self::Trend => {}
        }
    }
}

impl GroupRow {
    /// What a trail calls it.
    pub fn label(&self) -> String {
        let mut text = String::new();
        match self.group {
            Group::Asn(Some(_)) => {
                write_code(self.group, &mut text);
                if self.name.is_some() {
                    text.push(' ');
                    write_name(self, &mut text);
                }
            }
            Group::Process(Who::Process { pid, .. }) if self.name.is_some() => {
                write_name(self, &mut text);
                let _ = write!(text, "[{pid}]");
            }
            Group::Pair(..) => {
                write_name(self, &mut text);
                text.push_str(" → ");
                GroupColumn::To.cell(self, RateUnit::Bytes, Moment::default(), &mut text);
            }
            Group::Mark(Some(_)) | Group::Zone(_) => {
                let what = match self.group {
                    Group::Zone(_) => "zone",
                    _ => "mark",
                };
                text.push_str(what);
                text.push(' ');
                write_name(self, &mut text);
            }
            _ => write_name(self, &mut text),
        }
        text
    }
}

fn code(group: &Group) -> Value<'_> {
    match group {
        Group::Country(Country::Code(code)) => Value::Text(code.as_str()),
        Group::Country(Country::Lan) => Value::Text("lan"),
        Group::Asn(asn) => asn.map(|asn| u64::from(asn.get())).into(),
        Group::Service(service) | Group::Served(Some(service)) => {
            service.port.map(u64::from).into()
        }
        _ => Value::Absent,
    }
}

/// As it is shown; hosts without a name by address.
fn name(row: &GroupRow) -> Value<'_> {
    match (&row.name, row.group) {
        (Some(name), _) => Value::Text(name),
        (
            None,
            Group::Host(host)
            | Group::Source(host)
            | Group::Destination(host)
            | Group::Peer(host)
            | Group::Pair(host, _)
            | Group::Subnet(host, _),
        ) => Value::Address(host),
        (None, Group::Service(service) | Group::Served(Some(service))) => {
            service.port.map(u64::from).into()
        }
        (None, Group::Process(Who::Process { pid, .. })) => Value::Uint(pid.into()),
        (None, Group::Process(who)) => Value::Text(who.label()),
        (None, Group::Country(Country::Lan)) => Value::Text("private addresses"),
        (None, Group::Mark(mark)) => mark.map(u64::from).into(),
        (None, Group::Zone(zone)) => Value::Uint(zone.into()),
        (None, Group::Protocol(proto)) => Value::Uint(proto.0.into()),
        (None, _) => Value::Absent,
    }
}

fn write_code(group: Group, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match group {
        Group::Country(Country::Code(code)) => write!(out, "{code}"),
        Group::Country(Country::Lan) => write!(out, "lan"),
        Group::Asn(Some(asn)) => write!(out, "AS{asn}"),
        Group::Service(service) | Group::Served(Some(service)) => write!(out, "{service}"),
        Group::Served(None)
        | Group::Country(Country::Unknown)
        | Group::Asn(None)
        | Group::Others => write!(out, "-"),
        // These have columns of their own.
        _ => Ok(()),
    };
}

fn write_name(row: &GroupRow, out: &mut String) {
    if let Some(name) = &row.name {
        return out.push_str(name);
    }
    // Writing to a String cannot fail.
    let _ = match row.group {
        Group::Country(Country::Lan) => write!(out, "private addresses"),
        Group::Country(Country::Code(code)) => write!(out, "{code}"),
        Group::Country(Country::Unknown) => write!(out, "unknown country"),
        Group::Asn(None) => write!(out, "unknown network"),
        Group::Asn(Some(_)) => write!(out, "-"),
        Group::Service(service) | Group::Served(Some(service)) => write!(out, "{service}"),
        Group::Served(None) => write!(out, "(no service here)"),
        Group::Process(Who::Process { pid, .. }) => write!(out, "[{pid}]"),
        Group::Process(who) => write!(out, "{}", who.label()),
        Group::User(user) => write!(out, "{}", nobody(user, NO_USER)),
        Group::Unit(unit) => write!(out, "{}", nobody(unit, NO_UNIT)),
        Group::Host(host)
        | Group::Source(host)
        | Group::Destination(host)
        | Group::Peer(host)
        | Group::Pair(host, _) => write!(out, "{host}"),
        Group::Subnet(first, width) => write!(out, "{first}/{width}"),
        Group::Interface(_) => write!(out, "(not known)"),
        Group::Mark(Some(mark)) => write!(out, "{mark:#x}"),
        Group::Mark(None) => write!(out, "(no mark)"),
        Group::Zone(zone) => write!(out, "{zone}"),
        Group::Protocol(proto) => write!(out, "{proto}"),
        Group::State(_) => write!(out, "(no state)"),
        Group::Others => write!(out, "(others)"),
    };
}

/// Why there is no name.
pub(in crate::view::group) const fn nobody(
    belonging: Belonging,
    none: &'static str,
) -> &'static str {
    match belonging {
        Belonging::Unknown(why) => why.label(),
        Belonging::Unseen => Who::Unseen.label(),
        Belonging::None | Belonging::To(_) => none,
    }
}

/// What rows are ordered by, as it is, or `-` for what is not known.
fn plain(value: &Value<'_>, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Text(text) => write!(out, "{text}"),
        Value::Uint(number) => write!(out, "{number}"),
        Value::Address(address) => write!(out, "{address}"),
        Value::Mac(mac) => write!(out, "{mac}"),
        _ => write!(out, "-"),
    };
}

fn count(count: Option<u64>, out: &mut String) {
    match count {
        None => out.push('-'),
        Some(count @ 0..1_000_000) => units::grouped(out, count),
        Some(count) => units::count(out, count),
    }
}

/// Tenths below ten, as in the line of totals.
fn per_sec(per_sec: f64, out: &mut String) {
    if per_sec < 0.05 {
        out.push('0');
    } else if per_sec < 9.95 {
        let _ = write!(out, "{per_sec:.1}");
    } else {
        units::count(out, per_sec.round() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_name_is_written_all_the_same() {
        let text = |group| GroupRow::new(group).label();
        let first = "2001:db8::".parse().unwrap();
        assert_eq!(text(Group::Subnet(first, 64)), "2001:db8::/64");
        assert_eq!(text(Group::Mark(Some(16))), "mark 0x10");
        assert_eq!(text(Group::Mark(None)), "(no mark)");
        assert_eq!(text(Group::Zone(3)), "zone 3");
        assert_eq!(text(Group::Unit(Belonging::None)), "(no unit)");
        assert_eq!(text(Group::User(Belonging::Unseen)), "(not looked up)");
        assert_eq!(text(Group::Others), "(others)");
    }
}
