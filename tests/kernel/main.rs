//! The library below the binary against the running kernel: what real traffic
//! becomes in the table.
//!
//! Tests named `fault_NN_...` each hold one fault of the original, netsniff-ng's
//! flowtop, shut.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]

mod allowed;
mod asked;
mod figures;
#[path = "../lab/mod.rs"]
mod lab;
mod lives;
#[path = "../notation/mod.rs"]
mod notation;
mod observed;
mod rows;
#[path = "../watch/mod.rs"]
mod watch;
