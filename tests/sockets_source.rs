//! The sockets of a machine as flows: real sockets, where no rule asks for
//! connection tracking, become rows of the table.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod watch;

use std::env;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use flowtop::collect::{Clock, Delivery, Inquiry, Settings, Sockets, Source, SourceKind};
use flowtop::flow::{Counters, Family, Key, L4, Pair, Protocol, State, Status, Tuple};
use flowtop::table::{CountedBy, EndReason, Flow};
use lab::traffic::{TcpService, UdpService};
use lab::{Host, Lab, eventually};
use watch::{DUMPS, LISTEN, Told, Watch};

const TCP: Protocol = Protocol::TCP;
const UDP: Protocol = Protocol::UDP;

/// The flow that this client began.
fn key(proto: Protocol, from: SocketAddr, to: SocketAddr) -> Key {
    let l4 = L4::Ports {
        src: from.port(),
        dst: to.port(),
    };
    let (src, dst) = (from.ip().to_canonical(), to.ip().to_canonical());
    let orig = Tuple::new(src, dst, proto, l4).expect("one family");
    Key { zone: 0, orig }
}

fn began(client: &TcpStream) -> Key {
    let from = client.local_addr().expect("connected");
    key(TCP, from, client.peer_addr().expect("connected"))
}

fn row(watch: &Watch<Sockets>, key: Key) -> &Flow {
    let mut rows = watch.table.flows().map(|(_, flow)| flow);
    let found = rows.find(|flow| *flow.key() == key);
    found.unwrap_or_else(|| panic!("no row {key:?}"))
}

/// The only row.
fn only(watch: &Watch<Sockets>, key: Key) -> &Flow {
    let keys: Vec<_> = watch.table.flows().map(|(_, flow)| *flow.key()).collect();
    assert_eq!(keys, [key]);
    row(watch, key)
}

fn bytes(flow: &Flow) -> Option<(u64, u64)> {
    let counters = flow.counters()?.bytes();
    Some((counters.orig, counters.reply))
}

fn totals(watch: &Watch<Sockets>) -> (u64, u64) {
    let totals = watch.table.totals();
    let bytes = totals
        .within(flowtop::flow::Scope::EVERYTHING)
        .counters
        .bytes();
    (bytes.orig, bytes.reply)
}

/// Two hosts on one cable, and no rule on either.
fn two_hosts(lab: &Lab) -> (Host, Host) {
    let (left, right) = (lab.host("left"), lab.host("right"));
    lab.cable(
        lab::End {
            host: &left,
            interface: "eth0",
            addresses: &["192.0.2.1/24", "2001:db8::1/64"],
        },
        lab::End {
            host: &right,
            interface: "eth0",
            addresses: &["192.0.2.2/24", "2001:db8::2/64"],
        },
    );
    (left, right)
}

#[test]
fn a_connection_is_the_same_flow_at_both_ends() {
    lab::run("a_connection_is_the_same_flow_at_both_ends", |lab| {
        for address in ["192.0.2.2:443", "[2001:db8::2]:443"] {
            let (left, right) = two_hosts(lab);
            let mut near = Watch::sockets(&left, LISTEN);
            let mut far = Watch::sockets(&right, LISTEN);
            let service = TcpService::listen(&right, address);
            for watch in [&mut near, &mut far] {
                watch.refresh();
                assert!(watch.table.is_empty(), "a listener is no flow");
                watch.sleep(Duration::from_secs(1));
            }

            let connection = service.connect(&left);
            let flow = began(&connection.client);
            connection.upload(5000);
            connection.download(70_000);
            for watch in [&mut near, &mut far] {
                watch.refresh();
                let row = only(watch, flow);
                assert_eq!(row.state(), Some(State::TCP_ESTABLISHED));
                assert_eq!(row.status(), Some(Status::SEEN_REPLY));
                assert_eq!(row.counted_by(), CountedBy::Socket);
                assert_eq!(bytes(row), Some((5000, 70_000)));
                assert_eq!(row.nat(), None);
                assert!(row.id().is_some());
                // Born since the last dump, so all of it is news.
                assert_eq!(totals(watch), (5000, 70_000));
                assert_eq!(watch.born().count(), 1);
                watch.sleep(Duration::from_secs(1));
            }
            connection.upload(100_000);
            for watch in [&mut near, &mut far] {
                watch.refresh();
                let row = only(watch, flow);
                assert_eq!(bytes(row), Some((105_000, 70_000)));
                let rate = row.bytes_per_sec().expect("two readings");
                assert!((1..=100_000).contains(&rate.orig), "{rate:?}");
                assert_eq!(rate.reply, 0);
                let packets = row.counters().expect("counters").map(|c| c.packets);
                assert!(packets.orig > 5 && packets.reply > 5, "{packets:?}");
            }
            // The listener goes, the flow keeps its direction.
            drop(service);
            far.refresh();
            assert_eq!(bytes(only(&far, flow)), Some((105_000, 70_000)));

            connection.close();
            // The client's end waits, the server's is over.
            far.until("the server's socket goes", |watch| watch.table.is_empty());
            let end = far.ended().last().expect("an end");
            assert_eq!(end.end_reason(), Some(EndReason::Closed));
            assert_eq!(end.key(), &flow);
            assert_eq!(end.counted_by(), CountedBy::Socket);
            let (up, down) = bytes(end).expect("final counters");
            // Nothing told the server's end that the client had closed.
            assert!((105_000..=105_001).contains(&up), "{up}");
            assert_eq!(down, 70_000);

            near.until("the client's socket goes", |watch| {
                row(watch, flow).state() == Some(State::TCP_TIME_WAIT)
            });
            near.refresh();
            let waits = only(&near, flow);
            assert_eq!(waits.state(), Some(State::TCP_TIME_WAIT));
            assert_eq!(bytes(waits), Some((105_000, 70_000)), "the last known");
            assert_eq!(totals(&near), (105_000, 70_000));
            assert_eq!(near.ended().count(), 0);
        }
    });
}

