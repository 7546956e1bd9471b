//! Whether a file is a database that can be trusted to answer.
//!
//! Opening is not enough: a file whose first half is zeroes opens. So every
//! network is walked and every record decoded, down to the last name. The
//! checker of the reader's own library is no gate, because it refuses the
//! metadata of databases that are otherwise sound.

use std::fmt;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::conf::Kind;
use crate::enrich::geoip::{Gives, Record, read_capped};

/// What a sound database turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// When it was built, in seconds since 1970.
    pub(super) build_epoch: u64,
    /// Size of its search tree.
    pub(super) node_count: u32,
    /// The type its metadata names.
    pub(super) database_type: String,
    /// What its records hold.
    pub(super) gives: Gives,
    /// Networks with a record, by family.
    pub(super) v4_networks: u64,
    /// See `v4_networks`.
    pub(super) v6_networks: u64,
}

/// The most leaves per inner node. A binary tree has one leaf more than inner
/// nodes; writers that let several prefixes share a subtree have a few more. A
/// hostile graph could have 2^128.
const LEAVES_PER_NODE: u64 = 4;

/// Opens the file at `path`, walks every network and decodes every record.
/// Holds the file in memory, and a bit for each of its bytes.
pub(super) fn check(path: &Path, limit: u64) -> Result<Checked, Error> {
    let bytes = read_capped(path, limit).map_err(|error| Error::Read(error.to_string()))?;
    let reader = Reader::from_source(bytes)?;
    check_reader(&reader)
}

fn check_reader<S: AsRef<[u8]>>(reader: &Reader<S>) -> Result<Checked, Error> {
    let metadata = reader.metadata();
    let mut checked = Checked {
        build_epoch: metadata.build_epoch,
        node_count: metadata.node_count,
        database_type: metadata.database_type.clone(),
        gives: Gives::default(),
        v4_networks: 0,
        v6_networks: 0,
    };
    metadata.build_time()?;
    let most = (u64::from(metadata.node_count) + 1) * LEAVES_PER_NODE;
    let mut leaves = 0;
    let mut seen = Bits::default();
    let options = WithinOptions::default().include_networks_without_data();
    for network in reader.networks(options)? {
        let network = network?;
        leaves += 1;
        if leaves > most {
            return Err(Error::TooManyNetworks);
        }
        let Some(offset) = network.offset() else {
            continue;
        };
        if network.network()?.is_ipv4() {
            checked.v4_networks += 1;
        } else {
            checked.v6_networks += 1;
        }
        if seen.insert(offset) {
            network.decode::<Whole>()?;
            if let Some(record) = network.decode::<Record<'_>>()? {
                checked.gives.add(&record);
            }
        }
    }
    Ok(checked)
}

impl Checked {
    /// Whether it answers what is asked of it: for `kind`, or anything at all.
    pub(super) fn serves(&self, kind: Option<Kind>) -> Result<(), Error> {
        let serves = match kind {
            Some(Kind::Country) => self.gives.country,
            Some(Kind::Asn) => self.gives.asn,
            Some(Kind::City) => self.gives.city,
            None => self.gives.any(),
        };
        let what = match kind {
            Some(Kind::Country) => "country",
            Some(Kind::Asn) => "network number",
            Some(Kind::City) => "city",
            None => "country, city or network number",
        };
        if serves {
            Ok(())
        } else {
            Err(Error::NothingUseful(what))
        }
    }

    /// The file name under which a database is installed whose kind nobody
    /// named: that of its edition, or of what it answers.
    pub(super) fn file_name(&self) -> String {
        let edition = |text: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed)
        };
        let of_maxmind = ["GeoLite2-", "GeoIP2-"]
            .iter()
            .any(|prefix| self.database_type.starts_with(prefix));
        if of_maxmind && edition(&self.database_type) {
            return format!("{}.mmdb", self.database_type);
        }
        if self.database_type.starts_with("ipinfo ") {
            return "ipinfo_lite.mmdb".into();
        }
        let stem = if self.gives.city {
            Kind::City
        } else if self.gives.country {
            Kind::Country
        } else {
            Kind::Asn
        };
        // Some makers split a database in two; both halves are wanted.
        let family = match (self.v4_networks, self.v6_networks) {
            (_, 0) => "-ipv4",
            (0, _) => "-ipv6",
            _ => "",
        };
        format!("{stem}{family}.mmdb")
    }
}

/// Why a file is refused. `--force` does not override any of these.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0}")]
    Read(String),
    #[error("it is not a sound MaxMind DB file: {0}")]
    Broken(#[from] MaxMindDbError),
    #[error("it is not a sound MaxMind DB file: its search tree has more networks than nodes")]
    TooManyNetworks,
    #[error("it is a sound MaxMind DB file, but none of its records names a {0}")]
    NothingUseful(&'static str),
}

/// A set of small numbers, one bit each: offsets of records already seen.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Adds `number`; whether it was new.
    fn insert(&mut self, number: usize) -> bool {
        let (word, bit) = (number / 64, 1u64 << (number % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}

/// The deepest nesting of maps and lists; the layouts of the field need four.
/// A corrupt file may nest without end, and the stack has one.
const MAX_DEPTH: u8 = 16;

/// A whole record, read to its last leaf and thrown away. Unlike `IgnoredAny`
/// it follows the pointers inside.
struct Whole;

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WholeSeed { left: MAX_DEPTH }.deserialize(deserializer)
    }
}

/// Reads a value that may nest `left` levels more.
#[derive(Clone, Copy)]
struct WholeSeed {
    left: u8,
}

impl WholeSeed {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        let left = self.left.checked_sub(1);
        left.map(|left| Self { left })
            .ok_or_else(|| E::custom(format!("a record nests deeper than {MAX_DEPTH} levels")))
    }
}

impl<'de> DeserializeSeed<'de> for WholeSeed {
    type Value = Whole;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Whole, D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! leaf {
    ($($name:ident: $kind:ty),*) => {
        $(fn $name<E>(self, _: $kind) -> Result<Whole, E> {
            Ok(Whole)
        })*
    };
}

impl<'de> Visitor<'de> for WholeSeed {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    leaf!(
        visit_bool: bool, visit_str: &str, visit_bytes: &[u8],
        visit_i32: i32, visit_u16: u16, visit_u32: u32, visit_u64: u64,
        visit_u128: u128, visit_f32: f32, visit_f64: f64
    );

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Whole, A::Error> {
        let inside = self.inside()?;
        while map.next_entry_seed(inside, inside)?.is_some() {}
        Ok(Whole)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Whole, A::Error> {
        let inside = self.inside()?;
        while list.next_element_seed(inside)?.is_some() {}
        Ok(Whole)
    }
}
