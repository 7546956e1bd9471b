//! The program itself with files of configuration: layers, mistakes, the sample.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "what is not there fails the test"
)]

mod databases;

mod lab;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use databases::Dir;
use flowtop::flow::{L4, Protocol, Tuple};
use lab::entries::Entry;
use lab::{Lab, mounts};

const BINARY: &str = env!("CARGO_BIN_EXE_flowtop");
const OF_ALL: &str = "/etc/flowtop/flowtop.toml";

fn run(command: Command, home: &Path, args: &[&str]) -> Output {
    let mut command = command;
    command
        .args(args)
        .env_remove("XDG_CONFIG_HOME")
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What is printed and what is said, if all goes well.
fn told(home: &Path, args: &[&str]) -> (String, String) {
    let output = run(Command::new(BINARY), home, args);
    let said = text(&output.stderr).to_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    (text(&output.stdout).to_owned(), said)
}

/// A flow of TCP and one of UDP, from a host with a name and one without.
fn flows(lab: &Lab) {
    let flow = |proto, last: u8| {
        let ports = L4::Ports {
            src: 40_000,
            dst: 443,
        };
        let src = format!("192.168.7.{last}").parse().unwrap();
        let orig = Tuple::new(src, "192.0.2.9".parse().unwrap(), proto, ports).unwrap();
        Entry::new(orig)
    };
    let entries = [flow(Protocol::TCP, 1), flow(Protocol::UDP, 2)];
    lab.here().create_flows(entries);
}

/// Protocols of the flows that are listed.
fn listed(home: &Path, args: &[&str]) -> Vec<String> {
    let args = [&["list", "-o", "csv", "--fields", "proto"], args].concat();
    let (printed, said) = told(home, &args);
    assert_eq!(said, "", "{args:?}");
    let mut protocols: Vec<_> = printed.lines().skip(1).map(str::to_owned).collect();
    protocols.sort();
    protocols
}

/// A place for `/etc/flowtop` that nobody else sees.
fn hide_etc() {
    mounts::hide("/etc");
    fs::create_dir_all(Path::new(OF_ALL).parent().unwrap()).unwrap();
}

#[test]
fn layers_are_seen_in_what_is_listed() {
    lab::run("layers_are_seen_in_what_is_listed", |lab| {
        hide_etc();
        let home = Dir::new("config-layers");
        flows(lab);
        let home_dir = home.path();
        assert_eq!(listed(home_dir, &[]), ["tcp"]);
        fs::write(OF_ALL, "protocols = \"all\"\n").unwrap();
        assert_eq!(listed(home_dir, &[]), ["tcp", "udp"]);
        home.write(".config/flowtop/flowtop.toml", b"protocols = [\"udp\"]\n");
        assert_eq!(listed(home_dir, &[]), ["udp"]);
        let named = home.write("named.toml", b"protocols = [\"icmp\"]\n");
        let named = named.to_str().unwrap();
        assert_eq!(listed(home_dir, &["--config", named]), [""; 0]);
        assert_eq!(listed(home_dir, &["--config", named, "-T"]), ["tcp"]);
        assert_eq!(listed(home_dir, &["-A"]), ["tcp", "udp"]);
    });
}

#[test]
fn mistakes_are_told_and_the_rest_is_used() {
    lab::run("mistakes_are_told_and_the_rest_is_used", |lab| {
        hide_etc();
        let home = Dir::new("config-mistakes");
        flows(lab);
        fs::write(OF_ALL, "[keys\n").unwrap();
        let of_user = home.write(
            ".config/flowtop/flowtop.toml",
            b"intervall = 2\nprotocols = [\"udp\"]\ninterval = 0\n[keys]\ny = \"redrw\"\n",
        );
        let (printed, said) = told(home.path(), &["list", "-o", "csv", "--fields", "proto"]);
        assert_eq!(printed, "proto\nudp\n");
        let of_user = of_user.display();
        let expected = [
            format!("flowtop: {OF_ALL}: line 1: "),
            format!(
                "flowtop: {of_user}: line 1: `intervall` is no key, the nearest is `interval`; `flowtop --print-config` has all"
            ),
            format!("flowtop: {of_user}: line 3: `interval`: give seconds from 0.1 to 3600"),
            format!("flowtop: {of_user}: line 5: `redrw` is no action, the nearest is `redraw`"),
        ];
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{said}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(&expected), "{line}");
        }
        assert!(lines[0].ends_with("; nothing of it is used"), "{said}");

        // One that is there and cannot be read.
        fs::remove_file(OF_ALL).unwrap();
        fs::create_dir(OF_ALL).unwrap();
        let (printed, said) = told(home.path(), &["list", "-o", "csv", "--fields", "proto"]);
        assert_eq!(printed, "proto\nudp\n");
        let first = said.lines().next().unwrap();
        assert!(
            first.starts_with(&format!("flowtop: {OF_ALL}: ")),
            "{first}"
        );
        assert!(first.ends_with("; nothing of it is used"), "{first}");
    });
}

/// An error is one line on standard error, and exit code 2.
fn wrong(command: Command, home: &Path, args: &[&str]) -> String {
    let output = run(command, home, args);
    let said = text(&output.stderr).to_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert_eq!(text(&output.stdout), "");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn a_file_that_is_named_has_to_be_right() {
    let home = Dir::new("config-named");
    let bad = home.write("bad.toml", b"bits = true\ncolour = \"never\"\n");
    let closed = home.write("closed.toml", b"bits = true\n");
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(home.path(), open).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let missing = home.path().join("missing.toml");
    for (path, reason) in [
        (
            &bad,
            "line 2: `colour` is no key, the nearest is `color`; `flowtop --print-config` has all",
        ),
        (&closed, "Permission denied"),
        (&missing, "there is no such file"),
    ] {
        let path = path.to_str().unwrap();
        for args in [
            &["--config", path, "list"][..],
            &["fields", "--config", path],
        ] {
            // Root may read what is closed to everybody.
            let said = wrong(lab::unprivileged(BINARY), home.path(), args);
            assert!(said.contains(path) && said.contains(reason), "{said}");
        }
    }
}

#[test]
fn a_file_that_may_not_be_read_is_a_warning() {
    let home = Dir::new("config-closed");
    let closed = home.write(".config/flowtop/flowtop.toml", b"bits = true\n");
    // Only the file is closed, whatever the umask.
    for dir in closed.ancestors().skip(1).take(3) {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let args = ["list", "--source", "sockets", "--no-process"];
    let output = run(lab::unprivileged(BINARY), home.path(), &args);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let expected = format!("flowtop: {}: Permission denied", closed.display());
    let warning = said.lines().find(|line| line.starts_with(&expected));
    let warning = warning.unwrap_or_else(|| panic!("{said}"));
    assert!(warning.ends_with("; nothing of it is used"), "{warning}");
}

#[test]
fn the_sample_is_printed_and_taken() {
    let home = Dir::new("config-sample");
    let (sample, said) = told(home.path(), &["--print-config"]);
    assert_eq!(said, "");
    assert_eq!(sample, flowtop::config::SAMPLE);
    let path = home.write("flowtop.toml", sample.as_bytes());
    let (fields, said) = told(home.path(), &["fields", "--config", path.to_str().unwrap()]);
    assert_eq!((fields.is_empty(), said.as_str()), (false, ""));
}
