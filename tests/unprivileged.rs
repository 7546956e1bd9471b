//! Where connections cannot be seen: for a user without any capability, and
//! for root where no rule has the kernel track them. flowtop shows the sockets
//! of the machine then, and everything it shows is held against sockets that
//! the test has made.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]
#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]

mod lab;
mod pty;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use lab::processes::{Process, Socket};
use lab::{Host, Lab, Network, eventually};
use pty::Session;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");

/// Who runs the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    /// Without any capability.
    Ordinary,
    Root,
}

const USERS: [User; 2] = [User::Ordinary, User::Root];

impl User {
    fn command(self, host: &Host, args: &[&str]) -> Command {
        let mut command = match self {
            Self::Ordinary => host.unprivileged(BINARY),
            Self::Root => host.command(BINARY),
        };
        command
            .args(args)
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("NO_COLOR")
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null());
        command
    }

    fn run(self, host: &Host, args: &[&str]) -> Output {
        self.command(host, args).output().expect("the program runs")
    }

    /// What it says of why there are only sockets, and of what would help.
    fn assert_hint(self, said: &str) {
        assert!(said.contains("only the sockets of this machine"), "{said}");
        let (reason, remedy) = match self {
            Self::Ordinary => ("CAP_NET_ADMIN", "sudo setcap cap_net_admin"),
            Self::Root => ("no rule", "--track"),
        };
        assert!(said.contains(reason), "{said}");
        assert!(said.contains(remedy), "{said}");
    }
}

type Record = serde_json::Map<String, Value>;

