//! The list of options.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::mouse::Spot;
use super::super::options::{OPTIONS, Row};
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use super::list::{Placed, Shape, Stand};

/// Cells of the whole, where there are as many.
const WIDTH: u16 = 56;
/// Lines below the list, for what an option does.
const DOC_LINES: u16 = 4;
/// Cells of a name, and of a value.
const NAME: usize = 21;
const VALUE: usize = 18;

/// What stands below the list.
const KEYS: &str = " ↑↓ select  ← → change  Ctrl+S save  Esc closes ";

/// A line of the list.
#[derive(Clone, Copy)]
enum Shown {
    Heading(&'static str),
    Option(usize),
    Blank,
}

/// Every line: options stand below what they belong to.
fn lines() -> Vec<Shown> {
    let mut all = Vec::new();
    for (index, row) in OPTIONS.iter().enumerate() {
        if index == 0 || OPTIONS[index - 1].part != row.part {
            if index > 0 {
                all.push(Shown::Blank);
            }
            all.push(Shown::Heading(row.part));
        }
        all.push(Shown::Option(index));
    }
    all
}

fn place(state: &State, lines: &[Shown], screen: Rect) -> Placed {
    let at = |shown: &Shown| matches!(shown, Shown::Option(index) if *index == state.options.at);
    let shape = Shape {
        width: WIDTH,
        lines: lines.len(),
        at: lines.iter().position(at).unwrap_or(0),
        below: DOC_LINES,
        stand: Stand::Middle,
    };
    shape.place(screen)
}

/// Draws it.
pub(super) fn draw(state: &State, buf: &mut Buffer) {
    let lines = lines();
    let placed = place(state, &lines, buf.area);
    placed.frame(state, "Options", KEYS, buf);
    for (line, row) in placed.rows() {
        match lines.get(line) {
            None | Some(Shown::Blank) => {}
            Some(Shown::Heading(text)) => {
                let style = state.theme.style(Role::Header);
                buf.set_stringn(row.x, row.y, text, row.width.into(), style);
            }
            Some(Shown::Option(index)) => {
                let is_selected = *index == state.options.at;
                option(state, &OPTIONS[*index], is_selected, row, buf);
                if is_selected {
                    line::select(state, row, buf);
                }
            }
        }
    }
    let (text, role) = match &state.options.told {
        Some(told) => (told.as_str(), Role::Title),
        None => (OPTIONS[state.options.at].doc, Role::HelpText),
    };
    placed.say(state, text, role, buf);
}

fn option(state: &State, option: &Row, is_selected: bool, row: Rect, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let typed = state.options.typed.as_ref().filter(|_| is_selected);
    let value = match typed {
        Some(typed) => format!("{typed}▏"),
        None if option.is_deed() => String::new(),
        None if is_selected => format!("‹ {} ›", (option.value)(state)),
        None => format!("  {}", (option.value)(state)),
    };
    let key = match option.action() {
        Some(super::super::keys::Action::Slower) => state.keys("+ -"),
        Some(action) => state.settings.keys.name(action),
        None if option.is_deed() => "Ctrl+S".to_owned(),
        None => String::new(),
    };
    let role = match value.trim() {
        "off" => Role::Dim,
        _ => Role::Text,
    };
    let spans = vec![
        Span::styled(format!(" {:<NAME$}", option.name), style(Role::Text)),
        Span::styled(format!("{value:<VALUE$}"), style(role)),
        Span::styled(key, style(Role::HelpKey)),
    ];
    buf.set_line(row.x, row.y, &Line::from(spans), row.width);
}

/// What a click does.
pub(super) fn spot(state: &State, screen: Rect, at: Position) -> Spot {
    let lines = lines();
    match place(state, &lines, screen).spot(at) {
        Spot::Line(line) => match lines.get(line) {
            Some(Shown::Option(index)) => Spot::Line(*index),
            _ => Spot::Frame,
        },
        other => other,
    }
}
