//! From one ctnetlink message to one report, without a heap allocation on the
//! common path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{
    CT_DELETE, CT_NEW, CTA_COUNTERS_BYTES, CTA_COUNTERS_ORIG, CTA_COUNTERS_PACKETS,
    CTA_COUNTERS_REPLY, CTA_HELP, CTA_HELP_NAME, CTA_ID, CTA_IP_V4_DST, CTA_IP_V4_SRC,
    CTA_IP_V6_DST, CTA_IP_V6_SRC, CTA_LABELS, CTA_LAST_KNOWN, CTA_MARK, CTA_PROTO_DST_PORT,
    CTA_PROTO_ICMP_CODE, CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMPV6_CODE,
    CTA_PROTO_ICMPV6_ID, CTA_PROTO_ICMPV6_TYPE, CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTOINFO,
    CTA_PROTOINFO_DCCP, CTA_PROTOINFO_SCTP, CTA_PROTOINFO_STATE, CTA_PROTOINFO_TCP, CTA_SECCTX,
    CTA_SECCTX_NAME, CTA_STATUS, CTA_TIMEOUT, CTA_TIMESTAMP, CTA_TIMESTAMP_START,
    CTA_TIMESTAMP_STOP, CTA_TUPLE_IP, CTA_TUPLE_MASTER, CTA_TUPLE_ORIG, CTA_TUPLE_PROTO,
    CTA_TUPLE_REPLY, CTA_TUPLE_ZONE, CTA_ZONE, NFGENMSG_LEN,
};
use crate::flow::{Counters, Key, L4, Origin, Protocol, Rare, Report, State, Status, Tuple};
use crate::netlink::wire::{Attribute, Attributes, Message, NLM_F_CREATE, attributes};

/// What was odd about decoded messages. None of it stops decoding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Messages about no flow that can be named: no complete original tuple,
    /// or an unreadable zone.
    pub unusable: u64,
    /// Attributes whose length is not that of their type; treated as absent.
    pub malformed: u64,
    /// Attributes of a newer kernel at the top of a message (those inside
    /// others are passed over);
    /// skipped.
    pub unknown: u64,
}

impl std::ops::AddAssign for Problems {
    fn add_assign(&mut self, more: Self) {
        self.unusable += more.unusable;
        self.malformed += more.malformed;
        self.unknown += more.unknown;
    }
}

impl Problems {
    /// All of them.
    pub const fn total(self) -> u64 {
        self.unusable + self.malformed + self.unknown
    }
}

/// How the sender of a message is known: an event, or an answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// From a multicast group.
    Event,
    /// A row of a dump.
    Dump,
    /// The answer to a get.
    Get,
}

/// Decodes one message. `None`, counted in `problems`, if it names no flow; a
/// message of another type than `CT_NEW` and `CT_DELETE` is not for here and
/// gives `None` as well.
pub fn decode(message: &Message<'_>, source: Source, problems: &mut Problems) -> Option<Report> {
    let origin = match (message.kind, source) {
        (CT_DELETE, _) => Origin::Destroyed,
        (CT_NEW, Source::Dump) => Origin::Dumped,
        (CT_NEW, Source::Get) => Origin::Fetched,
        (CT_NEW, Source::Event) if message.flags & NLM_F_CREATE != 0 => Origin::New,
        (CT_NEW, Source::Event) => Origin::Changed,
        _ => return None,
    };
    let Some(body) = message.payload.get(NFGENMSG_LEN..) else {
        problems.unusable += 1;
        return None;
    };
    // The kernel writes the original tuple first, so that the report exists
    // before the attributes that fill it. Anything else is searched for.
    let Some((orig, tuple_zone)) = attributes(body)
        .find(|a| a.kind == CTA_TUPLE_ORIG)
        .and_then(|a| tuple(a, problems))
    else {
        problems.unusable += 1;
        return None;
    };
    let zone = tuple_zone.unwrap_or(0);
    let mut report = Report::about(Key { zone, orig }, origin);
    let mut walk = attributes(body);
    for attribute in walk.by_ref() {
        if attribute.kind == CTA_ZONE {
            let Some(zone) = attribute.be16() else {
                problems.unusable += 1;
                return None;
            };
            report.key.zone = zone;
        } else {
            fill(&mut report, attribute, problems);
        }
    }
    if walk.leftover() > 0 {
        problems.malformed += 1;
    }
    Some(report)
}

fn fill(report: &mut Report, attribute: Attribute<'_>, problems: &mut Problems) {
    match attribute.kind {
        CTA_TUPLE_REPLY => report.reply = tuple(attribute, problems).map(|(t, _)| t),
        CTA_STATUS => report.status = known(attribute.be32(), problems).map(Status),
        CTA_PROTOINFO => report.state = state(attribute, problems),
        CTA_TIMEOUT => report.timeout_secs = known(attribute.be32(), problems),
        CTA_MARK => report.mark = known(attribute.be32(), problems),
        CTA_COUNTERS_ORIG => {
            if let Some(counters) = counters(attribute, problems) {
                report.counters.get_or_insert_default().orig = counters;
            }
        }
        CTA_COUNTERS_REPLY => {
            if let Some(counters) = counters(attribute, problems) {
                report.counters.get_or_insert_default().reply = counters;
            }
        }
        CTA_ID => report.id = known(attribute.be32(), problems),
        CTA_TIMESTAMP => {
            for inner in attribute.nested() {
                match inner.kind {
                    CTA_TIMESTAMP_START => report.start_ns = known(inner.be64(), problems),
                    CTA_TIMESTAMP_STOP => report.stop_ns = known(inner.be64(), problems),
                    _ => {}
                }
            }
        }
        CTA_HELP | CTA_TUPLE_MASTER | CTA_LABELS | CTA_SECCTX => {
            fill_rare(report, attribute, problems);
        }
        // `CTA_TUPLE_ORIG` and `CTA_ZONE` are in the key already.
        ..=CTA_LAST_KNOWN => {}
        _ => problems.unknown += 1,
    }
}

