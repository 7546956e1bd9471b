//! The viewer as its user meets it: the real program, in a terminal, over real
//! flows.

#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
#[expect(dead_code, reason = "other tests need more of it")]
mod pty;

use std::fs;
use std::process::Command;

use flowtop::flow::{L4, Protocol, Tuple};
use lab::entries::Entry;
use lab::traffic::{TcpService, UdpService, ping};
use lab::{Host, Network};
use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use pty::Session;

fn flowtop(host: &Host, args: &[&str]) -> Command {
    let mut command = host.command(env!("CARGO_BIN_EXE_flowtop"));
    command.args(args).env_remove("NO_COLOR");
    command
}

fn switches(host: &Host) -> (String, String) {
    let read = |key: &str| {
        host.sysctl(&format!("net/netfilter/nf_conntrack_{key}"))
            .expect("this kernel has it")
    };
    (read("acct"), read("timestamp"))
}

fn all_off(host: &Host) {
    host.set_sysctl("net/netfilter/nf_conntrack_acct", "0");
    host.set_sysctl("net/netfilter/nf_conntrack_timestamp", "0");
}

const OFF: (&str, &str) = ("0", "0");

fn as_str(pair: &(String, String)) -> (&str, &str) {
    (&pair.0, &pair.1)
}

/// A router with a masqueraded TCP flow, a UDP flow and a ping.
struct Scene {
    net: Network,
    tcp: TcpService,
    udp: UdpService,
}

fn scene(lab: &lab::Lab) -> Scene {
    let net = lab.router();
    all_off(&net.router);
    net.router.track();
    net.router.masquerade("wan");
    let tcp = TcpService::listen(&net.server, "198.51.100.20:443");
    let udp = UdpService::bind(&net.server, "198.51.100.20:53");
    Scene { net, tcp, udp }
}

#[test]
fn flows_appear_live_and_keys_do_what_they_say() {
    lab::run("flows_appear_live_and_keys_do_what_they_say", |lab| {
        let scene = scene(lab);
        let router = &scene.net.router;
        let mut session = Session::start(flowtop(router, &["-t", "0.2"]), 120, 30);
        session.wait_for("No flows");
        assert_eq!(as_str(&switches(router)), ("1", "1"));

        let connection = scene.tcp.connect(&scene.net.client);
        connection.download(2_000_000);
        session.wait_for("198.51.100.20");
        session.wait("byte counts", |text| {
            text.contains("2.0") && text.contains("MB")
        });
        session.wait_for("ESTABLISHED");
        session.wait_for("https");
        session.wait_for("⇢");

        // TCP alone is the default; the rest is a key away.
        let talk = scene.udp.connect(&scene.net.client);
        talk.exchange(100, 200);
        ping(&scene.net.client, "198.51.100.20", 77);
        session.wait_for("1 of 3 flows");
        session.keys("U");
        session.wait_for("domain");
        session.keys("I");
        session.wait_for("echo");
        session.keys("T");
        session.wait("TCP is gone", |text| !text.contains("https"));
        session.keys("A");
        session.wait_for("https");

        // Sources, bits, help.
        session.keys("s");
        session.wait_for("192.0.2.10:");
        session.keys("b");
        session.wait_for("bit/s");
        session.keys("?");
        session.wait_for("Help");
        session.keys("\x1b");
        session.wait("no help", |text| !text.contains("Help"));

        // Enter shows all about a flow, and its end does not take that away.
        session.keys("UI\r");
        session.wait_for("as seen outside: 198.51.100.1:");
        session.wait_for("exactly, by the kernel");
        session.keys(&"J".repeat(30));
        session.wait_for("stamped by the kernel");

        // The flow ends, and goes.
        connection.close();
        router.flush_flows();
        session.wait_for("ENDED");
        session.keys("\x1b");
        session.wait("no details", |text| !text.contains("ENDED"));
        session.wait("no flows", |text| !text.contains("198.51.100.20"));
        session.keys("q");
        session.assert_clean_end();
        assert_eq!(as_str(&switches(router)), OFF);
    });
}

