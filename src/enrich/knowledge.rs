//! All that is known beyond the kernel's word, for whoever shows flows.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::atlas::Atlas;
use super::baseline::Baseline;
use super::dns::OwnSocket;
use super::geoip::{GeoIp, Location, Source};
use super::labels::{Label, Labels};
use super::locality::{Interfaces, Locality, Paths};
use super::names::{Answer, NameState, Names};
use super::nfsd;
use super::owners::{Owner, Owners};
use super::services::Services;
use super::timeouts::Timeouts;
use crate::flow::{Direction, Key, Moment, Pair, Protocol, Tuple};

/// What one end of a flow is called, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Its place.
    pub location: Location,
    /// Its name, escaped.
    pub name: Option<Arc<str>>,
}

impl End {
    /// Nothing is known of it.
    pub const UNKNOWN: Self = Self {
        location: Location::Unknown,
        name: None,
    };
}

/// Services, places, names, owners and directions. Belongs to the one thread
/// that shows flows; it answers at once with what it knows.
pub struct Knowledge {
    /// Never changes, so that copies share it.
    services: Arc<Services>,
    atlas: Option<Atlas>,
    names: Names,
    own: Vec<OwnSocket>,
    owners: Owners,
    /// Of flows that have ended and are remembered, by the number of their row.
    departed: HashMap<u64, Option<Box<Pair<Option<Owner>>>>, foldhash::fast::RandomState>,
    locality: Arc<Locality>,
    paths: Paths,
    nfs: Option<Arc<nfsd::Clients>>,
    labels: Labels,
    baseline: Baseline,
    timeouts: Timeouts,
}

impl Knowledge {
    /// Knows services, and nothing else yet.
    pub fn new(services: Services) -> Self {
        Self {
            services: Arc::new(services),
            atlas: None,
            names: Names::default(),
            own: Vec::new(),
            owners: Owners::default(),
            departed: HashMap::default(),
            locality: Arc::default(),
            paths: Paths::default(),
            nfs: None,
            labels: Labels::default(),
            baseline: Baseline::default(),
            timeouts: Timeouts::default(),
        }
    }

