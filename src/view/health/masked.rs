//! Health with pseudonyms.

use super::{Census, Finding, HalfOpen, Health, Trouble, Unanswered};
use crate::view::mask::Mask;

impl Health {
    /// The same with pseudonyms. What the kernel and the interfaces count names
    /// nobody.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let finding = |finding: &Finding| Finding {
            severity: finding.severity,
            trouble: finding.trouble.masked(mask),
        };
        let names = self.names.iter();
        Self {
            census: self.census.masked(mask),
            findings: self.findings.iter().map(finding).collect(),
            names: names
                .map(|(host, name)| (mask.address(*host), mask.host(name).into()))
                .collect(),
            ..self.clone()
        }
    }
}

impl Trouble {
    fn masked(&self, mask: &Mask) -> Self {
        match self {
            Self::Unanswered(found) => Self::Unanswered(found.masked(mask)),
            Self::HalfOpen(found) => Self::HalfOpen(found.masked(mask)),
            Self::Hog {
                source,
                flows,
                percent,
            } => Self::Hog {
                source: mask.address(*source),
                flows: *flows,
                percent: *percent,
            },
            Self::Table { .. }
            | Self::Counted(..)
            | Self::Lost { .. }
            | Self::AccountingOff
            | Self::Offloaded { .. }
            | Self::Retransmits { .. }
            | Self::Link { .. }
            | Self::LinkFull { .. }
            | Self::Listen(_)
            | Self::UdpReceive(_)
            | Self::Odd(_)
            | Self::SmallBuffer { .. } => self.clone(),
        }
    }
}

impl Census {
    fn masked(&self, mask: &Mask) -> Self {
        let unanswered = self.unanswered.iter().map(|found| found.masked(mask));
        let half_open = self.half_open.iter().map(|found| found.masked(mask));
        let busiest = self.busiest;
        Self {
            unanswered: unanswered.collect(),
            half_open: half_open.collect(),
            busiest: busiest.map(|(host, flows)| (mask.address(host), flows)),
            ..self.clone()
        }
    }
}

impl Unanswered {
    fn masked(&self, mask: &Mask) -> Self {
        Self {
            source: mask.address(self.source),
            target: mask.address(self.target),
            ..*self
        }
    }
}

impl HalfOpen {
    fn masked(&self, mask: &Mask) -> Self {
        Self {
            target: mask.address(self.target),
            ..*self
        }
    }
}
