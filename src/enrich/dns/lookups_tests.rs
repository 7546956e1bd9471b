//! The rules of departure and what becomes of a query, without a socket.

use super::*;
use crate::enrich::dns::pace::{MAX_SILENCE, PAUSE};
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn policy() -> Policy {
    Policy {
        per_sec: 10,
        burst: 20,
        in_flight: 16,
        deadline: 2000 * MS,
        attempts: 2,
        private: PrivateRanges::LocalServers,
    }
}

fn server(id: ServerId, is_local: bool) -> Server {
    Server {
        id,
        address: None,
        is_local,
    }
}

fn lookups(policy: Policy, servers: &[Server], now: Instant) -> Lookups {
    let mut lookups = Lookups::new(policy, Limits::default(), now);
    lookups.set_servers(servers.to_vec());
    lookups
}

fn addr(n: u32) -> IpAddr {
    IpAddr::from((0x0808_0000 + n).to_be_bytes())
}

fn addrs(range: std::ops::Range<u32>) -> Vec<IpAddr> {
    range.map(addr).collect()
}

fn all_next(lookups: &mut Lookups, now: Instant) -> Vec<Query> {
    std::iter::from_fn(|| lookups.next(now, 1)).collect()
}

fn named(name: &str) -> Outcome {
    Outcome::Named {
        name: name.into(),
        ttl: Duration::from_secs(600),
    }
}

#[test]
fn the_rate_the_burst_and_the_window_bound_what_leaves() {
    let start = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], start);
    lookups.ask(&addrs(0..10_000), start);
    assert_eq!(lookups.counters().queued, 256);
    let first = all_next(&mut lookups, start);
    assert_eq!(first.len(), 16, "no more than 16 on their way");
    assert_eq!(first[0].addr, addr(0));
    for query in first {
        lookups.replied(query, named("x"), start);
    }
    assert_eq!(
        all_next(&mut lookups, start).len(),
        4,
        "no more than 20 at once"
    );
    assert_eq!(lookups.wake_at(), Some(start + 100 * MS));
    assert_eq!(all_next(&mut lookups, start + 99 * MS).len(), 0);
    assert_eq!(all_next(&mut lookups, start + 100 * MS).len(), 1);
}

#[test]
fn ids_of_one_server_differ() {
    let now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], now);
    lookups.ask(&addrs(0..3), now);
    let ids: Vec<_> = std::iter::from_fn(|| lookups.next(now, u16::MAX))
        .map(|q| q.id)
        .collect();
    assert_eq!(ids, [u16::MAX, 0, 1]);
    assert_eq!(lookups.in_flight(1, 0).unwrap().addr, addr(1));
    assert_eq!(lookups.in_flight(2, 0), None);
}

#[test]
fn silence_goes_to_the_next_server_and_then_fails() {
    let mut now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false), server(2, false)], now);
    lookups.ask(&[addr(1)], now);
    assert_eq!(lookups.next(now, 1).unwrap().server, 1);
    assert_eq!(lookups.wake_at(), Some(now + 2000 * MS));
    now += 1999 * MS;
    lookups.expire(now);
    assert_eq!(lookups.counters().in_flight, 1);
    now += MS;
    lookups.expire(now);
    assert_eq!(lookups.next(now, 1).unwrap().server, 2);
    assert_eq!(lookups.take_settled(), []);
    now += 2000 * MS;
    lookups.expire(now);
    assert_eq!(lookups.next(now, 1), None);
    assert_eq!(lookups.take_settled(), [answer(addr(1), None)]);
    assert_eq!(lookups.counters().unanswered, 2);
}

#[test]
fn with_one_server_the_retry_goes_there_again() {
    let now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], now);
    lookups.ask(&[addr(1)], now);
    let query = lookups.next(now, 1).unwrap();
    lookups.unanswered(query, now);
    assert_eq!(lookups.next(now, 1).unwrap().server, 1);
}

