//! Things to look at: tables made of updates, and viewers that look at them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use flowtop::enrich::services::Services;
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, State as Ct, Status, Tuple,
    Update,
};
use flowtop::table::Table;
use flowtop::tui::{Effects, Message, Settings, Size, State, draw};
use flowtop::view::units::RateUnit;
use flowtop::view::{Query, Status as SourceStatus, View};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// 14:32:07 UTC.
const NOW: Moment = Moment {
    mono_ns: 1_000_000 * SECOND,
    real_ns: 1_700_058_727 * SECOND,
};
const SECOND: u64 = 1_000_000_000;
const SEEN: u32 = Status::SEEN_REPLY.0 | Status::CONFIRMED.0;
const ASSURED: u32 = SEEN | Status::ASSURED.0;

/// One flow of a scene.
pub struct Line {
    proto: Protocol,
    from: (&'static str, u16),
    to: (&'static str, u16),
    state: Option<Ct>,
    status: Option<u32>,
    age_secs: Option<u64>,
    /// Bytes of orig and reply so far, and within the last second.
    bytes: Option<[u64; 4]>,
    nat: Option<&'static str>,
}

fn line(
    proto: Protocol,
    from: (&'static str, u16),
    to: (&'static str, u16),
    bytes: Option<[u64; 4]>,
) -> Line {
    Line {
        proto,
        from,
        to,
        state: None,
        status: Some(ASSURED),
        age_secs: Some(48),
        bytes,
        nat: None,
    }
}

fn tcp(state: Ct, line: Line) -> Line {
    Line {
        state: Some(state),
        ..line
    }
}

fn aged(secs: u64, line: Line) -> Line {
    Line {
        age_secs: Some(secs),
        ..line
    }
}

fn natted(to: &'static str, line: Line) -> Line {
    Line {
        nat: Some(to),
        ..line
    }
}

fn status(bits: u32, line: Line) -> Line {
    Line {
        status: Some(bits),
        ..line
    }
}

/// A small router on an ordinary evening.
pub fn evening() -> Vec<Line> {
    use Protocol as P;
    let v6 = "2001:db8:85a3:1234:5678:8a2e:1370:7334";
    let far = "2001:db8:4006:80f:1c2a:aaff:fe01:200e";
    vec![
        aged(
            7_440,
            natted(
                "203.0.113.1",
                tcp(
                    Ct::TCP_ESTABLISHED,
                    line(
                        P::TCP,
                        ("192.168.1.23", 54_321),
                        ("198.51.100.80", 443),
                        Some([71_200_000, 4_210_000_000, 210_000, 12_400_000]),
                    ),
                ),
            ),
        ),
        natted(
            "203.0.113.1",
            line(
                P::UDP,
                ("192.168.1.40", 40_112),
                ("203.0.113.7", 443),
                Some([1_900_000, 152_000_000, 41_000, 3_100_000]),
            ),
        ),
        aged(
            302,
            tcp(
                Ct::TCP_ESTABLISHED,
                line(
                    P::TCP,
                    (v6, 50_210),
                    (far, 443),
                    Some([880_000, 61_000_000, 9_200, 1_080_000]),
                ),
            ),
        ),
        aged(
            93_784,
            tcp(
                Ct::TCP_ESTABLISHED,
                line(
                    P::TCP,
                    ("192.168.1.9", 61_022),
                    ("192.168.1.2", 2049),
                    Some([18_000_000_000, 940_000_000, 640_000, 22_000]),
                ),
            ),
        ),
        aged(
            264_000,
            tcp(
                Ct::TCP_ESTABLISHED,
                line(
                    P::TCP,
                    ("198.51.100.20", 61_022),
                    ("192.168.1.9", 22),
                    Some([1_200_000, 48_100_000, 860, 1_200]),
                ),
            ),
        ),
        aged(
            61,
            tcp(
                Ct::TCP_ESTABLISHED,
                line(
                    P::TCP,
                    ("fd00:1::17", 40_022),
                    ("fd00:1::1", 8883),
                    Some([9_800, 10_400, 0, 120]),
                ),
            ),
        ),
        status(
            SEEN,
            aged(
                3,
                line(
                    P::UDP,
                    ("192.168.1.23", 51_812),
                    ("192.168.1.1", 53),
                    Some([78, 142, 78, 142]),
                ),
            ),
        ),
        aged(
            12,
            tcp(
                Ct::TCP_TIME_WAIT,
                line(
                    P::TCP,
                    ("192.168.1.23", 54_330),
                    ("198.51.100.81", 80),
                    Some([1_400, 23_000, 0, 0]),
                ),
            ),
        ),
        status(
            Status::CONFIRMED.0,
            aged(
                2,
                tcp(
                    Ct::TCP_SYN_SENT,
                    line(
                        P::TCP,
                        ("192.168.1.77", 50_100),
                        ("192.0.2.99", 8883),
                        Some([180, 0, 60, 0]),
                    ),
                ),
            ),
        ),
        aged(
            35,
            status(
                SEEN,
                line(
                    P::ICMP,
                    ("192.168.1.9", 77),
                    ("192.0.2.53", 0),
                    Some([2_940, 2_940, 84, 84]),
                ),
            ),
        ),
        Line {
            age_secs: None,
            ..tcp(
                Ct::TCP_ESTABLISHED,
                line(
                    P::TCP,
                    ("192.168.1.30", 33_060),
                    ("198.51.100.7", 5432),
                    None,
                ),
            )
        },
        status(
            ASSURED | Status::OFFLOAD.0,
            aged(
                5_000,
                line(
                    P::TCP,
                    ("192.168.1.31", 33_061),
                    ("198.51.100.9", 993),
                    Some([5_000, 9_000, 0, 0]),
                ),
            ),
        ),
        aged(
            86_400 * 12,
            line(
                P::GRE,
                ("192.0.2.1", 0),
                ("192.0.2.2", 0x17),
                Some([44_000, 51_000, 0, 0]),
            ),
        ),
        aged(
            600,
            tcp(
                Ct::Sctp(4),
                line(
                    P::SCTP,
                    ("192.168.1.50", 2905),
                    ("198.51.100.3", 2905),
                    Some([640_000, 700_000, 300, 410]),
                ),
            ),
        ),
        status(
            Status::CONFIRMED.0,
            aged(
                1,
                line(
                    P::UDP,
                    ("192.168.1.88", 5353),
                    ("224.0.0.251", 5353),
                    Some([60, 0, 60, 0]),
                ),
            ),
        ),
    ]
}

/// Many flows, all different.
pub fn crowd(count: u16) -> Vec<Line> {
    (0..count)
        .map(|n| {
            let rate = u64::from(count - n) * 1_000;
            let line = line(
                Protocol::TCP,
                ("192.168.1.9", 10_000 + n),
                ("198.51.100.80", 443),
                Some([rate * 10, rate * 20, rate, rate * 2]),
            );
            tcp(Ct::TCP_ESTABLISHED, line)
        })
        .collect()
}

fn tuple(line: &Line) -> Tuple {
    let l4 = match line.proto {
        Protocol::ICMP => L4::Icmp {
            kind: 8,
            code: 0,
            id: line.from.1,
        },
        _ => L4::Ports {
            src: line.from.1,
            dst: line.to.1,
        },
    };
    let address = |text: &str| -> IpAddr { text.parse().expect("an address") };
    Tuple::new(address(line.from.0), address(line.to.0), line.proto, l4).expect("one family")
}

fn report(line: &Line, at: Moment, last: bool) -> Report {
    let orig = tuple(line);
    let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
    report.id = Some(u32::from(line.from.1));
    report.state = line.state;
    report.status = line.status.map(Status);
    report.start_ns = line
        .age_secs
        .map(|secs| at.real_ns - secs * SECOND - if last { SECOND } else { 0 });
    let plain = orig.inverted();
    report.reply = Some(match line.nat {
        Some(to) => Tuple::new(
            plain.src(),
            to.parse().expect("an address"),
            plain.proto(),
            plain.l4(),
        )
        .expect("one family"),
        None => plain,
    });
    report.counters = line.bytes.map(|[orig, reply, up, down]| {
        let count = |bytes: u64, more: u64| Counters {
            packets: bytes / 800 + 1,
            bytes: if last { bytes } else { bytes - more.min(bytes) },
        };
        Pair {
            orig: count(orig, up),
            reply: count(reply, down),
        }
    });
    report
}

/// A viewer, the table it looks at and what answers it.
pub struct Scene {
    pub table: Table,
    pub state: State,
    pub now: Moment,
    pub status: SourceStatus,
    /// What the engine was asked last.
    pub query: Query,
    pub last: Effects,
    services: Services,
}

impl Scene {
    pub fn new(size: (u16, u16), change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            host: "gw1".to_owned(),
            namespace: None,
            interval: Duration::from_secs(1),
            scope: Scope::EVERYTHING.with_loopback(false),
            show_source: false,
            unit: RateUnit::Bytes,
            color: false,
            source_label: "ct",
        };
        change(&mut settings);
        let size = Size {
            width: size.0,
            height: size.1,
        };
        let state = State::new(settings, TimeZone::UTC, size, NOW);
        let (services, _) = Services::load(&Default::default());
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
                ..SourceStatus::default()
            },
            last: Effects::default(),
            services,
        }
    }

    /// Reads the kernel's table twice, a second apart, and shows it.
    pub fn with(mut self, lines: &[Line]) -> Self {
        let before = Moment {
            mono_ns: NOW.mono_ns - SECOND,
            real_ns: NOW.real_ns - SECOND,
        };
        for (at, last) in [(before, false), (NOW, true)] {
            self.apply(&Update::DumpBegin, at);
            for line in lines {
                self.apply(&Update::Flow(report(line, at, last)), at);
            }
            self.apply(&Update::DumpEnd { complete: true }, at);
        }
        self.answer();
        self
    }

    fn apply(&mut self, update: &Update, at: Moment) {
        self.table.apply(update, at, &mut |_| {});
    }

    /// The view that answers the last question.
    pub fn view(&self) -> View {
        let mut view = View::compute(&self.query, &self.table, &self.services, self.now);
        let totals = self.table.flows().filter_map(|(_, f)| f.bytes_per_sec());
        view.bytes_per_sec = totals.reduce(|a, b| Pair {
            orig: a.orig + b.orig,
            reply: a.reply + b.reply,
        });
        view.born_per_sec = Some(212.0);
        view.ended_per_sec = Some(3.25);
        view.status = self.status.clone();
        view
    }

    /// A refresh: the engine answers the last question and settles it.
    pub fn answer(&mut self) {
        let view = self.view();
        self.query.settle(&view);
        self.show(view);
    }

    /// A view arrives, whatever it answers.
    pub fn show(&mut self, view: View) {
        self.send(Message::View(Arc::new(view)));
    }

    pub fn send(&mut self, message: Message) {
        self.last = self.state.update(message, self.now);
        if let Some(query) = &self.last.ask {
            self.query = query.clone();
        }
    }

    /// A key, without an answer of the engine.
    pub fn press(&mut self, code: KeyCode) {
        self.press_with(code, KeyModifiers::NONE);
    }

    pub fn press_with(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        let event = KeyEvent::new(code, modifiers);
        self.send(Message::Input(Event::Key(event)));
    }

    /// Keys, each answered.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.chars() {
            self.press(KeyCode::Char(key));
            self.answer();
        }
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        self.send(Message::Input(Event::Resize(width, height)));
    }

    pub fn buffer(&self, width: u16, height: u16) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        draw(&self.state, &mut buf);
        buf
    }
}

/// The screen as text.
pub fn text(buf: &Buffer) -> String {
    let width = usize::from(buf.area.width);
    let mut text = String::new();
    for row in buf.content().chunks(width) {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
