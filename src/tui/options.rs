//! What can be switched while the program runs, in one list: [`OPTIONS`]. Most of
//! it has a key; the list says what it is now.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::draw::Measure;
use super::keys::Action;
use super::state::{Effects, Popup, State, interval_text};
use crate::flow::{Direction, Family, Group};
use crate::view::column::{ColumnId, Hosts, Mark, Ports};
use crate::view::units::RateUnit;

/// An option.
pub(super) struct Row {
    /// What it belongs to.
    pub(super) part: &'static str,
    pub(super) name: &'static str,
    /// What more there is to know.
    pub(super) doc: &'static str,
    /// What it is now.
    pub(super) value: fn(&State) -> String,
    change: Change,
}

/// How an option changes.
#[derive(Clone, Copy)]
enum Change {
    /// As by its key, which goes through so many values and round.
    Key(Action, usize),
    /// In steps, or to a number that is typed: seconds.
    Interval,
    Theme,
    Mouse,
    /// Through the widths that the menu of groupings offers.
    Subnets,
    /// Not at all: what all the others are becomes the default.
    Save,
}

impl Row {
    /// What its key does.
    pub(super) const fn action(&self) -> Option<Action> {
        match self.change {
            Change::Key(action, _) => Some(action),
            Change::Interval => Some(Action::Slower),
            Change::Theme => Some(Action::Themes),
            Change::Mouse | Change::Subnets | Change::Save => None,
        }
    }

    /// Whether it is done, not changed.
    pub(super) const fn is_deed(&self) -> bool {
        matches!(self.change, Change::Save)
    }
}

const FLOWS: &str = "Which flows";
const LOOKS: &str = "How they look";
const PROGRAM: &str = "flowtop";

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

const fn row(
    part: &'static str,
    name: &'static str,
    value: fn(&State) -> String,
    change: Change,
    doc: &'static str,
) -> Row {
    Row {
        part,
        name,
        doc,
        value,
        change,
    }
}

const fn group(name: &'static str, group: Group, value: fn(&State) -> String) -> Row {
    let doc = "Flows of this protocol. In lists of groups they do not count either.";
    row(
        FLOWS,
        name,
        value,
        Change::Key(Action::ToggleGroup(group), 2),
        doc,
    )
}

const fn family(name: &'static str, family: Family, value: fn(&State) -> String) -> Row {
    let doc = "Flows over this version of IP. One of the two stays.";
    row(
        FLOWS,
        name,
        value,
        Change::Key(Action::ToggleFamily(family), 2),
        doc,
    )
}

