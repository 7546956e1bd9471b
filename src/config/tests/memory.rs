//! What the viewer remembers, among flags and files.

use super::*;

const STATE: &str = "/home/u/.local/state/flowtop/state.toml";

/// The viewer with a configuration of the user's and what it has remembered.
fn with_state(line: &str, config: &str, state: &str) -> ViewerOptions {
    let files = [
        ("/home/u/.config/flowtop/flowtop.toml", config),
        (STATE, state),
    ];
    let files = files.iter().filter(|(_, text)| !text.is_empty());
    let files: Vec<_> = files.copied().collect();
    match parse_with(line, &[("HOME", "/home/u")], &files, true) {
        Ok(Invocation::View(options)) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_win_over_what_was_chosen_and_that_over_the_configuration() {
    let config = "theme = \"nord\"\nbits = false\nshow-src = true\ncolumns = \"proto\"\n";
    let state = "theme = \"light\"\nbits = true\ncolumns = \"destination,rtt?\"\n";
    let chosen = with_state("", config, state);
    assert_eq!(
        (chosen.theme.as_str(), chosen.unit),
        ("light", RateUnit::Bits)
    );
    assert_eq!(chosen.columns.to_string(), "destination,rtt?");
    assert!(!chosen.show_source, "columns say whether it is shown");
    assert_eq!(chosen.state_file.as_deref(), Some(Path::new(STATE)));
    let flags = with_state("--theme mono --no-bits -s --columns age", config, state);
    assert_eq!(
        (flags.theme.as_str(), flags.unit),
        ("mono", RateUnit::Bytes)
    );
    assert_eq!(flags.columns.to_string(), "destination,age");
    assert!(flags.show_source);
    // A flag is for this run: what was chosen stays known.
    assert_eq!(flags.memory, chosen.memory);
    let first = with_state("", config, "");
    assert_eq!(first.theme, "nord");
    assert!(first.state_file.is_some() && first.memory == Memory::default());
}

#[test]
fn nothing_is_remembered_where_nobody_wants_it() {
    let state = "theme = \"light\"\n";
    for (line, config) in [("--no-state", ""), ("", "no-state = true\n")] {
        let options = with_state(line, config, state);
        assert_eq!((options.theme.as_str(), options.state_file), (THEME, None));
    }
    let wanted = with_state("--state", "no-state = true\n", state);
    assert_eq!(wanted.theme, "light");
    // Without a home there is no place.
    match parse_with("", &[], &[], true) {
        Ok(Invocation::View(options)) => assert_eq!(options.state_file, None),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_state_is_where_the_environment_says() {
    let files = [("/state/flowtop/state.toml", "theme = \"light\"\n")];
    for (dir, theme) in [("/state", "light"), ("state", THEME)] {
        let variables = [("HOME", "/home/u"), ("XDG_STATE_HOME", dir)];
        match parse_with("", &variables, &files, true) {
            Ok(Invocation::View(options)) => assert_eq!(options.theme, theme),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_broken_state_is_told_and_left_alone() {
    let options = with_state("", "theme = \"nord\"\n", "theme = \"light\"\nbits = 3\n");
    assert_eq!(
        (options.theme.as_str(), &options.state_file),
        ("nord", &None)
    );
    let [warning] = &options.source.warnings[..] else {
        panic!("{:?}", options.source.warnings);
    };
    assert!(
        warning.starts_with(&format!(
            "{STATE}: line 2: `bits`: give true or false; nothing"
        )),
        "{warning}"
    );
}
