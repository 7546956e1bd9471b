//! The parser of `geoip.conf`: never fails, counts lines soundly, and its
//! warnings never hold a control character.
#![no_main]

use flowtop::enrich::geoip_update::{Conf, Kind, Month};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let conf = Conf::parse(&text);
    let lines = text.lines().count();
    for warning in &conf.warnings {
        assert!((1..=lines).contains(&warning.line));
        assert!(!warning.to_string().contains(char::is_control));
    }
    assert!(conf.old_hosts <= conf.warnings.len());
    let month = Month {
        year: 2026,
        month: 1,
    };
    for kind in Kind::ALL {
        for template in conf.mirrors_of(kind) {
            let urls = template.urls(month);
            assert!((1..=2).contains(&urls.len()));
            for url in urls {
                assert!(!url.to_string().contains(['{', '?', ' ']));
            }
        }
    }
    for name in conf.maxmind.iter().chain(&conf.ipinfo) {
        assert!(!name.is_empty() && !name.contains(['/', '.']));
    }
});
