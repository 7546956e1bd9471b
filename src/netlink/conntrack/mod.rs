//! ctnetlink: what connection tracking says, and how to ask it.
//!
//! Constants keep the kernel's names (`linux/netfilter/nfnetlink_conntrack.h`,
//! `nfnetlink_compat.h`). [`decode()`] turns one message into one
//! [`Report`](crate::flow::Report); [`request`] writes the questions; [`stats`]
//! asks what connection tracking counts about itself.

pub mod decode;
pub mod request;
pub mod stats;

pub use decode::{Problems, decode};

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW`: an event, a dump row or
/// the answer to a get.
pub const CT_NEW: u16 = 0x100;
/// `IPCTNL_MSG_CT_GET`.
pub const CT_GET: u16 = 0x101;
/// `IPCTNL_MSG_CT_DELETE`: the event `DESTROY`.
pub const CT_DELETE: u16 = 0x102;

/// Multicast group of births.
pub const NFNLGRP_CONNTRACK_NEW: u32 = 1;
/// Multicast group of changes; three quarters of the volume of TCP events.
pub const NFNLGRP_CONNTRACK_UPDATE: u32 = 2;
/// Multicast group of deaths.
pub const NFNLGRP_CONNTRACK_DESTROY: u32 = 3;

const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_PROTOINFO: u16 = 4;
const CTA_HELP: u16 = 5;
const CTA_TIMEOUT: u16 = 7;
const CTA_MARK: u16 = 8;
const CTA_COUNTERS_ORIG: u16 = 9;
const CTA_COUNTERS_REPLY: u16 = 10;
const CTA_ID: u16 = 12;
const CTA_TUPLE_MASTER: u16 = 14;
/// The highest attribute this program was written for (`CTA_TIMESTAMP_EVENT`,
/// Linux 6.14). Those between that carry nothing it shows (`CTA_USE`,
/// `CTA_SEQ_ADJ_*`, `CTA_SYNPROXY` and the like) are passed over.
const CTA_LAST_KNOWN: u16 = 27;
const CTA_ZONE: u16 = 18;
const CTA_SECCTX: u16 = 19;
const CTA_TIMESTAMP: u16 = 20;
const CTA_LABELS: u16 = 22;

const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_TUPLE_ZONE: u16 = 3;

const CTA_IP_V4_SRC: u16 = 1;
const CTA_IP_V4_DST: u16 = 2;
const CTA_IP_V6_SRC: u16 = 3;
const CTA_IP_V6_DST: u16 = 4;

const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_SRC_PORT: u16 = 2;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_PROTO_ICMP_ID: u16 = 4;
const CTA_PROTO_ICMP_TYPE: u16 = 5;
const CTA_PROTO_ICMP_CODE: u16 = 6;
const CTA_PROTO_ICMPV6_ID: u16 = 7;
const CTA_PROTO_ICMPV6_TYPE: u16 = 8;
const CTA_PROTO_ICMPV6_CODE: u16 = 9;

const CTA_PROTOINFO_TCP: u16 = 1;
const CTA_PROTOINFO_DCCP: u16 = 2;
const CTA_PROTOINFO_SCTP: u16 = 3;
/// `CTA_PROTOINFO_TCP_STATE`, and the same number for DCCP and SCTP.
const CTA_PROTOINFO_STATE: u16 = 1;

const CTA_COUNTERS_PACKETS: u16 = 1;
const CTA_COUNTERS_BYTES: u16 = 2;

const CTA_HELP_NAME: u16 = 1;
const CTA_SECCTX_NAME: u16 = 1;
const CTA_TIMESTAMP_START: u16 = 1;
const CTA_TIMESTAMP_STOP: u16 = 2;

/// Length of `struct nfgenmsg`, which precedes the attributes.
const NFGENMSG_LEN: usize = 4;
