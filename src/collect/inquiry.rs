//! Asking the kernel: dumps of the whole table, and gets by tuple.

use std::io;
use std::mem;
use std::sync::mpsc::{Receiver, TryRecvError};

use super::fence::Fence;
use super::outlet::{Closed, Outlet};
use super::{Clock, Delivery, Inquiry};
use crate::flow::{Family, Key, Update};
use crate::netlink::conntrack::decode::Source;
use crate::netlink::conntrack::{Problems, decode, request};
use crate::netlink::socket::Socket;
use crate::netlink::wire::{ENOENT, NLMSG_DONE, NLMSG_ERROR, Requests, messages};
use crate::netlink::{NetlinkError, is_overrun};

/// The kernel fills at most 32 KiB per read of a dump; a larger buffer gains
/// nothing.
const CHUNK: usize = 32 << 10;
/// Rows of a dump that are handed on together: four chunks. Waking the engine
/// for each chunk alone would cost a tenth of what the kernel's work does.
const BATCH: usize = 400;
/// Gets in flight at once: as many answers as a default receive buffer holds
/// with room to spare.
const PIPELINE: usize = 64;

/// Why the thread ends.
enum Stop {
    /// The receiver of the answers is gone, or nobody asks any more.
    Closed,
    /// The kernel refused.
    Failed(NetlinkError),
}

impl From<Closed> for Stop {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl Stop {
    fn failed(action: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Failed(NetlinkError::new(action, source))
    }
}

pub(super) struct Inquirer {
    dump: Socket,
    get: Socket,
    /// Only while somebody listens to events.
    fence: Option<Fence>,
    clock: Clock,
    family: Option<Family>,
    seq: u32,
    requests: Requests,
    buffer: Vec<u8>,
    problems: Problems,
}

impl Inquirer {
    pub(super) fn new(
        dump: Socket,
        get: Socket,
        fence: Option<Fence>,
        clock: Clock,
        family: Option<Family>,
    ) -> Self {
        Self {
            dump,
            get,
            fence,
            clock,
            family,
            seq: 0,
            requests: Requests::new(),
            buffer: vec![0; CHUNK],
            problems: Problems::default(),
        }
    }

    /// Answers questions until nobody asks any more or nobody listens.
    pub(super) fn run<T: From<Delivery>>(mut self, inquiries: &Receiver<Inquiry>, out: &Outlet<T>) {
        while let Ok(inquiry) = inquiries.recv() {
            let done = match inquiry {
                Inquiry::Dump => self.dump(inquiries, out),
                Inquiry::Get(keys) => self.get(&keys, out),
            };
            match done.and_then(|()| Ok(out.odd(&mut self.problems)?)) {
                Ok(()) => {}
                Err(Stop::Closed) => return,
                Err(Stop::Failed(error)) => return out.fail(error),
            }
        }
    }

    /// Dumps the table. Gets that are asked meanwhile are answered between two
    /// chunks: a dump of a million flows takes seconds, a screen should not.
    fn dump<T: From<Delivery>>(
        &mut self,
        inquiries: &Receiver<Inquiry>,
        out: &Outlet<T>,
    ) -> Result<(), Stop> {
        let action = "dumping the connection tracking table";
        self.seq = self.seq.wrapping_add(1);
        let seq = self.seq;
        self.requests.clear();
        match self.family {
            None => request::dump_all(&mut self.requests, seq),
            Some(family) => request::dump_family(&mut self.requests, seq, family),
        }
        // The table must know that a dump runs before the kernel takes the
        // first row: an event that arrives in between is newer than the dump.
        self.send(vec![Update::DumpBegin], out)?;
        self.dump
            .send(self.requests.bytes())
            .map_err(Stop::failed(action))?;
        let mut updates = Vec::with_capacity(BATCH * 3 / 2);
        loop {
            let len = match self.dump.recv(&mut self.buffer) {
                Ok(len) => len,
                Err(e) if is_overrun(&e) => {
                    updates.push(Update::DumpEnd { complete: false });
                    return self.send(updates, out);
                }
                Err(e) => return Err(Stop::failed(action)(e)),
            };
            let mut end = None;
            for message in messages(&self.buffer[..len]).filter(|m| m.seq == seq) {
                match message.kind {
                    NLMSG_DONE if message.errno() == 0 => end = Some(true),
                    NLMSG_DONE => end = Some(false),
                    NLMSG_ERROR => {
                        let error = io::Error::from_raw_os_error(message.errno());
                        return Err(Stop::failed(action)(error));
                    }
                    _ => updates.extend(
                        decode(&message, Source::Dump, &mut self.problems).map(Update::Flow),
                    ),
                }
            }
            if let Some(complete) = end {
                updates.push(Update::DumpEnd { complete });
                return self.send_behind_events(updates, out);
            }
            if updates.len() >= BATCH {
                self.send(updates, out)?;
                updates = Vec::with_capacity(BATCH * 3 / 2);
            }
            self.answer_meanwhile(inquiries, out)?;
        }
    }

