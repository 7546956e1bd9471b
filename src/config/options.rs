//! The flags, as clap reads them. The first paragraph of a comment is the line
//! of the help; the manual has all of it.
#![expect(
    clippy::doc_markdown,
    reason = "help and manual show these comments as they are, backticks included"
)]

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use ipnet::IpNet;

use super::value::{self, FieldList};
use crate::enrich::dns::Lookup;
use crate::enrich::locality;
use crate::output::Format;
use crate::view::column::Choice;
use crate::view::sort::Sort;

/// What `--version` prints.
pub(super) const VERSION: &str = concat!(
    "flowtop ",
    env!("CARGO_PKG_VERSION"),
    "\nCopyright (C) 2026 the flowtop contributors.",
    "\nLicence MIT OR Apache-2.0: free software, which you may change and pass on.",
    "\nThere is NO WARRANTY, to the extent permitted by law.\n"
);

const AFTER_HELP: &str = "\
Without a command flowtop shows a live view, or prints one table if its output \
is no terminal. Without root it shows the connections of this machine only. \
`man flowtop` has keys, fields and examples.";

/// Who is talking to whom, and how fast: the connections this machine tracks
#[derive(Clone, Debug, Parser)]
#[command(
    name = "flowtop",
    after_help = AFTER_HELP,
    override_usage = "flowtop [OPTIONS] [list | events | fields | doctor | update]",
    args_override_self = true,
    disable_help_flag = true,
    disable_help_subcommand = true,
    disable_version_flag = true,
    max_term_width = 100
)]
pub(super) struct Options {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) protocols: Protocols,
    #[command(flatten)]
    pub(super) display: Display,
    #[command(flatten)]
    pub(super) source: Source,
    #[command(flatten)]
    pub(super) lookups: Lookups,
    #[command(flatten)]
    pub(super) general: General,
    #[command(flatten)]
    pub(super) undo: Undo,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Families and protocols")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag of the command line each"
)]
pub(super) struct Protocols {
    /// IPv4 flows
    ///
    /// Without a family flag, both families are shown.
    #[arg(short = '4', long, global = true)]
    pub(super) ipv4: bool,

    /// IPv6 flows
    ///
    /// Without a family flag, both families are shown.
    #[arg(short = '6', long, global = true)]
    pub(super) ipv6: bool,

    /// TCP flows; the default if no protocol is named
    ///
    /// Any other protocol flag replaces this default; a filter makes it all.
    #[arg(short = 'T', long, global = true)]
    pub(super) tcp: bool,

    /// UDP and UDP-Lite flows, QUIC and DNS among them
    #[arg(short = 'U', long, global = true)]
    pub(super) udp: bool,

    /// DCCP flows
    ///
    /// Linux 6.17 and later do not follow DCCP: there such flows have neither
    /// ports nor a state.
    #[arg(short = 'D', long, global = true)]
    pub(super) dccp: bool,

    /// ICMP and ICMPv6 flows
    #[arg(short = 'I', long, global = true)]
    pub(super) icmp: bool,

    /// SCTP flows
    #[arg(short = 'S', long, global = true)]
    pub(super) sctp: bool,

    /// Every other protocol: GRE, ESP, IGMP and so on
    #[arg(short = 'O', long, global = true)]
    pub(super) other: bool,

    /// All protocols
    #[arg(short = 'A', long, global = true)]
    pub(super) all: bool,

    /// Also flows from or to 127.0.0.0/8 and ::1
    #[arg(long, global = true, overrides_with = "no_loopback")]
    pub(super) loopback: bool,

    /// Only flows that this filter holds, as in 'port 443 and rate>1M'
    ///
    /// It chooses among the families and protocols that are shown; without a
    /// protocol flag, among all of them. FILTERS tells the language. With list
    /// and events it chooses what is printed, in the viewer / changes it.
    #[arg(
        short = 'f',
        long,
        value_name = "EXPR",
        global = true,
        allow_hyphen_values = true
    )]
    pub(super) filter: Option<String>,
}

