//! The flow table, told stories: `tests/scenarios/*.toml`.
//!
//! A story is a list of steps. Each says when it happens (`at`, seconds of the
//! monotonic clock), what a source says then, and what must be true
//! afterwards. A bug report becomes a file, and its name a line of
//! [`scenarios!`] below.
//!
//! What a source can say, one per step at most: `new`, `changed`, `destroyed`,
//! `dumped` and `fetched` are reports ([`Said`]); `counted` is what a socket
//! counted for a flow of connection tracking; `absent` names a flow; `dump`
//! is `begin`, `complete` or `incomplete`; `overrun` is a number of events;
//! `shed` is true or false. `clock` sets the wall clock forward or back by so
//! many seconds, from this step on.
//!
//! What can be true afterwards: `changes` is everything that was told, in this
//! order, and nothing if it is left out; `live` are the rows there are;
//! `rows` and `ended` say what rows and told ends look like ([`Row`]);
//! `suspects`, `totals`, `lost`, `synced` and `shedding` are the table's;
//! `shown` is what a selection of flows would hold.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod notation;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use flowtop::flow::{
    Counters, Family, Group, Key, Moment, Origin, Pair, Rare, Report, Scope, State, Status, Update,
};
use flowtop::table::{Age, Change, Flow, Table};
use serde::Deserialize;

use notation::tuple;

/// 2027-01-15 08:00 UTC: the wall clock when the monotonic clock is at zero.
const EPOCH_SECS: f64 = 1_800_000_000.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What must hold, and why it might not.
    about: String,
    /// Names of flows.
    flows: BTreeMap<String, Named>,
    #[serde(rename = "step")]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Orig(String),
    Zoned { orig: String, zone: u16 },
}

impl Named {
    fn key(&self) -> Key {
        let (orig, zone) = match self {
            Self::Orig(orig) => (orig, 0),
            Self::Zoned { orig, zone } => (orig, *zone),
        };
        let orig = tuple(orig);
        Key { zone, orig }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: f64,
    clock: Option<f64>,
    new: Option<Said>,
    changed: Option<Said>,
    destroyed: Option<Said>,
    dumped: Option<Said>,
    fetched: Option<Said>,
    counted: Option<Said>,
    absent: Option<String>,
    dump: Option<Dump>,
    overrun: Option<u64>,
    shed: Option<bool>,

    #[serde(default)]
    changes: Vec<String>,
    live: Option<BTreeSet<String>>,
    #[serde(default)]
    rows: BTreeMap<String, Row>,
    #[serde(default)]
    ended: BTreeMap<String, Row>,
    suspects: Option<BTreeSet<String>>,
    totals: Option<Totals>,
    lost: Option<u64>,
    synced: Option<bool>,
    shedding: Option<bool>,
    #[serde(default)]
    shown: Vec<Shown>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Dump {
    Begin,
    Complete,
    Incomplete,
}

/// A report. What is left out, it does not say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    flow: String,
    /// Whether a socket says it.
    #[serde(default)]
    by_socket: bool,
    id: Option<u32>,
    /// The reply tuple; the mirror image of the flow's own if left out.
    reply: Option<String>,
    status: Option<Vec<String>>,
    state: Option<String>,
    timeout: Option<u32>,
    mark: Option<u32>,
    /// There and back.
    bytes: Option<[u64; 2]>,
    packets: Option<[u64; 2]>,
    /// When it began and ended, as `at`, without the steps of the wall clock.
    start: Option<f64>,
    stop: Option<f64>,
    helper: Option<String>,
}

/// What a row looks like. Only what is written is compared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Option<u32>,
    reply: Option<String>,
    nat: Option<String>,
    status: Option<Vec<String>>,
    state: Option<String>,
    timeout: Option<u64>,
    mark: Option<u32>,
    bytes: Option<[u64; 2]>,
    packets: Option<[u64; 2]>,
    /// `nobody`, `kernel`, `socket` or `offload`.
    counted_by: Option<String>,
    /// Bytes per second: now, and over 2, 10 and 40 seconds.
    rate: Option<[u64; 2]>,
    rate_2: Option<[u64; 2]>,
    rate_10: Option<[u64; 2]>,
    rate_40: Option<[u64; 2]>,
    /// The highest rate so far.
    peak: Option<[u64; 2]>,
    /// Packets per second.
    packet_rate: Option<[u64; 2]>,
    /// Bytes that were counted while the table was watched.
    watched: Option<[u64; 2]>,
    /// Seconds without a byte.
    idle: Option<f64>,
    idle_at_least: Option<f64>,
    /// Seconds.
    age: Option<f64>,
    age_at_least: Option<f64>,
    helper: Option<String>,
    /// Names of the above that must be absent.
    #[serde(default)]
    absent: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Totals {
    bytes: [u64; 2],
    born: u64,
    ended: u64,
}

/// A selection and the flows in it. Families and groups have their titles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    /// Begins with the selection that holds without options.
    #[serde(default)]
    default: bool,
    families: Option<Vec<String>>,
    groups: Option<Vec<String>>,
    #[serde(default)]
    loopback: bool,
    flows: BTreeSet<String>,
}

