//! What is taken out of the viewer: copied, written, exported; and whether it
//! tells true addresses and names.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::columns::Seen;
use super::{Effects, State};
use crate::tui::clipboard::MOST_BYTES;
use crate::tui::draw;
use crate::tui::keys::Action;
use crate::tui::menu::{Deed, Item, Menu};
use crate::tui::tabs::Label;
use crate::view::column::ColumnId;
use crate::view::field::{Event, Record};
use crate::view::filter::Filter;
use crate::view::mask::Mask;
use crate::view::units::{self, RateUnit};
use crate::view::{GroupRow, List, Page, Query, Source, View, ViewRow, command};

/// How exported rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line.
    Json,
    /// Aligned columns for people: those of the screen.
    Text,
}

/// Something to write to a new file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// What its name begins with: the program, the date and the time.
    pub stem: String,
    /// What is in it.
    pub what: Saving,
}

/// What is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saving {
    /// The screen, as text.
    Screen(String),
    /// Every row of a list.
    Rows(Box<Rows>),
}

/// Which rows, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Which ones, and in which order; its window does not matter.
    pub query: Query,
    /// How.
    pub form: Form,
    /// Columns of a text of flows.
    pub columns: Vec<ColumnId>,
    /// The unit of rates in a text.
    pub unit: RateUnit,
    /// What hides addresses and names, if that is wanted.
    pub mask: Option<Mask>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Where.
    pub path: PathBuf,
    /// Of rows: how many.
    pub rows: Option<usize>,
    /// How many rows had ended before they could be written.
    pub ended: usize,
}

/// What it takes to take things out.
#[derive(Clone, Debug, Default)]
pub(super) struct Taking {
    /// The view as it came. Only what is done looks at it: what is drawn is
    /// [`State::view`], which may be masked.
    truth: Option<Arc<View>>,
    is_masked: bool,
    /// Whether rows are being written.
    is_exporting: bool,
}

impl Taking {
    pub(super) fn new(is_masked: bool) -> Self {
        Self {
            is_masked,
            ..Self::default()
        }
    }
}

impl State {
    /// The mask, if it is on.
    pub(in crate::tui) fn mask(&self) -> Option<&Mask> {
        let mask = &self.settings.mask;
        self.taking.is_masked.then_some(mask)
    }

    /// The view as it came, with true addresses and names: not for drawing.
    pub(super) const fn truth(&self) -> Option<&Arc<View>> {
        self.taking.truth.as_ref()
    }

    /// Takes a view in, and shows it.
    pub(super) fn show(&mut self, view: Arc<View>) {
        self.view = Some(match self.mask() {
            Some(mask) => Arc::new(view.masked(mask)),
            None => Arc::clone(&view),
        });
        self.taking.truth = Some(view);
    }

    /// A filter as it may be read.
    pub(in crate::tui) fn told(&self, filter: &Filter) -> String {
        match self.mask() {
            Some(mask) => filter.masked(mask),
            None => filter.to_string(),
        }
    }

