//! The kernel's switches for connection tracking: read, switched on, restored.
//!
//! `nf_conntrack_acct` makes the kernel count packets and bytes of a flow,
//! `nf_conntrack_timestamp` makes it note when the flow began. Both belong to
//! a network namespace, both are usually off, and both only affect flows that
//! are born while they are on.
//!
//! `/proc/sys/net` shows the network namespace of the thread that opens it, so
//! every function here speaks of the calling thread's namespace, and whoever
//! restores must be in the namespace of whoever switched on. The files exist
//! only while the module `nf_conntrack` is loaded, which the first ctnetlink
//! request does.
//!
//! # Leaving things as they were
//!
//! [`Switches`] restores what it changed when it is dropped. For exits that
//! drop nothing, a thread that waits for signals calls its [`Restorer`].
//! Signals have to be caught from before [`Switches::turn_on`], or one that
//! arrives in between leaves the switches on.
//!
//! Not undone is what no process can undo about itself, `SIGKILL`; and a second
//! instance that finds the switches on loses its counters when the first one
//! leaves. Both need a record outside of the process of what the value was and
//! who still needs it: [`Switches::turn_on`] is where it would be written, the
//! closure in [`Restorer::restore`] where the last user would read it.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::sync::{Arc, Once};

use sysctl::{Ctl, Sysctl as _, SysctlError};

/// A sysctl that flowtop switches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// `net.netfilter.nf_conntrack_acct`: packet and byte counters.
    Acct,
    /// `net.netfilter.nf_conntrack_timestamp`: when a flow began.
    Timestamp,
}

impl Switch {
    const ALL: [Self; 2] = [Self::Acct, Self::Timestamp];

    /// The name sysctl(8) knows it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acct => "net.netfilter.nf_conntrack_acct",
            Self::Timestamp => "net.netfilter.nf_conntrack_timestamp",
        }
    }

    /// What is missing while it is off.
    const fn loss(self) -> &'static str {
        match self {
            Self::Acct => "flows have no packet and byte counters",
            Self::Timestamp => "flows have no start time",
        }
    }

    fn is_on(self) -> io::Result<bool> {
        let value = value(self.name())?;
        value.parse::<u8>().map(|n| n != 0).map_err(|_| {
            let text = format!("expected a number, found `{}`", value.escape_debug());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    fn set(self, value: &str) -> io::Result<()> {
        let name = self.name();
        let set = Ctl::new(name).and_then(|ctl| ctl.set_value_string(value));
        set.map(drop).map_err(|error| reason(name, error))
    }
}

/// What was tried with a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Find out whether it is on.
    Read,
    /// Switch it on.
    TurnOn,
    /// Switch it off again.
    Restore,
}

/// A switch that is not as flowtop would have it. Says what was tried, on what,
/// why it failed, what that costs and what the user can do.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {} {} ({}): {source}; {}",
    match action {
        Action::Read => "read",
        Action::TurnOn => "switch on",
        Action::Restore => "restore",
    },
    switch.name(),
    path(switch.name()),
    self.advice()
)]
pub struct Warning {
    /// The switch.
    pub switch: Switch,
    /// What was tried with it.
    pub action: Action,
    /// Why it failed.
    pub source: io::Error,
}

impl Warning {
    fn advice(&self) -> String {
        let (name, loss) = (self.switch.name(), self.switch.loss());
        if self.action == Action::Restore {
            return format!("it stays on until root runs: sysctl -w {name}=0");
        }
        let remedy = match (self.source.kind(), self.switch) {
            (io::ErrorKind::NotFound, Switch::Acct) => {
                "load connection tracking first: modprobe nf_conntrack".into()
            }
            (io::ErrorKind::NotFound, Switch::Timestamp) => {
                "load connection tracking first (modprobe nf_conntrack), or use a kernel built with CONFIG_NF_CONNTRACK_TIMESTAMP".into()
            }
            (io::ErrorKind::ReadOnlyFilesystem, _) => {
                format!("in a container, start it with: --sysctl {name}=1")
            }
            (io::ErrorKind::PermissionDenied, _) => {
                format!("run flowtop with CAP_NET_ADMIN, or as root: sysctl -w {name}=1")
            }
            _ => format!("try as root: sysctl -w {name}=1"),
        };
        format!("{loss}; {remedy}")
    }
}

/// Whether the kernel counts and stamps flows; `None` where it does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounting {
    /// [`Switch::Acct`].
    pub acct: Option<bool>,
    /// [`Switch::Timestamp`].
    pub timestamp: Option<bool>,
}

/// How the switches stand now.
pub fn read() -> Accounting {
    Accounting {
        acct: Switch::Acct.is_on().ok(),
        timestamp: Switch::Timestamp.is_on().ok(),
    }
}

/// Flows in the table (`nf_conntrack_count`), of this namespace alone.
pub fn count() -> Option<u64> {
    number("net.netfilter.nf_conntrack_count")
}

/// Flows the table may have (`nf_conntrack_max`), all namespaces together.
pub fn max() -> Option<u64> {
    number("net.netfilter.nf_conntrack_max")
}

/// Buckets of the one hash table that all namespaces share
/// (`nf_conntrack_buckets`).
pub fn buckets() -> Option<u64> {
    number("net.netfilter.nf_conntrack_buckets")
}

/// Which flows tell of themselves (`nf_conntrack_events`): 0 none, 1 all, 2
/// those born while somebody listened.
pub fn events() -> Option<u64> {
    number("net.netfilter.nf_conntrack_events")
}

/// Seconds that flows are kept without a packet: a timeout by its name behind
/// `nf_conntrack_`, such as `udp_timeout`.
pub fn timeout(name: &str) -> Option<u32> {
    let seconds = number(&format!("net.netfilter.nf_conntrack_{name}"))?;
    u32::try_from(seconds).ok()
}

