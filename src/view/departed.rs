//! Flows that have ended, the last of them.
//!
//! What a live flow alone has is left out (see [`Flow::at_rest`]), so that each
//! costs about 300 bytes, and what is known of its owner: ten thousand are
//! 3 MB.

use std::collections::{HashMap, VecDeque};

use super::{Flow, FlowId, Knowledge, Table};

/// A bounded memory of flows that have ended. The first that ended is the
/// first to be forgotten.
#[derive(Clone, Debug)]
pub struct Departed {
    capacity: usize,
    /// In the order of their ends.
    flows: VecDeque<Flow>,
    /// Each by the number of its end.
    ends: HashMap<FlowId, u64, foldhash::fast::RandomState>,
    /// Number of the end of the first that is kept.
    first: u64,
    /// Flows that were kept, and had to give way.
    displaced: u64,
}

/// How much of the past is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Ended flows at hand.
    pub flows: usize,
    /// Most that will be.
    pub capacity: usize,
    /// Ended flows that are not kept because there were more, since the start
    /// or since all were forgotten.
    pub displaced: u64,
}

impl Default for Departed {
    fn default() -> Self {
        Self::with_capacity(Self::USUAL)
    }
}

impl Departed {
    /// Flows that are kept if nothing else is said.
    pub const USUAL: usize = 10_000;

    /// Room for this many flows; it is taken as they come.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity,
            flows: VecDeque::new(),
            ends: HashMap::default(),
            first: 0,
            displaced: 0,
        }
    }

    /// Keeps a flow that has ended, and who was at its ends.
    pub fn keep(&mut self, flow: &Flow, knowledge: &mut Knowledge) {
        if self.flows.len() >= self.capacity {
            self.displaced += 1;
            let Some(old) = self.flows.pop_front() else {
                return;
            };
            self.first += 1;
            self.ends.remove(&old.row());
            knowledge.forget_departed(old.row().number());
        }
        let end = self.first + self.flows.len() as u64;
        self.ends.insert(flow.row(), end);
        self.flows.push_back(flow.at_rest());
        knowledge.depart(flow.key(), flow.row().number());
    }

    /// Forgets them all.
    pub fn clear(&mut self, knowledge: &mut Knowledge) {
        for flow in &self.flows {
            knowledge.forget_departed(flow.row().number());
        }
        *self = Self::with_capacity(self.capacity);
    }

    /// A flow that has ended, if it is kept.
    pub fn get(&self, id: FlowId) -> Option<&Flow> {
        let end = self.ends.get(&id)?;
        let place = usize::try_from(end.checked_sub(self.first)?).ok()?;
        self.flows.get(place)
    }

    /// All that are kept, the first that ended first.
    pub fn flows(&self) -> impl ExactSizeIterator<Item = &Flow> {
        self.flows.iter()
    }

    /// How much is kept.
    pub fn remembered(&self) -> Remembered {
        Remembered {
            flows: self.flows.len(),
            capacity: self.capacity,
            displaced: self.displaced,
        }
    }
}

/// Every flow that can be looked at: live, or ended and kept.
#[derive(Clone, Copy)]
pub(super) struct Flows<'a> {
    pub(super) live: &'a Table,
    pub(super) ended: &'a Departed,
}

