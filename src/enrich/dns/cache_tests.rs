//! Every transition of an address, with a clock that the test moves.

use super::*;
use proptest::prelude::*;

fn addr(n: u32) -> IpAddr {
    IpAddr::from(n.to_be_bytes())
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn ask(cache: &mut Cache, addrs: &[u32], now: Instant) -> Vec<Known> {
    let addrs: Vec<_> = addrs.iter().copied().map(addr).collect();
    let known = cache.ask(&addrs, now);
    assert!(known.iter().map(|(addr, _)| addr).eq(&addrs));
    known.into_iter().map(|(_, known)| known).collect()
}

fn waiting(cache: &Cache) -> Vec<u32> {
    let octets = |addr| match addr {
        IpAddr::V4(addr) => u32::from(addr),
        IpAddr::V6(_) => unreachable!(),
    };
    cache.waiting().map(|(addr, _)| octets(addr)).collect()
}

fn named(name: &str, ttl: u64) -> Outcome {
    Outcome::Named {
        name: name.into(),
        ttl: secs(ttl),
    }
}

fn settled(name: &str) -> Known {
    Known::Settled(Some(name.into()))
}

/// Asked, sent and settled.
fn settle(cache: &mut Cache, n: u32, outcome: Outcome, now: Instant) -> Option<Arc<str>> {
    assert_eq!(ask(cache, &[n], now), [Known::Pending]);
    cache.leave(addr(n));
    cache.settle(addr(n), outcome, now)
}

/// The first whole second, counted from `from`, at which `n` is asked about again.
fn lasts(cache: &mut Cache, n: u32, from: Instant) -> u64 {
    (0..100_000)
        .find(|&after| ask(cache, &[n], from + secs(after)) == [Known::Pending])
        .unwrap()
}

#[test]
fn unasked_queued_in_flight_named_expired() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits::default());
    assert_eq!(ask(&mut cache, &[1], now), [Known::Pending]);
    assert_eq!(waiting(&cache), [1]);
    assert_eq!(
        ask(&mut cache, &[1, 1], now),
        [Known::Pending, Known::Pending]
    );
    assert_eq!(waiting(&cache), [1], "an address waits once");
    cache.leave(addr(1));
    assert_eq!(cache.queued(), 0);
    assert_eq!(ask(&mut cache, &[1], now), [Known::Pending]);
    assert_eq!(cache.queued(), 0, "what is in flight does not wait again");
    assert_eq!(
        cache.settle(addr(1), named("a", 100), now).as_deref(),
        Some("a")
    );
    assert_eq!(ask(&mut cache, &[1], now + secs(99)), [settled("a")]);
    assert_eq!(cache.queued(), 0);
    assert_eq!(ask(&mut cache, &[1], now + secs(100)), [Known::Pending]);
    assert_eq!(waiting(&cache), [1]);
}

#[test]
fn lifetimes_are_clamped() {
    let now = Instant::now();
    for (ttl, counts) in [(0, 60), (59, 60), (61, 61), (3600, 3600), (1 << 31, 3600)] {
        let mut cache = Cache::new(Limits::default());
        settle(&mut cache, 1, named("a", ttl), now);
        assert_eq!(lasts(&mut cache, 1, now), counts, "name of {ttl} s");
    }
    for (ttl, counts) in [
        (None, 300),
        (Some(1), 300),
        (Some(900), 900),
        (Some(86_400), 3600),
    ] {
        let mut cache = Cache::new(Limits::default());
        settle(&mut cache, 1, Outcome::Nameless { ttl: ttl.map(secs) }, now);
        assert_eq!(lasts(&mut cache, 1, now), counts, "no name for {ttl:?} s");
    }
}

#[test]
fn failures_wait_twice_as_long_each_time_until_an_answer() {
    let mut now = Instant::now();
    let mut cache = Cache::new(Limits::default());
    settle(&mut cache, 1, Outcome::Failed, now);
    for expected in [60, 120, 240, 480, 900, 900, 900] {
        let after = lasts(&mut cache, 1, now);
        assert_eq!(after, expected);
        now += secs(after);
        cache.leave(addr(1));
        cache.settle(addr(1), Outcome::Failed, now);
    }
    now += secs(lasts(&mut cache, 1, now));
    cache.leave(addr(1));
    cache.settle(addr(1), Outcome::Nameless { ttl: None }, now);
    now += secs(lasts(&mut cache, 1, now));
    cache.leave(addr(1));
    cache.settle(addr(1), Outcome::Failed, now);
    assert_eq!(lasts(&mut cache, 1, now), 60);
}

#[test]
fn a_name_outlives_failures_but_not_a_denial() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits::default());
    settle(&mut cache, 1, named("a", 60), now);
    let later = now + secs(60);
    assert_eq!(
        settle(&mut cache, 1, Outcome::Failed, later).as_deref(),
        Some("a")
    );
    assert_eq!(ask(&mut cache, &[1], later), [settled("a")]);
    let later = later + secs(60);
    assert_eq!(
        settle(&mut cache, 1, Outcome::Nameless { ttl: None }, later),
        None
    );
    assert_eq!(ask(&mut cache, &[1], later), [Known::Settled(None)]);
}

#[test]
fn silence_is_retried_in_front_until_attempts_are_used_up() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits::default());
    ask(&mut cache, &[1, 2], now);
    cache.leave(addr(1));
    assert_eq!(cache.retry(addr(1), 7, 2, now), Known::Pending);
    let queue: Vec<_> = cache.waiting().collect();
    assert_eq!(queue, [(addr(1), Some(7)), (addr(2), None)]);
    cache.leave(addr(1));
    assert_eq!(cache.retry(addr(1), 7, 2, now), Known::Settled(None));
    assert_eq!(waiting(&cache), [2]);
    assert_eq!(ask(&mut cache, &[1], now), [Known::Settled(None)]);
}

