//! Whose a flow is: which of its ends are on this machine, and who is there.

use std::net::IpAddr;

use super::{Flow, Knowledge, Owner, Row, Unknown};
use crate::enrich::owners::Process;
use crate::flow::{Direction, Pair, Tuple};
use crate::table::CountedBy;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The source, which sends in the original direction.
    Orig,
    /// The destination, which sends answers.
    Reply,
}

impl Side {
    /// Address of the other end, as it stands in the original tuple.
    pub(super) const fn other_end(self, orig: &Tuple) -> IpAddr {
        match self {
            Self::Orig => orig.dst(),
            Self::Reply => orig.src(),
        }
    }

    /// What this end sent (`orig`) and received (`reply`), from a pair by
    /// direction.
    pub fn sent_and_received<T>(self, by_direction: Pair<T>) -> Pair<T> {
        match self {
            Self::Orig => by_direction,
            Self::Reply => Pair {
                orig: by_direction.reply,
                reply: by_direction.orig,
            },
        }
    }
}

/// Who is at an end of a flow, as far as one is told from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// This process.
    Process {
        /// Process id.
        pid: u32,
        /// When it started: with the pid it names the process until the next
        /// boot.
        start_ticks: u64,
    },
    /// No process is known, and why.
    Unknown(Unknown),
    /// Nobody has looked, or not yet.
    Unseen,
}

impl Who {
    fn of(owner: &Owner) -> Self {
        match &owner.process {
            Ok(process) => Self::Process {
                pid: process.pid,
                start_ticks: process.start_ticks,
            },
            Err(why) => Self::Unknown(*why),
        }
    }

    /// What stands in cells where there is no process, in brackets.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Process { .. } => "",
            Self::Unknown(why) => why.label(),
            Self::Unseen => "(not looked up)",
        }
    }
}

/// Someone at an end of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Which end.
    pub side: Side,
    /// Who it is.
    pub who: Who,
    /// What is known of it.
    pub owner: Option<&'a Owner>,
}

/// Everybody who has part in a flow: at least one, the client first.
///
/// 1. An end has a party if it is on this machine, or if somebody was found
///    there nonetheless (in a container, behind a bridge).
/// 2. A process that talks to itself is one party.
/// 3. A flow without a party only passes through.
pub(super) fn parties(
    direction: Option<Direction>,
    owners: Option<&Pair<Option<Owner>>>,
) -> impl Iterator<Item = Party<'_>> {
    let at = |side, is_here: bool, owner: Option<&'_ Owner>| {
        let found = owner.filter(|owner| owner.process != Err(Unknown::Forwarded));
        match found {
            Some(owner) => Some((side, Who::of(owner))),
            None => is_here.then_some((side, Who::Unseen)),
        }
    };
    let owner = move |side| match side {
        Side::Orig => owners.and_then(|owners| owners.orig.as_ref()),
        Side::Reply => owners.and_then(|owners| owners.reply.as_ref()),
    };
    let is_local = direction == Some(Direction::Local);
    let sends = is_local || direction == Some(Direction::Out);
    let answers = is_local || direction == Some(Direction::In);
    let client = at(Side::Orig, sends, owner(Side::Orig));
    let server = at(Side::Reply, answers, owner(Side::Reply));
    let passes = direction == Some(Direction::Forward)
        || [owner(Side::Orig), owner(Side::Reply)]
            .into_iter()
            .flatten()
            .any(|owner| owner.process == Err(Unknown::Forwarded));
    let nobody = if passes {
        Who::Unknown(Unknown::Forwarded)
    } else {
        Who::Unseen
    };
    let both = match (client, server) {
        (Some((_, client_is)), Some((_, server_is))) if client_is == server_is => [client, None],
        (None, None) => [Some((Side::Orig, nobody)), None],
        both => both.into(),
    };
    both.into_iter().flatten().map(move |(side, who)| Party {
        side,
        who,
        owner: owner(side),
    })
}

/// Who is at the ends of a flow; of one that has ended, who was.
pub(super) fn owners<'a>(flow: &Flow, knowledge: &'a Knowledge) -> Option<&'a Pair<Option<Owner>>> {
    match flow.end_reason() {
        None => knowledge.owners(flow.key()),
        Some(_) => knowledge.owners_at_end(flow.key(), flow.row().number()),
    }
}

