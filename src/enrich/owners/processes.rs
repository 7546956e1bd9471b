//! Processes as they are told: read once each, and again when they turn into
//! something else.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use super::accounts::Accounts;
use super::cgroup::path_of_process;
use super::procfs::{self, Directory, Stat};
use super::runtimes::Runtimes;
use super::{Account, Cgroup, Parent, Process};
use crate::enrich::names;

/// Longest texts that are kept, in bytes.
const NAME_BYTES: usize = 128;
const PATH_BYTES: usize = 512;
const CMDLINE_BYTES: usize = 2048;
/// The line of parents is no longer, whatever `/proc` says.
const MAX_PARENTS: usize = 32;
/// More processes, parents and control groups than this are not remembered at
/// once; what is in use stays with who uses it.
const MAX_KNOWN: usize = 16_384;

/// A process: its id alone is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) pid: u32,
    pub(super) start_ticks: u64,
}

/// A process that was told before.
#[derive(Debug)]
struct Known {
    stat: Stat,
    process: Arc<Process>,
    /// When it was last seen to be the same.
    seen: Instant,
}

/// A process up the line.
#[derive(Debug)]
struct Ancestor {
    stat: Stat,
    name: Box<str>,
}

/// What is known of processes, users and control groups.
#[derive(Debug)]
pub(super) struct Processes {
    proc: PathBuf,
    known: HashMap<u32, Known>,
    ancestors: HashMap<u32, Ancestor>,
    cgroups: HashMap<Vec<u8>, Arc<Cgroup>>,
    accounts: Accounts,
    runtimes: Option<Runtimes>,
}

impl Processes {
    pub(super) fn new(proc: &Path, accounts: Accounts, runtimes: Option<Runtimes>) -> Self {
        Self {
            proc: proc.to_owned(),
            known: HashMap::new(),
            ancestors: HashMap::new(),
            cgroups: HashMap::new(),
            accounts,
            runtimes,
        }
    }

    /// Looks at files that may have changed.
    pub(super) fn refresh(&mut self) {
        self.accounts.refresh();
        // Containers get names, and are renamed.
        self.cgroups.clear();
    }

    /// The process, if it is still this one: that is seen to once per `now`.
    pub(super) fn describe(&mut self, identity: Identity, now: Instant) -> Option<Arc<Process>> {
        if let Some(known) = self.known.get(&identity.pid)
            && known.seen == now
            && known.stat.start_ticks == identity.start_ticks
        {
            return Some(Arc::clone(&known.process));
        }
        let directory = Directory::of(&self.proc, identity.pid);
        let stat = directory.stat()?;
        if stat.start_ticks != identity.start_ticks {
            return None;
        }
        if let Some(known) = self.known.get_mut(&identity.pid)
            && known.stat == stat
        {
            known.seen = now;
            return Some(Arc::clone(&known.process));
        }
        let exe = directory.exe();
        let cmdline = directory.cmdline();
        let cgroup = directory.cgroup();
        let name = procfs::name(
            &stat.comm,
            exe.as_deref(),
            cmdline.as_deref().unwrap_or_default(),
        );
        let path = cgroup.as_deref().and_then(path_of_process);
        let process = Arc::new(Process {
            pid: identity.pid,
            start_ticks: stat.start_ticks,
            name: names::line(&name, NAME_BYTES).into(),
            exe: exe.map(|exe| names::line(&exe, PATH_BYTES).into_boxed_str()),
            cmdline: cmdline.as_deref().and_then(command_line),
            account: directory.uid().map(|uid| self.account(uid)),
            parents: self.parents(identity.pid, stat.ppid),
            cgroup: path.map(|path| self.cgroup(path)),
        });
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let known = Known {
            stat,
            process: Arc::clone(&process),
            seen: now,
        };
        self.known.insert(identity.pid, known);
        Some(process)
    }

    /// A user.
    pub(super) fn account(&mut self, uid: u32) -> Arc<Account> {
        self.accounts.of(uid)
    }

    /// A control group by its path.
    pub(super) fn cgroup(&mut self, path: &[u8]) -> Arc<Cgroup> {
        if let Some(cgroup) = self.cgroups.get(path) {
            return Arc::clone(cgroup);
        }
        let mut cgroup = Cgroup::of_path(path);
        if let (Some(runtimes), Some(container)) = (&self.runtimes, &mut cgroup.container) {
            runtimes.name(container);
        }
        let cgroup = Arc::new(cgroup);
        if self.cgroups.len() >= MAX_KNOWN {
            self.cgroups.clear();
        }
        self.cgroups.insert(path.to_vec(), Arc::clone(&cgroup));
        cgroup
    }

