//! How fast everything went, for charts: read at the end of each complete dump,
//! when every counter is fresh.
//!
//! Of every class of flows there is always a history. Of what a filter holds, of
//! a group or of a flow there is one from when somebody first asks for it; it
//! begins with what the flows themselves remember.

use std::time::Duration;

use crate::enrich::Knowledge;
use crate::flow::{Key, Moment, Pair, Scope};
use crate::table::{Change, ClassTotals, Flow, Table};
use crate::view::View;
use crate::view::chart::{self, Chart, Charting, Selection};
use crate::view::history::{ClassMoved, History, Moved, Reading, Series, Sum, Turnover, recent};

/// Readings for the lines at the top of the screen.
const RECENT: usize = 40;
/// Charts that are remembered while others are looked at. Each costs a walk
/// through the table at each reading.
const TRACES: usize = 3;
/// For how long.
const TRACED: Duration = Duration::from_secs(600);

/// The history of all, and of what somebody has asked for.
#[derive(Clone, Default)]
pub(super) struct Chronicle {
    whole: History<ClassMoved>,
    /// The last reading.
    read: Option<(Moment, ClassTotals)>,
    traces: Vec<Trace>,
}

/// The history of what somebody has asked for.
#[derive(Clone)]
struct Trace {
    selection: Selection,
    history: History<Moved>,
    /// Until when there are readings.
    read: Moment,
    /// What has happened since, besides what flows that are there moved.
    since: Moved,
    /// Of a single flow.
    single: Option<Single>,
    /// When somebody last looked.
    asked: Moment,
    /// Whether it was in a chart, and is worth remembering.
    is_charted: bool,
}

/// A flow that is traced by itself.
#[derive(Clone)]
struct Single {
    key: Key,
    /// Bytes at the last reading; `None` if it is not counted.
    bytes: Option<Pair<u64>>,
    is_over: bool,
}

impl Single {
    fn of(flow: &Flow) -> Self {
        Self {
            key: *flow.key(),
            bytes: flow.counters().map(Pair::bytes),
            is_over: false,
        }
    }

    /// What it has moved since the last reading; `None` if it is not counted.
    fn read(&mut self, flow: &Flow) -> Option<Moved> {
        let bytes = flow.counters().map(Pair::bytes);
        let before = std::mem::replace(&mut self.bytes, bytes)?;
        let bytes = bytes?;
        Some(Moved {
            bytes: Pair {
                orig: bytes.orig.saturating_sub(before.orig),
                reply: bytes.reply.saturating_sub(before.reply),
            },
            turnover: None,
        })
    }
}

