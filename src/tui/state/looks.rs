//! How flows are written.

use super::super::keys::Action;
use super::State;
use super::columns::Seen;
use crate::view::column::{ColumnId, Hosts, Ports};
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
            Action::CycleHosts => self.cycle_hosts(),
            Action::TogglePorts => self.toggle_ports(),
            _ => {}
        }
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
