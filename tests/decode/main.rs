//! The decoder against what the kernel really sends.
//!
//! Each file of `tests/fixtures` is one captured message. Here stands, field by
//! field, what it says; a field that is not written down is absent.
//! `UPDATE=1 cargo test --test decode` captures all of them anew from the
//! running kernel, and makes the fuzzer's seeds from them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod capture;
mod fixture;
#[path = "../lab/mod.rs"]
mod lab;
#[path = "../notation/mod.rs"]
mod notation;
mod robust;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use flowtop::flow::{Counters, Key, Origin, Pair, Rare, Report, State, Status};
use flowtop::netlink::conntrack::decode::Source;
use flowtop::netlink::conntrack::{Problems, decode};
use flowtop::netlink::wire::{ENOENT, NLMSG_DONE, NLMSG_ERROR, messages};

use fixture::Fixture;
use notation::tuple;

/// A report that says which flow it is about, and that no address is
/// translated.
fn plain(orig: &str, origin: Origin) -> Report {
    Report {
        reply: Some(tuple(orig).inverted()),
        ..Report::about(
            Key {
                zone: 0,
                orig: tuple(orig),
            },
            origin,
        )
    }
}

/// Packets and bytes there, packets and bytes back.
fn counters(orig: (u64, u64), reply: (u64, u64)) -> Pair<Counters> {
    let counters = |(packets, bytes)| Counters { packets, bytes };
    Pair {
        orig: counters(orig),
        reply: counters(reply),
    }
}

fn in_zone(zone: u16, report: Report) -> Report {
    let key = Key { zone, ..report.key };
    Report { key, ..report }
}

/// Packets went both ways.
const ANSWERED: Status = Status(0b1010);
/// And it is not dropped early.
const ASSURED: Status = Status(0b1110);
/// It was decided whether to translate addresses.
const DECIDED: Status = Status(0b1_1000_0000);

fn check(name: &str, source: Source, expected: impl Fn(&Fixture) -> Report) {
    let fixture = Fixture::load(name);
    let mut problems = Problems::default();
    let mut walk = messages(&fixture.bytes);
    let message = walk.next().expect("a message");
    assert_eq!(
        (walk.clone().count(), walk.leftover()),
        (0, 0),
        "one message"
    );
    let report = decode(&message, source, &mut problems).expect("a flow");
    assert_eq!(report, expected(&fixture), "{}", fixture.head("command"));
    assert_eq!(problems, Problems::default());
}

/// A test per fixture: its name, how it arrived, what it says.
macro_rules! fixtures {
    ($($name:ident $source:ident |$fixture:ident| $report:expr;)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name), Source::$source, |$fixture| $report);
            }
        )*
        /// Fixtures about flows, and how they arrived.
        const FLOWS: &[(&str, Source)] = &[$((stringify!($name), Source::$source)),*];
    };
}

/// Fixtures about no flow.
const ANSWERS: [&str; 2] = ["dump_done", "get_enoent"];

