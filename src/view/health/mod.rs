//! How the kernel's table, the host and this program are doing, and what is
//! wrong with them.

mod census;
mod finding;
mod masked;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use census::{Census, HalfOpen, Suspect, Unanswered};
pub use finding::{Finding, Severity, Trouble, share_of_speed};

use super::{GroupRow, Status};
use crate::enrich::Knowledge;
use crate::flow::Moment;
use crate::table::Table;
use crate::vitals::Fill;
pub use crate::vitals::{
    Carried, Count, LinkRates, LinkState, LinkVitals, Own, Problems, ReceiveBuffer, StackVitals,
    Stat, TrackingVitals, Vitals,
};

/// From where on something is a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// A table this full, in percent, is worth a warning.
    pub table_warn_percent: u64,
    /// One this full soon drops connections.
    pub table_crit_percent: u64,
    /// One host may have this share of what the table can hold, in percent.
    pub host_percent: u64,
    /// So many flows of one host without an answer, or to one host without a
    /// completed handshake, are suspicious.
    pub unanswered: usize,
    /// So many different targets among them make it a scan.
    pub scan_targets: usize,
    /// So many segments sent again, in percent, are worth a warning.
    pub retransmit_percent: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            table_warn_percent: 70,
            table_crit_percent: 85,
            host_percent: 25,
            unanswered: 200,
            scan_targets: 50,
            retransmit_percent: 5,
        }
    }
}

impl Settings {
    /// How bad it is that `used` of `max` flows are in the table.
    pub const fn of_table(&self, used: u64, max: u64) -> Option<Severity> {
        let Some(percent) = percent(used, max) else {
            return None;
        };
        if percent >= self.table_crit_percent {
            Some(Severity::Critical)
        } else if percent >= self.table_warn_percent {
            Some(Severity::Warning)
        } else {
            None
        }
    }

    /// Whether a host is one that findings speak of.
    pub const fn is_suspicious(&self, row: &GroupRow, table_max: Option<u64>) -> bool {
        if row.unreplied >= self.unanswered {
            return true;
        }
        match table_max {
            Some(max) => self.is_hog(row.flows, max),
            None => false,
        }
    }

    const fn is_hog(&self, flows: usize, max: u64) -> bool {
        match percent(flows as u64, max) {
            Some(percent) => percent >= self.host_percent,
            None => false,
        }
    }
}

/// A share in percent, rounded; `None` of nothing.
pub const fn percent(part: u64, whole: u64) -> Option<u64> {
    match part
        .saturating_mul(100)
        .saturating_add(whole / 2)
        .checked_div(whole)
    {
        Some(percent) => Some(percent),
        None => None,
    }
}

/// How the source of flows is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// When events were last lost.
    pub lost_at: Option<Moment>,
    /// How many dumps there were.
    pub dumps: u64,
    /// How many of them because events had been lost.
    pub resyncs: u64,
    /// How long the last one took.
    pub dump_took: Option<Duration>,
    /// From the beginning of the last but one to that of the last.
    pub dump_every: Option<Duration>,
    /// The buffer in which events wait.
    pub buffer: Option<ReceiveBuffer>,
    /// What was odd about messages of the kernel.
    pub problems: Problems,
}

/// Everything about health.
#[derive(Clone, Debug)]
pub struct Health {
    /// Flows in the table.
    pub table_used: Option<u64>,
    /// How many it can hold.
    pub table_max: Option<u64>,
    /// The most there were since the start, and when.
    pub peak: Option<(u64, Moment)>,
    /// When it would be full, if it went on like this.
    pub time_to_full: Option<Duration>,
    /// What the flows are like.
    pub census: Census,
    /// How they come here.
    pub source: SourceHealth,
    /// What the kernel and the interfaces count; `None` before the first
    /// reading.
    pub vitals: Option<Arc<Vitals>>,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// Names of hosts that findings speak of.
    names: Vec<(IpAddr, Arc<str>)>,
}

/// What is known besides the table of flows.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// How full the kernel's table is, and has been.
    pub fill: Option<&'a Fill>,
    /// How the source is doing.
    pub source: SourceHealth,
    /// What the kernel and the interfaces count.
    pub vitals: Option<Arc<Vitals>>,
}

impl Health {
    /// Looks at every flow.
    pub fn compute(
        table: &Table,
        knowledge: &Knowledge,
        status: &Status,
        known: Known<'_>,
        settings: &Settings,
        now: Moment,
    ) -> Self {
        let tracking = known.vitals.as_ref().and_then(|v| v.tracking.as_ref().ok());
        let size = tracking
            .and_then(|tracking| tracking.size)
            .unwrap_or_default();
        let mut health = Self {
            table_used: status.table_used.or(size.entries.map(u64::from)),
            table_max: status.table_max.or(size.max.map(u64::from)),
            peak: known.fill.and_then(Fill::peak),
            time_to_full: known.fill.and_then(Fill::time_to_full),
            census: Census::of(table, settings),
            source: known.source,
            vitals: known.vitals,
            findings: Vec::new(),
            names: Vec::new(),
        };
        health.findings = finding::all(&health, status, settings, now);
        let named = |host| knowledge.name(host).map(|name| (host, name));
        health.names = health.hosts().filter_map(named).collect();
        health
    }

    /// Hosts that findings speak of.
    pub fn hosts(&self) -> impl Iterator<Item = IpAddr> {
        let each = self.findings.iter().map(|finding| match &finding.trouble {
            Trouble::Unanswered(found) => [Some(found.source), Some(found.target)],
            Trouble::HalfOpen(found) => [Some(found.target), None],
            Trouble::Hog { source, .. } => [Some(*source), None],
            _ => [None, None],
        });
        each.flatten().flatten()
    }

    /// The name of one of them, if it is known.
    pub fn name(&self, host: IpAddr) -> Option<&str> {
        let mut names = self.names.iter();
        names.find(|(of, _)| *of == host).map(|(_, name)| &**name)
    }
}
