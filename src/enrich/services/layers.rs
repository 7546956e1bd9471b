//! The layers: which lists there are, in which order they are read, and what
//! of them could not be used.

use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::Services;
use super::line::{Entry, LineError, Transport, parse_line, system_entries};

/// Larger files are refused: the whole IANA list has 0.1 MB.
pub(super) const MAX_FILE_BYTES: u64 = 4 << 20;

/// Bad lines of one file that are reported one by one; more are counted.
pub(super) const MAX_LINE_WARNINGS: usize = 10;

const OVERLAY: &str = include_str!("../../../conf/overlay.conf");
const OVERLAY_FILE: &str = "overlay.conf";

/// Where to look for names, and what the client ports of this machine are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file in the format of services(5); `None` leaves it out.
    pub system_file: Option<PathBuf>,
    /// Where netsniff-ng keeps `tcp.conf` and `udp.conf`.
    pub netsniff_dir: PathBuf,
    /// The distribution's directory.
    pub vendor_dir: PathBuf,
    /// The administrator's directory.
    pub admin_dir: PathBuf,
    /// The user's directory, if there is one.
    pub user_dir: Option<PathBuf>,
    /// Files to read last.
    pub files: Vec<PathBuf>,
    /// Ports that clients are given (`net.ipv4.ip_local_port_range`).
    pub ephemeral: RangeInclusive<u16>,
}

impl Default for Settings {
    /// The usual places, without a user's directory, and the kernel's default
    /// range of client ports.
    fn default() -> Self {
        Self {
            system_file: Some("/etc/services".into()),
            netsniff_dir: "/etc/netsniff-ng".into(),
            vendor_dir: "/usr/share/flowtop".into(),
            admin_dir: "/etc/flowtop".into(),
            user_dir: None,
            files: Vec::new(),
            ephemeral: 32768..=60999,
        }
    }
}

/// Something in a file of names that could not be used. The rest was.
#[derive(Debug, thiserror::Error)]
pub enum Warning {
    /// A file that is there, or was asked for, cannot be read.
    #[error(
        "cannot read service names from {}: {source}; its names are missing, make the file readable or remove it",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// One line says nothing.
    #[error("{}:{line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineError,
    },
    /// A file has more bad lines than are worth reporting.
    #[error("{}: {count} more bad lines; is it a list of `PORT, NAME`?", path.display())]
    More {
        /// The file.
        path: PathBuf,
        /// How many lines were left out of the report.
        count: usize,
    },
}

impl Transport {
    /// Its list in a directory of lists.
    const fn file(self) -> &'static str {
        match self {
            Self::Tcp => "tcp.conf",
            Self::Udp => "udp.conf",
            Self::Sctp => "sctp.conf",
            Self::Dccp => "dccp.conf",
        }
    }

    /// IANA's list of it.
    const fn iana(self) -> &'static str {
        match self {
            Self::Tcp => include_str!("../../../conf/tcp.conf"),
            Self::Udp => include_str!("../../../conf/udp.conf"),
            Self::Sctp => include_str!("../../../conf/sctp.conf"),
            Self::Dccp => include_str!("../../../conf/dccp.conf"),
        }
    }
}

impl Services {
    /// The names of every layer, and what could not be used.
    pub fn load(settings: &Settings) -> (Self, Vec<Warning>) {
        let mut warnings = Vec::new();
        let mut services = Self::new(settings.ephemeral.clone());
        for transport in Transport::ALL {
            let path = Path::new(transport.file());
            services.add_text(path, transport.iana(), false, &mut warnings);
        }

        let system = settings.system_file.as_deref().map(read);
        let system = system.and_then(Result::ok).unwrap_or_default();
        let netsniff = netsniff_texts(settings, &mut warnings);
        let mut foreign = system_entries(&system);
        for (transport, path, text) in &netsniff {
            foreign.extend(
                entries(path, text, true, &mut warnings)
                    .into_iter()
                    .map(|entry| Entry {
                        transport: entry.transport.or(Some(*transport)),
                        ..entry
                    }),
            );
        }
        foreign.retain(|entry| !services.already_says(entry));

        services.add_text(Path::new(OVERLAY_FILE), OVERLAY, false, &mut warnings);
        for entry in foreign {
            services.add(entry, &[], false);
        }
        services.add_dir(&settings.vendor_dir, false, &mut warnings);
        services.add_dir(&settings.admin_dir, true, &mut warnings);
        if let Some(dir) = &settings.user_dir {
            services.add_dir(dir, true, &mut warnings);
        }
        for path in &settings.files {
            match read(path) {
                Ok(text) => services.add_text(path, &text, true, &mut warnings),
                Err(source) => warnings.push(Warning::Unreadable {
                    path: path.clone(),
                    source,
                }),
            }
        }
        services.names.shrink_to_fit();
        (services, warnings)
    }

