//! Other network namespaces of this machine: containers, mostly.
//!
//! A flow that this machine only forwards is of a process if one of its ends is
//! an address that lives in such a namespace. Its sockets are asked for there.
//! Another namespace can have any address at all, also one that flows from here
//! reach elsewhere: so only a socket with both ends of the flow proves that it is
//! there, unless we reach the address without a router. To enter a namespace takes
//! `CAP_SYS_ADMIN` over it; one that may not be entered is not looked into.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::onlink::Routes;
use super::sight::Asker;
use crate::netlink::namespace;

/// How often to look for new ones: reading a link for each process.
const EVERY: Duration = Duration::from_secs(10);
/// Each takes a descriptor, and lives on until it is found to be left.
const MAX_KNOWN: usize = 256;
/// Where `ip netns` and docker keep theirs.
const DIRECTORIES: [&str; 2] = ["/run/netns", "/run/docker/netns"];

/// A network namespace that is not ours.
pub(super) struct Namespace {
    /// Of its file: it names the namespace as long as somebody has it open.
    inode: u64,
    pub(super) addresses: HashSet<IpAddr>,
    pub(super) asker: Asker,
}

/// Those that were found.
pub(super) struct Namespaces {
    proc: PathBuf,
    own: Option<u64>,
    known: Vec<Namespace>,
    addresses: Arc<HashSet<IpAddr>>,
    /// Those of them that we reach without a router.
    near: HashSet<IpAddr>,
    looked: Option<Instant>,
    is_wanted: bool,
}

impl Namespaces {
    /// Finds none if they are not `wanted`. The calling thread must be the one
    /// that looks.
    pub(super) fn new(proc: &Path, wanted: bool) -> Self {
        let own = fs::metadata(proc.join("thread-self/ns/net"));
        Self {
            proc: proc.to_owned(),
            own: own.map(|meta| meta.ino()).ok(),
            known: Vec::new(),
            addresses: Arc::default(),
            near: HashSet::new(),
            looked: None,
            is_wanted: wanted,
        }
    }

    /// All their addresses, but for those that every namespace has.
    pub(super) fn addresses(&self) -> &Arc<HashSet<IpAddr>> {
        &self.addresses
    }

    /// Which of them we reach without a router.
    pub(super) const fn near(&self) -> &HashSet<IpAddr> {
        &self.near
    }

    /// Those in which this address lives.
    pub(super) fn with(&mut self, address: IpAddr) -> impl Iterator<Item = &mut Namespace> {
        let has = move |namespace: &&mut Namespace| namespace.addresses.contains(&address);
        self.known.iter_mut().filter(has)
    }

    /// Looks for them if it is time.
    pub(super) fn look(&mut self, now: Instant) {
        let is_time = self
            .looked
            .is_none_or(|at| now.saturating_duration_since(at) >= EVERY);
        let Some(own) = self.own.filter(|_| self.is_wanted && is_time) else {
            return;
        };
        self.looked = Some(now);
        let mut files = self.files();
        files.remove(&own);
        let mut before: HashMap<u64, Namespace> = self
            .known
            .drain(..)
            .map(|namespace| (namespace.inode, namespace))
            .collect();
        for (inode, file) in files.into_iter().take(MAX_KNOWN) {
            // One that fails went meanwhile, or is closed to this user: others
            // may not be.
            let found = visit(&self.proc, inode, &file, before.remove(&inode));
            self.known.extend(found.ok().flatten());
        }
        let addresses = self.known.iter().flat_map(|namespace| &namespace.addresses);
        let addresses: HashSet<IpAddr> = addresses.copied().collect();
        let routes = Routes::read(&self.proc.join("thread-self/net"));
        let near = addresses.iter().copied();
        self.near = near.filter(|ip| routes.is_on_link(*ip)).collect();
        if *self.addresses != addresses {
            self.addresses = Arc::new(addresses);
        }
    }

