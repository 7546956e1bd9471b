//! What the command line and the environment ask for, as settings of others.
//!
//! [`parse`] is a pure function: arguments, variables and texts of files in, an
//! [`Invocation`] or a [`Usage`] out. The flags and their documentation stand
//! in `options`; the help and the manual come from there.
//!
//! From low to high: `/etc/flowtop/flowtop.toml`, the file of the user, that of
//! `--config`, the environment, what was last chosen in the viewer (`memory`),
//! and the flags. Each fills a `Layer`, and one `Layer` of all is
//! lowered into the settings of others. What is not said has the default of the
//! man page: TCP over IPv4 and IPv6, without loopback, refreshed every second.

mod defaults;
mod file;
mod invocation;
mod layer;
mod memory;
mod options;
mod usage;
mod value;

use std::ffi::OsString;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Parser as _;

use crate::enrich::dns::{self, Lookup};
use crate::enrich::{geoip, geoip_update, locality, nfsd};
use crate::flow::{Family, Group, Scope};
use crate::output::{self, Course, Format};
use crate::tui::keymap::Keymap;
use crate::tui::keys::Action;
use crate::tui::memory::Memory;
use crate::tui::theme::Depth;
use crate::view::column::Choice;
use crate::view::filter::{Definitions, Filter};
use crate::view::sort::Sort;
use crate::view::units::RateUnit;
pub use defaults::with_defaults;
use file::Base;
pub use invocation::{
    DoctorOptions, EventsOptions, Invocation, ListOptions, LookupOptions, ServiceName,
    SourceOptions, UpdateOptions, ViewerOptions,
};
use layer::Layer;
pub use memory::written as memory_file;
pub use options::SourceMode;
use options::{Color, Command, Listing, Options, Records, Update, VERSION};
pub use usage::Usage;
use usage::in_one_line;
use value::Sorting;

/// The configuration file with all keys and their defaults, for
/// `--print-config`.
pub const SAMPLE: &str = include_str!("../../conf/flowtop.toml");

/// Time between refreshes if nobody says otherwise.
const INTERVAL: Duration = Duration::from_secs(1);
/// Receive buffer of events if nobody says otherwise.
const RECEIVE_BUFFER_BYTES: usize = 16 << 20;
/// Ended flows to keep if nobody says otherwise.
const MAX_CLOSED: usize = 10_000;

