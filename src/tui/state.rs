//! What the screen is about, and how keys, views and time change it.
//!
//! [`State::update`] is pure: what is to be done outside comes back as
//! [`Effects`].

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use jiff::tz::TimeZone;

use super::draw::{self, help};
use super::keys::{self, Action, Motion};
use super::layout::{self, Wish};
use super::theme::Theme;
use super::{Ending, Message, Settings};
use crate::flow::{Family, Group, Moment, Scope};
use crate::view::units::RateUnit;
use crate::view::{Cursor, Query, View};

/// How long the answer to a key stays on the key line.
const NOTICE: Duration = Duration::from_secs(4);

/// What is to be done outside after an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// A new question. Only the latest one matters.
    pub ask: Option<Query>,
    /// Whether the terminal is to be cleared before the next drawing.
    pub clear: bool,
    /// The viewer is over.
    pub ending: Option<Ending>,
}

impl Effects {
    /// Takes over what a later update asks for.
    pub fn add(&mut self, later: Self) {
        self.ask = later.ask.or(self.ask.take());
        self.clear |= later.clear;
        self.ending = self.ending.take().or(later.ending);
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

/// What the tabs show. A line of tabs appears with the second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Every flow by itself.
    Flows,
}

impl Tab {
    const ALL: [Self; 1] = [Self::Flows];

    const fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }
}

/// A popup over the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Popup {
    /// The help.
    Help {
        /// Its first visible line.
        scroll: usize,
    },
}

/// The state of the screen.
#[derive(Clone, Debug)]
pub struct State {
    /// Set once.
    pub(super) settings: Settings,
    pub(super) theme: Theme,
    pub(super) zone: TimeZone,
    /// Changed by keys.
    pub(super) scope: Scope,
    pub(super) active_only: bool,
    pub(super) unit: RateUnit,
    pub(super) show_source: bool,
    pub(super) tab: Tab,
    pub(super) popup: Option<Popup>,
    pub(super) scroll: usize,
    cursor: Cursor,
    first: usize,
    /// The scope to go back to from all protocols.
    before_all: Option<Scope>,
    /// The answer to a key, and since when it stands.
    notice: Option<(String, Moment)>,
    /// Changed by the world.
    pub(super) size: Size,
    pub(super) now: Moment,
    pub(super) view: Option<Arc<View>>,
    /// Length of the longest address seen since the size or the scope changed.
    /// It only grows, so that columns do not swing with every refresh.
    longest_address: u16,
    /// The question that was asked last.
    asked: Query,
}

