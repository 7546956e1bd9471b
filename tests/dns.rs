//! The resolver against nameservers on loopback that answer, deny, fail, stay
//! silent, and lie.

#![expect(clippy::unwrap_used, reason = "in a test, what fails should stop it")]

mod nameserver;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use flowtop::enrich::dns::{Lookup, Nameserver, PrivateRanges, Resolver, Settings};
use flowtop::enrich::names::{self, Answer, Source};
use nameserver::{Fake, asked, with_name, with_rcode, with_target};

/// Far more than anything here takes; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// No files of this machine, no haste, no limits that matter; one test each
/// cares for those.
fn settings(servers: &[&Fake]) -> Settings {
    Settings {
        nameservers: servers
            .iter()
            .map(|fake| Nameserver::new(fake.address))
            .collect(),
        resolv_conf: "/nonexistent".into(),
        per_sec: 1_000_000,
        burst: 1_000_000,
        deadline: Some(PATIENCE),
        local: names::Settings {
            table: HashMap::new(),
            leases: Vec::new(),
            hosts: "/nonexistent".into(),
        },
        ..Settings::default()
    }
}

/// A resolver and the signal that it has something to say.
struct Asker {
    resolver: Resolver,
    woken: Receiver<()>,
    answers: HashMap<IpAddr, Answer>,
}

impl Asker {
    fn start(settings: Settings) -> Self {
        let (wake, woken) = channel();
        let resolver = Resolver::start(settings, move || {
            let _ = wake.send(());
        });
        Self {
            resolver: resolver.unwrap(),
            woken,
            answers: HashMap::new(),
        }
    }

