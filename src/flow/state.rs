//! Protocol states as conntrack numbers them.

use std::fmt;

/// Where a flow of a connection-oriented protocol stands. The number is the
/// kernel's; one it learned after this program was written is kept and shown
/// as a number.
///
/// These are states of the flow, not of either end: `last_ack` means that the
/// kernel saw both FINs and the first ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// `enum tcp_conntrack`, `linux/netfilter/nf_conntrack_tcp.h`.
    Tcp(u8),
    /// `enum ct_dccp_states`, kernels up to 6.16.
    Dccp(u8),
    /// `enum sctp_conntrack`, `linux/netfilter/nf_conntrack_sctp.h`.
    Sctp(u8),
}

impl State {
    /// `TCP_CONNTRACK_SYN_SENT`.
    pub const TCP_SYN_SENT: Self = Self::Tcp(1);
    /// `TCP_CONNTRACK_ESTABLISHED`.
    pub const TCP_ESTABLISHED: Self = Self::Tcp(3);
    /// `TCP_CONNTRACK_LAST_ACK`.
    pub const TCP_LAST_ACK: Self = Self::Tcp(6);
    /// `TCP_CONNTRACK_TIME_WAIT`.
    pub const TCP_TIME_WAIT: Self = Self::Tcp(7);
    /// `TCP_CONNTRACK_CLOSE`.
    pub const TCP_CLOSE: Self = Self::Tcp(8);
    /// `CT_DCCP_TIMEWAIT`.
    pub const DCCP_TIMEWAIT: Self = Self::Dccp(7);
    /// `SCTP_CONNTRACK_CLOSED`.
    pub const SCTP_CLOSED: Self = Self::Sctp(1);
    /// `SCTP_CONNTRACK_SHUTDOWN_ACK_SENT`.
    pub const SCTP_SHUTDOWN_ACK_SENT: Self = Self::Sctp(7);

    const TCP: [&'static str; 10] = [
        "none",
        "syn_sent",
        "syn_recv",
        "established",
        "fin_wait",
        "close_wait",
        "last_ack",
        "time_wait",
        "close",
        "syn_sent2",
    ];
    const DCCP: [&'static str; 10] = [
        "none", "request", "respond", "partopen", "open", "closereq", "closing", "timewait",
        "ignore", "invalid",
    ];
    const SCTP: [&'static str; 10] = [
        "none",
        "closed",
        "cookie_wait",
        "cookie_echoed",
        "established",
        "shutdown_sent",
        "shutdown_recd",
        "shutdown_ack_sent",
        "heartbeat_sent",
        "heartbeat_acked",
    ];

    /// The kernel's number.
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp(n) | Self::Dccp(n) | Self::Sctp(n) => n,
        }
    }

    /// The kernel's name in lower case, if the number is one this program
    /// knows.
    pub fn name(self) -> Option<&'static str> {
        let (names, number) = match self {
            Self::Tcp(n) => (&Self::TCP, n),
            Self::Dccp(n) => (&Self::DCCP, n),
            Self::Sctp(n) => (&Self::SCTP, n),
        };
        names.get(usize::from(number)).copied()
    }

    /// Whether data can flow both ways: the handshake is over and the
    /// farewell has not begun.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Tcp(3) | Self::Dccp(4) | Self::Sctp(4 | 8 | 9))
    }

    /// Whether the handshake is still under way.
    pub const fn is_opening(self) -> bool {
        matches!(
            self,
            Self::Tcp(1 | 2 | 9) | Self::Dccp(1..=3) | Self::Sctp(1..=3)
        )
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{}", self.number()),
        }
    }
}
