//! The kernel's text tables of sockets, `/proc/net/*`: for kinds that it does
//! not tell of over netlink.
//!
//! ICMP ("ping") sockets are nowhere else; raw sockets need `raw_diag`, which
//! many kernels lack; UDP-Lite left netlink in Linux 7.1.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::{Endpoint, RAW, Socket, SocketState};
use crate::flow::{Family, Protocol};

/// The directory of the tables of the calling thread's network namespace.
/// `/proc/net` is that of the process's first thread.
pub const OWN: &str = "/proc/thread-self/net";

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Protocol of its sockets; [`RAW`] for raw ones of any.
    pub proto: Protocol,
    /// Family of its sockets.
    pub family: Family,
}

impl Table {
    /// The tables there are.
    pub const ALL: [Self; 6] = [
        Self::new(Protocol::ICMP, Family::Ipv4),
        Self::new(Protocol::ICMPV6, Family::Ipv6),
        Self::new(RAW, Family::Ipv4),
        Self::new(RAW, Family::Ipv6),
        Self::new(Protocol::UDPLITE, Family::Ipv4),
        Self::new(Protocol::UDPLITE, Family::Ipv6),
    ];

    const fn new(proto: Protocol, family: Family) -> Self {
        Self { proto, family }
    }

    /// Its file below `net`; `None` if there is no such table.
    pub const fn file(self) -> Option<&'static str> {
        Some(match (self.proto, self.family) {
            (Protocol::ICMP, Family::Ipv4) => "icmp",
            (Protocol::ICMPV6, Family::Ipv6) => "icmp6",
            (RAW, Family::Ipv4) => "raw",
            (RAW, Family::Ipv6) => "raw6",
            (Protocol::UDPLITE, Family::Ipv4) => "udplite",
            (Protocol::UDPLITE, Family::Ipv6) => "udplite6",
            _ => return None,
        })
    }

    /// Reads it in `directory`, [`OWN`] or that of a process of another
    /// namespace (`/proc/PID/net`). A kernel without the protocol has no such
    /// file, and no such sockets.
    ///
    /// # Errors
    /// If the file is there and cannot be read.
    pub fn read(self, directory: &Path, each: &mut impl FnMut(Socket)) -> io::Result<()> {
        let Some(file) = self.file() else {
            return Ok(());
        };
        match fs::read_to_string(directory.join(file)) {
            Ok(text) => {
                self.parse(&text, each);
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Hands `each` the sockets in the text of this table. A line that is not
    /// one is passed over, the heading among them.
    pub fn parse(self, text: &str, each: &mut impl FnMut(Socket)) {
        text.lines()
            .filter_map(|line| self.line(line))
            .for_each(each);
    }

    /// `sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt
    /// uid timeout inode ref pointer drops`.
    fn line(self, line: &str) -> Option<Socket> {
        let mut words = line.split_ascii_whitespace();
        words.next()?.strip_suffix(':')?;
        let local = self.end(words.next()?)?;
        let remote = self.end(words.next()?)?;
        let state = SocketState(u8::from_str_radix(words.next()?, 16).ok()?);
        let uid = words.nth(3)?.parse().ok()?;
        let inode: u32 = words.nth(1)?.parse().ok()?;
        Some(Socket {
            proto: self.proto,
            family: self.family,
            v6_only: false,
            state,
            local,
            remote,
            interface: None,
            inode: (inode != 0).then_some(inode),
            cookie: None,
            uid: Some(uid),
            cgroup_id: None,
            tcp: None,
        })
    }

    /// `0100007F:0035`: words of the address as numbers of this machine, the
    /// port as a number.
    fn end(self, text: &str) -> Option<Endpoint> {
        let (address, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let word = |index: usize| {
            let digits = address.get(index * 8..index * 8 + 8)?;
            u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
        };
        let address: IpAddr = match (self.family, address.len()) {
            (Family::Ipv4, 8) => Ipv4Addr::from(word(0)?).into(),
            (Family::Ipv6, 32) => {
                let mut bytes = [0; 16];
                for index in 0..4 {
                    bytes[index * 4..index * 4 + 4].copy_from_slice(&word(index)?);
                }
                Ipv6Addr::from(bytes).into()
            }
            _ => return None,
        };
        Some(Endpoint::new(address, port))
    }
}
