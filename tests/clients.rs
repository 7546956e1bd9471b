//! The clients of one service on our side: who they are, what moved between
//! them and it, and what the NFS server says of them.

#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod databases;
mod lab;
#[allow(dead_code, reason = "each test uses a part of it")]
mod pty;

use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use databases::Dir;
use flowtop::enrich::Knowledge;
use flowtop::enrich::locality::Locality;
use flowtop::enrich::nfsd;
use flowtop::enrich::owners::{Owner, Unknown};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, TcpFigures, Tuple, Update,
};
use flowtop::table::{Change, Table};
use flowtop::view::group::Service;
use flowtop::view::{Group, GroupRow, Grouping, Ledger, List, Query, View};
use lab::Host;
use lab::traffic::TcpService;
use pty::Session;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A machine that is 192.0.2.1 and 198.51.100.1, and forwards besides.
struct Scene {
    table: Table,
    ledger: Ledger,
    knowledge: Knowledge,
    now: Moment,
}

fn tuple(src: &str, sport: u16, dst: &str, dport: u16) -> Tuple {
    let ports = L4::Ports {
        src: sport,
        dst: dport,
    };
    let (src, dst): (IpAddr, IpAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    Tuple::new(src, dst, Protocol::TCP, ports).unwrap()
}

fn served(port: u16) -> Group {
    Group::Served(Some(Service {
        proto: Protocol::TCP,
        port: Some(port),
    }))
}

fn clients_of(port: u16) -> Query {
    Query {
        within: vec![served(port)],
        list: List::By(Grouping::Peer),
        height: 20,
        ..Query::of(Scope::EVERYTHING)
    }
}

impl Scene {
    fn new() -> Self {
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        let here = ["192.0.2.1", "198.51.100.1"].map(|text| text.parse().unwrap());
        knowledge.set_locality(Arc::new(Locality::of(here, [])));
        Self {
            table: Table::new(),
            ledger: Ledger::default(),
            knowledge,
            now: START,
        }
    }

    fn tell(&mut self, report: Report) {
        let (ledger, knowledge, now) = (&mut self.ledger, &mut self.knowledge, self.now);
        self.table.apply(&Update::Flow(report), now, &mut |change| {
            if let Change::Ended(flow) = change {
                ledger.book(flow, knowledge, now);
            }
        });
    }

    /// A flow that has moved so many bytes there and back.
    fn flow(&mut self, orig: Tuple, reply: Tuple, origin: Origin, bytes: [u64; 2]) {
        let mut report = Report::about(Key { zone: 0, orig }, origin);
        let counters = |bytes| Counters { packets: 1, bytes };
        report.reply = Some(reply);
        report.counters = Some(Pair {
            orig: counters(bytes[0]),
            reply: counters(bytes[1]),
        });
        self.tell(report);
    }

    fn live(&mut self, orig: Tuple, bytes: [u64; 2]) {
        self.flow(orig, orig.inverted(), Origin::Dumped, bytes);
    }

    /// The socket of the server has measured this.
    fn measure(&mut self, orig: Tuple, rtt_us: u32) {
        let server = Owner {
            figures: Some(TcpFigures {
                rtt_us: Some(rtt_us),
                ..TcpFigures::default()
            }),
            ..Owner::unknown(Unknown::Kernel)
        };
        let owners = Pair {
            orig: None,
            reply: Some(server),
        };
        self.knowledge.merge_owners(Key { zone: 0, orig }, owners);
    }

    fn ask(&mut self, query: &Query) -> View {
        self.ledger.open(query);
        View::compute(
            query,
            &self.table,
            &self.ledger,
            &mut self.knowledge,
            self.now,
        )
    }

    fn clients(&mut self, port: u16) -> Vec<GroupRow> {
        self.ask(&clients_of(port)).groups
    }
}

/// `host: connections, sent by our side, received`.
fn line(row: &GroupRow) -> String {
    let bytes = row.counters.unwrap_or_default().bytes();
    format!(
        "{}: {}, {}, {}",
        row.label(),
        row.flows,
        bytes.orig,
        bytes.reply
    )
}

fn lines(rows: &[GroupRow]) -> Vec<String> {
    rows.iter().map(line).collect()
}

#[test]
fn clients_are_the_far_hosts_of_a_service_on_our_side() {
    let mut scene = Scene::new();
    for (sport, bytes) in [(700, [10, 1000]), (701, [20, 2000])] {
        scene.live(tuple("203.0.113.9", sport, "192.0.2.1", 2049), bytes);
    }
    scene.live(tuple("2001:db8::9", 702, "2001:db8::1", 2049), [7, 70]);
    // A client on this machine is one like others.
    scene.live(tuple("192.0.2.1", 703, "192.0.2.1", 2049), [1, 5]);
    // The same port elsewhere, another port here, and what we ask of others.
    scene.live(tuple("192.0.2.1", 704, "203.0.113.77", 2049), [8, 8]);
    scene.live(tuple("203.0.113.9", 705, "192.0.2.1", 22), [9, 9]);
    // What is asked by another port and led to this one is served by it.
    let outside = tuple("203.0.113.5", 706, "198.51.100.1", 8049);
    let inside = tuple("198.51.100.1", 2049, "203.0.113.5", 706);
    scene.flow(outside, inside, Origin::Dumped, [3, 300]);
    assert_eq!(
        lines(&scene.clients(2049)),
        [
            "203.0.113.9: 2, 3000, 30",
            "203.0.113.5: 1, 300, 3",
            "192.0.2.1: 1, 5, 1",
        ]
    );
    assert_eq!(lines(&scene.clients(22)), ["203.0.113.9: 1, 9, 9"]);
    assert_eq!(lines(&scene.clients(8049)), [""; 0]);
    let all = scene.ask(&clients_of(2049));
    assert_eq!(all.matching, 4);
    // One step further are the connections of one client.
    let client = Group::Peer("203.0.113.9".parse().unwrap());
    let query = Query {
        within: vec![served(2049), client],
        list: List::Flows,
        ..clients_of(2049)
    };
    assert_eq!(scene.ask(&query).matching, 2);
}

#[test]
fn round_trips_are_a_mean_and_absent_where_nobody_measured() {
    let mut scene = Scene::new();
    let measured = [700, 701, 702].map(|port| tuple("203.0.113.9", port, "192.0.2.1", 80));
    for orig in measured {
        scene.live(orig, [1, 1]);
    }
    scene.measure(measured[0], 200);
    scene.measure(measured[1], 401);
    scene.live(tuple("203.0.113.8", 700, "192.0.2.1", 80), [0, 0]);
    let rtts: Vec<_> = scene.clients(80).iter().map(|row| row.rtt_us).collect();
    assert_eq!(rtts, [Some(300), None]);
}

#[test]
fn a_client_that_has_gone_stays_with_what_it_moved() {
    let mut scene = Scene::new();
    let orig = tuple("203.0.113.9", 700, "192.0.2.1", 2049);
    scene.live(orig, [10, 1000]);
    let there = &scene.clients(2049)[0];
    assert!(!there.is_over() && there.seen().is_none() && there.oldest.is_some());
    scene.now = scene.now.after(Duration::from_secs(30));
    scene.flow(orig, orig.inverted(), Origin::Destroyed, [20, 2000]);
    let gone = scene.clients(2049);
    assert_eq!(lines(&gone), ["203.0.113.9: 0, 2000, 20"]);
    assert_eq!(gone[0].seen(), Some(scene.now));
    assert!(gone[0].is_over() && gone[0].oldest.is_none() && gone[0].rtt_us.is_none());
}

/// Files as those of the kernel, about one client.
fn nfs_server(dir: &Path, address: &str) {
    let entry = dir.join("clients/3");
    fs::create_dir_all(&entry).unwrap();
    let info = format!("clientid: 0x1\naddress: \"{address}:700\"\nminor version: 2\n");
    fs::write(entry.join("info"), info).unwrap();
    let exports = "# Version 1.1\n# Path Client(Flags) # IPs\n/srv/nfs\t*(rw,sync,sec=1)\n";
    fs::write(dir.join("exports"), exports).unwrap();
}

#[test]
fn the_nfs_server_tells_version_and_mounts_of_its_clients() {
    let dir = Dir::new("clients_nfs");
    nfs_server(dir.path(), "203.0.113.9");
    let mut scene = Scene::new();
    scene.live(tuple("203.0.113.9", 700, "192.0.2.1", 2049), [1, 2]);
    scene.live(tuple("203.0.113.8", 700, "192.0.2.1", 2049), [1, 1]);
    assert_eq!(scene.clients(2049)[0].nfs, None, "nobody has asked it");
    let clients = nfsd::Clients::read(dir.path()).unwrap().unwrap();
    scene.knowledge.set_nfs(Arc::new(clients));
    let told: Vec<_> = scene
        .clients(2049)
        .into_iter()
        .map(|row| row.nfs.map(|nfs| (nfs.version(), nfs.mount)))
        .collect();
    let mount = || Some("/srv/nfs".to_owned());
    assert_eq!(
        told,
        [
            Some((Some("4.2"), mount())),
            // Of an older version only the export is known.
            Some((None, mount())),
        ]
    );
}

fn flowtop(host: &Host, args: &[&str]) -> Command {
    let mut command = host.command(env!("CARGO_BIN_EXE_flowtop"));
    command.args(args).env_remove("NO_COLOR");
    command
}

#[test]
fn the_viewer_begins_with_the_clients_of_a_service() {
    lab::run("the_viewer_begins_with_the_clients_of_a_service", |lab| {
        let net = lab.router();
        net.server.track();
        let nfs = TcpService::listen(&net.server, "198.51.100.20:2049");
        let other = TcpService::listen(&net.server, "198.51.100.20:80");
        let dir = Dir::new("clients_viewer");
        nfs_server(dir.path(), "192.0.2.10");
        let path = dir.path().to_str().unwrap();
        let args = ["-n", "-t", "0.2", "--service", "nfs", "--nfsd-dir", path];
        let mut session = Session::start(flowtop(&net.server, &args), 140, 24);
        session.wait_for("clients of 2049/tcp");
        let connections = [nfs.connect(&net.client), nfs.connect(&net.client)];
        let elsewhere = other.connect(&net.client);
        connections[0].download(500_000);
        elsewhere.upload(1000);
        session.wait(
            "a row for the client, and its mean round-trip time",
            |text| {
                let row = text.lines().find(|line| line.contains("192.0.2.10"));
                row.is_some_and(|row| {
                    let words: Vec<_> = row.split_whitespace().collect();
                    words[1..4] == ["4.2", "/srv/nfs", "2"]
                        && (words[4].ends_with("µs") || words[4].ends_with("ms"))
                })
            },
        );
        session.keys("\x1b[B\r");
        session.wait("the connections", |text| {
            text.contains("ESTABLISHED") && text.contains("2 flows")
        });
        session.keys("\x1b");
        session.wait_for("CONNS");
        for connection in connections {
            connection.close();
        }
        net.server.flush_flows();
        session.wait("a ghost", |text| {
            let row = text.lines().find(|line| line.contains("192.0.2.10"));
            row.is_some_and(|row| row.split_whitespace().nth(3) == Some("0"))
        });
        session.keys("q");
        session.assert_clean_end();
    });
}

/// What `list --service` writes, line by line.
fn listed(host: &Host, args: &[&str]) -> Vec<String> {
    let always = ["list", "--service", "80", "-n"];
    let args: Vec<&str> = always.into_iter().chain(args.iter().copied()).collect();
    let output = flowtop(host, &args).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {told}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn clients_are_listed_in_the_order_that_was_asked_for() {
    lab::run(
        "clients_are_listed_in_the_order_that_was_asked_for",
        |lab| {
            let net = lab.router();
            net.server.track();
            let web = TcpService::listen(&net.server, "198.51.100.20:80");
            let other = TcpService::listen(&net.server, "198.51.100.20:81");
            let many = [web.connect(&net.client), web.connect(&net.client)];
            let one = web.connect(&net.router);
            let elsewhere = other.connect(&net.router);
            many[0].download(10_000);
            one.download(500_000);
            // Of each client its address, by the first keys of its record.
            let hosts = |args: &[&str]| -> Vec<&str> {
                let lines = listed(&net.server, &[&["-o", "json"], args].concat());
                let host = |line: &String| {
                    let hosts = ["192.0.2.10", "198.51.100.1"];
                    let has = |host: &&str| line.contains(&format!("\"address\":\"{host}\""));
                    hosts.into_iter().find(has).expect("a client")
                };
                lines.iter().map(host).collect()
            };
            let (client, router) = ("192.0.2.10", "198.51.100.1");
            assert_eq!(hosts(&["--sort", "flows"]), [client, router]);
            assert_eq!(hosts(&["--sort", "flows:asc"]), [router, client]);
            assert_eq!(hosts(&["--sort", "bytes"]), [router, client]);
            assert_eq!(hosts(&["--sort", "flows", "--top", "1"]), [client]);
            assert_eq!(hosts(&["--sort", "rtt"]).len(), 2);
            let json = listed(&net.server, &["-o", "json", "--sort", "flows"]);
            assert!(json[0].contains("\"flows\":2"), "{json:?}");
            let csv = listed(&net.server, &["-o", "csv", "--sort", "flows"]);
            assert!(csv[0].starts_with("v,ts,group,name,address,"), "{csv:?}");
            assert!(csv[1].contains(",peer,,192.0.2.10,"), "{csv:?}");
            assert_eq!(csv.len(), 3, "{csv:?}");
            let table = listed(&net.server, &["-o", "table", "--sort", "flows"]);
            assert!(
                table[0].starts_with("HOST ") && table[1].starts_with(client),
                "{table:?}"
            );
            assert!(
                table[0].contains(" RTT ") && !table[0].contains(" NFS"),
                "{table:?}"
            );
            for (args, why) in [
                (["--sort", "orig_sport"], "groups are not sorted by"),
                (["--fields", "orig_src"], "--fields is about flows"),
            ] {
                let mut command = flowtop(&net.server, &["list", "--service", "80"]);
                let output = command.args(args).output().unwrap();
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                assert_eq!(output.status.code(), Some(2), "{told}");
                assert!(told.contains(why), "{told}");
            }
            many.into_iter()
                .chain([one, elsewhere])
                .for_each(lab::traffic::Connection::close);
        },
    );
}

#[test]
fn a_service_that_nothing_is_called_is_told() {
    lab::run("a_service_that_nothing_is_called_is_told", |lab| {
        let run = |args: &[&str]| {
            let output = flowtop(lab.here(), args).output().unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            (output.status.code(), told)
        };
        let (code, told) = run(&["list", "--service", "nosuchthing"]);
        assert_eq!(code, Some(2), "{told}");
        assert!(
            told.contains("no service of tcp is called `nosuchthing`"),
            "{told}"
        );
        let (code, told) = run(&["events", "--service", "80"]);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains("--filter"), "{told}");
    });
}