/// Ports that clients are given (`net.ipv4.ip_local_port_range`, which is for
/// IPv6 too).
pub fn local_port_range() -> Option<RangeInclusive<u16>> {
    let value = value("net.ipv4.ip_local_port_range").ok()?;
    let mut ports = value.split_whitespace().map(str::parse);
    Some(ports.next()?.ok()?..=ports.next()?.ok()?)
}

/// The switches, on; as they were before once this is dropped.
#[derive(Debug)]
#[must_use = "dropping it switches off what it switched on"]
pub struct Switches(Restorer);

impl Switches {
    /// Switches on what is off. What cannot be switched on is a warning, and
    /// flows lack what it would have told.
    pub fn turn_on() -> (Self, Vec<Warning>) {
        let mut warnings = Vec::new();
        let mut changed = Vec::new();
        for switch in Switch::ALL {
            let (action, result) = match switch.is_on() {
                Ok(true) => continue,
                Ok(false) => (Action::TurnOn, switch.set("1")),
                Err(error) => (Action::Read, Err(error)),
            };
            match result {
                Ok(()) => changed.push(switch),
                Err(source) => warnings.push(Warning {
                    switch,
                    action,
                    source,
                }),
            }
        }
        let shared = Shared {
            changed,
            restored: Once::new(),
        };
        (Self(Restorer(Arc::new(shared))), warnings)
    }

    /// The handle for a thread that waits for signals.
    pub fn restorer(&self) -> Restorer {
        self.0.clone()
    }

    /// Restores now, and says what could not be; dropping cannot say it.
    pub fn restore(self) -> Vec<Warning> {
        self.0.restore()
    }
}

impl Drop for Switches {
    fn drop(&mut self) {
        // Who wants to know calls `restore` first; the rest is unwinding.
        let _ = self.0.restore();
    }
}

/// Restores the switches from any thread of their namespace, once for all.
#[derive(Clone, Debug)]
pub struct Restorer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// What this process switched on.
    changed: Vec<Switch>,
    /// Not a flag: whoever comes second must not end the process before the
    /// first is done.
    restored: Once,
}

impl Restorer {
    /// Switches off what [`Switches::turn_on`] switched on and nobody changed
    /// since. The first call does it, and its caller gets the warnings; others
    /// wait for it, which takes as long as four system calls.
    pub fn restore(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        self.0.restored.call_once_force(|_| {
            for &switch in &self.0.changed {
                let off = switch
                    .is_on()
                    .and_then(|on| if on { switch.set("0") } else { Ok(()) });
                match off {
                    Ok(()) => {}
                    // The module is gone, and its switches with it.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(source) => warnings.push(Warning {
                        switch,
                        action: Action::Restore,
                        source,
                    }),
                }
            }
        });
        warnings
    }
}

/// The file of a sysctl. None of the names here has a dot within a component.
fn path(name: &str) -> String {
    format!("/proc/sys/{}", name.replace('.', "/"))
}

/// The value of a sysctl, without the newline.
fn value(name: &str) -> io::Result<String> {
    let value = Ctl::new(name).and_then(|ctl| ctl.value_string());
    value.map_err(|error| reason(name, error))
}

fn number(name: &str) -> Option<u64> {
    value(name).ok()?.parse().ok()
}

/// The error of the system call. The crate calls everything that cannot be
/// opened "not found"; opening it once more tells the reason.
fn reason(name: &str, error: SysctlError) -> io::Error {
    match error {
        SysctlError::IoError(error) => error,
        SysctlError::NotFound(_) => File::open(path(name))
            .err()
            .unwrap_or_else(|| io::ErrorKind::NotFound.into()),
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(switch: Switch, action: Action, kind: io::ErrorKind) -> String {
        let source = kind.into();
        Warning {
            switch,
            action,
            source,
        }
        .to_string()
    }

    #[test]
    fn warnings_say_what_to_do() {
        let acct = "net.netfilter.nf_conntrack_acct";
        let denied = text(
            Switch::Acct,
            Action::TurnOn,
            io::ErrorKind::PermissionDenied,
        );
        assert_eq!(
            denied,
            format!(
                "cannot switch on {acct} (/proc/sys/net/netfilter/nf_conntrack_acct): \
                 permission denied; flows have no packet and byte counters; \
                 run flowtop with CAP_NET_ADMIN, or as root: sysctl -w {acct}=1"
            )
        );
        for (switch, action, kind, part) in [
            (
                Switch::Acct,
                Action::Read,
                io::ErrorKind::NotFound,
                "modprobe nf_conntrack",
            ),
            (
                Switch::Timestamp,
                Action::Read,
                io::ErrorKind::NotFound,
                "CONFIG_NF_CONNTRACK_TIMESTAMP",
            ),
            (
                Switch::Timestamp,
                Action::TurnOn,
                io::ErrorKind::ReadOnlyFilesystem,
                "--sysctl net.netfilter.nf_conntrack_timestamp=1",
            ),
            (
                Switch::Acct,
                Action::Restore,
                io::ErrorKind::PermissionDenied,
                "sysctl -w net.netfilter.nf_conntrack_acct=0",
            ),
        ] {
            let text = text(switch, action, kind);
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_absent() {
        assert_eq!(number("net.netfilter.no_such_thing"), None);
        let error = value("net.netfilter.no_such_thing").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        // A directory opens, but does not read.
        let error = value("net.ipv4").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }

    #[test]
    fn ports_of_clients_are_a_range() {
        let range = local_port_range().unwrap();
        assert!(range.start() <= range.end(), "{range:?}");
    }
}
