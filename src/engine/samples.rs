//! All flows, once or every so often: `flowtop list`.

use std::io;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::{Core, EngineError, Input, wait};
use crate::collect::Inquiry;
use crate::flow::Moment;
use crate::table::Table;

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

/// Takes samples and hands each to `write`, until all are taken or
/// [`Input::Stop`] comes.
///
/// # Errors
/// If the source fails or `write` does.
pub fn samples(
    mut core: Core,
    inputs: Receiver<Input>,
    sampling: Sampling,
    mut write: impl FnMut(&Table, Moment) -> io::Result<()>,
) -> Result<(), EngineError> {
    let result = take_samples(&mut core, &inputs, sampling, &mut write);
    core.shut_down(inputs);
    result
}

fn take_samples(
    core: &mut Core,
    inputs: &Receiver<Input>,
    sampling: Sampling,
    write: &mut impl FnMut(&Table, Moment) -> io::Result<()>,
) -> Result<(), EngineError> {
    let mut due = core.clock.now();
    for number in 0..sampling.count {
        if number > 0 {
            due = due.after(sampling.interval);
        }
        // Events between two samples are taken in as they come.
        let end = due;
        if !take_until(core, inputs, |_| Some(end))? {
            return Ok(());
        }
        core.source.inquire(Inquiry::Dump);
        let mut complete = false;
        while !complete {
            let arrived = match inputs.recv() {
                Ok(Input::Source(delivery)) => core.take(delivery, &mut |_, _| {})?,
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
        if !take_until(core, inputs, |core| (core.unverified > 0).then_some(end))? {
            return Ok(());
        }
        write(&core.table, core.clock.now())?;
    }
    Ok(())
}

/// Takes inputs in while `until` names a time that has not come. `false` if it
/// is time to stop.
fn take_until(
    core: &mut Core,
    inputs: &Receiver<Input>,
    until: impl Fn(&Core) -> Option<Moment>,
) -> Result<bool, EngineError> {
    while let Some(deadline) = until(core) {
        match wait(inputs, core.clock, deadline) {
            None => break,
            Some(Input::Stop) => return Ok(false),
            Some(Input::Query(_) | Input::Names | Input::Places(..)) => {}
            Some(Input::Source(delivery)) => {
                core.take(delivery, &mut |_, _| {})?;
            }
        }
    }
    Ok(true)
}
