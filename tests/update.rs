//! `flowtop update` as a program: what it prints, how it ends, and where it
//! puts things. What an update does with a file is in `tests/geoip_update.rs`.
//!
//! Nothing here asks a real mirror: every run is given a `geoip.conf` that
//! names mirrors on loopback, or has nothing to fetch.
#![cfg(feature = "update")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod databases;
mod lab;
mod mirror;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use databases::{BUILT, Dir, countries};
use lab::mounts;
use mirror::{Answer, Mirror};
use serde_json::Value;

const DAY: u64 = 86_400;

/// What a run came to.
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Runs the program with `dir` as its home, and nobody's accounts or proxies.
fn flowtop(dir: &Dir, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_flowtop"))
        .args(args)
        .env_clear()
        .env("HOME", dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Writes `geoip.conf`, and runs an update into `data` that reads it.
fn update(dir: &Dir, conf: &str, args: &[&str]) -> Ran {
    let conf = dir.write("geoip.conf", conf.as_bytes());
    let data = dir.path().join("data");
    let named = [
        "update",
        "--geoip-conf",
        conf.to_str().unwrap(),
        "--dir",
        data.to_str().unwrap(),
    ];
    flowtop(dir, &[&named, args].concat())
}

/// Today, in seconds since 1970.
fn today() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn sound(epoch: u64) -> Mirror {
    Mirror::always(Answer::file(&countries(epoch, &["AT", "DE"])).with("etag", "\"1\""))
}

#[test]
fn a_line_per_file_says_what_became_of_it() {
    let dir = Dir::new("update-text");
    let mirror = sound(BUILT);
    let conf = format!("country {}\n", mirror.url("c.mmdb"));
    let first = update(&dir, &conf, &[]);
    assert_eq!((first.code, &*first.stdout), (Some(0), ""));
    let installed = dir.path().join("data/country.mmdb");
    let expected = format!(
        "country: installed {}, built 2026-06-17, 0.0 MB, from {}\n",
        installed.display(),
        mirror.url("c.mmdb")
    );
    assert_eq!(first.stderr, expected);
    // The same once more is as good as a new one.
    let second = update(&dir, &conf, &[]);
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(second.stderr, "country: up to date, built 2026-06-17\n");
}

#[test]
fn the_exit_code_tells_all_some_and_none() {
    let dir = Dir::new("update-codes");
    let (good, bad) = (
        sound(BUILT),
        Mirror::always(Answer::text(503, "come back later")),
    );
    let (good, bad) = (good.url("c.mmdb"), bad.url("a.mmdb"));
    let some = update(&dir, &format!("country {good}\nasn {bad}\n"), &[]);
    assert_eq!(some.code, Some(5), "{}", some.stderr);
    assert!(some.stderr.contains("asn: failed, "), "{}", some.stderr);
    assert!(some.stderr.contains("503"), "{}", some.stderr);
    assert!(some.stderr.contains(&bad), "{}", some.stderr);
    assert!(dir.path().join("data/country.mmdb").exists());
    let none = update(&dir, &format!("country {bad}\nasn {bad}\n"), &[]);
    assert_eq!(none.code, Some(1), "{}", none.stderr);
    let all = update(&dir, &format!("country {bad}\ncountry {good}\n"), &[]);
    assert_eq!(all.code, Some(0), "{}", all.stderr);
}

#[test]
fn a_report_in_json_is_all_that_is_printed() {
    let dir = Dir::new("update-json");
    let mirror = sound(BUILT);
    let bad = Mirror::always(Answer::status(404));
    let conf = format!(
        "country {}\ncountry {}?token=s3cret\nasn {}\n",
        bad.url("c.mmdb"),
        mirror.url("c.mmdb"),
        bad.url("a.mmdb")
    );
    let ran = update(&dir, &conf, &["-o", "json"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(5), ""));
    assert!(!ran.stdout.contains("s3cret"));
    let report = ran.json();
    assert_eq!(report["exit_code"], 5);
    let [country, asn] = &report["databases"].as_array().unwrap()[..] else {
        panic!("{report}");
    };
    assert_eq!(country["name"], "country");
    assert_eq!(country["outcome"], "installed");
    assert_eq!(country["build_epoch"], BUILT);
    assert_eq!(country["from"], mirror.url("c.mmdb"));
    let failed = country["failed_attempts"].as_array().unwrap();
    assert_eq!(failed[0]["from"], bad.url("c.mmdb"));
    assert_eq!(asn["outcome"], "failed");
}

#[test]
fn lines_of_the_original_are_explained() {
    let dir = Dir::new("update-original");
    let mirror = sound(BUILT);
    let conf = format!(
        "geolite.maxmind.com\ncryptoism.org\ncountry {}\n",
        mirror.url("c.mmdb")
    );
    let ran = update(&dir, &conf, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for line in ["geoip.conf: line 1: ", "geoip.conf: line 2: "] {
        assert!(ran.stderr.contains(line), "{}", ran.stderr);
    }
    assert!(ran.stderr.contains("netsniff-ng"), "{}", ran.stderr);
}

#[test]
fn a_local_file_goes_through_the_same_checks() {
    let dir = Dir::new("update-from");
    let good = dir.write("good.mmdb", &countries(BUILT, &["AT"]));
    let html = dir.write("page.mmdb", b"<html>please log in</html>");
    let from = |path: &std::path::Path, more: &[&str]| {
        let data = dir.path().join("data");
        let args = [
            "update",
            "--from",
            path.to_str().unwrap(),
            "--dir",
            data.to_str().unwrap(),
        ];
        flowtop(&dir, &[&args, more].concat())
    };
    let refused = from(&html, &["--force"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("page.mmdb"), "{}", refused.stderr);
    let left = fs::read_dir(dir.path().join("data")).unwrap();
    let databases = left.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("mmdb")
    });
    assert_eq!(databases.count(), 0);
    let taken = from(&good, &[]);
    assert_eq!(taken.code, Some(0), "{}", taken.stderr);
    assert!(dir.path().join("data/country-ipv4.mmdb").exists());
    let missing = from(&dir.path().join("no.mmdb"), &["-o", "json"]);
    assert_eq!((missing.code, &*missing.stderr), (Some(1), ""));
    assert_eq!(missing.json()["databases"][0]["outcome"], "failed");
}

#[test]
fn an_older_file_needs_force() {
    let dir = Dir::new("update-older");
    let (new, old) = (sound(BUILT), sound(BUILT - DAY));
    let of = |mirror: &Mirror| format!("country {}\n", mirror.url("c.mmdb"));
    assert_eq!(update(&dir, &of(&new), &[]).code, Some(0));
    let kept = fs::read(dir.path().join("data/country.mmdb")).unwrap();
    let refused = update(&dir, &of(&old), &[]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(
        fs::read(dir.path().join("data/country.mmdb")).unwrap(),
        kept
    );
    let forced = update(&dir, &of(&old), &["--force"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    assert_ne!(
        fs::read(dir.path().join("data/country.mmdb")).unwrap(),
        kept
    );
}

#[test]
fn a_check_tells_the_age_and_asks_nobody() {
    let dir = Dir::new("update-check");
    let mirror = sound(today() - 10 * DAY);
    let conf = format!("country {}\n", mirror.url("c.mmdb"));
    let missing = update(&dir, &conf, &["--check"]);
    assert_eq!((missing.code, &*missing.stderr), (Some(10), ""));
    assert!(
        missing.stdout.contains("not installed"),
        "{}",
        missing.stdout
    );
    assert!(mirror.asked().is_empty());
    assert!(!dir.path().join("data").exists(), "nothing is written");

    assert_eq!(update(&dir, &conf, &[]).code, Some(0));
    mirror.asked();
    let fresh = update(&dir, &conf, &["--check"]);
    assert_eq!((fresh.code, &*fresh.stderr), (Some(0), ""));
    assert!(
        fresh.stdout.starts_with("country: built "),
        "{}",
        fresh.stdout
    );
    assert!(fresh.stdout.contains("10 days old"), "{}", fresh.stdout);

    let stale = countries(today() - 100 * DAY, &["AT"]);
    fs::write(dir.path().join("data/country.mmdb"), stale).unwrap();
    let stale = update(&dir, &conf, &["--check", "-o", "json"]);
    assert_eq!((stale.code, &*stale.stderr), (Some(10), ""));
    let report = stale.json();
    assert_eq!(report["exit_code"], 10);
    assert_eq!(report["databases"][0]["stale"], true);
    let age = report["databases"][0]["age_seconds"].as_u64().unwrap();
    assert!((100 * DAY..101 * DAY).contains(&age), "{age}");
    assert!(mirror.asked().is_empty());
}

#[test]
fn the_short_flag_updates_what_the_user_s_file_names() {
    // In namespaces, root's directory is one that only this test sees, and no
    // way leads out.
    let test = "the_short_flag_updates_what_the_user_s_file_names";
    lab::run(test, |_| {
        mounts::hide("/var/lib");
        let dir = Dir::new("update-short");
        let mirror = sound(BUILT);
        let conf = format!("country {}\n", mirror.url("c.mmdb"));
        dir.write(".config/flowtop/geoip.conf", conf.as_bytes());
        let ran = flowtop(&dir, &["-u"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert_eq!(mirror.targets(), ["/c.mmdb"]);
        let path = "/var/lib/flowtop/country.mmdb";
        assert!(ran.stderr.contains(path), "{}", ran.stderr);
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        // Options of the command count beside it.
        let ran = flowtop(&dir, &["-u", "update", "--check"]);
        assert_eq!(ran.code, Some(10), "built in June 2026: {}", ran.stdout);
        assert!(mirror.asked().is_empty());
    });
}

#[test]
fn what_cannot_be_tried_is_one_line() {
    let dir = Dir::new("update-lines");
    let file = dir.write("file", b"");
    let file = file.to_str().unwrap();
    let missing = dir.path().join("no.conf");
    let missing = missing.to_str().unwrap();
    let data = dir.path().join("data");
    let data = data.to_str().unwrap();
    let empty = dir.write("empty.conf", b"# nothing\n");
    let empty = empty.to_str().unwrap();
    for (args, says) in [
        (&["--geoip-conf", missing, "--dir", data][..], "no.conf"),
        (&["--geoip-conf", empty, "--dir", data], "empty.conf"),
        (&["--from", file, "--dir", file], file),
    ] {
        let ran = flowtop(&dir, &[&["update"], args].concat());
        assert_eq!(ran.code, Some(1), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("flowtop: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}