#[test]
fn what_is_left_of_a_flow_ends_once() {
    lab::run("what_is_left_of_a_flow_ends_once", |lab| {
        let (left, right) = two_hosts(lab);
        // FIN_WAIT2 without a process lasts so many seconds, and TIME_WAIT a minute.
        left.set_sysctl("net/ipv4/tcp_fin_timeout", "1");
        let service = TcpService::listen(&right, "192.0.2.2:80");
        let mut near = Watch::sockets(&left, LISTEN);
        near.refresh();
        let connection = service.connect(&left);
        let flow = began(&connection.client);
        connection.echo(1000);
        drop(connection.client);
        near.until("the client's socket goes", |watch| {
            watch.told.iter().any(|told| matches!(told, Told::Born(_)))
        });
        assert_eq!(row(&near, flow).state().map(State::number), Some(4));
        near.refresh();
        assert_eq!(bytes(only(&near, flow)), Some((1000, 1000)));
        eventually("the kernel forgets it", || {
            near.refresh();
            near.table.is_empty()
        });
        let ends: Vec<_> = near.ended().collect();
        assert_eq!(ends.len(), 1);
        assert_eq!(ends[0].end_reason(), Some(EndReason::Closed));
        assert_eq!(bytes(ends[0]), Some((1000, 1000)));
        assert_eq!(totals(&near), (1000, 1000));
        assert_eq!(near.born().count(), 1);
    });
}

#[test]
fn a_flow_within_one_host_is_one_flow() {
    lab::run("a_flow_within_one_host_is_one_flow", |lab| {
        for address in ["127.0.0.1:0", "[::1]:0", "[::]:0"] {
            let host = lab.host("alone");
            host.enter(|| within_one_host(&host, address));
        }
    });
}

fn within_one_host(host: &Host, address: &str) {
    let mut watch = Watch::sockets(host, LISTEN);
    watch.refresh();
    let listener = TcpListener::bind(address).expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let to = match address {
        "[::]:0" => SocketAddr::from(([127, 0, 0, 1], port)),
        _ => listener.local_addr().expect("bound"),
    };
    let mut client = TcpStream::connect(to).expect("somebody listens");
    let (mut server, _) = listener.accept().expect("a client");
    let flow = began(&client);
    client.write_all(&[1; 300]).expect("connected");
    server.read_exact(&mut [0; 300]).expect("connected");
    server.write_all(&[1; 4000]).expect("connected");
    client.read_exact(&mut [0; 4000]).expect("connected");
    watch.refresh();
    assert_eq!(bytes(only(&watch, flow)), Some((300, 4000)));
    watch.get(&[flow]);
    assert_eq!(bytes(only(&watch, flow)), Some((300, 4000)));
    drop(listener);
    // The server closes first, so that its end waits and the client's is over.
    server.shutdown(Shutdown::Write).expect("connected");
    assert_eq!(client.read(&mut [0]).expect("an end"), 0);
    drop(client);
    drop(server);
    watch.until("the server's end waits", |watch| {
        row(watch, flow).state() == Some(State::TCP_TIME_WAIT)
    });
    watch.refresh();
    let waits = only(&watch, flow);
    assert_eq!(waits.state(), Some(State::TCP_TIME_WAIT));
    assert_eq!(totals(&watch), (300, 4000));
    assert_eq!(watch.ended().count(), 0, "it has not ended");
    // A source that asks now can tell neither counters nor who began it. It
    // does not listen: a last word may still be on its way.
    let mut late = Watch::sockets(host, DUMPS);
    late.refresh();
    assert_eq!(late.table.len(), 1);
    let (_, waits) = late.table.flows().next().expect("a row");
    assert_eq!(waits.state(), Some(State::TCP_TIME_WAIT));
    assert_eq!(waits.counted_by(), CountedBy::Nobody);
}

