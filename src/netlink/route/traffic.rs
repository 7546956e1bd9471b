//! What interfaces have carried: `IFLA_STATS64` of a dump of links.

use std::io;
use std::ops::ControlFlow;

use super::decode::{info_kind, split, word};
use super::session::{Dump, Session};
use crate::flow::Pair;
use crate::netlink::wire::{Attribute, Message, attributes};

/// `struct ifinfomsg`.
const LINK_LEN: usize = 16;
/// `IFLA_STATS64` (`linux/if_link.h`).
const IFLA_STATS64: u16 = 23;
/// `IFLA_CARRIER`.
const IFLA_CARRIER: u16 = 33;
/// `IFLA_OPERSTATE`: RFC 2863's state of an interface.
const IFLA_OPERSTATE: u16 = 16;
const IF_OPER_DOWN: u8 = 2;
const IF_OPER_LOWERLAYERDOWN: u8 = 3;
const IF_OPER_DORMANT: u8 = 5;
const IF_OPER_UP: u8 = 6;

/// What one direction of an interface has carried since the interface is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes, headers of the link included.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Packets that were broken.
    pub errors: u64,
    /// Packets that nobody wanted, or for which there was no room.
    pub dropped: u64,
}

/// Whether an interface can carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It can.
    Up,
    /// It is switched on, and its cable or its lower interface is not.
    NoCarrier,
    /// It waits for something, such as authentication.
    Dormant,
    /// It is switched off.
    Down,
}

/// An interface, and what it has carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// `ifi_index`.
    pub index: u32,
    /// `IFLA_IFNAME`.
    pub name: String,
    /// `IFLA_INFO_KIND`: `bridge`, `veth` and so on; absent for hardware.
    pub kind: Option<String>,
    /// `IFLA_ADDRESS`, if it has six bytes.
    pub mac: Option<[u8; 6]>,
    /// `IFF_LOOPBACK`.
    pub is_loopback: bool,
    /// Whether it can carry packets.
    pub state: LinkState,
    /// Received (`reply`) and sent (`orig`): `rx_*` and `tx_*`. A veth's or a
    /// bridge's are seen from this machine as well.
    pub carried: Pair<Carried>,
    /// `collisions`.
    pub collisions: u64,
}

impl Session {
    /// Every interface, and what it has carried.
    ///
    /// # Errors
    /// If the kernel does not answer.
    pub fn traffic(&mut self) -> io::Result<Vec<Traffic>> {
        let mut all = Vec::new();
        // A link that came or went meanwhile is seen the next time.
        let _ = self.ask(Dump::Links, |message| {
            all.extend(decode(message));
            ControlFlow::Continue(())
        })?;
        Ok(all)
    }
}

/// An interface, if a message is about one, and says what it has carried.
pub(super) fn decode(message: &Message<'_>) -> Option<Traffic> {
    if message.kind != libc::RTM_NEWLINK {
        return None;
    }
    let (header, rest) = split::<LINK_LEN>(message.payload)?;
    if i32::from(header[0]) != libc::AF_UNSPEC {
        return None;
    }
    let flags = word(header, 8);
    let (mut name, mut kind, mut mac, mut stats) = (None, None, None, None);
    let (mut carrier, mut operation) = (None, None);
    for attribute in attributes(rest) {
        match attribute.kind {
            libc::IFLA_IFNAME => name = attribute.text(),
            libc::IFLA_ADDRESS => mac = attribute.array(),
            libc::IFLA_LINKINFO => kind = info_kind(attribute),
            IFLA_STATS64 => stats = carried(attribute),
            IFLA_CARRIER => carrier = attribute.u8(),
            IFLA_OPERSTATE => operation = attribute.u8(),
            _ => {}
        }
    }
    let (carried, collisions) = stats?;
    let is_on = flags & libc::IFF_UP as u32 != 0;
    let state = match (is_on, operation, carrier) {
        (false, _, _) => LinkState::Down,
        (_, Some(IF_OPER_UP), _) => LinkState::Up,
        (_, Some(IF_OPER_DORMANT), _) => LinkState::Dormant,
        (_, Some(IF_OPER_DOWN | IF_OPER_LOWERLAYERDOWN), _) | (_, _, Some(0)) => {
            LinkState::NoCarrier
        }
        // `IF_OPER_UNKNOWN`: those that have no notion of a cable, such as
        // tunnels.
        _ => LinkState::Up,
    };
    Some(Traffic {
        index: word(header, 4),
        name: name?.to_owned(),
        kind: kind.map(str::to_owned),
        mac,
        is_loopback: flags & libc::IFF_LOOPBACK as u32 != 0,
        state,
        carried,
        collisions,
    })
}