impl Protocols {
    /// Whether any protocol is asked for by name.
    pub(super) const fn names_any(&self) -> bool {
        let Self {
            tcp,
            udp,
            dccp,
            icmp,
            sctp,
            other,
            all,
            ..
        } = self;
        *tcp || *udp || *dccp || *icmp || *sctp || *other || *all
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Display")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag of the command line each"
)]
pub(super) struct Display {
    /// No host names, only addresses
    ///
    /// Otherwise the viewer shows names from the [names] table, DHCP leases and
    /// the hosts file, and asks the nameservers about what is on screen, a few
    /// queries a second. Records have names only with --dns.
    #[arg(short = 'n', long, global = true, overrides_with = "dns")]
    pub(super) no_dns: bool,

    /// Host names in records, too, and whatever the configuration says
    ///
    /// list and events wait for names two seconds at most.
    #[arg(long, global = true, overrides_with = "no_dns")]
    pub(super) dns: bool,

    /// No places
    ///
    /// Otherwise countries come from the database that is built in, or from
    /// better ones that `flowtop update` or others have installed. No network
    /// is needed for it.
    #[arg(short = 'G', long, global = true, overrides_with = "geoip")]
    pub(super) no_geoip: bool,

    /// Show where flows come from, even if that costs other columns
    ///
    /// This is for the viewer; tables always have the column.
    #[arg(short = 's', long, global = true, overrides_with = "no_show_src")]
    pub(super) show_src: bool,

    /// Columns of the viewer: a list such as proto,dst,rtt, or +rtt,-cc
    ///
    /// With signs, what is to be added to the usual columns and taken away. The
    /// key C lists all of them; destination is always shown.
    #[arg(
        long,
        value_name = "KEYS",
        value_parser = value::columns,
        allow_hyphen_values = true,
        global = true
    )]
    pub(super) columns: Option<Choice>,

    /// Rates in bits per second instead of bytes
    ///
    /// Amounts of data stay bytes, and so do the fields of records, which are
    /// named after their units.
    #[arg(short = 'b', long, global = true, overrides_with = "no_bits")]
    pub(super) bits: bool,

    /// Theme of the viewer: terminal, mono, nord and so on
    ///
    /// The key t shows them all. Those that are built in are terminal (the
    /// default: the terminal's own colours), mono, high-contrast, light, nord,
    /// gruvbox, dracula, tokyo-night, solarized-dark and solarized-light; files
    /// NAME.toml in the directory themes beside a flowtop.toml add to them.
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) theme: Option<String>,

    /// Colours: auto, always or never
    ///
    /// With auto, the default, there are none if NO_COLOR is set or the
    /// terminal is a dumb one.
    #[arg(long, value_name = "WHEN", global = true, hide_possible_values = true)]
    pub(super) color: Option<Color>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Source")]
