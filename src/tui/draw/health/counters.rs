//! What connection tracking counts about itself.

use super::super::super::theme::Role;
use super::super::line;
use super::super::popup::Text;
use super::{Section, counted, grouped, per_sec};
use crate::view::health::{Count, Health, Stat};

/// Cells of a name, of a total, of what was added and of a rate.
const NAME: usize = 16;
const TOTAL: usize = 12;
const ADDED: usize = 13;
const RATE: usize = 11;

/// The counters that are not zero, each with what it means.
pub(super) fn section(health: &Health, width: usize) -> Section {
    let title = "CONNECTION TRACKING COUNTS";
    let tracking = match health.vitals.as_ref().map(|vitals| &vitals.tracking) {
        Some(Ok(tracking)) => tracking,
        Some(Err(why)) => {
            let lines = line::wrap(why, width).into_iter();
            return Section {
                title,
                note: String::new(),
                lines: lines.map(|text| vec![(text, Role::Alert)]).collect(),
            };
        }
        None => {
            return Section {
                title,
                note: "are being read".to_owned(),
                lines: Vec::new(),
            };
        }
    };
    let known = |stat| tracking.get(stat).map(|count| (stat, count));
    let counts: Vec<(Stat, Count)> = Stat::ALL.into_iter().filter_map(known).collect();
    let (zero, more): (Vec<_>, Vec<_>) = counts.into_iter().partition(|(_, c)| c.total == 0);
    let mut lines: Vec<Text> = Vec::new();
    if !more.is_empty() {
        let header = format!(
            "{:<NAME$}{:>TOTAL$}{:>ADDED$}{:>RATE$}",
            "", "since boot", "since start", "now"
        );
        lines.push(vec![(header, Role::Dim)]);
    }
    for (stat, count) in more {
        lines.push(row(stat, count));
        let meaning = line::wrap(meaning(stat), width.saturating_sub(2)).into_iter();
        lines.extend(meaning.map(|text| vec![(format!("  {text}"), Role::Dim)]));
    }
    if !zero.is_empty() {
        let names: Vec<&str> = zero.iter().map(|(stat, _)| stat.name()).collect();
        let text = format!("zero: {}", names.join(", "));
        let wrapped = line::wrap(&text, width).into_iter();
        lines.extend(wrapped.map(|text| vec![(text, Role::Dim)]));
    }
    let cpus = match tracking.cpus {
        1 => "of one CPU".to_owned(),
        cpus => format!("of {cpus} CPUs"),
    };
    Section {
        title,
        note: cpus,
        lines,
    }
}

fn row(stat: Stat, count: Count) -> Text {
    let grows = count.per_sec.is_some_and(|rate| rate > 0.0);
    let role = match (is_trouble(stat), grows, count.added > 0) {
        (true, true, _) => Role::ChipCrit,
        (true, false, true) => Role::ChipWarn,
        _ => Role::Text,
    };
    let added = match count.added {
        0 => "0".to_owned(),
        added => format!("+{}", counted(added)),
    };
    let rate = count.per_sec.map_or_else(|| "-".to_owned(), per_sec);
    // The sign is for who sees no colours.
    let sign = if is_trouble(stat) && count.added > 0 {
        "! "
    } else {
        ""
    };
    let name = format!("{sign}{}", stat.name());
    vec![
        (name.clone(), role),
        (" ".repeat(NAME.saturating_sub(name.len())), Role::Text),
        (format!("{:>TOTAL$}", grouped(count.total)), Role::Text),
        (format!("{added:>ADDED$}{rate:>RATE$}"), Role::Text),
    ]
}

/// Whether it costs packets or connections.
const fn is_trouble(stat: Stat) -> bool {
    matches!(
        stat,
        Stat::Drop | Stat::EarlyDrop | Stat::InsertFailed | Stat::ChainTooLong
    )
}

/// What a counter counts, and what helps if it should not.
const fn meaning(stat: Stat) -> &'static str {
    match stat {
        Stat::Found => "A port for NAT was in use already, and the next one was tried. Harmless.",
        Stat::Invalid => {
            "Packets that fit into no connection. A few are normal; many mean asymmetric routes, \
             or timeouts shorter than the silence of programs."
        }
        Stat::Insert => "Connections that programs put into the table. Harmless.",
        Stat::InsertFailed => {
            "Connections that were there already; their first packet was lost. Often parallel DNS \
             questions behind NAT: masquerade random helps."
        }
        Stat::Drop => {
            "Packets dropped because the table was full or memory short: raise nf_conntrack_max."
        }
        Stat::EarlyDrop => {
            "Unassured connections thrown out of a full table: raise nf_conntrack_max."
        }
        Stat::Error => {
            "Packets that a protocol's tracker refused, such as ICMP errors about no connection. \
             A few are normal."
        }
        Stat::SearchRestart => "Searches begun anew, since the hash changed meanwhile. Harmless.",
        Stat::ClashResolve => {
            "Two packets of a new connection met on two CPUs, and both went through. Harmless."
        }
        Stat::ChainTooLong => "A bucket of the hash was full: raise nf_conntrack_buckets.",
    }
}
