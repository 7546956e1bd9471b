//! Live views for a screen.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use super::checkup::Checkup;
use super::chronicle::Chronicle;
use super::export::Exporting;
use super::fresh::Fresh;
use super::still::{Pulse, Sight, Still};
use super::{Asker, Core, EngineError, Input, wait};
use crate::collect::{Delivery, Inquiry, Source, SourceError, SourceKind};
use crate::enrich::dns::Resolver;
use crate::enrich::geoip;
use crate::enrich::{Baseline, Knowledge, Timeouts};
use crate::flow::{Key, Moment};
use crate::table::{Change, Flow};
use crate::view::{self, Ledger, List, Page, PlaceSource, Query, Status, View, Vigil, health};
use crate::vitals::Observer;

/// Flows to ask for one by one while the whole table is too dear: those that
/// move most. Together about 4 ms of the kernel's time.
const BUSIEST: usize = 1000;
/// The longest wait for fresh counters before a view goes out with old ones.
const PATIENCE: Duration = Duration::from_millis(250);
/// Inputs to take in before looking whether a view is owed, at most. Together
/// a few milliseconds of work.
const BURST: usize = 64;
/// When to try again after a screen was too slow to take a view.
const RETRY: Duration = Duration::from_millis(20);

/// What the table does not know about its source. Found out by somebody else,
/// once per refresh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Flows in the kernel's table (`nf_conntrack_count`).
    pub table_used: Option<u64>,
    /// `nf_conntrack_max`.
    pub table_max: Option<u64>,
    /// `nf_conntrack_acct`.
    pub accounting: Option<bool>,
    /// `nf_conntrack_timestamp`.
    pub timestamps: Option<bool>,
    /// Whether any rule asks for tracking.
    pub tracking_wanted: Option<bool>,
}

/// Opens a source of a kind.
pub type Sources = Box<dyn FnMut(SourceKind) -> Result<Box<dyn Source>, SourceError> + Send>;

/// What a viewer needs besides the source.
pub struct Viewer<P> {
    /// Services, places, and names as they become known.
    pub knowledge: Knowledge,
    /// Who is asked for names.
    pub resolver: Option<Resolver>,
    /// Who is asked whose flows are.
    pub asker: Option<Asker>,
    /// Changes over between connection tracking and sockets when what a rule
    /// asks for changes; `None` to stay with the source.
    pub sources: Option<Sources>,
    /// What the source does not show, and what would; while it is the first
    /// one.
    pub hint: Option<String>,
    /// Opens the databases of places anew, elsewhere; the result arrives as
    /// [`Input::Places`].
    pub reopen_places: Box<dyn FnMut(geoip::Settings) + Send>,
    /// How often to look whether their files have changed.
    pub places_every: Duration,
    /// Time from one refresh to the next.
    pub interval: Duration,
    /// Reads how the kernel and the interfaces do, while somebody looks.
    pub observer: Option<Observer>,
    /// From where on something is a finding.
    pub health: health::Settings,
    /// Asked at every refresh; the argument says whether to find out if tracking
    /// is wanted.
    pub probe: P,
    /// Asked now and then how long the kernel keeps flows that rest.
    pub timeouts: Box<dyn FnMut() -> Timeouts + Send>,
    /// How many flows to keep that have ended.
    pub max_ended: usize,
    /// What went wrong before the start, without preventing it.
    pub warnings: Vec<String>,
    /// What is wrong with databases of places, until they are opened anew.
    pub place_warnings: Vec<String>,
}

impl<P: FnMut(bool) -> Facts> Viewer<P> {
    /// Answers queries and sends a view at each refresh, until
    /// [`Input::Stop`] comes or the receiver of the views is gone.
    ///
    /// # Errors
    /// If the source fails.
    pub fn run<T: From<Arc<View>>>(
        self,
        core: Core,
        inputs: Receiver<Input>,
        views: &SyncSender<T>,
    ) -> Result<(), EngineError> {
        let now = core.clock.now();
        let mut viewer = self;
        let checkup = Checkup::new(viewer.interval);
        if let Some(resolver) = &viewer.resolver {
            // Known before the first query leaves, so that no view shows it.
            viewer.knowledge.set_own_sockets(resolver.own_sockets());
        }
        let mut run = Running {
            ledger: Ledger::keeping(viewer.max_ended),
            viewer,
            core,
            looked_through: false,
            query: None,
            facts: Facts::default(),
            vigil: Vigil::default(),
            checkup,
            places_checked: now,
            pulse: Pulse::default(),
            fresh: Fresh::default(),
            chronicle: Chronicle::default(),
            still: None,
            next_tick: now,
            publish_by: None,
            export: None,
        };
        let result = run.run(&inputs, views);
        run.core.shut_down(inputs);
        result
    }
}

