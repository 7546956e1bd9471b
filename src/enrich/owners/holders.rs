//! Which process holds a socket: by the links in `/proc/PID/fd`.
//!
//! Reading a link costs the kernel about 3 µs, so no more is read than must
//! be. Nothing is, unless somebody wants to know of a socket that no process
//! was seen with. Then a pass goes over the processes:
//!
//! 1. those that are new, or have another number of descriptors than when they
//!    were read last (`st_size` of `/proc/PID/fd`, since Linux 6.2), the newest
//!    first;
//! 2. those that such sockets were found in lately: who closes one socket and
//!    opens the next has as many descriptors as before;
//! 3. the others, each after a pause that grows to a minute while nothing new
//!    is found there.
//!
//! The pass ends when all wanted sockets are found. Those that are not are
//! looked for again, less and less often.
//!
//! A socket can be held by several processes: children inherit what they have
//! no use for. So of a line of parents that all hold it, the first has it. But
//! who starts services opens sockets for them: pid 1, systemd, inetd and xinetd
//! have a socket only if nobody else holds it.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::processes::Identity;
use super::procfs::Directory;

/// A process in which nothing new is found is read again after this long...
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// ...and then after twice as long each time, at most this.
const LAST_PAUSE: Duration = Duration::from_secs(64);
/// How long a process is expected to open more of the sockets that are wanted.
const BUSY: Duration = Duration::from_secs(60);
/// A socket that no process was found with is looked for again after this
/// long, and then after four times as long each time...
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// ...at most this.
const LAST_RETRY: Duration = Duration::from_secs(60);
/// What it costs to look at a process, in links.
const LINKS_PER_PROCESS: usize = 8;
/// Who opens sockets for others.
const MANAGERS: [&[u8]; 3] = [b"systemd", b"inetd", b"xinetd"];
/// `PROC_PID_INIT_INO`: the first pid namespace, whose processes are all.
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// What tells one state of a process's descriptors from the next without
/// reading them: inode (another process has another directory), number of
/// descriptors, modification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64);

/// A process as it was read last.
#[derive(Debug)]
struct Scanned {
    stamp: Stamp,
    start_ticks: u64,
    ppid: u32,
    is_manager: bool,
    /// Inode and descriptor of its sockets, in order.
    sockets: Vec<(u32, u32)>,
    /// Whether its descriptors may not be read.
    is_denied: bool,
    at: Instant,
    pause: Duration,
    /// When a wanted socket was last found in it.
    hit: Option<Instant>,
}

impl Scanned {
    fn descriptor(&self, inode: u32) -> Option<u32> {
        let at = self
            .sockets
            .binary_search_by_key(&inode, |(inode, _)| *inode);
        Some(self.sockets.get(at.ok()?)?.1)
    }
}

/// A socket that is looked for.
#[derive(Debug)]
struct Wanted {
    due: Instant,
    tries: u32,
    in_pass: bool,
}

/// Going over the processes.
#[derive(Debug, Default)]
struct Pass {
    /// The next is the last.
    queue: Vec<u32>,
    /// How many sockets it has yet to find.
    open: usize,
    /// What was found in a process that holds sockets for others.
    managed: Vec<(u32, Identity)>,
}

/// What came out of looking.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Inodes of sockets and who holds them.
    pub(super) found: Vec<(u32, Identity)>,
    /// Inodes of sockets that a whole pass has not found, and how many did not.
    pub(super) missed: Vec<(u32, u32)>,
    /// What it cost, in links read.
    pub(super) links: usize,
}

/// Sockets and the processes that hold them.
#[derive(Debug)]
pub(super) struct Holders {
    proc: PathBuf,
    processes: HashMap<u32, Scanned>,
    /// Inode to pid, of all sockets of all processes that were read.
    of: HashMap<u32, u32, foldhash::fast::RandomState>,
    wanted: HashMap<u32, Wanted, foldhash::fast::RandomState>,
    pass: Option<Pass>,
    hides: bool,
}

