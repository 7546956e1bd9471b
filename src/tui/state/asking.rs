//! What is asked for, and what becomes of the answers.

use std::sync::Arc;

use super::super::draw;
use super::State;
use super::columns::Seen;
use crate::view::group::GroupColumn;
use crate::view::{Freeze, List, Page, Query, View};

impl State {
    /// A new question, if what is asked for has changed.
    pub(super) fn ask(&mut self) -> Option<Query> {
        let level = self.level();
        let asked = (self.asked.page, self.asked.list, &self.asked.within);
        if asked != (self.tab.page(), level.list, &level.within) {
            // The order of another list says nothing of this one.
            self.freeze = Freeze::No;
        }
        let level = self.level();
        let query = Query {
            list: level.list,
            sort: self.sort(),
            freeze: self.freeze.clone(),
            pins: self.pins.clone(),
            followed: self.followed_flow(),
            within: level.within.clone(),
            number: self.asked.number,
            page: self.tab.page(),
            scope: self.scope,
            filter: self.filter.clone(),
            direction: self.direction,
            active_only: self.hides_idle(),
            paused: self.paused.is_some(),
            with_ended: self.with_ended,
            forgotten: self.forgotten,
            with_past: self.shows_past(),
            baseline: self.baseline,
            cursor: level.cursor,
            first: level.first,
            height: match self.tab.page() {
                Page::List => draw::table_height(self),
                Page::Health | Page::Chart => 0,
            },
            detail: self.pane().map(|pane| pane.subject),
            chart: self.charting(),
        };
        (query != self.asked).then(|| {
            self.asked = Query {
                number: query.number + 1,
                ..query
            };
            self.asked.clone()
        })
    }

    /// Whether a column is on screen that tells how fast groups were.
    fn shows_past(&self) -> bool {
        let List::By(grouping) = self.level().list else {
            return false;
        };
        let columns = draw::group_columns(self, grouping).into_iter();
        let mut columns = columns.map(|(column, _)| column);
        columns.any(|column| column == GroupColumn::Trend)
    }

    /// Takes a view over. The answer to an earlier question shows what it
    /// shows, but does not move the cursor.
    pub(super) fn adopt(&mut self, view: Arc<View>) {
        if view.query.number == self.asked.number {
            self.asked.settle(&view);
            self.freeze = self.asked.freeze.clone();
            let (cursor, first, subject) = (self.asked.cursor, self.asked.first, self.asked.detail);
            let level = self.trail_mut().here_mut();
            (level.cursor, level.first) = (cursor, first);
            if let (Some(pane), Some(subject)) = (&mut level.pane, subject) {
                pane.subject = subject;
            }
        }
        if self.level().is_of(&view) {
            self.trail_mut().follow(&view);
            if !self.level().is_of(&view) {
                // It has led to another question, and nobody wants to see it.
                return;
            }
        }
        let list = |view: &View| {
            let query = &view.query;
            let filter = query.filter.as_ref().map(Arc::as_ptr);
            (query.page, query.list, query.direction, filter)
        };
        let is_another =
            |before: &View| list(before) != list(&view) || before.query.within != view.query.within;
        if self.view.as_ref().is_some_and(|before| is_another(before)) {
            self.seen = Seen::default();
        }
        self.show(view);
        self.measure();
        // Warnings are part of popups.
        self.clamp();
    }
}
