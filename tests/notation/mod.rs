//! Flows as text, for expectations that people read:
//! `tcp 192.0.2.10:40000 > 198.51.100.20:80`,
//! `udp [2001:db8::1]:5 > [2001:db8::2]:6`,
//! `icmp 192.0.2.10 > 198.51.100.20 type 8 code 0 id 77`,
//! `esp 192.0.2.10 > 198.51.100.20`. A protocol without a name is its number.
#![allow(
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "this is test code, and each test crate uses its part; clippy only knows functions \
              marked #[test]"
)]

use std::net::{IpAddr, SocketAddr};

use flowtop::flow::{L4, Protocol, Tuple};

/// The tuple that `text` writes down.
///
/// # Panics
///
/// If it writes none.
pub fn tuple(text: &str) -> Tuple {
    parse(text).unwrap_or_else(|| panic!("this is no flow: {text}"))
}

/// The tuple of these parts.
///
/// # Panics
///
/// If the addresses are none, or of two families.
pub fn between(src: &str, dst: &str, proto: Protocol, l4: L4) -> Tuple {
    Tuple::new(ip(src), ip(dst), proto, l4).unwrap_or_else(|| panic!("{src} and {dst}"))
}

/// The address that `text` writes down.
pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Ports from and to.
pub const fn ports(src: u16, dst: u16) -> L4 {
    L4::Ports { src, dst }
}

fn parse(text: &str) -> Option<Tuple> {
    let (proto, rest) = text.split_once(' ')?;
    let proto = protocol(proto)?;
    let (src, rest) = rest.split_once(" > ")?;
    let (dst, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if let (Ok(src), Ok(dst)) = (src.parse::<SocketAddr>(), dst.parse::<SocketAddr>()) {
        let ports = L4::Ports {
            src: src.port(),
            dst: dst.port(),
        };
        return Tuple::new(src.ip(), dst.ip(), proto, ports);
    }
    let (src, dst): (IpAddr, IpAddr) = (src.parse().ok()?, dst.parse().ok()?);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let l4 = match words[..] {
        [] => L4::None,
        ["type", kind, "code", code, "id", id] => L4::Icmp {
            kind: kind.parse().ok()?,
            code: code.parse().ok()?,
            id: id.parse().ok()?,
        },
        _ => return None,
    };
    Tuple::new(src, dst, proto, l4)
}

fn protocol(name: &str) -> Option<Protocol> {
    (0..=u8::MAX)
        .map(Protocol)
        .find(|proto| proto.to_string() == name)
}
