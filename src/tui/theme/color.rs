//! Colours, and the nearest ones that a terminal has.

use std::ffi::OsStr;

use ratatui::style::Color;

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// None: attributes only.
    None,
    /// The sixteen that terminals let their users choose.
    Ansi,
    /// 256: those, a cube of 6 x 6 x 6, and 24 greys.
    Indexed,
    /// 16 million.
    True,
}

impl Depth {
    /// What `COLORTERM` and `TERM` say. A terminal that says nothing has
    /// sixteen.
    pub fn of(colorterm: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let is = |variable: Option<&OsStr>, word: &str| {
            variable.is_some_and(|v| v.to_string_lossy().contains(word))
        };
        if is(term, "dumb") {
            Self::None
        } else if is(colorterm, "truecolor") || is(colorterm, "24bit") || is(term, "direct") {
            Self::True
        } else if is(term, "256color") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }
}

/// The sixteen, by the names of a theme's file, with what xterm shows for them.
const ANSI: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("white", Color::Gray, [229, 229, 229]),
    ("bright-black", Color::DarkGray, [127, 127, 127]),
    ("bright-red", Color::LightRed, [255, 0, 0]),
    ("bright-green", Color::LightGreen, [0, 255, 0]),
    ("bright-yellow", Color::LightYellow, [255, 255, 0]),
    ("bright-blue", Color::LightBlue, [92, 92, 255]),
    ("bright-magenta", Color::LightMagenta, [255, 0, 255]),
    ("bright-cyan", Color::LightCyan, [0, 255, 255]),
    ("bright-white", Color::White, [255, 255, 255]),
];

/// Names of the sixteen.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ANSI.iter().map(|(name, ..)| *name)
}

/// A colour as a file of a theme has it: a name, a number up to 255, or
/// `#rrggbb`.
pub(super) fn parse(text: &str) -> Option<Color> {
    if let Some(digits) = text.strip_prefix('#') {
        let is_hex = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
        let [_, r, g, b] = value?.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    let named = ANSI.iter().find(|(name, ..)| *name == text);
    named
        .map(|(_, color, _)| *color)
        .or_else(|| text.parse().ok().map(Color::Indexed))
}

/// The nearest colour that a terminal of this depth has; `None` without
/// colours.
pub(super) fn nearest(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::None, _) => None,
        (Depth::Indexed, Color::Rgb(r, g, b)) => {
            let nearest = (16..=255).min_by_key(|index| distance(indexed(*index), [r, g, b]));
            nearest.map(Color::Indexed)
        }
        (Depth::Ansi, Color::Rgb(..) | Color::Indexed(_)) => {
            let wanted = rgb(color)?;
            let nearest = ANSI.iter().min_by_key(|(_, _, rgb)| distance(*rgb, wanted));
            nearest.map(|(_, color, _)| *color)
        }
        _ => Some(color),
    }
}

/// What a colour looks like: exactly, or as xterm has it.
pub(super) fn rgb(color: Color) -> Option<[u8; 3]> {
    match color {
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(index) => Some(indexed(index)),
        _ => ANSI
            .iter()
            .find(|(_, ansi, _)| *ansi == color)
            .map(|(_, _, rgb)| *rgb),
    }
}

/// Colour `index` of 256, as xterm has it.
fn indexed(index: u8) -> [u8; 3] {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    match index {
        0..16 => ANSI[usize::from(index)].2,
        16..232 => {
            let cube = usize::from(index - 16);
            [STEPS[cube / 36], STEPS[cube / 6 % 6], STEPS[cube % 6]]
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// How different two colours look, by weights that follow the eye: red counts
/// more among reddish colours, green most, blue more among bluish ones.
fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    let [r, g, b_] = [0, 1, 2].map(|i| i32::from(a[i]) - i32::from(b[i]));
    let red = i32::midpoint(i32::from(a[0]), i32::from(b[0]));
    let sum = (((512 + red) * r * r) >> 8) + 4 * g * g + (((767 - red) * b_ * b_) >> 8);
    sum as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_nonsense_is_not() {
        assert_eq!(parse("#2e3440"), Some(Color::Rgb(0x2e, 0x34, 0x40)));
        assert_eq!(parse("bright-black"), Some(Color::DarkGray));
        assert_eq!(parse("214"), Some(Color::Indexed(214)));
        for wrong in [
            "#2e344", "#2e34400", "#gg0000", "#+12345", "256", "-1", "Red", "",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_nearest_colour_is_near() {
        let at = |depth| nearest(Color::Rgb(0xff, 0, 0), depth);
        assert_eq!(at(Depth::True), Some(Color::Rgb(0xff, 0, 0)));
        assert_eq!(at(Depth::Indexed), Some(Color::Indexed(196)));
        assert_eq!(at(Depth::Ansi), Some(Color::LightRed));
        assert_eq!(at(Depth::None), None);
        let grey = nearest(Color::Rgb(0x80, 0x80, 0x80), Depth::Indexed);
        assert_eq!(grey, Some(Color::Indexed(244)));
        assert_eq!(
            nearest(Color::Indexed(196), Depth::Ansi),
            Some(Color::LightRed)
        );
        assert_eq!(nearest(Color::Cyan, Depth::Ansi), Some(Color::Cyan));
    }

    #[test]
    fn the_terminal_says_how_many_it_has() {
        let of = |colorterm: &str, term: &str| {
            Depth::of(Some(OsStr::new(colorterm)), Some(OsStr::new(term)))
        };
        assert_eq!(of("truecolor", "xterm-256color"), Depth::True);
        assert_eq!(of("", "xterm-256color"), Depth::Indexed);
        assert_eq!(of("", "xterm-direct"), Depth::True);
        assert_eq!(of("", "linux"), Depth::Ansi);
        assert_eq!(of("truecolor", "dumb"), Depth::None);
        assert_eq!(Depth::of(None, None), Depth::Ansi);
    }
}
