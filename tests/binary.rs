//! The program itself, in namespaces of the laboratory: what it prints, how it
//! ends, and that it leaves the kernel as it was.
//!
//! Tests named `fault_NN_...` each hold one fault of the original, netsniff-ng's
//! flowtop, shut.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]
#![expect(unsafe_code, reason = "std neither sends signals nor mounts")]

mod lab;
mod notation;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use flowtop::flow::{Counters, L4, Protocol};
use serde_json::Value;

use lab::entries::Entry;
use lab::traffic::{self, TcpService, UdpService};
use lab::{FLOWS_PER_SERVER, Host, SERVERS, eventually};
use notation::between;

const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");

const ACCT: &str = "net/netfilter/nf_conntrack_acct";
const TIMESTAMP: &str = "net/netfilter/nf_conntrack_timestamp";
const EVENTS: &str = "net/netfilter/nf_conntrack_events";

/// The program on a host, with nobody's configuration.
fn flowtop(host: &Host, args: &[&str]) -> Command {
    settle(host.command(BINARY), args)
}

fn settle(mut command: Command, args: &[&str]) -> Command {
    command
        // The flows of these tests are made by hand: no rule asks for tracking.
        .args(["--source", "conntrack"])
        .args(args)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

fn output(mut command: Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {BINARY}: {e}"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// What the program prints when all goes well and nothing is to be said.
fn printed(host: &Host, args: &[&str]) -> String {
    let output = output(flowtop(host, args));
    let said = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    text(&output.stdout).to_owned()
}

type Record = serde_json::Map<String, Value>;

fn parse(line: &str) -> Record {
    match serde_json::from_str(line) {
        Ok(Value::Object(record)) => record,
        other => panic!("{line} is no object: {other:?}"),
    }
}

fn records(host: &Host, args: &[&str]) -> Vec<Record> {
    let args: Vec<_> = args.iter().copied().chain(["-o", "json"]).collect();
    printed(host, &args).lines().map(parse).collect()
}

fn string<'a>(record: &'a Record, key: &str) -> &'a str {
    record
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {key} in {record:?}"))
}

fn number(record: &Record, key: &str) -> Option<u64> {
    record
        .get(key)
        .map(|value| value.as_u64().expect("a whole number"))
}

fn switch_on(host: &Host) {
    host.set_sysctl(ACCT, "1");
    host.set_sysctl(TIMESTAMP, "1");
    // Not 2, the default: what other tests do must not matter here.
    host.set_sysctl(EVENTS, "1");
}

fn switches(host: &Host) -> [String; 2] {
    [ACCT, TIMESTAMP].map(|key| host.sysctl(key).expect("this kernel has it"))
}

