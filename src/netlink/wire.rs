//! Netlink messages and attributes, borrowed from the bytes they came in.
//!
//! Headers are in host order (netlink(7)); payloads of netfilter attributes
//! are big endian. Both walks stop at the first length that cannot be true
//! and say so; neither panics on any input.

/// Length of `struct nlmsghdr`.
pub const HEADER_LEN: usize = 16;

/// `NLMSG_ERROR`: an error code, or an acknowledgement when it is zero.
pub const NLMSG_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump; its payload is an error code.
pub const NLMSG_DONE: u16 = 3;

/// The [`Message::errno`] of a question about something that does not exist.
pub const ENOENT: i32 = libc::ENOENT;

/// `NLM_F_REQUEST`.
pub const NLM_F_REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
pub const NLM_F_ACK: u16 = 0x4;
/// `NLM_F_ROOT | NLM_F_MATCH`.
pub const NLM_F_DUMP: u16 = 0x300;
/// `NLM_F_EXCL`: the object must not be there yet.
pub const NLM_F_EXCL: u16 = 0x200;
/// `NLM_F_CREATE`: in an event, the object is new.
pub const NLM_F_CREATE: u16 = 0x400;

/// `NLA_F_NESTED`.
const NLA_F_NESTED: u16 = 0x8000;
/// Attribute types without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const NLA_TYPE_MASK: u16 = 0x3fff;

const fn align(len: usize) -> usize {
    (len + 3) & !3
}

/// One netlink message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: u16,
    /// `nlmsg_seq`: that of the request; 0 in events.
    pub seq: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The error code of an `NLMSG_ERROR` or `NLMSG_DONE`, as a positive
    /// `errno`; 0 for success or where there is none.
    pub fn errno(&self) -> i32 {
        self.payload
            .first_chunk()
            .map_or(0, |code| i32::from_ne_bytes(*code).saturating_neg())
    }
}

/// The messages of a datagram.
pub const fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages { rest: datagram }
}

/// See [`messages`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl Messages<'_> {
    /// Bytes that were left over because they make no message.
    pub const fn leftover(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header: &[u8; HEADER_LEN] = self.rest.first_chunk()?;
        let len = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let payload = self.rest.get(HEADER_LEN..len)?;
        let message = Message {
            kind: u16::from_ne_bytes([header[4], header[5]]),
            flags: u16::from_ne_bytes([header[6], header[7]]),
            seq: u32::from_ne_bytes([header[8], header[9], header[10], header[11]]),
            payload,
        };
        self.rest = self.rest.get(align(len)..).unwrap_or_default();
        Some(message)
    }
}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// `nla_type` without its flags.
    pub kind: u16,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The attributes nested in this one.
    pub const fn nested(self) -> Attributes<'a> {
        attributes(self.payload)
    }

    /// The payload as a fixed number of bytes; `None` if it has another length.
    pub fn array<const N: usize>(self) -> Option<[u8; N]> {
        self.payload.try_into().ok()
    }

    /// A `u8`.
    pub fn u8(self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// A big-endian `u16`.
    pub fn be16(self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A big-endian `u32`.
    pub fn be32(self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// A big-endian `u64`.
    pub fn be64(self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// A `u32` in host order, as outside of netfilter.
    pub fn ne32(self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    /// A `u64` in host order, as outside of netfilter.
    pub fn ne64(self) -> Option<u64> {
        self.array().map(u64::from_ne_bytes)
    }

    /// A string, with or without its terminating NUL.
    pub fn text(self) -> Option<&'a str> {
        let bytes = self.payload.strip_suffix(&[0]).unwrap_or(self.payload);
        std::str::from_utf8(bytes).ok()
    }
}

/// The attributes in `bytes`.
pub const fn attributes(bytes: &[u8]) -> Attributes<'_> {
    Attributes { rest: bytes }
}

/// See [`attributes`].
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl Attributes<'_> {
    /// Bytes that were left over because they make no attribute.
    pub const fn leftover(&self) -> usize {
        self.rest.len()
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        let header: &[u8; 4] = self.rest.first_chunk()?;
        let len = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let attribute = Attribute {
            kind: u16::from_ne_bytes([header[2], header[3]]) & NLA_TYPE_MASK,
            payload: self.rest.get(4..len)?,
        };
        self.rest = self.rest.get(align(len)..).unwrap_or_default();
        Some(attribute)
    }
}

/// Requests under construction, one behind another, ready to be sent at once.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    bytes: Vec<u8>,
    message_start: usize,
}

