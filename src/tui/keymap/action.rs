//! Names of actions, for the `[keys]` of flowtop.toml.

use crate::flow::{Family, Group};
use crate::tui::keys::{Action, KEYS, Motion};
use crate::tui::tabs::Tab;

impl Action {
    /// Its name in the configuration. Where an option does the same, it is that.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Move(Motion::Up) => "up",
            Self::Move(Motion::Down) => "down",
            Self::Move(Motion::PageUp) => "page-up",
            Self::Move(Motion::PageDown) => "page-down",
            Self::Move(Motion::HalfPageUp) => "half-page-up",
            Self::Move(Motion::HalfPageDown) => "half-page-down",
            Self::Move(Motion::First) => "first",
            Self::Move(Motion::Last) => "last",
            Self::ScrollLeft => "scroll-left",
            Self::ScrollRight => "scroll-right",
            Self::NextTab => "next-tab",
            Self::PreviousTab => "previous-tab",
            Self::Go(Tab::Flows) => "tab-flows",
            Self::Go(Tab::Hosts) => "tab-hosts",
            Self::Go(Tab::Processes) => "tab-processes",
            Self::Go(Tab::Places) => "tab-places",
            Self::Go(Tab::Services) => "tab-services",
            Self::Go(Tab::Health) => "tab-health",
            Self::Go(Tab::Chart) => "tab-chart",
            Self::Enter => "enter",
            Self::Inspect => "details",
            Self::DetailUp => "detail-up",
            Self::DetailDown => "detail-down",
            Self::ToggleGroup(Group::Tcp) => "tcp",
            Self::ToggleGroup(Group::Udp) => "udp",
            Self::ToggleGroup(Group::Dccp) => "dccp",
            Self::ToggleGroup(Group::Icmp) => "icmp",
            Self::ToggleGroup(Group::Sctp) => "sctp",
            Self::ToggleGroup(Group::Other) => "other",
            Self::AllGroups => "all",
            Self::ToggleFamily(Family::Ipv4) => "ipv4",
            Self::ToggleFamily(Family::Ipv6) => "ipv6",
            Self::ToggleLoopback => "loopback",
            Self::ToggleBits => "bits",
            Self::CycleDirection => "direction",
            Self::ToggleActive => "active",
            Self::GroupBy => "group",
            Self::ToggleEnded => "closed",
            Self::ForgetEnded => "forget-closed",
            Self::Baseline => "baseline",
            Self::SortLeft => "sort-left",
            Self::SortRight => "sort-right",
            Self::Reverse => "reverse",
            Self::ToggleFreeze => "freeze",
            Self::Follow => "follow",
            Self::TogglePin => "pin",
            Self::ChooseColumns => "columns",
            Self::ToggleSource => "show-src",
            Self::CycleBars => "bars",
            Self::EditFilter => "filter",
            Self::OnlyThis => "only",
            Self::NotThis => "exclude",
            Self::EditPort => "port",
            Self::ClearFilter => "clear-filter",
            Self::CycleHosts => "names",
            Self::TogglePorts => "ports",
            Self::Copy => "copy",
            Self::Mask => "mask",
            Self::WriteScreen => "write-screen",
            Self::Export => "export",
            Self::TogglePause => "pause",
            Self::Track => "track",
            Self::Help => "help",
            Self::About => "about",
            Self::Themes => "themes",
            Self::Options => "options",
            Self::Back => "back",
            Self::Slower => "slower",
            Self::Faster => "faster",
            Self::Refresh => "refresh",
            Self::Redraw => "redraw",
            Self::Suspend => "suspend",
            Self::QuitShowing => "quit-showing",
            Self::Leave => "leave",
            Self::Quit => "quit",
        }
    }

    /// Every one that a key can have, in the order of the key table.
    pub fn all() -> impl Iterator<Item = Self> + Clone {
        KEYS.iter().map(|key| key.action)
    }
}
