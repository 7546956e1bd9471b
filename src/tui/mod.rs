//! The live viewer.
//!
//! One thread owns the terminal and runs [`run`]: it takes messages in, lets
//! [`State::update`] change the state, and draws it. Both are pure; keys and
//! what they do stand in one table ([`keys`]) that users may change ([`keymap`]),
//! and looks are roles of a [`theme`]. What the table shows is asked for by a [`Query`] and comes back
//! as a [`View`]; the newest of either wins.

mod clipboard;
mod completion;
mod draw;
mod help;
pub mod keymap;
pub mod keys;
mod layout;
pub mod memory;
mod menu;
mod mouse;
mod options;
mod order;
mod pane;
mod picker;
mod prompt;
mod state;
mod tabs;
mod terminal;
pub mod theme;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossterm::event::{self, Event};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use clipboard::Multiplexer;
pub use draw::draw;
pub use keymap::Keymap;
use memory::Memory;
pub use state::{Effects, Form, Popup, Rows, Save, Saved, Saving, Size, State};
pub use tabs::Tab;
use theme::Themes;

use crate::flow::{Moment, Scope};
use crate::view::column::{Choice, Hosts};
use crate::view::field::Record;
use crate::view::filter::{Definitions, Filter};
use crate::view::group::{Service, Widths};
use crate::view::mask::Mask;
use crate::view::units::{RateUnit, Tiers};
use crate::view::{GroupRow, Query, View, health};

/// How often the input thread looks whether it is to end.
const INPUT_POLL: Duration = Duration::from_millis(200);
/// Messages taken in before the screen is drawn, at most.
const DRAIN: usize = 1024;

/// What the viewer needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of this host.
    pub host: String,
    /// Name of the network namespace, if it is not the initial one.
    pub namespace: Option<String>,
    /// Time between two refreshes.
    pub interval: Duration,
    /// Which flows are shown first.
    pub scope: Scope,
    /// Which of these, first.
    pub filter: Option<Arc<Filter>>,
    /// The service on our side whose clients are shown first; `None`: all
    /// flows.
    pub service: Option<Service>,
    /// Whether the source column is shown first.
    pub show_source: bool,
    /// Which columns are shown first.
    pub columns: Choice,
    /// How wide the subnets are that flows are put together by, first.
    pub subnets: Widths,
    /// The unit of rates.
    pub unit: RateUnit,
    /// From which rates on rows look busy.
    pub tiers: Tiers,
    /// How hosts are written first; by address if no names are looked up.
    pub hosts: Hosts,
    /// What the run before has left.
    pub memory: Memory,
    /// Which key does what.
    pub keys: Keymap,
    /// How it looks.
    pub themes: Themes,
    /// Makes pseudonyms of addresses and names.
    pub mask: Mask,
    /// Whether it does so from the start.
    pub is_masked: bool,
    /// Writes a flow as records have it, without a line feed.
    pub json: fn(&Record<'_>) -> String,
    /// The same of a group.
    pub group_json: fn(&GroupRow) -> String,
    /// What has to let the clipboard through.
    pub multiplexer: Multiplexer,
    /// Filters that are kept under a name.
    pub saved: Definitions,
    /// From where on something is a finding.
    pub health: health::Settings,
    /// Whether the mouse is the viewer's.
    pub mouse: bool,
}

/// What happens to the viewer.
#[derive(Clone, Debug)]
pub enum Message {
    /// An answer.
    View(Arc<View>),
    /// A key, or a new size of the terminal.
    Input(Event),
    /// What came of making the kernel track connections: how it went, or why
    /// it could not be.
    Tracked(Result<String, String>),
    /// How many rows have been written so far, and of how many; told of what
    /// takes long.
    Saving(usize, usize),
    /// What became of a [`Save`]: what was written, or why not.
    Saved(Result<Saved, String>),
    /// The terminal is wanted by the shell: it is given back, and then this
    /// says so.
    Suspend(SyncSender<()>),
    /// The terminal is ours again.
    Resumed {
        /// Whether the program has stood still meanwhile.
        has_stopped: bool,
    },
    /// What came of keeping options: where they are, or why they could not be
    /// kept.
    Kept(Result<String, String>),
    /// A signal asks to end.
    Stop,
    /// The source has ended, and why.
    Failed(String),
}

/// How the viewer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As asked for.
    Quit,
    /// As asked for, with the last screen left behind.
    QuitShowing,
    /// Because the source ended, for this reason.
    Failed(String),
}

