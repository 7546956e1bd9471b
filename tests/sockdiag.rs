//! Sockets as the kernel tells of them: captured messages and text tables, and
//! this kernel about real sockets.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flowtop::flow::{Family, Protocol};
use flowtop::netlink::sockdiag::decode::Source;
use flowtop::netlink::sockdiag::proc_net::{self, Table};
use flowtop::netlink::sockdiag::request::{self, States};
use flowtop::netlink::sockdiag::{
    Destroyed, Diag, DiagError, Endpoint, Problems, RAW, Socket, SocketState, decode,
};
use flowtop::netlink::wire::{Requests, messages};
use lab::eventually;

const TCP: Protocol = Protocol::TCP;
const UDP: Protocol = Protocol::UDP;

fn end(text: &str) -> Endpoint {
    endpoint(text.parse().expect("an address and a port"))
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::new(address.ip(), address.port())
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sockdiag")
}

/// A captured message: hexadecimal below lines that begin with `#`.
fn fixture(name: &str) -> Vec<u8> {
    let path = fixtures().join(name).with_extension("hex");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let hex: String = lines.collect();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal"))
        .collect()
}

fn decoded(name: &str, source: Source) -> Socket {
    let bytes = fixture(name);
    let mut problems = Problems::default();
    let message = messages(&bytes).next().expect("a message");
    let socket = decode(&message, source, &mut problems).expect("a socket");
    assert_eq!(problems, Problems::default(), "{name}");
    socket
}

#[test]
fn a_connection_is_read_with_its_figures() {
    let client = decoded("tcp_client", Source::Answer(TCP));
    assert_eq!(client.state, SocketState::ESTABLISHED);
    assert_eq!(client.family, Family::Ipv4);
    assert_eq!(client.local.address, IpAddr::from([127, 0, 0, 1]));
    assert_eq!(client.remote, end("127.0.0.1:4000"));
    assert!(client.is_connected());
    assert_eq!(client.uid, Some(0));
    assert!(client.inode.is_some() && client.cookie.is_some() && client.cgroup_id.is_some());
    assert_eq!(client.interface, None);
    let tcp = client.tcp.expect("figures");
    assert_eq!(tcp.bytes_sent, Some(1000));
    assert_eq!(tcp.bytes_acked, Some(1001), "the SYN is one");
    assert_eq!(tcp.bytes_received, Some(500));
    assert_eq!(tcp.bytes_retransmitted, Some(0));
    assert_eq!(tcp.receive_queue_bytes, Some(500));
    assert_eq!(tcp.send_queue_bytes, Some(0));
    assert_eq!(tcp.retransmits, Some(0));
    assert_eq!(tcp.congestion.expect("a name").as_str(), "bbr");
    assert!(tcp.cwnd.is_some_and(|cwnd| cwnd >= 10));
    let (rtt, min) = (tcp.rtt_us.expect("rtt"), tcp.min_rtt_us.expect("min_rtt"));
    assert!(min <= rtt && rtt < 10_000, "{min} {rtt}");
}

#[test]
fn a_listener_has_no_other_end_and_no_figures() {
    let listener = decoded("tcp_listener", Source::Answer(TCP));
    assert_eq!(listener.state, SocketState::LISTEN);
    assert_eq!(listener.local, end("127.0.0.1:4000"));
    assert_eq!(listener.remote, end("0.0.0.0:0"));
    assert!(!listener.is_connected());
    assert_eq!(listener.tcp, None);
    let dual = decoded("tcp_listener_ipv6", Source::Answer(TCP));
    assert_eq!((dual.family, dual.v6_only), (Family::Ipv6, false));
    assert_eq!(dual.local, end("[::]:4001"));
}

#[test]
fn ipv4_in_a_socket_of_ipv6_is_ipv4() {
    let mapped = decoded("tcp_mapped", Source::Answer(TCP));
    assert_eq!(mapped.family, Family::Ipv6);
    assert_eq!(mapped.local, end("127.0.0.1:4001"));
    assert_eq!(mapped.remote.address, IpAddr::from([127, 0, 0, 1]));
}

#[test]
fn what_is_left_in_time_wait_has_its_cookie_and_neither_inode_nor_user() {
    let client = decoded("tcp_client", Source::Answer(TCP));
    let left = decoded("tcp_time_wait", Source::Answer(TCP));
    assert_eq!(left.state, SocketState::TIME_WAIT);
    assert_eq!(left.cookie, client.cookie);
    assert_eq!((left.inode, left.uid, left.tcp), (None, None, None));
}

