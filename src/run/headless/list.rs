//! All flows, once or several times: `flowtop list`.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use super::super::attribution::{self, Owners};
use super::super::{Failure, QUEUE, Started, Wanted, lookups, nfs, restore, say, start, tracking};
use super::{EVENTS_PACE, addresses, holds, masked, may_hold, stop, tell};
use crate::collect::Clock;
use crate::config::ListOptions;
use crate::engine::{self, Sampler, Sampling};
use crate::enrich::Knowledge;
use crate::enrich::dns::Resolver;
use crate::flow::{Family, Moment, Scope, Update};
use crate::output::{Format, Samples, Writer};
use crate::sysctl::Switches;
use crate::table::{Change, Flow, Table};
use crate::view::field::{Event, Record};
use crate::view::filter::Filter;
use crate::view::group::Service;
use crate::view::mask::Mask;
use crate::view::{Group, Grouping, Ledger, List, Query, Row, Sort, View, ordered};

/// Prints all flows, once or several times.
pub(in super::super) fn list(options: &ListOptions, mask: Option<&Mask>) -> Result<(), Failure> {
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
        instead,
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
    let resolver = lookups::hasty_resolver(&options.source, &mut warnings, || {});
    attribution::read_locality(&options.source, &mut knowledge, &mut warnings);
    let service = nfs::service(&options.source, &knowledge)?;
    if service.is_some_and(Service::is_nfs) {
        nfs::read(&options.source.nfsd_dir, &mut knowledge, &mut warnings);
    }
    let owners = Owners::start(&options.source, &options.output, &mut warnings, || {});
    tell(warnings.iter().chain(&place_warnings), mask);
    instead.iter().for_each(super::super::source::explain);
    signals
        .watch(
            stop(sender),
            || {},
            switches.as_ref().map(Switches::restorer),
        )
        .map_err(Failure::Thread)?;
    let sampling = Sampling {
        count: options.samples.get().into(),
        interval: options.source.interval,
    };
    let for_people = options.output.format == Format::Table;
    let is_ordered = for_people || options.top.is_some();
    let lister = Lister {
        scope: options.source.scope,
        filter: options.source.filter.clone(),
        for_people,
        sort: options.sort.or(is_ordered.then(Sort::default)),
        top: options.top.map_or(usize::MAX, |top| top.get() as usize),
        clock,
        knowledge,
        resolver,
        waited_for: HashSet::new(),
        owners,
        groups: match (service, options.grouping) {
            // Its clients.
            (Some(service), _) => {
                let within = vec![Group::Served(Some(service))];
                Some(Grouped::new(options, within, Grouping::Peer, mask))
            }
            (None, Some(grouping)) => Some(Grouped::new(options, Vec::new(), grouping, mask)),
            (None, None) => None,
        },
        writer: Writer::new(&masked(&options.output, mask), io::stdout()),
    };
    let result = engine::samples(core, inputs, sampling, lister);
    restore(tracked, switches);
    Ok(result?)
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

/// Writes samples.
struct Lister<W> {
    scope: Scope,
    filter: Option<Arc<Filter>>,
    /// Whether people read it: with a word where nothing is shown.
    for_people: bool,
    /// The order; `None` for that of the table.
    sort: Option<Sort>,
    /// How many flows to write, at most.
    top: usize,
    clock: Clock,
    knowledge: Knowledge,
    resolver: Option<Resolver>,
    /// Addresses whose names were waited for.
    waited_for: HashSet<IpAddr>,
    owners: Option<Owners>,
    /// Where groups are written instead of flows.
    groups: Option<Grouped>,
    writer: Writer<W>,
}

/// What is asked for where groups are written.
struct Grouped {
    query: Query,
    /// What has ended since the first sample.
    ledger: Ledger,
    samples: Samples,
}

impl Grouped {
    fn new(
        options: &ListOptions,
        within: Vec<Group>,
        grouping: Grouping,
        mask: Option<&Mask>,
    ) -> Self {
        let query = Query {
            within,
            filter: options.source.filter.clone(),
            list: List::By(grouping),
            sort: options.sort.unwrap_or_default(),
            height: options.top.map_or(usize::MAX, |top| top.get() as usize),
            ..Query::of(options.source.scope)
        };
        let mut ledger = Ledger::keeping(0);
        ledger.open(&query);
        Self {
            query,
            ledger,
            samples: Samples::new(masked(&options.output, mask), grouping),
        }
    }

    /// The groups in their order, as far as they are to be written.
    fn view(&self, table: &Table, knowledge: &mut Knowledge, now: Moment) -> View {
        View::compute(&self.query, table, &self.ledger, knowledge, now)
    }
}

/// What became of flows.
#[derive(Default)]
struct Count {
    written: usize,
    filtered_out: usize,
}

impl<W: Write> Lister<W> {
    /// Books a flow that has ended, where groups are written.
    fn book(&mut self, flow: &Flow) {
        let now = self.clock.now();
        if let Some(groups) = &mut self.groups {
            groups.ledger.book(flow, &mut self.knowledge, now);
        }
    }

    /// The flows in scope, in order.
    fn flows<'t>(
        &mut self,
        table: &'t Table,
        now: Moment,
    ) -> Box<dyn Iterator<Item = &'t Flow> + 't> {
        let scope = self.scope;
        if let Some(sort) = self.sort {
            let ids = ordered(table, scope, sort, &mut self.knowledge, now);
            return Box::new(ids.into_iter().filter_map(|id| table.get(id)));
        }
        // Programs sort for themselves, if at all.
        let flows = table.flows().map(|(_, flow)| flow);
        Box::new(flows.filter(move |flow| scope.holds(flow.class())))
    }

    fn wait_for_names(&mut self, addresses: &[IpAddr]) {
        if let Some(resolver) = &mut self.resolver {
            lookups::wait_for_names(
                resolver,
                &mut self.knowledge,
                addresses,
                &mut self.waited_for,
                self.clock,
            );
        }
    }

    /// Writes a flow, unless it is one of our own lookups, or the filter does
    /// not hold it.
    fn row(&mut self, flow: &Flow, now: Moment, count: &mut Count) -> io::Result<()> {
        if self.knowledge.is_own(&flow.key().orig) {
            return Ok(());
        }
        let filter = self.filter.as_deref();
        if !holds(filter, Event::Sample, flow, &mut self.knowledge, now) {
            count.filtered_out += 1;
            return Ok(());
        }
        count.written += 1;
        self.writer.record(&Record {
            event: Event::Sample,
            ts_ns: now.real_ns,
            row: Some(Row::new(flow, &mut self.knowledge, now)),
            count: None,
        })
    }
}

