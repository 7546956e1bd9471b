//! A network laboratory inside the test process.
//!
//! [`run`] re-executes the test binary in namespaces of its own, where the
//! test is root over a network that exists only for it: hosts
//! ([`Lab::host`]), cables between them ([`Lab::cable`]), rules
//! ([`Host::track`], [`Host::masquerade`], [`Host::dnat`]), real traffic
//! ([`traffic`], [`packets`]), real processes ([`processes`]) and conntrack
//! entries made by hand ([`entries`]). Nothing but the kernel is needed: no
//! `ip`, `nft` or `conntrack`, no root. Everything is gone when the test ends,
//! however it ends.
//!
//! ```ignore
//! mod lab;
//!
//! #[test]
//! fn a_connection_is_tracked() {
//!     lab::run("a_connection_is_tracked", |lab| {
//!         let net = lab.router();
//!         net.router.track();
//!         let service = TcpService::listen(&net.server, "198.51.100.20:80");
//!         let connection = service.connect(&net.client);
//!         connection.download(100_000);
//!         assert_eq!(net.router.flow_count(), 1);
//!     });
//! }
//! ```
#![allow(
    dead_code,
    unused_imports,
    reason = "each test crate includes the laboratory and uses a part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]
#![allow(unreachable_pub, reason = "a test crate has no outside")]

mod actor;
pub mod entries;
mod everything;
mod links;
pub mod mounts;
mod namespace;
pub mod packets;
pub mod processes;
mod routing;
mod rules;
pub mod traffic;
mod wire;

use std::env;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

pub use everything::{FLOWS_PER_SERVER, SERVERS};
pub use links::{Addresses, End, Network};
pub use namespace::{Host, unprivileged};
pub use rules::Ruleset;

/// Set in the child to the name of the test it runs.
const CHILD: &str = "FLOWTOP_LAB_CHILD";
/// Set to 1 by whoever wants a test that cannot run to fail.
const REQUIRE: &str = "FLOWTOP_REQUIRE_KERNEL";
/// The child's exit code when the kernel lacks what the test needs; the
/// convention of automake's test driver.
const SKIP_EXIT: i32 = 77;
/// Stands before the reason for which a child skips.
const SKIP_MARK: &str = "lab: skip: ";
/// Begins a reason that is none for root.
const ROOT_MARK: &str = "only root may: ";
/// Begins a reason that is none of the kernel's.
const TOOL_MARK: &str = "not installed: ";
/// Printed by a child when the body has run to its end. Without it a
/// misspelt test name would pass: libtest is content to run no test at all.
const DONE_MARK: &str = "lab: done";
/// A child that has not ended by then hangs, if the test does not say otherwise.
const LIMIT: Duration = Duration::from_secs(120);
/// How long [`eventually`] waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// The laboratory of one test.
pub struct Lab {
    here: Host,
    /// The path of the test, which leads a process of this binary to
    /// [`run_within`].
    test: String,
}

impl Lab {
    /// The namespace the test itself lives in: processes and sockets that
    /// name no host are here. It has nothing but a loopback interface.
    pub fn here(&self) -> &Host {
        &self.here
    }

    /// A new host: a network namespace with its loopback interface up.
    #[expect(
        clippy::unused_self,
        reason = "who holds a laboratory is where namespaces may be made"
    )]
    pub fn host(&self, name: &str) -> Host {
        Host::new(name)
    }
}

/// Runs `body` as root of fresh user, network and mount namespaces (as root:
/// without a user namespace). `test` is the test's path as libtest prints it.
///
/// Where the kernel or its administrator does not allow that, the test says
/// `SKIPPED` on standard error and passes; with `FLOWTOP_REQUIRE_KERNEL=1` it
/// fails.
///
/// # Panics
///
/// If the body panics, hangs for two minutes or never runs.
pub fn run(test: &str, body: impl FnOnce(&Lab)) {
    run_within(LIMIT, test, body);
}

