//! What is wrong with a command line, told in one line.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command;

/// Why there is nothing to do but to say something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Usage {
    /// The help or the version, which was asked for: for stdout.
    #[error("{0}")]
    Asked(String),
    /// What is wrong with the command line, for stderr: one line, and if it is
    /// a filter that is wrong, the place in it.
    #[error("{0}")]
    Wrong(String),
}

impl Usage {
    /// The exit code: 0 if it was asked for, else 2.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Asked(_) => 0,
            Self::Wrong(_) => 2,
        }
    }
}

impl From<clap::Error> for Usage {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::DisplayHelp => Self::Asked(text),
            _ => Self::Wrong(explain(&error, &text)),
        }
    }
}

/// The message of an error of clap, in one line and without the usage text
/// below it.
fn explain(error: &clap::Error, text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut said: Vec<_> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    if let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg)
        && error.kind() == ErrorKind::UnknownArgument
        && is_of_list(arg)
    {
        said.push("flowtop list has it");
    }
    said.push("see flowtop --help");
    in_one_line(&said.join("; "))
}

/// A message that repeats what others wrote, whatever that holds.
pub(super) fn in_one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether `list` takes this option.
fn is_of_list(arg: &str) -> bool {
    command().find_subcommand("list").is_some_and(|list| {
        list.get_arguments().any(|known| {
            let long = known.get_long().map(|long| format!("--{long}"));
            let short = known.get_short().map(|short| format!("-{short}"));
            long.as_deref() == Some(arg) || short.as_deref() == Some(arg)
        })
    })
}
