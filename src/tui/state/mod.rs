//! What the screen is about, and how keys, views and time change it.
//!
//! [`State::update`] is pure: what is to be done outside comes back as
//! [`Effects`].

mod acting;
mod asking;
mod charting;
mod choosing;
mod columns;
mod following;
mod grouping;
mod looks;
mod menus;
mod moving;
mod narrowing;
mod past;
mod pinning;
mod popups;
mod program;
mod remembering;
mod steering;
mod taking;

use std::sync::Arc;
use std::time::Duration;

use charting::Charts;
use columns::Seen;
use crossterm::event::Event;
use following::Followed;
use jiff::tz::TimeZone;
pub(super) use program::interval_text;
use remembering::Begun;
use taking::Taking;

use super::draw::{self, popup};
use super::help::Help;
use super::keymap;
use super::layout;
use super::menu::Menu;
use super::mouse::Click;
use super::options::Options;
use super::order::Orders;
use super::picker::Picker;
use super::prompt::Prompt;
use super::tabs::{Level, Tab, Trail};
use super::theme::{Theme, Themes};
use super::{Ending, Errand, Message, Settings};
use crate::flow::{Direction, Moment, Scope};
use crate::view::column::{self, Choice, ColumnId, Hosts, Order, Ports};
use crate::view::filter::Filter;
use crate::view::group::Widths;
use crate::view::units::RateUnit;
use crate::view::{Cursor, Freeze, Pins, Query, View};

pub(super) use charting::SPANS;
pub use taking::{Form, Rows, Save, Saved, Saving};

/// How long the answer to a key stays on the key line, at least.
const NOTICE: Duration = Duration::from_secs(4);

/// How long a text stays there: a long one takes longer to read.
fn time_to_read(text: &str) -> Duration {
    let chars = text.chars().count();
    NOTICE.max(Duration::from_millis(70 * chars as u64))
}

/// What is to be done outside after an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one thing to be done, and any may come together"
)]
pub struct Effects {
    /// A new question. Only the latest one matters.
    pub ask: Option<Query>,
    /// Whether the terminal is to be cleared before the next drawing.
    pub clear: bool,
    /// How often to refresh from now on.
    pub interval: Option<Duration>,
    /// Whether to refresh at once.
    pub refresh: bool,
    /// Whether to stop until the shell lets us go on.
    pub suspend: bool,
    /// Lines for the user's configuration; the answer is a [`Message::Kept`].
    pub keep: Option<Vec<(&'static str, String)>>,
    /// Whether to make the kernel track connections; the answer is a
    /// [`Message::Tracked`].
    pub track: bool,
    /// A text for the clipboard.
    pub copy: Option<String>,
    /// What to write to files; a [`Message::Saved`] tells how each went.
    pub save: Vec<Save>,
    /// The viewer is over.
    pub ending: Option<Ending>,
}

impl Effects {
    /// Takes over what a later update asks for.
    pub fn add(&mut self, later: Self) {
        self.ask = later.ask.or(self.ask.take());
        self.clear |= later.clear;
        self.interval = later.interval.or(self.interval);
        self.refresh |= later.refresh;
        self.suspend |= later.suspend;
        self.keep = later.keep.or(self.keep.take());
        self.track |= later.track;
        self.copy = later.copy.or(self.copy.take());
        self.save.extend(later.save);
        self.ending = self.ending.take().or(later.ending);
    }

    /// What others are to do, the foremost first.
    pub(super) fn errands(&mut self) -> impl Iterator<Item = Errand> + use<> {
        let errands = [
            self.interval.take().map(Errand::Interval),
            self.ask.take().map(Errand::Ask),
            std::mem::take(&mut self.refresh).then_some(Errand::Refresh),
            std::mem::take(&mut self.suspend).then_some(Errand::Suspend),
            self.keep.take().map(Errand::Keep),
        ];
        let saves = std::mem::take(&mut self.save).into_iter().map(Errand::Save);
        errands.into_iter().flatten().chain(saves)
    }
}

/// The size of a terminal in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns of text.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// A popup over the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Popup {
    /// The help.
    Help,
    /// Version, databases, resolver, warnings.
    About,
    /// The themes, each shown as soon as it is selected.
    Themes,
    /// What can be switched.
    Options,
}

