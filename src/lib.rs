//! flowtop: who is talking to whom, how fast, and why.

pub mod collect;
pub mod engine;
pub mod enrich;
pub mod flow;
pub mod netlink;
pub mod sysctl;
pub mod table;
pub mod tui;
pub mod view;
