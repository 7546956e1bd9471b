//! `/etc/resolv.conf`, as far as a stub resolver of reverse names needs it
//! (resolv.conf(5)): `nameserver`, and of `options` the `timeout` and
//! `attempts`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

/// libc reads no more (`MAXNS`).
const MAX_NAMESERVERS: usize = 3;
const PORT: u16 = 53;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResolvConf {
    /// The nameservers in the order of the file; the local machine if it names
    /// none, as in libc.
    pub(super) nameservers: Vec<SocketAddr>,
    /// How long to wait for one nameserver, 1 to 30 s.
    pub(super) timeout: Option<Duration>,
    /// How often to ask in all, 1 to 5.
    pub(super) attempts: Option<u8>,
}

/// Reads the file's content. `zone_index` turns the zone of a link-local
/// nameserver (`fe80::1%eth0`) into the number of the interface. Lines and
/// options that are not understood are skipped, as libc does.
pub(super) fn parse(content: &[u8], zone_index: impl Fn(&str) -> Option<u32>) -> ResolvConf {
    let content = String::from_utf8_lossy(content);
    let mut conf = ResolvConf {
        nameservers: Vec::new(),
        timeout: None,
        attempts: None,
    };
    for line in content.lines() {
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        match words.next() {
            Some("nameserver") => {
                let server = words.next().and_then(|word| nameserver(word, &zone_index));
                if conf.nameservers.len() < MAX_NAMESERVERS {
                    conf.nameservers.extend(server);
                }
            }
            Some("options") => {
                for option in words {
                    if let Some(seconds) = number(option, "timeout:") {
                        conf.timeout = Some(Duration::from_secs(seconds.clamp(1, 30)));
                    } else if let Some(times) = number(option, "attempts:") {
                        conf.attempts = Some(times.clamp(1, 5) as u8);
                    }
                }
            }
            _ => {}
        }
    }
    if conf.nameservers.is_empty() {
        conf.nameservers
            .push(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)));
    }
    conf
}

fn nameserver(word: &str, zone_index: impl Fn(&str) -> Option<u32>) -> Option<SocketAddr> {
    let Some((addr, zone)) = word.split_once('%') else {
        return Some(SocketAddr::new(word.parse::<IpAddr>().ok()?, PORT));
    };
    let index = zone.parse().ok().or_else(|| zone_index(zone))?;
    Some(SocketAddrV6::new(addr.parse().ok()?, PORT, 0, index).into())
}

fn number(option: &str, key: &str) -> Option<u64> {
    option.strip_prefix(key)?.parse().ok()
}

/// The number of an interface, from sysfs.
pub(super) fn interface_index(name: &str) -> Option<u32> {
    if name.contains(['/', '.']) {
        return None;
    }
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn servers(content: &str) -> Vec<String> {
        let conf = parse(content.as_bytes(), |zone| (zone == "eth0").then_some(7));
        conf.nameservers.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn three_nameservers_at_most_in_their_order() {
        let content = "# made by hand\n; too\nsearch lan\n nameserver 10.0.0.9\n\
                       nameserver\t192.168.1.1 \nnameserver 2620:fe::fe\n\
                       nameserver not.an.address\nnameserver 9.9.9.9\nnameserver 8.8.8.8\n";
        assert_eq!(
            servers(content),
            ["10.0.0.9:53", "192.168.1.1:53", "[2620:fe::fe]:53"]
        );
    }

    #[test]
    fn a_link_local_nameserver_needs_its_interface() {
        assert_eq!(
            servers("nameserver fe80::1%eth0\nnameserver fe80::2%3\nnameserver fe80::3%gone\n"),
            ["[fe80::1%7]:53", "[fe80::2%3]:53"]
        );
        assert_eq!(interface_index("lo"), Some(1));
        assert_eq!(interface_index("../../etc"), None);
    }

    #[test]
    fn no_nameserver_means_this_machine() {
        assert_eq!(servers(""), ["127.0.0.1:53"]);
    }

    #[test]
    fn options_are_clamped_and_the_last_counts() {
        let conf = parse(
            b"options rotate timeout:3 attempts:9\noptions timeout:0 ndots:x",
            |_| None,
        );
        assert_eq!(conf.timeout, Some(Duration::from_secs(1)));
        assert_eq!(conf.attempts, Some(5));
        let conf = parse(b"options timeout: attempts:-1\n", |_| None);
        assert_eq!((conf.timeout, conf.attempts), (None, None));
    }

    proptest! {
        #[test]
        fn any_content_gives_some_nameserver(content in proptest::collection::vec(any::<u8>(), 0..400)) {
            let conf = parse(&content, |_| None);
            prop_assert!((1..=MAX_NAMESERVERS).contains(&conf.nameservers.len()));
        }
    }
}
