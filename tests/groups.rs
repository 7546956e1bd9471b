//! Flows put together by country, network and service, live and ended.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod databases;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use databases::{BUILT, Dir, database, texts};
use flowtop::enrich::Knowledge;
use flowtop::enrich::dns::OwnSocket;
use flowtop::enrich::geoip::{self, CountryCode, GeoIp};
use flowtop::enrich::locality::{Locality, Mac};
use flowtop::enrich::owners::{Account, Cgroup, Container, Owner, Process, Unknown};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Direction, Family, Group as Protocols, Key, L4, Moment, Origin, Pair, Protocol,
    Report, Scope, Status, Tuple, Update,
};
use flowtop::table::{Change, Table};
use flowtop::view::group::{Country, GroupColumn, Service, Widths};
use flowtop::view::{
    Age, Cursor, Freeze, Group, GroupRow, Grouping, Ledger, List, Query, Sort, SortKey, View, Who,
};
use mmdb_writer::IpVersion;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A table, what ended, and what is known about hosts.
struct Scene {
    table: Table,
    ledger: Ledger,
    knowledge: Knowledge,
    now: Moment,
}

/// Asks for all of a list.
fn question(list: List, scope: Scope, within: &[Group]) -> Query {
    Query {
        within: within.to_vec(),
        list,
        height: usize::MAX,
        ..Query::of(scope)
    }
}

