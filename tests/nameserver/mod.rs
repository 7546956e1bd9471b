//! A nameserver on loopback that answers as it is told, and remembers what it
//! was asked.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "in a test, what fails should stop it")]

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// A nameserver that hands every query to a function and sends what it returns.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    /// The queries as they came, and from where.
    pub(crate) queries: Receiver<(Vec<u8>, SocketAddr)>,
}

impl Fake {
    pub(crate) fn start(reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::on(0, reply)
    }

    /// As [`Fake::start`], on this port of 127.0.0.1.
    pub(crate) fn on(port: u16, reply: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let address = socket.local_addr().unwrap();
        let (log, queries): (Sender<(Vec<u8>, SocketAddr)>, _) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((n, from)) = socket.recv_from(&mut buffer) {
                let query = &buffer[..n];
                if log.send((query.to_vec(), from)).is_err() {
                    return;
                }
                for reply in reply(query) {
                    socket.send_to(&reply, from).unwrap();
                }
            }
        });
        Self { address, queries }
    }

    pub(crate) fn silent() -> Self {
        Self::start(|_| Vec::new())
    }

    /// Calls every host `n<last octet>.example`.
    pub(crate) fn naming() -> Self {
        Self::start(named)
    }

    pub(crate) fn asked_so_far(&self) -> Vec<Ipv4Addr> {
        self.queries
            .try_iter()
            .map(|(query, _)| asked(&query))
            .collect()
    }
}

/// The name of `n<last octet>.example`.
pub(crate) fn named(query: &[u8]) -> Vec<Vec<u8>> {
    let host = format!("n{}", asked(query).octets()[3]);
    vec![with_name(query, &[host.as_bytes(), b"example"])]
}

/// The IPv4 address that a query is about.
pub(crate) fn asked(query: &[u8]) -> Ipv4Addr {
    let mut rest = &query[12..];
    let mut octets = [0; 4];
    for octet in octets.iter_mut().rev() {
        let (label, after) = rest[1..].split_at(rest[0].into());
        *octet = std::str::from_utf8(label).unwrap().parse().unwrap();
        rest = after;
    }
    Ipv4Addr::from(octets)
}

/// The query as a reply with this RCODE and no records.
pub(crate) fn with_rcode(query: &[u8], rcode: u8) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[2] |= 0x80;
    reply[3] = 0x80 | rcode;
    reply
}

/// A reply whose answer is a PTR record with these octets as its name.
pub(crate) fn with_target(query: &[u8], target: &[u8]) -> Vec<u8> {
    let mut reply = with_rcode(query, 0);
    reply[7] = 1;
    reply.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 1, 0]);
    reply.extend((target.len() as u16).to_be_bytes());
    reply.extend(target);
    reply
}

pub(crate) fn with_name(query: &[u8], labels: &[&[u8]]) -> Vec<u8> {
    let mut target = Vec::new();
    for label in labels {
        target.push(label.len() as u8);
        target.extend(*label);
    }
    target.push(0);
    with_target(query, &target)
}
