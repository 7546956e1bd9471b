//! The page of rates: of what it is, and of how much time.

use std::time::Duration;

use super::super::draw;
use super::super::keys::{Action, Motion};
use super::super::tabs::{Label, Tab};
use super::State;
use crate::view::chart::{Charting, Of};
use crate::view::{Group, Page};

/// How much time a chart can be of.
pub(in super::super) const SPANS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
];

/// What the page of rates shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Charts {
    /// Which of [`SPANS`].
    pub(in super::super) span: usize,
    /// What was chosen of what there is, if that is there.
    of: Of,
    /// The row that was selected when the page was opened.
    row: Option<Selected>,
    /// Where one came from.
    before: Tab,
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selected {
    of: Of,
    /// The groups that its list was of.
    within: Vec<Group>,
    /// What it is called.
    label: Label,
}

impl Default for Charts {
    fn default() -> Self {
        Self {
            span: 0,
            of: Of::Scope,
            row: None,
            before: Tab::Flows,
        }
    }
}

impl State {
    /// What the page of rates can be of, and what that is called.
    pub(in super::super) fn charted(&self) -> Vec<(Of, String)> {
        let mut all = vec![(Of::Scope, "everything".to_owned())];
        let filter = self.filter.as_ref();
        let filter = filter.map(|filter| format!("/{}", self.told(filter)));
        let direction = self.direction.map(|way| format!("only {}", way.name()));
        let words: Vec<String> = direction.into_iter().chain(filter).collect();
        if !words.is_empty() {
            all.push((Of::Matching, words.join(" ")));
        }
        let row = self.charts.row.iter();
        all.extend(row.map(|row| (row.of, self.read(&row.label).to_owned())));
        all
    }

    /// Of what the page of rates is.
    pub(in super::super) fn charted_now(&self) -> Of {
        let all = self.charted();
        let is_there = all.iter().any(|(of, _)| *of == self.charts.of);
        if is_there { self.charts.of } else { Of::Scope }
    }

    /// What is asked for on the page of rates.
    pub(super) fn charting(&self) -> Option<Charting> {
        let of = self.charted_now();
        let row = self.charts.row.iter().find(|row| row.of == of);
        (self.tab.page() == Page::Chart).then(|| Charting {
            of,
            within: row.map(|row| row.within.clone()).unwrap_or_default(),
            span: SPANS[self.charts.span],
            steps: draw::chart_steps(self),
        })
    }

    /// Shows another tab. The page of rates shows what is selected here, or else
    /// what the filters hold.
    pub(super) fn go(&mut self, tab: Tab) {
        if tab.page() == Page::Chart && self.tab.page() != Page::Chart {
            self.charts.before = self.tab;
            let row = self.selected();
            if let Some(row) = row {
                self.charts.of = row.of;
                self.charts.row = Some(row);
            } else if self.filter.is_some() || self.direction.is_some() {
                self.charts.of = Of::Matching;
            } else {
                self.charts.of = Of::Scope;
            }
        }
        self.tab = tab;
    }

    /// The selected row.
    fn selected(&self) -> Option<Selected> {
        let view = self.current_view()?;
        let line = view.line_of(self.level().cursor)?;
        let mask = &self.settings.mask;
        if let Some(row) = view.rows.get(line) {
            return Some(Selected {
                of: Of::Flow(row.id),
                within: Vec::new(),
                label: Label {
                    plain: draw::flow_label(self, row),
                    masked: draw::flow_label(self, &row.masked(mask)),
                },
            });
        }
        let row = view.groups.get(line)?;
        let label = |is_masked, name: String| {
            let mut words = vec![self.tab.title().to_lowercase()];
            words.extend(self.trail().labels(is_masked));
            words.push(name);
            words.join(" › ")
        };
        Some(Selected {
            of: Of::Group(row.group),
            within: self.level().within.clone(),
            label: Label {
                plain: label(false, row.label()),
                masked: label(true, row.masked(mask).label()),
            },
        })
    }

    /// What keys do that do something else elsewhere; whether this was one.
    pub(super) fn act_on_chart(&mut self, action: Action) -> bool {
        if self.tab.page() != Page::Chart {
            return false;
        }
        match action {
            Action::ScrollLeft => self.charts.span = self.charts.span.saturating_sub(1),
            Action::ScrollRight => self.charts.span = (self.charts.span + 1).min(SPANS.len() - 1),
            Action::Move(motion) => self.chart_another(motion),
            Action::Back => self.tab = self.charts.before,
            _ => return false,
        }
        true
    }

    /// Shows the next or the one before of what there is.
    fn chart_another(&mut self, motion: Motion) {
        let all = self.charted();
        let now = self.charted_now();
        let at = all.iter().position(|(of, _)| *of == now).unwrap_or(0);
        let last = all.len() - 1;
        let next = match motion {
            Motion::Up | Motion::PageUp | Motion::HalfPageUp => at.saturating_sub(1),
            Motion::Down | Motion::PageDown | Motion::HalfPageDown => (at + 1).min(last),
            Motion::First => 0,
            Motion::Last => last,
        };
        if last == 0 {
            let key = self.keys("/");
            self.say(&format!(
                "There is nothing else to see: {key} types a filter, or select a row of another tab."
            ));
        }
        self.charts.of = all[next].0;
    }
}