#[test]
fn a_connection_between_two_dumps_is_told_once() {
    lab::run("a_connection_between_two_dumps_is_told_once", |lab| {
        let (left, right) = two_hosts(lab);
        let service = TcpService::listen(&right, "192.0.2.2:80");
        let local = TcpService::listen(&right, "127.0.0.1:81");
        let mut far = Watch::sockets(&right, LISTEN);
        far.refresh();
        let connection = service.connect(&left);
        let flow = began(&connection.client);
        connection.upload(1200);
        connection.download(34_000);
        connection.close();
        far.until("it is told", |watch| watch.ended().count() == 1);
        let end = far.ended().next().expect("an end");
        assert_eq!(end.key(), &flow, "the client began it");
        let (up, down) = bytes(end).expect("final counters");
        assert!((1200..=1201).contains(&up) && down == 34_000, "{up} {down}");
        assert_eq!(end.end_reason(), Some(EndReason::Closed));
        assert_eq!(end.status(), Some(Status::SEEN_REPLY));
        assert_eq!(totals(&far), (up, down));

        // Both ends here, reset, so that nothing waits: two sockets, one end.
        let connection = local.connect(&right);
        let flow = began(&connection.client);
        connection.echo(10);
        (&connection.server)
            .write_all(b"unread")
            .expect("connected");
        drop(connection.client);
        drop(connection.server);
        far.until("it is told", |watch| watch.ended().count() >= 2);
        far.refresh();
        far.refresh();
        let ends: Vec<_> = far.ended().map(|end| *end.key()).collect();
        assert_eq!(ends.len(), 2, "{ends:?}");
        assert_eq!(ends[1], flow);
        assert!(far.table.is_empty());
    });
}

#[test]
fn a_connection_from_before_is_old_and_a_refused_one_is_none() {
    lab::run(
        "a_connection_from_before_is_old_and_a_refused_one_is_none",
        |lab| {
            let (left, right) = two_hosts(lab);
            let service = TcpService::listen(&right, "192.0.2.2:80");
            let connection = service.connect(&left);
            let flow = began(&connection.client);
            connection.echo(100);
            for settings in [LISTEN, DUMPS] {
                let mut watch = Watch::sockets(&left, settings);
                watch.refresh();
                assert_eq!(bytes(only(&watch, flow)), Some((100, 100)));
                assert_eq!(totals(&watch), (0, 0), "what was before is not news");
                assert_eq!(watch.born().count(), 0);
                left.enter(|| TcpStream::connect("192.0.2.2:9"))
                    .expect_err("nobody listens");
                watch.refresh();
                only(&watch, flow);
                watch.get(&[key(
                    TCP,
                    "192.0.2.1:9".parse().expect("an address"),
                    "192.0.2.2:9".parse().expect("an address"),
                )]);
            }
            // Without events a flow ends by not being there.
            let mut watch = Watch::sockets(&right, DUMPS);
            watch.refresh();
            connection.close();
            watch.refresh();
            assert!(watch.table.is_empty());
            let end = watch.ended().next().expect("an end");
            assert_eq!(end.end_reason(), Some(EndReason::Vanished));
        },
    );
}

#[test]
fn connected_udp_sockets_are_flows_without_counters() {
    lab::run("connected_udp_sockets_are_flows_without_counters", |lab| {
        let (left, right) = two_hosts(lab);
        let service = UdpService::bind(&right, "192.0.2.2:53");
        let mut near = Watch::sockets(&left, LISTEN);
        let mut far = Watch::sockets(&right, LISTEN);
        near.refresh();
        let conversation = service.connect(&left);
        conversation.exchange(10, 20);
        let from = conversation.client.local_addr().expect("bound");
        let flow = key(UDP, from, service.address());
        near.refresh();
        let row = only(&near, flow);
        assert_eq!((row.state(), row.status()), (None, None));
        assert_eq!(row.counted_by(), CountedBy::Nobody);
        assert!(row.is_uncounted());
        far.refresh();
        assert!(far.table.is_empty(), "an unconnected socket is no flow");

        drop(conversation.client);
        near.until("the socket goes", |watch| watch.table.is_empty());
        let end = near.ended().next().expect("an end");
        assert_eq!(end.end_reason(), Some(EndReason::Closed));
        assert_eq!(end.counters(), None);
    });
}

