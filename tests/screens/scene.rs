//! Things to look at: tables made of updates, and viewers that look at them.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use flowtop::enrich::Baseline;
use flowtop::enrich::geoip::{self, GeoIp};
use flowtop::enrich::names::{Answer, Source};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, State as Ct, Status, Tuple,
    Update,
};
use flowtop::table::{Change, Flow, Table};
use flowtop::tui::memory::Memory;
use flowtop::tui::theme::{Depth, Themes};
use flowtop::tui::{Effects, Keymap, Message, Multiplexer, Settings, Size, State, draw};
use flowtop::view::chart::Chart;
use flowtop::view::column::{Choice, Hosts};
use flowtop::view::filter::Definitions;
use flowtop::view::group::Widths;
use flowtop::view::health::{self, Health, SourceHealth};
use flowtop::view::history::Sample;
use flowtop::view::mask::Mask;
use flowtop::view::units::{RateUnit, Tiers};
use flowtop::view::{
    Interfaces, Knowledge, Ledger, Page, PlaceSource, Query, Row, Status as SourceStatus, View,
    Vigil,
};
use flowtop::vitals::{Fill, Vitals};
use jiff::tz::TimeZone;
use mmdb_writer::IpVersion;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::databases::{BUILT, Dir, database, texts};

/// 14:32:07 UTC.
const NOW: Moment = Moment {
    mono_ns: 1_000_000 * SECOND,
    real_ns: 1_700_058_727 * SECOND,
};
const SECOND: u64 = 1_000_000_000;

/// A small router on an ordinary evening. Bytes are those of a flow so far, and
/// those of its last second.
const EVENING: &str = "
proto state       status   age     from          sport  to                dport        up       down     up/s   down/s nat
tcp   established assured  7440    192.168.1.23  54321  198.51.100.80       443  71200000 4210000000   210000 12400000 203.0.113.1
udp   -           assured  48      192.168.1.40  40112  203.0.113.7         443   1900000  152000000    41000  3100000 203.0.113.1
tcp   established assured  302     2001:db8:85a3:1234:5678:8a2e:1370:7334 50210 2001:db8:4006:80f:1c2a:aaff:fe01:200e 443 880000 61000000 9200 1080000 -
tcp   established assured  93784   192.168.1.9   61022  192.168.1.2        2049 18000000000 940000000  640000    22000 -
tcp   established assured  264000  198.51.100.20 61022  192.168.1.9          22   1200000   48100000      860     1200 -
tcp   established assured  61      fd00:1::17    40022  fd00:1::1          8883      9800      10400        0      120 -
udp   -           replied  3       192.168.1.23  51812  192.168.1.1          53        78        142       78      142 -
tcp   time_wait   assured  12      192.168.1.23  54330  198.51.100.81        80      1400      23000        0        0 -
tcp   syn_sent    -        2       192.168.1.77  50100  192.0.2.99         8883       180          0       60        0 -
icmp  -           replied  35      192.168.1.9      77  192.0.2.53            0      2940       2940       84       84 -
tcp   established assured  -       192.168.1.30  33060  198.51.100.7       5432         -          -        -        - -
tcp   -           offload  5000    192.168.1.31  33061  198.51.100.9        993      5000       9000        0        0 -
gre   -           assured  1036800 192.0.2.1         0  192.0.2.2            23     44000      51000        0        0 -
sctp  established assured  600     192.168.1.50   2905  198.51.100.3       2905    640000     700000      300      410 -
udp   -           -        1       192.168.1.88   5353  224.0.0.251        5353        60          0       60        0 -
";

/// A small router that talks to the world. The public addresses are from ranges
/// that databases for tests use; where they are, [`ATLAS`] makes up.
const WORLD: &str = "
proto state       status   age     from          sport  to                dport        up       down     up/s   down/s nat
tcp   established assured  7440    192.168.1.23  54321  216.160.83.56       443  71200000 4210000000   210000 12400000 203.0.113.1
udp   -           assured  48      192.168.1.40  40112  216.160.83.57       443   1900000  152000000    41000  3100000 203.0.113.1
tcp   established assured  302     2001:db8:85a3:1234:5678:8a2e:1370:7334 50210 2001:218:4006:80f:1c2a:aaff:fe01:200e 443 880000 61000000 9200 1080000 -
tcp   established assured  93784   192.168.1.9   61022  89.160.20.112      2049 18000000000 940000000  640000    22000 -
tcp   established assured  264000  81.2.69.142   61022  192.168.1.9          22   1200000   48100000      860     1200 -
udp   -           replied  3       192.168.1.23  51812  192.168.1.1          53        78        142       78      142 -
tcp   time_wait   assured  12      192.168.1.23  54330  216.160.83.60        80      1400      23000        0        0 203.0.113.1
tcp   syn_sent    -        2       192.168.1.77  50100  175.16.199.9       8883       180          0       60        0 203.0.113.1
icmp  -           replied  35      192.168.1.9      77  216.160.83.61         0      2940       2940       84       84 203.0.113.1
udp   -           assured  700     192.168.1.31  33061  5.63.151.1        51820      5000       9000       20       30 203.0.113.1
";

