//! The program itself, in namespaces of the laboratory: what it prints, how it
//! ends, and that it leaves the kernel as it was.
//!
//! Tests named `fault_NN_...` each hold one fault of the original, netsniff-ng's
//! flowtop, shut.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "this is test code; clippy only knows functions marked #[test]"
)]
#![expect(unsafe_code, reason = "std neither sends signals nor mounts")]

mod ends;
mod events;
#[path = "../lab/mod.rs"]
mod lab;
mod list;
#[path = "../notation/mod.rs"]
mod notation;
mod program;
mod refused;
