//! Flows whose owners are wanted, and how far each is. Nothing here asks
//! anybody: it says which ends are to be looked at and which sockets' holders
//! are wanted, and takes in what came out.
//!
//! The way of an end of a flow:
//!
//! 1. It is looked at when the flow is begun, and, if nothing was there or
//!    nobody had accepted the connection, again after 5 and 50 ms: word of a
//!    flow can be here before its socket is.
//! 2. If processes can hold what was seen, they are looked for. The end is
//!    settled when they are found. If a pass over all processes does not find
//!    them, the end is looked at again: the socket may be gone meanwhile. If
//!    it is still there after a second pass, it is the kernel's; or if there
//!    are processes that may not be read, that is the reason.
//! 3. With each refresh TCP connections are looked at for new figures, and ends
//!    at which nothing was are looked at a few times more.
//!
//! A flow is told of when all its ends are settled, and when something has
//! changed since.

mod side;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::attribution::{Attributed, Subject};
use super::hierarchy::Hierarchy;
use super::matching::End;
use super::processes::{Identity, Processes};
use super::sight::{About, Sighting};
use super::{Owner, Unknown};
use crate::flow::{Direction, Key, Pair, Protocol};
use crate::netlink::sockdiag::{Endpoint, Socket};

use side::{Side, Verdict, sides};

pub(super) use side::Elsewhere;

/// More flows than this are not begun: each takes about 700 bytes.
const MAX_CASES: usize = 200_000;
/// When to look again at an end at which nothing was yet.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(50)];
/// After so many passes in which no process was found with a socket, there is
/// none.
const ENOUGH_PASSES: u32 = 2;

/// An end of a flow that is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    key: Key,
    side: usize,
    /// As the socket there has it.
    pub(super) end: End,
    /// Its address, if it lives in another network namespace.
    pub(super) elsewhere: Option<IpAddr>,
    /// The fingerprint of the one socket that is known to be there, if it is
    /// settled whose it is.
    pub(super) known: Option<u64>,
}

/// A flow.
#[derive(Debug)]
struct Case {
    subject: Subject,
    sides: [Option<Side>; 2],
    is_dirty: bool,
    is_answered: bool,
}

/// All flows that were begun and have not ended.
#[derive(Debug, Default)]
pub(super) struct Cases {
    of: HashMap<Key, Case, foldhash::fast::RandomState>,
    /// When to look at which side.
    agenda: Vec<(Instant, Key, usize)>,
    looks_at_all: bool,
    /// By inode: the sides that its holder would settle.
    waiting: HashMap<u32, Vec<(Key, usize)>, foldhash::fast::RandomState>,
    /// Inodes whose holders are newly wanted.
    wanted: Vec<u32>,
    /// Inodes whose holders are wanted no more.
    released: Vec<u32>,
    dirty: Vec<Key>,
    unanswered: usize,
    refused: u64,
}

impl Ends {
    const fn new(key: Key, side: usize, state: &Side) -> Self {
        Self {
            key,
            side,
            end: state.end,
            elsewhere: state.elsewhere,
            known: state.known(),
        }
    }
}

impl Cases {
    /// Takes on flows. One that is known is told again.
    pub(super) fn begin(&mut self, subjects: &[Subject], elsewhere: Elsewhere<'_>, now: Instant) {
        for subject in subjects {
            let key = subject.key;
            let sides = sides(subject, elsewhere);
            let places = |sides: &[Option<Side>; 2]| {
                sides
                    .each_ref()
                    .map(|side| side.as_ref().map(|side| (side.end, side.elsewhere)))
            };
            if let Some(known) = self.of.get(&key) {
                if known.subject == *subject && places(&known.sides) == places(&sides) {
                    self.mark(key);
                    continue;
                }
                self.end(&[key]);
            }
            if self.of.len() >= MAX_CASES {
                self.refused += 1;
                continue;
            }
            let here = (0..2).filter(|side| sides[*side].is_some());
            self.agenda.extend(here.map(|side| (now, key, side)));
            let case = Case {
                subject: *subject,
                sides,
                is_dirty: false,
                is_answered: false,
            };
            self.of.insert(key, case);
            self.unanswered += 1;
            self.mark(key);
        }
    }

