//! Which query leaves when, to whom, and what its fate means. Pure: datagrams
//! and the clock are somebody else's.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cache::{Cache, Known, Limits, ServerId};
use super::pace::{Breaker, Bucket};
use super::scope::{self, Scope};
use super::{Counters, Outcome, PrivateRanges};
use crate::enrich::names::{Answer, Source};

/// The bounds on what leaves this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Policy {
    /// Queries per second in the long run, retries included.
    pub(super) per_sec: u32,
    /// Queries at once after a silence.
    pub(super) burst: u32,
    /// Queries on their way at any moment.
    pub(super) in_flight: usize,
    /// How long a query may take.
    pub(super) deadline: Duration,
    /// Queries per address before it has failed.
    pub(super) attempts: u8,
    /// Whom private addresses may be asked about.
    pub(super) private: PrivateRanges,
}

/// A nameserver, as far as it matters here.
#[derive(Clone, Debug)]
pub(super) struct Server {
    /// Never used again once the server is replaced.
    pub(super) id: ServerId,
    /// Where it is; `None` for libc's resolver, which does not say.
    pub(super) address: Option<SocketAddr>,
    /// Whether names of private addresses stay on this network when it is asked.
    pub(super) is_local: bool,
}

/// What is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Query {
    /// About whom.
    pub(super) addr: IpAddr,
    /// To whom.
    pub(super) server: ServerId,
    /// The message id; no other query to this server has it now.
    pub(super) id: u16,
}

#[derive(Debug)]
struct Flight {
    query: Query,
    since: Instant,
}

/// The cache, the pace, the nameservers, and the queries on their way.
#[derive(Debug)]
pub(super) struct Lookups {
    policy: Policy,
    cache: Cache,
    bucket: Bucket,
    servers: Vec<(Server, Breaker)>,
    flights: Vec<Flight>,
    settled: Vec<Answer>,
    tripped: Vec<ServerId>,
    counters: Counters,
}

impl Lookups {
    /// With no nameserver yet.
    pub(super) fn new(policy: Policy, limits: Limits, now: Instant) -> Self {
        Self {
            policy,
            cache: Cache::new(limits),
            bucket: Bucket::new(policy.per_sec, policy.burst, now),
            servers: Vec::new(),
            flights: Vec::new(),
            settled: Vec::new(),
            tripped: Vec::new(),
            counters: Counters::default(),
        }
    }

    /// Replaces the nameservers, in order of preference. What waits or is in
    /// flight is forgotten and asked again while visible; what is known stays.
    pub(super) fn set_servers(&mut self, servers: Vec<Server>) {
        self.servers = servers
            .into_iter()
            .map(|server| (server, Breaker::default()))
            .collect();
        self.flights.clear();
        self.cache.forget_pending();
    }

    /// Sets how long a query may take and how often it is sent, which the
    /// system's configuration may say.
    pub(super) fn set_patience(&mut self, deadline: Duration, attempts: u8) {
        self.policy.deadline = deadline;
        self.policy.attempts = attempts;
    }

    /// Wants the names of canonical addresses, the most important first.
    ///
    /// 1. What nobody may be asked about has no name.
    /// 2. What is known is answered.
    /// 3. The rest waits for [`Lookups::next`].
    pub(super) fn ask(&mut self, addrs: &[IpAddr], now: Instant) {
        let (may, may_not): (Vec<_>, Vec<_>) = addrs.iter().partition(|&&addr| {
            self.servers
                .iter()
                .any(|(server, _)| self.may_hear(server, addr))
        });
        self.settled
            .extend(may_not.into_iter().map(|&addr| answer(addr, None)));
        for (addr, known) in self.cache.ask(may, now) {
            if let Known::Settled(name) = known {
                self.settled.push(answer(addr, name));
            }
        }
    }

    /// The next query that may leave, which counts as sent. `random` makes its id.
    ///
    /// A query leaves if
    /// 1. fewer than `in_flight` are on their way,
    /// 2. an address waits, the head of the queue first, for which there is a
    ///    nameserver that
    ///    a. may hear of it,
    ///    b. is not paused by its circuit breaker,
    ///    c. did not just leave it unanswered, unless there is no other,
    /// 3. the token bucket has a token.
    pub(super) fn next(&mut self, now: Instant, random: u16) -> Option<Query> {
        if self.flights.len() >= self.policy.in_flight {
            return None;
        }
        let (addr, server) = self
            .cache
            .waiting()
            .find_map(|(addr, last)| Some((addr, self.server_for(addr, last, now)?)))?;
        if !self.bucket.take(now) {
            return None;
        }
        let mut id = random;
        while self.in_flight(server, id).is_some() {
            id = id.wrapping_add(1);
        }
        let query = Query { addr, server, id };
        self.cache.leave(addr);
        self.flights.push(Flight { query, since: now });
        self.counters.asked += 1;
        Some(query)
    }

    /// The first nameserver in order of preference that fits condition 2.
    fn server_for(&self, addr: IpAddr, last: Option<ServerId>, now: Instant) -> Option<ServerId> {
        let mut usable = self.servers.iter().filter(|(server, breaker)| {
            self.may_hear(server, addr) && breaker.allows(self.in_flight_to(server.id), now)
        });
        let (first, _) = usable.next()?;
        if Some(first.id) != last {
            return Some(first.id);
        }
        Some(usable.next().map_or(first.id, |(other, _)| other.id))
    }

    /// The query on its way to `server` with this id.
    pub(super) fn in_flight(&self, server: ServerId, id: u16) -> Option<Query> {
        let mut queries = self.flights.iter().map(|flight| flight.query);
        queries.find(|query| query.server == server && query.id == id)
    }

