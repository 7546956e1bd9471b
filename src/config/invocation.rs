//! What a command line comes to.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::SourceMode;
use crate::enrich::{dns, geoip, geoip_update, locality};
use crate::flow::{Protocol, Scope};
use crate::output;
use crate::tui::keymap::Keymap;
use crate::tui::memory::Memory;
use crate::tui::theme::Depth;
use crate::view::column::Choice;
use crate::view::filter::{Definitions, Filter};
use crate::view::group::{Grouping, Widths};
use crate::view::health;
use crate::view::sort::Sort;
use crate::view::units::{RateUnit, Tiers};

/// What to do.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of them in a run")]
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
    /// Print [`SAMPLE`](super::SAMPLE).
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
    /// From where on the table is too full.
    pub health: health::Settings,
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

/// A service, as `--service` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// The port, or what it is called.
    pub port: String,
    /// Transport protocol.
    pub proto: Protocol,
}

/// Which flows to watch, and how.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct SourceOptions {
    /// Families, protocols, loopback.
    pub scope: Scope,
    /// Which of these; `None`: all.
    pub filter: Option<Arc<Filter>>,
    /// The service whose clients to look at; `None`: all flows.
    pub service: Option<ServiceName>,
    /// Where the NFS server of this machine tells of its clients.
    pub nfsd_dir: PathBuf,
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
    /// Whether addresses and names are shown and written as pseudonyms.
    pub mask: bool,
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
    /// How wide subnets are.
    pub subnets: Widths,
    /// Where to write screens and exports; `None` if there is no home.
    pub export_dir: Option<PathBuf>,
    /// Bits or bytes per second.
    pub unit: RateUnit,
    /// From which rates on rows look busy.
    pub tiers: Tiers,
    /// Whether the viewer takes the mouse.
    pub mouse: bool,
    /// Which key does what.
    pub keys: Keymap,
    /// How many colours the terminal has, and the user wants.
    pub depth: Depth,
    /// How many flows that have ended to keep.
    pub max_closed: usize,
    /// Name of the theme.
    pub theme: String,
    /// What was last chosen in the viewer, as far as no flag says otherwise.
    pub memory: Memory,
    /// Where this viewer leaves what is chosen; `None`: nowhere.
    pub state_file: Option<PathBuf>,
    /// Filters that are kept under a name.
    pub saved: Definitions,
    /// From where on something is a finding.
    pub health: health::Settings,
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
    /// By what flows are put together; `None`: not at all.
    pub grouping: Option<Grouping>,
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
