//! flowtop: who is talking to whom, how fast, and why.

pub mod collect;
pub mod enrich;
pub mod flow;
pub mod netlink;
pub mod table;
pub mod tui;
pub mod view;
