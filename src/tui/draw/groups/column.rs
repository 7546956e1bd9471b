//! The columns of tables of groups: which a list has, how wide they are, which
//! yield first, and what stands in them.

use std::fmt::Write;

use super::super::super::layout::BARS_TITLE;
use super::super::super::theme::Role;
use super::super::table;
use crate::view::group::{Country, Group, GroupColumn as Column, Holder, Service};
use crate::view::units::{self, RateUnit, Tiers};
use crate::view::{GroupRow, List, Who};

use Column::{
    Bars, Code, Ended, Flows, Hosts, Mac, Name, New, OrigBytes, OrigRate, Pid, ReplyBytes,
    ReplyRate, Trend, Unit, Unreplied, User,
};

/// The columns of a list.
pub(super) struct Model {
    /// In the order of the screen.
    pub(super) columns: &'static [Column],
    /// The order in which they yield. Names, flows and both rates stay.
    pub(super) yielding: &'static [&'static [Column]],
}

const BYTES: &[Column] = &[ReplyBytes, OrigBytes];

const FAR: Model = Model {
    columns: &[
        Code, Name, Flows, Ended, Hosts, ReplyBytes, OrigBytes, ReplyRate, OrigRate, Bars, Trend,
    ],
    yielding: &[&[Trend], &[Ended], &[Hosts], BYTES, &[Bars], &[Code]],
};

const PROCESSES: Model = Model {
    columns: &[
        Name, Pid, User, Unit, Flows, Ended, Hosts, ReplyBytes, OrigBytes, ReplyRate, OrigRate,
        Bars, Trend,
    ],
    yielding: &[
        &[Trend],
        &[Ended],
        &[Unit],
        &[Hosts],
        &[User],
        BYTES,
        &[Bars],
        &[Pid],
    ],
};

const HOSTS: Model = Model {
    columns: &[
        Name, Mac, Flows, Hosts, New, Unreplied, ReplyBytes, OrigBytes, ReplyRate, OrigRate, Bars,
        Trend,
    ],
    yielding: &[
        &[Trend],
        &[Mac],
        &[New],
        BYTES,
        &[Bars],
        &[Unreplied],
        &[Hosts],
    ],
};

impl Model {
    /// Of a list of groups.
    pub(super) const fn of(list: List) -> &'static Self {
        match list {
            List::Processes => &PROCESSES,
            List::Hosts => &HOSTS,
            List::Flows | List::Countries | List::Networks(_) | List::Services => &FAR,
        }
    }
}

impl Column {
    pub(super) const fn title(self, list: List) -> &'static str {
        match (self, list) {
            (Code, List::Networks(_)) => "AS",
            (Code, List::Services) => "PORT",
            (Code, _) => "CC",
            (Name, List::Networks(_)) => "ORGANISATION",
            (Name, List::Services) => "SERVICE",
            (Name, List::Processes) => "PROCESS",
            (Name, List::Hosts) => "HOST",
            (Name, _) => "COUNTRY",
            (Pid, _) => "PID",
            (User, _) => "USER",
            (Unit, _) => "UNIT",
            (Mac, _) => "MAC",
            (Flows, _) => "FLOWS",
            (Ended, _) => "ENDED",
            (Hosts, List::Processes | List::Hosts) => "PEERS",
            (Hosts, _) => "HOSTS",
            (New, _) => "NEW/s",
            (Unreplied, _) => "UNREPL",
            (ReplyBytes, _) => "↓ BYTES",
            (OrigBytes, _) => "↑ BYTES",
            (ReplyRate, _) => "↓ RATE",
            (OrigRate, _) => "↑ RATE",
            (Bars, _) => BARS_TITLE,
            (Trend, _) => "TREND",
        }
    }

    /// The width it needs.
    pub(super) const fn width(self, list: List, unit: RateUnit) -> u16 {
        match (self, list) {
            // AS4294967295
            (Code, List::Networks(_)) => 12,
            // 65535/sctp
            (Code, List::Services) => 10,
            (Code, _) => 3,
            (Name | Unit, _) => 16,
            (User, _) => 8,
            (Bars | Trend, _) => 10,
            (Mac, _) => 17,
            (New, _) => 6,
            (ReplyRate | OrigRate, _) => match unit {
                RateUnit::Bytes => 8,
                RateUnit::Bits => 10,
            },
            _ => 7,
        }
    }

    /// The width it can make use of.
    pub(super) const fn widest(self, list: List, unit: RateUnit) -> u16 {
        match (self, list) {
            (Name, List::Processes) => 24,
            (Name, _) => 40,
            (Unit, _) => 32,
            (User, _) => 16,
            (Bars, _) => 24,
            (Trend, _) => 40,
            _ => self.width(list, unit),
        }
    }

    /// Appends the text of a cell; what it is.
    pub(super) fn cell(
        self,
        row: &GroupRow,
        unit: RateUnit,
        tiers: Tiers,
        out: &mut String,
    ) -> Role {
        let rate = |bytes_per_sec, out: &mut String| {
            units::rate(out, Some(bytes_per_sec), unit);
            table::rate_role(tiers, Some(bytes_per_sec))
        };
        let holder = row.holder.as_ref();
        match self {
            Code => code(row.group, out),
            Name => name(row, out),
            Pid => match row.group {
                Group::Process(Who::Process { pid, .. }) => known(Some(pid), out),
                _ => known(None::<u32>, out),
            },
            User => known(holder.and_then(Holder::user), out),
            Unit => known(holder.and_then(Holder::unit), out),
            Mac => known(row.mac, out),
            Flows => count(row.flows as u64, out),
            Ended => count(row.ended, out),
            Hosts => count(row.hosts as u64, out),
            New => per_sec(row.born_per_sec(), out),
            Unreplied => count(row.unreplied as u64, out),
            ReplyBytes => bytes(row.counters.reply.bytes, out),
            OrigBytes => bytes(row.counters.orig.bytes, out),
            ReplyRate => rate(row.bytes_per_sec.reply, out),
            OrigRate => rate(row.bytes_per_sec.orig, out),
            // Pictures, drawn where one knows how wide they are.
            Bars => Role::Bar,
            Trend => Role::Trend,
        }
    }
}