/// Every option, in the order of the screen; those of a part stand together.
pub(super) static OPTIONS: &[Row] = &[
    family("IPv4", Family::Ipv4, |s| {
        on_off(s.scope.has_family(Family::Ipv4))
    }),
    family("IPv6", Family::Ipv6, |s| {
        on_off(s.scope.has_family(Family::Ipv6))
    }),
    group("TCP", Group::Tcp, |s| on_off(s.scope.has_group(Group::Tcp))),
    group("UDP", Group::Udp, |s| on_off(s.scope.has_group(Group::Udp))),
    group("DCCP", Group::Dccp, |s| {
        on_off(s.scope.has_group(Group::Dccp))
    }),
    group("ICMP", Group::Icmp, |s| {
        on_off(s.scope.has_group(Group::Icmp))
    }),
    group("SCTP", Group::Sctp, |s| {
        on_off(s.scope.has_group(Group::Sctp))
    }),
    group("other protocols", Group::Other, |s| {
        on_off(s.scope.has_group(Group::Other))
    }),
    row(
        FLOWS,
        "loopback",
        |s| on_off(s.scope.has_loopback()),
        Change::Key(Action::ToggleLoopback, 2),
        "Flows from or to 127.0.0.0/8 and ::1.",
    ),
    row(
        FLOWS,
        "direction",
        |s| s.direction.map_or("every", Direction::name).to_owned(),
        Change::Key(Action::CycleDirection, Direction::ALL.len() + 1),
        "Flows in every direction, or only those that go out, come in, pass through, or stay on \
         this machine.",
    ),
    row(
        FLOWS,
        "only active",
        |s| on_off(s.active_only),
        Change::Key(Action::ToggleActive, 2),
        "Only flows that moved bytes between the last two refreshes.",
    ),
    row(
        FLOWS,
        "closed flows",
        |s| on_off(s.with_ended),
        Change::Key(Action::ToggleEnded, 2),
        "Flows that have ended, with what they moved, in lists of flows.",
    ),
    row(
        FLOWS,
        "networks",
        |s| s.subnets().to_string(),
        Change::Subnets,
        "How wide networks are in the list by network: so many bits of IPv4 and of IPv6.",
    ),
    row(
        LOOKS,
        "rates",
        |s| match s.unit {
            RateUnit::Bytes => "bytes".to_owned(),
            RateUnit::Bits => "bits".to_owned(),
        },
        Change::Key(Action::ToggleBits, 2),
        "Rates in bytes or in bits per second. Amounts of data stay bytes.",
    ),
    row(
        LOOKS,
        "hosts",
        |s| match s.hosts {
            Hosts::Name => "by name".to_owned(),
            Hosts::Address => "by address".to_owned(),
            Hosts::Both => "by both".to_owned(),
        },
        Change::Key(Action::CycleHosts, 3),
        "Hosts by name where one is known, by address, or by name with the address behind it.",
    ),
    row(
        LOOKS,
        "ports",
        |s| match s.ports {
            Ports::Name => "by service".to_owned(),
            Ports::Number => "by number".to_owned(),
        },
        Change::Key(Action::TogglePorts, 2),
        "Ports by the name of their usual service where there is one, or by number.",
    ),
    row(
        LOOKS,
        "sources",
        |s| on_off(s.shows_source()),
        Change::Key(Action::ToggleSource, 2),
        "Where flows come from, even if that costs other columns.",
    ),
    row(
        LOOKS,
        "pseudonyms",
        |s| on_off(s.mask().is_some()),
        Change::Key(Action::Mask, 2),
        "Pseudonyms in the place of addresses and names, on the screen and in what is taken \
         along.",
    ),
    row(
        LOOKS,
        "bars",
        |s| {
            let shown = s.has_bars().then_some(s.bars);
            let word = shown.map_or("off", |measure| match measure {
                Measure::Log => "powers of ten",
                Measure::Linear => "linear",
            });
            word.to_owned()
        },
        Change::Key(Action::CycleBars, 3),
        "Rates as bars: each power of ten as long as the next, or the fastest row on the screen \
         filling its bar.",
    ),
    row(
        LOOKS,
        "theme",
        |s| {
            s.themes
                .names()
                .nth(s.themes.chosen())
                .unwrap_or_default()
                .to_owned()
        },
        Change::Theme,
        "Colours. More themes can be put into the directory themes beside flowtop.toml.",
    ),
    row(
        PROGRAM,
        "refreshed every",
        |s| interval_text(s.interval),
        Change::Interval,
        "Time between two refreshes; or type seconds, 0.1 to 3600.",
    ),
    row(
        PROGRAM,
        "mouse",
        |s| on_off(s.mouse),
        Change::Mouse,
        "Clicks and the wheel. Off, the terminal has the mouse to itself, to select text.",
    ),
    row(
        PROGRAM,
        "save as my defaults",
        |_| String::new(),
        Change::Save,
        "Writes these options to your flowtop.toml. Everything else in it stays, and the file as \
         it was is kept beside it. Direction, activity and closed flows are not kept.",
    ),
];

/// The list, as it is used.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// The option that keys are about, by its place in [`OPTIONS`].
    pub(super) at: usize,
    /// A number that is being typed.
    pub(super) typed: Option<String>,
    /// What came of saving, until the next key.
    pub(super) told: Option<String>,
}

impl State {
    /// Opens the list.
    pub(super) fn open_options(&mut self) {
        self.options.typed = None;
        self.options.told = None;
        self.open(Popup::Options);
    }

    /// Takes a key while the list is open.
    pub(super) fn key_in_options(&mut self, key: KeyEvent, effects: &mut Effects) {
        if key.is_release() {
            return;
        }
        self.notice = None;
        self.options.told = None;
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if self.type_number(key, effects) {
            return;
        }
        let last = OPTIONS.len() - 1;
        let at = &mut self.options.at;
        match key.code {
            KeyCode::Char('s') if ctrl => self.save(effects),
            KeyCode::Up => *at = at.saturating_sub(1),
            KeyCode::Down => *at = (*at + 1).min(last),
            KeyCode::PageUp | KeyCode::Home => *at = 0,
            KeyCode::PageDown | KeyCode::End => *at = last,
            KeyCode::Left => self.change_option(false, effects),
            KeyCode::Right | KeyCode::Enter | KeyCode::Char(' ') => {
                self.change_option(true, effects);
            }
            KeyCode::Esc => self.popup = None,
            _ => {
                if let Some(action) = self.settings.keys.action(key) {
                    self.act_in_options(action, effects);
                }
            }
        }
        self.clamp();
    }

    /// The keys of options work here as well, and those of the program.
    fn act_in_options(&mut self, action: Action, effects: &mut Effects) {
        let place = OPTIONS.iter().position(|row| row.action() == Some(action));
        match (place, action) {
            (_, Action::Options | Action::Leave | Action::Back) => self.popup = None,
            (_, Action::Themes) => self.open_themes(),
            (None, Action::Help | Action::About) => {
                self.act_on_popup(Popup::Options, action, effects);
            }
            (Some(place), action) => {
                self.options.at = place;
                self.do_action(action, effects);
            }
            (
                None,
                Action::Faster
                | Action::Refresh
                | Action::Redraw
                | Action::Suspend
                | Action::QuitShowing
                | Action::Quit,
            ) => self.do_action(action, effects),
            // What cannot be seen is not changed.
            _ => {}
        }
    }

