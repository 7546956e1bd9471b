//! Themes of the viewer: built in, and from files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::ViewerOptions;
use crate::tui::theme::{Look, Themes};

/// The largest file that is read: a theme has some dozens of lines.
const LARGEST: u64 = 64 << 10;

/// All themes, the one that is asked for chosen. What cannot be used goes to
/// `warnings`.
pub(super) fn read(options: &ViewerOptions, warnings: &mut Vec<String>) -> Themes {
    let mut themes = Themes::new(options.depth);
    let user = options.source.user_dir.clone();
    for dir in std::iter::once(PathBuf::from("/etc/flowtop")).chain(user) {
        for path in files(&dir.join("themes")) {
            if let Err(problem) = add(&mut themes, &path) {
                warnings.push(format!("{}: {problem}; it is not used", path.display()));
            }
        }
    }
    if let Err(problem) = themes.choose_named(&options.theme) {
        warnings.push(problem);
    }
    themes
}

/// The files of a directory that are themes by name, in order. There need be
/// none.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn add(themes: &mut Themes, path: &Path) -> Result<(), String> {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    let name = name.filter(|name| {
        name.chars()
            .all(|c| c.is_alphanumeric() || "-_".contains(c))
    });
    let name = name.ok_or("its name may have letters, digits, - and _ only")?;
    let look = Look::parse(&text(path).map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    themes.add(name, look);
    Ok(())
}

fn text(path: &Path) -> io::Result<String> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() || meta.len() > LARGEST {
        return Err(io::Error::other("a theme is a file of at most 64 kB"));
    }
    fs::read_to_string(path)
}