#[cold]
fn fill_rare(report: &mut Report, attribute: Attribute<'_>, problems: &mut Problems) {
    let mut rare = report.rare.take().unwrap_or_default();
    let name = |kind| {
        attribute
            .nested()
            .find(|a| a.kind == kind)
            .and_then(Attribute::text)
            .map(Box::from)
    };
    match attribute.kind {
        CTA_HELP => rare.helper = known(name(CTA_HELP_NAME), problems),
        CTA_SECCTX => rare.secctx = known(name(CTA_SECCTX_NAME), problems),
        CTA_LABELS => rare.labels = known(attribute.array(), problems),
        _ => rare.master = tuple(attribute, problems).map(|(t, _)| t),
    }
    if *rare != Rare::default() {
        report.rare = Some(rare);
    }
}

/// Counts a field whose bytes could not be read as what they should be.
fn known<T>(value: Option<T>, problems: &mut Problems) -> Option<T> {
    if value.is_none() {
        problems.malformed += 1;
    }
    value
}

/// A tuple and the zone of its direction, if it has one of its own. All or
/// nothing: half a tuple would name another flow.
fn tuple(nest: Attribute<'_>, problems: &mut Problems) -> Option<(Tuple, Option<u16>)> {
    known(whole_tuple(nest), problems)
}

fn whole_tuple(nest: Attribute<'_>) -> Option<(Tuple, Option<u16>)> {
    let (mut addresses, mut transport, mut zone) = (None, None, None);
    for attribute in nest.nested() {
        match attribute.kind {
            CTA_TUPLE_IP => addresses = Some(address_pair(attribute.nested())?),
            CTA_TUPLE_PROTO => transport = Some(protocol(attribute.nested())?),
            CTA_TUPLE_ZONE => zone = Some(attribute.be16()?),
            _ => {}
        }
    }
    let ((src, dst), (proto, l4)) = addresses.zip(transport)?;
    Some((Tuple::new(src, dst, proto, l4)?, zone))
}

fn address_pair(attributes: Attributes<'_>) -> Option<(IpAddr, IpAddr)> {
    let (mut src, mut dst) = (None, None);
    for attribute in attributes {
        match attribute.kind {
            CTA_IP_V4_SRC | CTA_IP_V6_SRC => src = address(attribute),
            CTA_IP_V4_DST | CTA_IP_V6_DST => dst = address(attribute),
            _ => {}
        }
    }
    src.zip(dst)
}

fn address(attribute: Attribute<'_>) -> Option<IpAddr> {
    match attribute.kind {
        CTA_IP_V4_SRC | CTA_IP_V4_DST => {
            attribute.array().map(|b: [u8; 4]| Ipv4Addr::from(b).into())
        }
        _ => attribute
            .array()
            .map(|b: [u8; 16]| Ipv6Addr::from(b).into()),
    }
}

fn protocol(attributes: Attributes<'_>) -> Option<(Protocol, L4)> {
    let mut number = None;
    let (mut src, mut dst) = (None, None);
    let (mut kind, mut code, mut id) = (None, None, None);
    for attribute in attributes {
        match attribute.kind {
            CTA_PROTO_NUM => number = Some(attribute.u8()?),
            CTA_PROTO_SRC_PORT => src = Some(attribute.be16()?),
            CTA_PROTO_DST_PORT => dst = Some(attribute.be16()?),
            CTA_PROTO_ICMP_ID | CTA_PROTO_ICMPV6_ID => id = Some(attribute.be16()?),
            CTA_PROTO_ICMP_TYPE | CTA_PROTO_ICMPV6_TYPE => kind = Some(attribute.u8()?),
            CTA_PROTO_ICMP_CODE | CTA_PROTO_ICMPV6_CODE => code = Some(attribute.u8()?),
            _ => {}
        }
    }
    let l4 = match (src.zip(dst), kind.zip(code).zip(id)) {
        (Some((src, dst)), None) => L4::Ports { src, dst },
        (None, Some(((kind, code), id))) => L4::Icmp { kind, code, id },
        (None, None) if src.or(dst).or(id).is_none() => L4::None,
        _ => return None,
    };
    Some((Protocol(number?), l4))
}

fn state(protoinfo: Attribute<'_>, problems: &mut Problems) -> Option<State> {
    let (wrap, info): (fn(u8) -> State, _) =
        protoinfo.nested().find_map(|info| match info.kind {
            CTA_PROTOINFO_TCP => Some((State::Tcp as _, info)),
            CTA_PROTOINFO_DCCP => Some((State::Dccp as _, info)),
            CTA_PROTOINFO_SCTP => Some((State::Sctp as _, info)),
            _ => None,
        })?;
    let number = info
        .nested()
        .find(|a| a.kind == CTA_PROTOINFO_STATE)
        .and_then(Attribute::u8);
    known(number, problems).map(wrap)
}

fn counters(nest: Attribute<'_>, problems: &mut Problems) -> Option<Counters> {
    let (mut packets, mut bytes) = (None, None);
    for attribute in nest.nested() {
        match attribute.kind {
            CTA_COUNTERS_PACKETS => packets = attribute.be64(),
            CTA_COUNTERS_BYTES => bytes = attribute.be64(),
            _ => {}
        }
    }
    let both = packets.zip(bytes);
    known(both, problems).map(|(packets, bytes)| Counters { packets, bytes })
}
