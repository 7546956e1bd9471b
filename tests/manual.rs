//! The manual says what the program does: its lists of options, commands, keys,
//! columns and fields are generated from the tables that the program runs on.
//!
//! `UPDATE=1 cargo test --test manual` writes them anew.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what is not there fails the test"
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use clap::{Arg, Command};
use flowtop::tui::keys::{KEYS, Section};
use flowtop::view::column::COLUMNS;
use flowtop::view::field::FIELDS;

/// The generated parts, by the names in their markers.
fn regions() -> [(&'static str, String); 6] {
    [
        ("configuration", configuration()),
        ("options", options()),
        ("commands", commands()),
        ("keys", keys()),
        ("columns", columns()),
        ("fields", fields()),
    ]
}

fn options() -> String {
    let command = flowtop::config::command();
    let mut headings: Vec<&str> = Vec::new();
    for heading in command.get_arguments().filter_map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let mut out = String::new();
    for heading in headings {
        let _ = writeln!(out, ".Ss {heading}\n.Bl -tag -width Ds");
        for arg in command.get_arguments() {
            if arg.get_help_heading() == Some(heading) {
                option(arg, &mut out);
            }
        }
        out.push_str(".El\n");
    }
    out
}

/// The keys above all tables of the configuration.
fn configuration() -> String {
    let mut out = String::from(".Bd -literal -offset indent\n");
    for line in flowtop::config::SAMPLE.lines() {
        if line.starts_with('[') {
            break;
        }
        if let Some(key) = line
            .strip_prefix('#')
            .filter(|key| key.starts_with(char::is_alphabetic))
        {
            let _ = writeln!(out, "{key}");
        }
    }
    out.push_str(".Ed\n");
    out
}

fn commands() -> String {
    let command = flowtop::config::command();
    let mut out = String::from(".Bl -tag -width Ds\n");
    // Commands share options; one that means something else is told again.
    let same = |arg: &Arg| {
        let name = arg.get_long().unwrap().to_owned();
        (name, arg.get_help().unwrap().to_string())
    };
    let mut described = Vec::new();
    for command in command.get_subcommands() {
        let _ = write!(out, ".It Cm {}", command.get_name());
        for arg in command.get_arguments() {
            let _ = write!(out, " Oo Fl -{}{} Oc", arg.get_long().unwrap(), value(arg));
        }
        out.push('\n');
        about(command, &mut out);
        let new: Vec<_> = command
            .get_arguments()
            .filter(|arg| !described.contains(&same(arg)))
            .collect();
        if !new.is_empty() {
            out.push_str(".Bl -tag -width Ds\n");
            for arg in new {
                option(arg, &mut out);
            }
            out.push_str(".El\n");
        }
        described.extend(command.get_arguments().map(same));
    }
    out.push_str(".El\n");
    out
}

fn about(command: &Command, out: &mut String) {
    let text = command.get_long_about().or(command.get_about()).unwrap();
    paragraphs(&text.to_string(), out);
}

fn option(arg: &Arg, out: &mut String) {
    let mut names: Vec<String> = Vec::new();
    let shorts = arg.get_short().into_iter();
    for short in shorts.chain(arg.get_all_short_aliases().unwrap_or_default()) {
        names.push(format!("Fl {short}{}", value(arg)));
    }
    names.push(format!("Fl -{}{}", arg.get_long().unwrap(), value(arg)));
    let _ = writeln!(out, ".It {}", names.join(" , "));
    let text = arg.get_long_help().or(arg.get_help()).unwrap();
    paragraphs(&text.to_string(), out);
}

/// ` Ar name` if the option takes a value.
fn value(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let name = &arg.get_value_names().unwrap()[0];
    format!(" Ar {}", name.to_lowercase())
}

fn keys() -> String {
    let mut out = String::new();
    for section in Section::ALL {
        let _ = writeln!(out, ".Ss {}", section.title());
        out.push_str(".Bl -tag -width \"PgUp, PgDn\" -compact\n");
        for key in KEYS.iter().filter(|key| key.section == section) {
            if let Some(help) = key.help {
                let labels: Vec<_> = key.label.split_whitespace().map(word).collect();
                let _ = writeln!(out, ".It Ic {}", labels.join(" , "));
                paragraphs(help, &mut out);
            }
        }
        out.push_str(".El\n");
    }
    out
}

fn columns() -> String {
    let mut out = String::from(".Bl -tag -width \"DESTINATION\" -compact\n");
    for column in COLUMNS {
        let title = match column.title {
            "" => "→",
            title => title,
        };
        let words: Vec<_> = title.split(' ').map(word).collect();
        let _ = writeln!(out, ".It Sy {} Pq Li {}", words.join(" "), column.key);
        paragraphs(column.doc, &mut out);
    }
    out.push_str(".El\n");
    out
}

fn fields() -> String {
    let mut out = String::from(".Bl -tag -width Ds -compact\n");
    for field in FIELDS {
        let _ = writeln!(out, ".It Va {} Pq {}", field.key, field.kind.name());
        paragraphs(field.doc, &mut out);
    }
    out.push_str(".El\n");
    out
}

/// Text of a doc comment: sentences on lines of their own, as mdoc wants them.
fn paragraphs(text: &str, out: &mut String) {
    for (index, paragraph) in text.split("\n\n").enumerate() {
        let mut words = paragraph.split_whitespace().peekable();
        let mut line = String::new();
        while let Some(text) = words.next() {
            if line.is_empty() && index == 0 && out.ends_with('\n') {
                line.push_str(&word(&capitalised(text)));
            } else {
                line.push_str(&word(text));
            }
            match words.peek() {
                None if !text.ends_with('.') => line.push('.'),
                None => {}
                Some(_) if text.ends_with('.') => {
                    let _ = writeln!(out, "{line}");
                    line.clear();
                }
                Some(_) => line.push(' '),
            }
        }
        let _ = writeln!(out, "{line}");
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter();
    // Not `ipv4`, nor names in lists.
    if text
        .trim_end_matches(';')
        .chars()
        .all(|c| c.is_ascii_lowercase())
    {
        return first.flat_map(char::to_uppercase).chain(chars).collect();
    }
    text.to_owned()
}

/// A word as roff takes it for text.
fn word(text: &str) -> String {
    let mut out = String::new();
    if text.starts_with(['.', '\'', '?', '(', '|']) || (text.len() == 1 && text == "-") {
        out.push_str("\\&");
    }
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' if text.starts_with('-') => out.push_str("\\-"),
            '↓' => out.push_str("\\(da"),
            'Δ' => out.push_str("\\(*D"),
            '↑' => out.push_str("\\(ua"),
            '→' => out.push_str("\\(->"),
            '←' => out.push_str("\\(<-"),
            '↔' => out.push_str("\\(<>"),
            c => out.push(c),
        }
    }
    out
}

