//! The list of options.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::mouse::Spot;
use super::super::options::{OPTIONS, Row};
use super::super::state::State;
use super::super::theme::Role;
use super::line;

/// Cells of the whole, where there are as many.
const WIDTH: u16 = 56;
/// Lines below the list, for what an option does.
const DOC_LINES: u16 = 4;
/// Lines above and below, and the one between list and text.
const FRAME: u16 = 3;
/// Cells of a name, and of a value.
const NAME: usize = 21;
const VALUE: usize = 18;

/// A line of the list.
#[derive(Clone, Copy)]
enum Shown {
    Heading(&'static str),
    Option(usize),
    Blank,
}

/// Where the list stands, and what of it.
struct Placed {
    area: Rect,
    list: Rect,
    doc: Rect,
    shown: Vec<Shown>,
}

fn block(state: &State) -> Block<'static> {
    let style = |role| state.theme.style(role);
    Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(" Options ", style(Role::Title)))
        .title_bottom(Line::styled(
            " ↑↓ select  ← → change  Ctrl+S save  Esc closes ",
            style(Role::Dim),
        ))
}

fn place(state: &State, screen: Rect) -> Placed {
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
    let width = WIDTH.min(screen.width);
    let height = (all.len() as u16 + DOC_LINES + FRAME).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    let inner = block(state).inner(area);
    let list = Rect {
        height: inner.height.saturating_sub(DOC_LINES + 1),
        ..inner
    };
    let doc = Rect {
        y: list.bottom() + 1,
        height: inner.bottom().saturating_sub(list.bottom() + 1),
        ..inner
    };
    let at = |shown: &Shown| matches!(shown, Shown::Option(index) if *index == state.options.at);
    let at = all.iter().position(at).unwrap_or(0);
    let visible = usize::from(list.height).max(1);
    let first = (at + 1).saturating_sub(visible.div_ceil(2));
    let first = first.min(all.len().saturating_sub(visible));
    Placed {
        area,
        list,
        doc,
        shown: all.into_iter().skip(first).take(visible).collect(),
    }
}

/// Draws it.
pub(super) fn draw(state: &State, buf: &mut Buffer) {
    let style = |role| state.theme.style(role);
    let placed = place(state, buf.area);
    Clear.render(placed.area, buf);
    buf.set_style(placed.area, state.theme.base());
    block(state).render(placed.area, buf);
    let list = placed.list;
    for (y, shown) in (list.y..list.bottom()).zip(&placed.shown) {
        let row = Rect {
            y,
            height: 1,
            ..list
        };
        match shown {
            Shown::Blank => {}
            Shown::Heading(text) => {
                buf.set_stringn(row.x, y, text, row.width.into(), style(Role::Header));
            }
            Shown::Option(index) => {
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
    let lines = line::wrap(text, placed.doc.width.into());
    for (y, text) in (placed.doc.y..placed.doc.bottom()).zip(lines) {
        buf.set_stringn(placed.doc.x, y, text, placed.doc.width.into(), style(role));
    }
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
    let placed = place(state, screen);
    if !placed.area.contains(at) {
        return Spot::Beside;
    }
    let line = usize::from(at.y.saturating_sub(placed.list.y));
    match placed.shown.get(line).filter(|_| placed.list.contains(at)) {
        Some(Shown::Option(index)) => Spot::Line(*index),
        _ => Spot::Frame,
    }
}
