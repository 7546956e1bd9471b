//! A filter compiled: which flows it holds.
//!
//! Terms are asked in the order of their cost, and each asks for no more than
//! it reads: most are answered by the flow alone, and only one that names a
//! place makes anybody look a place up.

use std::fmt::Write as _;

use super::ast::{self, Expr, Order, Term};
use super::item::{Item, Net};
use super::key::{Read, Sort, Source, Words, states};
use super::text;
use crate::flow::{Moment, State, Status};
use crate::table::{Age, Flow, Nat};
use crate::view::Grouping;
use crate::view::field::{FIELDS, Field, Kind, Record, Value};
use crate::view::group::Identity;

/// What a record has to hold beyond the flow for a term to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs(u8);

impl Needs {
    /// Nothing: the flow is enough.
    pub const FLOW: Self = Self(0);
    /// [`Row::service`](crate::view::Row::service).
    pub const SERVICE: Self = Self(1);
    /// [`Row::ends`](crate::view::Row::ends): names.
    pub const NAMES: Self = Self(1 << 1);
    /// [`Row::bearings`](crate::view::Row::bearings).
    pub const BEARINGS: Self = Self(1 << 2);
    /// [`Row::owners`](crate::view::Row::owners).
    pub const OWNERS: Self = Self(1 << 3);
    /// [`Row::ends`](crate::view::Row::ends): places.
    pub const PLACES: Self = Self(1 << 4);
    /// Everything.
    pub const ALL: Self = Self(0b1_1111);

    /// Whether every one of `other` is needed.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What a field reads. One that is not known here reads everything.
    fn of(field: &Field) -> Self {
        const FLOW: [&str; 19] = [
            "end",
            "idle_secs",
            "v",
            "event",
            "ts",
            "id",
            "zone",
            "family",
            "proto",
            "state",
            "status",
            "mark",
            "helper",
            "nat",
            "start",
            "end_reason",
            "timeout_secs",
            "duration_secs",
            "count",
        ];
        const OF_FLOW: [&str; 3] = ["orig_", "reply_", "icmp_"];
        const OF_PLACES: [&str; 5] = ["country", "country_name", "city", "asn", "as_org"];
        const BEARINGS: [&str; 4] = ["direction", "interface_in", "interface_out", "src_mac"];
        // Which of the owners is meant is a matter of the direction.
        const OWNERS: [&str; 20] = [
            "pid",
            "process",
            "exe",
            "cmdline",
            "user",
            "uid",
            "unit",
            "container",
            "pod",
            "src_pid",
            "src_process",
            "dst_pid",
            "dst_process",
            "rtt_us",
            "min_rtt_us",
            "retransmits",
            "cwnd",
            "delivery_rate",
            "send_queue",
            "recv_queue",
        ];
        let key = field.key;
        let of_end = key
            .strip_prefix("src_")
            .or_else(|| key.strip_prefix("dst_"));
        if FLOW.contains(&key) || OF_FLOW.iter().any(|prefix| key.starts_with(prefix)) {
            Self::FLOW
        } else if key == "service" {
            Self::SERVICE
        } else if of_end == Some("name") {
            Self::NAMES
        } else if of_end.is_some_and(|what| OF_PLACES.contains(&what)) {
            Self::PLACES
        } else if BEARINGS.contains(&key) {
            Self::BEARINGS
        } else if OWNERS.contains(&key) {
            Self::OWNERS.and(Self::BEARINGS)
        } else {
            Self::ALL
        }
    }
}