impl Trace {
    /// Begins with what flows remember; `None` if it is of a flow that is not
    /// there.
    fn new(
        selection: Selection,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Option<Self> {
        let single = match selection.flow() {
            Some(id) => Some(Single::of(table.get(id)?)),
            None => None,
        };
        let mut history = History::default();
        for reading in selection.past(table, knowledge, now) {
            history.push(reading);
        }
        Some(Self {
            history,
            read: now,
            since: Moved::rest(),
            single,
            asked: now,
            is_charted: false,
            selection,
        })
    }

    fn note(&mut self, change: &Change<'_>, knowledge: &mut Knowledge, at: Moment) {
        let (Change::Born(flow) | Change::Ended(flow)) = change else {
            return;
        };
        let has_ended = matches!(change, Change::Ended(_));
        if let Some(single) = &mut self.single {
            if has_ended && !single.is_over && single.key == *flow.key() {
                let moved = single.read(flow);
                single.is_over = true;
                self.push(moved, at);
            }
            return;
        }
        let Some(side) = self.selection.side(flow, knowledge, at) else {
            return;
        };
        let one = u32::from(has_ended);
        self.since.join(Moved {
            bytes: if has_ended {
                let moved = chart::moved(flow, at, at.since(self.read));
                side.sent_and_received(moved)
            } else {
                Pair::default()
            },
            turnover: Some(Turnover {
                born: 1 - one,
                ended: one,
            }),
        });
    }

    /// All counters are fresh.
    fn read(&mut self, table: &Table, knowledge: &mut Knowledge, now: Moment) {
        let moved = match (&mut self.single, self.selection.flow()) {
            (Some(single), _) if single.is_over => return,
            (Some(single), Some(id)) => table.get(id).and_then(|flow| single.read(flow)),
            _ => {
                let elapsed = now.since(self.read);
                let mut moved = std::mem::replace(&mut self.since, Moved::rest());
                moved.join(Moved {
                    bytes: self.selection.bytes(table, knowledge, now, elapsed),
                    turnover: Some(Turnover::default()),
                });
                Some(moved)
            }
        };
        self.push(moved, now);
    }

    /// What is not known leaves a gap.
    fn push(&mut self, moved: Option<Moved>, now: Moment) {
        let from_ns = std::mem::replace(&mut self.read, now).mono_ns;
        if let Some(sum) = moved {
            self.history.push(Reading {
                from_ns,
                to_ns: now.mono_ns,
                sum,
            });
        }
    }

    fn readings(&self) -> impl DoubleEndedIterator<Item = Reading<Moved>> {
        self.history.readings().copied()
    }

    fn is_over(&self) -> bool {
        self.single.as_ref().is_some_and(|single| single.is_over)
    }
}

impl Chronicle {
    /// Takes note of a change of the table, before what `knowledge` has about
    /// the flow is forgotten.
    pub(super) fn note(&mut self, change: &Change<'_>, knowledge: &mut Knowledge, at: Moment) {
        for trace in &mut self.traces {
            trace.note(change, knowledge, at);
        }
    }

    /// A complete dump has ended: every counter is fresh.
    pub(super) fn read(&mut self, table: &Table, knowledge: &mut Knowledge, now: Moment) {
        let totals = table.totals().clone();
        if let Some((before, known)) = &self.read {
            self.whole.push(Reading {
                from_ns: before.mono_ns,
                to_ns: now.mono_ns,
                sum: ClassMoved::between(known, &totals),
            });
        }
        self.read = Some((now, totals));
        self.traces.retain(|trace| now.since(trace.asked) < TRACED);
        for trace in &mut self.traces {
            trace.read(table, knowledge, now);
        }
    }

    /// The source is another one, and flows are others: what is between the two
    /// is a gap.
    pub(super) fn restart(&mut self) {
        self.read = None;
        self.traces.clear();
    }

    /// Answers what is asked for about the past.
    pub(super) fn answer(
        &mut self,
        view: &mut View,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) {
        let scope = view.query.scope;
        let shown = Selection::shown(&view.query);
        self.forget(shown.as_ref());
        view.recent = match shown {
            None => recent(self.within(scope).rev(), RECENT),
            Some(selection) => {
                let trace = self.trace(selection, false, table, knowledge, now);
                trace.map_or_else(Vec::new, |trace| recent(trace.readings().rev(), RECENT))
            }
        };
        let Some(charting) = &view.query.chart else {
            return;
        };
        let found = match Selection::charted(&view.query) {
            None => Some(chart(charting, self.within(scope), false, now)),
            Some(selection) => self
                .trace(selection, true, table, knowledge, now)
                .map(|trace| chart(charting, trace.readings(), trace.is_over(), now)),
        };
        view.chart = found.map(Box::new);
    }

    /// What was read of a scope.
    fn within(&self, scope: Scope) -> impl DoubleEndedIterator<Item = Reading<Moved>> {
        let readings = self.whole.readings();
        readings.map(move |reading| reading.map(|sum| sum.within(scope)))
    }

    /// Forgets what was shown and is not any more, such as filters that were
    /// typed half.
    fn forget(&mut self, shown: Option<&Selection>) {
        self.traces
            .retain(|trace| trace.is_charted || Some(&trace.selection) == shown);
        while self.traces.iter().filter(|t| t.is_charted).count() > TRACES {
            let charted = self.traces.iter().enumerate().filter(|(_, t)| t.is_charted);
            let Some((oldest, _)) = charted.min_by_key(|(_, trace)| trace.asked) else {
                return;
            };
            self.traces.remove(oldest);
        }
    }