/// As [`run`], with another limit than two minutes.
pub fn run_within(limit: Duration, test: &str, body: impl FnOnce(&Lab)) {
    actor::act_if_told();
    if env::var(CHILD).is_ok_and(|name| name == test) {
        let lab = Lab {
            here: Host::current("here"),
            test: test.to_owned(),
        };
        probe(&lab);
        body(&lab);
        println!("{DONE_MARK}");
        return;
    }
    let outcome = match namespace::rerun(test, CHILD, limit) {
        Ok(outcome) => outcome,
        Err(error) if namespace::is_refusal(&error) => {
            let reason = format!(
                "this user may not make namespaces here \
                 (user.max_user_namespaces or a security module): {error}"
            );
            return skipped(test, &reason);
        }
        Err(error) => panic!("{test}: cannot run this test again in namespaces: {error}"),
    };
    print!("{}", outcome.output);
    // libtest's own words may stand before ours.
    let after = |mark: &str| {
        let (_, rest) = outcome.output.split_once(mark)?;
        rest.lines().next()
    };
    match outcome.exit {
        None => panic!("{test}: still running after {limit:?}"),
        Some(status) if status.code() == Some(SKIP_EXIT) => {
            skipped(test, after(SKIP_MARK).unwrap_or("no reason given"));
        }
        Some(status) => {
            assert!(
                status.success(),
                "{test}: failed in its namespaces: {status}"
            );
            assert!(
                after(DONE_MARK).is_some(),
                "{test}: no test of this path ran; give lab::run the full path of the test"
            );
        }
    }
}

/// Ends the running test as skipped, because only root may do what it needs. If
/// root runs it, that is as grave as with [`skip`].
pub fn skip_unless_root(reason: impl Display) -> ! {
    skip(format_args!("{ROOT_MARK}{reason}"))
}

/// Ends the running test as skipped, because it holds flowtop against a program
/// that is not here. Nothing of flowtop needs it, so that is never grave.
pub fn skip_without(program: &str) -> ! {
    skip(format_args!("{TOOL_MARK}{program}"))
}

/// Ends the running test as skipped, because this system lacks something it
/// needs.
pub fn skip(reason: impl Display) -> ! {
    println!("{SKIP_MARK}{reason}");
    process::exit(SKIP_EXIT)
}

/// Waits until `condition` holds.
///
/// # Panics
///
/// After five seconds, naming `what` was waited for.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < PATIENCE,
            "not within {} s: {what}",
            PATIENCE.as_secs()
        );
        thread::sleep(Duration::from_millis(2));
    }
}

/// Skips the test unless this kernel has what every laboratory needs:
/// ctnetlink, nftables with connection tracking, and IPv6.
fn probe(lab: &Lab) {
    if let Err(error) = lab.here().conntrack_statistics() {
        skip(format_args!("this kernel has no ctnetlink: {error}"));
    }
    if lab
        .here()
        .sysctl("net/netfilter/nf_conntrack_count")
        .is_none()
    {
        skip("this kernel has no nf_conntrack sysctls");
    }
    if lab.here().sysctl("net/ipv6/conf/all/forwarding").is_none() {
        skip("this kernel has no IPv6");
    }
    lab.here().track();
    lab.here().clear_rules();
}

/// Says that a test did not run. It goes around libtest's capture, so that
/// the line is seen although the test passes.
fn skipped(test: &str, reason: &str) {
    let is_root = fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    let is_excused = reason.starts_with(TOOL_MARK) || (reason.starts_with(ROOT_MARK) && !is_root);
    assert!(
        is_excused || env::var(REQUIRE).as_deref() != Ok("1"),
        "{test}: cannot run, and {REQUIRE}=1 wants it to: {reason}"
    );
    // Nothing is lost if standard error is closed.
    let _ = writeln!(io::stderr(), "SKIPPED {test}: {reason}");
}
