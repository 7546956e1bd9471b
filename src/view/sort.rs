//! The order of rows.
//!
//! Every order is total and the same at every refresh: rows that are equal in
//! what they are sorted by stand in the usual order, and rows without it come
//! last, whichever way the others go.
//!
//! Columns of rates are ordered by their average over ten seconds, so that rows
//! do not jump; what a record holds is ordered by what it says.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::column::{self, ColumnId};
use super::departed::Flows;
use super::derived::idle;
use super::field::{self, Event, Field, Kind, Record, Value};
use super::first::{Around, Ordered, Reach};
use super::freeze::Freeze;
use super::group::GroupColumn;
use super::pins::{Pinned, Pins};
use super::whose::{owner_at_hand, owners};
use super::window::direction;
use super::{Departed, Flow, FlowId, Knowledge, Moment, Owner, Query, Row, Table};
use crate::enrich::geoip::{Location, Place};
use crate::enrich::owners::Container;
use crate::flow::{Direction, Pair, Scope};

/// Over how many seconds rates are averaged that decide an order.
const SETTLED_SECS: u64 = 10;

/// The usual order: the fastest first, averaged over ten seconds; then what
/// moved most; then the oldest. Below them those that have ended, the last to
/// end first.
pub(super) type Usual = (Reverse<u64>, Reverse<u64>, FlowId);

/// Where a flow stands in the usual order.
pub(super) fn usual(id: FlowId, flow: &Flow, now: Moment) -> Usual {
    if let Some(ago) = flow.ended_ago(now) {
        let ago_ns = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
        return (Reverse(0), Reverse(u64::MAX - ago_ns), id);
    }
    let bytes = flow.counters().unwrap_or_default().bytes();
    let rate = average(flow, SETTLED_SECS, now).unwrap_or_default();
    // One more than it is, so that those that have ended are below.
    (Reverse(rate.saturating_add(1)), Reverse(bytes.sum()), id)
}

/// What rows are ordered by, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What is compared.
    pub key: SortKey,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        SortKey::Usual.sort()
    }
}

/// What rows can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// The rate of both directions; then bytes; then age. Of flows and groups.
    #[default]
    Usual,
    /// A column of flows, as it is shown: hosts by name where one is known.
    Column(ColumnId),
    /// A column of hosts, by address even where a name is known.
    Address(ColumnId),
    /// A field of flows.
    Field(&'static Field),
    /// A column of groups.
    Group(GroupColumn),
}

impl SortKey {
    /// A field, or else a column of flows, by its name.
    pub fn named(name: &str) -> Option<Self> {
        let column = || column::named(name).map(|column| Self::Column(column.id));
        field::find(name).map(Self::Field).or_else(column)
    }

    /// Every name that [`SortKey::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        let columns = column::COLUMNS.iter().map(|column| column.key);
        field::FIELDS.iter().map(|field| field.key).chain(columns)
    }

    /// The order by it: numbers begin with the largest, texts with A.
    pub fn sort(self) -> Sort {
        let is_number = |align| align == column::Align::Right;
        let descending = match self {
            Self::Usual => true,
            Self::Column(id) | Self::Address(id) => is_number(id.column().align),
            Self::Field(field) => {
                matches!(field.kind, Kind::Integer | Kind::Seconds | Kind::Time)
            }
            Self::Group(column) => is_number(column.align()),
        };
        Sort {
            key: self,
            descending,
        }
    }
}

/// What is compared: names before numbers before addresses where a column has
/// all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<T> {
    /// A text.
    Name(T),
    /// A number.
    Number(u64),
    /// An address.
    Address(IpAddr),
}

impl<'a> Key<Cow<'a, str>> {
    /// A value; `None` if it is absent.
    pub(super) fn of(value: Value<'a>) -> Option<Self> {
        let text = |text: String| Self::Name(Cow::Owned(text));
        Some(match value {
            Value::Absent => return None,
            Value::Uint(number) | Value::Time(number) => Self::Number(number),
            Value::Seconds(span) => Self::Number(span.as_nanos() as u64),
            Value::Text(text) => Self::Name(Cow::Borrowed(text)),
            Value::Address(address) => Self::Address(address),
            Value::Protocol(proto) => text(proto.to_string()),
            Value::State(state) => text(state.to_string()),
            Value::Status(status) => text(status.names().collect::<Vec<_>>().join(" ")),
            Value::Mac(mac) => Self::Number(of_mac(mac)),
        })
    }
}