/// The seconds of a step as nanoseconds.
fn nanos(secs: f64) -> u64 {
    (secs * 1e6).round() as u64 * 1000
}

fn pair(values: [u64; 2]) -> Pair<u64> {
    let [orig, reply] = values;
    Pair { orig, reply }
}

fn state(key: &Key, name: &str) -> State {
    let wrap = match key.orig.proto().to_string().as_str() {
        "tcp" => State::Tcp,
        "dccp" => State::Dccp,
        "sctp" => State::Sctp,
        other => panic!("{other} has no states"),
    };
    (0..=u8::MAX)
        .map(wrap)
        .find(|state| state.to_string() == name)
        .unwrap_or_else(|| panic!("no state is called {name}"))
}

fn status(names: &[String]) -> Status {
    names.iter().fold(Status(0), |all, name| {
        (0..32)
            .map(|bit| Status(1 << bit))
            .find(|bit| bit.names().any(|n| n == name))
            .map_or_else(|| panic!("no status bit is called {name}"), |bit| all | bit)
    })
}

impl Said {
    fn counters(&self) -> Option<Pair<Counters>> {
        self.bytes.map(|bytes| {
            let (bytes, packets) = (pair(bytes), pair(self.packets.unwrap_or([0, 0])));
            let counters = |packets, bytes| Counters { packets, bytes };
            Pair {
                orig: counters(packets.orig, bytes.orig),
                reply: counters(packets.reply, bytes.reply),
            }
        })
    }

    fn report(&self, key: Key, origin: Origin) -> Report {
        let real = |at: f64| nanos(EPOCH_SECS + at);
        Report {
            id: self.id,
            reply: Some(match &self.reply {
                Some(reply) => tuple(reply),
                None => key.orig.inverted(),
            }),
            status: self.status.as_deref().map(status),
            state: self.state.as_ref().map(|name| state(&key, name)),
            timeout_secs: self.timeout,
            mark: self.mark,
            counters: self.counters(),
            by_socket: self.by_socket,
            start_ns: self.start.map(real),
            stop_ns: self.stop.map(real),
            rare: self.helper.as_ref().map(|name| {
                Box::new(Rare {
                    helper: Some(name.as_str().into()),
                    ..Rare::default()
                })
            }),
            ..Report::about(key, origin)
        }
    }
}

impl Shown {
    fn scope(&self) -> Scope {
        let mut scope = if self.default {
            Scope::default()
        } else {
            Scope::EVERYTHING
        };
        if let Some(families) = &self.families {
            for family in [Family::Ipv4, Family::Ipv6] {
                let on = families.iter().any(|name| name == family.name());
                scope = scope.with_family(family, on);
            }
        }
        if let Some(groups) = &self.groups {
            for group in Group::ALL {
                let on = groups.iter().any(|name| name == group.title());
                scope = scope.with_group(group, on);
            }
        }
        scope.with_loopback(self.loopback)
    }
}

/// A story while it is told.
struct Teller {
    names: BTreeMap<String, Key>,
    table: Table,
    /// What does not hold.
    faults: Vec<String>,
}

impl Teller {
    fn key(&self, name: &str) -> Key {
        let key = self.names.get(name);
        *key.unwrap_or_else(|| panic!("no flow is called {name}"))
    }

