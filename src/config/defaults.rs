//! Writing options into a configuration file, so that everything else in it
//! stays as it is: comments, order, keys that others have written.

use std::path::Path;

use toml::de::DeTable;

use super::file::{self, Base, KEYS};
use super::layer::Layer;

/// The text of a file with these keys. `below` is the text of the file that
/// counts where this one says nothing.
///
/// 1. A key that the file has gets the new value in place of the old one.
/// 2. A key that it does not have is left out if its value counts anyway.
/// 3. Else it comes below its line in the sample, if the file has that, behind
///    a `#`; or at the end of the keys above all tables.
///
/// # Errors
/// If the file cannot be read as TOML, or would say something else besides.
pub fn with_defaults(
    text: &str,
    below: &str,
    settings: &[(&'static str, String)],
) -> Result<String, String> {
    let before = read(text)?;
    let below = read(below).unwrap_or_default();
    let mut result = text.to_owned();
    let mut wanted = Vec::new();
    for (key, value) in settings {
        let counts = below.written.get(key).cloned().or_else(|| default(key));
        let is_same = |other: &str| line(key, other).is_some_and(|it| Some(it) == line(key, value));
        match before.written.get(key) {
            Some(written) if is_same(written) => continue,
            Some(_) => result = replaced(&result, key, value)?,
            None if counts.is_some_and(|counts| is_same(&counts)) => continue,
            None => result = inserted(&result, key, value)?,
        }
        wanted.push(format!("{key} = {value}\n"));
    }
    let meant = read(&wanted.concat())?.over(before);
    let after = read(&result)?;
    if bare(after) == bare(meant) {
        Ok(result)
    } else {
        Err("it is written in a way that cannot be changed safely".to_owned())
    }
}

fn read(text: &str) -> Result<Layer, String> {
    let dir = Path::new("/");
    let base = Base {
        dir,
        home: Some(dir),
    };
    Ok(file::read(text, base, &Layer::default())?.layer)
}

/// A line of a file, as it is understood.
fn line(key: &str, value: &str) -> Option<Layer> {
    read(&format!("{key} = {value}\n")).ok().map(bare)
}

/// What is said, however it is written.
fn bare(layer: Layer) -> Layer {
    Layer {
        written: std::collections::BTreeMap::new(),
        ..layer
    }
}

fn default(key: &str) -> Option<String> {
    let known = KEYS.iter().find(|known| known.name == key);
    known.map(|known| known.default.to_owned())
}

fn table(text: &str) -> Result<toml::Spanned<DeTable<'_>>, String> {
    DeTable::parse(text).map_err(|error| error.message().to_owned())
}

/// With another value of a key that it has.
fn replaced(text: &str, key: &str, value: &str) -> Result<String, String> {
    let span = {
        let table = table(text)?;
        let mut keys = table.get_ref().iter();
        let found = keys.find(|(name, _)| name.get_ref().as_ref() == key);
        found.map(|(_, value)| value.span())
    };
    let mut result = text.to_owned();
    if let Some(span) = span {
        result.replace_range(span, value);
    }
    Ok(result)
}

/// With a line for a key that it does not have.
fn inserted(text: &str, key: &str, value: &str) -> Result<String, String> {
    // No key of ours above the first table can stand below its heading.
    let end_of_keys = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        })
        .find(|(_, line)| line.trim_start().starts_with('['))
        .map_or(text.len(), |(start, _)| start);
    let sample = format!("#{key} = ");
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |end| at + end + 1);
    let below_sample = text[..end_of_keys]
        .match_indices(&sample)
        .find(|(at, _)| *at == 0 || text[..*at].ends_with('\n'))
        .map(|(at, _)| line_end(at));
    let at = match below_sample {
        Some(at) => at,
        None => last_value(text, end_of_keys)?.map_or(0, line_end),
    };
    let (before, after) = text.split_at(at);
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    Ok(format!("{before}{gap}{key} = {value}\n{after}"))
}

