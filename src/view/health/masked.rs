//! Health with pseudonyms. Structures are taken apart whole, as in
//! [`mask`](crate::view::mask): whoever adds a field has to say whether it tells
//! of somebody.

use super::{Census, Finding, HalfOpen, Health, Trouble, Unanswered};
use crate::view::mask::Mask;

impl Health {
    /// The same with pseudonyms. What the kernel and the interfaces count names
    /// nobody.
    #[must_use]
    pub fn masked(&self, mask: &Mask) -> Self {
        let Self {
            table_used: _,
            table_max: _,
            peak: _,
            time_to_full: _,
            census,
            source: _,
            vitals: _,
            findings,
            names,
        } = self;
        let finding = |Finding { severity, trouble }: &Finding| Finding {
            severity: *severity,
            trouble: trouble.masked(mask),
        };
        Self {
            census: census.masked(mask),
            findings: findings.iter().map(finding).collect(),
            names: names
                .iter()
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
        let Self {
            flows: _,
            tcp: _,
            others: _,
            unreplied: _,
            assured: _,
            offloaded: _,
            uncounted: _,
            unanswered,
            half_open,
            busiest,
        } = self;
        Self {
            unanswered: unanswered.iter().map(|found| found.masked(mask)).collect(),
            half_open: half_open.iter().map(|found| found.masked(mask)).collect(),
            busiest: busiest.map(|(host, flows)| (mask.address(host), flows)),
            ..self.clone()
        }
    }
}

impl Unanswered {
    fn masked(&self, mask: &Mask) -> Self {
        let Self {
            source,
            flows: _,
            hosts: _,
            targets: _,
            target,
            port: _,
            suspect: _,
        } = *self;
        Self {
            source: mask.address(source),
            target: mask.address(target),
            ..*self
        }
    }
}

impl HalfOpen {
    fn masked(&self, mask: &Mask) -> Self {
        let Self {
            target,
            port: _,
            flows: _,
            sources: _,
        } = *self;
        Self {
            target: mask.address(target),
            ..*self
        }
    }
}
