//! The library below the binary under load: storms of events, loss, dumps of
//! large tables while they change, and ends in the middle of all that.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod watch;

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use flowtop::collect::pace::{self, Pace};
use flowtop::collect::{Clock, Delivery, Inquiry, Kernel, Settings, Source as _};
use flowtop::engine::{self, Core, EngineError, Facts, Input, Recorder, Sampling, Viewer};
use flowtop::enrich::Knowledge;
use flowtop::enrich::services::Services;
use flowtop::flow::{Key, Moment, Scope, Tuple};
use flowtop::table::{Change, EndReason, Flow, Table};
use flowtop::view::{Query, View};
use lab::entries::Entry;
use lab::traffic::UdpService;
use lab::{Host, eventually};
use watch::{DUMPS, LISTEN, TINY, Told, Watch};

/// Kernel memory of one queued event (`skb->truesize`).
const EVENT_BYTES: usize = 1280;

const EVENTS: &str = "net/netfilter/nf_conntrack_events";

fn entries(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Entry> {
    numbers.map(Entry::numbered)
}

/// The kernel's flows by the laboratory's own reading.
fn keys_of(host: &Host) -> HashSet<Key> {
    let keys = host.flows().into_iter().map(|seen| Key {
        zone: seen.zone,
        orig: seen.orig,
    });
    keys.collect()
}

fn keys_in(table: &Table) -> HashSet<Key> {
    table.flows().map(|(_, flow)| *flow.key()).collect()
}

#[test]
fn fault_09_a_loss_is_counted_to_the_event_and_mended() {
    lab::run(
        "fault_09_a_loss_is_counted_to_the_event_and_mended",
        |lab| {
            let here = lab.here();
            let mut watch = Watch::with_channel(here, TINY, 4);
            watch.refresh();
            // Nobody reads meanwhile, so that there is no room for most of them.
            here.create_flows(entries(0..20_000));
            watch.until("each birth is either told or counted as lost", |watch| {
                watch.born().count() as u64 + watch.table.lost() == 20_000
            });
            assert!(watch.table.lost() > 10_000, "{}", watch.table.lost());
            assert_eq!(watch.shed, [true], "changes are given up first");
            assert!(watch.table.updates_shed());
            watch.refresh();
            watch.assert_is(here);
            assert_eq!(watch.table.len(), 20_000);
            assert_eq!(watch.born().count(), 20_000);

            let lost = watch.table.lost();
            here.flush_flows();
            watch.until("each end is either told or counted as lost", |watch| {
                watch.ended().count() as u64 + watch.table.lost() - lost == 20_000
            });
            assert!(watch.table.lost() > lost);
            watch.refresh();
            assert!(watch.table.is_empty());
            assert_eq!(watch.ended().count(), 20_000, "each ends once");
            let reasons: HashSet<_> = watch
                .ended()
                .filter_map(Flow::end_reason)
                .map(EndReason::name)
                .collect();
            assert_eq!(reasons, HashSet::from(["deleted", "vanished"]));

            // No thread has ended over it (faults 9 and 36).
            here.create_flows(entries(0..1));
            watch.until("events still arrive", |watch| watch.table.len() == 1);
            here.flush_flows();
            watch.until("ends as well", |watch| watch.table.is_empty());
        },
    );
}

#[test]
fn a_storm_that_fits_the_buffer_loses_nothing() {
    lab::run("a_storm_that_fits_the_buffer_loses_nothing", |lab| {
        let here = lab.here();
        let mut watch = Watch::start(here, LISTEN);
        let buffer = watch.kernel().receive_buffer().expect("listening");
        // An ordinary user's buffer is as large as net.core.rmem_max allows.
        let burst = (buffer.bytes / EVENT_BYTES / 2).min(20_000) as u32;
        for first in (0..20_000).step_by(burst as usize) {
            let last = (first + burst).min(20_000);
            here.create_flows(entries(first..last));
            watch.until("the births are told", |w| w.table.len() == last as usize);
        }
        assert_eq!(watch.born().count(), 20_000);
        watch.refresh();
        watch.assert_is(here);
        let gone: Vec<Tuple> = here
            .flows()
            .iter()
            .map(|seen| seen.orig)
            .take(500)
            .collect();
        for (number, orig) in (1..).zip(&gone) {
            here.delete_flow(orig);
            watch.until("its end is told", |w| w.ended().count() == number);
        }
        assert!(
            watch
                .ended()
                .all(|f| f.end_reason() == Some(EndReason::Deleted))
        );
        watch.refresh();
        watch.assert_is(here);
        assert_eq!(watch.table.len(), 19_500);
        assert_eq!((watch.table.lost(), watch.shed.len()), (0, 0));
        assert_eq!((watch.born().count(), watch.ended().count()), (20_000, 500));
    });
}

#[test]
fn an_end_that_both_an_event_and_a_dump_tell_is_one() {
    lab::run("an_end_that_both_an_event_and_a_dump_tell_is_one", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        here.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        for settings in [LISTEN, TINY] {
            here.create_flows(entries(0..20_000));
            let mut watch = Watch::start(here, settings);
            watch.refresh();
            assert_eq!(watch.table.len(), 20_000);
            // The dump runs while thousands of ends are yet to be read.
            here.flush_flows();
            watch.refresh();
            watch.until("each end is told or counted as lost", |watch| {
                let heard = watch
                    .ended()
                    .filter(|f| f.end_reason() == Some(EndReason::Deleted));
                heard.count() as u64 + watch.table.lost() >= 20_000
            });
            assert!(watch.table.is_empty());
            assert_eq!(watch.ended().count(), 20_000);
            let totals = watch.table.totals().within(Scope::EVERYTHING);
            assert_eq!((totals.born, totals.ended), (0, 20_000));
        }
    });
}

