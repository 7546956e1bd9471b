//! The laboratory itself: what it says it does, the kernel confirms.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod notation;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::net::TcpStream;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use flowtop::flow::{L4, Protocol, State, Status};
use lab::entries::{Entry, Seen};
use lab::packets::{self, Packet, Talk};
use lab::traffic::{self, TcpService, UdpService};
use lab::{End, Host, Lab, Network, eventually};
use notation::{between, ip, ports};

/// A network whose router tracks.
fn tracked(lab: &Lab) -> Network {
    let net = lab.router();
    net.router.track();
    net
}

/// Waits until the one flow of a protocol satisfies a condition.
fn settles(host: &Host, proto: Protocol, condition: impl Fn(&Seen) -> bool) {
    eventually(&format!("the {proto} flow is as expected"), || {
        condition(&host.flow(proto))
    });
}

fn this_binary() -> PathBuf {
    env::current_exe().expect("a path")
}

fn namespace(process: &str, kind: &str) -> PathBuf {
    fs::read_link(format!("/proc/{process}/ns/{kind}")).expect("a namespace")
}

fn is_child() -> bool {
    env::var_os("FLOWTOP_LAB_CHILD").is_some()
}

/// Runs a test that must fail, and checks what the parent says about it.
fn fails(test: &str, message: &str, limit: Duration, body: impl FnOnce(&Lab)) {
    let run = AssertUnwindSafe(|| lab::run_within(limit, test, body));
    let Err(payload) = panic::catch_unwind(run) else {
        return; // skipped
    };
    if is_child() {
        panic::resume_unwind(payload);
    }
    let said = payload.downcast_ref::<String>().expect("a message");
    assert!(said.contains(message), "{said}");
}

/// Tells a copy of this process to say what it is asked for.
const REPORT: &str = "LAB_WORKS_REPORT";

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_failing_body_fails_the_test() {
    let name = "a_failing_body_fails_the_test";
    fails(name, "failed in its namespaces", LONG, |_| {
        panic!("on purpose")
    });
}

#[test]
fn a_hanging_body_fails_the_test() {
    let name = "a_hanging_body_fails_the_test";
    fails(name, "still running", Duration::from_millis(500), |_| {
        loop {
            thread::park();
        }
    });
}

#[test]
fn a_misspelt_name_fails_the_test() {
    fails("no_such_test", "no test of this path ran", LONG, |_| {});
}

#[test]
fn a_skipped_test_says_so_and_passes_unless_it_is_required() {
    let name = "a_skipped_test_says_so_and_passes_unless_it_is_required";
    let again = "LAB_WORKS_SKIP";
    if env::var_os(again).is_some() {
        return lab::run(name, |_| lab::skip("on purpose"));
    }
    let run = |required| {
        Command::new(this_binary())
            .args([name, "--exact"])
            .env(again, "1")
            .env("FLOWTOP_REQUIRE_KERNEL", required)
            .output()
            .expect("this binary runs")
    };
    let optional = run("0");
    assert!(optional.status.success());
    let said = String::from_utf8_lossy(&optional.stderr);
    assert!(said.contains(&format!("SKIPPED {name}: ")), "{said}");
    assert!(!run("1").status.success());
}

#[test]
fn a_test_has_namespaces_of_its_own() {
    let name = "a_test_has_namespaces_of_its_own";
    let namespaces = || ["net", "mnt"].map(|kind| namespace("self", kind));
    if env::var_os(REPORT).is_some() {
        return lab::run(name, |lab| {
            println!("\nnamespaces:{:?}", namespaces());
            let host = lab.host("other");
            let there = host.enter(|| namespace("thread-self", "net"));
            assert_ne!(there, namespace("self", "net"));
            let devices = fs::read_to_string("/proc/self/net/dev").expect("a table");
            let devices: Vec<_> = devices.lines().skip(2).collect();
            assert!(matches!(&devices[..], [lo] if lo.trim().starts_with("lo:")));
        });
    }
    let Some(inside) = reported_by(name) else {
        return;
    };
    for outside in namespaces() {
        let outside = outside.to_str().expect("ASCII");
        assert!(!inside.contains(outside), "{outside} is in {inside}");
    }
}

