//! Commands about one flow, run for real where the programs are installed: each
//! does what it says, to this flow and no other one.
#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not what they call"
)]

mod lab;

use std::io::Write;
use std::process::{Command, Output};

use flowtop::flow::{Key, L4, Moment, Origin, Protocol, Report, Tuple, Update};
use flowtop::table::{Flow, Table};
use flowtop::view::command;
use lab::Lab;
use lab::entries::{Entry, Seen};

/// Whether a program is there, and may be run, with a word if it is not.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        // Nothing is lost if standard error is closed.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {program} here");
    }
    there
}

fn sh(command: &str) -> Output {
    Command::new("sh").args(["-c", command]).output().unwrap()
}

/// The flow as the viewer has it.
fn flow(seen: &Seen) -> Flow {
    let key = Key {
        zone: seen.zone,
        orig: seen.orig,
    };
    let mut report = Report::about(key, Origin::Dumped);
    report.reply = Some(seen.reply);
    report.status = Some(seen.status);
    let mut table = Table::new();
    table.apply(&Update::Flow(report), Moment::default(), &mut |_| {});
    let (_, flow) = table.flows().next().unwrap();
    flow.clone()
}

fn tuple(src: &str, dst: &str, proto: Protocol, l4: L4) -> Tuple {
    Tuple::new(src.parse().unwrap(), dst.parse().unwrap(), proto, l4).unwrap()
}

/// Flows that are alike: what tells one from another is a port, an id, a zone,
/// or the protocol.
fn entries() -> Vec<Entry> {
    let ports = |src, dst| L4::Ports { src, dst };
    let v4 = |proto, l4| tuple("10.0.0.1", "198.51.100.7", proto, l4);
    let v6 = |proto, l4| tuple("fd00::1", "2001:db8::7", proto, l4);
    let ping = |kind, id| L4::Icmp { kind, code: 0, id };
    let outside = tuple(
        "198.51.100.7",
        "203.0.113.1",
        Protocol::TCP,
        ports(443, 6000),
    );
    let server = tuple("10.0.0.9", "192.0.2.8", Protocol::TCP, ports(8080, 7000));
    vec![
        Entry::new(v4(Protocol::TCP, ports(5000, 80))),
        Entry::new(v4(Protocol::TCP, ports(5000, 80))).zone(5),
        Entry::new(v4(Protocol::TCP, ports(5000, 80))).zone(6),
        Entry::new(v4(Protocol::TCP, ports(5001, 80))),
        // Their sources are rewritten; and a port of ours, forwarded.
        Entry::new(v4(Protocol::TCP, ports(5002, 443))).reply(outside),
        Entry::new(tuple(
            "192.0.2.8",
            "203.0.113.1",
            Protocol::TCP,
            ports(7000, 80),
        ))
        .reply(server),
        Entry::new(v4(Protocol::UDP, ports(5000, 80))),
        Entry::new(v4(Protocol::SCTP, ports(5000, 80))),
        Entry::new(v4(Protocol::ICMP, ping(8, 7))),
        Entry::new(v4(Protocol::ICMP, ping(8, 8))),
        Entry::new(v4(Protocol(50), L4::None)),
        Entry::new(v6(Protocol::TCP, ports(5000, 80))),
        Entry::new(v6(Protocol::UDP, ports(5000, 80))),
        Entry::new(v6(Protocol::ICMPV6, ping(128, 7))),
        Entry::new(v6(Protocol::ICMPV6, ping(128, 8))),
        Entry::new(v6(Protocol(50), L4::None)),
    ]
}

fn with_entries(lab: &Lab) -> Vec<Seen> {
    let here = lab.here();
    here.track();
    here.create_flows(entries());
    let seen = here.flows();
    assert_eq!(seen.len(), entries().len(), "{seen:#?}");
    seen
}

#[test]
fn conntrack_deletes_this_entry_and_no_other() {
    lab::run("conntrack_deletes_this_entry_and_no_other", |lab| {
        if !has("conntrack") {
            lab::skip_without("conntrack(8)");
        }
        let all = with_entries(lab);
        let names = |flows: &[Seen]| -> Vec<(u16, String)> {
            let mut names: Vec<_> = flows
                .iter()
                .map(|seen| (seen.zone, format!("{:?}", seen.orig)))
                .collect();
            names.sort();
            names
        };
        let mut left = names(&all);
        for seen in &all {
            let command = command::conntrack_delete(&flow(seen));
            let output = sh(&command);
            assert!(output.status.success(), "{command}: {output:?}");
            let name = (seen.zone, format!("{:?}", seen.orig));
            left.retain(|other| *other != name);
            assert_eq!(names(&lab.here().flows()), left, "{command}");
        }
    });
}

#[test]
fn nft_drops_the_host_and_can_be_undone() {
    lab::run("nft_drops_the_host_and_can_be_undone", |_| {
        if !has("nft") {
            lab::skip_without("nft(8)");
        }
        let rules = || {
            let output = sh("nft list ruleset");
            String::from_utf8(output.stdout).unwrap()
        };
        let before = rules();
        for host in ["198.51.100.7", "2001:db8::7"] {
            let command = command::nft_drop(host.parse().unwrap());
            let checked = sh(&command.replacen("nft ", "nft -c ", 1));
            assert!(checked.status.success(), "{command}: {checked:?}");
            let done = sh(&command);
            assert!(done.status.success(), "{command}: {done:?}");
        }
        let with = rules();
        for rule in [
            "ip saddr 198.51.100.7 drop",
            "ip daddr 198.51.100.7 drop",
            "ip6 saddr 2001:db8::7 drop",
            "ip6 daddr 2001:db8::7 drop",
        ] {
            assert!(with.contains(rule), "{rule}: {with}");
        }
        let undone = sh(&command::nft_undo());
        assert!(undone.status.success(), "{undone:?}");
        assert_eq!(rules(), before);
    });
}

#[test]
fn tcpdump_understands_every_filter() {
    lab::run("tcpdump_understands_every_filter", |lab| {
        if !has("tcpdump") {
            lab::skip_without("tcpdump(8)");
        }
        for seen in with_entries(lab) {
            let command = command::tcpdump(&flow(&seen));
            // Compiles the filter and prints what came of it.
            let compiled = sh(&command.replacen("-ni any", "-d -i lo", 1));
            assert!(compiled.status.success(), "{command}: {compiled:?}");
        }
    });
}
