//! The keys above all tables, and how their values are read.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::super::layer::Layer;
use super::super::value;
use crate::enrich::locality;

/// A key above all tables.
pub(in crate::config) struct Key {
    /// The name of the option.
    pub(in crate::config) name: &'static str,
    /// What counts if nobody says otherwise, as TOML.
    pub(in crate::config) default: &'static str,
    pub(super) read: fn(&Value<'_>, &mut Layer) -> Result<(), String>,
}

const fn key(
    name: &'static str,
    default: &'static str,
    read: fn(&Value<'_>, &mut Layer) -> Result<(), String>,
) -> Key {
    Key {
        name,
        default,
        read,
    }
}

/// Every key, in the order of the sample.
pub(in crate::config) const KEYS: &[Key] = &[
    key("families", "[\"ipv4\", \"ipv6\"]", |value, to| {
        let each = |name: &str| value::family(name).map(|family| vec![family]);
        set(&mut to.families, value.list(each))
    }),
    key("protocols", "[\"tcp\"]", |value, to| {
        let each = |name: &str| value::groups(name).map(<[_]>::to_vec);
        set(&mut to.protocols, value.list(each))
    }),
    key("loopback", "false", |value, to| {
        set(&mut to.loopback, value.flag())
    }),
    key("no-dns", "false", |value, to| {
        set(&mut to.no_dns, value.flag())
    }),
    key("no-geoip", "false", |value, to| {
        set(&mut to.no_geoip, value.flag())
    }),
    key("show-src", "false", |value, to| {
        set(&mut to.show_src, value.flag())
    }),
    key("columns", "\"\"", |value, to| {
        set(&mut to.columns, value.text(value::columns))
    }),
    key("subnet", "\"24,64\"", |value, to| {
        set(&mut to.subnet, value.text(value::subnet))
    }),
    key("mask", "false", |value, to| set(&mut to.mask, value.flag())),
    key("export-dir", "\"\"", |value, to| {
        set(&mut to.export_dir, value.path())
    }),
    key("bits", "false", |value, to| set(&mut to.bits, value.flag())),
    key("rate-tiers", "\"10k,1M\"", |value, to| {
        set(&mut to.rate_tiers, value.text(value::tiers))
    }),
    key("no-mouse", "false", |value, to| {
        set(&mut to.no_mouse, value.flag())
    }),
    key("no-state", "false", |value, to| {
        set(&mut to.no_state, value.flag())
    }),
    key("color", "\"auto\"", |value, to| {
        set(&mut to.color, value.text(value::choice))
    }),
    key("theme", "\"terminal\"", |value, to| {
        set(&mut to.theme, value.text(|name| Ok(name.to_owned())))
    }),
    key("interval", "1", |value, to| {
        set(&mut to.interval, value.number(value::interval))
    }),
    key("source", "\"auto\"", |value, to| {
        set(&mut to.mode, value.text(value::choice))
    }),
    key("no-process", "false", |value, to| {
        set(&mut to.no_process, value.flag())
    }),
    key("no-sysctl", "false", |value, to| {
        set(&mut to.no_sysctl, value.flag())
    }),
    key("track", "false", |value, to| {
        set(&mut to.track, value.flag())
    }),
    key("rcvbuf", "\"16M\"", |value, to| {
        set(&mut to.rcvbuf, value.number(value::size))
    }),
    key("local", "[]", |value, to| {
        set(&mut to.local, value.each(locality::cidr::parse))
    }),
    key("resolver", "\"dns\"", |value, to| {
        set(&mut to.resolver, value.text(value::lookup))
    }),
    key("geoip-dir", "\"\"", |value, to| {
        set(&mut to.geoip_dir, value.path())
    }),
    key("services", "[]", |value, to| {
        set(&mut to.services, value.paths())
    }),
];

fn set<T>(to: &mut Option<T>, read: Result<T, String>) -> Result<(), String> {
    *to = Some(read?);
    Ok(())
}

/// What relative paths in a file mean.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Base<'a> {
    /// Where the file is.
    pub(in crate::config) dir: &'a Path,
    /// For `~/`.
    pub(in crate::config) home: Option<&'a Path>,
}

impl Base<'_> {
    fn path(&self, text: &str) -> Result<PathBuf, String> {
        match (text.strip_prefix("~/"), self.home) {
            (Some(rest), Some(home)) => Ok(home.join(rest)),
            (Some(_), None) => Err("there is no home for ~/ to mean: HOME is not set".into()),
            (None, _) => Ok(self.dir.join(text)),
        }
    }
}

/// The value of a key.
pub(super) struct Value<'a> {
    pub(super) value: &'a DeValue<'a>,
    pub(super) base: Base<'a>,
}

impl Value<'_> {
    fn flag(&self) -> Result<bool, String> {
        self.value
            .as_bool()
            .ok_or_else(|| "give true or false".into())
    }

    fn text<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        read(text(self.value)?)
    }

    /// A number, or a text if it has a unit.
    fn number<T>(&self, read: impl Fn(&str) -> Result<T, String>) -> Result<T, String> {
        match self.value {
            // With the sign of the radix, which the options do not know.
            // With its radix, if that is not 10: the options know no other.
            DeValue::Integer(number) => read(&number.to_string()),
            DeValue::Float(number) => read(number.as_str()),
            other => read(text(other)?),
        }
    }

    /// One text or several, each of which adds to the list.
    fn list<T>(&self, each: impl Fn(&str) -> Result<Vec<T>, String>) -> Result<Vec<T>, String> {
        let list = self.texts()?;
        if list.is_empty() {
            return Err("name at least one".into());
        }
        let mut all = Vec::new();
        for name in list {
            let problem = |problem| format!("not `{}`; {problem}", name.escape_debug());
            all.extend(each(name).map_err(problem)?);
        }
        Ok(all)
    }

    /// One text or several, or none.
    fn each<T, E: Display>(&self, each: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, String> {
        let read = self.texts()?.into_iter().map(each);
        read.collect::<Result<_, _>>().map_err(|e| e.to_string())
    }

    fn texts(&self) -> Result<Vec<&str>, String> {
        match self.value {
            DeValue::Array(list) => list.iter().map(|item| text(item.get_ref())).collect(),
            one => Ok(vec![text(one)?]),
        }
    }

    /// A path; the empty text stays empty.
    fn path(&self) -> Result<PathBuf, String> {
        match text(self.value)? {
            "" => Ok(PathBuf::new()),
            path => self.base.path(path),
        }
    }

    fn paths(&self) -> Result<Vec<PathBuf>, String> {
        self.each(|path| self.base.path(path))
    }
}

pub(super) fn text<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| "give a text in quotes".into())
}
