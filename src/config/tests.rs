//! Command lines and what becomes of them.

mod files;
mod filters;
mod memory;

use super::*;
use crate::flow::Class;
use crate::view::column::Choice;
use crate::view::sort::SortKey;

fn parse_in(
    line: &str,
    variables: &[(&str, &str)],
    stdout_is_terminal: bool,
) -> Result<Invocation, Usage> {
    parse_with(line, variables, &[], stdout_is_terminal)
}

/// With files, by path.
fn parse_with(
    line: &str,
    variables: &[(&str, &str)],
    files: &[(&str, &str)],
    stdout_is_terminal: bool,
) -> Result<Invocation, Usage> {
    let args = std::iter::once("flowtop").chain(line.split_whitespace());
    let variable = |name: &str| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| OsString::from(value))
    };
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| path == Path::new(name));
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    parse(args, variable, read, surroundings(stdout_is_terminal))
}

fn no_file(_: &Path) -> io::Result<String> {
    Err(io::ErrorKind::NotFound.into())
}

const fn surroundings(stdout_is_terminal: bool) -> Surroundings {
    Surroundings {
        stdout_is_terminal,
        is_root: false,
        now: SystemTime::UNIX_EPOCH,
    }
}

/// What is compared where not all of it has an order of its own.
fn told(what: &impl std::fmt::Debug) -> String {
    format!("{what:?}")
}

fn on_terminal(line: &str) -> Result<Invocation, Usage> {
    parse_in(line, &[], true)
}

