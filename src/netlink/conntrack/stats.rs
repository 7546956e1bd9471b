//! What connection tracking counts about itself: per CPU what went wrong
//! (`IPCTNL_MSG_CT_GET_STATS_CPU`), and how full the table is
//! (`IPCTNL_MSG_CT_GET_STATS`). Both speak of the network namespace of the
//! thread that asks.

use std::io;

use super::super::NetlinkError;
use super::super::socket::Socket;
use super::super::tracking::{attributes_of, dump};
use super::super::wire::{Attribute, Message, NLM_F_DUMP, NLMSG_ERROR, Requests, messages};

/// `NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET_STATS_CPU`: both the
/// question and each row of the answer.
const CT_GET_STATS_CPU: u16 = 1 << 8 | 4;
/// `IPCTNL_MSG_CT_GET_STATS`, Linux 3.8.
const CT_GET_STATS: u16 = 1 << 8 | 5;

const CTA_STATS_GLOBAL_ENTRIES: u16 = 1;
const CTA_STATS_GLOBAL_MAX_ENTRIES: u16 = 2;

/// What a CPU counts (`enum ctattr_stats_cpu`). Those that no kernel since 4.9
/// writes (searched, new, delete, ignore) are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    /// `CTA_STATS_FOUND`: lookups that found a flow where none was wanted, as
    /// in the search for a free port for address translation.
    Found,
    /// `CTA_STATS_INVALID`: packets that no flow could be made of or that do not
    /// fit into theirs.
    Invalid,
    /// `CTA_STATS_INSERT`: flows inserted by programs.
    Insert,
    /// `CTA_STATS_INSERT_FAILED`: flows that could not be inserted, because the
    /// same tuple was there already.
    InsertFailed,
    /// `CTA_STATS_DROP`: packets dropped for want of room in the table, or of
    /// memory.
    Drop,
    /// `CTA_STATS_EARLY_DROP`: flows thrown out to make room for others.
    EarlyDrop,
    /// `CTA_STATS_ERROR`: packets with an error that the protocol's tracker
    /// found, ICMP errors without a flow among them.
    Error,
    /// `CTA_STATS_SEARCH_RESTART`: lookups begun anew, because the table was
    /// resized meanwhile.
    SearchRestart,
    /// `CTA_STATS_CLASH_RESOLVE`, Linux 5.10: packets of one flow that two CPUs
    /// met at once, both of which went through.
    ClashResolve,
    /// `CTA_STATS_CHAIN_TOOLONG`, Linux 5.15: flows that could not be inserted,
    /// because their bucket of the hash was full.
    ChainTooLong,
}

impl Stat {
    /// All, in the order of the kernel.
    pub const ALL: [Self; 10] = [
        Self::Found,
        Self::Invalid,
        Self::Insert,
        Self::InsertFailed,
        Self::Drop,
        Self::EarlyDrop,
        Self::Error,
        Self::SearchRestart,
        Self::ClashResolve,
        Self::ChainTooLong,
    ];

    /// The name that `conntrack -S` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Invalid => "invalid",
            Self::Insert => "insert",
            Self::InsertFailed => "insert_failed",
            Self::Drop => "drop",
            Self::EarlyDrop => "early_drop",
            Self::Error => "error",
            Self::SearchRestart => "search_restart",
            Self::ClashResolve => "clash_resolve",
            Self::ChainTooLong => "chaintoolong",
        }
    }

    /// `CTA_STATS_*`.
    const fn attribute(self) -> u16 {
        match self {
            Self::Found => 2,
            Self::Invalid => 4,
            Self::Insert => 8,
            Self::InsertFailed => 9,
            Self::Drop => 10,
            Self::EarlyDrop => 11,
            Self::Error => 12,
            Self::SearchRestart => 13,
            Self::ClashResolve => 14,
            Self::ChainTooLong => 15,
        }
    }
}

/// What one CPU has counted since the network namespace began. Wraps at 2^32;
/// absent where the kernel does not count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuStats([Option<u32>; Stat::ALL.len()]);

impl CpuStats {
    /// A count.
    pub const fn get(&self, stat: Stat) -> Option<u32> {
        self.0[stat as usize]
    }

    /// The same with another count.
    #[must_use]
    pub const fn with(mut self, stat: Stat, count: u32) -> Self {
        self.0[stat as usize] = Some(count);
        self
    }
}

/// How full the table of a network namespace is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSize {
    /// `CTA_STATS_GLOBAL_ENTRIES`.
    pub entries: Option<u32>,
    /// `CTA_STATS_GLOBAL_MAX_ENTRIES`, Linux 4.18: `nf_conntrack_max`.
    pub max: Option<u32>,
}

