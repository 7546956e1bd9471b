//! `flowtop list -AnG -o json` against `conntrack -L`, both to /dev/null, over
//! the same 100,000 flows, one after the other in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FLOWS: u32 = 100_000;
const ROUNDS: usize = 9;

fn main() {
    bench::in_lab("list", FLOWS as usize, |lab| {
        if !bench::fill(lab.here(), 0, FLOWS) {
            return;
        }
        let flowtop = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_flowtop"));
            command.args(["list", "-AnG", "-o", "json"]);
            command
        };
        let conntrack = || {
            let mut command = Command::new("conntrack");
            command.arg("-L");
            command
        };
        let (mut ours, mut theirs) = (Duration::MAX, Some(Duration::MAX));
        for _ in 0..ROUNDS {
            ours = ours.min(wall(flowtop()).expect("flowtop list succeeds"));
            theirs = theirs.and_then(|best| Some(best.min(wall(conntrack())?)));
        }
        let per_flow = |d: Duration| d.as_nanos() as f64 / f64::from(FLOWS);
        println!(
            "flowtop list -AnG -o json  {:8.1} ns per flow",
            per_flow(ours)
        );
        match theirs {
            None => println!("conntrack is not installed: nothing to compare with"),
            Some(theirs) => println!(
                "conntrack -L               {:8.1} ns per flow; flowtop takes {:.3} of it \
                 (reach: 0.9)",
                per_flow(theirs),
                ours.as_secs_f64() / theirs.as_secs_f64()
            ),
        }
    });
}

/// Wall time of a command; `None` if it cannot be run.
fn wall(mut command: Command) -> Option<Duration> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| start.elapsed())
}
