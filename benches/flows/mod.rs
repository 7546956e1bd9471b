//! What benchmarks of views share: a table of flows all over the address space,
//! and what a router knows of them.
#![allow(dead_code, reason = "each benchmark uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "a benchmark has no outside")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use flowtop::enrich::Knowledge;
use flowtop::enrich::geoip::{self, GeoIp};
use flowtop::enrich::locality::Locality;
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Tuple, Update};
use flowtop::view::Table;

/// When the first of two readings is taken; the other one is a second later.
pub const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A flow of a table.
pub struct Made {
    pub client: Ipv4Addr,
    pub server: Ipv4Addr,
    pub proto: Protocol,
    /// Bytes each way at both readings.
    pub bytes: [u64; 2],
}

/// A number far from those of its neighbours (Knuth's multiplicative hash), and
/// the number of no other.
pub const fn mixed(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

/// A client by number, in 10.0.0.0/8.
pub fn client(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + number)
}

/// A public host by number, all over the address space.
pub fn server(number: u32) -> Ipv4Addr {
    let [_, a, b, c] = mixed(number).to_be_bytes();
    Ipv4Addr::new(11 + a % 80, b, c, number as u8)
}

/// A table of so many flows, each with one of five ports, and the moment of the
/// second reading. `make` says who they are of by their number, and may say more
/// in the report.
pub fn table(flows: u32, make: impl Fn(u32, &mut Report) -> Made) -> (Table, Moment) {
    let mut table = Table::new();
    let now = START.after(Duration::from_secs(1));
    let nobody = Tuple::v4(client(0), client(0), Protocol::TCP, L4::None);
    for index in 0..flows {
        let key = |orig| Key { zone: 0, orig };
        let mut report = Report::about(key(nobody), Origin::Dumped);
        let flow = make(index, &mut report);
        let l4 = L4::Ports {
            src: (32_768 + index % 28_000) as u16,
            dst: [443, 80, 22, 8443, 5222][index as usize % 5],
        };
        report.key = key(Tuple::v4(flow.client, flow.server, flow.proto, l4));
        for (at, bytes) in [START, now].into_iter().zip(flow.bytes) {
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

/// Knows services and places, and that all flows pass through a router.
pub fn router() -> Knowledge {
    let (services, _) = Services::load(&services::Settings::default());
    let mut knowledge = Knowledge::new(services);
    let (geoip, _) = GeoIp::open(geoip::Settings::search(None, &|_| None));
    knowledge.set_places(Arc::new(geoip));
    let here = Locality::of([Ipv4Addr::new(10, 0, 3, 231).into()], []);
    knowledge.set_locality(Arc::new(here));
    knowledge
}