fixtures! {
    dump_tcp_ipv4 Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((3, 264), (2, 112))),
        start_ns: Some(f.start_ns()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Dumped)
    };
    dump_tcp_ipv6 Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((3, 324), (2, 152))),
        start_ns: Some(f.start_ns()),
        ..plain("tcp [2001:db8:1::10]:40000 > [2001:db8:2::20]:80", Origin::Dumped)
    };
    dump_udp_unreplied Dump |f| Report {
        id: Some(f.id()),
        status: Some(Status::CONFIRMED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 128), (0, 0))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Dumped)
    };
    dump_udp_ipv4 Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((2, 156), (1, 1028))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Dumped)
    };
    dump_udp_ipv6 Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 148), (1, 1048))),
        start_ns: Some(f.start_ns()),
        ..plain("udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53", Origin::Dumped)
    };
    dump_icmp Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 38), (1, 38))),
        start_ns: Some(f.start_ns()),
        ..plain("icmp 192.0.2.10 > 198.51.100.20 type 8 code 0 id 77", Origin::Dumped)
    };
    dump_icmpv6 Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 58), (1, 58))),
        start_ns: Some(f.start_ns()),
        ..plain(
            "icmpv6 2001:db8:1::10 > 2001:db8:2::20 type 128 code 0 id 78",
            Origin::Dumped,
        )
    };
    dump_udplite Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 36), (1, 34))),
        start_ns: Some(f.start_ns()),
        ..plain("udplite 192.0.2.10:4000 > 198.51.100.20:5002", Origin::Dumped)
    };
    dump_gre Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 32), (1, 30))),
        start_ns: Some(f.start_ns()),
        ..plain("gre 192.0.2.10:0 > 198.51.100.20:0", Origin::Dumped)
    };
    dump_gre_keys Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        ..plain("gre 10.0.0.1:8 > 10.0.0.2:9", Origin::Dumped)
    };
    dump_esp Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 36), (1, 34))),
        start_ns: Some(f.start_ns()),
        ..plain("esp 192.0.2.10 > 198.51.100.20", Origin::Dumped)
    };
    dump_dccp Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 40), (1, 48))),
        start_ns: Some(f.start_ns()),
        ..plain("dccp 192.0.2.10 > 198.51.100.20", Origin::Dumped)
    };
    dump_dccp_tracked Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        state: Some(State::Dccp(4)),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((2, 156), (1, 1028))),
        start_ns: Some(f.start_ns()),
        ..plain("dccp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Dumped)
    };
    dump_sctp Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::Sctp(4)),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((2, 92), (2, 88))),
        start_ns: Some(f.start_ns()),
        ..plain("sctp 192.0.2.10:5000 > 198.51.100.20:80", Origin::Dumped)
    };
    dump_snat Dump |f| Report {
        id: Some(f.id()),
        reply: Some(tuple("udp 198.51.100.20:53 > 198.51.100.1:40000")),
        status: Some(ANSWERED | DECIDED | Status::SRC_NAT),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 38), (1, 48))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Dumped)
    };
    dump_dnat Dump |f| Report {
        id: Some(f.id()),
        reply: Some(tuple("udp 198.51.100.20:53 > 192.0.2.10:40000")),
        status: Some(ANSWERED | DECIDED | Status::DST_NAT),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 38), (1, 48))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 192.0.2.1:5353", Origin::Dumped)
    };
    dump_snat_and_dnat Dump |f| Report {
        id: Some(f.id()),
        reply: Some(tuple("udp 198.51.100.20:53 > 198.51.100.1:40000")),
        status: Some(ANSWERED | DECIDED | Status::SRC_NAT | Status::DST_NAT),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 38), (1, 48))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 192.0.2.1:5353", Origin::Dumped)
    };
    dump_snat_ipv6 Dump |f| Report {
        id: Some(f.id()),
        reply: Some(tuple("tcp [2001:db8:2::20]:80 > [2001:db8:2::1]:40000")),
        status: Some(ASSURED | DECIDED | Status::SRC_NAT),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((2, 152), (1, 80))),
        start_ns: Some(f.start_ns()),
        ..plain("tcp [2001:db8:1::10]:40000 > [2001:db8:2::20]:80", Origin::Dumped)
    };
    dump_uncounted Dump |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        ..plain("udp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Dumped)
    };
    dump_zone_mark_labels Dump |f| in_zone(9, Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0xbeef),
        counters: Some(counters((1, 38), (1, 38))),
        start_ns: Some(f.start_ns()),
        rare: Some(Box::new(Rare {
            labels: Some((1u128 << 5 | 1 << 127).to_le_bytes()),
            ..Rare::default()
        })),
        ..plain("icmp 192.0.2.10 > 198.51.100.20 type 8 code 0 id 77", Origin::Dumped)
    });
    dump_zone_of_orig Dump |f| in_zone(7, Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        ..plain("tcp 10.0.0.1:40003 > 10.0.0.2:22", Origin::Dumped)
    });
    dump_zone_of_reply Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        ..plain("tcp 10.0.0.1:40004 > 10.0.0.2:22", Origin::Dumped)
    };
    dump_helper_synproxy Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::HELPER),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        rare: Some(Box::new(Rare {
            helper: Some("ftp".into()),
            ..Rare::default()
        })),
        ..plain("tcp 10.0.0.1:40000 > 10.0.0.2:21", Origin::Dumped)
    };
    dump_master Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::EXPECTED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        rare: Some(Box::new(Rare {
            master: Some(tuple("tcp 10.0.0.1:40000 > 10.0.0.2:21")),
            ..Rare::default()
        })),
        ..plain("tcp 10.0.0.2:20 > 10.0.0.1:40001", Origin::Dumped)
    };
    dump_seq_adjust Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::SEQ_ADJUST),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        ..plain("tcp 10.0.0.1:40002 > 10.0.0.2:22", Origin::Dumped)
    };
    dump_offload Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::OFFLOAD),
        mark: Some(0),
        counters: Some(counters((3, 264), (2, 112))),
        start_ns: Some(f.start_ns()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Dumped)
    };
    dump_hw_offload Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::OFFLOAD | Status::HW_OFFLOAD),
        mark: Some(0),
        counters: Some(counters((3, 264), (2, 112))),
        start_ns: Some(f.start_ns()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Dumped)
    };
    dump_secctx Dump |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((3, 264), (2, 112))),
        start_ns: Some(f.start_ns()),
        rare: Some(Box::new(Rare {
            secctx: Some("system_u:object_r:unlabeled_t:s0".into()),
            ..Rare::default()
        })),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Dumped)
    };
    get_udp Get |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0),
        counters: Some(counters((1, 128), (1, 1028))),
        start_ns: Some(f.start_ns()),
        ..plain("udp 192.0.2.10:40000 > 198.51.100.20:53", Origin::Fetched)
    };
    event_new_tcp Event |f| Report {
        id: Some(f.id()),
        status: Some(Status::CONFIRMED),
        state: Some(State::TCP_SYN_SENT),
        timeout_secs: Some(f.timeout_secs()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::New)
    };
    event_update_tcp_syn_recv Event |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        state: Some(State::Tcp(2)),
        timeout_secs: Some(f.timeout_secs()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Changed)
    };
    event_update_tcp_established Event |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Changed)
    };
    event_update_mark Event |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0xbeef),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Changed)
    };
    event_destroy_tcp Event |f| Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::DYING),
        state: Some(State::TCP_ESTABLISHED),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(0xbeef),
        counters: Some(counters((2, 112), (1, 60))),
        start_ns: Some(f.start_ns()),
        stop_ns: Some(f.stop_ns()),
        ..plain("tcp 192.0.2.10:40000 > 198.51.100.20:80", Origin::Destroyed)
    };
    event_new_udp_ipv6 Event |f| Report {
        id: Some(f.id()),
        status: Some(Status::CONFIRMED),
        timeout_secs: Some(f.timeout_secs()),
        ..plain("udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53", Origin::New)
    };
    event_update_udp_reply Event |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED),
        timeout_secs: Some(f.timeout_secs()),
        ..plain("udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53", Origin::Changed)
    };
    event_destroy_udp_ipv6 Event |f| Report {
        id: Some(f.id()),
        status: Some(ANSWERED | Status::DYING),
        timeout_secs: Some(f.timeout_secs()),
        counters: Some(counters((1, 148), (1, 1048))),
        start_ns: Some(f.start_ns()),
        stop_ns: Some(f.stop_ns()),
        ..plain("udp [2001:db8:1::10]:40000 > [2001:db8:2::20]:53", Origin::Destroyed)
    };
    event_new_made Event |f| in_zone(3, Report {
        id: Some(f.id()),
        status: Some(ASSURED),
        state: Some(State::Sctp(4)),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(5),
        ..plain("sctp 10.0.0.1:5000 > 10.0.0.2:80", Origin::New)
    });
    event_destroy_uncounted Event |f| in_zone(3, Report {
        id: Some(f.id()),
        status: Some(ASSURED | Status::DYING),
        state: Some(State::Sctp(4)),
        timeout_secs: Some(f.timeout_secs()),
        mark: Some(5),
        ..plain("sctp 10.0.0.1:5000 > 10.0.0.2:80", Origin::Destroyed)
    });
}

