//! The configuration file, `flowtop.toml`.
//!
//! Its keys are the long options that a person may wish for always, and tables
//! for what a command line has no room for. [`KEYS`] lists them; the sample,
//! `conf/flowtop.toml`, is generated from it.

mod bindings;
pub(super) mod filters;
pub(super) mod health;
mod keys;

use std::net::IpAddr;

use toml::de::{DeTable, DeValue};

use super::layer::Layer;
use super::{in_one_line, value};
use keys::Value;
pub(super) use keys::{Base, KEYS};

/// Names of tables.
const TABLES: [&str; 4] = ["names", "filters", "health", "keys"];

/// What a file says, and what of it could not be used.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct File {
    pub(super) layer: Layer,
    /// Each with its line, and what counts in its place; the rest was used.
    pub(super) problems: Vec<String>,
}

/// Reads the text of a configuration file. `below` is what is said already, for
/// the messages.
///
/// # Errors
/// If it is no TOML: the line, and what is wrong there.
pub(super) fn read(text: &str, base: Base<'_>, below: &Layer) -> Result<File, String> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(text, span.start));
        format!("line {at}: {}", in_one_line(error.message()))
    })?;
    let mut reading = Reading {
        text,
        base,
        below,
        layer: Layer::default(),
        problems: Vec::new(),
    };
    for (name, value) in table.get_ref() {
        let at = line(text, name.span().start);
        let written = text.get(value.span()).unwrap_or_default();
        let said = match (name.get_ref().as_ref(), value.get_ref()) {
            ("names", DeValue::Table(names)) => {
                reading.names(names);
                Ok(())
            }
            ("filters", DeValue::Table(filters)) => {
                reading.filters(filters);
                Ok(())
            }
            ("health", DeValue::Table(limits)) => {
                reading.health(limits);
                Ok(())
            }
            ("keys", DeValue::Table(keys)) => {
                reading.keys(keys);
                Ok(())
            }
            (name, _) if TABLES.contains(&name) => {
                Err(format!("`{name}` is a table: write [{name}]"))
            }
            (name, value) => reading.option(name, value, written),
        };
        if let Err(problem) = said {
            reading.problems.push((at, problem));
        }
    }
    let Reading {
        layer,
        mut problems,
        ..
    } = reading;
    // The parser hands out keys in their own order.
    problems.sort_unstable();
    let problems = problems
        .into_iter()
        .map(|(line, problem)| format!("line {line}: {}", in_one_line(&problem)))
        .collect();
    Ok(File { layer, problems })
}

/// A file that is being read.
struct Reading<'a> {
    text: &'a str,
    base: Base<'a>,
    below: &'a Layer,
    layer: Layer,
    /// By line.
    problems: Vec<(usize, String)>,
}

impl Reading<'_> {
    /// A line above all tables.
    fn option(&mut self, name: &str, value: &DeValue<'_>, written: &str) -> Result<(), String> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            let names = KEYS.iter().map(|key| key.name).chain(TABLES);
            return Err(format!(
                "`{name}` is no key{}; `flowtop --print-config` has all",
                value::nearest(name, names)
            ));
        };
        let base = self.base;
        match (key.read)(&Value { value, base }, &mut self.layer) {
            Ok(()) => {
                let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
                self.layer.written.insert(key.name, written);
                Ok(())
            }
            Err(problem) => {
                let below = self.below.written.get(key.name);
                let instead = below.map_or(key.default, String::as_str);
                Err(format!("`{name}`: {problem}; it stays at {instead}"))
            }
        }
    }

    fn names(&mut self, names: &DeTable<'_>) {
        for (address, name) in names {
            match host(address.get_ref(), name.get_ref()) {
                Ok((address, name)) => {
                    self.layer.names.insert(address, name);
                }
                Err(problem) => {
                    let at = line(self.text, address.span().start);
                    self.problems.push((at, problem));
                }
            }
        }
    }
}

/// A line of `[names]`: the canonical address, and the name.
fn host(address: &str, name: &DeValue<'_>) -> Result<(IpAddr, String), String> {
    let parsed: Result<IpAddr, _> = address.parse();
    match (parsed, name) {
        (Ok(address), DeValue::String(name)) => {
            Ok((address.to_canonical(), name.clone().into_owned()))
        }
        (Ok(address), _) => Err(format!("the name of {address} must be a text in quotes")),
        (Err(_), _) if is_option(address) => Err(misplaced(address, "names")),
        (Err(_), _) => Err(format!("`{}` is no IP address", address.escape_debug())),
    }
}

fn is_option(name: &str) -> bool {
    KEYS.iter().any(|key| key.name == name)
}

/// An option below the heading of a table belongs to that.
fn misplaced(name: &str, table: &str) -> String {
    format!("`{name}` has to stand above [{table}]; here it says nothing")
}