    fn name(&self, key: &Key) -> String {
        let found = self.names.iter().find(|(_, known)| *known == key);
        found.map_or_else(|| format!("{key:?}"), |(name, _)| name.clone())
    }

    fn expect<T: Debug + PartialEq>(&mut self, what: &str, found: &T, expected: &T) {
        if found != expected {
            self.faults
                .push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    fn update(&self, step: &Step) -> Option<Update> {
        let reports = [
            (&step.new, Origin::New),
            (&step.changed, Origin::Changed),
            (&step.destroyed, Origin::Destroyed),
            (&step.dumped, Origin::Dumped),
            (&step.fetched, Origin::Fetched),
        ];
        let mut updates: Vec<Update> = reports
            .into_iter()
            .filter_map(|(said, origin)| {
                let said = said.as_ref()?;
                Some(Update::Flow(said.report(self.key(&said.flow), origin)))
            })
            .collect();
        updates.extend(step.counted.as_ref().map(|said| Update::Counted {
            key: self.key(&said.flow),
            counters: said.counters().expect("what was counted"),
        }));
        updates.extend(
            step.absent
                .as_ref()
                .map(|name| Update::Absent(self.key(name))),
        );
        updates.extend(step.dump.map(|dump| match dump {
            Dump::Begin => Update::DumpBegin,
            Dump::Complete => Update::DumpEnd { complete: true },
            Dump::Incomplete => Update::DumpEnd { complete: false },
        }));
        updates.extend(step.overrun.map(|lost| Update::Overrun { lost }));
        updates.extend(step.shed.map(|updates| Update::Shed { updates }));
        assert!(updates.len() <= 1, "a step says one thing");
        updates.pop()
    }

    /// Applies a step; what was told, and the flows that ended.
    fn apply(&mut self, step: &Step, at: Moment) -> (Vec<String>, Vec<Flow>) {
        let (mut told, mut ended) = (Vec::new(), Vec::new());
        let Some(update) = self.update(step) else {
            return (told, ended);
        };
        let mut table = std::mem::take(&mut self.table);
        table.apply(&update, at, &mut |change| {
            told.push(match change {
                Change::Born(flow) => format!("born {}", self.name(flow.key())),
                Change::Changed(flow) => format!("changed {}", self.name(flow.key())),
                Change::Ended(flow) => {
                    ended.push(flow.clone());
                    let reason = flow.end_reason().expect("it has ended").name();
                    format!("ended {} {reason}", self.name(flow.key()))
                }
                Change::Lost(lost) => format!("lost {lost}"),
            });
        });
        self.table = table;
        (told, ended)
    }

    fn check(&mut self, step: &Step, at: Moment, told: &Vec<String>, ended: &[Flow]) {
        self.expect("changes", told, &step.changes);
        if let Some(live) = &step.live {
            self.expect("live", &self.keys(|_| true), live);
        }
        for (name, row) in &step.rows {
            let key = self.key(name);
            let found = self.table.flows().find(|(_, flow)| *flow.key() == key);
            match found.map(|(_, flow)| flow.clone()) {
                Some(flow) => self.check_row(name, row, &flow, at),
                None => self.faults.push(format!("there is no row {name}")),
            }
        }
        for (name, row) in &step.ended {
            let key = self.key(name);
            match ended.iter().find(|flow| *flow.key() == key) {
                Some(flow) => self.check_row(name, row, flow, at),
                None => self.faults.push(format!("{name} has not ended")),
            }
        }
        if let Some(suspects) = &step.suspects {
            let found = self.table.suspects();
            let found = found.iter().map(|key| self.name(key)).collect();
            self.expect("suspects", &found, suspects);
        }
        if let Some(expected) = &step.totals {
            let totals = self.table.totals().within(Scope::EVERYTHING);
            let bytes = totals.counters.bytes();
            let found = Totals {
                bytes: [bytes.orig, bytes.reply],
                born: totals.born,
                ended: totals.ended,
            };
            self.expect("totals", &found, expected);
        }
        if let Some(lost) = step.lost {
            self.expect("lost", &self.table.lost(), &lost);
        }
        if let Some(synced) = step.synced {
            self.expect("synced", &self.table.is_synced(), &synced);
        }
        if let Some(shedding) = step.shedding {
            self.expect("shedding", &self.table.updates_shed(), &shedding);
        }
        for shown in &step.shown {
            let scope = shown.scope();
            let found = self.keys(|flow| scope.holds(flow.class()));
            self.expect("shown", &found, &shown.flows);
        }
    }

    fn keys(&self, which: impl Fn(&Flow) -> bool) -> BTreeSet<String> {
        self.table
            .flows()
            .filter(|(_, flow)| which(flow))
            .map(|(_, flow)| self.name(flow.key()))
            .collect()
    }

    fn check_row(&mut self, name: &str, row: &Row, flow: &Flow, at: Moment) {
        let counters = flow.counters();
        let bytes = counters.map(Pair::bytes);
        let packets = counters.map(|c| c.map(|c| c.packets));
        let average = |secs| flow.average_bytes_per_sec(secs, at);
        let (exact, at_least) = match flow.age(at) {
            Age::Exact(age) => (Some(age.as_secs_f64()), None),
            Age::AtLeast(age) => (None, Some(age.as_secs_f64())),
        };
        let names = |status: Status| status.names().map(str::to_owned).collect::<Vec<_>>();
        let key = *flow.key();
        let mut absent = row.absent.clone();
        let mut compare = Comparison {
            teller: self,
            row: name,
            absent: &mut absent,
        };
        compare.value("id", flow.id(), row.id);
        let figures = [
            ("peak", flow.peak_bytes_per_sec(), row.peak),
            ("packet_rate", flow.packets_per_sec(), row.packet_rate),
            ("watched", flow.watched_bytes(), row.watched),
        ];
        for (figure, found, expected) in figures {
            compare.value(figure, found, expected.map(pair));
        }
        let (idle, idle_at_least) = match flow.idle(at) {
            Age::Exact(idle) => (Some(idle.as_secs_f64()), None),
            Age::AtLeast(idle) => (None, Some(idle.as_secs_f64())),
        };
        compare.value("idle", idle, row.idle);
        compare.value("idle_at_least", idle_at_least, row.idle_at_least);
        compare.value("reply", Some(flow.reply()), row.reply.as_deref().map(tuple));
        compare.value(
            "nat",
            flow.nat().map(flowtop::table::Nat::name),
            row.nat.as_deref(),
        );
        compare.value("status", flow.status().map(names), row.status.clone());
        compare.value(
            "state",
            flow.state(),
            row.state.as_deref().map(|name| state(&key, name)),
        );
        compare.value("timeout", flow.timeout_secs(at), row.timeout);
        compare.value("mark", flow.mark(), row.mark);
        compare.value("bytes", bytes, row.bytes.map(pair));
        compare.value("packets", packets, row.packets.map(pair));
        let counted_by = format!("{:?}", flow.counted_by()).to_lowercase();
        compare.value("counted_by", Some(counted_by), row.counted_by.clone());
        compare.value("rate", flow.bytes_per_sec(), row.rate.map(pair));
        compare.value("rate_2", average(2), row.rate_2.map(pair));
        compare.value("rate_10", average(10), row.rate_10.map(pair));
        compare.value("rate_40", average(40), row.rate_40.map(pair));
        compare.value("age", exact, row.age);
        compare.value("age_at_least", at_least, row.age_at_least);
        compare.value("helper", flow.helper(), row.helper.as_deref());
        assert!(absent.is_empty(), "no field is called {absent:?}");
    }
}

/// Of one row, field by field.
struct Comparison<'a> {
    teller: &'a mut Teller,
    row: &'a str,
    /// Fields that must be absent, and have not been looked at yet.
    absent: &'a mut Vec<String>,
}

impl Comparison<'_> {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the calls are to read like a table"
    )]
    fn value<T: Debug + PartialEq>(&mut self, field: &str, found: Option<T>, wanted: Option<T>) {
        let what = format!("{field} of {}", self.row);
        if let Some(at) = self.absent.iter().position(|name| name == field) {
            self.absent.remove(at);
            self.teller.expect(&what, &found, &None);
        } else if wanted.is_some() {
            self.teller.expect(&what, &found, &wanted);
        }
    }
}

