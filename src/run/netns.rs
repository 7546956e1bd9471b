//! Another network namespace than that of the caller: `--netns`.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use super::Failure;
use crate::netlink::namespace;

/// Where `ip netns` keeps names.
const NAMES: &str = "/run/netns";
/// What entering one takes.
const ROOT: &str = "; it takes root, or the capability CAP_SYS_ADMIN";

/// Enters the namespace that `which` names, if any: a process id, a path, or a
/// name of `ip netns`. To be called before there is any other thread.
pub(super) fn enter(which: Option<&str>) -> Result<(), Failure> {
    let Some(which) = which else { return Ok(()) };
    let path = path(which);
    let failed = |error: &io::Error, advice: &str| {
        let (which, path) = (which.escape_debug(), path.display());
        let told = format!("--netns {which}: {path}: {error}{advice}");
        match error.kind() {
            ErrorKind::PermissionDenied => Failure::ClosedNamespace(told),
            _ => Failure::Namespace(told),
        }
    };
    let file = File::open(&path).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => failed(&error, ROOT),
        ErrorKind::NotFound if is_process(which) => failed(&error, "; no process has this id"),
        _ => failed(&error, &known()),
    })?;
    namespace::enter(&file).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput => {
            let advice = "; it is no file of a network namespace, such as /run/netns/NAME or \
                          /proc/PID/ns/net";
            failed(&error, advice)
        }
        _ => failed(&error, ROOT),
    })
}

fn is_process(which: &str) -> bool {
    which.bytes().all(|b| b.is_ascii_digit())
}

fn path(which: &str) -> PathBuf {
    if which.contains('/') {
        which.into()
    } else if is_process(which) {
        format!("/proc/{which}/ns/net").into()
    } else {
        PathBuf::from(NAMES).join(which)
    }
}

/// The names that there are, for somebody who gave another.
fn known() -> String {
    let entries = fs::read_dir(NAMES).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .file_name()
                .to_string_lossy()
                .escape_debug()
                .to_string()
        })
        .collect();
    names.sort();
    match names.len() {
        0 => "; no namespace has a name here, give a process id".to_owned(),
        _ => format!("; there are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_a_process_and_a_path_are_told_apart() {
        assert_eq!(path("blue"), PathBuf::from("/run/netns/blue"));
        assert_eq!(path("1234"), PathBuf::from("/proc/1234/ns/net"));
        assert_eq!(
            path("/proc/self/ns/net"),
            PathBuf::from("/proc/self/ns/net")
        );
        assert_eq!(path("12a"), PathBuf::from("/run/netns/12a"));
    }
}
