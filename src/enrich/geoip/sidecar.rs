//! What flowtop remembers about a database it installed, and what the licences
//! of databases ask to be shown.
//!
//! Beside `country.mmdb` lies `country.mmdb.json`, written by `flowtop update`:
//! where the file came from (for conditional requests), its checksum (so that a
//! file somebody replaced by hand is noticed), its licence and attribution.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The contents of a sidecar file. Every field may be absent: a sidecar is a
/// help, and nothing fails without it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sidecar {
    /// Where the database came from, without secrets.
    pub url: Option<String>,
    /// The server's `ETag`, verbatim.
    pub etag: Option<String>,
    /// The server's `Last-Modified`, verbatim.
    pub last_modified: Option<String>,
    /// SHA-256 of the database as installed, in lower-case hex.
    pub sha256: Option<String>,
    /// When the database was built, in seconds since 1970.
    pub build_epoch: Option<u64>,
    /// When it was fetched or last found current, in seconds since 1970.
    pub fetched_at: Option<u64>,
    /// The licence, by its SPDX identifier where there is one.
    pub licence: Option<String>,
    /// The sentence the licence asks to be shown.
    pub attribution: Option<String>,
}

impl Sidecar {
    /// The sidecar's path: that of the database with `.json` appended.
    pub fn path_of(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push(".json");
        path.into()
    }

    /// The sidecar of `database`; empty if it is missing or cannot be read.
    pub fn read(database: &Path) -> Self {
        let read = || {
            let text = fs::read(Self::path_of(database)).ok()?;
            serde_json::from_slice(&text).ok()
        };
        read().map_or_else(Self::default, |value| Self::from_json(&value))
    }

    fn from_json(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let number = |key: &str| value[key].as_u64();
        Self {
            url: text("url"),
            etag: text("etag"),
            last_modified: text("last_modified"),
            sha256: text("sha256"),
            build_epoch: number("build_epoch"),
            fetched_at: number("fetched_at"),
            licence: text("licence"),
            attribution: text("attribution"),
        }
    }

    /// The sidecar as a JSON object; absent fields are `null`.
    pub fn to_json(&self) -> Value {
        json!({
            "url": self.url,
            "etag": self.etag,
            "last_modified": self.last_modified,
            "sha256": self.sha256,
            "build_epoch": self.build_epoch,
            "fetched_at": self.fetched_at,
            "licence": self.licence,
            "attribution": self.attribution,
        })
    }
}

/// A database's licence, and the sentence it asks to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The licence, by its SPDX identifier where there is one.
    pub licence: &'static str,
    /// The sentence the licence asks to be shown; absent if it asks for none.
    pub attribution: Option<&'static str>,
}

impl Terms {
    /// The terms of the makers flowtop knows, told by what names a database:
    /// its address, its file name and its metadata's type. `None` for others.
    pub fn of(names: &[&str]) -> Option<Self> {
        let names = names.join(" ").to_ascii_lowercase();
        let any = |words: &[&str]| words.iter().any(|word| names.contains(word));
        // The order matters: ip-location-db repackages DB-IP and GeoLite2.
        if any(&["dbip", "db-ip"]) {
            Some(Self {
                licence: "CC-BY-4.0",
                attribution: Some("IP Geolocation by DB-IP (https://db-ip.com)"),
            })
        } else if any(&["geolite", "geoip2", "maxmind"]) {
            Some(Self {
                licence: "GeoLite2 End User License Agreement",
                attribution: Some(
                    "This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com",
                ),
            })
        } else if any(&["ipinfo"]) {
            Some(Self {
                licence: "CC-BY-SA-4.0",
                attribution: Some("IP address data powered by IPinfo (https://ipinfo.io)"),
            })
        } else if any(&["user-country", "origin-asn", "iptoasn"]) {
            Some(Self {
                licence: "PDDL-1.0",
                attribution: None,
            })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_every_field() {
        let sidecar = Sidecar {
            url: Some("https://mirror.example/country.mmdb".into()),
            etag: Some("\"abc\"".into()),
            last_modified: Some("Wed, 17 Jun 2026 19:54:21 GMT".into()),
            sha256: Some("00ff".into()),
            build_epoch: Some(1_781_726_061),
            fetched_at: Some(1_781_800_000),
            licence: Some("CC-BY-4.0".into()),
            attribution: Some("IP Geolocation by DB-IP".into()),
        };
        assert_eq!(Sidecar::from_json(&sidecar.to_json()), sidecar);
        assert_eq!(
            Sidecar::from_json(&Value::from("rubbish")),
            Sidecar::default()
        );
    }

    #[test]
    fn terms_follow_the_maker_not_the_packer() {
        let licence = |names: &[&str]| Terms::of(names).map(|terms| terms.licence);
        let base = "https://github.com/sapics/ip-location-db/releases/download/latest/";
        let user = format!("{base}user-country.mmdb");
        let dbip = format!("{base}dbip-city-ipv4.mmdb");
        assert_eq!(licence(&[&user, "country ipvAll"]), Some("PDDL-1.0"));
        assert_eq!(licence(&[&dbip, "city ipv4"]), Some("CC-BY-4.0"));
        assert!(licence(&["city.mmdb", "GeoLite2-City"]).is_some_and(|l| l.contains("GeoLite2")));
        assert_eq!(
            licence(&["x.mmdb", "ipinfo ipinfo_lite.mmdb"]),
            Some("CC-BY-SA-4.0")
        );
        assert_eq!(licence(&["country.mmdb", "country ipvAll"]), None);
    }
}
