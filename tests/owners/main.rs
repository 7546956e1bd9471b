//! Whose flows are: real processes, and what flowtop says of them.
//!
//! Each owner is asked for twice: of the attribution itself, and of the
//! program's records. A wrong process fails at once, wherever it shows up; a
//! process that is not known (yet) may come.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod asked;
#[path = "../lab/mod.rs"]
mod lab;

use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use flowtop::enrich::owners::Unknown;
use flowtop::flow::{Direction, L4, Protocol, Tuple};
use serde_json::Value;

use asked::{Asked, Who, key, prove, record};
use lab::entries::{Entry, Seen};
use lab::processes::{Echo, Group, Process, Socket};
use lab::traffic::{TcpService, UdpService};
use lab::{Host, Network, eventually};

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address")
}

/// The one flow of a host that a socket began.
fn flow_of(host: &Host, socket: &Socket) -> Seen {
    flow_from(host, socket.local.port())
}

fn flow_from(host: &Host, port: u16) -> Seen {
    let mut flows = host.flows();
    flows.retain(|flow| flow.orig.sport() == Some(port));
    assert_eq!(flows.len(), 1, "flows from port {port}: {flows:?}");
    flows.remove(0)
}

/// A port of the server's, at its IPv4 address and its IPv6 address.
fn ports(net: &Network, port: u16) -> [SocketAddr; 2] {
    net.at.server.map(|ip| SocketAddr::new(ip, port))
}

/// The first of [`ports`].
fn port(net: &Network, port: u16) -> SocketAddr {
    ports(net, port)[0]
}

/// A client and a server that are connected over TCP.
fn connect(client: &Process, server: &Process, address: SocketAddr) -> (Socket, Socket) {
    let listener = server.listen(&address.to_string());
    let link = client.connect(address);
    (link, server.accept(&listener))
}

#[test]
fn a_client_and_a_server_have_their_flow() {
    lab::run("a_client_and_a_server_have_their_flow", |lab| {
        let net = lab.router_apart();
        for host in [&net.client, &net.server] {
            host.track();
        }
        let client = lab.program("browser").start(&net.client);
        let server = lab.program("web-server").start(&net.server);
        for address in ports(&net, 80) {
            let (link, _) = connect(&client, &server, address);
            let flow = flow_of(&net.client, &link);
            let expected = [Who::is(&client), Who::is(&server)];
            prove(&net.client, &flow, Direction::Out, expected);
            prove(&net.server, &flow, Direction::In, expected);
        }
    });
}

#[test]
fn an_end_on_another_machine_is_of_nobody() {
    lab::run("an_end_on_another_machine_is_of_nobody", |lab| {
        let net = lab.router_apart();
        for host in [&net.client, &net.server] {
            host.track();
        }
        // No process is on the other host: it could be far away.
        let service = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let client = lab.program("client").start(&net.client);
        let link = client.connect(service.address());
        let flow = flow_of(&net.client, &link);
        let expected = [Who::is(&client), Who::Elsewhere];
        prove(&net.client, &flow, Direction::Out, expected);
        drop(client);

        let server = lab.program("server").start(&net.server);
        let _listener = server.listen("[::]:81");
        let address = port(&net, 81);
        let link = net.client.enter(|| TcpStream::connect(address));
        let link = link.expect("somebody listens").local_addr();
        let flow = flow_from(&net.server, link.expect("bound").port());
        // Nobody has accepted yet; who could will have it.
        let expected = [Who::Elsewhere, Who::is(&server)];
        prove(&net.server, &flow, Direction::In, expected);
    });
}

