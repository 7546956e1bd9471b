//! The house rules, held against the source itself.
//!
//! Which module may import which is the table [`HOUSE`]; the other rules are
//! constants beside it. Sources are read as tokens, so that text in comments
//! and strings counts for nothing and paths within macros do count. Code under
//! `#[cfg(test)]` may do as it likes.

#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not what they call"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A module and what it may import.
struct Room {
    module: &'static str,
    /// Paths below the crate; a longer path imports part of a module.
    may_import: &'static [&'static str],
}

const fn room(module: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { module, may_import }
}

/// The import table, from the ground up: no room may import a later one.
/// `*Settings` stands for the settings of any module.
const HOUSE: &[Room] = &[
    room("flow", &[]),
    room("sysctl", &[]),
    room("netlink", &["flow"]),
    room("collect", &["netlink", "flow"]),
    room("table", &["flow"]),
    room("enrich", &["flow", "netlink"]),
    room("vitals", &["flow", "netlink"]),
    room("view", &["flow", "table", "enrich", "vitals"]),
    room("output", &["view", "flow"]),
    room("tui", &["view", "flow"]),
    room(
        "engine",
        &["collect", "table", "enrich", "vitals", "view", "flow"],
    ),
    room(
        "config",
        &[
            "*Settings",
            "enrich::dns",
            "enrich::geoip",
            "enrich::geoip_update",
            "enrich::locality",
            "enrich::nfsd",
            "flow",
            "output",
            "tui::keymap",
            "tui::keys",
            "tui::memory",
            "tui::theme",
            "view::column",
            "view::field",
            "view::filter",
            "view::group",
            "view::health",
            "view::sort",
            "view::units",
        ],
    ),
    room(
        "run",
        &[
            "collect", "config", "engine", "enrich", "flow", "netlink", "output", "sysctl",
            "table", "tui", "view", "vitals",
        ],
    ),
];

/// Threads exchange values; nothing is shared and locked.
const LOCKS: &[&str] = &["Mutex", "RwLock", "DashMap", "parking_lot"];

/// Only where the kernel's bytes are.
const NETLINK_ONLY: &[&str] = &["unsafe", "neli", "libc"];

/// Files elsewhere that need a constant of `libc`, and nothing else of it:
/// `O_NONBLOCK`, to open what may be a FIFO.
const LIBC_CONSTANTS: &[&str] = &["src/enrich/names/watched.rs"];

/// Names that say nothing about what is inside.
const NAMELESS: &[&str] = &["utils", "util", "common", "helpers", "helper", "types"];

/// A function of this many lines is too long, from `fn` to its brace.
const FUNCTION_LINES: usize = 100;

/// More lines than this before the tests are too many for one file.
const PRODUCTION_LINES: usize = 650;

/// What is wrong with one file.
struct Inspection<'a> {
    /// From the root of the crate, with slashes.
    path: &'a str,
    /// Modules around the token at hand; the first is a room.
    modules: Vec<String>,
    /// `file:line: rule`.
    faults: Vec<String>,
    /// Where the first module of tests begins.
    tests_begin: Option<usize>,
    /// Files that belong to tests: `#[cfg(test)] mod name;`.
    test_files: Vec<String>,
}

/// Inspects one file of `src/`.
fn inspect<'a>(path: &'a str, text: &str) -> Inspection<'a> {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut modules: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if modules.len() > 1 && modules.last().is_some_and(|last| last == "mod") {
        modules.pop();
    }
    let mut inspection = Inspection {
        path,
        modules,
        faults: Vec::new(),
        tests_begin: None,
        test_files: Vec::new(),
    };
    inspection.names();
    inspection.first_line(text);
    match text.parse::<TokenStream>() {
        Ok(tokens) => inspection.walk(tokens, true),
        Err(error) => inspection.fault(1, &format!("this is no Rust: {error}")),
    }
    let end = inspection.tests_begin.map(|line| line - 1);
    let production = end.unwrap_or(text.lines().count());
    if production > PRODUCTION_LINES {
        let rule = format!(
            "{production} lines before the tests, at most {PRODUCTION_LINES}; move a concept out"
        );
        inspection.fault(production, &rule);
    }
    inspection
}

