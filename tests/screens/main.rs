//! What the viewer shows, and how keys, views and sizes change it.
//!
//! Screens are compared with `tests/snapshots`; `UPDATE=1 cargo test` rewrites
//! them, the pictures of the README among them.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy does not see that these are tests as well"
)]

mod chart;
mod clients;
mod cursor;
#[path = "../databases/mod.rs"]
mod databases;
mod desk;
mod detail;
mod groups;
mod guide;
mod health;
mod keys;
mod looks;
mod mouse;
mod order;
mod owners;
mod past;
mod picture;
mod portrait;
mod scene;
mod sessions;
mod snapshot;
mod steering;
mod storms;
mod taking;
