//! The resolver's thread: it owns the files, the cache and the sockets, and
//! talks to everybody else through two bounded channels.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::cache::{Limits, ServerId};
use super::lookups::{Lookups, Policy, Query, Server};
use super::system::{self, Pool};
use super::transport::Sockets;
use super::{Lookup, Nameserver, Outcome, Report, Settings, Status, resolv_conf, wire};
use crate::enrich::names::{Answer, Local, RECHECK, Watched};

/// What the thread reacts to.
#[derive(Debug)]
pub(super) enum Event {
    /// Somebody looks at these addresses, the most important first.
    Ask(Vec<IpAddr>),
    /// A nameserver sent something.
    Datagram { server: ServerId, bytes: Vec<u8> },
    /// A nameserver's machine said that nobody listens, or there is no route.
    Unreachable { server: ServerId },
    /// libc came back.
    LookedUp {
        thread: usize,
        query: Query,
        outcome: Outcome,
    },
    /// The handle is gone.
    Stop,
}

/// Events taken in before answers go out.
const EVENTS_AT_ONCE: usize = 64;
/// Answers kept for a reader that is busy. What is dropped is asked again.
const OUTBOX: usize = 4096;
/// How soon a full channel is tried again.
const RETRY_REPORT: Duration = Duration::from_millis(250);
/// No sleep is shorter, so that no mistake in a deadline can spin.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// Default patience with one nameserver: half of libc's, since names are an
/// ornament; see [`Settings::deadline`].
const DEADLINE: Duration = Duration::from_secs(2);
/// Default queries per address: one retry, with the next nameserver.
const ATTEMPTS: u8 = 2;

#[derive(Debug)]
enum Transport {
    Off,
    Sockets(Sockets),
    System(Pool, ServerId),
}

pub(super) struct Worker {
    settings: Settings,
    resolv_conf: Watched,
    lookups: Lookups,
    transport: Transport,
    events: Receiver<Event>,
    reports: SyncSender<Report>,
    wake: Box<dyn Fn() + Send>,
    outbox: Vec<Answer>,
    last_status: Status,
}

impl Worker {
    /// Opens the sockets or starts libc's threads; asks nobody yet. `to_self`
    /// is the sending end of `events`.
    pub(super) fn new(
        settings: Settings,
        (to_self, events): (SyncSender<Event>, Receiver<Event>),
        reports: SyncSender<Report>,
        wake: Box<dyn Fn() + Send>,
    ) -> std::io::Result<Self> {
        let now = Instant::now();
        let (transport, in_flight) = match settings.lookup {
            Lookup::Off => (Transport::Off, 0),
            Lookup::Dns => (
                Transport::Sockets(Sockets::new(to_self)),
                settings.in_flight,
            ),
            Lookup::System => (
                Transport::System(Pool::start(&to_self)?, 0),
                system::THREADS,
            ),
        };
        let policy = Policy {
            per_sec: settings.per_sec,
            burst: settings.burst,
            in_flight,
            deadline: DEADLINE,
            attempts: ATTEMPTS,
            private: settings.private,
        };
        let mut worker = Self {
            resolv_conf: Watched::new(&settings.resolv_conf),
            lookups: Lookups::new(policy, Limits::default(), now),
            transport,
            events,
            reports,
            wake,
            outbox: Vec::new(),
            last_status: Status::default(),
            settings,
        };
        let given = worker.settings.nameservers.clone();
        if given.is_empty() {
            worker.look_at_resolv_conf(now);
        } else {
            worker.set_nameservers(&given, now);
        }
        worker.last_status = worker.status(now);
        Ok(worker)
    }

    /// The status at the start: the sockets are open.
    pub(super) fn first_status(&self) -> Status {
        self.last_status.clone()
    }