    /// Up to the first process. Pids are used again, and the line is not read
    /// at one moment: what would go round ends.
    fn parents(&mut self, pid: u32, parent: u32) -> Vec<Parent> {
        let mut parents: Vec<Parent> = Vec::new();
        let mut next = parent;
        while next != 0
            && next != pid
            && parents.len() < MAX_PARENTS
            && parents.iter().all(|parent| parent.pid != next)
        {
            let Some(ancestor) = self.ancestor(next) else {
                break;
            };
            parents.push(Parent {
                pid: next,
                name: ancestor.name.clone(),
            });
            next = ancestor.stat.ppid;
        }
        parents
    }

    fn ancestor(&mut self, pid: u32) -> Option<&Ancestor> {
        let directory = Directory::of(&self.proc, pid);
        let stat = directory.stat()?;
        let is_known = self
            .ancestors
            .get(&pid)
            .is_some_and(|known| known.stat == stat);
        if !is_known {
            if self.ancestors.len() >= MAX_KNOWN {
                self.ancestors.clear();
            }
            let exe = directory.exe();
            let cmdline = directory.cmdline().unwrap_or_default();
            let name = procfs::name(&stat.comm, exe.as_deref(), &cmdline);
            let name = names::line(&name, NAME_BYTES).into_boxed_str();
            self.ancestors.insert(pid, Ancestor { stat, name });
        }
        self.ancestors.get(&pid)
    }
}

/// Arguments with spaces between them; `None` if there are none.
fn command_line(arguments: &[u8]) -> Option<Box<str>> {
    let end = arguments.iter().rposition(|&octet| octet != 0)?;
    let arguments = arguments.get(..=end)?;
    let spaced: Vec<u8> = arguments
        .iter()
        .map(|&octet| if octet == 0 { b' ' } else { octet })
        .collect();
    Some(names::line(&spaced, CMDLINE_BYTES).into_boxed_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::owners::tree::Tree;

    fn processes(tree: &Tree) -> Processes {
        tree.file("passwd", "web:x:33:33:::\n");
        let accounts = Accounts::open(tree.path().join("passwd"));
        Processes::new(tree.path(), accounts, None)
    }

    fn describe(processes: &mut Processes, pid: u32) -> Option<Arc<Process>> {
        let identity = Identity {
            pid,
            start_ticks: u64::from(pid) * 100,
        };
        processes.describe(identity, Instant::now())
    }

    #[test]
    fn a_process_is_told_with_user_parents_and_group() {
        let tree = Tree::new();
        tree.process(1, 0, "systemd");
        tree.process(20, 1, "bash");
        tree.process(30, 20, "curl");
        tree.link("30/exe", "/usr/bin/curl (deleted)");
        tree.file("30/cmdline", "curl\0-o\0a\u{1b}b\0\0");
        tree.file("30/status", "Uid:\t0\t33\t0\t0\n");
        tree.file("30/cgroup", "0::/user.slice/run-1.scope\n");
        let mut processes = processes(&tree);
        let curl = describe(&mut processes, 30).unwrap();
        assert_eq!(&*curl.name, "curl");
        assert_eq!(curl.exe.as_deref(), Some("/usr/bin/curl"));
        assert_eq!(curl.cmdline.as_deref(), Some("curl -o a\\027b"));
        let account = curl.account.as_ref().unwrap();
        assert_eq!((account.uid, account.name.as_deref()), (33, Some("web")));
        let parents: Vec<_> = curl.parents.iter().map(|p| (p.pid, &*p.name)).collect();
        assert_eq!(parents, [(20, "bash"), (1, "systemd")]);
        let cgroup = curl.cgroup.as_ref().unwrap();
        assert_eq!(cgroup.unit.as_deref(), Some("run-1.scope"));
        let again = describe(&mut processes, 30).unwrap();
        assert!(Arc::ptr_eq(&curl, &again), "read once");
    }

    #[test]
    fn a_process_that_becomes_another_program_is_read_again() {
        let tree = Tree::new();
        tree.process(30, 0, "sh");
        let mut processes = processes(&tree);
        assert_eq!(&*describe(&mut processes, 30).unwrap().name, "sh");
        tree.process(30, 0, "curl");
        assert_eq!(&*describe(&mut processes, 30).unwrap().name, "curl");
    }

    #[test]
    fn another_process_with_the_same_id_is_not_it() {
        let tree = Tree::new();
        tree.process(30, 0, "sh");
        let mut processes = processes(&tree);
        let other = Identity {
            pid: 30,
            start_ticks: 1,
        };
        assert_eq!(processes.describe(other, Instant::now()), None);
        assert_eq!(describe(&mut processes, 31), None, "none at all");
    }

    #[test]
    fn parents_that_go_round_end() {
        let tree = Tree::new();
        tree.process(10, 20, "a");
        tree.process(20, 30, "b");
        tree.process(30, 20, "c");
        tree.process(40, 40, "own");
        let mut processes = processes(&tree);
        let pids = |process: &Process| process.parents.iter().map(|p| p.pid).collect::<Vec<_>>();
        assert_eq!(pids(&describe(&mut processes, 10).unwrap()), [20, 30]);
        assert_eq!(pids(&describe(&mut processes, 40).unwrap()), [0; 0]);
    }
}
