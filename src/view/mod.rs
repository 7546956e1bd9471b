//! What somebody looks at: a pure function of the table and a question.
//!
//! [`field`] is the one registry of everything that can be said about a flow;
//! records, CSV, columns and the manual come from it. [`mod@column`] lays fields
//! out for people, in the units of [`units`]. [`View::compute`] answers a
//! [`Query`]: it selects, orders ([`sort`]) by borrowed keys and copies only the
//! rows of the window.

mod candidate;
pub mod chart;
pub mod column;
pub mod command;
mod departed;
mod derived;
mod detail;
pub mod field;
pub mod filter;
mod first;
mod freeze;
pub mod group;
pub mod health;
pub mod history;
pub mod mask;
mod pins;
pub mod portrait;
pub mod sort;
pub mod units;
mod whole;
mod whose;
mod window;

use std::sync::Arc;
use std::time::Duration;

pub use candidate::Candidate;
use chart::{Chart, Charting};
pub use departed::{Departed, Remembered};
pub use derived::Staleness;
use derived::{bytes_per_packet, since_baseline, whole_timeout};
pub use detail::{Detail, Host, Naming, Subject, Translated, Vigil};
pub use freeze::Freeze;
pub use pins::Pins;
pub use sort::{Sort, SortKey, ordered};
pub use whole::{Piece, Whole};
pub use whose::{Counting, Party, Side, Who};

pub use crate::enrich::geoip::{Location, Place};
pub use crate::enrich::locality::{Interfaces, Mac};
pub use crate::enrich::names::Source as NameSource;
pub use crate::enrich::owners::{Account, Cgroup, Owner, Process, Unknown};
pub use crate::enrich::{End, Knowledge};
use crate::flow::{Counters, Direction, Moment, Pair, Scope};
pub use crate::table::{Age, EndReason, Flow, FlowId, Nat, PAST_STEP_SECS, Past, Table, Totals};
use filter::{Filter, Needs};
pub use group::{Group, GroupRow, Grouping, Ledger, List};
use health::Health;
use history::Sample;
use portrait::Portrait;

/// Which way a flow goes, and through what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearings {
    /// Seen from this machine; `None` before its addresses are known.
    pub direction: Option<Direction>,
    /// Where the first packet comes in and goes out, inferred from routes.
    pub interfaces: Interfaces,
    /// Hardware address of the source, if it is a neighbour.
    pub src_mac: Option<Mac>,
}

impl Bearings {
    fn of(flow: &Flow, knowledge: &mut Knowledge) -> Self {
        let orig = &flow.key().orig;
        let reply = flow.reply();
        Self {
            direction: knowledge.direction(orig, &reply),
            interfaces: knowledge.interfaces(orig, &reply, flow.mark()),
            src_mac: knowledge.locality().mac(orig.src()),
        }
    }
}

/// A flow, and what is known about it besides.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// The time of looking.
    pub now: Moment,
    /// The service its ports name.
    pub service: Option<&'a str>,
    /// Names and places of the source (`orig`) and the destination (`reply`).
    pub ends: Pair<End>,
    /// Which way it goes.
    pub bearings: Bearings,
    /// Who is at the source (`orig`) and at the destination (`reply`); `None`
    /// before anybody has looked.
    pub owners: Option<&'a Pair<Option<Owner>>>,
    /// Bytes since the baseline; `None` without counters.
    pub since_baseline: Option<Pair<u64>>,
    /// How long the kernel keeps it without a packet, by its protocol and
    /// state.
    pub whole_timeout: Option<Duration>,
}

impl<'a> Row<'a> {
    /// A row of the table as it is `now`.
    pub fn new(flow: &'a Flow, knowledge: &'a mut Knowledge, now: Moment) -> Self {
        Self::with(flow, knowledge, now, Needs::ALL)
    }