#[test]
fn the_last_word_has_cookie_ends_and_final_figures() {
    let client = decoded("tcp_client", Source::Answer(TCP));
    let gone = decoded("destroyed_tcp", Source::Destroyed);
    assert_eq!(gone.proto, TCP);
    assert_eq!((gone.local, gone.remote), (client.local, client.remote));
    assert_eq!(gone.cookie, client.cookie);
    assert_eq!((gone.inode, gone.uid), (None, None));
    let tcp = gone.tcp.expect("figures");
    assert_eq!(tcp.bytes_sent, Some(1000));
    assert_eq!(tcp.send_queue_bytes, None);
    let udp = decoded("destroyed_udp", Source::Destroyed);
    assert_eq!((udp.proto, udp.tcp.is_none()), (UDP, true));
    assert_eq!(udp.remote, end("127.0.0.1:53"));
    let connected = decoded("udp_connected", Source::Answer(UDP));
    assert_eq!(udp.cookie, connected.cookie);
    let wildcard = decoded("udp_wildcard_v6only", Source::Answer(UDP));
    assert_eq!(wildcard.state, SocketState::CLOSE);
    assert!(wildcard.v6_only && !wildcard.is_connected());
}

#[test]
fn an_older_kernel_knows_fewer_figures() {
    let bytes = fixture("tcp_client");
    // The figures end the message but for the congestion control.
    let info = bytes
        .windows(4)
        .position(|at| at == [0x1c, 1, 2, 0])
        .expect("280 bytes of tcp_info");
    let mut problems = Problems::default();
    // Up to tcpi_total_retrans, as Linux 2.6.30 had it.
    let mut short = bytes[..info + 4 + 104].to_vec();
    short[info..info + 2].copy_from_slice(&108u16.to_ne_bytes());
    let len = short.len() as u32;
    short[..4].copy_from_slice(&len.to_ne_bytes());
    let message = messages(&short).next().expect("a message");
    let socket = decode(&message, Source::Answer(TCP), &mut problems).expect("a socket");
    let tcp = socket.tcp.expect("figures");
    assert_eq!(tcp.retransmits, Some(0));
    assert!(tcp.rtt_us.is_some());
    assert_eq!((tcp.bytes_acked, tcp.segments_out), (None, None));
    assert_eq!((tcp.min_rtt_us, tcp.congestion), (None, None));
    assert_eq!(problems, Problems::default());
}

#[test]
fn no_damage_makes_the_decoder_stumble() {
    let files = fs::read_dir(fixtures()).expect("the fixtures");
    for file in files {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        let bytes = fixture(&name);
        for source in [Source::Answer(TCP), Source::Destroyed] {
            for cut in 16..=bytes.len() {
                let mut cut_off = bytes[..cut].to_vec();
                cut_off[..4].copy_from_slice(&(cut as u32).to_ne_bytes());
                for message in messages(&cut_off) {
                    decode(&message, source, &mut Problems::default());
                }
            }
            for at in 4..bytes.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut damaged = bytes.clone();
                    damaged[at] = value;
                    for message in messages(&damaged) {
                        decode(&message, source, &mut Problems::default());
                    }
                }
            }
        }
    }
}

#[test]
fn the_seeds_of_the_fuzzer_are_the_fixtures() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/sockdiag");
    if !seeds.exists() {
        // Not in the package.
        return;
    }
    for file in fs::read_dir(fixtures()).expect("the fixtures") {
        let path = file.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy();
        let seed = fs::read(seeds.join(&*name)).expect("a seed");
        assert_eq!(seed, fixture(&name), "{name}");
    }
}

#[test]
fn a_question_is_laid_out_as_the_kernel_reads_it() {
    let mut requests = Requests::new();
    let (local, remote) = (end("192.0.2.1:1000"), end("198.51.100.2:443"));
    request::lookup(&mut requests, 7, TCP, local, remote, Some(3));
    request::lookup(&mut requests, 8, UDP, local, remote, None);
    request::dump(&mut requests, 9, TCP, Family::Ipv6, true, States::ALL);
    let all: Vec<_> = messages(requests.bytes()).collect();
    assert!(all.iter().all(|m| (m.kind, m.payload.len()) == (20, 56)));
    let ports = |payload: &[u8]| payload[8..12].to_vec();
    assert_eq!(all[0].payload[..4], [2, 6, 0b1010, 0]);
    assert_eq!(ports(all[0].payload), [3, 232, 1, 187]);
    assert_eq!(all[0].payload[12..16], [192, 0, 2, 1]);
    assert_eq!(all[0].payload[44..48], 3u32.to_ne_bytes());
    assert_eq!(ports(all[1].payload), [1, 187, 3, 232], "swapped");
    assert_eq!(all[1].payload[12..16], [198, 51, 100, 2]);
    assert_eq!(all[2].payload[..3], [10, 6, 0b1010]);
    assert_eq!(all[2].payload[48..], [0xff; 8]);
}