/// What each CPU has counted.
///
/// # Errors
/// If the kernel refuses: it wants `CAP_NET_ADMIN`.
pub fn statistics() -> Result<Vec<CpuStats>, NetlinkError> {
    let failed =
        |source| NetlinkError::new("reading the statistics of connection tracking", source);
    let socket = Socket::open()?;
    let mut requests = Requests::new();
    requests.message(CT_GET_STATS_CPU, NLM_F_DUMP, 1, libc::AF_UNSPEC as u8);
    let mut cpus = Vec::new();
    dump(&socket, &requests, |message| cpus.push(cpu_stats(message))).map_err(failed)?;
    Ok(cpus)
}

/// How full the table is.
///
/// # Errors
/// If the kernel refuses: it wants `CAP_NET_ADMIN`.
pub fn table_size() -> Result<TableSize, NetlinkError> {
    let failed = |source| NetlinkError::new("reading the kernel's table of connections", source);
    let socket = Socket::open()?;
    let mut requests = Requests::new();
    requests.message(CT_GET_STATS, 0, 1, libc::AF_UNSPEC as u8);
    socket.send(requests.bytes()).map_err(failed)?;
    let mut buffer = vec![0; 4 << 10];
    let len = socket.recv(&mut buffer).map_err(failed)?;
    let Some(message) = messages(&buffer[..len]).next() else {
        return Err(failed(io::ErrorKind::InvalidData.into()));
    };
    match (message.kind, message.errno()) {
        (NLMSG_ERROR, errno) if errno != 0 => Err(failed(io::Error::from_raw_os_error(errno))),
        _ => Ok(size(&message)),
    }
}

/// One row of the answer to [`CT_GET_STATS_CPU`]. Attributes of another length
/// than theirs are as if absent.
fn cpu_stats(message: &Message<'_>) -> CpuStats {
    let mut stats = CpuStats::default();
    for attribute in attributes_of(message) {
        let of = |stat: &Stat| stat.attribute() == attribute.kind;
        if let Some(stat) = Stat::ALL.into_iter().find(of)
            && let Some(count) = attribute.be32()
        {
            stats = stats.with(stat, count);
        }
    }
    stats
}

fn size(message: &Message<'_>) -> TableSize {
    let find = |kind| {
        let mut all = attributes_of(message);
        all.find(|a| a.kind == kind).and_then(Attribute::be32)
    };
    TableSize {
        entries: find(CTA_STATS_GLOBAL_ENTRIES),
        max: find(CTA_STATS_GLOBAL_MAX_ENTRIES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first row that Linux 6.18 answered with, in a namespace whose rules
    /// track, after twelve TCP segments without any sense had passed its two
    /// hooks.
    const ROW: &str = "64000000 0401 0200 01000000 dc360000 00000000 \
        08000200 00000000 08000400 00000018 08000800 00000000 08000900 00000000 \
        08000a00 00000000 08000b00 00000000 08000c00 00000000 08000d00 00000000 \
        08000e00 00000000 08000f00 00000000";
    /// Its answer to the question about the size.
    const SIZE: &str = "24000000 0501 0200 01000000 dc360000 00000000 \
        08000100 00000001 08000200 00040000";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = hex.chars().filter_map(|c| c.to_digit(16));
        let digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn read(bytes: &[u8]) -> CpuStats {
        cpu_stats(&messages(bytes).next().unwrap())
    }

    #[test]
    fn what_the_kernel_says_is_understood() {
        let stats = read(&bytes(ROW));
        for stat in Stat::ALL {
            let expected = if stat == Stat::Invalid { 24 } else { 0 };
            assert_eq!(stats.get(stat), Some(expected), "{stat:?}");
        }
        let answer = bytes(SIZE);
        let told = size(&messages(&answer).next().unwrap());
        assert_eq!((told.entries, told.max), (Some(1), Some(262_144)));
    }

    #[test]
    fn no_count_is_taken_for_another() {
        let mut row = Requests::new();
        row.message(CT_GET_STATS_CPU, 0, 1, 0);
        // Among them those that kernels of old wrote.
        for kind in 1..=16u16 {
            row.attribute(kind, &(1000 + u32::from(kind)).to_be_bytes());
        }
        let stats = read(row.bytes());
        let counts = Stat::ALL.map(|stat| stats.get(stat).unwrap());
        assert_eq!(
            counts,
            [1002, 1004, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015]
        );
    }

    #[test]
    fn what_is_not_counted_or_has_another_length_is_absent() {
        let mut row = Requests::new();
        row.message(CT_GET_STATS_CPU, 0, 1, 0)
            .attribute(Stat::Drop.attribute(), &[0, 0, 0, 0, 0, 0, 0, 1])
            .attribute(Stat::EarlyDrop.attribute(), &7u32.to_be_bytes());
        let stats = read(row.bytes());
        assert_eq!(stats, CpuStats::default().with(Stat::EarlyDrop, 7));
        let mut answer = Requests::new();
        answer
            .message(CT_GET_STATS, 0, 1, 0)
            .attribute(CTA_STATS_GLOBAL_ENTRIES, &5u32.to_be_bytes());
        let told = size(&messages(answer.bytes()).next().unwrap());
        assert_eq!((told.entries, told.max), (Some(5), None), "before 4.18");
    }
}
