//! The columns of groups: what can be said about one, shown and compared.

use std::fmt::Write;
use std::net::IpAddr;

use super::super::column::{Align, BARS_TITLE};
use super::super::field::Value;
use super::super::units::{self, RateUnit};
use super::super::{Moment, Who};
use super::{Belonging, Country, Group, GroupRow, Grouping, Holder};
use crate::enrich::nfsd;

/// A column of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// Code of a country, number of an autonomous system, port of a service.
    Code,
    /// What it is called: a country, an organisation, a service, a process, a
    /// host.
    Name,
    /// Of a pair: its destination.
    To,
    /// Of a process: its id.
    Pid,
    /// Of a process: its user.
    User,
    /// Of a process: its container, or else its systemd unit.
    Unit,
    /// Of a host: its hardware address.
    Mac,
    /// Flows that are there.
    Flows,
    /// Flows that have ended.
    Ended,
    /// Distinct far ends.
    Hosts,
    /// Births per second.
    New,
    /// Flows without an answer.
    Unreplied,
    /// Age of the oldest flow that is there.
    Age,
    /// Of one whose flows have all ended: how long ago the last one did.
    Seen,
    /// Of a peer: the mean round-trip time of its connections.
    Rtt,
    /// Of a client of the NFS server: the version it speaks.
    Nfs,
    /// Of a client of the NFS server: what is exported to it.
    Mount,
    /// Bytes received: by hosts, processes, interfaces; of others those of the
    /// answers.
    ReplyBytes,
    /// Bytes sent.
    OrigBytes,
    /// Both, which no list shows.
    Bytes,
    /// Bytes per second received.
    ReplyRate,
    /// Bytes per second sent.
    OrigRate,
    /// Both rates as bars: a picture, drawn where one knows how wide it is.
    Bars,
    /// How fast it was: a picture as well.
    Trend,
}

/// Every column, by the name that sorts by it.
const NAMES: [(&str, GroupColumn); 24] = [
    ("code", GroupColumn::Code),
    ("name", GroupColumn::Name),
    ("to", GroupColumn::To),
    ("pid", GroupColumn::Pid),
    ("user", GroupColumn::User),
    ("unit", GroupColumn::Unit),
    ("mac", GroupColumn::Mac),
    ("flows", GroupColumn::Flows),
    ("ended", GroupColumn::Ended),
    ("peers", GroupColumn::Hosts),
    ("new", GroupColumn::New),
    ("unreplied", GroupColumn::Unreplied),
    ("age", GroupColumn::Age),
    ("seen", GroupColumn::Seen),
    ("rtt", GroupColumn::Rtt),
    ("nfs", GroupColumn::Nfs),
    ("mount", GroupColumn::Mount),
    ("down_bytes", GroupColumn::ReplyBytes),
    ("up_bytes", GroupColumn::OrigBytes),
    ("bytes", GroupColumn::Bytes),
    ("down_rate", GroupColumn::ReplyRate),
    ("up_rate", GroupColumn::OrigRate),
    ("bars", GroupColumn::Bars),
    ("trend", GroupColumn::Trend),
];