/// The state of the screen.
#[derive(Clone, Debug)]
pub struct State {
    /// What it was begun with; never changed.
    pub(super) settings: Settings,
    /// How the chosen theme looks on this terminal.
    pub(super) theme: Theme,
    pub(super) themes: Themes,
    /// The theme to go back to from the others.
    worn: usize,
    pub(super) zone: TimeZone,
    /// How flows looked at the beginning; never changed.
    begun: Begun,
    /// Protocols and families that are shown.
    pub(super) scope: Scope,
    pub(super) filter: Option<Arc<Filter>>,
    /// Where a filter is being typed.
    pub(super) prompt: Option<Prompt>,
    /// Filters that were typed, the latest last.
    typed: Vec<String>,
    pub(super) direction: Option<Direction>,
    pub(super) active_only: bool,
    /// Since when the view is paused.
    pub(super) paused: Option<Moment>,
    /// Whether flows that have ended are shown.
    pub(super) with_ended: bool,
    /// How often those that are kept were to be forgotten.
    forgotten: u32,
    /// When the key that forgets them was pressed once.
    asked_to_forget: Option<Moment>,
    /// From when on flows are counted; `None`: from the start.
    pub(super) baseline: Option<Moment>,
    pub(super) unit: RateUnit,
    /// Time between two refreshes.
    pub(super) interval: Duration,
    /// Whether the mouse is the viewer's.
    pub(super) mouse: bool,
    pub(super) columns: Choice,
    pub(super) orders: Orders,
    /// Whether rows keep their order, in the list that is shown.
    pub(super) freeze: Freeze,
    /// Rows that stand above all others.
    pub(super) pins: Pins,
    /// The row that the cursor is held on.
    pub(super) followed: Option<Followed>,
    pub(super) hosts: Hosts,
    pub(super) ports: Ports,
    pub(super) tab: Tab,
    trails: [Trail; Tab::ALL.len()],
    /// What the bars stand for.
    pub(super) bars: draw::Measure,
    /// What the page of rates shows.
    pub(super) charts: Charts,
    pub(super) popup: Option<Popup>,
    pub(super) help: Help,
    pub(super) options: Options,
    /// The last click on a row, if another makes it a double one.
    pub(super) clicked: Option<Click>,
    /// Where columns are chosen.
    pub(super) picker: Option<Picker>,
    /// The menu that is open: of groupings, of what can be copied and the like.
    pub(super) menu: Option<Menu>,
    /// How wide subnets are.
    subnets: Widths,
    /// First visible line of the popup.
    pub(super) popup_scroll: usize,
    /// How many columns are scrolled out to the left.
    pub(super) scroll: usize,
    /// First visible line of the page of health.
    pub(super) page_scroll: usize,
    /// The scope to go back to from all protocols.
    before_all: Option<Scope>,
    /// The answer to a key, and since when it stands.
    pub(super) notice: Option<(String, Moment)>,
    /// Why the kernel could not be made to track connections.
    untracked: Option<String>,
    /// What is copied, written and exported, and whether that is masked.
    taking: Taking,
    pub(super) size: Size,
    /// What the clock says.
    pub(super) now: Moment,
    /// What is drawn; masked, if that is wanted.
    pub(super) view: Option<Arc<View>>,
    /// What was seen since the size, the list or a filter changed.
    seen: Seen,
    /// The question that was asked last.
    pub(super) asked: Query,
}

impl State {
    /// The first state. Its [`State::query`] is the first question.
    pub fn new(settings: Settings, zone: TimeZone, size: Size, now: Moment) -> Self {
        let mut columns = settings.columns.clone();
        if settings.show_source {
            columns.set(ColumnId::Source, column::Mark::On);
        }
        let mut state = Self {
            theme: settings.themes.theme(),
            themes: settings.themes.clone(),
            worn: settings.themes.chosen(),
            zone,
            scope: settings.scope,
            filter: settings.filter.clone(),
            prompt: None,
            typed: settings.memory.filters.clone(),
            direction: None,
            active_only: false,
            paused: None,
            with_ended: false,
            forgotten: 0,
            asked_to_forget: None,
            baseline: None,
            unit: settings.unit,
            interval: settings.interval,
            mouse: settings.mouse,
            begun: Begun::with(&settings, &columns),
            columns,
            orders: Orders::recalled(&settings.memory.sorts),
            freeze: Freeze::No,
            pins: pinning::recalled(&settings.memory.pins),
            followed: None,
            hosts: remembering::hosts(&settings),
            ports: settings.memory.ports.unwrap_or_default(),
            tab: Tab::Flows,
            trails: Trail::all(),
            bars: draw::Measure::default(),
            charts: Charts::default(),
            popup: None,
            help: Help::default(),
            options: Options::default(),
            clicked: None,
            picker: None,
            menu: None,
            subnets: settings.subnets,
            popup_scroll: 0,
            scroll: 0,
            page_scroll: 0,
            before_all: None,
            notice: None,
            untracked: None,
            taking: Taking::new(settings.is_masked),
            size,
            now,
            view: None,
            seen: Seen::default(),
            asked: Query {
                filter: settings.filter.clone(),
                ..Query::of(settings.scope)
            },
            settings,
        };
        if let Some(service) = state.settings.service {
            state.tab = Tab::Services;
            state.trail_mut().begin_with(service);
        }
        state.asked.pins = state.pins.clone();
        (state.asked.list, state.asked.within) = state.level().shown();
        state.asked.height = draw::table_height(&state);
        state
    }

    /// The question asked last.
    pub const fn query(&self) -> &Query {
        &self.asked
    }

