//! Storms of keys, clicks, pasted garbage, sizes and signals over the real
//! program: afterwards it still answers, and the terminal is as it was.
//!
//! A few seconds of it are part of every run of the tests.
//! `FLOWTOP_TEST_STORM_SECS=300 cargo test --test storm` goes on for so long,
//! each round with other keys; a round that fails is told by its number, and
//! `FLOWTOP_TEST_STORM_ROUND` begins with it.

#![expect(unsafe_code, reason = "pseudo-terminals have no safe wrapper in std")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    unreachable_pub,
    missing_docs,
    dead_code,
    reason = "this is test code; clippy only knows functions marked #[test], and other tests \
              need more of what it shares with them"
)]

mod lab;
mod pty;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use lab::entries::Entry;
use pty::Session;

/// How long it takes unless somebody asks for more.
const SECS: u64 = 3;
/// Things that happen between two looks at the screen.
const STEPS: usize = 150;
/// How long the program has to take in what was typed, so that keys after
/// Escape are not part of it.
const PAUSE: Duration = Duration::from_millis(60);
/// How often it may have to be told to close something.
const TRIES: usize = 50;

/// Nothing that is typed or clicked ends it. Ctrl+C always does.
const CONFIG: &str = "\
# Made for a storm.
interval = 0.2

[names]
\"203.0.113.1\" = \"one\"

[keys]
\"q\" = \"none\"
\"Q\" = \"none\"
";

/// `SplitMix64`: the same storm for the same round.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len() as u64) as usize]
    }

    /// What nobody means to type.
    fn garbage(&mut self, most: u64) -> String {
        let odd = [
            'é', '鰻', '\u{301}', '\u{202e}', '😀', '\t', '\r', '\u{7f}', '\0',
        ];
        let length = self.below(most);
        let mut garbage = String::new();
        for _ in 0..length {
            garbage.push(match self.below(10) {
                0 => odd[self.below(odd.len() as u64) as usize],
                _ => char::from(self.below(95) as u8 + b' '),
            });
        }
        garbage
    }
}

/// Keys that terminals send as several bytes.
const NAMED: &[&str] = &[
    "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z",
    "\x1bOP", "\x1b[3~", "\r", "\r", "\x1b", "\x7f", "\t",
];
/// What leads somewhere else than where one is.
const PLACES: &[&str] = &[
    "1", "2", "3", "5", "7", "8", "9", "/", "?", ",", "C", "V", "t", "y", "e", "m", " ", "\r",
];

/// One thing that happens.
fn step(session: &mut Session, chance: &mut Chance, size: &mut (u16, u16)) {
    match chance.below(20) {
        0..=5 => {
            // Every key but Ctrl+C, which has to end it; and Ctrl+\\, which does
            // while Ctrl+Z has given the terminal back.
            let key = chance.below(0x7f) as u8;
            let key = if matches!(key, 0x03 | 0x1c) {
                b'j'
            } else {
                key
            };
            session.keys(&char::from(key).to_string());
        }
        6..=8 => session.keys(chance.one_of(NAMED)),
        9..=10 => session.keys(chance.one_of(PLACES)),
        11..=15 => {
            // Left, right, middle, a drag, moves, wheel; sometimes beside the
            // screen.
            let button = [0, 0, 0, 2, 1, 32, 35, 64, 65, 66, 67][chance.below(11) as usize];
            let (x, y) = (
                chance.below(u64::from(size.0) + 4) + 1,
                chance.below(u64::from(size.1) + 2) + 1,
            );
            let end = if chance.below(4) == 0 { 'm' } else { 'M' };
            session.keys(&format!("\x1b[<{button};{x};{y}{end}"));
        }
        16 => {
            let garbage = chance.garbage(200);
            session.keys(&format!("\x1b[200~{garbage}\x1b[201~"));
        }
        17 => session.keys(&format!("/{}\r", chance.garbage(30).replace('\0', ""))),
        18 => {
            *size = (1 + chance.below(220) as u16, 1 + chance.below(60) as u16);
            session.resize(size.0, size.1);
        }
        _ => {
            session
                .signal([libc::SIGTSTP, libc::SIGCONT, libc::SIGWINCH][chance.below(3) as usize]);
        }
    }
}

