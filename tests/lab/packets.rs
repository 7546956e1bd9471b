//! Packets made by hand, for protocols the kernel may have no sockets for.
#![expect(unsafe_code, reason = "std cannot open raw sockets")]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{FromRawFd, OwnedFd};

use flowtop::flow::Protocol;

use super::PATIENCE;
use super::namespace::Host;

/// The larger of what any test sends.
const MTU: usize = 1500;

/// The payload of an IP packet: a header of its protocol and some data.
#[derive(Clone, Debug)]
pub struct Packet {
    protocol: Protocol,
    bytes: Vec<u8>,
    /// Where the Internet checksum over addresses and payload belongs.
    checksum_at: Option<usize>,
}

/// What an SCTP packet carries (RFC 9260, 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Opens an association; names the tag its sender wants to receive.
    Init { tag: u32 },
    /// The answer, with the other end's tag.
    InitAck { tag: u32 },
    /// The third step.
    CookieEcho,
    /// The fourth: the association is established.
    CookieAck,
    /// The first of three steps to the end.
    Shutdown,
    /// The second.
    ShutdownAck,
    /// The third.
    ShutdownComplete,
}

impl Packet {
    /// An echo request: ICMP (RFC 792) or `ICMPv6` (RFC 4443).
    pub fn echo_request(v4: bool, id: u16) -> Self {
        let [high, low] = id.to_be_bytes();
        let kind = if v4 { 8 } else { 128 };
        let mut bytes = vec![kind, 0, 0, 0, high, low, 0, 1];
        bytes.extend_from_slice(b"laboratory");
        if v4 {
            // Unlike the others, this checksum does not cover the addresses.
            let sum = checksum(&bytes);
            bytes[2..4].copy_from_slice(&sum);
        }
        Self {
            protocol: if v4 { Protocol::ICMP } else { Protocol::ICMPV6 },
            bytes,
            checksum_at: (!v4).then_some(2),
        }
    }

    /// An SCTP packet with one chunk. `tag` is the receiver's verification
    /// tag; an `Init` bears 0.
    pub fn sctp(src: u16, dst: u16, tag: u32, chunk: Chunk) -> Self {
        let (kind, init_tag, length) = match chunk {
            Chunk::Init { tag } => (1, Some(tag), 20),
            Chunk::InitAck { tag } => (2, Some(tag), 20),
            Chunk::CookieEcho => (10, None, 8),
            Chunk::CookieAck => (11, None, 4),
            Chunk::Shutdown => (7, None, 8),
            Chunk::ShutdownAck => (8, None, 4),
            Chunk::ShutdownComplete => (14, None, 4),
        };
        let mut bytes = ports(src, dst);
        bytes.extend(tag.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend([kind, 0, 0, length]);
        if let Some(tag) = init_tag {
            bytes.extend(tag.to_be_bytes());
            bytes.extend(65_535u32.to_be_bytes()); // receiver window
            bytes.extend([0, 1, 0, 1]); // streams out and in
            bytes.extend(1u32.to_be_bytes()); // first TSN
        }
        bytes.resize(12 + usize::from(length), 0);
        let crc = crc32c(&bytes).to_le_bytes();
        bytes[8..12].copy_from_slice(&crc);
        Self {
            protocol: Protocol::SCTP,
            bytes,
            checksum_at: None,
        }
    }

    /// A DCCP-Request (RFC 4340, 5.1 and 5.2).
    pub fn dccp_request(src: u16, dst: u16) -> Self {
        Self::dccp(src, dst, 0, &[0, 0, 0, 42])
    }

    /// A DCCP-Response (RFC 4340, 5.1 and 5.3).
    pub fn dccp_response(src: u16, dst: u16) -> Self {
        // Acknowledges sequence number 1 and repeats the service code.
        Self::dccp(src, dst, 1, &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 42])
    }

