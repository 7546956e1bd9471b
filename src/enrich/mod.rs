//! Names and places: what flowtop finds out about addresses and ports beyond
//! what the kernel says. Every enricher may be late or absent.

pub mod geoip;
pub mod geoip_update;