    /// Digits begin a number where one can be given, and then all keys edit
    /// it: whether this was one of them.
    fn type_number(&mut self, key: KeyEvent, effects: &mut Effects) -> bool {
        let takes_number = matches!(OPTIONS[self.options.at].change, Change::Interval);
        let digit = |c: char| c.is_ascii_digit() || c == '.';
        match (key.code, &mut self.options.typed) {
            (KeyCode::Char(c), typed) if takes_number && digit(c) => {
                let typed = typed.get_or_insert_default();
                if typed.len() < "3600.000".len() {
                    typed.push(c);
                }
            }
            (_, None) => return false,
            (KeyCode::Backspace, Some(typed)) => drop(typed.pop()),
            (KeyCode::Enter, Some(typed)) => {
                let seconds = typed.parse().ok().filter(|s| (0.1..=3600.0).contains(s));
                self.options.typed = None;
                match seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()) {
                    Some(interval) => self.set_interval(interval, effects),
                    None => self.say("Give seconds from 0.1 to 3600, such as 0.5."),
                }
            }
            (_, Some(_)) => {
                self.options.typed = None;
                // Esc takes back the number, and nothing else.
                return key.code == KeyCode::Esc;
            }
        }
        true
    }

    /// Goes to the option above or below.
    pub(super) fn move_option(&mut self, by: isize) {
        let at = self.options.at.saturating_add_signed(by);
        self.options.at = at.min(OPTIONS.len() - 1);
        self.options.typed = None;
    }

    /// A click on an option: the right button goes the other way.
    pub(super) fn click_option(&mut self, at: usize, forward: bool, effects: &mut Effects) {
        if at < OPTIONS.len() {
            self.options = Options {
                at,
                ..Options::default()
            };
            self.change_option(forward, effects);
        }
    }

    /// Gives the selected option its next value, or the one before.
    fn change_option(&mut self, forward: bool, effects: &mut Effects) {
        match OPTIONS[self.options.at].change {
            Change::Key(action, values) => {
                let steps = if forward { 1 } else { values - 1 };
                for _ in 0..steps {
                    self.do_action(action, effects);
                }
                // What it is now stands in the list.
                self.notice = self.notice.take().filter(|_| steps == 1);
            }
            Change::Interval => {
                self.step_interval(forward, effects);
            }
            Change::Theme => {
                let count = self.themes.names().count().max(1);
                let step = if forward { 1 } else { count - 1 };
                self.themes.choose((self.themes.chosen() + step) % count);
                self.theme = self.themes.theme();
            }
            Change::Mouse => self.mouse = !self.mouse,
            Change::Subnets => self.step_subnets(forward),
            Change::Save => self.save(effects),
        }
    }

    fn save(&self, effects: &mut Effects) {
        effects.keep = Some(self.defaults());
    }

    /// The options that a configuration file can hold, as its lines have them.
    pub(super) fn defaults(&self) -> Vec<(&'static str, String)> {
        let list = |words: Vec<&str>| {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("[{}]", words.join(", "))
        };
        let families = [Family::Ipv4, Family::Ipv6];
        let families = families.into_iter().filter(|f| self.scope.has_family(*f));
        let groups = Group::ALL.into_iter().filter(|g| self.scope.has_group(*g));
        let mut groups: Vec<_> = groups.map(|g| g.title().to_lowercase()).collect();
        if groups.len() == Group::ALL.len() {
            groups = vec!["all".to_owned()];
        }
        let theme = self.themes.names().nth(self.themes.chosen());
        let mut lines = vec![("families", list(families.map(Family::name).collect()))];
        // A file cannot say that there is to be none.
        if !groups.is_empty() {
            lines.push((
                "protocols",
                list(groups.iter().map(String::as_str).collect()),
            ));
        }
        lines.extend([
            ("loopback", self.scope.has_loopback().to_string()),
            ("show-src", self.shows_source().to_string()),
            ("subnet", format!("\"{}\"", self.subnets().as_option())),
            ("mask", self.mask().is_some().to_string()),
            ("bits", (self.unit == RateUnit::Bits).to_string()),
            ("no-mouse", (!self.mouse).to_string()),
        ]);
        if let Some(theme) = theme.filter(|_| self.themes.is_colored()) {
            lines.push(("theme", format!("\"{theme}\"")));
        }
        lines.push(("interval", self.interval.as_secs_f64().to_string()));
        lines
    }

    /// Whether the column of sources is chosen.
    fn shows_source(&self) -> bool {
        let source = self
            .columns
            .all()
            .iter()
            .find(|(id, _)| *id == ColumnId::Source);
        source.is_some_and(|(_, mark)| *mark != Mark::Off)
    }
}
