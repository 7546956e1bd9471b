//! How a theme looks, as its file says it.
//!
//! ```toml
//! background = "#2e3440"
//!
//! [palette]
//! frost = "#88c0d0"
//!
//! [roles]
//! title = "bold frost"
//! chip_crit = "bold black on red"
//! ```
//!
//! The text of a role has attributes, a colour, and behind `on` a background,
//! in any order. A role that is not named looks as in the terminal's own
//! colours.

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::{Depth, Role, Theme, color, plain};

/// Themes that need no file: name and text. The first is the default.
pub static BUILT_IN: &[(&str, &str)] = &[
    (
        "terminal",
        include_str!("../../../conf/themes/terminal.toml"),
    ),
    ("mono", include_str!("../../../conf/themes/mono.toml")),
    (
        "high-contrast",
        include_str!("../../../conf/themes/high-contrast.toml"),
    ),
    ("light", include_str!("../../../conf/themes/light.toml")),
    ("nord", include_str!("../../../conf/themes/nord.toml")),
    ("gruvbox", include_str!("../../../conf/themes/gruvbox.toml")),
    ("dracula", include_str!("../../../conf/themes/dracula.toml")),
    (
        "tokyo-night",
        include_str!("../../../conf/themes/tokyo-night.toml"),
    ),
    (
        "solarized-dark",
        include_str!("../../../conf/themes/solarized-dark.toml"),
    ),
    (
        "solarized-light",
        include_str!("../../../conf/themes/solarized-light.toml"),
    ),
];

/// Attributes by the names of a theme's file.
const ATTRIBUTES: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// What is wrong with a theme, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LookError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub what: String,
}

/// How each role looks, with all the colours there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    background: Option<Color>,
    styles: [Style; Role::ALL.len()],
}

impl Look {
    /// The terminal's own colours.
    pub fn terminal() -> Self {
        Self::built_in("terminal").unwrap_or(Self::plain())
    }

    /// Attributes only.
    const fn plain() -> Self {
        let mut styles = [Style::new(); Role::ALL.len()];
        let mut index = 0;
        while index < styles.len() {
            styles[index] = plain(Role::ALL[index]);
            index += 1;
        }
        Self {
            background: None,
            styles,
        }
    }

    /// The one of this name, if it is built in.
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        Self::read(text, Self::plain()).ok()
    }

    /// Reads the file of a theme.
    ///
    /// # Errors
    /// At the first thing in it that cannot be understood.
    pub fn parse(text: &str) -> Result<Self, LookError> {
        Self::read(text, Self::terminal())
    }

    fn read(text: &str, mut look: Self) -> Result<Self, LookError> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| LookError {
            line: line(error.span().map_or(0, |span| span.start)),
            what: error.message().to_owned(),
        })?;
        let wrong = |at: usize, what: String| LookError {
            line: line(at),
            what,
        };
        let mut palette = Vec::new();
        for (key, value) in table.get_ref() {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("background", DeValue::String(text)) => {
                    let color = color::parse(text).ok_or_else(|| wrong(at, no_color(text, &[])))?;
                    look.background = Some(color);
                }
                ("palette", DeValue::Table(colors)) => {
                    for (name, value) in colors {
                        let at = name.span().start;
                        let text = value.get_ref().as_str().unwrap_or_default();
                        let color =
                            color::parse(text).ok_or_else(|| wrong(at, no_color(text, &[])))?;
                        palette.push((name.get_ref().clone().into_owned(), color));
                    }
                }
                ("roles", DeValue::Table(_)) => {}
                (known @ ("background" | "palette" | "roles"), _) => {
                    let kind = if known == "background" {
                        "a colour"
                    } else {
                        "a table"
                    };
                    return Err(wrong(at, format!("`{known}` must be {kind}")));
                }
                (other, _) => {
                    let there = ["background", "[palette]", "[roles]"];
                    return Err(wrong(at, unknown("key", other, there)));
                }
            }
        }
        let roles = table.get_ref().get("roles").map(toml::Spanned::get_ref);
        for (name, value) in roles.and_then(DeValue::as_table).into_iter().flatten() {
            let at = name.span().start;
            let role = Role::ALL
                .into_iter()
                .find(|role| role.name() == name.get_ref());
            let role = role.ok_or_else(|| {
                wrong(
                    at,
                    unknown("role", name.get_ref(), Role::ALL.map(Role::name)),
                )
            })?;
            let text = value.get_ref().as_str();
            let text = text.ok_or_else(|| wrong(at, "a role wants a text: \"bold red\"".into()))?;
            look.styles[role as usize] = style(text, &palette).map_err(|what| wrong(at, what))?;
        }
        Ok(look)
    }

    /// On a terminal with so many colours.
    pub fn on(&self, depth: Depth) -> Theme {
        if depth == Depth::None {
            return Theme {
                base: Style::new(),
                styles: Self::plain().styles,
            };
        }
        let near = |color: Option<Color>| color.and_then(|color| color::nearest(color, depth));
        let mut base = Style::new();
        base.bg = near(self.background);
        base.fg = near(self.background.and(self.styles[Role::Text as usize].fg));
        let styles = self.styles.map(|style| Style {
            fg: near(style.fg),
            bg: near(style.bg),
            ..style
        });
        Theme { base, styles }
    }
}

