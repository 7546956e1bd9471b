//! Flows whose end was told a moment ago.
//!
//! Of a flow within this machine two sockets go, and the kernel sends their
//! last words in any order. The flow ends once.

use std::collections::HashMap;
use std::mem;

use super::seen::Side;
use crate::flow::{Key, Moment};

/// How much later the last word of the other socket can come.
const LAG_NS: u64 = 5_000_000_000;

/// Forgets after one to two times [`LAG_NS`].
#[derive(Debug, Default)]
pub(super) struct Farewells {
    new: HashMap<Key, Side>,
    old: HashMap<Key, Side>,
    opened_ns: u64,
}

impl Farewells {
    /// The end of a flow is told, because its socket at this side has gone.
    pub(super) fn say(&mut self, key: Key, side: Side, now: Moment) {
        let open = now.mono_ns.saturating_sub(self.opened_ns);
        if open >= LAG_NS {
            self.old = mem::take(&mut self.new);
            if open >= 2 * LAG_NS {
                self.old.clear();
            }
            self.opened_ns = now.mono_ns;
        }
        self.new.insert(key, side);
    }

    /// Whether the end was told by the other side than this; once.
    pub(super) fn was_said_by_other(&mut self, key: &Key, side: Side) -> bool {
        for yard in [&mut self.new, &mut self.old] {
            if yard.get(key).is_some_and(|by| *by != side) {
                yard.remove(key);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{L4, Protocol, Tuple};
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[test]
    fn an_end_is_told_by_one_side_and_forgotten_in_time() {
        let here = Ipv4Addr::LOCALHOST;
        let orig = Tuple::v4(here, here, Protocol::TCP, L4::Ports { src: 1, dst: 2 });
        let key = Key { zone: 0, orig };
        let at = |secs| Moment::default().after(Duration::from_secs(secs));
        let mut said = Farewells::default();
        said.say(key, Side::Client, at(100));
        assert!(!said.was_said_by_other(&key, Side::Client));
        assert!(said.was_said_by_other(&key, Side::Server));
        assert!(!said.was_said_by_other(&key, Side::Server), "once");
        said.say(key, Side::Server, at(101));
        let orig = orig.inverted();
        said.say(Key { zone: 0, orig }, Side::Server, at(120));
        assert!(!said.was_said_by_other(&key, Side::Client));
    }
}
