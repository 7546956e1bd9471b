//! Rows that stand above all others, in whatever order those are.

use std::cmp::Ordering;

use super::sort::Rank;
use super::{FlowId, Group};

/// Flows and groups that stand above all others of their lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Few: somebody has chosen each.
    flows: Vec<FlowId>,
    groups: Vec<Group>,
}

impl Pins {
    /// Pins of groups, the first pinned first.
    pub fn of(groups: impl IntoIterator<Item = Group>) -> Self {
        Self {
            flows: Vec::new(),
            groups: groups.into_iter().collect(),
        }
    }

    /// Whether a flow is pinned.
    pub fn has_flow(&self, id: FlowId) -> bool {
        self.flows.contains(&id)
    }

    /// Whether a group is pinned.
    pub fn has_group(&self, group: Group) -> bool {
        self.groups.contains(&group)
    }

    /// The groups that are pinned, the first pinned first.
    pub fn groups(&self) -> impl Iterator<Item = Group> {
        self.groups.iter().copied()
    }

    /// Pins a flow, or lets it go; says whether it is pinned now.
    pub fn toggle_flow(&mut self, id: FlowId) -> bool {
        toggle(&mut self.flows, id)
    }

    /// Pins a group, or lets it go; says whether it is pinned now.
    pub fn toggle_group(&mut self, group: Group) -> bool {
        toggle(&mut self.groups, group)
    }

    /// What a flow is ordered by: first of all, whether it is pinned.
    pub(super) fn rank<K>(&self, id: FlowId, key: K) -> Pinned<K> {
        Pinned {
            is_pinned: self.has_flow(id),
            key,
        }
    }
}

fn toggle<T: PartialEq>(pinned: &mut Vec<T>, row: T) -> bool {
    let before = pinned.len();
    pinned.retain(|other| *other != row);
    let is_new = pinned.len() == before;
    if is_new {
        pinned.push(row);
    }
    is_new
}

/// What a row is ordered by, below whether it is pinned.
pub(super) struct Pinned<K> {
    is_pinned: bool,
    key: K,
}

impl<K: Rank> Rank for Pinned<K> {
    /// Pinned rows come first, whichever way the others go.
    fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let by_pin = other.is_pinned.cmp(&self.is_pinned);
        by_pin.then_with(|| self.key.compare(&other.key, descending))
    }
}
