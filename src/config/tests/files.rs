//! Files of configuration: layers, mistakes, and the sample.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::filters::with_filters;
use super::*;
use crate::tui::keymap::Keymap;
use crate::tui::keymap::Preset;
use crate::tui::keys::{KEYS, Motion};
use crate::view::health;

pub(super) const OF_ALL: &str = "/etc/flowtop/flowtop.toml";
pub(super) const OF_USER: &str = "/home/a/.config/flowtop/flowtop.toml";

/// What `list` is to do, with these files.
fn layered(line: &str, files: &[(&str, &str)]) -> SourceOptions {
    match parse_with(line, &[("HOME", "/home/a")], files, true) {
        Ok(Invocation::List(options)) => options.source,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn files_and_flags_are_layers() {
    let files = [
        (
            OF_ALL,
            "interval = 5\nrcvbuf = \"1M\"\nprotocols = \"all\"\nloopback = true\n\
             [names]\n\"192.0.2.1\" = \"a\"\n\"192.0.2.2\" = \"b\"\n",
        ),
        (
            OF_USER,
            "interval = 4\nprotocols = [\"tcp\", \"icmp\"]\n[names]\n\"192.0.2.2\" = \"c\"\n",
        ),
        ("my.toml", "interval = 3\nfamilies = \"ipv6\"\n"),
    ];
    let both = [Family::Ipv4, Family::Ipv6];
    let source = layered("list --dns", &files);
    assert_eq!(source.warnings, Vec::<String>::new());
    assert_eq!(source.interval, Duration::from_secs(4));
    assert_eq!(source.receive_buffer_bytes, 1 << 20);
    let wanted = scope_of(&both, &[Group::Tcp, Group::Icmp]).with_loopback(true);
    assert_eq!(source.scope, wanted);
    let table = source.lookups.names.unwrap().local.table;
    let name = |ip: &str| table[&ip.parse::<IpAddr>().unwrap()].as_str();
    assert_eq!([name("192.0.2.1"), name("192.0.2.2")], ["a", "c"]);

    let source = layered("--config my.toml list", &files);
    assert_eq!(source.interval, Duration::from_secs(3));
    let wanted = scope_of(&[Family::Ipv6], &[Group::Tcp, Group::Icmp]).with_loopback(true);
    assert_eq!(source.scope, wanted);

    let line = "list --config my.toml -t 2 -4U --no-loopback";
    let source = layered(line, &files);
    assert_eq!(source.interval, Duration::from_secs(2));
    assert_eq!(source.scope, scope_of(&[Family::Ipv4], &[Group::Udp]));
}

#[test]
fn a_flag_takes_back_what_a_file_says() {
    let all_on = "loopback = true\nno-dns = true\nno-geoip = true\nshow-src = true\nbits = true\n\
        color = \"never\"\nno-sysctl = true\ntrack = true\nno-process = true\nsource = \"sockets\"\ngeoip-dir = \"/g\"\nservices = \"/s\"\n\
        resolver = \"system\"\nlocal = [\"10.0.0.0/8\", \"fd00::/8\"]\n";
    let view =
        |line: &str| match parse_with(line, &[("HOME", "/home/a")], &[(OF_USER, all_on)], true) {
            Ok(Invocation::View(options)) => options,
            other => panic!("{line}: {other:?}"),
        };
    let on = view("");
    assert!(on.source.scope.has_loopback() && on.show_source && on.depth == Depth::None);
    assert!(!on.source.switch_sysctls && !on.source.lookups.places.enabled);
    assert!(on.source.lookups.names.is_none());
    assert_eq!(on.unit, RateUnit::Bits);
    assert!(on.source.track && !on.source.processes);
    assert_eq!(on.source.mode, SourceMode::Sockets);
    assert_eq!(on.source.locality.local.len(), 2);
    assert_eq!(on.source.lookups.places.named_dir, Some("/g".into()));
    assert_eq!(on.source.lookups.services, [PathBuf::from("/s")]);
    assert!(!on.source.lookups.services_required);

    let off = "--no-loopback --dns --geoip --no-show-src --no-bits --color always --sysctl \
        --no-track --process --source auto --local 10.1.0.0/16 --geoip-dir= --services /t --resolver dns";
    let off = view(off);
    assert!(!off.source.scope.has_loopback() && !off.show_source && off.depth != Depth::None);
    assert!(off.source.switch_sysctls && off.source.lookups.places.enabled);
    assert_eq!(off.source.lookups.names.unwrap().lookup, Lookup::Dns);
    assert_eq!(off.unit, RateUnit::Bytes);
    assert!(!off.source.track && off.source.processes);
    assert_eq!(off.source.mode, SourceMode::Auto);
    assert_eq!(off.source.locality.local.len(), 1);
    assert_eq!(off.source.lookups.places.named_dir, None);
    assert_eq!(off.source.lookups.services, [PathBuf::from("/t")]);
    assert!(off.source.lookups.services_required);
}

#[test]
fn the_environment_is_between_files_and_flags() {
    let named = |line: &str, dir: &str| {
        let variables = [("HOME", "/home/a"), ("FLOWTOP_GEOIP_DIR", dir)];
        let files = [(OF_USER, "geoip-dir = \"/file\"")];
        match parse_with(line, &variables, &files, true) {
            Ok(Invocation::View(options)) => options.source.lookups.places.named_dir,
            other => panic!("{line}: {other:?}"),
        }
    };
    assert_eq!(named("", ""), Some("/file".into()));
    assert_eq!(named("", "/env"), Some("/env".into()));
    assert_eq!(named("--geoip-dir /flag", "/env"), Some("/flag".into()));
    assert_eq!(named("--geoip-dir=", "/env"), None);
}

#[test]
fn of_a_flag_and_its_opposite_the_last_one_counts() {
    for (line, unit) in [
        ("-b --no-bits", RateUnit::Bytes),
        ("--no-bits -b", RateUnit::Bits),
        ("-b --no-bits -b", RateUnit::Bits),
        (
            "-bsnG --no-bits --no-show-src --dns --geoip",
            RateUnit::Bytes,
        ),
    ] {
        assert_eq!(viewer(line).unit, unit, "{line}");
    }
    let said = wrong("-b list --no-bits");
    assert!(
        said.contains("'--bits' cannot be used with '--no-bits'"),
        "{said}"
    );
}

#[test]
fn a_broken_file_is_a_warning_unless_it_is_named() {
    let files = [
        (OF_ALL, "bits = \n"),
        (OF_USER, "bit = true\nbits = true\n"),
    ];
    let source = layered("list", &files);
    let [of_all, of_user] = &source.warnings[..] else {
        panic!("{:?}", source.warnings);
    };
    assert!(
        of_all.starts_with("/etc/flowtop/flowtop.toml: line 1: "),
        "{of_all}"
    );
    assert!(of_all.ends_with("; nothing of it is used"), "{of_all}");
    let expected = format!("{OF_USER}: line 1: `bit` is no key; the nearest is `bits`");
    assert_eq!(*of_user, expected);

    for (line, reason) in [
        (
            "--config none list",
            "the configuration none: there is no such file",
        ),
        (
            "--config a fields",
            "the configuration a: line 1: `x` is no key; the nearest is `",
        ),
        (
            "--config b",
            "the configuration b: line 1: `bits`: give true or false; it stays at",
        ),
    ] {
        let files = [("a", "x = 1\n"), ("b", "bits = 1\nc = 2\n")];
        match parse_with(line, &[], &files, true) {
            Err(Usage::Wrong(said)) => assert!(said.starts_with(reason), "{said}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// The sample, from the table of keys and the help of their options.
fn sample() -> String {
    let mut out = String::from(
        "# Configuration of flowtop. /etc/flowtop/flowtop.toml is for everybody and\n\
         # ~/.config/flowtop/flowtop.toml for one user, whose lines win; then come the\n\
         # file of --config, and the flags. Keys are long options. Each stands here with\n\
         # its default; take the # away to change it. `flowtop --print-config` prints this.\n",
    );
    let command = command();
    let doc = |name: &str| {
        let mut args = command.get_arguments();
        let arg = args.find(|arg| arg.get_long() == Some(name)).unwrap();
        let help = arg.get_long_help().or(arg.get_help()).unwrap();
        help.to_string()
    };
    let scopes = [
        ("families", "Families that are shown: ipv4, ipv6"),
        (
            "protocols",
            "Protocols that are shown: tcp, udp, dccp, icmp, sctp, other, all",
        ),
    ];
    for key in file::KEYS {
        let scope = scopes.iter().find(|(name, _)| *name == key.name);
        let text = scope.map_or_else(|| doc(key.name), |(_, text)| (*text).to_owned());
        out.push('\n');
        comment(&text, &mut out);
        let _ = writeln!(out, "#{} = {}", key.name, key.default);
    }
    out.push_str(
        "\n# What hosts are called. These names come before those of DHCP leases, the\n\
         # hosts file and DNS, and nobody is asked about these addresses. For example:\n\
         #   \"192.168.1.23\" = \"laptop\"\n\
         #   \"fd00:1::23\" = \"laptop\"\n\
         [names]\n",
    );
    out.push_str(
        "\n# From where on the Health tab of the viewer calls something a finding, and\n\
         # `flowtop doctor` the table too full.\n[health]\n",
    );
    let meanings = [
        (
            "table-warn",
            "A table of connections this full, in percent, is worth a warning",
        ),
        (
            "table-crit",
            "One this full, in percent, soon drops connections",
        ),
        (
            "host-share",
            "The share of the table that one host may have, in percent",
        ),
        (
            "unanswered",
            "So many flows of one host without an answer, or to one host without a completed handshake, are suspicious",
        ),
        (
            "scan-targets",
            "So many different targets among them make it a scan",
        ),
        (
            "retransmits",
            "So many TCP segments of this machine sent again, in percent, are worth a warning",
        ),
    ];
    for (limit, (name, meaning)) in file::health::LIMITS.iter().zip(meanings) {
        assert_eq!(limit.name, name);
        comment(meaning, &mut out);
        let default = (limit.get)(&health::Settings::default());
        let _ = writeln!(out, "#{name} = {default}");
    }
    out.push_str(
        "\n# Filters by name. @name stands for one wherever a filter may be written: at the\n\
         # key /, after -f, and here, but in itself.\n[filters]\n",
    );
    for (name, text, meaning) in file::filters::EXAMPLES {
        comment(meaning, &mut out);
        let _ = writeln!(out, "#{name} = \"{text}\"");
    }
    let presets = Preset::ALL.map(Preset::name).join(", ");
    let _ = writeln!(
        out,
        "\n# Keys of the viewer. A key is a character, f1 to f12, a name such as pgup or\n\
         # space, or ctrl+ and one of these. What it is given to loses none of its other\n\
         # keys; \"none\" takes a key away. First come those of a preset: {presets}.\n\
         [keys]\n#preset = \"default\""
    );
    for key in KEYS {
        if let Some(help) = key.help {
            let _ = writeln!(out, "# {help}");
        }
        for chord in key.chords {
            let _ = writeln!(out, "#\"{chord}\" = \"{}\"", key.action.name());
        }
    }
    out
}

#[test]
fn limits_of_health_are_read_and_mistakes_are_told() {
    let text = "[health]\n\
        table-warn = 60\n\
        unanswered = 1_000\n\
        table-crit = 101\n\
        retransmits = \"5\"\n\
        unansered = 3\n\
        interval = 2\n";
    let file = file::read(
        text,
        file::Base {
            dir: Path::new("/"),
            home: None,
        },
        &Layer {
            health: vec![("retransmits", 7)],
            ..Layer::default()
        },
    )
    .unwrap();
    assert_eq!(
        file.problems,
        [
            "line 4: `table-crit`: give a number from 1 to 100; it stays at 85",
            "line 5: `retransmits`: give a number from 1 to 100; it stays at 7",
            "line 6: `unansered` is no key of [health]; the nearest is `unanswered`",
            "line 7: `interval` has to stand above [health]; here it says nothing",
        ]
    );
    let settings = file::health::settings(&file.layer.health);
    let default = health::Settings::default();
    assert_eq!(
        settings,
        health::Settings {
            table_warn_percent: 60,
            unanswered: 1000,
            ..default
        }
    );
}

/// A comment of paragraphs.
fn comment(text: &str, out: &mut String) {
    for paragraph in text.split("\n\n") {
        let mut line = String::from("#");
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > 80 {
                let _ = writeln!(out, "{line}");
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        let stop = if line.ends_with('.') { "" } else { "." };
        let _ = writeln!(out, "{line}{stop}");
    }
}

#[test]
fn the_sample_has_every_key() {
    let sample = sample();
    if std::env::var_os("UPDATE").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conf/flowtop.toml");
        std::fs::write(path, sample).unwrap();
    } else {
        let advice = "UPDATE=1 cargo test --lib the_sample_has_every_key writes it";
        assert_eq!(SAMPLE, sample, "{advice}");
    }
}

/// The sample with every key taken as it stands.
fn taken() -> String {
    SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

/// Names of filters change nothing by themselves.
fn without_filters(mut invocation: Invocation) -> String {
    if let Invocation::View(options) = &mut invocation {
        options.saved = Definitions::default();
    }
    told(&invocation)
}

#[test]
fn every_filter_of_the_sample_is_one() {
    let options = with_filters("", &[(OF_USER, &taken())]).unwrap();
    assert_eq!(options.source.warnings, Vec::<String>::new());
    let names: Vec<_> = options.saved.iter().map(|(name, _)| name).collect();
    let mut examples = file::filters::EXAMPLES.map(|(name, ..)| name);
    examples.sort_unstable();
    assert_eq!(names, examples);
    for at in examples.map(|example| format!("@{example}")) {
        let filter = Filter::parse_with(&at, &options.saved).unwrap();
        assert_eq!(filter.to_string(), at);
    }
}

#[test]
fn the_sample_says_what_counts_anyway() {
    let taken = taken();
    assert_eq!(taken.matches("\ninterval = 1\n").count(), 1, "{taken}");
    for text in [SAMPLE, &taken] {
        for line in ["", "list", "list --count 2 --dns", "events"] {
            for terminal in [true, false] {
                let with = parse_with(line, &[], &[(OF_ALL, text)], terminal).unwrap();
                let without = parse_with(line, &[], &[], terminal).unwrap();
                assert_eq!(without_filters(with), without_filters(without), "{line}");
            }
        }
    }
}

#[test]
fn the_sample_can_be_asked_for() {
    for line in [
        "--print-config",
        "list --print-config",
        "-nb --print-config",
    ] {
        assert!(
            matches!(on_terminal(line), Ok(Invocation::PrintConfig)),
            "{line}"
        );
    }
}

/// What a person may wish for always has a key; what is of one call has none.
#[test]
fn every_standing_option_has_a_key() {
    const OF_ONE_CALL: [&str; 19] = [
        "all",
        "config",
        "dccp",
        "dns",
        "filter",
        "help",
        "icmp",
        "ipv4",
        "ipv6",
        "netns",
        "nfsd-dir",
        "other",
        "print-config",
        "sctp",
        "service",
        "tcp",
        "udp",
        "update",
        "version",
    ];
    let command = command();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        let name = arg.get_long().unwrap();
        let is_key = file::KEYS.iter().any(|key| key.name == name);
        assert_ne!(is_key, OF_ONE_CALL.contains(&name), "--{name}");
    }
}

/// What a file can say, the command line can take back.
#[test]
fn every_switch_has_an_opposite() {
    let command = command();
    let longs: Vec<_> = command
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for key in file::KEYS.iter().filter(|key| key.default == "false") {
        let opposite = key
            .name
            .strip_prefix("no-")
            .map_or_else(|| format!("no-{}", key.name), str::to_owned);
        assert!(longs.contains(&opposite.as_str()), "--{opposite}");
    }
}

/// Keys of the viewer with these files.
fn keys(files: &[(&str, &str)]) -> (Keymap, Vec<String>) {
    match parse_with("", &[("HOME", "/home/a")], files, true) {
        Ok(Invocation::View(options)) => (options.keys, options.source.warnings),
        other => panic!("{other:?}"),
    }
}

fn bound(map: &Keymap, action: Action) -> Vec<String> {
    map.chords(action).iter().map(ToString::to_string).collect()
}

#[test]
fn keys_of_files_are_layers_too() {
    let files = [
        (
            OF_ALL,
            "[keys]\npreset = \"original\"\n\"ctrl+r\" = \"redraw\"\n\"x\" = \"bits\"\n",
        ),
        (
            OF_USER,
            "[keys]\n\"X\" = \"bits\"\n\"x\" = \"ports\"\n\"b\" = \"none\"\n",
        ),
    ];
    let (map, warnings) = keys(&files);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(bound(&map, Action::Redraw), ["ctrl+l", "ctrl+r"]);
    assert_eq!(bound(&map, Action::ToggleBits), ["X"]);
    assert_eq!(bound(&map, Action::TogglePorts), ["p", "x"]);
    assert!(bound(&map, Action::Move(Motion::Up)).contains(&"u".to_owned()));
    let files = [files[0], (OF_USER, "[keys]\npreset = \"vim\"\n")];
    assert_eq!(
        bound(&keys(&files).0, Action::Move(Motion::Up)),
        ["up", "k"]
    );
    assert_eq!(keys(&[]).0, Keymap::default());
}

#[test]
fn mistakes_in_keys_are_told_by_line_and_lose_nothing_else() {
    let text = "[keys]\n\
        \"ctrl+r\" = \"redraw\"\n\
        \"Ctrl+R\" = \"help\"\n\
        \"alt+x\" = \"help\"\n\
        \"y\" = \"redrw\"\n\
        \"z\" = 3\n\
        preset = \"emacs\"\n\
        bits = true\n\
        \"ctrl+i\" = \"help\"\n\
        \"space\" = \"page-down\"\n";
    let (map, warnings) = keys(&[(OF_USER, text)]);
    let said: Vec<_> = warnings
        .iter()
        .map(|warning| warning.strip_prefix(OF_USER).unwrap())
        .collect();
    let expected = [
        ": line 3: `Ctrl+R` cannot be `help`: on line 2 it is `redraw`, which counts",
        ": line 4: `alt+x` is no key; give a character, f1 to f12, up, down, ",
        ": line 5: `redrw` is no action; the nearest is `redraw`, and `none` takes the key away",
        ": line 6: give a text in quotes",
        ": line 7: `preset`: give default, vim, original",
        ": line 8: `bits` has to stand above [keys]; here it says nothing",
        ": line 9: terminals send `ctrl+i` as tab; give that",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{said}");
    }
    let page_down = bound(&map, Action::Move(Motion::PageDown));
    assert_eq!(page_down, ["pgdn", "]", "space"]);
}

#[test]
fn there_is_always_a_way_out() {
    let text = "[keys]\nq = \"none\"\n\"ctrl+c\" = \"help\"\n";
    let (map, warnings) = keys(&[(OF_USER, text)]);
    assert_eq!(
        warnings,
        ["[keys] leaves no key to quit with; ctrl+c stays"]
    );
    assert_eq!(bound(&map, Action::Quit), ["ctrl+c"]);
}
