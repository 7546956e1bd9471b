//! From readings to what they mean: totals, what was added, rates.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::links::Link;
use super::observer::Reading;
use super::own::Own;
use super::stack::Stack;
use super::tracking::Tracking;
use crate::flow::{Moment, Pair};
use crate::netlink::conntrack::stats::{CpuStats, Stat, TableSize};
use crate::netlink::route::{Carried, Traffic};

/// How far back the share of retransmits looks.
const WINDOW: Duration = Duration::from_secs(60);
/// Segments that make a sample: below, one retransmit more or less would be a
/// finding.
const SAMPLE_SEGMENTS: u64 = 200;

/// A counter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Since the network namespace began.
    pub total: u64,
    /// Of these, since this program began to look.
    pub added: u64,
    /// How fast it grows, now; `None` before two readings.
    pub per_sec: Option<f64>,
}

/// What connection tracking counts about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackingVitals {
    counts: [Option<Count>; Stat::ALL.len()],
    /// How many CPUs were summed.
    pub cpus: usize,
    /// How full the table is; only ctnetlink tells.
    pub size: Option<TableSize>,
}

impl TrackingVitals {
    /// A counter, all CPUs together; `None` where the kernel does not count it.
    pub const fn get(&self, stat: Stat) -> Option<Count> {
        self.counts[stat as usize]
    }
}

/// How fast one direction of an interface is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkRates {
    /// Bytes per second.
    pub bytes_per_sec: u64,
    /// Packets per second.
    pub packets_per_sec: f64,
    /// Broken packets per second.
    pub errors_per_sec: f64,
    /// Dropped packets per second.
    pub dropped_per_sec: f64,
}

/// An interface, and how fast it is.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkVitals {
    /// What it has carried since it is there.
    pub link: Link,
    /// What it has carried since this program began to look.
    pub added: Pair<Carried>,
    /// Sent (`orig`) and received, now; `None` before two readings.
    pub rates: Option<Pair<LinkRates>>,
}

/// TCP and UDP of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StackVitals {
    /// TCP connections that are established, now.
    pub established: Option<u64>,
    /// Segments sent within the last minute, those sent again left out.
    pub segments: Option<u64>,
    /// Of these, the share that was sent again, in percent; `None` before
    /// enough were sent for a sample.
    pub retransmit_percent: Option<f64>,
    /// See [`Stack`].
    pub tcp_in_errors: Option<Count>,
    /// See [`Stack`].
    pub listen_overflows: Option<Count>,
    /// See [`Stack`].
    pub listen_drops: Option<Count>,
    /// See [`Stack`].
    pub udp_receive_errors: Option<Count>,
}

/// Everything that readings tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Vitals {
    /// The moment of the last of them.
    pub at: Moment,
    /// The moment of the first.
    pub since: Moment,
    /// What connection tracking counts, or why it is not known.
    pub tracking: Result<TrackingVitals, String>,
    /// The interfaces, or why they are not known.
    pub links: Result<Vec<LinkVitals>, String>,
    /// TCP and UDP of this machine.
    pub stack: StackVitals,
    /// What this program has used.
    pub own: Own,
    /// Share of one CPU that it uses now, in percent.
    pub cpu_percent: Option<f64>,
}

/// The readings that matter for the next.
#[derive(Clone, Debug)]
pub struct History {
    /// A reading that is older than this says nothing about now.
    stale: Duration,
    first: Option<Reading>,
    last: Option<Reading>,
    stacks: VecDeque<(Moment, Stack)>,
}

impl History {
    /// Of readings that come about every `interval` while somebody looks.
    pub fn new(interval: Duration) -> Self {
        Self {
            stale: stale(interval),
            first: None,
            last: None,
            stacks: VecDeque::new(),
        }
    }

    /// From now on they come about every `interval`.
    pub fn set_interval(&mut self, interval: Duration) {
        self.stale = stale(interval);
    }

