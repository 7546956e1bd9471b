//! Which key does what: the key table, and what a user makes of it.
//!
//! Actions and keys have names here, for the `[keys]` of flowtop.toml.

mod action;
mod chord;
mod preset;

use std::ops::Range;

use crossterm::event::{KeyEvent, KeyModifiers};

use super::keys::{Action, Chord, KEYS, Key, ctrl};
pub use preset::Preset;

/// Which key does what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    /// The keys of each entry of the key table.
    chords: Vec<Vec<Chord>>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self::new(Preset::Default, &[])
    }
}

impl Keymap {
    /// What quits if nothing else does.
    pub const WAY_OUT: Chord = ctrl('c');

    /// The key table, changed by a preset, changed by a user: a key that is
    /// given to an action is taken from the one that had it; `None` takes it
    /// away. Later ones win.
    pub fn new(preset: Preset, changes: &[(Chord, Option<Action>)]) -> Self {
        let mut map = Self {
            chords: KEYS.iter().map(|key| key.chords.to_vec()).collect(),
        };
        for (chord, action) in preset.changes() {
            map.bind(*chord, Some(*action));
        }
        for (chord, action) in changes {
            map.bind(*chord, *action);
        }
        map
    }

    /// Gives a key to an action.
    pub fn bind(&mut self, chord: Chord, action: Option<Action>) {
        for (key, chords) in KEYS.iter().zip(&mut self.chords) {
            if action != Some(key.action) {
                chords.retain(|had| *had != chord);
            } else if !chords.contains(&chord) {
                chords.push(chord);
            }
        }
    }

    /// What a key press asks for, if anything.
    pub(super) fn action(&self, event: KeyEvent) -> Option<Action> {
        if event.is_release() {
            return None;
        }
        // Alt, Super and the like are other keys; Shift is in the character.
        if !(event.modifiers - KeyModifiers::CONTROL - KeyModifiers::SHIFT).is_empty() {
            return None;
        }
        let chord = Chord {
            code: event.code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        };
        self.owner(chord).map(|key| key.action)
    }

    /// The keys of an action.
    pub fn chords(&self, action: Action) -> &[Chord] {
        KEYS.iter()
            .position(|key| key.action == action)
            .and_then(|at| self.chords.get(at))
            .map_or(&[], Vec::as_slice)
    }

