//! The loop that owns all state: updates in, views or records out.
//!
//! One thread runs one of three loops over the same [`Core`]: [`Viewer`] for a
//! screen, [`samples`] for `list`, [`events`] for `events`. Everything they
//! wait for arrives through one channel as [`Input`].

mod attribution;
mod checkup;
mod chronicle;
mod events;
mod export;
mod fresh;
mod samples;
mod still;
mod viewer;

pub use attribution::Asker;
pub use events::{Recorder, events};
pub use export::{Export, Exported};
pub use samples::{Sampler, Sampling, samples};
pub use viewer::{Facts, Sources, Viewer};

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::collect::{Clock, Delivery, Inquiry, Problems, Source, SourceError, pace::Pace};
use crate::enrich::geoip::GeoIp;
use crate::enrich::locality::Locality;
use crate::enrich::nfsd;
use crate::flow::{Moment, Update};
use crate::table::{Change, Table};
use crate::view::Query;
use crate::view::health::SourceHealth;
use crate::vitals::Reading;

/// All that an engine waits for.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a queue of them takes a few kilobytes, and questions come at every key"
)]
pub enum Input {
    /// The source has something.
    Source(Delivery),
    /// Somebody wants to look at something else; the newest wins.
    Query(Query),
    /// The resolver has something to pick up.
    Names,
    /// Databases of places were opened anew; what was wrong with them.
    Places(Arc<GeoIp>, Vec<String>),
    /// Something about owners of flows has been found out.
    Owners,
    /// How the kernel, the interfaces and this program do.
    Vitals(Box<Reading>),
    /// Addresses, routes or neighbours of this machine are others now.
    Locality(Arc<Locality>),
    /// What the NFS server of this machine says of its clients.
    Nfs(Arc<nfsd::Clients>),
    /// Somebody wants all rows of a query, in pieces.
    Export(Box<Export>),
    /// Refresh this often from now on.
    Interval(Duration),
    /// Refresh at once, and by a dump of the whole table.
    Refresh,
    /// End.
    Stop,
}

impl From<Delivery> for Input {
    fn from(delivery: Delivery) -> Self {
        Self::Source(delivery)
    }
}

/// Why an engine ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The source can not go on.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What reads the output is gone, or cannot take more.
    #[error("writing the output: {0}")]
    Output(#[from] io::Error),
}

/// The table and its source.
pub struct Core {
    table: Table,
    source: Box<dyn Source>,
    clock: Clock,
    pace: Pace,
    /// Suspects the kernel has not answered for.
    unverified: usize,
    /// What was odd about the kernel's messages.
    problems: Problems,
}

/// What a batch brought besides changes of flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Arrived {
    /// A dump ended, completely or not.
    dump_ended: Option<bool>,
    /// Answers to gets.
    answers: usize,
}

impl Core {
    /// A table that `source` will fill. Dumps are asked for as often as `pace`
    /// allows.
    pub fn new(table: Table, source: Box<dyn Source>, clock: Clock, pace: Pace) -> Self {
        Self {
            table,
            source,
            clock,
            pace,
            unverified: 0,
            problems: Problems::default(),
        }
    }

    /// Takes one delivery in and tells `sink` what changed, and when.
    fn take(
        &mut self,
        delivery: Delivery,
        sink: &mut impl FnMut(Change<'_>, Moment),
    ) -> Result<Arrived, SourceError> {
        let batch = match delivery {
            Delivery::Batch(batch) => batch,
            Delivery::Odd(problems) => {
                self.problems += problems;
                return Ok(Arrived::default());
            }
            Delivery::Failed(error) => return Err(error),
        };
        let at = batch.at;
        let mut arrived = Arrived::default();
        for update in &batch.updates {
            match update {
                Update::DumpBegin => self.pace.begin(at),
                Update::DumpEnd { complete } => {
                    self.pace.end(at);
                    arrived.dump_ended = Some(*complete);
                }
                Update::Overrun { .. } => self.pace.want_resync(),
                Update::Absent(_) => arrived.answers += 1,
                Update::Flow(report) if report.origin == crate::flow::Origin::Fetched => {
                    arrived.answers += 1;
                }
                Update::Flow(_) | Update::Counted { .. } | Update::Shed { .. } => {}
            }
            self.table.apply(update, at, &mut |change| sink(change, at));
        }
        self.unverified = self.unverified.saturating_sub(arrived.answers);
        if arrived.dump_ended == Some(true) {
            let suspects = self.table.suspects();
            self.unverified = suspects.len();
            if !suspects.is_empty() {
                self.source.inquire(Inquiry::Get(suspects));
            }
        }
        Ok(arrived)
    }

    /// Starts over with another source, and an empty table.
    fn change_source(&mut self, source: Box<dyn Source>) {
        self.source = source;
        self.table = self.table.successor();
        self.pace.restart();
        self.unverified = 0;
    }

    /// How the source is doing, but for when events were lost.
    fn source_health(&self) -> SourceHealth {
        let has_dumped = self.pace.dumps() > 0;
        SourceHealth {
            lost_at: None,
            dumps: self.pace.dumps(),
            resyncs: self.pace.resyncs(),
            dump_took: has_dumped.then(|| self.pace.cost()),
            dump_every: self.pace.gap(),
            buffer: self.source.receive_buffer(),
            problems: self.problems,
        }
    }

    /// Asks for a dump if one is due.
    fn dump_if_due(&mut self, now: Moment) -> bool {
        let due = self.pace.due(now);
        if due {
            // It begins when the source says so; until then none is due.
            self.pace.begin(now);
            self.source.inquire(Inquiry::Dump);
        }
        due
    }

    /// Has the whole table dumped with the next refresh, whatever that costs.
    const fn want_dump(&mut self) {
        self.pace.want_now();
    }

    /// Ends the source. `inputs` goes first: a source that is blocked on a full
    /// channel would otherwise never end.
    fn shut_down(mut self, inputs: Receiver<Input>) {
        self.source.stop();
        drop(inputs);
    }
}

/// Waits for the next input, at most until `deadline`; `None` when it has
/// come, [`Input::Stop`] when nobody can send any more.
fn wait(inputs: &Receiver<Input>, clock: Clock, deadline: Moment) -> Option<Input> {
    let left = deadline.since(clock.now());
    match inputs.recv_timeout(left.max(Duration::from_micros(1))) {
        Ok(input) => Some(input),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(Input::Stop),
    }
}
