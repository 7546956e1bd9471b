//! Texts that many flows share, each told by a small number.

use std::collections::HashMap;
use std::sync::Arc;

/// Texts that are told apart. Containers come and go, and each has a name of
/// its own; past this they are only others.
const CAPACITY: usize = 1 << 16;

/// A text of [`Labels`]: a user, a unit, an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(u32);

/// The texts, which stay as long as whoever numbers them.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    numbers: HashMap<Arc<str>, Label, foldhash::fast::RandomState>,
    texts: Vec<Arc<str>>,
}

impl Labels {
    /// The number of a text; `None` if there are too many others.
    pub fn number(&mut self, text: &str) -> Option<Label> {
        if let Some(label) = self.numbers.get(text) {
            return Some(*label);
        }
        if self.texts.len() >= CAPACITY {
            return None;
        }
        let label = Label(u32::try_from(self.texts.len()).ok()?);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, label);
        Some(label)
    }

    /// The text of a number.
    pub fn text(&self, label: Label) -> Option<&Arc<str>> {
        self.texts.get(label.0 as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_and_others_another() {
        let mut labels = Labels::default();
        let root = labels.number("root").unwrap();
        assert_ne!(labels.number("www-data"), Some(root));
        assert_eq!(labels.number("root"), Some(root));
        assert_eq!(labels.text(root).map(|text| &**text), Some("root"));
    }

    #[test]
    fn texts_without_end_take_no_memory_without_end() {
        let mut labels = Labels::default();
        let first = labels.number("0").unwrap();
        for number in 1..CAPACITY {
            assert!(labels.number(&number.to_string()).is_some());
        }
        assert_eq!(labels.number("one more"), None);
        assert_eq!(labels.number("0"), Some(first));
    }
}