pub(super) struct Source {
    /// Seconds between refreshes, 0.1 to 3600; 1 by default
    #[arg(
        short = 't',
        long,
        value_name = "SECONDS",
        value_parser = value::interval,
        allow_negative_numbers = true,
        global = true
    )]
    pub(super) interval: Option<Duration>,

    /// Where to learn of flows: auto, conntrack or sockets
    ///
    /// conntrack shows every flow that the kernel tracks, forwarded ones among
    /// them; it needs CAP_NET_ADMIN, and a rule that makes the kernel track.
    /// sockets shows the connections of this machine, and works for anybody.
    /// auto, the default, takes conntrack where it can be read and sees
    /// anything, and else sockets; the viewer changes over when that changes.
    #[arg(
        long = "source",
        value_name = "WHICH",
        global = true,
        hide_possible_values = true
    )]
    pub(super) mode: Option<SourceMode>,

    /// Look into another network namespace: a name, a process id or a path
    ///
    /// A name is one of `ip netns`; a process id stands for the namespace of
    /// that process, as of a container. It needs CAP_SYS_ADMIN. Names are asked
    /// from there, too.
    #[arg(long, value_name = "WHICH", global = true)]
    pub(super) netns: Option<String>,

    /// Do not find out which processes flows belong to
    ///
    /// Otherwise sockets and /proc are looked through for the flows of this
    /// machine; never for forwarded ones.
    #[arg(long, global = true, overrides_with = "process")]
    pub(super) no_process: bool,

    /// Do not switch on accounting and time stamps
    ///
    /// Otherwise net.netfilter.nf_conntrack_acct and nf_conntrack_timestamp of
    /// this network namespace are switched on if they are off, and put back at
    /// the end. A single list leaves them alone in any case: it could gain
    /// nothing.
    #[arg(long, global = true, overrides_with = "sysctl")]
    pub(super) no_sysctl: bool,

    /// Have the kernel track connections, if no rule does
    ///
    /// Then the table inet flowtop is added to nftables: one rule each for
    /// input, forward and output that looks at the state of connections and
    /// does nothing about it. The kernel removes it when flowtop ends, however
    /// it ends; before Linux 5.12 flowtop does, if it can. The key E does the
    /// same in the viewer. A single list can gain nothing.
    #[arg(long, global = true, overrides_with = "no_track")]
    pub(super) track: bool,

    /// Buffer for events in bytes, k or M; 16M by default
    ///
    /// One event takes 1280 bytes until it is read. If flowtop reports lost
    /// events, make this larger. From 4k to 1024M.
    #[arg(
        long,
        value_name = "BYTES",
        value_parser = value::size,
        allow_negative_numbers = true,
        global = true
    )]
    pub(super) rcvbuf: Option<usize>,

    /// Networks that count as ours, such as 10.0.0.0/8; may be repeated
    ///
    /// What flowtop finds on the interfaces of this machine is ours anyway. This
    /// adds networks behind other routers. It decides which end of a flow is
    /// the near one, not where a flow goes.
    #[arg(
        long,
        value_name = "CIDR",
        value_delimiter = ',',
        value_parser = locality::cidr::parse,
        global = true,
        action = ArgAction::Append
    )]
    pub(super) local: Vec<IpNet>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Names and places")]
pub(super) struct Lookups {
    /// Who looks names up: dns or system
    ///
    /// With dns, the default, flowtop asks the nameservers of resolv.conf
    /// itself, over one socket each, so that it adds one flow and hides it.
    /// With system, libc is asked, which knows what nsswitch.conf names, but
    /// costs a tracked flow for each query.
    #[arg(
        long,
        value_name = "WHO",
        value_parser = value::named(["dns", "system"], value::lookup),
        global = true,
        hide_possible_values = true
    )]
    pub(super) resolver: Option<Lookup>,

    /// Look for databases of places here first
    #[arg(long, value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(super) geoip_dir: Option<OsString>,

    /// A file of service names, `PORT, NAME`; wins over all others
    ///
    /// May be given several times; the last one wins.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        action = ArgAction::Append,
        value_hint = ValueHint::FilePath
    )]
    pub(super) services: Vec<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "General")]
pub(super) struct General {
    /// Read this configuration last, after those of system and user
    ///
    /// A file named here has to be there and without mistakes.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        value_hint = ValueHint::FilePath
    )]
    pub(super) config: Option<PathBuf>,

    /// Print a configuration file with all keys and their defaults, and exit
    #[arg(long, global = true)]
    pub(super) print_config: bool,

    /// Update the databases of places and exit, as `flowtop update`
    #[arg(short = 'u', long, global = true)]
    pub(super) update: bool,

    /// Print the version and exit
    #[arg(short = 'v', short_alias = 'V', long, global = true)]
    pub(super) version: bool,

    /// Print this help and exit
    #[arg(short = 'h', long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

/// What takes back a flag, or a line of the configuration.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Opposites")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag of the command line each"
)]
pub(super) struct Undo {
    /// The opposite of --loopback
    #[arg(long, global = true, hide = true, overrides_with = "loopback")]
    pub(super) no_loopback: bool,

    /// The opposite of --no-geoip
    #[arg(long, global = true, hide = true, overrides_with = "no_geoip")]
    pub(super) geoip: bool,

    /// The opposite of --show-src
    #[arg(long, global = true, hide = true, overrides_with = "show_src")]
    pub(super) no_show_src: bool,

