//! Lists in directories of a test, and what ports are called then.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::layers::{MAX_FILE_BYTES, MAX_LINE_WARNINGS};
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
