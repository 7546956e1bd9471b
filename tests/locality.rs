//! Which way flows go, the interfaces they use and the hardware addresses of
//! neighbours, as the kernel of a laboratory has them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use flowtop::enrich::locality::{Interfaces, Locality, Paths, Settings, Watch};
use flowtop::flow::{Direction, L4, Protocol, Tuple};
use lab::traffic::{self, TcpService, UdpService};
use lab::{End, Host};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn read(host: &Host) -> Locality {
    host.enter(|| Locality::read(Settings::default())).unwrap()
}

/// The only flow of a protocol that a host has: both of its tuples.
fn flow(host: &Host, protocol: Protocol) -> (Tuple, Tuple) {
    let seen = host.flow(protocol);
    (seen.orig, seen.reply)
}

/// Direction and interfaces of a flow, as text: `forward lan wan`.
fn told(host: &Host, (orig, reply): (Tuple, Tuple)) -> String {
    host.enter(|| {
        let locality = Locality::read(Settings::default()).unwrap();
        let direction = locality
            .direction(&orig, &reply)
            .map_or("-", Direction::name);
        let Interfaces { orig, reply } =
            Paths::default().interfaces(&locality, &orig, &reply, None);
        let name = |name: Option<Arc<str>>| name.map_or("-".to_owned(), |n| n.to_string());
        format!("{direction} {} {}", name(orig), name(reply))
    })
}

#[test]
fn a_flow_is_out_forward_and_in_on_its_way() {
    lab::run("a_flow_is_out_forward_and_in_on_its_way", |lab| {
        let net = lab.router();
        for host in [&net.client, &net.router, &net.server] {
            host.track();
        }
        for server in ["198.51.100.20:53", "[2001:db8:2::20]:53"] {
            let service = UdpService::bind(&net.server, server);
            service.connect(&net.client).exchange(100, 100);
            for (host, expected) in [
                (&net.client, "out - eth0"),
                (&net.router, "forward lan wan"),
                (&net.server, "in eth0 -"),
            ] {
                let flow = flow(host, Protocol::UDP);
                assert_eq!(told(host, flow), expected, "{} of {server}", host.name());
            }
            for host in [&net.client, &net.router, &net.server] {
                host.flush_flows();
            }
        }
    });
}
