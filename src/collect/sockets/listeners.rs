//! Where somebody waits: what tells which end of a connection began it.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::flow::{Family, Protocol};
use crate::netlink::sockdiag::{Endpoint, Socket};

/// Ends of this machine that wait for others: TCP sockets that listen, UDP
/// sockets that are bound and not connected.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    at: HashSet<(Protocol, Endpoint)>,
    /// At any address of a family.
    anywhere: HashSet<(Protocol, Family, u16)>,
}

impl Listeners {
    pub(super) fn clear(&mut self) {
        self.at.clear();
        self.anywhere.clear();
    }

    /// Adds a socket that waits.
    pub(super) fn add(&mut self, socket: &Socket) {
        let Endpoint { address, port } = socket.local;
        if port == 0 {
            return;
        }
        if !address.is_unspecified() {
            self.at.insert((socket.proto, socket.local));
            return;
        }
        let family = family(address);
        self.anywhere.insert((socket.proto, family, port));
        if family == Family::Ipv6 && !socket.v6_only {
            self.anywhere.insert((socket.proto, Family::Ipv4, port));
        }
    }

    /// Whether somebody waits at this end.
    pub(super) fn wait_at(&self, proto: Protocol, end: Endpoint) -> bool {
        self.at.contains(&(proto, end))
            || self
                .anywhere
                .contains(&(proto, family(end.address), end.port))
    }
}

const fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::Ipv4,
        IpAddr::V6(_) => Family::Ipv6,
    }
}
