//! The page of health: what is wrong, and how the kernel's table, the
//! interfaces, this machine and flowtop are doing.
//!
//! The findings stand above everything. Below, sections flow into as many
//! columns as there is room for, and scroll where there is none.

mod counters;
mod findings;
mod links;
mod rest;
mod table;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::state::State;
use super::super::theme::Role;
use super::line;
use super::popup::Text;
use crate::view::health::{Health, Severity};
use crate::view::{View, units};

/// Columns of sections are at least this wide.
const COLUMN: u16 = 56;
/// Blank cells between two columns, and at the edges of the page.
const GAP: u16 = 3;
const EDGE: u16 = 1;

/// Some lines under a title.
struct Section {
    title: &'static str,
    /// Dim, behind the title.
    note: String,
    lines: Vec<Text>,
}

/// Draws it.
pub(super) fn draw(state: &State, view: &View, area: Rect, buf: &mut Buffer) {
    let lines = content(state, view, area.width);
    let visible = usize::from(area.height);
    let scroll = state.page_scroll.min(lines.len().saturating_sub(visible));
    for (y, line) in (area.y..area.bottom()).zip(&lines[scroll..]) {
        put(state, line, EDGE, y, buf);
    }
}

/// Lines that are below the page when its first is at the top.
pub(super) fn max_scroll(state: &State, view: &View, area: Rect) -> usize {
    let lines = content(state, view, area.width).len();
    lines.saturating_sub(area.height.into())
}

fn put(state: &State, line: &Text, mut x: u16, y: u16, buf: &mut Buffer) {
    for (text, role) in line {
        let room = usize::from(buf.area.right().saturating_sub(x));
        x = buf
            .set_stringn(x, y, text, room, state.theme.style(*role))
            .0;
    }
}

/// Everything there is to say, in lines.
fn content(state: &State, view: &View, width: u16) -> Vec<Text> {
    let Some(health) = &view.health else {
        return vec![vec![(
            "The first look is on its way.".to_owned(),
            Role::Dim,
        )]];
    };
    let inner = width.saturating_sub(2 * EDGE);
    let mut lines = findings::lines(state, view, health, inner.into());
    lines.push(Text::new());
    let columns = ((inner + GAP) / (COLUMN + GAP)).max(1);
    let room = (inner - GAP * (columns - 1)) / columns;
    let sections = sections(state, view, health, room.into());
    lines.extend(flow(sections, columns.into(), room.into()));
    lines
}

fn sections(state: &State, view: &View, health: &Health, width: usize) -> Vec<Section> {
    vec![
        table::fullness(state, view, health, width),
        table::flows(health, width),
        counters::section(health, width),
        links::section(state, health, width),
        rest::host(health),
        rest::source(view, health),
    ]
}

/// Puts each section below what is shortest, and the columns side by side.
fn flow(sections: Vec<Section>, columns: usize, width: usize) -> Vec<Text> {
    let mut stacks: Vec<Vec<Text>> = vec![Vec::new(); columns];
    for section in sections {
        let shortest = stacks.iter_mut().min_by_key(|stack| stack.len());
        let Some(stack) = shortest else { continue };
        if !stack.is_empty() {
            stack.push(Text::new());
        }
        stack.push(vec![
            (section.title.to_owned(), Role::Header),
            (format!("  {}", section.note), Role::Dim),
        ]);
        stack.extend(section.lines);
    }
    let height = stacks.iter().map(Vec::len).max().unwrap_or(0);
    let full = width + usize::from(GAP);
    (0..height)
        .map(|at| {
            let mut line = Text::new();
            for (index, stack) in stacks.iter().enumerate() {
                let Some(text) = stack.get(at).filter(|text| !text.is_empty()) else {
                    continue;
                };
                pad(&mut line, index * full);
                line.extend(text.iter().cloned());
                cut(&mut line, index * full + width);
            }
            line
        })
        .collect()
}

fn wide(line: &Text) -> usize {
    line.iter().map(|(text, _)| text.chars().count()).sum()
}

/// Blanks up to a column.
fn pad(line: &mut Text, to: usize) {
    let missing = to.saturating_sub(wide(line));
    if missing > 0 {
        line.push((" ".repeat(missing), Role::Text));
    }
}

/// Cuts a line to a width.
fn cut(line: &mut Text, width: usize) {
    let mut left = width;
    for (text, _) in line {
        match left {
            0 => text.clear(),
            _ => line::cut_end(text, left),
        }
        left -= text.chars().count();
    }
}

/// How bad something is, in a sign and a word, and its role.
const fn told(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Critical => ("!! critical", Role::ChipCrit),
        Severity::Warning => ("!  warning", Role::ChipWarn),
        Severity::Note => ("·  note", Role::Dim),
    }
}

fn grouped(count: u64) -> String {
    let mut text = String::new();
    units::grouped(&mut text, count);
    text
}

fn counted(count: u64) -> String {
    let mut text = String::new();
    units::count(&mut text, count);
    text
}

fn bytes(count: u64) -> String {
    let mut text = String::new();
    units::bytes(&mut text, Some(count));
    text
}

/// Something per second: `0`, `0.3/s`, `12/s`, `1.20k/s`.
fn per_sec(rate: f64) -> String {
    if rate <= 0.0 {
        "0/s".to_owned()
    } else if rate < 9.95 {
        format!("{:.1}/s", rate.max(0.1))
    } else {
        counted(rate.round() as u64) + "/s"
    }
}

fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return String::new();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        _ if part == 0 => String::new(),
        ..0.1 => "<0.1%".to_owned(),
        ..9.95 => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

/// A bar of `width` cells, filled to a share of 1, in eighths of a cell.
fn bar(share: f64, width: usize) -> String {
    const PARTS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    let mut bar = "█".repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1).and_then(|at| PARTS.get(at)) {
        bar.push(*part);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_fill_the_shortest_column_and_keep_their_room() {
        let section = |title, lines: usize| Section {
            title,
            note: String::new(),
            lines: vec![vec![("x".repeat(30), Role::Text)]; lines],
        };
        let sections = vec![section("A", 3), section("B", 1), section("C", 2)];
        let lines: Vec<String> = flow(sections, 2, 10)
            .into_iter()
            .map(|line| line.into_iter().map(|(text, _)| text).collect())
            .collect();
        assert_eq!(
            lines,
            [
                "A            B  ",
                "xxxxxxxxx…   xxxxxxxxx…",
                "xxxxxxxxx…",
                "xxxxxxxxx…   C  ",
                "             xxxxxxxxx…",
                "             xxxxxxxxx…",
            ]
        );
    }

    #[test]
    fn bars_grow_in_eighths() {
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.53, 4), "██▏");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(7.0, 4), "████");
    }

    #[test]
    fn shares_and_rates_are_never_zero_by_rounding() {
        assert_eq!(share(0, 10), "");
        assert_eq!(share(1, 100_000), "<0.1%");
        assert_eq!(share(1, 20), "5.0%");
        assert_eq!(share(3, 4), "75%");
        assert_eq!(per_sec(0.0), "0/s");
        assert_eq!(per_sec(0.01), "0.1/s");
        assert_eq!(per_sec(12.4), "12/s");
    }
}
