//! What flows moved that have ended.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::super::{Departed, Flow, Knowledge, Query, Who};
use super::members::{far_end, organisation};
use super::{Group, Grouping, Holder, List};
use crate::flow::{Class, Counters, Direction, Moment, Pair, Scope};
use crate::view::window::direction;

/// Groups that a book has pages for. A port scan makes a service of every
/// port; past this, what falls into a new group is booked as one of others.
const CAPACITY: usize = 1 << 16;
/// The same of processes, of which more has to be remembered, and of books
/// that are not kept from the start.
const SMALL: usize = 1 << 13;
/// Books at a time that are not kept from the start.
const ASKED: usize = 8;

/// What ended flows have moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) flows: u64,
    /// As in [`GroupRow`](super::GroupRow).
    pub(super) counters: Pair<Counters>,
    /// When the last of them ended.
    pub(super) last: Moment,
}

/// What filters ask of a flow.
type Kind = (Class, Option<Direction>);

/// The sums of one list: the groups on the way to it, and by what it groups.
#[derive(Clone, Debug)]
struct Book {
    path: Vec<Grouping>,
    pages: HashMap<Box<[Group]>, Vec<(Kind, Ended)>, foldhash::fast::RandomState>,
    capacity: usize,
    /// The number of the question that asked for it last; 0 of one that is kept
    /// from the start.
    asked: u64,
}

impl Book {
    fn new(path: &[Grouping], asked: u64) -> Self {
        let is_small = asked > 0 || path.contains(&Grouping::Process);
        Self {
            path: path.to_vec(),
            pages: HashMap::default(),
            capacity: if is_small { SMALL } else { CAPACITY },
            asked,
        }
    }

    /// Whether it tells the sums of a list with this path: its own, or one
    /// that ends before its own does, as long as no flow is counted twice then.
    fn tells_of(&self, path: &[Grouping]) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| {
            let mut rest = rest.iter();
            rest.all(|grouping| !grouping.is_shared())
        })
    }

    fn enter(&mut self, path: &mut [Group], kind: Kind, counters: Pair<Counters>, at: Moment) {
        let has_room = |pages: usize| self.pages.len() < pages;
        // As exactly as there is room for.
        if !has_room(self.capacity) && !self.pages.contains_key(path) {
            if let Some(last) = path.last_mut() {
                *last = Group::Others;
            }
            if !has_room(2 * self.capacity) && !self.pages.contains_key(path) {
                path.fill(Group::Others);
            }
        }
        if !self.pages.contains_key(path) {
            self.pages.insert(Box::from(&*path), Vec::new());
        }
        let Some(page) = self.pages.get_mut(path) else {
            return;
        };
        let at_kind = page.iter().position(|(known, _)| *known == kind);
        let at_kind = at_kind.unwrap_or_else(|| {
            page.push((kind, Ended::default()));
            page.len() - 1
        });
        let (_, sum) = &mut page[at_kind];
        sum.flows += 1;
        sum.counters += counters;
        sum.last = at;
    }
}

/// Remembers, for each group, what flows moved that have ended; and the last of
/// these flows.
///
/// It keeps a book for each list that has been asked for: those of the tabs
/// from the start, others from when they are first looked at, so that their
/// sums of ended flows begin there. Of others only the eight that were asked
/// for last are kept. So a flow that ends costs one entry in each list that
/// somebody looks at, and books and pages are bounded whatever the traffic is;
/// what does not fit is told as [`Group::Others`], and nothing is lost.
#[derive(Clone, Debug)]
pub struct Ledger {
    books: Vec<Book>,
    organisations: HashMap<NonZeroU32, Arc<str>, foldhash::fast::RandomState>,
    holders: HashMap<Who, Holder, foldhash::fast::RandomState>,
    /// Counts the questions.
    asked: u64,
    departed: Departed,
}

impl Default for Ledger {
    fn default() -> Self {
        let paths: [&[Grouping]; 4] = [
            &[Grouping::Host],
            &[Grouping::Process],
            // Networks are looked at within their country.
            &[Grouping::Country, Grouping::Asn],
            &[Grouping::Service],
        ];
        Self {
            books: paths.iter().map(|path| Book::new(path, 0)).collect(),
            organisations: HashMap::default(),
            holders: HashMap::default(),
            asked: 0,
            departed: Departed::default(),
        }
    }
}

