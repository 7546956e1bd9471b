//! Conntrack entries made, changed, read and removed through ctnetlink
//! (`linux/netfilter/nfnetlink_conntrack.h`), without any traffic.
//!
//! An entry made this way always carries a `CTA_SYNPROXY` attribute; one made
//! by packets does not.

use std::io;
use std::net::IpAddr;

use flowtop::flow::{Family, L4, Protocol, State, Status, Tuple};
use neli::consts::socket::NlFamily;

use super::namespace::Host;
use super::wire::{Message, Netlink, attribute};

/// Messages of one datagram: large enough to make the system call cheap,
/// small enough that the errors of all of them fit into a receive buffer.
const BATCH: usize = 128;

// enum cntl_msg_types
const IPCTNL_MSG_CT_NEW: i32 = 0;
const IPCTNL_MSG_CT_GET: i32 = 1;
const IPCTNL_MSG_CT_DELETE: i32 = 2;
const IPCTNL_MSG_CT_GET_STATS: i32 = 5;

// enum ctattr_type
const TUPLE_ORIG: u16 = 1;
const TUPLE_REPLY: u16 = 2;
const STATUS: u16 = 3;
const PROTOINFO: u16 = 4;
const HELP: u16 = 5;
const NAT_SRC: u16 = 6;
const TIMEOUT: u16 = 7;
const MARK: u16 = 8;
const COUNTERS_ORIG: u16 = 9;
const COUNTERS_REPLY: u16 = 10;
const ID: u16 = 12;
const NAT_DST: u16 = 13;
const ZONE: u16 = 18;

/// An entry to be made.
#[derive(Clone, Debug)]
pub struct Entry {
    orig: Tuple,
    reply: Tuple,
    zone: u16,
    status: Status,
    timeout_secs: u32,
    mark: Option<u32>,
    state: Option<State>,
    helper: Option<String>,
}

impl Entry {
    /// An established flow that lives for an hour, in no zone, without mark
    /// and address translation.
    pub fn new(orig: Tuple) -> Self {
        Self {
            orig,
            reply: orig.inverted(),
            zone: 0,
            status: Status::CONFIRMED | Status::SEEN_REPLY | Status::ASSURED,
            timeout_secs: 3600,
            mark: None,
            state: match orig.proto() {
                Protocol::TCP => Some(State::TCP_ESTABLISHED),
                Protocol::SCTP => Some(State::Sctp(4)),
                _ => None,
            },
            helper: None,
        }
    }

    /// The `number`th of up to 16 million different TCP flows, from
    /// 10.0.0.0/8 to 203.0.113.1 port 443.
    pub fn numbered(number: u32) -> Self {
        let client = 0x0a00_0000 | (number & 0x00ff_ffff);
        let ports = L4::Ports {
            src: 1024 + (number % 60_000) as u16,
            dst: 443,
        };
        let server = [203, 0, 113, 1].into();
        Self::new(Tuple::v4(client.into(), server, Protocol::TCP, ports))
    }

    /// The flow as its first packet has it.
    pub fn orig(&self) -> Tuple {
        self.orig
    }

    /// With the tuple of the answers: where it is not the mirror image of the
    /// flow's own, the kernel is told to translate addresses and ports so.
    #[must_use]
    pub fn reply(mut self, reply: Tuple) -> Self {
        self.reply = reply;
        self
    }

    /// In a conntrack zone.
    #[must_use]
    pub fn zone(mut self, zone: u16) -> Self {
        self.zone = zone;
        self
    }