fn entries(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Entry> {
    numbers.map(Entry::numbered)
}

#[test]
fn list_prints_the_kernel_s_flows() {
    lab::run("list_prints_the_kernel_s_flows", |lab| {
        let net = lab.router();
        let router = &net.router;
        switch_on(router);
        router.set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
        router.masquerade("wan");
        router.set_mark(7);
        for server in SERVERS {
            net.speak_everything(server);
        }
        let records = records(router, &["list", "-A"]);
        let seen = router.flows();
        assert_eq!(records.len(), 2 * FLOWS_PER_SERVER);
        assert_eq!(seen.len(), records.len());
        let stamps: BTreeSet<_> = records.iter().map(|record| string(record, "ts")).collect();
        assert_eq!(stamps.len(), 1, "one sample, one time");
        for seen in &seen {
            let ids: Vec<_> = records
                .iter()
                .filter(|record| number(record, "id") == Some(seen.id.into()))
                .collect();
            let [record] = ids[..] else {
                panic!("{seen:?} is {ids:?}");
            };
            let (orig, reply) = (&seen.orig, &seen.reply);
            for (key, address) in [
                ("orig_src", orig.src()),
                ("orig_dst", orig.dst()),
                ("reply_src", reply.src()),
                ("reply_dst", reply.dst()),
            ] {
                assert_eq!(string(record, key), address.to_string());
            }
            for (key, port) in [
                ("orig_sport", orig.sport()),
                ("orig_dport", orig.dport()),
                ("reply_sport", reply.sport()),
                ("reply_dport", reply.dport()),
            ] {
                assert_eq!(number(record, key), port.map(u64::from), "{record:?}");
            }
            assert_eq!(number(record, "v"), Some(1));
            assert_eq!(string(record, "event"), "sample");
            assert_eq!(string(record, "proto"), orig.proto().to_string());
            assert_eq!(string(record, "nat"), "snat");
            assert_eq!(number(record, "mark"), Some(7));
            let state = seen.state.and_then(flowtop::flow::State::name);
            assert_eq!(record.get("state").and_then(Value::as_str), state);
            let [up, down] = seen.counters.expect("accounting is on");
            assert_eq!(number(record, "orig_packets"), Some(up.0));
            assert_eq!(number(record, "orig_bytes"), Some(up.1));
            assert_eq!(number(record, "reply_packets"), Some(down.0));
            assert_eq!(number(record, "reply_bytes"), Some(down.1));
            for absent in ["orig_bytes_per_sec", "end_reason", "count", "helper"] {
                assert_eq!(record.get(absent), None);
            }
            assert!(record.contains_key("start") && record.contains_key("duration_secs"));
        }
    });
}

#[test]
fn tables_and_csv_have_a_line_per_flow_and_a_header() {
    lab::run("tables_and_csv_have_a_line_per_flow_and_a_header", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..20));
        let csv = printed(here, &["list", "-o", "csv"]);
        let mut lines = csv.lines();
        let header: Vec<_> = lines.next().expect("a header").split(',').collect();
        assert_eq!(header[..3], ["v", "event", "ts"]);
        assert!(
            lines
                .clone()
                .all(|line| line.split(',').count() == header.len())
        );
        assert_eq!(lines.count(), 20);
        for args in [&["list"][..], &["list", "-o", "table"], &[]] {
            // Without a command, on a pipe, it is one table as well.
            let table = printed(here, args);
            assert_eq!(table.lines().count(), 21, "{table}");
            for (number, line) in table.lines().enumerate() {
                assert_eq!(line.contains("203.0.113.1"), number > 0, "{table}");
            }
        }
    });
}

#[test]
fn fields_are_those_asked_for_in_that_order() {
    lab::run("fields_are_those_asked_for_in_that_order", |lab| {
        let here = lab.here();
        here.create_flows([Entry::numbered(1).mark(5)]);
        let fields = ["--fields", "orig_dport,mark,helper,orig_src"];
        let with = |format| [&["list", "-o", format], &fields[..]].concat();
        assert_eq!(
            printed(here, &with("json")),
            "{\"orig_dport\":443,\"mark\":5,\"orig_src\":\"10.0.0.1\"}\n"
        );
        assert_eq!(
            printed(here, &with("csv")),
            "orig_dport,mark,helper,orig_src\n443,5,,10.0.0.1\n"
        );
        let table = printed(here, &with("table"));
        let words: Vec<_> = table.split_whitespace().skip(4).collect();
        assert_eq!(words, ["443", "5", "-", "10.0.0.1"], "{table}");
    });
}

/// What `list` shows with some flags: how many flows of which family and
/// protocol.
fn shown(host: &Host, flags: &[&str]) -> BTreeMap<String, usize> {
    let args = [&["list"], flags].concat();
    let mut shown = BTreeMap::new();
    for record in records(host, &args) {
        let kind = format!("{} {}", string(&record, "proto"), string(&record, "family"));
        *shown.entry(kind).or_default() += 1;
    }
    shown
}

