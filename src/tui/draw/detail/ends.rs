//! Both ends, what address translation makes of them, and the way between.

use std::net::IpAddr;

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::table::host_role;
use super::prose::{Prose, Sheet};
use crate::flow::{Direction, L4, Protocol, Tuple};
use crate::view::column::ColumnId;
use crate::view::{Detail, End, Host, Location, NameSource, Naming, Translated};

pub(super) fn tell(state: &State, detail: &Detail, sheet: &mut Sheet) {
    let row = detail.row.row(detail.at);
    let orig = row.flow.key().orig;
    let from = host(&detail.row.ends.orig, orig.src(), orig.sport());
    sheet.say(
        "from",
        beside(from, orig.src(), &detail.row.ends.orig, &detail.hosts.orig),
    );
    let mut to = host(&detail.row.ends.reply, orig.dst(), orig.dport());
    let mut service = String::new();
    ColumnId::Service.cell(&row, state.cell_style(), &mut service);
    match orig.l4() {
        L4::Ports { .. } if row.service.is_some() => to = to.then(service, Role::Service),
        L4::Ports { src, dst } if orig.proto() == Protocol::GRE => {
            to = to.then(format!("keys {src:#x} and {dst:#x}"), Role::Service);
        }
        L4::Icmp { id, .. } => to = to.then(format!("{service} id {id}"), Role::Service),
        L4::Ports { .. } | L4::None => {}
    }
    sheet.say(
        "to",
        beside(to, orig.dst(), &detail.row.ends.reply, &detail.hosts.reply),
    );
    if let Some(outside) = &detail.translated.orig {
        sheet.say("nat", source(outside));
    }
    if let Some(inside) = &detail.translated.reply {
        let label = match detail.translated.orig {
            Some(_) => "",
            None => "nat",
        };
        sheet.say(label, destination(inside));
    }
    sheet.say("way", way(detail));
}

/// Name, address and port.
pub(super) fn host(end: &End, address: IpAddr, port: Option<u16>) -> Prose {
    let role = host_role(address);
    let prose = match &end.name {
        Some(name) => Prose::of(name.as_ref(), role).then(written(address, port), role),
        None => Prose::of(written(address, port), role),
    };
    match port {
        Some(port) => prose.and(format!(":{port}"), Role::Text),
        None => prose,
    }
}

fn written(address: IpAddr, port: Option<u16>) -> String {
    match (address, port) {
        (IpAddr::V6(ip), Some(_)) => format!("[{ip}]"),
        _ => address.to_string(),
    }
}

/// Whose it is, where it is, and who says all that.
pub(super) fn beside(mut prose: Prose, address: IpAddr, end: &End, host: &Host) -> Prose {
    if host.is_here {
        prose = prose.then("this machine", Role::Text);
    } else if let Some(mac) = host.mac {
        prose = prose.then(format!("neighbour {mac}"), Role::Text);
    } else if address.is_multicast() {
        prose = prose.then("multicast", Role::Dim);
    } else if end.location == Location::Lan {
        prose = prose.then("no public address", Role::Dim);
    }
    prose = place(prose, end);
    if let Some(how) = naming(host.naming) {
        prose = prose.known(how);
    }
    if end.location.place().is_some() {
        for (name, days) in &host.placed_by {
            let old = match days {
                0 => "built today".to_owned(),
                1 => "1 day old".to_owned(),
                days => format!("{days} days old"),
            };
            let name = match name.as_str() {
                "built in" => "the built-in database",
                name => name,
            };
            prose = prose.known(format!("place from {name}, {old}"));
        }
    }
    prose
}

const fn naming(naming: Naming) -> Option<&'static str> {
    Some(match naming {
        Naming::By(NameSource::Config) => "name from [names]",
        Naming::By(NameSource::Lease) => "name from a DHCP lease",
        Naming::By(NameSource::Hosts) => "name from the hosts file",
        Naming::By(NameSource::Dns) => "name from reverse DNS",
        Naming::Nameless => "has no name",
        Naming::Unasked => return None,
    })
}

