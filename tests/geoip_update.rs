//! `flowtop update` against mirrors on loopback: what it installs, what it
//! refuses, and what it leaves behind.
#![cfg(feature = "update")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may"
)]
#![allow(clippy::print_stdout, reason = "how a child process tells its parent")]

mod databases;
mod mirror;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use databases::{BUILT, Dir, at, countries, database, texts};
use flate2::{Compression, write::GzEncoder};
use flowtop::enrich::geoip::{GeoIp, NamePool, Settings as GeoIpSettings};
use flowtop::enrich::geoip_update::{
    Account, DirError, Event, Item, Lines, Outcome, Progress, Report, Secret, Settings,
    UpdateError, check, update,
};
use mirror::{Answer, Mirror};
use mmdb_writer::IpVersion;

const DAY: u64 = 86_400;

/// What a first update leaves in its directory.
const INSTALLED: [&str; 3] = [".flowtop-update.lock", "country.mmdb", "country.mmdb.json"];

/// Settings for a directory `data` and a `geoip.conf` beside it.
fn settings(dir: &Dir, conf: &str) -> Settings {
    Settings {
        conf: Some(dir.write("geoip.conf", conf.as_bytes())),
        ..Settings::bare(dir.path().join("data"), at(BUILT + DAY))
    }
}

fn run(settings: &Settings) -> Report {
    update(settings, &mut ()).unwrap()
}

fn only(report: &Report) -> &Item {
    match &report.items[..] {
        [item] => item,
        items => panic!("expected one database: {items:?}"),
    }
}

fn is_installed(report: &Report) -> bool {
    matches!(only(report).outcome, Outcome::Installed { .. })
}

fn is_current(report: &Report) -> bool {
    matches!(only(report).outcome, Outcome::Current { .. })
}

/// The reasons of the mirrors that failed.
fn reasons(report: &Report) -> Vec<&str> {
    let attempts = only(report).attempts.iter();
    attempts.map(|attempt| attempt.reason.as_str()).collect()
}

