//! The lease file of dnsmasq: what the devices of a network call themselves.
//!
//! One lease a line, fields between blanks: expiry (seconds since 1970, 0 for
//! ever, or the lease's length on machines without a clock), hardware address
//! or IAID, address, host name or `*`, client id or `*`. A line `duid ...`
//! parts the IPv6 leases, whose fields stand in the same places (dnsmasq,
//! `lease_update_file` in src/lease.c). dnsmasq itself removes what has
//! expired, so the first field is not read.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::escape;

/// The name of each leased address that has one. The last lease of an address
/// wins; a line that is no lease is skipped.
pub(super) fn parse(content: &[u8]) -> HashMap<IpAddr, Arc<str>> {
    let mut names = HashMap::new();
    for line in content.split(|&octet| octet == b'\n') {
        let mut fields = line
            .split(u8::is_ascii_whitespace)
            .filter(|field| !field.is_empty());
        let addr = fields
            .nth(2)
            .and_then(|field| std::str::from_utf8(field).ok())
            .and_then(|field| field.parse::<IpAddr>().ok());
        if let Some(addr) = addr
            && let Some(host) = fields.next().filter(|&host| host != b"*")
            && let Some(name) = escape::from_text(host)
        {
            names.insert(addr.to_canonical(), Arc::from(name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_and_what_is_no_lease() {
        let leases = parse(
            b"1763700000 aa:bb:cc:dd:ee:01 192.168.1.20 phone 01:aa:bb:cc:dd:ee:01\n\
              0 aa:bb:cc:dd:ee:02 192.168.1.21 * *\n\
              1763700000 aa:bb:cc:dd:ee:03 192.168.1.22 tv\x1b[31m *\n\
              duid 00:01:00:01:2c:aa:bb:cc:dd:ee:ff:00:11:22\n\
              1763700000 T12345 fd00::20 phone 00:01\n\
              torn li",
        );
        let name = |addr: &str| {
            leases
                .get(&addr.parse::<IpAddr>().unwrap())
                .map(ToString::to_string)
        };
        assert_eq!(name("192.168.1.20").as_deref(), Some("phone"));
        assert_eq!(name("192.168.1.21"), None);
        assert_eq!(name("192.168.1.22").as_deref(), Some("tv\\027[31m"));
        assert_eq!(name("fd00::20").as_deref(), Some("phone"));
        assert_eq!(leases.len(), 3);
    }
}
