//! Questions to rtnetlink, and the groups it tells of changes in.

use std::io;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::{Item, Route, RouteError, address_family, decode};
use crate::flow::Family;
use crate::netlink::socket::{Bus, Socket};
use crate::netlink::wire::{Message, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR, Requests, messages};

/// `NLM_F_DUMP_INTR`: the table changed during the dump.
const NLM_F_DUMP_INTR: u16 = 0x10;
/// `RTM_F_FIB_MATCH` (Linux 4.13): answer with the route, with all of its next
/// hops, rather than with what it comes to for one packet.
const RTM_F_FIB_MATCH: u32 = 0x2000;
/// The kernel's datagrams have at most 32 KiB.
const BUFFER: usize = 32 << 10;
/// Room for a burst of events: some tens of thousands.
const EVENT_BUFFER: usize = 8 << 20;

/// Opens a socket that hears of every change to links, neighbours, addresses,
/// routes and rules.
pub fn subscribe() -> Result<Socket, RouteError> {
    const GROUPS: [u32; 8] = [
        libc::RTNLGRP_LINK,
        libc::RTNLGRP_NEIGH,
        libc::RTNLGRP_IPV4_IFADDR,
        libc::RTNLGRP_IPV4_ROUTE,
        libc::RTNLGRP_IPV4_RULE,
        libc::RTNLGRP_IPV6_IFADDR,
        libc::RTNLGRP_IPV6_ROUTE,
        libc::RTNLGRP_IPV6_RULE,
    ];
    let failed = |source| RouteError {
        action: "subscribing to changes of the network configuration",
        source,
    };
    let socket = Socket::open_to(Bus::Route).map_err(failed)?;
    socket.grow_receive_buffer(EVENT_BUFFER).map_err(failed)?;
    for group in GROUPS {
        socket.join_group(group).map_err(failed)?;
    }
    Ok(socket)
}

/// Which items to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dump {
    /// Every link.
    Links,
    /// Addresses of both families.
    Addresses,
    /// Neighbours of both families.
    Neighbours,
    /// The routes of a table. A kernel before 4.20 dumps those of all tables,
    /// and one without IPv6 those of IPv4.
    Routes(Family, u32),
    /// The policy rules of a family.
    Rules(Family),
}

/// How a dump ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ending {
    /// All was said, and was true at one moment.
    Whole,
    /// Something changed meanwhile: items may be missing.
    Torn,
    /// The receiver had enough.
    Stopped,
}

/// Where packets to an address go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Destination.
    pub to: IpAddr,
    /// Source; one of this machine, unless the packet comes in by a link.
    pub from: Option<IpAddr>,
    /// Index of the link the packet comes in by; `None` for a packet of this
    /// machine.
    pub link: Option<u32>,
    /// The packet's mark.
    pub mark: u32,
}

/// A socket for questions, one at a time.
pub struct Session {
    socket: Socket,
    seq: u32,
    requests: Requests,
    buffer: Vec<u8>,
}

impl Session {
    /// Opens one in the network namespace of this thread.
    pub fn open() -> io::Result<Self> {
        Ok(Self {
            socket: open()?,
            seq: 0,
            requests: Requests::new(),
            buffer: vec![0; BUFFER],
        })
    }

    /// Asks for items and hands each to `each`, until that has enough.
    pub fn dump(
        &mut self,
        what: Dump,
        mut each: impl FnMut(Item) -> ControlFlow<()>,
    ) -> io::Result<Ending> {
        self.ask(what, |message| {
            match decode(message).filter(|notice| !notice.is_gone) {
                Some(notice) => each(notice.item),
                None => ControlFlow::Continue(()),
            }
        })
    }