/// Leaves whatever is open, and asks for something that must come.
fn calm(session: &mut Session, round: u64) {
    session.resize(100, 30);
    // What was typed while the program was suspended went through the terminal's
    // own line editor, in which a backspace takes the end off a mouse report or
    // of what is pasted. A program has to wait for that end: here it is.
    session.keys("M\x1b[201~");
    // As often as it takes: two of them that are read at once, as on a busy
    // machine, are one to a program.
    let mut calm = 0;
    for _ in 0..TRIES {
        session.keys("\x1b");
        thread::sleep(PAUSE);
        // Prompts and pickers have no frame.
        calm = if session.text().contains('┌') {
            0
        } else {
            calm + 1
        };
        if calm == 8 {
            break;
        }
    }
    session.keys("1");
    session.wait(&format!("flows after round {round}"), |text| {
        text.contains("1 Flows") && !text.contains('┌')
    });
    session.keys("?");
    session.wait(&format!("help after round {round}"), |text| {
        text.contains("Help") && text.contains("Keys")
    });
    session.keys("\x1b");
    session.wait(&format!("no help after round {round}"), |text| {
        !text.contains("Help")
    });
}

/// Descriptors and threads of the program.
fn holds(session: &Session) -> (usize, usize) {
    let of = |what: &str| {
        let path = format!("/proc/{}/{what}", session.pid());
        fs::read_dir(path).map_or(0, Iterator::count)
    };
    (of("fd"), of("task"))
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn home() -> PathBuf {
    let home = std::env::temp_dir().join(format!("flowtop-storm-{}", std::process::id()));
    fs::create_dir_all(home.join("config/flowtop")).expect("a directory");
    fs::write(config(&home), CONFIG).expect("a file");
    home
}

fn config(home: &Path) -> PathBuf {
    home.join("config/flowtop/flowtop.toml")
}

#[test]
fn storms_do_no_harm() {
    let secs = variable("FLOWTOP_TEST_STORM_SECS").unwrap_or(SECS);
    let limit = Duration::from_secs(secs + 60);
    lab::run_within(limit, "storms_do_no_harm", |lab| {
        let net = lab.router();
        net.router.track();
        net.router.create_flows((0..500).map(Entry::numbered));
        let home = home();
        let mut command = net.router.command(env!("CARGO_BIN_EXE_flowtop"));
        command
            .args(["-A", "--loopback"])
            .env_remove("NO_COLOR")
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"))
            // Screens and rows are written to where one is.
            .current_dir(&home);
        let mut session = Session::start(command, 90, 24);
        // By its name or by its address, whichever comes first.
        session.wait_for("of 500");
        let mut size = (90, 24);
        let end = Instant::now() + Duration::from_secs(secs);
        let mut round = variable("FLOWTOP_TEST_STORM_ROUND").unwrap_or(1);
        let mut first = None;
        loop {
            let mut chance = Chance(round);
            for _ in 0..STEPS {
                step(&mut session, &mut chance, &mut size);
                if chance.below(8) == 0 {
                    thread::sleep(Duration::from_millis(chance.below(20)));
                }
            }
            calm(&mut session, round);
            // Nothing piles up. The rule that E adds holds a socket.
            let now = holds(&session);
            let (fds, threads) = *first.get_or_insert(now);
            assert!(
                now.0 <= fds + 8,
                "round {round}: {now:?}, at first {first:?}"
            );
            assert!(
                now.1 <= threads + 4,
                "round {round}: {now:?}, at first {first:?}"
            );
            if Instant::now() >= end {
                break;
            }
            round += 1;
        }
        session.signal(libc::SIGTERM);
        session.assert_clean_end();
        // What was saved meanwhile has lost nothing.
        let config = fs::read_to_string(config(&home)).expect("the configuration");
        assert!(config.starts_with("# Made for a storm.\n"), "{config}");
        let kept = CONFIG.split_once("\n[names]").expect("a table").1;
        assert!(config.ends_with(kept), "{config}");
        fs::remove_dir_all(&home).expect("our directory");
    });
}
