//! Without a screen: `list`, `events`, `fields`.

use std::collections::{HashSet, VecDeque};
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::{Failure, QUEUE, Started, Wanted, lookups, restore, say, start, tracking};
use crate::collect::Clock;
use crate::collect::pace;
use crate::config::{EventsOptions, ListOptions};
use crate::engine::{self, Input, Recorder, Sampling};
use crate::enrich::Knowledge;
use crate::enrich::dns::Resolver;
use crate::flow::{Family, Moment, Scope};
use crate::output::{Format, Writer};
use crate::table::{Change, Flow};
use crate::view::field::{Event, FIELDS, Record};
use crate::view::{Row, ordered};

/// How often `events` dumps the table: only to find flows that ended without
/// a word, and those whose birth was lost.
const EVENTS_PACE: pace::Settings = pace::Settings {
    interval: Duration::from_secs(10),
    share: 0.05,
};

/// Prints all flows, once or several times.
pub(super) fn list(options: &ListOptions) -> Result<(), Failure> {
    let clock = Clock::start();
    let (sender, inputs) = sync_channel(QUEUE);
    let several = options.samples.get() > 1;
    let wanted = Wanted {
        options: &options.source,
        events: several,
        family: only_family(options.source.scope).filter(|_| !several),
        // Every sample is a dump; nothing else asks for one.
        pace: EVENTS_PACE,
        track: options.source.track && several,
    };
    let Started {
        core,
        mut knowledge,
        mut warnings,
        place_warnings,
        switches,
        tracked,
        signals,
    } = start(&wanted, clock, &sender)?;
    if options.source.track && !several {
        warnings.extend(tracking::too_late());
    }
    let mut resolver = lookups::hasty_resolver(&options.source, &mut warnings, || {});
    warnings.iter().chain(&place_warnings).for_each(say);
    signals
        .watch(
            stop(sender),
            || {},
            switches.as_ref().map(crate::sysctl::Switches::restorer),
        )
        .map_err(Failure::Thread)?;
    let scope = options.source.scope;
    let mut writer = Writer::new(&options.output, io::stdout());
    let sampling = Sampling {
        count: options.samples.get().into(),
        interval: options.source.interval,
    };
    let for_people = options.output.format == Format::Table;
    let mut waited_for = HashSet::new();
    let result = engine::samples(core, inputs, sampling, |table, now| {
        if let Some(resolver) = &mut resolver {
            let addresses: Vec<_> = ordered(table, scope, now).flat_map(addresses).collect();
            let waited_for = &mut waited_for;
            lookups::wait_for_names(resolver, &mut knowledge, &addresses, waited_for, clock);
        }
        let mut written = 0;
        let mut write = |flow: &Flow| {
            if knowledge.is_own(&flow.key().orig) {
                return Ok(());
            }
            written += 1;
            writer.record(&Record {
                event: Event::Sample,
                ts_ns: now.real_ns,
                row: Some(Row::new(flow, &mut knowledge, now)),
                count: None,
            })
        };
        if for_people {
            ordered(table, scope, now).try_for_each(&mut write)?;
        } else {
            // Programs sort for themselves, if at all.
            let flows = table.flows().map(|(_, flow)| flow);
            flows
                .filter(|flow| scope.holds(flow.class()))
                .try_for_each(&mut write)?;
        }
        writer.flush()?;
        if for_people && written == 0 && !table.is_empty() {
            say(format_args!(
                "{} flows are of other protocols, families or loopback; -A shows all protocols, \
                 --loopback those of this machine with itself",
                table.len()
            ));
        }
        Ok(())
    });
    restore(tracked, switches);
    Ok(result?)
}

/// Prints what happens to flows, until interrupted.
pub(super) fn events(options: &EventsOptions) -> Result<(), Failure> {
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
        knowledge,
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
    warnings.iter().chain(&place_warnings).for_each(say);
    signals
        .watch(
            stop(sender),
            || {},
            switches.as_ref().map(crate::sysctl::Switches::restorer),
        )
        .map_err(Failure::Thread)?;
    let mut printer = Printer {
        scope: options.source.scope,
        knowledge,
        resolver,
        waiting: VecDeque::new(),
        writer: Writer::new(&options.output, io::stdout()),
        failed: None,
    };
    let result = engine::events(core, inputs, &mut printer);
    restore(tracked, switches);
    Ok(result?)
}

/// Prints the field registry.
pub(super) fn fields() -> Result<(), Failure> {
    let width = FIELDS.iter().map(|f| f.key.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for field in FIELDS {
        let (key, kind) = (field.key, field.kind.name());
        writeln!(out, "{key:width$}  {kind:8} {}", field.doc).map_err(Failure::Output)?;
    }
    Ok(())
}

/// Tells an engine to stop, if there is room in its queue or it has gone.
pub(super) fn stop(engine: SyncSender<Input>) -> impl FnMut() -> bool {
    move || !matches!(engine.try_send(Input::Stop), Err(TrySendError::Full(_)))
}

/// The one family that `scope` holds, if it holds not both.
fn only_family(scope: Scope) -> Option<Family> {
    match (
        scope.has_family(Family::Ipv4),
        scope.has_family(Family::Ipv6),
    ) {
        (true, false) => Some(Family::Ipv4),
        (false, true) => Some(Family::Ipv6),
        _ => None,
    }
}

/// Both addresses of a flow, the destination first.
fn addresses(flow: &Flow) -> [IpAddr; 2] {
    let orig = &flow.key().orig;
    [orig.dst(), orig.src()]
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
    knowledge: Knowledge,
    resolver: Option<Resolver>,
    /// In the order of the events; empty without a resolver.
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
        let record = Record {
            event,
            ts_ns: at.real_ns,
            row: flow.map(|flow| Row::new(flow, &mut self.knowledge, at)),
            count,
        };
        self.failed = self.writer.record(&record).err();
    }

    /// Whether a flow is hidden: out of scope, or of our own resolver.
    fn hides(&self, flow: &Flow) -> bool {
        !self.scope.holds(flow.class()) || self.knowledge.is_own(&flow.key().orig)
    }

    /// Writes records from the front while their names are known, or they have
    /// waited long enough at `now`, or are too many; all of them without a
    /// `now`.
    fn release(&mut self, now: Option<Moment>) {
        if let (Some(resolver), Some(now)) = (&mut self.resolver, now) {
            let flows = self.waiting.iter().filter_map(|w| w.flow.as_ref());
            let wanted = flows.take(ASKED).flat_map(addresses);
            lookups::take_names(resolver, &mut self.knowledge, wanted, now);
        }
        while let Some(first) = self.waiting.front() {
            let known = |flow: &Flow| addresses(flow).iter().all(|a| self.knowledge.is_asked(*a));
            let ready = self.waiting.len() > WAITING
                || first.flow.as_ref().is_none_or(known)
                || now.is_none_or(|now| now.since(first.at) >= lookups::PATIENCE);
            if !ready {
                break;
            }
            // A new socket of the resolver may have become known meanwhile.
            if let Some(w) = self.waiting.pop_front()
                && !w.flow.as_ref().is_some_and(|flow| self.hides(flow))
            {
                self.write(w.event, w.at, w.flow.as_ref(), w.count);
            }
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
        if flow.is_some_and(|flow| self.hides(flow)) {
            return;
        }
        if self.resolver.is_some() {
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

    fn flush(&mut self, now: Moment) -> io::Result<()> {
        self.release(Some(now));
        self.hand_on()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.release(None);
        self.hand_on()
    }
}
