//! The `IPS_*` status bits of a flow.

use std::fmt;

/// Status bits of a flow, `enum ip_conntrack_status` of
/// `linux/netfilter/nf_conntrack_common.h`. Bits this program does not know
/// are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// `IPS_EXPECTED`: a helper announced this flow (an FTP data connection).
    pub const EXPECTED: Self = Self(1);
    /// `IPS_SEEN_REPLY`: packets went both ways.
    pub const SEEN_REPLY: Self = Self(1 << 1);
    /// `IPS_ASSURED`: not dropped early when the table is full.
    pub const ASSURED: Self = Self(1 << 2);
    /// `IPS_CONFIRMED`: its first packet left the machine.
    pub const CONFIRMED: Self = Self(1 << 3);
    /// `IPS_SRC_NAT`: the source of the original direction is rewritten.
    pub const SRC_NAT: Self = Self(1 << 4);
    /// `IPS_DST_NAT`: the destination of the original direction is rewritten.
    pub const DST_NAT: Self = Self(1 << 5);
    /// `IPS_SEQ_ADJUST`: TCP sequence numbers are adjusted.
    pub const SEQ_ADJUST: Self = Self(1 << 6);
    /// `IPS_SRC_NAT_DONE`: source NAT was decided.
    pub const SRC_NAT_DONE: Self = Self(1 << 7);
    /// `IPS_DST_NAT_DONE`: destination NAT was decided.
    pub const DST_NAT_DONE: Self = Self(1 << 8);
    /// `IPS_DYING`: removed from the table; set in every `DESTROY`.
    pub const DYING: Self = Self(1 << 9);
    /// `IPS_FIXED_TIMEOUT`: packets do not refresh the timeout.
    pub const FIXED_TIMEOUT: Self = Self(1 << 10);
    /// `IPS_TEMPLATE`: a template of the `CT` target, not a flow.
    pub const TEMPLATE: Self = Self(1 << 11);
    /// `IPS_NAT_CLASH` (formerly `IPS_UNTRACKED`).
    pub const NAT_CLASH: Self = Self(1 << 12);
    /// `IPS_HELPER`: a helper was attached by rule.
    pub const HELPER: Self = Self(1 << 13);
    /// `IPS_OFFLOAD`: a flowtable forwards its packets in software.
    pub const OFFLOAD: Self = Self(1 << 14);
    /// `IPS_HW_OFFLOAD`: a network card forwards its packets.
    pub const HW_OFFLOAD: Self = Self(1 << 15);

    const NAMES: [&'static str; 16] = [
        "expected",
        "seen_reply",
        "assured",
        "confirmed",
        "src_nat",
        "dst_nat",
        "seq_adjust",
        "src_nat_done",
        "dst_nat_done",
        "dying",
        "fixed_timeout",
        "template",
        "nat_clash",
        "helper",
        "offload",
        "hw_offload",
    ];

    /// Whether every bit of `bits` is set.
    pub const fn has(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }

    /// Names of the set bits that have one, in the kernel's order: the
    /// kernel's constant without `IPS_`, in lower case.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| *name)
    }
}

impl std::ops::BitOr for Status {
    type Output = Self;
    fn bitor(self, rhs: Self) -> Self {
        Self(self.0 | rhs.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
