//! Families, protocols and the filter.

use clap::Args;

use super::super::invocation::ServiceName;
use super::super::value;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Families and protocols")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one flag of the command line each"
)]
pub(in crate::config) struct Protocols {
    /// IPv4 flows
    ///
    /// Without a family flag, both families are shown.
    #[arg(short = '4', long, global = true)]
    pub(in crate::config) ipv4: bool,

    /// IPv6 flows
    ///
    /// Without a family flag, both families are shown.
    #[arg(short = '6', long, global = true)]
    pub(in crate::config) ipv6: bool,

    /// TCP flows; the default if no protocol is named
    ///
    /// Any other protocol flag replaces this default; a filter makes it all.
    #[arg(short = 'T', long, global = true)]
    pub(in crate::config) tcp: bool,

    /// UDP and UDP-Lite flows, QUIC and DNS among them
    #[arg(short = 'U', long, global = true)]
    pub(in crate::config) udp: bool,

    /// DCCP flows
    ///
    /// Linux 6.17 and later do not follow DCCP: there such flows have neither
    /// ports nor a state.
    #[arg(short = 'D', long, global = true)]
    pub(in crate::config) dccp: bool,

    /// ICMP and ICMPv6 flows
    #[arg(short = 'I', long, global = true)]
    pub(in crate::config) icmp: bool,

    /// SCTP flows
    #[arg(short = 'S', long, global = true)]
    pub(in crate::config) sctp: bool,

    /// Every other protocol: GRE, ESP, IGMP and so on
    #[arg(short = 'O', long, global = true)]
    pub(in crate::config) other: bool,

    /// All protocols
    #[arg(short = 'A', long, global = true)]
    pub(in crate::config) all: bool,

    /// Also flows from or to 127.0.0.0/8 and ::1
    #[arg(long, global = true, overrides_with = "no_loopback")]
    pub(in crate::config) loopback: bool,

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
    pub(in crate::config) filter: Option<String>,

    /// The clients of one service on our side, such as nfs or 53/udp
    ///
    /// The viewer begins with them, and list prints them: one row for each host
    /// that uses this port here, with its connections, their mean round-trip
    /// time, and what was sent to it and received from it. Hosts that have gone
    /// stay, with the time since they were seen. Of NFS, version and mounts are
    /// told as well, as far as this machine is the server and flowtop runs as
    /// root.
    #[arg(
        long,
        value_name = "PORT[/PROTO]",
        value_parser = value::service,
        global = true
    )]
    pub(in crate::config) service: Option<ServiceName>,
}

impl Protocols {
    /// Whether any protocol is asked for by name.
    pub(in crate::config) const fn names_any(&self) -> bool {
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
