//! Reverse DNS that never blocks and never floods.
//!
//! One thread owns everything: the cache, the queue, the sockets. Whoever
//! shows addresses tells it which ([`Resolver::ask`], which drops rather than
//! waits) and picks up answers when it likes ([`Resolver::answers`]), into a
//! [`Names`](super::names::Names) of its own. A dropped question or answer
//! needs no repair: what is visible and unanswered is asked again.
//!
//! The bounds, each with its place:
//!
//! - only what somebody looks at is asked, the last looked at first, and at
//!   most 256 addresses wait (`cache`);
//! - 10 queries a second, 20 at once, 16 on their way; 2 s, then one retry with
//!   the next nameserver (`lookups`, `pace`);
//! - names, their absence and failures are remembered from a minute to an hour,
//!   for 16,384 addresses (`cache`);
//! - a nameserver that leaves ten queries in a row unanswered is left alone for
//!   30 s (`pace`);
//! - private addresses only concern private nameservers, and some addresses
//!   nobody (`scope`);
//! - one socket, and so one tracked flow, per nameserver (`transport`).

mod cache;
mod lookups;
mod pace;
mod resolv_conf;
mod scope;
mod system;
mod transport;
mod worker;

pub mod wire;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::names::{self, Answer};
use worker::{Event, Worker};

/// Who looks names up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// Nobody: local names only.
    Off,
    /// Our own client, which asks the nameservers directly.
    #[default]
    Dns,
    /// libc, which also knows what nsswitch.conf names, but costs a flow per
    /// query, blocks a thread for each, and tells no lifetime.
    System,
}

/// Whom private addresses (RFC 1918, RFC 4193, RFC 6598) may be asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrivateRanges {
    /// Nameservers on this machine, this link or a private network.
    #[default]
    LocalServers,
    /// Any nameserver: this tells it who is on the network.
    AnyServer,
    /// Nobody; they have local names only.
    Never,
}

/// A nameserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nameserver {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether private names stay on this network when it is asked.
    pub is_local: bool,
}

impl Nameserver {
    /// A nameserver that is local if its address is loopback, link-local or
    /// private.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            is_local: scope::is_local_server(address.ip()),
        }
    }
}

/// What may be chosen about the resolver.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who looks names up.
    pub lookup: Lookup,
    /// Nameservers, in order of preference; if empty, those of `resolv_conf`.
    pub nameservers: Vec<Nameserver>,
    /// Where nameservers are configured; looked at again every 30 s.
    pub resolv_conf: PathBuf,
    /// Queries per second in the long run; 0 counts as 1.
    pub per_sec: u32,
    /// Queries at once after a silence; 0 counts as 1.
    pub burst: u32,
    /// Queries on their way at any moment.
    pub in_flight: usize,
    /// How long to wait for one nameserver; `None`: what `resolv_conf` says,
    /// or 2 s. Not for [`Lookup::System`].
    pub deadline: Option<Duration>,
    /// Queries per address before it counts as failed; `None`: what
    /// `resolv_conf` says, or 2. Not for [`Lookup::System`].
    pub attempts: Option<u8>,
    /// Whom private addresses may be asked about.
    pub private: PrivateRanges,
    /// Names that this machine knows by itself.
    pub local: names::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lookup: Lookup::default(),
            nameservers: Vec::new(),
            resolv_conf: "/etc/resolv.conf".into(),
            per_sec: 10,
            burst: 20,
            in_flight: 16,
            deadline: None,
            attempts: None,
            private: PrivateRanges::default(),
            local: names::Settings::default(),
        }
    }
}

/// What a lookup came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a name.
    Named {
        /// Escaped, without the final dot.
        name: Arc<str>,
        /// How long it is valid, as its zone says.
        ttl: Duration,
    },
    /// There is none (`NXDOMAIN`, or no PTR record).
    Nameless {
        /// How long that is valid, if the zone says (RFC 2308).
        ttl: Option<Duration>,
    },
    /// The nameserver failed, refused, or is not to be understood.
    Failed,
}

/// A socket of the resolver, as the kernel tracks its flow: UDP from `local`
/// to `server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnSocket {
    /// Source address and port.
    pub local: SocketAddr,
    /// Destination address and port.
    pub server: SocketAddr,
}

