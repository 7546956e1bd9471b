//! What a source says about flows.

use super::{Counters, Key, Moment, Pair, State, Status, Tuple};

/// How a [`Report`] came about: this decides what its absences mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `IPCTNL_MSG_CT_NEW` event: the flow was born. Carries no counters.
    New,
    /// `IPCTNL_MSG_CT_NEW` event without `NLM_F_CREATE`: something changed.
    /// Carries what changed, and from connection tracking never counters or
    /// time stamps.
    Changed,
    /// `IPCTNL_MSG_CT_DELETE` event: the flow is gone. Carries final counters.
    Destroyed,
    /// A row of a dump of the whole table.
    Dumped,
    /// The answer to a question about this flow alone.
    Fetched,
}

/// One message about one flow. Every `None` means that the message did not
/// say; it never means zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Zone and original tuple.
    pub key: Key,
    /// How this was learned.
    pub origin: Origin,
    /// Whether a socket at an end of the flow says this, not connection
    /// tracking. Its counters are then of what the socket sent and received.
    pub by_socket: bool,
    /// `CTA_ID`: constant while the flow lives; repeats afterwards.
    pub id: Option<u32>,
    /// `CTA_TUPLE_REPLY`.
    pub reply: Option<Tuple>,
    /// `CTA_STATUS`.
    pub status: Option<Status>,
    /// `CTA_PROTOINFO`; absent for offloaded flows.
    pub state: Option<State>,
    /// `CTA_TIMEOUT`, seconds to live; absent for offloaded flows.
    pub timeout_secs: Option<u32>,
    /// `CTA_MARK`; a dump always says it, an event only if it is set or
    /// changed.
    pub mark: Option<u32>,
    /// `CTA_COUNTERS_*`; only in dumps, fetches and `DESTROY`, and only for
    /// flows born while accounting was on.
    pub counters: Option<Pair<Counters>>,
    /// `CTA_TIMESTAMP_START`, nanoseconds since 1970; only for flows born
    /// while time stamping was on.
    pub start_ns: Option<u64>,
    /// `CTA_TIMESTAMP_STOP`, nanoseconds since 1970; only in `DESTROY`.
    pub stop_ns: Option<u64>,
    /// What few flows have.
    pub rare: Option<Box<Rare>>,
}

impl Report {
    /// A report that says nothing yet but which flow it is about.
    pub const fn about(key: Key, origin: Origin) -> Self {
        Self {
            key,
            origin,
            by_socket: false,
            id: None,
            reply: None,
            status: None,
            state: None,
            timeout_secs: None,
            mark: None,
            counters: None,
            start_ns: None,
            stop_ns: None,
            rare: None,
        }
    }
}

/// Attributes that few flows have, apart so that the others stay small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rare {
    /// `CTA_HELP_NAME`: the helper that reads this flow ("ftp").
    pub helper: Option<Box<str>>,
    /// `CTA_TUPLE_MASTER`: the flow in which a helper found this one announced.
    pub master: Option<Tuple>,
    /// `CTA_LABELS`: 128 label bits, as the kernel lays them out.
    pub labels: Option<[u8; 16]>,
    /// `CTA_SECCTX_NAME`: the security label.
    pub secctx: Option<Box<str>>,
}

/// Everything a source can tell the flow table.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// Something about one flow.
    Flow(Report),
    /// A dump of the whole table begins; its rows follow, mixed with events.
    DumpBegin,
    /// The dump is over. Only a complete one proves absence.
    DumpEnd {
        /// Whether the kernel delivered it to the end.
        complete: bool,
    },
    /// What a socket at an end of a flow has counted, for a flow that connection
    /// tracking does not count.
    Counted {
        /// Zone and original tuple, as connection tracking has them.
        key: Key,
        /// Since the socket was connected.
        counters: Pair<Counters>,
    },
    /// The kernel does not know this flow (the answer `ENOENT`).
    Absent(Key),
    /// The kernel dropped this many events because nobody read them in time.
    Overrun {
        /// Number of dropped messages.
        lost: u64,
    },
    /// Whether `UPDATE` events arrive. They are given up first under load.
    Shed {
        /// `true`: given up; `false`: back.
        updates: bool,
    },
}

/// Updates that arrived together, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// When they were read from the kernel.
    pub at: Moment,
    /// In the order of arrival.
    pub updates: Vec<Update>,
}
