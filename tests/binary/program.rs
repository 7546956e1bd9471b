//! Runs the program and reads what it prints.

use std::io::{BufRead, BufReader};
use std::os::fd::AsRawFd;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use std::{fs, thread};

use serde_json::Value;

use crate::lab::entries::Entry;
use crate::lab::{Host, eventually};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");

pub(crate) const ACCT: &str = "net/netfilter/nf_conntrack_acct";

pub(crate) const TIMESTAMP: &str = "net/netfilter/nf_conntrack_timestamp";

pub(crate) const EVENTS: &str = "net/netfilter/nf_conntrack_events";

/// The program on a host, with nobody's configuration.
pub(crate) fn flowtop(host: &Host, args: &[&str]) -> Command {
    settle(host.command(BINARY), args)
}

pub(crate) fn settle(mut command: Command, args: &[&str]) -> Command {
    command
        // The flows of these tests are made by hand: no rule asks for tracking.
        .args(["--source", "conntrack"])
        .args(args)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command
}

pub(crate) fn output(mut command: Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {BINARY}: {e}"))
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// What the program prints when all goes well and nothing is to be said.
pub(crate) fn printed(host: &Host, args: &[&str]) -> String {
    let output = output(flowtop(host, args));
    let said = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    text(&output.stdout).to_owned()
}

pub(crate) type Record = serde_json::Map<String, Value>;

pub(crate) fn parse(line: &str) -> Record {
    match serde_json::from_str(line) {
        Ok(Value::Object(record)) => record,
        other => panic!("{line} is no object: {other:?}"),
    }
}

pub(crate) fn records(host: &Host, args: &[&str]) -> Vec<Record> {
    let args: Vec<_> = args.iter().copied().chain(["-o", "json"]).collect();
    printed(host, &args).lines().map(parse).collect()
}

pub(crate) fn string<'a>(record: &'a Record, key: &str) -> &'a str {
    record
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text {key} in {record:?}"))
}

pub(crate) fn number(record: &Record, key: &str) -> Option<u64> {
    record
        .get(key)
        .map(|value| value.as_u64().expect("a whole number"))
}

pub(crate) fn switch_on(host: &Host) {
    host.set_sysctl(ACCT, "1");
    host.set_sysctl(TIMESTAMP, "1");
    // Not 2, the default: what other tests do must not matter here.
    host.set_sysctl(EVENTS, "1");
}

pub(crate) fn switches(host: &Host) -> [String; 2] {
    [ACCT, TIMESTAMP].map(|key| host.sysctl(key).expect("this kernel has it"))
}

pub(crate) fn entries(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Entry> {
    numbers.map(Entry::numbered)
}

/// The program while it runs, with what it prints as lines.
pub(crate) struct Run {
    pub(crate) child: Child,
    pub(crate) lines: Receiver<String>,
}

impl Run {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {BINARY}: {e}"));
        let stdout = child.stdout.take().expect("piped");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                if sender.send(line.expect("UTF-8")).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    pub(crate) fn next_record(&mut self) -> Record {
        let mut record = None;
        eventually("a record is printed", || {
            record = self.lines.try_recv().ok();
            record.is_some()
        });
        parse(&record.expect("just seen"))
    }

    /// The next record that satisfies a condition.
    pub(crate) fn until(&mut self, condition: impl Fn(&Record) -> bool) -> Record {
        loop {
            let record = self.next_record();
            if condition(&record) {
                return record;
            }
        }
    }

    /// All lines until the end.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// Whether a signal would be handled rather than kill.
    pub(crate) fn catches(&self, signal: libc::c_int) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("our child");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.expect("a mask").trim(), 16);
        caught.expect("hexadecimal") >> (signal - 1) & 1 == 1
    }

    pub(crate) fn signal(&self, signal: libc::c_int) {
        kill(&self.child, signal);
    }

    /// Waits for the end. The exit code, `None` if a signal killed it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        exit_code(&mut self.child)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It fails for a child that has ended, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn kill(child: &Child, signal: libc::c_int) {
    // SAFETY: kill(2) takes numbers only, and the child has not been waited
    // for, so that its id is its own.
    let result = unsafe { libc::kill(child.id() as libc::pid_t, signal) };
    assert_eq!(result, 0);
}

pub(crate) fn exit_code(child: &mut Child) -> Option<i32> {
    let mut status = None;
    eventually("the program ends", || {
        status = child.try_wait().expect("our child");
        status.is_some()
    });
    status.expect("just seen").code()
}

/// Makes events until the program is stuck in writing to a pipe that nobody
/// reads.
pub(crate) fn get_stuck(host: &Host, pipe: &ChildStdout) {
    // SAFETY: F_GETPIPE_SZ takes no argument.
    let size = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_GETPIPE_SZ) };
    let mut before = 0;
    eventually("the pipe is full", || {
        host.create_flows(entries(0..200));
        host.flush_flows();
        thread::sleep(Duration::from_millis(20));
        // Each page of a full pipe is filled at least by half.
        let now = waiting(pipe);
        let stuck = now == before && now >= size / 2;
        before = now;
        stuck
    });
}

/// Bytes that wait in a pipe.
pub(crate) fn waiting(pipe: &ChildStdout) -> libc::c_int {
    let mut bytes = 0;
    // SAFETY: FIONREAD writes an int to where the pointer points.
    let result = unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut bytes) };
    assert_eq!(result, 0);
    bytes
}
