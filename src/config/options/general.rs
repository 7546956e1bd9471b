//! The program itself; and flags that take back what a file of configuration says.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "General")]
pub(in crate::config) struct General {
    /// Read this configuration last, after those of system and user
    ///
    /// A file named here has to be there and without mistakes.
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        value_hint = ValueHint::FilePath
    )]
    pub(in crate::config) config: Option<PathBuf>,

    /// Print a configuration file with all keys and their defaults, and exit
    #[arg(long, global = true)]
    pub(in crate::config) print_config: bool,

    /// Update the databases of places and exit, as `flowtop update`
    #[arg(short = 'u', long, global = true)]
    pub(in crate::config) update: bool,

    /// Print the version and exit
    #[arg(short = 'v', short_alias = 'V', long, global = true)]
    pub(in crate::config) version: bool,

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
pub(in crate::config) struct Undo {
    /// The opposite of --loopback
    #[arg(long, global = true, hide = true, overrides_with = "loopback")]
    pub(in crate::config) no_loopback: bool,

    /// The opposite of --no-geoip
    #[arg(long, global = true, hide = true, overrides_with = "no_geoip")]
    pub(in crate::config) geoip: bool,

    /// The opposite of --show-src
    #[arg(long, global = true, hide = true, overrides_with = "show_src")]
    pub(in crate::config) no_show_src: bool,

    /// The opposite of --bits
    #[arg(long, global = true, hide = true, overrides_with = "bits")]
    pub(in crate::config) no_bits: bool,

    /// The opposite of --mask
    #[arg(long, global = true, hide = true, overrides_with = "mask")]
    pub(in crate::config) no_mask: bool,

    /// The opposite of --no-mouse
    #[arg(long, global = true, hide = true, overrides_with = "no_mouse")]
    pub(in crate::config) mouse: bool,

    /// The opposite of --no-state
    #[arg(long, global = true, hide = true, overrides_with = "no_state")]
    pub(in crate::config) state: bool,

    /// The opposite of --no-process
    #[arg(long, global = true, hide = true, overrides_with = "no_process")]
    pub(in crate::config) process: bool,

    /// The opposite of --no-sysctl
    #[arg(long, global = true, hide = true, overrides_with = "no_sysctl")]
    pub(in crate::config) sysctl: bool,

    /// The opposite of --track
    #[arg(long, global = true, hide = true, overrides_with = "track")]
    pub(in crate::config) no_track: bool,
}