    /// The server replied to `query`.
    ///
    /// 1. Its circuit breaker closes, whatever it said.
    /// 2. If it failed, and another server may hear of the address and attempts
    ///    are left, the address waits for that one.
    /// 3. Otherwise this is the last word for now.
    pub(super) fn replied(&mut self, query: Query, outcome: Outcome, now: Instant) {
        if !self.land(query) {
            return;
        }
        if let Some((_, breaker)) = self.servers.iter_mut().find(|(s, _)| s.id == query.server) {
            breaker.heard();
        }
        match outcome {
            Outcome::Named { .. } => self.counters.answered += 1,
            Outcome::Nameless { .. } => self.counters.negative += 1,
            Outcome::Failed => {
                self.counters.failed += 1;
                let mut servers = self.servers.iter();
                let another =
                    servers.any(|(s, _)| s.id != query.server && self.may_hear(s, query.addr));
                let attempts = if another { self.policy.attempts } else { 0 };
                self.retry(query, attempts, now);
                return;
            }
        }
        let name = self.cache.settle(query.addr, outcome, now);
        self.settled.push(answer(query.addr, name));
    }

    /// `query` was in vain: it could not be sent, or ended without a reply.
    pub(super) fn unanswered(&mut self, query: Query, now: Instant) {
        if self.flights.iter().any(|flight| flight.query == query) {
            self.lose(vec![query], now);
        }
    }

    /// `server` cannot be reached: whatever was on its way to it is lost.
    pub(super) fn unreachable(&mut self, server: ServerId, now: Instant) {
        let lost = self
            .flights
            .iter()
            .map(|flight| flight.query)
            .filter(|query| query.server == server);
        self.lose(lost.collect(), now);
    }

    /// Gives up the queries whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant) {
        let late =
            |flight: &&Flight| now.saturating_duration_since(flight.since) >= self.policy.deadline;
        let lost = self
            .flights
            .iter()
            .filter(late)
            .map(|flight| flight.query)
            .collect();
        self.lose(lost, now);
    }

    /// The circuit breaker of the server counts a silence, and the address waits
    /// for another attempt, if one is left.
    fn lose(&mut self, lost: Vec<Query>, now: Instant) {
        for query in lost {
            self.land(query);
            self.counters.unanswered += 1;
            if let Some((_, breaker)) = self.servers.iter_mut().find(|(s, _)| s.id == query.server)
                && breaker.silence(now)
            {
                self.tripped.push(query.server);
            }
            self.retry(query, self.policy.attempts, now);
        }
    }

    fn retry(&mut self, query: Query, attempts: u8, now: Instant) {
        let known = self.cache.retry(query.addr, query.server, attempts, now);
        if let Known::Settled(name) = known {
            self.settled.push(answer(query.addr, name));
        }
    }

    /// Takes a query out of those on their way; false if it is not among them.
    fn land(&mut self, query: Query) -> bool {
        let position = self.flights.iter().position(|flight| flight.query == query);
        position.map(|i| self.flights.swap_remove(i)).is_some()
    }

    /// When something will be due if nothing arrives before: a deadline, or the
    /// moment the next query may leave. Later than `now` once
    /// [`Lookups::expire`] has been called and [`Lookups::next`] says no.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let deadlines = self
            .flights
            .iter()
            .map(|flight| flight.since + self.policy.deadline);
        let has_room = self.flights.len() < self.policy.in_flight;
        let token = self.bucket.ready_at();
        let waiting = self.cache.waiting().filter(|_| has_room);
        let departures = waiting.flat_map(|(addr, _)| {
            let hearing = self
                .servers
                .iter()
                .filter(move |(server, _)| self.may_hear(server, addr));
            hearing.filter_map(|(server, breaker)| match breaker.paused_until() {
                None => Some(token),
                Some(_) if self.in_flight_to(server.id) > 0 => None,
                Some(until) => Some(until.max(token)),
            })
        });
        deadlines.chain(departures).min()
    }

    /// What has been settled since the last call.
    pub(super) fn take_settled(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.settled)
    }

    /// The nameservers whose circuit breaker has opened since the last call.
    pub(super) fn take_tripped(&mut self) -> Vec<ServerId> {
        std::mem::take(&mut self.tripped)
    }

    /// The nameservers that do not answer.
    pub(super) fn silent_servers(&self) -> impl Iterator<Item = &Server> {
        self.servers
            .iter()
            .filter(|(_, breaker)| breaker.is_open())
            .map(|(server, _)| server)
    }

    /// Counts a datagram that belongs to no query.
    pub(super) fn count_ignored(&mut self) {
        self.counters.ignored += 1;
    }

    /// The figures as of now.
    pub(super) fn counters(&self) -> Counters {
        Counters {
            queued: self.cache.queued() as u64,
            in_flight: self.flights.len() as u64,
            ..self.counters
        }
    }

    fn in_flight_to(&self, server: ServerId) -> usize {
        self.flights
            .iter()
            .filter(|flight| flight.query.server == server)
            .count()
    }

    fn may_hear(&self, server: &Server, addr: IpAddr) -> bool {
        match (scope::of(addr), self.policy.private) {
            (Scope::Public, _) | (Scope::Private, PrivateRanges::AnyServer) => true,
            (Scope::Private, PrivateRanges::LocalServers) => server.is_local,
            (Scope::Private, PrivateRanges::Never) | (Scope::Nowhere, _) => false,
        }
    }
}

fn answer(addr: IpAddr, name: Option<Arc<str>>) -> Answer {
    Answer {
        addr,
        name,
        source: Source::Dns,
    }
}

#[cfg(test)]
#[path = "lookups_tests.rs"]
mod tests;