/// Networks, their country, system and organisation.
const ATLAS: &[(&str, &[(&str, &str)])] = &[
    (
        "216.160.83.56/30",
        &[
            ("country_code", "US"),
            ("asn", "AS64500"),
            ("as_name", "Example Delivery"),
        ],
    ),
    (
        "216.160.83.60/30",
        &[
            ("country_code", "US"),
            ("asn", "AS64501"),
            (
                "as_name",
                "A Hosting Company Whose Name Is Long, Incorporated",
            ),
        ],
    ),
    (
        "2001:218::/32",
        &[
            ("country_code", "JP"),
            ("asn", "AS64502"),
            ("as_name", "Example Research"),
        ],
    ),
    (
        "81.2.69.0/24",
        &[("country_code", "GB"), ("asn", "AS64503")],
    ),
    ("89.160.20.0/24", &[("country_code", "SE")]),
    ("175.16.199.0/24", &[("country_code", "CN")]),
];

/// Names of some hosts of [`WORLD`].
const NAMES: &[(&str, &str)] = &[
    ("192.168.1.1", "router.lan"),
    ("192.168.1.23", "laptop.lan"),
    ("216.160.83.56", "edge-7.video.example"),
    ("216.160.83.60", "www.example"),
    (
        "2001:218:4006:80f:1c2a:aaff:fe01:200e",
        "host-with-a-long-name.customers.research.example",
    ),
    ("2001:db8:85a3:1234:5678:8a2e:1370:7334", "tablet.lan"),
];

/// [`ATLAS`] as a database.
static PLACES: LazyLock<Arc<GeoIp>> = LazyLock::new(|| {
    let records: Vec<_> = ATLAS.iter().map(|(net, of)| (*net, texts(of))).collect();
    let dir = Dir::new("screens");
    dir.write(
        "atlas.mmdb",
        &database("atlas", IpVersion::V6, BUILT, &records),
    );
    let (geoip, warnings) = GeoIp::open(geoip::Settings {
        enabled: true,
        named_dir: None,
        dirs: vec![dir.path().to_owned()],
        embedded: false,
    });
    assert_eq!(warnings, []);
    Arc::new(geoip)
});

/// One flow of a scene.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub(crate) orig: Tuple,
    state: Option<Ct>,
    status: Status,
    age_secs: Option<u64>,
    /// Bytes of orig and reply so far, and within the last second.
    bytes: Option<[u64; 4]>,
    /// Where answers go, if not to the source.
    nat: Option<IpAddr>,
}

impl Line {
    /// Reads a line of a table such as [`EVENING`].
    pub(crate) fn parse(line: &str) -> Self {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| columns[index].parse::<u64>().ok();
        let port = |index: usize| number(index).unwrap_or_default() as u16;
        let address = |index: usize| columns[index].parse::<IpAddr>().ok();
        let proto = (0..=u8::MAX)
            .map(Protocol)
            .find(|proto| proto.to_string() == columns[0])
            .expect("a protocol");
        let l4 = match proto {
            Protocol::ICMP => L4::Icmp {
                kind: 8,
                code: 0,
                id: port(5),
            },
            _ => L4::Ports {
                src: port(5),
                dst: port(7),
            },
        };
        let ends = address(4).zip(address(6)).expect("two addresses");
        let states = (0..10).map(|n| match proto {
            Protocol::SCTP => Ct::Sctp(n),
            _ => Ct::Tcp(n),
        });
        let replied = Status::CONFIRMED | Status::SEEN_REPLY;
        Self {
            orig: Tuple::new(ends.0, ends.1, proto, l4).expect("one family"),
            state: states.into_iter().find(|s| s.name() == Some(columns[1])),
            status: match columns[2] {
                "assured" => replied | Status::ASSURED,
                "offload" => replied | Status::ASSURED | Status::OFFLOAD,
                "replied" => replied,
                _ => Status::CONFIRMED,
            },
            age_secs: number(3),
            bytes: number(8).map(|_| [8, 9, 10, 11].map(|i| number(i).unwrap_or_default())),
            nat: address(12),
        }
    }

