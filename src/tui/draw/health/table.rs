//! How full the kernel's table is, and what is in it.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::popup::Text;
use super::super::status::time_of_day;
use super::{Section, bar, grouped, per_sec, share, told};
use crate::flow::State as FlowState;
use crate::view::health::{Health, percent};
use crate::view::{Source, View, units};

/// Cells of the name of a state, of a count and of a share.
const NAME: usize = 16;
const COUNT: usize = 11;
const SHARE: usize = 7;
/// States that have a line of their own.
const STATES: usize = 10;

/// The gauge, and where it leads to.
pub(super) fn fullness(state: &State, view: &View, health: &Health, width: usize) -> Section {
    let mut lines = Vec::new();
    let mut note = "of the kernel, everything in it";
    match (health.table_used, health.table_max) {
        (Some(used), Some(max)) => lines.extend(gauge(state, used, max, width)),
        (Some(used), None) => lines.push(vec![(
            format!(
                "{} connections; how many it can hold is not told",
                grouped(used)
            ),
            Role::Text,
        )]),
        (None, _) => note = "not known: the kernel has loaded no connection tracking",
    }
    let mut more = Text::new();
    if let Some((peak, at)) = health.peak {
        let time = time_of_day(state, at.real_ns);
        more.push(("peak ".to_owned(), Role::Dim));
        more.push((grouped(peak), Role::Text));
        more.push((format!(" at {time}"), Role::Dim));
        if let Some(percent) = health.table_max.and_then(|max| percent(peak, max)) {
            more.push((format!(" ({percent}%)"), Role::Dim));
        }
    }
    if let Some(time) = health.time_to_full {
        let mut text = "   full in about ".to_owned();
        units::duration(&mut text, time);
        more.push((text, Role::Alert));
    } else if health.table_max.is_some() {
        more.push(("   not filling up".to_owned(), Role::Dim));
    }
    lines.push(more);
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), per_sec);
    lines.push(vec![
        ("new ".to_owned(), Role::Dim),
        (rate(view.born_per_sec), Role::Text),
        ("   closed ".to_owned(), Role::Dim),
        (rate(view.ended_per_sec), Role::Text),
        ("   of shown protocols".to_owned(), Role::Dim),
    ]);
    Section {
        title: "TABLE OF CONNECTIONS",
        note: note.to_owned(),
        lines,
    }
}

/// The bar on one line; the figures below it.
fn gauge(state: &State, used: u64, max: u64, width: usize) -> [Text; 2] {
    let severity = state.settings.health.of_table(used, max);
    let (word, role) = match severity {
        Some(severity) => told(severity),
        None => ("ok", Role::StateOpen),
    };
    let percent = percent(used, max).unwrap_or(0);
    let filled = bar(used as f64 / max.max(1) as f64, width);
    let rest = width - filled.chars().count();
    let limits = &state.settings.health;
    [
        vec![(filled, role), ("░".repeat(rest), Role::Dim)],
        vec![
            (format!("{percent}%"), Role::Title),
            (
                format!("  {} of {}  ", grouped(used), grouped(max)),
                Role::Text,
            ),
            (word.to_owned(), role),
            (
                format!(
                    "  warns at {}%, {}%",
                    limits.table_warn_percent, limits.table_crit_percent
                ),
                Role::Dim,
            ),
        ],
    ]
}

/// Flows by state and protocol.
pub(super) fn flows(health: &Health, width: usize) -> Section {
    let census = &health.census;
    let room = width.saturating_sub(NAME + COUNT + SHARE + 2);
    let most = census.tcp.iter().map(|(_, flows)| *flows);
    let most = most
        .chain(census.others.iter().map(|(_, flows)| *flows))
        .max();
    let line = |name: String, flows: usize, role: Role| {
        let length = flows as f64 / most.unwrap_or(1).max(1) as f64;
        vec![
            (format!("{name:<NAME$}"), role),
            (format!("{:>COUNT$}", grouped(flows as u64)), Role::Text),
            (
                format!("{:>SHARE$}  ", share(flows, census.flows)),
                Role::Dim,
            ),
            (bar(length, room), role),
        ]
    };
    let mut lines: Vec<Text> = Vec::new();
    for (state, flows) in census.tcp.iter().take(STATES) {
        let (name, role) = match state {
            Some(state) => (format!("tcp {state}"), role_of(*state)),
            None => ("tcp, no state".to_owned(), Role::Dim),
        };
        lines.push(line(name, *flows, role));
    }
    for (protocol, flows) in census.others.iter().take(STATES) {
        lines.push(line(protocol.to_string(), *flows, Role::Proto));
    }
    if census.flows > 0 {
        let kinds = [
            [("unreplied", census.unreplied), ("assured", census.assured)],
            [
                ("offloaded", census.offloaded),
                ("uncounted", census.uncounted),
            ],
        ];
        for kinds in kinds {
            let mut words = Text::new();
            for (word, flows) in kinds {
                let text = format!("{} {}", grouped(flows as u64), share(flows, census.flows));
                words.push((format!("{word:<10}"), Role::Dim));
                words.push((format!("{text:<16}"), Role::Text));
            }
            lines.push(words);
        }
    } else {
        lines.push(vec![("None.".to_owned(), Role::Dim)]);
    }
    if census.offloaded > 0 {
        let text = "Counters of offloaded flows may be stale.".to_owned();
        lines.push(vec![(text, Role::Dim)]);
    }
    Section {
        title: "FLOWS BY STATE",
        note: format!("all {}, whatever is filtered", grouped(census.flows as u64)),
        lines,
    }
}

/// As the list of flows has it.
const fn role_of(state: FlowState) -> Role {
    if state.is_open() {
        Role::StateOpen
    } else if state.is_opening() {
        Role::StateNew
    } else {
        Role::StateClosing
    }
}

/// Where flows come from sockets, the table of the kernel is not what is shown.
pub(super) const fn is_tracked(view: &View) -> bool {
    !matches!(view.status.source, Source::Sockets)
}
