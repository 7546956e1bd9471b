//! Small databases of every layout, written by the tests that read them.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use mmdb_writer::{IpVersion, Ipv4Aliasing, Value, Writer};

/// A day in June 2026, in seconds since 1970.
pub(crate) const BUILT: u64 = 1_781_726_061;

/// A directory that goes away with its owner.
pub(crate) struct Dir(PathBuf);

impl Dir {
    /// A fresh directory whose name tells the test.
    pub(crate) fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("flowtop-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A moment, in seconds since 1970.
pub(crate) fn at(epoch: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(epoch)
}

/// A map of texts.
pub(crate) fn texts(pairs: &[(&str, &str)]) -> Value {
    Value::map(pairs.iter().copied())
}

/// A database: its type, address family, build time, and a record per network.
/// Without languages and description, as many free ones are.
pub(crate) fn database(
    database_type: &str,
    version: IpVersion,
    epoch: u64,
    records: &[(&str, Value)],
) -> Vec<u8> {
    let mut writer = Writer::builder(database_type)
        .ip_version(version)
        .ipv4_aliasing(Ipv4Aliasing::Disabled)
        .languages(Vec::<String>::new())
        .build_epoch(at(epoch))
        .build();
    for (network, record) in records {
        let network: mmdb_writer::ipnet::IpNet = network.parse().unwrap();
        writer.insert_value(network, record.clone()).unwrap();
    }
    writer.to_bytes().unwrap()
}

/// A country database in which `codes[n]` is the country of `n`.0.0.0/8 from
/// 11.0.0.0 on: the more codes, the more nodes.
pub(crate) fn countries(epoch: u64, codes: &[&str]) -> Vec<u8> {
    let networks: Vec<String> = (11..)
        .take(codes.len())
        .map(|n| format!("{n}.0.0.0/8"))
        .collect();
    let records: Vec<(&str, Value)> = networks
        .iter()
        .zip(codes)
        .map(|(network, code)| (network.as_str(), texts(&[("country_code", code)])))
        .collect();
    database("country ipvAll", IpVersion::V6, epoch, &records)
}