fn parse(line: &str) -> Record {
    match serde_json::from_str(line) {
        Ok(Value::Object(record)) => record,
        other => panic!("{line} is no object: {other:?}"),
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

const FIELDS: &str = "event,proto,state,status,direction,orig_src,orig_dst,orig_sport,orig_dport,\
     nat,orig_packets,orig_bytes,reply_packets,reply_bytes,counters,timeout_secs,mark,\
     pid,process,uid,user,owner_unknown,src_pid,dst_pid,rtt_us";

const LIST: [&str; 7] = ["list", "-A", "--loopback", "-o", "json", "--fields", FIELDS];

/// The flow of a record: protocol and both ends.
type Ends = (String, SocketAddr, SocketAddr);

fn ends(record: &Record) -> Ends {
    let end = |address: &str, port: &str| {
        let address = record[address].as_str().expect("an address");
        let port = record[port].as_u64().expect("a port");
        SocketAddr::new(address.parse().expect("an address"), port as u16)
    };
    let proto = record["proto"].as_str().expect("a protocol").to_owned();
    (
        proto,
        end("orig_src", "orig_sport"),
        end("orig_dst", "orig_dport"),
    )
}

/// What `list` shows, by flow.
fn listed(user: User, host: &Host, args: &[&str]) -> BTreeMap<Ends, Record> {
    let args = [&LIST, args].concat();
    let output = user.run(host, &args);
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    if !args.contains(&"sockets") {
        user.assert_hint(said);
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let mut flows = BTreeMap::new();
    for record in text(&output.stdout).lines().map(parse) {
        let ends = ends(&record);
        let twin = flows.insert(ends, record);
        assert_eq!(twin, None, "a flow is shown twice");
    }
    flows
}

/// A client of an ordinary user's, one of root's, and a server that the router
/// has on its other side.
struct Scene {
    net: Network,
    own: Process,
    others: Process,
    server: Process,
    listener: Socket,
}

impl Scene {
    fn new(lab: &Lab) -> Self {
        let net = lab.router();
        let own = lab.program("own").unprivileged().start(&net.client);
        let others = lab.program("others").start(&net.client);
        let server = lab.program("server").start(&net.server);
        let listener = server.listen("[::]:80");
        Self {
            net,
            own,
            others,
            server,
            listener,
        }
    }

    /// A connection of `client`, over which so many bytes went there and back.
    fn connect(&self, client: &Process, there: usize, back: usize) -> (Socket, Socket) {
        let link = client.connect("198.51.100.20:80".parse().expect("an address"));
        let end = self.server.accept(&self.listener);
        client.send(&link, there);
        self.server.receive(&end, there);
        self.server.send(&end, back);
        client.receive(&link, back);
        (link, end)
    }
}

fn flow(proto: &str, socket: &Socket) -> Ends {
    let remote = socket.remote.expect("it is connected");
    (proto.to_owned(), socket.local, remote)
}

#[test]
fn the_sockets_of_the_machine_are_listed_as_they_are() {
    lab::run("the_sockets_of_the_machine_are_listed_as_they_are", |lab| {
        let scene = Scene::new(lab);
        let (of_own, _end) = scene.connect(&scene.own, 30_000, 70_000);
        let (of_others, _end) = scene.connect(&scene.others, 1_000, 2_000);
        // No flows: nobody talks there.
        let _listener = scene.own.listen("[::]:8080");
        let _wildcard = scene.own.bind("0.0.0.0:5353");
        let talk = scene
            .own
            .talk("198.51.100.20:53".parse().expect("an address"));
        for user in USERS {
            // What was acknowledged last may be under way.
            eventually("all bytes are counted", || {
                let flows = listed(user, &scene.net.client, &[]);
                flows
                    .get(&flow("tcp", &of_own))
                    .is_some_and(|record| record["orig_bytes"].as_u64() >= Some(30_000))
            });
            let flows = listed(user, &scene.net.client, &[]);
            let expected = [
                flow("tcp", &of_others),
                flow("tcp", &of_own),
                flow("udp", &talk),
            ];
            let mut shown: Vec<_> = flows.keys().cloned().collect();
            let mut expected = expected.to_vec();
            shown.sort();
            expected.sort();
            assert_eq!(shown, expected, "as {user:?}");
            for (socket, there, back) in [(&of_own, 30_000, 70_000), (&of_others, 1_000, 2_000)] {
                let record = &flows[&flow("tcp", socket)];
                assert_eq!(record["state"], "established");
                assert_eq!(record["direction"], "out");
                assert_eq!(record["orig_bytes"], there, "{record:?}");
                assert_eq!(record["reply_bytes"], back, "{record:?}");
                assert_eq!(record["counters"], "sockets");
                assert!(record["rtt_us"].as_u64() > Some(0), "{record:?}");
                // Sockets know nothing of these.
                for key in ["nat", "timeout_secs", "mark"] {
                    assert_eq!(record.get(key), None, "{record:?}");
                }
            }
            // The kernel does not count what UDP sockets send.
            let record = &flows[&flow("udp", &talk)];
            assert_eq!(record["counters"], "none", "{record:?}");
            for key in ["orig_bytes", "reply_bytes", "orig_packets", "rtt_us"] {
                assert_eq!(record.get(key), None, "{record:?}");
            }
            for (ends, record) in &flows {
                let is_own = *ends != flow("tcp", &of_others);
                assert_owner(record, user, is_own, &scene);
            }
        }
    });
}

/// A process by its name, or the reason why it cannot be told; the user in any
/// case.
fn assert_owner(record: &Record, user: User, is_own: bool, scene: &Scene) {
    let process = if is_own { &scene.own } else { &scene.others };
    assert!(record["uid"].is_u64(), "{record:?}");
    if !is_own {
        assert_eq!(record["uid"], 0, "{record:?}");
    }
    if is_own || user == User::Root {
        assert_eq!(record["pid"], process.pid(), "{record:?}");
        assert_eq!(record["process"], process.name(), "{record:?}");
        assert_eq!(record.get("owner_unknown"), None, "{record:?}");
    } else {
        assert_eq!(record.get("pid"), None, "{record:?}");
        assert_eq!(record.get("process"), None, "{record:?}");
        assert_eq!(record["owner_unknown"], "no_permission", "{record:?}");
    }
}

#[test]
fn a_server_sees_who_came() {
    lab::run("a_server_sees_who_came", |lab| {
        let scene = Scene::new(lab);
        let (link, _end) = scene.connect(&scene.own, 3_000, 5_000);
        for user in USERS {
            let flows = listed(user, &scene.net.server, &[]);
            let [record] = &flows.values().collect::<Vec<_>>()[..] else {
                panic!("one flow expected: {flows:?}");
            };
            // The client is the source, although the socket is the server's.
            assert_eq!(ends(record), flow("tcp", &link));
            assert_eq!(record["direction"], "in");
            assert_eq!(record["orig_bytes"], 3_000, "{record:?}");
            assert_eq!(record["reply_bytes"], 5_000, "{record:?}");
        }
    });
}

#[test]
fn a_connection_within_the_machine_is_one_flow() {
    lab::run("a_connection_within_the_machine_is_one_flow", |lab| {
        let client = lab.program("client").unprivileged().start(lab.here());
        let server = lab.program("server").unprivileged().start(lab.here());
        for address in ["127.0.0.1:8080", "[::1]:8080"] {
            let listener = server.listen(address);
            let link = client.connect(listener.local);
            let end = server.accept(&listener);
            client.send(&link, 3_000);
            server.receive(&end, 3_000);
            server.close(listener);
        }
        for user in USERS {
            let flows = listed(user, lab.here(), &[]);
            assert_eq!(flows.len(), 2, "{flows:?}");
            for record in flows.values() {
                assert_eq!(record["direction"], "local");
                assert_eq!(record["src_pid"], client.pid());
                assert_eq!(record["dst_pid"], server.pid());
                assert_eq!(record["orig_dport"], 8080);
                assert_eq!(record["orig_bytes"], 3_000, "{record:?}");
                assert_eq!(record["reply_bytes"], 0, "{record:?}");
            }
        }
    });
}

/// The program, printing events.
struct Events {
    child: Child,
    records: Receiver<Record>,
}

impl Events {
    fn of(user: User, host: &Host) -> Self {
        let args = [&["events"], &LIST[1..]].concat();
        let mut command = user.command(host, &args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let said = child.stderr.take().expect("a pipe");
        let mut hint = String::new();
        BufReader::new(said).read_line(&mut hint).expect("UTF-8");
        user.assert_hint(&hint);
        let output = child.stdout.take().expect("a pipe");
        let (sender, records) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let record = parse(&line.expect("UTF-8"));
                if sender.send(record).is_err() {
                    return;
                }
            }
        });
        Self { child, records }
    }

    /// The next record of this event, if it comes in so many seconds.
    fn next(&self, event: &str, seconds: u64) -> Option<Record> {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let record = self.records.recv_timeout(left).ok()?;
            if record["event"] == event {
                return Some(record);
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn connections_begin_and_end() {
    lab::run("connections_begin_and_end", |lab| {
        for user in USERS {
            let scene = Scene::new(lab);
            let events = Events::of(user, &scene.net.client);
            // What is there when all sockets are first read has begun before,
            // and nobody says when that is.
            let mut links = Vec::new();
            let born = (0..60).find_map(|_| {
                links.push(scene.connect(&scene.own, 20_000, 40_000));
                events.next("new", 1)
            });
            let born = ends(&born.expect("a connection begins"));
            let is_born = |(link, _): &(Socket, Socket)| flow("tcp", link) == born;
            let at = links.iter().position(is_born).expect("one of ours");
            let (link, end) = links.remove(at);

            // Who closes first keeps the flow in TIME_WAIT.
            scene.server.close(end);
            scene.own.await_end(&link);
            scene.own.close(link);
            let ended = events.next("end", 20).expect("it ends");
            assert_eq!(ends(&ended), born);
            // All of it. The last word of a socket does not tell whether the
            // kernel counted the FIN, which it takes for a byte.
            assert_eq!(ended["orig_bytes"], 20_000, "{ended:?}");
            let back = ended["reply_bytes"].as_u64();
            assert!(matches!(back, Some(40_000 | 40_001)), "{ended:?}");
            assert_eq!(ended["process"], "own", "{ended:?}");

            // Of one that nobody has seen before there is a last word as well.
            let (link, end) = scene.connect(&scene.own, 1_000, 0);
            scene.server.close(end);
            scene.own.await_end(&link);
            scene.own.close(link);
            let ended = events.next("end", 20).expect("it ends");
            assert_eq!(ends(&ended), flow("tcp", &link));
            assert_eq!(ended["orig_bytes"], 1_000, "{ended:?}");
        }
    });
}

#[test]
fn the_viewer_says_what_it_shows_and_what_it_cannot() {
    lab::run("the_viewer_says_what_it_shows_and_what_it_cannot", |lab| {
        let scene = Scene::new(lab);
        let (_link, _end) = scene.connect(&scene.own, 300_000, 0);
        let (_link, _end) = scene.connect(&scene.others, 1_000, 0);
        for user in USERS {
            let command = user.command(&scene.net.client, &["-n", "-t", "0.2"]);
            let mut session = Session::start(command, 200, 30);
            session.wait_for("198.51.100.20");
            session.wait_for("own");
            session.wait_for(match user {
                User::Ordinary => "(no permission)",
                User::Root => "others",
            });
            let text = session.text();
            let title = text.lines().next().expect("a title");
            assert!(title.contains("sock"), "{text}");
            session.keys("q");
            session.assert_clean_end();
        }
    });
}

#[test]
fn a_source_that_is_asked_for_is_the_one_or_none() {
    lab::run("a_source_that_is_asked_for_is_the_one_or_none", |lab| {
        let scene = Scene::new(lab);
        let (link, _end) = scene.connect(&scene.own, 1_000, 0);
        let host = &scene.net.client;
        let args = [&LIST[..], &["--source", "conntrack"]].concat();
        let refused = User::Ordinary.run(host, &args);
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(4), "{said}");
        assert!(said.contains("sudo setcap cap_net_admin"), "{said}");
        assert_eq!(text(&refused.stdout), "");

        // Where connections are tracked, sockets are still to be had.
        host.track();
        for user in USERS {
            let flows = listed(user, host, &["--source", "sockets"]);
            let shown: Vec<_> = flows.keys().collect();
            assert_eq!(shown, [&flow("tcp", &link)]);
        }
    });
}