#[test]
fn fault_13_14_15_families_and_protocols_are_exact() {
    lab::run("fault_13_14_15_families_and_protocols_are_exact", |lab| {
        let net = lab.router();
        let router = &net.router;
        router.set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
        router.track();
        for server in SERVERS {
            net.speak_everything(server);
        }
        let v4 = |protocols: &[&str]| family(protocols, "ipv4");
        let v6 = |protocols: &[&str]| family(protocols, "ipv6");
        let both = |v4: &[&str], v6: &[&str]| [family(v4, "ipv4"), family(v6, "ipv6")].concat();
        let named4 = ["tcp", "udp", "udplite", "dccp", "icmp", "sctp"];
        let named6 = ["tcp", "udp", "udplite", "dccp", "icmpv6", "sctp"];
        let other = ["gre", "esp", "253"];
        let all4 = [&named4[..], &other].concat();
        let all6 = [&named6[..], &other].concat();
        for (flags, expected) in [
            (&[][..], both(&["tcp"], &["tcp"])),
            (&["-4"], v4(&["tcp"])),
            (&["-6"], v6(&["tcp"])),
            (&["-46"], both(&["tcp"], &["tcp"])),
            (&["-T"], both(&["tcp"], &["tcp"])),
            (&["-U"], both(&["udp", "udplite"], &["udp", "udplite"])),
            (&["-D4"], v4(&["dccp"])),
            (&["-I"], both(&["icmp"], &["icmpv6"])),
            (&["-I", "-6"], v6(&["icmpv6"])),
            (&["-S", "--ipv4"], v4(&["sctp"])),
            (&["-O"], both(&other, &other)),
            (&["--other", "-6"], v6(&other)),
            (&["-4TO"], v4(&["tcp", "gre", "esp", "253"])),
            (&["-46UTDIS"], both(&named4, &named6)),
            (&["-46UTDISs"], both(&named4, &named6)),
            (&["-AnG"], both(&all4, &all6)),
            (&["--all", "-4"], v4(&all4)),
        ] {
            let expected: BTreeMap<_, _> = expected.into_iter().map(|kind| (kind, 1)).collect();
            assert_eq!(shown(router, flags), expected, "{flags:?}");
        }
    });
}

fn family(protocols: &[&str], family: &str) -> Vec<String> {
    let kinds = protocols.iter().map(|proto| format!("{proto} {family}"));
    kinds.collect()
}

#[test]
fn fault_10_dns_flows_are_shown() {
    lab::run("fault_10_dns_flows_are_shown", |lab| {
        let net = lab.router();
        net.router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        service.connect(&net.client).exchange(30, 100);
        let service = TcpService::listen(&net.server, "198.51.100.20:53");
        let connection = service.connect(&net.client);
        let records = records(&net.router, &["list", "-UT"]);
        assert_eq!(records.len(), 2);
        for record in &records {
            assert_eq!(number(record, "orig_dport"), Some(53));
            assert_eq!(string(record, "service"), "domain");
        }
        drop(connection);
    });
}

#[test]
fn records_come_in_the_order_that_is_asked_for() {
    lab::run("records_come_in_the_order_that_is_asked_for", |lab| {
        let net = lab.router();
        net.router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:9");
        let conversations: Vec<_> = (0..5).map(|_| service.connect(&net.client)).collect();
        for conversation in &conversations {
            conversation.exchange(1, 100);
        }
        let ports = |flags: &[&str]| -> Vec<_> {
            let args = [&["list", "-U"], flags].concat();
            let records = records(&net.router, &args);
            records.iter().map(|r| number(r, "orig_sport")).collect()
        };
        let ascending = ports(&["--sort", "orig_sport:asc"]);
        assert_eq!(ascending.len(), 5);
        assert!(ascending.is_sorted());
        let mut descending = ports(&["--sort", "orig_sport"]);
        assert_eq!(ports(&["--sort", "sport", "--top", "2"]), descending[..2]);
        descending.reverse();
        assert_eq!(descending, ascending);
        assert_eq!(ports(&["--top", "3"]).len(), 3);
    });
}

