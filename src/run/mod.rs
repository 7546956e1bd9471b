//! Start-up and shut-down, as a contract.
//!
//! Starting, in this order: read the command line; enter the network namespace
//! that it names; open the sockets of the
//! source (which loads the kernel's module); take over the signals; switch on
//! what the kernel can count; if asked to, add the rule that keeps tracking on, so
//! that the first flow is counted already; watch the signals; begin. Ending is
//! the reverse, whatever the reason: the loop stops, the source closes, the rule
//! is removed, the switches are as they were, and only then is anything said.

mod attribution;
mod defaults;
mod doctor;
mod headless;
mod lookups;
mod mask;
mod memory;
mod netns;
mod nfs;
mod save;
mod signals;
mod source;
mod suspend;
mod themes;
mod tracking;
mod update;
mod viewer;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc::SyncSender;
use std::time::SystemTime;

use crate::collect::{self, Clock, SourceError, SourceKind};
use crate::config::{self, Invocation, SourceMode, SourceOptions, Surroundings};
use crate::engine::{Core, EngineError, Input};
use crate::enrich::geoip_update::UpdateError;
use crate::enrich::services;
use crate::enrich::{Knowledge, Timeouts};
use crate::flow::{Family, Protocol};
use crate::netlink::nftables::Tracked;
use crate::sysctl::{self, Switches};
use crate::table::Table;
use crate::view::mask::Mask;
use collect::pace::{self, Pace};
use source::{Chosen, Instead};

/// Inputs under way to the engine. A batch has at most some hundred updates,
/// so this bounds memory to some megabytes; what does not fit waits in the
/// kernel's buffer.
const QUEUE: usize = 64;

/// What `TERM` is where nothing can be drawn, as in a shell of an editor.
const DUMB: &str = "dumb";

/// Why the program ends without having done what it was asked to.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("writing the output: {0}")]
    Output(#[source] io::Error),
    #[error("the terminal: {0}")]
    Terminal(#[source] io::Error),
    #[error(
        "the viewer cannot draw: TERM is {0}, of a terminal that only writes line by line; set TERM to what the terminal is, such as xterm-256color, or use `flowtop list` or `flowtop events`"
    )]
    DumbTerminal(&'static str),
    #[error("starting a thread: {0}")]
    Thread(#[source] io::Error),
    #[error("taking over the signals: {0}")]
    Signals(#[source] io::Error),
    #[error("{0}")]
    Services(services::Warning),
    #[error(
        "--service: no service of {proto} is called `{name}`; give its port, or name it in a file for --services"
    )]
    NoService { name: String, proto: Protocol },
    #[error(transparent)]
    Update(UpdateError),
    #[error("{0}")]
    Namespace(String),
    /// One that this user may not enter.
    #[error("{0}")]
    ClosedNamespace(String),
    #[error("there are no random numbers for a mask: {0}")]
    Random(#[source] getrandom::Error),
    #[error("no home directory says where to put databases of places; name one with --dir")]
    NoHome,
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Source(error) => Self::Source(error),
            EngineError::Output(error) => Self::Output(error),
        }
    }
}

impl Failure {
    /// The exit codes of the manual.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Source(SourceError::Unavailable { .. }) => 3,
            Self::Source(SourceError::NotPermitted { .. }) | Self::ClosedNamespace(_) => 4,
            Self::NoService { .. } => 2,
            _ => 1,
        }
    }

    /// Whether whoever read the output has had enough, as `head` has.
    fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }

    fn advice(&self) -> Option<String> {
        matches!(self, Self::Source(SourceError::NotPermitted { .. })).then(grant)
    }
}

/// How to get at connection tracking, and at the processes of others.
fn grant() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "flowtop".into());
    format!(
        "run it as root, or grant it once: sudo setcap \
         cap_net_admin,cap_sys_ptrace,cap_dac_read_search+ep {}",
        program.display()
    )
}

/// Does what the command line asks for. `args` begins with the name of the
/// program. Returns the exit code of the manual: 0 for success, 1 for failure,
/// 2 for a wrong command line, 3 if the kernel tracks no connections, 4 if it
/// may not be asked; 5 if an update got some databases and not others, 10 if a
/// check of their age finds that one is stale.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let surroundings = Surroundings {
        stdout_is_terminal: io::stdout().is_terminal(),
        // The owner of our own entry in /proc is our effective user.
        is_root: fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0),
        now: SystemTime::now(),
    };
    let variable = |name: &str| std::env::var_os(name);
    let invocation = match config::parse(args, variable, read_config, surroundings) {
        Ok(invocation) => invocation,
        Err(usage) => {
            let code = usage.exit_code();
            if code != 0 {
                say(&usage);
                return ExitCode::from(code);
            }
            let printed = write!(io::stdout(), "{usage}").and_then(|()| io::stdout().flush());
            return ended(
                printed.map_err(Failure::Output).map(|()| ExitCode::SUCCESS),
                None,
            );
        }
    };
    let (result, told_by) = match mask::of(&invocation) {
        Ok(mask) => (carry_out(invocation, mask.as_ref()), mask),
        Err(failure) => (Err(failure), None),
    };
    ended(result, told_by.as_ref())
}

