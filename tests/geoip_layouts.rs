//! Places from databases of every layout: the same address gets the same
//! answer, whoever made the file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod databases;

use std::net::IpAddr;
use std::path::PathBuf;

use databases::{BUILT, Dir, at, countries, database, texts};
use flowtop::enrich::geoip::{GeoIp, Location, NamePool, STALE_AFTER, Settings};
use mmdb_writer::{IpVersion, Value};

const V4: &str = "81.2.69.0/24";
const V6: &str = "2a02:db80::/32";

/// Asked of every layout: as they are, and wrapped in other addresses.
const ADDRESSES: [&str; 5] = [
    "81.2.69.142",
    "::ffff:81.2.69.142",
    "64:ff9b::81.2.69.142",
    "2002:5102:458e::1",
    "2a02:db80::1",
];

fn settings(dirs: &[&Dir]) -> Settings {
    Settings {
        enabled: true,
        named_dir: None,
        dirs: dirs.iter().map(|dir| dir.path().to_owned()).collect(),
        embedded: false,
    }
}

/// Opens databases and expects no complaint.
fn open(dirs: &[&Dir]) -> GeoIp {
    let (geoip, warnings) = GeoIp::open(settings(dirs));
    assert_eq!(warnings, []);
    geoip
}

fn locate(geoip: &GeoIp, address: &str) -> Location {
    geoip.locate(address.parse().unwrap(), &mut NamePool::new())
}

/// Code, name, city, AS number and organisation in one line; `-` for absent.
fn line(geoip: &GeoIp, address: &str) -> String {
    match locate(geoip, address) {
        Location::Lan => "lan".into(),
        Location::Unknown => "unknown".into(),
        Location::Place(place) => {
            let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
            [
                or_dash(place.country_code.map(|code| code.to_string())),
                or_dash(place.country_name().map(str::to_owned)),
                or_dash(place.city.as_deref().map(str::to_owned)),
                or_dash(place.asn.map(|asn| asn.to_string())),
                or_dash(place.as_org.as_deref().map(str::to_owned)),
            ]
            .join(" | ")
        }
    }
}

fn nested(pairs: &[(&str, Value)]) -> Value {
    Value::map(pairs.iter().cloned())
}

fn names(english: &str) -> Value {
    texts(&[("de", "anders"), ("en", english), ("fr", "autre")])
}

fn both(record: &Value) -> Vec<(&'static str, Value)> {
    vec![(V4, record.clone()), (V6, record.clone())]
}

fn one_file(database_type: &str, record: &Value) -> Vec<u8> {
    database(database_type, IpVersion::V6, BUILT, &both(record))
}

/// A layout's name and its files.
type Layout = (&'static str, Vec<(&'static str, Vec<u8>)>);

fn maxmind_like() -> Vec<Layout> {
    let british = nested(&[
        ("geoname_id", 2_635_167_u32.into()),
        ("iso_code", "GB".into()),
        ("names", names("United Kingdom of Somewhere")),
    ]);
    let city = nested(&[("geoname_id", 1_u32.into()), ("names", names("London"))]);
    let place = nested(&[
        ("city", city.clone()),
        ("country", british.clone()),
        ("location", nested(&[("latitude", Value::Double(51.5))])),
        ("subdivisions", Value::array([british.clone()])),
    ]);
    let registered_only = nested(&[("city", city), ("registered_country", british)]);
    let network = nested(&[
        ("autonomous_system_number", 64_500_u32.into()),
        ("autonomous_system_organization", "Example Net".into()),
    ]);
    let enterprise = match (&place, &network) {
        (Value::Map(place), network) => {
            let mut record = place.clone();
            record.insert("traits".into(), network.clone());
            Value::Map(record)
        }
        _ => unreachable!("both are maps"),
    };
    vec![
        (
            "MaxMind",
            vec![
                ("GeoLite2-City.mmdb", one_file("GeoLite2-City", &place)),
                ("GeoLite2-ASN.mmdb", one_file("GeoLite2-ASN", &network)),
            ],
        ),
        (
            "MaxMind, registered country only",
            vec![
                (
                    "GeoLite2-City.mmdb",
                    one_file("GeoLite2-City", &registered_only),
                ),
                ("GeoLite2-ASN.mmdb", one_file("GeoLite2-ASN", &network)),
            ],
        ),
        (
            "MaxMind Enterprise",
            vec![(
                "GeoIP2-Enterprise.mmdb",
                one_file("GeoIP2-Enterprise", &enterprise),
            )],
        ),
        (
            "DB-IP",
            vec![
                (
                    "dbip-city-lite-2026-06.mmdb",
                    one_file("DBIP-City-Lite", &place),
                ),
                (
                    "dbip-asn-lite-2026-06.mmdb",
                    one_file("DBIP-ASN-Lite (compat=GeoLite2-ASN)", &network),
                ),
            ],
        ),
    ]
}

