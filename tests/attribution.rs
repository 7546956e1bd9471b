//! Attribution against the kernel: sockets of this very process, in network
//! namespaces of the test.
#![allow(
    clippy::expect_used,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;

use flowtop::engine::Asker;
use flowtop::enrich::Knowledge;
use flowtop::enrich::locality::Locality;
use flowtop::enrich::owners::{Attributed, Attribution, Owner, Settings, Subject, Unknown};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Direction, Key, L4, Moment, Origin, Pair, Protocol, Report, TcpFigures, Tuple, Update,
};
use flowtop::table::Table;
use lab::traffic::TcpService;
use lab::{Host, eventually};

/// Somebody who asks and keeps the last answers.
struct Asked {
    attribution: Attribution,
    answers: HashMap<Key, Attributed>,
}

impl Asked {
    fn on(host: &Host) -> Self {
        let start = || Attribution::start(Settings::default(), || {});
        Self {
            attribution: host.enter(start).expect("it starts"),
            answers: HashMap::new(),
        }
    }

    fn begin(&self, subject: Subject) {
        assert!(self.attribution.begin(vec![subject]));
    }

    fn take(&mut self) {
        for answer in self.attribution.answers() {
            self.answers.insert(answer.key, answer);
        }
    }

    /// Waits until the answer is as wanted.
    fn until(&mut self, what: &str, key: Key, is_it: impl Fn(&Attributed) -> bool) -> Attributed {
        eventually(what, || {
            self.take();
            self.answers.get(&key).is_some_and(&is_it)
        });
        self.answers[&key].clone()
    }

    fn answer(&mut self, subject: Subject) -> Pair<Option<Owner>> {
        self.answers.remove(&subject.key);
        self.begin(subject);
        self.until("an answer", subject.key, |_| true).owners
    }
}

fn flow(proto: Protocol, from: SocketAddr, to: SocketAddr, direction: Direction) -> Subject {
    let ports = L4::Ports {
        src: from.port(),
        dst: to.port(),
    };
    let orig = Tuple::new(from.ip(), to.ip(), proto, ports).expect("one family");
    Subject {
        key: Key { zone: 0, orig },
        reply: orig.inverted(),
        direction,
    }
}

fn is_me(owner: Option<&Owner>) -> bool {
    owner.is_some_and(|owner| {
        let pid = owner.process.as_ref().map(|process| process.pid);
        pid == Ok(std::process::id())
    })
}

fn why(owner: Option<&Owner>) -> Option<Unknown> {
    owner.and_then(|owner| owner.process.as_ref().err().copied())
}

fn loopback_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
    let (server, _) = listener.accept().expect("it is connected");
    (client, server)
}

fn ends(socket: &TcpStream) -> (SocketAddr, SocketAddr) {
    let local = socket.local_addr().expect("connected");
    (local, socket.peer_addr().expect("connected"))
}

#[test]
fn both_ends_of_a_connection_are_of_this_process() {
    lab::run("both_ends_of_a_connection_are_of_this_process", |lab| {
        let (client, server) = loopback_pair();
        let (local, remote) = ends(&client);
        let subject = flow(Protocol::TCP, local, remote, Direction::Local);
        let mut asked = Asked::on(lab.here());
        let owners = asked.answer(subject);
        assert!(is_me(owners.orig.as_ref()), "{owners:?}");
        assert!(is_me(owners.reply.as_ref()), "{owners:?}");
        let owner = owners.orig.expect("just seen");
        let process = owner.process.clone().expect("just seen");
        let exe = std::env::current_exe().expect("it has one");
        assert_eq!(process.exe.as_deref(), exe.to_str());
        assert_eq!(
            Some(&*process.name),
            exe.file_name().and_then(|name| name.to_str())
        );
        assert_eq!(
            process.parents.first().map(|parent| parent.pid),
            Some(std::os::unix::process::parent_id())
        );
        assert_eq!(owner.namespace, None);
        assert!(owner.figures.is_some());

        // Its counters are payload, each way as the flow's.
        (&client).write_all(&[1; 1000]).expect("connected");
        (&server).read_exact(&mut [0; 1000]).expect("connected");
        (&server).write_all(&[1; 300]).expect("connected");
        (&client).read_exact(&mut [0; 300]).expect("connected");
        asked.attribution.refresh();
        let counted = asked.until("new figures", subject.key, |answer| {
            let bytes = answer.counters.map(Pair::bytes);
            bytes.is_some_and(|bytes| bytes.orig == 1000 && bytes.reply == 300)
        });
        assert!(is_me(counted.owners.orig.as_ref()));
    });
}

