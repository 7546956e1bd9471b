//! What views and records are made of, with pseudonyms.
//!
//! Of every structure all fields are named: whoever adds one has to say here
//! whether it tells of somebody.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Mask;
use crate::enrich::End;
use crate::enrich::geoip::{Location, Place};
use crate::enrich::nfsd;
use crate::enrich::owners::{Account, Cgroup, Container, Owner, Process};
use crate::flow::Pair;
use crate::table::Flow;
use crate::view::detail::Translated;
use crate::view::group::Holder;
use crate::view::health::Health;
use crate::view::portrait::{Part, Parts, Portrait};
use crate::view::{Bearings, Detail, Group, GroupRow, Host, Mac, Row, Status, View, ViewRow};

/// What may tell of somebody.
trait Telling {
    /// Puts pseudonyms in the place of what does.
    fn mask(&mut self, mask: &Mask);
}

/// A text, or some, or none.
trait Texts {
    /// Puts a pseudonym in the place of each.
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String);
}

/// A copy that tells of nobody.
fn masked<T: Telling + Clone>(told: &T, mask: &Mask) -> T {
    let mut copy = told.clone();
    copy.mask(mask);
    copy
}

/// Which fields of a structure tell of somebody, texts with the pseudonym that
/// they get, and which do not. It is taken apart whole: a field that is not
/// named here is an error.
macro_rules! telling {
    ($type:ty: tells($($field:ident $(= $pseudonym:expr)?),*), stays($($stays:ident),*)) => {
        impl Telling for $type {
            fn mask(&mut self, mask: &Mask) {
                let Self { $($field,)* $($stays: _,)* } = self;
                $(telling!(@field $field, mask $(, $pseudonym)?);)*
            }
        }
    };
    (@field $field:ident, $mask:ident) => {
        $field.mask($mask)
    };
    (@field $field:ident, $mask:ident, $pseudonym:expr) => {
        $field.reword(|text| $pseudonym($mask, text))
    };
}

/// The pseudonym of a text of some kind.
fn word(kind: &'static str) -> impl Fn(&Mask, &str) -> String {
    move |mask, text| mask.word(kind, text)
}

telling!(View:
    tells(rows, groups, detail, portrait, status, health),
    // The question stays as it was asked, and so do the names of rows, which are
    // for what keys do. A chart has numbers only.
    stays(
        at, answered_at, query, group_count, first, cursor, group_cursor, matching, ended, departed,
        uncounted, counters, matching_bytes_per_sec, out_of_scope, out_of_direction, filtered_out,
        inactive, own, totals, bytes_per_sec, born_per_sec, ended_per_sec, recent, chart
    )
);
telling!(Status:
    tells(hint = Mask::text, warnings = Mask::text, resolver = Mask::text),
    // Places are names of files that everybody has.
    stays(
        source, synced, table_used, table_max, lost, updates_shed, stretched, accounting,
        timestamps, tracking_wanted, places
    )
);
telling!(ViewRow:
    tells(flow, ends, bearings, owners),
    stays(id, service, since_baseline, whole_timeout)
);
telling!(MaskedRow:
    tells(flow, ends, bearings, owners),
    stays(now, service, since_baseline, whole_timeout)
);
telling!(Detail:
    tells(row, hosts, translated),
    stays(at, is_over, past, parent_lives)
);
telling!(Host: tells(mac), stays(is_here, naming, placed_by));
telling!(Translated: tells(address, end, mac), stays(port, is_here, is_other_address));
telling!(Portrait:
    tells(row, host, peers, hosts),
    stays(oldest, uncounted, asks, serves, processes)
);
telling!(Parts<IpAddr>: tells(top), stays(count));
telling!(Part<IpAddr>: tells(what, name = Mask::host), stays(flows, bytes, bytes_per_sec));

telling!(End: tells(location, name = Mask::host), stays());
telling!(Place: tells(city = word("city")), stays(country_code, asn, as_org));
telling!(Bearings: tells(src_mac), stays(direction, interfaces));
telling!(nfsd::Client: tells(mount = word("dir")), stays(minor_version));

telling!(Holder: tells(process, account, cgroup), stays());
telling!(Owner: tells(process, account, cgroup, namespace), stays(figures));
// Parents are numbers and names of programs.
telling!(Process:
    tells(exe = Mask::program, cmdline = Mask::cmdline, account, cgroup),
    stays(pid, start_ticks, name, parents)
);
telling!(Cgroup: tells(path = word("cgroup"), unit = Mask::unit, container), stays());
telling!(Container: tells(id = word("ct"), name = word("ct"), pod = word("pod")), stays(runtime));