/// The theme of whoever wishes for none: the terminal's own colours.
const THEME: &str = "terminal";

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
    let (files, mut warnings) = layers(&options, &variable, &read)?;
    let saved = definitions(&files);
    let filter = filter(options.protocols.filter.as_deref(), &saved)?;
    let flags = Layer::of_flags(&options)?;
    let is_viewer = options.command.is_none() && stdout_is_terminal && !options.general.update;
    let keeps = is_viewer && !flags.no_state.or(files.no_state).unwrap_or(false);
    let (memory, state_file) = if keeps {
        remembered(&variable, &read, &mut warnings)
    } else {
        (Memory::default(), None)
    };
    let mut layer = flags.over(Layer::of_memory(&memory).over(files));
    choose_protocols(&options, filter.is_some(), &mut layer)?;
    let keys = keymap(&layer, &mut warnings);
    if options.general.update {
        let flags = match &options.command {
            Some(Command::Update(flags)) => flags.clone(),
            _ => Update::default(),
        };
        return Ok(Invocation::Update(update(flags, &variable, surroundings)));
    }
    let names = looks_up_names(&options, &layer, stdout_is_terminal);
    let unit = unit(&layer);
    let lookups = LookupOptions {
        services_required: !options.lookups.services.is_empty(),
        ..lookups(&layer, &variable, names)
    };
    let source = SourceOptions {
        filter,
        service: options.protocols.service.clone(),
        nfsd_dir: options
            .lookups
            .nfsd_dir
            .unwrap_or_else(|| nfsd::DIRECTORY.into()),
        netns: options.source.netns.clone(),
        warnings,
        ..source(&layer, &variable, lookups)
    };
    // A file's columns are meant for the viewer.
    let columns = options.display.columns.as_ref();
    let settings = |records, course| written(records, course, unit, columns);
    Ok(match options.command {
        Some(Command::Fields) => Invocation::Fields,
        Some(Command::Doctor) => Invocation::Doctor(doctor(source, &layer)),
        Some(Command::Update(flags)) => Invocation::Update(update(flags, &variable, surroundings)),
        Some(Command::Events(records)) => Invocation::Events(EventsOptions {
            source,
            output: settings(records, Course::Events),
        }),
        Some(Command::List(Listing {
            count,
            group,
            sort,
            top,
            records,
        })) => Invocation::List(ListOptions {
            grouping: group.map(|by| by.with(layer.subnet.unwrap_or_default())),
            sort: order(sort, group.is_some() || source.service.is_some())?,
            top,
            ..list(source, settings(records, Course::Samples), count)
        }),
        None if stdout_is_terminal => {
            let viewer = viewer(source, layer, keys, &variable);
            Invocation::View(ViewerOptions {
                memory,
                state_file,
                saved,
                ..viewer
            })
        }
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

/// Whether names of hosts are asked for: always by the viewer, of the others when
/// that is wished for.
fn looks_up_names(options: &Options, layer: &Layer, stdout_is_terminal: bool) -> bool {
    match &options.command {
        Some(Command::Fields | Command::Doctor | Command::Update(_)) => false,
        None if stdout_is_terminal => !layer.no_dns.unwrap_or(false),
        _ => options.display.dns,
    }
}

/// What the last viewer left, and where this one may leave it. A file that cannot
/// be read is left alone.
fn remembered(
    variable: &impl Fn(&str) -> Option<OsString>,
    read: &impl Fn(&Path) -> io::Result<String>,
    warnings: &mut Vec<String>,
) -> (Memory, Option<PathBuf>) {
    let Some(path) = memory::path(variable) else {
        return (Memory::default(), None);
    };
    let text = match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(|error| error.to_string()),
    };
    match text.and_then(|text| memory::read(&text)) {
        Ok(memory) => (memory, Some(path)),
        Err(problem) => {
            warnings.push(format!(
                "{}: {problem}; nothing is remembered until it is mended or removed",
                path.display()
            ));
            (Memory::default(), None)
        }
    }
}

/// Lets a filter have all protocols, and `--service` choose them: its own, and
/// what else is asked for by name.
///
/// # Errors
/// If it stands beside what tells of flows only.
fn choose_protocols(options: &Options, filters: bool, layer: &mut Layer) -> Result<(), Usage> {
    if filters && !options.protocols.names_any() {
        // The filter says which.
        layer.protocols = Some(Group::ALL.to_vec());
    }
    let Some(service) = &options.protocols.service else {
        return Ok(());
    };
    if matches!(options.command, Some(Command::Events(_))) {
        let wrong = "--service: events have no clients; say --filter 'dir:in dport:PORT'";
        return Err(Usage::Wrong(wrong.to_owned()));
    }
    if let Some(Command::List(listing)) = &options.command
        && listing.records.fields.is_some()
    {
        let wrong = "--service: --fields is about flows; clients come with all their fields";
        return Err(Usage::Wrong(wrong.to_owned()));
    }
    let mut protocols = vec![service.proto.group()];
    if options.protocols.names_any() {
        protocols.extend(layer.protocols.take().into_iter().flatten());
    }
    layer.protocols = Some(protocols);
    Ok(())
}

/// Files and environment as one layer, and what of the files could not be used.
/// Those of system and user need not be there.
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
    Ok((Layer::of_environment(variable).over(layer), warnings))
}

/// The order that `--sort` asks for, of flows or of groups.
fn order(sorting: Option<Sorting>, of_groups: bool) -> Result<Option<Sort>, Usage> {
    let sort = sorting.map(|sorting| sorting.of(of_groups)).transpose();
    sort.map_err(|problem| Usage::Wrong(format!("--sort: {problem}; see flowtop --help")))
}

