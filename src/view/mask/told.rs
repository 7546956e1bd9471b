//! What views and records are made of, with pseudonyms.
//!
//! Every structure is taken apart whole, without `..`: whoever adds a field has
//! to say here whether it tells of somebody.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Mask;
use crate::enrich::End;
use crate::enrich::geoip::{Location, Place};
use crate::enrich::nfsd;
use crate::enrich::owners::{Account, Cgroup, Container, Owner, Parent, Process};
use crate::flow::Pair;
use crate::table::Flow;
use crate::view::detail::Translated;
use crate::view::group::Holder;
use crate::view::portrait::{Part, Parts, Portrait};
use crate::view::{Bearings, Detail, Group, GroupRow, Host, Row, Status, View, ViewRow};

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
        } = self;
        MaskedRow {
            flow: mask.flow(flow),
            service: service.map(Box::from),
            ends: mask.ends(ends),
            bearings: mask.bearings(bearings),
            owners: owners.map(|owners| mask.owners(owners)),
            since_baseline: *since_baseline,
            whole_timeout: *whole_timeout,
            now: *now,
        }
    }
}

impl ViewRow {
    /// The same with pseudonyms.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            id,
            flow,
            service,
            ends,
            bearings,
            owners,
            since_baseline,
            whole_timeout,
        } = self;
        Self {
            id: *id,
            flow: mask.flow(flow),
            service: service.clone(),
            ends: mask.ends(ends),
            bearings: mask.bearings(bearings),
            owners: owners.as_ref().map(|owners| mask.owners(owners)),
            since_baseline: *since_baseline,
            whole_timeout: *whole_timeout,
        }
    }
}

impl GroupRow {
    /// The same with pseudonyms. Its group is then one that there is not: what
    /// it is asked for by is that of the true row.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            group,
            name,
            second_name,
            holder,
            mac,
            nfs,
            rtt_us,
            flows,
            new,
            unreplied,
            oldest,
            ended,
            last_ended,
            hosts,
            counters,
            is_rated,
            bytes_per_sec,
            average_bytes_per_sec,
            past,
        } = self;
        Self {
            group: mask.group(*group),
            name: name.as_ref().map(|name| mask.name_of(*group, name)),
            second_name: second_name.as_ref().map(|n| mask.name_of(*group, n)),
            holder: holder.as_ref().map(|holder| mask.holder(holder)),
            mac: mac.map(|mac| mask.mac(mac)),
            nfs: nfs.as_ref().map(|nfs| nfsd::Client {
                minor_version: nfs.minor_version,
                mount: nfs.mount.as_ref().map(|path| mask.word("dir", path)),
            }),
            rtt_us: *rtt_us,
            flows: *flows,
            new: *new,
            unreplied: *unreplied,
            oldest: *oldest,
            ended: *ended,
            last_ended: *last_ended,
            hosts: *hosts,
            counters: *counters,
            is_rated: *is_rated,
            bytes_per_sec: *bytes_per_sec,
            average_bytes_per_sec: *average_bytes_per_sec,
            past: *past,
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

impl Detail {
    /// The same with pseudonyms.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            row,
            at,
            is_over,
            hosts,
            translated,
            past,
            parent_lives,
        } = self;
        let other = |side: &Option<Translated>| side.as_ref().map(|side| mask.translated(side));
        Self {
            row: row.masked(mask),
            at: *at,
            is_over: *is_over,
            hosts: Pair {
                orig: mask.known_host(&hosts.orig),
                reply: mask.known_host(&hosts.reply),
            },
            translated: Pair {
                orig: other(&translated.orig),
                reply: other(&translated.reply),
            },
            past: *past,
            parent_lives: *parent_lives,
        }
    }
}

impl Status {
    /// The same with pseudonyms in what it says.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            source: _,
            hint,
            synced: _,
            table_used: _,
            table_max: _,
            lost: _,
            updates_shed: _,
            stretched: _,
            accounting: _,
            timestamps: _,
            tracking_wanted: _,
            warnings,
            resolver,
            // Names of files that everybody has.
            places: _,
        } = self;
        Self {
            hint: hint.as_deref().map(|hint| mask.text(hint)),
            warnings: warnings.iter().map(|warning| mask.text(warning)).collect(),
            resolver: resolver.as_deref().map(|problem| mask.text(problem)),
            ..self.clone()
        }
    }
}

