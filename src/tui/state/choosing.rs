//! Which flows are shown: by protocol and family, direction and filter.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use super::super::Ending;
use super::super::keys::Action;
use super::super::prompt::{Prompt, Typed};
use super::columns::Seen;
use super::{Effects, State};
use crate::flow::{Direction, Family, Group};
use crate::view::Source;
use crate::view::filter::Filter;

impl State {
    /// What is about which flows are shown.
    pub(super) fn choose(&mut self, action: Action) {
        match action {
            Action::ToggleGroup(group) => {
                let on = !self.scope.has_group(group);
                self.scope = self.scope.with_group(group, on);
            }
            Action::AllGroups => self.toggle_all(),
            Action::ToggleFamily(family) => self.toggle_family(family),
            Action::ToggleLoopback => {
                self.scope = self.scope.with_loopback(!self.scope.has_loopback());
            }
            Action::EditFilter => self.prompt = Some(self.new_prompt()),
            Action::EditPort => {
                let mut prompt = self.new_prompt();
                prompt.append("port:");
                self.prompt = Some(prompt);
            }
            Action::OnlyThis => self.open_narrowing(false),
            Action::NotThis => self.open_narrowing(true),
            Action::ClearFilter if self.filter.is_none() => self.say("There is no filter."),
            Action::ClearFilter => self.set_filter(None),
            Action::CycleDirection => self.cycle_direction(),
            Action::ToggleActive if self.level().has_groups() => {
                self.say("Only lists of flows can leave idle ones out.");
            }
            Action::ToggleActive => self.active_only = !self.active_only,
            _ => {}
        }
    }

    /// A line where a filter is typed. Under the mask it shows neither the one
    /// in force nor those typed before.
    fn new_prompt(&mut self) -> Prompt {
        let saved = self.settings.saved.clone();
        if self.mask().is_some() {
            return Prompt::unseen(self.filter.clone(), saved);
        }
        let typed = std::mem::take(&mut self.typed);
        Prompt::new(self.filter.clone(), typed, saved)
    }

    /// Shows what a filter holds. What had the most room for it before may not
    /// be among it.
    pub(super) fn set_filter(&mut self, filter: Option<Arc<Filter>>) {
        if self.filter != filter {
            self.filter = filter;
            self.seen = Seen::default();
        }
    }

    /// A key while a filter is typed. What is understood is shown at once; what
    /// is not leaves the last one that was.
    pub(super) fn type_key(&mut self, key: KeyEvent, effects: &mut Effects) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        match prompt.key(key) {
            Typed::Nothing => {}
            Typed::Filter(filter) => self.set_filter(filter),
            Typed::Closed(filter) => {
                let typed = prompt.take_typed();
                // A line that showed none of those before may have one anew.
                self.typed.retain(|before| !typed.contains(before));
                self.typed.extend(typed);
                self.prompt = None;
                self.set_filter(filter);
            }
            Typed::Quit => effects.ending = Some(Ending::Quit),
        }
        self.clamp();
    }

    fn cycle_direction(&mut self) {
        let all = Direction::ALL;
        self.direction = match self.direction {
            None => all.first().copied(),
            Some(now) => {
                let at = all.iter().position(|direction| *direction == now);
                at.and_then(|at| all.get(at + 1)).copied()
            }
        };
        self.say(match self.direction {
            None => "Flows in every direction.",
            Some(Direction::Out) => "Only flows from this machine to others.",
            Some(Direction::In) => "Only flows from others to this machine.",
            Some(Direction::Forward) => "Only flows that pass through this machine.",
            Some(Direction::Local) => "Only flows of this machine with itself.",
        });
    }

    fn toggle_all(&mut self) {
        let is_all = Group::ALL.iter().all(|group| self.scope.has_group(*group));
        if !is_all {
            self.before_all = Some(self.scope);
            self.scope = self.scope.with_all_groups(true);
        } else if let Some(before) = self.before_all.take() {
            for group in Group::ALL {
                self.scope = self.scope.with_group(group, before.has_group(group));
            }
        } else {
            let keys = self.keys("T U D I S O");
            self.say(&format!(
                "All protocols are shown. {keys} switch them one by one."
            ));
        }
    }

    fn toggle_family(&mut self, family: Family) {
        let other = match family {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        };
        if self.scope.has_family(family) && !self.scope.has_family(other) {
            let (stays, key, adds) = match family {
                Family::Ipv4 => ("IPv4", self.keys("6"), "IPv6"),
                Family::Ipv6 => ("IPv6", self.keys("4"), "IPv4"),
            };
            self.say(&format!(
                "{stays} stays: without it nothing would be left. {key} adds {adds}."
            ));
        } else {
            let on = !self.scope.has_family(family);
            self.scope = self.scope.with_family(family, on);
        }
    }

    /// Whether the kernel is to be made to track connections. Only where the
    /// list has said that it does not, or shows sockets because nobody may ask
    /// the kernel: then the try tells why it stays off.
    pub(super) fn track(&mut self) -> bool {
        let view = self.view.as_ref();
        let is_wanted = view.and_then(|view| view.status.tracking_wanted);
        let is_empty = view.is_none_or(|view| view.matching + view.out_of_scope == 0);
        let is_of_sockets = view.is_some_and(|view| view.status.source == Source::Sockets);
        match is_wanted {
            Some(false) => return true,
            None if is_of_sockets => return true,
            None if is_empty => {
                let sure = "`flowtop --track` makes sure of it";
                self.say(&format!("Whether tracking is on is not known; {sure}."));
            }
            Some(true) | None => self.say("Tracking is on already."),
        }
        false
    }
}
