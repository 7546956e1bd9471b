//! Aligned text columns for people, without colours and trailing spaces.

use super::plain::{Plain, uint};
use super::{Course, Settings};
use crate::flow::Moment;
use crate::view::GroupRow;
use crate::view::column::{Align, COLUMNS, ColumnId, Style};
use crate::view::field::{Field, Kind, Record, Value};
use crate::view::group::{GroupColumn, GroupField, Grouping};
use crate::view::units::RateUnit;

/// What stands between two columns.
const GAP: usize = 2;

/// The columns of the screen.
pub(super) struct Columns {
    grid: Grid,
    shown: Vec<ColumnId>,
    unit: RateUnit,
    /// Whether time and event stand before them.
    events: bool,
    plain: Plain,
    cell: String,
    stamp: Vec<u8>,
}

impl Columns {
    pub(super) fn new(settings: &Settings) -> Self {
        let (unit, course) = (settings.unit, settings.course);
        let events = course == Course::Events;
        let columns = settings.columns.clone().unwrap_or_else(|| {
            let listed = COLUMNS.iter().filter(|column| column.is_listed());
            listed.map(|column| column.id).collect()
        });
        let before = [("TIME", 13), ("EVENT", 6)].map(|(title, least)| Head {
            title,
            align: Align::Left,
            least,
        });
        let heads = before
            .into_iter()
            .filter(|_| events)
            .chain(columns.iter().map(|id| Head {
                title: id.column().title,
                align: id.column().align,
                least: id.column().width(unit).into(),
            }));
        Self {
            grid: Grid::new(heads.collect(), course),
            shown: columns,
            unit,
            events,
            plain: Plain::default(),
            cell: String::new(),
            stamp: Vec::new(),
        }
    }

    pub(super) fn record(&mut self, record: &Record<'_>) {
        if self.events {
            self.stamp.clear();
            self.plain.time(record.ts_ns, &mut self.stamp);
            // Of `2026-11-21T03:00:01.123456Z`: the time to the millisecond.
            self.grid.text(&self.stamp[11..23]);
            self.grid.text(b"Z");
            self.grid.end_cell();
            self.grid.text(record.event.name().as_bytes());
            self.grid.end_cell();
        }
        if let Some(row) = &record.row {
            for column in &self.shown {
                self.cell.clear();
                column.cell(
                    row,
                    Style {
                        unit: self.unit,
                        ..Style::default()
                    },
                    &mut self.cell,
                );
                self.grid.foreign(&self.cell);
                self.grid.end_cell();
            }
        } else {
            uint(record.count.unwrap_or_default(), &mut self.grid.text);
            self.grid.text(b" events lost: the kernel dropped them");
            self.grid.end_cell();
        }
        self.grid.end_row();
    }

    pub(super) fn lay_out(&mut self, out: &mut Vec<u8>) {
        self.grid.lay_out(out);
    }
}

/// Fields of one's own choice.
pub(super) struct Chosen {
    grid: Grid,
    fields: Vec<&'static Field>,
    plain: Plain,
}

impl Chosen {
    pub(super) fn new(fields: Vec<&'static Field>, course: Course) -> Self {
        let heads = fields.iter().map(|field| {
            let (align, least) = match field.kind {
                Kind::Integer => (Align::Right, 6),
                Kind::Seconds => (Align::Right, 9),
                Kind::Text => (Align::Left, 8),
                Kind::List => (Align::Left, 29),
                Kind::Address => (Align::Left, 15),
                Kind::Time => (Align::Left, 27),
            };
            Head {
                title: field.key,
                align,
                least,
            }
        });
        Self {
            grid: Grid::new(heads.collect(), course),
            fields,
            plain: Plain::default(),
        }
    }

    pub(super) fn record(&mut self, record: &Record<'_>) {
        for field in &self.fields {
            self.grid.value((field.get)(record), &mut self.plain);
        }
        self.grid.end_row();
    }

    pub(super) fn lay_out(&mut self, out: &mut Vec<u8>) {
        self.grid.lay_out(out);
    }
}

/// Appends a table of groups.
pub(super) fn groups(rows: &[GroupRow], fields: &[&GroupField], out: &mut Vec<u8>) {
    let heads = fields.iter().map(|field| Head {
        title: field.key,
        align: match field.kind {
            Kind::Integer => Align::Right,
            _ => Align::Left,
        },
        least: 0,
    });
    let mut grid = Grid::new(heads.collect(), Course::Samples);
    let mut plain = Plain::default();
    for row in rows {
        for field in fields {
            grid.value((field.get)(row), &mut plain);
        }
        grid.end_row();
    }
    grid.lay_out(out);
}

