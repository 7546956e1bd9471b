//! What is wrong, as data: who tells it finds the words.

use std::net::IpAddr;
use std::time::Duration;

use super::{
    Count, HalfOpen, Health, LinkState, LinkVitals, Problems, Settings, Stat, Unanswered, percent,
};
use crate::flow::{Moment, Pair};
use crate::view::Status;

/// Events lost within this time are a matter of now.
const RECENTLY: Duration = Duration::from_secs(60);
/// A table that is full sooner than this is worth a warning, however full it is.
const SOON: Duration = Duration::from_secs(600);
/// From so many percent of its speed on, an interface is full.
const LINK_FULL_PERCENT: u64 = 90;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing: figures may not mean what they seem to.
    Note,
    /// It costs somebody something, or soon will.
    Warning,
    /// Connections fail.
    Critical,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is.
    pub trouble: Trouble,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// The table is nearly full, or soon is.
    Table {
        /// Flows in it.
        used: u64,
        /// How many it can hold.
        max: u64,
        /// When it is full, if it goes on like this.
        time_to_full: Option<Duration>,
    },
    /// Connection tracking counts something that costs packets or flows.
    Counted(Stat, Count),
    /// A source has many flows that nobody answers.
    Unanswered(Unanswered),
    /// A target has many handshakes that are not completed.
    HalfOpen(HalfOpen),
    /// One host has a large share of what the table can hold.
    Hog {
        /// The host.
        source: IpAddr,
        /// Its flows.
        flows: usize,
        /// Their share of the maximum, in percent.
        percent: u64,
    },
    /// Events were lost.
    Lost {
        /// How many.
        events: u64,
        /// How long ago the last ones were.
        ago: Option<Duration>,
    },
    /// New flows are not counted.
    AccountingOff,
    /// Some flows are forwarded past the counters.
    Offloaded {
        /// How many.
        flows: usize,
        /// Of how many.
        of: usize,
    },
    /// TCP of this machine sends too much again.
    Retransmits {
        /// The share, in percent.
        percent: f64,
        /// Of so many segments.
        segments: u64,
    },
    /// An interface drops packets or receives broken ones.
    Link {
        /// Its name.
        name: String,
        /// Broken packets per second, both ways.
        errors_per_sec: f64,
        /// Dropped packets per second, both ways.
        dropped_per_sec: f64,
    },
    /// An interface is about as fast as it can be.
    LinkFull {
        /// Its name.
        name: String,
        /// Its share of its speed, in percent.
        percent: u64,
        /// Whether that is what it sends.
        sends: bool,
    },
    /// Connections come faster than a program of this machine accepts them.
    Listen(Count),
    /// Datagrams come faster than a program of this machine reads them.
    UdpReceive(Count),
    /// Messages of the kernel were odd.
    Odd(Problems),
    /// The buffer of events is smaller than wished for.
    SmallBuffer {
        /// What the kernel granted, in bytes.
        bytes: usize,
    },
}