impl<W: Write> Sampler for Lister<W> {
    fn note(&mut self, change: &Change<'_>) {
        if let Some(owners) = &mut self.owners {
            owners.note(change, &self.knowledge);
        }
        if let Change::Ended(flow) = change {
            // Our own lookups are not shown either.
            if !self.knowledge.is_own(&flow.key().orig) {
                self.book(flow);
            }
            self.knowledge.forget(flow.key());
        }
    }

    fn prepare(&mut self, table: &Table) -> Vec<Update> {
        match &mut self.owners {
            Some(owners) => owners.wait(table, &mut self.knowledge),
            None => Vec::new(),
        }
    }

    fn write(&mut self, table: &Table, now: Moment) -> io::Result<()> {
        // What passes the service by is nobody's business here.
        let is_within = |groups: &Grouped| !groups.query.within.is_empty();
        if self.resolver.is_some() && !self.groups.as_ref().is_some_and(is_within) {
            let flows: Vec<_> = self.flows(table, now).collect();
            let (filter, knowledge) = (self.filter.as_deref(), &mut self.knowledge);
            let wanted = flows
                .into_iter()
                .filter(|flow| may_hold(filter, Event::Sample, flow, knowledge, now));
            let addresses: Vec<_> = wanted.flat_map(addresses).collect();
            self.wait_for_names(&addresses);
        }
        if let Some(groups) = self.groups.take() {
            let is_of_service = is_within(&groups);
            let written = self.write_groups(groups, table, now)?;
            if is_of_service && self.for_people && written.written == 0 {
                say("no host uses this service here, as far as its flows are seen");
            } else {
                self.explain(&written, table);
            }
            return Ok(());
        }
        let mut count = Count::default();
        // Names may have changed the order.
        for flow in self.flows(table, now) {
            if count.written == self.top {
                break;
            }
            self.row(flow, now, &mut count)?;
        }
        self.writer.flush()?;
        self.explain(&count, table);
        Ok(())
    }
}

impl<W: Write> Lister<W> {
    /// Writes a sample of groups: the names of hosts are waited for first.
    fn write_groups(
        &mut self,
        mut groups: Grouped,
        table: &Table,
        now: Moment,
    ) -> io::Result<Count> {
        let mut view = groups.view(table, &mut self.knowledge, now);
        if self.resolver.is_some() {
            let hosts = view.groups.iter().flat_map(|row| row.group.hosts());
            let hosts: Vec<_> = hosts.collect();
            self.wait_for_names(&hosts);
            view = groups.view(table, &mut self.knowledge, now);
        }
        groups
            .samples
            .write(&view.groups, now, &mut io::stdout().lock())?;
        self.groups = Some(groups);
        Ok(Count {
            written: view.groups.len(),
            filtered_out: view.filtered_out,
        })
    }

    /// Says why there is nothing, if people read it.
    fn explain(&self, count: &Count, table: &Table) {
        if !self.for_people || count.written > 0 {
            return;
        }
        if count.filtered_out > 0 {
            say(format_args!(
                "the filter holds none of {} flows",
                count.filtered_out
            ));
        } else if !table.is_empty() {
            say(format_args!(
                "{} flows are of other protocols, families or loopback; -A shows all protocols, \
                 --loopback those of this machine with itself",
                table.len()
            ));
        }
    }
}