    fn add_text(&mut self, path: &Path, text: &str, by_user: bool, warnings: &mut Vec<Warning>) {
        for entry in entries(path, text, false, warnings) {
            self.add(entry, protocols_of(path), by_user);
        }
    }

    fn add_dir(&mut self, dir: &Path, by_user: bool, warnings: &mut Vec<Warning>) {
        let lists = Transport::ALL.map(Transport::file);
        for file in lists.into_iter().chain([OVERLAY_FILE]) {
            let path = dir.join(file);
            if let Some(text) = read_optional(&path, warnings) {
                self.add_text(&path, &text, by_user, warnings);
            }
        }
    }
}

/// netsniff-ng's lists, as far as the administrator has none of that name.
fn netsniff_texts(
    settings: &Settings,
    warnings: &mut Vec<Warning>,
) -> Vec<(Transport, PathBuf, String)> {
    let mut texts = Vec::new();
    for transport in [Transport::Tcp, Transport::Udp] {
        if settings.admin_dir.join(transport.file()).exists() {
            continue;
        }
        let path = settings.netsniff_dir.join(transport.file());
        if let Some(text) = read_optional(&path, warnings) {
            texts.push((transport, path, text));
        }
    }
    texts
}

/// The protocols of a line without `/PROTO`, by the name of its file.
fn protocols_of(file: &Path) -> &'static [Transport] {
    match file.file_name().and_then(|name| name.to_str()) {
        Some("tcp.conf") => &[Transport::Tcp],
        Some("udp.conf") => &[Transport::Udp],
        Some("sctp.conf") => &[Transport::Sctp],
        Some("dccp.conf") => &[Transport::Dccp],
        _ => &[Transport::Tcp, Transport::Udp],
    }
}

/// The entries of a file in flowtop's format, and a warning for each bad line.
/// In a `foreign` file a name that is none here is left out without a word:
/// netsniff-ng's own list has names like `X11:1`.
fn entries<'t>(
    path: &Path,
    text: &'t str,
    foreign: bool,
    warnings: &mut Vec<Warning>,
) -> Vec<Entry<'t>> {
    let mut entries = Vec::new();
    let mut bad = 0;
    for (index, line) in text.lines().enumerate() {
        match parse_line(line) {
            Ok(entry) => entries.extend(entry),
            Err(LineError::Name(_)) if foreign => {}
            Err(problem) => {
                bad += 1;
                if bad <= MAX_LINE_WARNINGS {
                    warnings.push(Warning::Line {
                        path: path.to_owned(),
                        line: index + 1,
                        problem,
                    });
                }
            }
        }
    }
    if bad > MAX_LINE_WARNINGS {
        warnings.push(Warning::More {
            path: path.to_owned(),
            count: bad - MAX_LINE_WARNINGS,
        });
    }
    entries
}

/// Reads a file whole. Bytes that are no UTF-8 become U+FFFD, which no name
/// may have.
fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    if file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)? as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it is larger than 4 MiB",
        ));
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// Reads a file that need not be there. One in a directory that may not even be
/// searched, such as another user's home, is not there for us.
fn read_optional(path: &Path, warnings: &mut Vec<Warning>) -> Option<String> {
    match read(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) if path.symlink_metadata().is_err() => None,
        Err(source) => {
            warnings.push(Warning::Unreadable {
                path: path.to_owned(),
                source,
            });
            None
        }
    }
}
