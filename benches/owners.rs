//! Whose sockets they are: 20,000 of 500 processes, against `ss -tunap` in the
//! same run.
//!
//! Both read the same sockets from the kernel and the same processes from
//! /proc. From cold, attribution is to take no longer than `ss`; once it knows,
//! at most a tenth of that; and nothing at rest. A refresh cannot be faster than
//! the kernel tells of that many sockets, which the bare dump shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

#[path = "bench/mod.rs"]
mod bench;

use std::hint::black_box;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use bench::lab::Lab;
use bench::lab::processes::{Process, Socket};
use flowtop::enrich::owners::{Attribution, Owner, Settings, Subject};
use flowtop::flow::{Direction, Family, Key, L4, Protocol, Tuple};
use flowtop::netlink::sockdiag::Diag;

/// Half of them clients, the other half servers.
const PROCESSES: usize = 500;
/// Each connection has two sockets, and each process as many.
const CONNECTIONS: usize = 10_000;
const ROUNDS: usize = 7;
const REST: Duration = Duration::from_secs(10);

fn main() {
    bench::in_lab("owners", 0, |lab| {
        let scene = Scene::new(lab);
        println!(
            "{} sockets of {PROCESSES} processes, wall time of the best of {ROUNDS} rounds",
            2 * CONNECTIONS
        );
        let (mut ss, mut at_rest) = (None, Duration::ZERO);
        let (mut cold, mut steady, mut bare) = (Duration::MAX, Duration::MAX, Duration::MAX);
        let mut diag = Diag::open().unwrap();
        for round in 0..ROUNDS {
            ss = least(ss, scene.ss());
            let mut asked = Asked::start();
            cold = cold.min(timed(|| asked.all(&scene)));
            steady = steady.min(timed(|| asked.again()));
            bare = bare.min(timed(|| dump(&mut diag)));
            if round == 0 {
                at_rest = bench::cpu_of(|| thread::sleep(REST));
            }
        }
        let against = |of: Duration| match ss {
            Some(ss) => format!("{:.3} times ss", of.as_secs_f64() / ss.as_secs_f64()),
            None => "ss is not installed: nothing to compare with".to_owned(),
        };
        let millis = |of: Duration| of.as_secs_f64() * 1e3;
        if let Some(ss) = ss {
            println!("ss -tunap       {:8.1} ms", millis(ss));
        }
        println!(
            "from cold       {:8.1} ms, {} (reach: 1)",
            millis(cold),
            against(cold)
        );
        println!(
            "steady refresh  {:8.1} ms, {} (reach: 0.1)",
            millis(steady),
            against(steady)
        );
        println!("bare dump       {:8.1} ms, {}", millis(bare), against(bare));
        println!(
            "at rest         {:8.3} % of a CPU over {} s",
            at_rest.as_secs_f64() / REST.as_secs_f64() * 100.0,
            REST.as_secs()
        );
    });
}

/// All TCP sockets with their figures, and no more than that.
fn dump(diag: &mut Diag) {
    let mut sockets = 0;
    let each = &mut |socket| {
        black_box(socket);
        sockets += 1;
    };
    diag.dump(Protocol::TCP, Family::Ipv4, true, each).unwrap();
    assert_eq!(sockets, 2 * CONNECTIONS);
}

fn timed(body: impl FnOnce()) -> Duration {
    let start = Instant::now();
    body();
    start.elapsed()
}

fn least(best: Option<Duration>, found: Option<Duration>) -> Option<Duration> {
    match (best, found) {
        (Some(best), Some(found)) => Some(best.min(found)),
        (best, found) => best.or(found),
    }
}

/// Processes that are connected with each other, and their flows.
struct Scene {
    /// Client and server of each pair, which hold the sockets.
    pairs: Vec<[Process; 2]>,
    subjects: Vec<Subject>,
}

impl Scene {
    fn new(lab: &Lab) -> Self {
        let mut scene = Self {
            pairs: Vec::new(),
            subjects: Vec::new(),
        };
        for pair in 0..PROCESSES / 2 {
            let client = lab.program("client").start(lab.here());
            let server = lab.program("server").start(lab.here());
            let address = format!("127.1.{}.{}:80", pair / 250, pair % 250 + 1);
            let listener = server.listen(&address);
            for _ in 0..CONNECTIONS / (PROCESSES / 2) {
                let link = client.connect(listener.local);
                server.accept(&listener);
                scene.subjects.push(subject(&link));
            }
            server.close(listener);
            scene.pairs.push([client, server]);
        }
        scene
    }

    /// The wall time of `ss -tunap`, if there is such a program.
    fn ss(&self) -> Option<Duration> {
        let mut command = Command::new("ss");
        command.arg("-tunap").stdin(Stdio::null());
        let start = Instant::now();
        let output = command.output().ok()?;
        let took = start.elapsed();
        let printed = String::from_utf8_lossy(&output.stdout);
        let owned = printed.lines().filter(|line| line.contains("pid="));
        assert_eq!(owned.count(), 2 * self.subjects.len(), "ss shows others");
        Some(took)
    }
}

fn subject(link: &Socket) -> Subject {
    let (local, remote) = (link.local, link.remote.unwrap());
    let (SocketAddr::V4(src), SocketAddr::V4(dst)) = (local, remote) else {
        panic!("{local} and {remote} are not IPv4");
    };
    let ports = L4::Ports {
        src: src.port(),
        dst: dst.port(),
    };
    let orig = Tuple::v4(*src.ip(), *dst.ip(), Protocol::TCP, ports);
    Subject {
        key: Key { zone: 0, orig },
        reply: orig.inverted(),
        direction: Direction::Local,
    }
}

/// Who is asked.
struct Asked(Attribution);

impl Asked {
    fn start() -> Self {
        Self(Attribution::start(Settings::default(), || {}).unwrap())
    }

    /// Asks about all flows and waits until all are answered, rightly.
    fn all(&mut self, scene: &Scene) {
        self.0.begin(scene.subjects.clone());
        let is_known = |owner: &Option<Owner>, name: &str| {
            let process = owner.as_ref().and_then(|owner| owner.process.as_ref().ok());
            process.is_some_and(|process| &*process.name == name)
        };
        let mut known = 0;
        while known < scene.subjects.len() {
            for answer in self.0.answers() {
                let owners = answer.owners;
                assert!(is_known(&owners.orig, "client"), "{owners:?}");
                assert!(is_known(&owners.reply, "server"), "{owners:?}");
                known += 1;
            }
            thread::yield_now();
        }
    }

    /// Has all figures read again and waits until they are.
    fn again(&mut self) {
        let before = self.0.progress().refreshes;
        self.0.refresh();
        while self.0.progress().refreshes == before {
            black_box(self.0.answers());
            thread::yield_now();
        }
    }
}
