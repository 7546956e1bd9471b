//! The laboratory's processes: each is what it was started as, and the sockets
//! it has are its own.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::fs;
use std::path::PathBuf;

use flowtop::flow::{Protocol, Status};
use lab::processes::{Echo, Group};
use lab::{Host, eventually};

fn namespace(process: &str) -> PathBuf {
    fs::read_link(format!("/proc/{process}/ns/net")).expect("a namespace")
}

#[test]
fn processes_are_what_they_were_started_as() {
    lab::run("processes_are_what_they_were_started_as", |lab| {
        let net = lab.router();
        let program = "a-rather-long-name";
        let server = lab.program(program).start(&net.server);
        let pid = server.pid();
        let of_server = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}")).expect("a running process")
        };
        assert_eq!(of_server("comm").trim_end(), &program[..15]);
        assert!(server.executable().ends_with(program));
        let exe = fs::read_link(format!("/proc/{pid}/exe")).expect("a link");
        assert_eq!(exe, server.executable());
        let name = namespace_of(&net.server);
        assert_eq!(namespace(&pid.to_string()), name);

        // The child has the socket, and the parent has not.
        let listener = server.listen("[::]:80");
        let client = lab.program("client").unprivileged().start(&net.client);
        let link = client.connect("198.51.100.20:80".parse().expect("an address"));
        let end = server.accept(&listener);
        assert_eq!(end.remote.map(|a| a.port()), Some(link.local.port()));
        client.send(&link, 100_000);
        server.receive(&end, 100_000);
        let child = server.leave_to_child(end);
        assert_eq!(
            (sockets(pid), sockets(child)),
            (2, 1),
            "the control and the listener"
        );
        server.reap(child);
        assert!(!fs::exists(format!("/proc/{child}")).expect("/proc"));

        assert_eq!(capabilities(client.pid()), "0000000000000000");
        let gone = client.pid();
        drop(client);
        assert!(!fs::exists(format!("/proc/{gone}")).expect("/proc"));
    });
}

fn namespace_of(host: &Host) -> PathBuf {
    host.enter(|| namespace("thread-self"))
}

/// How many sockets a process has open.
fn sockets(pid: u32) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("our process");
    let targets = descriptors.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// The effective capabilities of a process, in hexadecimal.
fn capabilities(pid: u32) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.expect("capabilities").trim().to_owned()
}

#[test]
fn a_process_has_the_user_and_the_group_it_was_given() {
    lab::run("a_process_has_the_user_and_the_group_it_was_given", |lab| {
        let group = Group::new(&format!("flowtop-{}/inner.scope", std::process::id()));
        let process = lab
            .program("daemon")
            .user(4321)
            .group(&group)
            .start(lab.here());
        let read = |file| {
            fs::read_to_string(format!("/proc/{}/{file}", process.pid())).expect("a process")
        };
        let status = read("status");
        assert!(status.contains("Uid:\t4321\t4321\t4321\t4321"), "{status}");
        assert_eq!(capabilities(process.pid()), "0000000000000000");
        let groups = read("cgroup");
        assert!(groups.contains("/inner.scope\n"), "{groups}");
    });
}

#[test]
fn a_process_id_can_be_used_again() {
    lab::run("a_process_id_can_be_used_again", |lab| {
        let parent = lab.program("parent").start(lab.here());
        let child = parent.leave_to_child(parent.bind("127.0.0.1:0"));
        parent.reap(child);
        match parent.leave_to_child_with_pid(parent.bind("127.0.0.1:0"), child) {
            Ok(again) => assert_eq!(again, child),
            Err(error) => lab::skip_unless_root(format_args!("choose process ids: {error}")),
        }
    });
}

#[test]
fn a_process_pings() {
    lab::run("a_process_pings", |lab| {
        lab.here().track();
        let process = lab.program("pinger").start(lab.here());
        process
            .ping(Echo::Raw, "127.0.0.1")
            .expect("root of this namespace");
        lab.here().set_sysctl("net/ipv4/ping_group_range", "0 0");
        process
            .ping(Echo::Ping, "127.0.0.1")
            .expect("its group may");
        eventually("both pings are tracked", || lab.here().flow_count() == 2);
        for flow in lab.here().flows() {
            assert_eq!(flow.orig.proto(), Protocol::ICMP);
            assert!(flow.status.has(Status::SEEN_REPLY), "{flow:?}");
        }
    });
}
