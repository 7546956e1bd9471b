//! Where rows lie: in chunks that never move, found by key.
//!
//! Chunks rather than one vector: growing copies nothing, wastes at most one
//! chunk, and a dump, which comes in the same order each time, walks memory
//! forward.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::flow::Flow;
use crate::flow::Key;

const CHUNK: usize = 1024;

/// The place of a row. A place is used again after its row is gone.
pub(super) type Slot = u32;

#[derive(Clone, Default)]
pub(super) struct Store {
    chunks: Vec<Box<[Option<Flow>]>>,
    free: Vec<Slot>,
    index: HashTable<Slot>,
    hasher: RandomState,
}

impl Store {
    pub(super) fn with_capacity(flows: usize) -> Self {
        Self {
            index: HashTable::with_capacity(flows),
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn find(&self, key: &Key) -> Option<Slot> {
        self.index
            .find(self.hasher.hash_one(key), |slot| self.is_at(*slot, key))
            .copied()
    }

    /// As [`Store::find`], for a key that is likely to lie at `guess`.
    pub(super) fn find_near(&self, guess: Slot, key: &Key) -> Option<Slot> {
        if self.is_at(guess, key) {
            Some(guess)
        } else {
            self.find(key)
        }
    }

    fn is_at(&self, slot: Slot, key: &Key) -> bool {
        self.get(slot).is_some_and(|flow| flow.key() == key)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Flow> {
        self.chunks
            .get(slot as usize / CHUNK)?
            .get(slot as usize % CHUNK)?
            .as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Flow> {
        self.chunks
            .get_mut(slot as usize / CHUNK)?
            .get_mut(slot as usize % CHUNK)?
            .as_mut()
    }

    /// Adds a row whose key is not in the store yet.
    pub(super) fn insert(&mut self, mut flow: Flow) -> Slot {
        let hash = self.hasher.hash_one(flow.key());
        let slot = self.free.pop().unwrap_or_else(|| {
            let first = (self.chunks.len() * CHUNK) as Slot;
            self.chunks.push((0..CHUNK).map(|_| None).collect());
            // The lowest place is taken first, so that rows lie in the order
            // in which they came.
            self.free.extend((first + 1..first + CHUNK as Slot).rev());
            first
        });
        flow.slot = slot;
        self.chunks[slot as usize / CHUNK][slot as usize % CHUNK] = Some(flow);
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.index.insert_unique(hash, slot, |slot| {
            let flow = &chunks[*slot as usize / CHUNK][*slot as usize % CHUNK];
            flow.as_ref().map_or(0, |flow| hasher.hash_one(flow.key()))
        });
        slot
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Flow> {
        let hash = self.hasher.hash_one(self.get(slot)?.key());
        if let Ok(entry) = self.index.find_entry(hash, |candidate| *candidate == slot) {
            entry.remove();
        }
        let flow = self.chunks[slot as usize / CHUNK][slot as usize % CHUNK].take();
        self.free.push(slot);
        flow
    }

    /// Every row, in the order of the places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Slot, &Flow)> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .enumerate()
            .filter_map(|(slot, flow)| Some((slot as Slot, flow.as_ref()?)))
    }
}
