//! What is wrong, in sentences: what, why that matters, and what helps.

use std::net::IpAddr;
use std::time::Duration;

use super::super::super::state::State;
use super::super::super::theme::Role;
use super::super::line;
use super::super::popup::Text;
use super::{bytes, grouped, per_sec, told};
use crate::view::column::Hosts;
use crate::view::health::{
    Count, Finding, HalfOpen, Health, Stat, Suspect, Trouble, Unanswered, percent,
};
use crate::view::{View, units};

/// Cells of a severity, with the blank cells behind it.
const SIGN: usize = 13;

/// A finding in words.
struct Words {
    what: String,
    /// Why it matters, and what can be done.
    then: String,
}

/// All of them; and that there are none.
pub(super) fn lines(state: &State, view: &View, health: &Health, width: usize) -> Vec<Text> {
    let room = width.saturating_sub(SIGN);
    let mut lines = Vec::new();
    for finding in &health.findings {
        let (sign, role) = told(finding.severity);
        let words = words(state, health, finding);
        let what = line::wrap(&words.what, room).into_iter();
        for (index, text) in what.enumerate() {
            let sign = if index == 0 { sign } else { "" };
            lines.push(vec![
                (sign.to_owned(), role),
                (" ".repeat(SIGN - sign.chars().count()), Role::Text),
                (text, Role::Title),
            ]);
        }
        for text in line::wrap(&words.then, room) {
            lines.push(vec![(" ".repeat(SIGN), Role::Text), (text, Role::Dim)]);
        }
    }
    if lines.is_empty() {
        let text = if view.status.synced {
            "Nothing is wrong, as far as flowtop can see."
        } else {
            "Nothing is wrong so far; the table is still being read."
        };
        lines.push(vec![
            ("ok".to_owned(), Role::StateOpen),
            (format!("{:11}{text}", ""), Role::Text),
        ]);
    }
    lines
}

fn words(state: &State, health: &Health, finding: &Finding) -> Words {
    match &finding.trouble {
        Trouble::Table {
            used,
            max,
            time_to_full,
        } => table(*used, *max, *time_to_full),
        Trouble::Counted(stat, count) => counted(*stat, *count),
        Trouble::Unanswered(unanswered) => unanswered_flows(state, health, unanswered),
        Trouble::HalfOpen(half_open) => half_open_flows(state, health, half_open),
        Trouble::Hog {
            source,
            flows,
            percent,
        } => {
            let host = host(state, health, *source);
            Words {
                what: format!(
                    "{host} has {} connections, {percent}% of what the table can hold.",
                    grouped(*flows as u64)
                ),
                then: "One host can fill the table for all others. A filter src:ADDRESS shows \
                       what it does; a rule with ct count (nftables) or connlimit (iptables) \
                       bounds it."
                    .to_owned(),
            }
        }
        Trouble::Lost { events, ago } => lost(*events, *ago),
        Trouble::AccountingOff => Words {
            what: "New connections are not counted: nf_conntrack_acct is off.".to_owned(),
            then: "They show no bytes and no rates. As root: \
                   sysctl -w net.netfilter.nf_conntrack_acct=1"
                .to_owned(),
        },
        Trouble::Offloaded { flows, of } => Words {
            what: format!(
                "{} of {} {} offloaded to a flowtable.",
                grouped(*flows as u64),
                several(*of as u64, "connection", "connections"),
                if *flows == 1 { "is" } else { "are" }
            ),
            then: "Packets pass by the counters, which may stand still. The keyword `counter` in \
                   the definition of the flowtable keeps them going (Linux 5.7)."
                .to_owned(),
        },
        Trouble::SmallBuffer { bytes: granted } => Words {
            what: format!("The buffer of events has only {}.", bytes(*granted as u64)),
            then: "A burst may be lost. Root is granted more, and so is everybody with a larger \
                   net.core.rmem_max."
                .to_owned(),
        },
        Trouble::Odd(problems) => Words {
            what: format!(
                "Messages of the kernel were odd: {}.",
                said([
                    some(
                        problems.unusable,
                        "named no connection",
                        "named no connection"
                    ),
                    some(
                        problems.malformed,
                        "value had another length than its own",
                        "values had another length than theirs"
                    ),
                    some(
                        problems.unknown,
                        "attribute was unknown",
                        "attributes were unknown"
                    ),
                ])
            ),
            then: "What could be understood is shown. A kernel newer than this flowtop is the \
                   usual reason; an update of flowtop helps."
                .to_owned(),
        },
        of_machine => machine(of_machine),
    }
}

