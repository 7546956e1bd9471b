//! Asks for the owners of a flow, both ways there are: [`Attribution`], and
//! the program's records.

use std::process::Stdio;
use std::sync::Arc;

use flowtop::enrich::owners::{self, Attribution, Owner, Owners, Process, Subject, Unknown};
use flowtop::flow::{Direction, Key, Pair};
use serde_json::{Map, Value};

use crate::lab::entries::Seen;
use crate::lab::processes;
use crate::lab::{Host, eventually};

/// The keys of a flow's own fields that tell it from others.
const TUPLE: [&str; 4] = ["orig_src", "orig_dst", "orig_sport", "orig_dport"];
const OWNERS: [&str; 15] = [
    "direction",
    "pid",
    "process",
    "exe",
    "cmdline",
    "uid",
    "container",
    "owner_unknown",
    "src_pid",
    "src_process",
    "dst_pid",
    "dst_process",
    "counters",
    "orig_bytes",
    "reply_bytes",
];

/// Who is to be at one end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    /// This process.
    Is { pid: u32, name: &'a str },
    /// This process or nobody: it is behind a router, and its socket has but
    /// one end.
    Perhaps { pid: u32, name: &'a str },
    /// Nobody that can be known.
    Not(Unknown),
    /// Somebody elsewhere.
    Elsewhere,
}

impl<'a> Who<'a> {
    pub(crate) fn is(process: &'a processes::Process) -> Self {
        Self::Is {
            pid: process.pid(),
            name: process.name(),
        }
    }

    pub(crate) fn perhaps(process: &'a processes::Process) -> Self {
        Self::Perhaps {
            pid: process.pid(),
            name: process.name(),
        }
    }

    /// Whether what was found out is this. What names another process is a
    /// fault, now or later.
    fn is_found(self, found: Option<&Owner>) -> bool {
        match (found.map(|owner| &owner.process), self) {
            (Some(Ok(process)), Self::Is { pid, name } | Self::Perhaps { pid, name }) => {
                assert_eq!(
                    (process.pid, &*process.name),
                    (pid, name),
                    "another process"
                );
                true
            }
            (Some(Ok(process)), _) => panic!("{self:?} expected, but found {process:?}"),
            (Some(Err(why)), Self::Not(expected)) => *why == expected,
            (None, Self::Elsewhere) | (_, Self::Perhaps { .. }) => true,
            _ => false,
        }
    }

    /// Whether two fields of a record, pid and name, say this.
    fn is_recorded(self, found: &[Option<Value>; 2]) -> bool {
        let is = |pid: u32, name: &str| *found == [Some(pid.into()), Some(name.into())];
        let is_nobody = *found == [None, None];
        match self {
            Self::Is { pid, name } => is(pid, name),
            Self::Perhaps { pid, name } => is_nobody || is(pid, name),
            Self::Not(_) | Self::Elsewhere => is_nobody,
        }
    }
}

/// Somebody on a host who asks and remembers.
pub(crate) struct Asked {
    attribution: Attribution,
    owners: Owners,
}

impl Asked {
    pub(crate) fn on(host: &Host) -> Self {
        let start = || Attribution::start(owners::Settings::default(), || {});
        Self {
            attribution: host
                .enter(start)
                .unwrap_or_else(|e| panic!("nobody to ask on {}: {e}", host.name())),
            owners: Owners::default(),
        }
    }

    /// Asks about a flow, and waits until the answer is as expected.
    pub(crate) fn finds(&mut self, flow: &Seen, direction: Direction, expected: [Who; 2]) {
        let key = key(flow);
        self.attribution.begin(vec![Subject {
            key,
            reply: flow.reply,
            direction,
        }]);
        eventually(&format!("{expected:?} of {:?}", flow.orig), || {
            self.has(&key, expected)
        });
    }

    /// Has everything that is known read again.
    pub(crate) fn looks_again(&mut self) {
        self.attribution.refresh();
    }

    fn take_answers(&mut self) {
        for answer in self.attribution.answers() {
            self.owners.learn(answer.key, answer.owners);
        }
    }

    /// Whether what is known of a flow is this.
    pub(crate) fn has(&mut self, key: &Key, expected: [Who; 2]) -> bool {
        self.take_answers();
        let known = self.owners.of(key);
        let ends = [
            known.and_then(|pair| pair.orig.as_ref()),
            known.and_then(|pair| pair.reply.as_ref()),
        ];
        known.is_some() && (0..2).all(|end| expected[end].is_found(ends[end]))
    }

    /// What is known of a flow.
    pub(crate) fn owners(&mut self, key: &Key) -> &Pair<Option<Owner>> {
        self.take_answers();
        self.owners.of(key).expect("an answer was waited for")
    }

    /// The process that sent a flow's first packet.
    pub(crate) fn client(&mut self, key: &Key) -> Arc<Process> {
        let owner = self.owners(key).orig.as_ref().expect("it is here");
        Arc::clone(owner.process.as_ref().expect("it is known"))
    }
}

/// Asks both ways, and expects the same of both.
pub(crate) fn prove(host: &Host, flow: &Seen, direction: Direction, expected: [Who; 2]) {
    Asked::on(host).finds(flow, direction, expected);
    let record = record(host, flow, &[]);
    assert_eq!(record["direction"], direction.name(), "{record:?}");
    for (end, who) in ["src", "dst"].into_iter().zip(expected) {
        let found = ["pid", "process"].map(|field| record.get(&format!("{end}_{field}")).cloned());
        assert!(who.is_recorded(&found), "{end} {who:?}: {record:?}");
    }
    // Whose flow it is: what answers flows that come in has sent them.
    let ours = match direction {
        Direction::In => expected[1],
        _ => expected[0],
    };
    let found = ["pid", "process"].map(|field| record.get(field).cloned());
    assert!(ours.is_recorded(&found), "{ours:?}: {record:?}");
    let reason = match ours {
        Who::Not(why) => Some(
            why.label()
                .trim_matches(['(', ')'])
                .replace(' ', "_")
                .into(),
        ),
        _ => None,
    };
    assert_eq!(record.get("owner_unknown").cloned(), reason, "{record:?}");
}

pub(crate) type Record = Map<String, Value>;

/// What the program says on a host about a flow.
pub(crate) fn record(host: &Host, flow: &Seen, args: &[&str]) -> Record {
    let fields = [&TUPLE[..], &OWNERS].concat().join(",");
    let mut command = host.command(env!("CARGO_BIN_EXE_flowtop"));
    command
        .args([
            "list",
            "-A",
            "--loopback",
            "-o",
            "json",
            "--fields",
            &fields,
        ])
        .args(args)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    let mut records = printed
        .lines()
        .map(|line| match serde_json::from_str(line) {
            Ok(Value::Object(record)) => record,
            other => panic!("{line} is no object: {other:?}"),
        });
    let orig = flow.orig;
    let tuple = [
        Some(orig.src().to_string().into()),
        Some(orig.dst().to_string().into()),
        orig.sport().map(Value::from),
        orig.dport().map(Value::from),
    ];
    let is_it = |record: &Record| TUPLE.map(|key| record.get(key).cloned()) == tuple;
    records
        .find(is_it)
        .unwrap_or_else(|| panic!("no record of {orig:?} in {printed}"))
}

pub(crate) fn key(flow: &Seen) -> Key {
    Key {
        zone: flow.zone,
        orig: flow.orig,
    }
}