#[test]
fn a_process_is_told_with_all_that_is_known_of_it() {
    lab::run("a_process_is_told_with_all_that_is_known_of_it", |lab| {
        lab.here().track();
        // Longer than the kernel's own name of it.
        let client = lab.program("a-rather-long-name").start(lab.here());
        let server = lab.program("web-server").start(lab.here());
        let (link, _) = connect(&client, &server, at("127.0.0.1:80"));
        let flow = flow_of(lab.here(), &link);
        let expected = [Who::is(&client), Who::is(&server)];
        let mut asked = Asked::on(lab.here());
        asked.finds(&flow, Direction::Local, expected);
        let process = asked.client(&key(&flow));
        let exe = client.executable().to_str().expect("UTF-8");
        assert_eq!(process.exe.as_deref(), Some(exe));
        let cmdline = process.cmdline.as_deref().expect("it has one");
        assert!(cmdline.starts_with(exe), "{cmdline}");
        assert!(cmdline.contains("--exact"), "{cmdline}");
        let parent = process.parents.first().expect("this test");
        assert_eq!(parent.pid, std::process::id());
        let account = process.account.as_ref().expect("it has a user");
        assert_eq!(account.uid, 0);

        let record = record(lab.here(), &flow, &[]);
        assert_eq!(record["exe"], exe);
        assert_eq!(record["cmdline"], cmdline);
        assert_eq!(record["uid"], 0);
    });
}

#[test]
fn both_owners_of_a_flow_within_this_machine_are_told() {
    lab::run(
        "both_owners_of_a_flow_within_this_machine_are_told",
        |lab| {
            lab.here().track();
            let client = lab.program("client").start(lab.here());
            let server = lab.program("server").start(lab.here());
            let (link, _) = connect(&client, &server, at("127.0.0.1:80"));
            let flow = flow_of(lab.here(), &link);
            let expected = [Who::is(&client), Who::is(&server)];
            prove(lab.here(), &flow, Direction::Local, expected);

            // And one that talks to itself.
            let (link, _) = connect(&client, &client, at("[::1]:81"));
            let flow = flow_of(lab.here(), &link);
            let expected = [Who::is(&client); 2];
            prove(lab.here(), &flow, Direction::Local, expected);
        },
    );
}

#[test]
fn a_connection_belongs_to_the_child_that_serves_it() {
    lab::run("a_connection_belongs_to_the_child_that_serves_it", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let server = lab.program("forking-server").start(&net.server);
        let (link, end) = connect(&client, &server, port(&net, 80));
        let child = Who::Is {
            pid: server.leave_to_child(end),
            name: "forking-server",
        };
        let flow = flow_of(&net.server, &link);
        prove(&net.server, &flow, Direction::In, [Who::is(&client), child]);
    });
}

#[test]
fn a_socket_that_is_handed_on_is_found_where_it_is() {
    lab::run("a_socket_that_is_handed_on_is_found_where_it_is", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let server = lab.program("forking-server").start(&net.server);
        let (link, end) = connect(&client, &server, port(&net, 80));
        let flow = flow_of(&net.server, &link);
        let mut asked = Asked::on(&net.server);
        let parent = Who::is(&server);
        asked.finds(&flow, Direction::In, [Who::is(&client), parent]);
        // Who asks anew is told of the child, not of what was found before.
        let child = Who::Is {
            pid: server.leave_to_child(end),
            name: "forking-server",
        };
        prove(&net.server, &flow, Direction::In, [Who::is(&client), child]);
    });
}

#[test]
fn what_a_child_inherits_is_its_parent_s() {
    lab::run("what_a_child_inherits_is_its_parent_s", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let server = lab.program("careless").start(&net.server);
        let (link, end) = connect(&client, &server, port(&net, 80));
        server.share_with_child(&end);
        let flow = flow_of(&net.server, &link);
        let expected = [Who::is(&client), Who::is(&server)];
        prove(&net.server, &flow, Direction::In, expected);
    });
}

#[test]
fn a_port_that_two_processes_share_is_of_neither() {
    lab::run("a_port_that_two_processes_share_is_of_neither", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let one = lab.program("one").start(&net.server);
        let two = lab.program("two").start(&net.server);
        let _ports = [&one, &two].map(|server| server.bind_shared("0.0.0.0:53"));
        let socket = client.talk(port(&net, 53));
        client.send(&socket, 100);
        let flow = flow_of(&net.server, &socket);
        // The kernel has chosen one of them, and tells nobody which.
        let expected = [Who::is(&client), Who::Not(Unknown::Ambiguous)];
        prove(&net.server, &flow, Direction::In, expected);
        drop(two);
        let expected = [Who::is(&client), Who::is(&one)];
        prove(&net.server, &flow, Direction::In, expected);
    });
}