const RAW_TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 206: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 3561918 2 00000000a1c9ee2a 0
 oops
 206: 0000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3561918 2 00000000a1c9ee2a 0
";

#[test]
#[cfg(target_endian = "little")]
fn text_tables_are_read() {
    let read = |table: Table, text| {
        let mut sockets = Vec::new();
        table.parse(text, &mut |socket| sockets.push(socket));
        sockets
    };
    let table = |proto, family| {
        let is = |table: &&Table| (table.proto, table.family) == (proto, family);
        *Table::ALL.iter().find(is).expect("such a table")
    };
    let raw = read(table(RAW, Family::Ipv4), RAW_TABLE);
    assert_eq!(raw.len(), 1, "{raw:?}");
    assert_eq!(raw[0].local, end("0.0.0.0:1"), "the port is the protocol");
    assert_eq!((raw[0].inode, raw[0].uid), (Some(3_561_918), Some(1000)));
    assert_eq!(raw[0].cookie, None);
    let line = "   54: 00000000000000000000000001000000:004D 00000000000000000000000000000000:0000 \
                07 00000000:00000000 00:00000000 00000000     0        0 3561923 2 0 0";
    let ping = read(table(Protocol::ICMPV6, Family::Ipv6), line);
    assert_eq!(ping[0].local, end("[::1]:77"), "the port is the id");
    assert_eq!(ping[0].state, SocketState::CLOSE);
    assert!(read(table(Protocol::ICMP, Family::Ipv4), line).is_empty());
}

/// Both families of a protocol.
fn dump(diag: &mut Diag, proto: Protocol, family: Family) -> Vec<Socket> {
    let mut sockets = Vec::new();
    diag.dump(proto, family, true, &mut |socket| sockets.push(socket))
        .expect("a dump");
    sockets
}

fn accept(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let address = listener.local_addr().expect("bound");
    let client = TcpStream::connect(address).expect("somebody listens");
    let (server, _) = listener.accept().expect("a client");
    (client, server)
}

fn send(mut from: &TcpStream, mut to: &TcpStream, bytes: usize) {
    from.write_all(&vec![7; bytes]).expect("connected");
    to.read_exact(&mut vec![0; bytes]).expect("connected");
}

fn inode(of: &impl AsRawFd) -> u32 {
    let link = fs::read_link(format!("/proc/self/fd/{}", of.as_raw_fd())).expect("a descriptor");
    let text = link.to_string_lossy();
    let number = text
        .strip_prefix("socket:[")
        .and_then(|t| t.strip_suffix(']'));
    number.expect("a socket").parse().expect("a number")
}

/// Which socket a lookup finds.
fn found(diag: &mut Diag, proto: Protocol, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    diag.lookup(proto, endpoint(local), endpoint(remote))
        .expect("an answer")?
        .inode
}

#[test]
fn tcp_sockets_are_dumped_and_found_and_listeners_are_no_connections() {
    lab::run(
        "tcp_sockets_are_dumped_and_found_and_listeners_are_no_connections",
        |_| {
            let mut diag = Diag::open().expect("sock_diag");
            for (address, family) in [
                ("127.0.0.1:0", Family::Ipv4),
                ("[::1]:0", Family::Ipv6),
                ("[::]:0", Family::Ipv6),
            ] {
                let listener = TcpListener::bind(address).expect("a free port");
                let port = listener.local_addr().expect("bound").port();
                let to = match address {
                    // Dual-stack: IPv4 comes to a socket of IPv6.
                    "[::]:0" => SocketAddr::from(([127, 0, 0, 1], port)),
                    _ => listener.local_addr().expect("bound"),
                };
                let client = TcpStream::connect(to).expect("somebody listens");
                let (server, from) = listener.accept().expect("a client");
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                send(&client, &server, 3000);
                send(&server, &client, 50);

                assert_eq!(found(&mut diag, TCP, from, to), Some(inode(&client)));
                assert_eq!(found(&mut diag, TCP, to, from), Some(inode(&server)));
                let stranger = SocketAddr::new(from.ip(), 9);
                assert_eq!(found(&mut diag, TCP, to, stranger), None);
                let waits = diag.find(TCP, endpoint(to), endpoint(stranger), None);
                let waits = waits.expect("an answer").expect("the listener");
                assert_eq!(waits.state, SocketState::LISTEN);
                assert_eq!(waits.inode, Some(inode(&listener)));

                let sockets = dump(&mut diag, TCP, family);
                let one = |of: u32| {
                    let found = sockets.iter().find(|socket| socket.inode == Some(of));
                    found.unwrap_or_else(|| panic!("no socket {of} in {sockets:#?}"))
                };
                let at_server = one(inode(&server));
                assert_eq!(at_server.local, endpoint(to));
                assert_eq!(at_server.remote, endpoint(from));
                assert_eq!(at_server.state, SocketState::ESTABLISHED);
                let tcp = at_server.tcp.as_ref().expect("figures");
                assert_eq!(tcp.bytes_received, Some(3000));
                assert_eq!(tcp.bytes_sent, Some(50));
                let listening = one(inode(&listener));
                assert_eq!(listening.state, SocketState::LISTEN);
                assert_eq!(listening.v6_only, address == "[::1]:0");
                let mut only = Vec::new();
                let listen = States::only(SocketState::LISTEN);
                diag.dump_states(TCP, family, false, listen, &mut |s| only.push(s.inode))
                    .expect("a dump");
                assert_eq!(only, [Some(inode(&listener))]);
            }
            assert_eq!(diag.problems(), Problems::default());
        },
    );
}

