//! Follows the kernel's network configuration.

use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::state::State;
use super::{Locality, Settings};
use crate::netlink::is_overrun;
use crate::netlink::route::{RouteError, Session, decode, subscribe};
use crate::netlink::socket::Socket;
use crate::netlink::wire::messages;

/// How long to wait for more after a change: one command makes several.
const SETTLE: Duration = Duration::from_millis(10);
/// How long to wait after a change was handed on.
const PACE: Duration = Duration::from_millis(200);
/// As [`PACE`], for routes that are too many to be kept here, and always change.
/// What the kernel answered about them is trusted for so long.
const MANY_PACE: Duration = Duration::from_secs(10);
/// Reading routes takes one part in so many of the time.
const ROUTES_SHARE: u32 = 50;
/// How long to wait before everything is tried again after a failure.
const RETRY: Duration = Duration::from_secs(5);
/// When nothing else is to be done.
const LONG: Duration = Duration::from_secs(3600);
/// Datagrams to read before looking at the time.
const BATCH: usize = 256;
const BUFFER: usize = 32 << 10;

impl Locality {
    /// Reads the network configuration of this thread's network namespace
    /// once. Needs no privilege.
    pub fn read(settings: Settings) -> Result<Self, RouteError> {
        let (_, state) = read(settings)?;
        Ok(state.locality())
    }
}

fn read(settings: Settings) -> Result<(Session, State), RouteError> {
    let failed = |source| RouteError {
        action: "reading addresses, links and routes",
        source,
    };
    let mut session = Session::open().map_err(failed)?;
    let state = State::read(settings, &mut session).map_err(failed)?;
    Ok((session, state))
}

/// The thread that follows the network configuration. It ends when this is
/// dropped.
#[derive(Debug)]
pub struct Watch {
    /// Closing it ends the thread.
    alive: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Follows the configuration of this thread's network namespace, and says
    /// what it is now. `on_change` gets each later one, at most five a second,
    /// on the thread of the watch; it must not block for long. Needs no
    /// privilege.
    pub fn start(
        settings: Settings,
        on_change: impl FnMut(Arc<Locality>) + Send + 'static,
    ) -> Result<(Self, Arc<Locality>), RouteError> {
        let failed = |source| RouteError {
            action: "starting a thread that follows the network configuration",
            source,
        };
        // First listen, then read: nothing is missed between.
        let events = subscribe()?;
        let (session, state) = read(settings)?;
        let first = Arc::new(state.locality());
        let (alive, far_end) = UnixStream::pair().map_err(failed)?;
        far_end.set_read_timeout(Some(RETRY)).map_err(failed)?;
        let follower = Follower {
            events,
            session,
            state,
            alive: far_end,
            last: Arc::clone(&first),
            on_change,
            due: Due::default(),
        };
        let thread = thread::Builder::new()
            .name("locality".into())
            .spawn(move || follower.run())
            .map_err(failed)?;
        let watch = Self {
            alive: Some(alive),
            thread: Some(thread),
        };
        Ok((watch, first))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            // A panic of `on_change` was told already.
            let _ = thread.join();
        }
    }
}

/// What is to be done, and when.
#[derive(Debug, Default)]
struct Due {
    /// Something that is shown has changed.
    items: Option<Instant>,
    /// Routes are to be read again.
    routes: Option<Instant>,
    /// Everything is.
    everything: Option<Instant>,
    /// Not before this is anything handed on, or everything read.
    rest: Option<Instant>,
    /// Not before this are routes read.
    routes_rest: Option<Instant>,
}

impl Due {
    /// Asks for something, after a moment for what comes with it.
    fn ask(what: &mut Option<Instant>, now: Instant) {
        what.get_or_insert(now + SETTLE);
    }

    /// When `what` may be done.
    fn at(what: Option<Instant>, rest: Option<Instant>) -> Option<Instant> {
        what.map(|at| rest.map_or(at, |rest| rest.max(at)))
    }

