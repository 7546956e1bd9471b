//! The HTTP client of `flowtop update`.
//!
//! Redirects are followed here and not by the library, because three promises
//! hang on them: no step leaves `https` (save on this machine itself), no
//! account, token or password follows one, and none is ever printed.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::super::credentials::Account;
use super::super::url::Url;
use super::{Failure, Fetched, Request, Validators};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);
/// A line that moves but crawls may take this long for the whole file.
const BODY_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// A line on which nothing moves is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

const MAX_REDIRECTS: usize = 5;

/// The most of an error's text that is shown, in bytes.
const ERROR_TEXT: u64 = 200;

/// The client. Holds the connections and certificates of one update.
pub(in crate::enrich::geoip_update) struct Client {
    agent: Agent,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Head,
    Get,
}

impl Client {
    /// A client that trusts the system's certificates, and the ones compiled in
    /// where the system has none (containers).
    pub(in crate::enrich::geoip_update) fn new() -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("flowtop/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(RESPONSE_TIMEOUT))
            .timeout_recv_body(Some(BODY_TIMEOUT))
            .timeout_per_read(Some(STALL_TIMEOUT))
            .tls_config(TlsConfig::builder().root_certs(root_certs()).build())
            .build();
        Self {
            agent: config.into(),
        }
    }

    /// Asks for a file.
    pub(in crate::enrich::geoip_update) fn fetch(
        &self,
        request: &Request<'_>,
    ) -> Result<Fetched, Failure> {
        if request.head_first && request.validators.last_modified.is_some() {
            let head = self.follow(Method::Head, request)?;
            let modified = header_text(&head, header::LAST_MODIFIED);
            let unchanged = modified.is_some() && modified == request.validators.last_modified;
            if head.status() == StatusCode::NOT_MODIFIED
                || (head.status().is_success() && unchanged)
            {
                return Ok(Fetched::NotModified);
            }
        }
        let response = self.follow(Method::Get, request)?;
        match response.status() {
            StatusCode::NOT_MODIFIED => Ok(Fetched::NotModified),
            StatusCode::OK => accept(response),
            _ => Err(refusal(response, request)),
        }
    }

    /// Sends a request and follows redirects, leaving the account behind.
    fn follow(&self, method: Method, request: &Request<'_>) -> Result<Response<Body>, Failure> {
        let mut url = request.url.clone();
        for hop in 0..=MAX_REDIRECTS {
            let account = request.account.filter(|_| hop == 0);
            let response = self
                .send(method, &url, account, request.validators)
                .map_err(|error| {
                    let proxy = self.proxy_note(&url);
                    Failure::new(redact(&explain(&error), request) + proxy)
                })?;
            if !is_redirect(response.status()) {
                return Ok(response);
            }
            let location = header_text(&response, header::LOCATION)
                .ok_or_else(|| Failure::new("the server redirects to nowhere"))?;
            url = url.redirect(&location).map_err(|error| {
                Failure::new(format!(
                    "the server redirects to an address not followed: {error}"
                ))
            })?;
        }
        Err(Failure::new(format!(
            "the server redirects more than {MAX_REDIRECTS} times"
        )))
    }

    /// Says that a request went through a proxy: then its host may be at fault.
    fn proxy_note(&self, url: &Url) -> &'static str {
        let proxied = !url.is_loopback() && self.agent.config().proxy().is_some();
        if proxied {
            " (asked through the proxy that the environment names, unless NO_PROXY excepts it)"
        } else {
            ""
        }
    }

    fn send(
        &self,
        method: Method,
        url: &Url,
        account: Option<&Account>,
        validators: &Validators,
    ) -> Result<Response<Body>, ureq::Error> {
        let text = url.secret_text();
        let mut request = match method {
            Method::Head => self.agent.head(&text),
            Method::Get => self.agent.get(&text),
        };
        if let Some(account) = account {
            request = request.header(header::AUTHORIZATION, format!("Basic {}", basic(account)));
        }
        if let Some(etag) = &validators.etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(date) = &validators.last_modified {
            request = request.header(header::IF_MODIFIED_SINCE, date);
        }
        if url.is_loopback() {
            // A proxy's loopback is not this machine's.
            request = request.config().proxy(None).build();
        }
        request.call()
    }
}