impl Holders {
    pub(super) fn new(proc: &Path) -> Self {
        let namespace = fs::read_link(proc.join("self/ns/pid"));
        let is_first = namespace.is_ok_and(|link| link.as_os_str() == FIRST_PID_NAMESPACE);
        Self {
            proc: proc.to_owned(),
            processes: HashMap::new(),
            of: HashMap::default(),
            wanted: HashMap::default(),
            pass: None,
            // Mounted with hidepid, it only shows processes of the same user.
            hides: !is_first || Directory::of(proc, 1).stat().is_none(),
        }
    }

    /// Who holds this socket, if it was seen while reading processes and is
    /// still there; else it is looked for.
    pub(super) fn want(&mut self, inode: u32, now: Instant) -> Option<Identity> {
        if let Some(&pid) = self.of.get(&inode) {
            if let Some(identity) = self.still_holds(pid, inode) {
                let line = self.line(identity, now, &mut 0);
                return Some(self.first_of(&line, inode).unwrap_or(identity));
            }
            self.of.remove(&inode);
        }
        self.wanted.entry(inode).or_insert(Wanted {
            due: now,
            tries: 0,
            in_pass: false,
        });
        None
    }

    /// Nobody wants to know any more.
    pub(super) fn give_up(&mut self, inode: u32) {
        let wanted = self.wanted.remove(&inode);
        if let (Some(pass), Some(true)) = (&mut self.pass, wanted.map(|wanted| wanted.in_pass)) {
            pass.open -= 1;
        }
    }

    /// Whether processes may hold sockets without this program being shown it.
    pub(super) fn are_hidden(&self) -> bool {
        self.hides || self.processes.values().any(|process| process.is_denied)
    }

    /// When there is something to do; `None` if nobody wants anything.
    pub(super) fn due(&self) -> Option<Instant> {
        self.wanted.values().map(|wanted| wanted.due).min()
    }

    /// Whether a pass over the processes is not yet over.
    pub(super) const fn is_looking(&self) -> bool {
        self.pass.is_some()
    }

    /// Looks for what is wanted, at the cost of about so many links.
    pub(super) fn look(&mut self, links: usize, now: Instant) -> Outcome {
        let mut outcome = Outcome::default();
        let mut pass = match self.pass.take() {
            Some(pass) => pass,
            None if self.due().is_some_and(|due| due <= now) => self.begin(now, &mut outcome),
            None => return outcome,
        };
        while pass.open > 0 {
            if outcome.links >= links {
                self.pass = Some(pass);
                return outcome;
            }
            let Some(pid) = pass.queue.pop() else {
                break;
            };
            self.visit(pid, now, &mut pass, &mut outcome);
        }
        for (inode, identity) in std::mem::take(&mut pass.managed) {
            self.wanted.remove(&inode);
            self.of.insert(inode, identity.pid);
            outcome.found.push((inode, identity));
        }
        for (inode, wanted) in self.wanted.iter_mut().filter(|(_, wanted)| wanted.in_pass) {
            let retry = FIRST_RETRY.saturating_mul(4_u32.saturating_pow(wanted.tries));
            wanted.in_pass = false;
            wanted.tries += 1;
            wanted.due = now + retry.min(LAST_RETRY);
            outcome.missed.push((*inode, wanted.tries));
        }
        outcome
    }

    /// Lists the processes and puts them in order.
    fn begin(&mut self, now: Instant, outcome: &mut Outcome) -> Pass {
        let pids = self.pids();
        outcome.links += pids.len();
        let there: HashSet<u32> = pids.iter().copied().collect();
        let gone = |pid: &u32| !there.contains(pid);
        for pid in self
            .processes
            .keys()
            .copied()
            .filter(gone)
            .collect::<Vec<_>>()
        {
            self.forget(pid);
        }
        // Group, then how long ago the pid was given: the last first.
        let newest = self.last_pid();
        let mut queue: Vec<(u8, u32, u32)> = pids
            .into_iter()
            .filter_map(|pid| Some((self.group(pid, now)?, newest.wrapping_sub(pid), pid)))
            .collect();
        queue.sort_unstable_by(|a, b| b.cmp(a));
        let mut open = 0;
        for wanted in self.wanted.values_mut() {
            wanted.in_pass = true;
            open += 1;
        }
        Pass {
            queue: queue.into_iter().map(|(_, _, pid)| pid).collect(),
            open,
            managed: Vec::new(),
        }
    }

