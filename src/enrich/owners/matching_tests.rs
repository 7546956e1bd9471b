//! Tests of how flows and sockets are matched.

use super::*;

fn end(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().unwrap();
    Endpoint::new(address.ip(), address.port())
}

/// A socket with the inode that it is told apart by.
fn socket(inode: u32, proto: Protocol, local: &str, remote: &str) -> Socket {
    let local: std::net::SocketAddr = local.parse().unwrap();
    let family = match local {
        std::net::SocketAddr::V4(_) => Family::Ipv4,
        std::net::SocketAddr::V6(_) => Family::Ipv6,
    };
    let none = Endpoint::new(local.ip(), 0);
    let remote = if remote.is_empty() {
        Endpoint {
            address: match family {
                Family::Ipv4 => [0; 4].into(),
                Family::Ipv6 => [0; 16].into(),
            },
            ..none
        }
    } else {
        end(remote)
    };
    let is_connected = remote.port != 0;
    Socket {
        proto,
        family,
        v6_only: false,
        state: if is_connected {
            SocketState::ESTABLISHED
        } else {
            SocketState::CLOSE
        },
        local: Endpoint::new(local.ip(), local.port()),
        remote,
        interface: None,
        inode: Some(inode),
        cookie: Some(inode.into()),
        uid: Some(0),
        cgroup_id: None,
        tcp: None,
    }
}

fn tcp(inode: u32, local: &str, remote: &str) -> Socket {
    socket(inode, Protocol::TCP, local, remote)
}

fn listener(inode: u32, local: &str) -> Socket {
    Socket {
        state: SocketState::LISTEN,
        ..tcp(inode, local, "")
    }
}

fn udp(inode: u32, local: &str, remote: &str) -> Socket {
    socket(inode, Protocol::UDP, local, remote)
}

fn sockets(all: impl IntoIterator<Item = Socket>) -> Sockets {
    let mut sockets = Sockets::default();
    for socket in all {
        sockets.add(socket);
    }
    sockets
}

fn tuple(proto: Protocol, src: &str, dst: &str) -> Tuple {
    let (src, dst) = (end(src), end(dst));
    let ports = L4::Ports {
        src: src.port,
        dst: dst.port,
    };
    Tuple::new(src.address, dst.address, proto, ports).unwrap()
}

fn inodes(sockets: &[&Socket]) -> Vec<u32> {
    sockets.iter().filter_map(|socket| socket.inode).collect()
}

/// The inodes of what holds an end; empty for anything else.
fn held(sockets: &Sockets, end: &End) -> Vec<u32> {
    match sockets.at(end) {
        Found::Held(sockets) => inodes(&sockets),
        _ => Vec::new(),
    }
}

const FAR: &str = "198.51.100.1:443";

#[test]
fn who_connects_has_the_ends_of_the_original_tuple() {
    let sockets = sockets([
        tcp(1, "192.0.2.1:40000", FAR),
        tcp(2, "192.0.2.1:40001", FAR),
        tcp(3, "192.0.2.1:40000", "198.51.100.1:444"),
        listener(4, "0.0.0.0:40000"),
    ]);
    let orig = tuple(Protocol::TCP, "192.0.2.1:40000", FAR);
    assert_eq!(held(&sockets, &End::of_originator(&orig)), [1]);
    let reversed = End::of_originator(&orig.inverted());
    assert_eq!(sockets.at(&reversed), Found::Nothing);
}

#[test]
fn who_is_connected_to_has_the_ends_of_the_reply_tuple() {
    // To port 80, which is translated to 8080 of another address.
    let reply = tuple(Protocol::TCP, "192.0.2.2:8080", FAR);
    let sockets = sockets([
        tcp(1, "192.0.2.2:8080", FAR),
        tcp(2, "192.0.2.1:80", "198.51.100.9:443"),
        listener(3, "0.0.0.0:80"),
    ]);
    assert_eq!(held(&sockets, &End::of_responder(&reply)), [1]);
}