fn ip_location_db() -> Layout {
    let city = texts(&[
        ("city", "London"),
        ("country_code", "GB"),
        ("postcode", ""),
        ("state1", "England"),
        ("timezone", ""),
    ]);
    let blank = texts(&[("city", ""), ("country_code", "gb"), ("state1", "")]);
    let network = nested(&[
        ("autonomous_system_number", 64_500_u32.into()),
        ("autonomous_system_organization", "Example Net".into()),
    ]);
    let half = |kind: &str, version, network: &'static str, record: &Value| {
        database(kind, version, BUILT, &[(network, record.clone())])
    };
    (
        "ip-location-db, split by family",
        vec![
            (
                "a-city-ipv4.mmdb",
                half("city ipv4", IpVersion::V4, V4, &city),
            ),
            (
                "b-city-ipv6.mmdb",
                half("city ipv6", IpVersion::V6, V6, &city),
            ),
            // Empty texts are absent, not a city called nothing.
            (
                "c-country.mmdb",
                half("country ipvAll", IpVersion::V6, V4, &blank),
            ),
            (
                "asn-ipv4.mmdb",
                half("asn ipv4", IpVersion::V4, V4, &network),
            ),
            (
                "asn-ipv6.mmdb",
                half("asn ipv6", IpVersion::V6, V6, &network),
            ),
        ],
    )
}

fn ipinfo_like() -> Vec<Layout> {
    let location = texts(&[("city", "London"), ("country", "GB"), ("region", "England")]);
    let lite = texts(&[
        ("as_domain", "example.net"),
        ("as_name", "Example Net"),
        ("asn", "AS64500"),
        ("continent", "Europe"),
        ("country", "Great Britain"),
        ("country_code", "GB"),
    ]);
    let asn = texts(&[
        ("asn", "AS64500"),
        ("domain", "example.net"),
        ("name", "Example Net"),
    ]);
    let legacy = texts(&[
        ("as_name", "Example Net"),
        ("asn", "as64500"),
        ("city", "London"),
        ("country", "GB"),
        ("country_name", "Great Britain"),
    ]);
    let bare = texts(&[
        ("as_name", "Example Net"),
        ("asn", "64500"),
        ("city", "London"),
        ("country", "gb"),
    ]);
    let file = |name: &'static str, kind: &str, record: &Value| (name, one_file(kind, record));
    vec![
        (
            "IPinfo Lite and location",
            vec![
                file("ipinfo_lite.mmdb", "ipinfo ipinfo_lite.mmdb", &lite),
                file("location.mmdb", "ipinfo standard_location.mmdb", &location),
            ],
        ),
        (
            "IPinfo ASN and location",
            vec![
                file("ip_asn.mmdb", "ipinfo ip_asn_sample.mmdb", &asn),
                file("location.mmdb", "ipinfo standard_location.mmdb", &location),
            ],
        ),
        (
            "IPinfo, older",
            vec![file(
                "old.mmdb",
                "ipinfo generic_country_free_country_asn.mmdb",
                &legacy,
            )],
        ),
        (
            "AS number as bare text",
            vec![file("x.mmdb", "custom", &bare)],
        ),
    ]
}

#[test]
fn same_address_same_answer_through_each_layout() {
    let mut layouts = maxmind_like();
    layouts.push(ip_location_db());
    layouts.extend(ipinfo_like());
    for (layout, files) in layouts {
        let dir = Dir::new("layouts");
        for (name, bytes) in &files {
            dir.write(name, bytes);
        }
        let geoip = open(&[&dir]);
        assert_eq!(geoip.sources().count(), files.len(), "{layout}");
        for address in ADDRESSES {
            assert_eq!(
                line(&geoip, address),
                "GB | United Kingdom | London | 64500 | Example Net",
                "{address} through {layout}"
            );
        }
        assert_eq!(line(&geoip, "81.2.70.1"), "unknown", "{layout}");
        assert_eq!(line(&geoip, "2a02:db81::1"), "unknown", "{layout}");
    }
}

