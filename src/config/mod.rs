//! What the command line and the environment ask for, as settings of others.
//!
//! [`parse`] is a pure function: arguments, variables and texts of files in, an
//! [`Invocation`] or a [`Usage`] out. The flags and their documentation stand
//! in `options`; the help and the manual come from there.
//!
//! From low to high: `/etc/flowtop/flowtop.toml`, the file of the user, that of
//! `--config`, the environment, and the flags. Each fills a `Layer`, and one `Layer` of all is
//! lowered into the settings of others. What is not said has the default of the
//! man page: TCP over IPv4 and IPv6, without loopback, refreshed every second.

mod file;
mod layer;
mod options;
mod value;

use std::ffi::OsString;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::enrich::dns::{self, Lookup};
use crate::enrich::{geoip, geoip_update, locality};
use crate::flow::{Family, Group, Scope};
use crate::output::{self, Course, Format};
use crate::tui::keymap::Keymap;
use crate::tui::keys::Action;
use crate::tui::theme::Depth;
use crate::view::column::Choice;
use crate::view::filter::Filter;
use crate::view::sort::Sort;
use crate::view::units::RateUnit;
use file::Base;
use layer::Layer;
pub use options::SourceMode;
use options::{Color, Command, Options, Records, Update, VERSION};

/// The configuration file with all keys and their defaults, for
/// `--print-config`.
pub const SAMPLE: &str = include_str!("../../conf/flowtop.toml");

/// Time between refreshes if nobody says otherwise.
const INTERVAL: Duration = Duration::from_secs(1);
/// Receive buffer of events if nobody says otherwise.
const RECEIVE_BUFFER_BYTES: usize = 16 << 20;

/// The theme of whoever wishes for none: the terminal's own colours.
const THEME: &str = "terminal";

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
    /// Tell what can be seen, and what would let more be seen.
    Doctor(DoctorOptions),
    /// Update the databases of places.
    Update(UpdateOptions),
    /// Print [`SAMPLE`].
    PrintConfig,
}

/// What is to be found out beyond the kernel's word.
#[derive(Clone, Debug)]
pub struct LookupOptions {
    /// Files of service names to read last.
    pub services: Vec<PathBuf>,
    /// Whether the command line names them, so that it is wrong if they cannot
    /// be read.
    pub services_required: bool,
    /// Databases of places.
    pub places: geoip::Settings,
    /// Who is asked for names; `None`: nobody, and no local ones either.
    pub names: Option<dns::Settings>,
}

/// What to look at.
#[derive(Clone, Debug)]
pub struct DoctorOptions {
    /// In which network namespace, if not in that of the caller.
    pub netns: Option<String>,
    /// Databases of places.
    pub places: geoip::Settings,
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
    /// Which of these; `None`: all.
    pub filter: Option<Arc<Filter>>,
    /// Time from one refresh or sample to the next.
    pub interval: Duration,
    /// In which network namespace, if not in that of the caller: a name, a
    /// process id or a path.
    pub netns: Option<String>,
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
    /// What of the files of configuration could not be used.
    pub warnings: Vec<String>,
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
    /// Which key does what.
    pub keys: Keymap,
    /// How many colours the terminal has, and the user wants.
    pub depth: Depth,
    /// Name of the theme.
    pub theme: String,
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
    /// What is wrong with the command line, for stderr: one line, and if it is
    /// a filter that is wrong, the place in it.
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
    in_one_line(&said.join("; "))
}

