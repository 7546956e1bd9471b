//! Lookups through libc, for machines whose names come from elsewhere too
//! (nsswitch.conf(5): mDNS, libvirt, LDAP).
//!
//! libc's call blocks: 10 s for each dead nameserver by default. So a few
//! threads wait, each with one address; nobody waits for them, not even at
//! the end of the program. `RES_OPTIONS="timeout:2 attempts:1"` in the
//! environment makes libc more impatient (resolv.conf(5)); this program does
//! not change its own environment. libc opens a socket for every query and
//! does not tell its port, so these queries do show among the flows.

use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use dns_lookup::LookupErrorKind;

use super::Outcome;
use super::lookups::Query;
use super::worker::Event;
use crate::enrich::names;

/// Threads, and so lookups at a time.
pub(super) const THREADS: usize = 4;

/// libc does not tell how long a name is valid.
const TTL: Duration = Duration::from_secs(900);

/// The waiting threads.
#[derive(Debug)]
pub(super) struct Pool {
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    jobs: SyncSender<Query>,
    /// Lookups given to it and not reported back.
    load: u8,
}

impl Pool {
    /// Starts the threads, which report to `events` and end with the pool.
    pub(super) fn start(events: &SyncSender<Event>) -> io::Result<Self> {
        let mut threads = Vec::with_capacity(THREADS);
        for thread in 0..THREADS {
            // One more than the thread works on: what was given up still blocks it.
            let (jobs, queries) = sync_channel::<Query>(1);
            let events = events.clone();
            thread::Builder::new()
                .name(format!("names-libc-{thread}"))
                .spawn(move || {
                    for query in queries {
                        let outcome = look_up(query.addr);
                        if events
                            .send(Event::LookedUp {
                                thread,
                                query,
                                outcome,
                            })
                            .is_err()
                        {
                            return;
                        }
                    }
                })?;
            threads.push(Thread { jobs, load: 0 });
        }
        Ok(Self { threads })
    }

    /// Gives `query` to the thread with the least to do; false if all have
    /// more than enough.
    pub(super) fn send(&mut self, query: Query) -> bool {
        let thread = self.threads.iter_mut().min_by_key(|thread| thread.load);
        thread.is_some_and(|thread| {
            let sent = thread.jobs.try_send(query).is_ok();
            thread.load += u8::from(sent);
            sent
        })
    }

    /// The thread has reported.
    pub(super) fn free(&mut self, thread: usize) {
        if let Some(thread) = self.threads.get_mut(thread) {
            thread.load = thread.load.saturating_sub(1);
        }
    }
}

/// When libc counts as silent: not within any time, as it ends by itself.
pub(super) const DEADLINE: Duration = Duration::from_secs(24 * 3600);

fn look_up(addr: IpAddr) -> Outcome {
    match dns_lookup::lookup_addr(&addr) {
        Ok(name) => match names::from_text(name.as_bytes()) {
            Some(name) => Outcome::Named {
                name: name.into(),
                ttl: TTL,
            },
            None => Outcome::Nameless { ttl: None },
        },
        Err(error) => match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => Outcome::Nameless { ttl: None },
            _ => Outcome::Failed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// libc reads the hosts file first, so nothing leaves this machine; where
    /// the file does not name it, there is nothing to test.
    fn hosts_file_names_this_machine() -> bool {
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        let mut lines = hosts.lines();
        lines.any(|line| line.split_whitespace().next() == Some("127.0.0.1"))
    }

    #[test]
    fn libc_knows_this_machine() {
        if hosts_file_names_this_machine() {
            let outcome = look_up(HERE);
            assert!(matches!(outcome, Outcome::Named { .. }), "{outcome:?}");
        }
    }

    #[test]
    fn every_thread_takes_one_and_the_least_busy_takes_the_next() {
        if !hosts_file_names_this_machine() {
            return;
        }
        let (sender, events) = sync_channel(16);
        let mut pool = Pool::start(&sender).unwrap();
        let query = |id| Query {
            addr: HERE,
            server: 1,
            id,
        };
        assert!((0..4).all(|id| pool.send(query(id))));
        assert!(pool.threads.iter().all(|thread| thread.load == 1));
        let mut ids: Vec<_> = (0..4)
            .map(|_| match events.recv().unwrap() {
                Event::LookedUp {
                    thread,
                    query,
                    outcome,
                } => {
                    assert!(matches!(outcome, Outcome::Named { .. }));
                    pool.free(thread);
                    query.id
                }
                other => unreachable!("{other:?}"),
            })
            .collect();
        ids.sort_unstable();
        assert_eq!(ids, [0, 1, 2, 3]);
        assert!(pool.threads.iter().all(|thread| thread.load == 0));
    }
}
