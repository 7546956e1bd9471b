//! One row of the table: everything known about one flow.

mod merge;

use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use super::FlowId;
use super::end::EndReason;
use super::rate::{Past, Rate};
use super::store::Slot;
use crate::flow::{Class, Counters, Key, L4, Moment, Pair, Rare, State, Status, Tuple};

pub(super) use merge::Newer;

/// Who counts a flow's packets and bytes, and so what they are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CountedBy {
    /// Nobody, or nobody has been asked yet.
    Nobody,
    /// Connection tracking: all packets of both directions, headers of the
    /// network layer included.
    Kernel,
    /// A socket at one of its ends: TCP segments, and bytes without headers.
    Socket,
    /// Connection tracking, past which a flowtable forwards its packets
    /// (`IPS_OFFLOAD`): the counters may stand still.
    Offload,
}

/// Which address translation a flow undergoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nat {
    /// The source is rewritten: answers go to another address or port.
    Source,
    /// The destination is rewritten: answers come from another one.
    Destination,
    /// Both.
    Both,
}

impl Nat {
    /// `snat`, `dnat` or `both`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source => "snat",
            Self::Destination => "dnat",
            Self::Both => "both",
        }
    }
}

/// How long a flow has lived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Since its birth: the kernel stamped it, or this program saw it.
    Exact(Duration),
    /// At least since this program first saw it.
    AtLeast(Duration),
}

impl Age {
    /// The time, exact or not.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Exact(d) | Self::AtLeast(d) => d,
        }
    }
}

/// One flow of the table.
///
/// Fields that few flows need live behind a pointer, so that a million flows
/// fit a small machine.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and a byte"
)]
pub struct Flow {
    key: Key,
    class: Class,
    /// Whether an event has spoken of it. If so, one will tell its end.
    announced: bool,
    age_exact: bool,
    /// Whether the kernel was asked for its counters: a `NEW` event has none.
    counters_asked: bool,
    /// Whether all it has counted is to be counted: it was born while this
    /// program watched.
    whole: bool,
    /// Whether its counters are those of a socket.
    by_socket: bool,
    state: Option<State>,
    status: Option<Status>,
    mark: Option<u32>,
    id: Option<u32>,
    /// The generation in which the kernel last vouched for it.
    pub(super) generation: u32,
    /// The generation in which an event or an answer last spoke of it.
    told_generation: Option<NonZeroU32>,
    /// Number of this row, never used twice.
    serial: u64,
    /// Where it lies, or lay while it lived.
    pub(super) slot: Slot,
    /// Only if it is not the inverse of the original tuple.
    reply: Option<Box<Tuple>>,
    rare: Option<Box<Rare>>,
    counters: Option<Pair<Counters>>,
    /// Bytes that were counted while this program watched.
    watched: Pair<u64>,
    rate: Rate,
    /// Monotonic time of its birth, or of its discovery; negative for a flow
    /// older than the clock.
    started_ns: i64,
    /// Monotonic seconds.
    first_seen_secs: u32,
    /// Monotonic second in which it was last found to have moved a packet.
    moved_secs: Option<NonZeroU32>,
    /// Monotonic second in which its timeout runs out.
    expires_secs: Option<NonZeroU32>,
    start_real_ns: Option<NonZeroU64>,
    /// Monotonic time of its end; `None` while it lives.
    ended_ns: Option<NonZeroU64>,
    ended: Option<EndReason>,
}

impl Flow {
    /// Whether an event has spoken of it.
    pub(super) const fn is_announced(&self) -> bool {
        self.announced
    }

    /// Whether an event or an answer has spoken of it since this dump began.
    pub(super) fn is_told_since(&self, generation: u32) -> bool {
        self.told_generation == NonZeroU32::new(generation)
    }

    /// Whole seconds since this row was made.
    pub(super) fn watched_secs(&self, now: Moment) -> u64 {
        secs(now.mono_ns)
            .saturating_sub(self.first_seen_secs)
            .into()
    }