/// Nobody's files of services but those inside the program.
fn services() -> Services {
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
fn places(test: &str) -> GeoIp {
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

fn tuple(src: &str, dst: &str, proto: Protocol, dport: u16) -> Tuple {
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

fn tcp(src: &str, dst: &str, dport: u16) -> Tuple {
    tuple(src, dst, Protocol::TCP, dport)
}

impl Scene {
    fn new(test: &str) -> Self {
        let mut scene = Self::without_places();
        scene.knowledge.set_places(Arc::new(places(test)));
        scene
    }

    fn without_places() -> Self {
        Self {
            table: Table::new(),
            ledger: Ledger::default(),
            knowledge: Knowledge::new(services()),
            now: START,
        }
    }

    /// Says that a flow has moved so many bytes.
    fn tell(&mut self, orig: Tuple, origin: Origin, bytes: Option<(u64, u64)>) {
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

    fn live(&mut self, orig: Tuple, bytes: (u64, u64)) {
        self.tell(orig, Origin::Dumped, Some(bytes));
    }

    fn ended(&mut self, orig: Tuple, bytes: (u64, u64)) {
        self.tell(orig, Origin::Destroyed, Some(bytes));
    }

    fn view(&mut self, list: List, scope: Scope, within: Option<Group>) -> View {
        let query = question(list, scope, within.as_slice());
        self.answer(&query)
    }

    /// A list of the flows that are in all of these groups.
    fn inside(&mut self, within: &[Group], grouping: Grouping) -> Vec<GroupRow> {
        let list = List::By(grouping);
        self.answer(&question(list, Scope::EVERYTHING, within))
            .groups
    }

    fn networks(&mut self, code: &str) -> Vec<String> {
        let within = [Group::Country(country(code))];
        let rows = self.inside(&within, Grouping::Asn);
        rows.iter().map(line).collect()
    }

    fn answer(&mut self, query: &Query) -> View {
        let (table, ledger) = (&self.table, &self.ledger);
        View::compute(query, table, ledger, &mut self.knowledge, self.now)
    }

    /// This machine is 192.168.0.2 and 81.0.0.9, and 192.168.0.3 is beside it.
    fn settle(&mut self) {
        let here = ["192.168.0.2", "81.0.0.9"].map(|text| text.parse().unwrap());
        let beside = ("192.168.0.3".parse().unwrap(), Mac([0, 1, 2, 3, 4, 5]));
        self.knowledge
            .set_locality(Arc::new(Locality::of(here, [beside])));
    }

    /// Says who is at the ends of a flow.
    fn own(&mut self, orig: Tuple, client: Option<Owner>, server: Option<Owner>) {
        let owners = Pair {
            orig: client,
            reply: server,
        };
        self.knowledge.merge_owners(Key { zone: 0, orig }, owners);
    }

    /// Answers about what a filter holds.
    fn filtered(&mut self, list: List, filter: &str) -> View {
        let query = Query {
            filter: Some(Arc::new(filter.parse().unwrap())),
            ..self.view(list, Scope::EVERYTHING, None).query
        };
        self.answer(&query)
    }

    fn groups(&mut self, list: List) -> Vec<GroupRow> {
        self.view(list, Scope::EVERYTHING, None).groups
    }

    /// The groups as `name: live flows + ended flows, hosts, bytes there and
    /// back`.
    fn told(&mut self, list: List) -> Vec<String> {
        self.groups(list).iter().map(line).collect()
    }
}

fn line(row: &GroupRow) -> String {
    let name = match (row.group, row.name.as_deref()) {
        (_, Some(name)) => name.to_owned(),
        (Group::Service(service), None) => format!("{:?}", service.port),
        (Group::Asn(asn), None) => format!("{asn:?}"),
        (Group::Country(country), None) => format!("{country:?}"),
        (Group::Process(who), None) => who.label().to_owned(),
        (Group::Host(host), None) => host.to_string(),
        (_, None) => row.label(),
    };
    let bytes = row.counters.bytes();
    format!(
        "{name}: {} + {}, {} hosts, {} there, {} back",
        row.flows, row.ended, row.hosts, bytes.orig, bytes.reply
    )
}

/// A process that was found; `start` tells it from others with its pid.
#[expect(clippy::unnecessary_wraps, reason = "an end may have no owner")]
fn process(pid: u32, start: u64, name: &str) -> Option<Owner> {
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
fn unknown(why: Unknown) -> Option<Owner> {
    Some(Owner::unknown(why))
}

fn country(code: &str) -> Country {
    Country::Code(CountryCode::parse(code).unwrap())
}

#[test]
fn the_far_end_is_the_destination_or_the_only_public_end() {
    let mut scene = Scene::new("far-end");
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (10, 1000));
    // Somebody out there came in.
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (20, 200));
    // Through us, or of a machine with a public address.
    scene.live(tcp("82.0.0.2", "81.0.0.1", 443), (1, 100));
    scene.live(tcp("10.0.0.1", "192.168.0.2", 22), (3, 3));
    scene.live(tcp("192.168.0.2", "83.0.0.1", 443), (2, 2));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        [
            "Germany: 2 + 0, 1 hosts, 11 there, 1100 back",
            "France: 1 + 0, 1 hosts, 20 there, 200 back",
            "Lan: 1 + 0, 1 hosts, 3 there, 3 back",
            "Unknown: 1 + 0, 1 hosts, 2 there, 2 back",
        ]
    );
}

#[test]
fn networks_are_those_of_one_country() {
    let mut scene = Scene::new("networks");
    for (dst, bytes) in [
        ("81.0.0.1", 50),
        ("81.0.0.2", 50),
        ("81.1.0.1", 70),
        ("82.0.0.1", 900),
    ] {
        scene.live(tcp("192.168.0.2", dst, 443), (0, bytes));
    }
    scene.live(tcp("fd00::1", "2a02:db80::1", 443), (0, 1));
    scene.ended(tcp("192.168.0.2", "81.1.0.9", 443), (0, 5));
    assert_eq!(
        scene.networks("DE"),
        [
            "First: 3 + 0, 3 hosts, 0 there, 101 back",
            "Second: 1 + 1, 1 hosts, 0 there, 75 back",
        ]
    );
    assert_eq!(
        scene.networks("FR"),
        ["None: 1 + 0, 1 hosts, 0 there, 900 back"]
    );
    let lan = [Group::Country(Country::Lan)];
    assert!(scene.inside(&lan, Grouping::Asn).is_empty());
}

#[test]
fn a_network_keeps_its_name_when_its_last_flow_has_ended() {
    let mut scene = Scene::new("network-name");
    scene.ended(tcp("192.168.0.2", "81.1.0.9", 443), (0, 5));
    assert_eq!(
        scene.networks("DE"),
        ["Second: 0 + 1, 0 hosts, 0 there, 5 back"]
    );
}

#[test]
fn services_are_the_ports_that_name_a_flow() {
    let mut scene = Scene::without_places();
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (0, 90));
    scene.live(tcp("192.168.0.3", "81.0.0.2", 443), (0, 9));
    scene.live(tuple("192.168.0.3", "81.0.0.2", Protocol::UDP, 53), (0, 50));
    scene.live(tcp("192.168.0.2", "81.0.0.1", 47_103), (0, 40));
    scene.live(tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 7), (0, 30));
    scene.live(tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 8), (0, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Service)),
        [
            "https: 2 + 0, 2 hosts, 0 there, 99 back",
            "domain: 1 + 0, 1 hosts, 0 there, 50 back",
            "Some(47103): 1 + 0, 1 hosts, 0 there, 40 back",
            "None: 2 + 0, 1 hosts, 0 there, 31 back",
        ]
    );
}

#[test]
fn bytes_of_ended_flows_stay() {
    let mut scene = Scene::new("ended");
    let orig = tcp("192.168.0.2", "81.0.0.1", 443);
    scene.live(orig, (10, 1000));
    scene.tell(orig, Origin::Destroyed, Some((30, 3000)));
    let germany = [Group::Country(country("DE"))];
    for (within, list) in [
        (&[][..], Grouping::Country),
        (&germany, Grouping::Asn),
        (&[], Grouping::Service),
    ] {
        let [row] = &scene.inside(within, list)[..] else {
            panic!("one group of {list:?}");
        };
        assert_eq!((row.flows, row.ended, row.hosts), (0, 1, 0), "{list:?}");
        assert_eq!(row.seen(), Some(scene.now), "{list:?}");
        let bytes = row.counters.bytes();
        assert_eq!((bytes.orig, bytes.reply), (30, 3000), "{list:?}");
        assert_eq!(row.bytes_per_sec, Pair::default(), "{list:?}");
    }
    // The same tuple once more is another flow.
    scene.now = scene.now.after(Duration::from_secs(60));
    scene.tell(orig, Origin::New, None);
    scene.live(orig, (1, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Germany: 1 + 1, 1 hosts, 31 there, 3001 back"]
    );
    // One that was never counted ends without bytes.
    let uncounted = tcp("192.168.0.9", "81.0.0.1", 443);
    scene.tell(uncounted, Origin::Dumped, None);
    scene.tell(uncounted, Origin::Destroyed, None);
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Germany: 1 + 2, 1 hosts, 31 there, 3001 back"]
    );
}

