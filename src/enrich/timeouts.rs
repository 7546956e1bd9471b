//! How long the kernel keeps flows that rest.
//!
//! Each packet gives a flow the whole timeout of its protocol and state again
//! (`nf_ct_refresh`), so that what is missing from it is how long the flow has
//! rested. Rules can give flows other timeouts (`ct timeout` of nftables); the
//! kernel does not say of which.

use std::time::Duration;

use crate::flow::{Protocol, State, Status};

/// States of TCP that have a timeout of their own, by number: `enum
/// tcp_conntrack`.
const TCP: [Option<&str>; 9] = [
    None,
    Some("tcp_timeout_syn_sent"),
    Some("tcp_timeout_syn_recv"),
    Some("tcp_timeout_established"),
    Some("tcp_timeout_fin_wait"),
    Some("tcp_timeout_close_wait"),
    Some("tcp_timeout_last_ack"),
    Some("tcp_timeout_time_wait"),
    Some("tcp_timeout_close"),
];

/// The same of SCTP: `enum sctp_conntrack`.
const SCTP: [Option<&str>; 9] = [
    None,
    Some("sctp_timeout_closed"),
    Some("sctp_timeout_cookie_wait"),
    Some("sctp_timeout_cookie_echoed"),
    Some("sctp_timeout_established"),
    Some("sctp_timeout_shutdown_sent"),
    Some("sctp_timeout_shutdown_recd"),
    Some("sctp_timeout_shutdown_ack_sent"),
    Some("sctp_timeout_heartbeat_sent"),
];

/// The same of DCCP: `enum ct_dccp_states`.
const DCCP: [Option<&str>; 8] = [
    None,
    Some("dccp_timeout_request"),
    Some("dccp_timeout_respond"),
    Some("dccp_timeout_partopen"),
    Some("dccp_timeout_open"),
    Some("dccp_timeout_closereq"),
    Some("dccp_timeout_closing"),
    Some("dccp_timeout_timewait"),
];

/// Those without states: for flows that are new, and for flows that go both
/// ways for a while (`ASSURED`).
const UDP: [&str; 2] = ["udp_timeout", "udp_timeout_stream"];
const GRE: [&str; 2] = ["gre_timeout", "gre_timeout_stream"];
const ICMP: &str = "icmp_timeout";
const ICMPV6: &str = "icmpv6_timeout";
const GENERIC: &str = "generic_timeout";

/// The timeouts of the kernel's protocols, as `net.netfilter` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    tcp: [Option<u32>; TCP.len()],
    sctp: [Option<u32>; SCTP.len()],
    dccp: [Option<u32>; DCCP.len()],
    udp: [Option<u32>; 2],
    gre: [Option<u32>; 2],
    icmp: Option<u32>,
    icmpv6: Option<u32>,
    generic: Option<u32>,
}

impl Timeouts {
    /// Reads each with `seconds`, which is given the name of a sysctl behind
    /// `net.netfilter.nf_conntrack_`.
    pub fn read(seconds: impl Fn(&str) -> Option<u32>) -> Self {
        let named = |name: Option<&str>| name.and_then(&seconds);
        Self {
            tcp: TCP.map(named),
            sctp: SCTP.map(named),
            dccp: DCCP.map(named),
            udp: UDP.map(&seconds),
            gre: GRE.map(&seconds),
            icmp: seconds(ICMP),
            icmpv6: seconds(ICMPV6),
            generic: seconds(GENERIC),
        }
    }

    /// The whole timeout of a flow in this state; `None` if it is not known.
    pub fn of(
        &self,
        proto: Protocol,
        state: Option<State>,
        status: Option<Status>,
    ) -> Option<Duration> {
        let status = status?;
        if status.has(Status::OFFLOAD) || status.has(Status::FIXED_TIMEOUT) {
            return None;
        }
        let stream = usize::from(status.has(Status::ASSURED));
        let at = |timeouts: &[Option<u32>], number: u8| *timeouts.get(usize::from(number))?;
        let secs = match (state, proto) {
            (Some(State::Tcp(number)), _) => at(&self.tcp, number),
            (Some(State::Sctp(number)), _) => at(&self.sctp, number),
            (Some(State::Dccp(number)), _) => at(&self.dccp, number),
            (None, Protocol::UDP | Protocol::UDPLITE) => self.udp[stream],
            (None, Protocol::GRE) => self.gre[stream],
            (None, Protocol::ICMP) => self.icmp,
            (None, Protocol::ICMPV6) => self.icmpv6,
            (None, Protocol::TCP | Protocol::SCTP | Protocol::DCCP) => None,
            (None, _) => self.generic,
        };
        secs.map(|secs| Duration::from_secs(secs.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_timeout() {
        let timeouts = Timeouts::read(|name| match name {
            "tcp_timeout_established" => Some(432_000),
            "tcp_timeout_time_wait" | "udp_timeout_stream" => Some(120),
            "udp_timeout" => Some(30),
            "generic_timeout" => Some(600),
            _ => None,
        });
        let of = |proto, state, status| {
            let timeout = timeouts.of(proto, state, Some(status));
            timeout.map(|span| span.as_secs())
        };
        let (none, assured) = (Status::default(), Status::ASSURED);
        let tcp = |state| of(Protocol::TCP, Some(state), assured);
        assert_eq!(tcp(State::TCP_ESTABLISHED), Some(432_000));
        assert_eq!(tcp(State::TCP_TIME_WAIT), Some(120));
        assert_eq!(tcp(State::TCP_CLOSE), None, "not read");
        assert_eq!(tcp(State::Tcp(200)), None, "of another kernel");
        assert_eq!(of(Protocol::UDP, None, none), Some(30));
        assert_eq!(of(Protocol::UDP, None, assured), Some(120));
        assert_eq!(of(Protocol(50), None, none), Some(600));
        assert_eq!(of(Protocol::ICMP, None, none), None);
        let offloaded = assured | Status::OFFLOAD;
        assert_eq!(of(Protocol::UDP, None, offloaded), None);
        assert_eq!(timeouts.of(Protocol::UDP, None, None), None, "a socket");
    }
}
