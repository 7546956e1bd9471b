//! The embedded country database is sound, is the one `geoip/SOURCE.json`
//! describes, and answers.
//!
//! `UPDATE=1` rewrites the figures in `SOURCE.json` after the file was
//! refreshed, see `geoip/README.md`.
#![cfg(feature = "embed-geoip")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::time::{Duration, SystemTime};

use flowtop::enrich::geoip::{CountryCode, EMBEDDED, GeoIp, NamePool, Settings};
use maxminddb::{Reader, WithinOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/geoip/SOURCE.json");

#[test]
fn source_json_describes_the_embedded_file() {
    let reader = Reader::from_source(EMBEDDED).unwrap();
    let metadata = reader.metadata();
    let digest = Sha256::digest(EMBEDDED);
    let sha256 = digest
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let figures = [
        ("build_epoch", json!(metadata.build_epoch)),
        ("database_type", json!(metadata.database_type)),
        ("node_count", json!(metadata.node_count)),
        ("sha256", json!(sha256)),
    ];
    let mut source: Value = serde_json::from_slice(&fs::read(SOURCE).unwrap()).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        for (key, value) in figures {
            source[key] = value;
        }
        fs::write(SOURCE, format!("{source:#}\n")).unwrap();
        return;
    }
    for (key, value) in figures {
        assert_eq!(
            source[key], value,
            "{key}; after a refresh run with UPDATE=1"
        );
    }
    assert_eq!(source["licence"], "PDDL-1.0");
}

#[test]
fn every_network_has_a_country_with_a_name() {
    #[derive(Debug)]
    struct Code(String);
    impl<'de> serde::Deserialize<'de> for Code {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let map = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
            Ok(Self(map.get("country_code").cloned().unwrap_or_default()))
        }
    }
    let reader = Reader::from_source(EMBEDDED).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for network in reader.networks(WithinOptions::default()).unwrap() {
        let network = network.unwrap();
        let offset = network.offset().unwrap();
        seen.entry(offset)
            .or_insert_with(|| network.decode::<Code>().unwrap().unwrap().0);
    }
    assert!(seen.len() > 200, "{} countries", seen.len());
    for code in seen.values() {
        let parsed = CountryCode::parse(code);
        assert!(
            parsed.and_then(CountryCode::name).is_some(),
            "{code:?} has no name"
        );
    }
}

#[test]
fn first_start_tells_countries_without_any_file() {
    let (geoip, warnings) = GeoIp::open(Settings {
        enabled: true,
        named_dir: None,
        dirs: Vec::new(),
        embedded: true,
    });
    assert_eq!(warnings, []);
    let mut names = NamePool::new();
    // Networks of registries, root servers and universities: they do not move.
    for (address, code) in [
        ("193.0.6.139", "NL"),
        ("2001:67c:2e8:22::c100:68b", "NL"),
        ("8.8.8.8", "US"),
        ("2001:4860:4860::8888", "US"),
        ("::ffff:8.8.8.8", "US"),
        ("64:ff9b::8.8.8.8", "US"),
        ("129.132.19.216", "CH"),
        ("130.149.7.201", "DE"),
        ("133.11.0.1", "JP"),
        ("200.160.2.3", "BR"),
        ("196.216.2.6", "MU"),
        ("203.119.102.240", "AU"),
        ("193.51.208.13", "FR"),
    ] {
        let location = geoip.locate(address.parse().unwrap(), &mut names);
        let found = location.place().and_then(|place| place.country_code);
        assert_eq!(
            found.map(|c| c.to_string()).as_deref(),
            Some(code),
            "{address}"
        );
    }
    let source = geoip.sources().next().unwrap();
    assert_eq!((source.name().as_ref(), &source.path), ("built in", &None));
    assert_eq!(source.licence.as_deref(), Some("PDDL-1.0"));
    let year_2025 = SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600);
    assert!(source.built > year_2025);
}

#[test]
fn a_file_on_disk_is_asked_before_the_embedded_one() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/maxmind");
    let (geoip, _) = GeoIp::open(Settings {
        enabled: true,
        named_dir: Some(dir.into()),
        dirs: Vec::new(),
        embedded: true,
    });
    let mut names = NamePool::new();
    let city = |address: &str, names: &mut NamePool| {
        let location = geoip.locate(address.parse().unwrap(), names);
        let place = location.place().cloned().unwrap_or_default();
        (
            place.country_name(),
            place.city.map(|city| city.to_string()),
        )
    };
    assert_eq!(
        city("89.160.20.128", &mut names),
        (Some("Sweden"), Some("Linköping".into()))
    );
    // Not in the test file: the embedded one answers.
    assert_eq!(
        city("129.132.19.216", &mut names),
        (Some("Switzerland"), None)
    );
}
