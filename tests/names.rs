//! Names and places as the program tells them, and what they cost: in
//! namespaces of the laboratory, with nameservers and files of the test.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a test may"
)]

mod databases;
mod lab;
mod nameserver;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use databases::{BUILT, Dir, countries};
use flowtop::collect::pace::{self, Pace};
use flowtop::collect::{self, Clock, Kernel};
use flowtop::engine::{Core, Facts, Input, Viewer};
use flowtop::enrich::dns::{Nameserver, Resolver, Settings};
use flowtop::enrich::geoip::{self, GeoIp, Location};
use flowtop::enrich::services::{self, Services};
use flowtop::enrich::{Knowledge, names};
use flowtop::flow::{L4, Protocol, Scope, Tuple};
use flowtop::table::Table;
use flowtop::view::{Grouping, List, Query, View};
use lab::entries::Entry;
use lab::{Lab, eventually, mounts};
use nameserver::{Fake, named};
use serde_json::{Map, Value};

type Record = Map<String, Value>;

/// The port of nameservers.
const DNS: u16 = 53;

/// The program, with `home` as its home and nothing else in its environment.
fn flowtop(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowtop"));
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, args: &[&str]) -> Output {
    flowtop(home, args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The records that the program prints when nothing is to be said.
fn records(home: &Path, args: &[&str]) -> Vec<Record> {
    let output = run(home, args);
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), said), (Some(0), ""), "{args:?}");
    text(&output.stdout).lines().map(record).collect()
}

fn record(line: &str) -> Record {
    match serde_json::from_str(line) {
        Ok(Value::Object(record)) => record,
        other => panic!("{line} is no object: {other:?}"),
    }
}

fn field<'a>(record: &'a Record, key: &str) -> Option<&'a str> {
    record.get(key).map(|value| value.as_str().unwrap())
}

/// Each source with the value of a field of its flow.
fn by_source<'a>(records: &'a [Record], key: &str) -> BTreeMap<&'a str, Option<&'a str>> {
    let pair = |record| (field(record, "orig_src").unwrap(), field(record, key));
    records.iter().map(pair).collect()
}

/// A flow to the port of a web server.
fn flow(src: &str, dst: &str) -> Entry {
    let ports = L4::Ports {
        src: 40_000,
        dst: 443,
    };
    let [src, dst] = [src, dst].map(|address| address.parse::<IpAddr>().unwrap());
    Entry::new(Tuple::new(src, dst, Protocol::TCP, ports).unwrap())
}