fn left_in(settings: &Settings) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(&settings.dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The country of 11.0.0.1 through the installed files.
fn country(settings: &Settings) -> Option<String> {
    let (geoip, warnings) = GeoIp::open(GeoIpSettings {
        enabled: true,
        named_dir: Some(settings.dir.clone()),
        dirs: Vec::new(),
        embedded: false,
    });
    assert_eq!(warnings, []);
    let location = geoip.locate("11.0.0.1".parse().unwrap(), &mut NamePool::new());
    Some(location.place()?.country_code?.to_string())
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn tar_gz(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    builder.append_data(&mut header, name, bytes).unwrap();
    gz(&builder.into_inner().unwrap())
}

#[test]
fn a_first_update_installs_a_file_all_may_read_and_says_whence() {
    let dir = Dir::new("first");
    let mirror = Mirror::always(
        Answer::file(&gz(&countries(BUILT, &["AT"])))
            .with("etag", "\"one\"")
            .with("last-modified", "then"),
    );
    let settings = settings(
        &dir,
        &format!(
            "country {}",
            mirror.url("user-country.mmdb.gz?token=s3cret")
        ),
    );
    let report = run(&settings);
    assert!(is_installed(&report), "{report:?}");
    assert_eq!(report.exit_code(), 0);
    assert_eq!(left_in(&settings), INSTALLED);
    assert_eq!(country(&settings).as_deref(), Some("AT"));
    let mode = |name: &str| {
        let metadata = fs::metadata(settings.dir.join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("country.mmdb"), 0o644);
    assert_eq!(mode("country.mmdb.json"), 0o644);
    let sidecar = fs::read_to_string(settings.dir.join("country.mmdb.json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_str(&sidecar).unwrap();
    assert_eq!(
        sidecar["url"],
        mirror.url("user-country.mmdb.gz"),
        "no token"
    );
    assert_eq!(sidecar["etag"], "\"one\"");
    assert_eq!(sidecar["build_epoch"], BUILT);
    assert_eq!(sidecar["fetched_at"], BUILT + DAY);
    assert_eq!(sidecar["licence"], "PDDL-1.0");
    assert_eq!(sidecar["sha256"].as_str().unwrap().len(), 64);
    let json = report.to_json();
    assert_eq!(json["databases"][0]["outcome"], "installed");
    assert_eq!(json["exit_code"], 0);
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let dir = Dir::new("unchanged");
    let file = countries(BUILT, &["AT"]);
    let mirror = Mirror::new(move |asked| match asked.header("if-none-match") {
        Some("\"one\"") if asked.header("if-modified-since") == Some("then") => Answer::status(304),
        Some(_) => Answer::status(400),
        None => Answer::file(&file)
            .with("etag", "\"one\"")
            .with("last-modified", "then"),
    });
    let conf = format!("country {}", mirror.url("c.mmdb"));
    let settings = settings(&dir, &conf);
    assert!(is_installed(&run(&settings)));
    let report = run(&settings);
    assert!(is_current(&report), "{report:?}");
    assert_eq!(report.exit_code(), 0);
    assert_eq!(left_in(&settings), INSTALLED);
    // Replaced by hand: what the server said of the old file counts no more.
    fs::write(
        settings.dir.join("country.mmdb"),
        countries(BUILT - DAY, &["BE"]),
    )
    .unwrap();
    mirror.asked();
    assert!(is_installed(&run(&settings)));
    assert_eq!(mirror.asked()[0].header("if-none-match"), None);
    assert_eq!(country(&settings).as_deref(), Some("AT"));
}

#[test]
fn the_same_file_from_a_server_without_validators_is_current() {
    let dir = Dir::new("same");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let settings = settings(&dir, &format!("country {}", mirror.url("c.mmdb")));
    assert!(is_installed(&run(&settings)));
    assert!(is_current(&run(&settings)));
}

#[test]
fn the_second_mirror_is_asked_when_the_first_has_nothing() {
    let dir = Dir::new("second");
    let file = tar_gz("x/GeoLite2-Country.mmdb", &countries(BUILT, &["AT"]));
    let mirror = Mirror::new(move |asked| match asked.target.as_str() {
        "/first.mmdb" => Answer::text(404, "no such thing\nas this"),
        _ => Answer::file(&file),
    });
    let conf = format!(
        "country {}\ncountry {}\n",
        mirror.url("first.mmdb"),
        mirror.url("second.tar.gz")
    );
    let settings = settings(&dir, &conf);
    let report = run(&settings);
    assert!(is_installed(&report), "{report:?}");
    assert_eq!(mirror.targets(), ["/first.mmdb", "/second.tar.gz"]);
    let [reason] = reasons(&report)[..] else {
        panic!("{report:?}");
    };
    assert!(
        reason.contains("404") && reason.contains("no such thing"),
        "{reason}"
    );
}

#[test]
fn the_month_before_is_asked_when_this_month_is_missing_and_only_then() {
    let dir = Dir::new("month");
    let file = countries(BUILT, &["AT"]);
    let mirror = Mirror::new(move |asked| match asked.target.as_str() {
        "/a-2026-05" => Answer::file(&file),
        "/a-2026-06" => Answer::status(404),
        _ => Answer::status(500),
    });
    let this = settings(
        &dir,
        &format!("country {}-{{YYYY}}-{{MM}}", mirror.url("a")),
    );
    assert!(is_installed(&run(&this)));
    assert_eq!(mirror.targets(), ["/a-2026-06", "/a-2026-05"]);
    let other = settings(
        &dir,
        &format!("country {}-{{YYYY}}-{{MM}}", mirror.url("b")),
    );
    assert_eq!(run(&other).exit_code(), 1);
    assert_eq!(mirror.targets(), ["/b-2026-06"]);
}

fn account() -> Account {
    Account {
        id: "4711".into(),
        key: Secret::new("K3y-of-mine"),
    }
}

#[test]
fn a_redirect_is_followed_and_the_account_stays_behind() {
    let dir = Dir::new("redirect");
    let file = tar_gz(
        "GeoLite2-City_2026/GeoLite2-City.mmdb",
        &countries(BUILT, &["AT"]),
    );
    let storage = Mirror::always(Answer::file(&file).with("last-modified", "then"));
    let target = storage.url("bucket/file?signature=x");
    let mirror = Mirror::always(Answer::status(302).with("location", &target));
    let mut settings = settings(&dir, "maxmind GeoLite2-City");
    settings.maxmind_url = format!("{}?suffix=tar.gz", mirror.url("databases/{NAME}/download"));
    settings.credentials.maxmind = Ok(account());
    let report = run(&settings);
    assert!(is_installed(&report), "{report:?}");
    assert_eq!(
        report.items[0].path,
        settings.dir.join("GeoLite2-City.mmdb")
    );
    let asked = mirror.asked();
    assert_eq!(
        asked[0].target,
        "/databases/GeoLite2-City/download?suffix=tar.gz"
    );
    // base64 of "4711:K3y-of-mine"
    assert_eq!(
        asked[0].header("authorization"),
        Some("Basic NDcxMTpLM3ktb2YtbWluZQ==")
    );
    let asked = storage.asked();
    assert_eq!(asked[0].target, "/bucket/file?signature=x");
    assert_eq!(asked[0].header("authorization"), None);
    // The next time the headers alone tell that there is nothing new.
    assert!(is_current(&run(&settings)));
    let methods: Vec<String> = storage
        .asked()
        .into_iter()
        .map(|asked| asked.method)
        .collect();
    assert_eq!(methods, ["HEAD"]);
}

#[test]
fn a_redirect_away_from_this_machine_over_plain_http_is_not_followed() {
    let dir = Dir::new("downgrade");
    let mirror = Mirror::always(Answer::status(302).with("location", "http://mirror.invalid/x"));
    let endless = Mirror::always(Answer::status(302).with("location", "/again"));
    let conf = format!("country {}\ncountry {}", mirror.url("a"), endless.url("b"));
    let report = run(&settings(&dir, &conf));
    let [first, second] = reasons(&report)[..] else {
        panic!("{report:?}");
    };
    assert!(first.contains("https://"), "{first}");
    assert!(second.contains("more than 5 times"), "{second}");
    assert_eq!(endless.asked().len(), 6);
}

#[test]
fn servers_that_refuse_are_explained_and_no_secret_is_repeated() {
    let dir = Dir::new("refuse");
    let parrot = Mirror::new(|asked| {
        let sent = asked.header("authorization").unwrap_or_default();
        let plain = if sent.is_empty() {
            ""
        } else {
            "4711:K3y-of-mine"
        };
        let said = format!(
            "bad key {sent} {plain} or token in {}\x1b[31m",
            asked.target
        );
        match asked.target.as_str() {
            "/GeoLite2-City" => Answer::text(401, &said),
            "/GeoLite2-ASN" => Answer::text(429, "Daily GeoIP database download limit reached")
                .with("retry-after", "3600"),
            "/silent" => Answer::status(503),
            _ => Answer::text(403, &said),
        }
    });
    let conf = format!(
        "country {}\nmaxmind GeoLite2-City GeoLite2-ASN\nipinfo ipinfo_lite\nasn {}\n",
        parrot
            .url("c?token=s3cret-token")
            .replace("http://", "http://user:passw0rd@"),
        parrot.url("silent"),
    );
    let mut settings = settings(&dir, &conf);
    settings.maxmind_url = parrot.url("{NAME}");
    settings.ipinfo_url = parrot.url("{NAME}.mmdb");
    settings.credentials.maxmind = Ok(account());
    settings.credentials.ipinfo = Ok(Secret::new("t0ken-of-mine"));
    let mut lines = Lines::new(Vec::new(), true);
    let report = update(&settings, &mut lines).unwrap();
    assert_eq!(report.exit_code(), 1);
    let shown = String::from_utf8(lines.into_inner()).unwrap();
    let all = format!("{shown}\n{report:?}\n{}\n{settings:?}", report.to_json());
    for secret in [
        "K3y-of-mine",
        "s3cret-token",
        "passw0rd",
        "t0ken-of-mine",
        "NDcxMT",
        "\x1b[31m",
    ] {
        assert!(!all.contains(secret), "{secret:?} in {all}");
    }
    for told in [
        "HTTP 401",
        "HTTP 403",
        "HTTP 503",
        "HTTP 429",
        "retry after 3600",
        "limit reached",
    ] {
        assert!(shown.contains(told), "{told:?} not in {shown}");
    }
    // They were sent, all the same.
    let targets = parrot.targets();
    assert!(
        targets.contains(&"/c?token=s3cret-token".into()),
        "{targets:?}"
    );
    assert!(
        targets.contains(&"/ipinfo_lite.mmdb?token=t0ken-of-mine".into()),
        "{targets:?}"
    );
    assert_eq!(left_in(&settings), [".flowtop-update.lock"]);
}

#[test]
fn an_account_that_is_missing_fails_only_its_own_databases() {
    let dir = Dir::new("partial");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let conf = format!(
        "country {}\nmaxmind GeoLite2-City\nipinfo ipinfo_lite\n",
        mirror.url("c")
    );
    let report = run(&settings(&dir, &conf));
    assert_eq!(report.exit_code(), 5);
    assert!(
        report.items[1].attempts[0]
            .reason
            .contains("GEOIPUPDATE_ACCOUNT_ID")
    );
    assert!(report.items[2].attempts[0].reason.contains("IPINFO_TOKEN"));
    assert_eq!(mirror.asked().len(), 1);
}

/// What must never be installed, forced or not, with a word of the reason.
fn rubbish() -> Vec<(&'static str, Answer, &'static str)> {
    let sound = countries(BUILT, &["AT", "BE", "CH", "DE", "ES", "FR", "GR"]);
    let mut zeroed = sound.clone();
    let tree = zeroed.len() / 3;
    zeroed[..tree].fill(0);
    let useless = database(
        "x",
        IpVersion::V6,
        BUILT,
        &[("11.0.0.0/8", texts(&[("a", "b")]))],
    );
    let asn_only = database(
        "x",
        IpVersion::V6,
        BUILT,
        &[("11.0.0.0/8", texts(&[("asn", "AS1")]))],
    );
    let page = b"<!DOCTYPE html>\n<html><title>Hotel Wi-Fi</title></html>";
    let mut bad_sum = gz(&sound);
    let at = bad_sum.len() - 5;
    bad_sum[at] ^= 1;
    vec![
        ("cut", Answer::file(&sound).cut(), "broke off"),
        ("cut gz", Answer::file(&gz(&sound)).cut(), "broke off"),
        ("half a gz", Answer::file(&gz(&sound)[..80]), "broke off"),
        ("gz with a wrong checksum", Answer::file(&bad_sum), ""),
        ("empty", Answer::file(b""), "empty"),
        ("page", Answer::file(page), "web page"),
        (
            "page said to be one",
            Answer::file(page).with("content-type", "text/html; charset=utf-8"),
            "web page",
        ),
        (
            "database said to be a page",
            Answer::file(&sound).with("content-type", "text/html"),
            "web page",
        ),
        ("text", Answer::text(200, "hello"), "MaxMind DB"),
        ("front half zeroed", Answer::file(&zeroed), "MaxMind DB"),
        (
            "front half missing",
            Answer::file(&sound[tree..]),
            "MaxMind DB",
        ),
        ("no use", Answer::file(&useless), "names a country"),
        ("other kind", Answer::file(&asn_only), "names a country"),
        (
            "archive without",
            Answer::file(&tar_gz("x/readme.txt", &sound)),
            "no file *.mmdb",
        ),
    ]
}

#[test]
fn rubbish_is_refused_forced_or_not_and_nothing_is_left() {
    for (what, answer, word) in rubbish() {
        for force in [false, true] {
            let dir = Dir::new("rubbish");
            let mirror = Mirror::always(answer.clone());
            let mut settings = settings(&dir, &format!("country {}", mirror.url("c")));
            settings.force = force;
            let report = run(&settings);
            assert_eq!(report.exit_code(), 1, "{what}");
            let [reason] = reasons(&report)[..] else {
                panic!("{what}: {report:?}");
            };
            assert!(reason.contains(word), "{what}: {reason}");
            assert_eq!(left_in(&settings), [".flowtop-update.lock"], "{what}");
        }
    }
}

#[test]
fn a_wrong_content_type_does_not_matter_when_the_file_is_sound() {
    let dir = Dir::new("content-type");
    let file = countries(BUILT, &["AT"]);
    let mirror = Mirror::always(Answer::file(&file).with("content-type", "text/plain"));
    assert!(is_installed(&run(&settings(
        &dir,
        &format!("country {}", mirror.url("c"))
    ))));
}

#[test]
fn corrupt_databases_known_to_the_field_are_refused() {
    let bad = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/maxmind/bad");
    let mut count = 0;
    for entry in fs::read_dir(bad).unwrap() {
        let file = entry.unwrap().path();
        let dir = Dir::new("bad");
        let settings = Settings {
            from: Some(file.clone()),
            force: true,
            ..settings(&dir, "")
        };
        let report = run(&settings);
        assert_eq!(report.exit_code(), 1, "{}: {report:?}", file.display());
        assert_eq!(left_in(&settings), [".flowtop-update.lock"]);
        count += 1;
    }
    assert!(count > 20, "{count}");
}

#[test]
fn an_older_or_much_smaller_file_needs_force() {
    let dir = Dir::new("older");
    let with = |epoch, networks: u8| {
        let networks: Vec<String> = (11..11 + networks)
            .map(|n| format!("{n}.1.1.0/24"))
            .collect();
        let record = texts(&[("country_code", "AT")]);
        let records: Vec<_> = networks
            .iter()
            .map(|net| (net.as_str(), record.clone()))
            .collect();
        database("country ipv4", IpVersion::V4, epoch, &records)
    };
    let now = with(BUILT, 20);
    let cases = [
        (with(BUILT - DAY, 20), "older than the installed one"),
        (with(BUILT, 5), "nodes"),
        (with(BUILT + 30 * DAY, 20), "future"),
    ];
    for (file, word) in cases {
        let mirror = Mirror::always(Answer::file(&file));
        let mut settings = settings(&dir, &format!("country {}", mirror.url("c")));
        fs::create_dir_all(&settings.dir).unwrap();
        fs::write(settings.dir.join("country.mmdb"), &now).unwrap();
        let report = run(&settings);
        assert_eq!(report.exit_code(), 1);
        assert!(reasons(&report)[0].contains(word), "{report:?}");
        assert_eq!(fs::read(settings.dir.join("country.mmdb")).unwrap(), now);
        settings.force = true;
        assert!(is_installed(&run(&settings)));
        assert_eq!(fs::read(settings.dir.join("country.mmdb")).unwrap(), file);
    }
}

#[test]
fn an_installed_file_that_is_broken_is_simply_replaced() {
    let dir = Dir::new("replace");
    let mirror = Mirror::always(Answer::file(&countries(BUILT - 400 * DAY, &["AT"])));
    let settings = settings(&dir, &format!("country {}", mirror.url("c")));
    fs::create_dir_all(&settings.dir).unwrap();
    fs::write(settings.dir.join("country.mmdb"), b"rubbish").unwrap();
    assert!(is_installed(&run(&settings)));
    assert_eq!(country(&settings).as_deref(), Some("AT"));
}

#[test]
fn a_directory_that_cannot_be_written_costs_no_request() {
    let dir = Dir::new("unwritable");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let conf = format!("country {}", mirror.url("c"));
    // Root may write to any directory, so these are none, or not the disk's.
    let file = dir.write("file", b"");
    for target in [
        file.clone(),
        file.join("below"),
        PathBuf::from("/proc/flowtop"),
    ] {
        let settings = Settings {
            dir: target.clone(),
            ..settings(&dir, &conf)
        };
        let error = update(&settings, &mut ()).unwrap_err();
        assert!(
            matches!(error, UpdateError::Dir(DirError::NotWritable { .. })),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.contains(&*target.to_string_lossy()) && text.contains("--dir"),
            "{text}"
        );
    }
    assert_eq!(mirror.asked().len(), 0);
}

#[test]
fn two_updates_of_one_directory_keep_apart() {
    /// Starts a second update in the middle of the first.
    struct Second<'a>(&'a Settings, Option<UpdateError>);
    impl Progress for Second<'_> {
        fn event(&mut self, event: &Event<'_>) {
            if matches!(event, Event::Verifying { .. }) {
                self.1 = update(self.0, &mut ()).err();
            }
        }
    }
    let dir = Dir::new("lock");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let settings = settings(&dir, &format!("country {}", mirror.url("c")));
    let mut second = Second(&settings, None);
    let report = update(&settings, &mut second).unwrap();
    assert!(is_installed(&report));
    let error = second.1.expect("the second was let in");
    assert!(
        matches!(error, UpdateError::Dir(DirError::Busy { .. })),
        "{error}"
    );
    assert_eq!(mirror.asked().len(), 1);
    assert_eq!(left_in(&settings), INSTALLED);
}

#[test]
fn an_interrupted_update_leaves_nothing() {
    /// Interrupts at the first byte.
    struct Interrupt(bool);
    impl Progress for Interrupt {
        fn event(&mut self, event: &Event<'_>) {
            self.0 |= matches!(event, Event::Received { .. });
        }
        fn is_cancelled(&self) -> bool {
            self.0
        }
    }
    let dir = Dir::new("interrupt");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let settings = settings(&dir, &format!("country {0}\nasn {0}", mirror.url("c")));
    let error = update(&settings, &mut Interrupt(false)).unwrap_err();
    assert!(matches!(error, UpdateError::Cancelled), "{error}");
    assert_eq!(left_in(&settings), [".flowtop-update.lock"]);
    assert_eq!(mirror.asked().len(), 1);
}

/// Where the process to be killed finds its `geoip.conf`.
const VICTIM: &str = "FLOWTOP_TEST_VICTIM";

#[test]
fn killed_between_write_and_rename_the_old_file_stays_and_the_next_run_cleans_up() {
    /// Says that the file is about to be renamed, and waits to be killed.
    struct Wait;
    impl Progress for Wait {
        fn event(&mut self, event: &Event<'_>) {
            if matches!(event, Event::Installing { .. }) {
                println!("about to rename");
                loop {
                    std::thread::park();
                }
            }
        }
    }
    if let Some(data) = std::env::var_os(VICTIM) {
        let data = PathBuf::from(data);
        let settings = Settings {
            conf: Some(data.with_file_name("geoip.conf")),
            ..Settings::bare(data, at(BUILT + DAY))
        };
        let _ = update(&settings, &mut Wait);
        return;
    }
    let dir = Dir::new("kill");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let settings = settings(&dir, &format!("country {}", mirror.url("c")));
    fs::create_dir_all(&settings.dir).unwrap();
    fs::write(
        settings.dir.join("country.mmdb"),
        countries(BUILT - DAY, &["BE"]),
    )
    .unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("killed_between_write_and_rename_the_old_file_stays_and_the_next_run_cleans_up")
        .env(VICTIM, &settings.dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(victim.stdout.take().unwrap());
    let reached =
        std::io::BufRead::lines(output).any(|line| line.unwrap().contains("about to rename"));
    assert!(reached, "the update ended before it was to rename");
    victim.kill().unwrap();
    victim.wait().unwrap();

    let left = left_in(&settings);
    let temporary = |name: &&String| name.ends_with(".flowtop-new");
    assert_eq!(left.iter().filter(temporary).count(), 1, "{left:?}");
    assert_eq!(
        country(&settings).as_deref(),
        Some("BE"),
        "the old file answers"
    );
    assert!(
        is_installed(&run(&settings)),
        "the lock went with the process"
    );
    assert_eq!(left_in(&settings), INSTALLED);
    assert_eq!(country(&settings).as_deref(), Some("AT"));
}

#[test]
fn a_local_file_goes_through_the_same_gate_under_the_name_of_its_kind() {
    let place = texts(&[("city", "Wien"), ("country_code", "AT")]);
    let network = texts(&[("asn", "AS1"), ("name", "x")]);
    let v4 = [("11.0.0.0/8", place.clone())];
    let v6 = [("2a00::/16", place)];
    for (bytes, name) in [
        (countries(BUILT, &["AT"]), "country-ipv4.mmdb"),
        (
            database("city ipv4", IpVersion::V4, BUILT, &v4),
            "city-ipv4.mmdb",
        ),
        (
            database("city ipv6", IpVersion::V6, BUILT, &v6),
            "city-ipv6.mmdb",
        ),
        (
            database("city ipvAll", IpVersion::V6, BUILT, &[v4, v6].concat()),
            "city.mmdb",
        ),
        (
            database(
                "asn",
                IpVersion::V4,
                BUILT,
                &[("11.0.0.0/8", network.clone())],
            ),
            "asn-ipv4.mmdb",
        ),
        (
            tar_gz(
                "a/b.mmdb",
                &database(
                    "GeoLite2-ASN",
                    IpVersion::V6,
                    BUILT,
                    &[("11.0.0.0/8", network.clone())],
                ),
            ),
            "GeoLite2-ASN.mmdb",
        ),
        (
            gz(&database(
                "ipinfo ipinfo_lite.mmdb",
                IpVersion::V6,
                BUILT,
                &[("11.0.0.0/8", network)],
            )),
            "ipinfo_lite.mmdb",
        ),
    ] {
        let dir = Dir::new("local");
        let settings = Settings {
            from: Some(dir.write("downloaded", &bytes)),
            ..settings(&dir, "")
        };
        let report = run(&settings);
        assert!(is_installed(&report), "{report:?}");
        assert_eq!(only(&report).path, settings.dir.join(name));
        assert!(is_current(&run(&settings)));
    }
    let dir = Dir::new("local-none");
    let settings = Settings {
        from: Some(dir.path().join("nowhere.mmdb")),
        ..settings(&dir, "")
    };
    let report = run(&settings);
    assert_eq!(report.exit_code(), 1);
    assert!(reasons(&report)[0].contains("cannot read it"), "{report:?}");
}

#[test]
fn check_tells_ages_and_touches_nothing() {
    let dir = Dir::new("check");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let mut settings = settings(&dir, &format!("country {}", mirror.url("c")));
    let report = check(&settings).unwrap();
    assert_eq!(report.exit_code(), 10);
    assert!(
        report.ages[0].to_string().contains("not installed"),
        "{report:?}"
    );
    assert!(!settings.dir.exists() && mirror.asked().is_empty());

    run(&settings);
    let report = check(&settings).unwrap();
    assert_eq!(report.exit_code(), 0);
    assert_eq!(
        report.ages[0].to_string(),
        "country: built 2026-06-17, 1 days old"
    );
    assert_eq!(report.to_json()["databases"][0]["age_seconds"], DAY);
    settings.now = at(BUILT + 45 * DAY);
    assert_eq!(check(&settings).unwrap().exit_code(), 10);
    fs::write(settings.dir.join("country.mmdb"), b"rubbish").unwrap();
    settings.now = at(BUILT);
    let report = check(&settings).unwrap();
    assert_eq!(report.exit_code(), 10);
    assert!(report.ages[0].built.is_err());
}

#[test]
fn geoip_conf_is_found_explained_or_missed() {
    let dir = Dir::new("conf");
    let mut settings = Settings::bare(dir.path().join("data"), at(BUILT));
    // None named, none found: the built-in one.
    settings.conf_search = vec![dir.path().join("geoip.conf")];
    let names = |settings: &Settings| {
        let report = check(settings).unwrap();
        let names: Vec<String> = report.ages.into_iter().map(|age| age.name).collect();
        (names.join(" "), report.warnings)
    };
    assert_eq!(names(&settings), ("country asn".into(), Vec::new()));
    // The format of old: explained line by line, and the built-in one used.
    dir.write("geoip.conf", b"geolite.maxmind.com\ncryptoism.org\n");
    let (found, warnings) = names(&settings);
    assert_eq!((found.as_str(), warnings.len()), ("country asn", 3));
    assert!(
        warnings[0].contains("geoip.conf: line 1: a bare host name"),
        "{warnings:?}"
    );
    // A file of the user's own.
    dir.write(
        "geoip.conf",
        b"city https://m.example/c\nnonsense here\nmaxmind GeoLite2-ASN\n",
    );
    let (found, warnings) = names(&settings);
    assert_eq!((found.as_str(), warnings.len()), ("city GeoLite2-ASN", 1));
    // Nothing asked, and a named file that is missing.
    dir.write("geoip.conf", b"# nothing\n");
    assert!(matches!(
        check(&settings),
        Err(UpdateError::NothingAsked { .. })
    ));
    settings.conf = Some(dir.path().join("missing.conf"));
    let error = update(&settings, &mut ()).unwrap_err();
    assert!(error.to_string().contains("missing.conf"), "{error}");
    assert!(!settings.dir.exists());
}

#[test]
fn progress_is_lines_for_a_log_and_one_line_for_a_terminal() {
    let dir = Dir::new("progress");
    let mirror = Mirror::always(Answer::file(&countries(BUILT, &["AT"])));
    let settings = settings(&dir, &format!("country {}", mirror.url("c")));
    let shown = |is_terminal| {
        let mut lines = Lines::new(Vec::new(), is_terminal);
        update(&settings, &mut lines).unwrap();
        String::from_utf8(lines.into_inner()).unwrap()
    };
    let log = shown(false);
    assert!(
        log.starts_with("country: installed ") && log.lines().count() == 1,
        "{log:?}"
    );
    let terminal = shown(true);
    assert!(
        terminal.contains("\r\x1b[Kcountry: asking http://127.0.0.1:"),
        "{terminal:?}"
    );
    assert!(
        terminal.ends_with("\r\x1b[Kcountry: up to date, built 2026-06-17\n"),
        "{terminal:?}"
    );
}
