//! flowtop: who is talking to whom, how fast, and why.
//!
//! # One walk through the house
//!
//! ```text
//! kernel --bytes--> netlink --Update--> collect ==batches==> engine{ table -> view } ==View==> tui | output
//!                                                          ^  |  ^            ^
//!                                       answers, databases |  v  | Knowledge  | Query (the newest wins)
//!                                                        enrich: names,      tui | config
//!                                                        places, services
//! ```
//!
//! A flow is born as bytes in a netlink datagram ([`netlink`]), becomes an
//! [`Update`](flow::Update) in a batch that a thread of [`collect`] hands on,
//! changes one row of the one [`table`] that the [`engine`] owns, is seen by a
//! pure [`view`] that returns only the window somebody looks at, and is drawn
//! by [`tui`] or written by [`output`]. Nothing flows back except what somebody
//! wants to look at ([`Query`](view::Query)) and what was found out about it.
//!
//! What is found out is one value beside the table, and has the same owner:
//! [`Knowledge`](enrich::Knowledge) answers at once with what it knows of a
//! host, looks places up in files it has in memory, and says which names are
//! worth asking for. The engine hands those of the window to the
//! [`Resolver`](enrich::dns::Resolver) and merges its answers when they come.
//! A flow that ends is booked in the [`Ledger`](view::Ledger), so that the
//! lists of groups that somebody looks at keep its bytes.
//!
//! # Rooms
//!
//! | layer | module | owns | may import |
//! |---|---|---|---|
//! | 0 | [`flow`] | the vocabulary: tuple, zone, protocol, state, status, counters, `Report`, `Update` | nothing |
//! | 0 | [`sysctl`] | the kernel's switches: read, switch on, restore | nothing |
//! | 1 | [`netlink`] | bytes: sockets (all `unsafe`), attribute walk; what conntrack, sockets and routing say; requests; a table of ours in nftables | `flow` |
//! | 2 | [`collect`] | the sources: connection tracking (events, dumps, gets; pace, loss), `Sockets`; batches out | `netlink`, `flow` |
//! | 2 | [`table`] | every live flow; generations, rates, totals; `apply(update, now)` | `flow` |
//! | 2 | [`enrich`] | what addresses and ports mean: `services`, `names` and `dns`, `geoip` and its update; which way flows go: `locality`; whose they are: `owners`; what the NFS server says: `nfsd`; `Knowledge` of all | `flow`, `netlink` |
//! | 2 | [`vitals`] | how the kernel, the interfaces and this program do: readings on a thread of their own, what they add up to; how full the table is | `flow`, `netlink` |
//! | 3 | [`view`] | the field registry, columns, units, groups, pseudonyms (`mask`), histories and charts, the window: `(Query, &Table, &Ledger, &mut Knowledge, now) -> View` | `flow`, `table`, `enrich`, `vitals` |
//! | 4 | [`output`] | records and groups to bytes: table, CSV, JSON | `view`, `flow` |
//! | 4 | [`tui`] | screen state, keys and mouse, options, help, drawing, theme, terminal guard | `view`, `flow` |
//! | 5 | [`engine`] | the loop that owns the table: viewer (what charts remember; the picture that a paused one shows; all rows for an export, in pieces), samples, events | `collect`, `table`, `enrich`, `vitals`, `view`, `flow` |
//! | 6 | [`config`] | command line, environment, flowtop.toml and what the viewer remembered (state.toml), lowered once | settings of others |
//! | 7 | `run` | start-up and shut-down order, signals, exit codes; standing still for a shell; new files of screens and exports, options kept in flowtop.toml | all |
//!
//! `tests/architecture.rs` fails on an import that this table does not list.
//!
//! # Threads
//!
//! `events` drains the event socket and does nothing else; `inquiry` walks the
//! table and asks for single flows; `sockets` does both, where sockets are the
//! source. The engine owns all state (its own thread under the viewer, the main
//! thread otherwise); main draws or writes; `input` reads keys; `signals` waits
//! for the end, and `suspend` for a shell that wants the terminal. `names` owns
//! the cache, the queue and the pace of lookups; for each nameserver a thread
//! waits for replies, or a few wait for libc. `places` lives only while changed
//! databases are opened, `export` only while a screen or rows are written to a
//! file.
//! `nfsd` reads what the NFS server says of its clients, where they are shown.
//! `vitals` reads what the kernel counts about itself, while somebody looks.
//! `locality` follows addresses, routes and neighbours. `owners` asks for
//! sockets and reads processes; for a moment at a time a thread of its visits
//! another network namespace.
//! Threads exchange moved values over bounded channels; there is no lock, and
//! the only `Arc`s are immutable views, databases and names, flags that say
//! stop, and the restorer of the switches.
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
//!    No answer overtakes the event before it: the end of a dump and the absence
//!    of a flow wait until the event socket is read empty.
//! 6. Time is a parameter; rates and ages come from the monotonic clock.
//! 7. Nothing waits for a name or a database; who asks may be told nothing.
//! 8. Text that others chose (names, organisations) is made fit for a terminal
//!    where it enters, not where it is drawn.
//! 9. Whatever is changed in the kernel is restored on every exit that a
//!    process can see.
//! 10. Under a [`Mask`](view::mask::Mask) the true view is there for what keys
//!     do, and nothing that draws or writes can reach it.

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
pub mod vitals;

pub use run::run;