    /// With exactly these status bits and what the kernel adds to them: it
    /// decides itself about the NAT bits.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status | Status::CONFIRMED;
        self
    }

    /// Expiring after so many seconds.
    #[must_use]
    pub fn timeout_secs(mut self, secs: u32) -> Self {
        self.timeout_secs = secs;
        self
    }

    /// With a connection mark.
    #[must_use]
    pub fn mark(mut self, mark: u32) -> Self {
        self.mark = Some(mark);
        self
    }

    /// In a protocol state, of the entry's own protocol.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// With a helper, such as `ftp`.
    #[must_use]
    pub fn helper(mut self, name: &str) -> Self {
        self.helper = Some(name.to_owned());
        self
    }

    fn to_message(&self) -> Message {
        let flags = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
        let mirror = self.orig.inverted();
        let mut message = ctnetlink(IPCTNL_MSG_CT_NEW, flags, self.orig.family());
        message = put_tuple(message, TUPLE_ORIG, &self.orig);
        message = put_tuple(message, TUPLE_REPLY, &mirror)
            .be32(STATUS, self.status.0)
            .be32(TIMEOUT, self.timeout_secs);
        // The kernel works out the reply tuple and the status bits itself.
        if (self.reply.src(), self.reply.sport()) != (mirror.src(), mirror.sport()) {
            message = put_nat(message, NAT_DST, self.reply.src(), self.reply.sport());
        }
        if (self.reply.dst(), self.reply.dport()) != (mirror.dst(), mirror.dport()) {
            message = put_nat(message, NAT_SRC, self.reply.dst(), self.reply.dport());
        }
        message = match self.state {
            Some(state) => message.nest(PROTOINFO, |info| put_state(info, state)),
            None => message,
        };
        if let Some(name) = &self.helper {
            message = message.nest(HELP, |help| help.text(1, name)); // CTA_HELP_NAME
        }
        if let Some(mark) = self.mark {
            message = message.be32(MARK, mark);
        }
        put_zone(message, self.zone)
    }
}

/// An entry as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `CTA_ID`.
    pub id: u32,
    /// The flow as its first packet had it.
    pub orig: Tuple,
    /// The flow as its answers have it.
    pub reply: Tuple,
    /// 0 if the kernel names none.
    pub zone: u16,
    /// All status bits.
    pub status: Status,
    /// Seconds left; offloaded flows have none.
    pub timeout_secs: Option<u32>,
    /// Connection mark.
    pub mark: Option<u32>,
    /// Where the protocol has one.
    pub state: Option<State>,
    /// The helper's name.
    pub helper: Option<String>,
    /// Packets and bytes of the original and the reply direction, with
    /// accounting.
    pub counters: Option<[(u64, u64); 2]>,
}

impl Seen {
    /// Reads the body of a `IPCTNL_MSG_CT_NEW` message.
    fn parse(body: &[u8]) -> Option<Self> {
        let attributes = body.get(4..)?;
        let find = |path: &[u16]| attribute(attributes, path);
        let find32 = |path: &[u16]| find(path).and_then(be).map(|value| value as u32);
        let byte = |path: &[u16]| find(path)?.first().copied();
        let counters = |kind| {
            let packets = find(&[kind, 1]).and_then(be)?; // CTA_COUNTERS_PACKETS
            let bytes = find(&[kind, 2]).and_then(be)?; // CTA_COUNTERS_BYTES
            Some((packets, bytes))
        };
        let tcp = byte(&[PROTOINFO, 1, 1]).map(State::Tcp); // CTA_PROTOINFO_TCP, _STATE
        let dccp = byte(&[PROTOINFO, 2, 1]).map(State::Dccp);
        let sctp = byte(&[PROTOINFO, 3, 1]).map(State::Sctp);
        Some(Self {
            id: find32(&[ID])?,
            orig: parse_tuple(find(&[TUPLE_ORIG])?)?,
            reply: parse_tuple(find(&[TUPLE_REPLY])?)?,
            zone: find(&[ZONE]).and_then(be).unwrap_or(0) as u16,
            status: Status(find32(&[STATUS])?),
            timeout_secs: find32(&[TIMEOUT]),
            mark: find32(&[MARK]),
            state: tcp.or(dccp).or(sctp),
            helper: find(&[HELP, 1]).map(|name| {
                let name = name.strip_suffix(&[0]).unwrap_or(name);
                String::from_utf8_lossy(name).into_owned()
            }),
            counters: counters(COUNTERS_ORIG)
                .zip(counters(COUNTERS_REPLY))
                .map(|(orig, reply)| [orig, reply]),
        })
    }
}

