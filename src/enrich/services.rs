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

use std::fs::File;
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::flow::{Protocol, Tuple};

/// Larger files are refused: the whole IANA list has 0.1 MB.
const MAX_FILE_BYTES: u64 = 4 << 20;

/// Bad lines of one file that are reported one by one; more are counted.
const MAX_LINE_WARNINGS: usize = 10;

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
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Dccp];

    const fn of(proto: Protocol) -> Option<Self> {
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

    const fn file(self) -> &'static str {
        match self {
            Self::Tcp => "tcp.conf",
            Self::Udp => "udp.conf",
            Self::Sctp => "sctp.conf",
            Self::Dccp => "dccp.conf",
        }
    }

    const fn iana(self) -> &'static str {
        match self {
            Self::Tcp => include_str!("../../conf/tcp.conf"),
            Self::Udp => include_str!("../../conf/udp.conf"),
            Self::Sctp => include_str!("../../conf/sctp.conf"),
            Self::Dccp => include_str!("../../conf/dccp.conf"),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }
}

const OVERLAY: &str = include_str!("../../conf/overlay.conf");
const OVERLAY_FILE: &str = "overlay.conf";

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

/// The entries of a file in the format of services(5): `NAME PORT/PROTO
/// ALIAS...`. The file is not ours to correct, so lines that do not fit are
/// left out without a word; Fedora's has names like `sql*net`. The first line
/// for a port wins, as it does for getservbyport(3), so they come out in
/// reverse.
fn system_entries(text: &str) -> Vec<Entry<'_>> {
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
    /// The names of every layer, and what could not be used.
    pub fn load(settings: &Settings) -> (Self, Vec<Warning>) {
        let mut warnings = Vec::new();
        let mut services = Self {
            names: String::from("\n"),
            slots: std::array::from_fn(|_| vec![0; 1 << 16]),
            ephemeral: settings.ephemeral.clone(),
        };
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::Ipv4Addr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::*;
    use crate::flow::L4;

    /// A directory that goes when the test ends.
    struct Dir(PathBuf);

    impl Dir {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let dir = std::env::temp_dir();
            let dir = dir.join(format!("flowtop-services-{}-{next}", std::process::id()));
            fs::create_dir(&dir).unwrap();
            Self(dir)
        }

        /// Writes a file, and makes the directories on its way.
        fn put(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        /// Settings whose every place is in this directory.
        fn settings(&self) -> Settings {
            Settings {
                system_file: Some(self.0.join("services")),
                netsniff_dir: self.0.join("netsniff"),
                vendor_dir: self.0.join("vendor"),
                admin_dir: self.0.join("admin"),
                user_dir: Some(self.0.join("user")),
                files: Vec::new(),
                ephemeral: 32768..=60999,
            }
        }

        fn load(&self) -> Services {
            let (services, warnings) = Services::load(&self.settings());
            assert!(warnings.is_empty(), "{warnings:?}");
            services
        }
    }

    impl Drop for Dir {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn built_in() -> Services {
        Dir::new().load()
    }

    /// Every layer over the one before it: each step of the table adds one
    /// file and says what 9092/tcp is called then.
    #[test]
    fn a_later_layer_wins() {
        let dir = Dir::new();
        let steps = [
            ("netsniff/sctp.conf", "9092, never-read", "kafka"),
            ("services", "from-system 9092/tcp", "from-system"),
            ("netsniff/tcp.conf", "9092, from-netsniff", "from-netsniff"),
            ("vendor/tcp.conf", "9092, from-vendor", "from-vendor"),
            ("vendor/overlay.conf", "9092, vendor-all", "vendor-all"),
            ("admin/udp.conf", "9092, udp-only", "vendor-all"),
            ("admin/tcp.conf", "9092, from-admin", "from-admin"),
            ("admin/overlay.conf", "9092/tcp, admin-all", "admin-all"),
            ("user/tcp.conf", "9092, from-user", "from-user"),
            ("user/overlay.conf", "9092, user-all", "user-all"),
        ];
        for (file, text, name) in steps {
            dir.put(file, text);
            let services = dir.load();
            assert_eq!(services.name(Protocol::TCP, 9092), Some(name), "{file}");
        }

        let mut settings = dir.settings();
        settings.files = vec![
            dir.put("one", "9092, first-file"),
            dir.put("two", "9092, second-file"),
        ];
        let (services, warnings) = Services::load(&settings);
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(services.name(Protocol::TCP, 9092), Some("second-file"));
        assert_eq!(services.name(Protocol::UDP, 9092), Some("second-file"));
        assert_eq!(services.name(Protocol::SCTP, 9092), None);
    }

    #[test]
    fn netsniff_lists_count_only_where_the_administrator_has_none() {
        let dir = Dir::new();
        dir.put("netsniff/tcp.conf", "7777, old-tcp");
        dir.put("netsniff/udp.conf", "7777, old-udp");
        dir.put("admin/tcp.conf", "7778, mine");
        let services = dir.load();
        assert_eq!(services.name(Protocol::TCP, 7777), Some("cbt"));
        assert_eq!(services.name(Protocol::UDP, 7777), Some("old-udp"));
    }

    #[test]
    fn foreign_lists_that_repeat_iana_do_not_bury_the_overlay() {
        let dir = Dir::new();
        dir.put("services", "XmlIpcRegSvc 9092/tcp\nmine 9093/tcp\n");
        dir.put(
            "netsniff/tcp.conf",
            "9090, websm\n9100, printer\n6001, X11:1\n",
        );
        let services = dir.load();
        assert_eq!(services.name(Protocol::TCP, 9092), Some("kafka"));
        assert_eq!(services.name(Protocol::TCP, 9093), Some("mine"));
        assert_eq!(services.name(Protocol::TCP, 9090), Some("prometheus"));
        assert_eq!(services.name(Protocol::TCP, 9100), Some("printer"));
        assert_eq!(services.name(Protocol::TCP, 6001), Some("x11"));
        // Our own files mean what they say.
        dir.put("user/tcp.conf", "9092, XmlIpcRegSvc");
        let services = dir.load();
        assert_eq!(services.name(Protocol::TCP, 9092), Some("XmlIpcRegSvc"));
    }

    #[test]
    fn the_system_file_is_read_as_getservbyport_reads_it() {
        let dir = Dir::new();
        dir.put(
            "services",
            "# Network services\nfirst\t4001/tcp alias # why\nsecond 4001/tcp\n\
             sql*net 66/tcp\nappletalk 201/ddp\nodd\nodder 99999/udp\nlast 4001/udp",
        );
        let services = dir.load();
        assert_eq!(services.name(Protocol::TCP, 4001), Some("first"));
        assert_eq!(services.name(Protocol::UDP, 4001), Some("last"));
        assert_eq!(services.name(Protocol::TCP, 66), Some("sql-net"));

        let mut settings = dir.settings();
        settings.system_file = None;
        let (services, _) = Services::load(&settings);
        assert_eq!(services.name(Protocol::TCP, 4001), Some("ipfs"));
    }

    #[test]
    fn what_is_built_in_reads_without_a_warning() {
        let services = built_in();
        let named = |slots: &Vec<u32>| slots.iter().filter(|slot| **slot != 0).count();
        let [tcp, udp, sctp, dccp] = services.slots.each_ref().map(named);
        assert!(tcp > 5_900 && udp > 5_500, "{tcp} {udp}");
        assert!(sctp == 88 && dccp == 9, "{sctp} {dccp}");
        for (proto, port, name) in [
            (Protocol::TCP, 22, Some("ssh")),
            (Protocol::TCP, 80, Some("http")),
            (Protocol::TCP, 443, Some("https")),
            (Protocol::UDP, 443, Some("quic")),
            (Protocol::UDP, 53, Some("domain")),
            (Protocol::UDPLITE, 53, Some("domain")),
            (Protocol::UDP, 51820, Some("wireguard")),
            (Protocol::TCP, 51820, None),
            (Protocol::UDP, 6885, Some("bittorrent")),
            (Protocol::SCTP, 3868, Some("diameter")),
            (Protocol::DCCP, 5004, Some("avt-profile-1")),
            (Protocol::TCP, 0, None),
            (Protocol::TCP, 65535, None),
            (Protocol::GRE, 80, None),
            (Protocol::ICMP, 7, None),
        ] {
            assert_eq!(services.name(proto, port), name, "{proto} {port}");
        }
    }

    #[test]
    fn ranges_removals_and_protocols() {
        let dir = Dir::new();
        dir.put(
            "admin/tcp.conf",
            "\u{feff}65530-65535, edge\r\n65532, -\r\n22, -  # hidden\r\n443/udp, web # suffix wins\r\n",
        );
        dir.put(
            "user/overlay.conf",
            "22/tcp, shell-again\n0-65535/dccp, all",
        );
        let services = dir.load();
        for (proto, port, name) in [
            (Protocol::TCP, 65529, None),
            (Protocol::TCP, 65530, Some("edge")),
            (Protocol::TCP, 65532, None),
            (Protocol::TCP, 65535, Some("edge")),
            (Protocol::TCP, 22, Some("shell-again")),
            (Protocol::UDP, 22, Some("ssh")),
            (Protocol::UDP, 443, Some("web")),
            (Protocol::TCP, 443, Some("https")),
            (Protocol::DCCP, 0, Some("all")),
            (Protocol::DCCP, 65535, Some("all")),
        ] {
            assert_eq!(services.name(proto, port), name, "{proto} {port}");
        }
    }

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

    #[test]
    fn warnings_name_file_and_line_and_reading_goes_on() {
        let dir = Dir::new();
        let path = dir.put(
            "admin/tcp.conf",
            b"1, one\n2 two\n3, \xff\n4, four" as &[u8],
        );
        let (services, warnings) = Services::load(&dir.settings());
        assert_eq!(services.name(Protocol::TCP, 1), Some("one"));
        assert_eq!(services.name(Protocol::TCP, 4), Some("four"));
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        let at = |line| format!("{}:{line}: ", path.display());
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].starts_with(&at(2)), "{texts:?}");
        assert!(texts[0].contains("no comma"), "{texts:?}");
        assert!(texts[1].starts_with(&at(3)), "{texts:?}");
    }

    #[test]
    fn a_file_of_something_else_does_not_flood() {
        let dir = Dir::new();
        dir.put("user/udp.conf", "nonsense\n".repeat(1000));
        let (_, warnings) = Services::load(&dir.settings());
        assert_eq!(warnings.len(), MAX_LINE_WARNINGS + 1);
        assert!(matches!(
            warnings.last(),
            Some(Warning::More { count: 990, .. })
        ));
    }

    #[test]
    fn files_that_cannot_be_read_are_warnings() {
        let dir = Dir::new();
        fs::create_dir_all(dir.0.join("admin/tcp.conf")).unwrap();
        let large = usize::try_from(MAX_FILE_BYTES).unwrap() + 1;
        let mut settings = dir.settings();
        settings.files = vec![dir.0.join("nowhere"), dir.put("large", vec![b'#'; large])];
        let (services, warnings) = Services::load(&settings);
        assert_eq!(services.name(Protocol::TCP, 22), Some("ssh"));
        let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
        for (text, part) in texts.iter().zip(["admin/tcp.conf", "nowhere", "4 MiB"]) {
            assert!(text.contains(part), "{text}");
        }
    }

    fn flow(proto: Protocol, src: u16, dst: u16) -> Tuple {
        let a = Ipv4Addr::new(192, 0, 2, 1);
        Tuple::v4(a, a, proto, L4::Ports { src, dst })
    }

    #[test]
    fn which_port_names_a_flow() {
        let dir = Dir::new();
        dir.put("user/udp.conf", "5000, mine\n40000, mine-high\n40001, also");
        let services = dir.load();
        for (proto, src, dst, expected) in [
            // The destination, wherever it is.
            (Protocol::TCP, 40000, 443, Some((443, "https"))),
            (Protocol::TCP, 443, 22, Some((22, "ssh"))),
            (Protocol::UDP, 123, 123, Some((123, "ntp"))),
            (Protocol::UDP, 12345, 51820, Some((51820, "wireguard"))),
            (Protocol::UDP, 51820, 51820, Some((51820, "wireguard"))),
            // An answer that made the flow: 45678/udp is IANA's `eba`.
            (Protocol::UDP, 53, 45678, Some((53, "domain"))),
            (Protocol::UDP, 53, 40002, Some((53, "domain"))),
            (Protocol::UDP, 40002, 45678, Some((45678, "eba"))),
            // The source only if well known or the user's.
            (Protocol::UDP, 1900, 40002, None),
            (Protocol::UDP, 5000, 40002, Some((5000, "mine"))),
            (Protocol::UDP, 5000, 45678, Some((5000, "mine"))),
            (Protocol::UDP, 53, 40000, Some((40000, "mine-high"))),
            // Never a client port on the client's side.
            (Protocol::UDP, 40001, 60001, None),
            (Protocol::UDP, 45678, 60001, None),
            // No ports, no name.
            (Protocol::GRE, 22, 22, None),
        ] {
            let flow = flow(proto, src, dst);
            assert_eq!(services.of(&flow), expected, "{flow:?}");
        }
        let a = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(services.of(&Tuple::v4(a, a, Protocol::TCP, L4::None)), None);
    }

    #[test]
    fn a_service_is_found_by_number_and_by_name() {
        let dir = Dir::new();
        dir.put("user/tcp.conf", "7001-7003, mine\n443, -\n8443, https");
        let services = dir.load();
        for (proto, text, port) in [
            (Protocol::TCP, "2049", Some(2049)),
            (Protocol::TCP, "nfs", Some(2049)),
            (Protocol::UDP, "NTP", Some(123)),
            (Protocol::TCP, "mine", Some(7001)),
            (Protocol::TCP, "https", Some(8443)),
            (Protocol::UDP, "mine", None),
            (Protocol::TCP, "", None),
            (Protocol::GRE, "ssh", None),
        ] {
            assert_eq!(services.port(proto, text), port, "{proto} {text}");
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
