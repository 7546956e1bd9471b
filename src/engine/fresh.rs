//! When the bytes of the whole are read.

use std::mem;

/// Whether every counter is fresh. Of a flow that only a socket counts that is
/// so when the sockets have been heard too: a reading between the two would
/// find it at rest, and the next one twice as fast.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    is_dumped: bool,
}

impl Fresh {
    /// A complete dump has ended.
    pub(super) const fn dumped(&mut self) {
        self.is_dumped = true;
    }

    /// Whether to read now, once for each dump; not while `sockets_owe` what
    /// they count.
    pub(super) fn is_due(&mut self, sockets_owe: bool) -> bool {
        !sockets_owe && mem::take(&mut self.is_dumped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dump_is_read_once_and_not_before_the_sockets_are_heard() {
        let mut fresh = Fresh::default();
        assert!(!fresh.is_due(false), "there was no dump");
        fresh.dumped();
        assert!(!fresh.is_due(true));
        assert!(fresh.is_due(false));
        assert!(!fresh.is_due(false));
    }
}
