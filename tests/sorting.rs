//! The order of flows: total, the same in every window as in the whole list,
//! and kept where it is asked for.
#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not what they call"
)]

use std::cmp::Ordering;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use flowtop::enrich::locality::Locality;
use flowtop::enrich::names::{Answer, Source};
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{
    Counters, Key, L4, Moment, Origin, Pair, Protocol, Report, Scope, State, Status, Tuple, Update,
};
use flowtop::view::column::COLUMNS;
use flowtop::view::field::{self, Event, Field, Record, Value};
use flowtop::view::sort::SortKey;
use flowtop::view::{
    Cursor, FlowId, Freeze, Knowledge, Ledger, Pins, Query, Row, Sort, Table, View, ordered,
};
use proptest::prelude::*;

const START: Moment = Moment {
    mono_ns: 1_000_000_000,
    real_ns: 1_795_230_000_000_000_000,
};

/// A flow in a few numbers, so small that many are alike.
#[derive(Clone, Debug)]
struct Sketch {
    client: u8,
    server: u8,
    port: u16,
    is_udp: bool,
    state: Option<u8>,
    mark: Option<u32>,
    timeout_secs: Option<u32>,
    age_secs: Option<u64>,
    /// Bytes in two readings; not counted if absent.
    bytes: Option<[u64; 2]>,
}

fn sketch() -> impl Strategy<Value = Sketch> {
    let count = prop_oneof![0..4_u64, any::<u32>().prop_map(u64::from)];
    let counted = prop::option::of([count.clone(), count]);
    let ends = (0..12_u8, 0..12_u8, 440..446_u16, any::<bool>());
    let facts = (
        prop::option::of(0..5_u8),
        prop::option::of(0..3_u32),
        prop::option::of(1..4_u32),
        prop::option::of(0..3_u64),
    );
    (ends, facts, counted).prop_map(|(ends, facts, bytes)| Sketch {
        client: ends.0,
        server: ends.1,
        port: ends.2,
        is_udp: ends.3,
        state: facts.0,
        mark: facts.1,
        timeout_secs: facts.2,
        age_secs: facts.3,
        bytes,
    })
}