/// What is looked at.
fn doctor(source: SourceOptions, layer: &Layer) -> DoctorOptions {
    DoctorOptions {
        netns: source.netns,
        places: source.lookups.places,
        health: file::health::settings(&layer.health),
    }
}

/// What the viewer begins with; nothing is remembered yet.
fn viewer(
    source: SourceOptions,
    layer: Layer,
    keys: Keymap,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> ViewerOptions {
    ViewerOptions {
        export_dir: export_dir(&layer, variable),
        source,
        show_source: layer.show_src.unwrap_or(false),
        unit: unit(&layer),
        columns: layer.columns.unwrap_or_default(),
        subnets: layer.subnet.unwrap_or_default(),
        tiers: layer.rate_tiers.unwrap_or_default(),
        mouse: !layer.no_mouse.unwrap_or(false),
        keys,
        depth: depth(layer.color, variable),
        max_closed: layer.max_closed.unwrap_or(MAX_CLOSED),
        theme: layer.theme.unwrap_or_else(|| THEME.to_owned()),
        memory: Memory::default(),
        state_file: None,
        saved: Definitions::default(),
        health: file::health::settings(&layer.health),
    }
}

/// How records are written.
fn written(
    records: Records,
    course: Course,
    unit: RateUnit,
    columns: Option<&Choice>,
) -> output::Settings {
    output::Settings {
        format: records.output,
        fields: records.fields.map(|fields| fields.0),
        unit,
        course,
        columns: columns.map(Choice::printed),
        mask: None,
    }
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
        grouping: None,
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
        service: None,
        nfsd_dir: nfsd::DIRECTORY.into(),
        interval: layer.interval.unwrap_or(INTERVAL),
        netns: None,
        mode: layer.mode.unwrap_or(SourceMode::Auto),
        processes: !layer.no_process.unwrap_or(false),
        switch_sysctls: !layer.no_sysctl.unwrap_or(false),
        track: layer.track.unwrap_or(false),
        mask: layer.mask.unwrap_or(false),
        receive_buffer_bytes: layer.rcvbuf.unwrap_or(RECEIVE_BUFFER_BYTES),
        locality: locality::Settings {
            local: layer.local.clone().unwrap_or_default(),
        },
        user_dir: user_dir(variable),
        lookups,
        warnings: Vec::new(),
    }
}

/// The filters that files keep under a name.
fn definitions(files: &Layer) -> Definitions {
    let texts = files.filters.iter();
    Definitions::new(texts.map(|(name, text)| (&**name, &**text)))
}

/// Reads `--filter`. An empty one is none.
fn filter(text: Option<&str>, saved: &Definitions) -> Result<Option<Arc<Filter>>, Usage> {
    let read = |text| Filter::parse_with(text, saved);
    let filter = text.map(read).transpose();
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
    absolute(variable, "XDG_CONFIG_HOME")
        .or_else(|| Some(absolute(variable, "HOME")?.join(".config")))
        .map(|dir| dir.join("flowtop"))
}

/// The path in a variable; a relative one is to be ignored, says the base
/// directory specification.
fn absolute(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    let path = set(variable, name).map(PathBuf::from);
    path.filter(|path| path.is_absolute())
}

/// A variable that is set and not empty.
/// Where screens and exports are written: where the user says, else where the
/// state of programs is kept (XDG Base Directory Specification).
fn export_dir(layer: &Layer, variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let said = layer.export_dir.clone();
    said.filter(|dir| !dir.as_os_str().is_empty()).or_else(|| {
        let state = set(variable, "XDG_STATE_HOME").and_then(absolute);
        let home = || Some(PathBuf::from(set(variable, "HOME")?).join(".local/state"));
        Some(state.or_else(home)?.join("flowtop"))
    })
}

fn set(variable: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<OsString> {
    variable(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
