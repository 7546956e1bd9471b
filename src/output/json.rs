//! One JSON object per line (RFC 8259, newline-delimited).

use super::plain::{Plain, uint};
use crate::view::field::{Field, Record, Value};

/// Writes objects.
pub(super) struct Json {
    /// Each field, and `,"key":`.
    fields: Vec<(&'static Field, Box<[u8]>)>,
    plain: Plain,
}

impl Json {
    pub(super) fn new(fields: Vec<&'static Field>) -> Self {
        let fields = fields
            .into_iter()
            .map(|field| {
                let prefix = format!(",\"{}\":", field.key);
                (field, prefix.into_bytes().into_boxed_slice())
            })
            .collect();
        Self {
            fields,
            plain: Plain::default(),
        }
    }

    /// Appends one line.
    pub(super) fn record(&mut self, record: &Record<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        for (field, prefix) in &self.fields {
            let value = (field.get)(record);
            if !matches!(value, Value::Absent) {
                out.extend_from_slice(prefix);
                self::value(&mut self.plain, value, out);
            }
        }
        // The comma before the first key becomes the brace.
        match out.get_mut(start) {
            Some(first) => *first = b'{',
            None => out.push(b'{'),
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Appends a value that is there.
pub(super) fn value(plain: &mut Plain, value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Uint(number) => uint(number, out),
        Value::Absent | Value::Seconds(_) => plain.value(value, out),
        Value::Text(text) => {
            // Writing to a Vec cannot fail.
            let _ = serde_json::to_writer(out, text);
        }
        Value::Status(status) => {
            out.push(b'[');
            for (index, name) in status.names().enumerate() {
                out.extend_from_slice(if index > 0 { b",\"" } else { b"\"" });
                out.extend_from_slice(name.as_bytes());
                out.push(b'"');
            }
            out.push(b']');
        }
        // Text of our own making, which has nothing to escape.
        Value::Time(_)
        | Value::Address(_)
        | Value::Protocol(_)
        | Value::State(_)
        | Value::Mac(_) => {
            out.push(b'"');
            plain.value(value, out);
            out.push(b'"');
        }
    }
}