struct Running<P> {
    viewer: Viewer<P>,
    core: Core,
    query: Option<Query>,
    /// Whether every flow was asked about once.
    looked_through: bool,
    facts: Facts,
    ledger: Ledger,
    vigil: Vigil,
    checkup: Checkup,
    /// When the files of places were last looked at.
    places_checked: Moment,
    pulse: Pulse,
    fresh: Fresh,
    chronicle: Chronicle,
    /// What is looked at while the view is paused.
    still: Option<Box<Still>>,
    next_tick: Moment,
    /// A view is owed at this time at the latest.
    publish_by: Option<Moment>,
    /// What is handed to a writer, piece by piece.
    export: Option<Exporting>,
}

impl<P: FnMut(bool) -> Facts> Running<P> {
    fn run<T: From<Arc<View>>>(
        &mut self,
        inputs: &Receiver<Input>,
        views: &SyncSender<T>,
    ) -> Result<(), EngineError> {
        loop {
            let deadline = self
                .publish_by
                .unwrap_or(self.next_tick)
                .min(self.next_tick);
            let deadline = match &self.export {
                Some(export) => export.due.min(deadline),
                None => deadline,
            };
            if let Some(first) = wait(inputs, self.core.clock, deadline) {
                // What has piled up, so that a burst costs one view; but not all
                // that a dump keeps adding, or a key would wait for its end.
                for input in std::iter::once(first).chain(inputs.try_iter().take(BURST)) {
                    if self.input(input)?.is_break() {
                        return Ok(());
                    }
                }
            }
            let now = self.core.clock.now();
            if now >= self.next_tick {
                self.tick(now);
                if self.change_source(inputs)?.is_break() {
                    return Ok(());
                }
            }
            if self.publish_by.is_some_and(|by| now >= by) {
                self.publish_by = None;
                match self.publish(now, views) {
                    Ok(()) => {}
                    Err(TrySendError::Full(_)) => self.publish_by = Some(now.after(RETRY)),
                    Err(TrySendError::Disconnected(_)) => return Ok(()),
                }
            }
            if let Some(mut export) = self.export.take_if(|export| now >= export.due)
                && export.go_on(&mut self.sight(export.is_paused, now), now)
            {
                self.export = Some(export);
            }
        }
    }

