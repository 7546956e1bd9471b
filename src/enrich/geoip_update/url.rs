//! The addresses of mirrors: which are allowed, and how they are shown.
//!
//! A mirror's address may hold secrets (`user:password@`, `?token=`), so that
//! the only way to print one leaves both out.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An absolute `http` or `https` address (RFC 3986), printable without
/// secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    https: bool,
    /// `user:password`, without the `@`.
    userinfo: Option<String>,
    /// Host and port as written, in lower case.
    host: String,
    /// From the first slash on, without the query; `/` if there is none.
    path: String,
    /// Without the question mark.
    query: Option<String>,
}

/// Why a text is no address to fetch from; names no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// The scheme is neither `http` nor `https`.
    #[error("the address must begin with https://")]
    Scheme,
    /// The host is missing or malformed.
    #[error("the address names no host")]
    Host,
    /// White space, a control character or a letter beyond ASCII.
    #[error("the address holds a character that must be percent-encoded")]
    Character,
    /// Plain `http` to a host that is not this one.
    #[error("http:// is allowed to this machine only; use https://")]
    Plain,
}

impl Url {
    /// Reads an address and checks that fetching from it is allowed: `https`
    /// anywhere, plain `http` to a loopback address only.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme);
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo.to_owned()), host),
            None => (None, authority),
        };
        let url = Self {
            https,
            userinfo,
            host: host.to_ascii_lowercase(),
            path: path.to_owned(),
            query,
        };
        if !url.has_sound_host() {
            return Err(UrlError::Host);
        }
        if !https && !url.is_loopback() {
            return Err(UrlError::Plain);
        }
        Ok(url)
    }

    /// The host without the port.
    fn bare_host(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((host, _)) if !self.host.ends_with(']') => host,
            _ => &self.host,
        }
    }

    fn has_sound_host(&self) -> bool {
        let bare = self.bare_host();
        let port = self.host[bare.len()..].strip_prefix(':');
        let name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let host_ok = match bare.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
            None => !bare.is_empty() && bare.bytes().all(name),
        };
        host_ok && port.is_none_or(|port| port.parse::<u16>().is_ok())
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        let bare = self.bare_host();
        let address = bare.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }

    /// Where a redirect leads (RFC 3986, section 5.2, without `..`). Never to
    /// plain `http` from `https`, and with no user or password of this address.
    pub fn redirect(&self, location: &str) -> Result<Self, UrlError> {
        let scheme = if self.https { "https" } else { "http" };
        let host = &self.host;
        let absolute = if location.contains("://") {
            location.to_owned()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{host}{location}")
        } else {
            let folder = self.path.rfind('/').map_or("", |at| &self.path[..at]);
            format!("{scheme}://{host}{folder}/{location}")
        };
        let target = Self::parse(&absolute)?;
        if self.https && !target.https {
            return Err(UrlError::Plain);
        }
        Ok(target)
    }

    /// The whole address, secrets included: for the request only.
    pub(super) fn secret_text(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let user = self.userinfo.as_ref().map(|u| format!("{u}@"));
        let query = self.query.as_ref().map(|q| format!("?{q}"));
        format!(
            "{scheme}://{}{}{}{}",
            user.unwrap_or_default(),
            self.host,
            self.path,
            query.unwrap_or_default()
        )
    }

    /// Whether taking [`Url::secrets`] out of a server's words leaves none: not
    /// where the server may have decoded them before it repeats them.
    pub(super) fn can_be_redacted(&self) -> bool {
        self.userinfo.is_none()
            && !self
                .query
                .as_deref()
                .unwrap_or_default()
                .contains(['%', '+'])
    }

    /// The parts that must never appear in a message: what comes before the
    /// `@` and the values of the query.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        let userinfo = self.userinfo.iter().flat_map(|text| text.split(':'));
        let query = self.query.iter().flat_map(|text| text.split('&'));
        let values = query.map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
        userinfo.chain(values).filter(|secret| secret.len() >= 4)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.host, self.path)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_this_machine_only() {
        for allowed in [
            "https://mirror.example/a.mmdb",
            "HTTPS://Mirror.Example:8443",
            "http://127.0.0.1:8080/a",
            "http://[::1]:80/a",
            "http://localhost/a",
        ] {
            assert!(Url::parse(allowed).is_ok(), "{allowed}");
        }
        for (refused, why) in [
            ("http://mirror.example/a", UrlError::Plain),
            ("http://127.0.0.1.example/a", UrlError::Plain),
            ("http://localhost.example/a", UrlError::Plain),
            ("http://127.0.0.1@mirror.example/a", UrlError::Plain),
            ("ftp://mirror.example/a", UrlError::Scheme),
            ("mirror.example", UrlError::Scheme),
            ("https:///a", UrlError::Host),
            ("https://mirror.example:port/", UrlError::Host),
            ("https://[::1/", UrlError::Host),
            ("https://mirror.example/a b", UrlError::Character),
            ("https://mirror.example/\r\nx", UrlError::Character),
        ] {
            assert_eq!(Url::parse(refused), Err(why), "{refused}");
        }
    }

    #[test]
    fn printing_leaves_secrets_out() {
        let url = Url::parse("https://user:hunter2@m.example/a.mmdb?token=s3cret&x=1#f").unwrap();
        assert_eq!(url.to_string(), "https://m.example/a.mmdb");
        assert_eq!(format!("{url:?}"), "https://m.example/a.mmdb");
        assert_eq!(
            url.secret_text(),
            "https://user:hunter2@m.example/a.mmdb?token=s3cret&x=1"
        );
        assert_eq!(
            url.secrets().collect::<Vec<_>>(),
            ["user", "hunter2", "s3cret"]
        );
    }

    #[test]
    fn redirects_keep_no_password_and_never_drop_tls() {
        let from = Url::parse("https://user:pass@m.example/dir/a.mmdb?token=1").unwrap();
        let to = |location| from.redirect(location).map(|url| url.secret_text());
        assert_eq!(to("b.mmdb").unwrap(), "https://m.example/dir/b.mmdb");
        assert_eq!(to("/b?x=1").unwrap(), "https://m.example/b?x=1");
        assert_eq!(to("//n.example/b").unwrap(), "https://n.example/b");
        assert_eq!(to("https://n.example").unwrap(), "https://n.example/");
        assert_eq!(to("http://127.0.0.1/b"), Err(UrlError::Plain));
        assert_eq!(to("file:///etc/passwd"), Err(UrlError::Scheme));
    }
}