#[test]
fn the_fastest_group_comes_first() {
    let mut scene = Scene::new("rates");
    let (slow, fast) = (
        tcp("192.168.0.2", "82.0.0.1", 443),
        tcp("192.168.0.2", "81.0.0.1", 443),
    );
    scene.live(slow, (0, 1_000_000));
    scene.live(fast, (0, 0));
    scene.now = scene.now.after(Duration::from_secs(1));
    scene.live(slow, (0, 1_000_010));
    scene.live(fast, (5, 500));
    let groups = scene.groups(List::By(Grouping::Country));
    assert_eq!(groups[0].group, Group::Country(country("DE")));
    let rate = groups[0].bytes_per_sec;
    assert_eq!((rate.orig, rate.reply), (5, 500));
    assert_eq!(groups[1].bytes_per_sec.reply, 10);
}

#[test]
fn scope_is_exact_for_what_lives_and_what_has_ended() {
    let mut scene = Scene::new("scope");
    let here = "192.168.0.2";
    for proto in [Protocol::TCP, Protocol::UDP, Protocol::ICMP] {
        scene.live(tuple(here, "81.0.0.1", proto, 53), (0, 1));
        scene.ended(tuple(here, "81.0.0.2", proto, 53), (0, 10));
    }
    scene.live(tcp("fd00::1", "2a02:db80::1", 53), (0, 100));
    scene.ended(tcp("fd00::1", "2a02:db80::2", 53), (0, 1000));
    scene.live(tcp("127.0.0.1", "127.0.0.1", 53), (0, 5));
    let nothing = Scope::NOTHING;
    let v4 = nothing.with_family(Family::Ipv4, true);
    let v6 = nothing.with_family(Family::Ipv6, true);
    let cases = [
        (v4.with_group(Protocols::Tcp, true), (1, 1, 11)),
        (v4.with_group(Protocols::Udp, true), (1, 1, 11)),
        (v4.with_all_groups(true), (3, 3, 33)),
        (v6.with_all_groups(true), (1, 1, 1100)),
        (
            v6.with_family(Family::Ipv4, true).with_all_groups(true),
            (4, 4, 1133),
        ),
        (v6.with_group(Protocols::Udp, true), (0, 0, 0)),
        (nothing, (0, 0, 0)),
        (Scope::EVERYTHING, (5, 4, 1138)),
    ];
    for (scope, expected) in cases {
        for list in [List::By(Grouping::Country), List::By(Grouping::Service)] {
            let groups = scene.view(list, scope, None).groups;
            let sum = groups.iter().fold((0, 0, 0), |sum, row| {
                let bytes = row.counters.bytes().reply;
                (sum.0 + row.flows, sum.1 + row.ended, sum.2 + bytes)
            });
            assert_eq!(sum, expected, "{list:?} in {scope:?}");
        }
    }
}

#[test]
fn flows_of_our_own_lookups_are_in_no_list() {
    let mut scene = Scene::new("own");
    let own = tuple("192.168.0.2", "81.0.0.53", Protocol::UDP, 53);
    scene.live(own, (9, 9));
    // Same server, same kind, somebody else's port.
    let mut other = tuple("192.168.0.2", "81.0.0.53", Protocol::UDP, 53);
    if let (IpAddr::V4(src), IpAddr::V4(dst)) = (own.src(), own.dst()) {
        let l4 = L4::Ports {
            src: 40_001,
            dst: 53,
        };
        other = Tuple::v4(src, dst, Protocol::UDP, l4);
    }
    scene.live(other, (1, 1));
    scene.live(tcp("192.168.0.2", "81.0.0.53", 53), (1, 1));
    scene.knowledge.set_own_sockets(&[OwnSocket {
        local: "192.168.0.2:40000".parse().unwrap(),
        server: "81.0.0.53:53".parse().unwrap(),
    }]);
    for list in [
        List::Flows,
        List::By(Grouping::Country),
        List::By(Grouping::Service),
    ] {
        let view = scene.view(list, Scope::EVERYTHING, None);
        assert_eq!((view.matching, view.own), (2, 1), "{list:?}");
        let flows: usize = view.groups.iter().map(|row| row.flows).sum();
        assert_eq!(flows, if list == List::Flows { 0 } else { 2 });
        let mut rows = view.rows.iter();
        assert!(rows.all(|row| row.flow.key().orig != own));
    }
}

