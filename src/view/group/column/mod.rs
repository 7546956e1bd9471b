//! The columns of groups: what can be said about one, shown and compared.

mod cell;
mod registry;

use super::super::column::Align;
use super::super::units::RateUnit;
use super::Grouping;
pub(super) use cell::nobody;
use registry::{About, COLUMNS};

pub use registry::GroupColumn;

impl GroupColumn {
    fn about(self) -> &'static About {
        &COLUMNS[self as usize]
    }

    /// What it shows, and why there may be nothing.
    pub fn doc(self) -> &'static str {
        self.about().doc
    }

    /// One by the name that `--sort` knows.
    pub fn named(name: &str) -> Option<Self> {
        let found = COLUMNS.iter().find(|about| about.name == name);
        found.map(|about| about.column)
    }

    /// The names that `--sort` knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        COLUMNS.iter().map(|about| about.name)
    }

    /// The name that sorts by it.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// Where its texts stand.
    pub fn align(self) -> Align {
        self.about().align
    }

    /// What stands above it in a list of groups.
    pub fn title(self, grouping: Grouping) -> &'static str {
        match (self, grouping) {
            (Self::Code, Grouping::Asn) => "AS",
            (Self::Code, Grouping::Service | Grouping::Served) => "PORT",
            (Self::Name, grouping) => name_title(grouping),
            (Self::Flows, Grouping::Peer) => "CONNS",
            (
                Self::Hosts,
                Grouping::Country | Grouping::Asn | Grouping::Subnet(_) | Grouping::Service,
            ) => "HOSTS",
            (Self::Hosts, Grouping::Served) => "CLIENTS",
            (Self::Age, Grouping::Peer) => "CONNECTED",
            (Self::ReplyBytes, Grouping::Peer | Grouping::Served) => "↓ RECV",
            (Self::OrigBytes, Grouping::Peer | Grouping::Served) => "↑ SENT",
            _ => self.about().title,
        }
    }

    /// The width that it needs, in cells of a terminal: bits per second have a
    /// longer unit than bytes per second.
    pub fn width(self, grouping: Grouping, unit: RateUnit) -> u16 {
        match (self, grouping, unit) {
            // AS4294967295
            (Self::Code, Grouping::Asn, _) => 12,
            // 65535/sctp
            (Self::Code, Grouping::Service | Grouping::Served, _) => 10,
            (Self::Age, Grouping::Peer, _) => 9,
            (Self::ReplyRate | Self::OrigRate, _, RateUnit::Bits) => self.about().width + 2,
            _ => self.about().width,
        }
    }

    /// The width that it can make use of.
    pub fn widest(self, grouping: Grouping, unit: RateUnit) -> u16 {
        match (self, grouping) {
            (Self::Name, Grouping::Process) => 24,
            _ => self.about().widest.max(self.width(grouping, unit)),
        }
    }

    /// The columns of a printed list.
    pub fn listed(grouping: Grouping) -> impl Iterator<Item = Self> {
        let named: &[Self] = match grouping {
            Grouping::Country | Grouping::Asn | Grouping::Service => &[Self::Code, Self::Name],
            Grouping::Process => &[Self::Name, Self::Pid, Self::User, Self::Unit],
            Grouping::Host => &[Self::Name, Self::Mac],
            Grouping::Pair => &[Self::Name, Self::To],
            Grouping::Peer => &[Self::Name, Self::Rtt, Self::Nfs, Self::Mount],
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

    /// Whether it has to be found out for each row.
    pub(super) const fn is_described(self) -> bool {
        matches!(
            self,
            Self::Name | Self::To | Self::User | Self::Unit | Self::Mac | Self::Nfs | Self::Mount
        )
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
    fn every_column_has_its_place() {
        for (place, about) in COLUMNS.iter().enumerate() {
            assert_eq!(about.column as usize, place, "{}", about.name);
            assert!(about.width <= about.widest, "{}", about.name);
        }
    }
}