/// Tells a story, and fails with everything in it that does not hold.
fn tell(name: &str) {
    let path = directory().join(name).with_extension("toml");
    let text = fs::read_to_string(&path).expect("a scenario");
    let scenario: Scenario =
        toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(!scenario.about.is_empty(), "a story is about something");
    let names = scenario.flows.iter();
    let mut teller = Teller {
        names: names
            .map(|(name, flow)| (name.clone(), flow.key()))
            .collect(),
        table: Table::new(),
        faults: Vec::new(),
    };
    let mut said = Vec::new();
    let (mut clock, mut last) = (0.0, 0.0);
    for (number, step) in (1..).zip(&scenario.steps) {
        assert!(step.at >= last, "step {number} is before the last");
        last = step.at;
        clock += step.clock.unwrap_or(0.0);
        let at = Moment {
            mono_ns: nanos(step.at),
            real_ns: nanos(EPOCH_SECS + step.at + clock),
        };
        let (told, ended) = teller.apply(step, at);
        teller.check(step, at, &told, &ended);
        for fault in teller.faults.drain(..) {
            said.push(format!("step {number}, at {} s: {fault}", step.at));
        }
    }
    assert!(
        said.is_empty(),
        "{name}: {}\n{}",
        scenario.about,
        said.join("\n")
    );
}