fn viewer(line: &str) -> ViewerOptions {
    match on_terminal(line) {
        Ok(Invocation::View(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

fn listed(line: &str) -> ListOptions {
    match on_terminal(line) {
        Ok(Invocation::List(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

fn wrong(line: &str) -> String {
    match on_terminal(line) {
        Err(usage @ Usage::Wrong(_)) => {
            assert_eq!(usage.exit_code(), 2, "{line}");
            usage.to_string()
        }
        other => panic!("{line}: {other:?}"),
    }
}

fn scope_of(families: &[Family], groups: &[Group]) -> Scope {
    let scope = families.iter().fold(Scope::NOTHING, |scope, family| {
        scope.with_family(*family, true)
    });
    groups
        .iter()
        .fold(scope, |scope, group| scope.with_group(*group, true))
}

#[test]
fn families_and_protocols_are_exact() {
    use Family::{Ipv4, Ipv6};
    use Group::{Dccp, Icmp, Other, Sctp, Tcp, Udp};
    let cases: [(&str, &[Family], &[Group]); 17] = [
        ("", &[Ipv4, Ipv6], &[Tcp]),
        ("-4", &[Ipv4], &[Tcp]),
        ("-6", &[Ipv6], &[Tcp]),
        ("-46", &[Ipv4, Ipv6], &[Tcp]),
        ("--ipv4 --ipv6", &[Ipv4, Ipv6], &[Tcp]),
        ("-U", &[Ipv4, Ipv6], &[Udp]),
        ("-4U", &[Ipv4], &[Udp]),
        ("-TU", &[Ipv4, Ipv6], &[Tcp, Udp]),
        ("--tcp --icmp", &[Ipv4, Ipv6], &[Tcp, Icmp]),
        ("--udp --dccp --sctp", &[Ipv4, Ipv6], &[Udp, Dccp, Sctp]),
        ("-O", &[Ipv4, Ipv6], &[Other]),
        ("--other", &[Ipv4, Ipv6], &[Other]),
        ("-A", &[Ipv4, Ipv6], &Group::ALL),
        ("--all -6", &[Ipv6], &Group::ALL),
        ("-AU", &[Ipv4, Ipv6], &Group::ALL),
        ("-46UTDISs", &[Ipv4, Ipv6], &[Udp, Tcp, Dccp, Icmp, Sctp]),
        ("-T -T", &[Ipv4, Ipv6], &[Tcp]),
    ];
    for (line, families, groups) in cases {
        assert_eq!(
            viewer(line).source.scope,
            scope_of(families, groups),
            "{line}"
        );
    }
}

#[test]
fn only_one_family_lets_no_other_through() {
    let scope = viewer("-4A --loopback").source.scope;
    for group in Group::ALL {
        assert!(scope.holds(Class::new(Family::Ipv4, group, true)));
        assert!(!scope.holds(Class::new(Family::Ipv6, group, true)));
    }
}

#[test]
fn loopback_is_hidden_unless_asked_for() {
    assert!(!viewer("-A").source.scope.has_loopback());
    assert!(viewer("--loopback").source.scope.has_loopback());
}

#[test]
fn defaults_are_those_of_the_manual() {
    let options = viewer("");
    assert_eq!(options.source.scope, Scope::default());
    assert_eq!(options.source.interval, Duration::from_secs(1));
    assert_eq!(options.source.receive_buffer_bytes, 16 << 20);
    assert!(options.source.switch_sysctls);
    assert!(!options.source.track);
    assert!(!options.show_source);
    assert_eq!(options.unit, RateUnit::Bytes);
    assert_eq!(options.depth, Depth::Ansi);
    assert_eq!(options.theme, "terminal");
    let lookups = options.source.lookups;
    assert!(lookups.services.is_empty());
    assert!(lookups.places.enabled && lookups.places.embedded);
    assert_eq!(lookups.places.named_dir, None);
    assert_eq!(lookups.names.map(|names| names.lookup), Some(Lookup::Dns));
}

#[test]
fn viewer_options_short_and_long() {
    for line in [
        "-sbt0.5",
        "-s -b -t 0.5",
        "--show-src --bits --interval=0.5",
    ] {
        let options = viewer(line);
        assert!(options.show_source, "{line}");
        assert_eq!(options.unit, RateUnit::Bits, "{line}");
        assert_eq!(
            options.source.interval,
            Duration::from_millis(500),
            "{line}"
        );
    }
    assert!(!viewer("--no-sysctl").source.switch_sysctls);
    assert_eq!(viewer("--rcvbuf 64M").source.receive_buffer_bytes, 64 << 20);
    assert_eq!(viewer("-t 5 -t 2").source.interval, Duration::from_secs(2));
}

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
fn columns_are_chosen_by_name() {
    assert_eq!(viewer("").columns, Choice::default());
    for (line, keys) in [
        ("--columns proto,rtt,dst", "proto,rtt,dst"),
        ("--columns +rtt,-cc", "+rtt,-cc"),
        ("--columns=-cc", "-cc"),
        ("--columns -cc", "-cc"),
    ] {
        assert_eq!(viewer(line).columns, Choice::parse(keys).unwrap(), "{line}");
    }
    let message = wrong("--columns proto,rttt");
    assert!(message.contains("the nearest is `rtt`"), "{message}");
}

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
fn list_takes_options_before_and_after_it() {
    for line in [
        "list -AnG -o json",
        "-AnG list -o json",
        "-A list -nG --output=json",
    ] {
        let options = listed(line);
        assert_eq!(options.output.format, Format::Json, "{line}");
        assert_eq!(options.output.fields, None, "{line}");
        assert_eq!(options.output.course, Course::Samples, "{line}");
        assert_eq!(options.samples.get(), 1, "{line}");
        let all = scope_of(&[Family::Ipv4, Family::Ipv6], &Group::ALL);
        assert_eq!(options.source.scope, all, "{line}");
    }
    let options = listed("-4 list -U --count 3 -t 0.2 -b --fields orig_dst,proto -o csv");
    assert_eq!(options.samples.get(), 3);
    assert_eq!(options.source.interval, Duration::from_millis(200));
    assert_eq!(
        options.source.scope,
        scope_of(&[Family::Ipv4], &[Group::Udp])
    );
    assert_eq!(options.output.unit, RateUnit::Bits);
    assert_eq!(options.output.format, Format::Csv);
    let keys = |fields: &[&'static crate::view::field::Field]| -> Vec<_> {
        fields.iter().map(|field| field.key).collect()
    };
    assert_eq!(
        keys(&options.output.fields.unwrap_or_default()),
        ["orig_dst", "proto"]
    );
}

#[test]
fn a_single_list_leaves_the_sysctls_alone() {
    assert!(!listed("list").source.switch_sysctls);
    assert!(listed("list --count 2").source.switch_sysctls);
    assert!(!listed("list --count 2 --no-sysctl").source.switch_sysctls);
}

#[test]
fn rules_are_added_only_when_asked_for() {
    for line in ["list", "list --count 2", "events", "-A --loopback"] {
        let asks = |line: &str| match on_terminal(line) {
            Ok(Invocation::View(options)) => options.source.track,
            Ok(Invocation::List(options)) => options.source.track,
            Ok(Invocation::Events(options)) => options.source.track,
            other => panic!("{line}: {other:?}"),
        };
        assert!(!asks(line), "{line}");
        assert!(asks(&format!("{line} --track")), "{line}");
        assert!(asks(&format!("--track {line}")), "{line}");
    }
}

#[test]
fn events_and_fields() {
    let Ok(Invocation::Events(options)) = on_terminal("events -UT -ojson --fields id") else {
        panic!("no events");
    };
    assert_eq!(options.output.course, Course::Events);
    assert_eq!(options.output.format, Format::Json);
    assert!(options.source.switch_sysctls);
    assert!(matches!(on_terminal("fields"), Ok(Invocation::Fields)));
}

#[test]
fn without_a_terminal_the_viewer_is_one_table() {
    let piped = |line| parse_in(line, &[], false);
    assert_eq!(
        told(&piped("-6Ub")),
        told(&Ok::<_, Usage>(Invocation::List(listed("-6Ub list"))))
    );
    assert_eq!(told(&piped("list")), told(&on_terminal("list")));
}

#[test]
fn colours_follow_the_option_then_the_surroundings() {
    let colors = |line, variables: &[(&str, &str)]| match parse_in(line, variables, true) {
        Ok(Invocation::View(options)) => options.depth != Depth::None,
        other => panic!("{other:?}"),
    };
    assert!(colors("", &[]));
    assert!(colors("", &[("NO_COLOR", "")]));
    assert!(!colors("", &[("NO_COLOR", "0")]));
    assert!(!colors("", &[("TERM", "dumb")]));
    assert!(colors("--color always", &[("NO_COLOR", "1")]));
    assert!(!colors("--color never", &[]));
    assert!(!colors("--color=auto", &[("NO_COLOR", "1")]));
    let many = [("COLORTERM", "truecolor"), ("TERM", "xterm-256color")];
    let options = match parse_in("--theme nord", &many, true) {
        Ok(Invocation::View(options)) => options,
        other => panic!("{other:?}"),
    };
    assert_eq!(options.depth, Depth::True);
    assert_eq!(options.theme, "nord");
}

#[test]
fn the_users_directory_follows_the_base_directory_specification() {
    let dir = |variables: &[(&str, &str)]| match parse_in("", variables, true) {
        Ok(Invocation::View(options)) => options.source.user_dir,
        other => panic!("{other:?}"),
    };
    let home = ("HOME", "/home/a");
    assert_eq!(dir(&[]), None);
    assert_eq!(dir(&[home]), Some("/home/a/.config/flowtop".into()));
    assert_eq!(
        dir(&[home, ("XDG_CONFIG_HOME", "/etc/a")]),
        Some("/etc/a/flowtop".into())
    );
    for ignored in ["", "relative"] {
        assert_eq!(
            dir(&[home, ("XDG_CONFIG_HOME", ignored)]),
            Some("/home/a/.config/flowtop".into())
        );
    }
}

#[test]
fn an_argument_that_is_no_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let args = [b"flowtop".to_vec(), b"--fields\xff".to_vec()].map(OsString::from_vec);
    let usage = parse(args, |_| None, no_file, surroundings(true)).unwrap_err();
    assert_eq!(usage.exit_code(), 2);
}

#[test]
fn clap_finds_no_fault_with_the_flags() {
    command().debug_assert();
}

fn updated(line: &str) -> UpdateOptions {
    match on_terminal(line) {
        Ok(Invocation::Update(options)) => options,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_short_flag_is_the_command() {
    let plain = told(&updated("update"));
    for line in ["-u", "--update", "-nu", "list -u", "-u update"] {
        assert_eq!(told(&updated(line)), plain, "{line}");
    }
    assert!(updated("update --check -u").check);
}

#[test]
fn an_update_goes_where_it_is_told() {
    let settings = |line, variables: &[(&str, &str)], is_root| {
        let args = std::iter::once("flowtop").chain(str::split_whitespace(line));
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let surroundings = Surroundings {
            is_root,
            ..surroundings(true)
        };
        match parse(args, variable, no_file, surroundings) {
            Ok(Invocation::Update(options)) => options.settings,
            other => panic!("{line}: {other:?}"),
        }
    };
    let home = [("HOME", "/home/a")];
    let dir = |settings: Option<geoip_update::Settings>| settings.map(|settings| settings.dir);
    assert_eq!(
        dir(settings("update", &home, false)),
        Some("/home/a/.local/share/flowtop".into())
    );
    assert_eq!(
        dir(settings("update", &home, true)),
        Some("/var/lib/flowtop".into())
    );
    assert_eq!(
        dir(settings("update --dir /d", &home, true)),
        Some("/d".into())
    );
    assert_eq!(
        dir(settings("update --dir /d", &[], false)),
        Some("/d".into())
    );
    assert_eq!(dir(settings("update", &[], false)), None);
    let asked = settings("update --geoip-conf /c --from /f --force", &home, false).unwrap();
    assert_eq!(asked.conf, Some("/c".into()));
    assert_eq!(asked.from, Some("/f".into()));
    assert!(asked.force);
    for line in ["update --check --force", "update -o table", "update more"] {
        wrong(line);
    }
    assert!(updated("update -o json").json);
    assert!(!updated("update").json);
}

#[test]
fn names_are_for_the_viewer_and_for_who_asks() {
    let asks = |line| match on_terminal(line) {
        Ok(
            Invocation::View(ViewerOptions { source, .. })
            | Invocation::List(ListOptions { source, .. })
            | Invocation::Events(EventsOptions { source, .. }),
        ) => source.lookups.names,
        other => panic!("{line}: {other:?}"),
    };
    for line in ["", "list --dns", "events --dns", "--resolver dns"] {
        assert_eq!(asks(line).unwrap().lookup, Lookup::Dns, "{line}");
    }
    for line in ["--resolver system", "--resolver=system list --dns"] {
        assert_eq!(asks(line).unwrap().lookup, Lookup::System, "{line}");
    }
    for line in ["-n", "--no-dns --resolver system", "list", "events"] {
        assert!(asks(line).is_none(), "{line}");
    }
    for line in ["-n --dns", "list -n --dns", "--dns events"] {
        assert!(asks(line).is_some(), "{line}");
    }
    assert!(asks("list --dns -n").is_none());
    for line in ["-n events --dns", "--resolver hosts"] {
        wrong(line);
    }
    let piped = parse_in("", &[], false);
    let Ok(Invocation::List(options)) = piped else {
        panic!("{piped:?}");
    };
    assert!(options.source.lookups.names.is_none());
}

#[test]
fn files_of_services_and_places_are_those_named() {
    let line = "list -G --services a --geoip-dir /g --services b";
    let lookups = listed(line).source.lookups;
    assert_eq!(lookups.services, [PathBuf::from("a"), "b".into()]);
    assert!(!lookups.places.enabled);
    assert_eq!(lookups.places.named_dir, Some("/g".into()));
}

#[test]
fn networks_that_are_ours_add_up() {
    let local = |line| -> Vec<String> {
        let networks = viewer(line).source.locality.local;
        networks.iter().map(ToString::to_string).collect()
    };
    assert_eq!(local(""), [""; 0]);
    assert_eq!(
        local("--local 10.1.2.3/8,fd00::/8 --local=192.0.2.7"),
        ["10.0.0.0/8", "fd00::/8", "192.0.2.7/32"]
    );
    assert_eq!(
        listed("list --local 10.0.0.0/8")
            .source
            .locality
            .local
            .len(),
        1
    );
    for (line, named) in [
        ("--local 10.0.0.0/33", "10.0.0.0/33: "),
        ("--local 10.0.0.0/8,lan", "lan: "),
        ("--local", "--local"),
    ] {
        let said = wrong(line);
        assert!(said.contains(named), "{said}");
    }
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