/// Takes this machine's files away, and puts these in their place, so that the
/// test finds the same on every machine.
fn furnish(files: &[(&str, &str)]) {
    mounts::hide("/etc");
    mounts::hide("/var/lib");
    for (path, content) in files {
        fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

const RESOLV_CONF: (&str, &str) = ("/etc/resolv.conf", "nameserver 127.0.0.1\n");

/// Settings that ask only `fake`, and as fast as it answers.
fn settings(fake: &Fake) -> Settings {
    Settings {
        nameservers: vec![Nameserver::new(fake.address)],
        per_sec: 1_000_000,
        burst: 1_000_000,
        local: names::Settings {
            table: HashMap::new(),
            leases: Vec::new(),
            hosts: PathBuf::from("/nonexistent"),
        },
        ..Settings::default()
    }
}

#[test]
fn two_hundred_names_cost_one_tracked_flow() {
    lab::run("two_hundred_names_cost_one_tracked_flow", |lab| {
        lab.here().track();
        let fake = Fake::naming();
        let mut resolver = Resolver::start(settings(&fake), || {}).unwrap();
        let wanted: Vec<_> = (0..200).map(|n| IpAddr::from([8, 8, 8, n])).collect();
        let mut known = HashSet::new();
        eventually("two hundred names are known", || {
            let missing = wanted.iter().filter(|addr| !known.contains(*addr));
            resolver.ask(&missing.copied().collect::<Vec<_>>());
            for answer in resolver.answers() {
                assert!(answer.name.is_some());
                known.insert(answer.addr);
            }
            known.len() == 200
        });
        assert!(fake.asked_so_far().len() >= 200);
        let [own] = resolver.own_sockets() else {
            panic!("one socket: {:?}", resolver.own_sockets());
        };
        let orig = lab.here().flow(Protocol::UDP).orig;
        assert_eq!(lab.here().flow_count(), 1);
        assert_eq!(orig.src(), own.local.ip());
        assert_eq!(orig.dst(), own.server.ip());
        assert_eq!(orig.sport(), Some(own.local.port()));
        assert_eq!(orig.dport(), Some(own.server.port()));
    });
}

#[test]
fn records_have_the_names_of_every_source() {
    lab::run("records_have_the_names_of_every_source", |lab| {
        furnish(&[
            RESOLV_CONF,
            ("/etc/hosts", "192.168.7.4 printer.lan\n192.168.7.3 no\n"),
            (
                "/etc/flowtop/flowtop.toml",
                "[names]\n\"192.168.7.1\" = \"ours\"\n\"192.168.7.2\" = \"theirs\"\n",
            ),
            (
                "/var/lib/misc/dnsmasq.leases",
                "0 aa:bb:cc:dd:ee:ff 192.168.7.3 phone *\n0 aa:bb:cc:dd:ee:fe 192.168.7.2 no *\n",
            ),
        ]);
        let home = Dir::new("names-sources");
        home.write(
            ".config/flowtop/flowtop.toml",
            "[names]\n\"192.168.7.2\" = \"K\u{fc}che\\u001b[2J\"\n".as_bytes(),
        );
        let fake = Fake::on(DNS, named);
        let sources = (1..=5).map(|n| flow(&format!("192.168.7.{n}"), "8.8.8.8"));
        lab.here().create_flows(sources);
        let found = records(home.path(), &["list", "--dns", "-o", "json"]);
        let expected = [
            ("192.168.7.1", Some("ours")),
            ("192.168.7.2", Some("Küche[2J")),
            ("192.168.7.3", Some("phone")),
            ("192.168.7.4", Some("printer.lan")),
            ("192.168.7.5", Some("n5.example")),
        ];
        assert_eq!(by_source(&found, "src_name"), BTreeMap::from(expected));
        for record in &found {
            assert_eq!(field(record, "dst_name"), Some("n8.example"));
        }
        // What this machine knows by itself is nobody else's business.
        let mut asked = fake.asked_so_far();
        asked.sort_unstable();
        assert_eq!(asked, [[8, 8, 8, 8], [192, 168, 7, 5]].map(Ipv4Addr::from));

        let table = run(home.path(), &["list", "--dns"]);
        let table = text(&table.stdout);
        assert!(table.contains(" n8.example "), "{table}");
        assert!(table.contains(" phone:40000 "), "{table}");

        fake.asked_so_far();
        for args in [&["list", "-o", "json"][..], &["-n", "list", "-o", "json"]] {
            for record in records(home.path(), args) {
                assert!(!record.contains_key("src_name"), "{record:?}");
                assert!(!record.contains_key("dst_name"), "{record:?}");
            }
        }
        assert!(fake.asked_so_far().is_empty(), "nobody asked for names");
    });
}

#[test]
fn a_broken_configuration_is_told_and_the_rest_used() {
    lab::run("a_broken_configuration_is_told_and_the_rest_used", |lab| {
        furnish(&[
            RESOLV_CONF,
            ("/etc/flowtop/flowtop.toml", "[names\n"),
            ("/etc/hosts", ""),
        ]);
        let home = Dir::new("names-broken");
        home.write(
            ".config/flowtop/flowtop.toml",
            b"[names]\n\"tv\" = \"x\"\n\"192.168.7.1\" = \"laptop\"\n",
        );
        let _fake = Fake::on(DNS, named);
        lab.here().create_flows([flow("192.168.7.1", "8.8.8.8")]);
        let output = run(home.path(), &["list", "--dns", "-o", "json"]);
        assert_eq!(output.status.code(), Some(0));
        let said: Vec<_> = text(&output.stderr).lines().collect();
        let [system, user] = said[..] else {
            panic!("{said:?}");
        };
        assert!(
            system.starts_with("flowtop: /etc/flowtop/flowtop.toml: line 1: "),
            "{system}"
        );
        assert!(
            user.ends_with("flowtop.toml: line 2: `tv` is no IP address"),
            "{user}"
        );
        let record = record(text(&output.stdout));
        assert_eq!(field(&record, "src_name"), Some("laptop"));
    });
}

/// A conversation with the nameserver that is somebody else's.
fn somebody_asks(fake: &Fake) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let query = flowtop::enrich::dns::wire::query(7, IpAddr::from([9, 9, 9, 9])).unwrap();
    socket.send_to(&query, fake.address).unwrap();
    let mut answer = [0; 512];
    socket.recv_from(&mut answer).unwrap();
    socket
}

#[test]
fn exactly_the_flows_of_our_own_lookups_are_hidden() {
    lab::run("exactly_the_flows_of_our_own_lookups_are_hidden", |lab| {
        furnish(&[RESOLV_CONF]);
        let home = Dir::new("names-own");
        lab.here().track();
        let fake = Fake::on(DNS, named);
        let other = somebody_asks(&fake);
        lab.here().create_flows([flow("192.168.7.1", "8.8.8.8")]);
        let sampled = |more: &[&str]| {
            let args = [
                "list",
                "--loopback",
                "-A",
                "-o",
                "json",
                "--count",
                "3",
                "-t",
                "0.2",
            ];
            records(home.path(), &[&args, more].concat())
        };
        let found = sampled(&["--dns"]);
        let to_nameserver: Vec<_> = found
            .iter()
            .filter(|record| record.get("orig_dport") == Some(&Value::from(DNS)))
            .collect();
        let port = Value::from(other.local_addr().unwrap().port());
        assert_eq!(to_nameserver.len(), 3, "{to_nameserver:?}");
        for record in &to_nameserver {
            assert_eq!(record["orig_sport"], port);
        }
        assert_eq!(found.len(), 6);
        let tracked = lab.here().flows();
        let udp = tracked
            .iter()
            .filter(|flow| flow.orig.proto() == Protocol::UDP);
        assert_eq!(udp.count(), 2, "one of ours: {tracked:#?}");
        // Of another run it is a flow like any other.
        assert_eq!(sampled(&[]).len(), 9);
    });
}

#[test]
fn libc_is_asked_if_somebody_wants_that() {
    lab::run("libc_is_asked_if_somebody_wants_that", |lab| {
        furnish(&[
            RESOLV_CONF,
            ("/etc/nsswitch.conf", "hosts: files dns\n"),
            ("/etc/hosts", "127.0.0.1 localhost\n"),
        ]);
        let home = Dir::new("names-libc");
        let _fake = Fake::on(DNS, named);
        lab.here().create_flows([flow("192.168.7.1", "8.8.8.8")]);
        let args = ["list", "--dns", "--resolver", "system", "-o", "json"];
        let found = records(home.path(), &args);
        assert_eq!(field(&found[0], "dst_name"), Some("n8.example"));
        assert_eq!(field(&found[0], "src_name"), Some("n1.example"));
    });
}

#[test]
fn nameservers_that_do_not_answer_end_nothing() {
    lab::run("nameservers_that_do_not_answer_end_nothing", |lab| {
        furnish(&[RESOLV_CONF, ("/etc/hosts", "192.168.7.1 here.lan\n")]);
        let home = Dir::new("names-dead");
        let flows = (1..=40).map(|n| flow("192.168.7.1", &format!("8.8.8.{n}")));
        lab.here().create_flows(flows);
        let args = ["list", "--dns", "-o", "json", "--count", "4", "-t", "0.1"];
        let check = || {
            let found = records(home.path(), &args);
            assert_eq!(found.len(), 160);
            for record in found {
                assert_eq!(field(&record, "src_name"), Some("here.lan"));
                assert_eq!(field(&record, "dst_name"), None);
            }
        };
        // Nobody listens.
        check();
        // Somebody listens and says nothing.
        let _silent = Fake::on(DNS, |_| Vec::new());
        check();
    });
}

/// Starts `events`, and hands its records to `test` one after the other; the
/// first is that of a flow which says that it listens.
fn beside_events(lab: &Lab, home: &Path, test: impl FnOnce(&mut dyn FnMut() -> Record)) {
    let args = "events --source conntrack --dns -A --loopback -o json";
    let args: Vec<_> = args.split(' ').collect();
    let mut child = flowtop(home, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = channel();
    thread::spawn(move || {
        for line in stdout.lines() {
            // The test has seen enough when it no longer listens.
            let _ = send.send(record(&line.unwrap()));
        }
    });
    let probe = flow("192.168.7.250", "8.8.8.250");
    eventually("it listens", || {
        lab.here().create_flows([probe.clone()]);
        lab.here().delete_flow(&probe.orig());
        lines.recv_timeout(Duration::from_millis(50)).is_ok()
    });
    test(&mut || loop {
        let record = lines
            .recv_timeout(Duration::from_secs(30))
            .expect("a record");
        if field(&record, "orig_src") != Some("192.168.7.250") {
            return record;
        }
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn events_keep_their_order_while_names_come_in_another() {
    let test = "events_keep_their_order_while_names_come_in_another";
    lab::run(test, |lab| {
        furnish(&[RESOLV_CONF]);
        let home = Dir::new("names-events");
        lab.here().track();
        // The answer about every third host comes after the next one.
        let held = RefCell::new(Vec::new());
        let _fake = Fake::on(DNS, move |query| {
            let [.., last] = nameserver::asked(query).octets();
            let mut answers = named(query);
            if last % 3 == 0 {
                held.borrow_mut().append(&mut answers);
            } else {
                answers.append(&mut held.borrow_mut());
            }
            answers
        });
        beside_events(lab, home.path(), |next| {
            let destination = |n: u8| format!("8.8.8.{n}");
            let flows = (1..=31).map(|n| flow("192.168.7.1", &destination(n)));
            lab.here().create_flows(flows);
            for n in 1..=31 {
                let record = next();
                assert_eq!(field(&record, "event"), Some("new"));
                assert_eq!(field(&record, "orig_dst"), Some(&*destination(n)));
                let name = format!("n{n}.example");
                assert_eq!(field(&record, "dst_name"), Some(&*name));
            }
            // The flow of our own lookups would have come first of all.
            lab.here()
                .delete_flow(&flow("192.168.7.1", "8.8.8.1").orig());
            let record = next();
            assert_eq!(field(&record, "event"), Some("end"));
            assert_eq!(field(&record, "dst_name"), Some("n1.example"));
        });
    });
}

#[test]
fn events_wait_for_no_dead_nameserver() {
    lab::run("events_wait_for_no_dead_nameserver", |lab| {
        furnish(&[RESOLV_CONF]);
        let home = Dir::new("names-events-dead");
        let _silent = Fake::on(DNS, |_| Vec::new());
        beside_events(lab, home.path(), |next| {
            lab.here().create_flows([
                flow("192.168.7.1", "8.8.8.1"),
                flow("192.168.7.1", "8.8.8.2"),
            ]);
            for destination in ["8.8.8.1", "8.8.8.2"] {
                let record = next();
                assert_eq!(field(&record, "orig_dst"), Some(destination));
                assert!(!record.contains_key("dst_name"));
            }
        });
    });
}

#[test]
fn places_come_from_the_best_database() {
    lab::run("places_come_from_the_best_database", |lab| {
        furnish(&[]);
        let home = Dir::new("places");
        lab.here().create_flows([
            flow("192.168.7.1", "11.0.0.1"),
            flow("192.168.7.2", "10.0.0.1"),
        ]);
        let destinations = |args: &[&str]| -> BTreeMap<String, Option<String>> {
            let found = records(home.path(), &[&["list", "-o", "json"], args].concat());
            for record in &found {
                assert!(!record.contains_key("src_country"), "{record:?}");
            }
            let of = by_source(&found, "dst_country");
            let owned =
                |(src, code): (&str, Option<&str>)| (src.to_owned(), code.map(str::to_owned));
            of.into_iter().map(owned).collect()
        };
        let expected = |code: Option<&str>| {
            let code = code.map(str::to_owned);
            BTreeMap::from([
                ("192.168.7.1".to_owned(), code),
                ("192.168.7.2".to_owned(), None),
            ])
        };
        let embedded = cfg!(feature = "embed-geoip").then_some("US");
        assert_eq!(destinations(&[]), expected(embedded));
        assert_eq!(destinations(&["-G"]), expected(None));

        let table = |args: &[&str]| {
            let output = run(home.path(), &[&["list"], args].concat());
            text(&output.stdout).to_owned()
        };
        let shown = table(&[]);
        assert_eq!(shown.matches(" lan ").count(), 1, "{shown}");
        assert!(!table(&["-G"]).contains(" lan "));

        // What an update has put there wins over what is built in, and what is
        // named wins over both.
        let database = countries(BUILT, &["AT"]);
        home.write(".local/share/flowtop/country.mmdb", &database);
        assert_eq!(destinations(&[]), expected(Some("AT")));
        let named = Dir::new("places-named");
        named.write("any-name.mmdb", &countries(BUILT, &["CH"]));
        let named = named.path().to_str().unwrap();
        assert_eq!(destinations(&["--geoip-dir", named]), expected(Some("CH")));
        assert_eq!(destinations(&["-G", "--geoip-dir", named]), expected(None));
    });
}

#[test]
fn a_broken_database_is_a_warning_that_names_it() {
    lab::run("a_broken_database_is_a_warning_that_names_it", |lab| {
        furnish(&[]);
        let home = Dir::new("places-broken");
        lab.here().create_flows([flow("192.168.7.1", "11.0.0.1")]);
        let dir = Dir::new("places-broken-dir");
        let broken = dir.write("broken.mmdb", b"<html>please log in</html>");
        dir.write("sound.mmdb", &countries(BUILT, &["AT"]));
        let with_dir = |dir: &Path, more: &[&str]| {
            let args = ["list", "-o", "json", "--geoip-dir", dir.to_str().unwrap()];
            run(home.path(), &[&args, more].concat())
        };
        let output = with_dir(dir.path(), &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.starts_with("flowtop: "), "{said}");
        assert!(said.contains(broken.to_str().unwrap()), "{said}");
        let found = record(text(&output.stdout));
        assert_eq!(field(&found, "dst_country"), Some("AT"));
        assert_eq!(text(&with_dir(dir.path(), &["-G"]).stderr), "");

        let missing = dir.path().join("missing");
        let output = with_dir(&missing, &[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains(missing.to_str().unwrap()), "{said}");
    });
}

#[test]
fn a_file_of_services_wins_and_must_be_readable() {
    lab::run("a_file_of_services_wins_and_must_be_readable", |lab| {
        furnish(&[("/etc/flowtop/tcp.conf", "443, theirs\n")]);
        let home = Dir::new("services");
        lab.here().create_flows([flow("192.168.7.1", "8.8.8.8")]);
        let first = home.write("first", b"443, first\n");
        let last = home.write("last", b"443/tcp, ours\nnonsense\n");
        let [first, last] = [&first, &last].map(|path| path.to_str().unwrap());
        let found = records(home.path(), &["list", "-o", "json"]);
        assert_eq!(field(&found[0], "service"), Some("theirs"));
        let args = ["--services", first, "list", "-o", "json"];
        let found = records(home.path(), &args);
        assert_eq!(field(&found[0], "service"), Some("first"));

        let args = [
            "list",
            "-o",
            "json",
            "--services",
            first,
            "--services",
            last,
        ];
        let output = run(home.path(), &args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains(&format!("{last}:2: ")), "{said}");
        let found = record(text(&output.stdout));
        assert_eq!(field(&found, "service"), Some("ours"));

        for unreadable in ["/nonexistent/services", "/etc"] {
            for command in [&["list"][..], &["events"], &[]] {
                let args = [command, &["--services", unreadable]].concat();
                let output = run(home.path(), &args);
                let said = text(&output.stderr);
                assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.starts_with("flowtop: "), "{said}");
                assert!(said.contains(unreadable), "{said}");
                assert_eq!(text(&output.stdout), "");
            }
        }
    });
}

/// An engine behind a screen, which asks for names and renews its places.
fn viewer(lab: &Lab, names: Settings, settings: geoip::Settings) -> Screen {
    let clock = Clock::start();
    let (ask, inputs) = sync_channel(64);
    let source = collect::Settings {
        events: true,
        receive_buffer_bytes: 1 << 20,
        family: None,
    };
    let kernel = lab
        .here()
        .enter(|| Kernel::start(source, clock, &ask))
        .unwrap();
    let pace = Pace::new(pace::Settings {
        interval: Duration::from_millis(50),
        share: 1.0,
    });
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let (geoip, problems) = GeoIp::open(settings);
    knowledge.set_places(Arc::new(geoip));
    let wake = ask.clone();
    let resolver = Resolver::start(names, move || {
        let _ = wake.try_send(Input::Names);
    });
    let reopened = ask.clone();
    let viewer = Viewer {
        observer: None,
        health: flowtop::view::health::Settings::default(),
        knowledge,
        resolver: Some(resolver.unwrap()),
        asker: None,
        sources: None,
        hint: None,
        reopen_places: Box::new(move |settings| {
            let (geoip, problems) = GeoIp::open(settings);
            let problems = problems.iter().map(ToString::to_string).collect();
            reopened
                .try_send(Input::Places(Arc::new(geoip), problems))
                .unwrap();
        }),
        places_every: Duration::from_millis(50),
        interval: Duration::from_millis(50),
        probe: |_| Facts::default(),
        warnings: Vec::new(),
        place_warnings: problems.iter().map(ToString::to_string).collect(),
    };
    let (show, views) = sync_channel::<Arc<View>>(1);
    let core = Core::new(Table::new(), Box::new(kernel), clock, pace);
    thread::spawn(move || viewer.run(core, inputs, &show));
    Screen { ask, views }
}

struct Screen {
    ask: SyncSender<Input>,
    views: Receiver<Arc<View>>,
}

impl Screen {
    fn look_at(&self, list: List) {
        let query = Query {
            list,
            height: 10,
            ..Query::of(Scope::EVERYTHING)
        };
        self.ask.send(Input::Query(query)).unwrap();
    }

    fn until(&self, what: &str, condition: impl Fn(&View) -> bool) -> Arc<View> {
        let mut found = None;
        eventually(what, || {
            found = self.views.try_recv().ok().filter(|view| condition(view));
            found.is_some()
        });
        found.unwrap()
    }
}

#[test]
fn a_running_viewer_learns_names_and_new_places() {
    lab::run("a_running_viewer_learns_names_and_new_places", |lab| {
        lab.here().track();
        lab.here()
            .set_sysctl("net/netfilter/nf_conntrack_events", "1");
        let fake = Fake::naming();
        let dir = Dir::new("viewer-places");
        let broken = dir.write("country.mmdb", b"no database");
        let settings_of_places = geoip::Settings {
            enabled: true,
            named_dir: Some(dir.path().to_owned()),
            dirs: Vec::new(),
            embedded: false,
        };
        let screen = viewer(lab, settings(&fake), settings_of_places);
        let entry = flow("192.168.7.1", "11.0.0.5");
        lab.here().create_flows([entry.clone()]);
        screen.look_at(List::Flows);
        let view = screen.until("a flow", |view| view.matching == 1);
        let [warning] = &view.status.warnings[..] else {
            panic!("{:?}", view.status.warnings);
        };
        assert!(warning.contains(broken.to_str().unwrap()), "{warning}");
        assert_eq!(view.rows[0].ends.reply.location, Location::Unknown);
        assert_eq!(view.rows[0].ends.orig.location, Location::Lan);
        let view = screen.until("a name", |view| view.rows[0].ends.reply.name.is_some());
        assert_eq!(view.rows[0].ends.reply.name.as_deref(), Some("n5.example"));
        // The flow of the lookup is there, counted, and not shown.
        let view = screen.until("our own flow", |view| view.own == 1);
        assert_eq!((view.matching, view.rows.len()), (1, 1));

        // As an update does it.
        let new = dir.write("new", &countries(BUILT, &["AT"]));
        fs::rename(new, &broken).unwrap();
        let is_known = |view: &View| view.rows[0].ends.reply.location.place().is_some();
        let view = screen.until("a place", is_known);
        let place = view.rows[0].ends.reply.location.place().unwrap();
        assert_eq!(place.country_name(), Some("Austria"));
        assert_eq!(view.status.warnings, Vec::<String>::new());
        let [source] = &view.status.places[..] else {
            panic!("{:?}", view.status.places);
        };
        assert_eq!(source.name, "country.mmdb");

        screen.look_at(List::By(Grouping::Country));
        screen.until("a country", |view| view.groups.len() == 1);
        lab.here().delete_flow(&entry.orig());
        let view = screen.until("its end", |view| {
            view.groups.first().is_some_and(|row| row.ended == 1)
        });
        let [row] = &view.groups[..] else {
            panic!("{:?}", view.groups);
        };
        assert_eq!((row.flows, row.name.as_deref()), (0, Some("Austria")));
        screen.ask.send(Input::Stop).unwrap();
    });
}
