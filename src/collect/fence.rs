//! Lets an answer wait for the events that came before it.
//!
//! The kernel tells the end of a flow before it forgets the flow, but to
//! another socket than the one on which it says "no such flow". Read by two
//! threads, the answer can overtake the event: the flow would end twice, the
//! first time for the wrong reason and without its final counters.

use std::convert::Infallible;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest wait. Events that stay behind longer belong to a storm in which
/// some are lost as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// Dropped when the wait is over.
pub(super) struct Pass(#[expect(dead_code, reason = "its end is the message")] Sender<Infallible>);

/// The waiting side.
pub(super) struct Fence {
    requests: Sender<Pass>,
    /// What is written here wakes the event thread.
    wake: UnixStream,
}

impl Fence {
    /// A fence, and where the event thread finds who waits. It looks when
    /// something can be read from the far end of `wake`.
    pub(super) fn new(wake: UnixStream) -> (Self, Receiver<Pass>) {
        let (requests, waiting) = channel();
        (Self { requests, wake }, waiting)
    }

    /// Returns when every event that the kernel had queued by now has been
    /// handed on, when the event thread has ended, or after [`PATIENCE`].
    pub(super) fn wait(&self) {
        let (pass, passed) = channel();
        if self.requests.send(Pass(pass)).is_ok() && (&self.wake).write_all(&[0]).is_ok() {
            match passed.recv_timeout(PATIENCE) {
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::thread;

    #[test]
    fn who_waits_goes_on_when_let_pass_or_when_nobody_is_there() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (fence, waiting) = Fence::new(ours);
        let waiter = thread::spawn(move || {
            fence.wait();
            fence
        });
        // Woken first, asked then.
        assert_eq!(theirs.read(&mut [0]).unwrap(), 1);
        let pass = waiting.try_recv().ok().unwrap();
        drop(pass);
        let fence = waiter.join().unwrap();
        drop(waiting);
        fence.wait();
    }
}
