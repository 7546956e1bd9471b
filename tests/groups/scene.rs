//! A table with places and owners, asked for its groups.

use std::net::IpAddr;
use std::sync::Arc;

use flowtop::enrich::Knowledge;
use flowtop::enrich::geoip::{self, CountryCode, GeoIp};
use flowtop::enrich::locality::{Locality, Mac};
use flowtop::enrich::owners::{Owner, Process, Unknown};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, Tuple, Update,
};
use flowtop::table::{Change, Table};
use flowtop::view::group::Country;
use flowtop::view::{Group, GroupRow, Grouping, Ledger, List, Query, View};
use mmdb_writer::IpVersion;

use crate::databases::{BUILT, Dir, database, texts};

pub(crate) const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A table, what ended, and what is known about hosts.
pub(crate) struct Scene {
    pub(crate) table: Table,
    pub(crate) ledger: Ledger,
    pub(crate) knowledge: Knowledge,
    pub(crate) now: Moment,
}

/// Asks for all of a list.
pub(crate) fn question(list: List, scope: Scope, within: &[Group]) -> Query {
    Query {
        within: within.to_vec(),
        list,
        height: usize::MAX,
        ..Query::of(scope)
    }
}

/// Nobody's files of services but those inside the program.
pub(crate) fn services() -> Services {
    let nowhere = std::path::PathBuf::from("/nonexistent");
    let (services, warnings) = Services::load(&services::Settings {
        system_file: None,
        netsniff_dir: nowhere.clone(),
        vendor_dir: nowhere.clone(),
        admin_dir: nowhere,
        ..services::Settings::default()
    });
    assert!(warnings.is_empty(), "{warnings:?}");
    services
}

/// 81.0.0.0/16 and 81.1.0.0/16 are two networks of Germany, 82.0.0.0/8 is
/// France without a network, `2a02:db80::/32` is Germany's first network again.
pub(crate) fn places(test: &str) -> GeoIp {
    let network = |country, asn, organisation| {
        texts(&[
            ("country_code", country),
            ("asn", asn),
            ("as_name", organisation),
        ])
    };
    let dir = Dir::new(test);
    let records = [
        ("81.0.0.0/16", network("DE", "AS64500", "First")),
        ("81.1.0.0/16", network("DE", "AS64501", "Second")),
        ("82.0.0.0/8", texts(&[("country_code", "FR")])),
        ("2a02:db80::/32", network("DE", "AS64500", "First")),
    ];
    dir.write(
        "lite.mmdb",
        &database("lite", IpVersion::V6, BUILT, &records),
    );
    let (geoip, warnings) = GeoIp::open(geoip::Settings {
        enabled: true,
        named_dir: Some(dir.path().to_owned()),
        dirs: Vec::new(),
        embedded: false,
    });
    assert_eq!(warnings, []);
    geoip
}

pub(crate) fn tuple(src: &str, dst: &str, proto: Protocol, dport: u16) -> Tuple {
    let l4 = match proto {
        Protocol::TCP | Protocol::UDP => L4::Ports {
            src: 40_000,
            dst: dport,
        },
        Protocol::ICMP => L4::Icmp {
            kind: 8,
            code: 0,
            id: dport,
        },
        _ => L4::None,
    };
    match (src.parse().unwrap(), dst.parse().unwrap()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Tuple::v4(src, dst, proto, l4),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Tuple::v6(src, dst, proto, l4),
        _ => panic!("{src} and {dst} are of two families"),
    }
}

pub(crate) fn tcp(src: &str, dst: &str, dport: u16) -> Tuple {
    tuple(src, dst, Protocol::TCP, dport)
}

impl Scene {
    pub(crate) fn new(test: &str) -> Self {
        let mut scene = Self::without_places();
        scene.knowledge.set_places(Arc::new(places(test)));
        scene
    }

    pub(crate) fn without_places() -> Self {
        Self {
            table: Table::new(),
            ledger: Ledger::default(),
            knowledge: Knowledge::new(services()),
            now: START,
        }
    }

    /// Says that a flow has moved so many bytes.
    pub(crate) fn tell(&mut self, orig: Tuple, origin: Origin, bytes: Option<(u64, u64)>) {
        let mut report = Report::about(Key { zone: 0, orig }, origin);
        let counters = |bytes| Counters { packets: 1, bytes };
        report.counters = bytes.map(|(orig, reply)| Pair {
            orig: counters(orig),
            reply: counters(reply),
        });
        let (ledger, knowledge, now) = (&mut self.ledger, &mut self.knowledge, self.now);
        self.table.apply(&Update::Flow(report), now, &mut |change| {
            if let Change::Ended(flow) = change {
                ledger.book(flow, knowledge, now);
            }
        });
    }

