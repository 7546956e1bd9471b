//! What is here: our addresses, interfaces and neighbours, and which way flows
//! go.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::{Direction, Pair, Tuple};

/// A hardware address of six bytes (IEEE EUI-48).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// What the kernel's network configuration says, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locality {
    /// Addresses of this machine.
    pub(crate) addresses: HashSet<IpAddr>,
    /// Hardware addresses of neighbours on the links of this machine.
    pub(crate) neighbours: HashMap<IpAddr, Mac>,
}

impl Locality {
    /// Whether a packet to this address would be for this machine.
    pub fn is_here(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.addresses.contains(&address)
    }

    /// Which way a flow goes: `None` before addresses are known. `reply` says
    /// where it really went to, after address translation.
    pub fn direction(&self, orig: &Tuple, reply: &Tuple) -> Option<Direction> {
        if self.addresses.is_empty() {
            return None;
        }
        Some(
            match (self.is_here(orig.src()), self.is_here(reply.src())) {
                (true, true) => Direction::Local,
                (true, false) => Direction::Out,
                (false, true) => Direction::In,
                (false, false) => Direction::Forward,
            },
        )
    }

    /// Hardware address of a neighbour.
    pub fn mac(&self, address: IpAddr) -> Option<Mac> {
        self.neighbours.get(&address).copied()
    }
}

/// The interfaces a flow uses: where its first packet comes in, and where it
/// goes out. Inferred from routes, not observed.
pub type Interfaces = Pair<Option<Arc<str>>>;
