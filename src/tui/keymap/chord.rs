//! Names of keys, on the screen and in the `[keys]` of flowtop.toml.

use std::fmt;
use std::str::FromStr;

use crossterm::event::KeyCode;

use crate::tui::keys::Chord;

/// Keys with a name; the first is how the configuration writes it, the second
/// how the screen does.
const NAMED: &[(KeyCode, &str, &str)] = &[
    (KeyCode::Up, "up", "↑"),
    (KeyCode::Down, "down", "↓"),
    (KeyCode::Left, "left", "←"),
    (KeyCode::Right, "right", "→"),
    (KeyCode::PageUp, "pgup", "PgUp"),
    (KeyCode::PageDown, "pgdn", "PgDn"),
    (KeyCode::Home, "home", "Home"),
    (KeyCode::End, "end", "End"),
    (KeyCode::Insert, "ins", "Ins"),
    (KeyCode::Delete, "del", "Del"),
    (KeyCode::Tab, "tab", "Tab"),
    (KeyCode::BackTab, "shift+tab", "Shift+Tab"),
    (KeyCode::Enter, "enter", "Enter"),
    (KeyCode::Esc, "esc", "Esc"),
    (KeyCode::Backspace, "backspace", "Backspace"),
    (KeyCode::Char(' '), "space", "Space"),
];

impl Chord {
    /// As the help writes it.
    pub fn label(self) -> String {
        let Self { code, ctrl } = self;
        let name = match NAMED.iter().find(|(named, ..)| *named == code) {
            Some((.., label)) => (*label).to_owned(),
            None => match code {
                KeyCode::Char(c) if ctrl => c.to_uppercase().collect(),
                KeyCode::Char(c) => c.to_string(),
                KeyCode::F(number) => format!("F{number}"),
                other => other.to_string(),
            },
        };
        if ctrl { format!("Ctrl+{name}") } else { name }
    }
}

/// As the configuration writes it.
impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl+")?;
        }
        match NAMED.iter().find(|(named, ..)| *named == self.code) {
            Some((_, name, _)) => f.write_str(name),
            None => match self.code {
                KeyCode::Char(c) => write!(f, "{c}"),
                KeyCode::F(number) => write!(f, "f{number}"),
                other => write!(f, "{other}"),
            },
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    /// Reads what the configuration says.
    fn from_str(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        let (ctrl, name) = match lower.strip_prefix("ctrl+") {
            Some(_) => (true, &text["ctrl+".len()..]),
            None => (false, text),
        };
        let mut chars = name.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if ctrl && !c.is_control() => KeyCode::Char(c.to_ascii_lowercase()),
            (Some(c), None) if !c.is_control() => KeyCode::Char(c),
            _ => named(name).ok_or_else(|| {
                format!(
                    "`{}` is no key; give a character, f1 to f12, {}, or ctrl+ and one of these",
                    text.escape_debug(),
                    NAMED
                        .iter()
                        .map(|(_, name, _)| *name)
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            })?,
        };
        let sent_as = [('i', "tab"), ('m', "enter"), ('[', "esc")];
        let same = sent_as.iter().find(|(c, _)| code == KeyCode::Char(*c));
        if let Some((_, name)) = same.filter(|_| ctrl) {
            return Err(format!("terminals send `{text}` as {name}; give that"));
        }
        Ok(Self { code, ctrl })
    }
}

/// A key by its name, whatever the case.
fn named(name: &str) -> Option<KeyCode> {
    let name = name.to_ascii_lowercase();
    let number = name.strip_prefix('f').and_then(|n| n.parse::<u8>().ok());
    NAMED
        .iter()
        .find(|(_, named, _)| *named == name)
        .map(|(code, ..)| *code)
        .or_else(|| number.filter(|n| (1..=12).contains(n)).map(KeyCode::F))
}
