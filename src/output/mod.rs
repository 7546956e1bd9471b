//! Records to bytes: the only place where flows are serialised.
//!
//! A [`Writer`] takes [`Record`]s and writes them in one of three formats, by
//! the fields of [`view::field`](crate::view::field):
//!
//! - **JSON**: one flat object per line. A key whose value is absent is left
//!   out; it is never `null` and never zero. Numbers are numbers, spans are
//!   seconds with three decimals, times are RFC 3339 in UTC with microseconds,
//!   lists are arrays.
//! - **CSV**: a header once, then one line per record, quoted by RFC 4180;
//!   lines end with a line feed. Absent is empty, lists are joined by `|`.
//! - **Table**: for people. Without fields of one's own it has the columns of
//!   the screen. Control characters are escaped, absent is `-`.
//!
//! Texts of JSON and CSV are exact, whatever bytes a helper's name holds. With a
//! [`Mask`], nothing is written but its pseudonyms, in whatever format.

mod csv;
mod groups;
mod json;
mod plain;
mod table;

use std::io::{self, Write};

pub use groups::{groups, object};

use crate::view::column::ColumnId;
use crate::view::field::{FIELDS, Field, Record};
use crate::view::mask::Mask;
use crate::view::units::RateUnit;

/// How much is gathered before the sink is called.
const BUFFER_BYTES: usize = 64 << 10;

/// How records look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    Json,
}

impl Format {
    /// All of them, in the order of the manual.
    pub const ALL: [Self; 3] = [Self::Table, Self::Csv, Self::Json];

    /// As it stands on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// How records come, which decides how a table of them is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// All flows at once, maybe again later. [`Writer::flush`] ends a sample,
    /// and each gets a header and widths of its own.
    Samples,
    /// One by one as they happen. There is one header, columns never shrink,
    /// and each line begins with the time and the event.
    Events,
}

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How records look.
    pub format: Format,
    /// Which fields, in this order. `None`: all of them, or in a table the
    /// columns of the screen.
    pub fields: Option<Vec<&'static Field>>,
    /// The unit of rates in the columns of the screen. Fields are named after
    /// their units and keep them.
    pub unit: RateUnit,
    /// How records come.
    pub course: Course,
    /// Which columns of the screen a table has, if not the usual ones.
    pub columns: Option<Vec<ColumnId>>,
    /// What puts pseudonyms in the place of addresses and names.
    pub mask: Option<Mask>,
}

impl Settings {
    /// Whether any of it tells whose flows are.
    pub fn wants_owners(&self) -> bool {
        match &self.fields {
            Some(fields) => fields.iter().any(|field| field.is_of_owner()),
            None => true,
        }
    }
}

enum Form {
    Json(json::Json),
    Csv(csv::Csv),
    Columns(table::Columns),
    Chosen(table::Chosen),
}

/// Writes records to `sink`.
pub struct Writer<W> {
    form: Form,
    mask: Option<Mask>,
    buffer: Vec<u8>,
    sink: W,
}

impl<W: Write> Writer<W> {
    /// A writer that has written nothing yet.
    pub fn new(settings: &Settings, sink: W) -> Self {
        let mut buffer = Vec::with_capacity(BUFFER_BYTES + 4096);
        let fields = || match &settings.fields {
            Some(fields) => fields.clone(),
            None => FIELDS.iter().collect(),
        };
        let form = match (settings.format, &settings.fields) {
            (Format::Json, _) => Form::Json(json::Json::new(fields())),
            (Format::Csv, _) => Form::Csv(csv::Csv::new(fields(), &mut buffer)),
            (Format::Table, None) => Form::Columns(table::Columns::new(settings)),
            (Format::Table, Some(_)) => Form::Chosen(table::Chosen::new(fields(), settings.course)),
        };
        Self {
            form,
            mask: settings.mask.clone(),
            buffer,
            sink,
        }
    }

    /// Writes one record, or keeps it until the next flush.
    ///
    /// # Errors
    /// Those of the sink, [`io::ErrorKind::BrokenPipe`] among them.
    pub fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        let Some((mask, row)) = self.mask.as_ref().zip(record.row.as_ref()) else {
            return self.plain(record);
        };
        let masked = row.masked(mask);
        self.plain(&Record {
            row: Some(masked.row()),
            ..*record
        })
    }

    fn plain(&mut self, record: &Record<'_>) -> io::Result<()> {
        match &mut self.form {
            Form::Json(form) => form.record(record, &mut self.buffer),
            Form::Csv(form) => form.record(record, &mut self.buffer),
            Form::Columns(form) => form.record(record),
            Form::Chosen(form) => form.record(record),
        }
        if self.buffer.len() >= BUFFER_BYTES {
            self.drain()?;
        }
        Ok(())
    }

    /// Lays out a table, and hands everything so far to the sink. It ends a
    /// sample: a table without rows is then a header.
    ///
    /// # Errors
    /// Those of the sink, [`io::ErrorKind::BrokenPipe`] among them.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Json(_) | Form::Csv(_) => {}
            Form::Columns(form) => form.lay_out(&mut self.buffer),
            Form::Chosen(form) => form.lay_out(&mut self.buffer),
        }
        self.drain()?;
        self.sink.flush()
    }

    fn drain(&mut self) -> io::Result<()> {
        let result = self.sink.write_all(&self.buffer);
        self.buffer.clear();
        result
    }
}

/// One record with all its fields as a JSON object, without a line feed.
pub fn record(record: &Record<'_>) -> String {
    let mut out = Vec::new();
    json::Json::new(FIELDS.iter().collect()).record(record, &mut out);
    out.pop();
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
