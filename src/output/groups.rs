//! Groups to bytes, in the formats of flows.

use std::io::{self, Write};

use super::plain::Plain;
use super::{Format, csv, json, table};
use crate::view::GroupRow;
use crate::view::field::Value;
use crate::view::group::{GROUP_FIELDS, GroupField};
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
    let masked: Vec<_> = match mask {
        Some(mask) => rows.iter().map(|row| row.masked(mask)).collect(),
        None => Vec::new(),
    };
    let rows = if mask.is_some() { &masked } else { rows };
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
