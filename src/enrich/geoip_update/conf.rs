//! `geoip.conf`: which databases are wanted, and their mirrors.
//!
//! ```text
//! # a comment
//! country  https://mirror.example/country-{YYYY}-{MM}.mmdb.gz
//! maxmind  GeoLite2-City GeoLite2-ASN
//! ```
//!
//! A line that cannot be used is a warning with its number and never ends the
//! parse. Warnings do not quote addresses: they may hold secrets.

use std::fmt;

use super::url::{Url, UrlError};

/// The file that is compiled in, used where no other exists.
pub const DEFAULT: &str = include_str!("../../../conf/geoip.conf");

/// What a mirror's database must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The country of a network.
    Country,
    /// The number of a network and the organisation behind it.
    Asn,
    /// City and country.
    City,
}

impl Kind {
    /// All kinds, in the order in which they are updated.
    pub const ALL: [Self; 3] = [Self::Country, Self::Asn, Self::City];

    /// The word in `geoip.conf`, and the stem of the installed file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Asn => "asn",
            Self::City => "city",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Year of the Gregorian calendar.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

impl Month {
    /// The month before.
    #[must_use]
    pub fn before(self) -> Self {
        match self.month {
            1 => Self {
                year: self.year - 1,
                month: 12,
            },
            month => Self {
                month: month - 1,
                ..self
            },
        }
    }
}

/// A mirror's address with placeholders for the month.
#[derive(Clone, PartialEq, Eq)]
pub struct Template(String);

impl Template {
    /// Checks that the address is allowed and that its placeholders are known.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let template = Self(text.to_owned());
        let expanded = template.expand(Month {
            year: 2026,
            month: 1,
        });
        if expanded.contains(['{', '}']) {
            return Err(TemplateError::Placeholder);
        }
        Url::parse(&expanded)?;
        Ok(template)
    }

    fn expand(&self, month: Month) -> String {
        let before = month.before();
        self.0
            .replace("{YYYY}", &format!("{:04}", month.year))
            .replace("{MM}", &format!("{:02}", month.month))
            .replace("{YYYY-1m}", &format!("{:04}", before.year))
            .replace("{MM-1m}", &format!("{:02}", before.month))
    }

    /// The addresses to try in `month`, in order: with `{MM}` also that of the
    /// month before, because monthly files appear some days into their month.
    pub fn urls(&self, month: Month) -> Vec<Url> {
        let mut texts = vec![self.expand(month)];
        if self.0.contains("{MM}") {
            texts.push(self.expand(month.before()));
        }
        // Checked when parsed; a month changes digits only.
        texts
            .iter()
            .filter_map(|text| Url::parse(text).ok())
            .collect()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Template(..)")
    }
}

/// Why an address in `geoip.conf` cannot be used; quotes no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// See [`UrlError`].
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Braces that are no placeholder.
    #[error("the placeholders are {{YYYY}} {{MM}} {{YYYY-1m}} {{MM-1m}}")]
    Placeholder,
}

/// A line that was not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineWarning {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub reason: String,
}

impl fmt::Display for LineWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// What `geoip.conf` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    /// Mirrors, in the order of the file.
    pub mirrors: Vec<(Kind, Template)>,
    /// MaxMind's editions.
    pub maxmind: Vec<String>,
    /// IPinfo's databases.
    pub ipinfo: Vec<String>,
    /// Lines that were not used.
    pub warnings: Vec<LineWarning>,
    /// How many lines were bare host names, the format of old.
    pub old_hosts: usize,
}

impl Conf {
    /// Reads the text of a `geoip.conf`.
    pub fn parse(text: &str) -> Self {
        let mut conf = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            if let Err(reason) = conf.read_line(line) {
                conf.warnings.push(LineWarning {
                    line: index + 1,
                    reason,
                });
            }
        }
        conf
    }

    /// Whether no database is asked for.
    pub fn is_empty(&self) -> bool {
        self.mirrors.is_empty() && self.maxmind.is_empty() && self.ipinfo.is_empty()
    }

    /// The mirrors of one kind, in order.
    pub fn mirrors_of(&self, kind: Kind) -> impl Iterator<Item = &Template> {
        let of_kind = move |(k, template)| (k == &kind).then_some(template);
        self.mirrors.iter().map(|(k, t)| (k, t)).filter_map(of_kind)
    }

    fn read_line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let Some(first) = words.next().filter(|word| !word.starts_with('#')) else {
            return Ok(());
        };
        // A comment may end a line; a '#' inside an address is a fragment.
        let words: Vec<&str> = words.take_while(|word| !word.starts_with('#')).collect();
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.word() == first) {
            return match words[..] {
                [address] => {
                    let template = Template::parse(address).map_err(|e| e.to_string())?;
                    self.mirrors.push((kind, template));
                    Ok(())
                }
                _ => Err(format!("expected one address: `{kind} https://...`")),
            };
        }
        match first {
            "maxmind" => read_names(&words, &mut self.maxmind, "maxmind GeoLite2-City"),
            "ipinfo" => read_names(&words, &mut self.ipinfo, "ipinfo ipinfo_lite"),
            _ if words.is_empty() && is_bare_host(first) => {
                self.old_hosts += 1;
                Err(
                    "a bare host name is the format of netsniff-ng's flowtop, whose servers have \
                     given nothing since 2019; write `country https://...` instead"
                        .into(),
                )
            }
            _ if first.contains("://") => Err(
                "the kind is missing: write `country`, `asn` or `city` before the address".into(),
            ),
            _ => Err(format!(
                "unknown kind \"{}\"; the kinds are country, asn, city, maxmind and ipinfo",
                first.escape_debug()
            )),
        }
    }
}