#[test]
fn udp_sockets_are_found_connected_or_not() {
    lab::run("udp_sockets_are_found_connected_or_not", |_| {
        let mut diag = Diag::open().expect("sock_diag");
        let exact = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let wildcard = UdpSocket::bind("0.0.0.0:0").expect("a free port");
        let dual = UdpSocket::bind("[::]:0").expect("a free port");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        client
            .connect(exact.local_addr().expect("bound"))
            .expect("a route");
        let from = client.local_addr().expect("bound");
        for server in [&exact, &wildcard, &dual] {
            let port = server.local_addr().expect("bound").port();
            let to = SocketAddr::from(([127, 0, 0, 1], port));
            assert_eq!(found(&mut diag, UDP, to, from), Some(inode(server)));
        }
        let to = exact.local_addr().expect("bound");
        assert_eq!(found(&mut diag, UDP, from, to), Some(inode(&client)));
        let v6 = SocketAddr::new(
            "::1".parse().expect("an address"),
            dual.local_addr().expect("bound").port(),
        );
        let far = "[::1]:9".parse().expect("an address");
        assert_eq!(found(&mut diag, UDP, v6, far), Some(inode(&dual)));
        assert_eq!(found(&mut diag, UDP, to, v6), None, "two families");
        let free = "127.0.0.1:1".parse().expect("an address");
        assert_eq!(found(&mut diag, UDP, free, from), None);

        let sockets = dump(&mut diag, UDP, Family::Ipv4);
        assert_eq!(sockets.len(), 3, "the dual one is of IPv6: {sockets:#?}");
        let connected = sockets.iter().filter(|socket| socket.is_connected());
        let connected: Vec<_> = connected.map(|socket| socket.inode).collect();
        assert_eq!(connected, [Some(inode(&client))]);
        assert!(sockets.iter().all(|socket| socket.tcp.is_none()));
        assert_eq!(dump(&mut diag, UDP, Family::Ipv6).len(), 1);
    });
}

#[test]
fn the_last_word_of_a_connection_comes_before_time_wait_is_over() {
    lab::run(
        "the_last_word_of_a_connection_comes_before_time_wait_is_over",
        |_| {
            let mut diag = Diag::open().expect("sock_diag");
            let mut destroyed = Destroyed::listen(1 << 20).expect("the groups");
            for address in ["127.0.0.1:0", "[::1]:0"] {
                let listener = TcpListener::bind(address).expect("a free port");
                let (client, server) = accept(&listener);
                let from = endpoint(client.local_addr().expect("connected"));
                let to = endpoint(server.local_addr().expect("connected"));
                send(&client, &server, 70_000);
                send(&server, &client, 900);
                let known = diag.lookup(TCP, from, to).expect("an answer");
                let known = known.expect("the client");

                client.shutdown(Shutdown::Write).expect("connected");
                assert_eq!((&server).read(&mut [0]).expect("an end"), 0);
                drop(server);
                drop(client);
                let mut gone = Vec::new();
                eventually("two sockets go", || {
                    let drained = destroyed
                        .drain(100, &mut |socket| {
                            // Listeners go as well.
                            gone.extend(socket.is_connected().then_some(socket));
                        })
                        .expect("words");
                    assert_eq!(drained.lost, 0);
                    gone.len() == 2
                });
                let gone = gone.iter().find(|s| s.local == from).expect("the client");
                assert_eq!((gone.proto, gone.remote), (TCP, to));
                assert_eq!(gone.cookie, known.cookie);
                assert_eq!((gone.inode, gone.uid), (None, None));
                let tcp = gone.tcp.as_ref().expect("figures");
                assert_eq!(tcp.bytes_sent, Some(70_000));
                assert_eq!(tcp.bytes_received, Some(901), "the FIN is one");

                let left = diag.lookup(TCP, from, to).expect("an answer");
                let left = left.expect("what is left");
                assert_eq!(left.state, SocketState::TIME_WAIT);
                assert_eq!(left.cookie, known.cookie);
                assert_eq!((left.inode, left.uid), (None, None));
            }
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            socket.connect("127.0.0.1:53").expect("a route");
            let from = endpoint(socket.local_addr().expect("bound"));
            drop(socket);
            let mut gone = Vec::new();
            eventually("the UDP socket goes", || {
                destroyed
                    .drain(100, &mut |socket| gone.push(socket))
                    .expect("words");
                gone.iter().any(|socket| socket.local == from)
            });
            assert_eq!(
                gone.last().map(|s| (s.proto, s.remote)),
                Some((UDP, end("127.0.0.1:53")))
            );
        },
    );
}

