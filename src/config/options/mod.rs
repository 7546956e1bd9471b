//! The flags, as clap reads them. The first paragraph of a comment is the line
//! of the help; the manual has all of it.
#![expect(
    clippy::doc_markdown,
    reason = "help and manual show these comments as they are, backticks included"
)]

mod command;
mod display;
mod general;
mod lookups;
mod protocols;
mod source;

use clap::{Parser, ValueEnum};

pub(super) use command::{Command, Listing, Records, Update};
use display::Display;
use general::{General, Undo};
use lookups::Lookups;
pub(super) use protocols::Protocols;
use source::Source;
pub use source::SourceMode;

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
