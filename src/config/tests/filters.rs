//! Filters that files keep under a name.

use super::files::{OF_ALL, OF_USER};
use super::*;

pub(super) fn with_filters(line: &str, files: &[(&str, &str)]) -> Result<ViewerOptions, Usage> {
    match parse_with(line, &[("HOME", "/home/a")], files, true)? {
        Invocation::View(options) => Ok(options),
        other => panic!("{other:?}"),
    }
}

#[test]
fn saved_filters_of_all_files_are_known_by_name() {
    let files = [
        (
            OF_ALL,
            "[filters]\nweb = \"port:80\"\nodd = \"@web or udp\"\n",
        ),
        (
            OF_USER,
            "[filters]\nweb = \"port:80,443\"\nmine = \"@odd dir:in\"\n",
        ),
    ];
    let options = with_filters("-f @mine", &files).unwrap();
    assert_eq!(options.source.warnings, Vec::<String>::new());
    let said: Vec<_> = options.saved.iter().collect();
    let expected = [
        ("mine", "@odd dir:in"),
        ("odd", "@web or proto:udp"),
        ("web", "port:80,443"),
    ];
    assert_eq!(said, expected.map(|(name, text)| (name, text.to_owned())));
    assert_eq!(options.source.filter.unwrap().to_string(), "@mine");
    // The filter says which protocols there are.
    assert!(
        Group::ALL
            .into_iter()
            .all(|group| options.source.scope.has_group(group))
    );
}

#[test]
fn a_wrong_saved_filter_falls_back_to_that_of_the_system() {
    let files = [
        (OF_ALL, "[filters]\nweb = \"port:80\"\nbad = \"prot:1\"\n"),
        (
            OF_USER,
            "[filters]\nweb = \"prot:80,443\"\nbad = \"prot:2\"\nmine = \"@web dir:in\"\n",
        ),
    ];
    let options = with_filters("-f @mine", &files).unwrap();
    let said: Vec<_> = options.saved.iter().collect();
    let expected = [("mine", "@web dir:in"), ("web", "port:80")];
    assert_eq!(said, expected.map(|(name, text)| (name, text.to_owned())));
    let warnings = options.source.warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[1].starts_with(OF_USER) && warnings[1].contains("line 2: `web`: `prot`"));
    assert!(warnings[1].ends_with("; it stays what the file before says"));
    assert!(warnings[2].contains("line 3: `bad`") && !warnings[2].contains("it stays"));
}

#[test]
fn a_filter_may_have_the_name_of_an_option() {
    let text = "[filters]\nloopback = \"dir:local\"\nlocal = \"port:80,443\"\n\
        theme = \"terminal\"\n";
    let options = with_filters("-f @loopback", &[(OF_USER, text)]).unwrap();
    let names: Vec<_> = options.saved.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["local", "loopback"]);
    // This could well be meant for the lines above the table.
    let warnings = options.source.warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`theme` has to stand above [filters]"));
}

#[test]
fn a_wrong_saved_filter_is_told_with_its_line_and_place() {
    let text = "bits = true\n[filters]\n\
        good = \"tcp\"\n\
        key = \"tcp prot:443\"\n\
        round = \"udp or @about\"\n\
        about = \"@round\"\n\
        uses = \"@key\"\n\
        other = \"@goood\"\n\
        empty = \"\"\n\
        number = 3\n\
        interval = 1\n\
        \"a b\" = \"tcp\"\n";
    let options = with_filters("", &[(OF_USER, text)]).unwrap();
    let warnings: Vec<_> = options
        .source
        .warnings
        .iter()
        .map(|told| told.strip_prefix(&format!("{OF_USER}: ")).unwrap())
        .collect();
    assert_eq!(
        warnings,
        [
            "line 4: `key`: `prot` is no key; did you mean `proto`? To search for it as text, \
             put it in quotes (character 5: `prot`)",
            "line 5: `round`: it would be a part of itself: @round → @about → @round \
             (character 8: `@about`)",
            "line 6: `about`: it would be a part of itself: @about → @round → @about \
             (character 1)",
            "line 7: `uses`: `@key` is wrong itself (character 1)",
            "line 8: `other`: `@goood` is no saved filter; did you mean `@good`? To search for \
             it as text, put it in quotes (character 1)",
            "line 9: `empty`: it asks for nothing; give it a term (character 1)",
            "line 10: `number`: give a text in quotes",
            "line 11: `interval` has to stand above [filters]; here it says nothing",
            "line 12: `a b`: a name is made of letters, digits, - and _ (character 1)",
        ]
    );
    let names: Vec<_> = options.saved.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["good"]);
    for (line, says) in [
        ("-f @goood", "did you mean `@good`?"),
        (
            "-f @key",
            "the saved filter `@key` is wrong itself: `prot` is no key",
        ),
    ] {
        let Err(Usage::Wrong(said)) = with_filters(line, &[(OF_USER, text)]) else {
            panic!("{line}");
        };
        assert!(said.contains(says), "{said}");
        assert!(said.ends_with('^'), "{said}");
    }
    let problems = with_filters("", &[(OF_USER, "filters = 1")])
        .unwrap()
        .source
        .warnings;
    assert!(problems[0].ends_with("`filters` is a table: write [filters]"));
}
