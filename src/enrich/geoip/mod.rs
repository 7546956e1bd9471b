//! Places: country, city and network of an address, from MaxMind DB files.
//!
//! ```text
//! directories --open--> databases, best first --locate(address)--> Location
//!                       the embedded one last
//! ```
//!
//! A [`GeoIp`] is immutable: whoever owns it asks [`GeoIp::changed`] now and
//! then (a handful of `stat` calls), opens a new one off the thread that
//! matters, and swaps the `Arc`. Nothing here waits, locks or writes.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod address;
mod country;
mod database;
mod intern;
mod record;
mod sidecar;

pub use address::Scope;
pub use country::CountryCode;
pub use database::{Gives, STALE_AFTER, Source};
pub use intern::NamePool;
pub use sidecar::{Sidecar, Terms};

pub(crate) use database::read_capped;
pub(crate) use record::Record;

use database::{Database, Error};

/// The country database inside the program: public domain, see
/// `geoip/README.md`.
#[cfg(feature = "embed-geoip")]
pub const EMBEDDED: &[u8] = include_bytes!("../../../geoip/country.mmdb");

/// What configuration decides about places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `false` switches everything off (`-G`).
    pub enabled: bool,
    /// The directory somebody named (`--geoip-dir`, `FLOWTOP_GEOIP_DIR`): asked
    /// first, and a warning if it is missing or holds nothing.
    pub named_dir: Option<PathBuf>,
    /// Directories that may or may not exist, best first.
    pub dirs: Vec<PathBuf>,
    /// Whether the embedded database answers what no file does.
    pub embedded: bool,
}

impl Settings {
    /// The search order: `named` (from a flag) or `$FLOWTOP_GEOIP_DIR`, then
    /// flowtop's data of this user and of the system, then the places where
    /// others keep databases. `env` reads an environment variable.
    pub fn search(named: Option<PathBuf>, env: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let from_env = || {
            Some(
                env("FLOWTOP_GEOIP_DIR")
                    .filter(|dir| !dir.is_empty())?
                    .into(),
            )
        };
        let system = [
            SYSTEM_DIR,
            "/var/lib/GeoIP",
            "/usr/share/GeoIP",
            "/usr/share/flowtop",
        ];
        Self {
            enabled: true,
            named_dir: named.or_else(from_env),
            dirs: user_dir(env)
                .into_iter()
                .chain(system.map(PathBuf::from))
                .collect(),
            embedded: true,
        }
    }
}

/// Where flowtop keeps what root installs.
pub const SYSTEM_DIR: &str = "/var/lib/flowtop";

/// Where flowtop keeps what an ordinary user installs:
/// `$XDG_DATA_HOME/flowtop`, by default `~/.local/share/flowtop`. The XDG
/// specification asks to ignore a relative path.
pub fn user_dir(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))
        .map(|data| data.join("flowtop"))
}

/// Where an address is and who runs its network. Strings are shared through
/// the [`NamePool`], so that a clone allocates nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    /// ISO 3166-1 code of the country.
    pub country_code: Option<CountryCode>,
    /// City, in English where the database has a choice.
    pub city: Option<Arc<str>>,
    /// Number of the autonomous system (RFC 4271, RFC 6793).
    pub asn: Option<NonZeroU32>,
    /// Organisation behind the autonomous system.
    pub as_org: Option<Arc<str>>,
}

impl Place {
    /// Short English name of the country.
    pub fn country_name(&self) -> Option<&'static str> {
        self.country_code?.name()
    }
}

/// The answer for one address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// A private or reserved address; no database was asked.
    Lan,
    /// A public address that no database knows, or places are switched off.
    Unknown,
    /// A public address, with at least one field known.
    Place(Place),
}

impl Location {
    /// The place, if one is known.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Place(place) => Some(place),
            Self::Lan | Self::Unknown => None,
        }
    }
}