#[test]
fn groups_are_printed_in_every_format() {
    lab::run("groups_are_printed_in_every_format", |lab| {
        let net = lab.router();
        net.router.track();
        let first = UdpService::bind(&net.server, "198.51.100.20:9");
        let second = UdpService::bind(&net.server, "198.51.100.20:53");
        let conversations: Vec<_> = [&first, &first, &second]
            .map(|service| service.connect(&net.client))
            .into_iter()
            .collect();
        for conversation in &conversations {
            conversation.exchange(1, 100);
        }
        let by = |key| records(&net.router, &["list", "-A", "--group", key]);
        let services = records(
            &net.router,
            &["list", "-A", "--group", "service", "--sort", "flows"],
        );
        let told: Vec<_> = services
            .iter()
            .map(|r| (string(r, "group"), number(r, "port"), number(r, "flows")))
            .collect();
        assert_eq!(
            told,
            [
                ("service", Some(9), Some(2)),
                ("service", Some(53), Some(1))
            ]
        );
        assert_eq!(number(&services[0], "v"), Some(1));
        assert!(services[0].contains_key("ts"));
        assert_eq!(number(&services[0], "orig_bytes_per_sec"), None);
        // By the names of fields that say the same.
        let [source] = &by("orig_src")[..] else {
            panic!("one source");
        };
        assert_eq!(
            (string(source, "group"), number(source, "peers")),
            ("source", Some(1))
        );
        let [country] = &by("dst_country")[..] else {
            panic!("one place");
        };
        assert_eq!(number(country, "flows"), Some(3));
        let [process] = &by("process")[..] else {
            panic!("only forwarded flows");
        };
        assert_eq!(number(process, "flows"), Some(3));
        let [subnet] = &records(
            &net.router,
            &[
                "list", "-A", "--group", "subnet", "--subnet", "16", "--top", "1",
            ],
        )[..] else {
            panic!("one network");
        };
        let subnet = (string(subnet, "network"), number(subnet, "bits"));
        assert_eq!(subnet, ("198.51.0.0", Some(16)));
        let filtered = &["list", "--group", "service", "-f", "port:53"];
        assert_eq!(records(&net.router, filtered).len(), 1);

        let table = printed(&net.router, &["list", "-A", "--group", "service"]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 3, "{table}");
        assert!(
            lines[0].starts_with("PORT") && lines[0].contains("FLOWS"),
            "{table}"
        );
        let csv = printed(
            &net.router,
            &[
                "list", "-A", "--group", "proto", "--count", "2", "-t", "0.1", "-o", "csv",
            ],
        );
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines.len(), 3, "{csv}");
        assert!(lines[0].starts_with("v,ts,group,name,"), "{csv}");
        assert!(lines[2].contains(",protocol,udp,"), "{csv}");
        let wrong = output(flowtop(
            &net.router,
            &["list", "--group", "service", "--fields", "proto"],
        ));
        assert_eq!(wrong.status.code(), Some(2));
        let wrong = output(flowtop(&net.router, &["list", "--sort", "peers"]));
        assert_eq!(wrong.status.code(), Some(2));
    });
}

#[test]
fn fault_11_12_loopback_is_hidden_unless_asked_for() {
    lab::run("fault_11_12_loopback_is_hidden_unless_asked_for", |lab| {
        let here = lab.here();
        here.track();
        let mut open = Vec::new();
        for address in ["127.0.0.1:0", "127.0.0.53:0", "[::1]:0"] {
            open.push(TcpService::listen(here, address).connect(here));
        }
        traffic::ping(here, "127.0.0.1", 1);
        for flags in [&[][..], &["-A"], &["-4"], &["-6"]] {
            assert_eq!(shown(here, flags), BTreeMap::new(), "{flags:?}");
        }
        let tcp = |v4, v6| {
            let kinds = [("tcp ipv4".to_owned(), v4), ("tcp ipv6".to_owned(), v6)];
            kinds.into_iter().filter(|(_, count)| *count > 0)
        };
        assert_eq!(shown(here, &["--loopback"]), tcp(2, 1).collect());
        assert_eq!(shown(here, &["--loopback", "-6"]), tcp(0, 1).collect());
        let icmp = ("icmp ipv4".to_owned(), 1);
        assert_eq!(
            shown(here, &["--loopback", "-A"]),
            tcp(2, 1).chain([icmp]).collect()
        );
    });
}

#[test]
fn rates_come_with_the_second_sample() {
    lab::run("rates_come_with_the_second_sample", |lab| {
        let net = lab.router();
        switch_on(&net.router);
        net.router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:9");
        let conversation = service.connect(&net.client);
        conversation.exchange(100, 1000);
        let done = AtomicBool::new(false);
        let records = thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    conversation.exchange(100, 1000);
                    thread::sleep(Duration::from_millis(5));
                }
            });
            let args = ["list", "-A", "--count", "3", "-t", "0.3"];
            let records = records(&net.router, &args);
            done.store(true, Ordering::Relaxed);
            records
        });
        assert_eq!(records.len(), 3);
        let stamps: BTreeSet<_> = records.iter().map(|record| string(record, "ts")).collect();
        assert_eq!(stamps.len(), 3);
        let rates: Vec<_> = records
            .iter()
            .map(|record| {
                ["orig_bytes_per_sec", "reply_bytes_per_sec"].map(|key| number(record, key))
            })
            .collect();
        assert_eq!(rates[0], [None, None]);
        for rate in &rates[1..] {
            let [Some(up), Some(down)] = rate else {
                panic!("no rate in {records:?}");
            };
            assert!(*up > 0 && down > up, "{rates:?}");
        }
    });
}