    /// The same, with no more than `needs` says; the rest is as if nobody knew.
    fn with(flow: &'a Flow, knowledge: &'a mut Knowledge, now: Moment, needs: Needs) -> Self {
        let orig = &flow.key().orig;
        let mut end = |address| End {
            location: if needs.has(Needs::PLACES) {
                knowledge.located(address).clone()
            } else {
                Location::Unknown
            },
            name: needs
                .has(Needs::NAMES)
                .then(|| knowledge.name(address))
                .flatten(),
        };
        let ends = Pair {
            orig: end(orig.src()),
            reply: end(orig.dst()),
        };
        let bearings = if needs.has(Needs::BEARINGS) {
            Bearings::of(flow, knowledge)
        } else {
            Bearings::default()
        };
        let knowledge = &*knowledge;
        let service = || knowledge.services().of(orig).map(|(_, name)| name);
        let owners = || whose::owners(flow, knowledge);
        Self {
            flow,
            now,
            service: needs.has(Needs::SERVICE).then(service).flatten(),
            ends,
            bearings,
            owners: needs.has(Needs::OWNERS).then(owners).flatten(),
            since_baseline: since_baseline(flow, knowledge),
            whole_timeout: whole_timeout(flow, knowledge),
        }
    }
}

/// What fills the screen below the tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// A list of flows or groups.
    #[default]
    List,
    /// How the kernel's table, the host and flowtop are doing.
    Health,
    /// Rates over time.
    Chart,
}

/// What somebody wants to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct Query {
    /// Counts the questions of one asker, so that a late answer can be told
    /// from a current one.
    pub number: u64,
    /// A list, or a page without rows.
    pub page: Page,
    /// Families, protocols, loopback.
    pub scope: Scope,
    /// Only flows that this holds.
    pub filter: Option<Arc<Filter>>,
    /// Only flows that go this way.
    pub direction: Option<Direction>,
    /// Only flows that moved bytes in the last refresh.
    pub active_only: bool,
    /// Whether everything is to be as it was when this was first asked for.
    /// The engine keeps that picture; [`View::compute`] takes any table.
    pub paused: bool,
    /// Also flows that have ended, as far as they are kept. They are rows, and
    /// enter no sum.
    pub with_ended: bool,
    /// How often the asker has wanted those that are kept to be forgotten.
    pub forgotten: u32,
    /// Whether rows of groups are to tell how fast they were: all flows that
    /// have moved lately are looked at once more for it.
    pub with_past: bool,
    /// From when on the asker wants to count; `None`: from the start.
    pub baseline: Option<Moment>,
    /// Only flows that are in all of these groups.
    pub within: Vec<Group>,
    /// Whether the rows are flows or groups of them.
    pub list: List,
    /// The order of the rows.
    pub sort: Sort,
    /// Whether they keep the order that they have.
    pub freeze: Freeze,
    /// Rows that stand above all others.
    pub pins: Pins,
    /// The flow that is followed: it stays a row when it has ended, as long as
    /// it is kept.
    pub followed: Option<FlowId>,
    /// The row under the cursor.
    pub cursor: Cursor,
    /// First row of the window, counted from 0. Gives way to the cursor.
    pub first: usize,
    /// Height of the window in rows.
    pub height: usize,
    /// The flow to look closer at.
    pub detail: Option<Subject>,
    /// The chart that is looked at.
    pub chart: Option<Charting>,
}

impl Query {
    /// Asks for all flows of a scope, in the usual order, without a window:
    /// [`height`](Self::height) opens one.
    pub fn of(scope: Scope) -> Self {
        Self {
            number: 0,
            page: Page::List,
            scope,
            filter: None,
            direction: None,
            active_only: false,
            paused: false,
            with_ended: false,
            forgotten: 0,
            with_past: false,
            baseline: None,
            within: Vec::new(),
            list: List::Flows,
            sort: Sort::default(),
            freeze: Freeze::No,
            pins: Pins::default(),
            followed: None,
            cursor: Cursor::None,
            first: 0,
            height: 0,
            detail: None,
            chart: None,
        }
    }

    /// Makes it the question of the next refresh: the cursor now names the
    /// flow it is on, where that flow is now, and an order that was to be kept
    /// is known. Its number stays.
    pub fn settle(&mut self, view: &View) {
        self.first = view.first;
        if self.freeze == Freeze::Now {
            self.freeze = view.query.freeze.clone();
        }
        let line = |index: usize| index.saturating_sub(view.first);
        if let Some((index, id)) = view.cursor {
            let line = line(index);
            self.cursor = Cursor::Flow { id, index, line };
        }
        if let Some((index, group)) = view.group_cursor {
            let line = line(index);
            self.cursor = Cursor::Group { group, index, line };
        }
        if self.detail.is_some()
            && let Some(detail) = &view.detail
        {
            self.detail = Some(Subject::Flow(detail.row.id));
        }
    }
}

