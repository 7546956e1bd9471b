//! What a record costs to write, in nanoseconds and bytes, against building a
//! `serde_json::Map` and writing that, in the same run.
//!
//! The kernel takes about 2,400 ns to hand out a flow.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports to whoever runs it"
)]

use std::hint::black_box;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flowtop::enrich::Knowledge;
use flowtop::enrich::geoip::{CountryCode, Location, Place};
use flowtop::enrich::locality::Locality;
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, State, Status, Tuple, Update,
};
use flowtop::output::{Course, Format, Settings, Writer};
use flowtop::view::field::{Event, FIELDS, Record, Value, find};
use flowtop::view::units::RateUnit;
use flowtop::view::{Bearings, End, Row, Table};

const FLOWS: u32 = 20_000;
const ROUNDS: usize = 9;

fn tuple(index: u32, ipv6: bool) -> Tuple {
    let l4 = L4::Ports {
        src: (1024 + index % 60_000) as u16,
        dst: 443,
    };
    if ipv6 {
        let net = 0x2001_0db8_0000_0000_0000_0000_0000_0000_u128;
        let host = u128::from(index.wrapping_mul(2_654_435_761));
        let src = Ipv6Addr::from_bits(net | host << 32 | 0x1234);
        Tuple::v6(src, Ipv6Addr::from_bits(net | host), Protocol::TCP, l4)
    } else {
        let src = Ipv4Addr::from_bits(0x0a00_0000 + index);
        let dst = Ipv4Addr::from_bits(0xcb00_7100 + index % 256);
        Tuple::v4(src, dst, Protocol::TCP, l4)
    }
}

/// Flows with counters, stamps and rates, like those of a busy router.
fn table(ipv6: bool) -> (Table, Moment) {
    let mut table = Table::new();
    let start = Moment {
        mono_ns: 1_000_000_000,
        real_ns: 1_795_230_000_000_000_000,
    };
    let now = start.after(Duration::from_secs(1));
    for index in 0..FLOWS {
        let orig = tuple(index, ipv6);
        let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
        report.id = Some(index.wrapping_mul(2_654_435_761));
        report.state = Some(State::TCP_ESTABLISHED);
        report.status = Some(Status::SEEN_REPLY | Status::ASSURED | Status::CONFIRMED);
        report.timeout_secs = Some(431_000 + index % 1000);
        report.mark = Some(0);
        report.start_ns = Some(start.real_ns - u64::from(index) * 1_234_567);
        for (at, scale) in [(start, 1), (now, 2)] {
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

/// A host of this network, and one of which all is known.
fn ends() -> Pair<End> {
    Pair {
        orig: End {
            location: Location::Lan,
            name: None,
        },
        reply: End {
            location: Location::Place(Place {
                country_code: CountryCode::parse("DE"),
                city: Some("Example".into()),
                asn: NonZeroU32::new(64_500),
                as_org: Some("Example Networks".into()),
            }),
            name: Some("www.example.net".into()),
        },
    }
}

fn records(table: &Table, now: Moment) -> impl Iterator<Item = Record<'_>> {
    let ends = ends();
    table.flows().map(move |(_, flow)| Record {
        event: Event::Sample,
        ts_ns: now.real_ns,
        row: Some(Row {
            flow,
            now,
            service: Some("https"),
            ends: ends.clone(),
            bearings: Bearings::default(),
            owners: None,
        }),
        count: None,
    })
}

/// What a router knows of flows that pass through it, without names and places.
fn router() -> Knowledge {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let here = Locality::of([Ipv4Addr::new(192, 0, 2, 1).into()], []);
    knowledge.set_locality(Arc::new(here));
    knowledge
}

/// Counts bytes and keeps none.
#[derive(Default)]
struct Count(u64);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += black_box(bytes).len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The way one would take without the writer: a map of values per record.
fn map(record: &Record<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut map = serde_json::Map::new();
    for field in FIELDS {
        let value = match (field.get)(record) {
            Value::Absent => continue,
            Value::Uint(number) => number.into(),
            Value::Seconds(span) => span.as_secs_f64().into(),
            Value::Time(ns) => jiff::Timestamp::from_nanosecond(ns.into())
                .unwrap()
                .to_string()
                .into(),
            Value::Text(text) => text.into(),
            Value::Address(ip) => ip.to_string().into(),
            Value::Protocol(proto) => proto.to_string().into(),
            Value::State(state) => state.to_string().into(),
            Value::Status(status) => status.names().collect::<Vec<_>>().into(),
            Value::Mac(mac) => mac.to_string().into(),
        };
        map.insert(field.key.to_owned(), value);
    }
    map
}

/// The fastest round: what is left when the machine does nothing else.
fn measure(name: &str, mut round: impl FnMut() -> u64) -> f64 {
    let mut best = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        bytes = round();
        best = best.min(start.elapsed().as_secs_f64());
    }
    let ns = best * 1e9 / f64::from(FLOWS);
    println!(
        "{name:32} {ns:7.0} ns  {:5} bytes per record",
        bytes / u64::from(FLOWS)
    );
    ns
}

fn write(settings: &Settings, table: &Table, now: Moment) -> u64 {
    let mut count = Count::default();
    let mut writer = Writer::new(settings, &mut count);
    for record in records(table, now) {
        writer.record(&record).unwrap();
    }
    writer.flush().unwrap();
    count.0
}

fn main() {
    for ipv6 in [false, true] {
        let family = if ipv6 { "ipv6" } else { "ipv4" };
        let (table, now) = table(ipv6);
        measure(&format!("{family} getters alone"), || {
            for record in records(&table, now) {
                for field in FIELDS {
                    black_box((field.get)(&record));
                }
            }
            0
        });
        let mut knowledge = router();
        measure(&format!("{family} rows alone"), || {
            for (_, flow) in table.flows() {
                black_box(Row::new(flow, &mut knowledge, now));
            }
            0
        });
        let mut json_ns = 0.0;
        for format in Format::ALL {
            let settings = Settings {
                format,
                fields: None,
                unit: RateUnit::Bytes,
                course: Course::Samples,
                columns: None,
                mask: None,
            };
            let name = format!("{family} {}", format.name());
            json_ns = measure(&name, || write(&settings, &table, now));
        }
        let four = ["proto", "orig_src", "orig_dst", "orig_bytes"];
        let settings = Settings {
            format: Format::Json,
            fields: Some(four.iter().filter_map(|key| find(key)).collect()),
            unit: RateUnit::Bytes,
            course: Course::Samples,
            columns: None,
            mask: None,
        };
        measure(&format!("{family} json, four fields"), || {
            write(&settings, &table, now)
        });
        let map_ns = measure(&format!("{family} serde_json::Map"), || {
            let mut count = Count::default();
            for record in records(&table, now) {
                serde_json::to_writer(&mut count, &map(&record)).unwrap();
            }
            count.0
        });
        println!(
            "{family} json takes {:.2} of the map's time",
            json_ns / map_ns
        );
    }
}
