//! What happens to flows, as it happens: `flowtop events`.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::super::attribution::{self, Owners};
use super::super::{Failure, QUEUE, Started, Wanted, lookups, restore, start};
use super::{EVENTS_PACE, addresses, holds, masked, may_hold, stop, tell};
use crate::collect::Clock;
use crate::config::EventsOptions;
use crate::engine::{self, Input, Recorder};
use crate::enrich::Knowledge;
use crate::enrich::dns::Resolver;
use crate::flow::{Moment, Scope};
use crate::output::Writer;
use crate::sysctl::Switches;
use crate::table::{Change, Flow, Table};
use crate::view::Row;
use crate::view::field::{Event, Record};
use crate::view::filter::Filter;
use crate::view::mask::Mask;

/// Prints what happens to flows, until interrupted.
pub(in super::super) fn events(
    options: &EventsOptions,
    mask: Option<&Mask>,
) -> Result<(), Failure> {
    let clock = Clock::start();
    let (sender, inputs) = sync_channel(QUEUE);
    let wanted = Wanted {
        options: &options.source,
        events: true,
        family: None,
        pace: EVENTS_PACE,
        track: options.source.track,
    };
    let Started {
        core,
        instead,
        mut knowledge,
        mut warnings,
        place_warnings,
        switches,
        tracked,
        signals,
    } = start(&wanted, clock, &sender)?;
    let wake = sender.clone();
    let resolver = lookups::hasty_resolver(&options.source, &mut warnings, move || {
        // An engine that is busy looks by itself soon.
        let _ = wake.try_send(Input::Names);
    });
    let locality =
        attribution::watch_locality(&options.source, &mut knowledge, &mut warnings, &sender);
    let wake = sender.clone();
    let owners = Owners::start(&options.source, &options.output, &mut warnings, move || {
        let _ = wake.try_send(Input::Owners);
    });
    tell(warnings.iter().chain(&place_warnings), mask);
    instead.iter().for_each(super::super::source::explain);
    signals
        .watch(
            stop(sender),
            || {},
            switches.as_ref().map(Switches::restorer),
        )
        .map_err(Failure::Thread)?;
    let mut printer = Printer {
        scope: options.source.scope,
        filter: options.source.filter.clone(),
        knowledge,
        resolver,
        owners,
        waiting: VecDeque::new(),
        writer: Writer::new(&masked(&options.output, mask), io::stdout()),
        failed: None,
    };
    let result = engine::events(core, inputs, &mut printer);
    drop(locality);
    restore(tracked, switches);
    Ok(result?)
}

/// Records that may wait for names. Past this the first go without.
const WAITING: usize = 1 << 14;
/// Records at a time whose names are asked for: more than the resolver's queue
/// holds would push each other out.
const ASKED: usize = 128;

/// A record that waits for names.
struct Waiting {
    event: Event,
    at: Moment,
    flow: Option<Flow>,
    count: Option<u64>,
}

struct Printer<W> {
    scope: Scope,
    filter: Option<Arc<Filter>>,
    knowledge: Knowledge,
    resolver: Option<Resolver>,
    owners: Option<Owners>,
    /// In the order of the events.
    waiting: VecDeque<Waiting>,
    writer: Writer<W>,
    /// Told at the next flush.
    failed: Option<io::Error>,
}

impl<W: Write> Printer<W> {
    fn write(&mut self, event: Event, at: Moment, flow: Option<&Flow>, count: Option<u64>) {
        if self.failed.is_some() {
            return;
        }
        let filter = self.filter.as_deref();
        if flow.is_some_and(|flow| !holds(filter, event, flow, &mut self.knowledge, at)) {
            return;
        }
        let record = Record {
            event,
            ts_ns: at.real_ns,
            row: flow.map(|flow| Row::new(flow, &mut self.knowledge, at)),
            count,
        };
        self.failed = self.writer.record(&record).err();
    }

