//! What the viewer shows, and how keys, views and sizes change it.
//!
//! Screens are compared with `tests/snapshots`; `UPDATE=1 cargo test` rewrites
//! them.

#![expect(
    clippy::expect_used,
    reason = "clippy does not see that these are tests as well"
)]

mod cursor;
mod keys;
mod looks;
mod scene;
mod snapshot;
mod storms;
