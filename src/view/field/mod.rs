//! The field registry: everything that can be said about a flow, once.
//!
//! The keys of a JSON record, the header of a CSV file, what `--fields` takes,
//! `flowtop fields` and the manual all come from [`FIELDS`].

mod flow;
mod owner;
mod place;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::{Mac, Row};
use crate::flow::{Protocol, State, Status};

/// The version of the record that [`FIELDS`] describes. Additions keep it; a
/// changed meaning raises it.
pub const RECORD_VERSION: u64 = 1;

/// What a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A flow as it is, at a sample of all flows.
    Sample,
    /// A flow began.
    New,
    /// A flow changed.
    Update,
    /// A flow ended; its counters are final.
    End,
    /// The kernel dropped events.
    Lost,
}

impl Event {
    /// As it stands in a record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::New => "new",
            Self::Update => "update",
            Self::End => "end",
            Self::Lost => "lost",
        }
    }
}

/// One line of machine-readable output.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// What it tells of.
    pub event: Event,
    /// Nanoseconds since 1970; the same in all records of one sample.
    pub ts_ns: u64,
    /// The flow; `None` in [`Event::Lost`].
    pub row: Option<Row<'a>>,
    /// Number of dropped events; only in [`Event::Lost`].
    pub count: Option<u64>,
}

/// The value of a field, typed, so that each writer can write it its own way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Not known, or without meaning for this flow. Never written as zero.
    Absent,
    /// A number.
    Uint(u64),
    /// A time span; a number of seconds.
    Seconds(Duration),
    /// A point in time, nanoseconds since 1970; RFC 3339 in UTC.
    Time(u64),
    /// A text.
    Text(&'a str),
    /// An address.
    Address(IpAddr),
    /// A protocol by name, or by number as text.
    Protocol(Protocol),
    /// A state by name, or by number as text.
    State(State),
    /// Names of status bits; a list.
    Status(Status),
    /// A hardware address.
    Mac(Mac),
}

impl From<Option<u64>> for Value<'_> {
    fn from(value: Option<u64>) -> Self {
        value.map_or(Self::Absent, Self::Uint)
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::Absent, Self::Text)
    }
}

/// What kind of value a field has, for the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number without fraction.
    Integer,
    /// A number of seconds with fraction.
    Seconds,
    /// A text.
    Text,
    /// A list of texts; in CSV and tables joined by `|`.
    List,
    /// An address as text.
    Address,
    /// RFC 3339 in UTC.
    Time,
}

impl Kind {
    /// As the manual calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Seconds => "seconds",
            Self::Text => "text",
            Self::List => "list",
            Self::Address => "address",
            Self::Time => "time",
        }
    }
}

/// One thing that can be said about a flow.
#[derive(Clone, Copy)]
pub struct Field {
    /// Its name in records, CSV and `--fields`.
    pub key: &'static str,
    /// What kind of value it has.
    pub kind: Kind,
    /// One sentence for the manual.
    pub doc: &'static str,
    /// Reads it.
    pub get: for<'a> fn(&'a Record<'_>) -> Value<'a>,
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

impl PartialEq for Field {
    /// Keys are unique.
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Field {}

impl Field {
    /// Whether it tells of a process or its socket, which have to be found out
    /// first.
    pub fn is_of_owner(&self) -> bool {
        owner::FIELDS.contains(self) || owner::FIGURES.contains(self)
    }
}

/// A field by its key.
pub fn find(key: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.key == key)
}

fn of_row<'a>(record: &'a Record<'_>, get: impl FnOnce(&'a Row<'_>) -> Value<'a>) -> Value<'a> {
    record.row.as_ref().map_or(Value::Absent, get)
}

/// What the record is.
const RECORD: &[Field] = &[
    Field {
        key: "v",
        kind: Kind::Integer,
        doc: "Version of the record, 1. New keys do not raise it.",
        get: |_| Value::Uint(RECORD_VERSION),
    },
    Field {
        key: "event",
        kind: Kind::Text,
        doc: "What the record tells of: sample, new, update, end or lost.",
        get: |r| Value::Text(r.event.name()),
    },
    Field {
        key: "ts",
        kind: Kind::Time,
        doc: "When it was learned. All records of one sample bear the same.",
        get: |r| Value::Time(r.ts_ns),
    },
];

/// What only some records have.
const LAST: &[Field] = &[
    Field {
        key: "end_reason",
        kind: Kind::Text,
        doc: "Why the flow ended: closed (both ends said goodbye), reset (broken off or refused), \
              timed_out, deleted (removed before its time), destroyed (the kernel did not say \
              why) or vanished (found gone).",
        get: |r| {
            of_row(r, |row| {
                row.flow.end_reason().map(super::EndReason::name).into()
            })
        },
    },
    Field {
        key: "count",
        kind: Kind::Integer,
        doc: "Of a lost record: how many events the kernel dropped.",
        get: |r| r.count.into(),
    },
];

/// The fields by what they tell of, in the order of a record.
const PARTS: &[&[Field]] = &[
    RECORD,
    flow::FIELDS,
    place::ROUTE,
    place::SRC,
    place::DST,
    owner::FIELDS,
    owner::FIGURES,
    LAST,
];

const COUNT: usize = {
    let mut count = 0;
    let mut part = 0;
    while part < PARTS.len() {
        count += PARTS[part].len();
        part += 1;
    }
    count
};

/// Puts [`PARTS`] in a row.
const fn joined() -> [Field; COUNT] {
    let mut all = [RECORD[0]; COUNT];
    let mut next = 0;
    let mut part = 0;
    while part < PARTS.len() {
        let mut index = 0;
        while index < PARTS[part].len() {
            all[next] = PARTS[part][index];
            next += 1;
            index += 1;
        }
        part += 1;
    }
    all
}

/// Every field, in the order of a record.
pub static FIELDS: &[Field] = &joined();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_snake_case_and_documented() {
        for (index, field) in FIELDS.iter().enumerate() {
            let key = field.key;
            assert!(
                key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{key}"
            );
            assert_eq!(
                FIELDS.iter().position(|f| f.key == key),
                Some(index),
                "{key}"
            );
            assert!(field.doc.ends_with('.'), "{key}");
        }
    }

    #[test]
    fn a_lost_record_says_only_what_it_knows() {
        let record = Record {
            event: Event::Lost,
            ts_ns: 5,
            row: None,
            count: Some(7),
        };
        let said: Vec<_> = FIELDS
            .iter()
            .filter(|field| (field.get)(&record) != Value::Absent)
            .map(|field| field.key)
            .collect();
        assert_eq!(said, ["v", "event", "ts", "count"]);
    }
}
