//! What a refresh of the list of flows costs at 100,000 and 1,000,000 of them,
//! in milliseconds of CPU time, by what it is sorted by and what it is filtered
//! by; against a bare walk through the table and against sorting all of it, in
//! the same run. And what it costs to pause the view: the picture that is kept.
//!
//! The reach at a million is 30 ms by number, 200 ms by text, and 100 ms with a
//! filter. Memory is the bound: nothing is faster than a walk.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use flowtop::enrich::Knowledge;
use flowtop::enrich::geoip::{GeoIp, Settings};
use flowtop::enrich::locality::Locality;
use flowtop::enrich::names::{Answer, Source};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, State, Tuple, Update,
};
use flowtop::view::filter::Filter;
use flowtop::view::{
    Cursor, Flow, Grouping, Ledger, List, Query, Sort, SortKey, Table, View, column, ordered,
};

const ROUNDS: usize = 9;
/// Of so many flows one moves bytes; the others rest, as most do.
const MOVING: u32 = 20;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

fn client(index: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + index % 60_000)
}

fn table(flows: u32) -> (Table, Moment) {
    let mut table = Table::new();
    let now = START.after(Duration::from_secs(1));
    for index in 0..flows {
        let mixed = index.wrapping_mul(2_654_435_761);
        let [_, a, b, c] = mixed.to_be_bytes();
        let server = Ipv4Addr::new(11 + a % 80, b, c, index as u8);
        let l4 = L4::Ports {
            src: (32_768 + index % 28_000) as u16,
            dst: [443, 80, 22, 8443, 5222][index as usize % 5],
        };
        let orig = Tuple::v4(client(mixed), server, Protocol::TCP, l4);
        let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
        report.state = Some(State::Tcp((mixed % 9) as u8));
        report.start_ns = Some(START.real_ns - u64::from(mixed));
        for (at, moved) in [(START, 0), (now, u64::from(index % MOVING == 0))] {
            let bytes = u64::from(mixed) + moved * u64::from(index);
            let counters = Counters {
                packets: bytes / 700,
                bytes,
            };
            report.counters = Some(Pair {
                orig: counters,
                reply: counters,
            });
            table.apply(&Update::Flow(report.clone()), at, &mut |_| {});
        }
    }
    (table, now)
}

/// Knows services, places, and every second client by name; it is that of a
/// router, through which all flows pass.
fn knowledge(now: Moment) -> Knowledge {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let (geoip, _) = GeoIp::open(Settings::search(None, &|_| None));
    knowledge.set_places(Arc::new(geoip));
    let here = Locality::of([Ipv4Addr::new(10, 0, 3, 231).into()], []);
    knowledge.set_locality(Arc::new(here));
    let answers = (0..60_000).step_by(2).map(|index: u32| Answer {
        addr: client(index).into(),
        name: Some(format!("host-{}.example", index.wrapping_mul(40_503) % 60_000).into()),
        source: Source::Dns,
    });
    knowledge.merge_names(answers.collect(), now);
    knowledge
}

/// The fastest round, in milliseconds of CPU time: what others do on this
/// machine meanwhile only counts as far as they take the memory's time.
fn best(rounds: usize, mut round: impl FnMut()) -> f64 {
    let cpu = |_| bench::cpu_of(&mut round).as_secs_f64() * 1e3;
    (0..rounds).map(cpu).fold(f64::INFINITY, f64::min)
}

/// A question for one screen of flows.
fn query(sort: Sort, cursor: Cursor) -> Query {
    Query {
        sort,
        cursor,
        height: 50,
        ..Query::of(Scope::EVERYTHING)
    }
}

/// What is measured, in milliseconds, against what there is to compare with.
struct Measure {
    flows: u32,
    /// Reading the bytes of every flow and no more, in milliseconds: less
    /// takes no view, for it shows their sum.
    walk: f64,
}

impl Measure {
    /// A line of the report. The reach is that at a million flows; a smaller
    /// table has a share of it.
    fn tell(&self, name: &str, millis: f64, reach: f64, more: &str) {
        let Self { flows, walk } = *self;
        let reach = reach * f64::from(flows) / 1e6;
        println!(
            "{flows:8} flows  {name:34} {millis:6.1} ms: {:5.2} of the reach, {:5.1} walks{more}",
            millis / reach,
            millis / walk
        );
    }
}

