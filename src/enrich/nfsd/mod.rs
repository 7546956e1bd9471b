//! The clients of this machine's NFS server, as the kernel tells of them in
//! `/proc/fs/nfsd`: which version they speak, and what they may mount.
//!
//! [`Clients::read`] reads the files, [`exports`] and [`info`] understand them.
//! Clients of NFS 2 and 3 have no state and so no entry; of them only what is
//! exported to them is known.

mod exports;
mod info;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use exports::Export;
use info::Info;

/// Where the kernel's NFS server speaks of itself, once `nfsd` is mounted.
pub const DIRECTORY: &str = "/proc/fs/nfsd";

/// The port of NFS over TCP and UDP.
pub const PORT: u16 = 2049;

/// What could not be read. Without it versions or mounts are not known.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read {}: {source}; the versions and mounts of NFS clients are not known, run flowtop as root",
    path.display()
)]
pub struct Unreadable {
    /// The file or directory.
    path: PathBuf,
    /// Why.
    source: io::Error,
}

/// What is known of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The minor version of NFS 4 that it speaks; `None` if it has no state
    /// here, as clients of older versions have none.
    pub minor_version: Option<u32>,
    /// The directory that is exported to it and that it has asked for; of
    /// several, what their names begin with in common, and how many they are.
    pub mount: Option<String>,
}

impl Client {
    /// `4.2`, or `4` if this program does not know the minor version.
    pub fn version(&self) -> Option<&'static str> {
        self.minor_version.map(|minor| match minor {
            0 => "4.0",
            1 => "4.1",
            2 => "4.2",
            _ => "4",
        })
    }
}

/// Directories in a few words.
fn in_short(mounts: &[String]) -> Option<String> {
    let (first, others) = mounts.split_first()?;
    if others.is_empty() {
        return Some(first.clone());
    }
    let mut common: Vec<&str> = first.split('/').collect();
    for other in others {
        let alike = common.iter().zip(other.split('/'));
        let alike = alike.take_while(|(a, b)| **a == *b).count();
        common.truncate(alike);
    }
    Some(format!("{}/… ({})", common.join("/"), mounts.len()))
}

/// All clients of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    minor_versions: HashMap<IpAddr, u32>,
    exports: Vec<Export>,
}

impl Clients {
    /// Reads what there is below `directory`; `None` if there is no such
    /// directory, because this machine serves no NFS.
    ///
    /// # Errors
    /// If it is there and may not be read.
    pub fn read(directory: &Path) -> Result<Option<Self>, Unreadable> {
        let unreadable = |path: &Path, source| Unreadable {
            path: path.to_path_buf(),
            source,
        };
        let path = directory.join("exports");
        let exports = match fs::read_to_string(&path) {
            Ok(text) => exports::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&path, error)),
        };
        let path = directory.join("clients");
        let entries = match fs::read_dir(&path) {
            Ok(entries) => Some(entries),
            // Kernels before 5.3 do not tell of clients.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&path, error)),
        };
        let mut clients = Self {
            exports,
            ..Self::default()
        };
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path().join("info");
            match fs::read_to_string(&path) {
                Ok(text) => clients.learn(info::parse(&text)),
                // It has gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(&path, error)),
            }
        }
        Ok(Some(clients))
    }

    /// A client can have several entries, when it came back: the newest
    /// version counts.
    fn learn(&mut self, info: Option<Info>) {
        if let Some(info) = info {
            let known = self.minor_versions.entry(info.address).or_default();
            *known = info.minor_version.max(*known);
        }
    }

    /// What is known of a client; `name` is what it is called.
    pub fn of(&self, address: IpAddr, name: Option<&str>) -> Client {
        let address = address.to_canonical();
        let mut mounts: Vec<String> = self
            .exports
            .iter()
            .filter(|export| export.is_for(address, name))
            .map(|export| export.path.clone())
            .collect();
        mounts.sort_unstable();
        mounts.dedup();
        Client {
            minor_version: self.minor_versions.get(&address).copied(),
            mount: in_short(&mounts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_mounts_are_told_by_what_they_share() {
        for (mounts, told) in [
            (&[][..], None),
            (&["/srv/a"], Some("/srv/a")),
            (&["/srv/nfs/a", "/srv/nfs/b"], Some("/srv/nfs/… (2)")),
            (&["/home", "/srv/nfs/b", "/srv/nfs/c"], Some("/… (3)")),
            (&["/srv", "/srv/nfs"], Some("/srv/… (2)")),
        ] {
            let mounts: Vec<String> = mounts.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(in_short(&mounts).as_deref(), told);
        }
    }

    #[test]
    fn versions_are_those_of_nfs_4() {
        let told = [None, Some(0), Some(2), Some(9)].map(|minor_version| {
            let mount = None;
            Client {
                minor_version,
                mount,
            }
            .version()
        });
        assert_eq!(told, [None, Some("4.0"), Some("4.2"), Some("4")]);
    }

    #[test]
    fn a_machine_without_a_server_tells_nothing() {
        let nowhere = Path::new("/nonexistent/nfsd");
        assert_eq!(Clients::read(nowhere).unwrap(), None);
    }
}