#[test]
fn a_sample_shows_nothing_that_has_ended() {
    lab::run("a_sample_shows_nothing_that_has_ended", |lab| {
        let here = lab.here();
        // Their end will not be told.
        here.set_sysctl(EVENTS, "0");
        here.create_flows(entries(0..100));
        let args = ["list", "--count", "1000", "-t", "0.1", "-o", "json"];
        let mut run = Run::start(flowtop(here, &args));
        for _ in 0..100 {
            run.next_record();
        }
        here.flush_flows();
        here.create_flows([Entry::numbered(200)]);
        let young = |record: &Record| string(record, "orig_src") == "10.0.0.200";
        let first = run.until(young);
        let sample = string(&first, "ts");
        let later = run.until(|record| string(record, "ts") != sample);
        assert!(young(&later), "{later:?}");
        // The order within a sample means nothing: the next has none either.
        let sample = string(&later, "ts").to_owned();
        run.until(|record| {
            assert!(young(record), "{record:?}");
            string(record, "ts") != sample
        });
    });
}

/// The program while it runs, with what it prints as lines.
struct Run {
    child: Child,
    lines: Receiver<String>,
}

impl Run {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {BINARY}: {e}"));
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line.expect("UTF-8")).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next_record(&mut self) -> Record {
        let mut record = None;
        eventually("a record is printed", || {
            record = self.lines.try_recv().ok();
            record.is_some()
        });
        parse(&record.expect("just seen"))
    }

    /// The next record that satisfies a condition.
    fn until(&mut self, condition: impl Fn(&Record) -> bool) -> Record {
        loop {
            let record = self.next_record();
            if condition(&record) {
                return record;
            }
        }
    }

    /// All lines until the end.
    fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Whether a signal would be handled rather than kill.
    fn catches(&self, signal: libc::c_int) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("our child");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16);
        caught.expect("hexadecimal") >> (signal - 1) & 1 == 1
    }

    fn signal(&self, signal: libc::c_int) {
        kill(&self.child, signal);
    }

    /// Waits for the end. The exit code, `None` if a signal killed it.
    fn end(&mut self) -> Option<i32> {
        exit_code(&mut self.child)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It fails for a child that has ended, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(child: &Child, signal: libc::c_int) {
    // SAFETY: kill(2) takes numbers only, and the child has not been waited
    // for, so that its id is its own.
    let result = unsafe { libc::kill(child.id() as libc::pid_t, signal) };
    assert_eq!(result, 0);
}

fn exit_code(child: &mut Child) -> Option<i32> {
    let mut status = None;
    eventually("the program ends", || {
        status = child.try_wait().expect("our child");
        status.is_some()
    });
    status.expect("just seen").code()
}

#[test]
fn events_tell_birth_change_and_end_with_final_counters() {
    lab::run(
        "events_tell_birth_change_and_end_with_final_counters",
        |lab| {
            let net = lab.router();
            switch_on(&net.router);
            net.router.track();
            let mut run = Run::start(flowtop(&net.router, &["events", "-A", "-o", "json"]));
            let service = UdpService::bind(&net.server, "198.51.100.20:9");
            // Until the first is told it may not listen yet.
            eventually("it listens", || {
                traffic::ping(&net.client, "198.51.100.20", 1);
                net.router.flush_flows();
                run.lines.try_recv().is_ok()
            });
            let conversation = service.connect(&net.client);
            let port = conversation.client.local_addr().expect("bound").port();
            let ours = |event: &'static str| {
                move |record: &Record| {
                    string(record, "event") == event
                        && number(record, "orig_sport") == Some(port.into())
                }
            };
            conversation.request(100);
            let new = run.until(ours("new"));
            assert_eq!(string(&new, "proto"), "udp");
            assert_eq!(new.get("orig_bytes"), None, "a birth has no counters");
            conversation.exchange(100, 1000);
            let update = run.until(ours("update"));
            let status = update["status"].as_array().expect("a list");
            assert!(status.contains(&"seen_reply".into()), "{status:?}");
            net.router.flush_flows();
            let end = run.until(ours("end"));
            assert_eq!(string(&end, "end_reason"), "deleted");
            let count = |direction: &str| Counters {
                packets: number(&end, &format!("{direction}_packets")).expect("counted"),
                bytes: number(&end, &format!("{direction}_bytes")).expect("counted"),
            };
            let expected = |packets, bytes| Counters { packets, bytes };
            assert_eq!(count("orig"), expected(2, 2 * 128));
            assert_eq!(count("reply"), expected(1, 1028));
            assert!(end.contains_key("start") && end.contains_key("duration_secs"));
            run.signal(libc::SIGINT);
            assert_eq!(run.end(), Some(0));
            assert_eq!(run.rest(), Vec::<String>::new());
        },
    );
}