#[test]
fn an_address_of_a_network_apart_is_not_that_of_the_flow() {
    let name = "an_address_of_a_network_apart_is_not_that_of_the_flow";
    lab::run(name, |lab| {
        let net = lab.router_apart();
        net.client.track();
        let names = UdpService::bind(&net.server, &port(&net, 53).to_string());
        // It has the server's address, as other containers may, and no cable.
        let apart = lab.host("apart");
        apart.add_address("lo", &format!("{}/32", net.at.server[0]));
        let stranger = lab.program("stranger").start(&apart);
        let _service = stranger.bind("0.0.0.0:53");
        let client = lab.program("client").start(&net.client);
        let socket = client.talk(names.address());
        client.send(&socket, 100);
        let flow = flow_of(&net.client, &socket);
        let expected = [Who::is(&client), Who::Elsewhere];
        prove(&net.client, &flow, Direction::Out, expected);
    });
}

#[test]
fn a_dual_stack_listener_serves_both_families() {
    lab::run("a_dual_stack_listener_serves_both_families", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let server = lab.program("dual-stack").start(&net.server);
        let listener = server.listen("[::]:80");
        for address in ports(&net, 80) {
            let link = client.connect(address);
            let _end = server.accept(&listener);
            let flow = flow_of(&net.server, &link);
            let expected = [Who::is(&client), Who::is(&server)];
            prove(&net.server, &flow, Direction::In, expected);
        }
    });
}

#[test]
fn a_listener_is_no_connection() {
    lab::run("a_listener_is_no_connection", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let server = lab.program("listener").start(&net.server);
        let _listener = server.listen("0.0.0.0:80");
        // A connection that no socket has: it could be from before a restart.
        let ports = L4::Ports {
            src: 40_000,
            dst: 80,
        };
        let tuple = Tuple::new(net.at.client[0], net.at.server[0], Protocol::TCP, ports);
        net.server
            .create_flows([Entry::new(tuple.expect("one family"))]);
        let flow = flow_from(&net.server, 40_000);
        let expected = [Who::Elsewhere, Who::Not(Unknown::Gone)];
        prove(&net.server, &flow, Direction::In, expected);
    });
}

#[test]
fn sockets_of_udp_need_no_connection() {
    lab::run("sockets_of_udp_need_no_connection", |lab| {
        let net = lab.router_apart();
        for host in [&net.client, &net.server] {
            host.track();
        }
        let client = lab.program("resolver").start(&net.client);
        let server = lab.program("nameserver").start(&net.server);
        let other = lab.program("bystander").start(&net.server);
        let _not_this = other.bind(&port(&net, 54).to_string());
        let service = server.bind("[::]:53");
        for address in ports(&net, 53) {
            let any = if address.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            let unconnected = client.bind(any);
            client.send_to(&unconnected, address, 100);
            let connected = client.talk(address);
            client.send(&connected, 100);
            for socket in [unconnected, connected] {
                let from = server.receive(&service, 100);
                server.send_to(&service, from, 200);
                client.receive(&socket, 200);
                let flow = flow_of(&net.client, &socket);
                let expected = [Who::is(&client), Who::perhaps(&server)];
                prove(&net.client, &flow, Direction::Out, expected);
                let expected = [Who::perhaps(&client), Who::is(&server)];
                prove(&net.server, &flow, Direction::In, expected);
            }
        }
    });
}

