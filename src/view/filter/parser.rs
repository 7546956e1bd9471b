//! From text to tree. The grammar stands in [the module above](super).

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use super::ast::{Expr, Order, Term, Test};
use super::error::{Fault, nearest, quoted};
use super::item::{self, Item, Net};
use super::key::{self, Key, Sort};
use super::saved::{Definitions, check_extent};
use super::scan::{Piece, Scanner};
use super::text::Pattern;
use super::words::Qualifier;

/// Bytes of a filter.
const MAX_BYTES: usize = 4096;
/// Parentheses within each other.
const MAX_DEPTH: usize = 50;

pub(super) type Parsed = Result<Expr, Fault>;

/// Reads a filter. Nothing but space is the filter that holds everything.
pub(super) fn parse(text: &str, saved: &Definitions) -> Parsed {
    if text.len() > MAX_BYTES {
        let message = format!("a filter has at most {MAX_BYTES} bytes");
        let start = (0..=MAX_BYTES).rev().find(|at| text.is_char_boundary(*at));
        return Err(Fault::new(start.unwrap_or(0)..text.len(), message));
    }
    let is_bad = |c: char| c.is_control() && !c.is_whitespace();
    if let Some(at) = text.find(is_bad) {
        let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
        return Err(Fault::new(at..end, "a filter has no control characters"));
    }
    let mut parser = Parser {
        scan: Scanner::new(text),
        depth: 0,
        qualifier: None,
        saved,
    };
    parser.scan.skip_space();
    if parser.scan.peek().is_none() {
        return Ok(Expr::All(Vec::new()));
    }
    let expr = parser.any()?;
    match parser.scan.peek() {
        None => check_extent(&expr, text.len()).map(|()| expr),
        Some(c) => {
            let at = parser.scan.at();
            let message = "this parenthesis closes nothing, remove it or add ( before";
            Err(Fault::new(at..at + c.len_utf8(), message))
        }
    }
}

/// Whether a text stands for itself without quotes.
pub(super) fn is_free_text(text: &str) -> bool {
    let saved = Definitions::default();
    parse(text, &saved).is_ok_and(|expr| expr == Expr::Text(Item::Literal(text.into())))
}

/// Whether a text is one value of a list without quotes.
pub(super) fn is_one_value(text: &str) -> bool {
    let mut scan = Scanner::new(text);
    scan.value()
        .is_ok_and(|piece| !piece.in_quotes && !text.is_empty() && scan.rest().is_empty())
}

/// Whether a regular expression needs no quotes.
pub(super) fn is_bare_pattern(source: &str) -> bool {
    // What it opens and does not close would swallow a parenthesis after it.
    let text = format!("{source})");
    let mut scan = Scanner::new(&text);
    scan.pattern()
        .is_ok_and(|piece| !piece.in_quotes && scan.rest() == ")" && !source.is_empty())
}

/// What stands between a key and its values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    In,
    Is,
    IsNot,
    Like,
    Compare(Order),
}

const SIGNS: [(&str, Sign); 8] = [
    ("!=", Sign::IsNot),
    ("<=", Sign::Compare(Order::AtMost)),
    (">=", Sign::Compare(Order::AtLeast)),
    ("<", Sign::Compare(Order::Less)),
    (">", Sign::Compare(Order::More)),
    ("=", Sign::Is),
    (":", Sign::In),
    ("~", Sign::Like),
];

pub(super) struct Parser<'a> {
    pub(super) scan: Scanner<'a>,
    depth: usize,
    /// That of the last term, if it was one of tcpdump's, for a bare value
    /// after it.
    pub(super) qualifier: Option<Qualifier>,
    saved: &'a Definitions,
}

impl<'a> Parser<'a> {
    /// Terms with `or` between them.
    fn any(&mut self) -> Parsed {
        let mut parts = vec![self.all()?];
        while self.connector(&["||", "or"]) {
            parts.push(self.all()?);
        }
        Ok(Expr::any(parts))
    }