impl Telling for Account {
    fn mask(&mut self, mask: &Mask) {
        let Self { uid, name } = self;
        *uid = mask.uid(*uid);
        name.reword(|name| mask.user(name));
    }
}

impl Telling for GroupRow {
    fn mask(&mut self, mask: &Mask) {
        let Self {
            group,
            name,
            second_name,
            holder,
            mac,
            nfs,
            rtt_us: _,
            flows: _,
            new: _,
            unreplied: _,
            oldest: _,
            ended: _,
            last_ended: _,
            hosts: _,
            counters: _,
            is_rated: _,
            bytes_per_sec: _,
            average_bytes_per_sec: _,
            past: _,
        } = self;
        // By what the true group is.
        name.reword(|name| mask.name_of(*group, name));
        second_name.reword(|name| mask.name_of(*group, name));
        group.mask(mask);
        holder.mask(mask);
        mac.mask(mask);
        nfs.mask(mask);
    }
}

impl Telling for Group {
    /// For drawing it: one that there is not.
    fn mask(&mut self, mask: &Mask) {
        match self {
            Self::Host(host) | Self::Source(host) | Self::Destination(host) | Self::Peer(host) => {
                host.mask(mask);
            }
            Self::Pair(from, to) => {
                from.mask(mask);
                to.mask(mask);
            }
            Self::Subnet(first, width) => *self = Self::subnet(mask.address(*first), *width),
            Self::User(_)
            | Self::Unit(_)
            | Self::Service(_)
            | Self::Served(_)
            | Self::Process(_)
            | Self::Country(_)
            | Self::Asn(_)
            | Self::Interface(_)
            | Self::Mark(_)
            | Self::Zone(_)
            | Self::Protocol(_)
            | Self::State(_)
            | Self::Others => {}
        }
    }
}

impl Telling for Flow {
    fn mask(&mut self, mask: &Mask) {
        *self = self.readdressed(|address| mask.address(address));
    }
}

impl Telling for Health {
    fn mask(&mut self, mask: &Mask) {
        *self = self.masked(mask);
    }
}

impl Telling for Location {
    fn mask(&mut self, mask: &Mask) {
        match self {
            Self::Place(place) => place.mask(mask),
            Self::Lan | Self::Unknown => {}
        }
    }
}

impl Telling for IpAddr {
    fn mask(&mut self, mask: &Mask) {
        *self = mask.address(*self);
    }
}

impl Telling for Mac {
    fn mask(&mut self, mask: &Mask) {
        *self = mask.mac(*self);
    }
}

impl<T: Telling> Telling for Option<T> {
    fn mask(&mut self, mask: &Mask) {
        if let Some(told) = self {
            told.mask(mask);
        }
    }
}

impl<T: Telling, E> Telling for Result<T, E> {
    fn mask(&mut self, mask: &Mask) {
        if let Ok(told) = self {
            told.mask(mask);
        }
    }
}

impl<T: Telling> Telling for Vec<T> {
    fn mask(&mut self, mask: &Mask) {
        for told in self {
            told.mask(mask);
        }
    }
}

impl<T: Telling> Telling for Pair<T> {
    fn mask(&mut self, mask: &Mask) {
        let Self { orig, reply } = self;
        orig.mask(mask);
        reply.mask(mask);
    }
}

impl<A: Telling, B: Telling, C: Telling> Telling for (A, B, C) {
    fn mask(&mut self, mask: &Mask) {
        self.0.mask(mask);
        self.1.mask(mask);
        self.2.mask(mask);
    }
}

impl<T: Telling> Telling for Box<T> {
    fn mask(&mut self, mask: &Mask) {
        (**self).mask(mask);
    }
}

impl<T: Telling + Clone> Telling for Arc<T> {
    /// Who else holds it keeps the true one.
    fn mask(&mut self, mask: &Mask) {
        Arc::make_mut(self).mask(mask);
    }
}

impl Texts for String {
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String) {
        *self = pseudonym(self);
    }
}

impl Texts for Box<str> {
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String) {
        *self = pseudonym(self).into();
    }
}

impl Texts for Arc<str> {
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String) {
        *self = pseudonym(self).into();
    }
}

impl<T: Texts> Texts for Option<T> {
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String) {
        if let Some(text) = self {
            text.reword(&pseudonym);
        }
    }
}

impl<T: Texts> Texts for Vec<T> {
    fn reword(&mut self, pseudonym: impl Fn(&str) -> String) {
        for text in self {
            text.reword(&pseudonym);
        }
    }
}

