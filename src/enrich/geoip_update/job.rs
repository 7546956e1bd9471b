//! From `geoip.conf` and the user's accounts to what an update has to do.

use std::fs;
use std::io;

use super::conf::{self, Conf, Kind};
use super::credentials::Account;
use super::report::Attempt;
use super::url::Url;
use super::{Settings, UpdateError};

/// One database to keep current.
pub(super) struct Job {
    /// Kind or edition, for people.
    pub(super) name: String,
    /// The installed file's name.
    pub(super) file: String,
    /// What it must hold; anything useful if absent.
    pub(super) kind: Option<Kind>,
    /// Mirrors in order, each with the addresses of this month and the one
    /// before; or why nothing can be asked.
    pub(super) mirrors: Result<Vec<Vec<Url>>, Attempt>,
    /// The account the server asks for.
    pub(super) account: Option<Account>,
}

/// What is to be done, and warnings about the configuration.
pub(super) fn plan(settings: &Settings) -> Result<(Vec<Job>, Vec<String>), UpdateError> {
    let (conf, origin, warnings) = read_conf(settings)?;
    let kinds = Kind::ALL
        .into_iter()
        .filter_map(|kind| of_kind(settings, &conf, kind));
    let maxmind = conf.maxmind.iter().map(|name| of_maxmind(settings, name));
    let ipinfo = conf.ipinfo.iter().map(|name| of_ipinfo(settings, name));
    let jobs: Vec<Job> = kinds.chain(maxmind).chain(ipinfo).collect();
    if jobs.is_empty() {
        return Err(UpdateError::NothingAsked { conf: origin });
    }
    Ok((jobs, warnings))
}

/// The configuration, what to call it, and its warnings.
fn read_conf(settings: &Settings) -> Result<(Conf, String, Vec<String>), UpdateError> {
    let built_in = || {
        (
            Conf::parse(conf::DEFAULT),
            "the built-in geoip.conf".to_owned(),
        )
    };
    let candidates = match &settings.conf {
        Some(named) => std::slice::from_ref(named),
        None => &settings.conf_search,
    };
    for path in candidates {
        let text = match fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound && settings.conf.is_none() => {
                continue;
            }
            Err(source) => {
                return Err(UpdateError::Conf {
                    path: path.clone(),
                    source,
                });
            }
        };
        let conf = Conf::parse(&text);
        let origin = path.display().to_string();
        let mut warnings: Vec<String> = conf
            .warnings
            .iter()
            .map(|warning| format!("{origin}: {warning}"))
            .collect();
        if conf.is_empty() && conf.old_hosts > 0 {
            warnings.push(format!(
                "{origin} is of the old format throughout: the built-in mirrors are used"
            ));
            let (conf, origin) = built_in();
            return Ok((conf, origin, warnings));
        }
        return Ok((conf, origin, warnings));
    }
    let (conf, origin) = built_in();
    Ok((conf, origin, Vec::new()))
}

fn of_kind(settings: &Settings, conf: &Conf, kind: Kind) -> Option<Job> {
    let month = settings.month();
    let mirrors: Vec<Vec<Url>> = conf
        .mirrors_of(kind)
        .map(|template| template.urls(month))
        .collect();
    (!mirrors.is_empty()).then(|| Job {
        name: kind.word().to_owned(),
        file: format!("{kind}.mmdb"),
        kind: Some(kind),
        mirrors: Ok(mirrors),
        account: None,
    })
}

fn of_maxmind(settings: &Settings, name: &str) -> Job {
    let unable = |reason: String| Attempt {
        from: "MaxMind".into(),
        reason,
    };
    let account = settings.credentials.maxmind.clone().map_err(unable);
    let url = Url::parse(&settings.maxmind_url.replace("{NAME}", name));
    let url = url.map_err(|error| unable(error.to_string()));
    Job {
        name: name.to_owned(),
        file: format!("{name}.mmdb"),
        kind: None,
        mirrors: account.clone().and(url).map(|url| vec![vec![url]]),
        account: account.ok(),
    }
}

fn of_ipinfo(settings: &Settings, name: &str) -> Job {
    let unable = |reason: String| Attempt {
        from: "IPinfo".into(),
        reason,
    };
    let url = settings.credentials.ipinfo.clone().and_then(|token| {
        let base = settings.ipinfo_url.replace("{NAME}", name);
        Url::parse(&format!("{base}?token={}", token.reveal())).map_err(|error| error.to_string())
    });
    Job {
        name: name.to_owned(),
        file: format!("{name}.mmdb"),
        kind: None,
        mirrors: url.map(|url| vec![vec![url]]).map_err(unable),
        account: None,
    }
}
