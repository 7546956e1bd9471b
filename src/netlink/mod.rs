//! The bytes between the kernel and this program.
//!
//! [`socket`] owns the sockets (and all `unsafe` of the crate), [`wire`] walks
//! and writes netlink messages and attributes, [`conntrack`] knows what those
//! of ctnetlink mean, [`sockdiag`] those about sockets, [`route`] those about
//! links, addresses and routes. [`tracking`] finds out whether anything in this
//! network namespace asks the kernel to track connections at all, and
//! [`nftables`] asks for it until further notice; [`namespace`] leads to other
//! network namespaces.

pub mod conntrack;
pub mod namespace;
pub mod nftables;
pub mod route;
pub mod sockdiag;
pub mod socket;
pub mod tracking;
pub mod wire;

use std::io;

/// Why the kernel's connection tracking cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The kernel has no connection tracking, or not the netlink part of it.
    #[error(
        "{action}: this kernel offers no connection tracking over netlink ({source}); \
         load it with: modprobe nf_conntrack_netlink"
    )]
    Unavailable {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The process lacks `CAP_NET_ADMIN` in the user namespace that owns this
    /// network namespace.
    #[error("{action}: the kernel wants the capability CAP_NET_ADMIN ({source})")]
    NotPermitted {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Anything else.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
}

impl NetlinkError {
    /// Sorts the kernel's answer by what the user can do about it.
    pub(crate) fn new(action: &'static str, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::NotPermitted { action, source },
            // No such protocol family; no such netlink family; no handler for
            // the subsystem (nfnetlink answers EINVAL for an unknown one).
            Some(libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT | libc::EOPNOTSUPP | libc::EINVAL) => {
                Self::Unavailable { action, source }
            }
            _ => Self::Io { action, source },
        }
    }
}

impl From<sockdiag::DiagError> for NetlinkError {
    fn from(error: sockdiag::DiagError) -> Self {
        match error {
            sockdiag::DiagError::Io { action, source } => Self::Io { action, source },
            other => Self::Io {
                action: "asking the kernel about its sockets",
                source: io::Error::other(other),
            },
        }
    }
}

/// Whether reading failed because the kernel had dropped messages for want of
/// room. What it did not drop is still to be read.
pub fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}