impl Inspection<'_> {
    fn fault(&mut self, line: usize, rule: &str) {
        self.faults.push(format!("{}:{line}: {rule}", self.path));
    }

    fn names(&mut self) {
        let nameless = |name: &&String| NAMELESS.contains(&name.as_str());
        if let Some(name) = self.modules.iter().find(nameless).cloned() {
            self.fault(1, &format!("`{name}` says nothing; name what it owns"));
        }
        let room = self.modules[0].clone();
        if !is_room(&room) && !["lib", "main"].contains(&room.as_str()) {
            let rule = format!("module `{room}` is not in the import table of {}", file!());
            self.fault(1, &rule);
        }
    }

    fn first_line(&mut self, text: &str) {
        if !text.starts_with("//!") {
            self.fault(1, "a file begins with `//!` and says what it is for");
        }
    }

    /// Looks at every token outside of tests. `items` is whether they are
    /// those of the file itself.
    fn walk(&mut self, tokens: TokenStream, items: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            if let Some(end) = end_of_test_item(&tokens, at) {
                self.note_test_item(&tokens[at..end], items);
                at = end;
                continue;
            }
            match token {
                TokenTree::Group(group) => self.walk(group.stream(), false),
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let line = ident.span().start().line;
                    self.banned(&name, line);
                    match name.as_str() {
                        "fn" => self.function(&tokens[at..], line),
                        "crate" | "super" | "flowtop" => self.imports(&tokens[at..], line),
                        "mod" => {
                            if let Some((name, body)) = inline_module(&tokens[at..]) {
                                self.modules.push(name);
                                self.walk(body, false);
                                self.modules.pop();
                                at += 3;
                                continue;
                            }
                        }
                        _ => {}
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Remembers where tests begin, and which files are theirs.
    fn note_test_item(&mut self, item: &[TokenTree], items: bool) {
        let Some(at) = item.iter().position(|token| is_ident(token, "mod")) else {
            return;
        };
        if let Some(TokenTree::Group(_)) = item.last() {
            if items && self.tests_begin.is_none() {
                self.tests_begin = Some(item[0].span().start().line);
            }
        } else if let Some(name) = item.get(at + 1) {
            let root = ["lib", "main"].contains(&self.modules[0].as_str());
            let above = if root { &[] } else { &self.modules[..] };
            let mut file: Vec<String> = vec!["src".into()];
            file.extend(above.iter().cloned());
            file.push(name.to_string());
            self.test_files.push(file.join("/"));
        }
    }

    fn banned(&mut self, name: &str, line: usize) {
        if LOCKS.contains(&name) {
            let rule = format!("`{name}`: threads exchange values, nothing is locked");
            self.fault(line, &rule);
        }
        let excepted = name == "libc" && LIBC_CONSTANTS.contains(&self.path);
        if NETLINK_ONLY.contains(&name) && self.modules[0] != "netlink" && !excepted {
            self.fault(line, &format!("`{name}` belongs in src/netlink/ only"));
        }
    }

    /// Measures the function that begins at the first token.
    fn function(&mut self, tokens: &[TokenTree], line: usize) {
        let Some(TokenTree::Ident(name)) = tokens.get(1) else {
            return;
        };
        let body = tokens.iter().find(|token| is_end(token));
        if let Some(TokenTree::Group(body)) = body {
            let lines = body.span_close().end().line - line + 1;
            if lines >= FUNCTION_LINES {
                let rule =
                    format!("`{name}` has {lines} lines, under {FUNCTION_LINES} are allowed");
                self.fault(line, &rule);
            }
        }
    }

    /// Checks the path, or the tree of paths, that begins at the first token
    /// with `crate`, `super` or, in main, `flowtop`.
    fn imports(&mut self, tokens: &[TokenTree], line: usize) {
        let mut paths = Vec::new();
        expand(&[tokens[0].to_string()], &tokens[1..], &mut paths);
        for path in paths {
            if path.len() > 1 {
                self.import(&path, line);
            }
        }
    }

    fn import(&mut self, path: &[String], line: usize) {
        let here = self.modules[0].clone();
        let root = path[0].as_str();
        if here == "main" {
            if root == "crate" {
                self.fault(line, "`main` may import `flowtop` only, it has no rooms");
            }
            return;
        }
        if here == "lib" || root == "flowtop" {
            return;
        }
        let ups = path.iter().take_while(|name| *name == "super").count();
        let mut full: Vec<String> = if root == "crate" {
            Vec::new()
        } else {
            let depth = self.modules.len().saturating_sub(ups);
            self.modules[..depth].to_vec()
        };
        full.extend_from_slice(&path[ups.max(1)..]);
        let Some(there) = full.first() else {
            return;
        };
        let row = HOUSE.iter().find(|room| room.module == here);
        if *there != here && !row.is_some_and(|room| room.admits(&full)) {
            let rule = format!(
                "`{here}` may not import `{}` (import table of {})",
                full.join("::"),
                file!()
            );
            self.fault(line, &rule);
        }
    }
}

impl Room {
    fn admits(&self, path: &[String]) -> bool {
        self.may_import.iter().any(|allowed| {
            if let Some(end) = allowed.strip_prefix('*') {
                return is_room(&path[0]) && path.last().is_some_and(|name| name.ends_with(end));
            }
            let allowed: Vec<&str> = allowed.split("::").collect();
            path.len() >= allowed.len() && path.iter().zip(&allowed).all(|(a, b)| a == b)
        })
    }
}

fn is_room(module: &str) -> bool {
    HOUSE.iter().any(|room| room.module == module)
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == name)
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// Whether an item that may have a body ends here.
fn is_end(token: &TokenTree) -> bool {
    is_punct(Some(token), ';') || group(Some(token), Delimiter::Brace).is_some()
}

fn inline_module(tokens: &[TokenTree]) -> Option<(String, TokenStream)> {
    let body = group(tokens.get(2), Delimiter::Brace)?;
    Some((tokens[1].to_string(), body.stream()))
}

/// Where the item ends that begins at `at` with `#[cfg(test)]`, if one does.
fn end_of_test_item(tokens: &[TokenTree], at: usize) -> Option<usize> {
    if !is_punct(tokens.get(at), '#') {
        return None;
    }
    let attribute = group(tokens.get(at + 1), Delimiter::Bracket)?.to_string();
    let attribute: String = attribute.split_whitespace().collect();
    if attribute != "[cfg(test)]" && !attribute.starts_with("[cfg(all(test,") {
        return None;
    }
    let mut start = at;
    while is_punct(tokens.get(start), '#') {
        start += 2;
    }
    let rest = &tokens[start..];
    // Braces in a `use` or in the value of a constant are not its end.
    let by_semicolon = ["use", "const", "static", "type"];
    let first = rest
        .iter()
        .find(|token| matches!(token, TokenTree::Ident(ident) if ident != "pub"))?;
    let function = rest
        .iter()
        .take_while(|t| !is_end(t))
        .any(|t| is_ident(t, "fn"));
    let length = if by_semicolon.iter().any(|name| is_ident(first, name)) && !function {
        rest.iter().position(|token| is_punct(Some(token), ';'))?
    } else {
        rest.iter().position(is_end)?
    };
    Some(start + length + 1)
}

/// Every path of a tree: `a::{b, c::d}` is `a::b` and `a::c::d`. `tokens`
/// follow `prefix`.
fn expand(prefix: &[String], tokens: &[TokenTree], paths: &mut Vec<Vec<String>>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':') {
        match tokens.get(at + 2) {
            Some(TokenTree::Ident(name)) => path.push(name.to_string()),
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| is_punct(Some(token), ',')) {
                    let Some(first) = branch.first() else {
                        continue;
                    };
                    let mut path = path.clone();
                    if !is_ident(first, "self") && !is_punct(Some(first), '*') {
                        path.push(first.to_string());
                    }
                    expand(&path, &branch[1..], paths);
                }
                return;
            }
            _ => break,
        }
        at += 3;
    }
    paths.push(path);
}