    /// Takes in what has happened until `now`.
    pub fn update(&mut self, message: Message, now: Moment) -> Effects {
        self.tick(now);
        let mut effects = Effects::default();
        match message {
            Message::View(view) => self.adopt(view),
            Message::Input(Event::Key(key)) if self.popup == Some(Popup::Options) => {
                self.key_in_options(key, &mut effects);
            }
            Message::Input(Event::Key(key)) if self.is_typing_in_help() => {
                self.type_in_help(key, &mut effects);
            }
            Message::Input(Event::Key(key)) if self.picker.is_some() && self.popup.is_none() => {
                self.pick(key, &mut effects);
            }
            Message::Input(Event::Key(key)) if self.menu.is_some() => {
                self.key_in_menu(key, &mut effects);
            }
            Message::Input(Event::Key(key)) if self.prompt.is_some() => {
                self.type_key(key, &mut effects);
            }
            Message::Input(Event::Key(key)) => {
                if let Some(action) = self.settings.keys.action(key) {
                    self.act(action, &mut effects);
                }
            }
            Message::Input(Event::Resize(width, height)) => self.resize(Size { width, height }),
            Message::Input(Event::Mouse(mouse)) => self.point(mouse, &mut effects),
            Message::Input(Event::Paste(text)) => self.paste(&text),
            Message::Input(_) | Message::Resumed { has_stopped: true } | Message::Suspend(_) => {}
            Message::Kept(Ok(told) | Err(told)) => {
                // Where it is read, if the list is still open.
                self.say(&told);
                self.options.told = Some(told);
            }
            Message::Tracked(Ok(how)) => {
                self.untracked = None;
                self.say(&how);
            }
            Message::Tracked(Err(why)) => {
                self.say("Tracking stays off; the warning says why.");
                self.untracked = Some(why);
                // Warnings are part of popups.
                self.clamp();
            }
            Message::Saving(written, all) => self.note_progress(written, all),
            Message::Saved(result) => self.note_saved(result),
            Message::Resumed { has_stopped: false } => {
                self.say("It cannot stand still: no shell waits for it.");
            }
            Message::Stop => effects.ending = Some(Ending::Quit),
            Message::Failed(why) => effects.ending = Some(Ending::Failed(why)),
        }
        self.keep_following();
        effects.ask = self.ask();
        effects
    }

    /// Whether the terminal is to report the mouse.
    pub const fn has_mouse(&self) -> bool {
        self.mouse
    }

    /// Lets time pass: the clock and ages go on, notices fade.
    pub fn tick(&mut self, now: Moment) {
        self.now = now;
        if let Some((text, since)) = &self.notice
            && now.since(*since) >= time_to_read(text)
        {
            self.notice = None;
        }
    }

    /// What went wrong without ending the program.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &String> {
        let of_source = self.view.iter().flat_map(|view| &view.status.warnings);
        of_source.chain(&self.untracked)
    }

    /// What stands on the key line for a while.
    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|(text, _)| text.as_str())
    }

    /// The list that is shown, or asked for.
    pub(super) fn level(&self) -> &Level {
        self.trail().here()
    }

    /// How one came to it.
    pub(super) fn trail(&self) -> &Trail {
        &self.trails[self.tab as usize]
    }

    pub(super) fn trail_mut(&mut self) -> &mut Trail {
        &mut self.trails[self.tab as usize]
    }

    /// The view as it came, if it is of the list that is asked for, and not of
    /// one before. What is drawn is [`State::view`].
    pub(super) fn current_view(&self) -> Option<&Arc<View>> {
        let page = self.tab.page();
        let is_shown = |view: &View| view.query.page == page && self.level().is_of(view);
        self.truth().filter(|view| is_shown(view))
    }

    /// Line of the window under the cursor. While the answer to a move is on
    /// its way, the line next to where the cursor went.
    pub(super) fn selected_line(&self) -> Option<usize> {
        let view = self.current_view()?;
        let cursor = self.level().cursor;
        let last = view.window_rows().checked_sub(1)?;
        match cursor {
            Cursor::Index(index) => Some(index.saturating_sub(view.first).min(last)),
            _ => view.line_of(cursor),
        }
    }

    /// Whether idle flows are left out. Groups count all.
    pub(super) fn hides_idle(&self) -> bool {
        self.active_only && !self.level().has_groups()
    }

    /// The keys that do now what these did in the key table.
    pub(super) fn keys(&self, keys: &str) -> String {
        let named = self.settings.keys.hint(keys);
        named.unwrap_or_else(|| keymap::NO_KEY.to_owned())
    }

    /// How cells are written.
    pub(super) const fn cell_style(&self) -> column::Style {
        column::Style {
            unit: self.unit,
            hosts: self.hosts,
            ports: self.ports,
            order: Order::NearFirst,
        }
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.seen = Seen::default();
        self.measure();
        self.clamp();
    }

    /// Keeps within bounds what is scrolled.
    pub(super) fn clamp(&mut self) {
        self.scroll = self
            .scroll
            .min(layout::max_scroll(draw::table_width(self), &self.wish()));
        if let Some(most) = draw::max_page_scroll(self) {
            self.page_scroll = self.page_scroll.min(most);
        }
        self.clamp_pane();
        if let Some(popup) = self.popup {
            self.popup_scroll = self.popup_scroll.min(popup::max_scroll(self, popup));
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        let text = match self.mask() {
            Some(mask) => mask.text(text),
            None => text.to_owned(),
        };
        self.notice = Some((text, self.now));
    }
}
