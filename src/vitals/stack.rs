//! What TCP and UDP of this machine count (RFC 4022, RFC 4113, and what Linux
//! adds): `/proc/net/snmp`, `snmp6` and `netstat`. Forwarded packets are not
//! among it.

use std::fs;

/// As the thread that reads sees them.
const DIR: &str = "/proc/thread-self/net";

/// Counters since the network namespace began, but for `established`. Absent
/// where the kernel does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// `tcpCurrEstab`: TCP connections that are established or wait for the
    /// user to close them, now.
    pub established: Option<u64>,
    /// `tcpOutSegs`: segments sent, those sent again left out.
    pub segments_sent: Option<u64>,
    /// `tcpRetransSegs`: segments sent again.
    pub retransmits: Option<u64>,
    /// `tcpInErrs`: segments received broken.
    pub tcp_in_errors: Option<u64>,
    /// `ListenOverflows`: connections that came while a listener's queue was
    /// full.
    pub listen_overflows: Option<u64>,
    /// `ListenDrops`: the same, and those dropped for other reasons.
    pub listen_drops: Option<u64>,
    /// `RcvbufErrors` of IPv4 and IPv6: datagrams for which a socket had no
    /// room.
    pub udp_receive_errors: Option<u64>,
}

impl Stack {
    /// Reads what there is.
    pub(super) fn read() -> Self {
        let text = |file| fs::read_to_string(format!("{DIR}/{file}")).unwrap_or_default();
        Self::parse(&text("snmp"), &text("snmp6"), &text("netstat"))
    }

    fn parse(snmp: &str, snmp6: &str, netstat: &str) -> Self {
        let udp = value(snmp, "Udp:", "RcvbufErrors");
        let udp6 = single(snmp6, "Udp6RcvbufErrors");
        Self {
            established: value(snmp, "Tcp:", "CurrEstab"),
            segments_sent: value(snmp, "Tcp:", "OutSegs"),
            retransmits: value(snmp, "Tcp:", "RetransSegs"),
            tcp_in_errors: value(snmp, "Tcp:", "InErrs"),
            listen_overflows: value(netstat, "TcpExt:", "ListenOverflows"),
            listen_drops: value(netstat, "TcpExt:", "ListenDrops"),
            udp_receive_errors: udp.map(|udp| udp + udp6.unwrap_or(0)),
        }
    }
}

/// A value of a file that has two lines for each protocol, names and numbers.
fn value(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        (words.next()? == protocol).then_some(words)
    });
    let (mut names, mut numbers) = (lines.next()?, lines.next()?);
    let at = names.position(|found| found == name)?;
    numbers.nth(at)?.parse().ok()
}

/// A value of a file that has one in each line.
fn single(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().map(str::split_ascii_whitespace);
    let mut words = lines.find(|words| words.clone().next() == Some(name))?;
    words.nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linux 6.18; lines about other protocols, and columns of `TcpExt` after
    /// those of interest, left out.
    const SNMP: &str = "\
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors
Tcp: 1 200 120000 -1 76112 75939 3 255 17 907606 899342 104 2 272 0
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 67297 537 0 68752 5 0 0 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
UdpLite: 0 0 0 0 9 0 0 0 0
";
    const SNMP6: &str = "\
Udp6InErrors                    \t4
Udp6OutDatagrams                \t31
Udp6RcvbufErrors                \t3
";
    const NETSTAT: &str = "\
TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ListenOverflows ListenDrops TCPHPHits
TcpExt: 0 0 0 0 0 0 0 0 0 0 35 0 0 0 0 0 0 0 0 89 0 0 6 7 1200
IpExt: InNoRoutes InTruncatedPkts
IpExt: 0 0
";

    #[test]
    fn each_protocol_has_names_and_numbers() {
        assert_eq!(
            Stack::parse(SNMP, SNMP6, NETSTAT),
            Stack {
                established: Some(17),
                segments_sent: Some(899_342),
                retransmits: Some(104),
                tcp_in_errors: Some(2),
                listen_overflows: Some(6),
                listen_drops: Some(7),
                udp_receive_errors: Some(8),
            }
        );
    }

    #[test]
    fn without_ipv6_or_files_the_rest_is_told() {
        let stack = Stack::parse(SNMP, "", "");
        assert_eq!(stack.udp_receive_errors, Some(5));
        assert_eq!(stack.listen_drops, None);
        assert_eq!(Stack::parse("Tcp: OutSegs\n", "", ""), Stack::default());
        assert_eq!(
            Stack::parse("Tcp: OutSegs\nTcp:\n", "", "x"),
            Stack::default()
        );
    }
}