/// See [`Row::owner`].
pub(super) fn owner_at_hand(
    owners: &Pair<Option<Owner>>,
    direction: Option<Direction>,
) -> Option<&Owner> {
    let (orig, reply) = (owners.orig.as_ref(), owners.reply.as_ref());
    match direction {
        Some(Direction::Out | Direction::Local) => orig,
        Some(Direction::In) => reply,
        Some(Direction::Forward) | None => {
            let known = |owner: &&Owner| owner.process.is_ok();
            let found = orig.filter(known).or(reply.filter(known));
            found.or(orig).or(reply)
        }
    }
}

/// How the counters of a flow came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// The kernel has counted since the connection began, as far as can be
    /// told.
    Exact,
    /// The kernel counts, but tracking began within the connection.
    SinceAccounting,
    /// The socket counted.
    Sockets,
    /// A flowtable forwards it: counters may lag, or stand still.
    Offloaded,
    /// Nobody counts.
    Nothing,
}

impl Counting {
    /// As it stands in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::SinceAccounting => "since_accounting",
            Self::Sockets => "sockets",
            Self::Offloaded => "offloaded",
            Self::Nothing => "none",
        }
    }
}

/// What figures of a socket may be ahead of counters of the kernel that were
/// read a moment before: a handful of segments, and what moves in ten seconds.
const AHEAD_BYTES: u64 = 1 << 16;
const AHEAD_SECS: u64 = 10;

impl<'a> Row<'a> {
    /// The owner that is meant where one is asked for: of a flow that goes
    /// out or stays here the one at the source, of one that comes in the one at
    /// the destination, of others whoever was found.
    pub fn owner(&self) -> Option<&'a Owner> {
        owner_at_hand(self.owners?, self.bearings.direction)
    }

    /// Everybody who has part in it: at least one, the client first. Ends on
    /// other machines have no part.
    pub fn parties(&self) -> impl Iterator<Item = Party<'a>> + use<'a> {
        parties(self.bearings.direction, self.owners)
    }

    /// Its process, or why there is none; `None` where nobody has looked.
    pub fn process(&self) -> Option<Result<&'a Process, Unknown>> {
        match self.owner() {
            Some(owner) => Some(owner.process.as_deref().map_err(|why| *why)),
            None if self.bearings.direction == Some(Direction::Forward) => {
                Some(Err(Unknown::Forwarded))
            }
            None => None,
        }
    }

    /// How its counters came about; `None` before anybody was asked.
    pub fn counting(&self) -> Option<Counting> {
        Some(match self.flow.counted_by() {
            CountedBy::Nobody if !self.flow.is_uncounted() => return None,
            CountedBy::Nobody => Counting::Nothing,
            CountedBy::Socket => Counting::Sockets,
            CountedBy::Offload => Counting::Offloaded,
            CountedBy::Kernel if self.began_before_tracking() => Counting::SinceAccounting,
            CountedBy::Kernel => Counting::Exact,
        })
    }

    /// Whether a socket has seen more bytes than the kernel counted for the
    /// flow, which counts headers as well: then tracking began within the
    /// connection.
    fn began_before_tracking(&self) -> bool {
        let (Some(counted), Some(owners)) = (self.flow.counters(), self.owners) else {
            return false;
        };
        let counted = counted.bytes();
        let rate = self.flow.bytes_per_sec().unwrap_or_default();
        let exceeds = |seen: Option<u64>, counted: u64, rate: u64| {
            let ahead = AHEAD_BYTES.saturating_add(rate.saturating_mul(AHEAD_SECS));
            seen.is_some_and(|seen| seen > counted.saturating_add(ahead))
        };
        let more = |side: Side, owner: &Option<Owner>| {
            let Some(tcp) = owner.as_ref().and_then(|owner| owner.figures) else {
                return false;
            };
            let (counted, rate) = (
                side.sent_and_received(counted),
                side.sent_and_received(rate),
            );
            exceeds(tcp.bytes_acked, counted.orig, rate.orig)
                || exceeds(tcp.bytes_received, counted.reply, rate.reply)
        };
        more(Side::Orig, &owners.orig) || more(Side::Reply, &owners.reply)
    }
}