#[test]
fn an_error_is_worth_another_server_but_not_the_same() {
    let now = Instant::now();
    let mut two = lookups(policy(), &[server(1, false), server(2, false)], now);
    two.ask(&[addr(1)], now);
    let query = two.next(now, 1).unwrap();
    two.replied(query, Outcome::Failed, now);
    let query = two.next(now, 1).unwrap();
    assert_eq!(query.server, 2);
    two.replied(query, named("b"), now);
    assert_eq!(two.take_settled(), [answer(addr(1), Some("b".into()))]);

    let mut one = lookups(policy(), &[server(1, false)], now);
    one.ask(&[addr(1)], now);
    let query = one.next(now, 1).unwrap();
    one.replied(query, Outcome::Failed, now);
    assert_eq!(one.next(now, 1), None);
    assert_eq!(one.take_settled(), [answer(addr(1), None)]);
    assert_eq!(one.silent_servers().count(), 0, "an error is not silence");
}

#[test]
fn a_reply_counts_once() {
    let now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], now);
    lookups.ask(&[addr(1)], now);
    let query = lookups.next(now, 1).unwrap();
    lookups.replied(query, named("a"), now);
    lookups.replied(query, named("b"), now);
    lookups.unanswered(query, now);
    assert_eq!(lookups.take_settled(), [answer(addr(1), Some("a".into()))]);
    assert_eq!(lookups.counters().answered, 1);
    assert_eq!(lookups.counters().unanswered, 0);
}

#[test]
fn a_dead_server_is_left_alone_and_the_queue_waits() {
    let start = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], start);
    lookups.ask(&addrs(0..200), start);
    assert_eq!(all_next(&mut lookups, start).len(), 16);
    lookups.unreachable(1, start);
    assert_eq!(lookups.take_tripped(), [1], "once");
    assert_eq!(lookups.silent_servers().count(), 1);
    let asked = lookups.counters().asked;
    let early = start + PAUSE.saturating_sub(MS);
    assert_eq!(all_next(&mut lookups, early).len(), 0);
    let now = start + PAUSE;
    assert_eq!(lookups.wake_at(), Some(now));
    let probe = all_next(&mut lookups, now);
    assert_eq!(probe.len(), 1, "one may try");
    assert_eq!(lookups.counters().asked, asked + 1);
    assert_eq!(lookups.wake_at(), Some(now + 2000 * MS));
    lookups.expire(now + 2000 * MS);
    assert_eq!(all_next(&mut lookups, now + 2000 * MS).len(), 0);
    let now = now + 2000 * MS + PAUSE;
    let probe = all_next(&mut lookups, now);
    lookups.replied(probe[0], named("back"), now);
    assert_eq!(lookups.silent_servers().count(), 0);
    assert_eq!(all_next(&mut lookups, now).len(), 16);
}

#[test]
fn a_dead_first_server_costs_ten_queries() {
    let mut now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false), server(2, false)], now);
    for n in 0..50 {
        lookups.ask(&[addr(n)], now);
        while let Some(query) = lookups.next(now, 1) {
            if query.server == 1 {
                now += 2000 * MS;
                lookups.expire(now);
            } else {
                lookups.replied(query, named("x"), now);
            }
        }
        now += 100 * MS;
        lookups.expire(now);
    }
    assert_eq!(lookups.counters().answered, 50);
    assert_eq!(lookups.counters().unanswered, u64::from(MAX_SILENCE));
}