#[test]
fn a_group_holds_the_flows_it_counts_and_no_others() {
    let mut scene = Scene::new("within");
    for n in 1..=5 {
        scene.live(tcp("192.168.0.2", &format!("81.0.0.{n}"), 443), (1, 1));
        scene.live(tcp("192.168.0.2", &format!("81.1.0.{n}"), 80), (1, 1));
        scene.live(tcp(&format!("82.0.0.{n}"), "192.168.0.3", 80), (1, 1));
        scene.live(tcp("192.168.0.2", &format!("10.0.0.{n}"), 9), (1, 1));
    }
    for list in [
        List::By(Grouping::Country),
        List::By(Grouping::Asn),
        List::By(Grouping::Service),
    ] {
        let groups = scene.groups(list);
        assert!(groups.len() > 1, "{list:?}");
        for row in groups {
            let view = scene.view(List::Flows, Scope::EVERYTHING, Some(row.group));
            assert_eq!(view.matching, row.flows, "{row:?}");
            assert_eq!(view.rows.len(), row.flows);
        }
    }
    let network = Group::Asn(NonZeroU32::new(64_501));
    let view = scene.view(List::Flows, Scope::EVERYTHING, Some(network));
    for row in &view.rows {
        assert_eq!(row.flow.key().orig.dport(), Some(80));
        let place = row.ends.reply.location.place().unwrap();
        assert_eq!(place.as_org.as_deref(), Some("Second"));
    }
}

#[test]
fn without_places_there_is_one_unknown_country() {
    let mut scene = Scene::without_places();
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (1, 1));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 443), (1, 1));
    assert_eq!(
        scene.told(List::By(Grouping::Country)),
        ["Unknown: 2 + 0, 2 hosts, 2 there, 2 back"]
    );
}

#[test]
fn a_port_scan_fills_no_memory_and_takes_no_account_away() {
    let mut scene = Scene::without_places();
    scene.ended(tcp("192.168.0.2", "81.0.0.1", 443), (0, 7));
    for port in 0..=u16::MAX {
        scene.ended(tcp("192.168.0.2", "81.0.0.1", port), (0, 1));
        let udp = tuple("192.168.0.2", "81.0.0.1", Protocol::UDP, port);
        scene.ended(udp, (0, 1));
    }
    scene.ended(tcp("192.168.0.2", "81.0.0.1", 443), (0, 7));
    let groups = scene.groups(List::By(Grouping::Service));
    // As many as the book has pages, and one of the rest.
    assert!(groups.len() <= (1 << 16) + 1, "{}", groups.len());
    let of = |proto, port| {
        let group = Group::Service(Service { proto, port });
        groups.iter().find(|row| row.group == group)
    };
    let https = of(Protocol::TCP, Some(443)).unwrap();
    assert_eq!((https.ended, https.counters.bytes().reply), (3, 15));
    assert!(groups.iter().any(|row| row.group == Group::Others));
    let ended: u64 = groups.iter().map(|row| row.ended).sum();
    assert_eq!(ended, 2 * (1 << 16) + 2);
}

#[test]
fn a_filter_chooses_what_is_counted_and_says_what_it_left_out() {
    let mut scene = Scene::new("filtered");
    scene.live(tcp("192.168.0.2", "81.0.0.1", 443), (10, 1000));
    scene.live(tcp("192.168.0.2", "81.0.0.1", 22), (5, 50));
    scene.live(tcp("192.168.0.3", "82.0.0.1", 443), (20, 200));
    scene.ended(tcp("192.168.0.2", "81.0.0.9", 443), (7, 7));
    let view = scene.filtered(List::Flows, "port:443 country:DE");
    assert_eq!((view.matching, view.filtered_out), (1, 2));
    let bytes = view.counters.bytes();
    assert_eq!((bytes.orig, bytes.reply), (10, 1000));
    // All is still told.
    assert_eq!(
        view.totals.counters.bytes(),
        scene
            .view(List::Flows, Scope::EVERYTHING, None)
            .totals
            .counters
            .bytes()
    );
    let rows = scene
        .filtered(List::By(Grouping::Country), "port:443")
        .groups;
    // Of flows that have ended no filter can be asked.
    assert_eq!(
        rows.iter().map(line).collect::<Vec<_>>(),
        [
            "Germany: 1 + 0, 1 hosts, 10 there, 1000 back",
            "France: 1 + 0, 1 hosts, 20 there, 200 back",
        ]
    );
    let view = scene.filtered(List::Flows, "udp");
    assert_eq!((view.matching, view.filtered_out), (0, 3));
    assert_eq!(view.cursor, None);
}

