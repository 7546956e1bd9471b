//! Filters that are kept under a name, which stands for them as `@name`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::Expr;
use super::error::{Fault, FilterError, nearest, quoted};
use super::parser;

/// Saved filters within each other.
const MAX_DEPTH: usize = 20;
/// Terms that a filter with its saved ones is made of: a few that hold each
/// other twice would grow without bounds.
const MAX_TERMS: usize = 4096;

/// What `@name` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) name: Arc<str>,
    pub(super) expr: Arc<Expr>,
    /// Saved filters within each other, this one included.
    depth: usize,
    /// Terms of all of them.
    terms: usize,
}

/// Filters by name. Those that are wrong are remembered as such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    saved: BTreeMap<Arc<str>, Saved>,
    wrong: BTreeMap<Arc<str>, FilterError>,
}

impl Definitions {
    /// Reads filters by name, each of which may hold the others. One that is
    /// wrong, or holds a wrong one, does not count; see [`Self::wrong`].
    pub fn new<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut left: BTreeMap<&str, &str> = texts.into_iter().collect();
        let mut known = Self::default();
        // Those that hold nothing unknown, as long as there are more of them.
        // How deep they hold each other is bounded, and so the rounds are.
        loop {
            let mut found = Vec::new();
            for (name, text) in &left {
                if let Ok(saved) = known.define(name, text) {
                    found.push(saved);
                }
            }
            if found.is_empty() {
                break;
            }
            for saved in found {
                left.remove(&*saved.name);
                known.saved.insert(saved.name.clone(), saved);
            }
        }
        let faults: BTreeMap<&str, Fault> = left
            .iter()
            .filter_map(|(name, text)| Some((*name, known.define(name, text).err()?)))
            .collect();
        for (name, fault) in &faults {
            let message = explained(name, &faults).unwrap_or_else(|| fault.message.clone());
            let fault = Fault::new(fault.span.clone(), message);
            let text = left.get(name).copied().unwrap_or_default();
            known
                .wrong
                .insert((*name).into(), FilterError::new(text, fault));
        }
        known
    }

    /// Those that do not count, by name, and why.
    pub fn wrong(&self) -> impl Iterator<Item = (&str, &FilterError)> {
        self.wrong.iter().map(|(name, error)| (&**name, error))
    }

    /// Those that count, by name, and what each says.
    pub fn iter(&self) -> impl Iterator<Item = (&str, String)> {
        let all = self.saved.values();
        all.map(|saved| (&*saved.name, saved.expr.to_string()))
    }

    /// What a name stands for.
    pub(super) fn find(&self, name: &str) -> Option<&Saved> {
        self.saved.get(name)
    }

    fn define(&self, name: &str, text: &str) -> Result<Saved, Fault> {
        let whole = 0..text.len();
        if !is_name(name) {
            let message = "a name is made of letters, digits, - and _";
            return Err(Fault::new(whole, message));
        }
        let expr = parser::parse(text, self)?;
        let (depth, terms) = expr.extent();
        if terms == 0 {
            return Err(Fault::new(whole, "it asks for nothing; give it a term"));
        }
        if depth >= MAX_DEPTH {
            let message = format!("at most {MAX_DEPTH} saved filters may be within each other");
            return Err(Fault::new(whole, message));
        }
        Ok(Saved {
            name: name.into(),
            expr: Arc::new(expr),
            depth: depth + 1,
            terms,
        })
    }

    /// Why a name stands for nothing.
    pub(super) fn unknown(&self, name: &str) -> String {
        if let Some(error) = self.wrong.get(name) {
            let (name, why) = (quoted(&format!("@{name}")), error.message());
            return format!("the saved filter {name} is wrong itself: {why}");
        }
        let said = quoted(&format!("@{name}"));
        let hint = match nearest(name, self.saved.keys().map(|name| &**name)) {
            Some(near) => format!("did you mean `@{near}`?"),
            None if self.saved.is_empty() => "the table [filters] of flowtop.toml has none.".into(),
            None => {
                let names: Vec<_> = self.saved.keys().map(|name| format!("@{name}")).collect();
                format!("there are {}.", names.join(", "))
            }
        };
        format!("{said} is no saved filter; {hint} To search for it as text, put it in quotes")
    }
}

/// What to say of one that holds a wrong one, or itself.
fn explained(name: &str, faults: &BTreeMap<&str, Fault>) -> Option<String> {
    let next = |name: &str| faults.get(name)?.missing.as_deref();
    let first = next(name).filter(|first| faults.contains_key(first))?;
    let mut way = vec![name];
    let mut at = Some(first);
    while let Some(name) = at.filter(|name| faults.contains_key(name) && !way.contains(name)) {
        way.push(name);
        at = next(name);
    }
    if at != Some(name) {
        return Some(format!("{} is wrong itself", quoted(&format!("@{first}"))));
    }
    way.push(name);
    let circle: Vec<_> = way.iter().map(|name| format!("@{name}")).collect();
    Some(format!(
        "it would be a part of itself: {}",
        circle.join(" → ")
    ))
}

/// Whether it can stand after an `@`.
pub(super) fn is_name(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().all(is_part)
}

/// Whether a filter with what its saved ones say is too long.
pub(super) fn check_extent(expr: &Expr, length: usize) -> Result<(), Fault> {
    let (_, terms) = expr.extent();
    if terms <= MAX_TERMS {
        return Ok(());
    }
    let message = format!("with its saved filters it has {terms} terms, {MAX_TERMS} are the most");
    Err(Fault::new(0..length, message))
}

impl Expr {
    /// How many saved filters are within each other, and terms in all.
    fn extent(&self) -> (usize, usize) {
        let add = |(depth, terms): (usize, usize), part: &Self| {
            let (other, more) = part.extent();
            (depth.max(other), terms.saturating_add(more))
        };
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().fold((0, 0), add),
            Self::Not(part) => part.extent(),
            Self::Text(_) | Self::Like(_) | Self::Term(_) => (0, 1),
            Self::Saved(saved) => (saved.depth, saved.terms),
        }
    }
}
