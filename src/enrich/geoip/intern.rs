//! Names of cities and organisations, each held once.
//!
//! A hundred thousand hosts belong to a few thousand organisations: places
//! share their strings, so that one costs 40 bytes and no allocation.

use std::collections::HashSet;
use std::sync::Arc;

/// How many unused names are kept before the first sweep.
const FIRST_SWEEP: usize = 1024;

/// The pool of names that places share. Belongs to whoever asks for places;
/// outlives a change of databases.
#[derive(Debug)]
pub struct NamePool {
    names: HashSet<Arc<str>, foldhash::fast::RandomState>,
    sweep_at: usize,
}

impl NamePool {
    /// An empty pool.
    pub fn new() -> Self {
        Self {
            names: HashSet::default(),
            sweep_at: FIRST_SWEEP,
        }
    }

    /// The shared copy of `name`, without control characters: a file that
    /// somebody made must not speak to the terminal.
    pub(crate) fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        if name.contains(char::is_control) {
            let clean: String = name.chars().filter(|c| !c.is_control()).collect();
            return self.share(&clean);
        }
        if self.names.len() >= self.sweep_at {
            self.sweep();
        }
        let shared: Arc<str> = name.into();
        self.names.insert(Arc::clone(&shared));
        shared
    }

    /// Forgets names that no place holds any more. Runs when the pool has
    /// doubled since the last time, so that a name costs a constant share.
    fn sweep(&mut self) {
        self.names.retain(|name| Arc::strong_count(name) > 1);
        self.sweep_at = (self.names.len() * 2).max(FIRST_SWEEP);
    }

    /// How many names are held.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no name is held.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

impl Default for NamePool {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_share_one_allocation() {
        let mut pool = NamePool::new();
        let first = pool.share("Example Networks");
        assert!(Arc::ptr_eq(&first, &pool.share("Example Networks")));
        assert_eq!(pool.len(), 1);
    }

    #[test]
    fn names_cannot_speak_to_the_terminal() {
        let mut pool = NamePool::new();
        let name = pool.share("Köln\u{1b}[2J\u{9b}31m\n");
        assert_eq!(&*name, "Köln[2J31m");
        assert!(Arc::ptr_eq(&name, &pool.share("Köln[2J31m")));
    }

    #[test]
    fn names_nobody_holds_are_forgotten_before_the_pool_doubles() {
        let mut pool = NamePool::new();
        let kept = pool.share("kept");
        for n in 0..10 * FIRST_SWEEP {
            pool.share(&format!("passing {n}"));
        }
        assert!(pool.len() <= FIRST_SWEEP + 1, "{}", pool.len());
        assert!(Arc::ptr_eq(&kept, &pool.share("kept")));
    }
}
