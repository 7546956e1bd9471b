//! Command lines and what becomes of them.

mod files;
mod filters;
mod help;
mod memory;
mod update;
mod wrong;

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
