//! Raw netlink: messages out, answers in.

use std::io;

use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

use super::namespace::Host;

/// `NLMSG_HDRLEN`.
const HEADER: usize = 16;
/// `NLA_TYPE_MASK`: the attribute type without its two flags.
const TYPE_MASK: u16 = 0x3fff;
/// A dump's datagrams have at most 32 KiB; with room to spare.
const BUFFER: usize = 1 << 16;

/// A netlink message, or the inside of a nested attribute, under
/// construction.
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A request of a kind with flags beside `NLM_F_REQUEST`.
    pub(super) fn new(kind: u16, flags: i32) -> Self {
        let flags = (libc::NLM_F_REQUEST | flags) as u16;
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        Self(bytes)
    }

    /// Attributes to be appended to a message later.
    pub(super) fn fragment() -> Self {
        Self(Vec::new())
    }

    /// Adds fragments.
    pub(super) fn append(mut self, fragments: Vec<Self>) -> Self {
        self.0.extend(fragments.into_iter().flat_map(|f| f.0));
        self
    }

    /// Adds the fixed part that a family has before its attributes.
    pub(super) fn body(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds `struct nfgenmsg`, the fixed part of every nfnetlink family.
    pub(super) fn nfgenmsg(self, family: i32, resource: u16) -> Self {
        let [high, low] = resource.to_be_bytes();
        self.body(&[family as u8, 0, high, low])
    }

    /// Adds an attribute.
    pub(super) fn attr(mut self, kind: u16, payload: &[u8]) -> Self {
        self.0.extend((payload.len() as u16 + 4).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend_from_slice(payload);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Adds an attribute with a NUL-terminated string.
    pub(super) fn text(self, kind: u16, text: &str) -> Self {
        self.attr(kind, &[text.as_bytes(), &[0]].concat())
    }

    /// Adds an attribute with a number in network byte order, as nfnetlink
    /// wants them.
    pub(super) fn be32(self, kind: u16, value: u32) -> Self {
        self.attr(kind, &value.to_be_bytes())
    }

    /// Adds an attribute that contains what `fill` adds.
    pub(super) fn nest(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self.0.extend([0; 4]);
        let mut outer = fill(self);
        let length = (outer.0.len() - start) as u16;
        let kind = kind | libc::NLA_F_NESTED as u16;
        outer.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        outer.0[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        outer
    }

    /// What has been written so far.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Asks for an acknowledgement.
    pub(super) fn acknowledged(mut self) -> Self {
        self.0[6] |= libc::NLM_F_ACK as u8;
        self
    }

    fn flags(&self) -> i32 {
        i32::from(u16::from_ne_bytes([self.0[6], self.0[7]]))
    }

    fn seal(&mut self, sequence: u32) {
        let length = self.0.len() as u32;
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        self.0[8..12].copy_from_slice(&sequence.to_ne_bytes());
    }
}

/// A netlink socket inside one host.
pub(super) struct Netlink {
    socket: NlSocket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens a socket of a family inside `host`.
    pub(super) fn open(host: &Host, family: NlFamily) -> Self {
        let socket = host
            .enter(|| NlSocket::connect(family, None, Groups::empty()))
            .unwrap_or_else(|e| panic!("cannot open a netlink socket in {}: {e}", host.name()));
        Self {
            socket,
            sequence: 0,
            buffer: vec![0; BUFFER],
        }
    }

    /// Sends one message and waits for its acknowledgement. Returns the body
    /// of the last answer before it, if there was one.
    pub(super) fn request(&mut self, message: Message) -> io::Result<Option<Vec<u8>>> {
        let mut answer = None;
        self.converse(vec![message.acknowledged()], |body| {
            answer = Some(body.to_vec());
        })?;
        Ok(answer)
    }

    /// Sends messages in one datagram and waits until all that ask for an
    /// acknowledgement or a dump are answered. `each` gets the body of every
    /// message that comes back.
    ///
    /// # Errors
    ///
    /// The first the kernel reports for any of the messages.
    pub(super) fn converse(
        &mut self,
        mut messages: Vec<Message>,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        let mut last = None;
        for message in &mut messages {
            self.sequence += 1;
            message.seal(self.sequence);
            if message.flags() & (libc::NLM_F_ACK | libc::NLM_F_DUMP) != 0 {
                last = Some(self.sequence);
            }
        }
        let datagram: Vec<u8> = messages.into_iter().flat_map(|m| m.0).collect();
        self.socket.send(&datagram, Msg::empty())?;
        let Some(last) = last else { return Ok(()) };
        loop {
            let (length, _) = self.socket.recv(&mut self.buffer[..], Msg::empty())?;
            let mut rest = &self.buffer[..length];
            while let Some(size) = word(rest, 0).map(|size| size as usize) {
                let (message, next) = rest.split_at(size.next_multiple_of(4).min(rest.len()));
                rest = next;
                let kind = i32::from(u16::from_ne_bytes([message[4], message[5]]));
                let body = &message[HEADER..size];
                if kind != libc::NLMSG_ERROR && kind != libc::NLMSG_DONE {
                    each(body);
                    continue;
                }
                // Both begin with a negative errno or 0.
                let errno = word(body, 0).unwrap_or(0).cast_signed();
                if errno != 0 {
                    return Err(io::Error::from_raw_os_error(-errno));
                }
                if word(message, 8) == Some(last) {
                    return Ok(());
                }
            }
        }
    }
}

/// A 32-bit number in host byte order.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// The payload of the attribute at the end of a path of nested attributes.
pub(super) fn attribute<'a>(mut attributes: &'a [u8], path: &[u16]) -> Option<&'a [u8]> {
    for &wanted in path {
        attributes = loop {
            let header = word(attributes, 0)?.to_ne_bytes();
            let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
            let kind = u16::from_ne_bytes([header[2], header[3]]) & TYPE_MASK;
            if kind == wanted {
                break attributes.get(4..length)?;
            }
            attributes = attributes.get(length.next_multiple_of(4).max(4)..)?;
        };
    }
    Some(attributes)
}
