//! Whose flows are they: processes, users, units and containers.
//!
//! One thread does the asking ([`Attribution`]). Whoever shows flows keeps what
//! it found out in an [`Owners`]. A flow goes through it like this:
//!
//! - `cases` knows of each flow which of its ends are here, what is to be asked
//!   about them next, and when there is something to tell;
//! - `sight` asks the kernel what sockets are at these ends, `matching` tells
//!   which of them has the flow;
//! - `holders` finds the processes that hold sockets, `procfs` and `processes`
//!   read them, with `accounts` for users, `cgroup` and `runtimes` for units and
//!   containers, and `hierarchy` for control groups of sockets whose processes
//!   may not be read;
//! - `namespaces` does the same for addresses of containers that are `onlink`.
//!
//! It costs what changes: at rest no process is read, and a refresh is one dump
//! of the TCP sockets, or lookups if few are of interest. Reading processes has
//! an allowance of about 5 % of a CPU in the long run. A wrong owner is worse
//! than none: what several processes may have has none of them.

mod accounts;
mod attribution;
mod cases;
mod cgroup;
mod hierarchy;
mod holders;
mod matching;
mod namespaces;
mod onlink;
mod process;
mod processes;
mod procfs;
mod runtimes;
mod sight;
#[cfg(test)]
mod tree;
mod worker;

use std::collections::HashMap;

pub use attribution::{Attributed, Attribution, Progress, Settings, Subject};
pub use process::{Account, Cgroup, Container, Owner, Parent, Process, Unknown};

use crate::flow::{Key, Pair};

/// What is known about the owners of flows, until each flow is forgotten.
///
/// The first of a pair (`orig`) is who sent the first packet, the second who it
/// went to; either is absent if that end is not on this machine.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    of: HashMap<Key, Pair<Option<Owner>>, foldhash::fast::RandomState>,
}

impl Owners {
    /// Takes in what was found out about a flow. An end of which nothing was
    /// found out now keeps what was known: a socket that is gone still had its
    /// owner.
    pub fn learn(&mut self, key: Key, owners: Pair<Option<Owner>>) {
        let known = self.of.entry(key).or_default();
        Owner::learn(&mut known.orig, owners.orig);
        Owner::learn(&mut known.reply, owners.reply);
    }

    /// The owners of a flow; `None` before anything was found out.
    pub fn of(&self, key: &Key) -> Option<&Pair<Option<Owner>>> {
        self.of.get(key)
    }

    /// The flows of which something is known.
    pub fn flows(&self) -> impl Iterator<Item = &Key> {
        self.of.keys()
    }

    /// The flow has ended and been booked.
    pub fn forget(&mut self, key: &Key) {
        self.of.remove(key);
    }

    /// The same, for who remembers it elsewhere.
    pub fn take(&mut self, key: &Key) -> Option<Pair<Option<Owner>>> {
        self.of.remove(key)
    }
}
