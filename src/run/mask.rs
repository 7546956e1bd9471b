//! The mask of this run: its key is random, and forgotten with the process.

use std::env;
use std::fs;

use super::Failure;
use crate::config::Invocation;
use crate::view::mask::Mask;

/// The mask of what is to be done, if it is to tell nothing true.
///
/// # Errors
/// As [`new`].
pub(super) fn of(invocation: &Invocation) -> Result<Option<Mask>, Failure> {
    let source = match invocation {
        Invocation::View(options) => &options.source,
        Invocation::List(options) => &options.source,
        Invocation::Events(options) => &options.source,
        _ => return Ok(None),
    };
    let mask = source.mask.then(|| new(source.netns.as_deref()));
    mask.transpose()
}

/// A mask whose pseudonyms nobody has seen yet. In texts it also hides the name
/// of this machine, that of `namespace` and those of the user.
///
/// # Errors
/// If the system has no random numbers.
pub(super) fn new(namespace: Option<&str>) -> Result<Mask, Failure> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(Failure::Random)?;
    let users = ["USER", "LOGNAME", "SUDO_USER"].into_iter();
    let users = users.filter_map(|name| env::var(name).ok());
    let users = users.filter(|user| user != "root");
    let host = host_name();
    let short = host.split('.').next().map(str::to_owned);
    let names = [Some(host.clone()), short, namespace.map(str::to_owned)];
    Ok(Mask::new(key, names.into_iter().flatten().chain(users)))
}

/// The name of this machine.
pub(super) fn host_name() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".into(), |name| name.trim().to_owned())
}
