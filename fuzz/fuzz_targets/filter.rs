//! Filters: no text is too strange, what is understood is written so that it
//! is understood the same, and what is not is told with a place in the text.
#![no_main]

use flowtop::view::filter::{Definitions, Filter, suggest};
use flowtop::view::field::{Event, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Filter::parse(text) {
        Ok(filter) => {
            let canonical = filter.to_string();
            assert!(!canonical.chars().any(char::is_control));
            // A limit on the length is for what people write.
            if canonical.len() <= 4096 {
                assert_eq!(Filter::parse(&canonical), Ok(filter.clone()), "{canonical}");
            }
            filter.matches(&Record {
                event: Event::Lost,
                ts_ns: 0,
                row: None,
                count: Some(1),
            });
        }
        Err(error) => {
            assert!(text.get(error.span()).is_some());
            // What the user sees must not be able to write to the terminal.
            let seen = error.to_string();
            assert!(!seen.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
    suggest(text, text.len() / 2, &Definitions::default());
    suggest(text, text.len(), &Definitions::default());
});