impl GroupColumn {
    /// What it shows, and why there may be nothing.
    pub const fn doc(self) -> &'static str {
        match self {
            Self::Code => {
                "Code of the country, number of the network (autonomous system), or port of the \
                 service; - if it is not known or there is none."
            }
            Self::Name => "What it is called; by its number or address if no name is known.",
            Self::Pid => "Number of the process; - for flows of which no process is known.",
            Self::User => "Whose process it is; - if that is not known, or differs.",
            Self::Unit => "Its container, or else its systemd unit; - if it is in none.",
            Self::Mac => "Hardware address of the host; - if it is no neighbour.",
            Self::Flows => "Flows that are there.",
            Self::Ended => "Flows that have ended since the start; their bytes still count.",
            Self::Hosts => "Distinct far ends of the flows that are there.",
            Self::New => {
                "Flows that began within the last ten seconds and are still there, per second."
            }
            Self::Rtt => {
                "Mean round-trip time of its connections; - unless sockets of this machine measure \
                 it."
            }
            Self::Nfs => "Version of NFS that the client speaks; - if the server does not tell.",
            Self::Mount => "What the NFS server exports to the client; - if it does not tell.",
            Self::Unreplied => "Flows without an answer so far.",
            Self::ReplyBytes => {
                "Bytes of the answers; of hosts and processes, what they have received."
            }
            Self::OrigBytes => {
                "Bytes in the direction of the first packet; of hosts and processes, what they \
                 have sent."
            }
            Self::ReplyRate => "Rate of the same, between the last two refreshes.",
            Self::OrigRate => "Rate the other way, between the last two refreshes.",
            Self::To => "Where the flows of the pair go to.",
            Self::Age => "Age of the oldest flow that is there; - if none is.",
            Self::Seen => "Of one whose flows have all ended: how long ago the last one did.",
            Self::Bytes => "Bytes both ways.",
            Self::Bars => "Both rates as bars, received above sent.",
            Self::Trend => {
                "How fast it was in the last 40 seconds, both directions together, each row on a scale of its own."
            }
        }
    }

    /// One by the name that `--sort` knows.
    pub fn named(name: &str) -> Option<Self> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, column)| *column)
    }

    /// The names that `--sort` knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The name that sorts by it.
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, column)| *column == self);
        found.map_or("", |(name, _)| name)
    }

    /// Where its texts stand.
    pub const fn align(self) -> Align {
        match self {
            Self::Code
            | Self::Name
            | Self::To
            | Self::User
            | Self::Unit
            | Self::Mac
            | Self::Nfs
            | Self::Mount => Align::Left,
            _ => Align::Right,
        }
    }

    /// The columns of a printed list.
    pub fn listed(grouping: Grouping) -> impl Iterator<Item = Self> {
        let named: &[Self] = match grouping {
            Grouping::Country | Grouping::Asn | Grouping::Service => &[Self::Code, Self::Name],
            Grouping::Process => &[Self::Name, Self::Pid, Self::User, Self::Unit],
            Grouping::Host => &[Self::Name, Self::Mac],
            Grouping::Pair => &[Self::Name, Self::To],
            _ => &[Self::Name],
        };
        let sums = [
            Self::Flows,
            Self::Hosts,
            Self::New,
            Self::Unreplied,
            Self::Ended,
            Self::Age,
            Self::ReplyBytes,
            Self::OrigBytes,
            Self::ReplyRate,
            Self::OrigRate,
        ];
        named.iter().copied().chain(sums)
    }

    /// What stands above it in a list of groups.
    pub const fn title(self, grouping: Grouping) -> &'static str {
        match (self, grouping) {
            (Self::Code, Grouping::Asn) => "AS",
            (Self::Code, Grouping::Service | Grouping::Served) => "PORT",
            (Self::Code, _) => "CC",
            (Self::Name, grouping) => name_title(grouping),
            (Self::To, _) => "DESTINATION",
            (Self::Pid, _) => "PID",
            (Self::User, _) => "USER",
            (Self::Unit, _) => "UNIT",
            (Self::Mac, _) => "MAC",
            (Self::Flows, Grouping::Peer) => "CONNS",
            (Self::Flows, _) => "FLOWS",
            (Self::Rtt, _) => "RTT",
            (Self::Nfs, _) => "NFS",
            (Self::Mount, _) => "MOUNT",
            (Self::Age, Grouping::Peer) => "CONNECTED",
            (Self::ReplyBytes, Grouping::Peer | Grouping::Served) => "↓ RECV",
            (Self::OrigBytes, Grouping::Peer | Grouping::Served) => "↑ SENT",
            (Self::Ended, _) => "ENDED",
            (
                Self::Hosts,
                Grouping::Country | Grouping::Asn | Grouping::Subnet(_) | Grouping::Service,
            ) => "HOSTS",
            (Self::Hosts, Grouping::Served) => "CLIENTS",
            (Self::Hosts, _) => "PEERS",
            (Self::New, _) => "NEW/s",
            (Self::Unreplied, _) => "UNREPL",
            (Self::Age, _) => "AGE",
            (Self::Seen, _) => "SEEN",
            (Self::ReplyBytes, _) => "↓ BYTES",
            (Self::OrigBytes, _) => "↑ BYTES",
            (Self::Bytes, _) => "BYTES",
            (Self::ReplyRate, _) => "↓ RATE",
            (Self::OrigRate, _) => "↑ RATE",
            (Self::Bars, _) => BARS_TITLE,
            (Self::Trend, _) => "TREND",
        }
    }

    /// Whether it has to be found out for each row.
    pub(super) const fn is_described(self) -> bool {
        matches!(
            self,
            Self::Name | Self::To | Self::User | Self::Unit | Self::Mac | Self::Nfs | Self::Mount
        )
    }

    /// What rows are ordered by. Rates are averages over ten seconds, so that
    /// rows do not jump.
    pub(super) fn value(self, row: &GroupRow) -> Value<'_> {
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
            Self::ReplyBytes => Value::Uint(row.counters.reply.bytes),
            Self::OrigBytes => Value::Uint(row.counters.orig.bytes),
            Self::Bytes => {
                let bytes = row.counters.bytes();
                Value::Uint(bytes.orig.saturating_add(bytes.reply))
            }
            Self::ReplyRate => Value::Uint(row.average_bytes_per_sec.reply),
            Self::OrigRate => Value::Uint(row.average_bytes_per_sec.orig),
            Self::Bars | Self::Trend => {
                let rate = row.average_bytes_per_sec;
                Value::Uint(rate.orig.saturating_add(rate.reply))
            }
        }
    }

    /// Appends the text of a cell as it is `now`.
    pub fn cell(self, row: &GroupRow, unit: RateUnit, now: Moment, out: &mut String) {
        let holder = row.holder.as_ref();
        match self {
            Self::Code => write_code(row.group, out),
            Self::Name => write_name(row, out),
            Self::To => match (&row.second_name, row.group) {
                (Some(name), _) => out.push_str(name),
                (None, Group::Pair(_, to)) => address(to, out),
                _ => out.push('-'),
            },
            Self::Pid => match row.group {
                Group::Process(Who::Process { pid, .. }) => known(Some(pid), out),
                _ => known(None::<u32>, out),
            },
            Self::User => known(holder.and_then(Holder::user), out),
            Self::Unit => known(holder.and_then(Holder::unit), out),
            Self::Mac => known(row.mac, out),
            Self::Rtt => units::latency(out, row.rtt_us),
            Self::Nfs => known(row.nfs.as_ref().and_then(nfsd::Client::version), out),
            Self::Mount => known(row.nfs.as_ref().and_then(|nfs| nfs.mount.as_deref()), out),
            Self::Flows => count(row.flows as u64, out),
            Self::Ended => count(row.ended, out),
            Self::Hosts => count(row.hosts as u64, out),
            Self::New => per_sec(row.born_per_sec(), out),
            Self::Unreplied => count(row.unreplied as u64, out),
            Self::Age => match row.oldest {
                Some(age) => units::age(out, age),
                None => out.push('-'),
            },
            Self::Seen => {
                if let Some(seen) = row.seen() {
                    units::duration(out, now.since(seen));
                }
            }
            Self::ReplyBytes => units::bytes(out, Some(row.counters.reply.bytes)),
            Self::OrigBytes => units::bytes(out, Some(row.counters.orig.bytes)),
            Self::Bytes => {
                let bytes = row.counters.bytes();
                units::bytes(out, Some(bytes.orig.saturating_add(bytes.reply)));
            }
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

const fn name_title(grouping: Grouping) -> &'static str {
    match grouping {
        Grouping::Host | Grouping::Peer => "HOST",
        Grouping::Source | Grouping::Pair => "SOURCE",
        Grouping::Destination => "DESTINATION",
        Grouping::Subnet(_) => "SUBNET",
        Grouping::Service | Grouping::Served => "SERVICE",
        Grouping::Process => "PROCESS",
        Grouping::User => "USER",
        Grouping::Unit => "UNIT",
        Grouping::Country => "COUNTRY",
        Grouping::Asn => "ORGANISATION",
        Grouping::Interface => "INTERFACE",
        Grouping::Mark => "MARK",
        Grouping::Zone => "ZONE",
        Grouping::Protocol => "PROTOCOL",
        Grouping::State => "STATE",
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

fn address(address: IpAddr, out: &mut String) {
    let _ = write!(out, "{address}");
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
        Group::User(user) => write!(out, "{}", nobody(user, "(no user)")),
        Group::Unit(unit) => write!(out, "{}", nobody(unit, "(no unit)")),
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
const fn nobody(belonging: Belonging, none: &'static str) -> &'static str {
    match belonging {
        Belonging::Unknown(why) => why.label(),
        Belonging::Unseen => Who::Unseen.label(),
        Belonging::None | Belonging::To(_) => none,
    }
}

/// Text of its own, or `-` for what is not known.
fn known(value: Option<impl std::fmt::Display>, out: &mut String) {
    match value {
        // Writing to a String cannot fail.
        Some(value) => drop(write!(out, "{value}")),
        None => out.push('-'),
    }
}

fn count(count: u64, out: &mut String) {
    match count {
        0..1_000_000 => units::grouped(out, count),
        _ => units::count(out, count),
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
    fn every_column_sorts_by_a_name_of_its_own() {
        let names: Vec<_> = GroupColumn::names().collect();
        for name in &names {
            assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{name}");
            assert!(GroupColumn::named(name).is_some());
        }
    }

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
