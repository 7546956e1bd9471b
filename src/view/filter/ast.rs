//! What a filter says, and its canonical form.

use std::fmt;

use super::item::{Item, print_number};
use super::key::{Key, Sort};
use super::parser;
use super::saved::Saved;
use super::text::Pattern;

/// A filter as a tree. Made by [`Expr::all`], [`Expr::any`] and [`Expr::not`],
/// no `All` is within an `All`, no `Any` within an `Any`, neither has one part,
/// and no `Not` is within a `Not`. An `All` without parts is the empty filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    /// Free text: [`Item::Literal`] or [`Item::Glob`].
    Text(Item),
    /// A regular expression for all texts.
    Like(Pattern),
    Term(Term),
    /// `@name`
    Saved(Saved),
}

/// A key and what its values have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) key: Key,
    pub(super) test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// `:`, one of these; of a text, a part.
    In(Vec<Item>),
    /// `=`, one of these, whole. Only of texts, for which it differs.
    Is(Vec<Item>),
    /// A number compared with one in units of the sort.
    Compare(Order, u64),
    /// `~`
    Like(Pattern),
}

impl Test {
    /// Whether only codes of countries are asked for, no names.
    pub(super) fn has_codes_only(&self) -> bool {
        match self {
            Self::In(items) | Self::Is(items) => items.iter().all(Item::is_code),
            Self::Compare(..) | Self::Like(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Order {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

impl Sort {
    /// Whether `=` differs from `:`, because a part of a text is enough for
    /// the latter.
    pub(super) const fn has_parts(self) -> bool {
        matches!(self, Self::Text | Self::Host | Self::Country | Self::System)
    }

    /// Whether one value can be more than another, for `<` and the like.
    pub(super) const fn has_order(self) -> bool {
        matches!(
            self,
            Self::Port
                | Self::Integer
                | Self::Count
                | Self::Bytes
                | Self::Rate
                | Self::Span(_)
                | Self::Time
                | Self::SystemNumber
        )
    }
}

impl Expr {
    /// Every one of these.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::All(flat)
        }
    }

    /// At least one of these.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::Any(flat)
        }
    }

    /// Not this one.
    pub(super) fn not(part: Self) -> Self {
        match part {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Writes a part of another one.
    fn within(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(_) | Self::Any(_) => write!(f, "({self})"),
            _ => write!(f, "{self}"),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" ")?;
                    }
                    part.within(f)?;
                }
                Ok(())
            }
            Self::Any(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" or ")?;
                    }
                    part.within(f)?;
                }
                Ok(())
            }
            Self::Not(part) => {
                f.write_str("!")?;
                part.within(f)
            }
            Self::Text(Item::Literal(text)) if !parser::is_free_text(text) => in_quotes(f, text),
            Self::Text(item) => f.write_str(&item.print(Sort::Text)),
            Self::Like(pattern) => {
                f.write_str("~")?;
                write_pattern(f, pattern)
            }
            Self::Term(term) => write!(f, "{term}"),
            Self::Saved(saved) => write!(f, "@{}", saved.name),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { name, sort, .. } = self.key;
        let list = |f: &mut fmt::Formatter<'_>, items: &[Item]| {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    f.write_str(",")?;
                }
                let text = item.print(sort);
                if is_plain(sort, item, &text) {
                    f.write_str(&text)?;
                } else {
                    in_quotes(f, &text)?;
                }
            }
            Ok(())
        };
        f.write_str(name)?;
        match &self.test {
            Test::In(items) => {
                f.write_str(":")?;
                list(f, items)
            }
            Test::Is(items) => {
                f.write_str("=")?;
                list(f, items)
            }
            Test::Compare(order, number) if sort == Sort::Time => {
                let item = Item::Range(*number, *number);
                write!(f, "{}{}", order.sign(), item.print(sort))
            }
            Test::Compare(order, number) => {
                write!(f, "{}{}", order.sign(), print_number(sort, *number))
            }
            Test::Like(pattern) => {
                f.write_str("~")?;
                write_pattern(f, pattern)
            }
        }
    }
}

/// Whether a value is read as the same without quotes.
fn is_plain(sort: Sort, item: &Item, text: &str) -> bool {
    !matches!(item, Item::Literal(_))
        || parser::is_one_value(text) && Item::parse(sort, text, false).as_ref() == Ok(item)
}

fn write_pattern(f: &mut fmt::Formatter<'_>, pattern: &Pattern) -> fmt::Result {
    if parser::is_bare_pattern(&pattern.source) {
        f.write_str(&pattern.source)
    } else {
        in_quotes(f, &pattern.source)
    }
}

fn in_quotes(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}
