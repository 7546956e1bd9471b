//! What the flows of the table are like, and whose they are: one pass, and a
//! second one over those of hosts that stand out.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::Settings;
use crate::flow::{Protocol, State, Status};
use crate::table::{Flow, Table};

/// Hosts that stand out, at most.
const SUSPECTS: usize = 5;

/// Flows by what they are like; all of the table, whatever a filter holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// All.
    pub flows: usize,
    /// TCP flows by state, the most first.
    pub tcp: Vec<(Option<State>, usize)>,
    /// Flows of other protocols, the most first.
    pub others: Vec<(Protocol, usize)>,
    /// Flows that nobody has answered yet.
    pub unreplied: usize,
    /// Flows that are not thrown out when the table is full.
    pub assured: usize,
    /// Flows past which a flowtable forwards packets.
    pub offloaded: usize,
    /// Flows that are not counted.
    pub uncounted: usize,
    /// Sources of many flows that nobody answers, the most first.
    pub unanswered: Vec<Unanswered>,
    /// Targets of many handshakes that are not completed, the most first.
    pub half_open: Vec<HalfOpen>,
    /// The source of the most flows, and how many they are.
    pub busiest: Option<(IpAddr, usize)>,
}

/// What many unanswered flows of one source look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspect {
    /// Many ports of few hosts.
    PortScan,
    /// Many hosts.
    Sweep,
    /// Few targets, over and over.
    Repeats,
}

/// A source of flows that nobody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The source.
    pub source: IpAddr,
    /// How many.
    pub flows: usize,
    /// How many different destinations.
    pub hosts: usize,
    /// How many different pairs of destination and port.
    pub targets: usize,
    /// A destination, the only one if there is one.
    pub target: IpAddr,
    /// Its port.
    pub port: Option<u16>,
    /// What that looks like.
    pub suspect: Suspect,
}

/// A target of handshakes that are not completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HalfOpen {
    /// The target.
    pub target: IpAddr,
    /// One of its ports.
    pub port: Option<u16>,
    /// How many.
    pub flows: usize,
    /// From how many sources.
    pub sources: usize,
}

type Tally = HashMap<IpAddr, usize, foldhash::fast::RandomState>;

/// Targets of a suspect.
#[derive(Default)]
struct Targets {
    hosts: HashSet<IpAddr, foldhash::fast::RandomState>,
    ports: HashSet<(IpAddr, Option<u16>), foldhash::fast::RandomState>,
    last: Option<(IpAddr, Option<u16>)>,
}

impl Census {
    /// Looks at every flow.
    pub(super) fn of(table: &Table, settings: &Settings) -> Self {
        let mut census = Self::default();
        let mut tcp: HashMap<Option<State>, usize> = HashMap::new();
        let mut others = [0; 256];
        let (mut by_source, mut unanswered) = (Tally::default(), Tally::default());
        let mut half_open = Tally::default();
        for (_, flow) in table.flows() {
            census.flows += 1;
            let orig = &flow.key().orig;
            if orig.proto() == Protocol::TCP {
                *tcp.entry(flow.state()).or_default() += 1;
            } else {
                others[usize::from(orig.proto().0)] += 1;
            }
            let status = flow.status();
            let has = |bit| status.is_some_and(|status| status.has(bit));
            census.assured += usize::from(has(Status::ASSURED));
            census.offloaded += usize::from(flow.is_offloaded());
            census.uncounted += usize::from(flow.is_uncounted());
            *by_source.entry(orig.src()).or_default() += 1;
            if is_unanswered(flow) {
                census.unreplied += 1;
                *unanswered.entry(orig.src()).or_default() += 1;
            }
            if is_half_open(flow) {
                *half_open.entry(orig.dst()).or_default() += 1;
            }
        }
        census.tcp = tcp.into_iter().collect();
        census
            .tcp
            .sort_unstable_by_key(|(state, flows)| (usize::MAX - flows, *state));
        let present = (0..=u8::MAX).zip(others).filter(|(_, flows)| *flows > 0);
        census.others = present
            .map(|(number, flows)| (Protocol(number), flows))
            .collect();
        census.others.sort_by_key(|(_, flows)| usize::MAX - flows);
        census.busiest = most(by_source, 1).first().copied();
        let sources = most(unanswered, settings.unanswered);
        let targets = most(half_open, settings.unanswered);
        if !(sources.is_empty() && targets.is_empty()) {
            census.look_closer(table, &sources, &targets, settings);
        }
        census
    }

