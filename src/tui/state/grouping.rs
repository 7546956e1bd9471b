//! By what the flows of a list are put together.

use super::super::menu::{Deed, Item, Menu};
use super::super::tabs::Tab;
use super::State;
use crate::view::group::Widths;
use crate::view::{Grouping, List};

/// Widths to choose from: what providers, sites and links have.
const WIDTHS: [(u8, u8); 6] = [(8, 32), (16, 48), (20, 56), (24, 64), (28, 96), (32, 128)];

fn widths() -> impl DoubleEndedIterator<Item = Widths> {
    let widths = WIDTHS.into_iter();
    widths.filter_map(|(v4, v6)| Widths::new(v4, v6))
}

fn item(letter: char, text: impl Into<String>, note: &str, does: Deed) -> Item {
    Item {
        letter: Some(letter),
        text: text.into(),
        note: note.to_owned(),
        does,
    }
}

impl State {
    /// Opens the menu of groupings, with the cursor on the list that is shown.
    pub(super) fn open_groupings(&mut self) {
        let list = self.level().list;
        let mut items = vec![item(
            'f',
            "flows, one by one",
            "",
            Deed::ShowAs(List::Flows),
        )];
        items.extend(Grouping::ALL.map(|grouping| {
            let grouping = grouping.with(self.subnets);
            let note = match grouping {
                Grouping::Subnet(widths) => widths.to_string(),
                _ => String::new(),
            };
            let does = Deed::ShowAs(List::By(grouping));
            item(grouping.letter(), grouping.what(), &note, does)
        }));
        items.push(item(
            'w',
            "other widths of networks",
            "",
            Deed::ChooseWidths,
        ));
        self.menu = Some(Menu::new("Group flows by", items).on(&Deed::ShowAs(list)));
    }

    /// Opens the menu of how wide subnets are.
    pub(super) fn open_widths(&mut self) {
        let lines = ('1'..).zip(widths()).map(|(digit, widths)| {
            let note = if widths == Widths::default() {
                "usual"
            } else {
                ""
            };
            item(digit, widths.to_string(), note, Deed::Subnets(widths))
        });
        let menu = Menu::new("Networks of IPv4 and IPv6", lines.collect());
        self.menu = Some(menu.on(&Deed::Subnets(self.subnets)));
    }

    /// How wide subnets are.
    pub(in crate::tui) const fn subnets(&self) -> Widths {
        self.subnets
    }

    /// Makes subnets narrower or wider by a step, and round. A list of them
    /// follows.
    pub(in crate::tui) fn step_subnets(&mut self, forward: bool) {
        let all: Vec<_> = widths().collect();
        let at = all.iter().position(|widths| *widths == self.subnets);
        let step = if forward { 1 } else { all.len() - 1 };
        self.subnets = all[at.map_or(0, |at| (at + step) % all.len())];
        if let List::By(Grouping::Subnet(_)) = self.level().list {
            self.show_as(List::By(Grouping::Subnet(self.subnets)));
        }
    }

    /// Shows the same flows as subnets of these widths, which stay.
    pub(super) fn show_subnets(&mut self, widths: Widths) {
        self.subnets = widths;
        self.show_as(List::By(Grouping::Subnet(widths)));
    }

    /// Shows the same flows as another list. The first list of a tab stays what
    /// the tab is called: what has a tab goes there, and all else is told of
    /// all flows.
    pub(super) fn show_as(&mut self, list: List) {
        let is_of_tab = self.level().has_groups() && !self.trail().is_deep();
        if is_of_tab {
            let tab = Tab::ALL.into_iter().find(|tab| tab.shows(list));
            self.tab = tab.unwrap_or(Tab::Flows);
            self.trail_mut().restart();
        }
        self.trail_mut().show_as(list);
    }
}