impl Host {
    /// Makes entries, thousands in a moment.
    ///
    /// # Panics
    ///
    /// If the kernel refuses one, for instance because it exists. Those
    /// before it stay.
    pub fn create_flows(&self, entries: impl IntoIterator<Item = Entry>) {
        let mut socket = Netlink::open(self, NlFamily::Netfilter);
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let mut batch: Vec<Message> = entries
                .by_ref()
                .take(BATCH)
                .map(|entry| entry.to_message())
                .collect();
            // Errors come anyway, and in order: one acknowledgement is enough.
            let last = batch.pop().map(Message::acknowledged);
            batch.extend(last);
            socket
                .converse(batch, |_| {})
                .unwrap_or_else(|e| panic!("cannot make a flow in {}: {e}", self.name()));
        }
    }

    /// Changes the mark of a flow in no zone.
    pub fn mark_flow(&self, orig: &Tuple, mark: u32) {
        let message = ctnetlink(IPCTNL_MSG_CT_NEW, 0, orig.family());
        let message = put_tuple(message, TUPLE_ORIG, orig).be32(MARK, mark);
        self.ctnetlink(message)
            .unwrap_or_else(|e| panic!("cannot mark {orig:?} in {}: {e}", self.name()));
    }

    /// Removes a flow in no zone.
    pub fn delete_flow(&self, orig: &Tuple) {
        let message = ctnetlink(IPCTNL_MSG_CT_DELETE, 0, orig.family());
        self.ctnetlink(put_tuple(message, TUPLE_ORIG, orig))
            .unwrap_or_else(|e| panic!("cannot delete {orig:?} in {}: {e}", self.name()));
    }

    /// Removes all flows of this host.
    pub fn flush_flows(&self) {
        // A deletion that names no flow means all.
        self.ctnetlink(message(IPCTNL_MSG_CT_DELETE, 0, libc::AF_UNSPEC))
            .unwrap_or_else(|e| panic!("cannot flush the flows of {}: {e}", self.name()));
    }

    /// All flows of this host, IPv4 and IPv6, from one dump.
    pub fn flows(&self) -> Vec<Seen> {
        let request = message(IPCTNL_MSG_CT_GET, libc::NLM_F_DUMP, libc::AF_UNSPEC);
        let mut flows = Vec::new();
        Netlink::open(self, NlFamily::Netfilter)
            .converse(vec![request], |body| {
                let flow = Seen::parse(body).expect("a dump consists of flows");
                flows.push(flow);
            })
            .unwrap_or_else(|e| panic!("cannot dump the flows of {}: {e}", self.name()));
        flows
    }

    /// The one flow of a protocol on this host.
    ///
    /// # Panics
    ///
    /// If there is none or more than one.
    pub fn flow(&self, protocol: Protocol) -> Seen {
        let mut flows = self.flows();
        flows.retain(|flow| flow.orig.proto() == protocol);
        assert!(flows.len() == 1, "one {protocol} flow expected: {flows:#?}");
        flows.remove(0)
    }

    /// The kernel's own count of the flows in this host
    /// (`nf_conntrack_count`).
    pub fn flow_count(&self) -> usize {
        self.sysctl("net/netfilter/nf_conntrack_count")
            .and_then(|count| count.parse().ok())
            .expect("a kernel with conntrack has nf_conntrack_count")
    }

    /// The answer to `IPCTNL_MSG_CT_GET_STATS`: whether there is ctnetlink.
    pub(super) fn conntrack_statistics(&self) -> io::Result<Option<Vec<u8>>> {
        self.ctnetlink(message(IPCTNL_MSG_CT_GET_STATS, 0, libc::AF_UNSPEC))
    }

    fn ctnetlink(&self, message: Message) -> io::Result<Option<Vec<u8>>> {
        Netlink::open(self, NlFamily::Netfilter).request(message)
    }
}

fn message(command: i32, flags: i32, family: i32) -> Message {
    let kind = (libc::NFNL_SUBSYS_CTNETLINK << 8 | command) as u16;
    Message::new(kind, flags).nfgenmsg(family, 0)
}

fn ctnetlink(command: i32, flags: i32, family: Family) -> Message {
    let family = match family {
        Family::Ipv4 => libc::AF_INET,
        Family::Ipv6 => libc::AF_INET6,
    };
    message(command, flags, family)
}

