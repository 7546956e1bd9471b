//! Whose flow it is, and what the socket knows.

use super::{Field, Kind, Record, Value, of_row};
use crate::enrich::owners::{Account, Cgroup, Container, Owner, Process, Unknown};
use crate::flow::{Congestion, Pair, TcpFigures};
use crate::view::Row;

/// Which owner of a row.
type Which = for<'r> fn(&'r Row<'_>) -> Option<&'r Owner>;

const OURS: Which = |row| row.owner();
const SOURCE: Which = |row| end(row, |owners| &owners.orig);
const DESTINATION: Which = |row| end(row, |owners| &owners.reply);

fn end<'r>(row: &'r Row<'_>, get: fn(&Pair<Option<Owner>>) -> &Option<Owner>) -> Option<&'r Owner> {
    get(row.owners?).as_ref()
}

fn of_owner<'a>(
    record: &'a Record<'_>,
    which: Which,
    get: impl FnOnce(&'a Owner) -> Value<'a>,
) -> Value<'a> {
    of_row(record, |row| which(row).map_or(Value::Absent, get))
}

fn of_process<'a>(
    record: &'a Record<'_>,
    which: Which,
    get: impl FnOnce(&'a Process) -> Value<'a>,
) -> Value<'a> {
    of_owner(record, which, |owner| {
        owner.process.as_deref().map_or(Value::Absent, get)
    })
}

fn of_account<'a>(record: &'a Record<'_>, get: impl FnOnce(&'a Account) -> Value<'a>) -> Value<'a> {
    of_owner(record, OURS, |owner| {
        owner
            .account()
            .map_or(Value::Absent, |account| get(account))
    })
}

fn of_cgroup<'a>(record: &'a Record<'_>, get: impl FnOnce(&'a Cgroup) -> Value<'a>) -> Value<'a> {
    of_owner(record, OURS, |owner| {
        owner.cgroup().map_or(Value::Absent, |cgroup| get(cgroup))
    })
}

fn of_container<'a>(
    record: &'a Record<'_>,
    get: impl FnOnce(&'a Container) -> Value<'a>,
) -> Value<'a> {
    of_cgroup(record, |cgroup| {
        cgroup.container.as_ref().map_or(Value::Absent, get)
    })
}

fn of_figures<'a, N: Into<u64>>(
    record: &'a Record<'_>,
    get: fn(&TcpFigures) -> Option<N>,
) -> Value<'a> {
    of_owner(record, OURS, |owner| {
        owner.figures.as_ref().and_then(get).map(Into::into).into()
    })
}

fn pid<'a>(record: &'a Record<'_>, which: Which) -> Value<'a> {
    of_process(record, which, |process| Value::Uint(process.pid.into()))
}

fn name<'a>(record: &'a Record<'_>, which: Which) -> Value<'a> {
    of_process(record, which, |process| Value::Text(&process.name))
}