/// A database that could not be used, or a directory without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file or directory.
    pub path: PathBuf,
    /// What is wrong with it and what can be done, without the path.
    pub reason: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GeoIP: {}: {}", self.path.display(), self.reason)
    }
}

/// What tells one content of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    dev: u64,
    inode: u64,
    mtime: (i64, i64),
    bytes: u64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            inode: metadata.ino(),
            mtime: (metadata.mtime(), metadata.mtime_nsec()),
            bytes: metadata.len(),
        }
    }
}

/// A file that may be a database, as the search found it. `stamp` is absent
/// for a dangling link.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// The databases in use, best first.
pub struct GeoIp {
    settings: Settings,
    found: Vec<Candidate>,
    databases: Vec<Database>,
}

impl GeoIp {
    /// Opens every database that `settings` leads to. Reads files of up to
    /// hundreds of megabytes, so call it off the thread that matters. What
    /// cannot be used becomes a warning; there is always a result.
    pub fn open(settings: Settings) -> (Self, Vec<Warning>) {
        let mut geoip = Self {
            settings,
            found: Vec::new(),
            databases: Vec::new(),
        };
        let mut warnings = Vec::new();
        if geoip.settings.enabled {
            geoip.found = search(&geoip.settings, &mut warnings);
            geoip.open_found(&mut warnings);
            geoip.add_embedded(&mut warnings);
        }
        (geoip, warnings)
    }

    /// Opens the files directory by directory. In one directory those that
    /// know cities are asked before those that know countries only, and newer
    /// ones before older. A second copy of a database, further down the search
    /// order, is not kept: it could only answer what the first already has.
    fn open_found(&mut self, warnings: &mut Vec<Warning>) {
        let mut dirs = self
            .found
            .chunk_by(|a, b| a.path.parent() == b.path.parent());
        let mut databases: Vec<Database> = Vec::new();
        for files in &mut dirs {
            let mut opened = Vec::new();
            for Candidate { path, .. } in files {
                match Database::open(path) {
                    Ok(database) => opened.push(database),
                    Err(error) => warnings.extend(self.refusal(path, &error)),
                }
            }
            opened.retain(|new| databases.iter().all(|old| old.identity() != new.identity()));
            opened.sort_by_key(|database| {
                let source = &database.source;
                (!source.gives.city, std::cmp::Reverse(source.built))
            });
            databases.append(&mut opened);
        }
        self.databases = databases;
    }

    /// What to say of a file that cannot be used. Nothing of a database of other
    /// things (proxies, carriers) in a directory that others share.
    fn refusal(&self, path: &Path, error: &Error) -> Option<Warning> {
        let named = path.parent() == self.settings.named_dir.as_deref();
        let advice = match error {
            Error::NothingUseful(_) if named => "",
            Error::NothingUseful(_) => return None,
            _ => "; `flowtop update` fetches a sound one, or remove the file",
        };
        Some(Warning {
            path: path.to_owned(),
            reason: format!("not used: {error}{advice}"),
        })
    }

    #[cfg(feature = "embed-geoip")]
    fn add_embedded(&mut self, warnings: &mut Vec<Warning>) {
        if !self.settings.embedded {
            return;
        }
        match Database::embedded() {
            Ok(database) => self.databases.push(database),
            Err(error) => warnings.push(Warning {
                path: "geoip/country.mmdb".into(),
                reason: format!("the database this program was built with is not used: {error}"),
            }),
        }
    }

    #[cfg(not(feature = "embed-geoip"))]
    #[expect(clippy::unused_self, reason = "the shape of its counterpart")]
    fn add_embedded(&self, _: &mut Vec<Warning>) {}