fn put_tuple(message: Message, kind: u16, tuple: &Tuple) -> Message {
    message.nest(kind, |nest| {
        // CTA_TUPLE_IP, _PROTO
        nest.nest(1, |ip| match (tuple.src(), tuple.dst()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                ip.attr(1, &src.octets()).attr(2, &dst.octets()) // CTA_IP_V4_SRC, _DST
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                ip.attr(3, &src.octets()).attr(4, &dst.octets()) // CTA_IP_V6_SRC, _DST
            }
            _ => unreachable!("a tuple has one family"),
        })
        .nest(2, |proto| {
            let proto = proto.attr(1, &[tuple.proto().0]); // CTA_PROTO_NUM
            match tuple.l4() {
                L4::None => proto,
                L4::Ports { src, dst } => proto
                    .attr(2, &src.to_be_bytes()) // CTA_PROTO_SRC_PORT
                    .attr(3, &dst.to_be_bytes()), // CTA_PROTO_DST_PORT
                L4::Icmp { kind, code, id } => {
                    // CTA_PROTO_ICMP_ID, _TYPE, _CODE; CTA_PROTO_ICMPV6_ID, ...
                    let first = if tuple.family() == Family::Ipv4 { 4 } else { 7 };
                    proto
                        .attr(first, &id.to_be_bytes())
                        .attr(first + 1, &[kind])
                        .attr(first + 2, &[code])
                }
            }
        })
    })
}

fn parse_tuple(nest: &[u8]) -> Option<Tuple> {
    let port = |path| attribute(nest, path).and_then(be).map(|port| port as u16);
    let proto = Protocol(*attribute(nest, &[2, 1])?.first()?);
    let first = if proto == Protocol::ICMPV6 { 7 } else { 4 };
    let l4 = if let (Some(src), Some(dst)) = (port(&[2, 2]), port(&[2, 3])) {
        L4::Ports { src, dst }
    } else if let Some(id) = port(&[2, first]) {
        L4::Icmp {
            kind: *attribute(nest, &[2, first + 1])?.first()?,
            code: *attribute(nest, &[2, first + 2])?.first()?,
            id,
        }
    } else {
        L4::None
    };
    let v4 = |kind| {
        Some(
            <[u8; 4]>::try_from(attribute(nest, &[1, kind])?)
                .ok()?
                .into(),
        )
    };
    let v6 = |kind| {
        Some(
            <[u8; 16]>::try_from(attribute(nest, &[1, kind])?)
                .ok()?
                .into(),
        )
    };
    Tuple::new(
        v4(1).or_else(|| v6(3))?,
        v4(2).or_else(|| v6(4))?,
        proto,
        l4,
    )
}

/// Adds the one address and port that a side is translated to.
fn put_nat(message: Message, kind: u16, address: IpAddr, port: Option<u16>) -> Message {
    message.nest(kind, |nat| {
        let nat = match address {
            IpAddr::V4(ip) => nat.attr(1, &ip.octets()).attr(2, &ip.octets()), // CTA_NAT_V4_MINIP, _MAXIP
            IpAddr::V6(ip) => nat.attr(4, &ip.octets()).attr(5, &ip.octets()), // CTA_NAT_V6_MINIP, _MAXIP
        };
        let Some(port) = port else { return nat };
        // CTA_NAT_PROTO { CTA_PROTONAT_PORT_MIN, _MAX }
        nat.nest(3, |range| {
            range
                .attr(1, &port.to_be_bytes())
                .attr(2, &port.to_be_bytes())
        })
    })
}

fn put_state(info: Message, state: State) -> Message {
    match state {
        // CTA_PROTOINFO_TCP { CTA_PROTOINFO_TCP_STATE }
        State::Tcp(number) => info.nest(1, |tcp| tcp.attr(1, &[number])),
        // CTA_PROTOINFO_DCCP { _STATE, _ROLE = client }
        State::Dccp(number) => info.nest(2, |dccp| dccp.attr(1, &[number]).attr(2, &[0])),
        // CTA_PROTOINFO_SCTP { _STATE, _VTAG_ORIGINAL, _VTAG_REPLY }
        State::Sctp(number) => info.nest(3, |sctp| {
            sctp.attr(1, &[number]).be32(2, 0x1111).be32(3, 0x2222)
        }),
    }
}

fn put_zone(message: Message, zone: u16) -> Message {
    if zone == 0 {
        return message;
    }
    message.attr(ZONE, &zone.to_be_bytes())
}

/// A number of up to eight bytes in network byte order.
fn be(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}