#[test]
fn maxmind_test_files_give_their_documented_answers() {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/maxmind"));
    let (geoip, warnings) = GeoIp::open(Settings {
        named_dir: Some(dir),
        ..settings(&[])
    });
    assert_eq!(warnings, []);
    assert_eq!(geoip.sources().count(), 3);
    for (address, expected) in [
        ("81.2.69.160", "GB | United Kingdom | London | - | -"),
        (
            "89.160.20.128",
            "SE | Sweden | Linköping | 29518 | Bredband2 AB",
        ),
        ("1.128.0.1", "- | - | - | 1221 | Telstra Pty Ltd"),
        ("2001:218::1", "JP | Japan | - | - | -"),
    ] {
        assert_eq!(line(&geoip, address), expected, "{address}");
    }
    let source = geoip.sources().next().unwrap();
    assert!(source.attribution.as_ref().unwrap().contains("MaxMind"));
}

#[test]
fn private_addresses_are_lan_whatever_a_database_says() {
    let dir = Dir::new("lan");
    let liar = texts(&[("country_code", "US")]);
    let records = [("0.0.0.0/0", liar.clone()), ("::/0", liar)];
    dir.write(
        "country.mmdb",
        &database("country ipvAll", IpVersion::V6, BUILT, &records),
    );
    let geoip = open(&[&dir]);
    for address in [
        "10.0.0.1",
        "fe80::1",
        "::1",
        "224.0.0.251",
        "::ffff:192.168.1.1",
    ] {
        assert_eq!(locate(&geoip, address), Location::Lan, "{address}");
    }
    assert_eq!(line(&geoip, "9.9.9.9"), "US | United States | - | - | -");
}

#[test]
fn fields_of_unexpected_types_are_absent_and_spoil_nothing() {
    let dir = Dir::new("types");
    let odd = nested(&[
        ("asn", Value::Map([("x".to_owned(), 1_u32.into())].into())),
        ("city", Value::array([Value::from("London")])),
        ("country", Value::Bool(true)),
        ("country_code", Value::from("GB")),
        ("traits", nested(&[("asn", Value::I32(-5))])),
    ]);
    let unknown = texts(&[("asn", "AS0"), ("city", "-"), ("country_code", "ZZ")]);
    let large = nested(&[("asn", Value::U64(4_200_000_000))]);
    let records = [
        ("11.0.0.0/8", odd),
        ("12.0.0.0/8", unknown),
        ("13.0.0.0/8", large),
    ];
    dir.write(
        "x.mmdb",
        &database("custom", IpVersion::V6, BUILT, &records),
    );
    let geoip = open(&[&dir]);
    assert_eq!(line(&geoip, "11.0.0.1"), "GB | United Kingdom | - | - | -");
    assert_eq!(line(&geoip, "12.0.0.1"), "unknown");
    assert_eq!(line(&geoip, "13.0.0.1"), "- | - | - | 4200000000 | -");
}

#[test]
fn directories_are_asked_in_order_and_places_are_not_patched_together() {
    let (first, second) = (Dir::new("order-1"), Dir::new("order-2"));
    first.write("country.mmdb", &countries(BUILT, &["FR", "FR"]));
    let city = |code: &str, name: &str| texts(&[("city", name), ("country_code", code)]);
    let records = [
        ("11.0.0.0/8", city("FR", "Paris")),
        ("12.0.0.0/8", city("DE", "Berlin")),
        ("13.0.0.0/8", city("IT", "Roma")),
    ];
    second.write(
        "city.mmdb",
        &database("city ipvAll", IpVersion::V6, BUILT, &records),
    );
    let geoip = open(&[&first, &second]);
    assert_eq!(line(&geoip, "11.0.0.1"), "FR | France | Paris | - | -");
    // The first says France: a city in Germany is another opinion.
    assert_eq!(line(&geoip, "12.0.0.1"), "FR | France | - | - | -");
    assert_eq!(line(&geoip, "13.0.0.1"), "IT | Italy | Roma | - | -");
    // Those that had a part in the answer are named.
    let told = |address: &str| -> Vec<String> {
        let sources = geoip.sources_of(address.parse().unwrap()).into_iter();
        sources.map(|source| source.name().into_owned()).collect()
    };
    assert_eq!(told("11.0.0.1"), ["country.mmdb", "city.mmdb"]);
    assert_eq!(told("12.0.0.1"), ["country.mmdb"]);
    assert_eq!(told("13.0.0.1"), ["city.mmdb"]);
    assert!(told("14.0.0.1").is_empty() && told("10.0.0.1").is_empty());
    let geoip = open(&[&second, &first]);
    assert_eq!(line(&geoip, "12.0.0.1"), "DE | Germany | Berlin | - | -");
}