    /// Where `address` is. Asks each database that can still add something:
    ///
    /// 1. An address that carries another is reduced to it; a private or
    ///    reserved one is [`Location::Lan`] and goes no further.
    /// 2. The first database that names a country decides it. A city comes
    ///    from the first that has one for the same country, so that no place
    ///    is patched together from two opinions.
    /// 3. The first that names an autonomous system decides it; its
    ///    organisation comes from the first that names the same system.
    pub fn locate(&self, address: IpAddr, names: &mut NamePool) -> Location {
        if !self.settings.enabled {
            return Location::Unknown;
        }
        let address = match Scope::of(address) {
            Scope::Lan => return Location::Lan,
            Scope::Global(address) => address,
        };
        let known = self.merged(address, |_| {});
        if !known.is_useful() {
            return Location::Unknown;
        }
        Location::Place(Place {
            country_code: known.country,
            city: known.city.map(|name| names.share(name)),
            asn: known.asn,
            as_org: known.as_org.map(|name| names.share(name)),
        })
    }

    /// Whether it is to answer at all.
    pub const fn is_enabled(&self) -> bool {
        self.settings.enabled
    }

    /// The databases that what [`GeoIp::locate`] says of an address comes
    /// from, in the order in which they were asked.
    pub fn sources_of(&self, address: IpAddr) -> Vec<&Source> {
        let mut told = Vec::new();
        if let (true, Scope::Global(address)) = (self.settings.enabled, Scope::of(address)) {
            self.merged(address, |source| told.push(source));
        }
        told
    }

    /// `told` hears of every database that had something to say.
    fn merged<'a>(&'a self, address: IpAddr, mut told: impl FnMut(&'a Source)) -> Record<'a> {
        let mut known = Record::default();
        for database in &self.databases {
            let gives = database.source.gives;
            let adds = (gives.country && known.country.is_none())
                || (gives.city && known.city.is_none())
                || (gives.asn && (known.asn.is_none() || known.as_org.is_none()));
            if !adds {
                continue;
            }
            let Some(record) = database.record(address) else {
                continue;
            };
            let before = known;
            if known.country.is_none() {
                known.country = record.country;
            }
            if known.city.is_none() && (record.country.is_none() || record.country == known.country)
            {
                known.city = record.city;
            }
            if known.asn.is_none() {
                known.asn = record.asn;
            }
            if known.as_org.is_none() && record.asn == known.asn {
                known.as_org = record.as_org;
            }
            if known != before {
                told(&database.source);
            }
        }
        known
    }

    /// Whether the files differ from those that were opened: replaced, added
    /// or removed. Costs a directory listing and a `stat` per file.
    pub fn changed(&self) -> bool {
        self.settings.enabled && search(&self.settings, &mut Vec::new()) != self.found
    }

    /// The databases in use, in the order in which they are asked.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.databases.iter().map(|database| &database.source)
    }

    /// The settings it was opened with; open a fresh one with a clone of them.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl fmt::Debug for GeoIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeoIp")
            .field("settings", &self.settings)
            .field("sources", &self.sources().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The files that may be databases: every `*.mmdb`, directory by directory,
/// by name within one. A file that two directories lead to (links are common
/// below `/usr/share/GeoIP`) counts once.
fn search(settings: &Settings, warnings: &mut Vec<Warning>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let named = settings.named_dir.iter().map(|dir| (dir, true));
    let usual = settings.dirs.iter().map(|dir| (dir, false));
    for (dir, must_exist) in named.chain(usual) {
        let mut warn = |reason: String| {
            warnings.push(Warning {
                path: dir.clone(),
                reason,
            });
        };
        match databases_in(dir) {
            Ok(files) if files.is_empty() && must_exist => {
                warn("the directory holds no file *.mmdb".into());
            }
            Ok(files) => {
                for file in files {
                    let seen = |old: &Candidate| old.stamp.is_some() && old.stamp == file.stamp;
                    if !found.iter().any(seen) {
                        found.push(file);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {}
            Err(error) => warn(format!("the directory cannot be read: {error}")),
        }
    }
    found
}

fn databases_in(dir: &Path) -> io::Result<Vec<Candidate>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || path.extension().is_none_or(|extension| extension != "mmdb") {
            continue;
        }
        let stamp = fs::metadata(&path).ok().map(|m| Stamp::of(&m));
        files.push(Candidate { path, stamp });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