    /// Moves nothing in the last second.
    pub(crate) fn rest(&mut self) {
        if let Some([_, _, up, down]) = &mut self.bytes {
            (*up, *down) = (0, 0);
        }
    }

    /// Whether an address is longer than any of IPv4.
    pub(crate) fn is_long(&self) -> bool {
        self.orig.dst().to_string().len() > 15
    }
}

/// See [`EVENING`].
pub(crate) fn evening() -> Vec<Line> {
    EVENING.trim().lines().skip(1).map(Line::parse).collect()
}

/// See [`WORLD`].
pub(crate) fn world() -> Vec<Line> {
    WORLD.trim().lines().skip(1).map(Line::parse).collect()
}

/// Many flows, all different; the first is the fastest.
pub(crate) fn crowd(count: u16) -> Vec<Line> {
    (0..count).map(|number| crowd_line(number, count)).collect()
}

fn crowd_line(number: u16, count: u16) -> Line {
    let rate = u64::from(count - number) * 1_000;
    let (up, down) = (rate * 10, rate * 20);
    let port = 10_000 + number;
    Line::parse(&format!(
        "tcp established assured 48 192.168.1.9 {port} 198.51.100.80 443 {up} {down} {rate} {} -",
        rate * 2
    ))
}

fn report(line: &Line, last: bool) -> Report {
    let orig = line.orig;
    let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
    report.state = line.state;
    report.status = Some(line.status);
    report.start_ns = line.age_secs.map(|secs| NOW.real_ns - secs * SECOND);
    let plain = orig.inverted();
    let to = line.nat.unwrap_or_else(|| plain.dst());
    report.reply = Tuple::new(plain.src(), to, plain.proto(), plain.l4());
    report.counters = line.bytes.map(|[orig, reply, up, down]| {
        let count = |bytes: u64, more: u64| Counters {
            packets: bytes / 800 + 1,
            bytes: if last { bytes } else { bytes - more },
        };
        Pair {
            orig: count(orig, up),
            reply: count(reply, down),
        }
    });
    report
}

/// How fast it was at the last readings, and the chart of a query.
pub(crate) type Past = fn(&Query, Moment) -> (Vec<Option<Sample>>, Option<Box<Chart>>);

/// What the engine follows besides the flows.
pub(crate) struct Pulse {
    pub(crate) fill: Fill,
    pub(crate) source: SourceHealth,
    pub(crate) vitals: Option<Arc<Vitals>>,
}

/// A viewer, the table it looks at and what answers it.
pub(crate) struct Scene {
    pub(crate) table: Table,
    pub(crate) state: State,
    pub(crate) now: Moment,
    pub(crate) status: SourceStatus,
    /// What the engine was asked last.
    pub(crate) query: Query,
    pub(crate) last: Effects,
    /// Answers while it is only looked at.
    pub(crate) knowledge: RefCell<Knowledge>,
    /// Makes up the interfaces of flows, for which there are no routes here.
    pub(crate) interfaces: Option<fn(&Row<'_>) -> Interfaces>,
    /// Makes up what the engine remembers.
    pub(crate) past: Option<Past>,
    /// What is known for the page of health besides the flows.
    pub(crate) pulse: Option<Pulse>,
    ledger: Ledger,
    /// Keeps a flow that is looked at beyond its end.
    vigil: RefCell<Vigil>,
}

impl Scene {
    pub(crate) fn new(size: (u16, u16), change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            host: "gw1".to_owned(),
            namespace: None,
            interval: Duration::from_secs(1),
            scope: Scope::EVERYTHING.with_loopback(false),
            filter: None,
            service: None,
            show_source: false,
            columns: Choice::default(),
            tiers: Tiers::default(),
            subnets: Widths::default(),
            unit: RateUnit::Bytes,
            hosts: Hosts::Name,
            memory: Memory::default(),
            keys: Keymap::default(),
            themes: themes(false),
            mask: Mask::new([7; 32], []),
            is_masked: false,
            json: flowtop::output::record,
            group_json: flowtop::output::object,
            multiplexer: Multiplexer::None,
            saved: Definitions::new([("web", "port:80,443"), ("wide", "net:0.0.0.0/0")]),
            health: health::Settings::default(),
            mouse: true,
        };
        change(&mut settings);
        let size = Size {
            width: size.0,
            height: size.1,
        };
        let state = State::new(settings, TimeZone::UTC, size, NOW);
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        knowledge.set_places(Arc::clone(&PLACES));
        Self {
            table: Table::new(),
            query: state.query().clone(),
            state,
            now: NOW,
            status: SourceStatus {
                synced: true,
                table_used: Some(18_204),
                table_max: Some(262_144),
                accounting: Some(true),
                timestamps: Some(true),
                places: vec![PlaceSource {
                    name: "atlas.mmdb".to_owned(),
                    gives: "country, network".to_owned(),
                    age_days: 3,
                    is_stale: false,
                    attribution: Some("Made up for tests, and free for all.".to_owned()),
                }],
                ..SourceStatus::default()
            },
            last: Effects::default(),
            knowledge: RefCell::new(knowledge),
            interfaces: None,
            past: None,
            pulse: None,
            ledger: Ledger::default(),
            vigil: RefCell::default(),
        }
    }

