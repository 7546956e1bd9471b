//! What it refuses, and how it says so.

use std::process::Command;

use crate::lab;
use crate::program::{BINARY, output, settle, switches, text};

#[test]
fn without_the_capability_it_says_which_and_how_to_get_it() {
    lab::run(
        "refused::without_the_capability_it_says_which_and_how_to_get_it",
        |lab| {
            for args in [
                &["list"][..],
                &["list", "--count", "2"],
                &["events", "-o", "json"],
                &[],
            ] {
                let output = output(settle(lab.here().unprivileged(BINARY), args));
                let said = text(&output.stderr);
                assert_eq!(output.status.code(), Some(4), "{args:?}: {said}");
                assert!(said.contains("CAP_NET_ADMIN"), "{said}");
                assert!(
                    said.contains(
                        "sudo setcap cap_net_admin,cap_sys_ptrace,cap_dac_read_search+ep /"
                    ),
                    "{said}"
                );
                assert_eq!(said.lines().count(), 1, "{said}");
                assert_eq!(text(&output.stdout), "");
                assert_eq!(switches(lab.here()), ["0", "0"]);
            }
        },
    );
}

#[test]
fn fault_35_47_wrong_command_lines_are_one_line_and_exit_2() {
    for args in [
        &["--no-such-option"][..],
        &["-x"],
        &["-t", "0"],
        &["-t", "abc"],
        &["-t", "-1"],
        &["-t", "0.05"],
        &["-t", "3601"],
        &["-t", "nan"],
        &["-t"],
        &["list", "--count", "0"],
        &["list", "--count", "many"],
        &["list", "-o", "xml"],
        &["list", "--fields", "orig_src,no_such_field"],
        &["list", "--fields", ""],
        &["--rcvbuf", "1"],
        &["--rcvbuf", "lots"],
        &["no_such_command"],
        &["list", "more"],
        &["--color", "perhaps"],
        &["events", "--count", "2"],
    ] {
        let output = output(settle(Command::new(BINARY), args));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{args:?}: {said}");
        assert!(said.starts_with("flowtop: "), "{said}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
    for (args, begins) in [
        (&["-h"][..], "Who is talking"),
        (&["--help"], "Who is talking"),
        (&["-v"], "flowtop "),
        (&["-V"], "flowtop "),
        (&["--version"], "flowtop "),
        (&["fields"], "v "),
    ] {
        let output = output(settle(Command::new(BINARY), args));
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(text(&output.stdout).starts_with(begins), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}
