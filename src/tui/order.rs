//! By what each list is sorted, and how keys change that.

use std::collections::BTreeMap;

use super::draw;
use super::keys::Action;
use super::layout;
use super::picker::Picker;
use super::state::State;
use crate::view::column::{self, ColumnId, Hosts};
use crate::view::group::GroupColumn;
use crate::view::{Freeze, Grouping, List, Sort, SortKey};

/// The order of each list, kept while others are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orders {
    flows: Sort,
    groups: [Sort; Grouping::COUNT],
}

impl Orders {
    pub(super) const fn of(&self, list: List) -> Sort {
        match list {
            List::Flows => self.flows,
            List::By(grouping) => self.groups[grouping.index()],
        }
    }

    const fn set(&mut self, list: List, sort: Sort) {
        match list {
            List::Flows => self.flows = sort,
            List::By(grouping) => self.groups[grouping.index()] = sort,
        }
    }
}

/// What the list of flows is called where its order is remembered; others are
/// called what `--group` calls them.
const FLOWS: &str = "flows";

/// Every list, by that name.
fn lists() -> impl Iterator<Item = (&'static str, List)> {
    let groups = Grouping::ALL.into_iter();
    let groups = groups.map(|grouping| (grouping.name(), List::By(grouping)));
    std::iter::once((FLOWS, List::Flows)).chain(groups)
}

impl Orders {
    /// The orders of an earlier run, by the names of the lists; the usual one
    /// where it says nothing that is understood.
    pub(super) fn recalled(sorts: &BTreeMap<String, String>) -> Self {
        let mut orders = Self::default();
        for (name, list) in lists() {
            let sort = sorts.get(name).and_then(|text| recalled(text, list));
            orders.set(list, sort.unwrap_or_default());
        }
        orders
    }

    /// Those that are not the usual one, for the next run.
    pub(super) fn told(&self) -> BTreeMap<String, String> {
        let told = lists().filter_map(|(name, list)| {
            let sort = Some(self.of(list)).filter(|sort| *sort != Sort::default())?;
            let key = match sort.key {
                SortKey::Usual => USUAL,
                SortKey::Column(id) | SortKey::Address(id) => id.column().key,
                SortKey::Field(field) => field.key,
                SortKey::Group(column) => column.name(),
            };
            let way = if sort.descending { "desc" } else { "asc" };
            Some((name.to_owned(), format!("{key}:{way}")))
        });
        told.collect()
    }
}

/// What the usual order is called.
const USUAL: &str = "usual";

fn recalled(text: &str, list: List) -> Option<Sort> {
    let (name, way) = text.rsplit_once(':')?;
    let key = match (name, list) {
        (USUAL, _) => SortKey::Usual,
        (name, List::By(_)) => SortKey::Group(GroupColumn::named(name)?),
        (name, List::Flows) => SortKey::Column(column::named(name)?.id),
    };
    let descending = match way {
        "asc" => false,
        "desc" => true,
        _ => return None,
    };
    Some(Sort { key, descending })
}

impl State {
    /// The order of the list that is shown: hosts as they are written.
    pub(super) fn sort(&self) -> Sort {
        let sort = self.orders.of(self.level().list);
        match sort.key {
            SortKey::Column(id @ (ColumnId::Source | ColumnId::Destination))
                if self.hosts == Hosts::Address =>
            {
                Sort {
                    key: SortKey::Address(id),
                    ..sort
                }
            }
            _ => sort,
        }
    }

    /// The title of the column that is sorted by.
    pub(super) fn sorted_title(&self) -> &'static str {
        match self.sort().key {
            SortKey::Usual => "RATE",
            SortKey::Column(ColumnId::Arrow) => "direction",
            SortKey::Column(id) | SortKey::Address(id) => id.column().title,
            SortKey::Field(field) => field.key,
            SortKey::Group(column) => match self.level().list {
                List::By(grouping) => column.title(grouping),
                List::Flows => "",
            },
        }
    }

    /// What one can sort by here: the columns on the screen, and the usual
    /// order behind them.
    pub(super) fn sort_keys(&self) -> Vec<SortKey> {
        let mut keys: Vec<SortKey> = if let List::By(grouping) = self.level().list {
            let columns = draw::group_columns(self, grouping);
            let keys = columns.into_iter().map(|(id, _)| SortKey::Group(id));
            keys.collect()
        } else {
            let placed = layout::arrange(draw::table_width(self), &self.wish(), self.scroll);
            let columns = placed.iter().flat_map(|placed| placed.cell.columns());
            columns.map(|id| SortKey::Column(*id)).collect()
        };
        keys.push(SortKey::Usual);
        keys
    }

    /// What keys do that are about orders and columns.
    pub(super) fn act_on_order(&mut self, action: Action) {
        match action {
            Action::SortLeft => self.move_sort(-1),
            Action::SortRight => self.move_sort(1),
            Action::Reverse => self.reverse_sort(),
            Action::ToggleFreeze => self.toggle_freeze(),
            _ if self.level().has_groups() => {
                self.say("Only the columns of flows can be chosen.");
            }
            _ => self.picker = Some(Picker::new(&self.columns)),
        }
    }

    /// Sorts by the next column on the screen, `step` to the right.
    fn move_sort(&mut self, step: isize) {
        let keys = self.sort_keys();
        let now = self.orders.of(self.level().list).key;
        let at = keys.iter().position(|key| *key == now);
        let at = at.unwrap_or(keys.len() - 1) as isize;
        let next = (at + step).rem_euclid(keys.len() as isize) as usize;
        self.set_sort(keys[next].sort());
    }

    /// Sorts the other way round.
    fn reverse_sort(&mut self) {
        let sort = self.orders.of(self.level().list);
        self.set_sort(Sort {
            descending: !sort.descending,
            ..sort
        });
    }

    /// Sorts by a column; again, the other way round.
    pub(super) fn sort_by(&mut self, key: SortKey) {
        if self.orders.of(self.level().list).key == key {
            self.reverse_sort();
        } else {
            self.set_sort(key.sort());
        }
    }

    pub(super) fn set_sort(&mut self, sort: Sort) {
        let list = self.level().list;
        self.orders.set(list, sort);
        self.freeze = Freeze::No;
        if !self.level().is_anything_selected() {
            // Nothing holds the window where it was.
            self.trail_mut().here_mut().first = 0;
        }
        let title = self.sorted_title();
        let turn = self.keys("r");
        let way = match (sort.key, sort.descending) {
            (SortKey::Usual, true) => {
                "The fastest first, by both directions over ten seconds.".to_owned()
            }
            (SortKey::Usual, false) => {
                "The slowest first, by both directions over ten seconds.".to_owned()
            }
            (_, true) => format!("By {title}, from the largest down; {turn} turns it."),
            (_, false) => format!("By {title}, from the smallest up; {turn} turns it."),
        };
        self.say(&way);
    }

    /// Lets rows keep their places, or not any more.
    fn toggle_freeze(&mut self) {
        if self.freeze == Freeze::No {
            self.freeze = Freeze::Now;
            let key = self.keys("Ctrl+O");
            self.say(&format!(
                "Rows keep their order, and new ones stand below; {key} lets go."
            ));
        } else {
            self.freeze = Freeze::No;
            self.say("Rows find their order again.");
        }
    }
}
