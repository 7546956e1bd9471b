//! Packet and byte counters, and pairs of anything per direction.

use std::ops::AddAssign;

/// Packets and bytes of one direction, as the kernel counted them
/// (`CTA_COUNTERS_PACKETS`, `CTA_COUNTERS_BYTES`). Bytes are those of the
/// network layer: IP header included, link layer not. Counters of a socket are
/// its segments and the bytes in them, without any header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets since the flow began.
    pub packets: u64,
    /// Bytes since the flow began.
    pub bytes: u64,
}

impl Counters {
    /// What was added since `base`, or `None` if a counter went back (another
    /// tool zeroed it, or the tuple is used by a new flow).
    pub fn since(self, base: Self) -> Option<Self> {
        Some(Self {
            packets: self.packets.checked_sub(base.packets)?,
            bytes: self.bytes.checked_sub(base.bytes)?,
        })
    }
}

impl AddAssign for Counters {
    fn add_assign(&mut self, rhs: Self) {
        self.packets = self.packets.saturating_add(rhs.packets);
        self.bytes = self.bytes.saturating_add(rhs.bytes);
    }
}

/// One value per direction of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair<T> {
    /// In the direction of the flow's first packet.
    pub orig: T,
    /// In the direction of the answers.
    pub reply: T,
}

impl<T> Pair<T> {
    /// Both values through the same function.
    pub fn map<U>(self, f: impl Fn(T) -> U) -> Pair<U> {
        Pair {
            orig: f(self.orig),
            reply: f(self.reply),
        }
    }
}

impl Pair<u64> {
    /// Both directions together, at most what fits.
    pub const fn sum(self) -> u64 {
        self.orig.saturating_add(self.reply)
    }
}

impl AddAssign for Pair<u64> {
    /// Each direction to itself, at most what fits.
    fn add_assign(&mut self, rhs: Self) {
        self.orig = self.orig.saturating_add(rhs.orig);
        self.reply = self.reply.saturating_add(rhs.reply);
    }
}

impl Pair<Counters> {
    /// See [`Counters::since`]; `None` if either direction went back.
    pub fn since(self, base: Self) -> Option<Self> {
        Some(Self {
            orig: self.orig.since(base.orig)?,
            reply: self.reply.since(base.reply)?,
        })
    }

    /// Bytes of each direction.
    pub fn bytes(self) -> Pair<u64> {
        self.map(|c| c.bytes)
    }
}

impl AddAssign for Pair<Counters> {
    fn add_assign(&mut self, rhs: Self) {
        self.orig += rhs.orig;
        self.reply += rhs.reply;
    }
}
