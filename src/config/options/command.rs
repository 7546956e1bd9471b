//! Commands, and what each takes.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::super::value::{self, FieldList, Sorting};
use crate::output::Format;
use crate::view::group::Grouping;

#[derive(Clone, Debug, Subcommand)]
pub(in crate::config) enum Command {
    /// Print the flows and exit
    ///
    /// Every flow in scope is printed once, or as often as --count says.
    List(Listing),
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
pub(in crate::config) struct Update {
    /// Install this file instead of fetching, after the same checks
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::config) from: Option<PathBuf>,

    /// Only tell how old the databases are; 0 fresh, 10 stale
    #[arg(long, conflicts_with_all = ["from", "force"])]
    pub(in crate::config) check: bool,

    /// Accept an older or much smaller database
    ///
    /// One that is broken is never accepted.
    #[arg(long)]
    pub(in crate::config) force: bool,

    /// Install into this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(in crate::config) dir: Option<PathBuf>,

    /// Read the mirrors from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::config) geoip_conf: Option<PathBuf>,

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
    pub(in crate::config) output: String,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Machine output")]
pub(in crate::config) struct Records {
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
    pub(in crate::config) output: Format,

    /// Print these fields, separated by commas, in this order
    ///
    /// Without it, json and csv have all fields, and a table has the columns of
    /// the viewer.
    #[arg(long, value_name = "KEYS", value_parser = value::fields)]
    pub(in crate::config) fields: Option<FieldList>,
}

#[derive(Clone, Debug, Args)]
pub(in crate::config) struct Listing {
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
    pub(in crate::config) count: NonZeroU32,
    /// Put flows together: by country, service, process and so on
    ///
    /// Prints groups instead of flows, with their sums. By host, source,
    /// destination, pair, subnet, service, process, user, unit, country, asn,
    /// interface, mark, zone, protocol or state; fields that say the same, such
    /// as dst_country, are understood. RECORDS tells what is in a record.
    #[arg(
        long,
        value_name = "KEY",
        value_parser = value::grouping,
        conflicts_with = "fields",
        help_heading = "Machine output"
    )]
    pub(in crate::config) group: Option<Grouping>,
    /// Sort by a field or a column, such as rtt_us or age:asc
    ///
    /// Numbers begin with the largest and texts with A, unless :asc or
    /// :desc says otherwise; what is absent comes last. Columns of rates
    /// are ordered by their average over ten seconds. Without it, tables
    /// begin with the fastest flow, and json and csv have no order. Groups
    /// and the clients of a service begin with the fastest one; they are
    /// sorted by rate, bytes, flows, peers, new, unreplied, ended, age, seen,
    /// name, rtt and the like.
    #[arg(long, value_name = "KEY", value_parser = value::sorting, help_heading = "Machine output")]
    pub(in crate::config) sort: Option<Sorting>,
    /// Print only the first N flows or groups of the order
    #[arg(
        long,
        value_name = "N",
        value_parser = value::count,
        allow_negative_numbers = true,
        help_heading = "Machine output"
    )]
    pub(in crate::config) top: Option<NonZeroU32>,
    #[command(flatten)]
    pub(in crate::config) records: Records,
}
