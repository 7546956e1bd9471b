//! What it costs to tell where 100,000 flows with as many hosts go, and to
//! follow a network of 10,000 neighbours, in namespaces of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

mod bench;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use bench::lab::{Host, Lab};
use bench::{cpu_of, in_lab};
use flowtop::enrich::locality::{Locality, Paths, Settings, Watch};
use flowtop::flow::{L4, Protocol, Tuple};

const FLOWS: u32 = 100_000;
const NEIGHBOURS: u32 = 10_000;
/// Changes that are told of.
const CHANGES: u32 = 10;
/// Neighbours whose state changes, and how often.
const FLAPPING: u32 = 500;
const FLAPS: u32 = 40;
const ROUNDS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(10);

fn main() {
    in_lab("locality", 0, |lab| {
        records(lab);
        neighbours(lab);
    });
}

/// Forwarded flows from a thousand clients to hosts all over the address
/// space, half of them of IPv6.
fn flows() -> Vec<(Tuple, Tuple)> {
    let flow = |index: u32| {
        let number = index.wrapping_mul(2_654_435_761);
        let client = (index % 1000) as u16;
        let l4 = L4::Ports {
            src: 40_000,
            dst: 443,
        };
        let orig = if index.is_multiple_of(2) {
            let [_, a, b, c] = number.to_be_bytes();
            let server = Ipv4Addr::new(11 + a % 80, b, c, index as u8);
            let [high, low] = client.to_be_bytes();
            Tuple::v4(
                Ipv4Addr::new(192, 0, 2 + high, low),
                server,
                Protocol::TCP,
                l4,
            )
        } else {
            let [a, b] = [(number >> 16) as u16, number as u16];
            let server = Ipv6Addr::new(0x2a00, a, b, 0, 0, 0, 0, index as u16);
            let client = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, client);
            Tuple::v6(client, server, Protocol::TCP, l4)
        };
        (orig, orig.inverted())
    };
    (0..FLOWS).map(flow).collect()
}

fn records(lab: &Lab) {
    let net = lab.router();
    let router = &net.router;
    router.default_route("198.51.100.20");
    router.default_route("2001:db8:2::20");
    router.add_neighbours("lan", (0..NEIGHBOURS).map(neighbour));
    let flows = flows();
    measure(router, &flows, "few routes");
    let many = (0..4000u32).map(|n| {
        let network = Ipv4Addr::from_bits(11 << 24 | n << 12);
        (
            IpAddr::V4(network),
            20,
            IpAddr::V4(Ipv4Addr::new(198, 51, 100, 20)),
        )
    });
    router.add_routes(libc::RT_TABLE_MAIN, many);
    measure(router, &flows, "4,000 routes");
    router.add_policy(100, Some(7), None);
    measure(router, &flows, "IPv4 by the kernel");
}

fn measure(router: &Host, flows: &[(Tuple, Tuple)], name: &str) {
    router.enter(|| {
        let locality = Locality::read(Settings::default()).unwrap();
        let mut paths = Paths::default();
        let mut all = || {
            let start = Instant::now();
            for (orig, reply) in flows {
                black_box(locality.direction(orig, reply));
                black_box(locality.near_end(orig, reply));
                black_box(paths.interfaces(&locality, orig, reply, Some(0)));
                black_box((locality.mac(orig.src()), locality.mac(orig.dst())));
            }
            start.elapsed().as_nanos() as f64 / f64::from(FLOWS)
        };
        let first = all();
        let best = (0..ROUNDS).map(|_| all()).fold(f64::INFINITY, f64::min);
        println!("{name:20} {best:6.0} ns per record, the first time {first:6.0} ns");
    });
}

fn neighbour(number: u32) -> (IpAddr, [u8; 6]) {
    let [_, b, c, d] = number.to_be_bytes();
    let address = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number as u16);
    (IpAddr::V6(address), [2, 0, 0, b, c, d])
}

fn neighbours(lab: &Lab) {
    let net = lab.router();
    let router = &net.router;
    router.add_neighbours("lan", (0..NEIGHBOURS).map(neighbour));
    let micros = |name: &str, each: u32, body: &mut dyn FnMut()| {
        let cpu = cpu_of(body);
        let each = cpu.as_secs_f64() * 1e6 / f64::from(each);
        println!("{name:40} {each:8.2} us of CPU");
    };
    micros("reading all once", 1, &mut || {
        router.enter(|| drop(black_box(Locality::read(Settings::default()))));
    });
    let (tell, changes) = channel();
    let (watch, _) = router
        .enter(|| {
            Watch::start(Settings::default(), move |locality| {
                let _ = tell.send(locality);
            })
        })
        .unwrap();
    micros("a snapshot, for one change", CHANGES, &mut || {
        for number in 0..CHANGES {
            router.add_neighbours("lan", [(neighbour(NEIGHBOURS + number).0, [2; 6])]);
            changes.recv_timeout(PATIENCE).unwrap();
        }
    });
    // What the kernel and the bench spend on making them is part of it.
    let flapping = |number: u32| {
        let [_, _, c, d] = number.to_be_bytes();
        (
            IpAddr::V4(Ipv4Addr::new(192, 0, 2 + c, d)),
            [2, 0, 0, 1, c, d],
        )
    };
    let mut flap = || {
        for round in 0..FLAPS {
            let state = [libc::NUD_STALE, libc::NUD_REACHABLE][round as usize % 2];
            router.set_neighbours("lan", state, (10..FLAPPING).map(flapping));
        }
    };
    flap();
    while changes.recv_timeout(Duration::from_secs(1)).is_ok() {}
    micros(
        "a neighbour that flaps, watched",
        FLAPS * FLAPPING,
        &mut flap,
    );
    let told = changes.recv_timeout(Duration::from_secs(1)).is_ok();
    println!("flaps were told of: {told}");
    drop(watch);
    micros(
        "a neighbour that flaps, unwatched",
        FLAPS * FLAPPING,
        &mut flap,
    );
}
