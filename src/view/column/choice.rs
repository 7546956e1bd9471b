//! Which columns are shown, and in which order.

use std::fmt;

use super::super::filter;
use super::{COLUMNS, Column, ColumnId, named};

/// Whether a column is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is not.
    Off,
    /// It is.
    On,
    /// It is as soon as anything is known to stand in it.
    Known,
}

/// Which columns are shown, and in which order. DESTINATION always is: without
/// it a row says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Each column once.
    columns: Vec<(ColumnId, Mark)>,
    /// What was added and taken away, if that is how it came about.
    changes: Vec<(ColumnId, Mark)>,
}

impl Default for Choice {
    fn default() -> Self {
        let columns = COLUMNS.iter().map(|column| match column.id {
            ColumnId::Source => (column.id, Mark::Off),
            _ if column.is_extra() => (column.id, Mark::Off),
            ColumnId::Country
            | ColumnId::Process
            | ColumnId::Interface
            | ColumnId::Trend
            | ColumnId::Rtt
            | ColumnId::Ended
            | ColumnId::ReplyDelta
            | ColumnId::OrigDelta => (column.id, Mark::Known),
            id => (id, Mark::On),
        });
        Self {
            columns: columns.collect(),
            changes: Vec::new(),
        }
    }
}

impl Choice {
    /// These, in this order.
    fn only(mut columns: Vec<(ColumnId, Mark)>) -> Self {
        if !columns.iter().any(|(id, _)| *id == ColumnId::Destination) {
            columns.insert(0, (ColumnId::Destination, Mark::On));
        }
        for column in COLUMNS {
            if !columns.iter().any(|(id, _)| *id == column.id) {
                columns.push((column.id, Mark::Off));
            }
        }
        Self {
            columns,
            changes: Vec::new(),
        }
    }

    /// Reads keys separated by commas: these columns; or, each with + or -,
    /// what is to be added to the usual ones and taken away from them. A column
    /// with ? is shown as soon as anything is known to stand in it.
    ///
    /// # Errors
    /// If a key is unknown or named twice, or if some have a sign and others
    /// have not: what is wrong, in one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut columns: Vec<(ColumnId, Mark)> = Vec::new();
        let mut choice = Self::default();
        let keys = || text.split(',').map(str::trim);
        let is_signed = |key: &str| key.starts_with(['+', '-']);
        let changes = keys().any(is_signed);
        if changes && !keys().all(is_signed) {
            return Err("give a sign to all columns, such as +rtt,-cc, or to none".to_owned());
        }
        for key in keys() {
            let (name, mark) = match (key.strip_prefix('+'), key.strip_prefix('-')) {
                (Some(name), _) => (name, Mark::On),
                (_, Some(name)) => (name, Mark::Off),
                _ => (key, Mark::On),
            };
            let (name, mark) = match name.strip_suffix('?') {
                Some(name) if mark == Mark::On => (name, Mark::Known),
                _ => (name, mark),
            };
            let column = named(name).ok_or_else(|| unknown(name))?;
            if columns.iter().any(|(id, _)| *id == column.id) {
                return Err(format!("`{name}` is named twice"));
            }
            if !choice.set(column.id, mark) {
                return Err(format!("`{name}` is always shown: it names the flow"));
            }
            columns.push((column.id, mark));
            choice.changes.push((column.id, mark));
        }
        Ok(if changes { choice } else { Self::only(columns) })
    }

    /// Every column, shown or not, in order.
    pub fn all(&self) -> &[(ColumnId, Mark)] {
        &self.columns
    }

    /// Those that are shown where `is_known` says of which anything is known.
    pub fn shown(&self, is_known: impl Fn(ColumnId) -> bool) -> Vec<ColumnId> {
        let shown = self.columns.iter().filter(|(id, mark)| match mark {
            Mark::Off => false,
            Mark::On => true,
            Mark::Known => is_known(*id),
        });
        shown.map(|(id, _)| *id).collect()
    }

    /// Those of a table that is printed, in which nothing yields: as named; or
    /// the usual ones of such tables, with what was added and without what was
    /// taken away.
    pub fn printed(&self) -> Vec<ColumnId> {
        if self.changes.is_empty() {
            return self.shown(|_| true);
        }
        let said = |id| self.changes.iter().find(|(column, _)| *column == id);
        let is_wanted = |column: &&Column| match said(column.id) {
            Some((_, mark)) => *mark == Mark::On,
            None => column.is_listed(),
        };
        let wanted = COLUMNS.iter().filter(is_wanted);
        wanted.map(|column| column.id).collect()
    }

    /// Shows a column or does not: whether that can be.
    pub fn set(&mut self, id: ColumnId, mark: Mark) -> bool {
        if id == ColumnId::Destination && mark == Mark::Off {
            return false;
        }
        for (column, known) in &mut self.columns {
            if *column == id {
                *known = mark;
            }
        }
        true
    }

    /// Shows a column if it is not, else hides it: whether that can be.
    pub fn toggle(&mut self, id: ColumnId) -> bool {
        let is_off = self.columns.contains(&(id, Mark::Off));
        self.set(id, if is_off { Mark::On } else { Mark::Off })
    }

    /// Lets the column in a place change places with another one, if there are
    /// both.
    pub fn swap(&mut self, place: usize, with: usize) {
        if place.max(with) < self.columns.len() {
            self.columns.swap(place, with);
        }
    }
}

