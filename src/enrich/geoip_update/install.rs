//! Putting a file in place so that no reader ever sees half of it.
//!
//! ```text
//! lock DIR/.flowtop-update.lock
//! create DIR/.NAME.PID.flowtop-new (exclusively, 0644)   <- removed on any return
//! write, verify, fsync
//! rename to DIR/NAME, fsync DIR
//! ```
//!
//! What a killed run left behind is removed by the next one, which holds the
//! lock and so knows that nobody is writing it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const LOCK_NAME: &str = ".flowtop-update.lock";
const TEMPORARY: &str = ".flowtop-new";

/// Readable by all: the viewer rarely runs as who updates.
const FILE_MODE: u32 = 0o644;

/// Why the target directory cannot be written; nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum DirError {
    /// The directory cannot be made or written.
    #[error(
        "cannot write to {}: {source}; run it as a user who may, or name another directory with --dir", dir.display()
    )]
    NotWritable {
        /// The directory.
        dir: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Somebody else holds the lock.
    #[error(
        "another update is at work in {}; wait until it has ended", dir.display()
    )]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
}

/// A directory that this process alone updates, for as long as it lives.
pub(super) struct Target {
    dir: PathBuf,
    lock: File,
}

impl Drop for Target {
    fn drop(&mut self) {
        // Closing would do, were it not for children that are being started
        // right now and hold a copy until their exec. If this fails, they do
        // so for a moment longer.
        let _ = self.lock.unlock();
    }
}

impl Target {
    /// Makes the directory if need be, takes the lock, proves that files can be
    /// made, and sweeps up what a killed run left.
    pub(super) fn claim(dir: &Path) -> Result<Self, DirError> {
        let not_writable = |source| DirError::NotWritable {
            dir: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(not_writable)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(dir.join(LOCK_NAME))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DirError::Busy {
                    dir: dir.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(not_writable(source)),
        }
        let target = Self {
            dir: dir.to_owned(),
            lock,
        };
        target.sweep().map_err(not_writable)?;
        drop(target.create("writable").map_err(not_writable)?);
        Ok(target)
    }

    fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.starts_with(b".") && name.ends_with(TEMPORARY.as_bytes()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The path of the database called `name`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A new, empty file beside the one it will replace.
    pub(super) fn create(&self, name: &str) -> io::Result<Temporary> {
        let path = self
            .dir
            .join(format!(".{name}.{}{TEMPORARY}", std::process::id()));
        // Exclusive creation follows no link that somebody may have put there.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&path)?;
        let temporary = Temporary {
            path,
            file,
            installed: false,
        };
        // The umask may have taken bits away.
        let mode = fs::Permissions::from_mode(FILE_MODE);
        temporary.file.set_permissions(mode)?;
        Ok(temporary)
    }

    /// Puts `temporary` in the place of the file called `name`.
    pub(super) fn install(&self, mut temporary: Temporary, name: &str) -> io::Result<()> {
        temporary.file.sync_all()?;
        fs::rename(&temporary.path, self.path(name))?;
        temporary.installed = true;
        // A crash may undo the rename, never tear the file; some file systems
        // cannot sync a directory, and that is no reason to fail.
        let _ = File::open(&self.dir).and_then(|dir| dir.sync_all());
        Ok(())
    }

    /// Writes a whole small file in one step, as [`Target::install`] does.
    pub(super) fn write(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        let mut temporary = self.create(name)?;
        temporary.write_all(contents)?;
        self.install(temporary, name)
    }
}

/// A file that vanishes unless it is installed.
pub(super) struct Temporary {
    path: PathBuf,
    file: File,
    installed: bool,
}

impl Temporary {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.installed {
            // If even this fails, the next run sweeps it up.
            let _ = fs::remove_file(&self.path);
        }
    }
}
