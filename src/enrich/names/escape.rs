//! Names as text that is safe to draw and to write.
//!
//! A name is chosen by whoever runs the zone of an address, or by the device
//! that asked for a lease: it may hold terminal escapes. So a name leaves the
//! resolver only as printable ASCII, with every other octet in the master
//! file form of RFC 1035 section 5.1: `\DDD` in decimal, `\.` for a dot inside
//! a label, `\\` for a backslash.

use std::fmt::Write as _;

/// The longest name that is handed out, in bytes of escaped text. A name on
/// the wire has at most 255 octets (RFC 1035 section 2.3.4), four times as
/// many when each is escaped.
pub const MAX_NAME_BYTES: usize = 255;

/// Joins `labels` with dots. `None` for the root, which names nothing. Cut,
/// never within an escape, after [`MAX_NAME_BYTES`].
pub fn from_labels<'a>(labels: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut name = String::new();
    let mut piece = String::with_capacity(4);
    let mut first = true;
    for label in labels {
        if !std::mem::take(&mut first) {
            if name.len() >= MAX_NAME_BYTES {
                break;
            }
            name.push('.');
        }
        for &octet in label {
            piece.clear();
            push_escaped(&mut piece, octet);
            if name.len() + piece.len() > MAX_NAME_BYTES {
                return Some(name);
            }
            name.push_str(&piece);
        }
    }
    (!name.is_empty()).then_some(name)
}

/// Escapes a name that arrives as text, its dots being separators, with or
/// without the final dot.
pub fn from_text(text: &[u8]) -> Option<String> {
    let text = text.strip_suffix(b".").unwrap_or(text);
    from_labels(text.split(|&octet| octet == b'.'))
}

/// A text of any kind, such as a command line, on one line: what is printable
/// stays as it is, backslashes too; control characters, characters that change
/// the direction of what is drawn or take no room, and octets that are not
/// UTF-8 become `\DDD`, octet by octet. At most `max_bytes` of escaped text,
/// never cut within a character or an escape.
pub fn line(text: &[u8], max_bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_bytes));
    let mut piece = String::with_capacity(16);
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid().chars().map(Ok);
        let invalid = chunk.invalid().iter().copied().map(Err);
        for item in valid.chain(invalid) {
            piece.clear();
            match item {
                Ok(char) if is_visible(char) => piece.push(char),
                Ok(char) => {
                    let mut octets = [0; 4];
                    for octet in char.encode_utf8(&mut octets).bytes() {
                        let _ = write!(piece, "\\{octet:03}");
                    }
                }
                Err(octet) => {
                    let _ = write!(piece, "\\{octet:03}");
                }
            }
            if out.len() + piece.len() > max_bytes {
                return out;
            }
            out.push_str(&piece);
        }
    }
    out
}

/// Whether a terminal draws a character where it stands.
fn is_visible(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn push_escaped(out: &mut String, octet: u8) {
    match octet {
        b'.' | b'\\' => {
            out.push('\\');
            out.push(char::from(octet));
        }
        b'!'..=b'~' => out.push(char::from(octet)),
        _ => {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\{octet:03}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(labels: &[&[u8]]) -> Option<String> {
        from_labels(labels.iter().copied())
    }

    #[test]
    fn plain_names_stay_as_they_are() {
        assert_eq!(
            labels(&[b"www", b"example", b"net"]).unwrap(),
            "www.example.net"
        );
        assert_eq!(from_text(b"www.example.net.").unwrap(), "www.example.net");
        assert_eq!(from_text(b"_sip._udp.a-b").unwrap(), "_sip._udp.a-b");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(labels(&[b"\x1b[2J", b"x"]).unwrap(), "\\027[2J.x");
        assert_eq!(
            labels(&[b"a\r\n\x07\x7f\x9b"]).unwrap(),
            "a\\013\\010\\007\\127\\155"
        );
        assert_eq!(
            labels(&["kü che".as_bytes()]).unwrap(),
            "k\\195\\188\\032che"
        );
    }

    #[test]
    fn dots_and_backslashes_within_a_label_are_told_from_separators() {
        assert_eq!(labels(&[b"a.b", b"c\\d"]).unwrap(), "a\\.b.c\\\\d");
    }

    #[test]
    fn a_line_keeps_what_can_be_read_and_nothing_else() {
        assert_eq!(
            line("ls -l 'Küche' \\d".as_bytes(), 99),
            "ls -l 'Küche' \\d"
        );
        assert_eq!(line(b"a\x1b[2J\n\xff", 99), "a\\027[2J\\010\\255");
        assert_eq!(line("a\u{202e}b".as_bytes(), 99), "a\\226\\128\\174b");
        assert_eq!(line("aé".as_bytes(), 2), "a");
        assert_eq!(line(b"a\x00b", 4), "a");
    }

    #[test]
    fn the_root_names_nothing() {
        assert_eq!(labels(&[]), None);
        assert_eq!(labels(&[b""]), None);
        assert_eq!(from_text(b"."), None);
        assert_eq!(from_text(b""), None);
    }

    #[test]
    fn a_long_name_ends_before_the_escape_that_does_not_fit() {
        let long = [0u8; 100];
        let name = labels(&[&long]).unwrap();
        assert_eq!(name.len(), 252);
        assert!(name.ends_with("\\000"));
    }

    proptest! {
        #[test]
        fn any_octets_become_short_printable_ascii(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Some(name) = from_text(&octets) {
                prop_assert!(name.len() <= MAX_NAME_BYTES);
                prop_assert!(name.bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }
}
