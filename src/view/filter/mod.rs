//! The filter language: one for the viewer's `/`, for `--filter` and for
//! filters that are kept.
//!
//! ```text
//! filter  = [ any ]                        nothing holds every flow
//! any     = all { ("or" | "||") all }
//! all     = unary { ["and" | "&&"] unary }         binds tighter than `or`
//! unary   = { "not" | "!" | "-" } primary
//! primary = "(" any ")" | term
//! term    = key ":" value { "," value }    one of these; of texts, a part
//!         | key ("=" | "!=") value { "," value }       the whole of it
//!         | key ("<" | "<=" | ">" | ">=") number
//!         | key "~" pattern                a regular expression
//!         | "~" pattern                    the same for all texts
//!         | tcpdump                        words of pcap-filter(7)
//!         | address | network | address ":" port
//!         | "@" name                       a filter that is kept under a name
//!         | text                           a part of any text of the flow
//! tcpdump = protocol
//!         | [protocol] [side] ("host" | "net" | "port" | "portrange") operand
//!         | [protocol] side operand        a host
//!         | [protocol] "proto" operand
//! side    = "src" | "dst" | "src or dst" | "src and dst"
//! operand = value { "," value } | "(" any ")"
//! value   = word | quoted | number "-" number
//! pattern = word | quoted | "/" characters "/"
//! ```
//!
//! # Words and free text
//!
//! A bare word is a key if a sign follows it; a name of a protocol (or `ip`,
//! `ip6`, `icmp6`) is that protocol; `host`, `net`, `port`, `portrange`,
//! `proto`, `src` and `dst` are tcpdump's and take a value; `and`, `or` and
//! `not` connect; a complete address or network is one. Everything else is
//! text to search for. In quotes everything is a text, and no sign in it has a
//! meaning.
//!
//! After a term of tcpdump's, a bare value has the same words before it, as
//! there: `port 80 or 443`. Unlike there `and` binds tighter than `or`; the
//! canonical form shows what was understood.
//!
//! # Values
//!
//! Text is compared without regard to case; `*` stands for anything, and alone
//! for any value that is known. Numbers have decimal prefixes (`1.5M`) or
//! binary ones (`2Gi`); rates are bytes per second, or bits with `bit`; time
//! spans have units (`1h30m`, `50ms`). What is not known is like nothing:
//! `rate<1k` does not hold a flow without counters, and `!rate>=1k` does.
//! `key!=value` is `!key=value`.

mod ast;
mod error;
mod eval;
mod item;
mod key;
mod masked;
mod parser;
mod saved;
mod scan;
mod suggest;
mod text;
mod words;

use std::fmt;
use std::str::FromStr;

pub use error::{FilterError, nearest};
pub use eval::{Needs, Subject};
pub use saved::Definitions;
pub use suggest::{Suggestion, suggest};

use crate::view::field::Record;

/// Every name of every key, short ones first, and what each asks for.
pub fn keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    key::names()
}

/// A question about a flow that is answered with yes or no.
#[derive(Clone)]
pub struct Filter {
    expr: ast::Expr,
    program: eval::Program,
}

impl Filter {
    /// Reads a filter. No `@name` is known.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Self::parse_with(text, &Definitions::default())
    }

    /// Reads a filter in which `@name` stands for one of these.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse_with(text: &str, saved: &Definitions) -> Result<Self, FilterError> {
        parser::parse(text, saved)
            .map(Self::from)
            .map_err(|fault| FilterError::new(text, fault))
    }

    /// Whether it holds every flow, because nothing is asked.
    pub fn is_empty(&self) -> bool {
        matches!(&self.expr, ast::Expr::All(parts) if parts.is_empty())
    }

    /// The filter that holds what both hold.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let parts = |filter: &Self| match &filter.expr {
            ast::Expr::All(parts) => parts.clone(),
            one => vec![one.clone()],
        };
        let mut all = parts(self);
        for part in parts(other) {
            if !all.contains(&part) {
                all.push(part);
            }
        }
        match <[_; 1]>::try_from(all) {
            Ok([one]) => one.into(),
            Err(all) => ast::Expr::All(all).into(),
        }
    }

    /// The filter that holds what this one does not.
    #[must_use]
    pub fn negated(&self) -> Self {
        ast::Expr::not(self.expr.clone()).into()
    }

    /// What it may need to know beyond the flow.
    pub fn needs(&self) -> Needs {
        self.program.needs()
    }

    /// Whether it holds what a record tells of.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        self.program.holds(&mut eval::Told(record))
    }

    /// Whether it holds a flow, of which `subject` is asked no more than it
    /// takes to say so.
    pub fn holds(&self, subject: &mut impl Subject) -> bool {
        self.program.holds(subject)
    }
}

impl From<ast::Expr> for Filter {
    fn from(expr: ast::Expr) -> Self {
        let program = eval::Program::new(&expr);
        Self { expr, program }
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl PartialEq for Filter {
    /// Filters are equal if they are written the same in canonical form.
    fn eq(&self, other: &Self) -> bool {
        self.expr == other.expr
    }
}

impl Eq for Filter {}

impl fmt::Display for Filter {
    /// The canonical form, which is read as the same filter by those who know
    /// its saved ones.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filter({})", self.expr)
    }
}

#[cfg(test)]
mod tests;
