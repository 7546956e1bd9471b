//! Comma-separated values, quoted by RFC 4180.

use super::plain::Plain;
use crate::view::field::{Field, Record, Value};

/// Writes lines of values.
pub(super) struct Csv {
    fields: Vec<&'static Field>,
    plain: Plain,
}

impl Csv {
    /// Appends the header.
    pub(super) fn new(fields: Vec<&'static Field>, out: &mut Vec<u8>) -> Self {
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(field.key.as_bytes());
        }
        out.push(b'\n');
        Self {
            fields,
            plain: Plain::default(),
        }
    }

    /// Appends one line.
    pub(super) fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        for (index, field) in self.fields.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            value((field.get)(record), &mut self.plain, out);
        }
        out.push(b'\n');
    }
}

/// Appends a value.
pub(super) fn value(value: Value<'_>, plain: &mut Plain, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => quoted(text, out),
        value => plain.value(value, out),
    }
}

/// Appends a text from outside, in quotes if it needs them.
fn quoted(text: &str, out: &mut Vec<u8>) {
    let needs_quotes = |b| matches!(b, b',' | b'"' | b'\r' | b'\n');
    if !text.bytes().any(needs_quotes) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
