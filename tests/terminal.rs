//! The terminal is as before when the viewer has ended, however it ended.
//!
//! The test runs itself again on a pseudo-terminal, as the viewer.

#![expect(unsafe_code, reason = "a pseudo-terminal is made by system calls")]
#![expect(
    clippy::expect_used,
    reason = "clippy does not see that these are tests as well"
)]

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use flowtop::flow::Scope;
use flowtop::tui::{Ending, Message, Settings, read_input, run};
use flowtop::view::units::RateUnit;

/// Names what is to happen to the viewer.
const FATE: &str = "FLOWTOP_TEST_FATE";
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";

/// Not a test by itself: the viewer that the others look at.
#[test]
#[ignore = "runs only as the child of the other tests"]
fn viewer() {
    let Ok(fate) = env::var(FATE) else {
        return;
    };
    let settings = Settings {
        host: "test".to_owned(),
        namespace: None,
        interval: Duration::from_secs(1),
        scope: Scope::default(),
        show_source: false,
        unit: RateUnit::Bytes,
        color: true,
        source_label: "ct",
    };
    let (sender, messages) = sync_channel(16);
    let input = sender.clone();
    thread::spawn(move || read_input(&input, &AtomicBool::new(false)));
    // The first question is asked when the terminal has been taken.
    let (asked, wait) = sync_channel(1);
    thread::spawn(move || {
        let _ = wait.recv();
        match fate.as_str() {
            "panic" => panic!("an engine fell over"),
            "stop" => drop(sender.send(Message::Stop)),
            "fail" => drop(sender.send(Message::Failed("no such module".to_owned()))),
            _ => {}
        }
    });
    let ending = run(settings, &messages, &mut |_| {
        let _ = asked.try_send(());
    });
    match ending {
        Ok(Ending::Quit) => eprintln!("ended: quit"),
        Ok(Ending::Failed(why)) => eprintln!("ended: {why}"),
        Err(error) => eprintln!("ended: error: {error}"),
    }
}

/// What a viewer wrote to its terminal. Each of `keys` is typed when a word has
/// been shown.
fn watch(fate: &str, keys: &[(&str, &[u8])]) -> String {
    let (master, slave) = terminal();
    let before = modes(&master);
    let end = || Stdio::from(slave.try_clone().expect("a copy of the terminal"));
    let mut command = Command::new(env::current_exe().expect("this test"));
    command
        .args(["--exact", "viewer", "--ignored", "--nocapture"])
        .env(FATE, fate)
        .env("RUST_BACKTRACE", "0")
        .stdin(end())
        .stdout(end())
        .stderr(end());
    // SAFETY: both calls are async-signal-safe and use descriptors of the
    // child only.
    unsafe {
        command.pre_exec(|| {
            libc::setsid();
            libc::ioctl(0, libc::TIOCSCTTY, 0);
            Ok(())
        });
    }
    let mut child = command.spawn().expect("this test can run itself");
    let mut master = File::from(master);
    let mut seen = Vec::new();
    let mut chunk = [0; 4096];
    let mut keys = keys.iter().peekable();
    let text = |seen: &[u8]| String::from_utf8_lossy(seen).into_owned();
    let is_over = |seen: &[u8]| {
        let seen = text(seen);
        let last = seen.split_once("ended: ");
        last.is_some_and(|(_, line)| line.contains('\n'))
    };
    while !is_over(&seen) {
        let count = master.read(&mut chunk).expect("output of the viewer");
        seen.extend_from_slice(&chunk[..count]);
        if let Some((_, typed)) = keys.next_if(|(word, _)| text(&seen).contains(word)) {
            master.write_all(typed).expect("keys for the viewer");
        }
    }
    child.wait().expect("the viewer ends");
    assert!(before == modes(&master), "terminal modes differ");
    text(&seen)
}

fn terminal() -> (OwnedFd, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let mut size = libc::winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the pointers are to live variables, or null where that is
    // allowed; the descriptors are new and owned by nobody else.
    unsafe {
        let null = std::ptr::null_mut();
        let made = libc::openpty(
            &raw mut master,
            &raw mut slave,
            null,
            null.cast(),
            &raw mut size,
        );
        assert_eq!(made, 0, "no pseudo-terminal");
        (OwnedFd::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

fn modes(terminal: &impl AsRawFd) -> [u32; 4] {
    // SAFETY: zeroes are a valid termios, and the pointer is to a live one.
    let modes = unsafe {
        let mut modes: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(terminal.as_raw_fd(), &raw mut modes), 0);
        modes
    };
    [modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag]
}

/// Everything after the alternate screen, which must have been entered once
/// and left once.
fn after(output: &str) -> &str {
    assert_eq!(output.matches(ENTER).count(), 1, "{output}");
    assert_eq!(output.matches(LEAVE).count(), 1, "{output}");
    let (_, after) = output.split_once(LEAVE).unwrap_or_default();
    assert!(
        after.contains("\x1b[?25h"),
        "the cursor is visible: {output}"
    );
    after
}

#[test]
fn a_key_ends_it() {
    assert!(after(&watch("none", &[("Reading", b"jTq")])).contains("ended: quit"));
    assert!(after(&watch("none", &[("Reading", b"?\x03")])).contains("ended: quit"));
}

#[test]
fn what_is_pasted_is_not_typed() {
    let paste = b"\x1b[200~q\x03quit\x1b[201~?";
    // Help is shown by the key after it, if nothing has ended before.
    let output = watch("none", &[("Reading", paste), ("Help", b"qq")]);
    assert!(output.contains("Help"), "{output}");
    assert!(after(&output).contains("ended: quit"));
}

#[test]
fn a_signal_ends_it() {
    assert!(after(&watch("stop", &[])).contains("ended: quit"));
}

#[test]
fn why_the_source_failed_is_said_afterwards() {
    assert!(after(&watch("fail", &[])).contains("ended: no such module"));
}

/// The original prints the message of a panic to the alternate screen, which
/// takes it along when it goes.
#[test]
fn the_text_of_a_panic_stays_readable() {
    let output = watch("panic", &[]);
    let after = after(&output);
    assert!(after.contains("an engine fell over"), "{output}");
    assert!(after.contains("ended: error: part of the program has failed"));
}
