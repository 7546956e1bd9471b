//! Keeping the options of the viewer in the user's configuration.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::config;

/// What counts for everybody.
const SYSTEM: &str = "/etc/flowtop/flowtop.toml";

/// Writes lines into `flowtop.toml` of `dir`, which is made if it is not there;
/// as [`config::with_defaults`] does. The file is replaced as a whole, and the
/// one before kept beside it. Returns what was done, or why nothing was and what
/// the user can do.
pub(super) fn save(
    dir: Option<&Path>,
    settings: &[(&'static str, String)],
) -> Result<String, String> {
    let path = match dir {
        Some(dir) => dir.join("flowtop.toml"),
        None => return Err("There is no home to keep options in: HOME is not set.".to_owned()),
    };
    // Whoever keeps it elsewhere has a link here, and keeps that.
    let path = fs::canonicalize(&path).unwrap_or(path);
    let told = path.display();
    let lines: Vec<_> = settings.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    let by_hand = || format!("To do it by hand: {}", lines.join("; "));
    let before = match fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{told} cannot be read: {error}. {}", by_hand())),
    };
    let system = fs::read_to_string(SYSTEM).unwrap_or_default();
    let text = before.as_deref().unwrap_or_default();
    let after = config::with_defaults(text, &system, settings)
        .map_err(|why| format!("{told} stays as it is: {why}. {}", by_hand()))?;
    if before.as_deref().unwrap_or_default() == after {
        return Ok(format!("Nothing to change: {told} says so already."));
    }
    replace(&path, before.is_some(), &after)
        .map_err(|error| format!("{told} cannot be written: {error}. {}", by_hand()))?;
    Ok(match before {
        Some(_) => format!("Saved in {told}; the one before is {told}~."),
        None => format!("Saved in {told}."),
    })
}

/// Puts a text in place of a file, at once or not at all.
fn replace(path: &Path, exists: bool, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(dir)?;
    let beside = |end: &str| {
        let mut name = OsString::from(path);
        name.push(end);
        PathBuf::from(name)
    };
    let fresh = beside(&format!(".new{}", std::process::id()));
    let result = write_fresh(&fresh, text).and_then(|()| {
        // Root may do this for a user whose home it is.
        let owner = fs::metadata(if exists { path } else { dir })?;
        let mine = fs::metadata(&fresh)?;
        if (owner.uid(), owner.gid()) != (mine.uid(), mine.gid()) {
            chown(&fresh, Some(owner.uid()), Some(owner.gid()))?;
        }
        if exists {
            fs::set_permissions(&fresh, fs::Permissions::from_mode(owner.mode() & 0o777))?;
            keep(path, &beside("~"))?;
        }
        fs::rename(&fresh, path)
    });
    if result.is_err() {
        // What is left of it is of no use.
        let _ = fs::remove_file(&fresh);
    }
    result
}

/// Gives a file a second name, which it takes from the one that had it.
fn keep(path: &Path, second: &Path) -> io::Result<()> {
    match fs::remove_file(second) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::hard_link(path, second).or_else(|_| fs::copy(path, second).map(drop)),
    }
}

/// Writes a file that was not there before.
fn write_fresh(path: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn bits(on: bool) -> [(&'static str, String); 1] {
        [("bits", on.to_string())]
    }

    #[test]
    fn options_are_kept_and_the_file_before_as_well() {
        let home = std::env::temp_dir().join(format!("flowtop-defaults-{}", std::process::id()));
        let dir = home.join("flowtop");
        let path = dir.join("flowtop.toml");
        let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
        let told = save(Some(&dir), &bits(true)).unwrap();
        assert_eq!(told, format!("Saved in {}.", path.display()));
        assert_eq!(read("flowtop.toml"), "bits = true\n");
        let told = save(Some(&dir), &bits(true)).unwrap();
        assert!(told.starts_with("Nothing to change"), "{told}");

        fs::write(&path, "bits = true # mine\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        save(Some(&dir), &bits(false)).unwrap();
        assert_eq!(read("flowtop.toml"), "bits = false # mine\n");
        assert_eq!(read("flowtop.toml~"), "bits = true # mine\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        // A link stays one.
        let elsewhere = home.join("dotfiles.toml");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        save(Some(&dir), &bits(true)).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert_eq!(
            fs::read_to_string(&elsewhere).unwrap(),
            "bits = true # mine\n"
        );

        fs::write(&path, "bits = = 1\n").unwrap();
        let why = save(Some(&dir), &bits(true)).unwrap_err();
        assert!(why.contains("stays as it is"), "{why}");
        assert!(why.contains("bits = true"), "{why}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "bits = = 1\n");
        assert_eq!(
            fs::read_dir(&home).unwrap().count(),
            3,
            "and nothing else is left"
        );
        fs::remove_dir_all(&home).unwrap();
    }
}
