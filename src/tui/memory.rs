//! What the viewer remembers from one run to the next.

use std::collections::BTreeMap;

use crate::view::column::{Choice, Hosts, Ports};
use crate::view::units::RateUnit;

/// What was last chosen in the viewer. What hides flows (protocols, the filter in
/// force, directions) is not among it: nobody should look for them tomorrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Name of the theme.
    pub theme: Option<String>,
    /// The columns of flows.
    pub columns: Option<Choice>,
    /// The unit of rates.
    pub unit: Option<RateUnit>,
    /// How hosts are written.
    pub hosts: Option<Hosts>,
    /// How ports are written.
    pub ports: Option<Ports>,
    /// By what each list is sorted, by its name: a column, and `:asc` or
    /// `:desc`. What is not known any more says nothing.
    pub sorts: BTreeMap<String, String>,
    /// Hosts that were pinned, in a list by its name: `host 192.0.2.1`. What is
    /// not known any more says nothing.
    pub pins: Vec<String>,
    /// Filters that were typed, the latest last.
    pub filters: Vec<String>,
}
