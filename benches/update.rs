//! What an update costs in memory: the file, and a few megabytes. Installs the
//! database of `geoip/` from the disk, every record checked, and compares the
//! peak of the resident memory with the size of the file.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark reports to a person and stops at the first surprise"
)]

use std::fs;
use std::path::Path;
use std::time::{Instant, SystemTime};

use flowtop::enrich::geoip_update::{Settings, update};

fn main() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("geoip/country.mmdb");
    let dir = std::env::temp_dir().join(format!("flowtop-bench-update-{}", std::process::id()));
    let before = peak_kib();
    let start = Instant::now();
    let report = update(
        &Settings {
            from: Some(file.clone()),
            ..Settings::bare(dir.clone(), SystemTime::now())
        },
        &mut (),
    )
    .unwrap();
    let took = start.elapsed();
    let peak = peak_kib() - before;
    fs::remove_dir_all(&dir).unwrap();
    assert_eq!(report.exit_code(), 0, "{report:?}");
    let size = fs::metadata(&file).unwrap().len() / 1024;
    println!(
        "a file of {size} KiB, checked and installed in {} ms: peak {peak} KiB, {} KiB more than \
         the file (reach: a few thousand)",
        took.as_millis(),
        peak.saturating_sub(size)
    );
}

/// The most memory this process has had at once.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