    /// These flows have ended.
    pub(super) fn end(&mut self, keys: &[Key]) {
        for key in keys {
            let Some(mut case) = self.of.remove(key) else {
                continue;
            };
            self.unanswered -= usize::from(!case.is_answered);
            for side in 0..2 {
                if let Some(state) = &mut case.sides[side] {
                    release(&mut self.waiting, &mut self.released, state, (*key, side));
                }
            }
        }
    }

    /// Has all be looked at for which that is worth it.
    pub(super) fn look_again(&mut self) {
        self.looks_at_all = true;
    }

    /// The ends that are due.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<Ends> {
        if std::mem::take(&mut self.looks_at_all) {
            self.agenda.clear();
            let due = |side: &Side| side.is_due || side.is_worth_a_look();
            return self.take_where(due);
        }
        let mut due = Vec::new();
        let of = &mut self.of;
        self.agenda.retain(|(at, key, side)| {
            if *at > now {
                return true;
            }
            if let Some(state) = of.get_mut(key).and_then(|case| case.sides[*side].as_mut())
                && std::mem::take(&mut state.is_due)
            {
                due.push(Ends::new(*key, *side, state));
            }
            false
        });
        due
    }

    fn take_where(&mut self, due: impl Fn(&Side) -> bool) -> Vec<Ends> {
        let mut ends = Vec::new();
        for (key, case) in &mut self.of {
            for (side, state) in case.sides.iter_mut().enumerate() {
                if let Some(state) = state.as_mut().filter(|side| due(side)) {
                    state.is_due = false;
                    ends.push(Ends::new(*key, side, state));
                }
            }
        }
        ends
    }

    /// When an end is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.agenda.iter().map(|(at, ..)| *at).min()
    }

    /// Takes in what was seen at an end.
    pub(super) fn take_sighting(&mut self, ends: &Ends, sighting: Sighting, now: Instant) {
        let place = (ends.key, ends.side);
        let Some(case) = self.of.get_mut(&ends.key) else {
            return;
        };
        let Some(side) = &mut case.sides[ends.side] else {
            return;
        };
        let is_patient = side.verdict.is_none() && side.sockets.is_empty();
        let again = LOOK_AGAIN
            .get(usize::from(side.looks))
            .filter(|_| is_patient);
        match (sighting, again) {
            (Sighting::Waiting(..) | Sighting::Nothing | Sighting::Unknown, Some(pause)) => {
                side.looks += 1;
                side.is_due = true;
                self.agenda.push((now + *pause, ends.key, ends.side));
                return;
            }
            (Sighting::Held(inodes, about) | Sighting::Waiting(inodes, about), _)
                if !inodes.is_empty() =>
            {
                let is_news = side.about.as_ref() != Some(&about);
                side.about = Some(about);
                let known = side.sockets.iter().map(|(inode, _)| *inode);
                if known.eq(inodes.iter().copied()) {
                    if side.verdict.is_none() && side.passes >= ENOUGH_PASSES {
                        side.verdict = Some(Verdict::Unknown(Unknown::Kernel));
                    } else if !is_news {
                        return;
                    }
                } else {
                    release(&mut self.waiting, &mut self.released, side, place);
                    side.verdict = None;
                    side.passes = 0;
                    side.looks = 0;
                    side.sockets = inodes.iter().map(|inode| (*inode, None)).collect();
                    for inode in inodes {
                        self.waiting.entry(inode).or_default().push(place);
                        self.wanted.push(inode);
                    }
                    return;
                }
            }
            (Sighting::Kernel, _) => side.verdict = Some(Verdict::Unknown(Unknown::Kernel)),
            (Sighting::Left(about), _) => {
                let figures = about
                    .figures
                    .or(side.about.take().and_then(|about| about.figures));
                side.about = Some(About { figures, ..about });
                side.gone(Unknown::Gone);
                release(&mut self.waiting, &mut self.released, side, place);
            }
            (Sighting::Unknown, _) => side.gone(Unknown::NotPermitted),
            (Sighting::Nothing | Sighting::Held(..) | Sighting::Waiting(..), _) => {
                side.gone(Unknown::Gone);
                release(&mut self.waiting, &mut self.released, side, place);
            }
        }
        self.mark(ends.key);
    }

    /// Takes in what a TCP socket says, if it is the one that is known to be at
    /// this end. One that does not say its congestion control has the one it
    /// had.
    pub(super) fn confirm(&mut self, ends: &Ends, inode: Option<u32>, mut about: About) -> bool {
        let case = self.of.get_mut(&ends.key);
        let Some(side) = case.and_then(|case| case.sides[ends.side].as_mut()) else {
            return false;
        };
        let (&[(known_inode, _)], Some(known)) = (&*side.sockets, &mut side.about) else {
            return false;
        };
        if inode != Some(known_inode) || about.cookie != known.cookie {
            return false;
        }
        if let (Some(figures), Some(before)) = (&mut about.figures, &known.figures) {
            figures.congestion = figures.congestion.or(before.congestion);
        }
        if *known != about {
            *known = about;
            self.mark(ends.key);
        }
        true
    }

    /// Takes in what TCP sockets of this namespace said last.
    pub(super) fn take_last_words(&mut self, words: &[Socket]) {
        if words.is_empty() {
            return;
        }
        let words: HashMap<(Endpoint, Endpoint), &Socket> = words
            .iter()
            .map(|socket| ((socket.local, socket.remote), socket))
            .collect();
        let mut changed = Vec::new();
        for (key, case) in &mut self.of {
            for side in case.sides.iter_mut().flatten() {
                let ends = (side.end.local, side.end.remote);
                let is_of_tcp = side.end.proto == Protocol::TCP && side.elsewhere.is_none();
                let word = words.get(&ends).filter(|_| is_of_tcp);
                // Another connection between the same ends has another cookie.
                if let (Some(word), Some(about)) = (word, &mut side.about)
                    && word.cookie == about.cookie
                {
                    about.figures = word.tcp.as_deref().copied();
                    about.state = word.state;
                    changed.push(*key);
                }
            }
        }
        for key in changed {
            self.mark(key);
        }
    }

    /// Inodes whose holders are newly wanted.
    pub(super) fn take_wanted(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.wanted)
    }

    /// Inodes whose holders nobody wants any more.
    pub(super) fn take_released(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.released)
    }

    /// This process holds this socket.
    pub(super) fn held_by(&mut self, inode: u32, holder: Identity) {
        for (key, side) in self.waiting.remove(&inode).unwrap_or_default() {
            let case = self.of.get_mut(&key);
            let Some(side) = case.and_then(|case| case.sides[side].as_mut()) else {
                continue;
            };
            for (known, identity) in &mut side.sockets {
                if *known == inode {
                    *identity = Some(holder);
                }
            }
            let mut holders = side.sockets.iter().map(|(_, identity)| *identity);
            let first = holders.next().flatten();
            let Some(first) = first.filter(|_| side.sockets.iter().all(|(_, h)| h.is_some()))
            else {
                continue;
            };
            side.verdict = Some(if holders.all(|other| other == Some(first)) {
                Verdict::Held(first)
            } else {
                Verdict::Unknown(Unknown::Ambiguous)
            });
            self.mark(key);
        }
    }

    /// So many passes over all processes have not found who holds this socket;
    /// `hidden` is whether some may not be read.
    pub(super) fn missed(&mut self, inode: u32, passes: u32, hidden: bool, now: Instant) {
        let waiting = self.waiting.get(&inode).cloned().unwrap_or_default();
        for (key, side) in waiting {
            let case = self.of.get_mut(&key);
            let Some(state) = case.and_then(|case| case.sides[side].as_mut()) else {
                continue;
            };
            state.passes = passes;
            if hidden {
                if state.verdict.is_none() {
                    state.verdict = Some(Verdict::Unknown(Unknown::NotPermitted));
                    self.mark(key);
                }
            } else if passes <= ENOUGH_PASSES {
                state.is_due = true;
                self.agenda.push((now, key, side));
            }
        }
    }

    /// What is to be told, at most so many.
    pub(super) fn tell(
        &mut self,
        at_most: usize,
        processes: &mut Processes,
        hierarchy: &mut Hierarchy,
        now: Instant,
    ) -> Vec<Attributed> {
        let mut told = Vec::new();
        while told.len() < at_most {
            let Some(key) = self.dirty.pop() else { break };
            let Some(case) = self.of.get_mut(&key) else {
                continue;
            };
            case.is_dirty = false;
            let mut settled = case
                .sides
                .iter()
                .flatten()
                .map(|side| side.verdict.is_some());
            if !settled.all(|settled| settled) {
                continue;
            }
            if !std::mem::replace(&mut case.is_answered, true) {
                self.unanswered -= 1;
            }
            told.push(case.tell(processes, hierarchy, now));
        }
        told
    }

    /// These could not be told.
    pub(super) fn not_told(&mut self, answers: Vec<Attributed>) {
        for answer in answers {
            self.mark(answer.key);
        }
    }

    /// Flows without a first answer.
    pub(super) const fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// Flows that were not begun.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// There is something to tell.
    fn mark(&mut self, key: Key) {
        if let Some(case) = self.of.get_mut(&key)
            && !std::mem::replace(&mut case.is_dirty, true)
        {
            self.dirty.push(key);
        }
    }
}

