//! Births, changes and ends as they come: `flowtop events`.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use super::{Core, EngineError, Input, wait};
use crate::collect::Delivery;
use crate::flow::Moment;
use crate::table::{Change, Table};

/// How often to look whether a dump is due, and records that wait.
const TICK: Duration = Duration::from_millis(500);

/// What happens to the record of a change.
pub trait Recorder {
    /// A change, and when it was learned.
    fn record(&mut self, change: &Change<'_>, at: Moment);
    /// The first dump is complete: births are told from now on, but not those
    /// of the flows that are in the table already.
    fn begin(&mut self, table: &Table);
    /// Nothing more has arrived so far: hand on what has been recorded. Called
    /// twice a second at least.
    fn flush(&mut self, now: Moment) -> io::Result<()>;
    /// Nothing more will come: hand on everything.
    fn finish(&mut self) -> io::Result<()>;
}

/// Records every change until [`Input::Stop`] comes.
///
/// # Errors
/// If the source fails or the recorder cannot write.
pub fn events(
    mut core: Core,
    inputs: Receiver<Input>,
    recorder: &mut impl Recorder,
) -> Result<(), EngineError> {
    let result = record(&mut core, &inputs, recorder);
    core.shut_down(inputs);
    result
}

fn record(
    core: &mut Core,
    inputs: &Receiver<Input>,
    recorder: &mut impl Recorder,
) -> Result<(), EngineError> {
    loop {
        let now = core.clock.now();
        // A dump finds flows that were there before, and flows that ended
        // without a word.
        core.dump_if_due(now);
        match wait(inputs, core.clock, now.after(TICK)) {
            Some(Input::Stop) => return Ok(recorder.finish()?),
            Some(Input::Source(delivery)) => {
                take(core, delivery, recorder)?;
                // What has arrived in the meantime goes out with it.
                loop {
                    match inputs.try_recv() {
                        Ok(Input::Source(delivery)) => take(core, delivery, recorder)?,
                        Err(TryRecvError::Empty) => break,
                        Ok(Input::Stop) | Err(TryRecvError::Disconnected) => {
                            return Ok(recorder.finish()?);
                        }
                        Ok(_) => {}
                    }
                }
                recorder.flush(core.clock.now())?;
            }
            _ => recorder.flush(core.clock.now())?,
        }
    }
}

fn take(
    core: &mut Core,
    delivery: Delivery,
    recorder: &mut impl Recorder,
) -> Result<(), EngineError> {
    let was_synced = core.table.is_synced();
    core.take(delivery, &mut |change, at| recorder.record(&change, at))?;
    if core.table.is_synced() && !was_synced {
        recorder.begin(&core.table);
    }
    Ok(())
}
