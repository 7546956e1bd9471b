//! The help: generated from the key table and the columns, so that it never
//! tells of something else than what is there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};

use super::super::keys::{KEYS, Section};
use super::super::state::State;
use super::super::theme::Role;
use super::line;
use crate::view::column::COLUMNS;

/// Width of the popup with keys in one and in two columns.
const NARROW: u16 = 60;
const WIDE: u16 = 116;
/// Borders and the blank cells inside them.
const FRAME_WIDTH: u16 = 4;
const FRAME_HEIGHT: u16 = 2;
/// Width of a key, and of the title of a column.
const LABEL: usize = 11;

/// A line of the help.
type Text = Vec<(String, Role)>;

/// Draws the popup, from line `scroll` on.
pub(super) fn draw(state: &State, scroll: usize, buf: &mut Buffer) {
    let lines = content(state, buf.area.width);
    let area = popup(buf.area, lines.len());
    let style = |role| state.theme.style(role);
    let mut block = Block::bordered()
        .border_style(style(Role::Dim))
        .padding(Padding::horizontal(1))
        .title(Line::styled(" Help ", style(Role::Title)))
        .title_bottom(Line::styled(" Esc closes ", style(Role::Dim)));
    let inner = block.inner(area);
    let visible = usize::from(inner.height);
    let scroll = scroll.min(lines.len().saturating_sub(visible));
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
    block.render(area, buf);
    for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(scroll)) {
        let spans = line
            .iter()
            .map(|(text, role)| Span::styled(text.as_str(), style(*role)));
        buf.set_line(inner.x, y, &spans.collect(), inner.width);
    }
}

/// Lines that fit into the popup.
pub(in super::super) fn visible_lines(state: &State) -> usize {
    let screen = Rect::new(0, 0, state.size.width, state.size.height);
    let lines = content(state, screen.width).len();
    popup(screen, lines)
        .height
        .saturating_sub(FRAME_HEIGHT)
        .into()
}

/// How far one can scroll: until the last line is visible.
pub(in super::super) fn max_scroll(state: &State) -> usize {
    content(state, state.size.width)
        .len()
        .saturating_sub(visible_lines(state))
}

fn popup(screen: Rect, lines: usize) -> Rect {
    let width = popup_width(screen.width);
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

const fn popup_width(screen: u16) -> u16 {
    if screen >= WIDE {
        WIDE
    } else if screen < NARROW {
        screen
    } else {
        NARROW
    }
}

fn content(state: &State, screen_width: u16) -> Vec<Text> {
    let width = usize::from(popup_width(screen_width).saturating_sub(FRAME_WIDTH));
    let mut lines = Vec::new();
    let warnings = state.view.iter().flat_map(|view| &view.status.warnings);
    for warning in warnings {
        for text in line::wrap(warning, width) {
            lines.push(vec![(text, Role::ChipWarn)]);
        }
        lines.push(Text::new());
    }
    if screen_width >= WIDE {
        let left = [Section::Move, Section::Show, Section::Program];
        let half = width / 2;
        lines.extend(beside(
            keys(&left, half - 2),
            &keys(&[Section::Filter], half),
            half,
        ));
    } else {
        lines.extend(keys(&Section::ALL, width));
    }
    lines.push(Text::new());
    lines.extend(columns(width));
    lines
}

fn keys(sections: &[Section], width: usize) -> Vec<Text> {
    let mut lines = Vec::new();
    for section in sections {
        if !lines.is_empty() {
            lines.push(Text::new());
        }
        lines.push(vec![(section.title().to_owned(), Role::Header)]);
        for key in KEYS.iter().filter(|key| key.section == *section) {
            if let Some(help) = key.help {
                entry(key.label, help, width, &mut lines);
            }
        }
    }
    lines
}

fn columns(width: usize) -> Vec<Text> {
    let mut lines = vec![vec![("Columns".to_owned(), Role::Header)]];
    for column in COLUMNS {
        let title = match column.title {
            "" => "→ ⇢",
            title => title,
        };
        entry(title, column.doc, width, &mut lines);
    }
    let letter = "on a narrow screen: the protocol, and the first letter of the state";
    entry("tcp E", letter, width, &mut lines);
    let absent = "not known here; that is not the same as 0";
    entry("-", absent, width, &mut lines);
    lines
}

/// A label, and beside it what it means.
fn entry(label: &str, text: &str, width: usize, lines: &mut Vec<Text>) {
    let indent = LABEL + 2;
    for (index, text) in line::wrap(text, width.saturating_sub(indent))
        .into_iter()
        .enumerate()
    {
        let label = if index == 0 { label } else { "" };
        lines.push(vec![
            (format!("{label:<LABEL$}  "), Role::HelpKey),
            (text, Role::HelpText),
        ]);
    }
}

/// Two columns, the left one `width` cells wide.
fn beside(mut left: Vec<Text>, right: &[Text], width: usize) -> Vec<Text> {
    left.resize(left.len().max(right.len()), Text::new());
    for (line, right) in left.iter_mut().zip(right) {
        let used: usize = line.iter().map(|(text, _)| text.chars().count()).sum();
        line.push((" ".repeat(width.saturating_sub(used)), Role::Text));
        line.extend_from_slice(right);
    }
    left
}
