//! Which groups a flow is in.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::super::whose::{Party, parties};
use super::super::window::direction;
use super::super::{Flow, Knowledge, Owner, Side, Who};
use super::{Belonging, Country, Group, Grouping, Holder, Service};
use crate::enrich::Labels;
use crate::enrich::geoip::{Location, Scope as Reach};
use crate::flow::{Direction, Tuple};
use crate::view::column::state_name;

/// A group that a flow is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'a> {
    pub(super) group: Group,
    /// From whose point of view bytes are sent and received.
    pub(super) side: Side,
    /// Who is at the other end.
    pub(super) far: IpAddr,
    /// Of a process, and of a peer who talks to it here.
    pub(super) owner: Option<&'a Owner>,
}

/// The far end of a flow: the destination, or the source if the flow comes in
/// or only that one is public.
pub(super) fn far_end(flow: &Flow, knowledge: &Knowledge) -> IpAddr {
    let orig = &flow.key().orig;
    let is_public = |address| Reach::of(address) != Reach::Lan;
    let is_source = match (is_public(orig.src()), is_public(orig.dst())) {
        (true, false) => true,
        (true, true) => direction(flow, knowledge) == Some(Direction::In),
        (false, _) => false,
    };
    if is_source { orig.src() } else { orig.dst() }
}

/// The country and the autonomous system of a location.
fn country_and_network(location: &Location) -> (Country, Option<NonZeroU32>) {
    match location {
        Location::Lan => (Country::Lan, None),
        Location::Unknown => (Country::Unknown, None),
        Location::Place(place) => {
            let country = place.country_code.map_or(Country::Unknown, Country::Code);
            (country, place.asn)
        }
    }
}

/// Whose the autonomous system of a location is.
pub(super) fn organisation(location: &Location) -> Option<&Arc<str>> {
    location.place().and_then(|place| place.as_org.as_ref())
}

fn service(orig: &Tuple, knowledge: &Knowledge) -> Service {
    let named = knowledge.services().of(orig).map(|(port, _)| port);
    Service {
        proto: orig.proto(),
        port: named.or_else(|| orig.dport()),
    }
}

/// What an owner belongs to, which `text` calls by name.
fn belonging(
    party: &Party<'_>,
    labels: &mut Labels,
    text: fn(&Holder) -> Option<String>,
) -> Option<Belonging> {
    let named = party.owner.map(Holder::of).and_then(|holder| text(&holder));
    Some(match (named, party.who) {
        (Some(named), _) => Belonging::To(labels.number(&named)?),
        (None, Who::Process { .. }) => Belonging::None,
        (None, Who::Unknown(why)) => Belonging::Unknown(why),
        (None, Who::Unseen) => Belonging::Unseen,
    })
}

impl Grouping {
    /// Hands over the groups that a flow is in: one, or two where both sides
    /// have their own.
    pub(super) fn members<'a>(
        self,
        flow: &Flow,
        knowledge: &'a mut Knowledge,
        mut take: impl FnMut(Member<'a>),
    ) {
        let orig = &flow.key().orig;
        let far_end = |knowledge: &Knowledge| far_end(flow, knowledge);
        let (group, far) = match self {
            Self::Source => (Group::Source(orig.src()), orig.dst()),
            Self::Destination => (Group::Destination(orig.dst()), orig.src()),
            Self::Pair => (Group::Pair(orig.src(), orig.dst()), orig.dst()),
            Self::Subnet(widths) => {
                let far = far_end(knowledge);
                (Group::Subnet(widths.cut(far), widths.of(far)), far)
            }
            Self::Service => (Group::Service(service(orig, knowledge)), far_end(knowledge)),
            Self::Country => {
                let far = far_end(knowledge);
                let (country, _) = country_and_network(knowledge.located(far));
                (Group::Country(country), far)
            }
            Self::Asn => {
                let far = far_end(knowledge);
                let (_, network) = country_and_network(knowledge.located(far));
                (Group::Asn(network), far)
            }
            Self::Mark => (Group::Mark(flow.mark()), far_end(knowledge)),
            Self::Zone => (Group::Zone(flow.key().zone), far_end(knowledge)),
            Self::Protocol => (Group::Protocol(orig.proto()), far_end(knowledge)),
            Self::State => (Group::State(state_name(flow)), far_end(knowledge)),
            Self::Host => {
                let near = knowledge.near_end(orig, &flow.reply());
                let is_source = near == orig.src();
                let side = if is_source { Side::Orig } else { Side::Reply };
                return take(Member {
                    group: Group::Host(near),
                    side,
                    far: side.other_end(orig),
                    owner: None,
                });
            }
            Self::Peer => return peer(flow, knowledge, take),
            Self::Served => {
                let (side, service) = served(flow, knowledge);
                return take(Member {
                    group: Group::Served(service),
                    side,
                    far: side.other_end(orig),
                    owner: None,
                });
            }
            Self::Interface => return interfaces(flow, knowledge, take),
            Self::Process | Self::User | Self::Unit => {
                return self.of_owners(flow, knowledge, take);
            }
        };
        take(Member {
            group,
            side: Side::Orig,
            far,
            owner: None,
        });
    }