#[test]
fn the_end_of_a_dump_carries_success() {
    let fixture = Fixture::load("dump_done");
    let message = messages(&fixture.bytes).next().expect("a message");
    assert_eq!(
        (message.kind, message.errno(), message.seq),
        (NLMSG_DONE, 0, 2)
    );
}

#[test]
fn the_answer_about_a_flow_that_is_not_there_is_enoent() {
    let fixture = Fixture::load("get_enoent");
    let message = messages(&fixture.bytes).next().expect("a message");
    assert_eq!((message.kind, message.errno()), (NLMSG_ERROR, ENOENT));
    let mut problems = Problems::default();
    assert_eq!(decode(&message, Source::Get, &mut problems), None);
    assert_eq!(problems, Problems::default(), "it is not a broken flow");
}

#[test]
fn every_fixture_is_expected() {
    let expected: BTreeSet<String> = FLOWS
        .iter()
        .map(|(name, _)| *name)
        .chain(ANSWERS)
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = Fixture::all().into_keys().collect();
    assert_eq!(found, expected);
    for (name, fixture) in Fixture::all() {
        for key in ["command", "kernel", "date"] {
            assert!(!fixture.head(key).is_empty(), "{name}: {key}");
        }
    }
}

/// What the fuzzer of `fuzz/` begins with: each fixture, and all of them
/// together, behind the eight bytes from which that target takes its times.
fn seeds() -> impl Iterator<Item = (PathBuf, Vec<u8>)> {
    let fixtures = Fixture::all();
    let mut all = vec![0x55; 8];
    all.extend(fixtures.values().flat_map(|fixture| &fixture.bytes));
    let each = fixtures
        .into_iter()
        .map(|(name, fixture)| (name, [vec![0; 8], fixture.bytes].concat()));
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/decode");
    iter::once(("everything".to_owned(), all))
        .chain(each)
        .map(move |(name, bytes)| (directory.join(name), bytes))
}