#[test]
fn processes_are_told_apart_and_every_flow_is_somewhere() {
    let mut scene = Scene::without_places();
    scene.settle();
    let out = |port| tcp("192.168.0.2", "81.0.0.1", port);
    for (port, owner) in [
        (1, process(7, 100, "curl")),
        (2, process(7, 100, "curl")),
        // The same name; the same pid, later.
        (3, process(8, 100, "curl")),
        (4, process(7, 200, "wget")),
        (5, unknown(Unknown::Gone)),
        (6, unknown(Unknown::NotPermitted)),
        (7, unknown(Unknown::Kernel)),
    ] {
        scene.live(out(port), (1, 1000 - 10 * u64::from(port)));
        scene.own(out(port), owner, None);
    }
    // Nobody has looked for this one, and for the next nobody will.
    scene.live(out(8), (1, 100));
    scene.live(tcp("192.168.0.3", "81.0.0.1", 443), (1, 50));
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "curl: 2 + 0, 1 hosts, 2 there, 1970 back",
            "curl: 1 + 0, 1 hosts, 1 there, 970 back",
            "wget: 1 + 0, 1 hosts, 1 there, 960 back",
            "(gone): 1 + 0, 1 hosts, 1 there, 950 back",
            "(no permission): 1 + 0, 1 hosts, 1 there, 940 back",
            "(kernel): 1 + 0, 1 hosts, 1 there, 930 back",
            "(not looked up): 1 + 0, 1 hosts, 1 there, 100 back",
            "(forwarded): 1 + 0, 1 hosts, 1 there, 50 back",
        ]
    );
    // When they end, their processes are still known.
    for port in 1..=8 {
        scene.ended(out(port), (2, 2000));
        scene.knowledge.forget(&Key {
            zone: 0,
            orig: out(port),
        });
    }
    let told = scene.told(List::By(Grouping::Process));
    // Of which nothing is left stands below.
    assert_eq!(told[0], "(forwarded): 1 + 0, 1 hosts, 1 there, 50 back");
    assert_eq!(told[1], "curl: 0 + 2, 0 hosts, 4 there, 4000 back");
    assert!(told.contains(&"wget: 0 + 1, 0 hosts, 2 there, 2000 back".to_owned()));
    assert_eq!(told.len(), 8, "{told:?}");
}

#[test]
fn a_flow_of_this_machine_with_itself_has_a_client_and_a_server() {
    let mut scene = Scene::without_places();
    scene.settle();
    let local = tcp("192.168.0.2", "192.168.0.2", 5432);
    scene.live(local, (10, 1000));
    scene.own(local, process(1, 1, "client"), process(2, 2, "server"));
    // What one sends, the other receives.
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "client: 1 + 0, 1 hosts, 10 there, 1000 back",
            "server: 1 + 0, 1 hosts, 1000 there, 10 back",
        ]
    );
    for pid in [1, 2] {
        let who = Who::Process {
            pid,
            start_ticks: pid.into(),
        };
        let view = scene.view(List::Flows, Scope::EVERYTHING, Some(Group::Process(who)));
        assert_eq!(view.matching, 1, "{who:?}");
    }
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        ["192.168.0.2: 1 + 0, 1 hosts, 10 there, 1000 back"]
    );
    scene.ended(local, (20, 2000));
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "client: 0 + 1, 0 hosts, 20 there, 2000 back",
            "server: 0 + 1, 0 hosts, 2000 there, 20 back",
        ]
    );
    // One that talks to itself is one.
    let own = tcp("192.168.0.2", "192.168.0.2", 9);
    scene.live(own, (3, 30));
    scene.own(own, process(5, 5, "self"), process(5, 5, "self"));
    let told = scene.told(List::By(Grouping::Process));
    assert_eq!(told[0], "self: 1 + 0, 1 hosts, 3 there, 30 back");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_server_sends_the_answers_and_a_container_is_found_behind_its_bridge() {
    let mut scene = Scene::without_places();
    scene.settle();
    let comes_in = tcp("82.0.0.1", "192.168.0.2", 22);
    scene.live(comes_in, (10, 1000));
    scene.own(comes_in, None, process(1, 1, "sshd"));
    let contained = tcp("172.17.0.2", "81.0.0.1", 443);
    scene.live(contained, (5, 50));
    scene.own(contained, process(2, 2, "python3"), None);
    assert_eq!(
        scene.told(List::By(Grouping::Process)),
        [
            "sshd: 1 + 0, 1 hosts, 1000 there, 10 back",
            "python3: 1 + 0, 1 hosts, 5 there, 50 back",
        ]
    );
}

#[test]
fn hosts_are_those_of_our_side_and_see_what_they_send() {
    let mut scene = Scene::new("hosts");
    scene.settle();
    for n in 1..=3 {
        scene.live(tcp("192.168.0.3", &format!("81.0.0.{n}"), 443), (10, 1000));
    }
    // Twice to the same host; and from outside to it, and to this machine.
    scene.live(tcp("192.168.0.3", "81.0.0.1", 80), (1, 100));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (7, 70));
    scene.live(tcp("82.0.0.1", "81.0.0.9", 22), (3, 33));
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        [
            "192.168.0.3: 5 + 0, 4 hosts, 101 there, 3107 back",
            "81.0.0.9: 1 + 0, 1 hosts, 33 there, 3 back",
        ]
    );
    let rows = scene.groups(List::By(Grouping::Host));
    assert_eq!(rows[0].mac, Some(Mac([0, 1, 2, 3, 4, 5])));
    assert_eq!(rows[1].mac, None);
    // What comes in is of the country it comes from, although both ends are
    // public.
    let france = Some(Group::Country(country("FR")));
    let view = scene.view(List::Flows, Scope::EVERYTHING, france);
    assert_eq!(view.matching, 2);
}

