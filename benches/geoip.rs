//! What a place costs per address, against a bare search of the tree in the
//! same run. Prints; asserts nothing.
//!
//! ```text
//! cargo bench --bench geoip [FILE.mmdb ...]
//! ```
//!
//! Without files it measures the embedded country database and two made on the
//! spot: a city database of MaxMind's layout and one of AS numbers. The aim is
//! at most 300 ns per address, decoded and interned.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and may fail"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use flowtop::enrich::geoip::{GeoIp, NamePool, Settings};
use maxminddb::Reader;
use mmdb_writer::{IpVersion, Ipv4Aliasing, Value, Writer};

/// Hosts of a busy viewer.
const HOSTS: usize = 2_000;
const ROUNDS: usize = 200;

/// First 16 bits of the IPv6 addresses asked for.
const V6_BLOCKS: [u16; 4] = [0x2001, 0x2400, 0x2606, 0x2a00];

/// The same sequence on every run: xorshift (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Public addresses, one in four IPv6.
fn addresses(count: usize) -> Vec<IpAddr> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    (0..count)
        .map(|n| {
            let bits = random.next();
            if n % 4 == 3 {
                let first = V6_BLOCKS[n / 4 % 4];
                let segment = |shift: u64| (bits >> shift) as u16;
                Ipv6Addr::new(first, segment(0) | 0x200, segment(16), 0, 0, 0, 0, 1).into()
            } else {
                let [a, b, c, d, ..] = bits.to_be_bytes();
                Ipv4Addr::new(11 + a % 89, b, c, d).into()
            }
        })
        .collect()
}

fn ns_per_call(addresses: &[IpAddr], rounds: usize, mut call: impl FnMut(IpAddr)) -> f64 {
    for &address in addresses {
        call(address);
    }
    let start = Instant::now();
    for _ in 0..rounds {
        for &address in addresses {
            call(black_box(address));
        }
    }
    start.elapsed().as_nanos() as f64 / (rounds * addresses.len()) as f64
}

/// A made-up database in MaxMind's city layout, with all the fields and
/// languages that a decoder has to step over, or of AS numbers.
fn made_up(city: bool) -> Vec<u8> {
    let database_type = if city {
        "GeoLite2-City"
    } else {
        "GeoLite2-ASN"
    };
    let mut writer = Writer::builder(database_type)
        .ip_version(IpVersion::V6)
        .ipv4_aliasing(Ipv4Aliasing::Disabled)
        .build();
    // All that `addresses` makes: every /16 of its IPv4, and its IPv6 blocks.
    let v4 = (0..89 * 256).map(|n: u32| format!("{}.{}.0.0/16", 11 + n % 89, n / 89));
    let v6 = V6_BLOCKS.iter().map(|block| format!("{block:x}::/16"));
    for (n, network) in (0..).zip(v4.chain(v6)) {
        let record = if city { city_record(n) } else { asn_record(n) };
        let network: mmdb_writer::ipnet::IpNet = network.parse().unwrap();
        writer.insert_value(network, record).unwrap();
    }
    writer.to_bytes().unwrap()
}

/// Continents, countries and regions repeat as they do in the world, so that
/// the file shares them through pointers as real ones do.
fn city_record(n: u32) -> Value {
    let names = |stem: &str, n: u32| {
        let languages = ["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"];
        Value::map(languages.map(|language| (language, format!("{stem} {n} ({language})"))))
    };
    let map = |pairs: Vec<(&str, Value)>| {
        let pairs = pairs
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Map(pairs.collect::<BTreeMap<_, _>>())
    };
    let region = |stem: &str, n: u32, code: &str| {
        map(vec![
            ("geoname_id", n.into()),
            ("iso_code", code.into()),
            ("names", names(stem, n)),
        ])
    };
    let town = map(vec![("geoname_id", n.into()), ("names", names("City", n))]);
    let country = region("Country", n % 250, "CH");
    let location = map(vec![
        ("accuracy_radius", 100_u16.into()),
        ("latitude", f64::from(n % 90).into()),
        ("longitude", f64::from(n % 180).into()),
        ("time_zone", "Europe/Zurich".into()),
    ]);
    map(vec![
        ("city", town),
        ("continent", region("Continent", n % 7, "EU")),
        ("country", country.clone()),
        ("location", location),
        (
            "postal",
            map(vec![("code", format!("{}", 1_000 + n % 9_000).into())]),
        ),
        ("registered_country", country),
        (
            "subdivisions",
            Value::array([region("Canton", n % 3_000, "ZH")]),
        ),
    ])
}