/// The line, from 1, of a byte of `text`.
fn line(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use std::path::{Path, PathBuf};

    use super::*;
    use crate::flow::{Family, Group};

    fn base(home: Option<&Path>) -> Base<'_> {
        let dir = Path::new("/etc/flowtop");
        Base { dir, home }
    }

    fn parse(text: &str) -> Result<File, String> {
        read(text, base(None), &Layer::default())
    }

    fn names(text: &str) -> Vec<(String, String)> {
        let file = parse(text).unwrap();
        assert_eq!(file.problems, Vec::<String>::new());
        let names = file.layer.names.into_iter();
        names.map(|(ip, name)| (ip.to_string(), name)).collect()
    }

    #[test]
    fn names_are_read() {
        let mut read = names("[names]\n\"192.0.2.1\" = \"tv\"\n\"2001:db8::1\" = \"nas\"\n");
        read.sort();
        let expected = [("192.0.2.1", "tv"), ("2001:db8::1", "nas")];
        assert_eq!(read, expected.map(|(ip, name)| (ip.into(), name.into())));
    }

    #[test]
    fn an_address_has_one_name_however_it_is_written() {
        let read = names("[names]\n\"::ffff:192.0.2.1\" = \"tv\"\n");
        assert_eq!(read, [("192.0.2.1".into(), "tv".into())]);
    }

    #[test]
    fn mistakes_are_told_by_line_and_lose_nothing_else() {
        let text = "colour = 1\n\
            interval = 0\n\
            bits = \"yes\"\n\
            show-src = true\n\
            protocols = [\"tcp\", \"udb\"]\n\
            families = []\n\
            dns = false\n\
            rcvbuf = \"1G\"\n\
            [names]\n\
            \"tv\" = \"x\"\n\
            \"192.0.2.1\" = 5\n\
            loopback = true\n\
            \"192.0.2.2\" = \"ok\"\n";
        let file = parse(text).unwrap();
        assert_eq!(
            file.problems,
            [
                "line 1: `colour` is no key, the nearest is `color`; `flowtop --print-config` has all",
                "line 2: `interval`: give seconds from 0.1 to 3600, such as 0.5; it stays at 1",
                "line 3: `bits`: give true or false; it stays at false",
                "line 5: `protocols`: not `udb`; give tcp, udp, dccp, icmp, sctp, other, all; \
                 it stays at [\"tcp\"]",
                "line 6: `families`: name at least one; it stays at [\"ipv4\", \"ipv6\"]",
                "line 7: `dns` is no key, the nearest is `no-dns`; `flowtop --print-config` has all",
                "line 8: `rcvbuf`: give bytes from 4k to 1024M, such as 32M; it stays at \"16M\"",
                "line 10: `tv` is no IP address",
                "line 11: the name of 192.0.2.1 must be a text in quotes",
                "line 12: `loopback` has to stand above [names]; here it says nothing",
            ]
        );
        assert_eq!(file.layer.names.len(), 1);
        assert_eq!(file.layer.show_src, Some(true));
        assert_eq!(file.layer.protocols, None);
        let error = parse("[names]\nbroken").unwrap_err();
        assert!(error.starts_with("line 2: "), "{error}");
        let problems = parse("names = 3").unwrap().problems;
        assert_eq!(problems, ["line 1: `names` is a table: write [names]"]);
        let problems = parse("\"a\\u001bb\" = 3").unwrap().problems;
        assert!(
            problems[0].contains("`a\\u{1b}b` is no key"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_mistake_leaves_what_was_said_below() {
        let below = parse("interval = 5\nprotocols = [\n\"udp\",\n]\n")
            .unwrap()
            .layer;
        let above = read("interval = 1e9\nprotocols = 1\n", base(None), &below).unwrap();
        let ends = ["it stays at 5", "it stays at [ \"udp\", ]"];
        for (problem, end) in above.problems.iter().zip(ends) {
            assert!(problem.ends_with(end), "{problem}");
        }
        let both = above.layer.over(below);
        assert_eq!(both.interval, Some(Duration::from_secs(5)));
        assert_eq!(both.protocols, Some(vec![Group::Udp]));
    }

    #[test]
    fn numbers_are_written_as_one_likes() {
        for (text, bytes) in [
            ("4096", 4096),
            ("0x1000", 4096),
            ("8_192", 8192),
            ("\"4k\"", 4096),
        ] {
            let file = parse(&format!("rcvbuf = {text}")).unwrap();
            if text == "0x1000" {
                assert!(file.problems[0].contains("give bytes"), "{file:?}");
            } else {
                assert_eq!(file.layer.rcvbuf, Some(bytes), "{text}: {file:?}");
            }
        }
        for (text, millis) in [("2", 2000), ("0.5", 500), ("\"0.5\"", 500)] {
            let layer = parse(&format!("interval = {text}")).unwrap().layer;
            assert_eq!(layer.interval, Some(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn paths_begin_where_the_file_is() {
        let text = "geoip-dir = \"~/places\"\nservices = [\"a\", \"/b\"]\n";
        let home = Some(Path::new("/home/a"));
        let layer = read(text, base(home), &Layer::default()).unwrap().layer;
        assert_eq!(layer.geoip_dir, Some("/home/a/places".into()));
        let services = ["/etc/flowtop/a", "/b"].map(PathBuf::from).to_vec();
        assert_eq!(layer.services, Some(services));
        let homeless = parse(text).unwrap().problems;
        assert!(homeless[0].contains("HOME is not set"), "{homeless:?}");
        let none = parse("geoip-dir = \"\"").unwrap().layer;
        assert_eq!(none.geoip_dir, Some(PathBuf::new()));
    }

    #[test]
    fn a_list_of_one_needs_no_brackets() {
        let layer = parse("protocols = \"all\"\nfamilies = \"ipv6\"\n")
            .unwrap()
            .layer;
        assert_eq!(layer.protocols, Some(Group::ALL.to_vec()));
        assert_eq!(layer.families, Some(vec![Family::Ipv6]));
    }
}
