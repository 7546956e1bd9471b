//! `flowtop update`: new databases of places.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{Failure, say};
use crate::config::UpdateOptions;
use crate::enrich::geoip_update::{self, Event, Lines, Progress, UpdateError};

/// Tells people how it goes, and stops at a signal.
struct Watched<P> {
    progress: P,
    stop: Arc<AtomicBool>,
}

impl<P: Progress> Progress for Watched<P> {
    fn event(&mut self, event: &Event<'_>) {
        self.progress.event(event);
    }

    fn is_cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Updates the databases, or tells how old they are. The exit code is that of
/// the manual: 0, 1 and 5 of an update, 0 and 10 of a check.
pub(super) fn update(options: &UpdateOptions) -> Result<ExitCode, Failure> {
    let settings = options.settings.as_ref().ok_or(Failure::NoHome)?;
    if options.check {
        let report = geoip_update::check(settings)?;
        report.warnings.iter().for_each(say);
        if options.json {
            print(&report.to_json().to_string())?;
        } else {
            for age in &report.ages {
                print(&age.to_string())?;
            }
        }
        return Ok(ExitCode::from(report.exit_code()));
    }
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
        // The second one kills, should the first not get through.
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(Failure::Signals)?;
    }
    let report = if options.json {
        let mut watched = Watched { progress: (), stop };
        geoip_update::update(settings, &mut watched)?
    } else {
        let progress = Lines::new(io::stderr(), io::stderr().is_terminal());
        geoip_update::update(settings, &mut Watched { progress, stop })?
    };
    report.warnings.iter().for_each(say);
    if options.json {
        print(&report.to_json().to_string())?;
    }
    Ok(ExitCode::from(report.exit_code()))
}

impl From<UpdateError> for Failure {
    fn from(error: UpdateError) -> Self {
        Self::Update(error)
    }
}

fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(Failure::Output)
}
