//! Questions to `NETLINK_SOCK_DIAG` (`struct inet_diag_req_v2`).

use std::net::IpAddr;

use super::{
    AF_INET, AF_INET6, Endpoint, INET_DIAG_CONG, INET_DIAG_INFO, SOCK_DIAG_BY_FAMILY, SocketState,
};
use crate::flow::{Family, Protocol};
use crate::netlink::wire::{NLM_F_DUMP, Requests};

/// `INET_DIAG_NOCOOKIE`, both halves: any socket will do.
const NO_COOKIE: u64 = u64::MAX;

/// Which states to tell of: bit n for state n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct States(u32);

impl States {
    /// All of sockets that are in use, `TCP_ESTABLISHED` to `TCP_NEW_SYN_RECV`.
    /// One that is merely bound (`TCP_BOUND_INACTIVE`) is not.
    pub const ALL: Self = Self(0x1ffe);

    /// One state.
    pub const fn only(state: SocketState) -> Self {
        Self(1 << (state.0 & 31))
    }

    /// All of these but one.
    #[must_use]
    pub const fn without(self, state: SocketState) -> Self {
        Self(self.0 & !Self::only(state).0)
    }
}

/// The socket a question is about: `struct inet_diag_sockid`.
struct Identity {
    src: Endpoint,
    dst: Endpoint,
    interface: u32,
}

/// Adds a request for all sockets of a protocol and family. `figures` asks for
/// the figures of TCP and the name of the congestion control.
pub fn dump(
    requests: &mut Requests,
    seq: u32,
    proto: Protocol,
    family: Family,
    figures: bool,
    states: States,
) {
    let any = Endpoint::new(
        match family {
            Family::Ipv4 => IpAddr::from([0; 4]),
            Family::Ipv6 => IpAddr::from([0; 16]),
        },
        0,
    );
    let identity = Identity {
        src: any,
        dst: any,
        interface: 0,
    };
    let header = request(proto, family, figures, states, &identity);
    requests.message_with(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, seq, &header);
}

/// Adds a request for the socket with these ends, as the kernel finds the one
/// that a packet is for. `interface` is that of the packet, if one matters: a
/// socket that is bound to an interface is found by none other.
pub fn lookup(
    requests: &mut Requests,
    seq: u32,
    proto: Protocol,
    local: Endpoint,
    remote: Endpoint,
    interface: Option<u32>,
) {
    let family = match local.address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    };
    // "src and dst are swapped for historical reasons" (net/ipv4/udp_diag.c):
    // as in the packet that would arrive.
    let (src, dst) = match proto {
        Protocol::UDP | Protocol::UDPLITE => (remote, local),
        _ => (local, remote),
    };
    let interface = interface.unwrap_or(0);
    let identity = Identity {
        src,
        dst,
        interface,
    };
    let header = request(proto, family, true, States::ALL, &identity);
    requests.message_with(SOCK_DIAG_BY_FAMILY, 0, seq, &header);
}

fn request(
    proto: Protocol,
    family: Family,
    figures: bool,
    states: States,
    identity: &Identity,
) -> [u8; 56] {
    let mut header = [0; 56];
    let extensions = if figures {
        1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1)
    } else {
        0
    };
    header[0] = match family {
        Family::Ipv4 => AF_INET,
        Family::Ipv6 => AF_INET6,
    };
    header[1] = proto.0;
    header[2] = extensions;
    header[4..8].copy_from_slice(&states.0.to_ne_bytes());
    header[8..10].copy_from_slice(&identity.src.port.to_be_bytes());
    header[10..12].copy_from_slice(&identity.dst.port.to_be_bytes());
    write_address(&mut header[12..28], identity.src.address);
    write_address(&mut header[28..44], identity.dst.address);
    header[44..48].copy_from_slice(&identity.interface.to_ne_bytes());
    header[48..56].copy_from_slice(&NO_COOKIE.to_ne_bytes());
    header
}

fn write_address(to: &mut [u8], address: IpAddr) {
    match address {
        IpAddr::V4(ip) => to[..4].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => to.copy_from_slice(&ip.octets()),
    }
}
