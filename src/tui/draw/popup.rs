//! What floats over the table: texts that scroll.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::state::{Popup, State};
use super::super::theme::Role;
use super::{about, help, line};

/// Width of a popup on narrow and on wide screens.
const NARROW: u16 = 60;
pub(super) const WIDE: u16 = 116;
/// Borders and the blank cells inside them.
const FRAME_WIDTH: u16 = 4;
const FRAME_HEIGHT: u16 = 2;
/// Width of what a line begins with.
const LABEL: usize = 11;

/// A line of a popup.
pub(super) type Text = Vec<(String, Role)>;

/// Draws it.
pub(super) fn draw(state: &State, popup: Popup, buf: &mut Buffer) {
    let lines = content(state, popup, buf.area.width);
    let area = area(buf.area, lines.len());
    let style = |role| state.theme.style(role);
    let title = match popup {
        Popup::Help => " Help ",
        Popup::About => " About ",
        Popup::Themes => " Themes ",
    };
    let closes = match popup {
        Popup::Themes => format!(
            " {} keeps, {} goes back ",
            state.keys("Enter"),
            state.keys("Esc")
        ),
        _ => format!(" {} closes ", state.keys("Esc")),
    };
    let mut block = Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(title, style(Role::Title)))
        .title_bottom(Line::styled(closes, style(Role::Dim)));
    let inner = block.inner(area);
    let visible = usize::from(inner.height);
    let scroll = state.popup_scroll.min(lines.len().saturating_sub(visible));
    if lines.len() > visible {
        let place = format!(
            " ↑↓ {}-{} of {} ",
            scroll + 1,
            scroll + visible,
            lines.len()
        );
        block = block.title_bottom(Line::styled(place, style(Role::Dim)).right_aligned());
    }
    Clear.render(area, buf);
    buf.set_style(area, state.theme.base());
    block.render(area, buf);
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let spans = line
            .iter()
            .map(|(text, role)| Span::styled(text.as_str(), style(*role)));
        buf.set_line(inner.x, y, &spans.collect(), inner.width);
    }
}

/// Lines that fit into it.
pub(in super::super) fn visible_lines(state: &State, popup: Popup) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    let lines = content(state, popup, screen.width).len();
    area(screen, lines)
        .height
        .saturating_sub(FRAME_HEIGHT)
        .into()
}

/// How far one can scroll: until the last line is visible.
pub(in super::super) fn max_scroll(state: &State, popup: Popup) -> usize {
    content(state, popup, state.size.width)
        .len()
        .saturating_sub(visible_lines(state, popup))
}

fn content(state: &State, popup: Popup, screen_width: u16) -> Vec<Text> {
    let width = usize::from(outer_width(screen_width).saturating_sub(FRAME_WIDTH));
    match popup {
        Popup::Help => help::content(state, width, screen_width >= WIDE),
        Popup::About => about::content(state, width),
        Popup::Themes => themes(state, width),
    }
}

/// The themes by name; the selected one is the one that everything wears.
fn themes(state: &State, width: usize) -> Vec<Text> {
    let chosen = state.themes.chosen();
    let line = |(index, name): (usize, &str)| {
        let role = if index == chosen {
            Role::Selected
        } else {
            Role::Text
        };
        vec![(format!("{name:width$}"), role)]
    };
    state.themes.names().enumerate().map(line).collect()
}

fn area(screen: Rect, lines: usize) -> Rect {
    let width = outer_width(screen.width);
    let height = u16::try_from(lines)
        .unwrap_or(u16::MAX)
        .saturating_add(FRAME_HEIGHT)
        .min(screen.height);
    Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    }
}

const fn outer_width(screen: u16) -> u16 {
    if screen >= WIDE {
        WIDE
    } else if screen < NARROW {
        screen
    } else {
        NARROW
    }
}

/// A heading.
pub(super) fn heading(text: &str) -> Text {
    vec![(text.to_owned(), Role::Header)]
}

/// A paragraph of one role.
pub(super) fn paragraph(text: &str, role: Role, width: usize, lines: &mut Vec<Text>) {
    for text in line::wrap(text, width) {
        lines.push(vec![(text, role)]);
    }
}

/// A label, and beside it what it means.
pub(super) fn entry(label: &str, text: &str, role: Role, width: usize, lines: &mut Vec<Text>) {
    let indent = LABEL + 2;
    let (above, label) = if label.chars().count() > LABEL {
        (label, "")
    } else {
        ("", label)
    };
    if !above.is_empty() {
        lines.push(vec![(above.to_owned(), Role::HelpKey)]);
    }
    for (index, text) in line::wrap(text, width.saturating_sub(indent))
        .into_iter()
        .enumerate()
    {
        let label = if index == 0 { label } else { "" };
        lines.push(vec![
            (format!("{label:<LABEL$}  "), Role::HelpKey),
            (text, role),
        ]);
    }
}
