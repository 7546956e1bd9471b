//! The statistics of connection tracking: over ctnetlink, and for who may not
//! ask there, from a file that anybody may read.

use std::fs;

use crate::netlink::conntrack::stats::{self, CpuStats, Stat, TableSize};

/// One line per CPU, in hexadecimal (`net/netfilter/nf_conntrack_standalone.c`).
const FILE: &str = "/proc/thread-self/net/stat/nf_conntrack";

/// What each CPU has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracking {
    /// Since the network namespace began.
    pub cpus: Vec<CpuStats>,
    /// How full the table is; only ctnetlink tells.
    pub size: Option<TableSize>,
}

impl Tracking {
    /// Reads them, or says why they cannot be read.
    pub(super) fn read() -> Result<Self, String> {
        match stats::statistics() {
            Ok(cpus) => Ok(Self {
                cpus,
                size: stats::table_size().ok(),
            }),
            Err(refused) => match fs::read_to_string(FILE).ok().and_then(|text| parse(&text)) {
                Some(cpus) => Ok(Self { cpus, size: None }),
                None => Err(refused.to_string()),
            },
        }
    }
}

/// Reads the file by the names of its columns, which differ between versions.
fn parse(text: &str) -> Option<Vec<CpuStats>> {
    let mut lines = text.lines();
    let columns: Vec<Option<Stat>> = lines.next()?.split_ascii_whitespace().map(stat).collect();
    let cpus: Option<Vec<CpuStats>> = lines
        .map(|line| {
            let mut stats = CpuStats::default();
            for (column, number) in columns.iter().zip(line.split_ascii_whitespace()) {
                if let Some(stat) = column {
                    stats = stats.with(*stat, u32::from_str_radix(number, 16).ok()?);
                }
            }
            Some(stats)
        })
        .collect();
    cpus.filter(|cpus| !cpus.is_empty())
}

/// What a column of the file is. Some carry the names of counters that are no
/// longer kept, or count expectations.
fn stat(column: &str) -> Option<Stat> {
    match column {
        "icmp_error" => Some(Stat::Error),
        "clashres" => Some(Stat::ClashResolve),
        "chainlength" => Some(Stat::ChainTooLong),
        name => Stat::ALL.into_iter().find(|stat| stat.name() == name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18, after twelve TCP segments without any sense; two of the
    /// zeroes are ones.
    const SIX: &str = "\
entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
00000001  00000001 00000000 00000000 00000018 00000000 00000000 00000002 00000000 00000000 00000000 00000000 00000000  00000000 00000000 00000000 00000000
00000001  00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000100 00000000 00000000  00000000 00000000 00000000 00000000
";

    /// The columns of Linux 4.19, each with a count of its own.
    const FOUR: &str = "\
entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
0000002a  00000000 00000003 00000000 0000000c 00000f00 00000000 00000000 00000000 00000007 00000001 00000002 00000004  00000000 00000000 00000000 00000005
";

    #[test]
    fn columns_are_known_by_name() {
        let cpus = parse(SIX).unwrap();
        assert_eq!(cpus.len(), 2);
        assert_eq!(cpus[0].get(Stat::Invalid), Some(24));
        assert_eq!(cpus[0].get(Stat::ClashResolve), Some(1));
        assert_eq!(cpus[0].get(Stat::ChainTooLong), Some(2));
        assert_eq!(cpus[1].get(Stat::Drop), Some(256));
        let cpus = parse(FOUR).unwrap();
        let counts = Stat::ALL.map(|stat| cpus[0].get(stat));
        let expected = [3, 12, 0, 7, 1, 2, 4, 5].map(Some);
        assert_eq!(counts[..8], expected);
        assert_eq!(counts[8..], [None, None], "not counted then");
    }

    #[test]
    fn what_is_no_such_file_tells_nothing() {
        for text in ["", "found drop\n", "found drop\n00000001 none\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