/// The holders of what was seen at a side are wanted no more.
fn release(
    waiting: &mut HashMap<u32, Vec<(Key, usize)>, foldhash::fast::RandomState>,
    released: &mut Vec<u32>,
    side: &mut Side,
    place: (Key, usize),
) {
    for (inode, _) in side.sockets.drain(..) {
        if let Some(places) = waiting.get_mut(&inode) {
            places.retain(|waiting| *waiting != place);
            if places.is_empty() {
                waiting.remove(&inode);
                released.push(inode);
            }
        }
    }
}

impl Case {
    fn tell(
        &mut self,
        processes: &mut Processes,
        hierarchy: &mut Hierarchy,
        now: Instant,
    ) -> Attributed {
        let key = self.subject.key;
        // A namespace without a socket of the flow only passes it on, or it is
        // too late to tell.
        let mut here = self.sides.each_mut().map(|side| {
            let side = side.as_mut()?;
            let answers = side.verdict == Some(Verdict::Unknown(Unknown::Kernel));
            (side.elsewhere.is_none() || side.about.is_some() || answers).then_some(side)
        });
        let [orig, reply] = &mut here;
        if self.subject.direction == Direction::Forward && orig.is_none() && reply.is_none() {
            let forwarded = || Some(Owner::unknown(Unknown::Forwarded));
            return Attributed {
                key,
                owners: Pair {
                    orig: forwarded(),
                    reply: forwarded(),
                },
                counters: None,
            };
        }
        let counters = orig
            .as_ref()
            .and_then(|side| side.counted(true))
            .or_else(|| reply.as_ref()?.counted(false));
        let mut owner = |side: &mut Option<&mut Side>| {
            let side = side.as_mut();
            side.map(|side| side.owner(processes, hierarchy, now))
        };
        Attributed {
            key,
            owners: Pair {
                orig: owner(orig),
                reply: owner(reply),
            },
            counters,
        }
    }
}

#[cfg(test)]
mod tests;