/// Appends a table of groups with the columns of the screen; those of NFS only
/// where its server tells of any.
pub(super) fn sample(
    rows: &[GroupRow],
    grouping: Grouping,
    unit: RateUnit,
    now: Moment,
    out: &mut Vec<u8>,
) {
    let has_nfs = rows.iter().any(|row| row.nfs.is_some());
    let is_told =
        |column: &GroupColumn| has_nfs || !matches!(column, GroupColumn::Nfs | GroupColumn::Mount);
    let columns: Vec<_> = GroupColumn::listed(grouping).filter(is_told).collect();
    let heads = columns.iter().map(|column| Head {
        title: column.title(grouping),
        align: column.align(),
        least: 0,
    });
    let mut grid = Grid::new(heads.collect(), Course::Samples);
    let mut cell = String::new();
    for row in rows {
        for column in &columns {
            cell.clear();
            column.cell(row, unit, now, &mut cell);
            grid.foreign(&cell);
            grid.end_cell();
        }
        grid.end_row();
    }
    grid.lay_out(out);
}

/// The head of a column.
struct Head {
    title: &'static str,
    align: Align,
    /// Where columns cannot wait for their cells: the width to begin with.
    least: usize,
}

/// Cells that wait for their widths.
///
/// A row with fewer cells than columns ends with a remark, which takes no part
/// in the widths.
struct Grid {
    heads: Vec<Head>,
    course: Course,
    widths: Vec<usize>,
    header_written: bool,
    /// The cells' text, one after the other.
    text: Vec<u8>,
    /// Where each cell ends in `text`.
    cells: Vec<usize>,
    /// Where each row ends in `cells`.
    rows: Vec<usize>,
}

impl Grid {
    fn new(heads: Vec<Head>, course: Course) -> Self {
        Self {
            widths: first_widths(&heads, course),
            heads,
            course,
            header_written: false,
            text: Vec::new(),
            cells: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Adds text of our own making to the cell.
    fn text(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
    }

    /// Adds text that may come from outside to the cell: what could move the
    /// cursor, or hide or turn around other text, is escaped.
    fn foreign(&mut self, text: &str) {
        if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return self.text(text.as_bytes());
        }
        let mut utf8 = [0; 4];
        for c in text.chars() {
            if c.is_control() || is_format(c) {
                self.text
                    .extend(c.escape_default().filter_map(|c| u8::try_from(c).ok()));
            } else {
                self.text(c.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }

    /// Adds a cell.
    fn value(&mut self, value: Value<'_>, plain: &mut Plain) {
        match value {
            Value::Absent => self.text(b"-"),
            Value::Text(text) => self.foreign(text),
            value => plain.value(value, &mut self.text),
        }
        self.end_cell();
    }

    fn end_cell(&mut self) {
        self.cells.push(self.text.len());
    }

    fn end_row(&mut self) {
        self.rows.push(self.cells.len());
    }

    /// Appends everything that waited.
    fn lay_out(&mut self, out: &mut Vec<u8>) {
        if self.course == Course::Samples {
            self.widths = first_widths(&self.heads, self.course);
        }
        self.fit();
        if self.course == Course::Samples || !self.header_written {
            if self.header_written {
                out.push(b'\n');
            }
            self.header_written = true;
            let titles = self.heads.iter().map(|head| head.title.as_bytes());
            self.line(titles, out);
        }
        let mut first = 0;
        for end in &self.rows {
            self.line((first..*end).map(|index| self.cell(index)), out);
            first = *end;
        }
        self.text.clear();
        self.cells.clear();
        self.rows.clear();
    }

    /// Widens the columns to what waits.
    fn fit(&mut self) {
        let mut first = 0;
        for end in &self.rows {
            if end - first == self.heads.len() {
                for index in first..*end {
                    let width = width(self.cell(index));
                    let column = &mut self.widths[index - first];
                    *column = width.max(*column);
                }
            }
            first = *end;
        }
    }

    fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.cells[index - 1] };
        &self.text[start..self.cells[index]]
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
        let columns = self.heads.iter().zip(&self.widths);
        let line_start = out.len();
        for (index, (cell, (head, column))) in cells.zip(columns).enumerate() {
            if index > 0 {
                spaces(GAP, out);
            }
            let padding = column.saturating_sub(width(cell));
            if head.align == Align::Right {
                spaces(padding, out);
            }
            out.extend_from_slice(cell);
            if head.align == Align::Left {
                spaces(padding, out);
            }
        }
        while out.len() > line_start && out.last() == Some(&b' ') {
            out.pop();
        }
        out.push(b'\n');
    }
}

fn first_widths(heads: &[Head], course: Course) -> Vec<usize> {
    heads
        .iter()
        .map(|head| match course {
            Course::Samples => width(head.title.as_bytes()),
            Course::Events => width(head.title.as_bytes()).max(head.least),
        })
        .collect()
}

/// Characters that show nothing themselves but change what others show:
/// zero-width and direction marks, line separators.
const fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters in UTF-8 text.
fn width(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

fn spaces(count: usize, out: &mut Vec<u8>) {
    out.resize(out.len() + count, b' ');
}