/// The groupings on the way to a list, its own last; `None` of a list of flows.
fn path(query: &Query) -> Option<Vec<Grouping>> {
    let List::By(grouping) = query.list else {
        return None;
    };
    let mut path: Vec<_> = query.within.iter().filter_map(|g| g.grouping()).collect();
    path.push(grouping);
    Some(path)
}

impl Ledger {
    /// A ledger that keeps this many flows themselves.
    pub fn keeping(flows: usize) -> Self {
        Self {
            departed: Departed::with_capacity(flows),
            ..Self::default()
        }
    }

    /// The last flows that have ended.
    pub const fn departed(&self) -> &Departed {
        &self.departed
    }

    /// Forgets these flows, but not what they moved.
    pub fn forget_departed(&mut self, knowledge: &mut Knowledge) {
        self.departed.clear(knowledge);
    }

    /// Keeps account of the list that a query asks for from now on, if it does
    /// not yet.
    pub fn open(&mut self, query: &Query) {
        let Some(path) = path(query) else { return };
        self.asked += 1;
        if let Some(book) = self.books.iter_mut().find(|book| book.tells_of(&path)) {
            if book.asked > 0 {
                book.asked = self.asked;
            }
            return;
        }
        let others = self.books.iter().enumerate().filter(|(_, b)| b.asked > 0);
        if others.clone().count() >= ASKED
            && let Some((oldest, _)) = others.min_by_key(|(_, book)| book.asked)
        {
            self.books.remove(oldest);
        }
        self.books.push(Book::new(&path, self.asked));
    }

    /// Books a flow that has ended at `at`.
    pub fn book(&mut self, flow: &Flow, knowledge: &mut Knowledge, at: Moment) {
        let kind = (flow.class(), direction(flow, knowledge));
        let counters = flow.counters().unwrap_or_default();
        self.remember(flow, knowledge);
        for book in &mut self.books {
            // Two groups at most, of each grouping on the way.
            let mut paths = vec![(Vec::with_capacity(book.path.len()), counters)];
            for grouping in &book.path {
                let before = std::mem::take(&mut paths);
                grouping.members(flow, knowledge, |member| {
                    for (path, _) in &before {
                        let mut path: Vec<Group> = path.clone();
                        path.push(member.group);
                        paths.push((path, member.side.sent_and_received(counters)));
                    }
                });
            }
            for (mut path, counters) in paths {
                book.enter(&mut path, kind, counters, at);
            }
        }
        self.departed.keep(flow, knowledge);
    }

    /// Remembers what things are called of which nothing may be left soon.
    fn remember(&mut self, flow: &Flow, knowledge: &mut Knowledge) {
        let far = far_end(flow, knowledge);
        let location = knowledge.located(far);
        let asn = location.place().and_then(|place| place.asn);
        if let Some((asn, name)) = asn.zip(organisation(location))
            && self.organisations.len() < CAPACITY
            && !self.organisations.contains_key(&asn)
        {
            self.organisations.insert(asn, Arc::clone(name));
        }
        let holders = &mut self.holders;
        Grouping::Process.members(flow, knowledge, |member| {
            if let (Group::Process(who @ Who::Process { .. }), Some(owner)) =
                (member.group, member.owner)
                && holders.len() < SMALL
            {
                holders.entry(who).or_insert_with(|| Holder::of(owner));
            }
        });
    }

    /// Hands over what has ended of the groups of a list.
    pub(super) fn each(&self, query: &Query, mut take: impl FnMut(Group, &Ended)) {
        let Some(path) = path(query) else { return };
        let Some(book) = self.books.iter().find(|book| book.tells_of(&path)) else {
            return;
        };
        for (groups, kinds) in &book.pages {
            let Some((within, [group, ..])) = groups.split_at_checked(path.len() - 1) else {
                continue;
            };
            if within != query.within {
                continue;
            }
            for (kind, ended) in kinds {
                if holds(query.scope, query.direction, *kind) {
                    take(*group, ended);
                }
            }
        }
    }

    /// The organisation that a network belonged to when a flow ended there.
    pub(super) fn organisation(&self, asn: NonZeroU32) -> Option<&Arc<str>> {
        self.organisations.get(&asn)
    }

    /// The process of a flow that ended.
    pub(super) fn holder(&self, who: Who) -> Option<&Holder> {
        self.holders.get(&who)
    }
}

/// Whether a scope and a direction hold flows of a kind.
fn holds(scope: Scope, wanted: Option<Direction>, (class, direction): Kind) -> bool {
    scope.holds(class) && wanted.is_none_or(|wanted| direction == Some(wanted))
}