    /// Asks for `addrs` until `enough`.
    fn until(&mut self, addrs: &[IpAddr], mut enough: impl FnMut(&Self) -> bool) {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let missing: Vec<_> = addrs
                .iter()
                .copied()
                .filter(|addr| !self.answers.contains_key(addr))
                .collect();
            self.resolver.ask(&missing);
            let _ = self.woken.recv_timeout(Duration::from_millis(100));
            for answer in self.resolver.answers() {
                self.answers.insert(answer.addr, answer);
            }
            if enough(self) {
                return;
            }
            assert!(
                Instant::now() < give_up,
                "{:?} {:?}",
                self.answers,
                self.resolver.status()
            );
        }
    }

    /// The answers to all of `addrs`.
    fn all(&mut self, addrs: &[IpAddr]) -> Vec<Option<String>> {
        self.until(addrs, |this| {
            addrs.iter().all(|addr| this.answers.contains_key(addr))
        });
        let name = |addr| self.answers[addr].name.as_ref().map(ToString::to_string);
        addrs.iter().map(name).collect()
    }

    fn one(&mut self, addr: &str) -> Option<String> {
        self.all(&[ip(addr)]).remove(0)
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn public(range: std::ops::Range<u32>) -> Vec<IpAddr> {
    range
        .map(|n| IpAddr::from((0x0808_0000 + n).to_be_bytes()))
        .collect()
}

#[test]
fn names_arrive_and_are_not_asked_again() {
    let fake = Fake::naming();
    let mut asker = Asker::start(settings(&[&fake]));
    assert_eq!(asker.one("8.8.8.8").as_deref(), Some("n8.example"));
    assert_eq!(asker.answers[&ip("8.8.8.8")].source, Source::Dns);
    asker.answers.clear();
    let mapped = ip("::ffff:8.8.8.8");
    asker.until(&[mapped], |asker| {
        asker.answers.contains_key(&ip("8.8.8.8"))
    });
    assert_eq!(fake.asked_so_far(), [Ipv4Addr::new(8, 8, 8, 8)]);
    assert_eq!(asker.resolver.status().counters.asked, 1);
    assert_eq!(asker.resolver.status().counters.answered, 1);
}

#[test]
fn denial_and_failure_are_answers_too_and_are_remembered() {
    let fake = Fake::start(|query| {
        let rcode = if asked(query).octets()[3] == 1 { 3 } else { 2 };
        vec![with_rcode(query, rcode)]
    });
    let mut asker = Asker::start(settings(&[&fake]));
    let addrs = [ip("8.8.8.1"), ip("8.8.8.2")];
    assert_eq!(asker.all(&addrs), [None, None]);
    asker.answers.clear();
    assert_eq!(asker.all(&addrs), [None, None]);
    assert_eq!(fake.asked_so_far().len(), 2);
    let counters = asker.resolver.status().counters;
    assert_eq!(
        (counters.negative, counters.failed, counters.unanswered),
        (1, 1, 0)
    );
    assert!(asker.resolver.status().problem().is_none());
}

#[test]
fn lies_are_ignored_until_the_truth_arrives() {
    let fake = Fake::start(|query| {
        let truth = with_name(query, &[b"true"]);
        let mut wrong_id = with_name(query, &[b"lie"]);
        wrong_id[0] ^= 1;
        let mut wrong_question = with_name(query, &[b"lie"]);
        wrong_question[13] ^= 1;
        let echo = query.to_vec();
        vec![
            vec![],
            vec![0; 11],
            echo,
            wrong_id,
            wrong_question,
            truth.clone(),
            truth,
        ]
    });
    let mut asker = Asker::start(settings(&[&fake]));
    assert_eq!(asker.one("8.8.8.8").as_deref(), Some("true"));
    asker.until(&[], |asker| asker.resolver.status().counters.ignored == 6);
    assert_eq!(asker.resolver.status().counters.answered, 1);
}

#[test]
fn broken_replies_fail_and_hostile_names_are_defused() {
    let fake = Fake::start(|query| {
        let record = query.len() as u8 + 12;
        let long = [&[63][..], &[b'x'; 63]].concat().repeat(5);
        vec![match asked(query).octets()[3] {
            1 => with_target(query, &[0xc0, record]),
            2 => with_target(query, &[1, b'a', 0xc0, record]),
            3 => with_target(query, &[long, vec![0]].concat()),
            4 => with_name(query, &[b"\x1b]0;owned\x07\x1b[2J", b"example"]),
            5 => {
                let mut reply = with_rcode(query, 0);
                reply[2] |= 2;
                reply
            }
            _ => {
                let mut reply = with_name(query, &[b"short", b"example"]);
                reply[2] |= 2;
                reply
            }
        }]
    });
    let mut asker = Asker::start(settings(&[&fake]));
    let addrs: Vec<_> = (1..=6).map(|n| IpAddr::from([8, 8, 8, n])).collect();
    let names = asker.all(&addrs);
    let names: Vec<_> = names.iter().map(Option::as_deref).collect();
    assert_eq!(
        names,
        [
            None,
            None,
            None,
            Some("\\027]0;owned\\007\\027[2J.example"),
            None,
            Some("short.example")
        ]
    );
    assert_eq!(asker.resolver.status().counters.failed, 4);
}

#[test]
fn ten_thousand_addresses_do_not_flood() {
    let fake = Fake::naming();
    let start = Instant::now();
    let mut asker = Asker::start(Settings {
        per_sec: 100,
        burst: 20,
        ..settings(&[&fake])
    });
    let addrs = public(0..10_000);
    asker.until(&addrs, |asker| asker.answers.len() >= 60);
    let left = fake.asked_so_far().len() as f64;
    let most = 20.0 + 100.0 * start.elapsed().as_secs_f64();
    assert!(left <= most, "{left} queries left, {most} may");
    assert!(asker.resolver.status().counters.queued <= 256);
}

#[test]
fn at_most_sixteen_are_on_their_way() {
    let fake = Fake::silent();
    let mut asker = Asker::start(settings(&[&fake]));
    let addrs = public(0..10_000);
    asker.until(&addrs, |asker| {
        asker.resolver.status().counters.in_flight == 16
    });
    // Whatever else it was going to send, it would send while it handles this.
    asker.until(&addrs[..300], |asker| {
        asker.resolver.status().counters.queued == 256
    });
    assert_eq!(asker.resolver.status().counters.in_flight, 16);
    assert_eq!(asker.resolver.status().counters.asked, 16);
    assert!(fake.asked_so_far().len() <= 16);
}

#[test]
fn a_silent_resolver_is_paused_and_named() {
    let fake = Fake::silent();
    let mut asker = Asker::start(Settings {
        deadline: Some(Duration::from_millis(20)),
        attempts: Some(1),
        ..settings(&[&fake])
    });
    let before = asker.resolver.own_sockets().to_vec();
    asker.until(&public(0..200), |asker| {
        asker.resolver.status().problem().is_some()
    });
    let problem = asker.resolver.status().problem().unwrap().to_string();
    assert_eq!(problem, format!("resolver {} not answering", fake.address));
    asker.until(&public(0..200), |asker| {
        asker.resolver.status().counters.in_flight == 0
    });
    let counters = asker.resolver.status().counters;
    assert!((10..=25).contains(&counters.asked), "{counters:?}");
    assert!(counters.queued > 0, "the rest waits");
    let after = asker.resolver.own_sockets();
    assert!(
        after.contains(&before[0]),
        "the kernel still tracks the old socket's flow"
    );
    assert_eq!(after.len(), 2, "and a new one is there");
}

#[test]
fn a_closed_port_is_noticed_without_waiting() {
    let address = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap();
    let mut asker = Asker::start(Settings {
        nameservers: vec![Nameserver::new(address)],
        ..settings(&[])
    });
    assert_eq!(asker.one("8.8.8.8"), None);
    assert_eq!(asker.resolver.status().counters.unanswered, 2);
}

#[test]
fn the_second_nameserver_answers_for_the_first() {
    let silent = Fake::silent();
    let failing = Fake::start(|query| vec![with_rcode(query, 2)]);
    for first in [&silent, &failing] {
        let second = Fake::naming();
        let mut asker = Asker::start(Settings {
            deadline: Some(Duration::from_secs(3)),
            ..settings(&[first, &second])
        });
        assert_eq!(asker.one("8.8.8.8").as_deref(), Some("n8.example"));
        assert_eq!(first.asked_so_far().len(), 1);
        assert_eq!(second.asked_so_far().len(), 1);
    }
}

#[test]
fn private_addresses_are_not_told_to_a_public_resolver() {
    let private: Vec<_> = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"]
        .map(ip)
        .into();
    let nowhere: Vec<_> = [
        "127.0.0.1",
        "169.254.0.1",
        "192.0.2.1",
        "224.0.0.1",
        "::1",
        "fe80::1",
    ]
    .map(ip)
    .into();
    let everything = [&private[..], &nowhere, &public(1..2)].concat();
    let run = |is_local, private| {
        let fake = Fake::naming();
        let nameservers = vec![Nameserver {
            address: fake.address,
            is_local,
        }];
        let mut asker = Asker::start(Settings {
            nameservers,
            private,
            ..settings(&[])
        });
        asker.all(&everything);
        fake.asked_so_far()
            .into_iter()
            .map(IpAddr::from)
            .collect::<HashSet<_>>()
    };
    let only_public = HashSet::from_iter(public(1..2));
    let with_private = only_public.iter().chain(&private).copied().collect();
    assert_eq!(run(false, PrivateRanges::LocalServers), only_public);
    assert_eq!(run(true, PrivateRanges::Never), only_public);
    assert_eq!(run(true, PrivateRanges::LocalServers), with_private);
    assert_eq!(run(false, PrivateRanges::AnyServer), with_private);
}

#[test]
fn two_hundred_names_use_one_socket_which_is_known() {
    let fake = Fake::naming();
    let mut asker = Asker::start(settings(&[&fake]));
    let own = asker.resolver.own_sockets().to_vec();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].server, fake.address);
    let names = asker.all(&public(0..200));
    assert!(names.iter().all(Option::is_some));
    let queries: Vec<_> = fake.queries.try_iter().collect();
    assert_eq!(queries.len(), 200);
    assert!(queries.iter().all(|(_, from)| *from == own[0].local));
    assert_eq!(asker.resolver.own_sockets(), own);
    let ids: HashSet<_> = queries
        .iter()
        .map(|(query, _)| [query[0], query[1]])
        .collect();
    assert!(ids.len() > 150, "ids are drawn, not counted or fixed");
}

