//! flowtop: who is talking to whom, how fast, and why.
//!
//! # One walk through the house
//!
//! ```text
//! kernel --bytes--> netlink --Update--> collect ==batches==> engine{ table -> view } ==View==> tui | output
//!                                                          ^                ^
//!                                                 Knowledge|                | Query (the newest wins)
//!                                                        enrich            tui | config
//! ```
//!
//! A flow is born as bytes in a netlink datagram ([`netlink`]), becomes an
//! [`Update`](flow::Update) in a batch that a thread of [`collect`] hands on,
//! changes one row of the one [`table`] that the [`engine`] owns, is seen by a
//! pure [`view`] that returns only the window somebody looks at, and is drawn
//! by [`tui`] or written by [`output`]. Nothing flows back except what somebody
//! wants to look at ([`Query`](view::Query)), and, from there, which hosts are
//! worth a question to a nameserver. What is known beyond the kernel's word,
//! services, places and names, is [`Knowledge`](enrich::Knowledge): it belongs
//! to the engine, answers at once with what it has, and may always be behind.
//! What ended flows have moved stays in the groups of a
//! [`Ledger`](view::Ledger).
//!
//! # Rooms
//!
//! | layer | module | owns | may import |
//! |---|---|---|---|
//! | 0 | [`flow`] | the vocabulary: tuple, zone, protocol, state, status, counters, `Report`, `Update` | nothing |
//! | 0 | [`sysctl`] | the kernel's switches: read, switch on, restore | nothing |
//! | 1 | [`netlink`] | bytes: sockets (all `unsafe`), attribute walk, conntrack decode, requests | `flow` |
//! | 2 | [`collect`] | the source: events, dumps, gets; pace, loss; batches out | `netlink`, `flow` |
//! | 2 | [`table`] | every live flow; generations, rates, totals; `apply(update, now)` | `flow` |
//! | 2 | [`enrich`] | what addresses and ports mean: services, places and their updates, names and DNS | `flow`, `netlink` |
//! | 3 | [`view`] | the field registry, columns, units, groups, the window: `(Query, &Table, &Ledger, &mut Knowledge, now) -> View` | `flow`, `table`, `enrich` |
//! | 4 | [`output`] | records to bytes: table, CSV, JSON | `view`, `flow` |
//! | 4 | [`tui`] | screen state, keys, drawing, theme, terminal guard | `view`, `flow` |
//! | 5 | [`engine`] | the loop that owns the table: viewer, samples, events | `collect`, `table`, `enrich`, `view`, `flow` |
//! | 6 | [`config`] | command line, environment and flowtop.toml, lowered once | settings of others |
//! | 7 | `run` | start-up and shut-down order, signals, exit codes | all |
//!
//! `tests/architecture.rs` fails on an import that this table does not list.
//!
//! # Threads
//!
//! `events` drains the event socket and does nothing else; `inquiry` walks the
//! table and asks for single flows; the engine owns all state (its own thread
//! under the viewer, the main thread otherwise); main draws or writes; `input`
//! reads keys; `signals` waits for the end. `names` owns the resolver's cache and
//! sockets; `places` opens databases anew when their files change, and ends. No
//! answer overtakes the event before it: the end of a dump and the absence of a
//! flow wait until the event socket is read empty. Threads exchange moved values over
//! bounded channels; there is no lock, and the only `Arc`s are an immutable
//! view and the restorer of the switches.
//!
//! # Invariants
//!
//! 1. What the kernel did not say is `None`, never zero, and never overwrites
//!    what it did say before.
//! 2. A flow is its zone and original tuple; its id only helps to notice that
//!    the tuple is used again.
//! 3. Every byte that is learned of enters the totals once.
//! 4. Loss is data: counted, shown, answered by a dump; it ends nothing.
//! 5. Absence is proved by asking, never by one dump that did not show it.
//! 6. Time is a parameter; rates and ages come from the monotonic clock.
//! 7. Whatever is changed in the kernel is restored on every exit that a
//!    process can see.

pub mod collect;
pub mod config;
pub mod engine;
pub mod enrich;
pub mod flow;
pub mod netlink;
pub mod output;
mod run;
pub mod sysctl;
pub mod table;
pub mod tui;
pub mod view;

pub use run::run;