/// Which row is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// None.
    None,
    /// The row at this place, counted from 0 in the whole list; the last one
    /// if there are fewer.
    Index(usize),
    /// This group, wherever it has moved, as for a flow.
    Group {
        /// The group.
        group: Group,
        /// Where it was in the whole list.
        index: usize,
        /// Line of the window, counted from 0.
        line: usize,
    },
    /// This flow, wherever it has moved, on the line of the window where it
    /// was. If it has ended and is not shown, the row that took its place,
    /// `index`.
    Flow {
        /// The flow.
        id: FlowId,
        /// Where it was in the whole list.
        index: usize,
        /// Line of the window, counted from 0.
        line: usize,
    },
}

/// A row of a [`View`].
#[derive(Clone, Debug)]
pub struct ViewRow {
    /// Names the row for a [`Cursor`].
    pub id: FlowId,
    /// The flow as it was.
    pub flow: Flow,
    /// The service its ports name.
    pub service: Option<Box<str>>,
    /// Names and places of the source (`orig`) and the destination (`reply`).
    pub ends: Pair<End>,
    /// Which way it goes.
    pub bearings: Bearings,
    /// Who is at its ends.
    pub owners: Option<Pair<Option<Owner>>>,
    /// See [`Row::since_baseline`].
    pub since_baseline: Option<Pair<u64>>,
    /// See [`Row::whole_timeout`].
    pub whole_timeout: Option<Duration>,
}

impl ViewRow {
    /// A copy of what is known about a flow.
    fn copy(id: FlowId, flow: &Flow, knowledge: &mut Knowledge, now: Moment) -> Self {
        let row = Row::new(flow, knowledge, now);
        Self {
            id,
            flow: flow.clone(),
            service: row.service.map(Box::from),
            owners: row.owners.cloned(),
            ends: row.ends,
            bearings: row.bearings,
            since_baseline: row.since_baseline,
            whole_timeout: row.whole_timeout,
        }
    }

    /// The row as it is `now`.
    pub fn row(&self, now: Moment) -> Row<'_> {
        Row {
            flow: &self.flow,
            now,
            service: self.service.as_deref(),
            ends: self.ends.clone(),
            bearings: self.bearings.clone(),
            owners: self.owners.as_ref(),
            since_baseline: self.since_baseline,
            whole_timeout: self.whole_timeout,
        }
    }
}

/// The answer to a [`Query`]: the window, and the sums around it.
#[derive(Clone, Debug)]
pub struct View {
    /// The moment that it shows.
    pub at: Moment,
    /// When it was answered: later than `at` while the view is paused.
    pub answered_at: Moment,
    /// The question, so that a late answer can be told from a current one.
    pub query: Query,
    /// Rows of the window, if they are flows.
    pub rows: Vec<ViewRow>,
    /// Rows of the window, if they are groups.
    pub groups: Vec<GroupRow>,
    /// How many groups there are, in the window and around it.
    pub group_count: usize,
    /// Place of the first of them in the whole list.
    pub first: usize,
    /// The selected flow: its place in the whole list, and its name.
    pub cursor: Option<(usize, FlowId)>,
    /// The same of the selected group.
    pub group_cursor: Option<(usize, Group)>,
    /// What is known about the flow that is looked closer at; `None` if it is
    /// not there.
    pub detail: Option<Box<Detail>>,
    /// The same of a group.
    pub portrait: Option<Box<Portrait>>,
    /// Live flows that match the query.
    pub matching: usize,
    /// Flows that have ended and are rows as well.
    pub ended: usize,
    /// How many that have ended are kept, whether they match or not.
    pub departed: Remembered,
    /// Of these, flows without counters: born before accounting was on.
    pub uncounted: usize,
    /// Packets and bytes of the flows that match, since each began.
    pub counters: Pair<Counters>,
    /// Bytes per second of the flows that match.
    pub matching_bytes_per_sec: Pair<u64>,
    /// Flows that `scope` hides.
    pub out_of_scope: usize,
    /// Flows in scope that `direction` hides.
    pub out_of_direction: usize,
    /// Of the rest, flows that `filter` hides.
    pub filtered_out: usize,
    /// Of what is left then, flows that `active_only` hides.
    pub inactive: usize,
    /// Flows of our own name lookups, which are never shown.
    pub own: usize,
    /// Bytes and flows of the scope since the start; ended flows included.
    pub totals: Totals,
    /// Bytes per second of the scope, ended flows included; `None` before two
    /// readings.
    pub bytes_per_sec: Option<Pair<u64>>,
    /// Births and deaths per second in the scope.
    pub born_per_sec: Option<f64>,
    /// See `born_per_sec`.
    pub ended_per_sec: Option<f64>,
    /// How fast what is shown was at the last readings, the oldest first; `None`
    /// for a gap.
    pub recent: Vec<Option<Sample>>,
    /// The chart that was asked for; `None` if nothing is known of what it is
    /// of.
    pub chart: Option<Box<Chart>>,
    /// How the source is doing.
    pub status: Status,
    /// All about health, if that is what is looked at.
    pub health: Option<Box<Health>>,
}

