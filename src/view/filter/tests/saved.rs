//! Saved filters, in filters and in each other.

use super::*;

#[test]
fn a_saved_filter_stands_where_a_term_may() {
    let parse = |text: &str| Filter::parse_with(text, &saved()).map_err(|e| e.to_string());
    for (text, printed) in [
        ("@web", "@web"),
        ("  tcp and @web", "proto:tcp @web"),
        ("!@web or (@both udp)", "!@web or (@both proto:udp)"),
        ("-@half-open", "!@half-open"),
        ("not(@half-open)", "!@half-open"),
        ("port 80 or @web or 443", "port:80 or @web or 443"),
        ("\"@web\" user@1000", "\"@web\" user@1000"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), printed, "{text}");
    }
    let flow = plain();
    for (text, same) in [
        ("@web", "port:80,443"),
        ("!@web", "!port:80,443"),
        ("@both", "port:80,443 !(state:syn_recv or state:syn_sent)"),
        ("@half-open tcp", "(state:syn_recv or state:syn_sent) tcp"),
    ] {
        let holds = |text: &str| parse(text).unwrap().matches(&record(&flow));
        assert_eq!(holds(text), holds(same), "{text}");
        assert_eq!(parse(text).unwrap().needs(), parse(same).unwrap().needs());
    }
    for (text, message, carets) in [
        ("tcp @wbe", "did you mean `@web`?", "      ^^^^"),
        ("@xyz", "there are @both, @half-open, @web.", "  ^^^^"),
        ("@", "the name of a saved filter is missing", "  ^"),
        ("@@web", "is no saved filter", "  ^^^^^"),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert_eq!(error.lines().last(), Some(carets), "{error}");
    }
    let none = Filter::parse("@web").unwrap_err().to_string();
    assert!(
        none.contains("[filters] of flowtop.toml has none"),
        "{none}"
    );
}

#[test]
fn saved_filters_that_hold_each_other_end_somewhere() {
    let wrong = |texts: &[(String, String)]| -> Vec<(String, String)> {
        let known = Definitions::new(texts.iter().map(|(name, text)| (&**name, &**text)));
        let wrong = known.wrong();
        wrong
            .map(|(name, error)| (name.to_owned(), error.message().to_owned()))
            .collect()
    };
    let chain = |length: usize, text: &dyn Fn(usize) -> String| -> Vec<(String, String)> {
        let first = ("f00".to_owned(), "tcp".to_owned());
        let rest = (1..length).map(|i| (format!("f{i:02}"), text(i - 1)));
        std::iter::once(first).chain(rest).collect()
    };
    assert_eq!(wrong(&chain(20, &|i| format!("@f{i:02}"))), []);
    let deep = wrong(&chain(21, &|i| format!("@f{i:02}")));
    assert_eq!(deep.len(), 1);
    assert!(deep[0].1.contains("at most 20"), "{deep:?}");
    // Each twice the one before it: of 13 the last has 4096 terms.
    assert_eq!(wrong(&chain(13, &|i| format!("@f{i:02} @f{i:02}"))), []);
    let long = wrong(&chain(14, &|i| format!("@f{i:02} @f{i:02}")));
    assert!(
        long[0].1.contains("8192 terms, 4096 are the most"),
        "{long:?}"
    );
    let itself = [("a".to_owned(), "tcp @a".to_owned())];
    assert_eq!(wrong(&itself)[0].1, "it would be a part of itself: @a → @a");
}

#[test]
fn suggestions_tell_saved_filters_by_what_they_say() {
    let found = suggest("tcp !@b", 7, &saved());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "@both");
    assert_eq!(found[0].replaces, 5..7);
    assert_eq!(found[0].doc, "@web !@half-open");
    assert_eq!(suggest("@", 1, &saved()).len(), 3);
    assert_eq!(suggest("@", 1, &Definitions::default()), []);
}
