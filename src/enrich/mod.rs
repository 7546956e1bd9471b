//! What flows do not say themselves: names and places of hosts.

pub mod dns;
pub mod names;
