//! What is known about an owner.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::TcpFigures;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Its name, if `/etc/passwd` has one.
    pub name: Option<Box<str>>,
}

/// A process up the line: who started whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Process id.
    pub pid: u32,
    /// Its name, escaped.
    pub name: Box<str>,
}

/// A process, as it was when it was found. All texts are escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Process id, in the namespace of this program.
    pub pid: u32,
    /// When it started, in clock ticks since boot (field 22 of
    /// `/proc/PID/stat`): with the pid it names the process until the next
    /// boot.
    pub start_ticks: u64,
    /// Its name: that of the program, as long as it is the one it started
    /// with, else `comm`.
    pub name: Arc<str>,
    /// Path of the executable; absent if that may not be read.
    pub exe: Option<Box<str>>,
    /// Its command line.
    pub cmdline: Option<Box<str>>,
    /// Its effective user.
    pub account: Option<Arc<Account>>,
    /// Its parent first.
    pub parents: Vec<Parent>,
    /// Its cgroup.
    pub cgroup: Option<Arc<Cgroup>>,
}

/// A control group, and what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// Its path from the root of the hierarchy, escaped.
    pub path: Box<str>,
    /// The systemd unit that it is, or is part of (`ssh.service`).
    pub unit: Option<Arc<str>>,
    /// The container that it is, or is part of.
    pub container: Option<Container>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// What runs it: `docker`, `podman`, `containerd`, `cri-o`, `lxc`, ...
    pub runtime: &'static str,
    /// Its id, as the runtime calls it: 64 hexadecimal digits, or a name.
    pub id: Box<str>,
    /// Its name, if the files of the runtime tell.
    pub name: Option<Box<str>>,
    /// The pod it is part of, as `namespace/name`, if they tell.
    pub pod: Option<Box<str>>,
}

impl Container {
    /// What to call it: by name, else by the first twelve digits of its id.
    pub fn label(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None => self.id.get(..12).unwrap_or(&self.id),
        }
    }
}

/// Why no process is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unknown {
    /// The flow only passes through this machine.
    Forwarded,
    /// No socket matches any more: it was closed before it could be seen, or
    /// no process holds it.
    Gone,
    /// Several sockets match, and different processes hold them.
    Ambiguous,
    /// A socket matches, but `/proc` does not show this user whose it is.
    NotPermitted,
    /// The kernel itself talks: a socket without a process, or a protocol
    /// without sockets (a ping that is answered, a tunnel).
    Kernel,
}

impl Unknown {
    /// As it stands in cells, in brackets, so that no process is mistaken for
    /// it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Forwarded => "(forwarded)",
            Self::Gone => "(gone)",
            Self::Ambiguous => "(ambiguous)",
            Self::NotPermitted => "(no permission)",
            Self::Kernel => "(kernel)",
        }
    }

    /// As it stands in records and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Gone => "gone",
            Self::Ambiguous => "ambiguous",
            Self::NotPermitted => "no_permission",
            Self::Kernel => "kernel",
        }
    }
}

/// Who is at one end of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The process, or why it is not known.
    pub process: Result<Arc<Process>, Unknown>,
    /// The user of the socket, which is known even where the process is not.
    pub account: Option<Arc<Account>>,
    /// The cgroup of the socket, or else of the process.
    pub cgroup: Option<Arc<Cgroup>>,
    /// What the socket counts, if it is one of TCP.
    pub figures: Option<TcpFigures>,
    /// Through which address of another network namespace it was found, if it
    /// is not of ours.
    pub namespace: Option<IpAddr>,
}

impl Owner {
    /// Nobody is known, for this reason.
    pub const fn unknown(why: Unknown) -> Self {
        Self {
            process: Err(why),
            account: None,
            cgroup: None,
            figures: None,
            namespace: None,
        }
    }

    /// Takes over what was found out: a process that was known is not given up
    /// for a socket that is gone.
    pub(super) fn learn(known: &mut Option<Self>, found: Option<Self>) {
        let Some(found) = found else { return };
        match known {
            Some(known) if known.process.is_ok() && found.process.is_err() => {
                if found.figures.is_some() {
                    known.figures = found.figures;
                }
            }
            Some(known) => {
                *known = Self {
                    account: found.account.or(known.account.take()),
                    cgroup: found.cgroup.or(known.cgroup.take()),
                    figures: found.figures.or(known.figures),
                    ..found
                };
            }
            None => *known = Some(found),
        }
    }

    /// The cgroup of the socket, else that of the process.
    pub fn cgroup(&self) -> Option<&Arc<Cgroup>> {
        let of_process = || self.process.as_ref().ok()?.cgroup.as_ref();
        self.cgroup.as_ref().or_else(of_process)
    }

    /// The user of the socket, else that of the process.
    pub fn account(&self) -> Option<&Arc<Account>> {
        let of_process = || self.process.as_ref().ok()?.account.as_ref();
        self.account.as_ref().or_else(of_process)
    }
}
