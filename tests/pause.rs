//! A paused view: the engine answers from the picture that it took, whatever
//! happens to the flows meanwhile.
//!
//! The engine is the real one; its source is a queue that the test fills.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flowtop::collect::pace::{self, Pace};
use flowtop::collect::{Clock, Delivery, Inquiry, ReceiveBuffer, Source, SourceKind};
use flowtop::engine::{Core, EngineError, Facts, Input, Viewer};
use flowtop::enrich::services::{self, Services};
use flowtop::enrich::{Knowledge, Timeouts};
use flowtop::flow::{
    Batch, Counters, Key, L4, Origin, Pair, Protocol, Report, Scope, Tuple, Update,
};
use flowtop::table::Table;
use flowtop::view::column::ColumnId;
use flowtop::view::health;
use flowtop::view::{Group, Grouping, List, Page, Query, Sort, SortKey, Subject, View};

/// Says nothing by itself: the test does.
struct Told;

impl Source for Told {
    fn kind(&self) -> SourceKind {
        SourceKind::Conntrack
    }
    fn inquire(&self, _: Inquiry) {}
    fn receive_buffer(&self) -> Option<ReceiveBuffer> {
        None
    }
    fn stop(&mut self) {}
    fn close(&mut self) {}
}

/// An engine that runs, and both ends of its channels.
struct Engine {
    inputs: SyncSender<Input>,
    views: Receiver<Arc<View>>,
    thread: JoinHandle<Result<(), EngineError>>,
    clock: Clock,
    query: Query,
}

impl Engine {
    fn start() -> Self {
        let clock = Clock::start();
        let (inputs, taken) = sync_channel(64);
        let (out, views) = sync_channel(64);
        let (services, _) = Services::load(&services::Settings::default());
        let interval = Duration::from_millis(50);
        let viewer = Viewer {
            knowledge: Knowledge::new(services),
            resolver: None,
            asker: None,
            observer: None,
            health: health::Settings::default(),
            sources: None,
            hint: None,
            reopen_places: Box::new(|_| {}),
            places_every: Duration::from_secs(3600),
            interval,
            probe: |_| Facts::default(),
            timeouts: Box::new(Timeouts::default),
            max_ended: 100,
            warnings: Vec::new(),
            place_warnings: Vec::new(),
        };
        let pace = Pace::new(pace::Settings {
            interval,
            share: 0.1,
        });
        let core = Core::new(Table::new(), Box::new(Told), clock, pace);
        let query = Query {
            height: 20,
            ..Query::of(Scope::EVERYTHING)
        };
        Self {
            thread: thread::spawn(move || viewer.run(core, taken, &out)),
            inputs,
            views,
            clock,
            query,
        }
    }

    fn tell(&self, updates: Vec<Update>) {
        let at = self.clock.now();
        let batch = Batch { at, updates };
        self.inputs
            .send(Input::Source(Delivery::Batch(batch)))
            .unwrap();
    }

    /// The first answer to a question that is asked now. What was told before
    /// is in it: one channel brings both.
    fn ask(&mut self, change: impl FnOnce(&mut Query)) -> Arc<View> {
        change(&mut self.query);
        self.query.number += 1;
        let number = self.query.number;
        self.inputs.send(Input::Query(self.query.clone())).unwrap();
        loop {
            let view = self.views.recv_timeout(Duration::from_secs(30)).unwrap();
            if view.query.number == number {
                return view;
            }
        }
    }