    /// A copy to remember it by after its end: what it was and what it counted,
    /// without what only a live flow has, and without what that costs.
    pub(crate) fn at_rest(&self) -> Self {
        Self {
            rate: self.rate.at_rest(),
            expires_secs: None,
            ..self.clone()
        }
    }

    /// Names its row. After its end it still does, but no table has it.
    pub const fn row(&self) -> FlowId {
        FlowId {
            serial: self.serial,
            slot: self.slot,
        }
    }

    /// Zone and original tuple.
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// Family, protocol group and loopback.
    pub const fn class(&self) -> Class {
        self.class
    }

    /// `CTA_ID`.
    pub const fn id(&self) -> Option<u32> {
        self.id
    }

    /// How answers look.
    pub fn reply(&self) -> Tuple {
        match &self.reply {
            Some(reply) => **reply,
            None => self.key.orig.inverted(),
        }
    }

    /// Which address translation is at work, told by how the two tuples
    /// differ.
    pub fn nat(&self) -> Option<Nat> {
        let reply = self.reply.as_deref()?;
        let plain = self.key.orig.inverted();
        let end = |tuple: &Tuple| match tuple.l4() {
            L4::Ports { dst, .. } => (tuple.dst(), dst),
            L4::Icmp { id, .. } => (tuple.dst(), id),
            L4::None => (tuple.dst(), 0),
        };
        let begin = |tuple: &Tuple| match tuple.l4() {
            L4::Ports { src, .. } => (tuple.src(), src),
            _ => (tuple.src(), 0),
        };
        match (end(reply) != end(&plain), begin(reply) != begin(&plain)) {
            (true, true) => Some(Nat::Both),
            (true, false) => Some(Nat::Source),
            (false, true) => Some(Nat::Destination),
            (false, false) => None,
        }
    }

    /// Protocol state; `None` for protocols without one and for offloaded
    /// flows.
    pub const fn state(&self) -> Option<State> {
        self.state
    }

    /// Status bits.
    pub const fn status(&self) -> Option<Status> {
        self.status
    }

    /// Whether a flowtable forwards this flow, in software or in hardware.
    pub fn is_offloaded(&self) -> bool {
        self.status.is_some_and(|s| s.has(Status::OFFLOAD))
    }

    /// Connection mark.
    pub const fn mark(&self) -> Option<u32> {
        self.mark
    }

    /// Seconds until the kernel forgets it if no packet comes.
    pub fn timeout_secs(&self, now: Moment) -> Option<u64> {
        self.expires_secs
            .map(|at| at.get().saturating_sub(secs(now.mono_ns)).into())
    }

    /// Packets and bytes since its birth; `None` if it was born before
    /// accounting was on.
    pub const fn counters(&self) -> Option<Pair<Counters>> {
        self.counters
    }

    /// Who counts it.
    pub fn counted_by(&self) -> CountedBy {
        match self.counters {
            None => CountedBy::Nobody,
            Some(_) if self.by_socket => CountedBy::Socket,
            Some(_) if self.is_offloaded() => CountedBy::Offload,
            Some(_) => CountedBy::Kernel,
        }
    }

    /// Whether nobody counts it: it was born before accounting was on, and no
    /// socket tells. A flow that is only known by events may have counters yet unread.
    pub const fn is_uncounted(&self) -> bool {
        self.counters_asked && self.counters.is_none()
    }

    /// Bytes that were counted while this program watched: all of a flow that
    /// was born meanwhile. `None` without counters.
    pub fn watched_bytes(&self) -> Option<Pair<u64>> {
        self.counters.map(|_| self.watched)
    }

    /// Bytes per second between the last two readings.
    pub fn bytes_per_sec(&self) -> Option<Pair<u64>> {
        self.rate.now().filter(|_| self.counters.is_some())
    }

    /// The highest that [`bytes_per_sec`](Self::bytes_per_sec) has been, each
    /// direction for itself; `None` before two readings.
    pub fn peak_bytes_per_sec(&self) -> Option<Pair<u64>> {
        self.rate.peak().filter(|_| self.counters.is_some())
    }