#[test]
fn events_keep_to_the_scope() {
    lab::run("events_keep_to_the_scope", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let mut run = Run::start(flowtop(here, &["events", "-6U", "-o", "json"]));
        let ports = |dst| L4::Ports { src: 1, dst };
        let wanted = between("2001:db8::1", "2001:db8::2", Protocol::UDP, ports(9));
        eventually("it listens", || {
            here.create_flows([
                Entry::numbered(1),
                Entry::new(between("10.0.0.1", "10.0.0.2", Protocol::UDP, ports(9))),
                Entry::new(between("::1", "::1", Protocol::UDP, ports(9))),
                Entry::new(between(
                    "2001:db8::1",
                    "2001:db8::2",
                    Protocol::TCP,
                    ports(9),
                )),
                Entry::new(wanted),
            ]);
            here.flush_flows();
            run.lines.try_recv().is_ok()
        });
        run.signal(libc::SIGTERM);
        assert!(run.end().is_some());
        for line in run.rest() {
            let record = parse(&line);
            assert_eq!(string(&record, "orig_src"), "2001:db8::1");
            assert_eq!(string(&record, "proto"), "udp");
        }
    });
}

#[test]
fn fault_09_lost_events_are_told_and_mended() {
    lab::run("fault_09_lost_events_are_told_and_mended", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let args = ["events", "-o", "json", "--rcvbuf", "4k"];
        let mut child = flowtop(here, &args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        // Nobody reads, so that all queues are full in the end.
        get_stuck(here, &stdout);
        here.create_flows(entries(1000..31_000));
        let mut lines = BufReader::new(stdout).lines();
        let mut lost = None;
        while lost.is_none() {
            let line = lines.next().expect("a lost record").expect("UTF-8");
            let record = parse(&line);
            if string(&record, "event") == "lost" {
                assert_eq!(record.get("orig_src"), None);
                lost = number(&record, "count");
            }
        }
        assert!(lost > Some(0), "{lost:?}");
        // It goes on, and knows everything that there is.
        here.flush_flows();
        here.create_flows(entries(1_000_000..1_000_001));
        let reached = lines.any(|line| {
            let record = parse(&line.expect("UTF-8"));
            string(&record, "event") == "new" && string(&record, "orig_src") == "10.15.66.64"
        });
        assert!(reached);
        kill(&child, libc::SIGTERM);
        drop(lines);
        assert!(exit_code(&mut child).is_some());
    });
}

/// Makes events until the program is stuck in writing to a pipe that nobody
/// reads.
fn get_stuck(host: &Host, pipe: &ChildStdout) {
    // SAFETY: F_GETPIPE_SZ takes no argument.
    let size = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    let mut before = 0;
    eventually("the pipe is full", || {
        host.create_flows(entries(0..200));
        host.flush_flows();
        thread::sleep(Duration::from_millis(20));
        // Each page of a full pipe is filled at least by half.
        let now = waiting(pipe);
        let stuck = now == before && now >= size / 2;
        before = now;
        stuck
    });
}

/// Bytes that wait in a pipe.
fn waiting(pipe: &ChildStdout) -> libc::c_int {
    let mut bytes = 0;
    // SAFETY: FIONREAD writes an int to where the pointer points.
    let result = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    assert_eq!(result, 0);
    bytes
}

