//! What the command line and the environment ask for, as settings of others.
//!
//! [`parse`] is a pure function: arguments and variables in, an
//! [`Invocation`] or a [`Usage`] out. The flags and their documentation stand
//! in `options`; the help and the manual come from there.
//!
//! What is not said has the default of the man page: TCP over IPv4 and IPv6,
//! without loopback, refreshed every second.

pub mod file;
mod options;
mod value;

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::enrich::{dns, geoip, geoip_update, locality};
use crate::flow::{Family, Group, Scope};
use crate::output::{self, Course, Format};
use crate::view::column::Choice;
use crate::view::sort::Sort;
use crate::view::units::RateUnit;
pub use options::SourceMode;
use options::{Color, Command, Options, Protocols, Records, Update, VERSION};

/// What to do.
#[derive(Clone, Debug)]
pub enum Invocation {
    /// Show the viewer.
    View(ViewerOptions),
    /// Print the flows, once or several times.
    List(ListOptions),
    /// Print what happens to flows until interrupted.
    Events(EventsOptions),
    /// Print the field registry.
    Fields,
    /// Update the databases of places.
    Update(UpdateOptions),
}

/// What is to be found out beyond the kernel's word.
#[derive(Clone, Debug)]
pub struct LookupOptions {
    /// Files of service names to read last.
    pub services: Vec<PathBuf>,
    /// Databases of places.
    pub places: geoip::Settings,
    /// Who is asked for names; `None`: nobody, and no local ones either.
    pub names: Option<dns::Settings>,
    /// Where flowtop.toml may be, the last one read last.
    pub config_files: Vec<PathBuf>,
}

/// What to update, and how.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// Settings of the update, unless no home directory says where to install.
    pub settings: Option<geoip_update::Settings>,
    /// Only report ages.
    pub check: bool,
    /// Report as JSON.
    pub json: bool,
}

/// Which flows to watch, and how.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// Families, protocols, loopback.
    pub scope: Scope,
    /// Time from one refresh or sample to the next.
    pub interval: Duration,
    /// Where to learn of flows.
    pub mode: SourceMode,
    /// Whether to find out which processes flows belong to.
    pub processes: bool,
    /// Whether `nf_conntrack_acct` and `nf_conntrack_timestamp` may be
    /// switched on for as long as flowtop runs.
    pub switch_sysctls: bool,
    /// Keep connection tracking on by a rule of our own, if no other does.
    pub track: bool,
    /// Receive buffer to ask for at the event socket, in bytes.
    pub receive_buffer_bytes: usize,
    /// What counts as ours.
    pub locality: locality::Settings,
    /// Where the user keeps configuration of flowtop, if there is a home.
    pub user_dir: Option<PathBuf>,
    /// Services, places and names.
    pub lookups: LookupOptions,
}

/// What the viewer begins with.
#[derive(Clone, Debug)]
pub struct ViewerOptions {
    /// Which flows, and how.
    pub source: SourceOptions,
    /// Whether to show where flows come from even if that costs columns.
    pub show_source: bool,
    /// Which columns to show first.
    pub columns: Choice,
    /// Bits or bytes per second.
    pub unit: RateUnit,
    /// Whether to use colours.
    pub colors: bool,
}

/// What `list` prints.
#[derive(Clone, Debug)]
pub struct ListOptions {
    /// Which flows, and how.
    pub source: SourceOptions,
    /// How they look.
    pub output: output::Settings,
    /// How many samples to take.
    pub samples: NonZeroU32,
    /// The order of records; `None`: the usual one in tables, else none.
    pub sort: Option<Sort>,
    /// How many flows to print of each sample.
    pub top: Option<NonZeroU32>,
}

/// What `events` prints.
#[derive(Clone, Debug)]
pub struct EventsOptions {
    /// Which flows, and how.
    pub source: SourceOptions,
    /// How they look.
    pub output: output::Settings,
}

/// Why there is nothing to do but to say something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Usage {
    /// The help or the version, which was asked for: for stdout.
    #[error("{0}")]
    Asked(String),
    /// What is wrong with the command line, in one line: for stderr.
    #[error("{0}")]
    Wrong(String),
}

