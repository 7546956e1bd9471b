//! Keys that people are used to.

use crate::tui::keys::{Action, Chord, Motion, char, ctrl};

/// Keys that people are used to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The key table.
    #[default]
    Default,
    /// With more of vi's moves.
    Vim,
    /// With `u` and `d` for a row, as in netsniff-ng's flowtop.
    Original,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Default, Self::Vim, Self::Original];

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Vim => "vim",
            Self::Original => "original",
        }
    }

    /// What it changes in the key table.
    pub(super) fn changes(self) -> &'static [(Chord, Action)] {
        const VIM: &[(Chord, Action)] = &[
            (char('g'), Action::Move(Motion::First)),
            (ctrl('g'), Action::GroupBy),
            (ctrl('f'), Action::Move(Motion::PageDown)),
            (ctrl('b'), Action::Move(Motion::PageUp)),
        ];
        const ORIGINAL: &[(Chord, Action)] = &[
            (char('u'), Action::Move(Motion::Up)),
            (char('d'), Action::Move(Motion::Down)),
        ];
        match self {
            Self::Default => &[],
            Self::Vim => VIM,
            Self::Original => ORIGINAL,
        }
    }
}
