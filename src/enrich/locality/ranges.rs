//! Longest-prefix match: prefixes that contain one another, laid out as ranges
//! that do not.

use std::net::IpAddr;

/// An address as a number; those of the two families are never mixed.
pub(super) const fn key(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => ip.to_bits() as u128,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix {
    /// The lowest of them.
    first: u128,
    /// How many bits are free; less is more specific. Descending order puts
    /// what contains before what is contained.
    free_bits: std::cmp::Reverse<u8>,
}

impl Prefix {
    /// The network that an address and the length of a prefix are in.
    pub(super) const fn new(address: IpAddr, prefix_len: u8) -> Self {
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let free = bits.saturating_sub(prefix_len);
        let host = if free >= 128 {
            u128::MAX
        } else {
            (1 << free) - 1
        };
        Self {
            first: key(address) & !host,
            free_bits: std::cmp::Reverse(free),
        }
    }

    const fn last(self) -> u128 {
        match self.free_bits.0 {
            128.. => u128::MAX,
            free => self.first | ((1 << free) - 1),
        }
    }
}

/// From an address on, up to the next range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range<T> {
    from: u128,
    value: Option<(u8, T)>,
}

/// What is said of prefixes, by address: the most specific prefix decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges<T> {
    /// In ascending order.
    ranges: Vec<Range<T>>,
}

impl<T> Default for Ranges<T> {
    /// Of no prefixes.
    fn default() -> Self {
        Self { ranges: Vec::new() }
    }
}

impl<T: Copy> Ranges<T> {
    /// Lays out prefixes, none of them twice.
    pub(super) fn new(mut prefixes: Vec<(Prefix, T)>) -> Self {
        prefixes.sort_unstable_by_key(|(prefix, _)| *prefix);
        let mut ranges: Vec<Range<T>> = Vec::new();
        let mut put = |from: u128, around: Option<&(Prefix, T)>| {
            let value = around.map(|(prefix, value)| (prefix.free_bits.0, *value));
            match ranges.last_mut() {
                // Several prefixes begin or end here.
                Some(last) if last.from == from => last.value = value,
                _ => ranges.push(Range { from, value }),
            }
        };
        // The prefixes around the address at hand, the most specific last.
        let mut around: Vec<(Prefix, T)> = Vec::new();
        for entry in prefixes {
            while let Some(inner) = around.pop_if(|(prefix, _)| prefix.last() < entry.0.first) {
                put(inner.0.last() + 1, around.last());
            }
            around.push(entry);
            put(entry.0.first, around.last());
        }
        while let Some(inner) = around.pop() {
            if let Some(next) = inner.0.last().checked_add(1) {
                put(next, around.last());
            }
        }
        Self { ranges }
    }

    /// What is said of the most specific prefix around an address, and how
    /// many bits of it are free.
    pub(super) fn get(&self, key: u128) -> Option<(u8, T)> {
        let after = self.ranges.partition_point(|range| range.from <= key);
        self.ranges[..after].last().and_then(|range| range.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn v4(text: &str, len: u8) -> Prefix {
        Prefix::new(IpAddr::V4(text.parse().unwrap()), len)
    }

    fn at(ranges: &Ranges<u32>, text: &str) -> Option<u32> {
        let address: IpAddr = text.parse().unwrap();
        ranges.get(key(address)).map(|(_, value)| value)
    }

    #[test]
    fn the_most_specific_prefix_decides() {
        let ranges = Ranges::new(vec![
            (v4("10.1.0.0", 16), 2),
            (v4("0.0.0.0", 0), 0),
            (v4("10.0.0.0", 8), 1),
            (v4("10.1.255.255", 32), 3),
            (v4("255.255.255.255", 32), 4),
        ]);
        for (address, value) in [
            ("9.255.255.255", 0),
            ("10.0.0.0", 1),
            ("10.1.0.0", 2),
            ("10.1.255.254", 2),
            ("10.1.255.255", 3),
            ("10.2.0.0", 1),
            ("11.0.0.0", 0),
            ("255.255.255.255", 4),
        ] {
            assert_eq!(at(&ranges, address), Some(value), "{address}");
        }
    }

    #[test]
    fn outside_of_all_prefixes_nothing_is_said() {
        let ranges = Ranges::new(vec![(v4("10.0.0.0", 8), 1)]);
        assert_eq!(at(&ranges, "9.255.255.255"), None);
        assert_eq!(at(&ranges, "11.0.0.0"), None);
        assert_eq!(Ranges::<u32>::new(Vec::new()).get(0), None);
        let all = Ranges::new(vec![(Prefix::new("::".parse().unwrap(), 0), 7)]);
        assert_eq!(at(&all, "ffff::ffff"), Some(7));
    }

    proptest! {
        /// Against the definition: try every prefix.
        #[test]
        fn ranges_agree_with_a_search(
            entries in proptest::collection::hash_map((0u8..=32, 0u32..256), 0u32..9, 0..40),
            probe in 0u32..256,
        ) {
            let mut prefixes = Vec::new();
            for ((len, seed), value) in entries {
                let address = Ipv4Addr::from_bits(seed.rotate_right(8) | seed);
                let prefix = Prefix::new(IpAddr::V4(address), len);
                if !prefixes.iter().any(|(known, _)| *known == prefix) {
                    prefixes.push((prefix, value));
                }
            }
            let ranges = Ranges::new(prefixes.clone());
            for address in [probe, probe.rotate_right(8), probe.rotate_right(8) | probe] {
                let key = u128::from(address);
                let expected = prefixes
                    .iter()
                    .filter(|(p, _)| (p.first..=p.last()).contains(&key))
                    .min_by_key(|(p, _)| p.free_bits.0)
                    .map(|(p, value)| (p.free_bits.0, *value));
                prop_assert_eq!(ranges.get(key), expected);
            }
        }
    }
}