    /// The opposite of --bits
    #[arg(long, global = true, hide = true, overrides_with = "bits")]
    pub(super) no_bits: bool,

    /// The opposite of --no-process
    #[arg(long, global = true, hide = true, overrides_with = "no_process")]
    pub(super) process: bool,

    /// The opposite of --no-sysctl
    #[arg(long, global = true, hide = true, overrides_with = "no_sysctl")]
    pub(super) sysctl: bool,

    /// The opposite of --track
    #[arg(long, global = true, hide = true, overrides_with = "track")]
    pub(super) no_track: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Print the flows and exit
    ///
    /// Every flow in scope is printed once, or as often as --count says.
    List {
        /// Number of samples, one each interval; 1 by default
        ///
        /// A rate takes two: the first sample has none.
        #[arg(
            long,
            value_name = "N",
            default_value = "1",
            value_parser = value::count,
            allow_negative_numbers = true,
            hide_default_value = true,
            help_heading = "Machine output"
        )]
        count: NonZeroU32,
        /// Sort by a field or a column, such as rtt_us or age:asc
        ///
        /// Numbers begin with the largest and texts with A, unless :asc or
        /// :desc says otherwise; what is absent comes last. Columns of rates
        /// are ordered by their average over ten seconds. Without it, tables
        /// begin with the fastest flow, and json and csv have no order.
        #[arg(long, value_name = "KEY", value_parser = value::sort, help_heading = "Machine output")]
        sort: Option<Sort>,
        /// Print only the first N flows of the order
        #[arg(
            long,
            value_name = "N",
            value_parser = value::count,
            allow_negative_numbers = true,
            help_heading = "Machine output"
        )]
        top: Option<NonZeroU32>,
        #[command(flatten)]
        records: Records,
    },
    /// Print new, changed and ended flows until interrupted
    ///
    /// One record for each flow that begins, changes or ends. An ended one has
    /// its final counters.
    Events(Records),
    /// Print the fields of records and what they mean
    Fields,
    /// Tell what flowtop can see here, and what would let it see more
    ///
    /// Exits with 0 if connection tracking can be read and sees flows, else
    /// with 1.
    Doctor,
    /// Fetch new databases of places
    ///
    /// Asks the mirrors of geoip.conf, checks what comes record by record, and
    /// puts it in place; root's go to /var/lib/flowtop, others' to
    /// ~/.local/share/flowtop. Exits with 0 if all are current, 1 if none could
    /// be had, 5 if some.
    Update(Update),
}

#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Update")]
pub(super) struct Update {
    /// Install this file instead of fetching, after the same checks
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) from: Option<PathBuf>,

    /// Only tell how old the databases are; 0 fresh, 10 stale
    #[arg(long, conflicts_with_all = ["from", "force"])]
    pub(super) check: bool,

    /// Accept an older or much smaller database
    ///
    /// One that is broken is never accepted.
    #[arg(long)]
    pub(super) force: bool,

    /// Install into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: Option<PathBuf>,

    /// Read the mirrors from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) geoip_conf: Option<PathBuf>,

    /// Report as text or json
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "text",
        value_parser = ["text", "json"],
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub(super) output: String,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Machine output")]
pub(super) struct Records {
    /// Print as table, csv or json (one object per line)
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        value_parser = value::named(Format::ALL.map(Format::name), value::format),
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(super) output: Format,

    /// Print these fields, separated by commas, in this order
    ///
    /// Without it, json and csv have all fields, and a table has the columns of
    /// the viewer.
    #[arg(long, value_name = "KEYS", value_parser = value::fields)]
    pub(super) fields: Option<FieldList>,
}

/// Where to learn of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceMode {
    /// Connection tracking where it can be read and sees anything, else
    /// sockets.
    Auto,
    /// Connection tracking or nothing.
    Conntrack,
    /// Sockets, even where connections are tracked.
    Sockets,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// If the surroundings are fit for them.
    Auto,
    /// Whatever the surroundings say.
    Always,
    /// Not at all.
    Never,
}
