//! Everything there is to know about one flow, for who looks closer.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use super::departed::Flows;
use super::{Query, View, ViewRow};
use crate::enrich::Knowledge;
use crate::enrich::locality::Mac;
use crate::enrich::names::{self, NameState};
use crate::flow::{Key, L4, Moment, Pair, Tuple};
use crate::table::{Change, Flow, FlowId, Past};
use crate::view::End;

/// Which flow to look closer at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The one under the cursor.
    Cursor,
    /// This one, wherever the cursor is.
    Flow(FlowId),
}

/// A flow, and all that is known about it.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The flow, and what is known of any row.
    pub row: ViewRow,
    /// When this was so.
    pub at: Moment,
    /// Whether that was its end.
    pub is_over: bool,
    /// What else is known of the source (`orig`) and the destination.
    pub hosts: Pair<Host>,
    /// What stands for the source, and who is behind the destination, where
    /// addresses are translated.
    pub translated: Pair<Option<Translated>>,
    /// Rates of the last 40 seconds.
    pub past: Past,
    /// Whether the flow that announced it is still there, if one did.
    pub parent_lives: Option<bool>,
}

/// What is known of a host besides its name and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Whether the address is one of this machine.
    pub is_here: bool,
    /// Hardware address, if it is a neighbour.
    pub mac: Option<Mac>,
    /// Where its name comes from.
    pub naming: Naming,
    /// The databases that its place comes from, by file name, and how many
    /// days old their data is.
    pub placed_by: Vec<(String, u64)>,
}

/// Where a name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Nobody has answered yet, or nobody was asked.
    Unasked,
    /// Whoever was asked knows none.
    Nameless,
    /// This one gave it.
    By(names::Source),
}

/// What an end becomes by address translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: Option<u16>,
    /// Whether the address is one of this machine.
    pub is_here: bool,
    /// Whether the address is another one, and not the port alone.
    pub is_other_address: bool,
    /// Its name and place.
    pub end: End,
    /// Hardware address, if it is a neighbour.
    pub mac: Option<Mac>,
}

impl Detail {
    /// All that is known about a flow `now`.
    fn of(
        id: FlowId,
        flow: &Flow,
        parent_lives: Option<bool>,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Self {
        let orig = &flow.key().orig;
        Self {
            row: ViewRow::copy(id, flow, knowledge, now),
            at: now,
            is_over: flow.end_reason().is_some(),
            hosts: Pair {
                orig: Host::of(orig.src(), knowledge, now),
                reply: Host::of(orig.dst(), knowledge, now),
            },
            translated: translated(orig, &flow.reply(), knowledge),
            past: flow.past(now),
            parent_lives,
        }
    }

    /// What `query` wants to look closer at; the flow under the cursor if that
    /// is not there.
    pub(super) fn answer(
        query: &Query,
        cursor: Option<FlowId>,
        flows: Flows<'_>,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Option<Box<Self>> {
        let wanted = match query.detail? {
            Subject::Cursor => cursor,
            Subject::Flow(id) => flows.get(id).map(|_| id).or(cursor),
        };
        let id = wanted?;
        let flow = flows.get(id)?;
        let zone = flow.key().zone;
        let parent = flow.master().map(|&orig| Key { zone, orig });
        let parent_lives = parent.map(|key| flows.live.find(&key).is_some());
        Some(Box::new(Self::of(id, flow, parent_lives, knowledge, now)))
    }
}

impl Host {
    fn of(address: IpAddr, knowledge: &Knowledge, now: Moment) -> Self {
        let wall = UNIX_EPOCH + Duration::from_nanos(now.real_ns);
        let sources = knowledge.sources_of(address).into_iter();
        Self {
            is_here: knowledge.locality().is_here(address),
            mac: knowledge.locality().mac(address),
            naming: match knowledge.name_state(address) {
                NameState::Unknown => Naming::Unasked,
                NameState::Nameless => Naming::Nameless,
                NameState::Named(_, source) => Naming::By(source),
            },
            placed_by: sources
                .map(|source| {
                    let days = source.age(wall).as_secs() / 86_400;
                    (source.name().into_owned(), days)
                })
                .collect(),
        }
    }
}

/// What the ends become: answers go to another one than the source, or come
/// from another one than the destination.
fn translated(orig: &Tuple, reply: &Tuple, knowledge: &mut Knowledge) -> Pair<Option<Translated>> {
    let plain = orig.inverted();
    let mut end = |address: IpAddr, port: Option<u16>, before: IpAddr| Translated {
        address,
        port,
        is_here: knowledge.locality().is_here(address),
        is_other_address: address != before,
        end: knowledge.end(address),
        mac: knowledge.locality().mac(address),
    };
    let id = |tuple: &Tuple| match tuple.l4() {
        L4::Icmp { id, .. } => Some(id),
        _ => tuple.dport(),
    };
    let source = (reply.dst(), id(reply)) != (plain.dst(), id(&plain));
    let destination = (reply.src(), reply.sport()) != (plain.src(), plain.sport());
    Pair {
        orig: source.then(|| end(reply.dst(), reply.dport(), orig.src())),
        reply: destination.then(|| end(reply.src(), reply.sport(), orig.dst())),
    }
}

/// Keeps the flow that somebody looks at beyond its end, with its last word.
#[derive(Clone, Debug, Default)]
pub struct Vigil {
    /// The flow in the last view.
    watched: Option<(FlowId, Key)>,
    ended: Option<Box<Detail>>,
}

impl Vigil {
    /// Takes note of a change of the table, before what `knowledge` has about
    /// the flow is forgotten.
    pub fn note(&mut self, change: &Change<'_>, knowledge: &mut Knowledge, at: Moment) {
        if let Change::Ended(flow) = change
            && let Some((id, _)) = self.watched.take_if(|(_, key)| key == flow.key())
        {
            let detail = Detail::of(id, flow, None, knowledge, at);
            self.ended = Some(Box::new(detail));
        }
    }

    /// Gives a view of a flow that has ended its last word, and remembers what
    /// the view shows.
    pub fn keep(&mut self, view: &mut View) {
        let wanted = match view.query.detail {
            Some(Subject::Flow(id)) => Some(id),
            Some(Subject::Cursor) | None => None,
        };
        let ended = self.ended.take();
        self.ended = ended.filter(|ended| Some(ended.row.id) == wanted);
        if self.ended.is_some() {
            view.detail.clone_from(&self.ended);
        }
        let shown = view.detail.as_ref().filter(|detail| !detail.is_over);
        self.watched = shown.map(|detail| (detail.row.id, *detail.row.flow.key()));
    }
}
