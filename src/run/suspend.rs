//! Standing still when the shell wants the terminal, and going on afterwards.
//!
//! In raw mode Ctrl+Z is a key, not a signal. The viewer then asks [`stop_job`]
//! for what the terminal would have done: SIGTSTP for the whole job, so that a
//! script or `sudo` around flowtop stands still as well. From there on it is the
//! same whoever sent the signal:
//!
//! 1. SIGTSTP is blocked in every thread, and a thread of its own reads it.
//! 2. The viewer is told, gives the terminal back, and says so.
//! 3. The signal is let through. Its default action stops the process; where no
//!    shell waits for the job, the kernel drops it.
//! 4. SIGCONT comes, and the viewer takes the terminal anew. So it does when
//!    SIGCONT comes alone: after a SIGSTOP the shell has had the terminal, too.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use crate::tui::Message;

/// How long the viewer may take to give the terminal back. If it is stuck in
/// writing to it, the job stops all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// The two signals, blocked in this thread and in all that it starts.
pub(super) struct JobControl(SigSet);

/// Stops the job that this process belongs to.
pub(super) fn stop_job() {
    // Only a process that may not signal itself could fail.
    let _ = kill(Pid::from_raw(0), Signal::SIGTSTP);
}

impl JobControl {
    /// Blocks the signals. Before any thread is started: one that does not
    /// block them would stop at once.
    pub(super) fn take_over() -> io::Result<Self> {
        let both = SigSet::from_iter([Signal::SIGTSTP, Signal::SIGCONT]);
        both.thread_block()?;
        Ok(Self(both))
    }

    /// Reads them in a thread of its own.
    pub(super) fn watch(self, screen: SyncSender<Message>) -> io::Result<()> {
        let signals = SignalFd::with_flags(&self.0, SfdFlags::SFD_CLOEXEC)?;
        let now = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let continued = SignalFd::with_flags(&SigSet::from(Signal::SIGCONT), now)?;
        let body = move || {
            while let Ok(Some(signal)) = signals.read_signal() {
                let is_stop = signal.ssi_signo == Signal::SIGTSTP as u32;
                let goes_on = || matches!(continued.read_signal(), Ok(Some(_)));
                let has_stopped = if is_stop {
                    match stop(&screen, goes_on) {
                        Some(has_stopped) => has_stopped,
                        None => return,
                    }
                } else {
                    true
                };
                if screen.send(Message::Resumed { has_stopped }).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("suspend".into())
            .spawn(body)
            .map(drop)
    }
}

/// Stops once the viewer has given the terminal back; whether anybody has let the
/// process go on since, which `goes_on` tells once. `None` if the viewer is over.
fn stop(screen: &SyncSender<Message>, goes_on: impl Fn() -> bool) -> Option<bool> {
    let (given_back, answer) = sync_channel(1);
    screen.send(Message::Suspend(given_back)).ok()?;
    let _ = answer.recv_timeout(PATIENCE);
    if goes_on() {
        // A script around this stood still at once, and the shell has let both
        // go on already. To stop now would be to stop for good.
        return Some(true);
    }
    let stop = SigSet::from(Signal::SIGTSTP);
    // The process stands still within `raise`, whose signal is for this thread
    // alone: no other one lets it through.
    let _ = stop.thread_unblock();
    let _ = raise(Signal::SIGTSTP);
    let _ = stop.thread_block();
    // What let the process go on is pending by now.
    Some(goes_on())
}