    /// See the groups of the module's documentation; `None` if the process
    /// need not be read.
    fn group(&self, pid: u32, now: Instant) -> Option<u8> {
        let known = self.processes.get(&pid);
        let stamp = self.stamp(pid)?;
        // Kernels before 6.2 do not count.
        let Some(known) = known.filter(|known| known.stamp == stamp && stamp.1 != 0) else {
            return Some(1);
        };
        if known.is_denied {
            return (now.saturating_duration_since(known.at) >= LAST_PAUSE).then_some(3);
        }
        if known
            .hit
            .is_some_and(|hit| now.saturating_duration_since(hit) < BUSY)
        {
            return Some(2);
        }
        (now.saturating_duration_since(known.at) >= known.pause).then_some(3)
    }

    /// Reads a process and takes note of what is wanted of it.
    fn visit(&mut self, pid: u32, now: Instant, pass: &mut Pass, outcome: &mut Outcome) {
        // It may have been read for what a child of it holds.
        if self
            .processes
            .get(&pid)
            .is_none_or(|process| process.at != now)
        {
            outcome.links += self.read(pid, now);
        }
        let Some(process) = self.processes.get(&pid) else {
            return;
        };
        let identity = Identity {
            pid,
            start_ticks: process.start_ticks,
        };
        let inodes = process.sockets.iter().map(|(inode, _)| *inode);
        let hits: Vec<u32> = inodes
            .filter(|inode| self.wanted.contains_key(inode))
            .collect();
        if hits.is_empty() {
            return;
        }
        let line = self.line(identity, now, &mut outcome.links);
        for inode in hits {
            let holder = self.first_of(&line, inode).unwrap_or(identity);
            if let Some(process) = self.processes.get_mut(&holder.pid) {
                process.hit = Some(now);
                process.pause = FIRST_PAUSE;
                if process.is_manager {
                    // Somebody else may have it too; this pass will tell.
                    if !pass.managed.iter().any(|(managed, _)| *managed == inode) {
                        pass.managed.push((inode, holder));
                    }
                    continue;
                }
            }
            self.of.insert(inode, holder.pid);
            pass.managed.retain(|(managed, _)| *managed != inode);
            if self
                .wanted
                .remove(&inode)
                .is_some_and(|wanted| wanted.in_pass)
            {
                pass.open -= 1;
            }
            outcome.found.push((inode, holder));
        }
    }

    /// A process and those that it comes from, as far as they can have opened
    /// its sockets for themselves; read again if they have changed.
    fn line(&mut self, process: Identity, now: Instant, links: &mut usize) -> Vec<Identity> {
        let mut line = vec![process];
        let mut last = process;
        while let Some(parent) = self.processes.get(&last.pid).map(|process| process.ppid) {
            if parent <= 1 || parent == last.pid {
                break;
            }
            let known = self.processes.get(&parent);
            let is_fresh = known.is_some_and(|process| process.at == now);
            if !is_fresh && self.group(parent, now) == Some(1) {
                *links += self.read(parent, now);
            }
            let Some(process) = self.processes.get(&parent) else {
                break;
            };
            // Who started earlier: no line goes round.
            let started = (process.start_ticks, parent);
            if process.is_manager || started > (last.start_ticks, last.pid) {
                break;
            }
            last = Identity {
                pid: parent,
                start_ticks: process.start_ticks,
            };
            line.push(last);
        }
        line
    }

