//! `flowtop update`: fetching databases of places, or installing a local one.
//!
//! Per database, until one mirror gives a file:
//!
//! 1. The target directory is locked and proved writable before any request.
//! 2. The mirror is asked, with what its server said of the installed file, so
//!    that an unchanged file costs no transfer.
//! 3. The file is unpacked as a stream into a hidden file beside its target.
//! 4. It is opened, every network walked and every record decoded, and it must
//!    hold what its kind promises. Nothing overrides this.
//! 5. It is refused if it is older than the installed one, has less than half
//!    its nodes, or was built in the future; `force` overrides this.
//! 6. It is renamed into place, and a sidecar beside it says whence it came.
//!
//! Whatever fails, the installed file stays as it was and nothing partial is
//! left behind.

#![cfg_attr(
    not(feature = "update"),
    allow(
        dead_code,
        reason = "the HTTP client alone uses or makes some of these"
    )
)]

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

mod admit;
mod conf;
mod credentials;
mod fetch;
mod install;
mod job;
mod progress;
mod report;
mod unpack;
mod url;
mod verify;

pub use conf::{Conf, DEFAULT, Kind, LineWarning, Month, Template, TemplateError};
pub use credentials::{Account, Credentials, GEOIP_CONF, Secret};
pub use install::DirError;
pub use progress::{Event, Lines, Progress};
pub use report::{Age, Attempt, CheckReport, Item, Outcome, Report};
pub use url::{Url, UrlError};

use admit::{Arrival, Installed, admit, read_metadata};
use install::{Target, Temporary};
use job::Job;
use unpack::Unpacked;
use verify::Checked;

use super::geoip::{STALE_AFTER, SYSTEM_DIR, Sidecar, Terms, user_dir};

/// Databases from MaxMind; `{NAME}` stands for the edition.
pub const MAXMIND_URL: &str =
    "https://download.maxmind.com/geoip/databases/{NAME}/download?suffix=tar.gz";
/// Databases from IPinfo; `{NAME}` stands for the database.
pub const IPINFO_URL: &str = "https://ipinfo.io/data/{NAME}.mmdb";

/// What an update is asked to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where databases are installed (`--dir`).
    pub dir: PathBuf,
    /// The `geoip.conf` somebody named (`--geoip-conf`); an error if missing.
    pub conf: Option<PathBuf>,
    /// Where a `geoip.conf` may be; the first that exists is read, and the one
    /// compiled in if none does.
    pub conf_search: Vec<PathBuf>,
    /// Install this local file instead of asking mirrors (`--from`).
    pub from: Option<PathBuf>,
    /// Accept an older or much smaller database (`--force`).
    pub force: bool,
    /// The user's own accounts.
    pub credentials: Credentials,
    /// See [`MAXMIND_URL`].
    pub maxmind_url: String,
    /// See [`IPINFO_URL`].
    pub ipinfo_url: String,
    /// The present.
    pub now: SystemTime,
}