#[test]
fn many_connections_are_looked_at_together() {
    lab::run("many_connections_are_looked_at_together", |lab| {
        // Servers on sockets of IPv6, with which the clients speak IPv4.
        let listener = TcpListener::bind("[::]:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let connect = || {
            let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            (client, listener.accept().expect("it is connected").0)
        };
        let mut pairs: Vec<_> = (0..200).map(|_| connect()).collect();
        let of = |(client, _): &(TcpStream, TcpStream)| {
            let (local, remote) = ends(client);
            flow(Protocol::TCP, local, remote, Direction::Local)
        };
        let subjects: Vec<Subject> = pairs.iter().map(of).collect();
        let mut asked = Asked::on(lab.here());
        assert!(asked.attribution.begin(subjects.clone()));
        eventually("all answers", || {
            asked.take();
            asked.answers.len() == subjects.len()
        });

        // One goes, the others go on.
        drop(pairs.pop());
        for (client, server) in &mut pairs {
            client.write_all(&[1; 1000]).expect("connected");
            server.read_exact(&mut [0; 1000]).expect("connected");
        }
        for round in 0..3 {
            let refreshes = asked.attribution.progress().refreshes;
            asked.attribution.refresh();
            eventually("a refresh", || {
                asked.take();
                asked.attribution.progress().refreshes > refreshes
            });
            for subject in &subjects[..pairs.len()] {
                let is_counted = |answer: &Attributed| {
                    let bytes = answer.counters.map(|counters| counters.bytes().orig);
                    let sides = [&answer.owners.orig, &answer.owners.reply];
                    let figures = sides.map(|side| side.as_ref().and_then(|side| side.figures));
                    // Not only of the ends that were just asked about it.
                    let has = |figures: &Option<TcpFigures>| {
                        figures.is_some_and(|figures| figures.congestion.is_some())
                    };
                    bytes == Some(1000) && figures.iter().all(has)
                };
                let answer = asked.until("new figures", subject.key, is_counted);
                assert!(is_me(answer.owners.orig.as_ref()), "{round}: {answer:?}");
                assert!(is_me(answer.owners.reply.as_ref()), "{round}: {answer:?}");
            }
        }
        let gone = &asked.answers[&subjects[pairs.len()].key].owners;
        assert!(is_me(gone.orig.as_ref()), "it is not forgotten: {gone:?}");
    });
}

#[test]
fn the_counters_of_a_server_are_turned_round() {
    lab::run("the_counters_of_a_server_are_turned_round", |lab| {
        let net = lab.router();
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        connection.upload(5000);
        connection.download(200);
        let (remote, local) = ends(&connection.client);
        let mut asked = Asked::on(&net.server);
        let subject = flow(Protocol::TCP, remote, local, Direction::In);
        asked.begin(subject);
        let answer = asked.until("an answer", subject.key, |_| true);
        assert!(answer.owners.orig.is_none());
        assert!(is_me(answer.owners.reply.as_ref()));
        let bytes = answer.counters.expect("of TCP").bytes();
        assert_eq!((bytes.orig, bytes.reply), (5000, 200));
    });
}

#[test]
fn a_listener_and_what_is_left_of_a_socket_have_no_owner() {
    let name = "a_listener_and_what_is_left_of_a_socket_have_no_owner";
    lab::run(name, |lab| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("bound");
        let mut asked = Asked::on(lab.here());
        let nobody = SocketAddr::new(to.ip(), 9);
        let owners = asked.answer(flow(Protocol::TCP, nobody, to, Direction::In));
        assert_eq!(why(owners.reply.as_ref()), Some(Unknown::Gone));

        let (client, server) = loopback_pair();
        let (local, remote) = ends(&client);
        let subject = flow(Protocol::TCP, local, remote, Direction::Out);
        let before = asked.answer(subject);
        assert!(is_me(before.orig.as_ref()));
        drop(client);
        drop(server);
        let owners = Asked::on(lab.here()).answer(subject);
        assert_eq!(why(owners.orig.as_ref()), Some(Unknown::Gone), "too late");
        asked.attribution.refresh();
        let after = asked.answer(subject);
        assert!(is_me(after.orig.as_ref()), "it is not forgotten: {after:?}");
        // Until it has ended.
        assert!(asked.attribution.end(vec![subject.key]));
        let owners = asked.answer(subject);
        assert_eq!(why(owners.orig.as_ref()), Some(Unknown::Gone));
    });
}

