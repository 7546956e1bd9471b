//! Names and places: what a flow's addresses and ports mean to a person.
//!
//! Everything here may be late or absent; nothing waits for it.

mod atlas;
mod baseline;
pub mod dns;
pub mod geoip;
pub mod geoip_update;
mod knowledge;
mod labels;
pub mod locality;
pub mod names;
pub mod nfsd;
pub mod owners;
pub mod services;
mod timeouts;

pub use baseline::Baseline;
pub use knowledge::{End, Knowledge};
pub use labels::{Label, Labels};
pub use timeouts::Timeouts;
