//! Netlink sockets: neli's, with the options that a busy listener needs and
//! neli does not have. The only place in the crate with `unsafe`.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

use super::NetlinkError;

/// `SK_MEMINFO_DROPS` of `linux/sock_diag.h`.
const SK_MEMINFO_DROPS: usize = 8;
/// `NETLINK_GET_STRICT_CHK` of `linux/netlink.h`.
const NETLINK_GET_STRICT_CHK: libc::c_int = 12;

/// A netlink socket of the network namespace of the thread that opened it.
pub struct Socket(NlSocket);

/// Which part of the kernel a socket talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bus {
    /// `NETLINK_NETFILTER`: connection tracking, nftables.
    Netfilter,
    /// `NETLINK_SOCK_DIAG`: sockets and what they count.
    SockDiag,
    /// `NETLINK_ROUTE`: links, addresses, routes, neighbours.
    Route,
}

/// A receive buffer as the kernel granted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveBuffer {
    /// Bytes of kernel memory; about 1,280 of them hold one event.
    pub bytes: usize,
    /// Whether it is smaller than asked: `net.core.rmem_max` caps it for a
    /// process without `CAP_NET_ADMIN` in the initial user namespace.
    pub capped: bool,
}

/// What [`Socket::wait`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// The socket has something to read.
    pub socket: bool,
    /// The other descriptor has, or its far end is closed.
    pub other: bool,
}

impl Socket {
    /// Opens a socket to nfnetlink.
    pub fn open() -> Result<Self, NetlinkError> {
        NlSocket::connect(NlFamily::Netfilter, None, Groups::empty())
            .map(Self)
            .map_err(|e| NetlinkError::new("opening a netlink socket to netfilter", e))
    }

    /// Opens a socket to any part of the kernel, which need not be privileged.
    pub fn open_to(bus: Bus) -> io::Result<Self> {
        let family = match bus {
            Bus::Netfilter => NlFamily::Netfilter,
            Bus::SockDiag => NlFamily::SockOrInetDiag,
            Bus::Route => NlFamily::Route,
        };
        NlSocket::connect(family, None, Groups::empty()).map(Self)
    }

    /// Joins a multicast group by its number.
    pub fn join_group(&self, group: u32) -> io::Result<()> {
        self.0.add_mcast_membership(Groups::new_groups(&[group]))
    }

    /// Joins a multicast group (`NFNLGRP_*` of `linux/netfilter/nfnetlink_compat.h`).
    pub fn join(&self, group: u32) -> Result<(), NetlinkError> {
        self.0
            .add_mcast_membership(Groups::new_groups(&[group]))
            .map_err(|e| NetlinkError::new("subscribing to connection tracking events", e))
    }

    /// Leaves a multicast group.
    pub fn leave(&self, group: u32) -> io::Result<()> {
        self.0.drop_mcast_membership(Groups::new_groups(&[group]))
    }

    /// Sends requests: one, or several behind one another.
    pub fn send(&self, requests: &[u8]) -> io::Result<()> {
        self.0.send(requests, Msg::empty()).map(drop)
    }

    /// Reads one datagram and waits for it.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.recv(&mut *buffer, Msg::empty()) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => return other.map(|(len, _)| len),
            }
        }
    }

    /// Reads one datagram if there is one.
    pub fn recv_now(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.0.recv(buffer, Msg::DONTWAIT) {
            Ok((len, _)) => Ok(Some(len)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Asks for a receive buffer of `bytes`, past `net.core.rmem_max` where the
    /// process may, and tells what it got. The kernel books about twice what it
    /// is asked for; the result is what it booked.
    pub fn grow_receive_buffer(&self, bytes: usize) -> io::Result<ReceiveBuffer> {
        let size = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        if self
            .set_option(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, size)
            .is_err()
        {
            self.set_option(libc::SOL_SOCKET, libc::SO_RCVBUF, size)?;
        }
        let mut granted: libc::c_int = 0;
        self.get_option(libc::SO_RCVBUF, std::slice::from_mut(&mut granted))?;
        let granted = usize::try_from(granted).unwrap_or(0);
        Ok(ReceiveBuffer {
            bytes: granted,
            capped: granted < bytes,
        })
    }

    /// `NETLINK_NO_ENOBUFS`: when events are lost the kernel neither reports an
    /// error nor drops what still fits; [`Socket::drops`] tells how many.
    pub fn ignore_overrun(&self) -> io::Result<()> {
        self.set_option(libc::SOL_NETLINK, libc::NETLINK_NO_ENOBUFS, 1)
    }

    /// `NETLINK_GET_STRICT_CHK` (Linux 4.20): the kernel respects what a request
    /// for a dump asks for, rather than to dump all there is.
    pub fn check_strictly(&self) -> io::Result<()> {
        self.set_option(libc::SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1)
    }

    /// How many messages the kernel has dropped at this socket so far, exactly
    /// (`SO_MEMINFO`). Wraps at 2^32.
    pub fn drops(&self) -> io::Result<u32> {
        let mut meminfo = [0u32; SK_MEMINFO_DROPS + 1];
        self.get_option(libc::SO_MEMINFO, &mut meminfo)?;
        Ok(meminfo[SK_MEMINFO_DROPS])
    }

    /// Waits until this socket or `other` has something to read, or `timeout`
    /// is over.
    pub fn wait(&self, other: BorrowedFd<'_>, timeout: Duration) -> io::Result<Ready> {
        let watch = |fd: RawFd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut fds = [watch(self.0.as_raw_fd()), watch(other.as_raw_fd())];
        let millis = libc::c_int::try_from(timeout.as_millis()).unwrap_or(libc::c_int::MAX);
        #[expect(unsafe_code, reason = "poll(2) has no safe wrapper in std")]
        // SAFETY: `fds` is an array of two valid pollfd for the whole call.
        let result = unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
        if result < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        Ok(Ready {
            socket: fds[0].revents != 0,
            other: fds[1].revents != 0,
        })
    }

    fn set_option(&self, level: i32, name: i32, value: libc::c_int) -> io::Result<()> {
        #[expect(
            unsafe_code,
            reason = "setsockopt(2) has no safe wrapper in std or neli"
        )]
        // SAFETY: the pointer and the length describe `value`, which outlives
        // the call.
        let result = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                level,
                name,
                (&raw const value).cast(),
                mem::size_of_val(&value) as libc::socklen_t,
            )
        };
        check(result)
    }

    /// Reads a `SOL_SOCKET` option that is an array of integers.
    fn get_option<T: Copy>(&self, name: i32, value: &mut [T]) -> io::Result<()> {
        let mut len = mem::size_of_val(value) as libc::socklen_t;
        #[expect(
            unsafe_code,
            reason = "getsockopt(2) has no safe wrapper in std or neli"
        )]
        // SAFETY: the kernel writes at most `len` bytes to `value`, which is
        // exactly that long; the element types in use are plain integers.
        let result = unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_SOCKET,
                name,
                value.as_mut_ptr().cast(),
                &raw mut len,
            )
        };
        check(result)
    }
}

/// Moves the calling thread to a network namespace: setns(2).
pub(super) fn enter_network(namespace: BorrowedFd<'_>) -> io::Result<()> {
    #[expect(unsafe_code, reason = "setns(2) has no safe wrapper in std")]
    // SAFETY: the call takes a descriptor, which is open, and a flag.
    let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    check(result)
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
