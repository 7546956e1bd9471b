//! Networks whose router tracks, counts and stamps flows.

use std::net::IpAddr;

use flowtop::flow::{Counters, Protocol};

use crate::lab::{Host, Lab, Network};
use crate::notation::ip;

pub(crate) const ESP: Protocol = Protocol(50);

pub(crate) fn at(address: &str, port: u16) -> String {
    match ip(address) {
        IpAddr::V4(_) => format!("{address}:{port}"),
        IpAddr::V6(_) => format!("[{address}]:{port}"),
    }
}

/// Which flows tell of themselves: 0 none, 1 all, 2 those born while somebody
/// on this machine, in whatever namespace, listens.
pub(crate) const EVENTS: &str = "net/netfilter/nf_conntrack_events";

/// Switches counters, time stamps and tracking on.
pub(crate) fn observe(host: &Host) {
    // Not 2, the default: what other tests do must not matter here.
    host.set_sysctl(EVENTS, "1");
    host.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
    host.set_sysctl("net/netfilter/nf_conntrack_timestamp", "1");
    host.track();
}

/// A network whose router does all that.
pub(crate) fn observed(lab: &Lab) -> Network {
    let net = lab.router();
    observe(&net.router);
    net
}

/// Lets the router take UDP-Lite for valid; see
/// [`lab::packets::Packet::udplite`].
pub(crate) fn accept_udplite(host: &Host) {
    host.set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
}

pub(crate) fn count(packets: u64, bytes: u64) -> Counters {
    Counters { packets, bytes }
}
