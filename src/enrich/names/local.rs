//! Names that this machine knows by itself.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::{MAX_NAME_BYTES, Source, Watched, hosts, leases};

/// Where local names come from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The `[names]` table of the configuration.
    pub table: HashMap<IpAddr, String>,
    /// Lease files of dnsmasq; the first that names an address wins.
    pub leases: Vec<PathBuf>,
    /// The hosts file.
    pub hosts: PathBuf,
}

impl Default for Settings {
    /// The places of Debian and of `OpenWrt`.
    fn default() -> Self {
        Self {
            table: HashMap::new(),
            leases: vec![
                "/var/lib/misc/dnsmasq.leases".into(),
                "/tmp/dhcp.leases".into(),
            ],
            hosts: "/etc/hosts".into(),
        }
    }
}

/// A file and the names in it.
#[derive(Debug)]
struct FileOfNames {
    file: Watched,
    parse: fn(&[u8]) -> HashMap<IpAddr, Arc<str>>,
    source: Source,
    names: HashMap<IpAddr, Arc<str>>,
}

/// The table of the configuration, the leases and the hosts file.
#[derive(Debug)]
pub struct Local {
    table: HashMap<IpAddr, Arc<str>>,
    /// In order of precedence.
    files: Vec<FileOfNames>,
}

impl Local {
    /// Reads the files once. What cannot be read names nobody.
    pub fn open(settings: Settings) -> Self {
        let file = |path: PathBuf, parse, source| FileOfNames {
            file: Watched::new(path),
            parse,
            source,
            names: HashMap::new(),
        };
        let mut files: Vec<_> = settings
            .leases
            .into_iter()
            .map(|path| file(path, leases::parse, Source::Lease))
            .collect();
        files.push(file(settings.hosts, hosts::parse, Source::Hosts));
        let table = settings.table.into_iter();
        let table = table.map(|(addr, name)| (addr.to_canonical(), as_written(&name)));
        let mut local = Self {
            table: table.filter(|(_, name)| !name.is_empty()).collect(),
            files,
        };
        local.refresh();
        local
    }

    /// Reads again what has changed on disk.
    pub fn refresh(&mut self) {
        for file in &mut self.files {
            if let Some(content) = file.file.changed() {
                file.names = (file.parse)(&content);
            }
        }
    }

    /// The local name of a canonical address, and who gave it.
    pub fn name(&self, addr: IpAddr) -> Option<(&Arc<str>, Source)> {
        if let Some(name) = self.table.get(&addr) {
            return Some((name, Source::Config));
        }
        let mut files = self.files.iter();
        files.find_map(|file| file.names.get(&addr).map(|name| (name, file.source)))
    }
}

/// A name that the user wrote for their own eyes keeps its letters, whatever
/// their script; only control characters go, and what exceeds the cap.
fn as_written(name: &str) -> Arc<str> {
    let mut kept = String::new();
    for letter in name.chars().filter(|letter| !letter.is_control()) {
        if kept.len() + letter.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        kept.push(letter);
    }
    Arc::from(kept)
}

#[cfg(test)]
mod tests {
    use super::super::watched::tests::Scratch;
    use super::*;

    fn addr(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn name(local: &Local, of: &str) -> Option<(String, Source)> {
        local
            .name(addr(of))
            .map(|(name, source)| (name.to_string(), source))
    }

    #[test]
    fn the_table_beats_leases_and_leases_beat_hosts() {
        let dir = Scratch::new();
        let settings = Settings {
            table: HashMap::from([(addr("::ffff:10.0.0.1"), "Küche\x1b[2J".into())]),
            leases: vec![
                dir.put("a", "0 m 10.0.0.1 lease1 *\n0 m 10.0.0.2 lease2 *\n"),
                dir.put("b", "0 m 10.0.0.2 second *\n0 m 10.0.0.4 lease4 *\n"),
            ],
            hosts: dir.put("hosts", "10.0.0.1 h1\n10.0.0.2 h2\n10.0.0.3 h3\n"),
        };
        let local = Local::open(settings);
        assert_eq!(
            name(&local, "10.0.0.1"),
            Some(("Küche[2J".into(), Source::Config))
        );
        assert_eq!(
            name(&local, "10.0.0.2"),
            Some(("lease2".into(), Source::Lease))
        );
        assert_eq!(name(&local, "10.0.0.3"), Some(("h3".into(), Source::Hosts)));
        assert_eq!(
            name(&local, "10.0.0.4"),
            Some(("lease4".into(), Source::Lease))
        );
        assert_eq!(name(&local, "10.0.0.5"), None);
    }

    #[test]
    fn a_changed_file_counts_after_a_refresh() {
        let dir = Scratch::new();
        let settings = Settings {
            table: HashMap::new(),
            leases: vec![dir.0.join("leases")],
            hosts: dir.put("hosts", "10.0.0.1 old\n"),
        };
        let mut local = Local::open(settings);
        assert_eq!(
            name(&local, "10.0.0.1"),
            Some(("old".into(), Source::Hosts))
        );
        dir.put("leases", "0 m 10.0.0.1 phone *\n");
        dir.put("hosts", "10.0.0.2 new\n");
        local.refresh();
        assert_eq!(
            name(&local, "10.0.0.1"),
            Some(("phone".into(), Source::Lease))
        );
        assert_eq!(
            name(&local, "10.0.0.2"),
            Some(("new".into(), Source::Hosts))
        );
    }

    #[test]
    fn a_long_name_of_the_table_is_cut_at_a_character() {
        assert_eq!(as_written(&"ü".repeat(200)).len(), 254);
    }
}
