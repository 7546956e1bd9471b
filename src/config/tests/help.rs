//! What the program says of itself.

use super::*;

#[test]
fn help_and_version_are_no_failures() {
    for line in [
        "-h",
        "--help",
        "list -h",
        "events --help",
        "fields -h",
        "-4 -h",
    ] {
        let usage = on_terminal(line).unwrap_err();
        assert_eq!(usage.exit_code(), 0, "{line}");
        let Usage::Asked(text) = usage else {
            panic!("{line}")
        };
        assert!(text.contains("Usage: flowtop"), "{line}: {text}");
        assert!(text.contains("Families and protocols:"), "{line}: {text}");
    }
    for line in ["-v", "-V", "--version", "list -v", "-4V"] {
        let usage = on_terminal(line).unwrap_err();
        assert_eq!(usage.exit_code(), 0, "{line}");
        let text = usage.to_string();
        assert!(
            text.starts_with(concat!(
                "flowtop ",
                env!("CARGO_PKG_VERSION"),
                "\nCopyright"
            )),
            "{line}: {text}"
        );
    }
}

#[test]
fn help_fits_a_screen_and_names_every_option_once() {
    let help = on_terminal("-h").unwrap_err().to_string();
    for arg in command().get_arguments() {
        if let Some(long) = arg.get_long() {
            let name = format!("--{long} ");
            let lines = help.lines().map(|line| format!("{line} "));
            let named = lines.filter(|line| line.contains(&name)).count();
            assert_eq!(named, usize::from(!arg.is_hide_set()), "{name}");
        }
    }
    assert!(help.lines().count() <= 68, "{help}");
}

#[test]
fn clap_finds_no_fault_with_the_flags() {
    command().debug_assert();
}