#[test]
fn switches_are_on_while_it_runs_and_as_before_at_the_end() {
    lab::run(
        "switches_are_on_while_it_runs_and_as_before_at_the_end",
        |lab| {
            let here = lab.here();
            for before in [["0", "0"], ["1", "0"], ["0", "1"], ["1", "1"]] {
                here.set_sysctl(ACCT, before[0]);
                here.set_sysctl(TIMESTAMP, before[1]);
                for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
                    for args in [&["events"][..], &["list", "--count", "100000"]] {
                        let mut run = Run::start(flowtop(here, args));
                        eventually("it is ready and both are on", || {
                            run.catches(signal) && switches(here) == ["1", "1"]
                        });
                        run.signal(signal);
                        assert_eq!(run.end(), Some(0), "{args:?} {signal}");
                        assert_eq!(switches(here), before, "{args:?} {signal}");
                    }
                }
                let samples = records(here, &["list", "--count", "2", "-t", "0.1"]);
                assert_eq!(samples.len(), 0);
                assert_eq!(switches(here), before);
            }
        },
    );
}

#[test]
fn switches_left_alone_stay_off() {
    lab::run("switches_left_alone_stay_off", |lab| {
        let here = lab.here();
        here.track();
        let off = ["0", "0"];
        printed(here, &["list"]);
        assert_eq!(switches(here), off);
        let mut run = Run::start(flowtop(
            here,
            &["events", "--no-sysctl", "-A", "--loopback"],
        ));
        eventually("it listens", || {
            traffic::ping(here, "127.0.0.1", 1);
            here.flush_flows();
            assert_eq!(switches(here), off);
            run.lines.try_recv().is_ok()
        });
        run.signal(libc::SIGINT);
        assert_eq!(run.end(), Some(0));
        assert_eq!(switches(here), off);
    });
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_restores() {
    lab::run("a_closed_pipe_ends_it_quietly_and_restores", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..3000));
        for args in [
            &["list", "-o", "json"][..],
            &["list", "-o", "csv"],
            &["list"],
            &["list", "--count", "1000", "-t", "0.1"],
            &["events", "-o", "json"],
            &["fields"],
        ] {
            let mut child = flowtop(here, args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program runs");
            let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
            let is_events = args[0] == "events";
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                if is_events {
                    scope.spawn(|| {
                        let mut number = 10_000;
                        while !stop.load(Ordering::Relaxed) {
                            here.create_flows(entries(number..number + 1));
                            number += 1;
                            thread::sleep(Duration::from_millis(1));
                        }
                    });
                }
                let mut line = String::new();
                stdout.read_line(&mut line).expect("UTF-8");
                assert!(!line.is_empty(), "{args:?}");
                drop(stdout);
                let code = exit_code(&mut child);
                stop.store(true, Ordering::Relaxed);
                assert_eq!(code, Some(0), "{args:?}");
            });
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("piped");
            stderr.read_to_string(&mut said).expect("UTF-8");
            assert_eq!(said, "", "{args:?}");
            assert_eq!(switches(here), ["0", "0"], "{args:?}");
        }
    });
}

#[test]
fn a_write_error_is_told_and_restores() {
    lab::run("a_write_error_is_told_and_restores", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..10));
        for args in [
            &["list"][..],
            &["list", "--count", "1000", "-t", "0.1"],
            &["fields"],
            &["--help"],
            &["--version"],
        ] {
            let full = OpenOptions::new().write(true).open("/dev/full");
            let mut command = flowtop(here, args);
            command.stdout(full.expect("every Linux has it"));
            let output = output(command);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.contains("writing the output: No space left"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_eq!(switches(here), ["0", "0"], "{args:?}");
        }
    });
}

#[test]
fn a_pipe_that_nobody_reads_does_not_keep_it() {
    lab::run("a_pipe_that_nobody_reads_does_not_keep_it", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let mut child = flowtop(here, &["events", "-o", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        get_stuck(here, &stdout);
        assert_eq!(switches(here), ["1", "1"]);
        kill(&child, libc::SIGTERM);
        assert_eq!(exit_code(&mut child), Some(1));
        assert_eq!(switches(here), ["0", "0"]);
        drop(stdout);
    });
}

#[test]
fn read_only_switches_are_a_warning() {
    lab::run("read_only_switches_are_a_warning", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..3));
        mount_read_only("/proc/sys");
        let output = |args| output(flowtop(here, args));
        let several = output(&["list", "--count", "2", "-t", "0.1", "-o", "json"]);
        let said = text(&several.stderr);
        assert_eq!(several.status.code(), Some(0), "{said}");
        assert_eq!(text(&several.stdout).lines().count(), 6);
        assert_eq!(said.lines().count(), 2, "{said}");
        for (line, name) in said.lines().zip(["acct", "timestamp"]) {
            let name = format!("nf_conntrack_{name}");
            assert!(line.contains(&name), "{said}");
            assert!(line.contains("Read-only file system"), "{said}");
        }
        // Who does not touch them has nothing to warn of.
        for args in [
            &["list"][..],
            &["list", "--count", "2", "-t", "0.1", "--no-sysctl"],
        ] {
            let output = output(args);
            assert_eq!(output.status.code(), Some(0));
            assert_eq!(text(&output.stderr), "");
        }
    });
}