    /// The same knowledge once more, to go on with by itself: what is learned
    /// or forgotten here later does not change it.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self {
            services: Arc::clone(&self.services),
            atlas: self.atlas.as_ref().map(Atlas::copy),
            names: self.names.clone(),
            own: self.own.clone(),
            owners: self.owners.clone(),
            departed: self.departed.clone(),
            locality: Arc::clone(&self.locality),
            nfs: self.nfs.clone(),
            labels: self.labels.clone(),
            // Asks the kernel anew, and only about what is looked at.
            paths: Paths::default(),
            baseline: self.baseline.clone(),
            timeouts: self.timeouts,
        }
    }

    /// Takes over what the kernel's network configuration says now.
    pub fn set_locality(&mut self, locality: Arc<Locality>) {
        if !locality.shares_routes(&self.locality) {
            self.paths.forget();
        }
        self.locality = locality;
    }

    /// Our addresses, interfaces and neighbours.
    pub const fn locality(&self) -> &Arc<Locality> {
        &self.locality
    }

    /// Which way a flow goes; `None` before our addresses are known.
    pub fn direction(&self, orig: &Tuple, reply: &Tuple) -> Option<Direction> {
        self.locality.direction(orig, reply)
    }

    /// The interfaces a flow with these tuples and this mark uses, inferred
    /// from the routes.
    pub fn interfaces(&mut self, orig: &Tuple, reply: &Tuple, mark: Option<u32>) -> Interfaces {
        self.paths.interfaces(&self.locality, orig, reply, mark)
    }

    /// The end of a flow that is on our side.
    pub fn near_end(&self, orig: &Tuple, reply: &Tuple) -> IpAddr {
        self.locality.near_end(orig, reply)
    }

    /// Takes over what the NFS server of this machine says of its clients.
    pub fn set_nfs(&mut self, clients: Arc<nfsd::Clients>) {
        self.nfs = Some(clients);
    }

    /// What it says of one of them; `None` where nobody asked it.
    pub fn nfs_client(&self, address: IpAddr) -> Option<nfsd::Client> {
        let clients = self.nfs.as_ref()?;
        Some(clients.of(address, self.name_of(address)))
    }

    /// Who is at the ends of a flow.
    pub fn owners(&self, key: &Key) -> Option<&Pair<Option<Owner>>> {
        self.owners.of(key)
    }

    /// The same, and what numbers the texts that are said of them; of a flow
    /// that has ended in this row, who was.
    pub fn owners_and_labels(
        &mut self,
        key: &Key,
        ended: Option<u64>,
    ) -> (Option<&Pair<Option<Owner>>>, &mut Labels) {
        let owners = match ended.and_then(|row| self.departed.get(&row)) {
            Some(owners) => owners.as_deref(),
            None => self.owners.of(key),
        };
        (owners, &mut self.labels)
    }

    /// The number of a text that many flows share; `None` if there are too
    /// many of them.
    pub fn label(&mut self, text: &str) -> Option<Label> {
        self.labels.number(text)
    }

    /// The text of a number.
    pub fn text(&self, label: Label) -> Option<&Arc<str>> {
        self.labels.text(label)
    }

    /// Takes in what was found out about the owners of a flow.
    pub fn merge_owners(&mut self, key: Key, owners: Pair<Option<Owner>>) {
        self.owners.learn(key, owners);
    }

    /// The flows whose owners were found out.
    pub fn owned(&self) -> impl Iterator<Item = &Key> {
        self.owners.flows()
    }

    /// All flows are others now.
    pub fn forget_owners(&mut self) {
        self.owners = Owners::default();
    }

    /// A flow has ended, and everybody has been told.
    pub fn forget(&mut self, key: &Key) {
        self.owners.forget(key);
    }

    /// A flow has ended that is remembered by the number of its row: who was at
    /// its ends is known until that is forgotten.
    pub fn depart(&mut self, key: &Key, row: u64) {
        let owners = self.owners.take(key).map(Box::new);
        self.departed.insert(row, owners);
    }

    /// The flow of this row is not remembered any more.
    pub fn forget_departed(&mut self, row: u64) {
        self.departed.remove(&row);
    }

    /// Who was at the ends of a flow that has ended; of one that is not
    /// remembered yet who is.
    pub fn owners_at_end(&self, key: &Key, row: u64) -> Option<&Pair<Option<Owner>>> {
        match self.departed.get(&row) {
            Some(owners) => owners.as_deref(),
            None => self.owners.of(key),
        }
    }

    /// How many flows that have ended are remembered.
    pub fn departed(&self) -> usize {
        self.departed.len()
    }

    /// From when on somebody counts.
    pub const fn baseline(&self) -> &Baseline {
        &self.baseline
    }

    /// Counts from there.
    pub fn set_baseline(&mut self, baseline: Baseline) {
        self.baseline = baseline;
    }

    /// How long the kernel keeps flows that rest.
    pub const fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Takes over what the kernel says about that now.
    pub fn set_timeouts(&mut self, timeouts: Timeouts) {
        self.timeouts = timeouts;
    }

    /// Looks places up in these databases from now on.
    pub fn set_places(&mut self, geoip: Arc<GeoIp>) {
        self.atlas = Some(match self.atlas.take() {
            Some(atlas) => atlas.with(geoip),
            None => Atlas::new(geoip),
        });
    }

    /// The databases in use, the best first.
    pub fn places(&self) -> Option<&Arc<GeoIp>> {
        self.atlas.as_ref().map(Atlas::geoip)
    }

    /// What is known of the databases in use.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.places().into_iter().flat_map(|geoip| geoip.sources())
    }

    /// Takes in what a resolver found out.
    pub fn merge_names(&mut self, answers: Vec<Answer>, now: Moment) {
        self.names.merge(answers, now);
    }

    /// Those of `addresses` that a resolver should be asked about.
    pub fn unnamed(&self, addresses: impl IntoIterator<Item = IpAddr>, now: Moment) -> Vec<IpAddr> {
        self.names.due(addresses, now)
    }

    /// Whether a resolver has answered for this address, with a name or
    /// without.
    pub fn is_asked(&self, address: IpAddr) -> bool {
        self.names.is_known(address)
    }

    /// The sockets with which names are looked up; their flows are not shown.
    pub fn set_own_sockets(&mut self, own: &[OwnSocket]) {
        if self.own != own {
            self.own = own.to_vec();
        }
    }

    /// Whether this is a flow of our own resolver.
    pub fn is_own(&self, orig: &Tuple) -> bool {
        orig.proto() == Protocol::UDP
            && self.own.iter().any(|own| {
                orig.sport() == Some(own.local.port())
                    && orig.dport() == Some(own.server.port())
                    && orig.src() == own.local.ip().to_canonical()
                    && orig.dst() == own.server.ip().to_canonical()
            })
    }

    /// The names of services.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Where an address is.
    pub fn located(&mut self, address: IpAddr) -> &Location {
        match &mut self.atlas {
            Some(atlas) => atlas.located(address),
            None => &Location::Unknown,
        }
    }

    /// What a host is called, escaped.
    pub fn name(&self, address: IpAddr) -> Option<Arc<str>> {
        self.names.shared(address)
    }

    /// The same, where it stands.
    pub fn name_of(&self, address: IpAddr) -> Option<&str> {
        self.names.find(address).map(|name| &**name)
    }

    /// What is known about the name of a host, and who gave it.
    pub fn name_state(&self, address: IpAddr) -> NameState<'_> {
        self.names.name(address)
    }

    /// The databases that say where an address is, the best first.
    pub fn sources_of(&self, address: IpAddr) -> Vec<&Source> {
        let places = self.places();
        places.map_or_else(Vec::new, |geoip| geoip.sources_of(address))
    }

    /// What is known of one address.
    pub fn end(&mut self, address: IpAddr) -> End {
        End {
            location: self.located(address).clone(),
            name: self.names.shared(address),
        }
    }
}
