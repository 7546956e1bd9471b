//! Has the owners of flows found out, as flows come and go.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::enrich::Knowledge;
use crate::enrich::owners::{Attributed, Attribution, Subject};
use crate::flow::{Counters, Direction, Key, Pair, Update};
use crate::table::{Change, Flow, Table};

/// Asks whose flows are, and passes on what was found out.
///
/// Only flows with an end on this machine are asked about, or in another
/// network namespace of it: the table of a router costs nothing.
pub struct Asker {
    attribution: Attribution,
    /// Not told yet, and still there.
    begun: HashMap<Key, Subject, foldhash::fast::RandomState>,
    ended: Vec<Key>,
    /// Asked about, and not answered yet.
    awaited: HashSet<Key, foldhash::fast::RandomState>,
    /// What sockets have counted, told once when it changes.
    counted: HashMap<Key, Pair<Counters>, foldhash::fast::RandomState>,
    /// Refreshes whose figures were handed on.
    refreshes: u64,
    /// Whether one is asked for, and not told of yet.
    is_refreshing: bool,
    /// Addresses of other network namespaces when the whole table was looked
    /// through last.
    namespaced: Arc<HashSet<IpAddr>>,
}

impl Asker {
    /// Asks this one.
    pub fn new(attribution: Attribution) -> Self {
        Self {
            attribution,
            begun: HashMap::default(),
            ended: Vec::new(),
            awaited: HashSet::default(),
            counted: HashMap::default(),
            refreshes: 0,
            is_refreshing: false,
            namespaced: Arc::default(),
        }
    }

    /// Takes note of a change of the table. What `knowledge` has about a flow
    /// that ends is the caller's to forget.
    pub fn note(&mut self, change: &Change<'_>, knowledge: &Knowledge) {
        match change {
            Change::Born(flow) | Change::Changed(flow) => self.begin(flow, knowledge),
            Change::Ended(flow) => self.end(flow),
            Change::Lost(_) => {}
        }
    }

    /// Asks about every flow of which nothing is known yet.
    pub fn look_through(&mut self, table: &Table, knowledge: &Knowledge) {
        for (_, flow) in table.flows() {
            self.begin(flow, knowledge);
        }
    }

    /// Whether the whole table should be looked through again: more flows may
    /// be of this machine than were.
    pub fn has_news_of_namespaces(&mut self) -> bool {
        let namespaced = self.attribution.namespaced();
        let is_new = *namespaced != *self.namespaced;
        self.namespaced = namespaced;
        is_new
    }

    fn begin(&mut self, flow: &Flow, knowledge: &Knowledge) {
        let key = *flow.key();
        if knowledge.owners(&key).is_some() || self.awaited.contains(&key) {
            return;
        }
        let reply = flow.reply();
        let Some(direction) = knowledge.direction(&key.orig, &reply) else {
            return;
        };
        let is_ours = direction != Direction::Forward
            || self.namespaced.contains(&key.orig.src())
            || self.namespaced.contains(&reply.src());
        if is_ours {
            self.awaited.insert(key);
            let subject = Subject {
                key,
                reply,
                direction,
            };
            self.begun.insert(key, subject);
        }
    }

    /// A flow has ended: nothing more is wanted of it.
    pub fn end(&mut self, flow: &Flow) {
        self.awaited.remove(flow.key());
        self.begun.remove(flow.key());
        self.counted.remove(flow.key());
        self.ended.push(*flow.key());
    }

    /// Whether the owners of a flow were asked for and are not known yet.
    pub fn awaits(&self, key: &Key) -> bool {
        self.awaited.contains(key)
    }