    /// The process furthest up the line that holds a socket which all before it
    /// hold as well.
    fn first_of(&self, line: &[Identity], inode: u32) -> Option<Identity> {
        let holds = |identity: &&Identity| {
            let process = self.processes.get(&identity.pid);
            process.is_some_and(|process| process.descriptor(inode).is_some())
        };
        line.iter().take_while(holds).last().copied()
    }

    /// Whether a process still has the descriptor that it was seen to have.
    fn still_holds(&self, pid: u32, inode: u32) -> Option<Identity> {
        let process = self.processes.get(&pid)?;
        let descriptor = process.descriptor(inode)?.to_string();
        let link = self.directory(pid).join(descriptor);
        (socket_inode(&link)? == inode).then_some(Identity {
            pid,
            start_ticks: process.start_ticks,
        })
    }

    /// Reads the descriptors of a process; returns what that cost.
    fn read(&mut self, pid: u32, now: Instant) -> usize {
        let stat = Directory::of(&self.proc, pid).stat();
        // Before its descriptors: what changes meanwhile is then noticed.
        let stamp = self.stamp(pid);
        let (Some(stat), Some(stamp)) = (stat, stamp) else {
            self.forget(pid);
            return LINKS_PER_PROCESS;
        };
        let mut links = LINKS_PER_PROCESS;
        let mut sockets = Vec::new();
        let mut is_denied = false;
        match fs::read_dir(self.directory(pid)) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    links += 1;
                    let inode = socket_inode(&entry.path());
                    let descriptor = entry.file_name().to_str().and_then(|fd| fd.parse().ok());
                    sockets.extend(inode.zip(descriptor));
                }
            }
            Err(e) => is_denied = e.kind() == io::ErrorKind::PermissionDenied,
        }
        sockets.sort_unstable();
        sockets.dedup_by_key(|(inode, _)| *inode);
        let before = self.forget(pid);
        let before = before.filter(|before| before.start_ticks == stat.start_ticks);
        let pause = match &before {
            Some(before) if before.sockets == sockets => (before.pause * 2).min(LAST_PAUSE),
            _ => FIRST_PAUSE,
        };
        let is_manager = pid == 1 || MANAGERS.contains(&&*stat.comm);
        for (inode, _) in sockets.iter().filter(|_| !is_manager) {
            self.of.entry(*inode).or_insert(pid);
        }
        let process = Scanned {
            stamp,
            start_ticks: stat.start_ticks,
            ppid: stat.ppid,
            is_manager,
            sockets,
            is_denied,
            at: now,
            pause,
            hit: before.and_then(|before| before.hit),
        };
        self.processes.insert(pid, process);
        links
    }

    fn forget(&mut self, pid: u32) -> Option<Scanned> {
        let process = self.processes.remove(&pid)?;
        for (inode, _) in &process.sockets {
            if self.of.get(inode) == Some(&pid) {
                self.of.remove(inode);
            }
        }
        Some(process)
    }

    fn directory(&self, pid: u32) -> PathBuf {
        self.proc.join(format!("{pid}/fd"))
    }

    fn stamp(&self, pid: u32) -> Option<Stamp> {
        let meta = fs::metadata(self.directory(pid)).ok()?;
        Some(Stamp(
            meta.ino(),
            meta.size(),
            meta.mtime(),
            meta.mtime_nsec(),
        ))
    }

    fn pids(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.proc).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }

    /// The pid that was given last: the fifth field of `/proc/loadavg`.
    fn last_pid(&self) -> u32 {
        let loadavg = fs::read_to_string(self.proc.join("loadavg")).unwrap_or_default();
        let last = loadavg.split_ascii_whitespace().nth(4);
        last.and_then(|pid| pid.parse().ok()).unwrap_or(u32::MAX)
    }
}

/// The inode in a link like `socket:[123]`.
fn socket_inode(link: &Path) -> Option<u32> {
    let target = fs::read_link(link).ok()?;
    let inode = target.as_os_str().to_str()?.strip_prefix("socket:[")?;
    inode.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
#[path = "holders_tests.rs"]
mod tests;