impl<'a> Flows<'a> {
    pub(super) fn get(self, id: FlowId) -> Option<&'a Flow> {
        self.live.get(id).or_else(|| self.ended.get(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::owners::{Owner, Unknown};
    use crate::enrich::services::{Services, Settings};
    use crate::flow::{Key, L4, Moment, Origin, Pair, Protocol, Report, Tuple, Update};
    use crate::table::Change;
    use crate::view::whose::owners;
    use std::net::Ipv4Addr;

    fn key(port: u16) -> Key {
        let here = Ipv4Addr::LOCALHOST;
        let l4 = L4::Ports { src: port, dst: 80 };
        let orig = Tuple::v4(here, here, Protocol::TCP, l4);
        Key { zone: 0, orig }
    }

    struct World {
        table: Table,
        departed: Departed,
        knowledge: Knowledge,
    }

    impl World {
        fn new(capacity: usize) -> Self {
            let (services, _) = Services::load(&Settings::default());
            Self {
                table: Table::new(),
                departed: Departed::with_capacity(capacity),
                knowledge: Knowledge::new(services),
            }
        }

        fn apply(&mut self, port: u16, origin: Origin) {
            let update = Update::Flow(Report::about(key(port), origin));
            let (departed, knowledge) = (&mut self.departed, &mut self.knowledge);
            self.table.apply(&update, Moment::default(), &mut |change| {
                if let Change::Ended(flow) = change {
                    departed.keep(flow, knowledge);
                }
            });
        }

        fn begin(&mut self, port: u16) -> FlowId {
            self.apply(port, Origin::New);
            self.table.find(&key(port)).unwrap()
        }

        fn owner(&self, id: FlowId) -> Option<Unknown> {
            let flow = self.table.get(id).or_else(|| self.departed.get(id))?;
            let owners = owners(flow, &self.knowledge)?;
            owners.orig.as_ref()?.process.as_ref().err().copied()
        }
    }

    fn owned_by(why: Unknown) -> Pair<Option<Owner>> {
        Pair {
            orig: Some(Owner::unknown(why)),
            reply: None,
        }
    }

    #[test]
    fn an_ended_flow_keeps_its_name_and_its_owner() {
        let mut world = World::new(2);
        let first = world.begin(1);
        world
            .knowledge
            .merge_owners(key(1), owned_by(Unknown::Gone));
        assert_eq!(world.owner(first), Some(Unknown::Gone));
        world.apply(1, Origin::Destroyed);
        assert!(world.table.get(first).is_none());
        assert_eq!(world.departed.get(first).unwrap().row(), first);
        assert_eq!(world.owner(first), Some(Unknown::Gone));
        // The same tuple again, with somebody else.
        let second = world.begin(1);
        assert_ne!(first, second);
        assert_eq!(world.owner(second), None, "nobody has looked yet");
        world.apply(1, Origin::Destroyed);
        let third = world.begin(1);
        world
            .knowledge
            .merge_owners(key(1), owned_by(Unknown::Ambiguous));
        assert_eq!(world.owner(first), Some(Unknown::Gone));
        assert_eq!(world.owner(second), None, "not that of its successor");
        assert_eq!(world.owner(third), Some(Unknown::Ambiguous));
    }

    #[test]
    fn the_first_that_ended_gives_way_and_is_counted() {
        let mut world = World::new(2);
        let ids: Vec<_> = (1..=4).map(|port| world.begin(port)).collect();
        for port in [3, 1, 4, 2] {
            world.apply(port, Origin::Destroyed);
        }
        let kept: Vec<_> = world.departed.flows().map(Flow::row).collect();
        assert_eq!(kept, [ids[3], ids[1]]);
        for id in [ids[3], ids[1]] {
            assert_eq!(world.departed.get(id).unwrap().row(), id);
        }
        assert!(world.departed.get(ids[2]).is_none());
        let told = Remembered {
            flows: 2,
            capacity: 2,
            displaced: 2,
        };
        assert_eq!(world.departed.remembered(), told);
        assert_eq!(world.knowledge.departed(), 2);
        world.departed.clear(&mut world.knowledge);
        assert_eq!(world.departed.remembered().flows, 0);
        assert_eq!(world.departed.remembered().displaced, 0);
        assert_eq!(world.knowledge.departed(), 0);
        assert!(world.departed.get(ids[1]).is_none());
        let again = world.begin(5);
        world.apply(5, Origin::Destroyed);
        assert!(world.departed.get(again).is_some());
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let mut world = World::new(0);
        let id = world.begin(1);
        world.apply(1, Origin::Destroyed);
        assert!(world.departed.get(id).is_none());
        assert_eq!(world.departed.remembered().displaced, 1);
        assert_eq!(world.knowledge.departed(), 0);
    }
}
