//! One connected UDP socket per nameserver, for the life of the resolver.
//!
//! The kernel tracks a flow per socket, not per query: so all lookups together
//! are one flow per nameserver, and since the socket is known, it is known
//! which. A connected socket also takes datagrams from its nameserver only and
//! hears of an ICMP "port unreachable".
//!
//! A thread per socket waits for datagrams. It holds the socket weakly between
//! two waits, so it ends, at the next datagram or timeout, when the socket has
//! been given up.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::cache::ServerId;
use super::worker::Event;
use super::{OwnSocket, wire};

/// How often an idle reader looks whether its socket is still wanted.
const LOOK_UP: Duration = Duration::from_secs(2);
/// How long sending may block; it does so only on a choked interface.
const SEND: Duration = Duration::from_millis(100);
/// How long the kernel may show the flow of a closed socket:
/// `nf_conntrack_udp_timeout_stream` is 120 s by default.
const AFTERLIFE: Duration = Duration::from_secs(180);

#[derive(Debug)]
struct Slot {
    id: ServerId,
    server: SocketAddr,
    /// `None` while there is no way to the nameserver.
    socket: Option<(Arc<UdpSocket>, OwnSocket)>,
}

/// The sockets to the nameservers.
#[derive(Debug)]
pub(super) struct Sockets {
    events: SyncSender<Event>,
    slots: Vec<Slot>,
    closed: Vec<(OwnSocket, Instant)>,
    next_id: ServerId,
}

impl Sockets {
    /// No sockets yet; what arrives on them will go to `events`.
    pub(super) fn new(events: SyncSender<Event>) -> Self {
        Self {
            events,
            slots: Vec::new(),
            closed: Vec::new(),
            next_id: 0,
        }
    }

    /// Closes all sockets and opens one to each of `servers`. Returns their ids.
    /// A nameserver without a route counts as one that does not answer.
    pub(super) fn replace(&mut self, servers: &[SocketAddr], now: Instant) -> Vec<ServerId> {
        for slot in std::mem::take(&mut self.slots) {
            self.closed.extend(slot.socket.map(|(_, own)| (own, now)));
        }
        for &server in servers {
            let id = self.next_id;
            self.next_id += 1;
            let socket = open(id, server, &self.events).ok();
            self.slots.push(Slot { id, server, socket });
        }
        self.slots.iter().map(|slot| slot.id).collect()
    }

    /// Gives a nameserver that does not answer a new socket: the old one keeps
    /// the source address of the network this machine may have left.
    pub(super) fn reopen(&mut self, id: ServerId, now: Instant) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.id == id) {
            self.closed
                .extend(slot.socket.take().map(|(_, own)| (own, now)));
            slot.socket = open(id, slot.server, &self.events).ok();
        }
    }

    /// Sends `query` to the server `to`; false if that fails at once.
    pub(super) fn send(&self, to: ServerId, query: &[u8]) -> bool {
        let slot = self.slots.iter().find(|slot| slot.id == to);
        let socket = slot.and_then(|slot| slot.socket.as_ref());
        socket.is_some_and(|(socket, _)| match socket.send(query) {
            Ok(_) => true,
            // The refusal of an earlier datagram is reported now and once: try again.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                socket.send(query).is_ok()
            }
            Err(_) => false,
        })
    }

    /// The sockets whose flows the kernel may track, recently closed ones included.
    pub(super) fn own(&mut self, now: Instant) -> Vec<OwnSocket> {
        self.closed
            .retain(|(_, at)| now.saturating_duration_since(*at) < AFTERLIFE);
        let open = self
            .slots
            .iter()
            .filter_map(|slot| slot.socket.as_ref().map(|(_, own)| *own));
        open.chain(self.closed.iter().map(|(own, _)| *own))
            .collect()
    }
}

fn open(
    id: ServerId,
    server: SocketAddr,
    events: &SyncSender<Event>,
) -> io::Result<(Arc<UdpSocket>, OwnSocket)> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(LOOK_UP))?;
    socket.set_write_timeout(Some(SEND))?;
    let own = OwnSocket {
        local: socket.local_addr()?,
        server,
    };
    let socket = Arc::new(socket);
    let reader = Arc::downgrade(&socket);
    let events = events.clone();
    thread::Builder::new()
        .name("names-dns-read".into())
        .spawn(move || read(&reader, id, &events))?;
    Ok((socket, own))
}

fn read(socket: &Weak<UdpSocket>, server: ServerId, events: &SyncSender<Event>) {
    let mut buffer = [0; wire::MAX_REPLY_BYTES];
    while let Some(socket) = socket.upgrade() {
        let event = match socket.recv(&mut buffer) {
            Ok(n) => Event::Datagram {
                server,
                bytes: buffer[..n].to_vec(),
            },
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => continue,
                _ => Event::Unreachable { server },
            },
        };
        let failed = matches!(event, Event::Unreachable { .. });
        if events.send(event).is_err() {
            return;
        }
        if failed {
            // An error is reported once; should one stay, it must not spin.
            thread::sleep(SEND);
        }
    }
}
