//! From the kernel to the table: CPU against a loop that only receives, and
//! memory per flow.
//!
//! `cargo bench --bench kernel` measures 100,000 and 1,000,000 flows; the
//! larger number needs root, because only the initial namespace can raise
//! `nf_conntrack_max`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Settings, Source as _};
use flowtop::flow::Update;
use flowtop::netlink::socket::Socket;
use flowtop::table::Table;

const ROUNDS: usize = 9;

fn main() {
    bench::in_lab("kernel", 1_000_000, |lab| {
        let mut filled = 0;
        for flows in [100_000, 1_000_000] {
            if !bench::fill(lab.here(), filled, flows) {
                return;
            }
            filled = flows;
            measure(flows as usize);
        }
    });
}

fn measure(flows: usize) {
    let socket = Socket::open().unwrap();
    let (mut bare, mut first, mut second) = (Duration::MAX, Duration::MAX, Duration::MAX);
    let mut bytes_per_flow = 0;
    for _ in 0..ROUNDS {
        bare = bare.min(bench::cpu_of(|| bench::receive_dump(&socket, |_| {})));
        let before = bench::resident();
        let mut table = Table::with_capacity(flows);
        let (out, batches) = sync_channel::<Delivery>(64);
        let settings = Settings {
            events: false,
            receive_buffer_bytes: 0,
            family: None,
        };
        let kernel = Kernel::start(settings, Clock::start(), &out).unwrap();
        let mut dump = || {
            bench::cpu_of(|| {
                kernel.inquire(Inquiry::Dump);
                loop {
                    let Ok(Delivery::Batch(batch)) = batches.recv() else {
                        return;
                    };
                    let mut end = false;
                    for update in &batch.updates {
                        end |= matches!(update, Update::DumpEnd { .. });
                        table.apply(update, batch.at, &mut |_| {});
                    }
                    if end {
                        return;
                    }
                }
            })
        };
        first = first.min(dump());
        second = second.min(dump());
        bytes_per_flow = (bench::resident() - before) / flows;
        assert_eq!(table.len(), flows);
    }
    let ratio = |of: Duration| of.as_secs_f64() / bare.as_secs_f64();
    let each = |of: Duration| of.as_nanos() as f64 / flows as f64;
    println!("{flows} flows, CPU of the best of {ROUNDS} rounds");
    println!("bare receive loop  {:8.1} ns per flow", each(bare));
    println!(
        "first dump         {:8.1} ns per flow, {:.3} times the bare loop (reach: 1.15)",
        each(first),
        ratio(first)
    );
    println!(
        "later dumps        {:8.1} ns per flow, {:.3} times the bare loop",
        each(second),
        ratio(second)
    );
    println!("memory             {bytes_per_flow:8} bytes per flow (reach: 300)");
}