/// All Rust files below a directory of the crate, as paths from its root.
fn rust_files(directory: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut directories: Vec<PathBuf> = vec![root.join(directory)];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let path = path.strip_prefix(root).unwrap();
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_source_keeps_the_rules() {
    let files = rust_files("src");
    assert!(files.contains(&"src/lib.rs".to_owned()), "{files:?}");
    let mut faults = Vec::new();
    let mut of_tests = BTreeSet::new();
    for path in &files {
        let text = read(path);
        let inspection = inspect(path, &text);
        for file in inspection.test_files {
            of_tests.insert(format!("{file}.rs"));
            of_tests.insert(format!("{file}/mod.rs"));
        }
        faults.extend(inspection.faults.into_iter().map(|fault| (path, fault)));
    }
    let faults: Vec<String> = faults
        .into_iter()
        .filter(|(path, _)| !of_tests.contains(*path))
        .map(|(_, fault)| fault)
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    for directory in ["src", "tests", "benches", "fuzz"] {
        for path in rust_files(directory) {
            assert!(read(&path).starts_with("//!"), "{path}:1: no `//!`");
        }
    }
}

#[test]
fn the_table_has_no_cycles() {
    for (height, room) in HOUSE.iter().enumerate() {
        for path in room.may_import.iter().filter(|path| !path.starts_with('*')) {
            let module = path.split("::").next().unwrap();
            let below = HOUSE[..height].iter().any(|room| room.module == module);
            assert!(
                below,
                "`{}` imports `{module}`, which is not below it",
                room.module
            );
        }
    }
}

/// Sources, and the faults that the checker has to find in them, as parts of
/// `line: message`.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "src/view/mod.rs",
        "use crate::flow::Key;\nuse crate::table::Row;",
        &[],
    ),
    (
        "src/view/mod.rs",
        "use crate::tui::Screen;",
        &["2: `view` may not import `tui::Screen`"],
    ),
    (
        "src/view/sort.rs",
        "fn f() { crate::engine::run(); }",
        &["2: `view` may not import `engine::run`"],
    ),
    (
        "src/view/sort.rs",
        "fn f() { g!(a, crate::engine::run) }",
        &["2: `view` may not import `engine"],
    ),
    (
        "src/view/sort.rs",
        "use super::super::engine::run;",
        &["2: `view` may not import `engine::run`"],
    ),
    (
        "src/view/sort.rs",
        "use super::{filter, super::tui::X};",
        &["2: `view` may not import `tui::X`"],
    ),
    (
        "src/view/sort.rs",
        "mod a { use super::super::super::tui::X; }",
        &["2: `view` may not import `tui::X`"],
    ),
    (
        "src/view/sort.rs",
        "mod a { use super::super::filter::X; }",
        &[],
    ),
    (
        "src/view.rs",
        "use super::tui;",
        &["2: `view` may not import `tui`"],
    ),
    (
        "src/flow/mod.rs",
        "use crate::{\nnetlink::wire,\nflow::Key,\ntable};",
        &["`netlink::wire`", "`table`"],
    ),
    (
        "src/flow/mod.rs",
        "pub(crate) use self::tuple::Tuple;\n/// [`crate::tui`]\npub(in crate::flow) struct A;",
        &[],
    ),
    (
        "src/flow/mod.rs",
        "const S: &str = \"crate::tui::X unsafe Mutex\"; // crate::tui::X",
        &[],
    ),
    (
        "src/flow/mod.rs",
        "use crate::run;",
        &["2: `flow` may not import `run`"],
    ),
    (
        "src/enrich/process.rs",
        "use crate::netlink::sockdiag;",
        &[],
    ),
    (
        "src/tui/draw.rs",
        "use crate::config::Config;",
        &["2: `tui` may not import `config::Config`"],
    ),
    (
        "src/config.rs",
        "use crate::enrich::services::Settings;\nuse crate::tui::{ViewSettings};",
        &[],
    ),
    (
        "src/config.rs",
        "use crate::enrich::services::Services;",
        &["2: `config` may not import"],
    ),
    (
        "src/lib.rs",
        "use crate::config::Config;\nuse crate::tui::X;",
        &[],
    ),
    ("src/main.rs", "fn main() { flowtop::run(); }", &[]),
    (
        "src/main.rs",
        "use crate::flow::Key;",
        &["2: `main` may import `flowtop` only"],
    ),
    (
        "src/extra.rs",
        "",
        &["1: module `extra` is not in the import table"],
    ),
    ("src/view/utils.rs", "", &["1: `utils` says nothing"]),
    (
        "src/helpers/mod.rs",
        "",
        &["1: `helpers` says nothing", "1: module `helpers`"],
    ),
    (
        "src/table.rs",
        "\nuse std::sync::{Arc, Mutex};",
        &["3: `Mutex`"],
    ),
    (
        "src/table.rs",
        "struct A(parking_lot::RwLock<u8>);",
        &["2: `parking_lot`", "2: `RwLock`"],
    ),
    (
        "src/table.rs",
        "fn f() { unsafe { g() } }",
        &["2: `unsafe` belongs in src/netlink/"],
    ),
    (
        "src/table.rs",
        "use libc::poll;\nuse neli::X;",
        &["2: `libc`", "3: `neli`"],
    ),
    (
        "src/netlink/socket.rs",
        "use neli::X;\nfn f() { unsafe { libc::poll() } }",
        &[],
    ),
    (
        "src/table.rs",
        "#[cfg(test)]\nmod tests { use crate::tui::X; use std::sync::Mutex; }",
        &[],
    ),
    (
        "src/table.rs",
        "#[cfg(test)]\nuse crate::{tui::X};\nuse crate::view::Y;",
        &["4: `table` may not import `view::Y`"],
    ),
    (
        "src/table.rs",
        "#[cfg(test)]\nconst A: B = crate::tui::B { c: 1 };\nuse crate::tui::Y;",
        &["4: `table`"],
    ),
    (
        "src/table.rs",
        "#[cfg(test)]\n#[expect(x)]\nconst fn f() { crate::tui::f() }\nuse crate::tui::Y;",
        &["5: `table`"],
    ),
    (
        "src/table.rs",
        "#[cfg(not(test))]\nuse crate::tui::X;",
        &["3: `table` may not import `tui::X`"],
    ),
    ("src/table.rs", "fn f() {", &["1: this is no Rust"]),
];