#[test]
fn the_seeds_of_the_fuzzer_are_the_fixtures() {
    if update() {
        return;
    }
    for (path, seed) in seeds() {
        let found = fs::read(&path).unwrap_or_default();
        assert!(found == seed, "{} is another", path.display());
    }
}

/// The running kernel may be another than that of the fixtures: newer ones
/// may say more. But all of them say these things in the same way.
#[test]
fn the_running_kernel_is_understood() {
    lab::run("the_running_kernel_is_understood", |lab| {
        for capture in capture::all(lab) {
            let name = capture.name;
            let message = messages(&capture.message).next().expect("a message");
            let Some((_, source)) = FLOWS.iter().find(|(flow, _)| *flow == name) else {
                assert!(ANSWERS.contains(&name), "{name} has no expectation");
                continue;
            };
            let mut problems = Problems::default();
            let now = decode(&message, *source, &mut problems)
                .unwrap_or_else(|| panic!("{name} is no flow"));
            assert_eq!((problems.unusable, problems.malformed), (0, 0), "{name}");
            let fixture = Fixture::load(name);
            let then = messages(&fixture.bytes)
                .next()
                .and_then(|message| decode(&message, *source, &mut problems))
                .expect("a flow");
            assert_eq!((now.key, now.origin), (then.key, then.origin), "{name}");
            assert_eq!((now.reply, &now.rare), (then.reply, &then.rare), "{name}");
        }
    });
}

fn update() -> bool {
    env::var("UPDATE").as_deref() == Ok("1")
}

#[test]
fn fixtures_are_captured_on_request() {
    if !update() {
        return;
    }
    lab::run("fixtures_are_captured_on_request", |lab| {
        let release = lab.here().sysctl("kernel/osrelease").expect("a release");
        let kernel = release.split('-').next().expect("a version");
        let date = jiff::Zoned::now().date().to_string();
        for capture in capture::all(lab) {
            fixture::save(
                capture.name,
                &capture.command,
                kernel,
                &date,
                &capture.message,
            );
        }
    });
    for (path, seed) in seeds() {
        fs::write(path, seed).expect("the seed can be written");
    }
}
