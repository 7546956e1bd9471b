//! Whose flows are, and which way they go: started, and waited for where
//! records are to have it.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use crate::config::SourceOptions;
use crate::engine::{Asker, Input};
use crate::enrich::Knowledge;
use crate::enrich::locality::{Locality, Watch};
use crate::enrich::owners::{self, Attribution};
use crate::flow::{Key, Update};
use crate::output;
use crate::table::{Change, Flow, Table};
use crate::view::filter::Needs;

/// The longest wait for owners that records are to have.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// How often to look for answers meanwhile.
const STEP: Duration = Duration::from_millis(2);

/// Starts whoever finds out whose flows are, if anybody wants to know.
pub(super) fn asker(
    options: &SourceOptions,
    warnings: &mut Vec<String>,
    wake: impl Fn() + Send + 'static,
) -> Option<Asker> {
    if !options.processes {
        return None;
    }
    match Attribution::start(owners::Settings::default(), wake) {
        Ok(attribution) => Some(Asker::new(attribution)),
        Err(error) => {
            warnings.push(format!("owners of flows cannot be found out: {error}"));
            None
        }
    }
}

/// Reads which addresses, routes and neighbours there are, once.
pub(super) fn read_locality(
    options: &SourceOptions,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
) {
    match Locality::read(options.locality.clone()) {
        Ok(locality) => knowledge.set_locality(Arc::new(locality)),
        Err(error) => warnings.push(unknown_locality(&error)),
    }
}

/// Reads them, and tells the engine when they change, until the result is
/// dropped.
pub(super) fn watch_locality(
    options: &SourceOptions,
    knowledge: &mut Knowledge,
    warnings: &mut Vec<String>,
    engine: &SyncSender<Input>,
) -> Option<Watch> {
    let engine = engine.clone();
    let watch = Watch::start(options.locality.clone(), move |locality| {
        // An engine that has ended does not care.
        let _ = engine.send(Input::Locality(locality));
    });
    match watch {
        Ok((watch, locality)) => {
            knowledge.set_locality(locality);
            Some(watch)
        }
        Err(error) => {
            warnings.push(unknown_locality(&error));
            None
        }
    }
}

fn unknown_locality(error: &impl std::fmt::Display) -> String {
    format!("which way flows go is not known: {error}")
}

/// Owners for records.
pub(super) struct Owners(Asker);

impl Owners {
    /// As [`asker`], if a record or the filter wants anything of it.
    pub(super) fn start(
        options: &SourceOptions,
        output: &output::Settings,
        warnings: &mut Vec<String>,
        wake: impl Fn() + Send + 'static,
    ) -> Option<Self> {
        let filter = options.filter.as_ref();
        let filters = filter.is_some_and(|filter| filter.needs().has(Needs::OWNERS));
        if !output.wants_owners() && !filters {
            return None;
        }
        asker(options, warnings, wake).map(Self)
    }

    /// Takes note of a change of the table.
    pub(super) fn note(&mut self, change: &Change<'_>, knowledge: &Knowledge) {
        self.0.note(change, knowledge);
    }

    /// A flow has ended, and its record is written.
    pub(super) fn end(&mut self, flow: &Flow) {
        self.0.end(flow);
    }

    /// Asks about all flows of which nothing is known.
    pub(super) fn look_through(&mut self, table: &Table, knowledge: &Knowledge) {
        self.0.look_through(table, knowledge);
        self.0.send();
    }

    /// Sends what was noted.
    pub(super) fn send(&mut self) {
        self.0.send();
    }
}

impl Owners {
    /// Whether the owners of a flow were asked for and are not known yet.
    pub(super) fn awaits(&self, key: &Key) -> bool {
        self.0.awaits(key)
    }

    /// Hands what was found out to `knowledge`. Returns what sockets counted.
    pub(super) fn pick_up(&mut self, knowledge: &mut Knowledge) -> Vec<Update> {
        self.0.answers(knowledge)
    }

    /// Knows from now on which addresses are in other network namespaces.
    pub(super) fn follow_namespaces(&mut self) -> bool {
        self.0.has_news_of_namespaces()
    }

    /// Asks about all flows of the table, has the figures of those known read
    /// again, and waits until the answers are there, or [`PATIENCE`] is over.
    /// Returns what sockets counted.
    pub(super) fn wait(&mut self, table: &Table, knowledge: &mut Knowledge) -> Vec<Update> {
        let deadline = Instant::now() + PATIENCE;
        let before = self.0.refreshes();
        self.look_through(table, knowledge);
        self.0.refresh();
        let mut counted = Vec::new();
        loop {
            counted.extend(self.pick_up(knowledge));
            if self.follow_namespaces() {
                self.look_through(table, knowledge);
            }
            let is_done = !self.0.awaits_any() && self.0.refreshes() > before;
            if is_done || Instant::now() >= deadline {
                return counted;
            }
            thread::sleep(STEP);
        }
    }
}
