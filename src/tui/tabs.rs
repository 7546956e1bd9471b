//! Tabs, and how deep one has gone into each: a trail of lists, from all
//! countries down to the flows of one network.

use super::keys::Motion;
use super::pane::Pane;
use crate::view::group::Service;
use crate::view::{Cursor, Group, GroupRow, Grouping, List, Page, View};

/// What the tabs show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Every flow by itself.
    Flows,
    /// Flows by host on our side.
    Hosts,
    /// Flows by process.
    Processes,
    /// Flows by country and network.
    Places,
    /// Flows by service.
    Services,
    /// How the kernel's table, the host and flowtop are doing.
    Health,
    /// Rates over time.
    Chart,
}

impl Tab {
    /// In the order of the screen.
    pub const ALL: [Self; 7] = [
        Self::Flows,
        Self::Hosts,
        Self::Processes,
        Self::Places,
        Self::Services,
        Self::Health,
        Self::Chart,
    ];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Flows => "Flows",
            Self::Hosts => "Hosts",
            Self::Processes => "Processes",
            Self::Places => "Places",
            Self::Services => "Services",
            Self::Health => "Health",
            Self::Chart => "Chart",
        }
    }

    /// Its key. 4 and 6 are families.
    pub(super) const fn digit(self) -> char {
        match self {
            Self::Flows => '1',
            Self::Hosts => '2',
            Self::Processes => '3',
            Self::Places => '5',
            Self::Services => '7',
            Self::Health => '8',
            Self::Chart => '9',
        }
    }

    /// What it fills the screen with.
    pub(super) const fn page(self) -> Page {
        match self {
            Self::Health => Page::Health,
            Self::Chart => Page::Chart,
            _ => Page::List,
        }
    }

    const fn list(self) -> List {
        match self {
            Self::Flows | Self::Health | Self::Chart => List::Flows,
            Self::Hosts => List::By(Grouping::Host),
            Self::Processes => List::By(Grouping::Process),
            Self::Places => List::By(Grouping::Country),
            Self::Services => List::By(Grouping::Service),
        }
    }

    /// Whether this is its first list.
    pub(super) fn shows(self, list: List) -> bool {
        self.page() == Page::List && self.list() == list
    }

    pub(super) const fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// What a trail calls a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    /// As it is.
    pub(super) plain: String,
    /// While addresses and names are masked.
    pub(super) masked: String,
}

/// One list of a trail, and what is selected in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) list: List,
    /// In which groups the flows are; none for all.
    pub(super) within: Vec<Group>,
    /// The group that it went into; empty if it did not.
    entered: Label,
    /// Whether its grouping was chosen, and not that of its tab or its row.
    chosen: bool,
    /// The selected row.
    pub(super) cursor: Cursor,
    /// First row of the window.
    pub(super) first: usize,
    /// The open pane of details.
    pub(super) pane: Option<Pane>,
    /// Whether the networks of a country were asked for. If none of them turns
    /// out to be known, its flows are shown instead.
    undecided: bool,
}

impl Level {
    fn new(list: List) -> Self {
        Self {
            list,
            within: Vec::new(),
            entered: Label::default(),
            chosen: false,
            cursor: Cursor::None,
            first: 0,
            pane: None,
            undecided: false,
        }
    }

    /// The clients of a service on our side.
    fn of_clients(service: Service) -> Self {
        Self {
            within: vec![Group::Served(Some(service))],
            entered: Label {
                plain: format!("clients of {service}"),
                masked: format!("clients of {service}"),
            },
            ..Self::new(List::By(Grouping::Peer))
        }
    }

    /// What a row of groups stands for: its flows, unless it is shown by
    /// something else first.
    fn inside(&self, row: &GroupRow, label: Label, list: List) -> Self {
        let mut within = self.within.clone();
        within.push(row.group);
        Self {
            within,
            entered: label,
            undecided: list == List::By(Grouping::Asn),
            ..Self::new(list)
        }
    }

    /// The same flows, as another list that was chosen.
    fn as_list(&self, list: List) -> Self {
        Self {
            within: self.within.clone(),
            entered: self.entered.clone(),
            chosen: list != List::Flows,
            ..Self::new(list)
        }
    }

    /// What the trail calls it.
    fn label(&self, is_masked: bool) -> String {
        let entered = if is_masked {
            &self.entered.masked
        } else {
            &self.entered.plain
        };
        match self.list {
            List::By(grouping) if self.chosen && entered.is_empty() => {
                format!("by {}", grouping.name())
            }
            List::By(grouping) if self.chosen => format!("{entered} by {}", grouping.name()),
            _ => entered.clone(),
        }
    }

    /// Whether the rows of a view are those of this list.
    pub(super) fn is_of(&self, view: &View) -> bool {
        self.list == view.query.list && self.within == view.query.within
    }

    /// What is shown: it is another list if this is another.
    pub(super) fn shown(&self) -> (List, Vec<Group>) {
        (self.list, self.within.clone())
    }

    pub(super) fn has_groups(&self) -> bool {
        self.list != List::Flows
    }

    pub(super) fn is_anything_selected(&self) -> bool {
        self.cursor != Cursor::None
    }

