//! Which control group has which id: sockets tell the id, which is the inode of
//! the group's directory (cgroup v2). Anybody may read that tree, also where
//! `/proc` does not show whose sockets they are.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirEntryExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often to look for new groups: reading each directory.
const EVERY: Duration = Duration::from_secs(10);
/// More directories are not read at a time.
const MAX_GROUPS: usize = 4096;

/// The tree as it was when it was last walked.
#[derive(Debug)]
pub(super) struct Hierarchy {
    root: Option<PathBuf>,
    paths: HashMap<u64, Vec<u8>>,
    walked: Option<Instant>,
}

impl Hierarchy {
    /// Where `/proc/self/mountinfo` says that it is mounted. Walks nothing yet.
    pub(super) fn mounted(proc: &Path) -> Self {
        let mounts = fs::read(proc.join("self/mountinfo")).unwrap_or_default();
        Self::at(mount_point(&mounts))
    }

    fn at(root: Option<PathBuf>) -> Self {
        Self {
            root,
            paths: HashMap::new(),
            walked: None,
        }
    }

    /// The path of a group from the root; `None` if there is no such group,
    /// or none yet.
    pub(super) fn path(&mut self, id: u64, now: Instant) -> Option<&[u8]> {
        if !self.paths.contains_key(&id) {
            self.walk(now);
        }
        self.paths.get(&id).map(Vec::as_slice)
    }

    fn walk(&mut self, now: Instant) {
        let is_time = self
            .walked
            .is_none_or(|at| now.saturating_duration_since(at) >= EVERY);
        let Some(root) = self.root.as_ref().filter(|_| is_time) else {
            return;
        };
        self.walked = Some(now);
        self.paths.clear();
        let meta = fs::metadata(root);
        if let Ok(meta) = meta {
            let inode = std::os::unix::fs::MetadataExt::ino(&meta);
            self.paths.insert(inode, b"/".to_vec());
        }
        let mut next = vec![(root.clone(), Vec::new())];
        while let Some((directory, path)) = next.pop() {
            if self.paths.len() >= MAX_GROUPS {
                break;
            }
            let entries = fs::read_dir(directory).into_iter().flatten().flatten();
            let is_group = |entry: &DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
            for entry in entries.filter(is_group) {
                let mut path = path.clone();
                path.push(b'/');
                path.extend(entry.file_name().as_encoded_bytes());
                self.paths.insert(entry.ino(), path.clone());
                next.push((entry.path(), path));
            }
        }
    }
}

/// `id parent major:minor root point options [fields] - type source ...`, with
/// spaces in octal (proc(5)).
fn mount_point(mountinfo: &[u8]) -> Option<PathBuf> {
    mountinfo.split(|&octet| octet == b'\n').find_map(|line| {
        let mut fields = line.split(|&octet| octet == b' ');
        let point = fields.nth(4)?;
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        let is_plain = !point.contains(&b'\\');
        (kind == b"cgroup2" && is_plain).then(|| OsStr::from_bytes(point).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::owners::tree::Tree;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn the_unified_hierarchy_is_found_among_mounts() {
        let mounts = b"25 20 0:22 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
            26 25 0:23 / /sys/fs/cgroup/cpu rw shared:9 - cgroup cgroup rw,cpu\n\
            27 25 0:24 / /sys/fs/cgroup/unified rw,nosuid shared:1 master:2 - cgroup2 cgroup2 rw\n";
        let found = mount_point(mounts);
        assert_eq!(found, Some("/sys/fs/cgroup/unified".into()));
        assert_eq!(mount_point(b"\n1 2\n"), None);
    }

    #[test]
    fn a_group_is_found_by_its_inode_and_a_new_one_in_time() {
        let tree = Tree::new();
        tree.file("system.slice/ssh.service/cgroup.procs", "");
        let id = |path: &str| fs::metadata(tree.path().join(path)).unwrap().ino();
        let mut groups = Hierarchy::at(Some(tree.path().to_owned()));
        let start = Instant::now();
        let ssh = id("system.slice/ssh.service");
        let path = groups.path(ssh, start).map(<[u8]>::to_vec);
        assert_eq!(path.unwrap(), b"/system.slice/ssh.service");
        assert_eq!(groups.path(id("."), start).unwrap(), b"/");

        tree.file("new.scope/cgroup.procs", "");
        let new = id("new.scope");
        assert_eq!(groups.path(new, start), None, "not walked again so soon");
        assert_eq!(groups.path(new, start + EVERY).unwrap(), b"/new.scope");
    }

    #[test]
    fn without_a_hierarchy_there_is_no_group() {
        let mut groups = Hierarchy::mounted("/nonexistent".as_ref());
        assert_eq!(groups.path(1, Instant::now()), None);
    }
}