/// Where the last value before `end` ends.
fn last_value(text: &str, end: usize) -> Result<Option<usize>, String> {
    let table = table(text)?;
    let ends = table.get_ref().iter().map(|(_, value)| value.span().end);
    Ok(ends.filter(|at| *at <= end).max())
}

#[cfg(test)]
mod tests {
    use super::super::SAMPLE;
    use super::*;

    fn settings(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        let owned = pairs.iter().map(|(key, value)| (*key, (*value).to_owned()));
        owned.collect()
    }

    fn saved(text: &str, pairs: &[(&'static str, &str)]) -> String {
        with_defaults(text, "", &settings(pairs)).unwrap()
    }

    #[test]
    fn only_what_differs_is_written() {
        let as_usual = [
            ("bits", "false"),
            ("interval", "1.0"),
            ("loopback", "false"),
        ];
        assert_eq!(saved("", &as_usual), "");
        assert_eq!(saved("", &[("bits", "true")]), "bits = true\n");
        let below = "bits = true\n";
        let usual = settings(&as_usual);
        assert_eq!(with_defaults("", below, &usual).unwrap(), "bits = false\n");
        assert_eq!(
            saved("bits = true # mine\n", &[("bits", "true")]),
            "bits = true # mine\n"
        );
    }

    #[test]
    fn comments_and_everything_else_stay() {
        let text = "# mine\ntheme = \"nord\"   # at night\n\n# fast\ninterval=0.5\n\n\
                    [names]\n\"192.0.2.1\" = \"tv\" # bits = false\n[keys]\n\"x\" = \"bits\"\n";
        let with = saved(
            text,
            &[
                ("theme", "\"mono\""),
                ("bits", "true"),
                ("interval", "0.50"),
            ],
        );
        let expected = text.replace("\"nord\"", "\"mono\"");
        let expected = expected.replace("interval=0.5\n", "interval=0.5\nbits = true\n");
        assert_eq!(with, expected);
    }

    #[test]
    fn in_the_sample_a_line_comes_below_its_own() {
        let with = saved(SAMPLE, &[("bits", "true"), ("protocols", "[\"all\"]")]);
        let expected = SAMPLE
            .replace("#bits = false\n", "#bits = false\nbits = true\n")
            .replace(
                "#protocols = [\"tcp\"]\n",
                "#protocols = [\"tcp\"]\nprotocols = [\"all\"]\n",
            );
        assert_eq!(with, expected);
        // And is changed there the next time.
        let again = saved(&with, &[("bits", "false"), ("protocols", "[\"tcp\"]")]);
        assert_eq!(again.len(), with.len() + "false".len() - "true".len());
        assert_eq!(again.matches("\nbits = ").count(), 1);
    }

    #[test]
    fn a_list_over_several_lines_is_one_value() {
        let text = "protocols = [\n  \"tcp\", # web\n  \"udp\",\n]\nbits = true\n[names]\n";
        let with = saved(text, &[("protocols", "[\"icmp\"]"), ("loopback", "true")]);
        assert_eq!(
            with,
            "protocols = [\"icmp\"]\nbits = true\nloopback = true\n[names]\n"
        );
    }

    #[test]
    fn what_cannot_be_understood_is_left_alone() {
        let pairs = settings(&[("bits", "true")]);
        assert!(with_defaults("bits = = 3", "", &pairs).is_err());
        // A heading within a text misleads, and is noticed.
        let text = "theme = \"\"\"\n[\n\"\"\"\n[names]\n";
        let result = with_defaults(text, "", &pairs);
        assert!(result.is_err() || result.is_ok_and(|it| it.contains("bits = true\n")));
        // A last line without an end gets one.
        assert_eq!(
            saved("loopback = true", &[("bits", "true")]),
            "loopback = true\nbits = true\n"
        );
    }
}
