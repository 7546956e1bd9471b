//! What `list` prints.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::lab::entries::Entry;
use crate::lab::traffic::{self, TcpService, UdpService};
use crate::lab::{self, FLOWS_PER_SERVER, Host, SERVERS};
use crate::program::{
    EVENTS, Record, Run, entries, flowtop, number, output, parse, printed, records, string,
    switch_on,
};

#[test]
fn list_prints_the_kernel_s_flows() {
    lab::run("list::list_prints_the_kernel_s_flows", |lab| {
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
    lab::run(
        "list::tables_and_csv_have_a_line_per_flow_and_a_header",
        |lab| {
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
        },
    );
}

#[test]
fn fields_are_those_asked_for_in_that_order() {
    lab::run("list::fields_are_those_asked_for_in_that_order", |lab| {
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
    lab::run(
        "list::fault_13_14_15_families_and_protocols_are_exact",
        |lab| {
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
        },
    );
}

fn family(protocols: &[&str], family: &str) -> Vec<String> {
    let kinds = protocols.iter().map(|proto| format!("{proto} {family}"));
    kinds.collect()
}

#[test]
fn fault_10_dns_flows_are_shown() {
    lab::run("list::fault_10_dns_flows_are_shown", |lab| {
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
    lab::run("list::records_come_in_the_order_that_is_asked_for", |lab| {
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
    lab::run("list::groups_are_printed_in_every_format", |lab| {
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
    lab::run(
        "list::fault_11_12_loopback_is_hidden_unless_asked_for",
        |lab| {
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
        },
    );
}

#[test]
fn rates_come_with_the_second_sample() {
    lab::run("list::rates_come_with_the_second_sample", |lab| {
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
    lab::run("list::a_sample_shows_nothing_that_has_ended", |lab| {
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

#[test]
fn fifty_thousand_flows_are_listed() {
    lab::run("list::fifty_thousand_flows_are_listed", |lab| {
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
