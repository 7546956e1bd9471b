//! How the kernel, the interfaces and this program do.
//!
//! An [`Observer`] takes a [`Reading`] whenever somebody asks: what connection
//! tracking counts about its own troubles, what interfaces have carried, how
//! often TCP had to repeat itself, what this program uses. Counters say nothing
//! by themselves; a [`History`] turns readings into [`Vitals`]: totals, what was
//! added since the program began, and rates. [`Fill`] follows how full the table
//! is, reading by reading, and says when it would be full.
//!
//! Everything speaks of the network namespace of the thread that reads.

mod fill;
mod history;
mod links;
mod observer;
mod own;
mod stack;
mod tracking;

pub use fill::Fill;
pub use history::{Count, History, LinkRates, LinkVitals, StackVitals, TrackingVitals, Vitals};
pub use links::Link;
pub use observer::{Observer, Reading, read};
pub use own::Own;
pub use stack::Stack;
pub use tracking::Tracking;

pub use crate::netlink::conntrack::Problems;
pub use crate::netlink::conntrack::stats::{CpuStats, Stat, TableSize};
pub use crate::netlink::route::{Carried, LinkState, Traffic};
pub use crate::netlink::socket::ReceiveBuffer;
