//! `/etc/hosts`: an address, its name, and aliases; `#` starts a comment
//! (hosts(5)).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;

use super::escape;

/// The name of each address. As in libc, the first line of an address wins
/// and its first name is the canonical one. A line that starts with no
/// address, or with one that has a zone (`fe80::1%eth0`), is skipped.
pub(super) fn parse(content: &[u8]) -> HashMap<IpAddr, Arc<str>> {
    let mut hosts = HashMap::new();
    for line in content.split(|&octet| octet == b'\n') {
        let line = line
            .split(|&octet| octet == b'#')
            .next()
            .unwrap_or_default();
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let addr = fields
            .next()
            .and_then(|field| std::str::from_utf8(field).ok())
            .and_then(|field| field.parse::<IpAddr>().ok());
        if let Some(addr) = addr
            && let Entry::Vacant(free) = hosts.entry(addr.to_canonical())
            && let Some(name) = fields.next().and_then(escape::from_text)
        {
            free.insert(Arc::from(name));
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(hosts: &HashMap<IpAddr, Arc<str>>, addr: &str) -> Option<String> {
        hosts.get(&addr.parse().unwrap()).map(ToString::to_string)
    }

    #[test]
    fn the_first_line_and_its_first_name_win() {
        let hosts = parse(
            b"127.0.0.1\tlocalhost\n\
              10.0.0.1 gw.lan gw router # the box\n\
              10.0.0.1 other.lan\n\
              #10.0.0.2 off\n\
              \n\
              10.0.0.3#cut\n\
              ::1 ip6-localhost ip6-loopback\n\
              ::ffff:10.0.0.4 mapped\n\
              fe80::1%eth0 zoned\n\
              nonsense here\n\
              10.0.0.5   \t last.lan.",
        );
        assert_eq!(name(&hosts, "127.0.0.1").as_deref(), Some("localhost"));
        assert_eq!(name(&hosts, "10.0.0.1").as_deref(), Some("gw.lan"));
        assert_eq!(name(&hosts, "10.0.0.2"), None);
        assert_eq!(name(&hosts, "10.0.0.3"), None);
        assert_eq!(name(&hosts, "::1").as_deref(), Some("ip6-localhost"));
        assert_eq!(name(&hosts, "10.0.0.4").as_deref(), Some("mapped"));
        assert_eq!(name(&hosts, "10.0.0.5").as_deref(), Some("last.lan"));
        assert_eq!(hosts.len(), 5);
    }

    #[test]
    fn octets_that_are_no_text_are_escaped() {
        let hosts = parse(b"10.0.0.1 a\x1b]0;x\x07\xff\r\n");
        assert_eq!(
            name(&hosts, "10.0.0.1").as_deref(),
            Some("a\\027]0;x\\007\\255")
        );
    }
}
