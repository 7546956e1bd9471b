//! What floats over the table: texts that scroll.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::help::Page;
use super::super::mouse::Spot;
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

/// Where a popup stands, and what of its text is shown.
struct Placed {
    area: Rect,
    inner: Rect,
    lines: Vec<Text>,
    scroll: usize,
}

fn place(state: &State, popup: Popup, screen: Rect) -> Placed {
    let lines = content(state, popup, screen.width);
    let area = area(state, popup, screen, lines.len());
    let inner = block().inner(area);
    let last = lines.len().saturating_sub(inner.height.into());
    Placed {
        area,
        inner,
        scroll: state.popup_scroll.min(last),
        lines,
    }
}

fn block() -> Block<'static> {
    Block::bordered().padding(Padding::horizontal(1))
}

/// Draws it.
pub(super) fn draw(state: &State, popup: Popup, buf: &mut Buffer) {
    let Placed {
        area,
        inner,
        lines,
        scroll,
    } = place(state, popup, buf.area);
    let style = |role| state.theme.style(role);
    let visible = usize::from(inner.height);
    let mut block = block()
        .border_style(style(Role::Dim))
        .title_bottom(Line::styled(bottom(state, popup), style(Role::Dim)));
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
    for (x, text, role, _) in title(state, popup, area) {
        let room = area.right().saturating_sub(x + 1);
        buf.set_stringn(x, area.y, text, room.into(), style(role));
    }
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let spans = line
            .iter()
            .map(|(text, role)| Span::styled(text.as_str(), style(*role)));
        buf.set_line(inner.x, y, &spans.collect(), inner.width);
    }
}

/// What stands on the upper border, and where; of the help its pages.
fn title(state: &State, popup: Popup, area: Rect) -> Vec<(u16, String, Role, Option<Page>)> {
    let mut x = area.x + 1;
    let mut put = |text: String, role, page| {
        let start = x;
        x += text.chars().count() as u16;
        (start, text, role, page)
    };
    let name = match popup {
        Popup::Help => "Help",
        Popup::About => "About",
        Popup::Themes => "Themes",
        Popup::Options => "Options",
    };
    let mut pieces = vec![put(format!(" {name} "), Role::Title, None)];
    if popup == Popup::Help {
        let is_searched = !state.help.wanted.is_empty();
        for page in Page::ALL {
            let is_shown = page == state.help.page && !is_searched;
            let role = if is_shown { Role::TabActive } else { Role::Tab };
            pieces.push(put(format!(" {} ", page.title()), role, Some(page)));
        }
        if is_searched || state.help.is_typing {
            let cursor = if state.help.is_typing { "▏" } else { "" };
            let text = format!(" /{}{cursor} ", state.help.wanted);
            pieces.push(put(text, Role::Title, None));
        }
    }
    pieces
}

/// What stands on the lower border: the keys of the popup.
fn bottom(state: &State, popup: Popup) -> String {
    let (esc, enter) = (state.keys("Esc"), state.keys("Enter"));
    match popup {
        Popup::Themes => format!(" {enter} keeps, {esc} goes back "),
        Popup::Help if state.help.is_typing => format!(" {enter} keeps the word, {esc} drops it "),
        Popup::Help if !state.help.wanted.is_empty() => format!(" {esc} shows everything "),
        Popup::Help => format!(
            " {} pages  {} search  {esc} closes ",
            state.keys("Tab"),
            state.keys("/")
        ),
        Popup::About | Popup::Options => format!(" {esc} closes "),
    }
}

/// What a click does.
pub(super) fn spot(state: &State, popup: Popup, screen: Rect, at: Position) -> Spot {
    let placed = place(state, popup, screen);
    if !placed.area.contains(at) {
        return Spot::Beside;
    }
    let mut titles = title(state, popup, placed.area).into_iter();
    let is_here = |x: u16, text: &str| (x..x + text.chars().count() as u16).contains(&at.x);
    let page = titles.find_map(|(x, text, _, page)| page.filter(|_| is_here(x, &text)));
    let line = placed.scroll + usize::from(at.y.saturating_sub(placed.inner.y));
    match page {
        Some(page) if at.y == placed.area.y => Spot::Page(page),
        _ if placed.inner.contains(at) && line < placed.lines.len() => Spot::Line(line),
        _ => Spot::Frame,
    }
}

/// Lines that fit into it.
pub(in super::super) fn visible_lines(state: &State, popup: Popup) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    place(state, popup, screen).inner.height.into()
}

/// How far one can scroll: until the last line is visible.
pub(in super::super) fn max_scroll(state: &State, popup: Popup) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    let placed = place(state, popup, screen);
    placed
        .lines
        .len()
        .saturating_sub(placed.inner.height.into())
}

fn content(state: &State, popup: Popup, screen_width: u16) -> Vec<Text> {
    let width = usize::from(outer_width(screen_width).saturating_sub(FRAME_WIDTH));
    match popup {
        Popup::Help => help::content(state, width, screen_width >= WIDE),
        Popup::About => about::content(state, width),
        Popup::Themes => themes(state, width),
        // It is drawn by itself.
        Popup::Options => Vec::new(),
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

fn area(state: &State, popup: Popup, screen: Rect, lines: usize) -> Rect {
    let width = outer_width(screen.width);
    let height = match popup {
        // It stays where it is while its text changes with every letter.
        Popup::Help if state.help.is_typing || !state.help.wanted.is_empty() => screen.height,
        _ => u16::try_from(lines).unwrap_or(u16::MAX),
    };
    let height = height.saturating_add(FRAME_HEIGHT).min(screen.height);
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
