//! The last gate: a verified file against the one it would replace.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::install::{Target, Temporary};
use super::progress::{Event, Progress};
use super::report::{self, Outcome};
use super::unpack::{self, Unpacked};
use super::verify::Checked;
use super::{Settings, fetch};
use crate::enrich::geoip::{Sidecar, Terms, read_capped};

/// A clock may be wrong by this much before a database counts as built in the
/// future.
const CLOCK_SLACK: Duration = Duration::from_secs(2 * 24 * 3600);

/// The metadata of the database at `path`.
pub(super) fn read_metadata(path: &Path) -> Result<maxminddb::Metadata, String> {
    let bytes = read_capped(path, unpack::LIMIT).map_err(|error| error.to_string())?;
    let reader = maxminddb::Reader::from_source(bytes).map_err(|error| error.to_string())?;
    Ok(reader.metadata().clone())
}

/// The database that an update may replace. Absent if there is none, or none
/// that opens.
pub(super) struct Installed {
    pub(super) build_epoch: u64,
    node_count: u32,
    sha256: String,
    pub(super) sidecar: Sidecar,
}

impl Installed {
    pub(super) fn look(path: &Path) -> Option<Self> {
        let metadata = read_metadata(path).ok()?;
        Some(Self {
            build_epoch: metadata.build_epoch,
            node_count: metadata.node_count,
            sha256: unpack::sha256_of(File::open(path).ok()?).ok()?,
            sidecar: Sidecar::read(path),
        })
    }

    /// What the server at `url` said of this very file; nothing if the file
    /// came from elsewhere or was replaced by hand.
    pub(super) fn validators(&self, url: &str) -> fetch::Validators {
        let sidecar = &self.sidecar;
        let same_file = sidecar.sha256.as_deref() == Some(&self.sha256);
        if same_file && sidecar.url.as_deref() == Some(url) {
            fetch::Validators {
                etag: sidecar.etag.clone(),
                last_modified: sidecar.last_modified.clone(),
            }
        } else {
            fetch::Validators::default()
        }
    }
}

/// A verified file, ready to take its place.
pub(super) struct Arrival<'a> {
    pub(super) temporary: Temporary,
    pub(super) unpacked: Unpacked,
    pub(super) checked: Checked,
    /// Kind or edition, for progress.
    pub(super) name: &'a str,
    /// The file to replace.
    pub(super) file: &'a str,
    /// Where it came from, for people.
    pub(super) from: String,
    /// What to remember of its origin.
    pub(super) sidecar: Sidecar,
}

/// Steps 5 and 6: compares with the installed file and puts it in place. The
/// `Err` says why it was refused.
pub(super) fn admit(
    settings: &Settings,
    target: &Target,
    arrival: Arrival<'_>,
    progress: &mut dyn Progress,
) -> Result<Outcome, String> {
    let installed = Installed::look(&target.path(arrival.file));
    let Arrival {
        temporary,
        unpacked,
        checked,
        from,
        ..
    } = arrival;
    let sidecar = complete(arrival.sidecar, &unpacked, &checked, settings.now);
    let write_sidecar = || {
        let mut text = format!("{:#}", sidecar.to_json());
        text.push('\n');
        // The database works without it; only the next update costs a transfer.
        let _ = target.write(&format!("{}.json", arrival.file), text.as_bytes());
    };
    if let Some(installed) = &installed
        && installed.sha256 == unpacked.sha256
    {
        write_sidecar();
        return Ok(Outcome::Current {
            from,
            build_epoch: installed.build_epoch,
        });
    }
    if !settings.force {
        compare(&checked, installed.as_ref(), settings.now)?;
    }
    progress.event(&Event::Installing { name: arrival.name });
    target.install(temporary, arrival.file).map_err(|error| {
        format!(
            "cannot install {}: {error}",
            target.path(arrival.file).display()
        )
    })?;
    write_sidecar();
    Ok(Outcome::Installed {
        from,
        build_epoch: checked.build_epoch,
        replaced_epoch: installed.map(|installed| installed.build_epoch),
        bytes: unpacked.bytes,
    })
}

fn complete(from: Sidecar, unpacked: &Unpacked, checked: &Checked, now: SystemTime) -> Sidecar {
    let origin = from.url.clone().unwrap_or_default();
    let terms = Terms::of(&[&origin, &checked.database_type]);
    Sidecar {
        sha256: Some(unpacked.sha256.clone()),
        build_epoch: Some(checked.build_epoch),
        fetched_at: Some(report::epoch_of(now)),
        licence: from.licence.or(terms.map(|terms| terms.licence.into())),
        attribution: from
            .attribution
            .or(terms.and_then(|terms| terms.attribution).map(Into::into)),
        ..from
    }
}

/// What `--force` overrides.
fn compare(new: &Checked, old: Option<&Installed>, now: SystemTime) -> Result<(), String> {
    let limit = report::epoch_of(now + CLOCK_SLACK);
    if new.build_epoch > limit {
        return Err(format!(
            "built on {}, which is in the future: check this machine's clock, or use --force",
            report::date(new.build_epoch)
        ));
    }
    let Some(old) = old else { return Ok(()) };
    // A file from the future would block every later one; it counts for none.
    if new.build_epoch < old.build_epoch && old.build_epoch <= limit {
        return Err(format!(
            "built on {}, older than the installed one of {}; --force installs it all the same",
            report::date(new.build_epoch),
            report::date(old.build_epoch)
        ));
    }
    if u64::from(new.node_count) * 2 < u64::from(old.node_count) {
        return Err(format!(
            "only {} nodes where the installed one has {}: it may be cut or of another kind; \
             --force installs it all the same",
            new.node_count, old.node_count
        ));
    }
    Ok(())
}
