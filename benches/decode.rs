//! The decoder alone: nanoseconds and heap allocations per message, over a
//! dump received from this kernel, beside a walk of the headers only.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use flowtop::flow::Moment;
use flowtop::flow::Update;
use flowtop::netlink::conntrack::decode::Source;
use flowtop::netlink::conntrack::{Problems, decode};
use flowtop::netlink::socket::Socket;
use flowtop::netlink::wire::messages;
use flowtop::table::Table;

const FLOWS: u32 = 100_000;
const ROUNDS: usize = 9;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

#[expect(unsafe_code, reason = "an allocator that counts")]
// SAFETY: everything is handed to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    bench::in_lab("decode", FLOWS as usize, |lab| {
        if !bench::fill(lab.here(), 0, FLOWS) {
            return;
        }
        let socket = Socket::open().unwrap();
        let mut dump = Vec::new();
        bench::receive_dump(&socket, |datagram| dump.push(datagram.to_vec()));
        let count: usize = dump.iter().map(|d| messages(d).count()).sum();
        let bytes: usize = dump.iter().map(Vec::len).sum();
        println!("{count} messages of {} bytes", bytes / count);

        let headers = best(|| {
            for datagram in &dump {
                for message in messages(datagram) {
                    black_box(message.payload.len());
                }
            }
        });
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let mut problems = Problems::default();
        let decoding = best(|| {
            for datagram in &dump {
                for message in messages(datagram) {
                    black_box(decode(&message, Source::Dump, &mut problems));
                }
            }
        });
        let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
        let mut table = Table::with_capacity(FLOWS as usize);
        let mut at = Moment::default().after(Duration::from_secs(1));
        let with_table = best(|| {
            at = at.after(Duration::from_secs(1));
            table.apply(&Update::DumpBegin, at, &mut |_| {});
            for datagram in &dump {
                for message in messages(datagram) {
                    if let Some(report) = decode(&message, Source::Dump, &mut problems) {
                        table.apply(&Update::Flow(report), at, &mut |_| {});
                    }
                }
            }
            table.apply(&Update::DumpEnd { complete: true }, at, &mut |_| {});
        });
        let each = |d: Duration| d.as_nanos() as f64 / count as f64;
        println!("headers only       {:7.1} ns per message", each(headers));
        println!(
            "decode             {:7.1} ns per message (reach: 100)",
            each(decoding)
        );
        println!("decode and table   {:7.1} ns per message", each(with_table));
        println!(
            "allocations        {:7.4} per message (reach: 0)",
            allocations as f64 / (count * ROUNDS) as f64
        );
        assert_eq!(problems, Problems::default());
    });
}

/// The shortest of several runs.
fn best(mut body: impl FnMut()) -> Duration {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            body();
            start.elapsed()
        })
        .min()
        .unwrap()
}