#[test]
#[expect(
    clippy::zombie_processes,
    reason = "a process left behind is the point"
)]
fn nothing_runs_on_when_a_test_has_ended() {
    let name = "nothing_runs_on_when_a_test_has_ended";
    match env::var(REPORT).as_deref() {
        Ok("sleep") => loop {
            thread::park();
        },
        Ok(_) => {
            return lab::run(name, |lab| {
                let sleeper = lab
                    .host("other")
                    .command(this_binary())
                    .args([name, "--exact"])
                    .env(REPORT, "sleep")
                    .spawn()
                    .expect("this binary runs");
                println!("\nsleeper:{}", sleeper.id());
            });
        }
        Err(_) => {}
    }
    let Some(said) = reported_by(name) else {
        return;
    };
    let (_, sleeper) = said.split_once("sleeper:").expect("a process id");
    let sleeper = sleeper.lines().next().expect("a process id");
    eventually("the process left behind is dead", || {
        // Somebody has yet to reap a zombie.
        fs::read_to_string(format!("/proc/{sleeper}/stat"))
            .map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
    });
}

/// What a test prints when it is told to report, in a process of its own:
/// what a laboratory's child says ends on its parent's standard output, and
/// the child may not look at its parent. `None` if the test was skipped.
fn reported_by(test: &str) -> Option<String> {
    let output = Command::new(this_binary())
        .args([test, "--exact", "--nocapture"])
        .env(REPORT, "1")
        .output()
        .expect("this binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    io::stderr().write_all(&output.stderr).expect("open");
    assert!(output.status.success(), "{said}");
    let skipped = String::from_utf8_lossy(&output.stderr).contains("SKIPPED");
    (!skipped).then(|| said.into_owned())
}

#[test]
fn commands_run_inside_hosts() {
    lab::run("commands_run_inside_hosts", |lab| {
        let host = lab.host("other");
        let there = host.enter(|| namespace("thread-self", "net"));
        let process = Process::report(host.command(this_binary()));
        assert_eq!(process.network, there);
        assert_ne!(process.capabilities, 0);
        let process = Process::report(Command::new(this_binary()));
        assert_ne!(process.network, there);
    });
}

#[test]
fn sysctls_belong_to_hosts() {
    lab::run("sysctls_belong_to_hosts", |lab| {
        let [one, two] = ["one", "two"].map(|name| lab.host(name));
        let acct = "net/netfilter/nf_conntrack_acct";
        one.set_sysctl(acct, "1");
        assert_eq!(one.sysctl(acct).as_deref(), Some("1"));
        assert_eq!(two.sysctl(acct).as_deref(), Some("0"));
        assert_eq!(one.sysctl("net/no/such/thing"), None);
    });
}

#[test]
fn unprivileged_commands_have_no_capability() {
    // Also in the namespaces the test began in, where most tests of missing
    // permissions belong.
    if !is_child() {
        let process = Process::report(lab::unprivileged(this_binary()));
        assert_eq!(process.capabilities, 0);
    }
    lab::run("unprivileged_commands_have_no_capability", |lab| {
        let host = lab.host("other");
        let there = host.enter(|| namespace("thread-self", "net"));
        let process = Process::report(host.unprivileged(this_binary()));
        assert_eq!((process.capabilities, process.network), (0, there));
        let process = Process::report(lab::unprivileged(this_binary()));
        assert_eq!(process.capabilities, 0);
    });
}

/// What a process that runs this binary finds out about itself.
struct Process {
    /// The network namespace.
    network: PathBuf,
    /// Those in effect, a bit each.
    capabilities: u64,
}

impl Process {
    fn report(mut command: Command) -> Self {
        let output = command
            .args(["processes_report_on_themselves", "--exact", "--nocapture"])
            .env(REPORT, "1")
            .output()
            .expect("this binary runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let value = |key| {
            let (_, rest) = said.split_once(key).unwrap_or_else(|| panic!("{said}"));
            rest.lines().next().expect("a value").trim()
        };
        Self {
            network: value("network:").into(),
            capabilities: u64::from_str_radix(value("CapEff:"), 16).expect("hexadecimal"),
        }
    }
}

#[test]
fn processes_report_on_themselves() {
    if env::var_os(REPORT).is_some() {
        let network = namespace("self", "net");
        println!("\nnetwork:{}", network.display());
        println!(
            "{}",
            fs::read_to_string("/proc/self/status").expect("a status")
        );
        return;
    }
    let process = Process::report(Command::new(this_binary()));
    let network = namespace("self", "net");
    assert_eq!(process.network, network);
}

#[test]
fn hosts_reach_each_other_through_the_router() {
    lab::run("hosts_reach_each_other_through_the_router", |lab| {
        let net = lab.router();
        for address in ["198.51.100.20:0", "[2001:db8:2::20]:0"] {
            let service = TcpService::listen(&net.server, address);
            let connection = service.connect(&net.client);
            connection.echo(300_000);
            connection.close();
            let service = UdpService::bind(&net.server, address);
            service.connect(&net.client).exchange(100, 1000);
        }
        traffic::ping(&net.client, "198.51.100.20", 7);
        traffic::ping(&net.client, "2001:db8:2::20", 7);
        // Nobody asked for connection tracking.
        assert_eq!(net.router.flow_count(), 0);
        assert_eq!(net.router.flows(), []);
    });
}

#[test]
fn cables_and_routes_make_any_network() {
    lab::run("cables_and_routes_make_any_network", |lab| {
        let [left, middle, right] = ["left", "middle", "right"].map(|name| lab.host(name));
        let end = |host, interface, addresses| End {
            host,
            interface,
            addresses,
        };
        lab.cable(
            end(&left, "a", &["10.1.0.1/30"]),
            end(&middle, "b", &["10.1.0.2/30"]),
        );
        lab.cable(
            end(&middle, "c", &["10.2.0.1/30"]),
            end(&right, "d", &["10.2.0.2/30"]),
        );
        right.add_address("lo", "10.9.9.9/32");
        middle.set_sysctl("net/ipv4/ip_forward", "1");
        middle.add_route("10.9.0.0/16", "10.2.0.2");
        left.default_route("10.1.0.2");
        right.default_route("10.2.0.1");
        traffic::ping(&left, "10.9.9.9", 1);
    });
}

#[test]
fn tracking_follows_tcp() {
    lab::run("tracking_follows_tcp", |lab| {
        let net = lab.router();
        net.router
            .set_sysctl("net/netfilter/nf_conntrack_acct", "1");
        net.router.track();
        let service = TcpService::listen(&net.server, "198.51.100.20:80");
        let connection = service.connect(&net.client);
        settles(&net.router, Protocol::TCP, |flow| {
            flow.state == Some(State::TCP_ESTABLISHED)
        });
        connection.upload(10_000);
        connection.download(200_000);
        let flow = net.router.flow(Protocol::TCP);
        let port = connection.client.local_addr().expect("connected").port();
        let orig = between(
            "192.0.2.10",
            "198.51.100.20",
            Protocol::TCP,
            ports(port, 80),
        );
        assert_eq!((flow.orig, flow.reply), (orig, orig.inverted()));
        assert!(flow.status.has(Status::ASSURED), "{flow:?}");
        let [up, down] = flow.counters.expect("accounting is on");
        assert!(up.1 > 10_000 && down.1 > 200_000, "{flow:?}");
        connection.close();
        settles(&net.router, Protocol::TCP, |flow| {
            flow.state == Some(State::TCP_TIME_WAIT)
        });
        net.router.clear_rules();
        service.connect(&net.client).close();
        assert_eq!(net.router.flow_count(), 1);
    });
}

#[test]
fn tracking_follows_ipv6() {
    lab::run("tracking_follows_ipv6", |lab| {
        let net = tracked(lab);
        let service = TcpService::listen(&net.server, "[2001:db8:2::20]:80");
        let connection = service.connect(&net.client);
        let port = connection.client.local_addr().expect("connected").port();
        assert_eq!(
            net.router.flow(Protocol::TCP).orig,
            between(
                "2001:db8:1::10",
                "2001:db8:2::20",
                Protocol::TCP,
                ports(port, 80)
            )
        );
        traffic::ping(&net.client, "2001:db8:2::20", 77);
        let (kind, code, id) = (128, 0, 77);
        assert_eq!(
            net.router.flow(Protocol::ICMPV6).orig.l4(),
            L4::Icmp { kind, code, id }
        );
    });
}

#[test]
fn unanswered_connections_stay_in_syn_sent() {
    lab::run("unanswered_connections_stay_in_syn_sent", |lab| {
        let net = tracked(lab);
        traffic::unanswered_syn(&net.client, "198.51.100.99:80");
        eventually("the router sees the SYN", || net.router.flow_count() == 1);
        let flow = net.router.flow(Protocol::TCP);
        assert_eq!(flow.state, Some(State::TCP_SYN_SENT));
        assert!(!flow.status.has(Status::SEEN_REPLY));
    });
}

#[test]
fn tracking_follows_udp_and_icmp() {
    lab::run("tracking_follows_udp_and_icmp", |lab| {
        let net = tracked(lab);
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        let conversation = service.connect(&net.client);
        conversation.request(10);
        let flow = net.router.flow(Protocol::UDP);
        assert!(!flow.status.has(Status::SEEN_REPLY), "{flow:?}");
        conversation.exchange(10, 20);
        let flow = net.router.flow(Protocol::UDP);
        assert!(flow.status.has(Status::SEEN_REPLY), "{flow:?}");
        assert_eq!(flow.counters, None);
        traffic::ping(&net.client, "198.51.100.20", 4711);
        let (kind, code, id) = (8, 0, 4711);
        let flow = net.router.flow(Protocol::ICMP);
        assert_eq!(flow.orig.l4(), L4::Icmp { kind, code, id });
    });
}

#[test]
fn loopback_traffic_is_tracked_here() {
    lab::run("loopback_traffic_is_tracked_here", |lab| {
        lab.here().track();
        let service = TcpService::listen(lab.here(), "127.0.0.1:0");
        let _client = TcpStream::connect(service.address()).expect("here is where we are");
        assert!(lab.here().flow(Protocol::TCP).orig.is_loopback());
    });
}

#[test]
fn masquerading_shows_in_the_reply_tuple() {
    lab::run("masquerading_shows_in_the_reply_tuple", |lab| {
        let net = lab.router();
        net.router.masquerade("wan");
        for (address, client, outside) in [
            ("198.51.100.20:80", "192.0.2.10", "198.51.100.1"),
            ("[2001:db8:2::20]:80", "2001:db8:1::10", "2001:db8:2::1"),
        ] {
            let service = TcpService::listen(&net.server, address);
            let connection = service.connect(&net.client);
            let peer = connection.server.peer_addr().expect("connected");
            assert_eq!(peer.ip(), ip(outside));
            let flow = net.router.flow(Protocol::TCP);
            assert_eq!(flow.orig.src(), ip(client));
            assert_eq!(flow.reply.dst(), ip(outside));
            assert!(flow.status.has(Status::SRC_NAT), "{flow:?}");
            assert!(!flow.status.has(Status::DST_NAT), "{flow:?}");
            net.router.flush_flows();
        }
    });
}

#[test]
fn destination_nat_shows_in_the_reply_tuple() {
    lab::run("destination_nat_shows_in_the_reply_tuple", |lab| {
        let net = lab.router();
        for (public, private) in [
            ("192.0.2.1:8080", "198.51.100.20:80"),
            ("[2001:db8:1::1]:8080", "[2001:db8:2::20]:80"),
        ] {
            let service = TcpService::listen(&net.server, private);
            net.router.dnat(Protocol::TCP, 8080, service.address());
            let public = public.parse().expect("an address");
            let connection = service.connect_by(&net.client, public);
            connection.echo(1000);
            let flow = net.router.flow(Protocol::TCP);
            assert_eq!(
                (flow.orig.dst(), flow.orig.dport()),
                (public.ip(), Some(8080))
            );
            let private = service.address().ip();
            assert_eq!((flow.reply.src(), flow.reply.sport()), (private, Some(80)));
            assert!(flow.status.has(Status::DST_NAT), "{flow:?}");
            net.router.flush_flows();
        }
        let service = UdpService::bind(&net.server, "198.51.100.20:53");
        net.router.dnat(Protocol::UDP, 5353, service.address());
        let public = "192.0.2.1:5353".parse().expect("an address");
        service.connect_by(&net.client, public).exchange(5, 6);
        assert_eq!(net.router.flow(Protocol::UDP).reply.sport(), Some(53));
    });
}

#[test]
fn rules_set_marks_and_zones() {
    lab::run("rules_set_marks_and_zones", |lab| {
        let net = lab.router();
        net.router.set_mark(0xbeef);
        net.router.set_zone(9);
        traffic::ping(&net.client, "198.51.100.20", 1);
        let flow = net.router.flow(Protocol::ICMP);
        assert_eq!((flow.zone, flow.mark), (9, Some(0xbeef)));
        assert!(flow.status.has(Status::SEEN_REPLY), "{flow:?}");
        traffic::ping(&net.router, "198.51.100.20", 2);
        assert!(net.router.flows().iter().all(|flow| flow.zone == 9));

        net.router.clear_rules();
        net.router.flush_flows();
        net.router.track();
        for (interface, zone) in [("lan", 1), ("wan", 2)] {
            net.router.set_interface_zone(interface, zone);
        }
        // The answers do not find the flow of the other zone and make their own.
        UdpService::bind(&net.server, "198.51.100.20:53")
            .connect(&net.client)
            .exchange(1, 1);
        let mut zones: Vec<_> = net.router.flows().iter().map(|flow| flow.zone).collect();
        zones.sort_unstable();
        assert_eq!(zones, [1, 2]);
    });
}

#[test]
fn tracking_follows_sctp_made_by_hand() {
    lab::run("tracking_follows_sctp_made_by_hand", |lab| {
        let net = tracked(lab);
        for target in ["198.51.100.20", "2001:db8:2::20"] {
            let association = packets::associate(&net.client, &net.server, target, [5000, 80]);
            settles(&net.router, Protocol::SCTP, |flow| {
                flow.state == Some(State::Sctp(4)) && flow.orig.sport() == Some(5000)
            });
            packets::shut_down(association, [5000, 80]);
            settles(&net.router, Protocol::SCTP, |flow| {
                flow.state.is_some_and(|state| !state.is_open())
            });
            net.router.flush_flows();
        }
    });
}

#[test]
fn tracking_follows_other_protocols_made_by_hand() {
    lab::run("tracking_follows_other_protocols_made_by_hand", |lab| {
        let net = lab.router();
        // See Packet::udplite.
        net.router
            .set_sysctl("net/netfilter/nf_conntrack_checksum", "0");
        net.router.track();
        let esp = Protocol(50);
        for target in ["198.51.100.20", "2001:db8:2::20"] {
            for (request, answer) in [
                (
                    Packet::dccp_request(4000, 5001),
                    Packet::dccp_response(5001, 4000),
                ),
                (
                    Packet::udplite(4000, 5002, b"question"),
                    Packet::udplite(5002, 4000, b"answer"),
                ),
                (Packet::gre(b"question"), Packet::gre(b"answer")),
                (Packet::esp(1, 1, b"question"), Packet::esp(2, 1, b"answer")),
            ] {
                let mut talk = Talk::new(&net.client, &net.server, target, request.protocol());
                talk.request(&request);
                talk.answer(&answer);
            }
            let seen = |protocol| {
                let flow = net.router.flow(protocol);
                assert!(flow.status.has(Status::SEEN_REPLY), "{flow:?}");
                flow.orig.l4()
            };
            assert_eq!(seen(Protocol::UDPLITE), ports(4000, 5002));
            assert_eq!(seen(Protocol::GRE), ports(0, 0));
            assert_eq!(seen(esp), L4::None);
            // Kernels up to 6.16 follow its ports, later ones its addresses.
            assert!([L4::None, ports(4000, 5001)].contains(&seen(Protocol::DCCP)));
            net.router.flush_flows();
        }
    });
}

#[test]
fn thousands_of_entries_are_made_in_a_moment() {
    lab::run("thousands_of_entries_are_made_in_a_moment", |lab| {
        let here = lab.here();
        here.create_flows((0..5000).map(Entry::numbered));
        assert_eq!(here.flow_count(), 5000);
        assert_eq!(here.flows().len(), 5000);
        assert_eq!(lab.host("other").flow_count(), 0);
        here.flush_flows();
        assert_eq!(here.flow_count(), 0);
    });
}

#[test]
fn entries_are_as_they_were_asked_for() {
    lab::run("entries_are_as_they_were_asked_for", |lab| {
        let here = lab.here();
        let inside = between("10.0.0.5", "192.0.2.9", Protocol::TCP, ports(1234, 80));
        let outside = between(
            "10.7.7.7",
            "203.0.113.4",
            Protocol::TCP,
            ports(8080, 61_234),
        );
        let ipv6 = between("2001:db8::1", "2001:db8::2", Protocol::UDP, ports(5, 6));
        let echo = L4::Icmp {
            kind: 8,
            code: 0,
            id: 3,
        };
        let echo = between("10.0.0.1", "10.0.0.2", Protocol::ICMP, echo);
        let sctp = between("10.0.0.1", "10.0.0.2", Protocol::SCTP, ports(1, 2));
        let gre = between("10.0.0.1", "10.0.0.2", Protocol::GRE, ports(8, 9));
        let other = between("10.0.0.1", "10.0.0.2", Protocol(89), L4::None);
        here.create_flows([
            Entry::new(inside)
                .reply(outside)
                .state(State::Tcp(5))
                .timeout_secs(100)
                .mark(42)
                .zone(7),
            Entry::new(ipv6).status(Status::SEEN_REPLY),
            Entry::new(echo),
            Entry::new(sctp).state(State::Sctp(3)),
            Entry::new(gre),
            Entry::new(other),
        ]);
        let flow = here.flow(Protocol::TCP);
        assert_eq!((flow.orig, flow.reply), (inside, outside));
        assert_eq!((flow.zone, flow.mark), (7, Some(42)));
        assert_eq!(flow.state, Some(State::Tcp(5)));
        assert!(
            flow.timeout_secs
                .is_some_and(|secs| (90..=100).contains(&secs))
        );
        assert!(
            flow.status.has(Status::SRC_NAT | Status::DST_NAT),
            "{flow:?}"
        );
        let flow = here.flow(Protocol::UDP);
        assert_eq!((flow.orig, flow.reply), (ipv6, ipv6.inverted()));
        assert!(!flow.status.has(Status::ASSURED), "{flow:?}");
        assert_eq!(here.flow(Protocol::ICMP).orig, echo);
        assert_eq!(here.flow(Protocol::SCTP).state, Some(State::Sctp(3)));
        assert_eq!(here.flow(Protocol::GRE).orig, gre);
        assert_eq!(here.flow(Protocol(89)).orig, other);
    });
}

#[test]
fn entries_change_and_go() {
    lab::run("entries_change_and_go", |lab| {
        let here = lab.here();
        let [one, two] =
            [1, 2].map(|port| between("10.0.0.1", "10.0.0.2", Protocol::UDP, ports(port, 53)));
        here.create_flows([Entry::new(one), Entry::new(two)]);
        here.delete_flow(&one);
        here.mark_flow(&two, 77);
        let flow = here.flow(Protocol::UDP);
        assert_eq!((flow.orig, flow.mark), (two, Some(77)));
    });
}

#[test]
fn entries_have_helpers() {
    lab::run("entries_have_helpers", |lab| {
        let orig = between("10.0.0.1", "10.0.0.2", Protocol::TCP, ports(1, 21));
        lab.here().create_flows([Entry::new(orig).helper("ftp")]);
        let flow = lab.here().flow(Protocol::TCP);
        assert_eq!(flow.helper.as_deref(), Some("ftp"));
    });
}