    /// Takes one input in; breaks at the last.
    fn input(&mut self, input: Input) -> Result<ControlFlow<()>, EngineError> {
        match input {
            Input::Stop => return Ok(ControlFlow::Break(())),
            Input::Query(query) => self.ask(query),
            Input::Export(export) => {
                let now = self.core.clock.now();
                let mut sight = self.sight(export.query.paused, now);
                self.export = Some(Exporting::begin(*export, &mut sight, now));
            }
            Input::Source(delivery) => self.take(delivery)?,
            Input::Names => self.take_names(),
            Input::Owners => self.take_owners(),
            Input::Vitals(reading) => {
                self.checkup.take(*reading);
                if self.looks_at(Page::Health) {
                    self.owe(self.core.clock.now());
                }
            }
            Input::Places(geoip, warnings) => {
                self.viewer.knowledge.set_places(geoip);
                self.viewer.place_warnings = warnings;
                self.owe(self.core.clock.now());
            }
            // No haste: it is shown with the next refresh.
            Input::Nfs(clients) => self.viewer.knowledge.set_nfs(clients),
            Input::Interval(interval) => self.set_interval(interval),
            Input::Refresh => {
                self.core.want_dump();
                self.next_tick = self.core.clock.now();
            }
            Input::Locality(locality) => {
                let before = self.viewer.knowledge.locality();
                let is_elsewhere = !before.is_same_place(&locality);
                self.viewer.knowledge.set_locality(locality);
                if is_elsewhere {
                    self.look_through();
                }
                self.owe(self.core.clock.now().after(RETRY));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Refreshes so often from now on: the next time when that is due by the
    /// last one.
    fn set_interval(&mut self, interval: Duration) {
        let now = self.core.clock.now();
        let left = self.next_tick.since(now);
        let past = self.viewer.interval.saturating_sub(left);
        self.next_tick = now.after(interval.saturating_sub(past));
        self.viewer.interval = interval;
        self.core.pace.set_interval(interval);
        self.checkup.set_interval(interval);
    }

    fn take(&mut self, delivery: Delivery) -> Result<(), EngineError> {
        let (ledger, knowledge) = (&mut self.ledger, &mut self.viewer.knowledge);
        let (asker, vigil) = (&mut self.viewer.asker, &mut self.vigil);
        let chronicle = &mut self.chronicle;
        let arrived = self.core.take(delivery, &mut |change, at| {
            vigil.note(&change, knowledge, at);
            chronicle.note(&change, knowledge, at);
            if let Some(asker) = asker {
                asker.note(&change, knowledge);
            }
            if let Change::Ended(flow) = change {
                if !knowledge.is_own(&flow.key().orig) {
                    ledger.book(flow, knowledge, at);
                }
                knowledge.forget(flow.key());
            }
        })?;
        let now = self.core.clock.now();
        if arrived.dump_ended == Some(true) {
            self.fresh.dumped();
            self.read_whole(false, now);
            // Births are told from now on, but not those before.
            if !self.looked_through {
                self.look_through();
            }
        }
        if let Some(asker) = &mut self.viewer.asker {
            asker.send();
        }
        if arrived.dump_ended.is_some() || arrived.answers > 0 {
            self.owe(now);
        }
        Ok(())
    }

    /// Reads what all flows together have moved, if every counter is fresh, or
    /// `at_last` what is late is not waited for any longer.
    fn read_whole(&mut self, at_last: bool, now: Moment) {
        let asker = self.viewer.asker.as_ref();
        let sockets_owe = asker.is_some_and(Asker::owes_counts);
        if self.fresh.is_due(sockets_owe && !at_last) {
            self.pulse.bytes.take(&self.core.table, now);
            let knowledge = &mut self.viewer.knowledge;
            self.chronicle.read(&self.core.table, knowledge, now);
        }
    }

    fn take_names(&mut self) {
        if let Some(resolver) = &mut self.viewer.resolver {
            let now = self.core.clock.now();
            let answers = resolver.answers();
            if let Some(still) = &mut self.still {
                still.merge_names(answers.clone(), now);
            }
            self.viewer.knowledge.merge_names(answers, now);
            self.viewer
                .knowledge
                .set_own_sockets(resolver.own_sockets());
            self.owe(now.after(RETRY));
        }
    }

    /// Asks whose flows those are of which nothing is known.
    fn look_through(&mut self) {
        self.looked_through = self.core.table.is_synced();
        if let Some(asker) = &mut self.viewer.asker {
            asker.look_through(&self.core.table, &self.viewer.knowledge);
            asker.send();
        }
    }

    fn take_owners(&mut self) {
        let now = self.core.clock.now();
        let Some(asker) = &mut self.viewer.asker else {
            return;
        };
        for counted in asker.answers(&mut self.viewer.knowledge) {
            // What a socket counted ends no flow and begins none.
            self.core.table.apply(&counted, now, &mut |_| {});
        }
        if asker.has_news_of_namespaces() {
            self.look_through();
        }
        self.read_whole(false, now);
        self.owe(now.after(RETRY));
    }

    /// Changes over to the source that sees more, if there is a choice.
    ///
    /// 1. Sockets give way to connection tracking as soon as a rule asks for
    ///    it, or flows are tracked.
    /// 2. Connection tracking gives way to sockets when its table is empty and
    ///    no rule asks for it any more.
    fn change_source(&mut self, inputs: &Receiver<Input>) -> Result<ControlFlow<()>, EngineError> {
        let wanted = self.facts.tracking_wanted;
        let better = match self.core.source.kind() {
            SourceKind::Sockets => {
                let tracks = wanted == Some(true) || self.facts.table_used > Some(0);
                tracks.then_some(SourceKind::Conntrack)
            }
            SourceKind::Conntrack => {
                let sees_nothing = wanted == Some(false) && self.core.table.is_empty();
                sees_nothing.then_some(SourceKind::Sockets)
            }
        };
        let Some((kind, sources)) = better.zip(self.viewer.sources.as_mut()) else {
            return Ok(ControlFlow::Continue(()));
        };
        // Nothing of the old source arrives once it is closed and the queue is
        // empty; only then the new one begins.
        let before = self.core.source.kind();
        self.core.source.close();
        let news = inputs.try_iter();
        let others: Vec<_> = news.filter(|i| !matches!(i, Input::Source(_))).collect();
        let source = if let Ok(source) = sources(kind) {
            source
        } else {
            // It may not be read, and will not be tomorrow.
            let source = sources(before)?;
            self.viewer.sources = None;
            source
        };
        self.viewer.hint = None;
        self.core.change_source(source);
        if let Some(asker) = &mut self.viewer.asker {
            asker.end_all(&self.viewer.knowledge);
        }
        self.viewer.knowledge.forget_owners();
        self.looked_through = false;
        self.pulse = Pulse::default();
        self.fresh = Fresh::default();
        self.chronicle.restart();
        for input in others {
            if self.input(input)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn looks_at(&self, page: Page) -> bool {
        self.query.as_ref().is_some_and(|query| query.page == page)
    }

    fn ask(&mut self, query: Query) {
        self.ledger.open(&query);
        let forgotten = self.query.as_ref().map_or(0, |before| before.forgotten);
        if query.forgotten != forgotten {
            self.ledger.forget_departed(&mut self.viewer.knowledge);
            if let Some(still) = &mut self.still {
                still.forget_departed();
            }
        }
        if query.baseline != self.viewer.knowledge.baseline().since() {
            self.count_since(query.baseline);
        }
        let looked = self.looks_at(Page::Health);
        if !query.paused {
            // The next pause is of another moment.
            self.still = None;
        } else if self.still.is_none() {
            self.still = Some(Box::new(self.sight(false, self.core.clock.now()).keep()));
            if !looked {
                self.checkup.forget();
            }
        }
        self.query = Some(query);
        if !looked {
            // What is known may be old.
            self.observe();
        }
        self.owe(self.core.clock.now());
    }

    /// Counts from now on, which somebody calls `since`; or from the start.
    fn count_since(&mut self, since: Option<Moment>) {
        let moved = |flow: &Flow| Some((flow.row().number(), flow.watched_bytes()?));
        let live = self.core.table.flows().map(|(_, flow)| flow);
        let all = live.chain(self.ledger.departed().flows());
        let baseline = since.map(|since| Baseline::new(since, all.filter_map(moved)));
        let baseline = baseline.unwrap_or_default();
        if let Some(still) = &mut self.still {
            still.count_since(baseline.clone());
        }
        self.viewer.knowledge.set_baseline(baseline);
    }

    /// Has the kernel and the interfaces read, if somebody looks.
    fn observe(&self) {
        if let Some(observer) = &self.viewer.observer
            && self.looks_at(Page::Health)
        {
            observer.look();
        }
    }

    fn owe(&mut self, by: Moment) {
        self.publish_by = Some(self.publish_by.map_or(by, |owed| owed.min(by)));
    }

    /// Begins a refresh: of the whole table if that is due, else of what is
    /// looked at and what moves. The view goes out when the answers are in.
    fn tick(&mut self, now: Moment) {
        self.next_tick = self.next_tick.after(self.viewer.interval).max(now);
        // Of sockets, tracking would be the better source: look for it always.
        let looks = self.core.table.is_empty() || self.core.source.kind() == SourceKind::Sockets;
        self.facts = (self.viewer.probe)(looks);
        self.read_whole(true, now);
        if let Some(asker) = &mut self.viewer.asker {
            asker.refresh();
        }
        self.pulse.flows.take(&self.core.table, now);
        self.checkup.note(now, self.facts, self.core.table.lost());
        self.observe();
        self.watch_places(now);
        if !self.core.dump_if_due(now) && self.core.pace.is_stretched() {
            let keys = self.interesting(now);
            if !keys.is_empty() {
                self.core.source.inquire(Inquiry::Get(keys));
            }
        }
        self.owe(now.after(PATIENCE.min(self.viewer.interval)));
    }

    /// Has the databases of places opened anew if their files have changed.
    fn watch_places(&mut self, now: Moment) {
        if now.since(self.places_checked) < self.viewer.places_every {
            return;
        }
        self.places_checked = now;
        let timeouts = (self.viewer.timeouts)();
        self.viewer.knowledge.set_timeouts(timeouts);
        let changed = self.viewer.knowledge.places().filter(|p| p.changed());
        if let Some(settings) = changed.map(|geoip| geoip.settings().clone()) {
            (self.viewer.reopen_places)(settings);
        }
    }

    /// The flows of the window, and the busiest.
    fn interesting(&mut self, now: Moment) -> Vec<Key> {
        let table = &self.core.table;
        let mut keys = Vec::new();
        // Of groups, none is looked at more than another.
        let flows_only = |query: &&Query| query.list == List::Flows;
        if let Some(query) = self.query.as_ref().filter(flows_only) {
            let knowledge = &mut self.viewer.knowledge;
            let view = View::compute(query, table, &self.ledger, knowledge, now);
            let detail = view.detail.iter().map(|detail| &detail.row);
            let shown = view.rows.iter().chain(detail).map(|row| &row.flow);
            let live = shown.filter(|flow| flow.end_reason().is_none());
            keys.extend(live.map(|flow| *flow.key()));
        }
        let mut busy: Vec<_> = table
            .flows()
            .filter_map(|(id, flow)| {
                let sum = flow.bytes_per_sec()?.sum();
                (sum > 0).then_some((std::cmp::Reverse(sum), id))
            })
            .collect();
        if busy.len() > BUSIEST {
            busy.select_nth_unstable(BUSIEST);
            busy.truncate(BUSIEST);
        }
        keys.extend(
            busy.iter()
                .filter_map(|(_, id)| table.get(*id).map(|flow| *flow.key())),
        );
        keys
    }

    /// What is seen `now`, or in the picture of a paused view.
    fn sight(&mut self, is_paused: bool, now: Moment) -> Sight<'_> {
        if let Some(still) = self.still.as_mut().filter(|_| is_paused) {
            return still.sight();
        }
        Sight {
            table: &self.core.table,
            ledger: &self.ledger,
            knowledge: &mut self.viewer.knowledge,
            vigil: &mut self.vigil,
            chronicle: &mut self.chronicle,
            pulse: &self.pulse,
            at: now,
        }
    }

    /// Sends a view, if anybody has said of what.
    fn publish<T: From<Arc<View>>>(
        &mut self,
        now: Moment,
        views: &SyncSender<T>,
    ) -> Result<(), TrySendError<T>> {
        let Some(mut query) = self.query.take() else {
            return Ok(());
        };
        let mut view = self.sight(query.paused, now).view(&query);
        view.answered_at = now;
        query.settle(&view);
        self.query = Some(query);
        view.status = self.status();
        if view.query.page == Page::Health {
            let (core, knowledge) = (&self.core, &self.viewer.knowledge);
            let settings = &self.viewer.health;
            let still = self.still.as_ref().filter(|_| view.query.paused);
            let table = still.map_or(&core.table, |still| still.table());
            let seen = (core, table);
            view.health = Some(self.checkup.health(seen, knowledge, &view, settings, now));
        }
        self.look_up(&view, now);
        views.try_send(Arc::new(view).into())
    }

    fn status(&self) -> Status {
        let mut warnings = self.viewer.warnings.clone();
        warnings.extend_from_slice(&self.viewer.place_warnings);
        let wall = std::time::SystemTime::now();
        let places = self.viewer.knowledge.sources().map(|source| PlaceSource {
            name: source.name().into_owned(),
            gives: source.gives.to_string(),
            age_days: source.age(wall).as_secs() / 86_400,
            is_stale: source.is_stale(wall),
            attribution: source.attribution.clone(),
        });
        Status {
            source: match (self.core.source.kind(), &self.viewer.asker) {
                (SourceKind::Sockets, _) => view::Source::Sockets,
                (SourceKind::Conntrack, Some(_)) => view::Source::Both,
                (SourceKind::Conntrack, None) => view::Source::Conntrack,
            },
            hint: self.viewer.hint.clone(),
            synced: self.core.table.is_synced(),
            table_used: self.facts.table_used,
            table_max: self.facts.table_max,
            lost: self.core.table.lost(),
            updates_shed: self.core.table.updates_shed(),
            stretched: self.core.pace.is_stretched(),
            accounting: self.facts.accounting,
            timestamps: self.facts.timestamps,
            tracking_wanted: self.facts.tracking_wanted,
            warnings,
            resolver: self.viewer.resolver.as_ref().and_then(|resolver| {
                resolver
                    .status()
                    .problem()
                    .map(|problem| problem.to_string())
            }),
            places: places.collect(),
        }
    }

    /// Asks for the names of what is on screen, the far ends first.
    fn look_up(&self, view: &View, now: Moment) {
        let Some(resolver) = &self.viewer.resolver else {
            return;
        };
        let origs = || view.rows.iter().map(|row| row.flow.key().orig);
        let hosts = view.groups.iter().flat_map(|row| row.group.hosts());
        let detail = view.detail.iter().flat_map(|detail| {
            let [orig, reply] = [detail.row.flow.key().orig, detail.row.flow.reply()];
            [orig.dst(), orig.src(), reply.src(), reply.dst()]
        });
        let suspects = view.health.iter().flat_map(|health| health.hosts());
        let peers = view.portrait.iter().flat_map(|one| one.peers.top.iter());
        let peers = peers.map(|peer| peer.what);
        let addresses = detail
            .chain(peers)
            .chain(suspects)
            .chain(origs().map(|o| o.dst()))
            .chain(origs().map(|o| o.src()))
            .chain(hosts);
        // What it cannot take now is asked again with the next view.
        resolver.ask(&self.viewer.knowledge.unnamed(addresses, now));
    }
}