#[test]
fn the_last_looked_at_goes_first_and_pushes_out_the_rest() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits {
        entries: 100,
        queued: 4,
    });
    ask(&mut cache, &[1, 2, 3], now);
    ask(&mut cache, &[3, 4], now);
    assert_eq!(waiting(&cache), [3, 4, 1, 2]);
    ask(&mut cache, &[5], now);
    assert_eq!(waiting(&cache), [5, 3, 4, 1]);
    assert_eq!(cache.entries.len(), 4, "2 is forgotten");
    let known = ask(&mut cache, &[6, 7, 5, 8, 1, 9], now);
    assert_eq!(waiting(&cache), [6, 7, 5, 8]);
    assert_eq!(known[3], Known::Pending);
    assert_eq!(known[4..], [Known::NoRoom, Known::NoRoom]);
    assert_eq!(cache.entries.len(), 4);
}

#[test]
fn an_address_that_falls_out_of_the_queue_keeps_its_name_and_its_failures() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits {
        entries: 100,
        queued: 1,
    });
    settle(&mut cache, 1, named("a", 60), now);
    settle(&mut cache, 2, Outcome::Failed, now);
    let later = now + secs(60);
    ask(&mut cache, &[1], later);
    ask(&mut cache, &[2], later);
    ask(&mut cache, &[3], later);
    assert_eq!(waiting(&cache), [3]);
    assert_eq!(
        settle(&mut cache, 1, Outcome::Failed, later).as_deref(),
        Some("a")
    );
    settle(&mut cache, 2, Outcome::Failed, later);
    assert_eq!(lasts(&mut cache, 2, later), 120);
}

#[test]
fn new_nameservers_forget_who_waits_but_not_what_is_known() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits::default());
    settle(&mut cache, 1, named("a", 60), now);
    ask(&mut cache, &[2, 3], now);
    cache.leave(addr(2));
    cache.forget_pending();
    assert_eq!(cache.queued(), 0);
    assert_eq!(
        ask(&mut cache, &[1, 2], now),
        [settled("a"), Known::Pending]
    );
    assert_eq!(waiting(&cache), [2]);
}

#[test]
fn a_full_cache_drops_the_expired_then_the_longest_unseen() {
    let now = Instant::now();
    let mut cache = Cache::new(Limits {
        entries: 16,
        queued: 4,
    });
    for n in 0..8 {
        settle(&mut cache, n, named("short", 60), now);
    }
    for n in 8..16 {
        settle(&mut cache, n, named("long", 3600), now);
    }
    let later = now + secs(60);
    ask(&mut cache, &[8], later);
    settle(&mut cache, 16, named("new", 3600), later);
    assert_eq!(cache.entries.len(), 9, "the eight short ones went");
    for n in 17..24 {
        settle(&mut cache, n, named("new", 3600), later);
    }
    assert_eq!(cache.entries.len(), 16);
    settle(&mut cache, 24, named("new", 3600), later);
    assert_eq!(cache.entries.len(), 15, "an eighth went, and one came");
    assert!(!cache.entries.contains_key(&addr(9)));
    assert!(!cache.entries.contains_key(&addr(10)));
    assert!(
        cache.entries.contains_key(&addr(8)),
        "8 was looked at after 9"
    );
}

#[derive(Clone, Debug)]
enum Step {
    Ask(Vec<u32>),
    Leave,
    Settle(u8),
    Retry,
    Forget,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec(0u32..200, 0..40).prop_map(Step::Ask),
        4 => Just(Step::Leave),
        4 => (0u8..3).prop_map(Step::Settle),
        2 => Just(Step::Retry),
        1 => Just(Step::Forget),
        2 => (1u64..2000).prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_the_bounds_hold(steps in proptest::collection::vec(step(), 1..200)) {
        const IN_FLIGHT: usize = 4;
        let limits = Limits { entries: 64, queued: 16 };
        let mut cache = Cache::new(limits);
        let mut now = Instant::now();
        let mut flights: Vec<IpAddr> = Vec::new();
        for step in steps {
            match step {
                Step::Ask(addrs) => { ask(&mut cache, &addrs, now); }
                Step::Leave => {
                    let next = cache.waiting().next().map(|(addr, _)| addr);
                    if let Some(addr) = next.filter(|_| flights.len() < IN_FLIGHT) {
                        cache.leave(addr);
                        flights.push(addr);
                    }
                }
                Step::Settle(kind) => if let Some(addr) = flights.pop() {
                    let outcome = match kind {
                        0 => named("x", 100),
                        1 => Outcome::Nameless { ttl: None },
                        _ => Outcome::Failed,
                    };
                    cache.settle(addr, outcome, now);
                }
                Step::Retry => if let Some(addr) = flights.pop() {
                    cache.retry(addr, 0, 2, now);
                }
                Step::Forget => { cache.forget_pending(); flights.clear(); }
                Step::Wait(by) => now += secs(by),
            }
            prop_assert!(cache.entries.len() <= limits.entries);
            prop_assert!(cache.queued() <= limits.queued + IN_FLIGHT);
            let mut queue = waiting(&cache);
            queue.sort_unstable();
            queue.dedup();
            prop_assert_eq!(queue.len(), cache.queued());
            let in_state = |wanted: fn(&State) -> bool| cache.entries.values().filter(|e| wanted(&e.state)).count();
            prop_assert_eq!(in_state(|s| matches!(s, State::Queued { .. })), cache.queued());
            prop_assert_eq!(in_state(|s| matches!(s, State::InFlight { .. })), flights.len());
        }
    }
}
