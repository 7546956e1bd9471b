//! Everything known about a group: a host, a process, a service, a place.

use std::net::IpAddr;

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::popup::Text;
use super::super::table::host_role;
use super::ends;
use super::owner;
use super::prose::{Prose, Sheet};
use crate::flow::Pair;
use crate::view::group::{Group, Grouping, NEW_SECS, Service};
use crate::view::portrait::{Part, Parts, Portrait};
use crate::view::{Who, units};

/// A blank at which no line is broken.
const STAYS: char = '\u{a0}';

/// What it is, and how many flows it has.
pub(super) fn title(portrait: &Portrait) -> Text {
    let row = &portrait.row;
    let kind = row.group.grouping().map_or("", Grouping::name);
    vec![
        (format!("{kind} "), Role::Header),
        (row.label(), Role::Title),
    ]
}

pub(super) fn tell(state: &State, portrait: &Portrait, sheet: &mut Sheet) {
    let row = &portrait.row;
    if let Some((address, end, host)) = &portrait.host {
        let known = ends::host(end, *address, None);
        sheet.say("host", ends::beside(known, *address, end, host));
    }
    if let Group::Service(service) = row.group {
        sheet.say("service", of_service(service, row.name.as_deref()));
    }
    if let Some(holder) = &row.holder {
        owner::of_holder(holder, sheet);
    } else if let Group::Process(who) = row.group {
        sheet.say("process", Prose::of(owner::absence(who), Role::Dim));
    }
    sheet.gap();
    sheet.say("flows", flows(portrait));
    let mut traffic = match row.bytes() {
        Some(sums) => amounts(Prose::default(), state, sums, row.bytes_per_sec)
            .known("flows that have ended are among the sums"),
        None => Prose::of("unknown", Role::Dim),
    };
    if portrait.uncounted > 0 {
        let count = units_of(portrait.uncounted, "flow is", "flows are");
        traffic = traffic.known(format!("{count} not counted: born before accounting"));
    }
    sheet.say("traffic", traffic);
    sheet.gap();
    let address = |part: &Part<IpAddr>| host(part.what, part.name.as_deref());
    let service = |part: &Part<Service>| of_service(part.what, part.name.as_deref());
    let is_of_one_host = matches!(row.group, Group::Host(_) | Group::Source(_));
    if !is_of_one_host && !matches!(row.group, Group::Process(_)) {
        list(sheet, state, "hosts", &portrait.hosts, address);
        sheet.gap();
    }
    list(sheet, state, "peers", &portrait.peers, address);
    sheet.gap();
    if !matches!(row.group, Group::Service(_)) {
        list(sheet, state, "asks for", &portrait.asks, service);
        list(sheet, state, "serves", &portrait.serves, service);
    }
    if !matches!(row.group, Group::Process(_)) {
        sheet.gap();
        list(sheet, state, "processes", &portrait.processes, process);
    }
}

/// How many, how old, how busy.
fn flows(portrait: &Portrait) -> Prose {
    let row = &portrait.row;
    let mut prose = Prose::of(units_of(row.flows, "flow", "flows"), Role::Title)
        .then(units_of(row.hosts, "peer", "peers"), Role::Text);
    if row.new > 0 {
        let new = format!("{} new within {NEW_SECS} s", row.new);
        prose = prose.then(new, Role::Text);
    }
    if row.unreplied > 0 {
        prose = prose.then(format!("{} unanswered", row.unreplied), Role::StateNew);
    }
    if let Some(oldest) = portrait.oldest {
        let mut text = "the oldest ".to_owned();
        units::age(&mut text, oldest);
        prose = prose.then(text, Role::Text);
    }
    if row.ended > 0 {
        let ended = units_of(row.ended as usize, "has ended", "have ended");
        prose = prose.then(ended, Role::Dim);
    }
    prose
}

/// `1 flow`, `1,904 flows`.
fn units_of(count: usize, one: &str, many: &str) -> String {
    let mut text = String::new();
    units::grouped(&mut text, count as u64);
    let word = if count == 1 { one } else { many };
    format!("{text}{STAYS}{word}")
}

/// Rates and sums, both ways.
fn amounts(prose: Prose, state: &State, bytes: Pair<u64>, per_sec: Pair<u64>) -> Prose {
    let way = |prose: Prose, arrow: &'static str, role, rate, sum| {
        let (mut speed, mut moved) = (String::new(), String::new());
        units::rate(&mut speed, Some(rate), state.unit);
        units::bytes(&mut moved, Some(sum));
        prose
            .then(format!("{arrow}{STAYS}"), role)
            .and(format!("{speed}{STAYS}{STAYS}{moved}"), Role::Text)
    };
    let prose = way(prose, "↓", Role::Down, per_sec.reply, bytes.reply);
    way(prose, "↑", Role::Up, per_sec.orig, bytes.orig)
}

/// One line for each, and how many more there are.
fn list<T>(
    sheet: &mut Sheet,
    state: &State,
    label: &str,
    parts: &Parts<T>,
    name: impl Fn(&Part<T>) -> Prose,
) {
    for (index, part) in parts.top.iter().enumerate() {
        let label = if index == 0 { label } else { "" };
        let prose = name(part).then(units_of(part.flows, "flow", "flows"), Role::Dim);
        sheet.say(label, amounts(prose, state, part.bytes, part.bytes_per_sec));
    }
    let more = parts.count - parts.top.len();
    if more > 0 {
        sheet.say("", Prose::of(format!("and {more} more"), Role::Dim));
    }
}

fn host(address: IpAddr, name: Option<&str>) -> Prose {
    let role = host_role(address);
    match name {
        Some(name) => Prose::of(name, role).then(address.to_string(), Role::Dim),
        None => Prose::of(address.to_string(), role),
    }
}

fn of_service(service: Service, name: Option<&str>) -> Prose {
    let port = match service.port {
        Some(port) => format!("{} {port}", service.proto),
        None => service.proto.to_string(),
    };
    match name {
        Some(name) => Prose::of(name, Role::Service).then(port, Role::Dim),
        None => Prose::of(port, Role::Service),
    }
}

fn process(part: &Part<Who>) -> Prose {
    let name = part.name.as_deref().unwrap_or("-");
    let prose = Prose::of(name, Role::Title);
    match part.what {
        Who::Process { pid, .. } => prose.and(format!("[{pid}]"), Role::Text),
        _ => prose,
    }
}
