//! Where flows come from.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};
use ipnet::IpNet;

use super::super::value;
use crate::enrich::locality;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Source")]
pub(in crate::config) struct Source {
    /// Seconds between refreshes, 0.1 to 3600; 1 by default
    #[arg(
        short = 't',
        long,
        value_name = "SECONDS",
        value_parser = value::interval,
        allow_negative_numbers = true,
        global = true
    )]
    pub(in crate::config) interval: Option<Duration>,

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
    pub(in crate::config) mode: Option<SourceMode>,

    /// Look into another network namespace: a name, a process id or a path
    ///
    /// A name is one of `ip netns`; a process id stands for the namespace of
    /// that process, as of a container. It needs CAP_SYS_ADMIN. Names are asked
    /// from there, too.
    #[arg(long, value_name = "WHICH", global = true)]
    pub(in crate::config) netns: Option<String>,

    /// Do not find out which processes flows belong to
    ///
    /// Otherwise sockets and /proc are looked through for the flows of this
    /// machine; never for forwarded ones.
    #[arg(long, global = true, overrides_with = "process")]
    pub(in crate::config) no_process: bool,

    /// Do not switch on accounting and time stamps
    ///
    /// Otherwise net.netfilter.nf_conntrack_acct and nf_conntrack_timestamp of
    /// this network namespace are switched on if they are off, and put back at
    /// the end. A single list leaves them alone in any case: it could gain
    /// nothing.
    #[arg(long, global = true, overrides_with = "sysctl")]
    pub(in crate::config) no_sysctl: bool,

    /// Have the kernel track connections, if no rule does
    ///
    /// Then the table inet flowtop is added to nftables: one rule each for
    /// input, forward and output that looks at the state of connections and
    /// does nothing about it. The kernel removes it when flowtop ends, however
    /// it ends; before Linux 5.12 flowtop does, if it can. The key E does the
    /// same in the viewer. A single list can gain nothing.
    #[arg(long, global = true, overrides_with = "no_track")]
    pub(in crate::config) track: bool,

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
    pub(in crate::config) rcvbuf: Option<usize>,

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
    pub(in crate::config) local: Vec<IpNet>,
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