    pub(crate) fn live(&mut self, orig: Tuple, bytes: (u64, u64)) {
        self.tell(orig, Origin::Dumped, Some(bytes));
    }

    pub(crate) fn ended(&mut self, orig: Tuple, bytes: (u64, u64)) {
        self.tell(orig, Origin::Destroyed, Some(bytes));
    }

    pub(crate) fn view(&mut self, list: List, scope: Scope, within: Option<Group>) -> View {
        let query = question(list, scope, within.as_slice());
        self.answer(&query)
    }

    /// A list of the flows that are in all of these groups.
    pub(crate) fn inside(&mut self, within: &[Group], grouping: Grouping) -> Vec<GroupRow> {
        let list = List::By(grouping);
        self.answer(&question(list, Scope::EVERYTHING, within))
            .groups
    }

    pub(crate) fn networks(&mut self, code: &str) -> Vec<String> {
        let within = [Group::Country(country(code))];
        let rows = self.inside(&within, Grouping::Asn);
        rows.iter().map(line).collect()
    }

    pub(crate) fn answer(&mut self, query: &Query) -> View {
        let (table, ledger) = (&self.table, &self.ledger);
        View::compute(query, table, ledger, &mut self.knowledge, self.now)
    }

    /// This machine is 192.168.0.2 and 81.0.0.9, and 192.168.0.3 is beside it.
    pub(crate) fn settle(&mut self) {
        let here = ["192.168.0.2", "81.0.0.9"].map(|text| text.parse().unwrap());
        let beside = ("192.168.0.3".parse().unwrap(), Mac([0, 1, 2, 3, 4, 5]));
        self.knowledge
            .set_locality(Arc::new(Locality::of(here, [beside])));
    }

    /// Says who is at the ends of a flow.
    pub(crate) fn own(&mut self, orig: Tuple, client: Option<Owner>, server: Option<Owner>) {
        let owners = Pair {
            orig: client,
            reply: server,
        };
        self.knowledge.merge_owners(Key { zone: 0, orig }, owners);
    }

    /// Answers about what a filter holds.
    pub(crate) fn filtered(&mut self, list: List, filter: &str) -> View {
        let query = Query {
            filter: Some(Arc::new(filter.parse().unwrap())),
            ..self.view(list, Scope::EVERYTHING, None).query
        };
        self.answer(&query)
    }

    pub(crate) fn groups(&mut self, list: List) -> Vec<GroupRow> {
        self.view(list, Scope::EVERYTHING, None).groups
    }

    /// The groups as `name: live flows + ended flows, hosts, bytes there and
    /// back`.
    pub(crate) fn told(&mut self, list: List) -> Vec<String> {
        self.groups(list).iter().map(line).collect()
    }
}

pub(crate) fn line(row: &GroupRow) -> String {
    let name = match (row.group, row.name.as_deref()) {
        (_, Some(name)) => name.to_owned(),
        (Group::Service(service), None) => format!("{:?}", service.port),
        (Group::Asn(asn), None) => format!("{asn:?}"),
        (Group::Country(country), None) => format!("{country:?}"),
        (Group::Process(who), None) => who.label().to_owned(),
        (Group::Host(host), None) => host.to_string(),
        (_, None) => row.label(),
    };
    let bytes = row.bytes().unwrap_or_default();
    format!(
        "{name}: {} + {}, {} hosts, {} there, {} back",
        row.flows, row.ended, row.hosts, bytes.orig, bytes.reply
    )
}

/// A process that was found; `start` tells it from others with its pid.
#[expect(clippy::unnecessary_wraps, reason = "an end may have no owner")]
pub(crate) fn process(pid: u32, start: u64, name: &str) -> Option<Owner> {
    let process = Process {
        pid,
        start_ticks: start,
        name: name.into(),
        exe: None,
        cmdline: None,
        account: None,
        parents: Vec::new(),
        cgroup: None,
    };
    Some(Owner {
        process: Ok(Arc::new(process)),
        ..Owner::unknown(Unknown::Gone)
    })
}

#[expect(clippy::unnecessary_wraps, reason = "an end may have no owner")]
pub(crate) fn unknown(why: Unknown) -> Option<Owner> {
    Some(Owner::unknown(why))
}

pub(crate) fn country(code: &str) -> Country {
    Country::Code(CountryCode::parse(code).unwrap())
}
