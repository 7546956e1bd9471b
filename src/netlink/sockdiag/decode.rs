//! From one message of `NETLINK_SOCK_DIAG` to one socket.
//!
//! `struct inet_diag_msg` is in host order but for ports and addresses; so are
//! its attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    AF_INET, AF_INET6, Endpoint, INET_DIAG_CGROUP_ID, INET_DIAG_CONG, INET_DIAG_INFO,
    INET_DIAG_PROTOCOL, INET_DIAG_SKV6ONLY, RAW, SOCK_DIAG_BY_FAMILY, Socket, SocketState,
};
use crate::flow::{Congestion, Family, Protocol, TcpFigures};
use crate::netlink::wire::{Message, attributes};

/// Length of `struct inet_diag_msg`, which precedes the attributes.
const INET_DIAG_MSG_LEN: usize = 72;

/// What was odd about decoded messages. None of it stops decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Messages about no socket that can be named.
    pub unusable: u64,
    /// Attributes whose length is not that of their type; treated as absent.
    pub malformed: u64,
}

/// Which part of the kernel a message came from, and so what it leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An answer to a question about this protocol.
    Answer(Protocol),
    /// From a multicast group: the last word about a socket that goes. It says
    /// its protocol itself, and neither inode nor user.
    Destroyed,
}

/// Decodes one message. `None`, counted in `problems`, if it names no socket; a
/// message of another type than [`SOCK_DIAG_BY_FAMILY`] gives `None` as well.
pub fn decode(message: &Message<'_>, source: Source, problems: &mut Problems) -> Option<Socket> {
    let (mut socket, figures) = decode_apart(message, source, problems)?;
    socket.tcp = figures.map(Box::new);
    Some(socket)
}

/// As [`decode`], with the figures beside the socket rather than in it: whoever
/// only compares them needs no memory for that.
pub(super) fn decode_apart(
    message: &Message<'_>,
    source: Source,
    problems: &mut Problems,
) -> Option<(Socket, Option<TcpFigures>)> {
    if message.kind != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let Some(mut socket) = fixed(message.payload) else {
        problems.unusable += 1;
        return None;
    };
    let mut said_protocol = None;
    let mut figures: Option<TcpFigures> = None;
    let mut congestion = None;
    let body = message.payload.get(INET_DIAG_MSG_LEN..).unwrap_or_default();
    let mut walk = attributes(body);
    for attribute in walk.by_ref() {
        let fits = match attribute.kind {
            INET_DIAG_INFO => {
                figures = Some(tcp_figures(attribute.payload));
                true
            }
            INET_DIAG_CONG => {
                congestion = attribute.text().and_then(Congestion::new);
                congestion.is_some()
            }
            INET_DIAG_PROTOCOL => {
                said_protocol = attribute.u8();
                said_protocol.is_some()
            }
            INET_DIAG_SKV6ONLY => attribute.u8().is_some_and(|only| {
                socket.v6_only = only != 0;
                true
            }),
            INET_DIAG_CGROUP_ID => attribute.ne64().is_some_and(|id| {
                socket.cgroup_id = Some(id);
                true
            }),
            _ => true,
        };
        problems.malformed += u64::from(!fits);
    }
    problems.malformed += u64::from(walk.leftover() > 0);
    match source {
        // Of a raw socket the attribute says what its port says.
        Source::Answer(proto) => socket.proto = proto,
        Source::Destroyed => {
            let Some(number) = said_protocol else {
                problems.unusable += 1;
                return None;
            };
            socket.proto = Protocol(number);
            socket.inode = None;
            socket.uid = None;
        }
    }
    // Of a listener the structure says other things than figures.
    let has_figures = socket.proto == Protocol::TCP && socket.state != SocketState::LISTEN;
    if let Some(figures) = &mut figures {
        if let Source::Answer(_) = source {
            figures.receive_queue_bytes = ne32(message.payload, 56);
            figures.send_queue_bytes = ne32(message.payload, 60);
        }
        figures.congestion = congestion;
    }
    Some((socket, figures.filter(|_| has_figures)))
}

/// What the fixed structure says.
fn fixed(payload: &[u8]) -> Option<Socket> {
    let &[family, state, _timer, _retrans] = payload.first_chunk()?;
    let family = match family {
        AF_INET => Family::Ipv4,
        AF_INET6 => Family::Ipv6,
        _ => return None,
    };
    let state = SocketState(state);
    let be16 = |at| Some(u16::from_be_bytes(bytes(payload, at)?));
    let end = |address, port| {
        Some(Endpoint::new(
            ip(family, bytes(payload, address)?),
            be16(port)?,
        ))
    };
    let (local, remote) = (end(8, 4)?, end(24, 6)?);
    let interface = ne32(payload, 40)?;
    let cookie = u64::from(ne32(payload, 48)?) << 32 | u64::from(ne32(payload, 44)?);
    let uid = ne32(payload, 64)?;
    let inode = ne32(payload, 68)?;
    // The kernel writes 0 for what is no socket yet or no more.
    let has_user = uid != 0
        || inode != 0
        || !matches!(
            state,
            SocketState::SYN_RECV | SocketState::FIN_WAIT2 | SocketState::TIME_WAIT
        );
    Some(Socket {
        // Said by whoever knows; see `decode`.
        proto: RAW,
        family,
        v6_only: false,
        state,
        local,
        remote,
        interface: (interface != 0).then_some(interface),
        inode: (inode != 0).then_some(inode),
        cookie: (cookie != 0 && cookie != u64::MAX).then_some(cookie),
        uid: has_user.then_some(uid),
        cgroup_id: None,
        tcp: None,
    })
}

fn ip(family: Family, bytes: [u8; 16]) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into(),
        Family::Ipv6 => Ipv6Addr::from(bytes).into(),
    }
}

/// `struct tcp_info` as far as this kernel fills it: it only ever grew.
fn tcp_figures(info: &[u8]) -> TcpFigures {
    let u32_at = |at| ne32(info, at);
    let u64_at = |at| bytes(info, at).map(u64::from_ne_bytes);
    // No measurement yet: the kernel writes 0, or for the minimum all ones.
    let measured = |us: Option<u32>| us.filter(|us| *us != 0 && *us != u32::MAX);
    TcpFigures {
        rtt_us: measured(u32_at(68)),
        min_rtt_us: measured(u32_at(148)),
        retransmits: u32_at(100),
        cwnd: u32_at(80),
        delivery_rate_bytes_per_sec: u64_at(160).filter(|rate| *rate != 0),
        bytes_acked: u64_at(120),
        bytes_received: u64_at(128),
        bytes_sent: u64_at(200),
        bytes_retransmitted: u64_at(208),
        segments_out: u32_at(136),
        segments_in: u32_at(140),
        send_queue_bytes: None,
        receive_queue_bytes: None,
        congestion: None,
    }
}

fn bytes<const N: usize>(from: &[u8], at: usize) -> Option<[u8; N]> {
    from.get(at..)?.first_chunk().copied()
}

fn ne32(from: &[u8], at: usize) -> Option<u32> {
    bytes(from, at).map(u32::from_ne_bytes)
}
