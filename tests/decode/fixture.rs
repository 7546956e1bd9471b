//! Captured messages as text files: `tests/fixtures/*.hex`.
//!
//! Lines that begin with `#` say how a message came about, and those of its
//! values that are new in each capture; the rest is the message in hexadecimal.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Attributes whose values nobody can foresee, by path of attribute types.
const UNFORESEEN: [(&str, &[u16]); 4] = [
    ("id", &[12]),
    ("timeout_secs", &[7]),
    ("start_ns", &[20, 1]),
    ("stop_ns", &[20, 2]),
];

/// Bytes before the attributes: `struct nlmsghdr` and `struct nfgenmsg`.
const ATTRIBUTES: usize = 20;
const CT_NEW: u16 = 0x100;
const CT_DELETE: u16 = 0x102;

pub(crate) struct Fixture {
    head: BTreeMap<String, String>,
    pub(crate) bytes: Vec<u8>,
}

impl Fixture {
    /// Every fixture and its name.
    pub(crate) fn all() -> BTreeMap<String, Self> {
        let files = fs::read_dir(directory()).expect("the directory of the fixtures");
        files
            .map(|file| file.expect("a directory entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "hex"))
            .map(|path| {
                let name = path.file_stem().expect("a name").to_string_lossy();
                (name.clone().into_owned(), Self::load(&name))
            })
            .collect()
    }

    pub(crate) fn load(name: &str) -> Self {
        let path = path(name);
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let (mut head, mut hex) = (BTreeMap::new(), String::new());
        for line in text.lines() {
            match line.strip_prefix("# ").and_then(|l| l.split_once(": ")) {
                Some((key, value)) => {
                    head.insert(key.to_owned(), value.to_owned());
                }
                None => hex.extend(line.split_whitespace()),
            }
        }
        let bytes = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
            .collect::<Result<_, _>>()
            .unwrap_or_else(|e| panic!("{} is not hexadecimal: {e}", path.display()));
        Self { head, bytes }
    }

    /// What the head says under `key`.
    pub(crate) fn head(&self, key: &str) -> &str {
        self.head
            .get(key)
            .unwrap_or_else(|| panic!("the fixture does not tell its {key}"))
    }

    fn number(&self, key: &str) -> u64 {
        self.head(key).parse().expect("a number")
    }

    pub(crate) fn id(&self) -> u32 {
        self.number("id") as u32
    }

    pub(crate) fn timeout_secs(&self) -> u32 {
        self.number("timeout_secs") as u32
    }

    pub(crate) fn start_ns(&self) -> u64 {
        self.number("start_ns")
    }

    pub(crate) fn stop_ns(&self) -> u64 {
        self.number("stop_ns")
    }
}

/// Writes a fixture. `date` is today's.
pub(crate) fn save(name: &str, command: &str, kernel: &str, date: &str, message: &[u8]) {
    let mut text = format!("# command: {command}\n# kernel: Linux {kernel}\n# date: {date}\n");
    let kind = u16::from_ne_bytes([message[4], message[5]]);
    if kind == CT_NEW || kind == CT_DELETE {
        for (key, path) in UNFORESEEN {
            if let Some(value) = attribute(&message[ATTRIBUTES..], path) {
                let value = value.iter().fold(0, |n, &byte| n << 8 | u64::from(byte));
                writeln!(text, "# {key}: {value}").expect("memory");
            }
        }
    }
    for line in message.chunks(16) {
        let words: Vec<String> = line
            .chunks(4)
            .map(|word| {
                word.iter()
                    .fold(String::new(), |s, b| s + &format!("{b:02x}"))
            })
            .collect();
        writeln!(text, "{}", words.join(" ")).expect("memory");
    }
    fs::write(path(name), text).expect("the fixture can be written");
}

/// The messages of a datagram, whole.
pub(crate) fn split(mut datagram: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((length, _)) = datagram.split_first_chunk() {
        let length = u32::from_ne_bytes(*length) as usize;
        let (message, rest) = datagram.split_at(length.next_multiple_of(4).min(datagram.len()));
        messages.push(message);
        datagram = rest;
    }
    messages
}

/// The payload at the end of a path of attribute types. Written apart from the
/// decoder, so that the two can disagree.
fn attribute<'a>(mut bytes: &'a [u8], path: &[u16]) -> Option<&'a [u8]> {
    let (wanted, deeper) = path.split_first()?;
    while bytes.len() >= 4 {
        let length = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let kind = u16::from_ne_bytes([bytes[2], bytes[3]]) & 0x3fff;
        if kind == *wanted {
            let payload = &bytes[4..length];
            return if deeper.is_empty() {
                Some(payload)
            } else {
                attribute(payload, deeper)
            };
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn path(name: &str) -> PathBuf {
    directory().join(name).with_extension("hex")
}