impl State {
    /// The first state. Its [`State::query`] is the first question.
    pub fn new(settings: Settings, zone: TimeZone, size: Size, now: Moment) -> Self {
        let mut state = Self {
            theme: Theme::new(settings.color),
            zone,
            scope: settings.scope,
            active_only: false,
            unit: settings.unit,
            show_source: settings.show_source,
            tab: Tab::Flows,
            popup: None,
            scroll: 0,
            cursor: Cursor::None,
            first: 0,
            before_all: None,
            notice: None,
            size,
            now,
            view: None,
            longest_address: 0,
            asked: Query {
                number: 0,
                scope: settings.scope,
                active_only: false,
                cursor: Cursor::None,
                first: 0,
                height: 0,
            },
            settings,
        };
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
            Message::Input(Event::Key(key)) => {
                if let Some(action) = keys::action(key) {
                    self.act(action, &mut effects);
                }
            }
            Message::Input(Event::Resize(width, height)) => self.resize(Size { width, height }),
            Message::Input(_) => {}
            Message::Stop => effects.ending = Some(Ending::Quit),
            Message::Failed(why) => effects.ending = Some(Ending::Failed(why)),
        }
        effects.ask = self.ask();
        effects
    }

    /// Lets time pass: the clock and ages go on, notices fade.
    pub fn tick(&mut self, now: Moment) {
        self.now = now;
        if let Some((_, since)) = &self.notice
            && now.since(*since) >= NOTICE
        {
            self.notice = None;
        }
    }

    /// What stands on the key line for a while.
    pub(super) fn notice(&self) -> Option<&str> {
        self.notice.as_ref().map(|(text, _)| text.as_str())
    }

    /// Line of the window under the cursor. While the answer to a move is on
    /// its way, the line next to where the cursor went.
    pub(super) fn selected_line(&self) -> Option<usize> {
        let view = self.view.as_deref()?;
        let last = view.rows.len().checked_sub(1)?;
        match self.cursor {
            Cursor::None => None,
            Cursor::Index(index) => Some(index.saturating_sub(view.first).min(last)),
            Cursor::Flow { id, .. } => view.rows.iter().position(|row| row.id == id),
        }
    }

    /// What decides where columns stand.
    pub(super) const fn wish(&self) -> Wish {
        Wish {
            source: self.show_source,
            unit: self.unit,
            address: self.longest_address,
        }
    }

    /// A new question, if what is asked for has changed.
    fn ask(&mut self) -> Option<Query> {
        let query = Query {
            number: self.asked.number,
            scope: self.scope,
            active_only: self.active_only,
            cursor: self.cursor,
            first: self.first,
            height: draw::table_height(self),
        };
        (query != self.asked).then(|| {
            self.asked = Query {
                number: query.number + 1,
                ..query
            };
            self.asked.clone()
        })
    }

    /// Takes a view over. The answer to an earlier question shows what it
    /// shows, but does not move the cursor.
    fn adopt(&mut self, view: Arc<View>) {
        if view.query.number == self.asked.number {
            self.asked.settle(&view);
            self.cursor = self.asked.cursor;
            self.first = self.asked.first;
        }
        let addresses = view.rows.iter().flat_map(|row| {
            let orig = &row.flow.key().orig;
            [orig.src(), orig.dst()]
        });
        let longest = addresses.map(|ip| ip.to_string().len()).max();
        self.longest_address = self.longest_address.max(longest.unwrap_or(0) as u16);
        self.view = Some(view);
        // Warnings are part of the help.
        self.clamp();
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.longest_address = 0;
        self.clamp();
    }

    /// Keeps within bounds what is scrolled.
    fn clamp(&mut self) {
        self.scroll = self
            .scroll
            .min(layout::max_scroll(self.size.width, self.wish()));
        if let Some(Popup::Help { scroll }) = self.popup {
            let scroll = scroll.min(help::max_scroll(self));
            self.popup = Some(Popup::Help { scroll });
        }
    }

    fn act(&mut self, action: Action, effects: &mut Effects) {
        // What was said is answered by the next key.
        self.notice = None;
        if let Some(popup) = self.popup {
            self.act_on_popup(popup, action, effects);
            return;
        }
        let scope = self.scope;
        match action {
            Action::Move(motion) => self.move_cursor(motion),
            Action::ScrollLeft => self.scroll = self.scroll.saturating_sub(1),
            Action::ScrollRight => self.scroll += 1,
            Action::NextTab => self.tab = self.tab.step(1),
            Action::PreviousTab => self.tab = self.tab.step(Tab::ALL.len() - 1),
            Action::ToggleGroup(group) => {
                let on = !self.scope.has_group(group);
                self.scope = self.scope.with_group(group, on);
            }
            Action::AllGroups => self.toggle_all(),
            Action::ToggleFamily(family) => self.toggle_family(family),
            Action::ToggleLoopback => {
                self.scope = self.scope.with_loopback(!self.scope.has_loopback());
            }
            Action::ToggleBits => {
                self.unit = match self.unit {
                    RateUnit::Bytes => RateUnit::Bits,
                    RateUnit::Bits => RateUnit::Bytes,
                }
            }
            Action::ToggleActive => self.active_only = !self.active_only,
            Action::ToggleSource => self.show_source = !self.show_source,
            Action::Help => self.popup = Some(Popup::Help { scroll: 0 }),
            Action::Back => {
                self.cursor = Cursor::None;
            }
            Action::Redraw => effects.clear = true,
            Action::Leave | Action::Quit => effects.ending = Some(Ending::Quit),
        }
        if self.scope != scope {
            self.longest_address = 0;
        }
        self.clamp();
    }

    fn act_on_popup(&mut self, popup: Popup, action: Action, effects: &mut Effects) {
        let Popup::Help { mut scroll } = popup;
        let page = help::visible_lines(self).max(1);
        match action {
            Action::Move(motion) => {
                scroll = match motion {
                    Motion::Up => scroll.saturating_sub(1),
                    Motion::Down => scroll + 1,
                    Motion::PageUp => scroll.saturating_sub(page),
                    Motion::PageDown => scroll + page,
                    Motion::HalfPageUp => scroll.saturating_sub(page.div_ceil(2)),
                    Motion::HalfPageDown => scroll + page.div_ceil(2),
                    Motion::First => 0,
                    Motion::Last => help::max_scroll(self),
                };
                self.popup = Some(Popup::Help { scroll });
            }
            Action::Help | Action::Back | Action::Leave => self.popup = None,
            Action::Redraw => effects.clear = true,
            Action::Quit => effects.ending = Some(Ending::Quit),
            // What cannot be seen is not changed.
            _ => {}
        }
        self.clamp();
    }

    fn toggle_all(&mut self) {
        let is_all = Group::ALL.iter().all(|group| self.scope.has_group(*group));
        if !is_all {
            self.before_all = Some(self.scope);
            self.scope = self.scope.with_all_groups(true);
        } else if let Some(before) = self.before_all.take() {
            for group in Group::ALL {
                self.scope = self.scope.with_group(group, before.has_group(group));
            }
        } else {
            self.say("All protocols are shown. T U D I S O switch them one by one.");
        }
    }

    fn toggle_family(&mut self, family: Family) {
        let other = match family {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        };
        if self.scope.has_family(family) && !self.scope.has_family(other) {
            self.say(match family {
                Family::Ipv4 => "IPv4 stays: without it nothing would be left. 6 adds IPv6.",
                Family::Ipv6 => "IPv6 stays: without it nothing would be left. 4 adds IPv4.",
            });
        } else {
            let on = !self.scope.has_family(family);
            self.scope = self.scope.with_family(family, on);
        }
    }

    fn say(&mut self, text: &str) {
        self.notice = Some((text.to_owned(), self.now));
    }

    /// Moves the cursor. Without one, moving begins at the window.
    fn move_cursor(&mut self, motion: Motion) {
        let Some(view) = self.view.clone() else {
            return;
        };
        if view.matching == 0 {
            return;
        }
        let page = self.asked.height.max(1);
        let half = page.div_ceil(2);
        let here = match self.cursor {
            Cursor::None => None,
            Cursor::Index(index) => Some(index),
            Cursor::Flow { index, .. } => {
                Some(self.selected_line().map_or(index, |line| view.first + line))
            }
        };
        let at = here.unwrap_or(self.first);
        let bottom = self.first + view.rows.len().saturating_sub(1);
        let (to, first) = match motion {
            Motion::Up => (here.map_or(bottom, |at| at.saturating_sub(1)), self.first),
            Motion::Down => (here.map_or(at, |at| at + 1), self.first),
            Motion::PageUp => (at.saturating_sub(page), self.first.saturating_sub(page)),
            Motion::PageDown => (at + page, self.first + page),
            Motion::HalfPageUp => (at.saturating_sub(half), self.first.saturating_sub(half)),
            Motion::HalfPageDown => (at + half, self.first + half),
            Motion::First => (0, 0),
            Motion::Last => (view.matching - 1, self.first),
        };
        self.select(to.min(view.matching - 1), first, &view);
    }

    /// Selects a row: at once if the window has it and stays, else by place.
    fn select(&mut self, index: usize, first: usize, view: &View) {
        // The window ends with the last row.
        let first = first.min(view.matching.saturating_sub(self.asked.height));
        let line = index.checked_sub(view.first);
        self.cursor = match line.and_then(|line| view.rows.get(line).zip(Some(line))) {
            Some((row, line)) if first == view.first => Cursor::Flow {
                id: row.id,
                index,
                line,
            },
            _ => Cursor::Index(index),
        };
        self.first = first;
    }
}
