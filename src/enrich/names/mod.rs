//! What hosts are called, and who said so.
//!
//! Four sources name an address; the first that knows it wins:
//!
//! 1. the `[names]` table of the configuration,
//! 2. the DHCP leases of dnsmasq,
//! 3. `/etc/hosts`,
//! 4. reverse DNS.
//!
//! [`Local`] holds the first three and belongs to the resolver's thread, which
//! reads the files. [`Names`] is the book of answers: it belongs to whoever
//! shows names, never waits, and says what is worth asking.

mod book;
mod escape;
mod hosts;
mod leases;
mod local;
mod watched;

pub use book::{NameState, Names, RECHECK};
pub use escape::{MAX_NAME_BYTES, from_labels, from_text, line};
pub use local::{Local, Settings};
pub use watched::Watched;

use std::net::IpAddr;
use std::sync::Arc;

/// Who gave a name, or the reason why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The `[names]` table of the configuration.
    Config,
    /// A DHCP lease of dnsmasq.
    Lease,
    /// `/etc/hosts`.
    Hosts,
    /// Reverse DNS, or the system's resolver.
    Dns,
}

/// What the resolver found out about one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address, canonical (an IPv4-mapped one as IPv4).
    pub addr: IpAddr,
    /// The name, escaped; `None` if the address has none, if nobody answered,
    /// or if nobody may be asked about it.
    pub name: Option<Arc<str>>,
    /// Who gave the name, or denied it.
    pub source: Source,
}