/// City, country, network.
fn place(prose: Prose, end: &End) -> Prose {
    let Some(place) = end.location.place() else {
        return prose;
    };
    let country = place.country_code.as_ref().map(|code| {
        let name = place.country_name();
        name.map_or_else(
            || code.as_str().to_owned(),
            |name| format!("{name} ({})", code.as_str()),
        )
    });
    let parts: Vec<&str> = [place.city.as_deref(), country.as_deref()]
        .into_iter()
        .flatten()
        .collect();
    let mut prose = prose;
    if !parts.is_empty() {
        prose = prose.then(parts.join(", "), Role::Country);
    }
    if let Some(asn) = place.asn {
        prose = prose.then(format!("AS{asn}"), Role::Country);
    }
    if let Some(org) = &place.as_org {
        prose = prose.and(format!(" {org}"), Role::Country);
    }
    prose
}

/// What the destination sees in place of the source.
fn source(outside: &Translated) -> Prose {
    let prose = Prose::of("as seen outside: ", Role::Text);
    let prose = append_host(prose, outside);
    let what = match (outside.is_other_address, outside.is_here) {
        (false, _) => "(source NAT of the port alone)",
        (true, true) => "(masquerade)",
        (true, false) => "(source NAT)",
    };
    prose
        .and(format!(" {what}"), Role::Text)
        .known("answers go there")
}

/// Who answers in place of the destination.
fn destination(inside: &Translated) -> Prose {
    let prose = Prose::of("really goes to: ", Role::Text);
    let prose = append_host(prose, inside);
    let what = match (inside.is_other_address, inside.is_here) {
        (_, true) => "(redirected to this machine)",
        (false, false) => "(destination NAT of the port alone)",
        (true, false) => "(destination NAT: a port forward)",
    };
    let prose = prose.and(format!(" {what}"), Role::Text);
    let prose = match inside.mac {
        Some(mac) => prose.then(format!("neighbour {mac}"), Role::Text),
        None => prose,
    };
    prose.known("answers come from there")
}

fn append_host(prose: Prose, end: &Translated) -> Prose {
    let role = host_role(end.address);
    let prose = match &end.end.name {
        Some(name) => prose.and(format!("{name}  "), role),
        None => prose,
    };
    let prose = prose.and(written(end.address, end.port), role);
    match end.port {
        Some(port) => prose.and(format!(":{port}"), Role::Text),
        None => prose,
    }
}

/// Which way the flow goes, and through what.
fn way(detail: &Detail) -> Prose {
    let bearings = &detail.row.bearings;
    let said = match bearings.direction {
        Some(Direction::Out) => "out of this machine",
        Some(Direction::In) => "into this machine",
        Some(Direction::Forward) => "through this machine",
        Some(Direction::Local) => "within this machine",
        None => return Prose::default(),
    };
    let prose = Prose::of(said, Role::Text);
    let interfaces = &bearings.interfaces;
    let prose = match (&interfaces.orig, &interfaces.reply) {
        (Some(comes), Some(goes)) => {
            prose.and(format!(", in by {comes}, out by {goes}"), Role::Text)
        }
        (Some(comes), None) => prose.and(format!(", in by {comes}"), Role::Text),
        (None, Some(goes)) => prose.and(format!(", out by {goes}"), Role::Text),
        (None, None) => return prose,
    };
    prose.known("interfaces inferred from the routes of now")
}

/// A tuple in a sentence.
pub(super) fn tuple(tuple: &Tuple) -> String {
    let end = |address, port: Option<u16>| {
        let address = written(address, port);
        port.map_or_else(|| address.clone(), |port| format!("{address}:{port}"))
    };
    format!(
        "{} {} → {}",
        tuple.proto(),
        end(tuple.src(), tuple.sport()),
        end(tuple.dst(), tuple.dport())
    )
}
