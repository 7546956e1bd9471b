//! The key table: the one place where keys, what they do and what help says
//! about them stand.

mod table;

use crossterm::event::KeyCode;

pub use table::KEYS;

use super::tabs::Tab;
use crate::flow::{Family, Group};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Moves the selection, or the text of a popup.
    Move(Motion),
    /// Shows columns further to the left.
    ScrollLeft,
    /// Shows columns further to the right.
    ScrollRight,
    /// Goes to the next tab.
    NextTab,
    /// Goes to the previous tab.
    PreviousTab,
    /// Goes to a tab; if it is there, to its first list.
    Go(Tab),
    /// Goes into the selected row, or shows all about it.
    Enter,
    /// Shows or hides all about the selected row, whatever it is.
    Inspect,
    /// Moves the text of the details up.
    DetailUp,
    /// Moves it down.
    DetailDown,
    /// Shows or hides protocols.
    ToggleGroup(Group),
    /// Shows all protocols, or again those shown before.
    AllGroups,
    /// Shows or hides a family.
    ToggleFamily(Family),
    /// Shows or hides loopback flows.
    ToggleLoopback,
    /// Rates in bits or in bytes.
    ToggleBits,
    /// Opens the line where a filter is typed.
    EditFilter,
    /// Adds a value of the row to the filter.
    OnlyThis,
    /// Adds to the filter that a value of the row is not to be seen.
    NotThis,
    /// Opens the line where a filter is typed, for a port.
    EditPort,
    /// Drops the filter.
    ClearFilter,
    /// Flows in every direction, or in one only.
    CycleDirection,
    /// Only active flows, or all.
    ToggleActive,
    /// Chooses by what flows are put together.
    GroupBy,
    /// Shows flows that have ended, or does not.
    ToggleEnded,
    /// Forgets them, the second time.
    ForgetEnded,
    /// Counts bytes from now on.
    Baseline,
    /// Sorts by the column to the left of the one that is sorted by.
    SortLeft,
    /// Sorts by the column to the right of it.
    SortRight,
    /// Sorts the other way round.
    Reverse,
    /// Lets rows keep their order, or not any more.
    ToggleFreeze,
    /// Follows the row, or not any more.
    Follow,
    /// Keeps the row above all others, or not any more.
    TogglePin,
    /// Chooses columns.
    ChooseColumns,
    /// Shows or hides the source column.
    ToggleSource,
    /// Rates with bars of powers of ten, with linear ones, with none.
    CycleBars,
    /// Hosts by name, by address, by both.
    CycleHosts,
    /// Ports by name or by number.
    TogglePorts,
    /// Opens the menu of what can be copied.
    Copy,
    /// Puts pseudonyms in the place of addresses and names, or takes them away.
    Mask,
    /// Writes the screen to a file.
    WriteScreen,
    /// Opens the menu of how rows can be exported.
    Export,
    /// Pauses the view while flows go on, or not any more.
    TogglePause,
    /// Makes the kernel track connections.
    Track,
    /// Opens or closes the help.
    Help,
    /// Opens or closes what there is to know about the program.
    About,
    /// Opens the list of themes.
    Themes,
    /// Opens the list of options.
    Options,
    /// One step back: closes a popup, else drops the selection, else leaves
    /// the list for the one before.
    Back,
    /// Refreshes less often.
    Slower,
    /// Refreshes more often.
    Faster,
    /// Refreshes at once.
    Refresh,
    /// Draws the whole screen anew.
    Redraw,
    /// Gives the terminal to the shell, until that lets us go on.
    Suspend,
    /// Quits, and leaves the last screen behind.
    QuitShowing,
    /// Closes a popup, else quits.
    Leave,
    /// Quits.
    Quit,
}

/// Ways to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what their names say")]
pub enum Motion {
    Up,
    Down,
    PageUp,
    PageDown,
    HalfPageUp,
    HalfPageDown,
    First,
    Last,
}

/// A key, pressed alone or with Ctrl. Shift shows in the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Whether Ctrl is held.
    pub ctrl: bool,
}

/// Parts of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Selection and scrolling.
    Move,
    /// Which flows are shown.
    Filter,
    /// How they are shown.
    Show,
    /// What can be taken out.
    Take,
    /// The program.
    Program,
}

impl Section {
    /// In the order of the help.
    pub const ALL: [Self; 5] = [
        Self::Move,
        Self::Filter,
        Self::Show,
        Self::Take,
        Self::Program,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Filter => "Which flows",
            Self::Show => "How they look",
            Self::Take => "Take them along",
            Self::Program => "flowtop",
        }
    }
}

/// A word on the key line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What stands before it; empty if the entry before says it as well.
    pub keys: &'static str,
    /// What the key does.
    pub word: &'static str,
    /// Higher ones go first where there is no room.
    pub rank: u8,
}

/// An entry of the key table.
#[derive(Debug)]
pub struct Key {
    /// The keys; any of them.
    pub chords: &'static [Chord],
    /// What they do.
    pub action: Action,
    /// How the help writes them.
    pub label: &'static str,
    /// What the help says; `None` if the entry before says it as well.
    pub help: Option<&'static str>,
    /// Where in the help.
    pub section: Section,
    /// How the key line tells of them.
    pub hint: Option<Hint>,
}

const fn key(code: KeyCode) -> Chord {
    Chord { code, ctrl: false }
}

pub(super) const fn char(c: char) -> Chord {
    key(KeyCode::Char(c))
}

pub(super) const fn ctrl(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        ctrl: true,
    }
}