impl Settings {
    /// The usual settings: root installs for the system, others for themselves.
    /// `env` reads an environment variable. `None` if the user has no home
    /// directory; then `--dir` must say where.
    pub fn usual(
        is_root: bool,
        env: &dyn Fn(&str) -> Option<OsString>,
        now: SystemTime,
    ) -> Option<Self> {
        let dir = if is_root {
            SYSTEM_DIR.into()
        } else {
            user_dir(env)?
        };
        let config = |name: &str| env(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
        let of_user = config("XDG_CONFIG_HOME").or_else(|| Some(config("HOME")?.join(".config")));
        Some(Self {
            conf_search: of_user
                .into_iter()
                .chain([PathBuf::from("/etc")])
                .map(|dir| dir.join("flowtop/geoip.conf"))
                .collect(),
            credentials: Credentials::find(env, Path::new(GEOIP_CONF)),
            ..Self::bare(dir, now)
        })
    }

    /// Settings for `dir` that look nowhere else: no configuration file, no
    /// account.
    pub fn bare(dir: PathBuf, now: SystemTime) -> Self {
        Self {
            dir,
            conf: None,
            conf_search: Vec::new(),
            from: None,
            force: false,
            credentials: Credentials::none(),
            maxmind_url: MAXMIND_URL.into(),
            ipinfo_url: IPINFO_URL.into(),
            now,
        }
    }

    /// The current month, in UTC.
    fn month(&self) -> Month {
        let time = jiff::Timestamp::try_from(self.now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        Month {
            year: date.year(),
            month: date.month(),
        }
    }
}

/// Why nothing was tried. The exit code is 1.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// The target directory cannot be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// The named `geoip.conf` cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Conf {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// `geoip.conf` asks for no database.
    #[error("{conf} asks for no database: write a line such as `country https://...`")]
    NothingAsked {
        /// The file, or what stands for it.
        conf: String,
    },
    /// Somebody asked to stop; nothing partial is left.
    #[error("the update was interrupted; databases not yet finished are unchanged")]
    Cancelled,
}

/// Updates every database that `geoip.conf` asks for, or installs the local
/// file. See the module's documentation for the steps.
pub fn update(settings: &Settings, progress: &mut dyn Progress) -> Result<Report, UpdateError> {
    if let Some(path) = &settings.from {
        let target = Target::claim(&settings.dir)?;
        let item = install_local(settings, &target, path, progress)?;
        progress.event(&Event::Finished(&item));
        return Ok(Report {
            items: vec![item],
            warnings: Vec::new(),
        });
    }
    let (jobs, warnings) = job::plan(settings)?;
    let target = Target::claim(&settings.dir)?;
    let mut report = Report {
        items: Vec::new(),
        warnings,
    };
    let client = fetch::Client::new();
    for job in &jobs {
        let run = Run {
            settings,
            target: &target,
            client: &client,
            job,
        };
        let item = run.item(progress)?;
        progress.event(&Event::Finished(&item));
        report.items.push(item);
    }
    Ok(report)
}

/// How old the databases are that `geoip.conf` asks for; fetches and writes
/// nothing.
pub fn check(settings: &Settings) -> Result<CheckReport, UpdateError> {
    let (jobs, warnings) = job::plan(settings)?;
    let ages = jobs
        .into_iter()
        .map(|job| {
            let path = settings.dir.join(&job.file);
            let built = built(&path);
            let age = built.as_ref().map_or(Duration::ZERO, |&built| {
                settings.now.duration_since(built).unwrap_or_default()
            });
            Age {
                name: job.name,
                path,
                stale: built.is_err() || age >= STALE_AFTER,
                built,
                age,
            }
        })
        .collect();
    Ok(CheckReport { ages, warnings })
}

fn built(path: &Path) -> Result<SystemTime, String> {
    if !path.exists() {
        return Err("not installed; `flowtop update` fetches it".into());
    }
    let metadata = read_metadata(path)?;
    metadata.build_time().map_err(|error| error.to_string())
}

/// `--from FILE`.
fn install_local(
    settings: &Settings,
    target: &Target,
    path: &Path,
    progress: &mut dyn Progress,
) -> Result<Item, UpdateError> {
    let shown = path.display().to_string();
    let failed = |name: &str, file: &str, reason: String| Item {
        name: name.to_owned(),
        path: target.path(file),
        outcome: Outcome::Failed,
        attempts: vec![Attempt {
            from: shown.clone(),
            reason,
        }],
    };
    let local = "local file";
    progress.event(&Event::Asking {
        name: local,
        from: &shown,
    });
    let received = open_local(path).and_then(|(file, total)| {
        let mut temporary = target.create("local").map_err(|error| error.to_string())?;
        let unpacked = receive(file, total, local, &mut temporary, progress)?;
        Ok((temporary, unpacked))
    });
    if progress.is_cancelled() {
        return Err(UpdateError::Cancelled);
    }
    let checked = received.and_then(|(temporary, unpacked)| {
        let checked = verify_file(temporary.path(), local, None, progress)?;
        Ok((temporary, unpacked, checked))
    });
    let (temporary, unpacked, checked) = match checked {
        Ok(parts) => parts,
        Err(reason) => return Ok(failed(local, "", reason)),
    };
    let file = checked.file_name();
    let name = file.trim_end_matches(".mmdb");
    let given = path.file_name().unwrap_or_default().to_string_lossy();
    let terms = Terms::of(&[&given, &checked.database_type]);
    let sidecar = Sidecar {
        licence: terms.map(|terms| terms.licence.into()),
        attribution: terms.and_then(|terms| terms.attribution).map(Into::into),
        ..Sidecar::default()
    };
    let arrival = Arrival {
        temporary,
        unpacked,
        checked,
        name,
        file: &file,
        from: shown.clone(),
        sidecar,
    };
    Ok(match admit(settings, target, arrival, progress) {
        Ok(outcome) => Item {
            name: name.to_owned(),
            path: target.path(&file),
            outcome,
            attempts: Vec::new(),
        },
        Err(reason) => failed(name, &file, reason),
    })
}

fn open_local(path: &Path) -> Result<(File, Option<u64>), String> {
    let open = || {
        // Asked before opening: opening a FIFO would wait for a writer.
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok((File::open(path)?, Some(metadata.len())))
    };
    open().map_err(|error| format!("cannot read it: {error}"))
}

/// Step 3: unpacks what comes into `temporary`.
fn receive(
    input: impl Read,
    total: Option<u64>,
    name: &str,
    temporary: &mut Temporary,
    progress: &mut dyn Progress,
) -> Result<Unpacked, String> {
    let watched = Watched {
        input,
        name,
        bytes: 0,
        total,
        progress,
    };
    let mut output = io::BufWriter::new(temporary);
    let unpacked = unpack::copy_database(watched, &mut output, unpack::LIMIT);
    let unpacked = unpacked.and_then(|unpacked| output.flush().map(|()| unpacked));
    unpacked.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => error.to_string(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("cannot write it: {error}")
        }
        _ => format!("it broke off: {error}"),
    })
}

