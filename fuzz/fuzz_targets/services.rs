//! Lines of a file of service names: no line is misread, and what was read can
//! be written and read again.
#![no_main]

use flowtop::enrich::services::{Transport, parse_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for line in text.lines() {
        match parse_line(line) {
            Ok(None) => {}
            Ok(Some(entry)) => {
                assert!(entry.first <= entry.last);
                let name = entry.name.unwrap_or("-");
                assert!((1..=32).contains(&name.len()) && name.is_ascii());
                let proto = match entry.transport {
                    None => "",
                    Some(Transport::Tcp) => "/tcp",
                    Some(Transport::Udp) => "/udp",
                    Some(Transport::Sctp) => "/sctp",
                    Some(Transport::Dccp) => "/dccp",
                };
                let again = format!("{}-{}{proto}, {name}", entry.first, entry.last);
                assert_eq!(parse_line(&again), Ok(Some(entry)));
            }
            // What the user sees must not be able to write to the terminal.
            Err(error) => assert!(!error.to_string().chars().any(char::is_control)),
        }
    }
});