    /// What the flows of those who stand out have in common.
    fn look_closer(
        &mut self,
        table: &Table,
        sources: &[(IpAddr, usize)],
        targets: &[(IpAddr, usize)],
        settings: &Settings,
    ) {
        let index = |all: &[(IpAddr, usize)], host| all.iter().position(|(of, _)| *of == host);
        let mut tried: Vec<Targets> = sources.iter().map(|_| Targets::default()).collect();
        let mut from: Vec<Targets> = targets.iter().map(|_| Targets::default()).collect();
        for (_, flow) in table.flows() {
            let orig = &flow.key().orig;
            if is_unanswered(flow)
                && let Some(tried) = index(sources, orig.src()).and_then(|at| tried.get_mut(at))
            {
                tried.hosts.insert(orig.dst());
                tried.ports.insert((orig.dst(), orig.dport()));
                tried.last = Some((orig.dst(), orig.dport()));
            }
            if is_half_open(flow)
                && let Some(from) = index(targets, orig.dst()).and_then(|at| from.get_mut(at))
            {
                from.hosts.insert(orig.src());
                from.last = Some((orig.dst(), orig.dport()));
            }
        }
        let described = sources
            .iter()
            .zip(tried)
            .filter_map(|(&(source, flows), tried)| {
                let (target, port) = tried.last?;
                let (hosts, targets) = (tried.hosts.len(), tried.ports.len());
                let suspect = if targets < settings.scan_targets {
                    Suspect::Repeats
                } else if hosts * 4 <= targets {
                    Suspect::PortScan
                } else {
                    Suspect::Sweep
                };
                Some(Unanswered {
                    source,
                    flows,
                    hosts,
                    targets,
                    target,
                    port,
                    suspect,
                })
            });
        self.unanswered = described.collect();
        let described = targets
            .iter()
            .zip(from)
            .filter_map(|(&(target, flows), from)| {
                let (_, port) = from.last?;
                Some(HalfOpen {
                    target,
                    port,
                    flows,
                    sources: from.hosts.len(),
                })
            });
        // A single source is told of as such.
        self.half_open = described
            .filter(|half_open| half_open.sources > 1)
            .collect();
    }
}

/// Those with at least so many flows, the most first.
fn most(tally: Tally, least: usize) -> Vec<(IpAddr, usize)> {
    let mut all: Vec<_> = tally
        .into_iter()
        .filter(|(_, flows)| *flows >= least)
        .collect();
    all.sort_unstable_by_key(|(host, flows)| (usize::MAX - flows, *host));
    all.truncate(SUSPECTS);
    all
}

/// Whether somebody was asked and has not answered. To a group nobody need.
fn is_unanswered(flow: &Flow) -> bool {
    let is_to_many = match flow.key().orig.dst() {
        IpAddr::V4(dst) => dst.is_multicast() || dst.is_broadcast(),
        IpAddr::V6(dst) => dst.is_multicast(),
    };
    let replied = flow
        .status()
        .is_none_or(|status| status.has(Status::SEEN_REPLY));
    !replied && !is_to_many
}

/// Whether a handshake of TCP is under way.
fn is_half_open(flow: &Flow) -> bool {
    let is_tcp = flow.key().orig.proto() == Protocol::TCP;
    is_tcp && flow.state().is_some_and(State::is_opening)
}
