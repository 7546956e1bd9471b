//! Whose flows are they: processes, users, units and containers.
//!
//! One thread does the asking ([`Attribution`]): sockets from the kernel, and
//! the processes that hold them from `/proc`. Whoever shows flows keeps what it
//! found out in an [`Owners`].

mod accounts;
mod attribution;
mod cases;
mod cgroup;
mod hierarchy;
mod holders;
mod matching;
mod namespaces;
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
#[derive(Debug, Default)]
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

    /// The flow has ended and been booked.
    pub fn forget(&mut self, key: &Key) {
        self.of.remove(key);
    }
}
