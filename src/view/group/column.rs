//! The columns of groups: what can be said about one, and compared.

use super::super::column::Align;
use super::super::field::Value;
use super::{Country, Group, GroupRow, Holder};
use crate::flow::Pair;
use crate::view::Who;

/// A column of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// Code of a country, number of a network, port of a service.
    Code,
    /// What it is called: a country, an organisation, a service, a process, a
    /// host.
    Name,
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
    /// Flows that have ended since the start.
    Ended,
    /// Distinct far ends.
    Hosts,
    /// Births per second.
    New,
    /// Flows without an answer.
    Unreplied,
    /// Bytes received: by processes and hosts; of others those of the answers.
    ReplyBytes,
    /// Bytes sent.
    OrigBytes,
    /// Bytes per second received.
    ReplyRate,
    /// Bytes per second sent.
    OrigRate,
    /// Both rates as bars.
    Bars,
    /// How fast it was.
    Trend,
}

impl GroupColumn {
    /// Where its texts stand.
    pub const fn align(self) -> Align {
        match self {
            Self::Code | Self::Name | Self::User | Self::Unit | Self::Mac => Align::Left,
            _ => Align::Right,
        }
    }

    /// Whether it has to be found out for each row.
    pub(super) const fn is_described(self) -> bool {
        matches!(self, Self::Name | Self::User | Self::Unit | Self::Mac)
    }

    /// What rows are ordered by. Rates are averages over ten seconds, so that
    /// rows do not jump.
    pub(super) fn value(self, row: &GroupRow) -> Value<'_> {
        let holder = row.holder.as_ref();
        match self {
            Self::Code => code(&row.group),
            Self::Name => name(row),
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
            Self::Flows => Value::Uint(row.flows as u64),
            Self::Ended => Value::Uint(row.ended),
            Self::Hosts => Value::Uint(row.hosts as u64),
            Self::New => Value::Uint(row.new as u64),
            Self::Unreplied => Value::Uint(row.unreplied as u64),
            Self::ReplyBytes => Value::Uint(row.counters.reply.bytes),
            Self::OrigBytes => Value::Uint(row.counters.orig.bytes),
            Self::ReplyRate => Value::Uint(row.average_bytes_per_sec.reply),
            Self::OrigRate => Value::Uint(row.average_bytes_per_sec.orig),
            Self::Bars | Self::Trend => {
                let Pair { orig, reply } = row.average_bytes_per_sec;
                Value::Uint(orig.saturating_add(reply))
            }
        }
    }
}

fn code(group: &Group) -> Value<'_> {
    match group {
        Group::Country(Country::Code(code)) => Value::Text(code.as_str()),
        Group::Country(Country::Lan) => Value::Text("lan"),
        Group::Network(_, asn) => asn.map(|asn| u64::from(asn.get())).into(),
        Group::Service(service) => service.port.map(u64::from).into(),
        Group::Country(Country::Unknown) | Group::Process(_) | Group::Host(_) => Value::Absent,
    }
}

/// As it is shown; hosts without a name by address.
fn name(row: &GroupRow) -> Value<'_> {
    match (&row.name, row.group) {
        (Some(name), _) => Value::Text(name),
        (None, Group::Host(Some(host))) => Value::Address(host),
        (None, Group::Service(service)) => service.port.map(u64::from).into(),
        (None, Group::Process(Who::Process { pid, .. })) => Value::Uint(pid.into()),
        (None, Group::Process(who)) => Value::Text(who.label()),
        (None, Group::Country(Country::Lan)) => Value::Text("private addresses"),
        (None, _) => Value::Absent,
    }
}
