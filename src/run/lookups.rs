//! Services, places and names: opened at the start, and waited for where
//! somebody asked to.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Failure;
use crate::collect::Clock;
use crate::config::SourceOptions;
use crate::enrich::Knowledge;
use crate::enrich::dns::{self, Resolver};
use crate::enrich::geoip::GeoIp;
use crate::enrich::services::{self, Services, Warning};
use crate::flow::Moment;
use crate::sysctl;

/// The longest wait for names that records are to have.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How often to look for answers meanwhile.
const STEP: Duration = Duration::from_millis(20);
/// Who asks for names on the command line wants them soon.
const PER_SEC: u32 = 100;

/// What is known at the start, and what could not be used.
pub(super) struct Opened {
    pub(super) knowledge: Knowledge,
    /// About services.
    pub(super) warnings: Vec<String>,
    /// About databases of places; they hold until these are opened anew.
    pub(super) place_warnings: Vec<String>,
}

/// Opens the files of services and places.
///
/// # Errors
/// If a file that the command line names cannot be read.
pub(super) fn open(options: &SourceOptions) -> Result<Opened, Failure> {
    let lookups = &options.lookups;
    let (services, problems) = Services::load(&services::Settings {
        user_dir: options.user_dir.clone(),
        files: lookups.services.clone(),
        ephemeral: sysctl::local_port_range().unwrap_or(services::Settings::default().ephemeral),
        ..services::Settings::default()
    });
    let mut warnings = Vec::new();
    for problem in problems {
        match problem {
            Warning::Unreadable { ref path, .. }
                if lookups.services_required && lookups.services.contains(path) =>
            {
                return Err(Failure::Services(problem));
            }
            problem => warnings.push(problem.to_string()),
        }
    }
    let mut knowledge = Knowledge::new(services);
    let mut place_warnings = Vec::new();
    if lookups.places.enabled {
        let (geoip, problems) = GeoIp::open(lookups.places.clone());
        place_warnings.extend(problems.iter().map(ToString::to_string));
        knowledge.set_places(Arc::new(geoip));
    }
    Ok(Opened {
        knowledge,
        warnings,
        place_warnings,
    })
}

/// Starts whoever is asked for names, if anybody is. What prevents it goes to
/// `warnings`.
pub(super) fn resolver(
    options: &SourceOptions,
    warnings: &mut Vec<String>,
    wake: impl Fn() + Send + 'static,
) -> Option<Resolver> {
    let settings = options.lookups.names.clone()?;
    match Resolver::start(settings, wake) {
        Ok(resolver) => Some(resolver),
        Err(error) => {
            warnings.push(error.to_string());
            None
        }
    }
}

/// As [`resolver`], for records: in more of a hurry.
pub(super) fn hasty_resolver(
    options: &SourceOptions,
    warnings: &mut Vec<String>,
    wake: impl Fn() + Send + 'static,
) -> Option<Resolver> {
    let mut options = options.clone();
    if let Some(settings) = &mut options.lookups.names {
        *settings = dns::Settings {
            per_sec: PER_SEC,
            burst: PER_SEC,
            in_flight: PER_SEC as usize,
            ..settings.clone()
        };
    }
    resolver(&options, warnings, wake)
}

/// Asks for the names of all `addresses`, and waits until they are known, or
/// [`PATIENCE`] is over. An address is waited for once: with nameservers that
/// do not answer, only the first sample comes late.
pub(super) fn wait_for_names(
    resolver: &mut Resolver,
    knowledge: &mut Knowledge,
    addresses: &[IpAddr],
    waited_for: &mut HashSet<IpAddr>,
    clock: Clock,
) {
    let mut missing: Vec<_> = addresses
        .iter()
        .copied()
        .filter(|address| waited_for.insert(*address))
        .collect();
    let deadline = clock.now().after(PATIENCE);
    loop {
        let now = clock.now();
        take_names(resolver, knowledge, addresses.iter().copied(), now);
        missing.retain(|address| !knowledge.is_asked(*address));
        if missing.is_empty() || now >= deadline {
            return;
        }
        thread::sleep(STEP);
    }
}

/// Picks up answers, and asks for what is still missing of `addresses`.
pub(super) fn take_names(
    resolver: &mut Resolver,
    knowledge: &mut Knowledge,
    addresses: impl IntoIterator<Item = IpAddr>,
    now: Moment,
) {
    knowledge.merge_names(resolver.answers(), now);
    knowledge.set_own_sockets(resolver.own_sockets());
    // What it cannot take now is asked again soon.
    resolver.ask(&knowledge.unnamed(addresses, now));
}
