//! A directory that looks like part of a file system, for tests.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Removed at the end of the test.
pub(super) struct Tree(PathBuf);

impl Tree {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("flowtop-owners-{}-{n}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn link(&self, name: &str, target: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        symlink(target, path).unwrap();
    }

    /// A process as `/proc` has it, which started at a hundred times its pid.
    pub(super) fn process(&self, pid: u32, parent: u32, comm: &str) {
        self.process_since(pid, parent, comm, u64::from(pid) * 100);
    }

    pub(super) fn process_since(&self, pid: u32, parent: u32, comm: &str, start: u64) {
        let rest = "1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0";
        self.file(
            &format!("{pid}/stat"),
            format!("{pid} ({comm}) S {parent} {rest} {start} 0 0"),
        );
        fs::create_dir_all(self.0.join(format!("{pid}/fd"))).unwrap();
    }

    /// Opens a socket in a process.
    pub(super) fn socket(&self, pid: u32, fd: u32, inode: u32) {
        static CHANGES: AtomicU32 = AtomicU32::new(0);
        self.link(&format!("{pid}/fd/{fd}"), &format!("socket:[{inode}]"));
        // As the kernel's count of descriptors, and unlike the clock of a file
        // system, this changes each time.
        let changes = CHANGES.fetch_add(1, Ordering::Relaxed);
        let when = SystemTime::UNIX_EPOCH + Duration::from_secs(changes.into());
        let directory = fs::File::open(self.0.join(format!("{pid}/fd"))).unwrap();
        directory.set_modified(when).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        let path = self.0.join(name);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
