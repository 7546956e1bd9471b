//! The clipboard of the terminal, by OSC 52 (xterm's control sequences,
//! "Manipulate Selection Data"). It reaches through SSH, and asks nothing of this
//! machine; whether it is done is up to the terminal, which does not say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What stands between the terminal and this program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing that is known.
    #[default]
    None,
    /// tmux: takes the sequence itself with `set-clipboard on`, and hands it on
    /// with `allow-passthrough on`.
    Tmux,
    /// GNU screen: hands on what is wrapped, in pieces.
    Screen,
}

impl Multiplexer {
    /// What has to be permitted for it to work.
    pub(super) const fn condition(self) -> &'static str {
        match self {
            Self::None => "if the terminal permits it (OSC 52)",
            Self::Tmux => "if tmux does (set-clipboard on) and the terminal permits it",
            Self::Screen => "if the terminal around screen permits it (OSC 52)",
        }
    }
}

/// The longest text that is copied, in bytes: a sequence of 100,000 bytes is the
/// longest that terminals are known to take, and base64 makes 4 bytes of 3.
pub(super) const MOST_BYTES: usize = 74_994;

/// What fits into one piece for screen, which takes no long strings.
const SCREEN_PIECE: usize = 240;

/// The bytes that put a text on the clipboard.
pub(super) fn sequence(text: &str, through: Multiplexer) -> Vec<u8> {
    let plain = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
    let wrapped = match through {
        Multiplexer::None => plain,
        // In the wrapper each ESC is doubled. One of the two does it, by what
        // tmux permits; with both the clipboard has the same twice.
        Multiplexer::Tmux => {
            let inside = plain.replace('\x1b', "\x1b\x1b");
            format!("{plain}\x1bPtmux;{inside}\x1b\\")
        }
        Multiplexer::Screen => {
            let pieces = plain.as_bytes().chunks(SCREEN_PIECE);
            return pieces
                .flat_map(|piece| [b"\x1bP", piece, b"\x1b\\"].concat())
                .collect();
        }
    };
    wrapped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_as_what_is_between_needs_it() {
        assert_eq!(
            sequence("10.0.0.1", Multiplexer::None),
            b"\x1b]52;c;MTAuMC4wLjE=\x07"
        );
        assert_eq!(
            sequence("a", Multiplexer::Tmux),
            b"\x1b]52;c;YQ==\x07\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"
        );
        assert_eq!(
            sequence("a", Multiplexer::Screen),
            b"\x1bP\x1b]52;c;YQ==\x07\x1b\\"
        );
    }

    #[test]
    fn screen_gets_pieces_that_together_are_the_sequence() {
        let long = "x".repeat(1000);
        let text = String::from_utf8(sequence(&long, Multiplexer::Screen)).unwrap();
        let pieces: Vec<_> = text
            .split("\x1b\\")
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.strip_prefix("\x1bP").unwrap())
            .collect();
        assert!(pieces.len() > 4 && pieces.iter().all(|p| p.len() <= SCREEN_PIECE));
        let whole = String::from_utf8(sequence(&long, Multiplexer::None)).unwrap();
        assert_eq!(pieces.concat(), whole);
    }

    #[test]
    fn the_longest_text_makes_no_longer_sequence_than_terminals_take() {
        let long = "x".repeat(MOST_BYTES);
        assert!(sequence(&long, Multiplexer::None).len() <= 100_000);
    }
}