    /// Takes a reading in.
    pub fn take(&mut self, reading: Reading) -> Arc<Vitals> {
        let first = self.first.get_or_insert_with(|| reading.clone());
        let is_recent = |last: &&Reading| {
            let since = reading.at.since(last.at);
            !since.is_zero() && since <= self.stale
        };
        let before = self.last.as_ref().filter(is_recent);
        let secs = before.map_or(0.0, |before| reading.at.since(before.at).as_secs_f64());
        let cpu_percent = before.and_then(|before| {
            let used = reading.own.cpu?.checked_sub(before.own.cpu?)?;
            Some(used.as_secs_f64() * 100.0 / secs)
        });
        self.stacks.push_back((reading.at, reading.stack));
        // The first of those that remain is a minute old, or the one before.
        while let Some((second, _)) = self.stacks.get(1)
            && reading.at.since(*second) >= WINDOW.max(self.stale)
        {
            self.stacks.pop_front();
        }
        let vitals = Vitals {
            at: reading.at,
            since: first.at,
            tracking: reading.tracking.as_ref().map_err(String::clone).map(|now| {
                let of = |reading: &Reading| reading.tracking.as_ref().ok().cloned();
                tracking(now, of(first).as_ref(), before.and_then(of).as_ref(), secs)
            }),
            links: reading.links.as_ref().map_err(String::clone).map(|now| {
                let of = |reading: &'_ Reading| reading.links.clone().unwrap_or_default();
                links(now, &of(first), before.map(of).as_deref(), secs)
            }),
            stack: stack(
                &reading.stack,
                &first.stack,
                before.map(|before| &before.stack),
                secs,
                self.stacks.front().map(|(_, stack)| stack),
            ),
            own: reading.own,
            cpu_percent,
        };
        self.last = Some(reading);
        Arc::new(vitals)
    }
}

/// How old a reading may be that says how fast it is now.
fn stale(interval: Duration) -> Duration {
    interval.saturating_mul(3).max(Duration::from_secs(5))
}

/// How much a counter of 32 bits has grown on all CPUs. Where one came or went
/// meanwhile, on those that were there.
fn growth(now: &[CpuStats], then: &[CpuStats], stat: Stat) -> u64 {
    let each = now.iter().zip(then).map(|(now, then)| {
        let (now, then) = (now.get(stat).unwrap_or(0), then.get(stat).unwrap_or(0));
        u64::from(now.wrapping_sub(then))
    });
    each.sum()
}

fn tracking(
    now: &Tracking,
    first: Option<&Tracking>,
    before: Option<&Tracking>,
    secs: f64,
) -> TrackingVitals {
    let count = |stat| {
        let told: Vec<u32> = now.cpus.iter().filter_map(|cpu| cpu.get(stat)).collect();
        (!told.is_empty()).then(|| Count {
            total: told.into_iter().map(u64::from).sum(),
            added: first.map_or(0, |first| growth(&now.cpus, &first.cpus, stat)),
            per_sec: before.map(|before| growth(&now.cpus, &before.cpus, stat) as f64 / secs),
        })
    };
    TrackingVitals {
        counts: Stat::ALL.map(count),
        cpus: now.cpus.len(),
        size: now.size,
    }
}

/// The interface that a reading had under the same index and name: one that
/// was made anew counts from zero.
fn same<'a>(links: &'a [Link], traffic: &Traffic) -> Option<&'a Traffic> {
    let mut all = links.iter().map(|link| &link.traffic);
    all.find(|other| other.index == traffic.index && other.name == traffic.name)
}

fn links(now: &[Link], first: &[Link], before: Option<&[Link]>, secs: f64) -> Vec<LinkVitals> {
    let each = now.iter().map(|link| {
        let traffic = &link.traffic;
        let since = |links: &[Link]| {
            let then = same(links, traffic).map(|then| then.carried);
            let then = then.unwrap_or_default();
            Pair {
                orig: grown(traffic.carried.orig, then.orig),
                reply: grown(traffic.carried.reply, then.reply),
            }
        };
        let known_before = before.filter(|before| same(before, traffic).is_some());
        let rate = |grown: Carried| LinkRates {
            bytes_per_sec: (grown.bytes as f64 / secs) as u64,
            packets_per_sec: grown.packets as f64 / secs,
            errors_per_sec: grown.errors as f64 / secs,
            dropped_per_sec: grown.dropped as f64 / secs,
        };
        LinkVitals {
            link: link.clone(),
            added: since(first),
            rates: known_before.map(since).map(|pair| Pair {
                orig: rate(pair.orig),
                reply: rate(pair.reply),
            }),
        }
    });
    each.collect()
}