impl Key<Box<str>> {
    /// The same, on its own.
    pub(super) fn owned(value: Value<'_>) -> Option<Self> {
        Some(match Key::of(value)? {
            Key::Name(text) => Self::Name(text.into()),
            Key::Number(number) => Self::Number(number),
            Key::Address(address) => Self::Address(address),
        })
    }
}

/// Compares two keys, of which the absent one comes last.
pub(super) fn compare<K: Ord>(a: Option<&K>, b: Option<&K>, descending: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if descending => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// What flows are ordered by before the usual order decides.
pub(super) trait Rank {
    fn compare(&self, other: &Self, descending: bool) -> Ordering;
}

/// Nothing, which takes no room either.
impl Rank for () {
    fn compare(&self, (): &Self, _: bool) -> Ordering {
        Ordering::Equal
    }
}

impl<K: Ord> Rank for Option<K> {
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        compare(self.as_ref(), other.as_ref(), descending)
    }
}

/// What a flow is ordered by, and where it usually stands.
pub(super) type Entry<K> = (K, Usual);

/// Flows that are to be put in order.
pub(super) trait Rows<'a> {
    /// Hands over each of them.
    fn each(self, knowledge: &mut Knowledge, take: impl FnMut(FlowId, &'a Flow, &mut Knowledge));
}

/// The order that a query asks for, as far as somebody reaches.
pub(super) fn in_order<'a>(
    query: &Query,
    rows: impl Rows<'a>,
    reach: Reach,
    all: Flows<'a>,
    knowledge: &'a mut Knowledge,
    now: Moment,
) -> Box<dyn Ordered + 'a> {
    let asked = Asked {
        reach,
        descending: query.sort.descending,
        pins: &query.pins,
        all,
        now,
    };
    if let Freeze::Kept(kept) = &query.freeze {
        let place = |id, _: &Flow, _: &mut Knowledge| kept.place_of_flow(id);
        return Asked {
            descending: false,
            ..asked
        }
        .in_one_walk(rows, knowledge, place);
    }
    asked.sorted(query.sort, rows, knowledge)
}

/// Every flow that `scope` holds, in an order.
pub fn ordered(
    table: &Table,
    scope: Scope,
    sort: Sort,
    knowledge: &mut Knowledge,
    now: Moment,
) -> Vec<FlowId> {
    struct InScope<'a>(&'a Table, Scope);
    impl<'a> Rows<'a> for InScope<'a> {
        fn each(
            self,
            knowledge: &mut Knowledge,
            mut take: impl FnMut(FlowId, &'a Flow, &mut Knowledge),
        ) {
            for (id, flow) in self.0.flows() {
                if self.1.holds(flow.class()) {
                    take(id, flow, knowledge);
                }
            }
        }
    }
    let none = Departed::with_capacity(0);
    let asked = Asked {
        reach: Reach::ALL,
        descending: sort.descending,
        pins: &Pins::default(),
        all: Flows {
            live: table,
            ended: &none,
        },
        now,
    };
    let mut flows = asked.sorted(sort, InScope(table, scope), knowledge);
    flows.window(0, flows.count())
}

/// Which rows of an order, of which flows, and when.
#[derive(Clone, Copy)]
struct Asked<'a, 'p> {
    reach: Reach,
    descending: bool,
    pins: &'p Pins,
    all: Flows<'a>,
    now: Moment,
}