    fn end(self) {
        self.inputs.send(Input::Stop).unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

fn about(host: u8, origin: Origin, bytes: u64) -> Update {
    let l4 = L4::Ports {
        src: 40_000,
        dst: if host.is_multiple_of(2) { 443 } else { 22 },
    };
    let orig = Tuple::v4(
        [10, 0, 0, host].into(),
        [192, 0, 2, 1].into(),
        Protocol::TCP,
        l4,
    );
    let mut report = Report::about(Key { zone: 0, orig }, origin);
    let counters = Counters {
        packets: bytes / 100,
        bytes,
    };
    report.counters = Some(Pair {
        orig: counters,
        reply: Counters::default(),
    });
    Update::Flow(report)
}

/// The last byte of each source and what it has sent, in the order of the view.
fn rows(view: &View) -> Vec<(u8, u64)> {
    let row = |row: &flowtop::view::ViewRow| {
        let host = match row.flow.key().orig.src() {
            std::net::IpAddr::V4(host) => host.octets()[3],
            std::net::IpAddr::V6(host) => panic!("{host}"),
        };
        (host, row.flow.counters().unwrap().orig.bytes)
    };
    view.rows.iter().map(row).collect()
}

#[test]
fn a_paused_view_answers_every_question_as_of_its_moment() {
    let mut engine = Engine::start();
    let begun = [1, 2, 3].map(|host| about(host, Origin::New, u64::from(host) * 1000));
    engine.tell(begun.to_vec());
    let live = engine.ask(|_| {});
    assert_eq!(rows(&live), [(3, 3000), (2, 2000), (1, 1000)]);
    assert_eq!(live.at, live.answered_at);

    let paused = engine.ask(|query| query.paused = true);
    // One goes, one comes, one moves on.
    engine.tell(vec![
        about(3, Origin::Destroyed, 9000),
        about(4, Origin::New, 7000),
        about(1, Origin::Changed, 8000),
    ]);
    let later = engine.ask(|query| query.height = 10);
    assert_eq!(rows(&later), rows(&paused));
    assert_eq!((later.at, later.totals), (paused.at, paused.totals));
    assert!(later.answered_at.mono_ns > later.at.mono_ns);

    // Other questions are answered from the same picture.
    let turned = engine.ask(|query| {
        query.sort = Sort {
            descending: false,
            ..SortKey::Column(ColumnId::OrigBytes).sort()
        };
    });
    assert_eq!(rows(&turned), [(1, 1000), (2, 2000), (3, 3000)]);
    let only = engine.ask(|query| query.filter = Some(Arc::new("port 22".parse().unwrap())));
    assert_eq!(rows(&only).len(), 2);
    assert_eq!(only.filtered_out, 1);
    let hosts = engine.ask(|query| {
        query.filter = None;
        query.list = List::By(Grouping::Service);
    });
    let ssh = |row: &&flowtop::view::GroupRow| match row.group {
        Group::Service(service) => service.port == Some(22),
        _ => false,
    };
    let ssh = hosts.groups.iter().find(ssh).unwrap();
    assert_eq!((ssh.flows, ssh.counters.unwrap().orig.bytes), (2, 4000));

    // The flow that has ended since can be looked at: then it was there.
    let gone = paused.rows[0].id;
    let detail = engine.ask(|query| {
        query.list = List::Flows;
        query.sort = Sort::default();
        query.detail = Some(Subject::Flow(gone));
    });
    assert!(!detail.detail.as_ref().unwrap().is_over);

    // What has happened is there at once, and the next pause is of its own
    // moment.
    let live = engine.ask(|query| (query.paused, query.detail) = (false, None));
    assert_eq!(rows(&live), [(1, 8000), (4, 7000), (2, 2000)]);
    let again = engine.ask(|query| query.paused = true);
    assert_eq!(rows(&again), rows(&live));
    assert!(again.at.mono_ns > paused.at.mono_ns);
    engine.end();
}

#[test]
fn a_pause_that_nobody_saw_the_end_of_is_a_new_one() {
    let mut engine = Engine::start();
    engine.tell(vec![about(1, Origin::New, 1000)]);
    assert_eq!(rows(&engine.ask(|query| query.paused = true)), [(1, 1000)]);
    engine.tell(vec![about(2, Origin::New, 2000)]);
    // Both questions come in one burst: the first may never be answered.
    let mut resumed = engine.query.clone();
    resumed.paused = false;
    engine.inputs.send(Input::Query(resumed)).unwrap();
    assert_eq!(rows(&engine.ask(|_| {})), [(2, 2000), (1, 1000)]);
    engine.end();
}

#[test]
fn health_is_that_of_the_moment_of_the_pause() {
    let mut engine = Engine::start();
    let flows = |view: &View| view.health.as_ref().unwrap().census.flows;
    engine.tell(vec![about(1, Origin::New, 1000)]);
    assert_eq!(flows(&engine.ask(|query| query.page = Page::Health)), 1);
    // Paused elsewhere, later on: not as it was when somebody last looked.
    engine.tell(vec![about(2, Origin::New, 1000)]);
    engine.ask(|query| query.page = Page::List);
    engine.ask(|query| query.paused = true);
    engine.tell(vec![about(3, Origin::New, 1000)]);
    assert_eq!(flows(&engine.ask(|query| query.page = Page::Health)), 2);
    engine.tell(vec![about(4, Origin::New, 1000)]);
    assert_eq!(flows(&engine.ask(|query| query.height = 10)), 2);
    // Paused while somebody looks.
    assert_eq!(flows(&engine.ask(|query| query.paused = false)), 4);
    engine.ask(|query| query.paused = true);
    engine.tell(vec![about(5, Origin::New, 1000)]);
    assert_eq!(flows(&engine.ask(|query| query.height = 20)), 4);
    engine.end();
}