#[test]
fn one_family_can_be_asked_for() {
    lab::run("one_family_can_be_asked_for", |lab| {
        let services = ["127.0.0.1:0", "[::1]:0"].map(|at| TcpService::listen(lab.here(), at));
        let connections = services.each_ref().map(|to| to.connect(lab.here()));
        let mapped = TcpListener::bind("[::]:0").expect("a free port");
        let port = mapped.local_addr().expect("bound").port();
        let _client = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
        let counts = [(None, 3), (Some(Family::Ipv4), 2), (Some(Family::Ipv6), 1)];
        for (family, count) in counts {
            let settings = Settings { family, ..LISTEN };
            let mut watch = Watch::sockets(lab.here(), settings);
            watch.refresh();
            assert_eq!(watch.table.len(), count, "{family:?}");
        }
        drop(connections);
    });
}

#[test]
fn a_source_ends_whoever_reads_it() {
    let (out, deliveries) = std::sync::mpsc::sync_channel::<Delivery>(1);
    for settings in [LISTEN, DUMPS] {
        // As whoever runs the test: no privilege is needed.
        let mut source = Sockets::start(settings, Clock::start(), &out).expect("sock_diag");
        assert_eq!(source.kind(), SourceKind::Sockets);
        assert_eq!(source.receive_buffer().is_some(), settings.events);
        for _ in 0..3 {
            source.inquire(Inquiry::Dump);
        }
        // Nobody reads: the thread waits for room, or will.
        source.close();
        source.inquire(Inquiry::Dump);
        drop(source);
        while deliveries.try_recv().is_ok() {}
    }
    drop(deliveries);
    let source = Sockets::start(LISTEN, Clock::start(), &out).expect("sock_diag");
    source.inquire(Inquiry::Dump);
    drop(source);
}

/// Set in a copy of this process that has no rights.
const POWERLESS: &str = "SOCKETS_TEST_POWERLESS";

#[test]
fn a_user_without_rights_has_counters_and_ends() {
    let name = "a_user_without_rights_has_counters_and_ends";
    if env::var_os(POWERLESS).is_some() {
        return without_rights();
    }
    lab::run(name, |lab| lab.here().rerun_unprivileged(name, POWERLESS));
}

fn without_rights() {
    let mut watch = Watch::sockets_here(LISTEN);
    watch.refresh();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let to = listener.local_addr().expect("bound");
    let client = TcpStream::connect(to).expect("somebody listens");
    let (server, _) = listener.accept().expect("a client");
    let flow = began(&client);
    (&client).write_all(&[1; 1000]).expect("connected");
    (&server).read_exact(&mut [0; 1000]).expect("connected");
    watch.refresh();
    assert_eq!(bytes(row(&watch, flow)), Some((1000, 0)));
    // Reset, so that nothing waits.
    (&server).write_all(&[1; 10]).expect("connected");
    drop(client);
    drop(server);
    watch.until("it ends", |watch| {
        watch.ended().any(|end| *end.key() == flow)
    });
    let end = watch.ended().find(|end| *end.key() == flow).expect("it");
    assert_eq!(end.end_reason(), Some(EndReason::Closed));
    let (up, _) = bytes(end).expect("final counters");
    assert_eq!(up, 1000);
}

#[test]
fn equal_ends_again_are_another_flow() {
    lab::run("equal_ends_again_are_another_flow", |lab| {
        let mut watch = Watch::sockets(lab.here(), LISTEN);
        let server = UdpSocket::bind("127.0.0.1:7000").expect("a free port");
        server.connect("127.0.0.1:7001").expect("a route");
        watch.refresh();
        let flow = *watch.flow(UDP).key();
        let first = watch.flow(UDP).id().expect("an id");
        drop(server);
        let again = UdpSocket::bind("127.0.0.1:7000").expect("a free port");
        again.connect("127.0.0.1:7001").expect("a route");
        watch.until("the first ends", |watch| watch.ended().count() == 1);
        watch.refresh();
        let row = only(&watch, flow);
        assert_ne!(row.id(), Some(first));
        assert_eq!(watch.ended().count(), 1);
        let nothing = Pair::<Counters>::default();
        assert_eq!(row.counters().unwrap_or(nothing), nothing);
    });
}