#[test]
fn in_one_directory_cities_come_first_and_then_newer_files() {
    let dir = Dir::new("within");
    dir.write("a.mmdb", &countries(BUILT, &["AT"]));
    let mut newer = countries(BUILT + 86_400, &["BE"]);
    dir.write("b.mmdb", &newer);
    let geoip = open(&[&dir]);
    assert_eq!(line(&geoip, "11.0.0.1"), "BE | Belgium | - | - | -");
    let record = texts(&[("city", "Bern"), ("country_code", "CH")]);
    newer = database(
        "city ipv4",
        IpVersion::V4,
        BUILT - 86_400,
        &[("11.0.0.0/8", record)],
    );
    dir.write("c.mmdb", &newer);
    let geoip = open(&[&dir]);
    assert_eq!(line(&geoip, "11.0.0.1"), "CH | Switzerland | Bern | - | -");
}

#[test]
fn a_second_copy_further_down_is_not_kept() {
    let (first, second) = (Dir::new("copy-1"), Dir::new("copy-2"));
    first.write("country.mmdb", &countries(BUILT, &["AT"]));
    second.write("country.mmdb", &countries(BUILT - 86_400, &["BE", "BE"]));
    let geoip = open(&[&first, &second]);
    assert_eq!(geoip.sources().count(), 1);
    // A link to the first is the first.
    std::os::unix::fs::symlink(
        first.path().join("country.mmdb"),
        first.path().join("z.mmdb"),
    )
    .unwrap();
    assert_eq!(open(&[&first]).sources().count(), 1);
}

#[test]
fn missing_and_broken_databases_are_warnings_that_name_them() {
    let dir = Dir::new("broken");
    let text = |settings: Settings| -> Vec<String> {
        let (geoip, warnings) = GeoIp::open(settings);
        assert_eq!(geoip.sources().count(), 0);
        assert_eq!(line(&geoip, "8.8.8.8"), "unknown");
        warnings.iter().map(ToString::to_string).collect()
    };
    let named = |path: PathBuf| Settings {
        named_dir: Some(path),
        ..settings(&[])
    };
    let missing = text(named(dir.path().join("nowhere")));
    assert!(
        matches!(&missing[..], [one] if one.contains("nowhere")),
        "{missing:?}"
    );
    let empty = text(named(dir.path().to_owned()));
    assert!(
        matches!(&empty[..], [one] if one.contains("no file *.mmdb")),
        "{empty:?}"
    );
    assert_eq!(
        text(Settings {
            dirs: vec![dir.path().join("nowhere")],
            ..settings(&[])
        }),
        [""; 0]
    );

    dir.write("page.mmdb", b"<html>Please log in</html>");
    dir.write(
        "useless.mmdb",
        &one_file("GeoIP2-Anonymous-IP", &nested(&[("is_vpn", true.into())])),
    );
    std::os::unix::fs::symlink("/nonexistent", dir.path().join("dangling.mmdb")).unwrap();
    dir.write(".hidden.mmdb", b"not looked at");
    dir.write("notes.txt", b"not looked at");
    let warned = |settings: Settings, names: &[&str]| {
        let warnings = text(settings);
        assert_eq!(warnings.len(), names.len(), "{warnings:?}");
        for (warning, name) in warnings.iter().zip(names) {
            assert!(warning.contains(name), "{warning}");
        }
    };
    // A database of other things is somebody's mistake only where he names it.
    warned(settings(&[&dir]), &["dangling.mmdb", "page.mmdb"]);
    warned(
        named(dir.path().to_owned()),
        &["dangling.mmdb", "page.mmdb", "useless.mmdb"],
    );
}

#[test]
fn a_directory_of_corrupt_databases_ends_nothing() {
    let dir = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/maxmind/bad"
    ));
    let files = std::fs::read_dir(&dir).unwrap().count();
    let (geoip, warnings) = GeoIp::open(Settings {
        named_dir: Some(dir),
        ..settings(&[])
    });
    assert_eq!(warnings.len(), files);
    assert_eq!(geoip.sources().count(), 0);
    for address in ["1.1.1.1", "81.2.69.160", "2001:218::1", "8.8.8.8"] {
        assert_eq!(locate(&geoip, address), Location::Unknown);
    }
}

