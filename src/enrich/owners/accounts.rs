//! Users of this machine, by `/etc/passwd`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Account;
use crate::enrich::names::{self, Watched};

/// Longest name of a user that is shown.
const NAME_BYTES: usize = 64;

/// The users that sockets and processes were found to have.
#[derive(Debug)]
pub(super) struct Accounts {
    file: Watched,
    names: HashMap<u32, Box<str>>,
    /// One for all who mention it.
    given: HashMap<u32, Arc<Account>>,
}

impl Accounts {
    pub(super) fn open(passwd: PathBuf) -> Self {
        let mut accounts = Self {
            file: Watched::new(passwd),
            names: HashMap::new(),
            given: HashMap::new(),
        };
        accounts.refresh();
        accounts
    }

    /// Reads the file again if it has changed.
    pub(super) fn refresh(&mut self) {
        if let Some(content) = self.file.changed() {
            self.names = parse(&content);
            self.given.clear();
        }
    }

    /// The user with this id, by name if the file has one.
    pub(super) fn of(&mut self, uid: u32) -> Arc<Account> {
        let name = || self.names.get(&uid).cloned();
        let given = self.given.entry(uid);
        Arc::clone(given.or_insert_with(|| Arc::new(Account { uid, name: name() })))
    }
}

/// `name:password:uid:...` (passwd(5)). The first line with an id names it, as
/// getpwuid(3) has it.
fn parse(content: &[u8]) -> HashMap<u32, Box<str>> {
    let mut names = HashMap::new();
    for line in content.split(|&octet| octet == b'\n') {
        let mut fields = line.split(|&octet| octet == b':');
        let (Some(name), Some(_), Some(uid)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let uid = std::str::from_utf8(uid)
            .ok()
            .and_then(|uid| uid.parse().ok());
        if let (Some(uid), false) = (uid, name.is_empty()) {
            let name = || names::line(name, NAME_BYTES).into_boxed_str();
            names.entry(uid).or_insert_with(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_an_id_counts_and_garbage_does_not() {
        let names = parse(
            b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n\
              # comment\nodd\x1b:x:7:7:::\n:x:8:8:::\nbad:x:-1:0:::\n+::::::\nlast:x:9",
        );
        assert_eq!(&*names[&0], "root");
        assert_eq!(&*names[&7], "odd\\027");
        assert_eq!(&*names[&9], "last");
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn a_user_without_a_name_has_its_number() {
        let mut accounts = Accounts::open("/nonexistent".into());
        let nameless = accounts.of(1234);
        assert_eq!((nameless.uid, &nameless.name), (1234, &None));
        assert!(Arc::ptr_eq(&nameless, &accounts.of(1234)));
    }
}