    /// Reads the kernel's table twice, a second apart, and shows it.
    pub(crate) fn with(mut self, lines: &[Line]) -> Self {
        let before = Moment {
            mono_ns: NOW.mono_ns - SECOND,
            real_ns: NOW.real_ns - SECOND,
        };
        for (at, last) in [(before, false), (NOW, true)] {
            self.apply(&Update::DumpBegin, at);
            for line in lines {
                self.apply(&Update::Flow(report(line, last)), at);
            }
            self.apply(&Update::DumpEnd { complete: true }, at);
        }
        self.answer();
        self
    }

    /// Flows of a [`crowd`], by number, get a thousand times faster.
    pub(crate) fn speed_up(&mut self, numbers: &[u16]) {
        self.now = self.now.after(Duration::from_secs(1));
        for line in numbers.iter().map(|n| crowd_line(*n, 100)) {
            let mut report = report(&line, true);
            report.origin = Origin::Fetched;
            report.start_ns = None;
            if let Some(counters) = &mut report.counters {
                counters.orig.bytes *= 1_000;
                counters.reply.bytes *= 1_000;
            }
            self.apply(&Update::Flow(report), self.now);
        }
    }

    /// A flow of a [`crowd`] ends.
    pub(crate) fn end(&mut self, number: u16) {
        self.end_of(&crowd_line(number, 100));
    }

    /// A flow ends.
    pub(crate) fn end_of(&mut self, line: &Line) {
        let mut report = report(line, true);
        report.origin = Origin::Destroyed;
        report.start_ns = None;
        report.counters = None;
        self.apply(&Update::Flow(report), self.now);
    }

    /// The kernel tells the end of a flow, with its counters.
    pub(crate) fn destroy(&mut self, line: &Line, change: impl FnOnce(&mut Report)) {
        let mut report = report(line, true);
        report.origin = Origin::Destroyed;
        report.start_ns = None;
        report.timeout_secs = None;
        change(&mut report);
        self.apply(&Update::Flow(report), self.now);
    }

    /// The kernel says something about a flow.
    pub(crate) fn tell(&mut self, line: &Line, change: impl FnOnce(&mut Report)) {
        let mut report = report(line, true);
        report.origin = Origin::Fetched;
        report.start_ns = None;
        change(&mut report);
        self.apply(&Update::Flow(report), self.now);
    }

    /// Forty seconds pass, in which a flow moves so many bytes in each: sent
    /// and answered.
    pub(crate) fn pass_time(&mut self, line: &Line, moves: impl Fn(u64) -> [u64; 2]) {
        let mut more = Pair::<u64>::default();
        for second in 0..40 {
            self.now = self.now.after(Duration::from_secs(1));
            let [orig, reply] = moves(second);
            more.orig += orig;
            more.reply += reply;
            self.tell(line, |report| {
                if let Some(counters) = &mut report.counters {
                    counters.orig.bytes += more.orig;
                    counters.orig.packets += more.orig / 700;
                    counters.reply.bytes += more.reply;
                    counters.reply.packets += more.reply / 1400;
                }
            });
        }
        self.answer();
    }

