//! `/proc/fs/nfsd/clients/*/info`: a client of NFS 4 (`client_info_show` in
//! `fs/nfsd/nfs4state.c`, since Linux 5.3).

use std::net::{IpAddr, SocketAddr};

/// What is read of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) address: IpAddr,
    pub(super) minor_version: u32,
}

/// Understands an entry; `None` if it names no address or no version.
///
/// Lines are `key: value`, and a value that somebody else chose, as the name of
/// the client, is in quotes, with its line ends escaped.
pub(super) fn parse(text: &str) -> Option<Info> {
    let value = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
    };
    let address: SocketAddr = value("address")?.trim_matches('"').parse().ok()?;
    Some(Info {
        address: address.ip().to_canonical(),
        minor_version: value("minor version")?.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.12 tells of a client of Linux.
    const LINUX: &str = "\
clientid: 0x6d077c99675df2b3
address: \"192.0.2.32:864\"
status: confirmed
seconds from last renew: 0
name: \"Linux NFSv4.2 app-01.example\"
minor version: 2
Implementation domain: \"kernel.org\"
Implementation name: \"Linux 4.18.0 #1 SMP Wed Dec 11 16:33:48 UTC 2024 x86_64\"
Implementation time: [0, 0]
callback state: UP
callback address: 192.0.2.32:0
admin-revoked states: 0
";

    #[test]
    fn a_client_has_an_address_and_a_version() {
        let info = Info {
            address: "192.0.2.32".parse().unwrap(),
            minor_version: 2,
        };
        assert_eq!(parse(LINUX), Some(info));
    }

    #[test]
    fn addresses_are_of_both_families() {
        let parsed = |address: &str| {
            let text = format!("address: \"{address}\"\nminor version: 0\n");
            parse(&text).map(|info| info.address.to_string())
        };
        assert_eq!(parsed("[2001:db8::7]:875").unwrap(), "2001:db8::7");
        assert_eq!(parsed("[::ffff:192.0.2.7]:875").unwrap(), "192.0.2.7");
        assert_eq!(parsed("192.0.2.7"), None);
    }

    #[test]
    fn an_incomplete_entry_is_none() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("address: \"192.0.2.1:1\"\n"), None);
        // A name that plays a version is in quotes on its own line.
        let sly = "name: \"minor version: 9\"\naddress: \"192.0.2.1:1\"\n";
        assert_eq!(parse(sly), None);
    }
}