/// The credentials of the Basic scheme (RFC 7617).
fn basic(account: &Account) -> String {
    STANDARD.encode(format!("{}:{}", account.id, account.key.reveal()))
}

fn root_certs() -> RootCerts {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return RootCerts::WebPki;
    }
    let certs = found
        .certs
        .iter()
        .map(|der| Certificate::from_der(der).to_owned());
    RootCerts::Specific(Arc::new(certs.collect()))
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn header_text(response: &Response<Body>, name: header::HeaderName) -> Option<String> {
    let value = response.headers().get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn accept(response: Response<Body>) -> Result<Fetched, Failure> {
    let kind = header_text(&response, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    if kind.starts_with("text/html") || kind.starts_with("application/xhtml") {
        return Err(Failure::new(
            "the server sent a web page, not a database: a login page of the network, or a wrong address",
        ));
    }
    Ok(Fetched::File {
        validators: Validators {
            etag: header_text(&response, header::ETAG),
            last_modified: header_text(&response, header::LAST_MODIFIED),
        },
        length: response.body().content_length(),
        body: Box::new(response.into_body().into_reader()),
    })
}

/// What a status other than 200 and 304 means, with the server's own words if
/// it has any.
fn refusal(response: Response<Body>, request: &Request<'_>) -> Failure {
    let status = response.status();
    let advice = match status.as_u16() {
        401 | 403 => {
            "the server refuses: check the account, key or token, and whether it may have this database"
        }
        404 | 410 => "the server has no such file",
        407 => "the proxy asks for a user and password: set them in HTTPS_PROXY",
        429 => "the limit of downloads is reached: try again tomorrow",
        500.. => "the server is in trouble: try again later",
        _ => "unexpected answer",
    };
    let mut reason = format!("{advice} (HTTP {})", status.as_u16());
    if let Some(wait) = header_text(&response, header::RETRY_AFTER) {
        reason = format!("{reason}, retry after {}", printable(&wait));
    }
    let plain = header_text(&response, header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/plain"));
    let mut said = Vec::new();
    let read = response
        .into_body()
        .into_reader()
        .take(ERROR_TEXT)
        .read_to_end(&mut said);
    if plain && read.is_ok() && request.url.can_be_redacted() {
        let said = String::from_utf8_lossy(&said);
        if let Some(line) = said.lines().next().filter(|line| !line.trim().is_empty()) {
            reason = format!("{reason}: \"{}\"", printable(line.trim()));
        }
    }
    Failure {
        reason: redact(&reason, request),
        missing: matches!(status.as_u16(), 404 | 410),
    }
}

/// A server's text, harmless to a terminal.
fn printable(text: &str) -> String {
    text.escape_debug().take(ERROR_TEXT as usize).collect()
}

fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => {
            "the host's name has no address: check it and the network's DNS".into()
        }
        ureq::Error::Timeout(what) => format!("the server did not answer in time ({what})"),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "nothing answers there: connection refused".into()
        }
        ureq::Error::Io(error) => format!("the connection failed: {error}"),
        ureq::Error::ConnectProxyFailed(_) => {
            "the proxy refuses to connect: check HTTPS_PROXY".into()
        }
        ureq::Error::InvalidProxyUrl => "HTTPS_PROXY is no address of a proxy".into(),
        ureq::Error::Rustls(error) => format!("no secure connection: {error}"),
        error => format!("the request failed: {error}"),
    }
}

/// Takes every secret of the request out of a message: servers and libraries
/// like to repeat what they were sent.
fn redact(message: &str, request: &Request<'_>) -> String {
    let account = request.account;
    let key = account.map(|account| account.key.reveal().to_owned());
    let secrets = request.url.secrets().map(str::to_owned);
    let secrets = secrets.chain(key).chain(account.map(basic));
    secrets.fold(message.to_owned(), |text, secret| {
        text.replace(&secret, "***")
    })
}