#[test]
fn families_are_exact_and_the_last_one_stays() {
    lab::run("families_are_exact_and_the_last_one_stays", |lab| {
        let scene = scene(lab);
        let v6 = TcpService::listen(&scene.net.server, "[2001:db8:2::20]:443");
        let _four = scene.tcp.connect(&scene.net.client);
        let _six = v6.connect(&scene.net.client);
        let mut session = Session::start(flowtop(&scene.net.router, &["-4", "-t", "0.2"]), 120, 20);
        session.wait_for("198.51.100.20");
        session.wait_for("1 of 2 flows");
        assert!(!session.text().contains("2001:db8"));
        session.keys("6");
        session.wait_for("2001:db8:2::20");
        session.keys("4");
        session.wait("IPv4 is gone", |text| !text.contains("198.51.100.20"));
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn an_empty_table_says_why() {
    lab::run("an_empty_table_says_why", |lab| {
        let host = lab.host("bare");
        let mut session = Session::start(flowtop(&host, &["-t", "0.2"]), 100, 24);
        session.wait_for("no rule in this network namespace");
        session.wait_for("nft add table");
        host.track();
        session.wait("the advice is gone", |text| !text.contains("nft add table"));
        session.wait_for("No flows");
        session.keys("q");
        session.assert_clean_end();
    });
}

/// A flow to the internet, to which nothing is sent: it is only entered in the
/// table.
fn to_the_world(number: u8, server: [u8; 4], proto: Protocol, port: u16) -> Entry {
    let ports = L4::Ports {
        src: 50_000 + u16::from(number),
        dst: port,
    };
    let client = [192, 0, 2, number].into();
    Entry::new(Tuple::v4(client, server.into(), proto, ports))
}

#[test]
fn places_and_services_lead_to_their_flows_and_back() {
    lab::run("places_and_services_lead_to_their_flows_and_back", |lab| {
        let host = lab.host("bare");
        host.track();
        // Of a Norwegian university and the Japanese registry, which have had
        // them for decades; then a private one.
        host.create_flows([
            to_the_world(1, [129, 240, 2, 3], Protocol::TCP, 443),
            to_the_world(2, [129, 240, 2, 4], Protocol::TCP, 443),
            to_the_world(3, [202, 12, 30, 5], Protocol::UDP, 53),
            to_the_world(4, [10, 0, 0, 7], Protocol::TCP, 22),
        ]);
        let mut command = flowtop(&host, &["-A", "-n", "-t", "0.2"]);
        // Of this user's databases none.
        command.env("HOME", "/nowhere").env_remove("XDG_DATA_HOME");
        let mut session = Session::start(command, 120, 24);
        session.wait_for("129.240.2.3");
        session.wait("countries", |text| {
            let is_in = |address: &str, country: &str| {
                let line = text.lines().find(|line| line.contains(address));
                line.is_some_and(|line| line.contains(country))
            };
            is_in("129.240.2.3", " NO ")
                && is_in("202.12.30.5", " JP ")
                && is_in("10.0.0.7", " lan ")
        });
        session.wait_for("GeoIP");

        session.keys("5");
        session.wait_for("COUNTRY");
        for country in ["Norway", "Japan", "private addresses"] {
            session.wait_for(country);
        }
        // Nothing moves, so that the one with most flows comes first. The
        // built-in database knows no networks: the flows come at once. One of
        // this machine's might know them.
        session.keys("\x1b[H\r");
        session.wait_for("5 Places › Norway");
        session.wait("what is in it", |text| {
            text.contains("ORGANISATION") || text.contains("DESTINATION")
        });
        let has_networks = session.text().contains("ORGANISATION");
        if has_networks {
            session.keys("\x1b[H\r");
        }
        session.wait("two flows", |text| {
            text.contains("129.240.2.4") && !text.contains("202.12.30.5")
        });
        session.keys(if has_networks { "5" } else { "\x1b" });
        session.wait_for("Japan");

        session.keys("\t");
        session.wait_for("53/udp");
        session.keys("\x1b[H\r");
        session.wait_for("7 Services › https");
        session.wait("https only", |text| {
            text.contains("129.240.2.3") && !text.contains("10.0.0.7")
        });
        session.keys("1");
        session.wait_for("10.0.0.7");

        session.keys("V");
        session.wait_for("built in");
        session.wait_for("Names are not looked up");
        session.keys("q");
        session.wait("no popup", |text| !text.contains("built in"));
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn hosts_have_the_names_that_the_configuration_gives_them() {
    lab::run(
        "hosts_have_the_names_that_the_configuration_gives_them",
        |lab| {
            let host = lab.host("bare");
            host.track();
            host.create_flows([
                to_the_world(1, [198, 51, 100, 7], Protocol::TCP, 443),
                to_the_world(2, [198, 51, 100, 8], Protocol::TCP, 443),
            ]);
            let config =
                std::env::temp_dir().join(format!("flowtop-viewer-{}", std::process::id()));
            fs::create_dir_all(config.join("flowtop")).expect("a directory");
            let names = "[names]\n\"198.51.100.7\" = \"tv.example\"\n";
            fs::write(config.join("flowtop/flowtop.toml"), names).expect("a file");
            let mut command = flowtop(&host, &["-t", "0.2"]);
            command.env("XDG_CONFIG_HOME", &config);
            let mut session = Session::start(command, 160, 24);
            session.wait_for("tv.example");
            session.wait_for("198.51.100.8");
            assert!(!session.text().contains("198.51.100.7"));
            session.keys("n");
            session.wait("addresses", |text| {
                text.contains("198.51.100.7") && !text.contains("tv.example")
            });
            session.keys("n");
            session.wait_for("tv.example (198.51.100.7)");
            session.wait_for("https");
            session.keys("p");
            session.wait("ports", |text| {
                text.contains("443") && !text.contains("https")
            });
            session.keys("q");
            session.assert_clean_end();
            fs::remove_dir_all(&config).expect("our directory");
        },
    );
}

#[test]
fn without_places_there_is_no_country() {
    lab::run("without_places_there_is_no_country", |lab| {
        let host = lab.host("bare");
        host.track();
        host.create_flows([to_the_world(1, [129, 240, 2, 3], Protocol::TCP, 443)]);
        let mut session = Session::start(flowtop(&host, &["-n", "-G", "-t", "0.2"]), 120, 24);
        session.wait_for("129.240.2.3");
        assert!(!session.text().contains(" CC "));
        session.keys("5");
        session.wait_for("no database of places is in use");
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn every_ending_signal_restores_terminal_and_kernel() {
    lab::run("every_ending_signal_restores_terminal_and_kernel", |lab| {
        let host = lab.host("bare");
        all_off(&host);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
            let mut session = Session::start(flowtop(&host, &[]), 80, 24);
            session.wait_for("No flows");
            assert_eq!(as_str(&switches(&host)), ("1", "1"));
            session.signal(signal);
            session.assert_clean_end();
            assert_eq!(as_str(&switches(&host)), OFF, "after signal {signal}");
        }
        // Ctrl+C is a key in raw mode.
        let mut session = Session::start(flowtop(&host, &[]), 80, 24);
        session.wait_for("No flows");
        session.keys("\x03");
        session.assert_clean_end();
        assert_eq!(as_str(&switches(&host)), OFF);
    });
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    lab::run("a_terminal_that_goes_away_ends_it", |lab| {
        let host = lab.host("bare");
        all_off(&host);
        let mut session = Session::start(flowtop(&host, &[]), 80, 24);
        session.wait_for("No flows");
        session.hang_up();
        session.end();
        assert_eq!(as_str(&switches(&host)), OFF);
    });
}

#[test]
fn a_small_terminal_is_told_and_a_larger_one_is_used() {
    lab::run("a_small_terminal_is_told_and_a_larger_one_is_used", |lab| {
        let host = lab.host("bare");
        let mut session = Session::start(flowtop(&host, &["-t", "0.2"]), 80, 24);
        session.wait_for("No flows");
        session.resize(20, 3);
        session.wait_for("20x3");
        session.resize(160, 40);
        session.wait_for("No flows");
        for step in 0..60u16 {
            session.resize(10 + step * 37 % 190, 1 + step * 13 % 50);
        }
        session.resize(100, 30);
        session.wait_for("No flows");
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn no_color_means_none() {
    lab::run("no_color_means_none", |lab| {
        let scene = scene(lab);
        let _connection = scene.tcp.connect(&scene.net.client);
        let colours = |environment: &[(&str, &str)]| {
            let mut command = flowtop(&scene.net.router, &["-t", "0.2"]);
            command.envs(environment.iter().copied());
            let mut session = Session::start(command, 100, 20);
            session.wait_for("198.51.100.20");
            session.keys("q");
            session.assert_clean_end();
            // Set graphic rendition: 30 to 49 and 90 to 107 are colours; 39
            // and 49 are the default ones.
            let raw = session.raw();
            raw.split("\x1b[")
                .skip(1)
                .filter_map(|rest| rest.split_once('m').map(|(codes, _)| codes))
                .filter(|codes| codes.bytes().all(|b| b.is_ascii_digit() || b == b';'))
                .flat_map(|codes| codes.split(';'))
                .filter_map(|code| code.parse::<u8>().ok())
                .filter(|code| matches!(code, 30..=38 | 40..=48 | 90..=107))
                .count()
        };
        assert!(colours(&[]) > 0);
        assert_eq!(colours(&[("NO_COLOR", "1")]), 0);
    });
}

#[test]
fn random_keys_do_no_harm() {
    lab::run("random_keys_do_no_harm", |lab| {
        let scene = scene(lab);
        scene
            .net
            .router
            .create_flows((0..500).map(lab::entries::Entry::numbered));
        let mut session = Session::start(
            flowtop(&scene.net.router, &["-A", "--loopback", "-t", "0.1"]),
            90,
            24,
        );
        session.wait_for("203.0.113.1");
        // The same keys each time: no `q`, no Ctrl+C.
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let key = any::<u8>().prop_filter("ends it", |b| !b"q\x03\x1a".contains(b) && *b < 0x7f);
        let keys = proptest::collection::vec(key, 400)
            .new_tree(&mut runner)
            .expect("keys")
            .current();
        for (number, part) in keys.chunks(20).enumerate() {
            session.keys(&String::from_utf8_lossy(part));
            session
                .keys(["\x1b[A", "\x1b[B", "\x1b[6~", "\x1b[5~", "\x1b[H", "\x1b[F"][number % 6]);
            session.resize(
                40 + (number as u16 * 29) % 140,
                8 + (number as u16 * 7) % 40,
            );
        }
        session.resize(100, 24);
        // Close whatever is open; then it must still answer.
        session.keys("\x1b");
        std::thread::sleep(std::time::Duration::from_millis(100));
        session.keys("\x1b");
        session.wait("the screen is alive", |text| text.contains("ct"));
        session.signal(libc::SIGTERM);
        session.assert_clean_end();
    });
}

#[test]
fn what_was_chosen_comes_back_unless_nobody_wants_it() {
    lab::run("what_was_chosen_comes_back_unless_nobody_wants_it", |lab| {
        let host = lab.host("bare");
        host.track();
        host.create_flows([to_the_world(1, [198, 51, 100, 7], Protocol::TCP, 443)]);
        let home = std::env::temp_dir().join(format!("flowtop-memory-{}", std::process::id()));
        let file = home.join("flowtop/state.toml");
        let start = |args: &[&str]| {
            let mut command = flowtop(&host, &[&["-n", "-t", "0.2"], args].concat());
            command.env("XDG_STATE_HOME", &home);
            let mut session = Session::start(command, 140, 24);
            session.wait_for("198.51.100.7");
            session
        };
        let mut first = start(&[]);
        first.keys(" ");
        first.wait_for("PAUSED");
        host.flush_flows();
        first.keys(">>r");
        first.wait_for("STATE▼");
        // The flow is gone, and still in the picture.
        assert!(first.text().contains("198.51.100.7"));
        first.keys(" ");
        first.wait("no flow", |text| !text.contains("198.51.100.7"));
        first.keys("tj\r");
        first.keys("/port 443\r");
        first.wait_for("/port:443");
        first.keys("q");
        first.assert_clean_end();
        let kept = fs::read_to_string(&file).expect("it is kept");
        for line in [
            "theme = \"mono\"",
            "flows\" = \"state:desc\"",
            "\"port 443\"",
        ] {
            assert!(kept.contains(line), "{line}: {kept}");
        }

        host.create_flows([to_the_world(1, [198, 51, 100, 7], Protocol::TCP, 443)]);
        let mut second = start(&[]);
        second.wait_for("STATE▼");
        // Nothing is hidden, but what was typed is there.
        assert!(!second.text().contains("/port"));
        second.keys("/\x1b[A");
        second.wait_for("/port 443");
        second.keys("\x1bq");
        second.assert_clean_end();
        assert_eq!(fs::read_to_string(&file).expect("it stays"), kept);

        let mut without = start(&["--no-state"]);
        without.wait_for("RATE▼");
        without.keys(">");
        without.wait_for("PROTO▲");
        without.keys("q");
        without.assert_clean_end();
        assert_eq!(fs::read_to_string(&file).expect("it stays"), kept);
        fs::remove_dir_all(&home).expect("our directory");
    });
}
