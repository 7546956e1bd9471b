//! Screens as pictures, for the README.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

/// A cell, in user units.
const WIDTH: f32 = 8.4;
const HEIGHT: f32 = 18.0;
/// From the top of a line to the feet of its letters.
const BASELINE: f32 = 13.5;
/// Around the screen.
const MARGIN: f32 = 12.0;
const FONTS: &str = "ui-monospace,'Cascadia Mono','DejaVu Sans Mono',Menlo,Consolas,monospace";

/// Compares with `tests/snapshots/<name>.svg`; with `UPDATE=1` writes it.
pub(crate) fn check(name: &str, title: &str, buf: &Buffer) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "snapshots", name]
        .iter()
        .collect();
    let path = path.with_extension("svg");
    let now = svg(title, buf);
    if env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, now).expect("the picture can be written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let shown = path.display();
    assert!(expected == now, "{shown} differs. UPDATE=1 rewrites it.");
}

/// The looks of a cell, as far as pictures have them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    front: [u8; 3],
    back: [u8; 3],
    is_bold: bool,
    is_underlined: bool,
    is_italic: bool,
}

fn rgb(color: Color) -> [u8; 3] {
    match color {
        Color::Rgb(r, g, b) => [r, g, b],
        other => panic!("{other} has no colour of its own: take a theme in true colours"),
    }
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let has = |modifier| cell.modifier.contains(modifier);
        let (mut front, mut back) = (rgb(cell.fg), rgb(cell.bg));
        if has(Modifier::REVERSED) {
            (front, back) = (back, front);
        }
        if has(Modifier::DIM) {
            let half = |at: usize| u8::midpoint(front[at], back[at]);
            front = [half(0), half(1), half(2)];
        }
        Self {
            front,
            back,
            is_bold: has(Modifier::BOLD),
            is_underlined: has(Modifier::UNDERLINED),
            is_italic: has(Modifier::ITALIC),
        }
    }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A screen as a picture; every run of letters has the width of its cells,
/// whatever font there is.
fn svg(title: &str, buf: &Buffer) -> String {
    let ground = rgb(buf[(0, 0)].bg);
    let (columns, lines) = (f32::from(buf.area.width), f32::from(buf.area.height));
    let (width, height) = (
        columns.mul_add(WIDTH, 2.0 * MARGIN),
        lines.mul_add(HEIGHT, 2.0 * MARGIN),
    );
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"{FONTS}\" font-size=\"14\">\n<title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>",
        escaped(title),
        hex(ground)
    );
    for (y, row) in buf
        .content()
        .chunks(usize::from(buf.area.width))
        .enumerate()
    {
        let top = (y as f32).mul_add(HEIGHT, MARGIN);
        let mut x = 0;
        while x < row.len() {
            let look = Look::of(&row[x]);
            let run = row[x..].iter().take_while(|cell| Look::of(cell) == look);
            let text: String = run.clone().map(Cell::symbol).collect();
            let cells = run.count();
            draw(&mut out, look, ground, (x, top), (&text, cells));
            x += cells;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Draws cells of one look, and the words on them.
fn draw(
    out: &mut String,
    look: Look,
    ground: [u8; 3],
    (x, top): (usize, f32),
    (text, cells): (&str, usize),
) {
    let at = |x: usize| (x as f32).mul_add(WIDTH, MARGIN);
    if look.back != ground {
        let (left, width) = (at(x), cells as f32 * WIDTH);
        let fill = hex(look.back);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" height=\"{HEIGHT}\" fill=\"{fill}\"/>"
        );
    }
    let baseline = top + BASELINE;
    let mut attributes = format!("fill=\"{}\"", hex(look.front));
    for (is_so, attribute) in [
        (look.is_bold, " font-weight=\"bold\""),
        (look.is_italic, " font-style=\"italic\""),
        (look.is_underlined, " text-decoration=\"underline\""),
    ] {
        if is_so {
            attributes.push_str(attribute);
        }
    }
    // Word by word, so that no blank has to be kept.
    let mut from = x;
    for word in text.split(' ') {
        let length = word.chars().count();
        if length > 0 {
            let (left, width) = (at(from), length as f32 * WIDTH);
            let word = escaped(word);
            let _ = writeln!(
                out,
                "<text x=\"{left:.1}\" y=\"{baseline}\" textLength=\"{width:.1}\" \
                 lengthAdjust=\"spacingAndGlyphs\" {attributes}>{word}</text>"
            );
        }
        from += length + 1;
    }
}
