//! The vocabulary of connection tracking: what every other module speaks.
//!
//! A flow is what the kernel calls a connection: two [`Tuple`]s (how the first
//! packet looked, and how answers look), a protocol state, status bits, and,
//! where accounting is on, packet and byte counters each way. The kernel tells
//! about flows in messages; one message is one [`Report`], and everything a
//! source can say is one [`Update`].
//!
//! Nothing here does I/O, reads a clock or allocates on the common path.

mod counters;
mod direction;
mod figures;
mod report;
mod scope;
mod state;
mod status;
mod time;
mod tuple;

pub use counters::{Counters, Pair};
pub use direction::Direction;
pub use figures::{Congestion, TcpFigures};
pub use report::{Batch, Origin, Rare, Report, Update};
pub use scope::{Class, Group, Scope};
pub use state::State;
pub use status::Status;
pub use time::Moment;
pub use tuple::{Family, Key, L4, Protocol, Tuple};
