//! Roles of text, and how each looks.
//!
//! Drawing names roles only. Nothing is told by colour alone: without colours
//! the roles that matter are still told apart by bold, dim and reversed.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Name of the host.
    Title,
    /// Something that is switched on.
    Chip,
    /// A state to be aware of.
    ChipWarn,
    /// A state that falsifies what the screen shows.
    ChipCrit,
    /// A tab.
    Tab,
    /// The tab that is shown, and how one came to its list.
    TabActive,
    /// Titles of columns.
    Header,
    /// Ordinary text.
    Text,
    /// Text that can be overlooked: units, zeros, what is not known.
    Dim,
    /// An address of a private network.
    AddressPrivate,
    /// An address of the internet.
    AddressPublic,
    /// A service.
    Service,
    /// A country or a network.
    Country,
    /// A protocol.
    Proto,
    /// State of a flow whose handshake is under way or unanswered.
    StateNew,
    /// State of a flow that carries data both ways.
    StateOpen,
    /// State of a flow that is about to end.
    StateClosing,
    /// From the side that began the flow.
    Up,
    /// To the side that began the flow.
    Down,
    /// A rate of no consequence.
    RateLow,
    /// A rate worth a look.
    RateMid,
    /// A rate that fills lines.
    RateHigh,
    /// The row under the cursor.
    Selected,
    /// What just happened, or went wrong.
    Alert,
    /// A key.
    HelpKey,
    /// What a key does.
    HelpText,
}

/// Looks of the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    color: bool,
}

impl Theme {
    /// With those of the terminal's own colours that can be read on dark and
    /// on light backgrounds; or with attributes only.
    pub const fn new(color: bool) -> Self {
        Self { color }
    }

    /// How a role looks.
    pub const fn style(self, role: Role) -> Style {
        if self.color {
            Self::colored(role)
        } else {
            Self::plain(role)
        }
    }

    const fn plain(role: Role) -> Style {
        let style = Style::new();
        match role {
            Role::Title
            | Role::ChipWarn
            | Role::Alert
            | Role::Header
            | Role::TabActive
            | Role::HelpKey
            | Role::RateHigh => style.add_modifier(Modifier::BOLD),
            Role::ChipCrit | Role::Selected => style.add_modifier(Modifier::REVERSED),
            Role::Dim | Role::Tab | Role::StateClosing => style.add_modifier(Modifier::DIM),
            Role::Chip
            | Role::Text
            | Role::AddressPrivate
            | Role::AddressPublic
            | Role::Service
            | Role::Country
            | Role::Proto
            | Role::StateNew
            | Role::StateOpen
            | Role::Up
            | Role::Down
            | Role::RateLow
            | Role::RateMid
            | Role::HelpText => style,
        }
    }

    const fn colored(role: Role) -> Style {
        let plain = Self::plain(role);
        match role {
            Role::Chip | Role::TabActive | Role::AddressPrivate | Role::HelpKey => {
                plain.fg(Color::Cyan)
            }
            Role::ChipWarn | Role::Alert | Role::AddressPublic | Role::RateHigh => {
                plain.fg(Color::Yellow)
            }
            Role::ChipCrit => plain.fg(Color::Red),
            Role::StateOpen | Role::Down | Role::RateMid => plain.fg(Color::Green),
            Role::Up | Role::StateNew => plain.fg(Color::Magenta),
            Role::Title
            | Role::Header
            | Role::Text
            | Role::Dim
            | Role::Tab
            | Role::Proto
            | Role::Service
            | Role::Country
            | Role::StateClosing
            | Role::RateLow
            | Role::Selected
            | Role::HelpText => plain,
        }
    }
}