    /// Until the handle is gone. Each turn:
    ///
    /// 1. queries whose deadline has passed are given up,
    /// 2. a nameserver that fell silent gets a new socket,
    /// 3. queries leave as far as the bounds let them,
    /// 4. answers and status go to whoever shows them,
    /// 5. what happens next is waited for, at most until something is due,
    /// 6. files are looked at if it is time.
    pub(super) fn run(mut self) {
        let mut local = Local::open(self.settings.local.clone());
        let mut look_at_files = Instant::now() + RECHECK;
        loop {
            let now = Instant::now();
            self.lookups.expire(now);
            if let Transport::Sockets(sockets) = &mut self.transport {
                for server in self.lookups.take_tripped() {
                    sockets.reopen(server, now);
                }
            }
            self.send_queries(now);
            let Ok(delivered) = self.report(now) else {
                return;
            };
            let mut due = self
                .lookups
                .wake_at()
                .map_or(look_at_files, |at| at.min(look_at_files));
            if !delivered {
                due = due.min(now + RETRY_REPORT);
            }
            let wait = due.saturating_duration_since(now).max(SHORTEST_SLEEP);
            let first = match self.events.recv_timeout(wait) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let more: Vec<_> = self.events.try_iter().take(EVENTS_AT_ONCE).collect();
            let now = Instant::now();
            for event in first.into_iter().chain(more) {
                match event {
                    Event::Ask(addrs) => self.ask(&addrs, &local, now),
                    Event::Datagram { server, bytes } => self.read_reply(server, &bytes, now),
                    Event::Unreachable { server } => self.lookups.unreachable(server, now),
                    Event::LookedUp {
                        thread,
                        query,
                        outcome,
                    } => {
                        self.looked_up(thread, query, outcome, now);
                    }
                    Event::Stop => return,
                }
            }
            if now >= look_at_files {
                local.refresh();
                self.look_at_resolv_conf(now);
                look_at_files = now + RECHECK;
            }
        }
    }

    /// Local names are answered at once and never asked about elsewhere.
    fn ask(&mut self, addrs: &[IpAddr], local: &Local, now: Instant) {
        let mut others = Vec::with_capacity(addrs.len());
        for addr in addrs.iter().map(IpAddr::to_canonical) {
            match local.name(addr) {
                Some((name, source)) => {
                    self.outbox.push(Answer {
                        addr,
                        name: Some(name.clone()),
                        source,
                    });
                }
                None => others.push(addr),
            }
        }
        self.lookups.ask(&others, now);
    }

    fn send_queries(&mut self, now: Instant) {
        while let Ok(random) = getrandom::u32()
            && let Some(query) = self.lookups.next(now, random as u16)
        {
            let sent = match &mut self.transport {
                Transport::Off => false,
                Transport::System(pool, _) => pool.send(query),
                Transport::Sockets(sockets) => wire::query(query.id, query.addr)
                    .is_some_and(|datagram| sockets.send(query.server, &datagram)),
            };
            if !sent {
                self.lookups.unanswered(query, now);
            }
        }
    }

    fn read_reply(&mut self, server: ServerId, bytes: &[u8], now: Instant) {
        let query = wire::id(bytes).and_then(|id| self.lookups.in_flight(server, id));
        let outcome = query.map(|query| wire::reply(bytes, query.id, query.addr));
        match (query, outcome) {
            (Some(query), Some(Ok(outcome))) => self.lookups.replied(query, outcome, now),
            _ => self.lookups.count_ignored(),
        }
    }

    fn looked_up(&mut self, thread: usize, query: Query, outcome: Outcome, now: Instant) {
        if let Transport::System(pool, _) = &mut self.transport {
            pool.free(thread);
        }
        match outcome {
            // libc says this after its own retries.
            Outcome::Failed => self.lookups.unanswered(query, now),
            outcome => self.lookups.replied(query, outcome, now),
        }
    }

    /// Takes the nameservers from the file if it is new or has changed, and
    /// none were given.
    fn look_at_resolv_conf(&mut self, now: Instant) {
        if self.settings.nameservers.is_empty()
            && let Some(content) = self.resolv_conf.changed()
        {
            let conf = resolv_conf::parse(&content, resolv_conf::interface_index);
            self.settings.deadline = self.settings.deadline.or(conf.timeout);
            self.settings.attempts = self.settings.attempts.or(conf.attempts);
            let nameservers = conf.nameservers.into_iter().map(Nameserver::new);
            self.set_nameservers(&nameservers.collect::<Vec<_>>(), now);
        }
    }

    fn set_nameservers(&mut self, nameservers: &[Nameserver], now: Instant) {
        let (mut deadline, mut attempts) = (
            self.settings.deadline.unwrap_or(DEADLINE),
            self.settings.attempts.unwrap_or(ATTEMPTS),
        );
        let servers = match &mut self.transport {
            Transport::Off => return,
            Transport::Sockets(sockets) => {
                let addresses: Vec<_> = nameservers.iter().map(|server| server.address).collect();
                let ids = sockets.replace(&addresses, now);
                let servers = ids.into_iter().zip(nameservers).map(|(id, server)| Server {
                    id,
                    address: Some(server.address),
                    is_local: server.is_local,
                });
                servers.collect()
            }
            // libc may ask any of them, so private names stay local only if all are.
            Transport::System(_, id) => {
                (deadline, attempts) = (system::DEADLINE, 1);
                *id += 1;
                let is_local = nameservers.iter().all(|server| server.is_local);
                vec![Server {
                    id: *id,
                    address: None,
                    is_local,
                }]
            }
        };
        self.lookups.set_servers(servers);
        self.lookups.set_patience(deadline, attempts);
    }

