//! The real program in a terminal of 160 columns, with nobody's configuration.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "a benchmark stops at the first surprise, and uses a part of the terminal"
)]
#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]

#[path = "../../tests/pty/mod.rs"]
mod pty;

use std::process::Command;

pub use pty::Session;

/// Of the terminal.
pub const ROWS: u16 = 50;

/// Starts the program.
pub fn start(args: &[&str]) -> Session {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowtop"));
    command
        .args(args)
        // The flows are made by hand: no rule asks for tracking.
        .args(["--source", "conntrack"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("LANG", "C.UTF-8");
    Session::start(command, 160, ROWS)
}
