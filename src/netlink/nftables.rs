//! A table of our own in nftables, that makes the kernel track connections.
//!
//! Constants keep the kernel's names (`linux/netfilter/nf_tables.h`,
//! `nfnetlink.h`). What [`add`] adds is, as `nft list ruleset` shows it:
//!
//! ```text
//! table inet flowtop { # progname flowtop
//!     comment "keeps connection tracking on while flowtop runs"
//!     flags owner
//!     chain input {
//!         type filter hook input priority 300; policy accept;
//!         ct state == new
//!     }
//!     # and the same for forward and output
//! }
//! ```
//!
//! The rule has no verdict, so that no packet fares otherwise than without it.
//! But it looks at the state of connections, and from the first such rule to
//! the last the kernel tracks them, of both families (`nf_ct_netns_get`).
//!
//! # Whose table it is
//!
//! A table with an owner (`NFT_TABLE_F_OWNER`, Linux 5.12) belongs to the
//! socket that made it: nobody else can change it, and the kernel removes it
//! when the socket is closed, however the process ends. Each instance has a
//! table, because that of another goes when the other ends: the first is called
//! `flowtop`, a second one `flowtop-PID`.
//!
//! Older kernels keep a table until somebody deletes it. There it is always
//! called `flowtop-PID`, so that one whose process was killed can be told: it is
//! a left-over once that process is gone, and removed by the next [`add`] if
//! it is exactly what this module makes.

use std::path::Path;
use std::{io, mem, process};

use super::socket::{Bus, Socket};
use super::tracking::{
    NFT_GETRULE, NFTA_EXPR_DATA, NFTA_EXPR_NAME, NFTA_LIST_ELEM, NFTA_RULE_EXPRESSIONS,
    attributes_of, dump,
};
use super::wire::{
    Attribute, Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLMSG_ERROR, Requests,
    messages,
};

/// `NFNL_MSG_BATCH_BEGIN`: what follows is done as a whole, or not at all.
const BATCH_BEGIN: u16 = 0x10;
/// `NFNL_MSG_BATCH_END`.
const BATCH_END: u16 = 0x11;
/// `struct nfgenmsg` of both: any family, and `NFNL_SUBSYS_NFTABLES` as the
/// resource, big endian.
const BATCH_HEADER: [u8; 4] = [libc::AF_UNSPEC as u8, 0, 0, SUBSYS_NFTABLES as u8];

const SUBSYS_NFTABLES: u16 = 10;
const NFT_NEWTABLE: u16 = SUBSYS_NFTABLES << 8;
const NFT_GETTABLE: u16 = SUBSYS_NFTABLES << 8 | 1;
const NFT_DELTABLE: u16 = SUBSYS_NFTABLES << 8 | 2;
const NFT_NEWCHAIN: u16 = SUBSYS_NFTABLES << 8 | 3;
const NFT_GETCHAIN: u16 = SUBSYS_NFTABLES << 8 | 4;
const NFT_NEWRULE: u16 = SUBSYS_NFTABLES << 8 | 6;
const NFPROTO_INET: u8 = libc::NFPROTO_INET as u8;

const NFTA_TABLE_NAME: u16 = 1;
const NFTA_TABLE_FLAGS: u16 = 2;
/// How many chains, sets and so on it has.
const NFTA_TABLE_USE: u16 = 3;
const NFTA_TABLE_USERDATA: u16 = 6;
/// Only of tables that have an owner.
const NFTA_TABLE_OWNER: u16 = 7;
/// `NFT_TABLE_F_OWNER`, Linux 5.12.
const TABLE_F_OWNER: u32 = 2;

const NFTA_CHAIN_TABLE: u16 = 1;
const NFTA_CHAIN_NAME: u16 = 3;
const NFTA_CHAIN_HOOK: u16 = 4;
const NFTA_CHAIN_POLICY: u16 = 5;
const NFTA_CHAIN_TYPE: u16 = 7;
const NFTA_HOOK_HOOKNUM: u16 = 1;
const NFTA_HOOK_PRIORITY: u16 = 2;

