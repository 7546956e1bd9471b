//! What a run takes over from the one before, and leaves to the next.

use super::super::Settings;
use super::super::memory::Memory;
use super::super::prompt::Prompt;
use super::State;
use crate::view::column::{Choice, Hosts, Ports};
use crate::view::units::RateUnit;

/// How flows looked when the run began. Only what has been changed since is
/// remembered, so that a flag holds for its own run.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    theme: usize,
    columns: Choice,
    unit: RateUnit,
    hosts: Hosts,
    ports: Ports,
}

/// How hosts are written first. Without lookups the viewer begins with addresses.
pub(super) fn hosts(settings: &Settings) -> Hosts {
    let chosen = settings.memory.hosts;
    match settings.hosts {
        Hosts::Address => Hosts::Address,
        usual => chosen.unwrap_or(usual),
    }
}

impl Begun {
    pub(super) fn with(settings: &Settings, columns: &Choice) -> Self {
        Self {
            theme: settings.themes.chosen(),
            columns: columns.clone(),
            unit: settings.unit,
            hosts: hosts(settings),
            ports: settings.memory.ports.unwrap_or_default(),
        }
    }
}

impl State {
    /// What the next run is to know.
    pub fn memory(&self) -> Memory {
        let known = &self.settings.memory;
        let theme = if self.popup == Some(super::Popup::Themes) {
            // Only looked at.
            self.worn
        } else {
            self.themes.chosen()
        };
        let named = || self.themes.names().nth(theme).map(str::to_owned);
        let begun = &self.begun;
        Memory {
            theme: changed(&theme, &begun.theme)
                .and_then(|_| named())
                .or_else(|| known.theme.clone()),
            columns: changed(&self.columns, &begun.columns).or_else(|| known.columns.clone()),
            unit: changed(&self.unit, &begun.unit).or(known.unit),
            hosts: changed(&self.hosts, &begun.hosts).or(known.hosts),
            ports: changed(&self.ports, &begun.ports).or(known.ports),
            sorts: self.orders.told(),
            pins: super::pinning::told(&self.pins),
            filters: self.typed_filters(),
        }
    }

    /// The filters that were typed. An open line has them, unless it may not
    /// show them.
    fn typed_filters(&self) -> Vec<String> {
        let in_line = self.prompt.as_ref().map_or(&[][..], Prompt::typed);
        [&self.typed, in_line].concat()
    }
}

fn changed<T: Clone + PartialEq>(now: &T, begun: &T) -> Option<T> {
    (now != begun).then(|| now.clone())
}