fn some(count: u64, one: &str, many: &str) -> Option<String> {
    (count > 0).then(|| several(count, one, many))
}

/// `1 event`, `1,904 events`.
fn several(count: u64, one: &str, many: &str) -> String {
    let word = if count == 1 { one } else { many };
    format!("{} {word}", grouped(count))
}

/// What there is of three things.
fn said(things: [Option<String>; 3]) -> String {
    let things: Vec<String> = things.into_iter().flatten().collect();
    things.join(", ")
}

/// What the network stack and the interfaces of this machine tell.
fn machine(trouble: &Trouble) -> Words {
    match trouble {
        Trouble::Retransmits { percent, segments } => Words {
            what: format!(
                "TCP of this machine sent {percent:.1}% again of {} segments in the last minute.",
                grouped(*segments)
            ),
            then: "Packets are lost on the way, or come too late. Sort flows by their \
                   retransmits (column RETR) to see where to."
                .to_owned(),
        },
        Trouble::Link {
            name,
            errors_per_sec,
            dropped_per_sec,
        } => Words {
            what: format!(
                "{name} loses packets: {}.",
                said([
                    (*errors_per_sec > 0.0).then(|| per_sec(*errors_per_sec) + " broken"),
                    (*dropped_per_sec > 0.0).then(|| per_sec(*dropped_per_sec) + " dropped"),
                    None,
                ])
            ),
            then: "Broken ones mean a bad cable, plug or radio link; dropped ones that a queue \
                   was full or nobody wanted them. ethtool -S tells which."
                .to_owned(),
        },
        Trouble::LinkFull {
            name,
            percent,
            sends,
        } => Words {
            what: format!(
                "{name} {} at {percent}% of its speed.",
                if *sends { "sends" } else { "receives" }
            ),
            then: "Everything else through it waits. The first rows of Flows and Hosts say \
                   whose it is."
                .to_owned(),
        },
        Trouble::Listen(count) => Words {
            what: format!(
                "Connections come faster than a program accepts them: {} dropped{}.",
                several(count.added, "was", "were"),
                now(*count)
            ),
            then: "Its queue is full. `ss -lnt` shows which (Recv-Q reaches Send-Q); a larger \
                   backlog and net.core.somaxconn help, or a faster program."
                .to_owned(),
        },
        Trouble::UdpReceive(count) => Words {
            what: format!(
                "Datagrams come faster than a program reads them: {} dropped{}.",
                several(count.added, "was", "were"),
                now(*count)
            ),
            then: "Its receive buffer is full. `ss -lunm` shows which (d of skmem); a larger \
                   SO_RCVBUF and net.core.rmem_max help."
                .to_owned(),
        },
        _ => Words {
            what: String::new(),
            then: String::new(),
        },
    }
}

fn table(used: u64, max: u64, time_to_full: Option<Duration>) -> Words {
    let percent = percent(used, max).unwrap_or(0);
    let mut what = format!(
        "The table of connections is {percent}% full: {} of {}.",
        grouped(used),
        grouped(max)
    );
    match time_to_full {
        Some(Duration::ZERO) => what.push_str(" There is no room left."),
        Some(time) => {
            what.push_str(" At this pace it is full in about ");
            units::duration(&mut what, time);
            what.push('.');
        }
        None => {}
    }
    Words {
        what,
        then: format!(
            "When it is full, the kernel drops new connections. As root: \
             sysctl -w net.netfilter.nf_conntrack_max={}, or shorter nf_conntrack_*_timeout_*; \
             the Hosts tab shows who has most.",
            max.saturating_mul(2)
        ),
    }
}

/// `, 3.0/s now`, if it goes on.
fn now(count: Count) -> String {
    match count.per_sec {
        Some(rate) if rate > 0.0 => format!(", {} now", per_sec(rate)),
        _ => " since flowtop began, none just now".to_owned(),
    }
}