    /// The trace of a selection; a new one if there is none.
    fn trace(
        &mut self,
        selection: Selection,
        is_charted: bool,
        table: &Table,
        knowledge: &mut Knowledge,
        now: Moment,
    ) -> Option<&Trace> {
        let known = self.traces.iter().position(|t| t.selection == selection);
        let index = if let Some(index) = known {
            index
        } else {
            let trace = Trace::new(selection, table, knowledge, now)?;
            self.traces.push(trace);
            self.traces.len() - 1
        };
        let trace = self.traces.get_mut(index)?;
        trace.asked = now;
        trace.is_charted |= is_charted;
        Some(trace)
    }
}

/// A chart of some readings.
fn chart(
    charting: &Charting,
    readings: impl Iterator<Item = Reading<Moved>>,
    is_over: bool,
    now: Moment,
) -> Chart {
    Chart {
        of: charting.of,
        series: Series::of(readings, charting.span, charting.steps, now),
        is_over,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use super::*;
    use crate::enrich::services::{self, Services};
    use crate::flow::{Counters, L4, Origin, Protocol, Report, Tuple, Update};
    use crate::view::chart::Of;
    use crate::view::filter::Filter;
    use crate::view::group::Service;
    use crate::view::history::Sample;
    use crate::view::{Group, Ledger, Query};

    const SPAN: Duration = Duration::from_secs(60);

    /// A table that is read every second, and what is remembered of it.
    struct Scene {
        table: Table,
        knowledge: Knowledge,
        chronicle: Chronicle,
        now: Moment,
    }

    /// A flow of TCP to a port.
    fn key(port: u16) -> Key {
        let [src, dst] = [1, 2].map(|host| Ipv4Addr::new(192, 0, 2, host));
        let orig = Tuple::v4(
            src,
            dst,
            Protocol::TCP,
            L4::Ports {
                src: port,
                dst: port,
            },
        );
        Key { zone: 0, orig }
    }

    fn pair(orig: u64, reply: u64) -> Pair<u64> {
        Pair { orig, reply }
    }

    impl Scene {
        fn new() -> Self {
            let nowhere = std::path::PathBuf::from("/nonexistent");
            let (services, _) = Services::load(&services::Settings {
                system_file: None,
                netsniff_dir: nowhere.clone(),
                vendor_dir: nowhere.clone(),
                admin_dir: nowhere,
                ..services::Settings::default()
            });
            Self {
                table: Table::new(),
                knowledge: Knowledge::new(services),
                chronicle: Chronicle::default(),
                now: Moment::default().after(Duration::from_secs(1000)),
            }
        }

        fn tell(&mut self, origin: Origin, port: u16, bytes: Option<(u64, u64)>) {
            let counters = |bytes| Counters { packets: 1, bytes };
            let report = Report {
                counters: bytes.map(|(orig, reply)| Pair {
                    orig: counters(orig),
                    reply: counters(reply),
                }),
                ..Report::about(key(port), origin)
            };
            let update = Update::Flow(report);
            let (chronicle, knowledge) = (&mut self.chronicle, &mut self.knowledge);
            let now = self.now;
            self.table.apply(&update, now, &mut |change| {
                chronicle.note(&change, knowledge, now);
            });
        }

        /// A second passes, and then the kernel's table is read.
        fn read(&mut self, flows: &[(u16, (u64, u64))]) {
            self.now = self.now.after(Duration::from_secs(1));
            let now = self.now;
            self.table.apply(&Update::DumpBegin, now, &mut |_| {});
            for (port, bytes) in flows {
                self.tell(Origin::Dumped, *port, Some(*bytes));
            }
            let end = Update::DumpEnd { complete: true };
            self.table.apply(&end, now, &mut |_| {});
            self.chronicle.read(&self.table, &mut self.knowledge, now);
        }

        fn ask(&mut self, query: &Query) -> View {
            let ledger = Ledger::default();
            let (table, knowledge) = (&self.table, &mut self.knowledge);
            let mut view = View::compute(query, table, &ledger, knowledge, self.now);
            self.chronicle.answer(&mut view, table, knowledge, self.now);
            view
        }

        fn chart(&mut self, of: Of, filter: &str) -> Option<Box<Chart>> {
            self.chart_within(&[], of, filter)
        }

        fn chart_within(&mut self, within: &[Group], of: Of, filter: &str) -> Option<Box<Chart>> {
            let filter = (!filter.is_empty()).then(|| Arc::new(Filter::parse(filter).unwrap()));
            self.ask(&Query {
                chart: Some(Charting {
                    of,
                    within: within.to_vec(),
                    span: SPAN,
                    steps: 60,
                }),
                filter,
                ..Query::of(Scope::EVERYTHING)
            })
            .chart
        }
    }

    /// Of the newest seconds, the last one last.
    fn newest(chart: &Chart, count: usize) -> Vec<Option<Pair<u64>>> {
        let rate = |sample: &Option<Sample>| sample.map(|sample| sample.bytes_per_sec);
        let mut rates: Vec<_> = chart.series.steps.iter().map(rate).collect();
        rates.split_off(rates.len() - count)
    }

    fn service(port: u16) -> Of {
        Of::Group(Group::Service(Service {
            proto: Protocol::TCP,
            port: Some(port),
        }))
    }

    #[test]
    fn a_group_within_others_is_of_the_flows_in_all_of_them() {
        let mut scene = Scene::new();
        let source = Of::Group(Group::Source(key(443).orig.src()));
        let protocol = Group::Protocol(Protocol::TCP);
        let web = Group::Service(Service {
            proto: Protocol::TCP,
            port: Some(443),
        });
        let (inside, beside) = ([protocol, web], [Group::Zone(1)]);
        for (http, https) in [(0, 0), (7, 1000), (9, 3000)] {
            scene.read(&[(80, (http, http)), (443, (https, https))]);
            scene.chart(source, "");
            scene.chart_within(&inside, source, "");
            scene.chart_within(&beside, source, "");
        }
        let mut last = |within: &[Group]| {
            let chart = scene.chart_within(within, source, "").unwrap();
            newest(&chart, 1)
        };
        assert_eq!(last(&[]), [Some(pair(2002, 2002))]);
        assert_eq!(last(&inside), [Some(pair(2000, 2000))]);
        assert_eq!(last(&beside), [Some(pair(0, 0))]);
    }

    #[test]
    fn the_whole_is_remembered_from_the_first_reading_on() {
        let mut scene = Scene::new();
        scene.read(&[(80, (0, 0))]);
        scene.read(&[(80, (10, 1000))]);
        scene.read(&[(80, (10, 1000))]);
        let whole = scene.chart(Of::Scope, "").unwrap();
        let rates = [None, Some(pair(10, 1000)), Some(pair(0, 0))];
        assert_eq!(newest(&whole, 3), rates);
        // What another source says is another flow, and the time between a gap.
        scene.chronicle.restart();
        scene.table = Table::new();
        scene.read(&[(80, (0, 0))]);
        scene.read(&[(80, (0, 77))]);
        let whole = scene.chart(Of::Scope, "").unwrap();
        let rates = [Some(pair(0, 0)), None, Some(pair(0, 77))];
        assert_eq!(newest(&whole, 3), rates);
        let view = scene.ask(&Query::of(Scope::EVERYTHING));
        assert_eq!(view.recent.len(), 4);
        assert!(view.recent[2].is_none() && view.chart.is_none());
    }

    #[test]
    fn a_filter_begins_with_what_its_flows_remember() {
        let mut scene = Scene::new();
        for second in 0..10 {
            scene.read(&[(80, (0, 1000 * second)), (443, (500 * second, 0))]);
        }
        let web = scene.chart(Of::Matching, "port 443").unwrap();
        assert_eq!(newest(&web, 2), [Some(pair(500, 0)); 2]);
        assert!(web.series.steps[59].unwrap().born_per_sec.is_none());
        scene.read(&[(80, (0, 10_000)), (443, (5500, 0))]);
        let web = scene.chart(Of::Matching, "port 443").unwrap();
        assert_eq!(newest(&web, 2), [Some(pair(500, 0)), Some(pair(1000, 0))]);
        assert_eq!(web.series.steps[59].unwrap().born_per_sec, Some(0.0));
    }

    #[test]
    fn flows_that_live_between_two_readings_count() {
        let mut scene = Scene::new();
        scene.read(&[]);
        scene.chart(Of::Matching, "port 443");
        scene.now = scene.now.after(Duration::from_millis(300));
        scene.tell(Origin::New, 443, None);
        scene.now = scene.now.after(Duration::from_millis(300));
        scene.tell(Origin::Destroyed, 443, Some((70, 9000)));
        scene.now = scene.now.after(Duration::from_millis(400));
        scene
            .chronicle
            .read(&scene.table, &mut scene.knowledge, scene.now);
        let web = scene.chart(Of::Matching, "port 443").unwrap();
        assert_eq!(newest(&web, 1), [Some(pair(70, 9000))]);
        let sample = web.series.steps[59].unwrap();
        assert_eq!(
            (sample.born_per_sec, sample.ended_per_sec),
            (Some(1.0), Some(1.0))
        );
    }

    #[test]
    fn a_flow_is_remembered_beyond_its_end() {
        let mut scene = Scene::new();
        scene.read(&[(80, (0, 0))]);
        scene.read(&[(80, (5, 100))]);
        let id = scene.table.find(&key(80)).unwrap();
        assert!(!scene.chart(Of::Flow(id), "").unwrap().is_over);
        scene.read(&[(80, (5, 300))]);
        scene.now = scene.now.after(Duration::from_secs(1));
        scene.tell(Origin::Destroyed, 80, Some((5, 350)));
        scene.now = scene.now.after(Duration::from_secs(1));
        scene
            .chronicle
            .read(&scene.table, &mut scene.knowledge, scene.now);
        let chart = scene.chart(Of::Flow(id), "").unwrap();
        assert!(chart.is_over);
        assert_eq!(newest(&chart, 2), [Some(pair(0, 200)), Some(pair(0, 50))]);
    }

    #[test]
    fn a_flow_without_counters_is_a_gap() {
        let mut scene = Scene::new();
        scene.tell(Origin::New, 80, None);
        let id = scene.table.find(&key(80)).unwrap();
        scene.chart(Of::Flow(id), "");
        scene.now = scene.now.after(Duration::from_secs(1));
        scene
            .chronicle
            .read(&scene.table, &mut scene.knowledge, scene.now);
        let chart = scene.chart(Of::Flow(id), "").unwrap();
        assert_eq!(newest(&chart, 60), vec![None; 60]);
    }

    #[test]
    fn few_traces_are_kept_and_not_for_ever() {
        let mut scene = Scene::new();
        scene.read(&[(80, (0, 0))]);
        for port in 1..20 {
            scene.chart(service(port), "");
        }
        // The newest is forgotten at the next question at the latest.
        assert!(scene.chronicle.traces.len() <= TRACES + 1);
        // Filters that are typed leave nothing.
        for port in 1..20 {
            let filter = Filter::parse(&format!("port {port}")).ok().map(Arc::new);
            scene.ask(&Query {
                filter,
                ..Query::of(Scope::EVERYTHING)
            });
        }
        assert!(scene.chronicle.traces.len() <= TRACES + 1);
        scene.ask(&Query::of(Scope::EVERYTHING));
        assert!(scene.chronicle.traces.len() <= TRACES);
        scene.now = scene.now.after(TRACED);
        scene.read(&[]);
        assert!(scene.chronicle.traces.is_empty());
    }
}
