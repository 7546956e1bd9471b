//! The terminal while the viewer has it.

use std::io::{self, BufWriter, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::state::Size;

/// Room for a full frame with its colours on a large screen.
const FRAME_BYTES: usize = 64 * 1024;

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// Raw mode and the alternate screen. Dropping it gives the terminal back as
/// it was; so does a panic of any thread, before its text is written, so that
/// the text stays readable.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<io::Stdout>>>,
    /// Set when a panic has given the terminal back.
    lost: Arc<AtomicBool>,
    previous_hook: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn enter() -> io::Result<Self> {
        // A frame leaves in one piece.
        let out = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(out))?;
        let lost = Arc::new(AtomicBool::new(false));
        let previous_hook: Arc<Hook> = Arc::from(panic::take_hook());
        panic::set_hook(Box::new({
            let lost = Arc::clone(&lost);
            let previous = Arc::clone(&previous_hook);
            move |info| {
                if !lost.swap(true, Ordering::SeqCst) {
                    give_back();
                }
                previous(info);
            }
        }));
        // From here on the guard exists, so that a failure half-way undoes
        // what was done.
        let mut screen = Self {
            terminal,
            lost,
            previous_hook,
        };
        enable_raw_mode()?;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        screen.clear()?;
        Ok(screen)
    }

    pub(super) fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        Ok(Size {
            width: size.width,
            height: size.height,
        })
    }

    /// Makes the next drawing a complete one.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        // Not Terminal::clear: that asks the terminal where its cursor is, and
        // the thread that reads keys would take the answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Sends what is no drawing. What was drawn has left before.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let out = self.terminal.backend_mut();
        out.write_all(bytes)?;
        Write::flush(out)
    }

    /// Draws what has changed.
    ///
    /// # Errors
    /// If the terminal is gone, or a panic elsewhere has given it back.
    pub(super) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        if self.lost.load(Ordering::SeqCst) {
            return Err(io::Error::other(
                "part of the program has failed; the text above says where",
            ));
        }
        self.terminal.draw(render).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !self.lost.swap(true, Ordering::SeqCst) {
            give_back();
        }
        // The hook cannot be changed while it runs.
        if !thread::panicking() {
            let previous = Arc::clone(&self.previous_hook);
            panic::set_hook(Box::new(move |info| previous(info)));
        }
    }
}

/// Gives the terminal back. What fails here has no one left to be told.
fn give_back() {
    let mut out = io::stdout();
    let _ = execute!(
        out,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
}