    /// Hosts of [`world`] get their names.
    pub(crate) fn name_hosts(&mut self) {
        let answers = NAMES.iter().map(|(addr, name)| Answer {
            addr: addr.parse().expect("an address"),
            name: Some(Arc::from(*name)),
            source: Source::Dns,
        });
        let knowledge = self.knowledge.get_mut();
        knowledge.merge_names(answers.collect(), self.now);
        self.answer();
    }

    fn apply(&mut self, update: &Update, at: Moment) {
        let (ledger, knowledge) = (&mut self.ledger, self.knowledge.get_mut());
        let vigil = self.vigil.get_mut();
        self.table.apply(update, at, &mut |change| {
            vigil.note(&change, knowledge, at);
            if let Change::Ended(flow) = change {
                ledger.book(flow, knowledge, at);
            }
        });
    }

    /// The view that answers the last question.
    pub(crate) fn view(&self) -> View {
        let mut knowledge = self.knowledge.borrow_mut();
        let (query, table) = (&self.query, &self.table);
        let mut view = View::compute(query, table, &self.ledger, &mut knowledge, self.now);
        let totals = self.table.flows().filter_map(|(_, f)| f.bytes_per_sec());
        self.vigil.borrow_mut().keep(&mut view);
        let detail = view.detail.iter_mut().map(|detail| &mut detail.row);
        for row in view.rows.iter_mut().chain(detail) {
            if let Some(interfaces) = self.interfaces {
                row.bearings.interfaces = interfaces(&row.row(self.now));
            }
        }
        if let Some(past) = self.past {
            (view.recent, view.chart) = past(&view.query, self.now);
        }
        view.bytes_per_sec = totals.reduce(|a, b| Pair {
            orig: a.orig + b.orig,
            reply: a.reply + b.reply,
        });
        view.born_per_sec = Some(212.0);
        view.ended_per_sec = Some(3.25);
        view.status = self.status.clone();
        if query.page == Page::Health {
            view.health = Some(Box::new(self.health(&knowledge)));
        }
        view
    }

    fn health(&self, knowledge: &Knowledge) -> Health {
        let pulse = self.pulse.as_ref();
        let known = health::Known {
            fill: pulse.map(|pulse| &pulse.fill),
            source: pulse.map(|pulse| pulse.source).unwrap_or_default(),
            vitals: pulse.and_then(|pulse| pulse.vitals.clone()),
        };
        let settings = health::Settings::default();
        Health::compute(
            &self.table,
            knowledge,
            &self.status,
            known,
            &settings,
            self.now,
        )
    }

    /// A refresh: the engine answers the last question and settles it.
    pub(crate) fn answer(&mut self) {
        self.ledger.open(&self.query);
        let view = self.view();
        self.query.settle(&view);
        self.show(view);
    }

    /// A view arrives, whatever it answers.
    pub(crate) fn show(&mut self, view: View) {
        self.send(Message::View(Arc::new(view)));
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.last = self.state.update(message, self.now);
        if let Some(query) = self.last.ask.clone() {
            self.ledger.open(&query);
            self.ask(query);
        }
    }

    /// What the engine does when it is asked, besides answering.
    fn ask(&mut self, query: Query) {
        let knowledge = self.knowledge.get_mut();
        if query.forgotten != self.query.forgotten {
            self.ledger.forget_departed(knowledge);
        }
        if query.baseline != self.query.baseline {
            let moved = |flow: &Flow| Some((flow.row().number(), flow.watched_bytes()?));
            let flows = self.table.flows().filter_map(|(_, flow)| moved(flow));
            let baseline = query.baseline.map(|since| Baseline::new(since, flows));
            knowledge.set_baseline(baseline.unwrap_or_default());
        }
        self.query = query;
    }

    /// A key, without an answer of the engine.
    pub(crate) fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE);
    }

    pub(crate) fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let event = KeyEvent::new(code, modifiers);
        self.send(Message::Input(Event::Key(event)));
    }

    /// Keys, each answered.
    pub(crate) fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.press(KeyCode::Char(key));
            self.answer();
        }
    }

    pub(crate) fn resize(&mut self, width: u16, height: u16) {
        self.send(Message::Input(Event::Resize(width, height)));
    }

    pub(crate) fn buffer(&self, width: u16, height: u16) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&self.state, &mut buf);
        buf
    }
}

/// The terminal's own colours, or none.
pub(crate) fn themes(color: bool) -> Themes {
    Themes::new(if color { Depth::Ansi } else { Depth::None })
}
