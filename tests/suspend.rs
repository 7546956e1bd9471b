//! Ctrl+Z and `fg` under a real shell, and `Q`, which leaves the screen behind.
//!
//! These watch sockets, which anybody may.

#![expect(unsafe_code, reason = "a pseudo-terminal is made by system calls")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "clippy does not see that these are tests as well"
)]

#[expect(dead_code, unreachable_pub, reason = "other tests need more of it")]
mod pty;

use std::fs;
use std::process::Command;

use pty::Session;

/// What the shell of these tests says when it waits for a command.
const PROMPT: &str = "ready> ";
const FLOWTOP: &str = env!("CARGO_BIN_EXE_flowtop");
/// How the terminal is told that buttons are watched, and that they are not.
const WATCH: &str = "\x1b[?1000h";
const IGNORE: &str = "\x1b[?1000l";

/// A shell that runs its commands as jobs.
fn shell(columns: u16, rows: u16) -> Session {
    let mut command = Command::new("sh");
    command.args(["-i", "-m"]).env("PS1", PROMPT);
    command.env_remove("ENV").env_remove("NO_COLOR");
    command
        .env("HOME", "/nowhere")
        .env_remove("XDG_CONFIG_HOME");
    let mut session = Session::start(command, columns, rows);
    session.wait_for(PROMPT);
    session
}

fn type_line(session: &mut Session, line: &str) {
    session.keys(line);
    session.keys("\r");
}

fn viewer(args: &str) -> String {
    format!("{FLOWTOP} --source sockets -n -G --no-process {args}")
}

/// Whether the viewer is on the screen.
fn is_shown(text: &str) -> bool {
    text.contains("1 Flows") && text.contains(" quit")
}

fn wait_for_viewer(session: &mut Session) {
    session.wait("the viewer", is_shown);
    assert!(session.is_alternate());
}

fn wait_for_shell(session: &mut Session) {
    session.wait("the shell", |text| {
        !is_shown(text) && text.trim_end().ends_with(PROMPT.trim_end())
    });
    assert!(!session.is_alternate(), "the alternate screen is still on");
}

/// The process of the viewer, a child of the shell.
fn pid(session: &Session) -> i32 {
    let shell = session.pid();
    let children = format!("/proc/{shell}/task/{shell}/children");
    let children = fs::read_to_string(children).expect("the kernel tells of children");
    let first = children.split_whitespace().next();
    first.expect("one runs").parse().expect("a number")
}

fn send(pid: i32, signal: i32) {
    // SAFETY: kill(2) takes no pointers; the process is the shell's job.
    let result = unsafe { libc::kill(pid, signal) };
    assert_eq!(result, 0);
}

#[test]
fn ctrl_z_leaves_the_terminal_to_the_shell_and_fg_takes_it_again() {
    let mut session = shell(100, 20);
    type_line(&mut session, &viewer(""));
    wait_for_viewer(&mut session);
    for round in 0..3 {
        session.keys("\x1a");
        wait_for_shell(&mut session);
        assert!(!session.is_cursor_hidden());
        let ended = session.raw();
        assert!(ended.rfind(IGNORE) > ended.rfind(WATCH), "round {round}");
        // The terminal echoes and edits lines: it is the shell's.
        type_line(&mut session, "echo $((6 * 7))");
        session.wait_for("42");
        // What has become of the terminal meanwhile is seen.
        let width = 70 + 10 * round;
        session.resize(width, 16 + round);
        type_line(&mut session, "clear; fg");
        wait_for_viewer(&mut session);
        let lines = usize::from(16 + round);
        session.wait("the new size", |text| {
            text.lines()
                .nth(lines - 1)
                .is_some_and(|line| line.contains("quit"))
        });
        // Keys arrive one by one again.
        session.keys("?");
        session.wait_for("Help");
        session.keys("\x1b");
        session.wait("no help", |text| !text.contains("Help"));
        let ended = session.raw();
        assert!(ended.rfind(WATCH) > ended.rfind(IGNORE), "round {round}");
    }
    session.keys("q");
    wait_for_shell(&mut session);
    type_line(&mut session, "exit");
    session.assert_clean_end();
}

#[test]
fn signals_stop_it_as_the_key_does() {
    let mut session = shell(80, 20);
    type_line(&mut session, &viewer(""));
    wait_for_viewer(&mut session);
    send(pid(&session), libc::SIGTSTP);
    wait_for_shell(&mut session);
    type_line(&mut session, "fg");
    wait_for_viewer(&mut session);

    // Nobody can prepare for this one; but the terminal is put right when the
    // shell has had it.
    send(pid(&session), libc::SIGSTOP);
    session.wait("the shell", |text| {
        text.trim_end().ends_with(PROMPT.trim_end())
    });
    // It is still raw, so that Return is no end of a line.
    session.keys("clear\n");
    session.wait("nothing", |text| !is_shown(text));
    session.keys("fg\n");
    wait_for_viewer(&mut session);
    session.keys("?");
    session.wait_for("Help");
    session.keys("q");
    session.wait("no help", |text| !text.contains("Help"));

    // One that ends it while it stands still is heard when it goes on.
    session.keys("\x1a");
    wait_for_shell(&mut session);
    send(pid(&session), libc::SIGTERM);
    type_line(&mut session, "fg; echo $((6 * 7))");
    session.wait_for("42");
    wait_for_shell(&mut session);
    type_line(&mut session, "exit");
    session.assert_clean_end();
}

#[test]
fn a_script_around_it_stands_still_as_well() {
    let mut session = shell(80, 20);
    type_line(&mut session, &format!("sh -c '{}; echo after'", viewer("")));
    wait_for_viewer(&mut session);
    session.keys("\x1a");
    wait_for_shell(&mut session);
    assert!(!session.text().contains("after\n"));
    type_line(&mut session, "fg");
    wait_for_viewer(&mut session);
    session.keys("q");
    session.wait("the script goes on", |text| text.contains("\nafter"));
    type_line(&mut session, "exit");
    session.assert_clean_end();
}

#[test]
fn without_a_shell_it_goes_on() {
    let mut command = Command::new(FLOWTOP);
    command.args(["--source", "sockets", "-n", "-G"]);
    let mut session = Session::start(command, 80, 20);
    wait_for_viewer(&mut session);
    session.keys("\x1a");
    session.wait_for("no shell waits for it");
    assert!(session.is_alternate());
    session.keys("q");
    session.assert_clean_end();
}

#[test]
fn the_last_screen_is_left_behind_if_that_is_asked_for() {
    let mut session = shell(80, 20);
    type_line(&mut session, &viewer("-b"));
    wait_for_viewer(&mut session);
    session.keys("Q");
    session.wait("the shell", |text| {
        text.contains("1 Flows") && text.trim_end().ends_with(PROMPT.trim_end())
    });
    assert!(!session.is_alternate());
    assert!(session.text().contains("1 Flows"));
    let raw = session.raw();
    let left = raw.rsplit("\x1b[?1049l").next().unwrap_or_default();
    assert!(
        left.contains("\x1b[38;5;") || left.contains("\x1b[1m"),
        "with its looks"
    );

    type_line(&mut session, "clear");
    // Nothing may be typed ahead: the prompt below the viewer has to be a new one.
    session.wait("a clear screen", |text| text.trim() == PROMPT.trim());
    type_line(&mut session, &viewer("-b"));
    wait_for_viewer(&mut session);
    session.keys("q");
    wait_for_shell(&mut session);
    assert!(!session.text().contains("1 Flows"));
    type_line(&mut session, "exit");
    session.assert_clean_end();
}
