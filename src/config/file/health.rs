//! The table `[health]`: from where on something is a finding.

use std::ops::RangeInclusive;

use toml::de::{DeTable, DeValue};

use super::super::value;
use super::{Reading, is_option, line, misplaced};
use crate::view::health::Settings;

/// A key of the table.
pub(in crate::config) struct Limit {
    pub(in crate::config) name: &'static str,
    range: RangeInclusive<u64>,
    pub(in crate::config) get: fn(&Settings) -> u64,
    set: fn(&mut Settings, u64),
}

/// Every key, in the order of the sample.
pub(in crate::config) const LIMITS: [Limit; 6] = [
    Limit {
        name: "table-warn",
        range: 1..=100,
        get: |settings| settings.table_warn_percent,
        set: |settings, percent| settings.table_warn_percent = percent,
    },
    Limit {
        name: "table-crit",
        range: 1..=100,
        get: |settings| settings.table_crit_percent,
        set: |settings, percent| settings.table_crit_percent = percent,
    },
    Limit {
        name: "host-share",
        range: 1..=100,
        get: |settings| settings.host_percent,
        set: |settings, percent| settings.host_percent = percent,
    },
    Limit {
        name: "unanswered",
        range: 1..=1_000_000_000,
        get: |settings| settings.unanswered as u64,
        set: |settings, flows| settings.unanswered = flows as usize,
    },
    Limit {
        name: "scan-targets",
        range: 1..=1_000_000_000,
        get: |settings| settings.scan_targets as u64,
        set: |settings, targets| settings.scan_targets = targets as usize,
    },
    Limit {
        name: "retransmits",
        range: 1..=100,
        get: |settings| settings.retransmit_percent,
        set: |settings, percent| settings.retransmit_percent = percent,
    },
];

/// The settings of all that files say, the later ones above the earlier.
pub(in crate::config) fn settings(said: &[(&'static str, u64)]) -> Settings {
    let mut settings = Settings::default();
    for (name, number) in said {
        if let Some(limit) = LIMITS.iter().find(|limit| limit.name == *name) {
            (limit.set)(&mut settings, *number);
        }
    }
    settings
}

impl Reading<'_> {
    pub(super) fn health(&mut self, limits: &DeTable<'_>) {
        for (name, value) in limits {
            match limit(name.get_ref(), value.get_ref(), &self.below.health) {
                Ok(said) => self.layer.health.push(said),
                Err(problem) => {
                    let at = line(self.text, name.span().start);
                    self.problems.push((at, problem));
                }
            }
        }
    }
}

/// A line of the table. `below` is what is said already, for the messages.
fn limit(
    name: &str,
    value: &DeValue<'_>,
    below: &[(&'static str, u64)],
) -> Result<(&'static str, u64), String> {
    let Some(limit) = LIMITS.iter().find(|limit| limit.name == name) else {
        if is_option(name) {
            return Err(misplaced(name, "health"));
        }
        let nearest = value::nearest(name, LIMITS.iter().map(|limit| limit.name));
        return Err(format!("`{name}` is no key of [health]{nearest}"));
    };
    let number = match value {
        // With its radix, if that is not 10.
        DeValue::Integer(number) => number.to_string().parse().ok(),
        _ => None,
    };
    let (least, most) = (limit.range.start(), limit.range.end());
    let instead = (limit.get)(&settings(below));
    number
        .filter(|number| limit.range.contains(number))
        .map(|number| (limit.name, number))
        .ok_or_else(|| {
            format!("`{name}`: give a number from {least} to {most}; it stays at {instead}")
        })
}
