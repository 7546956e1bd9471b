//! The clients of one service on our side: `--service`.

use std::fs;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use crossterm::event::KeyCode;
use flowtop::enrich::locality::Locality;
use flowtop::enrich::names::{Answer, Source};
use flowtop::enrich::nfsd;
use flowtop::enrich::owners::{Owner, Unknown};
use flowtop::flow::{Key, Pair, Protocol, TcpFigures};
use flowtop::view::group::Service;
use flowtop::view::{Cursor, Group};

use super::databases::Dir;
use super::scene::{Line, Scene, themes};
use super::snapshot::{check, styled, text};

const WIDTHS: [u16; 4] = [60, 80, 120, 200];

/// A server of NFS, which is 192.168.1.5. The last word of each line is the
/// round-trip time in microseconds.
const FLOWS: &str = "
proto state       status   age     from          sport  to                dport        up       down     up/s   down/s nat rtt
tcp   established assured  93784   192.168.1.9     703  192.168.1.5        2049  940000000 18000000000     22000   640000 -   420
tcp   established assured  93780   192.168.1.9     704  192.168.1.5        2049  910000000 17000000000     21000   630000 -   640
tcp   established assured  3840    192.168.1.23    811  192.168.1.5        2049   61000000    70000000    210000     9200 -   1900
tcp   established assured  61      2001:db8:85a3:1234:5678:8a2e:1370:7334 890 2001:db8::5 2049 9800 10400 0 120 - 23800
tcp   established assured  12      192.168.1.5     999  192.168.1.5        2049      4000       4100        0        0 -   18
tcp   established assured  700     192.168.1.5   40112  192.168.1.2        2049       78        142       78      142 -   300
tcp   established assured  264000  81.2.69.142   61022  192.168.1.5          22   1200000   48100000      860     1200 -   9000
tcp   established assured  31      192.168.1.77    702  192.168.1.5        2049       180        90        0        0 -   -
";

fn lines() -> impl Iterator<Item = (Line, Option<u32>)> {
    let lines = FLOWS.trim().lines().skip(1);
    lines.map(|text| {
        let rtt = text.split_whitespace().nth(13);
        (Line::parse(text), rtt.and_then(|text| text.parse().ok()))
    })
}

fn service(port: u16) -> Service {
    Service {
        proto: Protocol::TCP,
        port: Some(port),
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The server, looked at from the service of this port; with what the kernel
/// tells of its clients of NFS.
fn scene(width: u16, port: u16, has_color: bool) -> Scene {
    let mut scene = Scene::new((width, 14), |settings| {
        settings.service = Some(service(port));
        settings.themes = themes(has_color);
    });
    let knowledge = scene.knowledge.get_mut();
    let here = ["192.168.1.5", "2001:db8::5"].map(address);
    knowledge.set_locality(Arc::new(Locality::of(here, [])));
    let names = [("192.168.1.9", "app-01.lan"), ("192.168.1.77", "old.lan")];
    let names = names.map(|(addr, name)| Answer {
        addr: address(addr),
        name: Some(name.into()),
        source: Source::Dns,
    });
    knowledge.merge_names(names.into(), scene.now);
    knowledge.set_nfs(Arc::clone(&NFS));
    for (line, rtt_us) in lines() {
        let figures = TcpFigures {
            rtt_us,
            ..TcpFigures::default()
        };
        let server = Owner {
            figures: Some(figures),
            ..Owner::unknown(Unknown::Kernel)
        };
        let owners = Pair {
            orig: None,
            reply: Some(server),
        };
        let key = Key {
            zone: 0,
            orig: line.orig,
        };
        scene.knowledge.get_mut().merge_owners(key, owners);
    }
    let lines: Vec<_> = lines().map(|(line, _)| line).collect();
    let mut scene = scene.with(&lines);
    // One client leaves.
    scene.end_of(&lines[7]);
    scene.now = scene.now.after(std::time::Duration::from_secs(90));
    scene.answer();
    scene
}

/// What files say that are like those of the kernel.
static NFS: LazyLock<Arc<nfsd::Clients>> = LazyLock::new(|| {
    let dir = Dir::new("nfsd");
    let entry = |number: u32, address: &str, minor: u32| {
        let entry = dir.path().join("clients").join(number.to_string());
        fs::create_dir_all(&entry).unwrap();
        let info = format!("clientid: 0x1\naddress: \"{address}\"\nminor version: {minor}\n");
        fs::write(entry.join("info"), info).unwrap();
    };
    entry(3, "192.168.1.9:703", 1);
    entry(7, "192.168.1.9:703", 2);
    entry(8, "[2001:db8:85a3:1234:5678:8a2e:1370:7334]:890", 1);
    let exports = "# Version 1.1\n# Path Client(Flags) # IPs\n\
        /srv/nfs/home\t192.168.1.0/24(rw,sync,sec=1)\n\
        /srv/nfs/media\tapp-*.lan(ro,sync,sec=1)\n\
        /srv/public\t2001:db8::/32(ro,sync,sec=1)\n";
    fs::write(dir.path().join("exports"), exports).unwrap();
    Arc::new(nfsd::Clients::read(dir.path()).unwrap().unwrap())
});

fn screen(scene: &Scene) -> String {
    text(&scene.buffer(120, 14))
}

#[test]
fn clients_at_every_width() {
    for width in WIDTHS {
        let mut scene = scene(width, 2049, false);
        scene.press(KeyCode::Down);
        check(&format!("clients_{width}"), &text(&scene.buffer(width, 14)));
    }
    let scene = scene(120, 22, false);
    check("clients_of_ssh_120", &screen(&scene));
}

#[test]
fn colours_and_attributes() {
    for (name, has_color) in [("color", true), ("mono", false)] {
        let scene = scene(120, 2049, has_color);
        check(
            &format!("clients_{name}_120"),
            &styled(&scene.buffer(120, 14)),
        );
    }
}

#[test]
fn enter_goes_to_the_flows_of_a_client_and_back() {
    let mut scene = scene(120, 2049, false);
    let clients = screen(&scene);
    for code in [KeyCode::Down, KeyCode::Enter] {
        scene.press(code);
        scene.answer();
    }
    let within = [
        Group::Served(Some(service(2049))),
        Group::Peer(address("192.168.1.9")),
    ];
    assert_eq!(scene.query.within, within);
    assert_eq!(scene.view().matching, 2);
    scene.press(KeyCode::Esc);
    scene.answer();
    assert!(matches!(scene.query.cursor, Cursor::Group { .. }));
    assert_eq!(screen(&scene), clients);
    // From there on to all services.
    scene.press(KeyCode::Esc);
    scene.press(KeyCode::Esc);
    scene.answer();
    assert_eq!(scene.query.within, []);
}

#[test]
fn the_services_of_our_side_lead_to_their_clients() {
    let mut scene = scene(120, 2049, false);
    scene.keys("7");
    scene.answer();
    scene.keys("gl");
    scene.answer();
    assert!(screen(&scene).contains("2049/tcp"), "{}", screen(&scene));
    scene.press(KeyCode::Home);
    scene.answer();
    scene.press(KeyCode::Enter);
    scene.answer();
    assert_eq!(scene.query.within, [Group::Served(Some(service(2049)))]);
    assert!(screen(&scene).contains("app-01.lan"), "{}", screen(&scene));
}
