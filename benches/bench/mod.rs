//! What the benchmarks share: a namespace full of flows, and honest clocks.
#![allow(dead_code, reason = "each benchmark uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "../../tests/lab/mod.rs"]
pub mod lab;

use std::fs;
use std::time::Duration;

use flowtop::netlink::conntrack::request;
use flowtop::netlink::socket::Socket;
use flowtop::netlink::wire::{NLMSG_DONE, Requests, messages};
use lab::entries::Entry;
use lab::{Host, Lab};

const MAX: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

/// Raises the limit of the kernel's table while it lives; only the initial
/// namespace can, so it is made before the laboratory.
pub struct RaisedMax(Option<String>);

impl RaisedMax {
    /// Room for `flows`. Without the right to do so nothing happens.
    pub fn to(flows: usize) -> Self {
        let old = fs::read_to_string(MAX).ok();
        let enough = old
            .as_ref()
            .and_then(|text| text.trim().parse::<usize>().ok())
            .is_none_or(|max| max >= flows);
        if enough || fs::write(MAX, flows.to_string()).is_err() {
            return Self(None);
        }
        Self(old)
    }
}

impl Drop for RaisedMax {
    fn drop(&mut self) {
        if let Some(old) = &self.0 {
            let _ = fs::write(MAX, old);
        }
    }
}

/// Runs `body` in a laboratory, as `cargo bench` and as the child it starts.
/// `flows` is the most it will create at once.
pub fn in_lab(name: &str, flows: usize, body: impl FnOnce(&Lab)) {
    let _raised = RaisedMax::to(flows + flows / 8);
    lab::run_within(Duration::from_secs(900), name, body);
}

/// Flows with counters and time stamps, from `from` to `to`.
pub fn fill(host: &Host, from: u32, to: u32) -> bool {
    host.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
    host.set_sysctl("net/netfilter/nf_conntrack_timestamp", "1");
    let max: u32 = host
        .sysctl("net/netfilter/nf_conntrack_max")
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0);
    if max < to + to / 16 {
        println!("nf_conntrack_max is {max}: no room for {to} flows (run as root)");
        return false;
    }
    host.create_flows((from..to).map(Entry::numbered));
    true
}

/// A dump that only receives: what any reader of the table must pay. Hands
/// each datagram to `each`.
pub fn receive_dump(socket: &Socket, mut each: impl FnMut(&[u8])) {
    let mut requests = Requests::new();
    request::dump_all(&mut requests, 1);
    socket.send(requests.bytes()).unwrap();
    let mut buffer = vec![0; 32 << 10];
    loop {
        let len = socket.recv(&mut buffer).unwrap();
        let datagram = &buffer[..len];
        each(datagram);
        if messages(datagram)
            .next()
            .is_none_or(|m| m.kind == NLMSG_DONE)
        {
            return;
        }
    }
}

/// CPU time of this process, all threads, user and system.
pub fn cpu_time() -> Duration {
    // SAFETY: an all-zero rusage is a valid one.
    #[expect(unsafe_code, reason = "getrusage(2) has no safe wrapper in std")]
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid for the kernel to write to.
    #[expect(unsafe_code, reason = "getrusage(2) has no safe wrapper in std")]
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(result, 0);
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}

/// CPU time of `body`.
pub fn cpu_of(body: impl FnOnce()) -> Duration {
    let before = cpu_time();
    body();
    cpu_time().saturating_sub(before)
}

/// Resident memory of this process in bytes.
pub fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split_whitespace().nth(1).unwrap().parse().unwrap();
    pages * 4096
}