/// Makes flows and removes four of five until told to end.
fn churn(host: &Host, first: u32, stop: &AtomicBool) {
    let mut next = first;
    while !stop.load(Ordering::Relaxed) {
        let numbers = next..next + 20;
        next += 20;
        host.create_flows(entries(numbers.clone()));
        for number in numbers.filter(|number| number % 5 > 0) {
            host.delete_flow(&Entry::numbered(number).orig());
        }
    }
}

#[test]
fn a_large_table_that_changes_during_its_dumps_is_the_kernel_s_in_the_end() {
    lab::run(
        "a_large_table_that_changes_during_its_dumps_is_the_kernel_s_in_the_end",
        |lab| {
            let here = lab.here();
            here.set_sysctl(EVENTS, "1");
            here.create_flows(entries(0..50_000));
            let mut watch = Watch::start(here, LISTEN);
            let stop = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| churn(here, 100_000, &stop));
                scope.spawn(|| churn(here, 200_000, &stop));
                for _ in 0..4 {
                    watch.refresh();
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert!(watch.ended().count() > 0, "something happened meanwhile");
            watch.refresh();
            assert_eq!(keys_in(&watch.table), keys_of(here));
            assert!(watch.table.len() > 50_000);
            if watch.table.lost() == 0 {
                // Each that began and is no longer here has ended once. After
                // a loss an end can be all that is told.
                let gone = watch.born().count() + 50_000 - watch.table.len();
                assert_eq!(watch.ended().count(), gone);
            }
        },
    );
}

/// What an engine needs, watching a host.
fn core(host: &Host, settings: Settings) -> (Core, SyncSender<Input>, Receiver<Input>) {
    let clock = Clock::start();
    let (out, inputs) = sync_channel(64);
    let kernel = host
        .enter(|| Kernel::start(settings, clock, &out))
        .expect("permitted");
    let pace = Pace::new(pace::Settings {
        interval: Duration::from_millis(100),
        share: 1.0,
    });
    (
        Core::new(Table::new(), Box::new(kernel), clock, pace),
        out,
        inputs,
    )
}

/// Hands every change to the test.
struct Messenger(Sender<Told>);