#[test]
fn a_connection_within_this_machine_has_two_sockets() {
    let sockets = sockets([
        tcp(1, "127.0.0.1:40000", "127.0.0.1:80"),
        tcp(2, "127.0.0.1:80", "127.0.0.1:40000"),
    ]);
    let orig = tuple(Protocol::TCP, "127.0.0.1:40000", "127.0.0.1:80");
    assert_eq!(held(&sockets, &End::of_originator(&orig)), [1]);
    assert_eq!(held(&sockets, &End::of_responder(&orig.inverted())), [2]);
}

#[test]
fn ipv4_on_a_socket_of_ipv6_is_ipv4() {
    let mapped = tcp(1, "[::ffff:192.0.2.1]:80", "[::ffff:198.51.100.1]:443");
    let sockets = sockets([mapped]);
    let reply = tuple(Protocol::TCP, "192.0.2.1:80", FAR);
    assert_eq!(held(&sockets, &End::of_responder(&reply)), [1]);
}

#[test]
fn a_listener_is_no_connection() {
    let sockets = sockets([listener(1, "192.0.2.1:80"), listener(2, "[::]:80")]);
    let reply = tuple(Protocol::TCP, "192.0.2.1:80", FAR);
    assert_eq!(sockets.at(&End::of_responder(&reply)), Found::Nothing);
}

#[test]
fn who_may_accept_a_connection_are_its_closest_listeners() {
    let reply = tuple(Protocol::TCP, "192.0.2.1:80", FAR);
    let waiting = |all: Vec<Socket>, state| {
        let mut pending = tcp(9, "192.0.2.1:80", FAR);
        pending.inode = None;
        pending.state = state;
        let sockets = sockets(all.into_iter().chain([pending]));
        match sockets.at(&End::of_responder(&reply)) {
            Found::Waiting(_, listeners) => Some(inodes(&listeners)),
            _ => None,
        }
    };
    let near = || listener(1, "192.0.2.1:80");
    let any = || listener(2, "0.0.0.0:80");
    let other = || listener(3, "192.0.2.2:80");
    let both = || listener(4, "[::]:80");
    for state in [
        SocketState::ESTABLISHED,
        SocketState::SYN_RECV,
        SocketState::CLOSE_WAIT,
    ] {
        let found = waiting(vec![both(), any(), other(), near()], state);
        assert_eq!(found.unwrap(), [1]);
        assert_eq!(waiting(vec![both(), other(), any()], state).unwrap(), [2]);
        assert_eq!(waiting(vec![other(), both()], state).unwrap(), [4]);
        let two = vec![near(), listener(5, "192.0.2.1:80")];
        assert_eq!(waiting(two, state).unwrap(), [1, 5], "SO_REUSEPORT");
        assert_eq!(waiting(vec![other()], state).unwrap(), [0; 0]);
    }
    for state in [
        SocketState::TIME_WAIT,
        SocketState::FIN_WAIT2,
        SocketState::LAST_ACK,
    ] {
        assert_eq!(waiting(vec![near()], state), None);
    }
}

#[test]
fn what_is_left_of_a_connection_has_no_holder_but_the_next_has() {
    let mut left = tcp(9, "192.0.2.1:40000", FAR);
    left.inode = None;
    left.state = SocketState::TIME_WAIT;
    let end = End::of_originator(&tuple(Protocol::TCP, "192.0.2.1:40000", FAR));
    let only = sockets([left.clone()]);
    assert_eq!(only.at(&end), Found::Left(&left));
    let next = tcp(1, "192.0.2.1:40000", FAR);
    for order in [[left.clone(), next.clone()], [next.clone(), left.clone()]] {
        assert_eq!(held(&sockets(order), &end), [1]);
    }
    let twice = sockets([next.clone(), next]);
    assert_eq!(held(&twice, &end), [1], "told twice by a dump");
    assert_eq!(twice.len(), 1);
}

#[test]
fn connections_of_two_routing_domains_are_two() {
    let bound = |inode| Socket {
        interface: Some(inode),
        ..tcp(inode, "10.0.0.1:80", "10.0.0.2:443")
    };
    let end = End::of_responder(&tuple(Protocol::TCP, "10.0.0.1:80", "10.0.0.2:443"));
    assert_eq!(held(&sockets([bound(1), bound(2)]), &end), [1, 2]);
}

