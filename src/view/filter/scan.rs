//! Reads a filter's text from left to right: words, values, quotes, patterns.
//!
//! What a sign means depends on where it stands (`:` in an address is none),
//! so that there are no tokens made in advance.

use std::borrow::Cow;
use std::ops::Range;

use super::error::Fault;

/// A place in the text, and what may follow it.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A piece of text and its place.
#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    /// Without its quotes.
    pub(super) text: Cow<'a, str>,
    pub(super) in_quotes: bool,
    pub(super) span: Range<usize>,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What was read from `start` on.
    pub(super) fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Reads `sign` if it is next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let next = self.rest().starts_with(sign);
        if next {
            self.at += sign.len();
        }
        next
    }

    /// The next word up to space, parentheses, a quote or `&&` and `||`.
    pub(super) fn run(&mut self) -> &'a str {
        self.until(|rest, c| is_end(rest) || c == '"')
    }

    /// A word of letters, digits and what names are made of, up to a sign that
    /// compares.
    pub(super) fn name(&mut self) -> &'a str {
        self.until(|rest, c| {
            is_end(rest) || matches!(c, '"' | ':' | '=' | '<' | '>' | '~') || rest.starts_with("!=")
        })
    }

    /// Reads while `ends` does not hold of what is left and its first character.
    fn until(&mut self, ends: impl Fn(&str, char) -> bool) -> &'a str {
        let start = self.at;
        while let Some(c) = self.peek().filter(|c| !ends(self.rest(), *c)) {
            self.at += c.len_utf8();
        }
        self.since(start)
    }

    /// A value: quoted, or up to space, a comma, a parenthesis and the like. It
    /// may be empty.
    pub(super) fn value(&mut self) -> Result<Piece<'a>, Fault> {
        if let Some(quote @ ('"' | '\'')) = self.peek() {
            return self.quoted(quote);
        }
        let start = self.at;
        let text = self.until(|rest, c| is_end(rest) || matches!(c, '"' | ','));
        Ok(Piece {
            text: text.into(),
            in_quotes: false,
            span: start..self.at,
        })
    }

    /// A text in quotes. A backslash makes a quote or a backslash plain.
    pub(super) fn quoted(&mut self, quote: char) -> Result<Piece<'a>, Fault> {
        let start = self.at;
        self.at += quote.len_utf8();
        let mut text = String::new();
        while let Some(c) = self.peek() {
            let at = self.at;
            self.at += c.len_utf8();
            match c {
                c if c.is_control() => {
                    let message = "a text has no control characters, write a space";
                    return Err(Fault::new(at..self.at, message));
                }
                '\\' => match self.peek() {
                    Some(next) if next == quote || next == '\\' => {
                        self.at += next.len_utf8();
                        text.push(next);
                    }
                    _ => text.push(c),
                },
                c if c == quote => {
                    return Ok(Piece {
                        text: text.into(),
                        in_quotes: true,
                        span: start..self.at,
                    });
                }
                c => text.push(c),
            }
        }
        let message = format!("this quote is not closed, add {quote} after the text");
        Err(Fault::new(start..start + 1, message))
    }

    /// A regular expression: between slashes, in quotes, or up to space or a
    /// parenthesis that it did not open.
    pub(super) fn pattern(&mut self) -> Result<Piece<'a>, Fault> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => return self.quoted(quote),
            Some('/') => return self.slashed(),
            _ => {}
        }
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => break,
                ')' => depth -= 1,
                c if c.is_whitespace() => break,
                _ => {}
            }
            self.at += c.len_utf8();
            if c == '\\'
                && let Some(next) = self.peek().filter(|next| !next.is_whitespace())
            {
                self.at += next.len_utf8();
            }
        }
        Ok(Piece {
            text: self.since(start).into(),
            in_quotes: false,
            span: start..self.at,
        })
    }

    fn slashed(&mut self) -> Result<Piece<'a>, Fault> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match (c, self.peek()) {
                ('\\', Some(next)) => {
                    self.at += next.len_utf8();
                    if next != '/' {
                        text.push(c);
                    }
                    text.push(next);
                }
                ('/', next) if next.is_none_or(|c| c.is_whitespace() || c == ')') => {
                    return Ok(Piece {
                        text: text.into(),
                        in_quotes: true,
                        span: start..self.at,
                    });
                }
                _ => text.push(c),
            }
        }
        let message = "this expression is not closed, add / after it";
        Err(Fault::new(start..start + 1, message))
    }
}

/// Whether any word ends here.
fn is_end(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '(' | ')'))
        || rest.starts_with("&&")
        || rest.starts_with("||")
}