/// The manual with a region replaced; panics if a marker is missing.
fn replaced(manual: &str, name: &str, text: &str) -> String {
    let begin = format!(".\\\" BEGIN {name}, generated: UPDATE=1 cargo test --test manual\n");
    let end = format!(".\\\" END {name}\n");
    let start = manual.find(&begin).unwrap_or_else(|| panic!("{begin}")) + begin.len();
    let stop = start
        + manual[start..]
            .find(&end)
            .unwrap_or_else(|| panic!("{end}"));
    format!("{}{text}{}", &manual[..start], &manual[stop..])
}

/// The manual; generated anew if that is asked for.
static MANUAL: LazyLock<String> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/flowtop.8");
    let manual = fs::read_to_string(&path).unwrap();
    if std::env::var_os("UPDATE").is_none() {
        return manual;
    }
    let manual = generated(&manual);
    fs::write(&path, &manual).unwrap();
    manual
});

fn generated(manual: &str) -> String {
    regions()
        .iter()
        .fold(manual.to_owned(), |manual, (name, text)| {
            replaced(&manual, name, text)
        })
}

#[test]
fn generated_parts_are_up_to_date() {
    let expected = generated(&MANUAL);
    for (index, (is, should)) in MANUAL.lines().zip(expected.lines()).enumerate() {
        let line = index + 1;
        let advice = "run UPDATE=1 cargo test --test manual";
        assert_eq!(is, should, "man/flowtop.8:{line}: {advice}");
    }
    assert_eq!(MANUAL.len(), expected.len());
}

#[test]
fn manual_is_of_this_version_and_tells_of_everything() {
    let manual = &*MANUAL;
    let version = concat!("\n.Os flowtop ", env!("CARGO_PKG_VERSION"), "\n");
    assert!(manual.contains(version), "{version}");
    let command = flowtop::config::command();
    let all = std::iter::once(&command).chain(command.get_subcommands());
    for arg in all.flat_map(Command::get_arguments) {
        let long = format!("Fl -{}", arg.get_long().unwrap());
        assert!(manual.contains(&long), "{long}");
    }
    for field in FIELDS {
        let item = format!("\n.It Va {} Pq", field.key);
        assert_eq!(manual.matches(&item).count(), 1, "{}", field.key);
    }
    for code in [0, 1, 2, 3, 4, 5, 10] {
        let item = format!("\n.It {code}\n");
        assert!(manual.contains(&item), "exit code {code}");
    }
}

#[test]
fn lines_are_fit_for_roff() {
    for (index, line) in MANUAL.lines().enumerate() {
        let number = index + 1;
        assert_eq!(line.trim_end(), line, "line {number} ends with a space");
        assert!(!line.is_empty(), "line {number} is empty");
        assert!(line.is_ascii(), "line {number} is not ASCII");
    }
}

#[test]
fn the_screen_of_the_readme_is_a_real_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let screen = fs::read_to_string(root.join("tests/snapshots/readme_120.txt")).unwrap();
    let path = root.join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    for picture in ["readme_dark.svg", "readme_light.svg"] {
        let picture = format!("tests/snapshots/{picture}");
        assert!(root.join(&picture).is_file() && readme.contains(&picture));
    }
    let (before, rest) = readme.split_once("<!-- screen -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /screen -->").unwrap();
    let wanted = format!(
        "{before}<!-- screen -->\n```text\n{}\n```\n<!-- /screen -->{after}",
        screen.trim_end()
    );
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, wanted).unwrap();
    } else {
        assert_eq!(
            readme, wanted,
            "UPDATE=1 cargo test --test manual writes it"
        );
    }
}
