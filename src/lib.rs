//! flowtop: who is talking to whom, how fast, and why.

pub mod flow;
pub mod netlink;
