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

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowtop::enrich::Knowledge;
use flowtop::enrich::geoip::{GeoIp, Settings};
use flowtop::enrich::locality::Locality;
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, Tuple, Update,
};
use flowtop::view::{Grouping, Ledger, List, Query, Table, View};

const HOSTS: u32 = 100_000;
const ROUNDS: usize = 9;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A thousand clients of this network, a hundred thousand public hosts all
/// over the address space, some ports.
fn table(flows: u32) -> (Table, Moment) {
    let mut table = Table::new();
    let now = START.after(Duration::from_secs(1));
    for index in 0..flows {
        let host = index % HOSTS;
        let [_, a, b, c] = host.wrapping_mul(2_654_435_761).to_be_bytes();
        let server = Ipv4Addr::new(11 + a % 80, b, c, host as u8);
        let client = Ipv4Addr::from_bits(0x0a00_0000 + index / 7 % 1000);
        let l4 = L4::Ports {
            src: (32_768 + index % 28_000) as u16,
            dst: [443, 80, 22, 8443, 5222][index as usize % 5],
        };
        let orig = Tuple::v4(client, server, Protocol::TCP, l4);
        let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
        for (at, scale) in [(START, 1), (now, 2)] {
            let bytes = u64::from(index) * 1_000 * scale;
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

fn main() {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let (geoip, _) = GeoIp::open(Settings::search(None, &|_| None));
    knowledge.set_places(Arc::new(geoip));
    // A router: all flows pass through it.
    let here = Locality::of([Ipv4Addr::new(10, 0, 3, 231).into()], []);
    knowledge.set_locality(Arc::new(here));
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
