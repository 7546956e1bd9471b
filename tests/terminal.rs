//! The terminal is given back and readable, however the viewer ends.
//!
//! The test runs itself again on a pseudo-terminal, as a viewer to which
//! things happen that the program avoids.

#![expect(unsafe_code, reason = "a pseudo-terminal is made by system calls")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy does not see that these are tests as well"
)]

#[expect(dead_code, unreachable_pub, reason = "other tests need more of it")]
mod pty;

use std::env;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use flowtop::flow::Scope;
use flowtop::tui::theme::{Depth, Themes};
use flowtop::tui::{Ending, Message, Multiplexer, Settings, read_input, run};
use flowtop::view::column::{Choice, Hosts};
use flowtop::view::filter::Definitions;
use flowtop::view::group::Widths;
use flowtop::view::health;
use flowtop::view::mask::Mask;
use flowtop::view::units::RateUnit;
use pty::Session;

/// Names what is to happen to the viewer.
const FATE: &str = "FLOWTOP_TEST_FATE";
/// Ends the alternate screen.
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
        filter: None,
        show_source: false,
        columns: Choice::default(),
        subnets: Widths::default(),
        unit: RateUnit::Bytes,
        tiers: flowtop::view::units::Tiers::default(),
        memory: flowtop::tui::memory::Memory::default(),
        hosts: Hosts::Name,
        keys: flowtop::tui::Keymap::default(),
        themes: Themes::new(Depth::Ansi),
        mask: Mask::new([7; 32], []),
        is_masked: false,
        json: flowtop::output::record,
        group_json: flowtop::output::object,
        multiplexer: Multiplexer::None,
        mouse: true,
        service: None,
        saved: Definitions::default(),
        health: health::Settings::default(),
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
    let errand = &mut |_| {
        let _ = asked.try_send(());
        None
    };
    let track = &mut || Err("nobody asked for it".to_owned());
    let ending = run(settings, &messages, errand, track);
    match ending {
        Ok(Ending::Quit) => eprintln!("ended: quit"),
        Ok(Ending::QuitShowing) => eprintln!("ended: quit, and showed"),
        Ok(Ending::Failed(why)) => eprintln!("ended: {why}"),
        Err(error) => eprintln!("ended: error: {error}"),
    }
}

fn start(fate: &str) -> Session {
    let mut command = Command::new(env::current_exe().expect("this test"));
    command
        .args(["--exact", "viewer", "--ignored", "--nocapture"])
        .env(FATE, fate)
        .env("RUST_BACKTRACE", "0");
    Session::start(command, 80, 24)
}

/// What was written after the alternate screen, which was left once.
fn after(mut session: Session) -> String {
    session.assert_clean_end();
    let output = session.raw();
    let parts: Vec<&str> = output.split(LEAVE).collect();
    assert_eq!(parts.len(), 2, "{output}");
    parts[1].to_owned()
}

#[test]
fn what_is_pasted_is_not_typed() {
    let mut session = start("none");
    session.wait_for("Reading");
    session.keys("\x1b[200~q\x03quit\x1b[201~?");
    // By the key after it, if nothing has ended before.
    session.wait_for("Help");
    session.keys("qq");
    assert!(after(session).contains("ended: quit"));
}

#[test]
fn a_request_to_stop_ends_it() {
    assert!(after(start("stop")).contains("ended: quit"));
}

#[test]
fn a_terminal_that_only_writes_lines_is_left_alone() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowtop"));
    command.env("TERM", "dumb");
    let mut session = Session::start(command, 200, 24);
    session.wait_for("flowtop: the viewer cannot draw: TERM is dumb");
    assert_eq!(session.end().code(), Some(1));
    let raw = session.raw();
    assert!(!raw.contains('\x1b'), "{raw:?}");
    assert!(raw.contains("flowtop list"), "{raw:?}");
}

#[test]
fn why_the_source_failed_is_said_afterwards() {
    assert!(after(start("fail")).contains("ended: no such module"));
}

/// The original prints the message of a panic to the alternate screen, which
/// takes it along when it goes.
#[test]
fn the_text_of_a_panic_stays_readable() {
    let text = after(start("panic"));
    assert!(text.contains("an engine fell over"), "{text}");
    assert!(text.contains("ended: error: part of the program has failed"));
}
