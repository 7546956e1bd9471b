//! What is found out about flows besides.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, ValueHint};

use super::super::value;
use crate::enrich::dns::Lookup;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Names and places")]
pub(in crate::config) struct Lookups {
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
    pub(in crate::config) resolver: Option<Lookup>,

    /// Look for databases of places here first
    #[arg(long, value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(in crate::config) geoip_dir: Option<OsString>,

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
    pub(in crate::config) services: Vec<PathBuf>,

    /// Where the NFS server tells of its clients; /proc/fs/nfsd by default
    ///
    /// Elsewhere only if that file system is mounted there.
    #[arg(long, value_name = "DIR", global = true, value_hint = ValueHint::DirPath)]
    pub(in crate::config) nfsd_dir: Option<PathBuf>,
}
