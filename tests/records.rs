//! What records tell of owners, directions and the worth of counters.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::net::IpAddr;
use std::sync::Arc;

use flowtop::enrich::Knowledge;
use flowtop::enrich::locality::{Locality, Mac};
use flowtop::enrich::owners::{Account, Cgroup, Container, Owner, Process, Unknown};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Congestion, Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Status, TcpFigures,
    Tuple, Update,
};
use flowtop::output::{Course, Format, Settings, Writer};
use flowtop::table::Table;
use flowtop::view::Row;
use flowtop::view::field::{Event, Record, find};
use flowtop::view::units::RateUnit;
use serde_json::{Value, json};

const NOW: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

fn tcp(src: &str, dst: &str) -> Tuple {
    let l4 = L4::Ports {
        src: 40_000,
        dst: 443,
    };
    match (src.parse().unwrap(), dst.parse().unwrap()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Tuple::v4(src, dst, Protocol::TCP, l4),
        _ => panic!("{src} and {dst} are not of IPv4"),
    }
}

/// A machine with the address 192.168.0.2.
fn knowledge() -> Knowledge {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let beside = (
        "192.168.0.3".parse().unwrap(),
        Mac([0, 1, 2, 0xa, 0xb, 0xc]),
    );
    let here = Locality::of(["192.168.0.2".parse().unwrap()], [beside]);
    knowledge.set_locality(Arc::new(here));
    knowledge
}

fn process(pid: u32, name: &str) -> Owner {
    let process = Process {
        pid,
        start_ticks: 5,
        name: name.into(),
        exe: Some(format!("/usr/bin/{name}").into()),
        cmdline: Some(format!("{name} -v").into()),
        account: Some(Arc::new(Account {
            uid: 1000,
            name: Some("alice".into()),
        })),
        parents: Vec::new(),
        cgroup: Some(Arc::new(Cgroup {
            path: "/".into(),
            unit: Some("shop.service".into()),
            container: Some(Container {
                runtime: "docker",
                id: "0123456789abcdef".repeat(4).into(),
                name: None,
                pod: Some("default/shop".into()),
            }),
        })),
    };
    Owner {
        process: Ok(Arc::new(process)),
        ..Owner::unknown(Unknown::Gone)
    }
}