/// A directory of its own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("flowtop-dns-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_is_known_here_is_not_asked_elsewhere() {
    let dir = Scratch::new();
    let fake = Fake::naming();
    let local = names::Settings {
        table: HashMap::from([(ip("8.8.8.1"), "mine".into())]),
        leases: vec![dir.put("leases", "0 m 8.8.8.1 no *\n0 m 8.8.8.2 phone *\n")],
        hosts: dir.put("hosts", "127.0.0.1 localhost\n8.8.8.2 no\n8.8.8.3 host\n"),
    };
    let mut asker = Asker::start(Settings {
        local,
        ..settings(&[&fake])
    });
    let addrs = ["8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4", "127.0.0.1"].map(ip);
    let names = asker.all(&addrs);
    let names: Vec<_> = names.iter().map(Option::as_deref).collect();
    let expected = ["mine", "phone", "host", "n4.example", "localhost"];
    assert_eq!(names, expected.map(Some));
    let sources = addrs.map(|addr| asker.answers[&addr].source);
    assert_eq!(
        sources,
        [
            Source::Config,
            Source::Lease,
            Source::Hosts,
            Source::Dns,
            Source::Hosts
        ]
    );
    assert_eq!(fake.asked_so_far(), [Ipv4Addr::new(8, 8, 8, 4)]);
}

