//! Every key.

use crossterm::event::KeyCode;

use super::{Action, Chord, Hint, Key, Motion, Section, char, ctrl, key};
use crate::flow::{Family, Group};
use crate::tui::tabs::Tab;

const fn tab(tab: Tab) -> Chord {
    char(tab.digit())
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
        &[key(KeyCode::PageUp), char('[')],
        Motion::PageUp,
        "PgUp PgDn",
        Some("a page up, down; [ ] as well"),
    ),
    moving(
        &[key(KeyCode::PageDown), char(']')],
        Motion::PageDown,
        "",
        None,
    ),
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
        "columns without room; time of a chart",
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
        &[tab(Tab::Health)],
        Action::Go(Tab::Health),
        "8 9",
        "Health, Chart",
        None,
    ),
    hidden(&[tab(Tab::Chart)], Action::Go(Tab::Chart)),
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
        &[char('i')],
        Action::Inspect,
        "i",
        "all about the row: a host, a process, ...",
        Some(hint("i", "about", 5)),
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
        &[char('f')],
        Action::OnlyThis,
        "f !",
        "only, or without, a value of the row",
        None,
    ),
    hidden(&[char('!')], Action::NotThis),
    entry(
        Section::Filter,
        &[char('P')],
        Action::EditPort,
        "P",
        "type a port to see only that",
        None,
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
        Section::Filter,
        &[char('c')],
        Action::ToggleEnded,
        "c",
        "flows that have ended, dim, and why",
        Some(hint("c", "closed", 8)),
    ),
    entry(
        Section::Filter,
        &[char('X')],
        Action::ForgetEnded,
        "X",
        "pressed twice: forget ended flows",
        None,
    ),
    entry(
        Section::Show,
        &[char('z')],
        Action::Baseline,
        "z",
        "↓ Δ and ↑ Δ from now; twice: from start",
        None,
    ),
    entry(
        Section::Show,
        &[char('g')],
        Action::GroupBy,
        "g",
        "put flows together: by host, user, ...",
        Some(hint("g", "group", 4)),
    ),
    entry(
        Section::Show,
        &[char('<')],
        Action::SortLeft,
        "< >",
        "sort by the column left, right of it",
        Some(hint("< >", "sort", 3)),
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
        &[char('F')],
        Action::Follow,
        "F",
        "follow the row, also beyond its end",
        None,
    ),
    entry(
        Section::Show,
        &[char('*')],
        Action::TogglePin,
        "*",
        "pin the row above all, or let it go",
        None,
    ),
    entry(
        Section::Show,
        &[char(' ')],
        Action::TogglePause,
        "Space",
        "pause the view, while flows go on",
        Some(hint("Space", "go on", 2)),
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
        Some(hint("s", "source", 5)),
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
        &[char('B')],
        Action::CycleBars,
        "B",
        "rates as bars: by powers, linear, none",
        None,
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
        Section::Take,
        &[char('y')],
        Action::Copy,
        "y",
        "copy something about the row",
        Some(hint("y", "copy", 14)),
    ),
    entry(
        Section::Take,
        &[char('m')],
        Action::Mask,
        "m",
        "mask addresses and names",
        None,
    ),
    entry(
        Section::Take,
        &[char('w')],
        Action::WriteScreen,
        "w",
        "write the screen to a new file",
        None,
    ),
    entry(
        Section::Take,
        &[char('e')],
        Action::Export,
        "e",
        "export all rows as CSV, JSON or text",
        None,
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
        &[char(',')],
        Action::Options,
        ",",
        "all that can be switched, and save it",
        Some(hint(",", "options", 13)),
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
        &[char('+')],
        Action::Slower,
        "+ -",
        "refresh less, more often",
        None,
    ),
    hidden(&[char('-')], Action::Faster),
    entry(
        Section::Program,
        &[ctrl('r')],
        Action::Refresh,
        "Ctrl+R",
        "refresh now, and read the whole table",
        None,
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
    entry(
        Section::Program,
        &[char('Q')],
        Action::QuitShowing,
        "Q",
        "quit and leave this screen behind",
        None,
    ),
    entry(
        Section::Program,
        &[ctrl('z')],
        Action::Suspend,
        "Ctrl+Z",
        "back to the shell until `fg`",
        None,
    ),
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
