//! `flowtop doctor` and `--netns`, on the real kernel.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints spare test functions, but not what they call"
)]

mod lab;

use std::process::{self, Output};

use lab::Host;

const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");

/// What it says, and its exit code.
fn doctor(output: std::io::Result<Output>) -> (String, Option<i32>) {
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let said = String::from_utf8(output.stdout).unwrap();
    (said, output.status.code())
}

/// The line about something.
#[track_caller]
fn line<'a>(said: &'a str, what: &str) -> &'a str {
    let mut lines = said.lines();
    let found = lines.find(|line| line[6..].starts_with(what));
    found.unwrap_or_else(|| panic!("no {what}:\n{said}"))
}

#[test]
fn it_tells_what_is_missing_and_what_helps() {
    lab::run("it_tells_what_is_missing_and_what_helps", |lab| {
        let here = lab.here();
        let (said, code) = doctor(here.command(BINARY).arg("doctor").output());
        assert_eq!(code, Some(1), "{said}");
        assert!(line(&said, "connection tracking").starts_with("ok "));
        let rules = line(&said, "rules");
        assert!(
            rules.starts_with("no ") && rules.contains("--track"),
            "{rules}"
        );
        assert!(line(&said, "accounting").starts_with("note"));
        here.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        here.track();
        let (said, code) = doctor(here.command(BINARY).arg("doctor").output());
        assert_eq!(code, Some(0), "{said}");
        assert!(line(&said, "rules").starts_with("ok "));
        assert!(line(&said, "accounting").starts_with("ok "));
        assert!(line(&said, "sockets").contains(" tcp"));
        let (said, code) = doctor(here.unprivileged(BINARY).arg("doctor").output());
        assert_eq!(code, Some(1), "{said}");
        let reading = line(&said, "connection tracking");
        assert!(
            reading.starts_with("no ") && reading.contains("setcap"),
            "{reading}"
        );
    });
}

#[test]
fn another_namespace_is_looked_into_by_path_and_by_process() {
    let test = "another_namespace_is_looked_into_by_path_and_by_process";
    lab::run(test, |lab| {
        let other: Host = lab.host("other");
        other.track();
        let path = format!("/proc/{}/fd/{}", process::id(), other.namespace_fd());
        let run = |args: &[&str]| lab.here().command(BINARY).args(args).output().unwrap();
        assert_eq!(run(&["doctor"]).status.code(), Some(1));
        assert_eq!(run(&["doctor", "--netns", &path]).status.code(), Some(0));
        let mut child = other.command("sleep").arg("60").spawn().unwrap();
        let of_process = run(&["doctor", "--netns", &child.id().to_string()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(of_process.status.code(), Some(0));
        let output = run(&["list", "--netns", "/nonexistent/ns"]);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("--netns /nonexistent/ns"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");

        // Each says what is wrong with it.
        let own = format!("/proc/{}/ns/mnt", process::id());
        for (which, why) in [
            ("4294967295", "no process has this id"),
            (&own, "no file of a network namespace"),
            ("/proc/version", "no file of a network namespace"),
        ] {
            let output = run(&["list", "--netns", which]);
            assert_eq!(output.status.code(), Some(1), "{which}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(why), "{said}");
            assert!(!said.contains("root"), "{said}");
        }
        let mut command = lab.here().unprivileged(BINARY);
        let output = command.args(["list", "--netns", &path]).output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("it takes root"), "{said}");
    });
}