    /// Of everybody who has part in it: the process, the user, the unit. Who
    /// shares that with the other is told once.
    fn of_owners<'a>(
        self,
        flow: &Flow,
        knowledge: &'a mut Knowledge,
        mut take: impl FnMut(Member<'a>),
    ) {
        let orig = &flow.key().orig;
        let direction = direction(flow, knowledge);
        let ended = flow.end_reason().map(|_| flow.row().number());
        let (owners, labels) = knowledge.owners_and_labels(flow.key(), ended);
        let mut before = None;
        for party in parties(direction, owners) {
            let group = match self {
                Self::User => {
                    let user = belonging(&party, labels, Holder::user);
                    user.map(Group::User)
                }
                Self::Unit => {
                    let unit = |holder: &Holder| holder.unit().map(str::to_owned);
                    belonging(&party, labels, unit).map(Group::Unit)
                }
                _ => Some(Group::Process(party.who)),
            };
            let group = group.unwrap_or(Group::Others);
            if before != Some(group) {
                take(Member {
                    group,
                    side: party.side,
                    far: party.side.other_end(orig),
                    owner: party.owner,
                });
            }
            before = Some(group);
        }
    }
}

/// Which end of a flow is on our side. Of a flow within this machine it is the
/// one that was asked: a client here is a client like others.
fn near_side(flow: &Flow, knowledge: &Knowledge) -> Side {
    let orig = &flow.key().orig;
    let reply = flow.reply();
    let is_asked = match knowledge.direction(orig, &reply) {
        Some(Direction::Local) => true,
        // Both ends of a flow can have one address, in different namespaces.
        _ => knowledge.near_end(orig, &reply) != orig.src(),
    };
    if is_asked { Side::Reply } else { Side::Orig }
}

/// The port on our side that a flow asks, after translation: there the service
/// listens.
fn served(flow: &Flow, knowledge: &Knowledge) -> (Side, Option<Service>) {
    let side = near_side(flow, knowledge);
    let port = flow.reply().sport().filter(|_| side == Side::Reply);
    let service = port.map(|port| Service {
        proto: flow.key().orig.proto(),
        port: Some(port),
    });
    (side, service)
}

/// The host at the far end, and who on this machine talks to it.
fn peer<'a>(flow: &Flow, knowledge: &'a Knowledge, take: impl FnOnce(Member<'a>)) {
    let orig = &flow.key().orig;
    let side = near_side(flow, knowledge);
    let far = side.other_end(orig);
    let owners = knowledge.owners(flow.key());
    take(Member {
        group: Group::Peer(far),
        side,
        far,
        owner: owners.and_then(|owners| match side {
            Side::Orig => owners.orig.as_ref(),
            Side::Reply => owners.reply.as_ref(),
        }),
    });
}

/// The interfaces of a flow: where it comes in, which sends the answers, and
/// where it goes out. One that is both is told once.
fn interfaces<'a>(flow: &Flow, knowledge: &mut Knowledge, mut take: impl FnMut(Member<'a>)) {
    let orig = &flow.key().orig;
    let found = knowledge.interfaces(orig, &flow.reply(), flow.mark());
    let mut member = |side: Side, label| {
        take(Member {
            group: Group::Interface(label),
            side,
            far: side.other_end(orig),
            owner: None,
        });
    };
    match (found.orig, found.reply) {
        (None, None) => member(Side::Orig, None),
        (Some(one), Some(same)) if one == same => member(Side::Orig, knowledge.label(&one)),
        (into, out) => {
            if let Some(into) = into {
                member(Side::Reply, knowledge.label(&into));
            }
            if let Some(out) = out {
                member(Side::Orig, knowledge.label(&out));
            }
        }
    }
}

impl Group {
    /// Whether a flow is in it.
    pub fn holds(self, flow: &Flow, knowledge: &mut Knowledge) -> bool {
        self.side(flow, knowledge).is_some()
    }

    /// From whose point of view a flow that is in it sends and receives.
    pub fn side(self, flow: &Flow, knowledge: &mut Knowledge) -> Option<Side> {
        let mut side = None;
        self.grouping()?.members(flow, knowledge, |member| {
            if member.group == self {
                side = Some(member.side);
            }
        });
        side
    }
}