    /// Terms with `and` or nothing between them.
    fn all(&mut self) -> Parsed {
        let mut parts = vec![self.unary()?];
        loop {
            let explicit = self.connector(&["&&", "and"]);
            self.scan.skip_space();
            let more = !matches!(self.scan.peek(), None | Some(')'))
                && !self.clone_scan(|ahead| ahead.connector(&["||", "or"]));
            if !explicit && !more {
                return Ok(Expr::all(parts));
            }
            parts.push(self.unary()?);
        }
    }

    fn unary(&mut self) -> Parsed {
        let mut negated = false;
        loop {
            self.scan.skip_space();
            let sign = self.scan.take("!") || self.scan.take("-");
            if !sign && !self.connector(&["not"]) {
                break;
            }
            negated = !negated;
        }
        let expr = self.primary()?;
        Ok(if negated { Expr::not(expr) } else { expr })
    }

    /// Whether something is next, without reading it.
    fn clone_scan(&self, look: impl FnOnce(&mut Self) -> bool) -> bool {
        look(&mut Self {
            scan: self.scan.clone(),
            depth: self.depth,
            qualifier: None,
            saved: self.saved,
        })
    }

    /// Reads one of these words or signs if it is next.
    pub(super) fn connector(&mut self, words: &[&str]) -> bool {
        self.scan.skip_space();
        let mut ahead = self.scan.clone();
        let is_word = words.contains(&ahead.run().to_ascii_lowercase().as_str());
        if is_word {
            self.scan = ahead;
        }
        is_word
            || words
                .iter()
                .filter(|word| !word.starts_with(char::is_alphabetic))
                .any(|sign| self.scan.take(sign))
    }

    pub(super) fn primary(&mut self) -> Parsed {
        self.scan.skip_space();
        let start = self.scan.at();
        match self.scan.peek() {
            None => Err(Fault::new(
                start..start,
                "a term is missing here, such as port:443",
            )),
            Some(')') => Err(Fault::new(
                start..start + 1,
                "a term is missing before this parenthesis",
            )),
            Some('(') => self.group(),
            Some(quote @ ('"' | '\'')) => {
                let piece = self.scan.quoted(quote)?;
                self.end_of_quotes(&piece)?;
                self.qualifier = None;
                item_of(Sort::Text, &piece).map(Expr::Text)
            }
            Some('~') => {
                self.scan.take("~");
                self.qualifier = None;
                self.pattern().map(Expr::Like)
            }
            Some(_) if self.connector(&["or", "and", "||", "&&"]) => {
                let word = self.scan.since(start);
                let message = format!(
                    "`{word}` needs a term before it; in quotes it is a text to search for"
                );
                Err(Fault::new(start..self.scan.at(), message))
            }
            Some('@') => self.saved(),
            Some(_) => self.word(),
        }
    }

    fn group(&mut self) -> Parsed {
        let start = self.scan.at();
        if self.depth >= MAX_DEPTH {
            let message = format!("at most {MAX_DEPTH} parentheses may be within each other");
            return Err(Fault::new(start..start + 1, message));
        }
        self.depth += 1;
        self.scan.take("(");
        let inner = self.any()?;
        self.scan.skip_space();
        if !self.scan.take(")") {
            let message = "this parenthesis is not closed, add ) after its terms";
            return Err(Fault::new(start..start + 1, message));
        }
        self.depth -= 1;
        Ok(inner)
    }

    /// `@name`
    fn saved(&mut self) -> Parsed {
        let start = self.scan.at();
        self.qualifier = None;
        let run = self.scan.run();
        let span = start..self.scan.at();
        let name = run.trim_start_matches('@');
        if name.is_empty() {
            let message = "the name of a saved filter is missing here; \
                           to search for @ as text, put it in quotes";
            return Err(Fault::new(span, message));
        }
        match self.saved.find(name) {
            Some(saved) if run.len() == name.len() + 1 => Ok(Expr::Saved(saved.clone())),
            _ => Err(Fault {
                missing: Some(name.to_owned()),
                ..Fault::new(span, self.saved.unknown(name))
            }),
        }
    }

