//! The interfaces.

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::line;
use super::super::popup::Text;
use super::{Section, bytes, counted, per_sec};
use crate::view::health::{Carried, Health, LinkRates, LinkState, LinkVitals, share_of_speed};
use crate::view::units;

/// Interfaces that are shown, at most.
const LINKS: usize = 8;
/// Cells of a name, of a rate, of a share, of packets, of a total and of
/// counts of trouble.
const NAME: usize = 10;
const RATE: usize = 10;
const SHARE: usize = 5;
const PACKETS: usize = 8;
const TOTAL: usize = 8;
const TROUBLE: usize = 7;

/// Those that have carried something, the busiest since flowtop began first.
pub(super) fn section(state: &State, health: &Health, width: usize) -> Section {
    let title = "INTERFACES";
    let plain = |lines: Vec<Text>, note: &str| Section {
        title,
        note: note.to_owned(),
        lines,
    };
    let links = match health.vitals.as_ref().map(|vitals| &vitals.links) {
        None => return plain(Vec::new(), "are being read"),
        Some(Err(why)) => {
            let lines = line::wrap(why, width).into_iter();
            return plain(lines.map(|text| vec![(text, Role::Alert)]).collect(), "");
        }
        Some(Ok(links)) => links,
    };
    let carried = |link: &LinkVitals| {
        let of = |pair: crate::flow::Pair<Carried>| pair.orig.bytes + pair.reply.bytes;
        (of(link.added), of(link.link.traffic.carried))
    };
    let (mut busy, idle): (Vec<_>, Vec<_>) = links.iter().partition(|link| carried(link) != (0, 0));
    busy.sort_by_key(|link| std::cmp::Reverse(carried(link)));
    let mut lines = vec![vec![(
        format!(
            "{:<NAME$} {:>RATE$}{:>SHARE$}{:>PACKETS$}{:>TOTAL$}{:>TROUBLE$}{:>TROUBLE$}",
            "", "rate", "full", "packets", "total", "errors", "drops"
        ),
        Role::Dim,
    )]];
    for link in busy.iter().take(LINKS) {
        lines.extend(rows(state, link));
    }
    let mut rest = Vec::new();
    if busy.len() > LINKS {
        rest.push(format!("{} more with traffic", busy.len() - LINKS));
    }
    if !idle.is_empty() {
        let names: Vec<&str> = idle.iter().map(|l| l.link.traffic.name.as_str()).collect();
        let mut text = format!("without traffic: {}", names.join(", "));
        line::cut_end(&mut text, width);
        rest.push(text);
    }
    lines.extend(rest.into_iter().map(|text| vec![(text, Role::Dim)]));
    plain(lines, "rates now, totals since they are there")
}

/// What it receives, and what it sends.
fn rows(state: &State, link: &LinkVitals) -> [Text; 2] {
    let traffic = &link.link.traffic;
    let share = share_of_speed(link);
    let rates = link.rates;
    let mut name = traffic.name.clone();
    line::cut_end(&mut name, NAME - 1);
    let state_word = match (traffic.state, link.link.speed_mbit_per_sec) {
        (LinkState::Up, Some(speed)) => speed_of(speed),
        (LinkState::Up, None) => "up".to_owned(),
        (LinkState::NoCarrier, _) => "no carrier".to_owned(),
        (LinkState::Dormant, _) => "dormant".to_owned(),
        (LinkState::Down, _) => "down".to_owned(),
    };
    let is_up = traffic.state == LinkState::Up;
    let word_role = if is_up { Role::Dim } else { Role::ChipWarn };
    let down = Way {
        arrow: ("↓", Role::Down),
        carried: traffic.carried.reply,
        rates: rates.map(|rates| rates.reply),
        share: share.map(|share| share.reply),
    };
    let up = Way {
        arrow: ("↑", Role::Up),
        carried: traffic.carried.orig,
        rates: rates.map(|rates| rates.orig),
        share: share.map(|share| share.orig),
    };
    [
        way(state, (format!("{name:<NAME$}"), Role::Title), &down),
        way(state, (format!("{state_word:<NAME$}"), word_role), &up),
    ]
}

/// One direction of an interface.
struct Way {
    arrow: (&'static str, Role),
    carried: Carried,
    rates: Option<LinkRates>,
    share: Option<u64>,
}

fn way(state: &State, label: (String, Role), way: &Way) -> Text {
    let (arrow, role) = way.arrow;
    let mut rate = String::new();
    let speed = way.rates.map(|rates| rates.bytes_per_sec);
    units::rate(&mut rate, speed, state.unit);
    let share = way
        .share
        .map_or_else(String::new, |share| format!("{share}%"));
    let packets = way.rates.map(|rates| per_sec(rates.packets_per_sec));
    let packets = packets.unwrap_or_else(|| "-".to_owned());
    let grows = |get: fn(&LinkRates) -> f64| way.rates.as_ref().is_some_and(|r| get(r) > 0.0);
    let trouble = |count: u64, grows: bool| {
        let role = match (count, grows) {
            (0, _) => Role::Dim,
            (_, true) => Role::ChipCrit,
            (_, false) => Role::Text,
        };
        // The sign is for who sees no colours.
        let sign = if grows { "!" } else { "" };
        (
            format!("{:>TROUBLE$}", format!("{sign}{}", counted(count))),
            role,
        )
    };
    vec![
        label,
        (arrow.to_owned(), role),
        (format!("{rate:>RATE$}"), Role::Text),
        (format!("{share:>SHARE$}{packets:>PACKETS$}"), Role::Dim),
        (format!("{:>TOTAL$}", bytes(way.carried.bytes)), Role::Text),
        trouble(way.carried.errors, grows(|rates| rates.errors_per_sec)),
        trouble(way.carried.dropped, grows(|rates| rates.dropped_per_sec)),
    ]
}

/// `100 Mbit/s`, `2.5 Gbit/s`.
fn speed_of(mbit_per_sec: u32) -> String {
    match mbit_per_sec {
        ..1000 => format!("{mbit_per_sec}Mbit/s"),
        _ => format!("{}Gbit/s", f64::from(mbit_per_sec) / 1000.0),
    }
}
