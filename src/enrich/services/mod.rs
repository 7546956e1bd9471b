//! Service names: what a port is usually called.
//!
//! Names come in layers, and for each protocol and port the last layer that
//! says something wins:
//!
//! 1. the IANA lists built in (`conf/{tcp,udp,sctp,dccp}.conf`),
//! 2. the overlay built in (`conf/overlay.conf`),
//! 3. `/etc/services`,
//! 4. `/etc/netsniff-ng/{tcp,udp}.conf`, each only where `/etc/flowtop` has no
//!    file of that name,
//! 5. `/usr/share/flowtop`, for the distribution,
//! 6. `/etc/flowtop`, for the administrator,
//! 7. `$XDG_CONFIG_HOME/flowtop`, for the user,
//! 8. files named on the command line, in their order.
//!
//! Layers 5 to 7 are directories that may hold the same five files as `conf/`.
//! Layers 3 and 4 are other programs' lists, and mostly IANA's again: where
//! they repeat the name of layer 1 they say nothing, or a complete
//! `/etc/services` would bury the overlay. Layers 6 to 8 are the user's, and
//! [`Services::of`] trusts them more.
//!
//! A line is `PORT[-PORT][/PROTO], NAME  # comment`. The name `-` removes what
//! earlier lines and layers said. Without `/PROTO` the line is for the protocol
//! its file is named after, and in any other file for TCP and UDP. UDP-Lite
//! has the names of UDP. A bad line is a [`Warning`], and reading goes on.

mod layers;
mod line;

use std::ops::RangeInclusive;

use crate::flow::{Protocol, Tuple};

pub use layers::{Settings, Warning};
pub use line::{Entry, LineError, Transport, parse_line};

/// What a port of one protocol is called: 0 for nothing, else where the name
/// starts in [`Services::names`], and a bit that tells whether a layer of the
/// user's said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot(u32);

impl Slot {
    const BY_USER: u32 = 1 << 31;

    const fn is_named(self) -> bool {
        self.0 != 0
    }

    const fn is_by_user(self) -> bool {
        self.0 & Self::BY_USER != 0
    }

    const fn start(self) -> usize {
        (self.0 & !Self::BY_USER) as usize
    }
}

/// The names of all ports: an index of 64 Ki slots per protocol into one text.
/// A lookup is one load and the search for the end of the name.
#[derive(Clone, Debug)]
pub struct Services {
    /// Every name ends with a newline, and the first stands at 1.
    names: String,
    /// Slots by [`Transport`], then by port. Plain numbers, so that pages of
    /// zeroes come from the kernel and cost nothing until they are written.
    slots: [Vec<u32>; 4],
    ephemeral: RangeInclusive<u16>,
}

impl Services {
    /// No name at all.
    fn new(ephemeral: RangeInclusive<u16>) -> Self {
        Self {
            names: String::from("\n"),
            slots: std::array::from_fn(|_| vec![0; 1 << 16]),
            ephemeral,
        }
    }

    /// What a port is called; `None` for protocols without ports.
    pub fn name(&self, proto: Protocol, port: u16) -> Option<&str> {
        self.text(self.slot(Transport::of(proto)?, port))
    }

    /// The port that is called so, the lowest if there are several; or the
    /// number itself.
    pub fn port(&self, proto: Protocol, text: &str) -> Option<u16> {
        let called = || {
            let is_called = |port: &u16| {
                let name = self.name(proto, *port);
                name.is_some_and(|name| name.eq_ignore_ascii_case(text))
            };
            (1..=u16::MAX).find(is_called)
        };
        text.parse().ok().or_else(called)
    }

    /// The port that tells what a flow is for, and its name. `orig` is the
    /// flow's original tuple, so its destination is usually the server.
    ///
    /// 1. The source port is a server's if it has a name, is no client port of
    ///    this machine, and is below 1024 or named by the user.
    /// 2. The destination port names the flow if it has a name, except
    /// 3. when it is a client port of this machine that the user did not name,
    ///    and the source port is a server's: then conntrack met the flow when
    ///    an answer passed, and IANA's name of the port is an accident.
    /// 4. Otherwise the source port names the flow if it is a server's.
    pub fn of(&self, orig: &Tuple) -> Option<(u16, &str)> {
        let transport = Transport::of(orig.proto())?;
        let (src, dst) = (orig.sport()?, orig.dport()?);
        let (from, to) = (self.slot(transport, src), self.slot(transport, dst));
        let from_server =
            from.is_named() && !self.ephemeral.contains(&src) && (src < 1024 || from.is_by_user());
        let to_client = self.ephemeral.contains(&dst) && !to.is_by_user();
        if to.is_named() && !(to_client && from_server) {
            Some((dst, self.text(to)?))
        } else if from_server {
            Some((src, self.text(from)?))
        } else {
            None
        }
    }

    fn slot(&self, transport: Transport, port: u16) -> Slot {
        let slots = &self.slots[transport as usize];
        Slot(slots.get(usize::from(port)).copied().unwrap_or_default())
    }

    fn text(&self, slot: Slot) -> Option<&str> {
        let rest = self.names.get(slot.start()..)?;
        rest.split('\n').next().filter(|_| slot.is_named())
    }

    /// Whether an entry for a single port would change nothing.
    fn already_says(&self, entry: &Entry<'_>) -> bool {
        entry.first == entry.last
            && entry.name.is_some()
            && entry
                .transport
                .is_some_and(|t| self.text(self.slot(t, entry.first)) == entry.name)
    }

    /// Lets an entry win over what is there; `protocols` is for entries that
    /// name none.
    fn add(&mut self, entry: Entry<'_>, protocols: &[Transport], by_user: bool) {
        let slot = match entry.name {
            None => Slot::default(),
            Some(name) => {
                // 2 GiB of names would take hundreds of the largest files.
                let start = u32::try_from(self.names.len()).unwrap_or(Slot::BY_USER);
                if start >= Slot::BY_USER {
                    return;
                }
                self.names.push_str(name);
                self.names.push('\n');
                Slot(start | if by_user { Slot::BY_USER } else { 0 })
            }
        };
        let named = entry.transport.as_slice();
        for &transport in if named.is_empty() { protocols } else { named } {
            let ports = usize::from(entry.first)..=usize::from(entry.last);
            if let Some(slots) = self.slots[transport as usize].get_mut(ports) {
                slots.fill(slot.0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
