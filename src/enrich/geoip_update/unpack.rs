//! From what a mirror sends to a plain database, as a stream.
//!
//! Plain, `.gz` and `.tar.gz` are told apart by their first bytes, because
//! names and content types lie. Nothing is unpacked to disk but the database,
//! and no path inside an archive is ever used.

use std::io::{self, Cursor, Read, Write};

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

/// The most that is taken from a mirror, and the most that is unpacked from it,
/// in bytes.
pub(super) const LIMIT: u64 = 256 << 20;

/// Length of a tar header, and where it says `ustar` (POSIX.1-2017, pax).
const TAR_HEADER: usize = 512;
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// A database on its way to disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// Length of the plain database.
    pub(super) bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub(super) sha256: String,
}

/// Copies the database in `input`, unpacked, to `output`. Reads `input` to its
/// end, so that the checksum at the end of a gzip stream is verified.
pub(super) fn copy_database(
    input: impl Read,
    output: &mut dyn Write,
    limit: u64,
) -> io::Result<Unpacked> {
    let (head, input) = peek(Capped::new(input, limit))?;
    if head.starts_with(&[0x1f, 0x8b]) {
        let plain = Capped::new(GzDecoder::new(input), limit);
        let (head, plain) = peek(plain)?;
        if head.get(TAR_MAGIC) == Some(b"ustar") {
            return copy_from_tar(plain, output);
        }
        return copy(plain, output);
    }
    if looks_like_html(&head) {
        return Err(invalid(
            "it is a web page, not a database: a login page of the network, or a wrong address",
        ));
    }
    if head.get(TAR_MAGIC) == Some(b"ustar") {
        return copy_from_tar(input, output);
    }
    copy(input, output)
}

fn copy(mut input: impl Read, output: &mut dyn Write) -> io::Result<Unpacked> {
    let mut digest = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&buffer[..read]);
        output.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
    if bytes == 0 {
        return Err(invalid("it is empty"));
    }
    Ok(Unpacked {
        bytes,
        sha256: hex(&digest.finalize()),
    })
}

fn copy_from_tar(input: impl Read, output: &mut dyn Write) -> io::Result<Unpacked> {
    let mut archive = tar::Archive::new(input);
    let mut unpacked = None;
    for entry in archive.entries()? {
        let entry = entry?;
        let wanted = entry.header().entry_type().is_file()
            && entry.path_bytes().ends_with(b".mmdb")
            && unpacked.is_none();
        if wanted {
            unpacked = Some(copy(entry, output)?);
        }
    }
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    unpacked.ok_or_else(|| invalid("the archive holds no file *.mmdb"))
}

/// The SHA-256 of `bytes` in lower-case hex.
pub(super) fn sha256_of(mut bytes: impl Read) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            read => digest.update(&buffer[..read]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The first bytes of `input`, and `input` with them put back.
fn peek<R: Read>(mut input: R) -> io::Result<(Vec<u8>, impl Read)> {
    let mut head = Vec::with_capacity(TAR_HEADER);
    input
        .by_ref()
        .take(TAR_HEADER as u64)
        .read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

fn looks_like_html(head: &[u8]) -> bool {
    let text = head.trim_ascii_start();
    let begins = |with: &str| {
        text.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    begins("<!doctype") || begins("<html") || begins("<?xml")
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// A reader that fails, rather than ends, beyond a limit: a cut-off file must
/// not pass for a whole one.
struct Capped<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R> Capped<R> {
    fn new(inner: R, limit: u64) -> Self {
        Self {
            inner,
            limit,
            left: limit,
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            invalid(&format!(
                "it is longer than {} MiB, the most that is taken",
                self.limit >> 20
            ))
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    const DATABASE: &[u8] = b"\0\0\x01not a real database, but more than nothing";

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            builder.append_data(&mut header, name, *bytes).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn unpack(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        let unpacked = copy_database(bytes, &mut output, 1 << 20)?;
        assert_eq!(unpacked.bytes, output.len() as u64);
        assert_eq!(unpacked.sha256, sha256_of(&output[..])?);
        Ok(output)
    }

    #[test]
    fn plain_gz_tar_and_tar_gz_give_the_same() {
        let tar = tar_of(&[
            ("GeoLite2_2026/COPYRIGHT.txt", b"text"),
            ("GeoLite2_2026/GeoLite2-City.mmdb", DATABASE),
            ("GeoLite2_2026/second.mmdb", b"another"),
        ]);
        for packed in [DATABASE.to_vec(), gz(DATABASE), gz(&tar), tar] {
            assert_eq!(unpack(&packed).unwrap(), DATABASE);
        }
    }

    #[test]
    fn damage_is_an_error_and_never_a_shorter_file() {
        let packed = gz(&DATABASE.repeat(100));
        assert!(
            unpack(&packed[..packed.len() - 4]).is_err(),
            "cut in the checksum"
        );
        assert!(
            unpack(&packed[..packed.len() / 2]).is_err(),
            "cut in the data"
        );
        let mut wrong_sum = packed;
        let at = wrong_sum.len() - 6;
        wrong_sum[at] ^= 1;
        assert!(unpack(&wrong_sum).is_err(), "wrong checksum");
        let tar = tar_of(&[("a.mmdb", &DATABASE.repeat(100))]);
        assert!(unpack(&gz(&tar[..1024])).is_err(), "cut archive");
    }

    #[test]
    fn what_is_no_database_is_named() {
        let reason = |bytes: &[u8]| unpack(bytes).unwrap_err().to_string();
        assert!(reason(b"").contains("empty"));
        assert!(reason(b"\n <!DOCTYPE html><html>").contains("web page"));
        assert!(reason(&gz(&tar_of(&[("a.txt", b"x")]))).contains("no file *.mmdb"));
    }

    #[test]
    fn bombs_stop_at_the_limit() {
        let bomb = gz(&vec![0; 4 << 20]);
        assert!(bomb.len() < 64 << 10);
        let mut output = Vec::new();
        let error = copy_database(&bomb[..], &mut output, 1 << 20).unwrap_err();
        assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
        assert!(output.len() <= 1 << 20);
    }
}