#[test]
fn the_socket_that_is_bound_closest_has_the_flow() {
    lab::run("the_socket_that_is_bound_closest_has_the_flow", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let client = lab.program("client").start(&net.client);
        let narrow = lab.program("narrow").start(&net.server);
        let service = narrow.bind(&port(&net, 53).to_string());
        let wide = lab.program("wide").start(&net.server);
        let _any = wide.bind("127.0.0.1:53");
        let socket = client.talk(port(&net, 53));
        client.send(&socket, 100);
        narrow.receive(&service, 100);
        let flow = flow_of(&net.server, &socket);
        let expected = [Who::is(&client), Who::is(&narrow)];
        prove(&net.server, &flow, Direction::In, expected);
    });
}

#[test]
fn a_ping_belongs_to_who_sent_it_or_to_the_kernel() {
    lab::run("a_ping_belongs_to_who_sent_it_or_to_the_kernel", |lab| {
        let net = lab.router_apart();
        for host in [&net.client, &net.server] {
            host.track();
        }
        net.client.set_sysctl("net/ipv4/ping_group_range", "0 0");
        let process = lab.program("pinger").start(&net.client);
        process
            .ping(Echo::Ping, &net.at.server[0].to_string())
            .expect("its group may");
        eventually("the answer", || net.client.flow_count() == 1);
        let flow = net.client.flow(Protocol::ICMP);
        let expected = [Who::is(&process), Who::Elsewhere];
        Asked::on(&net.client).finds(&flow, Direction::Out, expected);
        // Nobody but the kernel answers.
        let expected = [Who::perhaps(&process), Who::Not(Unknown::Kernel)];
        Asked::on(&net.server).finds(&flow, Direction::In, expected);
    });
}

#[test]
fn each_user_has_its_own_flow() {
    lab::run("each_user_has_its_own_flow", |lab| {
        let net = lab.router_apart();
        net.client.track();
        let server = lab.program("server").start(&net.server);
        let listener = server.listen(&port(&net, 80).to_string());
        for user in [1234, 5678] {
            let client = lab.program("client").user(user).start(&net.client);
            let link = client.connect(listener.local);
            let _end = server.accept(&listener);
            let flow = flow_of(&net.client, &link);
            let expected = [Who::is(&client), Who::is(&server)];
            prove(&net.client, &flow, Direction::Out, expected);
            assert_eq!(record(&net.client, &flow, &[])["uid"], user);
            let mut asked = Asked::on(&net.client);
            asked.finds(&flow, Direction::Out, expected);
            let owner = asked.owners(&key(&flow)).orig.clone().expect("known");
            assert_eq!(owner.account().map(|account| account.uid), Some(user));
        }
    });
}

#[test]
fn a_process_id_that_is_used_again_is_another_process() {
    lab::run(
        "a_process_id_that_is_used_again_is_another_process",
        |lab| {
            let net = lab.router_apart();
            net.client.track();
            let server = lab.program("server").start(&net.server);
            let listener = server.listen(&port(&net, 80).to_string());
            let parent = lab.program("parent").start(&net.client);
            let mut asked = Asked::on(&net.client);

            let link = parent.connect(listener.local);
            let first = flow_of(&net.client, &link);
            let pid = parent.leave_to_child(link);
            let who = Who::Is {
                pid,
                name: "parent",
            };
            asked.finds(&first, Direction::Out, [who, Who::is(&server)]);
            let started = asked.client(&key(&first)).start_ticks;
            parent.reap(pid);
            // The kernel counts starts in hundredths of a second, and pids come
            // round much later.
            thread::sleep(Duration::from_millis(30));

            let link = parent.connect(listener.local);
            let second = flow_of(&net.client, &link);
            if let Err(error) = parent.leave_to_child_with_pid(link, pid) {
                lab::skip_unless_root(format_args!("choose process ids: {error}"));
            }
            asked.finds(&second, Direction::Out, [who, Who::is(&server)]);
            assert!(asked.client(&key(&second)).start_ticks > started);
            // What is gone stays what it was.
            asked.looks_again();
            assert_eq!(asked.client(&key(&first)).start_ticks, started);
        },
    );
}