/// A message that repeats what others wrote, whatever that holds.
fn in_one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
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
/// `variable` reads the environment, and `read` the text of a file.
///
/// # Errors
/// If the help or the version is asked for, or an argument or the file of
/// `--config` is wrong.
pub fn parse<A: Into<OsString> + Clone>(
    args: impl IntoIterator<Item = A>,
    variable: impl Fn(&str) -> Option<OsString>,
    read: impl Fn(&Path) -> io::Result<String>,
    surroundings: Surroundings,
) -> Result<Invocation, Usage> {
    let Surroundings {
        stdout_is_terminal, ..
    } = surroundings;
    let options = Options::try_parse_from(args)?;
    if options.general.version {
        return Err(Usage::Asked(VERSION.into()));
    }
    if options.general.print_config {
        return Ok(Invocation::PrintConfig);
    }
    let filter = filter(options.protocols.filter.as_deref())?;
    let (mut layer, mut warnings) = layers(&options, &variable, &read)?;
    if filter.is_some() && !options.protocols.names_any() {
        // The filter says which.
        layer.protocols = Some(Group::ALL.to_vec());
    }
    let keys = keymap(&layer, &mut warnings);
    if options.general.update {
        let flags = match &options.command {
            Some(Command::Update(flags)) => flags.clone(),
            _ => Update::default(),
        };
        return Ok(Invocation::Update(update(flags, &variable, surroundings)));
    }
    let names = match &options.command {
        Some(Command::Fields | Command::Doctor | Command::Update(_)) => false,
        None if stdout_is_terminal => !layer.no_dns.unwrap_or(false),
        _ => options.display.dns,
    };
    let unit = unit(&layer);
    let lookups = LookupOptions {
        services_required: !options.lookups.services.is_empty(),
        ..lookups(&layer, &variable, names)
    };
    let source = SourceOptions {
        filter,
        netns: options.source.netns.clone(),
        warnings,
        ..source(&layer, &variable, lookups)
    };
    let settings = |records: Records, course| output::Settings {
        format: records.output,
        fields: records.fields.map(|fields| fields.0),
        unit,
        course,
    };
    Ok(match options.command {
        Some(Command::Fields) => Invocation::Fields,
        Some(Command::Doctor) => Invocation::Doctor(DoctorOptions {
            netns: source.netns,
            places: source.lookups.places,
        }),
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
            show_source: layer.show_src.unwrap_or(false),
            columns: layer.columns.unwrap_or_default(),
            unit,
            keys,
            depth: depth(layer.color, &variable),
            theme: layer.theme.unwrap_or_else(|| THEME.to_owned()),
        }),
        None => {
            let records = Records {
                output: Format::Table,
                fields: None,
            };
            let output = settings(records, Course::Samples);
            Invocation::List(list(source, output, NonZeroU32::MIN))
        }
    })
}

