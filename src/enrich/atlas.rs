//! Where hosts are. Each is looked up once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::geoip::{GeoIp, Location, NamePool, Scope};

/// Hosts of a family that are remembered. Past this all are forgotten: to look
/// one up again costs less than to know which one to forget. More than a table
/// of a million flows has, in which every one goes to another host: one host too
/// many would cost a look into the databases for each of them at each refresh.
const CAPACITY: usize = 1 << 21;

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// The places of hosts: a place is kept once, however many hosts are there, and
/// a host in a few bytes.
pub(super) struct Atlas {
    geoip: Arc<GeoIp>,
    pool: NamePool,
    /// By the bits of an address: which of `locations`.
    v4: Map<u32, u32>,
    v6: Map<u128, u32>,
    locations: Vec<Location>,
    numbers: Map<Location, u32>,
}

impl Atlas {
    /// Looks places up in these databases.
    pub(super) fn new(geoip: Arc<GeoIp>) -> Self {
        Self {
            geoip,
            pool: NamePool::default(),
            v4: Map::default(),
            v6: Map::default(),
            locations: Vec::new(),
            numbers: Map::default(),
        }
    }

    /// The same with other databases; names that both know are kept once.
    pub(super) fn with(self, geoip: Arc<GeoIp>) -> Self {
        Self {
            pool: self.pool,
            ..Self::new(geoip)
        }
    }

    /// The same once more, to go on with by itself.
    pub(super) fn copy(&self) -> Self {
        Self {
            geoip: Arc::clone(&self.geoip),
            // Places that are known share their names already.
            pool: NamePool::default(),
            v4: self.v4.clone(),
            v6: self.v6.clone(),
            locations: self.locations.clone(),
            numbers: self.numbers.clone(),
        }
    }

    /// The databases.
    pub(super) const fn geoip(&self) -> &Arc<GeoIp> {
        &self.geoip
    }

    /// Where an address is.
    pub(super) fn located(&mut self, address: IpAddr) -> &Location {
        if !self.geoip.is_enabled() {
            return &Location::Unknown;
        }
        // What an address is reduced to is looked up, and remembered.
        let number = match Scope::of(address) {
            Scope::Lan => return &Location::Lan,
            Scope::Global(IpAddr::V4(ip)) => self.v4.get(&ip.to_bits()),
            Scope::Global(IpAddr::V6(ip)) => self.v6.get(&ip.to_bits()),
        };
        let number = match number {
            Some(number) => *number,
            None => self.look_up(address),
        };
        self.locations
            .get(number as usize)
            .unwrap_or(&Location::Unknown)
    }

    /// The number of the location of an address that is not known yet.
    fn look_up(&mut self, address: IpAddr) -> u32 {
        if self.v4.len().max(self.v6.len()) >= CAPACITY {
            self.v4.clear();
            self.v6.clear();
            self.locations.clear();
            self.numbers.clear();
        }
        let location = self.geoip.locate(address, &mut self.pool);
        let number = self.numbers.get(&location).copied();
        let number = number.unwrap_or_else(|| {
            let next = self.locations.len() as u32;
            self.locations.push(location.clone());
            self.numbers.insert(location, next);
            next
        });
        match Scope::of(address) {
            Scope::Lan => {}
            Scope::Global(IpAddr::V4(ip)) => drop(self.v4.insert(ip.to_bits(), number)),
            Scope::Global(IpAddr::V6(ip)) => drop(self.v6.insert(ip.to_bits(), number)),
        }
        number
    }
}
