//! Sockets of a network namespace, told by `NETLINK_SOCK_DIAG`
//! (`linux/inet_diag.h`). Needs no privilege.

use std::net::IpAddr;

use crate::flow::{Family, Protocol, TcpFigures};

/// One end of a socket: address and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The address; an IPv4-mapped one as IPv4. Unspecified for any.
    pub address: IpAddr,
    /// The port; 0 for none. ICMP sockets have their id here, raw sockets
    /// their protocol.
    pub port: u16,
}

/// `TCP_ESTABLISHED` and so on of `net/tcp_states.h`; sockets of other
/// protocols use `ESTABLISHED` for connected and `CLOSE` for not connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketState(pub u8);

impl SocketState {
    /// `TCP_ESTABLISHED`: connected.
    pub const ESTABLISHED: Self = Self(1);
    /// `TCP_TIME_WAIT`: the socket is gone, and has no inode.
    pub const TIME_WAIT: Self = Self(6);
    /// `TCP_CLOSE`: not connected.
    pub const CLOSE: Self = Self(7);
    /// `TCP_LISTEN`: no connection, but waits for some.
    pub const LISTEN: Self = Self(10);
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
    /// Cookie: names the socket until the next boot.
    pub cookie: u64,
    /// Effective user of the process that made it.
    pub uid: u32,
    /// Inode of its cgroup (`INET_DIAG_CGROUP_ID`).
    pub cgroup_id: Option<u64>,
    /// Figures of a TCP connection, if they were asked for.
    pub tcp: Option<Box<TcpFigures>>,
}