    /// A term that begins with no sign.
    fn word(&mut self) -> Parsed {
        let start = self.scan.at();
        let mut ahead = self.scan.clone();
        let run = ahead.run();
        let end = ahead.at();
        if let Some(expr) = self.inherited(run) {
            self.scan = ahead;
            return Ok(expr);
        }
        if let Some(expr) = address(run) {
            self.scan = ahead;
            self.qualifier = None;
            return expr.map_err(|message| Fault::new(start..end, message));
        }
        let name = self.scan.name();
        let name_span = start..self.scan.at();
        if let Some(sign) = self.sign() {
            self.qualifier = None;
            return self.term(name, name_span, sign);
        }
        if let Some(expr) = self.primitive(name, &name_span) {
            return expr;
        }
        self.qualifier = None;
        Item::parse(Sort::Text, name, false)
            .map(|item| match item {
                // A lone `*` is any text.
                Item::Known => Expr::Text(Item::Glob("*".into())),
                item => Expr::Text(item),
            })
            .map_err(|message| Fault::new(name_span, message))
    }

    /// The sign after a key. Those that compare may have space around them.
    fn sign(&mut self) -> Option<Sign> {
        let before = self.scan.clone();
        self.scan.skip_space();
        let spaced = self.scan.at() > before.at();
        for (text, sign) in SIGNS {
            let may_be_spaced = !matches!(sign, Sign::In | Sign::Like);
            if (may_be_spaced || !spaced) && self.scan.take(text) {
                return Some(sign);
            }
        }
        self.scan = before;
        None
    }

    /// `key:value` and the like, from the value on.
    fn term(&mut self, name: &str, span: Range<usize>, sign: Sign) -> Parsed {
        let key = known_key(name, span.clone())?;
        let from = span.start;
        let test = match sign {
            Sign::Like => Test::Like(self.pattern()?),
            Sign::Compare(order) => self.comparison(&key, order, from)?,
            Sign::Is | Sign::IsNot if key.sort.has_parts() => Test::Is(self.list(&key, from)?),
            Sign::In | Sign::Is | Sign::IsNot => Test::In(self.list(&key, from)?),
        };
        let term = Expr::Term(Term { key, test });
        Ok(if sign == Sign::IsNot {
            Expr::not(term)
        } else {
            term
        })
    }

    /// Values with commas between them, of the term that begins at `from`.
    fn list(&mut self, key: &Key, from: usize) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        loop {
            let piece = self.value(key, from)?;
            items.push(item_of(key.sort, &piece)?);
            if !self.scan.take(",") {
                return Ok(items);
            }
        }
    }

    /// One value; an error if there is none.
    fn value(&mut self, key: &Key, from: usize) -> Result<Piece<'a>, Fault> {
        let said = self.scan.at();
        self.scan.skip_space();
        let at = self.scan.at();
        let missing = at > said
            && self.clone_scan(|ahead| ahead.connector(&["or", "and", "not", "||", "&&"]));
        let piece = self.scan.value()?;
        if missing || piece.text.is_empty() && !piece.in_quotes {
            let before = self.scan.since(from).get(..said - from);
            let before = quoted(before.unwrap_or_default());
            let message = format!("{before} needs a value after it, as in {}", example(key));
            return Err(Fault::new(from..said, message));
        }
        self.end_of_quotes(&piece)?;
        Ok(piece)
    }

    /// After a quote something else must begin.
    fn end_of_quotes(&self, piece: &Piece<'_>) -> Result<(), Fault> {
        let next = self.scan.peek();
        let joined =
            next.is_some_and(|c| !c.is_whitespace() && !matches!(c, ')' | ',' | '|' | '&'));
        if piece.in_quotes && joined {
            let at = piece.span.end;
            let message = "a space is missing between the quote and what follows it";
            return Err(Fault::new(at..at, message));
        }
        Ok(())
    }

    fn pattern(&mut self) -> Result<Pattern, Fault> {
        let piece = self.scan.pattern()?;
        self.end_of_quotes(&piece)?;
        Pattern::new(&piece.text).map_err(|message| Fault::new(piece.span, message))
    }

    fn comparison(&mut self, key: &Key, order: Order, from: usize) -> Result<Test, Fault> {
        let (name, sort) = (key.name, key.sort);
        let sign = self.scan.at() - order.sign().len()..self.scan.at();
        if !sort.has_order() {
            let message =
                format!("`{name}` has no order, compare it with {name}: {name}= or {name}~");
            return Err(Fault::new(sign, message));
        }
        let piece = self.value(key, from)?;
        let fault = |message| Fault::new(piece.span.clone(), message);
        if piece.in_quotes || piece.text == "*" {
            return Err(fault(format!(
                "compare with a number, as in {}",
                example(key)
            )));
        }
        if sort != Sort::Time {
            let number = item::number(sort, &piece.text).map_err(fault)?;
            return Ok(Test::Compare(order, number));
        }
        let Item::Range(first, last) = item_of(sort, &piece)? else {
            return Err(fault(format!(
                "compare with a time, as in {}",
                example(key)
            )));
        };
        Ok(match order {
            Order::Less | Order::AtLeast => Test::Compare(order, first),
            // After a day is from the next one on.
            Order::More if first != last => Test::Compare(Order::AtLeast, last + 1),
            Order::AtMost if first != last => Test::Compare(Order::Less, last + 1),
            Order::More | Order::AtMost => Test::Compare(order, last),
        })
    }
}

