//! How flows are shown.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::super::value;
use super::Color;
use crate::view::column::Choice;
use crate::view::group::Widths;
use crate::view::units::Tiers;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Display")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag of the command line each"
)]
pub(in crate::config) struct Display {
    /// No host names, only addresses
    ///
    /// Otherwise the viewer shows names from the [names] table, DHCP leases and
    /// the hosts file, and asks the nameservers about what is on screen, a few
    /// queries a second. Records have names only with --dns.
    #[arg(short = 'n', long, global = true, overrides_with = "dns")]
    pub(in crate::config) no_dns: bool,

    /// Host names in records, too, and whatever the configuration says
    ///
    /// list and events wait for names two seconds at most.
    #[arg(long, global = true, overrides_with = "no_dns")]
    pub(in crate::config) dns: bool,

    /// No places
    ///
    /// Otherwise countries come from the database that is built in, or from
    /// better ones that `flowtop update` or others have installed. No network
    /// is needed for it.
    #[arg(short = 'G', long, global = true, overrides_with = "geoip")]
    pub(in crate::config) no_geoip: bool,

    /// Show where flows come from, even if that costs other columns
    ///
    /// This is for the viewer; tables always have the column.
    #[arg(short = 's', long, global = true, overrides_with = "no_show_src")]
    pub(in crate::config) show_src: bool,

    /// Columns: a list such as proto,dst,rtt, or +rtt,-cc
    ///
    /// With signs, what is to be added to the usual columns and taken away; rtt?
    /// is shown as soon as any is known. The key C of the viewer lists all of
    /// them; destination is always shown. Tables of list and events have them if
    /// this is on the command line.
    #[arg(
        long,
        value_name = "KEYS",
        value_parser = value::columns,
        allow_hyphen_values = true,
        global = true
    )]
    pub(in crate::config) columns: Option<Choice>,

    /// Bits that name a network, of IPv4 and IPv6; 24,64 by default
    ///
    /// Flows are put together by the network of their far end: with the key g
    /// in the viewer, and with list --group subnet. One number alone is that of
    /// IPv4.
    #[arg(
        long,
        value_name = "BITS",
        value_parser = value::subnet,
        global = true
    )]
    pub(in crate::config) subnet: Option<Widths>,
    /// Pseudonyms instead of addresses and names, on screen and in records
    ///
    /// So that others may look: addresses, names of hosts, users and containers,
    /// hardware addresses, cities and the arguments of commands become
    /// pseudonyms, each the same until flowtop exits. Networks stay together and
    /// private addresses private; ports, services, countries, networks (AS),
    /// interfaces, programs and figures stay as they are. The key m takes it
    /// off and puts it on.
    #[arg(long, global = true, overrides_with = "no_mask")]
    pub(in crate::config) mask: bool,

    /// Where the keys w and e write screens and exports
    ///
    /// Usually $XDG_STATE_HOME/flowtop, which is ~/.local/state/flowtop if that
    /// is not set. Files are new ones always, and only their owner can read
    /// them.
    #[arg(long, value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(in crate::config) export_dir: Option<PathBuf>,

    /// Rates in bits per second instead of bytes
    ///
    /// Amounts of data stay bytes, and so do the fields of records, which are
    /// named after their units.
    #[arg(short = 'b', long, global = true, overrides_with = "no_bits")]
    pub(in crate::config) bits: bool,

    /// From which rates on rows look busy and busier: 10k,1M by default
    ///
    /// Bytes per second, with k, M or G. What is slower looks like ordinary text,
    /// and what rests is dim. The roles rate_low, rate_mid and rate_high of a
    /// theme say how they look.
    #[arg(
        long,
        value_name = "MID,HIGH",
        value_parser = value::tiers,
        global = true
    )]
    pub(in crate::config) rate_tiers: Option<Tiers>,

    /// How many ended flows the viewer keeps; 10000 by default, 0 for none
    ///
    /// The key c shows them. Each takes about 400 bytes; when there are more,
    /// the first that ended give way.
    #[arg(
        long,
        value_name = "N",
        value_parser = value::flows,
        allow_negative_numbers = true,
        global = true
    )]
    pub(in crate::config) max_closed: Option<usize>,

    /// Leave the mouse to the terminal
    ///
    /// Otherwise the viewer takes clicks and the wheel, and terminals select text
    /// while Shift is held.
    #[arg(long, global = true, overrides_with = "mouse")]
    pub(in crate::config) no_mouse: bool,

    /// Neither use nor keep what was last chosen in the viewer
    ///
    /// Otherwise its theme, columns, units, orders, pinned hosts and the filters that
    /// were typed come back, and are kept in ~/.local/state/flowtop/state.toml. A flag wins
    /// over what was chosen, and what was chosen over the configuration.
    #[arg(long, global = true, overrides_with = "state")]
    pub(in crate::config) no_state: bool,

    /// Theme of the viewer: terminal, mono, nord and so on
    ///
    /// The key t shows them all. Those that are built in are terminal (the
    /// default: the terminal's own colours), mono, high-contrast, light, nord,
    /// gruvbox, dracula, tokyo-night, solarized-dark and solarized-light; files
    /// NAME.toml in the directory themes beside a flowtop.toml add to them.
    #[arg(long, value_name = "NAME", global = true)]
    pub(in crate::config) theme: Option<String>,

    /// Colours: auto, always or never
    ///
    /// With auto, the default, there are none if NO_COLOR is set or the
    /// terminal is a dumb one.
    #[arg(long, value_name = "WHEN", global = true, hide_possible_values = true)]
    pub(in crate::config) color: Option<Color>,
}