    /// A file of each namespace that can be seen, by inode.
    fn files(&self) -> HashMap<u64, PathBuf> {
        let of_processes = fs::read_dir(&self.proc).into_iter().flatten().flatten();
        let of_processes = of_processes
            .filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit())
            .map(|entry| entry.path().join("ns/net"));
        let named = DIRECTORIES
            .iter()
            .filter_map(|path| fs::read_dir(path).ok());
        let named = named.flatten().flatten().map(|entry| entry.path());
        let mut files = HashMap::new();
        for file in of_processes.chain(named) {
            if let Ok(meta) = fs::metadata(&file) {
                files.entry(meta.ino()).or_insert(file);
            }
        }
        files
    }
}

/// Reads the addresses of a namespace; `None` if it has none.
fn visit(
    proc: &Path,
    inode: u64,
    file: &Path,
    before: Option<Namespace>,
) -> std::io::Result<Option<Namespace>> {
    let opened = File::open(file)?;
    if opened.metadata()?.ino() != inode {
        return Ok(None);
    }
    // `/proc/PID/net` of a process in it.
    let tables = file.with_file_name("").join("../net");
    let net = proc.join("thread-self/net");
    let open_asker = || {
        let asker = before.map(|namespace| namespace.asker);
        match asker.filter(|asker| asker.tables() == tables) {
            Some(asker) => Some(asker),
            None => Asker::open(tables).ok(),
        }
    };
    let (addresses, asker) = namespace::within(&opened, || (addresses(&net), open_asker()))?;
    Ok(asker
        .filter(|_| !addresses.is_empty())
        .map(|asker| Namespace {
            inode,
            addresses,
            asker,
        }))
}

/// The addresses that `/proc/PID/net` says are local, but for loopback and
/// link-local ones, which others have as well.
fn addresses(net: &Path) -> HashSet<IpAddr> {
    let v4 = fs::read_to_string(net.join("fib_trie")).unwrap_or_default();
    let v6 = fs::read_to_string(net.join("if_inet6")).unwrap_or_default();
    let v4 = local_v4(&v4).into_iter().map(IpAddr::V4);
    let v6 = local_v6(&v6).into_iter().map(IpAddr::V6);
    v4.chain(v6).collect()
}

/// An address stands in a line of its own; `/32 host LOCAL` follows.
fn local_v4(fib_trie: &str) -> HashSet<Ipv4Addr> {
    let mut found = HashSet::new();
    let mut address: Option<Ipv4Addr> = None;
    for line in fib_trie.lines().map(str::trim) {
        if let Some(leaf) = line.strip_prefix("|-- ") {
            address = leaf.parse().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(address.filter(|ip| !ip.is_loopback() && !ip.is_link_local()));
        }
    }
    found
}

/// `address index prefix scope flags name`, in hexadecimal.
fn local_v6(if_inet6: &str) -> HashSet<Ipv6Addr> {
    let address = |line: &str| {
        let digits = line.split_ascii_whitespace().next()?;
        let bits = u128::from_str_radix(digits, 16).ok()?;
        Some(Ipv6Addr::from_bits(bits))
    };
    if_inet6
        .lines()
        .filter_map(address)
        .filter(|ip| !ip.is_loopback() && !ip.is_unicast_link_local())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_told_from_networks() {
        let trie = "Main:\n  +-- 0.0.0.0/1 2 0 2\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
            +-- 172.17.0.0/16 2 0 2\n        |-- 172.17.0.0\n           /16 link UNICAST\n        \
            |-- 172.17.0.2\n           /32 host LOCAL\n        |-- 172.17.255.255\n           \
            /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n";
        assert_eq!(local_v4(trie), [Ipv4Addr::new(172, 17, 0, 2)].into());
        let if_inet6 = "00000000000000000000000000000001 01 80 10 80       lo\n\
            fe800000000000000000000000000001 02 40 20 80     eth0\n\
            20010db8000000000000000000000010 02 40 00 80     eth0\nnonsense\n";
        assert_eq!(local_v6(if_inet6), ["2001:db8::10".parse().unwrap()].into());
    }
}
