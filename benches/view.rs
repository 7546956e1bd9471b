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
#[path = "flows/mod.rs"]
mod flows;

use std::hint::black_box;
use std::sync::Arc;

use flows::{Made, START, mixed};
use flowtop::enrich::Knowledge;
use flowtop::enrich::names::{Answer, Source};
use flowtop::flow::{Moment, Protocol, Scope, State};
use flowtop::view::filter::Filter;
use flowtop::view::{
    Cursor, Flow, Grouping, Ledger, List, Query, Sort, SortKey, Table, View, column, ordered,
};

const ROUNDS: usize = 9;
/// Of so many flows one moves bytes; the others rest, as most do.
const MOVING: u32 = 20;

/// Clients, of which every second has a name.
const CLIENTS: u32 = 60_000;

fn table(flows: u32) -> (Table, Moment) {
    flows::table(flows, |index, report| {
        let mixed = mixed(index);
        report.state = Some(State::Tcp((mixed % 9) as u8));
        report.start_ns = Some(START.real_ns - u64::from(mixed));
        let moved = if index.is_multiple_of(MOVING) {
            index
        } else {
            0
        };
        Made {
            client: flows::client(mixed % CLIENTS),
            server: flows::server(index),
            proto: Protocol::TCP,
            bytes: [0, moved].map(|moved| u64::from(mixed) + u64::from(moved)),
        }
    })
}

/// Knows services, places, and every second client by name; it is that of a
/// router, through which all flows pass.
fn knowledge(now: Moment) -> Knowledge {
    let mut knowledge = flows::router();
    let answers = (0..CLIENTS).step_by(2).map(|index| Answer {
        addr: flows::client(index).into(),
        name: Some(format!("host-{}.example", index.wrapping_mul(40_503) % CLIENTS).into()),
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
