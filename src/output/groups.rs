//! Groups to bytes, in the formats of flows.

use std::borrow::Cow;
use std::io::{self, Write};

use super::plain::Plain;
use super::{Format, Settings, csv, json, table};
use crate::flow::Moment;
use crate::view::GroupRow;
use crate::view::field::{RECORD_VERSION, Value};
use crate::view::group::{GROUP_FIELDS, GroupField, Grouping};
use crate::view::mask::Mask;

/// All groups of a list, in one go; fields that none of them has are left out
/// of tables and CSV.
///
/// # Errors
/// Those of the sink.
pub fn groups(
    rows: &[GroupRow],
    format: Format,
    mask: Option<&Mask>,
    sink: &mut impl Write,
) -> io::Result<()> {
    let rows = &*masked(rows, mask);
    let is_there = |field: &&GroupField| rows.iter().any(|r| (field.get)(r) != Value::Absent);
    let fields: Vec<_> = GROUP_FIELDS.iter().filter(is_there).collect();
    let mut out = Vec::new();
    let mut plain = Plain::default();
    match format {
        Format::Json => {
            for row in rows {
                out.extend_from_slice(object(row).as_bytes());
                out.push(b'\n');
            }
        }
        Format::Csv => {
            let header: Vec<_> = fields.iter().map(|field| field.key).collect();
            out.extend_from_slice(header.join(",").as_bytes());
            out.push(b'\n');
            for row in rows {
                for (index, field) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    csv::value((field.get)(row), &mut plain, &mut out);
                }
                out.push(b'\n');
            }
        }
        Format::Table => table::groups(rows, &fields, &mut out),
    }
    sink.write_all(&out)?;
    sink.flush()
}

/// How samples of groups are written.
pub struct Samples {
    settings: Settings,
    grouping: Grouping,
    plain: Plain,
    is_first: bool,
}

impl Samples {
    /// Nothing has been written yet.
    pub fn new(settings: Settings, grouping: Grouping) -> Self {
        Self {
            settings,
            grouping,
            plain: Plain::default(),
            is_first: true,
        }
    }

    /// Writes one sample: all its groups as they were `now`. Records of JSON and
    /// CSV begin with their version and the time, which all of a sample share;
    /// CSV has a header once.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn write(
        &mut self,
        rows: &[GroupRow],
        now: Moment,
        sink: &mut impl Write,
    ) -> io::Result<()> {
        let rows = &*masked(rows, self.settings.mask.as_ref());
        let mut out = Vec::new();
        match self.settings.format {
            Format::Json => {
                for row in rows {
                    self.json(row, now, &mut out);
                }
            }
            Format::Csv => {
                if self.is_first {
                    let keys = GROUP_FIELDS.iter().map(|field| field.key);
                    let header: Vec<_> = ["v", "ts"].into_iter().chain(keys).collect();
                    out.extend_from_slice(header.join(",").as_bytes());
                    out.push(b'\n');
                }
                for row in rows {
                    self.csv(row, now, &mut out);
                }
            }
            Format::Table => {
                if !self.is_first {
                    out.push(b'\n');
                }
                table::sample(rows, self.grouping, self.settings.unit, now, &mut out);
            }
        }
        self.is_first = false;
        sink.write_all(&out)?;
        sink.flush()
    }

    fn json(&mut self, row: &GroupRow, now: Moment, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"v\":");
        self.plain.value(Value::Uint(RECORD_VERSION), out);
        out.extend_from_slice(b",\"ts\":");
        json::value(&mut self.plain, Value::Time(now.real_ns), out);
        // The object goes on where this has begun.
        out.push(b',');
        out.extend_from_slice(object(row).trim_start_matches('{').as_bytes());
        out.push(b'\n');
    }

    fn csv(&mut self, row: &GroupRow, now: Moment, out: &mut Vec<u8>) {
        self.plain.value(Value::Uint(RECORD_VERSION), out);
        out.push(b',');
        self.plain.value(Value::Time(now.real_ns), out);
        for field in GROUP_FIELDS {
            out.push(b',');
            csv::value((field.get)(row), &mut self.plain, out);
        }
        out.push(b'\n');
    }
}

/// Groups as they are written.
fn masked<'a>(rows: &'a [GroupRow], mask: Option<&Mask>) -> Cow<'a, [GroupRow]> {
    match mask {
        Some(mask) => rows.iter().map(|row| row.masked(mask)).collect(),
        None => Cow::Borrowed(rows),
    }
}

/// One group as a JSON object, without a line feed.
pub fn object(row: &GroupRow) -> String {
    let mut out = Vec::new();
    let mut plain = Plain::default();
    for field in GROUP_FIELDS {
        let value = (field.get)(row);
        if value != Value::Absent {
            out.push(if out.is_empty() { b'{' } else { b',' });
            out.push(b'"');
            out.extend_from_slice(field.key.as_bytes());
            out.extend_from_slice(b"\":");
            json::value(&mut plain, value, &mut out);
        }
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