    /// What a list or a row is called, as it may be read.
    pub(in crate::tui) fn read<'a>(&self, label: &'a Label) -> &'a str {
        match self.mask() {
            Some(_) => &label.masked,
            None => &label.plain,
        }
    }

    /// The name of this host as it may be read.
    pub(in crate::tui) fn host_name(&self) -> String {
        match self.mask() {
            Some(mask) => mask.host(&self.settings.host),
            None => self.settings.host.clone(),
        }
    }

    /// What is about taking things out.
    pub(super) fn take(&mut self, action: Action, effects: &mut Effects) {
        match action {
            Action::Copy => self.open_copying(),
            Action::Mask => self.toggle_mask(),
            Action::WriteScreen => {
                effects.save.push(Save {
                    stem: self.stem(),
                    what: Saving::Screen(draw::text(self)),
                });
            }
            Action::Export => self.open_exporting(),
            _ => {}
        }
    }

    fn toggle_mask(&mut self) {
        self.taking.is_masked = !self.taking.is_masked;
        if let Some(view) = self.taking.truth.take() {
            self.show(view);
        }
        self.seen = Seen::default();
        self.measure();
        if self.taking.is_masked {
            self.say(
                "Masked: addresses and names are pseudonyms, here and in what is copied and \
                 written.",
            );
        } else {
            let key = self.keys("m");
            self.say(&format!(
                "Addresses and names are the true ones; {key} masks them."
            ));
        }
    }

    /// What a file of now is called: `flowtop-20261121-143207`.
    fn stem(&self) -> String {
        let at = Timestamp::from_nanosecond(self.now.real_ns.into()).unwrap_or_default();
        let at = at.to_zoned(self.zone.clone());
        format!("flowtop-{}", at.strftime("%Y%m%d-%H%M%S"))
    }

    fn open_copying(&mut self) {
        let Some(view) = self.view.clone().filter(|view| self.level().is_of(view)) else {
            return;
        };
        let is_open = self.pane().is_some();
        if let Some(detail) = view.detail.as_ref().filter(|_| is_open) {
            return self.open_flow(&detail.row, &view);
        }
        let cursor = self.level().cursor;
        // The row itself, not the one next to where the cursor went.
        let truth = self.truth().filter(|view| self.level().is_of(view));
        let line = truth.and_then(|view| view.line_of(cursor));
        let row = line.and_then(|line| view.rows.get(line));
        let group = line.and_then(|line| view.groups.get(line));
        match (row, group) {
            (Some(row), _) => self.open_flow(row, &view),
            (_, Some(row)) => self.open_group(row),
            (None, None) if self.level().is_anything_selected() => {
                self.say("The row is not there yet.");
            }
            (None, None) => self.say(&format!("Select a row first: {}.", self.keys("↑ ↓"))),
        }
    }

    /// What can be copied of a flow.
    fn open_flow(&mut self, shown: &ViewRow, view: &View) {
        let row = shown.row(view.at);
        let style = self.cell_style();
        let [near, far] = row.in_order(style.order);
        let mut cells = Vec::new();
        for id in self.wish().columns {
            let mut cell = String::new();
            id.cell(&row, style, &mut cell);
            cells.push(cell);
        }
        let json = (self.settings.json)(&Record {
            event: Event::Sample,
            ts_ns: view.at.real_ns,
            row: Some(row.clone()),
            count: None,
        });
        let known = |name: Option<&str>, what: &str| match name {
            Some(name) => copy(what, name),
            None => Deed::Say(format!("There is no {what}: nobody knows one.")),
        };
        let mut items = vec![
            item(
                'f',
                "far address",
                copy("far address", &far.address.to_string()),
            ),
            item(
                'n',
                "near address",
                copy("near address", &near.address.to_string()),
            ),
            item('h', "far name", known(far.end.name.as_deref(), "far name")),
            item(
                't',
                "tuple",
                copy("tuple", &command::tuple(&row.flow.key().orig)),
            ),
            item('r', "row", copy("row", &cells.join("  "))),
            item('j', "JSON record", copy("JSON record", &json)),
        ];
        items.extend(self.commands(&row, view));
        self.menu = Some(Menu::new("Copy", items));
    }

    /// Commands of other programs. Pseudonyms would name hosts that they are
    /// not about.
    fn commands(&self, row: &crate::view::Row<'_>, view: &View) -> Vec<Item> {
        let masked = || {
            let key = self.keys("m");
            Deed::Say(format!(
                "Masked: a command would be about other hosts; {key} shows the true ones."
            ))
        };
        let delete = match view.status.source {
            _ if self.mask().is_some() => masked(),
            Source::Sockets => Deed::Say(
                "There is no entry to delete: sockets tell of flows, not connection tracking."
                    .to_owned(),
            ),
            Source::Conntrack | Source::Both => copy(
                "command that deletes this entry",
                &command::conntrack_delete(row.flow),
            ),
        };
        let packets = match self.mask() {
            Some(_) => masked(),
            None => copy(
                "command that shows its packets",
                &command::tcpdump(row.flow),
            ),
        };
        let (note, drop) = match (self.mask(), row.host_to_drop()) {
            (Some(_), _) => (String::new(), masked()),
            (None, Ok(host)) => (
                format!(
                    "all packets from and to {host}; undo: {}",
                    command::nft_undo()
                ),
                copy(
                    &format!("command that drops all packets from and to {host}"),
                    &command::nft_drop(host),
                ),
            ),
            (None, Err(why)) => (String::new(), Deed::Say(format!("No host to drop: {why}."))),
        };
        vec![
            item('d', "conntrack -D", delete),
            item('p', "tcpdump", packets),
            Item {
                note,
                ..item('x', "nft drop", drop)
            },
        ]
    }

    /// What can be copied of a group.
    fn open_group(&mut self, row: &GroupRow) {
        let label = row.label();
        let filter = match (self.mask(), row.expression()) {
            (Some(_), _) => Deed::Say(format!(
                "Masked: it would find nothing; {} shows the true ones.",
                self.keys("m")
            )),
            (None, Ok(filter)) => copy("filter", &filter),
            (None, Err(why)) => Deed::Say(why.to_owned()),
        };
        let mut items = vec![item('n', "name", copy("name", &label))];
        if let Some(address) = row.group.address() {
            let address = address.to_string();
            items.push(item('a', "address", copy("address", &address)));
        }
        items.push(item('f', "filter", filter));
        let json = (self.settings.group_json)(row);
        items.push(item('j', "JSON record", copy("JSON record", &json)));
        self.menu = Some(Menu::new("Copy", items));
    }

    fn open_exporting(&mut self) {
        if self.taking.is_exporting {
            return self.say("Rows are being written already; this takes a while.");
        }
        if self.tab.page() != Page::List {
            let key = self.keys("w");
            return self.say(&format!("There are no rows here; {key} writes the screen."));
        }
        let items = vec![
            item('c', "CSV", Deed::Export(Form::Csv)),
            item('j', "JSON", Deed::Export(Form::Json)),
            item('t', "text", Deed::Export(Form::Text)),
        ];
        let notes = [
            "all fields, with a header",
            "all fields, an object a line",
            "the columns of the screen",
        ];
        let items = items.into_iter().zip(notes);
        let items = items.map(|(item, note)| Item {
            note: note.to_owned(),
            ..item
        });
        let title = match self.truth().map(|view| view.row_count()) {
            Some(rows) => {
                let mut title = "Export ".to_owned();
                units::grouped(&mut title, rows as u64);
                title + if rows == 1 { " row" } else { " rows" }
            }
            None => "Export all rows".to_owned(),
        };
        self.menu = Some(Menu::new(title, items.collect()));
    }

    /// Copies a text, unless it is too long for a terminal.
    pub(super) fn copy(&mut self, what: &str, text: String, effects: &mut Effects) {
        if text.len() > MOST_BYTES {
            return self.say(&format!(
                "The {what} is too long to copy: terminals take {MOST_BYTES} bytes."
            ));
        }
        let condition = self.settings.multiplexer.condition();
        self.say(&format!("Copied the {what}, {condition}."));
        effects.copy = Some(text);
    }

    /// Has all rows of the list written to a file.
    pub(super) fn export(&mut self, form: Form, effects: &mut Effects) {
        self.taking.is_exporting = true;
        let mut query = self.query().clone();
        query.detail = None;
        effects.save.push(Save {
            stem: self.stem(),
            what: Saving::Rows(Box::new(Rows {
                columns: match query.list {
                    List::Flows => self.wish().columns,
                    List::By(_) => Vec::new(),
                },
                query,
                form,
                unit: self.unit,
                mask: self.mask().cloned(),
            })),
        });
    }

    /// Takes note of how far an export is.
    pub(super) fn note_progress(&mut self, written: usize, all: usize) {
        let mut text = "Exporting: ".to_owned();
        units::grouped(&mut text, written as u64);
        text.push_str(" of ");
        units::grouped(&mut text, all as u64);
        self.say(&format!("{text} rows."));
    }

    /// Takes note of what became of a file.
    pub(super) fn note_saved(&mut self, result: Result<Saved, String>) {
        match result {
            Ok(Saved { path, rows, ended }) => {
                let mut text = String::new();
                if let Some(rows) = rows {
                    self.taking.is_exporting = false;
                    units::grouped(&mut text, rows as u64);
                    text.push_str(if rows == 1 { " row" } else { " rows" });
                } else {
                    text.push_str("The screen");
                }
                text.push_str(" in ");
                text.push_str(&path.display().to_string());
                if ended > 0 {
                    text.push_str("; ");
                    units::grouped(&mut text, ended as u64);
                    text.push_str(" ended meanwhile");
                }
                self.say(&text);
            }
            Err(why) => {
                self.taking.is_exporting = false;
                self.say(&why);
            }
        }
    }
}

fn copy(what: &str, text: &str) -> Deed {
    Deed::Copy(what.to_owned(), text.to_owned())
}

/// A line of the menu; beside it stands what would be copied.
fn item(letter: char, text: &str, does: Deed) -> Item {
    /// Characters of a note: enough to recognise it by.
    const NOTE: usize = 60;
    let mut note = match &does {
        Deed::Copy(_, text) => text.clone(),
        Deed::Say(_) => "-".to_owned(),
        _ => String::new(),
    };
    draw::cut_end(&mut note, NOTE);
    Item {
        letter: Some(letter),
        text: text.to_owned(),
        note,
        does,
    }
}
