//! What an update did, as values: for exit codes, people and programs.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// Why one mirror did not give the database; holds no secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The mirror's address without secrets, or the local file.
    pub from: String,
    /// What went wrong and what can be done.
    pub reason: String,
}

/// How one database fared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new file is in place.
    Installed {
        /// The mirror's address without secrets, or the local file.
        from: String,
        /// When it was built, in seconds since 1970.
        build_epoch: u64,
        /// When the file it replaced was built, if there was one.
        replaced_epoch: Option<u64>,
        /// Its length.
        bytes: u64,
    },
    /// The mirror has nothing newer.
    Current {
        /// The mirror's address without secrets, or the local file.
        from: String,
        /// When the installed file was built, in seconds since 1970.
        build_epoch: u64,
    },
    /// No mirror gave a usable file; the installed one, if any, is untouched.
    Failed,
}

/// One database of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What it is called: a kind (`country`) or an edition (`GeoLite2-City`).
    pub name: String,
    /// The installed file.
    pub path: PathBuf,
    /// How it fared.
    pub outcome: Outcome,
    /// Mirrors that failed, in the order in which they were tried.
    pub attempts: Vec<Attempt>,
}

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The databases, in the order in which they were updated.
    pub items: Vec<Item>,
    /// Lines of `geoip.conf` that were not used, and the like.
    pub warnings: Vec<String>,
}

impl Report {
    /// 0 when all is current, 1 when nothing could be had, 5 when some.
    pub fn exit_code(&self) -> u8 {
        let failed = self
            .items
            .iter()
            .filter(|item| item.outcome == Outcome::Failed)
            .count();
        match failed {
            0 if !self.items.is_empty() => 0,
            some if some < self.items.len() => 5,
            _ => 1,
        }
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> Value {
        let items: Vec<Value> = self.items.iter().map(Item::to_json).collect();
        json!({
            "exit_code": self.exit_code(),
            "databases": items,
            "warnings": self.warnings,
        })
    }
}

impl Item {
    fn to_json(&self) -> Value {
        let mut value = json!({
            "name": self.name,
            "path": self.path.to_string_lossy(),
            "failed_attempts": self.attempts.iter().map(|attempt| json!({
                "from": attempt.from,
                "reason": attempt.reason,
            })).collect::<Vec<_>>(),
        });
        let outcome = match &self.outcome {
            Outcome::Installed {
                from,
                build_epoch,
                replaced_epoch,
                bytes,
            } => json!({
                "outcome": "installed",
                "from": from,
                "build_epoch": build_epoch,
                "replaced_build_epoch": replaced_epoch,
                "bytes": bytes,
            }),
            Outcome::Current { from, build_epoch } => json!({
                "outcome": "current",
                "from": from,
                "build_epoch": build_epoch,
            }),
            Outcome::Failed => json!({ "outcome": "failed" }),
        };
        if let (Value::Object(value), Value::Object(outcome)) = (&mut value, outcome) {
            value.extend(outcome);
        }
        value
    }
}

/// One line per database, then one per mirror that failed, indented.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Installed {
                from,
                build_epoch,
                bytes,
                ..
            } => write!(
                f,
                "{}: installed {}, built {}, {:.1} MB, from {from}",
                self.name,
                self.path.display(),
                date(*build_epoch),
                *bytes as f64 / 1e6,
            )?,
            Outcome::Current { build_epoch, .. } => {
                write!(f, "{}: up to date, built {}", self.name, date(*build_epoch))?;
            }
            Outcome::Failed => write!(
                f,
                "{}: failed, {} unchanged",
                self.name,
                self.path.display()
            )?,
        }
        for Attempt { from, reason } in &self.attempts {
            write!(f, "\n  {from}: {reason}")?;
        }
        Ok(())
    }
}

/// The day of a moment, in UTC.
pub(super) fn date(epoch: u64) -> String {
    i64::try_from(epoch)
        .ok()
        .and_then(|second| jiff::Timestamp::from_second(second).ok())
        .map_or_else(
            || format!("{epoch} s after 1970"),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}

/// One installed database, as `--check` sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age {
    /// What it is called: a kind (`country`) or an edition (`GeoLite2-City`).
    pub name: String,
    /// Where it is, or would be.
    pub path: PathBuf,
    /// When it was built; or why that is not known.
    pub built: Result<SystemTime, String>,
    /// The time since; zero for one not built yet by this machine's clock.
    pub age: Duration,
    /// Whether an update is due.
    pub stale: bool,
}

/// What `--check` found; nothing was fetched or written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The databases `geoip.conf` asks for.
    pub ages: Vec<Age>,
    /// Lines of `geoip.conf` that were not used, and the like.
    pub warnings: Vec<String>,
}

impl CheckReport {
    /// 0 when all are fresh, 10 when one is missing, broken or stale.
    pub fn exit_code(&self) -> u8 {
        if self.ages.iter().any(|age| age.stale) {
            10
        } else {
            0
        }
    }

    /// The report as one JSON object.
    pub fn to_json(&self) -> Value {
        let ages: Vec<Value> = self
            .ages
            .iter()
            .map(|age| {
                json!({
                    "name": age.name,
                    "path": age.path.to_string_lossy(),
                    "build_epoch": age.built.as_ref().ok().map(|&built| epoch_of(built)),
                    "age_seconds": age.built.is_ok().then_some(age.age.as_secs()),
                    "problem": age.built.as_ref().err(),
                    "stale": age.stale,
                })
            })
            .collect();
        json!({
            "exit_code": self.exit_code(),
            "databases": ages,
            "warnings": self.warnings,
        })
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.built {
            Ok(built) => write!(
                f,
                "{}: built {}, {} days old{}",
                self.name,
                date(epoch_of(*built)),
                self.age.as_secs() / 86_400,
                if self.stale { ", stale" } else { "" }
            ),
            Err(reason) => write!(f, "{}: {}: {reason}", self.name, self.path.display()),
        }
    }
}

/// Seconds since 1970; 0 for earlier moments.
pub(super) fn epoch_of(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let item = |outcome: &Outcome| Item {
            name: "country".into(),
            path: "/data/country.mmdb".into(),
            outcome: outcome.clone(),
            attempts: Vec::new(),
        };
        Report {
            items: outcomes.iter().map(item).collect(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn exit_code_tells_all_some_and_none() {
        let current = Outcome::Current {
            from: "m".into(),
            build_epoch: 0,
        };
        let code = |outcomes: &[Outcome]| report(outcomes).exit_code();
        assert_eq!(code(&[current.clone(), current.clone()]), 0);
        assert_eq!(code(&[current, Outcome::Failed]), 5);
        assert_eq!(code(&[Outcome::Failed, Outcome::Failed]), 1);
        assert_eq!(code(&[]), 1);
    }

    #[test]
    fn one_line_says_what_was_installed_when_and_whence() {
        let installed = Outcome::Installed {
            from: "https://m.example/c.mmdb".into(),
            build_epoch: 1_781_726_061,
            replaced_epoch: None,
            bytes: 5_187_719,
        };
        assert_eq!(
            report(&[installed]).items[0].to_string(),
            "country: installed /data/country.mmdb, built 2026-06-17, 5.2 MB, from https://m.example/c.mmdb"
        );
    }
}