impl Usage {
    /// The exit code: 0 if it was asked for, else 2.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Asked(_) => 0,
            Self::Wrong(_) => 2,
        }
    }
}

impl From<clap::Error> for Usage {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::DisplayHelp => Self::Asked(text),
            _ => Self::Wrong(explain(&error, &text)),
        }
    }
}

/// The message of an error of clap, in one line and without the usage text
/// below it.
fn explain(error: &clap::Error, text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut said: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    if let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg)
        && error.kind() == ErrorKind::UnknownArgument
        && is_of_list(arg)
    {
        said.push("flowtop list has it");
    }
    said.push("see flowtop --help");
    let mut line = String::new();
    for c in said.join("; ").chars() {
        // The arguments are repeated in it, whatever they hold.
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether `list` takes this option.
fn is_of_list(arg: &str) -> bool {
    command().find_subcommand("list").is_some_and(|list| {
        list.get_arguments().any(|known| {
            let long = known.get_long().map(|long| format!("--{long}"));
            let short = known.get_short().map(|short| format!("-{short}"));
            long.as_deref() == Some(arg) || short.as_deref() == Some(arg)
        })
    })
}

/// The command line as clap knows it, for the manual.
pub fn command() -> clap::Command {
    <Options as clap::CommandFactory>::command()
}

/// What a command line cannot say and the environment does not.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether root runs this.
    pub is_root: bool,
    /// The present.
    pub now: SystemTime,
}

/// Reads the command line. `args` begins with the name of the program;
/// `variable` reads the environment.
///
/// # Errors
/// If the help or the version is asked for, or an argument is wrong.
pub fn parse<A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
    variable: impl Fn(&str) -> Option<OsString>,
    surroundings: Surroundings,
) -> Result<Invocation, Usage> {
    let Surroundings {
        stdout_is_terminal, ..
    } = surroundings;
    let options = Options::try_parse_from(args)?;
    if options.general.version {
        return Err(Usage::Asked(VERSION.into()));
    }
    if options.general.update {
        let flags = match &options.command {
            Some(Command::Update(flags)) => flags.clone(),
            _ => Update::default(),
        };
        return Ok(Invocation::Update(update(flags, &variable, surroundings)));
    }
    let dns = match &options.command {
        Some(Command::Events(records) | Command::List { records, .. }) => records.dns,
        Some(Command::Fields | Command::Update(_)) => false,
        None => stdout_is_terminal && !options.display.no_dns,
    };
    if dns && options.display.no_dns {
        // clap overlooks it where -n stands before the command.
        let what = "the argument '--dns' cannot be used with '--no-dns'";
        return Err(command().error(ErrorKind::ArgumentConflict, what).into());
    }
    let source = source(&options, &variable, dns);
    let settings = |records: Records, course| output::Settings {
        format: records.output,
        fields: records.fields.map(|fields| fields.0),
        unit: unit(&options),
        course,
    };
    Ok(match options.command.clone() {
        Some(Command::Fields) => Invocation::Fields,
        Some(Command::Update(flags)) => Invocation::Update(update(flags, &variable, surroundings)),
        Some(Command::Events(records)) => Invocation::Events(EventsOptions {
            source,
            output: settings(records, Course::Events),
        }),
        Some(Command::List {
            count,
            sort,
            top,
            records,
        }) => Invocation::List(ListOptions {
            sort,
            top,
            ..list(source, settings(records, Course::Samples), count)
        }),
        None if stdout_is_terminal => Invocation::View(ViewerOptions {
            source,
            show_source: options.display.show_src,
            columns: options.display.columns.clone().unwrap_or_default(),
            unit: unit(&options),
            colors: colors(&options, &variable),
        }),
        None => {
            let records = Records {
                output: Format::Table,
                fields: None,
                dns: false,
            };
            let output = settings(records, Course::Samples);
            Invocation::List(list(source, output, NonZeroU32::MIN))
        }
    })
}

fn list(source: SourceOptions, output: output::Settings, samples: NonZeroU32) -> ListOptions {
    ListOptions {
        source: SourceOptions {
            // Only flows born later are counted, and one sample sees none.
            switch_sysctls: source.switch_sysctls && samples.get() > 1,
            ..source
        },
        output,
        samples,
        sort: None,
        top: None,
    }
}

