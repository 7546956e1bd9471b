//! What a refresh of the list of flows costs at 100,000 and 1,000,000 of them,
//! in milliseconds, by what it is sorted by; against sorting all of them, in the
//! same run.
//!
//! The reach at a million is 30 ms by number and 200 ms by text.
#![allow(
    clippy::print_stdout,
    reason = "a benchmark reports to whoever runs it"
)]

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use flowtop::enrich::Knowledge;
use flowtop::enrich::names::{Answer, Source};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, State, Tuple, Update,
};
use flowtop::view::{
    Cursor, Freeze, Ledger, List, Query, Sort, SortKey, Table, View, column, ordered,
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

/// Knows services, and every second client by name.
fn knowledge(now: Moment) -> Knowledge {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let answers = (0..60_000).step_by(2).map(|index: u32| Answer {
        addr: client(index).into(),
        name: Some(format!("host-{}.example", index.wrapping_mul(40_503) % 60_000).into()),
        source: Source::Dns,
    });
    knowledge.merge_names(answers.collect(), now);
    knowledge
}

/// The fastest round, in milliseconds: what is left when the machine does
/// nothing else.
fn best(rounds: usize, mut round: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
    }
    best
}

fn main() {
    let keys = [
        ("usual", "by rate, as usual"),
        ("up_bytes", "by number: bytes"),
        ("age", "by number: age"),
        ("state", "by text: state"),
        ("service", "by text: service"),
        ("source", "by text: host"),
    ];
    for flows in [100_000, 1_000_000] {
        let (table, now) = table(flows);
        let mut knowledge = knowledge(now);
        let ledger = Ledger::default();
        for (key, name) in keys {
            let column = column::named(key).map(|column| SortKey::Column(column.id));
            let sort = column.unwrap_or_default().sort();
            let mut compute = |cursor| {
                let query = Query {
                    number: 0,
                    scope: Scope::EVERYTHING,
                    filter: None,
                    direction: None,
                    active_only: false,
                    within: Vec::new(),
                    list: List::Flows,
                    sort,
                    freeze: Freeze::No,
                    detail: None,
                    cursor,
                    first: 0,
                    height: 50,
                };
                best(ROUNDS, || {
                    black_box(View::compute(&query, &table, &ledger, &mut knowledge, now));
                })
            };
            let top = compute(Cursor::None);
            let middle = compute(Cursor::Index(flows as usize / 2));
            let all = best(3, || {
                black_box(in_full(&table, sort, &mut knowledge, now));
            });
            println!(
                "{flows:8} flows {name:18} {top:6.1} ms, in the middle {middle:6.1} ms, all \
                 {all:7.1} ms: {:.2} of it",
                top / all
            );
        }
    }
}

fn in_full(table: &Table, sort: Sort, knowledge: &mut Knowledge, now: Moment) -> usize {
    ordered(table, Scope::EVERYTHING, sort, knowledge, now).len()
}
