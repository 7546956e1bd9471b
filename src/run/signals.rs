//! Signals as requests to end.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use crate::sysctl::Restorer;

/// How long an orderly end may take. A program that is stuck in writing to a
/// pipe nobody reads does not end by itself.
const GRACE: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_millis(10);

/// The signals that end the program, waiting to be watched. From the moment
/// they are taken over none of them kills it.
pub(super) struct Signals(signal_hook::iterator::Signals);

impl Signals {
    pub(super) fn take_over() -> io::Result<Self> {
        signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGQUIT]).map(Self)
    }

    /// Watches them in a thread of its own. On the first, `stop` is called
    /// until it says that the message got through. If the program is still
    /// there after [`GRACE`], or at a second signal, it ends here: our rule is
    /// removed, the switches are restored, the terminal is `rescue`d, and the
    /// exit code says failure.
    pub(super) fn watch(
        mut self,
        mut stop: impl FnMut() -> bool + Send + 'static,
        rescue: impl FnOnce() + Send + 'static,
        restorer: Option<Restorer>,
    ) -> io::Result<()> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if self.0.forever().next().is_none() {
                    return;
                }
                let deadline = Instant::now() + GRACE;
                let mut told = false;
                while Instant::now() < deadline && self.0.pending().next().is_none() {
                    told = told || stop();
                    thread::sleep(STEP);
                }
                super::tracking::abandon();
                if let Some(restorer) = restorer {
                    for warning in restorer.restore() {
                        super::say(warning);
                    }
                }
                rescue();
                std::process::exit(1);
            })
            .map(drop)
    }
}