/// Text of its own, or `-` for what is not known.
fn known(value: Option<impl std::fmt::Display>, out: &mut String) -> Role {
    match value {
        // Writing to a String cannot fail.
        Some(value) => drop(write!(out, "{value}")),
        None => out.push('-'),
    }
    Role::Dim
}

fn code(group: Group, out: &mut String) -> Role {
    // Writing to a String cannot fail.
    let _ = match group {
        Group::Country(Country::Code(code)) => {
            out.push_str(code.as_str());
            return Role::Country;
        }
        Group::Country(Country::Lan) => write!(out, "lan"),
        Group::Country(Country::Unknown) | Group::Network(_, None) => write!(out, "-"),
        Group::Network(_, Some(asn)) => write!(out, "AS{asn}"),
        Group::Service(service) => {
            port(service, out);
            Ok(())
        }
        // These have columns of their own.
        Group::Process(_) | Group::Host(_) => Ok(()),
    };
    Role::Dim
}

/// `443/tcp`; the protocol alone if it has no ports.
fn port(service: Service, out: &mut String) {
    let _ = match service.port {
        Some(port) => write!(out, "{port}/{}", service.proto),
        None => write!(out, "{}", service.proto),
    };
}

fn name(row: &GroupRow, out: &mut String) -> Role {
    if let Some(name) = &row.name {
        out.push_str(name);
        return match row.group {
            Group::Country(_) | Group::Network(..) => Role::Country,
            Group::Service(_) => Role::Service,
            Group::Process(_) => Role::Text,
            Group::Host(host) => host.map_or(Role::Dim, table::host_role),
        };
    }
    match row.group {
        Group::Country(Country::Lan) => out.push_str("private addresses"),
        Group::Country(Country::Code(code)) => out.push_str(code.as_str()),
        Group::Country(Country::Unknown) => out.push_str("unknown country"),
        Group::Network(_, None) => out.push_str("unknown network"),
        Group::Network(_, Some(_)) => out.push('-'),
        Group::Service(service) => port(service, out),
        Group::Process(Who::Process { pid, .. }) => drop(write!(out, "[{pid}]")),
        Group::Process(who) => out.push_str(who.label()),
        Group::Host(Some(host)) => {
            let _ = write!(out, "{host}");
            return table::host_role(host);
        }
        Group::Host(None) => out.push_str("(other hosts)"),
    }
    Role::Dim
}

/// What a trail calls a group.
pub(in super::super::super) fn label(row: &GroupRow) -> String {
    let mut text = String::new();
    match row.group {
        Group::Network(_, Some(_)) => {
            code(row.group, &mut text);
            if row.name.is_some() {
                text.push(' ');
                name(row, &mut text);
            }
        }
        Group::Process(Who::Process { pid, .. }) if row.name.is_some() => {
            name(row, &mut text);
            let _ = write!(text, "[{pid}]");
        }
        _ => {
            name(row, &mut text);
        }
    }
    text
}

const fn zero_is_dim(value: u64) -> Role {
    match value {
        0 => Role::Dim,
        _ => Role::Text,
    }
}

fn count(count: u64, out: &mut String) -> Role {
    match count {
        0..1_000_000 => units::grouped(out, count),
        _ => units::count(out, count),
    }
    zero_is_dim(count)
}

/// Tenths below ten, as in the line of totals.
fn per_sec(per_sec: f64, out: &mut String) -> Role {
    if per_sec < 0.05 {
        out.push('0');
        return Role::Dim;
    }
    if per_sec < 9.95 {
        let _ = write!(out, "{per_sec:.1}");
    } else {
        units::count(out, per_sec.round() as u64);
    }
    Role::Text
}

fn bytes(bytes: u64, out: &mut String) -> Role {
    units::bytes(out, Some(bytes));
    zero_is_dim(bytes)
}
