//! The key table: the one place where keys, what they do and what help says
//! about them stand.

use crossterm::event::KeyCode;

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
    /// Drops the filter.
    ClearFilter,
    /// Flows in every direction, or in one only.
    CycleDirection,
    /// Only active flows, or all.
    ToggleActive,
    /// Sorts by the column to the left of the one that is sorted by.
    SortLeft,
    /// Sorts by the column to the right of it.
    SortRight,
    /// Sorts the other way round.
    Reverse,
    /// Lets rows keep their order, or not any more.
    ToggleFreeze,
    /// Chooses columns.
    ChooseColumns,
    /// Shows or hides the source column.
    ToggleSource,
    /// Hosts by name, by address, by both.
    CycleHosts,
    /// Ports by name or by number.
    TogglePorts,
    /// Makes the kernel track connections.
    Track,
    /// Opens or closes the help.
    Help,
    /// Opens or closes what there is to know about the program.
    About,
    /// Opens the list of themes.
    Themes,
    /// One step back: closes a popup, else drops the selection, else leaves
    /// the list for the one before.
    Back,
    /// Draws the whole screen anew.
    Redraw,
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
    /// The program.
    Program,
}

impl Section {
    /// In the order of the help.
    pub const ALL: [Self; 4] = [Self::Move, Self::Filter, Self::Show, Self::Program];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "Move",
            Self::Filter => "Which flows",
            Self::Show => "How they look",
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

const fn tab(tab: Tab) -> Chord {
    char(tab.digit())
}

pub(super) const fn ctrl(c: char) -> Chord {
    Chord {
        code: KeyCode::Char(c),
        ctrl: true,
    }
}

const fn hint(keys: &'static str, word: &'static str, rank: u8) -> Hint {
    Hint { keys, word, rank }
}

const fn moving(
    chords: &'static [Chord],
    motion: Motion,
    label: &'static str,
    help: Option<&'static str>,
) -> Key {
    Key {
        chords,
        action: Action::Move(motion),
        label,
        help,
        section: Section::Move,
        hint: None,
    }
}

const fn entry(
    section: Section,
    chords: &'static [Chord],
    action: Action,
    label: &'static str,
    help: &'static str,
    hint: Option<Hint>,
) -> Key {
    Key {
        chords,
        action,
        label,
        help: Some(help),
        section,
        hint,
    }
}

/// A key of which the entry before tells.
const fn hidden(chords: &'static [Chord], action: Action) -> Key {
    Key {
        chords,
        action,
        label: "",
        help: None,
        section: Section::Move,
        hint: None,
    }
}

/// Every key, in the order of the help and of the key line.
pub static KEYS: &[Key] = &[
    Key {
        hint: Some(hint("↑↓", "select", 4)),
        ..moving(
            &[key(KeyCode::Up), char('k')],
            Motion::Up,
            "↑ ↓  k j",
            Some("select the row above, below"),
        )
    },
    moving(&[key(KeyCode::Down), char('j')], Motion::Down, "", None),
    moving(
        &[key(KeyCode::PageUp)],
        Motion::PageUp,
        "PgUp PgDn",
        Some("a page up, down"),
    ),
    moving(&[key(KeyCode::PageDown)], Motion::PageDown, "", None),
    moving(
        &[char('u'), ctrl('u')],
        Motion::HalfPageUp,
        "u d",
        Some("half a page up, down; with Ctrl as well"),
    ),
    moving(&[char('d'), ctrl('d')], Motion::HalfPageDown, "", None),
    moving(
        &[key(KeyCode::Home)],
        Motion::First,
        "Home End",
        Some("first and last row; G is last as well"),
    ),
    moving(&[key(KeyCode::End), char('G')], Motion::Last, "", None),
    entry(
        Section::Move,
        &[key(KeyCode::Left), char('h')],
        Action::ScrollLeft,
        "← →  h l",
        "columns that have no room on the screen",
        Some(hint("←→", "columns", 12)),
    ),
    hidden(&[key(KeyCode::Right), char('l')], Action::ScrollRight),
    entry(
        Section::Move,
        &[key(KeyCode::Tab)],
        Action::NextTab,
        "Tab",
        "the next tab",
        None,
    ),
    hidden(&[key(KeyCode::BackTab)], Action::PreviousTab),
    entry(
        Section::Move,
        &[tab(Tab::Flows)],
        Action::Go(Tab::Flows),
        "1 2 3 5 7",
        "Flows, Hosts, Processes, Places, Services",
        None,
    ),
    hidden(&[tab(Tab::Hosts)], Action::Go(Tab::Hosts)),
    hidden(&[tab(Tab::Processes)], Action::Go(Tab::Processes)),
    hidden(&[tab(Tab::Places)], Action::Go(Tab::Places)),
    hidden(&[tab(Tab::Services)], Action::Go(Tab::Services)),
    entry(
        Section::Move,
        &[key(KeyCode::Enter)],
        Action::Enter,
        "Enter",
        "into the row: networks, flows, details",
        Some(hint("Enter", "open", 2)),
    ),
    entry(
        Section::Move,
        &[char('K')],
        Action::DetailUp,
        "K J",
        "the details up, down",
        Some(hint("K J", "details", 3)),
    ),
    hidden(&[char('J')], Action::DetailDown),
    entry(
        Section::Move,
        &[key(KeyCode::Esc)],
        Action::Back,
        "Esc",
        "close what is open, select nothing, back",
        Some(hint("Esc", "back", 2)),
    ),
    entry(
        Section::Filter,
        &[char('/')],
        Action::EditFilter,
        "/",
        "type a filter: port 443, rate>1M, text",
        Some(hint("/", "filter", 2)),
    ),
    entry(
        Section::Filter,
        &[char('0')],
        Action::ClearFilter,
        "0",
        "no filter",
        None,
    ),
    entry(
        Section::Filter,
        &[char('T')],
        Action::ToggleGroup(Group::Tcp),
        "T",
        "TCP on or off",
        Some(hint("T U D I S O", "protocols", 8)),
    ),
    entry(
        Section::Filter,
        &[char('U')],
        Action::ToggleGroup(Group::Udp),
        "U",
        "UDP and UDP-Lite on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('D')],
        Action::ToggleGroup(Group::Dccp),
        "D",
        "DCCP on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('I')],
        Action::ToggleGroup(Group::Icmp),
        "I",
        "ICMP and ICMPv6 on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('S')],
        Action::ToggleGroup(Group::Sctp),
        "S",
        "SCTP on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('O')],
        Action::ToggleGroup(Group::Other),
        "O",
        "every other protocol on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('A')],
        Action::AllGroups,
        "A",
        "all protocols; again: those of before",
        Some(hint("A", "all protocols", 5)),
    ),
    entry(
        Section::Filter,
        &[char('4')],
        Action::ToggleFamily(Family::Ipv4),
        "4",
        "IPv4 on or off",
        Some(hint("4 6", "families", 9)),
    ),
    entry(
        Section::Filter,
        &[char('6')],
        Action::ToggleFamily(Family::Ipv6),
        "6",
        "IPv6 on or off",
        None,
    ),
    entry(
        Section::Filter,
        &[char('L')],
        Action::ToggleLoopback,
        "L",
        "loopback flows (127/8, ::1) on or off",
        Some(hint("L", "loopback", 10)),
    ),
    entry(
        Section::Filter,
        &[char('o')],
        Action::CycleDirection,
        "o",
        "all flows, only out, in, through, local",
        Some(hint("o", "direction", 8)),
    ),
    entry(
        Section::Filter,
        &[char('a')],
        Action::ToggleActive,
        "a",
        "only flows that moved bytes just now",
        Some(hint("a", "active", 3)),
    ),
    entry(
        Section::Show,
        &[char('<')],
        Action::SortLeft,
        "< >",
        "sort by the column left, right of it",
        Some(hint("< >", "sort", 5)),
    ),
    hidden(&[char('>')], Action::SortRight),
    entry(
        Section::Show,
        &[char('r')],
        Action::Reverse,
        "r",
        "sort the other way round",
        None,
    ),
    entry(
        Section::Show,
        &[ctrl('o')],
        Action::ToggleFreeze,
        "Ctrl+O",
        "keep the order of rows, or let it go",
        None,
    ),
    entry(
        Section::Show,
        &[char('C')],
        Action::ChooseColumns,
        "C",
        "choose and move columns",
        Some(hint("C", "choose", 12)),
    ),
    entry(
        Section::Show,
        &[char('s')],
        Action::ToggleSource,
        "s",
        "where flows come from",
        Some(hint("s", "source", 3)),
    ),
    entry(
        Section::Show,
        &[char('b')],
        Action::ToggleBits,
        "b",
        "rates in bits or in bytes",
        Some(hint("b", "bits", 6)),
    ),
    entry(
        Section::Show,
        &[char('n')],
        Action::CycleHosts,
        "n",
        "hosts by name, by address, by both",
        Some(hint("n", "names", 7)),
    ),
    entry(
        Section::Show,
        &[char('p')],
        Action::TogglePorts,
        "p",
        "ports by service name, by number",
        Some(hint("p", "ports", 11)),
    ),
    entry(
        Section::Program,
        &[char('E')],
        Action::Track,
        "E",
        "track connections until flowtop exits",
        None,
    ),
    entry(
        Section::Program,
        &[char('?'), key(KeyCode::F(1))],
        Action::Help,
        "?  F1",
        "this help",
        Some(hint("?", "help", 0)),
    ),
    entry(
        Section::Show,
        &[char('t')],
        Action::Themes,
        "t",
        "choose a theme",
        None,
    ),
    entry(
        Section::Program,
        &[char('V')],
        Action::About,
        "V",
        "this version, its data, what went wrong",
        Some(hint("V", "about", 13)),
    ),
    entry(
        Section::Program,
        &[ctrl('l')],
        Action::Redraw,
        "Ctrl+L",
        "draw the screen anew",
        None,
    ),
    entry(
        Section::Program,
        &[char('q')],
        Action::Leave,
        "q",
        "quit; Ctrl+C as well",
        Some(hint("q", "quit", 1)),
    ),
    hidden(&[ctrl('c')], Action::Quit),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings() {
        let chords: Vec<Chord> = KEYS.iter().flat_map(|key| key.chords).copied().collect();
        for (index, chord) in chords.iter().enumerate() {
            let first = chords.iter().position(|other| other == chord);
            assert_eq!(first, Some(index), "{chord:?}");
        }
    }
}
