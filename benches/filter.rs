//! What a filter costs per flow at 100,000 flows, in nanoseconds, against a
//! bare walk over the same table in the same run. The reach is 100 ns for a
//! filter that needs nothing but the flow: a million of them in 100 ms.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "flows/mod.rs"]
mod flows;

use std::hint::black_box;
use std::time::{Duration, Instant};

use flows::Made;
use flowtop::enrich::geoip::{CountryCode, Location, Place};
use flowtop::flow::{Moment, Pair, Protocol, State, Status};
use flowtop::view::field::{Event, Record};
use flowtop::view::filter::{Filter, Needs, Subject};
use flowtop::view::{Bearings, End, Flow, Row, Table};

const FLOWS: u32 = 100_000;
const ROUNDS: usize = 15;

/// A thousand clients, a hundred thousand servers, some ports and states.
fn table() -> (Table, Moment) {
    flows::table(FLOWS, |index, report| {
        let proto = [Protocol::TCP, Protocol::TCP, Protocol::UDP][index as usize % 3];
        report.state = (proto == Protocol::TCP).then_some(State::TCP_ESTABLISHED);
        report.status = Some(Status::SEEN_REPLY | Status::ASSURED);
        Made {
            client: flows::client(index % 1000),
            server: flows::server(index),
            proto,
            bytes: [1, 2].map(|scale| u64::from(index) * 1_000 * scale),
        }
    })
}

/// A flow whose ends are in memory already, as after a first look.
struct Known<'a> {
    flow: &'a Flow,
    now: Moment,
    ends: &'a Pair<End>,
}

impl Subject for Known<'_> {
    fn flow(&self) -> Option<&Flow> {
        Some(self.flow)
    }

    fn now(&self) -> Moment {
        self.now
    }

    fn told(&mut self, needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool {
        let blank = || End {
            location: Location::Unknown,
            name: None,
        };
        let ends = if needs.has(Needs::NAMES) || needs.has(Needs::PLACES) {
            self.ends.clone()
        } else {
            Pair {
                orig: blank(),
                reply: blank(),
            }
        };
        ask(&Record {
            event: Event::Sample,
            ts_ns: self.now.real_ns,
            row: Some(Row {
                since_baseline: None,
                whole_timeout: None,
                flow: self.flow,
                now: self.now,
                service: Some("https"),
                ends,
                bearings: Bearings::default(),
                owners: None,
            }),
            count: None,
        })
    }
}

fn ends() -> Pair<End> {
    let end = |name: &str| End {
        location: Location::Place(Place {
            country_code: CountryCode::parse("DE"),
            city: None,
            asn: std::num::NonZeroU32::new(64_500),
            as_org: Some("Example Networks".into()),
        }),
        name: Some(name.into()),
    };
    Pair {
        orig: end("laptop.lan"),
        reply: end("edge-17.cdn.example.com"),
    }
}

fn main() {
    let (table, now) = table();
    let ends = ends();
    let per_flow = |walk: &mut dyn FnMut() -> usize| {
        let mut best = Duration::MAX;
        let mut held = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            held = black_box(walk());
            best = best.min(start.elapsed());
        }
        (best.as_secs_f64() * 1e9 / f64::from(FLOWS), held)
    };
    let (bare, _) = per_flow(&mut || {
        let flows = table.flows();
        flows.filter(|(_, flow)| flow.key().zone == 0).count()
    });
    println!("bare walk                                 {bare:6.1} ns");
    for (kind, text) in [
        ("cheap", "tcp"),
        ("cheap", "port:443"),
        ("cheap", "tcp port:443 !src:10.0.0.0/30"),
        ("cheap", "net:192.168.0.0/16 or host:10.0.1.7"),
        ("cheap", "rate>1M state:est*"),
        ("cheap", "orig_dst:20.0.0.0/8"),
        ("ends", "country:US"),
        ("text", "name:example"),
        ("text", "xyzzy"),
        ("text", "10.0.3"),
        ("regex", "name~^edge-[0-9]+8"),
        ("regex", "~xyz+y"),
    ] {
        let filter = Filter::parse(text).unwrap();
        let (each, held) = per_flow(&mut || {
            let flows = table.flows();
            flows
                .filter(|(_, flow)| {
                    filter.holds(&mut Known {
                        flow,
                        now,
                        ends: &ends,
                    })
                })
                .count()
        });
        println!(
            "{kind:6} {text:34} {each:6.1} ns, {:6.1} more, holds {held:6}",
            each - bare
        );
    }
}
