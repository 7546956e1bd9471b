//! The terminal while the viewer has it.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::style::{ContentStyle, PrintStyledContent};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, cursor, execute, queue};
use ratatui::backend::{CrosstermBackend, IntoCrossterm};
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use ratatui::{Frame, Terminal};

use super::state::Size;

/// Room for a full frame with its colours on a large screen.
const FRAME_BYTES: usize = 64 * 1024;

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// Has the terminal report buttons and the wheel, in the notation that knows
/// columns beyond 223 (SGR, mode 1006). Not its moves: each would be a message
/// for nothing.
struct WatchButtons;

impl Command for WatchButtons {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\x1b[?1000h\x1b[?1006h")
    }
}

/// Takes that back.
struct IgnoreButtons;

impl Command for IgnoreButtons {
    fn write_ansi(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_str("\x1b[?1006l\x1b[?1000l")
    }
}

/// What was done to the terminal, and by whom it is undone.
#[derive(Default)]
struct Hold {
    /// Whether the terminal is ours. Whoever unsets this gives it back.
    taken: AtomicBool,
    /// Whether a panic has given it back.
    lost: AtomicBool,
}

impl Hold {
    fn give_back(&self) {
        if self.taken.swap(false, Ordering::SeqCst) {
            give_back();
        }
    }
}

/// Raw mode and the alternate screen. Dropping it gives the terminal back as
/// it was; so does a panic of any thread, before its text is written, so that
/// the text stays readable.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<io::Stdout>>>,
    hold: Arc<Hold>,
    /// Whether the mouse is ours as well.
    mouse: bool,
    previous_hook: Arc<Hook>,
}

impl Screen {
    /// Takes the terminal, with or without the mouse.
    pub(super) fn enter(mouse: bool) -> io::Result<Self> {
        // A frame leaves in one piece.
        let out = BufWriter::with_capacity(FRAME_BYTES, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(out))?;
        let hold = Arc::new(Hold::default());
        let previous_hook: Arc<Hook> = Arc::from(panic::take_hook());
        panic::set_hook(Box::new({
            let hold = Arc::clone(&hold);
            let previous = Arc::clone(&previous_hook);
            move |info| {
                hold.lost.store(true, Ordering::SeqCst);
                hold.give_back();
                previous(info);
            }
        }));
        // From here on the guard exists, so that a failure half-way undoes
        // what was done.
        let mut screen = Self {
            terminal,
            hold,
            mouse,
            previous_hook,
        };
        screen.take()?;
        Ok(screen)
    }

    /// Takes the terminal, also where it was given back for a while, or where
    /// a shell has changed it meanwhile. The next drawing is a complete one.
    pub(super) fn take(&mut self) -> io::Result<()> {
        self.hold.taken.store(true, Ordering::SeqCst);
        // Where it is raw by what we know, a shell may know better.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(
            io::stdout(),
            EnterAlternateScreen,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        if self.mouse {
            execute!(io::stdout(), WatchButtons)?;
        }
        self.clear()
    }

    /// Gives the terminal back until it is taken again.
    pub(super) fn give_back(&self) {
        self.hold.give_back();
    }

    /// Has the terminal report the mouse, or leave it to whom it belongs.
    pub(super) fn set_mouse(&mut self, mouse: bool) -> io::Result<()> {
        if self.mouse == mouse {
            return Ok(());
        }
        self.mouse = mouse;
        if mouse {
            execute!(io::stdout(), WatchButtons)
        } else {
            execute!(io::stdout(), IgnoreButtons)
        }
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
        if self.hold.lost.load(Ordering::SeqCst) {
            return Err(io::Error::other(
                "part of the program has failed; the text above says where",
            ));
        }
        self.terminal.draw(render).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.hold.give_back();
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
    // The mouse in any case: a panic does not know whether it was ours.
    let _ = execute!(
        out,
        IgnoreButtons,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// Writes a screen as lines, for a terminal that has been given back. What
/// nobody would see at their ends is left out.
pub(super) fn write_lines(screen: &Buffer, out: &mut impl Write) -> io::Result<()> {
    let is_seen = |cell: &Cell| {
        let is_reversed = cell.modifier.contains(Modifier::REVERSED);
        cell.symbol() != " " || cell.bg != Color::Reset || is_reversed
    };
    for row in screen
        .content()
        .chunks(usize::from(screen.area.width).max(1))
    {
        let end = row.iter().rposition(is_seen).map_or(0, |last| last + 1);
        let mut runs: Vec<(Style, String)> = Vec::new();
        // A wide character covers the cell after it.
        let mut covered = 0;
        for cell in &row[..end] {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = Span::raw(cell.symbol()).width().saturating_sub(1);
            match runs.last_mut() {
                Some((style, text)) if *style == cell.style() => text.push_str(cell.symbol()),
                _ => runs.push((cell.style(), cell.symbol().to_owned())),
            }
        }
        for (style, text) in runs {
            let plain = |color: &Color| *color != Color::Reset;
            let style = Style {
                fg: style.fg.filter(plain),
                bg: style.bg.filter(plain),
                ..style
            };
            let style: ContentStyle = style.into_crossterm();
            queue!(out, PrintStyledContent(style.apply(text)))?;
        }
        out.write_all(b"\n")?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    #[test]
    fn a_screen_becomes_lines() {
        let mut screen = Buffer::empty(Rect::new(0, 0, 8, 3));
        screen.set_string(0, 0, "ab", Style::new());
        screen.set_string(2, 0, "鰻d", Style::new().fg(Color::Red));
        screen.set_style(
            Rect::new(0, 2, 3, 1),
            Style::new().add_modifier(Modifier::REVERSED),
        );
        let mut out = Vec::new();
        write_lines(&screen, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let plain: String = {
            let mut parts = out.split('\x1b');
            let first = parts.next().unwrap_or_default().to_owned();
            let rest = parts.filter_map(|part| part.split_once('m'));
            first + &rest.map(|(_, text)| text).collect::<String>()
        };
        assert_eq!(plain, "ab鰻d\n\n   \n");
    }
}