impl Portrait {
    /// The same with pseudonyms.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            row,
            host,
            oldest,
            uncounted,
            peers,
            hosts,
            asks,
            serves,
            processes,
        } = self;
        let one = |part: &Part<IpAddr>| Part {
            what: mask.address(part.what),
            name: part.name.as_deref().map(|name| mask.host(name).into()),
            ..part.clone()
        };
        let several = |parts: &Parts<IpAddr>| Parts {
            top: parts.top.iter().map(one).collect(),
            count: parts.count,
        };
        Self {
            row: row.masked(mask),
            host: host.as_ref().map(|(address, end, host)| {
                let address = mask.address(*address);
                (address, mask.end(end), mask.known_host(host))
            }),
            oldest: *oldest,
            uncounted: *uncounted,
            peers: several(peers),
            hosts: several(hosts),
            asks: asks.clone(),
            serves: serves.clone(),
            processes: processes.clone(),
        }
    }
}

impl View {
    /// The same with pseudonyms. The question stays as it was asked: it is
    /// shown by [`Filter::masked`](crate::view::filter::Filter::masked).
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            at,
            answered_at,
            query,
            rows,
            groups,
            group_count,
            first,
            cursor,
            group_cursor,
            detail,
            portrait,
            matching,
            ended,
            departed,
            uncounted,
            counters,
            matching_bytes_per_sec,
            out_of_scope,
            out_of_direction,
            filtered_out,
            inactive,
            own,
            totals,
            bytes_per_sec,
            born_per_sec,
            ended_per_sec,
            recent,
            chart,
            status,
            health,
        } = self;
        let detail = detail.as_ref();
        Self {
            at: *at,
            answered_at: *answered_at,
            query: query.clone(),
            rows: rows.iter().map(|row| row.masked(mask)).collect(),
            groups: groups.iter().map(|row| row.masked(mask)).collect(),
            group_count: *group_count,
            first: *first,
            cursor: *cursor,
            group_cursor: *group_cursor,
            detail: detail.map(|detail| Box::new(detail.masked(mask))),
            portrait: portrait.as_ref().map(|one| Box::new(one.masked(mask))),
            matching: *matching,
            ended: *ended,
            departed: *departed,
            uncounted: *uncounted,
            counters: *counters,
            matching_bytes_per_sec: *matching_bytes_per_sec,
            out_of_scope: *out_of_scope,
            out_of_direction: *out_of_direction,
            filtered_out: *filtered_out,
            inactive: *inactive,
            own: *own,
            totals: *totals,
            bytes_per_sec: *bytes_per_sec,
            born_per_sec: *born_per_sec,
            ended_per_sec: *ended_per_sec,
            recent: recent.clone(),
            // Numbers; what they are of is the question.
            chart: chart.clone(),
            status: status.masked(mask),
            health: health.as_ref().map(|health| Box::new(health.masked(mask))),
        }
    }
}

/// Directories of programs that everybody has.
const SYSTEM: &[&str] = &["/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/opt/"];

impl Mask {
    fn flow(&self, flow: &Flow) -> Flow {
        flow.readdressed(|address| self.address(address))
    }

    fn ends(&self, ends: &Pair<End>) -> Pair<End> {
        Pair {
            orig: self.end(&ends.orig),
            reply: self.end(&ends.reply),
        }
    }

    fn end(&self, end: &End) -> End {
        let End { location, name } = end;
        End {
            location: self.location(location),
            name: name.as_deref().map(|name| Arc::from(self.host(name))),
        }
    }

    fn location(&self, location: &Location) -> Location {
        let Location::Place(place) = location else {
            return location.clone();
        };
        let Place {
            country_code,
            city,
            asn,
            as_org,
        } = place;
        let city = city.as_deref().map(|city| self.word("city", city));
        Location::Place(Place {
            country_code: *country_code,
            city: city.map(Arc::from),
            asn: *asn,
            as_org: as_org.clone(),
        })
    }

    fn bearings(&self, bearings: &Bearings) -> Bearings {
        let Bearings {
            direction,
            interfaces,
            src_mac,
        } = bearings;
        Bearings {
            direction: *direction,
            interfaces: interfaces.clone(),
            src_mac: src_mac.map(|mac| self.mac(mac)),
        }
    }

    fn owners(&self, owners: &Pair<Option<Owner>>) -> Pair<Option<Owner>> {
        let owner = |owner: &Option<Owner>| owner.as_ref().map(|owner| self.owner(owner));
        Pair {
            orig: owner(&owners.orig),
            reply: owner(&owners.reply),
        }
    }

    fn owner(&self, owner: &Owner) -> Owner {
        let Owner {
            process,
            account,
            cgroup,
            figures,
            namespace,
        } = owner;
        Owner {
            process: match process {
                Ok(process) => Ok(Arc::new(self.process(process))),
                Err(why) => Err(*why),
            },
            account: account.as_deref().map(|account| self.account(account)),
            cgroup: cgroup.as_deref().map(|cgroup| self.cgroup(cgroup)),
            figures: *figures,
            namespace: namespace.map(|address| self.address(address)),
        }
    }