fn asn_record(n: u32) -> Value {
    Value::map([
        ("autonomous_system_number", Value::from(64_512 + n % 1_000)),
        (
            "autonomous_system_organization",
            format!("Example Networks {}", n % 1_000).into(),
        ),
    ])
}

fn measure(label: &str, dir: &Path, embedded: bool, sets: &[(&str, Vec<IpAddr>, usize)]) {
    let (geoip, warnings) = GeoIp::open(Settings {
        enabled: true,
        named_dir: None,
        dirs: vec![dir.to_owned()],
        embedded,
    });
    for warning in warnings {
        println!("{warning}");
    }
    let readers: Vec<Reader<Vec<u8>>> = geoip
        .sources()
        .map(|source| match &source.path {
            Some(path) => Reader::open_readfile(path).unwrap(),
            None => Reader::from_source(embedded_bytes().to_vec()).unwrap(),
        })
        .collect();
    for (set, addresses, rounds) in sets {
        let bare = ns_per_call(addresses, *rounds, |address| {
            for reader in &readers {
                // An IPv6 address in an IPv4 database is an error.
                let _ = black_box(reader.lookup(address));
            }
        });
        let mut names = NamePool::new();
        let place = ns_per_call(addresses, *rounds, |address| {
            black_box(geoip.locate(address, &mut names));
        });
        println!("{label:28} {set:22} {bare:7.0} ns bare {place:7.0} ns placed");
    }
}

#[cfg(feature = "embed-geoip")]
fn embedded_bytes() -> &'static [u8] {
    flowtop::enrich::geoip::EMBEDDED
}

#[cfg(not(feature = "embed-geoip"))]
fn embedded_bytes() -> &'static [u8] {
    &[]
}

fn main() {
    let sets = [
        ("2,000 hosts", addresses(HOSTS), ROUNDS),
        ("400,000 at random", addresses(400_000), 1),
    ];
    let files: Vec<PathBuf> = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .map(PathBuf::from)
        .collect();
    let dir = std::env::temp_dir().join(format!("flowtop-bench-geoip-{}", std::process::id()));
    let fresh = |names: &[(&str, Vec<u8>)]| {
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        for (name, bytes) in names {
            std::fs::write(dir.join(name), bytes).unwrap();
        }
    };
    fresh(&[]);
    if files.is_empty() {
        if cfg!(feature = "embed-geoip") {
            measure("embedded country", &dir, true, &sets);
        }
        fresh(&[("asn.mmdb", made_up(false))]);
        measure("made-up ASN", &dir, false, &sets);
        measure(
            "ASN, embedded country",
            &dir,
            cfg!(feature = "embed-geoip"),
            &sets,
        );
        fresh(&[("city.mmdb", made_up(true))]);
        measure("made-up city", &dir, false, &sets);
        fresh(&[("city.mmdb", made_up(true)), ("asn.mmdb", made_up(false))]);
        measure(
            "city, ASN, embedded country",
            &dir,
            cfg!(feature = "embed-geoip"),
            &sets,
        );
    }
    for file in files {
        fresh(&[("file.mmdb", std::fs::read(&file).unwrap())]);
        measure(&file.display().to_string(), &dir, false, &sets);
    }
    let _ = std::fs::remove_dir_all(&dir);
}
