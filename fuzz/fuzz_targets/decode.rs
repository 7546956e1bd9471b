//! From bytes to a view: a datagram is decoded, applied to a table at times
//! that the input chooses, and looked at.
//!
//! Input: eight bytes that choose times and what happens between messages,
//! then netlink messages. How a message arrived is told as the kernel tells
//! it: events have no sequence number, dump rows have `NLM_F_MULTI`.
#![no_main]

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

use flowtop::enrich::Knowledge;
use flowtop::enrich::services::{self, Services};
use flowtop::flow::{Counters, Moment, Pair, Scope, Update};
use flowtop::netlink::conntrack::decode::Source;
use flowtop::netlink::conntrack::{Problems, decode};
use flowtop::netlink::wire::messages;
use flowtop::table::{Change, Table};
use flowtop::view::{Cursor, Grouping, Ledger, List, Query, View};
use libfuzzer_sys::fuzz_target;

const NLM_F_MULTI: u16 = 2;
const HEIGHT: usize = 3;

thread_local! {
    /// The services that are built in, whatever files this machine has, and no
    /// places.
    static KNOWLEDGE: RefCell<Knowledge> = RefCell::new(Knowledge::new(services()));
}

fn services() -> Services {
    let nowhere = PathBuf::from("/nonexistent");
    let settings = services::Settings {
        system_file: None,
        netsniff_dir: nowhere.clone(),
        vendor_dir: nowhere.clone(),
        admin_dir: nowhere,
        ..services::Settings::default()
    };
    Services::load(&settings).0
}

fuzz_target!(|input: &[u8]| {
    let Some((choices, datagram)) = input.split_first_chunk::<8>() else {
        return;
    };
    let choices = u64::from_le_bytes(*choices);
    let mut table = Table::new();
    let mut problems = Problems::default();
    let mut at = Moment::default().after(Duration::from_secs(1));
    let mut seen = 0u64;
    let mut decoded = 0u64;
    for (number, message) in (0u32..).zip(messages(datagram)) {
        let choice = choices.rotate_left(number.wrapping_mul(11));
        at = at.after(Duration::from_millis(choice & 0x3fff));
        let source = match (message.seq, message.flags & NLM_F_MULTI) {
            (0, _) => Source::Event,
            (_, 0) => Source::Get,
            _ => Source::Dump,
        };
        seen += 1;
        let report = decode(&message, source, &mut problems);
        let key = report.as_ref().map(|report| report.key);
        decoded += u64::from(report.is_some());
        apply(&mut table, report.map(Update::Flow), at);
        apply(&mut table, interlude(choice >> 14, key), at);
        look(&table, choice >> 20, at);
    }
    assert!(decoded + problems.unusable <= seen);
});

/// What else a source says now and then.
fn interlude(choice: u64, key: Option<flowtop::flow::Key>) -> Option<Update> {
    match choice & 15 {
        0 | 1 => Some(Update::DumpBegin),
        2 | 3 => Some(Update::DumpEnd { complete: true }),
        4 => Some(Update::DumpEnd { complete: false }),
        5 | 6 => key.map(Update::Absent),
        7 => Some(Update::Overrun { lost: 3 }),
        8 => Some(Update::Shed { updates: true }),
        9 => Some(Update::Shed { updates: false }),
        10 | 11 => key.map(|key| Update::Counted {
            key,
            counters: Pair {
                orig: counted(choice),
                reply: counted(choice >> 8),
            },
        }),
        _ => None,
    }
}

fn counted(choice: u64) -> Counters {
    Counters {
        packets: choice >> 4 & 0xff,
        bytes: choice >> 4 & 0xffff,
    }
}

fn apply(table: &mut Table, update: Option<Update>, at: Moment) {
    let Some(update) = update else { return };
    let before = table.len() as i64;
    let mut told = 0;
    table.apply(&update, at, &mut |change| match change {
        Change::Ended(flow) => {
            assert!(flow.end_reason().is_some());
            told += 1;
        }
        Change::Born(flow) | Change::Changed(flow) => assert!(flow.end_reason().is_none()),
        Change::Lost(_) => {}
    });
    let gone = before - table.len() as i64;
    assert!(gone <= told, "no row goes without a word");
    for key in table.suspects() {
        assert!(table.flows().any(|(_, flow)| *flow.key() == key));
    }
}

fn look(table: &Table, choice: u64, now: Moment) {
    let index = (choice & 7) as usize;
    let cursor = match table.flows().nth(index) {
        Some((id, _)) => Cursor::Flow { id, index, line: 1 },
        None => Cursor::Index(index),
    };
    let query = Query {
        active_only: choice & 16 == 0,
        with_ended: choice & 32 == 0,
        cursor,
        first: (choice >> 5 & 7) as usize,
        height: HEIGHT,
        ..Query::of(Scope::EVERYTHING.with_loopback(choice & 8 == 0))
    };
    let view = compute(&query, table, now);
    assert_eq!(
        view.matching + view.out_of_scope + view.inactive,
        table.len()
    );
    assert_eq!(view.rows.len(), HEIGHT.min(view.matching));
    assert_eq!(view.cursor.is_some(), view.matching > 0);
    if let Some((index, id)) = view.cursor {
        assert_eq!(view.rows[index - view.first].id, id);
    }
    for row in &view.rows {
        let flow = table.get(row.id).expect("a row of the table");
        let _ = (flow.nat(), flow.age(now), flow.timeout_secs(now));
        let _ = (
            flow.bytes_per_sec(),
            flow.average_bytes_per_sec(2, now),
            flow.average_bytes_per_sec(40, now),
        );
    }
    for list in [List::By(Grouping::Country), List::By(Grouping::Service)] {
        let query = Query {
            active_only: false,
            paused: false,
            list,
            ..query.clone()
        };
        let view = compute(&query, table, now);
        let flows: usize = view.groups.iter().map(|group| group.flows).sum();
        assert_eq!(flows, view.matching);
    }
}

fn compute(query: &Query, table: &Table, now: Moment) -> View {
    KNOWLEDGE.with_borrow_mut(|knowledge| {
        View::compute(query, table, &Ledger::default(), knowledge, now)
    })
}
