//! Without a screen: `list`, `events`, `fields`.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use super::{Failure, QUEUE, Started, Wanted, restore, say, start};
use crate::collect::Clock;
use crate::collect::pace;
use crate::config::{EventsOptions, ListOptions};
use crate::engine::{self, Input, Recorder, Sampling};
use crate::enrich::services::Services;
use crate::flow::{Family, Moment, Scope};
use crate::output::{Format, Writer};
use crate::table::Change;
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
    };
    let Started {
        core,
        services,
        warnings,
        switches,
        signals,
    } = start(&wanted, clock, &sender)?;
    warnings.iter().for_each(say);
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
    let result = engine::samples(core, inputs, sampling, |table, now| {
        let mut written = 0;
        let mut write = |flow| {
            written += 1;
            writer.record(&Record {
                event: Event::Sample,
                ts_ns: now.real_ns,
                row: Some(Row::new(flow, &services, now)),
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
    restore(switches);
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
    };
    let Started {
        core,
        services,
        warnings,
        switches,
        signals,
    } = start(&wanted, clock, &sender)?;
    warnings.iter().for_each(say);
    signals
        .watch(
            stop(sender),
            || {},
            switches.as_ref().map(crate::sysctl::Switches::restorer),
        )
        .map_err(Failure::Thread)?;
    let mut printer = Printer {
        scope: options.source.scope,
        services,
        writer: Writer::new(&options.output, io::stdout()),
        failed: None,
    };
    let result = engine::events(core, inputs, &mut printer);
    restore(switches);
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

struct Printer<W> {
    scope: Scope,
    services: Services,
    writer: Writer<W>,
    /// Told at the next flush.
    failed: Option<io::Error>,
}

impl<W: Write> Recorder for Printer<W> {
    fn record(&mut self, change: &Change<'_>, at: Moment) {
        let (event, flow, count) = match change {
            Change::Born(flow) => (Event::New, Some(*flow), None),
            Change::Changed(flow) => (Event::Update, Some(*flow), None),
            Change::Ended(flow) => (Event::End, Some(*flow), None),
            Change::Lost(count) => (Event::Lost, None, Some(*count)),
        };
        if self.failed.is_some() || flow.is_some_and(|f| !self.scope.holds(f.class())) {
            return;
        }
        let record = Record {
            event,
            ts_ns: at.real_ns,
            row: flow.map(|flow| Row::new(flow, &self.services, at)),
            count,
        };
        self.failed = self.writer.record(&record).err();
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => self.writer.flush(),
        }
    }
}
