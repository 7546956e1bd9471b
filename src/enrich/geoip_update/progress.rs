//! Telling how an update goes while it goes.

use std::io::Write;

use super::report::Item;

/// A step of an update.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A mirror is asked for the database called `name`.
    Asking {
        /// Kind or edition.
        name: &'a str,
        /// The mirror's address without secrets.
        from: &'a str,
    },
    /// Part of the file has come.
    Received {
        /// Kind or edition.
        name: &'a str,
        /// Bytes so far, as sent.
        bytes: u64,
        /// Bytes in all, if the server said.
        total: Option<u64>,
    },
    /// Every record is being decoded.
    Verifying {
        /// Kind or edition.
        name: &'a str,
    },
    /// The verified file is about to take its place.
    Installing {
        /// Kind or edition.
        name: &'a str,
    },
    /// The database is done with.
    Finished(&'a Item),
}

/// Somebody who watches an update.
pub trait Progress {
    /// Called at each step.
    fn event(&mut self, event: &Event<'_>);

    /// Asked often; `true` ends the update soon and leaves nothing behind. For
    /// signals.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Progress for () {
    fn event(&mut self, _: &Event<'_>) {}
}

/// Bytes between two updates of the line.
const STEP: u64 = 256 << 10;

/// Progress for people: one line that is written over on a terminal, and in any
/// case the lines of each finished database.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    is_terminal: bool,
    drawn: u64,
}

impl<W: Write> Lines<W> {
    /// Writes to `out`, which `is_terminal` or not.
    pub fn new(out: W, is_terminal: bool) -> Self {
        Self {
            out,
            is_terminal,
            drawn: 0,
        }
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// Writes over the line, on a terminal. Nobody is served by an update that
    /// fails because its progress cannot be shown.
    fn draw(&mut self, text: &str) {
        if self.is_terminal {
            let _ = write!(self.out, "\r\x1b[K{text}");
            let _ = self.out.flush();
        }
    }
}

impl<W: Write> Progress for Lines<W> {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Asking { name, from } => {
                self.drawn = 0;
                self.draw(&format!("{name}: asking {from}"));
            }
            Event::Received { name, bytes, total } => {
                if bytes < self.drawn + STEP && total != Some(bytes) {
                    return;
                }
                self.drawn = bytes;
                let done = bytes as f64 / 1e6;
                match total {
                    Some(total) => self.draw(&format!(
                        "{name}: {done:.1} of {:.1} MB",
                        total as f64 / 1e6
                    )),
                    None => self.draw(&format!("{name}: {done:.1} MB")),
                }
            }
            Event::Verifying { name } => self.draw(&format!("{name}: verifying every record")),
            Event::Installing { .. } => {}
            Event::Finished(item) => {
                self.draw("");
                let _ = writeln!(self.out, "{item}");
            }
        }
    }
}
