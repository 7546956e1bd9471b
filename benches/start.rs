//! From the start of the program to its first full screen: 10,000 flows of the
//! kernel, places looked up, and a nameserver that says nothing. The reach is
//! 300 ms; the median is what counts, on a machine that does nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;
#[path = "screen/mod.rs"]
mod screen;

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, Instant};

use bench::lab::entries::Entry;
use bench::lab::mounts;
use flowtop::flow::{L4, Protocol, Tuple};

const FLOWS: u32 = 10_000;
const ROUNDS: usize = 15;

fn main() {
    bench::in_lab("start", FLOWS as usize, |lab| {
        mounts::hide("/etc");
        fs::write("/etc/resolv.conf", "nameserver 127.0.0.1\n").unwrap();
        // It takes queries and never answers.
        let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
        let here = lab.here();
        here.create_flows((0..FLOWS).map(to_public));
        for (name, args) in [
            ("names and places", &["--no-sysctl"][..]),
            ("neither", &["--no-sysctl", "-nG"]),
        ] {
            let mut times: Vec<Duration> = (0..ROUNDS).map(|_| first_screen(args)).collect();
            times.sort_unstable();
            println!(
                "start to the first full screen, {name:16}  {:4} ms, at best {:4} ms (reach: 300 ms)",
                times[ROUNDS / 2].as_millis(),
                times[0].as_millis()
            );
        }
    });
}

/// A flow to one of as many public hosts.
fn to_public(number: u32) -> Entry {
    let client = IpAddr::from((0x0a00_0000 | number).to_be_bytes());
    let server = IpAddr::from((0x0808_0000 | number).to_be_bytes());
    let ports = L4::Ports {
        src: 40_000,
        dst: 443,
    };
    Entry::new(Tuple::new(client, server, Protocol::TCP, ports).unwrap())
}

/// The time until every row of the screen shows a flow.
fn first_screen(args: &[&str]) -> Duration {
    let start = Instant::now();
    let mut session = screen::start(args);
    session.wait("a full screen", |screen| {
        let flows = screen.lines().filter(|line| line.contains("8.8."));
        flows.count() >= usize::from(screen::ROWS) - 6
    });
    let took = start.elapsed();
    session.keys("q");
    session.end();
    took
}