/// Somebody who knows about one flow, and is asked for what a term reads.
pub trait Subject {
    /// The flow; `None` of a record that tells of none.
    fn flow(&self) -> Option<&Flow>;
    /// The time of looking.
    fn now(&self) -> Moment;
    /// Whether `ask` holds of a record that has what `needs` says; the rest of
    /// it may be blank.
    fn told(&mut self, needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool;
    /// Whether `ask` holds of what tells a group that the flow is in from
    /// others. A record alone is in none.
    fn grouped(&mut self, _by: Grouping, _ask: &mut dyn FnMut(Identity<'_>) -> bool) -> bool {
        false
    }
}

/// A record that has everything already.
pub(super) struct Told<'a, 'r>(pub(super) &'a Record<'r>);

impl Subject for Told<'_, '_> {
    fn flow(&self) -> Option<&Flow> {
        self.0.row.as_ref().map(|row| row.flow)
    }

    fn now(&self) -> Moment {
        self.0.row.as_ref().map(|row| row.now).unwrap_or_default()
    }

    fn told(&mut self, _needs: Needs, ask: &mut dyn FnMut(&Record<'_>) -> bool) -> bool {
        ask(self.0)
    }
}

/// What one value has to be.
#[derive(Clone, Debug)]
pub(super) enum Check {
    Known,
    /// In one of these ranges, ends included, in units of the sort.
    Numbers(Box<[(u64, u64)]>),
    Net(Net),
    Protocol(u8),
    States(Box<[State]>),
    /// One of these bits.
    Status(Status),
    Text(text::Test),
}

/// A filter, ready to be asked.
#[derive(Clone, Debug)]
pub(super) enum Program {
    All(Box<[Program]>),
    Any(Box<[Program]>),
    Not(Box<Program>),
    /// Read from the flow.
    Flow(Box<[FlowRead]>, Box<[Check]>),
    /// The age, which may be a lower bound.
    Age(Box<[Check]>),
    /// Read from the groups that the flow is in.
    Grouped(Grouping, Box<[Check]>),
    /// Read from a record.
    Fields(Needs, Box<[FieldRead]>, Box<[Check]>),
    /// Free text.
    Anywhere(text::Test, Box<[&'static Field]>),
}

#[derive(Clone, Copy)]
pub(super) struct FlowRead {
    read: for<'a> fn(&'a Flow, Moment) -> Value<'a>,
    factor: u64,
}

impl std::fmt::Debug for FlowRead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a figure of the flow")
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FieldRead {
    field: &'static Field,
    factor: u64,
}

impl Program {
    pub(super) fn new(expr: &Expr) -> Self {
        let parts = |parts: &[Expr]| {
            let mut programs: Vec<Self> = parts.iter().map(Self::new).collect();
            programs.sort_by_key(Self::cost);
            programs.into_boxed_slice()
        };
        match expr {
            Expr::All(inner) => Self::All(parts(inner)),
            Expr::Any(inner) => Self::Any(parts(inner)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner))),
            Expr::Text(Item::Glob(glob)) => Self::anywhere(text::Test::glob(glob)),
            Expr::Text(item) => Self::anywhere(text::Test::contains(&item.print(Sort::Text))),
            Expr::Like(pattern) => Self::anywhere(text::Test::matches(pattern)),
            Expr::Term(term) => Self::of(term),
            Expr::Saved(saved) => Self::new(&saved.expr),
        }
    }

    fn anywhere(test: text::Test) -> Self {
        Self::Anywhere(test, texts().collect())
    }

    fn of(term: &Term) -> Self {
        let checks = checks(term);
        let mut flow = Vec::new();
        let mut fields = Vec::new();
        let mut needs = Needs::FLOW;
        let mut is_age = false;
        let mut groupings = Vec::new();
        for Source { read, factor } in term.key.sources.iter().copied() {
            match read {
                Read::Flow(read) => flow.push(FlowRead { read, factor }),
                Read::Age => is_age = true,
                Read::Group(grouping) => groupings.push(grouping),
                Read::Field(field) => {
                    needs = needs.and(Needs::of(field));
                    fields.push(FieldRead { field, factor });
                }
            }
        }
        // An address is in no name: a network never asks for one. Nor is the
        // code of a country.
        let only_addresses = checks.iter().all(|check| matches!(check, Check::Net(_)));
        if only_addresses && !flow.is_empty() {
            fields.clear();
        }
        if term.key.sort == Sort::Country && term.test.has_codes_only() {
            fields.retain(|source| !source.field.key.ends_with("_name"));
        }
        let mut programs = Vec::new();
        if is_age {
            programs.push(Self::Age(checks.clone()));
        }
        if !flow.is_empty() {
            programs.push(Self::Flow(flow.into(), checks.clone()));
        }
        let grouped = |grouping| Self::Grouped(grouping, checks.clone());
        programs.extend(groupings.into_iter().map(grouped));
        if !fields.is_empty() {
            programs.push(Self::Fields(needs, fields.into(), checks));
        }
        if programs.len() == 1 {
            programs.remove(0)
        } else {
            Self::Any(programs.into())
        }
    }

    /// How dear it is to ask, in about the time of one figure of a flow.
    fn cost(&self) -> u32 {
        let of = |checks: &[Check]| -> u32 {
            let one = |check: &Check| match check {
                Check::Text(text::Test::Matches(_)) => 40,
                Check::Text(_) => 10,
                _ => 1,
            };
            checks.iter().map(one).sum()
        };
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::cost).sum(),
            Self::Not(part) => part.cost(),
            Self::Flow(reads, checks) => reads.len() as u32 * of(checks),
            Self::Age(checks) => of(checks),
            Self::Grouped(_, checks) => 40 + of(checks),
            Self::Fields(needs, reads, checks) => {
                let each = [(Needs::SERVICE, 20), (Needs::BEARINGS, 40)];
                let each = each.into_iter().chain([
                    (Needs::OWNERS, 20),
                    (Needs::NAMES, 40),
                    (Needs::PLACES, 40),
                ]);
                let asked: u32 = each
                    .filter(|(need, _)| needs.has(*need))
                    .map(|(_, cost)| cost)
                    .sum();
                10 + asked + reads.len() as u32 * of(checks)
            }
            Self::Anywhere(..) => 1000,
        }
    }

