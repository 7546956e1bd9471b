//! Questions to ctnetlink.

use std::net::IpAddr;

use super::{
    CT_GET, CTA_IP_V4_DST, CTA_IP_V4_SRC, CTA_IP_V6_DST, CTA_IP_V6_SRC, CTA_PROTO_DST_PORT,
    CTA_PROTO_ICMP_CODE, CTA_PROTO_ICMP_ID, CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMPV6_CODE,
    CTA_PROTO_ICMPV6_ID, CTA_PROTO_ICMPV6_TYPE, CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_TUPLE_IP,
    CTA_TUPLE_ORIG, CTA_TUPLE_PROTO, CTA_ZONE,
};
use crate::flow::{Family, Key, L4};
use crate::netlink::wire::{NLM_F_DUMP, Requests};

/// Asks for every flow of both families in one walk of the table. Two dumps,
/// one per family, would walk it twice.
pub fn dump_all(requests: &mut Requests, seq: u32) {
    requests.message(CT_GET, NLM_F_DUMP, seq, libc::AF_UNSPEC as u8);
}

/// Asks for the flows of one family. The kernel compares this field in the
/// walk itself, in every version; unlike its other filters it is safe with any
/// share of matching flows that a family has in practice.
pub fn dump_family(requests: &mut Requests, seq: u32, family: Family) {
    requests.message(CT_GET, NLM_F_DUMP, seq, address_family(family));
}

/// Asks for one flow by zone and original tuple.
pub fn get(requests: &mut Requests, seq: u32, key: &Key) {
    let orig = &key.orig;
    requests
        .message(CT_GET, 0, seq, address_family(orig.family()))
        .nest(CTA_TUPLE_ORIG, |tuple| {
            tuple
                .nest(CTA_TUPLE_IP, |ip| {
                    address(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, orig.src());
                    address(ip, CTA_IP_V4_DST, CTA_IP_V6_DST, orig.dst());
                })
                .nest(CTA_TUPLE_PROTO, |proto| {
                    proto.attribute(CTA_PROTO_NUM, &[orig.proto().0]);
                    transport(proto, orig.family(), orig.l4());
                });
        });
    if key.zone != 0 {
        requests.attribute(CTA_ZONE, &key.zone.to_be_bytes());
    }
}

const fn address_family(family: Family) -> u8 {
    match family {
        Family::Ipv4 => libc::AF_INET as u8,
        Family::Ipv6 => libc::AF_INET6 as u8,
    }
}

fn address(requests: &mut Requests, v4: u16, v6: u16, address: IpAddr) {
    match address {
        IpAddr::V4(ip) => requests.attribute(v4, &ip.octets()),
        IpAddr::V6(ip) => requests.attribute(v6, &ip.octets()),
    };
}

fn transport(requests: &mut Requests, family: Family, l4: L4) {
    match (l4, family) {
        (L4::None, _) => {}
        (L4::Ports { src, dst }, _) => {
            requests
                .attribute(CTA_PROTO_SRC_PORT, &src.to_be_bytes())
                .attribute(CTA_PROTO_DST_PORT, &dst.to_be_bytes());
        }
        (L4::Icmp { kind, code, id }, Family::Ipv4) => {
            requests
                .attribute(CTA_PROTO_ICMP_ID, &id.to_be_bytes())
                .attribute(CTA_PROTO_ICMP_TYPE, &[kind])
                .attribute(CTA_PROTO_ICMP_CODE, &[code]);
        }
        (L4::Icmp { kind, code, id }, Family::Ipv6) => {
            requests
                .attribute(CTA_PROTO_ICMPV6_ID, &id.to_be_bytes())
                .attribute(CTA_PROTO_ICMPV6_TYPE, &[kind])
                .attribute(CTA_PROTO_ICMPV6_CODE, &[code]);
        }
    }
}
