//! What a viewer follows of the kernel and the machine, for the page of health.

use std::sync::Arc;
use std::time::Duration;

use super::{Core, Facts};
use crate::enrich::Knowledge;
use crate::flow::Moment;
use crate::table::Table;
use crate::view::View;
use crate::view::health::{Health, Known, Settings, SourceHealth};
use crate::vitals::{Fill, History, Reading, Vitals};

/// Readings, and what they have come to.
pub(super) struct Checkup {
    fill: Fill,
    history: History,
    vitals: Option<Arc<Vitals>>,
    /// Events lost so far, and when the last ones were.
    lost: u64,
    lost_at: Option<Moment>,
    /// What a paused view goes on to say: what was said last, as long as it is of
    /// the moment of the pause.
    said: Option<Box<Health>>,
}

impl Checkup {
    /// Of a viewer that refreshes this often.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            fill: Fill::default(),
            history: History::new(interval),
            vitals: None,
            lost: 0,
            lost_at: None,
            said: None,
        }
    }

    /// It refreshes this often from now on.
    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.history.set_interval(interval);
    }

    /// Takes note of what every refresh finds out.
    pub(super) fn note(&mut self, now: Moment, facts: Facts, lost: u64) {
        self.fill.note(now, facts.table_used, facts.table_max);
        if lost > self.lost {
            self.lost_at = Some(now);
        }
        self.lost = lost;
    }

    /// Takes a reading in.
    pub(super) fn take(&mut self, reading: Reading) {
        self.vitals = Some(self.history.take(reading));
    }

    /// A pause begins while nobody looks: what was said last may be long ago.
    pub(super) fn forget(&mut self) {
        self.said = None;
    }

    /// How everything is doing, for a view of `table`. Within a pause that began
    /// elsewhere it is said once readings are there that were taken since.
    pub(super) fn health(
        &mut self,
        (core, table): (&Core, &Table),
        knowledge: &Knowledge,
        view: &View,
        settings: &Settings,
        now: Moment,
    ) -> Box<Health> {
        let is_paused = view.query.paused;
        if is_paused && let Some(said) = &self.said {
            return said.clone();
        }
        let known = Known {
            fill: Some(&self.fill),
            source: SourceHealth {
                lost_at: self.lost_at,
                ..core.source_health()
            },
            vitals: self.vitals.clone(),
        };
        let status = &view.status;
        let health = Box::new(Health::compute(
            table, knowledge, status, known, settings, now,
        ));
        let vitals = self.vitals.as_ref();
        if !is_paused || vitals.is_none_or(|vitals| vitals.at >= view.at) {
            self.said = Some(health.clone());
        }
        health
    }
}
