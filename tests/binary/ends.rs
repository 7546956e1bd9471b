//! How it ends, and that the switches are then as before.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{ptr, thread};

use crate::lab::{self, eventually, traffic};
use crate::program::{
    ACCT, EVENTS, Run, TIMESTAMP, entries, exit_code, flowtop, get_stuck, kill, output, printed,
    records, switches, text,
};

#[test]
fn switches_are_on_while_it_runs_and_as_before_at_the_end() {
    lab::run(
        "ends::switches_are_on_while_it_runs_and_as_before_at_the_end",
        |lab| {
            let here = lab.here();
            for before in [["0", "0"], ["1", "0"], ["0", "1"], ["1", "1"]] {
                here.set_sysctl(ACCT, before[0]);
                here.set_sysctl(TIMESTAMP, before[1]);
                for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
                    for args in [&["events"][..], &["list", "--count", "100000"]] {
                        let mut run = Run::start(flowtop(here, args));
                        eventually("it is ready and both are on", || {
                            run.catches(signal) && switches(here) == ["1", "1"]
                        });
                        run.signal(signal);
                        assert_eq!(run.end(), Some(0), "{args:?} {signal}");
                        assert_eq!(switches(here), before, "{args:?} {signal}");
                    }
                }
                let samples = records(here, &["list", "--count", "2", "-t", "0.1"]);
                assert_eq!(samples.len(), 0);
                assert_eq!(switches(here), before);
            }
        },
    );
}

#[test]
fn switches_left_alone_stay_off() {
    lab::run("ends::switches_left_alone_stay_off", |lab| {
        let here = lab.here();
        here.track();
        let off = ["0", "0"];
        printed(here, &["list"]);
        assert_eq!(switches(here), off);
        let mut run = Run::start(flowtop(
            here,
            &["events", "--no-sysctl", "-A", "--loopback"],
        ));
        eventually("it listens", || {
            traffic::ping(here, "127.0.0.1", 1);
            here.flush_flows();
            assert_eq!(switches(here), off);
            run.lines.try_recv().is_ok()
        });
        run.signal(libc::SIGINT);
        assert_eq!(run.end(), Some(0));
        assert_eq!(switches(here), off);
    });
}

#[test]
fn a_closed_pipe_ends_it_quietly_and_restores() {
    lab::run("ends::a_closed_pipe_ends_it_quietly_and_restores", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..3000));
        for args in [
            &["list", "-o", "json"][..],
            &["list", "-o", "csv"],
            &["list"],
            &["list", "--count", "1000", "-t", "0.1"],
            &["events", "-o", "json"],
            &["fields"],
        ] {
            let mut child = flowtop(here, args)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the program runs");
            let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
            let is_events = args[0] == "events";
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                if is_events {
                    scope.spawn(|| {
                        let mut number = 10_000;
                        while !stop.load(Ordering::Relaxed) {
                            here.create_flows(entries(number..number + 1));
                            number += 1;
                            thread::sleep(Duration::from_millis(1));
                        }
                    });
                }
                let mut line = String::new();
                stdout.read_line(&mut line).expect("UTF-8");
                assert!(!line.is_empty(), "{args:?}");
                drop(stdout);
                let code = exit_code(&mut child);
                stop.store(true, Ordering::Relaxed);
                assert_eq!(code, Some(0), "{args:?}");
            });
            let mut said = String::new();
            let mut stderr = child.stderr.take().expect("piped");
            stderr.read_to_string(&mut said).expect("UTF-8");
            assert_eq!(said, "", "{args:?}");
            assert_eq!(switches(here), ["0", "0"], "{args:?}");
        }
    });
}

#[test]
fn a_write_error_is_told_and_restores() {
    lab::run("ends::a_write_error_is_told_and_restores", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..10));
        for args in [
            &["list"][..],
            &["list", "--count", "1000", "-t", "0.1"],
            &["fields"],
        ] {
            let full = OpenOptions::new().write(true).open("/dev/full");
            let mut command = flowtop(here, args);
            command.stdout(full.expect("every Linux has it"));
            let output = output(command);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
            assert!(said.contains("writing the output: No space left"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_eq!(switches(here), ["0", "0"], "{args:?}");
        }
    });
}

#[test]
fn a_pipe_that_nobody_reads_does_not_keep_it() {
    lab::run("ends::a_pipe_that_nobody_reads_does_not_keep_it", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let mut child = flowtop(here, &["events", "-o", "json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        get_stuck(here, &stdout);
        assert_eq!(switches(here), ["1", "1"]);
        kill(&child, libc::SIGTERM);
        assert_eq!(exit_code(&mut child), Some(1));
        assert_eq!(switches(here), ["0", "0"]);
        drop(stdout);
    });
}

#[test]
fn read_only_switches_are_a_warning() {
    lab::run("ends::read_only_switches_are_a_warning", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..3));
        mount_read_only("/proc/sys");
        let output = |args| output(flowtop(here, args));
        let several = output(&["list", "--count", "2", "-t", "0.1", "-o", "json"]);
        let said = text(&several.stderr);
        assert_eq!(several.status.code(), Some(0), "{said}");
        assert_eq!(text(&several.stdout).lines().count(), 6);
        assert_eq!(said.lines().count(), 2, "{said}");
        for (line, name) in said.lines().zip(["acct", "timestamp"]) {
            let name = format!("nf_conntrack_{name}");
            assert!(line.contains(&name), "{said}");
            assert!(line.contains("Read-only file system"), "{said}");
        }
        // Who does not touch them has nothing to warn of.
        for args in [
            &["list"][..],
            &["list", "--count", "2", "-t", "0.1", "--no-sysctl"],
        ] {
            let output = output(args);
            assert_eq!(output.status.code(), Some(0));
            assert_eq!(text(&output.stderr), "");
        }
    });
}

/// Makes a directory read-only for this mount namespace, which is the test's
/// own.
fn mount_read_only(path: &str) {
    let path = CString::new(path).expect("no NUL");
    for flags in [
        libc::MS_BIND | libc::MS_REC,
        libc::MS_BIND | libc::MS_REMOUNT | libc::MS_RDONLY,
    ] {
        // SAFETY: both paths are NUL-terminated, and null is allowed where
        // nothing is to be given.
        let result = unsafe {
            libc::mount(
                path.as_ptr(),
                path.as_ptr(),
                ptr::null(),
                flags,
                ptr::null(),
            )
        };
        if result != 0 {
            lab::skip(format_args!(
                "{path:?} cannot be made read-only: {}",
                std::io::Error::last_os_error()
            ));
        }
    }
}