    fn dccp(src: u16, dst: u16, kind: u8, rest: &[u8]) -> Self {
        let mut bytes = ports(src, dst);
        let words = (16 + rest.len()) as u8 / 4;
        // Data offset, coverage (all), checksum, type with long sequence
        // numbers, sequence number 1.
        bytes.extend([words, 0, 0, 0, kind << 1 | 1, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend_from_slice(rest);
        Self {
            protocol: Protocol::DCCP,
            bytes,
            checksum_at: Some(6),
        }
    }

    /// A UDP-Lite datagram whose checksum covers all of it (RFC 3828).
    ///
    /// Conntrack calls it invalid and makes no flow while the sysctl
    /// `nf_conntrack_checksum` is 1: it sums the pseudo-header with UDP's
    /// protocol number (measured on 6.18, where a UDP-Lite socket accepts the
    /// same datagram).
    pub fn udplite(src: u16, dst: u16, payload: &[u8]) -> Self {
        let mut bytes = ports(src, dst);
        bytes.extend([0; 4]);
        bytes.extend_from_slice(payload);
        Self {
            protocol: Protocol::UDPLITE,
            bytes,
            checksum_at: Some(6),
        }
    }

    /// A GRE packet without options or key (RFC 2784).
    pub fn gre(payload: &[u8]) -> Self {
        // No flags, version 0; the payload claims to be IPv4.
        let header = [0, 0, 0x08, 0];
        Self::opaque(Protocol::GRE, [&header, payload].concat())
    }

    /// An ESP packet of a security association (RFC 4303).
    pub fn esp(spi: u32, sequence: u32, payload: &[u8]) -> Self {
        let header = [spi.to_be_bytes(), sequence.to_be_bytes()].concat();
        Self::opaque(Protocol(50), [&header, payload].concat())
    }

    /// Any bytes of any protocol.
    pub fn opaque(protocol: Protocol, bytes: Vec<u8>) -> Self {
        Self {
            protocol,
            bytes,
            checksum_at: None,
        }
    }

    /// The protocol it belongs to.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The bytes as they travel between two addresses.
    fn between(&self, src: IpAddr, dst: IpAddr) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if let Some(at) = self.checksum_at {
            // The pseudo-header of RFC 793 and RFC 8200; the sum comes out the
            // same for both layouts.
            let mut summed = match (src, dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => [src.octets(), dst.octets()].concat(),
                (IpAddr::V6(src), IpAddr::V6(dst)) => [src.octets(), dst.octets()].concat(),
                _ => panic!("no packet goes from {src} to {dst}"),
            };
            summed.extend((bytes.len() as u32).to_be_bytes());
            summed.extend([0, self.protocol.0]);
            summed.extend_from_slice(&bytes);
            bytes[at..at + 2].copy_from_slice(&checksum(&summed));
        }
        bytes
    }
}

/// A raw socket of one protocol on a host. While one is open, the host does
/// not answer that protocol with "protocol unreachable".
pub struct RawSocket<'a> {
    host: &'a Host,
    /// A raw socket is driven by the same calls as a UDP socket.
    socket: UdpSocket,
    v4: bool,
}

impl<'a> RawSocket<'a> {
    /// Opens it on a host, for IPv4 or IPv6.
    pub fn open(host: &'a Host, protocol: Protocol, v4: bool) -> Self {
        let family = if v4 { libc::AF_INET } else { libc::AF_INET6 };
        let open = || {
            let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
            // SAFETY: socket(2) takes numbers only.
            let fd = unsafe { libc::socket(family, kind, i32::from(protocol.0)) };
            if fd == -1 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the kernel has just given us this descriptor.
            Ok(UdpSocket::from(unsafe { OwnedFd::from_raw_fd(fd) }))
        };
        let socket = host
            .enter(open)
            .unwrap_or_else(|e| panic!("no raw {protocol} socket on {}: {e}", host.name()));
        socket.set_read_timeout(Some(PATIENCE)).expect("not zero");
        Self { host, socket, v4 }
    }

    /// Sends a packet from the address that the host's routes choose.
    pub fn send(&self, to: IpAddr, packet: &Packet) {
        // A raw socket has no port; 0 says so.
        let to = SocketAddr::new(to, 0);
        self.source(to)
            .and_then(|src| self.socket.send_to(&packet.between(src, to.ip()), to))
            .unwrap_or_else(|e| {
                let (name, protocol) = (self.host.name(), packet.protocol);
                panic!("cannot send {protocol} from {name} to {}: {e}", to.ip())
            });
    }

