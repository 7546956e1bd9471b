//! The themes there are, and which of them is worn.

use super::look::nearest;
use super::{BUILT_IN, Depth, Look, Theme};

/// Themes by name, one of them chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Themes {
    looks: Vec<(String, Look)>,
    chosen: usize,
    depth: Depth,
}

impl Themes {
    /// Those that are built in, for a terminal with so many colours.
    pub fn new(depth: Depth) -> Self {
        let built_in = BUILT_IN.iter().filter_map(|(name, _)| {
            let look = Look::built_in(name)?;
            Some(((*name).to_owned(), look))
        });
        Self {
            looks: built_in.collect(),
            chosen: 0,
            depth,
        }
    }

    /// Adds one; it takes the place of one of the same name.
    pub fn add(&mut self, name: &str, look: Look) {
        match self.looks.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = look,
            None => self.looks.push((name.to_owned(), look)),
        }
    }

    /// Chooses one by name.
    ///
    /// # Errors
    /// If there is none of this name: what there is instead.
    pub fn choose_named(&mut self, name: &str) -> Result<(), String> {
        let found = self.names().position(|known| known == name);
        if let Some(index) = found {
            self.chosen = index;
            return Ok(());
        }
        let near = nearest(name, self.names());
        let near = near.map_or_else(
            || format!("there are {}", self.names().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        Err(format!(
            "there is no theme `{}`; {near}",
            name.escape_debug()
        ))
    }

    /// Chooses one by its place, the last one if there are fewer.
    pub fn choose(&mut self, index: usize) {
        self.chosen = index.min(self.looks.len().saturating_sub(1));
    }

    /// The place of the chosen one.
    pub const fn chosen(&self) -> usize {
        self.chosen
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.looks.iter().map(|(name, _)| name.as_str())
    }

    /// Whether the terminal shows any colours; without, all themes are alike.
    pub fn is_colored(&self) -> bool {
        self.depth != Depth::None
    }

    /// The chosen one, as this terminal shows it.
    pub fn theme(&self) -> Theme {
        let look = self.looks.get(self.chosen);
        look.map_or_else(
            || Theme::new(self.is_colored()),
            |(_, look)| look.on(self.depth),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn themes_of_users_come_behind_or_take_a_place() {
        let mut themes = Themes::new(Depth::Indexed);
        let built_in = themes.names().count();
        assert_eq!(themes.names().next(), Some("terminal"));
        let mine = Look::parse("[roles]\ntitle = \"214\"\n").unwrap();
        themes.add("mine", mine);
        themes.add("nord", mine);
        assert_eq!(themes.names().count(), built_in + 1);
        themes.choose_named("mine").unwrap();
        let worn = themes.theme();
        themes.choose_named("nord").unwrap();
        assert_eq!(themes.theme(), worn);
        assert_eq!(
            themes.choose_named("nrod").unwrap_err(),
            "there is no theme `nrod`; did you mean `nord`?"
        );
        themes.choose(1000);
        assert_eq!(themes.chosen(), built_in);
    }
}
