//! A machine that people work at: whose flows are they?

use std::net::IpAddr;
use std::sync::Arc;

use flowtop::enrich::locality::{Locality, Mac};
use flowtop::enrich::owners::{Account, Cgroup, Container, Owner, Process, Unknown};
use flowtop::flow::{Congestion, Key, Pair, TcpFigures};
use flowtop::view::{Interfaces, Row};

use super::scene::{Line, Scene};

/// Flows, as in the tables of scenes; and who is at their ends. The machine is
/// 192.168.1.23.
const FLOWS: &str = "
proto state       status   age     from          sport  to                dport        up       down     up/s   down/s nat          client    server
tcp   established assured  7440    192.168.1.23  54321  216.160.83.56       443  71200000 4210000000   210000 12400000 -            firefox   -
udp   -           assured  48      192.168.1.23  40112  216.160.83.57       443   1900000  152000000    41000  3100000 -            firefox   -
tcp   established assured  93784   192.168.1.23  61022  192.168.1.2        2049 18000000000 940000000  640000    22000 -            kernel    -
tcp   established assured  302     172.17.0.2    50210  216.160.83.60       443    880000   61000000     9200  1080000 192.168.1.23 python3   -
tcp   established assured  264000  81.2.69.142   61022  192.168.1.23         22   1200000   48100000      860     1200 -            -         sshd
tcp   established assured  5000    192.168.1.23  38000  192.168.1.23       5432    640000     700000      300      410 -            psql      postgres
udp   -           replied  3       192.168.1.23  51812  192.168.1.1          53        78        142       78      142 -            hidden    -
udp   -           assured  700     10.0.3.7      33061  5.63.151.1        51820      5000       9000       20       30 192.168.1.23 -         -
icmp  -           replied  35      192.168.1.1       7  192.168.1.23          0      2940       2940       84       84 -            -         kernel
tcp   time_wait   assured  12      192.168.1.23  54330  216.160.83.60        80      1400      23000        0        0 -            gone      -
tcp   syn_sent    -        2       192.168.1.23  50100  175.16.199.9       8883       180          0       60        0 -            unseen    -
tcp   syn_sent    -        3       10.0.3.7      50100  175.16.199.9       8883       180          0       60        0 192.168.1.23 -         -
";

/// Its flows.
pub(crate) fn lines() -> Vec<Line> {
    table().map(|(line, _)| line).collect()
}

/// The flows, and the names of who is at their ends.
fn table() -> impl Iterator<Item = (Line, [&'static str; 2])> {
    FLOWS.trim().lines().skip(1).map(|text| {
        let words: Vec<&str> = text.split_whitespace().collect();
        (Line::parse(text), [words[13], words[14]])
    })
}

fn process(pid: u32, name: &str, unit: Option<&str>) -> Process {
    let container = (name == "python3").then(|| Container {
        runtime: "docker",
        id: "0123456789abcdef".repeat(4).into(),
        name: Some("shop".into()),
        pod: None,
    });
    Process {
        pid,
        start_ticks: u64::from(pid) * 100,
        name: name.into(),
        exe: Some(format!("/usr/bin/{name}").into()),
        cmdline: Some(format!("{name} --serve").into()),
        account: Some(account(if pid < 1000 { "root" } else { "alice" })),
        parents: Vec::new(),
        cgroup: Some(Arc::new(Cgroup {
            path: "/".into(),
            unit: unit.map(Arc::from),
            container,
        })),
    }
}

fn account(name: &str) -> Arc<Account> {
    Arc::new(Account {
        uid: if name == "root" { 0 } else { 1000 },
        name: Some(name.into()),
    })
}

fn owner(name: &str) -> Option<Owner> {
    let known = |process: Process| Owner {
        account: process.account.clone(),
        cgroup: process.cgroup.clone(),
        process: Ok(Arc::new(process)),
        figures: Some(TcpFigures {
            rtt_us: Some(12_345),
            min_rtt_us: Some(860),
            congestion: Congestion::new("cubic"),
            ..TcpFigures::default()
        }),
        namespace: None,
    };
    Some(match name {
        "firefox" => known(process(2210, name, Some("app-firefox-2210.scope"))),
        "python3" => known(process(4_194_303, name, None)),
        "sshd" => known(process(901, name, Some("ssh.service"))),
        "psql" => known(process(3001, name, None)),
        "postgres" => known(process(812, name, Some("postgresql@15-main.service"))),
        "kernel" => Owner::unknown(Unknown::Kernel),
        "gone" => Owner::unknown(Unknown::Gone),
        "hidden" => Owner {
            account: Some(account("root")),
            ..Owner::unknown(Unknown::NotPermitted)
        },
        _ => return None,
    })
}

/// What the interfaces of a flow would be.
fn interfaces(row: &Row<'_>) -> Interfaces {
    let orig = &row.flow.key().orig;
    let of = |address: IpAddr| match address.to_string().as_str() {
        "192.168.1.23" => None,
        "172.17.0.2" => Some(Arc::from("docker0")),
        "10.0.3.7" => Some(Arc::from("lxcbr0")),
        _ => Some(Arc::from("wlan0")),
    };
    Pair {
        orig: of(orig.src()),
        reply: of(orig.dst()),
    }
}

/// A viewer there.
pub(crate) fn scene(
    width: u16,
    height: u16,
    change: impl FnOnce(&mut flowtop::tui::Settings),
) -> Scene {
    let mut scene = Scene::new((width, height), |settings| {
        "desk".clone_into(&mut settings.host);
        change(settings);
    });
    let knowledge = scene.knowledge.get_mut();
    knowledge.set_locality(Arc::new(Locality::of(
        ["192.168.1.23".parse().unwrap()],
        [
            ("192.168.1.1", Mac([0, 0x1a, 0x2b, 0, 0, 1])),
            ("10.0.3.7", Mac([0x3c, 0x22, 0xfb, 0x12, 0x34, 0x9a])),
        ]
        .map(|(address, mac)| (address.parse().unwrap(), mac)),
    )));
    for (line, names) in table() {
        let [orig, reply] = names.map(owner);
        if orig.is_some() || reply.is_some() {
            let key = Key {
                zone: 0,
                orig: line.orig,
            };
            knowledge.merge_owners(key, Pair { orig, reply });
        }
    }
    scene.interfaces = Some(interfaces);
    scene.with(&lines())
}
