//! `--track` and the key `E`: the kernel tracks connections for as long as
//! flowtop runs, and the ruleset is byte for byte as before whatever ends it.

#![expect(
    unsafe_code,
    reason = "signals and pseudo-terminals have no safe wrapper in std"
)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod pty;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::mem;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use flowtop::netlink::nftables::{self, TableError};
use flowtop::netlink::tracking::{Tracking, tracking};
use lab::entries::Entry;
use lab::traffic::{TcpService, UdpService};
use lab::{Host, Lab, Ruleset, eventually};
use pty::Session;

const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");
const OURS: &str = "flowtop";
const ACCT: &str = "net/netfilter/nf_conntrack_acct";

/// The program on a host, with nobody's configuration.
fn flowtop(host: &Host, args: &[&str]) -> Command {
    let mut command = host.command(BINARY);
    command
        .args(args)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

/// A host that tracks nothing, with or without rules of others, and its
/// ruleset.
fn bare(lab: &Lab, name: &str, is_filtered: bool) -> (Host, Ruleset) {
    let host = lab.host(name);
    if is_filtered {
        host.filter_without_states();
    }
    assert_eq!(host.enter(tracking), Tracking::Unwanted);
    let ruleset = host.ruleset();
    assert_eq!(ruleset.tables.len(), usize::from(is_filtered));
    (host, ruleset)
}

/// Waits until a host has these tables of ours, beside those of others.
fn wait_for_tables(host: &Host, ours: &[&str]) {
    eventually("the tables are there", || {
        let mut tables = host.ruleset().tables;
        tables.retain(|name| name != "lab");
        tables == ours
    });
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: kill(2) takes no pointers; the child has not been waited for.
    let result = unsafe { libc::kill(child.id() as i32, signal) };
    assert_eq!(result, 0);
}

/// Prints events until it is ended.
fn events(host: &Host) -> Child {
    let mut command = flowtop(host, &["events", "-A", "-o", "json", "--track"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

#[test]
fn every_signal_leaves_the_ruleset_as_it_was() {
    lab::run("every_signal_leaves_the_ruleset_as_it_was", |lab| {
        for is_filtered in [false, true] {
            let (host, before) = bare(lab, "bare", is_filtered);
            for number in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
                let mut child = events(&host);
                wait_for_tables(&host, &[OURS]);
                assert_eq!(host.enter(tracking), Tracking::Wanted);
                signal(&child, number);
                let status = child.wait().expect("a child");
                assert_eq!(status.code(), Some(0), "after signal {number}");
                assert_eq!(host.ruleset(), before, "after signal {number}");
                assert_eq!(host.enter(tracking), Tracking::Unwanted);
                assert_eq!(host.sysctl(ACCT).as_deref(), Some("0"));
            }
            let mut child = events(&host);
            wait_for_tables(&host, &[OURS]);
            child.kill().expect("a child");
            let status = child.wait().expect("a child");
            assert_eq!(status.signal(), Some(libc::SIGKILL));
            eventually("the kernel removes the table", || host.ruleset() == before);
            assert_eq!(host.enter(tracking), Tracking::Unwanted);
        }
    });
}

#[test]
fn failures_leave_the_ruleset_as_it_was() {
    lab::run("failures_leave_the_ruleset_as_it_was", |lab| {
        let (host, before) = bare(lab, "bare", true);
        // Nothing can be written.
        let full = OpenOptions::new().write(true).open("/dev/full");
        let mut command = flowtop(&host, &["list", "--count", "2", "-o", "csv", "--track"]);
        let status = command.stdout(full.expect("/dev/full")).status();
        assert_eq!(status.expect("it runs").code(), Some(1));
        assert_eq!(host.ruleset(), before);

        // Nobody reads, and it is stuck in writing: a second signal ends it.
        host.create_flows((0..3_000).map(Entry::numbered));
        let args = ["list", "--count", "2", "-A", "-o", "json", "--track"];
        let mut child = flowtop(&host, &args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        wait_for_tables(&host, &[OURS]);
        let mut pipe = child.stdout.take().expect("a pipe");
        pipe.read_exact(&mut [0]).expect("it has begun to write");
        signal(&child, libc::SIGTERM);
        let mut status = None;
        eventually("it ends", || {
            signal(&child, libc::SIGTERM);
            status = child.try_wait().expect("a child");
            status.is_some()
        });
        assert_eq!(status.and_then(|s| s.code()), Some(1));
        assert_eq!(host.ruleset(), before);
        assert_eq!(host.sysctl(ACCT).as_deref(), Some("0"));
    });
}

#[test]
fn flows_appear_that_nothing_else_has_tracked() {
    lab::run("flows_appear_that_nothing_else_has_tracked", |lab| {
        let net = lab.router();
        let before = net.router.ruleset();
        let tcp = TcpService::listen(&net.server, "198.51.100.20:443");
        let six = UdpService::bind(&net.server, "[2001:db8:2::20]:53");
        let args = ["list", "--count", "2", "-t", "3", "-A", "--track"];
        let mut command = flowtop(&net.router, &args);
        command.args(["-o", "csv", "--fields", "orig_dst,orig_dport,reply_bytes"]);
        let child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        wait_for_tables(&net.router, &[OURS]);
        let connection = tcp.connect(&net.client);
        connection.download(100_000);
        six.connect(&net.client).exchange(10, 20);
        let output = child.wait_with_output().expect("a child");
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("text");
        let bytes = |flow: &str| {
            // The first sample may have seen it begin.
            let mut samples = text.lines().filter_map(|line| line.strip_prefix(flow));
            samples
                .next_back()
                .and_then(|bytes| bytes.parse::<u64>().ok())
        };
        assert!(bytes("198.51.100.20,443,") > Some(100_000), "{text}");
        assert!(bytes("2001:db8:2::20,53,") > Some(20), "{text}");
        assert_eq!(net.router.ruleset(), before);
    });
}

#[test]
fn unasked_nothing_is_added() {
    lab::run("unasked_nothing_is_added", |lab| {
        let (host, before) = bare(lab, "bare", true);
        let mut child = flowtop(&host, &["list", "--count", "2", "-t", "0.3"])
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        while child.try_wait().expect("a child").is_none() {
            assert_eq!(host.ruleset(), before);
        }
        // One list is over before a rule could be of use.
        let output = flowtop(&host, &["list", "--track"]).output();
        let output = output.expect("it runs");
        assert!(output.status.success());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("--count 2"), "{said}");
        assert_eq!(host.ruleset(), before);
        // Where others need tracking, there is nothing to keep on.
        host.track();
        let before = host.ruleset();
        let mut child = flowtop(&host, &["list", "--count", "2", "-t", "0.3", "--track"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        while child.try_wait().expect("a child").is_none() {
            assert_eq!(host.ruleset(), before);
        }
        let mut said = String::new();
        let mut errors = child.stderr.take().expect("a pipe");
        errors.read_to_string(&mut said).expect("text");
        assert_eq!(said, "");
    });
}

#[test]
fn each_instance_keeps_tracking_on_by_itself() {
    lab::run("each_instance_keeps_tracking_on_by_itself", |lab| {
        let (host, before) = bare(lab, "bare", true);
        let mut first = events(&host);
        wait_for_tables(&host, &[OURS]);
        let mut second = events(&host);
        let its = format!("flowtop-{}", second.id());
        wait_for_tables(&host, &[OURS, &its]);
        signal(&first, libc::SIGTERM);
        assert!(first.wait().expect("a child").success());
        wait_for_tables(&host, &[&its]);
        assert_eq!(host.enter(tracking), Tracking::Wanted);
        // The name is free again.
        let mut third = events(&host);
        wait_for_tables(&host, &[&its, OURS]);
        for child in [&mut second, &mut third] {
            signal(child, libc::SIGTERM);
            assert!(child.wait().expect("a child").success());
        }
        assert_eq!(host.ruleset(), before);
    });
}

/// A process that has been.
fn gone() -> u32 {
    let mut child = Command::new(BINARY)
        .arg("--version")
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    child.wait().expect("a child");
    child.id()
}

#[test]
fn on_old_kernels_what_is_left_over_is_removed_by_the_next() {
    let test = "on_old_kernels_what_is_left_over_is_removed_by_the_next";
    lab::run(test, |lab| {
        let (host, before) = bare(lab, "bare", true);
        let add = |pid| {
            host.enter(move || nftables::add_unowned(pid))
                .unwrap_or_else(|e| panic!("{e}"))
        };
        // Removed in good order.
        let tracked = add(gone());
        assert_eq!(host.enter(tracking), Tracking::Wanted);
        drop(tracked);
        assert_eq!(host.ruleset(), before);
        add(gone()).remove().expect("it was there");
        assert_eq!(host.ruleset(), before);

        // Left over: one like ours, one that somebody has added to, one of a
        // process that runs. Our socket closes, and they stay.
        let leave = |pid| {
            let tracked = add(pid);
            let table = tracked.table().to_owned();
            mem::forget(tracked);
            table
        };
        let running = leave(std::process::id());
        let altered = leave(gone());
        host.add_to_chain(&altered, "input");
        let kept = host.ruleset();
        let left = leave(gone());
        assert_eq!(host.ruleset().tables, ["lab", &running, &altered, &left]);
        let mut child = events(&host);
        wait_for_tables(&host, &[&running, &altered, OURS]);
        signal(&child, libc::SIGTERM);
        assert!(child.wait().expect("a child").success());
        assert_eq!(host.ruleset(), kept);

        // The name is taken by what is not ours to remove.
        let Err(error) = host.enter(|| nftables::add_unowned(std::process::id())) else {
            panic!("the name is taken");
        };
        assert!(matches!(error, TableError::Taken { .. }), "{error}");
        // An exit that drops nothing.
        host.enter(nftables::remove_unowned).expect("it is there");
        assert_eq!(host.ruleset().tables, ["lab", &altered]);
    });
}

#[test]
fn a_table_of_that_name_is_left_alone() {
    lab::run("a_table_of_that_name_is_left_alone", |lab| {
        let (host, _) = bare(lab, "bare", false);
        let tracked = host.enter(nftables::add).expect("it can be added");
        assert_eq!(tracked.table(), OURS);
        // Nobody else may change it.
        let again = host.enter(nftables::add).expect("it can be added");
        assert_eq!(again.table(), format!("flowtop-{}", std::process::id()));
        let Err(error) = host.enter(nftables::add) else {
            panic!("both names are taken");
        };
        assert!(matches!(error, TableError::Taken { .. }), "{error}");
        assert!(host.enter(nftables::is_any_there).expect("it says"));
        host.enter(nftables::remove_unowned)
            .expect("it can be asked");
        assert_eq!(host.ruleset().tables.len(), 2);
        drop((tracked, again));
        assert!(!host.enter(nftables::is_any_there).expect("it says"));
        assert_eq!(host.ruleset().tables.len(), 0);
    });
}

#[test]
fn without_the_right_to_it_nothing_is_added() {
    lab::run("without_the_right_to_it_nothing_is_added", |lab| {
        let (host, before) = bare(lab, "bare", true);
        let mut command = host.unprivileged(BINARY);
        command
            .args(["list", "--count", "2", "-t", "0.1", "--track"])
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null());
        let output = command.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("CAP_NET_ADMIN"), "{said}");
        assert_eq!(host.ruleset(), before);
    });
}

#[test]
fn the_viewer_tracks_at_a_key_and_until_it_quits() {
    lab::run("the_viewer_tracks_at_a_key_and_until_it_quits", |lab| {
        let (host, before) = bare(lab, "bare", true);
        let args = ["-n", "-t", "0.2", "--loopback"];
        // Wide enough for the columns of bytes.
        let mut session = Session::start(flowtop(&host, &args), 140, 30);
        session.wait_for("E  track connections");
        assert_eq!(host.ruleset(), before);
        session.keys("E");
        session.wait_for("Tracking is on until flowtop exits.");
        wait_for_tables(&host, &[OURS]);
        session.keys("E");
        session.wait_for("Tracking is on already");
        session.wait_for("No flows yet.");
        let tcp = TcpService::listen(&host, "127.0.0.1:443");
        let connection = tcp.connect(&host);
        connection.download(1_000_000);
        session.wait_for("127.0.0.1");
        session.wait_for("1.00MB");
        session.keys("q");
        session.assert_clean_end();
        assert_eq!(host.ruleset(), before);
        assert_eq!(host.sysctl(ACCT).as_deref(), Some("0"));
    });
}

#[test]
fn the_viewer_tracks_from_the_start_and_until_a_signal() {
    let test = "the_viewer_tracks_from_the_start_and_until_a_signal";
    lab::run(test, |lab| {
        let (host, before) = bare(lab, "bare", false);
        for signal in [libc::SIGTERM, libc::SIGHUP] {
            let args = ["-n", "-t", "0.2", "--track"];
            let mut session = Session::start(flowtop(&host, &args), 100, 30);
            session.wait_for("No flows yet.");
            assert_eq!(host.ruleset().tables, [OURS]);
            session.signal(signal);
            session.assert_clean_end();
            assert_eq!(host.ruleset(), before, "after signal {signal}");
        }
    });
}

#[test]
fn events_tell_of_the_first_flow() {
    lab::run("events_tell_of_the_first_flow", |lab| {
        let (host, before) = bare(lab, "bare", false);
        let args = ["events", "-A", "--loopback", "-o", "json", "--track"];
        let mut child = flowtop(&host, &args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        wait_for_tables(&host, &[OURS]);
        let udp = UdpService::bind(&host, "127.0.0.1:53");
        udp.connect(&host).exchange(10, 20);
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        assert!(first.contains(r#""event":"new""#), "{first}");
        assert!(first.contains(r#""orig_dport":53"#), "{first}");
        signal(&child, libc::SIGINT);
        assert!(child.wait().expect("a child").success());
        assert_eq!(host.ruleset(), before);
    });
}
