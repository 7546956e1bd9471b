//! Pseudonyms: what a screen may show that strangers look at.
//!
//! A [`Mask`] puts a stable pseudonym in the place of every address, name,
//! hardware address, user and the like. It works on what a view or a record is
//! made of ([`told`](self::told)), before anything is drawn or written, so that
//! no cell has to think of it.
//!
//! - **Addresses** become others of their kind. Two that have the first n bits
//!   in common still have, and no more: a network stays one. Private and other
//!   special addresses stay in their range; loopback, multicast groups and
//!   broadcast stay as they are.
//! - **Hardware addresses** become others, which nobody gave out.
//! - **Names** of hosts, users, containers and pods, cities, arguments of
//!   commands and paths become a word of their kind and six letters: `host-3k9d2f`.
//! - **What stays**: protocols, ports, services, states, counters, times,
//!   countries, networks (autonomous systems), interfaces, marks and zones,
//!   process ids, names of programs and of systemd units, `root`.
//!
//! The pseudonyms follow from a key. Who does not have it cannot tell what is
//! behind one; but what stays can tell much to who knows the network.

mod told;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Mac;

/// Ranges that addresses neither leave nor enter: those of the IANA
/// special-purpose registries (RFC 6890 and its updates), multicast and what is
/// reserved.
const SPECIAL_V4: &[([u8; 4], u8)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The same of IPv6, as segments. Link-local addresses have 64 bits in common;
/// of solicited-node groups (RFC 4291, 2.7.1) the last 24 bits are a host's.
const SPECIAL_V6: &[([u16; 8], u8)] = &[
    ([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
    ([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 8),
    ([0xfd00, 0, 0, 0, 0, 0, 0, 0], 8),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
    ([0xff02, 0, 0, 0, 0, 1, 0xff00, 0], 104),
];

/// Letters of pseudonyms: none is mistaken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many a pseudonym has: 30 bits tell a thousand names apart.
const WORD_LETTERS: usize = 6;

/// What a digest is for, so that no two uses share one.
#[derive(Clone, Copy)]
enum Use {
    V4,
    V6,
    Mac,
    Word,
    User,
}

/// Makes pseudonyms.
#[derive(Clone)]
pub struct Mask {
    key: [u8; 32],
    /// Words that texts may hold and nobody is to read.
    secrets: Arc<[Box<str>]>,
}

impl fmt::Debug for Mask {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Mask {}

impl Mask {
    /// The pseudonyms of a key. `secrets` are words that are replaced in texts
    /// as well: the name of this machine, of the user.
    pub fn new(key: [u8; 32], secrets: impl IntoIterator<Item = String>) -> Self {
        let secrets = secrets.into_iter().filter(|word| word.len() > 1);
        Self {
            key,
            secrets: secrets.map(String::into_boxed_str).collect(),
        }
    }

    fn digest(&self, of: Use, at: u8, bytes: &[u8]) -> [u8; 32] {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update([of as u8, at])
            .chain_update(bytes)
            .finalize();
        digest.into()
    }

    /// The pseudonym of an address.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(ip) => self.v4(ip).into(),
            IpAddr::V6(ip) => match ip.segments() {
                // An IPv4 address inside is that address.
                [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
                    let [.., a, b, c, d] = ip.octets();
                    let inside = self.v4(Ipv4Addr::new(a, b, c, d));
                    let around = ip.to_bits() & !u128::from(u32::MAX);
                    Ipv6Addr::from_bits(around | u128::from(inside.to_bits())).into()
                }
                _ => self.v6(ip).into(),
            },
        }
    }

    /// What names no single host of the network stays.
    fn v4(&self, ip: Ipv4Addr) -> Ipv4Addr {
        if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() {
            return ip;
        }
        let bits = ip.to_bits();
        let mut octets = ip.octets();
        self.turn(Use::V4, &mut octets, |depth| {
            SPECIAL_V4.iter().any(|(net, len)| {
                let differ = bits ^ u32::from_be_bytes(*net);
                u32::from(*len) > depth && differ.leading_zeros() >= depth
            })
        });
        octets.into()
    }

    fn v6(&self, ip: Ipv6Addr) -> Ipv6Addr {
        let is_solicited = ip.to_bits() >> 24 == 0xff_0200_0000_0000_0000_0000_01ff;
        if ip.is_loopback() || ip.is_unspecified() || (ip.is_multicast() && !is_solicited) {
            return ip;
        }
        let bits = ip.to_bits();
        let mut octets = ip.octets();
        self.turn(Use::V6, &mut octets, |depth| {
            SPECIAL_V6.iter().any(|(net, len)| {
                let differ = bits ^ Ipv6Addr::from(*net).to_bits();
                u32::from(*len) > depth && differ.leading_zeros() >= depth
            })
        });
        octets.into()
    }

    /// Turns bits around, each by the key and the bits before it, so that
    /// addresses that begin alike go on doing so, and each has a pseudonym of
    /// its own. A bit that a special range still depends on stays: `keeps` says
    /// of which depth that is so.
    ///
    /// One digest does for an octet: the bits before the first of its bits
    /// choose it, and the 255 ways to begin the octet each have a bit of it.
    fn turn(&self, of: Use, octets: &mut [u8], keeps: impl Fn(u32) -> bool) {
        let mut before = [0; 16];
        for at in 0..octets.len() {
            let octet = octets[at];
            let digest = self.digest(of, at as u8, &before[..at]);
            let mut way = 1_usize;
            for bit in (0..8).rev() {
                let is_kept = keeps(8 * at as u32 + 7 - bit);
                let turns = digest[way / 8] >> (way % 8) & 1 == 1;
                if turns && !is_kept {
                    octets[at] ^= 1 << bit;
                }
                way = way << 1 | usize::from(octet >> bit & 1);
            }
            before[at] = octet;
        }
    }

    /// The pseudonym of a hardware address: locally administered (IEEE 802), as
    /// no vendor's is. Groups and the absence of one stay.
    pub fn mac(&self, Mac(bytes): Mac) -> Mac {
        if bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Mac(bytes);
        }
        let mut masked = [2; 6];
        masked[1..].copy_from_slice(&self.digest(Use::Mac, 0, &bytes)[..5]);
        Mac(masked)
    }

    /// The pseudonym of a text of some kind.
    pub fn word(&self, kind: &str, text: &str) -> String {
        let digest = self.digest(Use::Word, 0, text.as_bytes());
        let mut word = format!("{kind}-");
        for byte in &digest[..WORD_LETTERS] {
            word.push(char::from(LETTERS[usize::from(byte % 32)]));
        }
        word
    }

    /// The pseudonym of a host's name. Names are the same whatever the case.
    pub fn host(&self, name: &str) -> String {
        self.word("host", &name.to_ascii_lowercase())
    }

    /// The pseudonym of a user's number; 0 stays.
    pub fn uid(&self, uid: u32) -> u32 {
        if uid == 0 {
            return 0;
        }
        let [a, b, c, ..] = self.digest(Use::User, 0, &uid.to_be_bytes());
        1_000_000 + u32::from_be_bytes([0, a, b, c]) % 1_000_000
    }

    /// A text that others wrote, such as a warning: addresses and hardware
    /// addresses in it, homes, and the words that are secret become pseudonyms.
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| !is_between(c)) {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let end = rest.find(is_between).unwrap_or(rest.len());
            self.token(&rest[..end], &mut out);
            rest = &rest[end..];
        }
        out.push_str(rest);
        out
    }

    /// A word of a text, with the signs at its end.
    fn token(&self, token: &str, out: &mut String) {
        if let Some(masked) = self.whole(token) {
            return out.push_str(&masked);
        }
        let word = token.trim_end_matches(['.', ':']);
        let end = &token[word.len()..];
        if let Some(home) = word.strip_prefix("/home/") {
            let (user, rest) = home.split_at(home.find('/').unwrap_or(home.len()));
            out.push_str("/home/");
            out.push_str(&self.word("user", user));
            return self.token(&format!("{rest}{end}"), out);
        }
        if let Some(masked) = self.whole(word) {
            out.push_str(&masked);
        } else {
            // An address with a port, a network, a path.
            let at = word.rfind([':', '/', '=', '@']);
            match at.map(|at| word.split_at(at)) {
                Some((first, last)) => {
                    self.token(first, out);
                    out.push_str(&last[..1]);
                    self.token(&last[1..], out);
                }
                None => out.push_str(word),
            }
        }
        out.push_str(end);
    }

    /// The pseudonym of what is an address or a secret as a whole.
    fn whole(&self, word: &str) -> Option<String> {
        if let Ok(address) = word.parse() {
            return Some(self.address(address).to_string());
        }
        if let Some(mac) = mac(word) {
            return Some(self.mac(mac).to_string());
        }
        let mut secrets = self.secrets.iter();
        let secret = secrets.find(|secret| word.eq_ignore_ascii_case(secret))?;
        Some(self.host(secret))
    }
}

