//! `/proc/fs/nfsd/exports`: the exports that some client has asked for
//! (`svc_export_show` in `fs/nfsd/export.c`).

use std::net::IpAddr;

use ipnet::IpNet;

/// A directory, and for whom it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) path: String,
    /// Any of these.
    parties: Vec<Party>,
}

/// For whom a directory is exported; see exports(5).
#[derive(Clone, Debug, PartialEq, Eq)]
enum Party {
    Everybody,
    Net(IpNet),
    /// A host by its name, which may have wildcards.
    Named(String),
    /// A netgroup, or whoever shows a ticket: no address tells them.
    Untold,
}

impl Party {
    fn of(text: &str) -> Self {
        // An address alone, where mountd tells clients apart by address.
        let text = text.strip_prefix('$').unwrap_or(text);
        if text == "*" {
            return Self::Everybody;
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::Net(address.to_canonical().into());
        }
        if let Some((address, mask)) = text.split_once('/') {
            let net = match (text.parse(), address.parse(), mask.parse()) {
                (Ok(net), ..) => Some(net),
                (_, Ok(address), Ok(mask)) => IpNet::with_netmask(address, mask).ok(),
                _ => None,
            };
            // A name has no slash.
            return net.map_or(Self::Untold, Self::Net);
        }
        if text.is_empty() || text.starts_with('@') {
            return Self::Untold;
        }
        Self::Named(text.to_ascii_lowercase())
    }

    fn holds(&self, address: IpAddr, name: Option<&str>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Net(net) => net.contains(&address),
            Self::Named(pattern) => {
                let name = name.map(str::to_ascii_lowercase);
                name.is_some_and(|name| is_like(name.as_bytes(), pattern.as_bytes()))
            }
            Self::Untold => false,
        }
    }
}

/// Whether a name is like a pattern with `*` and `?`. `*` stands for anything,
/// as everywhere but in the first part of a name.
fn is_like(name: &[u8], pattern: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|at| is_like(&name[at..], rest)),
        ([b'?', rest @ ..], [_, name @ ..]) => is_like(name, rest),
        ([first, rest @ ..], [same, name @ ..]) => first == same && is_like(name, rest),
        _ => false,
    }
}

impl Export {
    /// Whether it is for this host, which is called `name`.
    pub(super) fn is_for(&self, address: IpAddr, name: Option<&str>) -> bool {
        self.parties.iter().any(|party| party.holds(address, name))
    }
}

/// Understands the list: a directory, a tab, clients with their options in
/// parentheses, and sometimes a comment. Lines that are none of this are passed
/// over, and so is the root that the kernel makes up for NFS 4 (`v4root`).
pub(super) fn parse(text: &str) -> Vec<Export> {
    let export = |line: &str| {
        let (path, rest) = line.split_once('\t')?;
        let (clients, options) = rest.split_once('(')?;
        let (options, _) = options.split_once(')')?;
        if line.starts_with('#') || options.split(',').any(|option| option == "v4root") {
            return None;
        }
        Some(Export {
            path: unescaped(path),
            parties: unescaped(clients).split(',').map(Party::of).collect(),
        })
    };
    text.lines().filter_map(export).collect()
}

/// White space and backslashes are told as three octal digits. What a terminal
/// would obey is replaced.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).filter(|_| *first == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6.1 tells of them.
    const EXPORTS: &str = "\
# Version 1.1
# Path Client(Flags) # IPs
/srv/nfs\t192.0.2.0/24(rw,no_root_squash,sync,wdelay,uuid=4c9c4bf1:1bc04d1f:8f5ba5f7:0d2ba7bd,sec=1)
/srv/my\\040music\t192.0.2.7,10.0.0.0/255.0.0.0(ro,root_squash,sync,sec=1)
/\t*(ro,root_squash,sync,no_wdelay,v4root,fsid=0,sec=390003:390004:390005:1)
/srv/lab\t*.lab.example,2001:db8::/32(rw,sync,sec=1)
/srv/team\t@team(rw,sync,sec=1)
";

    fn mounts(address: &str, name: Option<&str>) -> Vec<String> {
        let address = address.parse().unwrap();
        parse(EXPORTS)
            .into_iter()
            .filter(|export| export.is_for(address, name))
            .map(|export| export.path)
            .collect()
    }

    #[test]
    fn a_client_has_what_is_exported_to_it() {
        assert_eq!(mounts("192.0.2.9", None), ["/srv/nfs"]);
        assert_eq!(mounts("192.0.2.7", None), ["/srv/nfs", "/srv/my music"]);
        assert_eq!(mounts("10.9.8.7", None), ["/srv/my music"]);
        assert_eq!(mounts("2001:db8::5", None), ["/srv/lab"]);
        assert_eq!(mounts("198.51.100.1", None), [""; 0]);
        let named = |name| mounts("198.51.100.1", Some(name));
        assert_eq!(named("Bench-3.lab.example"), ["/srv/lab"]);
        assert_eq!(named("lab.example"), [""; 0]);
    }

    #[test]
    fn names_may_have_wildcards() {
        for (name, pattern, expected) in [
            ("a.example", "a.example", true),
            ("a.example", "?.example", true),
            ("ab.example", "?.example", false),
            ("ab.example", "a*.ex*", true),
            ("ab.example", "", false),
            ("é.example", "é.*", true),
        ] {
            let holds = is_like(name.as_bytes(), pattern.as_bytes());
            assert_eq!(holds, expected, "{pattern}");
        }
    }

    #[test]
    fn what_others_chose_does_no_harm() {
        assert_eq!(unescaped("a\\134b\\011c\\04"), "a\\b\u{fffd}c\\04");
        assert_eq!(unescaped("\\777"), "\\777");
        for line in ["", "/a", "/a\tb", "/a\tb(", "\t()", "(\t)", "# /a\t*(rw)"] {
            for export in parse(line) {
                assert!(!export.is_for("192.0.2.1".parse().unwrap(), Some("b")));
            }
        }
    }
}
