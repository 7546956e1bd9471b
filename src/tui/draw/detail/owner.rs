//! Whose the flow is, and what the sockets know.

use std::fmt::Write;

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::prose::{Prose, Sheet};
use crate::flow::{Congestion, TcpFigures};
use crate::view::group::Holder;
use crate::view::units;
use crate::view::{Account, Cgroup, Owner, Party, Process, Row, Side, Unknown, Who};

pub(super) fn tell(state: &State, row: &Row<'_>, sheet: &mut Sheet) {
    let parties: Vec<Party<'_>> = row.parties().collect();
    let are_several = parties.len() > 1;
    for party in &parties {
        let label = match (are_several, party.side) {
            (false, _) => "process",
            (true, Side::Orig) => "client",
            (true, Side::Reply) => "server",
        };
        match (party.owner, party.who) {
            (Some(owner), _) => of_owner(state, label, owner, sheet),
            (None, Who::Unknown(why)) => sheet.say(label, Prose::of(reason(why), Role::Dim)),
            (None, _) => sheet.say(label, unseen(row)),
        }
    }
}

fn unseen(row: &Row<'_>) -> Prose {
    let why = match row.bearings.direction {
        Some(_) => "not looked up: that takes a moment, and --no-process switches it off",
        None => "not looked up: the addresses of this machine are not known yet",
    };
    Prose::of(why, Role::Dim)
}

/// Why nobody is known, in a sentence.
const fn reason(why: Unknown) -> &'static str {
    match why {
        Unknown::Forwarded => "none here: the flow only passes through this machine",
        Unknown::Gone => {
            "not known: the socket was closed before it could be looked at, or nobody holds it \
             any more"
        }
        Unknown::Ambiguous => {
            "not known: different processes hold sockets that this flow could belong to"
        }
        Unknown::NotPermitted => {
            "not known: it belongs to somebody whose processes this user may not see; root sees \
             them"
        }
        Unknown::Kernel => "none: the kernel itself speaks here",
    }
}

fn of_owner(state: &State, label: &str, owner: &Owner, sheet: &mut Sheet) {
    match &owner.process {
        Ok(process) => {
            let how = match owner.namespace {
                Some(address) => {
                    format!("holds the socket, in the network namespace that has {address}")
                }
                None => "holds the socket".to_owned(),
            };
            let account = owner.account().map(|account| &**account);
            of_process(label, process, account, how, sheet);
        }
        Err(why) => {
            let prose = Prose::of(reason(*why), Role::Dim);
            let prose = match owner.account() {
                Some(account) => prose.then(format!("user {}", user(account)), Role::Text),
                None => prose,
            };
            sheet.say(label, prose);
        }
    }
    if let Some(cgroup) = owner.cgroup() {
        of_cgroup(cgroup, sheet);
    }
    if let Some(figures) = &owner.figures {
        sheet.say("tcp", tcp(state, figures));
    }
}

/// A process that has flows, and where it belongs.
pub(super) fn of_holder(holder: &Holder, sheet: &mut Sheet) {
    let account = holder.account.as_deref();
    match &holder.process {
        Some(process) => {
            let how = "holds the sockets of these flows".to_owned();
            of_process("process", process, account, how, sheet);
        }
        None => sheet.say(
            "user",
            Prose::of(account.map(user).unwrap_or_default(), Role::Text),
        ),
    }
    if let Some(cgroup) = holder.cgroup.as_deref() {
        of_cgroup(cgroup, sheet);
    }
}

/// Why there is no process.
pub(super) const fn absence(who: Who) -> &'static str {
    match who {
        Who::Unknown(why) => reason(why),
        Who::Unseen => "not looked up: that takes a moment, and --no-process switches it off",
        Who::Process { .. } => "not known any more: all its flows have ended",
    }
}

fn of_process(
    label: &str,
    process: &Process,
    account: Option<&Account>,
    how: String,
    sheet: &mut Sheet,
) {
    let mut prose =
        Prose::of(process.name.as_ref(), Role::Title).and(format!("[{}]", process.pid), Role::Text);
    if let Some(account) = account {
        prose = prose.then(format!("user {}", user(account)), Role::Text);
    }
    sheet.say(label, prose.known(how));
    if let Some(command) = &process.cmdline {
        sheet.say("command", Prose::of(command.as_ref(), Role::Text));
    }
    if let Some(exe) = &process.exe {
        sheet.say("program", Prose::of(exe.as_ref(), Role::Text));
    }
    let parents: Vec<String> = process
        .parents
        .iter()
        .map(|parent| format!("{}[{}]", parent.name, parent.pid))
        .collect();
    sheet.say("parents", Prose::of(parents.join(" ← "), Role::Text));
}

fn user(account: &Account) -> String {
    match &account.name {
        Some(name) => format!("{name} ({})", account.uid),
        None => account.uid.to_string(),
    }
}

fn of_cgroup(cgroup: &Cgroup, sheet: &mut Sheet) {
    if let Some(unit) = &cgroup.unit {
        sheet.say("unit", Prose::of(unit.as_ref(), Role::Text));
    }
    if let Some(container) = &cgroup.container {
        let mut prose = Prose::of(container.label(), Role::Text);
        prose = prose.then(container.runtime, Role::Text);
        if container.name.is_some() {
            let id = container.id.get(..12).unwrap_or(&container.id);
            prose = prose.then(format!("id {id}"), Role::Dim);
        }
        if let Some(pod) = &container.pod {
            prose = prose.then(format!("pod {pod}"), Role::Text);
        }
        sheet.say("container", prose);
    }
    if cgroup.path.len() > 1 {
        sheet.say("cgroup", Prose::of(cgroup.path.as_ref(), Role::Dim));
    }
}

/// What the socket measures.
fn tcp(state: &State, figures: &TcpFigures) -> Prose {
    let mut prose = Prose::default();
    let mut say = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            let said = std::mem::take(&mut prose);
            prose = said
                .then(format!("{what} "), Role::Dim)
                .and(value, Role::Text);
        }
    };
    let latency = |micros: u32| {
        let mut text = String::new();
        units::latency(&mut text, Some(micros));
        text
    };
    let bytes = |count: u64| {
        let mut text = String::new();
        units::bytes(&mut text, Some(count));
        text
    };
    say("rtt", figures.rtt_us.map(latency));
    say("min", figures.min_rtt_us.map(latency));
    say(
        "retransmits",
        figures.retransmits.map(|segments| {
            let mut text = segments.to_string();
            if let Some(again) = figures.bytes_retransmitted.filter(|again| *again > 0) {
                let _ = write!(text, " ({})", bytes(again));
            }
            text
        }),
    );
    say(
        "cwnd",
        figures.cwnd.map(|cwnd| match cwnd {
            1 => "1 segment".to_owned(),
            cwnd => format!("{cwnd} segments"),
        }),
    );
    say(
        "delivery rate",
        figures.delivery_rate_bytes_per_sec.map(|rate| {
            let mut text = String::new();
            units::rate(&mut text, Some(rate), state.unit);
            text
        }),
    );
    let queue = |count: Option<u32>| count.map(|count| bytes(count.into()));
    say("send queue", queue(figures.send_queue_bytes));
    say("receive queue", queue(figures.receive_queue_bytes));
    let congestion = figures.congestion.as_ref().map(Congestion::as_str);
    say("congestion control", congestion.map(str::to_owned));
    if prose.is_empty() {
        return prose;
    }
    prose.known("measured by the socket")
}
