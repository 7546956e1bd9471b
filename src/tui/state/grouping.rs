//! By what the flows of a list are put together.

use crossterm::event::KeyEvent;

use super::super::Ending;
use super::super::menu::{Item, Menu, Picked};
use super::super::tabs::Tab;
use super::{Effects, State};
use crate::view::group::Widths;
use crate::view::{Freeze, Grouping, List, Page};

/// What the menu of groupings leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tui) enum Regroup {
    /// This list of the same flows.
    As(List),
    /// The menu of widths.
    Widths,
    /// Subnets of these widths.
    Subnets(Widths),
}

/// Widths to choose from: what providers, sites and links have.
const WIDTHS: [(u8, u8); 6] = [(8, 32), (16, 48), (20, 56), (24, 64), (28, 96), (32, 128)];

fn item(letter: char, text: impl Into<String>, note: &str, does: Regroup) -> Item<Regroup> {
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
        if self.tab.page() != Page::List {
            return self.say("Here is no list; the other tabs have flows to put together.");
        }
        let list = self.level().list;
        let mut items = vec![item('f', "flows, one by one", "", Regroup::As(List::Flows))];
        items.extend(Grouping::ALL.map(|grouping| {
            let grouping = grouping.with(self.subnets);
            let note = match grouping {
                Grouping::Subnet(widths) => widths.to_string(),
                _ => String::new(),
            };
            let does = Regroup::As(List::By(grouping));
            item(grouping.letter(), grouping.what(), &note, does)
        }));
        items.push(item('w', "other widths of networks", "", Regroup::Widths));
        let mut menu = Menu::new("Group flows by", items);
        let is_shown = |item: &Item<Regroup>| item.does == Regroup::As(list);
        menu.at = menu.items.iter().position(is_shown).unwrap_or(0);
        self.groupings = Some(menu);
    }

    fn open_widths(&mut self) {
        let widths = WIDTHS
            .into_iter()
            .filter_map(|(v4, v6)| Widths::new(v4, v6));
        let lines = ('1'..).zip(widths).map(|(digit, widths)| {
            let note = if widths == Widths::default() {
                "usual"
            } else {
                ""
            };
            item(digit, widths.to_string(), note, Regroup::Subnets(widths))
        });
        let mut menu = Menu::new("Networks of IPv4 and IPv6", lines.collect());
        let is_now = |item: &Item<Regroup>| item.does == Regroup::Subnets(self.subnets);
        menu.at = menu.items.iter().position(is_now).unwrap_or(0);
        self.groupings = Some(menu);
    }

    /// A key while a grouping is chosen.
    pub(super) fn pick_grouping(&mut self, key: KeyEvent, effects: &mut Effects) {
        let Some(menu) = &mut self.groupings else {
            return;
        };
        self.notice = None;
        match menu.key(key) {
            Picked::More => return,
            Picked::Closed => self.groupings = None,
            Picked::Quit => effects.ending = Some(Ending::Quit),
            Picked::Chosen(Regroup::Widths) => self.open_widths(),
            Picked::Chosen(Regroup::As(list)) => self.regroup(list),
            Picked::Chosen(Regroup::Subnets(widths)) => {
                self.subnets = widths;
                self.regroup(List::By(Grouping::Subnet(widths)));
            }
        }
        self.clamp();
    }

    /// Shows the same flows as another list. The first list of a tab stays what
    /// the tab is called: what has a tab goes there, and all else is told of
    /// all flows.
    fn regroup(&mut self, list: List) {
        self.groupings = None;
        let before = (self.tab, self.level().shown());
        let is_of_tab = self.level().has_groups() && !self.trail().is_deep();
        if is_of_tab {
            let tab = Tab::ALL.into_iter().find(|tab| tab.shows(list));
            self.tab = tab.unwrap_or(Tab::Flows);
            self.trail_mut().restart();
        }
        self.trail_mut().show_as(list);
        if before != (self.tab, self.level().shown()) {
            // The order of another list says nothing of this one.
            self.freeze = Freeze::No;
        }
    }
}