#[test]
fn new_flows_and_those_without_an_answer_are_counted() {
    let mut scene = Scene::without_places();
    scene.settle();
    let tell = |scene: &mut Scene, port, status| {
        let orig = tcp("192.168.0.3", "81.0.0.1", port);
        let mut report = Report::about(Key { zone: 0, orig }, Origin::New);
        report.status = Some(status);
        let update = Update::Flow(report);
        scene.table.apply(&update, scene.now, &mut |_| {});
    };
    for port in 0..30 {
        tell(&mut scene, port, Status::CONFIRMED);
    }
    scene.now = scene.now.after(Duration::from_secs(11));
    for port in 30..35 {
        tell(&mut scene, port, Status::CONFIRMED | Status::SEEN_REPLY);
    }
    let [row] = &scene.groups(List::By(Grouping::Host))[..] else {
        panic!("one host");
    };
    assert_eq!((row.flows, row.new, row.unreplied), (35, 5, 30));
    assert!((row.born_per_sec() - 0.5).abs() < 1e-9);
}

#[test]
fn directions_filter_what_lives_and_what_has_ended() {
    let mut scene = Scene::new("directions");
    scene.settle();
    let flows = [
        (Direction::Out, tcp("192.168.0.2", "81.0.0.1", 443)),
        (Direction::In, tcp("82.0.0.1", "192.168.0.2", 443)),
        (Direction::Forward, tcp("192.168.0.3", "81.0.0.1", 443)),
        (Direction::Local, tcp("192.168.0.2", "192.168.0.2", 443)),
    ];
    for (_, orig) in &flows {
        scene.ended(*orig, (0, 10));
    }
    scene.now = scene.now.after(Duration::from_secs(60));
    for (_, orig) in &flows {
        scene.live(*orig, (0, 1));
        // The client and the server of a flow within this machine.
        scene.own(*orig, process(5, 5, "self"), process(5, 5, "self"));
    }
    for (direction, orig) in flows {
        let query = |list| Query {
            direction: Some(direction),
            list,
            height: 100,
            ..Query::of(Scope::EVERYTHING)
        };
        for list in [
            List::By(Grouping::Country),
            List::By(Grouping::Service),
            List::By(Grouping::Host),
        ] {
            let view = scene.answer(&query(list));
            let sum = view.groups.iter().fold((0, 0, 0), |sum, row| {
                let bytes = row.counters.bytes().sum();
                (sum.0 + row.flows, sum.1 + row.ended, sum.2 + bytes)
            });
            assert_eq!(sum, (1, 1, 11), "{list:?} {direction:?}");
        }
        let view = scene.answer(&query(List::By(Grouping::Process)));
        let flows: usize = view.groups.iter().map(|row| row.flows).sum();
        assert_eq!(flows, 1, "{direction:?}");
        let view = scene.answer(&query(List::Flows));
        assert_eq!((view.matching, view.out_of_direction), (1, 3));
        assert_eq!(view.rows[0].flow.key().orig, orig);
    }
}

/// More processes and hosts than are remembered are booked together, and
/// nothing is lost.
#[test]
fn what_ends_after_the_ledger_is_full_is_booked_together() {
    let mut scene = Scene::without_places();
    scene.settle();
    let count = 70_000_u32;
    for n in 0..count {
        let [_, a, b, c] = n.to_be_bytes();
        let orig = tcp(&format!("10.{a}.{b}.{c}"), "81.0.0.1", 443);
        scene.own(orig, process(n, 1, "one of many"), None);
        scene.ended(orig, (1, 2));
        scene.knowledge.forget(&Key { zone: 0, orig });
    }
    for (list, most) in [
        (List::By(Grouping::Host), 1 << 16),
        (List::By(Grouping::Process), 1 << 13),
    ] {
        let rows = scene.groups(list);
        assert!(rows.len() <= most + 1, "{list:?} {}", rows.len());
        let bytes: u64 = rows.iter().map(|row| row.counters.bytes().sum()).sum();
        assert_eq!(bytes, u64::from(count) * 3, "{list:?}");
        assert!(
            rows.iter().any(|row| row.group == Group::Others),
            "{list:?}"
        );
    }
}