/// Everything that is wrong, the worst first.
pub(super) fn all(
    health: &Health,
    status: &Status,
    settings: &Settings,
    now: Moment,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(table(health, settings));
    findings.extend(counted(health));
    findings.extend(hosts(health, settings));
    findings.extend(host_stack(health, settings));
    findings.extend(links(health));
    findings.extend(source(health, status, now));
    // Those of a kind stay in this order.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

const fn finding(severity: Severity, trouble: Trouble) -> Finding {
    Finding { severity, trouble }
}

fn table(health: &Health, settings: &Settings) -> Option<Finding> {
    let (used, max) = (health.table_used?, health.table_max?);
    let time_to_full = health.time_to_full;
    let soon = time_to_full.is_some_and(|time| time <= SOON);
    let severity = settings.of_table(used, max);
    let severity = severity.or(soon.then_some(Severity::Warning))?;
    Some(finding(
        severity,
        Trouble::Table {
            used,
            max,
            time_to_full,
        },
    ))
}

/// Counters that should rest.
fn counted(health: &Health) -> Vec<Finding> {
    const TROUBLES: [(Stat, Severity); 4] = [
        (Stat::Drop, Severity::Critical),
        (Stat::EarlyDrop, Severity::Warning),
        (Stat::InsertFailed, Severity::Warning),
        (Stat::ChainTooLong, Severity::Warning),
    ];
    let vitals = health.vitals.as_ref();
    let Some(tracking) = vitals.and_then(|vitals| vitals.tracking.as_ref().ok()) else {
        return Vec::new();
    };
    let each = TROUBLES.into_iter().filter_map(|(stat, severity)| {
        let count = tracking.get(stat)?;
        Some(finding(
            severity_of(count, severity)?,
            Trouble::Counted(stat, count),
        ))
    });
    each.collect()
}

/// As bad as `worst` while the count grows; a note if it has grown before.
fn severity_of(count: Count, worst: Severity) -> Option<Severity> {
    if count.per_sec.is_some_and(|rate| rate > 0.0) {
        Some(worst)
    } else {
        (count.added > 0).then_some(Severity::Note)
    }
}

fn hosts(health: &Health, settings: &Settings) -> Vec<Finding> {
    let census = &health.census;
    let warn = |trouble| finding(Severity::Warning, trouble);
    let mut findings: Vec<_> = census
        .half_open
        .iter()
        .map(|half_open| warn(Trouble::HalfOpen(*half_open)))
        .collect();
    let unanswered = census.unanswered.iter();
    findings.extend(unanswered.map(|source| warn(Trouble::Unanswered(*source))));
    if let (Some((source, flows)), Some(max)) = (census.busiest, health.table_max)
        && settings.is_hog(flows, max)
        && let Some(percent) = percent(flows as u64, max)
    {
        findings.push(warn(Trouble::Hog {
            source,
            flows,
            percent,
        }));
    }
    findings
}

fn host_stack(health: &Health, settings: &Settings) -> Vec<Finding> {
    let Some(stack) = health.vitals.as_ref().map(|vitals| vitals.stack) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if let (Some(percent), Some(segments)) = (stack.retransmit_percent, stack.segments)
        && percent >= settings.retransmit_percent as f64
    {
        let trouble = Trouble::Retransmits { percent, segments };
        findings.push(finding(Severity::Warning, trouble));
    }
    if let Some(count) = stack.listen_drops
        && let Some(severity) = severity_of(count, Severity::Warning)
    {
        findings.push(finding(severity, Trouble::Listen(count)));
    }
    if let Some(count) = stack.udp_receive_errors
        && let Some(severity) = severity_of(count, Severity::Warning)
    {
        findings.push(finding(severity, Trouble::UdpReceive(count)));
    }
    findings
}

/// What is sent and received, as a share of the speed of an interface, in
/// percent.
pub fn share_of_speed(link: &LinkVitals) -> Option<Pair<u64>> {
    let speed = u64::from(link.link.speed_mbit_per_sec?) * 1_000_000 / 8;
    let rates = link.rates?;
    Some(Pair {
        orig: percent(rates.orig.bytes_per_sec, speed)?,
        reply: percent(rates.reply.bytes_per_sec, speed)?,
    })
}

fn links(health: &Health) -> Vec<Finding> {
    let mut findings = Vec::new();
    let vitals = health.vitals.as_ref();
    let links = vitals.and_then(|vitals| vitals.links.as_ref().ok());
    for link in links.into_iter().flatten() {
        let name = &link.link.traffic.name;
        if let Some(Pair { orig, reply }) = link.rates {
            let errors_per_sec = orig.errors_per_sec + reply.errors_per_sec;
            let dropped_per_sec = orig.dropped_per_sec + reply.dropped_per_sec;
            let is_up = link.link.traffic.state == LinkState::Up;
            // What an interface without a cable drops, nobody misses.
            if is_up && (errors_per_sec > 0.0 || dropped_per_sec > 0.0) {
                let trouble = Trouble::Link {
                    name: name.clone(),
                    errors_per_sec,
                    dropped_per_sec,
                };
                findings.push(finding(Severity::Warning, trouble));
            }
        }
        if let Some(Pair { orig, reply }) = share_of_speed(link) {
            for (percent, sends) in [(orig, true), (reply, false)] {
                if percent >= LINK_FULL_PERCENT {
                    let trouble = Trouble::LinkFull {
                        name: name.clone(),
                        percent,
                        sends,
                    };
                    findings.push(finding(Severity::Warning, trouble));
                }
            }
        }
    }
    findings
}

fn source(health: &Health, status: &Status, now: Moment) -> Vec<Finding> {
    let source = &health.source;
    let mut findings = Vec::new();
    if status.lost > 0 {
        let ago = source.lost_at.map(|at| now.since(at));
        let severity = match ago {
            Some(ago) if ago <= RECENTLY => Severity::Warning,
            _ => Severity::Note,
        };
        let events = status.lost;
        findings.push(finding(severity, Trouble::Lost { events, ago }));
    }
    if status.accounting == Some(false) {
        findings.push(finding(Severity::Warning, Trouble::AccountingOff));
    }
    if let Some(buffer) = source.buffer.filter(|buffer| buffer.capped) {
        let bytes = buffer.bytes;
        findings.push(finding(Severity::Note, Trouble::SmallBuffer { bytes }));
    }
    if health.census.offloaded > 0 {
        let (flows, of) = (health.census.offloaded, health.census.flows);
        findings.push(finding(Severity::Note, Trouble::Offloaded { flows, of }));
    }
    if source.problems.total() > 0 {
        findings.push(finding(Severity::Note, Trouble::Odd(source.problems)));
    }
    findings
}