    fn owner(&self, chord: Chord) -> Option<&'static Key> {
        let at = self.chords.iter().position(|had| had.contains(&chord))?;
        KEYS.get(at)
    }

    /// How the screen names the key of an action: the first of them.
    pub(super) fn name(&self, action: Action) -> String {
        let first = self.chords(action).first();
        first.map_or_else(|| NO_KEY.to_owned(), |chord| chord.label())
    }

    /// How the help writes the keys of an entry, and of those after it that it
    /// tells of as well.
    pub(super) fn label(&self, key: &Key) -> String {
        let entries = Self::told_of(key);
        if !self.is_changed(entries.clone()) {
            return key.label.to_owned();
        }
        let longest = entries.clone().map(|at| self.chords[at].len()).max();
        let labels: Vec<_> = (0..longest.unwrap_or(0))
            .flat_map(|nth| entries.clone().map(move |at| (at, nth)))
            .filter_map(|(at, nth)| self.chords[at].get(nth))
            .map(|chord| chord.label())
            .collect();
        if labels.is_empty() {
            NO_KEY.to_owned()
        } else {
            labels.join(" ")
        }
    }

    /// What the help says of an entry. A clause at its end, "; ... as well", tells
    /// of further keys; where they are changed, the label has them all.
    pub(super) fn help(&self, key: &Key) -> Option<&'static str> {
        let help = key.help?;
        let clause = help
            .rsplit_once("; ")
            .filter(|(_, more)| more.ends_with(" as well"));
        match clause {
            Some((rest, _)) if self.is_changed(Self::told_of(key)) => Some(rest),
            _ => Some(help),
        }
    }

    /// Where an entry stands, and those after it that it tells of as well.
    fn told_of(key: &Key) -> Range<usize> {
        let at = KEYS.iter().position(|other| other.action == key.action);
        let from = at.unwrap_or(KEYS.len());
        let more = KEYS
            .iter()
            .skip(from + 1)
            .take_while(|key| key.help.is_none());
        from..from + usize::from(at.is_some()) + more.count()
    }

    fn is_changed(&self, entries: Range<usize>) -> bool {
        let mut entries = entries;
        entries.any(|at| self.chords[at] != KEYS[at].chords)
    }

    /// How the key line writes the keys of an entry; `None` if none is left.
    pub(super) fn hint(&self, keys: &str) -> Option<String> {
        let parts = self.hinted(keys)?;
        Some(parts.into_iter().map(|(text, _)| text).collect())
    }

    /// The same, key by key, with what each does.
    pub(super) fn hinted(&self, keys: &str) -> Option<Vec<(String, Option<Action>)>> {
        let mut parts: Vec<(String, Option<Action>)> = Vec::new();
        for word in keys.split(' ') {
            let mut renamed = self.renamed(word).into_iter();
            let first = renamed.next();
            if first.is_some() && !parts.is_empty() {
                parts.push((" ".to_owned(), None));
            }
            parts.extend(first.into_iter().chain(renamed));
        }
        (keys.is_empty() || !parts.is_empty()).then_some(parts)
    }

    /// A word of the key line, which names a key of the table or, in one, several
    /// that are characters: each by the key that does this now. Those that no key
    /// does are left out.
    fn renamed(&self, word: &str) -> Vec<(String, Option<Action>)> {
        let now = |label: &str| {
            let had = |key: &&Key| key.chords.iter().any(|chord| chord.label() == label);
            let key = KEYS.iter().find(had)?;
            let chords = self.chords(key.action);
            let same = chords.iter().find(|chord| chord.label() == label);
            let name = same.or(chords.first()).map(|chord| chord.label());
            Some(name.map(|name| (name, Some(key.action))))
        };
        if let Some(part) = now(word) {
            return part.into_iter().collect();
        }
        let each = |c: char| {
            let label = c.to_string();
            now(&label).unwrap_or(Some((label, None)))
        };
        word.chars().filter_map(each).collect()
    }

    /// Whether the viewer can be left by a key.
    pub fn has_way_out(&self) -> bool {
        [Action::Leave, Action::Quit]
            .iter()
            .any(|action| !self.chords(*action).is_empty())
    }
}

