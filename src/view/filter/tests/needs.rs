//! What a filter looks at, and no more.

use std::cell::Cell;

use super::*;
use crate::view::field::FIELDS;
use crate::view::filter::ast::{Expr, Term, Test};
use crate::view::filter::eval::Told;
use crate::view::filter::item::Item;
use crate::view::filter::key;

/// A subject that counts what it is asked for.
struct Counting<'a> {
    record: Record<'a>,
    asked: &'a Cell<usize>,
}

impl Subject for Counting<'_> {
    fn flow(&self) -> Option<&Flow> {
        self.record.row.as_ref().map(|row| row.flow)
    }

    fn now(&self) -> Moment {
        NOW
    }

    fn told(&mut self, needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool {
        if needs != Needs::FLOW {
            self.asked.set(self.asked.get() + 1);
        }
        ask(&self.record)
    }
}

#[test]
fn nobody_looks_a_place_up_in_vain() {
    let flow = plain();
    for (text, expected) in [
        ("tcp port:443 src:10.0.0.0/8 state:est* rate>1k age>1s", 0),
        ("country:DE tcp port:22", 0),
        ("country:DE or tcp", 0),
        ("host:10.0.0.2", 0),
        ("orig_dst:203.0.113.7 timeout_secs>5", 0),
        ("443", 0),
        ("country:DE", 1),
        ("country:DE service:https", 2),
        ("src:10.0", 0),
        ("xyzzy", 1),
    ] {
        let asked = Cell::new(0);
        let mut subject = Counting {
            record: record(&flow),
            asked: &asked,
        };
        parse(text).holds(&mut subject);
        assert_eq!(asked.get(), expected, "{text}");
    }
    assert_eq!(parse("tcp port:443 age>1s").needs(), Needs::FLOW);
    assert_eq!(parse("country:DE").needs(), Needs::PLACES);
    assert_eq!(parse("name:lan").needs(), Needs::NAMES);
    assert_eq!(parse("text").needs(), Needs::ALL);
}

/// The value of a field, as text, whatever else it borrows.
fn said(field: &crate::view::field::Field, record: &Record<'_>) -> String {
    format!("{:?}", (field.get)(record))
}

#[test]
fn a_field_reads_no_more_than_it_needs() {
    let flow = plain();
    let full = record(&flow);
    for field in FIELDS {
        let key = key::find(field.key).unwrap();
        let filter = Filter::from(Expr::Term(Term {
            key,
            test: Test::In(vec![Item::Known]),
        }));
        let needs = filter.needs();
        let mut bare = full.clone();
        if let Some(row) = &mut bare.row {
            if !needs.has(Needs::SERVICE) {
                row.service = None;
            }
            for end in [&mut row.ends.orig, &mut row.ends.reply] {
                if !needs.has(Needs::NAMES) {
                    end.name = None;
                }
                if !needs.has(Needs::PLACES) {
                    end.location = Location::Unknown;
                }
            }
            if !needs.has(Needs::BEARINGS) {
                row.bearings = Bearings::default();
            }
            if !needs.has(Needs::OWNERS) {
                row.owners = None;
            }
        }
        assert_eq!(said(field, &full), said(field, &bare), "{}", field.key);
    }
}

#[test]
fn a_record_without_a_flow_is_told_by_its_event() {
    let lost = Record {
        event: Event::Lost,
        ts_ns: 5,
        row: None,
        count: Some(7),
    };
    assert!(parse("event:lost").matches(&lost));
    assert!(parse("count:7").matches(&lost));
    assert!(!parse("tcp").matches(&lost));
    assert!(!parse("text").matches(&lost));
    assert!(parse("event:lost").holds(&mut Told(&lost)));
}
