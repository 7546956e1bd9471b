//! flowtop: who is talking to whom, how fast, and why.

pub mod collect;
pub mod config;
pub mod enrich;
pub mod flow;
pub mod netlink;
pub mod output;
pub mod table;
pub mod view;
