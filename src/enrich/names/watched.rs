//! A small file that somebody may change while we run.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// More than any hosts file of a person, a few times the block lists that
/// some install as one.
const MAX_BYTES: u64 = 32 << 20;

/// What tells one content of a file from the next without reading it: device,
/// inode, size, and modification time in seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    fn of(meta: &Metadata) -> Self {
        Self(
            meta.dev(),
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
        )
    }
}

/// What the last look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    NotLooked,
    Missing,
    There(Stamp),
}

/// A file that is read again when its stamp changes.
#[derive(Debug)]
pub struct Watched {
    path: PathBuf,
    seen: Seen,
}

impl Watched {
    /// Watches `path`, which need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            seen: Seen::NotLooked,
        }
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The content if it is not what the last call saw; empty if the file is
    /// missing, unreadable or not a plain file, none of which is an error
    /// here: a machine without a hosts file has no hosts.
    pub fn changed(&mut self) -> Option<Vec<u8>> {
        let meta = std::fs::metadata(&self.path);
        let sees = meta.map_or(Seen::Missing, |meta| Seen::There(Stamp::of(&meta)));
        if self.seen == sees {
            return None;
        }
        self.seen = sees;
        Some(self.read().unwrap_or_default())
    }

    /// Some of these files live where anybody may put a FIFO in their place:
    /// open without waiting for a writer, and look at what was opened.
    fn read(&self) -> std::io::Result<Vec<u8>> {
        let file = File::options()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&self.path)?;
        let mut content = Vec::new();
        if file.metadata()?.is_file() {
            file.take(MAX_BYTES).read_to_end(&mut content)?;
        }
        Ok(content)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A directory of its own for a test, removed at the end.
    pub(crate) struct Scratch(pub(crate) PathBuf);

    impl Scratch {
        pub(crate) fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir =
                std::env::temp_dir().join(format!("flowtop-names-{}-{n}", std::process::id()));
            std::fs::create_dir_all(&dir).unwrap();
            Self(dir)
        }

        /// Writes as editors and dnsmasq do: a new file takes the old one's place.
        pub(crate) fn put(&self, name: &str, content: &str) -> PathBuf {
            let path = self.0.join(name);
            let new = self.0.join(format!("{name}.new"));
            std::fs::write(&new, content).unwrap();
            std::fs::rename(&new, &path).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_read_once_per_change() {
        let dir = Scratch::new();
        let mut file = Watched::new(dir.put("f", "one"));
        assert_eq!(file.changed().unwrap(), b"one");
        assert_eq!(file.changed(), None);
        dir.put("f", "two");
        assert_eq!(file.changed().unwrap(), b"two");
        assert_eq!(file.changed(), None);
    }

    #[test]
    fn a_missing_file_is_empty_and_may_come_and_go() {
        let dir = Scratch::new();
        let mut file = Watched::new(dir.0.join("f"));
        assert_eq!(file.changed().unwrap(), b"");
        assert_eq!(file.changed(), None);
        dir.put("f", "here");
        assert_eq!(file.changed().unwrap(), b"here");
        std::fs::remove_file(file.path()).unwrap();
        assert_eq!(file.changed().unwrap(), b"");
    }

    #[test]
    fn a_device_is_not_read() {
        assert_eq!(Watched::new("/dev/zero").changed().unwrap(), b"");
    }
}
