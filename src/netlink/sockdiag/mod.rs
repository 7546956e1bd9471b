//! Sockets of a network namespace, told by `NETLINK_SOCK_DIAG`
//! (`linux/inet_diag.h`). Needs no privilege.
//!
//! [`Diag`] asks: for all sockets of a protocol, or for the one at the end of a
//! flow. [`Destroyed`] hears of those that go. [`proc_net`] reads the kernel's
//! text tables, for kinds of sockets that it does not tell of over netlink.
//! [`decode()`] and [`request`] are the bytes of both, without a socket.

pub mod decode;
mod destroyed;
mod diag;
pub mod proc_net;
pub mod request;

use std::io;
use std::net::IpAddr;

pub use decode::{Problems, decode};
pub use destroyed::{Destroyed, Drained};
pub use diag::Diag;

use crate::flow::{Family, Protocol, TcpFigures};

/// `SOCK_DIAG_BY_FAMILY`: a question, an answer, or word of a socket that goes.
pub const SOCK_DIAG_BY_FAMILY: u16 = 20;

/// What stands for the protocol of every raw socket (`IPPROTO_RAW`): which one
/// it speaks is the port of its own end.
pub const RAW: Protocol = Protocol(255);

const INET_DIAG_INFO: u16 = 2;
const INET_DIAG_CONG: u16 = 4;
const INET_DIAG_PROTOCOL: u16 = 10;
const INET_DIAG_SKV6ONLY: u16 = 11;
const INET_DIAG_CGROUP_ID: u16 = 21;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Why the kernel did not tell of its sockets.
#[derive(Debug, thiserror::Error)]
pub enum DiagError {
    /// It has nobody who knows sockets of this protocol and family: a module
    /// is missing, or the protocol itself is. There may be text tables
    /// ([`proc_net`]).
    #[error("this kernel does not tell of {proto} sockets of {}", family.name())]
    NoHandler {
        /// What was asked for.
        proto: Protocol,
        /// What was asked for.
        family: Family,
    },
    /// What was asked for changed under every attempt to tell it.
    #[error("asking the kernel about its sockets: they changed under each attempt")]
    Interrupted,
    /// Anything else.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

/// One end of a socket: address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The address; an IPv4-mapped one as IPv4. Unspecified for any.
    pub address: IpAddr,
    /// The port; 0 for none. ICMP sockets have their id here, raw sockets
    /// their protocol.
    pub port: u16,
}

impl Endpoint {
    /// An address and a port; an IPv4-mapped address becomes IPv4.
    pub const fn new(address: IpAddr, port: u16) -> Self {
        let address = address.to_canonical();
        Self { address, port }
    }

    /// Whether it names no address.
    pub const fn is_any(self) -> bool {
        self.address.is_unspecified()
    }
}

/// `TCP_ESTABLISHED` and so on of `net/tcp_states.h`; sockets of other
/// protocols use `ESTABLISHED` for connected and `CLOSE` for not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketState(pub u8);

impl SocketState {
    /// `TCP_ESTABLISHED`: connected.
    pub const ESTABLISHED: Self = Self(1);
    /// `TCP_SYN_SENT`.
    pub const SYN_SENT: Self = Self(2);
    /// `TCP_SYN_RECV`, also of one that no process has yet
    /// (`TCP_NEW_SYN_RECV`).
    pub const SYN_RECV: Self = Self(3);
    /// `TCP_FIN_WAIT1`.
    pub const FIN_WAIT1: Self = Self(4);
    /// `TCP_FIN_WAIT2`: often the socket is gone by then, as in `TIME_WAIT`.
    pub const FIN_WAIT2: Self = Self(5);
    /// `TCP_TIME_WAIT`: the socket is gone, and has no inode.
    pub const TIME_WAIT: Self = Self(6);
    /// `TCP_CLOSE`: not connected.
    pub const CLOSE: Self = Self(7);
    /// `TCP_CLOSE_WAIT`.
    pub const CLOSE_WAIT: Self = Self(8);
    /// `TCP_LAST_ACK`.
    pub const LAST_ACK: Self = Self(9);
    /// `TCP_LISTEN`: no connection, but waits for some.
    pub const LISTEN: Self = Self(10);
    /// `TCP_CLOSING`.
    pub const CLOSING: Self = Self(11);

    /// Whether the other end of a TCP connection has closed: its FIN is here,
    /// which the kernel counts as a byte received.
    pub const fn is_closed_by_other(self) -> bool {
        matches!(
            self,
            Self::CLOSE_WAIT | Self::LAST_ACK | Self::CLOSING | Self::TIME_WAIT
        )
    }
}

/// A socket as the kernel tells of it (`struct inet_diag_msg`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// Transport protocol.
    pub proto: Protocol,
    /// The family the socket was made for: one of IPv6 may carry IPv4.
    pub family: Family,
    /// Whether a socket of IPv6 refuses IPv4 (`INET_DIAG_SKV6ONLY`).
    pub v6_only: bool,
    /// Its state.
    pub state: SocketState,
    /// Our end.
    pub local: Endpoint,
    /// The other end; unspecified and 0 for a socket that is not connected.
    pub remote: Endpoint,
    /// Index of the interface it is bound to.
    pub interface: Option<u32>,
    /// Inode: what `/proc/PID/fd` shows. Absent for a socket that no process
    /// holds any more.
    pub inode: Option<u32>,
    /// Cookie: names the socket until the next boot. What is left of it in
    /// `TIME_WAIT` has it too, if somebody had asked about the socket before;
    /// otherwise one of its own. Text tables do not have it.
    pub cookie: Option<u64>,
    /// Effective user of the process that made it. The kernel does not say it
    /// of what has no process yet or no more: `SYN_RECV`, `TIME_WAIT`, the
    /// last word about a socket.
    pub uid: Option<u32>,
    /// Inode of its cgroup (`INET_DIAG_CGROUP_ID`).
    pub cgroup_id: Option<u64>,
    /// Figures of a TCP connection, if they were asked for.
    pub tcp: Option<Box<TcpFigures>>,
}

impl Socket {
    /// Whether it speaks with one other end, and so is an end of a flow.
    pub const fn is_connected(&self) -> bool {
        !self.remote.is_any() && self.remote.port != 0 && self.state.0 != SocketState::LISTEN.0
    }
}