/// Whose flow it is, in the order of a record.
pub(super) const FIELDS: &[Field] = &[
    Field {
        key: "pid",
        kind: Kind::Integer,
        doc: "Process on this machine whose flow it is: of flows that go out the one that sends, \
              of flows that come in the one that answers, of flows within this machine the \
              client. The process that held the socket when it was looked at.",
        get: |r| pid(r, OURS),
    },
    Field {
        key: "process",
        kind: Kind::Text,
        doc: "Its name; not printable characters are escaped, here as in all that it chose.",
        get: |r| name(r, OURS),
    },
    Field {
        key: "exe",
        kind: Kind::Text,
        doc: "Path of its executable; absent if that may not be read.",
        get: |r| of_process(r, OURS, |process| process.exe.as_deref().into()),
    },
    Field {
        key: "cmdline",
        kind: Kind::Text,
        doc: "Its command line.",
        get: |r| of_process(r, OURS, |process| process.cmdline.as_deref().into()),
    },
    Field {
        key: "user",
        kind: Kind::Text,
        doc: "Name of the user that the socket belongs to, or else the process; known even where \
              the process is not.",
        get: |r| of_account(r, |account| account.name.as_deref().into()),
    },
    Field {
        key: "uid",
        kind: Kind::Integer,
        doc: "Number of that user.",
        get: |r| of_account(r, |account| Value::Uint(account.uid.into())),
    },
    Field {
        key: "unit",
        kind: Kind::Text,
        doc: "The systemd unit it runs in, by its cgroup.",
        get: |r| of_cgroup(r, |cgroup| cgroup.unit.as_deref().into()),
    },
    Field {
        key: "container",
        kind: Kind::Text,
        doc: "The container it runs in, by its cgroup: its name if files of the runtime tell, \
              else the first twelve digits of its id.",
        get: |r| of_container(r, |container| Value::Text(container.label())),
    },
    Field {
        key: "pod",
        kind: Kind::Text,
        doc: "The pod of that container as namespace/name, if files of the runtime tell.",
        get: |r| of_container(r, |container| container.pod.as_deref().into()),
    },
    Field {
        key: "owner_unknown",
        kind: Kind::Text,
        doc: "Why there is no process: forwarded, gone (nobody holds the socket any more), \
              ambiguous (several processes have a socket that may have it), \
              no_permission (it belongs to somebody whose processes one may not see) or kernel \
              (none is behind it). Absent with a process, and where nobody has looked.",
        get: |r| {
            of_row(r, |row| {
                let process = row.process();
                process.and_then(Result::err).map(Unknown::name).into()
            })
        },
    },
    Field {
        key: "src_pid",
        kind: Kind::Integer,
        doc: "Process at the source, if that is on this machine.",
        get: |r| pid(r, SOURCE),
    },
    Field {
        key: "src_process",
        kind: Kind::Text,
        doc: "Its name.",
        get: |r| name(r, SOURCE),
    },
    Field {
        key: "dst_pid",
        kind: Kind::Integer,
        doc: "Process at the destination, if that is on this machine.",
        get: |r| pid(r, DESTINATION),
    },
    Field {
        key: "dst_process",
        kind: Kind::Text,
        doc: "Its name.",
        get: |r| name(r, DESTINATION),
    },
];

/// What the owner's TCP socket knows, in the order of a record.
pub(super) const FIGURES: &[Field] = &[
    Field {
        key: "rtt_us",
        kind: Kind::Integer,
        doc: "Round-trip time in microseconds, smoothed, as the TCP socket of this machine \
              measured it; of flows within it, the client's. This and the following are absent \
              for forwarded flows.",
        get: |r| of_figures(r, |tcp| tcp.rtt_us),
    },
    Field {
        key: "min_rtt_us",
        kind: Kind::Integer,
        doc: "Shortest round-trip time that the socket has seen, in microseconds.",
        get: |r| of_figures(r, |tcp| tcp.min_rtt_us),
    },
    Field {
        key: "retransmits",
        kind: Kind::Integer,
        doc: "Segments that the socket has sent again since the connection began.",
        get: |r| of_figures(r, |tcp| tcp.retransmits),
    },
    Field {
        key: "cwnd",
        kind: Kind::Integer,
        doc: "Congestion window of the socket in segments.",
        get: |r| of_figures(r, |tcp| tcp.cwnd),
    },
    Field {
        key: "delivery_rate",
        kind: Kind::Integer,
        doc: "Bytes per second that the socket delivered when it last measured that; old if it \
              has sent nothing since.",
        get: |r| of_figures(r, |tcp| tcp.delivery_rate_bytes_per_sec),
    },
    Field {
        key: "send_queue",
        kind: Kind::Integer,
        doc: "Bytes that the process has written and the other end has not acknowledged.",
        get: |r| of_figures(r, |tcp| tcp.send_queue_bytes),
    },
    Field {
        key: "recv_queue",
        kind: Kind::Integer,
        doc: "Bytes that have arrived and the process has not read.",
        get: |r| of_figures(r, |tcp| tcp.receive_queue_bytes),
    },
    Field {
        key: "congestion",
        kind: Kind::Text,
        doc: "Congestion control of the socket, such as cubic.",
        get: |r| {
            of_owner(r, OURS, |owner| {
                let figures = owner.figures.as_ref();
                let congestion = figures.and_then(|tcp| tcp.congestion.as_ref());
                congestion.map(Congestion::as_str).into()
            })
        },
    },
];