#[test]
fn only_the_window_leaves_and_the_cursor_stays_on_its_group() {
    let mut scene = Scene::without_places();
    for port in 0..1000 {
        let bytes = 100_000 - u64::from(port);
        scene.live(tcp("192.168.0.2", "81.0.0.1", port), (0, bytes));
    }
    let service = |port| {
        Group::Service(Service {
            proto: Protocol::TCP,
            port: Some(port),
        })
    };
    let mut query = Query {
        list: List::By(Grouping::Service),
        cursor: Cursor::Index(505),
        first: 500,
        height: 10,
        ..Query::of(Scope::EVERYTHING)
    };
    let view = scene.answer(&query);
    assert_eq!((view.groups.len(), view.group_count), (10, 1000));
    assert_eq!((view.row_count(), view.window_rows()), (1000, 10));
    assert_eq!(
        (view.first, view.group_cursor),
        (500, Some((505, service(505))))
    );
    assert_eq!(view.groups[0].group, service(500));
    query.settle(&view);
    assert_eq!(view.line_of(query.cursor), Some(5));
    assert_eq!(view.cursor_on(5), Some(query.cursor));
    // Three that were slower overtake it: it keeps its line.
    for port in [700, 800, 900] {
        scene.live(tcp("192.168.0.3", "81.0.0.1", port), (0, 100_000));
    }
    let view = scene.answer(&query);
    assert_eq!(
        (view.first, view.group_cursor),
        (503, Some((508, service(505))))
    );
    assert_eq!(view.line_of(query.cursor), Some(5));
    // A pinned one stands above all others, those around the cursor move down.
    let mut pinned = query.clone();
    assert!(pinned.pins.toggle_group(service(990)));
    let view = scene.answer(&pinned);
    assert_eq!(
        (view.first, view.group_cursor),
        (504, Some((509, service(505))))
    );
    assert_eq!(view.line_of(query.cursor), Some(5));
    (pinned.cursor, pinned.first) = (Cursor::None, 0);
    for descending in [true, false] {
        for column in [GroupColumn::Name, GroupColumn::ReplyBytes] {
            let key = SortKey::Group(column);
            pinned.sort = Sort { key, descending };
            let view = scene.answer(&pinned);
            assert_eq!(view.groups[0].group, service(990), "{column:?}");
            pinned.freeze = Freeze::Now;
            let view = scene.answer(&pinned);
            assert_eq!(view.groups[0].group, service(990), "{column:?}");
            pinned.freeze = Freeze::No;
        }
    }
    // Near the end the window holds what there is.
    query.cursor = Cursor::Index(5000);
    let view = scene.answer(&query);
    assert_eq!(
        (view.first, view.group_cursor.map(|c| c.0)),
        (990, Some(999))
    );
    // A cursor of another list means its place.
    query.list = List::Flows;
    query.cursor = Cursor::Group {
        group: service(505),
        index: 3,
        line: 3,
    };
    let view = scene.answer(&query);
    assert_eq!(
        (view.cursor.map(|c| c.0), view.group_cursor),
        (Some(3), None)
    );
    assert!(view.groups.is_empty() && view.rows.len() == 10);
}

/// A router with two clients, of which one has a user and a container.
fn many_sided() -> Scene {
    let mut scene = Scene::new("many-sided");
    scene.settle();
    let out = tcp("192.168.0.2", "81.0.0.1", 443);
    scene.live(out, (10, 1000));
    scene.own(out, contained(7, "web", "www-data"), None);
    let inside = tcp("192.168.0.2", "192.168.0.2", 5432);
    scene.live(inside, (1, 100));
    let client = contained(7, "web", "www-data");
    scene.own(inside, client, contained(8, "db", "postgres"));
    scene.live(tcp("192.168.0.3", "81.0.0.77", 443), (5, 50));
    scene.live(tcp("192.168.0.3", "81.0.1.1", 22), (2, 20));
    scene.live(tcp("82.0.0.1", "192.168.0.3", 22), (3, 30));
    let ping = tuple("192.168.0.2", "81.0.0.1", Protocol::ICMP, 7);
    scene.live(ping, (4, 4));
    scene
}

/// A process in a container, which some user runs.
fn contained(pid: u32, container: &str, user: &str) -> Option<Owner> {
    let mut owner = process(pid, 1, container)?;
    let account = Account {
        uid: pid,
        name: Some(user.into()),
    };
    owner.account = Some(Arc::new(account));
    let container = Container {
        runtime: "docker",
        id: "0123456789abcdef".into(),
        name: Some(container.into()),
        pod: None,
    };
    owner.cgroup = Some(Arc::new(Cgroup {
        path: "/docker".into(),
        unit: Some("docker.service".into()),
        container: Some(container),
    }));
    Some(owner)
}