#[test]
fn a_datagram_is_the_connected_socket_s_else_the_closest_s() {
    let all = [
        udp(1, "192.0.2.1:53", FAR),
        udp(2, "192.0.2.1:53", ""),
        udp(3, "0.0.0.0:53", ""),
        udp(4, "[::]:53", ""),
        udp(5, "192.0.2.9:53", ""),
        udp(6, "192.0.2.1:54", ""),
        udp(7, "192.0.2.1:53", "198.51.100.9:443"),
    ];
    let end = End::of_responder(&tuple(Protocol::UDP, "192.0.2.1:53", FAR));
    for first in 0..4 {
        let sockets = sockets(all[first..].iter().rev().cloned());
        assert_eq!(held(&sockets, &end), [first as u32 + 1]);
    }
    assert_eq!(sockets(all[4..].iter().cloned()).at(&end), Found::Nothing);
}

#[test]
fn where_addresses_prove_little_only_both_ends_do() {
    let tuple = tuple(Protocol::UDP, "192.0.2.1:53", FAR);
    let end = End::of_responder(&tuple).if_connected().unwrap();
    let bound = udp(1, "192.0.2.1:53", "");
    assert_eq!(sockets([bound.clone()]).at(&end), Found::Nothing);
    let connected = udp(2, "192.0.2.1:53", FAR);
    assert_eq!(held(&sockets([bound, connected]), &end), [2]);
    assert_eq!(End::of_originator(&ping(7)).if_connected(), None);
}

#[test]
fn a_socket_of_ipv6_only_hears_no_ipv4() {
    let v6_only = Socket {
        v6_only: true,
        ..udp(1, "[::]:53", "")
    };
    let sockets = sockets([v6_only, udp(2, "0.0.0.0:5353", "")]);
    let v4 = End::of_responder(&tuple(Protocol::UDP, "192.0.2.1:53", FAR));
    assert_eq!(sockets.at(&v4), Found::Nothing);
    let far = "[2001:db8::2]:443";
    let v6 = End::of_responder(&tuple(Protocol::UDP, "[2001:db8::1]:53", far));
    assert_eq!(held(&sockets, &v6), [1]);
    let v6 = End::of_responder(&tuple(Protocol::UDP, "[2001:db8::1]:5353", far));
    assert_eq!(sockets.at(&v6), Found::Nothing, "IPv4 hears no IPv6");
}

#[test]
fn sockets_bound_alike_are_all_found() {
    let sockets = sockets([
        udp(1, "0.0.0.0:5353", ""),
        udp(2, "0.0.0.0:5353", ""),
        udp(3, "[::]:5353", ""),
    ]);
    let end = End::of_originator(&tuple(Protocol::UDP, "192.0.2.1:5353", "224.0.0.251:5353"));
    assert_eq!(held(&sockets, &end), [1, 2]);
}

#[test]
fn a_socket_bound_to_an_interface_may_have_it_or_not() {
    let bound = |inode, local| Socket {
        interface: Some(2),
        ..udp(inode, local, "")
    };
    let end = End::of_responder(&tuple(Protocol::UDP, "192.0.2.1:53", FAR));
    let beside = sockets([bound(1, "192.0.2.1:53"), udp(2, "192.0.2.1:53", "")]);
    assert_eq!(held(&beside, &end), [1, 2]);
    let alone = sockets([bound(1, "192.0.2.1:53"), udp(2, "0.0.0.0:53", "")]);
    assert_eq!(held(&alone, &end), [1, 2], "on another interface it is not");
    let below = sockets([udp(1, "192.0.2.1:53", ""), bound(2, "0.0.0.0:53")]);
    assert_eq!(held(&below, &end), [1]);
}

#[test]
fn protocols_do_not_mix() {
    let lite = socket(1, Protocol::UDPLITE, "0.0.0.0:53", "");
    let sockets = sockets([lite, tcp(2, "192.0.2.1:53", FAR)]);
    let udp = End::of_responder(&tuple(Protocol::UDP, "192.0.2.1:53", FAR));
    assert_eq!(sockets.at(&udp), Found::Nothing);
    let lite = End::of_responder(&tuple(Protocol::UDPLITE, "192.0.2.1:53", FAR));
    assert_eq!(held(&sockets, &lite), [1]);
}

