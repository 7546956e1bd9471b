//! The way out of a source, which its end never finds blocked.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::Delivery;
use crate::flow::{Batch, Moment, Update};
use crate::netlink::NetlinkError;
use crate::netlink::conntrack::Problems;

/// How often to look whether a full channel has room. A channel holds more
/// batches than its reader takes in within this time.
const RETRY: Duration = Duration::from_millis(1);

/// Nobody wants to know any more: the source was told to end, or the receiver
/// of what it hands on is gone.
#[derive(Debug)]
pub(super) struct Closed;

/// The sending end of a bounded channel, and what tells a thread that waits
/// there to give up: neither a blocking `send` nor a join of the thread that
/// is in it would ever return when the receiver lives and does not read.
pub(super) struct Outlet<T> {
    out: SyncSender<T>,
    alive: UnixStream,
}

impl<T: From<Delivery>> Outlet<T> {
    /// Open until the far end of `alive` is closed.
    pub(super) fn new(out: SyncSender<T>, alive: UnixStream) -> io::Result<Self> {
        alive.set_read_timeout(Some(RETRY))?;
        Ok(Self { out, alive })
    }

    /// Readable when it is time to end, or when somebody wants attention:
    /// [`Outlet::is_closed`] tells.
    pub(super) fn alive(&self) -> BorrowedFd<'_> {
        self.alive.as_fd()
    }

    /// Whether it is time to end. Waits up to [`RETRY`] for an answer.
    pub(super) fn is_closed(&self) -> bool {
        match (&self.alive).read(&mut [0]) {
            Ok(read) => read == 0,
            Err(e) => !matches!(
                e.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
            ),
        }
    }

    /// Hands updates on, if there are any, and waits for room as long as
    /// somebody wants them.
    pub(super) fn batch(&self, updates: Vec<Update>, at: Moment) -> Result<(), Closed> {
        if updates.is_empty() {
            return Ok(());
        }
        self.send(Delivery::Batch(Batch { at, updates }))
    }

    /// Tells what was odd about messages, if anything was, and forgets it.
    pub(super) fn odd(&self, problems: &mut Problems) -> Result<(), Closed> {
        match std::mem::take(problems) {
            problems if problems.total() == 0 => Ok(()),
            problems => self.send(Delivery::Odd(problems)),
        }
    }

    /// Says why there will be no more.
    pub(super) fn fail(&self, error: NetlinkError) {
        // Without a receiver nobody wants to know.
        let _ = self.send(Delivery::Failed(error));
    }

    fn send(&self, delivery: Delivery) -> Result<(), Closed> {
        let mut message = delivery.into();
        loop {
            message = match self.out.try_send(message) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Disconnected(_)) => return Err(Closed),
                Err(TrySendError::Full(message)) => message,
            };
            if self.is_closed() {
                return Err(Closed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;
    use std::thread;

    fn dump_begins() -> Vec<Update> {
        vec![Update::DumpBegin]
    }

    #[test]
    fn a_full_channel_whose_reader_lives_is_given_up_at_the_end() {
        let (out, deliveries) = sync_channel::<Delivery>(1);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let outlet = Outlet::new(out, theirs).unwrap();
        assert!(outlet.batch(dump_begins(), Moment::default()).is_ok());
        assert!(!outlet.is_closed());
        let stuck = thread::spawn(move || outlet.batch(dump_begins(), Moment::default()).is_err());
        drop(ours);
        assert!(stuck.join().unwrap());
        assert_eq!(deliveries.iter().count(), 1);
    }

    #[test]
    fn a_wake_up_is_no_end_and_room_is_used() {
        use std::io::Write;
        let (out, deliveries) = sync_channel::<Delivery>(1);
        let (ours, theirs) = UnixStream::pair().unwrap();
        let outlet = Outlet::new(out, theirs).unwrap();
        (&ours).write_all(&[0; 8]).unwrap();
        let sender = thread::spawn(move || {
            (0..100).all(|_| outlet.batch(dump_begins(), Moment::default()).is_ok())
        });
        assert_eq!(deliveries.iter().take(100).count(), 100);
        assert!(sender.join().unwrap());
        drop(ours);
    }

    #[test]
    fn without_a_receiver_it_is_closed() {
        let (out, deliveries) = sync_channel::<Delivery>(1);
        let (_ours, theirs) = UnixStream::pair().unwrap();
        let outlet = Outlet::new(out, theirs).unwrap();
        drop(deliveries);
        assert!(outlet.batch(Vec::new(), Moment::default()).is_ok());
        assert!(outlet.batch(dump_begins(), Moment::default()).is_err());
    }
}