impl Requests {
    /// No request yet.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            message_start: 0,
        }
    }

    /// What there is to send.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Starts over; keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Begins a message to nfnetlink: `nlmsghdr`, then `nfgenmsg` with this
    /// family (`AF_*`).
    pub fn message(&mut self, kind: u16, flags: u16, seq: u32, family: u8) -> &mut Self {
        self.message_with(kind, flags, seq, &[family, 0, 0, 0])
    }

    /// Begins a message whose `nlmsghdr` is followed by `header`: the fixed
    /// structure that the part of the kernel it is for wants.
    pub fn message_with(&mut self, kind: u16, flags: u16, seq: u32, header: &[u8]) -> &mut Self {
        self.message_start = self.bytes.len();
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes
            .extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&seq.to_ne_bytes());
        self.bytes.extend_from_slice(&0u32.to_ne_bytes());
        self.bytes.extend_from_slice(header);
        self.close()
    }

    /// Adds an attribute to the message begun last.
    pub fn attribute(&mut self, kind: u16, payload: &[u8]) -> &mut Self {
        let len = (4 + payload.len()) as u16;
        self.bytes.extend_from_slice(&len.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(payload);
        self.close()
    }

    /// Adds an attribute that holds those that `fill` adds.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) -> &mut Self {
        let start = self.bytes.len();
        self.attribute(kind | NLA_F_NESTED, &[]);
        fill(self);
        let len = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&len.to_ne_bytes());
        self.close()
    }

    /// Pads to four bytes and writes the length of the message so far.
    fn close(&mut self) -> &mut Self {
        self.bytes.resize(align(self.bytes.len()), 0);
        let len = (self.bytes.len() - self.message_start) as u32;
        self.bytes[self.message_start..self.message_start + 4].copy_from_slice(&len.to_ne_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut requests = Requests::new();
        requests
            .message(0x101, NLM_F_DUMP, 7, 2)
            .nest(1, |r| {
                r.attribute(1, &[1, 2, 3]).attribute(2, &5u32.to_be_bytes());
            })
            .attribute(18, &9u16.to_be_bytes());
        requests.message(0x102, 0, 8, 10);

        let all: Vec<_> = messages(requests.bytes()).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].kind, all[0].seq), (0x101, 7));
        assert_eq!(all[0].flags, NLM_F_REQUEST | NLM_F_DUMP);
        let attrs: Vec<_> = attributes(&all[0].payload[4..]).collect();
        assert_eq!((attrs[0].kind, attrs[1].kind), (1, 18));
        assert_eq!(attrs[1].be16(), Some(9));
        let inner: Vec<_> = attrs[0].nested().collect();
        assert_eq!(inner[0].payload, [1, 2, 3]);
        assert_eq!(inner[1].be32(), Some(5));
        assert_eq!(all[1].payload, [10, 0, 0, 0]);
    }

    #[test]
    fn impossible_lengths_end_the_walk_and_are_left_over() {
        let mut short = attributes(&[3, 0, 1, 0, 9]);
        assert_eq!(short.next(), None);
        assert_eq!(short.leftover(), 5);
        let mut long = attributes(&[9, 0, 1, 0, 9]);
        assert_eq!(long.next(), None);
        let mut header_only = messages(&[16, 0, 0, 0]);
        assert_eq!(header_only.next(), None);
        assert_eq!(header_only.leftover(), 4);
        let mut tiny = [0u8; 16];
        tiny[0] = 15;
        assert_eq!(messages(&tiny).next(), None);
    }

    #[test]
    fn the_last_attribute_may_lack_its_padding() {
        let mut walk = attributes(&[5, 0, 1, 0, 42]);
        assert_eq!(walk.next().and_then(Attribute::u8), Some(42));
        assert_eq!(walk.next(), None);
        assert_eq!(walk.leftover(), 0);
    }
}
