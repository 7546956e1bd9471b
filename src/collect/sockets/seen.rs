//! What is told of one socket, in the terms of a flow.

use crate::flow::{Counters, Key, L4, State, Status, TcpFigures, Tuple};
use crate::netlink::sockdiag::{Endpoint, Socket, SocketState};

/// Which end of a flow a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The one that began it: its local end is the original source.
    Client,
    /// The other.
    Server,
}

/// What is told of one socket, as far as it matters for a flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// From its own end to the other.
    pub(super) outward: Tuple,
    pub(super) local: Endpoint,
    pub(super) remote: Endpoint,
    pub(super) cookie: u64,
    pub(super) state: SocketState,
    /// Index of the interface it is bound to.
    pub(super) interface: Option<u32>,
    pub(super) sent: Option<Counters>,
    pub(super) received: Option<Counters>,
}

impl Seen {
    /// `None` if the socket is no end of a flow.
    pub(super) fn new(socket: &Socket) -> Option<Self> {
        let (local, remote) = (socket.local, socket.remote);
        let l4 = L4::Ports {
            src: local.port,
            dst: remote.port,
        };
        let outward = Tuple::new(local.address, remote.address, socket.proto, l4)?;
        let tcp = socket.tcp.as_deref();
        (socket.is_connected() && local.port != 0).then_some(Self {
            outward,
            local,
            remote,
            cookie: socket.cookie?,
            state: socket.state,
            interface: socket.interface,
            // Which end has connected is not known yet.
            sent: tcp.and_then(|figures| figures.sent(true)),
            received: tcp.and_then(TcpFigures::received),
        })
    }

    /// The key of the flow, if the socket is this end of it.
    pub(super) fn key(&self, side: Side) -> Key {
        Key {
            zone: 0,
            orig: match side {
                Side::Client => self.outward,
                Side::Server => self.outward.inverted(),
            },
        }
    }

    /// Whether this is what is left of a socket that has gone just now. It has
    /// the socket's cookie only if somebody had asked for that while the
    /// socket was there.
    pub(super) fn is_remains_of(&self, gone: &Self) -> bool {
        self.outward == gone.outward && self.is_remains()
    }

    /// Whether this is no socket any more: it counts nothing.
    pub(super) const fn is_remains(&self) -> bool {
        matches!(self.state, SocketState::FIN_WAIT2 | SocketState::TIME_WAIT) && self.sent.is_none()
    }

    /// The state of the socket, in the terms of connection tracking where they
    /// mean the same.
    pub(super) const fn flow_state(&self) -> Option<State> {
        Some(State::Tcp(match self.state {
            SocketState::SYN_SENT => 1,
            SocketState::SYN_RECV => 2,
            SocketState::ESTABLISHED => 3,
            SocketState::FIN_WAIT1 | SocketState::FIN_WAIT2 => 4,
            SocketState::CLOSE_WAIT => 5,
            // Both have closed, and one has not heard that it was heard.
            SocketState::LAST_ACK | SocketState::CLOSING => 6,
            SocketState::TIME_WAIT => 7,
            SocketState::CLOSE => 8,
            _ => return None,
        }))
    }

    /// Whether packets went both ways: all that a socket can tell.
    pub(super) fn flow_status(&self) -> Option<Status> {
        match self.state {
            SocketState::SYN_SENT => Some(Status(0)),
            SocketState::CLOSE => {
                let (sent, received) = self.sent.zip(self.received)?;
                let both = sent.packets > 0 && received.packets > 0;
                Some(if both { Status::SEEN_REPLY } else { Status(0) })
            }
            _ => Some(Status::SEEN_REPLY),
        }
    }
}
