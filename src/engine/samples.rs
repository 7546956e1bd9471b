//! All flows, once or every so often: `flowtop list`.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Core, EngineError, Input, wait};
use crate::collect::Inquiry;
use crate::flow::{Moment, Update};
use crate::table::{Change, Table};

/// How long to wait for the answers about suspects: they take microseconds
/// each, and are gone if the kernel dropped them.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many samples, and how far apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Number of samples.
    pub count: u64,
    /// From the beginning of one to that of the next.
    pub interval: Duration,
}

/// What happens to samples.
pub trait Sampler {
    /// A flow began, changed or ended.
    fn note(&mut self, change: &Change<'_>);
    /// All flows are in the table: what else is to be known of them before
    /// they are written.
    fn prepare(&mut self, table: &Table) -> Vec<Update>;
    /// Writes a sample.
    fn write(&mut self, table: &Table, now: Moment) -> io::Result<()>;
}

impl<F: FnMut(&Table, Moment) -> io::Result<()>> Sampler for F {
    fn note(&mut self, _: &Change<'_>) {}

    fn prepare(&mut self, _: &Table) -> Vec<Update> {
        Vec::new()
    }

    fn write(&mut self, table: &Table, now: Moment) -> io::Result<()> {
        self(table, now)
    }
}

/// Takes samples and hands each to `sampler`, until all are taken or
/// [`Input::Stop`] comes.
///
/// # Errors
/// If the source fails or `sampler` does.
pub fn samples(
    mut core: Core,
    inputs: Receiver<Input>,
    sampling: Sampling,
    mut sampler: impl Sampler,
) -> Result<(), EngineError> {
    let result = take_samples(&mut core, &inputs, sampling, &mut sampler);
    core.shut_down(inputs);
    result
}

fn take_samples(
    core: &mut Core,
    inputs: &Receiver<Input>,
    sampling: Sampling,
    sampler: &mut impl Sampler,
) -> Result<(), EngineError> {
    let mut due = core.clock.now();
    for number in 0..sampling.count {
        if number > 0 {
            due = due.after(sampling.interval);
        }
        // Events between two samples are taken in as they come.
        let end = due;
        if !take_until(core, inputs, sampler, |_| Some(end))? {
            return Ok(());
        }
        core.source.inquire(Inquiry::Dump);
        let mut complete = false;
        while !complete {
            let arrived = match inputs.recv() {
                Ok(Input::Source(delivery)) => {
                    core.take(delivery, &mut |change, _| sampler.note(&change))?
                }
                Ok(Input::Stop) | Err(_) => return Ok(()),
                Ok(_) => continue,
            };
            match arrived.dump_ended {
                Some(true) => complete = true,
                // The kernel could not deliver it all: once more.
                Some(false) => core.source.inquire(Inquiry::Dump),
                None => {}
            }
        }
        let end = core.clock.now().after(PATIENCE);
        if !take_until(core, inputs, sampler, |core| {
            (core.unverified > 0).then_some(end)
        })? {
            return Ok(());
        }
        for update in sampler.prepare(&core.table) {
            let now = core.clock.now();
            core.table.apply(&update, now, &mut |_| {});
        }
        sampler.write(&core.table, core.clock.now())?;
    }
    Ok(())
}

/// Takes inputs in while `until` names a time that has not come. `false` if it
/// is time to stop.
fn take_until(
    core: &mut Core,
    inputs: &Receiver<Input>,
    sampler: &mut impl Sampler,
    until: impl Fn(&Core) -> Option<Moment>,
) -> Result<bool, EngineError> {
    while let Some(deadline) = until(core) {
        match wait(inputs, core.clock, deadline) {
            None => break,
            Some(Input::Stop) => return Ok(false),
            Some(Input::Source(delivery)) => {
                core.take(delivery, &mut |change, _| sampler.note(&change))?;
            }
            Some(_) => {}
        }
    }
    Ok(true)
}