    /// Asks for items and hands each message to `each`, until that has enough.
    pub(super) fn ask(
        &mut self,
        what: Dump,
        mut each: impl FnMut(&Message<'_>) -> ControlFlow<()>,
    ) -> io::Result<Ending> {
        self.seq = self.seq.wrapping_add(1);
        self.requests.clear();
        request(&mut self.requests, self.seq, what);
        self.socket.send(self.requests.bytes())?;
        let mut ending = Ending::Whole;
        loop {
            let len = self.socket.recv(&mut self.buffer)?;
            for message in messages(&self.buffer[..len]) {
                if message.seq != self.seq {
                    continue;
                }
                if message.flags & NLM_F_DUMP_INTR != 0 {
                    ending = Ending::Torn;
                }
                if let Some(result) = end(&message) {
                    return result.map(|()| ending);
                }
                if each(&message).is_break() {
                    // The kernel ends a dump that nobody reads when its socket
                    // is closed.
                    self.socket = open()?;
                    return Ok(Ending::Stopped);
                }
            }
        }
    }

    /// The route that the kernel takes for a packet, the policy rules
    /// respected; `None` if it has none.
    pub fn route(&mut self, question: &Question) -> io::Result<Option<Route>> {
        self.seq = self.seq.wrapping_add(1);
        self.requests.clear();
        lookup(&mut self.requests, self.seq, question);
        self.socket.send(self.requests.bytes())?;
        loop {
            let len = self.socket.recv(&mut self.buffer)?;
            for message in messages(&self.buffer[..len]) {
                if message.seq != self.seq {
                    continue;
                }
                if message.kind == NLMSG_ERROR {
                    return Ok(None);
                }
                return Ok(decode(&message).and_then(|notice| match notice.item {
                    Item::Route(route) => Some(route),
                    _ => None,
                }));
            }
        }
    }
}

fn open() -> io::Result<Socket> {
    let socket = Socket::open_to(Bus::Route)?;
    // Without it (before Linux 4.20) more is dumped than was asked for.
    let _ = socket.check_strictly();
    Ok(socket)
}

/// Whether a message ends a dump, and how.
fn end(message: &Message<'_>) -> Option<io::Result<()>> {
    if message.kind != NLMSG_DONE && message.kind != NLMSG_ERROR {
        return None;
    }
    Some(match message.errno() {
        // A table that does not exist has no routes, and a kernel without
        // policy routing no rules.
        0 | libc::ENOENT | libc::EOPNOTSUPP => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    })
}

fn request(requests: &mut Requests, seq: u32, what: Dump) {
    let family = match what {
        Dump::Routes(family, _) | Dump::Rules(family) => address_family(family),
        Dump::Links | Dump::Addresses | Dump::Neighbours => libc::AF_UNSPEC as u8,
    };
    let header = |len| {
        let mut header = vec![0; len];
        header[0] = family;
        header
    };
    match what {
        Dump::Links => requests.message_with(libc::RTM_GETLINK, NLM_F_DUMP, seq, &header(16)),
        Dump::Addresses => requests.message_with(libc::RTM_GETADDR, NLM_F_DUMP, seq, &header(8)),
        Dump::Neighbours => requests.message_with(libc::RTM_GETNEIGH, NLM_F_DUMP, seq, &header(12)),
        Dump::Rules(_) => requests.message_with(libc::RTM_GETRULE, NLM_F_DUMP, seq, &header(12)),
        Dump::Routes(_, table) => requests
            .message_with(libc::RTM_GETROUTE, NLM_F_DUMP, seq, &header(12))
            .attribute(libc::RTA_TABLE, &table.to_ne_bytes()),
    };
}

fn lookup(requests: &mut Requests, seq: u32, question: &Question) {
    let full = |ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 };
    let family = if question.to.is_ipv4() {
        Family::Ipv4
    } else {
        Family::Ipv6
    };
    let mut header = [0; 12];
    header[0] = address_family(family);
    header[1] = full(question.to);
    header[2] = question.from.map_or(0, full);
    header[8..].copy_from_slice(&RTM_F_FIB_MATCH.to_ne_bytes());
    requests.message_with(libc::RTM_GETROUTE, 0, seq, &header);
    address(requests, libc::RTA_DST, question.to);
    if let Some(from) = question.from {
        address(requests, libc::RTA_SRC, from);
    }
    if let Some(link) = question.link {
        requests.attribute(libc::RTA_IIF, &link.to_ne_bytes());
    }
    if question.mark != 0 {
        requests.attribute(libc::RTA_MARK, &question.mark.to_ne_bytes());
    }
}

fn address(requests: &mut Requests, kind: u16, address: IpAddr) {
    match address {
        IpAddr::V4(ip) => requests.attribute(kind, &ip.octets()),
        IpAddr::V6(ip) => requests.attribute(kind, &ip.octets()),
    };
}
