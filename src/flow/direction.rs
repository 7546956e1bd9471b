//! Which way a flow goes, seen from this machine.

/// Which way a flow goes, by where its first packet came from and went to
/// after address translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// From elsewhere to an address of this machine.
    In,
    /// From an address of this machine to elsewhere.
    Out,
    /// From elsewhere to elsewhere, through this machine.
    Forward,
    /// From this machine to itself.
    Local,
}

impl Direction {
    /// All of them, in the order of the viewer's key.
    pub const ALL: [Self; 4] = [Self::Out, Self::In, Self::Forward, Self::Local];

    /// As it stands in records: `in`, `out`, `forward` or `local`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Forward => "forward",
            Self::Local => "local",
        }
    }
}