/// Makes a directory read-only for this mount namespace, which is the test's
/// own.
fn mount_read_only(path: &str) {
    let path = CString::new(path).expect("no NUL");
    for flags in [
        libc::MS_BIND | libc::MS_REC,
        libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY,
    ] {
        // SAFETY: both paths are NUL-terminated, and null is allowed where
        // nothing is to be given.
        let result = unsafe {
            libc::mount(
                path.as_ptr(),
                path.as_ptr(),
                ptr::null(),
                flags,
                ptr::null(),
            )
        };
        if result != 0 {
            lab::skip(format_args!(
                "{path:?} cannot be made read-only: {}",
                std::io::Error::last_os_error()
            ));
        }
    }
}

#[test]
fn without_the_capability_it_says_which_and_how_to_get_it() {
    lab::run(
        "without_the_capability_it_says_which_and_how_to_get_it",
        |lab| {
            for args in [
                &["list"][..],
                &["list", "--count", "2"],
                &["events", "-o", "json"],
                &[],
            ] {
                let output = output(settle(lab.here().unprivileged(BINARY), args));
                let said = text(&output.stderr);
                assert_eq!(output.status.code(), Some(4), "{args:?}: {said}");
                assert!(said.contains("CAP_NET_ADMIN"), "{said}");
                assert!(
                    said.contains(
                        "sudo setcap cap_net_admin,cap_sys_ptrace,cap_dac_read_search+ep /"
                    ),
                    "{said}"
                );
                assert_eq!(said.lines().count(), 1, "{said}");
                assert_eq!(text(&output.stdout), "");
                assert_eq!(switches(lab.here()), ["0", "0"]);
            }
        },
    );
}

#[test]
fn fault_35_47_wrong_command_lines_are_one_line_and_exit_2() {
    for args in [
        &["--no-such-option"][..],
        &["-x"],
        &["-t", "0"],
        &["-t", "abc"],
        &["-t", "-1"],
        &["-t", "0.05"],
        &["-t", "3601"],
        &["-t", "nan"],
        &["-t"],
        &["list", "--count", "0"],
        &["list", "--count", "many"],
        &["list", "-o", "xml"],
        &["list", "--fields", "orig_src,no_such_field"],
        &["list", "--fields", ""],
        &["--rcvbuf", "1"],
        &["--rcvbuf", "lots"],
        &["no_such_command"],
        &["list", "more"],
        &["--color", "perhaps"],
        &["events", "--count", "2"],
    ] {
        let output = output(settle(Command::new(BINARY), args));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(said.starts_with("flowtop: "), "{said}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
    for (args, begins) in [
        (&["-h"][..], "Who is talking"),
        (&["--help"], "Who is talking"),
        (&["-v"], "flowtop "),
        (&["-V"], "flowtop "),
        (&["--version"], "flowtop "),
        (&["fields"], "v "),
    ] {
        let output = output(settle(Command::new(BINARY), args));
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(text(&output.stdout).starts_with(begins), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn fifty_thousand_flows_are_listed() {
    lab::run("fifty_thousand_flows_are_listed", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..50_000));
        let json = printed(here, &["list", "-AnG", "-o", "json"]);
        let sources: BTreeSet<_> = json
            .lines()
            .map(|line| {
                let (_, rest) = line.split_once("\"orig_src\":\"").expect("a source");
                rest.split_once('"').expect("a text").0
            })
            .collect();
        assert_eq!((json.lines().count(), sources.len()), (50_000, 50_000));
        json.lines().step_by(500).for_each(|line| drop(parse(line)));
        for format in ["csv", "table"] {
            let lines = printed(here, &["list", "-o", format]).lines().count();
            assert_eq!(lines, 50_001, "{format}");
        }
    });
}
