//! One open database: its reader, what it gives, and where it came from.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use maxminddb::{MaxMindDbError, Reader, WithinOptions};

use super::record::{PlaceOnly, Record};
use super::sidecar::{Sidecar, Terms};

/// From this age on a database is stale: networks change hands all the time.
pub const STALE_AFTER: Duration = Duration::from_secs(45 * 24 * 3600);

/// The largest database that is read, in bytes. The largest known one (city,
/// worldwide, paid) stays below; a mistaken file does not take all memory.
pub(crate) const MAX_BYTES: u64 = 1 << 30;

/// How many records tell what a database gives.
const SAMPLE: usize = 2_000;

/// The kinds of answers a database has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gives {
    /// Country codes.
    pub country: bool,
    /// City names.
    pub city: bool,
    /// Autonomous system numbers.
    pub asn: bool,
}

impl Gives {
    /// Adds what `record` holds.
    pub(crate) fn add(&mut self, record: &Record<'_>) {
        self.country |= record.country.is_some();
        self.city |= record.city.is_some();
        self.asn |= record.asn.is_some();
    }

    /// Whether there is any answer.
    pub fn any(self) -> bool {
        self.country || self.city || self.asn
    }
}

impl fmt::Display for Gives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (self.country, "country"),
            (self.city, "city"),
            (self.asn, "network"),
        ];
        let given: Vec<&str> = words
            .iter()
            .filter_map(|&(gives, word)| gives.then_some(word))
            .collect();
        f.write_str(&given.join(", "))
    }
}

/// A database in use, as an about box shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file; absent for the database inside the program.
    pub path: Option<PathBuf>,
    /// The type its metadata names, such as `GeoLite2-City`.
    pub database_type: String,
    /// What it answers.
    pub gives: Gives,
    /// When it was built.
    pub built: SystemTime,
    /// Its licence, where known.
    pub licence: Option<String>,
    /// The sentence its licence asks to be shown.
    pub attribution: Option<String>,
}

impl Source {
    /// How old the data is; zero if the clock is behind.
    pub fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.built).unwrap_or_default()
    }

    /// Whether it is old enough to be updated.
    pub fn is_stale(&self, now: SystemTime) -> bool {
        self.age(now) >= STALE_AFTER
    }

    /// The file's name, or `built in`.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.path {
            Some(path) => path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy(),
            None => Cow::Borrowed("built in"),
        }
    }
}

/// An open database.
pub(crate) struct Database {
    reader: Reader<Cow<'static, [u8]>>,
    pub(crate) source: Source,
}

impl Database {
    /// Opens the file at `path`, read into memory: a mapped file that somebody
    /// rewrites in place would end the program with SIGBUS.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let bytes = read_capped(path, MAX_BYTES)?;
        let mut database = Self::from_bytes(Cow::Owned(bytes))?;
        let sidecar = Sidecar::read(path);
        // The file's name alone: directories called GeoIP2 hold all sorts.
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let from = sidecar.url.as_deref().unwrap_or_default();
        let terms = Terms::of(&[&name, from, &database.source.database_type]);
        let source = &mut database.source;
        source.licence = sidecar.licence.or(terms.map(|t| t.licence.into()));
        source.attribution = sidecar
            .attribution
            .or(terms.and_then(|t| t.attribution).map(Into::into));
        source.path = Some(path.to_owned());
        Ok(database)
    }

    /// The database compiled into the program, read in place.
    #[cfg(feature = "embed-geoip")]
    pub(crate) fn embedded() -> Result<Self, Error> {
        let mut database = Self::from_bytes(Cow::Borrowed(super::EMBEDDED))?;
        database.source.licence = Some("PDDL-1.0".into());
        Ok(database)
    }

    /// Opens a database held in memory and samples what it gives.
    pub(crate) fn from_bytes(bytes: Cow<'static, [u8]>) -> Result<Self, Error> {
        let reader = Reader::from_source(bytes)?;
        let metadata = reader.metadata();
        let mut source = Source {
            path: None,
            database_type: metadata.database_type.clone(),
            gives: Gives::default(),
            built: metadata.build_time()?,
            licence: None,
            attribution: None,
        };
        for network in reader.networks(WithinOptions::default())?.take(SAMPLE) {
            if let Some(record) = network?.decode::<Record<'_>>()? {
                source.gives.add(&record);
            }
        }
        if !source.gives.any() {
            return Err(Error::NothingUseful(source.database_type));
        }
        Ok(Self { reader, source })
    }

    /// What tells two copies of one database: its type and address family.
    pub(crate) fn identity(&self) -> (&str, u16) {
        (
            &self.source.database_type,
            self.reader.metadata().ip_version,
        )
    }

    /// The record for a canonical, global address. `None` if the database has
    /// none, does not cover the family, or is broken at that place.
    pub(crate) fn record(&self, address: IpAddr) -> Option<Record<'_>> {
        if address.is_ipv6() && self.reader.metadata().ip_version == 4 {
            return None;
        }
        let found = self.reader.lookup(address).ok()?;
        if self.source.gives.asn {
            return found.decode().ok()?;
        }
        let PlaceOnly(record) = found.decode().ok()??;
        Some(record)
    }
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("it is {bytes} bytes long, and {limit} are the most that is read")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("it is not a sound MaxMind DB file: {0}")]
    Broken(#[from] MaxMindDbError),
    #[error("no record of it names a country, a city or a network (its type is \"{0}\")")]
    NothingUseful(String),
}

/// The whole of a regular file of at most `limit` bytes.
pub(crate) fn read_capped(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    // Asked before opening: opening a FIFO would wait for a writer.
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("not a regular file").into());
    }
    let file = fs::File::open(path)?;
    let too_large = |bytes| Error::TooLarge { bytes, limit };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    let read = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    if read > limit {
        return Err(too_large(read));
    }
    Ok(bytes)
}