/// The exit code of what was done; what went wrong is said, masked if anything
/// is.
fn ended(result: Result<ExitCode, Failure>, mask: Option<&Mask>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let told = match failure.advice() {
                Some(advice) => format!("{failure}; {advice}"),
                None => failure.to_string(),
            };
            say(mask.map_or(told.clone(), |mask| mask.text(&told)));
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Does it. `mask` is there if nothing true is to be told.
fn carry_out(invocation: Invocation, mask: Option<&Mask>) -> Result<ExitCode, Failure> {
    match invocation {
        Invocation::View(options) => {
            if std::env::var_os("TERM").is_some_and(|term| term == DUMB) {
                return Err(Failure::DumbTerminal(DUMB));
            }
            let mask = match mask {
                Some(mask) => mask.clone(),
                // For the key.
                None => mask::new(options.source.netns.as_deref())?,
            };
            viewer::view(&options, mask).map(|()| ExitCode::SUCCESS)
        }
        Invocation::List(options) => headless::list(&options, mask).map(|()| ExitCode::SUCCESS),
        Invocation::Events(options) => headless::events(&options, mask).map(|()| ExitCode::SUCCESS),
        Invocation::Fields => headless::fields().map(|()| ExitCode::SUCCESS),
        Invocation::Doctor(options) => doctor::doctor(&options),
        Invocation::Update(options) => update::update(&options),
        Invocation::PrintConfig => print_config().map(|()| ExitCode::SUCCESS),
    }
}

/// The text of a file of configuration. In a home that may not be searched it is
/// not there for us.
fn read_config(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| match path.symlink_metadata() {
        Ok(_) => error,
        Err(_) => io::ErrorKind::NotFound.into(),
    })
}

/// Prints the configuration file with all keys and their defaults.
fn print_config() -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let sample = config::SAMPLE.as_bytes();
    let written = out.write_all(sample).and_then(|()| out.flush());
    written.map_err(Failure::Output)
}

/// One line on standard error.
fn say(what: impl Display) {
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "flowtop: {what}");
}

/// A running source, and the promise to leave the kernel as it was.
struct Started {
    core: Core,
    /// Why sockets are shown where nobody asked for them.
    instead: Option<source::Instead>,
    knowledge: Knowledge,
    /// What went wrong without preventing the start.
    warnings: Vec<String>,
    /// The same of the databases of places.
    place_warnings: Vec<String>,
    switches: Option<Switches>,
    /// Dropped before the switches.
    tracked: Option<Tracked>,
    signals: signals::Signals,
}

/// How a source is wanted.
struct Wanted<'a> {
    options: &'a SourceOptions,
    events: bool,
    /// Ask the kernel for one family only; possible while no query can change.
    family: Option<Family>,
    pace: pace::Settings,
    /// Keep tracking on by a rule of our own.
    track: bool,
}

impl Wanted<'_> {
    fn settings(&self) -> collect::Settings {
        collect::Settings {
            events: self.events,
            receive_buffer_bytes: self.options.receive_buffer_bytes,
            family: self.family,
        }
    }
}

fn start(wanted: &Wanted<'_>, clock: Clock, out: &SyncSender<Input>) -> Result<Started, Failure> {
    let options = wanted.options;
    // First of all, for all that follows.
    netns::enter(options.netns.as_deref())?;
    let lookups::Opened {
        mut knowledge,
        warnings: of_services,
        place_warnings,
    } = lookups::open(options)?;
    let mut warnings = options.warnings.clone();
    warnings.extend(of_services);
    let Chosen { source, instead } =
        source::choose(options.mode, wanted.track, wanted.settings(), clock, out)?;
    let signals = signals::Signals::take_over().map_err(Failure::Signals)?;
    let mut switches = None;
    // Who may not read connection tracking may not switch it either.
    let is_readable = !matches!(instead, Some(Instead::Unreadable(_)));
    if options.switch_sysctls && is_readable && options.mode != SourceMode::Sockets {
        let (on, problems) = Switches::turn_on();
        switches = Some(on);
        warnings.extend(problems.iter().map(ToString::to_string));
    }
    let mut tracked = None;
    if wanted.track {
        match tracking::keep_on() {
            Ok(kept) => tracked = kept,
            Err(error) => warnings.push(error.to_string()),
        }
    }
    let pace = match source.kind() {
        SourceKind::Conntrack => wanted.pace,
        // Nothing but looking tells of a new socket.
        SourceKind::Sockets => pace::Settings {
            interval: options.interval,
            ..wanted.pace
        },
    };
    knowledge.set_timeouts(Timeouts::read(sysctl::timeout));
    let expected = sysctl::count().unwrap_or(0) as usize;
    Ok(Started {
        core: Core::new(
            Table::with_capacity(expected),
            source,
            clock,
            Pace::new(pace),
        ),
        instead,
        knowledge,
        warnings,
        place_warnings,
        switches,
        tracked,
        signals,
    })
}

/// Leaves the kernel as it was, and says what could not be restored.
fn restore(tracked: Option<Tracked>, switches: Option<Switches>) {
    tracking::remove(tracked);
    for warning in switches.map(Switches::restore).unwrap_or_default() {
        say(warning);
    }
}