    /// Everything that any term may ask for.
    pub(super) fn needs(&self) -> Needs {
        match self {
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .fold(Needs::FLOW, |needs, part| needs.and(part.needs())),
            Self::Not(part) => part.needs(),
            Self::Flow(..) | Self::Age(_) | Self::Grouped(..) => Needs::FLOW,
            Self::Fields(needs, ..) => *needs,
            Self::Anywhere(..) => Needs::ALL,
        }
    }

    pub(super) fn holds(&self, subject: &mut impl Subject) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Self::Not(part) => !part.holds(subject),
            Self::Flow(reads, checks) => {
                let now = subject.now();
                subject.flow().is_some_and(|flow| {
                    reads.iter().any(|source| {
                        let value = (source.read)(flow, now);
                        checks.iter().any(|check| check.holds(value, source.factor))
                    })
                })
            }
            Self::Age(checks) => {
                let now = subject.now();
                subject
                    .flow()
                    .is_some_and(|flow| checks.iter().any(|check| check.holds_age(flow.age(now))))
            }
            Self::Grouped(by, checks) => subject.grouped(*by, &mut |identity| {
                checks.iter().any(|check| match (check, identity.is_known) {
                    (Check::Known, is_known) => is_known && identity.value != Value::Absent,
                    (check, _) => check.holds(identity.value, 1),
                })
            }),
            Self::Fields(needs, reads, checks) => subject.told(*needs, &mut |record| {
                reads.iter().any(|source| {
                    let value = (source.field.get)(record);
                    checks.iter().any(|check| check.holds(value, source.factor))
                })
            }),
            Self::Anywhere(test, fields) => is_anywhere(test, fields, subject),
        }
    }
}

/// What the values of a term have to be; any of these is enough.
fn checks(term: &Term) -> Box<[Check]> {
    let sort = term.key.sort;
    match &term.test {
        ast::Test::Like(pattern) => [Check::Text(text::Test::matches(pattern))].into(),
        ast::Test::Compare(order, number) => {
            let range = match order {
                Order::Less => number.checked_sub(1).map(|last| (0, last)),
                Order::AtMost => Some((0, *number)),
                Order::More => number.checked_add(1).map(|first| (first, u64::MAX)),
                Order::AtLeast => Some((*number, u64::MAX)),
            };
            [Check::Numbers(range.into_iter().collect())].into()
        }
        ast::Test::In(items) | ast::Test::Is(items) => {
            let whole = matches!(term.test, ast::Test::Is(_)) || !sort.has_parts();
            let mut checks: Vec<Check> = Vec::new();
            let mut numbers = Vec::new();
            for item in items {
                match item {
                    Item::Range(from, to) => numbers.push((*from, *to)),
                    other => checks.push(check(sort, other, whole)),
                }
            }
            if !numbers.is_empty() {
                checks.push(Check::Numbers(numbers.into()));
            }
            checks.into()
        }
    }
}

fn check(sort: Sort, item: &Item, whole: bool) -> Check {
    let words = |fits: &dyn Fn(&str) -> bool| match sort {
        Sort::Words(Words::State) => {
            let fitting = states().filter(|state| state.name().is_some_and(fits));
            Some(Check::States(fitting.collect()))
        }
        Sort::Words(Words::Status) => {
            let bits = (0..u32::BITS).map(|bit| Status(1 << bit));
            let fitting = bits.filter(|status| status.names().any(fits));
            let all = fitting.fold(Status::default(), |all, status| all | status);
            Some(Check::Status(all))
        }
        _ => None,
    };
    match item {
        Item::Known => Check::Known,
        Item::Range(from, to) => Check::Numbers([(*from, *to)].into()),
        Item::Net(net) => Check::Net(*net),
        Item::Protocol(proto) => Check::Protocol(proto.0),
        Item::Word(word) => {
            words(&|name| name == *word).unwrap_or_else(|| Check::Text(text::Test::whole(word)))
        }
        Item::Glob(glob) => {
            let test = text::Test::glob(glob);
            words(&|name| test.holds(name)).unwrap_or(Check::Text(test))
        }
        // A code is no part of a country's name.
        Item::Literal(_) if sort == Sort::Country && item.is_code() => {
            let code = item.print(sort);
            Check::Text(text::Test::whole(&code))
        }
        Item::Literal(text) if whole => Check::Text(text::Test::whole(text)),
        Item::Literal(text) => Check::Text(text::Test::contains(text)),
    }
}

