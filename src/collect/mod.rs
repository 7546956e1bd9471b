//! The sources of flows.
//!
//! [`Kernel`] runs two threads: one drains the event socket and does nothing
//! else, so that the kernel drops as little as possible; the other walks the
//! table, asks for single flows, and so pays the kernel's price for both at a
//! measured pace ([`pace`]). What they learn leaves as [`Batch`]es through one
//! bounded channel. When the reader of that channel is slow, the dump waits
//! and the event socket fills: loss then appears as
//! [`Update::Overrun`](crate::flow::Update::Overrun), counted by the kernel.
//!
//! [`Sockets`] is its peer for machines whose connections are not tracked, and
//! for users who may not read them.

mod events;
mod fence;
mod inquiry;
mod outlet;
pub mod pace;
mod sockets;

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::flow::{Batch, Family, Key, Moment};
pub use crate::netlink::NetlinkError as SourceError;
use crate::netlink::NetlinkError;
pub use crate::netlink::conntrack::Problems;
pub use crate::netlink::socket::ReceiveBuffer;
use crate::netlink::socket::Socket;
use fence::Fence;
use outlet::Outlet;
pub use sockets::Sockets;

/// How to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether to subscribe to events. A single table needs none.
    pub events: bool,
    /// Receive buffer to ask for at the event socket, in bytes.
    pub receive_buffer_bytes: usize,
    /// Ask only for the flows of one family in dumps.
    pub family: Option<Family>,
}

/// What a source hands on.
#[derive(Debug)]
pub enum Delivery {
    /// Updates, in the order of arrival.
    Batch(Batch),
    /// What was odd about messages, since this was last told. What could be
    /// understood of them is in batches.
    Odd(Problems),
    /// The source has ended: it cannot go on.
    Failed(NetlinkError),
}

/// Where a source learns of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The kernel's connection tracking: every flow it sees, forwarded ones
    /// among them.
    Conntrack,
    /// The sockets of this machine: its own connections, for anybody.
    Sockets,
}

/// A running source. Dropping it ends its threads and waits for them, whether
/// or not anybody reads what they hand on.
pub trait Source: Send {
    /// Where it learns of flows.
    fn kind(&self) -> SourceKind;

    /// Queues a question. Answers arrive as batches.
    fn inquire(&self, inquiry: Inquiry);

    /// The receive buffer of its event socket, if it has one.
    fn receive_buffer(&self) -> Option<ReceiveBuffer>;

    /// Tells its threads to end, without waiting for them.
    fn stop(&mut self);

    /// Ends its threads and waits for them: afterwards nothing arrives.
    fn close(&mut self);
}

/// What to ask the kernel next.
#[derive(Debug)]
pub enum Inquiry {
    /// The whole table, regardless of what it costs.
    Dump,
    /// These flows: their counters, or that they are gone.
    Get(Vec<Key>),
}

/// The clock that stamps batches. Copies tell the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock whose monotonic time starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The present moment.
    pub fn now(self) -> Moment {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // One second up, so that no moment of interest is at zero.
        let mono = self.0.elapsed() + std::time::Duration::from_secs(1);
        Moment {
            mono_ns: u64::try_from(mono.as_nanos()).unwrap_or(u64::MAX),
            real_ns: u64::try_from(real.as_nanos()).unwrap_or(u64::MAX),
        }
    }
}

/// Connection tracking of the network namespace of the thread that started it.
///
/// Dropping it ends both threads and waits for them, whether or not anybody
/// reads what they hand on.
pub struct Kernel {
    inquiries: Option<Sender<Inquiry>>,
    /// Shutting them down tells the threads to end, whatever they wait for.
    alive: Vec<UnixStream>,
    threads: Vec<JoinHandle<()>>,
    buffer: Option<ReceiveBuffer>,
}

impl Kernel {
    /// Opens the sockets, subscribes, and starts the threads. Nothing is
    /// dumped until [`Source::inquire`] asks; events flow from now on, so that
    /// a dump asked for later misses nothing.
    ///
    /// # Errors
    /// If a socket cannot be opened or events may not be subscribed to.
    pub fn start<T>(
        settings: Settings,
        clock: Clock,
        out: &SyncSender<T>,
    ) -> Result<Self, NetlinkError>
    where
        T: From<Delivery> + Send + 'static,
    {
        let mut kernel = Self {
            inquiries: None,
            alive: Vec::new(),
            threads: Vec::new(),
            buffer: None,
        };
        let mut fence = None;
        if settings.events {
            let events = events::Events::subscribe(settings.receive_buffer_bytes, clock)?;
            kernel.buffer = Some(events.buffer());
            let (outlet, ours) = kernel.outlet(out)?;
            let (behind, waiting) = Fence::new(ours);
            fence = Some(behind);
            kernel.spawn("events", move || events.run(&outlet, &waiting))?;
        }
        let (sender, receiver): (_, Receiver<Inquiry>) = channel();
        let (dump, get) = (Socket::open()?, Socket::open()?);
        let inquirer = inquiry::Inquirer::new(dump, get, fence, clock, settings.family);
        let (outlet, _) = kernel.outlet(out)?;
        kernel.inquiries = Some(sender);
        kernel.spawn("inquiry", move || inquirer.run(&receiver, &outlet))?;
        Ok(kernel)
    }

    /// A way out that ends with this, and its near end.
    fn outlet<T: From<Delivery>>(
        &mut self,
        out: &SyncSender<T>,
    ) -> Result<(Outlet<T>, UnixStream), NetlinkError> {
        let failed = |source| NetlinkError::Io {
            action: "creating a wake-up socket",
            source,
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        self.alive.push(ours.try_clone().map_err(failed)?);
        let outlet = Outlet::new(out.clone(), theirs).map_err(failed)?;
        Ok((outlet, ours))
    }

    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), NetlinkError> {
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(body)
            .map_err(|source| NetlinkError::Io {
                action: "starting a thread",
                source,
            })?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Source for Kernel {
    fn kind(&self) -> SourceKind {
        SourceKind::Conntrack
    }

    fn inquire(&self, inquiry: Inquiry) {
        if let Some(inquiries) = &self.inquiries {
            // A thread that has ended has said why as `Delivery::Failed`.
            let _ = inquiries.send(inquiry);
        }
    }

    fn receive_buffer(&self) -> Option<ReceiveBuffer> {
        self.buffer
    }

    fn stop(&mut self) {
        self.inquiries = None;
        for alive in self.alive.drain(..) {
            // It fails only if it is shut down already.
            let _ = alive.shutdown(Shutdown::Both);
        }
    }

    fn close(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has told so on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.close();
    }
}