fn directory() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// A test per story.
macro_rules! scenarios {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                tell(stringify!($name));
            }
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

scenarios! {
    a_dead_flow_in_a_late_dump_row_is_not_its_successor
    a_dead_flow_in_a_late_dump_row_stays_dead
    a_destroy_after_the_end_counts_once
    a_destroy_of_a_later_flow_ends_both
    a_destroy_of_an_earlier_flow_ends_nothing_else
    a_dump_can_be_faster_than_new
    a_dump_row_about_another_flow_waits
    a_dump_row_can_be_older_than_an_update
    a_dump_row_fills_what_an_update_did_not_say
    a_dying_row_begins_no_flow
    a_flow_of_which_only_the_end_was_heard
    a_late_answer_is_about_the_flow_before
    a_short_flow_counts_in_totals
    a_socket_counts_a_flow_from_before_accounting
    a_socket_counts_all_of_a_flow_born_meanwhile
    an_absence_can_be_older_than_a_birth
    an_absence_does_not_wait_for_ever
    an_absence_waits_for_its_destroy
    an_answer_can_be_newer_than_a_dump_row
    an_answer_tells_of_the_next_flow
    an_end_has_its_reason
    an_incomplete_dump_proves_nothing
    an_incomplete_dump_vouches_until_the_next
    an_offloaded_flow_keeps_what_it_has
    an_update_before_the_first_dump_is_no_spike
    an_update_of_an_unknown_flow_tells_its_birth
    another_id_is_another_flow
    another_start_is_another_flow
    averages_remember_as_long_as_they_say
    fault_01_update_blanks_nothing
    fault_02_no_spike_after_a_state_change
    fault_03_bytes_of_hasty_readings_count
    fault_05_final_counters_count
    fault_06_a_flow_the_kernel_denies_ends
    fault_07_a_flow_without_events_vanishes
    fault_08_event_and_dump_make_one_row
    fault_09_overrun_is_counted_and_repaired
    fault_10_dns_flows_are_flows
    fault_11_12_loopback_is_a_whole_block
    fault_13_families_are_exact
    fault_14_a_family_does_not_clear_the_protocols
    fault_15_every_protocol_is_shown
    fault_16_status_is_known
    fault_17_translation_zone_mark_and_helper
    fault_18_uploads_have_a_rate
    fault_26_equal_ids_are_two_flows
    fault_57_a_step_of_the_wall_clock_changes_nothing
    flows_from_before_accounting_have_no_counters
    figures_over_time
    flows_of_sockets_are_counted_by_them
    new_after_a_lost_destroy
    new_after_an_old_flow_is_another_flow
    one_direction_set_back_is_a_new_base
    shed_updates_let_the_dump_win
    suspects_are_asked_about
    the_kernel_s_counters_win_over_a_socket_s
    the_first_dump_can_be_faster_than_new
    two_dead_flows_of_one_tuple_stay_dead
    zeroed_counters_are_a_new_base
}

#[test]
fn every_story_is_told() {
    let found: BTreeSet<String> = fs::read_dir(directory())
        .expect("the stories")
        .map(|file| file.expect("a directory entry").path())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    let told: BTreeSet<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(found, told);
}