const NFTA_RULE_TABLE: u16 = 1;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_CT_DREG: u16 = 1;
const NFTA_CT_KEY: u16 = 2;
const NFTA_CMP_SREG: u16 = 1;
const NFTA_CMP_OP: u16 = 2;
const NFTA_CMP_DATA: u16 = 3;
const NFTA_DATA_VALUE: u16 = 1;
const NFT_REG_1: u32 = 1;
const NFT_CT_STATE: u32 = 0;
const NFT_CMP_EQ: u32 = 0;
/// `NF_CT_STATE_BIT(IP_CT_NEW)`: the first packet of a connection.
const STATE_NEW: u32 = 8;

/// After the rules that filter and translate. It matters to no packet.
const PRIORITY: u32 = 300;
/// The chains and their hooks (`enum nf_inet_hooks`).
const CHAINS: [(&str, i32); 3] = [
    ("input", libc::NF_INET_LOCAL_IN),
    ("forward", libc::NF_INET_FORWARD),
    ("output", libc::NF_INET_LOCAL_OUT),
];

/// What every table of ours is called, or how its name begins.
const NAME: &str = "flowtop";
/// Shown by nft; without a meaning to the kernel.
const COMMENT: &[u8] = b"keeps connection tracking on while flowtop runs\0";
/// `NFTNL_UDATA_TABLE_COMMENT` of libnftnl: a byte for the type, one for the
/// length, the text.
const UDATA_COMMENT: u8 = 0;

/// Why there is no table of ours, or why it is still there.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The process lacks `CAP_NET_ADMIN` in the user namespace that owns this
    /// network namespace.
    #[error(
        "{action}: the kernel wants the capability CAP_NET_ADMIN ({source}); run flowtop as root"
    )]
    NotPermitted {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel has no nftables, or not the parts that a rule needs which
    /// looks at connections.
    #[error(
        "{action}: this kernel offers no nftables that know connections ({source}); \
         load them with: modprobe -a nf_tables nft_ct"
    )]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The names that the table could have belong to other tables.
    #[error(
        "{action}: there is a table inet {} already; see what it is with: nft list ruleset",
        name_of(process::id())
    )]
    Taken {
        /// What was tried.
        action: &'static str,
    },
    /// Anything else.
    #[error("{action}: {source}; see what is there with: nft list ruleset")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

const ADDING: &str = "adding a table of our own to nftables";
const REMOVING: &str = "removing our table from nftables";

impl TableError {
    /// Sorts the kernel's answer by what the user can do about it.
    fn new(action: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::NotPermitted { action, source },
            // No netlink of netfilter; no nftables; no family `inet` or flags
            // of before 5.12; no chains of the type or no such expression.
            Some(
                libc::EPROTONOSUPPORT
                | libc::EOPNOTSUPP
                | libc::EAFNOSUPPORT
                | libc::EINVAL
                | libc::ENOENT,
            ) => Self::Unavailable { action, source },
            Some(libc::EEXIST) => Self::Taken { action },
            _ => Self::Io { action, source },
        }
    }
}

/// A table of ours, which keeps tracking on. Dropping it removes the table.
#[must_use = "dropping it removes the table"]
pub struct Tracked {
    /// The owner of the table.
    socket: Socket,
    table: String,
    is_there: bool,
}

impl Tracked {
    const fn new(socket: Socket, table: String) -> Self {
        Self {
            socket,
            table,
            is_there: true,
        }
    }

    /// The name of the table; its family is `inet`.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Removes the table, and says if that failed; dropping cannot say it.
    ///
    /// # Errors
    /// If the kernel does not remove it. One with an owner goes even then.
    pub fn remove(mut self) -> Result<(), TableError> {
        self.delete()
            .map_err(|error| TableError::new(REMOVING, error))
    }

