//! What `events` prints.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use flowtop::flow::{Counters, L4, Protocol};

use crate::lab::entries::Entry;
use crate::lab::traffic::{self, UdpService};
use crate::lab::{self, eventually};
use crate::notation::between;
use crate::program::{
    EVENTS, Record, Run, entries, exit_code, flowtop, get_stuck, kill, number, parse, string,
    switch_on,
};

#[test]
fn events_tell_birth_change_and_end_with_final_counters() {
    lab::run(
        "events::events_tell_birth_change_and_end_with_final_counters",
        |lab| {
            let net = lab.router();
            switch_on(&net.router);
            net.router.track();
            let mut run = Run::start(flowtop(&net.router, &["events", "-A", "-o", "json"]));
            let service = UdpService::bind(&net.server, "198.51.100.20:9");
            // Until the first is told it may not listen yet.
            eventually("it listens", || {
                traffic::ping(&net.client, "198.51.100.20", 1);
                net.router.flush_flows();
                run.lines.try_recv().is_ok()
            });
            let conversation = service.connect(&net.client);
            let port = conversation.client.local_addr().expect("bound").port();
            let ours = |event: &'static str| {
                move |record: &Record| {
                    string(record, "event") == event
                        && number(record, "orig_sport") == Some(port.into())
                }
            };
            conversation.request(100);
            let new = run.until(ours("new"));
            assert_eq!(string(&new, "proto"), "udp");
            assert_eq!(new.get("orig_bytes"), None, "a birth has no counters");
            conversation.exchange(100, 1000);
            let update = run.until(ours("update"));
            let status = update["status"].as_array().expect("a list");
            assert!(status.contains(&"seen_reply".into()), "{status:?}");
            net.router.flush_flows();
            let end = run.until(ours("end"));
            assert_eq!(string(&end, "end_reason"), "deleted");
            let count = |direction: &str| Counters {
                packets: number(&end, &format!("{direction}_packets")).expect("counted"),
                bytes: number(&end, &format!("{direction}_bytes")).expect("counted"),
            };
            let expected = |packets, bytes| Counters { packets, bytes };
            assert_eq!(count("orig"), expected(2, 2 * 128));
            assert_eq!(count("reply"), expected(1, 1028));
            assert!(end.contains_key("start") && end.contains_key("duration_secs"));
            run.signal(libc::SIGINT);
            assert_eq!(run.end(), Some(0));
            assert_eq!(run.rest(), Vec::<String>::new());
        },
    );
}

#[test]
fn events_keep_to_the_scope() {
    lab::run("events::events_keep_to_the_scope", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let mut run = Run::start(flowtop(here, &["events", "-6U", "-o", "json"]));
        let ports = |dst| L4::Ports { src: 1, dst };
        let wanted = between("2001:db8::1", "2001:db8::2", Protocol::UDP, ports(9));
        eventually("it listens", || {
            here.create_flows([
                Entry::numbered(1),
                Entry::new(between("10.0.0.1", "10.0.0.2", Protocol::UDP, ports(9))),
                Entry::new(between("::1", "::1", Protocol::UDP, ports(9))),
                Entry::new(between(
                    "2001:db8::1",
                    "2001:db8::2",
                    Protocol::TCP,
                    ports(9),
                )),
                Entry::new(wanted),
            ]);
            here.flush_flows();
            run.lines.try_recv().is_ok()
        });
        run.signal(libc::SIGTERM);
        assert!(run.end().is_some());
        for line in run.rest() {
            let record = parse(&line);
            assert_eq!(string(&record, "orig_src"), "2001:db8::1");
            assert_eq!(string(&record, "proto"), "udp");
        }
    });
}

#[test]
fn fault_09_lost_events_are_told_and_mended() {
    lab::run("events::fault_09_lost_events_are_told_and_mended", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        let args = ["events", "-o", "json", "--rcvbuf", "4k"];
        let mut child = flowtop(here, &args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let stdout = child.stdout.take().expect("piped");
        // Nobody reads, so that all queues are full in the end.
        get_stuck(here, &stdout);
        here.create_flows(entries(1000..31_000));
        let mut lines = BufReader::new(stdout).lines();
        let mut lost = None;
        while lost.is_none() {
            let line = lines.next().expect("a lost record").expect("UTF-8");
            let record = parse(&line);
            if string(&record, "event") == "lost" {
                assert_eq!(record.get("orig_src"), None);
                lost = number(&record, "count");
            }
        }
        assert!(lost > Some(0), "{lost:?}");
        // It goes on, and knows everything that there is.
        here.flush_flows();
        here.create_flows(entries(1_000_000..1_000_001));
        let reached = lines.any(|line| {
            let record = parse(&line.expect("UTF-8"));
            string(&record, "event") == "new" && string(&record, "orig_src") == "10.15.66.64"
        });
        assert!(reached);
        kill(&child, libc::SIGTERM);
        drop(lines);
        assert!(exit_code(&mut child).is_some());
    });
}