/// Step 4: walks the file.
fn verify_file(
    path: &Path,
    name: &str,
    kind: Option<Kind>,
    progress: &mut dyn Progress,
) -> Result<Checked, String> {
    progress.event(&Event::Verifying { name });
    let checked = verify::check(path, unpack::LIMIT).map_err(|error| error.to_string())?;
    checked.serves(kind).map_err(|error| error.to_string())?;
    Ok(checked)
}

/// A reader that tells how far it is and can be stopped.
struct Watched<'a, R> {
    input: R,
    name: &'a str,
    bytes: u64,
    total: Option<u64>,
    progress: &'a mut dyn Progress,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.is_cancelled() {
            return Err(io::Error::other("interrupted"));
        }
        let read = self.input.read(buffer)?;
        self.bytes += read as u64;
        self.progress.event(&Event::Received {
            name: self.name,
            bytes: self.bytes,
            total: self.total,
        });
        Ok(read)
    }
}

/// The update of one database.
struct Run<'a> {
    settings: &'a Settings,
    target: &'a Target,
    client: &'a fetch::Client,
    job: &'a Job,
}

/// How one address fared.
enum Try {
    Done(Outcome),
    Failed {
        reason: String,
        /// The address of the month before may do.
        missing: bool,
    },
}

impl Run<'_> {
    /// Steps 2 to 6 for each mirror until one is enough.
    fn item(&self, progress: &mut dyn Progress) -> Result<Item, UpdateError> {
        let mut item = Item {
            name: self.job.name.clone(),
            path: self.target.path(&self.job.file),
            outcome: Outcome::Failed,
            attempts: Vec::new(),
        };
        let mirrors = match &self.job.mirrors {
            Ok(mirrors) => mirrors,
            Err(unable) => {
                item.attempts.push(unable.clone());
                return Ok(item);
            }
        };
        for mirror in mirrors {
            for url in mirror {
                if progress.is_cancelled() {
                    return Err(UpdateError::Cancelled);
                }
                match self.try_url(url, progress) {
                    Try::Done(outcome) => {
                        item.outcome = outcome;
                        return Ok(item);
                    }
                    Try::Failed { reason, missing } => {
                        item.attempts.push(Attempt {
                            from: url.to_string(),
                            reason,
                        });
                        if !missing {
                            break;
                        }
                    }
                }
            }
        }
        if progress.is_cancelled() {
            return Err(UpdateError::Cancelled);
        }
        Ok(item)
    }

    fn try_url(&self, url: &Url, progress: &mut dyn Progress) -> Try {
        let from = url.to_string();
        let name = &self.job.name;
        progress.event(&Event::Asking { name, from: &from });
        let installed = Installed::look(&self.target.path(&self.job.file));
        let validators = installed
            .as_ref()
            .map(|installed| installed.validators(&from))
            .unwrap_or_default();
        let request = fetch::Request {
            url,
            account: self.job.account.as_ref(),
            validators: &validators,
            head_first: self.job.account.is_some(),
        };
        match (self.client.fetch(&request), installed) {
            (Ok(fetch::Fetched::NotModified), Some(installed)) => {
                let sidecar = Sidecar {
                    fetched_at: Some(report::epoch_of(self.settings.now)),
                    ..installed.sidecar
                };
                let text = format!("{:#}\n", sidecar.to_json());
                // Only the time of the last look would be lost.
                let _ = self
                    .target
                    .write(&format!("{}.json", self.job.file), text.as_bytes());
                Try::Done(Outcome::Current {
                    from,
                    build_epoch: installed.build_epoch,
                })
            }
            (Ok(fetch::Fetched::NotModified), None) => Try::Failed {
                reason: "the server says \"not modified\" though nothing is installed".into(),
                missing: false,
            },
            (
                Ok(fetch::Fetched::File {
                    validators,
                    length,
                    body,
                }),
                _,
            ) => match self.take(&from, validators, length, body, progress) {
                Ok(outcome) => Try::Done(outcome),
                Err(reason) => Try::Failed {
                    reason,
                    missing: false,
                },
            },
            (Err(fetch::Failure { reason, missing }), _) => Try::Failed { reason, missing },
        }
    }

    /// Steps 3 to 6 for a file that a mirror sends.
    fn take(
        &self,
        from: &str,
        validators: fetch::Validators,
        length: Option<u64>,
        body: Box<dyn Read>,
        progress: &mut dyn Progress,
    ) -> Result<Outcome, String> {
        let Job {
            name, file, kind, ..
        } = self.job;
        let mut temporary = self
            .target
            .create(file)
            .map_err(|error| format!("cannot write it: {error}"))?;
        let unpacked = receive(body, length, name, &mut temporary, progress)?;
        let checked = verify_file(temporary.path(), name, *kind, progress)?;
        let arrival = Arrival {
            temporary,
            unpacked,
            checked,
            name,
            file,
            from: from.to_owned(),
            sidecar: Sidecar {
                url: Some(from.to_owned()),
                etag: validators.etag,
                last_modified: validators.last_modified,
                ..Sidecar::default()
            },
        };
        admit(self.settings, self.target, arrival, progress)
    }
}
