//! Screens as text files.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

/// Compares with `tests/snapshots/<name>.txt`; with `UPDATE=1` writes it.
pub(crate) fn check(name: &str, screen: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "snapshots", name]
        .iter()
        .collect();
    let path = path.with_extension("txt");
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, screen).expect("the snapshot can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == screen,
        "{} differs. UPDATE=1 rewrites it.\n--- expected\n{expected}\n--- now\n{screen}",
        path.display()
    );
}

/// The screen as text.
pub(crate) fn text(buf: &Buffer) -> String {
    lines(buf, |cell| cell.symbol().to_owned())
}

/// The screen as text; below every line its looks, a letter for each; and what
/// the letters mean.
pub(crate) fn styled(buf: &Buffer) -> String {
    let mut looks: Vec<Style> = Vec::new();
    let marks = lines(buf, |cell| {
        let look = cell.style();
        if is_plain(look) || (cell.symbol() == " " && !is_visible_on_blank(look)) {
            return " ".to_owned();
        }
        let index = looks.iter().position(|l| *l == look).unwrap_or_else(|| {
            looks.push(look);
            looks.len() - 1
        });
        char::from(b'a' + index as u8).to_string()
    });
    let mut out = String::new();
    for (line, marks) in text(buf).lines().zip(marks.lines()) {
        let _ = writeln!(out, "|{line}");
        if !marks.is_empty() {
            let _ = writeln!(out, ":{marks}");
        }
    }
    for (index, look) in looks.iter().enumerate() {
        let _ = writeln!(out, "{} = {}", char::from(b'a' + index as u8), words(*look));
    }
    out
}

fn lines(buf: &Buffer, mut of: impl FnMut(&Cell) -> String) -> String {
    let mut text = String::new();
    for row in buf.content().chunks(usize::from(buf.area.width)) {
        let line: String = row.iter().map(&mut of).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn is_plain(look: Style) -> bool {
    look.fg.is_none_or(|color| color == Color::Reset)
        && look.bg.is_none_or(|color| color == Color::Reset)
        && look.add_modifier.is_empty()
}

fn is_visible_on_blank(look: Style) -> bool {
    look.add_modifier.contains(Modifier::REVERSED) || look.bg.is_some_and(|c| c != Color::Reset)
}

fn words(look: Style) -> String {
    let mut words = Vec::new();
    if let Some(color) = look.fg.filter(|color| *color != Color::Reset) {
        words.push(color.to_string());
    }
    if let Some(color) = look.bg.filter(|color| *color != Color::Reset) {
        words.push(format!("on {color}"));
    }
    for (name, _) in look.add_modifier.iter_names() {
        words.push(name.to_lowercase());
    }
    words.join(" ")
}