/// Figures since the start, except where it says "now".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Queries sent, retries included.
    pub asked: u64,
    /// Replies with a name.
    pub answered: u64,
    /// Replies that there is no name.
    pub negative: u64,
    /// Replies with an error, or garbled.
    pub failed: u64,
    /// Queries that nobody replied to, or that could not be sent.
    pub unanswered: u64,
    /// Datagrams that belong to no query on its way: late, or forged.
    pub ignored: u64,
    /// Addresses waiting now.
    pub queued: u64,
    /// Queries on their way now.
    pub in_flight: u64,
}

/// How the resolver is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The sockets to the nameservers, and those closed so lately that the
    /// kernel may still track their flow.
    pub own_sockets: Vec<OwnSocket>,
    /// The nameservers that do not answer; `None` stands for libc's.
    pub silent: Vec<Option<SocketAddr>>,
    /// What has been done.
    pub counters: Counters,
}

impl Status {
    /// What is wrong, in a few words for a status line.
    pub fn problem(&self) -> Option<Problem<'_>> {
        (!self.silent.is_empty()).then_some(Problem {
            silent: &self.silent,
        })
    }
}

/// Displays as `resolver 192.0.2.53 not answering`.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    silent: &'a [Option<SocketAddr>],
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resolver ")?;
        for (i, server) in self.silent.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            match server {
                None => f.write_str("of the system")?,
                Some(server) if server.port() == 53 => write!(f, "{}", server.ip())?,
                Some(server) => write!(f, "{server}")?,
            }
        }
        f.write_str(" not answering")
    }
}

/// What the resolver's thread says at once.
#[derive(Debug)]
struct Report {
    answers: Vec<Answer>,
    status: Status,
}

/// Why there is no resolver.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot start a thread that looks up names: {0}; raise the limit of processes (ulimit -u), or run without names (-n)"
)]
pub struct StartError(#[from] std::io::Error);

/// Events that may wait for the resolver's thread; beyond, questions are
/// dropped and datagrams stay with the kernel.
const EVENTS: usize = 64;
/// Reports that may wait; beyond, they are merged.
const REPORTS: usize = 8;

/// The handle of the resolver. Its thread ends, unwaited for, when this is
/// dropped.
#[derive(Debug)]
pub struct Resolver {
    events: SyncSender<Event>,
    reports: Receiver<Report>,
    status: Status,
}

impl Resolver {
    /// Opens the sockets and starts the thread. Nobody is asked yet. `wake` is
    /// called on the resolver's thread whenever there is something to pick up;
    /// it must not block.
    pub fn start(settings: Settings, wake: impl Fn() + Send + 'static) -> Result<Self, StartError> {
        let (events, from_all) = sync_channel(EVENTS);
        let (to_handle, reports) = sync_channel(REPORTS);
        let channel = (events.clone(), from_all);
        let worker = Worker::new(settings, channel, to_handle, Box::new(wake))?;
        let status = worker.first_status();
        thread::Builder::new()
            .name("names".into())
            .spawn(move || worker.run())?;
        Ok(Self {
            events,
            reports,
            status,
        })
    }

    /// Wants the names of these addresses, the most important first. Never
    /// blocks: if the thread is behind, the question is dropped (`false`) and
    /// worth repeating, as is one that stays without an answer for a second:
    /// the queue holds 256 addresses, and the last asked push out the first.
    pub fn ask(&self, addrs: &[IpAddr]) -> bool {
        addrs.is_empty() || self.events.try_send(Event::Ask(addrs.to_vec())).is_ok()
    }

    /// What has been found out since the last call. Never blocks.
    pub fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        for report in self.reports.try_iter() {
            answers.extend(report.answers);
            self.status = report.status;
        }
        answers
    }

    /// How the resolver was when [`Resolver::answers`] was last called.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// The resolver's own flows, for hiding exactly these. True from the start,
    /// before the first query leaves.
    pub fn own_sockets(&self) -> &[OwnSocket] {
        &self.status.own_sockets
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        // If the channel is full, the thread notices that nobody reads its reports.
        let _ = self.events.try_send(Event::Stop);
    }
}
