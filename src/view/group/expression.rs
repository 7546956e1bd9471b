//! What a group is asked for by: a filter that holds its flows, and no others.

use std::net::IpAddr;

use super::super::field::Value;
use super::super::{Flow, Knowledge, Who};
use super::column::nobody;
use super::grouping::Grouping;
use super::{Belonging, Country, Group, GroupRow, Service};

/// What tells a group from the others of its list, as a filter asks for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity<'a> {
    /// The value.
    pub value: Value<'a>,
    /// Whether it is one, and not a word that stands where none is known.
    pub is_known: bool,
}

impl Grouping {
    /// Whether `ask` holds of what tells one of the groups that a flow is in
    /// from others. Of subnets that is the whole address.
    pub(in crate::view) fn identities(
        self,
        flow: &Flow,
        knowledge: &mut Knowledge,
        ask: &mut dyn FnMut(Identity<'_>) -> bool,
    ) -> bool {
        let mut groups = [None; 2];
        let mut count = 0;
        self.members(flow, knowledge, |member| {
            if let Some(group) = groups.get_mut(count) {
                *group = Some(member.group);
                count += 1;
            }
        });
        let mut groups = groups.into_iter().flatten();
        groups.any(|group| ask(group.identity(knowledge)))
    }
}

impl Group {
    fn identity<'a>(&'a self, knowledge: &'a Knowledge) -> Identity<'a> {
        let value = match self {
            Self::Host(host)
            | Self::Source(host)
            | Self::Destination(host)
            | Self::Peer(host)
            | Self::Subnet(host, _) => Value::Address(*host),
            Self::Service(service) | Self::Served(Some(service)) => {
                service.port.map(u64::from).into()
            }
            Self::User(Belonging::To(label))
            | Self::Unit(Belonging::To(label))
            | Self::Interface(Some(label)) => knowledge.text(*label).map(AsRef::as_ref).into(),
            Self::Country(Country::Code(code)) => Value::Text(code.as_str()),
            Self::Country(Country::Lan) => Value::Text("lan"),
            Self::Asn(asn) => asn.map(|asn| u64::from(asn.get())).into(),
            Self::Mark(mark) => mark.map(u64::from).into(),
            Self::Zone(zone) => Value::Uint((*zone).into()),
            Self::Protocol(proto) => Value::Protocol(*proto),
            Self::State(state) => (*state).into(),
            Self::Process(who) => why_nobody(*who).into(),
            Self::User(user) => Value::Text(nobody(*user, NO_USER)),
            Self::Unit(unit) => Value::Text(nobody(*unit, NO_UNIT)),
            Self::Pair(..)
            | Self::Served(None)
            | Self::Country(Country::Unknown)
            | Self::Interface(None)
            | Self::Others => Value::Absent,
        };
        let is_known = match self {
            Self::User(belonging) | Self::Unit(belonging) => {
                matches!(belonging, Belonging::To(_))
            }
            _ => true,
        };
        Identity { value, is_known }
    }

    /// The address of a group that is one host.
    pub const fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Host(host) | Self::Source(host) | Self::Destination(host) | Self::Peer(host) => {
                Some(*host)
            }
            _ => None,
        }
    }
}

/// Where a process belongs to nobody.
pub(super) const NO_USER: &str = "(no user)";
pub(super) const NO_UNIT: &str = "(no unit)";

/// Why no process is known, in a word.
const fn why_nobody(who: Who) -> Option<&'static str> {
    match who {
        Who::Process { .. } => None,
        Who::Unknown(why) => Some(why.name()),
        Who::Unseen => Some("not_looked_up"),
    }
}

impl GroupRow {
    /// The filter that holds the flows of the group and no others; of a process
    /// also those of another one that had its number before.
    ///
    /// # Errors
    /// Why no filter says it.
    pub fn expression(&self) -> Result<String, &'static str> {
        let named = |key, none| is(key, self.name.as_deref().unwrap_or(none));
        let port = |key, Service { proto, port }: Service| match port {
            Some(port) => format!("proto:{proto} {key}:{port}"),
            None => format!("proto:{proto} !{key}:*"),
        };
        Ok(match self.group {
            Group::Host(host) => format!("near:{host}"),
            Group::Source(host) => format!("orig_src:{host}"),
            Group::Destination(host) => format!("orig_dst:{host}"),
            Group::Pair(from, to) => format!("orig_src:{from} orig_dst:{to}"),
            Group::Peer(host) => format!("peer:{host}"),
            Group::Served(Some(service)) => port("served", service),
            Group::Served(None) => "!served:*".to_owned(),
            Group::Subnet(first, width) => format!("far:{first}/{width}"),
            Group::Service(service) => port("service_port", service),
            Group::Process(Who::Process { pid, .. }) => format!("pid:{pid}"),
            Group::Process(who) => {
                format!("owner_unknown={}", why_nobody(who).unwrap_or_default())
            }
            Group::User(user) => named("user", nobody(user, NO_USER)),
            Group::Unit(unit) => named("workload", nobody(unit, NO_UNIT)),
            Group::Country(Country::Code(code)) => format!("far_country:{}", code.as_str()),
            Group::Country(Country::Lan) => "far_country:lan".to_owned(),
            Group::Country(Country::Unknown) => "!far_country:*".to_owned(),
            Group::Asn(Some(asn)) => format!("far_asn:{asn}"),
            Group::Asn(None) => "!far_asn:*".to_owned(),
            Group::Interface(None) => "!iface:*".to_owned(),
            Group::Interface(Some(_)) => named("iface", ""),
            Group::Mark(Some(mark)) => format!("mark:{mark}"),
            Group::Mark(None) => "!mark:*".to_owned(),
            Group::Zone(zone) => format!("zone:{zone}"),
            Group::Protocol(proto) => format!("proto:{proto}"),
            Group::State(Some(state)) => format!("shown_state:{state}"),
            Group::State(None) => "!shown_state:*".to_owned(),
            Group::Others => return Err("These flows have ended, and nobody tells them apart."),
        })
    }
}

/// A term that holds flows of which this is the whole text.
pub fn is(key: &str, text: &str) -> String {
    let mut term = format!("{key}=\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            term.push('\\');
        }
        term.push(c);
    }
    term.push('"');
    term
}