/// What stands in the place of keys where there are none.
pub(super) const NO_KEY: &str = "no key";

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;
    use crate::flow::Group;
    use crate::tui::keys::Motion;

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    fn entry(action: Action) -> &'static Key {
        KEYS.iter().find(|key| key.action == action).unwrap()
    }

    fn press(map: &Keymap, text: &str) -> Option<Action> {
        let Chord { code, ctrl } = chord(text);
        let modifiers = if ctrl {
            KeyModifiers::CONTROL
        } else {
            KeyModifiers::NONE
        };
        map.action(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn every_action_has_a_name_of_its_own_and_one_entry() {
        let names: Vec<_> = Action::all().map(Action::name).collect();
        for (index, name) in names.iter().enumerate() {
            assert_eq!(names.iter().position(|other| other == name), Some(index));
            assert!(
                name.chars()
                    .all(|c| c == '-' || c.is_ascii_lowercase() || c.is_ascii_digit())
            );
            assert_ne!(*name, "none");
        }
    }

    #[test]
    fn every_key_of_the_table_can_be_written() {
        for had in KEYS.iter().flat_map(|key| key.chords) {
            assert_eq!(had.to_string().parse(), Ok(*had), "{had:?}");
        }
    }

    #[test]
    fn keys_are_read_in_any_case_and_letters_are_not() {
        for (text, same) in [
            ("Ctrl+R", "ctrl+r"),
            ("PgUp", "pgup"),
            ("F5", "f5"),
            ("SPACE", " "),
        ] {
            assert_eq!(chord(text), chord(same), "{text}");
        }
        assert_ne!(chord("r"), chord("R"));
        assert_eq!(chord("+").label(), "+");
        assert_eq!(chord("ctrl++").label(), "Ctrl++");
        for text in [
            "",
            "ctrl+",
            "alt+x",
            "f13",
            "f0",
            "pg",
            "\u{7}",
            "ctrl+shift+x",
        ] {
            let error = text.parse::<Chord>().unwrap_err();
            assert!(error.contains("is no key; give a character"), "{error}");
        }
        let error = "ctrl+i".parse::<Chord>().unwrap_err();
        assert_eq!(error, "terminals send `ctrl+i` as tab; give that");
    }

    #[test]
    fn modifiers_make_other_keys() {
        let map = Keymap::default();
        let press = |code, modifiers| map.action(KeyEvent::new(code, modifiers));
        let q = KeyCode::Char('q');
        assert_eq!(press(q, KeyModifiers::NONE), Some(Action::Leave));
        assert_eq!(press(q, KeyModifiers::ALT), None);
        assert_eq!(press(q, KeyModifiers::CONTROL), None);
        let tcp = Some(Action::ToggleGroup(Group::Tcp));
        assert_eq!(press(KeyCode::Char('T'), KeyModifiers::SHIFT), tcp);
    }

    #[test]
    fn the_table_is_the_map_until_somebody_changes_it() {
        let map = Keymap::default();
        for key in KEYS {
            assert_eq!(map.chords(key.action), key.chords);
            assert_eq!(map.label(key), key.label);
            if let Some(hint) = key.hint {
                assert_eq!(map.hint(hint.keys).as_deref(), Some(hint.keys));
            }
        }
    }

    #[test]
    fn a_key_has_one_action_and_an_action_any_number_of_keys() {
        let changes = [
            (chord("ctrl+r"), Some(Action::Redraw)),
            (chord("s"), Some(Action::ToggleBits)),
            (chord("T"), None),
            (chord("t"), Some(Action::ToggleGroup(Group::Tcp))),
        ];
        let map = Keymap::new(Preset::Default, &changes);
        assert_eq!(press(&map, "ctrl+r"), Some(Action::Redraw));
        assert_eq!(press(&map, "ctrl+l"), Some(Action::Redraw));
        assert_eq!(press(&map, "s"), Some(Action::ToggleBits));
        assert_eq!(press(&map, "b"), Some(Action::ToggleBits));
        assert_eq!(press(&map, "T"), None);
        assert_eq!(map.label(entry(Action::Redraw)), "Ctrl+L Ctrl+R");
        assert_eq!(map.label(entry(Action::ToggleBits)), "b s");
        assert_eq!(map.label(entry(Action::ToggleSource)), "no key");
        assert_eq!(map.hint("T U D I S O").as_deref(), Some("t U D I S O"));
        assert_eq!(map.hint("s"), None);
        assert_eq!(map.hint("b").as_deref(), Some("b"));
        assert_eq!(map.name(Action::ToggleGroup(Group::Tcp)), "t");
    }

    #[test]
    fn the_help_of_an_entry_tells_of_the_keys_of_those_it_speaks_for() {
        let changes = [(chord("ctrl+n"), Some(Action::Move(Motion::Down)))];
        let map = Keymap::new(Preset::Default, &changes);
        let label = map.label(entry(Action::Move(Motion::Up)));
        assert_eq!(label, "↑ ↓ k j Ctrl+N");
        let last = (chord("ctrl+e"), Some(Action::Move(Motion::Last)));
        let map = Keymap::new(Preset::Default, &[last]);
        let first = entry(Action::Move(Motion::First));
        assert_eq!(map.label(first), "Home End G Ctrl+E");
        assert_eq!(map.help(first), Some("first and last row"));
        assert!(
            Keymap::default()
                .help(first)
                .unwrap()
                .ends_with("; G is last as well")
        );
        assert_eq!(map.hint("↑↓").as_deref(), Some("↑↓"));
    }

    #[test]
    fn presets_are_changes_of_the_table() {
        for preset in Preset::ALL {
            let map = Keymap::new(preset, &[]);
            for (key, action) in preset.changes() {
                assert!(map.chords(*action).contains(key), "{preset:?}");
            }
            assert!(map.has_way_out());
        }
        let original = Keymap::new(Preset::Original, &[]);
        assert_eq!(press(&original, "u"), Some(Action::Move(Motion::Up)));
        let half = Some(Action::Move(Motion::HalfPageUp));
        assert_eq!(press(&original, "ctrl+u"), half);
    }

    #[test]
    fn without_its_keys_there_is_no_way_out() {
        let map = Keymap::new(
            Preset::Default,
            &[(chord("q"), None), (chord("ctrl+c"), None)],
        );
        assert!(!map.has_way_out());
    }
}