/// Files, environment and flags as one layer, and what of the files could not be used. Those
/// of system and user need not be there.
fn layers(
    options: &Options,
    variable: &impl Fn(&str) -> Option<OsString>,
    read: &impl Fn(&Path) -> io::Result<String>,
) -> Result<(Layer, Vec<String>), Usage> {
    let home = set(variable, "HOME").map(PathBuf::from);
    let parsed = |path: &Path, below: &Layer| match read(path) {
        Ok(text) => {
            let dir = path.parent().unwrap_or(Path::new(""));
            let home = home.as_deref();
            file::read(&text, Base { dir, home }, below).map(Some)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    let mut layer = Layer::default();
    let mut warnings = Vec::new();
    let usual = std::iter::once("/etc/flowtop".into()).chain(user_dir(variable));
    for path in usual.map(|dir: PathBuf| dir.join("flowtop.toml")) {
        let told = path.display();
        match parsed(&path, &layer) {
            Ok(file) => {
                let file = file.unwrap_or_default();
                warnings.extend(file.problems.iter().map(|p| format!("{told}: {p}")));
                layer = file.layer.over(layer);
            }
            Err(problem) => warnings.push(format!("{told}: {problem}; nothing of it is used")),
        }
    }
    if let Some(path) = &options.general.config {
        let wrong = |problem: &str| {
            let told = format!("the configuration {}: {problem}", path.display());
            Usage::Wrong(in_one_line(&told))
        };
        let file = parsed(path, &layer)
            .and_then(|file| file.ok_or_else(|| "there is no such file".to_owned()))
            .map_err(|problem| wrong(&problem))?;
        match &file.problems[..] {
            [] => layer = file.layer.over(layer),
            [only] => return Err(wrong(only)),
            [first, rest @ ..] => {
                return Err(wrong(&format!("{first} (and {} more)", rest.len())));
            }
        }
    }
    let layer = Layer::of_environment(variable).over(layer);
    Ok((Layer::of_flags(options)?.over(layer), warnings))
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
    layer: &Layer,
    variable: &impl Fn(&str) -> Option<OsString>,
    names: bool,
) -> LookupOptions {
    let dir = layer.geoip_dir.clone();
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty());
    LookupOptions {
        services: layer.services.clone().unwrap_or_default(),
        services_required: false,
        places: geoip::Settings {
            enabled: !layer.no_geoip.unwrap_or(false),
            named_dir: dir,
            ..geoip::Settings::search(None, variable)
        },
        names: names.then(|| {
            let mut settings = dns::Settings {
                lookup: layer.resolver.unwrap_or(Lookup::Dns),
                ..dns::Settings::default()
            };
            settings.local.table.clone_from(&layer.names);
            settings
        }),
    }
}

fn source(
    layer: &Layer,
    variable: &impl Fn(&str) -> Option<OsString>,
    lookups: LookupOptions,
) -> SourceOptions {
    SourceOptions {
        scope: scope(layer),
        filter: None,
        interval: layer.interval.unwrap_or(INTERVAL),
        netns: None,
        mode: layer.mode.unwrap_or(SourceMode::Auto),
        processes: !layer.no_process.unwrap_or(false),
        switch_sysctls: !layer.no_sysctl.unwrap_or(false),
        track: layer.track.unwrap_or(false),
        receive_buffer_bytes: layer.rcvbuf.unwrap_or(RECEIVE_BUFFER_BYTES),
        locality: locality::Settings {
            local: layer.local.clone().unwrap_or_default(),
        },
        user_dir: user_dir(variable),
        lookups,
        warnings: Vec::new(),
    }
}

/// Reads `--filter`. An empty one is none.
fn filter(text: Option<&str>) -> Result<Option<Arc<Filter>>, Usage> {
    let filter = text.map(Filter::parse).transpose();
    let filter = filter.map_err(|error| Usage::Wrong(format!("--filter: {error}")))?;
    Ok(filter.filter(|filter| !filter.is_empty()).map(Arc::new))
}

/// Families and protocols. Those of a higher layer replace those below; where
/// nothing is said, both families count, and TCP alone.
fn scope(layer: &Layer) -> Scope {
    let families = layer
        .families
        .as_deref()
        .unwrap_or(&[Family::Ipv4, Family::Ipv6]);
    let groups = layer.protocols.as_deref().unwrap_or(&[Group::Tcp]);
    let scope = Scope::NOTHING.with_loopback(layer.loopback.unwrap_or(false));
    let scope = families
        .iter()
        .fold(scope, |scope, family| scope.with_family(*family, true));
    groups
        .iter()
        .fold(scope, |scope, group| scope.with_group(*group, true))
}

/// The keys of all layers. There is always one to quit with.
fn keymap(layer: &Layer, warnings: &mut Vec<String>) -> Keymap {
    let mut keys = Keymap::new(layer.preset.unwrap_or_default(), &layer.keys);
    if !keys.has_way_out() {
        keys.bind(Keymap::WAY_OUT, Some(Action::Quit));
        warnings.push(format!(
            "[keys] leaves no key to quit with; {} stays",
            Keymap::WAY_OUT
        ));
    }
    keys
}

fn unit(layer: &Layer) -> RateUnit {
    if layer.bits.unwrap_or(false) {
        RateUnit::Bits
    } else {
        RateUnit::Bytes
    }
}

/// `--color` decides; left to itself, <https://no-color.org> does. How many
/// colours there are the terminal says.
fn depth(color: Option<Color>, variable: &impl Fn(&str) -> Option<OsString>) -> Depth {
    let of_terminal = Depth::of(
        variable("COLORTERM").as_deref(),
        variable("TERM").as_deref(),
    );
    match color.unwrap_or(Color::Auto) {
        Color::Always => of_terminal.max(Depth::Ansi),
        Color::Never => Depth::None,
        Color::Auto if set(variable, "NO_COLOR").is_some() => Depth::None,
        Color::Auto => of_terminal,
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
