//! The thread that finds owners: it owns what is known of flows, processes and
//! namespaces, and talks through two bounded channels.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::Settings;
use super::accounts::Accounts;
use super::attribution::{Progress, Report, Subject};
use super::cases::{Cases, Elsewhere, Ends};
use super::hierarchy::Hierarchy;
use super::holders::Holders;
use super::namespaces::Namespaces;
use super::processes::Processes;
use super::runtimes::Runtimes;
use super::sight::{Asker, Sighting};
use crate::enrich::names::RECHECK;
use crate::flow::{Key, Protocol};
use crate::netlink::sockdiag::{Destroyed, DiagError, Socket, proc_net};

/// What the thread reacts to.
#[derive(Debug)]
pub(super) enum Event {
    /// Owners are wanted.
    Begin(Vec<Subject>),
    /// Flows have ended.
    End(Vec<Key>),
    /// New figures are wanted.
    Refresh,
    /// The handle is gone.
    Stop,
}

/// Events taken in before anything is looked at.
const EVENTS_AT_ONCE: usize = 256;
/// Kernel memory for last words of sockets between two refreshes: 3,000 of them.
const WORDS_BYTES: usize = 4 << 20;
/// More are not heard at once.
const MOST_WORDS: usize = 16_384;
/// Links read of `/proc` before events are taken in again: about 10 ms.
const SLICE: usize = 3000;
/// Links that may be read at once after a time of rest, such as at the start:
/// about a second.
const MOST_LINKS: f64 = 300_000.0;
/// Links that may be read in the long run: about 5 % of a CPU.
const LINKS_PER_SEC: f64 = 15_000.0;
/// Answers in one report.
const ANSWERS_AT_ONCE: usize = 4096;
/// How soon a full channel is tried again.
const RETRY_REPORT: Duration = Duration::from_millis(50);
/// No sleep is shorter while there is nothing to look at.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
/// The longest.
const IDLE: Duration = Duration::from_secs(3600);

/// How many links may be read.
#[derive(Debug)]
struct Allowance {
    links: f64,
    at: Instant,
}

impl Allowance {
    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.links = (self.links + passed * LINKS_PER_SEC).min(MOST_LINKS);
        self.at = now;
    }

    fn spend(&mut self, links: usize) {
        self.links -= links as f64;
    }

    /// When there is enough for a slice.
    fn due(&self) -> Instant {
        let missing = (SLICE as f64 - self.links).max(0.0);
        self.at + Duration::from_secs_f64(missing / LINKS_PER_SEC)
    }
}

pub(super) struct Worker {
    events: Receiver<Event>,
    reports: SyncSender<Report>,
    wake: Box<dyn Fn() + Send>,
    cases: Cases,
    here: Asker,
    /// Absent on kernels before 4.3.
    destroyed: Option<Destroyed>,
    namespaces: Namespaces,
    holders: Holders,
    processes: Processes,
    hierarchy: Hierarchy,
    allowance: Allowance,
    look_at_files: Instant,
    refreshes: u64,
    told: Option<Progress>,
}

impl Worker {
    /// Opens its sockets in the namespace of the calling thread, which must be
    /// the one that runs it.
    pub(super) fn new(
        settings: &Settings,
        events: Receiver<Event>,
        reports: SyncSender<Report>,
        wake: Box<dyn Fn() + Send>,
    ) -> Result<Self, DiagError> {
        let now = Instant::now();
        let proc = &settings.proc;
        let root = PathBuf::from("/");
        let runtimes = settings.containers.then_some(Runtimes { root });
        Ok(Self {
            events,
            reports,
            wake,
            cases: Cases::default(),
            here: Asker::open(proc_net::OWN.into())?,
            destroyed: Destroyed::listen(WORDS_BYTES).ok(),
            namespaces: Namespaces::new(proc, settings.containers),
            holders: Holders::new(proc),
            processes: Processes::new(proc, Accounts::open(settings.passwd.clone()), runtimes),
            hierarchy: Hierarchy::mounted(proc),
            allowance: Allowance {
                links: MOST_LINKS,
                at: now,
            },
            look_at_files: now + RECHECK,
            refreshes: 0,
            told: None,
        })
    }

    /// Until the handle is gone. Each turn:
    ///
    /// 1. what is asked for is taken in,
    /// 2. if figures are wanted, what sockets said last when they went is heard,
    /// 3. the kernel is asked what is at ends of flows that are due, and at
    ///    all of them if figures are wanted,
    /// 4. processes are read, as far as the allowance goes,
    /// 5. answers go out,
    /// 6. what happens next is waited for, at most until something is due.
    pub(super) fn run(mut self) {
        self.namespaces.look(Instant::now());
        let mut first = None;
        loop {
            let more: Vec<Event> = self.events.try_iter().take(EVENTS_AT_ONCE).collect();
            let mut wants_refresh = false;
            let now = Instant::now();
            for event in first.take().into_iter().chain(more) {
                match event {
                    Event::Begin(subjects) => {
                        let elsewhere = Elsewhere {
                            all: self.namespaces.addresses(),
                            near: self.namespaces.near(),
                        };
                        self.cases.begin(&subjects, elsewhere, now);
                    }
                    Event::End(keys) => self.cases.end(&keys),
                    Event::Refresh => wants_refresh = true,
                    Event::Stop => return,
                }
            }
            if wants_refresh {
                self.refresh(now);
            }
            self.look(now);
            self.read_processes(Instant::now());
            let Ok(delivered) = self.report() else {
                return;
            };
            let mut wait = self.idle_until().saturating_duration_since(Instant::now());
            if !delivered {
                wait = wait.min(RETRY_REPORT);
            }
            if wait < SHORTEST_SLEEP && !self.can_read() {
                wait = SHORTEST_SLEEP;
            }
            first = match self.events.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
        }
    }