    fn process(&self, process: &Process) -> Process {
        let Process {
            pid,
            start_ticks,
            name,
            exe,
            cmdline,
            account,
            parents,
            cgroup,
        } = process;
        Process {
            pid: *pid,
            start_ticks: *start_ticks,
            name: Arc::clone(name),
            exe: exe.as_deref().map(|exe| self.program(exe).into()),
            cmdline: cmdline.as_deref().map(|line| self.cmdline(line).into()),
            account: account.as_deref().map(|account| self.account(account)),
            parents: parents
                .iter()
                .map(|Parent { pid, name }| Parent {
                    pid: *pid,
                    name: name.clone(),
                })
                .collect(),
            cgroup: cgroup.as_deref().map(|cgroup| self.cgroup(cgroup)),
        }
    }

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

    fn account(&self, account: &Account) -> Arc<Account> {
        let Account { uid, name } = account;
        Arc::new(Account {
            uid: self.uid(*uid),
            name: name.as_deref().map(|name| self.user(name).into()),
        })
    }

    /// The pseudonym of a user's name; `root` stays.
    pub fn user(&self, name: &str) -> String {
        match name {
            "root" => name.to_owned(),
            _ => self.word("user", name),
        }
    }

    fn cgroup(&self, cgroup: &Cgroup) -> Arc<Cgroup> {
        let Cgroup {
            path,
            unit,
            container,
        } = cgroup;
        Arc::new(Cgroup {
            path: self.word("cgroup", path).into(),
            unit: unit.as_deref().map(|unit| Arc::from(self.unit(unit))),
            container: container
                .as_ref()
                .map(|container| self.container(container)),
        })
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

    fn container(&self, container: &Container) -> Container {
        let Container {
            runtime,
            id,
            name,
            pod,
        } = container;
        Container {
            runtime,
            id: self.word("ct", id).into(),
            name: name.as_deref().map(|name| self.word("ct", name).into()),
            pod: pod.as_deref().map(|pod| self.word("pod", pod).into()),
        }
    }

    fn holder(&self, holder: &Holder) -> Holder {
        let Holder {
            process,
            account,
            cgroup,
        } = holder;
        Holder {
            process: process.as_deref().map(|p| Arc::new(self.process(p))),
            account: account.as_deref().map(|account| self.account(account)),
            cgroup: cgroup.as_deref().map(|cgroup| self.cgroup(cgroup)),
        }
    }

    /// A group under a pseudonym, for drawing it.
    fn group(&self, group: Group) -> Group {
        match group {
            Group::Host(host) => Group::Host(self.address(host)),
            Group::Source(host) => Group::Source(self.address(host)),
            Group::Destination(host) => Group::Destination(self.address(host)),
            Group::Peer(host) => Group::Peer(self.address(host)),
            Group::Pair(from, to) => Group::Pair(self.address(from), self.address(to)),
            Group::Subnet(first, width) => Group::subnet(self.address(first), width),
            Group::User(_)
            | Group::Unit(_)
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
            | Group::Others => group,
        }
    }

    /// What a group is called.
    fn name_of(&self, group: Group, name: &Arc<str>) -> Arc<str> {
        match group {
            Group::Host(_)
            | Group::Source(_)
            | Group::Destination(_)
            | Group::Peer(_)
            | Group::Pair(..) => Arc::from(self.host(name)),
            Group::User(_) => Arc::from(self.user(name)),
            Group::Unit(_) if is_unit(name) => Arc::from(self.unit(name)),
            Group::Unit(_) => Arc::from(self.word("ct", name)),
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
            | Group::Others => Arc::clone(name),
        }
    }

    fn known_host(&self, host: &Host) -> Host {
        let Host {
            is_here,
            mac,
            naming,
            placed_by,
        } = host;
        Host {
            is_here: *is_here,
            mac: mac.map(|mac| self.mac(mac)),
            naming: *naming,
            placed_by: placed_by.clone(),
        }
    }

    fn translated(&self, translated: &Translated) -> Translated {
        let Translated {
            address,
            port,
            is_here,
            is_other_address,
            end,
            mac,
        } = translated;
        Translated {
            address: self.address(*address),
            port: *port,
            is_here: *is_here,
            is_other_address: *is_other_address,
            end: self.end(end),
            mac: mac.map(|mac| self.mac(mac)),
        }
    }
}
