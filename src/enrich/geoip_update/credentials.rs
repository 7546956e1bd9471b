//! The user's own accounts with makers of databases.
//!
//! They come from the environment or from files, never from the command line,
//! where every user of the machine could read them.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A text that no message, log or debug output shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the request only.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An account with MaxMind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's number.
    pub id: String,
    /// Its licence key.
    pub key: Secret,
}

/// What the user has. An `Err` says why not, and matters only if `geoip.conf`
/// asks for that maker's databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// MaxMind's account.
    pub maxmind: Result<Account, String>,
    /// IPinfo's token.
    pub ipinfo: Result<Secret, String>,
}

/// Where MaxMind's own updater keeps its configuration.
pub const GEOIP_CONF: &str = "/etc/GeoIP.conf";

impl Credentials {
    /// No credentials at all.
    pub fn none() -> Self {
        Self {
            maxmind: Err(NO_MAXMIND.into()),
            ipinfo: Err(NO_IPINFO.into()),
        }
    }

    /// Looks in the environment, then in `geoip_conf` (see [`GEOIP_CONF`]).
    pub fn find(env: &dyn Fn(&str) -> Option<OsString>, geoip_conf: &Path) -> Self {
        Self {
            maxmind: find_maxmind(env, geoip_conf),
            ipinfo: match from_env(env, "IPINFO_TOKEN") {
                Ok(Some(token)) => Ok(Secret::new(token)),
                Ok(None) => Err(NO_IPINFO.into()),
                Err(reason) => Err(reason),
            },
        }
    }
}

const NO_MAXMIND: &str = "no account: set GEOIPUPDATE_ACCOUNT_ID and GEOIPUPDATE_LICENSE_KEY, \
                          or AccountID and LicenseKey in /etc/GeoIP.conf";
const NO_IPINFO: &str = "no token: set IPINFO_TOKEN, or IPINFO_TOKEN_FILE to a file that holds it";

fn find_maxmind(
    env: &dyn Fn(&str) -> Option<OsString>,
    geoip_conf: &Path,
) -> Result<Account, String> {
    let id = from_env(env, "GEOIPUPDATE_ACCOUNT_ID")?;
    let key = from_env(env, "GEOIPUPDATE_LICENSE_KEY")?;
    let (id, key) = match (id, key) {
        (Some(id), Some(key)) => (id, key),
        (id, key) => {
            let text = match fs::read_to_string(geoip_conf) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(NO_MAXMIND.into());
                }
                Err(error) => return Err(format!("{}: {error}", geoip_conf.display())),
            };
            let id = id.or_else(|| conf_value(&text, &["AccountID", "UserId"]));
            let key = key.or_else(|| conf_value(&text, &["LicenseKey"]));
            id.zip(key).ok_or_else(|| {
                format!(
                    "{} does not give both AccountID and LicenseKey",
                    geoip_conf.display()
                )
            })?
        }
    };
    // The samples of MaxMind's updater hold these in place of an account.
    if id == "0" || key == "000000000000" || id.contains("YOUR_") || key.contains("YOUR_") {
        return Err(NO_MAXMIND.into());
    }
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the account's number must be digits".into());
    }
    Ok(Account {
        id,
        key: Secret::new(key),
    })
}

/// The value of `name`, or the contents of the file that `name_FILE` names.
fn from_env(env: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Result<Option<String>, String> {
    let printable = |text: &str| {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| text.to_owned())
    };
    if let Some(value) = env(name).filter(|value| !value.is_empty()) {
        let text = value.to_str().and_then(printable);
        return match text {
            Some(text) => Ok(Some(text)),
            None => Err(format!("{name} holds characters beyond printable ASCII")),
        };
    }
    let file_name = format!("{name}_FILE");
    let Some(path) = env(&file_name).filter(|path| !path.is_empty()) else {
        return Ok(None);
    };
    let path = PathBuf::from(path);
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{file_name}: {}: {error}", path.display()))?;
    match printable(&text) {
        Some(text) => Ok(Some(text)),
        None => Err(format!(
            "{file_name}: {}: expected one line of printable ASCII",
            path.display()
        )),
    }
}

/// The value after the first of `keys` in a file of `Key value` lines.
fn conf_value(text: &str, keys: &[&str]) -> Option<String> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let key = words.next()?;
        keys.contains(&key)
            .then(|| words.next())?
            .map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<OsString> {
        move |name| {
            let (_, value) = pairs.iter().find(|(key, _)| *key == name)?;
            Some((*value).into())
        }
    }

    #[test]
    fn environment_wins_over_the_file() {
        let dir = std::env::temp_dir().join(format!("flowtop-credentials-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let conf = dir.join("GeoIP.conf");
        fs::write(&conf, "# x\nAccountID 12\nLicenseKey file-key\n").unwrap();
        let both = env(&[
            ("GEOIPUPDATE_ACCOUNT_ID", "7"),
            ("GEOIPUPDATE_LICENSE_KEY", "env-key"),
        ]);
        let find = |env: &dyn Fn(&str) -> Option<OsString>| Credentials::find(env, &conf).maxmind;
        let account = |id: &str, key: &str| {
            Ok(Account {
                id: id.into(),
                key: Secret::new(key),
            })
        };
        assert_eq!(find(&both), account("7", "env-key"));
        assert_eq!(find(&env(&[])), account("12", "file-key"));
        fs::write(&conf, "AccountID 0\nLicenseKey 000000000000\n").unwrap();
        assert!(find(&env(&[])).unwrap_err().contains("no account"));
        fs::remove_dir_all(&dir).unwrap();
        assert!(find(&env(&[])).unwrap_err().contains("no account"));
    }

    #[test]
    fn secrets_do_not_print() {
        let token = Credentials::find(
            &env(&[("IPINFO_TOKEN", " abc ")]),
            Path::new("/nonexistent"),
        );
        assert_eq!(token.ipinfo, Ok(Secret::new("abc")));
        assert!(!format!("{token:?}").contains("abc"));
        let odd = env(&[("IPINFO_TOKEN", "a\nb")]);
        let found = Credentials::find(&odd, Path::new("/nonexistent"));
        assert!(found.ipinfo.unwrap_err().contains("printable"));
    }
}