#[test]
fn what_was_known_stays_with_a_flow_whose_process_has_ended() {
    let name = "what_was_known_stays_with_a_flow_whose_process_has_ended";
    lab::run(name, |lab| {
        let net = lab.router_apart();
        net.client.track();
        let service = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let client = lab.program("client").start(&net.client);
        let link = client.connect(service.address());
        let flow = flow_of(&net.client, &link);
        let mut asked = Asked::on(&net.client);
        let pid = client.pid();
        let expected = [
            Who::Is {
                pid,
                name: "client",
            },
            Who::Elsewhere,
        ];
        asked.finds(&flow, Direction::Out, expected);

        // The socket is in TIME_WAIT then, of nobody.
        client.close(link);
        drop(service);
        drop(client);
        assert_eq!(flow_from(&net.client, link.local.port()).orig, flow.orig);
        asked.looks_again();
        for _ in 0..50 {
            assert!(asked.has(&key(&flow), expected), "it was forgotten");
            thread::sleep(Duration::from_millis(10));
        }
        // Who comes too late is not told of another.
        let expected = [Who::Not(Unknown::Gone), Who::Elsewhere];
        prove(&net.client, &flow, Direction::Out, expected);
    });
}

#[test]
fn a_container_is_found_through_its_namespace() {
    lab::run("a_container_is_found_through_its_namespace", |lab| {
        let net = lab.router_apart();
        net.router.track();
        net.router.masquerade("wan");
        // Not a process: nobody's namespace is theirs.
        let service = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let process = lab.program("in-container").start(&net.client);
        let link = process.connect(service.address());
        let flow = flow_of(&net.router, &link);
        assert_ne!(flow.reply, flow.orig.inverted(), "it is masqueraded");
        let mut asked = Asked::on(&net.router);
        let expected = [Who::is(&process), Who::Elsewhere];
        asked.finds(&flow, Direction::Forward, expected);
        let owner = asked.owners(&key(&flow)).orig.clone().expect("known");
        assert_eq!(owner.namespace, Some(link.local.ip()));
        let record = record(&net.router, &flow, &[]);
        assert_eq!(record["src_pid"], process.pid());
        assert_eq!(record["direction"], "forward");
    });
}

#[test]
fn a_container_is_told_by_its_control_group() {
    lab::run("a_container_is_told_by_its_control_group", |lab| {
        let id = "0123456789abcdef".repeat(4);
        let path = format!("flowtop-{}/docker-{id}.scope", std::process::id());
        let group = Group::new(&path);
        let net = lab.router_apart();
        for host in [&net.client, &net.router] {
            host.track();
        }
        let service = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let process = lab.program("in-container").group(&group).start(&net.client);
        let link = process.connect(service.address());
        // From inside and from outside.
        for (host, direction) in [
            (&net.client, Direction::Out),
            (&net.router, Direction::Forward),
        ] {
            let flow = flow_of(host, &link);
            let mut asked = Asked::on(host);
            asked.finds(&flow, direction, [Who::is(&process), Who::Elsewhere]);
            let owner = asked.owners(&key(&flow)).orig.clone().expect("known");
            let group = owner.cgroup().expect("it has one");
            let container = group.container.as_ref().expect("it looks like one");
            assert_eq!(container.runtime, "docker");
            assert_eq!(*container.id, *id);
            assert_eq!(container.label(), &id[..12]);
            assert_eq!(record(host, &flow, &[])["container"], id[..12]);
        }
    });
}