fn counted(stat: Stat, count: Count) -> Words {
    let (one, many, then) = match stat {
        Stat::Drop => (
            "packet was dropped because no connection could be added",
            "packets were dropped because no connection could be added",
            "The table is full, or memory is short: raise net.netfilter.nf_conntrack_max.",
        ),
        Stat::EarlyDrop => (
            "connection was thrown out to make room for others",
            "connections were thrown out to make room for others",
            "The table was full. Raise net.netfilter.nf_conntrack_max, or shorten timeouts.",
        ),
        Stat::InsertFailed => (
            "connection could not be added, because it was there already",
            "connections could not be added, because they were there already",
            "Their first packets were lost. Mostly two DNS questions from one port at once behind \
             NAT: `masquerade random` or a DNS cache of one's own helps.",
        ),
        _ => (
            "connection could not be added, because its bucket was full",
            "connections could not be added, because their bucket was full",
            "The hash is too small for the table, or somebody fills one bucket on purpose: raise \
             net.netfilter.nf_conntrack_buckets to a quarter of nf_conntrack_max.",
        ),
    };
    Words {
        what: format!(
            "{} ({}){}.",
            several(count.added, one, many),
            stat.name(),
            now(count)
        ),
        then: then.to_owned(),
    }
}

fn unanswered_flows(state: &State, health: &Health, found: &Unanswered) -> Words {
    let source = host(state, health, found.source);
    let flows = grouped(found.flows as u64);
    let hosts = several(found.hosts as u64, "host", "hosts");
    let targets = grouped(found.targets as u64);
    let to = host(state, health, found.target);
    let port = found
        .port
        .map_or_else(String::new, |port| format!(" port {port}"));
    let (what, then) = match found.suspect {
        Suspect::PortScan if found.hosts == 1 => (
            format!("{source} tried {targets} ports of {to}, and {flows} tries have no answer."),
            "That looks like a port scan.",
        ),
        Suspect::PortScan => (
            format!("{source} tried {targets} ports of {hosts}; {flows} have no answer."),
            "That looks like a port scan.",
        ),
        Suspect::Sweep => (
            format!("{source} tried {hosts}, and {flows} tries have no answer."),
            "A scan of a network or a worm looks like that, and so does a peer-to-peer program.",
        ),
        Suspect::Repeats if found.targets == 1 => (
            format!("{source} tries {to}{port} over and over: {flows} times without an answer."),
            "A flood of packets looks like that, and so does a program whose server is gone.",
        ),
        Suspect::Repeats => (
            format!("{source} has {flows} connections without an answer, to {hosts}."),
            "Their servers are gone, a firewall drops the packets, or it is a flood.",
        ),
    };
    Words {
        what,
        then: format!("{then} A filter shows its flows: src:{}", found.source),
    }
}

fn half_open_flows(state: &State, health: &Health, found: &HalfOpen) -> Words {
    let port = found
        .port
        .map_or_else(String::new, |port| format!(" port {port}"));
    Words {
        what: format!(
            "{}{port} has {} handshakes that nobody completed, from {}.",
            host(state, health, found.target),
            grouped(found.flows as u64),
            several(found.sources as u64, "source", "sources")
        ),
        then: "A SYN flood looks like that; or the host is gone while clients still try. \
               net.ipv4.tcp_syncookies=1 protects this machine, synproxy (nftables) those \
               behind it."
            .to_owned(),
    }
}

fn lost(events: u64, ago: Option<Duration>) -> Words {
    let mut what = format!(
        "The kernel dropped {} read",
        several(events, "event before it was", "events before they were")
    );
    if let Some(ago) = ago {
        what.push_str(", the last ");
        units::duration(&mut what, ago);
        what.push_str(" ago");
    }
    what.push('.');
    Words {
        what,
        then: "Short connections may be missing; the table itself was read anew. A larger buffer \
               takes longer bursts: --rcvbuf 64M."
            .to_owned(),
    }
}

/// A host by name, by address or by both, as the lists have it.
fn host(state: &State, health: &Health, address: IpAddr) -> String {
    let name = health.name(address);
    match (name, state.hosts) {
        (Some(name), Hosts::Name) => name.to_owned(),
        (Some(name), Hosts::Both) => format!("{name} ({address})"),
        _ => address.to_string(),
    }
}
