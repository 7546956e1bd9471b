//! Rows that keep their places.

use std::collections::HashMap;
use std::sync::Arc;

use super::{FlowId, Group};

/// Whether rows keep the places that they have.
#[derive(Clone, Debug, Default)]
pub enum Freeze {
    /// They do not.
    #[default]
    No,
    /// From this view on.
    Now,
    /// They do; those that have come since stand below.
    Kept(Arc<Kept>),
}

impl PartialEq for Freeze {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::No, Self::No) | (Self::Now, Self::Now) => true,
            (Self::Kept(a), Self::Kept(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Freeze {}

/// An order that is kept: the place of every row.
#[derive(Debug, Default)]
pub struct Kept {
    flows: HashMap<FlowId, u32, foldhash::fast::RandomState>,
    groups: HashMap<Group, u32, foldhash::fast::RandomState>,
}

impl Kept {
    pub(super) fn flows(ids: impl Iterator<Item = FlowId>) -> Self {
        Self {
            flows: ids.zip(0..).collect(),
            ..Self::default()
        }
    }

    pub(super) fn groups(groups: impl Iterator<Item = Group>) -> Self {
        Self {
            groups: groups.zip(0..).collect(),
            ..Self::default()
        }
    }

    /// The place of a flow; `None` if it has come since.
    pub(super) fn place_of_flow(&self, id: FlowId) -> Option<u32> {
        self.flows.get(&id).copied()
    }

    /// The place of a group; `None` if it has come since.
    pub(super) fn place_of(&self, group: Group) -> Option<u32> {
        self.groups.get(&group).copied()
    }
}
