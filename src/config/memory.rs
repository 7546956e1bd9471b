//! The file of what the viewer remembers, `state.toml`: written by the program,
//! and read by it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::layer::Layer;
use super::{absolute, in_one_line};
use crate::tui::memory::Memory;
use crate::view::column::{Choice, Hosts, Ports};
use crate::view::units::RateUnit;

/// `$XDG_STATE_HOME/flowtop/state.toml`, else below `~/.local/state`; `None` if
/// there is no home.
pub(super) fn path(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    absolute(variable, "XDG_STATE_HOME")
        .or_else(|| Some(absolute(variable, "HOME")?.join(".local/state")))
        .map(|dir| dir.join("flowtop/state.toml"))
}

/// Reads what was remembered. Keys that nobody knows are those of another
/// version.
///
/// # Errors
/// If it is not what [`written`] writes: the line, and what is wrong there.
pub(super) fn read(text: &str) -> Result<Memory, String> {
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(span.start));
        format!("line {at}: {}", in_one_line(error.message()))
    })?;
    let mut memory = Memory::default();
    for (name, value) in table.get_ref() {
        take(name.get_ref(), value.get_ref(), &mut memory).map_err(|problem| {
            let at = line(name.span().start);
            let name = name.get_ref();
            format!(
                "line {at}: `{}`: {}",
                in_one_line(name),
                in_one_line(&problem)
            )
        })?;
    }
    Ok(memory)
}

fn take(name: &str, value: &DeValue<'_>, memory: &mut Memory) -> Result<(), String> {
    let text = || value.as_str().ok_or("give a text in quotes");
    let unknown = |text: &str| format!("nobody knows `{}`", text.escape_debug());
    match name {
        "theme" => memory.theme = Some(text()?.to_owned()),
        "columns" => memory.columns = Some(Choice::parse(text()?)?),
        "bits" => {
            let bits = value.as_bool().ok_or("give true or false")?;
            memory.unit = Some(if bits {
                RateUnit::Bits
            } else {
                RateUnit::Bytes
            });
        }
        "hosts" => {
            let found = HOSTS.iter().find(|(_, name)| Ok(*name) == text());
            memory.hosts = Some(found.ok_or_else(|| unknown(text().unwrap_or_default()))?.0);
        }
        "ports" => {
            let found = PORTS.iter().find(|(_, name)| Ok(*name) == text());
            memory.ports = Some(found.ok_or_else(|| unknown(text().unwrap_or_default()))?.0);
        }
        "filters" => memory.filters = texts(value)?,
        "pins" => memory.pins = texts(value)?,
        "sort" => memory.sorts = table(value)?,
        _ => {}
    }
    Ok(())
}

fn texts(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    let wrong = "give a list of texts";
    let list = value.as_array().ok_or(wrong)?;
    let text = |item: &DeValue<'_>| Ok(item.as_str().ok_or(wrong)?.to_owned());
    list.iter().map(|item| text(item.get_ref())).collect()
}

fn table(value: &DeValue<'_>) -> Result<BTreeMap<String, String>, String> {
    let DeValue::Table(table) = value else {
        return Err("give a table of texts".to_owned());
    };
    let entry = |(name, value): (&_, &toml::Spanned<DeValue<'_>>)| {
        let name: &toml::Spanned<std::borrow::Cow<'_, str>> = name;
        let text = value.get_ref().as_str().ok_or("give a table of texts")?;
        Ok((name.get_ref().clone().into_owned(), text.to_owned()))
    };
    table.iter().map(entry).collect()
}

const HOSTS: [(Hosts, &str); 3] = [
    (Hosts::Name, "name"),
    (Hosts::Address, "address"),
    (Hosts::Both, "both"),
];
const PORTS: [(Ports, &str); 2] = [(Ports::Name, "name"), (Ports::Number, "number")];

/// The text of the file.
pub fn written(memory: &Memory) -> String {
    let Memory {
        theme,
        columns,
        unit,
        hosts,
        ports,
        sorts,
        pins,
        filters,
    } = memory;
    let mut out = String::from(
        "# What was last chosen in flowtop, which writes this file when it ends. Flags win\n\
         # over it, and it wins over flowtop.toml. To forget all of it, remove it.\n",
    );
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{name} = {value}");
        }
    };
    line("theme", theme.as_deref().map(quoted));
    line("columns", columns.as_ref().map(|c| quoted(&c.to_string())));
    line(
        "bits",
        unit.map(|unit| (unit == RateUnit::Bits).to_string()),
    );
    let named = HOSTS.iter().find(|(value, _)| Some(*value) == *hosts);
    line("hosts", named.map(|(_, name)| quoted(name)));
    let named = PORTS.iter().find(|(value, _)| Some(*value) == *ports);
    line("ports", named.map(|(_, name)| quoted(name)));
    line("filters", list(filters));
    line("pins", list(pins));
    if !sorts.is_empty() {
        out.push_str("\n[sort]\n");
        for (name, sort) in sorts {
            let _ = writeln!(out, "{} = {}", quoted(name), quoted(sort));
        }
    }
    out
}

fn list(texts: &[String]) -> Option<String> {
    let lines: Vec<_> = texts
        .iter()
        .map(|text| format!("  {},\n", quoted(text)))
        .collect();
    (!lines.is_empty()).then(|| format!("[\n{}]", lines.concat()))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Layer {
    /// What was last chosen, above the files of configuration. Columns say
    /// whether the source is among them.
    pub(super) fn of_memory(memory: &Memory) -> Self {
        Self {
            theme: memory.theme.clone(),
            show_src: memory.columns.as_ref().map(|_| false),
            columns: memory.columns.clone(),
            bits: memory.unit.map(|unit| unit == RateUnit::Bits),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_remembered_at_first() {
        assert_eq!(read(&written(&Memory::default())), Ok(Memory::default()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            theme in proptest::option::of(any::<String>()),
            filters in proptest::collection::vec(any::<String>(), 0..4),
            pins in proptest::collection::vec(any::<String>(), 0..4),
            sorts in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..3),
            unit in 0..3_usize,
            hosts in 0..4_usize,
            ports in 0..3_usize,
        ) {
            let memory = Memory {
                theme,
                columns: Choice::parse("rtt?,destination,proto").ok(),
                unit: [None, Some(RateUnit::Bits), Some(RateUnit::Bytes)][unit],
                hosts: HOSTS.get(hosts).map(|(value, _)| *value),
                ports: PORTS.get(ports).map(|(value, _)| *value),
                sorts,
                pins,
                filters,
            };
            prop_assert_eq!(read(&written(&memory)), Ok(memory));
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let wrong = |text: &str| read(text).unwrap_err();
        assert!(wrong("theme = \"nord\"\nbits = 1\n").starts_with("line 2: `bits`: give true"));
        assert!(wrong("\n\nhosts = \"hosts\"").starts_with("line 3: `hosts`: nobody knows"));
        assert!(wrong("columns = \"nonsense\"").contains("no column"));
        assert!(wrong("filters = \"x\"").contains("a list"));
        assert!(wrong("pins = [1]").contains("a list"));
        assert!(wrong("sort = 1").contains("a table"));
        assert!(wrong("theme = ").starts_with("line 1: "));
        // Of another version.
        assert_eq!(read("wings = 2\n[feet]\nleft = 1\n"), Ok(Memory::default()));
    }
}