/// What is to be done by others than the viewer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "few are under way at a time, and most are questions"
)]
pub enum Errand {
    /// A new question: the refreshes that follow have to answer the newest one,
    /// [settled](Query::settle) by each view.
    Ask(Query),
    /// Refresh this often from now on.
    Interval(Duration),
    /// Refresh at once.
    Refresh,
    /// Write something to a new file. [`Message::Saved`] tells how that went.
    Save(Save),
    /// Make the shell's job stop, as its Ctrl+Z does: the terminal is given back.
    /// A [`Message::Suspend`] comes of it, and [`Message::Resumed`] afterwards.
    Suspend,
    /// Keep these as defaults: keys of the configuration and their values, in
    /// TOML. A [`Message::Kept`] is the answer.
    Keep(Vec<(&'static str, String)>),
    /// Keep this for the next run; told once, at the end.
    Remember(Memory),
}

/// Runs the viewer until a key, a signal or a failure ends it. The terminal is
/// as before when this returns.
///
/// `errand` is told what others are to do, and may have an answer at once.
/// `track` makes the kernel track connections until the viewer is over, and says
/// how that went, or why it could not.
///
/// # Errors
/// If the terminal cannot be read, written or set up.
pub fn run(
    settings: Settings,
    messages: &Receiver<Message>,
    errand: &mut dyn FnMut(Errand) -> Option<Message>,
    track: &mut dyn FnMut() -> Result<String, String>,
) -> io::Result<Ending> {
    let multiplexer = settings.multiplexer;
    let mut screen = terminal::Screen::enter(settings.mouse)?;
    let mut clock = Clock::start();
    let mut state = State::new(settings, TimeZone::system(), screen.size()?, clock.now());
    // Whether somebody else has the terminal.
    let mut is_away = false;
    errand(Errand::Ask(state.query().clone()));
    loop {
        if !is_away {
            screen.draw(|frame| draw(&state, frame.buffer_mut()))?;
        }
        let message = match messages.recv_timeout(clock.until_next_second()) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                errand(Errand::Remember(state.memory()));
                return Ok(Ending::Failed("the source of flows has ended".to_owned()));
            }
        };
        let mut newest = None;
        let mut effects = Effects::default();
        for message in message.into_iter().chain(messages.try_iter().take(DRAIN)) {
            match message {
                Message::View(view) => newest = Some(view),
                Message::Suspend(given_back) => {
                    screen.give_back();
                    is_away = true;
                    // Who does not wait any more stops us all the same.
                    let _ = given_back.try_send(());
                }
                Message::Resumed { has_stopped } => {
                    screen.take()?;
                    is_away = false;
                    let Size { width, height } = screen.size()?;
                    let resized = Message::Input(Event::Resize(width, height));
                    effects.add(state.update(resized, clock.now()));
                    let resumed = Message::Resumed { has_stopped };
                    effects.add(state.update(resumed, clock.now()));
                }
                message => effects.add(state.update(message, clock.now())),
            }
        }
        if let Some(view) = newest {
            clock.set(view.answered_at);
            effects.add(state.update(Message::View(view), clock.now()));
        }
        state.tick(clock.now());
        if effects.track {
            effects.add(state.update(Message::Tracked(track()), clock.now()));
        }
        if effects.suspend {
            // Before anybody stops: a shell that sees a script around us stop
            // writes to the terminal at once.
            screen.give_back();
            is_away = true;
        }
        if let Some(text) = effects.copy.take() {
            screen.send(&clipboard::sequence(&text, multiplexer))?;
        }
        loop {
            let answers: Vec<_> = effects.errands().filter_map(&mut *errand).collect();
            if answers.is_empty() {
                break;
            }
            for answer in answers {
                effects.add(state.update(answer, clock.now()));
            }
        }
        if !is_away {
            screen.set_mouse(state.has_mouse())?;
        }
        if effects.clear && !is_away {
            screen.clear()?;
        }
        if let Some(ending) = effects.ending {
            errand(Errand::Remember(state.memory()));
            if ending == Ending::QuitShowing {
                show(&state, screen)?;
            }
            return Ok(ending);
        }
    }
}

/// Leaves the screen behind, where the shell writes on.
fn show(state: &State, screen: terminal::Screen) -> io::Result<()> {
    let Size { width, height } = screen.size()?;
    let mut last = Buffer::empty(Rect::new(0, 0, width, height));
    draw(state, &mut last);
    drop(screen);
    terminal::write_lines(&last, &mut io::stdout().lock())
}

/// Gives the terminal back from outside, when [`run`] is stuck in writing to it.
/// Only the line discipline: whatever is written would be stuck as well.
pub fn rescue() {
    // The process is about to end; nobody could be told.
    let _ = crossterm::terminal::disable_raw_mode();
}

/// Hands on what is typed, and new sizes of the terminal, until `stop` is set
/// or nobody listens.
pub fn read_input(messages: &SyncSender<Message>, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let message = match event::poll(INPUT_POLL) {
            Ok(false) => continue,
            Ok(true) => event::read().map(Message::Input),
            Err(error) => Err(error),
        };
        if matches!(&message, Ok(Message::Input(event)) if is_idle(event)) {
            continue;
        }
        let failed = message.is_err();
        let message = message.unwrap_or_else(|error| {
            Message::Failed(format!("cannot read keys from the terminal: {error}"))
        });
        if messages.send(message).is_err() || failed {
            return;
        }
    }
}

/// Whether nothing can come of an event. Terminals tell of the mouse more than
/// they were asked for.
fn is_idle(event: &Event) -> bool {
    use crossterm::event::MouseEventKind::{Drag, Moved, Up};
    matches!(event, Event::Mouse(mouse) if matches!(mouse.kind, Up(_) | Drag(_) | Moved))
}

/// The clock of the source, which goes on between its views, so that ages and
/// the time of day tick even where views are rare.
struct Clock {
    at: Moment,
    since: Instant,
}

impl Clock {
    /// Before the first view only the time of day is known.
    fn start() -> Self {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            at: Moment::default().after(real),
            since: Instant::now(),
        }
    }

    fn now(&self) -> Moment {
        self.at.after(self.since.elapsed())
    }

    /// Sets it by a view. One that was under way for a moment does not set it
    /// back, or seconds would be told twice.
    fn set(&mut self, at: Moment) {
        const SLACK_NS: u64 = 1_000_000_000;
        let now = self.now();
        let late = |now: u64, at: u64| (at..at.saturating_add(SLACK_NS)).contains(&now);
        if !(late(now.mono_ns, at.mono_ns) && late(now.real_ns, at.real_ns)) {
            *self = Self {
                at,
                since: Instant::now(),
            };
        }
    }

    fn until_next_second(&self) -> Duration {
        let past = self.now().real_ns % 1_000_000_000;
        // Just after it, so that rounding does not wake too early.
        Duration::from_nanos(1_001_000_000 - past)
    }
}