#[test]
fn the_checker_finds_what_it_looks_for() {
    for (path, source, expected) in CASES {
        let text = format!("//! Purpose.\n{source}");
        let faults = inspect(path, &text).faults;
        assert_eq!(
            faults.len(),
            expected.len(),
            "{path}\n{source}\n{faults:#?}"
        );
        for (fault, part) in faults.iter().zip(*expected) {
            let fault = fault.strip_prefix(&format!("{path}:")).unwrap();
            assert!(
                fault.contains(part),
                "{path}\n{source}\n{fault}\nlacks {part}"
            );
        }
    }
    let faults = inspect("src/table.rs", "// No purpose.\n").faults;
    assert_eq!(
        faults,
        ["src/table.rs:1: a file begins with `//!` and says what it is for"]
    );
}

#[test]
fn the_checker_measures() {
    let function = |lines: usize| format!("//! P.\nfn f()\n{{{}}}\n", "\n".repeat(lines - 2));
    assert!(inspect("src/table.rs", &function(99)).faults.is_empty());
    let faults = inspect("src/table.rs", &function(100)).faults;
    assert_eq!(
        faults,
        ["src/table.rs:2: `f` has 100 lines, under 100 are allowed"]
    );

    let tests = "#[cfg(test)]\nmod tests {}\n";
    let file = |lines: usize| {
        format!(
            "//! P.\n{}{tests}{}",
            "\n".repeat(lines - 1),
            "\n".repeat(99)
        )
    };
    assert!(inspect("src/table.rs", &file(650)).faults.is_empty());
    let faults = inspect("src/table.rs", &file(651)).faults;
    assert!(
        faults[0].starts_with("src/table.rs:651: 651 lines"),
        "{faults:?}"
    );
    let untested = "//! P.\n".repeat(651);
    assert_eq!(inspect("src/table.rs", &untested).faults.len(), 1);
}

#[test]
fn the_checker_knows_files_of_tests() {
    let text = "//! P.\n#[cfg(test)]\nmod lab;\nmod wire;\n";
    assert_eq!(
        inspect("src/netlink/mod.rs", text).test_files,
        ["src/netlink/lab"]
    );
    assert_eq!(inspect("src/lib.rs", text).test_files, ["src/lab"]);
}
