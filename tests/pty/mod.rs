//! The real program in a pseudo-terminal: types keys, resizes, and reads the
//! screen as a terminal would show it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The variable that says where state is kept.
const STATE_HOME: &str = "XDG_STATE_HOME";
/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Session {
    child: Child,
    master: File,
    /// Our own descriptor of the terminal, to read its settings when the
    /// program has ended.
    terminal: OwnedFd,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// Where it keeps what it remembers, if it does.
    state: PathBuf,
}

impl Session {
    /// Starts `command` as the foreground of a new terminal.
    pub fn start(mut command: Command, columns: u16, rows: u16) -> Self {
        let (master, terminal) = open_pty(columns, rows);
        let stdio = || Stdio::from(terminal.try_clone().expect("a descriptor"));
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        // What it remembers is not that of whoever runs the tests.
        let state = state_dir();
        if !command.get_envs().any(|(name, _)| name == STATE_HOME) {
            command.env(STATE_HOME, &state);
        }
        let new_session = || {
            // SAFETY: setsid(2) and this ioctl(2) take no pointers; descriptor
            // 0 is the terminal.
            let failed = unsafe { libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 };
            if failed {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        };
        // SAFETY: the closure makes two system calls and allocates nothing.
        unsafe { command.pre_exec(new_session) };
        let child = command.spawn().expect("the program starts");
        let (sender, output) = channel();
        let mut reader = master.try_clone().expect("a descriptor");
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end is EIO: no process has the terminal open any more.
            while let Ok(len) = reader.read(&mut buffer) {
                if len == 0 || sender.send(buffer[..len].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            master,
            terminal,
            output,
            screen: vt100::Parser::new(cells(rows), cells(columns), 0),
            raw: Vec::new(),
            state,
        }
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.master
            .write_all(keys.as_bytes())
            .expect("the terminal takes keys");
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let size = window(columns, rows);
        // SAFETY: `size` outlives the call.
        let result =
            unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        self.screen
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// What the terminal shows.
    pub fn text(&mut self) -> String {
        while let Ok(bytes) = self.output.try_recv() {
            self.screen.process(&bytes);
            self.raw.extend(bytes);
        }
        self.screen.screen().contents()
    }

    /// Everything that was written to the terminal.
    pub fn raw(&mut self) -> String {
        self.text();
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// Whether the alternate screen is on.
    pub fn is_alternate(&mut self) -> bool {
        self.text();
        self.screen.screen().alternate_screen()
    }

    /// Whether the cursor is hidden.
    pub fn is_cursor_hidden(&mut self) -> bool {
        self.text();
        self.screen.screen().hide_cursor()
    }

    /// The process that was started.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the screen satisfies `condition`.
    pub fn wait(&mut self, what: &str, condition: impl Fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            let text = self.text();
            if condition(&text) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("the program ended ({status}) before {what}; the screen:\n{text}");
            }
            assert!(start.elapsed() < PATIENCE, "no {what}; the screen:\n{text}");
            // As soon as more is there; `text` takes it from here.
            if let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(10)) {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
            }
        }
    }

    /// Waits until the screen holds `text`.
    pub fn wait_for(&mut self, text: &str) {
        self.wait(&format!("{text:?} on the screen"), |screen| {
            screen.contains(text)
        });
    }

    /// Takes the terminal away, as a lost connection does.
    pub fn hang_up(&mut self) {
        // The reader's copy of the descriptor stays until it reads the end,
        // so the kernel is told by hand: this is what a hang-up sends.
        self.master = File::open("/dev/null").expect("/dev/null");
        self.signal(libc::SIGHUP);
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes no pointers; the child has not been waited for.
        unsafe { libc::kill(self.child.id() as i32, signal) };
    }

    /// Waits for the end of the program.
    pub fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let text = self.text();
        panic!("the program does not end; the screen:\n{text}");
    }

    /// Asserts that the program ended well and left the terminal as it was.
    pub fn assert_clean_end(&mut self) {
        let status = self.end();
        assert_eq!(
            status.code(),
            Some(0),
            "signal {:?}\n{}",
            status.signal(),
            self.text()
        );
        // What it wrote last may still be on its way through the terminal.
        let start = Instant::now();
        while (self.is_alternate() || self.screen.screen().hide_cursor())
            && start.elapsed() < PATIENCE
        {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!self.is_alternate(), "the alternate screen is still on");
        assert!(
            !self.screen.screen().hide_cursor(),
            "the cursor is still hidden"
        );
        let flags = local_flags(self.terminal.as_raw_fd());
        let cooked = libc::ICANON | libc::ECHO | libc::ISIG;
        assert_eq!(flags & cooked, cooked, "the terminal is still raw");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.state);
    }
}

/// A directory for one session. Nobody makes it who has nothing to keep.
fn state_dir() -> PathBuf {
    static SESSIONS: AtomicUsize = AtomicUsize::new(0);
    let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("flowtop-state-{}-{number}", std::process::id()))
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has rows and columns")
}

fn window(columns: u16, rows: u16) -> libc::winsize {
    libc::winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

fn open_pty(columns: u16, rows: u16) -> (File, OwnedFd) {
    let (mut master, mut terminal): (RawFd, RawFd) = (-1, -1);
    let size = window(columns, rows);
    // SAFETY: the pointers are valid or null as openpty(3) allows.
    let result = unsafe {
        libc::openpty(
            &raw mut master,
            &raw mut terminal,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        )
    };
    assert_eq!(result, 0, "openpty: {}", io::Error::last_os_error());
    for fd in [master, terminal] {
        // SAFETY: fcntl(2) with these arguments takes no pointers.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // SAFETY: openpty(3) made both, and nobody else owns them.
    unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(terminal)) }
}

fn local_flags(terminal: RawFd) -> libc::tcflag_t {
    // SAFETY: an all-zero termios is valid for the kernel to write to.
    unsafe {
        let mut settings: libc::termios = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(terminal, &raw mut settings), 0);
        settings.c_lflag
    }
}