/// What came since. A driver that set its counters back has counted since.
const fn grown(now: Carried, then: Carried) -> Carried {
    if now.bytes < then.bytes || now.packets < then.packets {
        return now;
    }
    Carried {
        bytes: now.bytes - then.bytes,
        packets: now.packets - then.packets,
        errors: now.errors.saturating_sub(then.errors),
        dropped: now.dropped.saturating_sub(then.dropped),
    }
}

fn stack(
    now: &Stack,
    first: &Stack,
    before: Option<&Stack>,
    secs: f64,
    minute_ago: Option<&Stack>,
) -> StackVitals {
    let count = |get: fn(&Stack) -> Option<u64>| {
        let total = get(now)?;
        let since = |then: &Stack| get(then).map(|then| total.saturating_sub(then));
        Some(Count {
            total,
            added: since(first).unwrap_or(0),
            per_sec: before.and_then(since).map(|grown| grown as f64 / secs),
        })
    };
    let within = |get: fn(&Stack) -> Option<u64>| get(now)?.checked_sub(get(minute_ago?)?);
    let segments = within(|stack| stack.segments_sent);
    let again = within(|stack| stack.retransmits);
    let sample = segments
        .zip(again)
        .filter(|(sent, _)| *sent >= SAMPLE_SEGMENTS);
    StackVitals {
        established: now.established,
        segments,
        retransmit_percent: sample.map(|(sent, again)| again as f64 * 100.0 / sent as f64),
        tcp_in_errors: count(|stack| stack.tcp_in_errors),
        listen_overflows: count(|stack| stack.listen_overflows),
        listen_drops: count(|stack| stack.listen_drops),
        udp_receive_errors: count(|stack| stack.udp_receive_errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::route::LinkState;

    fn at(secs: u64) -> Moment {
        Moment::default().after(Duration::from_secs(secs))
    }

    fn reading(secs: u64) -> Reading {
        Reading {
            at: at(secs),
            tracking: Ok(Tracking::default()),
            links: Ok(Vec::new()),
            stack: Stack::default(),
            own: Own::default(),
        }
    }

    fn drops(secs: u64, cpus: &[u32]) -> Reading {
        let stats = |count: &u32| CpuStats::default().with(Stat::Drop, *count);
        Reading {
            tracking: Ok(Tracking {
                cpus: cpus.iter().map(stats).collect(),
                size: None,
            }),
            ..reading(secs)
        }
    }

    fn drop_count(vitals: &Vitals) -> Count {
        let tracking = vitals.tracking.as_ref().unwrap();
        tracking.get(Stat::Drop).unwrap()
    }

    #[test]
    fn counters_of_all_cpus_become_totals_and_rates() {
        let mut history = History::new(Duration::from_secs(1));
        let first = history.take(drops(10, &[5, 100]));
        assert_eq!(
            drop_count(&first),
            Count {
                total: 105,
                added: 0,
                per_sec: None
            }
        );
        assert_eq!(first.tracking.as_ref().unwrap().get(Stat::Found), None);
        history.take(drops(11, &[7, 100]));
        let third = history.take(drops(13, &[7, 110]));
        assert_eq!(
            drop_count(&third),
            Count {
                total: 117,
                added: 12,
                per_sec: Some(5.0)
            }
        );
    }

    #[test]
    fn a_counter_may_wrap_on_one_cpu() {
        let mut history = History::new(Duration::from_secs(1));
        history.take(drops(10, &[u32::MAX, 0]));
        let next = history.take(drops(11, &[2, 1]));
        assert_eq!(drop_count(&next).added, 4);
    }

    #[test]
    fn after_a_pause_there_is_no_rate_until_the_next_reading() {
        let mut history = History::new(Duration::from_secs(1));
        history.take(drops(10, &[0]));
        let late = history.take(drops(100, &[90]));
        assert_eq!(drop_count(&late).added, 90);
        assert_eq!(drop_count(&late).per_sec, None);
        let next = history.take(drops(101, &[93]));
        assert_eq!(drop_count(&next).per_sec, Some(3.0));
        // With a long interval the same pause is none.
        let mut slow = History::new(Duration::from_secs(60));
        slow.take(drops(10, &[0]));
        let next = slow.take(drops(100, &[90]));
        assert_eq!(drop_count(&next).per_sec, Some(1.0));
    }

    #[test]
    fn a_longer_interval_leaves_the_rates() {
        let mut history = History::new(Duration::from_secs(1));
        history.take(drops(10, &[0]));
        history.set_interval(Duration::from_secs(10));
        let next = history.take(drops(20, &[30]));
        assert_eq!(drop_count(&next).per_sec, Some(3.0));
    }

    fn carried(secs: u64, index: u32, bytes: u64) -> Reading {
        let carried = Carried {
            bytes,
            packets: bytes / 100,
            errors: bytes / 1000,
            dropped: 0,
        };
        let traffic = Traffic {
            index,
            name: "wan0".into(),
            kind: None,
            mac: None,
            is_loopback: false,
            state: LinkState::Up,
            carried: Pair {
                orig: Carried::default(),
                reply: carried,
            },
            collisions: 0,
        };
        Reading {
            links: Ok(vec![Link {
                traffic,
                speed_mbit_per_sec: None,
            }]),
            ..reading(secs)
        }
    }

    #[test]
    fn interfaces_have_rates_and_one_made_anew_has_none_at_first() {
        let mut history = History::new(Duration::from_secs(1));
        let link = |vitals: &Vitals| vitals.links.as_ref().unwrap()[0].clone();
        assert_eq!(link(&history.take(carried(1, 2, 10_000))).rates, None);
        let second = link(&history.take(carried(3, 2, 14_000)));
        let received = second.rates.unwrap().reply;
        assert_eq!(received.bytes_per_sec, 2000);
        assert!((received.packets_per_sec - 20.0).abs() < 1e-9);
        assert!((received.errors_per_sec - 2.0).abs() < 1e-9);
        assert_eq!(second.added.reply.bytes, 4000);
        let anew = link(&history.take(carried(4, 3, 500)));
        assert_eq!((anew.rates, anew.added.reply.bytes), (None, 500));
    }

    fn segments(secs: u64, sent: u64, again: u64) -> Reading {
        Reading {
            stack: Stack {
                segments_sent: Some(sent),
                retransmits: Some(again),
                ..Stack::default()
            },
            ..reading(secs)
        }
    }

    #[test]
    fn a_share_of_retransmits_needs_a_sample_and_forgets_after_a_minute() {
        let mut history = History::new(Duration::from_secs(1));
        history.take(segments(0, 1000, 50));
        let few = history.take(segments(1, 1100, 60)).stack;
        assert_eq!((few.segments, few.retransmit_percent), (Some(100), None));
        let enough = history.take(segments(2, 1400, 66)).stack;
        assert_eq!(enough.retransmit_percent, Some(4.0));
        for sec in 3..70 {
            history.take(segments(sec, 1400 + sec * 100, 66));
        }
        let later = history.take(segments(70, 8400, 66)).stack;
        assert_eq!(later.retransmit_percent, Some(0.0));
        assert_eq!(later.segments, Some(6000));
    }

    #[test]
    fn this_program_s_cpu_is_a_share_of_one() {
        let used = |secs, millis| Reading {
            own: Own {
                cpu: Some(Duration::from_millis(millis)),
                memory_bytes: None,
            },
            ..reading(secs)
        };
        let mut history = History::new(Duration::from_secs(1));
        assert_eq!(history.take(used(1, 500)).cpu_percent, None);
        assert_eq!(history.take(used(3, 600)).cpu_percent, Some(5.0));
    }
}
