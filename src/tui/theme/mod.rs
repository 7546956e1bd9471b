//! Roles of text, and how each looks.
//!
//! Drawing names roles only. A [`Look`] says how each looks: one of those that
//! are built in ([`BUILT_IN`], the files of `conf/themes`), or a file of the
//! user's, read by [`Look::parse`]. For a terminal with fewer colours
//! ([`Depth`]) it becomes a [`Theme`] with the nearest ones. Nothing is told by
//! colour alone: without colours the roles that matter are still told apart by
//! bold, dim and reversed.

mod choice;
mod color;
mod look;

use ratatui::style::{Modifier, Style};

pub use choice::Themes;
pub use color::Depth;
pub use look::{BUILT_IN, Look, LookError};

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
    /// Of a flow that has had no packet for most of its timeout.
    Stale,
    /// Of one that is about to be forgotten.
    Critical,
    /// How much of a bar both directions have.
    Bar,
    /// How a flow or a group went.
    Trend,
    /// The row under the cursor.
    Selected,
    /// The mark of a row that is kept above all others.
    Pinned,
    /// What just happened, or went wrong.
    Alert,
    /// A key.
    HelpKey,
    /// What a key does.
    HelpText,
}

impl Role {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 31] = [
        Self::Title,
        Self::Chip,
        Self::ChipWarn,
        Self::ChipCrit,
        Self::Tab,
        Self::TabActive,
        Self::Header,
        Self::Text,
        Self::Dim,
        Self::AddressPrivate,
        Self::AddressPublic,
        Self::Service,
        Self::Country,
        Self::Proto,
        Self::StateNew,
        Self::StateOpen,
        Self::StateClosing,
        Self::Up,
        Self::Down,
        Self::RateLow,
        Self::RateMid,
        Self::RateHigh,
        Self::Stale,
        Self::Critical,
        Self::Bar,
        Self::Trend,
        Self::Selected,
        Self::Pinned,
        Self::Alert,
        Self::HelpKey,
        Self::HelpText,
    ];

    /// As it stands in the file of a theme.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Chip => "chip",
            Self::ChipWarn => "chip_warn",
            Self::ChipCrit => "chip_crit",
            Self::Tab => "tab",
            Self::TabActive => "tab_active",
            Self::Header => "header",
            Self::Text => "text",
            Self::Dim => "dim",
            Self::AddressPrivate => "address_private",
            Self::AddressPublic => "address_public",
            Self::Service => "service",
            Self::Country => "country",
            Self::Proto => "proto",
            Self::StateNew => "state_new",
            Self::StateOpen => "state_open",
            Self::StateClosing => "state_closing",
            Self::Up => "up",
            Self::Down => "down",
            Self::RateLow => "rate_low",
            Self::RateMid => "rate_mid",
            Self::RateHigh => "rate_high",
            Self::Stale => "stale",
            Self::Critical => "critical",
            Self::Bar => "bar",
            Self::Trend => "trend",
            Self::Selected => "selected",
            Self::Pinned => "pinned",
            Self::Alert => "alert",
            Self::HelpKey => "help_key",
            Self::HelpText => "help_text",
        }
    }
}

/// Looks of the roles on one terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    base: Style,
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// The terminal's own colours, which can be read on dark and on light
    /// backgrounds; or attributes only.
    pub fn new(color: bool) -> Self {
        let depth = if color { Depth::Ansi } else { Depth::None };
        Look::terminal().on(depth)
    }

    /// How a role looks.
    pub const fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// What is under everything: the background, if the theme has one.
    pub const fn base(&self) -> Style {
        self.base
    }
}

/// How a role looks without colours.
const fn plain(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Title
        | Role::ChipWarn
        | Role::Alert
        | Role::Header
        | Role::TabActive
        | Role::HelpKey
        | Role::Critical
        | Role::Pinned
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
        | Role::Stale
        | Role::Bar
        | Role::Trend
        | Role::HelpText => style,
    }
}
