//! Why nothing stands in a column.

use super::ColumnId;

impl ColumnId {
    /// What `-` in the column means; `None` where there is always something.
    pub const fn absence(self) -> Option<&'static str> {
        Some(match self {
            Self::Proto
            | Self::Source
            | Self::Destination
            | Self::Arrow
            | Self::Zone
            | Self::Bars
            | Self::Trend => {
                return None;
            }
            Self::State => "- if the source has not told it yet.",
            Self::Age => "- if neither the kernel nor flowtop saw it begin.",
            Self::Expires => {
                "- for sockets, which have no timer, and for flows whose timer was not told."
            }
            Self::Ended => "- while the flow is there.",
            Self::Idle => "- if neither counters nor a timeout tell.",
            Self::Sport | Self::Dport => "- for protocols without ports.",
            Self::Service => "- for protocols that have neither ports nor types.",
            Self::Country | Self::Asn | Self::Organisation | Self::City => {
                "- if no database in use knows it for this address; About tells which are in use."
            }
            Self::Process => {
                "- until it has been looked for, and with --no-process; a flow that only passes \
                 through has none here."
            }
            Self::User => "- if whose flow it is is not known; it may take root to see.",
            Self::Unit => "- if the process is not known, or in no unit.",
            Self::Interface => "- if no route or neighbour tells.",
            Self::Mac => "- for hosts behind another router, and for this machine.",
            Self::Mark => "- if the kernel told no mark.",
            Self::ReplyPackets
            | Self::OrigPackets
            | Self::ReplyBytes
            | Self::OrigBytes
            | Self::Bytes
            | Self::ReplyDelta
            | Self::OrigDelta
            | Self::PacketSize => {
                "- if nobody counts: accounting was off when the flow began, and no socket of this \
                 machine counts it."
            }
            Self::ReplyRate
            | Self::OrigRate
            | Self::Rate
            | Self::Rate2
            | Self::Rate10
            | Self::Rate40
            | Self::ReplyPacketRate
            | Self::OrigPacketRate
            | Self::ReplyPeak
            | Self::OrigPeak => "- if nobody counts its bytes, or they were read only once so far.",
            Self::Rtt => "- unless it is TCP and a socket of this machine, which has measured.",
        })
    }
}
