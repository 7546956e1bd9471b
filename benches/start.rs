//! From the start of the program to its first full screen: 10,000 flows of the
//! kernel, places looked up, and a nameserver that says nothing. The reach is
//! 300 ms; the median is what counts, on a machine that does nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]
#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]

#[path = "bench/mod.rs"]
mod bench;
#[path = "../tests/pty/mod.rs"]
mod pty;

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use bench::lab::entries::Entry;
use bench::lab::mounts;
use flowtop::flow::{L4, Protocol, Tuple};
use pty::Session;

const FLOWS: u32 = 10_000;
const ROUNDS: usize = 15;
/// Of a terminal of 160 columns.
const ROWS: u16 = 50;

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowtop"));
    command
        .args(args)
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("LANG", "C.UTF-8");
    let start = Instant::now();
    let mut session = Session::start(command, 160, ROWS);
    session.wait("a full screen", |screen| {
        let flows = screen.lines().filter(|line| line.contains("8.8."));
        flows.count() >= usize::from(ROWS) - 6
    });
    let took = start.elapsed();
    session.keys("q");
    session.end();
    took
}
