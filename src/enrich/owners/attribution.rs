//! The handle of the thread that finds owners.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::Owner;
use super::worker::{Event, Worker};
use crate::flow::{Counters, Direction, Key, Pair, Tuple};

/// What may be chosen about attribution.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where processes are: `/proc`, if not for a test.
    pub proc: PathBuf,
    /// Where users are.
    pub passwd: PathBuf,
    /// Whether to look into other network namespaces, and to read what
    /// runtimes call their containers.
    pub containers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            proc: "/proc".into(),
            passwd: "/etc/passwd".into(),
            containers: true,
        }
    }
}

/// A flow whose owners are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Its zone and original tuple.
    pub key: Key,
    /// Its reply tuple.
    pub reply: Tuple,
    /// Which way it goes, and so which of its ends are here.
    pub direction: Direction,
}

/// What was found out about a flow.
#[derive(Clone, Debug)]
pub struct Attributed {
    /// Which one.
    pub key: Key,
    /// Who is at its ends; absent for an end that is not on this machine. Of a
    /// flow that is forwarded both are [`Unknown::Forwarded`](super::Unknown),
    /// unless an end has a socket in another network namespace of this machine.
    pub owners: Pair<Option<Owner>>,
    /// What its TCP socket has sent and received since it was connected, each
    /// way as the flow's: segments, and their payload without headers and what
    /// was sent again. Of two sockets it is that of whoever sent the first
    /// packet.
    pub counters: Option<Pair<Counters>>,
}

/// How far attribution is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Flows that were begun and have no first answer yet.
    pub unanswered: usize,
    /// How many refreshes are done, coalesced ones counted once.
    pub refreshes: u64,
    /// Flows that were not begun, because there are too many of them.
    pub refused: u64,
}

/// What the thread says at once.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) answers: Vec<Attributed>,
    pub(super) namespaced: Arc<HashSet<IpAddr>>,
    pub(super) progress: Progress,
}

/// Events that may wait for the thread; beyond, they are dropped.
const EVENTS: usize = 256;
/// Reports that may wait; beyond, they are merged.
const REPORTS: usize = 16;

/// Finds the owners of flows, on a thread of its own that ends, unwaited for,
/// when this is dropped.
#[derive(Debug)]
pub struct Attribution {
    events: SyncSender<Event>,
    reports: Receiver<Report>,
    namespaced: Arc<HashSet<IpAddr>>,
    progress: Progress,
}

impl Attribution {
    /// Starts the thread, in the network namespace of the calling one. `wake`
    /// is called on it whenever there is something to pick up; it must not
    /// block.
    ///
    /// # Errors
    /// If there can be no thread, or the kernel cannot be asked about sockets.
    pub fn start(settings: Settings, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        let (events, from_handle) = sync_channel(EVENTS);
        let (to_handle, reports) = sync_channel(REPORTS);
        let (ready, is_ready) = sync_channel(1);
        // Its sockets are of the namespace of the thread that opens them.
        thread::Builder::new()
            .name("owners".into())
            .spawn(move || {
                match Worker::new(&settings, from_handle, to_handle, Box::new(wake)) {
                    Ok(worker) => {
                        let _ = ready.send(Ok(()));
                        worker.run();
                    }
                    Err(e) => {
                        let _ = ready.send(Err(io::Error::other(e)));
                    }
                }
            })?;
        is_ready.recv().map_err(io::Error::other)??;
        Ok(Self {
            events,
            reports,
            namespaced: Arc::default(),
            progress: Progress::default(),
        })
    }

    /// Wants the owners of these flows: at once, for the first one that ends
    /// soon. To begin a flow again does no harm: its answer is then told again.
    ///
    /// Never blocks. `false`: the thread is behind, and nothing of this was
    /// begun; it is worth to ask again at the next refresh for each flow that
    /// has no answer.
    pub fn begin(&self, subjects: Vec<Subject>) -> bool {
        subjects.is_empty() || self.events.try_send(Event::Begin(subjects)).is_ok()
    }

    /// These flows have ended: they get no more answers. Never blocks; `false`
    /// if the thread is behind and it is worth to say it again.
    pub fn end(&self, keys: Vec<Key>) -> bool {
        keys.is_empty() || self.events.try_send(Event::End(keys)).is_ok()
    }

    /// Wants new figures of all flows that were begun and have not ended. Never
    /// blocks; refreshes that the thread has not come to yet are one.
    pub fn refresh(&self) {
        // If the channel is full the thread has enough to do.
        let _ = self.events.try_send(Event::Refresh);
    }

    /// What has changed since the last call. Never blocks. What has not changed
    /// since it was told is not told again.
    pub fn answers(&mut self) -> Vec<Attributed> {
        let mut answers = Vec::new();
        for report in self.reports.try_iter() {
            answers.extend(report.answers);
            self.namespaced = report.namespaced;
            self.progress = report.progress;
        }
        answers
    }

    /// Addresses that live in other network namespaces of this machine, when
    /// [`Attribution::answers`] was last called: forwarded flows with one of
    /// them are worth a [`Attribution::begin`].
    pub fn namespaced(&self) -> Arc<HashSet<IpAddr>> {
        Arc::clone(&self.namespaced)
    }

    /// How far it was when [`Attribution::answers`] was last called.
    pub const fn progress(&self) -> Progress {
        self.progress
    }
}

impl Drop for Attribution {
    fn drop(&mut self) {
        // If the channel is full, the thread notices that nobody reads its
        // reports.
        let _ = self.events.try_send(Event::Stop);
    }
}