#[test]
fn every_grouping_puts_each_flow_where_it_belongs() {
    let mut scene = many_sided();
    let mut told = |grouping| {
        let rows = scene.inside(&[], grouping);
        let brief = |row: &GroupRow| {
            let bytes = row.counters.bytes();
            let (up, down) = (bytes.orig, bytes.reply);
            format!(
                "{}: {} of {}, {up} {down}",
                row.label(),
                row.flows,
                row.hosts
            )
        };
        rows.iter().map(brief).collect::<Vec<_>>()
    };
    assert_eq!(
        told(Grouping::Source),
        [
            "192.168.0.2: 3 of 2, 15 1104",
            "192.168.0.3: 2 of 2, 7 70",
            "82.0.0.1: 1 of 1, 3 30",
        ]
    );
    assert_eq!(
        told(Grouping::Destination),
        [
            "81.0.0.1: 2 of 1, 14 1004",
            "192.168.0.2: 1 of 1, 1 100",
            "81.0.0.77: 1 of 1, 5 50",
            "192.168.0.3: 1 of 1, 3 30",
            "81.0.1.1: 1 of 1, 2 20",
        ]
    );
    assert_eq!(
        told(Grouping::Pair)[0],
        "192.168.0.2 → 81.0.0.1: 2 of 1, 14 1004"
    );
    assert_eq!(
        told(Grouping::Subnet(Widths::default())),
        [
            "81.0.0.0/24: 3 of 2, 19 1054",
            "192.168.0.0/24: 1 of 1, 1 100",
            "82.0.0.0/24: 1 of 1, 3 30",
            "81.0.1.0/24: 1 of 1, 2 20",
        ]
    );
    let wide = Widths::new(8, 32).unwrap();
    assert_eq!(
        told(Grouping::Subnet(wide))[0],
        "81.0.0.0/8: 4 of 3, 21 1074"
    );
    assert_eq!(
        told(Grouping::User),
        [
            "www-data: 2 of 2, 11 1100",
            "(forwarded): 3 of 3, 10 100",
            // The server of a flow within this machine has sent the answers.
            "postgres: 1 of 1, 100 1",
            "(not looked up): 1 of 1, 4 4",
        ]
    );
    assert_eq!(told(Grouping::Unit)[0], "web: 2 of 2, 11 1100");
    assert_eq!(told(Grouping::Protocol)[1], "icmp: 1 of 1, 4 4");
    assert_eq!(told(Grouping::Zone), ["zone 0: 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Mark), ["(no mark): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::State), ["(no state): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Interface), ["(not known): 6 of 5, 25 1204"]);
    assert_eq!(told(Grouping::Asn)[0], "AS64500 First: 4 of 3, 21 1074");
}

#[test]
fn groups_of_any_kind_hold_the_flows_they_count() {
    let mut scene = many_sided();
    for grouping in Grouping::ALL {
        for row in scene.inside(&[], grouping) {
            assert_eq!(
                row.group.grouping().map(Grouping::index),
                Some(grouping.index())
            );
            let view = scene.view(List::Flows, Scope::EVERYTHING, Some(row.group));
            assert_eq!(view.matching, row.flows, "{row:?}");
        }
    }
}

#[test]
fn groups_within_groups_hold_what_all_of_them_hold() {
    let mut scene = many_sided();
    let host = Group::Host("192.168.0.3".parse().unwrap());
    let brief = |rows: Vec<GroupRow>| {
        let brief = |row: &GroupRow| format!("{}: {}", row.label(), row.flows);
        rows.iter().map(brief).collect::<Vec<_>>()
    };
    assert_eq!(
        brief(scene.inside(&[host], Grouping::Service)),
        ["ssh: 2", "https: 1"]
    );
    let ssh = Group::Service(Service {
        proto: Protocol::TCP,
        port: Some(22),
    });
    assert_eq!(
        brief(scene.inside(&[host, ssh], Grouping::Country)),
        ["France: 1", "Germany: 1"]
    );
    let within = [host, ssh, Group::Country(country("FR"))];
    let view = scene.answer(&question(List::Flows, Scope::EVERYTHING, &within));
    assert_eq!(view.matching, 1);
    assert_eq!(
        view.rows[0].flow.key().orig.src(),
        "82.0.0.1".parse::<IpAddr>().unwrap()
    );
}

#[test]
fn sums_of_ended_flows_begin_when_a_list_is_asked_for() {
    let mut scene = Scene::without_places();
    scene.settle();
    let flow = |n: u8, port| tcp("192.168.0.3", &format!("81.0.0.{n}"), port);
    let host = Group::Host("192.168.0.3".parse().unwrap());
    let destinations = question(List::By(Grouping::Destination), Scope::EVERYTHING, &[host]);
    // Nobody has asked.
    scene.ended(flow(1, 443), (1, 10));
    assert!(scene.answer(&destinations).groups.is_empty());
    scene.ledger.open(&destinations);
    scene.ended(flow(2, 443), (1, 10));
    scene.now = scene.now.after(Duration::from_secs(90));
    scene.ended(flow(2, 80), (1, 10));
    scene.live(flow(3, 80), (1, 1));
    // Of another host, which is told on its own.
    scene.ended(tcp("192.168.0.2", "81.0.0.2", 80), (7, 70));
    let rows = scene.answer(&destinations).groups;
    assert_eq!(
        rows.iter().map(line).collect::<Vec<_>>(),
        [
            "81.0.0.3: 1 + 0, 1 hosts, 1 there, 1 back",
            "81.0.0.2: 0 + 2, 0 hosts, 2 there, 20 back",
        ]
    );
    assert_eq!((rows[0].seen(), rows[1].seen()), (None, Some(scene.now)));
    assert!(!rows[0].is_over() && rows[1].is_over());
    // Other lists are looked at, more than are kept; the tabs always are.
    for width in 1..=20 {
        let widths = Widths::new(width, 64).unwrap();
        let list = List::By(Grouping::Subnet(widths));
        scene.ledger.open(&question(list, Scope::EVERYTHING, &[]));
    }
    assert_eq!(scene.answer(&destinations).groups.len(), 1);
    assert_eq!(
        scene.told(List::By(Grouping::Host)),
        [
            "192.168.0.3: 1 + 3, 1 hosts, 4 there, 31 back",
            "192.168.0.2: 0 + 1, 0 hosts, 7 there, 70 back",
        ]
    );
}

#[test]
fn groups_are_as_old_as_their_oldest_flow() {
    let mut scene = Scene::without_places();
    scene.tell(tcp("192.168.0.3", "81.0.0.1", 1), Origin::New, None);
    scene.now = scene.now.after(Duration::from_secs(60));
    scene.tell(tcp("192.168.0.3", "81.0.0.1", 2), Origin::New, None);
    let [row] = &scene.groups(List::By(Grouping::Source))[..] else {
        panic!("one source");
    };
    assert_eq!(row.oldest, Some(Age::Exact(Duration::from_secs(60))));
}
