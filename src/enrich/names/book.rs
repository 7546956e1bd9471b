//! The book of answers: what is known about hosts, and what is worth asking.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Answer, Source};
use crate::flow::Moment;

/// How long an answer counts before a visible address is asked about again.
/// The resolver's own cache answers at once, so this costs no query; it brings
/// what has changed meanwhile: a lease, a line in the hosts file, an expired
/// name. (Its files are looked at as often.)
pub const RECHECK: Duration = Duration::from_secs(30);

/// Answers kept; past this the oldest go. They come back when shown again.
const CAPACITY: usize = 16_384;

/// What is known about the name of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState<'a> {
    /// Nobody has answered yet.
    Unknown,
    /// There is no name to show.
    Nameless,
    /// The name, escaped, and who gave it.
    Named(&'a str, Source),
}

#[derive(Clone, Debug)]
struct Known {
    name: Option<Arc<str>>,
    source: Source,
    at: Moment,
}

/// The names of hosts, as far as they are known. Belongs to the one thread
/// that shows names; a question costs one hash lookup.
#[derive(Clone, Debug, Default)]
pub struct Names {
    known: HashMap<IpAddr, Known, foldhash::fast::RandomState>,
}

impl Names {
    /// Takes in what the resolver found out.
    pub fn merge(&mut self, answers: impl IntoIterator<Item = Answer>, now: Moment) {
        for Answer { addr, name, source } in answers {
            self.known.insert(
                addr,
                Known {
                    name,
                    source,
                    at: now,
                },
            );
        }
        if self.known.len() > CAPACITY {
            self.forget_the_oldest();
        }
    }

    /// What is known about `addr`.
    pub fn name(&self, addr: IpAddr) -> NameState<'_> {
        match self.known.get(&addr.to_canonical()) {
            None => NameState::Unknown,
            Some(Known { name: None, .. }) => NameState::Nameless,
            Some(Known {
                name: Some(name),
                source,
                ..
            }) => NameState::Named(name, *source),
        }
    }

    /// The name of `addr`, shared.
    pub fn shared(&self, addr: IpAddr) -> Option<Arc<str>> {
        self.find(addr).cloned()
    }

    /// The name of `addr`, where it stands.
    pub fn find(&self, addr: IpAddr) -> Option<&Arc<str>> {
        if self.known.is_empty() {
            return None;
        }
        self.known.get(&addr.to_canonical())?.name.as_ref()
    }

    /// Whether there is an answer for `addr`, a name or none.
    pub fn is_known(&self, addr: IpAddr) -> bool {
        self.known.contains_key(&addr.to_canonical())
    }

    /// Those of `visible`, in their order, that the resolver should be asked
    /// about: unanswered, or answered longer ago than [`RECHECK`].
    pub fn due(&self, visible: impl IntoIterator<Item = IpAddr>, now: Moment) -> Vec<IpAddr> {
        let fresh = |addr: &IpAddr| {
            let known = self.known.get(&addr.to_canonical());
            known.is_some_and(|known| now.since(known.at) < RECHECK)
        };
        visible.into_iter().filter(|addr| !fresh(addr)).collect()
    }

    /// Drops an eighth at once, so that a full book does not sort at every answer.
    fn forget_the_oldest(&mut self) {
        let mut ages: Vec<Moment> = self.known.values().map(|known| known.at).collect();
        let mut excess = ages.len() - (CAPACITY - CAPACITY / 8);
        let (_, &mut limit, _) = ages.select_nth_unstable(excess - 1);
        self.known.retain(|_, known| {
            let goes = excess > 0 && known.at <= limit;
            excess -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Moment {
        Moment::default().after(Duration::from_secs(secs))
    }

    fn answer(n: u32, name: Option<&str>) -> Answer {
        Answer {
            addr: addr(n),
            name: name.map(Arc::from),
            source: Source::Dns,
        }
    }

    fn addr(n: u32) -> IpAddr {
        IpAddr::from(n.to_be_bytes())
    }

    #[test]
    fn an_answer_replaces_the_one_before() {
        let mut names = Names::default();
        assert_eq!(names.name(addr(1)), NameState::Unknown);
        names.merge([answer(1, None)], at(0));
        assert_eq!(names.name(addr(1)), NameState::Nameless);
        names.merge([answer(1, Some("a"))], at(0));
        assert_eq!(names.name(addr(1)), NameState::Named("a", Source::Dns));
        assert_eq!(
            names.name("::ffff:0.0.0.1".parse().unwrap()),
            names.name(addr(1))
        );
    }

    #[test]
    fn due_are_the_unanswered_and_the_old_in_the_order_of_the_screen() {
        let mut names = Names::default();
        names.merge([answer(1, None)], at(0));
        names.merge([answer(2, Some("b"))], at(20));
        assert_eq!(names.due([3, 2, 1].map(addr), at(29)), [addr(3)]);
        assert_eq!(names.due([3, 2, 1].map(addr), at(30)), [addr(3), addr(1)]);
    }

    #[test]
    fn a_full_book_forgets_the_oldest() {
        let mut names = Names::default();
        let many = 3 * CAPACITY as u32;
        for n in 0..many {
            names.merge([answer(n, None)], at(u64::from(n)));
            assert!(names.known.len() <= CAPACITY);
        }
        assert_eq!(names.name(addr(0)), NameState::Unknown);
        for n in many - CAPACITY as u32 / 2..many {
            assert_eq!(names.name(addr(n)), NameState::Nameless);
        }
        // Answers of one moment are as old as each other, but not more go than must.
        names.merge((many..2 * many).map(|n| answer(n, None)), at(1 << 30));
        assert_eq!(names.known.len(), CAPACITY - CAPACITY / 8);
    }
}