#[test]
fn a_connection_that_nobody_has_accepted_is_the_listener_s() {
    let name = "a_connection_that_nobody_has_accepted_is_the_listener_s";
    lab::run(name, |lab| {
        let listener = TcpListener::bind("[::]:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let (local, remote) = ends(&client);
        let mut asked = Asked::on(lab.here());
        let owners = asked.answer(flow(Protocol::TCP, local, remote, Direction::In));
        assert!(is_me(owners.reply.as_ref()), "{owners:?}");
    });
}

#[test]
fn unconnected_sockets_of_udp_are_found() {
    lab::run("unconnected_sockets_of_udp_are_found", |lab| {
        let v6 = UdpSocket::bind("[::]:0").expect("a port");
        let port = v6.local_addr().expect("bound").port();
        let mut asked = Asked::on(lab.here());
        let at = |ip: &str, port| SocketAddr::new(ip.parse().expect("an address"), port);
        for (here, there) in [("127.0.0.1", "127.0.0.2"), ("::1", "2001:db8::1")] {
            let (here, there) = (at(here, port), at(there, 53));
            let owners = asked.answer(flow(Protocol::UDP, here, there, Direction::Out));
            assert!(is_me(owners.orig.as_ref()), "{owners:?}");
            let owners = asked.answer(flow(Protocol::UDP, there, here, Direction::In));
            assert!(is_me(owners.reply.as_ref()), "{owners:?}");
            assert!(owners.orig.is_none());
        }
        let other = at("127.0.0.1", port.wrapping_add(1).max(1));
        let owners = asked.answer(flow(
            Protocol::UDP,
            other,
            at("127.0.0.2", 53),
            Direction::Out,
        ));
        assert_eq!(why(owners.orig.as_ref()), Some(Unknown::Gone));
    });
}

#[test]
fn what_passes_through_is_nobody_s_unless_its_namespace_is_here() {
    let name = "what_passes_through_is_nobody_s_unless_its_namespace_is_here";
    lab::run(name, |lab| {
        let net = lab.router();
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        // Nothing but a process makes a namespace somebody's.
        let mut sleeper = net
            .client
            .command("sleep")
            .arg("60")
            .spawn()
            .expect("sleep");
        let connection = service.connect(&net.client);
        let (local, remote) = ends(&connection.client);
        let mut asked = Asked::on(&net.router);
        let subject = flow(Protocol::TCP, local, remote, Direction::Forward);
        let owners = asked.answer(subject);
        let _ = sleeper.kill();
        let _ = sleeper.wait();
        // The socket is of this process, the namespace of the sleeper.
        assert!(is_me(owners.orig.as_ref()), "{owners:?}");
        let owner = owners.orig.expect("just seen");
        assert_eq!(owner.namespace, Some(local.ip()));
        assert!(owners.reply.is_none(), "no process is there");
        let namespaced = asked.attribution.namespaced();
        assert!(namespaced.contains(&local.ip()), "{namespaced:?}");
        assert!(!namespaced.contains(&IpAddr::from([127, 0, 0, 1])));

        let stranger = SocketAddr::new([203, 0, 113, 9].into(), 1);
        let owners = asked.answer(flow(Protocol::TCP, stranger, remote, Direction::Forward));
        let forwarded = Some(Unknown::Forwarded);
        assert_eq!(why(owners.orig.as_ref()), forwarded);
        assert_eq!(why(owners.reply.as_ref()), forwarded);
    });
}

#[test]
fn a_protocol_that_the_kernel_speaks_is_the_kernel_s() {
    let name = "a_protocol_that_the_kernel_speaks_is_the_kernel_s";
    lab::run(name, |lab| {
        let here = std::net::Ipv4Addr::LOCALHOST;
        let ping = L4::Icmp {
            kind: 8,
            code: 0,
            id: 7,
        };
        let mut asked = Asked::on(lab.here());
        for (proto, l4) in [(Protocol::GRE, L4::None), (Protocol::ICMP, ping)] {
            let orig = Tuple::v4(here, here, proto, l4);
            let owners = asked.answer(Subject {
                key: Key { zone: 0, orig },
                reply: orig.inverted(),
                direction: Direction::In,
            });
            assert_eq!(why(owners.reply.as_ref()), Some(Unknown::Kernel));
        }
    });
}

/// As where the table is flushed under a connection that goes on.
#[test]
fn a_flow_that_ends_and_begins_at_once_is_asked_about_again() {
    let test = "a_flow_that_ends_and_begins_at_once_is_asked_about_again";
    lab::run(test, |lab| {
        let (client, _server) = loopback_pair();
        let (local, remote) = ends(&client);
        let subject = flow(Protocol::TCP, local, remote, Direction::Local);
        let start = || Attribution::start(Settings::default(), || {});
        let mut asker = Asker::new(lab.here().enter(start).expect("it starts"));
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        knowledge.set_locality(Arc::new(Locality::of([local.ip()], [])));
        let mut table = Table::new();
        for origins in [&[Origin::New][..], &[Origin::Destroyed, Origin::New]] {
            knowledge.forget(&subject.key);
            for origin in origins {
                let mut report = Report::about(subject.key, *origin);
                report.reply = Some(subject.reply);
                table.apply(&Update::Flow(report), Moment::default(), &mut |change| {
                    asker.note(&change, &knowledge);
                });
            }
            asker.send();
            eventually("an owner", || {
                asker.answers(&mut knowledge);
                knowledge.owners(&subject.key).is_some()
            });
        }
    });
}