impl fmt::Display for Choice {
    /// What [`Choice::parse`] reads: the columns that are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.columns.iter().filter(|(_, mark)| *mark != Mark::Off);
        for (index, (id, mark)) in shown.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let known = if *mark == Mark::Known { "?" } else { "" };
            write!(f, "{comma}{}{known}", id.column().key)?;
        }
        Ok(())
    }
}

fn unknown(name: &str) -> String {
    let nearest = filter::nearest(name, COLUMNS.iter().map(|column| column.key));
    let all: Vec<_> = COLUMNS.iter().map(|column| column.key).collect();
    format!(
        "`{}` is no column{}; there are {}",
        name.escape_debug(),
        nearest.map_or_else(String::new, |key| format!(", the nearest is `{key}`")),
        all.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(choice: &Choice) -> String {
        let shown = choice.shown(|_| false);
        let keys: Vec<_> = shown.iter().map(|id| id.column().key).collect();
        keys.join(",")
    }

    fn parsed(text: &str) -> Choice {
        Choice::parse(text).unwrap()
    }

    #[test]
    fn columns_are_named_or_changed() {
        let usual = "proto,state,age,arrow,destination,service,down_bytes,up_bytes,down_rate,\
                     up_rate";
        assert_eq!(keys(&Choice::default()), usual);
        assert_eq!(
            keys(&parsed("rtt, destination,proto")),
            "rtt,destination,proto"
        );
        assert_eq!(keys(&parsed("dst,interface")), "destination,iface");
        assert_eq!(keys(&parsed("rate10")), "destination,rate10");
        let changed = keys(&parsed("+rtt,-state,+cc,-rate"));
        assert_eq!(
            changed,
            "proto,age,arrow,destination,service,cc,down_bytes,up_bytes,down_rate,up_rate,rtt"
        );
    }

    #[test]
    fn what_is_known_shows_by_itself_unless_it_was_sent_away() {
        let shown = |choice: &Choice| choice.shown(|id| id == ColumnId::Rtt);
        assert!(shown(&Choice::default()).contains(&ColumnId::Rtt));
        assert!(!shown(&parsed("-rtt")).contains(&ColumnId::Rtt));
        assert!(!shown(&parsed("proto")).contains(&ColumnId::Rtt));
    }

    #[test]
    fn a_choice_is_written_as_it_is_read() {
        let written = |text| parsed(text).to_string();
        assert_eq!(written("rtt?,dst,proto"), "rtt?,destination,proto");
        assert_eq!(
            written("+rtt,-cc"),
            parsed(&written("+rtt,-cc")).to_string()
        );
        let usual = Choice::default();
        let again = parsed(&usual.to_string());
        assert_eq!(again.shown(|_| true), usual.shown(|_| true));
        assert_eq!(again.shown(|_| false), usual.shown(|_| false));
    }

    #[test]
    fn mistakes_are_told_by_name() {
        let wrong = |text| Choice::parse(text).unwrap_err();
        let unknown = wrong("proto,rttt");
        assert!(unknown.starts_with("`rttt` is no column, the nearest is `rtt`; there are proto,"));
        assert_eq!(wrong("rtt,age,rtt"), "`rtt` is named twice");
        assert!(wrong("+rtt,age").contains("a sign to all columns"));
        assert!(wrong("-dst").contains("always shown"));
        assert!(wrong("").contains("is no column"));
    }

    #[test]
    fn printed_tables_have_columns_of_their_own_to_change() {
        let printed = |text| {
            let ids = parsed(text).printed();
            let keys: Vec<_> = ids.iter().map(|id| id.column().key).collect();
            keys.join(",")
        };
        assert_eq!(printed("rtt,dst"), "rtt,destination");
        let changed = printed("+rtt,-arrow");
        assert!(changed.contains("source,destination"), "{changed}");
        assert!(changed.ends_with(",rtt"), "{changed}");
    }

    #[test]
    fn every_column_stays_in_the_choice() {
        let mut choice = parsed("rtt,age");
        assert_eq!(choice.all().len(), COLUMNS.len());
        choice.swap(0, 1);
        choice.swap(0, COLUMNS.len());
        assert_eq!(keys(&choice), "rtt,destination,age");
        assert!(choice.toggle(ColumnId::Age) && !choice.toggle(ColumnId::Destination));
        assert_eq!(keys(&choice), "rtt,destination");
        assert!(choice.toggle(ColumnId::Age));
        assert_eq!(keys(&choice), "rtt,destination,age");
    }
}
