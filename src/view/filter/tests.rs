//! Flows to hold filters against; what is said of filters is in the files below.

mod keys;
mod language;
mod needs;
mod properties;
mod saved;
mod tcpdump;
mod wrong;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::enrich::End;
use crate::enrich::geoip::{CountryCode, Location, Place};
use crate::enrich::owners::{Account, Process};
use crate::flow::{
    Counters, Direction, Key as FlowKey, L4, Moment, Origin, Pair, Protocol, Report, State, Status,
    TcpFigures, Tuple, Update,
};
use crate::table::{Flow, Table};
use crate::view::field::{Event, Record};
use crate::view::{Bearings, Mac, Owner, Row};

const START: Moment = Moment {
    mono_ns: 1_000_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A minute after the flows began.
const NOW: Moment = Moment {
    mono_ns: START.mono_ns + 60_000_000_000,
    real_ns: START.real_ns + 60_000_000_000,
};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn tuple(proto: Protocol, src: &str, sport: u16, dst: &str, dport: u16) -> Tuple {
    let l4 = match proto {
        Protocol::ICMP | Protocol::ICMPV6 => L4::Icmp {
            kind: 8,
            code: 0,
            id: 7,
        },
        Protocol::GRE => L4::None,
        _ => L4::Ports {
            src: sport,
            dst: dport,
        },
    };
    Tuple::new(ip(src), ip(dst), proto, l4).unwrap()
}

/// A flow as a table has it a second before [`NOW`], with 3 MB up and 30 MB
/// down, of which 100 kB and 1 MB came in the last second.
fn flow(change: impl FnOnce(&mut Report)) -> Flow {
    let orig = tuple(Protocol::TCP, "10.0.0.2", 40_000, "203.0.113.7", 443);
    let mut report = Report::about(FlowKey { zone: 0, orig }, Origin::Dumped);
    report.start_ns = Some(START.real_ns);
    report.state = Some(State::TCP_ESTABLISHED);
    report.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::CONFIRMED);
    report.mark = Some(0x10);
    let counters = |up, down| {
        Some(Pair {
            orig: Counters {
                packets: up / 1000,
                bytes: up,
            },
            reply: Counters {
                packets: down / 1000,
                bytes: down,
            },
        })
    };
    report.counters = counters(2_900_000, 29_000_000);
    change(&mut report);
    let mut table = Table::new();
    let before = START.after(Duration::from_secs(58));
    let is_counted = report.counters.is_some();
    table.apply(&Update::Flow(report.clone()), before, &mut |_| {});
    if is_counted {
        report.counters = counters(3_000_000, 30_000_000);
    }
    let last = START.after(Duration::from_secs(59));
    table.apply(&Update::Flow(report), last, &mut |_| {});
    table.flows().next().unwrap().1.clone()
}

fn plain() -> Flow {
    flow(|_| {})
}

fn at(proto: Protocol, src: &str, sport: u16, dst: &str, dport: u16) -> Flow {
    flow(|report| {
        report.key.orig = tuple(proto, src, sport, dst, dport);
        if proto != Protocol::TCP {
            report.state = None;
        }
    })
}

fn end(name: Option<&str>, country: &str, asn: u32, org: &str) -> End {
    End {
        location: Location::Place(Place {
            country_code: CountryCode::parse(country),
            asn: std::num::NonZeroU32::new(asn),
            as_org: Some(org.into()),
            city: Some("Île-de-Ville".into()),
        }),
        name: name.map(Into::into),
    }
}

/// A browser of a user, as a socket knows it.
static OWNERS: std::sync::LazyLock<Pair<Option<Owner>>> = std::sync::LazyLock::new(|| Pair {
    orig: Some(Owner {
        process: Ok(Arc::new(Process {
            pid: 4242,
            start_ticks: 7,
            name: "firefox".into(),
            exe: Some("/usr/bin/firefox".into()),
            cmdline: Some("firefox --private".into()),
            account: Some(Arc::new(Account {
                uid: 1000,
                name: Some("ada".into()),
            })),
            parents: Vec::new(),
            cgroup: None,
        })),
        account: None,
        cgroup: None,
        figures: Some(TcpFigures {
            rtt_us: Some(52_000),
            ..TcpFigures::default()
        }),
        namespace: None,
    }),
    reply: None,
});

/// A record of a flow from a browser here to a named host in Germany.
fn record(flow: &Flow) -> Record<'_> {
    Record {
        event: Event::Sample,
        ts_ns: NOW.real_ns,
        row: Some(Row {
            since_baseline: None,
            whole_timeout: None,
            flow,
            now: NOW,
            service: Some("https"),
            ends: Pair {
                orig: End {
                    location: Location::Lan,
                    name: None,
                },
                reply: end(Some("www.example.com"), "DE", 15_169, "Example Networks"),
            },
            bearings: Bearings {
                direction: Some(Direction::Out),
                interfaces: Pair {
                    orig: None,
                    reply: Some("eth1".into()),
                },
                src_mac: Some(Mac([2, 0, 0, 0, 0, 0xab])),
            },
            owners: Some(&OWNERS),
        }),
        count: None,
    }
}

fn parse(text: &str) -> Filter {
    Filter::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn holds(text: &str, flow: &Flow) -> bool {
    parse(text).matches(&record(flow))
}

#[track_caller]
fn all_hold(texts: &[&str], flow: &Flow) {
    for text in texts {
        assert!(holds(text, flow), "{text}");
    }
}

#[track_caller]
fn none_hold(texts: &[&str], flow: &Flow) {
    for text in texts {
        assert!(!holds(text, flow), "{text}");
    }
}

/// Some saved filters, one of which holds others.
fn saved() -> Definitions {
    Definitions::new([
        ("web", "port:80,443"),
        ("half-open", "state:syn_recv or state:syn_sent"),
        ("both", "@web !@half-open"),
    ])
}