#[test]
fn a_forwarded_flow_is_not_of_a_local_process_with_its_ports() {
    let name = "a_forwarded_flow_is_not_of_a_local_process_with_its_ports";
    lab::run(name, |lab| {
        let net = lab.router_apart();
        net.router.track();
        let local = lab.program("local").start(&net.router);
        let web = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let names = UdpService::bind(&net.server, &port(&net, 53).to_string());

        let forwarded = web.connect(&net.client);
        let asked = names.connect(&net.client);
        asked.exchange(100, 200);
        let port_of = |address: std::io::Result<SocketAddr>| address.expect("bound").port();
        let tcp = port_of(forwarded.client.local_addr());
        let udp = port_of(asked.client.local_addr());
        // The same ports at this end of the wire, for any address.
        let _sockets = [
            local.listen("[::]:80"),
            local.listen(&format!("0.0.0.0:{tcp}")),
            local.bind("[::]:53"),
            local.bind(&format!("0.0.0.0:{udp}")),
        ];
        for port in [tcp, udp] {
            let flow = flow_from(&net.router, port);
            let record = record(&net.router, &flow, &[]);
            assert_eq!(record["direction"], "forward");
            assert_eq!(record["owner_unknown"], "forwarded");
            for key in ["pid", "src_pid", "dst_pid", "process"] {
                assert_eq!(record.get(key), None, "{record:?}");
            }
            let forwarded = Who::Not(Unknown::Forwarded);
            let mut asked = Asked::on(&net.router);
            asked.finds(&flow, Direction::Forward, [forwarded, forwarded]);
        }
    });
}

#[test]
fn a_server_behind_a_translated_address_is_found() {
    lab::run("a_server_behind_a_translated_address_is_found", |lab| {
        let net = lab.router_apart();
        net.server.track();
        let to = port(&net, 8080);
        net.server.dnat(Protocol::TCP, 80, to);
        net.server.dnat(Protocol::UDP, 53, port(&net, 5353));
        let client = lab.program("client").start(&net.client);
        let server = lab.program("server").start(&net.server);
        // What it seems to be for.
        let other = lab.program("other").start(&net.server);
        let _seeming = other.listen(&port(&net, 80).to_string());
        let _seeming = other.bind("0.0.0.0:53");

        let listener = server.listen("0.0.0.0:8080");
        let link = client.connect(port(&net, 80));
        let _end = server.accept(&listener);
        let service = server.bind("0.0.0.0:5353");
        let socket = client.talk(port(&net, 53));
        client.send(&socket, 100);
        server.receive(&service, 100);
        for socket in [link, socket] {
            let flow = flow_of(&net.server, &socket);
            let expected = [Who::is(&client), Who::is(&server)];
            prove(&net.server, &flow, Direction::In, expected);
        }
    });
}

#[test]
fn nobody_is_asked_for_where_that_is_not_wanted() {
    lab::run("nobody_is_asked_for_where_that_is_not_wanted", |lab| {
        lab.here().track();
        let client = lab.program("client").start(lab.here());
        let server = lab.program("server").start(lab.here());
        let (link, _) = connect(&client, &server, at("127.0.0.1:80"));
        let flow = flow_of(lab.here(), &link);
        let record = record(lab.here(), &flow, &["--no-process"]);
        for key in ["pid", "process", "src_pid", "dst_pid", "owner_unknown"] {
            assert_eq!(record.get(key), None::<&Value>, "{record:?}");
        }
        assert_eq!(record["direction"], "local");
    });
}

#[test]
fn a_flow_from_before_accounting_is_counted_by_its_socket() {
    let name = "a_flow_from_before_accounting_is_counted_by_its_socket";
    lab::run(name, |lab| {
        let net = lab.router_apart();
        for host in [&net.client, &net.router] {
            host.track();
        }
        let service = TcpService::listen(&net.server, &port(&net, 80).to_string());
        let client = lab.program("client").start(&net.client);
        let link = client.connect(service.address());
        client.send(&link, 5_000);
        eventually("all is acknowledged and counted", || {
            let flow = flow_of(&net.client, &link);
            let record = record(&net.client, &flow, &[]);
            assert_eq!(record["counters"], "sockets", "{record:?}");
            assert_eq!(record["reply_bytes"], 0, "{record:?}");
            record["orig_bytes"] == 5_000
        });
        // Where there is no socket there is no number.
        let there = flow_of(&net.router, &link);
        let record = record(&net.router, &there, &["--no-process"]);
        assert_eq!(record["counters"], "none", "{record:?}");
        assert_eq!(record.get("orig_bytes"), None, "{record:?}");
    });
}
