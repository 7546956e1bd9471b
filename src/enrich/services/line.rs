//! One line of a list of names, in flowtop's own format or in that of
//! services(5).

use crate::flow::Protocol;

/// Why a line names no port. Text of the file is escaped and cut short.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// There is no comma.
    #[error("expected `PORT[-PORT][/PROTO], NAME`, found no comma")]
    NoComma,
    /// A port is no number, or too large.
    #[error("`{0}` is not a port; write a number from 0 to 65535")]
    Port(String),
    /// The range ends before it begins.
    #[error("the range {0}-{1} ends before it begins; swap the ports")]
    Backwards(u16, u16),
    /// No protocol of that name has a list.
    #[error("`{0}` is not a protocol with service names; write tcp, udp, sctp or dccp")]
    Protocol(String),
    /// The name is empty, too long, or has a character that names may not have.
    #[error(
        "`{0}` is not a service name; write 1 to 32 of A-Z a-z 0-9 . _ + / -, or `-` alone to remove the name"
    )]
    Name(String),
}

/// A protocol that has a list of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP, and UDP-Lite.
    Udp,
    /// SCTP.
    Sctp,
    /// DCCP.
    Dccp,
}

impl Transport {
    pub(super) const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Dccp];

    pub(super) const fn of(proto: Protocol) -> Option<Self> {
        match proto {
            Protocol::TCP => Some(Self::Tcp),
            Protocol::UDP | Protocol::UDPLITE => Some(Self::Udp),
            Protocol::SCTP => Some(Self::Sctp),
            Protocol::DCCP => Some(Self::Dccp),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Dccp => "dccp",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// First port.
    pub first: u16,
    /// Last port; not before the first.
    pub last: u16,
    /// The protocol, if the line names one.
    pub transport: Option<Transport>,
    /// The name; `None` removes.
    pub name: Option<&'a str>,
}

/// Reads one line; `None` if it is blank or a comment.
pub fn parse_line(line: &str) -> Result<Option<Entry<'_>>, LineError> {
    let line = line.split('#').next().unwrap_or_default().trim();
    if line.is_empty() {
        return Ok(None);
    }
    let (ports, name) = line.split_once(',').ok_or(LineError::NoComma)?;
    let (ports, transport) = match ports.split_once('/') {
        None => (ports, None),
        Some((ports, proto)) => {
            let proto = proto.trim();
            let known = Transport::named(proto);
            let known = known.ok_or_else(|| LineError::Protocol(quoted(proto)))?;
            (ports, Some(known))
        }
    };
    let (first, last) = match ports.split_once('-') {
        None => {
            let port = parse_port(ports)?;
            (port, port)
        }
        Some((first, last)) => (parse_port(first)?, parse_port(last)?),
    };
    if last < first {
        return Err(LineError::Backwards(first, last));
    }
    let name = match name.trim() {
        "-" => None,
        name if is_name(name) => Some(name),
        other => return Err(LineError::Name(quoted(other))),
    };
    Ok(Some(Entry {
        first,
        last,
        transport,
        name,
    }))
}

fn parse_port(text: &str) -> Result<u16, LineError> {
    let text = text.trim();
    // `parse` alone would let `+80` pass.
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.ok_or_else(|| LineError::Port(quoted(text)))
}

fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._+/-".contains(&b))
}

/// Text of a file, fit for a terminal.
fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let mut quoted: String = chars
        .by_ref()
        .take(40)
        .flat_map(char::escape_debug)
        .collect();
    if chars.next().is_some() {
        quoted.push('…');
    }
    quoted
}

/// The entries of a file in the format of services(5): `NAME PORT/PROTO
/// ALIAS...`. The file is not ours to correct, so lines that do not fit are
/// left out without a word; Fedora's has names like `sql*net`. The first line
/// for a port wins, as it does for getservbyport(3), so they come out in
/// reverse.
pub(super) fn system_entries(text: &str) -> Vec<Entry<'_>> {
    let entry = |line| -> Option<Entry<'_>> {
        let line: &str = line;
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next().filter(|name| is_name(name))?;
        let (port, proto) = words.next()?.split_once('/')?;
        let port = parse_port(port).ok()?;
        Some(Entry {
            first: port,
            last: port,
            transport: Some(Transport::named(proto)?),
            name: Some(name),
        })
    };
    text.lines().rev().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_bad_line_says_what_is_wrong_with_it() {
        let port = |text: &str| LineError::Port(text.into());
        let name = |text: &str| LineError::Name(text.into());
        let long = "x".repeat(33);
        for (line, problem) in [
            ("80 http", LineError::NoComma),
            ("http", LineError::NoComma),
            (", http", port("")),
            ("http, 80", port("http")),
            ("65536, http", port("65536")),
            ("-1, http", port("")),
            ("80-, http", port("")),
            ("+80, http", port("+80")),
            ("0x50, http", port("0x50")),
            ("8 0, http", port("8 0")),
            ("1-2-3, http", port("2-3")),
            ("90-80, http", LineError::Backwards(90, 80)),
            ("80/icmp, http", LineError::Protocol("icmp".into())),
            ("80/, http", LineError::Protocol(String::new())),
            ("80/TCP, http", LineError::Protocol("TCP".into())),
            ("80,", name("")),
            ("80, # http", name("")),
            ("80, two words", name("two words")),
            ("80, a,b", name("a,b")),
            ("80, caf\u{e9}", name("caf\u{e9}")),
            ("80, \u{1b}[31m", name("\\u{1b}[31m")),
            ("80, \u{fffd}", name("\u{fffd}")),
            (&format!("80, {long}"), name(&long)),
            (
                &format!("80, {}", "y".repeat(50)),
                name(&format!("{}…", "y".repeat(40))),
            ),
        ] {
            assert_eq!(parse_line(line), Err(problem), "{line}");
        }
        let longest = "x".repeat(32);
        for (line, first, last, name) in [
            ("80,http", 80, 80, Some("http")),
            ("  80 ,\thttp  # web", 80, 80, Some("http")),
            ("1 - 2 / tcp , a.b_c+d/e-f", 1, 2, Some("a.b_c+d/e-f")),
            ("80, -", 80, 80, None),
            ("80, --", 80, 80, Some("--")),
            (&format!("80, {longest}"), 80, 80, Some(longest.as_str())),
        ] {
            let entry = parse_line(line).unwrap().unwrap();
            assert_eq!((entry.first, entry.last, entry.name), (first, last, name));
        }
        for blank in ["", "  ", "# 80, http", "\t# "] {
            assert_eq!(parse_line(blank), Ok(None));
        }
    }

    proptest! {
        /// Whatever a line holds, reading it ends, and what comes out is in
        /// bounds.
        #[test]
        fn any_line_is_an_entry_or_an_error(line in "\\PC{0,60}|[0-9]{0,6}-?[0-9]{0,6}/?[a-z]{0,4},? ?[ -~]{0,40}") {
            if let Ok(Some(entry)) = parse_line(&line) {
                prop_assert!(entry.first <= entry.last);
                prop_assert!(entry.name.is_none_or(is_name));
            }
        }
    }
}
