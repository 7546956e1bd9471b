//! What the screen is about, and how keys, views and time change it.
//!
//! [`State::update`] is pure: what is to be done outside comes back as
//! [`Effects`].

mod columns;
mod moving;
mod popups;

use std::sync::Arc;
use std::time::Duration;

use columns::Seen;
use crossterm::event::{Event, KeyEvent};
use jiff::tz::TimeZone;

use super::draw::{self, popup};
use super::keymap;
use super::keys::Action;
use super::layout;
use super::order::Orders;
use super::picker::Picker;
use super::prompt::{Prompt, Typed};
use super::tabs::{Level, Tab, Trail};
use super::theme::{Theme, Themes};
use super::{Ending, Message, Settings};
use crate::flow::{Direction, Family, Group, Moment, Scope};
use crate::view::column::{self, Choice, ColumnId, Hosts, Order, Ports};
use crate::view::filter::Filter;
use crate::view::units::RateUnit;
use crate::view::{Cursor, Freeze, List, Query, Sort, View};

/// How long the answer to a key stays on the key line.
const NOTICE: Duration = Duration::from_secs(4);

/// What is to be done outside after an update.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// A new question. Only the latest one matters.
    pub ask: Option<Query>,
    /// Whether the terminal is to be cleared before the next drawing.
    pub clear: bool,
    /// Whether to make the kernel track connections; the answer is a
    /// [`Message::Tracked`].
    pub track: bool,
    /// The viewer is over.
    pub ending: Option<Ending>,
}

