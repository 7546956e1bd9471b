//! flowtop: who is talking to whom, how fast, and why.

pub mod enrich;
pub mod flow;