/// The style that the text of a role stands for.
fn style(text: &str, palette: &[(String, Color)]) -> Result<Style, String> {
    let mut style = Style::new();
    let mut behind = false;
    for word in text.split_whitespace() {
        let attribute = ATTRIBUTES.iter().find(|(name, _)| *name == word);
        if word == "on" {
            behind = true;
        } else if let Some((_, attribute)) = attribute {
            style = style.add_modifier(*attribute);
        } else {
            let named = palette.iter().find(|(name, _)| name == word);
            let color = named
                .map(|(_, color)| *color)
                .or_else(|| color::parse(word));
            let color = color.ok_or_else(|| no_color(word, palette))?;
            style = if behind {
                style.bg(color)
            } else {
                style.fg(color)
            };
            behind = false;
        }
    }
    if behind {
        return Err(format!("`{text}`: a colour is missing behind `on`"));
    }
    Ok(style)
}

fn no_color(text: &str, palette: &[(String, Color)]) -> String {
    let attributes = ATTRIBUTES.iter().map(|(name, _)| -> &str { name });
    let known = palette
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(color::names().map(|name| -> &str { name }));
    let near = nearest(text, known.chain(attributes));
    let near = near
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!(
        "`{}` is no colour: give #rrggbb, a number up to 255, or a name{near}",
        text.escape_debug()
    )
}

fn unknown<const N: usize>(what: &str, name: &str, known: [&str; N]) -> String {
    let near = nearest(name, known);
    let near = near
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    format!("there is no {what} `{}`{near}", name.escape_debug())
}

pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |known: &&str| (strsim::jaro_winkler(word, known) * 1000.0) as u32;
    known
        .into_iter()
        .max_by_key(likeness)
        .filter(|near| likeness(near) > 800)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast by WCAG 2.1, from 1 to 21.
    fn contrast(a: Color, b: Color) -> f64 {
        let luminance = |color| {
            let [r, g, b] = color::rgb(color).unwrap().map(|value| {
                let value = f64::from(value) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_built_in_theme_is_whole() {
        for (name, text) in BUILT_IN {
            let look = Look::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(Some(look), Look::built_in(name));
            let table = DeTable::parse(text).unwrap();
            let roles = table.get_ref().get("roles").unwrap().get_ref();
            let named = roles.as_table().unwrap().len();
            assert_eq!(named, Role::ALL.len(), "{name}");
        }
    }

    #[test]
    fn every_role_can_be_read_on_the_background_of_its_theme() {
        for (name, _) in BUILT_IN {
            let look = Look::built_in(name).unwrap();
            let Some(background) = look.background else {
                continue;
            };
            for depth in [Depth::True, Depth::Indexed] {
                let theme = look.on(depth);
                let background = color::nearest(background, depth).unwrap();
                for role in Role::ALL {
                    let style = theme.style(role);
                    let (fg, bg) = (style.fg.unwrap(), style.bg.unwrap_or(background));
                    // What WCAG asks of text, and of what may be overlooked.
                    let least = match role {
                        Role::Dim | Role::Tab | Role::StateClosing => 3.0,
                        _ if depth == Depth::Indexed => 3.4,
                        _ => 4.5,
                    };
                    let is = contrast(fg, bg);
                    assert!(is >= least, "{name} {depth:?} {role:?}: {is:.2}");
                }
                let select = theme.style(Role::Selected).bg.unwrap();
                assert!(contrast(select, background) > 1.1, "{name} {depth:?}");
            }
        }
    }

    #[test]
    fn what_matters_is_told_without_hue() {
        let same = |a: Style, b: Style| {
            (a.add_modifier, a.bg.is_some()) == (b.add_modifier, b.bg.is_some())
        };
        for (name, _) in BUILT_IN {
            let theme = Look::built_in(name).unwrap().on(Depth::True);
            let text = theme.style(Role::Text);
            for role in [
                Role::ChipWarn,
                Role::ChipCrit,
                Role::Alert,
                Role::Selected,
                Role::Header,
            ] {
                assert!(!same(theme.style(role), text), "{name} {role:?}");
            }
        }
        let plain = Look::built_in("nord").unwrap().on(Depth::None);
        assert_eq!(plain, Look::built_in("mono").unwrap().on(Depth::True));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let wrong = |text: &str| Look::parse(text).unwrap_err().to_string();
        assert_eq!(
            wrong("[roles]\ntitel = \"bold\"\n"),
            "line 2: there is no role `titel`; did you mean `title`?"
        );
        assert_eq!(
            wrong("[palette]\nfrost = \"#88c0d0\"\n[roles]\ntitle = \"bold frots\"\n"),
            "line 4: `frots` is no colour: give #rrggbb, a number up to 255, or a name; did you \
             mean `frost`?"
        );
        assert_eq!(wrong("\nroles = 3\n"), "line 2: `roles` must be a table");
        assert_eq!(
            wrong("[roles]\ntitle = \"red on\"\n"),
            "line 2: `red on`: a colour is missing behind `on`"
        );
        assert!(wrong("[roles\n").starts_with("line 1: "));
    }

    #[test]
    fn a_theme_of_one_role_is_the_terminal_s_with_that_role() {
        let look = Look::parse("[roles]\ntitle = \"underlined 214 on blue\"\n").unwrap();
        let theme = look.on(Depth::Indexed);
        let title = theme.style(Role::Title);
        assert_eq!(title.fg, Some(Color::Indexed(214)));
        assert_eq!(title.bg, Some(Color::Blue));
        assert_eq!(title.add_modifier, Modifier::UNDERLINED);
        assert_eq!(
            theme.style(Role::Up),
            Look::terminal().on(Depth::Ansi).style(Role::Up)
        );
    }
}