impl<'a> Asked<'a, '_> {
    fn sorted(
        self,
        sort: Sort,
        rows: impl Rows<'a>,
        knowledge: &'a mut Knowledge,
    ) -> Box<dyn Ordered + 'a> {
        let now = self.now;
        match By::of(sort) {
            By::Nothing => self.in_one_walk(rows, knowledge, |_, _, _| ()),
            By::Number(get) => self.in_one_walk(rows, knowledge, |_, flow, knowledge| {
                get(flow, knowledge, now)
            }),
            By::Text(get) => {
                let mut found = Vec::new();
                rows.each(knowledge, |id, flow, _| found.push((id, flow)));
                let knowledge = &*knowledge;
                self.arranged(found.into_iter(), |_, flow| get(flow, knowledge))
            }
            By::Shared(get) => self.by_ranks(get, rows, knowledge),
            By::Field(field) => self.in_one_walk(rows, knowledge, |_, flow, knowledge| {
                let record = Record {
                    event: Event::Sample,
                    ts_ns: now.real_ns,
                    row: Some(Row::new(flow, knowledge, now)),
                    count: None,
                };
                Key::owned((field.get)(&record))
            }),
        }
    }

    /// By a key that is read while the table is walked through.
    fn in_one_walk<K: Rank + 'a>(
        self,
        rows: impl Rows<'a>,
        knowledge: &mut Knowledge,
        mut key: impl FnMut(FlowId, &'a Flow, &mut Knowledge) -> K,
    ) -> Box<dyn Ordered + 'a> {
        let mut around = self.around(|id, flow| key(id, flow, knowledge));
        rows.each(knowledge, |id, flow, knowledge| {
            let key = self.pins.rank(id, key(id, flow, knowledge));
            around.add(key, || usual(id, flow, self.now));
        });
        Box::new(around)
    }

    /// By a key of flows that are found already.
    fn arranged<K: Rank + 'a>(
        self,
        found: impl Iterator<Item = (FlowId, &'a Flow)>,
        mut key: impl FnMut(FlowId, &'a Flow) -> K,
    ) -> Box<dyn Ordered + 'a> {
        let mut around = self.around(&mut key);
        for (id, flow) in found {
            let key = self.pins.rank(id, key(id, flow));
            around.add(key, || usual(id, flow, self.now));
        }
        Box::new(around)
    }

    /// By the ranks of texts, which are known when all have been seen.
    fn by_ranks(
        self,
        get: Shared,
        rows: impl Rows<'a>,
        knowledge: &mut Knowledge,
    ) -> Box<dyn Ordered + 'a> {
        let mut names = Ranks::default();
        let mut found = Vec::new();
        let mut center = None;
        rows.each(knowledge, |id, flow, knowledge| {
            let number = get(flow, knowledge).map(|text| names.number(text));
            if self.reach.center == Some(id) {
                center = number;
            }
            found.push((id, flow, number));
        });
        let ranks = names.ranks();
        let rank = |number: Option<usize>| number.map(|number| ranks[number]);
        let mut around = self.around(|_, _| rank(center));
        for (id, flow, number) in found {
            let key = self.pins.rank(id, rank(number));
            around.add(key, || usual(id, flow, self.now));
        }
        Box::new(around)
    }

    /// No rows yet, and room for as many as somebody reaches.
    fn around<K: Rank>(self, mut key: impl FnMut(FlowId, &'a Flow) -> K) -> Around<Pinned<K>> {
        let center = self.reach.center.and_then(|id| {
            let flow = self.all.get(id)?;
            let key = self.pins.rank(id, key(id, flow));
            Some((key, usual(id, flow, self.now)))
        });
        Around::new(center, self.reach.rows, self.descending)
    }
}

/// Texts that many flows share, each kept once and then told by its rank.
#[derive(Default)]
struct Ranks {
    numbers: HashMap<Arc<str>, usize, foldhash::fast::RandomState>,
}

impl Ranks {
    fn number(&mut self, text: Arc<str>) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(text).or_insert(next)
    }

    /// The rank of each number.
    fn ranks(&self) -> Vec<u64> {
        let mut texts: Vec<_> = self.numbers.iter().collect();
        texts.sort_unstable();
        let mut ranks = vec![0; texts.len()];
        for (rank, (_, number)) in (0..).zip(texts) {
            ranks[*number] = rank;
        }
        ranks
    }
}

type Number = fn(&Flow, &mut Knowledge, Moment) -> Option<u64>;
type Text = for<'a> fn(&'a Flow, &'a Knowledge) -> Option<Key<&'a str>>;
type Shared = fn(&Flow, &mut Knowledge) -> Option<Arc<str>>;

/// How flows are compared.
enum By {
    /// By nothing else than the usual order.
    Nothing,
    Number(Number),
    /// By texts that stay where they are.
    Text(Text),
    /// By texts that are found out and shared.
    Shared(Shared),
    /// By whatever a record says.
    Field(&'static Field),
}

impl By {
    fn of(sort: Sort) -> Self {
        match sort.key {
            SortKey::Usual if !sort.descending => {
                Self::Number(|flow, _, now| average(flow, SETTLED_SECS, now))
            }
            // Of groups, flows have nothing.
            SortKey::Usual | SortKey::Group(_) => Self::Nothing,
            SortKey::Column(id) => Self::column(id),
            SortKey::Address(ColumnId::Source) => {
                Self::Text(|flow, knowledge| Some(Key::Address(shown_ends(flow, knowledge)[0])))
            }
            SortKey::Address(_) => {
                Self::Text(|flow, knowledge| Some(Key::Address(shown_ends(flow, knowledge)[1])))
            }
            SortKey::Field(field) => Self::Field(field),
        }
    }

