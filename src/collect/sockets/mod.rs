//! The sockets of this machine as a source of flows: for anybody, without a
//! privilege, and whether or not a rule asks for connection tracking.
//!
//! One thread asks and listens, so that what it hands on is in one order: the
//! word about a socket that goes never comes before the dump row that saw it.

mod farewell;
mod known;
mod listeners;
mod seen;
mod teller;

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Sender, SyncSender, channel};
use std::thread::JoinHandle;

use super::outlet::Outlet;
use super::{Clock, Delivery, Inquiry, Settings, Source, SourceKind};
use crate::netlink::NetlinkError;
use crate::netlink::sockdiag::{Destroyed, Diag};
use crate::netlink::socket::ReceiveBuffer;
use teller::Teller;

/// Flows by the sockets of the network namespace of the thread that started
/// it.
///
/// TCP connections with their counters, and connected sockets of UDP and
/// UDP-Lite without. Counters are of TCP segments and the bytes in them. A
/// flow ends when its last socket goes, or what is left of it in `TIME_WAIT`.
///
/// Dropping it ends its thread and waits for it, whether or not anybody reads
/// what it hands on.
pub struct Sockets {
    inquiries: Option<Sender<Inquiry>>,
    /// What is written here wakes the thread; shutting it down ends it.
    alive: UnixStream,
    thread: Option<JoinHandle<()>>,
    buffer: Option<ReceiveBuffer>,
}

impl Sockets {
    /// Opens the sockets and starts the thread. Nothing is dumped until
    /// [`Source::inquire`] asks; the ends of flows are told from now on, if
    /// `settings` asks for events.
    ///
    /// # Errors
    /// If a socket cannot be opened.
    pub fn start<T>(
        settings: Settings,
        clock: Clock,
        out: &SyncSender<T>,
    ) -> Result<Self, NetlinkError>
    where
        T: From<Delivery> + Send + 'static,
    {
        let failed = |action| move |source| NetlinkError::Io { action, source };
        let diag = Diag::open()?;
        let destroyed = if settings.events {
            Some(Destroyed::listen(settings.receive_buffer_bytes)?)
        } else {
            None
        };
        let buffer = destroyed.as_ref().map(Destroyed::buffer);
        let wake = "creating a wake-up socket";
        let (alive, theirs) = UnixStream::pair().map_err(failed(wake))?;
        // A wake-up that finds no room finds others before it.
        alive.set_nonblocking(true).map_err(failed(wake))?;
        let outlet = Outlet::new(out.clone(), theirs).map_err(failed(wake))?;
        let (inquiries, receiver) = channel();
        let teller = Teller::new(diag, destroyed, clock, settings.family);
        let thread = std::thread::Builder::new()
            .name("sockets".into())
            .spawn(move || teller.run(&receiver, &outlet))
            .map_err(failed("starting a thread"))?;
        Ok(Self {
            inquiries: Some(inquiries),
            alive,
            thread: Some(thread),
            buffer,
        })
    }
}

impl Source for Sockets {
    fn kind(&self) -> SourceKind {
        SourceKind::Sockets
    }

    fn inquire(&self, inquiry: Inquiry) {
        if let Some(inquiries) = &self.inquiries {
            // A thread that has ended has said why as `Delivery::Failed`.
            if inquiries.send(inquiry).is_ok() {
                let _ = (&self.alive).write(&[0]);
            }
        }
    }

    /// That for the ends of sockets, if they are listened to.
    fn receive_buffer(&self) -> Option<ReceiveBuffer> {
        self.buffer
    }

    fn stop(&mut self) {
        self.inquiries = None;
        // It fails only if it is shut down already.
        let _ = self.alive.shutdown(Shutdown::Both);
    }

    fn close(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has told so on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.close();
    }
}