impl Check {
    fn holds(&self, value: Value<'_>, factor: u64) -> bool {
        match (self, value) {
            (_, Value::Absent) => false,
            (Self::Known, _) => true,
            (Self::Numbers(ranges), value) => number(value, factor)
                .is_some_and(|n| ranges.iter().any(|(from, to)| (*from..=*to).contains(&n))),
            (Self::Net(net), Value::Address(ip)) => net.holds(ip),
            (Self::Protocol(number), Value::Protocol(proto)) => proto.0 == *number,
            (Self::States(states), Value::State(state)) => states.contains(&state),
            (Self::Status(bits), Value::Status(status)) => status.0 & bits.0 != 0,
            (Self::Text(test), value) => holds_text(test, value),
            _ => false,
        }
    }

    /// Whether it holds of an age. Of a lower bound only if it would hold of
    /// every longer one.
    fn holds_age(&self, age: Age) -> bool {
        match (self, age) {
            (Self::Numbers(ranges), Age::AtLeast(bound)) => {
                let bound = nanos(bound);
                let holds = |(from, to): &(u64, u64)| *from <= bound && *to == u64::MAX;
                ranges.iter().any(holds)
            }
            (Self::Known, Age::AtLeast(_)) => false,
            (_, age) => self.holds(Value::Seconds(age.duration()), 1),
        }
    }
}

fn nanos(span: std::time::Duration) -> u64 {
    span.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// A value as a number in units of its sort.
fn number(value: Value<'_>, factor: u64) -> Option<u64> {
    match value {
        Value::Uint(number) => Some(number.saturating_mul(factor)),
        Value::Seconds(span) => Some(nanos(span)),
        Value::Time(ns) => Some(ns),
        _ => None,
    }
}

/// A short text on the stack.
struct Short {
    bytes: [u8; 48],
    len: usize,
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

/// Whether a value as text is like `test`.
fn holds_text(wanted: &text::Test, value: Value<'_>) -> bool {
    let mut short = Short {
        bytes: [0; 48],
        len: 0,
    };
    // Everything that is written here is shorter than the room for it.
    let _ = match value {
        Value::Absent => return false,
        Value::Text(text) => return wanted.holds(text),
        Value::Status(status) => return status.names().any(|name| wanted.holds(name)),
        Value::Protocol(proto) => match proto.name() {
            Some(name) => return wanted.holds(name),
            None => write!(short, "{}", proto.0),
        },
        Value::State(state) => match state.name() {
            Some(name) => return wanted.holds(name),
            None => write!(short, "{}", state.number()),
        },
        Value::Uint(number) => {
            if !wanted.admits_only(|b| b.is_ascii_digit()) {
                return false;
            }
            write!(short, "{number}")
        }
        Value::Address(ip) => {
            let written = |b: u8| b.is_ascii_hexdigit() || b == b'.' || b == b':';
            if !wanted.admits_only(written) {
                return false;
            }
            write!(short, "{ip}")
        }
        Value::Mac(mac) => {
            if !wanted.admits_only(|b: u8| b.is_ascii_hexdigit() || b == b':') {
                return false;
            }
            write!(short, "{mac}")
        }
        Value::Seconds(span) => write!(short, "{}", span.as_secs()),
        Value::Time(ns) => match jiff::Timestamp::from_nanosecond(ns.into()) {
            Ok(at) => write!(short, "{at}"),
            Err(_) => return false,
        },
    };
    wanted.holds(short.as_str())
}

/// Whether any text of a flow is like `test`: what a person reads in its row.
/// Ports are such texts, counters are not, and neither are the status bits, of
/// which every flow has some.
fn is_anywhere(test: &text::Test, fields: &[&Field], subject: &mut impl Subject) -> bool {
    let of_flow = subject.flow().is_some_and(|flow| {
        let orig = &flow.key().orig;
        let port = |port: Option<u16>| port.map(u64::from).into();
        let tuple = |tuple: &crate::flow::Tuple| {
            [
                Value::Address(tuple.src()),
                Value::Address(tuple.dst()),
                port(tuple.sport()),
                port(tuple.dport()),
            ]
        };
        let words = [
            Value::Protocol(orig.proto()),
            flow.state().map_or(Value::Absent, Value::State),
            flow.nat().map(Nat::name).into(),
            flow.helper().into(),
        ];
        let holds = |value: &Value<'_>| holds_text(test, *value);
        words.iter().any(holds)
            || tuple(orig).iter().any(holds)
            || flow.nat().is_some() && tuple(&flow.reply()).iter().any(holds)
    });
    of_flow
        || subject.told(Needs::ALL, &mut |record| {
            let mut values = fields.iter().map(|field| (field.get)(record));
            values.any(|value| holds_text(test, value))
        })
}

/// The fields of free text that are not read from the flow itself.
fn texts() -> impl Iterator<Item = &'static Field> {
    FIELDS
        .iter()
        .filter(|field| field.kind == Kind::Text && Needs::of(field) != Needs::FLOW)
}
