//! Flows put together by country, network and service, live and ended.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod counted;
#[path = "../databases/mod.rs"]
mod databases;
mod ended;
mod expressions;
mod ours;
mod places;
mod scene;
mod window;
mod within;
