//! How long a key waits for its answer: the real program in a terminal, with
//! 100,000 flows of the kernel, while dumps of the table come and go. Each key
//! jumps to the other end of the list, which takes the engine a new order of all
//! flows. The reach is a frame, 16 ms.
//!
//! Beside it the same with 1,000 flows: what terminal, threads and drawing take.
#![allow(clippy::print_stdout, reason = "a benchmark reports to a person")]

#[path = "bench/mod.rs"]
mod bench;
#[path = "screen/mod.rs"]
mod screen;

use std::thread;
use std::time::{Duration, Instant};

use screen::Session;

const KEYS: usize = 400;

fn main() {
    bench::in_lab("keys", 100_000, |lab| {
        let mut filled = 0;
        for flows in [1_000, 100_000] {
            if !bench::fill(lab.here(), filled, flows) {
                return;
            }
            filled = flows;
            measure(flows);
        }
    });
}

fn measure(flows: u32) {
    let mut session = screen::start(&[
        "-AnG",
        "--no-sysctl",
        "--no-process",
        "--no-state",
        "-t",
        "0.1",
    ]);
    let all = grouped(flows);
    let of_all = format!(" of {all}");
    session.wait_for(&of_all);
    thread::sleep(Duration::from_secs(1));
    let last = format!("{all}{of_all}");
    let mut times: Vec<Duration> = (0..KEYS).map(|n| key(&mut session, n, &last)).collect();
    session.keys("q");
    session.end();
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((KEYS - 1) as f64 * share) as usize;
        times[index].as_secs_f64() * 1e3
    };
    println!(
        "{all:>7} flows: a key is answered in {:.1} ms (median), {:.1} ms (19 of 20), {:.1} ms (99 of 100), {:.1} ms (worst); reach: 16 ms",
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
}

/// Jumps to the end or back, and waits until the place is told.
fn key(session: &mut Session, number: usize, last: &str) -> Duration {
    // Not in step with the refreshes.
    thread::sleep(Duration::from_millis(3 + (number as u64 * 7) % 23));
    let start = Instant::now();
    if number.is_multiple_of(2) {
        session.keys("G");
        session.wait("the last row", |screen| screen.contains(last));
    } else {
        session.keys("\x1b[H");
        session.wait("the first row", |screen| !screen.contains(last));
    }
    start.elapsed()
}

fn grouped(count: u32) -> String {
    let (thousands, rest) = (count / 1000, count % 1000);
    format!("{thousands},{rest:03}")
}