#[test]
fn a_replaced_added_or_removed_file_is_noticed() {
    let dir = Dir::new("changed");
    dir.write("country.mmdb", &countries(BUILT, &["AT"]));
    let geoip = open(&[&dir]);
    assert!(!geoip.changed());
    // As the updater does it: a new file under the old name.
    let new = dir.write("new", &countries(BUILT, &["BE"]));
    assert!(!geoip.changed(), "only *.mmdb counts");
    std::fs::rename(new, dir.path().join("country.mmdb")).unwrap();
    assert!(geoip.changed());
    let (geoip, _) = GeoIp::open(geoip.settings().clone());
    assert!(!geoip.changed());
    assert_eq!(line(&geoip, "11.0.0.1"), "BE | Belgium | - | - | -");
    let broken = dir.write("broken.mmdb", b"x");
    assert!(geoip.changed());
    let (geoip, warnings) = GeoIp::open(geoip.settings().clone());
    assert_eq!(warnings.len(), 1);
    assert!(
        !geoip.changed(),
        "a broken file is not opened again and again"
    );
    std::fs::remove_file(broken).unwrap();
    assert!(geoip.changed());
}

#[test]
fn age_and_terms_are_told() {
    let dir = Dir::new("age");
    dir.write("country.mmdb", &countries(BUILT, &["AT"]));
    let sidecar = r#"{"url": "https://download.db-ip.com/free/x.mmdb.gz", "attribution": "IP Geolocation by DB-IP"}"#;
    dir.write("country.mmdb.json", sidecar.as_bytes());
    let geoip = open(&[&dir]);
    let source = geoip.sources().next().unwrap();
    assert_eq!(source.name(), "country.mmdb");
    assert_eq!(source.gives.to_string(), "country");
    assert_eq!(source.licence.as_deref(), Some("CC-BY-4.0"));
    assert_eq!(
        source.attribution.as_deref(),
        Some("IP Geolocation by DB-IP")
    );
    assert_eq!(source.built, at(BUILT));
    assert!(!source.is_stale(at(BUILT) + STALE_AFTER / 2));
    assert!(source.is_stale(at(BUILT) + STALE_AFTER));
    assert!(!source.is_stale(at(0)), "a clock that is behind");
}

#[test]
fn switched_off_nothing_is_opened_or_told() {
    let dir = Dir::new("off");
    dir.write("broken.mmdb", b"x");
    let (geoip, warnings) = GeoIp::open(Settings {
        enabled: false,
        embedded: true,
        ..settings(&[&dir])
    });
    assert_eq!(warnings, []);
    assert_eq!(geoip.sources().count(), 0);
    assert_eq!(locate(&geoip, "10.0.0.1"), Location::Unknown);
    dir.write("another.mmdb", b"y");
    assert!(!geoip.changed());
}

#[test]
fn search_order_is_named_user_system() {
    let env = |name: &str| match name {
        "FLOWTOP_GEOIP_DIR" => Some("/from/env".into()),
        "HOME" => Some("/home/u".into()),
        // Relative: to be ignored.
        "XDG_DATA_HOME" => Some("data".into()),
        _ => None,
    };
    let found = Settings::search(None, &env);
    assert_eq!(found.named_dir, Some("/from/env".into()));
    assert_eq!(found.dirs[0], PathBuf::from("/home/u/.local/share/flowtop"));
    assert_eq!(found.dirs[1], PathBuf::from("/var/lib/flowtop"));
    assert_eq!(found.dirs.len(), 5);
    let found = Settings::search(Some("/flag".into()), &env);
    assert_eq!(found.named_dir, Some("/flag".into()));
}

#[test]
fn hosts_of_one_network_share_their_strings() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    let dir = Dir::new("share");
    let record = nested(&[
        ("asn", 64_500_u32.into()),
        ("as_name", "Example Net".into()),
    ]);
    dir.write("asn.mmdb", &one_file("asn", &record));
    let geoip = open(&[&dir]);
    is_send_and_sync(&geoip);
    let mut pool = NamePool::new();
    let mut org = |address: &str| {
        let address: IpAddr = address.parse().unwrap();
        let location = geoip.locate(address, &mut pool);
        location.place().unwrap().as_org.clone().unwrap()
    };
    assert!(std::sync::Arc::ptr_eq(
        &org("81.2.69.1"),
        &org("2a02:db80::2")
    ));
    assert!(size_of::<Location>() <= 48, "{}", size_of::<Location>());
}