#[test]
fn a_socket_is_asked_about_where_it_was_opened() {
    lab::run("a_socket_is_asked_about_where_it_was_opened", |lab| {
        let elsewhere = lab.host("elsewhere");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut there = elsewhere.enter(|| Diag::open().expect("sock_diag"));
        let mut here = Diag::open().expect("sock_diag");
        assert!(dump(&mut there, TCP, Family::Ipv4).is_empty());
        let sockets = elsewhere.enter(|| dump(&mut here, TCP, Family::Ipv4));
        assert_eq!(sockets[0].inode, Some(inode(&listener)));
    });
}

#[test]
fn a_protocol_without_a_handler_is_told_apart() {
    lab::run("a_protocol_without_a_handler_is_told_apart", |_| {
        let mut diag = Diag::open().expect("sock_diag");
        // No kernel has sockets of this number (IANA: unassigned).
        let proto = Protocol(200);
        let refused = diag.dump(proto, Family::Ipv4, false, &mut |_| {});
        let Err(error @ DiagError::NoHandler { .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(
            error.to_string(),
            "this kernel does not tell of 200 sockets of ipv4"
        );
        let any = end("127.0.0.1:1");
        assert_eq!(diag.lookup(proto, any, any).expect("an answer"), None);
    });
}

/// A socket that std has no type for.
fn socket(family: i32, kind: i32, proto: i32) -> Option<OwnedFd> {
    use std::os::fd::FromRawFd;
    #[expect(
        unsafe_code,
        reason = "socket(2) of raw and ICMP sockets is only in libc"
    )]
    // SAFETY: socket(2) takes numbers; the descriptor is new and ours.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, proto);
        (fd >= 0).then(|| OwnedFd::from_raw_fd(fd))
    }
}

#[test]
fn raw_and_ping_sockets_are_in_the_text_tables() {
    lab::run("raw_and_ping_sockets_are_in_the_text_tables", |lab| {
        let host = lab.host("somewhere");
        host.set_sysctl("net/ipv4/ping_group_range", "0 0");
        host.enter(|| {
            let raw = socket(libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6).expect("root");
            let ping = socket(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP);
            let mut all = Vec::new();
            for table in Table::ALL {
                table
                    .read(Path::new(proc_net::OWN), &mut |socket| all.push(socket))
                    .expect("a table or none");
            }
            let one = |of: u32| all.iter().find(|socket| socket.inode == Some(of));
            let found = one(inode(&raw)).unwrap_or_else(|| panic!("no raw socket in {all:?}"));
            assert_eq!((found.proto, found.family), (RAW, Family::Ipv6));
            assert_eq!(found.local, end("[::]:58"));
            assert!(ping.is_some(), "ping sockets are allowed to group 0");
        });
    });
}

#[test]
fn a_listener_without_rights_hears_of_sockets_that_go() {
    // Not as root: the test itself, as whoever runs it.
    let mut destroyed = Destroyed::listen(4096).expect("no privilege is needed");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let to = socket.local_addr().expect("bound");
    socket.connect(to).expect("a route");
    drop(socket);
    let mut heard = false;
    eventually("the socket goes", || {
        destroyed
            .drain(1000, &mut |gone| heard |= gone.local == endpoint(to))
            .expect("words");
        heard
    });
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let ready = destroyed.wait(std::os::fd::AsFd::as_fd(&ours), Duration::ZERO);
    assert!(!ready.expect("poll").other);
}
