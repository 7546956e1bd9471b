//! Asking the kernel about its sockets.

use std::io;

use super::decode::Source;
use super::request::States;
use super::{DiagError, Endpoint, Problems, Socket, SocketState, decode, request};
use crate::flow::{Family, Protocol};
use crate::netlink::is_overrun;
use crate::netlink::socket::{Bus, Socket as Netlink};
use crate::netlink::wire::{NLMSG_DONE, NLMSG_ERROR, Requests, messages};

/// `NLM_F_DUMP_INTR`: what is dumped changed meanwhile in a way that rows can
/// be missing or doubled.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// The kernel fills at most this much per read.
const CHUNK: usize = 32 << 10;
/// How often to begin a dump anew.
const ATTEMPTS: usize = 3;

/// What asks about the sockets of one network namespace: that of the thread
/// that opened it, whichever thread uses it later.
pub struct Diag {
    socket: Netlink,
    seq: u32,
    requests: Requests,
    buffer: Vec<u8>,
    problems: Problems,
}

/// How one attempt at a dump ended.
enum Attempt {
    Complete,
    Interrupted,
}

impl Diag {
    /// Opens a socket to ask with. Needs no privilege.
    ///
    /// # Errors
    /// If the kernel has no `NETLINK_SOCK_DIAG`, or no descriptor is left.
    pub fn open() -> Result<Self, DiagError> {
        let socket = Netlink::open_to(Bus::SockDiag).map_err(|source| DiagError::Io {
            action: "opening a netlink socket to ask about sockets",
            source,
        })?;
        Ok(Self {
            socket,
            seq: 0,
            requests: Requests::new(),
            buffer: vec![0; CHUNK],
            problems: Problems::default(),
        })
    }

    /// Hands `each` the sockets of a protocol and family; those of IPv6 that
    /// carry IPv4 are of IPv6. `figures` asks for those of TCP, at a third more
    /// of the kernel's time. A socket that changes its state meanwhile can be
    /// told twice or not at all: the kernel walks its tables unlocked.
    ///
    /// # Errors
    /// [`DiagError::NoHandler`] if this kernel does not tell of such sockets,
    /// [`DiagError::Interrupted`] if it could not tell of all.
    pub fn dump(
        &mut self,
        proto: Protocol,
        family: Family,
        figures: bool,
        each: &mut impl FnMut(Socket),
    ) -> Result<(), DiagError> {
        self.dump_states(proto, family, figures, States::ALL, each)
    }

    /// As [`Diag::dump`], for sockets in some states: the kernel passes over
    /// the others cheaply.
    ///
    /// # Errors
    /// As [`Diag::dump`].
    pub fn dump_states(
        &mut self,
        proto: Protocol,
        family: Family,
        figures: bool,
        states: States,
        each: &mut impl FnMut(Socket),
    ) -> Result<(), DiagError> {
        for _ in 0..ATTEMPTS {
            self.next_request();
            request::dump(&mut self.requests, self.seq, proto, family, figures, states);
            match self.read_dump(proto, family, each)? {
                Attempt::Complete => return Ok(()),
                Attempt::Interrupted => {}
            }
        }
        Err(DiagError::Interrupted)
    }

    fn read_dump(
        &mut self,
        proto: Protocol,
        family: Family,
        each: &mut impl FnMut(Socket),
    ) -> Result<Attempt, DiagError> {
        self.socket.send(self.requests.bytes()).map_err(failed)?;
        let mut interrupted = false;
        loop {
            let len = match self.socket.recv(&mut self.buffer) {
                Ok(len) => len,
                Err(e) if is_overrun(&e) => return Ok(Attempt::Interrupted),
                Err(e) => return Err(failed(e)),
            };
            for message in messages(&self.buffer[..len]).filter(|m| m.seq == self.seq) {
                interrupted |= message.flags & NLM_F_DUMP_INTR != 0;
                match (message.kind, message.errno()) {
                    (NLMSG_DONE, 0) if interrupted => return Ok(Attempt::Interrupted),
                    (NLMSG_DONE, 0) => return Ok(Attempt::Complete),
                    // A missing handler ends the dump before it began.
                    (NLMSG_DONE | NLMSG_ERROR, errno) => {
                        return Err(refused(errno, proto, family));
                    }
                    _ => {
                        let source = Source::Answer(proto);
                        if let Some(socket) = decode(&message, source, &mut self.problems) {
                            each(socket);
                        }
                    }
                }
            }
        }
    }

