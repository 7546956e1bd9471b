//! The completions of shells in conf/completions are those of the command line.
//!
//! `UPDATE=1 cargo test --test completions` writes them anew.
#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

use std::fs;
use std::path::Path;

use clap_complete::Shell;

/// What completes in a shell.
fn generated(shell: Shell) -> String {
    let mut text = Vec::new();
    let mut command = flowtop::config::command();
    clap_complete::generate(shell, &mut command, "flowtop", &mut text);
    let text = String::from_utf8(text).unwrap();
    // Some generators leave blanks at the end of lines.
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn completions_are_up_to_date() {
    for (shell, name) in [
        (Shell::Bash, "flowtop.bash"),
        (Shell::Zsh, "_flowtop"),
        (Shell::Fish, "flowtop.fish"),
    ] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/completions");
        let path = dir.join(name);
        let expected = generated(shell);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(&dir).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        let is = fs::read_to_string(&path).unwrap();
        let advice = "UPDATE=1 cargo test --test completions writes it";
        assert!(is == expected, "{}: {advice}", path.display());
    }
}

#[test]
fn completions_know_options_commands_and_values() {
    let command = flowtop::config::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let text = generated(shell);
        for option in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
            let long = option.get_long().unwrap();
            // Fish has `-l LONG`, and the others `--LONG`.
            let known = text.contains(&format!("--{long}")) || text.contains(&format!("-l {long}"));
            assert!(known, "{shell}: --{long}");
        }
        for sub in command.get_subcommands() {
            assert!(text.contains(sub.get_name()), "{shell}: {}", sub.get_name());
        }
        for value in ["always", "conntrack", "csv", "json", "system"] {
            assert!(text.contains(value), "{shell}: {value}");
        }
    }
}