/// `struct rtnl_link_stats64`, which newer kernels make longer at its end.
fn carried(attribute: Attribute<'_>) -> Option<(Pair<Carried>, u64)> {
    let bytes: &[u8; 80] = attribute.payload.first_chunk()?;
    let (words, _) = bytes.as_chunks::<8>();
    let at = |index: usize| words.get(index).map_or(0, |word| u64::from_ne_bytes(*word));
    let received = Carried {
        packets: at(0),
        bytes: at(2),
        errors: at(4),
        dropped: at(6),
    };
    let sent = Carried {
        packets: at(1),
        bytes: at(3),
        errors: at(5),
        dropped: at(7),
    };
    let pair = Pair {
        orig: sent,
        reply: received,
    };
    Some((pair, at(9)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::wire::{Requests, messages};

    /// `IFLA_STATS64` of a loopback that three pings and twelve segments had
    /// passed, on Linux 6.18: 25 words, those that follow are zero.
    const STATS: [u64; 4] = [18, 18, 984, 984];

    fn stats(words: &[u64]) -> Vec<u8> {
        let words = (0..25).map(|index| words.get(index).copied().unwrap_or(0));
        words.flat_map(u64::to_ne_bytes).collect()
    }

    fn link(flags: libc::c_int, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut header = [0; LINK_LEN];
        header[4..8].copy_from_slice(&7u32.to_ne_bytes());
        header[8..12].copy_from_slice(&(flags as u32).to_ne_bytes());
        let mut requests = Requests::new();
        requests.message_with(libc::RTM_NEWLINK, 0, 1, &header);
        for (kind, payload) in attributes {
            requests.attribute(*kind, payload);
        }
        requests.bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Traffic> {
        decode(&messages(bytes).next().unwrap())
    }

    #[test]
    fn a_loopback_that_has_no_notion_of_a_cable_is_up() {
        let carried = stats(&STATS);
        let lo = read(&link(
            libc::IFF_UP | libc::IFF_LOOPBACK,
            &[
                (libc::IFLA_IFNAME, b"lo\0"),
                (IFLA_OPERSTATE, &[0]),
                (IFLA_CARRIER, &[1]),
                (libc::IFLA_ADDRESS, &[0; 6]),
                (IFLA_STATS64, &carried),
            ],
        ));
        let both_ways = Carried {
            bytes: 984,
            packets: 18,
            errors: 0,
            dropped: 0,
        };
        assert_eq!(
            lo,
            Some(Traffic {
                index: 7,
                name: "lo".into(),
                kind: None,
                mac: Some([0; 6]),
                is_loopback: true,
                state: LinkState::Up,
                carried: Pair {
                    orig: both_ways,
                    reply: both_ways,
                },
                collisions: 0,
            })
        );
    }

    #[test]
    fn each_word_has_its_place_and_newer_ones_are_passed_over() {
        let words: Vec<u64> = (1..=30).collect();
        let longer: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        let name: (u16, &[u8]) = (libc::IFLA_IFNAME, b"wan");
        let wan = read(&link(libc::IFF_UP, &[name, (IFLA_STATS64, &longer)])).unwrap();
        let Pair { orig, reply } = wan.carried;
        assert_eq!([reply.packets, orig.packets], [1, 2]);
        assert_eq!([reply.bytes, orig.bytes], [3, 4]);
        assert_eq!([reply.errors, orig.errors], [5, 6]);
        assert_eq!([reply.dropped, orig.dropped], [7, 8]);
        assert_eq!(wan.collisions, 10);
        assert_eq!(read(&link(0, &[name, (IFLA_STATS64, &longer[..72])])), None);
        assert_eq!(read(&link(0, &[name])), None, "nothing is said of it");
    }

    #[test]
    fn an_interface_is_up_only_if_it_can_carry_packets() {
        let carried = stats(&STATS);
        let state = |flags, told: &[(u16, &[u8])]| {
            let mut all: Vec<(u16, &[u8])> =
                vec![(libc::IFLA_IFNAME, b"lan"), (IFLA_STATS64, &carried)];
            all.extend(told);
            read(&link(flags, &all)).unwrap().state
        };
        let on = libc::IFF_UP;
        assert_eq!(state(0, &[(IFLA_OPERSTATE, &[6])]), LinkState::Down);
        assert_eq!(state(on, &[(IFLA_OPERSTATE, &[6])]), LinkState::Up);
        assert_eq!(state(on, &[(IFLA_OPERSTATE, &[2])]), LinkState::NoCarrier);
        // The far end of a veth is down.
        let lower = [(IFLA_OPERSTATE, &[3][..]), (IFLA_CARRIER, &[0])];
        assert_eq!(state(on, &lower), LinkState::NoCarrier);
        assert_eq!(state(on, &[(IFLA_OPERSTATE, &[5])]), LinkState::Dormant);
        assert_eq!(state(on, &[]), LinkState::Up, "an old kernel");
    }
}