/// An address, a network, or an address and a port, as a term; `None` if it is
/// none of these.
fn address(run: &str) -> Option<Result<Expr, String>> {
    let term = |name, item| {
        key::find(name).map(|key| {
            Expr::Term(Term {
                key,
                test: Test::In(vec![item]),
            })
        })
    };
    if let Ok(end) = run.parse::<SocketAddr>() {
        let port = Item::Range(end.port().into(), end.port().into());
        let side = |host, number| {
            let net = Item::Net(Net::one(end.ip()));
            Some(Expr::all([term(host, net)?, term(number, port.clone())?]))
        };
        return Some(Ok(Expr::any([
            side("src", "sport")?,
            side("dst", "dport")?,
        ])));
    }
    let before_slash = run.split_once('/').map(|(address, _)| address);
    if before_slash.is_some_and(|address| address.parse::<IpAddr>().is_err()) {
        return None;
    }
    let name = if before_slash.is_some() {
        "net"
    } else {
        "host"
    };
    // A key with a value is no address, whatever its value holds.
    if before_slash.is_none() && run.contains(':') && run.parse::<IpAddr>().is_err() {
        return None;
    }
    match Net::parse(run)? {
        Ok(net) => Some(Ok(term(name, Item::Net(net))?)),
        Err(message) => Some(Err(message)),
    }
}

fn item_of(sort: Sort, piece: &Piece<'_>) -> Result<Item, Fault> {
    Item::parse(sort, &piece.text, piece.in_quotes)
        .map_err(|message| Fault::new(piece.span.clone(), message))
}

/// A key by its name, or what it might have been.
fn known_key(name: &str, span: Range<usize>) -> Result<Key, Fault> {
    if name.is_empty() {
        let message = "a key is missing before this sign, as in port:443";
        return Err(Fault::new(span.start..span.end + 1, message));
    }
    key::find(name).ok_or_else(|| {
        let near = nearest(name, key::names().map(|(name, _)| name));
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`flowtop fields` lists them".into(),
        };
        let message = format!(
            "{} is no key; {hint} To search for it as text, put it in quotes",
            quoted(name)
        );
        Fault::new(span, message)
    })
}

/// A term with this key, for messages.
fn example(key: &Key) -> String {
    let value = match key.sort {
        Sort::Port => ":443",
        Sort::Protocol => ":tcp",
        Sort::Words(words) => {
            let list = words.list();
            return format!("{}:{}", key.name, list.first().unwrap_or(&"*"));
        }
        Sort::Host | Sort::Net => ":10.0.0.0/8",
        Sort::Text | Sort::Name => ":fire*",
        Sort::Country | Sort::CountryCode => ":DE",
        Sort::System | Sort::SystemNumber => ":15169",
        Sort::Integer => ":42",
        Sort::Count => ">1k",
        Sort::Bytes => ">=1G",
        Sort::Rate => ">1M",
        Sort::Span(Some(_)) => ">1h",
        Sort::Span(None) => ">50ms",
        Sort::Time => ">=2026-11-21",
    };
    format!("{}{value}", key.name)
}