    pub(super) fn select_nothing(&mut self) {
        self.cursor = Cursor::None;
    }
}

/// The lists of a tab, from the first to the one that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trail {
    top: Level,
    deeper: Vec<Level>,
}

impl Trail {
    /// The trails of all tabs, at their beginnings.
    pub(super) fn all() -> [Self; Tab::ALL.len()] {
        Tab::ALL.map(|tab| Self {
            top: Level::new(tab.list()),
            deeper: Vec::new(),
        })
    }

    /// The list that is shown.
    pub(super) fn here(&self) -> &Level {
        self.deeper.last().unwrap_or(&self.top)
    }

    pub(super) fn here_mut(&mut self) -> &mut Level {
        self.deeper.last_mut().unwrap_or(&mut self.top)
    }

    /// What it went through, without the first.
    pub(super) fn labels(&self, is_masked: bool) -> impl Iterator<Item = String> {
        self.deeper.iter().map(move |level| level.label(is_masked))
    }

    /// How many lists there are behind the first.
    pub(super) fn depth(&self) -> usize {
        self.deeper.len()
    }

    /// Whether there is a list to go back to.
    pub(super) const fn is_deep(&self) -> bool {
        !self.deeper.is_empty()
    }

    /// Begins with the clients of a service on our side.
    pub(super) fn begin_with(&mut self, service: Service) {
        self.deeper = vec![Level::of_clients(service)];
    }

    /// Goes into a row of groups. The networks of a country stand between it
    /// and its flows where countries are the first list; clients stand between
    /// a service on our side and its flows.
    pub(super) fn enter(&mut self, row: &GroupRow, label: Label) {
        let list = match row.group {
            Group::Country(_) if self.deeper.is_empty() => List::By(Grouping::Asn),
            Group::Served(Some(_)) => List::By(Grouping::Peer),
            _ => List::Flows,
        };
        let level = self.here().inside(row, label, list);
        self.deeper.push(level);
    }

    /// Puts the flows of the list that is shown together by something else, or
    /// shows them one by one. Flows lead on to their groups; groups give way to
    /// others of the same flows.
    pub(super) fn show_as(&mut self, list: List) {
        let here = self.here();
        if here.list == list {
            return;
        }
        let next = here.as_list(list);
        let is_flows = !here.has_groups();
        // Back to the flows that one came from.
        let before = self.deeper.len().checked_sub(2);
        let before = before.map_or(&self.top, |at| &self.deeper[at]);
        let is_back = !is_flows && before.shown() == next.shown();
        if !is_flows {
            self.deeper.pop();
        }
        if !is_back {
            let entered = if is_flows {
                Label::default()
            } else {
                next.entered
            };
            self.deeper.push(Level { entered, ..next });
        }
    }

    /// Goes one level back, if it is not at the first.
    pub(super) fn back(&mut self) {
        self.deeper.pop();
    }

    /// Goes back to the first level.
    pub(super) fn restart(&mut self) {
        self.deeper.clear();
    }

    /// Looks at a view of the list that is shown. A country of which no network
    /// is known shows its flows instead.
    pub(super) fn follow(&mut self, view: &View) {
        let here = self.here_mut();
        if !here.has_groups() || (view.groups.is_empty() && view.group_count > 0) {
            return;
        }
        // There is one group of what is unknown.
        let is_known = |row: &GroupRow| matches!(row.group, Group::Asn(Some(_)));
        if std::mem::take(&mut here.undecided)
            && view.group_count < 2
            && !view.groups.iter().any(is_known)
        {
            here.list = List::Flows;
            here.select_nothing();
            here.first = 0;
        }
    }
}

/// What a motion leads to.
pub(super) struct Target {
    /// The row, counted from 0.
    pub(super) index: usize,
    /// First row of the window, before it is kept within bounds.
    pub(super) first: usize,
}

/// A window onto a list, before a motion.
pub(super) struct Window {
    /// The selected row. Without one, moving begins at the window.
    pub(super) here: Option<usize>,
    /// First row of the window.
    pub(super) first: usize,
    /// Last row that is visible.
    pub(super) bottom: usize,
    /// Rows of a page.
    pub(super) page: usize,
    /// Rows of the list, at least one.
    pub(super) rows: usize,
}

impl Window {
    pub(super) fn moved(&self, motion: Motion) -> Target {
        let first = self.first;
        let at = self.here.unwrap_or(first);
        let page = self.page.max(1);
        let half = page.div_ceil(2);
        let last = self.rows.saturating_sub(1);
        let (index, first) = match motion {
            Motion::Up => (
                self.here.map_or(self.bottom, |at| at.saturating_sub(1)),
                first,
            ),
            Motion::Down => (self.here.map_or(at, |at| at + 1), first),
            Motion::PageUp => (at.saturating_sub(page), first.saturating_sub(page)),
            Motion::PageDown => (at + page, first + page),
            Motion::HalfPageUp => (at.saturating_sub(half), first.saturating_sub(half)),
            Motion::HalfPageDown => (at + half, first + half),
            Motion::First => (0, 0),
            Motion::Last => (last, first),
        };
        Target {
            index: index.min(last),
            first,
        }
    }
}