impl Effects {
    /// Takes over what a later update asks for.
    pub fn add(&mut self, later: Self) {
        self.ask = later.ask.or(self.ask.take());
        self.clear |= later.clear;
        self.track |= later.track;
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

/// A popup over the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Popup {
    /// The help.
    Help,
    /// Version, databases, resolver, warnings.
    About,
    /// The themes, each shown as soon as it is selected.
    Themes,
}

/// The state of the screen.
#[derive(Clone, Debug)]
pub struct State {
    /// Set once.
    pub(super) settings: Settings,
    pub(super) theme: Theme,
    pub(super) themes: Themes,
    /// The theme to go back to from the others.
    worn: usize,
    pub(super) zone: TimeZone,
    /// Changed by keys.
    pub(super) scope: Scope,
    pub(super) filter: Option<Arc<Filter>>,
    /// Where a filter is being typed.
    pub(super) prompt: Option<Prompt>,
    /// Filters that were typed, the latest last.
    typed: Vec<String>,
    pub(super) direction: Option<Direction>,
    pub(super) active_only: bool,
    pub(super) unit: RateUnit,
    pub(super) columns: Choice,
    pub(super) orders: Orders,
    /// Whether rows keep their order, in the list that is shown.
    pub(super) freeze: Freeze,
    pub(super) hosts: Hosts,
    pub(super) ports: Ports,
    pub(super) tab: Tab,
    trails: [Trail; Tab::ALL.len()],
    pub(super) popup: Option<Popup>,
    /// Where columns are chosen.
    pub(super) picker: Option<Picker>,
    /// First visible line of the popup.
    pub(super) popup_scroll: usize,
    pub(super) scroll: usize,
    /// The scope to go back to from all protocols.
    before_all: Option<Scope>,
    /// The answer to a key, and since when it stands.
    notice: Option<(String, Moment)>,
    /// Why the kernel could not be made to track connections.
    untracked: Option<String>,
    /// Changed by the world.
    pub(super) size: Size,
    pub(super) now: Moment,
    pub(super) view: Option<Arc<View>>,
    /// What was seen since the size, the list or a filter changed.
    seen: Seen,
    /// The question that was asked last.
    asked: Query,
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
            typed: Vec::new(),
            direction: None,
            active_only: false,
            unit: settings.unit,
            columns,
            orders: Orders::default(),
            freeze: Freeze::No,
            hosts: settings.hosts,
            ports: Ports::default(),
            tab: Tab::Flows,
            trails: Trail::all(),
            popup: None,
            picker: None,
            popup_scroll: 0,
            scroll: 0,
            before_all: None,
            notice: None,
            untracked: None,
            size,
            now,
            view: None,
            seen: Seen::default(),
            asked: Query {
                list: List::Flows,
                sort: Sort::default(),
                freeze: Freeze::No,
                within: None,
                number: 0,
                scope: settings.scope,
                filter: settings.filter.clone(),
                direction: None,
                active_only: false,
                cursor: Cursor::None,
                first: 0,
                height: 0,
                detail: None,
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
            Message::Input(Event::Key(key)) if self.picker.is_some() => {
                self.pick(key, &mut effects);
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
            Message::Input(_) => {}
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

    /// The view, if it is of the list that is asked for, and not of one before.
    pub(super) fn current_view(&self) -> Option<&Arc<View>> {
        self.view.as_ref().filter(|view| self.level().is_of(view))
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

    /// A new question, if what is asked for has changed.
    fn ask(&mut self) -> Option<Query> {
        let level = self.level();
        let query = Query {
            list: level.list,
            sort: self.sort(),
            freeze: self.freeze.clone(),
            within: level.within,
            number: self.asked.number,
            scope: self.scope,
            filter: self.filter.clone(),
            direction: self.direction,
            active_only: self.hides_idle(),
            cursor: level.cursor,
            first: level.first,
            height: draw::table_height(self),
            detail: self.pane().map(|pane| pane.subject),
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
            self.freeze = self.asked.freeze.clone();
            let (cursor, first, subject) = (self.asked.cursor, self.asked.first, self.asked.detail);
            let level = self.trail_mut().here_mut();
            (level.cursor, level.first) = (cursor, first);
            if let (Some(pane), Some(subject)) = (&mut level.pane, subject) {
                pane.subject = subject;
            }
        }
        if self.level().is_of(&view) {
            self.trail_mut().follow(&view);
            if !self.level().is_of(&view) {
                // It has led to another question, and nobody wants to see it.
                return;
            }
        }
        let list = |view: &View| {
            let query = &view.query;
            let filter = query.filter.as_ref().map(Arc::as_ptr);
            (query.list, query.within, query.direction, filter)
        };
        if self.view.as_ref().is_some_and(|v| list(v) != list(&view)) {
            self.seen = Seen::default();
        }
        self.view = Some(view);
        self.measure();
        // Warnings are part of popups.
        self.clamp();
    }

    fn resize(&mut self, size: Size) {
        self.size = size;
        self.seen = Seen::default();
        self.measure();
        self.clamp();
    }

    /// Keeps within bounds what is scrolled.
    fn clamp(&mut self) {
        self.scroll = self
            .scroll
            .min(layout::max_scroll(draw::table_width(self), &self.wish()));
        self.clamp_pane();
        if let Some(popup) = self.popup {
            self.popup_scroll = self.popup_scroll.min(popup::max_scroll(self, popup));
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
        let list = (self.tab, self.level().list, self.level().within);
        match action {
            Action::Move(motion) => self.move_cursor(motion),
            Action::ScrollLeft => self.scroll = self.scroll.saturating_sub(1),
            Action::ScrollRight => self.scroll += 1,
            Action::NextTab => self.tab = self.tab.step(1),
            Action::PreviousTab => self.tab = self.tab.step(Tab::ALL.len() - 1),
            Action::Go(tab) if tab == self.tab => self.trail_mut().restart(),
            Action::Go(tab) => self.tab = tab,
            Action::Enter if !self.level().has_groups() => self.toggle_pane(),
            Action::Enter => self.enter(),
            Action::DetailUp => self.scroll_pane(-1),
            Action::DetailDown => self.scroll_pane(1),
            Action::ToggleGroup(group) => {
                let on = !self.scope.has_group(group);
                self.scope = self.scope.with_group(group, on);
            }
            Action::AllGroups => self.toggle_all(),
            Action::ToggleFamily(family) => self.toggle_family(family),
            Action::ToggleLoopback => {
                self.scope = self.scope.with_loopback(!self.scope.has_loopback());
            }
            Action::EditFilter => {
                let typed = std::mem::take(&mut self.typed);
                self.prompt = Some(Prompt::new(self.filter.clone(), typed));
            }
            Action::ClearFilter if self.filter.is_none() => self.say("There is no filter."),
            Action::ClearFilter => self.set_filter(None),
            Action::CycleDirection => self.cycle_direction(),
            Action::ToggleBits => {
                self.unit = match self.unit {
                    RateUnit::Bytes => RateUnit::Bits,
                    RateUnit::Bits => RateUnit::Bytes,
                }
            }
            Action::ToggleActive if self.level().has_groups() => {
                self.say("Only lists of flows can leave idle ones out.");
            }
            Action::ToggleActive => self.active_only = !self.active_only,
            Action::SortLeft
            | Action::SortRight
            | Action::Reverse
            | Action::ToggleFreeze
            | Action::ChooseColumns => self.act_on_order(action),
            Action::ToggleSource => {
                self.columns.toggle(ColumnId::Source);
            }
            Action::CycleHosts => self.cycle_hosts(),
            Action::TogglePorts => self.toggle_ports(),
            Action::Track => effects.track = self.track(),
            Action::Help => self.open(Popup::Help),
            Action::About => self.open(Popup::About),
            Action::Themes => self.open_themes(),
            Action::Back if self.pane().is_some() => self.toggle_pane(),
            Action::Back if self.level().is_anything_selected() => {
                self.trail_mut().here_mut().select_nothing();
            }
            Action::Back => self.trail_mut().back(),
            Action::Redraw => effects.clear = true,
            Action::Leave | Action::Quit => effects.ending = Some(Ending::Quit),
        }
        if self.scope != scope {
            self.seen = Seen::default();
        }
        if list != (self.tab, self.level().list, self.level().within) {
            // The order of another list says nothing of this one.
            self.freeze = Freeze::No;
        }
        self.clamp();
    }

    /// Shows what a filter holds. What had the most room for it before may not
    /// be among it.
    fn set_filter(&mut self, filter: Option<Arc<Filter>>) {
        if self.filter != filter {
            self.filter = filter;
            self.seen = Seen::default();
        }
    }

    /// A key while a filter is typed. What is understood is shown at once; what
    /// is not leaves the last one that was.
    fn type_key(&mut self, key: KeyEvent, effects: &mut Effects) {
        let Some(prompt) = &mut self.prompt else {
            return;
        };
        match prompt.key(key) {
            Typed::Nothing => {}
            Typed::Filter(filter) => self.set_filter(filter),
            Typed::Closed(filter) => {
                self.typed = prompt.take_typed();
                self.prompt = None;
                self.set_filter(filter);
            }
            Typed::Quit => effects.ending = Some(Ending::Quit),
        }
        self.clamp();
    }

    /// Goes into the selected group.
    fn enter(&mut self) {
        let Some(view) = self.current_view() else {
            return;
        };
        let level = self.level();
        // The row itself, not the one next to where the cursor went.
        let line = view.line_of(level.cursor);
        match line.and_then(|line| view.groups.get(line)).cloned() {
            Some(row) => {
                let label = draw::group_label(&row);
                self.trail_mut().enter(&row, label);
            }
            None if level.is_anything_selected() => self.say("The row is not there yet."),
            None => self.say(&format!("Select a row first: {}.", self.keys("↑ ↓"))),
        }
    }

    fn cycle_direction(&mut self) {
        let all = Direction::ALL;
        self.direction = match self.direction {
            None => all.first().copied(),
            Some(now) => {
                let at = all.iter().position(|direction| *direction == now);
                at.and_then(|at| all.get(at + 1)).copied()
            }
        };
        self.say(match self.direction {
            None => "Flows in every direction.",
            Some(Direction::Out) => "Only flows from this machine to others.",
            Some(Direction::In) => "Only flows from others to this machine.",
            Some(Direction::Forward) => "Only flows that pass through this machine.",
            Some(Direction::Local) => "Only flows of this machine with itself.",
        });
    }

    /// Whether the kernel is to be made to track connections. Only where the
    /// list has said that it does not.
    fn track(&mut self) -> bool {
        let view = self.view.as_ref();
        let is_wanted = view.and_then(|view| view.status.tracking_wanted);
        let is_empty = view.is_none_or(|view| view.matching + view.out_of_scope == 0);
        if is_wanted.is_none() && is_empty {
            self.say("Whether tracking is on is not known; `flowtop --track` makes sure of it.");
        } else if is_wanted != Some(false) {
            self.say("Tracking is on already.");
        }
        is_wanted == Some(false)
    }

    fn cycle_hosts(&mut self) {
        self.hosts = match self.hosts {
            Hosts::Name => Hosts::Address,
            Hosts::Address => Hosts::Both,
            Hosts::Both => Hosts::Name,
        };
        // Without lookups the viewer begins with addresses.
        let is_off = self.settings.hosts == Hosts::Address;
        self.say(match self.hosts {
            Hosts::Address => "Hosts by address.",
            _ if is_off => "Hosts by name; but with -n no names are looked up.",
            Hosts::Name => "Hosts by name, where one is known.",
            Hosts::Both => "Hosts by name, and their address.",
        });
        self.seen = Seen::default();
        self.measure();
    }

    fn toggle_ports(&mut self) {
        self.ports = match self.ports {
            Ports::Name => Ports::Number,
            Ports::Number => Ports::Name,
        };
        self.say(match self.ports {
            Ports::Name => "Ports by the name of their service.",
            Ports::Number => "Ports by number.",
        });
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
            let keys = self.keys("T U D I S O");
            self.say(&format!(
                "All protocols are shown. {keys} switch them one by one."
            ));
        }
    }

    fn toggle_family(&mut self, family: Family) {
        let other = match family {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        };
        if self.scope.has_family(family) && !self.scope.has_family(other) {
            let (stays, key, adds) = match family {
                Family::Ipv4 => ("IPv4", self.keys("6"), "IPv6"),
                Family::Ipv6 => ("IPv6", self.keys("4"), "IPv4"),
            };
            self.say(&format!(
                "{stays} stays: without it nothing would be left. {key} adds {adds}."
            ));
        } else {
            let on = !self.scope.has_family(family);
            self.scope = self.scope.with_family(family, on);
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.notice = Some((text.to_owned(), self.now));
    }
}
