//! Why flows end.

use super::flow::Flow;
use crate::flow::{Moment, Report, State};

/// Why a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndReason {
    /// Both ends said goodbye: TCP in `TIME_WAIT` or `LAST_ACK`, SCTP shut down,
    /// DCCP in `TIMEWAIT`; or a socket was closed.
    Closed,
    /// One end broke a TCP connection off, or refused it (RST).
    Reset,
    /// No packet came until its timeout ran out.
    TimedOut,
    /// It was removed before its time: by somebody (`conntrack -D`), because
    /// the table was full (early drop), or because the address it was
    /// translated to is gone.
    Deleted,
    /// The kernel said that it ended, but not why: before Linux 5.9 its
    /// `DESTROY` says neither state nor time left.
    Destroyed,
    /// The kernel no longer knows it and never said so: its `DESTROY` was lost,
    /// or it was born while nobody listened (`nf_conntrack_events=2`).
    Vanished,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Closed,
        Self::Reset,
        Self::TimedOut,
        Self::Deleted,
        Self::Destroyed,
        Self::Vanished,
    ];

    /// As it stands in records: `closed`, `reset`, `timed_out`, `deleted`,
    /// `destroyed` or `vanished`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::TimedOut => "timed_out",
            Self::Deleted => "deleted",
            Self::Destroyed => "destroyed",
            Self::Vanished => "vanished",
        }
    }

    /// As people read it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::TimedOut => "timed out",
            other => other.name(),
        }
    }

    /// Whether the kernel told of it, so that its counters are final.
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Vanished)
    }

    /// Why a flow ended of which this is the `DESTROY`. `known` is the flow
    /// before it, and `says_why` whether this kernel tells state and time left
    /// with an end (Linux 5.9 and later).
    pub(super) fn told(
        destroyed: &Report,
        known: Option<&Flow>,
        says_why: bool,
        at: Moment,
    ) -> Self {
        if destroyed.by_socket {
            return Self::Closed;
        }
        let last_state = || known.and_then(Flow::state);
        if let Some(farewell) = destroyed.state.or_else(last_state).and_then(Self::farewell) {
            return farewell;
        }
        if destroyed.timeout_secs.is_some_and(|left| left > 0) {
            return Self::Deleted;
        }
        if says_why || destroyed.state.is_some() {
            return Self::TimedOut;
        }
        // Not said: told by when it was to end, as far as that is known.
        match known.and_then(|flow| flow.timeout_secs(at)) {
            Some(0 | 1) => Self::TimedOut,
            _ => Self::Destroyed,
        }
    }

    /// What a state says about how a flow ended that is in it.
    const fn farewell(state: State) -> Option<Self> {
        match state {
            State::TCP_CLOSE => Some(Self::Reset),
            State::TCP_LAST_ACK
            | State::TCP_TIME_WAIT
            | State::SCTP_CLOSED
            | State::SCTP_SHUTDOWN_ACK_SENT
            | State::DCCP_TIMEWAIT => Some(Self::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Key, L4, Origin, Protocol, Tuple};
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn report(origin: Origin, state: Option<State>, timeout_secs: Option<u32>) -> Report {
        let here = Ipv4Addr::LOCALHOST;
        let orig = Tuple::v4(here, here, Protocol::TCP, L4::Ports { src: 1, dst: 2 });
        Report {
            state,
            timeout_secs,
            ..Report::about(Key { zone: 0, orig }, origin)
        }
    }

    fn told(state: Option<State>, left: Option<u32>) -> EndReason {
        let destroyed = report(Origin::Destroyed, state, left);
        EndReason::told(&destroyed, None, true, Moment::default())
    }

    #[test]
    fn a_state_and_the_time_left_tell_why() {
        use EndReason::{Closed, Deleted, Reset, TimedOut};
        for (state, left, why) in [
            (Some(State::TCP_TIME_WAIT), None, Closed),
            (Some(State::TCP_TIME_WAIT), Some(100), Closed),
            (Some(State::TCP_LAST_ACK), None, Closed),
            (Some(State::TCP_CLOSE), None, Reset),
            (Some(State::TCP_CLOSE), Some(10), Reset),
            (Some(State::TCP_ESTABLISHED), None, TimedOut),
            (Some(State::TCP_ESTABLISHED), Some(431_000), Deleted),
            (Some(State::TCP_SYN_SENT), None, TimedOut),
            (None, None, TimedOut),
            (None, Some(20), Deleted),
            (None, Some(0), TimedOut),
        ] {
            assert_eq!(told(state, left), why, "{state:?} {left:?}");
        }
    }

    #[test]
    fn an_old_kernel_leaves_it_to_the_clock() {
        let start = Moment::default().after(Duration::from_secs(100));
        let (flow, _) = Flow::new(&report(Origin::Dumped, None, Some(30)), start, 1, None);
        let why = |secs| {
            let destroyed = report(Origin::Destroyed, None, None);
            let at = start.after(Duration::from_secs(secs));
            EndReason::told(&destroyed, Some(&flow), false, at)
        };
        assert_eq!(why(30), EndReason::TimedOut);
        assert_eq!(why(40), EndReason::TimedOut);
        assert_eq!(why(10), EndReason::Destroyed, "removed, or refreshed since");
    }

    #[test]
    fn a_socket_that_is_gone_was_closed() {
        let mut destroyed = report(Origin::Destroyed, Some(State::TCP_ESTABLISHED), None);
        destroyed.by_socket = true;
        let why = EndReason::told(&destroyed, None, true, Moment::default());
        assert_eq!(why, EndReason::Closed);
    }

    #[test]
    fn names_are_words_of_their_own() {
        for reason in EndReason::ALL {
            let same = EndReason::ALL.iter().filter(|r| r.name() == reason.name());
            assert_eq!(same.count(), 1);
        }
    }
}