#[test]
fn private_addresses_concern_local_servers_only() {
    let now = Instant::now();
    let private: IpAddr = "192.168.1.9".parse().unwrap();
    let nobody: IpAddr = "224.0.0.251".parse().unwrap();
    let run = |servers: &[Server], private_ranges| {
        let policy = Policy {
            private: private_ranges,
            ..policy()
        };
        let mut lookups = lookups(policy, servers, now);
        lookups.ask(&[private, nobody, addr(1)], now);
        let asked: Vec<_> = all_next(&mut lookups, now)
            .iter()
            .map(|q| (q.addr, q.server))
            .collect();
        let settled: Vec<_> = lookups.take_settled().into_iter().map(|a| a.addr).collect();
        (asked, settled)
    };
    let (public, local) = (server(1, false), server(2, true));
    assert_eq!(
        run(std::slice::from_ref(&public), PrivateRanges::LocalServers),
        (vec![(addr(1), 1)], vec![private, nobody])
    );
    assert_eq!(
        run(
            &[public.clone(), local.clone()],
            PrivateRanges::LocalServers
        ),
        (vec![(private, 2), (addr(1), 1)], vec![nobody])
    );
    assert_eq!(
        run(std::slice::from_ref(&public), PrivateRanges::AnyServer),
        (vec![(private, 1), (addr(1), 1)], vec![nobody])
    );
    assert_eq!(
        run(&[local], PrivateRanges::Never),
        (vec![(addr(1), 2)], vec![private, nobody])
    );
    assert_eq!(
        run(&[], PrivateRanges::LocalServers),
        (vec![], vec![private, nobody, addr(1)])
    );
}

#[test]
fn a_retry_of_a_private_address_does_not_leave_the_network() {
    let now = Instant::now();
    let private: IpAddr = "10.0.0.1".parse().unwrap();
    let mut lookups = lookups(policy(), &[server(1, true), server(2, false)], now);
    lookups.ask(&[private], now);
    let query = lookups.next(now, 1).unwrap();
    lookups.unanswered(query, now);
    let query = lookups.next(now, 1).unwrap();
    assert_eq!(query.server, 1);
    lookups.replied(query, Outcome::Failed, now);
    assert_eq!(lookups.next(now, 1), None);
}

#[test]
fn new_servers_start_afresh() {
    let now = Instant::now();
    let mut lookups = lookups(policy(), &[server(1, false)], now);
    lookups.ask(&addrs(0..16), now);
    let queries = all_next(&mut lookups, now);
    lookups.set_servers(vec![server(2, false)]);
    lookups.replied(queries[0], named("late"), now);
    assert_eq!(lookups.take_settled(), []);
    assert_eq!(lookups.wake_at(), None);
    lookups.ask(&[addr(0)], now);
    assert_eq!(lookups.next(now, 1).unwrap().server, 2);
}

#[derive(Clone, Debug)]
enum Step {
    Ask(u32, u32),
    Wait(u64),
    Reply(u8),
    Unreachable(ServerId),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u32..2000, 0u32..40).prop_map(|(from, n)| Step::Ask(from, n)),
        (1u64..5000).prop_map(Step::Wait),
        (0u8..3).prop_map(Step::Reply),
        (1u64..3).prop_map(Step::Unreachable),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_history_breaks_the_bounds_or_sleeps_in_vain(steps in proptest::collection::vec(step(), 1..200)) {
        let start = Instant::now();
        let mut now = start;
        let mut lookups = lookups(policy(), &[server(1, false), server(2, true)], start);
        let mut flying: Vec<Query> = Vec::new();
        for step in steps {
            match step {
                Step::Ask(from, n) => lookups.ask(&addrs(from..from + n), now),
                Step::Wait(ms) => now += Duration::from_millis(ms),
                Step::Unreachable(server) => lookups.unreachable(server, now),
                Step::Reply(kind) => if let Some(query) = flying.pop() {
                    let outcome = match kind {
                        0 => named("x"),
                        1 => Outcome::Nameless { ttl: None },
                        _ => Outcome::Failed,
                    };
                    lookups.replied(query, outcome, now);
                }
            }
            lookups.expire(now);
            flying.extend(all_next(&mut lookups, now));
            let counters = lookups.counters();
            prop_assert!(counters.in_flight <= 16);
            let most = 20.0 + 10.0 * (now - start).as_secs_f64();
            prop_assert!(counters.asked as f64 <= most);
            prop_assert_eq!(counters.queued + counters.in_flight > 0, lookups.wake_at().is_some());
            prop_assert!(lookups.wake_at().is_none_or(|at| at > now));
        }
    }
}
