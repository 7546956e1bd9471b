//! Where the viewer leaves what it remembers.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process;

use crate::config::{ViewerOptions, memory_file};
use crate::tui::memory::Memory;

/// Writes what has changed, if it is to be remembered at all.
///
/// # Errors
/// If it cannot be written: what, where, why, and what helps.
pub(super) fn keep(options: &ViewerOptions, memory: &Memory) -> Result<(), String> {
    let Some(path) = &options.state_file else {
        return Ok(());
    };
    if *memory == options.memory {
        return Ok(());
    }
    replace(path, &memory_file(memory)).map_err(|error| {
        format!(
            "what was chosen is not remembered: writing {}: {error}; --no-state does not try",
            path.display()
        )
    })
}

/// Puts a file in its place as a whole. Its directory has to be ours: in that of
/// another user, which an environment kept through sudo names, a link could lead
/// anywhere.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let meta = fs::symlink_metadata(dir)?;
    // The owner of our own entry in /proc is our effective user.
    if !meta.is_dir() || meta.uid() != fs::metadata("/proc/self")?.uid() {
        let text = format!("{} is no directory of this user", dir.display());
        return Err(io::Error::other(text));
    }
    let draft = dir.join(format!(".state.toml.{}", process::id()));
    let written = create(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            // Or a power cut leaves the name and not the text.
            file.sync_data()
        })
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// A new file that nobody else may read. One of this name can only be left over
/// from a process that was killed.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(path)?;
            options.open(path)
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A directory that goes with it.
    struct Dir(std::path::PathBuf);

    impl Dir {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("flowtop-{name}-{}", process::id()));
            fs::create_dir(&dir).unwrap();
            Self(dir)
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_for_nobody_else() {
        let dir = Dir::new("state");
        let path = dir.0.join("deep/flowtop/state.toml");
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let entries = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(entries, 1, "nothing is left over");
    }

    #[test]
    fn no_link_is_followed() {
        let dir = Dir::new("links");
        let elsewhere = dir.0.join("elsewhere");
        fs::write(&elsewhere, "precious").unwrap();
        let inside = dir.0.join("flowtop");
        fs::create_dir(&inside).unwrap();
        // In the place of the file, and in that of the draft.
        let draft = inside.join(format!(".state.toml.{}", process::id()));
        symlink(&elsewhere, &draft).unwrap();
        symlink(&elsewhere, inside.join("state.toml")).unwrap();
        replace(&inside.join("state.toml"), "new").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
        let meta = fs::symlink_metadata(inside.join("state.toml")).unwrap();
        assert!(meta.is_file());
        // In the place of the directory.
        symlink(&inside, dir.0.join("linked")).unwrap();
        let error = replace(&dir.0.join("linked/state.toml"), "x").unwrap_err();
        assert!(error.to_string().contains("no directory of this user"));
    }
}
