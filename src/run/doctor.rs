//! `flowtop doctor`: what can be seen here, and what would let more be seen.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use super::{Failure, grant, netns};
use crate::collect::SourceError;
use crate::config::DoctorOptions;
use crate::enrich::geoip::GeoIp;
use crate::enrich::locality::{self, Locality};
use crate::flow::{Family, Protocol};
use crate::netlink::sockdiag::Diag;
use crate::netlink::tracking::{Tracking, check_readable, tracking};
use crate::sysctl;
use crate::view::health::{self, Severity};
use crate::view::units;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As good as it gets.
    Good,
    /// It works, and could be better.
    Fair,
    /// Something is missing on the screen because of it.
    Bad,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Fair => "note",
            Self::Bad => "no",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    verdict: Verdict,
    what: &'static str,
    /// How it is, and if it is not good, what to do about it.
    text: String,
}

const fn finding(verdict: Verdict, what: &'static str, text: String) -> Finding {
    Finding {
        verdict,
        what,
        text,
    }
}

/// Prints what was found. 0 if connection tracking can be read and sees flows.
pub(super) fn doctor(options: &DoctorOptions) -> Result<ExitCode, Failure> {
    netns::enter(options.netns.as_deref())?;
    let (reading, is_readable) = reading();
    let (rules, is_wanted) = rules(is_readable);
    let mut findings = vec![reading, rules];
    findings.extend(switches());
    let size = sysctl::count().zip(sysctl::max());
    let room = room(size, &options.health);
    findings.extend([room, sockets(), processes(), locality(), places(options)]);
    let mut out = io::stdout().lock();
    let text = layout(&findings);
    out.write_all(text.as_bytes()).map_err(Failure::Output)?;
    Ok(if is_readable && is_wanted {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// A line each; the verdict first, so that it can be searched for.
fn layout(findings: &[Finding]) -> String {
    let width = findings.iter().map(|f| f.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Finding {
        verdict,
        what,
        text: told,
    } in findings
    {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:4}  {what:width$}  {told}", verdict.word());
    }
    text
}

/// Whether connection tracking may be read.
fn reading() -> (Finding, bool) {
    let what = "connection tracking";
    match check_readable() {
        Ok(()) => (finding(Verdict::Good, what, "can be read".into()), true),
        Err(error @ SourceError::NotPermitted { .. }) => {
            let text = format!("{error}; sockets are shown instead; {}", grant());
            (finding(Verdict::Bad, what, text), false)
        }
        Err(error) => {
            let text = format!("{error}; sockets are shown instead");
            (finding(Verdict::Bad, what, text), false)
        }
    }
}

/// Whether a rule wants connections to be tracked.
fn rules(is_readable: bool) -> (Finding, bool) {
    let what = "rules";
    let flows = sysctl::count().unwrap_or(0);
    let some = |text: &str| (finding(Verdict::Good, what, text.into()), true);
    match tracking() {
        Tracking::Wanted => some("one at least has the kernel track connections"),
        _ if flows > 0 => some("connections are tracked"),
        Tracking::Unwanted => {
            let text = "none has the kernel track connections; flowtop --track, or the key E, \
                        adds a harmless one while flowtop runs";
            (finding(Verdict::Bad, what, text.into()), false)
        }
        Tracking::Unknown => {
            let text = if is_readable {
                "whether one has the kernel track connections cannot be told"
            } else {
                "not to be read by this user; nothing is tracked so far"
            };
            (finding(Verdict::Fair, what, text.into()), false)
        }
    }
}

/// The kernel's switches.
fn switches() -> Vec<Finding> {
    let accounting = sysctl::read();
    let switch = |what, name: &str, on: Option<bool>, lack: &str| match on {
        Some(true) => finding(Verdict::Good, what, format!("{name} is on")),
        Some(false) => finding(
            Verdict::Fair,
            what,
            format!("{name} is off: {lack}; flowtop switches it on while it runs, if it may"),
        ),
        None => finding(
            Verdict::Fair,
            what,
            format!("{name} cannot be read: the kernel has no connection tracking yet"),
        ),
    };
    let mut findings = vec![
        switch(
            "accounting",
            "nf_conntrack_acct",
            accounting.acct,
            "flows that begin now are never counted",
        ),
        switch(
            "time stamps",
            "nf_conntrack_timestamp",
            accounting.timestamp,
            "ages of flows that begin now are not exact",
        ),
    ];
    findings.extend(sysctl::events().map(|events| {
        match events {
        0 => finding(
            Verdict::Fair,
            "events",
            "nf_conntrack_events is 0: short flows between two refreshes are missed; set it to 1"
                .into(),
        ),
        _ => finding(
            Verdict::Good,
            "events",
            format!("nf_conntrack_events is {events}: flows tell when they begin and end"),
        ),
    }
    }));
    findings
}

/// Whether the table has room: how many flows are in it, and how many there can
/// be. As the viewer has it.
fn room(size: Option<(u64, u64)>, limits: &health::Settings) -> Finding {
    let what = "table";
    let Some((used, max)) = size else {
        return finding(Verdict::Fair, what, "its size cannot be read".into());
    };
    let mut text = String::new();
    units::grouped(&mut text, used);
    text.push_str(" of ");
    units::grouped(&mut text, max);
    let _ = write!(text, " flows");
    if let Some(percent) = health::percent(used, max) {
        let _ = write!(text, " ({percent} %)");
    }
    let verdict = match limits.of_table(used, max) {
        None => return finding(Verdict::Good, what, text),
        Some(Severity::Critical) => Verdict::Bad,
        Some(_) => Verdict::Fair,
    };
    text.push_str("; when it is full, new connections fail: raise nf_conntrack_max");
    finding(verdict, what, text)
}

/// Which sockets the kernel tells of.
fn sockets() -> Finding {
    let what = "sockets";
    let mut diag = match Diag::open() {
        Ok(diag) => diag,
        Err(error) => return finding(Verdict::Bad, what, error.to_string()),
    };
    let mut told = Vec::new();
    let mut missing = Vec::new();
    for proto in [Protocol::TCP, Protocol::UDP, Protocol::UDPLITE] {
        let mut count = 0;
        let mut complete = true;
        for family in [Family::Ipv4, Family::Ipv6] {
            complete &= diag.dump(proto, family, false, &mut |_| count += 1).is_ok();
        }
        if complete {
            told.push(format!("{count} {proto}"));
        } else {
            missing.push(proto.to_string());
        }
    }
    let mut text = format!("the kernel tells of {}", told.join(", "));
    if missing.is_empty() {
        return finding(Verdict::Good, what, text);
    }
    let _ = write!(text, "; not of {}", missing.join(", "));
    let verdict = if told.is_empty() {
        Verdict::Bad
    } else {
        Verdict::Fair
    };
    finding(verdict, what, text)
}

/// Of how many processes it may be seen which sockets they hold.
fn processes() -> Finding {
    let what = "processes";
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let (mut seen, mut all) = (0_usize, 0_usize);
    for entry in entries {
        let name = entry.file_name();
        if !name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
            continue;
        }
        all += 1;
        // A process without descriptors, as those of the kernel, hides nothing.
        let fds = fs::read_dir(entry.path().join("fd"));
        seen += usize::from(fds.is_ok_and(|mut fds| match fds.next() {
            Some(Ok(fd)) => fs::read_link(fd.path()).is_ok(),
            _ => true,
        }));
    }
    let text = format!("the sockets of {seen} of {all} can be seen");
    if seen + all / 20 >= all {
        return finding(Verdict::Good, what, text);
    }
    let text = format!(
        "{text}; flows of the others have (no permission); {}",
        grant()
    );
    finding(Verdict::Fair, what, text)
}

/// Whether directions can be told.
fn locality() -> Finding {
    let what = "directions";
    match Locality::read(locality::Settings::default()) {
        Ok(locality) => {
            let links = locality.links().iter().filter(|link| link.is_up);
            let names: Vec<_> = links.map(|link| &*link.name).collect();
            let text = format!("interfaces that are up: {}", names.join(", "));
            finding(Verdict::Good, what, text)
        }
        Err(error) => finding(Verdict::Bad, what, error.to_string()),
    }
}

/// Which databases of places there are.
fn places(options: &DoctorOptions) -> Finding {
    let what = "places";
    if !options.places.enabled {
        return finding(Verdict::Fair, what, "switched off".into());
    }
    let (geoip, problems) = GeoIp::open(options.places.clone());
    let now = SystemTime::now();
    let mut stale = false;
    let mut texts: Vec<_> = geoip
        .sources()
        .map(|source| {
            stale |= source.is_stale(now);
            let days = source.age(now).as_secs() / 86_400;
            format!("{} from {}, {days} days old", source.gives, source.name())
        })
        .collect();
    texts.extend(problems.iter().map(ToString::to_string));
    if stale {
        texts.push("`flowtop update` fetches new ones".to_owned());
    }
    let verdict = match (texts.is_empty(), stale || !problems.is_empty()) {
        (true, _) => Verdict::Bad,
        (_, true) => Verdict::Fair,
        _ => Verdict::Good,
    };
    if texts.is_empty() {
        texts.push("no database; `flowtop update` fetches some".to_owned());
    }
    finding(verdict, what, texts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_is_a_line_that_begins_with_its_verdict() {
        let text = layout(&[
            finding(Verdict::Good, "table", "3 of 10 flows (30 %)".into()),
            finding(Verdict::Bad, "accounting", "is off".into()),
        ]);
        assert_eq!(
            text,
            "ok    table       3 of 10 flows (30 %)\nno    accounting  is off\n"
        );
    }

    #[test]
    fn a_table_is_as_full_as_the_viewer_has_it() {
        use Verdict::{Bad, Fair, Good};
        let limits = health::Settings::default();
        let told = |used| room(Some((used, 100)), &limits).verdict;
        let verdicts = [69, 70, 84, 85, 100].map(told);
        assert_eq!(verdicts, [Good, Fair, Fair, Bad, Bad]);
        let strict = health::Settings {
            table_crit_percent: 10,
            ..limits
        };
        let full = room(Some((1000, 10_000)), &strict);
        assert_eq!(full.verdict, Bad);
        assert!(full.text.starts_with("1,000 of 10,000 flows (10 %); when"));
        assert_eq!(room(None, &limits).verdict, Fair);
        assert_eq!(room(Some((0, 0)), &limits).text, "0 of 0 flows");
    }
}
