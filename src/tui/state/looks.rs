//! How flows are written.

use super::super::draw::Measure;
use super::super::keys::Action;
use super::State;
use super::columns::Seen;
use crate::view::SortKey;
use crate::view::column::{ColumnId, Hosts, Mark, Ports};
use crate::view::group::GroupColumn;
use crate::view::units::RateUnit;

impl State {
    /// What is about how flows are written.
    pub(super) fn look(&mut self, action: Action) {
        match action {
            Action::ToggleBits => {
                self.unit = match self.unit {
                    RateUnit::Bytes => RateUnit::Bits,
                    RateUnit::Bits => RateUnit::Bytes,
                }
            }
            Action::ToggleSource => {
                self.columns.toggle(ColumnId::Source);
            }
            Action::CycleBars => self.cycle_bars(),
            Action::CycleHosts => self.cycle_hosts(),
            Action::TogglePorts => self.toggle_ports(),
            _ => {}
        }
    }

    /// Whether rates have bars beside them.
    pub(in super::super) fn has_bars(&self) -> bool {
        self.columns.all().contains(&(ColumnId::Bars, Mark::On))
    }

    fn cycle_bars(&mut self) {
        let (mark, measure, how) = match (self.has_bars(), self.bars) {
            (false, _) => (
                Mark::On,
                Measure::Log,
                "Bars of both rates: each power of ten is as long as the next.",
            ),
            (true, Measure::Log) => (
                Mark::On,
                Measure::Linear,
                "Bars of both rates: the fastest row that is shown fills its bar.",
            ),
            (true, Measure::Linear) => (Mark::Off, Measure::Log, "No bars."),
        };
        self.columns.set(ColumnId::Bars, mark);
        self.bars = measure;
        if mark == Mark::On && !self.shows_bars() {
            let key = self.keys("B");
            self.say(&format!(
                "Rates have bars, but there is no room for them; {key} goes on."
            ));
        } else {
            self.say(how);
        }
    }

    /// Whether there is room for bars.
    fn shows_bars(&self) -> bool {
        self.sort_keys().iter().any(|key| match key {
            SortKey::Column(id) => *id == ColumnId::Bars,
            SortKey::Group(column) => *column == GroupColumn::Bars,
            _ => false,
        })
    }

    fn cycle_hosts(&mut self) {
        self.hosts = match self.hosts {
            Hosts::Name => Hosts::Address,
            Hosts::Address => Hosts::Both,
            Hosts::Both => Hosts::Name,
        };
        // Without lookups the viewer begins with addresses.
        let is_off = self.settings.hosts == Hosts::Address;
        self.say(match self.hosts {
            Hosts::Address => "Hosts by address.",
            _ if is_off => "Hosts by name; but with -n no names are looked up.",
            Hosts::Name => "Hosts by name, where one is known.",
            Hosts::Both => "Hosts by name, and their address.",
        });
        self.seen = Seen::default();
        self.measure();
    }

    fn toggle_ports(&mut self) {
        self.ports = match self.ports {
            Ports::Name => Ports::Number,
            Ports::Number => Ports::Name,
        };
        self.say(match self.ports {
            Ports::Name => "Ports by the name of their service.",
            Ports::Number => "Ports by number.",
        });
    }
}
