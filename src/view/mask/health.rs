//! Health with pseudonyms: findings speak of hosts.

use std::sync::Arc;

use super::Mask;
use crate::view::health::{Census, Finding, HalfOpen, Health, Trouble, Unanswered};

impl Health {
    /// The same with pseudonyms.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            table_used,
            table_max,
            peak,
            time_to_full,
            census,
            source,
            vitals,
            findings,
            names,
        } = self;
        let named = names
            .iter()
            .map(|(host, name)| (mask.address(*host), Arc::from(mask.host(name))));
        Self {
            table_used: *table_used,
            table_max: *table_max,
            peak: *peak,
            time_to_full: *time_to_full,
            census: census.masked(mask),
            source: *source,
            // Counters, and names of interfaces, which tell of nobody.
            vitals: vitals.clone(),
            findings: findings.iter().map(|one| one.masked(mask)).collect(),
            names: named.collect(),
        }
    }
}

impl Census {
    fn masked(&self, mask: &Mask) -> Self {
        let Self {
            flows,
            tcp,
            others,
            unreplied,
            assured,
            offloaded,
            uncounted,
            unanswered,
            half_open,
            busiest,
        } = self;
        Self {
            flows: *flows,
            tcp: tcp.clone(),
            others: others.clone(),
            unreplied: *unreplied,
            assured: *assured,
            offloaded: *offloaded,
            uncounted: *uncounted,
            unanswered: unanswered.iter().map(|one| one.masked(mask)).collect(),
            half_open: half_open.iter().map(|one| one.masked(mask)).collect(),
            busiest: busiest.map(|(host, flows)| (mask.address(host), flows)),
        }
    }
}

impl Unanswered {
    fn masked(self, mask: &Mask) -> Self {
        Self {
            source: mask.address(self.source),
            target: mask.address(self.target),
            ..self
        }
    }
}

impl HalfOpen {
    fn masked(self, mask: &Mask) -> Self {
        Self {
            target: mask.address(self.target),
            ..self
        }
    }
}

impl Finding {
    fn masked(&self, mask: &Mask) -> Self {
        let trouble = match &self.trouble {
            Trouble::Unanswered(found) => Trouble::Unanswered(found.masked(mask)),
            Trouble::HalfOpen(found) => Trouble::HalfOpen(found.masked(mask)),
            Trouble::Hog {
                source,
                flows,
                percent,
            } => Trouble::Hog {
                source: mask.address(*source),
                flows: *flows,
                percent: *percent,
            },
            // They tell of the kernel and the machine.
            Trouble::Table { .. }
            | Trouble::Counted(..)
            | Trouble::Lost { .. }
            | Trouble::AccountingOff
            | Trouble::Offloaded { .. }
            | Trouble::Retransmits { .. }
            | Trouble::Link { .. }
            | Trouble::LinkFull { .. }
            | Trouble::Listen(_)
            | Trouble::UdpReceive(_)
            | Trouble::Odd(_)
            | Trouble::SmallBuffer { .. } => self.trouble.clone(),
        };
        Self {
            severity: self.severity,
            trouble,
        }
    }
}