/// Whether a word is a host name as the old format had one per line.
fn is_bare_host(word: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    word.contains('.') && word.bytes().all(allowed)
}

/// Reads names of databases, which become file names.
fn read_names(words: &[&str], into: &mut Vec<String>, example: &str) -> Result<(), String> {
    if words.is_empty() {
        return Err(format!("expected names of databases: `{example}`"));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    for word in words {
        if !word.bytes().all(allowed) {
            return Err(format!(
                "\"{}\" is no name of a database: expected letters, digits, - and _",
                word.escape_debug()
            ));
        }
        if !into.iter().any(|known| known == word) {
            into.push((*word).to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JANUARY: Month = Month {
        year: 2026,
        month: 1,
    };

    #[test]
    fn default_file_has_two_mirrors_for_country_and_asn() {
        let conf = Conf::parse(DEFAULT);
        assert_eq!(conf.warnings, []);
        for kind in [Kind::Country, Kind::Asn] {
            assert_eq!(conf.mirrors_of(kind).count(), 2, "{kind}");
        }
        assert!(conf.maxmind.is_empty() && conf.ipinfo.is_empty());
        // Switching every example on must give a file that is wholly used.
        let uncommented = DEFAULT
            .replace("#city ", "city ")
            .replace("#maxmind", "maxmind")
            .replace("#ipinfo", "ipinfo");
        let conf = Conf::parse(&uncommented);
        assert_eq!(conf.warnings, []);
        assert_eq!(conf.mirrors_of(Kind::City).count(), 1);
        assert_eq!(conf.maxmind, ["GeoLite2-City", "GeoLite2-ASN"]);
        assert_eq!(conf.ipinfo, ["ipinfo_lite"]);
    }

    #[test]
    fn placeholders_expand_across_the_year() {
        let urls = |text| {
            let template = Template::parse(text).unwrap();
            let urls = template.urls(JANUARY);
            urls.iter().map(Url::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            urls("https://m.example/a-{YYYY}-{MM}.gz"),
            [
                "https://m.example/a-2026-01.gz",
                "https://m.example/a-2025-12.gz"
            ]
        );
        assert_eq!(
            urls("https://m.example/a-{YYYY-1m}-{MM-1m}.gz"),
            ["https://m.example/a-2025-12.gz"]
        );
        assert_eq!(urls("https://m.example/a"), ["https://m.example/a"]);
    }

    #[test]
    fn old_format_is_recognised_and_explained() {
        let conf = Conf::parse("geolite.maxmind.com\ncryptoism.org\n");
        assert!(conf.is_empty());
        assert_eq!(conf.old_hosts, 2);
        assert_eq!(conf.warnings[1].line, 2);
        assert!(conf.warnings[1].reason.contains("bare host name"));
    }

    #[test]
    fn bad_lines_are_counted_and_quote_no_address() {
        let secret = "s3cret-token";
        for line in [
            format!("country http://m.example/?token={secret}"),
            format!("country https://m.example/{{DD}}?token={secret}"),
            format!("country https://m.example/ https://n.example/{secret}"),
            format!("https://m.example/?token={secret}"),
            "country".into(),
            "planet https://m.example/".into(),
            "maxmind".into(),
            "maxmind ../../etc/passwd".into(),
        ] {
            let conf = Conf::parse(&format!("# first\n{line}\n"));
            assert!(conf.is_empty(), "{line}");
            let [warning] = &conf.warnings[..] else {
                panic!("{line}: {:?}", conf.warnings);
            };
            assert_eq!(warning.line, 2);
            assert!(!format!("{warning} {conf:?}").contains(secret), "{warning}");
        }
    }

    #[test]
    fn comments_and_blanks_are_skipped() {
        let text = "\u{feff}\n  # x\n\tasn \t https://m.example/a   # why\nmaxmind A # B\n";
        let conf = Conf::parse(text);
        assert_eq!(conf.warnings, []);
        assert_eq!(conf.mirrors_of(Kind::Asn).count(), 1);
        assert_eq!(conf.maxmind, ["A"]);
    }
}
