//! What there is to know about the program besides the flows: its version,
//! where places and names come from, and what went wrong.

use super::super::state::State;
use super::super::theme::Role;
use super::popup::{Text, entry, heading, paragraph};
use crate::view::column::Hosts;
use crate::view::{PlaceSource, View};

/// The lines of the popup.
pub(super) fn content(state: &State, width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    let version = concat!("flowtop ", env!("CARGO_PKG_VERSION"));
    lines.push(vec![
        (version.to_owned(), Role::Title),
        (
            concat!("  ", env!("CARGO_PKG_LICENSE")).to_owned(),
            Role::Dim,
        ),
    ]);
    let view = state.view.as_deref();
    lines.extend([Text::new(), heading("Places")]);
    places(view, width, &mut lines);
    lines.extend([Text::new(), heading("Names")]);
    names(state, view, width, &mut lines);
    let mut warnings = state.warnings().peekable();
    if warnings.peek().is_some() {
        lines.extend([Text::new(), heading("Warnings")]);
        for warning in warnings {
            paragraph(warning, Role::ChipWarn, width, &mut lines);
        }
    }
    lines
}

fn places(view: Option<&View>, width: usize, lines: &mut Vec<Text>) {
    let places = view.map_or(&[][..], |view| &view.status.places);
    if places.is_empty() {
        let none = "No database is in use: -G switches them off, or none could be opened.";
        paragraph(none, Role::HelpText, width, lines);
    }
    for place in places {
        database(place, width, lines);
    }
}

fn database(place: &PlaceSource, width: usize, lines: &mut Vec<Text>) {
    let (age, role) = match (place.age_days, place.is_stale) {
        (days, true) => (
            format!("{days} days old; `flowtop update` fetches a new one"),
            Role::ChipWarn,
        ),
        (1, false) => ("1 day old".to_owned(), Role::HelpText),
        (days, false) => (format!("{days} days old"), Role::HelpText),
    };
    paragraph(&place.name, Role::HelpKey, width, lines);
    entry("  gives", &place.gives, Role::HelpText, width, lines);
    entry("  data", &age, role, width, lines);
    if let Some(attribution) = &place.attribution {
        entry("  source", attribution, Role::HelpText, width, lines);
    }
}

fn names(state: &State, view: Option<&View>, width: usize, lines: &mut Vec<Text>) {
    let problem = view.and_then(|view| view.status.resolver.as_deref());
    let (text, role) = match problem {
        Some(problem) => (problem, Role::ChipWarn),
        // Without lookups the viewer begins with addresses.
        None if state.settings.hosts == Hosts::Address => {
            ("Names are not looked up: -n.", Role::HelpText)
        }
        None => (
            "Names of the hosts on the screen are looked up.",
            Role::HelpText,
        ),
    };
    paragraph(text, role, width, lines);
    let own = match view.map_or(0, |view| view.own) {
        0 => return,
        1 => "1 flow of flowtop's own name lookups is not shown.".to_owned(),
        own => format!("{own} flows of flowtop's own name lookups are not shown."),
    };
    paragraph(&own, Role::HelpText, width, lines);
}