fn ping(id: u16) -> Tuple {
    let echo = L4::Icmp {
        kind: 8,
        code: 0,
        id,
    };
    let (src, dst) = ([192, 0, 2, 1].into(), [198, 51, 100, 1].into());
    Tuple::v4(src, dst, Protocol::ICMP, echo)
}

#[test]
fn a_ping_is_of_the_socket_with_its_id_else_of_raw_ones() {
    let by_id = |inode, id| socket(inode, Protocol::ICMP, &format!("0.0.0.0:{id}"), "");
    let raw = |inode, proto| socket(inode, RAW, &format!("0.0.0.0:{proto}"), "");
    let end = End::of_originator(&ping(7));
    let all = sockets([by_id(1, 7), by_id(2, 8), raw(3, 1)]);
    assert_eq!(held(&all, &end), [1]);
    let only_raw = sockets([by_id(2, 8), raw(3, 1), raw(4, 47), raw(5, 1)]);
    assert_eq!(held(&only_raw, &end), [3, 5]);
    assert_eq!(sockets([raw(4, 47)]).at(&end), Found::Nothing);
    let answer = End::of_responder(&ping(7).inverted());
    assert_eq!(all.at(&answer), Found::Kernel);
}

#[test]
fn a_raw_socket_may_be_bound_and_connected() {
    let raw = |inode, local: &str, remote: &str| {
        let mut socket = socket(inode, RAW, local, "");
        if !remote.is_empty() {
            socket.remote.address = remote.parse().unwrap();
        }
        socket
    };
    let sockets = sockets([
        raw(1, "192.0.2.1:89", ""),
        raw(2, "192.0.2.9:89", ""),
        raw(3, "0.0.0.0:89", "198.51.100.1"),
        raw(4, "0.0.0.0:89", "198.51.100.9"),
    ]);
    let (src, dst) = ([192, 0, 2, 1].into(), [198, 51, 100, 1].into());
    let ospf = Tuple::v4(src, dst, Protocol(89), L4::None);
    assert_eq!(held(&sockets, &End::of_originator(&ospf)), [1, 3]);
}

#[test]
fn tunnels_are_of_the_kernel_unless_a_process_speaks_them() {
    let (a, b) = ([192, 0, 2, 1].into(), [198, 51, 100, 1].into());
    for number in OF_THE_KERNEL {
        let tuple = Tuple::v4(a, b, Protocol(number), L4::None);
        let nobody = Sockets::default();
        assert_eq!(nobody.at(&End::of_originator(&tuple)), Found::Kernel);
        let raw = socket(1, RAW, &format!("0.0.0.0:{number}"), "");
        assert_eq!(held(&sockets([raw]), &End::of_responder(&tuple)), [1]);
    }
    let unknown = Tuple::v4(a, b, Protocol(253), L4::None);
    let nobody = Sockets::default();
    assert_eq!(nobody.at(&End::of_originator(&unknown)), Found::Nothing);
}

#[test]
fn what_is_counted_is_payload() {
    let old = TcpFigures {
        bytes_acked: Some(101),
        bytes_received: Some(51),
        segments_out: Some(4),
        segments_in: Some(3),
        ..TcpFigures::default()
    };
    let bytes = |figures: &TcpFigures, state, has_connected| {
        let counted = counted(figures, state, has_connected)?.bytes();
        Some((counted.orig, counted.reply))
    };
    let open = SocketState::ESTABLISHED;
    assert_eq!(bytes(&old, open, true), Some((100, 51)), "without its SYN");
    assert_eq!(bytes(&old, open, false), Some((101, 51)));
    let finished = SocketState::CLOSE_WAIT;
    assert_eq!(bytes(&old, finished, false), Some((101, 50)));
    let new = TcpFigures {
        bytes_sent: Some(130),
        bytes_retransmitted: Some(20),
        ..old
    };
    assert_eq!(bytes(&new, open, true), Some((110, 51)));
    let oldest = TcpFigures {
        segments_out: None,
        ..new
    };
    assert_eq!(bytes(&oldest, open, true), None);
}
