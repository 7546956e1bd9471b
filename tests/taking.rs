//! What is taken out of the real program: copied to the terminal's clipboard,
//! written to files, and masked.

#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]
#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod lab;
mod pty;

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowtop::flow::{L4, Protocol, Tuple};
use lab::entries::Entry;
use lab::{Host, Lab};
use pty::Session;

/// A directory of a test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("flowtop-taking-{test}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The one file in a directory below, and what is in it.
    fn file(&self, dir: &str) -> (PathBuf, String) {
        let mut files: Vec<_> = fs::read_dir(self.0.join(dir))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let path = files.remove(0);
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program at `host`, with its state in `scratch`.
fn flowtop(host: &Host, scratch: &Scratch, args: &[&str]) -> Command {
    let mut command = host.command(env!("CARGO_BIN_EXE_flowtop"));
    command
        .args(args)
        .env_remove("NO_COLOR")
        .env_remove("TMUX")
        .env_remove("STY")
        .env("XDG_STATE_HOME", &scratch.0);
    command
}

/// A host with so many flows to 203.0.113.1 port 443.
fn crowd(lab: &Lab, flows: u32) -> Host {
    let host = lab.host("crowd");
    host.track();
    host.create_flows((1..=flows).map(Entry::numbered));
    host
}

/// The texts that the program has put on the clipboard.
fn copied(session: &mut Session) -> Vec<String> {
    let raw = session.raw();
    let sequences = raw.split("\x1b]52;c;").skip(1);
    let decoded = sequences.filter_map(|rest| {
        let (text, _) = rest.split_once('\x07')?;
        String::from_utf8(STANDARD.decode(text).ok()?).ok()
    });
    decoded.collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn copies_reach_the_terminal() {
    lab::run("copies_reach_the_terminal", |lab| {
        let scratch = Scratch::new("copies");
        let host = crowd(lab, 1);
        let mut session = Session::start(flowtop(&host, &scratch, &["-nt", "0.2"]), 120, 30);
        session.wait_for("203.0.113.1");
        session.keys("jy");
        session.wait_for("far address");
        session.keys("f");
        session.wait_for("Copied the far address");
        session.keys("yd");
        session.wait_for("Copied the command that deletes this entry");
        session.keys("yj");
        session.wait_for("Copied the JSON record");
        let texts = copied(&mut session);
        assert_eq!(texts[0], "203.0.113.1");
        assert_eq!(
            texts[1],
            "conntrack -D -f ipv4 -s 10.0.0.1 -d 203.0.113.1 -p tcp --sport 1025 --dport 443 -w 0"
        );
        assert!(texts[2].starts_with("{\"v\":1,"), "{texts:?}");
        assert!(texts[2].contains("\"orig_dst\":\"203.0.113.1\""));
        session.keys("q");
        session.assert_clean_end();

        let mut inside = flowtop(&host, &scratch, &["-nt", "0.2"]);
        inside.env("TMUX", "/tmp/tmux-0/default,1,0");
        let mut session = Session::start(inside, 120, 30);
        session.wait_for("203.0.113.1");
        session.keys("jyf");
        session.wait_for("set-clipboard on");
        let raw = session.raw();
        let text = STANDARD.encode("203.0.113.1");
        assert!(raw.contains(&format!("\x1bPtmux;\x1b\x1b]52;c;{text}\x07\x1b\\")));
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn the_screen_and_all_rows_go_to_new_files() {
    lab::run("the_screen_and_all_rows_go_to_new_files", |lab| {
        const FLOWS: usize = 6000;
        let scratch = Scratch::new("files");
        let host = crowd(lab, FLOWS as u32);
        let args = ["-nt", "0.2", "-f", "port:443 and not src:10.0.0.7"];
        let mut session = Session::start(flowtop(&host, &scratch, &args), 160, 30);
        session.wait_for("5,999 of");
        session.keys("w");
        session.wait_for("The screen in ");
        let (path, text) = scratch.file("flowtop");
        assert!(
            text.contains("203.0.113.1") && text.contains("5,999"),
            "{text}"
        );
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(path.extension().unwrap(), "txt");
        fs::remove_file(&path).unwrap();

        session.keys("ec");
        session.wait_for("5,999 rows in ");
        let (path, text) = scratch.file("flowtop");
        assert_eq!(path.extension().unwrap(), "csv");
        assert_eq!(text.lines().count(), FLOWS, "a header and all rows but one");
        let column = text.lines().next().unwrap().split(',');
        let src = column.clone().position(|key| key == "orig_src").unwrap();
        let ended = text.lines().skip(1).filter(|line| {
            let cell = line.split(',').nth(src);
            cell == Some("10.0.0.7")
        });
        assert_eq!(ended.count(), 0, "the filter is in force");
        fs::remove_file(&path).unwrap();

        // A list of groups, as JSON.
        session.keys("2");
        session.wait_for("HOST");
        session.keys("ej");
        session.wait_for(".json");
        let (_, text) = scratch.file("flowtop");
        assert!(text.starts_with("{\"group\":\"host\""), "{text}");
        session.keys("q");
        session.assert_clean_end();
    });
}

#[test]
fn what_cannot_be_written_is_told_and_no_link_is_followed() {
    lab::run(
        "what_cannot_be_written_is_told_and_no_link_is_followed",
        |lab| {
            let scratch = Scratch::new("links");
            let host = crowd(lab, 3);
            let args = ["-nt", "0.2", "--export-dir", "/dev/null/here"];
            let mut session = Session::start(flowtop(&host, &scratch, &args), 120, 30);
            session.wait_for("203.0.113.1");
            session.keys("w");
            session.wait_for("cannot make /dev/null/here");
            session.keys("ec");
            session.wait_for("cannot make /dev/null/here");
            session.keys("q");
            session.assert_clean_end();

            // Somebody knows the names of the next ten minutes.
            let (dir, victim) = (scratch.0.join("dir"), scratch.0.join("victim"));
            fs::create_dir(&dir).unwrap();
            fs::write(&victim, "precious").unwrap();
            let now = jiff::Zoned::now();
            for second in 0..600 {
                let at = now.checked_add(jiff::Span::new().seconds(second)).unwrap();
                let file = format!("flowtop-{}.txt", at.strftime("%Y%m%d-%H%M%S"));
                symlink(&victim, dir.join(file)).unwrap();
            }
            let told = dir.display().to_string();
            let args = ["-nt", "0.2", "--export-dir", &told];
            let mut session = Session::start(flowtop(&host, &scratch, &args), 200, 30);
            session.wait_for("203.0.113.1");
            session.keys("w");
            session.wait_for("-2.txt");
            assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
            session.keys("q");
            session.assert_clean_end();
        },
    );
}

#[test]
fn a_mask_hides_addresses_everywhere() {
    lab::run("a_mask_hides_addresses_everywhere", |lab| {
        let scratch = Scratch::new("mask");
        let host = lab.host("masked");
        host.track();
        // Of ranges wide enough that none becomes itself, whatever the key.
        let (far, near) = ("81.2.69.142", "10.77.3.5");
        let entry = |port| {
            let ports = L4::Ports {
                src: port,
                dst: 443,
            };
            let (near, far) = (near.parse().unwrap(), far.parse().unwrap());
            Entry::new(Tuple::v4(near, far, Protocol::TCP, ports))
        };
        host.create_flows((5001..=5050).map(entry));
        let is_true = |text: &str| text.contains(far) || text.contains(near);
        let args = ["--mask", "-nst", "0.2", "-f", "host:81.2.69.142"];
        let mut session = Session::start(flowtop(&host, &scratch, &args), 160, 40);
        session.wait_for("masked");
        session.wait_for("ESTABLISHED");
        session.keys("j\r");
        session.wait_for("from");
        session.keys("yf");
        session.wait_for("Copied the far address");
        session.keys("w");
        session.wait_for("The screen in ");
        session.keys("ej");
        session.wait_for("50 rows in ");
        // Without details, and another list.
        session.keys("\r2");
        session.wait_for("HOST");
        assert!(!is_true(&session.raw()));
        assert_eq!(copied(&mut session).len(), 1);
        assert!(!is_true(&copied(&mut session).join("\n")));
        let files: Vec<_> = fs::read_dir(scratch.0.join("flowtop")).unwrap().collect();
        assert_eq!(files.len(), 2);
        for file in files {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(!is_true(&text), "{text}");
        }
        // Who may see it takes the mask off.
        session.keys("1m");
        session.wait_for(far);
        session.keys("q");
        session.assert_clean_end();

        for args in [
            &["list", "--mask"][..],
            &["list", "--mask", "-o", "json"],
            &["list", "--mask", "-o", "csv"],
            &["list", "--mask", "--fields", "orig_src,orig_dst,reply_dst"],
        ] {
            let output = flowtop(&host, &scratch, args).output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            assert!(text.lines().count() >= 50, "{text}");
            assert!(!is_true(&text), "{text}");
        }
    });
}

#[test]
fn a_table_has_the_columns_that_are_asked_for() {
    lab::run("a_table_has_the_columns_that_are_asked_for", |lab| {
        let scratch = Scratch::new("columns");
        let host = crowd(lab, 1);
        let table = |columns: &str| {
            let args = ["list", "--columns", columns];
            let output = flowtop(&host, &scratch, &args).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            String::from_utf8(output.stdout).unwrap()
        };
        let two = table("proto,dst,dport");
        let mut lines = two
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        assert_eq!(lines.next().unwrap(), ["PROTO", "DESTINATION", "DPORT"]);
        assert_eq!(lines.next().unwrap(), ["tcp", "203.0.113.1", "443"]);
        let more = table("+zone,-state");
        assert!(more.contains("ZONE") && more.contains("SOURCE"), "{more}");
        assert!(!more.contains("STATE"), "{more}");
    });
}
