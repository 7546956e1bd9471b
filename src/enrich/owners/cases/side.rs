//! One end of a flow: what was seen there, and whose it is.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::super::attribution::Subject;
use super::super::hierarchy::Hierarchy;
use super::super::matching::{End, counted};
use super::super::processes::{Identity, Processes};
use super::super::sight::About;
use super::super::{Owner, Process, Unknown};
use crate::flow::{Counters, Direction, Pair, Protocol};

/// Looks at an end at which nothing ever was.
pub(super) const MAX_LOOKS: u8 = 6;

/// Whose an end is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Held(Identity),
    Known(Arc<Process>),
    Unknown(Unknown),
}

/// One end of a flow.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) end: End,
    pub(super) elsewhere: Option<IpAddr>,
    /// Whether it is to be looked at.
    pub(super) is_due: bool,
    /// Looks that saw nothing.
    pub(super) looks: u8,
    pub(super) about: Option<About>,
    /// Inodes of what was seen, and who holds it.
    pub(super) sockets: Vec<(u32, Option<Identity>)>,
    /// Passes over all processes that found no holder.
    pub(super) passes: u32,
    pub(super) verdict: Option<Verdict>,
}

impl Side {
    pub(super) fn at(end: End, elsewhere: Option<IpAddr>) -> Self {
        Self {
            end,
            elsewhere,
            is_due: true,
            looks: 0,
            about: None,
            sockets: Vec::new(),
            passes: 0,
            verdict: None,
        }
    }

    /// See [`Ends::known`].
    pub(super) const fn known(&self) -> Option<u64> {
        match &self.about {
            Some(about) if self.verdict.is_some() && self.sockets.len() == 1 => {
                Some(about.fingerprint)
            }
            _ => None,
        }
    }

    /// Whether a refresh looks at it.
    pub(super) fn is_worth_a_look(&self) -> bool {
        match &self.verdict {
            _ if self.looks >= MAX_LOOKS => false,
            None | Some(Verdict::Unknown(Unknown::Gone)) => true,
            // Of what is no connection there are no figures.
            Some(_) => self.end.proto == Protocol::TCP,
        }
    }

    /// Nothing is there (any more). Who was there is not forgotten.
    pub(super) fn gone(&mut self, why: Unknown) {
        if let Some(Verdict::Held(_) | Verdict::Known(_)) = self.verdict {
            self.looks = MAX_LOOKS;
        } else {
            self.verdict = Some(Verdict::Unknown(why));
            self.looks = self.looks.saturating_add(1);
        }
    }

    pub(super) fn owner(
        &mut self,
        processes: &mut Processes,
        hierarchy: &mut Hierarchy,
        now: Instant,
    ) -> Owner {
        if let Some(Verdict::Held(identity)) = self.verdict {
            let process = processes.describe(identity, now);
            self.verdict = Some(process.map_or(Verdict::Unknown(Unknown::Gone), Verdict::Known));
        }
        let process = match &self.verdict {
            Some(Verdict::Known(process)) => Ok(Arc::clone(process)),
            Some(Verdict::Unknown(why)) => Err(*why),
            Some(Verdict::Held(_)) | None => Err(Unknown::Gone),
        };
        let about = self.about.as_ref();
        let uid = about.and_then(|about| about.uid);
        // Of a process it is known better.
        let group = about.and_then(|about| about.cgroup_id);
        let group = group.filter(|_| process.is_err());
        let path = group.and_then(|id| hierarchy.path(id, now));
        Owner {
            cgroup: path.map(|path| processes.cgroup(path)),
            account: uid.map(|uid| processes.account(uid)),
            figures: about.and_then(|about| about.figures),
            namespace: self.elsewhere,
            process,
        }
    }

    /// What its socket has sent and received.
    pub(super) fn counted(&self, is_originator: bool) -> Option<Pair<Counters>> {
        let about = self.about.as_ref()?;
        let sent_first = counted(about.figures.as_ref()?, about.state, is_originator)?;
        Some(if is_originator {
            sent_first
        } else {
            Pair {
                orig: sent_first.reply,
                reply: sent_first.orig,
            }
        })
    }
}

/// The addresses of other network namespaces.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Elsewhere<'a> {
    pub(in super::super) all: &'a HashSet<IpAddr>,
    /// Those that we reach without a router.
    pub(in super::super) near: &'a HashSet<IpAddr>,
}

/// The ends of a flow that are on this machine.
pub(super) fn sides(subject: &Subject, elsewhere: Elsewhere<'_>) -> [Option<Side>; 2] {
    let (orig, reply) = (&subject.key.orig, &subject.reply);
    let here = match subject.direction {
        Direction::Out => [true, false],
        Direction::In => [false, true],
        Direction::Local => [true, true],
        Direction::Forward => [false, false],
    };
    let ends = [
        (here[0], End::of_originator(orig)),
        (here[1], End::of_responder(reply)),
    ];
    ends.map(|(is_here, end)| {
        if is_here {
            return Some(Side::at(end, None));
        }
        let address = end.local.address;
        let end = if elsewhere.near.contains(&address) {
            Some(end)
        } else {
            end.if_connected()
        };
        let end = end.filter(|_| elsewhere.all.contains(&address))?;
        Some(Side::at(end, Some(address)))
    })
}