    /// Packets per second between the last two readings.
    pub fn packets_per_sec(&self) -> Option<Pair<u64>> {
        self.rate.packets().filter(|_| self.counters.is_some())
    }

    /// Bytes per second over the last `secs` seconds (at most 40).
    pub fn average_bytes_per_sec(&self, secs: u64, now: Moment) -> Option<Pair<u64>> {
        self.rate
            .average(secs, now.mono_ns)
            .filter(|_| self.counters.is_some())
    }

    /// Whether it moved bytes in the last 40 seconds; it may be some more. If it
    /// did not, its [`Flow::past`] is all rest.
    pub const fn has_moved_lately(&self) -> bool {
        self.rate.has_moved_lately()
    }

    /// Its rates of the last 40 seconds.
    pub fn past(&self, now: Moment) -> Past {
        match self.counters {
            Some(_) => self.rate.past(now.mono_ns),
            None => Past::default(),
        }
    }

    /// The kernel's stamp of its birth, nanoseconds since 1970.
    pub fn start_ns(&self) -> Option<u64> {
        self.start_real_ns.map(NonZeroU64::get)
    }

    /// How long it has lived, or did until its end.
    pub fn age(&self, now: Moment) -> Age {
        let until = self.ended_ns.map_or(now.mono_ns, NonZeroU64::get);
        let age = (until as i64).saturating_sub(self.started_ns);
        let age = Duration::from_nanos(age.max(0) as u64);
        if self.age_exact {
            Age::Exact(age)
        } else {
            Age::AtLeast(age)
        }
    }

    /// A copy with other addresses, for who is not to see the true ones. An
    /// address that stands in it twice has to become the same one.
    #[must_use]
    pub fn readdressed(&self, change: impl Fn(IpAddr) -> IpAddr) -> Self {
        let mut copy = self.clone();
        copy.key.orig = self.key.orig.readdressed(&change);
        let reply = self.reply.as_ref();
        copy.reply = reply.map(|reply| Box::new(reply.readdressed(&change)));
        if let Some(rare) = &mut copy.rare {
            rare.master = rare.master.map(|master| master.readdressed(&change));
        }
        copy
    }

    /// How long it has moved nothing, as far as readings of the kernel tell:
    /// to the time between two of them, or at least since it was first seen.
    pub fn idle(&self, now: Moment) -> Age {
        let since = |at_secs: u32| {
            let secs = secs(now.mono_ns).saturating_sub(at_secs);
            Duration::from_secs(secs.into())
        };
        match self.moved_secs {
            Some(at) => Age::Exact(since(at.get())),
            None => Age::AtLeast(since(self.first_seen_secs)),
        }
    }

    /// How long ago it ended, if it has.
    pub fn ended_ago(&self, now: Moment) -> Option<Duration> {
        let ended = self.ended_ns?.get();
        Some(Duration::from_nanos(now.mono_ns.saturating_sub(ended)))
    }

    /// Why it ended, if it has.
    pub const fn end_reason(&self) -> Option<EndReason> {
        self.ended
    }

    /// The helper that reads it.
    pub fn helper(&self) -> Option<&str> {
        self.rare.as_ref()?.helper.as_deref()
    }

    /// The flow in which a helper found this one announced.
    pub fn master(&self) -> Option<&Tuple> {
        self.rare.as_ref()?.master.as_ref()
    }

    /// Connection labels, as the kernel lays them out.
    pub fn labels(&self) -> Option<[u8; 16]> {
        self.rare.as_ref()?.labels
    }

    /// Security label.
    pub fn secctx(&self) -> Option<&str> {
        self.rare.as_ref()?.secctx.as_deref()
    }
}

const fn secs(mono_ns: u64) -> u32 {
    (mono_ns / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_stays_small() {
        assert!(
            size_of::<Option<Flow>>() <= 288,
            "{}",
            size_of::<Option<Flow>>()
        );
    }
}