fn client(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

fn report(index: usize, sketch: &Sketch, reading: usize) -> Report {
    let proto = if sketch.is_udp {
        Protocol::UDP
    } else {
        Protocol::TCP
    };
    let server = Ipv4Addr::new(203, 0, 113, sketch.server);
    let l4 = L4::Ports {
        src: 40_000 + index as u16,
        dst: sketch.port,
    };
    let orig = Tuple::v4(client(sketch.client), server, proto, l4);
    let mut report = Report::about(Key { zone: 0, orig }, Origin::Dumped);
    report.state = sketch.state.filter(|_| !sketch.is_udp).map(State::Tcp);
    report.status = Some(Status::CONFIRMED);
    report.mark = sketch.mark;
    report.timeout_secs = sketch.timeout_secs;
    report.start_ns = sketch.age_secs.map(|s| START.real_ns - s * 1_000_000_000);
    report.counters = sketch.bytes.map(|bytes| {
        let orig = bytes[0] * (1 + reading as u64);
        let count = |bytes| Counters {
            packets: bytes / 100,
            bytes,
        };
        Pair {
            orig: count(orig),
            reply: count(bytes[1] * (1 + reading as u64)),
        }
    });
    report
}

struct World {
    table: Table,
    knowledge: Knowledge,
    now: Moment,
}

impl World {
    fn of(sketches: &[Sketch]) -> Self {
        let mut table = Table::new();
        let now = START.after(Duration::from_secs(1));
        for (reading, at) in [START, now].into_iter().enumerate() {
            for (index, sketch) in sketches.iter().enumerate() {
                let update = Update::Flow(report(index, sketch, reading));
                table.apply(&update, at, &mut |_| {});
            }
        }
        let (services, _) = Services::load(&services::Settings::default());
        let mut knowledge = Knowledge::new(services);
        let here = Locality::of([client(3).into()], []);
        knowledge.set_locality(Arc::new(here));
        let named = [1, 3, 5].map(|number| Answer {
            addr: client(number).into(),
            name: Some(format!("host{}.lan", 9 - number).into()),
            source: Source::Dns,
        });
        knowledge.merge_names(named.into(), now);
        Self {
            table,
            knowledge,
            now,
        }
    }

    fn ordered(&mut self, sort: Sort) -> Vec<FlowId> {
        let scope = Scope::EVERYTHING;
        ordered(&self.table, scope, sort, &mut self.knowledge, self.now)
    }

    fn view(&mut self, query: &Query) -> View {
        let ledger = Ledger::default();
        View::compute(query, &self.table, &ledger, &mut self.knowledge, self.now)
    }

    /// A value as text of which the order is known: numbers of one length.
    fn told(&mut self, id: FlowId, field: &Field) -> Option<String> {
        let flow = self.table.get(id).unwrap();
        let record = Record {
            event: Event::Sample,
            ts_ns: self.now.real_ns,
            row: Some(Row::new(flow, &mut self.knowledge, self.now)),
            count: None,
        };
        let number = |number: u128| Some(format!("{number:030}"));
        match (field.get)(&record) {
            Value::Absent => None,
            Value::Uint(value) | Value::Time(value) => number(value.into()),
            Value::Seconds(span) => number(span.as_nanos()),
            Value::Text(text) => Some(text.to_owned()),
            Value::Address(ip) => match ip {
                std::net::IpAddr::V4(ip) => number(ip.to_bits().into()),
                std::net::IpAddr::V6(ip) => number(ip.to_bits()),
            },
            Value::Protocol(proto) => Some(proto.to_string()),
            Value::State(state) => Some(state.to_string()),
            Value::Status(status) => Some(status.names().collect::<Vec<_>>().join(" ")),
            Value::Mac(mac) => Some(mac.to_string()),
        }
    }
}

fn query(sort: Sort) -> Query {
    Query {
        sort,
        height: 10,
        ..Query::of(Scope::EVERYTHING)
    }
}

/// Every key that flows can be sorted by.
fn keys() -> Vec<SortKey> {
    let columns = COLUMNS.iter().map(|column| SortKey::Column(column.id));
    let addresses = COLUMNS.iter().map(|column| SortKey::Address(column.id));
    let fields = field::FIELDS.iter().map(SortKey::Field);
    let keys = columns.chain(addresses).chain(fields);
    keys.chain([SortKey::Usual]).collect()
}

fn ids(view: &View) -> Vec<FlowId> {
    view.rows.iter().map(|row| row.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_window_is_a_part_of_the_whole(
        sketches in prop::collection::vec(sketch(), 1..40),
        first in 0..40_usize,
        height in 0..12_usize,
        key in prop::sample::select(keys()),
        descending in any::<bool>(),
    ) {
        let mut world = World::of(&sketches);
        let sort = Sort { key, descending };
        let all = world.ordered(sort);
        prop_assert_eq!(all.len(), world.table.len());
        let view = world.view(&Query { first, height, ..query(sort) });
        let first = first.min(all.len().saturating_sub(height));
        let end = (first + height).min(all.len());
        prop_assert_eq!(ids(&view), &all[first..end]);
        // Asked for at any row, the cursor is on the one in its place, and the
        // window lies around it, whatever line it was on.
        for (index, id) in all.iter().enumerate() {
            let line = index % (height + 1);
            let cursor = Cursor::Flow { id: *id, index: 0, line };
            let view = world.view(&Query { cursor, height, ..query(sort) });
            prop_assert_eq!(view.cursor, Some((index, *id)));
            let end = (view.first + height).min(all.len());
            prop_assert_eq!(ids(&view), &all[view.first..end]);
            prop_assert!((view.first..view.first + height.max(1)).contains(&index));
        }
    }

    #[test]
    fn pinned_rows_stand_above_all_others_in_every_order(
        sketches in prop::collection::vec(sketch(), 1..30),
        pinned in prop::collection::vec(any::<bool>(), 30),
        height in 0..12_usize,
        key in prop::sample::select(keys()),
        descending in any::<bool>(),
        is_kept in any::<bool>(),
    ) {
        let mut world = World::of(&sketches);
        let sort = Sort { key, descending };
        let all = world.ordered(sort);
        let mut pins = Pins::default();
        for (id, _) in all.iter().zip(&pinned).filter(|(_, is_pinned)| **is_pinned) {
            prop_assert!(pins.toggle_flow(*id));
        }
        let (mut wanted, others): (Vec<_>, Vec<_>) = all.iter().partition(|id| pins.has_flow(**id));
        // Both parts are in the order of the list.
        wanted.extend(others);
        let mut asked = Query { pins, height, ..query(sort) };
        if is_kept {
            // An order that is kept gives way to pins as well.
            let frozen = Query { freeze: Freeze::Now, ..query(sort) };
            let view = world.view(&frozen);
            asked.freeze = view.query.freeze;
        }
        for (index, id) in wanted.iter().enumerate() {
            let line = index % (height + 1);
            let cursor = Cursor::Flow { id: *id, index: 0, line };
            let view = world.view(&Query { cursor, ..asked.clone() });
            prop_assert_eq!(view.cursor, Some((index, *id)));
            let end = (view.first + height).min(wanted.len());
            prop_assert_eq!(ids(&view), &wanted[view.first..end]);
        }
        // Let go, all is as before.
        for id in &all {
            if asked.pins.has_flow(*id) {
                prop_assert!(!asked.pins.toggle_flow(*id));
            }
        }
        let view = world.view(&Query { height: 40, ..asked });
        prop_assert_eq!(ids(&view), all);
    }

    #[test]
    fn fields_are_in_order_and_the_absent_come_last(
        sketches in prop::collection::vec(sketch(), 1..40),
        field in prop::sample::select(field::FIELDS.iter().collect::<Vec<_>>()),
        descending in any::<bool>(),
    ) {
        let mut world = World::of(&sketches);
        let usual = world.ordered(Sort::default());
        let place = |id| usual.iter().position(|other| *other == id);
        let all = world.ordered(Sort { key: SortKey::Field(field), descending });
        for pair in all.windows(2) {
            let (a, b) = (world.told(pair[0], field), world.told(pair[1], field));
            let order = match (&a, &b) {
                (Some(a), Some(b)) if descending => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (None, None) => Ordering::Equal,
            };
            prop_assert!(order.is_le(), "{:?} before {:?}", a, b);
            if order.is_eq() {
                prop_assert!(place(pair[0]) < place(pair[1]));
            }
        }
    }

    #[test]
    fn columns_are_in_the_order_of_what_they_show(
        sketches in prop::collection::vec(sketch(), 1..40),
        descending in any::<bool>(),
    ) {
        let mut world = World::of(&sketches);
        for (column, field) in [
            ("proto", "proto"),
            ("sport", "orig_sport"),
            ("dport", "orig_dport"),
            ("expires", "timeout_secs"),
            ("mark", "mark"),
            ("zone", "zone"),
            ("up_bytes", "orig_bytes"),
            ("down_bytes", "reply_bytes"),
            ("up_packets", "orig_packets"),
            ("down_packets", "reply_packets"),
        ] {
            let column = flowtop::view::column::named(column).unwrap().id;
            let field = field::find(field).unwrap();
            let by_column = world.ordered(Sort { key: SortKey::Column(column), descending });
            let by_field = world.ordered(Sort { key: SortKey::Field(field), descending });
            prop_assert_eq!(by_column, by_field, "{:?}", column);
        }
    }

    #[test]
    fn an_order_that_is_kept_stays(
        before in prop::collection::vec(sketch(), 1..20),
        after in prop::collection::vec(sketch(), 20..30),
        key in prop::sample::select(keys()),
    ) {
        let mut world = World::of(&before);
        let sort = key.sort();
        let all = world.ordered(sort);
        let mut asked = Query { freeze: Freeze::Now, height: 40, ..query(sort) };
        let view = world.view(&asked);
        prop_assert_eq!(ids(&view), all.clone());
        asked.settle(&view);
        prop_assert!(matches!(asked.freeze, Freeze::Kept(_)));

        // All the others come, and all move.
        world.now = world.now.after(Duration::from_secs(1));
        for (index, sketch) in after.iter().enumerate() {
            let update = Update::Flow(report(100 + index, sketch, 2));
            world.table.apply(&update, world.now, &mut |_| {});
        }
        for (index, sketch) in before.iter().enumerate() {
            let sketch = Sketch { bytes: Some([1 << 40, index as u64]), ..sketch.clone() };
            let update = Update::Flow(report(index, &sketch, 3));
            world.table.apply(&update, world.now, &mut |_| {});
        }
        let view = world.view(&asked);
        prop_assert_eq!(&ids(&view)[..all.len()], &all[..]);
        prop_assert_eq!(view.matching, before.len() + after.len());
    }
}

#[test]
fn hosts_are_in_order_by_name_and_else_by_address() {
    let sketches: Vec<_> = (0..6)
        .map(|client| Sketch {
            client,
            server: 9,
            port: 443,
            is_udp: false,
            state: None,
            mark: None,
            timeout_secs: None,
            age_secs: None,
            bytes: None,
        })
        .collect();
    let mut world = World::of(&sketches);
    let source = flowtop::view::column::named("source").unwrap().id;
    let clients = |world: &World, all: Vec<FlowId>| -> Vec<u16> {
        let port = |id| world.table.get(id).unwrap().key().orig.sport();
        all.into_iter()
            .map(|id| port(id).unwrap() - 40_000)
            .collect()
    };
    let sort = SortKey::Column(source).sort();
    assert!(!sort.descending);
    let all = world.ordered(sort);
    // host4.lan, host6.lan, host8.lan; then the addresses.
    assert_eq!(clients(&world, all), [5, 3, 1, 0, 2, 4]);
    let all = world.ordered(SortKey::Address(source).sort());
    assert_eq!(clients(&world, all), [0, 1, 2, 3, 4, 5]);
}