    /// When something is due.
    fn idle_until(&self) -> Instant {
        let looks = self.cases.due();
        let reads = self.holders.due().map(|due| due.max(self.allowance.due()));
        let idle = Instant::now() + IDLE;
        looks.into_iter().chain(reads).fold(idle, Instant::min)
    }

    fn can_read(&self) -> bool {
        self.holders.is_looking() && self.allowance.links >= SLICE as f64
    }

    fn refresh(&mut self, now: Instant) {
        self.namespaces.look(now);
        if now >= self.look_at_files {
            self.processes.refresh();
            self.look_at_files = now + RECHECK;
        }
        self.hear_last_words();
        self.cases.look_again();
        self.refreshes += 1;
    }

    /// The final figures of sockets that went since the last time. Connection
    /// tracking keeps their flows for seconds at least, so that this is soon
    /// enough.
    fn hear_last_words(&mut self) {
        let Some(destroyed) = &mut self.destroyed else {
            return;
        };
        let mut words = Vec::new();
        let mut keep = |socket: Socket| {
            if socket.proto == Protocol::TCP && socket.tcp.is_some() {
                words.push(socket);
            }
        };
        // What cannot be read now is as good as lost: figures stay what they
        // were when the socket was last looked at.
        let _ = destroyed.drain(MOST_WORDS, &mut keep);
        self.cases.take_last_words(&words);
    }

    /// Asks the kernel what is at the ends that are due.
    fn look(&mut self, now: Instant) {
        for inode in self.cases.take_released() {
            self.holders.give_up(inode);
        }
        let ends = self.cases.take_due(now);
        if ends.is_empty() {
            return;
        }
        let mut sightings: Vec<Option<Sighting>> = vec![None; ends.len()];
        let (here, elsewhere): (Vec<usize>, Vec<usize>) =
            (0..ends.len()).partition(|at| ends[*at].elsewhere.is_none());
        see(&mut self.here, &ends, &here, &mut sightings);
        let mut addresses: Vec<_> = elsewhere
            .iter()
            .filter_map(|at| ends[*at].elsewhere)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            let of_address = |at: &usize| ends[*at].elsewhere == Some(address);
            let chosen: Vec<usize> = elsewhere.iter().copied().filter(of_address).collect();
            for namespace in self.namespaces.with(address) {
                see(&mut namespace.asker, &ends, &chosen, &mut sightings);
            }
        }
        for (ends, sighting) in ends.iter().zip(sightings) {
            let sighting = sighting.unwrap_or(Sighting::Nothing);
            self.cases.take_sighting(ends, sighting, now);
        }
        for inode in self.cases.take_wanted() {
            if let Some(holder) = self.holders.want(inode, now) {
                self.cases.held_by(inode, holder);
            }
        }
    }

    /// Reads processes, as far as the allowance goes.
    fn read_processes(&mut self, now: Instant) {
        self.allowance.refill(now);
        if self.allowance.links < SLICE as f64 {
            return;
        }
        let outcome = self.holders.look(SLICE, now);
        self.allowance.spend(outcome.links);
        for (inode, holder) in outcome.found {
            self.cases.held_by(inode, holder);
        }
        if !outcome.missed.is_empty() {
            let hidden = self.holders.are_hidden();
            for (inode, passes) in outcome.missed {
                self.cases.missed(inode, passes, hidden, now);
            }
        }
    }

    /// Sends what is new. `Ok(false)` if the channel is full: what could not be
    /// sent is kept for the next time. An error if nobody listens any more.
    fn report(&mut self) -> Result<bool, Gone> {
        loop {
            let now = Instant::now();
            let (processes, hierarchy) = (&mut self.processes, &mut self.hierarchy);
            let answers = self.cases.tell(ANSWERS_AT_ONCE, processes, hierarchy, now);
            let progress = Progress {
                unanswered: self.cases.unanswered(),
                refreshes: self.refreshes,
                refused: self.cases.refused(),
            };
            if answers.is_empty() && self.told == Some(progress) {
                return Ok(true);
            }
            let report = Report {
                answers,
                namespaced: Arc::clone(self.namespaces.addresses()),
                progress,
            };
            match self.reports.try_send(report) {
                Ok(()) => {
                    self.told = Some(progress);
                    (self.wake)();
                }
                Err(TrySendError::Full(report)) => {
                    self.cases.not_told(report.answers);
                    return Ok(false);
                }
                Err(TrySendError::Disconnected(_)) => return Err(Gone),
            }
        }
    }
}

/// Has the `chosen` of the ends looked at.
fn see(asker: &mut Asker, ends: &[Ends], chosen: &[usize], sightings: &mut [Option<Sighting>]) {
    if chosen.is_empty() {
        return;
    }
    let wanted: Vec<_> = chosen.iter().map(|at| ends[*at].end).collect();
    for (at, sighting) in chosen.iter().zip(asker.look(&wanted)) {
        let before = sightings[*at].take();
        sightings[*at] = Some(match before {
            Some(before) => before.or(sighting),
            None => sighting,
        });
    }
}

/// Nobody reads the reports.
struct Gone;
