//! Asking a mirror for a file: the question and the answers.
//!
//! The client itself is in `http`, which the feature `update` gates. Without it
//! every question has the same answer.

use std::io::Read;

use super::credentials::Account;
use super::url::Url;

#[cfg(feature = "update")]
mod http;
#[cfg(feature = "update")]
pub(super) use http::Client;

/// What the installed file's server said of it: sent back, so that it need not
/// send the same file again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Validators {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    /// Sent to the first address only.
    pub(super) account: Option<&'a Account>,
    pub(super) validators: &'a Validators,
    /// Ask for the headers first, and for the body only if they are news:
    /// MaxMind counts downloads, not such questions.
    pub(super) head_first: bool,
}

/// What a mirror answered.
pub(super) enum Fetched {
    /// Nothing newer than what the validators describe.
    NotModified,
    /// A file, to be read.
    File {
        validators: Validators,
        /// Its length on the wire, if the server said.
        length: Option<u64>,
        body: Box<dyn Read>,
    },
}

/// Why nothing was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Without secrets.
    pub(super) reason: String,
    /// The server has no such file (404 or 410): the month before may do.
    pub(super) missing: bool,
}

#[cfg(feature = "update")]
impl Failure {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            missing: false,
        }
    }
}

/// The client of a flowtop built without one.
#[cfg(not(feature = "update"))]
pub(super) struct Client;

#[cfg(not(feature = "update"))]
impl Client {
    pub(super) fn new() -> Self {
        Self
    }

    /// Always fails, and says how to do without.
    #[expect(clippy::unused_self, reason = "the shape of its counterpart")]
    pub(super) fn fetch(&self, _: &Request<'_>) -> Result<Fetched, Failure> {
        Err(Failure {
            reason: "this flowtop was built without an HTTP client: fetch the file with another \
                     program and install it with --from FILE"
                .into(),
            missing: true,
        })
    }
}
