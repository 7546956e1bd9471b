//! All rows of a query for a writer, a few at a time between everything else.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use super::still::Sight;
use crate::flow::Moment;
use crate::view::{Piece, Query, Whole};

/// Flows handed on at a time: some milliseconds of work, so that a key waits no
/// longer than for a frame.
const PIECE: usize = 2048;
/// When to try again after the writer was too slow to take a piece.
const RETRY: Duration = Duration::from_millis(2);

/// What a writer is told.
#[derive(Debug)]
pub enum Exported {
    /// So many rows will come, save those that end before.
    Begin(usize, Moment),
    /// Some of them.
    Rows(Piece),
    /// There are no more.
    End,
}

/// Somebody wants all rows of a query.
#[derive(Debug)]
pub struct Export {
    /// Which ones, and in which order; where its window is does not matter.
    pub query: Query,
    /// Who wants them. Whoever is gone wants no more.
    pub writer: SyncSender<Exported>,
}

/// An export under way.
pub(super) struct Exporting {
    whole: Whole,
    /// Whether it is of the picture that a paused view shows.
    pub(super) is_paused: bool,
    writer: SyncSender<Exported>,
    /// What the writer had no room for.
    next: Option<Exported>,
    /// When to go on.
    pub(super) due: Moment,
    is_over: bool,
}

impl Exporting {
    pub(super) fn begin(export: Export, sight: &mut Sight<'_>, now: Moment) -> Self {
        let (query, at) = (&export.query, sight.at);
        let whole = Whole::of(query, sight.table, sight.ledger, sight.knowledge, at);
        Self {
            next: Some(Exported::Begin(whole.rows(), at)),
            is_paused: query.paused,
            whole,
            writer: export.writer,
            due: now,
            is_over: false,
        }
    }

    /// Hands on one piece. Whether there is more to come.
    pub(super) fn go_on(&mut self, sight: &mut Sight<'_>, now: Moment) -> bool {
        let next = self.next.take().unwrap_or_else(|| {
            let (table, ledger) = (sight.table, sight.ledger);
            let piece = self
                .whole
                .piece(table, ledger, sight.knowledge, sight.at, PIECE);
            piece.map_or(Exported::End, Exported::Rows)
        });
        self.is_over |= matches!(next, Exported::End);
        match self.writer.try_send(next) {
            Ok(()) => !self.is_over,
            Err(TrySendError::Full(next)) => {
                self.next = Some(next);
                self.due = now.after(RETRY);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}
