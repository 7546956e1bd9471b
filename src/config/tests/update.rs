//! The command that brings new databases.

use super::*;

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
