//! What a TCP socket knows about its connection (`struct tcp_info` of
//! `linux/tcp.h`), in our units.

use super::Counters;

/// Figures of one TCP socket. Older kernels know fewer of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFigures {
    /// Smoothed round-trip time in microseconds (`tcpi_rtt`); absent before the
    /// first measurement.
    pub rtt_us: Option<u32>,
    /// Shortest round-trip time seen, in microseconds (`tcpi_min_rtt`).
    pub min_rtt_us: Option<u32>,
    /// Segments sent again since the connection began (`tcpi_total_retrans`).
    pub retransmits: Option<u32>,
    /// Congestion window in segments (`tcpi_snd_cwnd`).
    pub cwnd: Option<u32>,
    /// Latest measured rate at which data was delivered to the other end, in
    /// bytes per second (`tcpi_delivery_rate`); absent until measured.
    pub delivery_rate_bytes_per_sec: Option<u64>,
    /// Bytes the other end has acknowledged (`tcpi_bytes_acked`). It counts
    /// the SYN of the end that connected as one, and the FIN.
    pub bytes_acked: Option<u64>,
    /// Bytes received in order (`tcpi_bytes_received`). It counts the FIN as
    /// one.
    pub bytes_received: Option<u64>,
    /// Bytes sent, those sent again counted each time (`tcpi_bytes_sent`, since
    /// Linux 4.19).
    pub bytes_sent: Option<u64>,
    /// Bytes sent again (`tcpi_bytes_retrans`, since Linux 4.19).
    pub bytes_retransmitted: Option<u64>,
    /// Segments sent, acknowledgements among them (`tcpi_segs_out`).
    pub segments_out: Option<u32>,
    /// Segments received (`tcpi_segs_in`).
    pub segments_in: Option<u32>,
    /// Bytes sent and not acknowledged, or not sent yet (`idiag_wqueue`).
    pub send_queue_bytes: Option<u32>,
    /// Bytes received and not read by the process (`idiag_rqueue`).
    pub receive_queue_bytes: Option<u32>,
    /// Name of the congestion control (`INET_DIAG_CONG`), at most 15 bytes.
    pub congestion: Option<Congestion>,
}

impl TcpFigures {
    /// Segments sent, and the bytes in them that were not sent before; absent
    /// if the kernel counts neither (before Linux 4.1). Before 4.19 it counts
    /// what was acknowledged, and the SYN of the end that `has_connected` is a
    /// byte of it.
    pub fn sent(&self, has_connected: bool) -> Option<Counters> {
        let bytes = match (self.bytes_sent, self.bytes_retransmitted) {
            (Some(sent), Some(again)) => sent.saturating_sub(again),
            _ => self.bytes_acked?.saturating_sub(has_connected.into()),
        };
        let packets = self.segments_out?.into();
        Some(Counters { packets, bytes })
    }

    /// Segments received, and the bytes in them; one more after the other end
    /// has closed. Absent if the kernel counts neither.
    pub fn received(&self) -> Option<Counters> {
        Some(Counters {
            packets: self.segments_in?.into(),
            bytes: self.bytes_received?,
        })
    }
}

/// Name of a congestion control: `cubic`, `bbr`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Congestion {
    bytes: [u8; 15],
    len: u8,
}

impl Congestion {
    /// From the kernel's name; `None` if it is empty, longer than
    /// `TCP_CA_NAME_MAX` allows or not printable ASCII.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=15).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| {
            let mut bytes = [0; 15];
            bytes[..name.len()].copy_from_slice(name.as_bytes());
            Self {
                bytes,
                len: name.len() as u8,
            }
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..self.len.into())
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Congestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_sent_again_are_no_more_bytes() {
        let mut figures = TcpFigures {
            bytes_acked: Some(1001),
            bytes_received: Some(7),
            segments_out: Some(3),
            segments_in: Some(2),
            ..TcpFigures::default()
        };
        let counters = |packets, bytes| Some(Counters { packets, bytes });
        assert_eq!(figures.sent(true), counters(3, 1000), "before Linux 4.19");
        assert_eq!(figures.received(), counters(2, 7));
        figures.bytes_sent = Some(3000);
        figures.bytes_retransmitted = Some(500);
        assert_eq!(figures.sent(true), counters(3, 2500));
        assert_eq!(TcpFigures::default().sent(true), None);
    }

    #[test]
    fn names_are_kept_and_nonsense_is_not() {
        assert_eq!(Congestion::new("cubic").unwrap().as_str(), "cubic");
        assert_eq!(
            Congestion::new("fifteen_letters").unwrap().as_str(),
            "fifteen_letters"
        );
        assert_eq!(Congestion::new(""), None);
        assert_eq!(Congestion::new("sixteen_letters_"), None);
        assert_eq!(Congestion::new("a\u{1b}b"), None);
    }
}
