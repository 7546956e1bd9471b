//! Does anything in this network namespace ask for connection tracking?
//!
//! The kernel tracks nothing until a rule needs it (`nf_ct_netns_get`), and an
//! empty table alone does not tell "nothing asked" from "nothing happened".

use std::io;

use super::NetlinkError;
use super::conntrack::stats::table_size;
use super::socket::Socket;
use super::wire::{
    Attribute, Message, NLM_F_DUMP, NLMSG_DONE, NLMSG_ERROR, Requests, attributes, messages,
};

/// `NFNL_SUBSYS_HOOK << 8 | NFNL_MSG_HOOK_GET`, Linux 5.14.
const HOOK_GET: u16 = 12 << 8;
const NFNLA_HOOK_HOOKNUM: u16 = 1;
const NFNLA_HOOK_FUNCTION_NAME: u16 = 4;
const NF_INET_PRE_ROUTING: u32 = 0;
const NF_INET_LOCAL_OUT: u32 = 3;

/// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE`.
pub(super) const NFT_GETRULE: u16 = 10 << 8 | 7;
pub(super) const NFTA_RULE_EXPRESSIONS: u16 = 4;
pub(super) const NFTA_LIST_ELEM: u16 = 1;
pub(super) const NFTA_EXPR_NAME: u16 = 1;
pub(super) const NFTA_EXPR_DATA: u16 = 2;
/// `NFTA_MATCH_NAME` and `NFTA_TARGET_NAME`: the iptables extension that a
/// rule of iptables-nft calls.
const NFTA_COMPAT_NAME: u16 = 1;

/// `struct nfgenmsg`.
const NFGENMSG_LEN: usize = 4;

/// Whether connections are tracked here, as far as an ordinary question tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// A hook or a rule needs it.
    Wanted,
    /// No rule asks for it: the table will stay empty.
    Unwanted,
    /// The kernel does not say.
    Unknown,
}

/// Whether this process may read the table of connections: asks for its size.
///
/// # Errors
/// As reading the table would give.
pub fn check_readable() -> Result<(), NetlinkError> {
    table_size().map(drop)
}

/// Finds out by the registered hooks (exact; Linux 5.14 built with
/// `CONFIG_NETFILTER_NETLINK_HOOK`), else by the nftables rules and the tables
/// of iptables-legacy.
pub fn tracking() -> Tracking {
    let Ok(socket) = Socket::open() else {
        return Tracking::Unknown;
    };
    match hooked(&socket) {
        Ok(true) => return Tracking::Wanted,
        Ok(false) => return Tracking::Unwanted,
        Err(_) => {}
    }
    match ruled(&socket) {
        Ok(true) => Tracking::Wanted,
        Ok(false) if legacy_tables() => Tracking::Unknown,
        Ok(false) => Tracking::Unwanted,
        Err(_) => Tracking::Unknown,
    }
}

fn hooked(socket: &Socket) -> io::Result<bool> {
    for family in [libc::NFPROTO_IPV4, libc::NFPROTO_IPV6] {
        for hook in [NF_INET_PRE_ROUTING, NF_INET_LOCAL_OUT] {
            let mut requests = Requests::new();
            requests
                .message(HOOK_GET, NLM_F_DUMP, 1, family as u8)
                .attribute(NFNLA_HOOK_HOOKNUM, &hook.to_be_bytes());
            let (mut found, mut nameless) = (false, false);
            dump(socket, &requests, |message| {
                let name = attributes_of(message)
                    .find(|a| a.kind == NFNLA_HOOK_FUNCTION_NAME)
                    .and_then(Attribute::text);
                found |= name.is_some_and(|name| name.contains("conntrack"));
                nameless |= name.is_none();
            })?;
            if found {
                return Ok(true);
            }
            if nameless {
                // A kernel without CONFIG_KALLSYMS: any of them can be it.
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
    }
    Ok(false)
}

fn ruled(socket: &Socket) -> io::Result<bool> {
    let mut requests = Requests::new();
    requests.message(NFT_GETRULE, NLM_F_DUMP, 1, libc::AF_UNSPEC as u8);
    let mut found = false;
    dump(socket, &requests, |message| {
        found |= attributes_of(message)
            .filter(|a| a.kind == NFTA_RULE_EXPRESSIONS)
            .flat_map(Attribute::nested)
            .filter(|a| a.kind == NFTA_LIST_ELEM)
            .any(needs_tracking);
    })?;
    Ok(found)
}

/// Whether an expression of a rule takes a reference on connection tracking
/// (`nf_ct_netns_get` in `net/netfilter/nft_*.c` and `xt_*.c`).
fn needs_tracking(expression: Attribute<'_>) -> bool {
    let mut name = "";
    let mut extension = "";
    for attribute in expression.nested() {
        match attribute.kind {
            NFTA_EXPR_NAME => name = attribute.text().unwrap_or(""),
            NFTA_EXPR_DATA => {
                extension = attribute
                    .nested()
                    .find(|a| a.kind == NFTA_COMPAT_NAME)
                    .and_then(Attribute::text)
                    .unwrap_or("");
            }
            _ => {}
        }
    }
    match name {
        "ct" | "nat" | "masq" | "redir" | "connlimit" | "synproxy" | "flow_offload"
        | "ct_helper" | "ct_timeout" => true,
        "match" => matches!(
            extension,
            "conntrack"
                | "state"
                | "connmark"
                | "connbytes"
                | "connlimit"
                | "connlabel"
                | "helper"
                | "cluster"
        ),
        "target" => matches!(
            extension,
            "MASQUERADE"
                | "SNAT"
                | "DNAT"
                | "REDIRECT"
                | "NETMAP"
                | "CT"
                | "CONNMARK"
                | "CONNSECMARK"
                | "SYNPROXY"
        ),
        _ => false,
    }
}

/// Whether iptables-legacy has tables here; what is in them only iptables can
/// tell.
fn legacy_tables() -> bool {
    ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"]
        .iter()
        .any(|path| std::fs::read_to_string(path).is_ok_and(|names| !names.trim().is_empty()))
}

/// The attributes of a message of netfilter.
pub(super) fn attributes_of<'a>(
    message: &Message<'a>,
) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
    attributes(message.payload.get(NFGENMSG_LEN..).unwrap_or_default())
}

/// Sends a question and hands on each row of the answer.
pub(super) fn dump(
    socket: &Socket,
    requests: &Requests,
    mut row: impl FnMut(&Message<'_>),
) -> io::Result<()> {
    socket.send(requests.bytes())?;
    let mut buffer = vec![0; 32 << 10];
    loop {
        let len = socket.recv(&mut buffer)?;
        for message in messages(&buffer[..len]) {
            match (message.kind, message.errno()) {
                (NLMSG_DONE, 0) => return Ok(()),
                (NLMSG_DONE | NLMSG_ERROR, errno) => {
                    return Err(io::Error::from_raw_os_error(errno));
                }
                _ => row(&message),
            }
        }
    }
}
