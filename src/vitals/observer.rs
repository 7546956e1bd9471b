//! Reads on a thread of its own: the kernel can make who asks wait.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::links::{self, Link};
use super::own::Own;
use super::stack::Stack;
use super::tracking::Tracking;
use crate::flow::Moment;

/// Everything at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When it was taken.
    pub at: Moment,
    /// What connection tracking counts about itself, or why it is not known.
    pub tracking: Result<Tracking, String>,
    /// The interfaces, or why they are not known.
    pub links: Result<Vec<Link>, String>,
    /// TCP and UDP of this machine.
    pub stack: Stack,
    /// This program.
    pub own: Own,
}

/// Reads everything now, on this thread.
pub fn read(at: Moment) -> Reading {
    Reading {
        at,
        tracking: Tracking::read(),
        links: links::read(),
        stack: Stack::read(),
        own: Own::read(),
    }
}

/// The thread that reads. It ends when this is dropped.
#[derive(Debug)]
pub struct Observer {
    asks: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Observer {
    /// Starts it in the network namespace of this thread. It reads once, and
    /// then whenever it is asked. `hand_on` gets each reading, and must not
    /// block.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(
        now: impl Fn() -> Moment + Send + 'static,
        mut hand_on: impl FnMut(Reading) + Send + 'static,
    ) -> io::Result<Self> {
        let (asks, asked): (_, Receiver<()>) = sync_channel(1);
        let body = move || {
            hand_on(read(now()));
            while asked.recv().is_ok() {
                hand_on(read(now()));
            }
        };
        let thread = thread::Builder::new().name("vitals".into()).spawn(body)?;
        Ok(Self {
            asks: Some(asks),
            thread: Some(thread),
        })
    }

    /// Asks for a reading. While one is asked for already, that one will do.
    pub fn look(&self) {
        if let Some(asks) = &self.asks {
            let _ = asks.try_send(());
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.asks = None;
        if let Some(thread) = self.thread.take() {
            // A panic was told already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    #[test]
    fn it_reads_once_and_when_asked_and_ends() {
        let (sender, readings) = channel();
        let hand_on = move |reading| sender.send(reading).unwrap();
        let observer = Observer::start(Moment::default, hand_on).unwrap();
        let next = || readings.recv_timeout(Duration::from_secs(60)).unwrap();
        let first = next();
        observer.look();
        let second = next();
        drop(observer);
        assert!(readings.recv().is_err(), "the thread is over");
        // Links need no privilege, and there is always a loopback.
        for reading in [first, second] {
            let links = reading.links.unwrap();
            assert!(links.iter().any(|link| link.traffic.is_loopback));
            assert!(reading.stack.established.is_some());
        }
    }
}