#[test]
fn lookups_off_means_local_names_only() {
    let dir = Scratch::new();
    let fake = Fake::naming();
    let mut asker = Asker::start(Settings {
        lookup: Lookup::Off,
        local: names::Settings {
            hosts: dir.put("hosts", "8.8.8.8 host\n"),
            ..settings(&[]).local
        },
        ..settings(&[&fake])
    });
    assert_eq!(
        asker.all(&[ip("8.8.8.8"), ip("8.8.4.4")]),
        [Some("host".into()), None]
    );
    assert_eq!(asker.resolver.own_sockets(), []);
    assert!(fake.asked_so_far().is_empty());
}

#[test]
fn nameservers_come_from_resolv_conf() {
    let dir = Scratch::new();
    let resolv_conf = dir.put("resolv.conf", "nameserver 127.1.2.3\nnameserver ::1\n");
    let asker = Asker::start(Settings {
        resolv_conf,
        ..settings(&[])
    });
    let servers: Vec<_> = asker
        .resolver
        .own_sockets()
        .iter()
        .map(|own| own.server.to_string())
        .collect();
    // A machine without IPv6 has no way to the second.
    assert!(
        servers == ["127.1.2.3:53", "[::1]:53"] || servers == ["127.1.2.3:53"],
        "{servers:?}"
    );
}

#[test]
fn libc_answers_where_it_is_asked_to() {
    let mut asker = Asker::start(Settings {
        lookup: Lookup::System,
        ..settings(&[])
    });
    // Nobody may be asked about these, so libc is not, and nothing leaves.
    assert_eq!(asker.all(&[ip("192.0.2.1"), ip("127.0.0.1")]), [None, None]);
    assert_eq!(asker.resolver.own_sockets(), []);
    assert_eq!(asker.resolver.status().counters.asked, 0);
}

#[test]
fn asking_never_waits_even_if_nobody_reads() {
    let fake = Fake::naming();
    let resolver = Resolver::start(settings(&[&fake]), || {}).unwrap();
    // Nobody takes answers: the reports fill up, the questions are dropped, and
    // this ends.
    for n in 0..5_000 {
        resolver.ask(&public(n..n + 50));
    }
}

#[test]
fn a_dropped_resolver_closes_its_socket() {
    let fake = Fake::naming();
    let mut asker = Asker::start(settings(&[&fake]));
    asker.one("8.8.8.8");
    let local = asker.resolver.own_sockets()[0].local;
    drop(asker);
    let give_up = Instant::now() + PATIENCE;
    while UdpSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, local.port()))).is_err() {
        assert!(Instant::now() < give_up, "the port is still taken");
        thread::sleep(Duration::from_millis(10));
    }
}