    fn delete(&mut self) -> io::Result<()> {
        if mem::replace(&mut self.is_there, false) {
            delete(&self.socket, &self.table)
        } else {
            Ok(())
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        // Who wants to know calls `remove` first; the rest is unwinding.
        let _ = self.delete();
    }
}

/// Adds a table to this network namespace that makes the kernel track
/// connections until the result is dropped, or the process ends in any way.
/// Left-overs of ours go at the same time.
///
/// # Errors
/// If the process may not, the kernel cannot, or both names are taken.
pub fn add() -> Result<Tracked, TableError> {
    let error = |source| TableError::new(ADDING, source);
    let socket = Socket::open_to(Bus::Netfilter).map_err(error)?;
    remove_left(&socket, is_gone).map_err(error)?;
    let second = name_of(process::id());
    match create(&socket, NAME, TABLE_F_OWNER) {
        Ok(()) => return Ok(Tracked::new(socket, NAME.to_owned())),
        // The kernel is too old for owners, or cannot do it at all.
        Err(e) if matches!(e.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP)) => {
            return add_unowned(process::id());
        }
        // Somebody's without an owner; somebody's with one. That we may at all
        // has shown in asking for what is left over.
        Err(e) if matches!(e.raw_os_error(), Some(libc::EEXIST | libc::EPERM)) => {}
        Err(e) => return Err(error(e)),
    }
    match create(&socket, &second, TABLE_F_OWNER) {
        Ok(()) => Ok(Tracked::new(socket, second)),
        Err(e) if e.raw_os_error() == Some(libc::EPERM) => {
            Err(TableError::Taken { action: ADDING })
        }
        Err(e) => Err(error(e)),
    }
}

/// As [`add`], for kernels before 5.12: a table that outlives its process
/// `pid` if that is killed.
///
/// # Errors
/// If the process may not, the kernel cannot, or the name is taken.
pub fn add_unowned(pid: u32) -> Result<Tracked, TableError> {
    let error = |source| TableError::new(ADDING, source);
    let socket = Socket::open_to(Bus::Netfilter).map_err(error)?;
    let table = name_of(pid);
    create(&socket, &table, 0).map_err(error)?;
    Ok(Tracked::new(socket, table))
}

/// Removes the table of this process if it is one that would stay. For exits
/// that drop nothing; from any thread.
///
/// # Errors
/// If the kernel cannot be asked, or does not remove it.
pub fn remove_unowned() -> Result<(), TableError> {
    let ours = |pid| pid == process::id();
    let remove = || remove_left(&Socket::open_to(Bus::Netfilter)?, ours);
    remove().map_err(|error| TableError::new(REMOVING, error))
}

/// Whether there is a table of flowtop's, of this instance or of another, or
/// left over. What it does for tracking ends when it goes.
///
/// # Errors
/// If the kernel cannot be asked.
pub fn is_any_there() -> io::Result<bool> {
    let is_ours = |table: &Table| table.name == NAME || pid_of(&table.name).is_some();
    Ok(tables(&Socket::open_to(Bus::Netfilter)?)?
        .iter()
        .any(is_ours))
}

fn name_of(pid: u32) -> String {
    format!("{NAME}-{pid}")
}

/// The process in the name of a table.
fn pid_of(table: &str) -> Option<u32> {
    let digits = table.strip_prefix(NAME)?.strip_prefix('-')?;
    digits.parse().ok().filter(|pid| name_of(*pid) == table)
}

/// Whether there is no such process, as far as `/proc` tells.
fn is_gone(pid: u32) -> bool {
    let is_there = |name: &str| Path::new("/proc").join(name).exists();
    is_there("self") && !is_there(&pid.to_string())
}

/// Removes tables without an owner that are exactly ours, of processes of
/// which `left` says so.
fn remove_left(socket: &Socket, left: impl Fn(u32) -> bool) -> io::Result<()> {
    for table in tables(socket)? {
        let is_left = !table.is_owned && pid_of(&table.name).is_some_and(&left);
        if is_left && table.uses == CHAINS.len() as u32 && is_as_made(socket, &table.name)? {
            delete(socket, &table.name)?;
        }
    }
    Ok(())
}

/// A table of the family `inet`.
struct Table {
    name: String,
    /// Chains, sets, objects and flowtables.
    uses: u32,
    is_owned: bool,
}

fn tables(socket: &Socket) -> io::Result<Vec<Table>> {
    let mut tables = Vec::new();
    dump(socket, &question(NFT_GETTABLE), |message| {
        let text = find(message, NFTA_TABLE_NAME).and_then(Attribute::text);
        if let Some(name) = text {
            tables.push(Table {
                name: name.to_owned(),
                uses: find(message, NFTA_TABLE_USE)
                    .and_then(Attribute::be32)
                    .unwrap_or(0),
                is_owned: find(message, NFTA_TABLE_OWNER).is_some(),
            });
        }
    })?;
    Ok(tables)
}