    /// What was known about a flow that has ended is told, and can be
    /// forgotten.
    fn forget(&mut self, event: Event, flow: Option<&Flow>) {
        if let (Event::End, Some(flow)) = (event, flow) {
            self.knowledge.forget(flow.key());
            if let Some(owners) = &mut self.owners {
                owners.end(flow);
            }
        }
    }

    /// Whether a flow is hidden: out of scope, or of our own resolver.
    fn hides(&self, flow: &Flow) -> bool {
        !self.scope.holds(flow.class()) || self.knowledge.is_own(&flow.key().orig)
    }

    /// Whether nothing more is to be found out about a flow.
    fn is_known(&self, flow: &Flow, waited: Duration) -> bool {
        let named = self.resolver.is_none()
            || waited >= lookups::PATIENCE
            || addresses(flow).iter().all(|a| self.knowledge.is_asked(*a));
        let owned = self
            .owners
            .as_ref()
            .is_none_or(|owners| waited >= attribution::PATIENCE || !owners.awaits(flow.key()));
        named && owned
    }

    /// Writes records from the front while their names and owners are known,
    /// or they have waited long enough at `now`, or are too many; all of them
    /// without a `now`.
    fn release(&mut self, now: Option<Moment>) {
        if let (Some(resolver), Some(now)) = (&mut self.resolver, now) {
            let flows = self.waiting.iter().filter_map(|w| w.flow.as_ref());
            let wanted = flows.take(ASKED).flat_map(addresses);
            lookups::take_names(resolver, &mut self.knowledge, wanted, now);
        }
        if let Some(owners) = &mut self.owners {
            // What the kernel does not count has no counters in records.
            owners.pick_up(&mut self.knowledge);
            owners.follow_namespaces();
        }
        while let Some(first) = self.waiting.front() {
            let known = |now: Moment| {
                let waited = now.since(first.at);
                let flow = first.flow.as_ref();
                flow.is_none_or(|flow| self.is_known(flow, waited))
            };
            let ready = self.waiting.len() > WAITING || now.is_none_or(known);
            if !ready {
                break;
            }
            // A new socket of the resolver may have become known meanwhile.
            let Some(w) = self.waiting.pop_front() else {
                break;
            };
            let flow = w.flow.as_ref();
            if !flow.is_some_and(|flow| self.hides(flow)) {
                self.write(w.event, w.at, flow, w.count);
            }
            self.forget(w.event, flow);
        }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.writer.flush(),
        }
    }
}

impl<W: Write> Recorder for Printer<W> {
    fn record(&mut self, change: &Change<'_>, at: Moment) {
        let (event, flow, count) = match change {
            Change::Born(flow) => (Event::New, Some(*flow), None),
            Change::Changed(flow) => (Event::Update, Some(*flow), None),
            Change::Ended(flow) => (Event::End, Some(*flow), None),
            Change::Lost(count) => (Event::Lost, None, Some(*count)),
        };
        if let Some(flow) = flow {
            let filter = self.filter.as_deref();
            if self.hides(flow) || !may_hold(filter, event, flow, &mut self.knowledge, at) {
                return self.forget(event, Some(flow));
            }
        }
        if let Some(owners) = &mut self.owners
            && event != Event::End
        {
            owners.note(change, &self.knowledge);
        }
        if self.resolver.is_some() || self.owners.is_some() {
            self.waiting.push_back(Waiting {
                event,
                at,
                flow: flow.cloned(),
                count,
            });
        } else {
            self.write(event, at, flow, count);
        }
    }

    fn begin(&mut self, table: &Table) {
        if let Some(owners) = &mut self.owners {
            owners.look_through(table, &self.knowledge);
        }
    }

    fn flush(&mut self, now: Moment) -> io::Result<()> {
        if let Some(owners) = &mut self.owners {
            owners.send();
        }
        self.release(Some(now));
        self.hand_on()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.release(None);
        self.hand_on()
    }
}
