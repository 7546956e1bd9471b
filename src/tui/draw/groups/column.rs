//! The columns of tables of groups: which a list has, which yield first, and how
//! they look.

use super::super::super::theme::Role;
use super::super::table;
use crate::view::GroupRow;
use crate::view::group::{Country, Group, GroupColumn as Column, Grouping};
use crate::view::units::Tiers;

use Column::{
    Age, Bars, Code, Ended, Flows, Hosts, Mac, Mount, Name, New, Nfs, OrigBytes, OrigRate, Pid,
    ReplyBytes, ReplyRate, Rtt, Seen, To, Trend, Unit, Unreplied, User,
};

/// The columns of a list.
pub(super) struct Model {
    /// Those it begins with, in the order of the screen: which group it is, and
    /// what is counted of its flows. [`MOVED`] follows in every list.
    own: &'static [Column],
    /// The order in which they yield, after the trend. One that the list does
    /// not have makes no difference. Names, flows and both rates stay.
    yielding: &'static [&'static [Column]],
}

/// What every list ends with.
const MOVED: [Column; 6] = [ReplyBytes, OrigBytes, ReplyRate, OrigRate, Bars, Trend];

const BYTES: &[Column] = &[ReplyBytes, OrigBytes];

const CODED: Model = Model {
    own: &[Code, Name, Flows, Ended, Hosts, New, Unreplied, Age, Seen],
    yielding: &[
        &[Age],
        &[New],
        &[Unreplied],
        &[Ended],
        &[Seen],
        &[Hosts],
        BYTES,
        &[Bars],
        &[Code],
    ],
};

const NAMED: Model = Model {
    own: &[Name, Flows, Ended, Hosts, New, Unreplied, Age, Seen],
    yielding: &[
        &[Age],
        &[Ended],
        &[New],
        &[Seen],
        BYTES,
        &[Bars],
        &[Unreplied],
        &[Hosts],
    ],
};

/// One far end each, which has a column of its own.
const PAIRS: Model = Model {
    own: &[Name, To, Flows, Ended, New, Unreplied, Age, Seen],
    ..NAMED
};

const PROCESSES: Model = Model {
    own: &[Name, Pid, User, Unit, Flows, Ended, Hosts, Age, Seen],
    yielding: &[
        &[Age],
        &[Ended],
        &[Seen],
        &[Unit],
        &[Hosts],
        &[User],
        BYTES,
        &[Bars],
        &[Pid],
    ],
};

const HOSTS: Model = Model {
    own: &[Name, Mac, Flows, Hosts, New, Unreplied, Age, Seen],
    yielding: &[
        &[Age],
        &[Seen],
        &[Mac],
        &[New],
        BYTES,
        &[Bars],
        &[Unreplied],
        &[Hosts],
    ],
};

const PEERS: Model = Model {
    own: &[Name, Flows, Rtt, Age, Seen, Ended],
    yielding: &[
        &[Ended],
        &[Age],
        &[Seen],
        BYTES,
        &[Mount],
        &[Bars],
        &[Rtt],
        &[Nfs],
    ],
};

/// Peers of this machine's NFS server.
const NFS_CLIENTS: Model = Model {
    own: &[Name, Nfs, Mount, Flows, Rtt, Age, Seen, Ended],
    ..PEERS
};

impl Model {
    /// Of a list of groups, of flows that are within others.
    pub(super) fn of(grouping: Grouping, within: &[Group]) -> &'static Self {
        let is_nfs = |group: &Group| matches!(group, Group::Served(Some(it)) if it.is_nfs());
        match grouping {
            Grouping::Peer if within.iter().any(is_nfs) => &NFS_CLIENTS,
            Grouping::Peer => &PEERS,
            Grouping::Country | Grouping::Asn | Grouping::Service | Grouping::Served => &CODED,
            Grouping::Process => &PROCESSES,
            Grouping::Host => &HOSTS,
            Grouping::Pair => &PAIRS,
            _ => &NAMED,
        }
    }

    /// Of a list of groups, with all that it can have.
    pub(super) fn whole(grouping: Grouping) -> &'static Self {
        match grouping {
            Grouping::Peer => &NFS_CLIENTS,
            _ => Self::of(grouping, &[]),
        }
    }

    /// In the order of the screen.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.own.iter().copied().chain(MOVED)
    }

    /// What yields, step by step.
    pub(super) fn yielding(&self) -> impl Iterator<Item = &'static [Column]> {
        let first: &[Column] = &[Trend];
        [first].into_iter().chain(self.yielding.iter().copied())
    }
}

/// What a cell is, by what it says.
pub(super) fn role(column: Column, row: &GroupRow, tiers: Tiers) -> Role {
    if row.is_over() {
        return Role::Dim;
    }
    match column {
        Name => name_role(row),
        Code => match row.group {
            Group::Country(Country::Code(_)) => Role::Country,
            _ => Role::Dim,
        },
        To => match row.group {
            Group::Pair(_, to) => table::host_role(to),
            _ => Role::Dim,
        },
        Pid | User | Unit | Mac | Age | Seen | Rtt | Nfs => Role::Dim,
        Mount => Role::Text,
        Flows => zero_is_dim(row.flows as u64),
        Ended => zero_is_dim(row.ended),
        Hosts => zero_is_dim(row.hosts as u64),
        New => zero_is_dim(row.new as u64),
        Unreplied => zero_is_dim(row.unreplied as u64),
        ReplyBytes => zero_is_dim(row.bytes().unwrap_or_default().reply),
        OrigBytes | Column::Bytes => zero_is_dim(row.bytes().unwrap_or_default().orig),
        ReplyRate => table::rate_role(tiers, Some(row.bytes_per_sec.reply)),
        OrigRate => table::rate_role(tiers, Some(row.bytes_per_sec.orig)),
        // Pictures, drawn where one knows how wide they are.
        Bars => Role::Bar,
        Trend => Role::Trend,
    }
}

fn name_role(row: &GroupRow) -> Role {
    match row.group {
        Group::Host(host)
        | Group::Source(host)
        | Group::Destination(host)
        | Group::Peer(host)
        | Group::Pair(host, _)
        | Group::Subnet(host, _) => table::host_role(host),
        Group::Mark(Some(_)) | Group::Zone(_) => Role::Text,
        // What stands in for a name.
        _ if row.name.is_none() => Role::Dim,
        Group::Country(_) | Group::Asn(_) => Role::Country,
        Group::Service(_) | Group::Served(_) => Role::Service,
        Group::Protocol(_) => Role::Proto,
        _ => Role::Text,
    }
}

const fn zero_is_dim(value: u64) -> Role {
    match value {
        0 => Role::Dim,
        _ => Role::Text,
    }
}
