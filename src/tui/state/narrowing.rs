//! Only this value, and not this one: terms of a filter out of the selected row.

use std::sync::Arc;

use super::State;
use crate::tui::menu::{Deed, Item, Menu};
use crate::view::column::ColumnId;
use crate::view::filter::Filter;
use crate::view::group::is;
use crate::view::{Group, GroupRow, SortKey, ViewRow, Who};

/// Something that a row says of itself, as a filter asks for it.
struct Fact {
    letter: char,
    /// What it is.
    what: &'static str,
    /// The columns that show it.
    columns: &'static [ColumnId],
    filter: Filter,
}

/// The facts of a row, gathered one by one.
#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    /// Adds what a filter can ask for, if the value is known.
    fn add(
        &mut self,
        letter: char,
        what: &'static str,
        columns: &'static [ColumnId],
        text: Option<String>,
    ) {
        let filter = text.and_then(|text| Filter::parse(&text).ok());
        self.0.extend(filter.map(|filter| Fact {
            letter,
            what,
            columns,
            filter,
        }));
    }
}

fn of_flow(row: &ViewRow) -> Facts {
    use ColumnId as C;
    let mut facts = Facts::default();
    let flow = &row.flow;
    let orig = &flow.key().orig;
    let shown = row.row(crate::flow::Moment::default());
    let owner = shown.owner();
    let cell = |id: C| {
        let mut text = String::new();
        id.cell(&shown, crate::view::column::Style::default(), &mut text);
        (text != "-").then_some(text)
    };
    let known = |key: &str, value: Option<String>| value.map(|value| format!("{key}:{value}"));
    facts.add(
        'd',
        "destination",
        &[C::Destination],
        Some(format!("dst:{}", orig.dst())),
    );
    facts.add(
        's',
        "source",
        &[C::Source],
        Some(format!("src:{}", orig.src())),
    );
    let port = orig.dport().map(|port| format!("port:{port}"));
    facts.add('p', "port", &[C::Service, C::Dport], port);
    facts.add(
        't',
        "protocol",
        &[C::Proto],
        Some(format!("proto:{}", orig.proto())),
    );
    let state = flow.state().and_then(crate::flow::State::name);
    facts.add(
        'a',
        "state",
        &[C::State],
        state.map(|name| format!("state:{name}")),
    );
    let process = shown.process().and_then(Result::ok);
    let name = process.map(|process| is("process", &process.name));
    facts.add('o', "process", &[C::Process], name);
    let user = cell(C::User).map(|user| is("user", &user));
    facts.add('u', "user", &[C::User], user.filter(|_| owner.is_some()));
    let country = cell(C::Country).filter(|code| code.len() == 2);
    facts.add('c', "country", &[C::Country], known("country", country));
    let network = cell(C::Asn).filter(|asn| asn.bytes().all(|b| b.is_ascii_digit()));
    facts.add(
        'n',
        "network",
        &[C::Asn, C::Organisation],
        known("asn", network),
    );
    let way = row.bearings.direction.map(|way| way.name().to_owned());
    facts.add('w', "direction", &[C::Arrow], known("dir", way));
    let mark = flow.mark().filter(|mark| *mark > 0);
    facts.add(
        'm',
        "mark",
        &[C::Mark],
        known("mark", mark.map(|mark| mark.to_string())),
    );
    facts
}

/// What a group is, or why no filter says it; of a process also its name.
fn of_group(row: &GroupRow) -> Result<Facts, &'static str> {
    let mut facts = Facts::default();
    let expression = row.expression()?;
    let (letter, what) = match (row.group, row.group.grouping()) {
        (Group::Process(Who::Process { .. }), _) => {
            let name = row.name.as_deref().map(|name| is("process", name));
            facts.add('o', "process", &[], name);
            ('i', "process id")
        }
        (_, Some(grouping)) => (grouping.letter(), grouping.name()),
        (_, None) => ('v', "group"),
    };
    facts.add(letter, what, &[], Some(expression));
    Ok(facts)
}

impl State {
    /// Asks which value of the selected row is to be the only one, or is not to
    /// be seen; that of the column sorted by stands first.
    pub(super) fn open_narrowing(&mut self, excludes: bool) {
        let view = self.truth().filter(|view| self.level().is_of(view));
        let line = view.and_then(|view| view.line_of(self.level().cursor));
        let row = view.zip(line).and_then(|(view, line)| view.rows.get(line));
        let group = view
            .zip(line)
            .and_then(|(view, line)| view.groups.get(line));
        let facts = match (row, group) {
            (Some(row), _) => of_flow(row).0,
            (_, Some(row)) => match of_group(row) {
                Ok(facts) => facts.0,
                Err(why) => return self.say(why),
            },
            (None, None) => {
                return self.say(&format!("Select a row first: {}.", self.keys("↑ ↓")));
            }
        };
        if facts.is_empty() {
            let key = self.keys("Enter");
            return self.say(&format!("No filter asks for this; {key} shows its flows."));
        }
        let sorted = match self.sort().key {
            SortKey::Column(id) | SortKey::Address(id) => Some(id),
            _ => None,
        };
        let is_first = |fact: &Fact| sorted.is_some_and(|id| fact.columns.contains(&id));
        let (mut first, others): (Vec<_>, Vec<_>) = facts.into_iter().partition(is_first);
        first.extend(others);
        let items = first.into_iter().map(|fact| {
            let filter = if excludes {
                fact.filter.negated()
            } else {
                fact.filter
            };
            Item {
                letter: Some(fact.letter),
                text: fact.what.to_owned(),
                note: self.told(&filter),
                does: Deed::Narrow(filter),
            }
        });
        let title = if excludes {
            "Without this"
        } else {
            "Only this"
        };
        self.menu = Some(Menu::new(title, items.collect()));
    }

    /// Adds a term to the filter in force.
    pub(super) fn narrow(&mut self, term: &Filter) {
        let filter = match &self.filter {
            Some(filter) => filter.and(term),
            None => term.clone(),
        };
        let text = self.told(&filter);
        self.set_filter(Some(Arc::new(filter)));
        let (edit, clear) = (self.keys("/"), self.keys("0"));
        self.say(&format!("/{text}: {edit} edits it, {clear} drops it."));
    }
}