impl Recorder for Messenger {
    fn record(&mut self, change: &Change<'_>, _: Moment) {
        // The test has seen enough when it no longer listens.
        let _ = self.0.send(change.into());
    }

    fn begin(&mut self, _: &Table) {}

    fn flush(&mut self, _: Moment) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `test` beside [`engine::events`], which it must see end.
fn beside_events(host: &Host, settings: Settings, test: impl FnOnce(&Receiver<Told>)) {
    let (core, stop, inputs) = core(host, settings);
    let (sender, told) = channel();
    thread::scope(|scope| {
        let engine = scope.spawn(move || engine::events(core, inputs, &mut Messenger(sender)));
        test(&told);
        stop.send(Input::Stop).expect("the engine runs");
        let result = engine.join().expect("no panic");
        assert!(matches!(result, Ok(())), "{result:?}");
    });
}

/// Follows what is told, until a condition holds for the flows that live.
fn follow(
    told: &Receiver<Told>,
    live: &mut HashSet<Key>,
    what: &str,
    mut condition: impl FnMut(&HashSet<Key>, &Told) -> bool,
) {
    let mut met = false;
    eventually(what, || {
        while let Ok(told) = told.try_recv() {
            match &told {
                Told::Born(flow) => drop(live.insert(*flow.key())),
                Told::Ended(flow) => drop(live.remove(flow.key())),
                Told::Changed(_) | Told::Lost(_) => {}
            }
            met |= condition(live, &told);
        }
        met
    });
}

#[test]
fn fault_36_events_go_on_after_a_storm_and_add_up() {
    lab::run("fault_36_events_go_on_after_a_storm_and_add_up", |lab| {
        let here = lab.here();
        here.set_sysctl(EVENTS, "1");
        here.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        let first = Entry::numbered(0).orig();
        here.create_flows(entries(0..1));
        beside_events(here, TINY, |told| {
            // Only a dump tells counters: it has been taken in.
            let mut mark = 0;
            eventually("the first dump is in", || {
                mark += 1;
                here.mark_flow(&first, mark);
                told.try_iter()
                    .any(|told| matches!(told, Told::Changed(flow) if flow.counters().is_some()))
            });
            let mut live = HashSet::new();
            here.create_flows(entries(1..20_000));
            follow(told, &mut live, "all are told", |live, _| {
                live.len() == 19_999
            });
            here.flush_flows();
            follow(told, &mut live, "all ends are told", |live, _| {
                live.is_empty()
            });
            here.create_flows(entries(0..1));
            follow(told, &mut live, "it goes on", |live, _| live.len() == 1);
        });
    });
}

#[test]
fn events_tell_the_end_of_what_was_born_unheard() {
    lab::run("events_tell_the_end_of_what_was_born_unheard", |lab| {
        let here = lab.here();
        // As with 2 while nobody listens.
        here.set_sysctl(EVENTS, "0");
        here.create_flows(entries(0..10));
        here.set_sysctl(EVENTS, "1");
        here.create_flows(entries(10..11));
        let heard = Entry::numbered(10).orig();
        beside_events(here, LISTEN, |told| {
            here.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
            here.create_flows(entries(11..12));
            let probe = Entry::numbered(11).orig();
            let mut mark = 0;
            eventually("the first dump is in", || {
                mark += 1;
                here.mark_flow(&probe, mark);
                told.try_iter()
                    .any(|told| matches!(told, Told::Changed(flow) if flow.counters().is_some()))
            });
            here.flush_flows();
            let mut ends = Vec::new();
            follow(told, &mut HashSet::new(), "all ends are told", |_, told| {
                if let Told::Ended(flow) = told {
                    ends.push((flow.key().orig, flow.end_reason()));
                }
                ends.len() == 12
            });
            for (orig, reason) in ends {
                let expected = if [heard, probe].contains(&orig) {
                    EndReason::Deleted
                } else {
                    EndReason::Vanished
                };
                assert_eq!(reason, Some(expected), "{orig:?}");
            }
        });
    });
}

#[test]
fn samples_show_what_is_there_and_no_more() {
    lab::run("samples_show_what_is_there_and_no_more", |lab| {
        let net = lab.router();
        let router = &net.router;
        router.set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        router.set_sysctl(EVENTS, "0");
        router.track();
        let service = UdpService::bind(&net.server, "198.51.100.20:9");
        let conversation = service.connect(&net.client);
        conversation.exchange(100, 200);
        router.create_flows(entries(0..100));
        for settings in [DUMPS, LISTEN] {
            let (core, _out, inputs) = core(router, settings);
            let sampling = Sampling {
                count: 3,
                interval: Duration::from_millis(100),
            };
            let mut samples = Vec::new();
            engine::samples(core, inputs, sampling, |table: &Table, now: Moment| {
                let udp = table.flows().map(|(_, flow)| flow);
                let udp: Vec<_> = udp
                    .filter(|flow| flow.key().orig.dport() == Some(9))
                    .cloned()
                    .collect();
                assert_eq!(udp.len(), 1);
                assert_eq!(keys_in(table), keys_of(router));
                samples.push((table.len(), udp[0].bytes_per_sec(), now));
                // Before the next sample, some end in silence, others begin.
                let number = samples.len() as u32;
                for number in number * 10..number * 10 + 10 {
                    router.delete_flow(&Entry::numbered(number).orig());
                }
                router.create_flows(entries(number * 1000..number * 1000 + 5));
                conversation.exchange(100, 200);
                Ok(())
            })
            .expect("a source and a writer without errors");
            let sizes: Vec<_> = samples.iter().map(|(size, ..)| *size).collect();
            assert_eq!(sizes, [101, 96, 91]);
            assert_eq!(samples[0].1, None, "one reading is no rate");
            for (_, rate, _) in &samples[1..] {
                let rate = rate.expect("two readings");
                assert!(rate.orig > 0 && rate.reply > rate.orig, "{rate:?}");
            }
            assert!(samples.is_sorted_by_key(|(_, _, at)| at.mono_ns));
            router.flush_flows();
            conversation.exchange(100, 200);
            router.create_flows(entries(0..100));
        }
    });
}

#[test]
fn a_writer_that_fails_ends_the_samples() {
    lab::run("a_writer_that_fails_ends_the_samples", |lab| {
        let (core, _out, inputs) = core(lab.here(), DUMPS);
        let sampling = Sampling {
            count: 1000,
            interval: Duration::from_secs(1000),
        };
        let result = engine::samples(core, inputs, sampling, |_: &Table, _: Moment| {
            Err(io::ErrorKind::BrokenPipe.into())
        });
        let Err(EngineError::Output(error)) = result else {
            panic!("{result:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_viewer_answers_with_live_views() {
    lab::run("a_viewer_answers_with_live_views", |lab| {
        let net = lab.router();
        net.router
            .set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        net.router.track();
        let (core, out, inputs) = core(&net.router, LISTEN);
        let (views, seen) = sync_channel::<Arc<View>>(1);
        let (services, _) = Services::load(&flowtop::enrich::services::Settings::default());
        let viewer = Viewer {
            observer: None,
            health: flowtop::view::health::Settings::default(),
            knowledge: Knowledge::new(services),
            resolver: None,
            asker: None,
            sources: None,
            hint: None,
            reopen_places: Box::new(|_| {}),
            places_every: Duration::from_secs(1000),
            interval: Duration::from_millis(100),
            probe: |empty: bool| Facts {
                tracking_wanted: empty.then_some(true),
                ..Facts::default()
            },
            warnings: vec!["a warning".to_owned()],
            place_warnings: vec!["another".to_owned()],
        };
        let query = Query {
            height: 10,
            number: 1,
            ..Query::of(Scope::EVERYTHING)
        };
        let engine = thread::spawn(move || viewer.run(core, inputs, &views));
        out.send(Input::Query(query.clone()))
            .expect("the engine runs");
        let view_of = |what: &str, condition: &dyn Fn(&View) -> bool| {
            let mut found = None;
            eventually(what, || {
                found = seen.try_recv().ok().filter(|view| condition(view));
                found.is_some()
            });
            found.expect("just found")
        };
        let view = view_of("an empty table", &|view| view.status.synced);
        assert_eq!(
            (view.matching, view.status.tracking_wanted),
            (0, Some(true))
        );
        assert_eq!(view.status.warnings, ["a warning", "another"]);

        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        let conversation = service.connect(&net.client);
        conversation.exchange(100, 200);
        view_of("a flow", &|view| view.matching == 1);
        let view = view_of("a rate", &|view| {
            conversation.exchange(100, 200);
            view.rows[0]
                .flow
                .bytes_per_sec()
                .is_some_and(|rate| rate.reply > 0)
                && view.bytes_per_sec.is_some_and(|rate| rate.reply > 0)
        });
        assert_eq!(view.rows[0].service.as_deref(), Some("domain"));
        assert_eq!(view.status.tracking_wanted, None);
        let scope = Scope::default();
        let narrow = Query {
            scope,
            number: 2,
            ..query
        };
        out.send(Input::Query(narrow.clone()))
            .expect("the engine runs");
        let view = view_of("the narrow view", &|view| view.query == narrow);
        assert_eq!((view.matching, view.out_of_scope), (0, 1));
        net.router.flush_flows();
        let view = view_of("the end", &|view| view.out_of_scope == 0);
        assert_eq!(view.totals.ended, 0, "of the narrow scope");
        drop(seen);
        let result = engine.join().expect("no panic");
        assert!(matches!(result, Ok(())), "{result:?}");
    });
}

#[test]
fn a_source_ends_whatever_its_threads_wait_for() {
    lab::run_within(
        Duration::from_secs(30),
        "a_source_ends_whatever_its_threads_wait_for",
        |lab| {
            let here = lab.here();
            here.create_flows(entries(0..10_000));
            let start = |batches| {
                let (out, deliveries) = sync_channel::<Delivery>(batches);
                let kernel = here.enter(|| Kernel::start(LISTEN, Clock::start(), &out));
                (kernel.expect("permitted"), deliveries)
            };
            // At once.
            drop(start(1));
            // Both threads wait for room in the channel.
            let (kernel, deliveries) = start(1);
            kernel.inquire(Inquiry::Dump);
            here.create_flows(entries(10_000..11_000));
            thread::sleep(Duration::from_millis(20));
            drop(kernel);
            // What was on its way is still there, and then nothing comes.
            assert_eq!(deliveries.iter().count(), 1);
            // The same while nobody is there to read.
            let (kernel, deliveries) = start(1);
            kernel.inquire(Inquiry::Dump);
            kernel.inquire(Inquiry::Dump);
            drop(deliveries);
            here.create_flows(entries(11_000..12_000));
            drop(kernel);
            // In the middle of a dump that is being read, and with more to do.
            let (kernel, deliveries) = start(1);
            let keys: Vec<Key> = keys_of(here).into_iter().collect();
            kernel.inquire(Inquiry::Dump);
            kernel.inquire(Inquiry::Get(keys));
            thread::scope(|scope| {
                scope.spawn(move || {
                    let rows = |delivery: Delivery| match delivery {
                        Delivery::Batch(batch) => batch.updates.len(),
                        Delivery::Odd(_) => 0,
                        Delivery::Failed(error) => panic!("{error}"),
                    };
                    assert!(deliveries.iter().map(rows).sum::<usize>() > 0);
                });
                drop(kernel);
            });
        },
    );
}

#[test]
fn an_engine_ends_when_told_in_the_middle_of_a_storm() {
    lab::run("an_engine_ends_when_told_in_the_middle_of_a_storm", |lab| {
        let here = lab.here();
        here.create_flows(entries(0..5000));
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| churn(here, 100_000, &stop));
            for _ in 0..5 {
                beside_events(here, TINY, |told| {
                    drop(told.recv().expect("something happens"));
                });
            }
            stop.store(true, Ordering::Relaxed);
        });
    });
}
