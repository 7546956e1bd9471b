//! The last word of sockets that go.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::decode::Source;
use super::{DiagError, Problems, Socket, decode};
use crate::netlink::is_overrun;
use crate::netlink::socket::{Bus, Ready, ReceiveBuffer, Socket as Netlink};
use crate::netlink::wire::messages;

/// `SKNLGRP_INET_TCP_DESTROY`, `SKNLGRP_INET_UDP_DESTROY` (UDP-Lite as well)
/// and the same of IPv6 (`linux/sock_diag.h`).
const GROUPS: [u32; 4] = [1, 2, 3, 4];

/// Hears of each TCP and UDP socket of a network namespace that goes: that of
/// the thread that opened it, whichever thread uses it later. Needs no
/// privilege.
///
/// The kernel sends these words from a queue of its own: when a question is
/// answered with "no such socket", the word may be yet to come. A TCP socket
/// goes when its connection enters `TIME_WAIT`, or `FIN_WAIT2` after its
/// process has closed it; what is left there is no socket, and goes without a
/// word.
pub struct Destroyed {
    socket: Netlink,
    buffer: ReceiveBuffer,
    datagram: Vec<u8>,
    drops: u32,
    problems: Problems,
}

/// What was there to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Whether nothing is left.
    pub empty: bool,
    /// How many words the kernel dropped since the last time.
    pub lost: u32,
}

impl Destroyed {
    /// Listens from now on. `buffer_bytes` of the kernel's memory are to hold
    /// what waits to be read; a word takes about 1,280.
    ///
    /// # Errors
    /// If the kernel has no `NETLINK_SOCK_DIAG` or refuses one of the groups
    /// (they are there since Linux 4.3).
    pub fn listen(buffer_bytes: usize) -> Result<Self, DiagError> {
        let failed = |source| DiagError::Io {
            action: "listening for sockets that go",
            source,
        };
        let socket = Netlink::open_to(Bus::SockDiag).map_err(failed)?;
        let buffer = socket.grow_receive_buffer(buffer_bytes).map_err(failed)?;
        socket.ignore_overrun().map_err(failed)?;
        for group in GROUPS {
            socket.join_group(group).map_err(failed)?;
        }
        let drops = socket.drops().map_err(failed)?;
        Ok(Self {
            socket,
            buffer,
            datagram: vec![0; 8 << 10],
            drops,
            problems: Problems::default(),
        })
    }

    /// The receive buffer as granted.
    pub const fn buffer(&self) -> ReceiveBuffer {
        self.buffer
    }

    /// Waits until there is something to hear, `other` can be read, or `timeout`
    /// is over.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn wait(&self, other: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        self.socket.wait(other, timeout)
    }

    /// Hands `each` what can be heard now, at most `limit` sockets. They have
    /// their ends, state and cookie, neither inode nor user; those of TCP their
    /// final figures. One that lost its other end first (a refused connection)
    /// has none.
    ///
    /// # Errors
    /// Those of recv(2).
    pub fn drain(
        &mut self,
        limit: usize,
        each: &mut impl FnMut(Socket),
    ) -> Result<Drained, DiagError> {
        let failed = |source| DiagError::Io {
            action: "hearing of sockets that go",
            source,
        };
        let mut empty = false;
        for _ in 0..limit {
            let len = match self.socket.recv_now(&mut self.datagram) {
                Ok(Some(len)) => len,
                Ok(None) => {
                    empty = true;
                    break;
                }
                // Not expected with NETLINK_NO_ENOBUFS; the count says the rest.
                Err(e) if is_overrun(&e) => continue,
                Err(e) => return Err(failed(e)),
            };
            for message in messages(&self.datagram[..len]) {
                if let Some(socket) = decode(&message, Source::Destroyed, &mut self.problems) {
                    each(socket);
                }
            }
        }
        let drops = self.socket.drops().map_err(failed)?;
        let lost = drops.wrapping_sub(self.drops);
        self.drops = drops;
        Ok(Drained { empty, lost })
    }
}