/// Whether a table has the chains and rules that [`create`] gives one, and no
/// other.
fn is_as_made(socket: &Socket, table: &str) -> io::Result<bool> {
    let mut requests = Requests::new();
    write(&mut requests, table, 0);
    let made: Vec<_> = messages(requests.bytes()).collect();
    for (get, new, owner, part) in [
        (NFT_GETCHAIN, NFT_NEWCHAIN, NFTA_CHAIN_TABLE, CHAIN_PARTS),
        (NFT_GETRULE, NFT_NEWRULE, NFTA_RULE_TABLE, RULE_PARTS),
    ] {
        let mut expected: Vec<_> = made.iter().filter(|m| m.kind == new).collect();
        let mut others = 0;
        dump(socket, &question(get), |message| {
            if find(message, owner).and_then(Attribute::text) != Some(table) {
                return;
            }
            match expected.iter().position(|m| is_alike(m, message, part)) {
                Some(index) => drop(expected.swap_remove(index)),
                None => others += 1,
            }
        })?;
        if others > 0 || !expected.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The attributes that make a chain what it is. The kernel adds handles and
/// counts.
const CHAIN_PARTS: &[u16] = &[
    NFTA_CHAIN_NAME,
    NFTA_CHAIN_HOOK,
    NFTA_CHAIN_POLICY,
    NFTA_CHAIN_TYPE,
];
/// The same of a rule.
const RULE_PARTS: &[u16] = &[NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS];

fn is_alike(a: &Message<'_>, b: &Message<'_>, parts: &[u16]) -> bool {
    parts
        .iter()
        .all(|part| match (find(a, *part), find(b, *part)) {
            (Some(a), Some(b)) if *part == NFTA_RULE_EXPRESSIONS => steps(a).eq(steps(b)),
            (Some(a), Some(b)) => a.payload == b.payload,
            _ => false,
        })
}

/// The steps of a rule, each with its name and its data. Taken apart, because
/// the kernel does not mark what is nested.
fn steps(expressions: Attribute<'_>) -> impl Iterator<Item = Vec<Attribute<'_>>> {
    expressions.nested().map(|step| {
        let parts = step.nested().flat_map(|part| match part.kind {
            NFTA_EXPR_DATA => part.nested().collect(),
            _ => vec![part],
        });
        parts.collect()
    })
}

fn find<'a>(message: &Message<'a>, kind: u16) -> Option<Attribute<'a>> {
    attributes_of(message).find(|attribute| attribute.kind == kind)
}

fn question(kind: u16) -> Requests {
    let mut requests = Requests::new();
    requests.message(kind, NLM_F_DUMP, 1, NFPROTO_INET);
    requests
}

/// Makes a table with its chains and rules.
fn create(socket: &Socket, table: &str, flags: u32) -> io::Result<()> {
    transact(socket, |batch| write(batch, table, flags))
}

fn delete(socket: &Socket, table: &str) -> io::Result<()> {
    let deleted = transact(socket, |batch| {
        batch
            .message(NFT_DELTABLE, NLM_F_ACK, LAST, NFPROTO_INET)
            .attribute(NFTA_TABLE_NAME, &text(table));
    });
    match deleted {
        // Somebody was faster.
        Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        other => other,
    }
}

/// Sequence number of the messages of a batch but the last, which alone asks
/// for an acknowledgement.
const FIRST: u32 = 1;
const LAST: u32 = 2;

fn write(batch: &mut Requests, table: &str, flags: u32) {
    let mut userdata = vec![UDATA_COMMENT, COMMENT.len() as u8];
    userdata.extend_from_slice(COMMENT);
    let new = NLM_F_CREATE | NLM_F_EXCL;
    batch
        .message(NFT_NEWTABLE, new, FIRST, NFPROTO_INET)
        .attribute(NFTA_TABLE_NAME, &text(table))
        .attribute(NFTA_TABLE_FLAGS, &flags.to_be_bytes())
        .attribute(NFTA_TABLE_USERDATA, &userdata);
    for (name, hook) in CHAINS {
        batch
            .message(NFT_NEWCHAIN, new, FIRST, NFPROTO_INET)
            .attribute(NFTA_CHAIN_TABLE, &text(table))
            .attribute(NFTA_CHAIN_NAME, &text(name))
            .nest(NFTA_CHAIN_HOOK, |at| {
                at.attribute(NFTA_HOOK_HOOKNUM, &hook.to_be_bytes())
                    .attribute(NFTA_HOOK_PRIORITY, &PRIORITY.to_be_bytes());
            })
            .attribute(NFTA_CHAIN_POLICY, &libc::NF_ACCEPT.to_be_bytes())
            .attribute(NFTA_CHAIN_TYPE, &text("filter"));
    }
    for (index, (name, _)) in CHAINS.into_iter().enumerate() {
        let (ack, seq) = if index + 1 == CHAINS.len() {
            (NLM_F_ACK, LAST)
        } else {
            (0, FIRST)
        };
        batch
            .message(NFT_NEWRULE, NLM_F_CREATE | ack, seq, NFPROTO_INET)
            .attribute(NFTA_RULE_TABLE, &text(table))
            .attribute(NFTA_RULE_CHAIN, &text(name))
            .nest(NFTA_RULE_EXPRESSIONS, rule);
    }
}

/// `ct state == new`: the state into a register, and a comparison that leads
/// to nothing. The first alone would do, but nft could not write it down, and
/// a saved ruleset could not be read again.
fn rule(steps: &mut Requests) {
    let mut step = |name: &str, fill: fn(&mut Requests)| {
        steps.nest(NFTA_LIST_ELEM, |step| {
            step.attribute(NFTA_EXPR_NAME, &text(name))
                .nest(NFTA_EXPR_DATA, fill);
        });
    };
    step("ct", |data| {
        data.attribute(NFTA_CT_DREG, &NFT_REG_1.to_be_bytes())
            .attribute(NFTA_CT_KEY, &NFT_CT_STATE.to_be_bytes());
    });
    step("cmp", |data| {
        data.attribute(NFTA_CMP_SREG, &NFT_REG_1.to_be_bytes())
            .attribute(NFTA_CMP_OP, &NFT_CMP_EQ.to_be_bytes())
            .nest(NFTA_CMP_DATA, |value| {
                // As it stands in the register.
                value.attribute(NFTA_DATA_VALUE, &STATE_NEW.to_ne_bytes());
            });
    });
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// Has all that `fill` writes done, or nothing of it.
fn transact(socket: &Socket, fill: impl FnOnce(&mut Requests)) -> io::Result<()> {
    let mut batch = Requests::new();
    batch.message_with(BATCH_BEGIN, 0, FIRST, &BATCH_HEADER);
    fill(&mut batch);
    batch.message_with(BATCH_END, 0, FIRST, &BATCH_HEADER);
    socket.send(batch.bytes())?;
    // The kernel does the work and queues its answers before `send` returns: an
    // error for each message that failed, else the acknowledgement. All are
    // read, so that the next batch finds none of them.
    let mut outcome = Err(io::Error::other("the kernel gave no answer"));
    let mut buffer = vec![0; 8 << 10];
    let mut failed = None;
    while let Some(len) = socket.recv_now(&mut buffer)? {
        for message in messages(&buffer[..len]) {
            match (message.kind, message.errno()) {
                (NLMSG_ERROR, 0) => outcome = Ok(()),
                (NLMSG_ERROR, errno) => failed = failed.or(Some(errno)),
                _ => {}
            }
        }
    }
    match failed {
        Some(errno) => Err(io::Error::from_raw_os_error(errno)),
        None => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whose_table_it_is() {
        assert_eq!(pid_of(&name_of(4711)), Some(4711));
        for other in [
            "flowtop",
            "flowtop-",
            "flowtop-x",
            "flowtop-+1",
            "flowtop-01",
            "flowtops-1",
        ] {
            assert_eq!(pid_of(other), None, "{other}");
        }
        assert!(!is_gone(process::id()));
        // Above the highest that Linux gives.
        assert!(is_gone(1 << 30));
    }

    #[test]
    fn errors_say_what_to_do() {
        for (errno, part) in [
            (libc::EPERM, "CAP_NET_ADMIN"),
            (libc::EOPNOTSUPP, "modprobe -a nf_tables nft_ct"),
            (libc::ENOENT, "modprobe -a nf_tables nft_ct"),
            (libc::EEXIST, "there is a table inet flowtop-"),
            (libc::ENOMEM, "nft list ruleset"),
        ] {
            let source = io::Error::from_raw_os_error(errno);
            let text = TableError::new(ADDING, source).to_string();
            assert!(text.starts_with("adding a table"), "{text}");
            assert!(text.contains(part), "{text}");
        }
    }
}
