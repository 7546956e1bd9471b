//! What a refresh of a list of groups costs at 100,000 and 1,000,000 flows, in
//! milliseconds, by what they are put together, against the list of flows in the
//! same run. The flows are those of a router: a thousand clients, as many hosts
//! as there are flows at 100,000, some services.
//!
//! The reach at a million is 150 ms by source, service and country.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "flows/mod.rs"]
mod flows;

use std::hint::black_box;
use std::time::Instant;

use flows::Made;
use flowtop::enrich::Knowledge;
use flowtop::flow::{Moment, Protocol, Scope};
use flowtop::view::{Grouping, Ledger, List, Query, Table, View};

const HOSTS: u32 = 100_000;
const ROUNDS: usize = 9;

/// A thousand clients of this network, a hundred thousand public hosts all
/// over the address space, some ports.
fn table(flows: u32) -> (Table, Moment) {
    flows::table(flows, |index, _| Made {
        client: flows::client(index / 7 % 1000),
        server: flows::server(index % HOSTS),
        proto: Protocol::TCP,
        bytes: [1, 2].map(|scale| u64::from(index) * 1_000 * scale),
    })
}

fn main() {
    let mut knowledge = flows::router();
    for flows in [100_000, 1_000_000] {
        let (table, now) = table(flows);
        let lists = Grouping::ALL.map(List::By);
        for list in [List::Flows].into_iter().chain(lists) {
            measure(flows, list, &table, &mut knowledge, now);
        }
    }
}

fn measure(flows: u32, list: List, table: &Table, knowledge: &mut Knowledge, now: Moment) {
    let query = Query {
        list,
        height: 50,
        ..Query::of(Scope::EVERYTHING)
    };
    let ledger = Ledger::default();
    let mut view = || {
        let start = Instant::now();
        let view = View::compute(&query, table, &ledger, knowledge, now);
        let groups = black_box(view).group_count;
        (start.elapsed().as_secs_f64() * 1e3, groups)
    };
    let (first, groups) = view();
    let best = (0..ROUNDS).map(|_| view().0).fold(f64::INFINITY, f64::min);
    let name = match list {
        List::Flows => "flows",
        List::By(grouping) => grouping.name(),
    };
    println!(
        "{flows:8} flows by {name:12} {best:6.1} ms, the first time {first:6.1} ms, {groups:6} \
         groups"
    );
}