    fn column(id: ColumnId) -> Self {
        match id {
            ColumnId::Proto
            | ColumnId::State
            | ColumnId::Source
            | ColumnId::Arrow
            | ColumnId::Destination
            | ColumnId::Service
            | ColumnId::Process
            | ColumnId::User
            | ColumnId::Unit => Self::Text(text(id)),
            ColumnId::Country => Self::Number(|flow, knowledge, _| country(flow, knowledge)),
            ColumnId::Interface => Self::Shared(|flow, knowledge| {
                let orig = &flow.key().orig;
                let interfaces = knowledge.interfaces(orig, &flow.reply(), flow.mark());
                interfaces.orig.or(interfaces.reply)
            }),
            ColumnId::City => Self::Shared(|flow, knowledge| place(flow, knowledge)?.city.clone()),
            ColumnId::Organisation => {
                Self::Shared(|flow, knowledge| place(flow, knowledge)?.as_org.clone())
            }
            _ => Self::Number(number(id)),
        }
    }
}

/// Of columns whose texts are in the flow, or known by heart.
fn text(id: ColumnId) -> Text {
    match id {
        ColumnId::Proto => |flow, _| {
            let proto = flow.key().orig.proto();
            Some(proto.name().map_or(Key::Number(proto.0.into()), Key::Name))
        },
        ColumnId::State => |flow, _| column::state_name(flow).map(Key::Name),
        ColumnId::Source => |flow, knowledge| Some(host(shown_ends(flow, knowledge)[0], knowledge)),
        ColumnId::Arrow => |flow, knowledge| Some(Key::Name(direction(flow, knowledge)?.name())),
        ColumnId::Destination => {
            |flow, knowledge| Some(host(shown_ends(flow, knowledge)[1], knowledge))
        }
        ColumnId::Service => |flow, knowledge| {
            let orig = &flow.key().orig;
            let name = knowledge.services().of(orig).map(|(_, name)| name);
            let port = || orig.dport().map(|port| Key::Number(port.into()));
            name.map(Key::Name).or_else(port)
        },
        ColumnId::Process => |flow, knowledge| {
            let process = owner(flow, knowledge)?.process.as_ref().ok()?;
            Some(Key::Name(&process.name))
        },
        ColumnId::User => |flow, knowledge| {
            let account = owner(flow, knowledge)?.account()?;
            let name = account.name.as_deref().map(Key::Name);
            Some(name.unwrap_or(Key::Number(account.uid.into())))
        },
        _ => |flow, knowledge| {
            let cgroup = owner(flow, knowledge)?.cgroup()?;
            let container = cgroup.container.as_ref().map(Container::label);
            container.or(cgroup.unit.as_deref()).map(Key::Name)
        },
    }
}

/// Of columns of numbers.
fn number(id: ColumnId) -> Number {
    match id {
        ColumnId::Age => |flow, _, now| Some(flow.age(now).duration().as_nanos() as u64),
        ColumnId::OrigBytes => |flow, _, _| Some(flow.counters()?.orig.bytes),
        ColumnId::ReplyBytes => |flow, _, _| Some(flow.counters()?.reply.bytes),
        ColumnId::Bytes => |flow, _, _| Some(flow.counters()?.bytes().sum()),
        ColumnId::OrigPackets => |flow, _, _| Some(flow.counters()?.orig.packets),
        ColumnId::ReplyPackets => |flow, _, _| Some(flow.counters()?.reply.packets),
        ColumnId::OrigRate => {
            |flow, _, now| Some(flow.average_bytes_per_sec(SETTLED_SECS, now)?.orig)
        }
        ColumnId::ReplyRate => {
            |flow, _, now| Some(flow.average_bytes_per_sec(SETTLED_SECS, now)?.reply)
        }
        ColumnId::Rate2 => |flow, _, now| average(flow, 2, now),
        ColumnId::Rate40 | ColumnId::Trend => |flow, _, now| average(flow, 40, now),
        ColumnId::Expires => |flow, _, now| flow.timeout_secs(now),
        ColumnId::Ended => |flow, _, now| Some(flow.ended_ago(now)?.as_nanos() as u64),
        ColumnId::Idle => |flow, knowledge, now| {
            let whole = super::whole_timeout(flow, knowledge);
            Some(idle(flow, whole, now).duration().as_secs())
        },
        ColumnId::OrigPacketRate => |flow, _, _| Some(flow.packets_per_sec()?.orig),
        ColumnId::ReplyPacketRate => |flow, _, _| Some(flow.packets_per_sec()?.reply),
        ColumnId::PacketSize => |flow, _, _| super::bytes_per_packet(flow.counters()?),
        ColumnId::OrigDelta => {
            |flow, knowledge, _| Some(super::since_baseline(flow, knowledge)?.orig)
        }
        ColumnId::ReplyDelta => {
            |flow, knowledge, _| Some(super::since_baseline(flow, knowledge)?.reply)
        }
        ColumnId::OrigPeak => |flow, _, _| Some(flow.peak_bytes_per_sec()?.orig),
        ColumnId::ReplyPeak => |flow, _, _| Some(flow.peak_bytes_per_sec()?.reply),
        ColumnId::Mark => |flow, _, _| flow.mark().map(u64::from),
        ColumnId::Zone => |flow, _, _| Some(flow.key().zone.into()),
        ColumnId::Sport => |flow, _, _| flow.key().orig.sport().map(u64::from),
        ColumnId::Dport => |flow, _, _| flow.key().orig.dport().map(u64::from),
        ColumnId::Mac => |flow, knowledge, _| {
            let mac = knowledge.locality().mac(flow.key().orig.src());
            mac.map(of_mac)
        },
        ColumnId::Asn => |flow, knowledge, _| {
            let asn = place(flow, knowledge)?.asn?;
            Some(asn.get().into())
        },
        ColumnId::Rtt => |flow, knowledge, _| {
            let rtt_us = owner(flow, knowledge)?.figures.as_ref()?.rtt_us?;
            Some(rtt_us.into())
        },
        // Rate and Rate10; the others are texts.
        _ => |flow, _, now| average(flow, SETTLED_SECS, now),
    }
}

/// Bytes per second of both directions.
fn average(flow: &Flow, secs: u64, now: Moment) -> Option<u64> {
    flow.average_bytes_per_sec(secs, now).map(Pair::sum)
}

fn of_mac(super::Mac(bytes): super::Mac) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The addresses on the left and on the right of the screen.
fn shown_ends(flow: &Flow, knowledge: &Knowledge) -> [IpAddr; 2] {
    let orig = &flow.key().orig;
    if direction(flow, knowledge) == Some(Direction::In) {
        [orig.dst(), orig.src()]
    } else {
        [orig.src(), orig.dst()]
    }
}

fn host(address: IpAddr, knowledge: &Knowledge) -> Key<&str> {
    let name = knowledge.name_of(address).map(Key::Name);
    name.unwrap_or(Key::Address(address))
}

/// See [`Row::owner`].
fn owner<'a>(flow: &Flow, knowledge: &'a Knowledge) -> Option<&'a Owner> {
    owner_at_hand(owners(flow, knowledge)?, direction(flow, knowledge))
}

/// Where the far end is, as columns have it.
fn far<'a>(flow: &Flow, knowledge: &'a mut Knowledge) -> &'a Location {
    let orig = &flow.key().orig;
    let comes_in = direction(flow, knowledge) == Some(Direction::In);
    if comes_in || *knowledge.located(orig.dst()) == Location::Lan {
        knowledge.located(orig.src())
    } else {
        knowledge.located(orig.dst())
    }
}

fn place<'a>(flow: &Flow, knowledge: &'a mut Knowledge) -> Option<&'a Place> {
    far(flow, knowledge).place()
}

/// The letters of the far country, as a number of the same order.
fn country(flow: &Flow, knowledge: &mut Knowledge) -> Option<u64> {
    let letters = |text: &str| text.bytes().fold(0, |sum, byte| sum << 8 | u64::from(byte));
    match far(flow, knowledge) {
        Location::Unknown => None,
        // After all countries.
        Location::Lan => Some(letters("lan")),
        Location::Place(place) => Some(letters(place.country_code.as_ref()?.as_str())),
    }
}