    /// The socket that a packet from `remote` to `local` is for, with its
    /// figures. Of TCP only the connection between exactly these two ends,
    /// never a listener; of UDP the one the kernel would choose, which need not
    /// be connected. A socket that is bound to an interface is not found.
    ///
    /// Both ends are of one family; IPv4 finds sockets of IPv6 that carry it.
    ///
    /// # Errors
    /// If the kernel cannot be asked. That it has no such handler is no error:
    /// then there is no such socket.
    pub fn lookup(
        &mut self,
        proto: Protocol,
        local: Endpoint,
        remote: Endpoint,
    ) -> Result<Option<Socket>, DiagError> {
        let found = self.find(proto, local, remote, None)?;
        Ok(found.filter(|socket| {
            proto != Protocol::TCP || is_between(socket, local, remote) && !is_listener(socket)
        }))
    }

    /// As [`Diag::lookup`], with whatever the kernel answers: for TCP, where
    /// there is no such connection, the listener that one would be made by.
    /// `interface` is the one that a socket bound to an interface is found by.
    ///
    /// # Errors
    /// As [`Diag::lookup`].
    pub fn find(
        &mut self,
        proto: Protocol,
        local: Endpoint,
        remote: Endpoint,
        interface: Option<u32>,
    ) -> Result<Option<Socket>, DiagError> {
        if local.address.is_ipv4() != remote.address.is_ipv4() {
            return Ok(None);
        }
        self.next_request();
        request::lookup(
            &mut self.requests,
            self.seq,
            proto,
            local,
            remote,
            interface,
        );
        self.socket.send(self.requests.bytes()).map_err(failed)?;
        loop {
            let len = self.socket.recv(&mut self.buffer).map_err(failed)?;
            let answer = messages(&self.buffer[..len]).find(|m| m.seq == self.seq);
            let Some(message) = answer else {
                continue;
            };
            return match (message.kind, message.errno()) {
                (NLMSG_ERROR, errno) if is_absence(errno) => Ok(None),
                (NLMSG_ERROR, errno) => Err(failed(io::Error::from_raw_os_error(errno))),
                _ => Ok(decode(&message, Source::Answer(proto), &mut self.problems)),
            };
        }
    }

    /// What was odd about the kernel's answers so far.
    pub const fn problems(&self) -> Problems {
        self.problems
    }

    fn next_request(&mut self) {
        self.seq = self.seq.wrapping_add(1).max(1);
        self.requests.clear();
    }
}

fn is_listener(socket: &Socket) -> bool {
    socket.state == SocketState::LISTEN
}

fn is_between(socket: &Socket, local: Endpoint, remote: Endpoint) -> bool {
    socket.local == local && socket.remote == remote
}

fn failed(source: io::Error) -> DiagError {
    DiagError::Io {
        action: "asking the kernel about its sockets",
        source,
    }
}

fn refused(errno: i32, proto: Protocol, family: Family) -> DiagError {
    if is_absence(errno) {
        DiagError::NoHandler { proto, family }
    } else {
        failed(io::Error::from_raw_os_error(errno))
    }
}

/// No handler of the protocol, none of the family; and of one socket, that
/// there is none.
const fn is_absence(errno: i32) -> bool {
    matches!(
        errno,
        libc::ENOENT | libc::EOPNOTSUPP | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT
    )
}
