//! The configuration file, `flowtop.toml`.
//!
//! So far it has one table, `[names]`: what hosts are called.
//!
//! ```toml
//! [names]
//! "192.168.1.23" = "laptop"
//! "2001:db8::23" = "laptop"
//! ```

use std::collections::HashMap;
use std::net::IpAddr;

use toml::de::{DeTable, DeValue};

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Names of hosts.
    pub names: HashMap<IpAddr, String>,
    /// What could not be used, each with its line; the rest was.
    pub problems: Vec<String>,
}

/// Reads the text of a configuration file.
///
/// # Errors
/// If it is no TOML: the line, and what is wrong there.
pub fn parse(text: &str) -> Result<File, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(text, span.start));
        format!("line {at}: {}", error.message())
    })?;
    let mut file = File::default();
    let mut problems: Vec<(usize, String)> = Vec::new();
    for (key, value) in table.get_ref() {
        let at = line(text, key.span().start);
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("names", DeValue::Table(names)) => {
                for (address, name) in names {
                    let at = line(text, address.span().start);
                    match host(address.get_ref(), name.get_ref()) {
                        Ok((address, name)) => {
                            file.names.insert(address, name);
                        }
                        Err(problem) => problems.push((at, problem)),
                    }
                }
            }
            ("names", _) => problems.push((at, "`names` must be a table: write [names]".into())),
            (other, _) => {
                let other = other.escape_debug();
                problems.push((at, format!("`{other}` is not known; there is [names]")));
            }
        }
    }
    // The parser hands out keys in their own order.
    problems.sort_unstable();
    file.problems = problems
        .into_iter()
        .map(|(line, problem)| format!("line {line}: {problem}"))
        .collect();
    Ok(file)
}

/// A line of `[names]`: the canonical address, and the name.
fn host(address: &str, name: &DeValue<'_>) -> Result<(IpAddr, String), String> {
    let parsed: Result<IpAddr, _> = address.parse();
    match (parsed, name) {
        (Ok(address), DeValue::String(name)) => {
            Ok((address.to_canonical(), name.clone().into_owned()))
        }
        (Ok(address), _) => Err(format!("the name of {address} must be a text in quotes")),
        (Err(_), _) => Err(format!("`{}` is no IP address", address.escape_debug())),
    }
}

/// The line, from 1, of a byte of `text`.
fn line(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read() {
        let file = parse("[names]\n\"192.0.2.1\" = \"tv\"\n\"2001:db8::1\" = \"nas\"\n").unwrap();
        assert_eq!(file.problems, Vec::<String>::new());
        assert_eq!(file.names[&"192.0.2.1".parse::<IpAddr>().unwrap()], "tv");
        assert_eq!(file.names[&"2001:db8::1".parse::<IpAddr>().unwrap()], "nas");
    }

    #[test]
    fn mistakes_are_told_by_line_and_lose_nothing_else() {
        let text =
            "colour = 1\n[names]\n\"tv\" = \"x\"\n\"192.0.2.1\" = 5\n\"192.0.2.2\" = \"ok\"\n";
        let file = parse(text).unwrap();
        assert_eq!(
            file.problems,
            [
                "line 1: `colour` is not known; there is [names]",
                "line 3: `tv` is no IP address",
                "line 4: the name of 192.0.2.1 must be a text in quotes",
            ]
        );
        assert_eq!(file.names.len(), 1);
        let error = parse("[names]\nbroken").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        assert_eq!(parse("names = 3").unwrap().problems.len(), 1);
    }

    #[test]
    fn an_address_has_one_name_however_it_is_written() {
        let file = parse("[names]\n\"::ffff:192.0.2.1\" = \"tv\"\n").unwrap();
        assert_eq!(file.names[&"192.0.2.1".parse::<IpAddr>().unwrap()], "tv");
    }

    #[test]
    fn the_sample_is_one_and_so_are_its_examples() {
        let sample = include_str!("../../conf/flowtop.toml");
        assert_eq!(parse(sample), Ok(File::default()));
        let examples = sample.replace("#\"", "\"");
        let file = parse(&examples).unwrap();
        assert_eq!(file.problems, Vec::<String>::new());
        assert_eq!(file.names.len(), 2);
    }
}