    /// The address from which the host speaks to another.
    fn source(&self, to: SocketAddr) -> io::Result<IpAddr> {
        let any: SocketAddr = if self.v4 {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let probe = self.host.enter(|| UdpSocket::bind(any))?;
        // Any port: nothing is sent.
        probe.connect(SocketAddr::new(to.ip(), 9))?;
        Ok(probe.local_addr()?.ip())
    }

    /// Waits for the next packet of the protocol, from anybody. Returns its
    /// source and its bytes behind the IP header.
    pub fn receive(&self) -> (IpAddr, Vec<u8>) {
        let mut buffer = vec![0; MTU];
        let (length, from) = self
            .socket
            .recv_from(&mut buffer)
            .unwrap_or_else(|e| panic!("no packet came to {}: {e}", self.host.name()));
        buffer.truncate(length);
        // Only IPv4 sockets show the IP header, whose length is in words.
        let header = if self.v4 {
            usize::from(buffer[0] & 15) * 4
        } else {
            0
        };
        (from.ip(), buffer.split_off(header))
    }
}

/// A talk by hand between two hosts: each packet has arrived before the next
/// is sent.
pub struct Talk<'a> {
    client: RawSocket<'a>,
    server: RawSocket<'a>,
    /// As the client knows the server.
    target: IpAddr,
    /// As the server knows the client.
    caller: Option<IpAddr>,
}

impl<'a> Talk<'a> {
    /// Prepares both ends. `target` is the server's address, or one that
    /// somebody on the way translates.
    pub fn new(client: &'a Host, server: &'a Host, target: &str, protocol: Protocol) -> Self {
        let target: IpAddr = target.parse().unwrap_or_else(|e| panic!("{target}: {e}"));
        let v4 = target.is_ipv4();
        Self {
            client: RawSocket::open(client, protocol, v4),
            server: RawSocket::open(server, protocol, v4),
            target,
            caller: None,
        }
    }

    /// A packet to the server.
    pub fn request(&mut self, packet: &Packet) {
        self.client.send(self.target, packet);
        self.caller = Some(self.server.receive().0);
    }

    /// A packet to the client, which must have sent one before.
    pub fn answer(&self, packet: &Packet) {
        let caller = self.caller.expect("a request comes before its answer");
        self.server.send(caller, packet);
        let (from, _) = self.client.receive();
        assert_eq!(from, self.target, "the answer came from somebody else");
    }
}

/// Sets an SCTP association up in four steps. [`shut_down`] ends it.
pub fn associate<'a>(
    client: &'a Host,
    server: &'a Host,
    target: &str,
    ports: [u16; 2],
) -> Talk<'a> {
    let [near, far] = ports;
    let mut talk = Talk::new(client, server, target, Protocol::SCTP);
    talk.request(&Packet::sctp(near, far, 0, Chunk::Init { tag: CLIENT_TAG }));
    talk.answer(&Packet::sctp(
        far,
        near,
        CLIENT_TAG,
        Chunk::InitAck { tag: SERVER_TAG },
    ));
    talk.request(&Packet::sctp(near, far, SERVER_TAG, Chunk::CookieEcho));
    talk.answer(&Packet::sctp(far, near, CLIENT_TAG, Chunk::CookieAck));
    talk
}

/// Ends an SCTP association made by [`associate`] with the same ports.
pub fn shut_down(mut talk: Talk, ports: [u16; 2]) {
    let [near, far] = ports;
    talk.request(&Packet::sctp(near, far, SERVER_TAG, Chunk::Shutdown));
    talk.answer(&Packet::sctp(far, near, CLIENT_TAG, Chunk::ShutdownAck));
    talk.request(&Packet::sctp(
        near,
        far,
        SERVER_TAG,
        Chunk::ShutdownComplete,
    ));
}

/// The verification tags that the ends of an association choose.
const CLIENT_TAG: u32 = 0x1111_1111;
const SERVER_TAG: u32 = 0x2222_2222;

fn ports(src: u16, dst: u16) -> Vec<u8> {
    [src.to_be_bytes(), dst.to_be_bytes()].concat()
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// `CRC32c`, the checksum of SCTP (RFC 9260, appendix A), bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (carry * 0x82f6_3b78);
        }
    }
    !crc
}