    /// Whether those of any flow are awaited.
    pub fn awaits_any(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// All flows have ended at once: the source is another one.
    pub fn end_all(&mut self, knowledge: &Knowledge) {
        self.ended.extend(knowledge.owned().copied());
        self.ended.extend(self.awaited.drain());
        self.counted.clear();
        self.begun.clear();
    }

    /// Sends what has been noted. What cannot be taken now is sent the next
    /// time.
    ///
    /// Ends go first: of a flow that ended and began again, the tuple used
    /// again or the table flushed, the end is that of the one before.
    pub fn send(&mut self) {
        if !self.ended.is_empty() {
            if !self.attribution.end(self.ended.clone()) {
                return;
            }
            self.ended.clear();
        }
        let begun = || self.begun.values().copied().collect();
        if !self.begun.is_empty() && self.attribution.begin(begun()) {
            self.begun.clear();
        }
    }

    /// Has the figures of all flows read again.
    pub fn refresh(&mut self) {
        self.send();
        self.attribution.refresh();
        self.is_refreshing = true;
    }

    /// Whether flows that only sockets count are still to be counted since the
    /// last [`refresh`](Self::refresh).
    pub fn owes_counts(&self) -> bool {
        self.is_refreshing && !self.counted.is_empty()
    }

    /// How often they were.
    pub const fn refreshes(&self) -> u64 {
        self.attribution.progress().refreshes
    }

    /// Hands what was found out to `knowledge`. Returns what sockets counted,
    /// for flows that the kernel does not count: of all of them after a
    /// refresh, since a flow that rests has a rate as well.
    pub fn answers(&mut self, knowledge: &mut Knowledge) -> Vec<Update> {
        let answers = self.attribution.answers();
        let news = answers.into_iter();
        let news: Vec<_> = news.filter_map(|one| self.take(one, knowledge)).collect();
        let refreshes = self.refreshes();
        if refreshes == self.refreshes {
            return news;
        }
        self.refreshes = refreshes;
        self.is_refreshing = false;
        let all = self.counted.iter();
        all.map(|(&key, &counters)| Update::Counted { key, counters })
            .collect()
    }

    /// Takes an answer in, and hands on what a socket counted. One that was under
    /// way when its flow ended is passed over: nobody would forget it again, and
    /// the next flow of this tuple would have its owner.
    fn take(&mut self, answer: Attributed, knowledge: &mut Knowledge) -> Option<Update> {
        let Attributed {
            key,
            owners,
            counters,
        } = answer;
        let is_first = self.awaited.remove(&key);
        if !is_first && knowledge.owners(&key).is_none() {
            return None;
        }
        knowledge.merge_owners(key, owners);
        let counters = counters?;
        self.counted.insert(key, counters);
        Some(Update::Counted { key, counters })
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::enrich::locality::Locality;
    use crate::enrich::owners::{Owner, Settings, Unknown};
    use crate::enrich::services::{self, Services};
    use crate::flow::{L4, Moment, Origin, Protocol, Report, Tuple};

    fn answer(key: Key) -> Attributed {
        let counters = Counters {
            packets: 1,
            bytes: 100,
        };
        Attributed {
            key,
            owners: Pair {
                orig: Some(Owner::unknown(Unknown::Gone)),
                reply: None,
            },
            counters: Some(Pair {
                orig: counters,
                reply: counters,
            }),
        }
    }

    #[test]
    fn an_answer_that_comes_after_the_end_of_its_flow_is_passed_over() {
        let mut asker = Asker::new(Attribution::start(Settings::default(), || {}).unwrap());
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        let here = Ipv4Addr::LOCALHOST;
        knowledge.set_locality(Arc::new(Locality::of([here.into()], [])));
        let orig = Tuple::v4(here, here, Protocol::TCP, L4::Ports { src: 1, dst: 2 });
        let key = Key { zone: 0, orig };
        let mut table = Table::new();
        let mut tell = |origin, asker: &mut Asker, knowledge: &mut Knowledge| {
            let update = Update::Flow(Report::about(key, origin));
            table.apply(&update, Moment::default(), &mut |change| {
                asker.note(&change, knowledge);
                if let Change::Ended(flow) = change {
                    knowledge.forget(flow.key());
                }
            });
        };
        tell(Origin::New, &mut asker, &mut knowledge);
        assert!(asker.awaits(&key));
        // The first answer, and what has changed since.
        for _ in 0..2 {
            assert!(asker.take(answer(key), &mut knowledge).is_some());
            assert!(knowledge.owners(&key).is_some() && !asker.awaits_any());
        }
        tell(Origin::Destroyed, &mut asker, &mut knowledge);
        assert!(asker.take(answer(key), &mut knowledge).is_none());
        assert!(knowledge.owners(&key).is_none() && asker.counted.is_empty());
        // The same tuple again is another flow, and asked about anew.
        tell(Origin::New, &mut asker, &mut knowledge);
        assert!(asker.awaits(&key));
        tell(Origin::Destroyed, &mut asker, &mut knowledge);
        assert!(asker.take(answer(key), &mut knowledge).is_none());
    }
}
