//! Which source tells of flows: connection tracking where it can be read and
//! sees something, else the sockets of this machine.

use std::sync::mpsc::SyncSender;

use crate::collect::{Clock, Kernel, Settings, Sockets, Source, SourceError, SourceKind};
use crate::config::SourceMode;
use crate::engine::Input;
use crate::netlink::tracking::{Tracking, check_readable, tracking};
use crate::sysctl;

/// Why sockets are shown where nobody asked for them.
#[derive(Debug, thiserror::Error)]
pub(super) enum Instead {
    /// Connection tracking cannot be read.
    #[error("{0}")]
    Unreadable(SourceError),
    /// It can, and would show nothing.
    #[error("no rule in this network namespace asks the kernel to track connections")]
    Untracked,
}

/// A source, and how it came to be chosen.
pub(super) struct Chosen {
    pub(super) source: Box<dyn Source>,
    /// Why it is not connection tracking, unless sockets were asked for.
    pub(super) instead: Option<Instead>,
}

/// Opens the source of `mode`.
///
/// 1. Connection tracking, if it is asked for, or may be read and sees
///    something: a rule wants it, or there are flows; `tracked` says that there
///    will be such a rule.
/// 2. Otherwise sockets, which anybody may see.
///
/// # Errors
/// If the one that is asked for cannot be had, or neither.
pub(super) fn choose(
    mode: SourceMode,
    tracked: bool,
    settings: Settings,
    clock: Clock,
    out: &SyncSender<Input>,
) -> Result<Chosen, SourceError> {
    let instead = match mode {
        SourceMode::Sockets => None,
        SourceMode::Conntrack => {
            return Ok(Chosen {
                source: open(SourceKind::Conntrack, settings, clock, out)?,
                instead: None,
            });
        }
        // A source that wants no events would notice only later.
        SourceMode::Auto => {
            match check_readable().and_then(|()| Kernel::start(settings, clock, out)) {
                Ok(kernel) if tracked || sees_anything() => {
                    return Ok(Chosen {
                        source: Box::new(kernel),
                        instead: None,
                    });
                }
                Ok(_) => Some(Instead::Untracked),
                Err(
                    error @ (SourceError::NotPermitted { .. } | SourceError::Unavailable { .. }),
                ) => Some(Instead::Unreadable(error)),
                Err(error) => return Err(error),
            }
        }
    };
    Ok(Chosen {
        source: open(SourceKind::Sockets, settings, clock, out)?,
        instead,
    })
}

/// Opens one kind of source.
pub(super) fn open(
    kind: SourceKind,
    settings: Settings,
    clock: Clock,
    out: &SyncSender<Input>,
) -> Result<Box<dyn Source>, SourceError> {
    Ok(match kind {
        SourceKind::Conntrack => Box::new(Kernel::start(settings, clock, out)?),
        SourceKind::Sockets => Box::new(Sockets::start(settings, clock, out)?),
    })
}

/// Whether connection tracking has anything to show, or will have.
fn sees_anything() -> bool {
    tracking() == Tracking::Wanted || sysctl::count().is_some_and(|flows| flows > 0)
}

/// Says on standard error that sockets are shown, why, and what would show
/// more.
pub(super) fn explain(why: &Instead) {
    super::say(hint(why));
}

/// What stands in for connection tracking, why, and what would show more.
pub(super) fn hint(why: &Instead) -> String {
    match why {
        Instead::Unreadable(SourceError::NotPermitted { .. }) => format!(
            "only the sockets of this machine are shown: connection tracking may not be read \
             without CAP_NET_ADMIN; {}",
            super::grant()
        ),
        Instead::Unreadable(error) => {
            format!("only the sockets of this machine are shown: {error}")
        }
        Instead::Untracked => format!(
            "only the sockets of this machine are shown: {why}; --track adds a harmless one \
             until flowtop exits"
        ),
    }
}