impl View {
    /// The same with pseudonyms. The question stays as it was asked: it is
    /// shown by [`Filter::masked`](crate::view::filter::Filter::masked).
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        masked(self, mask)
    }
}

impl ViewRow {
    /// The same with pseudonyms.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        masked(self, mask)
    }
}

impl GroupRow {
    /// The same with pseudonyms. Its group is then one that there is not: what
    /// it is asked for by is that of the true row.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        masked(self, mask)
    }
}

impl Row<'_> {
    /// The same with pseudonyms.
    pub fn masked(&self, mask: &Mask) -> MaskedRow {
        let Self {
            flow,
            now,
            service,
            ends,
            bearings,
            owners,
            since_baseline,
            whole_timeout,
        } = self.clone();
        let mut row = MaskedRow {
            flow: flow.clone(),
            service: service.map(Box::from),
            ends,
            bearings,
            owners: owners.cloned(),
            since_baseline,
            whole_timeout,
            now,
        };
        row.mask(mask);
        row
    }
}

/// A row with pseudonyms, whole, since nothing true is borrowed.
#[derive(Clone, Debug)]
pub struct MaskedRow {
    flow: Flow,
    service: Option<Box<str>>,
    ends: Pair<End>,
    bearings: Bearings,
    owners: Option<Pair<Option<Owner>>>,
    since_baseline: Option<Pair<u64>>,
    whole_timeout: Option<Duration>,
    now: crate::flow::Moment,
}

impl MaskedRow {
    /// The row.
    pub fn row(&self) -> Row<'_> {
        Row {
            flow: &self.flow,
            now: self.now,
            service: self.service.as_deref(),
            ends: self.ends.clone(),
            bearings: self.bearings.clone(),
            owners: self.owners.as_ref(),
            since_baseline: self.since_baseline,
            whole_timeout: self.whole_timeout,
        }
    }
}

/// Directories of programs that everybody has.
const SYSTEM: &[&str] = &["/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/"];

impl Mask {
    /// A path of a program: whole where the system's programs are, else its
    /// last name only.
    fn program(&self, path: &str) -> String {
        if SYSTEM.iter().any(|system| path.starts_with(system)) {
            return path.to_owned();
        }
        match path.rsplit_once('/') {
            Some((directory, name)) => format!("{}/{name}", self.word("path", directory)),
            None => path.to_owned(),
        }
    }

    /// A command line: the program, and one word for all its arguments.
    fn cmdline(&self, line: &str) -> String {
        match line.split_once(' ') {
            Some((program, arguments)) => {
                let arguments = self.word("args", arguments);
                format!("{} {arguments}", self.program(program))
            }
            None => self.program(line),
        }
    }

    /// The pseudonym of a user's name; `root` stays.
    pub fn user(&self, name: &str) -> String {
        match name {
            "root" => name.to_owned(),
            _ => self.word("user", name),
        }
    }

    /// A systemd unit: services and the like by name, without the instance; what
    /// is made for a session or a container has no name to show.
    pub fn unit(&self, unit: &str) -> String {
        let (stem, kind) = unit.rsplit_once('.').unwrap_or((unit, ""));
        match (stem.split_once('@'), kind) {
            (_, "scope" | "slice") => format!("{}.{kind}", self.word("unit", stem)),
            (Some((template, instance)), _) if !instance.is_empty() => {
                format!("{template}@{}.{kind}", self.word("of", instance))
            }
            _ => unit.to_owned(),
        }
    }

    /// What a group is called.
    fn name_of(&self, group: Group, name: &str) -> String {
        match group {
            Group::Host(_)
            | Group::Source(_)
            | Group::Destination(_)
            | Group::Peer(_)
            | Group::Pair(..) => self.host(name),
            Group::User(_) => self.user(name),
            Group::Unit(_) if is_unit(name) => self.unit(name),
            Group::Unit(_) => self.word("ct", name),
            Group::Subnet(..)
            | Group::Service(_)
            | Group::Served(_)
            | Group::Process(_)
            | Group::Country(_)
            | Group::Asn(_)
            | Group::Interface(_)
            | Group::Mark(_)
            | Group::Zone(_)
            | Group::Protocol(_)
            | Group::State(_)
            | Group::Others => name.to_owned(),
        }
    }
}

/// Whether this is the name of a systemd unit, and not of a container.
fn is_unit(name: &str) -> bool {
    let kind = name.rsplit_once('.').map(|(_, kind)| kind);
    matches!(
        kind,
        Some("service" | "scope" | "slice" | "socket" | "mount")
    )
}
