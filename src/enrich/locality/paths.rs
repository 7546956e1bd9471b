//! The interfaces that flows use, inferred from the routes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::routes::{Fib, Selectors, Way, family, only_link};
use super::{Interfaces, Link, Locality};
use crate::flow::{Direction, Pair, Tuple};
use crate::netlink::route::{Question, RouteKind, Session};

/// Answers of the kernel that are kept. Past this all are forgotten: to ask
/// again costs less than to know which one to forget.
const CAPACITY: usize = 1 << 17;

/// The way to the kernel.
#[derive(Default)]
enum Kernel {
    #[default]
    NotTried,
    Open(Box<Session>),
    Broken,
}

/// Looks the ways of flows up: in the routing tables of a [`Locality`] if they
/// are simple and small, else by asking the kernel of this thread's network
/// namespace, once for each host.
#[derive(Default)]
pub struct Paths {
    kernel: Kernel,
    known: HashMap<Question, Option<u32>, foldhash::fast::RandomState>,
}

/// Where a packet goes, and where it comes from.
#[derive(Clone, Copy)]
struct Packet {
    to: IpAddr,
    from: IpAddr,
    /// The link it comes in by, if it is not of this machine.
    link: Option<u32>,
    mark: u32,
}

impl Paths {
    /// Forgets what the kernel said, because routes have changed.
    pub fn forget(&mut self) {
        self.known.clear();
        if matches!(self.kernel, Kernel::Broken) {
            self.kernel = Kernel::NotTried;
        }
    }

    /// The interfaces of a flow.
    ///
    /// 1. A flow of this machine with itself uses the loopback interface both
    ///    ways; one of its own to elsewhere goes out by the route to its real
    ///    destination; one from elsewhere comes in by the route of its answers.
    /// 2. A forwarded flow does both: asymmetric routing is not seen.
    /// 3. Link-local, multicast and broadcast destinations have no route of
    ///    their own: the link of the address that sends to them counts, or that
    ///    of the neighbour.
    /// 4. Where routes lead by several links, or rules look at what a flow does
    ///    not say (users, ports), there is no answer.
    pub fn interfaces(
        &mut self,
        locality: &Locality,
        orig: &Tuple,
        reply: &Tuple,
        mark: Option<u32>,
    ) -> Interfaces {
        let name = |link: Option<u32>| {
            let link = link.and_then(|link| locality.link(link));
            link.map(|link| Arc::clone(&link.name))
        };
        let there = Packet {
            to: reply.src(),
            from: orig.src(),
            link: None,
            mark: mark.unwrap_or(0),
        };
        let back = Packet {
            to: there.from,
            from: there.to,
            ..there
        };
        match locality.direction(orig, reply) {
            None => Interfaces::default(),
            Some(Direction::Local) => {
                let name = loopback(locality).map(|link| Arc::clone(&link.name));
                Pair {
                    orig: name.clone(),
                    reply: name,
                }
            }
            Some(Direction::Out) => Pair {
                orig: None,
                reply: name(self.way(locality, there)),
            },
            Some(Direction::In) => Pair {
                orig: name(self.way(locality, back)),
                reply: None,
            },
            Some(Direction::Forward) => {
                let (incoming, outgoing) = self.forward(locality, there, back);
                Pair {
                    orig: name(incoming),
                    reply: name(outgoing),
                }
            }
        }
    }

    /// Where a forwarded flow comes in and goes out.
    fn forward(
        &mut self,
        locality: &Locality,
        there: Packet,
        back: Packet,
    ) -> (Option<u32>, Option<u32>) {
        // Rules may look at the incoming interface, which is what is looked
        // for: begin with the ways by destination, and ask again with them.
        let incoming = self.by_destination(locality, back);
        let outgoing = self.by_destination(locality, there);
        if !selectors(locality, there.to).is_some_and(|by| by.source) {
            return (incoming, outgoing);
        }
        let out = incoming.and_then(|link| {
            let packet = Packet {
                link: Some(link),
                ..there
            };
            self.way(locality, packet)
        });
        let link = out.or(outgoing);
        let back = link.and_then(|link| {
            let packet = Packet {
                link: Some(link),
                ..back
            };
            self.way(locality, packet)
        });
        (back, out)
    }

    /// The link that a packet leaves by, whoever it is from.
    fn by_destination(&mut self, locality: &Locality, packet: Packet) -> Option<u32> {
        self.look_up(locality, packet, false)
    }

    /// The link that a packet leaves by.
    fn way(&mut self, locality: &Locality, packet: Packet) -> Option<u32> {
        self.look_up(locality, packet, true)
    }

    fn look_up(&mut self, locality: &Locality, packet: Packet, with_source: bool) -> Option<u32> {
        let Packet { to, from, link, .. } = packet;
        if is_link_local(to) {
            return on_link(locality, to)
                .or_else(|| on_link(locality, from).filter(|_| is_link_local(from)));
        }
        if locality.is_for_many(to) {
            return on_link(locality, from).or_else(|| {
                match locality.routes.fib(family(to)).way(to) {
                    Way::Link(link) => Some(link),
                    _ => None,
                }
            });
        }
        match locality.routes.fib(family(to)).way(to) {
            Way::Link(link) => Some(link),
            Way::Here => loopback(locality).map(|link| link.index),
            Way::Unknown | Way::Pass => None,
            Way::Ask => {
                let by = selectors(locality, to).unwrap_or_default();
                let with_source = with_source && by.source;
                self.ask(
                    Question {
                        to,
                        from: with_source.then_some(from),
                        link: link.filter(|_| with_source),
                        mark: if by.mark { packet.mark } else { 0 },
                    },
                    locality,
                )
            }
        }
    }

    fn ask(&mut self, question: Question, locality: &Locality) -> Option<u32> {
        if let Some(known) = self.known.get(&question) {
            return *known;
        }
        if matches!(self.kernel, Kernel::NotTried) {
            let session = Session::open().map(Box::new);
            self.kernel = session.map_or(Kernel::Broken, Kernel::Open);
        }
        let Kernel::Open(session) = &mut self.kernel else {
            return None;
        };
        let Ok(route) = session.route(&question) else {
            self.kernel = Kernel::Broken;
            return None;
        };
        let link = route.and_then(|route| match route.kind {
            RouteKind::Local | RouteKind::Anycast => loopback(locality).map(|link| link.index),
            _ => only_link(&route.hops),
        });
        if self.known.len() >= CAPACITY {
            self.known.clear();
        }
        self.known.insert(question, link);
        link
    }
}

/// What rules look at, if there are any but the usual ones.
fn selectors(locality: &Locality, to: IpAddr) -> Option<Selectors> {
    match locality.routes.fib(family(to)) {
        Fib::Kernel(selectors) => Some(*selectors),
        Fib::Tables(_) | Fib::Unclear => None,
    }
}

fn loopback(locality: &Locality) -> Option<&Link> {
    locality.links().iter().find(|link| link.is_loopback)
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

fn on_link(locality: &Locality, address: IpAddr) -> Option<u32> {
    locality.on_link.get(&address).copied().flatten()
}