/// Where flows come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// Connection tracking.
    #[default]
    Conntrack,
    /// Sockets of this machine.
    Sockets,
    /// Connection tracking, and sockets for what it does not tell.
    Both,
}

impl Source {
    /// In a word: `ct`, `sock` or `ct+sock`.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Conntrack => "ct",
            Self::Sockets => "sock",
            Self::Both => "ct+sock",
        }
    }
}

impl View {
    /// How many rows the whole list has.
    pub fn row_count(&self) -> usize {
        match self.query.list {
            List::Flows => self.matching + self.ended,
            List::By(_) => self.group_count,
        }
    }

    /// How many of them are in the window.
    pub fn window_rows(&self) -> usize {
        self.rows.len() + self.groups.len()
    }

    /// What selects the row on this line of the window.
    pub fn cursor_on(&self, line: usize) -> Option<Cursor> {
        let index = self.first + line;
        let flow = self.rows.get(line).map(|row| row.id);
        let group = self.groups.get(line).map(|row| row.group);
        let of_flow = flow.map(|id| Cursor::Flow { id, index, line });
        of_flow.or_else(|| group.map(|group| Cursor::Group { group, index, line }))
    }

    /// The line of the window that a cursor is on, if it is on one.
    pub fn line_of(&self, cursor: Cursor) -> Option<usize> {
        match cursor {
            Cursor::None => None,
            Cursor::Index(index) => {
                let line = index.checked_sub(self.first)?;
                (line < self.window_rows()).then_some(line)
            }
            Cursor::Flow { id, .. } => self.rows.iter().position(|row| row.id == id),
            Cursor::Group { group, .. } => self.groups.iter().position(|row| row.group == group),
        }
    }
}

/// How the source is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Where flows come from.
    pub source: Source,
    /// What this source does not show, and what would show more.
    pub hint: Option<String>,
    /// Whether the first dump is complete; before that the list is partial.
    pub synced: bool,
    /// Flows in the kernel's table, all namespaces of the limit included.
    pub table_used: Option<u64>,
    /// `nf_conntrack_max`.
    pub table_max: Option<u64>,
    /// Events the kernel dropped.
    pub lost: u64,
    /// Whether `UPDATE` events have been given up for now.
    pub updates_shed: bool,
    /// Whether dumps are too dear to come at every refresh, so that only the
    /// flows on screen are fresh.
    pub stretched: bool,
    /// Whether new flows are counted (`nf_conntrack_acct`).
    pub accounting: Option<bool>,
    /// Whether new flows are stamped (`nf_conntrack_timestamp`).
    pub timestamps: Option<bool>,
    /// Whether any rule asks for tracking; only looked at when the table is
    /// empty.
    pub tracking_wanted: Option<bool>,
    /// What went wrong without ending the program.
    pub warnings: Vec<String>,
    /// What is wrong with the resolver, in a few words.
    pub resolver: Option<String>,
    /// Databases of places, the first asked first.
    pub places: Vec<PlaceSource>,
}

/// A database of places, for an about box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceSource {
    /// Name of the file, or `built in`.
    pub name: String,
    /// What it answers: `country, city`.
    pub gives: String,
    /// How old its data is, in days.
    pub age_days: u64,
    /// Whether it is old enough to be updated.
    pub is_stale: bool,
    /// The sentence its licence asks to be shown.
    pub attribution: Option<String>,
}