fn main() {
    for flows in [100_000, 1_000_000] {
        let (table, now) = table(flows);
        let mut knowledge = knowledge(now);
        let walk = best(ROUNDS, || {
            let bytes = |flow: &Flow| flow.counters().map_or(0, |both| both.orig.bytes);
            let sum: u64 = table.flows().map(|(_, flow)| bytes(flow)).sum();
            black_box(sum);
        });
        println!("{flows:8} flows  {:34} {walk:6.1} ms", "a bare walk");
        let measure = Measure { flows, walk };
        sorting(&measure, &table, &mut knowledge, now);
        filtering(&measure, &table, &mut knowledge, now);
        grouping(&measure, &table, &mut knowledge, now);
        pausing(flows, &table, &knowledge);
    }
}

fn sorting(measure: &Measure, table: &Table, knowledge: &mut Knowledge, now: Moment) {
    let ledger = Ledger::default();
    let (number, text) = (30.0, 200.0);
    for (key, descending, name, reach) in [
        ("usual", true, "by rate, as usual", number),
        ("up_bytes", true, "by number: bytes", number),
        ("age", true, "by number: age", number),
        ("age", false, "by number: age, the youngest first", number),
        ("zone", true, "by number: zone, all alike", number),
        ("state", false, "by text: state", text),
        ("service", false, "by text: service", text),
        ("source", false, "by text: host", text),
    ] {
        let key = column::named(key).map(|column| SortKey::Column(column.id));
        let key = key.unwrap_or_default();
        let sort = Sort { key, descending };
        let mut compute = |query: &Query| View::compute(query, table, &ledger, knowledge, now);
        let top = query(sort, Cursor::None);
        // As at a refresh: the cursor is on a flow that was there before.
        let mut middle = query(sort, Cursor::Index(measure.flows as usize / 2));
        let seen = compute(&middle);
        middle.settle(&seen);
        let mut compute = |query| {
            best(ROUNDS, || {
                black_box(compute(query));
            })
        };
        let (top, middle) = (compute(&top), compute(&middle));
        let all = best(3, || {
            black_box(ordered(table, Scope::EVERYTHING, sort, knowledge, now));
        });
        let more = format!(
            "; in the middle {middle:6.1} ms; {:.2} of all {all:6.1} ms",
            top / all
        );
        measure.tell(name, top, reach, &more);
    }
}

fn filtering(measure: &Measure, table: &Table, knowledge: &mut Knowledge, now: Moment) {
    let ledger = Ledger::default();
    for text in [
        "port:443",
        "rate>1M",
        "tcp port:443,8443 !net:10.0.0.0/9",
        "(state:est* or age>1h) bytes>1G not dport:22",
        "service:https",
        "name:host-77",
        "host-77",
    ] {
        let filter = Filter::parse(text).unwrap();
        let query = Query {
            filter: Some(Arc::new(filter)),
            ..query(Sort::default(), Cursor::None)
        };
        let mut matching = 0;
        let millis = best(ROUNDS, || {
            let view = View::compute(&query, table, &ledger, knowledge, now);
            matching = black_box(view.matching);
        });
        measure.tell(text, millis, 100.0, &format!("; holds {matching}"));
    }
}

fn grouping(measure: &Measure, table: &Table, knowledge: &mut Knowledge, now: Moment) {
    let ledger = Ledger::default();
    for by in Grouping::ALL {
        let query = Query {
            list: List::By(by),
            ..query(Sort::default(), Cursor::None)
        };
        let mut groups = 0;
        let millis = best(ROUNDS, || {
            let view = View::compute(&query, table, &ledger, knowledge, now);
            groups = black_box(view.group_count);
        });
        let name = format!("grouped by {}", by.name());
        measure.tell(&name, millis, 150.0, &format!("; {groups} groups"));
    }
}

/// What is kept while the view is paused, as the engine does it: the time until
/// it is there, and until it is gone again.
fn pausing(flows: u32, table: &Table, knowledge: &Knowledge) {
    let picture = || (table.picture(), knowledge.copy());
    let before = bench::resident();
    let kept = picture();
    let bytes = bench::resident().saturating_sub(before);
    drop(kept);
    let (mut taken, mut dropped) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let mut kept = None;
        taken = taken.min(best(1, || kept = Some(picture())));
        dropped = dropped.min(best(1, || drop(kept.take())));
    }
    println!(
        "{flows:8} flows  {:34} {taken:6.1} ms, {:.0} MB; resuming {dropped:.1} ms",
        "pausing",
        bytes as f64 / 1e6
    );
}