/// What a record says of a flow, of these fields.
fn told(report: Report, owners: Pair<Option<Owner>>, knowledge: Knowledge, keys: &[&str]) -> Value {
    let mut knowledge = knowledge;
    if owners != Pair::default() {
        knowledge.merge_owners(report.key, owners);
    }
    let mut table = Table::new();
    table.apply(&Update::Flow(report), NOW, &mut |_| {});
    let settings = Settings {
        format: Format::Json,
        fields: Some(keys.iter().map(|key| find(key).unwrap()).collect()),
        unit: RateUnit::Bytes,
        course: Course::Samples,
        columns: None,
        mask: None,
    };
    let mut out = Vec::new();
    let mut writer = Writer::new(&settings, &mut out);
    let (_, flow) = table.flows().next().unwrap();
    let record = Record {
        event: Event::Sample,
        ts_ns: NOW.real_ns,
        row: Some(Row::new(flow, &mut knowledge, NOW)),
        count: None,
    };
    writer.record(&record).unwrap();
    writer.flush().unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn report(src: &str, dst: &str) -> Report {
    let key = Key {
        zone: 0,
        orig: tcp(src, dst),
    };
    Report::about(key, Origin::Dumped)
}

fn owners(orig: Option<Owner>, reply: Option<Owner>) -> Pair<Option<Owner>> {
    Pair { orig, reply }
}

const HERE: &str = "192.168.0.2";
const BESIDE: &str = "192.168.0.3";
const FAR: &str = "203.0.113.7";

#[test]
fn the_owner_without_prefix_is_the_one_on_this_machine() {
    let keys = [
        "direction",
        "pid",
        "process",
        "owner_unknown",
        "src_pid",
        "src_process",
        "dst_pid",
        "dst_process",
    ];
    let told =
        |src, dst, orig, reply| told(report(src, dst), owners(orig, reply), knowledge(), &keys);
    let (one, two) = (process(1, "one"), process(2, "two"));
    assert_eq!(
        told(HERE, FAR, Some(one.clone()), None),
        json!({"direction": "out", "pid": 1, "process": "one", "src_pid": 1, "src_process": "one"})
    );
    assert_eq!(
        told(FAR, HERE, None, Some(two.clone())),
        json!({"direction": "in", "pid": 2, "process": "two", "dst_pid": 2, "dst_process": "two"})
    );
    assert_eq!(
        told(HERE, HERE, Some(one.clone()), Some(two.clone())),
        json!({"direction": "local", "pid": 1, "process": "one", "src_pid": 1,
            "src_process": "one", "dst_pid": 2, "dst_process": "two"})
    );
    // A container behind a bridge, through its own namespace.
    assert_eq!(
        told("172.17.0.2", FAR, None, Some(two)),
        json!({"direction": "forward", "pid": 2, "process": "two", "dst_pid": 2,
            "dst_process": "two"})
    );
}

#[test]
fn an_absent_process_has_its_reason() {
    let keys = [
        "direction",
        "pid",
        "process",
        "owner_unknown",
        "exe",
        "unit",
    ];
    let told =
        |src, dst, orig, reply| told(report(src, dst), owners(orig, reply), knowledge(), &keys);
    for (why, reason) in [
        (Unknown::Gone, "gone"),
        (Unknown::NotPermitted, "no_permission"),
        (Unknown::Kernel, "kernel"),
    ] {
        assert_eq!(
            told(HERE, FAR, Some(Owner::unknown(why)), None),
            json!({"direction": "out", "owner_unknown": reason})
        );
    }
    assert_eq!(
        told(BESIDE, FAR, None, None),
        json!({"direction": "forward", "owner_unknown": "forwarded"})
    );
    // Nobody has looked.
    assert_eq!(told(HERE, FAR, None, None), json!({"direction": "out"}));
    // Nobody knows what is here.
    let (services, _) = Services::load(&services::Settings::default());
    let nothing = Knowledge::new(services);
    let report = report(HERE, FAR);
    assert_eq!(told_by(report, nothing, &keys), json!({}));
}

fn told_by(report: Report, knowledge: Knowledge, keys: &[&str]) -> Value {
    told(report, Pair::default(), knowledge, keys)
}

#[test]
fn what_a_process_and_its_socket_tell() {
    let mut owner = process(7, "curl");
    owner.figures = Some(TcpFigures {
        rtt_us: Some(12_000),
        min_rtt_us: Some(9_000),
        retransmits: Some(0),
        cwnd: Some(10),
        delivery_rate_bytes_per_sec: Some(5_000_000),
        send_queue_bytes: Some(1),
        receive_queue_bytes: Some(2),
        congestion: Congestion::new("cubic"),
        ..TcpFigures::default()
    });
    let keys = [
        "exe",
        "cmdline",
        "user",
        "uid",
        "unit",
        "container",
        "pod",
        "src_mac",
        "rtt_us",
        "min_rtt_us",
        "retransmits",
        "cwnd",
        "delivery_rate",
        "send_queue",
        "recv_queue",
        "congestion",
    ];
    let mut expected = json!({
        "exe": "/usr/bin/curl", "cmdline": "curl -v", "user": "alice", "uid": 1000,
        "unit": "shop.service", "container": "0123456789ab", "pod": "default/shop",
        "rtt_us": 12_000, "min_rtt_us": 9_000, "retransmits": 0, "cwnd": 10,
        "delivery_rate": 5_000_000, "send_queue": 1, "recv_queue": 2, "congestion": "cubic",
    });
    let flow = report(HERE, FAR);
    let out = told(flow, owners(Some(owner.clone()), None), knowledge(), &keys);
    assert_eq!(out, expected);
    // The same process as the server of a neighbour.
    expected["src_mac"] = json!("00:01:02:0a:0b:0c");
    let flow = report(BESIDE, HERE);
    let come_in = told(flow, owners(None, Some(owner)), knowledge(), &keys);
    assert_eq!(come_in, expected);
}

#[test]
fn counters_say_what_they_are_worth() {
    let counted = |bytes| {
        let mut report = report(HERE, FAR);
        report.status = Some(Status::CONFIRMED | Status::SEEN_REPLY);
        let counters = Counters { packets: 1, bytes };
        report.counters = Some(Pair {
            orig: counters,
            reply: counters,
        });
        report
    };
    let seen = |acked, received| {
        let mut owner = process(1, "one");
        owner.figures = Some(TcpFigures {
            bytes_acked: Some(acked),
            bytes_received: Some(received),
            ..TcpFigures::default()
        });
        owners(Some(owner), None)
    };
    let told =
        |report, owners| told(report, owners, knowledge(), &["counters"])["counters"].clone();
    assert_eq!(told(counted(1000), Pair::default()), "exact");
    assert_eq!(told(counted(1000), seen(800, 900)), "exact");
    // A few packets later.
    assert_eq!(told(counted(1000), seen(3000, 900)), "exact");
    assert_eq!(
        told(counted(1000), seen(1_000_000, 900)),
        "since_accounting"
    );
    assert_eq!(told(counted(1000), seen(0, 1_000_000)), "since_accounting");
    let mut offloaded = counted(1000);
    offloaded.status = Some(Status::CONFIRMED | Status::OFFLOAD);
    assert_eq!(told(offloaded, Pair::default()), "offloaded");
    let mut by_socket = counted(1000);
    by_socket.by_socket = true;
    assert_eq!(told(by_socket, Pair::default()), "sockets");
    assert_eq!(told(report(HERE, FAR), Pair::default()), "none");
    // Nobody has asked for them yet.
    let mut new = report(HERE, FAR);
    new.origin = Origin::New;
    assert_eq!(told(new, Pair::default()), Value::Null);
}
