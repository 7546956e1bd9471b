//! Command lines that mean nothing, and what is said of them.

use super::*;

#[test]
fn bad_numbers_are_one_clear_line() {
    for value in ["0", "abc", "inf", "nan", "-1", "-0.5", "3601", "1e9", "''"] {
        for line in [format!("-t {value}"), format!("list --interval {value}")] {
            assert_eq!(
                wrong(&line),
                format!(
                    "invalid value '{value}' for '--interval <SECONDS>': give seconds from 0.1 \
                     to 3600, such as 0.5; see flowtop --help"
                )
            );
        }
    }
    for line in [
        "-t",
        "--rcvbuf 1",
        "--rcvbuf -5",
        "--rcvbuf",
        "list --count 0",
        "list --count -2",
        "list --count 1.5",
        "list -o xml",
        "--color maybe",
    ] {
        let message = wrong(line);
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!message.contains("error:"), "{message}");
        assert!(message.contains("flowtop --help"), "{message}");
    }
}

#[test]
fn unknown_arguments_are_refused_by_name() {
    let cases = [
        ("-x", "'-x'"),
        ("-46x", "'-x'"),
        ("--jsn", "'--jsn'"),
        ("--interva 1", "'--interval'"),
        ("lst", "'list'"),
        ("fields id", "'id'"),
        ("events --count 3", "'--count'"),
        ("-o json", "'-o'"),
    ];
    for (line, name) in cases {
        let message = wrong(line);
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn options_of_list_are_told_from_unknown_ones() {
    for line in ["-o json", "--fields id", "--output=csv", "events --count 3"] {
        assert!(wrong(line).contains("; flowtop list has it;"), "{line}");
    }
    assert!(!wrong("--outputs csv").contains("has it"));
}

#[test]
fn messages_cannot_move_the_cursor() {
    let usage = parse(
        ["flowtop", "--a\u{1b}[31mb\nc\u{9b}d"],
        |_| None,
        no_file,
        surroundings(true),
    )
    .unwrap_err();
    let message = usage.to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.contains("\\u{1b}"), "{message:?}");
}

#[test]
fn an_unknown_field_is_named_with_the_nearest() {
    let message = wrong("list --fields proto,orig_sorc");
    assert!(
        message.contains(
            "`orig_sorc` is no field, the nearest is `orig_src`; `flowtop fields` lists all"
        ),
        "{message}"
    );
    assert!(wrong("events --fields id,id").contains("`id` is named twice"));
    assert!(wrong("events --fields=").contains("is no field"));
}

#[test]
fn an_order_is_one_that_there_is() {
    let sorted = |line| listed(line).sort.map(|sort| (sort.key, sort.descending));
    let bytes = SortKey::named("orig_bytes").unwrap();
    assert_eq!(sorted("list"), None);
    assert_eq!(sorted("list --sort orig_bytes"), Some((bytes, true)));
    assert_eq!(sorted("list --sort orig_bytes:asc"), Some((bytes, false)));
    assert_eq!(listed("list").top, None);
    assert_eq!(listed("list --top 10").top.map(NonZeroU32::get), Some(10));
    let message = wrong("list --sort orig_byte");
    assert!(message.contains("the nearest is `orig_bytes`"), "{message}");
    assert!(wrong("list --sort age:down").contains("no way to sort"));
    assert!(wrong("list --top 0").contains("give a whole number"));
    assert!(wrong("--sort age").contains("flowtop list has it"));
}

#[test]
fn an_argument_that_is_no_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let args = [b"flowtop".to_vec(), b"--fields\xff".to_vec()].map(OsString::from_vec);
    let usage = parse(args, |_| None, no_file, surroundings(true)).unwrap_err();
    assert_eq!(usage.exit_code(), 2);
}

#[test]
fn a_filter_is_read_before_anything_starts() {
    let filter = |line: &[&str]| {
        let args = ["flowtop"].iter().chain(line);
        let surroundings = Surroundings {
            stdout_is_terminal: true,
            is_root: false,
            now: std::time::SystemTime::UNIX_EPOCH,
        };
        let none = |_: &Path| Err(io::ErrorKind::NotFound.into());
        match parse(args, |_| None, none, surroundings) {
            Ok(Invocation::View(options)) => Ok(options.source),
            Ok(Invocation::List(options)) => Ok(options.source),
            Ok(Invocation::Events(options)) => Ok(options.source),
            Ok(other) => panic!("{other:?}"),
            Err(usage) => Err(usage),
        }
    };
    let printed = |line: &[&str]| {
        let source = filter(line).unwrap();
        source.filter.map(|filter| filter.to_string())
    };
    for command in [&["-f", "tcp port 443"][..], &["list", "-f", "tcp port 443"]] {
        assert_eq!(printed(command).as_deref(), Some("proto:tcp port:443"));
    }
    assert_eq!(
        printed(&["--filter", "-port:22", "events"]).as_deref(),
        Some("!port:22")
    );
    assert_eq!(printed(&["-f", " "]), None);
    let scope = |line: &[&str]| filter(line).unwrap().scope;
    assert_eq!(
        scope(&["-f", "port:53"]),
        Scope::default().with_all_groups(true)
    );
    assert_eq!(scope(&["-f", ""]), Scope::default());
    assert_eq!(scope(&["-Tf", "port:53"]), Scope::default());
    let usage = filter(&["list", "-f", "port:x and tcp"]).unwrap_err();
    assert_eq!(usage.exit_code(), 2);
    assert_eq!(
        usage.to_string(),
        "--filter: `x` is no port, they are numbers from 0 to 65535\n  \
         port:x and tcp\n       ^"
    );
}