    fn answer_meanwhile<T: From<Delivery>>(
        &mut self,
        inquiries: &Receiver<Inquiry>,
        out: &Outlet<T>,
    ) -> Result<(), Stop> {
        match inquiries.try_recv() {
            Ok(Inquiry::Get(keys)) => self.get(&keys, out),
            // One runs already.
            Ok(Inquiry::Dump) | Err(TryRecvError::Empty) => Ok(()),
            Err(TryRecvError::Disconnected) => Err(Stop::Closed),
        }
    }

    /// Asks for single flows, [`PIPELINE`] at a time. An answer carries the
    /// kernel's `NLM_F_MULTI` but no `NLMSG_DONE` follows it; each request has
    /// exactly one answer, told apart by its sequence number.
    ///
    /// The kernel looks in the tuples of both directions
    /// (`nf_conntrack_find_get`). A flow whose answers have the tuple that is
    /// asked for is another one: this one is not there.
    fn get<T: From<Delivery>>(&mut self, keys: &[Key], out: &Outlet<T>) -> Result<(), Stop> {
        let action = "asking for flows by tuple";
        let mut absent = Vec::new();
        for keys in keys.chunks(PIPELINE) {
            let first = self.seq.wrapping_add(1);
            self.requests.clear();
            for key in keys {
                self.seq = self.seq.wrapping_add(1);
                request::get(&mut self.requests, self.seq, key);
            }
            self.get
                .send(self.requests.bytes())
                .map_err(Stop::failed(action))?;
            let mut updates = Vec::with_capacity(keys.len());
            let mut answers = 0;
            while answers < keys.len() {
                let len = match self.get.recv(&mut self.buffer) {
                    Ok(len) => len,
                    // Answers were dropped: what is missing is asked again
                    // when it is still wanted.
                    Err(e) if is_overrun(&e) => break,
                    Err(e) => return Err(Stop::failed(action)(e)),
                };
                for message in messages(&self.buffer[..len]) {
                    let Some(key) = keys.get(message.seq.wrapping_sub(first) as usize) else {
                        continue;
                    };
                    answers += 1;
                    match (message.kind, message.errno()) {
                        (NLMSG_ERROR, ENOENT) => absent.push(Update::Absent(*key)),
                        (NLMSG_ERROR, _) => {}
                        _ => match decode(&message, Source::Get, &mut self.problems) {
                            Some(report) if report.key == *key => {
                                updates.push(Update::Flow(report));
                            }
                            // Found by the tuple of its answers: forgotten and
                            // taken up again the other way round.
                            Some(_) => absent.push(Update::Absent(*key)),
                            None => {}
                        },
                    }
                }
            }
            self.send(updates, out)?;
            if absent.len() >= BATCH {
                self.send_behind_events(mem::take(&mut absent), out)?;
            }
        }
        self.send_behind_events(absent, out)
    }

    /// Hands on what says that flows are gone, after the events that say it
    /// better.
    fn send_behind_events<T: From<Delivery>>(
        &self,
        updates: Vec<Update>,
        out: &Outlet<T>,
    ) -> Result<(), Stop> {
        if let Some(fence) = self.fence.as_ref().filter(|_| !updates.is_empty()) {
            fence.wait();
        }
        self.send(updates, out)
    }

    fn send<T: From<Delivery>>(&self, updates: Vec<Update>, out: &Outlet<T>) -> Result<(), Stop> {
        Ok(out.batch(updates, self.clock.now())?)
    }
}