    fn status(&mut self, now: Instant) -> Status {
        Status {
            own_sockets: match &mut self.transport {
                Transport::Sockets(sockets) => sockets.own(now),
                Transport::Off | Transport::System(..) => Vec::new(),
            },
            silent: self
                .lookups
                .silent_servers()
                .map(|server| server.address)
                .collect(),
            counters: self.lookups.counters(),
        }
    }

    /// Sends what is new. `Ok(false)` if the channel is full: what could not
    /// be sent is kept for the next time. An error if nobody listens any more.
    fn report(&mut self, now: Instant) -> Result<bool, Gone> {
        self.outbox.append(&mut self.lookups.take_settled());
        let status = self.status(now);
        if self.outbox.is_empty() && status == self.last_status {
            return Ok(true);
        }
        let answers = std::mem::take(&mut self.outbox);
        match self.reports.try_send(Report {
            answers,
            status: status.clone(),
        }) {
            Ok(()) => {
                self.last_status = status;
                (self.wake)();
                Ok(true)
            }
            Err(TrySendError::Full(report)) => {
                self.outbox = report.answers;
                self.outbox.truncate(OUTBOX);
                Ok(false)
            }
            Err(TrySendError::Disconnected(_)) => Err(Gone),
        }
    }
}

/// Nobody reads the reports.
struct Gone;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::names::{self, Source};
    use std::collections::HashMap;
    use std::sync::mpsc::sync_channel;

    fn worker(settings: Settings) -> (Worker, Receiver<Report>) {
        let (reports, reader) = sync_channel(1);
        let worker = Worker::new(settings, sync_channel(8), reports, Box::new(|| {}));
        (worker.unwrap(), reader)
    }

    fn servers(worker: &mut Worker, now: Instant) -> Vec<String> {
        let own = worker.status(now).own_sockets;
        own.iter().map(|own| own.server.to_string()).collect()
    }

    #[test]
    fn a_changed_resolv_conf_changes_the_sockets_and_the_patience() {
        let path = std::env::temp_dir().join(format!("flowtop-resolv-{}", std::process::id()));
        std::fs::write(&path, "nameserver 127.0.0.2\n").unwrap();
        let (mut worker, _reader) = worker(Settings {
            resolv_conf: path.clone(),
            ..Settings::default()
        });
        let now = Instant::now();
        assert_eq!(servers(&mut worker, now), ["127.0.0.2:53"]);
        let own = worker.first_status().own_sockets;
        worker.look_at_resolv_conf(now);
        assert_eq!(
            worker.status(now).own_sockets,
            own,
            "the same file, the same socket"
        );

        std::fs::write(
            &path,
            "nameserver 127.0.0.3\noptions timeout:7 attempts:1\n",
        )
        .unwrap();
        worker.look_at_resolv_conf(now);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(servers(&mut worker, now), ["127.0.0.3:53", "127.0.0.2:53"]);
        assert_eq!(worker.settings.deadline, Some(Duration::from_secs(7)));
        let later = now + Duration::from_secs(180);
        assert_eq!(servers(&mut worker, later), ["127.0.0.3:53"]);
    }

    #[test]
    fn answers_wait_for_a_busy_reader_and_the_thread_ends_without_one() {
        let addr = |n| IpAddr::from([192, 0, 2, n]);
        let local = Local::open(names::Settings {
            table: (1..=3)
                .map(|n| (addr(n), format!("h{n}")))
                .collect::<HashMap<_, _>>(),
            leases: Vec::new(),
            hosts: "/nonexistent".into(),
        });
        let (mut worker, reader) = worker(Settings {
            lookup: Lookup::Off,
            ..Settings::default()
        });
        let now = Instant::now();
        let mut told = Vec::new();
        for n in 1..=3 {
            worker.ask(&[addr(n)], &local, now);
            told.push(worker.report(now).is_ok_and(|delivered| delivered));
        }
        assert_eq!(told, [true, false, false]);
        assert_eq!(reader.recv().unwrap().answers.len(), 1);
        assert!(worker.report(now).is_ok_and(|delivered| delivered));
        let answers = reader.recv().unwrap().answers;
        assert_eq!(answers[0].name.as_deref(), Some("h2"));
        assert_eq!(answers[1].name.as_deref(), Some("h3"));
        assert_eq!(answers[1].source, Source::Config);
        drop(reader);
        worker.ask(&[addr(1)], &local, now);
        assert!(worker.report(now).is_err());
    }
}