    /// When something is to be done next.
    fn next(&self) -> Option<Instant> {
        [
            Self::at(self.items, self.rest),
            Self::at(self.routes, self.routes_rest),
            Self::at(self.everything, self.rest),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}

/// Whether to go on.
enum Wait {
    Ended,
    Over,
}

struct Follower<F> {
    events: Socket,
    session: Session,
    state: State,
    alive: UnixStream,
    last: Arc<Locality>,
    on_change: F,
    due: Due,
}

impl<F: FnMut(Arc<Locality>)> Follower<F> {
    fn run(mut self) {
        let mut datagram = vec![0; BUFFER];
        loop {
            let now = Instant::now();
            let next = [self.due.next(), self.state.next_expiry()];
            let next = next.into_iter().flatten().min();
            let wait = next.map_or(LONG, |next| next.saturating_duration_since(now));
            // poll(2) counts whole milliseconds, and 0 would be no wait.
            let wait = wait + Duration::from_millis(1);
            match self.wait(wait) {
                Ok(Wait::Ended) => return,
                Ok(Wait::Over) => {}
                Err(_) => thread::sleep(PACE),
            }
            let step = self
                .drain(&mut datagram)
                .and_then(|()| self.work(Instant::now()));
            if step.is_err() && matches!(self.recover(), Wait::Ended) {
                return;
            }
        }
    }

    fn wait(&self, timeout: Duration) -> io::Result<Wait> {
        let ready = self.events.wait(self.alive.as_fd(), timeout)?;
        // Nothing is ever written there.
        Ok(if ready.other { Wait::Ended } else { Wait::Over })
    }

    /// Takes in what was told.
    fn drain(&mut self, datagram: &mut [u8]) -> io::Result<()> {
        let now = Instant::now();
        for _ in 0..BATCH {
            let len = match self.events.recv_now(datagram) {
                Ok(Some(len)) => len,
                Ok(None) => break,
                Err(e) if is_overrun(&e) => {
                    Due::ask(&mut self.due.everything, now);
                    continue;
                }
                Err(e) => return Err(e),
            };
            for message in messages(&datagram[..len]) {
                let Some(notice) = decode(&message) else {
                    continue;
                };
                let effect = self.state.apply(notice, now);
                if effect.items {
                    Due::ask(&mut self.due.items, now);
                }
                if effect.routes {
                    Due::ask(&mut self.due.routes, now);
                }
            }
        }
        Ok(())
    }

    /// Does what is due.
    fn work(&mut self, now: Instant) -> io::Result<()> {
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.state.expire(now) {
            Due::ask(&mut self.due.items, now);
        }
        let everything = is_due(Due::at(self.due.everything, self.due.rest));
        let routes = is_due(Due::at(self.due.routes, self.due.routes_rest));
        if everything {
            self.state.read_again(&mut self.session, now)?;
            self.due.everything = None;
        } else if routes {
            self.state.read_routes(&mut self.session)?;
        }
        if everything || routes {
            self.due.routes = None;
            let pace = if self.state.has_many_routes() {
                MANY_PACE
            } else {
                PACE
            };
            let done = Instant::now();
            let cost = done.saturating_duration_since(now);
            self.due.routes_rest = Some(done + pace.max(cost * ROUTES_SHARE));
            // What depends on them is handed on with them.
            self.due.items = Some(now);
        }
        if is_due(Due::at(self.due.items, self.due.rest)) {
            self.due.items = None;
            self.hand_on();
        }
        Ok(())
    }

    fn hand_on(&mut self) {
        let locality = self.state.locality();
        if locality == *self.last && !self.state.asks_kernel() {
            return;
        }
        self.due.rest = Some(Instant::now() + PACE);
        self.last = Arc::new(locality);
        (self.on_change)(Arc::clone(&self.last));
    }

    /// Opens everything anew after a failure.
    fn recover(&mut self) -> Wait {
        loop {
            // The read times out, or the far end is closed.
            if matches!((&self.alive).read(&mut [0]), Ok(0)) {
                return Wait::Ended;
            }
            let opened = subscribe().map_err(|e| e.source);
            let opened = opened.and_then(|events| Ok((events, Session::open()?)));
            if let Ok((events, session)) = opened {
                self.events = events;
                self.session = session;
                Due::ask(&mut self.due.everything, Instant::now());
                return Wait::Over;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_gathered_and_rest_between() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut due = Due::default();
        assert_eq!(due.next(), None);
        // The first decides how long the others may follow.
        Due::ask(&mut due.items, start);
        Due::ask(&mut due.items, after(9));
        assert_eq!(due.next(), Some(start + SETTLE));
        due.rest = Some(after(200));
        assert_eq!(due.next(), Some(after(200)));
        // Routes have a pace of their own.
        due.routes_rest = Some(after(50));
        Due::ask(&mut due.routes, after(20));
        assert_eq!(due.next(), Some(after(50)));
        due.routes_rest = Some(after(5000));
        assert_eq!(due.next(), Some(after(200)));
        due.items = None;
        assert_eq!(due.next(), Some(after(5000)));
        Due::ask(&mut due.everything, after(300));
        assert_eq!(due.next(), Some(after(300) + SETTLE));
    }
}