fn update(
    flags: Update,
    variable: &impl Fn(&str) -> Option<OsString>,
    surroundings: Surroundings,
) -> UpdateOptions {
    let Surroundings { is_root, now, .. } = surroundings;
    let usual = geoip_update::Settings::usual(is_root, variable, now);
    let settings = match (usual, flags.dir) {
        (Some(usual), dir) => Some(geoip_update::Settings {
            dir: dir.unwrap_or(usual.dir),
            ..usual
        }),
        (None, Some(dir)) => Some(geoip_update::Settings::bare(dir, now)),
        (None, None) => None,
    };
    UpdateOptions {
        settings: settings.map(|settings| geoip_update::Settings {
            conf: flags.geoip_conf,
            from: flags.from,
            force: flags.force,
            ..settings
        }),
        check: flags.check,
        json: flags.output == "json",
    }
}

fn lookups(
    options: &Options,
    variable: &impl Fn(&str) -> Option<OsString>,
    dns: bool,
) -> LookupOptions {
    let places = geoip::Settings::search(options.lookups.geoip_dir.clone(), variable);
    LookupOptions {
        services: options.lookups.services.clone(),
        places: geoip::Settings {
            enabled: !options.display.no_geoip,
            ..places
        },
        names: dns.then(|| dns::Settings {
            lookup: options.lookups.resolver,
            ..dns::Settings::default()
        }),
        config_files: std::iter::once("/etc/flowtop".into())
            .chain(user_dir(variable))
            .map(|dir: PathBuf| dir.join("flowtop.toml"))
            .collect(),
    }
}

fn source(
    options: &Options,
    variable: &impl Fn(&str) -> Option<OsString>,
    dns: bool,
) -> SourceOptions {
    SourceOptions {
        scope: scope(&options.protocols),
        interval: options.source.interval,
        mode: options.source.mode,
        processes: !options.source.no_process,
        switch_sysctls: !options.source.no_sysctl,
        track: options.source.track,
        receive_buffer_bytes: options.source.rcvbuf,
        locality: locality::Settings {
            local: options.source.local.clone(),
        },
        user_dir: user_dir(variable),
        lookups: lookups(options, variable, dns),
    }
}

/// Families and protocols.
///
/// 1. No family flag means both families.
/// 2. No protocol flag means TCP; protocol flags replace it. A family flag is
///    none.
/// 3. `--all` means every protocol, whatever else is said.
fn scope(flags: &Protocols) -> Scope {
    let both = flags.ipv4 == flags.ipv6;
    let groups = [
        (Group::Tcp, flags.tcp),
        (Group::Udp, flags.udp),
        (Group::Dccp, flags.dccp),
        (Group::Icmp, flags.icmp),
        (Group::Sctp, flags.sctp),
        (Group::Other, flags.other),
    ];
    let default = !groups.iter().any(|(_, asked)| *asked);
    let scope = Scope::NOTHING
        .with_family(Family::Ipv4, both || flags.ipv4)
        .with_family(Family::Ipv6, both || flags.ipv6)
        .with_loopback(flags.loopback);
    groups.into_iter().fold(scope, |scope, (group, asked)| {
        let on = asked || flags.all || (default && group == Group::Tcp);
        scope.with_group(group, on)
    })
}

const fn unit(options: &Options) -> RateUnit {
    if options.display.bits {
        RateUnit::Bits
    } else {
        RateUnit::Bytes
    }
}

/// `--color` decides; left to itself, <https://no-color.org> does.
fn colors(options: &Options, variable: &impl Fn(&str) -> Option<OsString>) -> bool {
    match options.display.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let dumb = variable("TERM").is_some_and(|term| term == OsStr::new("dumb"));
            set(variable, "NO_COLOR").is_none() && !dumb
        }
    }
}

/// `$XDG_CONFIG_HOME/flowtop`, else `~/.config/flowtop`.
fn user_dir(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The base directory specification: a relative path is to be ignored.
    let absolute = |name| {
        set(variable, name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_CONFIG_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".config")))
        .map(|dir| dir.join("flowtop"))
}

/// A variable that is set and not empty.
fn set(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<OsString> {
    variable(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
