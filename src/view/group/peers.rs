//! How many distinct hosts are at the far ends of groups.
//!
//! To tell so many apart costs more than all the rest of a list of groups, so it
//! is left until somebody asks, and then only done for the groups that are
//! asked about: as a rule those of a window.

use std::hash::BuildHasher;
use std::net::IpAddr;

use foldhash::fast::RandomState;

/// The far end of every flow, by the place of its group in the list of tallies.
#[derive(Default)]
pub(super) struct Peers {
    hasher: RandomState,
    /// Hashes stand for the hosts: among a million two are alike once in
    /// forty million lists.
    each: Vec<(u32, u64)>,
}

impl Peers {
    pub(super) fn add(&mut self, tally: u32, far: IpAddr) {
        let hash = match far {
            IpAddr::V4(ip) => self.hasher.hash_one(ip.to_bits()),
            // `::1` is another one than 0.0.0.1.
            IpAddr::V6(ip) => self.hasher.hash_one((6_u8, ip.to_bits())),
        };
        self.each.push((tally, hash));
    }

    /// How many there are of each of these tallies, of `tallies` in all.
    pub(super) fn count(&self, wanted: &[u32], tallies: usize) -> Vec<u32> {
        // Line of the answer by tally, and how many flows each line has.
        let mut lines = vec![u32::MAX; tallies];
        for (line, tally) in (0..).zip(wanted) {
            if let Some(slot) = lines.get_mut(*tally as usize) {
                *slot = line;
            }
        }
        let line_of = |tally: u32| {
            lines
                .get(tally as usize)
                .map_or(usize::MAX, |l| *l as usize)
        };
        let mut ends = vec![0; wanted.len()];
        for (tally, _) in &self.each {
            if let Some(flows) = ends.get_mut(line_of(*tally)) {
                *flows += 1;
            }
        }
        // Where the hashes of each line begin; as they are filled in, where
        // they end.
        let mut all = 0;
        for end in &mut ends {
            (*end, all) = (all, all + *end);
        }
        let mut hashes = vec![0; all];
        for (tally, hash) in &self.each {
            if let Some(end) = ends.get_mut(line_of(*tally)) {
                hashes[*end] = *hash;
                *end += 1;
            }
        }
        let mut begin = 0;
        let distinct = |end: usize| {
            let of_line = &mut hashes[begin..end];
            begin = end;
            of_line.sort_unstable();
            of_line.chunk_by(u64::eq).count() as u32
        };
        ends.into_iter().map(distinct).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn hosts_are_told_apart_by_group() {
        let mut peers = Peers::default();
        let mut known: HashMap<u32, HashSet<IpAddr>> = HashMap::new();
        for index in 0..10_000_u32 {
            let tally = index * index % 7;
            let bits = index % (3 + 50 * tally);
            let far: IpAddr = if index % 3 == 0 {
                Ipv6Addr::from_bits(bits.into()).into()
            } else {
                Ipv4Addr::from_bits(bits).into()
            };
            peers.add(tally, far);
            known.entry(tally).or_default().insert(far);
        }
        let count = |tally| known.get(&tally).map_or(0, HashSet::len) as u32;
        // Some of them, in any order; one has no flows.
        let wanted = [4, 0, 3, 1];
        assert_eq!(peers.count(&wanted, 7), wanted.map(count));
        assert_eq!(count(3), 0);
        let all: Vec<u32> = (0..7).collect();
        let counts: Vec<u32> = all.iter().copied().map(count).collect();
        assert_eq!(peers.count(&all, 7), counts);
        assert!(peers.count(&[], 7).is_empty());
    }
}