/// What parts words of a text in which an address may stand.
fn is_between(c: char) -> bool {
    !(c.is_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_' | '=' | '@'))
}

fn mac(word: &str) -> Option<Mac> {
    let mut bytes = [0; 6];
    let mut parts = word.split([':', '-']);
    for byte in &mut bytes {
        let part = parts.next().filter(|part| part.len() == 2)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(Mac(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn mask() -> Mask {
        Mask::new([7; 32], ["gw1".to_owned(), "alice".to_owned()])
    }

    fn masked(text: &str) -> IpAddr {
        mask().address(text.parse().unwrap())
    }

    fn shared(a: IpAddr, b: IpAddr) -> u32 {
        match (a, b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => panic!("two families"),
        }
    }

    #[test]
    fn addresses_that_begin_alike_still_do() {
        let pairs = [
            ("8.8.8.8", "8.8.4.4"),
            ("93.184.216.34", "93.184.216.35"),
            ("10.1.2.3", "10.1.2.200"),
            ("10.1.2.3", "10.200.0.1"),
            ("192.168.7.1", "192.168.8.1"),
            ("2606:4700::1111", "2606:4700::1001"),
            ("2a00:1450:4001::1", "2606:4700::1"),
            ("fd00::1", "fd00:1::1"),
            ("fe80::1", "fe80::2"),
        ];
        for (a, b) in pairs {
            let plain = shared(a.parse().unwrap(), b.parse().unwrap());
            assert_eq!(shared(masked(a), masked(b)), plain, "{a} {b}");
        }
    }

    #[test]
    fn every_address_has_a_pseudonym_of_its_own_in_its_range() {
        let mask = mask();
        for block in [
            [10, 9, 8, 0],
            [192, 168, 1, 0],
            [203, 0, 113, 0],
            [11, 22, 33, 0],
        ] {
            let all: Vec<_> = (0..=255)
                .map(|last| mask.v4(Ipv4Addr::new(block[0], block[1], block[2], last)))
                .collect();
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), 256);
            let same: HashSet<_> = all.iter().map(|ip| ip.to_bits() >> 8).collect();
            assert_eq!(same.len(), 1);
        }
        let is_private = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.is_private(),
            IpAddr::V6(ip) => ip.is_unique_local(),
        };
        for private in [
            "10.0.0.1",
            "172.16.5.4",
            "172.31.0.1",
            "192.168.1.1",
            "fd12::1",
        ] {
            assert!(is_private(masked(private)), "{private}");
            assert_ne!(masked(private).to_string(), private);
        }
        // No public address becomes a special one.
        for first in 1..=223 {
            for second in [0, 64, 168, 254] {
                let ip = Ipv4Addr::new(first, second, 1, 1);
                let in_range = |ip: Ipv4Addr| {
                    let within = |(net, len): &&([u8; 4], u8)| {
                        let differ = ip.to_bits() ^ u32::from_be_bytes(*net);
                        differ.leading_zeros() >= u32::from(*len)
                    };
                    SPECIAL_V4.iter().position(|range| within(&range))
                };
                assert_eq!(in_range(ip), in_range(mask.v4(ip)), "{ip}");
            }
        }
    }

    #[test]
    fn what_names_no_host_stays() {
        for stays in [
            "127.0.0.1",
            "127.0.0.53",
            "0.0.0.0",
            "224.0.0.251",
            "255.255.255.255",
            "::1",
            "::",
            "ff02::fb",
        ] {
            assert_eq!(masked(stays).to_string(), stays);
        }
        let solicited = masked("ff02::1:ff12:3456").to_string();
        assert!(solicited.starts_with("ff02::1:ff"), "{solicited}");
        assert_ne!(solicited, "ff02::1:ff12:3456");
        assert!(masked("fe80::1234").to_string().starts_with("fe80::"));
        let inside = masked("::ffff:8.8.8.8");
        assert_eq!(inside.to_canonical(), masked("8.8.8.8"));
    }

    #[test]
    fn another_key_means_other_pseudonyms() {
        let other = Mask::new([8; 32], []);
        let address = "93.184.216.34".parse().unwrap();
        assert_ne!(other.address(address), mask().address(address));
        assert_ne!(other.host("laptop.lan"), mask().host("laptop.lan"));
        assert_eq!(mask().host("Laptop.lan"), mask().host("laptop.LAN"));
        assert!(mask().host("laptop.lan").starts_with("host-"));
    }

    #[test]
    fn hardware_addresses_become_those_of_nobody() {
        let mac = Mac([0x3c, 0x22, 0xfb, 1, 2, 3]);
        let masked = mask().mac(mac);
        assert_eq!(masked.0[0], 2);
        assert_ne!(masked, mac);
        assert_eq!(mask().mac(Mac([0xff; 6])), Mac([0xff; 6]));
    }

    #[test]
    fn users_have_numbers_of_their_own_and_root_stays() {
        assert_eq!(mask().uid(0), 0);
        assert!(mask().uid(1000) >= 1_000_000);
        assert_ne!(mask().uid(1000), mask().uid(1001));
    }

    #[test]
    fn texts_lose_what_tells_of_hosts_and_users() {
        let mask = mask();
        let text = mask.text(
            "10.0.0.7:53 and [2a00:1450::1]:53 do not answer; 93.184.216.0/24 on gw1, \
             3c:22:fb:01:02:03, /home/alice/.config/x.toml: line 3, user=alice, fd12::1. At 12:30:01",
        );
        assert!(!mask.text("2a00:1450::/32").contains("1450"));
        for gone in [
            "10.0.0.7",
            "2a00:1450::1",
            "93.184.216.0",
            "gw1",
            "3c:22",
            "alice",
            "fd12::1",
        ] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        for stays in [
            ":53",
            "]:53",
            "/24",
            ".config/x.toml: line 3",
            "At 12:30:01",
        ] {
            assert!(text.contains(stays), "{stays}: {text}");
        }
        let plain = "geoip/country.mmdb is 90 days old: `flowtop update` (a::b)";
        assert_eq!(mask.text("90 days: 1.5 of 2.5.1"), "90 days: 1.5 of 2.5.1");
        assert!(
            mask.text(plain)
                .starts_with("geoip/country.mmdb is 90 days old")
        );
    }
}
